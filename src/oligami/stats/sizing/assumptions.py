"""What a two-arm trial is assumed to be like: survival in both arms, entry, follow-up, drop-out, allocation.

Leaves errors of the two kinds to `formulas`, and looks before the end to `survival_design`.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats
from oligami.stats.sizing import events
from oligami.stats.sizing.accrual import Accrual
from oligami.stats.sizing.hazards import Piecewise, TimeToEvent, exponential, scaled

Dropout = TimeToEvent | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """A two-arm trial as assumed; made by `assume`. Calendar times count from the first entry."""

    control: TimeToEvent
    experimental: TimeToEvent
    hazard_ratio: float | None  # experimental to control; None when it changes over time
    accrual: Accrual  # of both arms
    followup: float  # from the last entry to the analysis
    dropout_control: TimeToEvent
    dropout_experimental: TimeToEvent
    allocation: float  # experimental subjects to one control subject

    @property
    def duration(self) -> float:
        """Calendar time of the analysis."""
        return self.accrual.duration + self.followup

    @property
    def subjects(self) -> float:
        """Subjects in both arms."""
        return self.accrual.subjects

    @property
    def shares(self) -> tuple[float, float]:
        """Share of the subjects in the control and in the experimental arm."""
        return 1 / (1 + self.allocation), self.allocation / (1 + self.allocation)

    @property
    def arms(self) -> tuple[tuple[TimeToEvent, TimeToEvent], tuple[TimeToEvent, TimeToEvent]]:
        """Event and drop-out of the control and of the experimental arm."""
        return (self.control, self.dropout_control), (self.experimental, self.dropout_experimental)

    def with_subjects(self, subjects: float) -> "Assumptions":
        """Return the same trial with another number of subjects."""
        return replace(self, accrual=self.accrual.with_subjects(subjects))

    def events(self, times: ArrayLike) -> tuple[Floats, Floats]:
        """Return the expected events of the control and of the experimental arm by each calendar time."""
        control, experimental = (
            share * events.expected_events(times, accrual=self.accrual, event=event, dropout=dropout)
            for share, (event, dropout) in zip(self.shares, self.arms, strict=True)
        )
        return control, experimental

    def total_events(self, times: ArrayLike) -> Floats:
        """Return the expected events of both arms by each calendar time."""
        control, experimental = self.events(times)
        return control + experimental

    def events_and_rate(self, times: ArrayLike) -> tuple[Floats, Floats]:
        """Return the expected events of both arms by each calendar time, and how many come per unit of time then."""
        found = [
            events.events_and_rate(times, accrual=self.accrual, event=event, dropout=dropout) for event, dropout in self.arms
        ]
        (control, control_rate), (experimental, experimental_rate) = found
        q0, q1 = self.shares
        return q0 * control + q1 * experimental, q0 * control_rate + q1 * experimental_rate

    def event_probabilities(self, duration: float | None = None) -> tuple[float, float]:
        """Return the probability that a subject of each arm has the event by the analysis."""
        at = self.duration if duration is None else duration
        control, experimental = self.events(at)
        entered = float(self.accrual.enrolled(at))
        return float(control) / (self.shares[0] * entered), float(experimental) / (self.shares[1] * entered)

    def times_of_events(self, targets: ArrayLike, *, latest: float | None = None) -> Floats:
        """Return when the expected events of both arms reach each target; NaN when not by `latest`.

        Args:
            targets: numbers of events, any shape.
            latest: the end of the search, by default the analysis.
        """
        wanted = np.asarray(targets, dtype=np.float64)
        end = self.duration if latest is None else latest
        return events.times_of(wanted.ravel(), self.events_and_rate, end).reshape(wanted.shape)


def assume(
    *,
    control: TimeToEvent,
    accrual: Accrual,
    followup: float,
    experimental: TimeToEvent | None = None,
    hazard_ratio: float | None = None,
    dropout: Dropout | tuple[Dropout, Dropout] = None,
    allocation: float = 1.0,
) -> Assumptions:
    """Return the assumptions about a two-arm trial, checked.

    Args:
        control: time to the event in the control arm.
        accrual: entry of both arms together; its number of subjects matters only where one is asked for.
        followup: from the last entry to the analysis, >= 0.
        experimental: time to the event in the experimental arm; this or `hazard_ratio`.
        hazard_ratio: of the experimental to the control arm at all times, > 0.
        dropout: time to loss as a distribution or a constant hazard, for both arms or as (control, experimental);
            None for no loss.
        allocation: experimental subjects to one control subject, > 0.

    Raises:
        ValueError: an argument is out of its range, or not exactly one of `experimental` and `hazard_ratio` is given.

    >>> from oligami.stats.sizing.accrual import uniform
    >>> from oligami.stats.sizing.hazards import exponential_through
    >>> plan = assume(control=exponential_through(0.45, at=5), experimental=exponential_through(0.57, at=5),
    ...               accrual=uniform(3, subjects=270), followup=5)
    >>> round(plan.hazard_ratio, 4), [round(float(e), 2) for e in plan.events(8)]
    (0.704, [86.73, 69.68])
    """
    if (experimental is None) == (hazard_ratio is None):
        raise ValueError("experimental and hazard_ratio are both given or both absent; exactly one must be given")
    for name, arm in (("control", control), ("experimental", experimental)):
        if (arm is not None and not isinstance(arm, TimeToEvent)) or (arm is None and name == "control"):
            raise ValueError(f"{name} is {arm!r}; it must be a time to the event, as exponential(rate) makes one")
    if not isinstance(accrual, Accrual):
        raise ValueError(f"accrual is {accrual!r}; it must be an Accrual, as uniform(duration) makes one")
    if experimental is None:
        ratio = arguments.number(hazard_ratio if hazard_ratio is not None else np.nan, "hazard_ratio", above=0)
        experimental = scaled(control, ratio)
    after = arguments.number(followup, "followup", at_least=0)
    losses = dropout if isinstance(dropout, tuple) else (dropout, dropout)
    if len(losses) != 2:
        raise ValueError(f"dropout has {len(losses)} parts; it must be one for both arms or two, control first")
    return Assumptions(
        control=control,
        experimental=experimental,
        hazard_ratio=_constant_ratio(control, experimental, accrual.duration + after),
        accrual=accrual,
        followup=after,
        dropout_control=_loss(losses[0]),
        dropout_experimental=_loss(losses[1]),
        allocation=arguments.number(allocation, "allocation", above=0),
    )


def _loss(dropout: Dropout) -> TimeToEvent:
    if dropout is None:
        return events.NO_DROPOUT
    return dropout if isinstance(dropout, TimeToEvent) else exponential(arguments.number(dropout, "dropout", at_least=0))


def _constant_ratio(control: TimeToEvent, experimental: TimeToEvent, until: float) -> float | None:
    """The hazard ratio, if it is the same wherever anybody may be at risk."""
    if isinstance(control, Piecewise) and isinstance(experimental, Piecewise):
        at = np.array(sorted({*control.starts, *experimental.starts}))
        at = at[at < until]
    else:
        points = events.stretches(
            np.array([until]), events.cuts_of(control, experimental), (), (control.order, experimental.order)
        )
        at = points.time[points.weight > 0].ravel()
    below, above = control.hazard(at), experimental.hazard(at)
    if (below <= 0).any():
        return None
    ratio = above / below
    return float(ratio[0]) if ratio[0] > 0 and np.ptp(ratio) <= 1e-9 * ratio[0] else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """The expected course of a trial; arrays of shape (m,), one value a calendar time."""

    time: Floats
    enrolled: Floats
    events_control: Floats
    events_experimental: Floats
    events: Floats
    at_risk: Floats  # in follow-up: entered, without event, not lost
    average_hazard_ratio: Floats  # NaN before the first event

    def summary(self) -> str:
        """Return the course as a table."""
        heads = ["time", "enrolled", "events", "control", "experimental", "followed", "average HR"]
        columns = [self.time, self.enrolled, self.events, self.events_control, self.events_experimental, self.at_risk]
        rows = list(zip(*(column.tolist() for column in [*columns, self.average_hazard_ratio]), strict=True))
        return show.table("Expected course by calendar time", heads, rows)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame, one row a time."""
        return show.frame({name: getattr(self, name) for name in self.__dataclass_fields__})

    def plot(self, ax: Any = None) -> Any:
        """Draw subjects entered and events by calendar time; return the axes."""
        axes = show.axes(ax)
        axes.plot(self.time, self.enrolled, label="enrolled")
        axes.plot(self.time, self.events, label="events")
        axes.plot(self.time, self.events_control, linestyle="--", label="events, control")
        axes.plot(self.time, self.events_experimental, linestyle=":", label="events, experimental")
        axes.set_xlabel("calendar time from first entry")
        axes.set_ylabel("expected number")
        axes.legend()
        return axes


