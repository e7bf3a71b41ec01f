"""What happens beside and after the registrations: courses, scans, adverse events, questionnaires, follow-up, leaving."""

import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from oligami.journal import entries as e
from oligami.protocol.model.forms import FormRole
from oligami.simulation import local_therapy
from oligami.simulation.drawing import between, choose, draw_value, exponential, happens, stream
from oligami.simulation.engine import Engine, later, working_time
from oligami.simulation.latent import DAYS_PER_MONTH
from oligami.simulation.lesions import drift, grow, rows_of
from oligami.simulation.office import Filled, coordinator, investigator, send_in
from oligami.simulation.person import Person
from oligami.trial.schedule import PlannedVisit, planned_visits


def begin(engine: Engine, person: Person, arm: str, when: datetime) -> None:
    """Begin the time after randomization."""
    person.arm, person.randomized, person.therapy_ended = arm, when.date(), False
    chance = person.chance
    fate = person.latent.fates[arm]
    visits = _visits(engine, person)
    scans = [visit for visit in visits if _role(engine, visit) is FormRole.ASSESSMENT]
    # Scans that another activity asks for (a yearly MRI, say) are made at the visits of the first.
    _plan_scans(engine, person, [visit for visit in scans if visit.activity == scans[0].activity])
    for visit in visits:
        if _role(engine, visit) is FormRole.QUESTIONNAIRE and visit.visit:
            _plan_questionnaire(engine, person, visit)
    resumes = _restart(engine, person, when)
    person.next_course = resumes
    if engine.protocol.form_of(FormRole.COURSE) is not None:
        engine.at(later(working_time(resumes, chance), 0, chance), lambda at: _continue(engine, person, at))
    _adverse_events_after(engine, person)
    if math.isfinite(person.latent.withdrawal_days):
        leaves = later(when, max(1, int(person.latent.withdrawal_days)), chance)
        if (leaves.date() - when.date()).days < fate.death_days:
            engine.at(leaves, lambda at: withdraw(engine, person, at))


def _visits(engine: Engine, person: Person) -> tuple[PlannedVisit, ...]:
    anchors = {f"registration:{engine.protocol.randomizing_stage.id}": person.randomized}
    return planned_visits(engine.protocol.schedule, anchors, person.arm)


def _role(engine: Engine, visit: PlannedVisit) -> FormRole | None:
    return engine.protocol.form(visit.form).role if visit.form else None


def _restart(engine: Engine, person: Person, when: datetime) -> date:
    """Return the day on which systemic therapy goes on; local therapy comes first where the arm has it."""
    chance = person.chance
    arm = engine.protocol.arm(person.arm or "")
    if "local_therapy" in arm.includes:
        return local_therapy.plan(engine, person, when)
    local_therapy.maybe_cross_over(engine, person, when)
    return when.date() + timedelta(days=between((3, 24), chance))


# ---------------------------------------------------------------- courses


def give_course(engine: Engine, person: Person) -> None:
    """Give one course on `next_course` and set the day of the one after it."""
    form = engine.protocol.form_of(FormRole.COURSE)
    if form is None or person.regimen is None:
        return
    therapy, chance = engine.scenario.therapy, person.chance
    person.courses += 1
    delayed = person.courses > 1 and happens(therapy.course_delay_share, chance)
    delay = between(therapy.course_delay_days, chance) if delayed else 0
    starts = person.next_course + timedelta(days=delay)
    reduced = happens(therapy.dose_reduced_share, chance)
    given: dict[str, Any] = {
        "course_number": person.courses,
        "course_start_date": starts,
        "regimen": person.regimen.code,
        "given": "yes",
        "delay_days": delay,
        "dose_reduced": "yes" if reduced else "no",
    }
    if delayed or reduced:
        given["reason"] = "toxicity"
    values = engine.fill(form.id, given, person.traits, "course", person.number * 1000 + person.courses)
    send_in(engine, Filled(subject=person.subject, form=form.id, values=values, happened=starts, number=person.courses))
    person.next_course = starts + timedelta(days=person.regimen.course_days)


