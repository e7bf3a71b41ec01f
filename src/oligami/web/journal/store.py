"""A trial's journal in the database: the same records with the same seals as in a file, line for line.

What stands in the table are the bytes of a journal's line, so whatever reads here checks what a file's reader checks: seal,
digest and place of each record. Turns are taken at the trial's row in `JournalHead`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import BinaryField, F, Func

from oligami.journal.codec import JournalError, decode
from oligami.journal.entries import BodyRedacted, Entry
from oligami.journal.record import GENESIS, Record, Stamp
from oligami.journal.redact import check_redaction
from oligami.journal.seal import REDACTED, Opened, assemble, open_line, read_head, seal_entry, split_line
from oligami.journal.store import Head
from oligami.journal.verify import UNNAMED, Verification, remainders, speaks_of_redaction, verify_lines
from oligami.protocol.text import Text
from oligami.web.journal.models import JournalHead, JournalRecord

#: Records fetched in one go.
_PAGE = 2000

_TAIL = Text(
    "the newest record is not the one the journal's head names: records were cut off, or the head was changed by hand; "
    "bring back the backup and verify it",
    "最新の記録がジャーナルのヘッドと一致しません: 記録の切り取りか、ヘッドの書き換えがあります。控えから復元して検証してください",
)


class Row(NamedTuple):
    """A record as it stands in the table, texts as bytes."""

    seq: int
    body: bytes | None
    head: bytes
    seal: bytes
    kind: str
    subject: str | None
    command: str
    redacts: int | None

    @property
    def line(self) -> bytes:
        """The record's line of a journal's file."""
        return assemble(REDACTED if self.body is None else self.body, self.head, self.seal.decode("ascii", "replace"))


class _Bytes(Func):
    """A text column as bytes: what was changed behind the program's back may be no text any more, and must still be read."""

    output_field = BinaryField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="CAST(%(expressions)s AS BLOB)", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="convert_to(%(expressions)s, 'UTF8')", **context)


