"""What every number of a design rests on: the preset in force, the times, the level, and the events planned."""

import math
from dataclasses import dataclass
from typing import Final

from oligami.protocol.model.design import SurvivalPreset
from oligami.protocol.model.protocol import Protocol
from oligami.stats.sizing import Assumptions, assume, exponential_through, freedman_events, uniform

#: The formula behind the events planned.
EVENTS_METHOD: Final = "freedman"
#: The formula of the power that is shown: the limit of the log-rank test itself, for any hazards.
POWER_METHOD: Final = "lakatos"


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The assumptions of a preset. Times in years, survival at the milestone.

    level: of one side. allocation: experimental subjects to one control subject. planned_events: by `EVENTS_METHOD`, rounded
    up. expected_events: with the subjects planned, at the planned end. planned_end: years from the first randomization.
    """

    preset: str
    control: float
    experimental: float
    hazard_ratio: float
    milestone: float
    accrual: float
    followup: float
    planned_end: float
    level: float
    power: float
    subjects: int
    allocation: float
    planned_events: int
    expected_events: float


def preset_of(protocol: Protocol, preset: str | None = None) -> SurvivalPreset:
    """Return a preset, by default the one in force; KeyError if there is none of this id."""
    wanted = protocol.design.preset_in_force if preset is None else preset
    for each in protocol.design.preset:
        if each.id == wanted:
            return each
    raise KeyError(wanted)


def allocation_ratio(protocol: Protocol) -> float:
    """Return experimental subjects for each control subject, first experimental arm.

    Raises:
        ValueError: the protocol has no control or no experimental arm in its allocation.
    """
    shares: dict[str, float] = {}
    for arm in protocol.allocation.arms:
        shares.setdefault(protocol.arm(arm.id).role, float(arm.ratio))
    if set(shares) != {"control", "experimental"}:
        found = ", ".join(f"{arm.id} ({protocol.arm(arm.id).role})" for arm in protocol.allocation.arms)
        raise ValueError(f"the protocol allocates to {found}; a design needs a control and an experimental arm")
    return shares["experimental"] / shares["control"]


def assumptions_of(protocol: Protocol, *, preset: str | None = None, hazard_ratio: float | None = None) -> Assumptions:
    """Return the trial as a preset assumes it: exponential survival, uniform accrual of the subjects planned, no drop-out.

    hazard_ratio: instead of the preset's effect; 1 for none.
    """
    design, chosen = protocol.design, preset_of(protocol, preset)
    return assume(
        control=exponential_through(chosen.control_survival, at=design.milestone_years),
        experimental=None
        if hazard_ratio is not None
        else exponential_through(chosen.experimental_survival, at=design.milestone_years),
        hazard_ratio=hazard_ratio,
        accrual=uniform(design.accrual_years, subjects=design.randomized_planned),
        followup=design.follow_up_years,
        allocation=allocation_ratio(protocol),
    )


def basis_of(protocol: Protocol, preset: str | None = None) -> Basis:
    """Return what follows from a preset at once."""
    design, chosen = protocol.design, preset_of(protocol, preset)
    trial = assumptions_of(protocol, preset=preset)
    ratio = math.log(chosen.experimental_survival) / math.log(chosen.control_survival)
    allocation = allocation_ratio(protocol)
    events = freedman_events(ratio, alpha=design.alpha, power=design.power, sides=design.sided, allocation=allocation)
    return Basis(
        preset=chosen.id,
        control=chosen.control_survival,
        experimental=chosen.experimental_survival,
        hazard_ratio=ratio,
        milestone=design.milestone_years,
        accrual=design.accrual_years,
        followup=design.follow_up_years,
        planned_end=design.accrual_years + design.follow_up_years,
        level=design.alpha / design.sided,
        power=design.power,
        subjects=design.randomized_planned,
        allocation=allocation,
        planned_events=math.ceil(events),
        expected_events=float(trial.total_events(trial.duration)),
    )
