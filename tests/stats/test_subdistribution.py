"""The Fine-Gray model beyond its reference case: R's other implementation, laws, and honest failures."""

import math
from typing import Any

import numpy as np
import pytest

from oligami.stats.regression import cox
from oligami.stats.subdistribution import FineGrayResult, fine_gray
from stats_reference import columns_of

# In R, with d$time <- d$time + seq_len(nrow(d))/5000 so that nothing is tied:
# g <- finegray(Surv(time,factor(cause))~age+male, d, etype=...); m <- coxph(Surv(fgstart,fgstop,fgstatus)~age+male, g, weights=fgwt,
# ties='breslow'); coef(m); m$loglik; 1 - summary(survfit(m, newdata=data.frame(age=70,male=1)), times=c(24,120,240))$surv
UNTIED = {
    1: [
        [-0.0172948318180568, -0.259772790179184],
        [-793.490512398998, -789.852337907356],
        [0.0150832048932532, 0.0555144396273785, 0.0871334679558945],
    ],
    2: [
        [0.0589337440754771, 0.371720999419208],
        [-5698.64469114875, -5533.44387182836],
        [0.155152057813396, 0.558540369379742, 0.800361341841286],
    ],
}

Trial = tuple[np.ndarray, np.ndarray, np.ndarray]


def gammopathy() -> Trial:
    data = columns_of({"input": {}, "dataset": "data/mgus2.csv"})
    x = np.column_stack((data["age"], data["sex"] == "M")).astype(float)
    return data["time"] + np.arange(1, data["time"].size + 1) / 5000, data["cause"], x


def made_up(n: int = 120) -> Trial:
    """Two causes, censoring that depends on the first covariate, ties."""
    random = np.random.default_rng(11)
    x = np.column_stack((np.arange(n) % 2, random.normal(size=n)))
    time = np.ceil(8 * random.exponential(size=n) * np.exp(-0.4 * x[:, 1]))
    censor = np.ceil(random.exponential(size=n) * (8 + 12 * x[:, 0]))
    cause = np.where(time <= censor, 1 + (random.random(n) < 0.4), 0)
    return np.minimum(time, censor), cause, x


@pytest.mark.parametrize("cause", [1, 2])
def test_untied_times_are_fitted_as_by_finegray(cause: int) -> None:
    """Without ties coefficients, likelihood and predicted incidence are those of R's survival::finegray."""
    coef, loglik, incidence = UNTIED[cause]
    fit = fine_gray(*gammopathy(), of_cause=cause)
    np.testing.assert_allclose(fit.coef, coef, rtol=1e-9)
    np.testing.assert_allclose([fit.loglik_null, fit.loglik], loglik, rtol=1e-11)
    np.testing.assert_allclose(fit.cumulative_incidence([70, 1], [24, 120, 240]), incidence, rtol=1e-9)


def test_without_competing_events_it_is_the_cox_model() -> None:
    """When nothing competes, the fit is Cox's with Breslow ties and the robust error of single subjects."""
    time, cause, x = made_up()
    event = (cause > 0).astype(int)
    fit, plain = fine_gray(time, event, x), cox(time, event, x, ties="breslow", cluster=np.arange(time.size))
    np.testing.assert_allclose(fit.coef, plain.coef, atol=1e-10)
    np.testing.assert_allclose(fit.se, plain.robust_se, rtol=1e-8)
    assert fit.loglik == pytest.approx(plain.loglik)


def test_without_censoring_competing_events_stay_at_risk_for_ever() -> None:
    """When nobody is censored, the fit is Cox's with competing events at risk past the last event."""
    time, cause, x = made_up()
    cause = np.where(cause == 0, 2, cause)
    fit = fine_gray(time, cause, x)
    stays = cox(np.where(cause == 2, time.max() + 1, time), (cause == 1).astype(int), x, ties="breslow")
    np.testing.assert_allclose(fit.coef, stays.coef, atol=1e-10)


