"""One person's road from being asked to randomization: first registration, systemic therapy, evaluation, second registration."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from oligami.journal import entries as e
from oligami.protocol.model.eligibility import Stage
from oligami.protocol.model.forms import FormRole
from oligami.simulation import after, scans, systemic
from oligami.simulation.drawing import between, choose, draw_value, happens, stream
from oligami.simulation.engine import Engine, by_concept, later, working_time
from oligami.simulation.latent import draw_latent
from oligami.simulation.lesions import baseline_burden, grow, shrink, stay, vanish
from oligami.simulation.office import DATA_MANAGER, Filled, coordinator, correct_to, investigator, send_in, settle_later
from oligami.simulation.person import Person
from oligami.trial.commands import Register
from oligami.trial.eligibility import judge_stage
from oligami.trial.refused import Refused
from oligami.trial.response import NewLesion
from oligami.trial.schedule import planned_visits
from oligami.trial.therapy import allowed_regimens

_SEEN = {"*": "Confirmed with the source document (simulated)"}


def ask(engine: Engine, number: int, site: str, when: datetime) -> None:
    """Let a person be asked at a site: traits, latent course, and a first attempt at registration."""
    traits: dict[str, Any] = {}
    chance = stream(engine.seed, "traits", number)
    for name, draw in engine.scenario.trait.items():
        traits[name] = draw_value(draw, traits, chance)
    arms = tuple(arm.id for arm in engine.protocol.trial.arm)
    latent = draw_latent(engine.scenario, arms, traits, engine.seed, number)
    person = Person(number=number, site=site, traits=traits, latent=latent, chance=stream(engine.seed, "road", number))
    attempt(engine, person, when, 1)


def attempt(engine: Engine, person: Person, when: datetime, attempts: int) -> None:
    """Try to register a person at the first stage; missing items may be brought later, a second time."""
    stage = engine.protocol.eligibility.stage[0]
    chance = person.chance
    given = {"registration_date": when.date(), **person.traits}
    values = engine.fill(stage.form, given, person.traits, f"attempt {attempts}", person.number)
    wrong = _wrong_factor(engine, values, chance)
    command = Register(stage=stage.id, site=person.site, values=wrong or values, reasons=_SEEN)
    try:
        # By telephone the data manager speaks for a caller, and the record says so.
        if happens(engine.scenario.accrual.telephone_share, chance):
            receipt = engine.say(command, when, DATA_MANAGER, caller=f"{person.site} investigator")
        else:
            receipt = engine.say(command, when, coordinator(person.site))
    except Refused:
        return
    refused = next((entry for entry in receipt.entries if isinstance(entry, e.RegistrationRefused)), None)
    if refused is not None:
        if not refused.not_met and attempts == 1 and happens(engine.scenario.accrual.second_attempt_share, chance):
            again = later(when, between((2, 14), chance), chance)
            engine.at(again, lambda at: attempt(engine, person, at, 2))
        return
    registered = next(entry for entry in receipt.entries if isinstance(entry, e.Registered))
    person.subject, person.registered, person.values = registered.subject, registered.registration_date, values
    _read_burden(engine, person, stage)
    settle_later(engine, person.subject, stage.form, 1, when, chance)
    if wrong is not None:
        found = later(when, between(engine.scenario.office.factor_correction_days, chance), chance)
        actor = coordinator(person.site)
        engine.at(found, lambda at: correct_to(engine, person.subject, stage.form, 1, values, at, actor))
    randomized = next((entry for entry in receipt.entries if isinstance(entry, e.Randomized)), None)
    after.ask_quality_of_life(engine, person, "registration", when.date())
    after.follow_up_until_death(engine, person, when.date())
    if randomized is not None:
        after.begin(engine, person, randomized.arm, when)
    else:
        _begin_therapy(engine, person, when)


def _wrong_factor(engine: Engine, values: Mapping[str, Any], chance: Random) -> dict[str, Any] | None:
    """Return the values with a balancing factor entered wrong, now and then; None mostly."""
    office = engine.scenario.office
    if not office.factor_items or not happens(office.factor_error_share, chance):
        return None
    name = office.factor_items[between((0, len(office.factor_items) - 1), chance)]
    form = engine.protocol.form(engine.protocol.eligibility.stage[0].form)
    item = next(item for item in form.item if item.id == name)
    codes = item.code or next(known.code for known in engine.protocol.codelists if known.id == item.codelist)
    others = [code.value for code in codes if code.value != values.get(name) and code.value not in item.unknown]
    return engine.shown(form.id, {**values, name: others[between((0, len(others) - 1), chance)]}) if others else None


def _read_burden(engine: Engine, person: Person, stage: Stage) -> None:
    lesions = engine.protocol.form(stage.form).find("lesions")
    if lesions is not None:
        rows = by_concept(lesions, person.values.get(lesions.id) or [])
        person.burden = baseline_burden(rows, engine.protocol.response)


def _begin_therapy(engine: Engine, person: Person, when: datetime) -> None:
    """Choose what the table allows and start; without a therapy file the road goes on to the next stage at once."""
    therapy, outcome = engine.scenario.therapy, engine.scenario.outcome
    chance = person.chance
    days = between(therapy.late_start_days if happens(therapy.late_start_share, chance) else therapy.start_days, chance)
    person.therapy_start = person.registered + timedelta(days=days)
    form = engine.protocol.form_of(FormRole.THERAPY)
    if form is not None and engine.protocol.therapy is not None:
        given: dict[str, Any] = {**person.traits, "therapy_start_date": person.therapy_start}
        values = engine.fill(form.id, given, {**person.values, **person.traits}, "therapy", person.number)
        code = _choose_regimen(engine, {**person.values, **values}, chance)
        values = engine.fill(form.id, {**given, "regimen": code}, {**person.values, **person.traits}, "therapy", person.number)
        person.regimen = engine.protocol.regimen(code)
        filled = Filled(subject=person.subject, form=form.id, values=values, happened=person.registered)
        send_in(engine, filled, surely=True)
    after.adverse_events_before(engine, person)
    courses = _planned_courses(engine, person)
    stops = happens(therapy.stop_before_randomization, chance) and courses > 1
    leaves = happens(outcome.withdraw_before_randomization, chance) and not stops
    leaving = later(working_time(person.therapy_start, chance), between((5, 75), chance), chance)
    person.next_course = person.therapy_start
    for _ in range(between((1, courses - 1), chance) if stops else courses):
        if leaves and person.next_course >= leaving.date():
            break
        systemic.give_course(engine, person)
    if stops:
        at_end = later(working_time(person.next_course, chance), 0, chance)
        engine.at(at_end, lambda at: _fail(engine, person, at.date(), "stopped"))
        return
    if leaves:
        engine.at(leaving, lambda at: _leave(engine, person, at))
        return
    window = outcome.late_evaluation_days if happens(outcome.late_evaluation_share, chance) else outcome.evaluation_days
    engine.at(
        later(working_time(person.therapy_start, chance), between(window, chance), chance),
        lambda at: _evaluate(engine, person, at),
    )


def _choose_regimen(engine: Engine, values: Mapping[str, Any], chance: Random) -> str:
    """Return a regimen the table allows, by the scenario's preference; one that needs an answered query only for want of others."""
    judged = allowed_regimens(engine.rules, values)
    preference = engine.scenario.therapy.preference
    for status in ("ALLOWED", "ALLOWED_WITH_QUERY", "UNDETERMINED", "NOT_ALLOWED"):
        codes = {
            verdict.regimen: preference.get(verdict.regimen, 1.0)
            for verdict in judged
            if verdict.status == status and verdict.regimen is not None
        }
        if codes:
            return choose(codes, chance)
    raise ValueError("the protocol's therapy file has no regimen")