def _continue(engine: Engine, person: Person, when: datetime) -> None:
    """Give the next course unless therapy ended; decide on switches and stops as the months go by."""
    if person.therapy_ended or person.regimen is None:
        return
    day = (when.date() - person.randomized).days
    fate = person.latent.fates[person.arm or ""]
    if day >= fate.death_days or person.treatment_withdrawn or day >= person.latent.lost_days:
        person.therapy_ended = True
        return
    therapy, chance = engine.scenario.therapy, person.chance
    months = person.regimen.course_days / DAYS_PER_MONTH
    if happens(therapy.stop_per_month * months, chance):
        reason = choose({"toxicity": 0.6, "refusal_related": 0.25, "refusal_unrelated": 0.15}, chance)
        end_treatment(engine, person, when.date(), reason)
        return
    if happens(therapy.switch_per_month * months, chance):
        _change(engine, person, when.date(), same=True)
    elif happens(therapy.change_per_month * months, chance):
        _change(engine, person, when.date(), same=False)
    person.next_course = max(person.next_course, when.date())
    give_course(engine, person)
    engine.at(later(working_time(person.next_course, chance), 0, chance), lambda at: _continue(engine, person, at))


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
        "reason": "toxicity",
        "before_progression": "yes",
    }
    values = engine.fill(form.id, given, person.traits, "change", person.number * 1000 + person.courses)
    send_in(engine, Filled(subject=person.subject, form=form.id, values=values, happened=on, number=person.courses))


def end_treatment(engine: Engine, person: Person, on: date, reason: str) -> None:
    """End the protocol's therapy."""
    form = engine.protocol.form_of(FormRole.TREATMENT_END)
    if form is None or person.therapy_ended:
        return
    person.therapy_ended = True
    values = engine.fill(form.id, {"end_date": on, "reason": reason}, person.traits, "end", person.number)
    send_in(engine, Filled(subject=person.subject, form=form.id, values=values, happened=on), surely=True)


# ---------------------------------------------------------------- scans and progression


def send_assessment(
    engine: Engine,
    person: Person,
    on: date,
    response: str,
    *,
    new_lesion: str,
    visit: str | None = None,
    confirms: bool = False,
    surely: bool = True,
) -> None:
    """Send in the form of an evaluation."""
    form = engine.protocol.form_of(FormRole.ASSESSMENT)
    if form is None:
        return
    given: dict[str, Any] = {
        "assessment_date": on,
        "lesion_sizes": rows_of(person.burden),
        "new_lesion": new_lesion,
        "overall_response": response,
    }
    if new_lesion != "no":
        given["new_lesion_site"] = person.burden.new_lesion_site or _new_site(engine, person)
    if confirms:
        given["confirms_equivocal"] = "yes"
    number = person.number * 1000 + (on - person.registered).days
    values = engine.fill(form.id, given, {**person.traits, **given}, "assessment", number)
    send_in(
        engine,
        Filled(subject=person.subject, form=form.id, values=values, happened=on, visit=visit, number=number),
        surely=surely,
    )


def _new_site(engine: Engine, person: Person) -> str | None:
    draw = engine.scenario.outcome.new_lesion_site
    if draw is None:
        return None
    person.burden.new_lesion_site = str(draw_value(draw, person.traits, person.chance))
    return person.burden.new_lesion_site


def _plan_scans(engine: Engine, person: Person, visits: list[PlannedVisit]) -> None:
    """Scan at every planned visit until one shows progression, death or loss."""
    fate = person.latent.fates[person.arm or ""]
    chance = stream(engine.seed, "scans", person.number)
    last = min(fate.death_days, person.latent.lost_days)
    if fate.clinical and fate.progression_days < last:
        found = later(working_time(person.randomized, chance), max(1, int(fate.progression_days)), chance)
        engine.at(found, lambda at: _clinical_progression(engine, person, at))
    seen_equivocal = False
    for visit in sorted(visits, key=lambda visit: visit.target):
        day = (visit.target - person.randomized).days + between((-7, 10), chance)
        if day <= 0 or day >= last:
            continue
        if happens(0.03, chance):  # a scan that was not made
            continue
        progressed = day >= fate.progression_days
        equivocal = progressed and fate.equivocal and fate.site != "oligometastases" and not seen_equivocal
        scanned = later(working_time(person.randomized, chance), day, chance)
        name = visit.visit
        if equivocal:
            seen_equivocal = True
            engine.at(scanned, partial(_scan, engine, person, visit=name, finding="equivocal"))
            continue
        finding = "progression" if progressed else "stable"
        engine.at(scanned, partial(_scan, engine, person, visit=name, finding=finding, confirms=seen_equivocal))
        if progressed:
            break


