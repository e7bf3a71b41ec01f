"""From records to the trial: each entry does what it says, and nothing is decided again."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from oligami.journal import entries as e
from oligami.journal.record import Stamp
from oligami.journal.store import MemoryJournal
from oligami.trial.commands import ActivateProtocol, CorrectItems
from oligami.trial.fold import advance, fold
from oligami.trial.state import Trial

DAY = date(2024, 6, 10)
FORM = {"subject": "S-0001", "form": "follow_up", "occurrence": 1}


def journal_of(*entries):
    """The records of these entries, as they stand, decided by nobody."""
    journal = MemoryJournal()
    at = datetime(2024, 6, 10, tzinfo=UTC)
    for number, entry in enumerate(entries):
        stamp = Stamp(recorded_at=at, author="a", role="r", channel="paper", command=f"{number:032x}")
        journal.append([entry], stamp, [f"{number:032x}"])
    return list(journal.records())


def filled(form="follow_up", occurrence=1, **values):
    """A form of the first subject."""
    return e.FormSubmitted(subject="S-0001", form=form, occurrence=occurrence, values=values, protocol_version="1.0")


def test_nothing_folds_to_the_empty_trial():
    """No records give a trial without protocol, subjects or head."""
    trial = fold([])
    assert trial == Trial()
    assert (trial.head.seq, trial.next_subject()) == (0, "S-0001")
    with pytest.raises(ValueError, match="no protocol has been activated"):
        _ = trial.protocol


def test_records_follow_each_other():
    """A record that does not follow the head is refused by its number, dropped or repeated."""
    records = journal_of(e.SiteOpened(site="s01", name="One"), e.SiteOpened(site="s02", name="Two"))
    with pytest.raises(ValueError, match="record 2 does not follow record 0"):
        fold(records[1:])
    with pytest.raises(ValueError, match="record 1 does not follow record 1"):
        advance(fold(records[:1]), records[0])


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        (e.SiteClosed(site="s99", reason="r"), "s99"),
        (e.QueryClosed(subject="S-0001", query="q9"), "q9"),
        (e.FormLocked(**FORM | {"occurrence": 2}), "follow_up"),
        (e.FormLocked(**FORM | {"subject": "S-0009"}), "S-0009"),
        (e.RegistrationAnnulled(subject="S-0001", stage="first", reason="r"), "first"),
        (
            e.RegistrationRefused(stage="first", site="s01", subject="S-0009", protocol_version="1.0", verdict="pending"),
            "S-0009",
        ),
    ],
)
def test_a_record_without_a_place_is_named(entry, what):
    """An entry about a site, query, form, stage or subject that is not there is refused, by name."""
    with pytest.raises(ValueError, match=what):
        fold(journal_of(filled(contact_date="2024-06-10"), entry))


def test_a_correction_replaces_removes_and_remembers():
    """Values are as corrected, removed ones are gone, and the history holds every step with its reason."""
    fix = {"subject": "S-0001", "form": "follow_up", "occurrence": 1, "reason": "misread"}
    one = e.ItemsCorrected(**fix, old={"a": 1}, new={"a": 2})
    two = e.ItemsCorrected(**fix, old={"b": 5}, new={"b": None})
    state = fold(journal_of(filled(a=1, b=5), one, two)).subjects["S-0001"].forms["follow_up", 1]
    assert dict(state.values) == {"a": 2}
    assert [(change.seq, dict(change.new), change.reason) for change in state.changes] == [
        (2, {"a": 2}, "misread"),
        (3, {"b": None}, "misread"),
    ]
    assert state.seq == 3


def test_corrected_factors_leave_those_of_an_allocation_in_error():
    """A correction moves the factors of the allocation that stands; as drawn they stay, and so does one in error."""
    drawn = {
        "subject": "S-0001",
        "stage": "second",
        "arm": "A",
        "randomization_date": DAY,
        "factors": {"f": "x"},
        "method": "simple",
        "algorithm_version": 1,
        "tally": {},
        "imbalance": {},
        "probability": {},
        "u": 0.5,
        "protocol_digest": "0" * 64,
    }
    fix = e.ItemsCorrected(**FORM, old={"a": 1}, new={"a": 2}, reason="r", factors={"f": "y"})
    marked = e.AllocationMarkedInError(subject="S-0001", k=1, reason="r")
    trial = fold(journal_of(filled(a=1), e.Randomized(**drawn, k=1), marked, e.Randomized(**drawn, k=2), fix))
    first, second = trial.subjects["S-0001"].allocations
    assert (first.in_error, dict(first.factors)) == (True, {"f": "x"})
    assert (dict(second.factors_drawn), dict(second.factors)) == ({"f": "x"}, {"f": "y"})
    assert trial.subjects["S-0001"].allocation == second
    assert trial.allocated == 2


def test_workflow_acts_are_kept_apart_from_values():
    """Verification, lock and unlock touch neither values nor the record that last changed them."""
    acts = [e.FormVerified(**FORM), e.FormLocked(**FORM), e.FormUnlocked(**FORM, reason="late result")]
    trial = fold(journal_of(filled(a=1), *acts))
    state = trial.subjects["S-0001"].forms["follow_up", 1]
    assert (state.seq, state.verified_seq, state.locked) == (1, 2, False)
    assert fold(journal_of(filled(a=1), *acts[:2])).subjects["S-0001"].forms["follow_up", 1].locked
    assert trial.subjects["S-0001"].seq == 4


def test_a_query_goes_from_open_to_closed():
    """A data query keeps its item and text, its answer, and where it stands."""
    raised = e.QueryRaised(**FORM, query="q1", item="a", text="Which?")
    said = [raised, e.QueryAnswered(subject="S-0001", query="q1", text="That"), e.QueryClosed(subject="S-0001", query="q1")]
    seen = [fold(journal_of(filled(a=1), *said[:n])).subjects["S-0001"].queries["q1"] for n in (1, 2, 3)]
    assert [(query.status, query.answer) for query in seen] == [("open", None), ("answered", "That"), ("closed", "That")]
    assert seen[-1].item == "a"


def test_an_annulled_registration_does_not_stand():
    """The registration stays on record, and counts no longer."""
    registered = e.Registered(subject="S-0001", stage="first", site="s01", registration_date=DAY, protocol_version="1.0")
    annulled = e.RegistrationAnnulled(subject="S-0001", stage="first", reason="entered twice")
    assert fold(journal_of(registered)).registered("first") == 1
    trial = fold(journal_of(registered, annulled))
    assert trial.registered("first") == 0
    assert trial.subjects["S-0001"].stages["first"].annulled
    assert trial.next_subject() == "S-0002"


def test_a_second_version_comes_into_force_beside_the_first(bench, jcog):
    """After an amendment the new version is in force, the old one is still there, and forms say by which they were filled."""
    bench.first()
    second = replace(jcog, version="2.0", digest="2" * 64)
    bench.say(ActivateProtocol(protocol=second))
    trial = fold(bench.records)
    assert (trial.protocol.version, list(trial.study.versions)) == ("2.0", ["1.0", "2.0"])
    assert trial.study.activated_at == bench.records[0].stamp.recorded_at
    assert trial.commitment(1).protocol_digest == jcog.digest  # the draws go on under the digest they were committed with


def test_the_state_before_stays_as_it_was(bench):
    """A state handed out is never changed by what happens afterwards."""
    bench.first()
    before, values = bench.trial, dict(bench.subject().values("first_registration"))
    kept = repr(before)
    bench.second("S-0001")
    bench.say(
        CorrectItems(subject="S-0001", form="first_registration", occurrence=1, new={"de_novo_stage_iv": "yes"}, reason="misread")
    )
    assert repr(before) == kept
    assert dict(before.subjects["S-0001"].values("first_registration")) == values
    assert before.subjects["S-0001"].allocation is None
    subject = before.subjects["S-0001"]
    for state, field in (
        (before, "head"),
        (before.study, "sites"),
        (subject, "forms"),
        (subject.forms["first_registration", 1], "seq"),
    ):
        with pytest.raises(AttributeError):
            setattr(state, field, None)


def test_values_handed_in_are_not_shared(bench):
    """Changing the lists a form was filled from afterwards changes neither journal nor trial."""
    lesions = [dict(row) for row in bench.FIRST["lesions"]]
    bench.first(lesions=lesions)
    lesions[0]["max_diameter_mm"] = 99.0
    lesions.clear()
    assert bench.subject().values("first_registration")["lesions"] == bench.FIRST["lesions"]
    assert fold(bench.records) == bench.trial


def test_a_body_that_is_gone_without_a_remainder_moves_the_head_alone():
    """A record without an entry keeps its place in the chain and says nothing."""
    records = journal_of(e.SiteOpened(site="s01", name="One"), e.SiteOpened(site="s02", name="Two"))
    trial = fold([records[0], replace(records[1], entry=None, salt=None)])
    assert list(trial.study.sites) == ["s01"]
    assert trial.head.seq == 2
