"""The table of predictability: against its readable twin, against exact values, and against the known bargain."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from oligami.protocol.model.allocation import Allocation, AllocationArm, Factor
from oligami.protocol.model.common import Origin, OriginKind
from oligami.protocol.text import Text
from oligami.simulation import predictability as module
from oligami.simulation.predictability import Accrual, predictability, predictability_table, uneven_sites
from oligami.trial.two_arm_designs import complete, efron_coin, imbalance_distribution

ORIGIN = Origin(kind=OriginKind.DEFAULT)


def factor(name, *levels, weight=1.0):
    return Factor(id=name, title=Text(name, name), expression=name, levels=levels, weight=weight, origin=ORIGIN)


def rule_with(*factors, ratio=(1, 1), **rest):
    return Allocation(
        stage="second",
        arms=tuple(AllocationArm(id=arm, ratio=share) for arm, share in zip("ABCD", ratio, strict=False)),
        factors=factors,
        origin=ORIGIN,
        **{"method": "minimization", **rest},
    )


LIKE_THE_TRIAL = rule_with(
    factor("site"), factor("type", "l", "h", "t"), factor("count", "1", "2"), factor("onset", "early", "late")
)
ACCRUAL = Accrual(subjects=270, site_shares=uneven_sites(50), level_shares={"type": {"l": 0.6, "h": 0.2, "t": 0.2}})


@pytest.fixture(scope="module")
def table():
    return predictability_table(LIKE_THE_TRIAL, ACCRUAL, seed=2110)


def test_the_known_bargain(table):
    """With 270 subjects and 50 sites: guesses and balance by p and with or without the site, as computed elsewhere."""
    published = {  # (p, site a factor): (mean difference, own, full), 400 repetitions of another program
        (1.0, True): (0.6, 0.628, 0.894),
        (0.9, True): (1.0, 0.604, 0.821),
        (0.8, True): (1.4, 0.576, 0.740),
        (0.75, True): (1.6, 0.565, 0.701),
        (2 / 3, True): (2.5, 0.544, 0.634),
        (0.8, False): (1.1, 0.503, 0.739),
    }
    found = {(row.p_best, row.site_is_factor): row for row in table if row.p_best is not None}
    assert found.keys() == published.keys()
    for key, (difference, own, full) in published.items():
        # Site sizes and level shares are not published with the values: 1 point for shape and chance (0.15 each).
        assert found[key].own_guess == pytest.approx(own, abs=0.01), key
        assert found[key].full_guess == pytest.approx(full, abs=0.01), key
        assert found[key].difference_mean == pytest.approx(difference, abs=0.4), key
    plain = table[-1]
    assert (plain.method, plain.p_best, plain.full_guess) == ("simple", None, 0.5)
    assert plain.own_guess == pytest.approx(0.5, abs=4 * 0.5 / plain.guesses**0.5)
    # 4 standard errors: |nA - nB| of 270 plain draws has mean 13.1 and standard deviation 9.9.
    assert plain.difference_mean == pytest.approx(13.1, abs=4 * 9.9 / 400**0.5)


def test_rows_of_the_table(table):
    """The protocol's own rule comes first and once; every row covers the factors but the site."""
    assert [row.is_protocol for row in table] == [True] + [False] * 6
    assert (table[0].p_best, table[0].site_is_factor) == (0.8, True)
    assert all(row.level_difference_mean.keys() == {"type", "count", "onset"} for row in table)
    assert {row.guesses for row in table} == {400 * 270}
    by_p = sorted((row for row in table if row.site_is_factor), key=lambda row: row.p_best)
    for looser, stricter in pairwise(by_p):
        assert looser.own_guess < stricter.own_guess
        assert looser.site_difference_mean > stricter.site_difference_mean
    with_site, without = table[0], table[-2]
    assert not without.site_is_factor
    assert with_site.site_difference_mean < without.site_difference_mean


def test_same_seed_same_table():
    """The seed decides everything; another seed gives other subjects."""
    accrual = replace(ACCRUAL, subjects=30)
    first = predictability(LIKE_THE_TRIAL, accrual, seed=1, repetitions=20)
    assert first == predictability(LIKE_THE_TRIAL, accrual, seed=1, repetitions=20)
    assert first != predictability(LIKE_THE_TRIAL, accrual, seed=2, repetitions=20)


@pytest.mark.parametrize("distance", ["range", "variance", "sd"])
@pytest.mark.parametrize(
    "rest",
    [
        {},
        {"p_best": 1.0, "initial_simple": 5},
        {"probability": "rank", "q": 0.6, "ratio": (1, 1, 1)},
        {"ties": "random_rank", "ratio": (1, 1, 1, 1)},
        {"ratio": (2, 1, 1), "ratio_counts": "divide_then_add"},
        {"ratio": (3, 2), "ratio_counts": "add_then_divide"},
        {"method": "simple", "ratio": (2, 1, 3)},
    ],
)
def test_both_roads_give_the_same_arms(distance, rest):
    """All repetitions at once and one by one through the trial's own function: same arms, same probabilities."""
    rule = rule_with(
        factor("site", weight=0.1), factor("x", "a", "b", weight=0.2), factor("y", "a", "b", "c", weight=0.3),
        distance=distance, **rest,
    )  # fmt: skip
    sample = module._sample(rule, Accrual(subjects=40, site_shares=(3, 2, 1)), seed=5, repetitions=4)
    arm, probability = module._all_at_once(rule, sample)
    slow_arm, slow_probability = module._one_by_one(rule, sample)
    assert np.array_equal(arm, slow_arm)
    assert np.array_equal(probability, slow_probability)


