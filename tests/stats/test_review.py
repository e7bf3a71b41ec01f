"""What a demanding reader tried on the finished library: odd columns, odd numbers, and what must never depend on form."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from oligami.stats import sizing
from oligami.stats.comparison import logrank
from oligami.stats.competing import cumulative_incidence, gray_test
from oligami.stats.differences import miettinen_nurminen_ratio
from oligami.stats.milestone import milestone_difference
from oligami.stats.nelson_aalen import nelson_aalen
from oligami.stats.parametric import fit_exponential, fit_weibull
from oligami.stats.piecewise_exponential import fit_piecewise_exponential
from oligami.stats.proportions import Table, clopper_pearson
from oligami.stats.rates import event_rates
from oligami.stats.reconstruction import reconstruct
from oligami.stats.restricted_mean import adjusted_restricted_mean, compare_restricted_means
from oligami.stats.sequential import (
    boundaries,
    conditional_power,
    drift_for_power,
    final_inference,
    given_boundaries,
    hwang_shih_decani,
    monitor,
    operating,
    predictive_power,
    spending_obrien_fleming,
)
from oligami.stats.survival import kaplan_meier

TIME = np.array([1, 2, 2, 3, 5, 5, 6, 7, 8, 9, 10, 12.0])
EVENT = np.array([1, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0, 0])
ARM = np.array(list("ABABABABABAB"))
PLAN = boundaries([51, 102, 153], alpha=0.05, efficacy=spending_obrien_fleming(), beta=0.3)
TRIAL = sizing.assume(
    control=sizing.exponential_through(0.45, at=5), hazard_ratio=0.7, accrual=sizing.uniform(3, subjects=270), followup=5
)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.to_datetime(["2026-01-01"] * 12)),
        pd.Series(pd.to_timedelta(TIME, unit="D")),
        TIME + 1j,
    ],
)
def test_dates_durations_and_complex_numbers_are_no_times(column: Any) -> None:
    """A column of dates would be counted in nanoseconds since 1970, and half of a complex number dropped: both are refused."""
    with pytest.raises(ValueError, match="time holds values that are not numbers; it must be a column of numbers"):
        kaplan_meier(column, EVENT)
    with pytest.raises(ValueError, match="covariates hold values that are not numbers"):
        fit_exponential(TIME, EVENT, column)


@pytest.mark.parametrize("weight", [1e-300, 1e300])
def test_weights_out_of_range_are_refused(weight: float) -> None:
    """Weights whose squares leave the range of floats are refused before they overflow."""
    for estimate in (kaplan_meier, nelson_aalen):
        with pytest.raises(ValueError, match=r"weights\[0\] is .*; it must be between 1e-100 and 1e100"):
            estimate(TIME, EVENT, weights=np.full(12, weight))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: kaplan_meier(TIME, EVENT, conf_level="a"), "conf_level is 'a'; it must lie between 0 and 1"),
        (lambda: kaplan_meier(TIME, EVENT).restricted_mean(np.inf), "tau is inf; it must be a finite number, above 0"),
        (lambda: kaplan_meier([1, 2], [1, 1]).restricted_mean(np.inf), "tau is inf; it must be a finite number, above 0"),
        (lambda: adjusted_restricted_mean(TIME, EVENT, ARM == "A", TIME, None), "tau is None; it must be a finite number"),
        (lambda: milestone_difference(TIME, EVENT, ARM, "a"), "t is 'a'; it must be a finite number, above 0"),
        (lambda: logrank(TIME, EVENT, ARM, weight=5), "weight is 5; it must be one of"),
        (lambda: logrank(TIME, EVENT, ARM, weight=None), "weight is None; it must be one of"),
        (lambda: logrank(TIME, EVENT, ARM, weight=("a", "b")), "weight is .*; it must be one of"),
        (lambda: cumulative_incidence([1, 2], [1, 1e300]), r"cause\[1\] is 1e\+300; it must be at most"),
        (lambda: gray_test([1, 2], [1, 2], [0, 1], of=np.inf), "of is inf; it must be the positive number of a cause"),
        (lambda: fit_exponential([0, 0], [1, 1]), "time is 0 in every row; it must be more than 0"),
        (lambda: clopper_pearson(np.nan, 5), "x is nan; it must be a whole number from 0 to n, 5"),
        (lambda: Table(x1=1, n1=np.inf, x0=1, n0=2), "n1 is inf; it must be a whole number, 1 or more"),
        (lambda: reconstruct([0, 1], [1, 0.9], [0], [10], np.inf), "total_events is inf; it must be a whole number from 0 to 10"),
        (lambda: given_boundaries([1, 2], [3, 2], beta=2), "beta is 2; it must lie between"),
        (lambda: given_boundaries([1, 2], [3, 2], beta=np.nan), "beta is nan; it must be a finite number"),
        (lambda: boundaries([1, 2], alpha="a", efficacy=spending_obrien_fleming()), "alpha is 'a'; it must be a finite number"),
        (lambda: hwang_shih_decani(-800), "gamma is -800; it must be a finite number, -500 or more"),
        (lambda: conditional_power(PLAN, "a", look=1), "z is 'a'; it must be a finite number"),
        (lambda: conditional_power(PLAN, 1.0, look=1.5), "look is 1.5; it must be a whole number from 1 to 2"),
        (lambda: conditional_power(PLAN, 1.0, fraction=1 - 1e-12), "fraction is .*; it must lie between 0 and 1"),
        (lambda: predictive_power(PLAN, 1.0, look=1, prior_sd=1e-300), "prior_sd is 1e-300; it must be a finite number, 1e-06"),
        (lambda: final_inference(PLAN, 1.0, information=[1]), r"information is \[1\]; it must be a finite number, above 0"),
        (lambda: operating(PLAN, "a"), "drift holds values that are not numbers"),
        (lambda: drift_for_power(PLAN, None), "power is None; it must be a finite number"),
        (lambda: sizing.exponential("a"), "rate is 'a'; it must be a finite number, 0 or more"),
        (lambda: sizing.assume(control="x", hazard_ratio=0.7, accrual=sizing.uniform(3), followup=5), "control is 'x'; it must"),
        (lambda: sizing.assume(control=sizing.exponential(1), hazard_ratio=0.7, accrual=3, followup=5), "accrual is 3; it must"),
        (lambda: sizing.registered_needed(270, 1e-300), "share is 1e-300; it must be a finite number, 1e-06 or more"),
        (lambda: sizing.solve(control=sizing.exponential(1), alpha=0.05, power=0.8, hazard_ratio=0.7, accrual_time="a", followup=1),
         "accrual_time is 'a'; it must be a finite number, above 0"),
    ],
)  # fmt: skip
def test_what_is_no_such_number_is_refused_by_name(call: Callable[[], object], told: str) -> None:
    """Words, None, infinities and fractions where they cannot be are a ValueError that names the argument."""
    with pytest.raises(ValueError, match=told):
        call()


@pytest.mark.parametrize("information", [[1, 1 + 1e-12, 2], [1e-300, 1e-200, 1]])
def test_looks_that_nothing_tells_apart_are_refused(information: list[float]) -> None:
    """Looks closer than a millionth of the information would take hours or divide by zero; they are refused by place."""
    for call in (
        lambda: boundaries(information, alpha=0.05, efficacy=spending_obrien_fleming()),
        lambda: monitor(PLAN, information),
    ):
        with pytest.raises(ValueError, match=r"information\[\d\] is .*; it must lie above .*, by a millionth of the last"):
            call()


def test_baselines_must_be_possible_in_both_arms() -> None:
    """A baseline outside (0, 1), or one from which the difference leads outside, is refused by its own name."""
    given: dict[str, Any] = {"milestone": 5, "accrual": sizing.uniform(3), "followup": 5, "alpha": 0.05}
    with pytest.raises(ValueError, match=r"survival_control\[0\] is -1.0; it must lie between 0 and 1"):
        sizing.baseline_power([-1], subjects=268, hazard_ratio=0.7, **given)
    with pytest.raises(ValueError, match=r"difference is 0\.12; with control survival 0.95 the other must lie between 0 and 1"):
        sizing.baseline_table([0.4, 0.95], difference=0.12, power=0.7, **given)
    with pytest.raises(ValueError, match="methods is empty; it must hold at least one"):
        sizing.baseline_table([0.4], difference=0.12, power=0.7, methods=(), **given)


def test_projection_refuses_what_would_not_fit() -> None:
    """Draws that no memory holds are refused before they are tried; fractions of a draw are no number of draws."""
    data: dict[str, Any] = {"entry": [0, 0.5, 1], "time": [1, 1, 1], "status": [1, 0, 0], "at": 2, "seed": 1}
    with pytest.raises(ValueError, match=r"draws is 2000 for .* subjects; their product must be at most"):
        sizing.project_events(**data, to_enter=10**9)
    with pytest.raises(ValueError, match=r"draws is 200\.5; it must be a whole number, 100 or more"):
        sizing.project_events(**data, draws=200.5)
    with pytest.raises(ValueError, match="seed is -1; it must be a whole number, 0 or more"):
        sizing.project_events(**(data | {"seed": -1}))


def test_steep_and_short_fits_predict_without_overflow() -> None:
    """A fit to equal times is endlessly steep, one to times of 1e-300 endlessly quick: predictions stay 0, 1 or between."""
    fits = (
        fit_weibull(np.full(4, 5.0), [1, 0, 1, 1]),
        fit_piecewise_exponential(TIME * 1e-300, EVENT, [4e-300]),
    )
    for fit in fits:
        surv = fit.survival([0.0, 1.0, 5.0, 50.0]).surv
        assert ((surv >= 0) & (surv <= 1)).all()
        assert surv[0] == 1
        assert surv[-1] == 0


def test_a_steep_design_has_a_log_rank_limit() -> None:
    """Where hazards are so steep that nobody is left at the end, what is divided there does no harm."""
    trial = sizing.assume(control=sizing.weibull(50, 5), hazard_ratio=0.7, accrual=sizing.uniform(3), followup=5)
    size = sizing.sample_size(trial, alpha=0.05, power=0.8, method="lakatos")
    assert size.events / size.subjects == pytest.approx(sum(trial.event_probabilities()) / 2, abs=1e-9)
    schoenfeld = sizing.schoenfeld_events(0.7, alpha=0.05, power=0.8)
    assert size.events == pytest.approx(schoenfeld, rel=0.05)


@pytest.mark.parametrize("shape", [0.3, 1.5, 3, 5, 8, 20, 50])
def test_events_under_any_weibull_shape_are_exact(shape: float) -> None:
    """Expected events agree with the integral of 1 - S over the entry times, however steep the hazard."""
    control = sizing.weibull(shape, 5)
    trial = sizing.assume(control=control, hazard_ratio=0.7, accrual=sizing.uniform(3, subjects=1), followup=5)
    nodes, weights = np.polynomial.legendre.leggauss(400)
    exact = float(weights @ (1 - control.survival(6.5 + 1.5 * nodes)) / 2)
    assert trial.event_probabilities()[0] == pytest.approx(exact, abs=1e-12)


def test_a_ratio_interval_of_no_width_is_found() -> None:
    """A level of next to nothing gives an interval around the estimate, not an overflow."""
    found = miettinen_nurminen_ratio(Table(x1=3, n1=10, x0=2, n0=9), conf_level=1e-300)
    assert found.interval.lower == pytest.approx(found.estimate)
    assert found.interval.upper == pytest.approx(found.estimate)


def _frame() -> pd.DataFrame:
    return pd.DataFrame({"time": TIME, "event": EVENT.astype(bool), "arm": ARM}, index=range(100, 112)).sample(
        frac=1, random_state=3
    )


def test_columns_of_a_shuffled_data_frame_give_the_same_numbers() -> None:
    """Order of rows, index of a data frame, and type of a column change nothing."""
    frame = _frame()
    assert kaplan_meier(frame.time, frame.event).surv.tolist() == kaplan_meier(TIME, EVENT).surv.tolist()
    assert nelson_aalen(frame.time, frame.event).hazard.tolist() == nelson_aalen(TIME, EVENT).hazard.tolist()
    for weight in ("logrank", "tarone-ware", "peto-peto", (0, 1)):
        shuffled, plain = (logrank(*c, weight=weight) for c in ((frame.time, frame.event, frame.arm), (TIME, EVENT, ARM)))
        assert shuffled.z == pytest.approx(plain.z, abs=1e-12)
    assert event_rates(frame.time, frame.event).rate == pytest.approx(event_rates(TIME, EVENT).rate)


@pytest.mark.parametrize("weight", ["logrank", "tarone-ware", "gehan-breslow", "peto-peto", (0, 1), (1, 1)])
def test_swapping_arms_turns_the_sign_and_constant_strata_do_nothing(weight: Any) -> None:
    """The second arm's z is minus the first's; a stratum that holds everybody is none; the unit of time is free."""
    plain = logrank(TIME, EVENT, ARM, weight=weight)
    assert logrank(TIME, EVENT, ARM, weight=weight, groups=("B", "A")).z == pytest.approx(-plain.z, abs=1e-12)
    assert logrank(TIME, EVENT, ARM, weight=weight, strata=np.full(12, "x")).z == plain.z
    assert logrank(TIME * 365.25, EVENT, ARM, weight=weight).z == pytest.approx(plain.z, abs=1e-12)
    assert logrank(TIME, EVENT, ARM, weight=weight, entry=np.zeros(12)).z == pytest.approx(plain.z, abs=1e-12)


def test_weights_of_two_are_rows_twice() -> None:
    """A subject who counts twice is two subjects, in curve, error and hazard."""
    twice = kaplan_meier(np.repeat(TIME, 2), np.repeat(EVENT, 2))
    weighted = kaplan_meier(TIME, EVENT, weights=np.full(12, 2))
    assert weighted.surv == pytest.approx(twice.surv, abs=1e-15)
    assert weighted.std_err[:-1] == pytest.approx(twice.std_err[:-1], abs=1e-15)
    hazards = [
        nelson_aalen(*c, **k)
        for c, k in (((np.repeat(TIME, 2), np.repeat(EVENT, 2)), {}), ((TIME, EVENT), {"weights": np.full(12, 2)}))
    ]
    assert hazards[0].hazard == pytest.approx(hazards[1].hazard, abs=1e-15)


def test_an_entry_of_zero_leaves_no_room_for_a_time_of_zero() -> None:
    """Entry 0 is no entry, but a subject who enters and ends at 0 was never at risk: refused, as documented."""
    with pytest.raises(ValueError, match=r"entry\[0\] is 0.0; it must be less than time\[0\], 0.0"):
        kaplan_meier([0, 1], [1, 1], entry=[0, 0])
    assert kaplan_meier([0, 1], [1, 1]).surv.tolist() == [0.5, 0.0]


def test_bounds_fall_as_the_level_rises_and_solved_sizes_have_their_power() -> None:
    """More level is a lower bound at every look; the solved number has the power asked for by every method that fits."""
    heights = [boundaries([1, 2, 3], alpha=a, efficacy=spending_obrien_fleming()).z_efficacy for a in (0.01, 0.025, 0.05, 0.1)]
    assert (np.diff(heights, axis=0) < 0).all()
    for method in ("schoenfeld", "freedman", "rubinstein", "lakatos"):
        size = sizing.sample_size(TRIAL, alpha=0.05, power=0.8, method=method)
        again = sizing.power_of(TRIAL, alpha=0.05, method=method, subjects=size.subjects)
        assert again.power == pytest.approx(0.8, abs=1e-12)


def test_solving_for_each_unknown_comes_back_to_the_same_design() -> None:
    """Whatever is left out of a design is found again."""
    whole: dict[str, float] = {"hazard_ratio": 0.7, "subjects": 300, "accrual_time": 3, "followup": 5}
    base: dict[str, Any] = {"control": sizing.exponential(0.16), "alpha": 0.05, "dropout": 0.01}
    whole["power"] = sizing.solve(**base, **whole).power
    for name, value in whole.items():
        found = sizing.solve(**base, **{other: v for other, v in whole.items() if other != name})
        assert getattr(found, name) == pytest.approx(value, rel=1e-8), name


def test_results_show_themselves() -> None:
    """Small results too have a summary and a data frame whose rows say what they are."""
    a, b = kaplan_meier(TIME[::2], EVENT[::2]), kaplan_meier(TIME[1::2], EVENT[1::2])
    compared = compare_restricted_means(a, b, 8.0)
    adjusted = adjusted_restricted_mean(TIME, EVENT, ARM == "A", np.arange(12) % 5, 8.0)
    projected = sizing.project_events([0, 0.5, 1], [1, 1, 1], [1, 0, 0], at=2, seed=1, draws=100)
    shown: list[Any] = [
        compared, compared.difference, compared.a, adjusted, a.at([1, 2]), a.quantile([0.5]), gray_test(TIME, EVENT, ARM),
        sizing.sample_size(TRIAL, alpha=0.05, power=0.8), sizing.registration(340, 270, 0.8), projected.date_of([2]),
        sizing.average_hazard_ratio(TRIAL, [3, 8]),
        sizing.solve(control=sizing.exponential(0.16), alpha=0.05, hazard_ratio=0.7, subjects=300, accrual_time=3, followup=5),
    ]  # fmt: skip
    for result in shown:
        assert len(result.summary().strip()) > 20
        assert len(result.to_frame()) >= 1
    assert adjusted.to_frame().comparison.tolist() == ["difference", "ratio", "ratio_lost"]
    assert compared.to_frame().std_err[1] == compared.ratio.log_std_err
    rebuilt = reconstruct([0, 1, 2, 3, 4], [1, 0.9, 0.8, 0.7, 0.6], [0, 2], [10, 9], total_events=4)
    axes = rebuilt.plot(label="published")
    assert axes.get_legend_handles_labels()[1] == ["published"]


def test_a_summary_of_looks_says_how_the_trial_ended() -> None:
    """Once a bound is crossed the summary names the look and the decision, and no longer says that the trial goes on."""
    plan = boundaries([0.5, 1.0], alpha=0.025, efficacy=spending_obrien_fleming())
    assert "goes on" in monitor(plan, [0.5], [1.0]).summary()
    ended = monitor(plan, [0.5], [4.0]).summary()
    assert "the trial ended at look 1: reject" in ended
    assert "goes on" not in ended


def test_numbers_at_risk_of_several_curves_are_told_apart() -> None:
    """Each row of numbers below a plot carries the label of its curve."""
    axes = kaplan_meier([1.0, 2.0, 3.0], [1, 0, 1]).plot(label="arm A", risk_times=[0.0, 2.0])
    kaplan_meier([1.5, 2.5], [1, 1]).plot(axes, label="arm B", risk_times=[0.0, 2.0], risk_row=1)
    written = [text.get_text() for text in axes.texts]
    assert written == ["arm A", "3", "2", "arm B", "2", "1"]
