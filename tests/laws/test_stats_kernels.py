"""The compiled kernels give what the plain functions give, on any data."""

import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats import _kernels as kernels
from oligami.stats import fast, partial_likelihood
from oligami.stats._kernels import ordering
from oligami.stats.arguments import Floats
from oligami.stats.comparison import group_risk, logrank, stratum_sums
from oligami.stats.regression import cox
from oligami.stats.risk_table import risk_table
from oligami.stats.survival import greenwood_steps, kaplan_meier

GREATEST, LEAST = float(np.finfo(np.float64).max), float(np.nextafter(0.0, 1.0))

# Compiling takes its time when an example is the first to need a function.
laws = settings(deadline=None, max_examples=60)


@pytest.fixture(autouse=True)
def numpy_alone() -> Iterator[None]:
    """Keep the plain functions plain: they are what is compared with."""
    with fast.plain():
        yield


def near(base: float, steps: int) -> float:
    """The number so many numbers after `base`."""
    return float((np.array([base]).view(np.int64) + steps).view(np.float64)[0])


times = st.one_of(
    st.integers(0, 12).map(float),  # ties
    st.sampled_from([0.0, -0.0, LEAST, GREATEST, 1.0, 1e-300, 0.1, 365.25]),
    st.integers(0, 40).map(lambda steps: near(100.0, steps)),  # apart in their last bits only
    st.floats(0, 1e6),
    st.floats(0, GREATEST),
)


@st.composite
def columns(draw: st.DrawFn, groups: int = 4) -> tuple[Floats, np.ndarray, np.ndarray]:
    """Times, whether with an event, and a group below `groups`."""
    one_kind = draw(st.sampled_from([times, st.integers(0, 9).map(float), st.floats(0.5, 50.0)]))
    rows = draw(st.lists(st.tuples(one_kind, st.booleans(), st.integers(0, groups - 1)), min_size=1, max_size=60))
    time, event, codes = zip(*rows, strict=True)
    return np.array(time), np.array(event), np.array(codes)


def far_apart(time: Floats) -> bool:
    """Whether times span more powers of two than a key has room for beside a label."""
    positive = np.log2(time[time > 0])
    return bool(positive.max() - positive.min() > 200)


@laws
@given(columns())
def test_rows_come_in_order_of_time(drawn):
    """The order of rows is numpy's stable one, for times that differ in their last bits too."""
    time, _, _ = drawn
    assert kernels.time_order(time).tolist() == np.argsort(time, kind="stable").tolist()


@laws
@given(columns())
def test_risk_tables_agree(drawn):
    """Distinct times and counts are those of the plain table, each time to its last bit."""
    time, event, _ = drawn
    found, plain = kernels.risk_counts(time, event), risk_table(time, event.astype(np.int64))
    assert found is not None
    for kernel, expected in zip(found, (plain.time, plain.n_risk, plain.n_event, plain.n_censored), strict=True):
        assert kernel.dtype == expected.dtype
        assert kernel.tolist() == expected.tolist()


@laws
@given(columns(), st.sampled_from([1, 2, 3, 4, 7]))
def test_counts_at_moments_agree(drawn, k):
    """Events and numbers at risk by group are those of the plain counts; groups may be empty."""
    time, event, codes = drawn
    codes = codes % k
    found, plain = kernels.counts_at_moments(time, event, codes, k), group_risk(time, event, codes, k)
    if found is None:
        assert far_apart(time)
        return
    for kernel, expected in zip(found, (plain.moments, plain.deaths, plain.at_risk), strict=True):
        assert kernel.tolist() == expected.tolist()


@laws
@given(columns(), st.sampled_from([1, 2, 3, 4, 7]))
def test_logrank_sums_agree(drawn, k):
    """Observed and expected events and their variance are the plain ones, but for the rounding of sums."""
    time, event, codes = drawn
    codes = codes % k
    found, plain = kernels.group_sums(time, event, codes.astype(np.int8), k), stratum_sums(time, event, codes, k, "logrank")
    if found is None:
        assert far_apart(time)
        return
    assert found[0].tolist() == plain[0].tolist()
    # At most 60 terms of a few roundings, in sums below 60.
    np.testing.assert_allclose(found[1], plain[1], rtol=0, atol=60 * 60 * 2.0**-52)
    np.testing.assert_allclose(found[2], plain[2], rtol=0, atol=60 * 60 * 2.0**-52)


