"""Uniforms by address: the numbers of `streams`, bit for bit, many subjects at once.

Source: Salmon, Moraes, Dror and Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, Proc. SC11.
"""

import numpy as np

from oligami.simulation.fast import streams
from oligami.simulation.fast._kernels.machine import float_of, inlined, part
from oligami.stats.arguments import Floats

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(streams.MULTIPLIER_0), np.uint64(streams.MULTIPLIER_1)
_WEYL_0, _WEYL_1 = np.uint64(streams.WEYL_0), np.uint64(streams.WEYL_1)
_ROUNDS = streams.ROUNDS
#: A word below 2^52 in the low bits of this float's image is 2^52 + word.
_TWO_52 = np.uint64(0x4330000000000000)


@inlined
def _uniform(word: np.uint64) -> float:
    return (float_of(word | _TWO_52) - 4503599627370495.5) * 2.0**-32  # (word + 1/2) / 2^32, exactly


@part
def fill_uniforms(
    seed: np.uint64,
    purpose: np.uint64,
    replicate: np.uint64,
    n: int,
    first: Floats,
    second: Floats,
    third: Floats,
    fourth: Floats,
) -> None:
    """Write the four uniforms of subjects 0 to n - 1 into four columns."""
    low, high = replicate & _LOW, replicate >> _HALF
    for i in range(n):
        a, b, c, d = np.uint64(i), purpose, low, high
        key_0, key_1 = seed & _LOW, seed >> _HALF
        for _ in range(_ROUNDS):
            product_0, product_1 = (a & _LOW) * _MULTIPLIER_0, (c & _LOW) * _MULTIPLIER_1
            a = (product_1 >> _HALF) ^ b ^ key_0
            b = product_1 & _LOW
            c = (product_0 >> _HALF) ^ d ^ key_1
            d = product_0 & _LOW
            key_0, key_1 = (key_0 + _WEYL_0) & _LOW, (key_1 + _WEYL_1) & _LOW
        first[i] = _uniform(a)
        second[i] = _uniform(b)
        third[i] = _uniform(c)
        fourth[i] = _uniform(d)
