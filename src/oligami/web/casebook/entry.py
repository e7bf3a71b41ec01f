"""One sending of a form: what the page carried besides the items, and what the page shows when it comes back.

Filling and correcting share all of this; what differs stands in their own modules.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.utils.datastructures import MultiValueDict

from oligami.journal.record import Channel
from oligami.protocol.compile import Compiled, CompiledForm
from oligami.protocol.text import Reason, Text
from oligami.trial.forms import Examined, ItemProblem
from oligami.trial.refused import Refused
from oligami.trial.registration import casebook_of
from oligami.trial.state import Subject
from oligami.web.casebook.advice import Advice, advise
from oligami.web.casebook.drafts import DraftKey
from oligami.web.casebook.fields import FormView, form_fields
from oligami.web.casebook.models import Draft
from oligami.web.casebook.reading import Posted, examine_posted, name_of, read_post
from oligami.web.pages.here import Here

#: Begins the name of the field for the reason that a soft check asks for; its rule follows.
WHY: Final = "_why-"
#: The box that says that the form is copied from paper.
PAPER: Final = "_paper"
#: Rules of therapy and prescription that take a reason, as soft checks do.
ANSWERABLE: Final = frozenset(("therapy.status", "radiotherapy.status"))
_YOUR_REASON = Text("Reason for the check {rule}", "確認項目 {rule} の理由")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A soft check that fired and asks for a reason."""

    rule: str
    sentences: tuple[str, ...]
    reason: str

    @property
    def name(self) -> str:
        """The name of the field for the reason."""
        return WHY + self.rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a page needs to show a form that is being filled.

    rules, compiled: the version by which it is filled. key: of its draft. posted, examined: what was typed.
    """

    here: Here
    subject: Subject
    rules: Compiled
    compiled: CompiledForm
    key: DraftKey
    posted: Posted
    examined: Examined

    @property
    def casebook(self) -> Mapping[str, Any]:
        """The items of other forms."""
        return casebook_of(self.subject, self.rules)


def read_sheet(
    here: Here, subject: Subject, rules: Compiled, compiled: CompiledForm, key: DraftKey, raw: Mapping[str, str]
) -> Sheet:
    """Read what was typed, from a browser or from a draft, and examine it."""
    posted = read_post(compiled, raw, language=here.language)
    examined = examine_posted(compiled, posted, casebook=casebook_of(subject, rules))
    return Sheet(here=here, subject=subject, rules=rules, compiled=compiled, key=key, posted=posted, examined=examined)


def form_of(rules: Compiled, form_id: str) -> CompiledForm:
    """Return a form of the protocol.

    Raises:
        Http404: it has no such form.
    """
    compiled = rules.forms.get(form_id)
    if compiled is None:
        raise Http404
    return compiled


def reasons_in(post: Mapping[str, str]) -> dict[str, str]:
    """Return the reasons given for soft checks, by rule."""
    return {name.removeprefix(WHY): post[name].strip() for name in post if name.startswith(WHY) and post[name].strip()}


def kept_texts(posted: Posted, post: Mapping[str, str]) -> dict[str, str]:
    """Return what a draft keeps: the texts of the form's fields, the reasons, that of a correction, and whether it is a copy."""
    extra = {name: post[name] for name in post if name.startswith(WHY) or name in ("_reason", PAPER)}
    return {**posted.raw, **extra}


def last_texts(post: Any) -> dict[str, str]:
    """Return what a browser sent as texts by name; of a name given twice the last counts.

    The character 0 is no part of any text, and PostgreSQL stores none that holds it.
    """
    assert isinstance(post, MultiValueDict)
    return {name.replace("\0", ""): str(post.get(name) or "").replace("\0", "") for name in post}


def channel_of(post: Mapping[str, str]) -> Channel:
    """Return the way by which the values came: typed as they arose or from the chart (`web`), or copied from the paper form."""
    return "paper" if PAPER in post else "web"


def is_command(word: str) -> bool:
    """Say whether a text is a command id."""
    return len(word) == 32 and not set(word) - set("0123456789abcdef")


def number_in(post: Mapping[str, str], name: str) -> int | None:
    """Return a whole number that the page carried; None if there is none."""
    word = post.get(name, "")
    return int(word) if word.isascii() and word.isdigit() and len(word) < 16 else None


