"""Probabilities of rectangles of normal variables: closed forms, R's mvtnorm, singular correlations, refusals."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr

from oligami.stats.multivariate_normal import rectangle_probability


def equal(d: int, rho: float) -> np.ndarray:
    return np.full((d, d), rho) + (1 - rho) * np.eye(d)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5])
def test_orthants_of_half_correlation(d: int) -> None:
    """With every correlation one half, all of d variables are positive with probability 1 / (d + 1)."""
    found = rectangle_probability([0] * d, [math.inf] * d, equal(d, 0.5))
    assert found.value == pytest.approx(1 / (d + 1), abs=1e-11)
    assert found.error < 1e-9


@given(st.floats(-1, 1))
@settings(max_examples=40, deadline=None)
def test_orthant_of_two(rho: float) -> None:
    """Sheppard's formula for two, from -1 to 1."""
    found = rectangle_probability([0, 0], [math.inf, math.inf], [[1, rho], [rho, 1]])
    assert found.value == pytest.approx(0.25 + math.asin(rho) / (2 * math.pi), abs=3e-8 if abs(rho) > 1 - 1e-13 else 1e-13)


@given(st.tuples(*[st.floats(-1, 1)] * 3))
@settings(max_examples=40, deadline=None)
def test_orthant_of_three(directions: tuple[float, float, float]) -> None:
    """The closed form for three variables."""
    factors = np.array([[1, 0, 0], [math.cos(3 * directions[0]), math.sin(3 * directions[0]), 0], [*directions[1:], 0.3]])
    factors /= np.linalg.norm(factors, axis=1)[:, np.newaxis]
    correlation = np.clip(factors @ factors.T, -1, 1)
    np.fill_diagonal(correlation, 1)
    angles = sum(math.asin(correlation[i, j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    found = rectangle_probability([0] * 3, [math.inf] * 3, correlation)
    # near a correlation of 1 the arc sine itself loses half its digits
    assert found.value == pytest.approx(0.125 + angles / (4 * math.pi), abs=1e-8)


@pytest.mark.parametrize("d", [2, 3, 4])
@pytest.mark.parametrize("rho", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (-2.5, math.inf), (-0.5, 1.2)])
def test_equal_correlations(d: int, rho: float, low: float, high: float) -> None:
    """Given their common part, equally correlated variables are independent: one integral over that part."""

    def given_common(x: float) -> float:
        a, b = ((limit - math.sqrt(rho) * x) / math.sqrt(1 - rho) for limit in (low, high))
        return math.exp(-x * x / 2) / math.sqrt(2 * math.pi) * float(ndtr(b) - ndtr(a)) ** d

    expected = quad(given_common, -10, 10, epsabs=1e-13, limit=400)[0]
    assert rectangle_probability([low] * d, [high] * d, equal(d, rho)).value == pytest.approx(expected, abs=1e-11)


R3 = [[1, 0.3, -0.6], [0.3, 1, 0.2], [-0.6, 0.2, 1]]
R4 = [[1, 0.9, 0.5, 0.2], [0.9, 1, 0.6, 0.3], [0.5, 0.6, 1, -0.4], [0.2, 0.3, -0.4, 1]]
NEARLY = [[1, 0.99, 0.97, 0.98], [0.99, 1, 0.94, 0.985], [0.97, 0.94, 1, 0.96], [0.98, 0.985, 0.96, 1]]


@pytest.mark.parametrize(
    ("low", "high", "R", "expected", "good"),
    [
        # mvtnorm 1.1-3: pmvnorm(lower, upper, corr = R, algorithm = TVPACK(1e-14)), Miwa(steps = 4097), Miwa(steps = 1025)
        ([-math.inf] * 3, [0.5, 0.3, 1], R3, 0.390757251130037, 1e-13),
        ([-1, -2, -0.5], [1.5, 0.3, 2], R3, 0.275099152259988, 1e-11),
        ([-2, -1, -3, -0.5], [1, 2, 0.5, 2.5], R4, 0.3874986503471, 2e-10),  # its grid is good to 1e-10
        ([-2.3] * 4, [2.3] * 4, NEARLY, 0.96839607473937, 5e-10),
    ],
)
def test_mvtnorm_is_met(low: list[float], high: list[float], R: list[list[float]], expected: float, good: float) -> None:
    """R's deterministic algorithms give the same."""
    assert rectangle_probability(low, high, R).value == pytest.approx(expected, abs=good)


@pytest.mark.parametrize(("a", "b", "c"), [(1, 1, 1), (2.1, 1.7, 1.9), (3, 3, 1), (0.5, 2, 0.7)])
def test_singular_three(a: float, b: float, c: float) -> None:
    """Two variables and their scaled sum: a polygon of the plane, integrated piece by piece."""
    s = math.sqrt(0.5)
    k = c / s

    def across(y: float) -> float:
        return math.exp(-y * y / 2) / math.sqrt(2 * math.pi) * max(float(ndtr(min(b, k - y)) - ndtr(max(-b, -k - y))), 0.0)

    kinks = [p for p in (k - b, b - k) if -a < p < a]
    edges = sorted({-a, a, *kinks})
    expected = sum(quad(across, lo, hi, epsabs=1e-14)[0] for lo, hi in pairwise(edges))
    found = rectangle_probability([-a, -b, -c], [a, b, c], [[1, 0, s], [0, 1, s], [s, s, 1]])
    assert found.value == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=4, max_size=4), st.floats(0.5, 3))
