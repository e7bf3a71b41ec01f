"""When a running trial will reach its events, from blinded data: both arms pooled, nobody's arm known.

A model is fitted to the pooled times, its parameters are drawn as uncertain as the data leave them, and the rest of the
trial is simulated: those still followed go on from where they are, those still to come enter at the rate observed.
Intervals are therefore for what will be seen, chance of the remaining course included. What the design alone lets
expect is `assumptions.expected_course`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats, Ints

MODELS = ("exponential", "weibull", "piecewise")
_MOST_CELLS = 2e8  # a drawn time for each subject and draw, in memory at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """Predicted values with limits, arrays of shape (m,); a date is inf where fewer draws than needed ever get there."""

    target: Floats  # number of events, or calendar time
    median: Floats
    lower: Floats
    upper: Floats
    conf_level: float

    def summary(self) -> str:
        """Return the predictions as a text table."""
        level = show.number(100 * self.conf_level)
        rows = list(zip(*(c.tolist() for c in (self.target, self.median, self.lower, self.upper)), strict=True))
        return show.table("Prediction", ["target", "median", f"lower {level} %", f"upper {level} %"], rows)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame, one row a target."""
        return show.frame({name: getattr(self, name) for name in ("target", "median", "lower", "upper")})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventProjection:
    """The rest of a trial, drawn many times over; made by `project_events`."""

    at: float  # calendar time of the cut
    observed_times: Floats  # calendar times of the events seen, in order
    future_times: Floats  # of those to come, shape (draws, m), each row in order; inf where there is none
    entries: Floats  # calendar times of entry still to come, shape (draws, e), each row in order
    entered: int
    model: str
    parameters: Floats  # drawn, shape (draws, p); hazards by piece, or shape and scale
    parameter_names: tuple[str, ...]
    accrual_rate: float  # mean of those drawn; NaN when nobody is to come
    dropout_rate: float  # mean of those drawn
    seed: int

    @property
    def observed(self) -> int:
        """Events seen by the cut."""
        return int(self.observed_times.size)

    def date_of(self, events: ArrayLike, *, conf_level: float = 0.8) -> Prediction:
        """Return when each number of events will be reached, in calendar time, with a prediction interval.

        Args:
            events: numbers of events, shape (m,), >= 1; one that has been reached has its known date.
            conf_level: share of the intervals that should hold the truth.

        Raises:
            ValueError: a number is not whole or below 1.
        """
        level = arguments.level(conf_level)
        wanted = arguments.one_or_more(events, "events")
        wanted = arguments.counts(wanted, wanted.size, "events").astype(np.float64)
        if (wanted < 1).any():
            raise ValueError(f"events are {wanted.tolist()}; each must be 1 or more")
        limits = np.empty((3, wanted.size))
        for j, number in enumerate(wanted.astype(int).tolist()):
            if number <= self.observed:
                limits[:, j] = self.observed_times[number - 1]
            elif number - self.observed > self.future_times.shape[1]:
                limits[:, j] = np.inf
            else:
                limits[:, j] = _limits(self.future_times[:, number - self.observed - 1], level)
        return _prediction(wanted, limits, level)

    def events_by(self, times: ArrayLike, *, conf_level: float = 0.8) -> Prediction:
        """Return how many events there will be by each calendar time, with a prediction interval.

        Args:
            times: calendar times, shape (m,), >= 0; up to the cut the number is known.
            conf_level: share of the intervals that should hold the truth.
        """
        level = arguments.level(conf_level)
        at = arguments.times(arguments.one_or_more(times, "times"), "times")
        known = np.searchsorted(self.observed_times, at, side="right").astype(np.float64)
        limits = np.stack(
            [
                known[j] + _limits((self.future_times <= time).sum(axis=1).astype(np.float64), level)
                for j, time in enumerate(at.tolist())
            ],
            axis=1,
        )
        return _prediction(at, limits, level)

    def enrolled_by(self, times: ArrayLike, *, conf_level: float = 0.8) -> Prediction:
        """Return how many will have entered by each calendar time from the cut on, with a prediction interval.

        Args:
            times: calendar times, shape (m,), not before the cut.
            conf_level: share of the intervals that should hold the truth.

        Raises:
            ValueError: a time lies before the cut.
        """
        level = arguments.level(conf_level)
        at = arguments.times(arguments.one_or_more(times, "times"), "times")
        if (at < self.at).any():
            raise ValueError(f"times are {at.tolist()}; each must be {self.at:g} or more, the cut")
        limits = np.stack(
            [self.entered + _limits((self.entries <= time).sum(axis=1).astype(np.float64), level) for time in at.tolist()],
            axis=1,
        )
        return _prediction(at, limits, level)

    def _grid(self) -> Floats:
        finite = self.future_times[np.isfinite(self.future_times)]
        last = float(np.quantile(finite, 0.8)) if finite.size else self.at
        return np.linspace(0.0, max(last, self.at * 1.05), 61)

    def summary(self) -> str:
        """Return the state at the cut, the fitted model, and when further events are expected."""
        most = self.observed + int(np.median(np.isfinite(self.future_times).sum(axis=1)))
        numbers = np.unique(np.linspace(self.observed, most, 6).round())
        notes = [
            f"cut at {show.number(self.at)}: {self.entered} entered, {self.observed} events, "
            f"{self.entries.shape[1]} still to enter",
            f"pooled {self.model} model: "
            + ", ".join(
                f"{name} {show.number(float(np.median(column)))}"
                for name, column in zip(self.parameter_names, self.parameters.T, strict=True)
            ),
            f"{self.parameters.shape[0]} draws, seed {self.seed}; dates on the calendar of the entries, inf: in so many draws never",
        ]
        if (numbers := numbers[numbers > self.observed]).size == 0:
            return show.table("Projection of events", ["events"], [], [*notes, "no further event is expected"])
        found = self.date_of(numbers)
        rows = list(
            zip(
                [int(k) for k in found.target],
                *(column.tolist() for column in (found.median, found.lower, found.upper)),
                strict=True,
            )
        )
        return show.table("Projection of events", ["events", "date", "lower 80 %", "upper 80 %"], rows, notes)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame: events by calendar time with 80 % limits, known up to the cut."""
        found = self.events_by(self._grid())
        return show.frame({"time": found.target, "events": found.median, "lower": found.lower, "upper": found.upper})

    def plot(self, ax: Any = None) -> Any:
        """Draw events by calendar time, seen and predicted with 80 % limits; return the axes."""
        axes = show.axes(ax)
        found = self.events_by(self._grid())
        axes.plot(found.target, found.median, label="events")
        axes.fill_between(found.target, found.lower, found.upper, alpha=0.25, label="80 % prediction")
        axes.axvline(self.at, linestyle=":", color="grey")
        axes.set_xlabel("calendar time from first entry")
        axes.set_ylabel("events, arms pooled")
        axes.legend()
        return axes


def project_events(
    entry: ArrayLike,
    time: ArrayLike,
    status: ArrayLike,
    *,
    at: float,
    seed: int,
    to_enter: int = 0,
    accrual_rate: float | None = None,
    accrual_window: float | None = None,
    model: str = "exponential",
    cuts: ArrayLike = (),
    draws: int = 2000,
) -> EventProjection:
    """Project the events of a running trial from its blinded data, by simulation from the fitted pooled model.

    Args:
        entry: calendar time of each subject's entry, shape (n,), from 0 to `at`.
        time: time from entry to the end of observation, shape (n,), >= 0.
        status: how that ended, shape (n,): 0 still followed, 1 event, 2 lost or withdrawn. Who is still followed but
            was last seen before the cut goes on from when last seen, so that events not yet reported are made up for.
        at: calendar time of the cut.
        seed: of the draws; the same seed gives the same projection.
        to_enter: subjects still to enter.
        accrual_rate: at which they enter, per unit of time; by default as observed, with its uncertainty.
        accrual_window: length of the time before the cut whose entries count for the observed rate; by default all.
        model: `exponential`, `weibull`, or `piecewise`: a constant hazard between `cuts`.
        cuts: times since entry where the hazard may change, shape (k,), increasing, > 0.
        draws: how many courses are simulated, >= 100.

    Returns:
        The projection, to be asked for dates and numbers. Without any event a hazard is still drawn (see Source) and the
        intervals are wide; a Weibull model is refused below two events.

    Raises:
        ValueError: a column is empty, of another length or out of range; nobody has been observed for any time; there is
            no such model; nobody was observed in one of its pieces; or the observed rate of entry is 0.

    Source: Bagiella and Heitjan (2001), Statistics in Medicine 20, 2055-2063: prediction from draws of the parameters.
    Hazards and rates of entry and loss are drawn from gamma(count + 1/2, time), the posterior under Jeffreys's prior;
    Weibull parameters from the normal limit of their estimates on the log scale.

    >>> entry = np.linspace(0, 2, 60)
    >>> time, status = np.minimum(2 - entry, 0.9), (2 - entry > 0.9).astype(int) * (np.arange(60) % 3 == 0)
    >>> time = np.where(status == 1, time, 2 - entry)
    >>> found = project_events(entry, time, status, at=2, seed=1, to_enter=30)
    >>> reach = found.date_of(30)
    >>> found.observed, bool(2 < reach.lower[0] < reach.median[0] < reach.upper[0])
    (11, True)
    """
    cut = arguments.number(at, "at", above=0)
    began = arguments.times(entry, "entry")
    length = arguments.times(time)
    arguments.same_length(length.size, began.size, "time")
    ended = arguments.counts(status, began.size, "status")
    if (ended > 2).any():
        raise ValueError(f"status holds {int(ended.max())}; each must be 0 still followed, 1 event or 2 lost")
    _within_cut(began, length, cut)
    if not length.sum() > 0:
        raise ValueError("time is 0 for everybody; somebody must have been observed for some time")
    coming = arguments.whole(to_enter, "to_enter", at_least=0)
    repeats = arguments.whole(draws, "draws", at_least=100)
    if repeats * (began.size + coming) > _MOST_CELLS:
        raise ValueError(f"draws is {draws!r} for {began.size + coming} subjects; their product must be at most {_MOST_CELLS:g}")
    generator = np.random.default_rng(arguments.whole(seed, "seed", at_least=0))

    had_event = ended == 1
    names, parameters, to_come = _fitted(model, cuts, length, had_event, repeats, generator)
    loss = generator.gamma((ended == 2).sum() + 0.5, 1 / length.sum(), repeats) if (ended == 2).any() else np.zeros(repeats)
    entries, rate = _entries(began, cut, coming, accrual_rate, accrual_window, repeats, generator)

    followed = ended == 0
    since = np.concatenate([np.broadcast_to(length[followed], (repeats, int(followed.sum()))), np.zeros_like(entries)], axis=1)
    start = np.concatenate([np.broadcast_to(began[followed], (repeats, int(followed.sum()))), entries], axis=1)
    when = to_come(since, generator.exponential(size=since.shape))
    with np.errstate(divide="ignore"):
        lost = since + generator.exponential(size=since.shape) / loss[:, np.newaxis]
    # An event that falls before the cut among those last seen earlier is known only from the cut on.
    future = np.where(when <= lost, np.maximum(start + when, cut), np.inf)
    future.sort(axis=1)
    return EventProjection(
        at=cut,
        observed_times=arguments.frozen(np.sort((began + length)[had_event])),
        future_times=arguments.frozen(future),
        entries=arguments.frozen(entries),
        entered=int(began.size),
        model=model,
        parameters=arguments.frozen(parameters),
        parameter_names=names,
        accrual_rate=rate,
        dropout_rate=float(loss.mean()),
        seed=seed,
    )


def _within_cut(began: Floats, length: Floats, cut: float) -> None:
    late = began + length > cut * (1 + 1e-9)
    if late.any():
        first = int(np.argmax(late))
        found = began[first] + length[first]
        raise ValueError(f"entry[{first}] + time[{first}] is {found:g}; it must be at most {cut:g}, the cut")


def _entries(
    began: Floats,
    cut: float,
    coming: int,
    accrual_rate: float | None,
    window: float | None,
    draws: int,
    generator: np.random.Generator,
) -> tuple[Floats, float]:
    """Drawn entries to come, in order, and the mean rate: a Poisson process from the cut until all have entered."""
    if coming == 0:
        return np.empty((draws, 0)), float("nan")
    if accrual_rate is not None:
        rates = np.full(draws, arguments.number(accrual_rate, "accrual_rate", above=0))
    else:
        span = cut if window is None else arguments.number(window, "accrual_window", above=0, at_most=cut)
        count = int((began >= cut - span).sum())
        if count == 0:
            raise ValueError(f"accrual_window is {span:g}; somebody must have entered within it, or accrual_rate be given")
        rates = generator.gamma(count + 0.5, 1 / span, draws)
    gaps = generator.exponential(size=(draws, coming)) / rates[:, np.newaxis]
    return cut + np.cumsum(gaps, axis=1), float(rates.mean())


# A fitted model: names and draws of its parameters, and the time of the event from the time since entry a subject has
# come to without it and a unit exponential draw, arrays of shape (draws, m).
Fitted = tuple[tuple[str, ...], Floats, Callable[[Floats, Floats], Floats]]


def _fitted(model: str, cuts: ArrayLike, length: Floats, had_event: Any, draws: int, generator: np.random.Generator) -> Fitted:
    if model not in MODELS:
        raise ValueError(f"model is {model!r}; it must be one of {', '.join(MODELS)}")
    inner = np.asarray(cuts)
    inner = arguments.one_or_more(inner, "cuts") if inner.size else np.empty(0)
    if (model == "piecewise") != (inner.size > 0):
        raise ValueError(f"cuts are {inner.tolist()} with model {model!r}; there must be some with 'piecewise', and none else")
    if model == "weibull":
        return _weibull(length, had_event.astype(np.int64), draws, generator)
    starts = np.concatenate([[0.0], arguments.times(inner, "cuts") if inner.size else []])
    if (np.diff(starts) <= 0).any():
        raise ValueError(f"cuts are {inner.tolist()}; they must increase from above 0")
    ends = np.append(starts[1:], np.inf)
    exposure = np.clip(length[:, np.newaxis] - starts, 0.0, ends - starts).sum(axis=0)
    if (exposure <= 0).any():
        empty = float(starts[np.argmax(exposure <= 0)])
        raise ValueError(f"cuts are {inner.tolist()}; nobody has been observed after {empty:g}, somebody must have been")
    # An event at a cut belongs to the piece that ends there.
    piece = np.maximum(np.searchsorted(starts, length[had_event], side="left") - 1, 0)
    rates = generator.gamma(np.bincount(piece, minlength=starts.size) + 0.5, 1 / exposure, (draws, starts.size))
    names = tuple(f"hazard_from_{start:g}" for start in starts) if starts.size > 1 else ("hazard",)

    def to_come(since: Floats, unit: Floats) -> Floats:
        level = unit.copy()
        at = since.copy()
        for j in range(starts.size):
            rate = rates[:, j : j + 1]
            room = np.maximum(ends[j] - np.maximum(at, starts[j]), 0.0)
            step = np.minimum(level / rate, room)
            inside = at < ends[j]
            at = np.where(inside, at + step, at)
            # What is used up exactly leaves 0 and moves no further.
            level = np.where(inside, np.where(step < room, 0.0, level - step * rate), level)
        return at

    return names, rates, to_come


def _weibull(length: Floats, had_event: Ints, draws: int, generator: np.random.Generator) -> Fitted:
    count = int(had_event.sum())
    if count < 2:
        raise ValueError(f"model is 'weibull' with {count} events; there must be at least 2")
    log_shape, log_scale, covariance = weibull_fit(length, had_event)
    drawn = np.exp(generator.multivariate_normal([log_shape, log_scale], covariance, draws))
    shape, scale = drawn[:, :1], drawn[:, 1:]

    def to_come(since: Floats, unit: Floats) -> Floats:
        when: Floats = scale * ((since / scale) ** shape + unit) ** (1 / shape)
        return when

    return ("shape", "scale"), drawn, to_come


def weibull_fit(length: Floats, had_event: Ints) -> tuple[float, float, Floats]:
    """Return log shape, log scale and their covariance, by maximum likelihood with the inverse of the information.

    An event at time 0 is taken at the smallest positive time's thousandth: no Weibull density is finite and positive there.
    """
    from scipy.optimize import brentq

    least = float(length[length > 0].min())
    time = np.where(length > 0, length, np.where(had_event == 1, least / 1000, 0.0))
    at_risk = time > 0
    log_time = np.log(time[at_risk])
    event = had_event[at_risk].astype(np.float64)
    count = float(event.sum())
    mean_log = float((event * log_time).sum()) / count
    top = float(log_time.max())

    def score(log_shape: float) -> float:
        """Slope of the profile likelihood in the shape, by event; falls as the shape rises."""
        shape = np.exp(log_shape)
        weight = np.exp(shape * (log_time - top))
        return float(1 / shape + mean_log - (weight * log_time).sum() / weight.sum())

    low, high = -5.0, 5.0
    if score(high) > 0:
        raise ValueError("time is the same for every event and the longest; the Weibull shape has no estimate")
    log_shape = float(brentq(score, low, high, xtol=1e-12))
    shape = float(np.exp(log_shape))
    log_scale = top + float(np.log(np.exp(shape * (log_time - top)).sum() / count)) / shape
    # Observed information in (log shape, log scale) with u = shape (log t - log scale) and H = exp(u).
    u = shape * (log_time - log_scale)
    hazard = np.exp(u)
    inner = float((hazard * u * u + (hazard - event) * u).sum())
    cross = -shape * float((hazard * u + hazard - event).sum())
    return log_shape, log_scale, np.linalg.inv(np.array([[inner, cross], [cross, shape**2 * float(hazard.sum())]]))


def _limits(values: Floats, level: float) -> Floats:
    """Median and limits; each is one of the values, so that infinite ones do no harm."""
    found = np.quantile(values, [0.5, (1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return np.asarray(found, dtype=np.float64)


def _prediction(target: Floats, limits: Floats, level: float) -> Prediction:
    median, lower, upper = (arguments.frozen(row) for row in limits)
    return Prediction(target=arguments.frozen(target), median=median, lower=lower, upper=upper, conf_level=level)
