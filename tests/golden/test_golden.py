"""Journals of earlier releases: they verify, fold to what they always folded to, and recheck clean."""

import importlib.util
import json
from pathlib import Path
from typing import get_args

import pytest

from oligami.journal.entries import SubjectEntry, TrialEntry
from oligami.journal.store import FileJournal
from oligami.journal.verify import verify_file
from oligami.trial.fold import fold
from oligami.trial.recheck import recheck

HERE = Path(__file__).parent
RELEASES = sorted(path.parent for path in HERE.glob("*/journal.jsonl"))


@pytest.fixture(scope="module")
def summarize():
    """How a trial is summed up for its release's folder."""
    spec = importlib.util.spec_from_file_location("golden_make_journal", HERE / "make_journal.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.summarize


def test_there_is_a_journal():
    """At least one release is kept."""
    assert RELEASES


@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: folder.name)
def test_an_old_journal_folds_for_ever(folder, summarize):
    """The chain holds and today's fold comes to the summary written at the release."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert verify_file(folder / "journal.jsonl", head=f"{summary['head']['seq']}:{summary['head']['seal']}").ok
    folded = summarize(fold(FileJournal(folder / "journal.jsonl").records()))
    assert json.loads(json.dumps(folded)) == summary


@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: folder.name)
def test_an_old_journal_is_decided_the_same_today(folder):
    """Every verdict, tally, arm and draw of an old journal comes out as it was recorded."""
    found, _ = recheck(FileJournal(folder / "journal.jsonl").records())
    assert [difference.text.en for difference in found.differences] == []
    assert found.draws_checked == found.allocations > 0


def test_the_newest_journal_holds_every_kind_of_entry():
    """No kind of entry is missing from the journal that stands for this release."""
    kinds = {type(record.entry) for record in FileJournal(RELEASES[-1] / "journal.jsonl").records()}
    assert kinds == {*get_args(TrialEntry), *get_args(SubjectEntry)}
