"""What the numpy batch computes is what the functions of the real trial say, one trial and one subject at a time."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fast_designs import W1, W2, W3, W4, plans
from oligami.simulation.fast.allocation import TIE_TOLERANCE, draw_arms
from oligami.simulation.fast.batch import simulate_batch
from oligami.simulation.fast.batch_tests import look_tests
from oligami.simulation.fast.exact import exact_tests
from oligami.simulation.fast.latent import draw_latents
from oligami.simulation.fast.plain import arms_in_turn, simulate_plain
from oligami.simulation.fast.plan import Minimization, Plan, Test
from oligami.simulation.fast.replicates import Replicates, decide
from oligami.trial import allocation

REPLICATES = 6


def assert_same(found: Replicates, expected: Replicates, plan: Plan) -> None:
    """Compare all fields: floats to 1e-9, counts and decisions exactly."""
    for name in (part.name for part in fields(Replicates)):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-9, err_msg=name)
    for name in ("rejected_at", "futile_at", "stopped_at"):
        assert (getattr(decide(found, plan), name) == getattr(decide(expected, plan), name)).all(), name


@given(plan=plans(), seed=st.integers(0, 2**64 - 1), first=st.sampled_from([0, 5, 2**32 - 3]))
@settings(max_examples=150, deadline=None)
def test_batch_is_plain(plan, seed, first):
    """Every trial of any plan has the cuts, counts, tests and decisions of the plain one."""
    last = first + REPLICATES
    assert_same(simulate_batch(plan, seed, first, last), simulate_plain(plan, seed, first, last), plan)


@pytest.mark.parametrize("plan", [W1, W2, W3, W4], ids=["W1", "W2", "W3", "W4"])
def test_batch_is_plain_in_benchmarks(plan):
    """Trials of full size agree as well."""
    assert_same(simulate_batch(plan, 20, 3, 8), simulate_plain(plan, 20, 3, 8), plan)


@given(plan=plans(), seed=st.integers(0, 2**64 - 1))
@settings(max_examples=50, deadline=None)
def test_arms_are_those_of_the_trial(plan, seed):
    """Minimization gives each subject the arm that the real trial's allocation gives for the same draws."""
    rule = (
        plan.allocation
        if isinstance(plan.allocation, Minimization)
        else Minimization(p_best=0.7, weights=(1.0,) * len(plan.factor_shares))
    )
    plan = replace(plan, allocation=rule)
    latents = draw_latents(plan, seed, 0, 3)
    arms = draw_arms(plan, latents, latents.passes)
    for row in range(3):
        alone = draw_latents(plan, seed, row, row + 1)
        passed = np.flatnonzero(alone.passes[0])
        in_turn = passed[np.argsort(alone.randomization[0, passed], kind="stable")].tolist()
        assert {i: int(arms[row, i]) for i in in_turn} == arms_in_turn(plan, alone, in_turn)


def test_ties_are_judged_alike():
    """Both allocations call the same imbalances tied."""
    assert TIE_TOLERANCE == allocation.TIE_TOLERANCE


@given(
    data=st.data(),
    n=st.integers(1, 14),
    levels=st.integers(1, 3),
    rho=st.sampled_from([0.0, 0.5, 1.0]),
    gamma=st.sampled_from([0.0, 0.5, 1.0]),
)
@settings(max_examples=200, deadline=None)
def test_tied_times_are_exact(data, n, levels, rho, gamma):
    """Times in whole months, many of them tied, zero among them, give the exact tests."""
    plan = replace(
        W3,
        subjects=n,
        factor_shares=(np.full(levels, 1 / levels),),
        pass_shares=np.ones(levels),
        control_hazards=np.ones((levels, 2)),
        hazard_ratios=np.ones((levels, 2)),
        tests=tuple(Test),
        weight_rho=rho,
        weight_gamma=gamma,
        rmst_months=4.0,
        milestone_months=3.0,
    )

    def table(high: int) -> np.ndarray:
        row = st.lists(st.integers(0, high), min_size=n, max_size=n)
        return np.array(data.draw(st.lists(row, min_size=2, max_size=2)), dtype=np.int64)

    months = data.draw(st.sampled_from([2, 6, 1000]))
    time, event, arm, level, member = table(months).astype(float), table(1) == 1, table(1), table(levels - 1), table(3) > 0
    event &= member
    z, log_hr, difference = look_tests(plan, member, time, event, arm, level)
    for row in range(2):
        here = member[row]
        if not here.any():
            assert (z[row] == 0).all()
            assert np.isnan([log_hr[row], difference[row]]).all()
            continue
        expected = exact_tests(plan, time[row, here], event[row, here].astype(np.int64), arm[row, here], level[row, here])
        np.testing.assert_allclose(z[row], expected[0], rtol=0, atol=1e-9)
        np.testing.assert_allclose([log_hr[row], difference[row]], expected[1:], rtol=0, atol=1e-9)
