"""From a protocol and a scenario to a plan: the protocol's own numbers, rule, looks and bounds, and the scenario's assumptions."""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from oligami.analysis.design.basis import basis_of
from oligami.protocol.model.design import InterimPlan
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.problems import find_near_miss
from oligami.simulation.fast.plan import Allocation, Look, Minimization, Plan, Test
from oligami.simulation.fast.scenario import Effect, OperatingScenario
from oligami.simulation.predictability import uneven_sites
from oligami.simulation.scenario import ScenarioError
from oligami.stats.arguments import Floats
from oligami.stats.sequential import boundaries, spending_named

MONTHS_PER_YEAR: Final = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A departure from a scenario, for sweeps; None leaves what the scenario says.

    control: share alive at the milestone in the control arm, for all; an effect given by `experimental` keeps that share, one given
    by hazard ratios keeps those. experimental: likewise in the experimental arm. hazard_ratio: for all times, instead of it.
    accrual_months, pass_share: as in the scenario. interim: looks and spending instead of the protocol's own.
    planned_events: of the look at full information; by Freedman's formula if None.
    """

    control: float | None = None
    experimental: float | None = None
    hazard_ratio: float | None = None
    accrual_months: float | None = None
    pass_share: float | None = None
    interim: InterimPlan | None = None
    planned_events: int | None = None

    def __post_init__(self) -> None:
        """Refuse a change that no scenario could be.

        Raises:
            ValueError: a number is out of its range, or the effect is given twice.
        """
        ranges = {
            "control": (self.control, 1.0, "between 0 and 1"),
            "experimental": (self.experimental, 1.0, "between 0 and 1"),
            "hazard_ratio": (self.hazard_ratio, math.inf, "above 0"),
            "accrual_months": (self.accrual_months, math.inf, "above 0"),
            "planned_events": (self.planned_events, math.inf, "above 0"),
        }
        for name, (value, limit, expected) in ranges.items():
            if value is not None and not 0 < value < limit:
                raise ValueError(f"{name} is {value}; it must be {expected}")
        if self.pass_share is not None and not 0 <= self.pass_share <= 1:
            raise ValueError(f"pass_share is {self.pass_share}; it must be from 0 to 1")
        if self.experimental is not None and self.hazard_ratio is not None:
            raise ValueError("experimental and hazard_ratio both give the effect; name one of them")


def find_misfits(scenario: OperatingScenario, protocol: Protocol) -> tuple[str, ...]:
    """Return what of a scenario does not fit a protocol: key, found, expected, near miss; empty if all does."""
    if scenario.trial != protocol.id:
        return (f"trial: found {scenario.trial!r}; the protocol is of trial {protocol.id!r}",)
    levels = {factor.id: factor.levels for factor in protocol.allocation.factors if factor.levels}
    found: list[str] = []

    def demand(key: str, kind: str, word: str, known: list[str]) -> None:
        if word not in known:
            near = find_near_miss(word, known)
            hint = f"; did you mean {near}?" if near else f"; there are {', '.join(known) or 'none'}"
            found.append(f"{key}: found {word!r}, which is no {kind} of the protocol{hint}")

    for factor, shares in scenario.shares.items():
        demand("shares", "balancing factor with levels", factor, list(levels))
        for level in shares:
            demand(f"shares.{factor}", "level", level, list(levels.get(factor, ())))
    survival = scenario.survival
    if survival.factor is not None:
        demand("survival.factor", "balancing factor with levels", survival.factor, list(levels))
    for key, values in (("survival.control", survival.control), ("attrition.pass_share", scenario.attrition.pass_share)):
        if isinstance(values, dict):
            known = list(levels.get(survival.factor or "", ()))
            for level in values:
                demand(key, "level", level, known)
            found += [f"{key}: level {level!r} is missing" for level in known if level not in values]
    if len(protocol.allocation.arms) != 2 or len({arm.ratio for arm in protocol.allocation.arms}) != 1:
        found.append("allocation: the fast road simulates two arms 1:1, and the protocol has others")
    rule = protocol.allocation
    if rule.method == "permuted_blocks" or (
        rule.method == "minimization" and (rule.distance, rule.probability) != ("range", "best")
    ):
        found.append(f"allocation: the fast road knows minimization by range with p_best and the simple draw, not {rule.method}")
    strata = [stratum.factor for stratum in protocol.analysis.stratum]
    if strata and strata != [survival.factor]:
        found.append(f"survival.factor: found {survival.factor!r}; the primary test is stratified by {', '.join(strata)}")
    return tuple(found)


def plan_of(protocol: Protocol, scenario: OperatingScenario, change: Change | None = None) -> Plan:
    """Return the plan of a trial under a scenario.

    The primary test is the protocol's log-rank test, stratified if the plan of analysis has strata. Without interim analyses there is
    one look, at the planned follow-up after the last randomization; with them, looks come by events.

    Raises:
        ScenarioError: the scenario does not fit the protocol; all faults at once.
    """
    faults = find_misfits(scenario, protocol)
    if faults:
        raise ScenarioError("\n".join(f"{scenario.id}: {fault}" for fault in faults))
    change = change or Change()
    scenario = _changed(scenario, change)
    design, rule, survival = protocol.design, protocol.allocation, scenario.survival
    factors = [factor for factor in rule.factors if factor.levels]
    names = [factor.id for factor in factors]
    hazard_factor = None if survival.factor is None else names.index(survival.factor)
    levels = [""] if hazard_factor is None else list(factors[hazard_factor].levels)
    milestone = design.milestone_years * MONTHS_PER_YEAR
    pieces, control, ratios = _hazards(scenario, levels, milestone)
    times, shares = _accrual(scenario, design.accrual_years * MONTHS_PER_YEAR)
    planned_share = design.randomized_planned / design.registered_planned
    pass_share = scenario.attrition.pass_share if scenario.attrition.pass_share is not None else planned_share
    sites = scenario.coming.sites or design.sites_planned
    closing = next((each for each in design.closing if each.stage == protocol.randomizing_stage.id), None)
    looks, efficacy, futility = looks_of(protocol, change)
    leaving, tests = scenario.leaving, scenario.tests
    if leaving.lost_per_year == 0 and (control[:, -1] == 0).any() and any(look.events is not None for look in looks):
        raise ScenarioError(
            f"{scenario.id}: survival.control_curve ends level and leaving.lost_per_year is 0, so that some subjects never leave and "
            "a look by events might never come; expected a curve that falls at its end, or a loss above 0"
        )
    primary = Test.STRATIFIED if protocol.analysis.stratum else Test.LOGRANK
    beside = [Test[name.upper()] for name in tests.beside]
    return Plan(
        subjects=scenario.coming.registered or design.registered_planned,
        accrual_times=times,
        accrual_shares=shares,
        site_shares=np.array(uneven_sites(sites)) if scenario.coming.site_sizes == "uneven" else np.full(sites, 1 / sites),
        factor_shares=tuple(_shares(scenario, factor.id, factor.levels) for factor in factors),
        hazard_factor=hazard_factor,
        pass_shares=np.array([_of_level(pass_share, level) for level in levels]),
        delay_months=scenario.attrition.delay_months,
        randomized_limit=closing.limit if closing is not None else 0,
        pieces=pieces,
        control_hazards=control,
        hazard_ratios=ratios,
        drop_out=np.full(2, leaving.lost_per_year / MONTHS_PER_YEAR),
        crossover_rate=leaving.crossover_per_year / MONTHS_PER_YEAR,
        crossover_ratio=leaving.crossover_ratio,
        untreated_share=leaving.untreated_share,
        allocation=_allocation(protocol, names),
        looks=looks,
        tests=tuple(dict.fromkeys([primary, *beside])),
        efficacy=efficacy,
        futility=futility,
        weight_rho=tests.weight[0],
        weight_gamma=tests.weight[1],
        rmst_months=tests.rmst_months or milestone,
        milestone_months=tests.milestone_months or milestone,
    )


def planned_events(protocol: Protocol) -> int:
    """Return the events that the preset in force needs, as the design's own page counts them."""
    return basis_of(protocol).planned_events


