"""What the steps of a registration share: the sheet as it was typed, what is wrong with it, and how the desk is asked.

A sheet is read anew from every request; nothing is kept between two pages but what their hidden fields and the draft hold.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from oligami.journal import entries as e
from oligami.journal.record import Record
from oligami.protocol.compile import Compiled, CompiledForm
from oligami.protocol.model.eligibility import Stage
from oligami.protocol.text import Language, Reason, Text
from oligami.trial.commands import Register
from oligami.trial.decide import shown_digest
from oligami.trial.desk import Receipt
from oligami.trial.forms import Examined, ItemProblem, examine
from oligami.trial.refused import Refused
from oligami.trial.registration import answer_warnings, casebook_of
from oligami.trial.state import Subject
from oligami.web.casebook.drafts import DraftKey
from oligami.web.casebook.entry import WHY, Question, reasons_in
from oligami.web.casebook.reading import Posted, examine_posted, name_of, read_post
from oligami.web.casebook.signing import MEANING
from oligami.web.pages.here import Here
from oligami.web.registration.verdict import Shown, show_verdict

#: Names of fields that are no items; an item's never begins with the sign.
INITIALS, CHART, CALLER, SITE = "_initials", "_chart_number", "_caller", "_site"
#: What a sheet holds beside the items of its form.
BESIDE: Final = (INITIALS, CHART, CALLER, SITE)
_LONGEST: Final[Mapping[str, int]] = {INITIALS: 20, CHART: 40, CALLER: 100}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A registration as it was typed.

    beside: initials, chart number, caller, site. reasons: given for soft checks, by rule.
    examined: with every required item asked for; shown: the verdict on what can be judged so far.
    faults: what is wrong beside the form's items, by name of the field. unanswered: soft checks without a reason.
    """

    stage: Stage
    rules: Compiled
    form: CompiledForm
    site: str
    subject: Subject | None
    beside: Mapping[str, str]
    reasons: Mapping[str, str]
    posted: Posted
    examined: Examined
    shown: Shown
    faults: Mapping[str, Text]
    unanswered: tuple[Reason, ...]

    @property
    def is_complete(self) -> bool:
        """Whether it can be put to the desk."""
        return not (self.examined.errors or self.faults or self.unanswered)

    @property
    def kept(self) -> dict[str, str]:
        """All that was typed, by name of the field: for hidden fields and the draft."""
        reasons = {f"{WHY}{rule}": text for rule, text in self.reasons.items()}
        return {**self.posted.raw, **{name: text for name, text in self.beside.items() if text}, **reasons}

    @property
    def key(self) -> DraftKey:
        """The key of its draft."""
        return DraftKey(form=self.stage.form, subject="" if self.subject is None else self.subject.id)

    def command(self, version: str) -> Register:
        """Return what is asked of the desk; `version` is the protocol's version that the page was made under."""
        return Register(
            stage=self.stage.id,
            site=self.site,
            subject=None if self.subject is None else self.subject.id,
            values=self.posted.values,
            reasons=self.reasons,
            version=version or None,
        )


def rules_here(here: Here, site: str) -> Compiled:
    """Return the protocol that rules a site today."""
    return here.trial.rules_for(site, here.trial.day_of(here.now))


def first_stage(rules: Compiled) -> Stage:
    """Return the stage at which subjects enter the trial."""
    return next(stage for stage in rules.protocol.eligibility.stage if stage.follows is None)


def is_for_caller(here: Here, act: str, site: str) -> bool:
    """Say whether the person may register at a site only on behalf of a caller there."""
    return here.permit(act, site).on_behalf


def read_sheet(
    here: Here,
    stage: Stage,
    post: Mapping[str, str],
    *,
    site: str,
    subject: Subject | None = None,
    with_identity: bool = False,
    with_caller: bool = False,
) -> Sheet:
    """Read what was typed and judge it as far as it goes.

    Args:
        here: the request.
        stage: the registration.
        post: texts by name.
        site: where.
        subject: the subject, for a later registration.
        with_identity: whether initials and chart number are asked.
        with_caller: whether the caller is asked.
    """
    rules = rules_here(here, site)
    form = rules.forms[stage.form]
    casebook = casebook_of(subject, rules)
    posted = read_post(form, post, language=here.language)
    examined = examine_posted(form, posted, casebook=casebook)
    # What lacks is no error of the verdict: the criterion that needs it is unknown.
    so_far = examine(form, posted.values, casebook=casebook, strict_required=False)
    reasons = reasons_in(post)
    _, unanswered = answer_warnings(examined.warnings, reasons)
    beside = {name: " ".join(post.get(name, "").split()) for name in BESIDE}
    beside[SITE] = site
    asked = [*([INITIALS, CHART] if with_identity else []), *([CALLER] if with_caller else [])]
    return Sheet(
        stage=stage,
        rules=rules,
        form=form,
        site=site,
        subject=subject,
        beside=beside,
        reasons=reasons,
        posted=posted,
        examined=examined,
        shown=show_verdict(rules, stage.id, so_far.values),
        faults={name: fault for name in asked if (fault := _fault(name, beside[name])) is not None},
        unanswered=tuple(unanswered),
    )


