"""What people ask of a trial.

Where saying a thing is all there is to it (open a site, raise a query, lock a form), the command *is* the entry. Where the
system adds something of its own (a verdict, an arm, a number), the command is one of the classes here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from oligami.journal import entries as e
from oligami.journal.entries import SiteId, SubjectId, Values
from oligami.protocol.model.protocol import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateProtocol:
    """Bring a version of the protocol into force: for the whole trial from now on, or with `per_site` where and when it is adopted.

    With a `commitment` (the SHA-256 of a secret of randomization) the secret is committed in the same act, so that no draw
    can lie between.
    """

    protocol: Protocol
    reason: str = ""
    commitment: str | None = None
    per_site: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Register a subject at a stage with the items of the stage's form; randomize if the stage does.

    `subject` is None at the first stage: the number is given on registration. `reasons` answer soft checks, by check id;
    `*` answers every check that has none of its own, for authors who were shown all of them. `version` is the protocol's version
    that the author was shown; None where nothing was shown (an import). Another that rules by now refuses.
    """

    stage: str
    site: SiteId
    values: Values
    subject: SubjectId | None = None
    visit: str | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitForm:
    """Fill a form for the first time (a further occurrence where the form repeats); `version` as in `Register`."""

    subject: SubjectId
    form: str
    values: Values
    visit: str | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectItems:
    """Change saved items of a form; None removes a value. A reason is due.

    The form is judged by the version under which it was filled. With `version` naming the one that rules the site by now it is
    judged by that one and belongs to it from then on: for items that an amendment has brought in.
    """

    subject: SubjectId
    form: str
    occurrence: int
    new: Values
    reason: str
    reasons: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactBody:
    """Remove texts that name a person from a record; `texts` are the words to remove wherever free text holds them."""

    record: int
    texts: Sequence[str]
    reason: str


#: Entries that are commands as they stand; the others are the system's to say.
Said: TypeAlias = (
    e.ProtocolAdopted
    | e.RecordRevised
    | e.SecretCommitted
    | e.SecretOpened
    | e.SiteOpened
    | e.SiteClosed
    | e.RoleGranted
    | e.RoleRevoked
    | e.AccrualPaused
    | e.AccrualResumed
    | e.CutTaken
    | e.MonitoringDecided
    | e.HeadPublished
    | e.ExportMade
    | e.ConsentGiven
    | e.AllocationMarkedInError
    | e.QueryRaised
    | e.QueryAnswered
    | e.QueryClosed
    | e.FormVerified
    | e.FormSigned
    | e.FormLocked
    | e.FormUnlocked
    | e.SafetyReported
    | e.DeviationGraded
    | e.ConsentWithdrawn
    | e.RegistrationAnnulled
)
Command: TypeAlias = ActivateProtocol | Register | SubmitForm | CorrectItems | Said
