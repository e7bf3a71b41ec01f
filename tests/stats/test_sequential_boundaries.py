"""Spending, boundaries and what they do: what always holds, and what is refused."""

import math
import pickle
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial.hermite import hermgauss
from scipy.integrate import quad
from scipy.special import ndtr, ndtri, ndtri_exp

from oligami.stats.sequential import (
    Boundaries,
    Classical,
    Spending,
    boundaries,
    characteristics,
    drift_for_power,
    drift_of_hazard_ratio,
    given_boundaries,
    haybittle_peto,
    hazard_ratio_of_z,
    hwang_shih_decani,
    inflation_factor,
    kim_demets,
    obrien_fleming,
    operating,
    pocock,
    recursion,
    spending_named,
    spending_obrien_fleming,
    spending_pocock,
    user_spending,
    wang_tsiatis,
)

RULES = [spending_obrien_fleming(), spending_pocock(), hwang_shih_decani(-4), hwang_shih_decani(0), kim_demets(2)]
FAMILIES: list[Spending | Classical] = [*RULES, obrien_fleming(), pocock(), wang_tsiatis(0.3), haybittle_peto()]

looks = st.lists(st.floats(0.05, 1.0), min_size=0, max_size=3).map(lambda gaps: np.cumsum([0.2, *gaps, 0.4]) / (0.6 + sum(gaps)))


def simpson_level(bounds: Boundaries, drift: float = 0.0, points: int = 3001) -> float:
    """Probability to cross an upper bound, by Simpson's rule on a plain grid: nothing shared with the package."""
    upper, lower = bounds.z_efficacy, bounds.continuation(honour_futility=bounds.binding)[0]
    times = bounds.fraction
    grid, density, total = np.zeros(1), np.ones(1), 0.0
    weights = np.ones(1)
    before = 0.0
    for k, moment in enumerate(times):
        gap = moment - before
        mean = grid + drift * gap
        total += float((weights * density) @ ndtr((mean - upper[k] * math.sqrt(moment)) / math.sqrt(gap)))
        low = max(lower[k] * math.sqrt(moment), drift * moment - 9 * math.sqrt(moment))
        high = min(upper[k] * math.sqrt(moment), drift * moment + 9 * math.sqrt(moment))
        new = np.linspace(low, high, points)
        kernel = np.exp(-((new[:, np.newaxis] - mean) ** 2) / (2 * gap)) / math.sqrt(2 * math.pi * gap)
        density = kernel @ (weights * density)
        weights = np.full(points, 2.0)
        weights[1::2] = 4.0
        weights[[0, -1]] = 1.0
        weights *= (high - low) / (points - 1) / 3
        grid, before = new, moment
    return total


# --- spending -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
@given(level=st.floats(1e-6, 0.4), shares=st.lists(st.floats(0, 1.5), min_size=1, max_size=6).map(sorted))
def test_spending_rises_to_the_level(rule: Spending, level: float, shares: list[float]) -> None:
    """What is spent never decreases, is nothing at the start and the whole level from the end on."""
    spent = rule.spent([0.0, *shares, 1.0], level)
    assert spent[0] == 0
    assert (np.diff(spent) >= 0).all()
    assert spent[-1] == level


def test_spending_below_the_smallest_float_is_known_by_its_logarithm() -> None:
    """O'Brien-Fleming's spending at a thousandth of the trial underflows; its logarithm does not."""
    rule = spending_obrien_fleming()
    assert rule.spent([0.001], 0.025)[0] == 0
    # log(2 Phi(-x)) = log(2) - x^2/2 - log(x sqrt(2 pi)) + log(1 - 1/x^2 + 3/x^4 - ...), Mills' ratio
    x = -float(ndtri(0.0125)) / math.sqrt(0.001)
    mills = math.log(2) - x * x / 2 - math.log(x * math.sqrt(2 * math.pi)) + math.log1p(-(x**-2) + 3 * x**-4)
    assert rule.log_spent([0.001], 0.025)[0] == pytest.approx(mills, rel=1e-12)


