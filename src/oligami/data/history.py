"""What had happened to a subject up to a cut: the facts of its forms, each counted by its own date.

A fact after the cut does not count, but proves the subject alive at the cut. Nothing dated after a withdrawal of the use of
data is used at all. Where the disease progressed is `progression`'s errand, what follows for an endpoint `endpoints`'.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from oligami.data.reading import ALIVE, COMPLETED, NO, YES, Filled, Reader
from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.protocol import Protocol
from oligami.trial.state import AllocationState, Subject, Withdrawal

#: Forms of these roles prove by their date that the subject lived then.
_PROOFS: Final = (
    FormRole.THERAPY,
    FormRole.ASSESSMENT,
    FormRole.RADIOTHERAPY,
    FormRole.SURGERY,
    FormRole.ADVERSE_EVENT,
    FormRole.QUESTIONNAIRE,
    FormRole.THERAPY_CHANGE,
)
#: Margins with which a resected lesion counts as treated.
_REMOVED: Final = frozenset({"R0", "R1"})
#: Scopes of withdrawal, widest first.
SCOPES: Final = ("use_of_data", "follow_up", "treatment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """A lesion of the first registration. size_mm: as it is followed, the short axis of a node, else the longest diameter."""

    id: str
    site: str
    kind: str | None
    diameter_mm: float | None
    size_mm: float | None
    nodal: bool
    oligo: bool
    indeterminate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """Local therapy of one lesion. end: None while it goes on. done: all fractions were given, or removed with R0 or R1."""

    lesion: str
    modality: str  # radiotherapy or surgery
    start: date
    end: date | None
    done: bool
    filled: Filled


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A subject at a cut. Dates are all on or before `last_day`.

    up_to: the cut. last_day: the cut, or the day from which the subject's data may not be used, if earlier.
    later: the forms that are dated after `last_day`. dated: the date of every other form that has one.
    registered: date by stage, of the registrations that stand. randomized, arm: of the first standing allocation.
    """

    subject: Subject
    site: str
    up_to: date
    last_day: date
    registered: Mapping[str, date]
    annulled: bool
    first_date: date
    allocation: AllocationState | None
    randomized: date | None
    arm: str | None
    death: date | None
    last_alive: date
    clinical_progression: date | None
    withdrawals: tuple[Withdrawal, ...]
    lesions: tuple[Lesion, ...]
    therapy: Filled | None
    therapy_start: date | None
    courses: tuple[Filled, ...]
    changes: tuple[Filled, ...]
    end: Filled | None
    assessments: tuple[Filled, ...]
    treatments: tuple[Treatment, ...]
    adverse_events: tuple[Filled, ...]
    questionnaires: tuple[Filled, ...]
    contacts: tuple[Filled, ...]
    others: tuple[Filled, ...]
    later: frozenset[tuple[str, int]]
    dated: Mapping[tuple[str, int], date]

    @property
    def id(self) -> str:
        """The subject's number."""
        return self.subject.id

    @property
    def oligometastases(self) -> tuple[Lesion, ...]:
        """The lesions of the first registration that are oligometastases."""
        return tuple(lesion for lesion in self.lesions if lesion.oligo)

    @property
    def withdrawn(self) -> str | None:
        """The widest scope of consent withdrawn."""
        scopes = {withdrawal.scope for withdrawal in self.withdrawals}
        return next((scope for scope in SCOPES if scope in scopes), None)

    def counts(self, form: str, occurrence: int) -> bool:
        """Whether a form speaks of something that had happened by the cut; one without a date of its own does."""
        return (form, occurrence) not in self.later

    def withdrew(self, *scopes: str) -> date | None:
        """Return when consent of any of these scopes was first withdrawn."""
        return min((known.withdrawal_date for known in self.withdrawals if known.scope in scopes), default=None)

    def arm_on(self, day: date | None) -> str | None:
        """Return the arm if the subject was in it on that day; None before randomization."""
        return self.arm if day is not None and self.randomized is not None and day >= self.randomized else None


def read_histories(subjects: Sequence[Subject], protocol: Protocol, up_to: date) -> tuple[History, ...]:
    """Return the histories of all who were registered at the first stage by the cut, in order of registration."""
    reader = Reader(protocol)
    found = [history for subject in subjects if (history := read_history(subject, reader, up_to)) is not None]
    return tuple(sorted(found, key=lambda history: (history.first_date, len(history.id), history.id)))


