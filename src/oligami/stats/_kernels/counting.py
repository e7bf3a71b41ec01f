"""Counts at each distinct time, and the sums of curves and log-rank tests that follow from them."""

import math

import numpy as np
from numpy.typing import NDArray

from oligami.stats._kernels.ordering import Flags, Keys, jit, sorted_keys, whole
from oligami.stats.arguments import Floats, Ints

Booleans = NDArray[np.bool_]
Cells = NDArray[np.int32]
RiskColumns = tuple[Floats, Ints, Ints, Ints]
GroupSums = tuple[Floats, Floats, Floats]
Moments = tuple[Floats, Floats, Floats]

# Whole times are counted instead of sorted into at most so many cells, which caches hold.
_MOST_CELLS = 1 << 18
_CHUNK = 1024
_MOST_GROUPS = 1 << 14  # flags hold a group and an event in 16 bits


def risk_counts(time: Floats, event: Booleans) -> RiskColumns | None:
    """Return distinct times with the numbers at risk, with the event and censored; None when times are out of range.

    Args:
        time: finite, >= 0, shape (n,).
        event: whether it ended with the event, shape (n,).
    """
    time, flags = np.ascontiguousarray(time), event.astype(np.uint16)
    cells = _counted(time, flags, 1)
    if cells is not None:
        return _risk_from_cells(cells)
    found = sorted_keys(time, flags, 1)
    if found is None:
        return None
    keys, offset, shift = found
    used = _distinct(keys, np.uint64(1))
    # Made here, at once and not in the loop: numpy asks for large pages, which are cheaper to fill for the first time.
    counts = np.empty((3, used), np.int64)
    bits = keys if used > keys.size // 2 else np.empty(used, np.uint64)  # a time is written where keys were read before
    _risk_from_keys(keys, np.uint64(offset), np.uint64(shift), bits, *counts)
    return bits[:used].view(np.float64), counts[0], counts[1], counts[2]


def product_limit(n_risk: Ints, n_event: Ints) -> Floats:
    """Return the Kaplan-Meier probability after each time: `cumprod((n_risk - n_event) / n_risk)`."""
    surv = np.empty(n_risk.size)
    _product_limit(n_risk, n_event, surv)
    return surv


def greenwood_sums(n_risk: Ints, n_event: Ints) -> Floats:
    """Return Greenwood's sum up to each time; a time at which all at risk have the event adds nothing to it."""
    sums = np.empty(n_risk.size)
    _greenwood_sums(n_risk, n_event, sums)
    return sums


def group_sums(time: Floats, event: Booleans, codes: Ints, k: int) -> GroupSums | None:
    """Return each group's observed and expected events, and the variance of their difference; None when out of range.

    Args:
        time: finite, >= 0, shape (n,).
        event: whether it ended with the event, shape (n,).
        codes: the group of each row, 0 to k - 1; any type of integer.
        k: how many groups.
    """
    if k > _MOST_GROUPS:
        return None
    if k == 2:
        return _pair_sums(np.ascontiguousarray(time), event, codes)
    found = counts_at_moments(time, event, codes, k)
    return None if found is None else _sums_over_moments(found[1], found[2])


def _pair_sums(time: Floats, event: Booleans, codes: Ints) -> GroupSums | None:
    if time.size <= np.iinfo(np.int32).max:
        # Straight from the columns: of whole days, making flags would take as long as counting them.
        cells = np.zeros(_MOST_CELLS, np.int32)
        latest = _count_pairs(time, event, codes, _MOST_CELLS >> 2, cells)
        if latest >= 0:
            return _pair_from_cells(cells[: (latest + 1) << 2].reshape(-1, 4).astype(np.int64))
    found = sorted_keys(time, _group_flags(event, codes), 2)
    return None if found is None else _pair_from_keys(found[0])


def group_sizes(event: Booleans, codes: Ints, k: int) -> tuple[Ints, Ints]:
    """Return how many rows, and how many with the event, each group has; arguments as in `group_sums`."""
    return _group_sizes(event, codes, k)


