"""The log-rank test: laws that always hold, and answers to data that cannot be compared."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats.comparison import logrank

Arms = tuple[np.ndarray, np.ndarray, np.ndarray]


@st.composite
def arms(draw: st.DrawFn, groups: int = 2) -> Arms:
    """Subjects of several groups, each group occurring, with many tied times."""
    n = draw(st.integers(2 * groups, 30))
    time = draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))
    event = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    return np.array(time, dtype=float), np.array(event), np.arange(n) % groups


@given(arms(), st.floats(0.1, 5), st.floats(0.2, 3))
@settings(max_examples=60, deadline=None)
def test_only_the_order_of_times_counts(data: Arms, factor: float, power: float) -> None:
    """A change of clock that keeps the order of times keeps the test."""
    time, event, group = data
    one, other = logrank(time, event, group), logrank(factor * time**power, event, group)
    np.testing.assert_allclose([other.U, other.V], [one.U, one.V], atol=1e-12)


@given(arms(groups=3), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_of_subjects_does_not_matter(data: Arms, random: Any) -> None:
    """Shuffled rows give the same test."""
    time, event, group = data
    order = list(range(time.size))
    random.shuffle(order)
    one, other = logrank(time, event, group), logrank(time[order], event[order], group[order])
    np.testing.assert_allclose(one.expected, other.expected, atol=1e-12)
    assert one.chisq == pytest.approx(other.chisq, nan_ok=True)


@given(arms(groups=3))
@settings(max_examples=40, deadline=None)
def test_expected_events_are_shared_out(data: Arms) -> None:
    """As many events are expected as observed, and the variances of all groups cancel."""
    result = logrank(*data)
    assert result.expected.sum() == pytest.approx(result.observed.sum())
    np.testing.assert_allclose(result.variance.sum(axis=0), 0, atol=1e-9)


@given(arms())
@settings(max_examples=40, deadline=None)
def test_strata_add_up(data: Arms) -> None:
    """The stratified difference and variance are the sums of those of the strata."""
    time, event, group = data
    stratum = np.arange(time.size) // 2 % 2
    whole = logrank(time, event, group, strata=stratum)
    parts = [logrank(time[stratum == s], event[stratum == s], group[stratum == s], groups=[0, 1]) for s in np.unique(stratum)]
    sums = np.sum([[part.U, part.V] for part in parts], axis=0)
    np.testing.assert_allclose([whole.U, whole.V], sums, atol=1e-12)


@given(arms())
@settings(max_examples=30, deadline=None)
def test_naming_the_arms_in_the_other_order_turns_the_sign(data: Arms) -> None:
    """The second group is the experimental one; chi-square does not care."""
    one, other = logrank(*data), logrank(*data, groups=[1, 0])
    assert other.z == pytest.approx(-one.z, nan_ok=True)
    assert other.chisq == pytest.approx(one.chisq, nan_ok=True)


def test_fewer_events_than_expected_favour_the_second_group() -> None:
    """The sign is negative when the experimental arm lives longer, and the one-sided p is small."""
    result = logrank([1, 2, 3, 4, 5, 6, 7, 8], [1] * 8, ["A"] * 4 + ["B"] * 4)
    assert result.groups == ("A", "B")
    assert result.z < 0
    assert result.p_one_sided < 0.05


def test_two_columns_of_strata_are_crossed() -> None:
    """Several stratification factors make their combinations the strata, whatever type the labels have."""
    time, event, group = np.arange(1, 17), np.ones(16), np.tile([0, 1], 8)
    first, second = np.repeat([0, 1], 8), np.tile(np.repeat([0, 1], 4), 2)
    crossed = logrank(time, event, group, strata=np.column_stack([first, second]))
    combined = logrank(time, event, group, strata=[f"{a}/{b}" for a, b in zip(first, second, strict=True)])
    assert (crossed.U, crossed.V) == (combined.U, combined.V)


@pytest.mark.parametrize(
    ("event", "group"),
    [([1, 1, 1], ["A", "A", "A"]), ([0, 0, 0], ["A", "B", "B"])],
    ids=["one group", "no event"],
)
def test_nothing_to_compare_gives_no_test(event: list[int], group: list[str]) -> None:
    """One group alone, or no event at all, leaves chi-square and p undefined with 0 degrees of freedom."""
    result = logrank([1, 2, 3], event, group)
    assert result.df == 0
    assert math.isnan(result.chisq)
    assert math.isnan(result.p_two_sided)
    assert math.isnan(result.z)
    assert result.observed.sum() == sum(event)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"group": ["A"]}, "group has 1 rows; it must have as many as time, 2"),
        ({"group": ["A", None]}, "group[1] is None; it must be a label"),
        ({"group": [1.0, math.nan]}, "group[1] is nan; it must be a label"),
        ({"strata": [1, 2, 3]}, "strata has 3 rows; it must have as many as time, 2"),
        ({"groups": ["A"]}, "groups are ('A',); they must be different and include ('A', 'B')"),
        ({"time": []}, "time is empty"),
    ],
)
def test_wrong_columns_are_named(changed: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    arguments: dict[str, Any] = {"time": [1, 2], "event": [1, 0], "group": ["A", "B"]} | changed
    with pytest.raises(ValueError, match=r".*") as refusal:
        logrank(**arguments)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize("k", [2, 100, 127, 128, 300])
def test_any_number_of_groups_is_numbered(k):
    """Positions of groups are kept short where they are few; no number of groups, and no order of them, overflows."""
    source = np.random.default_rng(k)
    time, event, group = np.ceil(source.exponential(20.0, 4 * k)), source.random(4 * k) < 0.7, np.tile(np.arange(k), 4)
    plain = logrank(time, event, group)
    words = logrank(time, event, [f"{g:03}" for g in group])
    turned = logrank(time, event, group - 5, groups=list(range(k - 5, -7, -1)))
    assert plain.n.tolist() == [4] * k
    assert plain.events.tolist() == np.bincount(group, weights=event).astype(int).tolist()
    assert turned.n.tolist() == [0, *[4] * k, 0]  # nobody bears the first label, nor the last
    for test in (words, turned):
        assert test.chisq == pytest.approx(plain.chisq, rel=1e-9)
    assert np.array_equal(words.observed, plain.observed)
