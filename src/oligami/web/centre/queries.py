"""The loop of data queries: raised by the data centre, answered at the site in place, closed by the side that asked."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

from oligami.journal import entries as e
from oligami.protocol.text import Reason, Text
from oligami.trial.refused import Refused
from oligami.web.centre.raising import MOST_AT_ONCE, candidates, derived_command, form_of, next_query, prefilled, raised
from oligami.web.centre.tables import table_answer
from oligami.web.ledger import models as ledger
from oligami.web.pages.here import Here, new_command, page

STATUSES = {
    "open": Text("open", "未回答"),
    "answered": Text("answered", "回答済み"),
    "closed": Text("closed", "終了"),
}
_COLUMNS = ("site", "subject", "query", "form", "occurrence", "item", "status", "raised_at", "text", "answer")
_WARNED = ("site", "subject", "form", "occurrence", "item", "check", "reason")
_ANSWERED = Text("The answer was recorded.", "回答を記録しました。")
_CLOSED = Text("{n} data queries were closed.", "{n} 件の問合せを終了しました。")
_RAISED = Text("{n} data queries were raised.", "{n} 件の問合せを発行しました。")
_NONE_CHOSEN = Text("Nothing was chosen: tick at least one row.", "選択されていません。1 件以上選んでください。")
_TOO_MANY = Text(f"At most {MOST_AT_ONCE} at once.", f"一度に {MOST_AT_ONCE} 件までです。")


@never_cache
@page("see_queries")
def queries(request: HttpRequest, here: Here) -> HttpResponse:
    """List the data queries of the person's sites, the oldest open first."""
    rows = ledger.DataQuery.objects.filter(trial=here.trial_id)
    sites = here.sites("see_queries")
    if sites is not None:
        rows = rows.filter(site__in=sites)
    status = request.GET.get("status", "unsettled")
    if status == "unsettled":
        rows = rows.exclude(status="closed")
    elif status in STATUSES:
        rows = rows.filter(status=status)
    if site := request.GET.get("site", ""):
        # Only what is known reaches the database: PostgreSQL takes no NUL.
        rows = rows.filter(site=site) if site in here.trial.study.sites else rows.none()
    rows = rows.order_by("raised_at", "subject", "query")
    file = table_answer(request, here, "queries", _COLUMNS, rows.values_list(*_COLUMNS).iterator())
    if file is not None:
        return file
    shown = Paginator(rows, 100).get_page(request.GET.get("page"))
    titles = {form.id: form.title for form in here.trial.protocol.forms}
    lines = [
        {
            "query": row,
            "title": titles.get(row.form, Text(row.form, row.form)),
            "status": STATUSES[row.status],
            "age_days": (here.now - row.raised_at).days,
            "may_answer": row.status != "closed" and bool(here.permit("answer_query", row.site)),
            "may_close": row.status != "closed" and bool(here.permit("close_query", row.site)),
        }
        for row in shown
    ]
    context = {
        "lines": lines,
        "shown": shown,
        "status": status,
        "statuses": STATUSES,
        "site": site,
        "sites": sorted(sites) if sites is not None else sorted(here.trial.study.sites),
        "may_raise": here.sites("raise_query") != frozenset(),
        "may_close": any(line["may_close"] for line in lines),
        "choose": request.GET.get("choose", ""),
        "command": new_command(),
    }
    return here.render("centre/queries.html", context)


def _query(here: Here, subject_id: str, query_id: str) -> tuple[Any, Any]:
    subject = here.subject(subject_id, "see_queries")
    found = subject.queries.get(query_id)
    if found is None:
        raise Http404
    return subject, found


@never_cache
@page("see_queries")
def query(request: HttpRequest, here: Here, subject_id: str, query_id: str) -> HttpResponse:
    """Show one data query; answer it at the site, close it at the centre."""
    subject, found = _query(here, subject_id, query_id)
    problems: list[Reason] = []
    typed = ""
    if request.method == "POST":
        typed = request.POST.get("text", "")
        command = _answer_or_close(request, subject.id, found.query, typed)
        try:
            here.submit(command, command_id=request.POST.get("command", ""))
        except Refused as no:
            problems = list(no.reasons)
        else:
            text = _ANSWERED if isinstance(command, e.QueryAnswered) else _CLOSED.format(n=1)
            messages.success(request, text[here.language])
            return redirect("queries", here.trial_id)
    state = subject.forms.get((found.form, found.occurrence))
    form = form_of(here.trial, state) if state is not None else None
    item = next((each for each in form.item if form and each.id == (found.item or "").split("[")[0]), None) if form else None
    context = {
        "subject": subject,
        "query": found,
        "status": STATUSES[found.status],
        "form": form,
        "item": item,
        "value": state.values.get(item.id) if state is not None and item is not None else None,
        "answer_permit": here.permit("answer_query", subject.site),
        "close_permit": here.permit("close_query", subject.site),
        "correct_permit": here.permit("correct_items", subject.site),
        "problems": problems,
        "typed": typed,
        "command": new_command(),
    }
    return here.render("centre/query.html", context, status=409 if problems else 200)


