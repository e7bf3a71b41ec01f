"""Subjects rebuilt from published curves: near the subjects the curves were made of."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats.reconstruction import Reconstruction, reconstruct
from oligami.stats.regression import cox
from oligami.stats.survival import SurvivalCurve, kaplan_meier
from stats_reference import columns_of

# A curve's foot at each event, the numbers at risk under the axis as publications print them: (data, group, every, last).
PUBLISHED = [("gbsg", "hormon", 365.25), ("lung", "sex", 100.0), ("veteran", "trt", 60.0), ("colon_death", "rx", 365.25)]


def read_off(curve: SurvivalCurve, every: float, digits: int) -> dict[str, Any]:
    """What a reader of a figure takes down: the steps and the end of the curve, rounded, and numbers at risk."""
    steps = np.append(np.flatnonzero(curve.n_event), curve.time.size - 1)
    steps = np.unique(steps)
    risk_times = np.arange(0, curve.time[-1], every)
    return {
        "times": curve.time[steps],
        "survival": np.round(curve.surv[steps], digits),
        "risk_times": risk_times,
        "numbers_at_risk": curve.number_at_risk(risk_times),
    }


@pytest.mark.parametrize(("name", "group", "every"), PUBLISHED)
def test_rebuilt_subjects_are_near_the_original(name: str, group: str, every: float) -> None:
    """From curves read to 4 digits: the curve, numbers at risk, events, and the hazard ratio of the first two arms."""
    data = columns_of({"dataset": f"data/{name}.csv", "input": {}})
    arms = sorted(set(data[group].tolist()), key=str)[:2]
    rebuilt: list[Reconstruction] = []
    for arm in arms:
        mine = data[group] == arm
        curve = kaplan_meier(data["time"][mine], data["event"][mine])
        found = reconstruct(**read_off(curve, every, 4), total_events=curve.events)
        rebuilt.append(found)
        assert found.n == curve.n
        np.testing.assert_array_equal(found.n_risk, found.n_risk_given)
        assert abs(found.events - curve.events) <= 1  # the last event may fall to the rounding of heights
        there, back = curve.at(curve.time), kaplan_meier(found.time, found.event).at(curve.time)
        # An event more or less before a time is 1 / (number at risk) of the curve; censored are spread, not known.
        np.testing.assert_array_less(np.abs(there.surv - back.surv), there.surv / np.maximum(there.n_risk - 1, 1) + 5e-4)
    time, event = (np.concatenate([getattr(one, part) for one in rebuilt]) for part in ("time", "event"))
    arm = np.repeat([0, 1], [one.n for one in rebuilt])
    both = np.isin(data[group], arms)
    truth = cox(data["time"][both], data["event"][both], data[group][both] == arms[1])
    again = cox(time, event, arm)
    # The censored are spread evenly, not where they were, and an event may be gained or lost: small beside the error.
    assert abs(again.coef[0] - truth.coef[0]) < 0.1 * truth.se[0]
    assert again.se[0] == pytest.approx(truth.se[0], rel=0.01)


@pytest.mark.parametrize("total", [None, 165])
def test_a_single_number_at_risk_will_do(total: int | None) -> None:
    """With the number at the start alone, all are rebuilt; the total of events then tells how many are censored."""
    data = columns_of({"dataset": "data/lung.csv", "input": {}})
    curve = kaplan_meier(data["time"], data["event"])
    read = read_off(curve, 1e9, 6)
    found = reconstruct(**read, total_events=total)
    assert found.n == 228
    if total is None:
        assert found.events > 165  # without censoring known, the curve's every fall costs more subjects
    else:
        assert abs(found.events - 165) <= 2  # the censored are spread evenly, which they were not


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 1)), min_size=2, max_size=60).filter(lambda r: any(e for _, e in r)),
    st.integers(3, 30),
    st.booleans(),
    st.integers(1, 6),
)
@settings(max_examples=150, deadline=None)
def test_whatever_was_read_gives_as_many_subjects(rows: list[tuple[int, int]], every: int, told: bool, digits: int) -> None:
    """Any curve, however coarsely read, gives the number of subjects at its start, in order, at times of the curve."""
    time, event = np.array(rows, dtype=float).T
    curve = kaplan_meier(time, event)
    read = read_off(curve, every, digits)
    found = reconstruct(**read, total_events=curve.events if told else None)
    assert found.n == curve.n
    assert (np.diff(found.time) >= 0).all()
    assert ((found.time >= 0) & (found.time <= curve.time[-1])).all()
    assert found.n_risk[0] == found.n_risk_given[0]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60), st.integers(5, 20))
@settings(max_examples=80, deadline=None)
def test_without_censoring_everyone_comes_back(times: list[int], every: int) -> None:
    """When all have the event, an exact curve gives exactly the original times."""
    curve = kaplan_meier(times, np.ones(len(times)))
    found = reconstruct(**read_off(curve, every, 15), total_events=len(times))
    np.testing.assert_array_equal(found.time, np.sort(times))
    assert found.event.all()


def test_a_slip_of_the_hand_is_taken_down() -> None:
    """A height read above the one before it counts as flat."""
    clean = reconstruct([0, 1, 2, 3], [1, 0.8, 0.8, 0.6], [0], [10], total_events=4)
    slipped = reconstruct([0, 1, 2, 3], [1, 0.8, 0.82, 0.6], [0], [10], total_events=4)
    np.testing.assert_array_equal(clean.time, slipped.time)
    np.testing.assert_array_equal(clean.event, slipped.event)


def test_a_curve_that_starts_below_one_has_events_at_once() -> None:
    """Events at time 0 are rebuilt at time 0."""
    found = reconstruct([0, 5], [0.9, 0.9], [0], [10])
    assert found.time[found.event == 1].tolist() == [0.0]


def test_flat_curve_has_the_censored_alone() -> None:
    """A curve that never falls gives no events, and as many left at each time as were published."""
    found = reconstruct([0, 10, 20], [1, 1, 1], [0, 10, 20], [8, 5, 3])
    assert found.events == 0
    np.testing.assert_array_equal(found.n_risk, [8, 5, 3])
    assert "8 subjects, 0 events" in found.summary()
    assert found.to_frame().shape == (8, 2)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"times": [0, 2, 2]}, "times do not ascend; each must be later than the one before"),
        ({"survival": [1, 0.5]}, "survival has 2 rows; it must have as many as times, 3"),
        ({"survival": [1, 0.5, 50]}, "survival holds 50.0; each must lie within 0 and 1"),
        ({"survival": [1, np.nan, 0.5]}, "survival[1] is nan; it must be a finite number"),
        ({"times": [], "survival": []}, "times is empty; it must hold at least one value"),
        ({"risk_times": [1, 2]}, "risk_times are [1.0, 2.0]; they must ascend from 0"),
        ({"numbers_at_risk": [5]}, "numbers_at_risk has 1 rows; it must have as many as risk_times, 2"),
        ({"numbers_at_risk": [5, 6]}, "numbers_at_risk are [5.0, 6.0]; they must be whole, never rise, and start above 0"),
        ({"total_events": 11}, "total_events is 11; it must be a whole number from 0 to 10"),
    ],
)
def test_wrong_arguments_are_named(changed: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    given = {"times": [0, 1, 2], "survival": [1, 0.8, 0.7], "risk_times": [0, 1], "numbers_at_risk": [10, 9]}
    with pytest.raises(ValueError, match=r".*") as refusal:
        reconstruct(**(given | changed))
    assert sentence in str(refusal.value)
