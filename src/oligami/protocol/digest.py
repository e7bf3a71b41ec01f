"""The digest of a protocol: SHA-256 over the canonical JSON of everything it says.

Comments, white space and the order of keys in the files do not touch it; any value does. The order of rows in an array does,
because rules are read in order. The version counts as a value.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from oligami.protocol.model.protocol import Protocol
from oligami.protocol.problems import ProtocolErrors, make_problem, shorten
from oligami.protocol.text import Text

# Whole numbers up to here have one 64-bit float each, so 60 and 60.0 may be written alike.
_EXACT = 2**53


@cache
def _adapter() -> TypeAdapter[Protocol]:
    return TypeAdapter(Protocol)


def canonical_json(value: object) -> str:
    """Write plain JSON data in the one way that the digest is taken over.

    Keys are sorted, no spaces, no escapes beyond JSON's own, dates as ISO 8601; a whole number is written without a
    decimal point even where the model holds it as a float, any other float in its shortest form that reads back the same.
    """
    return json.dumps(_settle(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _settle(value: object) -> object:
    match value:
        case float() if value.is_integer() and abs(value) <= _EXACT:
            return int(value)  # also turns -0.0 into 0
        case Mapping():
            return {key: _settle(each) for key, each in value.items()}
        case list() | tuple():
            return [_settle(each) for each in value]
        case _:
            return value


def digest_of(mapping: Mapping[str, Any]) -> str:
    """Return the SHA-256 (64 hex digits) over a protocol as plain JSON data, leaving out its own `digest`.

    What says nothing (null, an empty list or text) does not count: when the model gains an optional key, the protocols that do
    not use it keep their digest.
    """
    said = {key: value for key, value in mapping.items() if key != "digest"}
    return hashlib.sha256(canonical_json(_without_nothing(said)).encode("utf-8")).hexdigest()


def _without_nothing(value: object) -> object:
    """Leave out the keys whose value is null, an empty list or an empty text; a list keeps its places."""
    match value:
        case Mapping():
            kept = {key: _without_nothing(each) for key, each in value.items()}
            return {key: each for key, each in kept.items() if each is not None and each != [] and each != ""}
        case list() | tuple():
            return [_without_nothing(each) for each in value]
        case _:
            return value


def with_digest(protocol: Protocol) -> Protocol:
    """Return the protocol carrying its digest."""
    return replace(protocol, digest=digest_of(_dump(protocol)))


def protocol_to_json(protocol: Protocol) -> dict[str, Any]:
    """Return the protocol as plain JSON data with its digest: what the activation puts into the journal."""
    said = _dump(protocol)
    said["digest"] = digest_of(said)
    return said


def protocol_from_json(mapping: Mapping[str, Any]) -> Protocol:
    """Rebuild a protocol from plain JSON data, holding it against its digest.

    The digest is taken over the data as they stand, not over the rebuilt object: a model that has gained an optional
    field still reads the protocol of an older journal.

    Raises:
        ProtocolErrors: the digest does not fit, or the data are no protocol of this model.
    """
    said = str(mapping.get("digest", ""))
    computed = digest_of(mapping)
    if said != computed:
        problem = make_problem(
            "protocol",
            "digest",
            found=f'"{shorten(said)}"',
            expected=Text(
                f"{computed}, the digest of these data; they were changed or damaged",
                f"{computed}(このデータのダイジェスト。データが変更または破損しています)",
            ),
        )
        raise ProtocolErrors([problem])
    try:
        # Strict, and as JSON, so that a text never becomes a number while lists and dates are still understood.
        return _adapter().validate_json(json.dumps(_settle(mapping)), strict=True)
    except ValidationError as error:
        raise ProtocolErrors(
            [
                make_problem(
                    "protocol",
                    ".".join(str(part) for part in detail["loc"]),
                    found=shorten(repr(detail["input"])),
                    expected=detail["msg"],
                )
                for detail in error.errors(include_url=False)
            ]
        ) from None


def _dump(protocol: Protocol) -> dict[str, Any]:
    said: dict[str, Any] = _adapter().dump_python(protocol, mode="json")
    return said
