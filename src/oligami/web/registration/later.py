"""A later registration: what the casebook says is filled in for the investigator to confirm; verdict and signature on one page."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from oligami.protocol.model.eligibility import Stage
from oligami.protocol.text import Reason
from oligami.trial.registration import casebook_of, obstacles
from oligami.trial.state import Subject
from oligami.web.casebook import drafts
from oligami.web.casebook.advice import Advice
from oligami.web.casebook.drafts import DraftKey
from oligami.web.casebook.entry import as_problems, blank_rows_after, is_command, is_fragment, last_texts
from oligami.web.casebook.fields import form_fields
from oligami.web.casebook.reading import raw_of
from oligami.web.pages.here import Here, page
from oligami.web.registration.asking import ask, status_of
from oligami.web.registration.keeping import answer_draft, keep
from oligami.web.registration.steps import (
    CALLER,
    Sheet,
    faults_of,
    is_for_caller,
    problems_of,
    questions_of,
    read_sheet,
    rules_here,
)
from oligami.web.registration.suggest import suggest

ACT = "register_next"


@page("see_subject")
def register_next(request: HttpRequest, here: Here, subject: str, stage: str) -> HttpResponse:
    """Show the few items with what the casebook says of them, and the verdict; register on signature."""
    known = here.subject(subject, act=ACT)
    asked = _stage(here, known, stage)
    if request.method != "POST":
        # A registration that was made has its page.
        if asked.id in known.stages:
            return HttpResponseRedirect(reverse("confirmation", args=[here.trial_id, known.id, asked.id]))
        return _begin(here, known, asked)
    post = last_texts(request.POST)
    sheet = _sheet(here, known, asked, post)
    if is_fragment(here):
        return here.render("casebook/fragment.html", {"view": _view(here, sheet, post), "advice": Advice()})
    if "_add_row" in post or post.get("_act") != "register":
        return _fill(here, sheet, post)
    if not sheet.is_complete:
        return _fill(here, sheet, post, strictly=True, status=422)
    # What stands against it the desk says: a second sending must meet its own registration, not what followed from it.
    answer = ask(here, sheet, post, for_caller=is_for_caller(here, ACT, known.site), with_identity=False)
    if answer.to is not None:
        return answer.to
    post = {**post, "_command": answer.command}
    return _fill(here, sheet, post, reasons=answer.reasons, refused=answer.refused, status=status_of(answer))


@require_POST
@page("see_subject")
def register_next_verdict(request: HttpRequest, here: Here, subject: str, stage: str) -> HttpResponse:
    """Judge what stands in the form: for the panel beside it."""
    sheet, _ = _posted(here, subject, stage)
    return here.render("registration/panel.html", {"shown": sheet.shown, "live": True})


@require_POST
@page("see_subject")
def register_next_draft(request: HttpRequest, here: Here, subject: str, stage: str) -> HttpResponse:
    """Keep what was typed so far."""
    return answer_draft(here, *_posted(here, subject, stage))


def _posted(here: Here, subject: str, stage: str) -> tuple[Sheet, Mapping[str, str]]:
    known = here.subject(subject, act=ACT)
    post = last_texts(here.request.POST)
    return _sheet(here, known, _stage(here, known, stage), post), post


def _stage(here: Here, subject: Subject, stage_id: str) -> Stage:
    """Return a later stage of the protocol that rules the subject's site.

    Raises:
        Http404: there is none of that id.
    """
    stages = rules_here(here, subject.site).protocol.eligibility.stage
    found = next((stage for stage in stages if stage.id == stage_id and stage.follows is not None), None)
    if found is None:
        raise Http404
    return found


def _sheet(here: Here, subject: Subject, stage: Stage, post: Mapping[str, str]) -> Sheet:
    for_caller = is_for_caller(here, ACT, subject.site)
    return read_sheet(here, stage, post, site=subject.site, subject=subject, with_caller=for_caller)


def _begin(here: Here, subject: Subject, stage: Stage) -> HttpResponse:
    rules = rules_here(here, subject.site)
    today = here.trial.day_of(here.now)
    key = DraftKey(form=stage.form, subject=subject.id)
    draft = drafts.begin(here, key, site=subject.site, seen=here.trial.head.seq, version=rules.protocol.version)
    # What was typed goes before what is suggested.
    raw = dict(draft.raw) or raw_of(rules.forms[stage.form], suggest(rules, subject, stage, today=today).values)
    sheet = _sheet(here, subject, stage, raw)
    against = obstacles(here.trial, stage, subject.site, today, subject=subject)
    return _fill(here, sheet, {"_command": draft.command}, reasons=against, closed=bool(against))


def _view(here: Here, sheet: Sheet, post: Mapping[str, str], *, strictly: bool = False, reasons: Iterable[Reason] = ()) -> Any:
    at_items = [problem for problem in as_problems(sheet.form, reasons) if problem.item]
    return form_fields(
        sheet.form,
        sheet.posted.raw,
        language=here.language,
        problems=[*problems_of(sheet, strictly=strictly), *at_items],
        warnings=sheet.examined.warnings,
        casebook=casebook_of(sheet.subject, sheet.rules),
        blank_rows=blank_rows_after(sheet.posted, post.get("_add_row", "")),
    )


def _fill(
    here: Here,
    sheet: Sheet,
    post: Mapping[str, str],
    *,
    reasons: Iterable[Reason] = (),
    strictly: bool = False,
    refused: bool = False,
    closed: bool = False,
    status: int = 200,
) -> HttpResponse:
    subject = sheet.subject
    assert subject is not None  # a later registration is of somebody
    reasons = tuple(reasons)
    if here.request.method == "POST":
        draft = keep(here, sheet, post)
    else:
        draft = drafts.begin(here, sheet.key, site=sheet.site, version=sheet.rules.protocol.version)
    suggested = suggest(sheet.rules, subject, sheet.stage, today=here.trial.day_of(here.now))
    command = post.get("_command", "")
    context = {
        "subject": subject,
        "sheet": sheet,
        "stage": sheet.stage,
        "shown": sheet.shown,
        "view": _view(here, sheet, post, strictly=strictly, reasons=reasons),
        "draft": draft,
        "draft_name": "/".join((here.trial_id, here.person, subject.id, sheet.stage.form, "0", "")),
        "command": command if is_command(command) else draft.command,
        "version": sheet.rules.protocol.version,
        # What is on this page is what its author sees, also when it comes back because somebody else said something new.
        "seen": here.trial.head.seq,
        "faults": faults_of(sheet, here.language) if strictly else [],
        "questions": questions_of(sheet, here.language),
        "needs_reasons": strictly,
        "missing": suggested.missing,
        "sources": [(item.label, suggested.sources[item.id]) for item in sheet.form.form.item if item.id in suggested.sources],
        "closed": closed,
        "reasons": reasons,
        "refused": refused,
        "with_caller": is_for_caller(here, ACT, subject.site),
        "caller": sheet.beside[CALLER],
        "signs": sheet.form.form.sign and bool(here.permit("sign_form", subject.site)),
    }
    return here.render("registration/register_next.html", context, status=status)
