"""Hazards that are constant between given times, with covariates that multiply them.

Leaves hazards of one shape throughout to `parametric`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments, curve_limits, show
from oligami.stats.arguments import Floats, Ints
from oligami.stats.curve_limits import ConfidenceType
from oligami.stats.parametric import ModelPoints, standardized

_MOST_STEPS = 100
_DECREMENT = 1e-16
_FLAT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PiecewiseExponentialFit:
    """A fitted hazard, one value an interval (start, end]; with covariates, that of a subject whose covariates are 0.

    An interval nobody was observed in has a rate of NaN; one without an event has rate 0, error 0 and no limits (NaN).
    When a covariate's effect has no finite estimate (a group without events) `converged` is False.
    """

    start: Floats
    end: Floats  # the last is infinite
    events: Ints
    person_time: Floats
    rate: Floats
    rate_std_err: Floats
    rate_lower: Floats  # symmetric on the log scale
    rate_upper: Floats
    terms: tuple[str, ...]
    coef: Floats  # log hazard ratios
    covariance: Floats  # of the logarithms of the rates, then of coef; 0 where a rate is 0 or NaN
    loglik: float
    n: int
    longest: float  # last observed time
    converged: bool
    conf_level: float

    @property
    def std_err(self) -> Floats:
        """Standard errors of `coef`."""
        return arguments.frozen(np.sqrt(np.diag(self.covariance)[self.rate.size :]))

    @property
    def aic(self) -> float:
        """Akaike's information criterion; an interval with an observed rate of 0 counts as a parameter."""
        return 2 * (int(np.isfinite(self.rate).sum()) + self.coef.size) - 2 * self.loglik

    def hazard_ratios(self) -> tuple[Floats, Floats, Floats]:
        """Return the ratio of hazards a unit of each covariate makes, with its limits."""
        half = curve_limits.normal_quantile(self.conf_level) * self.std_err
        return np.exp(self.coef), np.exp(self.coef - half), np.exp(self.coef + half)

    def survival(
        self, times: ArrayLike, covariates: ArrayLike | None = None, *, conf_type: ConfidenceType = "log-log"
    ) -> ModelPoints:
        """Predict the survival of a subject with given covariates, with limits by the delta method.

        Beyond an interval nobody was observed in, nothing is known: NaN. While no event is expected the curve and its
        limits are 1.

        Args:
            times: times, each 0 or later, in the unit of the data.
            covariates: a value for each term, shape (p,); none when there are none.
            conf_type: scale on which the limits are symmetric.

        Raises:
            ValueError: a time is negative or missing, the covariates are of another number, the scale is unknown.
        """
        wanted = arguments.times(times, "times")
        curve_limits.scale(conf_type)
        row = np.zeros(0) if covariates is None else np.atleast_1d(np.asarray(covariates, dtype=np.float64))
        if row.shape != self.coef.shape or not np.isfinite(row).all():
            raise ValueError(f"covariates are {row.tolist()}; they must be {self.coef.size} finite numbers: {list(self.terms)}")
        spent = exposure(np.zeros(wanted.size), wanted, self.start, self.end)
        # Expected events beyond this leave nobody, and their squares would pass what floats hold.
        parts = np.minimum(np.where(spent > 0, spent * self.rate, 0.0) * np.exp(row @ self.coef), 1e100)
        hazard = parts.sum(axis=1)
        slope = np.column_stack([parts, hazard[:, np.newaxis] * row])
        error = np.sqrt(np.einsum("ti,ij,tj->t", slope, self.covariance, slope))
        surv = np.exp(-hazard)
        lower, upper = curve_limits.limits(surv, error, self.conf_level, conf_type)
        return ModelPoints(
            time=wanted,
            surv=surv,
            std_err=surv * error,
            lower=np.where(hazard == 0, 1.0, lower),
            upper=np.where(hazard == 0, 1.0, upper),
        )

    def summary(self) -> str:
        """Return the rates and the covariates' effects as a text table."""
        columns = (self.start, self.end, self.events, self.person_time, self.rate, self.rate_lower, self.rate_upper)
        rows = [[float(column[j]) for column in columns] for j in range(self.rate.size)]
        heads = ["start", "end", "events", "person_time", "rate", "lower", "upper"]
        effects = [
            f"{name}: hazard ratio {show.number(hr)} ({show.number(low)} to {show.number(high)})"
            for name, hr, low, high in zip(self.terms, *self.hazard_ratios(), strict=True)
        ]
        notes = [*effects, f"log-likelihood {show.number(self.loglik, 7)}, AIC {show.number(self.aic, 7)}"]
        if not self.converged:
            notes.append("The likelihood has no maximum here: the fit did not converge.")
        return show.table(f"Piecewise exponential model: {self.n} subjects", heads, rows, notes)

    def to_frame(self) -> Any:
        """Return the rates as a pandas DataFrame, one row an interval."""
        columns = ("start", "end", "events", "person_time", "rate", "rate_std_err", "rate_lower", "rate_upper")
        return show.frame({name: getattr(self, name) for name in columns})

    def plot(self, ax: Any = None, *, covariates: ArrayLike | None = None, label: str | None = None) -> Any:
        """Draw the predicted curve with its band up to the last observed time, and return the axes."""
        axes = show.axes(ax)
        points = self.survival(np.linspace(0, self.longest, 201), covariates)
        (line,) = axes.plot(points.time, points.surv, label=label)
        axes.fill_between(points.time, points.lower, points.upper, alpha=0.15, color=line.get_color(), linewidth=0)
        axes.set_xlabel("time")
        axes.set_ylabel("survival")
        return axes