@laws
@given(columns())
def test_curves_agree_to_the_last_bit(drawn):
    """Kaplan-Meier products and Greenwood sums are made of the same operations in the same order."""
    time, event, _ = drawn
    table = risk_table(time, event.astype(np.int64))
    surv = np.cumprod((table.n_risk - table.n_event) / table.n_risk)
    assert kernels.product_limit(table.n_risk, table.n_event).tolist() == surv.tolist()
    sums = np.cumsum(greenwood_steps(table.n_risk, table.n_event))
    assert kernels.greenwood_sums(table.n_risk, table.n_event).tolist() == sums.tolist()
    errors = np.where(surv == 0, np.nan, np.sqrt(sums))
    assert np.array_equal(kernels.greenwood_errors(table.n_risk, table.n_event, surv), errors, equal_nan=True)


@laws
@given(columns(), st.sampled_from([1, 2, 3]))
def test_group_sizes_agree(drawn, k):
    """Subjects and events of each group are counted, of two groups as of any number."""
    _, event, codes = drawn
    n, events = kernels.group_sizes(event, codes % k, k)
    assert n.tolist() == np.bincount(codes % k, minlength=k).tolist()
    assert events.tolist() == np.bincount((codes % k)[event], minlength=k).tolist()


def test_times_too_far_apart_are_left_to_numpy():
    """A column that does not fit beside its labels is answered with None, never with another time."""
    time, event = np.array([LEAST, near(GREATEST, -1), GREATEST]), np.array([True, False, True])
    assert kernels.group_sums(time, event, np.array([0, 1, 1]), 2) is None
    assert kernels.counts_at_moments(time, event, np.array([0, 1, 1]), 2) is None
    assert kernels.risk_counts(time, event)[0].tolist() == time.tolist()
    assert kernels.time_order(time[::-1].copy()).tolist() == [2, 1, 0]


@pytest.mark.parametrize("outlier", [1e-200, 1e200])
def test_crowded_times_are_sorted_all_the_same(outlier):
    """Thousands of times within a hair of each other, and one far away, defeat the passes but not the result."""
    steps = np.random.default_rng(1).permutation(6000)
    time = np.append((np.full(steps.size, 100.0).view(np.int64) + steps).view(np.float64), outlier)
    flags = (np.arange(time.size) % 2).astype(np.uint16)
    bits, (offset, shift, _) = time.view(np.uint64), ordering.places(time)
    found = ordering.sorted_keys(time, flags, 1)
    assert found is not None
    keys = (((bits >> np.uint64(shift)) - np.uint64(offset)) << np.uint64(1)) | flags
    assert found[0].tolist() == np.sort(keys).tolist()
    assert kernels.time_order(time).tolist() == np.argsort(time, kind="stable").tolist()


@pytest.mark.parametrize("kind", ["distinct", "days", "months", "last bits"])
@pytest.mark.parametrize("n", [1, 2, 511, 20_000])
def test_long_columns_agree(kind, n):
    """Tables and log-rank sums of long columns are the plain ones, sorted or counted."""
    source = np.random.default_rng(n)
    time = source.exponential(900.0, n)
    if kind in ("days", "months"):
        time = np.ceil(time) / (1.0 if kind == "days" else 30.4375)
    if kind == "last bits":
        time = (np.full(n, 512.0).view(np.int64) + source.integers(0, n, n)).view(np.float64)
    event, codes = source.random(n) < 0.7, source.integers(0, 2, n)
    found, plain = kernels.risk_counts(time, event), risk_table(time, event.astype(np.int64))
    assert found is not None
    for kernel, expected in zip(found, (plain.time, plain.n_risk, plain.n_event, plain.n_censored), strict=True):
        assert np.array_equal(kernel, expected)
    for k in (2, 3):
        sums, expected_sums = kernels.group_sums(time, event, codes, k), stratum_sums(time, event, codes, k, "logrank")
        assert sums is not None
        # n terms of a few roundings each, all of one sign.
        np.testing.assert_allclose(sums[1], expected_sums[1], rtol=4 * n * 2.0**-53, atol=1e-15)
        np.testing.assert_allclose(sums[2], expected_sums[2], rtol=4 * n * 2.0**-53, atol=1e-15 * n)


