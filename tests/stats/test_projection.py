"""Projection from blinded data: fits, calibration of the intervals, known limits, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from oligami.stats.sizing import EventProjection, expected_events, exponential, project_events, uniform
from oligami.stats.sizing.projection import weibull_fit
from stats_reference import columns_of

Trial = tuple[np.ndarray, np.ndarray, np.ndarray]


def made_up_trial(
    generator: np.random.Generator, *, shape: float = 1.0, subjects: int = 200
) -> tuple[Trial, float, np.ndarray, int]:
    """A trial of two arms cut during its accrual: its blinded data, the cut, all its event times, and who is to come."""
    entry = np.cumsum(generator.exponential(size=subjects)) * 3 / subjects
    scale = np.where(np.arange(subjects) % 2 == 0, 6.3, 8.0)
    to_event = scale * generator.exponential(size=subjects) ** (1 / shape)
    to_loss = generator.exponential(40, size=subjects)
    cut = 2.4
    known = entry < cut
    entry_known, until_cut = entry[known], cut - entry[known]
    time = np.minimum.reduce([to_event[known], to_loss[known], until_cut])
    status = np.where(time == until_cut, 0, np.where(time == to_event[known], 1, 2))
    events = np.sort((entry + to_event)[to_event <= to_loss])
    return (entry_known, time, status), cut, events, int((~known).sum())


@pytest.mark.parametrize("model", ["exponential", "weibull", "piecewise"])
def test_intervals_hold_the_truth_as_often_as_they_say(model: str) -> None:
    """Of 120 made-up trials, 80 % intervals for a date and for a number hold the truth in about 80 %."""
    generator = np.random.default_rng(20)
    shape = 1.3 if model == "weibull" else 1.0
    cuts = (0.8,) if model == "piecewise" else ()
    dates = numbers = 0
    for seed in range(120):
        data, cut, events, coming = made_up_trial(generator, shape=shape)
        found = project_events(*data, at=cut, seed=seed, to_enter=coming, model=model, cuts=cuts, draws=200)
        date = found.date_of(60)
        dates += bool(date.lower[0] <= events[59] <= date.upper[0])
        number = found.events_by(4.0)
        numbers += bool(number.lower[0] <= (events <= 4.0).sum() <= number.upper[0])
    # 4 standard errors of a share of 0.8 among 120; numbers are whole, so their intervals hold a little more.
    error = 4 * (0.8 * 0.2 / 120) ** 0.5
    assert abs(dates / 120 - 0.8) < error
    assert 0.8 - error < numbers / 120 < 0.85 + error


def test_weibull_fit_meets_another_tool() -> None:
    """Estimates and covariance of survreg of R's survival 3.5-3."""
    # f <- survival::survreg(Surv(time, status == 2) ~ 1, data = lung, dist = "weibull")
    # c(-log(f$scale), coef(f)); vcov(f)   with log shape = -log(f$scale)
    data = columns_of({"input": {}, "dataset": "data/lung.csv"})
    log_shape, log_scale, covariance = weibull_fit(data["time"], data["event"].astype(int))
    assert (log_shape, log_scale) == pytest.approx((0.275235057445934, 6.034903910225772), rel=1e-8)
    wanted = [[3.89754315058992e-03, 8.90336453772827e-05], [8.90336453772827e-05, 3.49705591203905e-03]]
    np.testing.assert_allclose(covariance, wanted, rtol=1e-6)


def test_much_data_leads_to_what_the_fit_expects() -> None:
    """With ten thousand subjects the projection is the expectation under the fitted hazard."""
    generator = np.random.default_rng(3)
    entry = np.linspace(0, 2, 10_000)
    to_event = generator.exponential(1 / 0.15, entry.size)
    time = np.minimum(to_event, 2 - entry)
    status = (to_event <= 2 - entry).astype(int)
    found = project_events(entry, time, status, at=2, seed=1, to_enter=2000, accrual_rate=2000.0, draws=200)
    rate = status.sum() / time.sum()
    assert float(np.median(found.parameters)) == pytest.approx(rate, rel=0.005)
    fresh = expected_events([2.0, 4.0], accrual=uniform(1, subjects=2000), event=exponential(rate))
    wanted = status.sum() + (status == 0).sum() * -np.expm1(-rate * np.array([2.0, 4.0])) + fresh
    # The rate is drawn with a spread of 2.5 %, its median over 200 draws with a 10th of that.
    np.testing.assert_allclose(found.events_by([4.0, 6.0]).median, wanted, rtol=0.01)


