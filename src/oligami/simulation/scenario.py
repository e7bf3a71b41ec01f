"""The scenario file: how simulated people come, what they are like, and what happens to them.

A scenario belongs to a trial and lies in its folder; it fills forms by the protocol's own names and is no part of the
protocol (it does not touch the digest). Every rate in it is an assumption of ours, to rehearse with, not a fact of the trial.
"""

import tomllib
from dataclasses import field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from oligami.protocol.model.common import CONFIG, Text, dataclass
from oligami.simulation.faults import fault_lines

#: A probability, and whole days [low, high] (both included).
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Days: TypeAlias = tuple[int, int]
Weights: TypeAlias = dict[str, Annotated[float, Field(ge=0)]]

#: The ways of a draw to its value.
_WAYS: Final = ("value", "copy", "choose", "normal", "uniform", "whole", "days", "by", "rows", "numbered")


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
    share: Share = 1.0
    decimals: int | None = None

    def __post_init__(self) -> None:
        """Refuse a draw that gives no way to a value, or more than one.

        Raises:
            ValueError: it does, or its limits or weights cannot be.
        """
        ways = [name for name in _WAYS if getattr(self, name) is not None]
        if len(ways) != 1:
            found = ", ".join(ways) or "none"
            raise ValueError(f"a draw gives exactly one of {', '.join(_WAYS)}; found: {found}")
        if self.choose is not None and (min(self.choose.values(), default=0) < 0 or sum(self.choose.values()) <= 0):
            raise ValueError("weights are 0 or more, and one of them is above 0")
        for limits in (self.uniform, self.whole, self.days):
            if limits is not None and limits[0] > limits[1]:
                raise ValueError(f"the lower limit {limits[0]} is above the upper {limits[1]}")
        if self.days is not None and self.of is None:
            raise ValueError("`days` needs the date they count from: `of`")


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Filling:
    """How the items of a form are filled, in order; an item may refer to traits and to items before it."""

    form: str
    item: dict[str, Draw]


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Accrual:
    """How people come: sites of unequal size open over `opening_months`; asked at a rate that the sites share.

    half_way: the day on which a demonstration stops: some are at every step of their course, and there is room for more.
    """

    start: date
    end: date
    half_way: date | None = None
    fictitious_sites: Annotated[int, Field(ge=0)]
    opening_months: float
    size_spread: float  # coefficient of variation of the sites' sizes
    asked_per_month: Annotated[float, Field(gt=0)]
    second_attempt_share: Share  # of those refused for missing items, who come again with them
    hopeless_attempt_share: Share = 0.15  # of those who cannot be randomized, for whom it is asked all the same
    telephone_share: Share = 0.1  # of registrations made by telephone: the data manager speaks for a caller

    def __post_init__(self) -> None:
        """Refuse an end before the start.

        Raises:
            ValueError: it is.
        """
        if self.end <= self.start:
            raise ValueError(f"the end {self.end} is not after the start {self.start}")


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Therapy:
    """The systemic therapy: preferences among the allowed regimens, courses, delays and stops."""

    preference: Weights = field(default_factory=dict)
    start_days: Days = (1, 10)
    late_start_share: Share = 0.02
    late_start_days: Days = (15, 24)
    restart_days: Days = (3, 24)  # from randomization, where no local therapy comes first
    course_delay_share: Share = 0.12
    course_delay_days: Days = (3, 14)
    dose_reduced_share: Share = 0.12
    stop_before_randomization: Share = 0.04  # probability that toxicity ends therapy in the first weeks
    stop_per_month: Share = 0.008  # rate of ending for toxicity or refusal after randomization
    switch_per_month: Share = 0.006  # rate of a switch within the class
    change_per_month: Share = 0.002  # rate of another regimen before progression (a deviation)


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Outcome:
    """What the first weeks lead to, and survival.

    response: how the lesions fare up to the evaluation that precedes randomization, in the words of the response criteria
        (CR, PR, SD, PD; NE: they cannot be judged). What is recorded follows from the sizes by the protocol's rules.
    progression_months / death_months: median months after randomization in the control arm, exponential; no progression
        or no death if left out.
    hazard_ratio: of both, by arm (1 if left out). after_failure_months: median months to death of those not randomized.
    oligo_share: probability that progression is in the baseline metastases, by arm; both_share: in both.
    """

    response: Draw | None = None
    new_lesion_share: Share = 0.4  # of progressions at the evaluation, those with a new lesion
    new_lesion_site: Draw | None = None
    withdraw_before_randomization: Share = 0.02
    evaluation_days: Days = (80, 98)
    late_evaluation_share: Share = 0.03
    late_evaluation_days: Days = (106, 125)
    registration_after_evaluation_days: Days = (3, 21)
    progression_months: Draw | None = None
    death_months: Draw | None = None
    hazard_ratio_progression: Weights = field(default_factory=dict)
    hazard_ratio_death: Weights = field(default_factory=dict)
    after_failure_months: Draw | None = None
    sudden_death_share: Share = 0.15  # of deaths whose clock runs out before that of progression, those without progression
    oligo_share: dict[str, Share] = field(default_factory=dict)
    both_share: Share = 0.1
    clinical_share: Share = 0.06  # progression found by the clinic before the scan
    equivocal_share: Share = 0.1  # new lesions first called equivocal
    missed_scan_share: Share = 0.03
    scan_days: Days = (-7, 10)  # of a scan around its planned day


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class LocalTherapy:
    """Local therapy to the metastases that remain."""

    modality: Draw  # radiotherapy, surgery or none; may refer to `site`
    start_days: Days = (10, 38)
    late_share: Share = 0.05
    late_days: Days = (45, 70)
    gap_days: Days = (0, 10)
    wrong_dose_share: Share = 0.03
    stopped_share: Share = 0.02
    refused_share: Share = 0.04
    crossover_share: Share = 0.04
    crossover_days: Days = (60, 400)
    other_technique_share: Share = 0.03
    location: Draw | None = None  # where a lesion lies, for the site whose options depend on it
    margin: Draw
    complication_grade: Draw
    resume_days: Days = (7, 26)


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class AdverseEvents:
    """Adverse events: a rate a month by period, terms and grades by weight."""

    per_month_before: float
    per_month_after: Weights
    after_local_therapy: float  # expected number in the three months after local therapy, on top
    term: Draw
    grade: Draw
    serious_by_grade: dict[str, Share]
    aware_days: Days = (0, 2)  # from the first day of a serious one to the day the site knows of it
    serious_entry_days: Days = (0, 1)  # from then to the form
    report_hours: tuple[int, int] = (2, 60)  # from the form to the expedited report
    duration_days: Days = (5, 60)


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class QualityOfLife:
    """Answers of the questionnaire: a level of well-being (0-100) that moves, and noise on every item."""

    level: tuple[float, float]
    drift_by_arm: dict[str, float]  # change a year
    drop_at_progression: float
    noise: float
    missing_share: Share
    item_missing_share: Share
    around_days: Days = (-20, 20)  # of an answer around its planned day


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Office:
    """How data come in and what the data centre does with them."""

    entry_days: Days = (0, 12)  # from what happened to the form
    late_share: Share = 0.12
    late_days: Days = (20, 120)
    missing_share: Share = 0.015
    typing_error_share: Share = 0.03
    correction_days: Days = (5, 60)
    late_correction_share: Share = 0.03  # of typing errors, those found only after the form was locked
    query_share: Share = 0.04
    query_days: Days = (3, 30)
    signed_share: Share = 0.5  # of the forms that the protocol does not want signed
    verified_share: Share = 0.15
    lock_years: float = 1.0  # forms are locked so long after they came in
    contact_days: Days = (-20, 20)  # of a follow-up contact around its planned day
    drop_out_per_year: float = 0.012
    withdrawal_per_year: float = 0.004
    withdrawal_scope: Weights = field(default_factory=lambda: {"treatment": 0.6, "follow_up": 0.35, "use_of_data": 0.05})
    factor_error_share: Share = 0.02  # registrations whose balancing factor is entered wrong and corrected later
    factor_correction_days: Days = (20, 360)
    factor_items: tuple[str, ...] = ()  # items of the first form that may be entered wrong so
    deviation_grade: Weights = field(default_factory=dict)  # the protocol's grades, for what its rules do not allow
    monitoring_months: Annotated[int, Field(ge=1)] = 6
    head_published_days: Annotated[int, Field(ge=1)] = 30


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
        raise ScenarioError("\n".join(fault_lines(path.name, Scenario, raw, error))) from error


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