def test_hwang_shih_decani_at_0_is_kim_demets_at_1() -> None:
    """Both spend evenly."""
    at = [0.2, 0.7, 1.0]
    np.testing.assert_allclose(hwang_shih_decani(0).spent(at, 0.025), kim_demets(1).spent(at, 0.025), rtol=1e-14)


@pytest.mark.parametrize("rule", RULES)
def test_designs_travel_to_other_processes(rule: Spending) -> None:
    """A design pickled and read back has its bounds, and its family still spends."""
    bounds = boundaries([1, 2], alpha=0.025, efficacy=rule)
    again = pickle.loads(pickle.dumps(bounds))
    assert again.z_efficacy.tolist() == bounds.z_efficacy.tolist()
    assert again.efficacy.spent([0.3], 0.05) == rule.spent([0.3], 0.05)


def test_user_amounts_and_function_agree() -> None:
    """Amounts read off a function give the function's bounds."""
    at = np.array([0.3, 0.6, 1.0])
    by_function = boundaries(at, alpha=0.05, efficacy=user_spending(lambda t, level: level * t**2))
    by_amounts = boundaries(at, alpha=0.05, efficacy=user_spending((0.05 * at**2).tolist()))
    np.testing.assert_allclose(by_amounts.z_efficacy, by_function.z_efficacy, rtol=1e-13)
    np.testing.assert_allclose(by_function.z_efficacy, boundaries(at, alpha=0.05, efficacy=kim_demets(2)).z_efficacy, rtol=1e-13)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hwang_shih_decani(math.nan), "gamma is nan"),
        (lambda: kim_demets(0), "rho is 0"),
        (lambda: wang_tsiatis(2), "delta is 2"),
        (lambda: haybittle_peto(-1), "interim_z is -1"),
        (lambda: spending_named("pocock"), "name is 'pocock'"),
        (lambda: spending_named("kim_demets"), "parameter None"),
        (lambda: spending_named("lan_demets_pocock", 1), "parameter 1"),
        (lambda: spending_pocock().spent([0.5, 0.4], 0.05), "must not decrease"),
        (lambda: spending_pocock().spent([math.nan], 0.05), r"share\[0\] is nan"),
        (lambda: spending_pocock().spent([], 0.05), "share is empty"),
        (lambda: spending_pocock().spent([0.5], 1.5), "level is 1.5"),
        (lambda: user_spending([0.01, 0.005]).spent([0.5, 1], 0.05), "must rise"),
        (lambda: user_spending([0.01, 0.06]).spent([0.5, 1], 0.05), "up to 0.05"),
        (lambda: user_spending([0.01]).spent([0.5, 1], 0.05), "one a look, 2"),
    ],
)
def test_spending_refuses(call: Any, words: str) -> None:
    """A wrong parameter or amount is refused by name."""
    with pytest.raises(ValueError, match=words):
        call()


# --- bounds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("sided", [1, 2])
def test_one_look_is_the_fixed_test(family: Spending | Classical, sided: int) -> None:
    """With a single look every family gives the normal quantile, and no inflation."""
    bounds = boundaries([80], alpha=0.05, sided=sided, efficacy=family, beta=0.2)
    assert bounds.z_efficacy[0] == pytest.approx(-ndtri(0.05 / sided), abs=1e-13)
    assert bounds.inflation == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=8, deadline=None)
@given(information=looks, alpha=st.floats(0.001, 0.2), sided=st.sampled_from([1, 2]))
def test_level_is_kept(family: Spending | Classical, information: np.ndarray, alpha: float, sided: int) -> None:
    """An independent integration finds each side of the test at its share of alpha."""
    if family.name == "haybittle_peto" and alpha / sided < 0.02:
        return  # three standard errors at each of four looks may spend that much
    bounds = boundaries(information, alpha=alpha, sided=sided, efficacy=family)
    assert bounds.alpha_spent[-1] == pytest.approx(alpha, rel=1e-10)
    # Simpson's rule with steps below a thousandth of a standard deviation of every kernel here
    side = simpson_level(bounds, points=1201)
    assert side == pytest.approx(alpha / sided, rel=1e-7)


