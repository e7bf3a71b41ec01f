"""The desk: a command once, all or nothing, and words that must go are gone everywhere."""

import gc
from types import FunctionType, ModuleType

import pytest

from oligami.journal import entries as e
from oligami.journal.codec import JournalError
from oligami.journal.store import FileJournal, MemoryJournal
from oligami.journal.verify import verify_file
from oligami.trial.commands import CorrectItems, RedactBody, Register, SubmitForm
from oligami.trial.fold import fold
from oligami.trial.refused import Refused

NAME = "Mrs. Somebody-Anybody"
CONTACT = {"contact_date": "2024-06-10", "vital_status": "alive", "remarks": f"{NAME} rang"}


class FullDisk(MemoryJournal):
    """A journal that takes no more once it is told to."""

    full = False

    def append(self, entries, stamp, salts):
        """Add the entries, or fail as a full disk does."""
        if self.full:
            raise OSError(28, "No space left on device")
        return super().append(entries, stamp, salts)


def test_the_same_command_again_gives_the_first_answer(bench):
    """A second click writes nothing and gives the same records, arm included, whatever happened in between."""
    subject = bench.first()
    ask = Register(stage="second", site="s01", subject=subject, values=bench.SECOND)
    stamp = bench.stamp()
    once = bench.desk.submit(ask, stamp)
    bench.say(e.SiteClosed(site="s01", reason="left"))
    head = bench.journal.head()
    again = bench.desk.submit(ask, stamp)
    assert (once.repeated, again.repeated) == (False, True)
    assert again.records == once.records
    assert bench.journal.head() == head


def test_a_desk_opened_later_knows_the_commands_of_before(bench, make_bench):
    """After a restart the same command id still gives the first answer."""
    stamp = bench.stamp()
    ask = Register(stage="first", site="s01", values=bench.FIRST)
    once = bench.desk.submit(ask, stamp)
    later = make_bench(bench.protocol, journal=bench.journal)
    assert later.desk.submit(ask, stamp).records == once.records
    assert later.trial == bench.trial


def test_a_refused_command_may_be_sent_again(bench):
    """A refusal is no answer to keep: the same command goes through once nothing stands against it."""
    bench.say(e.AccrualPaused(reason="review"))
    ask = Register(stage="first", site="s01", values=bench.FIRST)
    stamp = bench.stamp()
    with pytest.raises(Refused, match=r"accrual\.paused"):
        bench.desk.submit(ask, stamp)
    bench.say(e.AccrualResumed(reason="done"), recorded_at=stamp.recorded_at)
    assert not bench.desk.submit(ask, stamp).repeated


def test_a_journal_that_cannot_be_written_leaves_the_trial_as_it_was(make_bench, jcog):
    """When the disk is full no part of the command is known; the same command succeeds when there is room."""
    bench = make_bench(jcog, journal=FullDisk()).open()
    bench.journal.full = True
    before, stamp = bench.trial, bench.stamp()
    ask = Register(stage="first", site="s01", values=bench.FIRST)
    with pytest.raises(OSError, match="No space"):
        bench.desk.submit(ask, stamp)
    assert bench.trial is before
    bench.journal.full = False
    assert not bench.desk.submit(ask, stamp).repeated
    assert list(bench.trial.subjects) == ["S-0001"]


def test_an_entry_that_cannot_be_written_is_written_by_nobody(bench):
    """A stamp the journal cannot hold is refused by the journal, and the trial stands as before."""
    before = bench.trial
    with pytest.raises(JournalError):
        bench.say(Register(stage="first", site="s01", values=bench.FIRST), channel="telegraph")
    assert bench.trial is before


def test_memory_and_file_give_the_same_trial(make_bench, jcog, tmp_path):
    """The same words in memory and in a file have the same seals and fold to equal trials."""
    with FileJournal(tmp_path / "trial.jsonl", create=True) as file:
        benches = [make_bench(jcog).open(), make_bench(jcog, journal=file).open()]
        for bench in benches:
            bench.second(bench.first())
            bench.fill("S-0001", "follow_up", CONTACT)
    assert benches[0].journal.head() == benches[1].journal.head()
    assert fold(FileJournal(tmp_path / "trial.jsonl").records()) == benches[0].trial


def words(*objects):
    """All strings that can be reached from the objects, code left out."""
    seen = set()
    pending = list(objects)
    while pending:
        each = pending.pop()
        if id(each) in seen or isinstance(each, type | FunctionType | ModuleType):
            continue
        seen.add(id(each))
        if isinstance(each, str):
            yield each
        else:
            pending.extend(gc.get_referents(each))


@pytest.fixture
def named(make_bench, jcog, tmp_path):
    """A trial in a file in which a person was named; closes the file in the end."""
    with FileJournal(tmp_path / "trial.jsonl", create=True) as file:
        bench = make_bench(jcog, journal=file).open()
        bench.first()
        bench.fill("S-0001", "follow_up", CONTACT)
        yield bench


