"""What was due of a subject by the schedule, when it was done, and what excuses what was not.

Windows are `trial.schedule`'s; here they are anchored to a subject's dates and matched with what its forms say.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from oligami.data.history import History
from oligami.data.local_therapy import local_therapy_began, local_therapy_completed, remaining_lesions
from oligami.data.progression import Progression, local_therapy_of
from oligami.data.reading import Filled
from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.schedule import Activity
from oligami.trial.schedule import PlannedVisit, planned_visits

#: Forms that come when something happens, so that none is missing while nothing did.
_WHEN_IT_HAPPENS: Final = frozenset(
    {
        FormRole.ADVERSE_EVENT,
        FormRole.RADIOTHERAPY,
        FormRole.SURGERY,
        FormRole.DEATH,
        FormRole.TREATMENT_END,
        FormRole.THERAPY_CHANGE,
    }
)
#: What belongs to the treatment and is over with it.
_TREATMENT: Final = frozenset({FormRole.THERAPY, FormRole.COURSE})
#: What only follows the subject.
_FOLLOWED: Final = frozenset({FormRole.QUESTIONNAIRE, FormRole.FOLLOW_UP, FormRole.OTHER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A planned visit, when it was done (None: it was not), the form that says so, and whether its absence is excused.

    is_data: when nothing says it was done, a form is missing; that it was not done is not known (follow-up, questionnaires).
    """

    planned: PlannedVisit
    role: FormRole | None
    done: date | None
    filled: Filled | None
    excused: bool
    is_data: bool


def find_anchors(history: History, progression: Progression, last_randomization: date | None) -> dict[str, date]:
    """Return the dates from which the schedule counts for a subject.

    `event:assessment_date` is the assessment on which the randomizing stage rests: the last before it, the first for who has
    not come to it. Local therapy gives an anchor when all of it is over: that of what came last.
    """
    anchors = {f"registration:{stage}": day for stage, day in history.registered.items()}
    for filled in (*history.others, *([] if history.therapy is None else [history.therapy])):
        for concept in filled.concepts():
            day = filled.day(concept)
            if day is not None and day <= history.last_day:
                anchors[f"event:{concept}"] = day
    days = [scan.date for scan in progression.scans]
    if history.randomized is not None:
        days = [day for day in days if day <= history.randomized][-1:]
    if days:
        anchors["event:assessment_date"] = days[0]
    treated = local_therapy_of(history, progression)
    if treated and all(each.end is not None for each in treated):
        last = max(treated, key=lambda each: each.end or each.start)
        day = last.end or last.start
        anchors["event:last_local_therapy"] = day
        anchors["event:surgery_date" if last.modality == "surgery" else "event:last_fraction"] = day
    ends = {"progression": progression.known, "death": history.death, "last_randomization": last_randomization}
    return anchors | {name: day for name, day in ends.items() if day is not None}


def questionnaire_windows(history: History, anchors: Mapping[str, date], protocol: Protocol) -> dict[str, PlannedVisit]:
    """Return the planned visits by name as if nobody died or progressed."""
    lasting = {name: day for name, day in anchors.items() if name not in ("progression", "death", "last_randomization")}
    return {planned.visit: planned for planned in planned_visits(protocol.schedule, lasting, history.arm)}


def match_visits(history: History, progression: Progression, anchors: Mapping[str, date], protocol: Protocol) -> tuple[Done, ...]:
    """Return what was planned with what was done by the cut, in order of the planned dates.

    Only activities that are required or whose missed window is reported. A form that names its visit belongs to it; another
    belongs to the planned visit of its kind that is nearest, and of several the nearest counts.
    """
    activities = {
        activity.id: activity
        for activity in protocol.schedule.activity
        if activity.status == "required" or activity.deviation_rule is not None
    }
    roles = {form.id: form.role for form in protocol.forms}
    planned = [each for each in planned_visits(protocol.schedule, anchors, history.arm) if each.activity in activities]
    matched = _match_forms(history, planned, roles)
    found = []
    for each in planned:
        activity = activities[each.activity]
        role = None if activity.form is None else roles.get(activity.form)
        if role in _WHEN_IT_HAPPENS or (role is None and not activity.measures):
            continue
        filled = matched.get(id(each))
        day = filled.on if filled is not None else None
        match role:
            case FormRole.REGISTRATION:
                day = next(
                    (history.registered.get(stage.id) for stage in protocol.eligibility.stage if stage.form == activity.form),
                    None,
                )
            case FormRole.THERAPY:
                filled, day = history.therapy, history.therapy_start
            case FormRole.COURSE:
                filled = next((course for course in history.courses if course.on and course.on >= anchors[activity.anchor]), None)
                day = None if filled is None else filled.on
            case None:
                day = _measure(history, progression, activity, protocol)
        found.append(
            Done(
                planned=each,
                role=role,
                done=day,
                filled=filled,
                excused=day is None and _is_excused(history, progression, each, activity, role),
                is_data=bool(activity.repeat) or role in _FOLLOWED,
            )
        )
    return tuple(found)


def _match_forms(history: History, planned: Sequence[PlannedVisit], roles: Mapping[str, FormRole]) -> dict[int, Filled]:
    matched: dict[int, tuple[int, date, Filled]] = {}
    for filled in _visits_of(history):
        day = filled.on
        pool = [each for each in planned if each.form == filled.state.form]
        if day is None or not pool:
            continue
        named = [each for each in pool if each.visit == filled.visit]
        nearest = named[0] if named else min(pool, key=lambda each: (abs((day - each.target).days), each.target))
        # The form that names the visit goes before one that is merely near.
        distance = -1 if named else abs((day - nearest.target).days)
        known = matched.get(id(nearest))
        if known is None or (distance, day) < known[:2]:
            matched[id(nearest)] = (distance, day, filled)
    return {key: filled for key, (_, _, filled) in matched.items()}


def _visits_of(history: History) -> Iterator[Filled]:
    yield from history.assessments
    yield from history.questionnaires
    yield from history.contacts
    yield from history.others


def _measure(history: History, progression: Progression, activity: Activity, protocol: Protocol) -> date | None:
    if activity.measures == "local_therapy_start":
        return local_therapy_began(history, progression)
    normal = protocol.response.normal_node_below_mm if protocol.response is not None else 0.0
    return local_therapy_completed(history, progression, remaining_lesions(history, progression, normal))


def _is_excused(
    history: History, progression: Progression, planned: PlannedVisit, activity: Activity, role: FormRole | None
) -> bool:
    """Whether nothing need have been done: the obligation ended inside the window, or the stage was never reached."""
    if role is FormRole.REGISTRATION:
        return True
    closes = planned.latest or planned.target

    def came(day: date | None) -> bool:
        return day is not None and day <= closes

    if came(history.death) or came(history.withdrew("follow_up", "use_of_data")):
        return True
    if activity.until == "progression" and came(progression.known):
        return True
    treatment_over = came(None if history.end is None else history.end.on) or came(history.withdrew("treatment"))
    if treatment_over and (role in _TREATMENT or activity.measures):
        return True
    # Who left before randomization has only its survival to be followed.
    return treatment_over and history.randomized is None and role is not FormRole.FOLLOW_UP


def resumption_missed(visits: Sequence[Done], history: History) -> bool:
    """Whether a window in which the systemic therapy had to resume after randomization has closed without a course."""
    start = history.randomized
    return start is not None and any(
        done.role is FormRole.COURSE and done.done is None and done.planned.target >= start and closes < history.last_day
        for done in visits
        if (closes := done.planned.latest) is not None
    )
