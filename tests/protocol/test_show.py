"""The printed protocol, the agenda of settings and the JSON Schema."""

import json
from collections import Counter
from pathlib import Path

import pytest

from oligami.protocol.load import FILES, find_protocol, load_protocol
from oligami.protocol.schema import build_schema, schema_names
from oligami.protocol.show import PARTS, count_parts, show_protocol
from oligami.protocol.show_settings import FILE_TITLES, list_settings, show_settings
from oligami.protocol.show_words import say
from oligami.protocol.text import LANGUAGES, Language

TINY = load_protocol(Path(__file__).parents[1] / "protocols" / "tiny" / "1.0")
OLIGAMI = load_protocol(find_protocol("jcog2110"))
OURS: dict[Language, str] = {"en": "default, not from the protocol", "ja": "既定値(実施計画書によらない)"}

# What each part must say, in both languages; `{ours}` stands for the mark of a setting.
EXPECTED: dict[str, tuple[str, ...]] = {
    "trial": (
        "Tokyo Medical and Dental Univetsity",
        "+81-3-5803-2101",
        "Arm A: Standard of care (PLACEBO_COMPARATOR)",
        "Drug: Same systemic therapy after secondary registration",
        "2. S-1 or Capecitabine or Eriblin (previously treated with taxane)",
        "    13. HBs Ag+",
        "18 Years – 80 Years",
        "other identifier / その他の識別番号: JCOG2110 - org_study_id",
        "countries / 国: Japan",
        "NCT05266937",
        "armGroups[0].type",
        "## Absent from the record / 登録記録にない項目",
        "## Detailed description / 詳細説明",
        "  13. HBs",
    ),
    "allocation": ("p_best 0.8", "A:B = 1:1", "subtype (luminal | HER2-positive | triple-negative)", "{ours}", "## Notes / 注"),
    "design": ("* control_40", "0.45; ", "## Interim analyses / 中間解析", "randomized / 無作為割付: 270", "{ours}"),
    "eligibility": ("max_diameter_mm <= 30 mm", '"(ii) Total number of 3 or less."', "340", "HER2-positive = er in", "{ours}"),
    "therapy": ("AI_CDK_LHRH", "KEYNOTE-355", "28 d × 3", "row_menopause", "olaparib-luminal", "{ours}"),
    "radiotherapy": (
        "18–24 Gy / 1 fr",
        "PTV D95",
        "gtv_to_pbt_mm <= 0 mm",
        "0.99–1.05",
        "≤ 1.4",
        "RTQ-30-soft",
        "SpinalCord/SpinalCanal",
        "BrachialPlex_R: right brachial plexus",
        "## Required structures / 必要な構造",
        "{ours}",
    ),
    "constraints": (
        "KNOWN+CROSSREAD: 156",
        "KNOWN: 51",
        "READ: 28",
        "DERIVED: 17 [{ours}]",
        "D0.03cc <= 40.7 Gy",
        "## SpinalCord",
    ),
    "response": ("RECIST 1.1", "CR / not PD / * → PR", "Eisenhauer, Eur J Cancer 2009;45:228", "{ours}"),
    "quality_of_life": ("5, 8, 10, 15", "m6, m12, m24, m36", "q29, q30", "## Non-progression / 非増悪", "{ours}"),
    "schedule": ("183, 365, 731, 1096", "(m6, m12, m24, m36)", "-42/+42", "84", "{ours}"),
    "analysis": ("0.9, 0.95", "30.4375", "os (primary / 主要)", "## Baseline table / 背景因子の表", "{ours}"),
    "safety": ("CTCAE 5.0", "72", "360", "registration:first", "acceptable_deviation", "{ours}"),
    "codelists": ("## receptor", "ctcae_term", "febrile_neutropenia", "{ours}"),
    "forms": ("gtv_to_pbt_mm", "e13_hbs_ag", "-100–300", "{ours}"),
}


