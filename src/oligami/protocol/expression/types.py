"""The types of items and the units of numbers, as the expression language sees them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from oligami.protocol.text import Text

LONGEST_NAME: Final = 80

_WORDS = ("and", "or", "not", "in", "is", "where", "all", "any", "true", "false", "unknown", "missing", "known", "never")
_FUNCTIONS = ("count", "sum", "min", "max", "abs", "completed_years")
RESERVED: Final = frozenset((*_WORDS, *_FUNCTIONS))
"""Words of the language; no item may bear one."""

_CONNECTIVES: Final = frozenset({"and", "or", "not", "in", "is", "where"})

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# No space, quote, bracket, comma or colon: the end of a unit must be plain to see in an expression.
_UNIT = re.compile(r"[A-Za-z%\[][A-Za-z0-9%*/^.\[\]_-]{0,29}\Z")

# Dimension and size in the dimension's base unit. Days and calendar months are different dimensions on purpose: a
# month has no fixed number of days, so `30 days >= 1 months` has no answer.
_UNITS: Final[Mapping[str, tuple[str, Fraction]]] = {
    "mm": ("length", Fraction(1)),
    "cm": ("length", Fraction(10)),
    "m": ("length", Fraction(1000)),
    "mGy": ("absorbed dose", Fraction(1, 1000)),
    "cGy": ("absorbed dose", Fraction(1, 100)),
    "Gy": ("absorbed dose", Fraction(1)),
    "day": ("days", Fraction(1)),
    "days": ("days", Fraction(1)),
    "week": ("days", Fraction(7)),
    "weeks": ("days", Fraction(7)),
    "month": ("calendar months", Fraction(1)),
    "months": ("calendar months", Fraction(1)),
    "year": ("calendar months", Fraction(12)),
    "years": ("calendar months", Fraction(12)),
    "ug": ("mass", Fraction(1, 1000)),
    "mg": ("mass", Fraction(1)),
    "g": ("mass", Fraction(1000)),
    "kg": ("mass", Fraction(1_000_000)),
    "mL": ("volume", Fraction(1)),
    "cc": ("volume", Fraction(1)),
    "L": ("volume", Fraction(1000)),
    "Cel": ("temperature", Fraction(1)),
    "%": ("percentage", Fraction(1)),
    "mg/m2": ("mass per body surface", Fraction(1)),
    "mg/kg": ("mass per body weight", Fraction(1)),
    "mmHg": ("pressure", Fraction(1)),
}

KNOWN_UNITS: Final = frozenset(_UNITS)


@dataclass(frozen=True, slots=True)
class NumberType:
    """A number; `unit` None is a plain number, such as a count."""

    unit: str | None = None

    def __post_init__(self) -> None:
        if self.unit is not None and (not _UNIT.match(self.unit) or self.unit in _CONNECTIVES):
            raise ValueError(f"unit {self.unit!r}: expected letters first and no spaces, as in mm, Gy, mg/m2")


@dataclass(frozen=True, slots=True)
class DurationType:
    """A length of time: a number of days or weeks, or of calendar months or years."""

    unit: str = "days"

    def __post_init__(self) -> None:
        if dimension_of(self.unit) not in ("days", "calendar months"):
            raise ValueError(f"duration unit {self.unit!r}: expected days, weeks, months or years")


@dataclass(frozen=True, slots=True)
class CodeType:
    """One of listed words; the words in `unknown` are entered but say "not known"."""

    codes: tuple[str, ...]
    unknown: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.codes:
            raise ValueError("a code item needs at least one code")

    @property
    def definite(self) -> tuple[str, ...]:
        """The codes that are an answer."""
        return tuple(code for code in self.codes if code not in self.unknown)


@dataclass(frozen=True, slots=True)
class DateType:
    """A calendar date.

    never: the word that says "this never happened", which is an answer, not a gap.
    partial: a year (`2024`) or a month (`2024-05`) is taken besides a day.
    """

    never: str | None = None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class BooleanType:
    """True or false."""


@dataclass(frozen=True, slots=True)
class TextType:
    """Free text; it can be compared for equality and for being there."""


@dataclass(frozen=True, slots=True)
class ListType:
    """A list of like records, such as lesions; `fields` are the items of one record."""

    fields: Mapping[str, "ItemType"]

    def __post_init__(self) -> None:
        for name, field in self.fields.items():
            _check_name(name)
            if isinstance(field, ListType):
                raise ValueError(f"field {name}: a list within a list is not offered")


ScalarType = NumberType | DurationType | CodeType | DateType | BooleanType | TextType
ItemType = ScalarType | ListType


@dataclass(frozen=True, slots=True)
class Scope:
    """The items an expression may speak of; those of another form are named `form.item`, as one whole name."""

    items: Mapping[str, ItemType]

    def __post_init__(self) -> None:
        for name, kind in self.items.items():
            form, dot, item = name.partition(".")
            _check_name(form)
            if dot:
                _check_name(item)
                if isinstance(kind, ListType):
                    raise ValueError(f"item {name}: a list of another form is not offered")

    def units(self) -> frozenset[str]:
        """Return every unit that may follow a number: the known ones and those of the items themselves."""
        own = {
            one.unit
            for item in self.items.values()
            for one in (item.fields.values() if isinstance(item, ListType) else (item,))
            if isinstance(one, NumberType | DurationType) and one.unit is not None
        }
        return KNOWN_UNITS | own


def dimension_of(unit: str | None) -> str:
    """Return what a unit measures. A unit outside the table measures itself alone."""
    if unit is None:
        return "plain number"
    return _UNITS[unit][0] if unit in _UNITS else unit


def conversion(source: str | None, target: str | None) -> Fraction | None:
    """Return the exact factor that turns a number in `source` into one in `target`; None if they do not fit."""
    if dimension_of(source) != dimension_of(target):
        return None
    if source is None or target is None or source not in _UNITS or target not in _UNITS:
        return Fraction(1)
    return _UNITS[source][1] / _UNITS[target][1]


def normalize(kind: ItemType) -> ItemType:
    """Return the type the checker reasons with: a duration is a number with a unit."""
    return NumberType(kind.unit) if isinstance(kind, DurationType) else kind


def describe(kind: ItemType | None) -> Text:
    """Name a type for a reader."""
    match kind:
        case NumberType(unit=None):
            return Text("a plain number", "単位のない数")
        case NumberType(unit=unit) | DurationType(unit=unit):
            return Text(f"a number in {unit}", f"単位 {unit} の数")
        case CodeType():
            return Text("a code", "コード")
        case DateType():
            return Text("a date", "日付")
        case BooleanType():
            return Text("a condition (true or false)", "条件(真偽)")
        case TextType():
            return Text("a text", "文字列")
        case ListType():
            return Text("a list", "リスト")
        case None:
            return Text("a value", "値")


def _check_name(name: str) -> None:
    if len(name) > LONGEST_NAME or not _NAME.match(name) or name in RESERVED:
        raise ValueError(
            f"item name {name[:LONGEST_NAME]!r}: expected at most {LONGEST_NAME} letters, digits and underscores, "
            "no digit first, and no word of the expression language"
        )
