"""The trial as it stands, folded once in each process and kept up to date by the records that came since.

A fold of the whole trial, not of one subject: limits and tallies ask about everybody, and after the first fold there are but
a few records to add.
"""

from threading import Lock

from oligami.journal.codec import JournalError
from oligami.journal.entries import BodyRedacted
from oligami.journal.store import Head
from oligami.protocol.text import Text
from oligami.trial.fold import fold
from oligami.trial.state import Trial
from oligami.web.journal.store import DatabaseJournal

_ANOTHER = Text(
    "the journal in the database is not the one this program has read: it was restored or rewritten meanwhile; "
    "verify it, then start the program again",
    "データベースのジャーナルが、このプログラムが読んだものと異なります（復元または書き換え）。検証してから再起動してください",
)


class Standing:
    """Guards the newest folded state of one trial; any number of threads may ask."""

    def __init__(self, journal: DatabaseJournal) -> None:
        self._journal = journal
        self._trial = Trial()
        self._lock = Lock()

    def now(self) -> Trial:
        """Return the trial after its newest committed record.

        Raises:
            JournalError: the journal does not hold, or is another than before.
        """
        with self._lock:
            return self._catch_up(self._journal.head())

    def at(self, head: Head) -> Trial:
        """Return the trial at the head that `DatabaseJournal.lock` gave, inside its transaction.

        Raises:
            JournalError: the journal does not hold, or is another than before.
        """
        with self._lock:
            return self._catch_up(head)

    def publish(self, trial: Trial) -> None:
        """Take over a state whose records are committed. One that others have gone beyond is left."""
        with self._lock:
            if trial.head.seq > self._trial.head.seq:
                self._trial = trial

    def _catch_up(self, head: Head) -> Trial:
        known = Head(self._trial.head.seq, self._trial.head.seal)
        if known == head:
            return self._trial
        if head.seq <= known.seq:
            raise JournalError(_ANOTHER)
        records = list(self._journal.records(through=head.seq, after=known))
        if known.seq and any(isinstance(record.entry, BodyRedacted) for record in records):
            # Folded from the beginning without the removed text: nothing of it stays in memory.
            self._trial = fold(self._journal.records(through=head.seq))
        else:
            self._trial = fold(records, self._trial)
        return self._trial