def _scan(engine: Engine, person: Person, when: datetime, visit: str | None, finding: str, *, confirms: bool = False) -> None:
    fate = person.latent.fates[person.arm or ""]
    site = fate.site if person.burden.lesions else "non_oligometastases"
    if finding == "progression":
        new = site != "oligometastases" or confirms or not _can_grow(person)
        if site != "non_oligometastases" and not confirms:
            grow(person.burden, person.chance)
        send_assessment(engine, person, when.date(), "PD", new_lesion="yes" if new else "no", visit=visit, confirms=confirms)
        _progressed(engine, person, when.date())
        return
    drift(person.burden, person.chance)
    new_lesion = "equivocal" if finding == "equivocal" else "no"
    send_assessment(engine, person, when.date(), _response_now(person), new_lesion=new_lesion, visit=visit, surely=False)


def _can_grow(person: Person) -> bool:
    return bool(person.burden.remaining) or any(not lesion.resected for lesion in person.burden.lesions)


def _response_now(person: Person) -> str:
    """Return what the sizes amount to against the baseline, for a subject without progression."""
    measured = [lesion for lesion in person.burden.lesions if not lesion.resected]
    if not measured:
        return "CR"
    if all(lesion.size_mm == 0 for lesion in measured):
        return "CR"
    share = sum(lesion.size_mm for lesion in measured) / sum(lesion.baseline_mm for lesion in measured)
    return "PR" if share <= 0.7 else "SD"


def _clinical_progression(engine: Engine, person: Person, when: datetime) -> None:
    """The clinic finds progression between scans; the follow-up form tells."""
    form = engine.protocol.form_of(FormRole.FOLLOW_UP)
    if form is None or person.therapy_ended:
        return
    given = {
        "contact_date": when.date(),
        "vital_status": "alive",
        "clinical_progression": "yes",
        "clinical_progression_date": when.date(),
    }
    values = engine.fill(form.id, given, person.traits, "clinical", person.number)
    send_in(engine, Filled(subject=person.subject, form=form.id, values=values, happened=when.date(), number=9000), surely=True)
    _progressed(engine, person, when.date())


def _progressed(engine: Engine, person: Person, on: date) -> None:
    end_treatment(engine, person, on, "progression")


# ---------------------------------------------------------------- adverse events


def adverse_events_before(engine: Engine, person: Person) -> None:
    """Adverse events of the weeks before the evaluation."""
    events = engine.scenario.adverse_events
    if events is not None:
        _adverse_events(engine, person, "before", person.therapy_start, 84, events.per_month_before)


def _adverse_events_after(engine: Engine, person: Person) -> None:
    events = engine.scenario.adverse_events
    if events is None:
        return
    fate = person.latent.fates[person.arm or ""]
    days = min(fate.death_days, person.latent.lost_days, fate.progression_days + 60, 5 * 365)
    _adverse_events(engine, person, "after", person.randomized, int(days), events.per_month_after.get(person.arm or "", 0.0))
    if "local_therapy" in engine.protocol.arm(person.arm or "").includes:
        span = int(min(90, days))
        _adverse_events(engine, person, "local", person.randomized, span, events.after_local_therapy / 3)


def _adverse_events(engine: Engine, person: Person, period: str, start: date, days: int, per_month: float) -> None:
    """Plan adverse events as a Poisson stream over so many days."""
    chance = stream(engine.seed, f"adverse events {period}", person.number)
    day, number = 0.0, 0
    while True:
        day += exponential(per_month / DAYS_PER_MONTH, chance)
        if day >= days:
            return
        number += 1
        began = start + timedelta(days=int(day))
        engine.at(
            later(working_time(began, chance), 0, chance),
            partial(_adverse_event, engine, person, period=period, number=number),
        )


