"""Reads tokens into the tree of an expression (grammar: docs/reference/expression-language.md)."""

from typing import Final, NoReturn, cast

from oligami.protocol.expression.lexer import Token
from oligami.protocol.expression.problems import ExpressionError, make_problem, near_misses
from oligami.protocol.expression.syntax import (
    ADD,
    AND,
    COMPARE,
    MULTIPLY,
    NOT,
    OR,
    SIGN,
    Among,
    Calculation,
    Call,
    Chain,
    CompareSign,
    Comparison,
    Constant,
    Fold,
    ListFunction,
    Minus,
    Name,
    Negation,
    Quantifier,
    ScalarFunction,
    State,
    StateWord,
    Syntax,
    children,
)
from oligami.protocol.expression.types import RESERVED
from oligami.protocol.text import Text

DEEPEST: Final = 40
"""Forms within forms: parentheses, `not`, signs, functions, quantifiers."""

TALLEST: Final = 120
"""Levels of the tree, so that no later walk over it can run out of stack (`a - b - c - …` is as tall as it is long)."""

_COMPARE_SIGNS: Final = frozenset({"=", "==", "!=", "<", "<=", ">", ">="})
_STATES: Final = ("missing", "known", "unknown", "never")
_WORD_VALUES: Final = {"true": True, "false": False, "unknown": None}
_LEVELS: Final = {
    "or": OR,
    "and": AND,
    "in": COMPARE,
    "not": COMPARE,
    "is": COMPARE,
    "+": ADD,
    "-": ADD,
    "*": MULTIPLY,
    "/": MULTIPLY,
    **dict.fromkeys(_COMPARE_SIGNS, COMPARE),
}


def parse(tokens: tuple[Token, ...]) -> Syntax:
    """Return the tree of an expression.

    Raises:
        ExpressionError: the tokens do not follow the grammar, or nest too deep.
    """
    parser = _Parser(tokens)
    tree = parser.expression(OR)
    if parser.here.kind != "end":
        parser.refuse(Text("`and`, `or`, a comparison or the end", "`and`・`or`・比較・終わり"), ("and", "or", "in", "is"))
    _check_depth(tree)
    return tree


def _check_depth(tree: Syntax) -> None:
    """Refuse trees that are deep without parentheses, such as a long chain of subtractions."""
    level: tuple[Syntax, ...] = (tree,)
    depth = 0
    while level:
        depth += 1
        if depth > TALLEST:
            _refuse_depth(level[0].start, TALLEST)
        level = tuple(child for node in level for child in children(node))


def _refuse_depth(position: int, most: int) -> NoReturn:
    found = Text(f"nesting deeper than {most}", f"{most} 段を超える入れ子")
    raise ExpressionError([make_problem(position, found, Text(f"at most {most} levels", f"{most} 段以内"))])


