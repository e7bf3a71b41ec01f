"""therapy.toml: classes of disease, the therapy table, regimens with their courses, and the status of a proposed regimen."""

from typing import Literal

from oligami.protocol.model.common import CONFIG, Identifier, Origin, Text, dataclass
from oligami.protocol.model.derived import Derived

TherapyStatus = Literal["ALLOWED", "ALLOWED_WITH_QUERY", "NOT_ALLOWED", "UNDETERMINED"]


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Regimen:
    """A regimen. Doses are reference facts for data checks (outside them is a query, never a block)."""

    code: str = Identifier
    title: Text
    course_days: int
    agents: tuple[str, ...] = ()
    dose: Text
    given: Text
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class TherapyRow:
    """One row of the therapy table: for whom (`when`), any of which regimens."""

    id: str = Identifier
    title: Text
    when: str
    regimens: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class TherapyRule:
    """One rule of the judgement; the rules are read in order.

    The first whose `when` is true gives its status. One whose `when` is unknown stops with UNDETERMINED and `when_unknown`.
    Besides items and derived items an expression may use `known_regimen` (the code is in this file) and
    `listed` (the regimen stands in a row whose `when` holds; unknown while that row is).
    """

    id: str = Identifier
    when: str
    status: TherapyStatus
    reason: Text
    when_unknown: Text | None = None
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class SameTherapy:
    """What counts as the same systemic therapy after randomization."""

    switch_classes: tuple[tuple[str, ...], ...] = ()  # agents within a class may be exchanged for toxicity
    drop_agent_allowed: bool = True
    text: Text
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class TherapyFile:
    """The whole of therapy.toml. `form` is the form whose items the expressions see, beside those of the first registration."""

    form: str
    window_days: int
    subtype: str  # the derived item that is printed as the subtype
    derived: tuple[Derived, ...]
    regimen: tuple[Regimen, ...]
    row: tuple[TherapyRow, ...]
    rule: tuple[TherapyRule, ...]
    same_therapy: SameTherapy
    origin: Origin
