"""A journal in the database is the journal of a file, byte for byte."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from oligami.journal import entries as e
from oligami.journal.codec import JournalError
from oligami.journal.record import Stamp
from oligami.journal.store import FileJournal, Head, MemoryJournal
from oligami.journal.verify import verify_file
from oligami.protocol.digest import protocol_to_json
from oligami.trial.fold import fold
from oligami.web.journal import store
from oligami.web.journal.models import JournalRecord
from oligami.web.journal.store import DatabaseJournal
from oligami.web.ledger.models import Form, Posted
from oligami.web.transfer import export_journal, import_journal

AT = datetime(2024, 6, 10, 3, 0, tzinfo=UTC)
NAME = '田中 \u0000 "quoted" \\ ,"head":{ 😀'


def stamp(number, **changes):
    """Return the stamp of command `number`."""
    values = {"recorded_at": AT, "author": "dr", "role": "investigator", "channel": "web", "command": f"{number:032x}"}
    return Stamp(**(values | changes))


def write(journal, protocol):
    """Write a small trial with awkward texts, a doubly redacted record and a caller; the same into any journal."""
    activated = e.ProtocolActivated(
        trial=protocol.id, version=protocol.version, digest=protocol.digest, protocol=protocol_to_json(protocol)
    )
    journal.append([activated], stamp(1), ["01" * 16])
    consent = e.ConsentGiven(subject="S-0001", document="1.0", consent_date=date(2024, 6, 3))
    form = e.FormSubmitted(
        subject="S-0001", form="follow_up", occurrence=1, protocol_version="1.0", values={"remarks": NAME, "n": 1.5}
    )
    journal.append([e.SiteOpened(site="s01", name="中央病院")], stamp(2, author="データ", caller='木村 "K"'), ["02" * 16])
    journal.append([consent, form], stamp(3, seen=2), ["03" * 16, "04" * 16])
    left = {"type": "FormSubmitted", "v": 1, "subject": "S-0001", "form": "follow_up", "occurrence": 1, "protocol_version": "1.0"}
    once = {**left, "values": {"remarks": "[redacted]", "n": 1.5}}
    first = e.BodyRedacted(record=4, reason=f"{NAME} asked", remainder=once, subject="S-0001")
    journal.redact(first, stamp(4), salt="05" * 16)
    rest = {"type": "BodyRedacted", "v": 1, "record": 4, "reason": "[redacted]", "remainder": once, "subject": "S-0001"}
    journal.redact(e.BodyRedacted(record=5, reason="again", remainder=rest, subject="S-0001"), stamp(5), salt="06" * 16)
    journal.append([e.AccrualPaused(reason="review"), e.AccrualResumed(reason="done")], stamp(6), ["07" * 16, "08" * 16])
    return journal


def test_the_same_words_have_the_same_records_in_every_journal(database, jcog, tmp_path, monkeypatch):
    """Memory, file and database give equal records and trials; the database's lines are the file's lines, also by small pages."""
    kept = [write(MemoryJournal(), jcog), write(FileJournal(tmp_path / "a.jsonl", create=True), jcog)]
    journal = write(DatabaseJournal(jcog.id, using=database.alias), jcog)
    for size in (2000, 3, 1):
        monkeypatch.setattr(store, "_PAGE", size)
        records = list(journal.records())
        assert all(list(other.records()) == records for other in kept)
        assert b"".join(row.line for row in journal.rows()) == (tmp_path / "a.jsonl").read_bytes()
        assert list(journal.records(5)) == records[:5]
        assert list(journal.records(after=Head(3, records[2].seal))) == records[3:]
        assert list(journal.records(7, after=Head(3, records[2].seal))) == records[3:7]
    assert journal.head() == kept[1].head()
    assert journal.of_command(f"{3:032x}") == tuple(records[2:4])
    assert journal.of_command("f" * 32) == ()
    assert fold(records).study.redacted == {4, 5}
    assert journal.verify().redacted == (4, 5)


def test_export_and_import_give_the_same_bytes(database, jcog, tmp_path):
    """A file goes into the database and comes out the same; the copy verifies, and the ledger is posted."""
    write(FileJournal(tmp_path / "a.jsonl", create=True), jcog).close()
    assert import_journal(tmp_path / "a.jsonl", using=database.alias) == jcog.id
    head = export_journal(jcog.id, tmp_path / "b.jsonl", using=database.alias)
    assert (tmp_path / "b.jsonl").read_bytes() == (tmp_path / "a.jsonl").read_bytes()
    assert verify_file(tmp_path / "b.jsonl", head=f"{head.seq}:{head.seal}").ok
    assert Posted.objects.using(database.alias).get().seq == head.seq
    assert Form.objects.using(database.alias).get().form == "follow_up"
    # It goes on as any other.
    journal = DatabaseJournal(jcog.id, using=database.alias)
    journal.append([e.AccrualPaused(reason="review")], stamp(9), ["09" * 16])
    assert journal.verify().records == head.seq + 1


def test_a_simulated_trial_is_taken_in_and_given_back(sqlite, simulated, tmp_path):
    """A simulated trial of some thousand records keeps each byte."""
    import_journal(simulated, using=sqlite.alias)
    export_journal("jcog2110", tmp_path / "b.jsonl", using=sqlite.alias)
    assert (tmp_path / "b.jsonl").read_bytes() == simulated.read_bytes()


def broken_files(path):
    """Yield the name of a fault, and lines that have it."""
    lines = path.read_bytes().splitlines(keepends=True)
    yield "changed", [*lines[:2], lines[2].replace(b"S-0001", b"S-0002"), *lines[3:]]
    yield "lost", [*lines[:3], *lines[4:]]
    yield "headless", []
    yield "torn", [*lines[:-1], lines[-1][:-5]]
    yield "not a trial", [line for line in lines if b"SiteOpened" in line]


def test_a_broken_file_is_not_taken_in(database, jcog, tmp_path):
    """A changed, lost or torn record, an empty file: refused with a sentence in both languages, and the database stays empty."""
    write(FileJournal(tmp_path / "a.jsonl", create=True), jcog).close()
    for name, lines in broken_files(tmp_path / "a.jsonl"):
        path = tmp_path / f"{name}.jsonl"
        path.write_bytes(b"".join(lines))
        with pytest.raises(JournalError) as caught:
            import_journal(path, using=database.alias)
        assert caught.value.text.en != caught.value.text.ja, name
        assert not JournalRecord.objects.using(database.alias).exists()
        assert not Posted.objects.using(database.alias).exists()


def test_a_journal_that_does_not_fold_is_not_taken_in(database, jcog, tmp_path):
    """Records that hold together but speak of nobody in the trial are refused at the record, before anything is kept."""
    with write(FileJournal(tmp_path / "a.jsonl", create=True), jcog) as journal:
        journal.append([e.FormLocked(subject="S-0099", form="follow_up", occurrence=1)], stamp(9), ["09" * 16])
    with pytest.raises(JournalError, match="S-0099") as caught:
        import_journal(tmp_path / "a.jsonl", using=database.alias)
    assert caught.value.record == 9
    assert not JournalRecord.objects.using(database.alias).exists()


def test_a_redaction_that_left_its_body_is_not_taken_in(database, jcog, tmp_path):
    """A file with a body that was said to be removed would come out otherwise than it went in; so it does not go in."""
    with FileJournal(tmp_path / "a.jsonl", create=True) as journal:
        write(journal, jcog)
        entry = next(record.entry for record in journal.records() if isinstance(record.entry, e.SiteOpened))
        left = {"type": "SiteOpened", "v": 1, "site": "s01", "name": "[redacted]"}
        assert entry.name == "中央病院"
        journal.append([e.BodyRedacted(record=2, reason="r", remainder=left)], stamp(9), ["09" * 16])
    with pytest.raises(JournalError, match="same bytes"):
        import_journal(tmp_path / "a.jsonl", using=database.alias)
    assert not JournalRecord.objects.using(database.alias).exists()


def test_a_trial_is_taken_in_once_and_no_file_is_overwritten(database, jcog, tmp_path):
    """A second import of a trial, and an export over a file, are refused."""
    write(FileJournal(tmp_path / "a.jsonl", create=True), jcog).close()
    import_journal(tmp_path / "a.jsonl", using=database.alias)
    shutil.copy(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    with pytest.raises(JournalError, match="already"):
        import_journal(tmp_path / "b.jsonl", using=database.alias)
    with pytest.raises(JournalError, match="exists"):
        export_journal(jcog.id, tmp_path / "b.jsonl", using=database.alias)
    with pytest.raises(JournalError, match="no journal"):
        export_journal("other", tmp_path / "c.jsonl", using=database.alias)


def test_two_trials_lie_side_by_side(database, jcog):
    """Each trial has numbers, commands and a chain of its own in the one table."""
    journals = [write(DatabaseJournal(trial, using=database.alias), jcog) for trial in ("jcog2110", "other")]
    assert [journal.verify().records for journal in journals] == [8, 8]
    assert journals[0].head() == journals[1].head()


def test_an_append_is_all_or_nothing(database, jcog):
    """An entry that cannot be written takes its whole command with it; so does a wrong redaction."""
    journal = write(DatabaseJournal(jcog.id, using=database.alias), jcog)
    head = journal.head()
    with pytest.raises(JournalError):
        journal.append([e.AccrualPaused(reason="r"), e.AccrualPaused(reason="\ud800")], stamp(9), ["09" * 16, "10" * 16])
    with pytest.raises(ValueError, match="as many salts"):
        journal.append([e.AccrualPaused(reason="r")], stamp(9), [])
    for record in (0, 4, 99):
        wrong = e.BodyRedacted(record=record, reason="r", remainder={"type": "SiteOpened", "v": 1, "site": "s01", "name": ""})
        with pytest.raises(JournalError):
            journal.redact(wrong, stamp(9), salt="09" * 16)
    assert journal.append([], stamp(9), []) == ()
    assert journal.head() == head


def test_turns_are_taken_in_transactions_alone(server, bench, jcog):
    """A lock outside a transaction would be none."""
    with bench.new_postgresql(server) as database:
        journal = DatabaseJournal(jcog.id, using=database.alias)
        with pytest.raises(transaction.TransactionManagementError):
            journal.lock()


def test_a_head_that_does_not_fit_is_refused(sqlite, jcog):
    """When the head's row does not name the newest record, nobody reads on or writes as if nothing were wrong."""
    journal = write(DatabaseJournal(jcog.id, using=sqlite.alias), jcog)
    sqlite.execute("UPDATE journal_head SET seal = 'x'")
    for act in (journal.head, lambda: list(journal.records()), lambda: journal.append([], stamp(9), [])):
        with pytest.raises(JournalError, match="newest record"):
            act()
    assert not journal.verify().ok


