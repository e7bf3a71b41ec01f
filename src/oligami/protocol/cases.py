"""Reads the worked cases of a protocol, cases/*.toml: its own tests. Judging them is the command's errand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import isclose
from pathlib import Path
from typing import Any, Final

from oligami.protocol.load import read_toml
from oligami.protocol.problems import Problem, find_near_miss, make_problem, show_value
from oligami.protocol.text import Text

#: Numbers of a case are written to two decimals, so a result may differ in the third.
TOLERANCE: Final = 0.011

_KEYS: Final = ("id", "title", "input", "expected")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedCase:
    """One worked case: what goes into a judgement and what must come out of it (more may come out).

    input and expected are plain JSON; dates of the TOML file are written as ISO 8601.
    """

    file: str
    id: str
    title: Text
    judge: str  # the verb of `oligami judge`
    input: Mapping[str, Any]
    expected: Mapping[str, Any]


def load_cases(folder: Path) -> tuple[tuple[WorkedCase, ...], tuple[Problem, ...]]:
    """Return the worked cases of a protocol folder, file by file, and what is wrong with the files."""
    cases: list[WorkedCase] = []
    problems: list[Problem] = []
    for path in sorted((folder / "cases").glob("*.toml"), key=lambda path: path.name):
        name = f"cases/{path.name}"
        raw, faults = read_toml(path, name)
        problems += faults
        if raw is not None:
            _read_cases(name, _plain(raw), cases, problems)
    return tuple(cases), tuple(problems)


def mismatches(expected: Any, found: Any, key: str = "") -> list[tuple[str, Any, Any]]:
    """Return where a result differs from what was expected, as (key, expected, found).

    Keys that were not expected do not count, numbers may differ by `TOLERANCE`, and a list of words may come in any
    order; a list of findings with a `rule` each stands for the list of its rules.
    """
    if isinstance(expected, Mapping):
        if not isinstance(found, Mapping):
            return [(key, expected, found)]
        wrong = []
        for name, value in expected.items():
            wrong += mismatches(value, found.get(name), f"{key}.{name}" if key else str(name))
        return wrong
    if isinstance(expected, list) and isinstance(found, list | tuple):
        rules = [one["rule"] if isinstance(one, Mapping) and "rule" in one else one for one in found]
        if all(isinstance(one, str) for one in (*expected, *rules)):
            return [] if sorted(expected) == sorted(rules) else [(key, expected, rules)]
        if len(expected) != len(found):
            return [(key, expected, list(found))]
        wrong = []
        for place, (one, other) in enumerate(zip(expected, found, strict=True), start=1):
            wrong += mismatches(one, other, f"{key}[{place}]")
        return wrong
    if _is_number(expected) and _is_number(found):
        return [] if isclose(expected, found, rel_tol=0, abs_tol=TOLERANCE) else [(key, expected, found)]
    # TOML has no null: the empty text stands for "no value" in `expected`.
    if expected == "" and found is None:
        return []
    return [] if type(expected) is type(found) and expected == found else [(key, expected, found)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    """Return TOML data as JSON data."""
    match value:
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case date():
            return value.isoformat()
        case _:
            return value


def _read_cases(file: str, raw: Mapping[str, Any], cases: list[WorkedCase], problems: list[Problem]) -> None:
    def add(key: str, found: Text, expected: Text, near: str | None = None) -> None:
        problems.append(make_problem(file, key, found=found, expected=expected, near_miss=near))

    for key in raw:
        if key not in ("judge", "case"):
            there = Text("judge and [[case]]", "judge と [[case]]")
            add(key, Text(f"the unknown key {key}", f"未知のキー {key}"), there, find_near_miss(key, ("judge", "case")))
    judge = raw.get("judge")
    if not isinstance(judge, str):
        verb = Text('the verb of the judgement, such as "eligibility-first"', '判定の種類(例 "eligibility-first")')
        add("judge", show_value(judge), verb)
        judge = None
    rows = raw.get("case")
    if not isinstance(rows, list) or not rows:
        add("case", show_value(rows), Text("one [[case]] or more", "1つ以上の [[case]]"))
        return
    seen: set[str] = set()
    for place, row in enumerate(rows, start=1):
        at = f"case[{place}]"
        if not isinstance(row, dict):
            add(at, show_value(row), Text("a table", "表"))
            continue
        name = row.get("id")
        at = f"case[{name}]" if isinstance(name, str) else at
        for key in row:
            if key not in _KEYS:
                choices = ", ".join(_KEYS)
                found = Text(f"the unknown key {key}", f"未知のキー {key}")
                add(f"{at}.{key}", found, Text(f"one of {choices}", f"{choices} のいずれか"), find_near_miss(key, _KEYS))
        title = row.get("title")
        good = True
        if not isinstance(name, str) or not name or name in seen:
            add(f"{at}.id", show_value(name), Text("a name of its own", "他と重ならない名前"))
            good = False
        else:
            seen.add(name)
        words = [title.get(language) for language in ("en", "ja")] if isinstance(title, dict) else []
        if len(words) != 2 or not all(isinstance(word, str) and word.strip() for word in words):
            add(f"{at}.title", show_value(title), Text('{en = "...", ja = "..."}', '{en = "...", ja = "..."}'))
            good = False
        for key in ("input", "expected"):
            if not isinstance(row.get(key), dict):
                add(f"{at}.{key}", show_value(row.get(key)), Text("a table", "表"))
                good = False
        if good and judge is not None:
            cases.append(
                WorkedCase(
                    file=file,
                    id=str(name),
                    title=Text(*(str(word) for word in words)),
                    judge=judge,
                    input=row["input"],
                    expected=row["expected"],
                )
            )
