import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.journal.codec import JournalError, encode
from oligami.journal.entries import Entry, FormSubmitted
from oligami.journal.record import GENESIS, Stamp
from oligami.journal.store import FileJournal, Head, Journal, MemoryJournal
from oligami.journal.verify import verify_file

SALT = "5a" * 16


@pytest.fixture(params=["memory", "file", "file, not durable"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    """Each kind of journal, empty."""
    if request.param == "memory":
        yield MemoryJournal()
        return
    with FileJournal(tmp_path / "j.jsonl", create=True, durable=request.param == "file") as made:
        yield made


def test_what_was_appended_is_read(journal: Journal, entries: list[Entry], stamp: Callable[..., Stamp]) -> None:
    """Records come back in order with their stamps, and `through` ends the reading."""
    assert journal.head() == Head(0, GENESIS)
    assert list(journal.records()) == []
    first = journal.append(entries[:3], stamp(0), [SALT] * 3)
    second = journal.append(entries[3:], stamp(1), [SALT] * 7)
    assert journal.append([], stamp(2), []) == ()
    assert tuple(journal.records()) == first + second
    assert tuple(journal.records(4)) == (first + second)[:4]
    assert tuple(journal.records(0)) == ()
    assert tuple(journal.records(99)) == first + second
    assert [record.seq for record in first + second] == list(range(1, 11))
    assert journal.head() == Head(10, second[-1].seal)


def test_a_wrong_entry_leaves_nothing(journal: Journal, entries: list[Entry], stamp: Callable[..., Stamp]) -> None:
    """A command is kept whole or not at all."""
    (kept,) = journal.append(entries[:1], stamp(0), [SALT])
    wrong = FormSubmitted(subject="S", form="f", occurrence=1, values={"a": {1}}, protocol_version="1")
    with pytest.raises(JournalError):
        journal.append([entries[1], wrong], stamp(1), [SALT] * 2)
    with pytest.raises(JournalError):
        journal.append([entries[1], entries[2]], stamp(1), [SALT, "no salt"])
    with pytest.raises(ValueError, match="2 entries need as many salts, not 1"):
        journal.append(entries[:2], stamp(1), [SALT])
    assert list(journal.records()) == [kept]
    assert journal.head() == Head(1, kept.seal)


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(0, 4), max_size=6), durable=st.booleans())
def test_memory_and_file_give_the_same_records(sizes: list[int], durable: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where records are kept makes no difference to them, nor how often the file is opened in between."""
    path = tmp_path_factory.mktemp("journal") / "j.jsonl"
    memory = MemoryJournal()
    FileJournal(path, create=True)
    for number, size in enumerate(sizes):
        said: list[Entry] = [
            FormSubmitted(subject=f"S-{n}", form="f", occurrence=n, values={"n": [n, {"a": None}]}, protocol_version="1")
            for n in range(size)
        ]
        stamp = _stamp(number)
        with FileJournal(path, durable=durable) as file:
            assert file.append(said, stamp, [SALT] * size) == memory.append(said, stamp, [SALT] * size)
            assert file.head() == memory.head()
    assert list(FileJournal(path).records()) == list(memory.records())


def _stamp(number: int) -> Stamp:
    return Stamp(
        recorded_at=datetime(2024, 1, 1, 0, number, tzinfo=UTC),
        author="a",
        role="r",
        channel="simulation",
        command=f"{number:032x}",
    )


def test_a_missing_file_is_not_made_by_chance(tmp_path: Path) -> None:
    """Only `create` begins a journal; an existing one is opened by it, not emptied."""
    with pytest.raises(JournalError, match="there is no such file"):
        FileJournal(tmp_path / "j.jsonl")
    assert not (tmp_path / "j.jsonl").exists()
    with FileJournal(tmp_path / "j.jsonl", create=True) as journal:
        journal.append([_form()], _stamp(0), [SALT])
    assert FileJournal(tmp_path / "j.jsonl", create=True).head().seq == 1
    with pytest.raises(JournalError, match="there is no such file"):
        FileJournal(tmp_path / "none" / "j.jsonl", create=True)


def _form(size: int = 1) -> FormSubmitted:
    return FormSubmitted(subject="S", form="f", occurrence=1, values={"text": "x" * size}, protocol_version="1")


@pytest.mark.parametrize("cut", [1, 2, 70, 200])
def test_a_torn_last_line_is_not_written_to(cut: int, twelve: Path) -> None:
    """Opening a file whose last record was not written to its end is refused, with what to do."""
    data = twelve.read_bytes()
    twelve.write_bytes(data[:-cut])
    with pytest.raises(JournalError, match=r"the last record was not written to its end.*oligami journal verify"):
        FileJournal(twelve)
    assert twelve.read_bytes() == data[:-cut]


def test_a_changed_last_line_is_not_written_to(twelve: Path) -> None:
    """Opening looks at the last record; one that does not hold is refused."""
    twelve.write_bytes(twelve.read_bytes().replace("データ".encode(), b"ABCDEFGHI"))
    with pytest.raises(JournalError, match=r"record 12: the head was changed|the head was changed"):
        FileJournal(twelve)


def test_long_last_lines_are_found(tmp_path: Path) -> None:
    """The last line is found however long it is, and however long the one before."""
    for sizes in ([100_000], [5, 100_000], [100_000, 5], [4096 - 500, 4096], [1]):
        path = tmp_path / f"{sizes}.jsonl"
        with FileJournal(path, create=True) as journal:
            for number, size in enumerate(sizes):
                journal.append([_form(size)], _stamp(number), [SALT])
        assert FileJournal(path).head() == journal.head()


def test_reading_stops_at_the_first_record_that_does_not_hold(twelve: Path) -> None:
    """Nobody folds a broken chain: records before the broken one come, then the error with file and record."""
    twelve.write_bytes(twelve.read_bytes().replace(b'"ps":2', b'"ps":3'))
    records = FileJournal(twelve).records()
    assert [next(records).seq for _ in range(7)] == [1, 2, 3, 4, 5, 6, 7]
    with pytest.raises(JournalError, match=r"trial\.jsonl, record 8: the body was changed") as caught:
        next(records)
    assert caught.value.record == 8


def test_a_body_gone_without_a_word_is_not_read(twelve: Path) -> None:
    """A redacted body that no record speaks of ends the reading."""
    lines = twelve.read_bytes().splitlines(keepends=True)
    twelve.write_bytes(b"".join(lines[:10]))
    with pytest.raises(JournalError, match="record 6: its body was removed, and no later record says"):
        list(FileJournal(twelve).records())


def test_two_writers_keep_each_other_out(twelve: Path) -> None:
    """While one writes, another is refused; who read before the other wrote is refused, too, and nothing is lost."""
    first, second, late = FileJournal(twelve), FileJournal(twelve), FileJournal(twelve)
    with first:
        first.append([_form()], _stamp(20), [SALT])
        with pytest.raises(JournalError, match="another program is writing to this journal"):
            second.append([_form()], _stamp(21), [SALT])
        assert len(list(late.records())) == 12  # reading is free, and sees what was there when opened
    with pytest.raises(JournalError, match="wrote to this journal since it was read"):
        second.append([_form()], _stamp(22), [SALT])
    with FileJournal(twelve) as third:
        third.append([_form()], _stamp(23), [SALT])
    assert verify_file(twelve).records == 14


@pytest.mark.parametrize("durable", [True, False])
def test_a_writer_without_manners_is_noticed(twelve: Path, durable: bool) -> None:
    """Someone who writes without taking the lock is noticed before the next write."""
    journal = FileJournal(twelve, durable=durable)
    journal.append([_form()], _stamp(20), [SALT])
    with twelve.open("ab") as file:
        file.write(b"scribble\n")

    def go_on() -> None:
        journal.append([_form()], _stamp(21), [SALT])
        journal.close()

    with pytest.raises(JournalError, match="wrote to this journal since it was read"):
        go_on()
    journal.close()
    assert twelve.read_bytes().endswith(b"scribble\n")


def test_a_replaced_file_is_noticed(twelve: Path) -> None:
    """A file put in the journal's place is neither read nor written as if it were the old one."""
    journal = FileJournal(twelve)
    copy = twelve.with_suffix(".copy")
    copy.write_bytes(twelve.read_bytes())
    copy.replace(twelve)
    with pytest.raises(JournalError, match="since it was read"):
        list(journal.records())
    with pytest.raises(JournalError, match="since it was read"):
        journal.append([_form()], _stamp(20), [SALT])


@contextmanager
def limited_files(size: int) -> Iterator[None]:
    """Let no file of this program grow beyond `size` bytes: the operating system cuts the write there."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 1, 300, 1500])
def test_a_full_disk_leaves_whole_commands(twelve: Path, room: int) -> None:
    """When the disk takes only part of a command, the file ends as before, the error says what to do, and one can go on."""
    before = twelve.read_bytes()
    with FileJournal(twelve) as journal:
        head = journal.head()
        with limited_files(len(before) + room), pytest.raises(JournalError, match="make room, then repeat") as caught:
            journal.append([_form(200)] * 3, _stamp(20), [SALT] * 3)
        assert caught.value.file == str(twelve)
        assert (twelve.read_bytes(), journal.head()) == (before, head)
        journal.append([_form(200)] * 3, _stamp(20), [SALT] * 3)
    assert (verify_file(twelve).ok, verify_file(twelve).records) == (True, 15)


def test_a_full_disk_in_a_simulation(twelve: Path) -> None:
    """What was gathered and could not be written is given up as a whole, and said so."""
    before = twelve.read_bytes()
    journal = FileJournal(twelve, durable=False)
    journal.append([_form()], _stamp(20), [SALT])
    journal.append([_form()], _stamp(21), [SALT])
    with limited_files(len(before) + 700), pytest.raises(JournalError, match=r"the last 2 record\(s\) were not kept"):
        journal.close()
    assert twelve.read_bytes() == before
    assert journal.head().seq == 12
    with journal:
        journal.append([_form()], _stamp(20), [SALT])
    assert verify_file(twelve).records == 13


def test_a_disk_that_cannot_even_be_mended(twelve: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the half-written end cannot be removed, the error says to stop using the file; opening it again is refused."""
    before = len(twelve.read_bytes())

    def refuse(handle: int, length: int) -> None:
        raise OSError(5, "Input/output error")

    with FileJournal(twelve) as journal:
        monkeypatch.setattr(os, "ftruncate", refuse)
        with limited_files(before + 100), pytest.raises(JournalError, match="stop using this file"):
            journal.append([_form()], _stamp(20), [SALT])
    with pytest.raises(JournalError, match="not written to its end"):
        FileJournal(twelve)


def test_a_forgotten_journal_lets_go(twelve: Path) -> None:
    """A journal nobody closed loses neither its lock nor what it gathered."""
    journal = FileJournal(twelve, durable=False)
    journal.append([_form()], _stamp(20), [SALT])
    del journal
    with FileJournal(twelve) as again:
        assert again.append([_form()], _stamp(21), [SALT])[0].seq == 14


def test_redaction_reads_the_same_from_memory_and_file(
    tmp_path: Path, entries: list[Entry], stamp: Callable[..., Stamp], redaction: Callable[..., Any]
) -> None:
    """Readers see the remainder in the entry's place, without a salt; also when they read only up to that record."""
    memory = MemoryJournal()
    with FileJournal(tmp_path / "j.jsonl", create=True) as file:
        for journal in (memory, file):
            journal.append(entries, stamp(0), [SALT] * 10)
        before = list(memory.records())
        values = {**entries[3].values, "remark": "[redacted]"}
        entry = redaction(4, encode(entries[3]) | {"values": values}, subject="S-0001")
        assert memory.redact(entry, stamp(1), salt=SALT) == file.redact(entry, stamp(1), salt=SALT)
        assert list(memory.records()) == list(file.records())
        assert list(memory.records(4)) == list(file.records(4)) == list(FileJournal(file.path).records(4))
        (read,) = [record for record in file.records(4) if record.seq == 4]
        assert read == replace(before[3], entry=replace(before[3].entry, values=values), salt=None)
        for journal in (memory, file):
            with pytest.raises(JournalError, match="record 4: the body of this record was redacted already"):
                journal.redact(entry, stamp(2), salt=SALT)
            assert journal.append(entries[:1], stamp(3), [SALT])[0].seq == 12
