"""All of a design at once."""

from dataclasses import dataclass

from oligami.analysis.design.basis import Basis, basis_of
from oligami.analysis.design.course import CalendarCourse, calendar_course
from oligami.analysis.design.looks import LookResults, describe_looks
from oligami.analysis.design.power import PowerCurves, power_curves
from oligami.analysis.design.size import Registrations, SizeTable, registrations, size_table
from oligami.protocol.model.design import InterimPlan
from oligami.protocol.model.protocol import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignResults:
    """What a protocol's design says in numbers. registrations: None where everybody registered is randomized."""

    basis: Basis
    size: SizeTable
    registrations: Registrations | None
    power: PowerCurves
    course: CalendarCourse
    looks: LookResults


def describe_design(protocol: Protocol, asked: InterimPlan | None = None) -> DesignResults:
    """Describe the design of a protocol.

    Args:
        protocol: two arms, a survival endpoint, at least one preset.
        asked: a plan of looks to show beside the protocol's own.

    Raises:
        ValueError: the design cannot be computed: no experimental arm, or a plan of looks without solution.
    """
    return DesignResults(
        basis=basis_of(protocol),
        size=size_table(protocol),
        registrations=registrations(protocol),
        power=power_curves(protocol),
        course=calendar_course(protocol),
        looks=describe_looks(protocol, asked),
    )
