"""All that will happen to every subject of many trials, as arrays: one row a replicate, one column a subject.

Subjects stand by their number, not in order of entry. Nothing here depends on which arm is drawn: both courses of a subject
are there, and allocation chooses one. This is the readable form; `_kernels` draws the same numbers one trial at a time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oligami.simulation.fast.plan import Plan
from oligami.simulation.fast.streams import Purpose, uniforms
from oligami.stats.arguments import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Latents:
    """The latent courses of R trials of n subjects; arrays of shape (R, n) unless said otherwise. Months.

    entry: calendar time of first registration. passes: whether the subject reaches randomization.
    randomization: calendar time at which it would. site, level: of the site and of the hazard factor.
    factors: one array of levels a factor of the plan. u: the draw of the allocation, on (0, 1).
    death: months from randomization to death, by arm, shape (2, R, n); infinite: never. lost: likewise to loss to follow-up.
    """

    entry: Floats
    passes: NDArray[np.bool_]
    randomization: Floats
    site: Ints
    level: Ints
    factors: tuple[Ints, ...]
    u: Floats
    death: Floats
    lost: Floats


def draw_latents(plan: Plan, seed: int, first: int, last: int) -> Latents:
    """Draw the latent trials of replicates first to last - 1 of a seed.

    Raises:
        ValueError: the seed or the range of replicates is impossible.
    """
    if not 0 <= first < last:
        raise ValueError(f"replicates are {first} to {last}; expected 0 <= first < last")
    replicates, n = np.arange(first, last), plan.subjects
    u_entry, u_event, u_lost, u_arm = uniforms(seed, Purpose.COURSE, replicates, n)
    u_gate, u_delay, u_site, u_other = uniforms(seed, Purpose.ROAD, replicates, n)
    words: list[Floats] = []
    for block in range(0, len(plan.factor_shares), 4):
        words += uniforms(seed, Purpose.FACTORS + block // 4, replicates, n)
    factors = tuple(_choose(u, shares) for u, shares in zip(words, plan.factor_shares, strict=False))
    shape = (replicates.size, n)
    level = np.zeros(shape, dtype=np.int64) if plan.hazard_factor is None else factors[plan.hazard_factor]

    entry = np.interp(u_entry, plan.accrual_shares, plan.accrual_times)
    low, high = plan.delay_months
    unit = -np.log(u_event)  # a unit exponential: the cumulative hazard at which death comes
    death = np.stack([_inverse(plan, level, unit, 0), _inverse(plan, level, unit, 1)])
    if plan.crossover_rate > 0:
        death[0] = _cross(plan, level, unit, death[0], -np.log(u_other) / plan.crossover_rate)
    if plan.untreated_share > 0:
        death[1] = np.where(u_other < plan.untreated_share, _inverse(plan, level, unit, 0), death[1])
    with np.errstate(divide="ignore"):
        lost = -np.log(u_lost) / plan.drop_out[:, np.newaxis, np.newaxis]
    return Latents(
        entry=entry,
        passes=u_gate < plan.pass_shares[level],
        randomization=entry + (low + (high - low) * u_delay),
        site=_choose(u_site, plan.site_shares),
        level=level,
        factors=factors,
        u=u_arm,
        death=death,
        lost=lost,
    )


def _choose(u: Floats, shares: Floats) -> Ints:
    """Return the first position whose cumulative share exceeds u, the last one otherwise."""
    edges = np.cumsum(shares)
    return np.minimum(np.searchsorted(edges, u, side="right"), shares.size - 1).astype(np.int64)


def _cumulative(plan: Plan, arm: int) -> tuple[Floats, Floats]:
    """Return hazards (H, P) of an arm and the cumulative hazards at the starts of the pieces, (H, P)."""
    hazards = plan.control_hazards * plan.hazard_ratios if arm == 1 else plan.control_hazards
    steps = hazards[:, :-1] * np.diff(plan.pieces)
    start = np.concatenate([np.zeros((plan.levels, 1)), np.cumsum(steps, axis=1)], axis=1)
    return hazards, start


def _inverse(plan: Plan, level: Ints, wanted: Floats, arm: int) -> Floats:
    """Return the time at which an arm's cumulative hazard reaches `wanted`; infinite where it never does."""
    hazards, start = _cumulative(plan, arm)
    piece = np.zeros(wanted.shape, dtype=np.int64)
    for p in range(1, plan.pieces.size):
        piece += wanted >= start[level, p]
    with np.errstate(divide="ignore"):
        return plan.pieces[piece] + (wanted - start[level, piece]) / hazards[level, piece]


def _cross(plan: Plan, level: Ints, unit: Floats, death: Floats, crossing: Floats) -> Floats:
    """Return death in arm 0 when the hazard is multiplied from the crossing on."""
    hazards, start = _cumulative(plan, 0)
    piece = np.searchsorted(plan.pieces, crossing, side="right") - 1
    reached = start[level, piece] + hazards[level, piece] * (crossing - plan.pieces[piece])
    later = _inverse(plan, level, reached + (unit - reached) / plan.crossover_ratio, 0)
    return np.where(death > crossing, later, death)
