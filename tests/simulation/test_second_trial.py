"""A second trial is a new folder and no code: the tiny trial is simulated by the same code from end to end."""

from datetime import date
from pathlib import Path

import pytest

from oligami.data.cut import Cut
from oligami.data.derive import derive
from oligami.journal.store import FileJournal
from oligami.journal.verify import verify_file
from oligami.protocol.load import load_protocol
from oligami.simulation.fit import find_faults
from oligami.simulation.rehearse import simulate_to_file
from oligami.simulation.scenario import find_scenario, load_scenario
from oligami.trial.recheck import recheck

FOLDER = Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny") / "tiny.jsonl"
    protocol = load_protocol(FOLDER)
    scenario = load_scenario(find_scenario(FOLDER, "standard"))
    assert find_faults(scenario, protocol) == ()
    return simulate_to_file(protocol, scenario, path, seed=1), path


def test_one_registration_randomizes(tiny):
    """All come in by the one stage there is, up to its limit, and each is randomized at once."""
    rehearsal, _ = tiny
    assert rehearsal.trial.registered("entry") == rehearsal.trial.allocated == 60
    assert {subject.allocation.arm for subject in rehearsal.trial.subjects.values()} == {"paper", "spoken"}
    assert rehearsal.trial.refusals


def test_the_journal_holds_and_every_decision_redone_agrees(tiny):
    """The chain verifies; permuted blocks, verdicts and draws come out the same again."""
    rehearsal, path = tiny
    assert verify_file(path).ok
    with FileJournal(path) as journal:
        found, _ = recheck(journal.records(), secrets=[rehearsal.secret])
    assert found.differences == []
    assert found.draws_checked == 60


def test_followed_by_its_own_schedule(tiny):
    """Contacts come about every 90 days for a year, deaths by their form; nothing of the other trial occurs."""
    rehearsal, _ = tiny
    forms = {form for subject in rehearsal.trial.subjects.values() for form, _ in subject.forms}
    assert forms == {"entry", "follow_up", "death"}
    contacts = [len(subject.of_form("follow_up")) for subject in rehearsal.trial.subjects.values()]
    assert max(contacts) == 4
    assert sum(contacts) > 180


def test_it_is_derived_like_any_other(tiny):
    """Its datasets come from the same code: one endpoint, everybody in it, some dead."""
    rehearsal, _ = tiny
    datasets = derive(rehearsal.trial, Cut(through=None, up_to=date(2027, 1, 10)), software_version="test")
    assert list(datasets.endpoints) == ["os"]
    assert len(datasets.endpoints["os"]) == 60
    assert datasets.endpoints["os"].event.sum() > 0
