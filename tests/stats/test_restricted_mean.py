"""Restricted means of two arms: laws that always hold, and answers to unusual data."""

import math
from typing import Any

import numpy as np
import pytest

from oligami.stats.restricted_mean import adjusted_restricted_mean, compare_restricted_means, restricted_mean_difference
from oligami.stats.survival import kaplan_meier


def made_up(n: int, seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    arm, age = rng.integers(0, 2, n), rng.normal(60, 8, n)
    end, censored = rng.exponential(np.exp(0.4 * arm + 0.02 * (60 - age))), rng.uniform(0, 4, n)
    return np.minimum(end, censored), (end <= censored).astype(float), arm, age


def test_exchanged_arms_turn_the_comparison_round() -> None:
    """With the arms exchanged, the difference changes its sign, the ratios become their inverse, and p stays."""
    time, event, arm, _ = made_up(120, 1)
    a, b = (kaplan_meier(time[arm == g], event[arm == g]) for g in (0, 1))
    there, back = compare_restricted_means(a, b, 2.0), compare_restricted_means(b, a, 2.0)
    assert there.difference.value == -back.difference.value
    for one, other in ((there.ratio, back.ratio), (there.ratio_lost, back.ratio_lost)):
        assert one.value * other.value == pytest.approx(1, rel=1e-12)
        assert one.lower * other.upper == pytest.approx(1, rel=1e-12)
        assert one.p_two_sided == pytest.approx(other.p_two_sided, rel=1e-9)
    assert there.difference == restricted_mean_difference(a, b, 2.0)
    assert "Restricted mean up to 2" in there.summary()


def test_nothing_lost_makes_no_ratio() -> None:
    """Where nobody of an arm had the event, the ratio of time lost is not defined, and the ratio of time kept is."""
    a, b = kaplan_meier([3, 3], [0, 0]), kaplan_meier([1, 3, 3], [1, 0, 0])
    found = compare_restricted_means(a, b, 3.0)
    assert math.isnan(found.ratio_lost.value)
    assert math.isnan(found.ratio_lost.p_two_sided)
    assert found.ratio.value == pytest.approx(7 / 9)


def test_errors_of_the_adjusted_ratios_are_those_of_leaving_one_out() -> None:
    """The errors on the log scale agree with the jackknife, which knows nothing of their formula."""
    time, event, arm, age = made_up(150, 6)
    found = adjusted_restricted_mean(time, event, arm, age, 1.5)
    left_out = []
    for i in range(time.size):
        keep = np.arange(time.size) != i
        part = adjusted_restricted_mean(time[keep], event[keep], arm[keep], age[keep], 1.5)
        left_out.append([part.difference.value, math.log(part.ratio.value), math.log(part.ratio_lost.value)])
    jackknife = np.std(left_out, axis=0) * math.sqrt(time.size - 1)
    errors = [found.difference.std_err, found.ratio.log_std_err, found.ratio_lost.log_std_err]
    np.testing.assert_allclose(errors, jackknife, rtol=0.08)  # both are first-order; n = 150 leaves some 1/sqrt(n)


def test_without_censoring_adjustment_is_plain_regression() -> None:
    """When every time is known, the difference is the coefficient of the arm in ordinary least squares."""
    time, _, arm, age = made_up(60, 3)
    found = adjusted_restricted_mean(time, np.ones(60), arm, age, 1.0)
    x = np.column_stack([np.ones(60), arm, age])
    assert found.difference.value == pytest.approx(np.linalg.lstsq(x, np.minimum(time, 1.0))[0][1], rel=1e-9)


def test_an_arm_that_loses_nothing_makes_no_adjusted_ratio() -> None:
    """When nobody of an arm had the event before the window's end, the ratio of time lost is not defined."""
    found = adjusted_restricted_mean([1, 3, 3, 3, 3, 3], [1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1], [1, 2, 4, 1, 2, 4], 3.0)
    assert math.isnan(found.ratio_lost.value)
    assert found.ratio.value > 1


def test_scale_of_a_covariate_does_not_matter() -> None:
    """Age in days adjusts as age in years does."""
    time, event, arm, age = made_up(80, 9)
    years, days = (adjusted_restricted_mean(time, event, arm, a, 1.5) for a in (age, age * 365.25))
    assert years.difference.value == pytest.approx(days.difference.value, rel=1e-9)
    assert years.ratio_lost.value == pytest.approx(days.ratio_lost.value, rel=1e-9)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"arm": [1, 1, 1, 1]}, "arm is 1 in every row; it must be 0 in some and 1 in others"),
        ({"tau": 5.0}, "tau is 5.0; it must be more than 0 and at most the last observed time in each arm, 3.0"),
        ({"covariates": [2, 2, 2, 2]}, "covariates are constant or add up to each other or to the arm"),
        ({"covariates": [1, 2, 3, math.nan]}, "covariates[3, 0] is nan; it must be a finite number"),
        ({"conf_level": 0}, "conf_level is 0; it must lie between 0 and 1"),
    ],
)
def test_wrong_arguments_are_named(changed: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    given = {"time": [1, 2, 3, 4], "event": [1, 1, 1, 1], "arm": [0, 1, 0, 1], "covariates": [1, 2, 3, 5], "tau": 2.0}
    with pytest.raises(ValueError, match=r".*") as refusal:
        adjusted_restricted_mean(**(given | changed))
    assert sentence in str(refusal.value)
