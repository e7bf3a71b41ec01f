"""A small journal with awkward contents, and both verifiers."""

import importlib.util
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from oligami.journal.entries import (
    BodyRedacted,
    ConsentGiven,
    Entry,
    FormSubmitted,
    ItemsCorrected,
    QueryRaised,
    Registered,
    SiteOpened,
)
from oligami.journal.record import Stamp
from oligami.journal.store import FileJournal

START = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


def make_stamp(number: int = 0, **changes: object) -> Stamp:
    """Return the stamp of command `number`, a minute after the one before."""
    values: dict[str, object] = {
        "recorded_at": START + timedelta(minutes=number),
        "author": "investigator-7",
        "role": "investigator",
        "channel": "web",
        "command": f"{number:032x}",
        "seen": number or None,
    }
    return Stamp(**(values | changes))


def make_entries() -> list[Entry]:
    """Return ten entries; some hold text that looks like the joint of a line."""
    tricky = '","head":{"seal":"0"} ,"head":{ \\" \n 名前 é 😀'
    return [
        SiteOpened(site="s01", name="中央病院"),
        ConsentGiven(subject="S-0001", document="1.0", consent_date=date(2024, 1, 2)),
        Registered(subject="S-0001", stage="first", site="s01", registration_date=date(2024, 1, 2), protocol_version="1.0"),
        FormSubmitted(
            subject="S-0001",
            form="toxicity",
            occurrence=1,
            protocol_version="1.0",
            values={"remark": tricky, "head": {"seal": "x", "head": {"a": 1}}, "grade": 2, "dose_gy": 1.8},
        ),
        ItemsCorrected(
            subject="S-0001", form="toxicity", occurrence=1, old={"grade": 2}, new={"grade": 3}, reason="typed wrongly"
        ),
        QueryRaised(subject="S-0001", query="q1", form="toxicity", occurrence=1, text="Mrs. Anybody's grade?"),
        *(
            FormSubmitted(subject="S-0002", form="visit", occurrence=n, protocol_version="1.0", values={"ps": n, "note": "ok"})
            for n in range(1, 5)
        ),
    ]


def make_redaction(record: int, remainder: dict[str, object], **changes: object) -> BodyRedacted:
    """Return the entry that redacts a record."""
    return BodyRedacted(record=record, reason="a name was typed", remainder=remainder, **changes)


@pytest.fixture
def stamp() -> Callable[..., Stamp]:
    """How a command is stamped."""
    return make_stamp


@pytest.fixture
def entries() -> list[Entry]:
    """Ten entries."""
    return make_entries()


@pytest.fixture
def redaction() -> Callable[..., BodyRedacted]:
    """How a redaction is decided."""
    return make_redaction


@pytest.fixture
def begin(tmp_path: Path) -> Callable[..., Path]:
    """How a journal's file is written: one command an entry."""

    def write(entries: list[Entry], name: str = "trial.jsonl", **changes: object) -> Path:
        path = tmp_path / name
        with FileJournal(path, create=True, durable=False) as journal:
            for number, entry in enumerate(entries):
                journal.append([entry], make_stamp(number, **changes), [f"{number:032x}"])
        return path

    return write


@pytest.fixture
def twelve(begin: Callable[..., Path]) -> Path:
    """A journal of twelve records: the ten entries, one redacted, and one of a telephone call with a name of its own."""
    path = begin(make_entries())
    with FileJournal(path) as journal:
        remainder = {
            "type": "QueryRaised",
            "v": 1,
            "subject": "S-0001",
            "query": "q1",
            "form": "toxicity",
            "occurrence": 1,
            "text": "[redacted]",
        }
        journal.redact(make_redaction(6, remainder), make_stamp(10), salt="ab" * 16)
        entry = FormSubmitted(subject="S-0003", form="visit", occurrence=1, protocol_version="1.0", values={"ps": 0})
        journal.append(
            [entry],
            make_stamp(11, channel="telephone", caller='木村 "K" s01', author="データ", seen=None),
            ["cd" * 16],
        )
    return path


@pytest.fixture(scope="session")
def stand_alone() -> ModuleType:
    """The verifier that shares no line with oligami."""
    path = Path(__file__).parents[2] / "docs" / "reference" / "verify_journal.py"
    spec = importlib.util.spec_from_file_location("verify_journal", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
