"""Judging with days of which only a month, a year or another stretch is known.

A judgement with such a day is known where every day of the stretch gives the same answer, else unknown. Months are moved and
years completed in the order of the days, so the two ends of the stretch speak for all days between.
"""

from collections.abc import Callable, Collection
from datetime import date
from fractions import Fraction

from oligami.protocol.expression import values as v
from oligami.protocol.expression.syntax import CompareSign
from oligami.protocol.partial_dates import DayBetween

Day = date | DayBetween | v.Never | None
Move = Callable[[date | v.Never | None, float | Fraction | None], date | v.Never | None]
Measure = Callable[[date | v.Never | None, date | v.Never | None], int | None]


def whole_day(day: Day) -> date | v.Never | None:
    """Return a day that is known; a stretch of days is unknown."""
    return None if isinstance(day, DayBetween) else day


def shift(move: Move, day: Day, count: float | Fraction | None) -> Day:
    """Move a day, or both ends of a stretch; unknown if either end leaves the calendar."""
    if not isinstance(day, DayBetween):
        return move(day, count)
    first, last = move(day.first, count), move(day.last, count)
    return DayBetween(first, last) if isinstance(first, date) and isinstance(last, date) else None


def shift_days(day: Day, count: float | Fraction | None) -> Day:
    """Move a day by days."""
    return shift(v.shift_days, day, count)


def shift_months(day: Day, count: float | Fraction | None) -> Day:
    """Move a day by calendar months."""
    return shift(v.shift_months, day, count)


def spread(measure: Measure, earlier: Day, later: Day) -> v.Interval | None:
    """Return the least and the greatest length of time from one day to another; unknown where either never came."""
    least, greatest = measure(_last(earlier), _first(later)), measure(_first(earlier), _last(later))
    return None if least is None or greatest is None else (least, greatest)


def days_between(earlier: Day, later: Day) -> v.Interval | None:
    """Return the days from one day to another."""
    return spread(v.days_between, earlier, later)


def completed_years(birth: Day, on: Day) -> v.Interval | None:
    """Return age in completed years."""
    return spread(v.completed_years, birth, on)


def compare_days(sign: CompareSign, left: Day, right: Day) -> bool | None:
    """Compare two days; with one that never came no comparison holds."""
    if left is None or right is None:
        return None
    one, other = _ordinals(left), _ordinals(right)
    return False if one is None or other is None else v.compare_numbers(sign, one, other)


def is_among(day: Day, options: Collection[object], negated: bool) -> bool | None:
    """Tell whether a day is, or with `negated` is not, among days; one that never came is neither."""
    if day is None or day is v.NEVER:
        return None if day is None else False
    if not isinstance(day, DayBetween):
        return (day in options) is not negated
    # A stretch is longer than the days anybody would list, and one that they filled would be unknown, which is no error.
    within = any(isinstance(option, date) and day.first <= option <= day.last for option in options)
    return None if within else negated


def _ordinals(day: Day) -> v.Interval | None:
    first, last = _first(day), _last(day)
    return (first.toordinal(), last.toordinal()) if isinstance(first, date) and isinstance(last, date) else None


def _first(day: Day) -> date | v.Never | None:
    return day.first if isinstance(day, DayBetween) else day


def _last(day: Day) -> date | v.Never | None:
    return day.last if isinstance(day, DayBetween) else day
