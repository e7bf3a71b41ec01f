"""Hazards, accrual and the events they lead to: against closed forms, another tool, and what always holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats.sizing import (
    TimeToEvent,
    assume,
    average_hazard_ratio,
    by_rates,
    cure,
    event_rate,
    expected_course,
    expected_dropouts,
    expected_events,
    exponential,
    exponential_through,
    piecewise,
    piecewise_through,
    ramped,
    sample_size,
    scaled,
    uniform,
    weibull,
)

DISTRIBUTIONS = [
    exponential(0.2),
    piecewise([0, 1, 3], [0.3, 0.15, 0.05]),
    weibull(0.6, 6),
    weibull(1.7, 5),
    weibull(3.3, 5),
    cure(0.3, weibull(0.8, 2)),
    cure(0.4, exponential(0.5)),
    scaled(weibull(1.4, 6), (1, 0.6), starts=(0, 0.5)),
    scaled(cure(0.3, weibull(0.8, 2)), 0.7),
    scaled(piecewise([0, 2], [0.1, 0.2]), (1, 0.6), starts=(0, 0.5)),
]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=repr)
def test_quantile_undoes_survival(distribution: TimeToEvent) -> None:
    """The time by which a share has had the event is the time at which the rest is free of it."""
    most = 1 - float(distribution.survival(1e6))
    share = np.linspace(0.01, 0.95 * most, 9)
    np.testing.assert_allclose(1 - distribution.survival(distribution.quantile(share)), share, rtol=1e-12)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=repr)
def test_hazard_is_the_slope_of_the_cumulative_hazard(distribution: TimeToEvent) -> None:
    """A central difference meets the hazard away from the jumps."""
    at = np.array([0.31, 0.77, 1.9, 4.3])
    slope = (distribution.cumulative(at + 1e-5) - distribution.cumulative(at - 1e-5)) / 2e-5
    np.testing.assert_allclose(distribution.hazard(at), slope, rtol=1e-7)


def test_the_share_cured_never_has_the_event() -> None:
    """Its quantiles are infinite, and survival ends at it."""
    found = cure(0.3, exponential(1.0))
    assert found.quantile([0.69, 0.7, 0.9]).tolist()[1:] == [np.inf, np.inf]
    assert np.isfinite(found.quantile(0.69))
    assert float(found.survival(100)) == pytest.approx(0.3)
    assert found.median < np.inf
    assert cure(0.6, exponential(1.0)).median == np.inf


def test_a_hazard_that_ends_leaves_the_rest_free() -> None:
    """A last rate of 0 is a plateau of survival, and quantiles beyond it are infinite."""
    found = piecewise([0, 2], [0.5, 0.0])
    assert float(found.survival(50)) == pytest.approx(np.exp(-1))
    assert found.quantile([0.5, 0.9]).tolist() == pytest.approx([2 * np.log(2), np.inf])


def test_a_curve_goes_through_the_points_given() -> None:
    """Exponential through one point, piecewise exponential through several."""
    assert float(exponential_through(0.45, at=5).survival(5)) == pytest.approx(0.45)
    found = piecewise_through([1, 5, 8], [0.8, 0.45, 0.45])
    np.testing.assert_allclose(found.survival([1, 5, 8, 20]), [0.8, 0.45, 0.45, 0.45])


def test_a_proportional_weibull_is_a_weibull() -> None:
    """A constant ratio moves the scale and multiplies the hazard at every time."""
    base = weibull(1.4, 6)
    found = scaled(base, 0.7)
    assert type(found) is type(base)
    np.testing.assert_allclose(found.hazard([0.5, 2, 9]), 0.7 * base.hazard([0.5, 2, 9]))


ACCRUALS = [uniform(3, subjects=200), ramped(3, ramp=1, subjects=200), ramped(2, ramp=2, subjects=90), by_rates([1, 2], [30, 80])]


@pytest.mark.parametrize("accrual", ACCRUALS, ids=repr)
def test_rate_is_the_slope_of_enrolment(accrual) -> None:
    """Within the pieces, and 0 outside; the number comes out whole."""
    at = np.array([0.4, 0.9, 1.6, 1.9])
    slope = (accrual.enrolled(at + 1e-6) - accrual.enrolled(at - 1e-6)) / 2e-6
    np.testing.assert_allclose(accrual.rate(at), slope, rtol=1e-7)
    assert accrual.rate([-1, 0, accrual.duration + 0.1]).tolist() == [0, 0, 0]
    assert accrual.enrolled([-1, 99]).tolist() == pytest.approx([0, accrual.subjects])
    longer = accrual.over(6.0)
    assert (longer.duration, longer.subjects) == pytest.approx((6.0, accrual.subjects))
    assert accrual.with_subjects(11).subjects == pytest.approx(11)


def test_a_ramp_rises_from_nothing_in_a_straight_line() -> None:
    """Over a whole accrual the number grows with the square of time."""
    found = ramped(4, ramp=4, subjects=160)
    np.testing.assert_allclose(found.enrolled([1, 2, 3, 4]), [10, 40, 90, 160])


# --- expected events ------------------------------------------------------------------------------------------------


def test_exponential_events_meet_the_closed_form() -> None:
    """Uniform entry, exponential event and loss: Lachin and Foulkes (1986)."""
    rate, loss, a = 0.16, 0.03, 3.0
    for t in (1.0, 3.0, 8.0):
        s = rate + loss
        tail = np.exp(-s * max(t - a, 0)) - np.exp(-s * t)
        entered = min(t, a)
        wanted = 100 / a * rate / s * (entered - tail / s)
        found = expected_events(t, accrual=uniform(a, subjects=100), event=exponential(rate), dropout=exponential(loss))
        assert float(found) == pytest.approx(wanted, rel=1e-13)


def test_weibull_events_meet_another_tool() -> None:
    """Of rpact 3.3.4, per subject to enter, arms 2:1."""
    # rpact::getEventProbabilities(time=c(2,5,8), accrualTime=c(0,3), lambda1=.11, lambda2=.16, kappa=1.4,
    #   allocationRatioPlanned=2, maxNumberOfSubjects=300): $eventProbabilities1, $eventProbabilities2, $overall...
    trial = assume(
        control=weibull(1.4, 1 / 0.16), experimental=weibull(1.4, 1 / 0.11), accrual=uniform(3), followup=5, allocation=2
    )
    control, experimental = trial.events([2, 5, 8])
    np.testing.assert_allclose(experimental * 3 / 2, [0.0321212302011167, 0.2314594365057699, 0.4628988129075656], rtol=1e-7)
    np.testing.assert_allclose(control * 3, [0.0529131906759612, 0.3560374249735104, 0.6474233705339052], rtol=1e-7)
    # the same with kappa=0.6 and arms 1:1
    trial = assume(control=weibull(0.6, 1 / 0.16), experimental=weibull(0.6, 1 / 0.11), accrual=uniform(3), followup=5)
    wanted = [0.161039153741408, 0.463789091830231, 0.597792074072810]
    np.testing.assert_allclose(trial.total_events([2, 5, 8]), wanted, rtol=1e-5)  # its integration ends there


def test_piecewise_events_with_loss_by_arm_meet_another_tool() -> None:
    """Of rpact 3.3.4: piecewise hazards, piecewise entry, another drop-out in each arm."""
    # rpact::getEventProbabilities(time=c(2,5,8), accrualTime=c(0,1,2.5,4), accrualIntensity=c(30,60,80),
    #   piecewiseSurvivalTime=c(0,1,3), lambda2=c(.3,.15,.05), hazardRatio=.7, dropoutRate1=.01, dropoutRate2=.03,
    #   dropoutTime=1)
    trial = assume(
        control=piecewise([0, 1, 3], [0.3, 0.15, 0.05]),
        hazard_ratio=0.7,
        accrual=by_rates([1, 1.5, 1.5], [30, 60, 80]).with_subjects(1),
        followup=4,
        dropout=(exponential_through(0.97, at=1), exponential_through(0.99, at=1)),
    )
    control, experimental = trial.events([2, 5, 8])
    # The tool's values at 5 are 0.298280503 and 0.387999371; adaptive integration between the jumps gives what
    # stands here:
    # scipy.integrate.quad(..., epsabs=1e-14) over (0, 1), (1, 2.5), (2.5, 3), (3, 4), (4, 5).
    np.testing.assert_allclose(2 * experimental, [0.053058494217658, 0.298280532390386, 0.394392467392374], rtol=1e-12)
    np.testing.assert_allclose(2 * control, [0.0719719237979081, 0.38799937892378367, 0.4954043711477717], rtol=1e-12)


@pytest.mark.parametrize("accrual", ACCRUALS, ids=repr)
@pytest.mark.parametrize("event", DISTRIBUTIONS, ids=repr)
def test_subjects_are_accounted_for(accrual, event: TimeToEvent) -> None:
    """Events, losses and those still followed add up to those entered; the rate is the slope of the events."""
    loss, at = weibull(0.9, 30), np.array([0.7, 2.6, 9.0])
    events = expected_events(at, accrual=accrual, event=event, dropout=loss)
    losses = expected_dropouts(at, accrual=accrual, event=event, dropout=loss)
    # Those still followed, by another integral: over the calendar time of entry, by the midpoint rule.
    steps = 40_000
    for t, lost_to_view in zip(at.tolist(), (accrual.enrolled(at) - events - losses).tolist(), strict=True):
        end = min(t, accrual.duration)
        entry = (np.arange(steps) + 0.5) * end / steps
        free = np.exp(-event.cumulative(t - entry) - loss.cumulative(t - entry))
        assert lost_to_view == pytest.approx((accrual.rate(entry) * free).sum() * end / steps, rel=1e-4)
    slope = expected_events(at + 1e-5, accrual=accrual, event=event, dropout=loss)
    slope = slope - expected_events(at - 1e-5, accrual=accrual, event=event, dropout=loss)
    np.testing.assert_allclose(event_rate(at, accrual=accrual, event=event, dropout=loss), slope / 2e-5, rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    rate=st.floats(0.01, 3),
    ratio=st.floats(0.3, 2),
    accrual=st.floats(0.2, 6),
    followup=st.floats(0, 8),
    loss=st.floats(0, 0.5),
    allocation=st.floats(0.3, 3),
)
def test_time_of_events_undoes_events(
    rate: float, ratio: float, accrual: float, followup: float, loss: float, allocation: float
) -> None:
    """The moment at which so many events are expected has so many events expected."""
    trial = assume(
        control=exponential(rate),
        hazard_ratio=ratio,
        accrual=uniform(accrual, subjects=200),
        followup=followup,
        dropout=loss,
        allocation=allocation,
    )
    targets = float(trial.total_events(trial.duration)) * np.array([0.1, 0.5, 0.9, 1.0])
    when = trial.times_of_events(targets)
    assert (np.diff(when) > 0).all()
    np.testing.assert_allclose(trial.total_events(when), targets, rtol=1e-9)


def test_events_that_never_come_have_no_time() -> None:
    """More events than expected by the end: no time, not a wrong one."""
    trial = assume(control=exponential(0.1), hazard_ratio=0.7, accrual=uniform(2, subjects=100), followup=1)
    assert np.isnan(trial.times_of_events([500.0])).all()
    assert np.isnan(trial.times_of_events(99.9, latest=10))


def test_nothing_has_happened_before_the_first_entry() -> None:
    """At time 0 there are no events, no subjects and no average effect."""
    trial = assume(control=weibull(0.7, 4), hazard_ratio=0.7, accrual=uniform(2, subjects=100), followup=1)
    course = expected_course(trial, [0.0, 1.0])
    assert (course.events[0], course.enrolled[0], course.at_risk[0]) == (0, 0, 0)
    assert np.isnan(course.average_hazard_ratio[0])
    assert course.average_hazard_ratio[1] == pytest.approx(0.7)
    assert expected_events([-1.0, 0.0], accrual=uniform(2), event=exponential(1)).tolist() == [0, 0]


def test_average_effect_of_smooth_hazards_is_an_event_weighted_mean() -> None:
    """Short stretches come to the integral of log HR over the event density."""
    trial = assume(control=weibull(1.3, 6), experimental=weibull(1.1, 8), accrual=uniform(3, subjects=270), followup=5)
    x = (np.arange(20_000) + 0.5) * 8 / 20_000
    parts = [trial.accrual.enrolled(8 - x) * arm.hazard(x) * arm.survival(x) for arm in (trial.control, trial.experimental)]
    weight = parts[0] + parts[1]
    log_ratio = np.log(trial.experimental.hazard(x) / trial.control.hazard(x))
    wanted = np.exp((weight * log_ratio).sum() / weight.sum())
    assert trial.hazard_ratio is None
    assert average_hazard_ratio(trial, [8.0]).hazard_ratio[0] == pytest.approx(wanted, abs=2e-6)  # of the midpoint rule


def test_a_course_shows_itself() -> None:
    """As a table, as a data frame and as a picture with four lines."""
    trial = assume(control=exponential(0.16), hazard_ratio=0.7, accrual=uniform(3, subjects=270), followup=5)
    course = expected_course(trial, np.linspace(0, 8, 17))
    assert "average HR" in course.summary()
    assert course.to_frame().shape == (17, 7)
    assert len(course.plot().get_lines()) == 4
    with pytest.raises(ValueError, match="read-only"):
        course.events[0] = 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: exponential(-0.1), "rate is -0.1; it must be a finite number, 0 or more"),
        (lambda: exponential(float("nan")), "rate is nan"),
        (lambda: exponential_through(1.2, at=5), "survival is 1.2; it must lie between 0 and 1"),
        (lambda: exponential_through(0.4, at=0), "at is 0; it must be a finite number, above 0"),
        (lambda: piecewise([0.5, 1], [1, 1]), r"starts are \[0.5, 1.0\]; they must increase from 0"),
        (lambda: piecewise([0, 1], [1]), "rates has 1 values; it must have as many as starts, 2"),
        (lambda: piecewise([0, 1], [1, float("nan")]), r"rates\[1\] is nan"),
        (lambda: piecewise([], []), "starts is empty"),
        (lambda: piecewise_through([1, 5], [0.5, 0.6]), "never rise"),
        (lambda: weibull(0, 5), "shape is 0"),
        (lambda: cure(1.0, exponential(1)), "cured is 1.0"),
        (lambda: scaled(exponential(1), [1, -1], starts=[0, 1]), "it must be 2 numbers above 0"),
        (lambda: uniform(0), "duration is 0"),
        (lambda: uniform(3, subjects=0), "subjects is 0"),
        (lambda: ramped(3, ramp=4), "ramp is 4; it must be a finite number, above 0 and at most 3"),
        (lambda: by_rates([1, 0], [5, 5]), "durations are"),
        (lambda: by_rates([1, 1], [0, 0]), "rates are all 0"),
        (lambda: assume(control=exponential(1), accrual=uniform(1), followup=1), "exactly one must be given"),
        (lambda: assume(control=exponential(1), hazard_ratio=0, accrual=uniform(1), followup=1), "hazard_ratio is 0"),
        (lambda: assume(control=exponential(1), hazard_ratio=0.7, accrual=uniform(1), followup=-1), "followup is -1"),
        (
            lambda: assume(control=exponential(1), hazard_ratio=0.7, accrual=uniform(1), followup=1, allocation=0),
            "allocation is 0",
        ),
        (
            lambda: assume(control=exponential(1), hazard_ratio=0.7, accrual=uniform(1), followup=1, dropout=(-1.0, None)),
            "dropout is -1.0",
        ),
    ],
)
def test_a_wrong_assumption_is_refused_by_name(call, words: str) -> None:
    """The message says which argument, what it was, and what it may be."""
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize(("times", "words"), [([], "times is empty"), ([1, np.nan], r"times\[1\] is nan"), ([-1], "times")])
def test_a_course_needs_times(times: list[float], words: str) -> None:
    """No times, a missing one and a negative one are refused."""
    trial = assume(control=exponential(0.16), hazard_ratio=0.7, accrual=uniform(3, subjects=270), followup=5)
    with pytest.raises(ValueError, match=words):
        expected_course(trial, times)


def test_sizes_do_not_depend_on_the_unit_of_time() -> None:
    """Years, months and days lead to the same numbers."""
    found = [
        sample_size(
            assume(
                control=exponential_through(0.45, at=5 * unit),
                experimental=exponential_through(0.57, at=5 * unit),
                accrual=uniform(3 * unit),
                followup=5 * unit,
                dropout=0.01 / unit,
            ),
            alpha=0.05,
            power=0.7,
            method="lakatos",
        ).subjects
        for unit in (1, 12, 365.25)
    ]
    assert found == pytest.approx([found[0]] * 3, rel=1e-12)
