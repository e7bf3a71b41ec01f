"""Dates as people of the trial type them: digits in either calendar, half or full width.

One field takes `20240610`, `2024-06-10`, `2024/6/10`, `2024年6月10日`, `R6.6.10`, `R060610` and `令和6年6月10日`. Two digits for a
Western year are not read: `65` could be a year of two centuries and of three eras.

Where an item takes a year or a month alone, `2024`, `2024-05`, `2024年5月`, `R6`, `R6.5` and `令和6年5月` are read too.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Final

from oligami.protocol.partial_dates import DayBetween, read_partial_date
from oligami.protocol.text import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """An era of the Japanese calendar: its letter, its name, its first and its last day (None: it goes on)."""

    letter: str
    name: str
    first: date
    last: date | None


#: Law on era names of 1979 and the proclamations before it. Two eras share the day on which the old one ended, twice.
ERAS: Final = (
    Era(letter="M", name="明治", first=date(1868, 1, 25), last=date(1912, 7, 30)),
    Era(letter="T", name="大正", first=date(1912, 7, 30), last=date(1926, 12, 25)),
    Era(letter="S", name="昭和", first=date(1926, 12, 25), last=date(1989, 1, 7)),
    Era(letter="H", name="平成", first=date(1989, 1, 8), last=date(2019, 4, 30)),
    Era(letter="R", name="令和", first=date(2019, 5, 1), last=None),
)
_BY_WORD: Final = {word: era for era in ERAS for word in (era.letter, era.name, era.name[0])}
_WORDS: Final = "|".join(sorted(_BY_WORD, key=len, reverse=True))

# What the keyboard of a Japanese machine gives for hyphen and full stop, beyond what NFKC folds.
_SIGNS: Final = str.maketrans(dict.fromkeys("ー―‐‑–—−ｰ", "-") | dict.fromkeys("。｡", "."))

_SEPARATED = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?\Z", re.ASCII)
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})\Z", re.ASCII)
_ERA = re.compile(rf"({_WORDS})(元|\d{{1,2}})[-/.年](\d{{1,2}})[-/.月](\d{{1,2}})日?\Z", re.ASCII)
_ERA_DIGITS = re.compile(rf"({_WORDS})(\d{{2}})(\d{{2}})(\d{{2}})\Z", re.ASCII)
_WESTERN_PART = re.compile(r"(\d{4})(?:年?|[-/.年](\d{1,2})月?)\Z", re.ASCII)
_ERA_PART = re.compile(rf"({_WORDS})(元|\d{{1,2}})(?:年?|[-/.年](\d{{1,2}})月?)\Z", re.ASCII)
_PART = re.compile(rf"(?:\d{{4}}|(?:{_WORDS})(?:元|\d{{1,2}}))(?:[-/.年](?:\d{{1,2}}月?)?)?\Z", re.ASCII)


def fold(raw: str) -> str:
    """Return a text with full-width letters, digits and signs made half-width, and without spaces."""
    return "".join(unicodedata.normalize("NFKC", raw).translate(_SIGNS).split())


def read_date(raw: str) -> date | None:
    """Return the date that was typed, in either calendar; None if it is no whole day of a calendar."""
    text = fold(raw).upper()
    western = _SEPARATED.match(text) or _DIGITS.match(text)
    if western is not None:
        return _day(int(western[1]), western[2], western[3])
    japanese = _ERA.match(text) or _ERA_DIGITS.match(text)
    if japanese is None:
        return None
    era = _BY_WORD[japanese[1]]
    year = 1 if japanese[2] == "元" else int(japanese[2])
    day = _day(era.first.year + year - 1, japanese[3], japanese[4]) if year else None
    if day is None or day < era.first or (era.last is not None and day > era.last):
        return None
    return day


def read_year_or_month(raw: str) -> str | None:
    """Return the year or the month that was typed, in either calendar, as `2024` or `2024-05`; None if it is neither.

    The year in which an era began or ended is the whole year of the calendar: it is not told which part of it is meant.
    """
    text = fold(raw).upper()
    western = _WESTERN_PART.match(text)
    if western is not None:
        return _part(int(western[1]), western[2])
    japanese = _ERA_PART.match(text)
    if japanese is None:
        return None
    era = _BY_WORD[japanese[1]]
    year = 1 if japanese[2] == "元" else int(japanese[2])
    words = _part(era.first.year + year - 1, japanese[3]) if year else None
    days = None if words is None else read_partial_date(words)
    if days is None or days.last < era.first or (era.last is not None and days.first > era.last):
        return None
    return words


def is_partial(raw: str) -> bool:
    """Say whether a year, or a year and a month, was typed without the day."""
    return _PART.match(fold(raw).upper()) is not None


def show_era(day: date) -> str:
    """Return a date in the Japanese calendar, such as R6.6.10; empty before the first era."""
    era = next((era for era in reversed(ERAS) if day >= era.first), None)
    return "" if era is None else f"{era.letter}{day.year - era.first.year + 1}.{day.month}.{day.day}"


def show_date(day: date, language: Language) -> str:
    """Return a date as it is echoed to its author: ISO 8601, in Japanese with the year of the era."""
    era = show_era(day) if language == "ja" else ""
    return f"{day.isoformat()} ({era})" if era else day.isoformat()


def show_partial_date(words: str, days: DayBetween, language: Language) -> str:
    """Return a year or a month as it is echoed: as it is kept, in Japanese with the year of the era, or of both eras it lies in."""
    if language != "ja":
        return words
    # The day is cut off, and for a year the month: R6.5.1 is R6.5 and R6.
    eras = (show_era(day).rsplit(".", 1 if "-" in words else 2)[0] for day in (days.first, days.last))
    said = "/".join(era for era in dict.fromkeys(eras) if era)
    return f"{words} ({said})" if said else words


def _part(year: int, month: str | None) -> str | None:
    words = f"{year:04}" if month is None else f"{year:04}-{int(month):02}"
    return words if read_partial_date(words) is not None else None


def _day(year: int, month: str, day: str) -> date | None:
    try:
        return date(year, int(month), int(day))
    except ValueError:
        return None
