"""Registered and randomized by month, against the plan and as it may go on; counts only, no arm."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from oligami.analysis.parts import randomizes_at_once
from oligami.journal.entries import SiteId
from oligami.protocol.model.protocol import Protocol
from oligami.trial.state import Trial
from oligami.web.centre.prediction import Band, SiteSoFar, predict
from oligami.web.ledger import models as ledger

#: How far ahead the band is drawn at most.
_AHEAD_MONTHS = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """Counts at the end of a month, or today. Plans are None where only one's own sites are seen."""

    day: date
    registered: int
    registered_new: int
    randomized: int
    randomized_new: int
    registered_planned: float | None
    randomized_planned: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What may be reached by the end of a month to come, all counted from the beginning."""

    day: date
    registered: Band
    randomized: Band | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Accrual until today. whole: of the trial; else of some sites only, and neither plan nor prediction is told."""

    whole: bool
    start: date
    plan_end: date
    today: date
    lag_days: int
    registered_planned: int
    randomized_planned: int
    months: tuple[Month, ...]
    ahead: tuple[Ahead, ...]
    two_steps: bool

    @property
    def registered(self) -> int:
        """All registered until today."""
        return self.months[-1].registered if self.months else 0

    @property
    def randomized(self) -> int:
        """All randomized until today."""
        return self.months[-1].randomized if self.months else 0


def planned(protocol: Protocol, day: date, total: int, after_days: int = 0) -> float:
    """Return how many the plan expects by a day: a straight line from the start over the planned years.

    The same line as `analysis.accrual` draws in the reports; a test holds the two together.
    """
    days = protocol.design.accrual_years * protocol.analysis.days_per_year
    return total * min(max(((day - protocol.trial.status.start_date).days - after_days) / days, 0.0), 1.0)


def randomization_lag(protocol: Protocol) -> int:
    """Return the days by which randomizations are planned after registrations: the therapy in between."""
    waits = protocol.therapy is not None and not randomizes_at_once(protocol)
    return protocol.therapy.window_days if waits and protocol.therapy is not None else 0


def describe_progress(trial: Trial, today: date, sites: frozenset[SiteId] | None) -> Progress:
    """Count by month from the ledger.

    Args:
        trial: as it stands; its sites and protocol.
        today: the last day counted.
        sites: those the person may see; None: all, and then plan and prediction are told as well.
    """
    protocol = trial.protocol
    name, first = trial.study.trial, protocol.eligibility.stage[0].id
    registrations = ledger.Registration.objects.filter(trial=name, stage=first, annulled=False)
    allocated = ledger.Subject.objects.filter(trial=name, randomization_date__isnull=False).exclude(status="annulled")
    if sites is not None:
        registrations, allocated = registrations.filter(site__in=sites), allocated.filter(site__in=sites)
    registered = sorted(registrations.values_list("registration_date", "site"))
    randomized = sorted(allocated.values_list("randomization_date", "site"))
    lag = randomization_lag(protocol)
    start = protocol.trial.status.start_date
    whole = sites is None
    begin = min([start, *(day for day, _ in registered[:1])])
    months = _months(protocol, [day for day, _ in registered], [day for day, _ in randomized], begin, today, whole=whole)
    return Progress(
        whole=whole,
        start=start,
        plan_end=start + timedelta(days=round(protocol.design.accrual_years * protocol.analysis.days_per_year)),
        today=today,
        lag_days=lag,
        registered_planned=protocol.design.registered_planned,
        randomized_planned=protocol.design.randomized_planned,
        months=months,
        ahead=_ahead(trial, [site for _, site in registered], [site for _, site in randomized], today) if whole else (),
        two_steps=not randomizes_at_once(protocol),
    )


def _months(
    protocol: Protocol, registered: Sequence[date], randomized: Sequence[date], begin: date, today: date, *, whole: bool
) -> tuple[Month, ...]:
    design, lag = protocol.design, randomization_lag(protocol)
    months: list[Month] = []
    for day in month_ends(begin, today):
        counts = sum(when <= day for when in registered), sum(when <= day for when in randomized)
        before = (months[-1].registered, months[-1].randomized) if months else (0, 0)
        months.append(
            Month(
                day=day,
                registered=counts[0],
                registered_new=counts[0] - before[0],
                randomized=counts[1],
                randomized_new=counts[1] - before[1],
                registered_planned=planned(protocol, day, design.registered_planned) if whole else None,
                randomized_planned=planned(protocol, day, design.randomized_planned, lag) if whole else None,
            )
        )
    return tuple(months)


def _ahead(trial: Trial, registered: Sequence[SiteId], randomized: Sequence[SiteId], today: date) -> tuple[Ahead, ...]:
    """Predict month by month until the middle of the band has reached what is planned."""
    protocol = trial.protocol
    design, limit = protocol.design, protocol.eligibility.stage[0].limit
    most = max(design.registered_planned, limit or 0)
    if len(registered) >= most:
        return ()
    days = month_ends(today + timedelta(days=1), today + timedelta(days=31 * _AHEAD_MONTHS))[:-1]
    horizons = [float((day - today).days) for day in days]
    to_come = predict(_so_far(trial, registered, today, 0), horizons)
    draws = predict(_so_far(trial, randomized, today, randomization_lag(protocol)), horizons)
    ahead: list[Ahead] = []
    for at, band in enumerate(to_come):
        ahead.append(
            Ahead(
                day=days[at],
                registered=_from(len(registered), band, most),
                randomized=_from(len(randomized), draws[at], max(design.randomized_planned, len(randomized))) if draws else None,
            )
        )
        if len(registered) + band.median >= most:
            break
    return tuple(ahead)


def _so_far(trial: Trial, subjects: Sequence[SiteId], today: date, lag_days: int) -> list[SiteSoFar]:
    found = []
    for site in trial.study.sites.values():
        until = trial.day_of(site.closed_at) if site.closed_at is not None else today
        days = (until - trial.day_of(site.opened_at)).days - lag_days
        found.append(SiteSoFar(subjects=subjects.count(site.site), days=max(float(days), 0.0), is_open=site.closed_at is None))
    return found


def _from(now: int, band: Band, most: int) -> Band:
    return Band(low=min(now + band.low, most), median=min(now + band.median, most), high=min(now + band.high, most))


def month_ends(first: date, last: date) -> tuple[date, ...]:
    """Return the last day of each month from the first day on, and the last day itself."""
    ends: list[date] = []
    year, month = first.year, first.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        end = date(year, month, 1) - timedelta(days=1)
        if end >= last:
            break
        ends.append(end)
    return (*ends, last) if last >= first else tuple(ends)