def test_two_looks_by_quadrature() -> None:
    """The second bound of two solves the double integral, done by adaptive quadrature, for unequal times."""
    bounds = boundaries([0.3, 1.0], alpha=0.025, efficacy=spending_pocock())
    first, second = bounds.z_efficacy

    def crosses(z: float) -> float:
        return math.exp(-z * z / 2) / math.sqrt(2 * math.pi) * float(ndtr((z * math.sqrt(0.3) - second) / math.sqrt(0.7)))

    found = quad(crosses, -12, first, epsabs=1e-15, epsrel=1e-13, limit=200)[0]
    assert found == pytest.approx(0.025 - float(ndtr(-first)), rel=1e-11)


@pytest.mark.parametrize(
    "times",
    [[1, 2, 3], [0.01, 0.02, 1], [0.5, 0.51, 0.52, 1], [0.05, 0.1, 0.9, 0.95, 1], np.arange(1, 21) / 20],
    ids=["equal", "early", "close", "both", "twenty"],
)
@pytest.mark.parametrize("family", [spending_obrien_fleming(), spending_pocock(), obrien_fleming()])
def test_bounds_are_converged(family: Spending | Classical, times: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Panels a third as wide, reaching further out, move no bound by 1e-11, unequal and tiny spending included."""
    coarse = boundaries(times, alpha=0.025, efficacy=family).z_efficacy
    monkeypatch.setattr(recursion, "_PANEL", 2.0)
    monkeypatch.setattr(recursion, "_REACH", 11.0)
    fine = boundaries(times, alpha=0.025, efficacy=family).z_efficacy
    np.testing.assert_allclose(coarse, fine, rtol=0, atol=1e-11)


def test_bounds_are_finite_where_spending_underflows() -> None:
    """A look at a thousandth of the trial has its exact bound, and the later ones are those without it."""
    rule = spending_obrien_fleming()
    with_early = boundaries([0.001, 0.01, 0.5, 1], alpha=0.025, efficacy=rule)
    first = -float(ndtri_exp(rule.log_spent([0.001], 0.025)[0]))
    assert with_early.z_efficacy[0] == pytest.approx(first, abs=1e-12)
    assert 70 < first < 71
    # A bound of 22 at 1% is passed on the way from 71 at 0.1% with no chance worth counting, so it stands alone too.
    alone = -float(ndtri_exp(rule.log_spent([0.01], 0.025)[0]))
    assert with_early.z_efficacy[1] == pytest.approx(alone, abs=1e-9)
    later = boundaries([0.5, 1], alpha=0.025, efficacy=rule)
    np.testing.assert_allclose(with_early.z_efficacy[2:], later.z_efficacy, rtol=0, atol=1e-12)


def test_a_design_with_three_looks_is_quick() -> None:
    """Bounds, futility, drift and inflation of three looks take less than 10 ms of one core, the goal that was set."""
    took = []
    for _ in range(7):
        begun = time.process_time()
        boundaries(
            [1, 2, 3], alpha=0.025, efficacy=spending_obrien_fleming(), futility=hwang_shih_decani(-2), beta=0.2, binding=True
        )
        took.append(time.process_time() - begun)
    assert min(took) < 0.010


def test_bounds_depend_on_ratios_of_information_only() -> None:
    """Events, fractions or any other unit give the same bounds."""
    events = boundaries([51, 102, 153], alpha=0.05, efficacy=spending_obrien_fleming())
    shares = boundaries([1 / 3, 2 / 3, 1], alpha=0.05, efficacy=spending_obrien_fleming())
    np.testing.assert_allclose(events.z_efficacy, shares.z_efficacy, rtol=1e-13)


@given(information=looks)
@settings(max_examples=15, deadline=None)
def test_obrien_fleming_bounds_fall(information: np.ndarray) -> None:
    """O'Brien-Fleming's bounds and their score fall and stay; Pocock's stay the same."""
    bounds = boundaries(information, alpha=0.025, efficacy=obrien_fleming())
    assert (np.diff(bounds.z_efficacy) < 0).all()
    np.testing.assert_allclose(np.diff(bounds.z_efficacy * np.sqrt(information)), 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(boundaries(information, alpha=0.025, efficacy=pocock()).z_efficacy), 0, atol=1e-12)


@given(first=st.floats(0.05, 0.9), later=st.floats(0.01, 0.09))
@settings(max_examples=20, deadline=None)
def test_a_later_first_look_has_a_lower_bound(first: float, later: float) -> None:
    """The more information at the first look, the lower its bound and the higher the last one."""
    early = boundaries([first, 1], alpha=0.025, efficacy=spending_obrien_fleming()).z_efficacy
    late = boundaries([first + later, 1], alpha=0.025, efficacy=spending_obrien_fleming()).z_efficacy
    assert late[0] < early[0]
    assert late[1] >= early[1] - 1e-13


def test_spending_time_apart_from_information() -> None:
    """Errors follow the spending time, covariances the information."""
    apart = boundaries([0.4, 1], alpha=0.025, efficacy=spending_obrien_fleming(), spending_time=[0.5, 1])
    half = boundaries([0.5, 1], alpha=0.025, efficacy=spending_obrien_fleming())
    assert apart.z_efficacy[0] == pytest.approx(half.z_efficacy[0], rel=1e-14)
    assert simpson_level(apart) == pytest.approx(0.025, rel=1e-8)


def test_a_look_without_efficacy_leaves_its_alpha_to_the_next() -> None:
    """Its bound is infinite, and the others are those of a test without it."""
    skipping = boundaries([1, 2, 3], alpha=0.05, efficacy=spending_pocock(), efficacy_at=[True, False, True])
    without = boundaries([1, 3], alpha=0.05, efficacy=spending_pocock())
    assert skipping.z_efficacy[1] == math.inf
    np.testing.assert_allclose(skipping.z_efficacy[[0, 2]], without.z_efficacy, rtol=1e-12)
    classical = boundaries([1, 2, 3], alpha=0.05, efficacy=pocock(), efficacy_at=[True, False, True])
    np.testing.assert_allclose(
        classical.z_efficacy[[0, 2]], boundaries([1, 3], alpha=0.05, efficacy=pocock()).z_efficacy, rtol=1e-12
    )


def test_two_sided_bounds_meet_rpact() -> None:
    """Symmetric bounds at unequal times, with the inflation of one of them."""
    # getDesignGroupSequential(sided=2, alpha=.05, informationRates=c(.3,.6,1), typeOfDesign="asOF", tolerance=1e-10)
    spent = boundaries([0.3, 0.6, 1], alpha=0.05, sided=2, efficacy=spending_obrien_fleming())
    np.testing.assert_allclose(spent.z_efficacy, [3.92857254262661, 2.66997200396145, 1.98102450341685], atol=1e-7)
    # getDesignGroupSequential(sided=2, alpha=.05, kMax=4, typeOfDesign="WT", deltaWT=.1, tolerance=1e-10, beta=.1)
    shaped = boundaries([1, 2, 3, 4], alpha=0.05, sided=2, efficacy=wang_tsiatis(0.1), beta=0.1)
    wanted = [3.56920886054538, 2.70495449963216, 2.29997682793923, 2.04997217337466]
    np.testing.assert_allclose(shaped.z_efficacy, wanted, atol=1e-7)
    assert shaped.inflation == pytest.approx(1.03226790443259, abs=1e-7)
    assert shaped.drift**2 == pytest.approx(10.84647558462, abs=1e-6)


def test_one_sided_unequal_times_meet_rpact() -> None:
    """Wang and Tsiatis' family at unequal times and user spending."""
    # getDesignGroupSequential(sided=1, alpha=.025, informationRates=c(.2,.5,1), typeOfDesign="WT", deltaWT=.25, ...)
    shaped = boundaries([0.2, 0.5, 1], alpha=0.025, efficacy=wang_tsiatis(0.25))
    np.testing.assert_allclose(shaped.z_efficacy, [3.06278983104082, 2.43574710099214, 2.04821100568892], atol=1e-7)
    # getDesignGroupSequential(sided=1, alpha=.05, informationRates=c(.5,1), typeOfDesign="asUser",
    #                          userAlphaSpending=c(.02,.05), tolerance=1e-10)
    user = boundaries([0.5, 1], alpha=0.05, efficacy=user_spending([0.02, 0.05]))
    np.testing.assert_allclose(user.z_efficacy, [2.05374891063182, 1.75706874398747], atol=1e-6)


# --- futility -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("binding", "upper", "inflation"),
    [
        (True, [3.35686935609099, 2.44416439771885, 1.98415363550885], 1.03066827411604),
        (False, [3.35686935609099, 2.44454227999086, 2.00053906912217], 1.04096093985809),
    ],
)
def test_given_futility_meets_rpact(binding: bool, upper: list[float], inflation: float) -> None:
    """Futility bounds given as Z lower the last efficacy bound when binding, and cost power either way."""
    # getDesignGroupSequential(sided=1, alpha=.025, informationRates=c(.4,.7,1), typeOfDesign="asOF",
    #                          futilityBounds=c(0,.5), bindingFutility=..., beta=.2, tolerance=1e-10)
    bounds = boundaries(
        [0.4, 0.7, 1], alpha=0.025, efficacy=spending_obrien_fleming(), futility=[0, 0.5], binding=binding, beta=0.2
    )
    np.testing.assert_allclose(bounds.z_efficacy, upper, atol=1e-6)
    np.testing.assert_allclose(bounds.z_futility, [0, 0.5, bounds.z_efficacy[-1]])
    assert bounds.inflation == pytest.approx(inflation, abs=1e-6)
    if binding:
        assert simpson_level(bounds) == pytest.approx(0.025, rel=1e-8)


