"""Scores of the questionnaire and non-progression at a visit."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oligami.protocol.check import open_protocol
from oligami.protocol.load import find_protocol
from oligami.trial.judge import JudgeError, judge_line
from oligami.trial.quality_of_life import non_progression, score

REFERENCE = Path(__file__).parents[1] / "reference" / "clinical"
COMPILED = open_protocol(find_protocol("jcog2110"))
RULES = COMPILED.protocol.quality_of_life
VECTORS = json.loads((REFERENCE / "qol_qlq_c30.json").read_text())

HIGHEST = {name: scale.highest for scale in RULES.scale for name in scale.items}
ANSWERS = st.fixed_dictionaries(
    {name: st.one_of(st.none(), st.integers(min_value=1, max_value=highest)) for name, highest in HIGHEST.items()}
)


@pytest.mark.parametrize("case", VECTORS["scoring"], ids=lambda case: case["id"])
def test_reference_scores(case):
    """Every reference form gets its fifteen scores to two decimals."""
    assert judge_line(COMPILED, "qlq-c30", {"items": case["items"]}) == pytest.approx(case["expected"], abs=0.0051)


@pytest.mark.parametrize("case", VECTORS["non_progression"], ids=lambda case: case["id"])
def test_reference_non_progression(case):
    """Every reference pair of scores gets its verdict."""
    data = {key: value for key, value in case.items() if key not in ("id", "expected")}
    assert judge_line(COMPILED, "qol-progression", data)["verdict"] == case["expected"]


def test_every_item_belongs_to_one_scale():
    """The thirty items are shared out among fifteen scales without rest."""
    names = [name for scale in RULES.scale for name in scale.items]
    assert sorted(names, key=lambda name: int(name[1:])) == [f"q{number}" for number in range(1, 31)]
    assert len(RULES.scale) == 15


@given(items=ANSWERS)
def test_scores_lie_within_bounds(items):
    """A score lies in 0 to 100, and exists exactly when at least half of its items are answered."""
    for scale in RULES.scale:
        answered = sum(items[name] is not None for name in scale.items)
        found = score(RULES, items)[scale.id]
        assert (found is not None) == (2 * answered >= len(scale.items))
        assert found is None or 0 <= found <= 100


@given(items=ANSWERS, name=st.sampled_from(sorted(HIGHEST)))
def test_direction_of_scales(items, name):
    """A worse answer lowers a functional score and raises a symptom score; a higher global answer raises global health."""
    answer = items[name]
    if answer is None or answer == HIGHEST[name]:
        return
    (scale,) = [scale for scale in RULES.scale if name in scale.items]
    before, after = score(RULES, items)[scale.id], score(RULES, {**items, name: answer + 1})[scale.id]
    if before is not None:
        assert (after < before) == (scale.kind == "functional")


@given(items=ANSWERS)
def test_item_names_are_interchangeable(items):
    """Items may be named by number or by their id; the scores are the same."""
    by_number = {name[1:]: value for name, value in items.items()}
    assert judge_line(COMPILED, "qlq-c30", {"items": by_number}) == judge_line(COMPILED, "qlq-c30", {"items": items})


@pytest.mark.parametrize(
    ("baseline", "visit", "verdict"),
    [
        (66.67, 56.67, "progression"),
        (66.67, 56.68, "non_progression"),
        (250 / 3, 220 / 3, "progression"),  # a fall of 9.999999999999986 in binary
        (100.0, 90.0, "progression"),
        (100.0, 90.01, "non_progression"),
        (50.0, 100.0, "non_progression"),
        (10.0, 0.0, "progression"),
    ],
)
def test_fall_of_exactly_the_threshold(baseline, visit, verdict):
    """A fall of exactly 10 points is progression whatever binary fractions say; 9.99 is not."""
    assert non_progression(RULES, baseline=baseline, visit=visit, died_before_visit=False) == verdict


@given(
    baseline=st.one_of(st.none(), st.floats(0, 100)),
    visit=st.one_of(st.none(), st.floats(0, 100)),
    threshold=st.sampled_from(RULES.non_progression.thresholds_offered),
)
def test_death_and_missing_forms(baseline, visit, threshold):
    """Death before the visit is progression with or without forms; alive, a missing form is not evaluable."""
    rules = {"baseline": baseline, "visit": visit, "threshold": threshold}
    assert non_progression(RULES, died_before_visit=True, **rules) == "progression"
    alive = non_progression(RULES, died_before_visit=False, **rules)
    assert (alive == "not_evaluable") == (baseline is None or visit is None)


def test_threshold_is_a_setting():
    """With the threshold of 5 points a fall of 8.33 is progression; with the protocol's 10 it is not."""
    strict = replace(RULES, non_progression=replace(RULES.non_progression, threshold=5))
    assert non_progression(RULES, baseline=75.0, visit=66.67, died_before_visit=False) == "non_progression"
    assert non_progression(strict, baseline=75.0, visit=66.67, died_before_visit=False) == "progression"


@pytest.mark.parametrize(
    ("verb", "data", "item"),
    [
        ("qlq-c30", {"items": {"1": 5}}, "items.1"),
        ("qlq-c30", {"items": {"29": 8}}, "items.29"),
        ("qlq-c30", {"items": {"3": 0}}, "items.3"),
        ("qlq-c30", {"items": {"3": 2.5}}, "items.3"),
        ("qlq-c30", {"items": {"3": True}}, "items.3"),
        ("qlq-c30", {"items": {"31": 1}}, "items.31"),
        ("qlq-c30", {"items": {"1": 2, "q1": 3}}, "items.q1"),
        ("qlq-c30", {}, "items"),
        ("qol-progression", {"baseline_QL2": 101, "visit_QL2": 50}, "baseline_QL2"),
        ("qol-progression", {"baseline_QL2": 50, "visit_QL2": "50"}, "visit_QL2"),
        ("qol-progression", {"baseline_QL2": 50, "visit_QL2": 50, "died_before_visit": "no"}, "died_before_visit"),
        ("qol-progression", {"baseline_PF2": 50}, "baseline_PF2"),
    ],
)
def test_impossible_answers_are_refused(verb, data, item):
    """An answer outside its range is an error that names the item."""
    with pytest.raises(JudgeError) as caught:
        judge_line(COMPILED, verb, data)
    assert caught.value.problems[0].item == item


def test_answer_out_of_range_is_not_scored():
    """Alone, too, an answer outside the scale is refused."""
    with pytest.raises(ValueError, match="answer 9"):
        score(RULES, {"q29": 9})
