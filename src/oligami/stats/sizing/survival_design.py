"""A group-sequential survival trial: how many events and subjects at most, when the looks fall, what is expected.

Boundaries come from `oligami.stats.sequential`; what happens between entry and event from `assumptions`.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats
from oligami.stats.sequential import Boundaries, Classical, Spending, boundaries, hazard_ratio_of_z, operating
from oligami.stats.sizing.assumptions import Assumptions, expected_course
from oligami.stats.sizing.formulas import SampleSize, rounded_up, sample_size
from oligami.stats.sizing.hazards import scaled

# Formulas whose statistic has one variance, so that events grow by the inflation of the looks and nothing else.
METHODS = ("schoenfeld", "freedman", "rubinstein", "lakatos")
# Where the events of a look come later under another effect than assumed, they are waited for as long as this.
_PATIENCE = 20.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurvivalDesign:
    """A group-sequential survival design; arrays by look have shape (k,), by effect shape (3,).

    The effects are none, half the assumed log hazard ratio, and the assumed hazard ratio. The looks fall when their
    events are reached, so under each effect at other times.
    """

    bounds: Boundaries
    assumptions: Assumptions  # with the subjects of the design
    method: str
    power: float
    fixed: SampleSize  # the design without interim looks
    inflation: float
    max_events: float
    max_subjects: float
    events: Floats  # at each look
    analysis_time: Floats  # calendar time of each look under the assumed hazard ratio
    subjects: Floats  # entered by each look
    events_control: Floats
    events_experimental: Floats
    hr_efficacy: Floats  # observed hazard ratio at the bounds
    hr_futility: Floats  # NaN where there is none
    reject: Floats  # probability to stop for efficacy at each look under the assumed hazard ratio
    stop_futility: Floats  # for futility, at looks before the last
    effects: Floats  # hazard ratios 1, sqrt(HR), HR
    probability_reject: Floats  # by effect
    expected_events: Floats  # by effect
    expected_subjects: Floats  # by effect
    expected_duration: Floats  # by effect; NaN where the events of a look are never reached
    look_times: Floats  # calendar time of each look by effect, shape (3, k)

    @property
    def subjects_rounded(self) -> int:
        """Subjects when each arm is rounded up."""
        return sum(rounded_up(self.max_subjects * share) for share in self.assumptions.shares)

    @property
    def events_rounded(self) -> int:
        """Events of the last look rounded up."""
        return rounded_up(self.max_events)

    def summary(self) -> str:
        """Return the design as tables of text: looks, then what is expected under each effect."""
        heads = ["look", "information", "time", "events", "subjects", "Z", "p", "HR"]
        columns = [self.bounds.fraction, self.analysis_time, self.events, self.subjects]
        columns += [self.bounds.z_efficacy, self.bounds.p_efficacy, self.hr_efficacy]
        if np.isfinite(self.bounds.z_futility[:-1]).any():
            heads += ["futility Z", "futility HR"]
            columns += [self.bounds.z_futility, self.hr_futility]
        heads += ["stop, HR assumed"]
        columns += [self.reject + self.stop_futility]
        rows = [[k + 1, *(float(column[k]) for column in columns)] for k in range(self.events.size)]
        ratio = float(self.effects[2])
        title = f"Group-sequential survival design by {self.method}, hazard ratio {show.number(ratio)}"
        notes = [
            f"power {show.number(self.power)}, alpha {show.number(self.bounds.alpha)}, sides {self.bounds.sided}; "
            f"{show.number(self.max_events)} events of {show.number(self.max_subjects)} subjects at most "
            f"({self.subjects_rounded} with each arm rounded up), {show.number(self.inflation)} times the fixed design",
            "",
        ]
        expected = [
            [name, *map(float, row)]
            for name, *row in zip(
                ("none", "half", "assumed"),
                self.effects,
                self.probability_reject,
                self.expected_events,
                self.expected_subjects,
                self.expected_duration,
                strict=True,
            )
        ]
        means = show.table("Expected", ["effect", "HR", "reject", "events", "subjects", "duration"], expected)
        return "\n".join([show.table(title, heads, rows, notes), means])

    def to_frame(self) -> Any:
        """Return a pandas DataFrame, one row a look."""
        return show.frame(
            {
                "look": np.arange(1, self.events.size + 1),
                "fraction": self.bounds.fraction,
                "analysis_time": self.analysis_time,
                "events": self.events,
                "events_control": self.events_control,
                "events_experimental": self.events_experimental,
                "subjects": self.subjects,
                "z_efficacy": self.bounds.z_efficacy,
                "z_futility": self.bounds.z_futility,
                "hr_efficacy": self.hr_efficacy,
                "hr_futility": self.hr_futility,
                "reject": self.reject,
                "stop_futility": self.stop_futility,
            }
        )

    def plot(self, ax: Any = None) -> Any:
        """Draw subjects and events by calendar time, with the looks; return the axes."""
        axes = expected_course(self.assumptions, np.linspace(0.0, self.assumptions.duration, 101)).plot(ax)
        axes.plot(self.analysis_time, self.events, "o", color="black", label="looks")
        axes.legend()
        return axes


def survival_design(
    assumptions: Assumptions,
    *,
    alpha: float,
    power: float,
    efficacy: Spending | Classical,
    information: ArrayLike = (0.5, 1.0),
    sided: int = 1,
    futility: Spending | list[float] | None = None,
    binding: bool = False,
    method: str = "schoenfeld",
    subjects: float | None = None,
) -> SurvivalDesign:
    """Design a group-sequential survival trial with looks at given fractions of its events.

    Args:
        assumptions: the trial as assumed, its hazard ratio constant; its accrual time and follow-up are kept.
        alpha: level of the test: of one side when sided is 1, of both together when 2.
        power: in (alpha, 1), under the assumed hazard ratio; futility stops are honoured in it.
        efficacy: family of the efficacy bounds, as `sequential.boundaries`.
        information: share of the events at each look, shape (k,), increasing; the last counts as the whole.
        sided: 1 or 2.
        futility: spending function of the second error, or the futility bounds as Z, one for each look but the last.
        binding: whether the efficacy bounds count on the futility bounds.
        method: `schoenfeld`, `freedman`, `rubinstein` or `lakatos`, for the events of the fixed design.
        subjects: when given, this many enter, and the last look falls when the events are there; by default as many as
            bring the events by the end of follow-up.

    Raises:
        ValueError: an argument is out of its range, the hazard ratio is not constant, or the subjects cannot bring the
            events even when waited for.

    Source: Jennison and Turnbull (2000), Group Sequential Methods, sections 3.1 and 13.3: the log-rank score has
    independent increments, information proportional to events.

    >>> from oligami.stats.sequential import spending_obrien_fleming
    >>> from oligami.stats.sizing import assume, exponential_through, uniform
    >>> plan = assume(control=exponential_through(0.45, at=5), experimental=exponential_through(0.57, at=5),
    ...               accrual=uniform(3), followup=5)
    >>> design = survival_design(plan, alpha=0.05, power=0.7, efficacy=spending_obrien_fleming(), information=[0.5, 1])
    >>> round(design.max_events, 2), round(design.max_subjects, 1), design.analysis_time.round(3).tolist()
    (154.04, 265.9, [4.079, 8.0])
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    if assumptions.hazard_ratio is None:
        raise ValueError("assumptions have a hazard ratio that changes over time; a design by looks needs a constant one")
    fixed = sample_size(assumptions, alpha=alpha, power=power, sides=sided, method=method)
    bounds = boundaries(
        information, alpha=alpha, efficacy=efficacy, sided=sided, futility=futility, beta=1 - power, binding=binding
    )
    max_events = fixed.events * bounds.inflation
    max_subjects = fixed.subjects * bounds.inflation
    if subjects is not None:
        max_subjects = arguments.number(subjects, "subjects", above=0)
        if max_subjects < max_events:
            raise ValueError(
                f"subjects is {subjects!r}; it must bring {max_events:.1f} events, and brings at most {max_subjects:.1f}"
            )
    trial = assumptions.with_subjects(max_subjects)
    looks = max_events * bounds.fraction
    ratio = assumptions.hazard_ratio
    effects = np.array([1.0, np.sqrt(ratio), ratio])
    times = np.stack([_look_times(trial, looks, effect) for effect in effects.tolist()])
    # Without a number of subjects of its own the design ends with its follow-up, to the last digit.
    if subjects is None:
        times[2, -1] = trial.duration
    if np.isnan(times[2]).any():
        reach = float(trial.total_events(_PATIENCE * trial.duration))
        raise ValueError(f"subjects is {subjects!r}; it must bring {max_events:.1f} events, and brings at most {reach:.1f}")
    does = operating(bounds, np.array([0.0, bounds.drift / 2, bounds.drift]))
    control, experimental = trial.events(times[2])
    futility_hr = hazard_ratio_of_z(bounds.z_futility, looks, allocation_ratio=trial.allocation)
    early = np.append(does.futility[2, :-1], 0.0)
    return SurvivalDesign(
        bounds=bounds,
        assumptions=trial,
        method=method,
        power=power,
        fixed=fixed,
        inflation=bounds.inflation,
        max_events=max_events,
        max_subjects=max_subjects,
        events=arguments.frozen(looks),
        analysis_time=arguments.frozen(times[2]),
        subjects=arguments.frozen(trial.accrual.enrolled(times[2])),
        events_control=arguments.frozen(control),
        events_experimental=arguments.frozen(experimental),
        hr_efficacy=arguments.frozen(hazard_ratio_of_z(bounds.z_efficacy, looks, allocation_ratio=trial.allocation)),
        hr_futility=arguments.frozen(np.where(np.isfinite(bounds.z_futility), futility_hr, np.nan)),
        reject=arguments.frozen(does.efficacy[2] + does.harm[2]),
        stop_futility=arguments.frozen(early),
        effects=arguments.frozen(effects),
        probability_reject=does.power,
        expected_events=arguments.frozen(does.expected_information * max_events),
        expected_subjects=arguments.frozen((does.stop * trial.accrual.enrolled(times)).sum(axis=1)),
        expected_duration=arguments.frozen((does.stop * times).sum(axis=1)),
        look_times=arguments.frozen(times),
    )


def _look_times(trial: Assumptions, looks: Floats, hazard_ratio: float) -> Floats:
    """When the events of each look are reached under a hazard ratio; NaN where they never are."""
    other = trial
    if hazard_ratio != trial.hazard_ratio:
        other = replace(trial, experimental=scaled(trial.control, hazard_ratio), hazard_ratio=hazard_ratio)
    found = other.times_of_events(looks)
    if np.isnan(found).any():
        found = other.times_of_events(looks, latest=_PATIENCE * trial.duration)
    return found
