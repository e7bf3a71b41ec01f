"""Systemic therapy: courses with their delays, switches, other regimens, and the end of treatment.

Why a treatment ended is told to the scenario as the situation `why`; which of the form's reasons that is, the scenario says.
"""

from datetime import date, datetime, timedelta
from typing import Any, Literal

from oligami.protocol.model.forms import FormRole
from oligami.simulation.drawing import between, happens
from oligami.simulation.engine import Engine, later, working_time
from oligami.simulation.latent import DAYS_PER_MONTH
from oligami.simulation.office import Filled, send_in
from oligami.simulation.person import Person

#: Progressed; could not be randomized; toxicity or refusal; consent withdrawn; died under treatment.
Why = Literal["progression", "not_randomized", "stopped", "withdrawn", "died"]


def give_course(engine: Engine, person: Person) -> None:
    """Give one course on `next_course`, or some days later, and set the day of the one after it."""
    delay = _delay(engine, person)
    _begin_course(engine, person, person.next_course + timedelta(days=delay), delay)


def _delay(engine: Engine, person: Person) -> int:
    therapy, chance = engine.scenario.therapy, person.chance
    delayed = person.courses > 0 and happens(therapy.course_delay_share, chance)
    return between(therapy.course_delay_days, chance) if delayed else 0


def _begin_course(engine: Engine, person: Person, starts: date, delay: int) -> None:
    form = engine.protocol.form_of(FormRole.COURSE)
    if form is None or person.regimen is None:
        return
    reduced = happens(engine.scenario.therapy.dose_reduced_share, person.chance)
    person.courses += 1
    person.next_course = starts + timedelta(days=person.regimen.course_days)
    given: dict[str, Any] = {
        "course_number": person.courses,
        "course_start_date": starts,
        "regimen": person.regimen.code,
        "given": "yes",
        "delay_days": delay,
        "dose_reduced": "yes" if reduced else "no",
    }
    env = {**person.traits, "disturbed": "yes" if delay or reduced else "no"}
    values = engine.fill(form.id, given, env, "course", person.number * 1000 + person.courses)
    send_in(engine, Filled(subject=person.subject, form=form.id, values=values, happened=starts, number=person.courses))


def restart(engine: Engine, person: Person, on: date) -> None:
    """Let systemic therapy go on from a day after randomization."""
    person.next_course = on
    if engine.protocol.form_of(FormRole.COURSE) is not None:
        _await_course(engine, person)


def _await_course(engine: Engine, person: Person) -> None:
    due = later(working_time(person.next_course, person.chance), 0, person.chance)
    engine.at(due, lambda at: _continue(engine, person, at))


def _continue(engine: Engine, person: Person, when: datetime) -> None:
    """Decide on the course that is due: a stop, a switch, a delay, or the course itself."""
    if person.therapy_ended or person.regimen is None or not person.is_followed(when.date()):
        return
    therapy, chance = engine.scenario.therapy, person.chance
    months = person.regimen.course_days / DAYS_PER_MONTH
    if happens(therapy.stop_per_month * months, chance):
        end_treatment(engine, person, when.date(), "stopped")
        return
    if happens(therapy.switch_per_month * months, chance):
        _change(engine, person, when.date(), same=True)
    elif happens(therapy.change_per_month * months, chance):
        _change(engine, person, when.date(), same=False)
    delay = _delay(engine, person)
    starts = later(when, delay, chance) if delay else when
    engine.at(starts, lambda at: _give(engine, person, at, delay))


def _give(engine: Engine, person: Person, when: datetime, delay: int) -> None:
    """Give a course on its day; while it was put off, therapy may have ended."""
    if person.therapy_ended or not person.is_followed(when.date()):
        return
    _begin_course(engine, person, when.date(), delay)
    _await_course(engine, person)


def _change(engine: Engine, person: Person, on: date, *, same: bool) -> None:
    form = engine.protocol.form_of(FormRole.THERAPY_CHANGE)
    protocol_therapy = engine.protocol.therapy
    if form is None or protocol_therapy is None or person.regimen is None:
        return
    if not same:
        others = [regimen for regimen in protocol_therapy.regimen if regimen.code != person.regimen.code]
        person.regimen = others[between((0, len(others) - 1), person.chance)]
    given = {
        "change_date": on,
        "regimen": person.regimen.code,
        "same_therapy": "yes" if same else "no",
        "before_progression": "yes",
    }
    values = engine.fill(form.id, given, person.traits, "change", person.number * 1000 + person.courses)
    send_in(engine, Filled(subject=person.subject, form=form.id, values=values, happened=on, number=person.courses))


def end_treatment(engine: Engine, person: Person, on: date, why: Why, response: str = "") -> None:
    """End the protocol's therapy, once.

    Args:
        engine: the simulation.
        person: whose therapy ends.
        on: its last day.
        why: the situation; the scenario's filling of the form refers to it as `why`.
        response: the overall response that led to it, as `response`; empty if none did.
    """
    if person.therapy_ended:
        return
    person.therapy_ended = True
    form = engine.protocol.form_of(FormRole.TREATMENT_END)
    if form is None:
        return
    env = {**person.traits, "why": why, "response": response}
    values = engine.fill(form.id, {"end_date": on}, env, "end", person.number)
    send_in(engine, Filled(subject=person.subject, form=form.id, values=values, happened=on), surely=True)
