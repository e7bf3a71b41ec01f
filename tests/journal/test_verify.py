from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from oligami.journal.codec import JournalError
from oligami.journal.entries import Entry, HeadPublished, QueryClosed, SiteOpened
from oligami.journal.record import GENESIS, Stamp
from oligami.journal.seal import assemble, open_alone, seal_entry, split_line
from oligami.journal.store import FileJournal
from oligami.journal.verify import Verification, verify_file, verify_lines

Check = Callable[..., Verification]
MASKS = (*(1 << bit for bit in range(8)), 0x07)  # every bit; 0x07 makes a line feed a carriage return


@pytest.fixture
def check(stand_alone: ModuleType) -> Check:
    """Both verifiers, held to say the same."""

    def both(data: bytes, head: str | None = None) -> Verification:
        found = verify_lines(data, head=head)
        broken = None
        try:
            answer = stand_alone.verify(data, head)
        except stand_alone.BrokenError as error:
            broken = error
        assert found.ok == (broken is None), (found.problem, broken)
        if broken is None:
            assert answer == (found.records, found.head_seal)
        else:  # with a published head the stand-alone program names no record
            assert broken.args[0] == found.first_broken or (head is not None and broken.args[0] is None)
        assert (found.problem is None) == found.ok
        return found

    return both


@pytest.fixture
def lines(twelve: Path) -> list[bytes]:
    """The twelve lines."""
    return twelve.read_bytes().splitlines(keepends=True)


def test_a_whole_journal_holds(twelve: Path, check: Check) -> None:
    """Twelve records hold, the head is the last seal, the redacted body is told."""
    found = check(twelve.read_bytes())
    assert found == verify_file(twelve)
    assert (found.ok, found.records, found.redacted, found.warnings) == (True, 12, (6,), ())
    assert found.head_seal == twelve.read_text().splitlines()[-1][-66:-2]


def test_every_changed_byte_is_found_at_its_record(lines: list[bytes]) -> None:
    """Whatever byte changes, layout and line feeds included, the record it stands in is named."""
    data = bytearray(b"".join(lines))
    owners = [number for number, line in enumerate(lines, start=1) for _ in line]
    for place, owner in enumerate(owners):
        for mask in MASKS:
            data[place] ^= mask
            found = verify_lines(bytes(data))
            data[place] ^= mask
            assert (found.ok, found.first_broken) == (False, owner), (place, mask)
    assert verify_lines(bytes(data)).ok


def test_both_verifiers_find_the_same_byte(lines: list[bytes], check: Check) -> None:
    """The stand-alone program names the same record for changed bytes (every 17th, one mask after the other)."""
    data = bytearray(b"".join(lines))
    for count, place in enumerate(range(0, len(data), 17)):
        data[place] ^= MASKS[count % 9]
        assert not check(bytes(data)).ok
        data[place] ^= MASKS[count % 9]


def test_every_inserted_or_removed_byte_is_found(lines: list[bytes]) -> None:
    """A byte put in or taken out anywhere is found."""
    data = b"".join(lines)
    for place in range(0, len(data), 7):
        assert not verify_lines(data[:place] + data[place + 1 :]).ok
        for byte in (b" ", b"\n", b"0"):
            assert not verify_lines(data[:place] + byte + data[place:]).ok


def test_every_deletion_is_found(lines: list[bytes], check: Check) -> None:
    """A missing record is named; only the end can be cut off unnoticed, and not when a head was published."""
    head = f"12:{split_line(lines[-1])[2].decode()}"
    for index in range(11):
        found = check(b"".join(lines[:index] + lines[index + 1 :]))
        assert (found.ok, found.first_broken, found.records) == (False, index + 1, index)
    cut = b"".join(lines[:11])
    assert check(cut).ok
    for published in (head, head[3:], head[3:].upper()):
        found = check(cut, published)
        assert not found.ok
        assert found.problem is not None
        assert "cut off at the end" in found.problem.en
        assert check(b"".join(lines), published).ok


def test_every_duplication_is_found(lines: list[bytes], check: Check) -> None:
    """A record written twice is named at its second place."""
    for index in range(12):
        found = check(b"".join([*lines[: index + 1], *lines[index:]]))
        assert (found.ok, found.first_broken) == (False, index + 2)


