import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oligami.journal.codec import JournalError, encode
from oligami.journal.entries import BodyRedacted, Entry, FormSubmitted, ItemsCorrected
from oligami.journal.record import Stamp
from oligami.journal.redact import check_remainder, redact
from oligami.journal.store import FileJournal, MemoryJournal
from oligami.journal.verify import verify_file, verify_lines

SALT = "77" * 16
ORIGINAL = encode(
    ItemsCorrected(
        subject="S-0001",
        form="toxicity",
        occurrence=1,
        old={"remark": "called Mrs. Anybody", "grade": 2, "list": ["a", 1], "deep": {"note": "Anybody"}},
        new={"remark": "", "grade": 3, "list": ["a", 1], "deep": {"note": None}},
        reason="Mrs. Anybody called",
        warnings=[{"check": "grade_low", "reason": "Anybody says so"}],
    )
)


def changed(**changes: Any) -> dict[str, Any]:
    """Return the encoded original with fields changed; ... takes one away."""
    return {k: v for k, v in (ORIGINAL | changes).items() if v is not ...}


@pytest.mark.parametrize(
    "remainder",
    [
        changed(reason=""),
        changed(reason="[redacted]"),
        changed(old={**ORIGINAL["old"], "remark": None}),
        changed(old={**ORIGINAL["old"], "remark": "[redacted]", "deep": {"note": ""}}),
        changed(old={**ORIGINAL["old"], "list": ["", 1]}),
        changed(warnings=[{"check": "grade_low", "reason": "[redacted]"}]),
    ],
)
def test_text_may_go(remainder: dict[str, Any]) -> None:
    """Removed or marked text in free fields, however deep, is a remainder."""
    check_remainder(ORIGINAL, remainder)


@pytest.mark.parametrize(
    ("remainder", "says"),
    [
        (ORIGINAL, "removes nothing"),
        (changed(reason="Mr. Nobody called"), "reason differs"),
        (changed(old={**ORIGINAL["old"], "grade": 3}), "old.grade differs"),
        (changed(old={**ORIGINAL["old"], "grade": None}), "old.grade differs"),
        (changed(old={**ORIGINAL["old"], "grade": 2.0}, reason=""), "old.grade differs"),
        (changed(old={**ORIGINAL["old"], "grade": ""}), "old.grade differs"),
        (changed(old={k: v for k, v in ORIGINAL["old"].items() if k != "grade"}), "old differs"),
        (changed(old={**ORIGINAL["old"], "more": ""}), "old differs"),
        (changed(old={**ORIGINAL["old"], "list": [""]}), "old.list differs"),
        (changed(old={}), "old differs"),
        (changed(warnings=...), "warnings differs"),
        (changed(old={**ORIGINAL["old"], "list": ["a", True]}, reason=""), "old.list.1 differs"),
        (changed(subject="[redacted]"), "changes subject"),
        (changed(form=""), "changes form"),
        (changed(occurrence=2, reason=""), "changes occurrence"),
        (changed(factors={"site": "s01"}), "changes factors"),
        (changed(reason=...), "ItemsCorrected lacks reason"),
        (changed(type="FormSubmitted"), "is not an entry"),
        ({"type": "QueryClosed", "v": 1, "subject": "S-0001", "query": "q"}, "is a QueryClosed where a ItemsCorrected"),
        ({}, "is not an entry"),
    ],
)
def test_nothing_else_may_go(remainder: dict[str, Any], says: str) -> None:
    """A remainder that changes a number, a name of a thing or a structure, or writes new text, is refused."""
    with pytest.raises(JournalError) as caught:
        check_remainder(ORIGINAL, remainder)
    assert says in str(caught.value)


def test_an_optional_text_may_go_entirely() -> None:
    """A text that is empty by default may be left out of the remainder, as the codec does."""
    original = {"type": "QueryClosed", "v": 1, "subject": "S", "query": "q", "text": "Anybody"}
    check_remainder(original, {k: v for k, v in original.items() if k != "text"})


def remainder_of(entry: Entry) -> dict[str, Any]:
    """Return a form's remainder with its remark gone."""
    assert isinstance(entry, FormSubmitted)
    return encode(entry) | {"values": {**entry.values, "remark": "[redacted]"}}


