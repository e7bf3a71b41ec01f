"""Time-to-event curves: Kaplan-Meier, restricted means, and cumulative incidence with competing risks.

Times have any unit, the same throughout; two times are tied when they are the same number. Events at a time come
before censorings at it. Leaves comparisons over the whole curve to `comparison`, and models to `regression`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from oligami.stats import arguments
from oligami.stats.arguments import Floats, Ints

ConfidenceType = Literal["log-log", "log", "plain", "logit", "arcsine"]

# Two survival probabilities closer than this are the same step: products of fractions carry rounding.
_SAME_STEP = float(np.sqrt(np.finfo(np.float64).eps))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurvePoints:
    """A survival curve read at chosen times; arrays in the order of `time`."""

    time: Floats
    n_risk: Ints  # under observation just before the time
    surv: Floats
    std_err: Floats  # Greenwood; NaN once the curve is 0
    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurveQuantiles:
    """Times by which given shares of the subjects had the event, NaN where the curve does not reach them."""

    probability: Floats
    time: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedMean:
    """Mean time without the event up to `tau`: the area under the curve."""

    tau: float
    value: float
    std_err: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How far curve b lies above curve a in one number, with a normal interval and test of no difference."""

    value: float
    std_err: float
    lower: float
    upper: float
    p_two_sided: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurvivalCurve:
    """A Kaplan-Meier curve: one row for each distinct observed time, of an event or a censoring.

    While the curve is 1 its limits are NaN on the log-log, logit and arcsine scales, which have no value there (`at`
    gives 1 instead); once it is 0 the standard error and both limits are NaN.
    """

    time: Floats
    n_risk: Ints
    n_event: Ints
    n_censored: Ints
    surv: Floats
    std_err: Floats
    lower: Floats
    upper: Floats
    n: int
    events: int
    conf_level: float
    conf_type: ConfidenceType

    @property
    def cumulative_hazard(self) -> Floats:
        """The Nelson-Aalen estimate, a value for each row."""
        return np.cumsum(self.n_event / self.n_risk)

    @property
    def median(self) -> float:
        """The median time; NaN when the curve stays above one half."""
        return float(self.quantile([0.5]).time[0])

    def number_at_risk(self, times: ArrayLike) -> Ints:
        """Count the subjects under observation just before each time; 0 after the last observed time.

        Raises:
            ValueError: a time is negative or missing.
        """
        wanted = arguments.times(times, "times")
        return np.append(self.n_risk, 0)[np.searchsorted(self.time, wanted, side="left")]

    def at(self, times: ArrayLike) -> CurvePoints:
        """Read the curve at any times; beyond the last observed time its last value is carried on.

        While no event has happened the estimate and both limits are 1.

        Raises:
            ValueError: a time is negative or missing.

        Source: the conventions of `summary(survfit, times, extend = TRUE)` in the R package survival.
        """
        wanted = arguments.times(times, "times")
        row = np.searchsorted(self.time, wanted, side="right")
        surv = np.append(1.0, self.surv)[row]
        without_event = surv == 1.0
        return CurvePoints(
            time=wanted,
            n_risk=self.number_at_risk(wanted),
            surv=surv,
            std_err=np.append(0.0, self.std_err)[row],
            lower=np.where(without_event, 1.0, np.append(1.0, self.lower)[row]),
            upper=np.where(without_event, 1.0, np.append(1.0, self.upper)[row]),
        )

    def quantile(self, probability: ArrayLike) -> CurveQuantiles:
        """Find the times by which given shares had the event, with limits read off the limits of the curve.

        The time is the first at which the curve has fallen to 1 - probability; where the curve runs flat at exactly
        that height, the middle of the flat step.

        Args:
            probability: shares in (0, 1), e.g. 0.5 for the median.

        Raises:
            ValueError: a share lies outside (0, 1).

        Source: the rule of `quantile.survfit` in the R package survival; Brookmeyer and Crowley (1982) for the limits.
        """
        wanted = arguments.numbers(probability, "probability")
        if (wanted <= 0).any() or (wanted >= 1).any():
            raise ValueError(f"probability is {wanted.tolist()}; each must lie between 0 and 1")
        return CurveQuantiles(
            probability=wanted,
            time=_crossings(self.time, self.surv, wanted),
            lower=_crossings(self.time, self.lower, wanted),
            upper=_crossings(self.time, self.upper, wanted),
        )

    def restricted_mean(self, tau: float) -> RestrictedMean:
        """Take the mean time without the event up to `tau`.

        Args:
            tau: end of the window, > 0, in the unit of time; where the curve is still above 0 at its last observed
                time, no later than that time, for nothing is known beyond.

        Raises:
            ValueError: `tau` is not positive, or beyond what was observed.

        Source: Greenwood-type variance as in Klein and Moeschberger (2003), section 4.5, and the R package survRM2.
        """
        if not tau > 0:
            raise ValueError(f"tau is {tau!r}; it must be more than 0")
        if tau > self.time[-1] and self.surv[-1] > 0:
            raise ValueError(f"tau is {tau!r}; it must be at most the last observed time, {self.time[-1]}")
        inside = self.time <= tau
        steps = np.concatenate(([0.0], self.time[inside], [float(tau)]))
        areas = np.diff(steps) * np.concatenate(([1.0], self.surv[inside]))
        area_after = np.cumsum(areas[::-1])[::-1][1:]  # from each observed time to tau
        variance = float(np.sum(area_after**2 * _greenwood_terms(self.n_risk[inside], self.n_event[inside])))
        return RestrictedMean(tau=float(tau), value=float(areas.sum()), std_err=float(np.sqrt(variance)))


def kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    conf_level: float = 0.95,
    conf_type: ConfidenceType = "log-log",
) -> SurvivalCurve:
    """Estimate the probability of staying without the event, with Greenwood errors and pointwise limits.

    Args:
        time: end of observation, shape (n,), >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        entry: start of observation where it came late (left truncation), shape (n,), each before its `time`; a
            subject is at risk after its entry.
        conf_level: in (0, 1).
        conf_type: scale on which the interval is symmetric; limits are kept within 0 and 1.

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not.

    Source: Kaplan and Meier (1958); Kalbfleisch and Prentice (2002), section 1.4, for the log-log interval.
    """
    end = arguments.times(time)
    had_event = arguments.indicators(event, end.size)
    arguments.level(conf_level)
    if conf_type not in get_args(ConfidenceType):
        raise ValueError(f"conf_type is {conf_type!r}; it must be one of {', '.join(get_args(ConfidenceType))}")

    distinct, row = np.unique(end, return_inverse=True)
    n_event = np.bincount(row[had_event == 1], minlength=distinct.size)
    n_leaving = np.bincount(row, minlength=distinct.size)
    n_risk = np.cumsum(n_leaving[::-1])[::-1]
    if entry is not None:
        start = arguments.times(entry, "entry")
        arguments.same_length(start.size, end.size, "entry")
        if (start >= end).any():
            at = int(np.argmax(start >= end))
            raise ValueError(f"entry[{at}] is {start[at]}; it must be less than time[{at}], {end[at]}")
        n_risk = n_risk - (start.size - np.searchsorted(np.sort(start), distinct, side="left"))

    surv: Floats = np.cumprod((n_risk - n_event) / n_risk, dtype=np.float64)
    relative_error = np.sqrt(np.cumsum(_greenwood_terms(n_risk, n_event)))
    relative_error[surv == 0] = np.nan
    lower, upper = _limits(surv, relative_error, float(ndtri(0.5 + conf_level / 2)), conf_type)
    return SurvivalCurve(
        time=arguments.frozen(distinct),
        n_risk=arguments.frozen(n_risk),
        n_event=arguments.frozen(n_event),
        n_censored=arguments.frozen(n_leaving - n_event),
        surv=arguments.frozen(surv),
        std_err=arguments.frozen(surv * relative_error),
        lower=arguments.frozen(lower),
        upper=arguments.frozen(upper),
        n=int(end.size),
        events=int(n_event.sum()),
        conf_level=float(conf_level),
        conf_type=conf_type,
    )


def reverse_kaplan_meier(
    time: ArrayLike, event: ArrayLike, *, conf_level: float = 0.95, conf_type: ConfidenceType = "log-log"
) -> SurvivalCurve:
    """Estimate how long subjects were followed up: the curve whose event is the end of follow-up.

    Its median is the median follow-up. Arguments and errors are those of `kaplan_meier`.

    Source: Schemper and Smith (1996), Controlled Clinical Trials 17, 343-346.
    """
    ends = arguments.times(time)
    return kaplan_meier(ends, 1 - arguments.indicators(event, ends.size), conf_level=conf_level, conf_type=conf_type)