def _planned_courses(engine: Engine, person: Person) -> int:
    therapy = engine.protocol.therapy
    if therapy is None or person.regimen is None:
        return 0
    return therapy.window_days // person.regimen.course_days


def _evaluate(engine: Engine, person: Person, when: datetime) -> None:
    """The evaluation after the first weeks, and what follows from it."""
    outcome, chance = engine.scenario.outcome, person.chance
    fares = "SD" if outcome.response is None else str(draw_value(outcome.response, person.traits, chance))
    new_lesion: NewLesion = "no"
    match fares:
        case "CR":
            vanish(person.burden)
        case "PR":
            shrink(person.burden, chance)
        case "PD" if person.burden.lesions and not happens(outcome.new_lesion_share, chance):
            grow(person.burden, chance)
        case "PD":
            stay(person.burden, chance)
            new_lesion = "yes"
        case _:
            stay(person.burden, chance)
    response = scans.send_assessment(
        engine,
        person,
        when.date(),
        new_lesion=new_lesion,
        intended=fares,
        visit=_evaluation_visit(engine, person),
        assessed=fares != "NE",
    )
    after.ask_quality_of_life(engine, person, "evaluation", when.date())
    told: dict[str, Any] = {
        "response_evaluation_date": when.date(),
        "overall_response": response,
        "new_lesion": new_lesion,
        "residual_oligometastases": len(person.burden.remaining),
    }
    asked = later(when, between(outcome.registration_after_evaluation_days, chance), chance)
    stage = engine.protocol.randomizing_stage
    values = _second_values(engine, person, asked.date(), told)
    hopeless = judge_stage(engine.rules, stage.id, values).verdict != "eligible"
    if hopeless and not happens(engine.scenario.accrual.hopeless_attempt_share, chance):
        _fail(engine, person, when.date(), "not_randomized", response)
        return
    engine.at(asked, lambda at: _second_registration(engine, person, at, told))


