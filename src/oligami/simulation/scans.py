"""Scans and progression: what is seen at the planned visits after randomization, and what the clinic sees before."""

from datetime import date, datetime
from functools import partial
from typing import Any

from oligami.protocol.model.forms import FormRole
from oligami.simulation.drawing import between, draw_value, happens, stream
from oligami.simulation.engine import Engine, later, working_time
from oligami.simulation.lesions import drift, grow, read_scan
from oligami.simulation.office import Filled, send_in
from oligami.simulation.person import Person
from oligami.simulation.systemic import end_treatment
from oligami.trial.response import NewLesion
from oligami.trial.schedule import PlannedVisit


def send_assessment(
    engine: Engine,
    person: Person,
    on: date,
    *,
    new_lesion: NewLesion,
    intended: str,
    visit: str | None = None,
    confirms: bool = False,
    assessed: bool = True,
    surely: bool = True,
) -> str:
    """Read a scan and send in its form; return the overall response that was read.

    Args:
        engine: the simulation.
        person: whose scan; its burden is as on that day.
        on: the day.
        new_lesion: whether there is one.
        intended: the overall response, where the protocol has no rules to find it by.
        visit: the planned visit.
        confirms: whether the new lesion was called equivocal before.
        assessed: False for a scan that tells nothing of the lesions.
        surely: whether the form comes for certain.
    """
    reading = read_scan(person.burden, on, new_lesion=new_lesion, confirms=confirms, assessed=assessed, intended=intended)
    form = engine.protocol.form_of(FormRole.ASSESSMENT)
    if form is None:
        return reading.overall
    given: dict[str, Any] = {
        "assessment_date": on,
        "lesion_sizes": reading.rows,
        "non_target": reading.non_target,
        "new_lesion": new_lesion,
        "overall_response": reading.overall,
    }
    if new_lesion != "no":
        given["new_lesion_site"] = person.burden.new_lesion_site or _new_site(engine, person)
    if confirms:
        given["confirms_equivocal"] = "yes"
    number = person.number * 10_000 + (on - person.registered).days
    values = engine.fill(form.id, given, {**person.traits, **given}, "assessment", number)
    filled = Filled(subject=person.subject, form=form.id, values=values, happened=on, visit=visit, number=number)
    send_in(engine, filled, surely=surely)
    return reading.overall


def _new_site(engine: Engine, person: Person) -> str | None:
    draw = engine.scenario.outcome.new_lesion_site
    if draw is not None:
        person.burden.new_lesion_site = str(draw_value(draw, person.traits, person.chance))
    return person.burden.new_lesion_site


def plan_scans(engine: Engine, person: Person, visits: list[PlannedVisit]) -> None:
    """Scan at every planned visit until one shows progression, death or loss."""
    fate = person.latent.fates[person.arm or ""]
    outcome = engine.scenario.outcome
    chance = stream(engine.seed, "scans", person.number)
    last = min(fate.death_days, person.latent.lost_days)
    if fate.clinical and fate.progression_days < last:
        found = later(working_time(person.randomized, chance), max(1, int(fate.progression_days)), chance)
        engine.at(found, lambda at: _clinical_progression(engine, person, at))
    seen_equivocal = False
    for visit in sorted(visits, key=lambda visit: visit.target):
        day = (visit.target - person.randomized).days + between(outcome.scan_days, chance)
        missed = happens(outcome.missed_scan_share, chance)
        if day <= 0 or day >= last or missed:
            continue
        progressed = day >= fate.progression_days
        equivocal = progressed and fate.equivocal and fate.site != "oligometastases" and not seen_equivocal
        finding = "equivocal" if equivocal else "progression" if progressed else "stable"
        scanned = later(working_time(person.randomized, chance), day, chance)
        engine.at(scanned, partial(_scan, engine, person, visit=visit.visit, finding=finding, confirms=seen_equivocal))
        if equivocal:
            seen_equivocal = True
        elif progressed:
            break


def _scan(engine: Engine, person: Person, when: datetime, visit: str | None, finding: str, *, confirms: bool = False) -> None:
    fate = person.latent.fates[person.arm or ""]
    if finding == "progression":
        can_grow = any(lesion.resected is None for lesion in person.burden.lesions)
        new = fate.site != "oligometastases" or confirms or not can_grow
        if fate.site != "non_oligometastases" and not confirms:
            grow(person.burden, person.chance)
        told: NewLesion = "yes" if new else "no"
        send_assessment(engine, person, when.date(), new_lesion=told, intended="PD", visit=visit, confirms=confirms)
        end_treatment(engine, person, when.date(), "progression")
        return
    drift(person.burden, person.chance)
    told = "equivocal" if finding == "equivocal" else "no"
    send_assessment(engine, person, when.date(), new_lesion=told, intended="SD", visit=visit, surely=False)


def _clinical_progression(engine: Engine, person: Person, when: datetime) -> None:
    """The clinic finds progression between scans; the follow-up form tells."""
    form = engine.protocol.form_of(FormRole.FOLLOW_UP)
    if form is None:
        return
    given = {
        "contact_date": when.date(),
        "vital_status": "alive",
        "clinical_progression": "yes",
        "clinical_progression_date": when.date(),
    }
    values = engine.fill(form.id, given, person.traits, "clinical", person.number)
    filled = Filled(subject=person.subject, form=form.id, values=values, happened=when.date(), purpose="clinical")
    send_in(engine, filled, surely=True)
    end_treatment(engine, person, when.date(), "progression")
