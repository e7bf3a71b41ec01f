"""What holds around every method: the initial run, annulments, evidence, refusals, and laws."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.protocol.model.allocation import Allocation, AllocationArm, Factor
from oligami.protocol.model.common import Origin, OriginKind
from oligami.protocol.text import Text
from oligami.trial.allocation import (
    ALGORITHM_VERSION,
    PriorAllocation,
    allocate,
    check_rule,
    imbalance_by_arm,
    probability_by_arm,
)

ORIGIN = Origin(kind=OriginKind.DEFAULT)
LEVELS = ("a", "b", "c")


@pytest.fixture
def small(rule_of):
    return rule_of({"A": 1, "B": 1}, {"x": ["a", "b"], "site": []})


def at(arm, x="a", site="H1", **rest):
    return PriorAllocation(arm=arm, factors={"x": x, "site": site}, **rest)


def test_initial_run_is_simple(rule_of):
    """The first n draws follow the ratio whatever the tally; an annulled draw does not lengthen the run."""
    rule = rule_of({"A": 2, "B": 1}, {"x": ["a"]}, initial_simple=3)
    prior = [PriorAllocation(arm="A", factors={"x": "a"}) for _ in range(2)]
    third = allocate(rule, {"x": "a"}, prior, k=3, u=0.5)
    assert third.probability == {"A": 2 / 3, "B": 1 / 3}
    assert (third.imbalance, third.tally) == ({}, {"x": {"A": 2, "B": 0}})
    fourth = allocate(rule, {"x": "a"}, prior, k=4, u=0.5)
    assert fourth.probability == {"A": 0.2, "B": 0.8}


def test_simple_follows_the_ratio(rule_of):
    """Simple randomization keeps the tally as evidence and does not act on it."""
    rule = rule_of({"A": 1, "B": 3}, {"x": ["a"]}, method="simple")
    result = allocate(rule, {"x": "a"}, [PriorAllocation(arm="B", factors={"x": "a"})], k=2, u=0.25)
    assert (result.probability, result.arm, result.imbalance) == ({"A": 0.25, "B": 0.75}, "B", {})
    assert result.tally == {"x": {"A": 0, "B": 1}}


def test_an_allocation_in_error_leaves_the_tallies(small):
    """Marked as not counted or left out: the same evidence."""
    kept = [at("A"), at("B", x="b")]
    marked = [*kept, at("A", counted=False)]
    new = {"x": "a", "site": "H1"}
    assert allocate(small, new, marked, k=4, u=0.4) == allocate(small, new, kept, k=4, u=0.4)


def test_evidence_is_complete(small):
    """The answer carries method, version, k, u and the factors in the protocol's order."""
    result = allocate(small, {"site": "H1", "x": "a"}, [at("A")], k=2, u=0.9)
    assert (result.method, result.algorithm_version, result.k, result.u) == ("minimization", ALGORITHM_VERSION, 2, 0.9)
    assert list(result.factors) == ["x", "site"]
    assert result.place is None


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"x": "q", "site": "H1"}, r"factor x: found 'q'; expected one of a, b"),
        ({"site": "H1"}, r"factor x: found nothing; expected one of a, b"),
        ({"x": "a", "site": ""}, r"factor site: found ''; expected a value"),
        ({"x": "a", "site": "H1", "y": "1"}, r"factors: found y; expected x, site and no other"),
    ],
)
def test_wrong_factors_are_refused(small, factors, message):
    """The message names the factor, what was found and what was expected."""
    with pytest.raises(ValueError, match=message):
        allocate(small, factors, [], k=1, u=0.5)


def test_impossible_arguments_are_refused(small):
    """Refused: k below 1, u off [0, 1), more earlier allocations than draws, foreign arms, missing factors."""
    new = {"x": "a", "site": "H1"}
    with pytest.raises(ValueError, match="found k = 0"):
        allocate(small, new, [], k=0, u=0.5)
    for u in (1.0, -0.1, float("nan")):
        with pytest.raises(ValueError, match="expected 0 <= u < 1"):
            allocate(small, new, [], k=1, u=u)
    with pytest.raises(ValueError, match=r"found 2 before draw 2; expected 1 at most"):
        allocate(small, new, [at("A"), at("B")], k=2, u=0.5)
    with pytest.raises(ValueError, match=r"found arm 'C'; expected one of A, B"):
        allocate(small, new, [at("C")], k=2, u=0.5)
    with pytest.raises(ValueError, match="found no site"):
        allocate(small, new, [PriorAllocation(arm="A", factors={"x": "a"})], k=2, u=0.5)


def test_a_factor_dropped_by_an_amendment_is_ignored(small):
    """Earlier subjects may carry factors that the rule no longer has."""
    earlier = PriorAllocation(arm="A", factors={"x": "a", "site": "H1", "old": "1"})
    assert allocate(small, {"x": "a", "site": "H2"}, [earlier], k=2, u=0.5).arm == "B"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p_best": 0.4}, "p_best: found 0.4; expected 1/2 to 1"),
        ({"p_best": 1.1}, "p_best: found 1.1"),
        ({"probability": "rank", "q": 0.4}, "q: found 0.4; expected 1/2 to 2/1"),
        ({"probability": "rank", "q": 2.1}, "q: found 2.1"),
        ({"initial_simple": -1}, "initial_simple: found -1"),
        ({"arms": (AllocationArm(id="A"),)}, "arms: found A; expected two or more"),
        ({"arms": (AllocationArm(id="A"), AllocationArm(id="A"))}, "arms: found A, A"),
        ({"arms": (AllocationArm(id="A"), AllocationArm(id="B", ratio=0))}, "ratio of arm B: found 0"),
        ({"method": "permuted_blocks"}, "block_sizes: found none"),
        ({"method": "permuted_blocks", "block_sizes": (3,)}, "block_sizes: found 3; expected a multiple of 2"),
        (
            {"method": "permuted_blocks", "block_sizes": (2, 4), "block_probabilities": (0.5, 0.4)},
            r"block_probabilities: found 0.5, 0.4; expected 2 that sum to 1",
        ),
        ({"method": "permuted_blocks", "block_sizes": (2,), "block_probabilities": (0.5, 0.5)}, "expected 1 that sum"),
    ],
)
def test_a_contradictory_rule_is_refused(small, change, message):
    """Each contradiction is named with what was found and expected; the sound rule passes."""
    check_rule(small)
    with pytest.raises(ValueError, match=message):
        check_rule(replace(small, **change))


