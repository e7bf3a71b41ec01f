"""Curves that a Cox model predicts: agreement with R, laws, and refusals."""

import math
from typing import Any

import numpy as np
import pytest

from oligami.stats.prediction import CurveScale, predict_survival
from oligami.stats.regression import baseline_hazard, cox
from oligami.stats.survival import kaplan_meier
from stats_reference import columns_of
from stats_split_rows import fitted, split_rows

PROFILES = [[0, 20, 1], [1, 45, 9]]
TIMES = [12, 30, 60]
# summary(survfit(m, newdata=data.frame(hormon=c(0,1),now=c(20,45),nodes=c(1,9)), conf.type=...), times=c(12,30,60)), of
# the stratified fit the second stratum: surv and std.err/surv by "log", then lower and upper by each type
EXPECTED: dict[str, dict[str, list[float]]] = {
    "efron": {
        "survival": [
            0.899575344218680,
            0.697404107572708,
            0.552035318657019,
            0.856120727530054,
            0.589199190594959,
            0.418072589919649,
        ],
        "std_err": [
            0.0169374607343437,
            0.0377773067455092,
            0.0569518784642852,
            0.0254376871138978,
            0.0603226166335676,
            0.0941559399036073,
        ],
        "log lower": [
            0.870202548732885,
            0.647632148700802,
            0.493729796384240,
            0.814483730032897,
            0.523498494670736,
            0.347621007148899,
        ],
        "log upper": [
            0.929939588322854,
            0.751001151247641,
            0.617226254677151,
            0.899886238460509,
            0.663145529035580,
            0.502802439575397,
        ],
        "log-log lower": [
            0.865173125514013,
            0.642372343336882,
            0.488243452513804,
            0.807242811324540,
            0.516089389265860,
            0.340404414209068,
        ],
        "log-log upper": [
            0.925577050713008,
            0.745679883214506,
            0.611171155333283,
            0.893422060519843,
            0.655051503377411,
            0.493725394297740,
        ],
        "plain lower": [
            0.869712309711267,
            0.645766800598966,
            0.490415132145964,
            0.813437158715741,
            0.519538078343432,
            0.340920533035283,
        ],
        "plain upper": [
            0.929438378726093,
            0.749041414546450,
            0.613655505168075,
            0.898804296344367,
            0.658860302846486,
            0.495224646804015,
        ],
    },
    "breslow": {
        "survival": [
            0.908927364340093,
            0.695729819346078,
            0.534121193541317,
            0.870488995174071,
            0.590396371718575,
            0.402155995421699,
        ],
        "std_err": [
            0.0186179174614317,
            0.0419697595523812,
            0.0663298793080344,
            0.0273848669907619,
            0.0641797204837864,
            0.1034177798890525,
        ],
        "log lower": [
            0.876358046294746,
            0.640790248032241,
            0.469007421710902,
            0.824998661694854,
            0.520611554614977,
            0.328371286004884,
        ],
        "log upper": [
            0.942707101440098,
            0.755379756501807,
            0.608274914604341,
            0.918487660528397,
            0.669535419735822,
            0.492520057466938,
        ],
        "log-log lower": [
            0.869416806426475,
            0.634368403137717,
            0.462276067968556,
            0.815267899794643,
            0.512203081077213,
            0.320481066716646,
        ],
        "log-log upper": [
            0.936915213595669,
            0.748867136201224,
            0.600664679464434,
            0.910107553286415,
            0.660301879847918,
            0.482300409669511,
        ],
        "plain lower": [
            0.875760197896226,
            0.638499629050081,
            0.464683208669251,
            0.823766932033184,
            0.516130447138825,
            0.320640936085023,
        ],
        "plain upper": [
            0.942094530783959,
            0.752960009642076,
            0.603559178413383,
            0.917211058314958,
            0.664662296298325,
            0.483671054758376,
        ],
    },
}


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("scale", ["log", "log-log", "plain"])
def test_curves_are_those_of_r(ties: Any, scale: CurveScale) -> None:
    """Survival, robust error and limits of two profiles are R's, with entry, ties and (Breslow) strata."""
    stratified = ties == "breslow"
    fit = fitted(ties, strata=stratified)
    curves = predict_survival(fit, PROFILES, strata=[2.0, 2.0] if stratified else None, scale=scale)
    points = [curve.at(TIMES) for curve in curves]
    wanted = EXPECTED[ties]
    for name, key in (("survival",) * 2, ("std_err",) * 2, ("lower", f"{scale} lower"), ("upper", f"{scale} upper")):
        np.testing.assert_allclose(np.concatenate([getattr(p, name) for p in points]), wanted[key], rtol=1e-10)


def test_exact_fits_predict_as_r() -> None:
    """A fit by the exact likelihood takes Breslow's baseline: survfit(m, newdata=data.frame(karno=50, age=60))."""
    v = {name: values[:40] for name, values in columns_of({"input": {}, "dataset": "data/veteran.csv"}).items()}
    fit = cox(np.ceil(v["time"] / 20), v["event"], np.column_stack((v["karno"], v["age"])), ties="exact")
    (curve,) = predict_survival(fit, [50, 60])
    points = curve.at([2, 5, 9])
    np.testing.assert_allclose(points.survival, [0.645032985890809, 0.421731494483242, 0.163114698183786], rtol=1e-10)
    np.testing.assert_allclose(points.std_err, [0.120199095730697, 0.198262811901071, 0.389781664130937], rtol=1e-9)


