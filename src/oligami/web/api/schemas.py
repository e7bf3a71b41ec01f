"""What goes through the API: plain shapes, made from the core's own."""

from datetime import date, datetime
from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, Field

from oligami.protocol.text import Reason, Text
from oligami.trial.desk import Receipt

#: 128 bits by chance, made by the client, as 32 small hexadecimal digits: the same id again gives the first answer.
CommandId = Annotated[
    str, Field(pattern=r"^[0-9a-f]{32}$", description="32 hexadecimal digits by chance; a repeat gives the first answer")
]
Values = dict[str, Any]
#: Number of a record that the author had seen.
Seen = Annotated[int, Field(ge=0, le=1 << 53)]
_COMMAND = "4f2a90c17be64d0fa3d1e8b25c7790ab"


class Said(Schema):
    """A sentence in both languages."""

    en: str
    ja: str

    @staticmethod
    def of(text: Text) -> "Said":
        """Return a sentence of the core."""
        return Said(en=text.en, ja=text.ja)


class Because(Schema):
    """A reason: the rule and its sentence."""

    rule: str
    text: Said


class No(Schema):
    """Why something was not done. Nothing was written."""

    what: Said
    reasons: list[Because]

    @staticmethod
    def of(what: Text, reasons: tuple[Reason, ...]) -> "No":
        """Return the answer for a refusal."""
        return No(what=Said.of(what), reasons=[Because(rule=reason.rule, text=Said.of(reason.text)) for reason in reasons])


class Fault(Schema):
    """A place in a request and what belongs there; what was sent is not sent back."""

    where: list[str]
    expected: str


class Unreadable(No):
    """The request does not have the form that is described here. Nothing was written."""

    faults: list[Fault] = Field(default_factory=list)


class Written(Schema):
    """The records a command came to."""

    repeated: bool = Field(description="the command had been carried out before; this is its first answer")
    records: list["WrittenRecord"]

    @staticmethod
    def of(receipt: Receipt, *, shown: dict[str, Values]) -> "Written":
        """Return the receipt of a command; `shown` says per kind of entry what of it may be told."""
        return Written(
            repeated=receipt.repeated,
            records=[
                WrittenRecord(
                    record=record.seq,
                    recorded_at=record.stamp.recorded_at,
                    entry=type(record.entry).__name__,
                    seal=record.seal,
                    told=shown.get(type(record.entry).__name__, {}),
                )
                for record in receipt.records
            ],
        )


class WrittenRecord(Schema):
    """One record of a receipt."""

    record: int
    recorded_at: datetime
    entry: str
    seal: str
    told: Values = Field(default_factory=dict, description="what the entry says to this person: subject, arm, verdict")


class Me(Schema):
    """Who speaks."""

    person: str
    site: str | None = Field(description="the token's site; null: wherever the person may")
    roles: list["RoleHeld"]
    record: int = Field(description="the journal's newest record")


class RoleHeld(Schema):
    """A role and where it is held."""

    role: str
    site: str | None


class SubjectLine(Schema):
    """A subject in a list."""

    subject: str
    site: str
    status: str
    randomization_date: date | None
    open_queries: int


class FormLine(Schema):
    """A filled form."""

    form: str
    occurrence: int
    visit: str | None
    protocol_version: str
    values: Values
    seq: int = Field(description="record that last touched the values: send it back as `seen`")
    submitted_at: datetime
    signed: bool
    verified: bool
    locked: bool


class SubjectWhole(Schema):
    """A subject with its casebook."""

    subject: str
    site: str
    seq: int
    arm: str | None = Field(description="only for those who may see it")
    stages: list[Values]
    forms: list[FormLine]
    queries: list[Values]


class RegisterBody(Schema):
    """A registration. Every registration is signed: `password` is the person's, entered for this act."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "command": _COMMAND,
                "stage": "first",
                "site": "s01",
                "values": {"registration_date": "2024-06-10", "sex": "female"},
                "password": "…",
            }
        },
    )

    command: CommandId
    stage: str
    site: str
    subject: str | None = None
    values: Values
    reasons: dict[str, str] = Field(default_factory=dict)
    seen: Seen | None = None
    password: str = ""
    caller: str | None = Field(default=None, description="who asked on the telephone, for a data manager: role and site, no name")


class SubmitBody(Schema):
    """A form filled for the first time."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "command": _COMMAND,
                "form": "follow_up",
                "values": {"contact_date": "2024-06-12", "vital_status": "alive"},
                "reasons": {"contact_after_registration": "as in the letter"},
            }
        },
    )

    command: CommandId
    form: str
    values: Values
    visit: str | None = None
    reasons: dict[str, str] = Field(default_factory=dict)


class CorrectBody(Schema):
    """A correction: only the items that change, why, and which record was seen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"command": _COMMAND, "new": {"remarks": "by telephone"}, "reason": "left out", "seen": 42}
        },
    )

    command: CommandId
    new: Values
    reason: str
    seen: Seen
    reasons: dict[str, str] = Field(default_factory=dict)


class Judgement(Schema):
    """A verdict on values, nothing written."""

    verdict: str
    criteria: list[Values]


class JudgeBody(Schema):
    """Values to judge."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"site": "s01", "values": {"sex": "female", "er": "positive"}}}
    )

    site: str
    values: Values


class SiteLineOut(Schema):
    """A site; what the person may not know of it is null."""

    site: str
    name: str
    opened_at: datetime
    closed_at: datetime | None
    subjects: int
    randomized: int
    open_queries: int | None
    overdue: int | None


class MonthOut(Schema):
    """Accrual at the end of a month, without arms; the plan is null for those who see their own sites alone."""

    day: date
    registered: int
    randomized: int
    registered_planned: float | None
    randomized_planned: float | None


class Task(Schema):
    """Something that waits at a site."""

    site: str
    subject: str
    kind: str
    state: str
    what: Said
    form: str | None
    occurrence: int | None
    visit: str | None
    stage: str | None
    query: str | None
    target: date
    latest: date | None
