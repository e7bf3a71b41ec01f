"""Finds a protocol folder and reads it into the model, gathering everything that is wrong with it.

What the files say together (references, expressions) is looked after by `check`; here every file is read by itself.
"""

import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

import oligami
from oligami.protocol.digest import with_digest
from oligami.protocol.model.allocation import Allocation
from oligami.protocol.model.analysis import AnalysisFile, SafetyFile
from oligami.protocol.model.design import DesignFile
from oligami.protocol.model.eligibility import EligibilityFile
from oligami.protocol.model.forms import CodelistFile, Form
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.quality_of_life import QualityOfLifeFile
from oligami.protocol.model.radiotherapy import ConstraintsFile, RadiotherapyFile
from oligami.protocol.model.record import TrialFile
from oligami.protocol.model.response import ResponseFile
from oligami.protocol.model.schedule import ScheduleFile
from oligami.protocol.model.therapy import TherapyFile
from oligami.protocol.problems import Problem, ProtocolErrors, find_near_miss, list_words, make_problem, shorten, show_value
from oligami.protocol.text import Text

__all__ = [
    "FILES",
    "FileKind",
    "Problem",
    "ProtocolErrors",
    "default_roots",
    "find_protocol",
    "list_protocols",
    "load_file",
    "load_protocol",
    "read_folder",
    "read_parts",
    "read_toml",
]

MOST_BYTES: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """A file of the folder: its name, its model, and the field of `Protocol` that holds it."""

    name: str
    model: type[Any]
    field: str
    required: bool


#: The files of a protocol folder in the order in which they are read and reported.
FILES: Final[tuple[FileKind, ...]] = tuple(
    FileKind(name=f"{name}.toml", model=model, field=field, required=required)
    for name, model, field, required in (
        ("trial", TrialFile, "trial", True),
        ("eligibility", EligibilityFile, "eligibility", True),
        ("allocation", Allocation, "allocation", True),
        ("therapy", TherapyFile, "therapy", False),
        ("radiotherapy", RadiotherapyFile, "radiotherapy", False),
        ("radiotherapy_constraints", ConstraintsFile, "constraints", False),
        ("response", ResponseFile, "response", False),
        ("quality_of_life", QualityOfLifeFile, "quality_of_life", False),
        ("schedule", ScheduleFile, "schedule", True),
        ("design", DesignFile, "design", True),
        ("analysis", AnalysisFile, "analysis", True),
        ("safety", SafetyFile, "safety", True),
        ("codelists", CodelistFile, "codelists", False),
    )
)

_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")


# ---------------------------------------------------------------- finding


def default_roots() -> tuple[Path, ...]:
    """Return where protocol folders lie: inside the installed package, or beside `src` in a checkout."""
    package = Path(oligami.__file__).resolve().parent
    return tuple(root for root in (package / "protocols", package.parents[1] / "protocols") if root.is_dir())


def list_protocols(roots: Sequence[Path] | None = None) -> dict[str, tuple[Path, ...]]:
    """Return every trial with its version folders, oldest first. `roots` come before the default places."""
    found: dict[str, tuple[Path, ...]] = {}
    for root in (*(roots or ()), *default_roots()):
        if root.is_dir():
            for trial in sorted(root.iterdir()):
                versions = _versions(trial) if trial.is_dir() else ()
                if versions and trial.name not in found:
                    found[trial.name] = versions
    return found


def find_protocol(name_or_path: str, *, version: str | None = None, roots: Sequence[Path] | None = None) -> Path:
    """Return the folder of a protocol version.

    Args:
        name_or_path: the trial's short name, or the path of a version's folder or of the trial's folder.
        version: "1.0" and the like; None takes the newest.
        roots: further folders that hold trials, looked into before the default places.

    Raises:
        ProtocolErrors: there is no such trial or version; the sentence says what there is.
    """
    trials = list_protocols(roots)
    if _NAME.match(name_or_path) and name_or_path in trials:
        return _choose(name_or_path, trials[name_or_path], version)
    path = Path(name_or_path)
    try:
        if (path / "trial.toml").is_file() and version in (None, path.resolve().name):
            return path
        versions = _versions(path) if path.is_dir() else ()
        if path.is_dir() and not versions and version is None:
            return path  # `load_protocol` says what is missing in it
    except (OSError, ValueError):
        versions = ()
    if versions:
        return _choose(name_or_path, versions, version)
    there = list_words(trials) if trials else Text("nothing is installed", "登録なし")
    raise ProtocolErrors(
        [
            make_problem(
                shorten(name_or_path),
                "",
                found=Text(f'no protocol "{shorten(name_or_path)}"', f"「{shorten(name_or_path)}」という実施計画書は存在しない"),
                expected=Text(
                    f"the name of a trial ({there.en}) or the path of a protocol folder",
                    f"試験名({there.ja})または実施計画書フォルダのパス",
                ),
                near_miss=find_near_miss(name_or_path, trials),
            )
        ]
    )


