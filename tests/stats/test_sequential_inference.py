"""Monitoring, inference after stopping and looking ahead: what always holds, and what is refused."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from oligami.stats.sequential import (
    Boundaries,
    Classical,
    Spending,
    boundaries,
    conditional_error,
    conditional_power,
    final_inference,
    given_boundaries,
    haybittle_peto,
    hwang_shih_decani,
    monitor,
    operating,
    pocock,
    predictive_power,
    repeated_interval,
    repeated_p,
    sequential_p,
    spending_obrien_fleming,
    spending_pocock,
    user_spending,
    wang_tsiatis,
)

OF = spending_obrien_fleming()
PLAN = boundaries([51, 102, 153], alpha=0.05, efficacy=OF, beta=0.3)
FAMILIES: list[Spending | Classical] = [
    OF,
    spending_pocock(),
    hwang_shih_decani(-4),
    pocock(),
    wang_tsiatis(0.2),
    haybittle_peto(),
]


# --- monitoring -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sided", [1, 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_trial_as_planned_has_the_plans_bounds(family: Spending | Classical, sided: int) -> None:
    """Information as planned gives the bounds of the plan, at every look along the way."""
    plan = boundaries([51, 102, 153], alpha=0.05, sided=sided, efficacy=family)
    for so_far in (1, 2, 3):
        seen = monitor(plan, plan.information[:so_far])
        np.testing.assert_allclose(seen.boundaries.z_efficacy, plan.z_efficacy[:so_far], rtol=1e-12)
        np.testing.assert_allclose(seen.boundaries.alpha_spent, plan.alpha_spent[:so_far], rtol=1e-10)
        assert seen.final == (so_far == 3)
        assert seen.decision == ()
        assert seen.stopped_at is None


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=8, deadline=None)
@given(counts=st.sets(st.integers(20, 200), min_size=1, max_size=5).map(sorted))
def test_the_level_is_kept_whatever_is_observed(family: Spending | Classical, counts: list[int]) -> None:
    """Looks skipped, added, early or late: the trial ends having spent alpha exactly."""
    plan = boundaries([51, 102, 153], alpha=0.05, efficacy=family)
    most = 5 if isinstance(family, Spending) else 2  # a fixed shape has no alpha for more interim looks than planned
    events = [*[count for count in counts if count < 153][:most], *[count for count in counts if count >= 153][:1]]
    seen = monitor(plan, events, final=True).boundaries
    assert seen.alpha_spent[-1] == pytest.approx(0.05, rel=1e-10)
    assert operating(seen, 0.0).power[0] == pytest.approx(0.05, rel=1e-10)


@pytest.mark.parametrize("binding", [True, False])
@settings(max_examples=10, deadline=None)
@given(counts=st.sets(st.integers(20, 152), min_size=1, max_size=3).map(sorted), last=st.integers(153, 180))
def test_futility_follows_the_plans_effect(binding: bool, counts: list[int], last: int) -> None:
    """Futility looks spend beta by their spending time under the planned effect per event; the end takes what it is."""
    rule = hwang_shih_decani(-2)
    plan = boundaries([51, 102, 153], alpha=0.05, efficacy=OF, futility=rule, beta=0.3, binding=binding)
    seen = monitor(plan, [*counts, last]).boundaries
    shares = np.array(counts) / 153
    np.testing.assert_allclose(seen.beta_spent[:-1], rule.spent(shares, 0.3), rtol=1e-9)
    assert seen.drift == pytest.approx(plan.drift * math.sqrt(last / 153), rel=1e-14)
    assert seen.z_futility[-1] == seen.z_efficacy[-1]
    missed = 1 - operating(seen, seen.drift).power[0]
    assert seen.beta_spent[-1] == pytest.approx(missed, rel=1e-9)
    assert math.isnan(seen.inflation)


def test_decisions_read_the_bounds() -> None:
    """Each look says what its bounds say; the first that ends the trial is named."""
    plan = boundaries([1, 2, 3], alpha=0.05, efficacy=OF, futility=[0.0, 0.5])
    assert monitor(plan, [1, 2, 3], [0.1, 1.0, 1.2]).decision == ("continue", "continue", "not rejected")
    assert monitor(plan, [1, 2], [-0.1, 1.0]).decision == ("futility", "continue")
    assert monitor(plan, [1, 2], [-0.1, 1.0]).stopped_at == 1
    assert monitor(plan, [1, 2], [0.1, 2.5]).decision == ("continue", "reject")
    assert monitor(plan, [1.1, 1.3, 2.9], [0.1, 0.6, 1.9], final=True, futility=[0, 0.2]).decision[-1] == "reject"
    both = boundaries([1, 2], alpha=0.05, sided=2, efficacy=spending_pocock())
    assert monitor(both, [1], [-3.0]).decision == ("reject, other side",)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: monitor(PLAN, []), "information is empty"),
        (lambda: monitor(PLAN, [60, 50]), r"information\[1\] is 50.0"),
        (lambda: monitor(PLAN, [60, 153, 160]), r"information\[1\] is 153.0, which reaches the planned 153.0"),
        (lambda: monitor(PLAN, [60], [1, 2]), "z has 2 rows; it must have as many as information, 1"),
        (lambda: monitor(PLAN, [60], [math.nan]), r"z\[0\] is nan"),
        (lambda: monitor(given_boundaries([1, 2], [3, 2]), [1]), "must have a family"),
        (lambda: monitor(boundaries([1, 2], alpha=0.05, efficacy=OF, futility=[0]), [0.5, 1.5]), "1 futility bounds for 2"),
        (
            lambda: monitor(boundaries([1, 2], alpha=0.05, efficacy=pocock()), [0.4, 0.8, 1.2, 1.6]),
            "must leave some of the level",
        ),
        (lambda: monitor(PLAN, [10, 20], futility=[0]), "one Z for each of 2 interim looks"),
        (
            lambda: monitor(boundaries([1, 2], alpha=0.05, efficacy=OF, futility=OF, beta=0.1), [1], futility=[0]),
            "follow a spending function",
        ),
    ],
)
def test_monitoring_refuses(call: Any, words: str) -> None:
    """A wrong look is refused by name."""
    with pytest.raises(ValueError, match=words):
        call()


# --- after stopping -------------------------------------------------------------------------------------------------


@given(z=st.floats(-4, 6), level=st.floats(0.5, 0.99))
def test_one_look_gives_the_fixed_inference(z: float, level: float) -> None:
    """Without interim looks, or when stopping at the first, nothing needs correcting."""
    one = final_inference(boundaries([40], alpha=0.05, efficacy=OF), z, conf_level=level)
    half = -float(ndtri((1 - level) / 2))
    np.testing.assert_allclose(
        [one.median_unbiased, one.lower, one.upper], np.array([z, z - half, z + half]) / math.sqrt(40), atol=1e-11
    )
    assert one.p_one_sided == pytest.approx(float(ndtr(-z)), rel=1e-12)
    first = final_inference(PLAN, z, look=1, information=40, conf_level=level)
    assert first.median_unbiased == pytest.approx(one.median_unbiased, abs=1e-11)


@pytest.mark.parametrize("sided", [1, 2])
@pytest.mark.parametrize("look", [1, 2, 3])
def test_p_at_the_bound_is_the_level_spent(look: int, sided: int) -> None:
    """A trial that stops just at a bound has the p value spent so far; at the last bound the limit touches no effect."""
    bounds = boundaries([51, 102, 153], alpha=0.05, sided=sided, efficacy=OF)
    found = final_inference(bounds, float(bounds.z_efficacy[look - 1]), look=look)
    assert found.p_one_sided * sided == pytest.approx(bounds.alpha_spent[look - 1], rel=1e-11)
    if look == 3:
        assert found.lower == pytest.approx(0, abs=1e-11)


@settings(max_examples=15, deadline=None)
@given(look=st.sampled_from([2, 3]), z=st.floats(-1, 4), more=st.floats(0.05, 1))
def test_stagewise_ordering(look: int, z: float, more: float) -> None:
    """A higher Z at a look, or stopping for efficacy a look earlier, has a lower p value and a higher estimate."""
    low = final_inference(PLAN, z, look=look)
    high = final_inference(PLAN, z + more, look=look)
    earlier = final_inference(PLAN, float(PLAN.z_efficacy[look - 2]), look=look - 1)
    assert earlier.p_one_sided < high.p_one_sided < low.p_one_sided
    assert low.median_unbiased < high.median_unbiased
    assert low.lower < low.median_unbiased < low.upper


def test_the_estimate_is_median_unbiased_and_the_interval_covers() -> None:
    """Over trials under an effect, half the estimates lie below it and the limits miss it as often as they say."""
    drift = 2.0  # at information 153, an effect of drift / sqrt(153)
    rng = np.random.default_rng(20260715)
    steps = rng.normal(drift / 3, math.sqrt(1 / 3), size=(3000, 3)).cumsum(axis=1) / np.sqrt([1 / 3, 2 / 3, 1])
    crossed = steps >= PLAN.z_efficacy
    looks = np.where(crossed.any(axis=1), crossed.argmax(axis=1), 2)
    # The estimate exceeds the effect exactly when the stagewise p value at the effect is below 1/2.
    does = operating(PLAN, drift).efficacy[0]
    for share in (0.05, 0.5, 0.95):
        found = []
        for look in range(3):
            mine = np.sort(steps[looks == look, look])
            # Only one Z of a look stands at the effect, so one root orders all the trials that stop there.
            before = float(does[:look].sum())
            reach = float(does[look]) if look < 2 else 1 - before
            if not before <= share <= before + reach:
                found.append(mine.size if share > before + reach else 0)
                continue
            bounds_z = np.linspace(mine[0], mine[-1], 41)
            p = [
                operating(
                    given_boundaries(PLAN.information[: look + 1], [*PLAN.z_efficacy[:look].tolist(), float(z)]),
                    drift * math.sqrt((look + 1) / 3),
                ).power[0]
                for z in bounds_z
            ]
            at = np.interp(share, p[::-1], bounds_z[::-1])
            limit = final_inference(PLAN, float(at), look=look + 1, conf_level=0.9)
            named = {0.05: limit.lower, 0.5: limit.median_unbiased, 0.95: limit.upper}[share]
            assert named == pytest.approx(drift / math.sqrt(153), abs=2e-3)  # the interpolation's error
            found.append(int((mine >= at).sum()))
        standard_error = math.sqrt(share * (1 - share) / 3000)
        assert abs(sum(found) / 3000 - share) < 4 * standard_error


def test_futility_counts_in_the_p_value_only_when_binding() -> None:
    """Binding futility bounds lower the p value of a late success; others leave it alone."""
    given_z = {"alpha": 0.025, "efficacy": OF, "futility": [0.5, 1.0]}
    plain = boundaries([1, 2, 3], alpha=0.025, efficacy=OF)
    loose = boundaries([1, 2, 3], **given_z)
    strict = boundaries([1, 2, 3], **given_z, binding=True)
    late = [final_inference(b, 2.1).p_one_sided for b in (plain, loose, strict)]
    assert late[0] == late[1]
    assert late[2] < late[1]


def test_a_far_result_has_an_answer() -> None:
    """A Z no trial reaches still has its p value and limits, in order."""
    for z in (-12.0, 15.0):
        found = final_inference(PLAN, z)
        assert found.lower < found.median_unbiased < found.upper
        assert 0 <= found.p_one_sided <= 1


@settings(max_examples=10, deadline=None)
@given(z=st.lists(st.floats(-2, 4), min_size=1, max_size=3), sided=st.sampled_from([1, 2]))
def test_repeated_p_agrees_with_the_bounds(z: list[float], sided: int) -> None:
    """A test at the repeated p value as its level has its bound exactly at the Z observed."""
    plan = boundaries([51, 102, 153], alpha=0.05, sided=sided, efficacy=OF)
    p = repeated_p(plan, z)
    for k, (value, level) in enumerate(zip(z, p, strict=True)):
        if level < 0.49 * sided:
            same = boundaries([51, 102, 153], alpha=float(level), sided=sided, efficacy=OF)
            assert same.z_efficacy[k] == pytest.approx(abs(value) if sided == 2 else value, abs=1e-9)
    assert sequential_p(plan, z) == p.min()
    rejected = np.abs(z) >= plan.z_efficacy[: len(z)] if sided == 2 else np.array(z) >= plan.z_efficacy[: len(z)]
    np.testing.assert_array_equal(p <= 0.05, rejected)


def test_inference_meets_rpact() -> None:
    """Final and repeated inference of two families at unequal times."""
    # d <- getDesignGroupSequential(sided=1, alpha=.025, informationRates=c(.4,.7,1), typeOfDesign="P", tolerance=1e-10)
    # getAnalysisResults(d, getDataset(overallEvents=c(40,70), overallLogRanks=c(1.5,2.9),
    #                    overallAllocationRatios=c(1,1)), directionUpper=TRUE, stage=2)
    plan = boundaries([0.4, 0.7, 1], alpha=0.025, efficacy=pocock())
    found = final_inference(plan, 2.9, look=2, events=70)
    assert found.p_one_sided == pytest.approx(0.0122631592134904, abs=1e-8)
    limits = np.exp([found.lower, found.upper, found.median_unbiased])
    np.testing.assert_allclose(limits, [1.09033533101001, 3.07913586872634, 1.87565360041931], atol=2e-6)
    repeated = repeated_interval(plan, [1.5, 2.9], events=[40, 70])
    np.testing.assert_allclose(np.exp(repeated.lower), [0.782816436775382, 1.161334097105592], atol=2e-6)
    np.testing.assert_allclose(np.exp(repeated.upper), [3.29873923513914, 3.44490286567845], atol=2e-6)
    np.testing.assert_allclose(repeated.p, [0.12633493770027160, 0.00444797444343567], atol=2e-6)
    # The same with typeOfDesign="WT", deltaWT=.25 and overallEvents=c(40,70,100), overallLogRanks=c(.5,1.2,2.3), stage=3
    plan = boundaries([0.4, 0.7, 1], alpha=0.025, efficacy=wang_tsiatis(0.25))
    found = final_inference(plan, 2.3, events=100)
    assert found.p_one_sided == pytest.approx(0.0191837242173518, abs=1e-8)
    limits = np.exp([found.lower, found.upper, found.median_unbiased])
    np.testing.assert_allclose(limits, [1.02464061813521, 2.31186681111079, 1.54952232614821], atol=2e-6)
    p = repeated_p(plan, [0.5, 1.2, 2.3])
    np.testing.assert_allclose(p, [0.4901380736179352, 0.1997181222324371, 0.0143795189113617], atol=2e-6)


def test_the_lowest_level_is_found_where_bounds_rise_again() -> None:
    """At levels near 1 early looks spend all and late bounds rise; the repeated p value is the level below that."""
    plan = boundaries([0.28811831, 0.57769413, 0.67063009, 0.80607365, 1], alpha=0.0862, efficacy=OF)
    z = [0.0, 0.0, 0.0, 0.0, float(plan.z_efficacy[-1]) + 0.01]
    assert repeated_p(plan, z)[-1] == pytest.approx(0.0862, rel=0.03)
    assert repeated_p(plan, z)[-1] < 0.0862


def test_repeated_p_of_a_hopeless_result_is_1() -> None:
    """A Z far below 0 is not rejected at any level."""
    for family in (hwang_shih_decani(-5.3), OF, pocock()):
        plan = boundaries([0.0714, 0.3, 1.0], alpha=0.001, efficacy=family)
        assert (repeated_p(plan, [-9.0, -9.0, -9.0]) > 0.99).all()


def test_repeated_interval_excludes_no_effect_when_the_test_rejects() -> None:
    """The lower limit is above 0 from the look on that rejects; a look without efficacy has no limits."""
    plan = boundaries([51, 102, 153], alpha=0.05, efficacy=pocock(), efficacy_at=[False, True, True])
    found = repeated_interval(plan, [2.5, 2.5, 1.0], events=[51, 102, 153])
    assert found.lower[0] == -math.inf
    assert found.p[0] == 1
    assert found.lower[1] > 0 > found.lower[2]
    ratio, low, high = found.hazard_ratio()
    np.testing.assert_allclose(ratio, np.exp(-np.array([2.5, 2.5, 1.0]) * 2 / np.sqrt([51, 102, 153])), rtol=1e-13)
    assert (low <= ratio).all()
    assert (ratio <= high).all()
    assert np.isnan(repeated_interval(boundaries([1, 2], alpha=0.05, efficacy=haybittle_peto()), [1.0]).p).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: final_inference(PLAN, math.nan), "z is nan"),
        (lambda: final_inference(PLAN, 1.0, look=4), "look is 4; it must be a whole number from 1 to 3"),
        (lambda: final_inference(PLAN, 1.0, information=0), "information is 0"),
        (lambda: final_inference(PLAN, 1.0, events=0), "events is 0; it must"),
        (lambda: final_inference(PLAN, 1.0, events=3, information=3), "both given"),
        (lambda: final_inference(PLAN, 1.0, conf_level=1.0), "conf_level is 1.0"),
        (lambda: repeated_interval(PLAN, [1, 2, 3, 4]), "z has 4 values; it must have at most one for each look of the test, 3"),
        (lambda: repeated_interval(PLAN, []), "z is empty"),
        (lambda: repeated_interval(PLAN, [1], events=[1], information=[1]), "both given"),
        (lambda: repeated_interval(PLAN, [1], events=[1, 2]), "information has 2 rows; it must have as many as z, 1"),
        (lambda: repeated_p(boundaries([1, 2], alpha=0.05, efficacy=haybittle_peto()), [1.0]), "without bounds for other"),
        (lambda: repeated_p(boundaries([1], alpha=0.05, efficacy=user_spending([0.05])), [1.0]), "without bounds for other"),
        (lambda: sequential_p(given_boundaries([1], [2.0]), [1.0]), "without bounds for other"),
    ],
)
def test_inference_refuses(call: Any, words: str) -> None:
    """A wrong look, Z or information is refused by name."""
    with pytest.raises(ValueError, match=words):
        call()


# --- looking ahead --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drift", [0.0, 2.0])
def test_conditional_power_averages_to_power(drift: float) -> None:
    """Averaged over the first look, conditional power and rejection there give the unconditional power."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    top = float(PLAN.z_efficacy[0])
    mean = drift * math.sqrt(1 / 3)
    low = mean - 9
    z = low + (top - low) * (nodes + 1) / 2
    density = np.exp(-((z - mean) ** 2) / 2) / math.sqrt(2 * math.pi) * weights * (top - low) / 2
    later = sum(d * conditional_power(PLAN, float(at), look=1, effect=drift).power for d, at in zip(density, z, strict=True))
    assert later + float(ndtr(mean - top)) == pytest.approx(operating(PLAN, drift).power[0], rel=1e-10)