def test_the_commands_speak(database, jcog, tmp_path, capsys):
    """Import, verify, export, rebuild: each says what it did, and in Japanese if asked; what is wrong ends it with a sentence."""
    write(FileJournal(tmp_path / "a.jsonl", create=True), jcog).close()
    call_command("import_journal", tmp_path / "a.jsonl", database=database.alias)
    call_command("verify_journal", jcog.id, database=database.alias, lang="ja")
    call_command("export_journal", jcog.id, tmp_path / "b.jsonl", database=database.alias)
    call_command("rebuild_ledger", jcog.id, database=database.alias)
    said = capsys.readouterr().out
    assert "is in the database" in said
    assert "異常なし" in said
    assert "8 records" in said
    assert "record 8" in said
    for name, *arguments in (
        ("export_journal", "other", tmp_path / "c"),
        ("rebuild_ledger", "other"),
        ("import_journal", tmp_path),
    ):
        with pytest.raises(CommandError):
            call_command(name, *arguments, database=database.alias, lang="ja")
    with pytest.raises(CommandError, match="封印"):
        call_command("verify_journal", jcog.id, head=f"3:{'a' * 64}", database=database.alias, lang="ja")


def test_the_migrations_are_those_of_the_models(sqlite):
    """No change of a table waits for a migration."""
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_a_record_said_to_be_another_is_found(sqlite, jcog):
    """The columns beside a record are what its bytes say, for every record, redacted ones too."""
    journal = write(DatabaseJournal(jcog.id, using=sqlite.alias), jcog)
    for row, record in zip(journal.rows(), journal.records(), strict=True):
        assert store.columns(record) == (row.kind, row.subject, row.command, row.redacts)
    changed = replace(next(journal.records()), stamp=stamp(77))
    assert store.columns(changed)[2] == f"{77:032x}"