def _versions(trial: Path) -> tuple[Path, ...]:
    versions = [each for each in trial.iterdir() if _VERSION.match(each.name) and (each / "trial.toml").is_file()]
    return tuple(sorted(versions, key=lambda each: [int(part) for part in each.name.split(".")]))


def _choose(name: str, versions: tuple[Path, ...], version: str | None) -> Path:
    if version is None:
        return versions[-1]
    for each in versions:
        if each.name == version:
            return each
    names = [each.name for each in versions]
    there = list_words(names)
    problem = make_problem(
        shorten(name),
        "",
        found=Text(f'no version "{shorten(version)}"', f"版「{shorten(version)}」は存在しない"),
        expected=Text(f"one of {there.en}", f"{there.ja} のいずれか"),
        near_miss=find_near_miss(version, names),
    )
    raise ProtocolErrors([problem])


# ---------------------------------------------------------------- reading


def load_protocol(folder: Path) -> Protocol:
    """Read a protocol folder and return the protocol with its digest.

    Raises:
        ProtocolErrors: anything is wrong with any file; all of it is listed.
    """
    protocol, problems = read_folder(folder)
    if problems or protocol is None:
        raise ProtocolErrors(problems)
    return protocol


def read_folder(folder: Path) -> tuple[Protocol | None, tuple[Problem, ...]]:
    """Read a protocol folder; return the protocol (None if a file could not be read) and all problems."""
    protocol, _, problems = read_parts(folder)
    return (None if problems else protocol), problems


def load_file(path: Path, kind: FileKind) -> Any:
    """Read one file of a protocol by itself, wherever it lies and whatever its name; return its model.

    Raises:
        ProtocolErrors: it cannot be read or does not fit; all faults at once. What other files say is not looked at.
    """
    part, problems = _read_file(path, path.name, kind.model)
    if problems or part is None:
        raise ProtocolErrors(problems)
    return part


def read_parts(folder: Path) -> tuple[Protocol | None, frozenset[str], tuple[Problem, ...]]:
    """Read what can be read of a protocol folder, so that one bad file does not hide what is wrong with the others.

    Returns:
        The protocol (None if this is no protocol folder), with an empty part for each file that could not be read; the names
        of those files; all problems. Only a protocol without problems has a digest and may be used.
    """
    if not folder.is_dir():
        found = Text("no such folder", "フォルダが存在しない")
        problem = make_problem(str(folder), "", found=found, expected=Text("a protocol folder", "実施計画書フォルダ"))
        return None, frozenset(), (problem,)
    if not any((folder / name).exists() for name in (*(kind.name for kind in FILES), "forms")):
        found = Text("no protocol in this folder", "このフォルダに実施計画書はない")
        expected = Text("a folder with trial.toml, eligibility.toml and so on", "trial.toml、eligibility.toml 等のあるフォルダ")
        return None, frozenset(), (make_problem(str(folder), "", found=found, expected=expected),)
    unread: set[str] = set()
    version = folder.resolve().name
    problems: list[Problem] = []
    if not _VERSION.match(version):
        expected = Text("the version as the folder's name, such as 1.0", "フォルダ名は版番号(例 1.0)")
        problems.append(make_problem(".", "", found=f'"{shorten(version)}"', expected=expected))
    parts: dict[str, Any] = {"version": version}
    for kind in FILES:
        path = folder / kind.name
        if path.exists():
            part, faults = _read_file(path, kind.name, kind.model)
            problems += faults
            if isinstance(part, CodelistFile):
                parts[kind.field] = part.codelist
            elif part is not None:
                parts[kind.field] = part
            else:
                unread.add(kind.name)
        elif kind.required:
            unread.add(kind.name)
            found = Text("no such file", "ファイルがない")
            problems.append(make_problem(kind.name, "", found=found, expected=Text("the file", "このファイル")))
    forms, unread_forms, faults = _read_forms(folder)
    problems += faults
    strays = list(_find_strays(folder))
    # A file under a slightly wrong name is not there under its own: nothing more can be said of what it would give.
    meant = [stray.near_miss for stray in strays if stray.near_miss is not None]
    unread |= {*unread_forms, *(name for name in meant if not (folder / name).exists())}
    problems += strays
    parts["forms"] = forms
    if not problems:
        return with_digest(Protocol(**parts)), frozenset(), ()
    for kind in FILES:
        if kind.required and kind.field not in parts:
            parts[kind.field] = _make_empty(kind.model)
    return Protocol(**parts), frozenset(unread), tuple(problems)