def test_all_faults_are_told_at_once(small):
    """Two faults, two lines."""
    twice = replace(small, initial_simple=-1, factors=(*small.factors, replace(small.factors[0], weight=-1.0)))
    with pytest.raises(ValueError, match=r"no name twice\nweight of factor x: found -1\.0.*\ninitial_simple"):
        check_rule(twice)


@st.composite
def situations(draw, *, equal_ratio=False, methods=("minimization", "simple")):
    """A rule, a new subject and earlier allocations."""
    n = draw(st.integers(2, 4))
    names = draw(st.lists(st.sampled_from("xyz"), unique=True, max_size=3))
    rule = Allocation(
        stage="second",
        method=draw(st.sampled_from(methods)),
        arms=tuple(AllocationArm(id=arm, ratio=1 if equal_ratio else draw(st.integers(1, 3))) for arm in "ABCD"[:n]),
        factors=tuple(
            Factor(
                id=name,
                title=Text(name, name),
                expression=name,
                levels=LEVELS,
                weight=draw(st.sampled_from([0.1, 0.5, 1.0, 2.0])),
                origin=ORIGIN,
            )
            for name in names
        ),
        distance=draw(st.sampled_from(["range", "variance", "sd"])),
        probability=draw(st.sampled_from(["best", "rank"])),
        p_best=draw(st.sampled_from([0.5, 0.7, 0.8, 1.0])),
        q=draw(st.sampled_from([0.5, 0.6])),
        ties=draw(st.sampled_from(["equal_split", "random_rank"])),
        ratio_counts=draw(st.sampled_from(["add_then_divide", "divide_then_add"])),
        origin=ORIGIN,
    )
    levels = st.fixed_dictionaries({name: st.sampled_from(LEVELS) for name in names})
    arms = st.sampled_from([arm.id for arm in rule.arms])
    rows = draw(st.lists(st.tuples(arms, levels), max_size=12))
    return rule, draw(levels), [PriorAllocation(arm=arm, factors=factors) for arm, factors in rows]


DRAWS = st.floats(0, 1, exclude_max=True)


@settings(max_examples=150, deadline=None)
@given(situations(), DRAWS)
def test_probabilities_are_probabilities(situation, u):
    """Non-negative, one per arm in the protocol's order, summing to 1; the arm drawn is possible; same call, same answer."""
    rule, factors, prior = situation
    result = allocate(rule, factors, prior, k=len(prior) + 1, u=u)
    assert list(result.probability) == [arm.id for arm in rule.arms]
    assert min(result.probability.values()) >= 0
    assert sum(result.probability.values()) == pytest.approx(1, abs=1e-12)
    assert result.probability[result.arm] > 0
    assert result == allocate(rule, factors, prior, k=len(prior) + 1, u=u)


@settings(max_examples=100, deadline=None)
@given(situations(equal_ratio=True), st.randoms(use_true_random=False))
def test_relabelling_arms_permutes_probabilities(situation, random):
    """With an equal ratio no arm is special: exchange the names and the probabilities go with them."""
    rule, factors, prior = situation
    names = [arm.id for arm in rule.arms]
    other = dict(zip(names, random.sample(names, len(names)), strict=True))
    renamed = [replace(earlier, arm=other[earlier.arm]) for earlier in prior]
    before = allocate(rule, factors, prior, k=len(prior) + 1, u=0.0).probability
    after = allocate(rule, factors, renamed, k=len(prior) + 1, u=0.0).probability
    assert {other[arm]: share for arm, share in before.items()} == after


@settings(max_examples=100, deadline=None)
@given(situations(equal_ratio=True, methods=("minimization",)), st.integers(1, 1000))
def test_a_constant_added_to_all_counts_changes_nothing(situation, constant):
    """Only differences between arms matter: imbalances and probabilities stay."""
    rule, factors, prior = situation
    result = allocate(rule, factors, prior, k=len(prior) + 1, u=0.0)
    raised = {name: {arm: n + constant for arm, n in counts.items()} for name, counts in result.tally.items()}
    imbalance = imbalance_by_arm(rule, raised)
    assert imbalance == pytest.approx(result.imbalance, rel=1e-9)  # below the tolerance of a tie
    if rule.distance == "range":
        assert imbalance == result.imbalance
    assert probability_by_arm(rule, imbalance) == result.probability


@settings(max_examples=100, deadline=None)
@given(situations(methods=("minimization",)), st.randoms(use_true_random=False))
def test_the_order_of_earlier_subjects_does_not_matter(situation, random):
    """Minimization sees counts, not a history."""
    rule, factors, prior = situation
    shuffled = random.sample(prior, len(prior))
    assert allocate(rule, factors, shuffled, k=13, u=0.5) == allocate(rule, factors, prior, k=13, u=0.5)
