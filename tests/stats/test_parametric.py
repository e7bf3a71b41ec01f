"""Exponential, Weibull and piecewise exponential models: values from R, laws that always hold, unusual data."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats.parametric import ParametricFit, fit_exponential, fit_weibull
from oligami.stats.piecewise_exponential import PiecewiseExponentialFit, fit_piecewise_exponential
from oligami.stats.survival import kaplan_meier
from stats_reference import columns_of, stacked

# R 4.2.2, survival 3.5-3: f <- survreg(Surv(time, event) ~ sex + age, lung, dist = ..., control = list(rel.tolerance =
# 1e-14, maxiter = 100)); f$coef; f$scale; f$loglik; sqrt(diag(f$var)); and predict(f, newdata = data.frame(sex = 1,
# age = 60), type = "uquantile", p = c(.25, .5), se = TRUE).
WEIBULL: dict[str, Any] = {
    "coef": [6.2748530584159061, 0.3820851396766486, -0.0122570255896658],
    "scale": 0.754050947662723,
    "loglik": -1147.05443143195,
    "errors": [0.48136695286388437, 0.12747684050486163, 0.00695747226505559, 0.06188327212511101],
    "log_quantile": [4.98204509697882, 5.64514724761737],
    "log_quantile_error": [0.0998994493513639, 0.0793549822245805],
}
EXPONENTIAL: dict[str, Any] = {
    "coef": [6.359671541789741, 0.480934923960242, -0.015618711040088],
    "scale": 1.0,
    "loglik": -1156.09903713804,
    "errors": [0.63546908251532996, 0.16709428595250581, 0.00910568018485728],
    "log_quantile": [4.65758447963746, 5.53697088276304],
    "log_quantile_error": [0.100249679255154, 0.100249679255154],
}
# s <- survSplit(Surv(time, event) ~ sex + age, lung, cut = c(180, 365), episode = "ep"); the model of s$time - s$tstart,
# survreg(..., dist = "exponential") ~ 0 + factor(ep), without and with + sex + age: coef changed in sign, loglik, errors.
PIECES: dict[str, Any] = {
    "rate": [0.00175604861188538, 0.00293210656690764, 0.00315729047072331],
    "loglik": -1156.32720089022,
    "errors": [0.125988157669742, 0.131306432859723, 0.150755672288882],
}
PIECES_ADJUSTED: dict[str, Any] = {
    "log_rate": [-6.6460769012429566, -6.1123169937604480, -6.0357435516455373],
    "coef": [-0.5077425600240386, 0.0157901291643492],
    "loglik": -1149.59729603992,
    "errors": [0.64443746819463565, 0.64949517507485566, 0.64884926746104710, 0.16717203241253006, 0.00917500504479291],
}
CLOSE = 1e-9  # survreg stops at a relative change of 1e-14 in the likelihood, 1e-7 in a parameter at worst, here less


@pytest.fixture(scope="module")
def lung() -> dict[str, np.ndarray]:
    return columns_of({"dataset": "data/lung.csv", "input": {}})


def covariates_of(data: dict[str, np.ndarray]) -> np.ndarray:
    found = stacked(data, ["sex", "age"])
    assert found is not None
    return found


@pytest.mark.parametrize(("fit_model", "expected"), [(fit_weibull, WEIBULL), (fit_exponential, EXPONENTIAL)])
def test_models_are_those_of_survreg(fit_model: Any, expected: dict[str, Any], lung: dict[str, np.ndarray]) -> None:
    """Coefficients, scale, likelihood, errors and predicted quantiles agree with R."""
    fit = fit_model(lung["time"], lung["event"], covariates_of(lung), names=["sex", "age"])
    assert fit.converged
    np.testing.assert_allclose(fit.coef, expected["coef"], rtol=CLOSE)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), expected["errors"], rtol=CLOSE)
    assert fit.scale == pytest.approx(expected["scale"], rel=CLOSE)
    assert fit.loglik == pytest.approx(expected["loglik"], rel=1e-12)
    quantiles = fit.quantile([0.25, 0.5], [1, 60])
    np.testing.assert_allclose(np.log(quantiles.time), expected["log_quantile"], rtol=CLOSE)
    error = np.log(quantiles.upper / quantiles.lower) / 2 / 1.959963984540054
    np.testing.assert_allclose(error, expected["log_quantile_error"], rtol=CLOSE)


def test_pieces_are_those_of_the_split_model(lung: dict[str, np.ndarray]) -> None:
    """Rates, effects, likelihood and errors agree with R's model of the records split at the cuts."""
    plain = fit_piecewise_exponential(lung["time"], lung["event"], [180, 365])
    np.testing.assert_allclose(plain.rate, PIECES["rate"], rtol=CLOSE)
    np.testing.assert_allclose(plain.rate_std_err / plain.rate, PIECES["errors"], rtol=CLOSE)
    assert plain.loglik == pytest.approx(PIECES["loglik"], rel=1e-12)
    assert plain.aic == pytest.approx(6 - 2 * PIECES["loglik"], rel=1e-12)
    fit = fit_piecewise_exponential(lung["time"], lung["event"], [180, 365], covariates_of(lung))
    np.testing.assert_allclose(np.log(fit.rate), PIECES_ADJUSTED["log_rate"], rtol=CLOSE)
    np.testing.assert_allclose(fit.coef, PIECES_ADJUSTED["coef"], rtol=CLOSE)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), PIECES_ADJUSTED["errors"], rtol=CLOSE)
    assert fit.loglik == pytest.approx(PIECES_ADJUSTED["loglik"], rel=1e-12)


