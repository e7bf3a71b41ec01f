"""Minimization for two arms, one subject after the other; the plain version is in `batch`, the rule in `plan.Minimization`."""

import numpy as np

from oligami.simulation.fast._kernels.machine import part, signed
from oligami.simulation.fast._kernels.shapes import BALANCED, Positions
from oligami.stats.arguments import Floats, Ints

_BALANCED = BALANCED
#: Relative distance within which two imbalances are tied; as in `oligami.trial.allocation`.
_TIE = 1e-9


@part
def minimize(
    code: Positions, weights: Floats, pulls: Ints, p_best: float, simple: int, coin: Floats, m: int, lead: Ints, arm: Positions
) -> None:
    """Draw the arms of m subjects in order.

    code: where each subject's level of a factor is counted, shape (weights, m). lead: n0 - n1 there, all 0 at the start.
    pulls: the weights as whole parts of 2^40, which add up at once where floats would wait for each other.

    |n0 + 1 - n1| - |n0 - n1 - 1| is twice the sign of n0 - n1, so that the signs decide unless the imbalances are nearly tied. The
    larger imbalance lies between the sum of the weights and (m + 1) times it: what these bounds leave open is looked at closely.
    """
    factors = weights.size
    surely_tied = factors  # rounding of the parts makes less than this
    surely_not = factors + int(_TIE * 2.0**40 * (m + 1))
    best, worst = p_best, 1.0 - p_best
    for i in range(m):
        against = 0
        for f in range(factors):
            ahead = lead[code[f, i]]
            against += pulls[f] * (signed(ahead > 0) - signed(ahead < 0))
        # Sums of products and no choice, for a branch here would be guessed wrong one time in three.
        u = coin[i]
        if_tied = 2 * signed(u < 0.5) - 1
        if_ahead, if_behind = 2 * signed(u < worst) - 1, 2 * signed(u < best) - 1
        step = if_tied
        step += signed(against > surely_tied) * (if_ahead - if_tied) + signed(against < -surely_tied) * (if_behind - if_tied)
        apart = abs(against)
        if i < simple:
            step = if_tied
        elif (apart > surely_tied) & (apart <= surely_not):
            step = if_tied if _is_tied(code, weights, i, lead) else step
        for f in range(factors):
            lead[code[f, i]] += step
        arm[i] = np.uint32(step < 0)


@part
def _is_tied(code: Positions, weights: Floats, i: int, lead: Ints) -> bool:
    """Say whether the imbalances that the arms would leave are equal but for rounding."""
    if_0, if_1 = 0.0, 0.0
    for f in range(weights.size):
        ahead = float(lead[code[f, i]])
        if_0 += weights[f] * abs(ahead + 1.0)
        if_1 += weights[f] * abs(ahead - 1.0)
    return bool(abs(if_0 - if_1) <= _TIE * max(if_0, if_1))


@part
def draw_simple(kind: int, coin: Floats, m: int, arm: Positions) -> None:
    """Alternate by number, or toss a fair coin."""
    if kind == _BALANCED:
        for i in range(m):
            arm[i] = np.uint32(i) & np.uint32(1)
    else:
        for i in range(m):
            arm[i] = np.uint32(coin[i] >= 0.5)
