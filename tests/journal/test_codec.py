import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.journal.codec import ENTRY_TYPES, JournalError, canonical, decode, encode, encode_bytes, parse, upgrade
from oligami.journal.entries import Entry, FormSubmitted, ItemsCorrected, QueryClosed, Randomized, SecretCommitted, SiteOpened

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALAR = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(SCALAR, lambda x: st.lists(x, max_size=3) | st.dictionaries(TEXT, x, max_size=3), max_leaves=6)
STRATEGIES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**60), 2**60),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    date: st.dates(),
    Any: JSON,
}


def of_hint(hint: Any) -> st.SearchStrategy[Any]:
    """Return values of a type hint."""
    if hint in STRATEGIES:
        return STRATEGIES[hint]
    arguments = get_args(hint)
    if get_origin(hint) is Mapping:
        return st.dictionaries(TEXT, of_hint(arguments[1]), max_size=3)
    if get_origin(hint) is Sequence:
        return st.lists(of_hint(arguments[0]), max_size=3).map(tuple)
    return st.none() | of_hint(arguments[0])


def of_entry(entry: type[Any]) -> st.SearchStrategy[Entry]:
    """Return entries of a class, now with a field at its default and now not."""
    hints = get_type_hints(entry)
    required = {f.name: of_hint(hints[f.name]) for f in fields(entry)}
    optional = {f.name for f in fields(entry) if f.default is not MISSING or f.default_factory is not MISSING}
    return st.fixed_dictionaries(
        {name: value for name, value in required.items() if name not in optional},
        optional={name: required[name] for name in optional},
    ).map(lambda values: entry(**values))


FORM = FormSubmitted(subject="S-1", form="f", occurrence=1, values={"a": 1}, protocol_version="1.0")


@pytest.mark.parametrize("name", ENTRY_TYPES)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_what_is_written_is_read(name: str, data: st.DataObject) -> None:
    """Every entry of every type survives the way through bytes, and is spelled in one way only."""
    entry = data.draw(of_entry(ENTRY_TYPES[name]))
    raw = encode_bytes(entry)
    again = decode(parse(raw))
    assert again == entry
    assert encode_bytes(again) == raw == canonical(encode(entry))


@settings(max_examples=60, deadline=None)
@given(value=JSON)
def test_canonical_spelling(value: Any) -> None:
    """Canonical bytes read back to the same value, hold no space outside strings and have their keys sorted."""
    raw = canonical(value)
    assert parse(raw) == value
    assert raw == json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def test_keys_are_sorted_and_nothing_is_escaped_needlessly() -> None:
    """The spelling is the documented one."""
    assert canonical({"b": [1, 1.0, True, None], "a": '名\n"/'}) == '{"a":"名\\n\\"/","b":[1,1.0,true,null]}'.encode()


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, {"a": [-math.inf]}, {1: "a"}, "\ud800", {"a": {1, 2}}, date(2024, 1, 1), b"a"],
    ids=repr,
)
def test_canonical_refuses(value: Any) -> None:
    """What JSON cannot hold, or would bend without a word, is refused."""
    with pytest.raises(JournalError):
        canonical(value)


@pytest.mark.parametrize("raw", [b"NaN", b"[Infinity]", b"1 ", b" 1", b"1,2", b"", b"\xff", b'{"a":', b"[" * 100_000])
def test_parse_refuses(raw: bytes) -> None:
    """Bytes that are not exactly one JSON value are refused with our own error."""
    with pytest.raises(JournalError):
        parse(raw)


def test_empty_defaults_are_left_out() -> None:
    """Payloads are small: what is empty by default is not written; what says something is."""
    assert encode(FORM).keys() == {"type", "v", "subject", "form", "occurrence", "values", "protocol_version"}
    assert encode(SecretCommitted(commitment="c"))["from_k"] == 1
    assert encode(SiteOpened(site="s", name=""))["fictitious"] is False
    assert encode(SiteOpened(site="s", name=""))["name"] == ""  # required, so written
    corrected = ItemsCorrected(subject="S", form="f", occurrence=1, old={}, new={}, reason="r", factors={})
    assert encode(corrected)["factors"] == {}  # an empty object is not the same as none


def test_lists_and_views_are_taken() -> None:
    """Callers may hand in lists and read-only views; they read back as tuples and objects."""
    entry = FormSubmitted(
        subject="S", form="f", occurrence=1, values=MappingProxyType({"a": (1, 2)}), protocol_version="1", warnings=[{"c": 1}]
    )
    again = decode(encode(entry))
    assert isinstance(again, FormSubmitted)
    assert again.values == {"a": [1, 2]}
    assert again.warnings == ({"c": 1},)