def expected_course(assumptions: Assumptions, times: ArrayLike) -> Course:
    """Return what is expected by each calendar time: entries, events of each arm, subjects followed, average effect.

    Args:
        assumptions: the trial, with its number of subjects.
        times: from the first entry, shape (m,), >= 0.

    Raises:
        ValueError: a time is negative or missing.

    Source: expected events as `events.expected_events`; average hazard ratio as `average_hazard_ratio`.

    >>> from oligami.stats.sizing.accrual import uniform
    >>> plan = assume(control=exponential(0.16), hazard_ratio=0.7, accrual=uniform(3, subjects=270), followup=5)
    >>> print(expected_course(plan, [2, 8]).summary())
    Expected course by calendar time
    time  enrolled  events  control  experimental  followed  average HR
       2       180   22.35    12.98         9.368     157.7         0.7
       8       270   156.3    86.82          69.5     113.7         0.7
    """
    at = arguments.times(times, "times")
    control, experimental = assumptions.events(at)
    enrolled = assumptions.accrual.enrolled(at)
    lost = sum(
        share * events.expected_dropouts(at, accrual=assumptions.accrual, event=event, dropout=dropout)
        for share, (event, dropout) in zip(assumptions.shares, assumptions.arms, strict=True)
    )
    return Course(
        time=arguments.frozen(at),
        enrolled=arguments.frozen(enrolled),
        events_control=arguments.frozen(control),
        events_experimental=arguments.frozen(experimental),
        events=arguments.frozen(control + experimental),
        at_risk=arguments.frozen(enrolled - control - experimental - lost),
        average_hazard_ratio=arguments.frozen(average_hazard_ratio(assumptions, at).hazard_ratio),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AverageHazardRatio:
    """The effect averaged up to calendar times; arrays of shape (m,)."""

    time: Floats
    hazard_ratio: Floats
    events: Floats
    information: Floats  # about the log hazard ratio under the assumptions: sum of d0 d1 / (d0 + d1)
    null_information: Floats  # the same with the events shared as the subjects

    def summary(self) -> str:
        """Return the averages as a text table."""
        columns = (self.time, self.hazard_ratio, self.events, self.information)
        rows = list(zip(*(column.tolist() for column in columns), strict=True))
        return show.table("Average hazard ratio by calendar time", ["time", "average HR", "events", "information"], rows)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame, one row a time."""
        return show.frame({name: getattr(self, name) for name in self.__dataclass_fields__})


def average_hazard_ratio(assumptions: Assumptions, times: ArrayLike) -> AverageHazardRatio:
    """Average the log hazard ratio over the follow-up, weighted by the events expected in both arms.

    The information is summed over the stretches in which both hazards are constant; where they are smooth curves whose
    ratio changes, over 200 short ones.

    Args:
        assumptions: the trial, with its number of subjects.
        times: calendar times of the analysis, shape (m,), >= 0.

    Raises:
        ValueError: a time is negative or missing.

    Source: Mukhopadhyay et al. (2020), Contemporary Clinical Trials Communications 18, 100592: log AHR =
    sum(d log HR) / sum(d) with d the expected events of a stretch in both arms, here in the limit of short stretches.

    >>> from oligami.stats.sizing.accrual import uniform
    >>> plan = assume(control=exponential(0.16), experimental=scaled(exponential(0.16), (1, 0.66), starts=(0, 0.5)),
    ...               accrual=uniform(3, subjects=270), followup=5)
    >>> average_hazard_ratio(plan, [3, 8]).hazard_ratio.round(4).tolist()
    [0.7735, 0.6977]
    """
    at = arguments.times(times, "times")
    control, experimental = assumptions.control, assumptions.experimental
    longest = float(at.max())
    inner = sorted(cut for cut in {*control.breaks, *experimental.breaks} if cut < longest)
    edges = np.array([0.0, *inner, np.inf])
    if not (isinstance(control, Piecewise) and isinstance(experimental, Piecewise)) and assumptions.hazard_ratio is None:
        edges = np.unique(np.concatenate([edges, np.linspace(0.0, longest, 201)[1:-1]]))
    shares = assumptions.shares
    parts = [
        _events_within(at, edges, assumptions, event, dropout, share)
        for share, (event, dropout) in zip(shares, assumptions.arms, strict=True)
    ]
    both = parts[0][0] + parts[1][0]
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(both > 0, parts[0][0] * parts[1][0] / both, 0.0)
        ratio = np.exp((parts[0][1] + parts[1][1]) / both.sum(axis=1))
    total = both.sum(axis=1)
    return AverageHazardRatio(
        time=arguments.frozen(at),
        hazard_ratio=arguments.frozen(ratio),
        events=arguments.frozen(total),
        information=arguments.frozen(weight.sum(axis=1)),
        null_information=arguments.frozen(total * shares[0] * shares[1]),
    )


def _events_within(
    at: Floats, edges: Floats, assumptions: Assumptions, event: TimeToEvent, dropout: TimeToEvent, share: float
) -> tuple[Floats, Floats]:
    """Expected events of an arm between two edges of the time since entry, and their sum of log hazard ratios.

    Shapes (m, edges - 1) and (m,), one row a calendar time.
    """
    cuts = (*events.cuts_of(event, dropout), *edges[1:-1])
    points = events.stretches(at, cuts, assumptions.accrual.cuts[1:], (event.order, dropout.order))
    x = points.time
    mass = share * assumptions.accrual.enrolled(at[:, np.newaxis, np.newaxis] - x) * event.hazard(x) * points.weight
    mass = mass * np.exp(-event.cumulative(x) - dropout.cumulative(x))
    # Every stretch lies between two neighbouring edges, so its middle point tells which.
    of = np.clip(np.searchsorted(edges, x[:, :, x.shape[2] // 2], side="right") - 1, 0, edges.size - 2)
    within = np.zeros((at.size, edges.size - 1))
    np.add.at(within, (np.arange(at.size)[:, np.newaxis], of), mass.sum(axis=2))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.log(assumptions.experimental.hazard(x) / assumptions.control.hazard(x))
    return within, np.where(mass > 0, mass * log_ratio, 0.0).sum(axis=(1, 2))
