"""What is due of a subject on a day: planned visits, the next registration, expedited reports, data queries, signatures.

What is planned, and what was done, `windows` says; here every planned thing gets its state on the day, and what nobody plans
but the casebook asks for joins it. Nothing here depends on who looks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final, Literal
from zoneinfo import ZoneInfo

from oligami.data.history import History, read_history
from oligami.data.progression import Progression, find_progression
from oligami.data.reading import Reader
from oligami.data.windows import Done, find_anchors, match_visits
from oligami.protocol.model.eligibility import Stage
from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.schedule import Activity
from oligami.protocol.text import Text
from oligami.trial.safety import expedited_reports
from oligami.trial.schedule import window_verdict
from oligami.trial.state import FormState, Refusal, Subject, Trial

#: What is to be done: fill a form, register at the next stage, report, answer or close a data query, sign, verify.
DueKind = Literal["fill", "register", "report", "consent", "answer", "close", "sign", "verify"]
#: How it stands. missed: its time is over and something later took its place. not_needed: what happened excuses it.
DueState = Literal["overdue", "due", "upcoming", "missed", "not_needed", "done"]

#: What still waits for somebody.
OPEN: Final[frozenset[DueState]] = frozenset({"overdue", "due", "upcoming"})
#: The order of urgency among what is overdue, and among what is due; what is upcoming comes last.
_ORDER: Final[tuple[tuple[DueKind, DueState], ...]] = (
    ("report", "overdue"),
    ("report", "due"),
    ("register", "overdue"),
    ("register", "due"),
    ("consent", "due"),
    ("fill", "overdue"),
    ("answer", "due"),
    ("fill", "due"),
    ("close", "due"),
    ("sign", "due"),
    ("verify", "due"),
)
_RANKS: Final[Mapping[tuple[DueKind, DueState], int]] = {pair: rank for rank, pair in enumerate(_ORDER)}
#: Withdrawals of these scopes close the casebook for further forms.
_CLOSING: Final = ("follow_up", "use_of_data")
_TREATMENT: Final = frozenset({FormRole.THERAPY, FormRole.COURSE})

_DIED = Text("Died on {day}.", "{day} 死亡。")
_WITHDREW = Text("Consent was withdrawn on {day}.", "{day} 同意撤回。")
_PROGRESSED = Text("Progression on {day}.", "{day} 増悪。")
_ENDED = Text("Protocol treatment ended on {day}.", "{day} プロトコール治療終了・中止。")
_INELIGIBLE = Text("Not eligible: asked for on {day}.", "{day} の申込で不適格。")
_LATER = Text("The next visit has come; the window was missed.", "次の時期に入りました。許容期間内に実施されていません。")
_GRADED = Text("The missed window was graded as a deviation.", "許容期間外として逸脱の判定済み。")
_OPEN_QUERY = Text("Raised on {day}; waits for the site's answer.", "{day} 発行。施設の回答待ち。")
_ANSWERED = Text("Answered; waits to be closed.", "回答済み。終了待ち。")
_SIGN = Text("Waits for the investigator's signature.", "担当医の署名待ち。")
_SIGN_AGAIN = Text("Changed after the signature; waits to be signed again.", "署名後に訂正あり。再署名待ち。")
_VERIFY = Text("Saved with a reason against a check; waits to be verified.", "確認事項に理由を付けて保存。照合待ち。")
_LATE_REPORT = Text("The deadline has passed without a report.", "期限までに報告されていません。")
_REPORT = Text("Serious adverse event known since {day}.", "重篤な有害事象。{day} に把握。")
_SENT = Text("Reported on {day}.", "{day} 報告済み。")
_SENT_LATE = Text("Reported on {day}, after the deadline.", "{day} 報告（期限後）。")


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something that is, was or will be due of a subject.

    form, occurrence: the form to be filled (occurrence None) or the one it is about. visit: the planned visit. stage: of a
    registration. query: of a data query. deadline: of an expedited report. activity: of the schedule.
    earliest, target, latest: the window; what has no deadline counts from `target`. done: when it was done.
    note: why it is in this state, where that is not plain. of_arm: planned for some arms only, so that it tells the arm.
    """

    subject: str
    site: str
    kind: DueKind
    state: DueState
    what: Text
    target: date
    earliest: date | None = None
    latest: date | None = None
    done: date | None = None
    form: str | None = None
    occurrence: int | None = None
    visit: str | None = None
    stage: str | None = None
    query: str | None = None
    deadline: str | None = None
    activity: str | None = None
    note: Text | None = None
    of_arm: bool = False

    @property
    def by(self) -> date:
        """The last day in time; the day from which it waits where there is none."""
        return self.latest or self.target

    @property
    def urgency(self) -> tuple[int, date, str]:
        """The order of a worklist: what endangers first, then what is late, then by date."""
        return _RANKS.get((self.kind, self.state), len(_RANKS)), self.by, self.subject


