"""schedule.toml: what is done when, with windows. Days count from an anchor; the anchor's day is 0."""

from typing import Literal

from oligami.protocol.model.common import CONFIG, Identifier, Origin, Text, dataclass


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Repeat:
    """A run of repeated visits: every so many days from `from_day` to `to_day` (both in days from the anchor)."""

    every_days: int
    from_day: int
    to_day: int
    before_days: int = 0
    after_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Activity:
    """Something that is due.

    anchor: `registration:STAGE` (a stage's registration date), `event:NAME` (a dated concept such as `event:assessment_date`,
        `event:last_fraction`, `event:surgery_date`), or `last_randomization` (of the trial).
    earliest_day / latest_day: the window around the anchor, in days (None: open). target_day: the planned day.
    at_days: several planned days, each with the same `before_days` / `after_days`; repeat: runs of them.
    visit_ids: the names of the visits made by `at_days`, in order.
    measures: what is done, where no form alone says it: local therapy has begun, or every remaining oligometastasis has had it.
    arms: only in these arms (empty: all). until: `progression`, `death` or empty.
    """

    id: str = Identifier
    title: Text
    text: Text
    form: str | None = None
    measures: Literal["", "local_therapy_start", "local_therapy_complete"] = ""
    anchor: str
    target_day: int | None = None
    earliest_day: int | None = None
    latest_day: int | None = None
    at_days: tuple[int, ...] = ()
    visit_ids: tuple[str, ...] = ()
    before_days: int = 0
    after_days: int = 0
    repeat: tuple[Repeat, ...] = ()
    arms: tuple[str, ...] = ()
    until: Literal["", "progression", "death"] = ""
    status: Literal["required", "default"]
    deviation_rule: str | None = None  # the name under which a missed window is reported
    origin: Origin
    window_origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class ScheduleFile:
    """The whole of schedule.toml."""

    activity: tuple[Activity, ...]