@given(z=st.floats(-3, 4), fraction=st.floats(0.05, 0.95))
def test_one_look_to_come_has_the_closed_form(z: float, fraction: float) -> None:
    """Conditional and predictive power of a fixed test are normal probabilities."""
    fixed = boundaries([1], alpha=0.025, efficacy=OF)
    c = float(-ndtri(0.025))
    left = 1 - fraction
    given_drift = float(ndtr((z * math.sqrt(fraction) + 1.5 * left - c) / math.sqrt(left)))
    assert conditional_power(fixed, z, fraction=fraction, effect=1.5).power == pytest.approx(given_drift, rel=1e-10)
    flat = float(ndtr((z / math.sqrt(fraction) - c) * math.sqrt(fraction / left)))
    assert predictive_power(fixed, z, fraction=fraction).power == pytest.approx(flat, rel=1e-9)
    assert conditional_error(fixed, z, fraction=fraction) == conditional_power(fixed, z, fraction=fraction, effect="null").power


def test_a_sharp_prior_is_a_known_effect() -> None:
    """Predictive power under a prior of nearly no width is conditional power at its mean; before the start, power."""
    known = conditional_power(PLAN, 0.7, look=1, effect=2.0)
    sharp = predictive_power(PLAN, 0.7, look=1, prior_mean=2.0, prior_sd=1e-6)
    np.testing.assert_allclose(sharp.by_look, known.by_look, rtol=1e-9)
    assurance = predictive_power(PLAN, 0.0, fraction=0, prior_mean=2.0, prior_sd=1e-6)
    assert assurance.power == pytest.approx(operating(PLAN, 2.0).power[0], rel=1e-9)


