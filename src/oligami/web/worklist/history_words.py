"""What each record of a subject says, in words: who, when, from where, what, what was, what is, why.

What tells of other subjects or of draws to come (tallies, probabilities, the number of the draw) is left out for whoever may not
see it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from oligami.journal import entries as e
from oligami.journal.record import Record
from oligami.protocol.text import Language, Text
from oligami.trial import rights
from oligami.trial.state import Trial
from oligami.web.casebook.fields import show_value

#: What a record is, by its entry.
KINDS: Final[Mapping[type, Text]] = {
    e.ConsentGiven: Text("Consent", "同意"),
    e.RegistrationRefused: Text("Registration refused", "登録不可"),
    e.Registered: Text("Registered", "登録"),
    e.Randomized: Text("Randomized", "無作為割付"),
    e.AllocationMarkedInError: Text("Allocation marked as made in error", "割付に誤り印"),
    e.FormSubmitted: Text("Form entered", "調査票の入力"),
    e.ItemsCorrected: Text("Items corrected", "項目の訂正"),
    e.QueryRaised: Text("Data query raised", "問合せの発行"),
    e.QueryAnswered: Text("Data query answered", "問合せへの回答"),
    e.QueryClosed: Text("Data query closed", "問合せの終了"),
    e.FormVerified: Text("Form verified", "調査票の照合"),
    e.FormSigned: Text("Form signed", "調査票への署名"),
    e.FormLocked: Text("Form locked", "調査票の固定"),
    e.FormUnlocked: Text("Form unlocked", "調査票の固定解除"),
    e.SafetyReported: Text("Expedited report", "緊急報告"),
    e.DeviationGraded: Text("Deviation graded", "逸脱の判定"),
    e.ConsentWithdrawn: Text("Consent withdrawn", "同意撤回"),
    e.RegistrationAnnulled: Text("Registration annulled", "登録の取消"),
    e.BodyRedacted: Text("Text removed from a record", "記録の墨消し"),
}
_HIDDEN = Text("arm not shown", "群は非表示")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An item with what was and what is, in words."""

    item: str
    label: Text
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A record in words. form, occurrence: of the form it is about. why: the reason its author gave."""

    seq: int
    at: datetime
    author: str
    role: Text
    channel: str
    caller: str
    command: str
    kind: str
    what: Text
    form: str | None
    form_title: Text | None
    occurrence: int | None
    visit: str | None
    detail: Text
    changes: tuple[Change, ...]
    why: str
    is_redacted: bool


def tell(records: Iterable[Record], trial: Trial, *, language: Language, show_arm: bool, show_detail: bool) -> Iterator[Told]:
    """Yield the records of a subject in words, in their order.

    Args:
        records: of one subject.
        trial: whose protocol versions name forms and items.
        language: of the values.
        show_arm: whether the arm is told.
        show_detail: whether the evidence of an allocation is told: tallies, probabilities, the draw.
    """
    queries: dict[str, e.QueryRaised] = {}
    for record in records:
        entry = record.entry
        if entry is None or type(entry) not in KINDS:
            continue
        if isinstance(entry, e.QueryRaised):
            queries[entry.query] = entry
        about: Any = queries.get(entry.query) if isinstance(entry, e.QueryAnswered | e.QueryClosed) else entry
        form = getattr(about, "form", None)
        version = getattr(entry, "protocol_version", "") or trial.protocol.version
        stamp = record.stamp
        role = rights.ROLES.get(stamp.role)
        yield Told(
            seq=record.seq,
            at=stamp.recorded_at,
            author=stamp.author,
            role=role.title if role is not None else Text(stamp.role, stamp.role),
            channel=stamp.channel,
            caller=stamp.caller or "",
            command=stamp.command,
            kind=type(entry).__name__,
            what=KINDS[type(entry)],
            form=form,
            form_title=_form_title(trial, version, form),
            occurrence=getattr(about, "occurrence", None),
            visit=getattr(entry, "visit", None),
            detail=_detail(entry, trial, show_arm=show_arm, show_detail=show_detail),
            changes=tuple(_changes(entry, trial, version, language)),
            why=_why(entry),
            is_redacted=record.salt is None,
        )


def _form_title(trial: Trial, version: str, form: str | None) -> Text | None:
    if form is None:
        return None
    compiled = trial.rules_of(version).forms.get(form)
    return Text(form, form) if compiled is None else compiled.form.title


def _changes(entry: e.Entry, trial: Trial, version: str, language: Language) -> Iterator[Change]:
    form: str
    old: e.Values
    new: e.Values
    match entry:
        case e.FormSubmitted():
            form, old, new = entry.form, {}, entry.values
        case e.ItemsCorrected():
            form, old, new = entry.form, entry.old, entry.new
        case e.RegistrationRefused():
            stage = trial.rules_of(version).stages.get(entry.stage)
            form, old, new = "" if stage is None else stage.stage.form, {}, entry.values
        case _:
            return
    compiled = trial.rules_of(version).forms.get(form)
    items = {} if compiled is None else {item.id: item for item in compiled.form.item}
    for name in [*(name for name in items if name in new), *(name for name in new if name not in items)]:
        item = items.get(name)
        was, now = (
            ("" if value is None else str(value))
            if item is None or compiled is None
            else show_value(compiled, name, item, value, language)
            for value in (old.get(name), new.get(name))
        )
        yield Change(item=name, label=Text(name, name) if item is None else item.label, old=was, new=now)


def _why(entry: e.Entry) -> str:
    match entry:
        case e.FormSubmitted():
            return "; ".join(str(warning.get("reason", "")) for warning in entry.warnings)
        case e.QueryRaised() | e.QueryAnswered() | e.QueryClosed() | e.DeviationGraded():
            return entry.text
        case e.FormSigned():
            return entry.meaning
    return str(getattr(entry, "reason", ""))


def _detail(entry: e.Entry, trial: Trial, *, show_arm: bool, show_detail: bool) -> Text:
    """Return what a record says beyond items: dates, scopes, the arm."""
    match entry:
        case e.ConsentGiven():
            return Text(f"document {entry.document}, {entry.consent_date}", f"説明文書 {entry.document}、{entry.consent_date}")
        case e.RegistrationRefused():
            reasons = ", ".join((*entry.not_met, *entry.unknown))
            title = _stage(trial, entry.stage)
            return Text(f"{title.en}: {entry.verdict} ({reasons})", f"{title.ja}：{entry.verdict}（{reasons}）")
        case e.Registered():
            title = _stage(trial, entry.stage)
            return Text(f"{title.en}, {entry.registration_date}", f"{title.ja}、{entry.registration_date}")
        case e.Randomized():
            return _allocation(entry, trial, show_arm=show_arm, show_detail=show_detail)
        case e.AllocationMarkedInError():
            return Text(f"draw {entry.k}", f"割付番号 {entry.k}") if show_detail else Text("", "")
        case e.QueryRaised() | e.QueryAnswered() | e.QueryClosed():
            return Text(entry.query, entry.query)
        case e.SafetyReported():
            told = f"{entry.report}, {entry.category}, {entry.aware_date}"
            return Text(told, told)
        case e.DeviationGraded():
            told = f"{entry.rule}: {entry.grade}"
            return Text(told, told)
        case e.ConsentWithdrawn():
            told = f"{entry.scope}, {entry.withdrawal_date}"
            return Text(told, told)
        case e.RegistrationAnnulled():
            return _stage(trial, entry.stage)
        case e.BodyRedacted():
            return Text(f"record {entry.record}", f"記録 {entry.record}")
    return Text("", "")


def _allocation(entry: e.Randomized, trial: Trial, *, show_arm: bool, show_detail: bool) -> Text:
    if not show_arm:
        return _HIDDEN
    arm = next((arm.short_title for arm in trial.protocol.trial.arm if arm.id == entry.arm), Text("", ""))
    told = Text(f"{entry.arm}: {arm.en}, {entry.randomization_date}", f"{entry.arm}：{arm.ja}、{entry.randomization_date}")
    if not show_detail:
        return told
    evidence = json.dumps(
        {
            "k": entry.k,
            "u": entry.u,
            "factors": dict(entry.factors),
            "tally": entry.tally,
            "probability": dict(entry.probability),
        },
        ensure_ascii=False,
        default=dict,
    )
    return Text(f"{told.en} {evidence}", f"{told.ja} {evidence}")


def _stage(trial: Trial, stage: str) -> Text:
    return next((known.title for known in trial.protocol.eligibility.stage if known.id == stage), Text(stage, stage))
