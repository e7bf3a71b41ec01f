"""The Cox model and what is built on it: laws, agreement with independent computations, and honest failures."""

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oligami.stats import regression
from oligami.stats.comparison import logrank
from oligami.stats.concordance import concordance
from oligami.stats.fast import compiled, plain
from oligami.stats.partial_likelihood import Ties, derivatives, lay_out
from oligami.stats.proportional_hazards import check_proportional_hazards, proportional_hazards_test
from oligami.stats.regression import CoxResult, baseline_hazard, cox

Data = tuple[np.ndarray, np.ndarray, np.ndarray]


@st.composite
def trials(draw: st.DrawFn, *, ties: bool) -> Data:
    """A binary and a continuous covariate, times with or without ties, some events."""
    n = draw(st.integers(12, 40))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    time = random.integers(1, 9, n) if ties else random.permutation(n) + 1
    x = np.column_stack([random.permutation(np.arange(n) % 2), random.normal(size=n)])
    return time.astype(float), (random.random(n) < 0.7).astype(int), x


def fitted(*arguments: Any, **options: Any) -> CoxResult:
    result = cox(*arguments, **options)
    assume(result.converged)
    return result


@given(trials(ties=False))
@settings(max_examples=40, deadline=None)
def test_score_test_of_an_arm_is_the_logrank_test(data: Data) -> None:
    """With one binary covariate and no ties the score test is the log-rank chi-square."""
    time, event, x = data
    fit, test = cox(time, event, x[:, 0]), logrank(time, event, x[:, 0])
    assume(fit.problem not in ("no_events", "singular"))
    assert fit.score_chisq == pytest.approx(test.chisq, rel=1e-9, abs=1e-12)


