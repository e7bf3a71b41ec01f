"""The sites: how each stands, and what the data centre does with them: open, close, pause and resume accrual."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

from oligami.journal import entries as e
from oligami.protocol.text import Reason, Text
from oligami.trial import rights
from oligami.trial.refused import Refused
from oligami.web.centre.checks import check
from oligami.web.centre.late import SiteLine, site_lines
from oligami.web.centre.tables import table_answer
from oligami.web.pages.here import Here, new_command, page

_COLUMNS = (
    *("site", "name", "fictitious", "opened", "closed", "subjects", "randomized", "last_registration", "open_queries"),
    *("median_query_age_days", "overdue", "median_days_from_target_to_submission", "forms", "corrections_per_form"),
)
#: What each act does, as its page says before it is done.
ACTS: dict[str, Text] = {
    "open_site": Text(
        "The site may register subjects from now on. It goes on the public record unless it is fictitious.",
        "この施設は以後登録できるようになります。模擬施設でなければ公開情報に載ります。",
    ),
    "close_site": Text(
        "The site registers no further subjects; its people go on with those it has. Closing cannot be undone.",
        "この施設は新たに登録できなくなります。登録済みの症例の入力は続けられます。取り消しはできません。",
    ),
    "pause_accrual": Text(
        "No site can register at this stage until accrual is resumed.", "再開するまで、全施設でこの段階の登録ができなくなります。"
    ),
    "resume_accrual": Text("Sites can register at this stage again.", "この段階の登録を再開します。"),
}
_DONE = Text("Recorded: {what}.", "記録しました：{what}。")


@never_cache
@page("see_sites")
def sites(request: HttpRequest, here: Here) -> HttpResponse:
    """List the sites with what the person may know of each."""
    lines = site_lines(here)
    file = table_answer(request, here, "sites", _COLUMNS, (_row(line) for line in lines))
    if file is not None:
        return file
    stages = {stage.id: stage.title for stage in here.trial.protocol.eligibility.stage}
    context = {
        "lines": lines,
        "detailed": any(line.overdue is not None for line in lines),
        "paused": [(stage, stages.get(stage) if stage else None) for stage in sorted(here.trial.study.paused, key=str)],
        "acts": [(act, rights.ACTS[act].title) for act in ACTS if here.sites(act) != frozenset()],
        "may_close": here.sites("close_site") != frozenset(),
    }
    return here.render("centre/sites.html", context)


def _row(line: SiteLine) -> list[object]:
    site = line.site
    return [
        site.site,
        site.name,
        site.fictitious,
        site.opened_at,
        site.closed_at,
        line.subjects,
        line.randomized,
        line.last_registration,
        line.open_queries,
        line.query_age_days,
        line.overdue,
        line.timeliness_days,
        line.forms,
        None if line.corrections_per_form is None else round(line.corrections_per_form, 3),
    ]


@never_cache
@page("see_sites")
def change_site(request: HttpRequest, here: Here, act: str) -> HttpResponse:
    """Say what an act will do and ask for what it needs; on sending, do it."""
    if act not in ACTS:
        raise BadRequest("no such act")
    here.demand(act)
    given = {name: request.POST.get(name, request.GET.get(name, "")) for name in ("site", "name", "reason", "stage")}
    problems: list[Reason] = []
    if request.method == "POST":
        command = _command(act, given, fictitious=bool(request.POST.get("fictitious")))
        try:
            check(command, here)
            here.submit(command, command_id=request.POST.get("command", ""))
        except Refused as no:
            problems = list(no.reasons)
        else:
            messages.success(request, _DONE.format(what=rights.ACTS[act].title[here.language])[here.language])
            return redirect("sites", here.trial_id)
    context: dict[str, Any] = {
        "act": act,
        "title": rights.ACTS[act].title,
        "effect": ACTS[act],
        "given": given,
        "fictitious": bool(request.POST.get("fictitious")),
        "open_sites": [site for site in here.trial.study.sites.values() if site.closed_at is None],
        "stages": _stages(here, act),
        "problems": problems,
        "command": request.POST.get("command") or new_command(),
    }
    return here.render("centre/change_site.html", context, status=409 if problems else 200)


def _stages(here: Here, act: str) -> list[tuple[str, Text]]:
    """Return the stages that an act can be about; the empty one is all of them."""
    every: list[tuple[str | None, Text]] = [(None, Text("every stage", "すべての段階"))]
    every.extend((stage.id, stage.title) for stage in here.trial.protocol.eligibility.stage)
    paused = here.trial.study.paused
    return [(stage or "", title) for stage, title in every if (stage in paused) == (act == "resume_accrual")]


def _command(
    act: str, given: dict[str, str], *, fictitious: bool
) -> e.SiteOpened | e.SiteClosed | e.AccrualPaused | e.AccrualResumed:
    match act:
        case "open_site":
            return e.SiteOpened(site=given["site"].strip(), name=given["name"].strip(), fictitious=fictitious)
        case "close_site":
            return e.SiteClosed(site=given["site"], reason=given["reason"])
        case "pause_accrual":
            return e.AccrualPaused(stage=given["stage"] or None, reason=given["reason"])
        case _:
            return e.AccrualResumed(stage=given["stage"] or None, reason=given["reason"])
