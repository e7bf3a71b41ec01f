"""The table every curve is made of: at each observed time, how many were at risk, had the event, were censored.

Takes checked columns (see `arguments`) and leaves what follows from the counts to the curves. Plain numpy: one sort of
the rows, or none when the times are whole numbers in a small range.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oligami.stats import arguments, fast
from oligami.stats.arguments import Floats, Ints

Counts = NDArray[np.int64] | NDArray[np.float64]
Events = Ints | NDArray[np.bool_]

# Whole times are counted into a table of at most so many places a row; beyond, sorting is the cheaper way.
_PLACES_PER_ROW = 4
_FEW_PLACES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskTable:
    """One row for each distinct end of observation, ascending; counts are whole without weights, sums of them with."""

    time: Floats
    n_risk: Counts  # under observation just before the time
    n_event: Counts
    n_censored: Counts


def risk_table(end: Floats, event: Events, entry: Floats | None = None, weights: Floats | None = None) -> RiskTable:
    """Count at each distinct end of observation who was at risk, had the event, and was censored.

    Args:
        end: end of observation, shape (n,), finite and >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,); whole numbers or booleans.
        entry: start of observation, shape (n,), each before its `end`; a subject is at risk after its entry.
        weights: how many subjects each row stands for, shape (n,), > 0.

    Source: counting of Kaplan and Meier (1958), events before censorings at one time.

    >>> table = risk_table(np.array([3.0, 1.0, 3.0, 2.0]), np.array([1, 1, 0, 0]))
    >>> table.time.tolist(), table.n_risk.tolist(), table.n_event.tolist(), table.n_censored.tolist()
    ([1.0, 2.0, 3.0], [4, 3, 2], [1, 0, 1], [0, 1, 1])
    """
    if weights is None:
        kernels = fast.kernels(end.size)
        compiled = None if kernels is None else kernels.risk_counts(end, event != 0)
        time, n_risk, n_event, n_censored = compiled or _counts(end, event)
        if entry is not None:
            n_risk = n_risk - (entry.size - np.searchsorted(np.sort(entry), time, side="left"))
        return RiskTable(
            time=arguments.frozen(time),
            n_risk=arguments.frozen(n_risk),
            n_event=arguments.frozen(n_event),
            n_censored=arguments.frozen(n_censored),
        )
    return _weighted(end, event, entry, weights)


def _counts(end: Floats, event: Events) -> tuple[Floats, Ints, Ints, Ints]:
    """Distinct times, and at each the numbers at risk, with the event and censored, when all were there from the start."""
    time, leaving, n_event = _counted(end, event) if _few_whole_times(end) else _sorted(end, event)
    return time, end.size - np.cumsum(leaving) + leaving, n_event, leaving - n_event


def _few_whole_times(end: Floats) -> bool:
    if end.size == 0 or (end[:64] != np.floor(end[:64])).any():  # a glance settles most columns
        return False
    return bool(end.max() < max(_PLACES_PER_ROW * end.size, _FEW_PLACES) and (end == np.floor(end)).all())


def _counted(end: Floats, event: Events) -> tuple[Floats, Ints, Ints]:
    """Distinct times, ends and events at each, by counting."""
    whole = end.astype(np.int64)
    places = np.bincount(2 * whole + event, minlength=2 * (int(whole.max()) + 1)).reshape(-1, 2)
    leaving = places[:, 0] + places[:, 1]
    used = np.flatnonzero(leaving)
    return used.astype(np.float64), leaving[used], places[used, 1]


def _sorted(end: Floats, event: Events) -> tuple[Floats, Ints, Ints]:
    """Distinct times, ends and events at each, by one sort.

    The sign bit of a time is free, so time and event fit into one integer that sorts as the time does.
    """
    one = np.uint64(1)
    keys = ((end + 0.0).view(np.uint64) << one) | event.astype(np.uint64)  # + 0.0 takes the sign from -0.0
    keys.sort()
    bits = keys >> one
    first = np.flatnonzero(np.concatenate(([True], bits[1:] != bits[:-1])))
    n_event = np.add.reduceat((keys & one).view(np.int64), first)
    return bits[first].view(np.float64), np.diff(np.append(first, end.size)), n_event


def _weighted(end: Floats, event: Events, entry: Floats | None, weights: Floats) -> RiskTable:
    order = np.argsort(end, kind="stable")
    ordered = end[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    time = ordered[first]
    n_event = np.add.reduceat((weights * event)[order], first)
    n_censored = np.add.reduceat((weights * (1 - event))[order], first)
    n_risk = np.cumsum((n_event + n_censored)[::-1])[::-1]
    if entry is not None:
        start = np.argsort(entry, kind="stable")
        not_yet = np.append(np.cumsum(weights[start][::-1])[::-1], 0.0)
        n_risk = n_risk - not_yet[np.searchsorted(entry[start], time, side="left")]
        # Sums of weights carry rounding; whether anybody is left after a time is settled by counting heads.
        heads = risk_table(end, event, entry)
        n_risk = np.where(heads.n_risk == heads.n_event, n_event, n_risk)
    return RiskTable(
        time=arguments.frozen(time),
        n_risk=arguments.frozen(n_risk),
        n_event=arguments.frozen(n_event),
        n_censored=arguments.frozen(n_censored),
    )
