"""Partial dates: a year, or a year and a month, where nobody knows the day.

They are kept as they were told, `2024` or `2024-05`, and never rounded to a day. What is judged with one is judged with the
days it may have been, from the first to the last.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date
from typing import Final

#: Nobody in a trial remembers an earlier year; what looks like one is a slip of the keyboard.
EARLIEST_YEAR: Final = 1870

_PARTIAL: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?\Z")


@dataclass(frozen=True, slots=True)
class DayBetween:
    """A day known only to lie from `first` to `last`, both included; `first` is the earlier."""

    first: date
    last: date

    def __str__(self) -> str:
        """Return the year or the month where it is a whole one, else the two ends."""
        first, last = self.first, self.last
        if (first.year, first.day, last.day) == (last.year, 1, calendar.monthrange(last.year, last.month)[1]):
            if first.month == last.month:
                return f"{first.year:04}-{first.month:02}"
            if (first.month, last.month) == (1, 12):
                return f"{first.year:04}"
        return f"{first.isoformat()}..{last.isoformat()}"


def read_partial_date(words: str) -> DayBetween | None:
    """Return the days that `YYYY` or `YYYY-MM` may mean; None for what is neither, and for a year before 1870."""
    match = _PARTIAL.match(words)
    if match is None or int(match[1]) < EARLIEST_YEAR:
        return None
    year = int(match[1])
    if match[2] is None:
        return DayBetween(date(year, 1, 1), date(year, 12, 31))
    month = int(match[2])
    if not 1 <= month <= 12:
        return None
    return DayBetween(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))
