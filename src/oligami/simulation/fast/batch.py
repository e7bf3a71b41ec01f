"""Many trials at once in numpy: readable, exact, the default where nothing is compiled and the measure of what is.

Replicates are carried in blocks small enough for their arrays to stay in the processor's cache. No number depends on the block:
every draw has its own address, and sums run along a trial only.
"""

import numpy as np
from numpy.typing import NDArray

from oligami.simulation.fast.allocation import draw_arms
from oligami.simulation.fast.batch_tests import look_tests
from oligami.simulation.fast.latent import Latents, draw_latents
from oligami.simulation.fast.looks import cut_times
from oligami.simulation.fast.plan import Plan
from oligami.simulation.fast.replicates import Replicates, joined
from oligami.stats.arguments import Floats, Ints

# Numbers in an array of a block, 1 MiB: enough that numpy's cost of a call does not count, few enough for the cache.
_BLOCK = 1 << 17
# An array of so many bytes, allocated and let go, tells the C library to keep memory of this size for the next array instead
# of handing it back to the system, which would clear it page by page; that costs more than the arithmetic.
_KEPT = 24 << 20


def simulate_batch(plan: Plan, seed: int, first: int, last: int) -> Replicates:
    """Simulate replicates first to last - 1 of a seed.

    A replicate's row is the same, bit for bit, whichever others are simulated with it.

    Raises:
        ValueError: the seed or the range of replicates is impossible.
    """
    if not 0 <= first < last:
        raise ValueError(f"replicates are {first} to {last}; expected 0 <= first < last")
    np.empty(_KEPT, dtype=np.uint8)
    block = max(1, _BLOCK // plan.subjects)
    starts = range(first, last, block)
    return joined([carry_out(plan, draw_latents(plan, seed, start, min(start + block, last))) for start in starts])


def carry_out(plan: Plan, latents: Latents) -> Replicates:
    """Carry latent trials through registration, allocation, follow-up, cuts and tests."""
    registered = latents.entry <= _closing(plan, latents)
    randomized = registered & latents.passes
    arm = draw_arms(plan, latents, randomized)
    in_arm_1 = arm == 1
    start = latents.randomization
    death = np.where(in_arm_1, latents.death[1], latents.death[0])
    lost = np.where(in_arm_1, latents.lost[1], latents.lost[0])
    observed = np.minimum(death, lost)
    dies = (death <= lost) & randomized
    leaving = np.where(randomized, start + observed, -np.inf)
    last = np.maximum(start.max(axis=1, where=randomized, initial=0.0), 0.0)
    cuts = cut_times(plan, last, leaving, dies)
    rows, looks = cuts.shape

    z = np.zeros((rows, len(plan.tests), looks))
    log_hr, rmst_difference = np.zeros((rows, looks)), np.zeros((rows, looks))
    events, at_look = np.zeros((rows, looks, 2), dtype=np.int64), np.zeros((rows, looks), dtype=np.int64)
    for look in range(looks):
        cut = cuts[:, look, np.newaxis]
        member = randomized & (start < cut)
        event = dies & (leaving <= cut) & member
        time = np.minimum(observed, cut - start)
        z[:, :, look], log_hr[:, look], rmst_difference[:, look] = look_tests(plan, member, time, event, arm, latents.level)
        events[:, look] = _by_arm(event, in_arm_1)
        at_look[:, look] = np.count_nonzero(member, axis=1)
    return Replicates(
        z=z,
        log_hr=log_hr,
        rmst_difference=rmst_difference,
        cut=cuts,
        events=events,
        at_look=at_look,
        registered=np.count_nonzero(registered, axis=1),
        randomized=_by_arm(randomized, in_arm_1),
        last_randomization=last,
    )


def _closing(plan: Plan, latents: Latents) -> Floats:
    """Return when registration closes, shape (R, 1): when the limit is randomized; never, where it is not reached."""
    limit = plan.randomized_limit
    if not 0 < limit <= plan.subjects:
        return np.full((latents.entry.shape[0], 1), np.inf)
    times = np.where(latents.passes, latents.randomization, np.inf)
    return np.partition(times, limit - 1, axis=1)[:, limit - 1, np.newaxis]


def _by_arm(counted: NDArray[np.bool_], in_arm_1: NDArray[np.bool_]) -> Ints:
    """Count subjects of each trial by arm, shape (R, 2)."""
    ones = np.count_nonzero(counted & in_arm_1, axis=1)
    return np.stack([np.count_nonzero(counted, axis=1) - ones, ones], axis=1)
