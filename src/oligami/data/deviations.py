"""Departures from the protocol found by rule: therapy, dose, windows, crossover, eligibility, and readings that disagree.

Nothing here grades a departure; the grade is the study office's, as it stands in the journal.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from oligami.data.columns import Table
from oligami.data.datasets import Deviations
from oligami.data.history import History
from oligami.data.local_therapy import crossover_date, includes_local_therapy, judge_radiotherapy
from oligami.data.progression import Progression, local_therapy_of
from oligami.data.therapies import find_changes, regimen_in_force
from oligami.data.windows import Done
from oligami.protocol.compile import Compiled, compile_protocol
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Text
from oligami.trial.eligibility import judge_stage
from oligami.trial.radiotherapy import technique_query
from oligami.trial.registration import casebook_of
from oligami.trial.schedule import window_verdict
from oligami.trial.state import FormState
from oligami.trial.therapy import judge_therapy


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """One departure from the protocol. date: None where it has none. form: on which it shows, if on one."""

    kind: str
    rule: str
    date: date | None
    detail: Text
    form: FormState | None = None


def derive_deviations(
    subjects: Sequence[tuple[History, Progression, Sequence[Done]]], rules: Compiled, versions: Mapping[str, Protocol]
) -> Deviations:
    """Return the departures of every subject, in order of registration and then of dates.

    Args:
        subjects: with their progression and what was due of them.
        rules: the protocol in force.
        versions: every version there was: a registration is judged again by the one it was made under.
    """
    rows = Table()
    for history, progression, visits in subjects:
        if history.annulled:
            continue
        found = [
            *_eligibility(history, rules.protocol, versions),
            *_therapy(history, rules),
            *_changes(history, progression, rules.protocol),
            *_radiotherapy(history, progression, rules),
            *_crossover(history, progression, rules.protocol),
            *_windows(history, visits),
            *_readings(history, progression),
        ]
        found.extend(_reported(history, found))
        for each in sorted(found, key=lambda each: (each.date or date.min, each.kind, each.rule, each.detail.en)):
            rows.add(
                subject=history.id,
                arm=history.arm_on(each.date),
                kind=each.kind,
                rule=each.rule,
                date=each.date,
                detail_en=each.detail.en,
                detail_ja=each.detail.ja,
                grade=_grade(history, each),
            )
    return Deviations(**rows.columns(Deviations))


def _eligibility(history: History, protocol: Protocol, versions: Mapping[str, Protocol]) -> Iterator[Departure]:
    """Judge a registration again whose form was corrected since; without a correction the verdict of then stands."""
    for stage in protocol.eligibility.stage:
        state = history.subject.stages.get(stage.id)
        form = history.subject.forms.get((stage.form, 1))
        if stage.id not in history.registered or state is None or form is None or not form.changes:
            continue
        then = compile_protocol(versions.get(state.protocol_version, protocol))
        if stage.id not in then.stages:
            continue
        verdict = judge_stage(then, stage.id, form.values)
        for criterion in verdict.criteria:
            if criterion.value is False:
                yield Departure(
                    kind="eligibility",
                    rule=criterion.rule,
                    date=history.registered[stage.id],
                    detail=Text(f"Not met after correction: {criterion.reason.en}", f"訂正後に不適格: {criterion.reason.ja}"),
                    form=form,
                )


def _therapy(history: History, rules: Compiled) -> Iterator[Departure]:
    """A regimen that the table does not allow, or that began before the study office answered what it had to be asked."""
    if history.therapy is None or rules.protocol.therapy is None or history.therapy_start is None:
        return
    verdict = judge_therapy(rules, casebook_of(history.subject, rules))
    if verdict.status == "ALLOWED":
        return
    form = history.therapy.state
    if verdict.status != "NOT_ALLOWED" and _is_answered(history, form):
        return
    reasons = verdict.reasons or ()
    yield Departure(
        kind="therapy",
        rule="therapy.status",
        date=history.therapy_start,
        detail=Text(
            f"{verdict.regimen}: {verdict.status}. {' '.join(reason.text.en for reason in reasons)}".strip(),
            f"{verdict.regimen}: {verdict.status}。{''.join(reason.text.ja for reason in reasons)}",
        ),
        form=form,
    )


def _is_answered(history: History, form: FormState) -> bool:
    """Whether a data query about a form was answered."""
    return any(
        (query.form, query.occurrence) == (form.form, form.occurrence) and query.status != "open"
        for query in history.subject.queries.values()
    )


def _changes(history: History, progression: Progression, protocol: Protocol) -> Iterator[Departure]:
    if history.randomized is None or protocol.therapy is None:
        return
    regimen = regimen_in_force(history, history.randomized)
    for change in find_changes(history, progression, regimen):
        if not change.same and change.before_progression:
            yield Departure(
                kind="therapy",
                rule="therapy.same",
                date=change.date,
                detail=Text(
                    f"Changed from {regimen} to {change.regimen} before progression ({change.reason or 'no reason given'}).",
                    f"増悪前に {regimen} から {change.regimen} へ変更（{change.reason or '理由の記載なし'}）。",
                ),
            )


def _radiotherapy(history: History, progression: Progression, rules: Compiled) -> Iterator[Departure]:
    if not includes_local_therapy(rules.protocol, history.arm):
        return
    for treated in local_therapy_of(history, progression):
        verdict, _ = judge_radiotherapy(treated, rules)
        if verdict is None:
            continue
        lesion, form = treated.lesion, treated.filled.state
        if verdict.status != "ALLOWED":
            yield Departure(
                kind="radiotherapy",
                rule="radiotherapy.status",
                date=treated.start,
                detail=Text(
                    f"Lesion {lesion}: {verdict.status}. {verdict.reason.en}",
                    f"病変 {lesion}: {verdict.status}。{verdict.reason.ja}",
                ),
                form=form,
            )
        elif verdict.option is not None:
            query = technique_query(verdict.option, treated.filled.text("technique"))
            if query is not None:
                yield Departure(
                    kind="radiotherapy",
                    rule="radiotherapy.technique",
                    date=treated.start,
                    detail=Text(f"Lesion {lesion}: {query.en}", f"病変 {lesion}: {query.ja}"),
                    form=form,
                )


def _crossover(history: History, progression: Progression, protocol: Protocol) -> Iterator[Departure]:
    day = None if history.randomized is None else crossover_date(history, progression, protocol)
    if day is not None:
        yield Departure(
            kind="crossover",
            rule="crossover.local_therapy",
            date=day,
            detail=Text(
                "Local therapy to an oligometastasis before progression, in an arm without it.",
                "局所療法を行わない群で、増悪前にオリゴ転移へ局所療法を実施。",
            ),
        )


def _windows(history: History, visits: Sequence[Done]) -> Iterator[Departure]:
    """What was done outside its window, and what was not done though its window has closed and nothing excuses it.

    A form of follow-up that is missing is a matter of the data's quality: whether the visit took place is not known.
    """
    for done in visits:
        planned = done.planned
        if planned.deviation_rule is None or done.excused:
            continue
        verdict = window_verdict(planned, done.done, on=history.last_day)
        if verdict not in ("early", "late", "missed") or (verdict == "missed" and done.is_data):
            continue
        window = f"{planned.earliest or '…'} - {planned.latest or '…'}"
        if verdict == "missed":
            said = Text("not done", "未実施")
        else:
            said = Text(f"{verdict}, done {done.done}", f"{'早期' if verdict == 'early' else '遅延'}（{done.done} 実施）")
        yield Departure(
            kind="window",
            rule=planned.deviation_rule,
            date=done.done or planned.latest,
            detail=Text(
                f"{planned.title.en} ({planned.visit}): {said.en}; window {window}.",
                f"{planned.title.ja}（{planned.visit}）: {said.ja}、許容期間 {window}。",
            ),
            form=None if done.filled is None else done.filled.state,
        )


def _readings(history: History, progression: Progression) -> Iterator[Departure]:
    """Recorded responses that the sizes on the same form do not bear out: a check of the records, not of the conduct."""
    for scan, judged in zip(progression.scans, progression.judged, strict=False):
        if scan.overall is not None and scan.overall != judged.overall:
            yield Departure(
                kind="response",
                rule="response.overall",
                date=scan.date,
                detail=Text(
                    f"Recorded as {scan.overall}; the sizes on the form give {judged.overall}.",
                    f"記録は {scan.overall}、記載された大きさからの判定は {judged.overall}。",
                ),
                form=scan.filled.state,
            )


def _reported(history: History, found: Sequence[Departure]) -> Iterator[Departure]:
    """Departures that the study office graded although no rule finds them (any more): they stay on record.

    Unless they show on a form that is dated after the cut. They lie where their form lies; one without a form has no date.
    """
    known = {each.rule for each in found}
    for graded in history.subject.deviations:
        on_form = graded.form is None or history.counts(graded.form, graded.occurrence or 1)
        if graded.rule not in known and on_form:
            known.add(graded.rule)
            day = None if graded.form is None else history.dated.get((graded.form, graded.occurrence or 1))
            yield Departure(kind="reported", rule=graded.rule, date=day, detail=Text(graded.text, graded.text))


def _grade(history: History, departure: Departure) -> str | None:
    """Return the grade last given: one that names a form counts for that form alone."""
    for graded in reversed(history.subject.deviations):
        if graded.rule != departure.rule:
            continue
        if graded.form is None or departure.kind == "reported":
            return graded.grade
        form = departure.form
        if form is not None and (form.form, form.occurrence) == (graded.form, graded.occurrence or 1):
            return graded.grade
    return None
