"""What the statistical functions accept as columns: checks and codings shared by all of them.

Leaves to its callers what the columns mean. Every refusal is a `ValueError` that names the argument, what it was and
what it may be.
"""

import math
from collections.abc import Hashable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.int64] | NDArray[np.int8]
Label = Hashable
Scalar = TypeVar("Scalar", bound=np.generic)

#: So many labels have positions of one byte each.
SHORT = int(np.iinfo(np.int8).max)

_LARGEST_COUNT = 2.0**53  # beyond, floats skip whole numbers
_LARGEST_WEIGHT = 1e100


def numbers(values: ArrayLike, argument: str) -> Floats:
    """Return `values` as a one-dimensional, finite, non-empty float array.

    Raises:
        ValueError: the values are no numbers, have another shape, are empty, or one is missing or infinite.
    """
    return _numbers_and_least(values, argument)[0]


def one_or_more(values: ArrayLike, argument: str) -> Floats:
    """Return one number, or a column of them, as a column; refusals are those of `numbers`."""
    return numbers(np.atleast_1d(np.asarray(values)), argument)


def times(values: ArrayLike, argument: str = "time") -> Floats:
    """Return `values` as a column of finite times, each 0 or later.

    Raises:
        ValueError: as `numbers`, or a time is negative.
    """
    array, least = _numbers_and_least(values, argument)
    if least < 0:
        _refuse_first(array < 0, array, argument, "0 or more")
    return array


def entries(values: ArrayLike, end: Floats, argument: str = "entry") -> Floats:
    """Return `values` as a column of times, each before the end of observation in the same row.

    Raises:
        ValueError: as `times`, or the length differs, or a start does not lie before its end.
    """
    start = times(values, argument)
    same_length(start.size, end.size, argument)
    if (start >= end).any():
        at = int(np.argmax(start >= end))
        raise ValueError(f"{argument}[{at}] is {start[at]}; it must be less than time[{at}], {end[at]}")
    return start


def rising(values: ArrayLike, argument: str) -> Floats:
    """Return `values` as a column of finite numbers, each more than 0 and more than the one before.

    Raises:
        ValueError: as `numbers`, or a value is not positive or not above the one before.
    """
    array = numbers(values, argument)
    _refuse_first(np.diff(array, prepend=0.0) <= 0, array, argument, "more than 0 and more than the one before")
    return array


def indicators(values: ArrayLike, length: int, argument: str = "event") -> Ints:
    """Return `values` as a column of `length` integers 0 or 1.

    Raises:
        ValueError: as `numbers`, or the length differs, or a value is neither 0 nor 1.
    """
    return flags(values, length, argument).astype(np.int64)


def flags(values: ArrayLike, length: int, argument: str = "event") -> NDArray[np.bool_]:
    """Return a column of `length` values 0 or 1 as booleans; refusals are those of `indicators`."""
    given = np.asarray(values)
    if given.shape == (length,) and length:  # without the way round by floats
        if given.dtype.kind == "b":
            return given
        if given.dtype.kind in "iu" and given.min() >= 0 and given.max() <= 1:
            return given.astype(np.bool_)
    array = numbers(given, argument)
    same_length(array.size, length, argument)
    _refuse_first((array != 0) & (array != 1), array, argument, "0 or 1")
    return np.asarray(array == 1)


def counts(values: ArrayLike, length: int, argument: str) -> Ints:
    """Return `values` as a column of `length` whole numbers, each 0 or more.

    Raises:
        ValueError: as `numbers`, or the length differs, or a value is negative, not whole or above 2^53.
    """
    array = numbers(values, argument)
    same_length(array.size, length, argument)
    _refuse_first((array < 0) | (array != np.floor(array)), array, argument, "a whole number, 0 or more")
    _refuse_first(array > _LARGEST_COUNT, array, argument, f"at most {_LARGEST_COUNT:g}")
    return array.astype(np.int64)


def weights(values: ArrayLike | None, length: int, argument: str = "weights") -> Floats:
    """Return `values` as a column of `length` positive weights; all 1 when there are none.

    Raises:
        ValueError: as `numbers`, or the length differs, or a weight is not positive or so far from 1 (1e-100, 1e100)
            that sums of its squares would leave the range of floats.
    """
    if values is None:
        return np.ones(length)
    array = numbers(values, argument)
    same_length(array.size, length, argument)
    _refuse_first(array <= 0, array, argument, "more than 0")
    _refuse_first((array < 1 / _LARGEST_WEIGHT) | (array > _LARGEST_WEIGHT), array, argument, "between 1e-100 and 1e100")
    return array


