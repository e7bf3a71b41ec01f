"""Reads the input of the clinical judgements from plain JSON and says what is wrong with it, everything at once.

Items of a form are examined as the form would; the inputs that belong to no single form (a course of disease, two scores)
are read here. A value that cannot be is refused, never judged.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from oligami.protocol.compile import CompiledForm
from oligami.protocol.problems import find_near_miss, list_words, shorten, show_value
from oligami.protocol.text import Reason, Text
from oligami.trial.forms import Examined, examine

_AGAIN: Final = Text("Correct this item and send the line again.", "この項目を訂正し、この行を再送してください。")
_LONGEST_MM: Final = 1000  # no lesion is longer than a metre; a larger figure is a slip of the unit


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeProblem:
    """What is wrong with an item of the input, in a sentence that stands alone, and what to do."""

    item: str
    text: Text
    remedy: Text


class JudgeError(ValueError):
    """An input cannot be judged. Every problem is listed; the first one stands for the line."""

    def __init__(self, problems: Sequence[JudgeProblem]) -> None:
        """Hold the problems; there is at least one."""
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.text.en for problem in self.problems))

    def as_json(self) -> dict[str, Any]:
        """Return the error as an answer prints it: item, text and remedy of the first problem, and all of them."""
        told = [{"item": problem.item, "text": plain(problem.text), "remedy": plain(problem.remedy)} for problem in self.problems]
        return {**told[0], "problems": told}


def plain(text: Text) -> dict[str, str]:
    """Return a text as plain JSON."""
    return {"en": text.en, "ja": text.ja}


def plain_reasons(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    """Return reasons as plain JSON."""
    return [{"rule": reason.rule, "text": plain(reason.text)} for reason in reasons]


def examine_whole(form: CompiledForm, data: object) -> Examined:
    """Examine a form's items as entered; what is missing is unknown, not an error.

    Raises:
        JudgeError: a value cannot be.
    """
    examined = examine(form, data, strict_required=False)
    if examined.errors:
        given = data if isinstance(data, Mapping) else {}
        # What the sender wrote comes before what only follows from it (an age, from a date of birth).
        errors = sorted(examined.errors, key=lambda each: each.item.split("[")[0] not in given)
        raise JudgeError([JudgeProblem(item=each.item, text=each.text, remedy=_AGAIN) for each in errors])
    return examined


class InputReader:
    """The problems found so far in one input."""

    def __init__(self) -> None:
        """Start without problems."""
        self.problems: list[JudgeProblem] = []

    def finish(self) -> None:
        """Raise what was found, if anything was.

        Raises:
            JudgeError: there are problems.
        """
        if self.problems:
            raise JudgeError(self.problems)

    def refuse(self, item: str, found: Text, expected: Text, remedy: Text = _AGAIN) -> None:
        """Note a problem."""
        text = Text(
            f"{item}: found {found.en}, expected {expected.en}.", f"{item}:入力は {found.ja}、必要なのは {expected.ja} です。"
        )
        self.problems.append(JudgeProblem(item=item, text=text, remedy=remedy))

    def form_items(self, forms: Sequence[CompiledForm], data: Mapping[str, Any]) -> dict[str, Any]:
        """Read items that belong to several forms, each by itself, so that it does not matter which form would ask it."""
        values: dict[str, Any] = {}
        for name, value in data.items():
            home = next((form for form in forms if any(item.id == name for item in form.form.item)), None)
            if home is None:
                self.keys("", {name: value}, [item.id for form in forms for item in form.form.item])
                continue
            examined = examine(home, {name: value}, strict_required=False)
            self.problems += [JudgeProblem(item=each.item, text=each.text, remedy=_AGAIN) for each in examined.errors]
            values[name] = examined.values.get(name)
        return values

    def keys(self, path: str, data: Mapping[str, Any], names: Iterable[str]) -> None:
        """Refuse keys that mean nothing here."""
        known = list(names)
        for key in data:
            if key not in known:
                near = find_near_miss(str(key), known)
                there = list_words(known, most=20)
                remedy = Text(f"Did you mean {near}?", f"{near} ではありませんか。") if near else _AGAIN
                found = Text("an unknown item", "存在しない項目")
                self.refuse(f"{path}{shorten(str(key))}", found, Text(f"one of {there.en}", f"{there.ja} のいずれか"), remedy)

    def number(self, item: str, value: object, *, above: float | None = None, least: float = -math.inf, most: float) -> float:
        """Read a number within limits; 0 stands for one that was refused."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if isinstance(value, int | float) and is_number and least <= value <= most and (above is None or value > above):
            return value
        low = Text(f"above {above:g}, ", f"{above:g} 超、") if above is not None else Text("", "")
        if least > -math.inf:
            low = Text(f"{least:g} or more, ", f"{least:g} 以上、")
        self.refuse(item, _found(value), Text(f"a number {low.en}at most {most:g}", f"{low.ja}{most:g} 以下の数"))
        return 0

    def whole(self, item: str, value: object, *, least: int, most: int) -> int:
        """Read a whole number within limits; `least` stands for one that was refused."""
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most and value == int(value):
            return int(value)
        self.refuse(item, _found(value), Text(f"a whole number, {least} to {most}", f"{least}〜{most} の整数"))
        return least

    def word(self, item: str, value: object, words: Sequence[str]) -> str | None:
        """Read one of some words."""
        if isinstance(value, str) and value in words:
            return value
        near = find_near_miss(value, words) if isinstance(value, str) else None
        remedy = Text(f"Did you mean {near}?", f"{near} ではありませんか。") if near else _AGAIN
        there = list_words(words, most=20)
        self.refuse(item, _found(value), Text(f"one of {there.en}", f"{there.ja} のいずれか"), remedy)
        return None

    def flag(self, item: str, value: object, *, otherwise: bool) -> bool:
        """Read true or false; missing gives `otherwise`."""
        if isinstance(value, bool):
            return value
        if value is not None:
            self.refuse(item, _found(value), Text("true or false", "true または false"))
        return otherwise

    def day(self, item: str, value: object, *, required: bool = False) -> date | None:
        """Read a date such as 2024-06-10; missing gives None."""
        if value is None and not required:
            return None
        # fromisoformat also reads 20240610 and week dates; two readings of one entry are one too many.
        if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        expected = Text("a day of the calendar such as 2024-06-10", "暦にある日付(例 2024-06-10)")
        self.refuse(item, _found(value), expected)
        return None

    def table(self, item: str, value: object) -> Mapping[str, Any]:
        """Read an object; missing gives an empty one."""
        if isinstance(value, Mapping):
            return value
        if value is not None:
            self.refuse(item, _found(value), Text("an object of items", "項目の一覧(オブジェクト)"))
        return {}

    def rows(self, item: str, value: object, *, required: bool = False) -> Sequence[Any]:
        """Read a list; missing gives an empty one."""
        if isinstance(value, list | tuple):
            return value
        if value is not None or required:
            self.refuse(item, _found(value), Text("a list", "リスト"))
        return ()

    def size(self, item: str, value: object, *, baseline: bool = False) -> float:
        """Read a size in mm; a lesion measured at baseline is larger than 0."""
        if baseline:
            return self.number(item, value, above=0, most=_LONGEST_MM)
        return self.number(item, value, least=0, most=_LONGEST_MM)


def _found(value: object) -> Text:
    return Text("nothing", "未入力") if value is None else show_value(value)
