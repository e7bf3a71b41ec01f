"""The tree of an expression as it is written, and its printing in one canonical form."""

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Final, Literal, assert_never

from oligami.protocol.expression.lexer import Number

CompareSign = Literal["==", "!=", "<", "<=", ">", ">="]
StateWord = Literal["missing", "known", "unknown", "never"]
ScalarFunction = Literal["min", "max", "abs", "completed_years"]
ListFunction = Literal["count", "sum", "min", "max"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """A piece of the source; two pieces that say the same are equal wherever they stand."""

    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant(_Placed):
    """A constant; value None is the word `unknown`."""

    value: Number | date | str | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(_Placed):
    """An item (`er`), a field of the list at hand (`site`) or, spelled out, `lesions.site`."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain(_Placed):
    """Conditions joined by one word."""

    word: Literal["and", "or"]
    parts: tuple["Syntax", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Negation(_Placed):
    """`not` of a condition."""

    part: "Syntax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Minus(_Placed):
    """A number with its sign turned."""

    part: "Syntax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(_Placed):
    """Two values compared."""

    sign: CompareSign
    left: "Syntax"
    right: "Syntax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Among(_Placed):
    """A value looked for among constants."""

    part: "Syntax"
    options: tuple["Syntax", ...]
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class State(_Placed):
    """The question whether something is missing, known, unknown or never."""

    part: "Syntax"
    word: StateWord
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculation(_Placed):
    """Two values added, subtracted, multiplied or divided."""

    sign: Literal["+", "-", "*", "/"]
    left: "Syntax"
    right: "Syntax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(_Placed):
    """A function of values."""

    function: ScalarFunction
    arguments: tuple["Syntax", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold(_Placed):
    """A number drawn from a list: `count(lesions where …)`, `sum(lesions.max_diameter_mm where …)`."""

    function: ListFunction
    name: Name
    where: "Syntax | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantifier(_Placed):
    """A condition on all or any elements of a list; `any` may do without a body."""

    word: Literal["all", "any"]
    name: Name
    where: "Syntax | None"
    body: "Syntax | None"


Syntax = Constant | Name | Chain | Negation | Minus | Comparison | Among | State | Calculation | Call | Fold | Quantifier

OR, AND, NOT, COMPARE, ADD, MULTIPLY, SIGN, ATOM = range(1, 9)
"""How tightly each form binds; a part that binds less than its place asks for stands in parentheses."""

_ADDING: Final = frozenset({"+", "-"})


def children(node: Syntax) -> tuple[Syntax, ...]:
    """Return the direct parts of a piece of syntax."""
    match node:
        case Constant() | Name():
            return ()
        case Chain(parts=parts):
            return parts
        case Negation(part=part) | Minus(part=part) | State(part=part):
            return (part,)
        case Comparison(left=left, right=right) | Calculation(left=left, right=right):
            return (left, right)
        case Among(part=part, options=options):
            return (part, *options)
        case Call(arguments=arguments):
            return arguments
        case Fold(name=name, where=where):
            return (name, where) if where is not None else (name,)
        case Quantifier(name=name, where=where, body=body):
            return (name, *(part for part in (where, body) if part is not None))
        case _:
            assert_never(node)


def render(node: Syntax) -> str:
    """Print an expression in its canonical form; parsing the result gives an equal tree."""
    return _render(node)[0]


def _render(node: Syntax) -> tuple[str, int]:
    """Return the text of a node and how tightly it binds."""
    match node:
        case Constant(value=value):
            return _literal(value), ATOM
        case Name(parts=parts):
            return ".".join(parts), ATOM
        case Chain(word=word, parts=parts):
            level = AND if word == "and" else OR
            return f" {word} ".join(_within(part, level + 1) for part in parts), level
        case Negation(part=part):
            return f"not {_within(part, NOT)}", NOT
        case Minus(part=part):
            return f"-{_within(part, SIGN)}", SIGN
        case Comparison(sign=sign, left=left, right=right):
            return f"{_within(left, ADD)} {sign} {_within(right, ADD)}", COMPARE
        case Among(part=part, options=options, negated=negated):
            among = "not in" if negated else "in"
            return f"{_within(part, ADD)} {among} [{', '.join(render(option) for option in options)}]", COMPARE
        case State(part=part, word=state, negated=negated):
            return f"{_within(part, ADD)} is {'not ' if negated else ''}{state}", COMPARE
        case Calculation(sign=sign, left=left, right=right):
            level = ADD if sign in _ADDING else MULTIPLY
            return f"{_within(left, level)} {sign} {_within(right, level + 1)}", level
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(render(argument) for argument in arguments)})", ATOM
        case Fold(function=function, name=name, where=where):
            tail = f" where {render(where)}" if where is not None else ""
            return f"{function}({render(name)}{tail})", ATOM
        case Quantifier(word=quantifier, name=name, where=where, body=body):
            tail = f" where {render(where)}" if where is not None else ""
            tail += f": {render(body)}" if body is not None else ""
            # Its body reaches as far as it can, so anywhere but alone it stands in parentheses.
            return f"{quantifier} {render(name)}{tail}", 0
        case _:
            assert_never(node)


def _within(node: Syntax, level: int) -> str:
    text, own = _render(node)
    return text if own >= level else f"({text})"


def _literal(value: Number | date | str | bool | None) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'" if '"' in value else f'"{value}"'
    if isinstance(value, date):
        return value.isoformat()
    return show_number(value.amount) + (f" {value.unit}" if value.unit else "")


def show_number(amount: Fraction) -> str:
    """Print a number without exponent: exactly where a short decimal can, else to 6 decimals."""
    if amount.denominator == 1:
        return str(amount.numerator)
    for digits in range(1, 25):
        if (amount * 10**digits).denominator == 1:
            scaled = abs(amount.numerator) * 10**digits // amount.denominator
            whole, rest = divmod(scaled, 10**digits)
            return f"{'-' if amount < 0 else ''}{whole}.{rest:0{digits}d}"
    # Only values that no decimal can write (a third) come here; they are shown to people, never compared.
    return f"{float(amount):.6f}"
