"""Profile-likelihood limits: agreement with a root search in R, laws, and the one finite end under divergence."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from oligami.stats.partial_likelihood import Ties, derivatives, lay_out
from oligami.stats.profile_likelihood import profile_interval
from oligami.stats.regression import cox
from stats_reference import columns_of
from stats_split_rows import fitted


def test_limits_are_those_of_a_root_search_in_r() -> None:
    """Two terms of the ovarian data have the limits at which R's fits with an offset lose 1.92 in the likelihood.

    In R: f <- function(b) { o$off <- b*o$rx; coxph(Surv(time,event)~offset(off)+age, o)$loglik[2] - full + qchisq(.95,1)/2 };
    exp(uniroot(f, ..., tol=1e-13)$root), and so for age with rx.
    """
    o = columns_of({"input": {}, "dataset": "data/ovarian.csv"})
    fit = cox(o["time"], o["event"], np.column_stack((o["rx"], o["age"])), names=["rx", "age"])
    for term, wanted in {"rx": (0.123931594081947, 1.588860879265), "age": (1.06921861758414, 1.28681118303064)}.items():
        found = profile_interval(fit, term)
        # uniroot's own rounding shows in the tenth digit of one
        np.testing.assert_allclose((found.lower, found.upper), wanted, rtol=2e-10)
        assert found.hr == fit.hr[fit.position(term)]


@st.composite
def small_trials(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.integers(20, 60))
    x = np.column_stack([random.permutation(np.arange(n) % 2), random.normal(size=n)])
    return random.integers(1, 12, n).astype(float), (random.random(n) < 0.7).astype(int), x


@given(small_trials(), st.sampled_from(["efron", "breslow", "exact"]), st.sampled_from([0.5, 0.9, 0.95]))
@settings(max_examples=25, deadline=None)
def test_limits_are_what_the_likelihood_ratio_test_just_allows(data: tuple[np.ndarray, ...], ties: Ties, level: float) -> None:
    """Given either limit, the fit of the other term falls short of the maximum by half the chi-square quantile."""
    time, event, x = data
    fit = cox(time, event, x, ties=ties, conf_level=level)
    assume(fit.converged)
    found = profile_interval(fit, "x1")
    assert found.lower < fit.hr[0] < found.upper
    short = {0.5: 0.454936423119572, 0.9: 2.70554345409541, 0.95: 3.84145882069412}[level] / 2
    parts = lay_out(time, event, x, np.zeros(time.size, dtype=np.int64), np.ones(time.size), ties)
    for limit in (found.lower, found.upper):
        given_b = math.log(limit)
        best = minimize_scalar(lambda other, b=given_b: -derivatives(parts, np.array([b, other]), ties).loglik)
        assert -best.fun == pytest.approx(fit.loglik - short, abs=1e-7)


def test_limits_approach_those_of_wald_with_many_events() -> None:
    """Where the likelihood is nearly quadratic the limits are near the usual ones; late entry plays no part."""
    fit = fitted(cluster=None)
    for term in fit.terms:
        j, found = fit.position(term), profile_interval(fit, term)
        near = np.log([found.lower, found.upper]) - np.log([fit.ci_lower[j], fit.ci_upper[j]])
        # The likelihood's skewness moves limits by a fraction of a standard error of order 1 / sqrt(events).
        np.testing.assert_allclose(near / fit.se[j], 0, atol=3 / math.sqrt(fit.n_event))
    narrow = profile_interval(fit, "nodes", conf_level=0.5)
    wide = profile_interval(fit, "nodes")
    assert wide.lower < narrow.lower < narrow.hr < narrow.upper < wide.upper
    assert "95 % profile likelihood" in wide.summary()


@pytest.mark.parametrize(("event_arm", "side"), [(0, "upper"), (1, "lower")])
def test_an_arm_without_events_has_one_finite_limit(event_arm: int, side: str) -> None:
    """Under a monotone likelihood one limit is 0 or inf, and the other where 1.92 of the likelihood is lost.

    In R: f <- function(b) coxph(Surv(1:8,c(1,1,1,1,0,0,0,0))~offset(b*rep(0:1,each=4)))$loglik + log(24) + qchisq(.95,1)/2;
    exp(uniroot(f, c(-10,5), tol=1e-13)$root)
    """
    x = [event_arm] * 4 + [1 - event_arm] * 4
    fit = cox([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 1, 0, 0, 0, 0], x)
    found = profile_interval(fit)
    if side == "upper":
        assert (found.hr, found.lower) == (0, 0)
        assert found.upper == pytest.approx(0.31336026296755, rel=1e-9)
    else:
        assert (found.hr, found.upper) == (math.inf, math.inf)
        assert found.lower == pytest.approx(1 / 0.31336026296755, rel=1e-9)


def test_an_innocent_term_keeps_both_limits_beside_one_that_runs_off() -> None:
    """Beside a diverging term another has two finite limits: those of the subjects among whom it is compared."""
    random = np.random.default_rng(1)
    arm, age, time = np.repeat([0, 1], 20), random.normal(size=40), random.exponential(size=40)
    event = (arm == 0) & (random.random(40) < 0.7)
    found = profile_interval(cox(time, event, np.column_stack([arm, age]), names=["B", "age"]), "age")
    # Once arm B weighs nothing, the likelihood is that of arm A alone.
    alone = profile_interval(cox(time[:20], event[:20], age[:20], names=["age"]))
    assert math.isnan(found.hr)
    np.testing.assert_allclose((found.lower, found.upper), (alone.lower, alone.upper), rtol=1e-8)


def test_wrong_arguments_are_named() -> None:
    """A term that is not there, a level outside (0, 1) and a fit without events are refused."""
    fit = cox([1, 2, 3, 4], [1, 1, 0, 1], [0, 1, 1, 0], names=["B"])
    with pytest.raises(ValueError, match="term is 'A'; it must be one of B"):
        profile_interval(fit, "A")
    with pytest.raises(ValueError, match="conf_level is 95; it must lie between 0 and 1"):
        profile_interval(fit, "B", conf_level=95)
    with pytest.raises(ValueError, match="fit has problem 'no_events'"):
        profile_interval(cox([1, 2], [0, 0], [0, 1]))
