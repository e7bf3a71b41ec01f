"""Residuals of the Cox model: agreement with R, and what they add up to."""

import numpy as np
import pytest

from oligami.stats.regression import cox
from oligami.stats.residuals import (
    deviance_residuals,
    dfbeta,
    dfbetas,
    martingale_residuals,
    scaled_schoenfeld_residuals,
    schoenfeld_residuals,
    score_residuals,
)
from stats_reference import columns_of
from stats_split_rows import checksums, fitted, split_rows

# Checksums of residuals(m, type) of the Efron fit with strata and weights, and of those with collapse=d$pid (_by).
EXPECTED = {
    "martingale": [480.151443203386, 87691.239629790813],
    "deviance": [1075.52555743083, 6176.89296870232],
    "score": [
        204.817554689631,
        6043.635791543429,
        2188.468384212412,
        -3506.402879212174,
        -468378.603479188750,
        -99323.379050410498,
    ],
    "schoenfeld": [
        126.950969438195,
        3533.718925317532,
        1335.453378183525,
        1102.809483815146,
        -30316.741015308362,
        26897.265915567794,
    ],
    "scaled": [
        433.44068338319414,
        7.88017739703812,
        16.06865991327347,
        -10092.61152228713399,
        692.07785214028740,
        1847.42255299803969,
    ],
    "dfbeta": [
        3.2243373129354800,
        0.0642364707977778,
        0.1251152196458497,
        -32.6709790098262474,
        -2.1235933111990608,
        -4.6116120202903428,
    ],
    "dfbetas": [31.3973929593359, 23.5447945652970, 19.8363677612286, -318.1377960123661, -778.3672986927276, -731.1471159585366],
    "martingale_by": [384.783386320607, -8196.643319963874],
    "deviance_by": [663.464114670636, -33870.235492258784],
    "score_by": [166.44013961411, 4847.73134916896, 1683.17277741856, -456.30880826611, -21631.12079841988, -20757.08996807293],
    "dfbeta_by": [
        2.6068754539951464,
        0.0506921332069384,
        0.0972022567572127,
        -1.4888918594584555,
        0.5390439975553549,
        -3.2053507503718834,
    ],
}


@pytest.mark.parametrize("kind", list(EXPECTED))
def test_residuals_are_those_of_r(kind: str) -> None:
    """With entry, changing covariates, ties, strata and weights each kind is R's, row by row and by subject."""
    fit, subject = fitted(strata=True, weights=True), split_rows()["pid"]
    by_row = {
        "martingale": martingale_residuals,
        "deviance": deviance_residuals,
        "score": score_residuals,
        "dfbeta": dfbeta,
        "dfbetas": dfbetas,
    }
    by_event = {"schoenfeld": schoenfeld_residuals, "scaled": scaled_schoenfeld_residuals}
    name = kind.removesuffix("_by")
    by = subject if kind.endswith("_by") else None
    found = by_event[name](fit).values if name in by_event else by_row[name](fit, by=by)
    np.testing.assert_allclose(checksums(found), EXPECTED[kind], rtol=1e-8)


def test_exact_fits_have_the_martingale_residuals_of_r() -> None:
    """A fit by the exact likelihood takes Breslow's cumulative hazard: R's residuals(coxph(Surv(t,event)~karno+age, v))."""
    v = {name: values[:40] for name, values in columns_of({"input": {}, "dataset": "data/veteran.csv"}).items()}
    fit = cox(np.ceil(v["time"] / 20), v["event"], np.column_stack((v["karno"], v["age"])), ties="exact")
    np.testing.assert_allclose(checksums(martingale_residuals(fit)), [27.8049860991191, 123.5483950449482], rtol=1e-9)
    for kind in (score_residuals, dfbeta, dfbetas, schoenfeld_residuals, scaled_schoenfeld_residuals):
        with pytest.raises(ValueError, match="fit has ties 'exact'; these residuals are defined for 'efron' and 'breslow'"):
            kind(fit)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("strata", [False, True])
def test_residuals_add_up_to_nothing(ties: str, strata: bool) -> None:
    """At the maximum martingale, score and Schoenfeld residuals sum to 0, the first in each stratum."""
    rows, fit = split_rows(), fitted(ties, strata=strata)
    groups = rows["grade"] if strata else np.zeros(rows["stop"].size)
    np.testing.assert_allclose(martingale_residuals(fit, by=groups), 0, atol=1e-9)
    scale = np.abs(np.column_stack([rows[name] for name in fit.terms])).max(axis=0)
    np.testing.assert_allclose(score_residuals(fit).sum(axis=0) / scale, 0, atol=1e-9)
    np.testing.assert_allclose(schoenfeld_residuals(fit).values.sum(axis=0) / scale, 0, atol=1e-9)


def test_squares_of_dfbeta_are_the_robust_variance() -> None:
    """The robust variance is the sum over clusters of the outer product of what each moves."""
    fit = fitted(weights=True)
    moved = dfbeta(fit, by=split_rows()["pid"])
    np.testing.assert_allclose(moved.T @ moved, fit.covariance, rtol=1e-10)


def test_dfbeta_tells_what_leaving_a_row_out_does() -> None:
    """The change of the coefficient without a subject is close to its dfbeta, for each of 60 subjects."""
    random = np.random.default_rng(3)
    time, event, x = random.exponential(size=60), (random.random(60) < 0.8).astype(int), random.normal(size=60)
    fit = cox(time, event, x)
    without = [cox(np.delete(time, i), np.delete(event, i), np.delete(x, i)).coef[0] for i in range(60)]
    found = fit.coef[0] - np.array(without)
    assert np.corrcoef(found, dfbeta(fit)[:, 0])[0, 1] > 0.99
    np.testing.assert_allclose(found, dfbeta(fit)[:, 0], atol=0.02)


def test_schoenfeld_residuals_name_their_rows() -> None:
    """Each residual stands at its event's time and points to the row it came from."""
    rows, found = split_rows(), schoenfeld_residuals(fitted(strata=True))
    assert (rows["died"][found.row] == 1).all()
    np.testing.assert_array_equal(rows["stop"][found.row], found.time)
    assert list(found.to_frame().columns) == ["time", "row", "hormon", "now", "nodes"]


def test_fits_without_an_answer_have_no_residuals() -> None:
    """A model with a monotone likelihood is refused by name."""
    fit = cox([1, 2, 3, 4], [1, 1, 0, 0], [0, 0, 1, 1])
    for kind in (martingale_residuals, deviance_residuals, score_residuals, dfbeta, dfbetas):
        with pytest.raises(ValueError, match="fit has problem 'monotone_likelihood'; it must be a converged fit"):
            kind(fit)
    with pytest.raises(ValueError, match="by has 2 rows; it must have as many as time, 4"):
        martingale_residuals(cox([1, 2, 3, 4], [1, 1, 0, 1], [0, 1, 1, 0]), by=[1, 2])