PAYLOAD = encode(FORM)


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({"type": "Unheard", "v": 1}, "'Unheard' is not a type of entry"),
        ({"v": 1}, "None is not a type of entry"),
        ({"type": ["FormSubmitted"], "v": 1}, "is not a type of entry"),
        (PAYLOAD | {"v": 2}, "FormSubmitted has version 2; this program knows it up to 1"),
        (PAYLOAD | {"v": 0}, "FormSubmitted has no version"),
        (PAYLOAD | {"v": True}, "FormSubmitted has no version"),
        (PAYLOAD | {"v": "1"}, "FormSubmitted has no version"),
        (PAYLOAD | {"colour": 1}, "FormSubmitted has no field colour"),
        ({k: v for k, v in PAYLOAD.items() if k not in ("form", "values")}, "FormSubmitted lacks form, values"),
        (PAYLOAD | {"occurrence": True}, "FormSubmitted.occurrence is bool where a whole number belongs"),
        (PAYLOAD | {"occurrence": 1.0}, "FormSubmitted.occurrence is float"),
        (PAYLOAD | {"subject": None}, "FormSubmitted.subject is NoneType where text belongs"),
        (PAYLOAD | {"values": []}, "FormSubmitted.values is list where an object belongs"),
        (PAYLOAD | {"warnings": {}}, "FormSubmitted.warnings is dict where a list belongs"),
        (PAYLOAD | {"warnings": [{}, 1]}, "FormSubmitted.warnings.1 is int where an object belongs"),
        ({"type": "ConsentGiven", "v": 1, "subject": "S", "document": "1", "consent_date": "20240102"}, "consent_date"),
        ({"type": "ConsentGiven", "v": 1, "subject": "S", "document": "1", "consent_date": "2024-02-30"}, "consent_date"),
    ],
)
def test_decode_names_what_is_wrong(payload: dict[str, Any], says: str) -> None:
    """A payload that does not fit is refused by the name of what does not fit, in both languages."""
    with pytest.raises(JournalError) as caught:
        decode(payload)
    assert says in str(caught.value)
    assert caught.value.sentence("ja") != caught.value.sentence("en")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"subject": 5}, "FormSubmitted.subject"),
        ({"occurrence": "1"}, "FormSubmitted.occurrence"),
        ({"values": {"a": {"b": math.nan}}}, "FormSubmitted.values.a.b is NaN or infinity"),
        ({"values": {"a": [date(2024, 1, 1)]}}, "FormSubmitted.values.a.0 is date"),
        ({"values": {1: 2}}, "FormSubmitted.values is a key of type int"),
        ({"values": None}, "FormSubmitted.values"),
        ({"warnings": "ab"}, "FormSubmitted.warnings"),
    ],
)
def test_encode_writes_nothing_it_could_not_read(changes: dict[str, Any], says: str) -> None:
    """A value of the wrong kind is refused when written, with its path and without the value."""
    values = {f.name: getattr(FORM, f.name) for f in fields(FORM)}
    with pytest.raises(JournalError) as caught:
        encode(FormSubmitted(**(values | changes)))
    assert says in str(caught.value)


def test_a_datetime_is_no_date_and_a_stranger_no_entry() -> None:
    """A time of day is not dropped silently, and only entries are written."""
    with pytest.raises(JournalError, match="consent_date"):
        encode(
            ENTRY_TYPES["ConsentGiven"](
                subject="S", document="1", consent_date=datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)
            )
        )
    with pytest.raises(JournalError, match="str is not an entry"):
        encode("FormSubmitted")


def test_nested_numbers_are_checked() -> None:
    """Tallies hold whole numbers and nothing else."""
    entry = Randomized(
        subject="S", stage="second", arm="a", randomization_date=date(2024, 1, 1), factors={"site": "s"}, method="m",
        algorithm_version=1, tally={"site": {"a": 1}}, imbalance={"a": 1}, probability={"a": 0.8}, k=1, u=0, protocol_digest="d",
    )  # fmt: skip
    assert decode(encode(entry)) == entry
    with pytest.raises(JournalError, match=r"Randomized\.tally\.site\.a is float"):
        decode(encode(entry) | {"tally": {"site": {"a": 1.5}}})


def test_old_versions_are_upgraded_step_by_step() -> None:
    """An entry two versions old passes both upgrades in order; a missing step and a newer version are refused."""
    steps = {
        ("QueryClosed", 1): lambda f: {**f, "text": f["words"]},
        ("QueryClosed", 2): lambda f: {k: v for k, v in f.items() if k != "words"},
    }
    old = {"subject": "S", "query": "q", "words": "done"}
    fields_now = upgrade("QueryClosed", 1, old, to=3, upgrades=steps)
    assert QueryClosed(**fields_now) == QueryClosed(subject="S", query="q", text="done")
    assert old == {"subject": "S", "query": "q", "words": "done"}
    with pytest.raises(JournalError, match="version 3, which this program does not know"):
        upgrade("QueryClosed", 3, fields_now, to=4, upgrades=steps)
    with pytest.raises(JournalError, match="newer oligami"):
        upgrade("QueryClosed", 4, fields_now, to=3, upgrades=steps)