def _make_empty(model: type[Any]) -> Any:
    """Return a part that says nothing, to stand for a file that could not be read: no rows, no words, zeros."""
    empty = object.__new__(model)
    for name, hint in get_type_hints(model).items():
        origin = get_origin(hint)
        value: object
        if origin is tuple:
            value = ()
        elif is_dataclass(hint) and isinstance(hint, type):
            value = _make_empty(hint)
        elif origin is Literal:
            value = get_args(hint)[0]
        elif origin is None and isinstance(hint, type):
            value = next(iter(hint)) if issubclass(hint, Enum) else _ZEROS.get(hint)
        else:
            value = None  # optional
        object.__setattr__(empty, name, value)
    return empty


_ZEROS: Final[Mapping[type[Any], object]] = {str: "", int: 0, float: 0.0, bool: False}


def _read_forms(folder: Path) -> tuple[tuple[Form, ...], list[str], list[Problem]]:
    """Return the forms, the files of those that could not be read, and the problems."""
    problems: list[Problem] = []
    unread: list[str] = []
    forms: list[Form] = []
    paths = sorted((folder / "forms").glob("*.toml"), key=lambda path: path.name)
    if not paths:
        found = Text("no form", "調査票がない")
        problems.append(make_problem("forms", "", found=found, expected=Text("a file for each form", "調査票ごとのファイル")))
    for path in paths:
        name = f"forms/{path.name}"
        form, faults = _read_file(path, name, Form)
        problems += faults
        if not isinstance(form, Form):
            unread.append(name)
        else:
            forms.append(form)
            # Problems and readers find a form by its id, so the file must bear it.
            if form.id != path.stem:
                expected = Text(f'"{path.stem}", as the file is called', f"ファイル名と同じ「{path.stem}」")
                problems.append(make_problem(name, "id", found=f'"{form.id}"', expected=expected))
    return tuple(forms), unread, problems


def _find_strays(folder: Path) -> Iterator[Problem]:
    """Yield a problem for each TOML file that nobody reads: most likely its name is misspelt."""
    known = {kind.name for kind in FILES}
    for path in sorted(folder.rglob("*.toml")):
        name = path.relative_to(folder).as_posix()
        if name in known or (path.parent.parent == folder and path.parent.name in ("forms", "cases")):
            continue
        yield make_problem(
            name,
            "",
            found=Text("a file that is not part of a protocol", "実施計画書の構成にないファイル"),
            expected=list_words([*sorted(known), "forms/*.toml", "cases/*.toml"], most=20),
            near_miss=_meant_file(path, known),
        )


def _meant_file(path: Path, known: Collection[str]) -> str | None:
    """Return the file that a stray one was meant to be: by its name without the ending, or by the folder it lies in."""
    stems = [name.removesuffix(".toml") for name in known]
    stem = find_near_miss(path.stem, stems)
    if stem is not None:
        return f"{stem}.toml"
    home = find_near_miss(path.parent.name, ("forms", "cases"))
    return f"{home}/{path.name}" if home is not None else None


