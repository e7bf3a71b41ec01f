"""Curves: laws that always hold, and answers to unusual data."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats.restricted_mean import restricted_mean_difference
from oligami.stats.survival import ConfidenceType, kaplan_meier, reverse_kaplan_meier, survival_difference
from stats_reference import columns_of

Cohort = tuple[np.ndarray, np.ndarray]
SCALES: list[ConfidenceType] = ["log-log", "log", "plain", "logit", "arcsine"]


@st.composite
def cohorts(draw: st.DrawFn) -> Cohort:
    """Few distinct times, so that ties are the rule."""
    n = draw(st.integers(1, 25))
    time = draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))
    event = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    return np.array(time, dtype=float), np.array(event)


@given(cohorts(), st.sampled_from(SCALES))
@settings(max_examples=60, deadline=None)
def test_curve_falls_from_one_to_zero_at_most(cohort: Cohort, scale: ConfidenceType) -> None:
    """The curve never rises and stays, with its limits around it, within 0 and 1."""
    curve = kaplan_meier(*cohort, conf_type=scale)
    assert (np.diff(np.append(1.0, curve.surv)) <= 0).all()
    assert ((curve.surv >= 0) & (curve.surv <= 1)).all()
    known = ~np.isnan(curve.lower)
    assert (curve.lower[known] >= 0).all()
    assert (curve.upper[known] <= 1).all()
    assert (curve.lower[known] <= curve.surv[known] + 1e-12).all()  # rounding
    assert (curve.upper[known] >= curve.surv[known] - 1e-12).all()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(0, 10))
@settings(max_examples=60, deadline=None)
def test_without_censoring_the_curve_counts_survivors(times: list[int], t: int) -> None:
    """When everyone has the event the curve is the share of subjects whose time is later."""
    curve = kaplan_meier(times, np.ones(len(times)))
    assert curve.at([t]).surv[0] == pytest.approx(np.mean(np.array(times) > t), abs=1e-12)
    assert curve.number_at_risk([t])[0] == np.sum(np.array(times) >= t)


@given(cohorts(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_of_subjects_does_not_matter(cohort: Cohort, random: Any) -> None:
    """Shuffled rows give the same curve."""
    time, event = cohort
    order = list(range(time.size))
    random.shuffle(order)
    one, other = kaplan_meier(time, event), kaplan_meier(time[order], event[order])
    for name in ("time", "n_risk", "n_event", "n_censored", "surv", "lower", "upper"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@given(cohorts())
@settings(max_examples=40, deadline=None)
def test_mean_over_all_time_is_the_mean(cohort: Cohort) -> None:
    """Without censoring the restricted mean up to any later time is the plain mean."""
    time, _ = cohort
    mean = kaplan_meier(time, np.ones(time.size)).restricted_mean(20.0)
    assert mean.value == pytest.approx(time.mean())
    assert mean.std_err == pytest.approx(time.std() / math.sqrt(time.size), abs=1e-9)


@given(cohorts())
@settings(max_examples=30, deadline=None)
def test_entry_at_the_start_changes_nothing(cohort: Cohort) -> None:
    """Late entry at time 0 is no late entry."""
    time, event = cohort[0] + 1, cohort[1]
    late = kaplan_meier(time, event, entry=np.zeros(time.size))
    np.testing.assert_array_equal(late.surv, kaplan_meier(time, event).surv)


def test_limits_are_one_before_the_first_event() -> None:
    """While nobody had the event, reading the curve gives 1 with limits 1 and 1, also after a censoring."""
    points = kaplan_meier([1, 2, 3], [0, 1, 1]).at([0, 1.5, 5])
    np.testing.assert_array_equal(points.lower[:2], [1, 1])
    np.testing.assert_array_equal(points.upper[:2], [1, 1])
    assert np.isnan([points.lower[2], points.upper[2], points.std_err[2]]).all()
    np.testing.assert_array_equal(points.n_risk, [3, 2, 0])


def test_follow_up_counts_censoring_as_its_event() -> None:
    """Follow-up ends at 2, 3 and 5; its curve lies flat at one half from 3 to 5, so the median is 4."""
    assert reverse_kaplan_meier([1, 2, 3, 4, 5], [1, 0, 0, 1, 0]).median == 4


def test_difference_is_antisymmetric() -> None:
    """Exchanging two curves turns the sign of their difference, and nothing else."""
    a = kaplan_meier([1, 2, 3, 4, 5, 6], [1, 0, 1, 0, 1, 0])
    b = kaplan_meier([2, 3, 4, 6, 7, 8], [1, 0, 0, 1, 0, 0])
    for there, back in (
        (survival_difference(a, b, 4, 0.9), survival_difference(b, a, 4, 0.9)),
        (restricted_mean_difference(a, b, 6), restricted_mean_difference(b, a, 6)),
    ):
        assert (there.value, there.lower, there.p_two_sided) == (-back.value, -back.upper, back.p_two_sided)
        assert there.value > 0


def test_mean_beyond_observation_is_refused() -> None:
    """A window that outlasts the observation of a curve above 0 has no mean."""
    with pytest.raises(ValueError, match=r"tau is 5; it must be at most the last observed time, 3\.0"):
        kaplan_meier([1, 3], [1, 0]).restricted_mean(5)
    with pytest.raises(ValueError, match="tau is 0; it must be a finite number, above 0"):
        kaplan_meier([1, 3], [1, 0]).restricted_mean(0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"time": [], "event": []}, "time is empty; it must hold at least one value"),
        ({"time": [1, 2], "event": [1]}, "event has 1 rows; it must have as many as time, 2"),
        ({"time": [1, math.nan], "event": [1, 0]}, "time[1] is nan; it must be a finite number"),
        ({"time": [1, -2], "event": [1, 0]}, "time[1] is -2.0; it must be 0 or more"),
        ({"time": [1, 2], "event": [1, 2]}, "event[1] is 2.0; it must be 0 or 1"),
        ({"time": ["a"], "event": [1]}, "time holds values that are not numbers; it must be a column of numbers"),
        ({"time": [[1, 2]], "event": [1]}, "time has 2 dimensions; it must be one column"),
        ({"time": [1], "event": [1], "conf_level": 95}, "conf_level is 95; it must lie between 0 and 1"),
        ({"time": [1], "event": [1], "conf_type": "wald"}, "conf_type is 'wald'; it must be one of log-log, log, plain"),
        ({"time": [1], "event": [1], "weights": [0]}, "weights[0] is 0.0; it must be more than 0"),
        ({"time": [1], "event": [1], "weights": [1, 2]}, "weights has 2 rows; it must have as many as time, 1"),
        ({"time": [1], "event": [1], "entry": [1]}, "entry[0] is 1.0; it must be less than time[0], 1.0"),
    ],
)
def test_wrong_columns_are_named(arguments: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    with pytest.raises(ValueError, match=r".*") as refusal:
        kaplan_meier(**arguments)
    assert sentence in str(refusal.value)


def test_probability_lies_inside() -> None:
    """A quantile is asked for a share between 0 and 1."""
    with pytest.raises(ValueError, match=r"probability is \[1.0\]; each must lie between 0 and 1"):
        kaplan_meier([1], [1]).quantile([1.0])


# summary(survfit(Surv(time, event) ~ 1, data = ovarian, ...), times = c(200, 365, 500)) in R, survival 3.5-3; the weights
# are w = rep(c(1, 2, .5, 1.5), length.out = 26), the entries pmin(time - 1, rep(c(0, 50, 0, 200), length.out = 26)).
FROM_R: list[tuple[dict[str, Any], list[float], list[float], list[float], list[float]]] = [
    (  # weights = w: robust, as weights are no whole numbers
        {"weights": 1},
        [0.8939393939393939, 0.7424242424242423, 0.6285072951739618],
        [0.06568706067128757, 0.09339569800693412, 0.10561846173027],
        [0.6669235006969854, 0.5058285522720734, 0.3891227695103566],
        [0.9694449138570004, 0.8779628920080158, 0.7957243057340152],
    ),
    (  # weights = w, robust = FALSE
        {"weights": 1, "robust": False},
        [0.8939393939393939, 0.7424242424242423, 0.6285072951739618],
        [0.05360115158833668, 0.07612399905995323, 0.08852518682530741],
        [0.7262841897475739, 0.5572116103868465, 0.4310587596404503],
        [0.9614574096814393, 0.8592612250525956, 0.7739141525559994],
    ),
    (  # weights = 2 * w: whole numbers, so Greenwood
        {"weights": 2},
        [0.8939393939393939, 0.7424242424242423, 0.6285072951739618],
        [0.03790173776752095, 0.0538277959463313, 0.0625967599099809],
        [0.7903580465253657, 0.618821506138557, 0.4930997560545562],
        [0.9479728830031942, 0.8312484580890964, 0.7370961577283508],
    ),
    (  # Surv(entry, time, event), weights = w, robust = FALSE
        {"weights": 1, "entry": True, "robust": False},
        [0.8541666666666666, 0.7093926553672315, 0.6005440468717305],
        [0.07204338167099454, 0.084031872222657, 0.09178159957469503],
        [0.6377067649798236, 0.5090796368957511, 0.3995049966202557],
        [0.9462670755449678, 0.8397863966659688, 0.7532266809553587],
    ),
    (  # Surv(entry, time, event), weights = w
        {"weights": 1, "entry": True},
        [0.8541666666666667, 0.7093926553672316, 0.6005440468717305],
        [0.08833931466144275, 0.1031039789641904, 0.111842737181423],
        [0.5653462486517211, 0.4551440918591355, 0.3523130368351528],
        [0.9573685972690185, 0.8609099034632358, 0.779391594064241],
    ),
    (  # Surv(entry, time, event), robust = TRUE, id = 1:26
        {"entry": True, "robust": True},
        [0.85, 0.7021739130434782, 0.5727536231884058],
        [0.07984359711335655, 0.09404010823980681, 0.102846066429578],
        [0.6037896992202992, 0.4757575738387704, 0.3506483815898284],
        [0.9489961097937942, 0.8451075866319238, 0.743515385407325],
    ),
    (  # conf.type = "arcsin"
        {"conf_type": "arcsine"},
        [0.8846153846153846, 0.7307692307692306, 0.596078431372549],
        [0.06265626800161944, 0.08698929247330861, 0.09992614684769105],
        [0.736748069372869, 0.5476018346934439, 0.3978335820210834],
        [0.9763526156880721, 0.8802585763431205, 0.7792187764693397],
    ),
]


@pytest.mark.parametrize(("options", "surv", "std_err", "lower", "upper"), FROM_R)
def test_weights_entries_and_robust_errors_are_those_of_r(
    options: dict[str, Any], surv: list[float], std_err: list[float], lower: list[float], upper: list[float]
) -> None:
    """Weighted, left-truncated and robust curves have the values and limits that R gives them."""
    data = columns_of({"dataset": "data/ovarian.csv", "input": {}})
    time, options = data["time"], dict(options)
    if "weights" in options:
        options["weights"] = options["weights"] * np.resize([1, 2, 0.5, 1.5], time.size)
    if "entry" in options:
        options["entry"] = np.minimum(time - 1, np.resize([0, 50, 0, 200], time.size))
    points = kaplan_meier(time, data["event"], **options).at([200, 365, 500])
    for name, expected in (("surv", surv), ("std_err", std_err), ("lower", lower), ("upper", upper)):
        np.testing.assert_allclose(getattr(points, name), expected, rtol=1e-12)


@given(cohorts(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_a_weight_is_a_number_of_subjects(cohort: Cohort, random: Any) -> None:
    """Whole weights give the curve of rows repeated so often."""
    time, event = cohort
    weights = np.array([random.randint(1, 3) for _ in time])
    one = kaplan_meier(time, event, weights=weights)
    other = kaplan_meier(np.repeat(time, weights), np.repeat(event, weights))
    for name in ("time", "n_risk", "n_event", "n_censored", "surv", "std_err", "lower", "upper"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12)
    assert (one.n, other.n) == (time.size, weights.sum())


@given(cohorts())
@settings(max_examples=40, deadline=None)
def test_influence_gives_greenwood_without_censoring(cohort: Cohort) -> None:
    """When nobody is censored, the error by influence and Greenwood's are both the binomial one."""
    time, _ = cohort
    everyone = np.ones(time.size)
    one, other = kaplan_meier(time, everyone), kaplan_meier(time, everyone, robust=True)
    np.testing.assert_allclose(one.std_err, other.std_err, rtol=1e-9)


