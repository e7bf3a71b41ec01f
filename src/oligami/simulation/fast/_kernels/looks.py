"""When the data are cut, and what is seen then."""

import numpy as np

from oligami.simulation.fast._kernels.elementary import largest_finite
from oligami.simulation.fast._kernels.machine import bits_of, part, signed
from oligami.simulation.fast._kernels.order import LOWER, MANTISSA, OUTSIDE, TOP, TWO_52
from oligami.simulation.fast._kernels.shapes import BY_CALENDAR, BY_EVENTS, Looks, Positions, Sorting, Words
from oligami.stats.arguments import Floats

_BY_EVENTS, _BY_CALENDAR = BY_EVENTS, BY_CALENDAR


@part
def time_looks(
    looks: Looks, calendar: Floats, event: Positions, m: int, sorting: Sorting, last_randomization: float, cuts: Floats
) -> None:
    """Write the calendar times of the cuts."""
    events = np.uint32(0)
    for i in range(m):
        events += event[i]
    bucketed = False
    for look in range(looks.kind.size):
        kind, value = looks.kind[look], looks.value[look]
        if kind == _BY_CALENDAR:
            cut = value
        elif kind != _BY_EVENTS:
            cut = last_randomization + value
        elif value > events:
            cut = 0.0
            for i in range(m):
                cut = max(cut, calendar[i])
            cut = min(cut, looks.latest[look])
        else:
            if not bucketed:
                latest = largest_finite(calendar, event, m)
                bucket_calendar(calendar, event, m, latest, sorting.bits, sorting.bucket, sorting.counts)
                bucketed = True
            cut = kth_event(calendar, sorting.bucket, m, sorting.counts, int(value), sorting.spare)
            cut = min(cut, looks.latest[look])
        cuts[look] = cut


@part
def key_look(
    randomization: Floats, ending: Floats, calendar: Floats, event: Positions, arm: Positions,
    m: int, cut: float, longest: float, ended: Floats, keys: Words,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Make keys of what is seen at a cut, and write how long each subject was seen.

    Returns:
        How many were randomized before the cut and how many of these in arm 1; events, and events in arm 1.
    """
    scale = TOP / longest if longest > 0.0 else 0.0
    seen, seen_1, events, events_1 = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    for i in range(m):
        counts = randomization[i] < cut
        seen_for = min(ending[i], cut - randomization[i])
        ended[i] = seen_for
        inside, of_arm = np.uint64(counts), np.uint64(arm[i])
        died = np.uint64(event[i]) & inside & np.uint64(calendar[i] <= cut)
        point = bits_of(min(seen_for * scale, TOP) + TWO_52) & MANTISSA
        point = point if counts else OUTSIDE
        keys[i] = (point << LOWER) | (np.uint64(i) << np.uint64(2)) | (of_arm << np.uint64(1)) | died
        seen += inside
        seen_1 += inside & of_arm
        events += died
        events_1 += died & of_arm
    return signed(seen), signed(seen_1), signed(events), signed(events_1)


@part
def bucket_calendar(
    calendar: Floats, event: Positions, m: int, latest: float, bits: int, bucket: Positions, counts: Positions
) -> None:
    """Count events by calendar time in 2^bits buckets up to `latest`; who has none goes beyond the last."""
    last = 1 << bits
    top = float(last - 1)
    scale = top / latest if latest > 0.0 else 0.0
    for b in range(last + 1):
        counts[b] = 0
    for i in range(m):
        cell = bits_of(min(calendar[i] * scale, top) + TWO_52) & MANTISSA
        bucket[i] = np.uint32(cell) if event[i] == 1 else np.uint32(last)
    for i in range(m):
        counts[bucket[i]] += np.uint32(1)


@part
def kth_event(calendar: Floats, bucket: Positions, m: int, counts: Positions, k: int, spare: Floats) -> float:
    """Calendar time of the k-th event, k from 1, given that there are so many."""
    before, b = 0, 0
    while before + counts[b] < k:
        before += signed(counts[b])
        b += 1
    found, wanted = 0, np.uint32(b)
    for i in range(m):
        spare[found] = calendar[i]
        found += bucket[i] == wanted
    for gap in (301, 57, 10, 4, 1):
        for i in range(gap, found):
            value, j = spare[i], i
            while j >= gap and spare[j - gap] > value:
                spare[j] = spare[j - gap]
                j -= gap
            spare[j] = value
    return spare[k - before - 1]
