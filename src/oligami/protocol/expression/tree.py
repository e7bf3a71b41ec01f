"""The checked tree of an expression: every name resolved, every type and unit settled, every constant exact."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from oligami.protocol.expression.syntax import CompareSign, StateWord
from oligami.protocol.expression.types import BooleanType, CodeType, DateType, ItemType, NumberType, TextType

ResultType = NumberType | CodeType | DateType | BooleanType | TextType


_BOOLEAN = BooleanType()
_DATE = DateType()
_PLAIN = NumberType()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    """Where a node stands in the source, as offsets."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed(_Node):
    """A constant; None is unknown. A number is exact and in the unit of `type`."""

    value: Fraction | date | str | bool | None
    type: ResultType


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(_Node):
    """The value of an item, or of a field of the list element at hand."""

    name: str
    owner: str | None  # the list, for a field
    type: ItemType  # durations are already numbers

    @property
    def path(self) -> str:
        """The name as a reader knows it: `er`, `lesions.site`."""
        return self.name if self.owner is None else f"{self.owner}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logic(_Node):
    """Kleene's and / or."""

    word: Literal["and", "or"]
    parts: tuple["Node", ...]
    type: BooleanType = _BOOLEAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(_Node):
    """Kleene's not."""

    part: "Node"
    type: BooleanType = _BOOLEAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare(_Node):
    """A comparison of two values of one type and unit."""

    sign: CompareSign
    left: "Node"
    right: "Node"
    type: BooleanType = _BOOLEAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(_Node):
    """A value found, or not found, among constants of its type and unit."""

    part: "Node"
    options: tuple[Fraction | date | str, ...]
    negated: bool
    type: BooleanType = _BOOLEAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Is(_Node):
    """The question for a state; `never` has three answers, the others two."""

    part: "Node"
    word: StateWord
    negated: bool
    type: BooleanType = _BOOLEAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic(_Node):
    """A sum, difference, product or quotient of numbers; exact."""

    sign: Literal["+", "-", "*", "/"]
    left: "Node"
    right: "Node"
    type: NumberType


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled(_Node):
    """A number converted to another unit by an exact factor."""

    part: "Node"
    factor: Fraction
    type: NumberType


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifted(_Node):
    """A date moved by a whole number of days or calendar months."""

    day: "Node"
    amount: "Node"
    step: Literal["days", "months"]
    backwards: bool
    type: DateType = _DATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Span(_Node):
    """Days from one date to another, or completed years."""

    kind: Literal["days", "completed_years"]
    earlier: "Node"
    later: "Node"
    type: NumberType


@dataclass(frozen=True, slots=True, kw_only=True)
class Extreme(_Node):
    """The smallest or largest of numbers, or the size of one."""

    kind: Literal["min", "max", "abs"]
    parts: tuple["Node", ...]
    type: NumberType


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(_Node):
    """How many elements of a list satisfy a condition: an interval while that is unknown for some."""

    list: Item
    where: "Node | None"
    type: NumberType = _PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Total(_Node):
    """Sum, smallest or largest of a field over the elements that satisfy a condition."""

    kind: Literal["sum", "min", "max"]
    list: Item
    field: Item
    where: "Node | None"
    type: NumberType


@dataclass(frozen=True, slots=True, kw_only=True)
class Every(_Node):
    """A condition on all or any elements of a list."""

    word: Literal["all", "any"]
    list: Item
    where: "Node | None"
    body: "Node"
    type: BooleanType = _BOOLEAN


Node = Fixed | Item | Logic | Not | Compare | Member | Is | Arithmetic | Scaled | Shifted | Span | Extreme | Count | Total | Every


def parts_of(node: Node) -> tuple[Node, ...]:
    """Return the direct parts of a node."""
    match node:
        case Fixed() | Item():
            return ()
        case Logic(parts=parts) | Extreme(parts=parts):
            return parts
        case Not(part=part) | Member(part=part) | Is(part=part) | Scaled(part=part):
            return (part,)
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
            return (left, right)
        case Shifted(day=day, amount=amount):
            return (day, amount)
        case Span(earlier=earlier, later=later):
            return (earlier, later)
        case Count(list=of, where=where):
            return (of,) if where is None else (of, where)
        case Total(list=of, field=field, where=where):
            return (of, field) if where is None else (of, field, where)
        case Every(list=of, where=where, body=body):
            return (of, body) if where is None else (of, where, body)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything beneath it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(reversed(parts_of(one)))


def may_be_partial(node: Node) -> bool:
    """Tell whether a date, or what is computed from it, may rest on a year or a month without the day."""
    return any(isinstance(one, Item) and isinstance(one.type, DateType) and one.type.partial for one in walk(node))


def may_be_interval(node: Node) -> bool:
    """Tell whether a number may be known only to lie between two bounds."""
    match node:
        case Count():
            return True
        case Span():
            return may_be_partial(node)
        case Arithmetic() | Scaled() | Extreme():
            return any(may_be_interval(part) for part in parts_of(node))
        case _:
            return False
