"""The cumulative hazard: Nelson-Aalen and Fleming-Harrington estimates, and the survival curves made from them."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, polygamma

from oligami.stats import arguments, curve_limits, curve_plot, show
from oligami.stats.arguments import Floats
from oligami.stats.curve_limits import ConfidenceType
from oligami.stats.risk_table import Counts, risk_table
from oligami.stats.survival import SurvivalCurve

HazardScale = Literal["log", "plain"]
TiedEvents = Literal["nelson-aalen", "fleming-harrington"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HazardPoints:
    """A cumulative hazard read at chosen times; arrays in the order of `time`."""

    time: Floats
    hazard: Floats
    std_err: Floats
    lower: Floats
    upper: Floats

    def to_frame(self) -> Any:
        """Return the points as a pandas DataFrame, one row a time."""
        return show.frame({name: getattr(self, name) for name in ("time", "hazard", "std_err", "lower", "upper")})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HazardCurve:
    """A cumulative hazard: one row for each distinct observed time.

    While the hazard is 0 its limits on the log scale are NaN, as that scale has no value there; on the plain scale the
    lower limit is kept at 0 or above.
    """

    time: Floats
    n_risk: Counts
    n_event: Counts
    n_censored: Counts
    hazard: Floats
    variance: Floats
    n: int
    events: int
    ties: TiedEvents
    conf_level: float
    conf_type: HazardScale
    _kept: dict[str, Floats] = field(default_factory=dict, init=False, repr=False)

    @property
    def std_err(self) -> Floats:
        """Standard error, a value for each row."""
        return arguments.frozen(np.sqrt(self.variance))

    @property
    def lower(self) -> Floats:
        """Lower limit, a value for each row."""
        return self._limit("lower")

    @property
    def upper(self) -> Floats:
        """Upper limit, a value for each row."""
        return self._limit("upper")

    def _limit(self, side: str) -> Floats:
        if side not in self._kept:
            low, high = _limits(self.hazard, self.std_err, self.conf_level, self.conf_type)
            self._kept.update(lower=arguments.frozen(low), upper=arguments.frozen(high))
        return self._kept[side]

    def at(self, times: ArrayLike) -> HazardPoints:
        """Read the hazard at any times; before the first observed time it is 0, after the last it is carried on.

        Raises:
            ValueError: a time is negative or missing.
        """
        wanted = arguments.times(times, "times")
        row = np.searchsorted(self.time, wanted, side="right")
        hazard, error = np.append(0.0, self.hazard)[row], np.append(0.0, self.std_err)[row]
        low, high = _limits(hazard, error, self.conf_level, self.conf_type)
        return HazardPoints(time=wanted, hazard=hazard, std_err=error, lower=low, upper=high)

    def survival(self, conf_type: ConfidenceType = "log-log") -> SurvivalCurve:
        """Turn the hazard into a survival curve, exp(-hazard), with the errors of the hazard.

        From a Nelson-Aalen hazard this is Breslow's estimate, from the other Fleming and Harrington's.

        Args:
            conf_type: scale on which the limits of the curve are symmetric.

        Raises:
            ValueError: the name of the scale is unknown.

        Source: `survfit(..., stype = 2, ctype = 1 or 2)` of the R package survival.

        >>> nelson_aalen([1, 2, 3, 4], [1, 0, 1, 1]).survival().surv.round(4).tolist()
        [0.7788, 0.7788, 0.4724, 0.1738]
        """
        curve_limits.scale(conf_type)
        return SurvivalCurve(
            time=self.time,
            n_risk=self.n_risk,
            n_event=self.n_event,
            n_censored=self.n_censored,
            surv=arguments.frozen(np.exp(-self.hazard)),
            n=self.n,
            events=self.events,
            conf_level=self.conf_level,
            conf_type=conf_type,
            _error=self.std_err,
        )

    def summary(self) -> str:
        """Return the hazard at the end of each tenth of the observed times, as a text table."""
        rows = np.unique(np.linspace(0, self.time.size - 1, 11).astype(int)[1:])
        columns = (self.time, self.n_risk, self.hazard, self.std_err, self.lower, self.upper)
        return show.table(
            f"Cumulative hazard ({self.ties}): {self.n} subjects, {self.events} events",
            ["time", "n_risk", "hazard", "std_err", "lower", "upper"],
            [[float(column[row]) for column in columns] for row in rows],
            [f"Limits: {show.number(100 * self.conf_level)}% pointwise, {self.conf_type} scale."],
        )

    def to_frame(self) -> Any:
        """Return the curve as a pandas DataFrame, one row a distinct observed time."""
        columns = ("time", "n_risk", "n_event", "n_censored", "hazard", "std_err", "lower", "upper")
        return show.frame({name: getattr(self, name) for name in columns})

    def plot(self, ax: Any = None, *, label: str | None = None) -> Any:
        """Draw the curve with its band, and return the axes (by default new ones)."""
        band = (self.lower, self.upper)
        return curve_plot.draw_steps(ax, self.time, self.hazard, start=0.0, band=band, label=label, heading="cumulative hazard")


def nelson_aalen(
    time: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    ties: TiedEvents = "nelson-aalen",
    conf_level: float = 0.95,
    conf_type: HazardScale = "log",
) -> HazardCurve:
    """Estimate the cumulative hazard with its variance and pointwise limits.

    When all are censored the hazard stays 0 with error 0.

    Args:
        time: end of observation, shape (n,), >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        entry: start of observation where it came late (left truncation), shape (n,), each before its `time`.
        weights: how many subjects each row stands for, shape (n,), > 0.
        ties: "nelson-aalen" takes tied events against the same number at risk, d / n; "fleming-harrington" one after the
            other, 1 / n + 1 / (n - 1) + ...
        conf_level: in (0, 1).
        conf_type: "log" for limits symmetric about the logarithm of the hazard, "plain" about the hazard.

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not; `ties` or `conf_type` is unknown.

    Source: Nelson (1972); Aalen (1978), variance d / n^2 summed; Fleming and Harrington (1984), Communications in
    Statistics 13, 2469-2486. Conventions of `survfit` of the R package survival.

    >>> found = nelson_aalen([1, 2, 2, 3], [1, 1, 1, 0])
    >>> found.hazard.round(4).tolist(), found.std_err.round(4).tolist()
    ([0.25, 0.9167, 0.9167], [0.25, 0.5336, 0.5336])
    """
    end = arguments.times(time)
    had_event = arguments.indicators(event, end.size)
    start = None if entry is None else arguments.entries(entry, end)
    counted = None if weights is None else arguments.weights(weights, end.size)
    level = arguments.level(conf_level)
    for value, kinds, argument in ((ties, TiedEvents, "ties"), (conf_type, HazardScale, "conf_type")):
        if value not in get_args(kinds):
            raise ValueError(f"{argument} is {value!r}; it must be one of {', '.join(get_args(kinds))}")
    table = risk_table(end, had_event, start, counted)
    if ties == "nelson-aalen":
        step, spread = table.n_event / table.n_risk, table.n_event / table.n_risk**2
    else:
        heads = table.n_event if counted is None else risk_table(end, had_event, start).n_event
        step, spread = _one_after_the_other(table.n_risk, table.n_event, heads)
    return HazardCurve(
        time=table.time,
        n_risk=table.n_risk,
        n_event=table.n_event,
        n_censored=table.n_censored,
        hazard=arguments.frozen(np.cumsum(step)),
        variance=arguments.frozen(np.cumsum(spread)),
        n=int(end.size),
        events=int(np.count_nonzero(had_event)),
        ties=ties,
        conf_level=level,
        conf_type=conf_type,
    )


def _one_after_the_other(n_risk: Counts, n_event: Counts, heads: Counts) -> tuple[Floats, Floats]:
    """Sums over tied events of 1 / n and 1 / n^2, n falling by one event (of their mean weight) at a time.

    Differences of digamma and trigamma functions: sum of 1 / (u - j), j < d, is digamma(u + 1) - digamma(u + 1 - d).
    """
    events = np.asarray(heads, dtype=np.float64)
    weight = np.where(events > 0, n_event / np.maximum(events, 1), 1.0)
    units = n_risk / weight
    above, below = units + 1, np.maximum(units + 1 - events, 0.5)  # at least 1 in truth; rounding apart
    untied = events <= 1  # taken directly: the differences of large arguments cost digits
    step = np.where(untied, events / units, digamma(above) - digamma(below))
    spread = np.where(untied, events / units**2, polygamma(1, below) - polygamma(1, above))
    return step, spread / weight


def _limits(hazard: Floats, error: Floats, conf_level: float, conf_type: HazardScale) -> tuple[Floats, Floats]:
    z = curve_limits.normal_quantile(conf_level)
    if conf_type == "plain":
        return np.maximum(hazard - z * error, 0), hazard + z * error
    relative = error / np.where(hazard > 0, hazard, np.nan)
    return hazard * np.exp(-z * relative), hazard * np.exp(z * relative)
