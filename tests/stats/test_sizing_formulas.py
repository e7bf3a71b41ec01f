"""Sizes and power: what must agree with what, the one unknown, the first registration, and what is refused."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats.sizing import (
    assume,
    baseline_power,
    baseline_table,
    cure,
    events_over_milestone_probability,
    exponential,
    exponential_through,
    freedman_events,
    limit_of_logrank,
    logrank_power,
    logrank_subjects,
    piecewise,
    power_of,
    ramped,
    registered_needed,
    registration,
    sample_size,
    scaled,
    schoenfeld_events,
    share_needed,
    solve,
    two_binomials,
    uniform,
    weibull,
)
from oligami.stats.sizing.formulas import METHODS

TRIAL = assume(
    control=exponential_through(0.45, at=5),
    experimental=exponential_through(0.57, at=5),
    accrual=uniform(3, subjects=268),
    followup=5,
)


def test_piecewise_hazards_and_loss_by_arm_meet_another_tool() -> None:
    """Of rpact 3.3.4, arms 1.5:1, another drop-out in each arm."""
    # rpact::getSampleSizeSurvival(alpha=.025, beta=.1, sided=1, typeOfComputation="Schoenfeld",
    #   piecewiseSurvivalTime=c(0,1,3), lambda2=c(.3,.15,.05), hazardRatio=.7, accrualTime=c(0,4), followUpTime=3,
    #   dropoutRate1=.01, dropoutRate2=.03, dropoutTime=1, allocationRatioPlanned=1.5): eventsFixed, nFixed, 1, 2
    trial = assume(
        control=piecewise([0, 1, 3], [0.3, 0.15, 0.05]),
        hazard_ratio=0.7,
        accrual=uniform(4),
        followup=3,
        dropout=(exponential_through(0.97, at=1), exponential_through(0.99, at=1)),
        allocation=1.5,
    )
    found = sample_size(trial, alpha=0.025, power=0.9)
    got = [found.events, found.subjects, found.subjects_experimental, found.subjects_control]
    assert got == pytest.approx([344.143660378968, 816.898143253034, 490.138885951820, 326.759257301214], rel=1e-7)


@settings(max_examples=30, deadline=None)
@given(
    method=st.sampled_from(sorted(METHODS)),
    survival=st.floats(0.2, 0.7),
    ratio=st.floats(0.5, 0.9),
    power=st.floats(0.5, 0.95),
    sides=st.sampled_from([1, 2]),
    allocation=st.floats(0.5, 2),
)
def test_power_undoes_sample_size(
    method: str, survival: float, ratio: float, power: float, sides: int, allocation: float
) -> None:
    """The subjects that a power needs have that power, by every method."""
    trial = assume(
        control=exponential_through(survival, at=5), hazard_ratio=ratio, accrual=uniform(3), followup=2, allocation=allocation
    )
    size = sample_size(trial, alpha=0.05, power=power, sides=sides, method=method)
    again = power_of(trial, alpha=0.05, sides=sides, method=method, subjects=size.subjects)
    assert again.power == pytest.approx(power, abs=1e-12)
    assert again.events == pytest.approx(size.events, rel=1e-12)


def test_two_sides_are_one_side_at_half_alpha() -> None:
    """The same events and subjects."""
    one = sample_size(TRIAL, alpha=0.025, power=0.8, method="lakatos")
    two = sample_size(TRIAL, alpha=0.05, power=0.8, sides=2, method="lakatos")
    assert one.subjects == two.subjects
    assert schoenfeld_events(0.7, alpha=0.025, power=0.8) == schoenfeld_events(0.7, alpha=0.05, power=0.8, sides=2)


def test_formulas_meet_as_the_effect_vanishes() -> None:
    """With a hazard ratio close to 1 the methods on the same event probability agree."""
    trial = assume(control=exponential(0.15), hazard_ratio=0.99, accrual=uniform(3), followup=5)
    names = ["schoenfeld", "freedman", "rubinstein", "lachin_foulkes", "lachin_foulkes_log", "bernstein_lagakos", "lakatos"]
    found = [sample_size(trial, alpha=0.05, power=0.7, method=name).subjects for name in names]
    assert found == pytest.approx([found[0]] * len(found), rel=0.01)  # the size of the effect


def test_drop_out_costs_subjects_not_events() -> None:
    """Schoenfeld's events stay, subjects rise."""
    lossy = assume(control=TRIAL.control, experimental=TRIAL.experimental, accrual=uniform(3), followup=5, dropout=0.03)
    with_loss, without = (sample_size(t, alpha=0.05, power=0.7) for t in (lossy, TRIAL))
    assert with_loss.events == pytest.approx(without.events)
    assert with_loss.subjects > 1.05 * without.subjects


