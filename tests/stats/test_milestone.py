"""Survival at a milestone: scales against the binomial without censoring, symmetry, and curves at the edge."""

import math
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats.milestone import MilestoneScale, milestone_difference

SCALES: tuple[MilestoneScale, ...] = get_args(MilestoneScale)


def trial(alive: tuple[int, int], n: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return two groups without censoring before time 10, of which so many live past it."""
    time = np.concatenate([np.r_[np.linspace(1, 9, n[g] - alive[g]), np.full(alive[g], 12.0)] for g in (0, 1)])
    return time, (time < 10).astype(int), np.repeat(["A", "B"], n)


@given(st.integers(1, 19), st.integers(1, 24))
@settings(max_examples=40, deadline=None)
def test_without_censoring_it_is_the_binomial(a: int, b: int) -> None:
    """Each scale is the delta method on two proportions alive."""
    p, n = np.array([a / 20, b / 25]), np.array([20, 25])
    binomial = p * (1 - p) / n
    logs = np.log(p)
    effects = {
        "plain": (p[1] - p[0], binomial),
        "log": (logs[1] - logs[0], binomial / p**2),
        "log-log": (np.diff(np.log(-logs))[0], binomial / (p * logs) ** 2),
        "logit": (np.diff(np.log(p / (1 - p)))[0], 1 / (n * p * (1 - p))),
        "arcsine": (np.diff(np.arcsin(np.sqrt(p)))[0], 1 / (4 * n)),
    }
    for scale in SCALES:
        found = milestone_difference(*trial((a, b), (20, 25)), 10, scale=scale)
        effect, variance = effects[scale]
        assert found.effect == pytest.approx(effect, abs=1e-12)
        assert found.effect_std_err == pytest.approx(math.sqrt(np.sum(variance)), rel=1e-12)
        assert found.difference == pytest.approx(p[1] - p[0], abs=1e-12)
        assert np.sign(np.round(found.z, 9)) == np.sign(round(p[1] - p[0], 9))  # positive favours the second, on any scale


@pytest.mark.parametrize("scale", SCALES)
def test_groups_the_other_way_turn_the_sign(scale: MilestoneScale) -> None:
    """The second group is the experimental one; a small one-sided p speaks for it."""
    data = trial((6, 17), (20, 25))
    one, other = milestone_difference(*data, 10, scale=scale), milestone_difference(*data, 10, scale=scale, groups=["B", "A"])
    assert other.z == pytest.approx(-one.z)
    assert (other.lower, other.upper) == pytest.approx((-one.upper, -one.lower))
    assert one.p_one_sided < 0.025 < other.p_one_sided
    assert one.p_two_sided == pytest.approx(2 * one.p_one_sided)


def test_ratios() -> None:
    """Logarithmic scales read as ratios: of survivals, of cumulative hazards, of odds; the others do not."""
    data = trial((10, 15), (20, 20))
    ratios = {scale: milestone_difference(*data, 10, scale=scale).ratio()[0] for scale in ("log", "log-log", "logit")}
    assert ratios["log"] == pytest.approx(1.5)
    assert ratios["log-log"] == pytest.approx(math.log(0.75) / math.log(0.5))
    assert ratios["logit"] == pytest.approx(3)
    with pytest.raises(ValueError, match="scale is 'plain'; for a ratio it must be one of log, log-log, logit"):
        milestone_difference(*data, 10).ratio()


def test_curves_at_their_ends() -> None:
    """Nobody died in either group: no difference and nothing to divide by; one group at 1: only scales that reach it."""
    level = milestone_difference(*trial((20, 20), (20, 20)), 10)
    assert (level.difference, level.effect_std_err) == (0, 0)
    assert math.isnan(level.z)
    assert math.isnan(level.p_two_sided)
    for scale, finite in (("plain", True), ("log", True), ("log-log", False), ("logit", False), ("arcsine", False)):
        found = milestone_difference(*trial((10, 20), (20, 20)), 10, scale=scale)
        assert math.isfinite(found.z) == finite
    gone = milestone_difference(*trial((0, 10), (20, 20)), 10)
    assert gone.surv[0] == 0
    assert math.isnan(gone.z)


def test_late_entries_count() -> None:
    """A subject under observation only later is not at risk before."""
    time, event, group = [4, 6, 8, 12, 5, 7, 9, 12], [1, 1, 0, 0, 1, 0, 1, 0], [0] * 4 + [1] * 4
    late = milestone_difference(time, event, group, 10, entry=[0, 5, 0, 0, 0, 0, 0, 0])
    assert late.surv[0] == pytest.approx((2 / 3) * (2 / 3))
    assert late.n_risk.tolist() == [1, 1]


def test_results_show_themselves() -> None:
    """The summary names the scale and the groups, the frame has one row."""
    found = milestone_difference(*trial((6, 17), (20, 25)), 10, scale="log-log")
    assert found.summary().startswith("Survival at 10, log-log scale\n")
    assert "cumulative hazard ratio" in found.summary()
    assert "difference of arcsin" in milestone_difference(*trial((6, 17), (20, 25)), 10, scale="arcsine").summary()
    assert found.to_frame().shape[0] == 1


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"t": 0}, "t is 0; it must be a finite number, above 0"),
        ({"t": math.nan}, "t is nan; it must be a finite number"),
        ({"t": 6}, "t is 6; it must be at most 5, the last time observed in group 1"),
        ({"scale": "cloglog"}, "scale is 'cloglog'; it must be one of plain, log, log-log, logit, arcsine"),
        ({"group": [0, 0, 0, 0]}, "groups are (0,); they must be two, with subjects in each"),
        ({"groups": [0, 1, 2]}, "groups are (0, 1, 2); they must be two"),
        ({"conf_level": 1}, "conf_level is 1; it must lie between 0 and 1"),
        ({"event": [1, 0, 2, 0]}, "event[2] is 2.0; it must be 0 or 1"),
    ],
)
def test_wrong_arguments_are_named(changed: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    given: dict[str, Any] = {"time": [2, 8, 3, 5], "event": [1, 0, 1, 0], "group": [0, 0, 1, 1], "t": 4} | changed
    with pytest.raises(ValueError, match=r".*") as refusal:
        milestone_difference(**given)
    assert sentence in str(refusal.value)
