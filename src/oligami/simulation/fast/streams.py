"""Chance by counter: every number of every replicate has an address, so any of them can be drawn alone, in any order, anywhere.

Philox4x32-10 turns an address of four 32-bit words (subject, purpose, replicate low, replicate high) under a key (the seed's
two words) into four 32-bit words. Workers, chunks, order and resumption cannot change a bit.

Source: Salmon, Moraes, Dror and Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, Proc. SC11.
"""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from oligami.stats.arguments import Floats

Words = NDArray[np.uint64]

MULTIPLIER_0, MULTIPLIER_1 = 0xD2511F53, 0xCD9E8D57
WEYL_0, WEYL_1 = 0x9E3779B9, 0xBB67AE85
ROUNDS = 10
_MIXING = 2
_FACTOR_0, _FACTOR_1 = np.uint64(MULTIPLIER_0), np.uint64(MULTIPLIER_1)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


class Purpose(IntEnum):
    """What the four words of an address are for, in their order.

    COURSE: entry, event, drop-out, allocation. ROAD: gate, delay, site, crossover (arm 0) or untreated (arm 1).
    FACTORS and the numbers after it: word f % 4 of purpose FACTORS + f // 4 draws factor f.
    """

    COURSE = 0
    ROAD = 1
    FACTORS = 2


def philox(counter: tuple[Words, Words, Words, Words], seed: int) -> tuple[Words, Words, Words, Words]:
    """Return the four words of each address; arrays of uint64 that hold 32-bit words and broadcast against each other.

    >>> zero = np.zeros(1, dtype=np.uint64)
    >>> [hex(int(word[0])) for word in philox((zero, zero, zero, zero), 0)]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']

    Raises:
        ValueError: the seed is negative or needs more than 64 bits.
    """
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"seed is {seed}; it must be 0 or more and below 2^64")
    shape = np.broadcast_shapes(*(word.shape for word in counter))
    key_0, key_1 = seed & 0xFFFFFFFF, seed >> 32
    a, b, c, d = counter
    # Words start as rows and columns; until rounds have mixed them there is less than a full table to work on.
    for _ in range(_MIXING):
        first, second = a * _FACTOR_0, c * _FACTOR_1
        a, b = (second >> _SHIFT) ^ b ^ np.uint64(key_0), second & _LOW
        c, d = (first >> _SHIFT) ^ d ^ np.uint64(key_1), first & _LOW
        key_0, key_1 = (key_0 + WEYL_0) & 0xFFFFFFFF, (key_1 + WEYL_1) & 0xFFFFFFFF
    # The same rounds once more, in place: six tables take turns, for fresh memory costs more than the arithmetic.
    a, b, c, d = (np.array(np.broadcast_to(word, shape), order="C") for word in (a, b, c, d))
    spare_0, spare_1 = np.empty(shape, dtype=np.uint64), np.empty(shape, dtype=np.uint64)
    for _ in range(ROUNDS - _MIXING):
        first, second = np.multiply(a, _FACTOR_0, out=a), np.multiply(c, _FACTOR_1, out=c)
        np.right_shift(second, _SHIFT, out=spare_0)
        np.bitwise_xor(spare_0, b, out=spare_0)
        np.bitwise_xor(spare_0, np.uint64(key_0), out=spare_0)
        np.right_shift(first, _SHIFT, out=spare_1)
        np.bitwise_xor(spare_1, d, out=spare_1)
        np.bitwise_xor(spare_1, np.uint64(key_1), out=spare_1)
        np.bitwise_and(second, _LOW, out=second)
        np.bitwise_and(first, _LOW, out=first)
        a, b, c, d, spare_0, spare_1 = spare_0, second, spare_1, first, b, d
        key_0, key_1 = (key_0 + WEYL_0) & 0xFFFFFFFF, (key_1 + WEYL_1) & 0xFFFFFFFF
    return a, b, c, d


def uniforms(
    seed: int, purpose: int, replicates: NDArray[np.int64], subjects: int, words: Sequence[int] = (0, 1, 2, 3)
) -> tuple[Floats, ...]:
    """Return uniforms on (0, 1), a table of shape (replicates, subjects) for each word wanted of an address.

    A word w becomes (w + 1/2) / 2^32, which is exact, so that neither 0 nor 1 can come.

    >>> (u,) = uniforms(7, Purpose.COURSE, np.array([0, 5]), 3, words=[1])
    >>> alone = uniforms(7, Purpose.COURSE, np.array([5]), 3)[1]
    >>> bool((u[1] == alone[0]).all())
    True
    """
    rows = np.asarray(replicates, dtype=np.uint64)[:, np.newaxis]
    columns = np.arange(subjects, dtype=np.uint64)[np.newaxis, :]
    high = rows >> _SHIFT
    if (high == high[:1]).all():
        high = high[:1]  # one number for all, which keeps the first rounds small
    made = philox((columns, np.full((1, 1), purpose, dtype=np.uint64), rows & _LOW, high), seed)
    return tuple(_uniform(made[word]) for word in words)


def _uniform(word: Words) -> Floats:
    # As int64, which holds the same numbers and becomes a float in one step.
    u = word.view(np.int64).astype(np.float64)
    u += 0.5
    u *= 2.0**-32
    return u