class DatabaseJournal:
    """The journal of one trial in the database.

    Args:
        trial: the trial's id.
        using: alias of the database.
    """

    def __init__(self, trial: str, *, using: str = DEFAULT_DB_ALIAS) -> None:
        self.trial = trial
        self.using = using

    # ------------------------------------------------------------ reading

    def head(self) -> Head:
        """Return number and seal of the newest record.

        Raises:
            JournalError: the head's row and the newest record do not agree.
        """
        return self._checked(JournalHead.objects.using(self.using).filter(trial=self.trial).first())

    def records(self, through: int | None = None, *, after: Head | None = None) -> Iterator[Record]:
        """Yield the records in order, up to and with number `through` (None: all), each checked as it is read.

        Args:
            through: number of the last record wanted.
            after: go on after this head instead of from the beginning.

        Raises:
            JournalError: a record does not hold, or does not follow the one before.
        """
        seq, seal = (0, GENESIS) if after is None else (after.seq, after.seal)
        last = self.head().seq if through is None else through
        left: Mapping[int, Mapping[str, Any]] = {}
        for row in self.rows(after=seq, through=last):
            opened = open_line(row.line, seq=seq + 1, previous=seal)
            seq, seal = opened.seq, opened.seal
            if opened.body is None and seq not in left:
                left = self._remainders()
            yield _record(opened, left)
        if seq < last:
            raise JournalError(_TAIL)

    def of_command(self, command: str) -> tuple[Record, ...]:
        """Return the records of a command, each checked by itself; none if the command is not known.

        Raises:
            JournalError: a record does not hold.
        """
        records = []
        left: Mapping[int, Mapping[str, Any]] | None = None
        for row in self._rows("part", command=command):
            seq, _, _, previous = read_head(row.head)
            opened = open_line(row.line, seq=seq, previous=previous)
            if opened.body is None and left is None:
                left = self._remainders()
            records.append(_record(opened, left or {}))
        return tuple(records)

    def of_subject(self, subject: str, *, with_trial: bool = False) -> tuple[Record, ...]:
        """Return the records about a subject in their order, each checked by itself.

        Args:
            subject: its number; a redaction of one of its records speaks of it as well.
            with_trial: also the records that speak of no subject: those of the trial as a whole.

        Raises:
            JournalError: a record does not hold.
        """
        rows = list(self._rows("subject", subject=subject))
        if with_trial:
            rows.extend(self._rows("subject", subject__isnull=True))
        left: Mapping[int, Mapping[str, Any]] | None = None
        records = []
        for row in sorted(rows, key=lambda row: row.seq):
            seq, _, _, previous = read_head(row.head)
            opened = open_line(row.line, seq=seq, previous=previous)
            if opened.body is None and left is None:
                left = self._remainders()
            records.append(_record(opened, left or {}))
        return tuple(records)

    def rows(self, *, after: int = 0, through: int | None = None) -> Iterator[Row]:
        """Yield the rows of the table in order, unchecked, a page at a time."""
        while True:
            end = after + _PAGE if through is None else min(after + _PAGE, through)
            page = list(self._rows(seq__gt=after, seq__lte=end)) if end > after else []
            yield from page
            if len(page) < _PAGE:  # numbers have no gaps: a shorter page is the last one
                return
            after = page[-1].seq

    def verify(self, *, head: str | None = None) -> Verification:
        """Check the whole chain, byte by byte, then that the columns for finding records say what the records say.

        Args:
            head: a head that was published, `SEAL` or `NUMBER:SEAL`.

        Raises:
            JournalError: `head` is not spelled like a head.
        """
        found = verify_lines((row.line for row in self.rows()), head=head)
        if not found.ok:
            return found
        try:
            if self.head() != Head(found.records, found.head_seal):
                raise JournalError(_TAIL)
            for row, record in zip(self.rows(), self.records(), strict=True):
                if columns(record) != (row.kind, row.subject, row.command, row.redacts):
                    text = Text(
                        "the columns beside it in the table do not say what it says: the table was changed by hand",
                        "表の検索用の列が記録の内容と一致しません: 表が直接書き換えられています",
                    )
                    raise JournalError(text, record=record.seq)
        except JournalError as error:
            return replace(found, ok=False, first_broken=error.record, problem=error.text)
        return found

    # ------------------------------------------------------------ writing

    def lock(self) -> Head:
        """Take the trial's turn until the transaction ends, and return where the journal stands.

        Raises:
            JournalError: the head's row and the newest record do not agree.
            TransactionManagementError: there is no transaction.
        """
        heads = JournalHead.objects.using(self.using)
        row = heads.select_for_update().filter(trial=self.trial).first()
        if row is None:
            head = JournalHead(trial=self.trial, seq=0, seal=GENESIS, recorded_at="1970-01-01T00:00:00Z")
            heads.bulk_create([head], ignore_conflicts=True)
            row = heads.select_for_update().get(trial=self.trial)
        return self._checked(row)

    def append(self, entries: Sequence[Entry], stamp: Stamp, salts: Sequence[str]) -> tuple[Record, ...]:
        """Add the entries of one command, all or none; one salt (32 hexadecimal digits) for each.

        Raises:
            JournalError: an entry, the stamp or a salt could not be read back as it is.
            IntegrityError: the command was carried out before.
        """
        with transaction.atomic(using=self.using):
            return self.write(self.lock(), entries, stamp, salts)

    def write(self, head: Head, entries: Sequence[Entry], stamp: Stamp, salts: Sequence[str]) -> tuple[Record, ...]:
        """Add entries after the head that `lock` has just returned, in the same transaction; see `append`."""
        if len(entries) != len(salts):
            raise ValueError(f"{len(entries)} entries need as many salts, not {len(salts)}")
        records, rows = [], []
        seq, seal = head.seq, head.seal
        for part, (entry, salt) in enumerate(zip(entries, salts, strict=True), start=1):
            record, line = seal_entry(entry, stamp, seq=seq + 1, previous=seal, salt=salt)
            seq, seal = record.seq, record.seal
            records.append(record)
            rows.append(self.row_of(record, line, part))
        self.insert(rows)
        if records:
            self.move_head(Head(seq, seal), stamp)
        return tuple(records)

    def redact(self, entry: BodyRedacted, stamp: Stamp, *, salt: str) -> Record:
        """Remove the body of record `entry.record` and add the entry that says so.

        Raises:
            JournalError: see `redact.check_redaction`, or the database did not remove the body.
        """
        with transaction.atomic(using=self.using):
            head = self.lock()
            check_redaction(entry, records=head.seq, original=self._original(entry.record))
            (record,) = self.write(head, [entry], stamp, [salt])
            if any(row.body is not None for row in self._rows(seq=entry.record)):
                text = Text(
                    "the database did not remove the body: its trigger is missing",
                    "データベースが本文を削除しませんでした: トリガーがありません",
                )
                raise JournalError(text, record=entry.record)
        return record

    def row_of(self, record: Record, line: bytes, part: int) -> JournalRecord:
        """Return the row of a record from its line; `part` counts the records of its command from 1."""
        body, head, seal = split_line(line)
        kind, subject, command, redacts = columns(record)
        return JournalRecord(
            trial=self.trial,
            seq=record.seq,
            body=None if body == REDACTED else body.decode(),
            head=head.decode(),
            seal=seal.decode(),
            kind=kind,
            subject=subject,
            command=command,
            part=part,
            redacts=redacts,
        )

    def insert(self, rows: Sequence[JournalRecord]) -> None:
        """Insert rows as they are, in their order."""
        JournalRecord.objects.using(self.using).bulk_create(rows, batch_size=500)

    def move_head(self, head: Head, stamp: Stamp) -> None:
        """Let the trial's head name its newest record."""
        heads = JournalHead.objects.using(self.using).filter(trial=self.trial)
        heads.update(seq=head.seq, seal=head.seal, recorded_at=stamp.recorded_at)

    # ------------------------------------------------------------ inside

    def _rows(self, order: str = "seq", **which: Any) -> Iterator[Row]:
        # The order decides for SQLite which index it takes: by `seq` it would look through all records of the trial.
        found = JournalRecord.objects.using(self.using).filter(trial=self.trial, **which).order_by(order)
        texts = {f"{name}_bytes": _Bytes(F(name)) for name in ("body", "head", "seal")}
        for seq, body, head, seal, *rest in found.annotate(**texts).values_list(
            "seq", *texts, "kind", "subject", "command", "redacts"
        ):
            yield Row(seq, None if body is None else bytes(body), bytes(head), bytes(seal), *rest)

    def _checked(self, row: JournalHead | None) -> Head:
        """Return the head, held against the newest record."""
        head = Head(0, GENESIS) if row is None else Head(row.seq, row.seal)
        mine = JournalRecord.objects.using(self.using).filter(trial=self.trial)
        newest = mine.order_by("-seq").values_list("seq", "seal").first()
        # Without a lock a record may be committed between the two questions: then the head is asked again.
        if newest is not None and newest[0] > head.seq and not transaction.get_connection(self.using).in_atomic_block:
            again = JournalHead.objects.using(self.using).filter(trial=self.trial).first()
            if again is not None and again.seq > head.seq:
                return self._checked(again)
        if (newest or (0, GENESIS)) != (head.seq, head.seal):
            raise JournalError(_TAIL)
        return head

    def _original(self, seq: int) -> Entry | None:
        """Return the entry of a record, None if there is none or its body is gone."""
        for row in self._rows(seq=seq):
            number, _, _, previous = read_head(row.head)
            opened = open_line(row.line, seq=number, previous=previous)
            return opened.record().entry
        return None

    def _remainders(self) -> dict[int, Mapping[str, Any]]:
        """Return what is left of redacted bodies, by record; the latest word counts."""
        left: dict[int, Mapping[str, Any]] = {}
        for row in sorted(self._rows("redacts", redacts__isnull=False), key=lambda row: row.seq):
            if not speaks_of_redaction(row.body):
                continue
            number, _, _, previous = read_head(row.head)
            left.update(remainders(open_line(row.line, seq=number, previous=previous)))
        return left


def columns(record: Record) -> tuple[str, str | None, str, int | None]:
    """Return kind, subject, command and redacted record as the table keeps them beside a record."""
    entry = record.entry
    redacts = entry.record if isinstance(entry, BodyRedacted) else None
    return type(entry).__name__, getattr(entry, "subject", None), record.stamp.command, redacts


def _record(opened: Opened, left: Mapping[int, Mapping[str, Any]]) -> Record:
    """Return the record of an opened line, with what is left of its entry where its body is gone."""
    record = opened.record()
    if record.entry is not None:
        return record
    if record.seq not in left:
        raise JournalError(UNNAMED, record=record.seq)
    return replace(record, entry=decode(left[record.seq]))


def no_journal(trial: str) -> JournalError:
    """Return the error for a trial that the database does not know."""
    text = Text("the database has no journal of trial {trial}", "データベースに試験 {trial} のジャーナルはありません")
    return JournalError(text.format(trial=trial))
