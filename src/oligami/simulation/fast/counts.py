"""What many simulated trials came to, as whole numbers that can be added in any order.

Means need sums, and sums of floats depend on their order. Every quantity is therefore rounded to a fixed step first and summed
as an integer, so that any number of workers, any chunks and any resumption give the same counts to the last bit.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from oligami.simulation.fast.plan import Plan
from oligami.simulation.fast.replicates import Replicates, decide

#: Quantities are summed in steps of 1 / STEPS: a thousandth of a month, of a subject, of a log hazard ratio.
STEPS: Final = 1024
#: Calendar times are also counted in bins of this many months, up to the last bin, which takes all that is later.
BIN_MONTHS: Final = 0.5
BINS: Final = 1200
#: Of counts as JSON. It changes whenever the same plan and seed would give other counts than before, or counts of another shape.
FORMAT: Final = "oligami-counts/1"
# A quantity beyond this counts as this: a trial that goes on for a hundred thousand years.
_LARGEST: Final = 1e6

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Sum and sum of squares of a quantity over trials, in steps and squared steps; `n` counts the trials that have it."""

    n: int = 0
    total: int = 0
    squares: int = 0

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(n=self.n + other.n, total=self.total + other.total, squares=self.squares + other.squares)

    @property
    def mean(self) -> float:
        """The mean; NaN of nothing."""
        return self.total / STEPS / self.n if self.n else math.nan

    @property
    def std_dev(self) -> float:
        """The standard deviation; NaN of fewer than two."""
        if self.n < 2:
            return math.nan
        # In integers, so that a small spread beside a large mean loses nothing.
        return math.sqrt(self.n * self.squares - self.total**2) / STEPS / math.sqrt(self.n * (self.n - 1))

    @property
    def std_err(self) -> float:
        """The Monte Carlo standard error of the mean."""
        return self.std_dev / math.sqrt(self.n) if self.n > 1 else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Counts over trials of one plan and seed, simulated by one engine.

    plan: digest of the plan. engine: numpy or numba, which agree in every decision but not in the last digit of a time.
    covered: replicates counted, as sorted intervals [first, last).
    rejected: trials whose test t first crossed its bound at look k, [t][k]. crossed: trials whose test t is beyond the bound at
        look k, whatever came before, [t][k]. futile: trials that stopped for futility at look k (primary test).
    moments: of named quantities; those by look are named `name/k`, k from 1.
    times: histogram of each look's calendar time in bins of BIN_MONTHS, [k][bin]; `stopped` likewise of the time of stopping.
    """

    plan: str
    seed: int
    engine: str
    covered: tuple[Interval, ...]
    rejected: tuple[tuple[int, ...], ...]
    crossed: tuple[tuple[int, ...], ...]
    futile: tuple[int, ...]
    moments: Mapping[str, Moments]
    times: tuple[tuple[int, ...], ...]
    stopped: tuple[int, ...]

    @property
    def trials(self) -> int:
        """How many trials were counted."""
        return sum(last - first for first, last in self.covered)

    def __add__(self, other: "Counts") -> "Counts":
        """Add the counts of other replicates of the same plan and seed.

        Raises:
            ValueError: they are of another plan, seed or engine, or count a replicate twice.
        """
        if (self.plan, self.seed, self.engine) != (other.plan, other.seed, other.engine):
            raise ValueError("counts are of different plans, seeds or engines; only those of the same can be added")
        return Counts(
            plan=self.plan,
            seed=self.seed,
            engine=self.engine,
            covered=_joined(self.covered + other.covered),
            rejected=_added(self.rejected, other.rejected),
            crossed=_added(self.crossed, other.crossed),
            futile=tuple(np.add(self.futile, other.futile).tolist()),
            moments={name: self.moments[name] + other.moments[name] for name in self.moments},
            times=_added(self.times, other.times),
            stopped=tuple(np.add(self.stopped, other.stopped).tolist()),
        )

    def to_json(self) -> str:
        """Return the counts as one line of JSON; `from_json` gives them back exactly."""
        said: dict[str, Any] = {"format": FORMAT} | {part.name: getattr(self, part.name) for part in fields(self)}
        said["moments"] = {name: [each.n, each.total, each.squares] for name, each in self.moments.items()}
        return json.dumps(said, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> "Counts":
        """Read counts written by `to_json`.

        Raises:
            ValueError: the text is something else, or was written in another format.
        """
        try:
            said: dict[str, Any] = json.loads(text)
            if said["format"] != FORMAT:
                raise ValueError(f"these counts have the format {said['format']!r}; this version of oligami reads {FORMAT!r}")
            return Counts(
                plan=str(said["plan"]),
                seed=int(said["seed"]),
                engine=str(said["engine"]),
                covered=tuple((int(first), int(last)) for first, last in said["covered"]),
                rejected=_table(said["rejected"]),
                crossed=_table(said["crossed"]),
                futile=tuple(map(int, said["futile"])),
                moments={
                    name: Moments(n=n, total=total, squares=squares) for name, (n, total, squares) in said["moments"].items()
                },
                times=_table(said["times"]),
                stopped=tuple(map(int, said["stopped"])),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"these are no counts of simulated trials: {error!r} is missing or wrong") from error


def plan_digest(plan: Plan) -> str:
    """Return the SHA-256 over everything a plan says: two plans with one digest simulate the same trials."""
    said = hashlib.sha256()
    for part in fields(plan):
        value = getattr(plan, part.name)
        parts = value if isinstance(value, tuple) else (value,)
        for each in parts:
            text = f"{each.shape}{each.tolist()!r}" if isinstance(each, np.ndarray) else repr(each)
            said.update(f"{part.name}={text};".encode())
    return said.hexdigest()


def count(replicates: Replicates, plan: Plan, *, seed: int, first: int, engine: str) -> Counts:
    """Count the decisions and sum the quantities of replicates first, first + 1, ... of a seed."""
    trials, _, looks = replicates.z.shape
    decided = decide(replicates, plan)
    numbers = np.arange(1, looks + 1)
    crossed = (replicates.z >= plan.efficacy).sum(axis=0)
    rejected = (decided.rejected_at[:, :, np.newaxis] == numbers).sum(axis=0)
    at_stop = (np.arange(trials), decided.stopped_at - 1)
    events = replicates.events.sum(axis=2)
    quantities = {
        "duration": decided.duration,
        "events": events[at_stop],
        "registered": replicates.registered,
        "randomized": replicates.randomized.sum(axis=1),
        "difference": np.abs(replicates.randomized[:, 1] - replicates.randomized[:, 0]),
        "last_randomization": replicates.last_randomization,
        "log_hr": replicates.log_hr[at_stop],
        "rmst_difference": replicates.rmst_difference[at_stop],
    }
    for k in range(looks):
        quantities |= {
            f"time/{k + 1}": replicates.cut[:, k],
            f"events/{k + 1}": events[:, k],
            f"at_look/{k + 1}": replicates.at_look[:, k],
            f"log_hr/{k + 1}": replicates.log_hr[:, k],
        }
    return Counts(
        plan=plan_digest(plan),
        seed=seed,
        engine=engine,
        covered=((first, first + trials),),
        rejected=_table(rejected.tolist()),
        crossed=_table(crossed.tolist()),
        futile=tuple((decided.futile_at[:, np.newaxis] == numbers).sum(axis=0).tolist()),
        moments={name: _moments(values) for name, values in quantities.items()},
        times=tuple(_histogram(replicates.cut[:, k]) for k in range(looks)),
        stopped=_histogram(decided.duration),
    )


def total(parts: list[Counts]) -> Counts:
    """Add counts, at least one.

    Raises:
        ValueError: as `Counts.__add__`.
    """
    return reduce(lambda one, other: one + other, parts)


def _moments(values: NDArray[Any]) -> Moments:
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    steps = np.rint(np.clip(known, -_LARGEST, _LARGEST) * STEPS).astype(np.int64)
    # The usual thousands of months and subjects leave room in 64 bits; anything larger is squared in Python's own integers.
    widest = int(np.abs(steps).max(initial=0))
    squares = int(np.dot(steps, steps)) if widest**2 * steps.size < 1 << 63 else sum(step * step for step in steps.tolist())
    return Moments(n=int(steps.size), total=int(steps.sum()), squares=squares)


def _histogram(months: NDArray[np.float64]) -> tuple[int, ...]:
    bins = np.clip(np.nan_to_num(months, posinf=1e9) / BIN_MONTHS, 0, BINS - 1).astype(np.int64)
    return tuple(np.bincount(bins, minlength=BINS).tolist())


def _table(rows: Any) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(map(int, row)) for row in rows)


def _added(one: tuple[tuple[int, ...], ...], other: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(np.add(a, b).tolist()) for a, b in zip(one, other, strict=True))


def _joined(intervals: tuple[Interval, ...]) -> tuple[Interval, ...]:
    found: list[Interval] = []
    for first, last in sorted(intervals):
        if found and first < found[-1][1]:
            raise ValueError(f"replicate {first} is counted twice")
        if found and first == found[-1][1]:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return tuple(found)
