"""The probability that correlated normal variables all lie within their limits, without any chance in it.

Made for the few variables of a combination of tests (up to five), where the correlation is often singular: the same
input gives the same digits every run. Leaves the variables' meaning to its callers.
"""

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, owens_t

from oligami.stats.arguments import Floats

LARGEST = 5
# Beyond this many standard deviations nothing is left that a double would notice.
_FAR = 38.0
# Correlations this close to 1 are two names of one variable.
_SAME = 1e-13


@dataclass(frozen=True, slots=True, kw_only=True)
class RectangleProbability:
    """A probability and how far it may be off: the change when the integration is refined, rounding included."""

    value: float
    error: float


def rectangle_probability(lower: ArrayLike, upper: ArrayLike, correlation: ArrayLike) -> RectangleProbability:
    """Give the probability that standard normal variables X with a correlation satisfy lower < X < upper.

    Args:
        lower: lower limits, shape (d,), d from 1 to 5; minus infinity for none.
        upper: upper limits, shape (d,), each not below its lower one; infinity for none.
        correlation: symmetric, unit diagonal, positive semidefinite, shape (d, d); singular ones are welcome.

    Returns:
        The probability, exact to about 1e-12 (1e-9 with five variables); `error` says how far it may be off.

    Raises:
        ValueError: shapes differ, d is above 5, limits cross or are missing, or the matrix is no correlation.

    Source: Plackett (1954), Biometrika 41, 351-360: the derivative of the probability by a correlation is a density
    times a probability of two variables fewer. It is integrated along the straight way from independence to the
    correlation wanted; two variables by Owen's T function (Owen 1956). Steps shrink towards the end of the way, where
    a nearly singular correlation bends the derivative.

    >>> orthant = rectangle_probability([0, 0, 0], [np.inf] * 3, [[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]])
    >>> round(orthant.value, 12)
    0.25
    """
    low, high, R = _checked(lower, upper, correlation)
    if (low == high).any():
        return RectangleProbability(value=0.0, error=0.0)
    low, high, R = _distinct(low, high, R)
    if (low >= high).any():
        return RectangleProbability(value=0.0, error=0.0)
    # A variable without limits says nothing.
    bound = (low > -_FAR) | (high < _FAR)
    low, high, R = low[bound], high[bound], R[np.ix_(bound, bound)]
    if low.size == 0:
        return RectangleProbability(value=1.0, error=0.0)
    orders = (12, 8) if low.size < LARGEST else (8, 6)  # five variables take ways within ways, a second at these orders
    fine, coarse = (float(_probability(low[np.newaxis], high[np.newaxis], R[np.newaxis], order)[0]) for order in orders)
    return RectangleProbability(value=min(max(fine, 0.0), 1.0), error=abs(fine - coarse) + 1e-15)


def _probability(low: Floats, high: Floats, R: Floats, order: int) -> Floats:
    """Probabilities of many rectangles at once: limits of shape (n, d), correlations of shape (n, d, d)."""
    d = low.shape[1]
    if d == 1:
        return _interval(low[:, 0], high[:, 0])
    if d == 2:
        return _rectangle(low, high, R[:, 0, 1])
    total = np.prod(_interval(low, high), axis=1)
    way, step = _nodes(order)
    for i, j in combinations(range(d), 2):
        rest = [m for m in range(d) if m not in (i, j)]
        slope = R[:, i, j]
        moves = np.flatnonzero(slope != 0)
        for (side_i, bound_i), (side_j, bound_j) in product(
            ((-1, low[:, i]), (1, high[:, i])), ((-1, low[:, j]), (1, high[:, j]))
        ):
            rows = moves[(np.abs(bound_i[moves]) < _FAR) & (np.abs(bound_j[moves]) < _FAR)]
            if rows.size:
                total[rows] += (
                    side_i
                    * side_j
                    * (_corner(low[rows], high[rows], R[rows], (i, j), rest, bound_i[rows], bound_j[rows], way, order) @ step)
                )
    return np.asarray(total)


def _corner(
    low: Floats, high: Floats, R: Floats, pair: tuple[int, int], rest: list[int], a: Floats, b: Floats, way: Floats, order: int
) -> Floats:
    """Derivative of the probability at one corner of a pair's rectangle, at each node of the way: shape (n, nodes)."""
    i, j = pair
    n, d = low.shape[0], len(rest)
    slope = R[:, i, j, np.newaxis]
    rho = way * slope
    free = (1 - rho) * (1 + rho)
    a, b = a[:, np.newaxis], b[:, np.newaxis]
    density = slope * np.exp(-((a - rho * b) ** 2 / free + b * b) / 2) / (2 * np.pi * np.sqrt(free))
    across = way[np.newaxis, :, np.newaxis] * np.stack([R[:, rest, i], R[:, rest, j]])[:, :, np.newaxis, :]
    on_i = (across[0] - rho[..., np.newaxis] * across[1]) / free[..., np.newaxis]
    on_j = (across[1] - rho[..., np.newaxis] * across[0]) / free[..., np.newaxis]
    mean = on_i * a[..., np.newaxis] + on_j * b[..., np.newaxis]
    among = R[:, rest][:, :, rest][:, np.newaxis] * way[:, np.newaxis, np.newaxis]
    among[..., range(d), range(d)] = 1.0
    spread = (
        among
        - on_i[..., :, np.newaxis] * across[0][..., np.newaxis, :]
        - on_j[..., :, np.newaxis] * across[1][..., np.newaxis, :]
    )
    deviation = np.sqrt(np.maximum(spread[..., range(d), range(d)], 1e-300))
    inner_low = ((low[:, np.newaxis, rest] - mean) / deviation).reshape(-1, d)
    inner_high = ((high[:, np.newaxis, rest] - mean) / deviation).reshape(-1, d)
    inner_R = (spread / (deviation[..., :, np.newaxis] * deviation[..., np.newaxis, :])).reshape(-1, d, d)
    inner_R = np.clip(inner_R, -1.0, 1.0)
    inner = _probability(np.clip(inner_low, -_FAR, _FAR), np.clip(inner_high, -_FAR, _FAR), inner_R, order)
    return np.asarray(density * inner.reshape(n, way.size))


