"""Posts to the ledger what a transaction changed, and rebuilds it from the trial.

Both write what `rows` says of the trial: posting the difference between two states, rebuilding the difference from nothing. So
a rebuilt ledger is the posted one, row for row; a test holds it.
"""

from collections import defaultdict
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction

from oligami.trial.state import Trial
from oligami.web.ledger import models
from oligami.web.ledger.rows import Key, Rows, death_forms, site_rows, subject_rows

#: Raised whenever the tables or what stands in them change: a ledger of another layout is rebuilt with the next command.
LAYOUT = 1
_TABLES: dict[str, type[Any]] = {
    "Site": models.Site,
    "Subject": models.Subject,
    "Registration": models.Registration,
    "Form": models.Form,
    "DataQuery": models.DataQuery,
}


def post(before: Trial, after: Trial, *, trial: str, using: str = DEFAULT_DB_ALIAS) -> None:
    """Bring the ledger from one state of a trial to the next, inside the transaction that writes the records.

    A ledger that does not stand where `before` does (dropped, of an older layout) is rebuilt.
    """
    marks = models.Posted.objects.using(using)
    # One statement asks where the ledger stands and moves it on.
    if not marks.filter(trial=trial, seq=before.head.seq, layout=LAYOUT).update(seq=after.head.seq):
        _clear(trial, using)
        before = Trial()
        marks.create(trial=trial, seq=after.head.seq, layout=LAYOUT)
    _write(_difference(before, after), trial, using)


def rebuild(after: Trial, *, using: str = DEFAULT_DB_ALIAS) -> None:
    """Make a trial's ledger anew from its folded state. Readers see the old ledger or the new one."""
    trial = after.study.trial
    with transaction.atomic(using=using):
        _clear(trial, using)
        post(Trial(), after, trial=trial, using=using)


def _clear(trial: str, using: str) -> None:
    tables: list[type[Any]] = [*_TABLES.values(), models.Posted]
    for table in tables:
        table.objects.using(using).filter(trial=trial).delete()


def _difference(before: Trial, after: Trial) -> tuple[Rows, set[Key]]:
    """Return the rows that are new or other than before, and the keys of rows that are no more.

    States are frozen: the same object has the same rows, and need not be looked at.
    """
    deaths = death_forms(after)
    known_deaths = deaths if before.study.versions is after.study.versions else death_forms(before)
    old: Rows = {}
    new: Rows = {}
    same_sites = before.study.sites is after.study.sites
    for name, subject in after.subjects.items():
        known = before.subjects.get(name)
        if known is subject and deaths == known_deaths:
            continue
        new.update(subject_rows(subject, deaths))
        if known is not None:
            old.update(subject_rows(known, known_deaths))
            same_sites &= known.stages is subject.stages and known.allocations is subject.allocations
        else:
            same_sites = False
    if not same_sites:
        old.update(site_rows(before))
        new.update(site_rows(after))
    return {key: row for key, row in new.items() if old.get(key) != row}, old.keys() - new.keys()


def _write(difference: tuple[Rows, set[Key]], trial: str, using: str) -> None:
    rows, gone = difference
    by_table: dict[str, list[Any]] = defaultdict(list)
    for (name, key), row in rows.items():
        table = _TABLES[name]
        by_table[name].append(table(**dict(zip(table.KEY, (trial, *key), strict=True)), **row))
    for name, written in by_table.items():
        table = _TABLES[name]
        columns = [field.name for field in table._meta.fields if field.name not in (*table.KEY, "id")]
        table.objects.using(using).bulk_create(
            written, batch_size=500, update_conflicts=True, unique_fields=table.KEY, update_fields=columns
        )
    for name, key in gone:
        table = _TABLES[name]
        table.objects.using(using).filter(**dict(zip(table.KEY, (trial, *key), strict=True))).delete()
