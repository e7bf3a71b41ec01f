"""Times and events of single subjects, rebuilt from a published survival curve and its numbers at risk.

What comes out reproduces the curve, the numbers at risk and the events; which subject is which, and covariates, are lost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reconstruction:
    """Subjects rebuilt from a curve, in the order of their times."""

    time: Floats
    event: Ints
    risk_time: Floats
    n_risk: Ints  # rebuilt numbers at risk at `risk_time`
    n_risk_given: Ints

    @property
    def n(self) -> int:
        """Number of subjects."""
        return int(self.time.size)

    @property
    def events(self) -> int:
        """Number of events."""
        return int(self.event.sum())

    def summary(self) -> str:
        """Return rebuilt beside published numbers at risk as a text table."""
        rows = list(zip(self.risk_time.tolist(), self.n_risk.tolist(), self.n_risk_given.tolist(), strict=True))
        title = f"Rebuilt from a curve: {self.n} subjects, {self.events} events"
        return show.table(title, ["time", "at risk", "published"], rows)

    def to_frame(self) -> Any:
        """Return the subjects as a pandas DataFrame, one row a subject."""
        return show.frame({"time": self.time, "event": self.event})

    def plot(self, ax: Any = None, *, label: str | None = None) -> Any:
        """Draw the Kaplan-Meier curve of the rebuilt subjects with the numbers at risk; return the axes."""
        from oligami.stats.survival import kaplan_meier

        return kaplan_meier(self.time, self.event).plot(ax, label=label, risk_times=self.risk_time.tolist())


@dataclass(slots=True, kw_only=True)
class _Count:
    """What is filled in from left to right, one place a point of the curve (one more for those who outlast it)."""

    n_risk: Ints
    censored: Ints
    events: Ints
    height: Floats  # of the rebuilt curve
    latest: int = 0  # the last point with an event, at which curve and rebuilt curve are compared


def reconstruct(
    times: ArrayLike,
    survival: ArrayLike,
    risk_times: ArrayLike,
    numbers_at_risk: ArrayLike,
    total_events: int | None = None,
) -> Reconstruction:
    """Rebuild times and events of single subjects from points read off a Kaplan-Meier curve.

    In each interval between published numbers at risk the censored are spread evenly; their number is changed until the
    number at risk at the interval's end is met. In the last interval, whose end has no number at risk, they follow the
    rate of the intervals before, or what the total of events asks for.

    Args:
        times: where the curve was read, ascending, shape (m,), the first 0 or later; best at each step, at its foot.
        survival: the heights read there, shape (m,), within 0 and 1. A height above one before it (a slip of the hand)
            is taken down to it.
        risk_times: times of the published numbers at risk, ascending, shape (k,), the first 0.
        numbers_at_risk: these numbers, shape (k,), never rising, the first above 0.
        total_events: published number of events, where there is one.

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not; times do not ascend; numbers rise.

    Source: Guyot, Ades, Ouwens and Welton (2012), BMC Medical Research Methodology 12, 9.

    >>> found = reconstruct([0, 1, 2, 3, 4], [1, 0.9, 0.8, 0.7, 0.6], [0, 2], [10, 9], total_events=4)
    >>> found.n, found.events, found.time[found.event == 1].tolist()
    (10, 4, [1.0, 2.0, 3.0, 4.0])
    """
    at, height = _curve_points(times, survival)
    risk_at, wanted = _risk_points(risk_times, numbers_at_risk, at)
    if total_events is not None:
        arguments.whole(total_events, "total_events", at_least=0, at_most=int(wanted[0]))

    # The curve runs flat from point to point, so it is known at the numbers at risk as well. As points of their own they
    # keep the censored of one interval out of the next, where the paper lets a flat stretch run over the border.
    missing = np.setdiff1d(risk_at, at)
    height = np.append(height, height[np.searchsorted(at, missing, side="right") - 1])
    at = np.append(at, missing)
    order = np.argsort(at)
    at, height = at[order], height[order]
    first, target = np.searchsorted(at, risk_at), wanted.copy()
    count = _Count(
        n_risk=np.full(at.size + 1, target[0], dtype=np.int64),
        censored=np.zeros(at.size, dtype=np.int64),
        events=np.zeros(at.size, dtype=np.int64),
        height=np.ones(at.size),
    )
    censored_in = []
    for i in range(first.size - 1):
        n_censored, met = _meet_number_at_risk(
            count, at, height, int(first[i]), int(first[i + 1]), int(target[i]), int(target[i + 1])
        )
        censored_in.append(n_censored)
        target[i + 1] = met
    _finish(count, at, height, first, int(target[-1]), censored_in, total_events)
    return _subjects(count, at, risk_at, wanted)


def _curve_points(times: ArrayLike, survival: ArrayLike) -> tuple[Floats, Floats]:
    """The points read off the curve, from (0, 1) on, never rising."""
    at = arguments.times(times, "times")
    height = arguments.numbers(survival, "survival")
    if height.size != at.size:
        raise ValueError(f"survival has {height.size} rows; it must have as many as times, {at.size}")
    if (np.diff(at) <= 0).any():
        raise ValueError("times do not ascend; each must be later than the one before")
    if ((height < 0) | (height > 1)).any():
        raise ValueError(f"survival holds {height[(height < 0) | (height > 1)][0]}; each must lie within 0 and 1")
    if at[0] > 0:
        at, height = np.append(0.0, at), np.append(1.0, height)
    return at, np.minimum.accumulate(height)


def _risk_points(risk_times: ArrayLike, numbers_at_risk: ArrayLike, at: Floats) -> tuple[Floats, Ints]:
    """The published numbers at risk whose time the curve reaches."""
    risk_at = arguments.times(risk_times, "risk_times")
    numbers = arguments.numbers(numbers_at_risk, "numbers_at_risk")
    if numbers.size != risk_at.size:
        raise ValueError(f"numbers_at_risk has {numbers.size} rows; it must have as many as risk_times, {risk_at.size}")
    if risk_at[0] != 0 or (np.diff(risk_at) <= 0).any():
        raise ValueError(f"risk_times are {risk_at.tolist()}; they must ascend from 0")
    wrong = (numbers < 0) | (numbers != np.floor(numbers)) | (np.diff(numbers, prepend=np.inf) > 0)
    if wrong.any() or numbers[0] == 0:
        raise ValueError(f"numbers_at_risk are {numbers.tolist()}; they must be whole, never rise, and start above 0")
    reached = risk_at <= at[-1]
    return risk_at[reached], numbers[reached].astype(np.int64)


def _spread(at: Floats, first: int, last: int, n_censored: int) -> Ints:
    """Number censored from each of the points first .. last - 1 until the next, spread evenly over the interval."""
    if n_censored <= 0 or last <= first:
        return np.zeros(max(last - first, 0), dtype=np.int64)
    moments = at[first] + np.arange(1, n_censored + 1) * (at[last] - at[first]) / (n_censored + 1)
    # A moment on a point belongs before it, as in a histogram of intervals closed on the right.
    place = np.clip(np.searchsorted(at[first : last + 1], moments, side="left") - 1, 0, last - first - 1)
    return np.bincount(place, minlength=last - first)


def _walk(count: _Count, height: Floats, first: int, last: int, latest: int, n_start: int) -> int:
    """Fill in events and numbers at risk of the points first .. last - 1; return the last point with an event."""
    count.n_risk[first] = n_start
    for k in range(first, last):
        before, n = count.height[latest], int(count.n_risk[k])
        events = 0
        if k > 0 and before > 0 and n > 0:
            events = min(max(_rounded(n * (1 - height[k] / before)), 0), n)
        elif k == 0 and height[0] < 1:  # a curve that starts below 1 has events at time 0
            events = _rounded(n * (1 - height[0]))
        count.events[k] = events
        count.height[k] = before * (1 - events / n) if n > 0 else before
        count.censored[k] = min(int(count.censored[k]), n - events)
        count.n_risk[k + 1] = n - events - count.censored[k]
        if events > 0:
            latest = k
    return latest


def _meet_number_at_risk(
    count: _Count, at: Floats, height: Floats, first: int, last: int, n_start: int, n_end: int
) -> tuple[int, int]:
    """Fill in one interval so that `n_end` are at risk at its end; return the number censored and the number met."""
    latest = count.latest

    def excess(n_censored: int) -> int:
        count.censored[first:last] = _spread(at, first, last, n_censored)
        count.latest = _walk(count, height, first, last, latest, n_start)
        return int(count.n_risk[last]) - n_end

    # Numbers at risk are those just before a time, so the curve's fall between them is taken just before as well.
    before = height[first - 1] if first > 0 else 1.0
    share = height[last - 1] / before if before > 0 else 0.0
    n_censored = _search(excess, _rounded(n_start * share - n_end), n_start)
    return n_censored, int(count.n_risk[last])


def _finish(
    count: _Count, at: Floats, height: Floats, first: Ints, n_start: int, censored_in: list[int], total_events: int | None
) -> None:
    """Fill in the last interval, which ends with the curve."""
    begin, last = int(first[-1]), at.size - 1
    if total_events is not None and int(count.events[:begin].sum()) >= total_events:
        # All events there are have happened; whoever is left was still observed at the end of the curve.
        count.n_risk[begin:] = n_start
        return
    latest = count.latest

    def excess(n_censored: int) -> int:
        count.censored[begin:] = 0
        count.censored[begin:last] = _spread(at, begin, last, n_censored)
        count.latest = _walk(count, height, begin, at.size, latest, n_start)
        return 0 if total_events is None else int(count.events.sum()) - total_events

    at_the_rate_before = sum(censored_in) * (at[last] - at[begin]) / at[begin] if censored_in else 0.0
    _search(excess, _rounded(at_the_rate_before), n_start)


def _search(excess: Callable[[int], int], n_censored: int, most: int) -> int:
    """Change the number censored by what is in excess until nothing is; return it, or the nearest before going in circles.

    `excess` fills in the interval; too many at risk, or too many events, ask for more censored.
    """
    tried: dict[int, int] = {}
    n_censored = min(max(n_censored, 0), most)
    while n_censored not in tried:
        tried[n_censored] = excess(n_censored)
        n_censored = min(max(n_censored + tried[n_censored], 0), most)
    best = min(tried, key=lambda n: abs(tried[n]))
    excess(best)
    return best


def _rounded(value: float) -> int:
    return int(np.floor(value + 0.5))


def _subjects(count: _Count, at: Floats, risk_at: Floats, wanted: Ints) -> Reconstruction:
    until = np.append((at[:-1] + at[1:]) / 2, at[-1])  # censored between two points: in the middle
    left = int(count.n_risk[-1])
    time = np.concatenate([np.repeat(at, count.events), np.repeat(until, count.censored), np.full(left, at[-1])])
    event: NDArray[np.int64] = np.concatenate(
        [np.ones(int(count.events.sum()), dtype=np.int64), np.zeros(int(count.censored.sum()) + left, dtype=np.int64)]
    )
    order = np.lexsort((-event, time))
    time, event = time[order], event[order]
    return Reconstruction(
        time=arguments.frozen(time),
        event=arguments.frozen(event),
        risk_time=arguments.frozen(risk_at),
        n_risk=arguments.frozen(time.size - np.searchsorted(time, risk_at, side="left")),
        n_risk_given=arguments.frozen(wanted),
    )
