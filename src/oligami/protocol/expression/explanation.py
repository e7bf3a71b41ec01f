"""What a judgement gives besides its value: the steps as a tree, and the words to tell them in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, cast

from oligami.protocol.expression.tree import Item, Node, walk
from oligami.protocol.expression.types import DateType
from oligami.protocol.text import Language, Text

MOST_REASONS: Final = 4
_TRUTH: Final[Mapping[bool | None, Text]] = {
    True: Text("true", "真"),
    False: Text("false", "偽"),
    None: Text("unknown", "不明"),
}


NO_VALUE: Final = Text("the value cannot be told", "値を定められない")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One part of a judgement with all beneath it."""

    source: str  # the part as it stands in the expression
    value: bool | float | date | str | None  # None is unknown
    used: Mapping[str, object]  # items read, as given: `er`, `lesions[L2].site`
    children: tuple["Explanation", ...]
    why: Text

    def lines(self, language: Language, indent: int = 0) -> list[str]:
        """Print the judgement as a tree, two spaces a level, starting at level `indent`."""
        known = self.value is None or isinstance(self.value, bool)
        mark = _TRUTH[cast(bool | None, self.value)][language] if known else show(self.value)
        first = f"{'  ' * indent}[{mark}] {self.source}: {self.why[language]}"
        return [first, *(line for child in self.children for line in child.lines(language, indent + 1))]

    def as_json(self) -> dict[str, object]:
        """Return the judgement as JSON-like data; dates are ISO texts."""
        return {
            "source": self.source,
            "value": plain(self.value),
            "used": {name: plain(value) for name, value in self.used.items()},
            "why": {"en": self.why.en, "ja": self.why.ja},
            "children": [child.as_json() for child in self.children],
        }


def join_reasons(reasons: Sequence[Text], otherwise: Text) -> Text:
    """Join reasons, the first few of them, each once."""
    distinct = list(dict.fromkeys(reasons))
    if not distinct:
        return otherwise
    shown, rest = distinct[:MOST_REASONS], len(distinct) - MOST_REASONS
    en, ja = "; ".join(reason.en for reason in shown), "、".join(reason.ja for reason in shown)
    return Text(f"{en}; and {rest} more", f"{ja}、ほか {rest} 件") if rest > 0 else Text(en, ja)


def show(value: object) -> str:
    """Print a value that is no number with a unit."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return f'"{value}"' if isinstance(value, str) else str(value)


def plain(value: object) -> object:
    """Return a value as JSON-like data."""
    return value.isoformat() if isinstance(value, date) else value


def word_of_never(node: Node) -> str | None:
    """Return the word by which a date in this part says that it never came."""
    dates = (one.type for one in walk(node) if isinstance(one, Item) and isinstance(one.type, DateType))
    return next((kind.never for kind in dates if kind.never is not None), None)