def questions(sheet: Sheet, refused: Iterable[Reason], given: Mapping[str, str]) -> tuple[Question, ...]:
    """Return all that asks for a reason: the soft checks that fired, what the desk asked, and what was answered before."""
    sentences: dict[str, list[str]] = {}
    language = sheet.here.language
    for warning in sheet.examined.warnings:
        sentences.setdefault(warning.rule, []).append(warning.text[language])
    for reason in refused:
        said = sentences.setdefault(reason.rule, [])
        if reason.text[language] not in said:
            said.append(reason.text[language])
    for rule in given:
        # What was written is not lost because another error comes first.
        sentences.setdefault(rule, [_YOUR_REASON.format(rule=rule)[language]])
    return tuple(Question(rule=rule, sentences=tuple(said), reason=given.get(rule, "")) for rule, said in sentences.items())


def split_refusal(sheet: Sheet, refused: Refused) -> tuple[list[Reason], list[Reason]]:
    """Return the reasons of a refusal in two: those that a written reason answers, and the others."""
    soft = {warning.rule for warning in sheet.examined.warnings} | ANSWERABLE
    asked = [reason for reason in refused.reasons if reason.rule in soft]
    return asked, [reason for reason in refused.reasons if reason.rule not in soft]


def as_problems(compiled: CompiledForm, reasons: Iterable[Reason]) -> tuple[ItemProblem, ...]:
    """Return reasons of a refusal as problems of the form, each at its item where its rule names one."""
    items = {f"forms.{compiled.form.id}.{item.id}": item.id for item in compiled.form.item}
    items |= {f"forms.{compiled.form.id}.{check.id}": check.item or "" for check, _ in compiled.checks}
    return tuple(ItemProblem(item=items.get(reason.rule, ""), text=reason.text, rule=reason.rule) for reason in reasons)


def show(
    sheet: Sheet,
    *,
    problems: Iterable[ItemProblem] = (),
    blank_rows: Mapping[str, int] | None = None,
    warnings: Iterable[ItemProblem] = (),
) -> tuple[FormView, Advice]:
    """Return the form as a page shows it, and the advice beside it."""
    advice = advise(sheet.rules, sheet.compiled.form, sheet.subject, sheet.examined.values, now=sheet.here.now)
    view = form_fields(
        sheet.compiled,
        sheet.posted.raw,
        language=sheet.here.language,
        problems=problems,
        warnings=warnings,
        casebook=sheet.casebook,
        blank_rows=sheet.posted.blank_rows if blank_rows is None else blank_rows,
        hints=advice.hints,
    )
    return view, advice


def page_context(sheet: Sheet, draft: Draft, **more: Any) -> dict[str, Any]:
    """Return what the page of a form being filled is rendered with."""
    return {
        "subject": sheet.subject,
        "form": sheet.compiled.form,
        "version": sheet.rules.protocol.version,
        "draft": draft,
        "draft_key": sheet.key,
        "from_paper": PAPER in (sheet.here.request.POST if sheet.here.request.method == "POST" else draft.raw),
        "draft_name": "/".join(
            (
                sheet.here.trial_id,
                sheet.here.person,
                sheet.key.subject,
                sheet.key.form,
                str(sheet.key.occurrence),
                sheet.key.visit,
            )
        ),
        **more,
    }


def is_fragment(here: Here) -> bool:
    """Say whether the page's own script asks for the form alone."""
    return here.request.headers.get("X-Fragment") == "form"


def render_fragment(sheet: Sheet, view: FormView, advice: Advice) -> HttpResponse:
    """Return the form and its advice without the page around them."""
    return sheet.here.render("casebook/fragment.html", {"view": view, "advice": advice})


def blank_rows_after(posted: Posted, added: str) -> dict[str, int]:
    """Return how many empty rows each list shows: one at least, and one more where a row was asked for."""
    return {item: min(max(blank, 1) + (item == added and blank > 0), 50) for item, blank in posted.blank_rows.items()}


def live_problems(sheet: Sheet) -> tuple[ItemProblem, ...]:
    """Return what is wrong with what was typed so far; what is not yet typed is no fault while the form is being filled."""
    typed = set(sheet.posted.raw)
    return tuple(
        problem
        for problem in sheet.examined.errors
        if any(name == problem.item or name.split("-")[0] == problem.item.split("[")[0] for name in typed)
        and not _is_missing(sheet, problem)
    )


def _is_missing(sheet: Sheet, problem: ItemProblem) -> bool:
    """Say whether a problem is only that a field of a row is still empty."""
    return name_of(problem.item) not in sheet.posted.raw and "[" in problem.item
