"""The compiled engine gives the trials of the numpy batch, and the same bits however they are divided."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fast_designs import W1, W2, W3, W4, plans
from oligami.simulation.fast.batch import simulate_batch
from oligami.simulation.fast.compiled import simulate_compiled
from oligami.simulation.fast.plan import Look, Plan, Test
from oligami.simulation.fast.replicates import Replicates, decide, joined

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
