"""Filling and correcting forms."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from oligami.journal import entries as e
from oligami.journal.entries import Values
from oligami.journal.record import Stamp
from oligami.protocol.compile import Compiled
from oligami.protocol.model.forms import Form, FormRole
from oligami.protocol.problems import find_near_miss, shorten
from oligami.protocol.text import Reason, Text
from oligami.trial.commands import CorrectItems, SubmitForm
from oligami.trial.forms import examine
from oligami.trial.radiotherapy import judge_prescription
from oligami.trial.refused import Refused
from oligami.trial.registration import answer_warnings, casebook_of, check_version, check_visit, factors_of
from oligami.trial.state import FormState, Subject, Trial
from oligami.trial.therapy import judge_therapy

#: What a withdrawal of consent of this scope closes: all further forms. The end of treatment closes none: truth can be entered.
_CLOSING_SCOPES = frozenset({"follow_up", "use_of_data"})
_NOTHING: tuple[tuple[Reason, ...], tuple[Reason, ...]] = ((), ())


def submit_form(command: SubmitForm, trial: Trial, stamp: Stamp, problems: list[Reason]) -> tuple[e.Entry, ...]:
    """Decide on a form filled for the first time, by the version that rules the subject's site today.

    A therapy or prescription that may go ahead only after the study office has answered raises the data query in the same
    act; one that is not allowed needs a reason, stays as entered and is a deviation.

    Raises:
        Refused: with all reasons.
    """
    subject = trial.subjects.get(command.subject)
    rules = trial.rules if subject is None else trial.rules_for(subject.site, trial.day_of(stamp.recorded_at))
    form = _form(rules, command.form)
    what = _what(form, command.form, command.subject)
    if form is None or subject is None:
        raise Refused(what, [*problems, *_missing(command.subject, command.form, rules, subject)])
    problems.extend(check_version(command.version, rules, subject.site))
    problems.extend(_may_fill(form, subject))
    problems.extend(check_visit(form, rules.protocol.schedule, command.visit))
    casebook = casebook_of(subject, rules)
    examined = examine(rules.forms[form.id], command.values, casebook=casebook, strict_required=True)
    problems.extend(Reason(problem.rule, problem.text) for problem in examined.errors)
    # With errors the values are incomplete, and nothing may be judged with them.
    ruled, asks = _NOTHING if examined.errors else _judge(form, rules, {**casebook, **examined.values}, subject.site)
    warnings, unanswered = answer_warnings([*examined.warnings, *ruled], command.reasons)
    problems.extend(unanswered)
    if problems:
        raise Refused(what, problems)
    occurrence = 1 + sum(name == form.id for name, _ in subject.forms)
    submitted = e.FormSubmitted(
        subject=subject.id,
        form=form.id,
        occurrence=occurrence,
        values=examined.values,
        protocol_version=rules.protocol.version,
        visit=command.visit,
        warnings=warnings,
    )
    return (submitted, *_raise_queries(subject, form, occurrence, asks))


def correct_items(command: CorrectItems, trial: Trial, stamp: Stamp, problems: list[Reason]) -> tuple[e.Entry, ...]:
    """Decide on a correction: old and new value of each item that changes, and the factors if the correction touches them.

    The reason of the correction answers the soft checks that fire. What the study office must be asked because of the new
    values, and not because of the old ones, is raised as a data query in the same act.

    Raises:
        Refused: with all reasons; a correction of values the author has not seen is refused with a comparison.
    """
    what = Text(f"Correction of {command.form} {command.occurrence}", f"{command.form} {command.occurrence} の訂正")
    subject = trial.subjects.get(command.subject)
    state = None if subject is None else subject.forms.get((command.form, command.occurrence))
    ruling = trial.rules if subject is None else trial.rules_for(subject.site, trial.day_of(stamp.recorded_at))
    rules = ruling if state is None else trial.rules_of(state.protocol_version)
    if subject is not None and state is not None and command.version not in (None, state.protocol_version):
        rules = ruling
        problems.extend(check_version(command.version, rules, subject.site))
    form = _form(rules, command.form)
    if form is None or subject is None:
        raise Refused(what, [*problems, *_missing(command.subject, command.form, rules, subject)])
    if state is None:
        text = Text("This form has not been filled, so nothing can be corrected", "この調査票は未入力のため訂正できません")
        raise Refused(what, [*problems, Reason("form.not_filled", text)])
    if not command.reason.strip():
        problems.append(
            Reason("correction.reason", Text("A change of a saved value needs a reason", "保存済みの値の変更には理由が必要です"))
        )
    if state.locked:
        text = Text(
            "The form is locked; ask the data centre to unlock it",
            "調査票はロックされています。データセンターに解除を依頼してください",
        )
        problems.append(Reason("form.locked", text))
    if stamp.seen is None:
        text = Text(
            "A correction says which record its author saw, so that it can be compared with what was saved since",
            "訂正には入力者が見た記録の番号が必要です（その後の変更と照合するため）",
        )
        problems.append(Reason("correction.seen", text))
    problems.extend(compare(state, stamp.seen))

    casebook = casebook_of(subject, rules)
    merged = _merge(state, command.new, rules, casebook)
    examined = examine(rules.forms[form.id], merged, casebook=casebook, strict_required=True)
    problems.extend(Reason(problem.rule, problem.text) for problem in examined.errors)
    ruled, asks = _NOTHING
    if not examined.errors:
        # Judged on the casebook as it will stand: a value that is removed must not live on in it.
        corrected = casebook_of(_with_values(subject, state, examined.values), rules)
        ruled, asks = _judge(form, rules, {**corrected, **examined.values}, subject.site)
        _, asked = _judge(form, rules, {**casebook, **state.values}, subject.site)
        asks = tuple(reason for reason in asks if reason not in asked)
    warnings, unanswered = answer_warnings([*examined.warnings, *ruled], {"*": command.reason, **command.reasons})
    problems.extend(unanswered)
    after = examined.values
    touched = [item for item in {**state.values, **after} if state.values.get(item) != after.get(item)]
    version = rules.protocol.version
    if not touched and not problems:
        problems.append(Reason("correction.nothing", Text("No value differs from what is saved", "保存済みの値と同じです")))
    if problems:
        raise Refused(what, problems)
    return (
        e.ItemsCorrected(
            subject=subject.id,
            form=form.id,
            occurrence=command.occurrence,
            old={item: state.values.get(item) for item in sorted(touched)},
            new={item: after.get(item) for item in sorted(touched)},
            reason=command.reason,
            factors=corrected_factors(subject, state, after, ruling),
            warnings=warnings,
            protocol_version="" if version == state.protocol_version == trial.protocol.version else version,
        ),
        *_raise_queries(subject, form, command.occurrence, asks),
    )


def compare(state: FormState, seen: int | None) -> list[Reason]:
    """Return what changed in a form since the record its author had seen, item by item; empty if nothing did."""
    if seen is None or seen >= state.seq:
        return []
    problems = []
    for change in state.changes:
        if change.seq <= seen:
            continue
        items = "; ".join(f"{item}: {change.old.get(item)} → {change.new.get(item)}" for item in sorted(change.new))
        problems.append(
            Reason(
                "form.changed_since",
                Text(
                    f"Changed meanwhile (record {change.seq}, {change.role}): {items}",
                    f"表示後に変更されています（記録 {change.seq}、{change.role}）: {items}",
                ),
            )
        )
    if not problems:
        text = Text(f"The form was filled meanwhile, in record {state.seq}", f"表示後に記録 {state.seq} で入力されています")
        problems.append(Reason("form.changed_since", text))
    return problems


def corrected_factors(subject: Subject, state: FormState, after: Mapping[str, Any], rules: Compiled) -> dict[str, str] | None:
    """Return the balancing factors after a correction, when they differ from those in force; None otherwise.

    Args:
        subject: as it stands before the correction.
        state: the form that is corrected.
        after: the form's values after the correction.
        rules: the protocol that rules the site.
    """
    allocation = subject.allocation
    if allocation is None:
        return None
    site = subject.stages[allocation.stage].site
    levels = factors_of(rules, casebook_of(_with_values(subject, state, after), rules), site)
    # A factor that became unknown keeps the level last known: a tally cannot count "unknown". One that an amendment has
    # brought in since has none to keep.
    kept = {name: allocation.factors.get(name) if level is None else level for name, level in levels.items()}
    factors = {name: level for name, level in kept.items() if level is not None}
    return None if factors == dict(allocation.factors) else factors


def _with_values(subject: Subject, state: FormState, values: Mapping[str, Any]) -> Subject:
    """Return the subject as it would stand with these values in a form it has filled."""
    return replace(subject, forms={**subject.forms, (state.form, state.occurrence): replace(state, values=values)})


def _merge(state: FormState, new: Values, rules: Compiled, casebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form's values with the new ones in place.

    A derived item whose sources are corrected is left out when it can be derived again (an age after a corrected birth date).
    """
    merged = {item: value for item, value in {**state.values, **new}.items() if value is not None}
    for item, expression in rules.forms[state.form].derive:
        stale = item in merged and item not in new and not expression.names.isdisjoint(new)
        if stale and expression.names <= merged.keys() | {name for name in casebook if "." in name}:
            del merged[item]
    return merged


