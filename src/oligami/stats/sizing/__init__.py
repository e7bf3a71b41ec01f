"""How many subjects and events a two-arm survival trial needs, and for how long.

`hazards` and `accrual` say what is assumed, `assumptions` joins them to a trial, `events` counts what is expected.
`formulas`, `milestone` and `logrank_limit` turn it into subjects and power, `unknown` solves for any one quantity,
`baseline` lays it out over the control survival, `registrations` steps back to the first registration.
`survival_design` adds looks before the end, `projection` foretells the events of a running trial from blinded data.
"""

from oligami.stats.sizing.accrual import Accrual, by_rates, ramped, uniform
from oligami.stats.sizing.assumptions import (
    Assumptions,
    AverageHazardRatio,
    Course,
    assume,
    average_hazard_ratio,
    expected_course,
)
from oligami.stats.sizing.baseline import BaselinePower, BaselineTable, baseline_power, baseline_table
from oligami.stats.sizing.events import event_rate, expected_dropouts, expected_events
from oligami.stats.sizing.formulas import SampleSize, freedman_events, power_of, sample_size, schoenfeld_events
from oligami.stats.sizing.hazards import (
    TimeToEvent,
    cure,
    exponential,
    exponential_through,
    piecewise,
    piecewise_through,
    scaled,
    weibull,
)
from oligami.stats.sizing.logrank_limit import LogrankLimit, limit_of_logrank, logrank_power, logrank_subjects
from oligami.stats.sizing.milestone import (
    events_over_milestone_probability,
    kaplan_meier_at_milestone,
    two_binomials,
    two_binomials_arcsine,
)
from oligami.stats.sizing.projection import EventProjection, Prediction, project_events
from oligami.stats.sizing.registrations import Registration, registered_needed, registration, share_needed
from oligami.stats.sizing.survival_design import SurvivalDesign, survival_design
from oligami.stats.sizing.unknown import Solution, solve

__all__ = [
    "Accrual",
    "Assumptions",
    "AverageHazardRatio",
    "BaselinePower",
    "BaselineTable",
    "Course",
    "EventProjection",
    "LogrankLimit",
    "Prediction",
    "Registration",
    "SampleSize",
    "Solution",
    "SurvivalDesign",
    "TimeToEvent",
    "assume",
    "average_hazard_ratio",
    "baseline_power",
    "baseline_table",
    "by_rates",
    "cure",
    "event_rate",
    "events_over_milestone_probability",
    "expected_course",
    "expected_dropouts",
    "expected_events",
    "exponential",
    "exponential_through",
    "freedman_events",
    "kaplan_meier_at_milestone",
    "limit_of_logrank",
    "logrank_power",
    "logrank_subjects",
    "piecewise",
    "piecewise_through",
    "power_of",
    "project_events",
    "ramped",
    "registered_needed",
    "registration",
    "sample_size",
    "scaled",
    "schoenfeld_events",
    "share_needed",
    "solve",
    "survival_design",
    "two_binomials",
    "two_binomials_arcsine",
    "uniform",
    "weibull",
]