@given(trials(ties=True), st.sampled_from(["efron", "breslow", "exact"]), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_of_subjects_does_not_matter(data: Data, ties: Ties, random: Any) -> None:
    """Shuffled rows give the same fit."""
    time, event, x = data
    order = list(range(time.size))
    random.shuffle(order)
    one = fitted(time, event, x, ties=ties)
    other = cox(time[order], event[order], x[order], ties=ties)
    np.testing.assert_allclose(other.coef, one.coef, atol=1e-9)
    np.testing.assert_allclose(other.se, one.se, rtol=1e-8)


@given(trials(ties=False))
@settings(max_examples=25, deadline=None)
def test_without_ties_all_treatments_agree(data: Data) -> None:
    """Efron, Breslow and exact are the same likelihood when no events are tied."""
    fits = [fitted(*data, ties=ties) for ties in ("efron", "breslow", "exact")]
    for fit in fits[1:]:
        np.testing.assert_allclose(fit.coef, fits[0].coef, atol=1e-8)
        assert fit.loglik == pytest.approx(fits[0].loglik)


@given(trials(ties=True), st.sampled_from(["efron", "breslow"]))
@settings(max_examples=30, deadline=None)
def test_units_of_a_covariate_do_not_matter(data: Data, ties: Ties) -> None:
    """A covariate in other units, from another origin, has the same z and the same likelihood."""
    time, event, x = data
    one, other = fitted(time, event, x, ties=ties), cox(time, event, x * [1, 1000] + [5, 7e4], ties=ties)
    np.testing.assert_allclose(other.z, one.z, atol=1e-6)
    assert other.loglik == pytest.approx(one.loglik)


@given(trials(ties=True))
@settings(max_examples=25, deadline=None)
def test_weights_count_subjects(data: Data) -> None:
    """With Breslow ties a subject of weight 2 stands for two equal subjects."""
    time, event, x = data
    counts = 1 + np.arange(time.size) % 2
    twice = np.repeat(np.arange(time.size), counts)
    one = fitted(time, event, x, ties="breslow", weights=counts)
    other = cox(time[twice], event[twice], x[twice], ties="breslow")
    np.testing.assert_allclose(one.coef, other.coef, atol=1e-8)
    np.testing.assert_allclose(one.se, other.se, rtol=1e-7)


@given(trials(ties=True), st.sampled_from(["efron", "breslow"]))
@settings(max_examples=25, deadline=None)
def test_robust_error_counts_a_cluster_once(data: Data, ties: Ties) -> None:
    """A weight of 2 on every subject leaves the robust error, for nobody new was seen; the plain one shrinks."""
    time, event, x = data
    own = np.arange(time.size)
    one = fitted(time, event, x, ties=ties, cluster=own)
    two = cox(time, event, x, ties=ties, cluster=own, weights=np.full(time.size, 2.0))
    assert one.robust_se is not None
    assert two.robust_se is not None
    np.testing.assert_allclose(two.robust_se, one.robust_se, rtol=1e-6)
    np.testing.assert_allclose(two.se, one.se / math.sqrt(2), rtol=1e-6)


@given(trials(ties=True), st.sampled_from(["efron", "breslow", "exact"]), st.floats(-1, 1), st.floats(-1, 1))
@settings(max_examples=30, deadline=None)
def test_derivatives_are_those_of_the_likelihood(data: Data, ties: Ties, b0: float, b1: float) -> None:
    """Score and information are the slope and curvature of the log likelihood, by central differences."""
    time, event, x = data
    assume(event.any())
    stratum = np.arange(time.size) % 2
    weight = np.ones(time.size) if ties == "exact" else 1 + np.arange(time.size) % 3 / 2
    parts, coef, h = lay_out(time, event, x, stratum, weight, ties), np.array([b0, b1]), 1e-4
    at = derivatives(parts, coef, ties)
    for j, step in enumerate(np.eye(2) * h):
        ahead, behind = derivatives(parts, coef + step, ties), derivatives(parts, coef - step, ties)
        # A central difference errs by h^2 times a third derivative, sums over up to 40 subjects.
        assert at.score[j] == pytest.approx((ahead.loglik - behind.loglik) / (2 * h), abs=1e-4)
        np.testing.assert_allclose(at.information[j], (behind.score - ahead.score) / (2 * h), atol=1e-4)


def test_exact_ties_weigh_every_set_that_could_have_had_the_events() -> None:
    """The exact likelihood is the share of the observed set among all sets of its size, written out."""
    x, coef = np.array([[0.3], [-1.0], [0.8], [0.1], [1.7]]), np.array([0.6])
    time, event = np.array([2.0, 2.0, 2.0, 3.0, 4.0]), np.array([1, 1, 1, 0, 0])
    parts = lay_out(time, event, x, np.zeros(5, dtype=np.int64), np.ones(5), "exact")
    hazard = np.exp(x[:, 0] * coef[0])
    sets = [math.prod(hazard[list(chosen)]) for chosen in itertools.combinations(range(5), 3)]
    assert derivatives(parts, coef, "exact").loglik == pytest.approx(math.log(math.prod(hazard[:3]) / sum(sets)))


def test_interval_at_another_level() -> None:
    """The same fit gives limits at any level; the fitted level is among them."""
    fit = cox([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 1], [0, 1, 0, 1, 1, 0], names=["B"], conf_level=0.9)
    assert fit.terms == ("B",)
    lower, upper = fit.confidence_interval(0.9)
    assert (lower[0], upper[0]) == (fit.ci_lower[0], fit.ci_upper[0])
    wider = fit.confidence_interval(0.99)
    assert wider[0][0] < lower[0] < fit.hr[0] < upper[0] < wider[1][0]
    with pytest.raises(ValueError, match="level is 1; it must lie between 0 and 1"):
        fit.confidence_interval(1)


@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_an_arm_without_events_has_no_finite_hazard_ratio(ties: Ties) -> None:
    """When the experimental arm has no event the ratio is 0 without limits, said to diverge, and still testable."""
    fit = cox([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 1, 0, 0, 0, 0], [0] * 4 + [1] * 4, names=["B"], ties=ties)
    assert not fit.converged
    assert fit.problem == "monotone_likelihood"
    assert fit.diverging == ("B",)
    assert fit.coef[0] == -math.inf
    assert fit.hr[0] == 0
    assert np.isnan([fit.se[0], fit.ci_lower[0], fit.ci_upper[0], fit.z[0], fit.p_two_sided[0], fit.wald_chisq]).all()
    # The events are the four subjects of arm A in turn: 1/4, 1/3, 1/2 and 1 once arm B weighs nothing.
    assert fit.loglik == pytest.approx(-math.log(24), abs=1e-7)
    assert fit.score_chisq == pytest.approx(7.34440681471523)


def test_only_the_terms_that_run_off_are_named() -> None:
    """Beside a term that diverges another may be innocent; it is not named, but has no number either."""
    random = np.random.default_rng(1)
    arm, age, time = np.repeat([0, 1], 20), random.normal(size=40), random.exponential(size=40)
    event = (arm == 0) & (random.random(40) < 0.7)
    fit = cox(time, event, np.column_stack([arm, age]), names=["B", "age"], cluster=np.arange(40))
    assert fit.diverging == ("B",)
    assert np.isnan(fit.coef[1])
    assert fit.robust_se is not None
    assert np.isnan(fit.robust_se).all()


def test_a_far_outlier_is_no_divergence() -> None:
    """A covariate of 10000 among ones leaves the coefficient finite, where the score of the likelihood is 0."""
    x, time, event = np.array([1e4, 1.2, -0.3, 0.4, -1.1, 0.2]), np.array([1.0, 2, 3, 4, 5, 6]), np.array([0, 1, 1, 1, 1, 0])
    with_outlier, without = cox(time, event, x), cox(time[1:], event[1:], x[1:])
    assert with_outlier.converged
    # The outlier is censored before the first event, so it tells nothing.
    np.testing.assert_allclose(with_outlier.coef, without.coef, rtol=1e-7)
    np.testing.assert_allclose(with_outlier.se, without.se, rtol=1e-7)


@pytest.mark.parametrize(
    ("event", "x", "problem"),
    [
        ([0, 0, 0, 0], [0, 1, 0, 1], "no_events"),
        ([1, 1, 1, 0], [1, 1, 1, 1], "singular"),
        ([1, 1, 1, 1], [[0, 0], [1, 2], [5, 10], [2, 4]], "singular"),
    ],
    ids=["no event", "one arm", "one covariate twice"],
)
def test_data_that_tell_nothing_give_no_number(event: list[int], x: list[Any], problem: str) -> None:
    """Without events, with a constant covariate or a repeated one, the problem is named and all numbers are NaN."""
    fit = cox([1, 2, 3, 4], event, x)
    assert fit.problem == problem
    assert np.isnan(np.concatenate([fit.coef, fit.se, fit.hr, fit.z, fit.ci_lower, fit.ci_upper])).all()
    assert np.isnan([fit.wald_chisq, fit.score_chisq, fit.lrt_chisq]).all()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"covariates": [[1], [2]]}, "covariates has 2 rows; it must have as many as time, 3"),
        ({"covariates": [1, math.nan, 2]}, "covariates[1, 0] is nan; it must be a finite number"),
        ({"covariates": np.zeros((3, 0))}, "covariates have shape (3, 0); they must be one or more columns"),
        ({"covariates": ["a", "b", "c"]}, "covariates hold values that are not numbers"),
        ({"names": ["a", "b"]}, "names are ('a', 'b'); they must be 1 different names"),
        ({"weights": [1, 0, 1]}, "weights[1] is 0.0; it must be more than 0"),
        ({"cluster": [1, 2]}, "cluster has 2 rows; it must have as many as time, 3"),
        ({"ties": "jeffreys"}, "ties is 'jeffreys'; it must be one of efron, breslow, exact"),
        ({"ties": "exact", "cluster": [1, 2, 3]}, "ties is 'exact'; with weights or cluster it must be"),
        ({"cluster": [1, 1, 1]}, "cluster holds 1 label; it must hold more than there are covariates, 1"),
        ({"event": [1, 0, 3]}, "event[2] is 3.0; it must be 0 or 1"),
    ],
)
def test_wrong_columns_are_named(changed: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    arguments: dict[str, Any] = {"time": [1, 2, 3], "event": [1, 1, 0], "covariates": [0, 1, 0]} | changed
    with pytest.raises(ValueError, match=r".*") as refusal:
        cox(**arguments)
    assert sentence in str(refusal.value)


def test_only_a_sound_fit_has_a_baseline_and_a_check() -> None:
    """A model without a finite answer has neither a baseline hazard nor a test of its assumption."""
    time, event, x = [1, 2, 3, 4], [1, 1, 0, 0], [0, 0, 1, 1]
    with pytest.raises(ValueError, match="it must be a converged fit"):
        baseline_hazard(cox(time, event, x), time, event, x)
    with pytest.raises(ValueError, match="only a converged fit can be tested"):
        proportional_hazards_test(time, event, x)


@given(trials(ties=True))
@settings(max_examples=25, deadline=None)
def test_concordance_counts_pairs(data: Data) -> None:
    """The counts are those of looking at every pair; turning the score round turns the estimate round."""
    time, event, x = data
    score = np.round(x[:, 1])
    found, turned = concordance(time, event, score), concordance(time, event, -score)
    pairs = [
        np.sign(score[i] - score[j])
        for i, j in itertools.permutations(range(time.size), 2)
        if event[i] and (time[j] > time[i] or (time[j] == time[i] and not event[j]))
    ]
    assert (found.concordant, found.discordant, found.tied_score) == tuple(pairs.count(sign) for sign in (1, -1, 0))
    assert turned.estimate == pytest.approx(1 - found.estimate, nan_ok=True)
    assert turned.std_err == pytest.approx(found.std_err, nan_ok=True)


def test_a_fit_shows_itself() -> None:
    """Table, frame and picture have a line a term, with the error that intervals use; columns of a frame name the terms."""
    time, event, x = [1, 2, 3, 4, 5, 6, 7], [1, 1, 0, 1, 1, 1, 0], [[0, 5], [1, 6], [0, 4], [1, 5], [1, 7], [0, 3], [1, 6]]
    fit = cox(time, event, pandas.DataFrame(x, columns=["B", "age"]), cluster=range(7))
    assert fit.terms == ("B", "age")
    assert fit.summary().startswith("Cox model, Efron ties: 7 rows, 5 events")
    frame = fit.to_frame()
    assert frame["term"].tolist() == ["B", "age"]
    np.testing.assert_array_equal(frame["se"], fit.robust_se)
    axes = fit.plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["B", "age"]
    assert axes.get_xscale() == "log"


def test_a_divergent_fit_says_so_and_still_draws() -> None:
    """The table of a monotone likelihood names the problem and the term; the picture leaves the term out."""
    fit = cox([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 1, 0, 0, 0, 0], [0] * 4 + [1] * 4, names=["B"])
    assert "no finite answer: monotone likelihood (B)" in fit.summary()
    assert "B" in [label.get_text() for label in fit.plot().get_yticklabels()]


def test_the_check_of_the_assumption_shows_itself() -> None:
    """Table, frame and picture of the test; the smooth of residuals around a straight trend is that trend."""
    random = np.random.default_rng(2)
    x = random.normal(size=(80, 2))
    fit = cox(random.exponential(size=80), np.ones(80), x, names=["a", "b"])
    test = check_proportional_hazards(fit, scale="rank")
    assert test.summary().splitlines()[-1].startswith("all together")
    assert test.to_frame()["df"].tolist() == [1, 1, 2]
    assert test.plot("b").get_ylabel() == "log hazard ratio of b"
    straight = dataclasses.replace(test.residuals, values=np.column_stack((3 + 2 * test.position, test.position)))
    grid, smooth = dataclasses.replace(test, residuals=straight).smooth("a")
    np.testing.assert_allclose(smooth, 3 + 2 * grid, rtol=1e-9)
    with pytest.raises(ValueError, match="term is 'c'; it must be one of a, b"):
        test.plot("c")


def test_only_efron_and_breslow_fits_are_checked() -> None:
    """The test of the assumption refuses the exact likelihood, an unknown scale, and time 0 on the log scale."""
    time, event, x = [0, 2, 3, 4], [1, 1, 0, 1], [0, 1, 1, 0]
    unknown: Any = "sqrt"
    with pytest.raises(ValueError, match="the model has ties 'exact'"):
        check_proportional_hazards(cox(time, event, x, ties="exact"))
    with pytest.raises(ValueError, match="scale is 'sqrt'; it must be one of km, identity, rank, log"):
        check_proportional_hazards(cox(time, event, x), scale=unknown)
    with pytest.raises(ValueError, match="time holds 0; on the log scale it must be more than 0"):
        check_proportional_hazards(cox(time, event, x), scale="log")


def test_strata_may_each_have_their_own_level_of_a_covariate() -> None:
    """A covariate shifted by any amount within each stratum gives the same fit, to the last digits that matter."""
    random = np.random.default_rng(4)
    stratum, x = np.repeat([0, 1, 2], 20), random.normal(size=60)
    time, event = random.exponential(size=60), (random.random(60) < 0.7).astype(int)
    one, other = cox(time, event, x, strata=stratum), cox(time, event, x + 1e6 * stratum, strata=stratum)
    np.testing.assert_allclose(other.coef, one.coef, rtol=1e-7)
    assert other.loglik == pytest.approx(one.loglik, abs=1e-8)


def test_many_small_strata_are_matched_sets() -> None:
    """Pairs with one event each give the conditional logistic estimate: the log of the ratio of discordant pairs."""
    exposed_case, exposed_control = 30, 12
    pairs = exposed_case + exposed_control
    x = np.concatenate(([[1, 0]] * exposed_case, [[0, 1]] * exposed_control)).ravel()
    fit = cox(np.ones(2 * pairs), np.tile([1, 0], pairs), x, strata=np.repeat(np.arange(pairs), 2))
    assert fit.coef[0] == pytest.approx(math.log(exposed_case / exposed_control))
    assert fit.se[0] == pytest.approx(math.sqrt(1 / exposed_case + 1 / exposed_control))


@given(trials(ties=True), st.sampled_from(["efron", "breslow"]))
@settings(max_examples=20, deadline=None)
def test_compiled_and_plain_fits_agree(data: Data, ties: Ties) -> None:
    """The likelihood gives the same fit from its kernel and from plain numpy."""
    time, event, x = data
    with plain():
        one = fitted(time, event, x, ties=ties)
    with compiled():
        other = cox(time, event, x, ties=ties)
    np.testing.assert_allclose(other.coef, one.coef, atol=1e-10)
    np.testing.assert_allclose(other.se, one.se, rtol=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_beginning_near_the_maximum_changes_no_answer(monkeypatch, ties, rounded, whole):
    """The search over many rows begins where every so many of them have their maximum, and ends where it does from 0."""
    source = np.random.default_rng(4)
    x = source.standard_normal((1500, 3))
    time = source.exponential(np.exp(-0.8 * x[:, 0])) + 0.1
    time = np.ceil(8 * time) if rounded else time
    event = (source.random(1500) < 0.7).astype(int)
    more: dict[str, Any] = (
        {}
        if whole
        else {
            "entry": time * source.uniform(0, 0.5, 1500),
            "strata": source.integers(0, 3, 1500),
            "weights": source.uniform(0.5, 2, 1500),
        }
    )
    from_0 = cox(time, event, x, ties=ties, **more)
    monkeypatch.setattr(regression, "_ROWS_TO_BEGIN_WITH", 150)
    begun = []
    monkeypatch.setattr(
        regression, "_nearby", lambda *given, nearby=regression._nearby: begun.append(nearby(*given)) or begun[-1]
    )
    near = cox(time, event, x, ties=ties, **more)
    assert np.abs(begun[0][0] - near.coef).max() < 0.5 * np.abs(near.coef).max()
    assert begun[0][1].loglik > near.loglik_null
    assert near.loglik_null == from_0.loglik_null
    assert near.score_chisq == from_0.score_chisq
    assert near.loglik == pytest.approx(from_0.loglik, rel=1e-14)
    np.testing.assert_allclose(near.coef, from_0.coef, rtol=0, atol=1e-11)
    np.testing.assert_allclose(near.se, from_0.se, rtol=1e-10)


def test_many_rows_without_a_finite_answer_are_told_apart_all_the_same(monkeypatch):
    """An arm without events, a constant covariate and a lack of events are reported wherever the search began."""
    monkeypatch.setattr(regression, "_ROWS_TO_BEGIN_WITH", 20)
    source = np.random.default_rng(5)
    time, event, other = source.exponential(1.0, 400), source.random(400) < 0.8, source.standard_normal(400)
    rare = np.zeros(400)
    rare[::23] = 1  # some of these rows are among those it would begin with, some are not
    runaway = cox(time, event & (rare == 0), np.column_stack((rare, other)))
    assert (runaway.problem, runaway.diverging) == ("monotone_likelihood", ("x1",))
    assert cox(time, event, np.column_stack((np.ones(400), other))).problem == "singular"
    assert cox(time, np.zeros(400), other).problem == "no_events"
    one_event = np.zeros(400)
    one_event[7] = 1
    assert cox(time, one_event, other).problem in (None, "monotone_likelihood")