def test_a_redacted_text_is_gone_everywhere(named):
    """The chain verifies, the fold sees the rest of the form, and the words are in no line and in no object of the desk."""
    record = named.trial.head.seq
    head = named.journal.head()
    receipt = named.desk.redact(RedactBody(record=record, texts=(NAME,), reason="a name was typed"), named.stamp())
    assert isinstance(receipt.entries[0], e.BodyRedacted)
    assert receipt.entries[0].subject == "S-0001"
    values = named.subject().values("follow_up")
    assert dict(values) == {"contact_date": "2024-06-10", "vital_status": "alive", "remarks": "[redacted]"}
    assert NAME not in named.journal.path.read_text(encoding="utf-8")
    assert verify_file(named.journal.path, head=head.seal).ok
    assert named.trial.study.redacted == {record}
    kept = list(words(vars(named.desk)))
    assert "[redacted]" in kept
    assert not any(NAME in word for word in kept)


def test_a_redaction_is_repeated_by_its_command_id_alone(named):
    """The same redaction again gives the first answer; another of the same record is refused."""
    record, stamp = named.trial.head.seq, named.stamp()
    command = RedactBody(record=record, texts=(NAME,), reason="a name was typed")
    named.desk.redact(command, stamp)
    assert named.desk.redact(command, stamp).repeated
    with pytest.raises(Refused, match=r"redaction\.again"):
        named.desk.redact(command, named.stamp())


def test_the_trial_goes_on_after_a_redaction(named):
    """Forms are filled and corrected after a redaction, also the redacted one."""
    named.desk.redact(RedactBody(record=named.trial.head.seq, texts=(NAME,), reason="a name was typed"), named.stamp())
    fix = CorrectItems(subject="S-0001", form="follow_up", occurrence=1, new={"remarks": "she rang"}, reason="name removed")
    named.say(fix)
    assert named.subject().values("follow_up")["remarks"] == "she rang"


def test_a_name_in_a_correction_can_be_removed_from_both_sides(named):
    """Old and new values, the reason and the text of a query are free text like any other."""
    fix = CorrectItems(
        subject="S-0001", form="follow_up", occurrence=1, new={"remarks": f"{NAME} wrote"}, reason=f"{NAME} says so"
    )
    named.say(fix)
    entry = named.desk.redact(RedactBody(record=named.trial.head.seq, texts=(NAME,), reason="names"), named.stamp()).entries[0]
    assert entry.remainder["old"] == entry.remainder["new"] == {"remarks": "[redacted]"}
    assert entry.remainder["reason"] == "[redacted]"


def test_codes_dates_and_verdicts_cannot_be_redacted(named):
    """A redaction takes free text alone: a day of contact or an answer is corrected, not blacked out."""
    record = named.trial.head.seq
    for text in ("2024-06-10", "alive", "follow_up", "S-0001"):
        with pytest.raises(Refused, match=r"redaction\.text"):
            named.desk.redact(RedactBody(record=record, texts=(text,), reason="wrong"), named.stamp())
    evidence = next(record.seq for record in named.records if isinstance(record.entry, e.Registered))
    with pytest.raises(Refused, match=r"redaction\.text"):
        named.desk.redact(RedactBody(record=evidence, texts=("met",), reason="wrong"), named.stamp())


@pytest.mark.parametrize(
    ("command", "rules"),
    [
        (RedactBody(record=999, texts=(NAME,), reason=""), ["redaction.record", "reason.missing"]),
        (RedactBody(record=0, texts=(NAME,), reason="r"), ["redaction.record"]),
        (RedactBody(record=8, texts=("Nobody",), reason=" "), ["redaction.text", "reason.missing"]),
        (RedactBody(record=8, texts=("", " "), reason="r"), ["redaction.text"]),
        (RedactBody(record=8, texts=(), reason="r"), ["redaction.text"]),
    ],
)
def test_a_wrong_redaction_is_refused_and_changes_nothing(named, command, rules):
    """No such record, no such text, no text at all or no reason: refused with all of it, and the file is untouched."""
    before = named.journal.path.read_bytes()
    with pytest.raises(Refused) as caught:
        named.desk.redact(command, named.stamp())
    assert [reason.rule for reason in caught.value.reasons] == rules
    assert named.journal.path.read_bytes() == before


def test_a_redaction_needs_a_right_clock(named):
    """A redaction is a record like any other: none is written while the clock is behind."""
    stamp = named.stamp(recorded_at=named.records[0].stamp.recorded_at)
    with pytest.raises(Refused, match=r"clock\.back"):
        named.desk.redact(RedactBody(record=named.trial.head.seq, texts=(NAME,), reason="r"), stamp)


def test_a_row_of_a_list_loses_its_text_alone(named):
    """In a list of lesions the row's name goes and its measures stay."""
    lesions = [dict(row) for row in named.FIRST["lesions"]]
    lesions[0]["id"] = NAME[:10]
    named.say(Register(stage="first", site="s01", values={**named.FIRST, "lesions": lesions}))
    record = next(record.seq for record in reversed(named.records) if isinstance(record.entry, e.FormSubmitted))
    named.desk.redact(RedactBody(record=record, texts=(NAME[:10],), reason="a name"), named.stamp())
    rows = named.subject("S-0002").values("first_registration")["lesions"]
    assert rows[0]["id"] in ("", "[redacted]")
    assert rows[0]["max_diameter_mm"] == 18.0
    assert rows[1] == named.FIRST["lesions"][1]


def test_two_commands_of_one_form_are_two_occurrences(bench):
    """Another command id is another command, even with the same words."""
    bench.first()
    ask = SubmitForm(subject="S-0001", form="follow_up", values=CONTACT)
    assert [bench.say(ask).entries[0].occurrence for _ in range(2)] == [1, 2]
