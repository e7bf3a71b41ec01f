"""The whole analysis: every trial has results, however little has happened in it."""

from dataclasses import fields, is_dataclass, replace
from datetime import date
from math import isfinite

import pytest

from oligami.analysis.plan import analyse

DEGENERATE = {
    "nobody registered": {"registered": 0},
    "nobody randomized": {"randomize": False},
    "first weeks": {"registered": 340, "cut": date(2024, 3, 1)},
    "no event": {"events": False},
    "one arm empty": {"arms_used": "last"},
    "one or two subjects": {"registered": 2, "seed": 3},
}


def numbers(value):
    """All floats inside results."""
    if isinstance(value, float):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for own in fields(value):
            yield from numbers(getattr(value, own.name))
    elif isinstance(value, dict):
        for own in value.values():
            yield from numbers(own)
    elif isinstance(value, (tuple, list)):
        for own in value:
            yield from numbers(own)


@pytest.mark.parametrize("trial", ["protocol", "tiny"])
@pytest.mark.parametrize("what", DEGENERATE)
def test_any_trial_has_results(request, synthetic, trial, what):
    """Empty arms, no events and early cuts give None with a reason, never NaN, infinity or an error."""
    own = request.getfixturevalue(trial)
    settings = dict(DEGENERATE[what])
    if settings.get("arms_used") == "last":
        settings["arms_used"] = (own.allocation.arms[-1].id,)
    results = analyse(synthetic.made_up(own, **settings), own)
    assert all(isfinite(number) for number in numbers(results))
    comparison = next(iter(results.endpoints[results.headline.primary].comparisons), None)
    if comparison is not None and comparison.hazard_ratio.value is None:
        assert comparison.hazard_ratio.reason is not None


def test_same_datasets_same_results(synthetic, protocol):
    """The analysis has no chance and no clock of its own."""
    datasets = synthetic.made_up(protocol, registered=40)
    assert analyse(datasets, protocol) == analyse(datasets, protocol)


def test_a_missing_endpoint_is_refused_by_name(synthetic, protocol):
    """Datasets without an endpoint of the protocol are refused, and the error says which."""
    datasets = synthetic.made_up(protocol, registered=5)
    incomplete = replace(datasets, endpoints={name: own for name, own in datasets.endpoints.items() if name != "pfs"})
    with pytest.raises(ValueError, match="pfs"):
        analyse(incomplete, protocol)


def test_accrual_is_over_when_the_first_stage_is_full_and_nobody_is_on_the_way(synthetic, protocol):
    """A trial that closes one short of the planned number still comes to its planned analysis."""
    full = synthetic.made_up(protocol, registered=340, cut=date(2033, 6, 1))
    few = replace(protocol, design=replace(protocol.design, randomized_planned=340))
    states = [
        replace(full.subjects, status=tuple(("off_study" if each == "in_therapy" else each) for each in full.subjects.status))
    ]
    states.append(replace(full.subjects, status=("in_therapy", *full.subjects.status[1:])))
    over, waiting = (analyse(replace(full, subjects=each), few).headline for each in states)
    assert over.planned_analysis is not None
    assert waiting.planned_analysis is None


def test_planned_analysis_comes_with_the_planned_follow_up(synthetic, protocol):
    """The test is descriptive until all planned are randomized and followed for the planned years after the last of them."""
    early = analyse(synthetic.made_up(protocol, registered=345, cut=date(2027, 6, 1)), protocol).headline
    late = analyse(synthetic.made_up(protocol, registered=345, cut=date(2033, 6, 1)), protocol).headline
    few = analyse(synthetic.made_up(protocol, registered=20, cut=date(2033, 6, 1)), protocol).headline
    assert (early.is_planned_analysis, late.is_planned_analysis, few.is_planned_analysis) == (False, True, False)
    assert early.planned_analysis == late.planned_analysis
    assert few.planned_analysis is None
