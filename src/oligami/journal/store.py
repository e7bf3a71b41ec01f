"""Where records are kept: in memory, or in a file of JSON lines that only grows.

Both give the same records with the same seals. A redacted record is read with the remainder its `BodyRedacted` entry carries
as its `entry`, and None as its `salt`, so that a fold sees what is left. Reading checks every line's layout, seal, digest and
place: nobody folds a broken chain.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

from oligami.journal.codec import JournalError, decode
from oligami.journal.entries import BodyRedacted, Entry
from oligami.journal.record import GENESIS, Record, Stamp
from oligami.journal.redact import changed, check_redaction, lock, redact, sync_folder
from oligami.journal.seal import TORN, open_alone, open_line, seal_entry
from oligami.journal.verify import UNNAMED, remainders, speaks_of_redaction, unreadable
from oligami.protocol.text import Text

_BUFFER = 1 << 20  # bytes gathered before a file that need not be durable is written
_TORN_REMEDY = Text(
    f"{TORN.en}: see `oligami journal verify`; bring back the file from its copy, or cut the unfinished last line "
    "off a copy of it and say so in the trial's file",
    f"{TORN.ja}。`oligami journal verify` で確認し"
    "、控えから復元するか、コピー上で未完の最終行を取り除いて試験ファイルに記録してください",
)


@dataclass(frozen=True, slots=True)
class Head:
    """Number and seal of the newest record; 0 and `GENESIS` before the first."""

    seq: int
    seal: str


class Journal(Protocol):
    """The records of one trial: read in order, added at the end."""

    def head(self) -> Head:
        """Return number and seal of the newest record."""

    def records(self, through: int | None = None) -> Iterator[Record]:
        """Yield the records in order, up to and with number `through` (None: all)."""

    def append(self, entries: Sequence[Entry], stamp: Stamp, salts: Sequence[str]) -> tuple[Record, ...]:
        """Add the entries of one command, all or none; one salt (32 hexadecimal digits) for each."""

    def redact(self, entry: BodyRedacted, stamp: Stamp, *, salt: str) -> Record:
        """Remove the body of record `entry.record` and add the entry that says so."""


def _seal_all(head: Head, entries: Sequence[Entry], stamp: Stamp, salts: Sequence[str]) -> tuple[Head, tuple[Record, ...], bytes]:
    """Return the new head, the records and their lines."""
    if len(entries) != len(salts):
        raise ValueError(f"{len(entries)} entries need as many salts, not {len(salts)}")
    seq, seal = head.seq, head.seal
    records, lines = [], []
    for entry, salt in zip(entries, salts, strict=True):
        seq += 1
        record, line = seal_entry(entry, stamp, seq=seq, previous=seal, salt=salt)
        seal = record.seal
        records.append(record)
        lines.append(line)
    return Head(seq, seal), tuple(records), b"".join(lines)


class MemoryJournal:
    """A journal that is gone with the program: for simulations and tests."""

    def __init__(self) -> None:
        self._records: list[Record] = []

    def head(self) -> Head:
        """Return number and seal of the newest record."""
        return Head(self._records[-1].seq, self._records[-1].seal) if self._records else Head(0, GENESIS)

    def records(self, through: int | None = None) -> Iterator[Record]:
        """Yield the records in order, up to and with number `through` (None: all) of those there are now."""
        yield from self._records[:through]

    def append(self, entries: Sequence[Entry], stamp: Stamp, salts: Sequence[str]) -> tuple[Record, ...]:
        """Add the entries of one command, all or none.

        Raises:
            JournalError: an entry, the stamp or a salt could not be read back as it is.
        """
        _, records, _ = _seal_all(self.head(), entries, stamp, salts)
        self._records.extend(records)
        return records

    def redact(self, entry: BodyRedacted, stamp: Stamp, *, salt: str) -> Record:
        """Remove the body of record `entry.record` and add the entry that says so.

        Raises:
            JournalError: see `redact.check_redaction`.
        """
        here = 1 <= entry.record <= len(self._records)
        original = self._records[entry.record - 1] if here else None
        gone = original is None or original.salt is None  # a remainder has no salt
        check_redaction(entry, records=len(self._records), original=None if gone or original is None else original.entry)
        (record,) = self.append([entry], stamp, [salt])
        if original is not None:
            self._records[entry.record - 1] = replace(original, entry=decode(entry.remainder), salt=None)
        return record


class FileJournal:
    """A journal in a file; `docs/reference/journal-format.md` describes its bytes.

    It sees the file as it was when opened, and what it appends itself. The exclusive lock is taken with the first append and
    kept until `close`. An append is one write of whole lines, brought to the disk before it returns.

    Args:
        path: the file.
        create: begin a new journal where the file is missing; an existing one is opened.
        durable: False gathers appends in memory and brings them to the disk at `close`: for simulations, where a loss of power
            costs nothing but a run.

    Raises:
        JournalError: the file is missing or unreadable, or its last record is torn or does not hold.
    """

    def __init__(self, path: Path | str, *, create: bool = False, durable: bool = True) -> None:
        self.path = Path(path)
        self._durable = durable
        self._handle: int | None = None
        self._pending = bytearray()
        try:
            if create and not self.path.exists():
                os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640))
                sync_folder(self.path.absolute().parent)
            with self.path.open("rb") as file:
                self._end = os.fstat(file.fileno()).st_size
                self._inode = os.fstat(file.fileno()).st_ino
                self._head = self._written = _read_last(file, self._end)
        except JournalError as error:
            raise error.at(file=str(self.path)) from error.__cause__
        except OSError as error:
            raise unreadable(self.path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def head(self) -> Head:
        """Return number and seal of the newest record."""
        return self._head

    def records(self, through: int | None = None) -> Iterator[Record]:
        """Yield the records in order, up to and with number `through` (None: all), each checked as it is read.

        Raises:
            JournalError: a record does not hold, or the file was replaced since it was opened.
        """
        self._flush()
        last = self._head.seq if through is None else min(through, self._head.seq)
        try:
            with self.path.open("rb", buffering=_BUFFER) as file:
                if os.fstat(file.fileno()).st_ino != self._inode:
                    raise changed(self.path)
                yield from _read(file, last)
        except JournalError as error:
            raise error.at(file=str(self.path)) from error.__cause__
        except OSError as error:
            raise unreadable(self.path, error) from error

    def append(self, entries: Sequence[Entry], stamp: Stamp, salts: Sequence[str]) -> tuple[Record, ...]:
        """Add the entries of one command, all or none.

        Raises:
            JournalError: an entry, the stamp or a salt could not be read back as it is; another program writes or wrote to the
                file; or the disk took no more: then the file ends with the last whole command, as before.
        """
        head, records, lines = _seal_all(self._head, entries, stamp, salts)
        if not records:
            return records
        self._open()
        self._pending += lines
        self._head = head
        if self._durable or len(self._pending) >= _BUFFER:
            self._flush()
        return records

    def redact(self, entry: BodyRedacted, stamp: Stamp, *, salt: str) -> Record:
        """Rewrite the file without the body of record `entry.record` and add the entry that says so; see `redact.redact`."""
        self.close()
        with self.path.open("rb") as file:
            stat = os.fstat(file.fileno())
        if (stat.st_ino, stat.st_size) != (self._inode, self._end):
            raise changed(self.path)
        record = redact(self.path, entry, stamp, salt=salt)
        stat = self.path.stat()
        self._inode, self._end = stat.st_ino, stat.st_size
        self._head = self._written = Head(record.seq, record.seal)
        return record

    def close(self) -> None:
        """Bring what is gathered to the disk and let go of the lock. The journal can be read, and appended to, again."""
        if self._handle is None:
            return
        try:
            self._flush()
            if not self._durable:
                os.fsync(self._handle)
        except OSError as error:
            raise unreadable(self.path, error) from error
        finally:
            os.close(self._handle)
            self._handle = None

    def __del__(self) -> None:
        # A forgotten journal must not keep its lock, nor lose what it gathered.
        if getattr(self, "_handle", None) is not None:
            self.close()

    def _open(self) -> None:
        """Take the lock with the first append."""
        if self._handle is not None:
            return
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        except OSError as error:
            raise unreadable(self.path, error) from error
        try:
            lock(handle, self.path)
            self._check_end(handle)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle

    def _check_end(self, handle: int) -> None:
        """Refuse to write where another program wrote since, lock or no lock."""
        stat = os.fstat(handle)
        if (stat.st_ino, stat.st_size) != (self._inode, self._end):
            raise changed(self.path)

    def _flush(self) -> None:
        """Write what is gathered in one go; on failure leave the file as it was."""
        if self._handle is None or not self._pending:
            return
        lines, self._pending = bytes(self._pending), bytearray()
        head, self._head = self._head, self._written
        self._check_end(self._handle)
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(self._handle, rest) :]
            if self._durable:
                os.fsync(self._handle)
        except OSError as error:
            raise self._undo(head.seq - self._written.seq, error) from error
        self._end += len(lines)
        self._head = self._written = head

    def _undo(self, lost: int, error: OSError) -> JournalError:
        """Cut a half-written command off again and say what is to be done."""
        assert self._handle is not None  # only a flush of an open file comes here
        why = error.strerror or type(error).__name__
        try:
            os.ftruncate(self._handle, self._end)
            os.fsync(self._handle)
        except OSError:
            text = Text(
                "the disk took no more ({why}) and the half-written end could not be removed: stop using this file, "
                "bring back its copy and enter the last command again",
                "書き込みに失敗し({why})、書きかけの末尾も取り除けませんでした。このファイルの使用を止め、控えから復元して"
                "最後の操作をやり直してください",
            )
        else:
            text = Text(
                "the disk took no more ({why}); the last {lost} record(s) were not kept and the journal ends as before: "
                "make room, then repeat the command",
                "書き込みに失敗しました({why})。直近の {lost} 件は保存されず、ジャーナルは元のままです。"
                "空き容量を確保してから操作をやり直してください",
            )
        return JournalError(text.format(why=why, lost=lost), file=str(self.path))


def _read_last(file: BinaryIO, size: int) -> Head:
    """Return the head of a journal from its last line alone; the whole chain is checked when it is read."""
    if size == 0:
        return Head(0, GENESIS)
    line = b""
    start = size
    while start > 0 and line.count(b"\n", 0, -1) == 0:
        step = min(start, max(4096, len(line)))
        start -= step
        file.seek(start)
        line = file.read(step) + line
    line = line[line.rfind(b"\n", 0, -1) + 1 :]
    if not line.endswith(b"\n"):
        raise JournalError(_TORN_REMEDY)
    last = open_alone(line)
    return Head(last.seq, last.seal)


def _read(file: BinaryIO, last: int) -> Iterator[Record]:
    """Yield records 1 to `last` of an open file."""
    seal = GENESIS
    left: Mapping[int, Mapping[str, Any]] | None = None
    for seq in range(1, last + 1):
        opened = open_line(file.readline(), seq=seq, previous=seal)
        seal = opened.seal
        record = opened.record()
        if record.entry is None:
            if left is None:  # the first redacted body: only now is it worth looking ahead
                place = file.tell()
                left = _look_ahead(file)
                file.seek(place)
            if seq not in left:
                raise JournalError(UNNAMED, record=seq)
            try:
                record = replace(record, entry=decode(left[seq]))
            except JournalError as error:
                raise error.at(record=seq) from error.__cause__
        yield record


def _look_ahead(file: BinaryIO) -> dict[int, Mapping[str, Any]]:
    """Return what the rest of the file says is left of redacted bodies, by record; the latest word counts."""
    left: dict[int, Mapping[str, Any]] = {}
    for line in file:
        if speaks_of_redaction(line):
            left.update(remainders(open_alone(line)))
    return left
