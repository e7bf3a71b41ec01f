"""Solving for bounds, look by look, on the recursion.

Plain arrays in, plain arrays out; `boundaries` and `monitoring` say what they mean.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri, ndtri_exp

from oligami.stats.arguments import Floats
from oligami.stats.sequential.recursion import LOWER, UPPER, advance, crossing, layers, log_tail, solve_tail, start

_NO_DRIFT = np.zeros(1)


def log_increments(log_cumulative: Floats) -> Floats:
    """Return log(exp(a_k) - exp(a_(k-1))) of amounts that do not decrease; minus infinity where nothing is added."""
    before = np.concatenate([[-np.inf], log_cumulative[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        added = log_cumulative + np.log1p(-np.exp(before - log_cumulative))
    return np.where(log_cumulative > before, added, -np.inf)


def spend_alpha(fraction: Floats, log_spent: Floats, lower: Floats, *, symmetric: bool) -> Floats:
    """Return the upper bounds that spend these amounts (log of each look's) under no effect, honouring lower bounds.

    Args:
        fraction: increasing, shape (k,).
        log_spent: log of the probability to cross first at each look, shape (k,).
        lower: lower bounds, minus infinity for none; not used when symmetric.
        symmetric: whether the lower bounds mirror the upper ones.
    """
    upper = np.full(fraction.size, np.inf)
    tilt = _tail_drifts(fraction, log_spent)
    layer = start()
    for k, time in enumerate(fraction.tolist()):
        upper[k] = solve_tail(layer, time=time, log_target=float(log_spent[k]), drift=0.0, side=UPPER)
        if k + 1 < fraction.size:
            layer = advance(
                layer,
                time=time,
                following=float(fraction[k + 1]),
                lower=float(-upper[k] if symmetric else lower[k]),
                upper=float(upper[k]),
                low_drift=0.0,
                high_drift=float(tilt[k]),
            )
    return upper


def left_over(fraction: Floats, upper: Floats, lower: Floats, level: float, *, symmetric: bool) -> float:
    """Return what of a level the bounds given leave under no effect.

    Raises:
        ValueError: they leave nothing.
    """
    if not np.isfinite(upper).any():
        return level
    floor = -upper if symmetric else lower
    reached = layers(fraction, floor, upper, low_drift=0.0, high_drift=0.0)
    spent = float(crossing(reached, fraction, upper, _NO_DRIFT, UPPER).sum())
    if not spent < level:
        raise ValueError(
            f"efficacy has the interim bounds {upper.tolist()}, which spend {spent:.6g}; they must leave some of the "
            f"level, {level:.6g}. A spending function allows for any number of looks"
        )
    return level - spent


def close_out(fraction: Floats, interim: Floats, lower: Floats, level: float, *, symmetric: bool) -> Floats:
    """Return the interim bounds given, with a last bound that spends what they leave of a level under no effect.

    Raises:
        ValueError: they leave nothing.
    """
    left = left_over(fraction[:-1], interim, lower[:-1], level, symmetric=symmetric)
    upper = np.append(interim, np.inf)
    steepest = -float(ndtri_exp(math.log(left)))
    reached = layers(fraction, -upper if symmetric else lower, upper, low_drift=0.0, high_drift=max(steepest, 0.0))
    upper[-1] = solve_tail(reached[-1], time=float(fraction[-1]), log_target=math.log(left), drift=0.0, side=UPPER)
    return upper


def scale_shape(fraction: Floats, shape: Floats, lower: Floats, level: float, *, symmetric: bool) -> Floats:
    """Return the multiple of a boundary's shape that spends exactly a level under no effect; infinite shapes stay so."""
    looks = np.isfinite(shape)

    steepest = max(0.0, -float(ndtri(level / looks.sum()))) / math.sqrt(float(fraction[0]))

    def multiple(constant: float) -> Floats:
        return np.where(looks, constant * np.where(looks, shape, 0.0), np.inf)

    def excess(constant: float) -> float:
        upper = multiple(constant)
        floor = -upper if symmetric else lower
        reached = layers(fraction, floor, upper, low_drift=0.0, high_drift=steepest)
        total = float(crossing(reached, fraction, upper, _NO_DRIFT, UPPER).sum())
        return float(ndtri(level)) - normal_score(total)

    # A single look at the level is too generous, each look at its equal share (Bonferroni) too strict.
    low = float((-ndtri(level) / shape[looks]).max())
    high = float((-ndtri(level / looks.sum()) / shape[looks]).max())
    return multiple(rising_root(excess, low - 1e-12, high + 1e-12))


def spend_beta(
    fraction: Floats,
    drift: float,
    log_alpha: Floats,
    log_beta: Floats,
    *,
    upper: Floats | None,
    closing: bool,
) -> tuple[Floats, Floats, float]:
    """Return lower bounds that spend these amounts of the second error under a drift, with the upper bounds.

    Args:
        fraction: increasing, shape (k,); drift counts at fraction 1.
        drift: of the alternative.
        log_alpha: log of the probability to cross the upper bound first at each look, under no effect.
        log_beta: log of the probability to cross the lower bound first at each look, under the drift.
        upper: upper bounds that do not depend on the lower ones (non-binding); None to solve them together (binding).
        closing: whether the last look ends the trial, so that its two bounds meet.

    Returns:
        Lower bounds, upper bounds, and the second error they make altogether.
    """
    count = fraction.size
    low, high = np.full(count, -np.inf), np.full(count, np.inf)
    tilt = np.maximum(_tail_drifts(fraction, log_alpha), drift)
    at = np.array([drift])
    missed = 0.0
    layer = start()
    for k, time in enumerate(fraction.tolist()):
        high[k] = (
            solve_tail(layer, time=time, log_target=float(log_alpha[k]), drift=0.0, side=UPPER) if upper is None else upper[k]
        )
        if closing and k + 1 == count:
            low[k] = high[k]
        else:
            low[k] = min(solve_tail(layer, time=time, log_target=float(log_beta[k]), drift=drift, side=LOWER), high[k])
        if low[k] > -math.inf:
            missed += float(np.exp(log_tail(layer, time=time, bound=float(low[k]), drift=at, side=LOWER))[0])
        if k + 1 < count:
            layer = advance(
                layer,
                time=time,
                following=float(fraction[k + 1]),
                lower=float(low[k]),
                upper=float(high[k]),
                low_drift=0.0,
                high_drift=float(tilt[k]),
            )
    return low, high, missed


def drift_of_power(fraction: Floats, lower: Floats, upper: Floats, power: float, level: float) -> float:
    """Return the drift at fraction 1 under which an upper bound is crossed with this power.

    Args:
        fraction: increasing, shape (k,).
        lower: bounds below which the trial stops, minus infinity for none.
        upper: bounds of rejection.
        power: wanted, above the level.
        level: that of the upper bounds.
    """
    fixed = float(ndtri(power) - ndtri(level)) / math.sqrt(float(fraction[-1]))
    covered = 1.2 * fixed + 0.1
    reached = layers(fraction, lower, upper, low_drift=0.0, high_drift=covered)

    def excess(drift: float) -> float:
        nonlocal covered, reached
        if drift > covered:
            covered = 2 * drift
            reached = layers(fraction, lower, upper, low_drift=0.0, high_drift=covered)
        return normal_score(float(crossing(reached, fraction, upper, np.array([drift]), UPPER).sum())) - float(ndtri(power))

    # No test of the same level is more powerful than the fixed one, so its drift is a lower limit.
    return rising_root(excess, fixed * 0.999 - 1e-9, fixed * 1.05 + 0.01)


def rising_root(function: Callable[[float], float], low: float, high: float, *, ceiling: float = math.inf) -> float:
    """Return the root of a rising function, nearly linear for choice, from a guess of its bracket.

    Args:
        function: rising; infinite values are understood.
        low: a guess below the root; moved down as far as needed.
        high: a guess above it; moved up.
        ceiling: highest argument the function answers.

    Raises:
        ArithmeticError: no bracket lies within reach.
    """
    from scipy.optimize import brentq

    known: dict[float, float] = {}

    def clipped(at: float) -> float:
        if at not in known:
            known[at] = min(max(function(at), -40.0), 40.0)
        return known[at]

    width = high - low
    for _ in range(60):
        if clipped(low) <= 0:
            break
        high, low, width = low, low - width, 2 * width
    else:
        raise ArithmeticError(f"no root above {low!r}")
    width = high - low
    for _ in range(60):
        if clipped(high) >= 0 or high >= ceiling:
            break
        low, high, width = high, min(high + width, ceiling), 2 * width
    if clipped(high) < 0:
        raise ArithmeticError(f"no root below {high!r}")
    return float(brentq(clipped, low, high, xtol=1e-14, rtol=4 * np.finfo(float).eps))


def normal_score(probability: float) -> float:
    """Return the normal quantile of a computed probability, which rounding may carry a little outside [0, 1]."""
    return float(ndtri(min(max(probability, 0.0), 1.0)))


def one_sided_p(z: Floats) -> Floats:
    """Return the probability of a Z as high or higher under no effect."""
    return np.asarray(ndtr(-z))


def _tail_drifts(fraction: Floats, log_spent: Floats) -> Floats:
    """Return for each look the drift towards the furthest bound after it, which its layer must therefore resolve.

    A path that crosses a bound of Z at fraction t runs close to the straight line with drift Z / sqrt(t). The bound is
    no higher than the one without stopping before.
    """
    with np.errstate(invalid="ignore"):
        furthest = np.where(log_spent > -np.inf, -ndtri_exp(log_spent) / np.sqrt(fraction), 0.0)
    later = np.append(np.maximum.accumulate(np.maximum(furthest, 0.0)[::-1])[::-1][1:], 0.0)
    return np.asarray(later)
