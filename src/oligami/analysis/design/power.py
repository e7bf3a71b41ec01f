"""Power of the subjects planned, against what nobody knows: the control arm's survival, and the true difference."""

import math
from dataclasses import dataclass

import numpy as np

from oligami.analysis.design.basis import POWER_METHOD, allocation_ratio, basis_of
from oligami.analysis.design.size import control_span
from oligami.protocol.model.protocol import Protocol
from oligami.stats.sizing import BaselinePower, assume, baseline_power, exponential_through, power_of, uniform


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselinePoint:
    """Power at one control survival: with the planned difference, and with the hazard ratio of the preset in force."""

    control: float
    in_page: bool
    hazard_ratio: float  # of the planned difference
    events: float  # expected at the planned end under the planned difference
    power_difference: float
    experimental_fixed: float  # survival of the experimental arm under the fixed ratio
    events_fixed: float
    power_fixed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferencePoint:
    """Power at one true difference, control survival as a preset has it. At no difference it is the level."""

    preset: str
    difference: float
    hazard_ratio: float
    events: float
    power: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCurves:
    """Power of the subjects planned at the planned end, by the limit of the log-rank test."""

    subjects: int
    method: str
    fixed_hazard_ratio: float
    by_control: tuple[BaselinePoint, ...]
    by_difference: tuple[DifferencePoint, ...]


def power_curves(protocol: Protocol) -> PowerCurves:
    """Return both curves."""
    basis = basis_of(protocol)
    return PowerCurves(
        subjects=basis.subjects,
        method=POWER_METHOD,
        fixed_hazard_ratio=basis.hazard_ratio,
        by_control=_by_control(protocol, basis.hazard_ratio),
        by_difference=tuple(
            point for preset in protocol.design.preset for point in _by_difference(protocol, preset.id, preset.control_survival)
        ),
    )


def _by_control(protocol: Protocol, fixed: float) -> tuple[BaselinePoint, ...]:
    design = protocol.design
    low, high = control_span(protocol)
    base = np.arange(round(100 * low), math.floor(100 * high + 1e-9) + 1) / 100

    def found(difference: float | None, ratio: float | None) -> BaselinePower:
        return baseline_power(
            base,
            subjects=design.randomized_planned,
            milestone=design.milestone_years,
            accrual=uniform(design.accrual_years),
            followup=design.follow_up_years,
            alpha=design.alpha,
            difference=difference,
            hazard_ratio=ratio,
            sides=design.sided,
            allocation=allocation_ratio(protocol),
            method=POWER_METHOD,
        )

    stated, other = found(design.difference, None), found(None, fixed)
    return tuple(
        BaselinePoint(
            control=float(control),
            in_page=round(100 * float(control)) % 5 == 0,
            hazard_ratio=float(stated.hazard_ratio[i]),
            events=float(stated.events[i]),
            power_difference=float(stated.power[i]),
            experimental_fixed=float(other.survival_experimental[i]),
            events_fixed=float(other.events[i]),
            power_fixed=float(other.power[i]),
        )
        for i, control in enumerate(base)
    )


def _by_difference(protocol: Protocol, preset: str, control: float) -> list[DifferencePoint]:
    design = protocol.design
    # Up to twice the planned difference, a sixth of it a step.
    steps = [round(design.difference * k / 6, 10) for k in range(13)]
    points = []
    for difference in steps:
        if not control + difference < 1:
            break
        trial = assume(
            control=exponential_through(control, at=design.milestone_years),
            experimental=exponential_through(control + difference, at=design.milestone_years),
            accrual=uniform(design.accrual_years, subjects=design.randomized_planned),
            followup=design.follow_up_years,
            allocation=allocation_ratio(protocol),
        )
        # Without a difference there is nothing to detect, and the test rejects at its level.
        power = design.alpha / design.sided
        if difference > 0:
            power = power_of(trial, alpha=design.alpha, sides=design.sided, method=POWER_METHOD).power
        points.append(
            DifferencePoint(
                preset=preset,
                difference=difference,
                hazard_ratio=math.log(control + difference) / math.log(control),
                events=float(trial.total_events(trial.duration)),
                power=power,
            )
        )
    return points
