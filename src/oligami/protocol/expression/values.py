"""Values while an expression is judged: reading items as they come, exact numbers, intervals, dates that never came.

Items come as JSON has them. `None` is unknown everywhere. What a rightly typed item can hold is settled before; here a
wrong one is noticed and named, never judged with.
"""

import calendar
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Final

from oligami.protocol.expression.syntax import CompareSign
from oligami.protocol.expression.types import (
    BooleanType,
    CodeType,
    DateType,
    DurationType,
    ItemType,
    ListType,
    NumberType,
    TextType,
)
from oligami.protocol.partial_dates import DayBetween, read_partial_date

Exact = int | Fraction
Interval = tuple[Exact, Exact]
"""Lowest and highest value a number can still take."""

LARGEST: Final = 1e300
"""Beyond this a float is next to infinity; NaN and infinity fail the same test."""


class Never:
    """The date of what never happened."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NEVER"


NEVER: Final = Never()


def read_number(value: object) -> int | float | None:
    """Return a number item as it is."""
    if value is None:
        return None
    if isinstance(value, float | int) and value.__class__ is not bool and -LARGEST < value < LARGEST:
        return value
    raise TypeError


def read_date(value: object) -> date | None:
    """Return a date item given as `YYYY-MM-DD` or as a date."""
    if isinstance(value, str):
        # fromisoformat also reads 20240610 and week dates; two readings of one item are one too many.
        if len(value) != 10 or value[4] != "-" or value[7] != "-":
            raise ValueError
        return date.fromisoformat(value)
    if value is None:
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise TypeError


def read_date_or_never(value: object, never: str) -> date | Never | None:
    """Return a date item that may say that it never came."""
    return NEVER if value == never else read_date(value)


def read_partial_or_never(value: object, never: str | None) -> date | DayBetween | Never | None:
    """Return a date item that may give a year or a month alone, and may say that it never came."""
    if never is not None and value == never:
        return NEVER
    days = read_partial_date(value) if isinstance(value, str) else None
    return days if days is not None else read_date(value)


def read_boolean(value: object) -> bool | None:
    """Return a boolean item."""
    if value is None or isinstance(value, bool):
        return value
    raise TypeError


def read_text(value: object) -> str | None:
    """Return a text item."""
    if value is None or isinstance(value, str):
        return value
    raise TypeError


def read_list(value: object) -> Sequence[Mapping[str, object]] | None:
    """Return a list item; whether its elements are records shows when their fields are read."""
    if value is None or isinstance(value, list | tuple):
        return value
    raise TypeError


def read_item(kind: ItemType, value: object, path: str) -> object:
    """Return an item of any type, or say what is wrong with it.

    Raises:
        TypeError: the value is not of the type; the message names the item, not the value.
    """
    try:
        match kind:
            case NumberType() | DurationType():
                return read_number(value)
            case CodeType(codes=codes, unknown=unknown):
                if value is None or value in unknown:
                    return None
                if not isinstance(value, str) or value not in codes:
                    raise TypeError
                return value
            case DateType(partial=True, never=never):
                return read_partial_or_never(value, never)
            case DateType(never=None):
                return read_date(value)
            case DateType(never=str() as never):
                return read_date_or_never(value, never)
            case BooleanType():
                return read_boolean(value)
            case TextType():
                return read_text(value)
            case ListType():
                elements = read_list(value)
                if elements is not None and not all(isinstance(element, Mapping) for element in elements):
                    raise TypeError
                return elements
    except (TypeError, ValueError):
        pass
    raise TypeError(f"item {path}: found {_class_of(value)}, expected {_expected(kind)}")


def _class_of(value: object) -> str:
    if isinstance(value, str):
        return "a text outside its code list or format"
    if isinstance(value, float) and not -LARGEST < value < LARGEST:
        return "a number that is not finite"
    return f"a value of type {type(value).__name__}"


def _expected(kind: ItemType) -> str:
    match kind:
        case NumberType() | DurationType():
            return "a finite number"
        case CodeType(codes=codes):
            return "one of " + ", ".join(codes)
        case DateType(never=never, partial=partial):
            day = "a date as YYYY-MM-DD, YYYY-MM or YYYY" if partial else "a date as YYYY-MM-DD"
            return day + (f' or "{never}"' if never is not None else "")
        case BooleanType():
            return "true or false"
        case TextType():
            return "a text"
        case ListType():
            return "a list of records"


def exact(value: float | Fraction | None) -> Exact | None:
    """Return a number as the decimal that was typed: 0.1 is one tenth, not the binary fraction next to it."""
    return Fraction(repr(value)) if isinstance(value, float) else value


def pair(value: float | Fraction | None) -> Interval | None:
    """Return a known number as an interval without width."""
    number = exact(value)
    return None if number is None else (number, number)


def collapse(interval: Interval | None) -> Exact | None:
    """Return the number an interval has shrunk to, or None while it is wider."""
    return interval[0] if interval is not None and interval[0] == interval[1] else None


def out(value: float | Fraction | None) -> float | None:
    """Return a number for the world outside; one too large for a float is unknown."""
    try:
        return None if value is None else float(value)
    except OverflowError:
        return None


def add(left: Interval | None, right: Interval | None) -> Interval | None:
    """Add two numbers."""
    return None if left is None or right is None else (left[0] + right[0], left[1] + right[1])


def subtract(left: Interval | None, right: Interval | None) -> Interval | None:
    """Subtract a number from another."""
    return None if left is None or right is None else (left[0] - right[1], left[1] - right[0])


def multiply(left: Interval | None, right: Interval | None) -> Interval | None:
    """Multiply two numbers."""
    if left is None or right is None:
        return None
    corners: list[Exact] = [one * other for one in left for other in right]
    return min(corners), max(corners)


def divide(left: Interval | None, right: Interval | None) -> Interval | None:
    """Divide a number by another; by what may be zero, the result is unknown."""
    if left is None or right is None or right[0] <= 0 <= right[1]:
        return None
    corners = [Fraction(one) / other for one in left for other in right]
    return min(corners), max(corners)


def smallest(parts: Iterable[Interval | None]) -> Interval | None:
    """Return the smallest of numbers."""
    known = list(parts)
    bounds = [part for part in known if part is not None]
    if not bounds or len(bounds) < len(known):
        return None
    return min(low for low, _ in bounds), min(high for _, high in bounds)


def largest(parts: Iterable[Interval | None]) -> Interval | None:
    """Return the largest of numbers."""
    known = list(parts)
    bounds = [part for part in known if part is not None]
    if not bounds or len(bounds) < len(known):
        return None
    return max(low for low, _ in bounds), max(high for _, high in bounds)


def absolute(part: Interval | None) -> Interval | None:
    """Return the size of a number without its sign."""
    if part is None:
        return None
    sizes: list[Exact] = [bound if bound >= 0 else -bound for bound in part]
    return (0 if part[0] < 0 < part[1] else min(sizes)), max(sizes)


def is_less(left: Interval | None, right: Interval | None) -> bool | None:
    """Tell whether a number lies below another; None while both answers are possible."""
    if left is None or right is None:
        return None
    if left[1] < right[0]:
        return True
    return False if left[0] >= right[1] else None


def is_at_most(left: Interval | None, right: Interval | None) -> bool | None:
    """Tell whether a number does not exceed another."""
    if left is None or right is None:
        return None
    if left[1] <= right[0]:
        return True
    return False if left[0] > right[1] else None


def is_equal(left: Interval | None, right: Interval | None) -> bool | None:
    """Tell whether two numbers are one."""
    if left is None or right is None:
        return None
    if left[1] < right[0] or right[1] < left[0]:
        return False
    return True if left[0] == left[1] == right[0] == right[1] else None


def compare_numbers(sign: CompareSign, left: Interval | None, right: Interval | None) -> bool | None:
    """Compare two numbers by a sign of the language."""
    match sign:
        case "==":
            return is_equal(left, right)
        case "!=":
            return negate(is_equal(left, right))
        case "<":
            return is_less(left, right)
        case "<=":
            return is_at_most(left, right)
        case ">":
            return is_less(right, left)
        case ">=":
            return is_at_most(right, left)


def negate(value: bool | None) -> bool | None:
    """Turn an answer round; unknown stays unknown."""
    return None if value is None else not value


def shift_days(day: date | Never | None, count: float | Fraction | None) -> date | Never | None:
    """Move a date by days. Half days, and days outside the years 1 to 9999, have no date: unknown."""
    if day is NEVER or day is None or count is None:
        return day if count is not None else None
    assert isinstance(day, date)
    if count % 1:
        return None
    try:
        return day + timedelta(days=int(count))
    except OverflowError:
        return None


def shift_months(day: date | Never | None, count: float | Fraction | None) -> date | Never | None:
    """Move a date by calendar months, back to the last day of a shorter month: 31 August + 6 months is 28 February."""
    if day is NEVER or day is None or count is None:
        return day if count is not None else None
    assert isinstance(day, date)
    if count % 1:
        return None
    year, month = divmod(day.year * 12 + day.month - 1 + int(count), 12)
    if not 1 <= year <= 9999:
        return None
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def days_between(earlier: date | Never | None, later: date | Never | None) -> int | None:
    """Return the days from one date to another; unknown where either never came."""
    if isinstance(earlier, date) and isinstance(later, date):
        return later.toordinal() - earlier.toordinal()
    return None


def completed_years(birth: date | Never | None, on: date | Never | None) -> int | None:
    """Return age in completed years; who is born on 29 February turns older on 1 March of a common year."""
    if isinstance(birth, date) and isinstance(on, date):
        return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
    return None


def fits_float(value: Fraction) -> bool:
    """Tell whether a constant survives as a float, read as the shortest decimal."""
    as_float = float(value)
    return math.isfinite(as_float) and Fraction(repr(as_float)) == value
