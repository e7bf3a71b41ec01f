"""Gives every piece of an expression its type and unit, and gathers all that does not fit."""

from fractions import Fraction
from typing import Final, Literal

from oligami.protocol.expression import syntax
from oligami.protocol.expression.lexer import Number
from oligami.protocol.expression.resolve import Resolver
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
    Shifted,
    Span,
    Total,
)
from oligami.protocol.expression.types import (
    BooleanType,
    CodeType,
    DateType,
    ItemType,
    ListType,
    NumberType,
    Scope,
    TextType,
    conversion,
    describe,
    dimension_of,
)
from oligami.protocol.text import Text

_EQUALITY: Final = frozenset({"==", "!="})
_MIRRORED: Final[dict[syntax.CompareSign, syntax.CompareSign]] = {
    "==": "==",
    "!=": "!=",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
}


def check(tree: syntax.Syntax, scope: Scope, expect: ItemType | None) -> Node:
    """Return the checked tree.

    Args:
        tree: the expression as written.
        scope: the items it may speak of.
        expect: the type its value must have; a number is converted to the expected unit. None leaves it open.

    Raises:
        ExpressionError: names, types or units do not fit; up to 20 problems are listed.
    """
    checker = _Checker(scope)
    node = checker.check(tree)
    if node is not None:
        node = checker.expected(node, expect)
    if checker.problems or node is None:
        checker.stop()
    return node


