"""What simulated trials come to, look by look, and what the plan's boundaries decide about them.

Both engines, the numpy batch and the kernels, return `Replicates`; `decide` is the only place where a z meets a boundary.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from oligami.simulation.fast.plan import Plan
from oligami.stats import arguments
from oligami.stats.arguments import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replicates:
    """The results of R trials with L looks, one row a trial; arrays are read-only, times are months since registration opened.

    z: shape (R, tests, L), tests in the plan's order; positive favours arm 1, 0 where the test is not defined.
    log_hr: Cox coefficient of arm 1 against arm 0, stratified by the hazard factor, shape (R, L); NaN where the likelihood has
        no finite maximum (then z is 0), and everywhere if COX is not among the tests.
    rmst_difference: restricted mean of arm 1 less that of arm 0, shape (R, L); NaN where an arm is empty, and everywhere if
        RMST is not among the tests.
    cut: when the data were cut, shape (R, L). events: by arm at each look, shape (R, L, 2).
    at_look: randomized before the cut, shape (R, L).
    registered: first registrations that took place, shape (R,). randomized: by arm, shape (R, 2).
    last_randomization: time of the last one, shape (R,). If nobody was randomized it is 0, and so is the moment at which
        the last subject left.
    """

    z: Floats
    log_hr: Floats
    rmst_difference: Floats
    cut: Floats
    events: Ints
    at_look: Ints
    registered: Ints
    randomized: Ints
    last_randomization: Floats

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for name in _names():
            object.__setattr__(self, name, arguments.frozen(getattr(self, name)))

    def __len__(self) -> int:
        """Return the number of trials, R."""
        return int(self.registered.size)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decisions:
    """What the boundaries say about each trial; looks are numbered from 1, 0 stands for none; arrays are read-only.

    rejected_at: first look at which each test reaches its efficacy boundary, shape (R, tests). For the primary test, the first,
        0 if the trial had been stopped for futility before; the others are judged as if they had been primary without futility.
    futile_at: look at which the primary test stopped the trial for futility, shape (R,).
    stopped_at: look at which the trial ended: by efficacy, by futility, or the last, shape (R,).
    duration: months from the opening of registration to the cut of that look, shape (R,).
    """

    rejected_at: Ints
    futile_at: Ints
    stopped_at: Ints
    duration: Floats


def decide(replicates: Replicates, plan: Plan) -> Decisions:
    """Hold every z against the plan's boundaries.

    A z at a boundary has reached it. Where one z would do both, efficacy goes before futility.

    Raises:
        ValueError: the replicates are of a plan with other tests or looks.
    """
    shape = (len(plan.tests), len(plan.looks))
    if replicates.z.shape[1:] != shape:
        raise ValueError(f"replicates have (tests, looks) {replicates.z.shape[1:]}; the plan has {shape}")
    rejected = _first_look(replicates.z >= plan.efficacy)
    futile = _first_look(replicates.z[:, 0] <= plan.futility)
    too_late = (futile > 0) & (futile < rejected[:, 0])
    in_time = (rejected[:, 0] > 0) & ~too_late
    rejected[too_late, 0] = 0
    futile[in_time] = 0
    stopped = np.where(in_time, rejected[:, 0], np.where(futile > 0, futile, len(plan.looks)))
    return Decisions(
        rejected_at=arguments.frozen(rejected),
        futile_at=arguments.frozen(futile),
        stopped_at=arguments.frozen(stopped),
        duration=arguments.frozen(np.take_along_axis(replicates.cut, stopped[:, np.newaxis] - 1, axis=1)[:, 0]),
    )


def joined(parts: Sequence[Replicates]) -> Replicates:
    """Put replicates of one plan under each other, in the order given.

    Raises:
        ValueError: there are none.
    """
    if not parts:
        raise ValueError("parts are empty; expected one at least")
    return Replicates(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _names()})


def _names() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Replicates))


def _first_look(reached: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Ints:
    """Return the number of the first look that is true, along the last axis; 0 if none is."""
    return np.where(reached.any(axis=-1), reached.argmax(axis=-1) + 1, 0)