def _adverse_event(engine: Engine, person: Person, when: datetime, period: str, number: int) -> None:
    form = engine.protocol.form_of(FormRole.ADVERSE_EVENT)
    events = engine.scenario.adverse_events
    if form is None or events is None or person.subject not in engine.trial.subjects:
        return
    chance = stream(engine.seed, f"adverse event {period} {number}", person.number)
    env = {**person.traits, "period": period}
    grade = int(draw_value(events.grade, env, chance))
    serious = happens(events.serious_by_grade.get(str(grade), 0.0), chance)
    given: dict[str, Any] = {
        "term": draw_value(events.term, env, chance),
        "grade": grade,
        "start_date": when.date(),
        "end_date": when.date() + timedelta(days=between(events.duration_days, chance)),
        "serious": "yes" if serious else "no",
    }
    if serious:
        given["aware_date"] = when.date() + timedelta(days=between((0, 2), chance))
    offset = {"before": 0, "after": 100_000, "local": 200_000}[period]
    values = engine.fill(form.id, given, {**env, **given}, f"event {period}", person.number * 1000 + number)
    filled = Filled(
        subject=person.subject, form=form.id, values=values, happened=given["end_date"], purpose=period, number=offset + number
    )
    then = None
    if serious:
        aware = given["aware_date"]
        filled = Filled(
            subject=person.subject, form=form.id, values=values, happened=aware, purpose=period, number=offset + number
        )

        def then(at: datetime) -> None:
            _report(engine, person, form.id, values, aware, at)

    send_in(engine, filled, surely=serious, then=then)


def _report(engine: Engine, person: Person, form: str, values: Mapping[str, Any], aware: date, when: datetime) -> None:
    """Report a serious adverse event within, mostly, the first deadline of the protocol's table."""
    deadlines = engine.protocol.safety.deadline
    events = engine.scenario.adverse_events
    if not deadlines or events is None:
        return
    subject = engine.trial.subjects[person.subject]
    last = subject.of_form(form)[-1]
    deadline = deadlines[0]
    reported = e.SafetyReported(
        subject=subject.id,
        form=form,
        occurrence=last.occurrence,
        report="first",
        category=deadline.category,
        aware_date=aware,
        recipients=deadline.recipients,
    )
    actor = investigator(subject.site)
    hours = between(events.report_hours, person.chance)
    engine.at(when + timedelta(hours=hours), lambda at: engine.try_to_say(reported, at, actor))


# ---------------------------------------------------------------- quality of life


def ask_quality_of_life(engine: Engine, person: Person, occasion: str, on: date) -> None:
    """Ask the questionnaires that are due about a registration or an evaluation, by the schedule's own visits."""
    form = engine.protocol.form_of(FormRole.QUESTIONNAIRE)
    if form is None:
        return
    first = f"registration:{engine.protocol.eligibility.stage[0].id}"
    anchor = {"registration": first, "evaluation": "event:assessment_date"}[occasion]
    for visit in planned_visits(engine.protocol.schedule, {anchor: on}, None):
        if visit.form == form.id and visit.visit:
            before = between((0, 6), person.chance) if occasion == "registration" else -between((0, 3), person.chance)
            _questionnaire(engine, person, visit.visit, visit.target - timedelta(days=before))


def _plan_questionnaire(engine: Engine, person: Person, visit: PlannedVisit) -> None:
    chance = stream(engine.seed, f"questionnaire {visit.visit}", person.number)
    day = (visit.target - person.randomized).days + between((-20, 20), chance)
    fate = person.latent.fates[person.arm or ""]
    if day >= min(fate.death_days, person.latent.lost_days):
        return
    engine.at(
        later(working_time(person.randomized, chance), day, chance),
        lambda at: _questionnaire(engine, person, visit.visit or "", at.date()),
    )


def _questionnaire(engine: Engine, person: Person, visit: str, on: date) -> None:
    form = engine.protocol.form_of(FormRole.QUESTIONNAIRE)
    quality = engine.scenario.quality_of_life
    rules = engine.protocol.quality_of_life
    if form is None or quality is None or rules is None:
        return
    chance = stream(engine.seed, f"answers {visit}", person.number)
    if happens(quality.missing_share, chance):
        return
    level = stream(engine.seed, "well-being", person.number).gauss(*quality.level)
    if person.arm is not None:
        years = (on - person.randomized).days / 365.25
        level += quality.drift_by_arm.get(person.arm, 0.0) * years
        if (on - person.randomized).days >= person.latent.fates[person.arm].progression_days:
            level -= quality.drop_at_progression
    given: dict[str, Any] = {"completed_date": on, "visit": visit}
    for scale in rules.scale:
        for item in scale.items:
            if not happens(quality.item_missing_share, chance):
                share = min(max((level + chance.gauss(0.0, quality.noise)) / 100, 0.0), 1.0)
                good = share if scale.kind == "global" else 1.0 - share
                given[item] = scale.lowest + round(good * (scale.highest - scale.lowest))
    values = engine.fill(form.id, given, person.traits, f"questionnaire {visit}", person.number)
    send_in(engine, Filled(subject=person.subject, form=form.id, values=values, happened=on, visit=visit, purpose=visit))