def test_curve_of_the_censored_alone_stays_one() -> None:
    """When all are censored the curve is 1 with error 0, the plain limits are 1, and there is no median."""
    curve = kaplan_meier([1, 2, 2, 4], [0, 0, 0, 0], conf_type="plain")
    np.testing.assert_array_equal(curve.surv, [1, 1, 1])
    np.testing.assert_array_equal(curve.std_err, [0, 0, 0])
    np.testing.assert_array_equal(curve.lower, [1, 1, 1])
    assert math.isnan(curve.median)


def test_event_at_time_zero_counts() -> None:
    """A subject whose event is at time 0 brings the curve down at once."""
    points = kaplan_meier([0, 1, 2, 3], [1, 0, 1, 1]).at([0])
    assert (points.surv[0], points.n_risk[0]) == (0.75, 4)


def test_median_is_that_of_the_quantiles() -> None:
    """The median is the quantile of one half, whichever way it is asked for."""
    for time, event in (([1, 2, 3, 4], [1, 1, 1, 0]), ([1, 2, 3], [0, 0, 1]), ([5, 5], [1, 1])):
        curve = kaplan_meier(time, event)
        assert curve.median == curve.quantile([0.5]).time[0]


def test_curve_shows_itself() -> None:
    """A curve becomes a data frame, a text and a picture with its band, its ticks and its numbers at risk."""
    curve = kaplan_meier([1, 2, 3, 4, 5, 6], [1, 0, 1, 0, 1, 0])
    frame = curve.to_frame()
    assert list(frame.columns) == ["time", "n_risk", "n_event", "n_censored", "surv", "std_err", "lower", "upper"]
    np.testing.assert_array_equal(frame["surv"], curve.surv)
    assert "6 subjects, 3 events" in curve.summary()
    axes = curve.plot(label="all", risk_times=np.array([0, 2, 4]))
    step, ticks = axes.get_lines()
    np.testing.assert_array_equal(step.get_ydata(), [1, *curve.surv])
    np.testing.assert_array_equal(ticks.get_xdata(), [2, 4, 6])
    assert [text.get_text() for text in axes.texts] == ["all", "6", "5", "3"]
    assert curve.plot(axes) is axes
    assert curve.at([2]).to_frame().shape == (1, 6)
    assert curve.quantile([0.5]).to_frame().shape == (1, 4)


def test_results_cannot_be_altered() -> None:
    """The arrays of a curve are read-only."""
    with pytest.raises(ValueError, match="read-only"):
        kaplan_meier([1], [1]).surv[0] = 0.5
    with pytest.raises(ValueError, match="read-only"):
        kaplan_meier([1], [1]).upper[0] = 0.5
