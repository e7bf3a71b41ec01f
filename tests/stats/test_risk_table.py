"""The table of counts at each time: whichever way it is made, it counts the same."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats.risk_table import RiskTable, risk_table

Rows = list[tuple[float, int, float, int]]

# Few distinct times, so that ties are the rule; whole ones are counted, others sorted.
TIMES = st.one_of(st.integers(0, 8).map(float), st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 2.5, 1e-300, 1e9]))
ROWS = st.lists(st.tuples(TIMES, st.integers(0, 1), st.floats(0, 0.9), st.integers(1, 3)), min_size=1, max_size=30)


def counted_one_by_one(end: Any, event: Any, entry: Any, weight: Any) -> list[tuple[Any, ...]]:
    """The definition, time by time."""
    answer = []
    for t in np.unique(end):
        here = end == t
        at_risk = weight[(entry < t) & (end >= t)].sum()
        answer.append((t, at_risk, weight[here & (event == 1)].sum(), weight[here & (event == 0)].sum()))
    return answer


def as_rows(table: RiskTable) -> list[tuple[Any, ...]]:
    return list(zip(table.time, table.n_risk, table.n_event, table.n_censored, strict=True))


@given(ROWS, st.booleans(), st.booleans())
@settings(max_examples=120, deadline=None)
def test_table_counts_what_the_definition_says(rows: Rows, late: bool, weighted: bool) -> None:
    """At risk are those whose entry is before the time and whose end is not; with weights, as many times as they weigh."""
    end, event, share, weight = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    end = end + 1 if late else end  # an entry before a time asks for a time above 0
    table = risk_table(end, event.astype(np.int64), end * share if late else None, weight if weighted else None)
    entry = end * share if late else np.full(end.size, -1.0)
    assert as_rows(table) == counted_one_by_one(end, event, entry, weight if weighted else np.ones(end.size))


@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_many_rows_agree_with_counting(offset: float) -> None:
    """Ten thousand rows, sorted or counted, have the numbers that np.unique finds."""
    rng = np.random.default_rng(4)
    end = rng.integers(0, 700, 10_000) + offset
    event = rng.integers(0, 2, end.size)
    table = risk_table(end, event)
    time, leaving = np.unique(end, return_counts=True)
    np.testing.assert_array_equal(table.time, time)
    np.testing.assert_array_equal(table.n_event + table.n_censored, leaving)
    np.testing.assert_array_equal(table.n_risk, leaving[::-1].cumsum()[::-1])
    np.testing.assert_array_equal(table.n_event, [event[end == t].sum() for t in time])


def test_whole_times_far_apart_need_no_large_table() -> None:
    """Whole times of a large range are sorted, not counted into a table as long as the range."""
    table = risk_table(np.array([1e15, 3.0]), np.array([1, 0]))
    assert as_rows(table) == [(3.0, 2, 0, 1), (1e15, 1, 1, 0)]


def test_minus_zero_is_zero() -> None:
    """A time of -0.0 is tied with 0.0."""
    assert as_rows(risk_table(np.array([-0.0, 0.0, 0.5]), np.array([1, 1, 1]))) == [(0.0, 3, 2, 0), (0.5, 1, 1, 0)]


def test_weights_that_do_not_add_up_exactly_still_end_at_zero() -> None:
    """When nobody is left after a time, exactly as much has the event as was at risk, whatever the weights round to."""
    end, entry = np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0])
    table = risk_table(end, np.array([1, 1, 1]), entry, np.array([0.1, 0.2, 0.3]))
    np.testing.assert_array_equal(table.n_risk, table.n_event)
