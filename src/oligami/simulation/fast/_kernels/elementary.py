"""Logarithm, exponential, power and sum in a strict order of operations, so that every machine gives the same bits.

The library's functions differ between versions and processors. These are slower to the last bit only where it does not matter:
the logarithm is right to 4e-16 and, without branches, eight are taken at once where the processor can.
"""

import numpy as np

from oligami.simulation.fast._kernels.machine import bits_of, float_of, inlined, part
from oligami.simulation.fast._kernels.shapes import Positions
from oligami.stats.arguments import Floats

_TWO_52 = np.uint64(0x4330000000000000)
_EXPONENT = np.uint64(52)
_BIAS = np.uint64(1023)
_TWELVE_BITS = np.uint64(0xFFF)
_MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
_ROOT_HALF = np.uint64(0x3FE6A09E00000000)  # sqrt(1/2), rounded down: the mantissa is taken from there to sqrt(2)
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # the high part has 21 trailing zero bits


@inlined
def log(x: float) -> float:
    """Natural logarithm of a positive normal number.

    With x = 2^k (1 + f) and s = f / (2 + f): log(1 + f) = 2 artanh(s), a polynomial in s^2 of degree 7.
    Source: the coefficients are those of Sun's fdlibm, e_log.c (error below 2^-58.45 on the interval).
    """
    bits = bits_of(x) - _ROOT_HALF
    k = float_of((((bits >> _EXPONENT) + _BIAS) & _TWELVE_BITS) | _TWO_52) - 4503599627371519.0  # 2^52 + 1023
    f = float_of((bits & _MANTISSA) + _ROOT_HALF) - 1.0
    s = f / (2.0 + f)
    z = s * s
    tail = 0.1818357216161805012 + z * (0.1531383769920937332 + z * 0.1479819860511658591)
    tail = 0.6666666666666735130 + z * (
        0.3999999999940941908 + z * (0.2857142874366239149 + z * (0.2222219843214978396 + z * tail))
    )
    half = 0.5 * f * f
    return k * _LN2_HIGH - ((half - (s * (half + z * tail) + k * _LN2_LOW)) - f)


@part
def exp(x: float) -> float:
    """Exponential of a number between -700 and 700, right to 4e-16: 2^k times a Taylor polynomial within ln(2) / 2."""
    k = np.floor(x * 1.4426950408889634 + 0.5)
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    value = 1.0
    for i in range(15, 0, -1):
        value = 1.0 + r * value / i
    return value * float_of(np.uint64(np.int64(k) + 1023) << _EXPONENT)


@part
def power(base: float, exponent: float) -> float:
    """Power of a base in [0, 1] by an exponent of 0 or more; 0^0 is 1."""
    if exponent == 0.0:
        return 1.0
    if exponent == 1.0:
        return base
    if base <= 0.0:
        return 0.0
    return exp(max(exponent * log(base), -700.0))


@part
def total(values: Floats, count: int) -> float:
    """Sum in eight interleaved parts, which the processor can add at once."""
    a, b, c, d, e, f, g, h = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    whole = count - count % 8
    for i in range(0, whole, 8):
        a += values[i]
        b += values[i + 1]
        c += values[i + 2]
        d += values[i + 3]
        e += values[i + 4]
        f += values[i + 5]
        g += values[i + 6]
        h += values[i + 7]
    rest = 0.0
    for i in range(whole, count):
        rest += values[i]
    return (((a + e) + (b + f)) + ((c + g) + (d + h))) + rest


@part
def minus_log(values: Floats, count: int, out: Floats) -> None:
    """Turn uniforms into unit exponentials."""
    for i in range(count):
        out[i] = -log(values[i])


@part
def largest_finite(values: Floats, wanted: Positions, m: int) -> float:
    """Return the largest finite value among those wanted, all 0 or more; 0 if there is none."""
    # As whole numbers, the bits of floats of 0 or more stand in the order of the floats.
    highest, infinite = np.uint64(0), bits_of(np.inf)
    for i in range(m):
        bits = bits_of(values[i])
        fits = (wanted[i] == 1) & (bits < infinite)
        bits = bits if fits else np.uint64(0)
        highest = bits if bits > highest else highest
    return float_of(highest)


@part
def count_up_to(values: Floats, n: int, limit: float) -> int:
    """Count the values at or below a limit."""
    found = 0
    for i in range(n):
        found += values[i] <= limit
    return found


@part
def gather(source: Floats, who: Positions, m: int, out: Floats) -> None:
    """Pick subjects out of a column."""
    for i in range(m):
        out[i] = source[who[i]]


@part
def gather_levels(source: Positions, who: Positions, m: int, out: Positions) -> None:
    """Pick subjects out of a column of levels."""
    for i in range(m):
        out[i] = source[who[i]]


@part
def subtract(left: Floats, right: Floats, count: int, out: Floats) -> None:
    """Subtract column from column."""
    for i in range(count):
        out[i] = left[i] - right[i]


@part
def copy(source: Floats, count: int, out: Floats) -> None:
    """Copy a column."""
    for i in range(count):
        out[i] = source[i]
