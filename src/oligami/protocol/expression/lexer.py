"""Cuts the source of an expression into tokens and refuses what is too big or not plain text."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal, NoReturn

from oligami.protocol.expression.problems import ExpressionError, make_problem
from oligami.protocol.expression.types import LONGEST_NAME
from oligami.protocol.text import Text

MOST_CHARACTERS: Final = 4_000
MOST_TOKENS: Final = 400
MOST_DIGITS: Final = 15  # every decimal of 15 significant digits survives the way through a 64-bit float
SMALLEST_NUMBER: Final = Fraction(1, 10**9)
LARGEST_NUMBER: Final = Fraction(10**12)

TokenKind = Literal["number", "text", "date", "name", "sign", "end"]


@dataclass(frozen=True, slots=True)
class Number:
    """A number literal as written, exact."""

    amount: Fraction
    unit: str | None


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the source; `start` and `end` are offsets counted from 0."""

    kind: TokenKind
    text: str
    start: int
    end: int
    value: Number | date | str | None = None


_SPACE = " \t\n\r"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9A-Za-z_])")
_SIGN = re.compile(r"==|!=|<=|>=|[=<>()\[\],:.+*/-]")


def tokenize(source: str, units: Collection[str]) -> tuple[Token, ...]:
    """Return the tokens of `source`, the last one of kind "end".

    Args:
        source: the expression.
        units: every unit that may follow a number.

    Raises:
        ExpressionError: the source is too long, holds a character that has no place in it, or a number out of bounds.
    """
    if len(source) > MOST_CHARACTERS:
        _refuse(
            0,
            Text(f"{len(source)} characters", f"{len(source)} 文字"),
            Text(f"at most {MOST_CHARACTERS}", f"{MOST_CHARACTERS} 文字以内"),
        )
    unit = _unit_pattern(frozenset(units))
    tokens: list[Token] = []
    at = 0
    while at < len(source):
        if source[at] in _SPACE:
            at += 1
            continue
        if len(tokens) >= MOST_TOKENS:
            _refuse(
                at,
                Text(f"more than {MOST_TOKENS} words and signs", f"{MOST_TOKENS} を超える語と記号"),
                Text(f"at most {MOST_TOKENS}", f"{MOST_TOKENS} 以内"),
            )
        token = _next_token(source, at, unit)
        tokens.append(token)
        at = token.end
    tokens.append(Token("end", "", len(source), len(source)))
    return tuple(tokens)


def _next_token(source: str, at: int, unit: re.Pattern[str]) -> Token:
    character = source[at]
    if match := _NAME.match(source, at):
        if match.end() - at > LONGEST_NAME:
            _refuse(
                at,
                Text(f"a name of {match.end() - at} characters", f"{match.end() - at} 文字の名前"),
                Text(f"at most {LONGEST_NAME}", f"{LONGEST_NAME} 文字以内"),
            )
        return Token("name", match.group(), at, match.end())
    if match := _DATE.match(source, at):
        return Token("date", match.group(), at, match.end(), _read_date(match.group(), at))
    if match := _NUMBER.match(source, at):
        return _number(source, at, match, unit)
    if character in "\"'":
        return _quoted(source, at)
    match = _SIGN.match(source, at)
    if match is None:
        _refuse(at, _character(character), Text("a letter, a number, a quoted word or a sign", "文字・数・引用語・記号"))
    return Token("sign", match.group(), at, match.end())


def _number(source: str, at: int, match: re.Match[str], unit: re.Pattern[str]) -> Token:
    digits = match.group()
    significant = digits.replace(".", "").lstrip("0")
    if len(significant) > MOST_DIGITS or len(digits) > 2 * MOST_DIGITS:
        _refuse(
            at,
            Text(f"a number of {len(significant)} digits", f"{len(significant)} 桁の数"),
            Text(f"at most {MOST_DIGITS} significant digits", f"有効数字 {MOST_DIGITS} 桁以内"),
        )
    amount = Fraction(Decimal(digits))
    if amount and not SMALLEST_NUMBER <= amount <= LARGEST_NUMBER:
        _refuse(at, digits, Text("0 or a number from 0.000000001 to 1000000000000", "0 または 10^-9 から 10^12 の数"))
    end = match.end()
    after = end
    while after < len(source) and source[after] in _SPACE:
        after += 1
    if unit_match := unit.match(source, after):
        return Token("number", source[at : unit_match.end()], at, unit_match.end(), Number(amount, unit_match.group()))
    if end < len(source) and (source[end].isalnum() or source[end] in "._"):
        _refuse(
            end,
            _character(source[end]),
            Text("a known unit or a space after the number (no exponents)", "数の後に既知の単位か空白(指数表記は不可)"),
        )
    return Token("number", digits, at, end, Number(amount, None))


def _quoted(source: str, at: int) -> Token:
    end = source.find(source[at], at + 1)
    if end < 0:
        _refuse(at, Text("an open quotation mark", "閉じていない引用符"), Text("a closing one", "閉じる引用符"))
    for offset in range(at + 1, end):
        # Not printable: control characters, line ends, and the invisible marks that make text read otherwise than it is.
        if not source[offset].isprintable():
            _refuse(offset, _character(source[offset]), Text("visible characters", "目に見える文字"))
    return Token("text", source[at : end + 1], at, end + 1, source[at + 1 : end])


def _read_date(text: str, at: int) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        _refuse(at, text, Text("a day of the calendar, as 2024-06-10", "暦にある日付(例 2024-06-10)"))


@lru_cache(maxsize=64)
def _unit_pattern(units: frozenset[str]) -> re.Pattern[str]:
    """Return a pattern for any unit, the longest first, ending where a word ends."""
    choices = "|".join(
        re.escape(unit) + (r"(?![A-Za-z0-9_])" if unit[-1].isalnum() else "")
        for unit in sorted(units, key=lambda unit: (-len(unit), unit))
    )
    return re.compile(choices)


def _character(character: str) -> Text:
    """Show a character safely: one that cannot be seen by its number alone."""
    name = f"U+{ord(character):04X}"
    shown = f"{character!r} ({name})" if character.isprintable() else name
    return Text(f"the character {shown}", f"文字 {shown}")


def _refuse(position: int, found: Text | str, expected: Text) -> NoReturn:
    raise ExpressionError([make_problem(position, found, expected)])
