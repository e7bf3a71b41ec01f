"""Group-sequential survival designs: against another tool, against the fixed design, their looks and refusals."""

import time

import numpy as np
import pytest

from oligami.stats.sequential import hwang_shih_decani, operating, pocock, spending_obrien_fleming
from oligami.stats.sizing import assume, exponential, exponential_through, sample_size, scaled, survival_design, uniform, weibull

TRIAL = assume(
    control=exponential_through(0.45, at=5),
    experimental=exponential_through(0.57, at=5),
    accrual=uniform(3),
    followup=5,
)
LOOKS = [1 / 3, 2 / 3, 1]


def test_two_sided_unequal_arms_meet_another_tool() -> None:
    """The numbers of rpact 3.3.4, two-sided, arms 2:1, looks at 40, 70 and 100 per cent."""
    # d <- rpact::getDesignGroupSequential(sided=2, alpha=.05, beta=.2, informationRates=c(.4,.7,1), typeOfDesign="asOF")
    # rpact::getSampleSizeSurvival(d, typeOfComputation="Schoenfeld", lambda2=.15, hazardRatio=.65, accrualTime=c(0,2),
    #   followUpTime=4, allocationRatioPlanned=2)
    trial = assume(control=exponential(0.15), hazard_ratio=0.65, accrual=uniform(2), followup=4, allocation=2)
    found = survival_design(trial, alpha=0.05, power=0.8, sided=2, efficacy=spending_obrien_fleming(), information=[0.4, 0.7, 1])
    assert (found.max_subjects, found.max_events) == pytest.approx((447.455050672025, 193.239919222223), rel=1e-6)
    np.testing.assert_allclose(found.analysis_time, [2.67616422769563, 4.17591764643851, 6], rtol=1e-6)
    assert found.expected_events[0] == pytest.approx(192.33803283440994, rel=1e-6)
    assert found.expected_events[2] == pytest.approx(162.73098882823967, rel=1e-6)
    assert found.expected_subjects[2] == pytest.approx(447.45505067202544, rel=1e-6)
    assert found.expected_duration[2] == pytest.approx(5.05886372485047, rel=1e-6)
    np.testing.assert_allclose(found.hr_efficacy, [0.444876935006662, 0.640268240840478, 0.736913632331111], rtol=1e-6)


def test_one_look_is_the_fixed_design() -> None:
    """Nothing is inflated, and the trial ends when its follow-up does."""
    found = survival_design(TRIAL, alpha=0.05, power=0.7, efficacy=spending_obrien_fleming(), information=[1])
    fixed = sample_size(TRIAL, alpha=0.05, power=0.7)
    assert found.inflation == pytest.approx(1, abs=1e-9)
    assert (found.max_events, found.max_subjects) == pytest.approx((fixed.events, fixed.subjects), rel=1e-9)
    assert found.expected_duration[2] == pytest.approx(8)


@pytest.mark.parametrize("method", ["schoenfeld", "freedman", "rubinstein", "lakatos"])
def test_a_design_keeps_its_promises(method: str) -> None:
    """Level and power are as asked, looks fall when their events are expected, and stopping early saves."""
    found = survival_design(
        TRIAL,
        alpha=0.05,
        power=0.7,
        efficacy=spending_obrien_fleming(),
        information=LOOKS,
        futility=hwang_shih_decani(-2),
        method=method,
    )
    assert found.probability_reject[2] == pytest.approx(0.7, abs=1e-8)
    assert found.probability_reject[0] < 0.05  # futility is not binding, and stops some false alarms
    assert operating(found.bounds, [0.0], honour_futility=False).power[0] == pytest.approx(0.05, abs=1e-9)
    np.testing.assert_allclose(found.assumptions.total_events(found.analysis_time), found.events, rtol=1e-9)
    assert (found.events_control + found.events_experimental).tolist() == pytest.approx(found.events.tolist(), rel=1e-9)
    assert (found.expected_events < found.max_events).all()
    assert (found.expected_duration < 8.0).all()
    # With no effect events come sooner, so every look does.
    assert (found.look_times[0] < found.look_times[2]).all()
    assert found.subjects_rounded >= found.max_subjects
    assert found.events_rounded == np.ceil(found.max_events)