def looks_of(protocol: Protocol, change: Change | None = None) -> tuple[tuple[Look, ...], Floats, Floats]:
    """Return the looks with their efficacy and futility bounds on the one-sided z scale."""
    design = protocol.design
    interim = change.interim if change is not None and change.interim is not None else design.interim_plan
    level = design.alpha / design.sided
    follow_up = design.follow_up_years * MONTHS_PER_YEAR
    if interim is None:
        bounds = boundaries([1.0], alpha=level, efficacy=spending_named("lan_demets_obrien_fleming"))
        return (Look(after_last_months=follow_up),), np.array(bounds.z_efficacy), np.full(1, -np.inf)
    futility = None if interim.futility == "none" else spending_named(interim.futility, interim.futility_parameter)
    bounds = boundaries(
        list(interim.information),
        alpha=level,
        efficacy=spending_named(interim.efficacy, interim.efficacy_parameter),
        futility=futility,
        beta=None if futility is None else 1 - design.power,
        binding=interim.binding,
    )
    events = (change.planned_events if change is not None else None) or planned_events(protocol)
    looks = tuple(Look(events=max(1, math.ceil(share * events - 1e-9))) for share in interim.information)
    lower = np.full(len(looks), -np.inf) if futility is None else np.array(bounds.z_futility)
    return looks, np.array(bounds.z_efficacy), lower