def counts_at_moments(time: Floats, event: Booleans, codes: Ints, k: int) -> Moments | None:
    """Return the distinct times of events, and by group and time the numbers of events and at risk, shape (k, T).

    Arguments as in `group_sums`; None when they are out of range.
    """
    if k > _MOST_GROUPS:
        return None
    time, flags, width = np.ascontiguousarray(time), _group_flags(event, codes), 1 + max(1, (k - 1).bit_length())
    cells = _counted(time, flags, width)
    if cells is not None:
        return _moments_from_cells(cells, k)
    found = sorted_keys(time, flags, width)
    if found is None:
        return None
    keys, offset, shift = found
    size = _moments_in_keys(keys, np.uint64(width))
    bits, deaths, at_risk = np.empty(size, np.uint64), np.zeros((k, size)), np.empty((k, size))
    _moments_from_keys(keys, np.uint64(offset), np.uint64(shift), np.uint64(width), bits, deaths, at_risk)
    return bits.view(np.float64), deaths, at_risk


def greenwood_errors(n_risk: Ints, n_event: Ints, surv: Floats) -> Floats:
    """Return the roots of Greenwood's sums: standard errors of the logarithm of the curve, NaN once it is 0."""
    errors = greenwood_sums(n_risk, n_event)
    _roots(surv, errors)
    return errors


@jit
def _roots(surv: Floats, sums: Floats) -> None:
    for i in range(sums.size):
        sums[i] = math.sqrt(sums[i]) if surv[i] != 0.0 else np.nan


@jit
def _group_flags(event: Booleans, codes: Ints) -> Flags:
    flags = np.empty(event.size, np.uint16)
    for i in range(event.size):
        flags[i] = (np.uint16(codes[i]) << np.uint16(1)) | np.uint16(event[i])
    return flags


@jit
def _group_sizes(event: Booleans, codes: Ints, k: int) -> tuple[Ints, Ints]:
    n, events = np.zeros(k, np.int64), np.zeros(k, np.int64)
    if k == 2:
        second, both, ended = 0, 0, 0
        for i in range(codes.size):
            second += codes[i]
            ended += event[i]
            both += codes[i] * event[i]
        n[0], n[1], events[0], events[1] = codes.size - second, second, ended - both, both
    else:
        for i in range(codes.size):
            n[codes[i]] += 1
            events[codes[i]] += event[i]
    return n, events


def _counted(time: Floats, flags: Flags, width: int) -> Ints | None:
    """Count whole times by flag, shape (latest time + 1, 2**width); None when they are not whole, or too spread."""
    if time.size > np.iinfo(np.int32).max:
        return None
    cells = np.zeros(_MOST_CELLS, np.int32)  # short, so that caches hold more of them
    latest = _count(time, flags, width, _MOST_CELLS >> width, cells)
    return None if latest < 0 else cells[: (latest + 1) << width].reshape(-1, 1 << width).astype(np.int64)


@jit
def _count(time: Floats, flags: Flags, width: int, most: int, cells: Cells) -> int:
    """Count whole times below `most` by flag; return the latest, or -1 where one is not such a number."""
    places, latest, limit = np.empty(_CHUNK, np.uint32), np.int32(0), np.float64(most)
    for start in range(0, time.size, _CHUNK):
        size = min(_CHUNK, time.size - start)
        some, beside = time[start : start + size], flags[start : start + size]
        parts = 0
        for i in range(size):
            # Compared as floats: beyond the range of integers a conversion means nothing, and may give 0.
            inside = some[i] < limit
            place = np.int32(some[i] if inside else 0.0)
            parts += (np.float64(place) != some[i]) | (not inside)
            latest = max(latest, place)
            places[i] = np.uint32((place << np.int32(width)) | np.int32(beside[i]))
        if parts > 0:
            return -1
        for i in range(size):
            cells[np.uint64(places[i])] += np.int32(1)
    return int(latest)


@jit
def _count_pairs(time: Floats, event: Booleans, codes: Ints, most: int, cells: Cells) -> int:
    """As `_count`, with flags made of the event and of which of two groups on the way."""
    places, latest, limit = np.empty(_CHUNK, np.uint32), np.int32(0), np.float64(most)
    for start in range(0, time.size, _CHUNK):
        size = min(_CHUNK, time.size - start)
        some, ended, second = time[start : start + size], event[start : start + size], codes[start : start + size]
        parts = 0
        for i in range(size):
            # Compared as floats: beyond the range of integers a conversion means nothing, and may give 0.
            inside = some[i] < limit
            place = np.int32(some[i] if inside else 0.0)
            parts += (np.float64(place) != some[i]) | (not inside)
            latest = max(latest, place)
            places[i] = np.uint32((place << np.int32(2)) | (np.int32(second[i]) << np.int32(1)) | np.int32(ended[i]))
        if parts > 0:
            return -1
        for i in range(size):
            cells[np.uint64(places[i])] += np.int32(1)
    return int(latest)


