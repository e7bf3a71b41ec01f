"""The page of the review of the audit trail, and its findings as a file."""

from collections.abc import Sequence
from datetime import datetime
from threading import Lock
from typing import TypeAlias

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from oligami.journal import entries as e
from oligami.journal.entries import SiteId
from oligami.protocol.text import Text
from oligami.web.casebook.history import names_of
from oligami.web.centre.records import records_of
from oligami.web.centre.reviewing import VIEWS, Finding, review
from oligami.web.centre.tables import table_answer
from oligami.web.clock import local_zone
from oligami.web.pages.here import Here, page

_COLUMNS = ("view", "site", "subject", "form", "occurrence", "record", "at", "author", "items", "detail")


_Kept: TypeAlias = tuple[str, dict[str, list[Finding]]]
#: The newest findings of a trial for some sites, and the seal of the journal they were found in.
_KEPT: dict[tuple[str, frozenset[SiteId] | None], _Kept] = {}
_LOCK = Lock()


def _found(here: Here, cuts: Sequence[tuple[str, datetime, int]]) -> dict[str, list[Finding]]:
    key, seal = (here.trial_id, here.sites("see_history")), here.trial.head.seal
    kept = _KEPT.get(key)
    if kept is None or kept[0] != seal:
        kept = (seal, review(here.trial, key[1], cuts, local_zone()))
        with _LOCK:
            if len(_KEPT) > 60:
                _KEPT.clear()
            _KEPT[key] = kept
    return kept[1]


@never_cache
@page("see_history")
def review_page(request: HttpRequest, here: Here) -> HttpResponse:
    """Show how much each view finds and, of the chosen one, what; at the sites whose history the person sees."""
    cuts = [
        (record.entry.cut, record.stamp.recorded_at, record.entry.through)
        for record in records_of(here.desk.journal, "CutTaken")
        if isinstance(record.entry, e.CutTaken)
    ]
    found = _found(here, cuts)
    chosen = request.GET.get("view", "")
    chosen = chosen if chosen in found else next((view.id for view in VIEWS if found[view.id]), VIEWS[0].id)
    findings = found[chosen]
    rows = (
        [
            each.view,
            each.site,
            each.subject,
            each.form,
            each.occurrence,
            each.record,
            each.at,
            each.author,
            " ".join(each.items),
            each.detail[here.language],
        ]
        for each in findings
    )
    file = table_answer(request, here, f"review-{chosen}", _COLUMNS, rows)
    if file is not None:
        return file
    shown = Paginator(findings, 100).get_page(request.GET.get("page"))
    titles = {form.id: form.title for form in here.trial.protocol.forms}
    names = names_of({each.author for each in shown if each.author})
    context = {
        "views": [(view, len(found[view.id])) for view in VIEWS],
        "chosen": next(view for view in VIEWS if view.id == chosen),
        "shown": shown,
        "lines": [
            (each, titles.get(each.form, Text(each.form, each.form)), names.get(each.author, each.author)) for each in shown
        ],
    }
    return here.render("centre/review.html", context)
