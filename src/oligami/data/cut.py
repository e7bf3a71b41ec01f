"""A cut: through which record (what was known), and up to which clinical date (what had happened)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import takewhile

from oligami.journal.record import Record
from oligami.trial.fold import fold
from oligami.trial.state import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What is counted.

    through: number of the last record that counts; None: all there are.
    up_to: the last clinical date that counts, itself included.
    """

    through: int | None = None
    up_to: date

    def __post_init__(self) -> None:
        if self.through is not None and self.through < 1:
            raise ValueError(f"a cut counts through record 1 or a later one, not {self.through}")


def cut_records(records: Iterable[Record], cut: Cut) -> Iterator[Record]:
    """Yield the records that were known at the cut, in order.

    Nothing after the last of them is read, so a journal that has grown since gives the same records.
    """
    last = cut.through
    return iter(records) if last is None else takewhile(lambda record: record.seq <= last, records)


def cut_trial(records: Iterable[Record], cut: Cut) -> Trial:
    """Return the trial as it was known at the cut.

    Raises:
        ValueError: the journal ends before the record that the cut names.
    """
    trial = fold(cut_records(records, cut))
    if cut.through is not None and trial.head.seq < cut.through:
        raise ValueError(f"the cut counts through record {cut.through}, but the journal ends with record {trial.head.seq}")
    return trial
