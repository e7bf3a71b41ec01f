"""Events per time under observation, with exact Poisson limits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincinv

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats, Ints, Label


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventRates:
    """Events per unit of time in each group; arrays in the order of `groups`.

    A group observed for no time at all (or for less than 1e-300) has a rate of NaN, and so are its limits.
    """

    groups: tuple[Label, ...]
    person_time: Floats
    events: Ints
    rate: Floats
    lower: Floats
    upper: Floats
    conf_level: float

    def summary(self) -> str:
        """Return the rates as a text table, one line a group."""
        columns = (self.person_time, self.events, self.rate, self.lower, self.upper)
        rows = [[name, *(float(c[k]) for c in columns)] for k, name in enumerate(self.groups)]
        heads = ["group", "person_time", "events", "rate", "lower", "upper"]
        return show.table("Events per time", heads, rows, [f"Limits: {show.number(100 * self.conf_level)}%, exact Poisson."])

    def to_frame(self) -> Any:
        """Return the rates as a pandas DataFrame, one row a group."""
        columns = ("person_time", "events", "rate", "lower", "upper")
        return show.frame({"group": list(self.groups)} | {name: getattr(self, name) for name in columns})


def event_rates(
    time: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    group: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> EventRates:
    """Divide events by the time under observation, in each group.

    Args:
        time: end of observation, shape (n,), >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        entry: start of observation where it came late, shape (n,), each before its `time`.
        group: labels, shape (n,); by default all subjects are one group, "all".
        conf_level: in (0, 1); with no event the lower limit is 0.

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not.

    Source: Garwood (1936), Biometrika 28, 437-442; `poisson.test` in R.

    >>> found = event_rates([10, 20, 30, 40], [1, 0, 1, 0])
    >>> found.rate.tolist(), found.lower.round(5).tolist(), found.upper.round(5).tolist()
    ([0.02], [0.00242], [0.07225])
    """
    end = arguments.times(time)
    had_event = arguments.indicators(event, end.size)
    level = arguments.level(conf_level)
    observed = end if entry is None else end - arguments.entries(entry, end)
    names, codes = arguments.labels(np.full(end.size, "all") if group is None else group, end.size, "group")
    person_time = np.asarray(np.bincount(codes, observed, minlength=len(names)), dtype=np.float64)
    events = np.bincount(codes, had_event, minlength=len(names)).astype(np.int64)
    lower, upper = poisson_limits(events, level)
    per = np.where(person_time > 1e-300, person_time, np.nan)  # what is divided by less leaves the range of floats
    return EventRates(
        groups=names,
        person_time=arguments.frozen(person_time),
        events=arguments.frozen(events),
        rate=arguments.frozen(events / per),
        lower=arguments.frozen(lower / per),
        upper=arguments.frozen(upper / per),
        conf_level=level,
    )


def poisson_limits(events: Ints, conf_level: float) -> tuple[Floats, Floats]:
    """Return exact limits of the expected number of events, given the numbers seen.

    Source: Garwood (1936), Biometrika 28, 437-442.

    >>> low, high = poisson_limits(np.array([0, 10]), 0.95)
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0, 4.7954], [3.6889, 18.3904])
    """
    tail = (1 - conf_level) / 2
    low = np.where(events > 0, gammaincinv(np.maximum(events, 1), tail), 0.0)
    return low, np.asarray(gammaincinv(events + 1, 1 - tail), dtype=np.float64)