def _raise_queries(subject: Subject, form: Form, occurrence: int, asks: Sequence[Reason]) -> tuple[e.QueryRaised, ...]:
    """Return a data query for each thing to ask; the number is the next that is free within the subject."""
    free = (name for name in (f"Q-{subject.id}-{number:03d}" for number in count(1)) if name not in subject.queries)
    return tuple(
        e.QueryRaised(
            subject=subject.id,
            query=name,
            form=form.id,
            occurrence=occurrence,
            text=f"{reason.text.ja} / {reason.text.en} [{reason.rule}]",
        )
        for reason, name in zip(asks, free, strict=False)
    )


def _judge(form: Form, rules: Compiled, values: Mapping[str, Any], site: str) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """Return what the clinical rules say of a form: what needs a reason, and what asks the study office a data query."""
    status: str
    if form.role is FormRole.THERAPY and rules.protocol.therapy is not None:
        verdict = judge_therapy(rules, {**values, "site": site})
        rule, status, reasons = "therapy.status", verdict.status, [reason.text for reason in verdict.reasons]
    elif form.role is FormRole.RADIOTHERAPY and rules.protocol.radiotherapy is not None:
        location = form.find("lung_location")
        prescribed = judge_prescription(
            rules.protocol,
            site=values.get(form.key("site")),
            lung_location=values.get(location.id) if location is not None else None,
            total_gy=values.get(form.key("total_gy")),
            fractions=values.get(form.key("fractions")),
        )
        rule, status, reasons = "radiotherapy.status", prescribed.status, [prescribed.reason]
    else:
        return _NOTHING
    if status == "ALLOWED":
        return _NOTHING
    said = tuple(Reason(rule, Text(f"{status}: {text.en}", f"{status}: {text.ja}")) for text in reasons)
    return (said, ()) if status == "NOT_ALLOWED" else ((), said)


