"""A whole made-up trial of 270 subjects, as R analysed it, through the endpoint functions of the analysis."""

import csv
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from oligami.analysis.endpoints import EndpointResult, analyse_endpoint
from oligami.analysis.measures import proportion
from oligami.analysis.progression import analyse_progression_sites
from oligami.data.datasets import TimeToEvent
from oligami.protocol.model.allocation import Factor
from oligami.protocol.model.common import Origin, OriginKind, Text

REFERENCE = Path(__file__).parents[1] / "reference" / "stats"
CASES = {case["id"]: case for case in json.loads((REFERENCE / "oligami_trial.json").read_text())["cases"]}
ROWS = list(csv.DictReader((REFERENCE / "data" / "oligami_sim1.csv").read_text().splitlines()))
# Default tolerance of the reference file; subgroups were read to fewer digits and carry their own.
CLOSE = {"rel": 1e-7, "abs": 1e-8}


def outcome(row: dict[str, str], cutoff: int, endpoint: str) -> tuple[float, bool, str]:
    """Days, event and cause of one subject by the rule of the cases."""
    follow_up = min(cutoff - int(row["entry_day"]), int(row["ltfu_day"] or 10**6))
    death = int(row["os_day"] or 10**6)
    progression = int(row["pd_day"] or 10**6) if endpoint == "pfs" else 10**6
    end = min(death, progression)
    if end > follow_up:
        return float(follow_up), False, "last_alive"
    return float(end), True, "progression_imaging" if progression <= death else "death"


def dataset(cutoff: int, endpoint: str) -> TimeToEvent:
    """The rows of the reference as a dataset."""
    rows = [row for row in ROWS if int(row["entry_day"]) < cutoff]
    outcomes = [outcome(row, cutoff, endpoint) for row in rows]
    return TimeToEvent(
        endpoint=endpoint,
        subject=tuple(row["pid"] for row in rows),
        arm=tuple(row["arm"] for row in rows),
        stratum=tuple(row["subtype"] for row in rows),
        time_days=np.array([time for time, _, _ in outcomes]),
        event=np.array([event for _, event, _ in outcomes]),
        cause=tuple(cause for _, _, cause in outcomes),
        start_date=tuple(date(2020, 1, 1) for _ in rows),
        end_date=tuple(date(2020, 1, 1) for _ in rows),
    )


def factor(name: str, *levels: str) -> Factor:
    """A balancing factor for subgroups."""
    return Factor(id=name, title=Text(name, name), expression=name, levels=levels, origin=Origin(kind=OriginKind.DEFAULT))


@pytest.fixture
def analysed(protocol):
    """Analyse an endpoint of the reference trial at a cut."""

    def make(cutoff: int, endpoint: str = "os") -> EndpointResult:
        wanted = next(own for own in protocol.analysis.endpoint if own.id == endpoint)
        factors = (factor("subtype", "HER2", "luminal", "TN"), factor("n_mets", "1", "2", "3"))
        levels = {own.id: {row["pid"]: row[own.id] for row in ROWS} for own in factors}
        return analyse_endpoint(
            dataset(cutoff, endpoint), wanted, analysis=protocol.analysis, arms=("A", "B"), factors=factors, levels=levels
        )

    return make


@pytest.mark.parametrize("cutoff", [1096, 1826, 2922])
def test_hazard_ratios_and_tests_at_three_cuts(analysed, cutoff):
    """Events, log-rank tests and hazard ratios with both intervals are those of R, stratified and not."""
    expected = CASES[f"oligami_sim1-cut{cutoff}-os"]["expected"]
    result = analysed(cutoff)
    comparison = result.comparisons[0]
    assert {curve.arm: curve.n for curve in result.curves} == expected["n_by_arm"]
    assert {curve.arm: curve.events for curve in result.curves} == expected["events_by_arm"]
    assert comparison.unstratified.z == pytest.approx(expected["logrank_z"], **CLOSE)
    assert comparison.unstratified.p_one_sided == pytest.approx(expected["logrank_p_one_sided"], **CLOSE)
    assert comparison.stratified.z == pytest.approx(expected["stratified_logrank_z"], **CLOSE)
    assert comparison.stratified.p_one_sided == pytest.approx(expected["stratified_logrank_p_one_sided"], **CLOSE)
    plain, stratified = comparison.hazard_ratio_unstratified, comparison.hazard_ratio
    assert plain.value == pytest.approx(expected["hr"], **CLOSE)
    assert stratified.value == pytest.approx(expected["hr_stratified"], **CLOSE)
    for estimate, level, limits in (
        (plain, 0.90, expected["hr_ci90"]),
        (plain, 0.95, expected["hr_ci95"]),
        (stratified, 0.90, expected["hr_stratified_ci90"]),
    ):
        interval = estimate.interval(level)
        assert [interval.lower, interval.upper] == pytest.approx(limits, **CLOSE)