def _changed(scenario: OperatingScenario, change: Change) -> OperatingScenario:
    survival, coming, attrition = scenario.survival, scenario.coming, scenario.attrition
    if change.control is not None:
        survival = replace(survival, control=change.control, control_curve=())
    if change.experimental is not None:
        if not isinstance(survival.control, float):
            raise ScenarioError(f"{scenario.id}: a change of experimental needs one control survival for all; change control too")
        survival = replace(survival, experimental=change.experimental, effect=())
    if change.hazard_ratio is not None:
        survival = replace(survival, experimental=None, effect=(Effect(hazard_ratio=change.hazard_ratio),))
    if change.accrual_months is not None:
        coming = replace(coming, months=change.accrual_months)
    if change.pass_share is not None:
        attrition = replace(attrition, pass_share=change.pass_share)
    return replace(scenario, survival=survival, coming=coming, attrition=attrition)


def _hazards(scenario: OperatingScenario, levels: list[str], milestone: float) -> tuple[Floats, Floats, Floats]:
    """Return starts of pieces, control hazards and hazard ratios, the latter two by level and piece; months."""
    survival = scenario.survival
    if survival.control_curve:
        months = [0.0, *(month for month, _ in survival.control_curve)]
        logs = [0.0, *(-math.log(share) for _, share in survival.control_curve)]
        rates = list(np.diff(logs) / np.diff(months))
        # Beyond its last point the curve goes on at the rate of its last piece.
        by_level = [(months[:-1], rates)] * len(levels)
    else:
        by_level = [([0.0], [-math.log(_of_level(survival.control, level)) / milestone]) for level in levels]
    effect = survival.effect
    if not effect:
        assert isinstance(survival.control, float)
        assert survival.experimental is not None
        effect = (Effect(hazard_ratio=math.log(survival.experimental) / math.log(survival.control)),)
    pieces = np.unique([*by_level[0][0], *(each.from_month for each in effect)])
    starts = np.array([each.from_month for each in effect])
    ratios = np.array([each.hazard_ratio for each in effect])[np.searchsorted(starts, pieces, side="right") - 1]
    control = np.stack([np.array(rates)[np.searchsorted(months, pieces, side="right") - 1] for months, rates in by_level])
    return pieces, control, np.tile(ratios, (len(levels), 1))


def _accrual(scenario: OperatingScenario, months: float) -> tuple[Floats, Floats]:
    """Return times and cumulative shares of accrual."""
    end = scenario.coming.months or months
    rates = [each for each in scenario.coming.rate if each.from_month < end]
    if not rates:
        return np.array([0.0, end]), np.array([0.0, 1.0])
    times = np.array([each.from_month for each in rates] + [end])
    steps = np.diff(times) * np.array([each.rate for each in rates])
    if steps.sum() <= 0:
        raise ScenarioError(f"{scenario.id}: coming.rate: nobody comes within {end:g} months; one rate must be above 0")
    shares = np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])
    shares[-1] = 1.0
    return times, shares


def _shares(scenario: OperatingScenario, factor: str, levels: tuple[str, ...]) -> Floats:
    """Return the shares of a factor's levels, sum 1; levels that are not named have none, and none named means equal shares."""
    named = scenario.shares.get(factor)
    weights = np.ones(len(levels)) if named is None else np.array([named.get(level, 0.0) for level in levels])
    if not weights.sum() > 0:
        raise ScenarioError(f"{scenario.id}: shares.{factor}: all are 0; one must be above")
    shares: Floats = weights / weights.sum()
    return shares


def _of_level(value: float | dict[str, float] | None, level: str) -> float:
    assert value is not None
    return value[level] if isinstance(value, dict) else value


def _allocation(protocol: Protocol, names: list[str]) -> Allocation:
    rule = protocol.allocation
    if rule.method == "simple":
        return "simple"
    weights = {factor.id: factor.weight for factor in rule.factors}
    site_weight = sum(factor.weight for factor in rule.factors if not factor.levels)
    return Minimization(
        p_best=rule.p_best,
        weights=tuple(weights[name] for name in names),
        site_weight=site_weight,
        initial_simple=rule.initial_simple,
    )