def _may_fill(form: Form, subject: Subject) -> list[Reason]:
    problems = []
    if form.role is FormRole.REGISTRATION:
        text = Text("This form is filled by the registration itself", "この調査票は登録手続きで入力します")
        problems.append(Reason("form.registration", text))
    if form.after_stage is not None and not subject.is_registered(form.after_stage):
        text = Text(
            f"This form is filled after the registration at stage {form.after_stage}",
            f"この調査票は {form.after_stage} の登録後に入力します",
        )
        problems.append(Reason("form.too_early", text))
    if form.repeats == "once" and (form.id, 1) in subject.forms:
        text = Text("This form has been filled; correct it instead", "この調査票は入力済みです。訂正してください")
        problems.append(Reason("form.filled", text))
    for withdrawal in subject.withdrawals:
        if withdrawal.scope in _CLOSING_SCOPES:
            text = Text(
                f"Consent to {withdrawal.scope} was withdrawn on {withdrawal.withdrawal_date}: no further forms",
                f"{withdrawal.withdrawal_date} に同意撤回（{withdrawal.scope}）のため入力できません",
            )
            problems.append(Reason("consent.withdrawn", text))
    return problems


def _form(rules: Compiled, form_id: str) -> Form | None:
    compiled = rules.forms.get(form_id)
    return compiled.form if compiled is not None else None


def _what(form: Form | None, form_id: str, subject: str) -> Text:
    if form is None:
        return Text(f"Form {form_id} of {subject}", f"{subject} の調査票 {form_id}")
    return Text(f"{form.title.en} of {subject}", f"{subject} の{form.title.ja}")


def _missing(subject_id: str, form_id: str, rules: Compiled, subject: Subject | None) -> list[Reason]:
    problems = []
    if form_id not in rules.forms:
        near = find_near_miss(form_id, rules.forms)
        word = shorten(form_id)
        text = Text(
            f"The protocol has no form {word}" + (f". Did you mean {near}?" if near else ""),
            f"プロトコールに調査票 {word} はありません" + (f"。{near} ではありませんか" if near else ""),
        )
        problems.append(Reason("form.unknown", text))
    if subject is None:
        text = Text(f"Subject {subject_id} is not in the trial", f"症例 {subject_id} は登録されていません")
        problems.append(Reason("subject.unknown", text))
    return problems
