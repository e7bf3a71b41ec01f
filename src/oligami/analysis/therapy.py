"""Systemic therapy after randomization: whether the same therapy was kept, why it changed or ended, and crossover."""

from collections.abc import Sequence
from dataclasses import dataclass

from oligami.analysis.measures import Spread, Tally, spread, tallies
from oligami.data.datasets import Datasets

#: In the order of a table.
KEPT = ("same", "same_with_switch", "changed_after_progression", "changed_before_progression", "ended", "not_restarted")


@dataclass(frozen=True, slots=True, kw_only=True)
class TherapyCourse:
    """Systemic therapy in one arm. Reasons are among those with a change or an end; regimens as in force at randomization."""

    arm: str
    subjects: int
    regimens: tuple[Tally, ...]
    kept: tuple[Tally, ...]
    change_reasons: tuple[Tally, ...]
    end_reasons: tuple[Tally, ...]
    crossover: Tally
    courses_before: Spread
    courses_after: Spread


def describe_therapy(datasets: Datasets) -> tuple[TherapyCourse, ...]:
    """Describe the systemic therapy of each arm."""
    return tuple(_describe(datasets, arm) for arm in datasets.arms)


def _describe(datasets: Datasets, arm: str) -> TherapyCourse:
    therapies = datasets.therapies
    rows = [row for row, own in enumerate(therapies.arm) if own == arm]
    changed = [row for row in rows if therapies.change_date[row] is not None]
    ended = [row for row in rows if therapies.end_date[row] is not None]
    crossed = sum(therapies.crossover_date[row] is not None for row in rows)
    return TherapyCourse(
        arm=arm,
        subjects=len(rows),
        regimens=_frequent(tallies(therapies.regimen[row] for row in rows)),
        kept=tallies((therapies.kept[row] for row in rows), KEPT),
        change_reasons=_frequent(tallies(therapies.change_reason[row] for row in changed)),
        end_reasons=_frequent(tallies(therapies.end_reason[row] for row in ended)),
        crossover=Tally(value="crossover", count=crossed, total=len(rows)),
        courses_before=spread(float(therapies.courses_before[row]) for row in rows),
        courses_after=spread(float(therapies.courses_after[row]) for row in rows),
    )


def _frequent(counts: Sequence[Tally]) -> tuple[Tally, ...]:
    return tuple(sorted(counts, key=lambda tally: (tally.value is None, -tally.count, tally.value or "")))
