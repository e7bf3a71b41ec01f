"""Weighted log-rank tests: numbers computed with R from the definitions, laws, late entries, and what is refused."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.stats.comparison import group_risk, logrank, peto_hazard_ratio
from oligami.stats.weights import FlemingHarrington, ModestlyWeighted, Weight, weights_at
from stats_reference import FOLDER, Columns, column

# Every number below was computed with R 4.2.2 by a function written out from the definitions: over the times m at which
# events happen, n = at risk, d = events, S = cumprod(1 - d / n), Sm = c(1, S)[seq_along(m)], and with w as listed
#   U = sum(w * (dj - d * nj / n)),  V = sum(w^2 * d * (n - d) / (n - 1) * (diag(p) - outer(p, p))), p = nj / n
#   gehan-breslow n; tarone-ware sqrt(n); peto-peto cumprod(1 - d / (n + 1)); modified-peto-peto the same * n / (n + 1);
#   modest 1 / pmax(Sm, c(1, S)[1 + sum(m <= 730)]) and 1 / pmax(Sm, 0.5); G(0.5, 2) Sm^0.5 * (1 - Sm)^2
WEIGHTS: list[Weight] = [
    "gehan-breslow",
    "tarone-ware",
    "peto-peto",
    "modified-peto-peto",
    ModestlyWeighted(t_star=730),
    ModestlyWeighted(s_star=0.5),
    FlemingHarrington(rho=0.5, gamma=2),
]
# gbsg, hormon, stratified by meno
STRATIFIED = [
    (-5917, 4182179.45445023),
    (-375.287838011136, 15429.8571040821),
    (-18.7666593415881, 38.9939849738481),
    (-18.6537621345169, 38.6293903103241),
    (-31.0326997384355, 102.59317329468),
    (-34.9223756353565, 132.276943178596),
    (-1.7105459998367, 0.524903643473658),
]
# gbsg, hormon, entry = floor(time * ((row * 37) %% 50) / 100), row from 1
LATE = [
    (-7338, 8883998.5208884),
    (-390.551200712893, 23957.6885644606),
    (-14.5749875667614, 33.2325084701124),
    (-14.5132268003621, 33.0248346155873),
    (-29.6677130680398, 139.748026989588),
    (-32.7104537256482, 171.898527156839),
    (-2.03341019577062, 0.992772046529034),
]
# veteran, celltype (four groups): chisq = t(U[-1]) %*% solve(V[-1, -1], U[-1])
FOUR_GROUPS = [
    19.4331263580028,
    22.5728425080666,
    19.6135167712785,
    19.5365524735472,
    23.9580471069291,
    27.4617626556958,
    24.3014233075051,
]


def read(name: str) -> Columns:
    rows = [line.split(",") for line in (FOLDER / "data" / f"{name}.csv").read_text(encoding="utf-8").split()]
    return {head: column([row[j] for row in rows[1:]]) for j, head in enumerate(rows[0])}


@pytest.fixture(scope="module")
def gbsg() -> Columns:
    return read("gbsg")


@pytest.mark.parametrize(("weight", "expected"), list(zip(WEIGHTS, STRATIFIED, strict=True)), ids=str)
def test_stratified_weighted_tests_meet_r(gbsg: Columns, weight: Weight, expected: tuple[float, float]) -> None:
    """Each weight, evaluated within strata, gives R's difference and variance to 1e-9."""
    test = logrank(gbsg["time"], gbsg["event"], gbsg["hormon"], strata=gbsg["meno"], weight=weight)
    np.testing.assert_allclose([test.U, test.V], expected, rtol=1e-11)
    assert test.n_strata == 2


@pytest.mark.parametrize(("weight", "expected"), list(zip(WEIGHTS, LATE, strict=True)), ids=str)
def test_late_entries_meet_r(gbsg: Columns, weight: Weight, expected: tuple[float, float]) -> None:
    """A subject is at risk after its entry only, and weights know it."""
    entry = np.floor(gbsg["time"] * (np.arange(1, gbsg["time"].size + 1) * 37 % 50) / 100)
    test = logrank(gbsg["time"], gbsg["event"], gbsg["hormon"], entry=entry, weight=weight)
    np.testing.assert_allclose([test.U, test.V], expected, rtol=1e-11)


@pytest.mark.parametrize(("weight", "chisq"), list(zip(WEIGHTS, FOUR_GROUPS, strict=True)), ids=str)
def test_four_groups_meet_r(weight: Weight, chisq: float) -> None:
    """Each weight gives R's chi-square for four groups, with three degrees of freedom."""
    veteran = read("veteran")
    test = logrank(veteran["time"], veteran["event"], veteran["celltype"], weight=weight)
    assert (test.chisq, test.df) == (pytest.approx(chisq, rel=1e-11), 3)


