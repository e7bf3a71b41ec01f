"""The heads of the journal that left the house: each of them convicts whoever rewrites what lies before it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

from oligami.journal import entries as e
from oligami.protocol.text import Reason, Text
from oligami.trial.refused import Refused
from oligami.web.centre.checks import check
from oligami.web.centre.records import records_of
from oligami.web.pages.here import Here, new_command, page

_PUBLISHED = Text("Recorded: the head of record {n} was published.", "記録しました：記録 {n} の先頭を公開。")


@never_cache
@page(None)
def heads(request: HttpRequest, here: Here) -> HttpResponse:
    """Give today's head as a text to send out of the house; record where it went; list those that went before."""
    if all(here.sites(act) == frozenset() for act in ("see_overview", "publish_head")):
        here.demand("see_overview")
    head = here.trial.head
    problems: list[Reason] = []
    where = request.POST.get("where", "")
    if request.method == "POST":
        here.demand("publish_head")
        number, _, seal = request.POST.get("head", "").partition(":")
        record = int(number) if number.isascii() and number.isdecimal() and len(number) < 16 else 0
        command = e.HeadPublished(record=record, seal=seal, where=where.strip()[:500])
        try:
            check(command, here)
            here.submit(command, command_id=request.POST.get("command", ""))
        except Refused as no:
            problems = list(no.reasons)
        else:
            messages.success(request, _PUBLISHED.format(n=record)[here.language])
            return redirect("heads", here.trial_id)
    context = {
        "head": head,
        "digest": f"OLIGAMI {here.trial_id}\n{here.now:%Y-%m-%dT%H:%M:%SZ}\n{head.seq}:{head.seal}",
        "published": list(records_of(here.desk.journal, "HeadPublished"))[::-1][:200],
        "may_publish": bool(here.permit("publish_head")),
        "where": where,
        "problems": problems,
        "command": request.POST.get("command") or new_command(),
    }
    return here.render("centre/heads.html", context, status=409 if problems else 200)
