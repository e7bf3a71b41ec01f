"""Looks before the end: the trial's own bounds, what others would be, and what a result half-way means.

Bounds are one-sided at alpha / sided, as the simulations have them; a rejection in favour of the control arm is none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, get_args

import numpy as np

from oligami.analysis.design.basis import Basis, basis_of
from oligami.analysis.design.course import years_of_events
from oligami.analysis.unfit import Unfit
from oligami.protocol.model.common import Origin, OriginKind
from oligami.protocol.model.design import InterimPlan, Spending
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.problems import find_near_miss
from oligami.protocol.text import Text
from oligami.stats.sequential import (
    Boundaries,
    boundaries,
    characteristics,
    conditional_power,
    drift_of_hazard_ratio,
    hazard_ratio_of_z,
    operating,
    predictive_power,
    spending_named,
)

#: Whose plan it is: the trial's own, one asked for on the command line, or one to compare with.
Whose = Literal["own", "asked", "comparison"]

#: For comparison: looks at these shares of the events, by these families.
COMPARED: Final = ((0.5, 1.0), (1 / 3, 2 / 3, 1.0))
FAMILIES: Final[tuple[Spending, ...]] = ("lan_demets_obrien_fleming", "lan_demets_pocock")

_WITH_PARAMETER: Final = ("hwang_shih_decani", "kim_demets")
_INTERIM_RATIOS: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLook:
    """One look of a plan. Bounds None: none at this look. Years from the first randomization; None: never reached.

    events: rounded up. years / years_no_effect: when so many are expected. stop_*: probability that the trial ends here, under
    the preset in force and under no effect.
    """

    look: int
    fraction: float
    events: int
    years: float | None
    years_no_effect: float | None
    z_efficacy: float | None
    p_efficacy: float | None
    hr_efficacy: float | None
    z_futility: float | None
    hr_futility: float | None
    alpha_spent: float
    stop_efficacy: float
    stop_futility: float
    stop_efficacy_no_effect: float
    stop_futility_no_effect: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOfLooks:
    """A plan with what it does. inflation: events it takes for the planned power, as a multiple of those of one analysis.

    power: with the events planned, under the preset in force. expected_*: under it and under no effect.
    """

    id: str
    whose: Whose
    efficacy: str
    efficacy_parameter: float | None
    futility: str
    futility_parameter: float | None
    binding: bool
    looks: tuple[PlannedLook, ...]
    power: float
    type_one_error: float
    inflation: float
    expected_events: float
    expected_events_no_effect: float
    expected_years: float | None
    expected_years_no_effect: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfWay:
    """What a hazard ratio seen at half the planned events means for the end."""

    hazard_ratio: float
    z: float
    power_trend: float  # if the effect seen so far is the true one
    power_design: float  # if that of the preset in force is
    power_no_effect: float
    power_predictive: float  # averaged over what the data say, flat prior


@dataclass(frozen=True, slots=True, kw_only=True)
class LookResults:
    """The trial's own plan first (one analysis at the end where it has none), then one asked for, then those for comparison."""

    plans: tuple[PlanOfLooks, ...]
    half_way_plan: str  # id of the plan whose bounds the table of conditional power goes by
    half_way_events: int
    half_way: tuple[HalfWay, ...]


def describe_looks(protocol: Protocol, asked: InterimPlan | None = None) -> LookResults:
    """Return every plan, and the table of conditional power by the bounds of the one asked for, else of the trial's own."""
    basis = basis_of(protocol)
    own = protocol.design.interim_plan or single_analysis()
    plans = [_plan(protocol, basis, own, "own", "own")]
    if asked is not None:
        plans.append(_plan(protocol, basis, asked, "asked", "asked"))
    for information in COMPARED:
        for family in FAMILIES:
            compared = InterimPlan(
                information=information, efficacy=family, text=Text("For comparison.", "比較用。"), origin=_OURS
            )
            plans.append(_plan(protocol, basis, compared, "comparison", f"{family}_{len(information)}"))
    return LookResults(
        plans=tuple(plans),
        half_way_plan="own" if asked is None else "asked",
        half_way_events=math.ceil(basis.planned_events / 2),
        half_way=_half_way(basis, bounds_of(basis, own if asked is None else asked)),
    )


