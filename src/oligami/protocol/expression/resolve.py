"""Settles what the names, types and units in an expression stand for, and keeps the problems found."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final, NoReturn

from oligami.protocol.expression import syntax
from oligami.protocol.expression.problems import MOST_PROBLEMS, ExpressionError, Problem, make_problem, near_misses
from oligami.protocol.expression.tree import Compare, Fixed, Is, Item, Node, Scaled, walk
from oligami.protocol.expression.types import (
    BooleanType,
    CodeType,
    DateType,
    ItemType,
    ListType,
    NumberType,
    Scope,
    conversion,
    describe,
    dimension_of,
    normalize,
)
from oligami.protocol.text import Text

_MOST_NEAR_MISSES: Final = 8  # searching near misses is the dear part of refusing a hostile expression


class Resolver:
    """The problems found so far, and the lists whose elements are at hand.

    A method that returns None has reported why; whoever receives None stays silent about it.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.problems: list[Problem] = []
        self.lists: list[tuple[str, ListType]] = []
        self.searched: dict[str, str | None] = {}

    def stop(self) -> NoReturn:
        """Refuse the expression with every problem found, in the order of the source."""
        raise ExpressionError(sorted(self.problems, key=lambda problem: problem.position))

    def report(self, place: int, found: Text | str, expected: Text, near: str | None = None) -> None:
        """Keep a problem; at the twentieth, stop."""
        self.problems.append(make_problem(place, found, expected, near))
        if len(self.problems) >= MOST_PROBLEMS:
            self.stop()

    def near(self, word: str, candidates: Iterable[str]) -> str | None:
        """Return the near miss of a word, for the first few words that ask."""
        if word not in self.searched and len(self.searched) < _MOST_NEAR_MISSES:
            self.searched[word] = near_misses(word, candidates)
        return self.searched.get(word)

    def expected(self, node: Node, expect: ItemType | None) -> Node | None:
        """Hold a node against the type its place asks for."""
        kind = node.type
        wanted = None if expect is None else normalize(expect)
        if isinstance(kind, ListType):
            self.report(
                node.start,
                describe(kind),
                Text("a single value; use count, all, any, sum, min or max", "単一の値(count・all・any・sum・min・max を使う)"),
            )
            return None
        if wanted is None:
            return node
        if isinstance(wanted, NumberType) and isinstance(kind, NumberType):
            return self.converted(node, wanted.unit)
        if type(kind) is type(wanted):
            return node
        hint = describe(wanted)
        if isinstance(wanted, BooleanType) and isinstance(node, Item) and isinstance(kind, CodeType):
            example = f'{node.path} == "{(kind.definite or kind.codes)[0]}"'
            hint = Text(f"{hint.en}, such as `{example}`", f"{hint.ja}(例 `{example}`)")
        self.report(node.start, describe(kind), hint)
        return None

    def name(self, node: syntax.Name) -> Item | None:
        """Find the item or field that a name stands for."""
        name = node.parts[-1]
        if len(node.parts) == 1:
            homes = [(owner, of.fields[name]) for owner, of in self.lists if name in of.fields]
            if len(homes) + (name in self.scope.items) > 1:
                exact = " / ".join(f"{owner}.{name}" for owner, _ in homes)
                self.report(
                    node.start,
                    Text(f"{name}, which is an item and a field", f"項目でも欄でもある {name}"),
                    Text(f"one meaning: rename, or write {exact} for the field", f"一つの意味(改名するか、欄は {exact} と書く)"),
                )
                return None
            if homes:
                owner, kind = homes[0]
                return Item(name=name, owner=owner, type=normalize(kind), start=node.start, end=node.end)
            if name in self.scope.items:
                kind = normalize(self.scope.items[name])
                return Item(name=name, owner=None, type=kind, start=node.start, end=node.end)
            candidates = [*self.scope.items, *(field for _, of in self.lists for field in of.fields)]
            self.report(node.start, name, Text("an item of this form", "この様式の項目"), self.near(name, candidates))
            return None
        for owner, of in self.lists:
            if owner == node.parts[0]:
                return self.field(node, owner, of)
        path = ".".join(node.parts)
        if path in self.scope.items:  # an item of another form, known by its whole name
            kind = normalize(self.scope.items[path])
            return Item(name=path, owner=None, type=kind, start=node.start, end=node.end)
        if isinstance(self.scope.items.get(node.parts[0]), ListType):
            self.report(
                node.start,
                path,
                Text("all, any, count, sum, min or max over the list", "リスト全体への all・any・count・sum・min・max"),
            )
        else:
            self.unknown_list(node)
        return None

    def field(self, node: syntax.Name, owner: str, of: ListType) -> Item | None:
        """Find a field of a list by its full name."""
        name = node.parts[-1]
        if name not in of.fields:
            near = self.near(name, of.fields)
            self.report(node.start, ".".join(node.parts), Text(f"a field of {owner}", f"{owner} の欄"), near)
            return None
        return Item(name=name, owner=owner, type=normalize(of.fields[name]), start=node.start, end=node.end)

    def unknown_list(self, node: syntax.Name) -> None:
        """Report a name that is no list."""
        lists = [name for name, kind in self.scope.items.items() if isinstance(kind, ListType)]
        others = [name for name in self.scope.items if "." in name]
        if len(node.parts) > 1 and others:
            path = ".".join(node.parts)
            expected = Text("a list of this form, or an item of another form", "この様式のリスト、または他の様式の項目")
            self.report(node.start, path, expected, self.near(path, [*others, *lists]))
            return
        near = self.near(node.parts[0], lists)
        self.report(node.start, node.parts[0], Text("a list of this form", "この様式のリスト"), near)

    def open_list(self, node: syntax.Name) -> tuple[Item, ListType] | None:
        """Find a list whose elements are to be looked at one by one."""
        name = node.parts[0]
        kind = self.scope.items.get(name)
        if not isinstance(kind, ListType):
            self.unknown_list(node)
            return None
        if any(name == owner for owner, _ in self.lists):
            self.report(node.start, name, Text("another list than the one at hand", "処理中のリストとは別のリスト"))
            return None
        return Item(name=name, owner=None, type=kind, start=node.start, end=node.end), kind

    def converted(self, node: Node, unit: str | None) -> Node | None:
        """Return a number in another unit, exactly; a constant is converted here and now."""
        assert isinstance(node.type, NumberType)
        own = node.type.unit
        if own == unit:
            return node
        factor = conversion(own, unit)
        if factor is None:
            wanted = describe(NumberType(unit))
            if {dimension_of(own), dimension_of(unit)} == {"days", "calendar months"}:
                wanted = Text(
                    f"{wanted.en} (a month has no fixed number of days: compare dates, as in `day > other + 6 months`)",
                    f"{wanted.ja}(月の日数は一定でないため、`day > other + 6 months` のように日付で比べる)",
                )
            self.report(node.start, describe(node.type), wanted)
            return None
        kind = NumberType(unit)
        if isinstance(node, Fixed) and isinstance(node.value, Fraction):
            return Fixed(value=node.value * factor, type=kind, start=node.start, end=node.end)
        if factor == 1:
            return node  # `day` and `days`, `cc` and `mL` name one unit
        return Scaled(part=node, factor=factor, type=kind, start=node.start, end=node.end)

    def same_unit(self, left: Node, right: Node) -> tuple[Node, Node] | None:
        """Return two numbers in one unit. A constant follows the item, so that the item's value is never touched."""
        assert isinstance(left.type, NumberType)
        assert isinstance(right.type, NumberType)
        if isinstance(left, Fixed) and not isinstance(right, Fixed):
            moved = self.converted(left, right.type.unit)
            return None if moved is None else (moved, right)
        moved = self.converted(right, left.type.unit)
        return None if moved is None else (left, moved)

    def is_code(self, node: Node, kind: CodeType, word: str, place: int) -> bool:
        """Tell whether a word is an answer of a code item; report it if it is not."""
        name = node.path if isinstance(node, Item) else "value"
        if word in kind.unknown:
            advice = f"{name} is unknown"
            self.report(
                place, f'"{word}"', Text(f"`{advice}`, since this word means not known", f"`{advice}`(この語は不明を表す)")
            )
            return False
        if word not in kind.codes:
            shown = ", ".join(kind.definite[:12])
            self.report(
                place,
                f'"{word}"',
                Text(f"a code of {name}: {shown}", f"{name} のコード: {shown}"),
                self.near(word, kind.definite),
            )
            return False
        return True

    def guard_never(self, place: int, part: Node) -> None:
        """Refuse the negation of a comparison with a date that may be never, unless `is never` is asked too.

        Such a comparison is false, so its negation would be true: "not within 28 days of delivery" would hold, but so
        would "not more than 6 months after the infarction", for somebody who had neither.
        """
        compared = {
            item.path: item
            for node in walk(part)
            if isinstance(node, Compare) and isinstance(node.left.type, DateType)
            for item in walk(node)
            if isinstance(item, Item) and isinstance(item.type, DateType) and item.type.never is not None
        }
        asked = {
            node.part.path for node in walk(part) if isinstance(node, Is) and node.word == "never" and isinstance(node.part, Item)
        }
        for path in sorted(compared.keys() - asked):
            advice = f"{path} is never"
            self.report(
                place,
                Text(f"the negation of a comparison with {path}", f"{path} との比較の否定"),
                Text(f"`{advice}` asked within it: say what holds then", f"その中での `{advice}` の確認(その場合の扱いを明示)"),
            )
