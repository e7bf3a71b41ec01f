"""forms/*.toml: what is asked, in which type and unit, and which values can be.

Code finds its way by *roles* of forms and *concepts* of items, never by a trial's own names: `Form.item("death_date")` is the
item that carries the concept, which by default is the item of that id.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from oligami.protocol.model.common import CONFIG, Identifier, Origin, Text, dataclass


class FormRole(StrEnum):
    """What a form is for. The concepts each role must carry stand in `REQUIRED_CONCEPTS`."""

    REGISTRATION = "registration"
    THERAPY = "therapy"
    COURSE = "course"
    ASSESSMENT = "assessment"
    RADIOTHERAPY = "radiotherapy"
    SURGERY = "surgery"
    ADVERSE_EVENT = "adverse_event"
    QUESTIONNAIRE = "questionnaire"
    FOLLOW_UP = "follow_up"
    DEATH = "death"
    TREATMENT_END = "treatment_end"
    THERAPY_CHANGE = "therapy_change"
    OTHER = "other"


#: The concepts code reads from a form of a role; `protocol check` demands an item for each.
REQUIRED_CONCEPTS: dict[FormRole, tuple[str, ...]] = {
    FormRole.REGISTRATION: ("registration_date",),
    FormRole.THERAPY: ("regimen", "therapy_start_date"),
    FormRole.COURSE: ("course_number", "course_start_date", "regimen"),
    FormRole.ASSESSMENT: ("assessment_date", "lesion_sizes", "new_lesion", "overall_response"),
    FormRole.RADIOTHERAPY: (
        "lesion_id",
        "site",
        "total_gy",
        "fractions",
        "technique",
        "start_date",
        "end_date",
        "completion",
    ),
    FormRole.SURGERY: ("lesion_id", "surgery_date", "margin", "complication_grade"),
    FormRole.ADVERSE_EVENT: ("term", "grade", "start_date", "serious"),
    FormRole.QUESTIONNAIRE: ("completed_date",),
    FormRole.FOLLOW_UP: ("contact_date", "vital_status"),
    FormRole.DEATH: ("death_date",),
    FormRole.TREATMENT_END: ("end_date", "reason"),
    FormRole.THERAPY_CHANGE: ("change_date", "regimen", "same_therapy"),
    FormRole.OTHER: (),
}

#: Further concepts that code reads as a day where a form of the role has an item for them.
OPTIONAL_DATES: dict[FormRole, tuple[str, ...]] = {
    FormRole.REGISTRATION: ("consent_date",),
    FormRole.ADVERSE_EVENT: ("end_date", "aware_date"),
    FormRole.FOLLOW_UP: ("clinical_progression_date",),
}


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Code:
    """One answer of a coded item."""

    value: str
    label: Text


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Item:
    """One question.

    type: `number` (with `unit`, `minimum`, `maximum`, `decimals`), `integer`, `code`, `date`, `text`, `list` (of `field` rows).
    unknown: codes that mean "not known"; a verdict treats them as unknown.
    never: the word by which a date says that the thing never happened (a real answer, not a missing one).
    partial: a date may be given as a year (`2024`) or a month (`2024-05`) where nobody knows the day; a verdict treats it as
        unknown unless every day it may have been gives the same answer.
    identity: names or dates a person; used for a decision, never kept in the journal.
    derive: expression that gives the value when it is missing (age from birth date).
    show_when: expression; the item is asked only when it is true.
    Limits are hard: a value outside cannot be, and is refused at entry.
    """

    id: str = Identifier
    label: Text
    type: Literal["number", "integer", "code", "date", "text", "list"]
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    decimals: int | None = None
    max_length: int = 2000
    code: tuple[Code, ...] = ()
    codelist: str | None = None  # name of a shared list in codelists.toml instead of `code`
    unknown: tuple[str, ...] = ()
    never: str | None = None
    # Written only where it is true, so that protocols from before it was offered keep their digest.
    partial: bool = Field(default=False, exclude_if=lambda partial: not partial)
    required: bool = False
    identity: bool = False
    derive: str | None = None
    show_when: str | None = None
    concept: str | None = None
    field: tuple["Item", ...] = ()
    max_rows: int = 50
    note: Text | None = None
    origin: Origin | None = None  # None: as the form


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Check:
    """An edit check: `holds` must be true. `hard` refuses the form, `soft` asks for a reason."""

    id: str = Identifier
    level: Literal["hard", "soft"]
    holds: str
    message: Text
    item: str | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Form:
    """One form of the casebook.

    repeats: `once` a subject, or `many` (occurrences counted from 1).
    visits: the schedule's visits at which it is due (empty: when something happens).
    after_stage: the registration that must have been made before it can be filled (empty: none).
    """

    id: str = Identifier
    title: Text
    role: FormRole
    repeats: Literal["once", "many"] = "once"
    after_stage: str | None = None
    visits: tuple[str, ...] = ()
    item: tuple[Item, ...]
    check: tuple[Check, ...] = ()
    sign: bool = False  # the investigator signs it
    note: Text | None = None
    origin: Origin

    def find(self, concept: str) -> Item | None:
        """Return the item that carries the concept, or None."""
        for item in self.item:
            if (item.concept or item.id) == concept:
                return item
        return None

    def needs_day(self, concept: str) -> bool:
        """Say whether code reads the item that carries the concept as a whole day."""
        dates = (each for each in REQUIRED_CONCEPTS[self.role] if each.endswith("_date"))
        return concept in (*dates, *OPTIONAL_DATES.get(self.role, ()))

    def key(self, concept: str) -> str:
        """Return the id of the item that carries the concept.

        Raises:
            KeyError: the form has no such item.
        """
        item = self.find(concept)
        if item is None:
            raise KeyError(f"form {self.id!r} has no item for {concept!r}")
        return item.id


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Codelist:
    """A list of codes that several items share."""

    id: str = Identifier
    title: Text
    code: tuple[Code, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class CodelistFile:
    """The whole of codelists.toml."""

    codelist: tuple[Codelist, ...] = ()