def _nodes(order: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on [0, 1] in pieces that halve towards 1 until what is left is tiny.

    What is left of the way is squared, so that an inverse square root at the end becomes smooth.
    """
    point, weight = np.polynomial.legendre.leggauss(order)
    edges = np.append(np.exp2(-np.arange(15.0)), 0.0)
    middle, half = (edges[:-1] + edges[1:]) / 2, (edges[:-1] - edges[1:]) / 2
    left = (middle[:, np.newaxis] + half[:, np.newaxis] * point).ravel()
    return 1 - left**2, (half[:, np.newaxis] * weight).ravel() * 2 * left


def _interval(low: Floats, high: Floats) -> Floats:
    """Probability of an interval, from the tail nearer by so that small ones keep their digits."""
    return np.asarray(np.where(low > 0, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low)))


def _rectangle(low: Floats, high: Floats, rho: Floats) -> Floats:
    """Probability of a rectangle of two variables, shape (n,)."""
    corners = (
        _below(high[:, 0], high[:, 1], rho)
        - _below(low[:, 0], high[:, 1], rho)
        - _below(high[:, 0], low[:, 1], rho)
        + _below(low[:, 0], low[:, 1], rho)
    )
    return np.asarray(np.clip(corners, 0.0, 1.0))


def _below(h: Floats, k: Floats, rho: Floats) -> Floats:
    """Probability that both of two variables lie below h and k."""
    # Owen's formula divides by h and k; a zero is moved by less than any digit.
    h, k = np.clip(np.where(h == 0, 1e-200, h), -_FAR, _FAR), np.clip(np.where(k == 0, 1e-200, k), -_FAR, _FAR)
    free = np.sqrt(np.maximum((1 - rho) * (1 + rho), 1e-300))
    parts = owens_t(h, (k - rho * h) / (h * free)) + owens_t(k, (h - rho * k) / (k * free))
    return np.asarray((ndtr(h) + ndtr(k)) / 2 - parts - np.where(h * k < 0, 0.5, 0.0))


def _distinct(low: Floats, high: Floats, R: Floats) -> tuple[Floats, Floats, Floats]:
    """Join variables that are the same, or each other's negative, into one with the limits of both."""
    low, high = low.copy(), high.copy()
    keep: list[int] = []
    for j in range(low.size):
        for i in keep:
            if abs(R[i, j]) >= 1 - _SAME:
                other = (low[j], high[j]) if R[i, j] > 0 else (-high[j], -low[j])
                low[i], high[i] = max(low[i], other[0]), min(high[i], other[1])
                break
        else:
            keep.append(j)
    return low[keep], high[keep], R[np.ix_(keep, keep)]


def _checked(lower: ArrayLike, upper: ArrayLike, correlation: ArrayLike) -> tuple[Floats, Floats, Floats]:
    try:
        low, high, R = (np.array(values, dtype=np.float64) for values in (lower, upper, correlation))
    except (TypeError, ValueError) as error:
        raise ValueError("lower, upper or correlation hold values that are no numbers; they must be numbers") from error
    d = low.size
    if low.ndim != 1 or not 1 <= d <= LARGEST:
        raise ValueError(f"lower has shape {low.shape}; it must be one column of 1 to {LARGEST} limits")
    if high.shape != low.shape or R.shape != (d, d):
        raise ValueError(f"upper and correlation have shapes {high.shape} and {R.shape}; they must be {(d,)} and {(d, d)}")
    if not (low <= high).all():  # NaN is caught as well
        at = int(np.argmin(low <= high))
        raise ValueError(f"lower[{at}] is {low[at]} and upper[{at}] is {high[at]}; the upper must not be below the lower")
    if not (np.allclose(R, R.T, rtol=0, atol=1e-10) and np.allclose(np.diag(R), 1, rtol=0, atol=1e-10)):
        raise ValueError("correlation is not symmetric with ones on its diagonal; it must be a correlation matrix")
    smallest = float(np.linalg.eigvalsh(R)[0])
    if smallest < -1e-8:
        raise ValueError(f"correlation has the eigenvalue {smallest:g}; it must have none below 0")
    return np.clip(low, -_FAR, _FAR), np.clip(high, -_FAR, _FAR), np.clip((R + R.T) / 2, -1.0, 1.0)
