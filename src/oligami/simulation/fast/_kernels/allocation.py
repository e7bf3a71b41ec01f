"""Minimization for two arms, one subject after the other; the plain version is in `batch`, the rule in `plan.Minimization`."""

import numpy as np

from oligami.simulation.fast._kernels.machine import part
from oligami.simulation.fast._kernels.shapes import BALANCED, Positions
from oligami.stats.arguments import Floats

_BALANCED = BALANCED
#: Relative distance within which two imbalances are tied; as in `oligami.trial.allocation`.
_TIE = 1e-9


@part
def minimize(
    code: Positions, weights: Floats, p_best: float, simple: int, coin: Floats, m: int, imbalance: Floats, arm: Positions
) -> None:
    """Draw the arms of m subjects in order.

    code: where each subject's level of a factor is counted, shape (weights, m). imbalance: n0 - n1 there, all 0 at the start.
    """
    factors = weights.size
    best, worst = p_best, 1.0 - p_best
    for i in range(m):
        if_0, if_1 = 0.0, 0.0
        for f in range(factors):
            ahead = imbalance[code[f, i]]
            if_0 += weights[f] * abs(ahead + 1.0)
            if_1 += weights[f] * abs(ahead - 1.0)
        share = best if if_0 < if_1 else worst
        tied = (abs(if_0 - if_1) <= _TIE * max(if_0, if_1)) | (i < simple)
        share = 0.5 if tied else share
        drawn = np.uint32(coin[i] >= share)
        arm[i] = drawn
        step = 1.0 - 2.0 * drawn
        for f in range(factors):
            imbalance[code[f, i]] += step


@part
def draw_simple(kind: int, coin: Floats, m: int, arm: Positions) -> None:
    """Alternate by number, or toss a fair coin."""
    if kind == _BALANCED:
        for i in range(m):
            arm[i] = np.uint32(i) & np.uint32(1)
    else:
        for i in range(m):
            arm[i] = np.uint32(coin[i] >= 0.5)