def test_without_factors_it_is_a_plain_draw():
    """No factors: all arms always tie, and the final difference is that of a coin."""
    row = predictability(rule_with(), Accrual(subjects=10, site_shares=(1,)), seed=3, repetitions=4000)
    exact = sum(difference * float(mass) for difference, mass in imbalance_distribution(complete(), 10).items())
    # 4 standard errors; the difference has a standard deviation below sqrt(10).
    assert row.difference_mean == pytest.approx(exact, abs=4 * (10 / 4000) ** 0.5)
    # At most 4 with probability 0.89, at most 6 with 0.98: 4 standard errors of 4000 repetitions lie between.
    assert row.difference_p95 == 6
    assert row.site_difference_mean == row.difference_mean
    assert row.full_guess == 0.5


def test_one_site_as_the_only_factor_is_efrons_coin():
    """Balancing one site with p = 2/3 is Efron's coin: its exact mean difference, and own guesses are full guesses."""
    rule = rule_with(factor("site"), p_best=2 / 3)
    row = predictability(rule, Accrual(subjects=20, site_shares=(1,)), seed=4, repetitions=4000)
    coin = imbalance_distribution(efron_coin(complete()(0, 0) * 4 / 3), 20)
    exact = sum(difference * float(mass) for difference, mass in coin.items())
    spread = sum((difference - exact) ** 2 * float(mass) for difference, mass in coin.items()) ** 0.5
    assert row.difference_mean == pytest.approx(exact, abs=4 * spread / 4000**0.5)
    assert row.own_guess == row.full_guess > 0.55
    assert row.level_difference_mean == {}


def test_permuted_blocks_betray_the_last_place():
    """Blocks of 2 within one site: half the arms are known for sure, the rest a coin, so 3/4 of guesses are right."""
    rule = rule_with(factor("site"), method="permuted_blocks", block_sizes=(2,))
    table = predictability_table(rule, Accrual(subjects=20, site_shares=(1,)), seed=4, repetitions=100)
    blocks, plain = table
    # Exact: a tie counts one half, and the second place of a block is certain.
    assert blocks.full_guess == pytest.approx(0.75)
    assert blocks.own_guess == pytest.approx(0.75)
    assert (blocks.difference_mean, blocks.method, blocks.p_best, blocks.is_protocol) == (0, "permuted_blocks", None, True)
    assert (plain.method, plain.site_is_factor, plain.is_protocol) == ("simple", False, False)


def test_a_site_knows_the_ratio():
    """With 2:1 the first guess is the larger arm, right two times in three, for a site and for one who knows all."""
    row = predictability(
        rule_with(method="simple", ratio=(2, 1)), Accrual(subjects=1, site_shares=(1,)), seed=6, repetitions=2000
    )
    assert row.own_guess == row.full_guess == pytest.approx(2 / 3, abs=4 * (2 / 9 / 2000) ** 0.5)  # 4 standard errors


def test_rounding_leaves_no_draw_without_an_arm():
    """Ten times 0.1 adds up to just below 1: the last possible arm takes the rest, never the first."""
    share = np.array([[0.1] * 10 + [0.0]])
    assert module._choose(share, np.array([1 - 2**-53])).tolist() == [9]


def test_level_shares_are_followed():
    """A level with no share is never seen, so the worst difference over levels is that of the other level."""
    rule = rule_with(factor("x", "a", "b"))
    only = Accrual(subjects=10, site_shares=(1, 1), level_shares={"x": {"a": 1, "b": 0}})
    row = predictability(rule, only, seed=1, repetitions=50)
    assert row.level_difference_mean["x"] == row.difference_mean
    both = predictability(rule, replace(only, level_shares={}), seed=1, repetitions=50)
    assert both.level_difference_mean["x"] != both.difference_mean


def test_uneven_sites():
    """Shares fall, sum to 1, and are the expected spacings of an exponential: 3/4 and 1/4 for two sites."""
    assert uneven_sites(2) == pytest.approx([0.75, 0.25])
    shares = uneven_sites(50)
    assert sum(shares) == pytest.approx(1)
    assert sorted(shares, reverse=True) == list(shares)
    assert shares[0] == pytest.approx(0.09, abs=0.001)
    with pytest.raises(ValueError, match="found 0"):
        uneven_sites(0)


@pytest.mark.parametrize(
    ("rule", "accrual", "message"),
    [
        (rule_with(factor("site"), factor("y")), ACCRUAL, "found site, y; expected one at most"),
        (rule_with(p_best=0.4), ACCRUAL, "p_best: found 0.4"),
        (rule_with(), replace(ACCRUAL, subjects=0), "found 0 subjects"),
        (rule_with(), replace(ACCRUAL, site_shares=()), "0 sites"),
        (rule_with(), replace(ACCRUAL, site_shares=(1, -1)), "expected 0 or more, one above 0"),
        (rule_with(factor("type", "l", "h")), ACCRUAL, "shares of factor type: found l, h, t; expected l, h"),
    ],
)
def test_impossible_questions_are_refused(rule, accrual, message):
    """The rule's faults and the accrual's are named."""
    with pytest.raises(ValueError, match=message):
        predictability(rule, accrual, seed=1, repetitions=2)
