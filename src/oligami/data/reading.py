"""Reading filled forms by role and concept: the one place where the names a trial gave its items are looked up.

The codes that code itself must understand are the concepts' closed vocabularies: `YES`, `ALIVE` and the like below.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from oligami.journal.entries import Values
from oligami.protocol.model.forms import Form, FormRole, Item
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.partial_dates import read_partial_date
from oligami.trial.state import FormState, Subject

YES: Final = "yes"
NO: Final = "no"
ALIVE: Final = "alive"
COMPLETED: Final = "completed"

#: The item by whose date a form of a role counts.
DATED_BY: Final[Mapping[FormRole, str]] = {
    FormRole.REGISTRATION: "registration_date",
    FormRole.THERAPY: "therapy_start_date",
    FormRole.COURSE: "course_start_date",
    FormRole.ASSESSMENT: "assessment_date",
    FormRole.RADIOTHERAPY: "start_date",
    FormRole.SURGERY: "surgery_date",
    FormRole.ADVERSE_EVENT: "start_date",
    FormRole.QUESTIONNAIRE: "completed_date",
    FormRole.FOLLOW_UP: "contact_date",
    FormRole.DEATH: "death_date",
    FormRole.TREATMENT_END: "end_date",
    FormRole.THERAPY_CHANGE: "change_date",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """An item as asked: its id, the words that mean "not known", its fields by concept."""

    id: str
    type: str
    unknown: frozenset[str]
    never: str | None
    fields: Mapping[str, "_Asked"]


def _asked(item: Item) -> _Asked:
    fields = {field.concept or field.id: _asked(field) for field in item.field}
    return _Asked(item.id, item.type, frozenset(item.unknown), item.never, fields)


def _told(asked: _Asked | None, values: Mapping[str, Any]) -> Any:
    """Return a value; None where it is missing, not known, a date without its day, or the word that a date never was."""
    value = None if asked is None else values.get(asked.id)
    if value is None or asked is None:
        return None
    if asked.type == "date":
        if value == asked.never or (isinstance(value, str) and read_partial_date(value) is not None):
            return None
        return value if isinstance(value, date) else date.fromisoformat(value)
    return None if asked.unknown and value in asked.unknown else value


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled form, its items found by concept. `on` is the clinical date it speaks of, None if that is not known."""

    state: FormState
    asked: Mapping[str, _Asked]
    on: date | None

    def get(self, concept: str) -> Any:
        """Return the value of the item that carries a concept; None where there is no such item or it is not known."""
        return _told(self.asked.get(concept), self.state.values)

    def day(self, concept: str) -> date | None:
        """Return the date of the item that carries a concept."""
        value = self.get(concept)
        return value if isinstance(value, date) else None

    def text(self, concept: str) -> str | None:
        """Return the code or text of the item that carries a concept."""
        value = self.get(concept)
        return value if isinstance(value, str) else None

    def number(self, concept: str) -> float | None:
        """Return the number of the item that carries a concept."""
        value = self.get(concept)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def whole(self, concept: str) -> int | None:
        """Return the whole number of the item that carries a concept."""
        value = self.number(concept)
        return None if value is None else round(value)

    def concepts(self) -> Iterator[str]:
        """Yield the concepts of the form's items, in the form's order."""
        return iter(self.asked)

    def rows(self, concept: str) -> tuple["Row", ...]:
        """Return the rows of the list that carries a concept."""
        asked = self.asked.get(concept)
        if asked is None:
            return ()
        return tuple(Row(row, asked.fields) for row in self.state.values.get(asked.id) or ())

    @property
    def visit(self) -> str | None:
        """The visit it was filled for, as the form itself says (concept `visit`), else as it was handed in."""
        return self.text("visit") or self.state.visit

    @property
    def sorting(self) -> tuple[date, str]:
        """Order by clinical date, then by content: never by the order in which the forms came in."""
        return self.on or date.max, json.dumps(dict(self.state.values), sort_keys=True, ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a list item, its fields found by concept."""

    values: Values
    asked: Mapping[str, _Asked]

    def get(self, concept: str) -> Any:
        """Return the value of the field that carries a concept; None where there is none or it is not known."""
        return _told(self.asked.get(concept), self.values)

    def text(self, concept: str) -> str | None:
        """Return the code or text of the field that carries a concept."""
        value = self.get(concept)
        return value if isinstance(value, str) else None

    def number(self, concept: str) -> float | None:
        """Return the number of the field that carries a concept."""
        value = self.get(concept)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


class Reader:
    """The forms of one protocol, ready to be read."""

    def __init__(self, protocol: Protocol) -> None:
        """Look up every item once."""
        self.protocol = protocol
        self._forms: dict[str, tuple[Form, dict[str, _Asked]]] = {
            form.id: (form, {item.concept or item.id: _asked(item) for item in form.item}) for form in protocol.forms
        }

    def read(self, subject: Subject) -> Mapping[FormRole, Sequence[Filled]]:
        """Return a subject's filled forms by role, each role's by date.

        A form that the protocol no longer has is left out.
        """
        found: dict[FormRole, list[Filled]] = {}
        for state in subject.forms.values():
            known = self._forms.get(state.form)
            if known is None:
                continue
            form, asked = known
            dated = asked.get(DATED_BY.get(form.role, ""))
            found.setdefault(form.role, []).append(Filled(state, asked, _told(dated, state.values)))
        for filled in found.values():
            if len(filled) > 1:
                filled.sort(key=lambda each: each.sorting)
        return found