def test_late_entry_is_conditioned_on(lung: dict[str, np.ndarray]) -> None:
    """With left truncation the fit is where R's nlm finds the maximum of the conditional likelihood.

    nlm over log(shape), g0, g of -sum(event * (log(a) + (a - 1) * log(time) + eta) - H(time) + H(entry)), lung,
    entry = pmax(time - 300, 0), eta = g0 + g * sex: minimum 1100.173199379861 at 0.22301364, -6.5540219, -0.49987159.
    """
    fit = fit_weibull(lung["time"], lung["event"], lung["sex"], entry=np.maximum(lung["time"] - 300, 0))
    assert fit.loglik == pytest.approx(-1100.173199379861, abs=1e-9)
    found = [math.log(fit.shape), *fit.hazard_coef]
    np.testing.assert_allclose(found, [0.2230136, -6.5540219, -0.4998716], atol=2e-5)  # nlm stops a step of 1e-6 short
    assert fit.loglik >= -1100.173199379861  # so that ours lies at least as high


def test_two_parametrisations_say_the_same(lung: dict[str, np.ndarray]) -> None:
    """Hazard coefficients are those of log time over the scale, with errors by the delta method; predictions agree."""
    fit = fit_weibull(lung["time"], lung["event"], covariates_of(lung))
    np.testing.assert_allclose(fit.hazard_coef, -fit.coef / fit.scale, rtol=1e-12)
    slope = np.append(-np.eye(3)[1] / fit.scale, fit.coef[1] / fit.scale)
    assert fit.hazard_std_err[1] == pytest.approx(math.sqrt(slope @ fit.covariance @ slope), rel=1e-9)
    quantiles = fit.quantile([0.2, 0.5, 0.9], [2, 70])
    points = fit.survival(quantiles.time, [2, 70])
    np.testing.assert_allclose(points.surv, [0.8, 0.5, 0.1], rtol=1e-12)
    # By the delta method the limits of the time on its logarithm and of survival on log-log meet at the same z.
    z_time = np.log(quantiles.upper / quantiles.time) * fit.shape
    z_surv = np.log(np.log(points.lower) / np.log(points.surv))
    np.testing.assert_allclose(z_time, z_surv, rtol=1e-9)
    ratio, low, high = fit.hazard_ratios()
    assert low[0] < ratio[0] < high[0] < 1 < fit.time_ratios()[0][0]


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 1)), min_size=3, max_size=30).filter(lambda r: any(e for _, e in r)),
    st.floats(0.01, 100),
)
@settings(max_examples=40, deadline=None)
def test_exponential_rate_is_events_over_time(rows: list[tuple[int, int]], unit: float) -> None:
    """Without covariates the three models of one rate are events over time, with error by the root of events."""
    time, event = np.array(rows, dtype=float).T
    time = time * unit
    rate, error = event.sum() / time.sum(), 1 / math.sqrt(event.sum())
    one, piece = fit_exponential(time, event), fit_piecewise_exponential(time, event, [])
    assert math.exp(one.hazard_coef[0]) == pytest.approx(rate, rel=1e-9)
    assert one.hazard_std_err[0] == pytest.approx(error, rel=1e-9)
    assert piece.rate[0] == pytest.approx(rate, rel=1e-12)
    assert piece.loglik == pytest.approx(one.loglik, abs=1e-9)
    late = fit_exponential(time, event, entry=time / 2)
    assert math.exp(late.hazard_coef[0]) == pytest.approx(2 * rate, rel=1e-9)


