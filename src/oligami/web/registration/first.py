"""The first registration: a page to fill in with the verdict beside it, a page to check and sign; then the confirmation."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from oligami.journal.entries import SiteId
from oligami.protocol.text import Reason
from oligami.trial.registration import obstacles
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
    CHART,
    INITIALS,
    SITE,
    Sheet,
    faults_of,
    first_stage,
    is_for_caller,
    problems_of,
    questions_of,
    read_sheet,
    rules_here,
)

ACT = "register_first"


@page(ACT)
def register(request: HttpRequest, here: Here) -> HttpResponse:
    """Show the form with the verdict, check what was typed, register it."""
    if request.method != "POST":
        return _begin(here)
    post = last_texts(request.POST)
    sheet = _posted(here, post)
    if is_fragment(here):
        return here.render("casebook/fragment.html", {"view": _view(here, sheet, post), "advice": Advice()})
    act = post.get("_act", "")
    if "_add_row" in post or act not in ("review", "register"):
        return _fill(here, sheet, post, reasons=_obstacles(here, sheet))
    if act == "review" and (against := _obstacles(here, sheet)):
        return _fill(here, sheet, post, reasons=against, status=409)
    if not sheet.is_complete:
        return _fill(here, sheet, post, strictly=True, status=422)
    if act == "review":
        return _review(here, sheet, post)
    # What stands against it the desk says: a second sending must meet its own registration, not what followed from it.
    for_caller, with_identity = is_for_caller(here, ACT, sheet.site), _with_identity(here, sheet.site)
    answer = ask(here, sheet, post, for_caller=for_caller, with_identity=with_identity)
    if answer.to is not None:
        return answer.to
    post = {**post, "_command": answer.command}
    if answer.unconfirmed:
        return _review(here, sheet, post, status=status_of(answer))
    return _fill(here, sheet, post, reasons=answer.reasons, refused=answer.refused, status=status_of(answer))


@require_POST
@page(ACT)
def register_verdict(request: HttpRequest, here: Here) -> HttpResponse:
    """Judge what was typed so far: for the panel beside the form."""
    return here.render("registration/panel.html", {"shown": _posted(here, last_texts(request.POST)).shown, "live": True})


@require_POST
@page(ACT)
def register_draft(request: HttpRequest, here: Here) -> HttpResponse:
    """Keep what was typed so far."""
    post = last_texts(request.POST)
    return answer_draft(here, _posted(here, post), post)


# ---------------------------------------------------------------- the site


def sites_here(here: Here) -> list[tuple[SiteId, str]]:
    """Return the sites at which the person may register; of a person bound to sites the closed ones too: they say why not."""
    allowed = here.sites(ACT)
    known = sorted(here.trial.study.sites.values(), key=lambda site: site.site)
    if allowed is None:
        return [(site.site, site.name) for site in known if site.closed_at is None]
    return [(site.site, site.name) for site in known if site.site in allowed]


def _site_of(sites: list[tuple[SiteId, str]], asked: str) -> SiteId:
    """Return the site asked for, or the only one.

    Raises:
        Http404: there is no such site, or it is another's.
    """
    known = [site for site, _ in sites]
    if not asked and len(known) == 1:
        return known[0]
    if asked not in known:
        raise Http404
    return asked


def _with_identity(here: Here, site: SiteId) -> bool:
    return bool(here.permit("see_identity", site))


def _obstacles(here: Here, sheet: Sheet) -> list[Reason]:
    return obstacles(here.trial, sheet.stage, sheet.site, here.trial.day_of(here.now))


def _posted(here: Here, post: Mapping[str, str]) -> Sheet:
    return _sheet(here, post, _site_of(sites_here(here), post.get(SITE, "")))


def _sheet(here: Here, post: Mapping[str, str], site: SiteId) -> Sheet:
    return read_sheet(
        here,
        first_stage(rules_here(here, site)),
        post,
        site=site,
        with_identity=_with_identity(here, site),
        with_caller=is_for_caller(here, ACT, site),
    )


# ---------------------------------------------------------------- pages


def _begin(here: Here) -> HttpResponse:
    """Show the draft, or a blank form; before it, where several sites may be meant, the question which."""
    sites = sites_here(here)
    draft = drafts.find(here, DraftKey(form=first_stage(here.trial.rules).form))
    asked = here.request.GET.get("site", draft.raw.get(SITE, "") if draft is not None else "")
    if not asked and len(sites) != 1:
        return here.render("registration/sites.html", {"sites": sites})
    site = _site_of(sites, asked)
    rules = rules_here(here, site)
    stage = first_stage(rules)
    draft = drafts.begin(here, DraftKey(form=stage.form), site=site, version=rules.protocol.version)
    form = rules.forms[stage.form]
    today = {form.form.key("registration_date"): here.trial.day_of(here.now).isoformat()}
    sheet = _sheet(here, dict(draft.raw) or raw_of(form, today), site)
    post = {"_command": draft.command, **draft.raw}
    against = _obstacles(here, sheet)
    # Before anything was typed a reason closes the page; afterwards what was typed stays to be seen.
    return _fill(here, sheet, post, reasons=against, closed=bool(against))


def _context(here: Here, sheet: Sheet, post: Mapping[str, str], **more: Any) -> dict[str, Any]:
    draft = more["draft"]
    command = post.get("_command", "")
    return {
        "sheet": sheet,
        "stage": sheet.stage,
        "shown": sheet.shown,
        "site_name": here.trial.study.sites[sheet.site].name,
        "many_sites": len(sites_here(here)) > 1,
        "command": command if is_command(command) else draft.command,
        "version": sheet.rules.protocol.version,
        "draft_name": "/".join((here.trial_id, here.person, "", sheet.stage.form, "0", "")),
        "with_identity": _with_identity(here, sheet.site),
        "with_caller": is_for_caller(here, ACT, sheet.site),
        "initials": sheet.beside[INITIALS],
        "chart_number": sheet.beside[CHART],
        "caller": sheet.beside[CALLER],
        **more,
    }


def _view(here: Here, sheet: Sheet, post: Mapping[str, str], *, strictly: bool = False, reasons: Iterable[Reason] = ()) -> Any:
    # Reasons that no item of the form is the cause of stand in the summary above it.
    at_items = [problem for problem in as_problems(sheet.form, reasons) if problem.item]
    return form_fields(
        sheet.form,
        sheet.posted.raw,
        language=here.language,
        problems=[*problems_of(sheet, strictly=strictly), *at_items],
        warnings=sheet.examined.warnings,
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
    """Show the form with what was typed, the verdict, and all that is wrong."""
    reasons = tuple(reasons)
    if here.request.method == "POST":
        draft = keep(here, sheet, post)
    else:
        draft = drafts.begin(here, sheet.key, site=sheet.site, version=sheet.rules.protocol.version)
    context = _context(
        here,
        sheet,
        post,
        draft=draft,
        view=_view(here, sheet, post, strictly=strictly, reasons=reasons),
        faults=faults_of(sheet, here.language) if strictly else [],
        questions=questions_of(sheet, here.language),
        needs_reasons=strictly,
        closed=closed,
        reasons=reasons,
        refused=refused,
    )
    return here.render("registration/register.html", context, status=status)


def _review(here: Here, sheet: Sheet, post: Mapping[str, str], *, status: int = 200) -> HttpResponse:
    """Show all answers and the verdict, to be signed."""
    draft = keep(here, sheet, post)
    view = form_fields(sheet.form, sheet.posted.raw, language=here.language, read_only=True)
    context = _context(here, sheet, post, draft=draft, view=view, kept=sheet.kept)
    return here.render("registration/review.html", context, status=status)
