"""How a form gets into the journal, and what the data centre and the site do with it afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from oligami.journal import entries as e
from oligami.protocol.model.forms import Form
from oligami.simulation.drawing import between, choose, happens, stream
from oligami.simulation.engine import Actor, Engine, later
from oligami.trial.commands import CorrectItems, Said, SubmitForm
from oligami.trial.decide import shown_digest

DATA_MANAGER = Actor("data-centre-1", "data_manager")
MONITOR = Actor("monitor-1", "monitor")
DAYS_PER_YEAR = 365.25
#: A form is locked within so many days after `lock_years` have gone by since it came in.
LOCKED_WITHIN_DAYS = 110
#: The scope of a withdrawal that stops treatment and nothing else.
TREATMENT = "treatment"
_ACKNOWLEDGED = "Confirmed with the source document (simulated)"
#: Rules of the clinic whose refusal is a deviation, which the study office grades.
_GRADED = ("therapy.status", "radiotherapy.status")


def coordinator(site: str) -> Actor:
    """Return the coordinator of a site."""
    return Actor(f"{site}-coordinator", "coordinator")


def investigator(site: str) -> Actor:
    """Return the investigator of a site."""
    return Actor(f"{site}-investigator", "investigator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form on its way into the journal."""

    subject: str
    form: str
    values: Mapping[str, Any]
    happened: date
    visit: str | None = None
    purpose: str = ""
    number: int = 0


def send_in(
    engine: Engine,
    filled: Filled,
    *,
    surely: bool = False,
    within: tuple[int, int] | None = None,
    then: Callable[[datetime], None] | None = None,
) -> None:
    """Let a form come in some time after what it tells: late now and then, with a typing error, or never.

    Nobody sends a form of a subject who withdrew consent to more than treatment; one on its way by then is refused.

    Args:
        engine: the simulation.
        filled: the form.
        surely: whether it comes for certain (a death, a randomization's own forms).
        within: days in which it comes, never late (a serious adverse event); by the office's habits if left out.
        then: what follows once it is in.
    """
    office = engine.scenario.office
    if any(known.scope != TREATMENT for known in engine.trial.subjects[filled.subject].withdrawals):
        return
    chance = stream(engine.seed, f"office {filled.subject} {filled.form} {filled.purpose}", filled.number)
    if not surely and happens(office.missing_share, chance):
        return
    usual = office.late_days if happens(office.late_share, chance) else office.entry_days
    days = between(usual if within is None else within, chance)
    when = max(later(_instant(filled.happened), days, chance), _not_before(engine))
    engine.at(when, lambda at: _enter(engine, filled, at, chance, then))


