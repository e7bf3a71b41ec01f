"""Entries as plain JSON and back, and the one canonical spelling of JSON that is hashed.

Every entry class gets its reader and writer once, at import, from its type hints; nothing here looks at dataclass fields per
record. Sealing, files and the chain are left to `seal`, `store` and `verify`.
"""

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from types import MappingProxyType, NoneType, UnionType
from typing import Any, NoReturn, get_args, get_origin, get_type_hints

from oligami.journal.entries import Entry
from oligami.protocol.text import Language, Text


class JournalError(ValueError):
    """A journal cannot be read or written as asked. The sentence is fit to show.

    Attributes:
        text: what was found and what was expected, in both languages; never an item's value.
        record: number of the record (its line in the file), where one is to blame.
        file: path of the journal, where there is one.
    """

    def __init__(self, text: Text, *, record: int | None = None, file: str | None = None) -> None:
        self.text = text
        self.record = record
        self.file = file
        super().__init__(self.sentence("en"))

    def sentence(self, language: Language) -> str:
        """Return the whole message with its place in front."""
        number = None if self.record is None else (f"記録 {self.record}" if language == "ja" else f"record {self.record}")
        place = ", ".join(part for part in (self.file, number) if part)
        return f"{place}: {self.text[language]}" if place else self.text[language]

    def at(self, *, record: int | None = None, file: str | None = None) -> "JournalError":
        """Return the same error with the places filled in that it did not know."""
        return JournalError(
            self.text,
            record=record if self.record is None else self.record,
            file=file if self.file is None else self.file,
        )


# ---------------------------------------------------------------- canonical JSON


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_encode_json = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), check_circular=False
).encode
_scan_json = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode

_NOT_JSON = Text("this is not canonical JSON", "正規形の JSON ではありません")


class _MisfitError(Exception):
    """A value is not of the kind its place asks for; says the path inside the field, never the value."""

    def __init__(self, expected: str, found: object, path: str = "") -> None:
        self.expected = expected
        self.found = found if isinstance(found, str) else type(found).__name__
        self.path = path
        super().__init__(expected)

    def inside(self, key: object) -> "_MisfitError":
        misfit = _MisfitError(self.expected, "", f".{key}{self.path}")
        misfit.found = self.found
        return misfit

    def text(self, name: str) -> Text:
        return Text("{name} is {found} where {expected} belongs", "{name} は {expected} であるべきですが {found} です").format(
            name=f"{name}{self.path}", found=self.found, expected=self.expected
        )


_SCALARS = frozenset((str, int, bool, NoneType))


