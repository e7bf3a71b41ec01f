"""Turns a checked expression into one quick Python function.

The function is written by this module alone: names and numbers it makes up, and every word, code or amount of the
expression reaches it as a constant in its namespace. No text of a user is ever compiled. The plain twin that says the
same step by step is `explain`; a test holds that they agree.
"""

from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Final, cast

from oligami.protocol.expression import between
from oligami.protocol.expression import values as v
from oligami.protocol.expression.explanation import word_of_never
from oligami.protocol.expression.tree import (
    Arithmetic,
    Compare,
    Count,
    Every,
    Extreme,
    Fixed,
    Is,
    Item,
    Logic,
    Member,
    Node,
    Not,
    Scaled,
    Shifted,
    Span,
    Total,
    may_be_interval,
    may_be_partial,
    walk,
)
from oligami.protocol.expression.types import BooleanType, CodeType, DateType, ListType, NumberType, TextType

Value = bool | float | date | str | None
Function = Callable[[Mapping[str, object]], Value]

_LEVELS_A_FUNCTION: Final = 8  # Python's own compiler bears some hundred brackets; a deep expression is cut up

_RUNTIME: Final[Mapping[str, object]] = {
    "N": v.read_number,
    "D": v.read_date,
    "DN": v.read_date_or_never,
    "DP": v.read_partial_or_never,
    "B": v.read_boolean,
    "X": v.read_text,
    "L": v.read_list,
    "E": v.exact,
    "P": v.pair,
    "ONE": v.collapse,
    "OUT": v.out,
    "NEVER": v.NEVER,
    "NOT": v.negate,
    "LESS": v.is_less,
    "MOST": v.is_at_most,
    "SAME": v.is_equal,
    "ADD": v.add,
    "SUB": v.subtract,
    "MUL": v.multiply,
    "DIV": v.divide,
    "MIN": v.smallest,
    "MAX": v.largest,
    "ABS": v.absolute,
    "DAYS": v.shift_days,
    "MONTHS": v.shift_months,
    "SPAN": v.days_between,
    "YEARS": v.completed_years,
    # The same for days of which only a month or a year is known.
    "WHOLE": between.whole_day,
    "DAYS_B": between.shift_days,
    "MONTHS_B": between.shift_months,
    "SPAN_B": between.days_between,
    "YEARS_B": between.completed_years,
    "COMPARE_B": between.compare_days,
    "AMONG_B": between.is_among,
}

_ARITHMETIC: Final = {"+": "ADD", "-": "SUB", "*": "MUL", "/": "DIV"}
_FAULTS: Final = (TypeError, ValueError, KeyError, AttributeError)


def compile_tree(tree: Node) -> Function:
    """Return a function from the items of one form to the value of the expression; None is unknown.

    The function raises TypeError naming the item if it meets one that is not of its type.
    """
    writer = _Writer()
    body = writer.result(tree)
    items = tuple(node for node in walk(tree) if isinstance(node, Item))

    def blame(values: Mapping[str, object]) -> None:
        _blame(items, values)

    writer.names |= {"BLAME": blame, "FAULTS": _FAULTS}
    source = "\n".join(
        [
            *writer.functions,
            "def judge(values):",
            "    try:",
            "        g = values.get",
            f"        return {body}",
            "    except FAULTS:",
            "        BLAME(values)",
            "        raise",
        ]
    )
    exec(compile(source, "<expression>", "exec"), writer.names)
    return cast(Function, writer.names["judge"])


def _blame(items: tuple[Item, ...], values: Mapping[str, object]) -> None:
    """Find the item that made a judgement fail and raise a TypeError that names it."""
    for item in items:
        if item.owner is None:
            v.read_item(item.type, values.get(item.name), item.path)
    for item in items:
        if item.owner is not None:
            elements = cast(list[Mapping[str, object]], values.get(item.owner) or [])
            for place, element in enumerate(elements, start=1):
                v.read_item(item.type, element.get(item.name), f"{item.path} (element {place})")