_MISSING: Final[Mapping[str, Text]] = {
    INITIALS: Text(
        "Initials: nothing was entered. Enter the subject's initials.",
        "イニシャル：未入力です。患者のイニシャルを入力してください。",
    ),
    CHART: Text(
        "Chart number: nothing was entered. Enter the hospital's number.",
        "カルテ番号：未入力です。施設の番号を入力してください。",
    ),
    CALLER: Text(
        "Caller: nothing was entered. Say on whose behalf you register, by role and site.",
        "連絡者：未入力です。誰の依頼による登録か、役割と施設で記入してください。",
    ),
}


def _fault(name: str, text: str) -> Text | None:
    if not text:
        return _MISSING[name]
    if len(text) > _LONGEST[name] or not text.isprintable():
        most = _LONGEST[name]
        return Text(
            f"Found a text that cannot be kept; expected at most {most} plain characters. Shorten it.",
            f"保存できない文字列です。通常の文字で {most} 文字以内にしてください。",
        )
    return None


def questions_of(sheet: Sheet, language: Language) -> tuple[Question, ...]:
    """Return the soft checks that fired, each with the reason that was given."""
    sentences: dict[str, list[str]] = {}
    for warning in sheet.examined.warnings:
        sentences.setdefault(warning.rule, []).append(warning.text[language])
    return tuple(
        Question(rule=rule, sentences=tuple(said), reason=sheet.reasons.get(rule, "")) for rule, said in sentences.items()
    )


def faults_of(sheet: Sheet, language: Language) -> list[tuple[str, str]]:
    """Return what is wrong beside the form's items, each sentence with the id of its input."""
    wrong = [(f"f{name}", fault[language]) for name, fault in sheet.faults.items()]
    return wrong + [(f"{WHY}{reason.rule}", reason.text[language]) for reason in sheet.unanswered]


def problems_of(sheet: Sheet, *, strictly: bool) -> tuple[ItemProblem, ...]:
    """Return what is wrong with the items; unless `strictly`, not that something has not been typed yet."""
    if strictly:
        return sheet.examined.errors
    return tuple(problem for problem in sheet.examined.errors if name_of(problem.item) in sheet.posted.raw)


def birth_date_of(form: CompiledForm, posted: Posted) -> date | None:
    """Return the birth date as typed, from the form's item that names a person by a date."""
    item = next((item for item in form.form.item if item.identity and item.type == "date"), None)
    value = None if item is None else posted.values.get(item.id)
    return date.fromisoformat(value) if isinstance(value, str) and (item is None or value != item.never) else None


# ---------------------------------------------------------------- what a command came to


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the records of a command say: who was registered, or what was refused; `values` are those that were recorded."""

    subject: str | None
    refused: e.RegistrationRefused | None
    values: Mapping[str, Any]


def outcome_of(records: tuple[Record, ...], stage: Stage, *, person: str, site: str) -> Outcome | None:
    """Return what a known command came to; None if it was no registration of this person's at this stage and site."""
    if not records or records[0].stamp.author != person:
        return None
    said = [record.entry for record in records]
    for entry in said:
        match entry:
            case e.Registered(stage=stage.id, site=at) if at == site:
                form = next(each for each in said if isinstance(each, e.FormSubmitted))
                return Outcome(subject=entry.subject, refused=None, values=form.values)
            case e.RegistrationRefused(stage=stage.id, site=at) if at == site:
                return Outcome(subject=None, refused=entry, values=entry.values)
            case _:
                pass
    return None


def sign_form(here: Here, subject: str, sheet: Sheet, command: str) -> Receipt | None:
    """Sign the form of a registration just made, where its author may sign it: he has just shown who he is, and what he saw.

    Returns:
        None where the form asks for no signature or another has to sign it; the registration stands in any case.
    """
    if not sheet.form.form.sign or not here.permit("sign_form", sheet.site):
        return None
    signature = e.FormSigned(
        subject=subject,
        form=sheet.form.form.id,
        occurrence=1,
        meaning=f"{MEANING.ja} / {MEANING.en}",
        shown=shown_digest(sheet.examined.values),
    )
    # The same act again signs once.
    again = hashlib.sha256(f"{command}|sign".encode()).hexdigest()[:32]
    try:
        return here.submit(signature, command_id=again, seen=here.trial.head.seq)
    except Refused:
        return None
