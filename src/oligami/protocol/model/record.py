"""trial.toml: identifiers, arms, and everything the trial's public record says, in the registry's own words."""

from datetime import date

from pydantic import Field

from oligami.protocol.model.common import CONFIG, Identifier, Origin, Text, dataclass


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Identification:
    """What the trial is called. `id` is its short name in commands and draws."""

    id: str = Identifier
    acronym: str = ""
    nct_id: str = ""
    org_study_id: str = ""
    brief_title: Text
    other_identifiers: tuple["OtherIdentifier", ...] = ()
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class OtherIdentifier:
    """Another identifier as the record page prints it."""

    id: str
    type: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Status:
    """Status and dates of the record; initial values, the journal takes over after activation."""

    overall: str
    start_date: date
    completion_date: date
    last_update_posted: date
    has_results: bool = False
    results_note: Text
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Person:
    """A person of the public record, in a role of the record's own vocabulary."""

    name: str
    role: str
    affiliation: str = ""
    title: str = ""
    phone: str = ""
    email: str = ""
    note: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Sponsor:
    """The lead sponsor and the responsible party."""

    name: str
    organization_class: str
    responsible_party_type: str = ""
    responsible_party_name: str = ""
    responsible_party_title: str = ""
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Location:
    """A site of the public record."""

    facility: str
    status: str
    city: str
    state: str = ""
    country: str
    contacts: tuple[Person, ...] = ()
    note: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class RecordDesign:
    """The record's design module."""

    study_type: str
    phases: tuple[str, ...]
    allocation: str
    intervention_model: str
    intervention_model_description: Text
    primary_purpose: str
    masking: str
    enrollment_count: int
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class RecordArm:
    """An arm group as the record prints it."""

    label: Text
    type: str
    description: Text
    interventions: tuple[str, ...]
    note: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class RecordIntervention:
    """An intervention as the record prints it."""

    type: str
    name: Text
    description: Text
    arms: tuple[str, ...]
    note: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class RecordEligibility:
    """The record's eligibility module."""

    criteria: Text
    healthy_volunteers: bool
    sex: str
    minimum_age: str
    maximum_age: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class RelatedTrial:
    """A trial the record page prints beside this one."""

    nct_id: str
    brief_title: str
    overall_status: str
    phases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Link:
    """A related link."""

    url: str
    label: Text


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Oddity:
    """Something in the record that is kept as printed although it reads oddly."""

    where: str
    what: Text


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Arm:
    """An arm as the software runs it. `includes` names what is given: `systemic_therapy`, `local_therapy`."""

    id: str = Identifier
    role: str = Field(pattern="^(control|experimental)$")
    title: Text
    short_title: Text
    record_label: str
    includes: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class TrialFile:
    """The whole of trial.toml."""

    identification: Identification
    status: Status
    sponsor: Sponsor
    brief_summary: Text
    detailed_description: Text
    conditions: tuple[Text, ...]
    keywords: tuple[Text, ...] = ()
    design: RecordDesign
    arm: tuple[Arm, ...]
    record_arm: tuple[RecordArm, ...]
    record_intervention: tuple[RecordIntervention, ...]
    record_eligibility: RecordEligibility
    central_contact: tuple[Person, ...]
    official: tuple[Person, ...]
    location: tuple[Location, ...]
    country: tuple[str, ...]
    related_trial: tuple[RelatedTrial, ...] = ()
    related_link: tuple[Link, ...] = ()
    absent_from_record: tuple[Text, ...] = ()
    absent_note: Text | None = None
    oddity: tuple[Oddity, ...] = ()
    open_point: tuple[Text, ...] = ()  # questions left to the study office
    consent_document: str = "1.0"
    time_zone: str = "Asia/Tokyo"
    translation_note: Text
    origin: Origin
