"""Registration and randomization: verdict, number, tally, draw and arm in one act."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Protocol

from oligami.journal import entries as e
from oligami.journal.record import Stamp
from oligami.protocol.compile import Compiled, derive_values
from oligami.protocol.model.eligibility import Stage
from oligami.protocol.model.forms import Form
from oligami.protocol.model.protocol import Protocol as ProtocolModel
from oligami.protocol.model.schedule import ScheduleFile
from oligami.protocol.problems import find_near_miss, list_words, shorten
from oligami.protocol.text import Reason, Text
from oligami.trial.allocation import Allocated, BlockPlace, PriorAllocation, allocate
from oligami.trial.commands import Register
from oligami.trial.eligibility import Verdict, judge_stage
from oligami.trial.forms import examine
from oligami.trial.refused import Refused
from oligami.trial.schedule import visit_names
from oligami.trial.state import AllocationState, Subject, Trial

#: Gives draw k of this trial under the digest of the protocol its commitment was made with.
Draws = Callable[[str, str, int], float]


def register(command: Register, trial: Trial, stamp: Stamp, draws: Draws | None, problems: list[Reason]) -> tuple[e.Entry, ...]:
    """Decide on a registration: the entries of a registration, or of its refusal by verdict.

    Raises:
        Refused: something other than the verdict stands against it; `problems` are reasons found before.
    """
    rules = trial.rules_for(command.site, trial.day_of(stamp.recorded_at))
    problems.extend(check_version(command.version, rules, command.site))
    stage = next((stage for stage in rules.protocol.eligibility.stage if stage.id == command.stage), None)
    what = Text(f"Registration at stage {command.stage}", f"{command.stage} の登録")
    if stage is None:
        known = ", ".join(stage.id for stage in rules.protocol.eligibility.stage)
        raise Refused(
            what,
            [
                *problems,
                Reason("stage.unknown", Text(f"There is no such stage; there are: {known}", f"この段階はありません（{known}）")),
            ],
        )
    what = Text(
        f"{stage.title.en} of {command.subject}" if command.subject else stage.title.en,
        f"{command.subject} の{stage.title.ja}" if command.subject else stage.title.ja,
    )
    subject = trial.subjects.get(command.subject) if command.subject else None
    problems.extend(standing(command, stage, trial, subject, rules))
    if stage.randomizes:
        problems.extend(_check_commitment(trial, draws))

    form = rules.forms[stage.form]
    problems.extend(check_visit(form.form, rules.protocol.schedule, command.visit))
    casebook = casebook_of(subject, rules)
    examined = examine(form, command.values, casebook=casebook, strict_required=True)
    problems.extend(Reason(problem.rule, problem.text) for problem in examined.errors)
    warnings, unanswered = answer_warnings(examined.warnings, command.reasons)
    problems.extend(unanswered)
    registration_date = _date(examined.values.get(form.form.key("registration_date")))
    if registration_date is not None:
        problems.extend(_dates(registration_date, stage, rules, subject, stamp))
    elif not examined.errors:  # the form leaves the date open; a registration cannot
        text = Text("The date of registration is missing", "登録日が入力されていません")
        problems.append(Reason("registration.date_missing", text))
    if problems or registration_date is None:
        raise Refused(what, problems)

    verdict = judge_stage(rules, stage.id, examined.values)
    if verdict.verdict != "eligible":
        return (_refusal(command, stage, rules, verdict, examined.values),)
    subject_id = command.subject or trial.next_subject()
    said: list[e.Entry] = [
        e.FormSubmitted(
            subject=subject_id,
            form=stage.form,
            occurrence=1,
            values=examined.values,
            protocol_version=rules.protocol.version,
            visit=command.visit,
            warnings=warnings,
        ),
        e.Registered(
            subject=subject_id,
            stage=stage.id,
            site=command.site,
            registration_date=registration_date,
            protocol_version=rules.protocol.version,
            evidence=verdict.evidence(),
        ),
    ]
    consent_date = _date(examined.values.get(_key(rules, stage, "consent_date")))
    if stage.follows is None and consent_date is not None:
        document = rules.protocol.trial.consent_document
        said.insert(0, e.ConsentGiven(subject=subject_id, document=document, consent_date=consent_date))
    if stage.randomizes:
        # Factors are those of the first registration; later stages may name their items alike (registration_date).
        items = examined.values if stage.follows is None else casebook
        said.append(_randomize(subject_id, command, trial, rules, items, registration_date, draws, what))
    return tuple(said)


def check_version(shown: str | None, rules: Compiled, site: str) -> list[Reason]:
    """Return the reason against what was filled under another version of the protocol than the one that rules the site now."""
    ruling = rules.protocol.version
    if shown is None or shown == ruling:
        return []
    text = Text(
        f"This page was made under protocol version {shorten(shown)}; version {ruling} rules at site {site} by now. "
        "Nothing was recorded; open the page anew, and compare what was typed with what the new version asks",
        f"この画面はプロトコール {shorten(shown)} 版のものですが、施設 {site} では現在 {ruling} 版が有効です。"
        "何も記録されていません。画面を開き直し、入力内容を新しい版と照らし合わせてください",
    )
    return [Reason("protocol.version_shown", text)]


def standing(
    command: Register, stage: Stage, trial: Trial, subject: Subject | None, rules: Compiled | None = None
) -> list[Reason]:
    """Return what speaks against a registration before any item is looked at.

    `rules` are those of the version that rules the site; where they are left out, those in force for the whole trial.
    """
    protocol = trial.protocol if rules is None else rules.protocol
    problems: list[Reason] = []

    def against(rule: str, en: str, ja: str) -> None:
        problems.append(Reason(rule, Text(en, ja)))

    site = trial.study.sites.get(command.site)
    if site is None:
        against("site.unknown", f"Site {command.site} has not been opened", f"施設 {command.site} は開設されていません")
    elif site.closed_at is not None:
        against("site.closed", f"Site {command.site} is closed to registration", f"施設 {command.site} は登録を終了しています")
    if None in trial.study.paused:
        against("accrual.paused", "Registration is paused for the whole trial", "試験全体で登録が一時停止されています")
    if stage.id in trial.study.paused:
        against("accrual.paused", f"{stage.title.en} is paused", f"{stage.title.ja}は一時停止されています")
    if stage.follows is None:
        if command.subject is not None:
            against(
                "stage.first",
                "A first registration gives the subject a number of its own; leave the number out",
                "一次登録では新しい症例番号が付きます。番号を指定しないでください",
            )
    elif subject is None:
        against(
            "subject.unknown", f"Subject {command.subject} is not in the trial", f"症例 {command.subject} は登録されていません"
        )
    else:
        before = protocol.stage(stage.follows)
        if not subject.is_registered(stage.follows):
            against(
                "stage.order",
                f"{before.title.en} has not been made, or was annulled",
                f"{before.title.ja}が行われていないか、取り消されています",
            )
        if stage.id in subject.stages:
            against(
                "stage.again",
                f"This subject was registered here on {subject.stages[stage.id].registration_date}",
                f"この症例は {subject.stages[stage.id].registration_date} に登録済みです",
            )
        for withdrawal in subject.withdrawals:
            against(
                "consent.withdrawn",
                f"Consent was withdrawn on {withdrawal.withdrawal_date} ({withdrawal.scope})",
                f"{withdrawal.withdrawal_date} に同意が撤回されています（{withdrawal.scope}）",
            )
    problems.extend(_limits(stage, trial, protocol))
    return problems


def _limits(stage: Stage, trial: Trial, protocol: ProtocolModel) -> list[Reason]:
    """Return the reason when this stage, or a later one that closes it, is full.

    A stage that is full refuses. When a later stage is full, first registrations stop too; subjects who are already on
    their way may still come if the later stage says so (`waiting_may_proceed`).
    """
    problems = []
    for closing in protocol.eligibility.stage:
        if closing.limit is None or trial.registered(closing.id) < closing.limit:
            continue
        proceeds = closing.waiting_may_proceed and closing.follows is not None
        if closing.id == stage.id and not proceeds:
            problems.append(
                Reason(
                    "accrual.closed",
                    Text(
                        f"{closing.title.en} closed when {closing.limit} subjects had been registered",
                        f"{closing.title.ja}は {closing.limit} 例に達し終了しました",
                    ),
                )
            )
        elif closing.id != stage.id and stage.follows is None:
            problems.append(
                Reason(
                    "accrual.closed",
                    Text(
                        f"Registration closed when {closing.limit} subjects had come to {closing.title.en.lower()}",
                        f"{closing.title.ja}が {closing.limit} 例に達したため登録は終了しました",
                    ),
                )
            )
    return problems


def _check_commitment(trial: Trial, draws: Draws | None) -> list[Reason]:
    """Return what keeps the next arm from being drawn."""
    commitment = trial.commitment(trial.allocated + 1)
    if commitment is None:
        rule = "randomization.no_secret"
        text = Text(
            "No secret of randomization has been committed; the data centre commits one before the first allocation",
            "割付用の秘密値が登録されていません。データセンターが最初の割付前に登録してください",
        )
    elif commitment.opened is not None:
        # Whoever reads an opened secret knows every arm that it would still draw.
        rule = "randomization.secret_opened"
        text = Text(
            "The secret of randomization has been opened, so the next arm could be known beforehand; the data centre commits a new one",
            "割付用の秘密値が公開済みで、次の割付が予測できます。データセンターが新しい秘密値を登録してください",
        )
    elif draws is None:
        rule = "randomization.secret_absent"
        text = Text(
            "The secret of randomization that was committed is not at hand here; the data centre provides it",
            "登録済みの割付用秘密値がこのシステムに設定されていません。データセンターに連絡してください",
        )
    else:
        return []
    return [Reason(rule, text)]


def _dates(registration_date: date, stage: Stage, rules: Compiled, subject: Subject | None, stamp: Stamp) -> list[Reason]:
    problems = []
    today = stamp.recorded_at.date()
    # A day's grace: the instant is UTC, and the date is the hospital's own, which may be a day ahead.
    if (registration_date - today).days > 1:
        problems.append(
            Reason(
                "registration.date_ahead",
                Text(
                    f"The registration date {registration_date} lies after today ({today} UTC)",
                    f"登録日 {registration_date} が本日（{today} UTC）より後です",
                ),
            )
        )
    if subject is not None and stage.follows is not None and stage.follows in subject.stages:
        earlier = rules.protocol.form(rules.protocol.stage(stage.follows).form)
        # The form holds the date as it may have been corrected since.
        as_filled = _date(subject.values(earlier.id).get(earlier.key("registration_date")))
        before = as_filled or subject.stages[stage.follows].registration_date
        if registration_date < before:
            problems.append(
                Reason(
                    "registration.date_order",
                    Text(
                        f"The registration date {registration_date} lies before the registration of {before}",
                        f"登録日 {registration_date} が先の登録日 {before} より前です",
                    ),
                )
            )
    return problems


def _refusal(
    command: Register, stage: Stage, rules: Compiled, verdict: Verdict, values: Mapping[str, Any]
) -> e.RegistrationRefused:
    return e.RegistrationRefused(
        stage=stage.id,
        site=command.site,
        subject=command.subject,
        protocol_version=rules.protocol.version,
        verdict=verdict.verdict,
        not_met=verdict.not_met,
        unknown=verdict.unknown,
        evidence=verdict.evidence(),
        values=values,
    )


def _randomize(
    subject_id: str,
    command: Register,
    trial: Trial,
    rules: Compiled,
    casebook: Mapping[str, Any],
    on: date,
    draws: Draws | None,
    what: Text,
) -> e.Randomized:
    k = trial.allocated + 1
    commitment = trial.commitment(k)
    assert commitment is not None  # `_check_commitment` came before
    assert draws is not None
    factors = factors_of(rules, casebook, command.site)
    unknown = [name for name, level in factors.items() if level is None]
    if unknown:
        names = ", ".join(unknown)
        raise Refused(
            what,
            [
                Reason(
                    "randomization.factor_unknown",
                    Text(f"Balancing factors without a value: {names}", f"値のない割付調整因子: {names}"),
                )
            ],
        )
    known = {name: level for name, level in factors.items() if level is not None}
    u = draws(commitment.protocol_digest, trial.study.trial, k)
    allocated = allocate(rules.protocol.allocation, known, prior_of(trial), k=k, u=u)
    return randomized(subject_id, command.stage, on, allocated, commitment.protocol_digest)


def randomized(subject: str, stage: str, on: date, allocated: Allocated, protocol_digest: str) -> e.Randomized:
    """Write an allocation and its evidence as an entry."""
    place = allocated.place
    detail = {} if place is None else {name: getattr(place, name) for name in BlockPlace.__dataclass_fields__}
    return e.Randomized(
        subject=subject,
        stage=stage,
        arm=allocated.arm,
        randomization_date=on,
        factors=allocated.factors,
        method=allocated.method,
        algorithm_version=allocated.algorithm_version,
        tally=allocated.tally,
        imbalance=allocated.imbalance,
        probability=allocated.probability,
        k=allocated.k,
        u=allocated.u,
        protocol_digest=protocol_digest,
        detail=detail,
    )


def prior_of(trial: Trial) -> list[PriorAllocation]:
    """Return the earlier allocations as the rule counts them, in the order of their draws."""
    corrected = trial.protocol.allocation.tally_factors == "corrected"

    def prior(allocation: AllocationState) -> PriorAllocation:
        return PriorAllocation(
            arm=allocation.arm,
            factors=allocation.factors if corrected else allocation.factors_drawn,
            counted=not allocation.in_error,
            place=BlockPlace(**allocation.detail) if allocation.detail else None,
        )

    ever = [allocation for subject in trial.subjects.values() for allocation in subject.allocations]
    return [prior(allocation) for allocation in sorted(ever, key=lambda allocation: allocation.k)]


def factors_of(rules: Compiled, casebook: Mapping[str, Any], site: str) -> dict[str, str | None]:
    """Return the balancing factors' levels from the casebook's items; None where unknown."""
    values = derive_values(rules, {**casebook, "site": site})
    levels: dict[str, str | None] = {}
    for factor, expression in rules.factors:
        level = expression.value(values)
        levels[factor.id] = None if level is None else str(level)
    return levels


def casebook_of(subject: Subject | None, rules: Compiled) -> dict[str, Any]:
    """Return the items an expression over the whole casebook may name.

    Those of the first stage's form and of the therapy form by their own names, and those of every form that is filled
    once as `form.item`.
    """
    if subject is None:
        return {}
    once, plain = _casebook_plan(rules)
    values: dict[str, Any] = {}
    for form, names in once:
        state = subject.forms.get((form, 1))
        if state is not None:
            for item, value in state.values.items():
                values[names[item]] = value
    for form in plain:
        values.update(subject.values(form))
    return values


class _WholeNames(dict[str, str]):
    """The whole names of a form's items, `form.item`; an item that a later version left out is named on demand."""

    def __init__(self, form: Form) -> None:
        super().__init__({item.id: f"{form.id}.{item.id}" for item in form.item})
        self._form = form.id

    def __missing__(self, item: str) -> str:
        return f"{self._form}.{item}"