def projection(**change: object) -> EventProjection:
    """The projection of one made-up trial."""
    data, cut, _, coming = made_up_trial(np.random.default_rng(7))
    options = {"at": cut, "seed": 1, "to_enter": coming, "draws": 300} | change
    return project_events(*data, **options)


def test_the_same_seed_gives_the_same_projection() -> None:
    """And another seed another one."""
    first, again, other = projection(), projection(), projection(seed=2)
    assert np.array_equal(first.future_times, again.future_times)
    assert not np.array_equal(first.future_times, other.future_times)


def test_what_has_happened_is_known() -> None:
    """Dates of past events and numbers at past times have no interval; the future does not begin before the cut."""
    found = projection()
    past = found.date_of([1, found.observed])
    assert past.lower.tolist() == past.upper.tolist() == found.observed_times[[0, -1]].tolist()
    assert found.events_by([found.at - 1e-9]).upper.tolist() == [found.observed]
    assert float(found.future_times.min()) >= found.at
    assert (np.diff(found.date_of(np.arange(1, 100)).median) >= 0).all()
    assert (np.diff(found.events_by(np.linspace(0, 9, 30)).median) >= 0).all()


def test_events_beyond_everybody_never_come() -> None:
    """More events than subjects have no date; no event among nobody."""
    found = projection()
    everybody = found.entered + found.entries.shape[1]
    assert found.date_of(everybody + 1).median.tolist() == [np.inf]
    done = project_events([0.0, 0.1], [0.5, 0.4], [1, 1], at=1, seed=1)
    assert done.date_of([2, 3]).median.tolist() == [0.5, np.inf]
    assert "no further event is expected" in done.summary()


def test_nobody_to_come_needs_no_rate() -> None:
    """After accrual the rate is not defined, and entries are known."""
    found = projection(to_enter=0)
    assert np.isnan(found.accrual_rate)
    assert found.enrolled_by([5.0]).upper.tolist() == [found.entered]


def test_a_rate_of_entry_is_observed_or_given() -> None:
    """The observed one is entries by time, in the window asked for; a faster one ends accrual earlier."""
    found = projection()
    assert found.accrual_rate == pytest.approx(found.entered / found.at, rel=0.05)
    recent = projection(accrual_window=0.5)
    assert recent.accrual_rate == pytest.approx((made_up_trial(np.random.default_rng(7))[0][0] >= 1.9).sum() / 0.5, rel=0.05)
    fast, slow = projection(accrual_rate=500.0), projection(accrual_rate=20.0)
    everybody = found.entered + found.entries.shape[1]
    assert fast.enrolled_by([2.8]).median[0] == everybody > slow.enrolled_by([2.8]).median[0]


def test_all_censored_data_still_project() -> None:
    """Without an event the hazard is drawn from what the time at risk leaves possible: few events, wide limits."""
    entry = np.linspace(0, 1, 50)
    found = project_events(entry, 1 - entry, np.zeros(50), at=1, seed=1, draws=400)
    assert found.observed == 0
    number = found.events_by([2.0])
    assert number.lower[0] == 0
    assert 0 <= number.median[0] < 5
    with pytest.raises(ValueError, match="model is 'weibull' with 0 events; there must be at least 2"):
        project_events(entry, 1 - entry, np.zeros(50), at=1, seed=1, model="weibull")


def test_losses_take_events_away() -> None:
    """Where many are lost, fewer events are to come."""
    data, cut, _, _ = made_up_trial(np.random.default_rng(7))
    entry, time, status = data
    lossy = status.copy()
    lossy[np.flatnonzero(status == 0)[::2]] = 2
    few = project_events(entry, time, lossy, at=cut, seed=1, draws=300)
    many = project_events(entry, time, status, at=cut, seed=1, draws=300)
    assert few.dropout_rate > many.dropout_rate
    assert few.events_by([8.0]).median[0] < many.events_by([8.0]).median[0]


