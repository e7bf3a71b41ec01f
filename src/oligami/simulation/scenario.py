"""The scenario file: how simulated people come, what they are like, and what happens to them.

A scenario belongs to a trial and lies in its folder; it fills forms by the protocol's own names and is no part of the
protocol (it does not touch the digest). Every rate in it is an assumption of ours, to rehearse with, not a fact of the trial.
"""

import tomllib
from dataclasses import field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from oligami.protocol.model.common import CONFIG, Text, dataclass


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Draw:
    """How a value is drawn; exactly one of the ways is given.

    value: always this. copy: the value of a trait or an item drawn before. choose: one of the keys, by its weight.
    normal: [mean, sd], kept inside `low` and `high`. uniform: [low, high]. whole: a whole number [low, high].
    days: a date so many days [low, high] after the date named `of` (negative: before).
    by: another draw for each value of a trait or item (`case`; `otherwise` for the rest).
    rows: a list with that many rows, each filled from `row`. numbered: the prefix and the row's number ("L1").
    share: the probability that there is a value at all. decimals: rounding of numbers.
    """

    value: Any = None
    copy: str | None = None
    choose: dict[str, float] | None = None
    normal: tuple[float, float] | None = None
    low: float | None = None
    high: float | None = None
    uniform: tuple[float, float] | None = None
    whole: tuple[int, int] | None = None
    days: tuple[int, int] | None = None
    of: str | None = None
    by: str | None = None
    case: dict[str, "Draw"] = field(default_factory=dict)
    otherwise: "Draw | None" = None
    rows: "Draw | None" = None
    row: dict[str, "Draw"] = field(default_factory=dict)
    numbered: str | None = None
    share: float = 1.0
    decimals: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Filling:
    """How the items of a form are filled, in order; an item may refer to traits and to items before it."""

    form: str
    item: dict[str, Draw]


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Accrual:
    """How people come: sites of unequal size open over `opening_months`; asked at a rate that the sites share."""

    start: date
    end: date
    fictitious_sites: int
    opening_months: float
    size_spread: float  # coefficient of variation of the sites' sizes
    asked_per_month: float
    second_attempt_share: float  # of those refused for missing items, who come again with them
    hopeless_attempt_share: float = 0.15  # of those who cannot be randomized, for whom it is asked all the same


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Therapy:
    """The systemic therapy: preferences among the allowed regimens, courses, delays and stops."""

    preference: dict[str, float] = field(default_factory=dict)
    start_days: tuple[int, int] = (1, 10)
    late_start_share: float = 0.02
    course_delay_share: float = 0.12
    course_delay_days: tuple[int, int] = (3, 14)
    dose_reduced_share: float = 0.12
    stop_before_randomization: float = 0.04  # probability that toxicity ends therapy in the first weeks
    stop_per_month: float = 0.008  # rate of ending for toxicity or refusal after randomization
    switch_per_month: float = 0.006  # rate of a switch within the class
    change_per_month: float = 0.002  # rate of another regimen before progression (a deviation)


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Outcome:
    """What the first weeks lead to, and survival.

    response: the overall response at the evaluation that precedes randomization.
    progression_months / death_months: median months after randomization in the control arm, exponential.
    hazard_ratio: of both, by arm. after_failure_months: median months to death of those not randomized.
    oligo_share: probability that progression is in the baseline metastases, by arm; both_share: in both.
    """

    response: Draw | None = None
    metastasis_kinds: tuple[str, ...] = ()  # kinds of lesions that are the metastases the trial counts
    node_sites: tuple[str, ...] = ()  # sites whose lesions are measured as nodes
    new_lesion_site: Draw | None = None
    withdraw_before_randomization: float = 0.02
    evaluation_days: tuple[int, int] = (80, 98)
    late_evaluation_share: float = 0.03
    registration_after_evaluation_days: tuple[int, int] = (3, 21)
    progression_months: Draw
    death_months: Draw
    hazard_ratio_progression: dict[str, float]
    hazard_ratio_death: dict[str, float]
    after_failure_months: Draw
    oligo_share: dict[str, float] = field(default_factory=dict)
    both_share: float = 0.1
    clinical_share: float = 0.06  # progression found by the clinic before the scan
    equivocal_share: float = 0.1  # new lesions first called equivocal


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class LocalTherapy:
    """Local therapy to the metastases that remain."""

    modality: Draw  # radiotherapy, surgery or none; may refer to `site`
    start_days: tuple[int, int] = (10, 38)
    late_share: float = 0.05
    gap_days: tuple[int, int] = (0, 10)
    wrong_dose_share: float = 0.03
    stopped_share: float = 0.02
    refused_share: float = 0.04
    crossover_share: float = 0.04
    other_technique_share: float = 0.03
    location: Draw | None = None  # where a lesion lies, for the site whose options depend on it
    margin: Draw
    complication_grade: Draw
    resume_days: tuple[int, int] = (7, 26)


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class AdverseEvents:
    """Adverse events: a rate a month by period, terms and grades by weight."""

    per_month_before: float
    per_month_after: dict[str, float]
    after_local_therapy: float  # expected number in the three months after local therapy, on top
    term: Draw
    grade: Draw
    serious_by_grade: dict[str, float]
    report_hours: tuple[int, int] = (4, 90)
    duration_days: tuple[int, int] = (5, 60)


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class QualityOfLife:
    """Answers of the questionnaire: a level of well-being (0-100) that moves, and noise on every item."""

    level: tuple[float, float]
    drift_by_arm: dict[str, float]  # change a year
    drop_at_progression: float
    noise: float
    missing_share: float
    item_missing_share: float


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Office:
    """How data come in and what the data centre does with them."""

    entry_days: tuple[int, int] = (0, 12)  # from what happened to the form
    late_share: float = 0.12
    late_days: tuple[int, int] = (20, 120)
    missing_share: float = 0.015
    typing_error_share: float = 0.03
    correction_days: tuple[int, int] = (5, 60)
    query_share: float = 0.04
    query_days: tuple[int, int] = (3, 30)
    verified_share: float = 0.15
    lock_years: float = 1.0  # forms are locked so long after they came in
    drop_out_per_year: float = 0.012
    withdrawal_per_year: float = 0.004
    factor_error_share: float = 0.02  # registrations whose balancing factor is entered wrong and corrected later
    factor_items: tuple[str, ...] = ()  # items of the first form that may be entered wrong so
    monitoring_months: int = 6
    cut_every_years: float = 1.0
    head_published_days: int = 30


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Scenario:
    """The whole of a scenario file."""

    id: str
    title: Text
    trial: str
    note: Text
    accrual: Accrual
    trait: dict[str, Draw]
    filling: tuple[Filling, ...]
    therapy: Therapy = field(default_factory=Therapy)
    outcome: Outcome
    local_therapy: LocalTherapy | None = None
    adverse_events: AdverseEvents | None = None
    quality_of_life: QualityOfLife | None = None
    office: Office = field(default_factory=Office)

    def filling_of(self, form: str) -> dict[str, Draw]:
        """Return how a form's items are drawn; empty where the scenario says nothing of them."""
        return next((filling.item for filling in self.filling if filling.form == form), {})


class ScenarioError(ValueError):
    """A scenario file is faulty; the message names file, key, found and expected, one a line."""


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        ScenarioError: it cannot be read or does not fit; all faults at once.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ScenarioError(f"{path}: there is no such file") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read as TOML: {error}") from error
    try:
        return TypeAdapter(Scenario).validate_python(raw)
    except ValidationError as error:
        lines = [
            f"{path.name}: {'.'.join(map(str, fault['loc']))}: {fault['msg']} (found {str(fault['input'])[:60]})"
            for fault in error.errors()
        ]
        raise ScenarioError("\n".join(lines)) from error


def find_scenario(protocol_folder: Path, name: str) -> Path:
    """Return a scenario by path or by name beside the protocol's versions (`TRIAL/scenarios/NAME.toml`).

    Raises:
        ScenarioError: there is none of that name; the message lists what there is.
    """
    direct = Path(name)
    if direct.suffix == ".toml":
        return direct
    folder = protocol_folder.parent / "scenarios"
    path = folder / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in folder.glob("*.toml"))) or "none"
        raise ScenarioError(f"scenario {name!r}: not found in {folder.name}/ beside the protocol; there are: {known}")
    return path
