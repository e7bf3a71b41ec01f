"""Machine code kept on disk, and never taken for that of another signature."""

from typing import Any

from numba.core import sigutils


def careful(compiled: Any) -> Any:
    """Make a compiled function hold what it reads from disk against the signature it was asked for, and return it.

    Two processes that compile a function for the first time at the same moment, one for bytes and one for words, choose the same
    name for both codes, and numba's index may then name the one and the file hold the other: numbers would be read at a wrong
    width, without a word. Code of another signature is compiled anew, which also mends the file.
    """
    load = compiled._cache.load_overload

    def load_overload(signature: Any, context: Any) -> Any:
        found = load(signature, context)
        wanted, _ = sigutils.normalize_signature(signature)
        return found if found is not None and tuple(found.signature.args) == tuple(wanted) else None

    compiled._cache.load_overload = load_overload
    return compiled
