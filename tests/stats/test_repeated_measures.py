"""The mixed model for repeated measures: R's nlme and a plain likelihood in R, balanced cases, laws, refusals."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats.repeated_measures import RepeatedMeasures, repeated_measures
from oligami.stats.visit_covariance import CovarianceName

# Made up: subject, arm, baseline, scores at visits 1 to 4 (- is missing).
QOL = """
1 A 55 -6.9 -3.7 0.4 -2.1
2 B 60 - 2.6 -1.6 6.2
3 A 48 -2.6 - 0.7 -
4 B 49 -6.9 -2.4 -0.3 3.3
5 A 69 - 5.5 - 9.2
6 B 53 -5.3 4.1 3 -1
7 A 71 6 10.8 7.2 5.6
8 B 65 0.2 5 7.6 8.6
9 A 60 -2.3 0.3 - -
10 B 52 - -1.1 -2.5 2.5
11 A 53 -3 -1.1 -2.2 -3.1
12 B 57 5.6 2.9 1.2 6.1
13 A 48 -7.4 - -2.6 -
14 B 58 2 - 5.2 5.1
15 A 51 - -3.5 2.6 -0.6
16 B 60 -1.3 1.9 5.5 6.3
17 A 58 - -1.7 0.7 -
18 B 67 - 9.9 - -
19 A 55 -0.7 -6.4 -2.9 -3.1
20 B 55 - 0.1 1.8 4.2
21 A 55 5.4 - 5.9 6.5
22 B 60 -0.6 5.5 9.4 -
23 A 56 2.2 -0.8 - -2.3
24 B 63 2.2 0.8 2.6 5.2
25 A 61 - -5.3 -2.1 0.7
26 B 60 -4.7 0.9 -1.7 2.1
27 A 58 -1.1 0.7 - -
28 B 54 -3.4 0.1 -2.9 3.6
29 A 58 0.5 2.8 -0.1 4.7
30 B 52 1.9 5.9 3.1 4.5
31 A 51 -3.6 -4.1 - -0.2
32 B 52 -7.1 - - -1.4
33 A 65 - 3 5.5 6.7
34 B 47 - -0.8 -2.6 3.9
35 A 53 -5.8 -0.4 2 5.4
36 B 64 1.3 - - -
37 A 59 6.4 3.7 3.2 3.6
38 B 72 3.3 6.9 8.5 9.1
39 A 55 - 0.7 - 11.1
40 B 57 3.9 - 3.9 8.3
"""
ROWS = [line.split() for line in QOL.split("\n") if line]
LONG = [
    (int(row[0]), visit, row[1], float(row[2]), float(cell))
    for row in ROWS
    for visit, cell in enumerate(row[3:], 1)
    if cell != "-"
]


def fitted(covariance: CovarianceName, **options: Any) -> RepeatedMeasures:
    subject, visit, arm, base, score = (np.array(column) for column in zip(*LONG, strict=True))
    return repeated_measures(score, subject, visit, arm, covariates=base, names=["base"], covariance=covariance, **options)


# R 4.2.2, nlme 3.1-162, d the scores above in long form, v = factor(visit), armB = (arm == "B"):
#   gls(score ~ 0 + v + v:armB + base, d, method = "REML", correlation = C,
#       control = glsControl(tolerance = 1e-12, msTol = 1e-12, maxIter = 500, msMaxIter = 1000))
#   C = corSymm(form = ~visit | subject) with weights = varIdent(form = ~1 | visit); corCompSymm; corAR1, same form.
# logLik, coefficients (v1..v4, v1:armB..v4:armB, base) and their standard errors. nlme stops within 1e-5 of the maximum of
# the unstructured model and 1e-8 of the others.
NLME: dict[CovarianceName, tuple[float, list[float], list[float], float]] = {
    "unstructured": (
        -298.500802601042,
        [
            -23.466827503862,
            -23.069417670467,
            -21.239623174475,
            -20.540104604267,
            -0.452799555727,
            2.531677424765,
            0.543730068402,
            2.445507312369,
            0.402192403524,
        ],
        [
            3.7987138696710,
            3.8044059733819,
            3.7805588255153,
            3.8208395044070,
            1.2568916584537,
            0.9673425536005,
            1.0376845850202,
            1.1195920803788,
            0.0653544531511,
        ],
        1e-5,
    ),
    "compound symmetry": (
        -301.423249536354,
        [
            -23.073085201696,
            -22.900484307133,
            -21.027001241329,
            -20.384168422420,
            -0.804630237740,
            2.551415886378,
            0.502986309033,
            2.436267075662,
            0.398411197892,
        ],
        [
            3.8113862702335,
            3.8633140995961,
            3.8252422186467,
            3.8631254784222,
            1.1281409110154,
            1.0711373982179,
            1.1028788244628,
            1.0862442063963,
            0.0660007324999,
        ],
        2e-8,
    ),
    "ar1": (
        -300.725400007736,
        [
            -23.203422184036,
            -22.596135029782,
            -20.752461309019,
            -19.996081503097,
            -0.426148280078,
            2.527092976471,
            0.437488208934,
            2.346465816953,
            0.394567421806,
        ],
        [
            3.7843936657718,
            3.8231841296033,
            3.8029932971785,
            3.8396288087446,
            1.1461136762676,
            1.0745674433854,
            1.1058192937551,
            1.1113851745284,
            0.0655644002785,
        ],
        2e-8,
    ),
}


@pytest.mark.parametrize("covariance", NLME)
def test_nlme_is_met(covariance: CovarianceName) -> None:
    """Likelihood, coefficients and standard errors are those of gls, as far as it converges."""
    loglik, coef, std_err, good = NLME[covariance]
    found = fitted(covariance)
    assert found.loglik == pytest.approx(loglik, abs=3e-9)
    assert found.loglik > loglik - 2e-12  # never below: it is the maximum
    np.testing.assert_allclose(found.coef, coef, rtol=good)
    np.testing.assert_allclose(np.sqrt(np.diag(found.coef_cov)), std_err, rtol=good)


# The same models in R from the definitions: -log restricted likelihood with dense matrices, its maximum by optim and three
# Newton steps of numDeriv 2016.8 (grad, hessian), and for each difference and their average l
#   df = 2 v^2 / (g' solve(H) g),  v = l' C l,  g = grad of v by the covariance parameters.
# Estimates, standard errors and degrees of freedom of v1:armB..v4:armB and of their average; covariance of visit 1 with 1..4.
PLAIN: dict[CovarianceName, tuple[list[float], list[float], list[float], list[float]]] = {
    "unstructured": (
        [-0.4528003119187, 2.5316778467810, 0.5437263237187, 2.4455083960489, 1.2670280637],
        [1.25689367107495, 0.96733947512849, 1.03768655368689, 1.11959513136090, 0.7998421421],
        [30.32557705, 31.20864689, 30.88873442, 32.56714665, 36.0428422295],
        [12.277808779, 4.931422558, 2.924340475, 4.548644681],
    ),
    "compound symmetry": (
        [-0.8046302383357, 2.5514158844530, 0.5029863070451, 2.4362670799516, 1.1715097583],
        [1.12814091332222, 1.07113740091295, 1.10287882698811, 1.08624420900814, 0.7955887873],
        [97.04851137, 89.54950079, 93.19256373, 91.35262785, 35.6889919893],
        [9.927662324, 4.387649876, 4.387649876, 4.387649876],
    ),
    "ar1": (
        [-0.4261482718731, 2.5270929717094, 0.4374882056936, 2.3464658252192, 1.2212246827],
        [1.14611368188834, 1.07456744943488, 1.10581929946741, 1.11138518109356, 0.7983775302],
        [94.53899962, 89.30565800, 92.66751992, 87.28185576, 37.4500043341],
        [10.292434581, 5.842637640, 3.316651111, 1.882741199],
    ),
}


@pytest.mark.parametrize("covariance", PLAIN)
def test_satterthwaite_meets_numerical_derivatives(covariance: CovarianceName) -> None:
    """Differences, their average, errors, covariance and degrees of freedom are those of a plain likelihood in R."""
    value, std_err, df, first_row = PLAIN[covariance]
    found = fitted(covariance)
    overall = found.overall_difference()
    np.testing.assert_allclose([*found.difference.value[0], *overall.value], value, rtol=2e-8)
    np.testing.assert_allclose([*found.difference.std_err[0], *overall.std_err], std_err, rtol=1e-8)
    np.testing.assert_allclose([*found.difference.df[0], *overall.df], df, rtol=1e-7)
    np.testing.assert_allclose(found.sigma[0], first_row, rtol=1e-7)


def balanced(seed: int, subjects: int = 12, visits: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Complete scores of two equal arms, in long form."""
    rng = np.random.default_rng(seed)
    score = (rng.normal(size=(subjects, 1)) + rng.normal(size=(subjects, visits))).ravel()
    return (
        score,
        np.repeat(np.arange(subjects), visits),
        np.tile(np.arange(visits), subjects),
        np.repeat(np.arange(subjects) % 2, visits),
    )


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_complete_scores_give_the_t_tests(seed: int) -> None:
    """Nothing missing, any covariance: at each visit it is the two-sample t test, with n - 2 degrees of freedom."""
    score, subject, visit, arm = balanced(seed)
    found = repeated_measures(score, subject, visit, arm)
    table = score.reshape(12, 3)
    for v in range(3):
        a, b = table[0::2, v], table[1::2, v]
        pooled = (a.var(ddof=1) + b.var(ddof=1)) / 2
        assert found.difference.value[0, v] == pytest.approx(b.mean() - a.mean())
        assert found.difference.std_err[0, v] == pytest.approx(math.sqrt(pooled * 2 / 6), rel=1e-7)
        assert found.difference.df[0, v] == pytest.approx(10, rel=1e-6)
    average = found.overall_difference()
    means = table.mean(axis=1)
    assert average.value[0] == pytest.approx(means[1::2].mean() - means[0::2].mean())
    assert average.std_err[0] == pytest.approx(math.sqrt((means[0::2].var(ddof=1) + means[1::2].var(ddof=1)) / 6), rel=1e-7)
    assert average.df[0] == pytest.approx(10, rel=1e-6)


