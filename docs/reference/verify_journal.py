"""Checks an OLIGAMI journal with nothing but Python: python verify_journal.py [--partial] FILE [HEAD]. Format: journal-format.md.

HEAD is a published head, SEAL or NUMBER:SEAL, that must occur. Exit status 0: the journal holds; 2: it does not.
--partial: a site's own copy, in which the bodies of others' records are left out; every head and seal is there and is checked.
This program shares no line with oligami itself, so that each can convict the other.
"""

import json
import re
import sys
from datetime import datetime
from hashlib import sha256
from pathlib import Path

LINE = re.compile(rb'\{"body":(.+),"head":(\{.*\}),"seal":"([0-9a-f]{64})"\}', re.DOTALL)  # greedy: the last "head"
FIELDS = {"at", "author", "channel", "command", "digest", "previous", "role", "seq"}
AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.(?!0{6})[0-9]{6})?Z")
CHANNELS = ("web", "telephone", "paper", "import", "simulation")


class BrokenError(Exception):
    """A record does not hold; the arguments are its number (or None) and why."""


def read_head(raw: bytes) -> dict:
    """Return the head if its bytes are canonical: keys sorted, no spaces, the fields of the format and no other."""
    head = json.loads(raw.decode())
    spelled = json.dumps(head, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    kinds = {key: int if key in ("seq", "seen") else str for key in head}
    if spelled != raw or not FIELDS <= head.keys() <= FIELDS | {"caller", "seen"}:
        raise ValueError("head not canonical")
    if any(type(value) is not kinds[key] for key, value in head.items()) or head["channel"] not in CHANNELS:
        raise ValueError("a field of the head has a wrong value")
    if not AT.fullmatch(head["at"]):
        raise ValueError("the instant is not spelled as the format asks")
    datetime.fromisoformat(head["at"][:-1])
    return head


def check(line: bytes, seq: int, previous: str) -> tuple[dict, bytes]:
    """Return head and body of one line without its newline, if it holds in its place."""
    parts = LINE.fullmatch(line)
    if not parts:
        raise ValueError("not laid out as a record")
    body, raw, seal = parts.groups()
    if sha256(raw).hexdigest().encode() != seal:
        raise ValueError("the head was changed")
    head = read_head(raw)
    if head["seq"] != seq or head["previous"] != previous:
        raise ValueError("it does not follow the record before it")
    if body != b"null" and sha256(body).hexdigest() != head["digest"]:
        raise ValueError("the body was changed")
    return head, body


def verify(data: bytes, published: str | None = None, *, partial: bool = False) -> tuple[int, str]:
    """Return number and seal of the last record, or raise `BrokenError`."""
    *lines, rest = data.split(b"\n")
    seals, redacted, named = ["0" * 64], [], set()
    for seq, line in enumerate(lines, start=1):
        try:
            _, body = check(line, seq, seals[-1])
            if body == b"null":
                redacted.append(seq)
            elif b'"type":"BodyRedacted"' in body:
                entry, number = json.loads(body)["entry"], seq
                while entry["type"] == "BodyRedacted":  # one may itself have been redacted; its remainder speaks on
                    if not 1 <= entry["record"] < number:
                        raise ValueError("it redacts a record that does not stand before it")
                    number, entry = entry["record"], entry["remainder"]
                    named.add(number)
            entry = json.loads(body)["entry"] if b'"type":"HeadPublished"' in body else {}
            if entry.get("type") == "HeadPublished" and seals[1:][entry["record"] - 1 :][:1] != [entry["seal"]]:
                raise ValueError("it tells of a published head that the chain does not have: it was rewritten")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BrokenError(seq, str(error)) from error
        seals.append(line[-66:-2].decode())
    if rest:
        raise BrokenError(len(seals), "the last record was not written to its end")
    if len(seals) == 1:
        raise BrokenError(None, "there is no record")
    for seq in redacted:
        if seq not in named and not partial:
            raise BrokenError(seq, "its body was removed and no later record says why")
    number, _, seal = (published or seals[-1]).lower().rpartition(":")
    if seal not in seals or (number and (int(number) >= len(seals) or seals[int(number)] != seal)):
        raise BrokenError(None, "the published head does not occur: records were cut off, or the chain was rewritten")
    return len(seals) - 1, seals[-1]


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--partial"]
    try:
        number, seal = verify(Path(words[0]).read_bytes(), *words[1:2], partial=words != sys.argv[1:])
        print(f"holds: record {number} has seal {seal}")
    except BrokenError as error:
        print("BROKEN at record {}: {}".format(*error.args))
        sys.exit(2)
