"""The worklist: what is due, overdue and queried at one's sites, the most urgent first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse

from oligami.data.due import Due, DueState
from oligami.protocol.text import Text
from oligami.web.pages.here import Here, page
from oligami.web.worklist.calendar import Day, calendar_of
from oligami.web.worklist.lists import choice, csv_file, csv_text, json_file, page_of, render_list
from oligami.web.worklist.tasks import ACTS, KINDS, STATES, Permits, address_of, coming_at, waiting_at

_COLUMNS = ("subject", "site", "kind", "what", "state", "by", "earliest", "target", "latest", "note", "address")
#: How far the calendar reaches ahead.
_CALENDAR = timedelta(days=366)
_SHOWN: tuple[DueState, ...] = ("overdue", "due", "upcoming")
WHOSE = {"mine": Text("mine to do", "自分の作業"), "all": Text("everybody's", "全員分")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A task as the list shows it. days: left until it is late, negative when it is."""

    due: Due
    kind: Text
    state: Text
    address: str
    may: bool
    days: int | None

    @property
    def late(self) -> int:
        """Days by which it is late."""
        return max(0, -(self.days or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The tasks that the address asks for, sorted, and how many there are of each kind and state."""

    dues: Sequence[Due]
    permits: Permits
    chosen: dict[str, str]
    sites: Sequence[str]
    kinds: Counter[str]
    states: Counter[str]


def _work(request: HttpRequest, here: Here) -> Work:
    permits = Permits(here)
    own = here.sites("see_worklist")
    sites = sorted(site for site in here.trial.study.sites if own is None or site in own)
    chosen = {
        "site": choice(request, "site", sites),
        "kind": choice(request, "kind", KINDS),
        "state": choice(request, "state", _SHOWN),
        "whose": choice(request, "whose", WHOSE) or ("mine" if permits.may_anything() else "all"),
    }
    found = [
        due
        for due in waiting_at(here.trial, frozenset({chosen["site"]}) if chosen["site"] else own, here.today)
        if (not due.of_arm or permits.may("see_own_arm", due.site))
        and (chosen["whose"] == "all" or permits.may(ACTS[due.kind], due.site))
    ]
    kinds, states = Counter[str](due.kind for due in found), Counter[str](due.state for due in found)
    shown = [due for due in found if chosen["kind"] in ("", due.kind) and chosen["state"] in ("", due.state)]
    shown.sort(key=lambda due: due.urgency)
    return Work(dues=shown, permits=permits, chosen=chosen, sites=sites, kinds=kinds, states=states)


def _row(due: Due, here: Here, permits: Permits) -> Row:
    may = permits.may(ACTS[due.kind], due.site)
    return Row(
        due=due,
        kind=KINDS[due.kind],
        state=STATES[due.state],
        address=address_of(due, here.trial_id, may=may),
        may=may,
        days=None if due.latest is None else (due.latest - here.today).days,
    )


@page("see_worklist")
def worklist(request: HttpRequest, here: Here) -> HttpResponse:
    """Show what waits, a page of it."""
    work = _work(request, here)
    shown = page_of(request, len(work.dues))
    context = {
        "rows": [_row(due, here, work.permits) for due in work.dues[shown.window]],
        "page": shown,
        "chosen": work.chosen,
        "sites": work.sites,
        "kinds": [(kind, title, work.kinds[kind]) for kind, title in KINDS.items() if work.kinds[kind]],
        "states": [(state, STATES[state], work.states[state]) for state in _SHOWN],
        "whose": WHOSE,
        "may_anything": work.permits.may_anything(),
    }
    return render_list(request, here, "worklist/worklist", context)


def _plain(work: Work, request: HttpRequest, here: Here) -> list[dict[str, Any]]:
    rows = []
    for due in work.dues:
        row = _row(due, here, work.permits)
        rows.append(
            {
                "subject": due.subject,
                "site": due.site,
                "kind": due.kind,
                "what": due.what[here.language],
                "state": due.state,
                "by": due.by,
                "earliest": due.earliest,
                "target": due.target,
                "latest": due.latest,
                "note": due.note[here.language] if due.note is not None else None,
                "address": request.build_absolute_uri(row.address),
            }
        )
    return rows


@page("see_worklist")
def worklist_csv(request: HttpRequest, here: Here) -> HttpResponse:
    """Return the whole list as CSV."""
    return csv_file("worklist.csv", csv_text(_COLUMNS, _plain(_work(request, here), request, here)))


@page("see_worklist")
def worklist_json(request: HttpRequest, here: Here) -> HttpResponse:
    """Return the whole list as JSON."""
    return json_file(_plain(_work(request, here), request, here))


@page("see_worklist")
def worklist_ics(request: HttpRequest, here: Here) -> HttpResponse:
    """Return the due dates of a year ahead as a calendar: subject number and what is due."""
    permits = Permits(here)
    days = []
    for due in coming_at(here.trial, here.sites("see_worklist"), here.today, here.today + _CALENDAR):
        may = permits.may(ACTS[due.kind], due.site)
        if due.latest is None or not may or (due.of_arm and not permits.may("see_own_arm", due.site)):
            continue
        about = "-".join(
            str(part) for part in (due.kind, due.activity or due.form, due.visit, due.occurrence, due.deadline) if part
        )
        days.append(
            Day(
                uid=f"{here.trial_id}-{due.subject}-{about}@oligami",
                on=due.by,
                summary=f"{due.subject} {due.what[here.language]}",
                address=request.build_absolute_uri(address_of(due, here.trial_id, may=may)),
            )
        )
    days.sort(key=lambda day: (day.on, day.uid))
    text = calendar_of(days, name=f"{here.trial_id} worklist", now=here.now)
    response = HttpResponse(text, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'inline; filename="worklist.ics"'
    response["Cache-Control"] = "no-store"
    return response
