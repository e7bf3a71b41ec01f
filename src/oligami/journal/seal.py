r"""The bytes of one record: written, sealed, taken apart and checked.

A line is `{"body":BODY,"head":HEAD,"seal":"SEAL"}` and a newline. `digest`, in the head, is the SHA-256 of BODY's bytes as
they stand; SEAL is that of HEAD's bytes. BODY is `null` once it was redacted; the digest stays, so the chain still holds.

Why a line can be split without parsing: a quote inside a JSON string is always written `\"`. In canonical JSON the bytes
`,"head":{` therefore are never part of a string; they are a key `head` whose value is an object. The head holds no object, so
the last such place in the line is the joint of body and head, whatever the body says. The seal stands at a fixed distance
from the end. So every byte of a line belongs to the fixed layout, to the body (under the digest), to the head (under the
seal), or to the seal (recomputed): there is no byte that nobody looks at.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Any, NamedTuple, get_args

from oligami.journal.codec import JournalError, decode, encode_bytes, parse
from oligami.journal.entries import Entry
from oligami.journal.record import Channel, Record, Stamp
from oligami.protocol.text import Text

REDACTED = b"null"
_OPENING = b'{"body":'
_JOINT = b',"head":{'
_SEAL_KEY = b',"seal":"'
_CLOSING = b'"}'
_TAIL = len(_SEAL_KEY) + 64 + len(_CLOSING)
_SEAL_AT = 64 + len(_CLOSING)
_CHANNELS: Mapping[str, Channel] = {channel: channel for channel in get_args(Channel)}
_HEX = frozenset("0123456789abcdef")
_SEEN = (int, type(None))
_NO_OFFSET = timedelta(0)

TORN = Text("the last record was not written to its end", "最後の記録が末尾まで書かれていません")


class Opened(NamedTuple):
    """A line whose layout, seal, digest and place in the chain were checked. `body` is None where it was redacted."""

    seq: int
    stamp: Stamp
    body: bytes | None
    digest: str
    previous: str
    seal: str

    def record(self) -> Record:
        """Return the record, its body decoded.

        Raises:
            JournalError: the body does not spell an entry and a salt.
        """
        try:
            entry, salt = (None, None) if self.body is None else read_body(self.body)
        except JournalError as error:
            raise error.at(record=self.seq) from error.__cause__
        return Record(
            seq=self.seq,
            stamp=self.stamp,
            entry=entry,
            salt=salt,
            digest=self.digest,
            previous=self.previous,
            seal=self.seal,
        )


# ---------------------------------------------------------------- writing


def _is_hex(value: object, length: int) -> bool:
    return isinstance(value, str) and len(value) == length and _HEX.issuperset(value)


def _head_bytes(seq: int, stamp: Stamp, digest: str, previous: str) -> bytes:
    """Return the canonical head. Spelled out by hand, for speed; a test holds it equal to `canonical`."""
    text = encode_basestring
    at = stamp.recorded_at.isoformat()[:-6]  # without the +00:00 of UTC
    caller = "" if stamp.caller is None else f'"caller":{text(stamp.caller)},'
    seen = "" if stamp.seen is None else f'"seen":{stamp.seen},'
    return (
        f'{{"at":"{at}Z","author":{text(stamp.author)},{caller}'
        f'"channel":{text(stamp.channel)},"command":{text(stamp.command)},"digest":"{digest}","previous":"{previous}",'
        f'"role":{text(stamp.role)},{seen}"seq":{seq}}}'
    ).encode()


def _check_stamp(stamp: Stamp) -> None:
    wrong = None
    if stamp.recorded_at.utcoffset() != _NO_OFFSET:
        wrong = "recorded_at"
    elif stamp.channel not in _CHANNELS:
        wrong = "channel"
    elif type(stamp.seen) not in _SEEN:
        wrong = "seen"
    elif not all(isinstance(value, str) and value for value in (stamp.author, stamp.role, stamp.command)):
        wrong = "author, role, command"
    elif stamp.caller == "":
        wrong = "caller"
    if wrong:
        text = Text(
            "{wrong} of the stamp is not as it must be (an instant in UTC, a known channel, texts that are not empty)",
            "スタンプの {wrong} が正しくありません(UTC の時刻、既知の経路、空でない文字列)",
        )
        raise JournalError(text.format(wrong=wrong))


def assemble(body: bytes, head: bytes, seal: str) -> bytes:
    """Return the line of a record from its parts, newline included."""
    return b'{"body":%b,"head":%b,"seal":"%b"}\n' % (body, head, seal.encode())


def seal_entry(entry: Entry, stamp: Stamp, *, seq: int, previous: str, salt: str) -> tuple[Record, bytes]:
    """Seal an entry as record `seq` after the record whose seal is `previous`.

    Args:
        entry: what was said.
        stamp: by whom, when and how.
        seq: number of the record, from 1.
        previous: seal of the record before, or `GENESIS`.
        salt: 32 hexadecimal digits by chance, so that nobody can guess a redacted body from its digest.

    Returns:
        The record and its line, newline included.

    Raises:
        JournalError: the entry or the stamp could not be read back as they are, or the salt is none.
    """
    _check_stamp(stamp)
    if not _is_hex(salt, 32):
        raise JournalError(Text("a salt has 32 hexadecimal digits", "ソルトは 16 進 32 桁です"))
    body = b'{"entry":%b,"salt":"%b"}' % (encode_bytes(entry), salt.encode())
    digest = sha256(body).hexdigest()
    try:
        head = _head_bytes(seq, stamp, digest, previous)
    except UnicodeEncodeError as error:
        raise JournalError(Text("the stamp cannot be written as UTF-8", "スタンプを UTF-8 で書けません")) from error
    seal = sha256(head).hexdigest()
    record = Record(seq=seq, stamp=stamp, entry=entry, salt=salt, digest=digest, previous=previous, seal=seal)
    return record, assemble(body, head, seal)


# ---------------------------------------------------------------- reading


def split_line(line: bytes) -> tuple[bytes, bytes, bytes]:
    """Take a line with its newline apart into the bytes of body, head and seal, without parsing.

    Raises:
        JournalError: the line is not laid out as a record, and how.
    """
    end = len(line) - 1
    joint = line.rfind(_JOINT)
    if (
        not line.endswith(b'"}\n')
        or not line.startswith(_OPENING)
        or not len(_OPENING) < joint < end - _TAIL
        or line[end - _TAIL : end - _SEAL_AT] != _SEAL_KEY
    ):
        raise JournalError(_layout_fault(line))
    return line[len(_OPENING) : joint], line[joint + 8 : end - _TAIL], line[end - _SEAL_AT : end - 2]


def _layout_fault(line: bytes) -> Text:
    """Return the sentence for a line that is not a record."""
    if not line.endswith(b"\n"):
        return TORN
    if line.startswith(b"\xef\xbb\xbf"):
        return Text(
            "the line begins with a byte order mark; another program saved the file",
            "行頭にバイト順マーク(BOM)があります。別のプログラムで保存されています",
        )
    if line.endswith(b"\r\n"):
        return Text(
            "the line ends with a carriage return; another program saved the file",
            "行末に CR があります。別のプログラムで保存されています",
        )
    if not line.strip():
        return Text("a blank line stands where a record belongs", "記録があるべき所に空行があります")
    return Text(
        'the line is not laid out as {"body":…,"head":{…},"seal":"…"}',
        '行が {"body":…,"head":{…},"seal":"…"} の形になっていません',
    )


_HEAD_FAULT = Text(
    "the head is not spelled as the format asks (fields, their order, instant in UTC)",
    "ヘッドが書式どおりではありません(項目、順序、UTC の時刻)",
)


_PLAIN = r"([ !#-\[\]-~]+)"  # printable ASCII that JSON writes as it is
_PLAIN_HEAD = re.compile(
    r'\{"at":"([0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.(?!000000)[0-9]{6})?Z)",'
    rf'"author":"{_PLAIN}",(?:"caller":"{_PLAIN}",)?"channel":"([a-z]+)","command":"{_PLAIN}",'
    r'"digest":"([0-9a-f]{64})","previous":"([0-9a-f]{64})",'
    rf'"role":"{_PLAIN}",(?:"seen":(0|[1-9][0-9]{{0,17}}),)?"seq":([1-9][0-9]{{0,17}})\}}'
)


def read_head(head: bytes) -> tuple[int, Stamp, str, str]:
    """Return number, stamp, digest and previous seal of a head that is spelled canonically.

    Nearly every head is plain ASCII and canonical by the shape of one pattern; the others are read by `read_any_head`, which
    gives the same for both (a test holds it).

    Raises:
        JournalError: the head is not spelled canonically.
    """
    try:
        found = _PLAIN_HEAD.fullmatch(head.decode())
        if found is None:
            return read_any_head(head)
        at, author, caller, channel, command, digest, previous, role, seen, seq = found.groups()
        stamp = Stamp(
            recorded_at=datetime.fromisoformat(at),
            author=author,
            role=role,
            channel=_CHANNELS[channel],
            command=command,
            seen=None if seen is None else int(seen),
            caller=caller,
        )
    except JournalError:
        raise
    except (KeyError, ValueError) as error:  # no such channel or day, not UTF-8
        raise JournalError(_HEAD_FAULT) from error
    return int(seq), stamp, digest, previous


def read_any_head(head: bytes) -> tuple[int, Stamp, str, str]:
    """Return what `read_head` returns, by parsing the head and spelling it again."""
    fields: dict[str, Any] = parse(head)
    try:
        stamp = Stamp(
            recorded_at=datetime.fromisoformat(fields["at"]),
            author=fields["author"],
            role=fields["role"],
            channel=fields["channel"],
            command=fields["command"],
            seen=fields.get("seen"),
            caller=fields.get("caller"),
        )
        seq, digest, previous = fields["seq"], fields["digest"], fields["previous"]
        # Spelling it again and comparing bytes finds unknown, doubled and disordered fields, other spellings of the
        # instant and values of another type, all at once.
        same = type(seq) is int and type(stamp.seen) in _SEEN and _head_bytes(seq, stamp, digest, previous) == head
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise JournalError(_HEAD_FAULT) from error
    if not same or stamp.channel not in _CHANNELS:
        raise JournalError(_HEAD_FAULT)
    return seq, stamp, digest, previous


def open_line(line: bytes, *, seq: int, previous: str) -> Opened:
    """Check a line against its place in the chain and return its parts.

    Args:
        line: the bytes with their newline.
        seq: the number the record must have (its line in the file).
        previous: the seal of the record before, or `GENESIS`.

    Raises:
        JournalError: what was found and what was expected, with the number of the record.
    """
    try:
        body, head, raw_seal = split_line(line)
        seal = sha256(head).hexdigest()
        if seal.encode() != raw_seal:
            text = Text(
                "the head was changed: its seal is {found}…, written is {written}…",
                "ヘッドが変更されています: 計算した封印は {found}…、書かれた封印は {written}…",
            )
            written = raw_seal[:12].decode("ascii", "replace")
            raise JournalError(text.format(found=seal[:12], written=written if written.isalnum() else "?"))
        found, stamp, digest, before = read_head(head)
        if found != seq:
            text = Text(
                "record {found} stands where record {seq} belongs: one is missing, doubled or out of order",
                "記録 {seq} の位置に記録 {found} があります: 欠落、重複、または順序の入れ替わりです",
            )
            raise JournalError(text.format(found=found, seq=seq))
        if before != previous:
            text = Text(
                "it follows a record with seal {before}…, but the record before it has {previous}…: "
                "one of the two was changed or put in",
                "直前の記録の封印は {previous}… ですが、この記録は {before}… に続くものです: "
                "どちらかが変更または挿入されています",
            )
            raise JournalError(text.format(before=before[:12], previous=previous[:12]))
        if body == REDACTED:
            return Opened(seq, stamp, None, digest, before, seal)
        actual = sha256(body).hexdigest()
        if actual != digest:
            text = Text(
                "the body was changed: its digest is {actual}…, sealed was {digest}…",
                "本文が変更されています: 計算したダイジェストは {actual}…、封印されたものは {digest}…",
            )
            raise JournalError(text.format(actual=actual[:12], digest=digest[:12]))
    except JournalError as error:
        raise error.at(record=seq) from error.__cause__
    return Opened(seq, stamp, body, digest, before, seal)


def open_alone(line: bytes) -> Opened:
    """Check a line by itself, taking its own word for its number and for the seal before it.

    Raises:
        JournalError: layout, seal or digest do not hold.
    """
    seq, _, _, previous = read_head(split_line(line)[1])
    return open_line(line, seq=seq, previous=previous)


def read_body(body: bytes) -> tuple[Entry, str]:
    """Return entry and salt of a body.

    Raises:
        JournalError: the body is not an object of exactly `entry` and `salt`, or the entry cannot be decoded.
    """
    fields = parse(body)
    if type(fields) is not dict or fields.keys() != {"entry", "salt"} or type(fields["entry"]) is not dict:
        raise JournalError(Text("the body is not an entry and a salt", "本文がエントリとソルトになっていません"))
    if type(fields["salt"]) is not str:
        raise JournalError(Text("a salt has 32 hexadecimal digits", "ソルトは 16 進 32 桁です"))
    return decode(fields["entry"]), fields["salt"]
