"""How a course of disease is read: RECIST, progression with date and site, PFS and OS."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.protocol.check import open_protocol
from oligami.protocol.load import find_protocol
from oligami.trial.judge import JudgeError, judge_line
from oligami.trial.response import (
    Assessment,
    NonTargetLesion,
    TargetLesion,
    assess_course,
    baseline_warnings,
    may_be_fibrosis,
    overall_survival,
    progression_free_survival,
)

REFERENCE = Path(__file__).parents[1] / "reference" / "clinical"
COMPILED = open_protocol(find_protocol("jcog2110"))
RULES = COMPILED.protocol.response
CASES = json.loads((REFERENCE / "recist_sequences.json").read_text())["cases"]


def includes(answer, expected):
    if isinstance(expected, dict):
        return all(includes(answer[key], value) for key, value in expected.items())
    if isinstance(expected, list):
        return len(answer) == len(expected) and all(map(includes, answer, expected))
    return answer == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_reference_courses(case):
    """Every reference course gets its responses, figures, progression and times."""
    answer = judge_line(COMPILED, "response", case["input"])
    assert includes(answer, case["expected"])
    assert ("pfs" in answer) == ("os" in answer) == ("randomised" in case["input"])


def course(targets, *assessments, non_targets=()):
    """Judge a course: targets as {id: mm or lesion}, assessments as dicts 84 days apart."""
    baseline = [each if isinstance(each, TargetLesion) else TargetLesion(id=name, mm=each) for name, each in targets.items()]
    said = [Assessment(date=day(place), **each) for place, each in enumerate(assessments)]
    return assess_course(RULES, baseline, non_targets, said)


def day(place):
    return date(2024, 1, 1) + timedelta(days=84 * place)


def overall(found):
    return [each.overall for each in found.assessments]


def test_anything_after_nothing_is_progression():
    """After a sum of 0 the smallest lesion is progression, although it is under 5 mm."""
    found = course({"L1": 12}, {"sizes": {"L1": 0}}, {"sizes": {"L1": 2}})
    assert overall(found) == ["CR", "PD"]
    assert found.assessments[1].change_from_nadir_pct is None
    assert found.progression_site == "oligometastases"


def test_one_lesion_that_reappears_is_no_progression_of_the_sum():
    """While the sum is above 0 a reappearing lesion counts by the sum, but it says where progression is."""
    found = course(
        {"L1": 20, "P1": TargetLesion(id="P1", mm=40, oligo=False)},
        {"sizes": {"L1": 0, "P1": 40}},
        {"sizes": {"L1": 3, "P1": 40}},
        {"sizes": {"L1": 3, "P1": 50}},
    )
    assert overall(found) == ["PR", "SD", "PD"]
    assert found.progression_site == "both"


def test_decimals_are_compared_exactly():
    """15.5 mm plus 20 % is 18.6 mm; 31 plus 20 % is 37.2: reached exactly is progression, one tenth less is not."""
    assert overall(course({"L1": 31}, {"sizes": {"L1": 37.2}})) == ["PD"]
    assert overall(course({"L1": 31}, {"sizes": {"L1": 37.1}})) == ["SD"]
    assert overall(course({"L1": 12.4, "L2": 18.6}, {"sizes": {"L1": 8.6, "L2": 13.1}})) == ["PR"]
    assert overall(course({"L1": 12.4, "L2": 18.6}, {"sizes": {"L1": 8.7, "L2": 13.1}})) == ["SD"]


def test_missing_target_spoils_the_nadir():
    """An assessment with a target missing is not evaluable and never becomes the nadir."""
    found = course({"L1": 20, "L2": 20}, {"sizes": {"L1": 5}}, {"sizes": {"L1": 12, "L2": 20}})
    assert overall(found) == ["NE", "SD"]
    assert found.assessments[1].nadir_mm == 40


def test_nothing_measured_after_complete_response():
    """After a sum of 0 one measured lesion alone proves progression, the others missing."""
    found = course({"L1": 12, "L2": 12}, {"sizes": {"L1": 0, "L2": 0}}, {"sizes": {"L1": 4}})
    assert overall(found) == ["CR", "PD"]


def test_a_resected_lesion_leaves_every_sum():
    """From the day of surgery baseline, nadir and sum are those of the other lesions; before it nothing changes."""
    gone = TargetLesion(id="L2", mm=20, resected=day(1))
    found = course({"L1": 20, "L2": gone}, {"sizes": {"L1": 15, "L2": 12}}, {"sizes": {"L1": 18}}, {"sizes": {"L1": 20}})
    first, second, third = found.assessments
    assert (first.baseline_mm, first.sum_mm) == (40, 27)
    assert (second.baseline_mm, second.nadir_mm, second.sum_mm, second.overall) == (20, 15, 18, "SD")
    assert (third.nadir_mm, third.overall) == (15, "PD")


def test_all_lesions_resected():
    """When every lesion has been removed and nothing new is seen there is no evidence of disease."""
    gone = TargetLesion(id="L1", mm=20, resected=day(0))
    assert overall(course({"L1": gone}, {}, {"new_lesion": "yes"})) == ["CR", "PD"]


def test_confirmed_lesion_dates_back_before_other_progression():
    """A lesion confirmed later dates progression back to its first equivocal scan, also behind a progression in between."""
    found = course(
        {"L1": 20},
        {"sizes": {"L1": 20}, "new_lesion": "equivocal"},
        {"sizes": {"L1": 26}, "new_lesion": "equivocal"},
        {"sizes": {"L1": 20}, "new_lesion": "yes", "confirms_equivocal": True},
    )
    assert overall(found) == ["SD", "PD", "PD"]
    assert (found.progression_date, found.progression_site) == (day(0), "non_oligometastases")


def test_another_new_lesion_does_not_date_back():
    """A new lesion that does not confirm the equivocal one counts from its own scan."""
    found = course({"L1": 20}, {"sizes": {"L1": 20}, "new_lesion": "equivocal"}, {"sizes": {"L1": 20}, "new_lesion": "yes"})
    assert found.progression_date == day(1)


@pytest.mark.parametrize(
    ("oligo", "progressed", "site"),
    [
        ((), (), "oligometastases"),
        ((True,), (), "oligometastases"),
        ((False,), (), "non_oligometastases"),
        ((True, False), (), "both"),
        ((True, False), ("N0",), "oligometastases"),
        ((True, False), ("N1",), "non_oligometastases"),
    ],
)
def test_site_of_non_target_progression(oligo, progressed, site):
    """The non-targets say where they progressed: those the reader names, else all of them; unnamed ones are oligometastases."""
    others = [NonTargetLesion(id=f"N{place}", oligo=each) for place, each in enumerate(oligo)]
    found = course({"L1": 20}, {"sizes": {"L1": 20}, "non_target": "PD", "progressed": progressed}, non_targets=others)
    assert found.progression_site == site


@pytest.mark.parametrize(
    ("sizes", "site"),
    [
        ({"L1": 14, "P1": 13.5}, "oligometastases"),
        ({"L1": 13, "P1": 14.5}, "non_oligometastases"),
        ({"L1": 14, "P1": 14}, "both"),
    ],
)
def test_only_the_sum_progressed(sizes, site):
    """No lesion alone grew by 20 % and 5 mm: the largest growth decides, a tie says both."""
    found = course({"L1": 10, "P1": TargetLesion(id="P1", mm=10, oligo=False)}, {"sizes": sizes})
    assert (overall(found), found.progression_site) == (["PD"], site)


def test_non_target_missing_is_not_evaluable():
    """A non-target of which nothing is said is not evaluable: no complete response, but the targets still speak."""
    others = [NonTargetLesion(id="B1")]
    assert overall(course({"L1": 20}, {"sizes": {"L1": 0}}, non_targets=others)) == ["PR"]
    assert overall(course({}, {}, non_targets=others)) == ["NE"]


SIZES = st.one_of(st.none(), st.integers(min_value=0, max_value=600).map(lambda tenths: tenths / 10))
ASSESSED = st.lists(
    st.fixed_dictionaries(
        {
            "sizes": st.fixed_dictionaries({"L1": SIZES, "L2": SIZES}),
            "non_target": st.sampled_from([None, "CR", "nonCR", "NE", "PD"]),
            "new_lesion": st.sampled_from(["no", "no", "equivocal", "yes"]),
        }
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(assessments=ASSESSED)
def test_progression_is_judged_first(assessments):
    """A new lesion, a progressed target or non-target is PD whatever else; the first PD is the progression; no PD, none."""
    found = course({"L1": 20, "L2": 12.5}, *assessments)
    for said, each in zip(assessments, found.assessments, strict=True):
        assert (each.overall == "PD") == (said["new_lesion"] == "yes" or said["non_target"] == "PD" or each.target == "PD")
        if each.sum_mm is not None and each.nadir_mm > 0:
            grown = each.sum_mm - each.nadir_mm
            assert (each.target == "PD") == (grown >= 5 and grown * 5 >= each.nadir_mm)
    dates = [each.date for each in found.assessments if each.overall == "PD"]
    assert found.progression_date == min(dates, default=None)
    assert (found.progression_site is None) == (not dates)


@settings(max_examples=80, deadline=None)
@given(assessments=ASSESSED, later=ASSESSED)
def test_what_comes_later_changes_nothing_before(assessments, later):
    """Further assessments leave the responses before them as they were."""
    whole = course({"L1": 20, "L2": 12.5}, *assessments, *later)
    assert whole.assessments[: len(assessments)] == course({"L1": 20, "L2": 12.5}, *assessments).assessments


@settings(max_examples=80, deadline=None)
@given(assessments=ASSESSED, start=st.integers(-100, 400), died=st.one_of(st.none(), st.integers(0, 600)))
def test_pfs_is_never_longer_than_os(assessments, start, died):
    """Progression-free time is within survival time, not negative, and an event whenever there was one."""
    found = course({"L1": 20, "L2": 12.5}, *assessments)
    begin = day(0) + timedelta(days=start)
    death = None if died is None else begin + timedelta(days=died)
    seen = [each.date for each in found.assessments]
    if death is not None and death < max(seen):
        death = max([begin, *seen])
    free = progression_free_survival(found, start=begin, death=death)
    survival = overall_survival(start=begin, death=death, last_alive=max([begin, *seen]))
    assert 0 <= free.days <= survival.days
    assert free.event == (found.progression_date is not None or death is not None)


def test_unusual_baseline_is_told():
    """Targets too small, too many, or too many in an organ are told and do not stop the judgement."""
    node = TargetLesion(id="N1", mm=14, nodal=True)
    assert [reason.rule for reason in baseline_warnings(RULES, [node])] == ["response.measurable"]
    many = [TargetLesion(id=f"L{place}", mm=12, organ="lung") for place in range(6)]
    assert {reason.rule for reason in baseline_warnings(RULES, many)} == {
        "response.max_targets",
        "response.max_targets_per_organ",
    }
    assert baseline_warnings(RULES, many[:2]) == ()


@pytest.mark.parametrize(("on", "wanted"), [(date(2024, 2, 1), True), (date(2024, 4, 15), True), (date(2024, 4, 16), False)])
def test_fibrosis_window(on, wanted):
    """Regrowth in the lung within three months of radiotherapy may be fibrosis; elsewhere and later it may not."""
    assert may_be_fibrosis(RULES, "lung", date(2024, 1, 15), on) == wanted
    assert not may_be_fibrosis(RULES, "bone", date(2024, 1, 15), on)


@pytest.mark.parametrize(
    ("change", "item"),
    [
        ({"targets": {"L1": {"mm": 0}}}, "targets.L1.mm"),
        ({"targets": {"L1": {"mm": "20"}}}, "targets.L1.mm"),
        ({"targets": {"L1": {"mm": 20, "nodel": True}}}, "targets.L1.nodel"),
        ({"assessments": [{"date": "2024-09-31"}]}, "assessments[1].date"),
        ({"assessments": [{"date": "2024-09-02", "sizes": {"L9": 3}}]}, "assessments[1].sizes.L9"),
        ({"assessments": [{"date": "2024-09-02", "sizes": {"L1": -1}}]}, "assessments[1].sizes.L1"),
        ({"assessments": [{"date": "2024-09-02", "new_lesion": "maybe"}]}, "assessments[1].new_lesion"),
        ({"assessments": [{"date": "2024-09-02", "non_target": "PR"}]}, "assessments[1].non_target"),
        ({"assessments": None}, "assessments"),
        ({"randomised": "2024-09-10", "death": "2024-09-01"}, "death"),
        ({"randomised": "2024-09-10", "last_alive": "2024-09-01"}, "last_alive"),
        ({"death": "2024-09-01"}, "assessments[1].date"),
        ({"death": "2024-09-10", "last_alive": "2024-09-11"}, "last_alive"),
    ],
)
def test_impossible_courses_are_refused(change, item):
    """What cannot be is an error that names its item, in both languages."""
    data = {"targets": {"L1": {"mm": 20}}, "assessments": [{"date": "2024-09-02", "sizes": {"L1": 20}}], **change}
    with pytest.raises(JudgeError) as caught:
        judge_line(COMPILED, "response", data)
    found = {problem.item: problem.text for problem in caught.value.problems}
    assert item in found
    assert all(item in wording for wording in (found[item].en, found[item].ja))