_OURS = Origin(kind=OriginKind.DEFAULT, cite="a plan to compare with")


def single_analysis() -> InterimPlan:
    """Return the plan of a protocol without interim analyses: everything at the end."""
    return InterimPlan(
        information=(1.0,),
        efficacy="lan_demets_obrien_fleming",
        text=Text("One analysis, at the end.", "最終解析のみ。"),
        origin=_OURS,
    )


def bounds_of(basis: Basis, plan: InterimPlan) -> Boundaries:
    """Return the bounds of a plan, its information in events.

    Raises:
        ValueError: the plan has no solution.
    """
    futility = None if plan.futility == "none" else spending_named(plan.futility, plan.futility_parameter)
    return boundaries(
        np.array(plan.information) * basis.planned_events,
        alpha=basis.level,
        efficacy=spending_named(plan.efficacy, plan.efficacy_parameter),
        futility=futility,
        beta=1 - basis.power,
        binding=plan.binding,
        events=basis.planned_events,
        allocation_ratio=basis.allocation,
    )


def asked_plan(information: str, spending: str, futility: str = "none", *, binding: bool = False) -> InterimPlan:
    """Read a plan from words of a command line.

    Args:
        information: shares of the planned events with commas, ascending to 1, as `0.5,1`.
        spending: a spending function as `NAME` or `NAME:PARAMETER`.
        futility: another, or `none`.
        binding: whether the futility bounds must be obeyed.

    Raises:
        Unfit: with what was found, what it may be and the nearest name.
    """
    efficacy, parameter = _spending(spending, "--spending", get_args(Spending)[:-1])
    other, second = _spending(futility, "--futility", get_args(Spending))
    return InterimPlan(
        information=_information(information),
        efficacy=efficacy,
        efficacy_parameter=parameter,
        futility=other,
        futility_parameter=second,
        binding=binding,
        text=Text("Asked for on the command line.", "コマンドで指定した計画。"),
        origin=Origin(kind=OriginKind.DEFAULT, cite="asked for on the command line"),
    )


def _information(words: str) -> tuple[float, ...]:
    refusal = Unfit(
        f"--interim: found {words!r}; expected shares of the planned events, ascending to 1, as 0.5,0.75,1",
        f"--interim: {words!r} は指定できません。計画イベント数に対する割合を 0.5,0.75,1 のように1まで昇順で指定してください",
    )
    try:
        shares = tuple(float(word) for word in words.split(","))
    except ValueError:
        raise refusal from None
    if not (all(low < high for low, high in pairwise(shares)) and shares[0] > 0 and shares[-1] == 1):
        raise refusal
    return shares


def _spending(words: str, option: str, names: Sequence[str]) -> tuple[Spending, float | None]:
    name, _, value = words.partition(":")
    if name not in names:
        near = find_near_miss(name, names)
        known = ", ".join(names)
        raise Unfit(
            f"{option}: found {name!r}, which is no spending function; "
            + (f"did you mean {near}?" if near else f"expected one of {known}"),
            f"{option}: {name!r} という消費関数はありません。"
            + (f"{near} ではありませんか" if near else f"指定できるもの：{known}"),
        )
    chosen: Spending = next(each for each in get_args(Spending) if each == name)
    if name not in _WITH_PARAMETER:
        if value:
            raise Unfit(
                f"{option}: found {words!r}; {name} takes no number", f"{option}: {words!r} は誤りです。{name} に係数はありません"
            )
        return chosen, None
    example = {"hwang_shih_decani": "hwang_shih_decani:-4", "kim_demets": "kim_demets:3"}[name]
    try:
        parameter = float(value)
        spending_named(chosen, parameter)
    except ValueError:
        may_be = {"hwang_shih_decani": ("any number", "任意の数"), "kim_demets": ("a number above 0", "0より大きい数")}[name]
        raise Unfit(
            f"{option}: found {words!r}; {name} takes {may_be[0]}, as {option} {example}",
            f"{option}: {words!r} は誤りです。{name} には{may_be[1]}を {option} {example} のように付けてください",
        ) from None
    return chosen, parameter