@lru_cache(maxsize=16)
def _casebook_plan(rules: Compiled) -> tuple[tuple[tuple[str, _WholeNames], ...], tuple[str, ...]]:
    """Return the forms filled once with their items' whole names, and the forms whose items go by their own names.

    Where the therapy form and the first registration share a name (and so, as `compile` demands, a type), the registration's
    value counts.
    """
    protocol = rules.protocol
    once = tuple((form.id, _WholeNames(form)) for form in protocol.forms if form.repeats == "once")
    therapy = () if protocol.therapy is None else (protocol.therapy.form,)
    return once, (*therapy, protocol.eligibility.stage[0].form)


class Warned(Protocol):
    """A soft check that fired: its rule and its sentence."""

    @property
    def rule(self) -> str:
        """The check."""

    @property
    def text(self) -> Text:
        """What it says."""


def answer_warnings(warnings: Iterable[Warned], reasons: Mapping[str, str]) -> tuple[list[dict[str, Any]], list[Reason]]:
    """Return the soft checks that fired with the reasons given for them, and those that lack one.

    A reason belongs to a check by its rule; that of `*` answers every check without a reason of its own.
    """
    answered, missing = [], []
    for warning in warnings:
        reason = reasons.get(warning.rule, "").strip() or reasons.get("*", "").strip()
        if reason:
            answered.append({"check": warning.rule, "reason": reason})
        else:
            missing.append(Reason(warning.rule, warning.text))
    return answered, missing


