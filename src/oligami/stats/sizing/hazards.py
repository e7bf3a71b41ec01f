"""How long subjects stay free of the event, as a design assumes it: exponential, piecewise, Weibull, cure.

Times are in any one unit, hazards per that unit. Leaves entering and leaving the trial to `accrual` and `events`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments
from oligami.stats.arguments import Floats

# By the horizon all but this share of the events that will ever happen have happened.
_BEYOND_HORIZON = 1e-9


class TimeToEvent(ABC):
    """A distribution of the time to an event; every method takes times (or probabilities) of any shape."""

    __slots__ = ()

    @property
    @abstractmethod
    def breaks(self) -> tuple[float, ...]:
        """Times > 0 at which the hazard jumps; an integral over time is cut there."""

    @property
    def order(self) -> float:
        """The power of time with which the cumulative hazard leaves 0; an integral bends its first stretch by it."""
        return 1.0

    @property
    def horizon(self) -> float:
        """A time after which next to nothing happens."""
        return float(self.quantile(1 - _BEYOND_HORIZON))

    @abstractmethod
    def hazard(self, time: ArrayLike) -> Floats:
        """Return the hazard just after each time."""

    @abstractmethod
    def cumulative(self, time: ArrayLike) -> Floats:
        """Return the cumulative hazard at each time, >= 0."""

    @abstractmethod
    def quantile(self, probability: ArrayLike) -> Floats:
        """Return the earliest time by which the event has happened with each probability; inf when it never has."""

    def survival(self, time: ArrayLike) -> Floats:
        """Return the probability of being free of the event at each time."""
        free: Floats = np.exp(-self.cumulative(time))
        return free

    @property
    def median(self) -> float:
        """The median time; inf when less than half ever have the event."""
        return float(self.quantile(0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Piecewise(TimeToEvent):
    """Constant hazard `rates[j]` from `starts[j]` to the next start, the last for ever; one piece is exponential."""

    starts: tuple[float, ...]  # the first is 0
    rates: tuple[float, ...]

    @property
    def breaks(self) -> tuple[float, ...]:
        """The starts after the first."""
        return self.starts[1:]

    def _piece(self, time: Floats) -> arguments.Ints:
        found: arguments.Ints = np.searchsorted(np.array(self.starts), time, side="right") - 1
        return np.maximum(found, 0)

    def _reached(self) -> Floats:
        """Cumulative hazard at each start."""
        return np.concatenate([[0.0], np.cumsum(np.diff(self.starts) * np.array(self.rates[:-1]))])

    def hazard(self, time: ArrayLike) -> Floats:
        """Return the rate of the piece that holds each time."""
        at = np.asarray(time, dtype=np.float64)
        if len(self.rates) == 1:
            return np.full(at.shape, self.rates[0])
        held: Floats = np.array(self.rates)[self._piece(at)]
        return held

    def cumulative(self, time: ArrayLike) -> Floats:
        """Return the sum of rate times length up to each time."""
        at = np.asarray(time, dtype=np.float64)
        if len(self.rates) == 1:
            return np.asarray(self.rates[0] * at)
        piece = self._piece(at)
        summed: Floats = self._reached()[piece] + np.array(self.rates)[piece] * (at - np.array(self.starts)[piece])
        return summed

    def quantile(self, probability: ArrayLike) -> Floats:
        """Return when the cumulative hazard reaches -log(1 - probability)."""
        wanted = -np.log1p(-np.asarray(probability, dtype=np.float64))
        reached, rates = self._reached(), np.array(self.rates)
        # The piece in which the level is reached; where the hazard has ended for good, never.
        piece = np.maximum(np.searchsorted(reached, wanted, side="left") - 1, 0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            time = np.array(self.starts)[piece] + (wanted - reached[piece]) / rates[piece]
        return np.where(wanted <= 0, 0.0, np.where(rates[piece] > 0, time, np.inf))


@dataclass(frozen=True, slots=True, kw_only=True)
class Weibull(TimeToEvent):
    """Cumulative hazard (t / scale) ** shape: rising hazard with a shape above 1, falling below."""

    shape: float
    scale: float

    @property
    def breaks(self) -> tuple[float, ...]:
        """None: the hazard is smooth."""
        return ()

    @property
    def order(self) -> float:
        """The shape."""
        return self.shape

    def hazard(self, time: ArrayLike) -> Floats:
        """Return shape / scale * (t / scale) ** (shape - 1); inf at time 0 with a shape below 1."""
        at = np.asarray(time, dtype=np.float64) / self.scale
        with np.errstate(divide="ignore"):
            rate: Floats = self.shape / self.scale * at ** (self.shape - 1)
        return rate

    def cumulative(self, time: ArrayLike) -> Floats:
        """Return (t / scale) ** shape."""
        summed: Floats = (np.asarray(time, dtype=np.float64) / self.scale) ** self.shape
        return summed

    def quantile(self, probability: ArrayLike) -> Floats:
        """Return scale * (-log(1 - probability)) ** (1 / shape)."""
        wanted: Floats = -np.log1p(-np.asarray(probability, dtype=np.float64))
        return np.asarray(self.scale * wanted ** (1 / self.shape))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure(TimeToEvent):
    """A mixture: the share `cured` never has the event, the others have it as `uncured` says."""

    cured: float
    uncured: TimeToEvent

    @property
    def breaks(self) -> tuple[float, ...]:
        """Those of the uncured."""
        return self.uncured.breaks

    @property
    def order(self) -> float:
        """That of the uncured."""
        return self.uncured.order

    @property
    def horizon(self) -> float:
        """That of the uncured."""
        return self.uncured.horizon

    def hazard(self, time: ArrayLike) -> Floats:
        """Return the uncured's hazard times their share among those still free of the event."""
        free = (1 - self.cured) * self.uncured.survival(time)
        share: Floats = free / (self.cured + free)
        return share * self.uncured.hazard(time)

    def cumulative(self, time: ArrayLike) -> Floats:
        """Return -log(cured + (1 - cured) * survival of the uncured)."""
        summed: Floats = -np.log1p((1 - self.cured) * np.expm1(-self.uncured.cumulative(time)))
        return summed

    def quantile(self, probability: ArrayLike) -> Floats:
        """Return the uncured's quantile of probability / (1 - cured); inf from 1 - cured on."""
        share = np.asarray(probability, dtype=np.float64) / (1 - self.cured)
        return np.where(share < 1, self.uncured.quantile(np.minimum(share, 1 - 1e-16)), np.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled(TimeToEvent):
    """The hazard of `base` times `ratios[j]` from `starts[j]` to the next start, the last for ever."""

    base: TimeToEvent
    starts: tuple[float, ...]  # the first is 0
    ratios: tuple[float, ...]

    @property
    def breaks(self) -> tuple[float, ...]:
        """Those of the base and those of the ratio."""
        return tuple(sorted({*self.base.breaks, *self.starts[1:]}))

    @property
    def order(self) -> float:
        """That of the base."""
        return self.base.order

    @property
    def horizon(self) -> float:
        """That of the base: near enough, as integrals only cut there."""
        return self.base.horizon

    def hazard(self, time: ArrayLike) -> Floats:
        """Return ratio times hazard of the base."""
        return self._ratio().hazard(time) * self.base.hazard(time)

    def cumulative(self, time: ArrayLike) -> Floats:
        """Return the sum over pieces of ratio times the base's growth within the piece."""
        at = np.asarray(time, dtype=np.float64)
        ends = (*self.starts[1:], np.inf)
        summed = np.zeros(at.shape)
        for start, end, ratio in zip(self.starts, ends, self.ratios, strict=True):
            inside = np.clip(at, start, end)
            summed = summed + ratio * (self.base.cumulative(inside) - self.base.cumulative(start))
        return summed

    def quantile(self, probability: ArrayLike) -> Floats:
        """Return when the cumulative hazard reaches -log(1 - probability), piece by piece."""
        wanted: Floats = -np.log1p(-np.asarray(probability, dtype=np.float64))
        reached = self.base.cumulative(np.array(self.starts))
        # In terms of the base's own cumulative hazard the scaled one is piecewise linear.
        clock = Piecewise(starts=tuple(reached.tolist()), rates=self.ratios)
        level = clock.quantile(-np.expm1(-wanted))
        return np.where(np.isfinite(level), self.base.quantile(-np.expm1(-np.where(np.isfinite(level), level, 0.0))), np.inf)

    def _ratio(self) -> Piecewise:
        return Piecewise(starts=self.starts, rates=self.ratios)


def exponential(rate: float) -> Piecewise:
    """Return the distribution with a constant hazard.

    Args:
        rate: events per unit of time at risk, >= 0.

    Raises:
        ValueError: the rate is negative or not finite.

    >>> exponential(0.1).survival([0, 5, 10]).round(4).tolist()
    [1.0, 0.6065, 0.3679]
    """
    return Piecewise(starts=(0.0,), rates=(arguments.number(rate, "rate", at_least=0),))


def exponential_through(survival: float, at: float) -> Piecewise:
    """Return the exponential distribution with a given survival at a given time: rate = -log(survival) / at.

    Args:
        survival: share free of the event at `at`, in (0, 1); 0.5 makes `at` the median.
        at: the time, > 0.

    Raises:
        ValueError: survival lies outside (0, 1) or the time is not positive.

    >>> round(exponential_through(0.45, at=5).rates[0], 6)
    0.159702
    """
    share = arguments.level(survival, "survival")
    return exponential(-float(np.log(share)) / arguments.number(at, "at", above=0))


def piecewise(starts: ArrayLike, rates: ArrayLike) -> Piecewise:
    """Return the distribution whose hazard is constant between given times.

    Args:
        starts: where each piece begins, shape (k,), increasing, the first 0.
        rates: hazard of each piece, shape (k,), >= 0; the last holds for ever.

    Raises:
        ValueError: the columns differ in length, the starts do not increase from 0, or a rate is negative.

    >>> piecewise([0, 1], [0.2, 0.1]).cumulative([0.5, 1, 3]).round(4).tolist()
    [0.1, 0.2, 0.4]
    """
    begins = _starts(starts)
    levels = arguments.times(rates, "rates")
    if levels.size != len(begins):
        raise ValueError(f"rates has {levels.size} values; it must have as many as starts, {len(begins)}")
    return Piecewise(starts=begins, rates=tuple(levels.tolist()))


def piecewise_through(times: ArrayLike, survival: ArrayLike) -> Piecewise:
    """Return the piecewise exponential distribution through given points of its survival curve.

    Args:
        times: shape (k,), increasing, > 0; the last piece goes on with its hazard after the last time.
        survival: shape (k,), in (0, 1], never rising.

    Raises:
        ValueError: the times do not increase from above 0, or the survival rises or leaves (0, 1].

    >>> piecewise_through([1, 5], [0.8, 0.45]).survival([1, 5]).round(6).tolist()
    [0.8, 0.45]
    """
    ends = arguments.times(times, "times")
    share = arguments.numbers(survival, "survival")
    if share.size != ends.size:
        raise ValueError(f"survival has {share.size} values; it must have as many as times, {ends.size}")
    if (share <= 0).any() or (share > 1).any() or (np.diff(share) > 0).any():
        raise ValueError(f"survival is {share.tolist()}; it must lie in (0, 1] and never rise")
    begins = _starts(np.concatenate([[0.0], ends]))
    growth = np.diff(np.concatenate([[0.0], -np.log(share)]))
    return Piecewise(starts=begins[:-1], rates=tuple((growth / np.diff(begins)).tolist()))


def weibull(shape: float, scale: float) -> Weibull:
    """Return the Weibull distribution, survival exp(-(t / scale) ** shape).

    Raises:
        ValueError: the shape or the scale is not positive.

    >>> round(weibull(1.5, 10).median, 4)
    7.8322
    """
    return Weibull(shape=arguments.number(shape, "shape", above=0), scale=arguments.number(scale, "scale", above=0))


def cure(cured: float, uncured: TimeToEvent) -> Cure:
    """Return the mixture in which the share `cured`, in (0, 1), never has the event.

    Raises:
        ValueError: the share lies outside (0, 1).

    >>> cure(0.3, exponential_through(0.5, at=2)).survival([2, 1000]).round(4).tolist()
    [0.65, 0.3]
    """
    return Cure(cured=arguments.level(cured, "cured"), uncured=uncured)


def scaled(base: TimeToEvent, ratio: ArrayLike, starts: ArrayLike = (0.0,)) -> TimeToEvent:
    """Return a distribution whose hazard is that of another times a ratio, constant or by pieces.

    Args:
        base: the other distribution, as that of the control arm.
        ratio: the hazard ratio, > 0, or one a piece, shape (k,).
        starts: where each piece begins, shape (k,), increasing, the first 0: a ratio of (1, 0.6) from (0, 0.5) is an
            effect that begins half a unit of time after entry.

    Raises:
        ValueError: a ratio is not positive, or the columns differ in length.

    >>> scaled(exponential(0.2), (1, 0.6), starts=(0, 0.5)).hazard([0.1, 2]).round(4).tolist()
    [0.2, 0.12]
    """
    begins = _starts(starts)
    ratios = arguments.one_or_more(ratio, "ratio")
    if ratios.size != len(begins) or (ratios <= 0).any():
        raise ValueError(f"ratio is {ratios.tolist()}; it must be {len(begins)} numbers above 0, one a start")
    if isinstance(base, Piecewise):
        union = tuple(sorted({*base.starts, *begins}))
        steps = Piecewise(starts=begins, rates=tuple(ratios.tolist()))
        return Piecewise(starts=union, rates=tuple((base.hazard(union) * steps.hazard(union)).tolist()))
    if isinstance(base, Weibull) and ratios.size == 1:
        return Weibull(shape=base.shape, scale=base.scale * float(ratios[0]) ** (-1 / base.shape))
    return Scaled(base=base, starts=begins, ratios=tuple(ratios.tolist()))


def _starts(values: ArrayLike) -> tuple[float, ...]:
    begins = arguments.times(arguments.one_or_more(values, "starts"), "starts")
    if begins[0] != 0 or (np.diff(begins) <= 0).any():
        raise ValueError(f"starts are {begins.tolist()}; they must increase from 0")
    return tuple(begins.tolist())