# --- the limit of the log-rank test ---------------------------------------------------------------------------------


def markov_limit(trial, rho: float, gamma: float, steps: int) -> tuple[float, float]:
    """Lakatos's Markov model as he wrote it: states at risk, event, lost; short steps; a plain twin of the integral."""
    end, step = trial.duration, trial.duration / steps
    at_risk, pooled = list(trial.shares), 1.0
    drift = variance = 0.0
    for i in range(steps):
        x = (i + 0.5) * step
        # Who can be followed to x: leaves at random as the calendar closes.
        open_to = float(trial.accrual.enrolled(end - x)) / trial.accrual.subjects
        y = [count * open_to for count in at_risk]
        h = [float(arm.hazard(x)) for arm in (trial.control, trial.experimental)]
        deaths = sum(a * b for a, b in zip(y, h, strict=True)) * step
        total = sum(y)
        weight = pooled**rho * (1 - pooled) ** gamma
        drift += weight * y[0] * y[1] / total * (h[0] - h[1]) * step
        variance += weight**2 * deaths * y[0] * y[1] / total**2
        pooled *= 1 - deaths / total
        losses = [float(loss.hazard(x)) for _, loss in trial.arms]
        at_risk = [count * (1 - (a + b) * step) for count, a, b in zip(at_risk, h, losses, strict=True)]
    return drift, variance


@pytest.mark.parametrize(("rho", "gamma"), [(0, 0), (0, 1), (1, 0), (1, 1), (0, 0.5)])
@pytest.mark.parametrize(
    "trial",
    [
        TRIAL,
        assume(
            control=piecewise([0, 1, 3], [0.3, 0.15, 0.05]),
            experimental=scaled(piecewise([0, 1, 3], [0.3, 0.15, 0.05]), (1, 0.5), starts=(0, 0.5)),
            accrual=ramped(3, ramp=1),
            followup=2,
            dropout=(0.05, 0.02),
            allocation=2,
        ),
        assume(control=cure(0.3, weibull(1.5, 2)), experimental=cure(0.5, weibull(1.3, 2)), accrual=uniform(2), followup=4),
    ],
    ids=["exponential", "delayed", "cure"],
)
def test_limit_meets_the_markov_model(trial, rho: float, gamma: float) -> None:
    """Drift and variance of the weighted test agree with short steps of the states, within the steps' error."""
    drift, variance = markov_limit(trial, rho, gamma, 1500)
    found = limit_of_logrank(trial, rho=rho, gamma=gamma)
    assert found.drift == pytest.approx(drift, rel=5e-3)
    assert found.variance == pytest.approx(variance, rel=5e-3)


def test_late_effects_favour_late_weights() -> None:
    """Under a delayed effect weights on late events win power, under a fading one they lose it."""
    base = exponential(0.2)
    for ratio, wins in (((1, 0.6), True), ((0.6, 1), False)):
        trial = assume(
            control=base, experimental=scaled(base, ratio, starts=(0, 1)), accrual=uniform(3, subjects=270), followup=5
        )
        plain, late = logrank_power(trial, alpha=0.05), logrank_power(trial, alpha=0.05, gamma=1)
        assert (late > plain) == wins


