"""The baseline table: who was randomized, by arm, and who was registered. No tests: chance explains what differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oligami.analysis.measures import Spread, Tally, spread, tallies
from oligami.data.datasets import Datasets
from oligami.protocol.model.analysis import BaselineRow
from oligami.protocol.model.protocol import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineColumn:
    """One row of the table in one group of subjects: a spread or tallies, as the protocol says."""

    group: str
    spread: Spread | None
    tallies: tuple[Tally, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineCharacteristic:
    """One row of the protocol's baseline table, a column each group."""

    row: str
    columns: tuple[BaselineColumn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The baseline table. groups: the arms, then `randomized`, then `registered`, each with its number of subjects."""

    groups: tuple[tuple[str, int], ...]
    characteristics: tuple[BaselineCharacteristic, ...]


RANDOMIZED = "randomized"
REGISTERED = "registered"


def describe_baseline(datasets: Datasets, protocol: Protocol) -> Baseline:
    """Sum up every characteristic the protocol lists, by arm, of all randomized and of all registered."""
    subjects = datasets.subjects
    counted = [row for row, annulled in enumerate(subjects.annulled) if not annulled]
    groups = {arm: [row for row in counted if subjects.arm[row] == arm] for arm in datasets.arms}
    groups[RANDOMIZED] = [row for row in counted if subjects.arm[row] is not None]
    groups[REGISTERED] = counted
    nothing: tuple[Any, ...] = (None,) * len(subjects)
    return Baseline(
        groups=tuple((group, len(rows)) for group, rows in groups.items()),
        characteristics=tuple(
            _characteristic(row, subjects.baseline.get(row.id, nothing), groups) for row in protocol.analysis.baseline
        ),
    )


def _characteristic(row: BaselineRow, values: Sequence[Any], groups: dict[str, list[int]]) -> BaselineCharacteristic:
    if row.summary == "median":
        columns = [
            BaselineColumn(group=group, spread=spread(_number(values[at]) for at in rows), tallies=())
            for group, rows in groups.items()
        ]
        return BaselineCharacteristic(row=row.id, columns=tuple(columns))
    words = [_word(value) for value in values]
    # Every group shows the same values in the same order: the protocol's first, then any other that occurs anywhere.
    named = [label.value for label in row.label]
    order = [*named, *sorted({word for word in words if word is not None} - set(named))]
    columns = [
        BaselineColumn(group=group, spread=None, tallies=tallies((words[at] for at in rows), order))
        for group, rows in groups.items()
    ]
    return BaselineCharacteristic(row=row.id, columns=tuple(columns))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _word(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)
