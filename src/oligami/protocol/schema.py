"""JSON Schema of the protocol files, so that an editor can complete and check them while they are written."""

from typing import Any, Final

from pydantic import TypeAdapter

from oligami.protocol.load import FILES
from oligami.protocol.model.forms import Form

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_names() -> tuple[str, ...]:
    """Return the files that have a schema, without `.toml`; `form` is that of every file under forms/, `case` under cases/."""
    return (*(kind.name.removesuffix(".toml") for kind in FILES), "form", "case")


def build_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of one file.

    Args:
        name: one of `schema_names()`.

    Raises:
        KeyError: there is no such file.
    """
    if name == "case":
        return {"$schema": DIALECT, **_CASES}
    models: dict[str, type[Any]] = {kind.name.removesuffix(".toml"): kind.model for kind in FILES} | {"form": Form}
    schema = TypeAdapter(models[name]).json_schema(mode="validation")
    # Key first, so that a reader of the written file sees at once what it is.
    return {"$schema": DIALECT, **schema, "title": f"{name}.toml" if name != "form" else "forms/*.toml"}


_TEXT: Final = {
    "type": "object",
    "properties": {"en": {"type": "string", "minLength": 1}, "ja": {"type": "string", "minLength": 1}},
    "required": ["en", "ja"],
    "additionalProperties": False,
}

_CASES: Final[dict[str, Any]] = {
    "title": "cases/*.toml",
    "description": "Worked cases: what goes into a judgement and what must come out of it.",
    "type": "object",
    "properties": {
        "judge": {"type": "string", "description": "The verb of `oligami judge`."},
        "case": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "minLength": 1},
                    "title": _TEXT,
                    "input": {"type": "object", "description": "A line of `oligami judge`."},
                    "expected": {"type": "object", "description": "Keys that must come out; others may."},
                },
                "required": ["id", "title", "input", "expected"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["judge", "case"],
    "additionalProperties": False,
}
