"""What is due when: the planned visits of a subject with their windows, and whether something was done in time.

The activities are the protocol's (schedule.toml). Days count from an anchor, whose own day is 0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from oligami.protocol.model.schedule import Activity, ScheduleFile
from oligami.protocol.text import Text

WindowVerdict = Literal["inside", "early", "late", "missed", "due", "not_due"]

#: Keys of `anchors` that are no anchor of an activity but end what is planned.
ENDS: tuple[str, ...] = ("progression", "death")
_CLOSING = "last_randomization"
_ANY_DAY = date(2000, 1, 1)  # names of visits do not depend on the anchor's date


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedVisit:
    """Something that is due at a target date within a window.

    visit: the activity's name for it; a run of visits counts them by their day (`imaging_84`), which stays the same when
    others are added. earliest: None if it may be done at any time before.
    """

    activity: str
    title: Text
    visit: str
    form: str | None
    earliest: date | None
    target: date
    latest: date | None
    required: bool
    deviation_rule: str | None


def planned_visits(
    schedule: ScheduleFile, anchors: Mapping[str, date], arm: str | None, *, until: date | None = None
) -> tuple[PlannedVisit, ...]:
    """Return what is planned for a subject, by target date.

    Args:
        schedule: the protocol's schedule.
        anchors: known dates by anchor: `registration:STAGE`, `event:NAME`, `last_randomization` (only when the trial has
            stopped randomizing; it ends the runs of follow-up), and besides `progression` and `death`, which end what the
            protocol ends then. An activity whose anchor is not known is not planned yet.
        arm: the subject's arm; None before randomization.
        until: leave out what is planned for later than this date.
    """
    closing = follow_up_end(schedule, anchors)
    found = []
    for activity in schedule.activity:
        anchor = anchors.get(activity.anchor)
        if anchor is None or (activity.arms and arm not in activity.arms):
            continue
        end = _end(activity, anchors)
        for planned in _visits_of(activity, anchor):
            opens = planned.earliest or planned.target
            is_over = end is not None and opens > end
            is_beyond = until is not None and planned.target > until
            is_closed = bool(activity.repeat) and closing is not None and planned.target > closing
            if not (is_over or is_beyond or is_closed):
                found.append(planned)
    return tuple(sorted(found, key=lambda planned: planned.target))


def follow_up_end(schedule: ScheduleFile, anchors: Mapping[str, date]) -> date | None:
    """Return the date on which follow-up ends for everybody; None while the last randomization is not known."""
    last = anchors.get(_CLOSING)
    days = [
        day
        for activity in schedule.activity
        if activity.anchor == _CLOSING
        for day in (activity.latest_day, activity.target_day)
        if day is not None
    ]
    return None if last is None or not days else last + timedelta(days=max(days))


def is_within(planned: PlannedVisit, day: date) -> bool:
    """Whether something done on that day lies inside the window, both ends included."""
    return (planned.earliest is None or day >= planned.earliest) and (planned.latest is None or day <= planned.latest)


def window_verdict(planned: PlannedVisit, done: date | None, *, on: date) -> WindowVerdict:
    """Tell how a visit stands.

    Args:
        planned: the visit.
        done: when it was done; None if it was not.
        on: the date as of which the question is asked.

    Returns:
        For a visit that was done *inside*, *early* or *late*; for one that was not *not_due* (the window has not opened),
        *due* or *missed*.
    """
    if done is not None:
        if is_within(planned, done):
            return "inside"
        return "early" if planned.earliest is not None and done < planned.earliest else "late"
    if planned.latest is not None and on > planned.latest:
        return "missed"
    return "due" if planned.earliest is None or on >= planned.earliest else "not_due"


def visit_names(schedule: ScheduleFile, form: str) -> tuple[str, ...]:
    """Return the names of all visits at which the schedule asks for a form, in the schedule's order."""
    named = [visit.visit for activity in schedule.activity if activity.form == form for visit in _visits_of(activity, _ANY_DAY)]
    return tuple(dict.fromkeys(named))


def visit_titles(schedule: ScheduleFile) -> dict[str, Text]:
    """Return what people call each visit of the schedule: the activity's title, and the day where it comes more than once."""
    found: dict[str, Text] = {}
    for activity in schedule.activity:
        for visit in _visits_of(activity, _ANY_DAY):
            day = (visit.target - _ANY_DAY).days
            if activity.at_days or activity.repeat:
                found.setdefault(visit.visit, _day_title(day))
            else:
                found.setdefault(visit.visit, activity.title)
    return found


def _day_title(day: int) -> Text:
    """Say a planned day as people do: in weeks where it is a whole number of them and not long ago, else in days."""
    if day % 7 == 0 and 0 < day <= 7 * 52:
        return Text(f"week {day // 7}", f"{day // 7}週")
    return Text(f"day {day}", f"{day}日")


def _visits_of(activity: Activity, anchor: date) -> Iterator[PlannedVisit]:
    """Yield the visits of an activity: its single window, its listed days, its runs."""
    if not activity.at_days and not activity.repeat:
        days = (activity.target_day, activity.latest_day, activity.earliest_day)
        target = next((day for day in days if day is not None), 0)
        yield _planned(activity, anchor, activity.id, activity.earliest_day, target, activity.latest_day)
    for place, day in enumerate(activity.at_days):
        visit = activity.visit_ids[place] if place < len(activity.visit_ids) else f"{activity.id}_{day}"
        yield _planned(activity, anchor, visit, day - activity.before_days, day, day + activity.after_days)
    for run in activity.repeat:
        for day in range(run.from_day, run.to_day + 1, run.every_days):
            yield _planned(activity, anchor, f"{activity.id}_{day}", day - run.before_days, day, day + run.after_days)


def _planned(activity: Activity, anchor: date, visit: str, earliest: int | None, target: int, latest: int | None) -> PlannedVisit:
    return PlannedVisit(
        activity=activity.id,
        title=activity.title,
        visit=visit,
        form=activity.form,
        earliest=None if earliest is None else anchor + timedelta(days=earliest),
        target=anchor + timedelta(days=target),
        latest=None if latest is None else anchor + timedelta(days=latest),
        required=activity.status == "required",
        deviation_rule=activity.deviation_rule,
    )


def _end(activity: Activity, anchors: Mapping[str, date]) -> date | None:
    """Return the date after which an activity is not planned: death for all, progression for those that say so."""
    names = ENDS if activity.until == "progression" else ("death",)
    return min((anchors[name] for name in names if name in anchors), default=None)