def due_of(
    subject: Subject,
    reader: Reader,
    on: date,
    *,
    last_randomization: date | None = None,
    refusals: Sequence[Refusal] = (),
) -> tuple[Due, ...]:
    """Return all that was, is and will be due of a subject, as of a day, the most urgent first.

    Args:
        subject: as it stands; what its forms date after `on` is not looked at.
        reader: the forms of the protocol that rules the subject's site.
        on: the day, by the trial's time zone.
        last_randomization: of the trial, once it is over; it ends the runs of follow-up.
        refusals: the registrations of this subject that were refused.
    """
    history = read_history(subject, reader, on)
    if history is None or history.annulled:
        return ()
    protocol = reader.protocol
    progression = find_progression(history, protocol.response)
    anchors = find_anchors(history, progression, last_randomization)
    found = [
        *_planned(history, progression, match_visits(history, progression, anchors, protocol), protocol, refusals),
        *_reports(subject, protocol, on),
        *_queries(subject, protocol),
        *_forms(subject, protocol),
    ]
    return tuple(sorted(found, key=lambda due: due.urgency))


# ---------------------------------------------------------------- what the schedule plans


def _planned(
    history: History, progression: Progression, visits: Sequence[Done], protocol: Protocol, refusals: Sequence[Refusal]
) -> Iterator[Due]:
    activities = {activity.id: activity for activity in protocol.schedule.activity}
    entered = {(state.form, state.visit) for state in history.subject.forms.values() if state.visit is not None}
    opened: dict[str, date] = {}  # the newest window of an activity that has opened
    for done in visits:
        opens = done.planned.earliest or done.planned.target
        if opens <= history.up_to:
            opened[done.planned.activity] = max(opens, opened.get(done.planned.activity, opens))
    for done in visits:
        planned, activity = done.planned, activities[done.planned.activity]
        stage = next((stage for stage in protocol.eligibility.stage if stage.form == planned.form), None)
        note: Text | None = None
        state: DueState
        if done.done is not None or (planned.form, planned.visit) in entered:
            state = "done"
        elif stage is not None:
            state, note = _registration(history, progression, stage, done, refusals)
        elif done.excused:
            state, note = "not_needed", _excuse(history, progression, activity, done.role)
        else:
            state, note = _waiting(history, progression, activity, done, opened)
        yield Due(
            subject=history.id,
            site=history.site,
            kind="fill" if stage is None else "register",
            state=state,
            what=planned.title,
            earliest=planned.earliest,
            target=planned.target,
            latest=planned.latest,
            done=done.done,
            form=planned.form,
            occurrence=None if done.filled is None else done.filled.state.occurrence,
            visit=planned.visit if planned.form is not None and stage is None else None,
            stage=None if stage is None else stage.id,
            activity=planned.activity,
            note=note,
            of_arm=bool(activity.arms),
        )


def _waiting(
    history: History, progression: Progression, activity: Activity, done: Done, opened: Mapping[str, date]
) -> tuple[DueState, Text | None]:
    """Tell how a visit stands that was not done and is not excused."""
    planned = done.planned
    match window_verdict(planned, None, on=history.up_to):
        case "not_due":
            return "upcoming", None
        case "due":
            return "due", None
    ended = _excuse(history, progression, activity, done.role)
    if ended is not None:
        return "missed", ended
    if opened.get(planned.activity, planned.target) > (planned.earliest or planned.target):
        return "missed", _LATER
    graded = any(deviation.rule == planned.deviation_rule for deviation in history.subject.deviations)
    # A grade says which rule was broken, not at which visit: it settles only what comes once.
    if graded and not activity.repeat and len(activity.at_days) < 2:
        return "missed", _GRADED
    return "overdue", None


def _registration(
    history: History, progression: Progression, stage: Stage, done: Done, refusals: Sequence[Refusal]
) -> tuple[DueState, Text | None]:
    """Tell how a registration stands that was not made: nobody who left on the way comes to it any more."""
    refused = [each for each in refusals if each.stage == stage.id and each.verdict == "ineligible"]
    withdrew = min((known.withdrawal_date for known in history.withdrawals), default=None)
    ended = None if history.end is None else history.end.on
    for day, text in ((history.death, _DIED), (withdrew, _WITHDREW), (progression.known, _PROGRESSED), (ended, _ENDED)):
        if day is not None:
            return "not_needed", text.format(day=day)
    if refused:
        return "not_needed", _INELIGIBLE.format(day=refused[-1].at.date())
    match window_verdict(done.planned, None, on=history.up_to):
        case "not_due":
            return "upcoming", None
        case "due":
            return "due", None
    return "overdue", None


