"""The trial along the calendar: who has entered, how many events are expected, and when the planned ones come."""

import math
from dataclasses import dataclass

import numpy as np

from oligami.analysis.design.basis import Basis, assumptions_of, basis_of
from oligami.protocol.model.protocol import Protocol
from oligami.stats.sizing import expected_course

#: Points of the calendar for each year.
_PER_YEAR = 4
#: The events are waited for this many times the planned duration.
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CoursePoint:
    """What is expected by a time, years from the first randomization."""

    years: float
    in_page: bool
    enrolled: float
    events: float
    events_control: float
    events_experimental: float
    events_no_effect: float
    followed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """When the planned events of a preset come, and how many there are at the planned end. None: never."""

    basis: Basis
    years: float | None
    years_no_effect: float | None
    events_at_end: float
    events_at_end_no_effect: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarCourse:
    """The expected course under the preset in force, and the arrival of the planned events under each preset."""

    points: tuple[CoursePoint, ...]
    arrivals: tuple[Arrival, ...]  # the preset in force first


def calendar_course(protocol: Protocol) -> CalendarCourse:
    """Return the course, a quarter of a year a point, to the planned end or a year after the planned events."""
    basis = basis_of(protocol)
    others = [each.id for each in protocol.design.preset if each.id != basis.preset]
    arrivals = tuple(_arrival(protocol, preset) for preset in (basis.preset, *others))
    came = arrivals[0].years
    end = max(basis.planned_end, min(came + 1, 1.5 * basis.planned_end) if came is not None else 0.0)
    times = np.arange(math.ceil(end * _PER_YEAR) + 1) / _PER_YEAR
    found = expected_course(assumptions_of(protocol), times)
    null = assumptions_of(protocol, hazard_ratio=1.0).total_events(times)
    points = tuple(
        CoursePoint(
            years=float(years),
            in_page=float(years).is_integer(),
            enrolled=float(found.enrolled[i]),
            events=float(found.events[i]),
            events_control=float(found.events_control[i]),
            events_experimental=float(found.events_experimental[i]),
            events_no_effect=float(null[i]),
            followed=float(found.at_risk[i]),
        )
        for i, years in enumerate(times)
    )
    return CalendarCourse(points=points, arrivals=arrivals)


def years_of_events(
    protocol: Protocol, events: list[float], *, preset: str | None = None, no_effect: bool = False
) -> list[float]:
    """Return the years from the first randomization at which so many events are expected; NaN where they never are."""
    trial = assumptions_of(protocol, preset=preset, hazard_ratio=1.0 if no_effect else None)
    return [float(t) for t in trial.times_of_events(events, latest=_PATIENCE * trial.duration)]


def _arrival(protocol: Protocol, preset: str) -> Arrival:
    basis = basis_of(protocol, preset)
    planned = [float(basis.planned_events)]
    null = assumptions_of(protocol, preset=preset, hazard_ratio=1.0)
    return Arrival(
        basis=basis,
        years=_known(years_of_events(protocol, planned, preset=preset)[0]),
        years_no_effect=_known(years_of_events(protocol, planned, preset=preset, no_effect=True)[0]),
        events_at_end=basis.expected_events,
        events_at_end_no_effect=float(null.total_events(null.duration)),
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
