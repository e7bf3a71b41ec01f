"""The list of subjects, from the ledger."""

import re
from collections import Counter
from typing import Any

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from oligami.protocol.text import Text
from oligami.web.ledger import models
from oligami.web.ledger.rows import STATUSES
from oligami.web.pages.here import Here, page
from oligami.web.worklist.lists import choice, csv_file, csv_text, json_file, page_of, render_list
from oligami.web.worklist.tasks import waiting_at

STATUS_WORDS = {
    "entered": Text("entered", "入力のみ"),
    "registered": Text("registered", "登録済"),
    "randomized": Text("randomized", "割付済"),
    "withdrawn": Text("consent withdrawn", "同意撤回"),
    "died": Text("died", "死亡"),
    "annulled": Text("annulled", "登録取消"),
}
_NUMBER = re.compile("[A-Z0-9-]{0,12}")


def _found(request: HttpRequest, here: Here) -> tuple["QuerySet[models.Subject]", dict[str, str], list[str]]:
    """Return the rows that the address asks for, what it chose, and the sites to choose from."""
    own = here.sites("see_subject")
    sites = sorted(site for site in here.trial.study.sites if own is None or site in own)
    stages = [stage.id for stage in here.trial.protocol.eligibility.stage]
    number = request.GET.get("number", "").strip().upper()
    if _NUMBER.fullmatch(number) is None:
        raise BadRequest("no part of a subject's number")
    chosen = {
        "site": choice(request, "site", sites),
        "status": choice(request, "status", STATUSES),
        "stage": choice(request, "stage", stages),
        "number": number,
    }
    rows = models.Subject.objects.filter(trial=here.trial.study.trial).order_by("subject")
    if own is not None:
        rows = rows.filter(site__in=own)
    if chosen["site"]:
        rows = rows.filter(site=chosen["site"])
    if chosen["status"]:
        rows = rows.filter(status=chosen["status"])
    if chosen["number"]:
        rows = rows.filter(subject__contains=chosen["number"])
    if chosen["stage"]:
        at = models.Registration.objects.filter(trial=here.trial.study.trial, stage=chosen["stage"], annulled=False)
        rows = rows.filter(subject__in=at.values("subject"))
    return rows, chosen, sites


def _plain(rows: "QuerySet[models.Subject]", here: Here) -> list[dict[str, Any]]:
    """Return the rows as they are shown: without the arms, which are told of one subject at a time (`see_own_arm`)."""
    overdue = Counter(
        due.subject for due in waiting_at(here.trial, here.sites("see_subject"), here.today) if due.state == "overdue"
    )
    first = here.trial.protocol.eligibility.stage[0].id
    subjects = list(rows)
    registered = dict(
        models.Registration.objects.filter(
            trial=here.trial.study.trial, stage=first, subject__in=[row.subject for row in subjects]
        ).values_list("subject", "registration_date")
    )
    return [
        {
            "subject": row.subject,
            "site": row.site,
            "status": row.status,
            "registration_date": registered.get(row.subject),
            "randomization_date": row.randomization_date,
            "overdue": overdue[row.subject],
            "open_queries": row.open_queries,
        }
        for row in subjects
    ]


@page("see_subject")
def subjects(request: HttpRequest, here: Here) -> HttpResponse:
    """Show the subjects that the person may see, a page of them."""
    rows, chosen, sites = _found(request, here)
    shown = page_of(request, rows.count())
    plain = _plain(rows[shown.window], here)
    for row in plain:
        row["status_words"] = STATUS_WORDS[row["status"]]
    context = {
        "rows": plain,
        "page": shown,
        "chosen": chosen,
        "sites": sites,
        "statuses": STATUS_WORDS,
        "stages": here.trial.protocol.eligibility.stage,
        "may_register": here.sites("register_first") != frozenset(),
    }
    return render_list(request, here, "worklist/subjects", context)


_COLUMNS = ("subject", "site", "status", "registration_date", "randomization_date", "overdue", "open_queries")


@page("see_subject")
def subjects_csv(request: HttpRequest, here: Here) -> HttpResponse:
    """Return the list as CSV."""
    return csv_file("subjects.csv", csv_text(_COLUMNS, _plain(_found(request, here)[0], here)))


@page("see_subject")
def subjects_json(request: HttpRequest, here: Here) -> HttpResponse:
    """Return the list as JSON."""
    return json_file(_plain(_found(request, here)[0], here))
