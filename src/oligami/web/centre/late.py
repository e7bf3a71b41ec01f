"""What is overdue, how old open data queries are, and how soon forms come in: by site."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from threading import Lock

from django.db.models import Count, Max, Q, Sum

from oligami.data.due import Due, DueKind
from oligami.journal.entries import SiteId
from oligami.trial.state import SiteState, Subject, Trial
from oligami.web.ledger import models as ledger
from oligami.web.pages.here import Here
from oligami.web.worklist.tasks import dues_of, waiting_at

#: What a site owes: what it asks of the data centre is not its debt.
_OWED: frozenset[DueKind] = frozenset(("fill", "register", "report"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Something overdue and for how many days."""

    due: Due
    days: int


@dataclass(slots=True, kw_only=True)
class SiteLine:
    """A site and how it stands. What only those who see subjects or lists may know is None for the others."""

    site: SiteState
    subjects: int = 0
    randomized: int = 0
    last_registration: date | None = None
    open_queries: int | None = None
    query_age_days: float | None = None
    overdue: int | None = None
    timeliness_days: float | None = None
    forms: int | None = None
    corrections_per_form: float | None = None


def overdue_of(here: Here, sites: frozenset[SiteId] | None) -> Iterator[Late]:
    """Yield what is overdue at these sites (None: at all), without what tells the arm of a subject to those who may not see it."""
    arms = here.sites("see_own_arm")
    for due in waiting_at(here.trial, sites, here.today):
        if due.state == "overdue" and due.kind in _OWED and (not due.of_arm or arms is None or due.site in arms):
            yield Late(due=due, days=(here.today - due.by).days)


def site_lines(here: Here) -> list[SiteLine]:
    """Return the sites that the person may see, each with what he may know of it."""
    seen = here.sites("see_sites")
    lines = {site.site: SiteLine(site=site) for site in here.trial.study.sites.values() if seen is None or site.site in seen}
    counted = _known(here, "see_accrual", lines)
    of_trial = ledger.Registration.objects.filter(trial=here.trial_id, annulled=False)
    last = dict(of_trial.values_list("site").annotate(last=Max("registration_date")))
    for row in ledger.Site.objects.filter(trial=here.trial_id, site__in=counted):
        line = lines[row.site]
        line.subjects, line.randomized, line.last_registration = row.subjects, row.randomized, last.get(row.site)
    detailed = _known(here, "see_overview", lines) | _known(here, "see_worklist", lines)
    if detailed:
        _add_detail(here, lines, detailed)
    return [lines[site] for site in sorted(lines)]


def _known(here: Here, act: str, lines: Mapping[SiteId, SiteLine]) -> frozenset[SiteId]:
    sites = here.sites(act)
    return frozenset(lines) if sites is None else frozenset(lines) & sites


def _add_detail(here: Here, lines: Mapping[SiteId, SiteLine], sites: frozenset[SiteId]) -> None:
    ages = query_ages(here.trial_id, sites, here.now)
    late: dict[SiteId, int] = defaultdict(int)
    for each in overdue_of(here, sites):
        late[each.due.site] += 1
    delays = delays_of(here.trial, sites, here.today)
    rows = ledger.Form.objects.filter(trial=here.trial_id, site__in=sites).values_list("site")
    forms = {site: (count, corrections) for site, count, corrections in rows.annotate(n=Count("id"), c=Sum("corrections"))}
    for site in sites:
        line = lines[site]
        line.open_queries, line.overdue = len(ages[site]), late[site]
        line.query_age_days = median(ages[site]) if ages[site] else None
        line.timeliness_days = median(delays[site]) if delays[site] else None
        line.forms, corrections = forms.get(site, (0, 0))
        line.corrections_per_form = corrections / line.forms if line.forms else None


def query_ages(trial: str, sites: frozenset[SiteId] | None, now: datetime) -> dict[SiteId, list[int]]:
    """Return the ages of the data queries that are not closed, in days, by site."""
    ages: dict[SiteId, list[int]] = defaultdict(list)
    rows = ledger.DataQuery.objects.filter(Q(trial=trial) & ~Q(status="closed"))
    if sites is not None:
        rows = rows.filter(site__in=sites)
    for site, raised_at in rows.values_list("site", "raised_at"):
        ages[site].append((now - raised_at).days)
    return ages


#: The delays of a subject, and of which frozen state; what came in does not change with the day.
_DELAYS: dict[tuple[str, str], tuple[Subject, tuple[int, ...]]] = {}
_LOCK = Lock()


def delays_of(trial: Trial, sites: frozenset[SiteId] | None, today: date) -> dict[SiteId, list[int]]:
    """Return, by site, the days from the target of each planned form that came in to the day on which it did."""
    delays: dict[SiteId, list[int]] = defaultdict(list)
    for subject in trial.subjects.values():
        if sites is not None and subject.site not in sites:
            continue
        key = (trial.study.trial, subject.id)
        kept = _DELAYS.get(key)
        if kept is None or kept[0] is not subject:
            kept = (subject, tuple(_delays(trial, subject, today)))
            with _LOCK:
                _DELAYS[key] = kept
        delays[subject.site].extend(kept[1])
    return delays


def _delays(trial: Trial, subject: Subject, today: date) -> Iterator[int]:
    for due in dues_of(trial, subject, today):
        if due.kind == "fill" and due.state == "done" and due.form is not None and due.occurrence is not None:
            state = subject.forms.get((due.form, due.occurrence))
            if state is not None:
                yield (trial.day_of(state.submitted_at) - due.target).days
