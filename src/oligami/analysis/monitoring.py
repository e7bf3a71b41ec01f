"""A look at the primary endpoint of a running trial: bounds at the events observed, the test, what may come, and the final inference.

It compares the arms, and is for the independent statistician and the committee alone. What may be shown to everybody stands in
`projection`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal

import numpy as np

from oligami.analysis.design.basis import Basis, basis_of
from oligami.analysis.design.looks import bounds_of, single_analysis
from oligami.analysis.endpoints import EndpointResult, analyse_endpoint
from oligami.analysis.measures import Estimate
from oligami.analysis.projection import primary_endpoint, primary_survival
from oligami.analysis.unfit import Unfit
from oligami.data.datasets import Datasets, Provenance
from oligami.protocol.model.protocol import Protocol
from oligami.stats.sequential import (
    Boundaries,
    Monitoring,
    RepeatedIntervals,
    boundaries,
    conditional_power,
    drift_of_hazard_ratio,
    final_inference,
    monitor,
    predictive_power,
    repeated_interval,
    spending_named,
)

Decision = Literal["continue", "reject", "futility", "not rejected", "not planned", "no test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookTaken:
    """One look at the primary endpoint. Z and hazard ratio: positive Z and a ratio below 1 favour the experimental arm.

    fraction: events / events planned. Bounds None: none at this look. z None: not defined, nobody at risk in an arm or no event.
    """

    look: int
    up_to: date
    through: int
    events: int
    events_by_arm: tuple[int, int]
    n_by_arm: tuple[int, int]
    fraction: float
    z: float | None
    p_one_sided: float | None
    hazard_ratio: Estimate  # stratified Cox model
    z_efficacy: float | None
    hr_efficacy: float | None
    z_futility: float | None
    hr_futility: float | None
    alpha_spent: float
    decision: Decision
    repeated_hr: tuple[float, float, float] | None  # estimate, limits
    repeated_p: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """The probability to reject at a look to come. design: the effect of the preset in force."""

    conditional_trend: float
    conditional_design: float
    conditional_no_effect: float
    predictive: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """What a stopped trial says, in the stagewise ordering, which counts the looks."""

    look: int
    p_one_sided: float
    hazard_ratio: float  # median-unbiased
    lower: float
    upper: float
    conf_level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LookResult:
    """The looks so far, the last of them in full.

    ahead: None once the trial has ended or where a Z is missing. final: None while it goes on. primary: the last look's analysis.
    """

    provenance: Provenance
    basis: Basis
    endpoint: str
    arms: tuple[str, str]  # control, experimental
    has_interim_plan: bool
    is_final: bool
    looks: tuple[LookTaken, ...]
    repeated_level: float
    ahead: Ahead | None
    final: Final | None
    primary: EndpointResult


def take_look(cuts: Sequence[Datasets], protocol: Protocol, *, final: bool = False) -> LookResult:
    """Analyse the looks of a trial so far.

    Bounds follow the events actually observed: the level is spent by events / planned events, and wholly at the last look.
    Without a plan of interim analyses nothing is spent before the end: an earlier look shows results and decides nothing.

    Args:
        cuts: the datasets of every look so far, in order; the last is the look asked about.
        protocol: the version in force; its plan, levels, strata and preset count.
        final: whether the last look ends the trial although fewer events than planned have been seen.

    Raises:
        Unfit: events do not increase from look to look, a look follows one that reached the planned events, nobody has
            been randomized, or an earlier look of a plan has no event.
    """
    basis, endpoint = basis_of(protocol), primary_endpoint(protocol)
    found = [
        analyse_endpoint(primary_survival(each, protocol), endpoint, analysis=protocol.analysis, arms=each.arms) for each in cuts
    ]
    events = [each.events for each in found]
    _check_order(cuts, events, basis)
    z = [_z_of(each) for each in found]
    ends = final or events[-1] >= basis.planned_events
    plan = protocol.design.interim_plan
    # Without a plan only the end is a look: what was seen before takes nothing of its level.
    first = 0 if plan is not None else len(cuts) - 1 if ends else len(cuts)
    counted, scores = events[first:], [value for value in z[first:] if value is not None]
    seen, repeated = None, None
    if counted and counted[0] > 0:
        known = len(scores) == len(counted)
        seen = monitor(
            bounds_of(basis, plan or single_analysis()),
            counted,
            scores if known else None,
            final=ends,
            events=True,
            allocation_ratio=basis.allocation,
        )
        if known:
            repeated = repeated_interval(seen.boundaries, scores, events=counted, allocation_ratio=basis.allocation)
    looks = tuple(
        _look(k, cuts[k], found[k], z[k], basis, seen if k >= first else None, repeated, k - first) for k in range(len(cuts))
    )
    goes_on = not ends and looks[-1].decision != "reject"
    return LookResult(
        provenance=cuts[-1].provenance,
        basis=basis,
        endpoint=endpoint.id,
        arms=(cuts[-1].arms[0], cuts[-1].arms[1]),
        has_interim_plan=plan is not None,
        is_final=ends,
        looks=looks,
        repeated_level=1 - 2 * basis.level,
        ahead=_ahead(protocol, basis, events[-1] if plan is None else counted, z[-1]) if goes_on else None,
        final=_final(seen, basis) if seen is not None and seen.decision else None,
        primary=found[-1],
    )


def _check_order(cuts: Sequence[Datasets], events: Sequence[int], basis: Basis) -> None:
    days = [each.provenance.up_to for each in cuts]
    for (before, after), (day, next_day) in zip(pairwise(events), pairwise(days), strict=True):
        if not (before < after and day < next_day):
            raise Unfit(
                f"looks: {before} events up to {day} and {after} up to {next_day}; give the looks in order, each with more events",
                f"解析：{day} までに{before}件、{next_day} までに{after}件。イベントが増える順に指定してください",
            )
        if before >= basis.planned_events:
            raise Unfit(
                f"looks: {before} events up to {day} reach the {basis.planned_events} planned and end the trial; no look may follow",
                f"解析：{day} までの{before}件は計画の{basis.planned_events}件に達し試験は終了しています。以後の解析はありません",
            )
        if before == 0:
            raise Unfit(
                f"looks: no event up to {day}; a look without events is none",
                f"解析：{day} までにイベントはありません。イベントのない解析は数えません",
            )


def _z_of(result: EndpointResult) -> float | None:
    """The stratified log-rank Z of the first experimental arm, positive in its favour."""
    test = result.comparisons[0].stratified if result.comparisons else None
    return None if test is None or test.z is None else -test.z


def _look(
    number: int,
    cut: Datasets,
    result: EndpointResult,
    z: float | None,
    basis: Basis,
    seen: Monitoring | None,
    repeated: RepeatedIntervals | None,
    at: int,
) -> LookTaken:
    comparison = result.comparisons[0]
    of_arm = {curve.arm: curve for curve in result.curves}
    both = (comparison.control, comparison.experimental)
    n = [of_arm[arm].n if arm in of_arm else 0 for arm in both]
    events = [of_arm[arm].events if arm in of_arm else 0 for arm in both]
    bounds = seen.boundaries if seen is not None else None
    decision: Decision = "not planned" if at < 0 else "no test"
    if seen is not None and seen.decision:
        said = seen.decision[at]
        assert said != "reject, other side"  # the bounds are one-sided
        decision = said
    # At the end the two bounds are one.
    stops = seen is not None and not (seen.final and at + 1 == seen.boundaries.looks)
    interval = repeated.hazard_ratio() if repeated is not None and bounds is not None else None
    return LookTaken(
        look=number + 1,
        up_to=cut.provenance.up_to,
        through=cut.provenance.through,
        events=result.events,
        events_by_arm=(events[0], events[1]),
        n_by_arm=(n[0], n[1]),
        fraction=result.events / basis.planned_events,
        z=z,
        p_one_sided=None if z is None else math.erfc(z / math.sqrt(2)) / 2,
        hazard_ratio=comparison.hazard_ratio,
        z_efficacy=_at(bounds, "z_efficacy", at),
        hr_efficacy=_at(bounds, "hr_efficacy", at),
        z_futility=_at(bounds, "z_futility", at) if stops else None,
        hr_futility=_at(bounds, "hr_futility", at) if stops else None,
        alpha_spent=_at(bounds, "alpha_spent", at) or 0.0,
        decision=decision,
        repeated_hr=None if interval is None else (float(interval[0][at]), float(interval[1][at]), float(interval[2][at])),
        repeated_p=None if repeated is None or bounds is None else float(repeated.p[at]),
    )


def _at(bounds: Boundaries | None, column: str, look: int) -> float | None:
    if bounds is None:
        return None
    value = float(getattr(bounds, column)[look])
    # A bound of plus or minus infinity, and the hazard ratio 0 or infinity that goes with it, is no bound.
    return value if math.isfinite(value) and not (column.startswith("hr") and value == 0) else None


def _ahead(protocol: Protocol, basis: Basis, counted: Sequence[int] | int, z: float | None) -> Ahead | None:
    """Look ahead to the looks still planned; counted: events at the looks that took a part of the level, or now."""
    events = counted if isinstance(counted, int) else counted[-1]
    if z is None or not 0 < events < basis.planned_events:
        return None
    plan = protocol.design.interim_plan
    if plan is None or isinstance(counted, int):
        bounds = bounds_of(basis, single_analysis())
    else:
        to_come = [share * basis.planned_events for share in plan.information if share * basis.planned_events > events]
        information = np.array([*counted, *to_come], dtype=np.float64)
        bounds = boundaries(
            information,
            alpha=basis.level,
            efficacy=spending_named(plan.efficacy, plan.efficacy_parameter),
            futility=None if plan.futility == "none" else spending_named(plan.futility, plan.futility_parameter),
            beta=1 - basis.power,
            binding=plan.binding,
        )
    design = float(drift_of_hazard_ratio(basis.hazard_ratio, basis.planned_events, allocation_ratio=basis.allocation))
    now = events / basis.planned_events

    def power(effect: Literal["trend", "null"] | float) -> float:
        return conditional_power(bounds, z, fraction=now, effect=effect).power

    return Ahead(
        conditional_trend=power("trend"),
        conditional_design=power(design),
        conditional_no_effect=power("null"),
        predictive=predictive_power(bounds, z, fraction=now).power,
    )


def _final(seen: Monitoring, basis: Basis) -> Final | None:
    """The inference at the look that ends the trial; a futility bound that was overruled does not."""
    last = seen.boundaries.looks
    stops = next((k + 1 for k, word in enumerate(seen.decision) if word == "reject"), None)
    if stops is None and seen.decision[-1] == "continue":
        return None
    look = last if stops is None else stops
    found = final_inference(
        seen.boundaries,
        float(seen.z[look - 1]),
        look=look,
        events=float(seen.boundaries.information[look - 1]),
        allocation_ratio=basis.allocation,
    )
    ratio, lower, upper = found.hazard_ratio()
    return Final(
        look=look, p_one_sided=found.p_one_sided, hazard_ratio=ratio, lower=lower, upper=upper, conf_level=found.conf_level
    )