def test_given_subjects_move_the_end_and_not_the_events() -> None:
    """More subjects than needed reach the same events earlier; too few are refused with what they can bring."""
    size = {"alpha": 0.05, "power": 0.7, "efficacy": spending_obrien_fleming(), "information": LOOKS}
    least = survival_design(TRIAL, **size)
    more = survival_design(TRIAL, subjects=340, **size)
    assert more.max_events == least.max_events
    assert more.max_subjects == 340
    assert (more.analysis_time < least.analysis_time).all()
    fewer = survival_design(TRIAL, subjects=200, **size)
    assert fewer.analysis_time[-1] > 8
    with pytest.raises(ValueError, match=r"subjects is 100; it must bring 156\.1 events, and brings at most 100\.0"):
        survival_design(TRIAL, subjects=100, **size)


def test_a_family_without_beta_spending_works_with_given_futility_bounds() -> None:
    """Pocock's bounds and futility bounds as Z."""
    found = survival_design(
        TRIAL, alpha=0.05, power=0.7, efficacy=pocock(), information=LOOKS, futility=[0.0, 0.5], binding=False
    )
    assert found.bounds.z_futility[:2].tolist() == [0.0, 0.5]
    assert found.hr_futility[0] == pytest.approx(1.0)
    assert found.probability_reject[2] == pytest.approx(0.7, abs=1e-8)


def test_weibull_survival_has_its_looks_too() -> None:
    """A constant hazard ratio is enough; hazards need not be constant."""
    trial = assume(control=weibull(1.3, 7), hazard_ratio=0.7, accrual=uniform(3), followup=5, dropout=0.02)
    found = survival_design(trial, alpha=0.05, power=0.7, efficacy=spending_obrien_fleming(), information=LOOKS, method="lakatos")
    np.testing.assert_allclose(found.assumptions.total_events(found.analysis_time), found.events, rtol=1e-9)


def test_a_design_needs_one_hazard_ratio() -> None:
    """A ratio that changes over time is refused, and so is a formula with two variances."""
    late = assume(
        control=exponential(0.2), experimental=scaled(exponential(0.2), (1, 0.6), starts=(0, 1)), accrual=uniform(3), followup=5
    )
    size = {"alpha": 0.05, "power": 0.7, "efficacy": spending_obrien_fleming()}
    with pytest.raises(ValueError, match="a hazard ratio that changes over time"):
        survival_design(late, **size)
    with pytest.raises(ValueError, match="method is 'lachin_foulkes'; it must be one of schoenfeld"):
        survival_design(TRIAL, method="lachin_foulkes", **size)


def test_a_design_shows_itself() -> None:
    """Looks and expectations as text, looks as a data frame, course and looks as a picture."""
    found = survival_design(
        TRIAL, alpha=0.05, power=0.7, efficacy=spending_obrien_fleming(), information=LOOKS, futility=hwang_shih_decani(-2)
    )
    text = found.summary()
    assert "futility Z" in text
    assert "assumed" in text
    assert found.to_frame().shape == (3, 13)
    assert len(found.plot().get_lines()) == 5
    with pytest.raises(ValueError, match="read-only"):
        found.events[0] = 1


def test_three_looks_take_milliseconds() -> None:
    """A design with three looks in less than 10 ms of CPU time, as the best of several."""
    taken = []
    for _ in range(15):
        begun = time.process_time()
        survival_design(TRIAL, alpha=0.05, power=0.7, efficacy=spending_obrien_fleming(), information=LOOKS)
        taken.append(time.process_time() - begun)
    assert min(taken) < 0.010