def fit_piecewise_exponential(
    time: ArrayLike,
    event: ArrayLike,
    cuts: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    names: Sequence[str] | None = None,
    entry: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> PiecewiseExponentialFit:
    """Fit a hazard that is constant between cuts, by maximum likelihood.

    Without covariates a rate is the events of its interval over the time spent in it. An event at a cut belongs to the
    interval that ends there.

    Args:
        time: end of observation, shape (n,), >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        cuts: times at which the hazard may change, > 0, ascending; may be empty, for one rate throughout.
        covariates: shape (n,) or (n, p), e.g. 1 in the experimental arm and 0 in the other; by default none.
        names: of the covariates.
        entry: start of observation where it came late (left truncation), shape (n,), each before its `time`.
        conf_level: in (0, 1).

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not; cuts do not ascend from above 0;
            covariates are constant or add up to each other; with covariates, there is no event.

    Source: Friedman (1982), Annals of Statistics 10, 101-113.

    >>> fit = fit_piecewise_exponential([1, 2, 3, 5, 6, 8], [1, 0, 1, 1, 0, 1], [3])
    >>> fit.events.tolist(), fit.person_time.tolist(), fit.rate.round(4).tolist()
    ([2, 2], [15.0, 10.0], [0.1333, 0.2])
    """
    finish = arguments.times(time)
    had_event = arguments.indicators(event, finish.size)
    begin = np.zeros(finish.size) if entry is None else arguments.entries(entry, finish)
    level = arguments.level(conf_level)
    inner = np.asarray(cuts)
    inner = arguments.numbers(inner, "cuts") if inner.size else np.empty(0)
    if not (np.diff(np.append(0.0, inner)) > 0).all():
        raise ValueError(f"cuts are {inner.tolist()}; they must be one column of finite times that ascend from above 0")
    start, end = np.append(0.0, inner), np.append(inner, np.inf)
    x, terms, centre, spread = standardized(covariates, finish.size, names)
    x = x[:, 1:]
    if x.shape[1] > 0 and not had_event.any():
        raise ValueError("event is 0 in every row; it must be 1 in at least one when there are covariates")

    spent = exposure(begin, finish, start, end)
    person_time = spent.sum(axis=0)
    events = np.bincount(np.searchsorted(inner, finish, side="left")[had_event == 1], minlength=start.size)
    if (bad := (events > 0) & (person_time == 0)).any():
        raise ValueError(f"time has events at once in the interval from {start[bad][0]:g}; somebody must spend time in it before")
    usable = events > 0
    scaled, covariance, settled = _effects(x, had_event, events[usable], spent[:, usable])
    # Rates of a subject at the means of the covariates, then of one whose covariates are 0.
    weighted = np.exp(x @ scaled) @ spent
    rate_at_mean = np.divide(events, weighted, out=np.full(start.size, np.nan), where=person_time > 0)
    coef = scaled / spread
    size, p = start.size, coef.size
    k = int(usable.sum())
    back = np.eye(k + p)
    back[k:, k:] = np.diag(1 / spread)
    back[:k, k:] = -centre / spread
    kept = np.append(usable, np.ones(p, dtype=np.bool_))
    full = np.zeros((size + p, size + p))
    full[np.ix_(kept, kept)] = back @ covariance @ back.T
    rate = rate_at_mean * np.exp(-centre @ coef)
    log_error = np.where(usable, np.sqrt(np.diag(full)[:size]), np.nan)
    half = curve_limits.normal_quantile(level) * log_error
    log_rate = np.log(np.where(usable, rate_at_mean, 1.0))
    return PiecewiseExponentialFit(
        start=arguments.frozen(start),
        end=arguments.frozen(end),
        events=arguments.frozen(events.astype(np.int64)),
        person_time=arguments.frozen(person_time),
        rate=arguments.frozen(rate),
        rate_std_err=arguments.frozen(np.where(events > 0, rate * log_error, np.where(person_time > 0, 0.0, np.nan))),
        rate_lower=arguments.frozen(rate * np.exp(-half)),
        rate_upper=arguments.frozen(rate * np.exp(half)),
        terms=terms,
        coef=arguments.frozen(coef),
        covariance=arguments.frozen(full),
        loglik=float(events @ log_rate + had_event @ (x @ scaled) - events.sum()),
        n=int(finish.size),
        longest=float(finish.max()),
        converged=settled,
        conf_level=level,
    )


def exposure(begin: Floats, finish: Floats, start: Floats, end: Floats) -> Floats:
    """Return the time each subject spends in each interval, shape (subjects, intervals).

    Args:
        begin: start of observation, shape (n,).
        finish: end of observation, shape (n,).
        start: starts of the intervals, shape (k,).
        end: their ends, shape (k,), the last possibly infinite.

    >>> exposure(np.array([0.0, 2.0]), np.array([5.0, 4.0]), np.array([0.0, 3.0]), np.array([3.0, np.inf])).tolist()
    [[3.0, 2.0], [1.0, 1.0]]
    """
    until = np.minimum(finish[:, np.newaxis], end)
    since = np.maximum(begin[:, np.newaxis], start)
    spent: Floats = np.maximum(until - since, 0.0)
    return spent


def _effects(x: Floats, event: Ints, events: Ints, spent: Floats) -> tuple[Floats, Floats, bool]:
    """Coefficients, the covariance of log rates and coefficients, and whether there was a maximum.

    Given the coefficients the rates have a closed form, so Newton's steps are over the coefficients alone.
    """
    p = x.shape[1]
    coef = np.zeros(p)
    if p == 0:
        return coef, np.diag(1 / events), True

    def profile(point: Floats) -> tuple[float, Floats, Floats]:
        each = np.exp(x @ point)[:, np.newaxis] * spent
        rate = events / each.sum(axis=0)
        return float(event @ (x @ point) + events @ np.log(rate)), each * rate, rate

    value, expected, _ = profile(coef)
    settled = False
    for _ in range(_MOST_STEPS):
        of_subject = expected.sum(axis=1)
        cross = x.T @ expected  # coefficients by intervals
        score = x.T @ (event - of_subject)
        curvature = x.T @ (x * of_subject[:, np.newaxis])
        if settled:
            break
        reduced = curvature - (cross / events) @ cross.T
        step = np.linalg.lstsq(reduced, score)[0]
        settled = float(step @ score) <= _DECREMENT * (1 + abs(value))
        for _ in range(60):
            found, tried, _ = profile(coef + step)
            if found >= value - 1e-12 * (1 + abs(value)):
                coef, value, expected = coef + step, found, tried
                break
            step = step / 2
    information = np.block([[np.diag(events.astype(np.float64)), cross.T], [cross, curvature]])
    flat = np.linalg.eigvalsh(curvature - (cross / events) @ cross.T)
    return coef, np.linalg.pinv(information), settled and bool(flat[0] > _FLAT * float(events.sum()))
