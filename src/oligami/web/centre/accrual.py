"""Accrual against plan: the picture, its numbers, and both as files."""

from django.http import HttpRequest, HttpResponse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache

from oligami.web.centre.accrual_figure import draw_progress
from oligami.web.centre.accruing import Progress, describe_progress
from oligami.web.centre.prediction import COVERAGE
from oligami.web.centre.tables import table_answer
from oligami.web.pages.here import Here, page

_COLUMNS = (
    *(
        "until",
        "registered",
        "registered_in_month",
        "registered_planned",
        "randomized",
        "randomized_in_month",
        "randomized_planned",
    ),
    *("registered_low", "registered_median", "registered_high", "randomized_low", "randomized_median", "randomized_high"),
)


@never_cache
@page("see_accrual")
def accrual(request: HttpRequest, here: Here) -> HttpResponse:
    """Show registered and randomized by month against the plan; a site sees its own counts alone."""
    progress = describe_progress(here.trial, here.today, here.sites("see_accrual"))
    file = table_answer(request, here, "accrual", _COLUMNS, _rows(progress))
    if file is not None:
        return file
    context = {
        "progress": progress,
        "picture": mark_safe(draw_progress(progress, here.language)),  # the drawing escapes its words
        "months": progress.months[::-1],
        "coverage": round(COVERAGE * 100),
    }
    return here.render("centre/accrual.html", context)


def _rows(progress: Progress) -> list[list[object]]:
    rows: list[list[object]] = []
    for month in progress.months:
        plans = [None if plan is None else round(plan, 1) for plan in (month.registered_planned, month.randomized_planned)]
        counts = [month.registered, month.registered_new, plans[0], month.randomized, month.randomized_new, plans[1]]
        rows.append([month.day, *counts, *[None] * 6])
    for each in progress.ahead:
        limits = [
            value
            for band in (each.registered, each.randomized)
            for value in ((band.low, band.median, band.high) if band else (None, None, None))
        ]
        rows.append([each.day, *[None] * 6, *limits])
    return rows