def _instant(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _not_before(engine: Engine) -> datetime:
    head = engine.trial.head.at
    assert head is not None  # a form follows a registration
    return head + timedelta(seconds=1)


def _enter(engine: Engine, filled: Filled, when: datetime, chance: Random, then: Callable[[datetime], None] | None) -> None:
    office = engine.scenario.office
    subject = engine.trial.subjects[filled.subject]
    actor = coordinator(subject.site)
    form = engine.protocol.form(filled.form)
    wrong = None
    if happens(office.typing_error_share, chance):
        wrong = engine.mistype(form, filled.values, f"{filled.subject} {filled.purpose}", filled.number)
    receipt = None
    if wrong is not None and wrong != filled.values:
        receipt = engine.try_to_say(_submit(filled, wrong), when, actor)
    typed_wrong = receipt is not None
    if receipt is None:
        receipt = engine.try_to_say(_submit(filled, filled.values), when, actor)
    if receipt is None:
        return
    submitted = next(entry for entry in receipt.entries if isinstance(entry, e.FormSubmitted))
    occurrence = submitted.occurrence
    corrected = when
    if typed_wrong:
        corrected = later(when, between(office.correction_days, chance), chance)
        if happens(office.late_correction_share, chance):
            corrected = later(corrected, int(office.lock_years * DAYS_PER_YEAR) + LOCKED_WITHIN_DAYS, chance)
        engine.at(corrected, lambda at: _query_and_correct(engine, filled, form, occurrence, at, chance))
    elif happens(office.query_share, chance):
        asked = later(when, between(office.query_days, chance), chance)
        engine.at(asked, lambda at: _query(engine, filled, occurrence, at, chance, correct=False))
    for raised in receipt.entries:
        if isinstance(raised, e.QueryRaised):
            _answer_later(engine, filled, raised.query, when, chance)
    _grade(engine, submitted, when, chance)
    settle_later(engine, filled.subject, filled.form, occurrence, when, chance)
    if then is not None:
        then(when)


def _submit(filled: Filled, values: Mapping[str, Any]) -> SubmitForm:
    return SubmitForm(subject=filled.subject, form=filled.form, values=values, visit=filled.visit, reasons={"*": _ACKNOWLEDGED})


def _grade(engine: Engine, submitted: e.FormSubmitted, when: datetime, chance: Random) -> None:
    """Let the study office grade what the clinical rules do not allow."""
    weights = engine.scenario.office.deviation_grade
    for warning in submitted.warnings:
        if weights and warning["check"] in _GRADED:
            graded = e.DeviationGraded(
                subject=submitted.subject,
                rule=warning["check"],
                grade=choose(weights, chance),
                text="Graded by the study office (simulated) / 研究事務局による区分（模擬）",
                form=submitted.form,
                occurrence=submitted.occurrence,
            )
            engine.at(later(when, between((10, 60), chance), chance), partial(_say_as, engine, graded, DATA_MANAGER))


def _say_as(engine: Engine, entry: Said, actor: Actor, when: datetime) -> None:
    engine.try_to_say(entry, when, actor)


def _query_and_correct(engine: Engine, filled: Filled, form: Form, occurrence: int, when: datetime, chance: Random) -> None:
    _query(engine, filled, occurrence, when, chance, correct=True)


def _query(engine: Engine, filled: Filled, occurrence: int, when: datetime, chance: Random, *, correct: bool) -> None:
    subject = engine.trial.subjects[filled.subject]
    query = f"Q-{subject.id}-{len(subject.queries) + 1:03d}"
    raised = engine.try_to_say(
        e.QueryRaised(
            subject=subject.id,
            query=query,
            form=filled.form,
            occurrence=occurrence,
            text="Please compare with the source document (simulated) / 原資料と照合してください（模擬）",
        ),
        when,
        DATA_MANAGER,
    )
    if raised is None:
        return
    answered = later(when, between((1, 14), chance), chance)
    engine.at(answered, lambda at: _answer(engine, filled, query, occurrence, at, chance, correct=correct))


def _answer(
    engine: Engine, filled: Filled, query: str, occurrence: int, when: datetime, chance: Random, *, correct: bool
) -> None:
    actor = coordinator(engine.trial.subjects[filled.subject].site)
    if correct:
        correct_to(engine, filled.subject, filled.form, occurrence, filled.values, when, actor)
    text = (
        "Corrected (simulated) / 訂正しました（模擬）" if correct else "Correct as entered (simulated) / 入力のとおりです（模擬）"
    )
    engine.try_to_say(e.QueryAnswered(subject=filled.subject, query=query, text=text), when + timedelta(seconds=60), actor)
    closing = later(when, between((1, 10), chance), chance)
    engine.at(closing, lambda at: engine.try_to_say(e.QueryClosed(subject=filled.subject, query=query), at, DATA_MANAGER))


def _answer_later(engine: Engine, filled: Filled, query: str, when: datetime, chance: Random) -> None:
    """The study office answers a query that the rules raised themselves."""
    answered = later(when, between((1, 7), chance), chance)
    text = "The study office agrees (simulated) / 研究事務局が了承しました（模擬）"

    def answer(at: datetime) -> None:
        engine.try_to_say(e.QueryAnswered(subject=filled.subject, query=query, text=text), at, DATA_MANAGER)
        engine.try_to_say(e.QueryClosed(subject=filled.subject, query=query), at, DATA_MANAGER)

    engine.at(answered, answer)


def correct_to(
    engine: Engine, subject: str, form: str, occurrence: int, values: Mapping[str, Any], when: datetime, actor: Actor
) -> None:
    """Correct a form to these values; items that are no longer answered are removed."""
    state = engine.trial.subjects[subject].forms[form, occurrence]
    new = {name: value for name, value in values.items() if state.values.get(name) != value}
    gone = {name: None for name in state.values if name not in values}
    if not new and not gone:
        return
    locked = state.locked
    if locked:
        why = "An error was found after locking (simulated) / ロック後に誤りが判明（模擬）"
        engine.try_to_say(e.FormUnlocked(subject=subject, form=form, occurrence=occurrence, reason=why), when, DATA_MANAGER)
    engine.try_to_say(
        CorrectItems(
            subject=subject,
            form=form,
            occurrence=occurrence,
            new={**new, **gone},
            reason="Transcription error (simulated) / 転記誤り（模擬）",
        ),
        when,
        actor,
        seen=state.seq,
    )
    if locked:
        engine.try_to_say(e.FormLocked(subject=subject, form=form, occurrence=occurrence), when, DATA_MANAGER)


def settle_later(engine: Engine, subject: str, form: str, occurrence: int, when: datetime, chance: Random) -> None:
    """Let the investigator sign a form, the monitor verify some, and the data centre lock it after a while."""
    office = engine.scenario.office
    signed = later(when, between((20, 45), chance), chance)
    if engine.protocol.form(form).sign or happens(office.signed_share, chance):
        engine.at(signed, lambda at: _sign(engine, subject, form, occurrence, at))
    if happens(office.verified_share, chance):
        verified = e.FormVerified(subject=subject, form=form, occurrence=occurrence)
        engine.at(later(signed, between((10, 90), chance), chance), partial(_say_as, engine, verified, MONITOR))
    locked = later(signed, int(office.lock_years * DAYS_PER_YEAR) + between((0, 60), chance), chance)
    engine.at(locked, partial(_say_as, engine, e.FormLocked(subject=subject, form=form, occurrence=occurrence), DATA_MANAGER))


def _sign(engine: Engine, subject: str, form: str, occurrence: int, when: datetime) -> None:
    state = engine.trial.subjects[subject].forms[form, occurrence]
    signed = e.FormSigned(subject=subject, form=form, occurrence=occurrence, meaning="endorsed", shown=shown_digest(state.values))
    engine.try_to_say(signed, when, investigator(engine.trial.subjects[subject].site), seen=state.seq)
