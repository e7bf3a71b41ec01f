"""The arms of a trial drawn anew: who came in which order with which factors stays, and only chance is another.

Read from the journal are the draws, each with the factors as drawn and the rule that ruled it, and between them what changed the
tallies: corrected factors, and allocations marked in error. Whatever the rule made of these then, it makes of them again.

Minimization by range of two arms 1:1 and the simple draw go through all sequences together, as sums of leads;
`trial.allocation.allocate`, sequence by sequence, is the readable twin and does every other rule.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oligami.journal import entries as e
from oligami.journal.record import Record
from oligami.protocol.model.allocation import Allocation
from oligami.stats.arguments import Floats, Ints
from oligami.trial.allocation import TIE_TOLERANCE, BlockPlace, PriorAllocation, allocate, probability_by_arm
from oligami.trial.fold import fold
from oligami.trial.state import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Allocation k as the journal has it: whom it gave which arm, with which factors, by which rule, with which u."""

    k: int
    subject: str
    arm: str
    factors: Mapping[str, str]
    rule: Allocation
    u: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """From here on the subject of draw k counts with these factors, if the rule tallies corrected ones."""

    k: int
    factors: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedInError:
    """From here on draw k is in no tally."""

    k: int


Step: TypeAlias = Draw | Corrected | MarkedInError


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationHistory:
    """All that the rule of allocation was asked and told, in the order in which it happened; draws are numbered 1, 2, 3, ..."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Refuse a history in which draws are missing.

        Raises:
            ValueError: draws are not numbered from 1 without gaps, or something happened to a draw before it was made.
        """
        numbers = [draw.k for draw in self.draws]
        if numbers != list(range(1, len(numbers) + 1)):
            gap = next((a for a, b in pairwise([0, *numbers]) if b != a + 1), 0)
            raise ValueError(f"draws: found {len(numbers)}, not numbered without gaps after draw {gap}; expected 1, 2, 3, ...")
        made = 0
        for step in self.steps:
            made = max(made, step.k) if isinstance(step, Draw) else made
            if step.k > made:
                raise ValueError(f"draw {step.k} is corrected or marked in error before it is made")

    @property
    def draws(self) -> tuple[Draw, ...]:
        """The draws alone."""
        return tuple(step for step in self.steps if isinstance(step, Draw))

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms in the rule's order; none without a draw."""
        return next((tuple(arm.id for arm in draw.rule.arms) for draw in self.draws), ())

    def standing(self) -> dict[str, int]:
        """Return each subject's standing allocation: the number of its first draw that is not marked in error."""
        marked = {step.k for step in self.steps if isinstance(step, MarkedInError)}
        found: dict[str, int] = {}
        for draw in self.draws:
            if draw.k not in marked:
                found.setdefault(draw.subject, draw.k)
        return found

    def until(self, k: int) -> "AllocationHistory":
        """Return what happened up to draw k; what comes later cannot change it."""
        last = next((place for place, step in enumerate(self.steps) if isinstance(step, Draw) and step.k == k), -1)
        return AllocationHistory(steps=self.steps[: last + 1])


def read_history(records: Iterable[Record]) -> tuple[AllocationHistory, Trial]:
    """Read the draws and what changed their tallies from a journal; return them with the trial after the last record.

    Raises:
        ValueError: draws are not numbered 1, 2, 3, ... or a record does not follow the one before.
    """
    steps: list[Step] = []
    numbers: dict[str, list[int]] = {}
    waiting: list[Record] = []
    trial = Trial()
    for record in records:
        match record.entry:
            case e.Randomized() as entry:
                trial = fold(waiting, trial)
                waiting = []
                subject = trial.subjects.get(entry.subject)
                if subject is None:
                    raise ValueError(f"record {record.seq} speaks of subject {entry.subject}, who is not in the trial")
                rule = trial.rules_for(subject.site, trial.day_of(record.stamp.recorded_at)).protocol.allocation
                steps.append(Draw(k=entry.k, subject=entry.subject, arm=entry.arm, factors=entry.factors, rule=rule, u=entry.u))
                numbers.setdefault(entry.subject, []).append(entry.k)
            case e.ItemsCorrected() as entry if entry.factors is not None:
                steps += [Corrected(k=k, factors=entry.factors) for k in numbers.get(entry.subject, ())]
            case e.AllocationMarkedInError() as entry:
                steps.append(MarkedInError(k=entry.k))
            case _:
                pass
        waiting.append(record)
    return AllocationHistory(steps=tuple(steps)), fold(waiting, trial)


def is_quick(history: AllocationHistory) -> bool:
    """Say whether all sequences can be drawn together: one rule from first to last, two arms, range and p_best 1:1, or simple."""
    rules = [draw.rule for draw in history.draws]
    if not rules or any(rule != rules[0] for rule in rules) or len(rules[0].arms) != 2:
        return False
    rule = rules[0]
    if rule.method == "simple":
        return True
    shape = (rule.method, rule.distance, rule.probability)
    return shape == ("minimization", "range", "best") and all(arm.ratio == 1 for arm in rule.arms)


