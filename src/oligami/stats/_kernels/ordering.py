"""Putting times in order: each with some bits of its own beside it, in one integer, by few passes over them.

A time >= 0 read as an integer sorts as the time does. Of its 64 bits a column uses those between the lowest bit set in
any time and the spread from the earliest time to the latest; the rest is room for what travels along. Nothing of a
time is ever cut off where that could change a result: what does not fit is left to the plain functions.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oligami.stats._kernels.keeping import careful
from oligami.stats.arguments import Floats, Ints

Keys = NDArray[np.uint64]
Flags = NDArray[np.uint16]

Compiled = TypeVar("Compiled", bound=Callable[..., object])


def jit(function: Compiled) -> Compiled:
    """Compile a function when it is first called, and keep it for the next process.

    Arithmetic is strict and in the order written; the interpreter's lock is let go, so that threads may share the work.
    """
    return cast(Compiled, careful(njit(cache=True, nogil=True, error_model="numpy")(function)))


MAGNITUDE = np.uint64(0x7FFF_FFFF_FFFF_FFFF)  # without the sign, which only -0.0 has
_ONE = np.uint64(1)
_WORD = 64
_PASSES = 3
# Passes of 8 bits write to 256 places at a time, which caches hold; longer columns are worth wider ones.
_DIGIT_BITS = (8, 11)
# After three passes rows of a like spread stand within a few places of where they belong.
_MOVES_A_ROW = 16


@jit
def _extent(bits: Keys) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Least positive and greatest time as integers, and all their bits together; 0s when no time is positive."""
    low, high, union = MAGNITUDE, np.uint64(0), np.uint64(0)
    for i in range(bits.size):
        b = bits[i] & MAGNITUDE
        high = max(high, b)
        low = min(low, b if b != 0 else MAGNITUDE)
        union |= b
    return low, high, union


def places(time: Floats) -> tuple[int, int, int]:
    """Return how a column's times become small integers in the same order: an offset, a shift, and their width.

    The integer of a time is 0 for 0, else the time's bits shifted right, less the offset: at least 1.
    """
    low, high, union = (int(value) for value in _extent(time.view(np.uint64)))
    if high == 0:
        return 0, 0, 1
    shift = (union & -union).bit_length() - 1
    offset = (low >> shift) - 1
    return offset, shift, ((high >> shift) - offset).bit_length()


@jit
def place(bits: np.uint64, offset: np.uint64, shift: np.uint64) -> np.uint64:
    """The small integer of a time."""
    b = (bits & MAGNITUDE) >> shift
    return b - offset if b != 0 else b


@jit
def whole(value: np.uint64) -> int:
    """A small value as a signed integer: mixed with others, an unsigned one would turn them into floats."""
    return int(np.int64(value))


@jit
def _flagged(keys: Keys, bits: Keys, flags: Flags, offset: np.uint64, shift: np.uint64, width: np.uint64) -> None:
    for i in range(bits.size):
        keys[i] = (place(bits[i], offset, shift) << width) | np.uint64(flags[i])


@jit
def _numbered(keys: Keys, bits: Keys, offset: np.uint64, shift: np.uint64, cut: np.uint64, width: np.uint64) -> None:
    for i in range(bits.size):
        keys[i] = ((place(bits[i], offset, shift) >> cut) << width) | np.uint64(i)


@jit
def _three_passes(keys: Keys, spare: Keys, lowest: np.uint64, digit: np.uint64) -> None:
    """Sort by the three digits from bit `lowest` up, stably; the result is in `spare`, and `keys` is used up."""
    mask = (_ONE << digit) - _ONE
    first, second, third = lowest, lowest + digit, lowest + digit + digit
    starts = np.zeros((_PASSES, int(mask) + 1), np.uint64)  # unsigned, for a signed index may count from the end
    for i in range(keys.size):
        key = keys[i]
        starts[0, (key >> first) & mask] += _ONE
        starts[1, (key >> second) & mask] += _ONE
        starts[2, (key >> third) & mask] += _ONE
    for row in range(_PASSES):
        total = np.uint64(0)
        for j in range(starts.shape[1]):
            count = starts[row, j]
            starts[row, j] = total
            total += count
    _one_pass(keys, spare, first, mask, starts[0])
    _one_pass(spare, keys, second, mask, starts[1])
    _one_pass(keys, spare, third, mask, starts[2])


