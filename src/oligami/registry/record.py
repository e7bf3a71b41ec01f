"""The public record of a trial at a record of its journal: what the registry says as revised, and what the journal adds.

Sites that stand only in a rehearsal (`fictitious`) never reach it, in no list and no count.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from oligami.journal.entries import SiteId
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.record import Location, TrialFile
from oligami.protocol.text import Text
from oligami.trial.record_paths import SAID_STATUSES
from oligami.trial.state import SiteState

RECRUITING: Final = "RECRUITING"
NOT_YET: Final = "NOT_YET_RECRUITING"
NO_LONGER: Final = "ACTIVE_NOT_RECRUITING"
SUSPENDED: Final = "SUSPENDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """How many were registered at a stage so far, and how many the protocol allows (None: no limit). Never by arm."""

    stage: str
    title: Text
    count: int
    planned: int | None
    randomizes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDates:
    """Since when a location recruits, and until when it did; None where the journal does not say."""

    opened: date | None = None
    closed: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicRecord:
    """The public record as it stands after record `seq` of the journal.

    said: the record with the status, sites and results that follow from the journal in their places.
    protocol: the version in force for the whole trial. approved: later versions that sites take over one by one.
    site_dates: for each location of `said`, in the same order.
    paused: titles of the stages at which registration is paused.
    at: instant of record `seq`, in UTC; `day` is its date in the trial's own time zone.
    """

    trial: str
    said: TrialFile
    protocol: Protocol
    approved: tuple[str, ...]
    site_dates: tuple[SiteDates, ...]
    enrolment: tuple[Enrolment, ...]
    paused: tuple[Text, ...]
    simulated: bool
    seq: int
    seal: str
    at: datetime

    @property
    def day(self) -> date:
        """The date of the record, where the trial is at home."""
        return local_day(self.at, self.said.time_zone)

    @property
    def status(self) -> str:
        """The overall status, in the registry's word."""
        return self.said.status.overall


def local_day(at: datetime, time_zone: str) -> date:
    """Return the date of an instant in a time zone."""
    return at.astimezone(ZoneInfo(time_zone)).date()


def same_name(name: str) -> str:
    """Return a site's name in the form in which two spellings of one name are equal (width, case, spaces)."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def overall_status(
    said: str,
    *,
    stages: tuple[str, ...],
    sites: Iterable[SiteState],
    paused: frozenset[str | None],
    full: bool,
) -> str:
    """Return the trial's overall status.

    Args:
        said: the status of the record as revised; an end that was said (completed, terminated, withdrawn) stands.
        stages: the registrations in their order; the first is the one that takes people in.
        sites: the sites that count.
        paused: the stages at which registration is paused, None for all.
        full: whether the first stage has all the subjects it may have.

    Source: ClinicalTrials.gov, Protocol Registration Data Element Definitions, Overall Recruitment Status.
    """
    counted = list(sites)
    if said in SAID_STATUSES:
        return said
    if not counted:
        return NOT_YET
    if None in paused or stages[0] in paused:
        return SUSPENDED
    if full or all(site.closed_at is not None for site in counted):
        return NO_LONGER
    return RECRUITING


def location_status(site: SiteState | None, overall: str) -> str:
    """Return a site's recruitment: that of the whole trial while it is open, its own once it is closed or not yet opened."""
    if site is None:
        return overall if overall in SAID_STATUSES else NOT_YET
    if site.closed_at is not None and overall not in SAID_STATUSES:
        return NO_LONGER
    return overall


def public_record(
    *,
    trial: str,
    record: TrialFile,
    protocol: Protocol,
    approved: tuple[str, ...],
    sites: Mapping[SiteId, SiteState],
    counts: Mapping[str, Mapping[SiteId, int]],
    paused: frozenset[str | None],
    simulated: bool,
    seq: int,
    seal: str,
    at: datetime,
) -> PublicRecord:
    """Return the public record from what the journal says so far.

    Args:
        trial: the trial's id.
        record: the registry's record as revised.
        protocol: the version in force for the whole trial.
        approved: later versions that sites take over one by one.
        sites: all sites, the fictitious ones among them.
        counts: registrations that stand, by stage and site.
        paused: stages at which registration is paused, None for all.
        simulated: whether the whole journal is a rehearsal; then its subjects count wherever they are.
        seq: number of the record.
        seal: its seal.
        at: its instant.
    """
    counted = {name: site for name, site in sites.items() if simulated or not site.fictitious}
    stages = protocol.eligibility.stage
    first = stages[0]
    total = sum(counts.get(first.id, {}).values())
    overall = overall_status(
        record.status.overall,
        stages=tuple(stage.id for stage in stages),
        sites=counted.values(),
        paused=paused,
        full=first.limit is not None and total >= first.limit,
    )
    locations, dates = _locations(record, sites.values(), overall)
    return PublicRecord(
        trial=trial,
        said=replace(record, status=replace(record.status, overall=overall), location=locations),
        protocol=protocol,
        approved=approved,
        site_dates=dates,
        enrolment=tuple(
            Enrolment(
                stage=stage.id,
                title=stage.title,
                count=sum(count for site, count in counts.get(stage.id, {}).items() if site in counted),
                planned=stage.limit,
                randomizes=stage.randomizes,
            )
            for stage in stages
        ),
        paused=tuple(stage.title for stage in stages if None in paused or stage.id in paused),
        simulated=simulated,
        seq=seq,
        seal=seal,
        at=at.astimezone(UTC),
    )


def _locations(record: TrialFile, sites: Iterable[SiteState], overall: str) -> tuple[tuple[Location, ...], tuple[SiteDates, ...]]:
    """Return the record's locations with their status, then the sites of the journal that the record does not name.

    A site is the location of the same name. The journal keeps names only, so a new site's place stands open until a revision
    of the record adds the location.
    """
    real = {same_name(site.name): site for site in sites if not site.fictitious}
    locations, dates = [], []
    for location in record.location:
        site = real.pop(same_name(location.facility), None)
        locations.append(replace(location, status=location_status(site, overall)))
        dates.append(_dates(site, record.time_zone))
    for site in real.values():
        status = location_status(site, overall)
        locations.append(Location(facility=site.name, status=status, city="", country=""))
        dates.append(_dates(site, record.time_zone))
    return tuple(locations), tuple(dates)


def _dates(site: SiteState | None, time_zone: str) -> SiteDates:
    if site is None:
        return SiteDates()
    closed = None if site.closed_at is None else local_day(site.closed_at, time_zone)
    return SiteDates(opened=local_day(site.opened_at, time_zone), closed=closed)