class _Parser:
    """A place in the tokens, moving forward; each method reads one form of the grammar."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens = tokens
        self.at = 0
        self.forms = 0
        self.levels = 0

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    @property
    def last_end(self) -> int:
        return self.tokens[self.at - 1].end

    def refuse(self, expected: Text, candidates: tuple[str, ...] = ()) -> NoReturn:
        token = self.here
        found = Text("the end", "終わり") if token.kind == "end" else Text(f"`{token.text}`", f"`{token.text}`")
        near = near_misses(token.text, candidates) if token.kind == "name" else None
        raise ExpressionError([make_problem(token.start, found, expected, near)])

    def take(self, text: str) -> bool:
        """Move over a sign or word if it stands here."""
        if self.here.text == text and self.here.kind in ("sign", "name"):
            self.at += 1
            return True
        return False

    def demand(self, text: str) -> None:
        if not self.take(text):
            self.refuse(Text(f"`{text}`", f"`{text}`"))

    def expression(self, level: int) -> Syntax:
        """Read an expression whose operators bind at least as tightly as `level`."""
        self.levels += 1
        if self.levels > TALLEST:
            _refuse_depth(self.here.start, TALLEST)
        left = self.prefix(level)
        while True:
            token = self.here
            own = _LEVELS.get(token.text, 0) if token.kind in ("sign", "name") else 0
            if own < level or own == 0:
                break
            left = self.infix(left, token.text, own)
            if own == COMPARE and level <= COMPARE and _LEVELS.get(self.here.text, 0) == COMPARE:
                self.refuse(Text("`and`, `or` or the end: comparisons do not chain", "`and`・`or`・終わり(比較は連ねられません)"))
        self.levels -= 1
        return left

    def within(self, level: int) -> Syntax:
        """Read an expression that stands inside another form."""
        self.forms += 1
        if self.forms > DEEPEST:
            _refuse_depth(self.here.start, DEEPEST)
        inner = self.expression(level)
        self.forms -= 1
        return inner

    def infix(self, left: Syntax, text: str, own: int) -> Syntax:
        self.at += 1
        if text in ("and", "or"):
            parts = [left, self.expression(own + 1)]
            while self.take(text):
                parts.append(self.expression(own + 1))
            return Chain(word="and" if text == "and" else "or", parts=tuple(parts), start=left.start, end=self.last_end)
        if text == "is":
            negated = self.take("not")
            if self.here.text not in _STATES or self.here.kind != "name":
                self.refuse(Text("missing, known, unknown or never", "missing・known・unknown・never"), _STATES)
            word = cast(StateWord, self.here.text)
            self.at += 1
            return State(part=left, word=word, negated=negated, start=left.start, end=self.last_end)
        if text in ("in", "not"):
            if text == "not":
                self.demand("in")
            options = self.options()
            return Among(part=left, options=options, negated=text == "not", start=left.start, end=self.last_end)
        right = self.expression(own + 1)
        if text in _COMPARE_SIGNS:
            sign = cast(CompareSign, "==" if text == "=" else text)
            return Comparison(sign=sign, left=left, right=right, start=left.start, end=self.last_end)
        match text:
            case "+" | "-" | "*" | "/":
                return Calculation(sign=text, left=left, right=right, start=left.start, end=self.last_end)
        raise AssertionError(text)

    def options(self) -> tuple[Syntax, ...]:
        self.demand("[")
        options = [self.constant()]
        while self.take(","):
            options.append(self.constant())
        self.demand("]")
        return tuple(options)

    def constant(self) -> Syntax:
        start = self.here.start
        if self.take("-"):
            if self.here.kind != "number":
                self.refuse(Text("a number", "数"))
            return Minus(part=self.constant(), start=start, end=self.last_end)
        if self.here.kind not in ("number", "date", "text"):
            self.refuse(Text("a constant: a quoted code, a number or a date", "定数(引用符付きコード・数・日付)"))
        return self.prefix(SIGN)

    def prefix(self, level: int) -> Syntax:
        token = self.here
        if token.kind in ("number", "date", "text"):
            self.at += 1
            return Constant(value=token.value, start=token.start, end=token.end)
        if self.take("("):
            inner = self.within(OR)
            self.demand(")")
            return inner
        if self.take("-"):
            return Minus(part=self.within(SIGN), start=token.start, end=self.last_end)
        if token.kind != "name":
            self.refuse(Text("an item, a constant or `(`", "項目・定数・`(`"))
        if token.text in _WORD_VALUES:
            self.at += 1
            return Constant(value=_WORD_VALUES[token.text], start=token.start, end=token.end)
        if token.text == "not":
            if level > NOT:
                self.refuse(Text("a value here; put `not …` in parentheses", "値(`not …` は括弧に入れてください)"))
            self.at += 1
            return Negation(part=self.within(NOT), start=token.start, end=self.last_end)
        if token.text in ("all", "any"):
            return self.quantifier(token)
        if token.text in ("count", "sum", "min", "max", "abs", "completed_years"):
            return self.call(token)
        return self.name()

    def name(self) -> Name:
        token = self.here
        if token.kind != "name" or token.text in RESERVED:
            self.refuse(Text("the name of an item", "項目名"))
        self.at += 1
        parts = [token.text]
        if self.take("."):
            if self.here.kind != "name":
                self.refuse(Text("the name of a field", "欄の名前"))
            parts.append(self.here.text)
            self.at += 1
        return Name(parts=tuple(parts), start=token.start, end=self.last_end)

    def where(self) -> Syntax | None:
        return self.within(OR) if self.take("where") else None

    def quantifier(self, token: Token) -> Quantifier:
        self.at += 1
        name = self.name()
        where = self.where()
        body = None
        if token.text == "any" and where is not None:
            body = self.within(OR) if self.take(":") else None
        else:
            self.demand(":")
            body = self.within(OR)
        return Quantifier(
            word="all" if token.text == "all" else "any",
            name=name,
            where=where,
            body=body,
            start=token.start,
            end=self.last_end,
        )

    def call(self, token: Token) -> Syntax:
        self.at += 1
        self.demand("(")
        first = self.name() if token.text in ("count", "sum") else self.within(OR)
        if token.text in ("count", "sum") or (token.text in ("min", "max") and isinstance(first, Name) and self.here.text != ","):
            assert isinstance(first, Name)
            where = self.where()
            self.demand(")")
            function = cast(ListFunction, token.text)
            return Fold(function=function, name=first, where=where, start=token.start, end=self.last_end)
        arguments = [first]
        while self.take(","):
            arguments.append(self.within(OR))
        self.demand(")")
        return Call(
            function=cast(ScalarFunction, token.text),
            arguments=tuple(arguments),
            start=token.start,
            end=self.last_end,
        )
