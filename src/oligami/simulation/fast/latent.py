"""All that will happen to every subject of many trials, as arrays: one row a replicate, one column a subject.

Subjects stand by their number, not in order of entry. Nothing here depends on which arm is drawn: both courses of a subject
are there, and allocation chooses one. Only the words that the plan needs are drawn; as every word has an address of its own,
that changes no other. This is the readable form; `_kernels` draws the same numbers one trial at a time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oligami.simulation.fast.plan import Plan
from oligami.simulation.fast.streams import Purpose, uniforms
from oligami.stats.arguments import Floats, Ints

# Up to so many levels, comparing with every edge is faster than searching among them.
_FEW = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Latents:
    """The latent courses of R trials of n subjects; arrays of shape (R, n) unless said otherwise. Months.

    entry: calendar time of first registration. passes: whether the subject reaches randomization.
    randomization: calendar time at which it would. site, level: of the site and of the hazard factor.
    factors: one array of levels a factor of the plan. u: the draw of the allocation, on (0, 1); 1/2 where arms alternate.
    death: months from randomization to death, by arm, shape (2, R, n); infinite: never. lost: likewise to loss to follow-up.

    Arrays may be one number in every place (a plan without sites), and are not to be written to.
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
    shape = (replicates.size, n)

    def drawn(purpose: int, *needed: bool) -> list[Floats]:
        """Return the four words of a purpose; one that is not needed is 1/2 everywhere."""
        words = [word for word in range(4) if needed[word]]
        made = dict(zip(words, uniforms(seed, purpose, replicates, n, words) if words else (), strict=True))
        return [made[word] if word in made else np.broadcast_to(0.5, shape) for word in range(4)]

    low, high = plan.delay_months
    u_entry, u_event, u_lost, u_arm = drawn(Purpose.COURSE, True, True, bool(plan.drop_out.any()), plan.allocation != "balanced")
    u_gate, u_delay, u_site, u_other = drawn(
        Purpose.ROAD,
        bool((plan.pass_shares < 1).any()),
        low < high,
        plan.site_shares.size > 1,
        plan.crossover_rate > 0 or plan.untreated_share > 0,
    )
    words: list[Floats] = []
    for block in range(0, len(plan.factor_shares), 4):
        wanted = range(min(4, len(plan.factor_shares) - block))
        words += uniforms(seed, Purpose.FACTORS + block // 4, replicates, n, wanted)
    factors = tuple(_choose(u, shares) for u, shares in zip(words, plan.factor_shares, strict=True))
    level = np.broadcast_to(np.int64(0), shape) if plan.hazard_factor is None else factors[plan.hazard_factor]

    entry = np.interp(u_entry, plan.accrual_shares, plan.accrual_times)
    # A unit exponential: the cumulative hazard at which death comes.
    unit = np.negative(np.log(u_event, out=u_event), out=u_event)
    death = np.stack([_inverse(plan, level, unit, 0), _inverse(plan, level, unit, 1)])
    if plan.crossover_rate > 0:
        death[0] = _cross(plan, level, unit, death[0], -np.log(u_other) / plan.crossover_rate)
    if plan.untreated_share > 0:
        death[1] = np.where(u_other < plan.untreated_share, _inverse(plan, level, unit, 0), death[1])
    return Latents(
        entry=entry,
        passes=u_gate < _by_level(plan.pass_shares, level) if (plan.pass_shares < 1).any() else np.broadcast_to(True, shape),
        randomization=entry if high == 0 else entry + (low + (high - low) * u_delay),
        site=_choose(u_site, plan.site_shares),
        level=level,
        factors=factors,
        u=u_arm,
        death=death,
        lost=_lost(plan, u_lost),
    )


def _choose(u: Floats, shares: Floats) -> Ints:
    """Return the first position whose cumulative share exceeds u, the last one otherwise."""
    edges = np.cumsum(shares)[:-1]
    if edges.size == 0:
        return np.broadcast_to(np.int64(0), u.shape)
    if edges.size >= _FEW:
        return np.searchsorted(edges, u, side="right")
    passed = np.zeros(u.shape, dtype=np.int64)
    for edge in edges:
        passed += u >= edge
    return passed


def _by_level(values: Floats, level: Ints) -> Floats:
    """Return each subject's value by its level; one number for all, shape (1,), where there is one level."""
    return values if values.size == 1 else values[level]


def _lost(plan: Plan, u: Floats) -> Floats:
    """Return months to loss to follow-up by arm, infinite where the hazard is 0."""
    if not plan.drop_out.any():
        return np.broadcast_to(np.inf, (2, *u.shape))
    unit = -np.log(u)
    if plan.drop_out[0] == plan.drop_out[1]:
        return np.broadcast_to(unit / plan.drop_out[0], (2, *u.shape))
    with np.errstate(divide="ignore"):
        return unit / plan.drop_out[:, np.newaxis, np.newaxis]


def _cumulative(plan: Plan, arm: int) -> tuple[Floats, Floats]:
    """Return hazards (H, P) of an arm and the cumulative hazards at the starts of the pieces, (H, P)."""
    hazards = plan.control_hazards * plan.hazard_ratios if arm == 1 else plan.control_hazards
    steps = hazards[:, :-1] * np.diff(plan.pieces)
    start = np.concatenate([np.zeros((plan.levels, 1)), np.cumsum(steps, axis=1)], axis=1)
    return hazards, start


def _inverse(plan: Plan, level: Ints, wanted: Floats, arm: int) -> Floats:
    """Return the time at which an arm's cumulative hazard reaches `wanted`, above 0; infinite where it never does."""
    hazards, start = _cumulative(plan, arm)
    # Pieces that are not the subject's own may divide 0 by 0; they are passed over.
    with np.errstate(divide="ignore", invalid="ignore"):
        time = wanted / _by_level(hazards[:, 0], level)
        for p in range(1, plan.pieces.size):
            reached = _by_level(start[:, p], level)
            later = plan.pieces[p] + (wanted - reached) / _by_level(hazards[:, p], level)
            time = np.where(wanted >= reached, later, time)
    return time


def _cross(plan: Plan, level: Ints, unit: Floats, death: Floats, crossing: Floats) -> Floats:
    """Return death in arm 0 when the hazard is multiplied from the crossing on."""
    hazards, start = _cumulative(plan, 0)
    piece = np.searchsorted(plan.pieces, crossing, side="right") - 1
    reached = start[level, piece] + hazards[level, piece] * (crossing - plan.pieces[piece])
    later = _inverse(plan, level, reached + (unit - reached) / plan.crossover_ratio, 0)
    return np.where(death > crossing, later, death)
