"""Journals into the database and out of it, byte for byte."""

import hashlib
from collections import Counter
from itertools import islice
from pathlib import Path

from django.db import DEFAULT_DB_ALIAS, transaction

from oligami.journal.codec import JournalError
from oligami.journal.entries import ProtocolActivated
from oligami.journal.store import FileJournal, Head
from oligami.journal.verify import unreadable
from oligami.protocol.text import Text
from oligami.trial.fold import advance
from oligami.trial.state import Trial
from oligami.web.journal.store import DatabaseJournal, no_journal
from oligami.web.ledger.post import rebuild

_BATCH = 1000


def export_journal(trial: str, path: Path, *, using: str = DEFAULT_DB_ALIAS) -> Head:
    """Write a trial's journal to a new file, as it stands now, and return its head.

    The bytes are copied, not spelled again; a journal that does not hold is copied as it is, for `verify_file` to judge.

    Raises:
        JournalError: the trial has no journal, or the file exists or cannot be written.
    """
    journal = DatabaseJournal(trial, using=using)
    head = journal.head()
    if head.seq == 0:
        raise no_journal(trial)
    try:
        with path.open("xb") as file:
            file.writelines(row.line for row in journal.rows(through=head.seq))
    except FileExistsError:
        text = Text("the file exists already; name another", "ファイルが既に存在します。別の名前を指定してください")
        raise JournalError(text, file=str(path)) from None
    except OSError as error:
        raise unreadable(path, error) from error
    return head


def import_journal(path: Path, *, using: str = DEFAULT_DB_ALIAS) -> str:
    """Bring a file's whole journal into a database that has none of that trial, post its ledger, and return the trial's id.

    Everything or nothing: in the end the database must give back the very bytes that were read.

    Raises:
        JournalError: the file is broken, begins without an activated protocol, does not fold, or the trial is there already.
    """
    source = FileJournal(path)
    first = next(source.records(), None)
    if first is None or not isinstance(first.entry, ProtocolActivated):
        text = Text(
            "the journal does not begin with an activated protocol", "ジャーナルがプロトコールの有効化から始まっていません"
        )
        raise JournalError(text, file=str(path), record=None if first is None else 1)
    journal = DatabaseJournal(first.entry.trial, using=using)
    read, given = hashlib.sha256(), hashlib.sha256()
    parts: Counter[str] = Counter()
    folded = Trial()
    with path.open("rb") as file, transaction.atomic(using=using, durable=True):
        if journal.lock().seq:
            text = Text("the database holds a journal of this trial already", "この試験のジャーナルは既にデータベースにあります")
            raise JournalError(text, file=str(path))
        pairs = zip(source.records(), file, strict=True)
        stamp = first.stamp
        while batch := list(islice(pairs, _BATCH)):
            rows = []
            for record, line in batch:
                parts[record.stamp.command] += 1
                read.update(line)
                rows.append(journal.row_of(record, line, parts[record.stamp.command]))
                try:
                    folded = advance(folded, record)
                except ValueError as error:
                    text = Text("it has no place in the trial: {why}", "試験の中に位置づけられません: {why}").format(why=error)
                    raise JournalError(text, record=record.seq, file=str(path)) from error
                stamp = record.stamp
            journal.insert(rows)
        journal.move_head(source.head(), stamp)
        for row in journal.rows():
            given.update(row.line)
        if read.digest() != given.digest():
            # A record that is said to be redacted while its body stands would lose it here.
            text = Text(
                "the database would not give back the same bytes; see `oligami journal verify` for what is odd about the file",
                "データベースから同じバイト列を取り出せません。`oligami journal verify` でファイルを確認してください",
            )
            raise JournalError(text, file=str(path))
        rebuild(folded, using=using)
    return journal.trial