def read_history(subject: Subject, reader: Reader, up_to: date) -> History | None:
    """Return the history of a subject up to a date; None if it was not registered by then."""
    protocol = reader.protocol
    first = protocol.eligibility.stage[0]
    state = subject.stages.get(first.id)
    if state is None:
        return None
    forms = reader.read(subject)
    closed = min((known.withdrawal_date for known in subject.withdrawals if known.scope == "use_of_data"), default=None)
    last_day = up_to if closed is None else min(up_to, closed)

    def dated(role: FormRole) -> tuple[Filled, ...]:
        return tuple(filled for filled in forms.get(role, ()) if filled.on is not None and filled.on <= last_day)

    registrations = {filled.state.form: filled for filled in forms.get(FormRole.REGISTRATION, ())}
    said: dict[str, date] = {}
    for stage in protocol.eligibility.stage:
        if stage.id in subject.stages:
            # A date of registration that was mistyped counts as corrected, like every other item.
            filled = registrations.get(stage.form)
            corrected = filled.on if filled is not None else None
            said[stage.id] = corrected or subject.stages[stage.id].registration_date
    if said[first.id] > last_day:
        return None
    registered = {stage: day for stage, day in said.items() if day <= last_day and subject.is_registered(stage)}
    allocation = subject.allocation
    randomized = None if allocation is None else said.get(allocation.stage, allocation.randomization_date)
    if randomized is not None and randomized > last_day:
        allocation = randomized = None

    usable = date.max if closed is None else closed
    died = min((filled.on for filled in forms.get(FormRole.DEATH, ()) if filled.on is not None), default=None)
    died = None if died is not None and died > usable else died
    death = None if died is None or died > last_day else died
    proofs = [day for day in _proofs(forms) if day <= usable] + [day for day in said.values() if day <= usable]
    proven = max(proofs if died is None else [*proofs, died])
    therapy = next(iter(forms.get(FormRole.THERAPY, ())), None)
    return History(
        subject=subject,
        site=state.site,
        up_to=up_to,
        last_day=last_day,
        registered=registered,
        annulled=state.annulled,
        first_date=said[first.id],
        allocation=allocation,
        randomized=randomized,
        arm=None if allocation is None else allocation.arm,
        death=death,
        last_alive=min(proven, last_day) if death is None else min(max(proofs), death),
        clinical_progression=min(_clinical_progressions(forms, last_day), default=None),
        withdrawals=tuple(known for known in subject.withdrawals if known.withdrawal_date <= up_to),
        lesions=tuple(_lesions(registrations.get(first.form), protocol)),
        therapy=therapy,
        therapy_start=therapy.on if therapy is not None and therapy.on is not None and therapy.on <= last_day else None,
        courses=tuple(course for course in dated(FormRole.COURSE) if course.text("given") != NO),
        changes=dated(FormRole.THERAPY_CHANGE),
        end=next(iter(dated(FormRole.TREATMENT_END)), None),
        assessments=dated(FormRole.ASSESSMENT),
        treatments=tuple(
            sorted(
                [
                    *(_radiotherapy(filled, last_day) for filled in dated(FormRole.RADIOTHERAPY)),
                    *(_surgery(filled) for filled in dated(FormRole.SURGERY)),
                ],
                key=lambda each: (each.start, each.lesion, each.modality, each.filled.sorting),
            )
        ),
        adverse_events=dated(FormRole.ADVERSE_EVENT),
        questionnaires=dated(FormRole.QUESTIONNAIRE),
        contacts=dated(FormRole.FOLLOW_UP),
        others=tuple(forms.get(FormRole.OTHER, ())),
        later=frozenset(
            (filled.state.form, filled.state.occurrence)
            for role in forms.values()
            for filled in role
            if filled.on is not None and filled.on > last_day
        ),
        dated={
            (filled.state.form, filled.state.occurrence): filled.on
            for role in forms.values()
            for filled in role
            if filled.on is not None and filled.on <= last_day
        },
    )


def _proofs(forms: Mapping[FormRole, Sequence[Filled]]) -> Iterator[date]:
    """Yield the dates on which the subject was alive, as the forms say."""
    for role in _PROOFS:
        for filled in forms.get(role, ()):
            if filled.on is not None:
                yield filled.on
    for filled in forms.get(FormRole.RADIOTHERAPY, ()):
        end = filled.day("end_date")
        if end is not None:
            yield end
    for filled in forms.get(FormRole.COURSE, ()):
        if filled.on is not None and filled.text("given") != NO:
            yield filled.on
    for filled in forms.get(FormRole.FOLLOW_UP, ()):
        if filled.on is not None and filled.text("vital_status") == ALIVE:
            yield filled.on


def _clinical_progressions(forms: Mapping[FormRole, Sequence[Filled]], last_day: date) -> Iterator[date]:
    """Yield the dates of clinical progression; one told without a date counts from the contact that told it."""
    for filled in forms.get(FormRole.FOLLOW_UP, ()):
        if filled.text("clinical_progression") == YES:
            day = filled.day("clinical_progression_date") or filled.on
            if day is not None and day <= last_day:
                yield day


def _lesions(form: Filled | None, protocol: Protocol) -> Iterator[Lesion]:
    kinds = protocol.response.oligometastasis_kinds if protocol.response is not None else ()
    for row in () if form is None else form.rows("lesions"):
        kind, short = row.text("kind"), row.number("short_axis_mm")
        diameter = row.number("max_diameter_mm")
        yield Lesion(
            id=row.text("id") or "",
            site=row.text("site") or "",
            kind=kind,
            diameter_mm=diameter,
            size_mm=diameter if short is None else short,
            nodal=short is not None,
            oligo=not kinds or kind in kinds,
            indeterminate=row.text("certainty") == "indeterminate",
        )


def _radiotherapy(filled: Filled, last_day: date) -> Treatment:
    start, end = filled.on, filled.day("end_date")
    assert start is not None  # undated forms were left out
    # A course that ends after the cut was still going on at the cut, whatever is known of it by now.
    over = end is not None and end <= last_day
    return Treatment(
        lesion=filled.text("lesion_id") or "",
        modality="radiotherapy",
        start=start,
        end=end if over else None,
        done=filled.text("completion") == COMPLETED and (over or end is None),
        filled=filled,
    )


def _surgery(filled: Filled) -> Treatment:
    day = filled.on
    assert day is not None  # undated forms were left out
    return Treatment(
        lesion=filled.text("lesion_id") or "",
        modality="surgery",
        start=day,
        end=day,
        done=filled.text("margin") in _REMOVED,
        filled=filled,
    )
