"""The desk over the database: what it adds to the core's decisions."""

import gc
from datetime import UTC, datetime, timedelta
from types import FunctionType, ModuleType

import pytest
from django.test import override_settings

from oligami.journal import entries as e
from oligami.journal.codec import JournalError
from oligami.trial.commands import ActivateProtocol, RedactBody, SubmitForm
from oligami.trial.draws import commitment
from oligami.trial.fold import fold
from oligami.trial.refused import Refused
from oligami.web import desk as desk_module
from oligami.web.desk import Desk

NAME = "Mrs. Yamada-Tanaka"
CONTACT = {"contact_date": "2024-06-10", "vital_status": "alive", "remarks": f"{NAME} rang"}


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.at = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)

    def __call__(self):
        """Tell the time."""
        return self.at


def another(desk, **changes):
    """A desk of the same trial, as another process has it."""
    return Desk(desk.journal.trial, using=desk.journal.using, **({"secrets": desk._secrets} | changes))


def test_what_is_answered_stands_in_the_table(bench, desk):
    """The answer of a randomization is its committed records, arm and seal; the trial is the fold of the table."""
    subject = desk.submit(bench.first("s01"), bench.asked()).entries[-1].subject
    receipt = desk.submit(bench.second(subject, "s01"), bench.asked())
    records = list(desk.journal.records())
    assert list(receipt.records) == records[-len(receipt.records) :]
    assert desk.trial == fold(records)
    assert desk.trial.subjects[subject].allocation.arm == receipt.entries[-1].arm
    assert all(record.salt and len(record.salt) == 32 for record in records)
    assert len({record.salt for record in records}) == len(records)


def test_the_same_command_again_gives_the_first_answer(bench, desk):
    """Whatever happened meanwhile, and in whatever process: nothing is written, the same records are given."""
    subject = desk.submit(bench.first("s01"), bench.asked()).entries[-1].subject
    command, who = bench.second(subject, "s01"), bench.asked()
    once = desk.submit(command, who)
    desk.submit(e.SiteClosed(site="s01", reason="left"), bench.asked())
    head = desk.journal.head()
    for each in (desk, another(desk)):
        again = each.submit(command, who)
        assert again.repeated
        assert again.records == once.records
    assert desk.journal.head() == head


def test_a_refusal_writes_nothing_and_may_be_asked_again(bench, desk):
    """A refused command leaves journal and ledger as they were; its id is free."""
    desk.submit(e.AccrualPaused(reason="review"), bench.asked())
    head, who = desk.journal.head(), bench.asked()
    with pytest.raises(Refused, match=r"accrual\.paused"):
        desk.submit(bench.first("s01"), who)
    assert desk.journal.head() == head
    desk.submit(e.AccrualResumed(reason="done"), bench.asked())
    assert not desk.submit(bench.first("s01"), who).repeated


def test_another_trials_protocol_is_refused(bench, database, jcog):
    """A journal belongs to the trial it is kept for, from its first record on; the try leaves nothing."""
    desk = Desk("other", using=database.alias)
    with pytest.raises(Refused, match=r"protocol\.other_trial"):
        desk.submit(ActivateProtocol(protocol=jcog), bench.asked())
    with pytest.raises(Refused, match=r"protocol\.none"):
        desk.submit(e.SiteOpened(site="s01", name="x"), bench.asked())
    assert database.execute("SELECT count(*) FROM journal_head") == [(0,)]


@pytest.mark.parametrize("command", ["", "abc", "A" * 32, "g" * 32, "0" * 33])
def test_a_command_has_an_id_of_128_bits(bench, desk, command):
    """A short or misspelled id is a fault of the client's program."""
    with pytest.raises(ValueError, match="32 hexadecimal"):
        desk.submit(bench.first("s01"), bench.asked(command=command))


def test_a_clock_slightly_behind_is_overlooked_a_wrong_one_is_not(bench, database, jcog):
    """Two servers' clocks may differ by two seconds, and records never go back; beyond that nothing is recorded."""
    clock = Clock()
    desk = bench.open_trial(database.alias, jcog, sites=("s01",), clock=clock)
    newest = clock.at
    for behind in (timedelta(milliseconds=1), timedelta(seconds=2)):
        clock.at = newest - behind
        record = desk.submit(bench.first("s01"), bench.asked()).records[-1]
        assert record.stamp.recorded_at == newest
    clock.at = newest - timedelta(seconds=2, microseconds=1)
    with pytest.raises(Refused, match=r"clock\.back"):
        desk.submit(bench.first("s01"), bench.asked())
    clock.at = newest + timedelta(microseconds=7)
    assert desk.submit(bench.first("s01"), bench.asked()).records[-1].stamp.recorded_at == clock.at
    assert desk.journal.verify().warnings == ()


