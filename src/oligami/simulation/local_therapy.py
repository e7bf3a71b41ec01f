"""Local therapy to the metastases that remain, by the protocol's dose options; now and then not as it should be."""

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.radiotherapy import DoseOption
from oligami.simulation.drawing import between, draw_value, happens, stream
from oligami.simulation.engine import Engine, later, working_time
from oligami.simulation.lesions import Lesion
from oligami.simulation.office import Filled, send_in
from oligami.simulation.person import Person
from oligami.simulation.scenario import LocalTherapy


def plan(engine: Engine, person: Person, when: datetime) -> date:
    """Plan local therapy to every remaining metastasis; return the day on which systemic therapy goes on."""
    scenario = engine.scenario.local_therapy
    chance = stream(engine.seed, "local therapy", person.number)
    if scenario is None or happens(scenario.refused_share, chance):
        return when.date() + timedelta(days=between(engine.scenario.therapy.restart_days, chance))
    late = happens(scenario.late_share, chance)
    day = when.date() + timedelta(days=between(scenario.late_days if late else scenario.start_days, chance))
    last = day
    for lesion in person.burden.remaining:
        last = _treat(engine, person, lesion, day, scenario, chance)
        day = last + timedelta(days=between(scenario.gap_days, chance))
    return last + timedelta(days=between(scenario.resume_days, chance))


def maybe_cross_over(engine: Engine, person: Person, when: datetime) -> None:
    """Plan local therapy where the arm has none, for a few, some months after randomization and before progression."""
    scenario = engine.scenario.local_therapy
    chance = stream(engine.seed, "crossover", person.number)
    if scenario is None or not happens(scenario.crossover_share, chance):
        return
    day = when.date() + timedelta(days=between(scenario.crossover_days, chance))
    fate = person.latent.fates[person.arm or ""]
    if (day - when.date()).days < fate.progression_days and person.is_followed(day):
        for lesion in person.burden.remaining[:1]:
            _treat(engine, person, lesion, day, scenario, chance)


def _treat(engine: Engine, person: Person, lesion: Lesion, start: date, scenario: LocalTherapy, chance: Random) -> date:
    """Plan the therapy of one lesion; return its last day."""
    env = {**person.traits, "site": lesion.site, "lesion_mm": lesion.baseline_mm}
    modality = str(draw_value(scenario.modality, env, chance))
    if modality == FormRole.RADIOTHERAPY:
        option, location = _option(engine, lesion, env, scenario, chance)
        if option is not None:
            return _irradiate(engine, person, lesion, option, location, start, scenario, chance)
        modality = FormRole.SURGERY.value
    if modality == FormRole.SURGERY:
        return _operate(engine, person, lesion, start, env, scenario, chance)
    return start


def _option(
    engine: Engine, lesion: Lesion, env: dict[str, Any], scenario: LocalTherapy, chance: Random
) -> tuple[DoseOption | None, str | None]:
    """Return one of the options of the lesion's site, and where it lies if that matters."""
    radiotherapy = engine.protocol.radiotherapy
    if radiotherapy is None:
        return None, None
    location = None
    if scenario.location is not None and lesion.site == radiotherapy.prescription.location_site:
        location = str(draw_value(scenario.location, env, chance))
    fitting = [option for option in radiotherapy.option if option.site == lesion.site and option.lung_location == location]
    return (fitting[between((0, len(fitting) - 1), chance)] if fitting else None), location


def _irradiate(
    engine: Engine,
    person: Person,
    lesion: Lesion,
    option: DoseOption,
    location: str | None,
    start: date,
    scenario: LocalTherapy,
    chance: Random,
) -> date:
    form = engine.protocol.form_of(FormRole.RADIOTHERAPY)
    if form is None:
        return start
    start = _working_day(start)
    total = option.total_gy_min + (option.total_gy_max - option.total_gy_min) * between((0, 2), chance) / 2
    if happens(scenario.wrong_dose_share, chance):
        total = round(total * 0.8, 1)
    stopped = option.fractions > 1 and happens(scenario.stopped_share, chance)
    given_fractions = max(1, option.fractions // 2) if stopped else option.fractions
    end = start
    for _ in range(given_fractions - 1):
        end = _working_day(end + timedelta(days=1))
    technique = option.technique
    if happens(scenario.other_technique_share, chance):
        radiotherapy = engine.protocol.radiotherapy
        known = {each.technique for each in radiotherapy.option} if radiotherapy is not None else set()
        technique = min(known - {technique}, default=technique)
    given: dict[str, Any] = {
        "lesion_id": lesion.id,
        "site": lesion.site,
        "lung_location": location,
        "total_gy": total,
        "fractions": option.fractions,
        "technique": technique,
        "start_date": start,
        "end_date": end,
        "completion": "stopped" if stopped else "completed",
        "given_fractions": given_fractions,
        "given_gy": round(total * given_fractions / option.fractions, 2),
    }
    number = person.number * 10 + int("".join(filter(str.isdigit, lesion.id)) or 0)
    values = engine.fill(form.id, given, {**person.traits, **given}, "radiotherapy", number)
    finished = later(working_time(end, chance), 0, chance)
    engine.at(finished, lambda at: _done(engine, person, lesion, FormRole.RADIOTHERAPY, values, form.id, end, number))
    return end


def _operate(
    engine: Engine,
    person: Person,
    lesion: Lesion,
    start: date,
    env: dict[str, Any],
    scenario: LocalTherapy,
    chance: Random,
) -> date:
    form = engine.protocol.form_of(FormRole.SURGERY)
    if form is None:
        return start
    on = _working_day(start)
    given = {
        "lesion_id": lesion.id,
        "surgery_date": on,
        "margin": draw_value(scenario.margin, env, chance),
        "complication_grade": draw_value(scenario.complication_grade, env, chance),
    }
    number = person.number * 10 + int("".join(filter(str.isdigit, lesion.id)) or 0)
    values = engine.fill(form.id, given, {**env, **given}, "surgery", number)
    done = later(working_time(on, chance), 0, chance)
    engine.at(done, lambda at: _done(engine, person, lesion, FormRole.SURGERY, values, form.id, on, number))
    return on


def _done(
    engine: Engine, person: Person, lesion: Lesion, role: FormRole, values: dict[str, Any], form: str, on: date, number: int
) -> None:
    """Local therapy happened, unless the subject died or left before it."""
    if person.withdrawn is not None or not person.is_followed(on):
        return
    if role is FormRole.SURGERY:
        lesion.resected = on
    send_in(engine, Filled(subject=person.subject, form=form, values=values, happened=on, number=number), surely=True)


def _working_day(day: date) -> date:
    """Return the day, or the Monday after a weekend."""
    return day + timedelta(days=7 - day.weekday()) if day.weekday() >= 5 else day
