"""One trial at a time, subject by subject, with the functions of the real trial: what the batch must agree with.

Slow on purpose. Allocation asks `oligami.trial.allocation` draw by draw, tests ask `oligami.stats`; only the latent courses are
those of the fast road, which have a law of their own.
"""

import numpy as np

from oligami.protocol.model.allocation import Allocation, AllocationArm, Factor
from oligami.protocol.model.common import Origin, OriginKind
from oligami.protocol.text import Text
from oligami.simulation.fast.exact import exact_tests
from oligami.simulation.fast.latent import Latents, draw_latents
from oligami.simulation.fast.plan import Look, Minimization, Plan
from oligami.simulation.fast.replicates import Replicates, joined
from oligami.stats.arguments import Floats
from oligami.trial.allocation import PriorAllocation, allocate

_ARMS = ("0", "1")


def simulate_plain(plan: Plan, seed: int, first: int, last: int) -> Replicates:
    """Simulate replicates first to last - 1 of a seed, one after the other.

    Raises:
        ValueError: the seed or the range of replicates is impossible.
    """
    if not 0 <= first < last:
        raise ValueError(f"replicates are {first} to {last}; expected 0 <= first < last")
    return joined([carry_out_plainly(plan, draw_latents(plan, seed, k, k + 1)) for k in range(first, last)])


def carry_out_plainly(plan: Plan, latents: Latents) -> Replicates:
    """Carry one latent trial (R = 1) through registration, allocation, follow-up, cuts and tests.

    Raises:
        ValueError: the latents are of several trials.
    """
    entry, start, passes = latents.entry[0], latents.randomization[0], latents.passes[0]
    closing = _closing(plan, start[passes])
    registered = [i for i in range(plan.subjects) if entry[i] <= closing]
    randomized = sorted((i for i in registered if passes[i]), key=lambda i: (start[i], i))
    arm = arms_in_turn(plan, latents, randomized)
    death = {i: float(latents.death[arm[i], 0, i]) for i in randomized}
    lost = {i: float(latents.lost[arm[i], 0, i]) for i in randomized}
    leaving = {i: float(start[i]) + min(death[i], lost[i]) for i in randomized}
    deaths = sorted(leaving[i] for i in randomized if death[i] <= lost[i] and leaving[i] < np.inf)
    last_randomization = max((float(start[i]) for i in randomized), default=0.0)
    all_left = max((leaving[i] for i in randomized), default=0.0)

    looks = len(plan.looks)
    z, log_hr, difference = np.zeros((1, len(plan.tests), looks)), np.zeros((1, looks)), np.zeros((1, looks))
    cuts, events, at_look = np.zeros((1, looks)), np.zeros((1, looks, 2), dtype=np.int64), np.zeros((1, looks), dtype=np.int64)
    for k, look in enumerate(plan.looks):
        cut = _cut(look, deaths, all_left, last_randomization)
        seen = [i for i in randomized if start[i] < cut]
        event = np.array([death[i] <= lost[i] and leaving[i] <= cut for i in seen], dtype=np.int64)
        time = np.array([min(death[i], lost[i], cut - start[i]) for i in seen])
        arms = np.array([arm[i] for i in seen], dtype=np.int64)
        level = latents.level[0, seen]
        z[0, :, k], log_hr[0, k], difference[0, k] = exact_tests(plan, time, event, arms, level)
        cuts[0, k], at_look[0, k] = cut, len(seen)
        events[0, k] = np.bincount(arms[event == 1], minlength=2)
    return Replicates(
        z=z,
        log_hr=log_hr,
        rmst_difference=difference,
        cut=cuts,
        events=events,
        at_look=at_look,
        registered=np.array([len(registered)]),
        randomized=np.bincount([arm[i] for i in randomized], minlength=2)[np.newaxis, :].astype(np.int64),
        last_randomization=np.array([last_randomization]),
    )


def arms_in_turn(plan: Plan, latents: Latents, randomized: list[int]) -> dict[int, int]:
    """Return the arm of each subject of one trial (R = 1), drawn in the order given."""
    rule = plan.allocation
    if rule == "balanced":
        return {i: i % 2 for i in randomized}
    if rule == "simple":
        return {i: int(latents.u[0, i] >= 0.5) for i in randomized}
    assert isinstance(rule, Minimization)
    written = as_protocol(rule)
    levels = {f.id: latents.site if f.id == "site" else latents.factors[int(f.id)] for f in written.factors}
    prior: list[PriorAllocation] = []
    for k, i in enumerate(randomized, start=1):
        factors = {name: str(level[0, i]) for name, level in levels.items()}
        drawn = allocate(written, factors, prior, k=k, u=float(latents.u[0, i]))
        prior.append(PriorAllocation(arm=drawn.arm, factors=factors))
    return {i: int(earlier.arm) for i, earlier in zip(randomized, prior, strict=True)}


def as_protocol(rule: Minimization) -> Allocation:
    """Write a minimization as a protocol would; factors are named by their position, the site is the last."""
    origin = Origin(kind=OriginKind.DEFAULT)
    weights = {str(f): weight for f, weight in enumerate(rule.weights)} | {"site": rule.site_weight}
    return Allocation(
        stage="simulated",
        method="minimization",
        arms=tuple(AllocationArm(id=arm) for arm in _ARMS),
        factors=tuple(
            Factor(id=name, title=Text(en=name, ja=name), expression=name, weight=weight, origin=origin)
            for name, weight in weights.items()
            if weight > 0
        ),
        p_best=rule.p_best,
        initial_simple=rule.initial_simple,
        origin=origin,
    )


def _closing(plan: Plan, starts: Floats) -> float:
    """Return when registration closes: when the limit is randomized; never, where it is not reached."""
    limit = plan.randomized_limit
    return float(np.sort(starts)[limit - 1]) if 0 < limit <= starts.size else np.inf


def _cut(look: Look, deaths: list[float], all_left: float, last_randomization: float) -> float:
    if look.calendar_months is not None:
        return look.calendar_months
    if look.after_last_months is not None:
        return last_randomization + look.after_last_months
    assert look.events is not None
    came = deaths[look.events - 1] if look.events <= len(deaths) else all_left
    return min(came, look.not_after_months)
