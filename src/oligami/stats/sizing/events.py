"""Expected events of one arm by calendar time, from its accrual, its hazard and its drop-out.

Entering, event and drop-out are independent. Everything is one integral over the time x since entry: at calendar time
t there are as many observed to x, expected, as had entered by t - x and are neither past their event nor lost.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats.arguments import Floats
from oligami.stats.sizing.accrual import Accrual
from oligami.stats.sizing.hazards import TimeToEvent, exponential

NO_DROPOUT: TimeToEvent = exponential(0.0)
# Gauss-Legendre points a smooth stretch: exact to the last digits for a hazard that works off 1e-9 within it.
_POINTS = 24
_BEND = 6.0  # a stretch that begins where a power of time leaves 0 is walked in its sixth root


_STEEP = 2.0  # above this order one stretch from 0 to the end would lose digits
_STEEP_CUTS = (
    1e-15,
    1e-12,
    1e-9,
    1e-6,
    1e-4,
    3e-3,
    0.02,
    0.1,
    0.3,
    0.6,
    0.85,
    0.97,
    0.997,
    0.9999,
    0.999999,
    1 - 1e-9,
    1 - 1e-13,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stretches:
    """Points and weights of integrals over (0, t) for each of m times t, arrays of shape (m, stretches, points)."""

    time: Floats  # since entry
    weight: Floats


def stretches(until: Floats, fixed: Iterable[float], from_end: Iterable[float], orders: Collection[float] = ()) -> Stretches:
    """Return the points of integrals over (0, t), cut wherever the integrand is not smooth.

    Args:
        until: the upper ends t, shape (m,), >= 0.
        fixed: cuts that are the same for every t.
        from_end: cuts at t less each of these.
        orders: powers of time with which cumulative hazards leave 0; unless all are 1 the first stretch is bent, so that
            a Weibull hazard, infinite at 0 or not, is integrated as well as a constant one.
    """
    nodes, weights = legendre()
    inner = [np.full(until.size, cut) for cut in fixed if np.isfinite(cut)] + [until - cut for cut in from_end]
    columns = [np.zeros(until.size), *inner, until]
    edges = np.sort(np.clip(np.stack(columns, axis=1), 0.0, until[:, np.newaxis]), axis=1)
    low, length = edges[:, :-1, np.newaxis], np.diff(edges, axis=1)[:, :, np.newaxis]
    if all(order == 1.0 for order in orders):
        return Stretches(time=low + length * nodes, weight=length * weights)
    power = max(1.0, _BEND / min(orders))
    at_zero = low == 0
    bent = np.where(at_zero, nodes**power, nodes)
    slope = np.where(at_zero, power * nodes ** (power - 1), 1.0)
    # A stretch without length weighs nothing; its points are moved away from 0, where a hazard may be infinite.
    return Stretches(time=np.where(length > 0, low + length * bent, 1.0), weight=length * weights * slope)


@cache
def legendre() -> tuple[Floats, Floats]:
    """Return Gauss-Legendre points and weights on (0, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
    return (nodes + 1) / 2, weights / 2


@lru_cache(maxsize=256)  # asked again at every step of a search
def cuts_of(*distributions: TimeToEvent) -> frozenset[float]:
    """Return where integrals over these distributions are to be cut: at their breaks, and where little is left.

    Where a Weibull hazard rises steeply nearly all happens within a short time, which is cut into shorter stretches.
    """
    found: set[float] = set()
    for distribution in distributions:
        found.update(distribution.breaks)
        if distribution.order > _STEEP:
            found.update(distribution.quantile(_STEEP_CUTS).tolist())
        found.add(distribution.horizon)
    return frozenset(cut for cut in found if np.isfinite(cut) and cut > 0)


def expected_events(times: ArrayLike, *, accrual: Accrual, event: TimeToEvent, dropout: TimeToEvent = NO_DROPOUT) -> Floats:
    """Return the expected number of events observed by each calendar time among those who enter.

    Args:
        times: calendar times from the first entry, any shape; before 0 nothing has happened.
        accrual: entry into the arm.
        event: time from entry to the event.
        dropout: time from entry to loss, independent of the event.

    Returns:
        The expected numbers, of the shape of `times`.

    Source: Lachin and Foulkes (1986), Biometrics 42, 507-519, section 3, for uniform entry and exponential times; here
    by Gauss-Legendre integration for any.

    >>> from oligami.stats.sizing.accrual import uniform
    >>> from oligami.stats.sizing.hazards import exponential_through
    >>> expected_events([3, 8], accrual=uniform(3, subjects=135), event=exponential_through(0.45, at=5)).round(3).tolist()
    [27.739, 86.732]
    """
    return _integral(times, accrual, event, dropout, accrual.enrolled, event.hazard)


def expected_dropouts(times: ArrayLike, *, accrual: Accrual, event: TimeToEvent, dropout: TimeToEvent) -> Floats:
    """Return the expected number lost before their event by each calendar time; arguments as `expected_events`.

    >>> from oligami.stats.sizing.accrual import uniform
    >>> round(float(expected_dropouts(8, accrual=uniform(3, subjects=135), event=exponential(0.16),
    ...     dropout=exponential(0.02))), 3)
    10.288
    """
    return _integral(times, accrual, dropout, event, accrual.enrolled, dropout.hazard)


def event_rate(times: ArrayLike, *, accrual: Accrual, event: TimeToEvent, dropout: TimeToEvent = NO_DROPOUT) -> Floats:
    """Return the expected events per unit of calendar time at each time: the slope of `expected_events`.

    >>> from oligami.stats.sizing.accrual import uniform
    >>> event_rate([1.0, 2.0], accrual=uniform(3, subjects=30), event=exponential(0.1)).round(4).tolist()
    [0.9516, 1.8127]
    """
    return _integral(times, accrual, event, dropout, accrual.rate, event.hazard)


def events_and_rate(
    times: ArrayLike, *, accrual: Accrual, event: TimeToEvent, dropout: TimeToEvent = NO_DROPOUT
) -> tuple[Floats, Floats]:
    """Return `expected_events` and `event_rate` together, at little more than the cost of one.

    >>> from oligami.stats.sizing.accrual import uniform
    >>> events, rate = events_and_rate(2.0, accrual=uniform(3, subjects=30), event=exponential(0.1))
    >>> round(float(events), 4), round(float(rate), 4)
    (1.8731, 1.8127)
    """
    at, mass, until_entry = _mass(times, accrual, event, dropout, event.hazard)
    both = [np.einsum("msp,msp->m", entering(until_entry), mass).reshape(at.shape) for entering in _ways(accrual)]
    return both[0], both[1]


def _ways(accrual: Accrual) -> tuple[Callable[[ArrayLike], Floats], Callable[[ArrayLike], Floats]]:
    return accrual.enrolled, accrual.rate


def _integral(
    times: ArrayLike,
    accrual: Accrual,
    event: TimeToEvent,
    other: TimeToEvent,
    entering: Callable[[ArrayLike], Floats],
    hazard: Callable[[ArrayLike], Floats],
) -> Floats:
    at, mass, until_entry = _mass(times, accrual, event, other, hazard)
    total: Floats = np.einsum("msp,msp->m", entering(until_entry), mass)
    return total.reshape(at.shape)


def _mass(
    times: ArrayLike, accrual: Accrual, event: TimeToEvent, other: TimeToEvent, hazard: Callable[[ArrayLike], Floats]
) -> tuple[Floats, Floats, Floats]:
    """The times; at the points of their integrals what a subject adds there; and the calendar time of entry it takes."""
    at = np.asarray(times, dtype=np.float64)
    until = np.maximum(at.ravel(), 0.0)
    points = stretches(until, cuts_of(event, other), accrual.cuts[1:], (event.order, other.order))
    x = points.time
    mass: Floats = hazard(x) * np.exp(-event.cumulative(x) - other.cumulative(x)) * points.weight
    return at, mass, until[:, np.newaxis, np.newaxis] - x


def times_of(targets: Floats, reached: Callable[[Floats], tuple[Floats, Floats]], latest: float) -> Floats:
    """Return when a rising function of time reaches each target, between 0 and `latest`; NaN where it never does.

    Newton's steps, each kept inside a bracket that shrinks, for all targets at once.

    Args:
        targets: values to reach, shape (m,).
        reached: gives value and slope at times, shape (m,).
        latest: the end of the search.
    """
    grid = np.linspace(0.0, latest, 33)
    values = np.maximum.accumulate(reached(grid)[0])
    possible = targets <= values[-1] * (1 + 1e-12)
    place = np.clip(np.searchsorted(values, targets, side="left"), 1, grid.size - 1)
    low, high = grid[place - 1], grid[place]
    at = np.clip(np.interp(targets, values, grid), low, high)
    for _ in range(100):
        value, slope = reached(at)
        miss = value - targets
        low, high = np.where(miss < 0, at, low), np.where(miss >= 0, at, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(slope > 0, at - miss / slope, np.nan)
        inside = (step >= low) & (step <= high)
        following = np.where(inside, step, (low + high) / 2)
        # After a short step of Newton's the error is of the order of its square; halving has no such mercy.
        done = np.abs(following - at) <= np.where(inside, 1e-8, 1e-15) * latest
        at = following
        if done[possible].all():
            break
    return np.where(possible, at, np.nan)