def read_toml(path: Path, name: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Read one TOML file; return its content (None if it is not readable TOML) and the problems."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            found = Text(f"a file of {size} bytes", f"{size} バイトのファイル")
            expected = Text(f"at most {MOST_BYTES} bytes", f"{MOST_BYTES} バイト以内")
            return None, [make_problem(name, "", found=found, expected=expected)]
        # An editor on Windows may put a byte order mark in front; it says nothing.
        words = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = Text(f"a byte that is not UTF-8 at place {error.start + 1}", f"{error.start + 1} バイト目が UTF-8 でない")
        return None, [make_problem(name, "", found=found, expected=Text("UTF-8 text", "UTF-8 のテキスト"))]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        found = Text(f"a file that cannot be read ({reason})", f"読めないファイル({reason})")
        return None, [make_problem(name, "", found=found, expected=Text("a readable file", "読めるファイル"))]
    try:
        return tomllib.loads(words), []
    except RecursionError:
        found = Text("tables or lists nested too deeply", "深すぎる入れ子")
        return None, [make_problem(name, "", found=found, expected=Text("plain TOML", "通常の TOML"))]
    except ValueError as error:
        # TOMLDecodeError, or a plain ValueError for a number of thousands of digits.
        said = shorten(str(error).split(" (at ")[0])
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        key = f"line {place[1]}, column {place[2]}" if place else "end of file"
        expected = Text("valid TOML", "正しい TOML")
        return None, [make_problem(name, key, found=Text(f"a syntax error ({said})", f"構文エラー({said})"), expected=expected)]


def _read_file(path: Path, name: str, model: type[Any]) -> tuple[Any | None, list[Problem]]:
    raw, problems = read_toml(path, name)
    if raw is None:
        return None, problems
    problems += _find_empty_texts(name, raw, raw, ())
    try:
        # As JSON and strict: lists become tuples and dates are understood, but a text is never taken for a number.
        value = _adapter(model).validate_json(json.dumps(raw, default=str), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)
        unknown = _unknown_keys(details)
        problems += [_explain(name, model, raw, detail, unknown) for detail in details]
        return None, problems
    except (ValueError, RecursionError):
        found = Text("a value that is too large or nested too deeply", "大きすぎる値または深すぎる入れ子")
        return None, [*problems, make_problem(name, "", found=found, expected=Text("plain values", "通常の値"))]
    return (None if problems else value), problems


def _adapter(model: type[Any]) -> TypeAdapter[Any]:
    if model.__name__ not in _ADAPTERS:
        _ADAPTERS[model.__name__] = TypeAdapter(model)
    return _ADAPTERS[model.__name__]


# Built when first needed: building all of them takes longer than reading a small protocol.
_ADAPTERS: Final[dict[str, TypeAdapter[Any]]] = {}


def _find_empty_texts(name: str, root: object, value: object, at: tuple[str | int, ...]) -> Iterator[Problem]:
    """Yield a problem for each text that says nothing in one of its languages."""
    if isinstance(value, dict):
        is_text = bool(value) and value.keys() <= {"en", "ja"}
        for key, each in value.items():
            if is_text and isinstance(each, str) and not each.strip():
                expected = Text("a text", "文章")
                yield make_problem(name, _key(root, (*at, key)), found=Text("an empty text", "空の文章"), expected=expected)
            yield from _find_empty_texts(name, root, each, (*at, key))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _find_empty_texts(name, root, each, (*at, place))


# ---------------------------------------------------------------- wording


def _key(root: object, path: Sequence[str | int]) -> str:
    """Name a place as `stage[first].criterion[1R-I5].met`: rows by their id where they have one, else counted from 1."""
    words = ""
    here = root
    for part in path:
        if isinstance(part, int):
            here = here[part] if isinstance(here, list) and part < len(here) else None
            own = _own_name(here)
            words += f"[{shorten(own)}]" if own else f"[{part + 1}]"
        else:
            here = here.get(part) if isinstance(here, dict) else None
            words += f".{shorten(part)}" if words else shorten(part)
    return words


def _own_name(row: object) -> str | None:
    """Return what a row of an array is called, or None."""
    if not isinstance(row, dict):
        return None
    return next((row[key] for key in ("id", "code", "value") if isinstance(row.get(key), str)), None)


def _explain(
    name: str,
    model: type[Any],
    raw: Mapping[str, Any],
    detail: Any,
    unknown: Mapping[tuple[str | int, ...], list[str]],
) -> Problem:
    """Word one finding of the validation."""
    path: tuple[str | int, ...] = tuple(detail["loc"])
    kind: str = detail["type"]
    last = str(path[-1]) if path else ""
    near: str | None = None
    found = show_value(detail["input"])
    if kind in _UNKNOWN_KEY:
        allowed = _field_names(model, path[:-1])
        choices = list_words(allowed, most=30)
        found = Text(f"the unknown key {shorten(last)}", f"未知のキー {shorten(last)}")
        expected = Text(f"one of the keys {choices.en}", f"キー {choices.ja} のいずれか")
        near = find_near_miss(last, allowed)
    elif kind == "missing":
        found = Text("nothing", "記載なし")
        expected = Text(f"the key {last}", f"キー {last}")
        if _model_at(model, path[:-1]) is Text:
            expected = _MISSING_LANGUAGES.get(last, expected)
        meant = find_near_miss(last, unknown.get(path[:-1], ()))
        near = f"{last} for {meant}" if meant else None
    elif kind in ("enum", "literal_error"):
        listing = str(detail["ctx"]["expected"])
        codes = re.findall(r"'([^']*)'", listing)
        choices = list_words(codes or [listing], most=20)
        expected = Text(f"one of {choices.en}", f"{choices.ja} のいずれか")
        near = find_near_miss(detail["input"], codes) if isinstance(detail["input"], str) else None
    elif kind == "string_pattern_mismatch":
        expected = _PATTERNS.get(
            detail["ctx"]["pattern"], Text(f"a text that fits {detail['ctx']['pattern']}", "形式に合う文字列")
        )
    elif kind == "dataclass_type" and detail["ctx"]["class_name"] == "Text":
        expected = Text('a text in both languages: {en = "...", ja = "..."}', '両言語の文章 {en = "...", ja = "..."}')
    else:
        words = next((words for start, words in _EXPECTED if kind.startswith(start)), None)
        expected = words or Text(detail["msg"], f"別の値({detail['msg']})")
    return make_problem(name, _key(raw, path), found=found, expected=expected, near_miss=near)


_UNKNOWN_KEY: Final = ("unexpected_keyword_argument", "extra_forbidden")

_PATTERNS: Final[Mapping[str, Text]] = {
    r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$": Text(
        "letters, digits, _ . or -, a letter or digit first", "英数字と _ . - のみ(先頭は英数字)"
    ),
    "^(control|experimental)$": Text("control or experimental", "control または experimental"),
}