def test_unit_of_time_moves_the_intercept_alone(lung: dict[str, np.ndarray]) -> None:
    """Days or years give the same shape and effects, and intercepts that differ by the logarithm of the unit."""
    days, years = (fit_weibull(lung["time"] / unit, lung["event"], covariates_of(lung)) for unit in (1, 365.25))
    assert days.shape == pytest.approx(years.shape, rel=1e-9)
    np.testing.assert_allclose(days.coef - years.coef, [math.log(365.25), 0, 0], atol=1e-9)
    np.testing.assert_allclose(days.std_err, years.std_err, rtol=1e-8)


def test_weibull_finds_its_own_parameters() -> None:
    """From 4,000 made-up subjects, shape and effect come back within 4 standard errors, late entry or not."""
    rng = np.random.default_rng(8)
    arm = rng.integers(0, 2, 4_000)
    end = (rng.exponential(size=4_000) / np.exp(-1.0 - 0.5 * arm)) ** (1 / 1.7)
    entry = rng.uniform(0, 1, 4_000)
    seen = end > entry
    for chosen, start in ((np.ones(4_000, dtype=bool), None), (seen, entry[seen])):
        limit = 2.5 if start is None else start + 2.0
        time = np.minimum(end[chosen], limit)
        fit = fit_weibull(time, end[chosen] <= limit, arm[chosen], entry=start)
        assert abs(fit.shape - 1.7) < 4 * math.sqrt(fit.hazard_covariance[-1, -1])
        assert abs(fit.hazard_coef[1] + 0.5) < 4 * fit.hazard_std_err[1]


def test_fine_pieces_follow_the_curve(lung: dict[str, np.ndarray]) -> None:
    """With a piece for every event time the model's survival is near the Kaplan-Meier curve at their ends."""
    curve = kaplan_meier(lung["time"], lung["event"])
    cuts = curve.time[curve.n_event > 0]
    fit = fit_piecewise_exponential(lung["time"], lung["event"], cuts)
    points = fit.survival(cuts[:100])
    np.testing.assert_allclose(points.surv, curve.at(cuts[:100]).surv, atol=0.01)  # exp(-d/n) for 1 - d/n, n from 228 to 25


def test_limits_of_predicted_survival() -> None:
    """At time 0 curve and limits are 1; later limits lie around the curve; without events of a piece they stay."""
    time, event = [1, 2, 4, 6, 7, 9], [1, 1, 0, 1, 0, 1]
    fits: list[ParametricFit | PiecewiseExponentialFit] = [
        fit_weibull(time, event),
        fit_exponential(time, event),
        fit_piecewise_exponential(time, event, [3, 5]),
    ]
    for fit in fits:
        points = fit.survival([0, 1.5, 3, 5])
        assert (points.surv[0], points.lower[0], points.upper[0], points.std_err[0]) == (1, 1, 1, 0)
        assert ((points.lower[1:] < points.surv[1:]) & (points.surv[1:] < points.upper[1:])).all()
    assert points.surv[2] == points.surv[3]  # nobody had the event in (3, 5]
    assert fits[2].to_frame()["rate"].tolist()[1] == 0


