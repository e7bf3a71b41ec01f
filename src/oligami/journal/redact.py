"""Removes the body of one record, leaving a chain that still verifies and an entry that says who did it and why.

Only text may go: a string becomes "", "[redacted]" or nothing, and only where free text may stand. Whatever places the entry
(subject, form, arm, rule, …) and every number and date keeps its value, so that a fold of the remainder is a fold of the
same trial.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oligami.journal.codec import JournalError, canonical, decode, encode
from oligami.journal.entries import BodyRedacted, Entry
from oligami.journal.record import GENESIS, Record, Stamp
from oligami.journal.seal import REDACTED, assemble, open_line, seal_entry, split_line
from oligami.journal.verify import unreadable, verify_lines
from oligami.protocol.text import Text

#: What may stand in place of removed text.
MARKS = ("", "[redacted]", None)

#: Fields of entries that hold what people typed. Everything else says where the entry belongs.
FREE_TEXT = frozenset(
    (
        "changes",
        "evidence",
        "name",
        "new",
        "old",
        "purpose",
        "reason",
        "recipient",
        "recipients",
        "text",
        "values",
        "warnings",
        "what",
        "where",
    )
)


def check_remainder(original: Mapping[str, Any], remainder: Mapping[str, Any]) -> None:
    """Refuse a remainder that is anything else than the original with text removed.

    Args:
        original: the encoded entry whose body goes.
        remainder: the encoded entry that stays.

    Raises:
        JournalError: what differs that may not, or that nothing was removed.
    """
    try:
        kept = encode(decode(remainder))
    except JournalError as error:
        text = Text("the remainder is not an entry: {why}", "残余がエントリではありません: {why}")
        raise JournalError(Text(text.en.format(why=error.text.en), text.ja.format(why=error.text.ja))) from error
    if _same(kept, original):
        raise JournalError(Text("the remainder removes nothing", "残余は何も削除していません"))
    _check_entry(original, kept)


def _check_entry(original: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
    if kept.get("type") != original["type"] or kept.get("v") != original["v"]:
        text = Text(
            "the remainder is a {kept} where a {original} belongs",
            "残余は {original} であるべきですが {kept} です",
        )
        raise JournalError(text.format(kept=kept.get("type"), original=original["type"]))
    for name in sorted(original.keys() | kept.keys()):
        before, after = original.get(name), kept.get(name)
        if name == "remainder" and isinstance(before, dict) and isinstance(after, dict):
            _check_entry(before, after)  # a redaction that is itself redacted
        elif name in FREE_TEXT:
            _check_text(before, after, name)
        elif not _same(before, after):
            raise JournalError(
                Text(
                    "the remainder changes {name}, which is not free text",
                    "残余は自由記載ではない {name} を変更しています",
                ).format(name=name)
            )


def _same(before: object, after: object) -> bool:
    return canonical(before) == canonical(after)  # to Python, 1 and 1.0 and true are equal


def _check_text(before: Any, after: Any, path: str) -> None:
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for key, value in before.items():
            _check_text(value, after[key], f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, value in enumerate(before):
            _check_text(value, after[index], f"{path}.{index}")
    elif not (_same(before, after) or (isinstance(before, str) and after in MARKS)):
        text = Text(
            '{path} differs in the remainder other than by text removed (allowed: "", "[redacted]", null)',
            '残余の {path} が文字列の削除以外で異なります(許されるのは "", "[redacted]", null)',
        )
        raise JournalError(text.format(path=path))


def check_redaction(entry: BodyRedacted, *, records: int, original: Entry | None) -> None:
    """Refuse a redaction that may not be.

    Args:
        entry: the redaction as decided.
        records: how many records the journal has.
        original: the entry of the record it names, None if its body is gone already.

    Raises:
        JournalError: no such record, redacted already, or a wrong remainder.
    """
    if type(entry.record) is not int or not 1 <= entry.record <= records:
        text = Text(
            "there is no record {record}; the journal has {records}",
            "記録 {record} はありません。ジャーナルの記録は {records} 件です",
        )
        raise JournalError(text.format(record=entry.record, records=records))
    if original is None:
        raise JournalError(
            Text("the body of this record was redacted already", "この記録の本文はすでに墨消しされています"),
            record=entry.record,
        )
    try:
        check_remainder(encode(original), entry.remainder)
    except JournalError as error:
        raise error.at(record=entry.record) from error.__cause__


def redact(path: Path | str, entry: BodyRedacted, stamp: Stamp, *, salt: str) -> Record:
    """Rewrite a journal's file without the body of record `entry.record`, and append the entry that says so.

    The new file is written beside the old one, brought to the disk and put in its place in one step: a reader sees the old
    journal or the new one. Backups of the old file still hold the body; they are for their keeper to deal with.

    Returns:
        The appended record.

    Raises:
        JournalError: the journal is broken, another program writes to it, or the redaction may not be (`check_redaction`).
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            lock(file.fileno(), path)
            lines = file.readlines()
            appended, new_lines = _redacted_lines(lines, entry, stamp, salt)
            _replace(path, new_lines)
    except JournalError as error:
        raise error.at(file=str(path)) from error.__cause__
    except OSError as error:
        raise unreadable(path, error) from error
    return appended


def _redacted_lines(lines: list[bytes], entry: BodyRedacted, stamp: Stamp, salt: str) -> tuple[Record, list[bytes]]:
    found = verify_lines(lines)
    if found.problem is not None:
        raise JournalError(found.problem, record=found.first_broken)
    original: Entry | None = None
    index = entry.record - 1
    if 0 <= index < len(lines):
        previous = split_line(lines[index - 1])[2].decode() if index else GENESIS
        original = open_line(lines[index], seq=entry.record, previous=previous).record().entry
    check_redaction(entry, records=found.records, original=original)
    record, line = seal_entry(entry, stamp, seq=found.records + 1, previous=found.head_seal, salt=salt)
    _, head, seal = split_line(lines[index])
    return record, [*lines[:index], assemble(REDACTED, head, seal.decode()), *lines[index + 1 :], line]


def _replace(path: Path, lines: list[bytes]) -> None:
    """Put `lines` in the place of a file in one step that survives a loss of power."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(lines)
            file.flush()
            shutil.copymode(path, name)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring a folder's own list of names to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def lock(handle: int, path: Path) -> None:
    """Take the exclusive lock of an open journal, or say that another program has it.

    The lock is advisory (flock) and belongs to the open file, so two journals in one program keep each other out as well.
    It goes with the file's handle.

    Raises:
        JournalError: another has the lock, or the file at `path` is no longer the one that was opened.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalError(
            Text(
                "another program is writing to this journal; try again when it is done",
                "別のプログラムがこのジャーナルに書き込み中です。終わってからやり直してください",
            ),
            file=str(path),
        ) from None
    if not os.path.samestat(os.fstat(handle), path.stat()):
        raise changed(path)


def changed(path: Path) -> JournalError:
    """Return the error for a file that another program changed meanwhile."""
    return JournalError(
        Text(
            "another program wrote to this journal since it was read; open it again and repeat the command",
            "読み込み後に別のプログラムがこのジャーナルに書き込みました。開き直して操作をやり直してください",
        ),
        file=str(path),
    )