def labels(values: ArrayLike, length: int, argument: str) -> tuple[tuple[Label, ...], Ints]:
    """Return the distinct labels in order, and for each row the position of its label.

    Raises:
        ValueError: as `short_labels`.
    """
    distinct, codes = short_labels(values, length, argument)
    return distinct, codes.astype(np.int64, copy=False)


def short_labels(values: ArrayLike, length: int, argument: str) -> tuple[tuple[Label, ...], Codes]:
    """As `labels`, the positions in one byte each where they are known to be few: mind what overflows it.

    Raises:
        ValueError: the column is empty, has another length or shape, or holds a missing label, or labels of kinds that
            cannot be put in order.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{argument} has {array.ndim} dimensions; it must be one column of labels")
    if array.size == 0:
        raise ValueError(f"{argument} is empty; it must hold at least one label")
    same_length(array.size, length, argument)
    if array.dtype.kind in "biu":
        return _coded_integers(array, short=True)
    if array.dtype.kind in "OUS":
        return _coded_words(array, argument)
    if array.dtype.kind == "f":
        _refuse_first(np.isnan(array), array, argument, "a label")
    distinct, codes = np.unique(array, return_inverse=True)
    return tuple(distinct.tolist()), codes.astype(np.int64)


def strata_codes(values: ArrayLike | None, length: int, argument: str = "strata") -> Ints:
    """Return for each row the number of its stratum, counted from 0 without gaps.

    Args:
        values: one column of labels, shape (n,), or several whose combinations are the strata, shape (n, k).
        length: n.
        argument: the name used in a refusal.

    Raises:
        ValueError: as `labels`, for any of the columns.
    """
    if values is None:
        return np.broadcast_to(np.zeros(1, dtype=np.int64), (length,))  # of any length, one place in memory
    array = np.asarray(values)
    columns = [array] if array.ndim != 2 else list(array.T)
    combined = np.zeros(length, dtype=np.int64)
    for column in columns:
        distinct, codes = labels(column, length, argument)
        combined = combined * len(distinct) + codes
    return _coded_integers(combined)[1].astype(np.int64, copy=False)


def matrix(values: ArrayLike, length: int, names: Sequence[str] | None) -> tuple[Floats, tuple[str, ...]]:
    """Return covariates as an (n, p) float array with the names of its p columns.

    Raises:
        ValueError: the shape does not fit, a value is missing, or the names are of another number or repeated.
    """
    try:
        given = np.asarray(values)
        if given.dtype.kind in "cmM":  # as in `numbers`
            raise TypeError(given.dtype)
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError("covariates hold values that are not numbers; they must be columns of numbers") from error
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"covariates have shape {array.shape}; they must be one or more columns, shape (n, p)")
    same_length(array.shape[0], length, "covariates")
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(f"covariates[{row}, {column}] is {array[row, column]}; it must be a finite number")
    terms = tuple(names) if names is not None else tuple(f"x{j + 1}" for j in range(array.shape[1]))
    if len(terms) != array.shape[1] or len(set(terms)) != len(terms):
        raise ValueError(f"names are {terms!r}; they must be {array.shape[1]} different names, one a covariate")
    return array, terms


def same_length(found: int, expected: int, argument: str, other: str = "time") -> None:
    """Refuse a column whose length differs from that of another, `time` unless named.

    Raises:
        ValueError: the lengths differ.
    """
    if found != expected:
        raise ValueError(f"{argument} has {found} rows; it must have as many as {other}, {expected}")


def level(value: float, argument: str = "conf_level") -> float:
    """Return a confidence level that lies between 0 and 1, both excluded.

    Raises:
        ValueError: it does not.
    """
    if not (_is_number(value) and 0 < value < 1):
        raise ValueError(f"{argument} is {value!r}; it must lie between 0 and 1")
    return float(value)


def number(
    value: float,
    argument: str,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> float:
    """Return one finite number within bounds.

    Raises:
        ValueError: it is missing, infinite or out of bounds.
    """
    wanted = [f"above {above:g}"] if above is not None else []
    wanted += [f"{at_least:g} or more"] if at_least is not None else []
    wanted += [f"below {below:g}"] if below is not None else []
    wanted += [f"at most {at_most:g}"] if at_most is not None else []
    right = (
        _is_number(value)
        and bool(np.isfinite(value))
        and (above is None or value > above)
        and (at_least is None or value >= at_least)
        and (below is None or value < below)
        and (at_most is None or value <= at_most)
    )
    if not right:
        raise ValueError(f"{argument} is {value!r}; it must be a finite number{', ' if wanted else ''}{' and '.join(wanted)}")
    return float(value)


def whole(value: float, argument: str, *, at_least: int, at_most: float = _LARGEST_COUNT) -> int:
    """Return one whole number within bounds, both included.

    Raises:
        ValueError: it is missing, not whole or out of bounds.
    """
    if not (is_whole(value) and at_least <= value <= at_most):
        bounds = f", {at_least} or more" if at_most == _LARGEST_COUNT else f" from {at_least} to {at_most:.15g}"
        raise ValueError(f"{argument} is {value!r}; it must be a whole number{bounds}")
    return int(value)


def is_whole(value: float) -> bool:
    """Whether a value is one finite number without a fraction."""
    return _is_number(value) and bool(np.isfinite(value)) and value == int(value)


def _is_number(value: object) -> bool:
    """Whether it is one real number, of Python or numpy, or an array of one without dimensions."""
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind in "biuf"
    return isinstance(value, (int, float, np.integer, np.floating, np.bool_))


def frozen(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """Return a read-only view, for the fields of a result."""
    view = array.view()
    view.flags.writeable = False
    return view


def _numbers_and_least(values: ArrayLike, argument: str) -> tuple[Floats, float]:
    """Check a column as `numbers` does; return it with its least value."""
    try:
        given = np.asarray(values)
        if given.dtype.kind in "cmM":  # numpy would drop half of a complex number and count a date in nanoseconds
            raise TypeError(given.dtype)
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{argument} holds values that are not numbers; it must be a column of numbers") from error
    if array.ndim != 1:
        raise ValueError(f"{argument} has {array.ndim} dimensions; it must be one column")
    if array.size == 0:
        raise ValueError(f"{argument} is empty; it must hold at least one value")
    least, greatest = float(array.min()), float(array.max())
    if not (math.isfinite(least) and math.isfinite(greatest)):  # NaN is the least and the greatest of all
        _refuse_first(~np.isfinite(array), array, argument, "a finite number")
    return array, least


def _coded_integers(array: NDArray[Any], *, short: bool = False) -> tuple[tuple[Label, ...], Codes]:
    """Code whole numbers by a table of those that occur where they lie close together, else by sorting.

    Positions in a small table are returned in one byte each when `short` is asked for.
    """
    least, greatest = int(array.min()), int(array.max())
    width = greatest - least + 1
    if width > max(array.size, 1 << 16) or greatest > np.iinfo(np.int64).max:
        distinct, inverse = np.unique(array, return_inverse=True)
        return tuple(distinct.tolist()), inverse.astype(np.int64)
    places = array if least == 0 else array.astype(np.int64) - least
    codes: Codes = places.astype(np.int8) if short and width <= SHORT else places.astype(np.int64)
    occurs = np.ones(width, dtype=np.bool_)
    if width > 2:  # the least and the greatest do
        occurs[1:-1] = False
        occurs[codes] = True
    found = np.flatnonzero(occurs)
    if found.size < width:
        gapless = np.cumsum(occurs) - 1
        codes = gapless.astype(np.int8)[codes] if codes.itemsize == 1 else gapless[codes]
    return tuple((found + least).astype(array.dtype).tolist()), codes


def _coded_words(array: NDArray[Any], argument: str) -> tuple[tuple[Label, ...], Ints]:
    """Code words and objects by looking them up: of many rows few labels differ, and sorting them all costs more."""
    column = array.tolist()
    try:
        distinct = set(column)
        if any(label is None or label != label for label in distinct):  # NaN is unlike itself
            _refuse_first(np.array([label is None or label != label for label in column]), array, argument, "a label")
        words = sorted(distinct)
    except TypeError as error:
        raise ValueError(f"{argument} holds labels that cannot be put in order; they must be of one kind") from error
    places = {word: place for place, word in enumerate(words)}
    return tuple(words), np.fromiter(map(places.__getitem__, column), dtype=np.int64, count=array.size)


def _refuse_first(wrong: NDArray[np.bool_], array: NDArray[np.generic], argument: str, wanted: str) -> None:
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ValueError(f"{argument}[{at}] is {array[at]}; it must be {wanted}")
