"""analysis.toml and safety.toml: endpoints with population, start, event and censoring; how safety is counted and reported."""

from typing import Literal

from oligami.protocol.model.common import CONFIG, Identifier, Origin, Text, dataclass


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Endpoint:
    """An endpoint.

    kind: what is counted. `time_to_event` needs start, events and censoring; the words are a closed vocabulary:
        population: `registered:STAGE`, `randomized`, `randomized:ARM`, `randomized_with_progression`,
            `randomized_with_baseline_questionnaire`, `treated`.
        start: `registration:STAGE`, `randomization`, `last_local_therapy`.
        event: any of `death`, `progression_imaging`, `progression_clinical`, `progression_of_treated_lesion`.
        censor: `last_alive`, `last_progression_free_assessment`, `last_assessment_of_treated_lesions`.
    alternative_of: this is another reading of that endpoint, kept as a setting.
    """

    id: str = Identifier
    title: Text
    short_title: Text
    primary: bool = False
    kind: Literal["time_to_event", "progression_site", "safety", "quality_of_life"]
    population: str
    start: str | None = None
    event: tuple[str, ...] = ()
    censor: str | None = None
    compares_arms: bool = True
    alternative_of: str | None = None
    definition: Text
    record_text: str = ""
    origin: Origin
    definition_origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Stratum:
    """A stratum of the primary test: a balancing factor or derived item."""

    factor: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class BaselineRow:
    """A row of the baseline table: an item (of a stage's form), a derived item or a factor, and how it is summed up."""

    id: str = Identifier
    title: Text
    expression: str
    summary: Literal["median", "count"]
    label: tuple["ValueLabel", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class ValueLabel:
    """How a value reads in a table."""

    value: str
    label: Text


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class AnalysisFile:
    """The whole of analysis.toml. `months_days` and `years_days` convert days; levels are shares of 1."""

    endpoint: tuple[Endpoint, ...]
    stratum: tuple[Stratum, ...]
    confidence_levels: tuple[float, ...]
    curve_confidence_type: Literal["log-log", "log", "plain"]
    milestone_years: tuple[float, ...]
    days_per_month: float
    days_per_year: float
    baseline: tuple[BaselineRow, ...]
    text: Text
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Period:
    """A period of the safety table: from one anchor to the next (`registration:STAGE` or `randomization`)."""

    id: str = Identifier
    title: Text
    starts: str
    by_arm: bool
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class ReportDeadline:
    """An expedited report: its category and the days (or hours) from awareness."""

    id: str = Identifier
    title: Text
    category: str
    hours: int
    recipients: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class DeviationGrade:
    """A grade of a protocol deviation."""

    id: str = Identifier
    title: Text
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class SafetyFile:
    """The whole of safety.toml."""

    dictionary: str
    dictionary_version: str
    severe_grade: int
    period: tuple[Period, ...]
    deadline: tuple[ReportDeadline, ...]
    deviation_grade: tuple[DeviationGrade, ...]
    origin: Origin
