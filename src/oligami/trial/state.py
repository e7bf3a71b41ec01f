"""The trial and its subjects as they stand after a journal: frozen, made by `fold` alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from oligami.journal.entries import ArmId, SiteId, SubjectId, Values
from oligami.protocol.compile import Compiled, compile_protocol
from oligami.protocol.model.protocol import Protocol

FormKey: TypeAlias = tuple[str, int]  # form id, occurrence


def subject_id(number: int) -> SubjectId:
    """Return the id of the subject of this number, from 1."""
    return f"S-{number:04d}"


_NONE: Mapping[Any, Any] = MappingProxyType({})


def _none() -> Mapping[Any, Any]:
    """Return the one empty mapping that stands for "nothing yet"."""
    return _NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A correction of a form: in which record, when, by whom in which role, what was and what is, and why."""

    seq: int
    at: datetime
    author: str
    role: str
    old: Values
    new: Values
    reason: str


@dataclass(frozen=True, slots=True)
class FormState:
    """A filled form: its values now, and what happened to it. `seq` is the last record that touched its values."""

    form: str
    occurrence: int
    values: Values
    visit: str | None
    seq: int
    submitted_at: datetime
    protocol_version: str
    changes: tuple[Change, ...] = ()
    warnings: tuple[Values, ...] = ()
    verified_seq: int | None = None
    signed_seq: int | None = None
    locked: bool = False

    @property
    def is_signed(self) -> bool:
        """Whether a signature holds for the values as they stand; a later change makes it no longer current."""
        return self.signed_seq is not None and self.signed_seq > self.seq


@dataclass(frozen=True, slots=True)
class QueryState:
    """A data query to the site."""

    query: str
    form: str
    occurrence: int
    item: str | None
    text: str
    raised_at: datetime
    status: Literal["open", "answered", "closed"] = "open"
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class StageState:
    """A registration as made. `seq` is its record."""

    stage: str
    site: SiteId
    registration_date: date
    protocol_version: str
    seq: int
    annulled: bool = False


@dataclass(frozen=True, slots=True)
class AllocationState:
    """An allocation as drawn, with the factors as they have been corrected since."""

    subject: SubjectId
    stage: str
    arm: ArmId
    k: int
    randomization_date: date
    factors_drawn: Mapping[str, str]
    factors: Mapping[str, str]
    detail: Values = field(default_factory=_none)
    in_error: bool = False


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A withdrawal of consent and its scope."""

    scope: str
    withdrawal_date: date
    reason: str


@dataclass(frozen=True, slots=True)
class SafetyReport:
    """An expedited report that went out."""

    form: str
    occurrence: int
    report: str
    category: str
    aware_date: date
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class Deviation:
    """A graded deviation."""

    rule: str
    grade: str
    text: str
    form: str | None
    occurrence: int | None


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything said of a subject. `seq` is the last record about the subject."""

    id: SubjectId
    site: SiteId
    seq: int
    stages: Mapping[str, StageState] = field(default_factory=_none)
    forms: Mapping[FormKey, FormState] = field(default_factory=_none)
    allocations: tuple[AllocationState, ...] = ()
    consents: tuple[tuple[str, date], ...] = ()
    queries: Mapping[str, QueryState] = field(default_factory=_none)
    withdrawals: tuple[Withdrawal, ...] = ()
    reports: tuple[SafetyReport, ...] = ()
    deviations: tuple[Deviation, ...] = ()

    @property
    def allocation(self) -> AllocationState | None:
        """The allocation that stands: the first that is not marked in error."""
        return next((allocation for allocation in self.allocations if not allocation.in_error), None)

    def of_form(self, form: str) -> tuple[FormState, ...]:
        """Return the occurrences of a form, in order."""
        return tuple(state for (name, _), state in sorted(self.forms.items()) if name == form)

    def values(self, form: str, occurrence: int = 1) -> Values:
        """Return the values of a form as they stand; empty if it was not filled."""
        state = self.forms.get((form, occurrence))
        return state.values if state is not None else _NONE

    def is_registered(self, stage: str) -> bool:
        """Whether a registration at this stage stands."""
        state = self.stages.get(stage)
        return state is not None and not state.annulled


@dataclass(frozen=True, slots=True)
class Refusal:
    """A registration that was asked for and refused."""

    stage: str
    site: SiteId
    subject: SubjectId | None
    at: datetime
    verdict: str
    not_met: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Commitment:
    """A committed secret: in force from draw `from_k` on; `protocol_digest` goes into its draws."""

    commitment: str
    from_k: int
    protocol_digest: str
    opened: str | None = None


