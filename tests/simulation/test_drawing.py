"""How values are drawn."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.simulation.drawing import between, choose, draw_value, exponential, stream
from oligami.simulation.scenario import Draw

seeds = st.integers(0, 10_000)


@settings(max_examples=60)
@given(st.dictionaries(st.text(min_size=1, max_size=3), st.sampled_from([0.0, 0.5, 2.0]), min_size=1), seeds)
def test_only_what_has_weight_is_chosen(weights, seed):
    """A key without weight is never drawn."""
    if sum(weights.values()) > 0:
        assert weights[choose(weights, stream(seed, "x", 1))] > 0


@settings(max_examples=60)
@given(st.integers(-5, 5), st.integers(0, 5), seeds)
def test_whole_numbers_lie_between_both_ends(low, more, seed):
    """A whole number lies from the lower to the upper limit, both included."""
    assert low <= between((low, low + more), stream(seed, "x", 1)) <= low + more


@settings(max_examples=60)
@given(seeds)
def test_normal_numbers_keep_inside_their_limits(seed):
    """Limits cut a normal number, even where they lie far from its mean."""
    for mean in (0.0, 6.4):
        draw = Draw(normal=(mean, 1.0), low=6.0, high=7.0, decimals=3)
        assert 6.0 <= draw_value(draw, {}, stream(seed, "x", 1)) <= 7.0


def test_streams_do_not_touch_each_other():
    """A stream depends on seed, purpose and number, and on nothing drawn before."""
    first = stream(1, "scans", 7).random()
    stream(1, "scans", 8).random()
    assert stream(1, "scans", 7).random() == first
    assert len({first, stream(2, "scans", 7).random(), stream(1, "fate", 7).random(), stream(1, "scans", 8).random()}) == 4


def test_rows_refer_to_fields_before_them():
    """A row's field sees the fields drawn before it in the same row; a field without a value is left out."""
    draw = Draw(
        rows=Draw(whole=(3, 3)),
        row={
            "id": Draw(numbered="L"),
            "site": Draw(choose={"brain": 1}),
            "size": Draw(by="site", case={"brain": Draw(value=4)}),
            "axis": Draw(by="site", case={"node": Draw(value=1)}),
        },
    )
    rows = draw_value(draw, {}, stream(1, "x", 1))
    assert rows == [{"id": f"L{number}", "site": "brain", "size": 4} for number in (1, 2, 3)]


def test_dates_count_from_a_named_date():
    """A date is so many days from another, given as a date or as text."""
    draw = Draw(days=(-2, -2), of="start")
    for start in (date(2024, 3, 1), "2024-03-01"):
        assert draw_value(draw, {"start": start}, stream(1, "x", 1)) == date(2024, 2, 28)


def test_a_name_that_is_not_there_is_an_error():
    """A draw that names what was not drawn says so."""
    with pytest.raises(ValueError, match="'subtyp'"):
        draw_value(Draw(copy="subtyp"), {"subtype": "x"}, stream(1, "x", 1))


def test_a_rate_of_zero_never_comes():
    """Waiting for what has no rate never ends."""
    assert exponential(0.0, stream(1, "x", 1)) == float("inf")
