"""The compiled engine gives the trials of the numpy batch, and the same bits however they are divided."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numba import njit

from fast_designs import W1, W2, W3, W4, plans
from oligami.simulation.fast import compiled
from oligami.simulation.fast._kernels import elementary
from oligami.simulation.fast._kernels.trial import _test
from oligami.simulation.fast.batch import simulate_batch
from oligami.simulation.fast.compiled import simulate_compiled
from oligami.simulation.fast.exact import exact_tests
from oligami.simulation.fast.plan import Look, Minimization, Plan, Test
from oligami.simulation.fast.replicates import Replicates, decide, joined
from oligami.simulation.fast.rerandomize import logrank_scores, minimize_again, rerandomization_test, sums_again
from oligami.stats.comparison import logrank

REPLICATES = 8
EXACT = ("events", "at_look", "registered", "randomized")


def assert_same(found: Replicates, expected: Replicates, plan: Plan) -> None:
    """Compare all fields: floats to 1e-9, counts, arms and decisions exactly."""
    for name in (part.name for part in fields(Replicates)):
        if name in EXACT:
            assert (getattr(found, name) == getattr(expected, name)).all(), name
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-9, err_msg=name)
    for name in ("rejected_at", "futile_at", "stopped_at"):
        assert (getattr(decide(found, plan), name) == getattr(decide(expected, plan), name)).all(), name


def assert_identical(found: Replicates, expected: Replicates) -> None:
    """Compare all fields bit by bit."""
    for name in (part.name for part in fields(Replicates)):
        assert getattr(found, name).tobytes() == getattr(expected, name).tobytes(), name


@given(plan=plans(), seed=st.integers(0, 2**64 - 1), first=st.sampled_from([0, 5, 2**32 - 3]))
@settings(max_examples=300, deadline=None)
def test_kernels_are_the_batch(plan, seed, first):
    """Every trial of any plan has the arms, cuts, counts, tests and decisions of the batch."""
    last = first + REPLICATES
    assert_same(simulate_compiled(plan, seed, first, last), simulate_batch(plan, seed, first, last), plan)


@pytest.mark.parametrize("plan", [W1, W2, W3, W4, replace(W4, tests=tuple(Test))], ids=["W1", "W2", "W3", "W4", "W4, six tests"])
def test_kernels_are_the_batch_in_benchmarks(plan):
    """Trials of full size agree as well."""
    assert_same(simulate_compiled(plan, 20, 3, 203), simulate_batch(plan, 20, 3, 203), plan)


@pytest.mark.parametrize("later", [0.02, 1e-6], ids=["even", "crowded"])
def test_large_trials_are_the_batch(later):
    """Thousands of subjects agree as well, also where a few late deaths crowd all others into the first buckets."""
    plan = replace(
        W2,
        subjects=3_000,
        pieces=(0.0, 5.0),
        control_hazards=[[0.3, later]],
        hazard_ratios=[[0.8, 0.5]],
        drop_out=[0.0, 0.0],
        looks=(Look(events=700), Look(events=2_300), Look(after_last_months=1e6)),
        tests=tuple(Test),
    )
    assert_same(simulate_compiled(plan, 2, 0, 3), simulate_batch(plan, 2, 0, 3), plan)


@pytest.fixture(scope="module")
def whole():
    """Some hundred trials of W2 and W4 in one piece."""
    return {name: (plan, simulate_compiled(plan, 77, 0, 211)) for name, plan in (("W2", W2), ("W4", W4))}


@pytest.mark.parametrize("name", ["W2", "W4"])
@pytest.mark.parametrize("chunk", [1, 10, 64])
def test_chunks_change_no_bit(whole, name, chunk):
    """Trials in pieces of any size are the trials in one piece."""
    plan, expected = whole[name]
    parts = [simulate_compiled(plan, 77, start, min(start + chunk, 211)) for start in range(0, 211, chunk)]
    assert_identical(joined(parts), expected)


@pytest.mark.parametrize("name", ["W2", "W4"])
@pytest.mark.parametrize("workers", [1, 2, 7])
def test_workers_change_no_bit(whole, name, workers):
    """Trials shared among threads are the trials of one."""
    plan, expected = whole[name]
    edges = np.linspace(0, 211, 15).astype(int).tolist()
    with ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(lambda part: simulate_compiled(plan, 77, *part), pairwise(edges)))
    assert_identical(joined(parts), expected)


def test_a_trial_alone_is_its_own_row(whole):
    """A trial simulated alone has the bits of its row among many, whatever ran before it in the buffers."""
    plan, expected = whole["W4"]
    alone = simulate_compiled(plan, 77, 150, 151)
    for name in (part.name for part in fields(Replicates)):
        assert getattr(alone, name)[0].tobytes() == getattr(expected, name)[150].tobytes(), name


@njit
def _logs(values):
    out = np.empty(values.size)
    for i in range(values.size):
        out[i] = elementary.log(values[i])
    return out


@njit
def _exps(values):
    out = np.empty(values.size)
    for i in range(values.size):
        out[i] = elementary.exp(values[i])
    return out


@given(words=st.lists(st.integers(0, 2**32 - 1), min_size=100, max_size=100))
@example(words=[0, 2**32 - 1, 2**31, 2**31 - 1, *range(1, 97)])
@settings(max_examples=50, deadline=None)
def test_log_is_right(words):
    """The logarithm of every uniform is within 4e-16 of the library's."""
    u = (np.array(words) + 0.5) * 2.0**-32
    expected = np.array([math.log(x) for x in u])
    assert (np.abs(_logs(u) - expected) <= 4e-16 * np.abs(expected)).all()