def redraw(
    history: AllocationHistory, u: Floats, *, quick: bool | None = None, progress: Callable[[int], None] | None = None
) -> Ints:
    """Draw the arms of a trial anew.

    Args:
        history: what the rule was asked and told.
        u: a draw in [0, 1) for each allocation of each sequence, shape (sequences, draws).
        quick: all sequences together (needs `is_quick`) or one by one; if not given, together where possible.
        progress: called with the number of sequences done, where they are drawn one by one.

    Returns:
        Positions of the arms in `history.arms`, shape (sequences, draws).

    Raises:
        ValueError: u has another shape, or the rule cannot be applied to the history.
    """
    draws = history.draws
    if u.ndim != 2 or u.shape[1] != len(draws):
        raise ValueError(f"u has shape {u.shape}; expected (sequences, {len(draws)})")
    if quick if quick is not None else is_quick(history):
        return _together(history, u)
    drawn = np.empty(u.shape, dtype=np.int64)
    for sequence, row in enumerate(u):
        drawn[sequence] = _one(history, row.tolist())
        if progress is not None:
            progress(sequence + 1)
    return drawn


def find_unlike(history: AllocationHistory) -> int | None:
    """Draw again with the draws of the journal; return the first k whose arm is not the recorded one, None if all are."""
    draws = history.draws
    again = redraw(history, np.array([[draw.u for draw in draws]]).reshape(1, len(draws)))[0]
    return next((draw.k for draw, arm in zip(draws, again, strict=True) if history.arms[int(arm)] != draw.arm), None)


_NOBODY: Final = np.zeros(0, dtype=np.int64)


def _together(history: AllocationHistory, u: Floats) -> Ints:
    """Draw all sequences together. Of each level the lead of the first arm over the second is all that range needs."""
    draws = history.draws
    rule = draws[0].rule
    first, second = (arm.id for arm in rule.arms)
    share = rule.arms[0].ratio / sum(arm.ratio for arm in rule.arms)
    # Asked of the rule itself, so that the very last bit is that of the real trial.
    favoured = probability_by_arm(rule, {first: 0.0, second: 1.0})[first]
    disfavoured = probability_by_arm(rule, {first: 1.0, second: 0.0})[first]
    factors = [factor for factor in rule.factors if factor.weight > 0] if rule.method == "minimization" else []
    weights = np.array([[factor.weight] for factor in factors]).reshape(-1, 1)
    places, size = _places(history, [factor.id for factor in factors])
    sequences = u.shape[0]
    lead = np.zeros((size, sequences))
    sign = np.zeros((len(draws), sequences))  # 1 where the first arm was drawn, -1 where the second, 0 once marked in error
    counted_at: dict[int, NDArray[np.int64]] = {}
    for step, at in zip(history.steps, places, strict=True):
        row = step.k - 1
        match step:
            case Draw():
                chance: float | Floats = share
                if factors and step.k > rule.initial_simple:
                    here = lead[at]
                    if_first = (weights * np.abs(here + 1.0)).sum(axis=0)
                    if_second = (weights * np.abs(here - 1.0)).sum(axis=0)
                    chance = np.where(if_first < if_second, favoured, disfavoured)
                    tied = np.abs(if_first - if_second) <= TIE_TOLERANCE * np.maximum(if_first, if_second)
                    chance[tied] = share
                sign[row] = np.where(u[:, row] < chance, 1.0, -1.0)
                lead[at] += sign[row]
                counted_at[step.k] = at
            case Corrected():
                if rule.tally_factors == "corrected" and step.k in counted_at:
                    lead[counted_at[step.k]] -= sign[row]
                    lead[at] += sign[row]
                    counted_at[step.k] = at
            case MarkedInError():
                lead[counted_at.pop(step.k, _NOBODY)] -= sign[row]
    arms: Ints = (sign.T < 0).astype(np.int64)
    return arms


def _places(history: AllocationHistory, names: Sequence[str]) -> tuple[list[NDArray[np.int64]], int]:
    """Number the levels of all factors in one row; return where each step's subject finds its own, and the row's length."""
    known: dict[tuple[str, str], int] = {}
    places = []
    for step in history.steps:
        factors = {} if isinstance(step, MarkedInError) else step.factors
        missing = [] if isinstance(step, MarkedInError) else [name for name in names if name not in factors]
        if missing:
            raise ValueError(f"draw {step.k}: found no {', '.join(missing)}; expected a level of every factor of the rule")
        here = [known.setdefault((name, factors[name]), len(known)) for name in names if name in factors]
        places.append(np.array(here, dtype=np.int64))
    return places, len(known)


def _one(history: AllocationHistory, u: Sequence[float]) -> list[int]:
    """Draw one sequence by the trial's own function."""
    as_drawn: list[PriorAllocation] = []
    as_corrected: list[PriorAllocation] = []
    arms = []
    for step in history.steps:
        row = step.k - 1
        match step:
            case Draw():
                prior = as_corrected if step.rule.tally_factors == "corrected" else as_drawn
                result = allocate(step.rule, step.factors, prior, k=step.k, u=u[row])
                place: BlockPlace | None = result.place
                as_drawn.append(PriorAllocation(arm=result.arm, factors=step.factors, place=place))
                as_corrected.append(as_drawn[-1])
                arms.append(history.arms.index(result.arm))
            case Corrected():
                if as_corrected[row].counted:
                    as_corrected[row] = replace(as_corrected[row], factors=step.factors)
            case MarkedInError():
                as_drawn[row] = replace(as_drawn[row], counted=False)
                as_corrected[row] = replace(as_corrected[row], counted=False)
    return arms