def test_ties_and_zero_times_are_taken() -> None:
    """Whole-day times, events at time 0 and at a cut of the model lead to finite draws."""
    entry = np.arange(40) / 20
    time = np.minimum(np.round(2 - entry, 1), 0.5)
    time = np.minimum(time, 2 - entry)
    time[:3] = 0.0
    status = np.where(np.arange(40) < 3, 1, (time == 0.5).astype(int))
    for model, cuts in (("exponential", ()), ("weibull", ()), ("piecewise", (0.25,))):
        found = project_events(entry, time, status, at=2, seed=1, model=model, cuts=cuts, draws=100)
        assert np.isfinite(found.parameters).all()
        assert found.observed == int(status.sum())


def test_a_projection_shows_itself() -> None:
    """As a table with the cut and the model, as a data frame and as a picture."""
    found = projection(model="weibull")
    text = found.summary()
    assert "pooled weibull model: shape" in text
    assert "seed 1" in text
    assert found.to_frame().columns.tolist() == ["time", "events", "lower", "upper"]
    assert len(found.plot().get_lines()) == 2
    with pytest.raises(ValueError, match="read-only"):
        found.future_times[0, 0] = 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"entry": []}, "entry is empty"),
        ({"time": [0.5]}, "time has 1 rows"),
        ({"time": [0.5, np.nan, 0.5]}, r"time\[1\] is nan"),
        ({"time": [0.0, 0.0, 0.0]}, "time is 0 for everybody"),
        ({"status": [0, 1, 3]}, "status holds 3; each must be 0 still followed, 1 event or 2 lost"),
        ({"entry": [0.0, 0.5, 1.8]}, r"entry\[2\] \+ time\[2\] is 2.3; it must be at most 2, the cut"),
        ({"at": 0}, "at is 0"),
        ({"to_enter": -1}, "to_enter is -1"),
        ({"draws": 5}, "draws is 5; it must be a whole number, 100 or more"),
        ({"model": "gompertz"}, "model is 'gompertz'; it must be one of exponential, weibull, piecewise"),
        ({"model": "piecewise"}, r"cuts are \[\] with model 'piecewise'"),
        ({"cuts": [1.0]}, r"cuts are \[1.0\] with model 'exponential'"),
        ({"model": "piecewise", "cuts": [0.7, 0.2]}, "they must increase from above 0"),
        ({"model": "piecewise", "cuts": [1.9]}, "nobody has been observed after 1.9"),
        ({"to_enter": 5, "accrual_rate": 0}, "accrual_rate is 0"),
        ({"to_enter": 5, "accrual_window": 3}, "accrual_window is 3"),
        ({"to_enter": 5, "accrual_window": 0.1}, "somebody must have entered within it"),
    ],
)
def test_wrong_data_are_refused_by_name(change: dict, words: str) -> None:
    """The message says which argument, what it was, and what it may be."""
    options = {"entry": [0.0, 0.5, 1.0], "time": [0.5, 1.5, 0.5], "status": [1, 0, 1], "at": 2, "seed": 1} | change
    with pytest.raises(ValueError, match=words):
        project_events(options.pop("entry"), options.pop("time"), options.pop("status"), **options)


def test_wrong_questions_are_refused_by_name() -> None:
    """Numbers of events are whole and positive, times of entry not in the past, levels below 1."""
    found = replace(projection(), seed=1)
    with pytest.raises(ValueError, match=r"events\[0\] is 1.5"):
        found.date_of(1.5)
    with pytest.raises(ValueError, match="each must be 1 or more"):
        found.date_of([0, 3])
    with pytest.raises(ValueError, match="the cut"):
        found.enrolled_by([1.0])
    with pytest.raises(ValueError, match="conf_level is 1"):
        found.events_by([3.0], conf_level=1)
