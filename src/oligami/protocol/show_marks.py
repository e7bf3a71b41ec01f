"""Where the rules of a protocol come from: each mark with the thing it stands on, and the mark in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Final

from oligami.protocol.model.common import Origin, OriginKind
from oligami.protocol.model.forms import CodelistFile
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.radiotherapy import Constraint
from oligami.protocol.text import Language, Text

MARKS: Final[Mapping[OriginKind, Text]] = {
    OriginKind.RECORD: Text("record", "登録記録"),
    OriginKind.SOURCE: Text("source", "出典"),
    OriginKind.DEFAULT: Text("default, not from the protocol", "既定値(実施計画書によらない)"),
}

#: What a mark other than `origin` marks: `window_origin` the window, and so on.
ASPECTS: Final[Mapping[str, Text]] = {
    "window": Text("window", "許容期間"),
    "technique": Text("technique", "照射技術"),
    "definition": Text("definition", "定義"),
    "setting": Text("settings", "設定部分"),
    "preset": Text("assumption", "仮定"),
    "text": Text("text", "本文"),
    "dose": Text("dose", "用量"),
    "limit": Text("limit", "上限"),
}

#: The word of the constraint table for a limit that was computed and is found in no publication.
DERIVED: Final = "DERIVED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A mark: the file and key it stands under, the thing that carries it and the aspect of it that is meant ("": all)."""

    file: str
    key: str
    thing: object
    aspect: str
    origin: Origin


def walk_marks(protocol: Protocol) -> Iterator[Marked]:
    """Yield every mark of a protocol, file by file; the limits of organs by their provenance."""
    for file, part in _files(protocol):
        for key, thing, aspect, origin in _walk(part, ""):
            yield Marked(file=file, key=key, thing=thing, aspect=aspect, origin=origin)


def describe_origin(origin: Origin | None, language: Language, *, aspect: str = "") -> str:
    """Return a mark in brackets, with what it marks and its citation."""
    if origin is None:
        return ""
    what = f"{ASPECTS.get(aspect, Text(aspect, aspect))[language]}: " if aspect else ""
    cite = f": {origin.cite}" if origin.cite else ""
    return f"[{what}{MARKS[origin.kind][language]}{cite}]"


def describe_marks(thing: object, language: Language) -> str:
    """Return all marks a thing itself carries, its own first, then those of single aspects of it."""
    own = sorted(((aspect, origin) for _, _, aspect, origin in _own_marks(thing, "")), key=lambda pair: pair[0] != "")
    return " ".join(describe_origin(origin, language, aspect=aspect) for aspect, origin in own)


def limit_origin(constraint: Constraint) -> Origin:
    """Return where a limit comes from: computed ones are ours, all others stand in the publication they cite."""
    kind = OriginKind.DEFAULT if constraint.provenance == DERIVED else OriginKind.SOURCE
    return Origin(kind=kind, cite=f"{constraint.provenance}; {constraint.cite}")


def _files(protocol: Protocol) -> Iterator[tuple[str, object]]:
    """Yield each file's name with what it holds."""
    for name in ("trial", "eligibility", "allocation", "therapy", "radiotherapy"):
        yield f"{name}.toml", getattr(protocol, name)
    yield "radiotherapy_constraints.toml", protocol.constraints
    for name in ("response", "quality_of_life", "schedule", "design", "analysis", "safety"):
        yield f"{name}.toml", getattr(protocol, name)
    yield "codelists.toml", CodelistFile(codelist=protocol.codelists)
    for form in protocol.forms:
        yield f"forms/{form.id}.toml", form


def _walk(value: object, key: str) -> Iterator[tuple[str, object, str, Origin]]:
    if isinstance(value, tuple):
        for place, each in enumerate(value, start=1):
            own = getattr(each, "id", None) or getattr(each, "code", None)
            yield from _walk(each, f"{key}[{own if isinstance(own, str) else place}]")
    elif is_dataclass(value):
        yield from _own_marks(value, key)
        for each in fields(value):
            inner = getattr(value, each.name)
            if not isinstance(inner, Origin):
                yield from _walk(inner, f"{key}.{each.name}" if key else each.name)


def _own_marks(thing: object, key: str) -> Iterator[tuple[str, object, str, Origin]]:
    if isinstance(thing, Constraint):
        yield key, thing, "", limit_origin(thing)
    if not is_dataclass(thing):
        return
    for each in fields(thing):
        origin = getattr(thing, each.name)
        if isinstance(origin, Origin):
            # `window_origin` marks the window, plain `origin` the whole.
            aspect = each.name.removesuffix("origin").rstrip("_")
            yield ".".join(part for part in (key, aspect) if part) or "(file)", thing, aspect, origin
