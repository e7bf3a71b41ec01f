"""The verdict of a registration follows from its criteria, three-valued."""

import json
from pathlib import Path
from shutil import copytree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.protocol.check import open_protocol
from oligami.protocol.load import find_protocol
from oligami.trial.eligibility import explain_stage, judge_stage
from oligami.trial.forms import examine
from oligami.trial.judge import judge_line

REFERENCE = Path(__file__).parents[1] / "reference" / "clinical"
FOLDER = find_protocol("jcog2110")
COMPILED = open_protocol(FOLDER)
FIRST = json.loads((REFERENCE / "eligibility_first.json").read_text())["cases"]
SECOND = json.loads((REFERENCE / "eligibility_second.json").read_text())["cases"]
CLEAN = FIRST[0]["input"]


@pytest.mark.parametrize(
    ("verb", "case"),
    [("eligibility-first", case) for case in FIRST] + [("eligibility-second", case) for case in SECOND],
    ids=lambda value: value["id"] if isinstance(value, dict) else "",
)
def test_reference_patients(verb, case):
    """Every reference patient gets the verdict, the rules not met and the unknown rules of the specification."""
    answer = judge_line(COMPILED, verb, case["input"])
    expected = case["expected"]
    assert answer["verdict"] == expected["verdict"]
    assert sorted(answer["not_met"]) == sorted(expected["not_met"])
    assert sorted(answer["unknown"]) == sorted(expected["unknown"])


def values_of(entered, stage="first"):
    form = COMPILED.forms[COMPILED.stages[stage].stage.form]
    examined = examine(form, entered, strict_required=False)
    assert not examined.errors
    return examined.values


@settings(max_examples=60, deadline=None)
@given(case=st.sampled_from(FIRST), forgotten=st.sets(st.sampled_from(sorted(CLEAN)), max_size=8))
def test_forgetting_never_decides(case, forgotten):
    """Leaving items out may only make rules unknown: what was met is never not met for it, and the other way round.

    Where a lesion list is forgotten whole, and where an item decides whether others matter, unknown is the answer too.
    """
    known = judge_stage(COMPILED, "first", values_of(case["input"]))
    less = judge_stage(COMPILED, "first", values_of({k: v for k, v in case["input"].items() if k not in forgotten}))
    for before, after in zip(known.criteria, less.criteria, strict=True):
        assert after.value is None or after.value == before.value


@given(case=st.sampled_from(FIRST))
def test_verdict_is_the_worst_criterion(case):
    """Ineligible with any rule not met, else pending with any unknown, else eligible; every rule is judged."""
    verdict = judge_stage(COMPILED, "first", values_of(case["input"]))
    values = [each.value for each in verdict.criteria]
    worst = "ineligible" if False in values else "pending" if None in values else "eligible"
    assert verdict.verdict == worst
    assert len(values) == len(COMPILED.stages["first"].criteria)
    assert [each.rule for each in verdict.criteria if each.value is False] == list(verdict.not_met)
    assert [each.rule for each in verdict.criteria if each.value is None] == list(verdict.unknown)


def test_nothing_known_is_pending():
    """A subject of whom nothing is known is pending with every rule unknown, never met."""
    verdict = judge_stage(COMPILED, "first", {})
    assert verdict.verdict == "pending"
    assert all(each.value is None for each in verdict.criteria)


def test_reasons_are_the_criterions_own():
    """A rule that is not met says the criterion's own sentence in both languages; so does the journal's evidence."""
    entered = {**CLEAN, "e13_hbs_ag": "positive"}
    verdict = judge_stage(COMPILED, "first", values_of(entered))
    criterion = next(each.criterion for each in COMPILED.stages["first"].criteria if each.criterion.id == "1R-E13")
    (failed,) = [each for each in verdict.criteria if each.value is False]
    assert failed.reason == criterion.when_not_met
    (line,) = [line for line in verdict.lines("ja") if "1R-E13" in line]
    assert criterion.when_not_met.ja in line
    (kept,) = [each for each in verdict.evidence() if each["rule"] == "1R-E13"]
    assert kept["verdict"] == "not_met"
    assert kept["reason"] == {"en": criterion.when_not_met.en, "ja": criterion.when_not_met.ja}
    assert json.loads(json.dumps(verdict.evidence())) == list(verdict.evidence())


@pytest.mark.parametrize("case", FIRST[::6], ids=lambda case: case["id"])
def test_explanation_agrees_with_the_verdict(case):
    """The tree shows every criterion with the same verdict as the quick judgement, its values, and both languages."""
    values = values_of(case["input"])
    told = explain_stage(COMPILED, "first", values)
    assert told.verdict == judge_stage(COMPILED, "first", values)
    tree = told.as_json()
    assert [each["rule"] for each in tree] == [each.rule for each in told.verdict.criteria]
    assert json.loads(json.dumps(tree)) == tree
    for language in ("en", "ja"):
        text = "\n".join(told.lines(language))
        assert all(each.rule in text and each.title[language] in text for each in told.verdict.criteria)


def test_tree_shows_the_values_used():
    """The step that fails names the item and the value that made it fail."""
    told = explain_stage(COMPILED, "first", values_of({**CLEAN, "e3_body_temperature_c": 38.2}))
    (step,) = [each for each in told.criteria if each.verdict.rule == "1R-E3"]
    assert step.deciding.used == {"e3_body_temperature_c": 38.2}
    assert any("38.2" in line for line in told.lines("en"))


def test_a_criterion_is_added_by_editing_the_folder(tmp_path):
    """Adding a criterion to a copy of the folder, and nothing else, changes the verdict."""
    copy = tmp_path / "jcog2110" / "1.0"
    copytree(FOLDER, copy)
    path = copy / "eligibility.toml"
    text = path.read_text(encoding="utf-8")
    added = """[[stage.criterion]]
id = "1R-X1"
kind = "inclusion"
title = {en = "Biopsy of a metastasis", ja = "転移巣の生検"}
met = 'metastasis_biopsy = "done"'
when_not_met = {en = "No biopsy.", ja = "生検なし。"}
when_unknown = {en = "Biopsy unknown.", ja = "生検不明。"}
origin = {kind = "default"}

"""
    place = text.index("\n[[stage.criterion]]") + 1  # the heading names it too
    path.write_text(text[:place] + added + text[place:], encoding="utf-8")
    compiled = open_protocol(copy)
    entered = {**CLEAN, "metastasis_biopsy": "not_done"}
    assert judge_line(COMPILED, "eligibility-first", entered)["verdict"] == "eligible"
    answer = judge_line(compiled, "eligibility-first", entered)
    assert (answer["verdict"], answer["not_met"]) == ("ineligible", ["1R-X1"])


def test_unknown_stage():
    """A stage the protocol does not have is a programmer's mistake."""
    with pytest.raises(KeyError):
        judge_stage(COMPILED, "third", {})