def weighted_score(trial: Trial, coef: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The score, risk set by risk set as the paper writes it."""
    time, cause, x = trial
    risk = np.exp(x @ coef)

    def uncensored(g: int, before: float) -> float:
        """Kaplan-Meier of censoring in a group, just before a time."""
        t, lost = time[group == g], (cause == 0)[group == g]
        return math.prod(1 - (lost & (t == u)).sum() / (t >= u).sum() for u in np.unique(t[lost]) if u < before)

    score = np.zeros(coef.size)
    own = np.array([uncensored(g, t) for g, t in zip(group, time, strict=True)])
    for i in np.flatnonzero(cause == 1):
        now = np.array([uncensored(g, time[i]) for g in (0, 1)])[group]
        weight = np.where(time >= time[i], 1.0, np.where(cause == 2, now / own, 0.0))
        score += x[i] - (weight * risk) @ x / (weight * risk).sum()
    return score


@pytest.mark.parametrize("grouped", [False, True])
def test_the_fit_solves_the_weighted_score(grouped: bool) -> None:
    """At the fit the score written out is 0, with one censoring distribution and with one a group."""
    trial = made_up()
    group = trial[2][:, 0].astype(int) if grouped else np.zeros(trial[0].size, dtype=int)
    fit = fine_gray(*trial, censoring_groups=group)
    np.testing.assert_allclose(weighted_score(trial, fit.coef, group), 0, atol=1e-8)


@pytest.mark.parametrize("grouped", [False, True])
def test_the_error_is_that_of_leaving_subjects_out(grouped: bool) -> None:
    """The robust error agrees with the jackknife, which lets the censoring distribution move too."""
    time, cause, x = made_up(300)
    group = x[:, 0] if grouped else None

    def without(i: int) -> np.ndarray:
        keep = np.arange(time.size) != i
        return fine_gray(time[keep], cause[keep], x[keep], censoring_groups=None if group is None else group[keep]).coef

    left_out = np.array([without(i) for i in range(time.size)])
    jackknife = np.sqrt(np.sum((left_out - left_out.mean(axis=0)) ** 2, axis=0))
    # The two differ in terms of order 1 in the number of events, here 120 or so, by a few times.
    np.testing.assert_allclose(fine_gray(time, cause, x, censoring_groups=group).se, jackknife, rtol=0.05)


def test_order_of_subjects_does_not_matter() -> None:
    """Shuffled rows give the same fit."""
    time, cause, x = made_up()
    order = np.random.default_rng(5).permutation(time.size)
    one, other = fine_gray(time, cause, x), fine_gray(time[order], cause[order], x[order])
    np.testing.assert_allclose(other.coef, one.coef, atol=1e-10)
    np.testing.assert_allclose(other.se, one.se, rtol=1e-9)


def test_a_fit_shows_itself() -> None:
    """The table names subjects, events and terms; frame and picture have a line a term."""
    fit = fine_gray(*gammopathy(), names=["age", "male"])
    assert fit.summary().startswith("Fine-Gray model: 1384 subjects, 115 events, 860 competing events")
    assert fit.to_frame()["term"].tolist() == ["age", "male"]
    assert [label.get_text() for label in fit.plot().get_yticklabels()] == ["age", "male"]
    assert not fit.coef.flags.writeable


@pytest.mark.parametrize(
    ("cause", "x", "problem"),
    [
        ([0, 2, 2, 0], [0, 1, 0, 1], "no_events"),
        ([0, 0, 0, 0], [0, 1, 0, 1], "no_events"),
        ([1, 2, 1, 0], [1, 1, 1, 1], "singular"),
        ([1, 2, 1, 0], [0, 1, 0, 1], "monotone_likelihood"),
    ],
)
def test_data_that_tell_nothing_give_no_number(cause: list[int], x: list[int], problem: str) -> None:
    """Without events of the cause, with one arm, or with events in one arm only, the problem is named."""
    fit = fine_gray([1, 2, 3, 4], cause, x)
    assert fit.problem == problem
    assert np.isnan([fit.se[0], fit.ci_lower[0], fit.z[0], fit.wald_chisq]).all()
    assert fit.diverging == (("x1",) if problem == "monotone_likelihood" else ())
    assert problem.replace("_", " ") in fit.summary()
    with pytest.raises(ValueError, match=f"the model has problem '{problem}'; only a converged fit predicts"):
        fit.cumulative_incidence([0], [1])


def fit_small(**changed: Any) -> FineGrayResult:
    return fine_gray(**({"time": [1, 2, 3, 4], "cause": [1, 2, 1, 1], "covariates": [0, 1, 1, 0]} | changed))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"cause": [1, 2, 1]}, "cause has 3 rows; it must have as many as time, 4"),
        ({"cause": [1, math.nan, 1, 0]}, "cause[1] is nan; it must be a finite number"),
        ({"of_cause": 0}, "of_cause is 0; it must differ from censored, 0"),
        ({"censoring_groups": [1, 2]}, "censoring_groups has 2 rows; it must have as many as time, 4"),
        ({"conf_level": 1.5}, "conf_level is 1.5; it must lie between 0 and 1"),
    ],
)
def test_wrong_columns_are_named(changed: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    with pytest.raises(ValueError, match=r".*") as refusal:
        fit_small(**changed)
    assert sentence in str(refusal.value)


def test_a_profile_has_a_covariate_a_term() -> None:
    """A profile of another length is refused; an event at time 0 is one like any other."""
    fit = fit_small(time=[0, 2, 3, 4])
    assert fit.cumulative_incidence([0], [0])[0] > 0
    with pytest.raises(ValueError, match="profile has 2 covariates; it must have one a term, 1"):
        fit.cumulative_incidence([0, 1], [0])
