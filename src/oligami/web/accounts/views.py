"""One's own account, and the access log."""

import csv
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from allauth.mfa.base.views import IndexView
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse

from oligami.trial import rights
from oligami.web import clock
from oligami.web.accounts.access import KINDS, record_export, record_view
from oligami.web.accounts.models import Access, Account
from oligami.web.accounts.people import people_of
from oligami.web.clock import local_zone
from oligami.web.desk import open_desk
from oligami.web.pages.here import Here, page, trials

#: What a person is shown of the log about himself.
_OWN = (
    "login",
    "login_failed",
    "lockout",
    "session_ended",
    "confirm_failed",
    "password_changed",
    "factor_added",
    "factor_removed",
)
_COLUMNS = ("instant_utc", "kind", "person", "name", "trial", "what", "ip", "agent", "path", "name_hash")
_A_PAGE = 100


@login_required
def own_account(request: HttpRequest) -> HttpResponse:
    """Show a person's own account, with what lately happened to it."""
    lines = Access.objects.filter(person=request.user.person, kind__in=_OWN).order_by("-id")[:10]
    return render(request, "accounts/own.html", {"lines": [_line(line, {}) for line in lines]})


class SecondFactor(IndexView):
    """One's second factors; says so when the trial demands one."""

    def get_context_data(self, **named: Any) -> dict[str, Any]:
        """Add whether one is due."""
        due = settings.OLIGAMI_SECOND_FACTOR == "required" and not self.request.user.has_second_factor
        return {**super().get_context_data(**named), "due": due}


second_factor = SecondFactor.as_view()


@login_required
def access_log(request: HttpRequest) -> HttpResponse:
    """Lead to the access log of the first trial whose log the person may see."""
    return HttpResponseRedirect(reverse("access_log_of", args=[_first_trial(request)]))


@login_required
def access_log_csv(request: HttpRequest) -> HttpResponse:
    """Lead to the same, as a file."""
    return HttpResponseRedirect(reverse("access_log_of_csv", args=[_first_trial(request)]))


def _first_trial(request: HttpRequest) -> str:
    for trial in trials():
        if rights.sites_of(open_desk(trial).trial, request.user.person, "see_access_log", on=clock.today()) != frozenset():
            return trial
    raise Http404


@page("see_access_log")
def access_log_of(request: HttpRequest, here: Here) -> HttpResponse:
    """Show who signed in, failed, saw and took what, newest first, filtered."""
    found = _found(request, here)
    record_view(request, "access log")
    shown = Paginator(found["lines"], _A_PAGE).get_page(request.GET.get("page"))
    people = _names(here)
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "shown": shown,
        "lines": [_line(line, people) for line in shown],
        "kinds": KINDS.items(),
        "people": sorted(people.items(), key=lambda item: item[1]),
        "asked": found["asked"],
        "problems": found["problems"],
        "query": query.urlencode(),
    }
    return here.render("accounts/access_log.html", context, status=400 if found["problems"] else 200)


@page("see_access_log")
def access_log_of_csv(request: HttpRequest, here: Here) -> HttpResponse | StreamingHttpResponse:
    """Give the same lines as a file, all of them; that it was taken is a line itself."""
    found = _found(request, here)
    if found["problems"]:
        return access_log_of(request, here.trial_id)
    record_export(request, "access log")
    people = _names(here)
    response = StreamingHttpResponse(_rows(found["lines"], people), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{here.trial_id}-access-log-{here.today.isoformat()}.csv"'
    return response


class _Echo:
    def write(self, text: str) -> str:
        return text


def _rows(lines: QuerySet[Access], people: dict[str, str]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"  # spreadsheet programs ask for it to read UTF-8
    yield writer.writerow(_COLUMNS)
    for line in lines.iterator(chunk_size=500):
        cells = (f"{line.instant:%Y-%m-%dT%H:%M:%SZ}", line.kind, line.person, people.get(line.person, ""), line.trial, line.what)
        yield writer.writerow([_plain(cell) for cell in (*cells, line.ip, line.agent, line.path, line.name_hash)])


def _plain(cell: str) -> str:
    """Keep a spreadsheet from taking a cell (what a browser calls itself is free text) for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _line(line: Access, people: dict[str, str]) -> dict[str, Any]:
    return {
        "instant": line.instant,
        "title": KINDS.get(line.kind, line.kind),
        "person": people.get(line.person, line.person),
        "what": line.what,
        "ip": line.ip,
        "agent": line.agent,
        "path": line.path,
        "name_hash": line.name_hash[:8],
    }


def _names(here: Here) -> dict[str, str]:
    return {account.person: account.shown_name for account in Account.objects.filter(person__in=people_of(here.trial_id))}


def _found(request: HttpRequest, here: Here) -> dict[str, Any]:
    """Return the lines of this trial and of its people that the filters leave, and what was wrong with the filters."""
    asked = {name: request.GET.get(name, "").strip() for name in ("kind", "person", "what", "since", "until")}
    problems: list[str] = []
    lines = Access.objects.filter(Q(trial=here.trial_id) | Q(trial="", person__in=[*people_of(here.trial_id), ""]))
    if asked["kind"] in KINDS:
        lines = lines.filter(kind=asked["kind"])
    elif asked["kind"]:
        problems.append("kind")
    if asked["person"]:
        lines = lines.filter(person=asked["person"])
    if asked["what"]:
        lines = lines.filter(what__icontains=asked["what"])
    for name, offset in (("since", 0), ("until", 1)):
        if not asked[name]:
            continue
        try:
            midnight = datetime.combine(date.fromisoformat(asked[name]) + timedelta(days=offset), time(), tzinfo=local_zone())
            lines = lines.filter(instant__lt=midnight) if offset else lines.filter(instant__gte=midnight)
        except (ValueError, OverflowError):
            problems.append(name)
    return {"asked": asked, "problems": problems, "lines": lines.order_by("-id")}
