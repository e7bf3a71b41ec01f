"""Accrual against plan: how many were registered and randomized by when, in the trial and at each site."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from oligami.analysis.parts import randomizes_at_once
from oligami.data.datasets import Datasets
from oligami.protocol.model.protocol import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class AccrualPoint:
    """Counts at the end of one month (or at the cut)."""

    day: date
    registered: int
    randomized: int
    registered_planned: float
    randomized_planned: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAccrual:
    """What one site contributed. `opened` is None when the site's opening is not on record."""

    site: str
    opened: date | None
    registered: int
    randomized: int
    last_registration: date | None
    per_year: float | None  # registrations a year from opening until the first stage closed, or the cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Accrual:
    """Accrual up to the cut. The plan is a straight line from the planned start over the planned years.

    Randomizations are planned as long after the registrations as the therapy before the randomizing stage lasts
    (`randomization_lag_days`): the first subject cannot be randomized on the day the trial opens.
    """

    start: date
    planned_end: date
    randomization_lag_days: int
    registered: int
    registered_planned: int
    registered_by_plan_at_cut: float
    randomized: int
    randomized_planned: int
    randomized_by_plan_at_cut: float
    first_registration: date | None
    last_registration: date | None
    last_randomization: date | None
    sites_planned: int
    sites_opened: int
    sites_registering: int
    months: tuple[AccrualPoint, ...]
    sites: tuple[SiteAccrual, ...]


def describe_accrual(datasets: Datasets, protocol: Protocol) -> Accrual:
    """Count registrations and randomizations over calendar time and by site; who was registered in error is left out."""
    subjects, cut = datasets.subjects, datasets.provenance.up_to
    rows = [row for row, annulled in enumerate(subjects.annulled) if not annulled]
    registered = sorted(subjects.registration_date[row] for row in rows)
    randomized = sorted(when for row in rows if (when := subjects.randomization_date[row]) is not None)
    design, start = protocol.design, protocol.trial.status.start_date
    accrual_days = design.accrual_years * protocol.analysis.days_per_year

    waits = protocol.therapy is not None and not randomizes_at_once(protocol)
    lag = protocol.therapy.window_days if waits and protocol.therapy is not None else 0

    def planned(day: date, total: int, after: int = 0) -> float:
        return total * min(max(((day - start).days - after) / accrual_days, 0.0), 1.0)

    months = tuple(
        AccrualPoint(
            day=day,
            registered=sum(when <= day for when in registered),
            randomized=sum(when <= day for when in randomized),
            registered_planned=planned(day, design.registered_planned),
            randomized_planned=planned(day, design.randomized_planned, lag),
        )
        for day in _month_ends(min([start, *registered]), cut)
    )
    return Accrual(
        start=start,
        planned_end=start + timedelta(days=round(accrual_days)),
        randomization_lag_days=lag,
        registered=len(registered),
        registered_planned=design.registered_planned,
        registered_by_plan_at_cut=planned(cut, design.registered_planned),
        randomized=len(randomized),
        randomized_planned=design.randomized_planned,
        randomized_by_plan_at_cut=planned(cut, design.randomized_planned, lag),
        first_registration=registered[0] if registered else None,
        last_registration=registered[-1] if registered else None,
        last_randomization=randomized[-1] if randomized else None,
        sites_planned=design.sites_planned,
        sites_opened=len({site for site, opened in datasets.sites_opened if opened <= cut}),
        sites_registering=len({subjects.site[row] for row in rows}),
        months=months,
        sites=_sites(datasets, rows, _closed(protocol, registered, randomized) or cut, protocol.analysis.days_per_year),
    )


def _closed(protocol: Protocol, registered: Sequence[date], randomized: Sequence[date]) -> date | None:
    """The day on which the first stage closed: its last registration once it, or the randomizing stage, was full."""
    limit, target = protocol.eligibility.stage[0].limit, protocol.randomizing_stage.limit
    is_full = (limit is not None and len(registered) >= limit) or (target is not None and len(randomized) >= target)
    return registered[-1] if is_full and registered else None


def _sites(datasets: Datasets, rows: Sequence[int], until: date, days_per_year: float) -> tuple[SiteAccrual, ...]:
    subjects = datasets.subjects
    opened: dict[str, date] = {}
    for site, when in datasets.sites_opened:
        opened[site] = min(when, opened.get(site, when))
    told = []
    for site in sorted(set(opened) | {subjects.site[row] for row in rows}):
        own = [row for row in rows if subjects.site[row] == site]
        since = opened.get(site)
        open_days = (until - since).days if since is not None else 0
        told.append(
            SiteAccrual(
                site=site,
                opened=since,
                registered=len(own),
                randomized=sum(subjects.randomization_date[row] is not None for row in own),
                last_registration=max((subjects.registration_date[row] for row in own), default=None),
                per_year=len(own) * days_per_year / open_days if open_days > 0 else None,
            )
        )
    return tuple(sorted(told, key=lambda site: (-site.registered, -site.randomized, site.site)))


def _month_ends(first: date, last: date) -> tuple[date, ...]:
    """The last day of each month from the first to the last day, and the last day itself."""
    ends = []
    year, month = first.year, first.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        end = date(year, month, 1) - timedelta(days=1)
        if end >= last:
            break
        ends.append(end)
    if last >= first:
        ends.append(last)
    return tuple(ends)