def test_operating_meets_rpact() -> None:
    """Power, expected information and stopping of a non-binding design under three effects."""
    # getPowerAndAverageSampleNumber(<the design above, non-binding>, theta=c(0,.1,.3), nMax=100): one sample, so
    # the drift is theta sqrt(100)
    bounds = boundaries([0.4, 0.7, 1], alpha=0.025, efficacy=spending_obrien_fleming(), futility=[0, 0.5])
    does = operating(bounds, [0, 1, 3])
    np.testing.assert_allclose(does.power, [0.0242254399931804, 0.1613807310936508, 0.8365397997424628], atol=1e-8)
    wanted = [62.8563787501602, 77.6258124942289, 79.9171955557771]
    np.testing.assert_allclose(100 * does.expected_information, wanted, atol=1e-5)
    wanted_futility = [[0.5, 0.230349569198068], [0.263544628432769, 0.161094526114227], [0.0288897855617986, 0.0124302538129389]]
    np.testing.assert_allclose(does.futility[:, :2], wanted_futility, atol=1e-8)
    np.testing.assert_allclose(does.efficacy[2], [0.0722133907728688, 0.4547902083251577, 0.3095362006444363], atol=1e-8)


@pytest.mark.parametrize("binding", [True, False])
@pytest.mark.parametrize("efficacy", RULES)
@settings(max_examples=5, deadline=None)
@given(information=looks, beta=st.floats(0.05, 0.4))
def test_second_error_is_spent(efficacy: Spending, binding: bool, information: np.ndarray, beta: float) -> None:
    """Under the design's drift the futility looks spend beta by its rule, and the two bounds meet at the end."""
    rule = hwang_shih_decani(-2)
    bounds = boundaries(information, alpha=0.025, efficacy=efficacy, futility=rule, beta=beta, binding=binding)
    np.testing.assert_allclose(bounds.beta_spent, rule.spent(information, beta), rtol=1e-9)
    assert bounds.z_futility[-1] == bounds.z_efficacy[-1]
    assert (bounds.z_futility <= bounds.z_efficacy).all()
    does = operating(bounds, [0.0, bounds.drift])
    assert does.power[1] == pytest.approx(1 - beta, rel=1e-10)
    # Alpha is all used when the bounds count on futility stops, and not quite when they do not.
    assert does.power[0] == pytest.approx(0.025, rel=1e-10) if binding else does.power[0] < 0.025
    assert operating(bounds, 0.0, honour_futility=binding).power[0] == pytest.approx(0.025, rel=1e-10)
    assert bounds.inflation > 1