def test_futility_to_come_counts_when_binding_or_asked() -> None:
    """Stopping at futility bounds to come takes from the conditional power."""
    common: dict[str, Any] = {"alpha": 0.025, "efficacy": OF, "futility": [0.5, 1.0]}
    loose, strict = boundaries([1, 2, 3], **common), boundaries([1, 2, 3], **common, binding=True)
    free = conditional_power(loose, 0.6, look=1, effect=2.0)
    kept = conditional_power(loose, 0.6, look=1, effect=2.0, honour_futility=True)
    assert kept.power < free.power
    same = conditional_power(strict, 0.6, look=1, effect=2.0, honour_futility=True)
    assert conditional_power(strict, 0.6, look=1, effect=2.0).power == same.power


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: conditional_power(PLAN, math.inf, look=1), "z is inf"),
        (lambda: conditional_power(PLAN, 1.0), "exactly one must be given"),
        (lambda: conditional_power(PLAN, 1.0, look=1, fraction=0.3), "exactly one must be given"),
        (lambda: conditional_power(PLAN, 1.0, look=3), "look is 3; it must be a whole number from 1 to 2"),
        (lambda: conditional_power(PLAN, 1.0, fraction=1.0), "fraction is 1.0"),
        (lambda: conditional_power(PLAN, 1.0, fraction=0.0), "fraction is 0.0"),
        (lambda: conditional_power(PLAN, 1.0, look=1, effect="hope"), "effect is 'hope'"),
        (lambda: conditional_power(PLAN, 1.0, look=1, effect=math.nan), "effect is nan"),
        (lambda: conditional_power(boundaries([1, 2], alpha=0.05, efficacy=OF), 1.0, look=1, effect="design"), "no beta"),
        (lambda: predictive_power(PLAN, 1.0, look=1, prior_sd=0), "prior_sd is 0; it must be a finite number, 1e-06 or more"),
        (lambda: predictive_power(PLAN, 0.0, fraction=0), "fraction is 0"),
    ],
)
def test_looking_ahead_refuses(call: Any, words: str) -> None:
    """A wrong look, Z, effect or prior is refused by name."""
    with pytest.raises(ValueError, match=words):
        call()


def test_results_show_themselves() -> None:
    """Summaries, frames and pictures of a monitored trial carry its numbers."""
    seen = monitor(PLAN, [48, 103], [1.1, 1.9], events=True)
    assert "goes on" in seen.summary()
    assert seen.to_frame()["decision"].tolist() == ["continue", "continue"]
    assert len(seen.plot().lines) == 2
    assert "ends the trial" in monitor(PLAN, [48, 103], final=True).summary()
    assert isinstance(seen.boundaries, Boundaries)
    assert seen.boundaries.hr_efficacy[1] == pytest.approx(math.exp(-2 * seen.boundaries.z_efficacy[1] / math.sqrt(103)))
    final = final_inference(PLAN, 2.6, look=2, events=102)
    assert "Stopped at look 2" in final.summary()
    assert final.to_frame()["upper"][0] == final.upper
    repeated = repeated_interval(PLAN, [1.1, 2.6], events=[51, 102])
    assert "90%" in repeated.summary()
    assert len(repeated.to_frame()) == 2
    ahead = conditional_power(PLAN, 1.0, look=1)
    assert ahead.to_frame()["look"].tolist() == [2, 3]
    assert "Drift 1.732." in ahead.summary()
