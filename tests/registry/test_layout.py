"""The public record laid out for people and machines: nothing is forgotten, everything is said in both languages."""

import json
from hashlib import sha256

import pytest

from oligami.journal import entries as e
from oligami.protocol.registry_record import page_extras, registry_json
from oligami.registry.document import record_json
from oligami.registry.fields import every_field, sections
from oligami.registry.nearest import PREFECTURES, nearest, prefecture_of
from oligami.registry.plain import about_joining, answer, checklists
from oligami.registry.readings import with_readings
from oligami.registry.versions import follow
from oligami.registry.words import age, intervention_name, word


@pytest.fixture(scope="module")
def record(journal, activated, jcog):
    """The public record with the site open that the registry names."""
    return follow(journal(activated(jcog), e.SiteOpened(site="s01", name=jcog.trial.location[0].facility))).record


def leaves(value):
    match value:
        case dict():
            return [leaf for each in value.values() for leaf in leaves(each)]
        case list():
            return [leaf for each in value for leaf in leaves(each)]
        case bool():
            return []
        case _:
            return [str(value)]


def test_every_leaf_of_the_registry_is_a_field(record, jcog):
    """Whatever the registry's record or page says is in the layout, in its own words or its own code."""
    shown = "\n".join(f"{field.label.en}\n{field.value.en}\n{field.code}" for _, _, field in every_field(record))
    said = leaves(registry_json(jcog.trial)) + leaves(page_extras(jcog.trial))
    assert [leaf for leaf in said if leaf not in shown] == []


def test_no_field_is_without_its_japanese(record):
    """Every label and value has both languages, and no two fields have one path."""
    found = [field for _, _, field in every_field(record)]
    assert len(found) > 120
    assert len({field.path for field in found}) == len(found)
    for field in found:
        assert field.label.ja
        assert field.value.ja
        assert field.value.en


def test_words_of_the_registry_are_translated(record):
    """No code that this record uses is left in capitals for a Japanese reader."""
    codes = {field.code for _, _, field in every_field(record) if field.code}
    assert {code for code in codes if word(code).ja == word(code).en} == set()
    assert word("SOMETHING_NEW").en == "Something new"


def test_empty_sections_say_so(record):
    """Links are none; the sections stand all the same."""
    found = {section.id: section for section in sections(record)}
    assert found["links"].groups == ()
    assert found["links"].empty.en == "None"
    assert len(found) == 19


def test_names_of_interventions_and_ages_speak_japanese(jcog):
    """What an arm prints as `Drug: Name` and an age as `18 Years` is translated in both halves."""
    printed = jcog.trial.record_arm[0].interventions[0]
    assert intervention_name(jcog.trial, printed).ja == "薬物: 一次登録後の12週の全身薬物療法"
    assert intervention_name(jcog.trial, "Drug: Unknown").ja == "Drug: Unknown"
    assert [age(each).ja for each in ("18 Years", "6 Months", "N/A")] == ["18歳", "6か月", "N/A"]


def test_the_answer_is_three_short_sentences(record):
    """For whom, what, whether now; of all plain sentences in Japanese the middle one has at most 40 characters."""
    assert [each.ja for each in answer(record)] == [
        "乳癌、オリゴ転移、転移性乳癌の方のための試験です。",
        "「A群：標準治療」と「B群：転移巣局所療法後に標準治療」を比べます。",
        "いま参加者を募集しています。",
    ]
    plain = [*answer(record), *about_joining(record), *(item for each in checklists(record) for item in each.items)]
    lengths = sorted(len(each.ja) for each in plain)
    assert lengths[len(lengths) // 2] <= 40


def test_what_must_hold_is_the_protocols_own_list(record, jcog):
    """Each criterion that concerns the patient is listed once, in the protocol's words."""
    first, second = checklists(record)
    assert [item.ja for item in first.items] == [each.title.ja for each in jcog.eligibility.stage[0].criterion]
    assert len(second.items) == 3
    assert about_joining(record)[0].ja == "18歳から80歳までの方が対象です。"


def test_readings_change_no_word():
    """Furigana stand beside words of the list and leave the text as it is; the longest word is read as one."""
    text = "遠隔転移が1〜3個の方"
    assert "".join(run for run, _ in with_readings(text)) == text
    assert next(iter(with_readings(text))) == ("遠隔転移", "えんかくてんい")


def test_sites_are_ordered_by_distance(record, jcog):
    """From Osaka to Tokyo it is about 395 km; a place that is not known comes last; an unknown prefecture is no answer."""
    assert [near.distance_km for near in nearest(record, "Osaka")] == [395]
    assert [near.distance_km for near in nearest(record, None)] == [None]
    assert prefecture_of(jcog.trial.location[0]) == "Tokyo"
    assert len(PREFECTURES) == 47
    with pytest.raises(KeyError):
        nearest(record, "Atlantis")


def test_the_document_carries_its_digest(record):
    """The digest is that of the canonical JSON of everything else, and plain JSON suffices to compute it again."""
    document = json.loads(json.dumps(record_json(record)))
    said = document.pop("digest")
    spelled = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert sha256(spelled).hexdigest() == said
    assert document["study"]["protocolSection"]["statusModule"]["overallStatus"] == "RECRUITING"
    assert "origin" not in json.dumps(document["texts"])
    assert "arm" not in document["texts"]
    assert "Arm A" not in json.dumps(document["enrolment"])
