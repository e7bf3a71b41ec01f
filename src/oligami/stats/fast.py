"""Whether a computation on columns of many rows may use the compiled kernels, which come with the extra `fast`.

Plain numpy always works, and is what the kernels are held against. A kernel is used when numba is installed and there
are rows enough to be worth loading it; `OLIGAMI_PLAIN=1` in the environment, or `plain()`, keeps to numpy.
"""

import importlib
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from types import ModuleType

#: Loading kernels takes about half a second once; plain numpy is done with fewer rows in a few milliseconds.
WORTHWHILE_ROWS = 20_000

_least_rows: ContextVar[float | None] = ContextVar("least_rows", default=None)


def kernels(rows: int) -> ModuleType | None:
    """Return `oligami.stats._kernels` when a column of `rows` rows should use it, else None.

    >>> kernels(10) is None
    True
    """
    least = _least_rows.get()
    if rows < (WORTHWHILE_ROWS if least is None else least) or rows == 0:
        return None
    if least is None and os.environ.get("OLIGAMI_PLAIN", "0") not in ("", "0"):
        return None
    return _loaded()


@contextmanager
def plain() -> Iterator[None]:
    """Use no kernel inside the block.

    >>> with plain():
    ...     kernels(10**7) is None
    True
    """
    with _from_rows(float("inf")):
        yield


@contextmanager
def compiled() -> Iterator[None]:
    """Use kernels inside the block for columns of any length.

    Raises:
        ModuleNotFoundError: numba is not installed.
    """
    if _loaded() is None:
        raise ModuleNotFoundError("the compiled kernels need numba; install oligami with the extra fast")
    with _from_rows(0):
        yield


@contextmanager
def _from_rows(least: float) -> Iterator[None]:
    before = _least_rows.set(least)
    try:
        yield
    finally:
        _least_rows.reset(before)


@cache
def _loaded() -> ModuleType | None:
    if importlib.util.find_spec("numba") is None:
        return None
    return importlib.import_module("oligami.stats._kernels")
