"""How a function becomes machine code, and how a float is read as its bits."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

P = ParamSpec("P")
T = TypeVar("T")


def kernel(function: Callable[P, T]) -> Callable[P, T]:
    """Compile when first called and keep the code on disk; without Python's lock, without fast-math.

    Division follows IEEE 754 (a check for zero would keep loops from being vectorized).
    """
    compiled: Callable[P, T] = njit(nogil=True, cache=True, error_model="numpy", _nrt=False)(function)
    return compiled


def part(function: Callable[P, T]) -> Callable[P, T]:
    """As `kernel`, to be called by kernels alone: without the code that takes Python's objects apart, which is most of it."""
    compiled: Callable[P, T] = njit(
        nogil=True, cache=True, error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(function)
    return compiled


def inlined(function: Callable[P, T]) -> Callable[P, T]:
    """As `kernel`, and put into every caller, so that the caller's loop can be vectorized."""
    compiled: Callable[P, T] = njit(nogil=True, cache=True, error_model="numpy", _nrt=False, inline="always")(function)
    return compiled


def _bits_of(_context: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.uint64))

    return types.uint64(types.float64), code


def _float_of(_context: Any, bits: Any) -> Any:
    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.uint64), code


#: The 64 bits of a float, and the float of 64 bits; no conversion, no memory.
bits_of: Callable[[float], np.uint64] = intrinsic(_bits_of)
float_of: Callable[[np.uint64], float] = intrinsic(_float_of)