@pytest.mark.parametrize("endpoint", ["os", "pfs"])
def test_curves_at_each_year(analysed, endpoint):
    """Survival with log-log limits at one to five years, numbers at risk and medians are those of R."""
    expected = CASES[f"oligami_sim1-final-{endpoint}-km"]["expected"]["arms"]
    curves = {curve.arm: curve for curve in analysed(2922, endpoint).curves}
    for arm in expected:
        curve = curves[arm["arm"]]
        assert [point.n_risk for point in curve.milestones] == arm["n_risk"]
        assert [point.survival.value for point in curve.milestones] == pytest.approx(arm["surv"], **CLOSE)
        intervals = [point.survival.interval(0.95) for point in curve.milestones]
        assert [interval.lower for interval in intervals] == pytest.approx(arm["lower"], **CLOSE)
        assert [interval.upper for interval in intervals] == pytest.approx(arm["upper"], **CLOSE)
        assert curve.median_days.value == arm["median"]
        median = curve.median_days.interval(0.95)
        assert [median.lower, median.upper] == [arm["median_lower"], arm["median_upper"]]


def test_difference_at_five_years(analysed):
    """The difference of survival at five years with both intervals is that of R."""
    expected = CASES["oligami_sim1-final-5y"]["expected"]
    (found,) = analysed(2922).comparisons[0].differences
    assert found.years == 5
    assert found.difference.value == pytest.approx(expected["diff_B_minus_A"], **CLOSE)
    for level, key in ((0.90, "ci90"), (0.95, "ci95")):
        interval = found.difference.interval(level)
        assert [interval.lower, interval.upper] == pytest.approx(expected[key], **CLOSE)


def test_subgroups_and_interaction(analysed):
    """Hazard ratios in each level and the test of interaction are those of R."""
    expected = {own["variable"]: own for own in CASES["oligami_sim1-final-subgroups"]["expected"]["subgroups"]}
    for found in analysed(2922).comparisons[0].subgroups:
        published = {level["level"]: level for level in expected[found.factor]["levels"]}
        for group in found.levels:
            level = published[group.level]
            assert (sum(group.n), sum(group.events)) == (level["n"], level["events"])
            assert group.hazard_ratio.value == pytest.approx(level["hr"], rel=1e-6)
            interval = group.hazard_ratio.interval(0.95)
            assert [interval.lower, interval.upper] == pytest.approx(level["ci95"], rel=1e-6)
        assert found.interaction_p == pytest.approx(expected[found.factor]["interaction_p"], rel=1e-6)


def test_site_of_progression(protocol):
    """Cumulative incidence of each kind of first event at one, three and five years is that of R."""
    wanted = next(own for own in protocol.analysis.endpoint if own.id == "progression_site")
    names = {"1": "oligometastases", "2": "non_oligometastases"}
    sites = {row["pid"]: names.get(row["pd_type"]) for row in ROWS}
    found = analyse_progression_sites(dataset(2922, "pfs"), wanted, analysis=protocol.analysis, arms=("A", "B"), sites=sites)
    causes = {1: "oligometastases", 2: "non_oligometastases", 3: "death_without_progression"}
    for curve in CASES["oligami_sim1-final-progression-site"]["expected"]["curves"]:
        arm = next(own for own in found.arms if own.arm == curve["arm"])
        cause = next(own for own in arm.causes if own.cause == causes[curve["cause"]])
        values = [estimate.value for years, estimate in cause.milestones if years in (1, 3, 5)]
        assert values == pytest.approx(curve["cif"], **CLOSE)


@pytest.mark.parametrize("table", CASES["oligami_sim1-final-safety-qol"]["expected"]["tables"], ids=lambda own: own["variable"])
@pytest.mark.parametrize("arm", ["A", "B"])
def test_exact_intervals_of_proportions(table, arm):
    """Exact intervals of severe and serious events and of quality of life are those of R."""
    found = proportion(table[f"x{arm}"], table[f"n{arm}"], 0.95)
    assert [found.interval.lower, found.interval.upper] == pytest.approx(table[f"clopper_pearson_{arm}"], **CLOSE)
