"""Cuts of the data: taken, with what is not in order at them, and what the committee decided on them."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

from oligami.journal import entries as e
from oligami.protocol.text import Reason, Text
from oligami.trial.refused import Refused
from oligami.web.centre.checks import DECISIONS, check
from oligami.web.centre.cutting import standing_at
from oligami.web.centre.records import records_of
from oligami.web.centre.tables import table_answer
from oligami.web.pages.here import Here, new_command, page

_LOOSE = ("site", "subject", "form", "occurrence", "unsigned", "unlocked", "open_queries")
_TAKEN = Text("The cut {name} was taken.", "カット {name} を設定しました。")
_DECIDED = Text("The decision was recorded.", "判断を記録しました。")
_DATE = Text("The date is not one: write it as 2024-06-30", "日付の形式が正しくありません（例：2024-06-30）")
_SURE = Text(
    "To release the results by arm, tick that the committee has so decided",
    "群別結果を公開するには、委員会の決定であることの確認欄に印を付けてください",
)


def _admit(here: Here) -> None:
    """Let in who sees the centre's lists, takes cuts or decides on them."""
    if all(here.sites(act) == frozenset() for act in ("see_overview", "take_cut", "decide_monitoring")):
        here.demand("see_overview")


@never_cache
@page(None)
def cuts(request: HttpRequest, here: Here) -> HttpResponse:
    """List the cuts and decisions; take a cut of all that is recorded by now."""
    _admit(here)
    problems: list[Reason] = []
    given = {name: request.POST.get(name, "") for name in ("cut", "up_to", "purpose")}
    through = _number(request.POST.get("through", "")) or here.trial.head.seq
    if request.method == "POST":
        here.demand("take_cut")
        try:
            up_to = date.fromisoformat(given["up_to"].strip())
        except ValueError:
            problems.append(Reason("cut.date", _DATE))
        else:
            command = e.CutTaken(cut=given["cut"].strip(), through=through, up_to=up_to, purpose=given["purpose"].strip())
            try:
                check(command, here)
                here.submit(command, command_id=request.POST.get("command", ""))
            except Refused as no:
                problems = list(no.reasons)
            else:
                messages.success(request, _TAKEN.format(name=command.cut)[here.language])
                return redirect("cuts", here.trial_id)
    taken = {
        record.entry.cut: record for record in records_of(here.desk.journal, "CutTaken") if isinstance(record.entry, e.CutTaken)
    }
    decided = {cut: decision for cut, decision, _ in here.trial.study.decisions}
    lines = [
        {
            "number": number,
            "cut": cut,
            "through": at,
            "up_to": up_to,
            "purpose": purpose,
            "record": taken.get(cut),
            "decision": _word(decided.get(cut)),
        }
        for number, (cut, (at, up_to, purpose)) in enumerate(here.trial.study.cuts.items(), start=1)
    ]
    may_take = bool(here.permit("take_cut"))
    context = {
        "lines": lines[::-1],
        "may_take": may_take,
        "now": standing_at(here.desk.journal, here.trial, here.trial.head.seq).count(None) if may_take else None,
        "through": here.trial.head.seq,
        "given": given | ({} if given["up_to"] else {"up_to": here.today.isoformat()}),
        "problems": problems,
        "command": request.POST.get("command") or new_command(),
    }
    return here.render("centre/cuts.html", context, status=409 if problems else 200)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0


def _word(decision: str | None) -> Text | None:
    return None if decision is None else DECISIONS.get(decision, Text(decision, decision))


@never_cache
@page(None)
def cut(request: HttpRequest, here: Here, number: int) -> HttpResponse:
    """Show what was not in order at a cut, and what was decided on it; the committee decides."""
    _admit(here)
    known = list(here.trial.study.cuts.items())
    if not 1 <= number <= len(known):
        raise Http404
    name, (through, up_to, purpose) = known[number - 1]
    problems: list[Reason] = []
    given = {field: request.POST.get(field, "") for field in ("decision", "text", "sure")}
    if request.method == "POST":
        here.demand("decide_monitoring")
        command = e.MonitoringDecided(cut=name, decision=given["decision"], text=given["text"].strip())
        try:
            check(command, here)
            if command.decision == "release" and not given["sure"]:
                raise Refused(Text("Decision on a cut", "データカットに対する判断の記録"), [Reason("cut.sure", _SURE)])
            here.submit(command, command_id=request.POST.get("command", ""))
        except Refused as no:
            problems = list(no.reasons)
        else:
            messages.success(request, _DECIDED[here.language])
            return redirect("cut", here.trial_id, number)
    sites, seen = here.sites("see_overview"), here.sites("see_form")
    standing = standing_at(here.desk.journal, here.trial, through)
    # Which forms there are tells of the treatment: a list only for those who see forms.
    loose = [each for each in standing.loose if (seen is None or each.site in seen) and (sites is None or each.site in sites)]
    rows = (
        [each.site, each.subject, each.form, each.occurrence, each.unsigned, each.unlocked, each.open_queries] for each in loose
    )
    file = table_answer(request, here, f"cut-{number}", _LOOSE, rows)
    if file is not None:
        return file
    decisions = [(_word(decision), text) for cut, decision, text in here.trial.study.decisions if cut == name]
    context: dict[str, Any] = {
        "name": name,
        "through": through,
        "up_to": up_to,
        "purpose": purpose,
        "forms": standing.forms if sites is None else None,
        "counts": standing.count(sites) if sites != frozenset() else None,
        "decisions": decisions,
        "shown": Paginator(loose, 100).get_page(request.GET.get("page")),
        "may_list": seen != frozenset() and sites != frozenset(),
        "may_decide": bool(here.permit("decide_monitoring")),
        "words": DECISIONS,
        "given": given,
        "problems": problems,
        "command": request.POST.get("command") or new_command(),
    }
    return here.render("centre/cut.html", context, status=409 if problems else 200)