def test_an_early_look_counts_only_those_who_entered() -> None:
    """Before accrual ends the drift is per subject entered by then."""
    found = limit_of_logrank(TRIAL, at=2.0)
    events = float(TRIAL.total_events(2.0)) / float(TRIAL.accrual.enrolled(2.0))
    assert found.event_share == pytest.approx(events, rel=1e-12)
    assert logrank_power(TRIAL, alpha=0.05, at=2.0) < logrank_power(TRIAL, alpha=0.05)


def test_subjects_of_a_weighted_test_have_its_power() -> None:
    """Subjects and power undo one another under weights; without weights they are those of `sample_size`."""
    trial = assume(
        control=exponential(0.2), experimental=scaled(exponential(0.2), (1, 0.6), starts=(0, 1)), accrual=uniform(3), followup=5
    )
    found = logrank_subjects(trial, alpha=0.05, power=0.8, gamma=1)
    assert logrank_power(trial, alpha=0.05, gamma=1, subjects=found) == pytest.approx(0.8, abs=1e-12)
    plain = sample_size(trial, alpha=0.05, power=0.8, method="lakatos").subjects
    assert logrank_subjects(trial, alpha=0.05, power=0.8) == pytest.approx(plain, rel=1e-12)
    worse = assume(control=exponential(0.2), hazard_ratio=1.5, accrual=uniform(3), followup=5)
    with pytest.raises(ValueError, match="do not favour the experimental arm"):
        logrank_subjects(worse, alpha=0.05, power=0.8)


def test_no_difference_has_the_power_of_chance() -> None:
    """Equal arms: the log-rank limit has no drift and the power is alpha."""
    equal = assume(control=exponential(0.2), experimental=exponential(0.2), accrual=uniform(3, subjects=100), followup=2)
    assert logrank_power(equal, alpha=0.05) == pytest.approx(0.05)


# --- any one unknown ------------------------------------------------------------------------------------------------

KNOWN = {"power": 0.7, "subjects": 268.0, "accrual_time": 3.0, "followup": 5.0, "hazard_ratio": 0.7}


@pytest.mark.parametrize("method", ["schoenfeld", "lachin_foulkes", "lakatos"])
@pytest.mark.parametrize("unknown", KNOWN)
def test_the_one_unknown_is_found(unknown: str, method: str) -> None:
    """Whatever is left out comes out so that the power is as wanted."""
    base = exponential_through(0.45, at=5)
    size = {"control": base, "alpha": 0.05, "method": method, "dropout": 0.01}
    given = KNOWN | {"power": solve(**size, **(KNOWN | {"power": None})).power}
    found = solve(**size, **(given | {unknown: None}))
    assert found.unknown == unknown
    assert getattr(found, unknown) == pytest.approx(given[unknown], rel=1e-8)
    assert "solved" in found.summary()


