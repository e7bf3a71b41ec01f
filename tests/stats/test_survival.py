"""Curves: laws that always hold, and answers to unusual data."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats.survival import (
    ConfidenceType,
    cumulative_incidence,
    kaplan_meier,
    restricted_mean_difference,
    reverse_kaplan_meier,
    survival_difference,
)

Cohort = tuple[np.ndarray, np.ndarray]
SCALES: list[ConfidenceType] = ["log-log", "log", "plain", "logit", "arcsine"]


@st.composite
def cohorts(draw: st.DrawFn, endings: int = 1) -> Cohort:
    """Few distinct times, so that ties are the rule; `endings` kinds of end beside censoring."""
    n = draw(st.integers(1, 25))
    time = draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))
    ending = draw(st.lists(st.integers(0, endings), min_size=n, max_size=n))
    return np.array(time, dtype=float), np.array(ending)


@given(cohorts(), st.sampled_from(SCALES))
@settings(max_examples=60, deadline=None)
def test_curve_falls_from_one_to_zero_at_most(cohort: Cohort, scale: ConfidenceType) -> None:
    """The curve never rises and stays, with its limits around it, within 0 and 1."""
    curve = kaplan_meier(*cohort, conf_type=scale)
    assert (np.diff(np.append(1.0, curve.surv)) <= 0).all()
    assert ((curve.surv >= 0) & (curve.surv <= 1)).all()
    known = ~np.isnan(curve.lower)
    assert (curve.lower[known] >= 0).all()
    assert (curve.upper[known] <= 1).all()
    assert (curve.lower[known] <= curve.surv[known] + 1e-12).all()  # rounding
    assert (curve.upper[known] >= curve.surv[known] - 1e-12).all()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(0, 10))
@settings(max_examples=60, deadline=None)
def test_without_censoring_the_curve_counts_survivors(times: list[int], t: int) -> None:
    """When everyone has the event the curve is the share of subjects whose time is later."""
    curve = kaplan_meier(times, np.ones(len(times)))
    assert curve.at([t]).surv[0] == pytest.approx(np.mean(np.array(times) > t), abs=1e-12)
    assert curve.number_at_risk([t])[0] == np.sum(np.array(times) >= t)


@given(cohorts(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_of_subjects_does_not_matter(cohort: Cohort, random: Any) -> None:
    """Shuffled rows give the same curve."""
    time, event = cohort
    order = list(range(time.size))
    random.shuffle(order)
    one, other = kaplan_meier(time, event), kaplan_meier(time[order], event[order])
    for name in ("time", "n_risk", "n_event", "n_censored", "surv", "lower", "upper"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@given(cohorts())
@settings(max_examples=40, deadline=None)
def test_mean_over_all_time_is_the_mean(cohort: Cohort) -> None:
    """Without censoring the restricted mean up to any later time is the plain mean."""
    time, _ = cohort
    mean = kaplan_meier(time, np.ones(time.size)).restricted_mean(20.0)
    assert mean.value == pytest.approx(time.mean())
    assert mean.std_err == pytest.approx(time.std() / math.sqrt(time.size), abs=1e-9)


@given(cohorts(endings=3))
@settings(max_examples=60, deadline=None)
def test_causes_and_survival_share_out_everyone(cohort: Cohort) -> None:
    """At each time the incidences of all causes and the survival free of any add up to 1."""
    time, cause = cohort
    curves = cumulative_incidence(time, cause, causes=[1, 2, 3])
    free = kaplan_meier(time, cause > 0).surv
    np.testing.assert_allclose(curves.incidence.sum(axis=0) + free, 1, atol=1e-12)
    assert (curves.variance >= -1e-12).all()  # rounding
    assert sum(curves.events) == np.count_nonzero(cause)


@given(cohorts())
@settings(max_examples=40, deadline=None)
def test_a_single_cause_mirrors_the_curve(cohort: Cohort) -> None:
    """With one cause the cumulative incidence is 1 less survival."""
    curves = cumulative_incidence(*cohort, causes=[1])
    np.testing.assert_allclose(curves.incidence[0], 1 - kaplan_meier(*cohort).surv, atol=1e-12)


@given(cohorts())
@settings(max_examples=30, deadline=None)
def test_entry_at_the_start_changes_nothing(cohort: Cohort) -> None:
    """Late entry at time 0 is no late entry."""
    time, event = cohort[0] + 1, cohort[1]
    late = kaplan_meier(time, event, entry=np.zeros(time.size))
    np.testing.assert_array_equal(late.surv, kaplan_meier(time, event).surv)


def test_limits_are_one_before_the_first_event() -> None:
    """While nobody had the event, reading the curve gives 1 with limits 1 and 1, also after a censoring."""
    points = kaplan_meier([1, 2, 3], [0, 1, 1]).at([0, 1.5, 5])
    np.testing.assert_array_equal(points.lower[:2], [1, 1])
    np.testing.assert_array_equal(points.upper[:2], [1, 1])
    assert np.isnan([points.lower[2], points.upper[2], points.std_err[2]]).all()
    np.testing.assert_array_equal(points.n_risk, [3, 2, 0])


def test_follow_up_counts_censoring_as_its_event() -> None:
    """Follow-up ends at 2, 3 and 5; its curve lies flat at one half from 3 to 5, so the median is 4."""
    assert reverse_kaplan_meier([1, 2, 3, 4, 5], [1, 0, 0, 1, 0]).median == 4


def test_difference_is_antisymmetric() -> None:
    """Exchanging two curves turns the sign of their difference, and nothing else."""
    a = kaplan_meier([1, 2, 3, 4, 5, 6], [1, 0, 1, 0, 1, 0])
    b = kaplan_meier([2, 3, 4, 6, 7, 8], [1, 0, 0, 1, 0, 0])
    for there, back in (
        (survival_difference(a, b, 4, 0.9), survival_difference(b, a, 4, 0.9)),
        (restricted_mean_difference(a, b, 6), restricted_mean_difference(b, a, 6)),
    ):
        assert (there.value, there.lower, there.p_two_sided) == (-back.value, -back.upper, back.p_two_sided)
        assert there.value > 0


def test_mean_beyond_observation_is_refused() -> None:
    """A window that outlasts the observation of a curve above 0 has no mean."""
    with pytest.raises(ValueError, match=r"tau is 5; it must be at most the last observed time, 3\.0"):
        kaplan_meier([1, 3], [1, 0]).restricted_mean(5)
    with pytest.raises(ValueError, match="tau is 0; it must be more than 0"):
        kaplan_meier([1, 3], [1, 0]).restricted_mean(0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"time": [], "event": []}, "time is empty; it must hold at least one value"),
        ({"time": [1, 2], "event": [1]}, "event has 1 rows; it must have as many as time, 2"),
        ({"time": [1, math.nan], "event": [1, 0]}, "time[1] is nan; it must be a finite number"),
        ({"time": [1, -2], "event": [1, 0]}, "time[1] is -2.0; it must be 0 or more"),
        ({"time": [1, 2], "event": [1, 2]}, "event[1] is 2.0; it must be 0 or 1"),
        ({"time": ["a"], "event": [1]}, "time holds values that are not numbers; it must be a column of numbers"),
        ({"time": [[1, 2]], "event": [1]}, "time has 2 dimensions; it must be one column"),
        ({"time": [1], "event": [1], "conf_level": 95}, "conf_level is 95; it must lie between 0 and 1"),
        ({"time": [1], "event": [1], "conf_type": "wald"}, "conf_type is 'wald'; it must be one of log-log, log, plain"),
        ({"time": [1], "event": [1], "entry": [1]}, "entry[0] is 1.0; it must be less than time[0], 1.0"),
    ],
)
def test_wrong_columns_are_named(arguments: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    with pytest.raises(ValueError, match=r".*") as refusal:
        kaplan_meier(**arguments)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize("cause", [[-1, 0], [0.5, 0]])
def test_causes_are_whole_numbers(cause: list[float]) -> None:
    """A cause is 0 for a censoring or the positive number of a cause."""
    with pytest.raises(ValueError, match=r"cause\[0\] is .*; it must be a whole number, 0 or more"):
        cumulative_incidence([1, 2], cause)


def test_an_unlisted_cause_is_refused() -> None:
    """When the causes are listed, each that occurs must be among them."""
    with pytest.raises(ValueError, match=r"include \[1, 2\]"):
        cumulative_incidence([1, 2], [1, 2], causes=[1])


def test_probability_lies_inside() -> None:
    """A quantile is asked for a share between 0 and 1."""
    with pytest.raises(ValueError, match=r"probability is \[1.0\]; each must lie between 0 and 1"):
        kaplan_meier([1], [1]).quantile([1.0])


def test_results_cannot_be_altered() -> None:
    """The arrays of a curve are read-only."""
    with pytest.raises(ValueError, match="read-only"):
        kaplan_meier([1], [1]).surv[0] = 0.5
