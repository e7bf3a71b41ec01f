"""The recursive integration under every group-sequential number.

Between looks the score process B(t) is a Brownian motion. A layer holds, at one look, the part of its density that has
not been stopped yet, on the nodes of Gauss-Legendre panels between the bounds; the next layer follows by one matrix of
normal kernels. Everything is computed under no effect and kept in logarithms, so that a bound for an error of 1e-900 is
as good as one for 0.05; an effect enters by the likelihood ratio exp(drift B - drift^2 t / 2), so one set of layers
serves every effect.

Source: Armitage, McPherson and Rowe (1969), JRSS A 132, 235-244; Jennison and Turnbull (2000), chapter 19.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from oligami.stats.arguments import Floats

UPPER, LOWER = 1.0, -1.0

# Every integrand here is a product of a density carried by kernels of one width and a tail or kernel of another, so it
# extends to the complex plane no worse than a normal density of `narrow` below. On a panel of 6 such widths, 20
# Gauss-Legendre nodes integrate that to the last digit.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_LOG_WEIGHTS = np.log(_WEIGHTS)
_PANEL = 6.0
# What lies further out than this many standard deviations has a probability below 1e-18.
_REACH = 9.0
# Looks very near each other need many nodes; kernels are computed in blocks of at most so many cells.
_CELLS = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """What goes on beyond one look: the score process at `time`, not stopped so far, under no effect."""

    time: float
    score: Floats  # nodes, shape (m,); may be none when nothing goes on
    log_mass: Floats  # log of density x quadrature weight at the nodes
    origin_time: float = 0.0
    origin_score: float = 0.0

    def log_ratio(self, drift: Floats | float) -> Floats:
        """Return the log likelihood ratio of a drift against none at the nodes, shape (..., m)."""
        effect = np.asarray(drift)[..., np.newaxis]
        return np.asarray(effect * (self.score - self.origin_score) - effect**2 * (self.time - self.origin_time) / 2)


def start(*, time: float = 0.0, score: float = 0.0) -> Layer:
    """Return the layer of a process known to stand at `score` at `time`."""
    return Layer(time=time, score=np.array([score]), log_mass=np.zeros(1), origin_time=time, origin_score=score)


def advance(
    layer: Layer, *, time: float, following: float, lower: float, upper: float, low_drift: float, high_drift: float
) -> Layer:
    """Return the layer at the look at `time`: what lies between its bounds.

    Args:
        layer: that of the look before.
        time: information fraction of the look, after the layer's.
        following: that of the look after it, which sets how fine the nodes must be.
        lower: Z below which the trial stops; minus infinity for none.
        upper: Z above which it stops; infinity for none.
        low_drift: lowest drift the layers must serve.
        high_drift: highest one.
    """
    step = time - layer.time
    narrow = math.sqrt(step * (following - time) / (following - layer.time))
    elapsed = time - layer.origin_time
    spread = _REACH * math.sqrt(elapsed)
    low = max(lower * math.sqrt(time), layer.origin_score + low_drift * elapsed - spread)
    high = min(upper * math.sqrt(time), layer.origin_score + high_drift * elapsed + spread)
    origin = (layer.origin_time, layer.origin_score)
    if not low < high or not layer.score.size:
        return Layer(time=time, score=np.empty(0), log_mass=np.empty(0), origin_time=origin[0], origin_score=origin[1])
    score, log_weights = panels(low, high, narrow)
    log_density = np.empty(score.size)
    rows = max(1, _CELLS // layer.score.size)
    for first in range(0, score.size, rows):
        exponent = score[first : first + rows, np.newaxis] - layer.score
        exponent *= exponent
        exponent *= -0.5 / step
        exponent += layer.log_mass
        top = exponent.max(axis=1)
        exponent -= top[:, np.newaxis]
        log_density[first : first + rows] = top + np.log(np.exp(exponent, out=exponent).sum(axis=1))
    log_density -= 0.5 * math.log(2 * math.pi * step)
    return Layer(time=time, score=score, log_mass=log_density + log_weights, origin_time=origin[0], origin_score=origin[1])


def panels(low: float, high: float, narrow: float) -> tuple[Floats, Floats]:
    """Return nodes and log weights that integrate, from low to high, what bends no faster than a normal of this width."""
    count = max(1, math.ceil((high - low) / (_PANEL * narrow)))
    half = (high - low) / (2 * count)
    middles = low + half * (2 * np.arange(count) + 1)
    return (middles[:, np.newaxis] + half * _NODES).ravel(), np.tile(_LOG_WEIGHTS + math.log(half), count)


def layers(
    fraction: Floats, lower: Floats, upper: Floats, *, low_drift: float, high_drift: float, origin: Layer | None = None
) -> list[Layer]:
    """Return for each look the layer from which it is reached, so that the first is the origin itself."""
    found = [origin if origin is not None else start()]
    for k in range(len(fraction) - 1):
        found.append(
            advance(
                found[-1],
                time=float(fraction[k]),
                following=float(fraction[k + 1]),
                lower=float(lower[k]),
                upper=float(upper[k]),
                low_drift=low_drift,
                high_drift=high_drift,
            )
        )
    return found


def crossing(reached: Sequence[Layer], fraction: Floats, bound: Floats, drift: Floats, side: float) -> Floats:
    """Return the probability to stop at each look above (UPPER) or below (LOWER) its bound.

    Args:
        reached: for each look the layer before it.
        fraction: information fractions, shape (k,).
        bound: Z, shape (k,); infinite where nothing is crossed.
        drift: shape (d,).
        side: UPPER or LOWER.

    Returns:
        Probabilities, shape (d, k).
    """
    found = np.zeros((drift.size, len(fraction)))
    for k, layer in enumerate(reached):
        if bound[k] != side * math.inf:
            found[:, k] = np.exp(log_tail(layer, time=float(fraction[k]), bound=float(bound[k]), drift=drift, side=side))
    return found


def log_tail(layer: Layer, *, time: float, bound: float, drift: Floats, side: float) -> Floats:
    """Return the log probability to reach the look at `time` and lie beyond its bound, for each drift, shape (d,)."""
    step = time - layer.time
    gap = bound * math.sqrt(time) - layer.score - drift[:, np.newaxis] * step
    exponent = log_ndtr(gap * (-side / math.sqrt(step))) + layer.log_mass + layer.log_ratio(drift)
    return log_sum(exponent)


def solve_tail(layer: Layer, *, time: float, log_target: float, drift: float, side: float) -> float:
    """Return the Z beyond which the look at `time` is reached and ends with probability exp(log_target).

    An impossible bound (infinite on the side asked for) when the target is nothing, and one always crossed (infinite on
    the other side) when the target is all that is left.

    The log of the probability is concave in the bound, because a normal density cut to an interval and convolved
    stays log-concave. Newton's steps on it therefore approach the root from one side and cannot miss it. The
    start is the bound without any stopping before, which lies on that side.
    """
    if log_target == -math.inf:
        return side * math.inf
    base = layer.log_mass + layer.log_ratio(drift)
    mass = float(log_sum(base))
    left = -math.expm1(log_target - mass) if log_target < mass else 0.0  # share of what goes on that is not asked for
    if left < 1e-13:
        return -side * math.inf
    if left < 0.1:  # the curve is flat there; its complement is not
        return solve_tail(layer, time=time, log_target=mass + math.log(left), drift=drift, side=-side)
    step = time - layer.time
    elapsed = time - layer.origin_time
    bound = (layer.origin_score + drift * elapsed - side * float(ndtri_exp(log_target)) * math.sqrt(elapsed)) / math.sqrt(time)
    if layer.score.size == 1 and layer.log_mass[0] == 0:
        return bound  # the process starts from a point: no stopping before, so the start is the answer
    centre = (layer.score + drift * step) / math.sqrt(step)
    scale = math.sqrt(time / step)
    for _ in range(100):
        gap = bound * scale - centre
        tails = base + log_ndtr(-side * gap)
        top = tails.max()
        total = np.exp(tails - top).sum()
        slope = np.exp(base - gap * gap / 2 - top).sum() * (scale / math.sqrt(2 * math.pi)) / total
        move = side * (float(top) + math.log(total) - log_target) / float(slope)
        bound += move
        if abs(move) < 1e-8 * max(1.0, abs(bound)):  # the error left is of the order of its square
            return float(bound)
    raise ArithmeticError(f"no bound found for a log probability of {log_target!r} at information {time!r}")


def log_sum(exponent: Floats) -> Floats:
    """Return log sum exp over the last axis; minus infinity for nothing."""
    if not exponent.shape[-1]:
        return np.full(exponent.shape[:-1], -np.inf)
    top = exponent.max(axis=-1)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(safe + np.log(np.exp(exponent - safe[..., np.newaxis]).sum(axis=-1)))