@pytest.mark.parametrize("left_out", ["followup", "hazard_ratio", "power"])
def test_a_rate_ties_subjects_to_accrual_time(left_out: str) -> None:
    """With a rate either gives the other; leaving out both solves for both."""
    base = exponential_through(0.45, at=5)
    given = {"power": 0.7, "followup": 5.0, "hazard_ratio": 0.7}
    both = solve(control=base, alpha=0.05, accrual_rate=90, **given)
    assert both.subjects == pytest.approx(90 * both.accrual_time)
    assert both.power == pytest.approx(0.7, abs=1e-9)
    rest = given | {left_out: None}
    for one in ({"subjects": both.subjects}, {"accrual_time": both.accrual_time}):
        found = solve(control=base, alpha=0.05, accrual_rate=90, **rest, **one)
        assert found.unknown == left_out
        assert getattr(found, left_out) == pytest.approx(given[left_out], rel=1e-7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "nothing is left out"),
        ({"power": None, "subjects": None}, "power, subjects is left out"),
        ({"followup": None, "subjects": 60.0}, r"followup has no solution from 0 to .*, where the power stays below"),
        ({"followup": None, "subjects": 2000.0}, r"followup has no solution from 0 to .*, where the power exceeds"),
        ({"subjects": None, "power": 1.2}, "power is 1.2"),
        ({"subjects": None, "power": 0.01}, "power is 0.01; it must exceed alpha"),
        ({"subjects": None, "hazard_ratio": 1.0}, "hazard_ratio is 1; it must differ from 1"),
        ({"power": None, "subjects": 0.0}, "subjects is 0.0"),
        ({"power": None, "alpha": 0.7}, "alpha is 0.7; it must lie below 0.5"),
        ({"power": None, "sides": 3}, "sides is 3; it must be 1 or 2"),
        ({"power": None, "method": "magic"}, "method is 'magic'; it must be one of schoenfeld"),
        ({"power": None, "accrual_rate": 90}, "accrual_rate is given with subjects and accrual_time"),
    ],
)
def test_what_cannot_be_solved_is_refused(change: dict, words: str) -> None:
    """The message says which argument, what it was, and what it may be."""
    with pytest.raises(ValueError, match=words):
        solve(**({"control": exponential_through(0.45, at=5), "alpha": 0.05} | KNOWN | change))


def test_formulas_refuse_what_they_do_not_fit() -> None:
    """Changing ratios, changing hazards and drop-out, each where the formula knows none."""
    late = assume(
        control=exponential(0.2), experimental=scaled(exponential(0.2), (1, 0.6), starts=(0, 1)), accrual=uniform(3), followup=5
    )
    with pytest.raises(ValueError, match="hazard ratio that changes over time; method must be 'lakatos'"):
        sample_size(late, alpha=0.05, power=0.7, method="freedman")
    with pytest.raises(ValueError, match="hazards that change over time; method must be another than 'lachin_foulkes'"):
        sample_size(late, alpha=0.05, power=0.7, method="lachin_foulkes")
    lossy = assume(control=exponential(0.2), hazard_ratio=0.7, accrual=uniform(3), followup=5, dropout=0.1)
    with pytest.raises(ValueError, match="assumptions have drop-out; method must be another than 'collett_simpson'"):
        sample_size(lossy, alpha=0.05, power=0.7, method="collett_simpson")
    equal = assume(control=exponential(0.2), experimental=exponential(0.2), accrual=uniform(3), followup=5)
    with pytest.raises(ValueError, match="nothing to detect"):
        sample_size(equal, alpha=0.05, power=0.7, method="lakatos")
    assert sample_size(late, alpha=0.05, power=0.7, method="lakatos").hazard_ratio is None


# --- over the baseline ----------------------------------------------------------------------------------------------


def test_baselines_show_themselves() -> None:
    """Tables, data frames and pictures of subjects and of power against the control survival."""
    base = [0.35, 0.40, 0.45]
    common = {"milestone": 5, "accrual": uniform(3), "followup": 5, "alpha": 0.05}
    table = baseline_table(base, difference=0.12, power=0.7, methods=("schoenfeld", "two_binomials"), **common)
    assert table.to_frame().shape == (3, 5)
    assert len(table.plot().get_lines()) == 2
    assert "two_binomials" in table.summary()
    power = baseline_power(base, subjects=268, difference=0.12, **common)
    assert power.to_frame()["power"].tolist() == power.power.tolist()
    assert len(power.plot().get_lines()) == 1
    assert "268" in power.summary()
    steady = baseline_power(base, subjects=268, hazard_ratio=0.7, **common)
    assert (np.diff(steady.power) < 0).all()  # the longer subjects live, the fewer events
    with pytest.raises(ValueError, match="exactly one must be given"):
        baseline_power(base, subjects=268, **common)
    with pytest.raises(ValueError, match="methods hold 'magic'"):
        baseline_table(base, difference=0.12, power=0.7, methods=("magic",), **common)
    with pytest.raises(ValueError, match=r"difference is 0\.12; with control survival 0\.88 the other must"):
        baseline_table([0.88], difference=0.12, power=0.7, methods=("schoenfeld",), **common)


