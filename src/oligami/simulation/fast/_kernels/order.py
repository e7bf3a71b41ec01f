"""Order without a sort: one pass into buckets, then neighbours put right.

A key is a whole number: a time in 41 bits of fixed point, the position of its owner in 20, the arm and the event in one each.
Buckets grow with the number of keys, so that the work grows in proportion to it. Times that fall on the same fixed point are
reported; who needs their true order goes back to the floats.
"""

import numpy as np

from oligami.simulation.fast._kernels.machine import bits_of, part
from oligami.simulation.fast._kernels.shapes import Positions, Words
from oligami.stats.arguments import Floats

TIME_BITS = 41
LOWER = np.uint64(22)
_OWNER = np.uint64((1 << 20) - 1)
MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
TWO_52 = 4503599627370496.0
#: The largest fixed point of a time, and the one beyond it, for who does not count.
TOP = float((1 << TIME_BITS) - 2)
OUTSIDE = np.uint64(1 << TIME_BITS)


@part
def key_times(time: Floats, count: int, longest: float, keys: Words) -> None:
    """Make keys of times from 0 to `longest`; owners are counted from 0."""
    scale = TOP / longest if longest > 0.0 else 0.0
    for i in range(count):
        point = bits_of(min(time[i] * scale, TOP) + TWO_52) & MANTISSA
        keys[i] = (point << LOWER) | (np.uint64(i) << np.uint64(2))


@part
def sort_keys(keys: Words, count: int, inside: int, bits: int, counts: Positions, out: Words) -> bool:
    """Write the keys in ascending order, with 2^bits buckets; say whether times of the first `inside` fall together."""
    shift = np.uint64(TIME_BITS + 22 - bits)
    buckets = (1 << bits) + 1
    for b in range(buckets):
        counts[b] = 0
    for i in range(count):
        counts[keys[i] >> shift] += np.uint32(1)
    position = np.uint32(0)
    for b in range(buckets):
        here = counts[b]
        counts[b] = position
        position += here
    for i in range(count):
        b = keys[i] >> shift
        out[counts[b]] = keys[i]
        counts[b] += np.uint32(1)
    if inside < 2:
        return False

    # Two passes of exchanging neighbours, in one: they put right what stands up to two places too far on.
    first, second = max(out[0], out[1]), min(out[0], out[1])
    for i in range(2, inside):
        key = out[i]
        low = key if key < first else first
        first = first if key < first else key
        out[i - 2] = low if low < second else second
        second = second if low < second else low
    out[inside - 2], out[inside - 1] = second, first

    disorder = np.uint64(0)
    for i in range(inside - 1):
        disorder += np.uint64(out[i] > out[i + 1])
    if disorder > 0:
        _insert(out, inside)
    together = np.uint64(0)
    for i in range(inside - 1):
        together += np.uint64(((out[i] ^ out[i + 1]) >> LOWER) == 0)
    return bool(together > 0)


@part
def _insert(keys: Words, count: int) -> None:
    """Shell's sort: for few out of place one pass does nearly nothing, and for many it stays below quadratic."""
    for gap in (1750, 701, 301, 132, 57, 23, 10, 4, 1):
        for i in range(gap, count):
            key, j = keys[i], i
            while j >= gap and keys[j - gap] > key:
                keys[j] = keys[j - gap]
                j -= gap
            keys[j] = key


@part
def owner(key: np.uint64) -> np.uint64:
    """Whose key it is."""
    return (key >> np.uint64(2)) & _OWNER


@part
def settle(keys: Words, count: int, time: Floats) -> None:
    """Order keys that are nearly in order by the times themselves, and equal times by owner."""
    for i in range(1, count):
        key, j = keys[i], i
        mine = owner(key)
        while j > 0:
            other = owner(keys[j - 1])
            if time[other] < time[mine] or (time[other] == time[mine] and other < mine):
                break
            keys[j] = keys[j - 1]
            j -= 1
        keys[j] = key
