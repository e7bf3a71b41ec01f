"""Kaplan-Meier curves: the table at each observed time, limits, quantiles, and the curve at chosen times.

Times have any unit, the same throughout; two times are tied when they are the same number. Events at a time come
before censorings at it. Leaves restricted means of two arms to `restricted_mean`, hazards to `nelson_aalen`, competing
causes to `competing`, comparisons over the whole curve to `comparison`, and models to `regression` and `parametric`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments, curve_limits, curve_plot, fast, show
from oligami.stats.arguments import Floats
from oligami.stats.curve_limits import ConfidenceType
from oligami.stats.influence import influence_error
from oligami.stats.normal_difference import Difference, normal_difference
from oligami.stats.risk_table import Counts, risk_table

__all__ = [
    "ConfidenceType",
    "CurvePoints",
    "CurveQuantiles",
    "Difference",
    "RestrictedMean",
    "SurvivalCurve",
    "greenwood_steps",
    "kaplan_meier",
    "reverse_kaplan_meier",
    "survival_difference",
]

# Two survival probabilities closer than this are the same step: products of fractions carry rounding.
_SAME_STEP = float(np.sqrt(np.finfo(np.float64).eps))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurvePoints:
    """A survival curve read at chosen times; arrays in the order of `time`."""

    time: Floats
    n_risk: Counts  # under observation just before the time
    surv: Floats
    std_err: Floats  # NaN once the curve is 0
    lower: Floats
    upper: Floats

    def summary(self) -> str:
        """Return the points as a text table."""
        columns = (self.time, self.n_risk, self.surv, self.std_err, self.lower, self.upper)
        rows = [[float(column[row]) for column in columns] for row in range(self.time.size)]
        return show.table("Survival at chosen times", ["time", "n_risk", "surv", "std_err", "lower", "upper"], rows)

    def to_frame(self) -> Any:
        """Return the points as a pandas DataFrame, one row a time."""
        return show.frame({name: getattr(self, name) for name in ("time", "n_risk", "surv", "std_err", "lower", "upper")})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurveQuantiles:
    """Times by which given shares of the subjects had the event, NaN where the curve does not reach them."""

    probability: Floats
    time: Floats
    lower: Floats
    upper: Floats

    def summary(self) -> str:
        """Return the quantiles as a text table."""
        columns = (self.probability, self.time, self.lower, self.upper)
        rows = [[float(column[row]) for column in columns] for row in range(self.probability.size)]
        return show.table("Quantiles", ["share with the event", "time", "lower", "upper"], rows)

    def to_frame(self) -> Any:
        """Return the quantiles as a pandas DataFrame, one row a share."""
        return show.frame({name: getattr(self, name) for name in ("probability", "time", "lower", "upper")})


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedMean:
    """Mean time without the event up to `tau`: the area under the curve."""

    tau: float
    value: float
    std_err: float

    def summary(self) -> str:
        """Return the mean with its error as a line of text."""
        value, error = show.number(self.value), show.number(self.std_err)
        return f"restricted mean up to {show.number(self.tau)}: {value}, std_err {error}"

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row."""
        return show.frame({"tau": [self.tau], "value": [self.value], "std_err": [self.std_err]})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurvivalCurve:
    """A survival curve: one row for each distinct observed time, of an event or a censoring.

    Errors and limits are worked out when first asked for. While the curve is 1 its limits are NaN on the log-log, logit
    and arcsine scales, which have no value there (`at` gives 1 instead); once it is 0 the standard error and both
    limits are NaN.
    """

    time: Floats
    n_risk: Counts
    n_event: Counts
    n_censored: Counts
    surv: Floats
    n: int  # rows of data, whatever their weights
    events: int  # rows that ended with the event
    conf_level: float
    conf_type: ConfidenceType
    _error: Floats | None = field(default=None, repr=False)  # of log S, where it is not Greenwood's
    _kept: dict[str, Floats] = field(default_factory=dict, init=False, repr=False)

    @property
    def relative_error(self) -> Floats:
        """Standard error of the logarithm of the curve, a value for each row; NaN once the curve is 0."""
        if "relative_error" not in self._kept:
            kernels = fast.kernels(self.surv.size)
            if self._error is not None:
                error = np.where(self.surv == 0, np.nan, self._error)
            elif kernels is not None:
                error = kernels.greenwood_errors(self.n_risk, self.n_event, self.surv)
            else:
                error = np.sqrt(np.cumsum(greenwood_steps(self.n_risk, self.n_event)))
                error[self.surv == 0] = np.nan
            self._kept["relative_error"] = arguments.frozen(error)
        return self._kept["relative_error"]

    @property
    def std_err(self) -> Floats:
        """Standard error of the curve, a value for each row."""
        return arguments.frozen(self.surv * self.relative_error)

    @property
    def lower(self) -> Floats:
        """Lower limit of the curve, a value for each row."""
        return self._limit("lower")

    @property
    def upper(self) -> Floats:
        """Upper limit of the curve, a value for each row."""
        return self._limit("upper")

    @property
    def cumulative_hazard(self) -> Floats:
        """The Nelson-Aalen estimate, a value for each row."""
        return arguments.frozen(np.cumsum(self.n_event / self.n_risk))

    @property
    def median(self) -> float:
        """The median time; NaN when the curve stays above one half."""
        return float(_crossings(self.time, self.surv, np.array([0.5]))[0])

    def _limit(self, side: str) -> Floats:
        if side not in self._kept:
            low, high = curve_limits.limits(self.surv, self.relative_error, self.conf_level, self.conf_type)
            self._kept.update(lower=arguments.frozen(low), upper=arguments.frozen(high))
        return self._kept[side]

    def number_at_risk(self, times: ArrayLike) -> Counts:
        """Count the subjects under observation just before each time; 0 after the last observed time.

        Raises:
            ValueError: a time is negative or missing.
        """
        wanted = arguments.times(times, "times")
        row = np.searchsorted(self.time, wanted, side="left")
        within = row < self.time.size
        return np.where(within, self.n_risk[np.where(within, row, 0)], 0)

    def at(self, times: ArrayLike) -> CurvePoints:
        """Read the curve at any times; beyond the last observed time its last value is carried on.

        While no event has happened the estimate and both limits are 1.

        Raises:
            ValueError: a time is negative or missing.

        Source: the conventions of `summary(survfit, times, extend = TRUE)` in the R package survival.

        >>> points = kaplan_meier([1, 2, 3, 4], [1, 0, 1, 0]).at([0, 1.5, 3])
        >>> points.surv.tolist(), points.n_risk.tolist()
        ([1.0, 0.75, 0.375], [4, 3, 2])
        """
        wanted = arguments.times(times, "times")
        row = np.searchsorted(self.time, wanted, side="right")
        started = row > 0
        known = np.where(started, row - 1, 0)
        surv = np.where(started, self.surv[known], 1.0)
        error = np.where(started, self.relative_error[known], 0.0)
        low, high = curve_limits.limits(surv, error, self.conf_level, self.conf_type)
        return CurvePoints(
            time=wanted,
            n_risk=self.number_at_risk(wanted),
            surv=surv,
            std_err=surv * error,
            lower=np.where(surv == 1.0, 1.0, low),
            upper=np.where(surv == 1.0, 1.0, high),
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

        >>> kaplan_meier([1, 2, 3, 4, 5], [1, 1, 1, 1, 0]).quantile([0.25, 0.5]).time.tolist()
        [2.0, 3.0]
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

        Weights are taken as numbers of subjects: the error is of Greenwood's kind, never the robust one.

        Args:
            tau: end of the window, > 0, in the unit of time; where the curve is still above 0 at its last observed
                time, no later than that time, for nothing is known beyond.

        Raises:
            ValueError: `tau` is not positive and finite, or beyond what was observed.

        Source: Greenwood-type variance as in Klein and Moeschberger (2003), section 4.5, and the R package survRM2.

        >>> kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]).restricted_mean(4).value
        2.5
        """
        arguments.number(tau, "tau", above=0)
        if tau > self.time[-1] and self.surv[-1] > 0:
            raise ValueError(f"tau is {tau!r}; it must be at most the last observed time, {self.time[-1]}")
        inside = int(np.searchsorted(self.time, tau, side="right"))
        steps = np.concatenate(([0.0], self.time[:inside], [float(tau)]))
        areas = np.diff(steps) * np.concatenate(([1.0], self.surv[:inside]))
        area_after = np.cumsum(areas[::-1])[::-1][1:]  # from each observed time to tau
        variance = float(area_after**2 @ greenwood_steps(self.n_risk[:inside], self.n_event[:inside]))
        return RestrictedMean(tau=float(tau), value=float(areas.sum()), std_err=float(np.sqrt(variance)))

    def summary(self) -> str:
        """Return subjects, events and quartiles as a text table.

        >>> print(kaplan_meier([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 1, 1], conf_type="plain").summary())
        Survival curve: 6 subjects, 5 events
        share with the event  time  lower  upper
        0.25                     2      1      5
        0.5                      4      2      —
        0.75                   5.5      3      —
        Limits: 95% pointwise, plain scale.
        """
        found = self.quantile([0.25, 0.5, 0.75])
        rows = [
            [show.number(p), float(t), float(a), float(b)]
            for p, t, a, b in np.column_stack((found.probability, found.time, found.lower, found.upper))
        ]
        return show.table(
            f"Survival curve: {self.n} subjects, {self.events} events",
            ["share with the event", "time", "lower", "upper"],
            rows,
            [f"Limits: {show.number(100 * self.conf_level)}% pointwise, {self.conf_type} scale."],
        )

    def to_frame(self) -> Any:
        """Return the curve as a pandas DataFrame, one row a distinct observed time."""
        columns = ("time", "n_risk", "n_event", "n_censored", "surv", "std_err", "lower", "upper")
        return show.frame({name: getattr(self, name) for name in columns})

    def plot(self, ax: Any = None, *, label: str | None = None, risk_times: Sequence[float] = (), risk_row: int = 0) -> Any:
        """Draw the curve with its band and a tick at each censoring, and return the axes.

        Args:
            ax: matplotlib axes, by default new ones.
            label: for a legend.
            risk_times: times below which the numbers at risk are written.
            risk_row: the row of these numbers, from 0; give further curves on the same axes further rows.
        """
        axes = curve_plot.draw_steps(
            ax,
            self.time,
            self.surv,
            start=1.0,
            band=(self.lower, self.upper),
            marked=self.n_censored > 0,
            label=label,
            heading="survival",
        )
        axes.set_ylim(0, 1.02)
        if len(risk_times):
            numbers = self.number_at_risk(risk_times).tolist()
            curve_plot.write_numbers_at_risk(axes, risk_times, numbers, risk_row, label)
        return axes


def kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    robust: bool | None = None,
    conf_level: float = 0.95,
    conf_type: ConfidenceType = "log-log",
) -> SurvivalCurve:
    """Estimate the probability of staying without the event, with Greenwood errors and pointwise limits.

    When all are censored the curve stays 1 with error 0; an event at time 0 counts and the curve starts below 1; events
    and censorings at one time make one row.

    Args:
        time: end of observation, shape (n,), >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        entry: start of observation where it came late (left truncation), shape (n,), each before its `time`; a
            subject is at risk after its entry.
        weights: how many subjects each row stands for, shape (n,), > 0; counts then become sums of weights.
        robust: whether errors come from the rows' influence (infinitesimal jackknife) rather than from Greenwood's
            formula; by default when a weight is no whole number, for then weights are no numbers of subjects.
        conf_level: in (0, 1).
        conf_type: scale on which the interval is symmetric; limits are kept within 0 and 1.

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not (NaN is none); the name of a scale
            is unknown.

    Source: Kaplan and Meier (1958); Greenwood (1926); Kalbfleisch and Prentice (2002), section 1.4, for the log-log
    interval; conventions for weights as in `survfit` of the R package survival.

    >>> curve = kaplan_meier([6, 7, 10, 15, 19, 25], [1, 0, 1, 1, 0, 1])
    >>> curve.surv.round(4).tolist(), curve.median
    ([0.8333, 0.8333, 0.625, 0.4167, 0.4167, 0.0], 15.0)
    """
    end = arguments.times(time)
    had_event = arguments.flags(event, end.size)
    start = None if entry is None else arguments.entries(entry, end)
    counted = None if weights is None else arguments.weights(weights, end.size)
    arguments.level(conf_level)
    curve_limits.scale(conf_type)
    table = risk_table(end, had_event, start, counted)
    kernels = fast.kernels(table.n_risk.size)
    surv: Floats = (
        np.cumprod((table.n_risk - table.n_event) / table.n_risk, dtype=np.float64)
        if kernels is None
        else kernels.product_limit(table.n_risk, table.n_event)
    )
    error = None
    if robust or (robust is None and counted is not None and bool((counted != np.floor(counted)).any())):
        error = influence_error(end, had_event.astype(np.int64), start, counted, table.time, table.n_risk, table.n_event)
    return SurvivalCurve(
        time=table.time,
        n_risk=table.n_risk,
        n_event=table.n_event,
        n_censored=table.n_censored,
        surv=arguments.frozen(surv),
        n=int(end.size),
        events=int(np.count_nonzero(had_event)),
        conf_level=float(conf_level),
        conf_type=conf_type,
        _error=error,
    )


def reverse_kaplan_meier(
    time: ArrayLike, event: ArrayLike, *, conf_level: float = 0.95, conf_type: ConfidenceType = "log-log"
) -> SurvivalCurve:
    """Estimate how long subjects were followed up: the curve whose event is the end of follow-up.

    Its median is the median follow-up. Arguments and errors are those of `kaplan_meier`.

    Source: Schemper and Smith (1996), Controlled Clinical Trials 17, 343-346.

    >>> reverse_kaplan_meier([1, 2, 3, 4, 5], [1, 0, 0, 1, 0]).median
    4.0
    """
    ends = arguments.times(time)
    return kaplan_meier(ends, 1 - arguments.indicators(event, ends.size), conf_level=conf_level, conf_type=conf_type)


def survival_difference(curve_a: SurvivalCurve, curve_b: SurvivalCurve, t: float, conf_level: float = 0.95) -> Difference:
    """Compare two independent curves at one time: survival of b less survival of a, with their standard errors.

    The error, limits and p are NaN when either curve has reached 0.

    Raises:
        ValueError: `t` is negative or missing, or `conf_level` outside (0, 1).

    Source: independent normal estimates, variances by Greenwood (1926) added up.

    >>> a, b = kaplan_meier([1, 2, 3, 4], [1, 1, 1, 0]), kaplan_meier([2, 4, 6, 8], [1, 1, 0, 0])
    >>> survival_difference(a, b, 3.0).value
    0.5
    """
    a, b = curve_a.at([t]), curve_b.at([t])
    return normal_difference(float(b.surv[0] - a.surv[0]), float(np.hypot(a.std_err[0], b.std_err[0])), conf_level)


def greenwood_steps(n_risk: Counts, n_event: Counts) -> Floats:
    """Return what each time adds to the variance of log S; 0 where nobody is left.

    >>> greenwood_steps(np.array([4, 2]), np.array([1, 2])).round(6).tolist()
    [0.083333, 0.0]
    """
    remaining = n_risk - n_event
    return n_event / (n_risk * np.where(remaining > 0, remaining, 1)) * (remaining > 0)


def _crossings(time: Floats, height: Floats, probability: Floats) -> Floats:
    """First times at which `height` has fallen to 1 - probability, or the middle of a flat step at that height."""
    fallen = np.append(0.0, 1 - height)
    at = np.append(0.0, time)
    known = ~np.isnan(fallen)
    heights, first = fallen[known], np.flatnonzero(known)
    if (heights[1:] >= heights[:-1]).all():  # as nearly always: no sort is needed
        new = np.concatenate(([True], heights[1:] > heights[:-1]))
        heights, first = heights[new], first[new]
    else:
        heights, order = np.unique(heights, return_index=True)
        first = first[order]
    # The last distinct step in time order; NaN, which starts no step of its own, hides a flat end.
    last_step = fallen[-1]
    result = np.full(probability.size, np.nan)
    for k, p in enumerate(probability):
        reached = int(np.searchsorted(heights, p - _SAME_STEP))
        passed = int(np.searchsorted(heights, p + _SAME_STEP))
        if reached < heights.size and abs(p - last_step) < _SAME_STEP:
            result[k] = (at[first[reached]] + time[-1]) / 2
        elif passed < heights.size:
            result[k] = (at[first[reached]] + at[first[passed]]) / 2
    return result
