"""The digest: the same for the same meaning, another for any other value."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.protocol.digest import canonical_json, digest_of, protocol_from_json, protocol_to_json
from oligami.protocol.load import ProtocolErrors, load_protocol

TINY = Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"
DIGEST = "93cba5342a5ff41a756ab0c0d6be291e90cc4e126b5c9389cb2a941e90990935"


def test_the_digest_is_pinned() -> None:
    """The tiny protocol has this digest on every machine and Python version."""
    assert load_protocol(TINY).digest == DIGEST


def test_comments_space_key_order_and_spelling_of_numbers_do_not_count(tmp_path: Path) -> None:
    """Rewriting files without changing a value keeps the digest."""
    folder = Path(shutil.copytree(TINY, tmp_path / "elsewhere" / "1.0"))
    design = folder / "design.toml"
    head, tail = design.read_text(encoding="utf-8").split("[[preset]]", 1)
    lines = [line for line in head.splitlines() if line]
    head = "# a comment\n\n" + "\n\n".join(reversed(lines)).replace("milestone_years = 1", "milestone_years   =   1.0  # years")
    design.write_text(f"{head}\n[[preset]]{tail}".replace("\n", "\r\n"), encoding="utf-8-sig", newline="")
    assert "1.0  # years" in design.read_text(encoding="utf-8")
    assert load_protocol(folder).digest == DIGEST


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("design.toml", "alpha = 0.05", "alpha = 0.050001"),
        ("trial.toml", "2024-01-10", "2024-01-11"),
        ("eligibility.toml", "18 years", "19 years"),
        ("forms/entry.toml", 'ja = "年齢"', 'ja = "年令"'),
        ("forms/entry.toml", 'unknown = ["unknown"]\n', ""),
        ("safety.toml", "by_arm = true", "by_arm = false"),
        ("schedule.toml", 'kind = "default"', 'kind = "record"'),
    ],
)
def test_any_value_counts(tmp_path: Path, file: str, old: str, new: str) -> None:
    """A changed number, date, expression, text, list, flag or origin changes the digest."""
    folder = Path(shutil.copytree(TINY, tmp_path / "1.0"))
    words = (folder / file).read_text(encoding="utf-8")
    assert old in words
    (folder / file).write_text(words.replace(old, new, 1), encoding="utf-8")
    assert load_protocol(folder).digest != DIGEST


def test_the_version_counts(tmp_path: Path) -> None:
    """The same files as another version are another protocol."""
    assert load_protocol(Path(shutil.copytree(TINY, tmp_path / "1.1"))).digest != DIGEST


def test_a_protocol_survives_the_way_through_json() -> None:
    """What the journal keeps gives the same protocol back, in plain JSON, with its digest."""
    protocol = load_protocol(TINY)
    kept = json.loads(json.dumps(protocol_to_json(protocol)))
    rebuilt = protocol_from_json(kept)
    assert rebuilt == protocol
    assert rebuilt.digest == protocol.digest == digest_of(kept)


def test_a_changed_protocol_in_a_journal_is_refused() -> None:
    """One changed value, or a missing digest, is noticed."""
    kept = protocol_to_json(load_protocol(TINY))
    with pytest.raises(ProtocolErrors, match="changed or damaged"):
        protocol_from_json({**kept, "version": "1.1"})
    with pytest.raises(ProtocolErrors, match="changed or damaged"):
        protocol_from_json({key: value for key, value in kept.items() if key != "digest"})


def test_data_that_are_no_protocol_are_refused_with_their_place() -> None:
    """A fitting digest over data of another shape is refused, key by key."""
    kept = {**protocol_to_json(load_protocol(TINY)), "safety": {"severe_grade": "3"}}
    with pytest.raises(ProtocolErrors, match=r"safety\.severe_grade"):
        protocol_from_json({**kept, "digest": digest_of(kept)})


def test_a_replaced_protocol_takes_its_new_digest() -> None:
    """`protocol_to_json` never writes a digest that no longer fits."""
    protocol = load_protocol(TINY)
    changed = dataclasses.replace(protocol, version="9.9")
    assert protocol_to_json(changed)["digest"] != protocol.digest


def test_a_key_that_says_nothing_does_not_count() -> None:
    """A model that has gained optional keys gives old protocols their old digest; a key that says something counts."""
    said = {"a": [{"b": 1}], "c": 0}
    assert digest_of({**said, "d": None, "e": [], "g": "", "a": [{"b": 1, "f": None}]}) == digest_of(said)
    for more in ({"d": False}, {"d": 0}, {"d": [""]}, {"d": [None]}, {"d": {}}):
        assert digest_of({**said, **more}) != digest_of(said)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=8,
)


@given(json_values)
@settings(max_examples=60)
def test_canonical_json_reads_back_and_is_settled(value: object) -> None:
    """Canonical JSON means the same as the data, and writing it again gives the same bytes."""
    words = canonical_json(value)
    assert json.loads(words) == value
    assert canonical_json(json.loads(words)) == words


def test_an_item_without_partial_dates_says_nothing_of_them(tmp_path: Path) -> None:
    """A protocol of before they were offered has the digest it had; offering them changes it and survives the journal."""
    assert '"partial"' not in json.dumps(protocol_to_json(load_protocol(TINY)))
    folder = Path(shutil.copytree(TINY, tmp_path / "1.0"))
    path = folder / "forms" / "entry.toml"
    words = path.read_text(encoding="utf-8")
    for said, same in (("false", True), ("true", False)):
        path.write_text(words.replace('never = "none"\n', f'never = "none"\npartial = {said}\n', 1), encoding="utf-8")
        protocol = load_protocol(folder)
        assert (protocol.digest == DIGEST) is same
        assert protocol_from_json(protocol_to_json(protocol)) == protocol
