"""The database itself refuses what would change the records, whoever asks by SQL."""

import sqlite3

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.utils import ProgrammingError

from oligami.trial.commands import RedactBody, SubmitForm
from oligami.web.configuration import ConfigurationError
from oligami.web.durability import check_database
from oligami.web.journal.guards import NAMES
from oligami.web.journal.models import JournalRecord

NAME = "Mrs. Yamada-Tanaka"
CHANGES = (
    "UPDATE journal_record SET body = '{}' WHERE seq = 3",
    "UPDATE journal_record SET body = NULL WHERE seq = 3",
    "UPDATE journal_record SET subject = 'S-0009'",
    "UPDATE journal_record SET seq = 99 WHERE seq = 4",
    "UPDATE journal_record SET redacts = 2 WHERE seq = 4",
    "DELETE FROM journal_record WHERE seq = 5",
    "DELETE FROM journal_record",
)


@pytest.fixture
def told(bench, desk):
    """A trial of one subject with a name in a remark, and the number of that record."""
    desk.submit(bench.first("s01"), bench.asked())
    values = {"contact_date": "2024-06-10", "vital_status": "alive", "remarks": f"{NAME} rang"}
    receipt = desk.submit(SubmitForm(subject="S-0001", form="follow_up", values=values), bench.asked())
    return desk, receipt.records[-1].seq


@pytest.mark.parametrize("sql", CHANGES)
def test_records_are_neither_updated_nor_deleted(database, told, sql):
    """UPDATE and DELETE fail for the program's role and for the owner of the tables, and change nothing."""
    desk, _ = told
    lines = [row.line for row in desk.journal.rows()]
    for alias in {database.alias, database.owner}:
        with pytest.raises(DatabaseError, match=r"never changed|permission denied"):
            database.execute(sql, alias=alias)
    assert [row.line for row in desk.journal.rows()] == lines


def test_the_program_has_no_right_to_change_records(bench, server):
    """PostgreSQL refuses the program's role by its grants, before any trigger is asked."""
    with bench.new_postgresql(server) as database:
        for sql in ("UPDATE journal_record SET body = NULL", "DELETE FROM journal_record", "TRUNCATE journal_record"):
            with pytest.raises(ProgrammingError, match="permission denied"):
                database.execute(sql)
        with pytest.raises(DatabaseError, match="never changed"):
            database.execute("TRUNCATE journal_record", alias=database.owner)
        for sql in ("DROP TRIGGER journal_record_kept ON journal_record", "ALTER TABLE journal_record DISABLE TRIGGER ALL"):
            with pytest.raises(ProgrammingError, match="must be owner"):
                database.execute(sql)


def test_a_row_is_not_replaced(bench, sqlite, jcog):
    """INSERT OR REPLACE, which removes rows without a DELETE, is refused by number and by command."""
    desk = bench.open_trial(sqlite.alias, jcog, sites=("s01",))
    columns = "trial, seq, body, head, seal, kind, subject, command, part, redacts"
    for seq in ("seq", "4"):  # in place of an old row by its number; as the next row, by its command
        values = columns.replace("seq", seq, 1)
        with pytest.raises(IntegrityError, match="must be the next one"):
            sqlite.execute(f"INSERT OR REPLACE INTO journal_record ({columns}) SELECT {values} FROM journal_record WHERE seq = 2")
    assert desk.journal.head().seq == 3
    assert desk.journal.verify().ok


def test_a_record_comes_only_after_the_newest(told):
    """A gap, a second record of a number, and a command written twice are refused on insertion."""
    desk, last = told
    row = JournalRecord.objects.using(desk.journal.using).get(trial="jcog2110", seq=last)
    for seq, command in ((last + 2, "ab" * 16), (last, "ab" * 16), (0, "ab" * 16), (last + 1, row.command)):
        wrong = JournalRecord(
            trial="jcog2110", seq=seq, body=row.body, head=row.head, seal=row.seal, kind=row.kind, command=command, part=row.part
        )
        with pytest.raises(IntegrityError, match=r"must be the next|journal_record"):
            desk.journal.insert([wrong])
    assert desk.journal.verify().ok


def test_a_body_goes_only_with_the_record_that_redacts_it(bench, database, told):
    """A redaction removes the body by itself, once, of that record alone; nothing else may then be changed either."""
    desk, record = told
    head = desk.journal.head()
    desk.redact(RedactBody(record=record, texts=(NAME,), reason="a name was typed"), bench.asked())
    bodies = dict(database.execute("SELECT seq, body FROM journal_record"))
    assert [seq for seq, body in bodies.items() if body is None] == [record]
    assert not any(NAME in body for body in bodies.values() if body)
    assert desk.journal.verify(head=f"{head.seq}:{head.seal}").redacted == (record,)
    for sql in (
        f"UPDATE journal_record SET body = '{{}}' WHERE seq = {record}",
        f"UPDATE journal_record SET body = NULL, head = '{{}}' WHERE seq = {record}",
        f"UPDATE journal_record SET body = NULL WHERE seq = {record - 1}",
        f"UPDATE journal_record SET redacts = {record - 1} WHERE seq = {record + 1}",
    ):
        with pytest.raises(DatabaseError, match="never changed"):
            database.execute(sql, alias=database.owner)