def model(n: int, seed: int, kind: str, p: int = 3) -> tuple[Floats, np.ndarray, Floats, Floats]:
    """Times, events, covariates and weights of n rows."""
    source = np.random.default_rng(seed)
    x = source.standard_normal((n, p))
    time = source.exponential(np.exp(-0.3 * x[:, 0]))
    match kind:
        case "few ties":
            time = np.round(time * n / 4)
        case "many ties":
            time = np.round(time * 3)
        case "one time":
            time = np.ones(n)
    event = (source.random(n) < 0.6).astype(np.int64)
    event[n // 2] = 1
    return time, event, x, source.uniform(0.5, 2.0, n)


KINDS = ["distinct", "few ties", "many ties", "one time"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("efron", [True, False])
@pytest.mark.parametrize("n", [1, 7, 512, 1700])
def test_layouts_agree(kind, efron, n):
    """Rows, risk sets and shares of tied events are laid out as by the plain function."""
    time, event, x, weight = model(n, n, kind)
    ties = "efron" if efron else "breslow"
    (plain,) = partial_likelihood.lay_out(time, event, x, np.zeros(n, dtype=np.int64), weight, ties)
    for covariates in (x, np.asfortranarray(x)):
        found = kernels.laid_out(kernels.time_order(time), time, event, covariates, weight, efron)
        assert found is not None
        for name in ("rows", "weight", "moments", "until", "events", "moment_of", "first_event"):
            assert np.array_equal(getattr(found, name), getattr(plain, name)), name
        assert (found.left is None) == (plain.left is None)
        if found.left is not None:
            assert np.array_equal(found.left, plain.left)
        # Means of numbers around 1, in another order of additions.
        np.testing.assert_allclose(found.event_weight, plain.event_weight, rtol=n * 2.0**-52)
        np.testing.assert_allclose(found.columns.T, plain.x, rtol=0, atol=n * 2.0**-51)


def test_a_stratum_without_events_has_no_layout():
    """Nothing is laid out where nobody had the event."""
    assert kernels.laid_out(np.arange(2), np.array([1.0, 2.0]), np.zeros(2, np.int64), np.ones((2, 1)), np.ones(2), True) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("n", [1, 7, 511, 512, 513, 2100])
@pytest.mark.parametrize("p", [1, 2, 9])
def test_partial_likelihoods_agree(kind, ties, n, p):
    """Value, score and information are the plain ones, whatever the ties, the weights and the length."""
    time, event, x, weight = model(n, 100 + n, kind, p)
    (part,) = partial_likelihood.lay_out(time, event, x, np.zeros(n, dtype=np.int64), weight, ties)
    shared = (part.events, part.moment_of, part.first_event, part.left, part.event_weight)
    for coef in (np.zeros(p), np.linspace(-0.5, 0.4, p)):
        value, score, information = kernels.stratum_derivatives(part.x, part.weight, part.until, *shared, coef)
        plain = partial_likelihood.stratum_derivatives(part.x, part.weight, part.until, None, *shared, coef)
        # Sums of n terms of order p, cancelling in the score and the information.
        assert value == pytest.approx(plain[0], rel=1e-12, abs=1e-12)
        np.testing.assert_allclose(score, plain[1], rtol=0, atol=1e-14 * n * p)
        np.testing.assert_allclose(information, plain[2], rtol=0, atol=2e-14 * n * p)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_equal_weights_and_columns_of_any_order_are_laid_out_alike(kind, ties):
    """One weight for all rows, kept in one place, is as good as a column of it; so are columns that lie side by side."""
    time, event, x, _ = model(700, 3, kind)
    order, efron = kernels.time_order(time), ties == "efron"
    once = kernels.laid_out(order, time, event, x, np.broadcast_to(np.ones(1), time.shape), efron)
    often = kernels.laid_out(order, time, event, np.asfortranarray(x), np.ones(700), efron)
    for a, b in zip(once, often, strict=True):
        assert (a is None) == (b is None)
        assert a is None or np.array_equal(a, b)


def test_a_step_far_too_long_gives_no_number():
    """Where a risk set has lost all hazard the value is not finite, and nothing is raised."""
    time, event, x, weight = model(600, 5, "distinct")
    (part,) = partial_likelihood.lay_out(time, event, x, np.zeros(600, dtype=np.int64), weight, "efron")
    shared = (part.events, part.moment_of, part.first_event, part.left, part.event_weight)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value, _, _ = kernels.stratum_derivatives(part.x, part.weight, part.until, *shared, np.full(3, 1e5))
    assert not np.isfinite(value)


def test_kernels_serve_long_columns_only():
    """Few rows are left to numpy, which needs nothing to be loaded; both choices can be forced, inside one another."""
    assert fast.kernels(10**7) is None
    with fast.compiled():
        assert fast.kernels(1) is kernels
        assert fast.kernels(0) is None
        with fast.plain():
            assert fast.kernels(10**7) is None
        assert fast.kernels(1) is kernels


def test_the_environment_keeps_to_numpy(monkeypatch):
    """OLIGAMI_PLAIN=1 switches the kernels off; 0 or nothing leaves them on."""
    token = fast._least_rows.set(None)
    try:
        monkeypatch.delenv("OLIGAMI_PLAIN", raising=False)
        assert fast.kernels(fast.WORTHWHILE_ROWS) is kernels
        assert fast.kernels(fast.WORTHWHILE_ROWS - 1) is None
        monkeypatch.setitem(os.environ, "OLIGAMI_PLAIN", "1")
        assert fast.kernels(fast.WORTHWHILE_ROWS) is None
        monkeypatch.setitem(os.environ, "OLIGAMI_PLAIN", "0")
        assert fast.kernels(fast.WORTHWHILE_ROWS) is kernels
    finally:
        fast._least_rows.reset(token)


@pytest.mark.parametrize("kind", KINDS)
def test_public_functions_agree(kind):
    """Curves, tests and fits are the same with kernels as without, strata and late entries included."""
    time, event, x, weight = model(400, 11, kind)
    time = time + 1.0
    entry, arm, site = time * np.linspace(0.0, 0.9, 400), x[:, 1] > 0, np.arange(400) % 3

    def answers() -> list[Floats]:
        curves = [kaplan_meier(time, event), kaplan_meier(time, event, entry=entry)]
        tests = [
            logrank(time, event, arm),
            logrank(time, event, site, strata=arm),
            logrank(time, event, arm, weight=(0, 1), entry=entry),
        ]
        fits = [cox(time, event, x, weights=weight, strata=site), cox(time, event, x, entry=entry, ties="breslow")]
        found = [column for curve in curves for column in (curve.time, curve.n_risk, curve.surv, curve.lower, curve.upper)]
        found += [column for test in tests for column in (test.n, test.events, test.observed, test.expected, test.variance)]
        return found + [column for fit in fits for column in (fit.coef, fit.se, np.array([fit.loglik, fit.score_chisq]))]

    plain = answers()
    with fast.compiled():
        for kernel, expected in zip(answers(), plain, strict=True):
            # Iterations stop at a step of 1e-8; all else differs by rounding alone.
            np.testing.assert_allclose(kernel, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("value", [2.0**18 - 1, 2.0**18, 2.0**31, 2.0**31 + 1, 2.0**32, 2.0**40, 1e18, 1e19, 1e300])
@pytest.mark.parametrize("n", [1, 3, 40, 2_000])
def test_whole_times_beyond_the_table_stay_themselves(value, n):
    """Whole times too large to be counted in a table, beyond the range of integers too, are not taken for other times."""
    time, event, codes = np.full(n, value), np.ones(n, dtype=bool), np.arange(n) % 2
    for found in (kernels.risk_counts(time, event), kernels.counts_at_moments(time, event, codes, 3)):
        assert found is not None
        assert found[0].tolist() == [value]
    mixed = np.concatenate([time, time / 2, np.zeros(n)])
    doubled = np.concatenate([event, event, event]), np.concatenate([codes, codes, codes])
    seen, plain = kernels.group_sums(mixed, *doubled, 2), stratum_sums(mixed, *doubled, 2, "logrank")
    assert seen is not None
    assert seen[0].tolist() == plain[0].tolist()
    np.testing.assert_allclose(seen[1], plain[1], rtol=1e-12)
