"""The printed protocol and the JSON Schema."""

import json
from pathlib import Path

import pytest

from oligami.protocol.load import FILES, load_protocol
from oligami.protocol.schema import build_schema, schema_names
from oligami.protocol.show import PARTS, count_parts, list_settings, show_protocol, show_settings

TINY = load_protocol(Path(__file__).parents[1] / "protocols" / "tiny" / "1.0")


def test_every_text_of_the_protocol_shows_in_its_language() -> None:
    """Headings carry both languages, texts the one asked for, each criterion its record text and origin."""
    english, japanese = "\n".join(show_protocol(TINY, "en")), "\n".join(show_protocol(TINY, "ja"))
    for words in (english, japanese):
        assert "# Eligibility / 適格規準" in words
        assert TINY.digest in words
        assert 'record / 登録記録: "18 to 90 years"' in words
    assert "T-3 (exclusion) No ear surgery within 3 months [default, not from the protocol: chosen for" in english
    assert "耳の手術なし" in japanese
    assert "No ear surgery" not in japanese
    for form in TINY.forms:
        for item in form.item:
            assert item.label.en in english


def test_a_part_is_shown_alone_and_an_absent_one_is_empty() -> None:
    """`--file` prints one part; a trial without radiotherapy has none to print."""
    words = "\n".join(show_protocol(TINY, "en", part="schedule"))
    assert "Follow-up" in words
    assert "Eligibility" not in words
    assert list(show_protocol(TINY, "en", part="radiotherapy")) == []
    with pytest.raises(KeyError):
        list(show_protocol(TINY, "en", part="nonsense"))
    assert set(PARTS) >= {"trial", "eligibility", "therapy", "radiotherapy", "schedule", "analysis", "forms"}


def test_settings_are_the_rules_that_are_not_the_protocols() -> None:
    """Every rule of origin `default` is listed with file and key, and no other."""
    settings = {(file, key) for file, key, _ in list_settings(TINY)}
    assert ("eligibility.toml", "stage[entry].criterion[T-3]") in settings
    assert ("design.toml", "preset[60-80]") in settings
    assert ("analysis.toml", "endpoint[os].definition") in settings
    assert ("eligibility.toml", "stage[entry].criterion[T-1]") not in settings
    assert len(settings) == count_parts(TINY)["settings"]
    assert sum("not from the protocol" in line for line in show_settings(TINY, "en")) == len(settings) + 1


def test_every_file_has_a_schema() -> None:
    """Each file of the folder has a schema that names its keys, refuses others and describes itself."""
    assert set(schema_names()) == {kind.name.removesuffix(".toml") for kind in FILES} | {"form", "case"}
    for name in schema_names():
        schema = build_schema(name)
        assert json.loads(json.dumps(schema)) == schema
        assert schema["type"] == "object"
        assert schema["properties"]
        assert schema["additionalProperties"] is False
        assert schema["description"]
    assert "criterion" in json.dumps(build_schema("eligibility"))
    with pytest.raises(KeyError):
        build_schema("nonsense")
