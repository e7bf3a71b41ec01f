"""Permuted blocks: the published codebook, fair arrangements, drawn sizes, and places that are not refilled."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.protocol.model.allocation import AllocationArm
from oligami.trial.allocation import PriorAllocation, allocate


@pytest.fixture(scope="module")
def blocks_of(rule_of):
    """Give the rule of permuted blocks for arms (with ratio), sizes and factors."""

    def of(arms, sizes, factors=None, probabilities=()):
        return rule_of(arms, factors or {}, method="permuted_blocks", block_sizes=sizes, block_probabilities=probabilities)

    return of


def run(rule, rows, *, prior=()):
    """Allocate (factors, u) one after another; return every answer."""
    so_far, answers = list(prior), []
    for factors, u in rows:
        answer = allocate(rule, factors, so_far, k=len(so_far) + 1, u=u)
        so_far.append(as_prior(answer))
        answers.append(answer)
    return answers


def as_prior(answer, **rest):
    return PriorAllocation(arm=answer.arm, factors=answer.factors, place=answer.place, **rest)


def draws_for(rule, word):
    """Find draws that make the rule give these arms: the middle of each arm's interval."""
    draws, prior = [], []
    for arm in word:
        probe = allocate(rule, {}, prior, k=len(prior) + 1, u=0.0)
        lower = sum(share for other, share in probe.probability.items() if other < arm)
        draws.append(lower + probe.probability[arm] / 2)
        prior.append(as_prior(allocate(rule, {}, prior, k=len(prior) + 1, u=draws[-1])))
    return draws


def read_codebook(codebook, digits):
    """Altman and Bland's way: digit by digit, those not in the book left out."""
    return [codebook[digit] for digit in digits if digit in codebook]