@jit
def _risk_from_cells(cells: Ints) -> RiskColumns:
    used, left = 0, 0
    for j in range(cells.shape[0]):
        here = cells[j, 0] + cells[j, 1]
        used += here > 0
        left += here
    time, n_risk = np.empty(used), np.empty(used, np.int64)
    n_event, n_censored = np.empty(used, np.int64), np.empty(used, np.int64)
    row = 0
    for j in range(cells.shape[0]):
        here = cells[j, 0] + cells[j, 1]
        if here > 0:
            time[row], n_risk[row], n_event[row], n_censored[row] = j, left, cells[j, 1], cells[j, 0]
            left -= here
            row += 1
    return time, n_risk, n_event, n_censored


@jit
def _distinct(keys: Keys, width: np.uint64) -> int:
    used = 1
    for i in range(1, keys.size):
        used += (keys[i] >> width) != (keys[i - 1] >> width)
    return used


@jit
def _risk_from_keys(
    keys: Keys, offset: np.uint64, shift: np.uint64, bits: Keys, n_risk: Ints, n_event: Ints, n_censored: Ints
) -> None:
    n, one = keys.size, np.uint64(1)
    row, start, events = 0, 0, 0
    for i in range(n):
        here = keys[i] >> one
        events += whole(keys[i] & one)
        # Written over and over until the time is complete: a store costs less than a branch foretold wrongly.
        bits[row] = ((here + offset) if here != 0 else here) << shift
        n_risk[row], n_event[row], n_censored[row] = n - start, events, i + 1 - start - events
        if i + 1 < n and (keys[i + 1] >> one) != here:
            row, start, events = row + 1, i + 1, 0


@jit
def _product_limit(n_risk: Ints, n_event: Ints, surv: Floats) -> None:
    product, shares = 1.0, np.empty(_CHUNK)
    for start in range(0, surv.size, _CHUNK):
        stop = min(start + _CHUNK, surv.size)
        risk, events, out = n_risk[start:stop], n_event[start:stop], surv[start:stop]
        for i in range(stop - start):  # apart, for divisions need not wait for each other
            shares[i] = np.float64(risk[i] - events[i]) / np.float64(risk[i])
        for i in range(stop - start):
            product *= shares[i]
            out[i] = product


@jit
def _greenwood_sums(n_risk: Ints, n_event: Ints, sums: Floats) -> None:
    total, steps = 0.0, np.empty(_CHUNK)
    for start in range(0, sums.size, _CHUNK):
        stop = min(start + _CHUNK, sums.size)
        risk, events, out = n_risk[start:stop], n_event[start:stop], sums[start:stop]
        for i in range(stop - start):
            remaining = risk[i] - events[i]
            steps[i] = np.float64(events[i]) / np.float64(risk[i] * max(remaining, 1)) * np.float64(remaining > 0)
        for i in range(stop - start):
            total += steps[i]
            out[i] = total


@jit
def _pair_result(observed: int, events: int, expected: float, variance: float) -> GroupSums:
    """Of two groups, all about the first follows from the second."""
    both, seen = np.empty(2), np.empty(2)
    seen[0], seen[1] = events - observed, observed
    both[0], both[1] = events - expected, expected
    spread = np.full((2, 2), variance)
    spread[0, 1] = spread[1, 0] = -variance
    return seen, both, spread


@jit
def _pair_from_cells(cells: Ints) -> GroupSums:
    total, second = 0, 0
    for j in range(cells.shape[0]):
        second += cells[j, 2] + cells[j, 3]
        total += cells[j, 0] + cells[j, 1]
    total += second
    observed, events, expected, variance = 0, 0, 0.0, 0.0
    for j in range(cells.shape[0]):
        here = cells[j, 1] + cells[j, 3]
        if here > 0:
            share = second / total
            expected += here * share
            variance += here * (total - here) / max(total - 1, 1) * (share * (1.0 - share))
            observed += cells[j, 3]
            events += here
        leaving = cells[j, 2] + cells[j, 3]
        second -= leaving
        total -= leaving + cells[j, 0] + cells[j, 1]
    return _pair_result(observed, events, expected, variance)


