"""Sizes of lesions, and the response that is read from them."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.protocol.load import find_protocol, load_protocol
from oligami.simulation.drawing import stream
from oligami.simulation.lesions import baseline_burden, drift, grow, read_scan, shrink, stay, vanish

RULES = load_protocol(find_protocol("jcog2110")).response
assert RULES is not None
WEEK12 = date(2024, 4, 1)

sizes = st.integers(50, 320).map(lambda tenths: tenths / 10)


@st.composite
def lesions(draw, number):
    site = draw(st.sampled_from(["bone", "lung", "liver", "brain", "distant_node"]))
    row = {
        "id": f"L{number}",
        "kind": "distant_metastasis",
        "site": site,
        "certainty": "definite",
        "max_diameter_mm": draw(sizes),
    }
    if site == "distant_node":
        row["short_axis_mm"] = draw(st.integers(100, 190)) / 10
    return row


@st.composite
def tables(draw):
    count = draw(st.integers(1, 3))
    return [draw(lesions(number)) for number in range(1, count + 1)]


def read(burden, day, **more):
    return read_scan(burden, WEEK12 + timedelta(days=day), new_lesion="no", **more)


@settings(max_examples=80, deadline=None)
@given(tables(), st.integers(0, 1000), st.integers(0, 12))
def test_drifting_lesions_never_progress_and_growing_ones_always_do(rows, seed, scans):
    """However long lesions drift, no rule calls it progression; the first growth is progression at once."""
    chance = stream(seed, "x", 1)
    burden = baseline_burden(rows, RULES)
    stay(burden, chance)
    assert read(burden, 0).overall in ("SD", "PR", "CR", "Non-CR/Non-PD")
    for number in range(1, scans + 1):
        drift(burden, chance)
        assert read(burden, 84 * number).overall != "PD"
    grow(burden, chance)
    assert read(burden, 84 * (scans + 1)).overall == "PD"


@settings(max_examples=60, deadline=None)
@given(tables(), st.integers(0, 1000))
def test_lesions_that_vanish_are_a_complete_response(rows, seed):
    """When every lesion goes, the response is complete and none remains; what comes back is progression."""
    burden = baseline_burden(rows, RULES)
    vanish(burden)
    assert read(burden, 0).overall == "CR"
    assert burden.remaining == []
    grow(burden, stream(seed, "x", 1))
    assert read(burden, 84).overall == "PD"


@settings(max_examples=60, deadline=None)
@given(tables(), st.integers(0, 1000))
def test_lesions_that_shrink_respond(rows, seed):
    """Measured lesions that shrink are a partial response, or a complete one of nodes; bone alone cannot respond."""
    burden = baseline_burden(rows, RULES)
    measured = any(lesion.target for lesion in burden.lesions)
    shrink(burden, stream(seed, "x", 1))
    assert read(burden, 0).overall in (("PR", "CR") if measured else ("Non-CR/Non-PD", "CR"))


def test_a_scan_that_tells_nothing_is_not_evaluable():
    """Without sizes the response is not evaluable, and the rows say that nothing was assessed."""
    row = {"id": "L1", "kind": "distant_metastasis", "site": "lung", "certainty": "definite", "max_diameter_mm": 18.0}
    reading = read(baseline_burden([row], RULES), 0, assessed=False)
    assert reading.overall == "NE"
    assert [each["status"] for each in reading.rows] == ["not_assessed"]


def test_a_resected_lesion_is_no_longer_measured():
    """From the day of surgery a lesion is resected, and the response is that of the others."""
    rows = [
        {"id": name, "kind": "distant_metastasis", "site": "lung", "certainty": "definite", "max_diameter_mm": size}
        for name, size in (("L1", 25.0), ("L2", 12.0))
    ]
    burden = baseline_burden(rows, RULES)
    burden.lesions[0].resected = WEEK12
    assert [lesion.id for lesion in burden.remaining] == ["L2"]
    reading = read(burden, 1)
    assert reading.overall == "SD"
    assert [each["status"] for each in reading.rows] == ["resected", "measured"]


@pytest.mark.parametrize(
    ("row", "target"),
    [
        ({"site": "bone", "max_diameter_mm": 25.0}, False),
        ({"site": "lung", "max_diameter_mm": 9.9}, False),
        ({"site": "lung", "max_diameter_mm": 10.0}, True),
        ({"site": "distant_node", "max_diameter_mm": 25.0, "short_axis_mm": 14.9}, False),
        ({"site": "distant_node", "max_diameter_mm": 25.0, "short_axis_mm": 15.0}, True),
        ({"site": "lung", "max_diameter_mm": 20.0, "certainty": "indeterminate"}, False),
    ],
)
def test_targets_are_what_the_response_rules_measure(row, target):
    """Bone, small lesions, small nodes and lesions in doubt are followed, not measured."""
    known = {"id": "L1", "kind": "distant_metastasis", "certainty": "definite", **row}
    assert baseline_burden([known], RULES).lesions[0].target is target


def test_only_metastases_that_count_remain():
    """A local recurrence is followed, but is none of the metastases that the trial counts."""
    rows = [
        {"id": "L1", "kind": "local_recurrence", "site": "other", "certainty": "definite", "max_diameter_mm": 20.0},
        {"id": "L2", "kind": "distant_metastasis", "site": "bone", "certainty": "definite", "max_diameter_mm": 20.0},
    ]
    burden = baseline_burden(rows, RULES)
    assert [lesion.id for lesion in burden.remaining] == ["L2"]
    assert len(burden.present) == 2
