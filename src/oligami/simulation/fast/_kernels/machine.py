"""How a function becomes machine code, and how a float is read as its bits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from oligami.stats._kernels.keeping import careful

P = ParamSpec("P")
T = TypeVar("T")


#: Changes when any file of the kernels changes. numba looks only at the file of the function itself, and would go on using old code
#: of what is put into it from others.
_STAMP = tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(Path(__file__).parent.glob("*.py")))


def _stamped(compiled: Any) -> Any:
    """Tie the code kept on disk to all files of the kernels."""
    compiled._cache._cache_file._source_stamp = _STAMP
    return careful(compiled)


def kernel(function: Callable[P, T]) -> Callable[P, T]:
    """Compile when first called and keep the code on disk; without Python's lock, without fast-math.

    Division follows IEEE 754 (a check for zero would keep loops from being vectorized). Arrays are not counted: their owner
    holds them while the kernel runs, and threads that count the same array wait for each other.
    """
    return _stamped(njit(nogil=True, cache=True, error_model="numpy", _nrt=False, no_cfunc_wrapper=True)(function))


def part(function: Callable[P, T]) -> Callable[P, T]:
    """As `kernel`, to be called by kernels alone: without the code that takes Python's objects apart, which is most of it."""
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return _stamped(njit(nogil=True, cache=True, error_model="numpy", _nrt=False, **options)(function))


def inlined(function: Callable[P, T]) -> Callable[P, T]:
    """As `kernel`, and put into every caller, so that the caller's loop can be vectorized."""
    return _stamped(njit(nogil=True, cache=True, error_model="numpy", _nrt=False, inline="always")(function))


def _bits_of(_context: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.uint64))

    return types.uint64(types.float64), code


def _float_of(_context: Any, bits: Any) -> Any:
    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.uint64), code


def _signed(_context: Any, word: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[0], signature.args[0], types.int64)

    return types.int64(word), code


#: The signed number of an unsigned one: numba takes a sum of both kinds for a float.
signed: Callable[[np.integer[Any] | bool], int] = intrinsic(_signed)
#: The 64 bits of a float, and the float of 64 bits; no conversion, no memory.
bits_of: Callable[[float], np.uint64] = intrinsic(_bits_of)
float_of: Callable[[np.uint64], float] = intrinsic(_float_of)