def test_exp_is_right():
    """The exponential is within 1e-15 of the library's where Cox's model and weights may ask for it."""
    x = np.concatenate([np.linspace(-700, 700, 4001), np.linspace(-2, 2, 4001)])
    expected = np.array([math.exp(value) for value in x])
    assert (np.abs(_exps(x) - expected) <= 1e-15 * expected).all()


@njit
def _one_look(looks, sorting, rows, results, time, ending, calendar, event, arm, level):
    """Cut and test the randomized as they stand in the columns."""
    _test(looks, sorting, rows, results, 0, 0, time.size, time, ending, calendar, event, arm, level)


@given(
    data=st.data(),
    n=st.integers(1, 14),
    levels=st.integers(1, 3),
    rho=st.sampled_from([0.0, 0.5, 1.0]),
    gamma=st.sampled_from([0.0, 0.5, 1.0]),
    months=st.sampled_from([2, 6, 1000]),
)
@settings(max_examples=200, deadline=None)
def test_tied_times_are_exact(data, n, levels, rho, gamma, months):
    """Times in whole months, many of them tied, give the exact tests."""
    plan = replace(
        W3,
        subjects=n,
        factor_shares=(np.full(levels, 1 / levels),),
        pass_shares=np.ones(levels),
        control_hazards=np.ones((levels, 2)),
        hazard_ratios=np.ones((levels, 2)),
        looks=(Look(calendar_months=2000.0),),
        efficacy=[np.inf],
        futility=[-np.inf],
        tests=tuple(Test),
        weight_rho=rho,
        weight_gamma=gamma,
        rmst_months=4.0,
        milestone_months=3.0,
    )

    def column(high):
        return np.array(data.draw(st.lists(st.integers(0, high), min_size=n, max_size=n)), dtype=np.uint32)

    time, event, arm, level = column(months).astype(float), column(1), column(1), column(levels - 1)
    _, _, sorting, rows = compiled._buffers(plan, compiled.as_arrival(plan), compiled.as_rule(plan))
    results = compiled._results(plan, 1)
    results.cut[:] = 2000.0
    _one_look(compiled.as_looks(plan), sorting, rows, results, np.zeros(n), time, time, event, arm, level)
    expected = exact_tests(plan, time, event.astype(np.int64), arm.astype(np.int64), level.astype(np.int64))
    np.testing.assert_allclose(results.z[0, :, 0], expected[0], rtol=0, atol=1e-9)
    np.testing.assert_allclose([results.log_hr[0, 0], results.rmst_difference[0, 0]], expected[1:], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("seed", "first", "last"), [(-1, 0, 1), (2**64, 0, 1), (0, 3, 3), (0, -1, 2)])
def test_impossible_ranges_are_refused(seed, first, last):
    """A seed of more than 64 bits or an empty range of replicates is no simulation."""
    with pytest.raises(ValueError, match=r"expected 0 <= first < last|2\^64"):
        simulate_compiled(W1, seed, first, last)


