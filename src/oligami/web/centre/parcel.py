"""A site's whole data in one archive: forms, data queries, signatures, audit trail, and the chain of records to check them by.

The same journal, site and record give the same bytes, so nothing is kept: the archive is packed again when it is fetched, and
its digest says whether it is still the one that was recorded.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, tzinfo
from pathlib import Path
from typing import IO, Any

from oligami.journal import entries as e
from oligami.journal.record import Record
from oligami.trial.past import fold_some
from oligami.trial.state import FormState, Subject, Trial
from oligami.web.centre.own import Counts, Scope, copy_lines
from oligami.web.centre.parcel_words import readme
from oligami.web.centre.raising import form_of
from oligami.web.centre.tables import defused
from oligami.web.journal.store import DatabaseJournal

#: The program that checks a copy; a test holds it equal to `docs/reference/verify_journal.py`.
VERIFIER = Path(__file__).with_name("shipped") / "verify_journal.py.txt"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the archive's own times say nothing, so that the same data give the same bytes
_AUDIT = (
    *("record", "at_utc", "at_local", "author", "name", "role", "channel", "caller", "entry", "subject", "form"),
    *("occurrence", "item", "old", "new", "why", "command", "seal"),
)
_FORM = ("subject", "occurrence", "visit", "protocol_version", "record", "submitted_utc", "verified", "signed", "locked")
#: Fields of an entry that stand in columns of their own, or are too long for a cell: the chain holds them.
_ELSEWHERE = frozenset(
    ("subject", "form", "occurrence", "item", "reason", "evidence", "values", "old", "new", "warnings", "factors")
)


def pack(
    journal: DatabaseJournal, trial: Trial, scope: Scope, through: int, out: IO[bytes], *, zone: tzinfo, names: Mapping[str, str]
) -> tuple[str, Counts]:
    """Write the archive and return its SHA-256 and what it came to.

    Args:
        journal: the trial's.
        trial: as it stands; gives the forms' definitions.
        scope: whose data, and what of them may leave.
        through: number of the last record.
        out: a file to write to, seekable.
        zone: of the local times.
        names: of people, by their ids.

    Raises:
        JournalError: a record does not hold.
        TextRemoved: a text was removed after `through`.
    """
    own: list[Record] = []
    counts = Counts()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        with archive.open(_named("journal.jsonl"), "w") as file:
            # A few large writes: each write of an archive costs more than the line it writes.
            buffer = bytearray()
            for line in copy_lines(journal, scope, through, own, counts):
                buffer += line
                if len(buffer) > 1 << 20:
                    file.write(buffer)
                    buffer.clear()
            file.write(buffer)
        subjects = fold_some(record for record in own if getattr(record.entry, "subject", None) is not None).subjects
        for name, columns, rows in (
            ("subjects.csv", *_subjects(subjects.values(), scope)),
            ("items.csv", *_items(subjects.values(), trial)),
            ("queries.csv", *_queries(subjects.values())),
            ("signatures.csv", *_signatures(own, subjects, names)),
            ("audit.csv", _AUDIT, (row for record in own for row in _audit(record, scope, zone, names))),
            *_forms(subjects.values(), trial),
        ):
            archive.writestr(_named(name), _csv(columns, rows))
        archive.writestr(_named("verify_journal.py"), VERIFIER.read_bytes())
        archive.writestr(_named("README.txt"), "\ufeff" + readme(journal.trial, scope, through, counts))
    out.seek(0)
    digest = hashlib.sha256()
    while block := out.read(1 << 20):
        digest.update(block)
    return digest.hexdigest(), counts


def _named(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    out.write("\ufeff")  # or a spreadsheet reads the Japanese wrongly
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([defused(cell) for cell in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """Return a value as a cell: lists and objects as JSON."""
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else value


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _subjects(subjects: Iterable[Subject], scope: Scope) -> tuple[Sequence[str], list[list[object]]]:
    columns = ("subject", "stage", "registration_date", "protocol_version", "annulled", "record", "arm")
    rows: list[list[object]] = []
    for subject in subjects:
        arms = {allocation.stage: allocation.arm for allocation in subject.allocations if not allocation.in_error}
        rows.extend(
            [
                subject.id,
                stage.stage,
                stage.registration_date,
                stage.protocol_version,
                stage.annulled,
                stage.seq,
                arms.get(stage.stage, "") if scope.arms else "",
            ]
            for stage in subject.stages.values()
        )
    return columns, rows


def _items(subjects: Iterable[Subject], trial: Trial) -> tuple[Sequence[str], list[list[object]]]:
    # Of the versions that its forms were filled under: one that comes into force later changes nothing in an older copy.
    used = {state.protocol_version for subject in subjects for state in subject.forms.values()}
    rows: list[list[object]] = []
    for version, protocol in trial.study.versions.items():
        if version not in used:
            continue
        for form in protocol.forms:
            for item in form.item:
                unit = getattr(item, "unit", None) or ""
                rows.append(
                    [version, form.id, form.title.ja, form.title.en, item.id, item.label.ja, item.label.en, item.type, unit]
                )
    columns = ("protocol_version", "form", "form_ja", "form_en", "item", "label_ja", "label_en", "type", "unit")
    return columns, rows


def _queries(subjects: Iterable[Subject]) -> tuple[Sequence[str], list[list[object]]]:
    columns = ("subject", "query", "form", "occurrence", "item", "status", "raised_utc", "text", "answer")
    rows: list[list[object]] = []
    for subject in subjects:
        for each in subject.queries.values():
            about = [
                each.form,
                each.occurrence,
                each.item or "",
                each.status,
                _instant(each.raised_at),
                each.text,
                each.answer or "",
            ]
            rows.append([subject.id, each.query, *about])
    return columns, rows


def _signatures(
    own: Iterable[Record], subjects: Mapping[str, Subject], names: Mapping[str, str]
) -> tuple[Sequence[str], list[list[object]]]:
    columns = (
        "record",
        "at_utc",
        "author",
        "name",
        "role",
        "subject",
        "form",
        "occurrence",
        "meaning",
        "shown_sha256",
        "current",
    )
    rows: list[list[object]] = []
    for record in own:
        entry, stamp = record.entry, record.stamp
        if isinstance(entry, e.FormSigned):
            state = subjects[entry.subject].forms[entry.form, entry.occurrence]
            current = state.is_signed and state.signed_seq == record.seq
            who = [_instant(stamp.recorded_at), stamp.author, names.get(stamp.author, ""), stamp.role]
            rows.append([record.seq, *who, entry.subject, entry.form, entry.occurrence, entry.meaning, entry.shown, current])
    return columns, rows


def _forms(subjects: Iterable[Subject], trial: Trial) -> list[tuple[str, Sequence[str], list[list[object]]]]:
    """Return a table for each form that was filled: its items in the order of the form, what only other versions have after them."""
    filled: dict[str, list[tuple[Subject, FormState]]] = {}
    for subject in subjects:
        for key in sorted(subject.forms):
            filled.setdefault(key[0], []).append((subject, subject.forms[key]))
    tables: list[tuple[str, Sequence[str], list[list[object]]]] = []
    for form, states in sorted(filled.items()):
        items: dict[str, None] = {}
        for _, state in states:
            definition = form_of(trial, state)
            items.update(dict.fromkeys(item.id for item in definition.item) if definition else {})
            items.update(dict.fromkeys(state.values))
        rows: list[list[object]] = []
        for subject, state in states:
            verified = state.verified_seq is not None and state.verified_seq > state.seq
            holds = [verified, state.is_signed, state.locked]
            about = [state.visit or "", state.protocol_version, state.seq, _instant(state.submitted_at), *holds]
            rows.append([subject.id, state.occurrence, *about, *(_cell(state.values.get(item)) for item in items)])
        tables.append((f"forms/{form}.csv", (*_FORM, *items), rows))
    return tables


def _audit(record: Record, scope: Scope, zone: tzinfo, names: Mapping[str, str]) -> Iterable[Sequence[object]]:
    """Yield the rows of a record: one an item where items were entered or corrected, else one."""
    entry, stamp = record.entry, record.stamp
    local = stamp.recorded_at.astimezone(zone)
    who = [stamp.author, names.get(stamp.author, ""), stamp.role, stamp.channel, stamp.caller or ""]
    head = [record.seq, _instant(stamp.recorded_at), local.isoformat(timespec="seconds"), *who, type(entry).__name__]
    place = [getattr(entry, name, None) or "" for name in ("subject", "form", "occurrence")]
    tail = [stamp.command, record.seal]
    for item, old, new, why in _said(entry, scope):
        yield [*head, *place, item, _cell(old), _cell(new), why, *tail]


def _said(entry: e.Entry | None, scope: Scope) -> Iterable[tuple[str, Any, Any, str]]:
    """Yield item, old, new and why of an entry."""
    match entry:
        case e.FormSubmitted():
            reasons = "; ".join(str(warning.get("reason", "")) for warning in entry.warnings)
            return [(item, "", value, reasons) for item, value in entry.values.items()] or [("", "", "", reasons)]
        case e.ItemsCorrected():
            return [(item, entry.old.get(item), value, entry.reason) for item, value in entry.new.items()]
        case e.RegistrationRefused():
            told = {
                "stage": entry.stage,
                "verdict": entry.verdict,
                "not_met": list(entry.not_met),
                "unknown": list(entry.unknown),
            }
            return [("", "", told, ""), *((item, "", value, "") for item, value in entry.values.items())]
        case e.Randomized() if not scope.draws:
            drawn: dict[str, object] = {"stage": entry.stage, "randomization_date": entry.randomization_date}
            return [("", "", drawn | ({"arm": entry.arm} if scope.arms else {}), "")]
        case e.BodyRedacted():
            return [("", "", {"record": entry.record}, entry.reason)]
        case None:
            return [("", "", "", "")]
        case _:
            named = {field.name: getattr(entry, field.name) for field in fields(entry) if field.name not in _ELSEWHERE}
            new = {name: value for name, value in named.items() if value not in (None, "", ())}
            return [(getattr(entry, "item", None) or "", "", new, getattr(entry, "reason", ""))]