_MISSING_LANGUAGES: Final[Mapping[str, Text]] = {
    "en": Text("the English wording (en)", "英語の文(en)"),
    "ja": Text("the Japanese wording (ja)", "日本語の文(ja)"),
}

_EXPECTED: Final[tuple[tuple[str, Text], ...]] = (
    ("string_too_long", Text("a shorter text", "より短い文字列")),
    ("string", Text("a text in quotes", "引用符で囲んだ文字列")),
    ("int", Text("a whole number", "整数")),
    ("finite_number", Text("a finite number", "有限の数")),
    ("float", Text("a number", "数")),
    ("bool", Text("true or false", "true または false")),
    ("date", Text("a date such as 2024-06-10", "日付(例 2024-06-10)")),
    ("tuple", Text("a list in square brackets, or [[tables]]", "角括弧のリストまたは [[表]]")),
    ("dataclass", Text("a table", "表")),
)


def _unknown_keys(details: Sequence[Any]) -> dict[tuple[str | int, ...], list[str]]:
    """Return the unknown keys by the table they stand in: a missing key may be one of them, misspelt."""
    unknown: dict[tuple[str | int, ...], list[str]] = {}
    for detail in details:
        if detail["type"] in _UNKNOWN_KEY:
            path = tuple(detail["loc"])
            unknown.setdefault(path[:-1], []).append(str(path[-1]))
    return unknown


def _model_at(model: type[Any], path: Sequence[str | int]) -> type[Any] | None:
    """Return the dataclass that stands at a place of a file, by the model's own annotations."""
    here: Any = model
    for part in path:
        if isinstance(part, str):
            if not is_dataclass(here) or not isinstance(here, type):
                return None
            here = _hints(here).get(part)
        # Optional types and tuples hold one dataclass at most.
        while here is not None and not is_dataclass(here) and get_args(here):
            here = next((each for each in get_args(here) if is_dataclass(each) or get_args(each)), None)
    return here if isinstance(here, type) and is_dataclass(here) else None


@cache
def _hints(model: type[object]) -> dict[str, Any]:
    return get_type_hints(model)


def _field_names(model: type[Any], path: Sequence[str | int]) -> list[str]:
    here = _model_at(model, path)
    return [each.name for each in fields(here)] if here is not None else []
