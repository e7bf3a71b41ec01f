"""Competing risks: laws that always hold, and answers to unusual data."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats.competing import cumulative_incidence, gray_test, incidence_difference
from oligami.stats.survival import kaplan_meier

Cohort = tuple[np.ndarray, np.ndarray]


@st.composite
def cohorts(draw: st.DrawFn, causes: int) -> Cohort:
    """Few distinct times, so that ties are the rule; `causes` kinds of end beside censoring."""
    n = draw(st.integers(1, 25))
    time = draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))
    cause = draw(st.lists(st.integers(0, causes), min_size=n, max_size=n))
    return np.array(time, dtype=float), np.array(cause)


@given(cohorts(causes=3))
@settings(max_examples=60, deadline=None)
def test_causes_and_survival_share_out_everyone(cohort: Cohort) -> None:
    """At each time the incidences of all causes and the survival free of any add up to 1."""
    time, cause = cohort
    curves = cumulative_incidence(time, cause, causes=[1, 2, 3])
    free = kaplan_meier(time, cause > 0).surv
    np.testing.assert_allclose(curves.incidence.sum(axis=0) + free, 1, atol=1e-12)
    assert (curves.variance >= -1e-12).all()  # rounding
    assert sum(curves.events) == np.count_nonzero(cause)


@given(cohorts(causes=1))
@settings(max_examples=40, deadline=None)
def test_a_single_cause_mirrors_the_curve(cohort: Cohort) -> None:
    """With one cause the cumulative incidence is 1 less survival."""
    curves = cumulative_incidence(*cohort, causes=[1])
    np.testing.assert_allclose(curves.incidence[0], 1 - kaplan_meier(*cohort).surv, atol=1e-12)


@given(cohorts(causes=2), st.sampled_from(["log-log", "log", "plain"]))
@settings(max_examples=60, deadline=None)
def test_limits_hold_the_incidence_between_them(cohort: Cohort, scale: Any) -> None:
    """Where they are defined, limits lie within 0 and 1 and around the incidence; both are 0 while it is 0."""
    curves = cumulative_incidence(*cohort, causes=[1, 2])
    lower, upper = curves.limits(curves.time, conf_type=scale)
    known = ~np.isnan(lower)
    assert ((lower[known] >= 0) & (lower[known] <= curves.incidence[known] + 1e-12)).all()
    assert ((upper[known] <= 1) & (upper[known] >= curves.incidence[known] - 1e-12)).all()
    assert (upper[curves.incidence == 0] == 0).all()


def test_plain_limits_are_the_normal_interval() -> None:
    """On the plain scale the limits are 1.96 errors to either side."""
    rng = np.random.default_rng(2)
    curves = cumulative_incidence(rng.exponential(size=200), rng.integers(0, 3, 200))
    value, variance = curves.at([0.7])
    lower, upper = curves.limits([0.7], conf_type="plain")
    np.testing.assert_allclose(lower, value - 1.959963984540054 * np.sqrt(variance), rtol=1e-12)
    np.testing.assert_allclose(upper, value + 1.959963984540054 * np.sqrt(variance), rtol=1e-12)


def test_difference_of_incidences() -> None:
    """The difference at a time adds up the variances of both groups, and its sign turns with their order."""
    rng = np.random.default_rng(3)
    a, b = (cumulative_incidence(rng.exponential(size=80), rng.integers(0, 3, 80)) for _ in range(2))
    there, back = incidence_difference(a, b, 0.5, 2), incidence_difference(b, a, 0.5, 2)
    (value_a, variance_a), (value_b, variance_b) = a.at([0.5]), b.at([0.5])
    assert there.value == pytest.approx(value_b[1, 0] - value_a[1, 0], rel=1e-12)
    assert there.std_err == pytest.approx(math.sqrt(variance_a[1, 0] + variance_b[1, 0]), rel=1e-12)
    assert (back.value, back.lower, back.p_two_sided) == (-there.value, -there.upper, there.p_two_sided)
    with pytest.raises(ValueError, match=r"cause is 3; it must be one of those of curves_a, \(1, 2\)"):
        incidence_difference(a, b, 0.5, 3)


@given(cohorts(causes=2), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_gray_test_knows_no_order_of_groups(cohort: Cohort, random: Any) -> None:
    """Scores of all groups add up to 0, and whichever group is left out the test is the same."""
    time, cause = cohort
    group = np.array([random.choice("abc") for _ in time])
    there = gray_test(time, cause, group, groups=["a", "b", "c"])
    back = gray_test(time, cause, group, groups=["c", "a", "b"])
    np.testing.assert_allclose(there.variance.sum(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(there.variance, back.variance[np.ix_([1, 2, 0], [1, 2, 0])], atol=1e-9)
    assert there.score.sum() == pytest.approx(0, abs=1e-9)
    assert there.df == back.df
    if there.df:
        assert there.chisq == pytest.approx(back.chisq, rel=1e-5, abs=1e-8)  # variances of few subjects are ill-conditioned


def test_gray_test_keeps_its_level_in_three_groups() -> None:
    """Where three groups have the same incidence, the statistic has the mean and variance of a chi-square on 2 df."""
    rng = np.random.default_rng(11)
    found = []
    for _ in range(400):
        time, cause = rng.exponential(size=(2, 240)), rng.integers(1, 3, 240)
        end = np.floor(np.minimum(time[0], 2 * time[1]) * 20)  # ties, and a third censored
        test = gray_test(end, np.where(time[0] <= 2 * time[1], cause, 0), np.repeat([0, 1, 2], [60, 80, 100]))
        assert test.df == 2
        found.append(test.chisq)
    assert np.mean(found) == pytest.approx(2, abs=4 * 2 / math.sqrt(400))  # 4 standard errors of the mean
    assert np.mean(np.array(found) > 5.991464547) == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 400))


def test_gray_test_sees_a_difference_the_weight_looks_at() -> None:
    """A late difference gains by a negative rho, which weighs late events more."""
    rng = np.random.default_rng(5)
    time = np.concatenate([rng.exponential(1.0, 300), np.where((t := rng.exponential(1.0, 300)) > 0.7, 0.7 + 3 * (t - 0.7), t)])
    end, cause = np.minimum(time, 2.0), np.where(time < 2.0, 1, 0)
    group = np.repeat(["a", "b"], 300)
    early, even, late = (gray_test(end, cause, group, rho=rho).chisq for rho in (3.0, 0.0, -0.9))
    assert early < even < late


@pytest.mark.parametrize(
    ("cause", "group"),
    [([0, 0, 0, 0], ["a", "b", "a", "b"]), ([2, 2, 0, 2], ["a", "b", "a", "b"]), ([1, 1, 0, 2], ["a"] * 4)],
)
def test_gray_test_without_a_comparison(cause: list[int], group: list[str]) -> None:
    """All censored, no event of the cause, or a single group: there is no test."""
    test = gray_test([1, 2, 3, 4], cause, group)
    assert test.df == 0
    assert math.isnan(test.chisq)
    assert math.isnan(test.p_two_sided)
    assert "p —" in test.summary()


@pytest.mark.parametrize("cause", [[-1, 0], [0.5, 0]])
def test_causes_are_whole_numbers(cause: list[float]) -> None:
    """A cause is 0 for a censoring or the positive number of a cause."""
    with pytest.raises(ValueError, match=r"cause\[0\] is .*; it must be a whole number, 0 or more"):
        cumulative_incidence([1, 2], cause)


def test_an_unlisted_cause_is_refused() -> None:
    """When the causes are listed, each that occurs must be among them."""
    with pytest.raises(ValueError, match=r"include \[1, 2\]"):
        cumulative_incidence([1, 2], [1, 2], causes=[1])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"of": 0}, "of is 0; it must be the positive number of a cause"),
        ({"rho": math.nan}, "rho is nan; it must be a finite number"),
        ({"groups": ["a"]}, "groups are ('a',); they must be different and include ('a', 'b')"),
        ({"strata": [1]}, "strata has 1 rows; it must have as many as time, 2"),
    ],
)
def test_wrong_arguments_of_the_gray_test_are_named(options: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    with pytest.raises(ValueError, match=r".*") as refusal:
        gray_test([1, 2], [1, 0], ["a", "b"], **options)
    assert sentence in str(refusal.value)


def test_curves_show_themselves() -> None:
    """Curves become a data frame of one row a cause and time, a text, and a picture of one line a cause."""
    curves = cumulative_incidence([1, 2, 3, 4], [1, 2, 0, 1])
    frame = curves.to_frame()
    assert frame.shape == (8, 7)
    np.testing.assert_array_equal(frame["incidence"], curves.incidence.ravel())
    assert "4 subjects" in curves.summary()
    lines = curves.plot(labels=["progression", "death"]).get_lines()
    assert [line.get_label() for line in lines] == ["progression", "death"]
    np.testing.assert_array_equal(lines[1].get_ydata(), [0, *curves.incidence[1]])
