"""Checks a journal's chain, byte by byte, and says which record is the first that does not hold.

Bodies are hashed, not parsed: a body whose digest holds is, byte for byte, the one that was sealed, and only `seal_entry`
seals, which spells it from an entry. Only the few bodies that speak of redactions or published heads are read.

Heads that the journal itself says were published are held against the chain: who rewrites it and seals it anew must rewrite
those too, and then every copy that left the house says otherwise.

A chain cannot show that its last records were cut off. A head that left the house (a receipt, a published head) can: hand it
in as `head`.
"""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from oligami.journal.codec import JournalError, encode
from oligami.journal.entries import BodyRedacted, HeadPublished
from oligami.journal.record import GENESIS
from oligami.journal.seal import Opened, open_line, read_body
from oligami.protocol.text import Text

_PUBLICATION = f'"type":"{HeadPublished.__name__}"'.encode()
_REDACTION = f'"type":"{BodyRedacted.__name__}"'.encode()
UNNAMED = Text(
    "its body was removed, and no later record says by whom and why",
    "本文が削除されていますが、誰がなぜ行ったかを述べる後の記録がありません",
)
_HEAD = re.compile(r"(?:([0-9]{1,12}):)?([0-9a-fA-F]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What became of checking a journal.

    Attributes:
        ok: nothing is broken. Warnings do not break.
        records: how many records hold, from the first on.
        head_seal: seal of the last record that holds; `GENESIS` if there is none.
        first_broken: number of the first record (line) that does not hold; None also where no single record is to blame.
        problem: what was found and what was expected, where something is broken.
        redacted: numbers of the records whose bodies were redacted.
        warnings: what a reviewer should look at.
    """

    ok: bool
    records: int
    head_seal: str
    first_broken: int | None
    problem: Text | None
    redacted: tuple[int, ...]
    warnings: tuple[Text, ...]


def speaks_of_redaction(body: bytes | None) -> bool:
    """Say whether a body may be a `BodyRedacted` entry, or hold one as its remainder; cheap, errs on the side of yes."""
    return body is not None and _REDACTION in body


def remainders(opened: Opened) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Return (record, remainder) for every redaction this record tells of.

    A `BodyRedacted` entry may itself have been redacted later (its remainder still held a name): then the newer one carries
    what is left of the older one, and both speak.

    Raises:
        JournalError: the body cannot be read, or it redacts a record that does not stand before it.
    """
    if opened.body is None:
        return
    entry, _ = read_body(opened.body)
    if not isinstance(entry, BodyRedacted):
        return
    payload: Mapping[str, Any] = encode(entry)
    before = opened.seq
    while payload.get("type") == BodyRedacted.__name__:
        record, remainder = payload.get("record"), payload.get("remainder")
        if type(record) is not int or not 1 <= record < before or not isinstance(remainder, dict):
            text = Text(
                "it tells of the redaction of a record that does not stand before it",
                "自分より前にない記録の墨消しを述べています",
            )
            raise JournalError(text, record=opened.seq)
        yield record, remainder
        payload, before = remainder, record


def parse_head(head: str) -> tuple[int | None, str]:
    """Return number (None: not given) and seal of a published head, `SEAL` or `NUMBER:SEAL`.

    Raises:
        JournalError: it is neither.
    """
    found = _HEAD.fullmatch(head.strip())
    if found is None:
        raise JournalError(
            Text(
                "a head is a seal of 64 hexadecimal digits, with or without the record's number before it (12:…)",
                "ヘッドは 16 進 64 桁の封印です(前に記録番号を付けられます。例 12:…)",
            )
        )
    return (int(found[1]) if found[1] else None), found[2].lower()


def verify_lines(lines: bytes | Iterable[bytes], *, head: str | None = None) -> Verification:
    """Check a journal's lines.

    Args:
        lines: the whole file, or its lines with their newlines (an open binary file).
        head: a head that was published, `SEAL` or `NUMBER:SEAL`; it must occur in the journal.

    Raises:
        JournalError: `head` is not spelled like a head.
    """
    wanted = None if head is None else parse_head(head)
    met = wanted is not None and wanted[1] == GENESIS and not wanted[0]
    seq, seal = 0, GENESIS
    latest: datetime | None = None
    redacted: list[int] = []
    named: dict[int, int] = {}
    warnings: list[Text] = []
    rewritten: int | None = None
    seals: list[str] = []

    def result(first_broken: int | None, problem: Text | None) -> Verification:
        return Verification(
            ok=problem is None,
            records=seq,
            head_seal=seal,
            first_broken=first_broken,
            problem=problem,
            redacted=tuple(redacted),
            warnings=tuple(warnings),
        )

    for line in io.BytesIO(lines) if isinstance(lines, bytes) else lines:
        try:
            opened = open_line(line, seq=seq + 1, previous=seal)
            if opened.body is None:
                redacted.append(opened.seq)
            elif speaks_of_redaction(opened.body):
                for record, _ in remainders(opened):
                    named[record] = opened.seq
            if opened.body is not None and _PUBLICATION in opened.body:
                _check_publication(opened, seals)
        except JournalError as error:
            return result(seq + 1, error.text)
        seq, seal = opened.seq, opened.seal
        seals.append(seal)
        at = opened.stamp.recorded_at
        if latest is not None and at < latest:  # one warning for each step back, not one for each record after it
            warnings.append(
                Text(
                    "record {seq} carries an earlier instant than the record before it: a clock was set back",
                    "記録 {seq} の時刻が直前の記録より前です: 時計が戻されています",
                ).format(seq=seq)
            )
        latest = at
        if wanted is not None and wanted[0] in (None, seq):
            if seal == wanted[1]:
                met = True
            elif wanted[0] is not None:
                rewritten = seq

    if seq == 0:
        return result(None, Text("the journal holds no record", "ジャーナルに記録がありません"))
    for record in redacted:
        if record not in named:
            return result(record, UNNAMED)
    for record in sorted(named.keys() - set(redacted)):
        text = Text(
            "record {by} says that the body of record {record} was redacted, but it is still there",
            "記録 {by} は記録 {record} の本文を墨消ししたと述べていますが、本文が残っています",
        )
        warnings.append(text.format(by=named[record], record=record))
    if wanted is None or met:
        return result(None, None)
    return result(*_missing_head(wanted, seq, rewritten))


def _check_publication(opened: Opened, seals: Sequence[str]) -> None:
    """Hold a head that this record says was published against the chain before it.

    Raises:
        JournalError: the chain has another seal there, or no such record.
    """
    assert opened.body is not None
    entry, _ = read_body(opened.body)
    if not isinstance(entry, HeadPublished):
        return
    if not 1 <= entry.record <= len(seals) or seals[entry.record - 1] != entry.seal:
        text = Text(
            "it says that record {record} was published with the seal {seal}…, which that record does not have: "
            "the chain was rewritten at or before record {record}",
            "記録 {record} は封印 {seal}… で公表されたと述べていますが、その記録の封印と異なります: "
            "記録 {record} 以前で連鎖が書き換えられています",
        )
        raise JournalError(text.format(record=entry.record, seal=entry.seal[:12]), record=opened.seq)


def _missing_head(wanted: tuple[int | None, str], records: int, rewritten: int | None) -> tuple[int | None, Text]:
    """Return the record to blame and the sentence for a published head that does not occur."""
    number, seal = wanted
    if number is None:
        text = Text(
            "the published head {seal}… does not occur: records were cut off at the end, or the chain was rewritten",
            "公表されたヘッド {seal}… がありません: 末尾の記録が切り取られたか、連鎖が書き換えられています",
        )
        return None, text.format(seal=seal[:12])
    if rewritten is None:
        text = Text(
            "the journal ends with record {records}, but the published head is that of record {number}: "
            "records were cut off at the end, or the chain was rewritten",
            "ジャーナルは記録 {records} で終わりますが、公表されたヘッドは記録 {number} のものです: "
            "末尾の記録が切り取られたか、連鎖が書き換えられています",
        )
        return None, text.format(records=records, number=number)
    text = Text(
        "it has another seal than was published ({seal}…): the chain was rewritten at or before it, "
        "or records were cut off at the end and others written",
        "公表された封印 ({seal}…) と異なります: この記録以前で連鎖が書き換えられたか、"
        "末尾の記録が切り取られて別の記録が書かれています",
    )
    return rewritten, text.format(seal=seal[:12])


def verify_file(path: Path | str, *, head: str | None = None) -> Verification:
    """Check a journal's file; see `verify_lines`.

    Raises:
        JournalError: the file cannot be read, or `head` is not spelled like a head.
    """
    try:
        with Path(path).open("rb", buffering=1 << 20) as file:
            return verify_lines(file, head=head)
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path | str, error: OSError) -> JournalError:
    """Return the error for a file that cannot be opened or read."""
    if isinstance(error, FileNotFoundError):
        text = Text("there is no such file", "ファイルがありません")
    elif isinstance(error, IsADirectoryError):
        text = Text("this is a folder, not a journal's file", "フォルダーです。ジャーナルのファイルではありません")
    elif isinstance(error, PermissionError):
        text = Text("you may not read or write this file", "このファイルを読み書きする権限がありません")
    else:
        text = Text("the file cannot be used: {why}", "ファイルを使用できません: {why}").format(
            why=error.strerror or type(error).__name__
        )
    return JournalError(text, file=str(path))