def _excuse(history: History, progression: Progression, activity: Activity, role: FormRole | None) -> Text | None:
    """Return what ended an obligation of the schedule; None if nothing did."""
    withdrew = history.withdrew(*_CLOSING)
    reasons = [(history.death, _DIED), (withdrew, _WITHDREW)]
    if activity.until == "progression":
        reasons.append((progression.known, _PROGRESSED))
    if role in _TREATMENT or activity.measures or (history.randomized is None and role is not FormRole.FOLLOW_UP):
        reasons.append((history.withdrew("treatment"), _WITHDREW))
        reasons.append((None if history.end is None else history.end.on, _ENDED))
    known = [(day, text) for day, text in reasons if day is not None]
    if not known:
        return None
    day, text = min(known, key=lambda pair: pair[0])
    return text.format(day=day)


# ---------------------------------------------------------------- what nobody plans


def _reports(subject: Subject, protocol: Protocol, on: date) -> Iterator[Due]:
    morning = datetime.combine(on, time.min, tzinfo=ZoneInfo(protocol.trial.time_zone))
    for report in expedited_reports(subject, protocol, morning):
        sent = None if report.sent_at is None else report.sent_at.astimezone(morning.tzinfo).date()
        title = _title(protocol, report.form)
        state: DueState
        match report.status:
            case "waiting":
                state, note = "due", _REPORT.format(day=report.aware_date)
            case "late":
                state, note = "overdue", _LATE_REPORT
            case "sent":
                state, note = "done", _SENT.format(day=sent)
            case "sent_late":
                state, note = "done", _SENT_LATE.format(day=sent)
        yield Due(
            subject=subject.id,
            site=subject.site,
            kind="report",
            state=state,
            what=Text(f"{report.title.en}: {title.en} {report.occurrence}", f"{report.title.ja}：{title.ja} {report.occurrence}"),
            earliest=report.aware_date,
            target=report.due_at.date(),
            latest=report.last_date,
            done=sent,
            form=report.form,
            occurrence=report.occurrence,
            deadline=report.deadline,
            note=note,
        )


def _queries(subject: Subject, protocol: Protocol) -> Iterator[Due]:
    zone = ZoneInfo(protocol.trial.time_zone)
    for query in subject.queries.values():
        if query.status == "closed":
            continue
        raised = query.raised_at.astimezone(zone).date()
        is_open = query.status == "open"
        title = _title(protocol, query.form)
        yield Due(
            subject=subject.id,
            site=subject.site,
            kind="answer" if is_open else "close",
            state="due",
            what=Text(f"Data query {query.query}: {title.en}", f"問合せ {query.query}：{title.ja}"),
            target=raised,
            form=query.form,
            occurrence=query.occurrence,
            query=query.query,
            note=_OPEN_QUERY.format(day=raised) if is_open else _ANSWERED,
        )


def _forms(subject: Subject, protocol: Protocol) -> Iterator[Due]:
    """Yield the signatures and verifications that filled forms wait for."""
    zone = ZoneInfo(protocol.trial.time_zone)
    signed = {form.id for form in protocol.forms if form.sign}
    for state in subject.forms.values():
        changed = (state.changes[-1].at if state.changes else state.submitted_at).astimezone(zone).date()
        if state.form in signed and not state.is_signed:
            note = _SIGN if state.signed_seq is None else _SIGN_AGAIN
            yield _about(subject, state, protocol, "sign", changed, note)
        if state.warnings and not state.locked and (state.verified_seq or 0) < state.seq:
            yield _about(subject, state, protocol, "verify", changed, _VERIFY)


def _about(subject: Subject, state: FormState, protocol: Protocol, kind: DueKind, since: date, note: Text) -> Due:
    return Due(
        subject=subject.id,
        site=subject.site,
        kind=kind,
        state="due",
        what=_title(protocol, state.form),
        target=since,
        form=state.form,
        occurrence=state.occurrence,
        visit=state.visit,
        note=note,
    )


def _title(protocol: Protocol, form: str) -> Text:
    # An earlier version may have had a form that this one has not.
    return next((known.title for known in protocol.forms if known.id == form), Text(form, form))


def last_randomization(trial: Trial) -> date | None:
    """Return the day of the trial's last randomization once as many as its limit are randomized; None while it goes on."""
    stage = trial.protocol.randomizing_stage
    allocations = [subject.allocation for subject in trial.subjects.values() if subject.is_registered(stage.id)]
    days = [allocation.randomization_date for allocation in allocations if allocation is not None]
    return max(days) if days and stage.limit is not None and len(days) >= stage.limit else None