@given(st.integers(0, 10_000), st.sampled_from(["unstructured", "compound symmetry", "ar1"]))
@settings(max_examples=10, deadline=None)
def test_other_units_and_orders_change_nothing(seed: int, covariance: CovarianceName) -> None:
    """Scores in other units scale the estimates; shuffled rows and missing visits written as NaN leave them."""
    score, subject, visit, arm = balanced(seed, subjects=16)
    missing = np.random.default_rng(seed + 1).random(score.size) < 0.15
    blank = np.where(missing, np.nan, score)
    one = repeated_measures(blank, subject, visit, arm, covariance=covariance)
    keep = np.random.default_rng(seed + 2).permutation(np.flatnonzero(~missing))
    other = repeated_measures(1000 * score[keep] + 7, subject[keep], visit[keep], arm[keep], covariance=covariance)
    np.testing.assert_allclose(other.difference.value, 1000 * one.difference.value, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(other.difference.std_err, 1000 * one.difference.std_err, rtol=1e-5)
    np.testing.assert_allclose(other.difference.df, one.difference.df, rtol=1e-4)


def test_means_and_differences_belong_together() -> None:
    """Means are at the average covariate, differences are theirs, and a contrast by hand gives the same."""
    found = fitted("unstructured", covariates_by_visit=True, conf_level=0.9)
    assert found.terms[-4:] == ("base at visit 1", "base at visit 2", "base at visit 3", "base at visit 4")
    np.testing.assert_allclose(found.mean.value[1] - found.mean.value[0], found.difference.value[0], atol=1e-10)
    by_hand = found.contrast(np.eye(found.coef.size)[4])
    assert by_hand.df == pytest.approx(found.difference.df[0, 0])
    assert by_hand.lower == pytest.approx(found.difference.lower[0, 0])
    last = found.overall_difference([0, 0, 0, 2])
    assert last.value[0] == pytest.approx(found.difference.value[0, 3])


def test_arms_and_visits_in_another_order() -> None:
    """The first arm is the control; naming the arms the other way turns the sign."""
    found, other = fitted("ar1"), fitted("ar1", arms=["B", "A"])
    np.testing.assert_allclose(other.difference.value, -found.difference.value, rtol=1e-6)
    turned = fitted("compound symmetry", visits=[4, 3, 2, 1])
    np.testing.assert_allclose(turned.difference.value[0, ::-1], fitted("compound symmetry").difference.value[0], rtol=1e-6)


def test_residual_degrees_are_scores_less_coefficients() -> None:
    """On request the degrees of freedom are those of gls, and the result says which."""
    found = fitted("unstructured", degrees="residual")
    assert found.degrees == "residual"
    assert found.difference.df.tolist() == [[len(LONG) - 9] * 4]
    assert "residual degrees of freedom" in found.summary()


def test_one_visit_is_the_t_test() -> None:
    """With a single visit every structure is the one variance of the two-sample t test."""
    score, arm = np.array([3, 5, 4, 8, 9, 7.0]), np.repeat(["A", "B"], 3)
    for covariance in ("unstructured", "compound symmetry", "ar1"):
        found = repeated_measures(score, range(6), [1] * 6, arm, covariance=covariance)
        assert found.difference.value[0, 0] == pytest.approx(4)
        assert found.difference.std_err[0, 0] == pytest.approx(math.sqrt(2 / 3))
        assert found.difference.df[0, 0] == pytest.approx(4)


def test_one_arm_has_means_only() -> None:
    """A single arm is described, with nothing to compare."""
    score, subject, visit, _ = balanced(4)
    found = repeated_measures(score, subject, visit, np.zeros(score.size))
    assert found.difference.value.shape == (0, 3)
    np.testing.assert_allclose(found.mean.value[0], score.reshape(12, 3).mean(axis=0))


def test_three_arms_and_a_picture() -> None:
    """Every further arm is compared with the first; summary, frame and picture show them all."""
    score, subject, visit, _ = balanced(9, subjects=18)
    found = repeated_measures(score, subject, visit, subject % 3, covariance="compound symmetry")
    frame = found.to_frame()
    assert frame["arm"].tolist() == [1] * 3 + [2] * 3
    assert found.summary().count("\n") == 9
    assert len(found.plot().containers) == 3
    assert found.scores.tolist() == [[6] * 3] * 3


def test_subjects_without_a_score_are_not_counted() -> None:
    """A subject all of whose visits are missing does not take part; its covariate may be missing too."""
    score, subject, visit, arm = balanced(2)
    score[subject == 3] = np.nan
    base = np.where(subject == 3, np.nan, subject.astype(float) ** 2)
    found = repeated_measures(score, subject, visit, arm, covariates=base)
    assert (found.n_subjects, found.n_scores) == (11, 33)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"covariance": "toeplitz"}, "covariance is 'toeplitz'; it must be one of unstructured, compound symmetry, ar1"),
        ({"degrees": "kenward-roger"}, "degrees is 'kenward-roger'; it must be one of satterthwaite, residual"),
        ({"score": ["good"] * 36}, "score holds values that are not numbers"),
        ({"score": [math.inf] * 36}, "score[0] is inf; it must be a finite number, or NaN where it is missing"),
        ({"score": [math.nan] * 36}, "score has no value that is not missing"),
        ({"score": []}, "score has shape (0,)"),
        ({"subject": [0] * 35}, "subject has 35 rows"),
        ({"visit": [1] * 36}, "visit 1 of subject 0 has two scores; it must have one"),
        ({"arm": [*[0] * 35, 1]}, "arm of subject 11 changes; each subject must have one arm"),
        ({"arms": [0, 1, 2]}, "arms are (0, 1, 2); they must be (0, 1) in any order"),
        ({"covariates": np.arange(36) // 3 % 2}, "scores do not tell 7 effects apart"),
        ({"covariates": np.full(36, math.nan)}, "covariates[0, 0] is nan"),
        ({"conf_level": 2}, "conf_level is 2; it must lie between 0 and 1"),
    ],
)
def test_wrong_arguments_are_named(changed: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    score, subject, visit, arm = balanced(1)
    columns: dict[str, Any] = {"score": score, "subject": subject, "visit": visit, "arm": arm} | changed
    with pytest.raises(ValueError, match=r".*") as refusal:
        repeated_measures(**columns)
    assert sentence in str(refusal.value)


def test_what_cannot_be_estimated_says_why() -> None:
    """An arm without a score at a visit, visits never seen together, visits that determine each other, nothing to vary."""
    score, subject, visit, arm = balanced(5)
    with pytest.raises(ValueError, match="arm 1 has no score at visit 2; every arm must have one at every visit"):
        repeated_measures(np.where((arm == 1) & (visit == 2), np.nan, score), subject, visit, arm)
    apart = np.where((visit == 0) & (subject % 4 < 2) | (visit == 2) & (subject % 4 >= 2), np.nan, score)
    with pytest.raises(ValueError, match="no subject was seen at both visit 1 and visit 3, counted in order; choose a simpler"):
        repeated_measures(apart, subject, visit, arm)
    assert math.isfinite(repeated_measures(apart, subject, visit, arm, covariance="ar1").loglik)
    copied = score.reshape(12, 3).copy()
    copied[:, 2] = copied[:, 0] + copied[:, 1]
    with pytest.raises(ValueError, match="covariance is 'unstructured', which cannot be estimated from these scores"):
        repeated_measures(copied.ravel(), subject, visit, arm)
    with pytest.raises(ValueError, match="nothing is left to vary once the fixed effects are taken out"):
        repeated_measures(visit + 2.0 * arm, subject, visit, arm)
    few = balanced(6, subjects=4, visits=6)
    with pytest.raises(ValueError, match="covariance is 'unstructured', which cannot be estimated from these scores"):
        repeated_measures(*few)
    with pytest.raises(ValueError, match="coefficients have shape"):
        fitted("ar1").contrast([1, 2])
    with pytest.raises(ValueError, match="weights are"):
        fitted("ar1").overall_difference([1, 2])
