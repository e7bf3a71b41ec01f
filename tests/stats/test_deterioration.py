"""Time to deterioration: definitions as tables, the same told subject by subject, and what is refused."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats.deterioration import Deterioration, time_to_deterioration
from oligami.stats.survival import kaplan_meier


def one(scores: str, **options: Any) -> tuple[float, int, int]:
    """Follow one subject: scores at baseline and months 3, 6, 9, ..., a dash for a missing one; lower by 10 is worse."""
    cells = [math.nan if cell == "-" else float(cell) for cell in scores.split()]
    choices: dict[str, Any] = {"threshold": 10, "worse": "lower"} | options
    found = time_to_deterioration(["s"] * len(cells), 3.0 * np.arange(len(cells)), cells, subjects=["s"], **choices)
    return float(found.time[0]), int(found.event[0]), int(found.cause[0])


@pytest.mark.parametrize(
    ("scores", "first", "confirmed", "definitive"),
    [
        # scores                first            confirmed        definitive
        ("80 80 75 78 80", (12, 0, 0), (12, 0, 0), (12, 0, 0)),  # never 10 points lower
        ("80 70 80 80 80", (3, 1, 1), (12, 0, 0), (12, 0, 0)),  # once
        ("80 70 70 80 80", (3, 1, 1), (3, 1, 1), (12, 0, 0)),  # twice running, then well again
        ("80 70 - 60 80", (3, 1, 1), (3, 1, 1), (12, 0, 0)),  # the next score there is confirms
        ("80 70 80 60 65", (3, 1, 1), (9, 1, 1), (9, 1, 1)),  # for good from month 9
        ("80 80 80 80 70", (12, 1, 1), (12, 1, 1), (12, 1, 1)),  # the last score, contradicted by none
        ("80 70 - - -", (3, 1, 1), (3, 1, 1), (3, 1, 1)),  # dropped out after it
        ("80 - - - -", (0, 0, 0), (0, 0, 0), (0, 0, 0)),  # no score after baseline
        ("- 70 60 50 40", (0, 0, 0), (0, 0, 0), (0, 0, 0)),  # no baseline
    ],
)
def test_how_long_it_must_last(scores: str, first: Any, confirmed: Any, definitive: Any) -> None:
    """First, confirmed and definitive deterioration are told apart."""
    assert one(scores) == first
    assert one(scores, lasting="confirmed") == confirmed
    assert one(scores, lasting="definitive") == definitive


def test_a_last_worse_score_may_be_no_event() -> None:
    """Where confirmation is asked for, an unconfirmed last score can be censored at its visit."""
    assert one("80 80 70", lasting="confirmed", last_visit="censored") == (6, 0, 0)
    assert one("80 70 60", lasting="definitive", last_visit="censored") == (3, 1, 1)
    assert one("80 80 70", lasting="first", last_visit="censored") == (6, 1, 1)


@pytest.mark.parametrize(
    ("death", "expected"), [("event", (8, 1, 2)), ("censored", (8, 0, 0)), ("competing", (8, 0, 2))], ids=str
)
def test_death_counts_or_not(death: Any, expected: Any) -> None:
    """A death without deterioration is the event, a censoring or a competing cause; after deterioration it is nothing."""
    assert one("80 78 79", death=death, death_time=[8]) == expected
    assert one("80 70 79", death=death, death_time=[8]) == (3, 1, 1)
    assert one("80 78 60", death=death, death_time=[5]) == ((5, *expected[1:]))  # the late form is passed over
    assert one("80 78 79", death=death, death_time=[8], censor_time=[7]) == (6, 0, 0)  # died after the cut


def test_a_death_on_the_day_of_the_visit_comes_first() -> None:
    """Deterioration at the time of death is death."""
    assert one("80 78 60", death="event", death_time=[6]) == (6, 1, 2)


def test_direction_and_threshold() -> None:
    """Symptoms worsen upwards; a change of exactly the threshold counts."""
    assert one("20 29 30", worse="higher") == (6, 1, 1)
    assert one("20 10 0", worse="higher") == (6, 0, 0)
    assert one("80 70.5 71", threshold=9.5) == (3, 1, 1)


def test_where_observation_ends() -> None:
    """Without an event it ends at the last score, or at the censor time when asked; scores after it do not count."""
    assert one("80 78 - 60", censor_time=[8]) == (3, 0, 0)
    assert one("80 78 - 60", censor_time=[8], censored_at="censor time") == (8, 0, 0)
    assert one("- 78 60", censor_time=[8], censored_at="censor time") == (0, 0, 0)


def test_gaps_end_observation() -> None:
    """After too long a gap nothing counts: neither scores nor deaths; the subject is censored before it."""
    assert one("80 78 - - 60") == (12, 1, 1)
    assert one("80 78 - - 60", longest_gap=6) == (3, 0, 0)
    assert one("80 78 - 60", longest_gap=6) == (9, 1, 1)
    assert one("80 - - 60", longest_gap=6) == (0, 0, 0)
    assert one("80 78 78", longest_gap=6, death="event", death_time=[20]) == (6, 0, 0)
    assert one("80 78 78", longest_gap=6, death="event", death_time=[12]) == (12, 1, 2)
    assert one("80 78", longest_gap=6, censor_time=[20], censored_at="censor time") == (3, 0, 0)


def test_baselines() -> None:
    """Baseline is given, or the last score at time 0 or before; those without one are censored at 0 or left out."""
    subject, time, score = ["a", "a", "a", "b", "b", "c"], [-14, 0, 30, -7, 30, 30], [90, 80, 75, 90, 75, 10]
    found = time_to_deterioration(subject, time, score, threshold=10, worse="lower")
    assert found.baseline.tolist()[:2] == [80, 90]
    assert (found.time.tolist(), found.event.tolist()) == ([30, 30, 0], [0, 1, 0])
    assert found.without_baseline == 1
    left = time_to_deterioration(subject, time, score, threshold=10, worse="lower", without_baseline="left out")
    assert left.subject == ("a", "b")
    given_ = time_to_deterioration(subject, time, score, threshold=10, worse="lower", baseline=[90, math.nan, 30])
    assert (given_.time.tolist(), given_.event.tolist()) == ([30, 0, 30], [1, 0, 1])


def test_subjects_without_any_score_are_listed() -> None:
    """Subjects named but never scored are there, in the order named, and a trial without scores is all censored at 0."""
    found = time_to_deterioration(
        ["b", "b"],
        [0, 3],
        [50, 30],
        threshold=10,
        worse="lower",
        subjects=["z", "b"],
        death="event",
        death_time=[5, 9],
        baseline=[70, 50],
    )
    assert (found.subject, found.time.tolist(), found.cause.tolist()) == (("z", "b"), [5, 3], [2, 1])
    empty = time_to_deterioration([], [], [], threshold=10, worse="lower", subjects=["z", "b"])
    assert (empty.time.tolist(), empty.event.tolist()) == ([0, 0], [0, 0])


LASTING, DEATH = ("first", "confirmed", "definitive"), ("event", "censored", "competing")


def told(scores: list[float], died: float, end: float, lasting: str, last_event: bool, gap: float) -> tuple[float, int]:
    """Return time and cause of one subject with baseline 0, visits at 1, 2, 3 and on, going from visit to visit."""
    seen: list[tuple[float, bool]] = []
    at, lost = 0.0, False
    for visit, score in enumerate(scores, 1):
        if math.isnan(score) or visit > min(end, died):
            continue
        if visit - at > gap:
            lost = True
            break
        seen.append((float(visit), score >= 2))
        at = float(visit)
    for i, (visit, bad) in enumerate(seen):
        later = [b for _, b in seen[i + 1 :]]
        if not bad:
            continue
        enough = lasting == "first" or (last_event if not later else later[0] if lasting == "confirmed" else all(later))
        if enough:
            if visit == died:
                break
            return visit, 1
    if math.isfinite(died) and died <= end and not lost and died - at <= gap:
        return died, 2
    return at, 0


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[list[float], float, float]]:
    cell = st.sampled_from([0.0, 1.0, 2.0, 3.0, math.nan])
    moment = st.one_of(st.just(math.inf), st.integers(0, 9).map(float))
    return draw(st.lists(st.tuples(st.lists(cell, max_size=7), moment, moment), min_size=1, max_size=6))


@given(stories(), st.sampled_from(LASTING), st.booleans(), st.sampled_from([1.0, 2.0, 3.5, math.inf]), st.sampled_from(DEATH))
@settings(max_examples=150, deadline=None)
def test_many_subjects_at_once_are_each_told_right(rows: Any, lasting: Any, last_event: bool, gap: float, death: Any) -> None:
    """All subjects together give what going from visit to visit gives for each."""
    subject = np.repeat(np.arange(len(rows)), [len(scores) for scores, _, _ in rows])
    visit = np.concatenate([np.arange(1, len(scores) + 1) for scores, _, _ in rows])
    score = np.concatenate([np.array(scores, dtype=float) for scores, _, _ in rows])
    order = np.random.default_rng(0).permutation(subject.size)
    found = time_to_deterioration(
        subject[order],
        visit[order],
        score[order],
        threshold=2,
        worse="higher",
        subjects=np.arange(len(rows)),
        baseline=np.zeros(len(rows)),
        death_time=[died for _, died, _ in rows],
        censor_time=[end for _, _, end in rows],
        lasting=lasting,
        last_visit="event" if last_event else "censored",
        death=death,
        longest_gap=None if math.isinf(gap) else gap,
    )
    for i, (scores, died, end) in enumerate(rows):
        time, cause = told(scores, died, end, lasting, last_event, gap)
        shown = 0 if death == "censored" and cause == 2 else cause
        event = int(cause == 1 or (cause == 2 and death == "event"))
        assert (found.time[i], found.cause[i], found.event[i]) == (time, shown, event)


def example() -> Deterioration:
    return time_to_deterioration(
        np.repeat(["a", "b", "c"], 3), [0, 3, 6] * 3, [80, 70, 60, 80, 79, 78, 80, 82, 84], threshold=10, worse="lower",
        death="competing", death_time=[math.nan, 9, math.nan],
    )  # fmt: skip


def test_a_curve_follows() -> None:
    """Times and events go straight to Kaplan-Meier."""
    found = example()
    assert kaplan_meier(found.time, found.event).at([4]).surv[0] == pytest.approx(2 / 3)


def test_results_show_themselves() -> None:
    """The summary counts how subjects ended, the frame has a row each, arrays are read-only."""
    found = example()
    assert found.summary().splitlines()[2:] == [
        "deteriorated         1",
        "died before          1",
        "censored             1",
        "3 subjects, 1 events, 0 without baseline",
    ]
    assert found.to_frame()["cause"].tolist() == [1, 2, 0]
    assert not found.time.flags.writeable


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"threshold": 0}, "threshold is 0; it must be a finite number, above 0"),
        ({"worse": "down"}, "worse is 'down'; it must be one of lower, higher"),
        ({"lasting": "ever"}, "lasting is 'ever'; it must be one of first, confirmed, definitive"),
        ({"death": True}, "death is True; it must be one of event, censored, competing"),
        ({"longest_gap": -1}, "longest_gap is -1; it must be a finite number, above 0"),
        ({"time": [0, math.nan, 1]}, "time[1] is nan; it must be a finite number"),
        ({"time": [0, 3, 3], "subject": ["a", "b", "b"]}, "subject 'b' has two scores at time 3; it must have one"),
        ({"score": [1, 2]}, "score has 2 rows"),
        ({"score": ["good"] * 3}, "score holds values that are not numbers"),
        ({"score": [[1, 2, 3]]}, "score has 2 dimensions; it must be one column"),
        ({"subject": ["a", None, "b"]}, "subject[1] is None; it must be a label"),
        ({"subjects": ["a"]}, "subject holds 'b'; it must be one of subjects"),
        ({"subjects": ["a", "b", "a"]}, "subjects hold 'a' twice; they must be different"),
        ({"baseline": [1.0]}, "baseline has 1 rows; it must have one for each subject, 2"),
        ({"death_time": [-1, 3]}, "death_time[0] is -1.0; it must be 0 or more, or NaN where there is none"),
        ({"censored_at": "censor time", "censor_time": [5, math.nan]}, "censor_time of subject 'b' is missing"),
        ({"subject": [], "time": [], "score": []}, "subject is empty"),
    ],
)
def test_wrong_arguments_are_named(changed: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    columns: dict[str, Any] = {
        "subject": ["a", "a", "b"],
        "time": [0, 3, 3],
        "score": [80, 70, 60],
        "threshold": 10,
        "worse": "lower",
    }
    with pytest.raises(ValueError, match=r".*") as refusal:
        time_to_deterioration(**(columns | changed))
    assert sentence in str(refusal.value)