def _show(part: str, language: Language) -> str:
    return "\n".join(show_protocol(OLIGAMI, language, part=part))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_part_says_its_values_and_marks(language: Language) -> None:
    """Every part prints the values in force and where they come from, in both languages."""
    assert set(EXPECTED) == set(PARTS)
    for part, words in EXPECTED.items():
        shown = _show(part, language)
        missing = [word for word in words if word.replace("{ours}", OURS[language]) not in shown]
        assert not missing, (part, missing)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_part_that_is_ours_says_so_on_its_own_line(language: Language) -> None:
    """A window, a technique or a reading that is ours carries its own mark beside the record's."""
    schedule = {line.split(" ")[0]: line for line in _show("schedule", language).splitlines() if not line.startswith(" ")}
    for activity in OLIGAMI.schedule.activity:
        window = activity.window_origin
        assert (window is not None and window.is_setting) == (
            f"[{'window' if language == 'en' else '許容期間'}: {OURS[language]}" in schedule[activity.id]
        )
    assert f": {OURS[language]}" in schedule["mdt_start"]
    radiotherapy = _show("radiotherapy", language).splitlines()
    assert OLIGAMI.radiotherapy is not None
    for option in OLIGAMI.radiotherapy.option:
        line = next(line for line in radiotherapy if line.startswith(f"{option.id} "))
        assert f"[{'technique' if language == 'en' else '照射技術'}: {OURS[language]}" in line
        assert say(option.technique, language) in line
    eligibility = _show("eligibility", language).splitlines()
    partly = {"1R-I3", "1R-I4", "1R-E6", "1R-E11", "2R-1", "2R-2", "2R-3"}
    for stage in OLIGAMI.eligibility.stage:
        for criterion in stage.criterion:
            line = next(line for line in eligibility if line.startswith(f"{criterion.id} ("))
            assert (f"[{'settings' if language == 'en' else '設定部分'}: {OURS[language]}" in line) == (criterion.id in partly)
            assert criterion.title[language] in line


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_limit_and_no_person_is_left_out(language: Language) -> None:
    """Each of the limits is a row under its organ; each person, oddity and open point of the record is printed."""
    assert OLIGAMI.constraints is not None
    shown = _show("constraints", language).splitlines()
    ids = [line.split()[0] for line in shown if line.startswith("  C")]
    assert len(ids) == 252
    assert sorted(ids) == sorted(limit.id for limit in OLIGAMI.constraints.constraint)
    organ = ""
    by_id = {limit.id: limit for limit in OLIGAMI.constraints.constraint}
    for line in shown:
        organ = line.removeprefix("## ") if line.startswith("## ") else organ
        if line.startswith("  C"):
            limit = by_id[line.split()[0]]
            assert limit.organ == organ
            assert f"{limit.metric} {limit.op} {limit.limit:g} {limit.unit}" in line
            assert (OURS[language] in line) == (limit.provenance == "DERIVED")
    trial, record = _show("trial", language), OLIGAMI.trial
    people = [*record.official, *record.central_contact, *(person for site in record.location for person in site.contacts)]
    assert Counter(person.name for person in people)["Tohiyuki Ishiba"] == 1
    for person in people:
        assert f"{person.name}, {person.role}" in trial
    for text in [*(oddity.what for oddity in record.oddity), *record.open_point, *record.absent_from_record]:
        assert text[language] in trial
    for line in record.record_eligibility.criteria.en.splitlines():
        assert line in trial


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_agenda_has_title_and_value_in_each_line(language: Language) -> None:
    """A line of the agenda has key, title and value; values of weight are there, headings in one language."""
    lines = list(show_settings(OLIGAMI, language))
    settings = list(list_settings(OLIGAMI, language))
    rows = [line for line in lines if line.startswith("  ")]
    assert len(rows) == len(settings) == count_parts(OLIGAMI)["settings"]
    for row, setting in zip(rows, settings, strict=True):
        assert row.startswith(f"  {setting.key} | {setting.title}: {setting.value}")
        assert setting.title.strip()
        assert setting.value not in {"", "none", "なし"}
        assert row.endswith(f"({setting.cite})" if setting.cite else setting.value)
    values = {(setting.file, setting.key): setting.value for setting in settings}
    wanted = {"en": "day 0 to 42", "ja": "第0〜42日"}[language]
    assert wanted in values["schedule.toml", "activity[mdt_start].window"]
    assert "p_best 0.8" in values["allocation.toml", "(file)"]
    assert "subtype 1" in values["allocation.toml", "(file)"]
    assert say("threshold", language) + " 10;" in values["quality_of_life.toml", "non_progression"]
    assert "KNOWN+CROSSREAD 156" in values["radiotherapy_constraints.toml", "(file)"]
    assert sum(key.startswith("constraint[") for _, key in values) == 17
    assert values["radiotherapy.toml", "option[brain-1fr].technique"] == say("SRS", language)
    assert ("eligibility.toml", "stage[second].criterion[2R-2].setting") in values
    headings = [line for line in lines if line.startswith("## ")]
    assert len(headings) == len({setting.file for setting in settings})
    assert f"## allocation.toml — {FILE_TITLES['allocation'][language]}" in headings
    other = "研究事務局" if language == "en" else "Settings"
    assert other not in lines[0]


def test_japanese_headings_use_the_words_of_the_trial() -> None:
    """The headings say 全身薬物療法, 無作為割付 and 非増悪, and no other word for the same."""
    headings = [line for part in PARTS for line in _show(part, "ja").splitlines() if line.startswith("#")]
    words = "\n".join(headings)
    assert "# Systemic therapy / 全身薬物療法" in words
    assert "## Non-progression / 非増悪" in words
    for wrong in ("全身療法", "無作為化", "非悪化"):
        assert wrong not in words


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
    settings = {(setting.file, setting.key) for setting in list_settings(TINY, "en")}
    assert ("eligibility.toml", "stage[entry].criterion[T-3]") in settings
    assert ("design.toml", "preset[60-80]") in settings
    assert ("analysis.toml", "endpoint[os].definition") in settings
    assert ("eligibility.toml", "stage[entry].criterion[T-1]") not in settings
    assert len(settings) == count_parts(TINY)["settings"]
    assert sum(line.startswith("  ") for line in show_settings(TINY, "en")) == len(settings)


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
