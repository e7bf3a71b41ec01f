"""The trial as its own records and those of a single subject tell it: enough to show that subject as it stood, and quickly.

What is asked of the whole trial (tallies, limits, the next number) cannot be asked of it.
"""

from collections.abc import Iterable
from dataclasses import replace

from oligami.journal.record import Record
from oligami.trial.fold import advance
from oligami.trial.state import Trial


def fold_some(records: Iterable[Record]) -> Trial:
    """Return the trial after some of a journal's records, in their order; records of other subjects may be missing.

    Raises:
        ValueError: a record speaks of a subject or form that the records before it do not know.
    """
    trial = Trial()
    for record in records:
        # The gap is meant: each record is told that it follows the one before it in the journal.
        trial = advance(replace(trial, head=replace(trial.head, seq=record.seq - 1)), record)
    return trial