def check_visit(form: Form, schedule: ScheduleFile, visit: str | None) -> list[Reason]:
    """Return the reason against a visit at which the form is not due; a form without named visits takes any.

    The visits are those the form names and those the schedule makes for it (a run of scans counts them by their day).
    """
    if visit is None or not form.visits or visit in form.visits:
        return []
    visits = (*form.visits, *(name for name in visit_names(schedule, form.id) if name not in form.visits))
    if visit in visits:
        return []
    near = find_near_miss(visit, visits)
    there = list_words(visits)
    word = shorten(visit)
    text = Text(
        f"There is no visit {word} for this form; there are: {there.en}" + (f". Did you mean {near}?" if near else ""),
        f"この調査票に時期 {word} はありません（{there.ja}）" + (f"。{near} ではありませんか" if near else ""),
    )
    return [Reason("form.visit", text)]


def _key(rules: Compiled, stage: Stage, concept: str) -> str:
    item = rules.protocol.form(stage.form).find(concept)
    return item.id if item is not None else concept


def _date(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value if isinstance(value, date) else None


def obstacles(trial: Trial, stage: Stage, site: str, day: date, *, subject: Subject | None = None) -> list[Reason]:
    """Return what would refuse a registration whatever is entered: to be told before anybody types.

    Whether a committed secret of randomization is at hand is the desk's to say; that none is committed is said here.

    Args:
        trial: the trial as it stands.
        stage: the registration.
        site: where.
        day: the date by the trial's own clock, which decides on the version that rules.
        subject: the subject, for a later registration.
    """
    rules = trial.rules_for(site, day)
    command = Register(stage=stage.id, site=site, values={}, subject=None if subject is None else subject.id)
    found = standing(command, stage, trial, subject, rules)
    return [*found, *_check_commitment(trial, _not_drawn)] if stage.randomizes else found


def _not_drawn(digest: str, trial: str, k: int) -> float:
    raise AssertionError("nothing is drawn to tell what stands against a registration")