@settings(max_examples=15, deadline=None)
def test_four_directions_of_space(rows: list[list[float]], c: float) -> None:
    """Four tests of rank three: the probability is a number between the bounds any correlation leaves."""
    factors = np.array(rows) + 0.01 * np.eye(4, 3)
    factors[np.linalg.norm(factors, axis=1) < 1e-3] = [1.0, 0.0, 0.0]
    factors /= np.linalg.norm(factors, axis=1)[:, np.newaxis]
    found = rectangle_probability([-c] * 4, [c] * 4, factors @ factors.T)
    one = float(ndtr(c) - ndtr(-c))
    # Sidak's inequality below, the single test above
    assert one**4 - 1e-8 <= found.value <= one + 1e-8
    assert found.error < 1e-6


def test_variables_that_are_the_same_are_one() -> None:
    """A repeated variable, or its negative, only narrows the limits; one without limits adds nothing."""
    same = [[1, 1, -1, 0.4], [1, 1, -1, 0.4], [-1, -1, 1, -0.4], [0.4, 0.4, -0.4, 1]]
    found = rectangle_probability([-1, -2, -0.5, -math.inf], [2, 1.5, 3, math.inf], same)
    assert found.value == pytest.approx(float(ndtr(0.5) - ndtr(-1)), abs=1e-15)
    assert rectangle_probability([1, -1], [2, 0], [[1, 1], [1, 1]]).value == 0
    assert rectangle_probability([1, -1], [1, 0], np.eye(2)).value == 0
    assert rectangle_probability([-math.inf], [math.inf], [[1]]).value == 1


def test_the_same_every_run() -> None:
    """There is no chance in it: the digits repeat."""
    runs = {rectangle_probability([-2, -1, -3, -0.5], [1, 2, 0.5, 2.5], R4) for _ in range(3)}
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("low", "high", "R", "sentence"),
    [
        ([0] * 6, [1] * 6, np.eye(6), "lower has shape (6,); it must be one column of 1 to 5 limits"),
        ([0], [1, 2], np.eye(1), "upper and correlation have shapes (2,) and (1, 1)"),
        ([0, 2], [1, 1], np.eye(2), "lower[1] is 2.0 and upper[1] is 1.0; the upper must not be below the lower"),
        ([0, math.nan], [1, 1], np.eye(2), "lower[1] is nan"),
        ([0, 0], [1, 1], [[1, 0.5], [0.4, 1]], "correlation is not symmetric"),
        ([0, 0], [1, 1], [[1, 1.5], [1.5, 1]], "correlation has the eigenvalue -0.5; it must have none below 0"),
    ],
)
def test_wrong_rectangles_are_named(low: Any, high: Any, R: Any, sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    with pytest.raises(ValueError, match=r".*") as refusal:
        rectangle_probability(low, high, R)
    assert sentence in str(refusal.value)