def survival_difference(curve_a: SurvivalCurve, curve_b: SurvivalCurve, t: float, conf_level: float = 0.95) -> Difference:
    """Compare two independent curves at one time: survival of b less survival of a, with Greenwood errors.

    The error, limits and p are NaN when either curve has reached 0.

    Raises:
        ValueError: `t` is negative or missing, or `conf_level` outside (0, 1).
    """
    a, b = curve_a.at([t]), curve_b.at([t])
    return _difference(float(b.surv[0] - a.surv[0]), float(np.hypot(a.std_err[0], b.std_err[0])), arguments.level(conf_level))


def restricted_mean_difference(
    curve_a: SurvivalCurve, curve_b: SurvivalCurve, tau: float, conf_level: float = 0.95
) -> Difference:
    """Compare two independent curves by their restricted means: that of b less that of a.

    Raises:
        ValueError: `tau` is not positive or beyond what was observed in a curve, or `conf_level` outside (0, 1).
    """
    a, b = curve_a.restricted_mean(tau), curve_b.restricted_mean(tau)
    return _difference(b.value - a.value, float(np.hypot(a.std_err, b.std_err)), arguments.level(conf_level))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CumulativeIncidence:
    """Probability of having had each cause first, one row a cause and one column a distinct observed time."""

    causes: tuple[int, ...]
    time: Floats
    n_risk: Ints
    incidence: Floats
    variance: Floats
    n: int
    events: tuple[int, ...]  # by cause

    def at(self, times: ArrayLike) -> tuple[Floats, Floats]:
        """Read incidence and variance at any times, each of shape (causes, times); the last value is carried on.

        Raises:
            ValueError: a time is negative or missing.
        """
        row = np.searchsorted(self.time, arguments.times(times, "times"), side="right")
        start = np.zeros((len(self.causes), 1))
        return np.hstack((start, self.incidence))[:, row], np.hstack((start, self.variance))[:, row]


def cumulative_incidence(time: ArrayLike, cause: ArrayLike, *, causes: Sequence[int] | None = None) -> CumulativeIncidence:
    """Estimate, by the Aalen-Johansen method, how often each of several competing causes comes first.

    Args:
        time: end of observation, shape (n,), >= 0.
        cause: 0 when it was censored, otherwise the positive number of the cause, shape (n,).
        causes: the causes in the order wanted, at least all that occur; by default those that occur, ascending.

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not; a cause is not in `causes`.

    Source: Aalen and Johansen (1978); variance of Aalen (1978) as in the R package cmprsk.
    """
    end = arguments.times(time)
    ended_by = arguments.counts(cause, end.size, "cause")
    occurring = sorted({int(c) for c in ended_by} - {0})
    wanted = tuple(occurring if causes is None else (int(c) for c in causes))
    if len(set(wanted)) != len(wanted) or any(c <= 0 for c in wanted) or not set(occurring) <= set(wanted):
        raise ValueError(f"causes are {wanted}; they must be different positive numbers and include {occurring}")

    distinct, row = np.unique(end, return_inverse=True)
    n_risk = np.cumsum(np.bincount(row, minlength=distinct.size)[::-1])[::-1]
    n_event = np.bincount(row[ended_by > 0], minlength=distinct.size).astype(np.float64)
    after: Floats = np.cumprod((n_risk - n_event) / n_risk, dtype=np.float64)
    before = np.append(1.0, after[:-1])
    incidence = np.empty((len(wanted), distinct.size))
    variance = np.empty_like(incidence)
    for k, number in enumerate(wanted):
        own = np.bincount(row[ended_by == number], minlength=distinct.size).astype(np.float64)
        incidence[k] = np.cumsum(before * own / n_risk)
        variance[k] = _incidence_variance(incidence[k], before, after, n_risk, own, n_event - own)
    return CumulativeIncidence(
        causes=wanted,
        time=arguments.frozen(distinct),
        n_risk=arguments.frozen(n_risk),
        incidence=arguments.frozen(incidence),
        variance=arguments.frozen(variance),
        n=int(end.size),
        events=tuple(int((ended_by == number).sum()) for number in wanted),
    )