def test_a_milestone_needs_a_difference() -> None:
    """Equal survival is nothing to detect; survival is a share."""
    with pytest.raises(ValueError, match="they must differ"):
        two_binomials(0.5, 0.5, alpha=0.05, power=0.7)
    with pytest.raises(ValueError, match=r"survival_control is 1\.5"):
        two_binomials(1.5, 0.5, alpha=0.05, power=0.7)
    with pytest.raises(ValueError, match="formula is 'cox'"):
        events_over_milestone_probability(0.45, 0.57, alpha=0.05, power=0.7, formula="cox")
    events = freedman_events(np.log(0.57) / np.log(0.45), alpha=0.05, power=0.7)
    found = events_over_milestone_probability(0.45, 0.57, alpha=0.05, power=0.7, formula="freedman")
    assert found * (1 - 0.51) == pytest.approx(events)


def test_a_size_prints_itself() -> None:
    """The summary holds subjects rounded per arm, and the test."""
    text = sample_size(TRIAL, alpha=0.05, power=0.7, method="lachin_foulkes").summary()
    assert "268" in text
    assert "134" in text
    assert "one-sided" in text


# --- first registration ---------------------------------------------------------------------------------------------


def tail(registered: int, randomized: int, share: float) -> float:
    """Binomial tail by its definition."""
    return sum(comb(registered, k) * share**k * (1 - share) ** (registered - k) for k in range(randomized, registered + 1))


def test_340_registrations_bring_270_on_average_at_their_share() -> None:
    """The share that gives 340, the number it gives back, and the exact probability that 340 are enough."""
    share = share_needed(340, 270)
    assert share == pytest.approx(270 / 340)
    assert registered_needed(270, share) == 340
    found = registration(340, 270, share)
    assert found.probability_enough == pytest.approx(tail(340, 270, share), rel=1e-10)
    assert tail(340, found.fewest + 1, share) < 0.9 <= tail(340, found.fewest, share)
    assert tail(340, found.most + 1, share) <= 0.1 < tail(340, found.most, share)


@settings(max_examples=60, deadline=None)
@given(randomized=st.integers(1, 400), share=st.floats(0.05, 1), assurance=st.floats(0.05, 0.99))
def test_registrations_needed_are_the_fewest_that_do(randomized: int, share: float, assurance: float) -> None:
    """The number found has the assurance; one fewer has not."""
    needed = registered_needed(randomized, share, assurance=assurance)
    assert registration(needed, randomized, share).probability_enough >= assurance
    assert registration(needed - 1, randomized, share).probability_enough < assurance if needed > 1 else needed >= randomized


def test_share_needed_has_the_assurance() -> None:
    """At the share found the probability of enough is exactly what was asked."""
    share = share_needed(340, 270, assurance=0.9)
    assert tail(340, 270, share) == pytest.approx(0.9, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: registered_needed(270, 0), "share is 0; it must be a finite number, 1e-06 or more and at most 1"),
        (lambda: registered_needed(0, 0.5), "randomized is 0"),
        (lambda: registered_needed(10.5, 0.5), "randomized is 10.5; it must be a whole number"),
        (lambda: registered_needed(10, 0.5, assurance=1), "assurance is 1"),
        (lambda: share_needed(200, 270), "randomized is 270; it must be at most registered, 200"),
        (lambda: registration(340, 270, float("nan")), "share is nan"),
    ],
)
def test_wrong_registrations_are_refused(call, words: str) -> None:
    """The message says which argument, what it was, and what it may be."""
    with pytest.raises(ValueError, match=words):
        call()