def test_every_swap_is_found(lines: list[bytes], check: Check) -> None:
    """Two records that changed places are found at the earlier one."""
    for first in range(12):
        for second in range(first + 1, 12):
            swapped = list(lines)
            swapped[first], swapped[second] = swapped[second], swapped[first]
            found = check(b"".join(swapped))
            assert (found.ok, found.first_broken) == (False, first + 1)


def test_every_truncation_is_found(lines: list[bytes], check: Check) -> None:
    """A file cut within a record says that the last record was not written to its end."""
    data = b"".join(lines)
    ends = {len(b"".join(lines[:n])): n for n in range(13)}
    for length in range(1, len(data), 5):
        if length in ends:
            continue
        found = verify_lines(data[:length])
        assert not found.ok
        assert found.problem is not None
        assert found.problem.en == "the last record was not written to its end"
        assert found.first_broken == sum(end <= length for end in ends if end) + 1
    assert check(data[:-1]).first_broken == 12
    assert check(data[:-40]).first_broken == 12


def forge(line: bytes, stamp: Stamp, **changes: Any) -> bytes:
    """Return a line in the place of another, with a right seal of its own."""
    there = open_alone(line)
    place = {"seq": there.seq, "previous": there.previous} | changes
    return seal_entry(QueryClosed(subject="S-0001", query="forged"), stamp, salt="00" * 16, **place)[1]


def test_a_forged_record_contradicts_the_next(lines: list[bytes], check: Check, stamp: Callable[..., Stamp]) -> None:
    """A record put in or replaced, with a right seal, is found at the line after it."""
    for index in range(11):
        forged = forge(lines[index], stamp())
        replaced = check(b"".join([*lines[:index], forged, *lines[index + 1 :]]))
        # The record that tells of the redaction is gone in one case: still the chain breaks first.
        assert (replaced.ok, replaced.first_broken) == (False, index + 2)
        assert replaced.problem is not None
        assert "one of the two was changed or put in" in replaced.problem.en
        inserted = check(b"".join([*lines[:index], forged, *lines[index:]]))
        assert (inserted.ok, inserted.first_broken) == (False, index + 2)


def test_a_rewritten_chain_is_found_by_any_published_head(
    begin: Callable[..., Path], entries: list[Entry], check: Check, stamp: Callable[..., Stamp]
) -> None:
    """Who rewrites everything makes a chain that holds, but not against a head that left the house."""
    honest = begin(entries).read_bytes().splitlines(keepends=True)
    other = begin([*entries[:4], QueryClosed(subject="S", query="q"), *entries[5:]], "other.jsonl").read_bytes()
    assert check(other).ok
    for number, line in enumerate(honest, start=1):
        seal = split_line(line)[2].decode()
        assert check(other, f"{number}:{seal}").ok == (number <= 4)
        assert check(other, seal).ok == (number <= 4)
    found = verify_lines(other, head=f"5:{split_line(honest[4])[2].decode()}")
    assert found.first_broken == 5
    assert not check(other, f"4:{split_line(honest[2])[2].decode()}").ok


@pytest.mark.parametrize("head", ["", "12", "12:", "x" * 64, "a" * 63, "a" * 65, "-1:" + "a" * 64, "１:" + "a" * 64])
def test_what_is_no_head_is_refused(head: str, twelve: Path) -> None:
    """A published head that is not spelled like one is an error of its own, not a broken journal."""
    with pytest.raises(JournalError, match="64 hexadecimal digits"):
        verify_file(twelve, head=head)


@pytest.mark.parametrize(
    ("spoil", "record", "says"),
    [
        (lambda data: b"\xef\xbb\xbf" + data, 1, "byte order mark"),
        (lambda data: data.replace(b"\n", b"\r\n"), 1, "carriage return"),
        (lambda data: data + b"\n", 13, "blank line"),
        (lambda data: b"\n" + data, 1, "blank line"),
        (lambda data: data + b" ", 13, "not written to its end"),
        (lambda data: data + b"# end\n", 13, "not laid out"),
        (lambda data: data + b"\x00", 13, "not written to its end"),
        (lambda data: data.decode().encode("utf-16"), 1, "not laid out"),
        (lambda data: b"", None, "holds no record"),
        (lambda data: b"\n", 1, "blank line"),
    ],
)
def test_the_sentence_says_what_happened(
    spoil: Callable[[bytes], bytes], record: int | None, says: str, twelve: Path, check: Check
) -> None:
    """Typical accidents of editors and transfers are named as such."""
    found = check(spoil(twelve.read_bytes()))
    assert (found.ok, found.first_broken) == (False, record)
    assert found.problem is not None
    assert says in found.problem.en
    assert found.problem.ja != found.problem.en