def test_every_profile_is_predicted_in_every_stratum() -> None:
    """Without chosen strata the curves come profile by profile, for each stratum in order."""
    curves = predict_survival(fitted(strata=True), PROFILES)
    assert [curve.stratum for curve in curves] == [1.0, 2.0, 3.0] * 2
    assert curves[4].profile.tolist() == PROFILES[1]
    chosen = predict_survival(fitted(strata=True), PROFILES[1], strata=[2.0])[0]
    np.testing.assert_array_equal(chosen.survival, curves[4].survival)


def test_profile_zero_has_the_baseline_hazard() -> None:
    """The cumulative hazard at covariates 0 is that of `baseline_hazard`."""
    rows = split_rows()
    fit = cox(rows["stop"], rows["died"], rows["nodes"])
    (curve,) = predict_survival(fit, [0])
    baseline = baseline_hazard(fit, rows["stop"], rows["died"], rows["nodes"])
    np.testing.assert_allclose(curve.cumulative_hazard, baseline.cumulative_hazard, rtol=1e-12)
    np.testing.assert_array_equal(curve.time, baseline.time)


def test_a_covariate_that_says_nothing_leaves_nelson_and_aalen() -> None:
    """With a balanced covariate the coefficient is 0 and the curve's hazard is that of all subjects together."""
    time, event = np.repeat([1.0, 2, 3, 4, 5], 2), np.repeat([1, 1, 0, 1, 1], 2)
    fit = cox(time, event, np.tile([0, 1], 5), ties="breslow")
    (curve,) = predict_survival(fit, [0.5])
    pooled = kaplan_meier(time, event)
    np.testing.assert_allclose(curve.cumulative_hazard, pooled.cumulative_hazard[pooled.n_event > 0], rtol=1e-12)


def test_a_curve_reads_and_shows_itself() -> None:
    """Before the first event all is certain, after the last its value stays; median, table, frame and picture agree."""
    (curve,) = predict_survival(fitted(), PROFILES[1])
    points = curve.at([0, 1e6])
    assert (points.survival[0], points.std_err[0], points.lower[0], points.upper[0]) == (1, 0, 1, 1)
    assert points.survival[1] == curve.survival[-1]
    assert curve.at([curve.median]).survival[0] <= 0.5 < curve.at([curve.median - 1]).survival[0]
    assert math.isnan(predict_survival(fitted(), PROFILES[0])[0].at([12]).median)
    assert curve.summary().startswith("Predicted survival at covariates 1, 45, 9")
    assert curve.to_frame().shape == (curve.time.size, 6)
    axes = curve.plot(label="high risk")
    assert axes.get_legend_handles_labels()[1] == ["high risk"]
    assert not curve.survival.flags.writeable


def test_a_stratum_without_event_has_a_curve_without_rows() -> None:
    """Where nobody had the event the hazard is not known to be anything but 0; the curve stays at 1."""
    fit = cox([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 0, 0], [0, 1, 1, 0, 1, 0], strata=["a"] * 4 + ["b"] * 2)
    empty = predict_survival(fit, [1], strata=["b"])[0]
    assert empty.time.size == 0
    assert empty.at([5]).survival[0] == 1
    assert "Predicted survival" in empty.summary()


@pytest.mark.parametrize(
    ("profiles", "options", "sentence"),
    [
        ([[1, 2]], {}, "profiles have shape (1, 2); they must be one or more rows of 3 covariates"),
        ([[1, math.nan, 2]], {}, "profiles[0, 1] is nan; it must be a finite number"),
        ([["a", 1, 2]], {}, "profiles hold values that are not numbers"),
        (PROFILES, {"strata": [1.0]}, "strata has 1 labels; it must have one for each of the 2 profiles"),
        (PROFILES[0], {"strata": [1.0]}, "strata holds 1.0; it must be absent, for the model has none"),
        (PROFILES[0], {"scale": "logit"}, "scale is 'logit'; it must be one of log, log-log, plain"),
        (PROFILES[0], {"conf_level": 95}, "conf_level is 95; it must lie between 0 and 1"),
    ],
)
def test_wrong_profiles_are_named(profiles: Any, options: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    with pytest.raises(ValueError, match=r".*") as refusal:
        predict_survival(fitted(), profiles, **options)
    assert sentence in str(refusal.value)


def test_unknown_strata_and_failed_fits_are_refused() -> None:
    """A stratum the model has not seen, and a model without an answer, predict nothing."""
    with pytest.raises(ValueError, match=r"strata holds 4; it must be one of 1\.0, 2\.0, 3\.0"):
        predict_survival(fitted(strata=True), PROFILES[0], strata=[4])
    with pytest.raises(ValueError, match="fit has problem 'no_events'; it must be a converged fit"):
        predict_survival(cox([1, 2], [0, 0], [0, 1]), [0])