@dataclass(frozen=True, slots=True)
class SiteState:
    """A site of the trial."""

    site: SiteId
    name: str
    fictitious: bool
    opened_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What holds for the trial as a whole and seldom changes.

    protocol: the version in force for the whole trial. versions: all that were ever activated.
    per_site: the versions activated since that one which rule only where they are adopted, oldest first.
    adoptions: from which date, by version and site (None: every site).
    roles: granted and not revoked. role_ends: the last day of those that were granted for a time; who asks looks at both.
    """

    trial: str = ""
    protocol: Protocol | None = None
    versions: Mapping[str, Protocol] = field(default_factory=_none)
    per_site: tuple[str, ...] = ()
    adoptions: Mapping[tuple[str, SiteId | None], date] = field(default_factory=_none)
    activated_at: datetime | None = None
    simulated: bool = False
    sites: Mapping[SiteId, SiteState] = field(default_factory=_none)
    roles: frozenset[tuple[str, str, SiteId | None]] = frozenset()
    role_ends: Mapping[tuple[str, str, SiteId | None], date] = field(default_factory=_none)
    paused: frozenset[str | None] = frozenset()
    commitments: tuple[Commitment, ...] = ()
    cuts: Mapping[str, tuple[int, date, str]] = field(default_factory=_none)
    decisions: tuple[tuple[str, str, str], ...] = ()
    published: tuple[tuple[int, str, str], ...] = ()
    record_changes: tuple[Values, ...] = ()
    exports: int = 0
    redacted: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Head:
    """Where the journal stands."""

    seq: int = 0
    seal: str = "0" * 64
    at: datetime | None = None


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


class Growing(dict[SubjectId, Subject]):
    """The subjects while `fold` goes through many records: changed in place, and never seen outside `fold`."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The trial after a journal."""

    study: Study = field(default_factory=Study)
    subjects: Mapping[SubjectId, Subject] = field(default_factory=_none)
    refusals: tuple[Refusal, ...] = ()
    allocated: int = 0  # how many draws were ever made, annulled ones too
    head: Head = Head()

    @property
    def protocol(self) -> Protocol:
        """The protocol in force for the whole trial; `version_for` says what rules a site.

        Raises:
            ValueError: none has been activated.
        """
        if self.study.protocol is None:
            raise ValueError("no protocol has been activated in this journal")
        return self.study.protocol

    @property
    def rules(self) -> Compiled:
        """The protocol in force for the whole trial with its expressions compiled."""
        return compile_protocol(self.protocol)

    def day_of(self, instant: datetime) -> date:
        """Return the date of an instant by the trial's own clock (`time_zone` of the protocol in force)."""
        return instant.astimezone(_zone(self.protocol.trial.time_zone)).date()

    def adopted_from(self, version: str, site: SiteId | None) -> date | None:
        """Return the date from which a version that is adopted site by site rules a site; None if it was not adopted there."""
        adoptions = self.study.adoptions
        days = [day for day in (adoptions.get((version, site)), adoptions.get((version, None))) if day is not None]
        return min(days, default=None)

    def version_for(self, site: SiteId | None, day: date) -> str:
        """Return the version that rules a site on a day, as far as is known now.

        The newest that the site has adopted by then, else the one in force for the whole trial. Decisions ask with the day on which
        they are made: nobody chooses a version by dating a form.
        """
        for version in reversed(self.study.per_site):
            begins = self.adopted_from(version, site)
            if begins is not None and begins <= day:
                return version
        return self.protocol.version

    def rules_for(self, site: SiteId | None, day: date) -> Compiled:
        """Return the compiled protocol that rules a site on a day (see `version_for`)."""
        if not self.study.per_site:
            return self.rules
        return self.rules_of(self.version_for(site, day))

    def rules_of(self, version: str) -> Compiled:
        """Return a version that was activated with its expressions compiled; the one in force where the journal has no such version."""
        return compile_protocol(self.study.versions.get(version, self.protocol))

    def registered(self, stage: str) -> int:
        """Count the registrations of a stage that stand."""
        return sum(subject.is_registered(stage) for subject in self.subjects.values())

    def next_subject(self) -> SubjectId:
        """Return the number the next subject gets: numbers are gapless and never used again."""
        return subject_id(len(self.subjects) + 1)

    def commitment(self, k: int) -> Commitment | None:
        """Return the commitment that draw `k` belongs to, or None."""
        in_force = [commitment for commitment in self.study.commitments if commitment.from_k <= k]
        return in_force[-1] if in_force else None

    def with_subject(self, subject: Subject, head: Head) -> "Trial":
        """Return the trial with this subject in place of the one of the same id."""
        subjects = self.subjects
        if isinstance(subjects, Growing):
            subjects[subject.id] = subject
        else:
            subjects = {**subjects, subject.id: subject}
        return Trial(self.study, subjects, self.refusals, self.allocated, head)

    def with_study(self, head: Head, **changes: Any) -> "Trial":
        """Return the trial with these changes of the study."""
        return Trial(replace(self.study, **changes), self.subjects, self.refusals, self.allocated, head)
