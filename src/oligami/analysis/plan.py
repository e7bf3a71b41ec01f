"""The plan of analysis: from the datasets of a cut to all results, endpoint by endpoint as the protocol lists them."""

from datetime import date, timedelta

from oligami.analysis.accrual import describe_accrual
from oligami.analysis.baseline import describe_baseline
from oligami.analysis.deviations import describe_data_quality, describe_deviations
from oligami.analysis.endpoints import EndpointResult, analyse_endpoint
from oligami.analysis.flow import describe_flow
from oligami.analysis.local_therapy import describe_local_therapy
from oligami.analysis.progression import ProgressionSites, analyse_progression_sites
from oligami.analysis.quality_of_life import analyse_quality_of_life
from oligami.analysis.results import Headline, Results
from oligami.analysis.safety import analyse_safety
from oligami.analysis.therapy import describe_therapy
from oligami.data.datasets import Datasets, TimeToEvent
from oligami.protocol.model.protocol import Protocol


def analyse(datasets: Datasets, protocol: Protocol) -> Results:
    """Analyse a cut.

    Nobody registered, nobody randomized, an empty arm or no event are results too: every number that is not defined is None.

    Args:
        datasets: of the cut; its arms in the protocol's order, control first.
        protocol: the version in force; arms, endpoints, strata, levels and words come from it.

    Raises:
        ValueError: the datasets lack an endpoint that the protocol lists, or the protocol names no primary endpoint.
    """
    endpoints = _endpoints(datasets, protocol)
    primary = next((endpoint.id for endpoint in protocol.analysis.endpoint if endpoint.primary), None)
    if primary is None or primary not in endpoints:
        raise ValueError(f"protocol {protocol.id} {protocol.version} names no primary time-to-event endpoint")
    flow = describe_flow(datasets, protocol)
    planned = _planned_analysis(datasets, protocol)
    return Results(
        provenance=datasets.provenance,
        arms=datasets.arms,
        headline=Headline(
            primary=primary,
            registered=flow.registered,
            randomized=flow.randomized,
            deaths=endpoints[primary].events,
            planned_analysis=planned,
            is_planned_analysis=planned is not None and datasets.provenance.up_to >= planned,
            alpha=protocol.design.alpha,
            sided=protocol.design.sided,
            milestone_years=protocol.design.milestone_years,
        ),
        flow=flow,
        accrual=describe_accrual(datasets, protocol),
        baseline=describe_baseline(datasets, protocol),
        endpoints=endpoints,
        progression_sites=_progression_sites(datasets, protocol),
        local_therapy=describe_local_therapy(datasets, protocol),
        therapy=describe_therapy(datasets, protocol),
        safety=analyse_safety(datasets, protocol),
        quality_of_life=analyse_quality_of_life(datasets, protocol),
        deviations=describe_deviations(datasets, protocol),
        data_quality=describe_data_quality(datasets, protocol),
    )


def _endpoints(datasets: Datasets, protocol: Protocol) -> dict[str, EndpointResult]:
    wanted = [endpoint for endpoint in protocol.analysis.endpoint if endpoint.kind == "time_to_event"]
    missing = [endpoint.id for endpoint in wanted if endpoint.id not in datasets.endpoints]
    if missing:
        raise ValueError(f"datasets lack the endpoints {', '.join(missing)}; they hold {', '.join(datasets.endpoints)}")
    subjects = datasets.subjects
    levels = {factor: dict(zip(subjects.subject, column, strict=True)) for factor, column in subjects.factors.items()}
    return {
        endpoint.id: analyse_endpoint(
            datasets.endpoints[endpoint.id],
            endpoint,
            analysis=protocol.analysis,
            arms=datasets.arms,
            # Subgroups belong to the primary endpoint alone: of the others they would be a crowd of chance findings.
            factors=protocol.allocation.factors if endpoint.primary else (),
            levels=levels,
        )
        for endpoint in wanted
    }


def _progression_sites(datasets: Datasets, protocol: Protocol) -> dict[str, ProgressionSites]:
    survival = _progression_free_survival(datasets, protocol)
    sites = dict(zip(datasets.subjects.subject, datasets.subjects.progression_site, strict=True))
    return {
        endpoint.id: analyse_progression_sites(survival, endpoint, analysis=protocol.analysis, arms=datasets.arms, sites=sites)
        for endpoint in protocol.analysis.endpoint
        if endpoint.kind == "progression_site" and survival is not None
    }


def _progression_free_survival(datasets: Datasets, protocol: Protocol) -> TimeToEvent | None:
    """The endpoint whose events are progression and death of everybody randomized."""
    for endpoint in protocol.analysis.endpoint:
        if {"progression_imaging", "death"} <= set(endpoint.event) and endpoint.population == "randomized":
            return datasets.endpoints[endpoint.id]
    return None


def _planned_analysis(datasets: Datasets, protocol: Protocol) -> date | None:
    """The planned follow-up after the last randomization, once nobody more can be randomized.

    That is when all that were planned are randomized, or when the first stage is full and nobody is on the way any more.
    """
    subjects, design = datasets.subjects, protocol.design
    days = [
        when
        for when, annulled in zip(subjects.randomization_date, subjects.annulled, strict=True)
        if when is not None and not annulled
    ]
    on_the_way = sum(
        status == "in_therapy" and not annulled for status, annulled in zip(subjects.status, subjects.annulled, strict=True)
    )
    registered = sum(not annulled for annulled in subjects.annulled)
    is_over = registered >= design.registered_planned and on_the_way == 0
    if not days or (len(days) < design.randomized_planned and not is_over):
        return None
    return max(days) + timedelta(days=round(design.follow_up_years * protocol.analysis.days_per_year))