class _Checker(Resolver):
    """Checks each form of the language on its parts."""

    def check(self, node: syntax.Syntax) -> Node | None:
        match node:
            case syntax.Constant():
                return self.constant(node)
            case syntax.Name():
                return self.name(node)
            case syntax.Chain():
                parts = [self.condition(part) for part in node.parts]
                known = tuple(part for part in parts if part is not None)
                if len(known) < len(parts):
                    return None
                return Logic(word=node.word, parts=known, start=node.start, end=node.end)
            case syntax.Negation():
                inner = self.condition(node.part)
                if inner is None:
                    return None
                self.guard_never(node.start, inner)
                return Not(part=inner, start=node.start, end=node.end)
            case syntax.Minus():
                return self.minus(node)
            case syntax.Comparison():
                return self.comparison(node)
            case syntax.Among():
                return self.among(node)
            case syntax.State():
                return self.state(node)
            case syntax.Calculation():
                return self.calculation(node)
            case syntax.Call():
                return self.call(node)
            case syntax.Fold():
                return self.fold(node)
            case syntax.Quantifier():
                return self.quantifier(node)

    def condition(self, node: syntax.Syntax) -> Node | None:
        """Check a piece that must be true, false or unknown."""
        checked = self.check(node)
        return None if checked is None else self.expected(checked, BooleanType())

    def constant(self, node: syntax.Constant) -> Node:
        match node.value:
            case bool() | None:
                return Fixed(value=node.value, type=BooleanType(), start=node.start, end=node.end)
            case str():
                return Fixed(value=node.value, type=TextType(), start=node.start, end=node.end)
            case Number(amount=amount, unit=unit):
                return Fixed(value=amount, type=NumberType(unit), start=node.start, end=node.end)
            case day:
                return Fixed(value=day, type=DateType(), start=node.start, end=node.end)

    def number(self, node: syntax.Syntax) -> tuple[Node, NumberType] | None:
        """Check a piece that must be a number of any unit."""
        checked = self.check(node)
        if checked is None:
            return None
        if isinstance(checked.type, NumberType):
            return checked, checked.type
        self.report(checked.start, describe(checked.type), Text("a number", "数"))
        return None

    def date(self, node: syntax.Syntax) -> Node | None:
        checked = self.check(node)
        return None if checked is None else self.expected(checked, DateType())

    def minus(self, node: syntax.Minus) -> Node | None:
        found = self.number(node.part)
        if found is None:
            return None
        inner, kind = found
        zero = Fixed(value=Fraction(0), type=kind, start=node.start, end=node.start)
        if isinstance(inner, Fixed) and isinstance(inner.value, Fraction):
            return Fixed(value=-inner.value, type=kind, start=node.start, end=node.end)
        return Arithmetic(sign="-", left=zero, right=inner, type=kind, start=node.start, end=node.end)

    def comparison(self, node: syntax.Comparison) -> Node | None:
        left, right = self.check(node.left), self.check(node.right)
        if left is None or right is None:
            return None
        sign = node.sign
        if isinstance(right.type, CodeType) and isinstance(left, Fixed):
            left, right, sign = right, left, _MIRRORED[sign]
        if sign not in _EQUALITY and not isinstance(left.type, NumberType | DateType):
            self.report(
                left.start, describe(left.type), Text(f"a number or a date before `{sign}`", f"`{sign}` の前には数か日付")
            )
            return None
        match left.type, right.type:
            case NumberType(), NumberType():
                pair = self.same_unit(left, right)
                if pair is None:
                    return None
                left, right = pair
            case CodeType() as kind, TextType() if isinstance(right, Fixed):
                assert isinstance(right.value, str)
                if not self.is_code(left, kind, right.value, right.start):
                    return None
                return Member(part=left, options=(right.value,), negated=sign == "!=", start=node.start, end=node.end)
            case CodeType() as kind, CodeType() as other:
                if not set(kind.definite) & set(other.definite):
                    self.report(right.start, describe(other), Text("a code that shares a word", "共通の語をもつコード"))
                    return None
            case (one, another) if type(one) is type(another) and not isinstance(one, ListType):
                pass
            case _:
                self.report(right.start, describe(right.type), describe(left.type))
                return None
        compare = Compare(sign=sign, left=left, right=right, start=node.start, end=node.end)
        if isinstance(left.type, BooleanType):
            # `(a < b) == false` is a negation in other clothes.
            self.guard_never(node.start, compare)
        return compare

    def among(self, node: syntax.Among) -> Node | None:
        part = self.check(node.part)
        checked = [self.check(option) for option in node.options]
        if part is None or any(option is None for option in checked):
            return None
        good = True
        options = []
        for option in checked:
            assert isinstance(option, Fixed)
            value = option.value
            match part.type:
                case CodeType() as kind if isinstance(value, str):
                    good &= self.is_code(part, kind, value, option.start)
                case NumberType(unit=unit) if isinstance(option.type, NumberType):
                    moved = self.converted(option, unit)
                    good &= moved is not None
                    value = moved.value if isinstance(moved, Fixed) else value
                case DateType() | TextType() as kind if type(option.type) is type(kind):
                    pass
                case _:
                    self.report(option.start, describe(option.type), describe(part.type))
                    good = False
            if value is not None and not isinstance(value, bool):
                options.append(value)
        if not good:
            return None
        return Member(part=part, options=tuple(options), negated=node.negated, start=node.start, end=node.end)

    def state(self, node: syntax.State) -> Node | None:
        part = self.check(node.part)
        if part is None:
            return None
        if node.word == "missing" and not isinstance(part, Item):
            self.report(
                part.start,
                Text("a computed value", "計算値"),
                Text("an item; for others `is unknown`", "項目(他は `is unknown`)"),
            )
            return None
        if node.word == "never" and not (
            isinstance(part, Item) and isinstance(part.type, DateType) and part.type.never is not None
        ):
            self.report(part.start, describe(part.type), Text("a date item that can be never", "「なし」と答えられる日付項目"))
            return None
        return Is(part=part, word=node.word, negated=node.negated, start=node.start, end=node.end)

    def calculation(self, node: syntax.Calculation) -> Node | None:
        left, right = self.check(node.left), self.check(node.right)
        if left is None or right is None:
            return None
        start, end = node.start, node.end
        match left.type, node.sign, right.type:
            case DateType(), "-", DateType():
                return Span(kind="days", earlier=right, later=left, type=NumberType("days"), start=start, end=end)
            case DateType(), "+" | "-", NumberType():
                return self.shifted(node, left, right, backwards=node.sign == "-")
            case NumberType(), "+", DateType():
                return self.shifted(node, right, left, backwards=False)
            case NumberType(), "+" | "-", NumberType():
                pair = self.same_unit(left, right)
                if pair is None:
                    return None
                kind = pair[0].type
                assert isinstance(kind, NumberType)
                return Arithmetic(sign=node.sign, left=pair[0], right=pair[1], type=kind, start=start, end=end)
            case NumberType(unit=one), "*", NumberType(unit=other) if one is None or other is None:
                return Arithmetic(sign="*", left=left, right=right, type=NumberType(one or other), start=start, end=end)
            case NumberType(unit=one), "/", NumberType(unit=None):
                return Arithmetic(sign="/", left=left, right=right, type=NumberType(one), start=start, end=end)
            case NumberType(unit=one), "/", NumberType(unit=other) if one is not None and conversion(one, other):
                pair = self.same_unit(left, right)
                assert pair is not None
                return Arithmetic(sign="/", left=pair[0], right=pair[1], type=NumberType(), start=start, end=end)
            case NumberType(), "*", NumberType():
                self.report(right.start, describe(right.type), Text("a plain number to multiply with", "掛ける単位のない数"))
            case NumberType(unit=one), "/", NumberType():
                wanted = describe(NumberType(one))
                self.report(
                    right.start, describe(right.type), Text(f"a plain number or {wanted.en}", f"単位のない数か{wanted.ja}")
                )
            case DateType(), _, _:
                self.report(right.start, describe(right.type), Text("a number of days, months or years", "日数・月数・年数"))
            case NumberType(), _, _:
                self.report(right.start, describe(right.type), Text("a number", "数"))
            case _:
                self.report(left.start, describe(left.type), Text("a number or a date", "数か日付"))
        return None

    def shifted(self, node: syntax.Calculation, day: Node, amount: Node, *, backwards: bool) -> Node | None:
        assert isinstance(amount.type, NumberType)
        dimension = dimension_of(amount.type.unit)
        if dimension not in ("days", "calendar months"):
            wanted = Text("a number of days, weeks, months or years", "日・週・月・年の数")
            self.report(amount.start, describe(amount.type), wanted)
            return None
        step: Literal["days", "months"] = "days" if dimension == "days" else "months"
        moved = self.converted(amount, step)
        if moved is None:
            return None
        if isinstance(moved, Fixed) and isinstance(moved.value, Fraction) and moved.value.denominator != 1:
            self.report(amount.start, describe(amount.type), Text(f"a whole number of {step}", f"整数の {step}"))
            return None
        return Shifted(day=day, amount=moved, step=step, backwards=backwards, start=node.start, end=node.end)

    def call(self, node: syntax.Call) -> Node | None:
        start, end = node.start, node.end
        if node.function == "completed_years":
            if len(node.arguments) != 2:
                self.report(
                    node.start,
                    Text(f"{len(node.arguments)} values", f"{len(node.arguments)} 個の値"),
                    Text("two dates: of birth, and the day of judgement", "二つの日付(生年月日と判定日)"),
                )
                return None
            earlier, later = (self.date(argument) for argument in node.arguments)
            if earlier is None or later is None:
                return None
            return Span(kind="completed_years", earlier=earlier, later=later, type=NumberType("years"), start=start, end=end)
        if node.function == "abs" and len(node.arguments) != 1:
            self.report(
                node.start,
                Text(f"{len(node.arguments)} values", f"{len(node.arguments)} 個の値"),
                Text("one number", "一つの数"),
            )
            return None
        found = [self.number(argument) for argument in node.arguments]
        parts = [one[0] for one in found if one is not None]
        if len(parts) < len(found):
            return None
        lead = next((part for part in parts if not isinstance(part, Fixed)), parts[0])
        assert isinstance(lead.type, NumberType)
        moved = [self.converted(part, lead.type.unit) for part in parts]
        numbers = tuple(part for part in moved if part is not None)
        if len(numbers) < len(moved):
            return None
        return Extreme(kind=node.function, parts=numbers, type=lead.type, start=start, end=end)

    def inside(self, of: tuple[Item, ListType], parts: tuple[syntax.Syntax | None, ...]) -> list[Node | None] | None:
        """Check conditions on an element of a list; None if one of them is at fault."""
        self.lists.append((of[0].name, of[1]))
        checked = [None if part is None else self.condition(part) for part in parts]
        self.lists.pop()
        failed = any(one is None and part is not None for one, part in zip(checked, parts, strict=True))
        return None if failed else checked

    def fold(self, node: syntax.Fold) -> Node | None:
        of = self.open_list(node.name)
        if of is None:
            return None
        checked = self.inside(of, (node.where,))
        path = ".".join(node.name.parts)
        if node.function == "count":
            if len(node.name.parts) > 1:
                self.report(node.name.start, path, Text("the list itself", "リストそのもの"), node.name.parts[0])
                return None
            if checked is None:
                return None
            return Count(list=of[0], where=checked[0], start=node.start, end=node.end)
        if len(node.name.parts) == 1:
            self.report(
                node.name.start, path, Text("a field, as in `lesions.max_diameter_mm`", "欄(例 `lesions.max_diameter_mm`)")
            )
            return None
        field = self.field(node.name, of[0].name, of[1])
        if field is None or checked is None:
            return None
        if not isinstance(field.type, NumberType):
            self.report(field.start, describe(field.type), Text("a field that is a number", "数の欄"))
            return None
        return Total(
            kind=node.function,
            list=of[0],
            field=field,
            where=checked[0],
            type=field.type,
            start=node.start,
            end=node.end,
        )

    def quantifier(self, node: syntax.Quantifier) -> Node | None:
        if len(node.name.parts) > 1:
            self.report(node.name.start, ".".join(node.name.parts), Text("the list itself", "リストそのもの"), node.name.parts[0])
            return None
        of = self.open_list(node.name)
        if of is None:
            return None
        # `any lesions where c` says the same as `any lesions: c`.
        where, body = (node.where, node.body) if node.body is not None else (None, node.where)
        checked = self.inside(of, (where, body))
        if checked is None or checked[1] is None:
            return None
        return Every(word=node.word, list=of[0], where=checked[0], body=checked[1], start=node.start, end=node.end)