def _plan(protocol: Protocol, basis: Basis, plan: InterimPlan, whose: Whose, name: str) -> PlanOfLooks:
    bounds = bounds_of(basis, plan)
    events = [max(1, math.ceil(share * basis.planned_events - 1e-9)) for share in plan.information]
    years = years_of_events(protocol, [float(number) for number in events])
    null_years = years_of_events(protocol, [float(number) for number in events], no_effect=True)
    drift = float(drift_of_hazard_ratio(basis.hazard_ratio, basis.planned_events, allocation_ratio=basis.allocation))
    does = operating(bounds, [drift, 0.0])
    stops = does.stop
    return PlanOfLooks(
        id=name,
        whose=whose,
        efficacy=plan.efficacy,
        efficacy_parameter=plan.efficacy_parameter,
        futility=plan.futility,
        futility_parameter=plan.futility_parameter,
        binding=plan.binding,
        looks=tuple(
            PlannedLook(
                look=k + 1,
                fraction=plan.information[k],
                events=events[k],
                years=_known(years[k]),
                years_no_effect=_known(null_years[k]),
                z_efficacy=_known(float(bounds.z_efficacy[k])),
                p_efficacy=float(bounds.p_efficacy[k]) if math.isfinite(bounds.z_efficacy[k]) else None,
                hr_efficacy=_ratio(float(bounds.z_efficacy[k]), events[k], basis),
                z_futility=_known(float(bounds.z_futility[k])),
                hr_futility=_ratio(float(bounds.z_futility[k]), events[k], basis),
                alpha_spent=float(bounds.alpha_spent[k]),
                stop_efficacy=float(does.efficacy[0, k]),
                stop_futility=float(does.futility[0, k]),
                stop_efficacy_no_effect=float(does.efficacy[1, k]),
                stop_futility_no_effect=float(does.futility[1, k]),
            )
            for k in range(bounds.looks)
        ),
        power=float(does.power[0]),
        type_one_error=float(does.power[1]),
        inflation=characteristics(bounds, basis.power).inflation,
        expected_events=float(stops[0] @ np.array(events)),
        expected_events_no_effect=float(stops[1] @ np.array(events)),
        expected_years=_known(float(stops[0] @ np.array(years))),
        expected_years_no_effect=_known(float(stops[1] @ np.array(null_years))),
    )


def _ratio(z: float, events: int, basis: Basis) -> float | None:
    if not math.isfinite(z):
        return None
    return float(hazard_ratio_of_z(z, events, allocation_ratio=basis.allocation))


def _half_way(basis: Basis, bounds: Boundaries) -> tuple[HalfWay, ...]:
    design = float(drift_of_hazard_ratio(basis.hazard_ratio, basis.planned_events, allocation_ratio=basis.allocation))
    rows = []
    for ratio in sorted({*_INTERIM_RATIOS, basis.hazard_ratio}):
        z = float(drift_of_hazard_ratio(ratio, basis.planned_events / 2, allocation_ratio=basis.allocation))

        def power(effect: Literal["trend", "null"] | float, z: float = z) -> float:
            return conditional_power(bounds, z, fraction=0.5, effect=effect).power

        rows.append(
            HalfWay(
                hazard_ratio=ratio,
                z=z,
                power_trend=power("trend"),
                power_design=power(design),
                power_no_effect=power("null"),
                power_predictive=predictive_power(bounds, z, fraction=0.5).power,
            )
        )
    return tuple(rows)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
