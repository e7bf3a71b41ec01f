"""What happens beside and after the registrations: adverse events, questionnaires, follow-up, death, leaving."""

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from oligami.journal import entries as e
from oligami.protocol.model.forms import FormRole
from oligami.simulation import local_therapy
from oligami.simulation.drawing import between, draw_value, exponential, happens, stream
from oligami.simulation.engine import Engine, later, working_time
from oligami.simulation.latent import DAYS_PER_MONTH
from oligami.simulation.office import Filled, coordinator, investigator, send_in
from oligami.simulation.person import Person
from oligami.simulation.scans import plan_scans
from oligami.simulation.systemic import end_treatment, restart
from oligami.trial.schedule import PlannedVisit, planned_visits

#: Adverse events are told for so long after progression, and at most so long after randomization.
_EVENTS_AFTER_PROGRESSION_DAYS = 60
_EVENTS_YEARS = 5
_EVENTS_OF_LOCAL_THERAPY_DAYS = 90
#: The periods by which a scenario may draw events: before randomization, after it, and of local therapy.
_PERIODS = ("before", "after", "local")


def begin(engine: Engine, person: Person, arm: str, when: datetime) -> None:
    """Begin the time after randomization."""
    person.arm, person.randomized, person.therapy_ended = arm, when.date(), False
    visits = _visits(engine, person)
    scans = [visit for visit in visits if _role(engine, visit) is FormRole.ASSESSMENT]
    # Scans that another activity asks for (a yearly MRI, say) are made at the visits of the first.
    plan_scans(engine, person, [visit for visit in scans if visit.activity == scans[0].activity])
    for visit in visits:
        if _role(engine, visit) is FormRole.QUESTIONNAIRE and visit.visit:
            _plan_questionnaire(engine, person, visit)
    restart(engine, person, _resumes(engine, person, when))
    _adverse_events_after(engine, person)
    days = person.latent.withdrawal_days
    if days < (engine.end - when.date()).days:
        leaves = later(when, max(1, int(days)), person.chance)
        if person.is_followed(leaves.date()):
            engine.at(leaves, lambda at: withdraw(engine, person, at))


def _visits(engine: Engine, person: Person) -> tuple[PlannedVisit, ...]:
    anchors = {f"registration:{engine.protocol.randomizing_stage.id}": person.randomized}
    return planned_visits(engine.protocol.schedule, anchors, person.arm)


def _role(engine: Engine, visit: PlannedVisit) -> FormRole | None:
    return engine.protocol.form(visit.form).role if visit.form else None


def _resumes(engine: Engine, person: Person, when: datetime) -> date:
    """Return the day on which systemic therapy goes on; local therapy comes first where the arm has it."""
    arm = engine.protocol.arm(person.arm or "")
    if "local_therapy" in arm.includes:
        return local_therapy.plan(engine, person, when)
    local_therapy.maybe_cross_over(engine, person, when)
    return when.date() + timedelta(days=between(engine.scenario.therapy.restart_days, person.chance))


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
    days = min(
        fate.death_days,
        person.latent.lost_days,
        fate.progression_days + _EVENTS_AFTER_PROGRESSION_DAYS,
        _EVENTS_YEARS * 365,
    )
    _adverse_events(engine, person, "after", person.randomized, int(days), events.per_month_after.get(person.arm or "", 0.0))
    if "local_therapy" in engine.protocol.arm(person.arm or "").includes:
        span = int(min(_EVENTS_OF_LOCAL_THERAPY_DAYS, days))
        rate = events.after_local_therapy * DAYS_PER_MONTH / _EVENTS_OF_LOCAL_THERAPY_DAYS
        _adverse_events(engine, person, "local", person.randomized, span, rate)


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
    if form is None or events is None or person.withdrawn is not None or not person.is_followed(when.date()):
        return
    if period == "before" and person.failed is not None:
        return
    chance = stream(engine.seed, f"adverse event {period} {number}", person.number)
    env = {**person.traits, "period": period}
    grade = int(draw_value(events.grade, env, chance))
    serious = happens(events.serious_by_grade.get(str(grade), 0.0), chance)
    began = when.date()
    ended = began + timedelta(days=between(events.duration_days, chance))
    aware = began + timedelta(days=between(events.aware_days, chance))
    died = person.death_date
    # What lasts to death has no last day.
    over = ended if died is None or ended < died else None
    given: dict[str, Any] = {
        "term": draw_value(events.term, env, chance),
        "grade": grade,
        "start_date": began,
        "end_date": over,
        "serious": "yes" if serious else "no",
        "aware_date": aware if serious else None,
    }
    place = _PERIODS.index(period) * 100_000 + number
    values = engine.fill(form.id, given, {**env, **given}, f"event {period}", person.number * 1000 + number)
    told = aware if serious else over or began
    filled = Filled(subject=person.subject, form=form.id, values=values, happened=told, purpose=period, number=place)
    if serious:
        report = partial(_report, engine, person, form.id, aware)
        send_in(engine, filled, surely=True, within=events.serious_entry_days, then=report)
    else:
        send_in(engine, filled)


