"""A saved form as it stands: values in words, under the version by which it was filled, with all that hangs on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from oligami.journal import entries as e
from oligami.protocol.compile import CompiledForm
from oligami.protocol.model.forms import FormRole
from oligami.protocol.text import Language, Text
from oligami.trial import rights
from oligami.trial.rights import Permit
from oligami.trial.safety import expedited_reports
from oligami.trial.state import FormState, QueryState, Subject
from oligami.web.casebook.entry import form_of
from oligami.web.casebook.fields import FieldView, form_fields
from oligami.web.casebook.history import names_of
from oligami.web.casebook.reading import raw_of
from oligami.web.pages.here import Here, new_command, page

_ACTS = ("correct_items", "sign_form", "answer_query", "raise_query", "see_history", "report_safety", "grade_deviation")
_RULES = {
    "therapy.status": Text("Therapy table", "治療表"),
    "radiotherapy.status": Text("Options of radiotherapy", "放射線治療の処方"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An item with its value in words, how often it was corrected, and the data queries about it."""

    field: FieldView
    corrections: int
    queries: tuple[QueryState, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A soft check that fired when the form was sent, and the reason its author gave."""

    sentence: Text
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature of a form as screen and paper show it: who, when, what it means, and whether it holds for what is saved."""

    who: str
    role: str
    at: datetime
    meaning: str
    seq: int
    current: bool


@page("see_form")
def form(request: HttpRequest, here: Here, subject: str, form: str, occurrence: int) -> HttpResponse:
    """Show a saved form."""
    known = here.subject(subject, act="see_form")
    state = known.forms.get((form, occurrence))
    if state is None:
        raise Http404
    compiled = form_of(here.trial.rules_of(state.protocol_version), form)
    ruling = here.trial.version_for(known.site, here.trial.day_of(here.now))
    permits: dict[str, Permit] = {act: here.permit(act, known.site) for act in _ACTS}
    serious = compiled.form.role is FormRole.ADVERSE_EVENT
    lines = tuple(lines_of(compiled, state, known, here.language))
    shown = {line.field.item for line in lines}
    context = {
        "subject": known,
        "form": compiled.form,
        "state": state,
        "lines": lines,
        "queries": [query for query in queries_of(known, state) if not query.item or _item(query) not in shown],
        "warned": warned(compiled, state.warnings),
        "permits": permits,
        "ruling": ruling,
        "reports": [
            each
            for each in expedited_reports(known, here.trial.protocol, here.now)
            if (each.form, each.occurrence) == (form, occurrence)
        ]
        if serious
        else [],
        "serious": serious,
        "command": new_command(),
        "last_change": state.changes[-1] if state.changes else None,
        "signatures": signatures_of(here, known, state) if state.signed_seq else (),
    }
    return here.render("casebook/form.html", context)


def signatures_of(here: Here, subject: Subject, state: FormState) -> tuple[Signature, ...]:
    """Return the signatures of a form, the newest first; one is current if nothing was changed since."""
    records = [
        record
        for record in here.desk.journal.of_subject(subject.id)
        if isinstance(record.entry, e.FormSigned)
        and (record.entry.form, record.entry.occurrence) == (state.form, state.occurrence)
    ]
    names = names_of({record.stamp.author for record in records})
    found = []
    for record in reversed(records):
        stamp, signed = record.stamp, record.entry
        assert isinstance(signed, e.FormSigned)
        role = rights.ROLES[stamp.role].title[here.language] if stamp.role in rights.ROLES else stamp.role
        found.append(
            Signature(
                who=names.get(stamp.author, stamp.author),
                role=role,
                at=stamp.recorded_at,
                meaning=signed.meaning,
                seq=record.seq,
                current=record.seq > state.seq,
            )
        )
    return tuple(found)


def lines_of(compiled: CompiledForm, state: FormState, subject: Subject, language: Language) -> list[Line]:
    """Return the items of a saved form that are asked or were answered."""
    view = form_fields(compiled, raw_of(compiled, state.values), language=language, read_only=True)
    counts: dict[str, int] = {}
    for change in state.changes:
        for item in change.new:
            counts[item] = counts.get(item, 0) + 1
    asked: dict[str, tuple[QueryState, ...]] = {}
    for query in queries_of(subject, state):
        if query.item:
            asked[_item(query)] = (*asked.get(_item(query), ()), query)
    return [
        Line(field=field, corrections=counts.get(field.item, 0), queries=asked.get(field.item, ()))
        for field in view.fields
        if not field.identity and (not (field.hidden or field.unsure) or field.item in counts or field.item in asked)
    ]


def queries_of(subject: Subject, state: FormState) -> list[QueryState]:
    """Return the data queries about a form, the open ones first."""
    found = [query for query in subject.queries.values() if (query.form, query.occurrence) == (state.form, state.occurrence)]
    order = {"open": 0, "answered": 1, "closed": 2}
    return sorted(found, key=lambda query: (order[query.status], query.raised_at))


def warned(compiled: CompiledForm, warnings: tuple[Mapping[str, Any], ...]) -> list[Warned]:
    """Return the soft checks that fired, in words, with their reasons."""
    sentences = {f"forms.{compiled.form.id}.{check.id}": check.message for check, _ in compiled.checks} | _RULES
    return [
        Warned(
            sentence=sentences.get(str(each.get("check")), Text(str(each.get("check")), str(each.get("check")))),
            reason=str(each.get("reason", "")),
        )
        for each in warnings
    ]


def _item(query: QueryState) -> str:
    return (query.item or "").split("[")[0].split(".")[0]
