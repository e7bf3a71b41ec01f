"""Where the disease progressed first, by arm: counts and cumulative incidence, with death as a competing cause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oligami.analysis import measures
from oligami.analysis.endpoints import Rows, years_shown
from oligami.analysis.measures import Estimate, undefined
from oligami.data.datasets import TimeToEvent
from oligami.protocol.model.analysis import AnalysisFile, Endpoint
from oligami.stats.competing import cumulative_incidence


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseIncidence:
    """How often one cause came first, in one arm, and its cumulative incidence (Aalen-Johansen) at the milestones."""

    cause: str
    count: int
    milestones: tuple[tuple[float, Estimate], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmIncidence:
    """Competing causes in one arm. The steps hold, for each cause, the incidence at each of `time_days`."""

    arm: str
    n: int
    causes: tuple[CauseIncidence, ...]
    time_days: tuple[float, ...]
    incidence: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressionSites:
    """Where the disease progressed first, by arm, with death before progression as a competing cause."""

    endpoint: str
    based_on: str
    arms: tuple[ArmIncidence, ...]


DEATH_FIRST = "death_without_progression"
SITE_UNKNOWN = "site_unknown"
PROGRESSION_SITES = ("oligometastases", "non_oligometastases", "both")


def analyse_progression_sites(
    data: TimeToEvent,
    endpoint: Endpoint,
    *,
    analysis: AnalysisFile,
    arms: Sequence[str],
    sites: Mapping[str, str | None],
) -> ProgressionSites:
    """Count by arm where the disease progressed first, among all events of a progression-free survival.

    Args:
        data: the rows of the progression-free survival.
        endpoint: the endpoint that asks for the site.
        analysis: milestones and levels.
        arms: in the protocol's order.
        sites: where each subject progressed; None: not known.
    """
    found = {site for site in sites.values() if site is not None}
    causes = [*PROGRESSION_SITES, *sorted(found - set(PROGRESSION_SITES)), SITE_UNKNOWN, DEATH_FIRST]
    of_row = np.zeros(len(data), dtype=np.int64)
    for row, (subject, event, cause) in enumerate(zip(data.subject, data.event, data.cause, strict=True)):
        if event:
            what = DEATH_FIRST if cause == "death" else sites.get(subject) or SITE_UNKNOWN
            of_row[row] = causes.index(what) + 1
    if not (of_row == causes.index(SITE_UNKNOWN) + 1).any():
        of_row[of_row == len(causes)] -= 1
        causes.remove(SITE_UNKNOWN)
    level = max(analysis.confidence_levels)
    results = []
    for arm in arms:
        rows = np.array([own == arm for own in data.arm], dtype=np.bool_)
        if rows.any():
            results.append(_incidence(data, rows, of_row, arm, causes, analysis, level))
    return ProgressionSites(endpoint=endpoint.id, based_on=data.endpoint, arms=tuple(results))


def _incidence(
    data: TimeToEvent,
    rows: Rows,
    of_row: npt.NDArray[np.int64],
    arm: str,
    causes: list[str],
    analysis: AnalysisFile,
    level: float,
) -> ArmIncidence:
    time = data.time_days[rows]
    found = cumulative_incidence(time, of_row[rows], causes=range(1, len(causes) + 1))
    shown = years_shown(analysis)
    days = [years * analysis.days_per_year for years in shown]
    value, _ = found.at(days)
    told = []
    for k, cause in enumerate(causes):
        milestones = tuple(
            (years, Estimate(value=float(value[k, j])) if days[j] <= time.max() else undefined(measures.NOT_FOLLOWED))
            for j, years in enumerate(shown)
        )
        told.append(CauseIncidence(cause=cause, count=found.events[k], milestones=milestones))
    return ArmIncidence(
        arm=arm,
        n=int(rows.sum()),
        causes=tuple(told),
        time_days=(0.0, *(float(t) for t in found.time)),
        incidence=tuple((0.0, *(float(p) for p in found.incidence[k])) for k in range(len(causes))),
    )