def test_pieces_without_events_or_time() -> None:
    """A piece without events has rate 0 and no limits; beyond the last observation there is no rate and no survival."""
    fit = fit_piecewise_exponential([1, 2, 3, 8], [1, 1, 0, 0], [2, 5, 10])
    np.testing.assert_array_equal(fit.events, [2, 0, 0, 0])  # the event at 2 belongs to the piece that ends there
    assert fit.rate[1] == 0
    assert fit.rate_std_err[1] == 0
    assert np.isnan([fit.rate_lower[1], fit.rate[3], fit.rate_std_err[3]]).all()
    points = fit.survival([9.0, 10.0, 11.0])
    assert points.surv[0] == points.surv[1]
    assert np.isnan([points.surv[2], points.lower[2]]).all()


def test_fits_without_a_maximum_say_so() -> None:
    """An arm without events, and events all at the last time, have no maximum: the fit says that it did not converge."""
    time, event, arm = [1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]
    for fit in (
        fit_weibull(time, event, arm),
        fit_exponential(time, event, arm),
        fit_piecewise_exponential(time, event, [2], arm),
        fit_weibull([2, 5, 5], [0, 1, 1]),
    ):
        assert not fit.converged
        assert "did not converge" in fit.summary()


@pytest.mark.parametrize(
    ("fit_model", "changed", "sentence"),
    [
        (fit_weibull, {"time": [0, 2, 3]}, "time[0] is 0.0; it must be more than 0 in a Weibull model"),
        (fit_weibull, {"event": [0, 0, 0]}, "event is 0 in every row; it must be 1 in at least one"),
        (fit_exponential, {"covariates": [1, 1, 1]}, "covariates ['x1'] are constant or add up to each other"),
        (fit_exponential, {"time": [1, 2, math.nan]}, "time[2] is nan; it must be a finite number"),
        (fit_weibull, {"entry": [0, 2, 1]}, "entry[1] is 2.0; it must be less than time[1], 2.0"),
        (fit_piecewise_exponential, {"cuts": [2, 1]}, "cuts are [2.0, 1.0]; they must be one column of finite times that ascend"),
        (fit_piecewise_exponential, {"cuts": [0]}, "cuts are [0.0]; they must be one column of finite times that ascend"),
        (fit_piecewise_exponential, {"cuts": [1], "event": [0, 0, 0], "covariates": [1, 2, 4]}, "event is 0 in every row"),
        (
            fit_piecewise_exponential,
            {"cuts": [1], "time": [0, 0, 0]},
            "time has events at once in the interval from 0; somebody must",
        ),
    ],
)
def test_wrong_arguments_are_named(fit_model: Any, changed: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    with pytest.raises(ValueError, match=r".*") as refusal:
        fit_model(**({"time": [1, 2, 3], "event": [1, 1, 0]} | changed))
    assert sentence in str(refusal.value)


def test_predictions_ask_for_their_covariates() -> None:
    """A prediction needs a value for each covariate, and no more."""
    fits: list[Any] = [fit_weibull([1, 2, 3, 5], [1, 1, 1, 1], [0, 1, 0, 1], names=["arm"])]
    fits.append(fit_piecewise_exponential([1, 2, 3, 5], [1, 1, 1, 1], [], [0, 1, 0, 1], names=["arm"]))
    for fit in fits:
        for wrong in (None, [1, 2], [math.nan]):
            with pytest.raises(ValueError, match=r"covariates are .*; they must be 1 finite numbers: \['arm'\]"):
                fit.survival([1], wrong)
    with pytest.raises(ValueError, match=r"probability is \[1.0\]"):
        fits[0].quantile([1.0], [0])


def test_fits_show_themselves(lung: dict[str, np.ndarray]) -> None:
    """A fit becomes a data frame, a text and a picture."""
    weibull = fit_weibull(lung["time"], lung["event"], lung["sex"], names=["sex"])
    assert weibull.to_frame()["term"].tolist() == ["intercept", "sex"]
    assert "Weibull model: 228 subjects, 165 events" in weibull.summary()
    line = weibull.plot(covariates=[1], label="men").get_lines()[0]
    np.testing.assert_allclose(line.get_ydata(), weibull.survival(line.get_xdata(), [1]).surv)
    pieces = fit_piecewise_exponential(lung["time"], lung["event"], [180], lung["sex"], names=["sex"])
    assert "sex: hazard ratio 0.5912" in pieces.summary()
    assert len(pieces.plot(covariates=[1]).get_lines()) == 1
    assert weibull.survival([1], [1]).to_frame().shape == (1, 5)