def test_survdiff_is_met(gbsg: Columns) -> None:
    """The G(rho) family of survdiff: weighted observed, expected and chi-square, three groups, stratified or not."""
    # survdiff(Surv(time, event) ~ grade, gbsg, rho = 0.5); the same with ~ grade + strata(meno), rho = 1
    plain = logrank(gbsg["time"], gbsg["event"], gbsg["grade"], weight=(0.5, 0))
    np.testing.assert_allclose(plain.observed, [14.6613274507804, 173.2113983718924, 71.2934388182861], rtol=1e-11)
    np.testing.assert_allclose(plain.expected, [36.1688230308633, 171.5294974365902, 51.4678441735056], rtol=1e-11)
    assert plain.chisq == pytest.approx(23.4766358762334, rel=1e-11)
    stratified = logrank(gbsg["time"], gbsg["event"], gbsg["grade"], strata=gbsg["meno"], weight=(1, 0))
    assert stratified.chisq == pytest.approx(25.0768643785377, rel=1e-11)


def test_late_entries_of_the_plain_test_meet_r(gbsg: Columns) -> None:
    """With late entries the log-rank difference and variance are R's, by the definitions above."""
    entry = np.floor(gbsg["time"] * (np.arange(1, gbsg["time"].size + 1) * 37 % 50) / 100)
    test = logrank(gbsg["time"], gbsg["event"], gbsg["hormon"], entry=entry)
    np.testing.assert_allclose([test.U, test.V], [-21.4464967697522, 70.0713699932757], rtol=1e-11)


Arms = tuple[np.ndarray, np.ndarray, np.ndarray]


@st.composite
def arms(draw: st.DrawFn) -> Arms:
    n = draw(st.integers(4, 30))
    time = draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))
    event = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    return np.array(time, dtype=float), np.array(event), np.arange(n) % 2


@given(arms(), st.sampled_from(WEIGHTS[:4] + WEIGHTS[5:]))
@settings(max_examples=60, deadline=None)
def test_counting_and_sorting_agree(data: Arms, weight: Weight) -> None:
    """Whole times, which are counted, and the same moved by a half, which are sorted, give the same test."""
    time, event, group = data
    one, other = logrank(time, event, group, weight=weight), logrank(time + 0.5, event, group, weight=weight)
    np.testing.assert_allclose([other.U, other.V], [one.U, one.V], rtol=1e-12, atol=1e-12)


@given(arms(), st.sampled_from(WEIGHTS))
@settings(max_examples=40, deadline=None)
def test_entry_at_zero_is_no_late_entry(data: Arms, weight: Weight) -> None:
    """Subjects who entered at the start are all at risk at once."""
    time, event, group = data
    time = time + 1
    one, other = (logrank(time, event, group, weight=weight, entry=entry) for entry in (None, np.zeros(time.size)))
    assert (one.U, one.V) == (other.U, other.V)


@given(arms())
@settings(max_examples=40, deadline=None)
def test_weights_that_are_one_are_the_logrank_test(data: Arms) -> None:
    """G(0, 0), and modest weights from the start on, are the plain test."""
    plain = logrank(*data)
    for weight in ((0, 0), ModestlyWeighted(s_star=1), ModestlyWeighted(t_star=0) if data[0].min() > 0 else (0, 0)):
        other = logrank(*data, weight=weight)
        assert (other.U, other.V) == (plain.U, plain.V)


