"""The course of a trial's public record, read once in each process and kept up to date by the few records that bear on it.

Only those records are read, not the whole journal: a page without log-in answers at once after a start, and a coordinator's
form changes nothing here. Each is held against its own seal and digest; that none is missing is what `verify` says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from threading import Lock

from oligami.journal.codec import JournalError, decode
from oligami.journal.entries import BodyRedacted
from oligami.journal.record import GENESIS, Record
from oligami.journal.seal import REDACTED, assemble, open_alone
from oligami.journal.verify import UNNAMED
from oligami.registry.versions import KINDS, Course, follow
from oligami.web.journal.models import JournalHead, JournalRecord
from oligami.web.public import kept

_KINDS = tuple(kind.__name__ for kind in KINDS)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A course, and the head of the journal it was read at."""

    head: tuple[int, str]
    course: Course


_kept: dict[str, _Kept] = {}
_lock = Lock()


def course_of(trial: str) -> Course:
    """Return the course of a trial's public record up to its newest record; an empty one if there is no such trial.

    Raises:
        JournalError: a record that bears on it does not hold.
    """
    head = JournalHead.objects.filter(trial=trial).values_list("seq", "seal").first() or (0, GENESIS)
    known = _kept.get(trial)
    if known is not None and known.head == head:
        return known.course
    with _lock:
        known = _kept.get(trial)
        if known is None or known.head != head:
            known = _Kept(head, _read(trial, head[0], known))
            _kept[trial] = known
    return known.course


def _read(trial: str, through: int, known: _Kept | None) -> Course:
    if known is not None and _still_stands(trial, known.head):
        news = list(_records(trial, after=known.head[0], through=through))
        # What was removed from a record must leave this process too: everything is read again, without it.
        if not any(isinstance(record.entry, BodyRedacted) for record in news):
            return follow(news, known.course)
    if known is not None:
        kept.forget(trial)
    return follow(_records(trial, after=0, through=through))


def _still_stands(trial: str, head: tuple[int, str]) -> bool:
    """Say whether the journal is still the one that was read: another may have been put in its place."""
    return JournalRecord.objects.filter(trial=trial, seq=head[0], seal=head[1]).exists()


def _records(trial: str, *, after: int, through: int) -> Iterator[Record]:
    rows = list(
        JournalRecord.objects.filter(trial=trial, seq__gt=after, seq__lte=through, kind__in=_KINDS)
        .order_by("seq")
        .values_list("body", "head", "seal")
    )
    opened = [open_alone(assemble(REDACTED if body is None else body.encode(), head.encode(), seal)) for body, head, seal in rows]
    records = [each.record() for each in opened]
    left = {each.entry.record: each.entry.remainder for each in records if isinstance(each.entry, BodyRedacted)}
    for record in records:
        if record.entry is not None:
            yield record
        elif record.seq in left:
            yield replace(record, entry=decode(left[record.seq]))
        else:
            raise JournalError(UNNAMED, record=record.seq)
