"""Records of the trial as a whole, found by their kind."""

from collections.abc import Iterator

from oligami.journal.record import Record
from oligami.journal.seal import REDACTED, assemble, open_alone
from oligami.web.journal.models import JournalRecord
from oligami.web.journal.store import DatabaseJournal


def records_of(journal: DatabaseJournal, *kinds: str) -> Iterator[Record]:
    """Yield the records of these kinds that speak of no subject, the oldest first, each checked by itself.

    Raises:
        JournalError: a record does not hold.
    """
    # By the index of subjects: those of none are few, whatever the length of the journal.
    rows = JournalRecord.objects.using(journal.using).filter(trial=journal.trial, subject__isnull=True, kind__in=kinds)
    for _, body, head, seal in sorted(rows.order_by("subject").values_list("seq", "body", "head", "seal")):
        yield open_alone(assemble(REDACTED if body is None else body.encode(), head.encode(), seal)).record()


def record_at(journal: DatabaseJournal, seq: int, kind: str) -> Record | None:
    """Return the record of a number if it is of this kind, else None."""
    rows = JournalRecord.objects.using(journal.using).filter(trial=journal.trial, seq=seq, kind=kind)
    for body, head, seal in rows.values_list("body", "head", "seal"):
        return open_alone(assemble(REDACTED if body is None else body.encode(), head.encode(), seal)).record()
    return None