def test_futility_may_be_left_out_at_looks() -> None:
    """No bound there, and the next look spends for both; one look needs no bound but the fixed one."""
    common = {"alpha": 0.025, "efficacy": spending_obrien_fleming(), "futility": spending_pocock(), "beta": 0.2}
    bounds = boundaries([1, 2, 3], **common, futility_at=[False, True, True])
    assert bounds.z_futility[0] == -math.inf
    assert bounds.beta_spent[1] == pytest.approx(spending_pocock().spent([2 / 3], 0.2)[0], rel=1e-10)
    fixed = boundaries([1], **common)
    assert fixed.drift == pytest.approx(float(ndtri(0.975) + ndtri(0.8)), abs=1e-12)
    classical = boundaries([1, 2, 3], **(common | {"efficacy": pocock()}))
    assert classical.beta_spent[-1] == pytest.approx(0.2, rel=1e-10)


# --- characteristics ------------------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@given(information=looks, drifts=st.lists(st.floats(-4, 8), min_size=1, max_size=4))
def test_stopping_is_certain_and_power_rises(information: np.ndarray, drifts: list[float]) -> None:
    """At every drift the trial stops somewhere; power rises with the drift; an independent integration agrees."""
    bounds = boundaries(information, alpha=0.025, efficacy=spending_pocock(), futility=[0.0] * (len(information) - 1))
    does = operating(bounds, sorted(drifts))
    np.testing.assert_allclose(does.stop.sum(axis=1), 1, rtol=1e-12)
    assert (np.diff(does.power) >= -1e-14).all()
    alone = operating(bounds, drifts[0], honour_futility=False)
    assert alone.power[0] == pytest.approx(simpson_level(bounds, drifts[0], points=1201), rel=1e-6, abs=1e-12)