def _greenwood_terms(n_risk: Ints, n_event: Ints) -> Floats:
    remaining = n_risk - n_event
    return n_event / (n_risk * np.where(remaining > 0, remaining, 1)) * (remaining > 0)


def _limits(surv: Floats, relative_error: Floats, z: float, conf_type: ConfidenceType) -> tuple[Floats, Floats]:
    """Confidence limits of S from the standard error of log S, NaN where the scale has no value."""
    with np.errstate(divide="ignore", invalid="ignore"):
        half = z * relative_error
        match conf_type:
            case "plain":
                return np.maximum(surv - surv * half, 0), np.minimum(surv + surv * half, 1)
            case "log":
                return surv * np.exp(-half), np.minimum(surv * np.exp(half), 1)
            case "log-log":
                inner = np.where((surv > 0) & (surv < 1), surv, np.nan)
                centre, half = np.log(-np.log(inner)), half / -np.log(inner)
                return np.exp(-np.exp(centre + half)), np.exp(-np.exp(centre - half))
            case "logit":
                centre, half = np.log(surv / (1 - surv)), half / (1 - surv)
                return 1 / (1 + np.exp(half - centre)), 1 / (1 + np.exp(-half - centre))
            case "arcsine":
                centre, half = np.arcsin(np.sqrt(surv)), half / 2 * np.sqrt(surv / (1 - surv))
                return np.sin(np.maximum(centre - half, 0)) ** 2, np.sin(np.minimum(centre + half, np.pi / 2)) ** 2


def _crossings(time: Floats, height: Floats, probability: Floats) -> Floats:
    """First times at which `height` has fallen to 1 - probability, or the middle of a flat step at that height."""
    fallen = np.append(0.0, 1 - height)
    at = np.append(0.0, time)
    heights, first = np.unique(fallen, return_index=True)
    first = first[~np.isnan(heights)]
    heights = heights[~np.isnan(heights)]
    # The last distinct step in time order; NaN, which starts no step of its own, hides a flat end.
    last_step = fallen[-1]
    result = np.full(probability.size, np.nan)
    for k, p in enumerate(probability):
        reached = int(np.searchsorted(heights + _SAME_STEP, p))
        passed = int(np.searchsorted(heights - _SAME_STEP, p))
        if reached < heights.size and abs(p - last_step) < _SAME_STEP:
            result[k] = (at[first[reached]] + time[-1]) / 2
        elif passed < heights.size:
            result[k] = (at[first[reached]] + at[first[passed]]) / 2
    return result


def _difference(value: float, std_err: float, conf_level: float) -> Difference:
    half = float(ndtri(0.5 + conf_level / 2)) * std_err
    return Difference(
        value=value,
        std_err=std_err,
        lower=value - half,
        upper=value + half,
        p_two_sided=float(2 * ndtr(-abs(value) / std_err)) if std_err > 0 else float("nan"),
    )


def _incidence_variance(incidence: Floats, before: Floats, after: Floats, n_risk: Ints, own: Floats, other: Floats) -> Floats:
    """Aalen's variance of one cumulative incidence; it changes only where its own cause occurs."""
    own_spread = before**2 * (1 - np.maximum(own - 1, 0) / np.maximum(n_risk - 1, 1)) * own / n_risk**2
    other_spread = before**2 * (1 - np.maximum(other - 1, 0) / np.maximum(n_risk - 1, 1)) * other / n_risk**2
    left = after > 0
    inverse = left / np.where(left, after, 1)
    other_spread = other_spread * left
    share = incidence * inverse
    v1 = np.cumsum(share**2 * other_spread + (1 + share) ** 2 * own_spread)
    v2 = np.cumsum(inverse * share * other_spread + inverse * (1 + share) * own_spread)
    v3 = np.cumsum(inverse**2 * (other_spread + own_spread))
    raw = v1 + incidence**2 * v3 - 2 * incidence * v2
    # Carry the value of the latest own event forward.
    latest = np.maximum.accumulate(np.where(own > 0, np.arange(own.size), -1))
    return np.where(latest >= 0, raw[np.maximum(latest, 0)], 0.0)
