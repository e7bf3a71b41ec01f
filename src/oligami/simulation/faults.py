"""What is wrong with a scenario file, in words: key, found, expected and a near miss, one line a fault."""

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, Final, get_args, get_type_hints

from pydantic import ValidationError

from oligami.protocol.problems import find_near_miss, list_words, shorten, show_value

Path = tuple[str | int, ...]

_MISSING: Final = ("missing", "missing_argument")
_UNKNOWN: Final = ("unexpected_keyword_argument", "extra_forbidden")
_BOUNDS: Final = {
    "greater_than": ("gt", "a number above {}"),
    "greater_than_equal": ("ge", "{} or more"),
    "less_than": ("lt", "a number below {}"),
    "less_than_equal": ("le", "{} or less"),
    "string_too_short": ("min_length", "a text of {} letters or more"),
    "string_too_long": ("max_length", "a text of {} letters or fewer"),
    "literal_error": ("expected", "{}"),
    "enum": ("expected", "{}"),
}
_KINDS: Final = (
    ("string_pattern", "letters, digits, _ . or -, a letter or digit first"),
    ("string", "a text in quotes"),
    ("int", "a whole number"),
    ("finite", "a finite number"),
    ("float", "a number"),
    ("bool", "true or false"),
    ("date", "a date such as 2024-06-10"),
    ("tuple", "a list in square brackets, or [[tables]]"),
    ("dict", "a table"),
)


def fault_lines(file: str, model: type[Any], raw: Mapping[str, Any], error: ValidationError) -> list[str]:
    """Word every finding of a validation, each key once.

    Where a value may be of several kinds, pydantic complains of each kind; only what fits the value found is told.

    Args:
        file: name to begin each line with.
        model: the dataclass that was to be filled.
        raw: the content of the file.
        error: the findings.
    """
    details = [(detail, *_keys(raw, tuple(detail["loc"]))) for detail in error.errors(include_url=False)]
    told: dict[Path, tuple[str, list[str]]] = {}
    for detail, path, kind in details:
        value = _at(raw, path)
        others = [other for _, where, other in details if other is not None and where[: len(path)] == path]
        if kind is not None and isinstance(value, dict) != kind.startswith("dict") and any(o != kind for o in others):
            continue
        found, expected = _words(model, detail, path)
        before = told.setdefault(path, (found, []))[1]
        tabular = any(other.startswith("dict") for other in others)
        if tabular and kind is not None and not kind.startswith("dict") and detail["type"] not in _BOUNDS:
            expected += ", or a table of such"
        if expected not in before:
            before.append(expected)
    lines = []
    for path, (found, expected_words) in told.items():
        key = ".".join(map(str, path))
        said = f"found {found}, expected {' or '.join(expected_words)}" if found else " or ".join(expected_words)
        lines.append(": ".join(part for part in (file, key, said) if part))
    return lines


def _keys(raw: object, loc: Path) -> tuple[Path, str | None]:
    """Return the keys of a place as they stand in the file, and which kind of value pydantic tried there, if it names one."""
    here = raw
    path: list[str | int] = []
    kind = None
    for number, part in enumerate(loc):
        last = number == len(loc) - 1
        if _holds(here, part):
            here = _at(here, (part,))
            path.append(part)
        elif last and isinstance(here, dict | list) and not _is_kind(part):
            path.append(part)  # a key that is missing
        else:
            kind = str(part)
    return tuple(path), kind


def _holds(here: object, part: str | int) -> bool:
    return part in here if isinstance(here, dict) else isinstance(here, list) and isinstance(part, int) and part < len(here)


def _is_kind(part: str | int) -> bool:
    return isinstance(part, str) and (part.startswith(("constrained-", "dict[")) or part in ("float", "int", "str", "bool"))


def _at(raw: object, path: Path) -> object:
    here = raw
    for part in path:
        if isinstance(here, dict):
            here = here.get(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            return None
    return here


def _words(model: type[Any], detail: Any, path: Path) -> tuple[str, str]:
    """Return what was found, empty where the sentence says it already, and what was expected."""
    kind, last = str(detail["type"]), str(path[-1]) if path else ""
    context: Mapping[str, Any] = detail.get("ctx", {})
    found = show_value(detail["input"]).en
    if kind in _UNKNOWN:
        known = _names_at(model, path[:-1])
        near = find_near_miss(last, known)
        hint = f"; did you mean {near}?" if near else ""
        return f"the unknown key {shorten(last)}", (
            f"one of the keys {list_words(known, most=30).en}" if known else "no such key"
        ) + hint
    if kind in _MISSING:
        return "nothing", f"the key {last}" if not last.isdigit() else "another number in the list"
    if kind == "value_error":
        return "", str(context["error"])
    if kind.startswith("dataclass"):
        names = _names_at(model, path)
        return found, '{en = "...", ja = "..."}' if set(names) == {"en", "ja"} else "a table"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        limit = context[name]
        return found, words.format(f"{limit:g}" if isinstance(limit, float) else limit)
    return found, next((words for start, words in _KINDS if kind.startswith(start)), str(detail["msg"]))


def _names_at(model: type[Any], path: Sequence[str | int]) -> list[str]:
    """Return the keys that a table may have, by the model's annotations; none where they are free."""
    here: Any = model
    for part in path:
        if isinstance(part, str):
            here = _dataclass_of(get_type_hints(here).get(part)) if here is not None else None
    return list(get_type_hints(here)) if here is not None else []


def _dataclass_of(hint: Any) -> Any:
    """Return the one dataclass that a type holds, or None."""
    if is_dataclass(hint):
        return hint
    return next((found for each in get_args(hint) if (found := _dataclass_of(each)) is not None), None)
