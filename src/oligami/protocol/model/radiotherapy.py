"""radiotherapy.toml and radiotherapy_constraints.toml: prescriptions, where a lung lesion lies, limits of organs at risk."""

from typing import Literal

from oligami.protocol.model.common import CONFIG, Identifier, Origin, Text, dataclass


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class DoseOption:
    """One allowed prescription: site (and location), total dose range in Gy (both ends included), fractions."""

    id: str = Identifier
    site: str
    lung_location: str | None = None
    total_gy_min: float
    total_gy_max: float
    fractions: int
    technique: str
    origin: Origin
    technique_origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class LocationRule:
    """One step of finding where a lung lesion lies; the first whose `when` is true decides."""

    location: str
    when: str
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class LungLocation:
    """Where a lung lesion lies: its items (as in a form) and the ordered rules."""

    items: tuple[str, ...]  # ids of items in the form
    form: str
    rule: tuple[LocationRule, ...]
    otherwise: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Prescription:
    """How and where the dose is prescribed."""

    point: str
    tolerance_gy: float
    alpha_beta_gy: tuple[float, ...]
    location_site: str  # the site whose options depend on `lung_location`
    unknown_location: str  # the word for a location that is not known
    text: Text
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Reading:
    """A word of the record and how it is read."""

    record_text: str
    text: Text
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class PlanCheck:
    """A check of a plan with its three thresholds; None where a grade does not exist. Bounds hold for what `applies_to` says."""

    id: str = Identifier
    title: Text
    applies_to: str = "all"
    per_protocol_min: float | None = None
    per_protocol_max: float | None = None
    acceptable_min: float | None = None
    acceptable_max: float | None = None
    text: Text
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class RequiredStructures:
    """The structures a plan must carry, by TG-263 name; one of each inner group."""

    site: str
    lung_locations: tuple[str, ...] = ()
    structures: tuple[tuple[str, ...], ...]
    text: Text
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class StructureName:
    """A TG-263 name and the other names it goes by (case does not matter)."""

    name: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class RadiotherapyFile:
    """The whole of radiotherapy.toml."""

    option: tuple[DoseOption, ...]
    prescription: Prescription
    lung_location: LungLocation
    reading: tuple[Reading, ...] = ()
    plan_check: tuple[PlanCheck, ...] = ()
    required_structures: tuple[RequiredStructures, ...] = ()
    structure_name: tuple[StructureName, ...] = ()
    dvh: Text | None = None
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Constraint:
    """A limit of an organ at risk. `level` is `default` (counts) or `advice` (shown beside, does not count)."""

    id: str = Identifier
    fractions: int
    organ: str
    metric: str
    op: Literal["<", "<=", ">", ">="]
    limit: float
    unit: str
    level: str
    severity: str
    provenance: str
    cite: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class ConstraintsFile:
    """The whole of radiotherapy_constraints.toml."""

    text: Text
    same_limits: tuple[tuple[str, ...], ...] = ()  # organs that share their limits (left and right)
    constraint: tuple[Constraint, ...]
    origin: Origin