def _plain(value: Any) -> Any:
    """Return `value` as dicts with string keys, lists and scalars; refuse whatever JSON would bend."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _MisfitError("a finite number", "NaN or infinity")
        return float(value)
    if isinstance(value, str):  # a StrEnum writes its value
        return str.__str__(value)
    if isinstance(value, Mapping):
        return _write_mapping(_plain, value)
    if isinstance(value, list | tuple):
        return _write_sequence(_plain, value)
    raise _MisfitError("plain JSON", value)


def _write_mapping(write: Callable[[Any], Any], value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _MisfitError("an object", value)
    plain = {}
    for key, item in value.items():
        if not isinstance(key, str):  # json would turn 1 into "1" without a word
            raise _MisfitError("a key of type str", f"a key of type {type(key).__name__}")
        try:
            plain[str.__str__(key)] = write(item)
        except _MisfitError as misfit:
            raise misfit.inside(key) from None
    return plain


def _write_sequence(write: Callable[[Any], Any], value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise _MisfitError("a list", value)
    plain = []
    for index, item in enumerate(value):
        try:
            plain.append(write(item))
        except _MisfitError as misfit:
            raise misfit.inside(index) from None
    return plain


def _spell(plain: Any) -> bytes:
    """Return canonical bytes of a value that is plain already."""
    try:
        return _encode_json(plain).encode()
    except (ValueError, TypeError, RecursionError) as error:  # half a surrogate pair has no UTF-8; too deep a nesting
        raise JournalError(Text("a value cannot be written as JSON", "JSON として書けない値があります")) from error


def canonical(value: Any) -> bytes:
    """Return the one canonical spelling of a JSON value: keys sorted by code point, no spaces, UTF-8, nothing escaped needlessly.

    Raises:
        JournalError: NaN, an infinity, a key that is not a string, half a surrogate pair, or a value JSON does not know.
    """
    try:
        return _spell(_plain(value))
    except _MisfitError as misfit:
        raise JournalError(misfit.text("value")) from None


def parse(raw: bytes) -> Any:
    """Return the JSON value that `raw` spells, nothing before it and nothing after.

    Raises:
        JournalError: not UTF-8, not JSON, NaN or infinity, or something beside the value.
    """
    try:
        text = raw.decode()
        value, end = _scan_json(text)
    except (ValueError, RecursionError) as error:
        raise JournalError(_NOT_JSON) from error
    if end != len(text):
        raise JournalError(_NOT_JSON)
    return value


# ---------------------------------------------------------------- readers and writers from type hints


def _read_exactly(kinds: tuple[type, ...], expected: str, value: Any) -> Any:
    if type(value) not in kinds:  # exact: true is not the number 1
        raise _MisfitError(expected, value)
    return value


def _read_date(value: Any) -> date:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise _MisfitError("a date like 2024-01-31", value) from None
    if day.isoformat() != value:  # Python also reads 20240131 and 2024-W05-3
        raise _MisfitError("a date like 2024-01-31", value)
    return day


def _write_date(value: Any) -> str:
    if type(value) is not date:  # a datetime is a date to isinstance, and would lose its time
        raise _MisfitError("a date", value)
    return value.isoformat()


def _read_mapping(read: Callable[[Any], Any], value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise _MisfitError("an object", value)
    return value if read is _as_it_is else _write_mapping(read, value)


def _read_sequence(read: Callable[[Any], Any], value: Any) -> tuple[Any, ...]:
    if type(value) is not list:
        raise _MisfitError("a list", value)
    return tuple(_write_sequence(read, value))


def _or_none(convert: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else convert(value)


def _as_it_is(value: Any) -> Any:
    return value


def _write_scalar(read: Callable[[Any], Any], value: Any) -> Any:
    return read(_plain(value))


@dataclasses.dataclass(frozen=True, slots=True)
class _Way:
    """How values of one type hint are read from JSON and written to it."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]


def _scalar(expected: str, *kinds: type) -> _Way:
    read = partial(_read_exactly, kinds, expected)
    return _Way(read, partial(_write_scalar, read))


_WAYS: dict[Any, _Way] = {
    str: _scalar("text", str),
    int: _scalar("a whole number", int),
    float: _scalar("a number", float, int),
    bool: _scalar("true or false", bool),
    date: _Way(_read_date, _write_date),
    Any: _Way(_as_it_is, _plain),
}


def _way(hint: Any) -> _Way:
    """Return how to read and write a type hint; the hints of `entries` are all that must be known."""
    if hint in _WAYS:
        return _WAYS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType and len(arguments) == 2 and arguments[1] is NoneType:
        way = _way(arguments[0])
        return _Way(partial(_or_none, way.read), partial(_or_none, way.write))
    if origin is Mapping and arguments[0] is str:
        way = _way(arguments[1])
        return _Way(partial(_read_mapping, way.read), partial(_write_mapping, way.write))
    if origin is Sequence:
        way = _way(arguments[0])
        return _Way(partial(_read_sequence, way.read), partial(_write_sequence, way.write))
    raise TypeError(f"no way to write {hint} as JSON")


_ALWAYS = object()  # equal to no value: the field is always written


def _empty(field: "dataclasses.Field[Any]") -> object:
    """Return the written form of an empty default, or a mark that equals nothing.

    Only emptiness is left out. A default that says something (1, false) is written, for it might be another one some day.
    """
    if field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    elif field.default is not dataclasses.MISSING:
        value = field.default
    else:
        return _ALWAYS
    if value is None or value == "":
        return value
    if value == () or value == {}:
        return _plain(value)
    return _ALWAYS


@dataclasses.dataclass(frozen=True, slots=True)
class _Plan:
    """All that reading and writing one entry class needs."""

    name: str
    entry: type[Any]
    version: int
    writes: tuple[tuple[str, Callable[[Any], Any], object], ...]
    reads: Mapping[str, Callable[[Any], Any]]
    kinds: Mapping[str, type[Any]]  # fields that are simply of one type: no call needed when it is the right one
    required: frozenset[str]