def test_a_desk_sees_what_others_wrote(bench, desk):
    """Each desk goes on from what it knew to the newest record, when it reads and when it writes."""
    other = another(desk)
    subject = other.submit(bench.first("s01"), bench.asked()).entries[-1].subject
    assert list(desk.trial.subjects) == [subject]
    desk.submit(bench.second(subject, "s01"), bench.asked())
    assert other.trial == desk.trial
    assert other.submit(bench.first("s02"), bench.asked()).entries[-1].subject == "S-0002"


def test_without_the_committed_secret_no_arm_is_drawn(bench, desk):
    """A desk without a secret, or with another one, refuses to randomize; the right one among several is found."""
    subject = desk.submit(bench.first("s01"), bench.asked()).entries[-1].subject
    wrong = bytes(32)
    for secrets in ({}, {commitment(wrong): wrong}):
        with pytest.raises(Refused, match=r"randomization\.secret_absent"):
            another(desk, secrets=secrets).submit(bench.second(subject, "s01"), bench.asked())
    both = {commitment(wrong): wrong, commitment(bench.SECRET): bench.SECRET}
    assert another(desk, secrets=both).submit(bench.second(subject, "s01"), bench.asked()).entries[-1].arm in ("A", "B")


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


def test_a_redacted_text_is_gone_from_table_ledger_and_every_desk(bench, database, desk):
    """The chain and the receipts hold, the fold sees the rest, and no process keeps the words, nor does a row."""
    desk.submit(bench.first("s01"), bench.asked())
    record = desk.submit(SubmitForm(subject="S-0001", form="follow_up", values=CONTACT), bench.asked()).records[-1]
    raised = e.QueryRaised(subject="S-0001", query="q1", form="follow_up", occurrence=1, text=f"Who is {NAME}?")
    query = desk.submit(raised, bench.asked()).records[-1]
    other = another(desk)
    assert any(NAME in word for word in words(other.trial))
    for seq in (record.seq, query.seq):
        command = RedactBody(record=seq, texts=(NAME,), reason="a name was typed")
        who = bench.asked()
        receipt = desk.redact(command, who)
        assert isinstance(receipt.entries[0], e.BodyRedacted)
        assert desk.redact(command, who).repeated
        with pytest.raises(Refused, match=r"redaction\.again"):
            desk.redact(command, bench.asked())
    assert desk.trial == other.trial == fold(desk.journal.records())
    assert desk.trial.subjects["S-0001"].values("follow_up")["remarks"] == "[redacted]"
    assert not any(NAME in word for each in (desk, other) for word in words(vars(each)))
    for table in ("journal_record", "ledger_query", "ledger_form"):
        assert not any(NAME in str(row) for row in database.execute(f"SELECT * FROM {table}"))
    assert desk.journal.verify(head=f"{record.seq}:{record.seal}").redacted == (record.seq, query.seq)
    with pytest.raises(Refused, match=r"redaction\.record"):
        desk.redact(RedactBody(record=999, texts=(NAME,), reason="r"), bench.asked())


def test_a_running_program_does_not_adopt_another_journal(bench, desk, database):
    """When the database is set back behind a running program, it refuses to go on until it is started again."""
    known = another(desk)
    desk.submit(bench.first("s01"), bench.asked())
    assert known.trial == desk.trial
    head = desk.journal.head()
    place = "" if database.vendor == "sqlite" else " ON journal_record"
    database.execute(f"DROP TRIGGER journal_record_kept{place}", alias=database.owner)
    database.execute(f"DELETE FROM journal_record WHERE seq > {head.seq - 1}", alias=database.owner)
    database.execute(
        f"UPDATE journal_head SET seq = {head.seq - 1}, seal = (SELECT seal FROM journal_record WHERE seq = {head.seq - 1})",
        alias=database.owner,
    )
    with pytest.raises(JournalError, match="start the program again"):
        known.submit(bench.first("s01"), bench.asked())
    with pytest.raises(JournalError, match="start the program again"):
        assert known.trial


def test_a_process_has_one_desk_of_a_trial(monkeypatch, tmp_path):
    """`open_desk` hands out the same desk each time, with the secrets of the folder that the settings name."""
    (tmp_path / "trial.secret").write_text("ab" * 32)
    made = []
    monkeypatch.setattr(desk_module, "Desk", lambda trial, *, secrets, guard: made.append((trial, secrets)) or made)
    desk_module.open_desk.cache_clear()
    try:
        with override_settings(OLIGAMI_SECRETS=tmp_path):
            assert desk_module.open_desk("a") is desk_module.open_desk("a")
    finally:
        desk_module.open_desk.cache_clear()
    secret = bytes.fromhex("ab" * 32)
    assert made == [("a", {commitment(secret): secret})]