def test_two_sided_characteristics_are_symmetric() -> None:
    """A two-sided test does on one side under an effect what it does on the other under its opposite."""
    bounds = boundaries([1, 2, 3], alpha=0.05, sided=2, efficacy=spending_obrien_fleming())
    does = operating(bounds, [-2.0, 2.0])
    np.testing.assert_allclose(does.efficacy[0], does.harm[1], rtol=1e-11)
    np.testing.assert_allclose(does.stop.sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_drift_for_power_and_back(family: Spending | Classical) -> None:
    """The drift found for a power has it, the fixed test needs less, and early stopping saves on average."""
    bounds = boundaries([1, 2, 3], alpha=0.05, efficacy=family)
    drift = drift_for_power(bounds, 0.8)
    assert operating(bounds, drift).power[0] == pytest.approx(0.8, rel=1e-12)
    assert inflation_factor(bounds, 0.8) > 1
    found = characteristics(bounds, 0.8)
    assert found.expected_alternative < 1 < found.inflation
    assert found.cumulative_power[-1] == pytest.approx(0.8, rel=1e-12)


def test_drift_for_power_past_a_severe_futility_look() -> None:
    """A very early futility look that few trials pass asks for a drift far from the fixed test's, which is found."""
    bounds = given_boundaries([1, 1000], [math.inf, 2.0], z_futility=[2.5])
    drift = drift_for_power(bounds, 0.9)
    assert drift == pytest.approx((2.5 + float(ndtri(0.9))) * math.sqrt(1000), rel=1e-9)


def test_expected_duration_is_a_mean_over_stopping() -> None:
    """A quantity of each look is averaged over where the trial stops."""
    bounds = boundaries([50, 100], alpha=0.05, efficacy=spending_pocock())
    does = operating(bounds, [0.0, 2.5])
    np.testing.assert_allclose(does.expected([0.5, 1.0]), does.expected_information, rtol=1e-14)
    first = does.efficacy[:, 0]
    np.testing.assert_allclose(does.expected([24, 60]), 60 - 36 * first, rtol=1e-12)


def test_power_averaged_over_a_prior_by_another_rule() -> None:
    """A power curve on Gauss-Hermite nodes integrates like one on a dense grid."""
    bounds = boundaries([1, 2], alpha=0.025, efficacy=spending_obrien_fleming())
    nodes, weights = hermgauss(60)
    by_hermite = weights @ operating(bounds, 2.5 + math.sqrt(2) * nodes).power / math.sqrt(math.pi)
    grid = np.linspace(-6, 11, 1701)
    dense = np.exp(-((grid - 2.5) ** 2) / 2) / math.sqrt(2 * math.pi) * operating(bounds, grid).power
    assert by_hermite == pytest.approx(np.trapezoid(dense, grid), rel=1e-9)


# --- given bounds, hazard ratios ------------------------------------------------------------------------------------


def test_given_bounds_keep_what_they_were_solved_for() -> None:
    """Bounds handed back have the level, the futility and the drift they came from."""
    solved = boundaries([1, 2, 3], alpha=0.025, efficacy=spending_obrien_fleming(), futility=[0.0, 0.5], beta=0.2, binding=True)
    again = given_boundaries([1, 2, 3], solved.z_efficacy.tolist(), z_futility=[0.0, 0.5], binding=True, beta=0.2, sided=1)
    assert again.alpha == pytest.approx(0.025, rel=1e-11)
    assert again.drift == pytest.approx(solved.drift, rel=1e-11)
    np.testing.assert_allclose(again.alpha_spent, solved.alpha_spent, rtol=1e-9)


def test_hazard_ratios_at_the_bounds() -> None:
    """With events, the bounds read as hazard ratios; at the ratio the log-rank Z is the bound."""
    bounds = boundaries([51, 102, 153], alpha=0.05, efficacy=spending_obrien_fleming(), futility=[0, 0.5], events=153)
    np.testing.assert_allclose(bounds.hr_efficacy, np.exp(-bounds.z_efficacy * 2 / np.sqrt([51, 102, 153])), rtol=1e-13)
    assert bounds.hr_futility[0] == 1
    assert drift_of_hazard_ratio(bounds.hr_efficacy[-1], 153) == pytest.approx(bounds.z_efficacy[-1], rel=1e-13)
    assert hazard_ratio_of_z(2.0, 90, allocation_ratio=2) == pytest.approx(math.exp(-2 / math.sqrt(20)), rel=1e-13)
    for call, words in (
        (lambda: drift_of_hazard_ratio(0, 10), "hazard_ratio is 0"),
        (lambda: drift_of_hazard_ratio(0.5, 0), "events are 0"),
        (lambda: hazard_ratio_of_z(1, 10, allocation_ratio=0), "allocation_ratio is 0"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


# --- refusals and pictures ------------------------------------------------------------------------------------------

OF = spending_obrien_fleming()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"information": []}, "information is empty"),
        ({"information": [1, 1]}, r"information\[1\] is 1.0"),
        ({"information": [0, 1]}, r"information\[0\] is 0.0"),
        ({"information": [1, math.nan]}, r"information\[1\] is nan"),
        ({"alpha": 0.0}, "alpha is 0.0"),
        ({"alpha": 0.5}, "alpha is 0.5"),
        ({"sided": 3}, "sided is 3"),
        ({"efficacy": "asOF"}, "efficacy is 'asOF'"),
        ({"beta": 0.99}, "beta is 0.99"),
        ({"futility": OF}, "beta is None"),
        ({"futility": OF, "beta": 0.2, "sided": 2}, "futility is given with sided 2"),
        ({"futility": OF, "beta": 0.2, "spending_time": [0.2, 0.5]}, "spending_time ends at 0.5"),
        ({"futility": OF, "beta": 0.2, "binding": True, "efficacy": pocock()}, "binding is True with a classical"),
        ({"futility": [0, 0, 0, 0]}, "one Z for each of 1 interim looks"),
        ({"futility": [9.0]}, r"futility\[0\] is 9.0"),
        ({"spending_time": [0.5]}, "spending_time has 1 rows; it must have as many as information, 2"),
        ({"spending_time": [1, 0.5]}, "must not decrease"),
        ({"efficacy_at": [True, False]}, "efficacy_at is false at the last look"),
        ({"efficacy_at": [True]}, "efficacy_at has 1 rows"),
        ({"efficacy": haybittle_peto(1.0)}, "must leave some of the level"),
        ({"events": -3}, "events is -3; it must be a finite number, above 0"),
    ],
)
def test_boundaries_refuse(arguments: dict[str, Any], words: str) -> None:
    """A wrong argument is refused by name, value and range."""
    plain: dict[str, Any] = {"information": [1, 2], "alpha": 0.025, "efficacy": OF}
    with pytest.raises(ValueError, match=words):
        boundaries(**(plain | arguments))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda b: operating(b, [math.nan]), r"drift\[0\] is nan"),
        (lambda b: operating(b, []), "drift is empty"),
        (lambda b: drift_for_power(b, 0.01), "power is 0.01"),
        (lambda b: inflation_factor(b, 1.0), "power is 1.0"),
        (lambda b: operating(b, 0).expected([1]), "quantity has 1 rows; it must have as many as looks, 2"),
        (lambda b: given_boundaries([1, 2], [2.0]), "z_efficacy is"),
        (lambda b: given_boundaries([1, 2], [2.0, math.inf]), "the last finite"),
        (lambda b: given_boundaries([1, 2], [2.0, 2.0], z_futility=[3.0]), "must not lie above"),
        (lambda b: given_boundaries([1, 2], [2.0, 2.0], z_futility=[1.0], sided=2), "sided 2"),
        (lambda b: given_boundaries([1, 2], [2.0, 2.0], sided=0), "sided is 0"),
    ],
)
def test_characteristics_refuse(call: Any, words: str) -> None:
    """A wrong drift, power or bound is refused by name."""
    with pytest.raises(ValueError, match=words):
        call(boundaries([1, 2], alpha=0.025, efficacy=OF))


def test_results_show_themselves() -> None:
    """Summaries, frames and pictures carry the numbers of the looks; results are read-only."""
    bounds = boundaries([51, 102, 153], alpha=0.05, efficacy=OF, futility=hwang_shih_decani(-2), beta=0.3, events=153)
    text = bounds.summary()
    assert "one-sided level 0.05" in text
    assert "3.2" in text
    assert "not binding" in text
    assert "Power 0.7 at drift" in text
    frame = bounds.to_frame()
    assert frame["z_efficacy"].tolist() == bounds.z_efficacy.tolist()
    assert len(bounds.plot().lines) == 2
    assert len(boundaries([1, 2], alpha=0.05, sided=2, efficacy=OF).plot().lines) == 2
    with pytest.raises(ValueError, match="read-only"):
        bounds.z_efficacy[0] = 0
    does = operating(bounds, np.linspace(0, 4, 9))
    assert len(does.to_frame()) == 27
    assert "expected_information" in does.summary()
    top = does.plot().lines[-1].get_ydata()
    np.testing.assert_allclose(top, does.power)
    found = characteristics(bounds, 0.7)
    assert "power by look 3" in found.summary()
    assert found.to_frame()["inflation"][0] == pytest.approx(bounds.inflation, rel=1e-9)