def _answer_or_close(request: HttpRequest, subject: str, query: str, text: str) -> e.QueryAnswered | e.QueryClosed:
    if request.POST.get("act") == "close":
        return e.QueryClosed(subject=subject, query=query, text=text)
    return e.QueryAnswered(subject=subject, query=query, text=text)


@page("close_query")
def close_queries(request: HttpRequest, here: Here) -> HttpResponse:
    """Close the data queries that were ticked; each is its own command, and what is refused is told row by row."""
    if request.method != "POST":
        return redirect("queries", here.trial_id)
    chosen = _chosen(request)
    if not _fit(request, here, len(chosen)):
        return redirect("queries", here.trial_id)
    done, refused = 0, []
    for key in chosen:
        subject_id, _, query_id = key.partition("|")
        subject, found = _query(here, subject_id, query_id)
        command = e.QueryClosed(subject=subject.id, query=found.query)
        try:
            here.submit(command, command_id=derived_command(request.POST.get("command", ""), key))
            done += 1
        except Refused as no:
            refused.append(f"{key}: {' '.join(reason.text[here.language] for reason in no.reasons)}")
    _tell(request, here, _CLOSED, done, refused)
    return redirect("queries", here.trial_id)


@never_cache
@page("raise_query")
def raise_query(request: HttpRequest, here: Here, subject_id: str, form: str, occurrence: int) -> HttpResponse:
    """Ask the site about a form or one of its items (`?item=`), with a text to begin with."""
    subject = here.subject(subject_id, "raise_query")
    state = subject.forms.get((form, occurrence))
    definition = form_of(here.trial, state) if state is not None else None
    if definition is None:
        raise Http404
    item = request.POST.get("item", request.GET.get("item", "")) or None
    text = request.POST.get("text", prefilled(definition, item))
    problems: list[Reason] = []
    if request.method == "POST":
        command = e.QueryRaised(
            subject=subject.id, query=next_query(subject), form=form, occurrence=occurrence, item=item, text=text
        )
        try:
            here.submit(command, command_id=request.POST.get("command", ""))
        except Refused as no:
            problems = list(no.reasons)
        else:
            messages.success(request, _RAISED.format(n=1)[here.language])
            return redirect("queries", here.trial_id)
    context = {
        "subject": subject,
        "form": definition,
        "occurrence": occurrence,
        "item": item,
        "text": text,
        "problems": problems,
        "command": request.POST.get("command") or new_command(),
    }
    return here.render("centre/raise_query.html", context, status=409 if problems else 200)


@never_cache
@page("raise_query")
def warned(request: HttpRequest, here: Here) -> HttpResponse:
    """List the warnings nobody asked about yet; raise data queries about many of them at once."""
    found = list(candidates(here.trial, here.sites("raise_query")))
    if request.method == "POST":
        chosen = set(_chosen(request))
        if not _fit(request, here, len(chosen)):
            return redirect("warned", here.trial_id)
        done, refused = 0, []
        for candidate in found:
            if candidate.key not in chosen:
                continue
            subject = here.trial.subjects[candidate.subject]
            definition = form_of(here.trial, subject.forms[candidate.form, candidate.occurrence])
            if definition is None:
                continue
            command = raised(candidate, definition, next_query(subject))
            try:
                here.submit(command, command_id=derived_command(request.POST.get("command", ""), candidate.key))
                done += 1
            except Refused as no:
                refused.append(f"{candidate.key}: {' '.join(reason.text[here.language] for reason in no.reasons)}")
        _tell(request, here, _RAISED, done, refused)
        return redirect("queries", here.trial_id)
    rows = ([each.site, each.subject, each.form, each.occurrence, each.item, each.check, each.reason] for each in found)
    file = table_answer(request, here, "warned", _WARNED, rows)
    if file is not None:
        return file
    shown = Paginator(found, 100).get_page(request.GET.get("page"))
    return here.render("centre/warned.html", {"shown": shown, "total": len(found), "command": new_command()})


def _chosen(request: HttpRequest) -> list[str]:
    """Return the rows that were ticked, or the one whose own button was pressed."""
    return [request.POST["only"]] if "only" in request.POST else request.POST.getlist("chosen")


def _fit(request: HttpRequest, here: Here, count: int) -> bool:
    if 0 < count <= MOST_AT_ONCE:
        return True
    messages.error(request, (_TOO_MANY if count else _NONE_CHOSEN)[here.language])
    return False


def _tell(request: HttpRequest, here: Here, done_text: Text, done: int, refused: list[str]) -> None:
    if done:
        messages.success(request, done_text.format(n=done)[here.language])
    for line in refused[:20]:
        messages.error(request, line)
