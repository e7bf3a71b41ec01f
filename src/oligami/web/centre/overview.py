"""The data centre's first page: how the trial stands, in figures that lead to the lists behind them; and what is overdue by site."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache

from oligami.protocol.text import Text
from oligami.web.centre.accruing import describe_progress
from oligami.web.centre.late import overdue_of
from oligami.web.centre.raising import candidates
from oligami.web.centre.tables import table_answer
from oligami.web.ledger import models as ledger
from oligami.web.pages.here import Here, page
from oligami.web.worklist.tasks import KINDS, Permits, address_of

_OVERDUE = ("site", "subject", "kind", "what", "form", "visit", "target", "latest", "days_overdue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A figure with what it counts. address: of the list behind it; empty for who may not see that list."""

    title: Text
    figure: str
    note: Text | None = None
    address: str = ""
    is_bad: bool = False


@never_cache
@page("see_overview")
def centre(request: HttpRequest, here: Here) -> HttpResponse:
    """Show the figures of the trial, or of the sites that the person looks after."""
    links = [
        (Text("Data queries", "問合せ"), "queries", "see_queries"),
        (Text("Warnings not asked about", "未照会の警告"), "warned", "raise_query"),
        (Text("Filled forms: verify, lock", "調査票の照合・固定"), "forms", "see_form"),
        (Text("Overdue by site", "施設別の期限超過"), "overdue", "see_overview"),
        (Text("Sites", "施設"), "sites", "see_sites"),
        (Text("Accrual", "登録状況"), "accrual", "see_accrual"),
        (Text("Cuts and decisions", "データカットと判断"), "cuts", "see_overview"),
        (Text("Review of the audit trail", "監査証跡の点検"), "review", "see_history"),
        (Text("Take away a site's data", "施設データの取得"), "take", "take_data"),
        (Text("Heads of the journal", "ジャーナルの先頭"), "heads", "see_overview"),
    ]
    doors = [(title, reverse(name, args=[here.trial_id])) for title, name, act in links if here.sites(act) != frozenset()]
    return here.render("centre/centre.html", {"cards": list(_cards(here)), "doors": doors})


def _cards(here: Here) -> Iterator[Card]:
    sites = here.sites("see_overview")
    to = _addresses(here)
    progress = describe_progress(here.trial, here.today, sites)
    plan = Text("of {n} planned", "計画 {n}")
    yield Card(
        title=Text("Registered", "登録"),
        figure=str(progress.registered),
        note=plan.format(n=progress.registered_planned) if sites is None else None,
        address=to("accrual", "see_accrual"),
    )
    yield Card(
        title=Text("Randomized", "割付"),
        figure=str(progress.randomized),
        note=plan.format(n=progress.randomized_planned) if sites is None else None,
        address=to("accrual", "see_accrual"),
    )
    known = [site for site in here.trial.study.sites.values() if sites is None or site.site in sites]
    is_open = sum(site.closed_at is None for site in known)
    yield Card(
        title=Text("Open sites", "開設中の施設"),
        figure=str(is_open),
        note=Text(f"{len(known) - is_open} closed", f"終了 {len(known) - is_open}"),
        address=to("sites", "see_sites"),
    )
    yield from _queries(here, sites, to)
    if here.sites("see_form") != frozenset():
        asked = here.sites("see_form") if sites is None else sites
        warned = sum(1 for _ in candidates(here.trial, asked))
        yield Card(
            title=Text("Warnings not asked about", "未照会の警告"), figure=str(warned), address=to("warned", "raise_query")
        )
    forms = ledger.Form.objects.filter(trial=here.trial_id)
    if sites is not None:
        forms = forms.filter(site__in=sites)
    signed = [form.id for form in here.trial.protocol.forms if form.sign]
    unsigned = forms.filter(form__in=signed, signed=False).count()
    yield Card(title=Text("Unsigned forms", "署名待ち"), figure=str(unsigned), address=to("forms", "see_form", "?unsigned=1"))
    late = sum(1 for _ in overdue_of(here, sites))
    yield Card(title=Text("Overdue", "期限超過"), figure=str(late), address=to("overdue", "see_overview"), is_bad=late > 0)


def _queries(here: Here, sites: frozenset[str] | None, to: "Callable[..., str]") -> Iterator[Card]:
    rows = ledger.DataQuery.objects.filter(trial=here.trial_id)
    if sites is not None:
        rows = rows.filter(site__in=sites)
    titles = {"open": Text("Open data queries", "未回答の問合せ"), "answered": Text("Answered, not closed", "回答済み・未終了")}
    for status, title in titles.items():
        raised = sorted(rows.filter(status=status).values_list("raised_at", flat=True))
        days = (here.now - raised[0]).days if raised else 0
        note = Text(f"oldest {days} days", f"最長 {days} 日") if raised else None
        yield Card(title=title, figure=str(len(raised)), note=note, address=to("queries", "see_queries", f"?status={status}"))


def _addresses(here: Here) -> "Callable[..., str]":
    def to(name: str, act: str, question: str = "") -> str:
        return reverse(name, args=[here.trial_id]) + question if here.sites(act) != frozenset() else ""

    return to


@never_cache
@page("see_overview")
def overdue(request: HttpRequest, here: Here) -> HttpResponse:
    """List what is overdue by site; subjects only to those who see them."""
    found = sorted(overdue_of(here, here.sites("see_overview")), key=lambda late: (late.due.site, -late.days, late.due.subject))
    counts = Counter(late.due.site for late in found)
    worst = {late.due.site: late.days for late in reversed(found)}
    seen = here.sites("see_subject")
    chosen = request.GET.get("site", "")
    listed = [late for late in found if (seen is None or late.due.site in seen) and chosen in ("", late.due.site)]
    rows = (
        [
            late.due.site,
            late.due.subject,
            late.due.kind,
            late.due.what[here.language],
            late.due.form,
            late.due.visit,
            late.due.target,
            late.due.latest,
            late.days,
        ]
        for late in listed
    )
    file = table_answer(request, here, "overdue", _OVERDUE, rows)
    if file is not None:
        return file
    shown = Paginator(listed, 100).get_page(request.GET.get("page"))
    permits = Permits(here)
    lines = [
        {
            "late": late,
            "kind": KINDS[late.due.kind],
            "address": address_of(late.due, here.trial_id, may=permits.may("submit_form", late.due.site)),
        }
        for late in shown
    ]
    context = {
        "sites": [(site, counts[site], worst[site]) for site in sorted(counts)],
        "lines": lines,
        "shown": shown,
        "chosen": chosen,
        "may_list": seen != frozenset(),
    }
    return here.render("centre/overdue.html", context)