def _report(engine: Engine, person: Person, form: str, aware: date, when: datetime) -> None:
    """Report a serious adverse event: within, mostly, the first deadline of the protocol's table, and each further report in its time."""
    deadlines = engine.protocol.safety.deadline
    events = engine.scenario.adverse_events
    if not deadlines or events is None:
        return
    subject = engine.trial.subjects[person.subject]
    last = subject.of_form(form)[-1]
    actor = investigator(subject.site)
    hours = between(events.report_hours, person.chance)
    for deadline in deadlines:
        reported = e.SafetyReported(
            subject=subject.id,
            form=form,
            occurrence=last.occurrence,
            report=deadline.id,
            category=deadline.category,
            aware_date=aware,
            recipients=deadline.recipients,
        )
        # Who is quick with the first report is quick with the next: the same share of each deadline's time.
        after = timedelta(hours=hours * deadline.hours / deadlines[0].hours)
        engine.at(when + after, partial(engine.try_to_say, reported, actor=actor))


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
    quality = engine.scenario.quality_of_life
    if quality is None:
        return
    asked = visit.target + timedelta(days=between(quality.around_days, chance))
    engine.at(
        later(working_time(asked, chance), 0, chance),
        lambda at: _questionnaire(engine, person, visit.visit or "", at.date()),
    )


def _questionnaire(engine: Engine, person: Person, visit: str, on: date) -> None:
    form = engine.protocol.form_of(FormRole.QUESTIONNAIRE)
    quality = engine.scenario.quality_of_life
    rules = engine.protocol.quality_of_life
    if form is None or quality is None or rules is None:
        return
    chance = stream(engine.seed, f"answers {visit}", person.number)
    if happens(quality.missing_share, chance) or not person.is_followed(on):
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
                due = visit.target + timedelta(days=between(engine.scenario.office.contact_days, chance))
                engine.at(later(working_time(due, chance), 0, chance), lambda at: _contact(engine, person, at))
    # Whether and when the subject dies depends on the arm, which is not known yet: look again every month.
    engine.at(later(working_time(registered, chance), 30, chance), lambda at: _watch(engine, person, at))


def _watch(engine: Engine, person: Person, when: datetime) -> None:
    died = person.death_date
    if died is not None and died <= when.date():
        lost = person.lost_date
        if lost is None or died < lost:
            _die(engine, person, died, when)
        return
    chance = person.chance
    days = 30 if died is None else min(30, max(1, (died - when.date()).days))
    engine.at(later(when, days, chance), lambda at: _watch(engine, person, at))


def _die(engine: Engine, person: Person, died: date, when: datetime) -> None:
    form = engine.protocol.form_of(FormRole.DEATH)
    if form is None:
        return
    end_treatment(engine, person, died, "died")
    values = engine.fill(form.id, {"death_date": died}, person.traits, "death", person.number)
    send_in(engine, Filled(subject=person.subject, form=form.id, values=values, happened=when.date()), surely=True)


def _contact(engine: Engine, person: Person, when: datetime) -> None:
    form = engine.protocol.form_of(FormRole.FOLLOW_UP)
    if form is None or not person.is_followed(when.date()):
        return
    number = (when.date() - person.registered).days
    given = {"contact_date": when.date(), "vital_status": "alive", "clinical_progression": "no"}
    values = engine.fill(form.id, given, person.traits, "contact", person.number * 10_000 + number)
    send_in(engine, Filled(subject=person.subject, form=form.id, values=values, happened=when.date(), number=number))


def withdraw(engine: Engine, person: Person, when: datetime) -> None:
    """The subject withdraws consent for a scope; of treatment, it ends therapy and nothing else."""
    subject = engine.trial.subjects[person.subject]
    end_treatment(engine, person, when.date(), "withdrawn")
    person.withdrawn = when.date()
    said = e.ConsentWithdrawn(
        subject=subject.id,
        scope=person.latent.withdrawal_scope,
        withdrawal_date=when.date(),
        reason="The subject's wish (simulated) / 本人の希望（模擬）",
    )
    engine.at(later(when, 1, person.chance), lambda at: engine.try_to_say(said, at, coordinator(subject.site)))