@st.composite
def repeated(draw):
    """A minimization and the levels and sites of its subjects."""
    n, factors = draw(st.integers(1, 30)), draw(st.integers(0, 3))
    weight = st.sampled_from([0.0, 0.3, 1.0, 2.5])
    rule = Minimization(
        p_best=draw(st.sampled_from([0.5, 0.8, 1.0])),
        weights=tuple(draw(weight) for _ in range(factors)),
        site_weight=draw(weight),
        initial_simple=draw(st.sampled_from([0, 3])),
    )
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    return rule, rng.integers(0, 3, (n, factors)), rng.integers(0, 7, n), rng


@given(case=repeated(), seed=st.integers(0, 2**64 - 1), first=st.sampled_from([0, 2**32 - 3]))
@settings(max_examples=100, deadline=None)
def test_repeated_minimization_is_the_plain_one(case, seed, first):
    """Kernel and numpy draw the same arms in every sequence, and the same sums of scores."""
    rule, levels, site, rng = case
    scores = rng.normal(size=site.size)
    ask = {"site": site, "seed": seed, "first": first, "last": first + 9}
    arms = minimize_again(rule, levels, compiled=True, **ask)
    assert (arms == minimize_again(rule, levels, compiled=False, **ask)).all()
    np.testing.assert_allclose(sums_again(rule, levels, scores, compiled=True, **ask), arms @ scores, rtol=0, atol=1e-12)
    np.testing.assert_allclose(sums_again(rule, levels, scores, compiled=False, **ask), arms @ scores, rtol=0, atol=1e-12)


@given(case=repeated(), data=st.data())
@settings(max_examples=50, deadline=None)
def test_scores_add_up_to_the_logrank_numerator(case, data):
    """The scores of arm 1 add up to expected less observed events of the stratified log-rank test."""
    rule, _, site, rng = case
    time, event = rng.integers(0, 6, site.size), rng.integers(0, 2, site.size)
    arm = minimize_again(rule, np.zeros((site.size, len(rule.weights)), dtype=int), site=site, seed=1)[0]
    if 0 < arm.sum() < arm.size:
        found = logrank_scores(time, event, strata=site)[arm == 1].sum()
        assert found == pytest.approx(-logrank(time, event, arm, strata=site).U, abs=1e-12)


def test_rerandomization_has_its_level():
    """Over trials without a difference, drawn by the rule, one-sided p is uniform: its share at or below 0.25 is 0.25."""
    rng = np.random.default_rng(8)
    rule, levels = Minimization(p_best=0.8, weights=(1.0, 1.0)), rng.integers(0, 3, (40, 2))
    time, event = rng.exponential(size=40), rng.integers(0, 2, 40)
    arms = minimize_again(rule, levels, seed=99, last=400)
    p = [rerandomization_test(rule, levels, arm, time, event, sequences=199, seed=4).p_one_sided for arm in arms]
    assert np.mean(np.array(p) <= 0.25) == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 400 + 0.25 * 0.75 / 199))


def test_rerandomization_counts():
    """The p value counts the sequences at least as extreme and the observed one itself, either way or both, with its error."""
    rng = np.random.default_rng(3)
    rule, levels = Minimization(p_best=0.8, weights=(1.0,)), rng.integers(0, 2, (30, 1))
    arm = minimize_again(rule, levels, seed=2)[0]
    time = rng.exponential(size=30) * (1 + arm)
    found = rerandomization_test(rule, levels, arm, time, np.ones(30, dtype=int), sequences=500, seed=4)
    drawn = sums_again(rule, levels, logrank_scores(time, np.ones(30, dtype=int)), seed=4, last=500)
    one, two = (1 + (drawn >= found.observed).sum()) / 501, (1 + (abs(drawn) >= abs(found.observed)).sum()) / 501
    assert (found.p_one_sided, found.p_two_sided) == (one, two)
    assert found.one_sided_error == pytest.approx(math.sqrt(one * (1 - one) / 500))
    assert found.two_sided_error == pytest.approx(math.sqrt(two * (1 - two) / 500))


@pytest.mark.parametrize(
    ("levels", "site", "said"),
    [
        ([[0], [1]], None, "gives the site a weight"),
        ([0, 1], [0, 1], r"expected \(subjects, 1\)"),
        ([[0], [-1]], [0, 1], "whole numbers from 0"),
        ([[0.5], [1]], [0, 1], "whole numbers from 0"),
        ([[0], [1]], [0], "whole numbers from 0"),
    ],
)
def test_impossible_levels_are_refused(levels, site, said):
    """Levels that do not fit the rule are named."""
    with pytest.raises(ValueError, match=said):
        minimize_again(Minimization(p_best=0.8, weights=(1.0,), site_weight=1.0), levels, site=site)