def _evaluation_visit(engine: Engine, person: Person) -> str | None:
    """Return the schedule's name of the visit that is counted from the start of therapy and evaluates it."""
    form = engine.protocol.form_of(FormRole.ASSESSMENT)
    planned = planned_visits(engine.protocol.schedule, {"event:therapy_start_date": person.therapy_start}, None)
    return next((visit.visit for visit in planned if form is not None and visit.form == form.id), None)


def _second_values(engine: Engine, person: Person, on: date, told: Mapping[str, Any]) -> dict[str, Any]:
    stage = engine.protocol.randomizing_stage
    given = {
        "registration_date": on,
        "courses_planned": _planned_courses(engine, person),
        "courses_given": person.courses,
        **told,
    }
    return engine.fill(stage.form, given, {**person.values, **person.traits}, "second", person.number)


def _second_registration(engine: Engine, person: Person, when: datetime, told: Mapping[str, Any]) -> None:
    stage = engine.protocol.randomizing_stage
    values = _second_values(engine, person, when.date(), told)
    command = Register(stage=stage.id, site=person.site, subject=person.subject, values=values, reasons=_SEEN)
    seen = engine.trial.subjects[person.subject].seq
    response = str(told["overall_response"])
    try:
        receipt = engine.say(command, when, investigator(person.site), seen=seen)
    except Refused:
        _fail(engine, person, when.date(), "not_randomized", response)
        return
    drawn = next((entry for entry in receipt.entries if isinstance(entry, e.Randomized)), None)
    if drawn is None:
        _fail(engine, person, when.date(), "not_randomized", response)
        return
    settle_later(engine, person.subject, stage.form, 1, when, person.chance)
    after.begin(engine, person, drawn.arm, when)


def _fail(engine: Engine, person: Person, on: date, why: systemic.Why, response: str = "") -> None:
    """Somebody will not be randomized: treatment ends, and he is followed for survival."""
    rules = engine.protocol.response
    if rules is not None and response in rules.codes_that_progress:
        why = "progression"
    systemic.end_treatment(engine, person, on, why, response)
    person.failed = on


def _leave(engine: Engine, person: Person, when: datetime) -> None:
    after.withdraw(engine, person, when)
    person.failed = when.date()
