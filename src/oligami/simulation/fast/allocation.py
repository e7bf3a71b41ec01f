"""Which arm each subject of many trials gets: all trials take the same step at the same time.

The rule is that of `oligami.trial.allocation`, which allocates one subject of the real trial with all its evidence.
"""

import numpy as np
from numpy.typing import NDArray

from oligami.simulation.fast.latent import Latents
from oligami.simulation.fast.plan import Minimization, Plan
from oligami.stats.arguments import Floats, Ints

#: Two imbalances are tied if they differ by at most this times the larger; the number of `oligami.trial.allocation`, whose law
#: in the tests holds both to it.
TIE_TOLERANCE = 1e-9


def draw_arms(plan: Plan, latents: Latents, randomized: NDArray[np.bool_]) -> Ints:
    """Return the arm of each subject, shape (R, n); it means something only for those who are randomized."""
    match plan.allocation:
        case "balanced":
            return np.broadcast_to(np.arange(plan.subjects) % 2, randomized.shape)
        case "simple":
            return (latents.u >= 0.5).astype(np.int64)
        case Minimization() as rule:
            return _minimize(plan, rule, latents, randomized)


def _minimize(plan: Plan, rule: Minimization, latents: Latents, randomized: NDArray[np.bool_]) -> Ints:
    """Allocate in order of randomization; ties of time go by the number of the subject.

    Those who are not randomized stand behind all others, so that what they would get harms nobody.
    """
    order = np.argsort(np.where(randomized, latents.randomization, np.inf), axis=1, kind="stable")
    steps = int(randomized.sum(axis=1).max(initial=0))
    in_turn = np.ascontiguousarray(order[:, :steps].T)
    rows = np.arange(randomized.shape[0])
    u = np.take_along_axis(latents.u.T, in_turn, axis=0)
    places, weights, size = _places(plan, rule, latents, in_turn)

    # Of every level of every factor, arm 0 less arm 1; this is all that the imbalance needs.
    lead = np.zeros(size)
    arms = np.zeros((steps, rows.size), dtype=np.int64)
    for step in range(steps):
        at = places[step]
        here = lead[at]
        if_0 = (weights * np.abs(here + 1.0)).sum(axis=0)
        if_1 = (weights * np.abs(here - 1.0)).sum(axis=0)
        chance = np.where(if_0 < if_1, rule.p_best, 1.0 - rule.p_best)
        tied = np.abs(if_0 - if_1) <= TIE_TOLERANCE * np.maximum(if_0, if_1)
        chance[tied] = 0.5
        arm = u[step] >= (0.5 if step < rule.initial_simple else chance)
        arms[step] = arm
        lead[at] = here + np.where(arm, -1.0, 1.0)
    drawn = np.zeros(randomized.shape, dtype=np.int64)
    drawn[rows, in_turn] = arms
    return drawn


def _places(plan: Plan, rule: Minimization, latents: Latents, in_turn: Ints) -> tuple[Ints, Floats, int]:
    """Number the levels of all factors and trials in one row.

    Returns:
        places, shape (steps, factors, R): where the subject whose turn it is finds its levels; the weights of the factors
        that have one, the site last, shape (factors, 1); and the length of the row.
    """
    parts = [(latents.factors[f], plan.factor_shares[f].size, rule.weights[f]) for f in range(len(rule.weights))]
    parts = [part for part in (*parts, (latents.site, plan.site_shares.size, rule.site_weight)) if part[2] > 0]
    steps, replicates = in_turn.shape
    places = np.empty((steps, len(parts), replicates), dtype=np.int64)
    before = 0
    for k, (level, levels, _) in enumerate(parts):
        places[:, k] = (before + np.take_along_axis(level.T, in_turn, axis=0)) * replicates + np.arange(replicates)
        before += levels
    return places, np.array([[weight] for _, _, weight in parts]).reshape(-1, 1), before * replicates