# ---------------------------------------------------------------- follow-up, death, leaving


def follow_up_until_death(engine: Engine, person: Person, registered: date) -> None:
    """Ask after a subject at the schedule's visits, and tell a death soon after it is known."""
    form = engine.protocol.form_of(FormRole.FOLLOW_UP)
    chance = stream(engine.seed, "follow-up", person.number)
    if form is not None:
        anchor = f"registration:{engine.protocol.eligibility.stage[0].id}"
        for visit in planned_visits(engine.protocol.schedule, {anchor: registered}, None):
            if visit.form == form.id:
                due = visit.target + timedelta(days=between((-20, 20), chance))
                engine.at(later(working_time(due, chance), 0, chance), lambda at: _contact(engine, person, at))
    # Whether and when the subject dies depends on the arm, which is not known yet: look again every month.
    engine.at(later(working_time(registered, chance), 30, chance), lambda at: _watch(engine, person, at))


def _days_to_death(person: Person) -> tuple[date, float]:
    if person.arm is not None:
        return person.randomized, person.latent.fates[person.arm].death_days
    return person.registered, 100.0 + person.latent.death_if_not_randomized_days


def death_date(person: Person) -> date | None:
    """Return the day of death as it stands now, or None if it lies beyond any follow-up."""
    start, days = _days_to_death(person)
    return start + timedelta(days=max(1, int(days))) if days < 40_000 else None


def _lost(person: Person, on: date) -> bool:
    start = person.randomized if person.arm is not None else person.registered
    return (on - start).days >= person.latent.lost_days


def _watch(engine: Engine, person: Person, when: datetime) -> None:
    died = death_date(person)
    if died is not None and died <= when.date():
        if not _lost(person, died):
            _die(engine, person, died, when)
        return
    chance = person.chance
    days = 30 if died is None else min(30, max(1, (died - when.date()).days))
    engine.at(later(when, days, chance), lambda at: _watch(engine, person, at))


def _die(engine: Engine, person: Person, died: date, when: datetime) -> None:
    form = engine.protocol.form_of(FormRole.DEATH)
    if form is None:
        return
    person.therapy_ended = True
    values = engine.fill(form.id, {"death_date": died}, person.traits, "death", person.number)
    send_in(engine, Filled(subject=person.subject, form=form.id, values=values, happened=when.date()), surely=True)


def _contact(engine: Engine, person: Person, when: datetime) -> None:
    form = engine.protocol.form_of(FormRole.FOLLOW_UP)
    died = death_date(person)
    if form is None or _lost(person, when.date()) or (died is not None and died <= when.date()):
        return
    number = (when.date() - person.registered).days
    given = {"contact_date": when.date(), "vital_status": "alive", "clinical_progression": "no"}
    values = engine.fill(form.id, given, person.traits, "contact", person.number * 10_000 + number)
    send_in(engine, Filled(subject=person.subject, form=form.id, values=values, happened=when.date(), number=number))


def withdraw(engine: Engine, person: Person, when: datetime) -> None:
    """The subject withdraws consent for a scope; of treatment, it ends therapy and nothing else."""
    scope = person.latent.withdrawal_scope
    subject = engine.trial.subjects[person.subject]
    end_treatment(engine, person, when.date(), "refusal_unrelated")
    person.treatment_withdrawn = True
    engine.try_to_say(
        e.ConsentWithdrawn(
            subject=subject.id,
            scope=scope,
            withdrawal_date=when.date(),
            reason="The subject's wish (simulated) / 本人の希望（模擬）",
        ),
        later(when, 1, person.chance),
        coordinator(subject.site),
    )
