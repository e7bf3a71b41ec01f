"""Cumulative hazards and rates: values from R, laws that always hold, and answers to unusual data."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats.nelson_aalen import nelson_aalen
from oligami.stats.rates import event_rates, poisson_limits
from oligami.stats.survival import kaplan_meier
from stats_reference import columns_of

# survfit(Surv(ceiling(time / 150), event) ~ 1, data = ovarian, weights = W, robust = FALSE, stype = 2, ctype = 1 or 2,
# conf.type = "log-log") in R, survival 3.5-3, W all 1 or w = rep(c(1, 2, .5, 1.5), length.out = 26): the first five of
# cumhaz and std.chaz, then surv, lower and upper in the third row.
FROM_R: list[tuple[Any, bool, list[float], list[float], list[float]]] = [
    (
        "nelson-aalen",
        False,
        [0.07692307692307693, 0.1602564102564102, 0.3420745920745921, 0.5420745920745921, 0.632983682983683],
        [0.05439282932204212, 0.08019228207177438, 0.1212240277906834, 0.1674174371059649, 0.1905073779596136],
        [0.7102952203390368, 0.5040281013062444, 0.8429951077995267],
    ),
    (
        "nelson-aalen",
        True,
        [0.09090909090909091, 0.1742424242424243, 0.3196969696969697, 0.5419191919191919, 0.5803807303807303],
        [0.0524863881081478, 0.07438144065838533, 0.1040281448107386, 0.1522088496937996, 0.1616357442113795],
        [0.7263691155799846, 0.5461042451133238, 0.8445502535397756],
    ),
    (
        "fleming-harrington",
        False,
        [0.07846153846153847, 0.1636064659977703, 0.3593116380187318, 0.5743299530370469, 0.6652390439461379],
        [0.0554913501442198, 0.08188870630423636, 0.1277087809091412, 0.1782503232686651, 0.200094079260984],
        [0.6981567452613118, 0.4862048968038152, 0.8360787083194965],
    ),
    (
        "fleming-harrington",
        True,
        [0.09307359307359307, 0.178218520609825, 0.3323500188351872, 0.5733806146483917, 0.6118421531099302],
        [0.05375059316649113, 0.07609403714636322, 0.1083533728329488, 0.16225522255524, 0.1711295916202317],
        [0.7172362327231373, 0.5327729771678601, 0.8391023920480863],
    ),
]


@pytest.mark.parametrize(("ties", "weighted", "hazard", "std_err", "third"), FROM_R)
def test_hazards_are_those_of_r(ties: Any, weighted: bool, hazard: list[float], std_err: list[float], third: list[float]) -> None:
    """Both hazards, their errors and the survival made from them agree with R, with weights and without."""
    data = columns_of({"dataset": "data/ovarian.csv", "input": {}})
    weights = np.resize([1, 2, 0.5, 1.5], data["time"].size) if weighted else None
    found = nelson_aalen(np.ceil(data["time"] / 150), data["event"], weights=weights, ties=ties)
    np.testing.assert_allclose(found.hazard[:5], hazard, rtol=1e-12)
    np.testing.assert_allclose(found.std_err[:5], std_err, rtol=1e-12)
    curve = found.survival("log-log")
    np.testing.assert_allclose([curve.surv[2], curve.lower[2], curve.upper[2]], third, rtol=1e-12)


COLUMNS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1)), min_size=1, max_size=25)


@given(COLUMNS)
@settings(max_examples=60, deadline=None)
def test_hazards_stand_in_their_order(rows: list[tuple[int, int]]) -> None:
    """Nelson-Aalen lies at or below Fleming-Harrington, and that at or below the hazard Kaplan-Meier implies."""
    time, event = np.array(rows, dtype=float).T
    low = nelson_aalen(time, event)
    middle = nelson_aalen(time, event, ties="fleming-harrington")
    with np.errstate(divide="ignore"):
        high = -np.log(kaplan_meier(time, event).surv)
    assert (low.hazard <= middle.hazard + 1e-12).all()
    assert (middle.hazard <= high + 1e-12).all()
    np.testing.assert_allclose(low.hazard, kaplan_meier(time, event).cumulative_hazard, rtol=1e-12)
    np.testing.assert_allclose(low.survival().surv, np.exp(-low.hazard), rtol=1e-12)


def test_tied_events_one_after_the_other_are_summed_exactly() -> None:
    """The sum over tied events agrees with adding up term by term, also among a million at risk."""
    time = np.concatenate([np.zeros(7), np.ones(1_000_000)])
    found = nelson_aalen(time, np.concatenate([np.ones(7), np.zeros(1_000_000)]), ties="fleming-harrington")
    terms = 1 / (1_000_007.0 - np.arange(7))
    assert found.hazard[0] == pytest.approx(math.fsum(terms), abs=1e-13)
    assert found.variance[0] == pytest.approx(math.fsum(terms**2), rel=1e-6)


def test_limits_of_a_hazard() -> None:
    """Log limits multiply and divide by the same factor; plain ones add and take away, and never pass below 0."""
    time, event = [1, 2, 3, 4, 5], [1, 1, 0, 1, 0]
    on_log, plain = nelson_aalen(time, event), nelson_aalen(time, event, conf_type="plain")
    np.testing.assert_allclose(on_log.lower * on_log.upper, on_log.hazard**2, rtol=1e-12)
    np.testing.assert_allclose(plain.upper - plain.hazard, 1.959963984540054 * plain.std_err, rtol=1e-12)
    assert plain.lower[0] == 0
    points = on_log.at([0, 2.5, 9])
    np.testing.assert_array_equal(points.hazard, [0, on_log.hazard[1], on_log.hazard[-1]])
    assert math.isnan(points.lower[0])


def test_hazard_of_the_censored_alone_stays_zero() -> None:
    """When all are censored the hazard and its error are 0, and the survival made from it is 1."""
    found = nelson_aalen([1, 2], [0, 0])
    np.testing.assert_array_equal(found.hazard, [0, 0])
    np.testing.assert_array_equal(found.std_err, [0, 0])
    np.testing.assert_array_equal(found.survival().surv, [1, 1])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"ties": "breslow"}, "ties is 'breslow'; it must be one of nelson-aalen, fleming-harrington"),
        ({"conf_type": "log-log"}, "conf_type is 'log-log'; it must be one of log, plain"),
        ({"conf_level": 1}, "conf_level is 1; it must lie between 0 and 1"),
        ({"entry": [3]}, "entry[0] is 3.0; it must be less than time[0], 2.0"),
    ],
)
def test_wrong_arguments_are_named(options: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    with pytest.raises(ValueError, match=r".*") as refusal:
        nelson_aalen([2], [1], **options)
    assert sentence in str(refusal.value)


def test_hazard_shows_itself() -> None:
    """A hazard becomes a data frame, a text and a picture."""
    found = nelson_aalen([1, 2, 3], [1, 1, 0])
    np.testing.assert_array_equal(found.to_frame()["hazard"], found.hazard)
    assert "3 subjects, 2 events" in found.summary()
    np.testing.assert_array_equal(found.plot(label="all").get_lines()[0].get_ydata(), [0, *found.hazard])


def test_late_entry_shortens_the_time_observed() -> None:
    """Time before entry is no time under observation."""
    whole, late = event_rates([10, 20], [1, 1]), event_rates([10, 20], [1, 1], entry=[5, 10])
    assert (whole.person_time[0], late.person_time[0]) == (30, 15)
    assert late.rate[0] == pytest.approx(2 * whole.rate[0])


def test_rates_of_unusual_groups() -> None:
    """Without events the rate and its lower limit are 0; without time under observation there is no rate."""
    found = event_rates([10, 0, 5], [0, 1, 1], group=["none", "at once", "some"])
    assert found.groups == ("at once", "none", "some")
    assert np.isnan([found.rate[0], found.lower[0], found.upper[0]]).all()
    assert (found.rate[1], found.lower[1]) == (0, 0)
    assert found.upper[1] == pytest.approx(-math.log(0.025) / 10)  # exp(-10 u) = 0.025
    assert found.to_frame().shape == (3, 6)
    assert "exact Poisson" in found.summary()


@given(st.integers(1, 500), st.floats(0.5, 0.99))
@settings(max_examples=40, deadline=None)
def test_exact_limits_leave_the_same_probability_on_each_side(events: int, conf_level: float) -> None:
    """At the lower limit so many events or more, at the upper so many or fewer, have the probability left out."""
    lower, upper = poisson_limits(np.array([events]), conf_level)

    def at_most(count: int, mean: float) -> float:
        return math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1))

    assert 1 - at_most(events - 1, lower[0]) == pytest.approx((1 - conf_level) / 2, abs=1e-9)
    assert at_most(events, upper[0]) == pytest.approx((1 - conf_level) / 2, abs=1e-9)
