"""MaxCombo: its parts are the single tests, its p is exact and repeats, and data that cannot be compared."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from oligami.stats.combination import maxcombo
from oligami.stats.comparison import logrank
from oligami.stats.weights import ModestlyWeighted

Arms = tuple[np.ndarray, np.ndarray, np.ndarray]


@st.composite
def arms(draw: st.DrawFn) -> Arms:
    n = draw(st.integers(6, 30))
    time = draw(st.lists(st.integers(0, 20), min_size=n, max_size=n))
    event = draw(st.lists(st.sampled_from([0, 1, 1]), min_size=n, max_size=n))
    return np.array(time, dtype=float), np.array(event), np.arange(n) % 2


@given(arms())
@settings(max_examples=25, deadline=None)
def test_parts_are_the_single_tests(data: Arms) -> None:
    """Each z is that of the weighted test, and p lies between the best single p and Bonferroni's."""
    weights = ((0, 0), (0, 1), (1, 0), (1, 1))
    strata = np.arange(data[0].size) // 2 % 2
    test = maxcombo(*data, weights=weights, strata=strata)
    singles = [logrank(*data, weight=weight, strata=strata) for weight in weights]
    np.testing.assert_allclose(test.U, [single.U for single in singles], atol=1e-12)
    np.testing.assert_allclose(test.z, [single.z for single in singles], atol=1e-9)
    if test.best is not None:
        assert test.best == test.weights[int(np.nanargmin(test.z))]
        lowest, largest = float(ndtr(test.z_min)), 2 * float(ndtr(-test.z_max_abs))
        assert lowest - 1e-9 <= test.p_one_sided <= min(4 * lowest, 1) + 1e-9
        assert largest - 1e-9 <= test.p_two_sided <= min(4 * largest, 1) + 1e-9


@given(arms())
@settings(max_examples=15, deadline=None)
def test_one_weight_is_the_single_test(data: Arms) -> None:
    """With one weight there is nothing to correct for."""
    test, single = maxcombo(*data, weights=[(0, 1)]), logrank(*data, weight=(0, 1))
    assert test.p_one_sided == pytest.approx(single.p_one_sided, abs=1e-14, nan_ok=True)
    assert test.p_two_sided == pytest.approx(single.p_two_sided, abs=1e-14, nan_ok=True)


def test_two_weights_meet_their_definition() -> None:
    """The p of two tests is that of a pair of correlated normals, here by one integral over the first."""
    rng = np.random.default_rng(20)
    time, event, group = rng.exponential(10, 80), rng.integers(0, 2, 80), np.arange(80) % 2
    test = maxcombo(time, event, group, weights=["logrank", ModestlyWeighted(t_star=8)])
    rho, c = test.correlation[0, 1], test.z_max_abs
    x, w = np.polynomial.legendre.leggauss(200)
    inside = c * np.sum(
        w
        * np.exp(-((c * x) ** 2) / 2)
        * (ndtr((c - rho * c * x) / np.sqrt(1 - rho**2)) - ndtr((-c - rho * c * x) / np.sqrt(1 - rho**2)))
    )
    assert test.p_two_sided == pytest.approx(1 - inside / math.sqrt(2 * math.pi), abs=1e-10)
    assert test.weights == ("logrank", "modestly weighted, t* = 8")


def test_the_same_every_run() -> None:
    """Run after run, and whatever the order of subjects, p has the same digits to 1e-12."""
    rng = np.random.default_rng(3)
    time, event, group = rng.exponential(10, 100), np.ones(100), np.arange(100) % 2
    one, again = maxcombo(time, event, group), maxcombo(time, event, group)
    order = rng.permutation(100)
    shuffled = maxcombo(time[order], event[order], group[order])
    assert (one.p_one_sided, one.p_two_sided) == (again.p_one_sided, again.p_two_sided)
    assert (shuffled.p_one_sided, shuffled.p_two_sided) == pytest.approx((one.p_one_sided, one.p_two_sided), abs=1e-12)
    assert one.p_error < 1e-8


def test_a_late_effect_is_found() -> None:
    """Curves that part late: the best weight looks late, and the combination is smaller than the plain test's p."""
    early = np.arange(1.0, 21)
    time = np.concatenate([early, 21 + np.arange(20), early, 41 + np.arange(20)])
    group = np.repeat(["A", "B"], 40)
    test = maxcombo(time, np.ones(80), group)
    assert test.best == "G(0, 1)"
    assert test.p_one_sided < logrank(time, np.ones(80), group).p_one_sided
    assert test.summary().startswith("MaxCombo test\nweight")
    assert test.to_frame()["weight"].tolist() == ["G(0, 0)", "G(0, 1)", "G(1, 0)", "G(1, 1)"]


def test_uninformative_weights_are_left_out() -> None:
    """One event only: G(0, 1) sees nothing and the other weights are one and the same test."""
    columns = ([1, 2, 3, 4], [1, 0, 0, 0], ["A", "A", "B", "B"])
    test = maxcombo(*columns)
    assert np.isnan(test.z).tolist() == [False, True, False, True]
    assert test.p_one_sided == pytest.approx(logrank(*columns).p_one_sided, abs=1e-14)


def test_no_event_gives_no_test() -> None:
    """All censored: nothing is compared."""
    test = maxcombo([1, 2, 3], [0, 0, 0], ["A", "A", "B"])
    assert test.best is None
    assert math.isnan(test.p_one_sided)
    assert math.isnan(test.p_two_sided)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"group": [1, 1, 1]}, "groups are (1,); they must be two"),
        ({"group": [1, 2, 3]}, "groups are (1, 2, 3); they must be two"),
        ({"weights": []}, "weights are none; they must be 1 to 5 different ones"),
        ({"weights": [(0, 1), (0.0, 1.0)]}, "weights are G(0, 1), G(0, 1); they must be 1 to 5 different ones"),
        ({"weights": [(0, g) for g in range(6)]}, "they must be 1 to 5 different ones"),
        ({"weights": ["late"]}, "weights[0] is 'late'; it must be one of logrank"),
        ({"time": [1, 2, math.nan]}, "time[2] is nan"),
    ],
)
def test_wrong_arguments_are_named(changed: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    given: dict[str, Any] = {"time": [1, 2, 3], "event": [1, 1, 0], "group": [0, 1, 1]} | changed
    with pytest.raises(ValueError, match=r".*") as refusal:
        maxcombo(**given)
    assert sentence in str(refusal.value)