def test_altman_and_bland_column(blocks_of, reference):
    """Their digits give their blocks, and the rule can give each block when asked for it by draws."""
    case = reference("altman_bland_1999_blocks")
    words = read_codebook(case["codebook"], "".join(case["random_digits_column"]))
    assert words == case["expected_blocks"]
    assert "/".join(words[:5]) in case["printed_blocks"]
    rule = blocks_of({"A": 1, "B": 1}, (case["block_size"],))
    draws = [u for word in words for u in draws_for(rule, word)]
    answers = run(rule, [({}, u) for u in draws])
    assert "".join(answer.arm for answer in answers) == "".join(words)
    assert [answer.place.block for answer in answers] == [1 + i // 4 for i in range(40)]


def test_every_arrangement_is_equally_likely(blocks_of, reference):
    """The product of the four probabilities is 1/6 for the six words of the codebook, 0 for any other."""
    codebook = reference("altman_bland_1999_blocks")["codebook"]
    rule = blocks_of({"A": 1, "B": 1}, (4,))
    assert set(codebook.values()) == {"".join(word) for word in permutations("AABB")}
    for word in map("".join, product("AB", repeat=4)):
        chance, prior = Fraction(1), []
        for arm in word:
            answer = allocate(rule, {}, prior, k=len(prior) + 1, u=0.0)
            chance *= Fraction(answer.probability[arm]).limit_denominator(12)
            prior.append(replace(as_prior(answer), arm=arm))
            if not chance:
                break
        assert chance == (Fraction(1, 6) if word in codebook.values() else 0), word


ROWS = st.lists(
    st.tuples(st.fixed_dictionaries({"x": st.sampled_from("ab"), "y": st.sampled_from("pq")}), st.floats(0, 1)),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, sizes=st.sampled_from([(2,), (4,), (2, 4), (4, 6, 8)]))
def test_imbalance_stays_within_half_a_block(blocks_of, rows, sizes):
    """In every stratum at most half the block at any time, zero at block ends; places run 1, 2, … without a gap."""
    rule = blocks_of({"A": 1, "B": 1}, sizes, {"x": ["a", "b"], "y": ["p", "q"]})
    rows = [(factors, min(u, 1 - 2**-53)) for factors, u in rows]
    difference, last = Counter(), {}
    for answer in run(rule, rows):
        place = answer.place
        difference[place.stratum] += 1 if answer.arm == "A" else -1
        assert abs(difference[place.stratum]) <= place.size / 2
        if place.position == place.size:
            assert difference[place.stratum] == 0
        before = last.get(place.stratum)
        if before is None or before.position == before.size:
            assert (place.block, place.position) == ((before.block if before else 0) + 1, 1)
            assert place.size in sizes
        else:
            assert (place.block, place.position, place.size) == (before.block, before.position + 1, before.size)
        last[place.stratum] = place


@settings(max_examples=30, deadline=None)
@given(us=st.lists(st.floats(0, 1, exclude_max=True), min_size=12, max_size=12))
def test_a_block_keeps_an_unequal_ratio(blocks_of, us):
    """With 2:1 every finished block of 6 has four and two."""
    answers = run(blocks_of({"A": 2, "B": 1}, (6,)), [({}, u) for u in us])
    for block in (answers[:6], answers[6:]):
        assert Counter(answer.arm for answer in block) == {"A": 4, "B": 2}


def test_size_is_read_off_the_first_draw(blocks_of):
    """Sizes 2 and 4 at 1/4 and 3/4: u = 0.2 lies at 0.8 of the first interval, u = 0.4 at 0.2 of the second."""
    rule = blocks_of({"A": 1, "B": 1}, (2, 4), probabilities=(0.25, 0.75))
    small = allocate(rule, {}, [], k=1, u=0.2)
    assert (small.place.size, small.place.u_arm, small.arm, small.u) == (2, pytest.approx(0.8), "B", 0.2)
    large = allocate(rule, {}, [], k=1, u=0.4)
    assert (large.place.size, large.place.u_arm, large.arm) == (4, pytest.approx(0.2), "A")
    second = allocate(rule, {}, [as_prior(large)], k=2, u=0.1)
    assert (second.place.size, second.place.u_arm, second.probability) == (4, 0.1, {"A": 1 / 3, "B": 2 / 3})
    edge = allocate(rule, {}, [], k=1, u=1 - 2**-53)
    assert (edge.place.size, edge.arm) == (4, "B")
    assert edge.place.u_arm < 1


def test_what_is_left_of_a_draw_stays_below_one(blocks_of):
    """The double nearest to 1/3 lies just below it: the rest of the draw rounds to 1 and must not."""
    place = allocate(blocks_of({"A": 1, "B": 1}, (2, 4, 6)), {}, [], k=1, u=1 / 3).place
    assert (place.size, place.u_arm) == (2, 1 - 2**-53)


def test_sizes_and_first_arms_are_independent(blocks_of):
    """Over an even grid of draws each size and first arm has its share, so the size tells nothing of the arm."""
    rule = blocks_of({"A": 1, "B": 1}, (2, 4, 6))
    seen = Counter()
    for step in range(600):
        answer = allocate(rule, {}, [], k=1, u=(step + 0.5) / 600)
        seen[answer.place.size, answer.arm] += 1
    assert seen == {(size, arm): 100 for size in (2, 4, 6) for arm in "AB"}


def test_strata_do_not_touch_each_other(blocks_of):
    """A stratum is the crossing of the factors, written so that no two levels can be confused."""
    rule = blocks_of({"A": 1, "B": 1}, (2,), {"site": [], "x": ["a", "b"]})
    rows = [({"site": site, "x": x}, 0.1) for site, x in (("H1", "a"), ("H1", "b"), ('H1", "x": "a', "b"))]
    answers = run(rule, rows)
    assert [answer.arm for answer in answers] == ["A", "A", "A"]
    assert len({answer.place.stratum for answer in answers}) == 3
    assert answers[0].place.stratum == '{"site": "H1", "x": "a"}'
    assert answers[0].imbalance == {}


def test_an_annulled_place_is_not_refilled(blocks_of):
    """The arm of an allocation in error stays used up, though it leaves the tally; to leave it out is refused."""
    rule = blocks_of({"A": 1, "B": 1}, (2,), {"x": ["a"]})
    first = allocate(rule, {"x": "a"}, [], k=1, u=0.1)
    annulled = as_prior(first, counted=False)
    second = allocate(rule, {"x": "a"}, [annulled], k=2, u=0.1)
    assert (first.arm, second.arm, second.place.position) == ("A", "B", 2)
    assert second.tally == {"x": {"A": 0, "B": 0}}
    with pytest.raises(ValueError, match=r"found 0 before draw 2; expected 1, .* keeps its place"):
        allocate(rule, {"x": "a"}, [], k=2, u=0.1)


def test_a_correction_moves_the_tally_and_not_the_block(blocks_of):
    """A corrected factor counts in its new stratum's tally; the place stays where it was drawn."""
    rule = blocks_of({"A": 1, "B": 1}, (2,), {"x": ["a", "b"]})
    first = allocate(rule, {"x": "a"}, [], k=1, u=0.1)
    corrected = replace(as_prior(first), factors={"x": "b"})
    answer = allocate(rule, {"x": "b"}, [corrected], k=2, u=0.1)
    assert (answer.tally, answer.place.position, answer.arm) == ({"x": {"A": 1, "B": 0}}, 1, "A")
    answer = allocate(rule, {"x": "a"}, [corrected], k=2, u=0.1)
    assert (answer.tally, answer.place.position, answer.arm) == ({"x": {"A": 0, "B": 0}}, 2, "B")


def test_an_amended_ratio_closes_the_open_block(blocks_of):
    """A block that can no longer be completed is left and a new one opened; one that still can goes on."""
    first = allocate(blocks_of({"A": 1, "B": 1}, (4,)), {}, [], k=1, u=0.1)
    amended = blocks_of({"A": 2, "B": 1}, (3,))
    answer = allocate(amended, {}, [as_prior(first)], k=2, u=0.1)
    assert (answer.place.block, answer.place.position, answer.place.size) == (2, 1, 3)
    other_arms = replace(amended, arms=(AllocationArm(id="B"), AllocationArm(id="C")), block_sizes=(4,))
    left_out = replace(as_prior(first), counted=False)
    assert allocate(other_arms, {}, [left_out], k=2, u=0.1).place.block == 2
    second = allocate(blocks_of({"A": 1, "B": 1}, (4,)), {}, [as_prior(first)], k=2, u=0.1)
    assert (first.arm, second.arm) == ("A", "A")
    one_of_four = blocks_of({"A": 1, "B": 3}, (4,))
    assert allocate(one_of_four, {}, [as_prior(first), as_prior(second)], k=3, u=0.1).place.block == 2
    assert allocate(one_of_four, {}, [as_prior(first)], k=2, u=0.1).place.block == 1