def test_who_writes_without_taking_turns_is_refused(bench, server, jcog):
    """The control of the storm: two writers that both skip the lock cannot both write; the later one is turned away."""
    with bench.new_postgresql(server) as database:
        desk = bench.open_trial(database.alias, jcog, sites=("s01",))
        head = desk.journal.head()
        other = type(desk)("jcog2110", using=database.owner)
        stamp = next(desk.journal.records()).stamp
        entry = [record.entry for record in desk.journal.records()][-1]

        def write(journal, command):
            again = type(stamp)(recorded_at=stamp.recorded_at, author="a", role="r", channel="web", command=command)
            journal.write(head, [entry], again, ["0" * 32])

        with connections[database.owner].cursor() as cursor:
            cursor.execute("SET lock_timeout = '300ms'")
        with transaction.atomic(using=database.alias):
            write(desk.journal, "a" * 32)
            with pytest.raises(DatabaseError, match="lock timeout"), transaction.atomic(using=database.owner):
                write(other.journal, "b" * 32)  # waits for the first, whose number it wants
        with pytest.raises(IntegrityError), transaction.atomic(using=database.owner):
            write(other.journal, "b" * 32)
        assert desk.journal.verify().records == head.seq + 1


@pytest.mark.parametrize("name", NAMES)
def test_a_desk_does_not_open_without_the_guards(database, name):
    """A database whose triggers were removed is refused by name."""
    place = "" if database.vendor == "sqlite" else " ON journal_record"
    database.execute(f"DROP TRIGGER {name}{place}", alias=database.owner)
    with pytest.raises(ConfigurationError, match=name):
        check_database(database.alias)


def test_a_disabled_guard_counts_as_missing(bench, server):
    """PostgreSQL's owner can disable a trigger; the desk sees that as well."""
    with bench.new_postgresql(server) as database:
        check_database(database.alias)
        database.execute("ALTER TABLE journal_record DISABLE TRIGGER journal_record_kept", alias=database.owner)
        with pytest.raises(ConfigurationError, match="journal_record_kept"):
            check_database(database.alias)


@pytest.mark.parametrize("pragma", ["journal_mode=DELETE", "synchronous=NORMAL", "foreign_keys=OFF"])
def test_a_connection_that_would_lose_entries_is_refused(sqlite, pragma):
    """What counts is what the database answers, not what the settings say."""
    check_database(sqlite.alias)
    sqlite.execute(f"PRAGMA {pragma}")
    with pytest.raises(ConfigurationError, match=pragma.split("=")[0]):
        check_database(sqlite.alias)


def test_a_server_that_would_lose_entries_is_refused(bench, server):
    """PostgreSQL with synchronous_commit off acknowledges what it may lose."""
    with bench.new_postgresql(server) as database:
        database.execute("SET synchronous_commit = off")
        with pytest.raises(ConfigurationError, match="synchronous_commit"):
            check_database(database.alias)


def behind_the_back(path, sql, *values):
    """Change the file of an embedded database as someone with the disk in hand would, its triggers dropped."""
    connection = sqlite3.connect(path)
    with connection:
        for name in NAMES:
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        assert connection.execute(sql, values).rowcount
    connection.close()


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ("UPDATE journal_record SET body = replace(body, 'positive', 'negative') WHERE seq = 6", 6),
        ("UPDATE journal_record SET body = CAST(x'ff' || substr(body, 2) AS TEXT) WHERE seq = 6", 6),
        ("UPDATE journal_record SET body = NULL WHERE seq = 6", 6),
        ("UPDATE journal_record SET head = replace(head, 'dr-kimura', 'dr-kimurA') WHERE seq = 7", 7),
        ("UPDATE journal_record SET seal = upper(seal) WHERE seq = 2", 2),
        ("UPDATE journal_record SET subject = 'S-0002' WHERE seq = 6", 6),
        ("UPDATE journal_record SET kind = 'Registered' WHERE seq = 6", 6),
        ("UPDATE journal_record SET command = 'x' WHERE seq = 6", 6),
        ("DELETE FROM journal_record WHERE seq = 4", 4),
        ("DELETE FROM journal_record WHERE seq = 7", None),
        ("UPDATE journal_head SET seq = 6, seal = (SELECT seal FROM journal_record WHERE seq = 6)", None),
    ],
)
def test_what_is_changed_behind_the_programs_back_is_found(bench, sqlite, jcog, sql, broken):
    """A changed byte, a removed body, record or tail, a changed column: `verify` says so, and where; a new desk refuses to work."""
    desk = bench.open_trial(sqlite.alias, jcog, sites=("s01", "s02"))
    desk.submit(bench.first("s01"), bench.asked())
    assert desk.journal.verify().ok
    assert desk.journal.head().seq == 7
    connections[sqlite.alias].close()
    behind_the_back(sqlite.path, sql)
    found = desk.journal.verify()
    assert not found.ok
    assert found.first_broken == broken
    assert found.problem is not None
    assert found.problem.ja
    with pytest.raises(ConfigurationError, match="journal_record_kept"):
        type(desk)("jcog2110", using=sqlite.alias)
