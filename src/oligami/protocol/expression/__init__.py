"""The expression language for criteria and edit checks: typed, unit-aware, three-valued, with reasons.

The language is described in docs/reference/expression-language.md and frozen by docs/decisions/0002.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from oligami.protocol.expression.check import check
from oligami.protocol.expression.evaluate import Function, Value, compile_tree
from oligami.protocol.expression.explain import explain_tree
from oligami.protocol.expression.explanation import Explanation
from oligami.protocol.expression.lexer import tokenize
from oligami.protocol.expression.parser import parse
from oligami.protocol.expression.problems import ExpressionError, Problem, near_misses
from oligami.protocol.expression.syntax import render
from oligami.protocol.expression.tree import Item, Node, walk
from oligami.protocol.expression.types import (
    BooleanType,
    CodeType,
    DateType,
    DurationType,
    ItemType,
    ListType,
    NumberType,
    Scope,
    TextType,
)

__all__ = [
    "LANGUAGE_VERSION",
    "BooleanType",
    "CodeType",
    "DateType",
    "DurationType",
    "Explanation",
    "Expression",
    "ExpressionError",
    "ItemType",
    "ListType",
    "NumberType",
    "Problem",
    "Scope",
    "TextType",
    "Value",
    "compile_expression",
    "format_expression",
    "near_misses",
]

LANGUAGE_VERSION: Final = 1
"""Version of grammar and meaning; an expression means the same for ever under one version."""

_CONDITION: Final = BooleanType()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A compiled expression; equal when source, scope and expected type are.

    `value(values)` judges the items of one form: keys are item names, a missing key or None is unknown. It returns
    True, False or a number, date or code, and None for unknown. It raises TypeError naming an item of the wrong type.
    """

    source: str
    scope: Scope
    expect: ItemType | None
    type: ItemType = field(compare=False)
    names: frozenset[str] = field(compare=False)  # items used: `er`, `lesions`, `lesions.site`
    value: Function = field(compare=False, repr=False)
    tree: Node = field(compare=False, repr=False)

    def explain(self, values: Mapping[str, object]) -> Explanation:
        """Judge step by step: a tree with the value, the items used and the reason of every part."""
        return explain_tree(self.tree, self.source, values)

    def __reduce__(self) -> tuple[object, tuple[str, Scope, ItemType | None]]:
        """Travel between processes as source and scope; the compiled function is made anew."""
        return (_rebuild, (self.source, self.scope, self.expect))

    def __hash__(self) -> int:
        return hash(self.source)


def compile_expression(source: str, scope: Scope, *, expect: ItemType | None = _CONDITION) -> Expression:
    """Read, check and compile an expression.

    Args:
        source: the expression, at most 4 000 characters.
        scope: the items it may speak of.
        expect: the type its value must have; a number comes out in the expected unit. None accepts any single value.

    Raises:
        ExpressionError: the expression is refused; its `problems` say where and why. Hostile input is refused quickly.
    """
    tree = check(parse(tokenize(source, scope.units())), scope, expect)
    return Expression(
        source=source,
        scope=scope,
        expect=expect,
        type=tree.type,
        names=frozenset(node.path for node in walk(tree) if isinstance(node, Item)),
        value=compile_tree(tree),
        tree=tree,
    )


def format_expression(source: str, scope: Scope) -> str:
    """Return an expression in the canonical form of spaces, parentheses and signs; its meaning stays.

    Raises:
        ExpressionError: the source does not follow the grammar.
    """
    return render(parse(tokenize(source, scope.units())))


def _rebuild(source: str, scope: Scope, expect: ItemType | None) -> Expression:
    return compile_expression(source, scope, expect=expect)