def test_a_body_cannot_just_vanish(lines: list[bytes], check: Check) -> None:
    """A body made null without a record that says why is broken there; digest and chain alone would not tell."""
    for index in range(12):
        _, head, seal = split_line(lines[index])
        found = check(b"".join([*lines[:index], assemble(b"null", head, seal.decode()), *lines[index + 1 :]]))
        if index == 5:
            assert found.ok  # it is null already
        else:
            # The record that tells of the redaction of 6 is the 11th: without its body, 6 is no longer told of.
            assert (found.ok, found.first_broken) == (False, 6 if index == 10 else index + 1)


def test_a_body_still_there_is_warned_of(
    begin: Callable[..., Path], entries: list[Entry], redaction: Callable[..., Any], check: Check
) -> None:
    """A record said to be redacted whose body is there does not break the chain, but is told."""
    data = begin([*entries, redaction(4, {"type": "FormSubmitted", "v": 1})]).read_bytes()
    found = check(data)
    assert (found.ok, found.redacted, len(found.warnings)) == (True, (), 1)
    assert "the body of record 4 was redacted, but it is still there" in found.warnings[0].en


@pytest.mark.parametrize("record", [0, 11, 12, -1])
def test_a_redaction_speaks_of_an_earlier_record(
    record: int, begin: Callable[..., Path], entries: list[Entry], redaction: Callable[..., Any], check: Check
) -> None:
    """A redaction of itself, of the future or of nothing is broken."""
    found = check(begin([*entries, redaction(record, {"type": "FormSubmitted", "v": 1})]).read_bytes())
    assert (found.ok, found.first_broken) == (False, 11)


def test_a_clock_set_back_is_a_warning(entries: list[Entry], stamp: Callable[..., Stamp], check: Check) -> None:
    """An earlier instant than before is told once per step back and does not break the chain."""
    seal, data = GENESIS, b""
    for number, minute in enumerate([5, 5, 4, 4, 6, 1], start=1):
        at = replace(stamp(), recorded_at=stamp().recorded_at + timedelta(minutes=minute))
        record, line = seal_entry(entries[0], at, seq=number, previous=seal, salt="00" * 16)
        seal, data = record.seal, data + line
    found = check(data)
    assert found.ok
    assert [text.en.split(" carries")[0] for text in found.warnings] == ["record 3", "record 6"]


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """No file, or a folder, gives a sentence and not a traceback."""
    with pytest.raises(JournalError, match="there is no such file"):
        verify_file(tmp_path / "none.jsonl")
    with pytest.raises(JournalError, match="this is a folder"):
        verify_file(tmp_path)


def test_a_chain_sealed_anew_contradicts_a_head_it_published(begin: Callable[..., Path], check: Check, tmp_path: Path) -> None:
    """A record changed and everything after it sealed anew: the record that tells of a published head is named."""
    path = begin([SiteOpened(site="s01", name="One"), SiteOpened(site="s02", name="Two")])
    records = list(FileJournal(path).records())
    published = HeadPublished(record=2, seal=records[1].seal, where="the investigator")
    with FileJournal(path) as journal:
        journal.append([published], replace(records[1].stamp, command="f" * 32), ["0" * 32])
    assert check(path.read_bytes()).ok
    forged = tmp_path / "forged.jsonl"
    with FileJournal(forged, create=True) as journal:
        for entry in (SiteOpened(site="s01", name="Won"), SiteOpened(site="s02", name="Two"), published):
            journal.append([entry], records[1].stamp, ["0" * 32])
    found = check(forged.read_bytes())
    assert (found.ok, found.first_broken) == (False, 3)