@jit
def _one_pass(source: Keys, target: Keys, shift: np.uint64, mask: np.uint64, starts: Keys) -> None:
    for i in range(source.size):
        key = source[i]
        digit = (key >> shift) & mask
        target[starts[digit]] = key
        starts[digit] += _ONE


@jit
def _settle(keys: Keys, beside: np.uint64, moves: int) -> bool:
    """Insert each key where it belongs among those before it, looking at the time alone; False when it takes too long.

    Keys of the same time keep their order, so that ties cost nothing.
    """
    for i in range(1, keys.size):
        key = keys[i]
        bound = key | beside
        j = i
        while j > 0 and keys[j - 1] > bound:
            keys[j] = keys[j - 1]
            j -= 1
        keys[j] = key
        moves -= i - j
        if moves < 0:
            return False
    return True


@jit
def _settle_by_time(keys: Keys, bits: Keys, width: np.uint64, moves: int) -> bool:
    """As `_settle`, for keys that hold the front of a time and the row where the whole of it stands."""
    row_mask = (_ONE << width) - _ONE
    for i in range(1, keys.size):
        key = keys[i]
        front = key >> width
        j = i
        while j > 0:
            before = keys[j - 1]
            if before >> width < front:  # as nearly always; the whole times stand far apart and are fetched only if need be
                break
            if before >> width == front and bits[before & row_mask] & MAGNITUDE <= bits[key & row_mask] & MAGNITUDE:
                break
            keys[j] = before
            j -= 1
        keys[j] = key
        moves -= i - j
        if moves < 0:
            return False
    return True


def _nearly_sorted(keys: Keys, top: int, lowest: int) -> Keys:
    """Sort by the highest digits between bits `lowest` and `top`; `keys` is used up."""
    narrow, wide = _DIGIT_BITS
    digit = min(wide, max(narrow, (keys.size.bit_length() + 5) // _PASSES))
    spare = np.empty_like(keys)
    _three_passes(keys, spare, np.uint64(max(lowest, top - _PASSES * digit)), np.uint64(digit))
    return spare


def sorted_keys(time: Floats, flags: Flags, width: int) -> tuple[Keys, int, int] | None:
    """Return keys of times and flags in order of time, with the offset and shift of `places`; None when they do not fit.

    Args:
        time: finite, >= 0, shape (n,).
        flags: what travels with each time, below 2**width.
        width: how many of a key's lowest bits hold the flag.
    """
    bits = time.view(np.uint64)
    offset, shift, span = places(time)
    if span + width > _WORD:
        return None
    keys = np.empty(time.size, np.uint64)
    _flagged(keys, bits, flags, np.uint64(offset), np.uint64(shift), np.uint64(width))
    keys = _nearly_sorted(keys, span + width, width)
    if not _settle(keys, np.uint64((1 << width) - 1), _MOVES_A_ROW * keys.size):
        keys.sort()
    return keys, offset, shift


@jit
def _keep_rows(keys: Keys, mask: np.uint64) -> None:
    for i in range(keys.size):
        keys[i] &= mask


def time_order(time: Floats) -> Ints:
    """Return the rows in order of time, those of the same time as they stood: `argsort(time, kind="stable")`."""
    time = np.ascontiguousarray(time)
    bits = time.view(np.uint64)
    offset, shift, span = places(time)
    width = max(1, (time.size - 1).bit_length())
    cut = max(0, span + width - _WORD)
    keys = np.empty(time.size, np.uint64)
    _numbered(keys, bits, np.uint64(offset), np.uint64(shift), np.uint64(cut), np.uint64(width))
    keys = _nearly_sorted(keys, min(span + width, _WORD), width)
    moves = _MOVES_A_ROW * keys.size
    settled = _settle_by_time(keys, bits, np.uint64(width), moves) if cut else _settle(keys, np.uint64((1 << width) - 1), moves)
    if not settled:
        return np.argsort(time, kind="stable")
    _keep_rows(keys, np.uint64((1 << width) - 1))
    return keys.view(np.int64)
