"""Which records of a journal are a site's own, and which of their bodies may leave the system in the site's hands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from oligami.journal import entries as e
from oligami.journal.codec import decode, encode
from oligami.journal.entries import SiteId, SubjectId
from oligami.journal.record import Record
from oligami.journal.seal import REDACTED, assemble, open_alone
from oligami.journal.verify import remainders
from oligami.web.journal.store import DatabaseJournal, Row

#: How an export of a site's own data begins to say what it is.
COPY_OF = "own data of site {site} through record {through}"
#: Entries that speak of no subject but name the site they are about.
_OF_SITES = frozenset(("SiteOpened", "SiteClosed", "RoleGranted", "RoleRevoked", "RegistrationRefused", "ProtocolAdopted"))


class TextRemoved(Exception):
    """The copy cannot be made as it was: a text of the site was removed after the record through which it goes, or the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose copy it is and what it may hold.

    subjects: those of the site. arms: the arms of its subjects. draws: how they were drawn (tally, imbalance, probability,
    number and value of the draw, balancing factors). rule: the protocol with its rule of allocation.
    """

    site: SiteId
    subjects: frozenset[SubjectId]
    arms: bool
    draws: bool
    rule: bool


@dataclass(slots=True)
class Counts:
    """What a copy came to."""

    records: int = 0
    own: int = 0
    bodies: int = 0
    seal: str = ""


def copy_lines(journal: DatabaseJournal, scope: Scope, through: int, own: list[Record], counts: Counts) -> Iterator[bytes]:
    """Yield every line of the journal up to a record, in order; the bodies that are not the site's, or not for it, are `null`.

    Heads and seals stay, so that the chain verifies from the first record to the last (`verify_journal.py --partial`).

    Args:
        journal: the trial's.
        scope: whose copy, and what it may hold.
        through: number of the last record.
        own: takes the site's own records, decoded, in order; one whose text was removed, with what is left of it.
        counts: takes the counts.

    Raises:
        JournalError: a record of the site does not hold.
        TextRemoved: a text of the site was removed after `through`.
    """
    left: dict[int, Mapping[str, Any]] = {}
    for row in journal.rows(through=through):
        counts.records += 1
        counts.seal = row.seal.decode("ascii")
        record = _own(row, scope)
        if record is not None:
            own.append(record)
            counts.own += 1
            if isinstance(record.entry, e.BodyRedacted):
                left.update(remainders(open_alone(row.line)))
        if row.body is not None and (_leaves(record.entry, scope) if record is not None else _for_all(row, scope)):
            counts.bodies += 1
            yield row.line
        else:
            yield assemble(REDACTED, row.head, counts.seal)
    for at, record in enumerate(own):
        if record.entry is None:
            if record.seq not in left:
                raise TextRemoved(record.seq)
            own[at] = replace(record, entry=decode(left[record.seq]))


def _own(row: Row, scope: Scope) -> Record | None:
    """Return the record of a row if it is the site's own: about its subjects, about itself, or its own export."""
    if row.subject is not None:
        return open_alone(row.line).record() if row.subject in scope.subjects else None
    if row.kind in _OF_SITES and row.body is not None:
        record = open_alone(row.line).record()
        return record if getattr(record.entry, "site", None) == scope.site else None
    if row.kind == "ExportMade" and row.body is not None:
        record = open_alone(row.line).record()
        begins = COPY_OF.format(site=scope.site, through="")
        return record if isinstance(record.entry, e.ExportMade) and record.entry.what.startswith(begins) else None
    return None


def _for_all(row: Row, scope: Scope) -> bool:
    """Whether a record of the trial as a whole may be in every site's copy."""
    # A published head is no secret; with it the program finds a chain that was rewritten. The protocol holds the rule of allocation.
    return row.kind == "HeadPublished" or (row.kind == "ProtocolActivated" and scope.rule)


def _leaves(entry: e.Entry | None, scope: Scope) -> bool:
    """Whether the body of one of the site's own records may leave; a body goes whole or not at all, or its digest would not hold."""
    if scope.draws or entry is None:
        return True
    payload: Mapping[str, Any] = encode(entry)
    while payload.get("type") == "BodyRedacted":
        payload = payload["remainder"]
    return payload.get("type") != "Randomized" and not payload.get("factors")
