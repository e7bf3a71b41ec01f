"""Time-to-event endpoints: curves by arm, tests, hazard ratios, differences at milestones, subgroups.

Every estimator stands in `oligami.stats`; here is decided what is asked of it, in the protocol's words, and what is said when
there is nothing to ask.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from oligami.analysis import measures
from oligami.analysis.measures import Estimate, Interval, Tally, finite, tallies, undefined
from oligami.data.datasets import TimeToEvent
from oligami.protocol.model.allocation import Factor
from oligami.protocol.model.analysis import AnalysisFile, Endpoint
from oligami.protocol.text import Text
from oligami.stats.comparison import logrank
from oligami.stats.proportional_hazards import proportional_hazards_test
from oligami.stats.regression import CoxResult, cox
from oligami.stats.survival import SurvivalCurve, kaplan_meier, reverse_kaplan_meier, survival_difference

Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """Survival at one time, years from the start."""

    years: float
    n_risk: int
    survival: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The Kaplan-Meier curve of one arm (None: everybody), with what is read off it. Times in days.

    at_risk: under observation at each of the endpoint's `grid_years`. The steps begin at day 0 with survival 1; limits are None
    where the curve has none. censored_days: distinct times at which somebody was censored, with the height of the curve there.
    """

    arm: str | None
    n: int
    events: int
    person_years: float
    median_days: Estimate
    follow_up_days: Estimate
    milestones: tuple[Milestone, ...]  # every whole year up to the last milestone, and the milestones
    at_risk: tuple[int, ...]
    time_days: tuple[float, ...]
    survival: tuple[float, ...]
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]
    censored_days: tuple[float, ...]
    censored_survival: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogrankTest:
    """A log-rank test of two arms. z < 0 favours the experimental arm; `reason` says why there is none."""

    z: float | None
    chisq: float | None
    p_one_sided: float | None
    p_two_sided: float | None
    observed: tuple[int, int]  # control, experimental
    expected: tuple[float, float]
    reason: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneDifference:
    """Survival of the experimental arm less that of the control arm at one time."""

    years: float
    difference: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgroup:
    """The hazard ratio within one level of a balancing factor."""

    level: str
    n: tuple[int, int]  # control, experimental
    events: tuple[int, int]
    hazard_ratio: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupFactor:
    """The levels of one balancing factor, with the test that the hazard ratio is the same in all of them."""

    factor: str
    levels: tuple[Subgroup, ...]
    interaction_p: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One experimental arm against the control arm."""

    control: str
    experimental: str
    stratified: LogrankTest
    unstratified: LogrankTest
    hazard_ratio: Estimate  # stratified Cox model, Efron's treatment of ties
    hazard_ratio_unstratified: Estimate
    differences: tuple[MilestoneDifference, ...]
    proportional_hazards_p: float | None  # of the unstratified model; small: the ratio changes over time
    subgroups: tuple[SubgroupFactor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointResult:
    """All that is told of one time-to-event endpoint. `overall` is None when nobody belongs to its population yet."""

    endpoint: str
    n: int
    events: int
    strata: tuple[str, ...]
    grid_years: tuple[float, ...]
    overall: Curve | None
    curves: tuple[Curve, ...]  # by arm, control first; arms without anybody are left out
    comparisons: tuple[Comparison, ...]
    causes: tuple[Tally, ...]
    confidence_levels: tuple[float, ...]
    curve_level: float


def analyse_endpoint(
    data: TimeToEvent,
    endpoint: Endpoint,
    *,
    analysis: AnalysisFile,
    arms: Sequence[str],
    factors: Sequence[Factor] = (),
    levels: Mapping[str, Mapping[str, str | None]] | None = None,
) -> EndpointResult:
    """Analyse one time-to-event endpoint.

    Args:
        data: its rows.
        endpoint: what the protocol says of it.
        analysis: confidence levels, kind of interval, milestones.
        arms: control first; the arms are compared when `endpoint.compares_arms`.
        factors: the balancing factors by whose declared levels subgroups are formed (none: no subgroups).
        levels: for each factor the level of each subject.
    """
    curve_level = max(analysis.confidence_levels)
    longest = float(data.time_days.max()) / analysis.days_per_year if len(data) else 0.0
    grid = tuple(float(year) for year in range(int(longest) + 1))
    everybody = np.ones(len(data), dtype=np.bool_)
    by_arm = {arm: np.array([own == arm for own in data.arm], dtype=np.bool_) for arm in arms}

    def curve(arm: str | None, rows: Rows) -> Curve:
        return _curve(data, rows, arm, analysis, grid, curve_level)

    comparisons: tuple[Comparison, ...] = ()
    curves: tuple[Curve, ...] = ()
    if endpoint.compares_arms:
        curves = tuple(curve(arm, rows) for arm, rows in by_arm.items() if rows.any())
        comparisons = tuple(
            _compare(data, by_arm, arms[0], arm, analysis, factors, levels or {}) for arm in arms[1:] if len(data)
        )
    return EndpointResult(
        endpoint=endpoint.id,
        n=len(data),
        events=int(data.event.sum()),
        strata=tuple(sorted(set(data.stratum))),
        grid_years=grid,
        overall=curve(None, everybody) if len(data) else None,
        curves=curves,
        comparisons=comparisons,
        causes=tallies(data.cause),
        confidence_levels=analysis.confidence_levels,
        curve_level=curve_level,
    )


def years_shown(analysis: AnalysisFile) -> tuple[float, ...]:
    """Return the years at which curves are read: every whole year up to the last milestone, and the milestones."""
    last = int(max(analysis.milestone_years, default=0.0))
    return tuple(sorted({*(float(year) for year in range(1, last + 1)), *analysis.milestone_years}))


def _curve(data: TimeToEvent, rows: Rows, arm: str | None, analysis: AnalysisFile, grid: Sequence[float], level: float) -> Curve:
    time, event = data.time_days[rows], data.event[rows]
    km = kaplan_meier(time, event, conf_level=level, conf_type=analysis.curve_confidence_type)
    follow_up = reverse_kaplan_meier(time, event, conf_level=level, conf_type=analysis.curve_confidence_type)
    censored = km.n_censored > 0
    return Curve(
        arm=arm,
        n=km.n,
        events=km.events,
        person_years=float(time.sum()) / analysis.days_per_year,
        median_days=_median(km),
        follow_up_days=_median(follow_up),
        milestones=tuple(_milestone(km, years, analysis.days_per_year) for years in years_shown(analysis)),
        at_risk=tuple(int(n) for n in km.number_at_risk([years * analysis.days_per_year for years in grid])),
        time_days=(0.0, *(float(t) for t in km.time)),
        survival=(1.0, *(float(s) for s in km.surv)),
        lower=(1.0, *_limits(km.lower, km.surv)),
        upper=(1.0, *_limits(km.upper, km.surv)),
        censored_days=tuple(float(t) for t in km.time[censored]),
        censored_survival=tuple(float(s) for s in km.surv[censored]),
    )


def _limits(limits: npt.NDArray[np.float64], survival: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
    """While the curve is 1 the limits are drawn at 1, as in tables of survival at a time."""
    return tuple(1.0 if s == 1.0 else finite(limit) for limit, s in zip(limits, survival, strict=True))


def _median(curve: SurvivalCurve) -> Estimate:
    quantile = curve.quantile([0.5])
    interval = Interval(level=curve.conf_level, lower=finite(quantile.lower[0]), upper=finite(quantile.upper[0]))
    value = finite(quantile.time[0])
    return Estimate(value=value, intervals=(interval,), reason=measures.NOT_REACHED if value is None else None)


def _milestone(curve: SurvivalCurve, years: float, days_per_year: float) -> Milestone:
    days = years * days_per_year
    point = curve.at([days])
    if days > curve.time[-1] and curve.surv[-1] > 0:
        return Milestone(years=years, n_risk=0, survival=undefined(measures.NOT_FOLLOWED))
    interval = Interval(level=curve.conf_level, lower=finite(point.lower[0]), upper=finite(point.upper[0]))
    survival = Estimate(value=float(point.surv[0]), intervals=(interval,))
    return Milestone(years=years, n_risk=int(point.n_risk[0]), survival=survival)


def _compare(
    data: TimeToEvent,
    by_arm: Mapping[str, Rows],
    control: str,
    experimental: str,
    analysis: AnalysisFile,
    factors: Sequence[Factor],
    levels: Mapping[str, Mapping[str, str | None]],
) -> Comparison:
    rows = by_arm[control] | by_arm[experimental]
    time, event = data.time_days[rows], data.event[rows]
    treated = by_arm[experimental][rows].astype(np.float64)
    strata = np.array(data.stratum, dtype=object)[rows]
    subjects = [subject for subject, inside in zip(data.subject, rows, strict=True) if inside]
    wanted = analysis.confidence_levels
    subgroups = []
    for factor in factors:
        if factor.levels and factor.id in levels:
            own = np.array([levels[factor.id].get(subject) or "" for subject in subjects], dtype=object)
            subgroups.append(_subgroups(factor, own, time, event, treated, wanted))
    ratio = hazard_ratio(time, event, treated, levels=wanted)
    return Comparison(
        control=control,
        experimental=experimental,
        stratified=_logrank(time, event, treated, strata),
        unstratified=_logrank(time, event, treated, None),
        hazard_ratio=hazard_ratio(time, event, treated, levels=wanted, strata=strata),
        hazard_ratio_unstratified=ratio,
        differences=tuple(
            MilestoneDifference(years=years, difference=_difference(time, event, treated, years, analysis))
            for years in analysis.milestone_years
        ),
        proportional_hazards_p=_proportional_hazards(time, event, treated) if ratio.value is not None else None,
        subgroups=tuple(subgroups),
    )


def hazard_ratio(
    time: npt.NDArray[np.float64],
    event: npt.NDArray[np.bool_],
    treated: npt.NDArray[np.float64],
    *,
    levels: Sequence[float],
    strata: npt.ArrayLike | None = None,
) -> Estimate:
    """Estimate the hazard ratio of the experimental to the control arm by Cox's model with Efron's treatment of ties.

    Args:
        time: shape (n,), days.
        event: shape (n,).
        treated: 1 in the experimental arm, 0 in the control arm, shape (n,).
        levels: confidence levels of the Wald intervals.
        strata: labels, shape (n,).
    """
    if treated.size == 0 or treated.min() == treated.max():
        return undefined(measures.ONE_ARM_EMPTY)
    fit = cox(time, event, treated, strata=strata, ties="efron")
    if fit.problem is not None:
        return undefined(_cox_reason(fit))
    intervals = []
    for level in levels:
        lower, upper = fit.confidence_interval(level)
        intervals.append(Interval(level=level, lower=finite(lower[0]), upper=finite(upper[0])))
    return Estimate(value=float(fit.hr[0]), intervals=tuple(intervals))


def _cox_reason(fit: CoxResult) -> Text:
    match fit.problem:
        case "no_events":
            return measures.NO_EVENT
        case "monotone_likelihood":
            return measures.ONE_ARM_WITHOUT_EVENT
        case "singular":
            return measures.NOT_COMPARABLE
        case _:
            return measures.NOT_CONVERGED


def _logrank(
    time: npt.NDArray[np.float64],
    event: npt.NDArray[np.bool_],
    treated: npt.NDArray[np.float64],
    strata: npt.NDArray[np.object_] | None,
) -> LogrankTest:
    if treated.size == 0 or treated.min() == treated.max():
        observed = (int(event[treated == 0].sum()), int(event[treated == 1].sum()))
        expected = (float(observed[0]), float(observed[1]))
        return LogrankTest(
            z=None,
            chisq=None,
            p_one_sided=None,
            p_two_sided=None,
            observed=observed,
            expected=expected,
            reason=measures.ONE_ARM_EMPTY,
        )
    test = logrank(time, event, treated, strata=strata, groups=(0.0, 1.0))
    z = finite(test.z)
    reason = None if z is not None else measures.NOT_COMPARABLE if event.any() else measures.NO_EVENT
    return LogrankTest(
        z=z,
        chisq=finite(test.chisq),
        p_one_sided=finite(test.p_one_sided),
        p_two_sided=finite(test.p_two_sided),
        observed=(int(test.observed[0]), int(test.observed[1])),
        expected=(float(test.expected[0]), float(test.expected[1])),
        reason=reason,
    )


def _difference(
    time: npt.NDArray[np.float64],
    event: npt.NDArray[np.bool_],
    treated: npt.NDArray[np.float64],
    years: float,
    analysis: AnalysisFile,
) -> Estimate:
    days = years * analysis.days_per_year
    curves = []
    for arm in (0, 1):
        rows = treated == arm
        if not rows.any():
            return undefined(measures.ONE_ARM_EMPTY)
        curve = kaplan_meier(time[rows], event[rows])
        if days > curve.time[-1] and curve.surv[-1] > 0:
            return undefined(measures.NOT_FOLLOWED)
        curves.append(curve)
    intervals = []
    for level in analysis.confidence_levels:
        found = survival_difference(curves[0], curves[1], days, level)
        intervals.append(Interval(level=level, lower=finite(found.lower), upper=finite(found.upper)))
    reason = measures.AT_ZERO if intervals and intervals[0].lower is None else None
    return Estimate(value=found.value, intervals=tuple(intervals), reason=reason)


def _proportional_hazards(
    time: npt.NDArray[np.float64], event: npt.NDArray[np.bool_], treated: npt.NDArray[np.float64]
) -> float | None:
    # Fewer than three distinct times of events leave no trend to look at.
    if np.unique(time[event]).size < 3:
        return None
    return finite(proportional_hazards_test(time, event, treated).global_p)


def _subgroups(
    factor: Factor,
    own: npt.NDArray[np.object_],
    time: npt.NDArray[np.float64],
    event: npt.NDArray[np.bool_],
    treated: npt.NDArray[np.float64],
    levels: Sequence[float],
) -> SubgroupFactor:
    told = []
    for level in factor.levels:
        rows = own == level
        arms = [rows & (treated == arm) for arm in (0, 1)]
        told.append(
            Subgroup(
                level=level,
                n=(int(arms[0].sum()), int(arms[1].sum())),
                events=(int(event[arms[0]].sum()), int(event[arms[1]].sum())),
                hazard_ratio=hazard_ratio(time[rows], event[rows], treated[rows], levels=levels),
            )
        )
    return SubgroupFactor(
        factor=factor.id,
        levels=tuple(told),
        interaction_p=_interaction(factor.levels, own, time, event, treated, [group.hazard_ratio for group in told]),
    )


def _interaction(
    levels: Sequence[str],
    own: npt.NDArray[np.object_],
    time: npt.NDArray[np.float64],
    event: npt.NDArray[np.bool_],
    treated: npt.NDArray[np.float64],
    ratios: Sequence[Estimate],
) -> float | None:
    """Likelihood-ratio test that one hazard ratio serves all levels, beside the effects of the levels themselves."""
    usable = [level for level, ratio in zip(levels, ratios, strict=True) if ratio.value is not None]
    if len(usable) < 2:
        return None
    rows = np.isin(own.astype(str), usable)
    own, time, event, treated = own[rows], time[rows], event[rows], treated[rows]
    main = np.stack([treated, *(own == level for level in usable[1:])], axis=1)
    crossed = np.stack([treated * (own == level) for level in usable[1:]], axis=1)
    one, many = cox(time, event, main), cox(time, event, np.hstack((main, crossed)))
    if one.problem is not None or many.problem is not None:
        return None
    return finite(float(chdtrc(len(usable) - 1, max(2 * (many.loglik - one.loglik), 0.0))))
