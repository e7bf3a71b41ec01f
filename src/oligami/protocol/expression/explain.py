"""Judges an expression step by step and keeps the steps: value, items used and reason of every part.

This is the plain twin of the quick function in `evaluate`: every number an exact interval, nothing cut short.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Final, cast

from oligami.protocol.expression import between
from oligami.protocol.expression import values as v
from oligami.protocol.expression.explanation import MOST_REASONS, NO_VALUE, Explanation, join_reasons, show, word_of_never
from oligami.protocol.expression.syntax import CompareSign, show_number
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
)
from oligami.protocol.expression.types import ListType, NumberType
from oligami.protocol.partial_dates import DayBetween
from oligami.protocol.text import Text


def explain_tree(tree: Node, source: str, values: Mapping[str, object]) -> Explanation:
    """Judge the items of one form and say why.

    Args:
        tree: the checked expression.
        source: its text, from which the parts are quoted.
        values: item name to value; a missing key or None is unknown.

    Raises:
        TypeError: an item is not of its type; the message names it.
    """
    return _Judge(source, values).explain(tree)


@dataclass(slots=True)
class _Steps:
    """What was met on the way to a value."""

    used: dict[str, object] = field(default_factory=dict)
    gaps: list[Text] = field(default_factory=list)  # why something is unknown
    children: list[Explanation] = field(default_factory=list)


class _Judge:
    """The values of one form, and the list elements at hand."""

    def __init__(self, source: str, values: Mapping[str, object]) -> None:
        self.source = source
        self.values = values
        self.elements: dict[str, tuple[str, Mapping[str, object]]] = {}  # list: label and record

    def quote(self, node: Node) -> str:
        return " ".join(self.source[node.start : node.end].split())

    def called(self, item: Item) -> Text:
        """Name an item, with its element for a field."""
        if item.owner is None:
            return Text(item.path, item.path)
        label = self.elements[item.owner][0]
        return Text(f"{item.path} of {label}", f"{label} の {item.path}")

    def read(self, item: Item, steps: _Steps) -> object:
        """Return a checked item value; note it, and why it is unknown if it is."""
        if item.owner is None:
            raw, key = self.values.get(item.name), item.name
        else:
            label, element = self.elements[item.owner]
            raw, key = element.get(item.name), f"{item.owner}[{label}].{item.name}"
        value = v.read_item(item.type, raw, item.path)
        if not isinstance(item.type, ListType):
            steps.used[key] = raw
        if value is None:
            name = self.called(item)
            if raw is None:
                steps.gaps.append(Text(f"{name.en} is missing", f"{name.ja} が未入力"))
            else:
                steps.gaps.append(Text(f'{name.en} is "{raw}": not known', f"{name.ja} は「{raw}」(不明)"))
        elif isinstance(value, DayBetween):
            name = self.called(item)
            steps.gaps.append(Text(f"{name.en} is {raw}: the day is not known", f"{name.ja} は {raw}(日は不明)"))
        return value

    # Conditions

    def explain(self, node: Node) -> Explanation:
        """Judge a node of any type."""
        match node:
            case Logic():
                return self.logic(node)
            case Not(part=part):
                child = self.explain(part)
                return self.made(node, v.negate(cast(bool | None, child.value)), [child], child.why)
            case Every():
                return self.every(node)
            case Compare():
                return self.compare(node)
            case Member():
                return self.member(node)
            case Is():
                return self.state(node)
            case _:
                return self.single(node)

    def made(
        self,
        node: Node,
        value: bool | float | date | str | None,
        children: Sequence[Explanation],
        why: Text,
        used: Mapping[str, object] | None = None,
    ) -> Explanation:
        every: dict[str, object] = dict(used or {})
        for child in children:
            every.update(child.used)
        return Explanation(source=self.quote(node), value=value, used=every, children=tuple(children), why=why)

    def single(self, node: Node) -> Explanation:
        """Judge a bare item, a constant or a computed value."""
        steps = _Steps()
        if isinstance(node.type, NumberType):
            interval = self.number(node, steps)
            number = v.collapse(interval)
            shown = self.show_number(node, interval)
            why = self.phrase(node, shown, steps) if interval is not None else join_reasons(steps.gaps, NO_VALUE)
            return self.made(node, v.out(number), steps.children, why, steps.used)
        value = between.whole_day(cast(between.Day, self.plain(node, steps)))
        if value is None:
            gap = Text("unknown by definition", "定義により不明") if isinstance(node, Fixed) else NO_VALUE
            return self.made(node, None, steps.children, join_reasons(steps.gaps, gap), steps.used)
        given = word_of_never(node) if value is v.NEVER else cast(bool | date | str, value)
        return self.made(node, given, steps.children, self.phrase(node, show(given), steps), steps.used)

    def logic(self, node: Logic) -> Explanation:
        children = [self.explain(part) for part in node.parts]
        answers = [child.value for child in children]
        decisive = node.word == "or"  # one True decides an `or`, one False an `and`
        if decisive in answers:
            value: bool | None = decisive
        else:
            value = None if None in answers else not decisive
        why = join_reasons([child.why for child in children if child.value is value], NO_VALUE)
        return self.made(node, value, children, why)

    def every(self, node: Every) -> Explanation:
        steps = _Steps()
        decisive = node.word == "any"
        children: list[Explanation] = []
        answers: list[bool | None] = []
        elements = self.each(node.list, steps)
        if elements is None:
            return self.made(node, None, [], join_reasons(steps.gaps, NO_VALUE))
        for enter in elements:
            enter()
            where = None if node.where is None else self.explain(node.where)
            if where is not None and where.value is False:
                continue
            body = self.explain(node.body)
            answer = cast(bool | None, body.value)
            if where is not None and where.value is None and answer is decisive:
                answer = None  # it would decide, if only it were certain that it belongs
                children.append(where)
            children.append(body)
            answers.append(answer)
        self.elements.pop(node.list.name, None)
        if decisive in answers:
            value: bool | None = decisive
        else:
            value = None if None in answers else not decisive
        count = len(answers)
        if value is decisive or value is None:
            why = join_reasons([child.why for child in children if child.value is value], NO_VALUE)
        elif count == 0:
            why = Text(f"no element of {node.list.name} is concerned", f"{node.list.name} に該当する要素なし")
        elif decisive:
            why = Text(f"it holds for none of {count}", f"該当 {count} 件のいずれでも成り立たない")
        else:
            why = Text(f"it holds for all of {count}", f"該当 {count} 件すべてで成り立つ")
        return self.made(node, value, children, why)

    def each(self, of: Item, steps: _Steps) -> list[Callable[[], None]] | None:
        """Return one step a list element, each putting it at hand; None for a missing list."""
        elements = cast(Sequence[Mapping[str, object]] | None, self.read(of, steps))
        if elements is None:
            return None

        def entering(label: str, element: Mapping[str, object]) -> Callable[[], None]:
            return lambda: self.elements.update({of.name: (label, element)})

        labels = [element.get("id") for element in elements]
        return [
            entering(str(label) if isinstance(label, str | int) else f"#{place}", element)
            for place, (label, element) in enumerate(zip(labels, elements, strict=True), start=1)
        ]

    def compare(self, node: Compare) -> Explanation:
        steps = _Steps()
        value: bool | None
        if isinstance(node.left.type, NumberType):
            left, right = self.number(node.left, steps), self.number(node.right, steps)
            value = v.compare_numbers(node.sign, left, right)
            shown = self.show_number(node.left, left), self.show_number(node.right, right)
        else:
            one, other = self.plain(node.left, steps), self.plain(node.right, steps)
            shown = show(one), show(other)
            if one is None or other is None:
                value = None
            elif one is v.NEVER or other is v.NEVER:
                value = False
                never = word_of_never(node)
                why = Text(f'a date is "{never}": no comparison with it holds', f"日付が「{never}」のため、比較は成り立たない")
                return self.made(node, value, steps.children, why, steps.used)
            elif isinstance(one, DayBetween) or isinstance(other, DayBetween):
                value = between.compare_days(node.sign, cast(between.Day, one), cast(between.Day, other))
            else:
                value = _compare_plain(node.sign, one, other)
        if value is None and steps.gaps:
            why = join_reasons(steps.gaps, NO_VALUE)
        elif value is None and "None" in shown:
            why = NO_VALUE
        else:
            first = self.phrase(node.left, shown[0], steps)
            if isinstance(node.right, Fixed):
                word = Text("compared with", "比較値") if node.sign in ("==", "!=") else Text("limit", "限度")
                why = Text(f"{first.en}, {word.en} {shown[1]}", f"{first.ja}、{word.ja} {shown[1]}")
            else:
                second = self.phrase(node.right, shown[1], steps)
                why = Text(f"{first.en}; {second.en}", f"{first.ja}、{second.ja}")
        return self.made(node, value, steps.children, why, steps.used)

    def member(self, node: Member) -> Explanation:
        steps = _Steps()
        value: object
        if isinstance(node.part.type, NumberType):
            interval = self.number(node.part, steps)
            value, shown = v.collapse(interval), self.show_number(node.part, interval)
        else:
            value = self.plain(node.part, steps)
            shown = show(value)
        if isinstance(value, DayBetween):
            among = between.is_among(value, node.options, node.negated)
            why = join_reasons(steps.gaps, NO_VALUE) if among is None else self.phrase(node.part, shown, steps)
            return self.made(node, among, steps.children, why, steps.used)
        if value is None:
            return self.made(node, None, steps.children, join_reasons(steps.gaps, NO_VALUE), steps.used)
        answer = value is not v.NEVER and (value in node.options) is not node.negated
        return self.made(node, answer, steps.children, self.phrase(node.part, shown, steps), steps.used)

    def state(self, node: Is) -> Explanation:
        steps = _Steps()
        part = node.part
        if isinstance(part, Item):
            value = self.read(part, steps)
        elif isinstance(part.type, NumberType):
            value = v.collapse(self.number(part, steps))
        else:
            value = self.plain(part, steps)
        answer: bool | None
        match node.word:
            case "never":
                answer = None if value is None else value is v.NEVER
            case "known":
                answer = value is not None and not isinstance(value, DayBetween)
            case "unknown":
                answer = value is None or isinstance(value, DayBetween)
            case "missing":
                # A code that says "not known" was entered: unknown, but not missing.
                answer = value is None and not any(raw is not None for raw in steps.used.values())
        answer = v.negate(answer) if node.negated else answer
        if value is None:
            why = join_reasons(steps.gaps, NO_VALUE)
        else:
            shown = word_of_never(part) if value is v.NEVER else value
            if isinstance(part, Item) and isinstance(part.type, ListType):
                why = Text(f"{part.path} is given", f"{part.path} は入力済み")
            else:
                why = self.phrase(part, show(shown), steps)
        return self.made(node, answer, steps.children, why, steps.used)

    # Values

    def plain(self, node: Node, steps: _Steps) -> object:
        """Return a date, code, text, truth value or NEVER; None is unknown."""
        match node:
            case Fixed(value=value):
                return value
            case Item():
                return self.read(node, steps)
            case Shifted(day=day, amount=amount, step=step, backwards=backwards):
                start = cast(between.Day, self.plain(day, steps))
                count = v.collapse(self.number(amount, steps))
                count = -count if backwards and count is not None else count
                return between.shift_days(start, count) if step == "days" else between.shift_months(start, count)
            case _:
                child = self.explain(node)
                steps.children.append(child)
                steps.used.update(child.used)
                if child.value is None:
                    steps.gaps.append(child.why)
                return child.value

    def number(self, node: Node, steps: _Steps) -> v.Interval | None:
        """Return an exact number between two bounds; None is unknown."""
        match node:
            case Fixed(value=Fraction() as value):
                return value, value
            case Item():
                return v.pair(cast(float | None, self.read(node, steps)))
            case Arithmetic(sign=sign, left=left, right=right):
                result = _ARITHMETIC[sign](self.number(left, steps), self.number(right, steps))
                if sign == "/" and result is None and not steps.gaps:
                    steps.gaps.append(Text("division by zero", "ゼロによる除算"))
                return result
            case Scaled(part=part, factor=factor):
                return v.multiply(self.number(part, steps), (factor, factor))
            case Span(kind=kind, earlier=earlier, later=later):
                first = cast(between.Day, self.plain(earlier, steps))
                second = cast(between.Day, self.plain(later, steps))
                return between.days_between(first, second) if kind == "days" else between.completed_years(first, second)
            case Extreme(kind="abs", parts=parts):
                return v.absolute(self.number(parts[0], steps))
            case Extreme(kind=kind, parts=parts):
                numbers = [self.number(part, steps) for part in parts]
                return v.smallest(numbers) if kind == "min" else v.largest(numbers)
            case Count() | Total():
                return self.fold(node, steps)
            case _:
                raise AssertionError(node)

    def fold(self, node: Count | Total, steps: _Steps) -> v.Interval | None:
        """Count elements or draw a number from them, keeping one explanation an element asked."""
        elements = self.each(node.list, steps)
        if elements is None:
            return None
        low = high = 0
        numbers: list[v.Interval | None] = []
        for enter in elements:
            enter()
            where = None if node.where is None else self.explain(node.where)
            if where is not None:
                steps.children.append(where)
                steps.used.update(where.used)
            if where is not None and where.value is False:
                continue
            certain = where is None or where.value is True
            low, high = low + certain, high + 1
            if where is not None and not certain:
                if isinstance(node, Total):
                    steps.gaps.append(where.why)
                numbers.append(None)
            elif isinstance(node, Total):
                numbers.append(v.pair(cast(float | None, self.read(node.field, steps))))
        self.elements.pop(node.list.name, None)
        if isinstance(node, Count):
            return low, high
        if node.kind == "sum":
            total: v.Interval | None = (0, 0)
            for number in numbers:
                total = v.add(total, number)
            return total
        return v.smallest(numbers) if node.kind == "min" else v.largest(numbers)

    # Words

    def name(self, node: Node) -> Text:
        return self.called(node) if isinstance(node, Item) else Text(self.quote(node), self.quote(node))

    def phrase(self, node: Node, shown: str, steps: _Steps) -> Text:
        """Say what a value is; a computed date or number also says what it was computed from."""
        name = self.name(node)
        if isinstance(node, Fixed):
            return Text(f"constant {shown}", f"定数 {shown}")
        source = ""
        if isinstance(node, Span | Shifted | Arithmetic) and steps.used:
            source = ", ".join(f"{key} {show(value)}" for key, value in list(steps.used.items())[:MOST_REASONS])
            source = f" ({source})"
        return Text(f"{name.en} is {shown}{source}", f"{name.ja} は {shown}{source}")

    def show_number(self, node: Node, interval: v.Interval | None) -> str:
        """Print a number with its unit; an item as it was given."""
        if interval is None:
            return "None"
        unit = f" {node.type.unit}" if isinstance(node.type, NumberType) and node.type.unit else ""
        if isinstance(node, Item):
            raw = self.values.get(node.name) if node.owner is None else self.elements[node.owner][1].get(node.name)
            return f"{raw}{unit}"
        low, high = (show_number(Fraction(bound)) for bound in interval)
        return f"{low}{unit}" if low == high else f"{low}-{high}{unit}"


_ARITHMETIC: Final[Mapping[str, Callable[[v.Interval | None, v.Interval | None], v.Interval | None]]] = {
    "+": v.add,
    "-": v.subtract,
    "*": v.multiply,
    "/": v.divide,
}


def _compare_plain(sign: CompareSign, left: object, right: object) -> bool:
    if sign in ("==", "!="):
        return (left == right) is (sign == "==")
    assert isinstance(left, date)
    assert isinstance(right, date)
    match sign:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right