def _plan(entry: type[Any]) -> _Plan:
    hints = get_type_hints(entry)
    fields = dataclasses.fields(entry)
    ways = {field.name: _way(hints[field.name]) for field in fields}
    return _Plan(
        name=entry.__name__,
        entry=entry,
        version=entry.VERSION,
        writes=tuple((field.name, ways[field.name].write, _empty(field)) for field in fields),
        reads={name: way.read for name, way in ways.items()},
        kinds={field.name: hints[field.name] for field in fields if hints[field.name] in (str, int, bool)},
        required=frozenset(
            field.name
            for field in fields
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        ),
    )


#: Every entry class by the name it has in a journal.
ENTRY_TYPES: Mapping[str, type[Any]] = MappingProxyType({entry.__name__: entry for entry in get_args(Entry)})

_PLANS = {name: _plan(entry) for name, entry in ENTRY_TYPES.items()}

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

#: (type, version) -> the fields of that version as fields of the next one. Pure, and never changed once released.
UPGRADES: Mapping[tuple[str, int], Upgrade] = MappingProxyType({})


# ---------------------------------------------------------------- entries


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def encode(entry: Entry) -> dict[str, Any]:
    """Return an entry as plain JSON: `type`, `v` and its fields, without those that are empty by default.

    Raises:
        JournalError: not an entry, or a field whose value could not be read back as it is.
    """
    plan = _PLANS.get(type(entry).__name__)
    if plan is None or type(entry) is not plan.entry:
        text = Text("{name} is not an entry", "{name} はエントリではありません")
        raise JournalError(text.format(name=type(entry).__name__))
    payload: dict[str, Any] = {"type": plan.name, "v": plan.version}
    for name, write, empty in plan.writes:
        try:
            written = write(getattr(entry, name))
        except _MisfitError as misfit:
            raise JournalError(misfit.text(f"{plan.name}.{name}")) from None
        if written != empty:
            payload[name] = written
    return payload


def encode_bytes(entry: Entry) -> bytes:
    """Return the canonical bytes of an entry."""
    return _spell(encode(entry))


def upgrade(
    name: str, version: int, fields: dict[str, Any], *, to: int, upgrades: Mapping[tuple[str, int], Upgrade] = UPGRADES
) -> dict[str, Any]:
    """Return the fields of an older entry as its newer version has them, one version at a time.

    Raises:
        JournalError: the version is newer than `to`, or a step is missing.
    """
    if version > to:
        text = Text(
            "{name} has version {version}; this program knows it up to {to}. A newer oligami wrote it: use that one.",
            "{name} は版 {version} ですが、このプログラムは版 {to} までしか扱えません。より新しい oligami を使ってください。",
        )
        raise JournalError(text.format(name=name, version=version, to=to))
    for step in range(version, to):
        if (name, step) not in upgrades:
            text = Text(
                "{name} has version {version}, which this program does not know",
                "{name} の版 {version} は不明な版です",
            )
            raise JournalError(text.format(name=name, version=version))
        fields = upgrades[name, step](fields)
    return fields


def decode(payload: Mapping[str, Any]) -> Entry:
    """Return the entry that a plain JSON object spells. Lists of a field become tuples; inside `values` they stay lists.

    Raises:
        JournalError: unknown type, newer or unknown version, unknown or missing field, or a value of the wrong kind.
    """
    name, version = payload.get("type"), payload.get("v")
    plan = _PLANS.get(name) if isinstance(name, str) else None
    if plan is None:
        raise JournalError(Text("{name} is not a type of entry", "{name} というエントリ型はありません").format(name=repr(name)))
    if version != plan.version or type(version) is not int:
        if type(version) is not int or version < 1:
            text = Text("{name} has no version (`v`)", "{name} に版 (`v`) がありません")
            raise JournalError(text.format(name=name))
        payload = upgrade(plan.name, version, {k: v for k, v in payload.items() if k not in ("type", "v")}, to=plan.version)
    values = {}
    reads, kinds = plan.reads, plan.kinds
    key = ""
    try:
        for key, value in payload.items():
            if type(value) is kinds.get(key):
                values[key] = value
            elif key in reads:
                values[key] = reads[key](value)
            elif key not in ("type", "v"):
                text = Text("{name} has no field {key}", "{name} に {key} という項目はありません")
                raise JournalError(text.format(name=name, key=key))
    except _MisfitError as misfit:
        raise JournalError(misfit.text(f"{name}.{key}")) from None
    if not plan.required <= values.keys():
        text = Text("{name} lacks {keys}", "{name} に {keys} がありません")
        raise JournalError(text.format(name=name, keys=_names(plan.required - values.keys())))
    entry: Entry = plan.entry(**values)
    return entry