def test_the_chain_holds_and_only_the_body_goes(
    begin: Callable[..., Path], entries: list[Entry], redaction: Callable[..., BodyRedacted], stamp: Callable[..., Stamp]
) -> None:
    """Every other byte stays; published heads still verify; the text is nowhere in the file; its mode stays."""
    path = begin(entries)
    path.chmod(0o600)
    before = path.read_bytes().splitlines(keepends=True)
    head = f"10:{verify_file(path).head_seal}"
    record = redact(path, redaction(4, remainder_of(entries[3])), stamp(10), salt=SALT)
    after = path.read_bytes().splitlines(keepends=True)
    assert (record.seq, len(after)) == (11, 11)
    assert [n for n in range(10) if before[n] != after[n]] == [3]
    assert after[3].startswith(b'{"body":null,"head":{')
    assert before[3].endswith(after[3][12:])
    assert "名前".encode() not in path.read_bytes()
    found = verify_file(path, head=head)
    assert (found.ok, found.records, found.redacted, found.head_seal) == (True, 11, (4,), record.seal)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_redaction_can_be_redacted(
    begin: Callable[..., Path], entries: list[Entry], redaction: Callable[..., BodyRedacted], stamp: Callable[..., Stamp]
) -> None:
    """When a remainder still holds a name, its record goes the same way; readers find what is left through both."""
    path = begin(entries)
    memory = MemoryJournal()
    for number, entry in enumerate(entries):
        memory.append([entry], stamp(number), [f"{number:032x}"])
    first = redaction(5, encode(entries[4]) | {"new": {"grade": 3}, "reason": "[redacted]"})
    still = redaction(4, encode(entries[3]) | {"values": {**entries[3].values, "remark": ""}})
    for entry in (first, still):
        redact(path, entry, stamp(20), salt=SALT)
        memory.redact(entry, stamp(20), salt=SALT)
    left = encode(first) | {"reason": "[redacted]"}
    again = redaction(11, left)
    redact(path, again, stamp(21), salt=SALT)
    memory.redact(again, stamp(21), salt=SALT)
    found = verify_file(path)
    assert (found.ok, found.redacted, found.warnings) == (True, (4, 5, 11), ())
    records = list(FileJournal(path).records())
    assert records == list(memory.records())
    assert records[4].entry == ItemsCorrected(
        subject="S-0001", form="toxicity", occurrence=1, old={"grade": 2}, new={"grade": 3}, reason="[redacted]"
    )
    wrong = redaction(12, encode(still) | {"remainder": encode(entries[0])})
    with pytest.raises(JournalError, match="is a SiteOpened where a FormSubmitted belongs"):
        redact(path, wrong, stamp(22), salt=SALT)


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (0, "there is no record 0; the journal has 12"),
        (13, "there is no record 13"),
        (-1, "there is no record -1"),
        (6, "record 6: the body of this record was redacted already"),
        (5, "record 5: the remainder is a FormSubmitted where a ItemsCorrected belongs"),
    ],
)
def test_wrong_redactions_are_refused(
    record: int,
    says: str,
    twelve: Path,
    entries: list[Entry],
    redaction: Callable[..., BodyRedacted],
    stamp: Callable[..., Stamp],
) -> None:
    """A redaction that may not be leaves the file as it was, not even a temporary one beside it."""
    before = twelve.read_bytes()
    with pytest.raises(JournalError) as caught:
        redact(twelve, redaction(record, remainder_of(entries[3])), stamp(20), salt=SALT)
    assert says in str(caught.value)
    assert (twelve.read_bytes(), len(list(twelve.parent.iterdir()))) == (before, 1)


def test_a_broken_or_busy_journal_is_not_rewritten(
    twelve: Path, entries: list[Entry], redaction: Callable[..., BodyRedacted], stamp: Callable[..., Stamp]
) -> None:
    """Rewriting would blur the traces of what broke it, or the work of who is writing."""
    entry = redaction(4, remainder_of(entries[3]))
    with FileJournal(twelve) as journal:
        journal.append(entries[:1], stamp(20), [SALT])
        with pytest.raises(JournalError, match="another program is writing"):
            redact(twelve, entry, stamp(21), salt=SALT)
        journal.redact(entry, stamp(21), salt=SALT)  # the writer himself may
    assert verify_lines(twelve.read_bytes()).redacted == (4, 6)
    broken = twelve.read_bytes().replace(b'"ps":2', b'"ps":3')
    twelve.write_bytes(broken)
    with pytest.raises(JournalError, match="record 8: the body was changed"):
        redact(twelve, redaction(5, {}), stamp(22), salt=SALT)
    assert twelve.read_bytes() == broken


def test_a_loss_of_power_leaves_the_old_or_the_new(
    begin: Callable[..., Path],
    entries: list[Entry],
    redaction: Callable[..., BodyRedacted],
    stamp: Callable[..., Stamp],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When the new file cannot be brought to the disk, the old one stands untouched and nothing lies beside it."""
    path = begin(entries)
    before = path.read_bytes()

    def refuse(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(JournalError, match="No space left on device"):
        redact(path, redaction(4, remainder_of(entries[3])), stamp(10), salt=SALT)
    assert (path.read_bytes(), len(list(path.parent.iterdir()))) == (before, 1)


def test_a_stale_reader_does_not_redact(
    twelve: Path, entries: list[Entry], redaction: Callable[..., BodyRedacted], stamp: Callable[..., Stamp]
) -> None:
    """Who opened the journal before another wrote must look again before he redacts."""
    stale = FileJournal(twelve)
    with FileJournal(twelve) as journal:
        journal.append(entries[:1], stamp(20), [SALT])
    with pytest.raises(JournalError, match="since it was read"):
        stale.redact(redaction(4, remainder_of(entries[3])), stamp(21), salt=SALT)