@jit
def _pair_from_keys(keys: Keys) -> GroupSums:
    n, one, two = keys.size, np.uint64(1), np.uint64(2)
    second = 0
    for i in range(n):
        second += whole((keys[i] >> one) & one)
    observed, events, expected, variance = 0, 0, 0.0, 0.0
    start, here, leaving = 0, 0, 0
    for i in range(n):
        key = keys[i]
        here += whole(key & one)
        observed += whole(key & (key >> one) & one)
        leaving += whole((key >> one) & one)
        if i + 1 == n or (keys[i + 1] >> two) != (key >> two):
            total = n - start
            share = second / total
            # Without an event these add 0; so no branch need be foretold.
            expected += here * share
            variance += np.float64(here * (total - here)) / max(total - 1, 1) * (share * (1.0 - share))
            events += here
            second -= leaving
            start, here, leaving = i + 1, 0, 0
    return _pair_result(observed, events, expected, variance)


@jit
def _moments_from_cells(cells: Ints, k: int) -> Moments:
    left, size = np.zeros(k), 0
    for j in range(cells.shape[0]):
        here = 0
        for a in range(k):
            left[a] += cells[j, 2 * a] + cells[j, 2 * a + 1]
            here += cells[j, 2 * a + 1]
        size += here > 0
    time, deaths, at_risk = np.empty(size), np.empty((k, size)), np.empty((k, size))
    row = 0
    for j in range(cells.shape[0]):
        here = 0
        for a in range(k):
            here += cells[j, 2 * a + 1]
        if here > 0:
            time[row] = j
            for a in range(k):
                deaths[a, row], at_risk[a, row] = cells[j, 2 * a + 1], left[a]
            row += 1
        for a in range(k):
            left[a] -= cells[j, 2 * a] + cells[j, 2 * a + 1]
    return time, deaths, at_risk


@jit
def _moments_in_keys(keys: Keys, width: np.uint64) -> int:
    """How many distinct times have an event."""
    size, here, one = 0, np.uint64(0), np.uint64(1)
    for i in range(keys.size):
        here |= keys[i] & one
        if i + 1 == keys.size or (keys[i + 1] >> width) != (keys[i] >> width):
            size += whole(here)
            here = np.uint64(0)
    return size


@jit
def _moments_from_keys(
    keys: Keys, offset: np.uint64, shift: np.uint64, width: np.uint64, bits: Keys, deaths: Floats, at_risk: Floats
) -> None:
    """Fill the last three, `deaths` from 0."""
    one = np.uint64(1)
    group = (one << width) - one
    left, row, start = np.zeros(deaths.shape[0]), 0, 0
    for i in range(keys.size):
        left[(keys[i] & group) >> one] += 1.0
    while start < keys.size:
        value, stop, events = keys[start] >> width, start, np.uint64(0)
        while stop < keys.size and (keys[stop] >> width) == value:
            events |= keys[stop] & one
            stop += 1
        if events:
            bits[row] = ((value + offset) if value != 0 else value) << shift
            for a in range(left.size):
                at_risk[a, row] = left[a]
            for i in range(start, stop):
                deaths[(keys[i] & group) >> one, row] += keys[i] & one
            row += 1
        for i in range(start, stop):
            left[(keys[i] & group) >> one] -= 1.0
        start = stop


@jit
def _sums_over_moments(deaths: Floats, at_risk: Floats) -> GroupSums:
    k = at_risk.shape[0]
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for row in range(at_risk.shape[1]):
        total = here = 0.0
        for a in range(k):
            observed[a] += deaths[a, row]
            total += at_risk[a, row]
            here += deaths[a, row]
        spread = here * (total - here) / max(total - 1.0, 1.0)
        for a in range(k):
            share = at_risk[a, row] / total
            expected[a] += here * share
            variance[a, a] += spread * share
            for b in range(k):
                variance[a, b] -= spread * share * (at_risk[b, row] / total)
    return observed, expected, variance
