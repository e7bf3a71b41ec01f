"""What always holds between a journal, its fold and its desk."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.journal import entries as e
from oligami.journal.record import Stamp
from oligami.journal.store import FileJournal, MemoryJournal
from oligami.protocol.load import load_protocol
from oligami.trial.commands import ActivateProtocol, CorrectItems, RedactBody, Register, SubmitForm
from oligami.trial.desk import Desk
from oligami.trial.draws import commitment
from oligami.trial.fold import advance, fold
from oligami.trial.recheck import recheck
from oligami.trial.refused import Refused
from oligami.trial.state import Trial

TESTS = Path(__file__).parents[1]
GOLDEN = max((TESTS / "golden").glob("*/journal.jsonl"))
SECRET = bytes(range(32))
START = datetime(2024, 6, 10, 3, 0, tzinfo=UTC)


@cache
def golden():
    """The records of the newest journal kept."""
    return tuple(FileJournal(GOLDEN).records())


@cache
def tiny():
    """A small protocol."""
    return load_protocol(TESTS / "protocols" / "tiny" / "1.0")


@given(cut=st.integers(min_value=0, max_value=len(golden())))
@settings(max_examples=20)
def test_a_fold_goes_on_where_it_stopped(cut):
    """Folding a journal in two parts is folding it in one."""
    records = golden()
    assert fold(records[cut:], fold(records[:cut])) == fold(records)


def test_every_prefix_folds_and_stays():
    """Each prefix of a journal is a trial of its own; what follows changes none of those before."""
    trial, states, kept = Trial(), [], []
    for record in golden():
        trial = advance(trial, record)
        states.append(trial)
        kept.append((trial.head, repr(trial.subjects), repr(trial.refusals), trial.allocated, repr(trial.study.sites)))
    for state, was in zip(states, kept, strict=True):
        assert (state.head, repr(state.subjects), repr(state.refusals), state.allocated, repr(state.study.sites)) == was
    assert [state.head.seq for state in states] == list(range(1, len(states) + 1))


def test_a_fold_needs_the_journal_alone(tmp_path):
    """The protocol in the activation entry is enough: no protocol file is opened, and none needs to exist."""
    program = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from oligami.journal.store import FileJournal
from oligami.trial.recheck import recheck
found, trial = recheck(FileJournal(sys.argv[1]).records())
assert found.ok and trial.protocol.id == "jcog2110", found.differences
assert not [name for name in opened if name.endswith(".toml")], opened
print(trial.head.seq)
"""
    copy = tmp_path / "journal.jsonl"
    copy.write_bytes(GOLDEN.read_bytes())
    done = subprocess.run([sys.executable, "-c", program, str(copy)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() == str(len(golden()))


# What people say, in any order; numbers name subjects that may or may not be there.
_subjects = st.integers(min_value=1, max_value=4).map(lambda number: f"S-{number:04d}")
_loud = st.sampled_from([5, 39.9, 40, 99, None])
_day = date(2024, 6, 10)


def _entry(loudness, tinnitus, age):
    values = {"registration_date": "2024-06-10", "sex": "female", "tinnitus": tinnitus, "last_ear_surgery_date": "none"}
    return values | {"age_years": age} | ({} if loudness is None else {"loudness": loudness})


_commands = st.one_of(
    st.builds(
        lambda site, values, reasons: Register(stage="entry", site=site, values=values, reasons=reasons),
        st.sampled_from(["s01", "s02", "s03"]),
        st.builds(_entry, _loud, st.sampled_from(["yes", "yes", "yes", "no", "unknown"]), st.sampled_from([50, 50, 17])),
        st.sampled_from([{}, {"*": "confirmed"}]),
    ),
    st.builds(
        lambda subject, loudness: CorrectItems(
            subject=subject, form="entry", occurrence=1, new={"loudness": loudness}, reason="misread"
        ),
        _subjects,
        _loud,
    ),
    st.builds(
        lambda subject, status: SubmitForm(
            subject=subject,
            form="follow_up",
            values={"contact_date": "2024-06-10", "vital_status": status},
        ),
        _subjects,
        st.sampled_from(["alive", "dead", "nobody knows"]),
    ),
    # Subjects are randomized as they are registered here, so number and draw agree, but for a slip.
    st.builds(
        lambda subject, slip: e.AllocationMarkedInError(subject=subject, k=int(subject[2:]) + slip, reason="twice"),
        _subjects,
        st.sampled_from([0, 0, 0, 1]),
    ),
    st.builds(lambda subject: e.RegistrationAnnulled(subject=subject, stage="entry", reason="twice"), _subjects),
    st.builds(
        lambda subject, scope: e.ConsentWithdrawn(subject=subject, scope=scope, withdrawal_date=_day),
        _subjects,
        st.sampled_from(["treatment", "follow_up"]),
    ),
    st.sampled_from(
        [
            e.AccrualPaused(reason="review"),
            e.AccrualResumed(reason="done"),
            e.SiteClosed(site="s02", reason="left"),
            e.SiteOpened(site="s03", name="Third"),
        ]
    ),
)


@given(said=st.lists(st.tuples(_commands, st.integers(min_value=0, max_value=30)), max_size=14))
@settings(max_examples=40, deadline=None)
def test_whatever_is_said_the_journal_stands(said):
    """Any words in any order, some sent twice: the fold is the desk's trial, a recheck finds nothing, numbers have no gaps."""
    journal = MemoryJournal()
    desk = Desk(journal, salts=lambda seq: f"{seq:032x}", secret=SECRET)
    opening = [ActivateProtocol(protocol=tiny()), e.SecretCommitted(commitment=commitment(SECRET))]
    opening += [e.SiteOpened(site=site, name=site) for site in ("s01", "s02")]
    opening += [Register(stage="entry", site="s01", values=_entry(40, "yes", age)) for age in (50, 17, 60)]
    for number, (command, again) in enumerate([*((each, 99) for each in opening), *said]):
        repeated = again < number
        stamp = Stamp(
            recorded_at=START + timedelta(minutes=number),
            author="a",
            role="r",
            channel="web",
            command=f"{again if repeated else number:032x}",
            seen=desk.trial.head.seq,
        )
        before, head = desk.trial, journal.head()
        refused = receipt = None
        try:
            receipt = desk.submit(command, stamp)
        except Refused as error:
            refused = error
        if receipt is not None:
            assert receipt.records
            assert receipt.repeated == (journal.head() == head)
        else:
            assert refused.reasons
            assert (desk.trial, journal.head()) == (before, head)
    trial = desk.trial
    assert fold(journal.records()) == trial
    found, _ = recheck(journal.records(), secrets=[SECRET])
    assert found.differences == []
    assert list(trial.subjects) == [f"S-{number:04d}" for number in range(1, len(trial.subjects) + 1)]
    allocations = [allocation for subject in trial.subjects.values() for allocation in subject.allocations]
    assert sorted(allocation.k for allocation in allocations) == list(range(1, trial.allocated + 1))
    assert all(len(subject.allocations) == 1 for subject in trial.subjects.values())
    assert not any("birth_date" in form.values for subject in trial.subjects.values() for form in subject.forms.values())


@given(words=st.lists(st.sampled_from(["rang", "Somebody", "well", "of the", "clinic"]), min_size=1, max_size=5))
@settings(max_examples=15, deadline=None)
def test_a_redaction_changes_the_words_alone(words):
    """Whatever was written, without its words the trial is the same trial, and the redacted journal rechecks clean."""

    def tell(remarks):
        journal = MemoryJournal()
        desk = Desk(journal, salts=lambda seq: f"{seq:032x}", secret=SECRET)
        values = _entry(40, "yes", 50)
        query = e.QueryRaised(subject="S-0001", query="q1", form="entry", occurrence=1, text=remarks)
        opening = [ActivateProtocol(protocol=tiny()), e.SecretCommitted(commitment=commitment(SECRET))]
        told = [*opening, e.SiteOpened(site="s01", name="One"), Register(stage="entry", site="s01", values=values), query]
        for number, command in enumerate(told):
            stamp = Stamp(
                recorded_at=START + timedelta(minutes=number), author="a", role="r", channel="web", command=f"{number:032x}"
            )
            desk.submit(command, stamp)
        return journal, desk

    journal, desk = tell(" ".join(words))
    stamp = Stamp(recorded_at=START + timedelta(hours=1), author="a", role="r", channel="web", command="f" * 32)
    desk.redact(RedactBody(record=desk.trial.head.seq, texts=(words[0],), reason="a name"), stamp)
    plain = tell("[redacted]")[1].trial
    assert desk.trial.subjects == plain.subjects
    assert recheck(journal.records(), secrets=[SECRET])[0].ok
    assert fold(journal.records()) == desk.trial