class _Writer:
    """The functions and constants written so far."""

    def __init__(self) -> None:
        self.names: dict[str, object] = dict(_RUNTIME)
        self.functions: list[str] = []
        self.owners: list[str] = []  # lists whose element is at hand; the n-th is read through h<n>
        self.counter = 0
        self.level = 0

    def fresh(self, letter: str) -> str:
        self.counter += 1
        return f"{letter}{self.counter}"

    def constant(self, value: object) -> str:
        name = self.fresh("K")
        self.names[name] = value
        return name

    def parameters(self) -> str:
        return ", ".join(["g", *(f"h{place}" for place in range(len(self.owners)))])

    def raw(self, item: Item) -> str:
        """Read an item as it came."""
        getter = "g" if item.owner is None else f"h{self.owners.index(item.owner)}"
        return f"{getter}({self.constant(item.name)})"

    def result(self, tree: Node) -> str:
        if isinstance(tree.type, NumberType):
            return f"OUT({self.number(tree, exact=False)})"
        text = self.write(tree)
        if isinstance(tree.type, DateType):
            word = self.constant(word_of_never(tree))
            day = self.fresh("d")
            settled = f"WHOLE({day})" if may_be_partial(tree) else day
            return f"({word} if ({day} := {text}) is NEVER else {settled})"
        return text

    def write(self, node: Node) -> str:
        """Return a Python expression for a node that is no number; every few levels it becomes a function."""
        self.level += 1
        text = self._write(node)
        if self.level % _LEVELS_A_FUNCTION == 0:
            text = self.hoist(text)
        self.level -= 1
        return text

    def hoist(self, text: str) -> str:
        name = self.fresh("f")
        self.functions.append(f"def {name}({self.parameters()}):\n    return {text}")
        return f"{name}({self.parameters()})"

    def _write(self, node: Node) -> str:
        match node:
            case Fixed(value=value):
                return self.constant(value)
            case Item():
                return self.item(node)
            case Logic():
                return self.logic(node)
            case Not(part=part):
                one = self.fresh("a")
                return f"(None if ({one} := {self.write(part)}) is None else not {one})"
            case Compare():
                return self.compare(node)
            case Member():
                return self.member(node)
            case Is():
                return self.state(node)
            case Shifted(day=day, amount=amount, step=step, backwards=backwards):
                count = self.number(amount, exact=False)
                if backwards and isinstance(amount, Fixed) and isinstance(amount.value, Fraction):
                    count = self.constant(-amount.value.numerator)  # constants are whole, the checker saw to it
                elif backwards:
                    count = f"ONE(SUB((0, 0), P({count})))"
                move = ("DAYS" if step == "days" else "MONTHS") + ("_B" if may_be_partial(day) else "")
                return f"{move}({self.write(day)}, {count})"
            case Every():
                return self.every(node)
            case Arithmetic() | Scaled() | Span() | Extreme() | Count() | Total():
                return self.number(node, exact=True)

    def item(self, node: Item) -> str:
        raw = self.raw(node)
        match node.type:
            case CodeType() as kind:
                table: dict[object, object] = {code: code for code in kind.codes}
                table.update(dict.fromkeys([None, *kind.unknown]))
                return f"{self.constant(table)}[{raw}]"
            case DateType(partial=True, never=never):
                return f"DP({raw}, {self.constant(never)})"
            case DateType(never=None):
                return f"D({raw})"
            case DateType(never=never):
                return f"DN({raw}, {self.constant(never)})"
            case BooleanType():
                return f"B({raw})"
            case TextType():
                return f"X({raw})"
            case ListType():
                return f"L({raw})"
            case _:
                return f"N({raw})"

    def logic(self, node: Logic) -> str:
        names = [self.fresh("a") for _ in node.parts]
        bound = [f"({name} := {self.write(part)})" for name, part in zip(names, node.parts, strict=True)]
        if node.word == "and":
            # When none is False, each is True or None, and `and` gives None if any is.
            return f"(False if {' or '.join(f'{one} is False' for one in bound)} else {' and '.join(names)})"
        unknown = " or ".join(f"{name} is None" for name in names)
        return f"(True if {' or '.join(bound)} else None if {unknown} else False)"

    def compare(self, node: Compare) -> str:
        left, right, sign = node.left, node.right, node.sign
        if may_be_interval(left) or may_be_interval(right):
            one, other = self.interval(left), self.interval(right)
            match sign:
                case "==":
                    return f"SAME({one}, {other})"
                case "!=":
                    return f"NOT(SAME({one}, {other}))"
                case "<":
                    return f"LESS({one}, {other})"
                case "<=":
                    return f"MOST({one}, {other})"
                case ">":
                    return f"LESS({other}, {one})"
                case ">=":
                    return f"MOST({other}, {one})"
        if isinstance(left.type, DateType) and (may_be_partial(left) or may_be_partial(right)):
            return f"COMPARE_B({self.constant(sign)}, {self.write(left)}, {self.write(right)})"
        if isinstance(left.type, NumberType):
            exact = _needs_exact(left) or _needs_exact(right)
            texts = self.number(left, exact=exact), self.number(right, exact=exact)
        else:
            texts = self.write(left), self.write(right)
        tests, names = [], []
        for part, text in zip((left, right), texts, strict=True):
            if isinstance(part, Fixed) and part.value is not None:
                names.append(text)
            else:
                names.append(self.fresh("a"))
                tests.append(f"({names[-1]} := {text}) is None")
        holds = f"{names[0]} {sign} {names[1]}"
        if _may_be_never(left) or _may_be_never(right):
            holds = f"{names[0]} is not NEVER and {names[1]} is not NEVER and {holds}"
        return f"(None if {' or '.join(tests)} else {holds})" if tests else f"({holds})"

    def member(self, node: Member) -> str:
        part = node.part
        if isinstance(part, Item) and isinstance(part.type, CodeType):
            table: dict[object, object] = {code: (code in node.options) != node.negated for code in part.type.codes}
            table.update(dict.fromkeys([None, *part.type.unknown]))
            return f"{self.constant(table)}[{self.raw(part)}]"
        if isinstance(part.type, DateType) and may_be_partial(part):
            return f"AMONG_B({self.write(part)}, {self.constant(frozenset(node.options))}, {node.negated})"
        text = self.number(part, exact=True) if isinstance(part.type, NumberType) else self.write(part)
        one = self.fresh("a")
        word = "not in" if node.negated else "in"
        holds = f"{one} {word} {self.constant(frozenset(node.options))}"
        if _may_be_never(part):
            holds = f"{one} is not NEVER and {holds}"
        return f"(None if ({one} := {text}) is None else {holds})"

    def state(self, node: Is) -> str:
        part, negated = node.part, node.negated
        if node.word == "never":
            one = self.fresh("a")
            sign = "is not" if negated else "is"
            return f"(None if ({one} := {self.write(part)}) is None else {one} {sign} NEVER)"
        asks_absence = (node.word in ("missing", "unknown")) != negated
        sign = "is" if asks_absence else "is not"
        if node.word == "missing" and isinstance(part, Item):
            return f"({self.raw(part)} {sign} None)"
        text = self.number(part, exact=False) if isinstance(part.type, NumberType) else self.write(part)
        if isinstance(part.type, DateType) and may_be_partial(part):
            text = f"WHOLE({text})"
        return f"({text} {sign} None)"

    def number(self, node: Node, *, exact: bool) -> str:
        """Return a Python expression for a number that is one value or None."""
        match node:
            case Fixed(value=Fraction() as value):
                if value.denominator == 1:
                    return self.constant(value.numerator)
                return self.constant(value if exact else float(value))
            case Item():
                return f"E({self.item(node)})" if exact else self.item(node)
            case Span(kind=kind, earlier=earlier, later=later) if not may_be_partial(node):
                return f"{'SPAN' if kind == 'days' else 'YEARS'}({self.write(earlier)}, {self.write(later)})"
            case Total():
                return self.total(node, exact=exact)
            case _:
                return f"ONE({self.interval(node)})"

    def interval(self, node: Node) -> str:
        """Return a Python expression for an exact number between two bounds, or None."""
        self.level += 1
        match node:
            case Fixed(value=Fraction() as value):
                text = self.constant((value, value) if value.denominator > 1 else (value.numerator, value.numerator))
            case Count():
                text = self.count(node)
            case Arithmetic(sign=sign, left=left, right=right):
                text = f"{_ARITHMETIC[sign]}({self.interval(left)}, {self.interval(right)})"
            case Scaled(part=part, factor=factor):
                text = f"MUL({self.interval(part)}, {self.constant((factor, factor))})"
            case Span(kind=kind, earlier=earlier, later=later) if may_be_partial(node):
                measure = "SPAN_B" if kind == "days" else "YEARS_B"
                text = f"{measure}({self.write(earlier)}, {self.write(later)})"
            case Extreme(kind="abs", parts=parts):
                text = f"ABS({self.interval(parts[0])})"
            case Extreme(kind=kind, parts=parts):
                text = f"{kind.upper()}(({', '.join(self.interval(part) for part in parts)},))"
            case _:
                text = f"P({self.number(node, exact=True)})"
        if self.level % _LEVELS_A_FUNCTION == 0:
            text = self.hoist(text)
        self.level -= 1
        return text

    def loop(self, of: Item, where: Node | None, lines: Callable[[str], list[str]], *, start: str, end: str) -> str:
        """Write a function over a list and return its call.

        Args:
            of: the list.
            where: the condition on its elements.
            lines: given the name of the condition's value, the lines for one element; a false one is passed over.
            start: a statement before the loop.
            end: the value after it.
        """
        name, place = self.fresh("q"), len(self.owners)
        outer = self.parameters()
        elements = self.raw(of)
        self.owners.append(of.name)
        body = []
        if where is not None:
            body = [f"c = {self.write(where)}", "if c is False:", "    continue"]
        body += lines("c" if where is not None else "True")
        self.owners.pop()
        self.functions.append(
            "\n    ".join(
                [
                    f"def {name}({outer}):",
                    f"elements = L({elements})",
                    "if elements is None:",
                    "    return None",
                    start,
                    "for element in elements:",
                    f"    h{place} = element.get",
                    *(f"    {line}" for line in body),
                    f"return {end}",
                ]
            )
        )
        return f"{name}({outer})"

    def every(self, node: Every) -> str:
        def lines(condition: str) -> list[str]:
            body = self.write(node.body)
            decided = f"if {condition}: return {node.word == 'any'}"
            if node.word == "all":
                return [f"b = {body}", "if b is False:", f"    {decided}", "    r = None", "elif b is None: r = None"]
            return [f"b = {body}", "if b:", f"    {decided}", "    r = None", "elif b is None: r = None"]

        return self.loop(node.list, node.where, lines, start=f"r = {node.word == 'all'}", end="r")

    def count(self, node: Count) -> str:
        def lines(condition: str) -> list[str]:
            return [f"if {condition}: low += 1", "high += 1"]

        return self.loop(node.list, node.where, lines, start="low = high = 0", end="(low, high)")

    def total(self, node: Total, *, exact: bool) -> str:
        def lines(condition: str) -> list[str]:
            text = self.number(node.field, exact=exact or node.kind == "sum")
            better = {"sum": "r += n", "min": "if r is None or n < r: r = n", "max": "if r is None or n > r: r = n"}
            return [f"if {condition} is None: return None", f"n = {text}", "if n is None: return None", better[node.kind]]

        start = "r = 0" if node.kind == "sum" else "r = None"
        return self.loop(node.list, node.where, lines, start=start, end="r")


def _needs_exact(node: Node) -> bool:
    """Tell whether a number must be compared as an exact fraction.

    An item and a constant in the item's unit are compared as floats: both are the float nearest to a decimal of at
    most 15 digits, and such floats stand in the order of their decimals.
    """
    match node:
        case Fixed(value=Fraction() as value):
            return not v.fits_float(value)
        case Arithmetic() | Scaled() | Extreme() | Total(kind="sum"):
            return True
        case _:
            return False


def _may_be_never(node: Node) -> bool:
    return isinstance(node.type, DateType) and word_of_never(node) is not None
