"""The protocol folder holds the whole public record of the trial, word for word."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from oligami.protocol.model.record import TrialFile
from oligami.protocol.registry_record import page_extras, registry_json

ROOT = Path(__file__).parents[2]
SEED = ROOT / "tests" / "reference" / "seed"
TRIAL_TOML = ROOT / "protocols" / "jcog2110" / "1.0" / "trial.toml"


@pytest.fixture(scope="module")
def trial_file() -> TrialFile:
    return TypeAdapter(TrialFile).validate_python(tomllib.loads(TRIAL_TOML.read_text(encoding="utf-8")))


def read_seed(name: str) -> dict[str, Any]:
    seed: dict[str, Any] = json.loads((SEED / name).read_text(encoding="utf-8"))
    return seed


def leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a JSON value with its JSON pointer; an empty list or object is a leaf."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{pointer}/{key}")
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{pointer}/{index}")
    else:
        yield pointer, value


def test_every_leaf_of_the_record_is_in_the_protocol(trial_file: TrialFile) -> None:
    """Each leaf of the registry record stands in trial.toml verbatim, at its own place."""
    ours = dict(leaves(registry_json(trial_file)))
    record = dict(leaves(read_seed("NCT06135714.json")))
    assert {pointer: ours.get(pointer) for pointer in record} == record


def test_nothing_is_added_to_the_record(trial_file: TrialFile) -> None:
    """The record read back from trial.toml has no leaf that the registry does not print."""
    added = dict(leaves(registry_json(trial_file))).keys() - dict(leaves(read_seed("NCT06135714.json"))).keys()
    assert not added


def test_every_leaf_beside_the_record_is_in_the_protocol(trial_file: TrialFile) -> None:
    """Countries, identifiers, notices, related trials, absences and oddities of the page stand in trial.toml verbatim."""
    extras = read_seed("NCT06135714.extras.json")
    note = extras.pop("note")
    ours = dict(leaves(page_extras(trial_file)))
    page = dict(leaves(extras))
    assert {pointer: ours.get(pointer) for pointer in page} == page
    assert note in {oddity.what.en for oddity in trial_file.oddity}


def test_no_relation_of_the_page_is_invented(trial_file: TrialFile) -> None:
    """trial.toml lists no country, identifier, related trial, link or absence that the page does not."""
    extras = read_seed("NCT06135714.extras.json")
    ours = page_extras(trial_file)
    for key in ("countries", "otherIdentifiers", "relatedTrials", "relatedLinks", "absent_in_page"):
        assert ours[key] == extras[key], key


def test_differing_spellings_are_annotated(trial_file: TrialFile) -> None:
    """Whoever the record spells in two ways carries a note that names both spellings."""
    persons = [*trial_file.central_contact, *trial_file.official, *trial_file.location[0].contacts]
    spelled = [person for person in persons if "Tohiyuki" in person.name or "Toshiyuki" in person.name]
    assert {person.name.split()[0] for person in spelled} == {"Tohiyuki", "Toshiyuki"}
    for person in spelled:
        assert person.note is not None
        assert "Tohiyuki" in person.note.en
        assert "Toshiyuki" in person.note.ja


def test_every_text_is_translated(trial_file: TrialFile) -> None:
    """No text of the record is left without a Japanese wording of its own; that it is a translation is said."""
    texts = [
        trial_file.identification.brief_title,
        trial_file.brief_summary,
        trial_file.detailed_description,
        trial_file.status.results_note,
        trial_file.design.intervention_model_description,
        trial_file.record_eligibility.criteria,
        *trial_file.conditions,
        *trial_file.absent_from_record,
        *trial_file.open_point,
        *(oddity.what for oddity in trial_file.oddity),
        *(arm.description for arm in trial_file.record_arm),
        *(intervention.description for intervention in trial_file.record_intervention),
    ]
    untranslated = [text.en for text in texts if not text.ja.strip() or text.ja == text.en]
    assert not untranslated
    assert "translation" in trial_file.translation_note.en
    assert "訳文" in trial_file.translation_note.ja
