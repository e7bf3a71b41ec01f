"""What can be said of a trial: a closed union of entries, each with a stable name and version.

Clinical facts (death, progression, toxicity, dose) are items in forms, not entries of their own. A payload may gain optional
fields; anything else is a new version with a pure upgrade in `codec`. Values inside `values`, `old`, `new` and the like are
plain JSON: numbers, strings (dates as ISO 8601), true/false, null, lists, objects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, TypeAlias

SubjectId: TypeAlias = str
SiteId: TypeAlias = str
ArmId: TypeAlias = str
Values: TypeAlias = Mapping[str, Any]


# ---------------------------------------------------------------- the trial


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolActivated:
    """A version of the protocol came into force; it carries the whole compiled protocol, so a fold needs nothing else."""

    VERSION: ClassVar[int] = 1
    trial: str
    version: str
    digest: str
    protocol: Values  # the compiled canonical JSON
    reason: str = ""
    #: True: the version is approved, and rules a site from the date on which it is adopted there. None: it rules the whole trial
    #: from this record on. Never False, so that records from before there was a choice keep their bytes.
    per_site: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolAdopted:
    """A version that was activated site by site rules this site (None: every site) from this date on."""

    VERSION: ClassVar[int] = 1
    site: SiteId | None = None
    version: str
    from_date: date
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRevised:
    """The public record changed: people, contacts, sites, links. `changes` maps a path in the record to its new value."""

    VERSION: ClassVar[int] = 1
    changes: Values
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretCommitted:
    """The SHA-256 of the secret of randomization, in force from allocation `from_k` on."""

    VERSION: ClassVar[int] = 1
    commitment: str
    from_k: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretOpened:
    """A committed secret was made public, so that anyone can recompute its draws."""

    VERSION: ClassVar[int] = 1
    commitment: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOpened:
    """A site may register subjects. `fictitious` sites never reach the public record."""

    VERSION: ClassVar[int] = 1
    site: SiteId
    name: str
    fictitious: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteClosed:
    """A site may register no further subjects; its subjects are followed on."""

    VERSION: ClassVar[int] = 1
    site: SiteId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGranted:
    """A person may act in a role, at one site or (None) for the whole trial, up to the end of a day or (None) until revoked."""

    VERSION: ClassVar[int] = 1
    person: str
    role: str
    site: SiteId | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRevoked:
    """A person may no longer act in a role."""

    VERSION: ClassVar[int] = 1
    person: str
    role: str
    site: SiteId | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccrualPaused:
    """No registration of this stage (None: of any) until accrual is resumed."""

    VERSION: ClassVar[int] = 1
    stage: str | None = None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccrualResumed:
    """Registration of this stage (None: of any) goes on."""

    VERSION: ClassVar[int] = 1
    stage: str | None = None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CutTaken:
    """A named cut: through which record (what was known), up to which clinical date (what had happened)."""

    VERSION: ClassVar[int] = 1
    cut: str
    through: int
    up_to: date
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringDecided:
    """What a committee decided on a cut."""

    VERSION: ClassVar[int] = 1
    cut: str
    decision: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPublished:
    """The head of the journal left the house: record `record` had this seal."""

    VERSION: ClassVar[int] = 1
    record: int
    seal: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportMade:
    """Data left the system: what, why, for whom, with its digest."""

    VERSION: ClassVar[int] = 1
    what: str
    purpose: str
    recipient: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyRedacted:
    """The body of record `record` was removed, with a reason; `remainder` is the same entry, encoded, without the removed text."""

    VERSION: ClassVar[int] = 1
    record: int
    reason: str
    remainder: Values
    subject: SubjectId | None = None


# ---------------------------------------------------------------- the subject


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven:
    """A subject consented to this version of the consent document on this date."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    document: str
    consent_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRefused:
    """A registration was asked for and refused; kept with all its reasons. `subject` is None before the first registration."""

    VERSION: ClassVar[int] = 1
    stage: str
    site: SiteId
    subject: SubjectId | None = None
    protocol_version: str
    verdict: str  # ineligible or pending
    not_met: Sequence[str] = ()
    unknown: Sequence[str] = ()
    evidence: Sequence[Values] = ()  # every criterion: rule, verdict, reason in both languages
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A subject was registered at a stage; the verdict and its evidence as judged. The items stand in the stage's form."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    stage: str
    site: SiteId
    registration_date: date
    protocol_version: str
    evidence: Sequence[Values] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Randomized:
    """A subject was allocated to an arm, with everything an inspector needs to redo it."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    stage: str
    arm: ArmId
    randomization_date: date
    factors: Mapping[str, str]  # as they stood when the arm was drawn
    method: str
    algorithm_version: int
    tally: Mapping[str, Mapping[str, int]]  # per factor, at the subject's level, per arm, before the draw
    imbalance: Mapping[str, float]  # per arm, as its choice would leave it
    probability: Mapping[str, float]
    k: int
    u: float
    protocol_digest: str
    detail: Values = field(default_factory=dict)  # what else the method rests on (stratum, block)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationMarkedInError:
    """Allocation k leaves the tallies (randomized twice); the draw is never undone."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    k: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSubmitted:
    """A form was filled for the first time. `occurrence` counts from 1 within subject and form."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    form: str
    occurrence: int
    values: Values
    protocol_version: str
    visit: str | None = None
    warnings: Sequence[Values] = ()  # soft checks that fired: check, reason given by the author


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsCorrected:
    """Saved items changed: per item the old and the new value, and why."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    form: str
    occurrence: int
    old: Values
    new: Values
    reason: str
    factors: Mapping[str, str] | None = None  # the balancing factors as they now stand, when the correction touched them
    warnings: Sequence[Values] = ()
    #: The version it was judged by, from now on the form's. Empty: the one in force for the whole trial, and the form keeps its own.
    protocol_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRaised:
    """A data query to the site about a form or one of its items."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    query: str
    form: str
    occurrence: int
    item: str | None = None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryAnswered:
    """The site's answer to a data query."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    query: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryClosed:
    """The asking side closed a data query."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    query: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormVerified:
    """The form was compared with the source documents."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    form: str
    occurrence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSigned:
    """The investigator endorsed the form; `shown` is the digest of the values that were displayed."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    form: str
    occurrence: int
    meaning: str
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLocked:
    """The form takes no corrections until it is unlocked."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    form: str
    occurrence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FormUnlocked:
    """The form takes corrections again."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    form: str
    occurrence: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyReported:
    """An expedited report went out about a serious adverse event."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    form: str
    occurrence: int
    report: str  # first, second, follow-up
    category: str
    aware_date: date
    recipients: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationGraded:
    """A deviation from the protocol was graded: violation, deviation or acceptable deviation."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    rule: str
    grade: str
    text: str
    form: str | None = None
    occurrence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn:
    """Consent was withdrawn, for exactly this scope: treatment, follow_up or use_of_data."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    scope: str
    withdrawal_date: date
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationAnnulled:
    """A registration was made in error (wrong person, entered twice). Nothing is deleted; an allocation is never undone."""

    VERSION: ClassVar[int] = 1
    subject: SubjectId
    stage: str
    reason: str


TrialEntry: TypeAlias = (
    ProtocolActivated
    | ProtocolAdopted
    | RecordRevised
    | SecretCommitted
    | SecretOpened
    | SiteOpened
    | SiteClosed
    | RoleGranted
    | RoleRevoked
    | AccrualPaused
    | AccrualResumed
    | CutTaken
    | MonitoringDecided
    | HeadPublished
    | ExportMade
    | BodyRedacted
)
SubjectEntry: TypeAlias = (
    ConsentGiven
    | RegistrationRefused
    | Registered
    | Randomized
    | AllocationMarkedInError
    | FormSubmitted
    | ItemsCorrected
    | QueryRaised
    | QueryAnswered
    | QueryClosed
    | FormVerified
    | FormSigned
    | FormLocked
    | FormUnlocked
    | SafetyReported
    | DeviationGraded
    | ConsentWithdrawn
    | RegistrationAnnulled
)
Entry: TypeAlias = TrialEntry | SubjectEntry
