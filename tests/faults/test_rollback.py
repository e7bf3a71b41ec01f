"""A fault in the middle of a command leaves nothing of it, and the same command succeeds once the fault is gone."""

import itertools

import pytest
from django.db import OperationalError, connections, transaction

from oligami.trial.commands import RedactBody
from oligami.web import desk as desk_module
from oligami.web.journal.store import DatabaseJournal
from oligami.web.ledger.models import Form, Posted, Subject


class Fault(Exception):
    """The fault that is put in."""


def fail(*_, **__):
    """Do as a broken part does."""
    raise Fault


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (desk_module, "decide"),
        (DatabaseJournal, "insert"),
        (DatabaseJournal, "move_head"),
        (desk_module, "fold"),
        (desk_module, "post"),
    ],
)
def test_a_fault_leaves_no_trace(bench, database, desk, monkeypatch, owner, name):
    """Whether it strikes before or after the records or at the ledger: no record, no row, no change of the trial in memory."""
    subject = desk.submit(bench.first("s01"), bench.asked()).entries[-1].subject
    command, who = bench.second(subject, "s01"), bench.asked()
    before, head, lines = desk.trial, desk.journal.head(), [row.line for row in desk.journal.rows()]
    rows = list(Form.objects.using(database.alias).values())
    with monkeypatch.context() as broken:
        broken.setattr(owner, name, fail)
        with pytest.raises(Fault):
            desk.submit(command, who)
    assert desk.trial is before
    assert desk.journal.head() == head
    assert [row.line for row in desk.journal.rows()] == lines
    assert list(Form.objects.using(database.alias).values()) == rows
    receipt = desk.submit(command, who)
    assert not receipt.repeated
    assert receipt.records[0].seq == head.seq + 1
    assert Posted.objects.using(database.alias).get().seq == receipt.records[-1].seq
    assert Subject.objects.using(database.alias).get().arm == receipt.entries[-1].arm


def test_a_fault_in_a_redaction_leaves_the_body(bench, database, desk, monkeypatch):
    """A redaction that fails at the ledger has removed nothing."""
    desk.submit(bench.first("s01"), bench.asked())
    head, lines = desk.journal.head(), [row.line for row in desk.journal.rows()]
    monkeypatch.setattr(desk_module, "post", fail)
    with pytest.raises(Fault):
        desk.redact(RedactBody(record=head.seq - 1, texts=("L1",), reason="a name"), bench.asked())
    assert [row.line for row in desk.journal.rows()] == lines


def test_an_answer_is_not_given_inside_anothers_transaction(bench, database, desk):
    """What could still be undone after the answer is refused, for it would not be an acknowledgement."""
    with transaction.atomic(using=database.alias), pytest.raises(RuntimeError, match="durable"):
        desk.submit(bench.first("s01"), bench.asked())


def test_a_database_that_is_busy_is_asked_again_but_not_for_ever(bench, database, desk, monkeypatch):
    """A lock held by another is waited for a few times; the caller then gets the database's own error, and nothing is written."""
    attempts = itertools.count(1)
    waits = []
    monkeypatch.setattr(desk_module.time, "sleep", waits.append)
    real = DatabaseJournal.lock

    def busy(until):
        def lock(journal):
            if next(attempts) <= until:
                cause = Exception()
                cause.sqlite_errorcode, cause.sqlstate = (5, None) if database.vendor == "sqlite" else (0, "40P01")
                raise OperationalError("busy") from cause
            return real(journal)

        return lock

    monkeypatch.setattr(DatabaseJournal, "lock", busy(2))
    assert not desk.submit(bench.first("s01"), bench.asked()).repeated
    assert len(waits) == 2
    head = desk.journal.head()
    attempts = itertools.count(1)
    monkeypatch.setattr(DatabaseJournal, "lock", busy(999))
    with pytest.raises(OperationalError, match="busy"):
        desk.submit(bench.first("s01"), bench.asked())
    assert next(attempts) == desk_module.ATTEMPTS + 1
    assert desk.journal.head() == head


def test_other_errors_of_the_database_are_not_tried_again(bench, database, desk, monkeypatch):
    """A full disk does not get better by asking; it is said at once."""
    calls = []

    def full(journal):
        calls.append(journal)
        raise OperationalError("database or disk is full") from Exception()

    monkeypatch.setattr(DatabaseJournal, "lock", full)
    with pytest.raises(OperationalError, match="full"):
        desk.submit(bench.first("s01"), bench.asked())
    assert len(calls) == 1


def test_a_full_disk_leaves_the_journal_as_it_was(bench, sqlite, jcog):
    """An embedded database that takes no more fails the command whole; with room, the same command goes through."""
    desk = bench.open_trial(sqlite.alias, jcog, sites=("s01",))
    head, command, who = desk.journal.head(), bench.first("s01"), bench.asked()
    (pages,) = sqlite.execute("PRAGMA page_count")[0]
    sqlite.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OperationalError, match="full"):
        desk.submit(command, who)
    assert desk.journal.head() == head
    sqlite.execute("PRAGMA max_page_count = 100000")
    assert not desk.submit(command, who).repeated
    assert desk.journal.verify().ok


def test_a_lost_connection_is_made_anew(bench, server, jcog):
    """After the server has cut a connection the command fails unwritten, and the next request goes on with a new connection."""
    with bench.new_postgresql(server) as database:
        desk = bench.open_trial(database.alias, jcog, sites=("s01",))
        head, command, who = desk.journal.head(), bench.first("s01"), bench.asked()
        (pid,) = database.execute("SELECT pg_backend_pid()")[0]
        server.execute(f"SELECT pg_terminate_backend({pid}, 5000)")
        with pytest.raises(OperationalError):
            desk.submit(command, who)
        connections[database.alias].close_if_unusable_or_obsolete()  # as Django does between requests
        assert desk.journal.head() == head
        assert not desk.submit(command, who).repeated
