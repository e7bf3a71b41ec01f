"""Laying out the rows of a Cox model in order of time: twin of the layout in `partial_likelihood`, without late entries."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oligami.stats._kernels.ordering import jit
from oligami.stats.arguments import Floats, Ints

Marks = NDArray[np.uint8]

# Rows picked at a time: a block of them stays in the cache until it is turned into columns.
_BLOCK = 1 << 12


class Layout(NamedTuple):
    """The fields of `partial_likelihood.Stratum` of the same names; `columns` is its `x`, transposed."""

    rows: Ints
    columns: Floats
    centre: Floats
    weight: Floats
    moments: Floats
    until: Ints
    events: Ints
    moment_of: Ints
    first_event: Ints
    left: Floats | None
    event_weight: Floats


def laid_out(rows: Ints, time: Floats, event: Ints, x: Floats, weight: Floats, efron: bool) -> Layout | None:
    """Lay out the rows of one stratum; None when it has no event.

    Args:
        rows: the rows of the stratum in order of time.
        time: end of observation of all rows, shape (n,).
        event: 1 when it ended with the event, else 0, shape (n,).
        x: covariates, shape (n, p).
        weight: case weights, shape (n,).
        efron: whether tied events meet a share of each other only.
    """
    happened = event.astype(np.uint8)  # small enough for caches to hold while it is picked from
    ordered, had_event = np.take(time, rows, mode="clip"), np.take(happened, rows, mode="clip")
    if not had_event.any():
        return None
    # Who was at risk at no event is in no sum, and must not decide the scale of the others either.
    first = int(np.searchsorted(ordered, ordered[np.argmax(had_event)], side="left"))
    rows, ordered, had_event = rows[first:], ordered[first:], had_event[first:]
    count = int(np.count_nonzero(had_event))
    until = np.empty(rows.size, np.int64)
    events, moment_of = np.empty(count + 1, np.int64), np.empty(count + 1, np.int64)
    moments, first_event = np.empty(count + 1), np.empty(count + 1, np.int64)
    size = _number_moments(ordered, had_event, until, events, moment_of, moments, first_event)
    events, moment_of, moments, first_event = events[:count], moment_of[:count], moments[:size], first_event[:size]

    columns, centre = _ordered_columns(x, rows), np.empty(x.shape[1])
    _centre(columns, centre)
    if weight.strides == (0,):  # the same for all, as when none were given
        weight, picked = np.full(rows.size, weight[0]), np.full(count, weight[0])
    else:
        weight = np.take(weight, rows)
        picked = np.take(weight, events)
    left, event_weight = None, picked
    if count > size:
        share = np.empty(count)
        _share_ties(first_event, event_weight, share)
        left = share if efron else None
    return Layout(
        rows=rows,
        columns=columns,
        centre=centre,
        weight=weight,
        moments=moments,
        until=until,
        events=events,
        moment_of=moment_of,
        first_event=first_event,
        left=left,
        event_weight=event_weight,
    )


@jit
def _number_moments(
    time: Floats, event: Marks, until: Ints, events: Ints, moment_of: Ints, moments: Floats, first_event: Ints
) -> int:
    """Fill all but the first two arguments, the times in order and their events; return the number of moments.

    What is filled event by event has a place to spare: rows are written there until an event makes the place its own,
    for a store costs less than a branch foretold wrongly.
    """
    size, k, start = 0, 0, 0
    opened = False  # whether the time of the row has had an event
    for i in range(time.size):
        if i > 0 and time[i] != time[i - 1]:
            start, opened = i, False
        happens = event[i] != 0
        fresh = happens and not opened
        moments[size], first_event[size] = time[i], k
        size += int(fresh)
        until[i], events[k], moment_of[k] = size, i, size - 1
        k += int(happens)
        if fresh and start < i:
            until[start:i] = size  # those censored at the same time stand before the event
        opened = opened or happens
    return size


def _ordered_columns(x: Floats, rows: Ints) -> Floats:
    """Return the rows of (n, p) covariates in their order as (p, m) columns."""
    columns = np.empty((x.shape[1], rows.size))
    if x.flags.c_contiguous and x.shape[1] > 1:
        picked = np.empty((_BLOCK, x.shape[1]))
        for start in range(0, rows.size, _BLOCK):
            some = rows[start : start + _BLOCK]
            # Every row exists; "raise", the default, would go by way of a copy.
            _transpose(np.take(x, some, axis=0, out=picked[: some.size], mode="clip"), columns, start)
        return columns
    # Column by column, for one column stays in the cache while rows are picked from it, and all of them may not.
    for j in range(x.shape[1]):
        np.take(np.ascontiguousarray(x[:, j]), rows, out=columns[j], mode="clip")
    return columns


@jit
def _transpose(picked: Floats, columns: Floats, start: int) -> None:
    for j in range(picked.shape[1]):
        for i in range(picked.shape[0]):
            columns[j, start + i] = picked[i, j]


@jit
def _centre(columns: Floats, centre: Floats) -> None:
    """Take its mean off each column."""
    p, n = columns.shape
    for j in range(p):
        a = b = c = d = 0.0
        for i in range(0, n - n % 4, 4):
            a += columns[j, i]
            b += columns[j, i + 1]
            c += columns[j, i + 2]
            d += columns[j, i + 3]
        for i in range(n - n % 4, n):
            a += columns[j, i]
        mean = ((a + b) + (c + d)) / n
        for i in range(n):
            columns[j, i] -= mean
        centre[j] = mean


@jit
def _share_ties(first_event: Ints, event_weight: Floats, share: Floats) -> None:
    """Give each event the mean weight of those tied with it, and the share of them that it still meets in its turn."""
    for m in range(first_event.size):
        first, stop = first_event[m], first_event[m + 1] if m + 1 < first_event.size else share.size
        total = 0.0
        for k in range(first, stop):
            total += event_weight[k]
        for k in range(first, stop):
            event_weight[k] = total / (stop - first)
            share[k] = 1.0 - (k - first) / (stop - first)
