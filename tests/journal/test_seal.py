import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.journal.codec import JournalError, canonical
from oligami.journal.entries import Entry, QueryClosed
from oligami.journal.record import GENESIS, Record, Stamp
from oligami.journal.seal import open_line, read_any_head, read_head, seal_entry, split_line

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12) | st.sampled_from(
    ['","head":{', ',"seal":"', "\\", '"}', '\\",\\"head\\":{', "null", "a b", "\x7f\x00\n"]
)
STAMPS = st.builds(
    Stamp,
    recorded_at=st.datetimes(timezones=st.just(UTC)),
    author=TEXT,
    role=TEXT,
    channel=st.sampled_from(["web", "telephone", "paper", "import", "simulation"]),
    command=TEXT,
    seen=st.none() | st.integers(-1, 10**20),
    caller=st.none() | TEXT,
)
SALT = "0123456789abcdef" * 2


@settings(max_examples=150, deadline=None)
@given(text=TEXT, stamp=STAMPS, seq=st.integers(1, 10**20))
def test_a_line_comes_apart_as_it_was_put_together(text: str, stamp: Stamp, seq: int) -> None:
    """Whatever people type, the line splits at its joints, is canonical JSON as a whole, and reads back to the record."""
    entry = QueryClosed(subject=text, query=',"head":{', text=text)
    record, line = seal_entry(entry, stamp, seq=seq, previous=GENESIS, salt=SALT)
    whole = json.loads(line)
    body, head, seal = split_line(line)
    assert line == canonical(whole) + b"\n"
    assert (body, head) == (canonical(whole["body"]), canonical(whole["head"]))
    assert record.digest == whole["head"]["digest"] == sha256(body).hexdigest()
    assert record.seal == whole["seal"] == seal.decode() == sha256(head).hexdigest()
    assert read_head(head) == read_any_head(head) == (seq, stamp, record.digest, GENESIS)
    assert open_line(line, seq=seq, previous=GENESIS).record() == record


def test_the_documented_layout(stamp: Callable[..., Stamp]) -> None:
    """The bytes are those of the format's page."""
    entry = QueryClosed(subject="S-1", query="q1")
    _, line = seal_entry(entry, stamp(3, caller="s01"), seq=4, previous="a" * 64, salt=SALT)
    body = f'{{"entry":{{"query":"q1","subject":"S-1","type":"QueryClosed","v":1}},"salt":"{SALT}"}}'
    head = (
        '{"at":"2024-01-02T03:07:05Z","author":"investigator-7","caller":"s01","channel":"web","command":"'
        + f'{3:032x}","digest":"{sha256(body.encode()).hexdigest()}","previous":"{"a" * 64}",'
        '"role":"investigator","seen":3,"seq":4}'
    )
    assert line.decode() == f'{{"body":{body},"head":{head},"seal":"{sha256(head.encode()).hexdigest()}"}}\n'


@pytest.mark.parametrize(
    "change",
    [
        {"at": "2024-01-02T03:04:05+00:00"},
        {"at": "2024-01-02T03:04:05"},
        {"at": "2024-01-02T03:04:05.000000Z"},
        {"at": "2024-01-02T03:04:05.5Z"},
        {"at": "2024-01-02T12:04:05+09:00"},
        {"at": "2024-02-30T03:04:05Z"},
        {"at": "2024-01-02T24:00:00Z"},
        {"at": "20240102T030405Z"},
        {"at": 5},
        {"channel": "pigeon"},
        {"channel": "名"},
        {"author": 5},
        {"seen": None},
        {"seen": True},
        {"seen": 1.0},
        {"seen": "1"},
        {"seq": 1.0},
        {"seq": True},
        {"caller": None},
        {"digest": 'a","x":"'},
        {"more": 1},
        {"role": ...},
    ],
    ids=repr,
)
def test_other_spellings_of_a_head_are_refused(change: dict[str, Any], stamp: Callable[..., Stamp], stand_alone: Any) -> None:
    """A head with a right seal but another spelling or other fields does not pass, here and in the stand-alone verifier."""
    _, line = seal_entry(QueryClosed(subject="S", query="q"), stamp(1), seq=1, previous=GENESIS, salt=SALT)
    body, head, _ = split_line(line)
    fields = {k: v for k, v in (json.loads(head) | change).items() if v is not ...}
    raw = canonical(fields)
    forged = b'{"body":%b,"head":%b,"seal":"%b"}' % (body, raw, sha256(raw).hexdigest().encode())
    with pytest.raises(JournalError):
        open_line(forged + b"\n", seq=1, previous=GENESIS)
    with pytest.raises((ValueError, KeyError)):
        stand_alone.check(forged, 1, GENESIS)


@pytest.mark.parametrize("spell", [lambda h: h.replace(b",", b", ", 1), lambda h: h.replace(b'"at"', b'"\\u0061t"')])
def test_a_head_spelled_otherwise_is_refused(spell: Callable[[bytes], bytes], stamp: Callable[..., Stamp]) -> None:
    """Spaces and needless escapes do not pass, seal or no seal."""
    _, line = seal_entry(QueryClosed(subject="S", query="q"), stamp(1), seq=1, previous=GENESIS, salt=SALT)
    body, head, _ = split_line(line)
    raw = spell(head)
    assert raw != head
    forged = b'{"body":%b,"head":%b,"seal":"%b"}\n' % (body, raw, sha256(raw).hexdigest().encode())
    with pytest.raises(JournalError, match="not spelled as the format asks"):
        open_line(forged, seq=1, previous=GENESIS)


@pytest.mark.parametrize(
    "changes",
    [
        {"recorded_at": datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)},
        {"recorded_at": datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=9)))},
        {"channel": "pigeon"},
        {"author": ""},
        {"role": None},
        {"command": 5},
        {"seen": True},
        {"seen": 1.5},
        {"caller": ""},
        {"author": "\ud800"},
    ],
    ids=repr,
)
def test_a_wrong_stamp_is_refused(changes: dict[str, Any], stamp: Callable[..., Stamp], entries: list[Entry]) -> None:
    """Nothing is sealed that the format does not allow."""
    with pytest.raises(JournalError):
        seal_entry(entries[0], stamp(0, **changes), seq=1, previous=GENESIS, salt=SALT)


@pytest.mark.parametrize("salt", ["", "ab" * 15, "AB" * 16, "zz" * 16, "ab" * 17])
def test_a_wrong_salt_is_refused(salt: str, stamp: Callable[..., Stamp], entries: list[Entry]) -> None:
    """A salt has 32 hexadecimal digits in small letters."""
    with pytest.raises(JournalError, match="32 hexadecimal"):
        seal_entry(entries[0], stamp(), seq=1, previous=GENESIS, salt=salt)


def test_a_record_is_what_was_said(stamp: Callable[..., Stamp], entries: list[Entry]) -> None:
    """Sealing returns the entry, the stamp and the place it was given."""
    record, _ = seal_entry(entries[3], stamp(7), seq=8, previous="b" * 64, salt=SALT)
    assert isinstance(record, Record)
    assert (record.entry, record.stamp, record.seq, record.previous) == (entries[3], stamp(7), 8, "b" * 64)