@given(arms(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_risk_tables_count_what_they_say(data: Arms, random: Any) -> None:
    """Events and numbers at risk are those of a plain count, with late entries too."""
    time, event, group = data
    time = time + 1
    entry = np.array([random.randrange(int(end)) for end in time], dtype=float)
    for shift in (0.0, 0.25):
        table = group_risk(time + shift, event == 1, group, 2, entry + shift)
        assert table.moments.tolist() == sorted(set((time + shift)[event == 1].tolist()))
        for j, moment in enumerate(table.moments):
            for g in (0, 1):
                assert table.deaths[g, j] == ((time + shift == moment) & (event == 1) & (group == g)).sum()
                assert table.at_risk[g, j] == ((time + shift >= moment) & (entry + shift < moment) & (group == g)).sum()


def test_late_weights_look_at_late_events() -> None:
    """Curves that part late are told apart by G(0, 1) and modest weights better than by the plain test."""
    early = np.arange(1.0, 21)
    time = np.concatenate([early, 21 + np.arange(20), early, 41 + np.arange(20)])
    group = np.repeat(["A", "B"], 40)
    plain, late, modest = (logrank(time, np.ones(80), group, weight=w) for w in ("logrank", (0, 1), ModestlyWeighted(t_star=20)))
    assert late.z < plain.z < 0
    assert modest.z < plain.z


def test_one_event_at_the_start_has_no_late_weight() -> None:
    """Before the first event the curve is 1, so G(0, 1) sees nothing: no test."""
    test = logrank([1, 2, 3, 4], [1, 0, 0, 0], ["A", "A", "B", "B"], weight=(0, 1))
    assert (test.df, test.U) == (0, 0)
    assert math.isnan(test.chisq)
    assert math.isnan(test.z)


def test_times_of_zero_count() -> None:
    """An event at time 0 counts, with everybody at risk."""
    test = logrank([0, 1, 2, 3], [1, 1, 1, 1], ["A", "B", "A", "B"])
    assert test.expected.tolist() == pytest.approx([1 / 2 + 1 / 3 + 1 / 2, 1 / 2 + 2 / 3 + 1 / 2 + 1])


def test_peto_hazard_ratio() -> None:
    """Peto's ratio is exp((O - E) / V), its limits symmetric on the logarithm; groups the other way turn it over."""
    data = ([6, 7, 10, 15, 19, 25], [1, 0, 1, 1, 0, 1], ["A", "B", "A", "A", "B", "B"])
    test = logrank(*data)
    ratio, other = peto_hazard_ratio(test), peto_hazard_ratio(logrank(*data, groups=["B", "A"]))
    assert ratio.value == pytest.approx(math.exp(test.U / test.V))
    assert ratio.lower == pytest.approx(math.exp(test.U / test.V - 1.959963984540054 / math.sqrt(test.V)))
    assert other.value == pytest.approx(1 / ratio.value)
    assert other.lower == pytest.approx(1 / ratio.upper)
    assert math.isnan(peto_hazard_ratio(logrank([1, 2], [0, 0], ["A", "B"])).upper)
    assert ratio.to_frame().shape == (1, 5)


def test_results_show_themselves() -> None:
    """The summary names the weight and the strata, the frame has a row a group."""
    test = logrank([1, 2, 3, 4, 5], [1, 1, 1, 1, 0], list("ABCAB"), strata=[0, 0, 0, 1, 1], weight="peto-peto")
    assert test.summary().startswith("Log-rank test, weight peto-peto, 2 strata\n")
    assert test.to_frame()["group"].tolist() == ["A", "B", "C"]
    assert not test.variance.flags.writeable


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda: FlemingHarrington(rho=-1, gamma=0), "rho is -1; it must be a finite number, 0 or more"),
        (lambda: FlemingHarrington(rho=0, gamma=math.nan), "gamma is nan; it must be"),
        (lambda: ModestlyWeighted(), "t_star is None and s_star is None; exactly one must be given"),
        (lambda: ModestlyWeighted(t_star=3, s_star=0.5), "t_star is 3 and s_star is 0.5; exactly one"),
        (lambda: ModestlyWeighted(s_star=0), "s_star is 0; it must be more than 0 and at most 1"),
        (lambda: ModestlyWeighted(t_star=-2), "t_star is -2; it must be a finite number, 0 or more"),
        (lambda: logrank([1, 2], [1, 1], [0, 1], weight="wilcoxon"), "weight is 'wilcoxon'; it must be one of logrank, gehan"),
        (lambda: logrank([1, 2], [1, 1], [0, 1], weight=(1, 2, 3)), "weight is (1, 2, 3); it must be one of logrank, gehan"),
        (lambda: logrank([1, 2], [1, 1], [0, 1], entry=[0, 2]), "entry[1] is 2.0; it must be less than time[1], 2.0"),
        (lambda: logrank([1, 2], [1, 1], [0, 1], entry=[0]), "entry has 1 rows; it must have as many as time, 2"),
        (lambda: peto_hazard_ratio(logrank([1, 2, 3], [1, 1, 1], [0, 1, 2])), "test has 3 groups; it must compare two"),
        (lambda: peto_hazard_ratio(logrank([1, 2], [1, 1], [0, 1], weight="peto-peto")), "test has the weight 'peto-peto'"),
    ],
)
def test_wrong_weights_are_named(made: Any, sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    with pytest.raises(ValueError, match=r".*") as refusal:
        made()
    assert sentence in str(refusal.value)


def test_a_modest_weight_never_divides_by_nothing() -> None:
    """When all at risk have died and others enter later, a weight by a curve at 0 is refused and s_star helps."""
    columns = ([1, 5, 6, 7], [1, 1, 1, 1], [0, 0, 1, 1])
    with pytest.raises(ValueError, match="everyone under observation had died before time 5 and others entered later"):
        logrank(*columns, entry=[0, 2, 2, 2], weight=ModestlyWeighted(t_star=3))
    assert math.isfinite(logrank(*columns, entry=[0, 2, 2, 2], weight=ModestlyWeighted(s_star=0.5)).z)


def test_no_event_has_no_weights() -> None:
    """Every weight of no moment is an empty column."""
    empty = np.empty(0)
    assert all(weights_at(weight, empty, empty, empty).size == 0 for weight in WEIGHTS)
