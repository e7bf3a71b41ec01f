"""Late entry and covariates that change: agreement with R, laws of cut rows, and honest failures."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oligami.stats.concordance import concordance
from oligami.stats.partial_likelihood import Ties, derivatives, lay_out
from oligami.stats.proportional_hazards import check_proportional_hazards
from oligami.stats.regression import cox
from stats_reference import columns_of
from stats_split_rows import fitted, split_rows

# coef, naive and robust standard errors, log likelihoods (null, fitted), and the score, Wald and robust score
# chi-squares: coef(m); sqrt(diag(m$naive.var)); sqrt(diag(m$var)); m$loglik; c(m$score, m$wald.test, m$rscore)
FITS: list[tuple[dict[str, Any], list[list[float]]]] = [
    (
        {"ties": "efron"},
        [
            [-0.3513837014807912, 0.0165294682062599, 0.0402413586015036],
            [0.12527015713295719, 0.00340330165169042, 0.00756766761861166],
            [0.12134102653656012, 0.00354634295800235, 0.01124369134160342],
            [-1743.25582465366, -1707.63712457998],
            [96.0704065676828, 66.2184814340809, 77.3333406888015],
        ],
    ),
    (
        {"ties": "breslow", "strata": True},
        [
            [-0.3276806247715238, 0.0161396040417823, 0.0371853113274304],
            [0.12609160220839588, 0.00340766367903772, 0.00776744413029265],
            [0.12028528282515406, 0.00350955868090489, 0.01021337594581692],
            [-1506.08858880740, -1474.80185007232],
            [81.3923526367960, 64.8016448519649, 74.8228171159936],
        ],
    ),
    (
        {"ties": "efron", "weights": True},
        [
            [-0.3281044809624304, 0.0185410649892550, 0.0353199712283446],
            [0.10187121946586705, 0.00271524370311291, 0.00614444481709156],
            [0.12337228034105907, 0.00346065686255738, 0.01198605995195639],
            [-2808.46970921848, -2752.04570314006],
            [150.7599366292018, 71.4991937343183, 72.3283049661949],
        ],
    ),
    (
        {"ties": "efron", "strata": True, "weights": True},
        [
            [-0.3043546244229984, 0.0182506490389006, 0.0326378029870350],
            [0.10269442807278489, 0.00272826635287177, 0.00630736539833643],
            [0.12362960180001344, 0.00352149466522613, 0.01109736446506021],
            [-2451.47398264813, -2400.88113427943],
            [131.4943226311809, 66.5933333995135, 69.4575314561201],
        ],
    ),
]


@pytest.mark.parametrize(("options", "expected"), FITS, ids=["efron", "breslow, strata", "efron, weights", "efron, both"])
def test_cut_rows_are_fitted_as_by_r(options: dict[str, Any], expected: list[list[float]]) -> None:
    """Entry, a changing covariate, ties, strata, weights and clusters together give R's numbers."""
    fit = fitted(**options)
    found = [fit.coef, fit.se, fit.robust_se, [fit.loglik_null, fit.loglik], [fit.score_chisq, fit.wald_chisq]]
    found[-1] = [*found[-1], fit.robust_score_chisq]
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-10)


# cox.zph(m, transform)$table[, 1] of the first and the last of these fits
TRENDS = {
    "km": [
        [0.120480357997432, 0.933518599317258, 1.163211374330156, 3.494072338937251],
        [0.0066355119489556, 0.2767844158708932, 3.3427795017297317, 5.1010008371661240],
    ],
    "rank": [
        [0.0993639870050756, 1.0532433762696707, 1.2679970335315753, 3.7884903065124278],
        [0.0101523544148027, 0.3029478151294552, 3.6410893738998098, 5.5355226854759119],
    ],
    "identity": [
        [0.0956463563830618, 1.0665465809058308, 1.6736873801075434, 4.3494694460327903],
        [0.00153267603759322, 0.30830042866504748, 4.53851675049561454, 6.63797333139007506],
    ],
    "log": [
        [0.184611157817640, 1.193995615120438, 0.747944813898583, 3.343909613219710],
        [0.0437177057490647, 0.4897188333456805, 2.5125585971197237, 4.5328896512010139],
    ],
}


@pytest.mark.parametrize("scale", list(TRENDS))
def test_trends_in_time_are_tested_as_by_r(scale: Any) -> None:
    """The proportional-hazards test meets R's with entry, strata and weights on every scale of time."""
    for fit, wanted in zip((fitted(), fitted(strata=True, weights=True)), TRENDS[scale], strict=True):
        test = check_proportional_hazards(fit, scale=scale)
        np.testing.assert_allclose([*test.chisq, test.global_chisq], wanted, rtol=1e-9)


@pytest.mark.parametrize(
    ("stratified", "expected"),
    [
        (
            False,
            [
                [-0.01964052903813703, 0.00139640940820504],
                [0.01243232006586669, 0.01945560908097225],
                [-62.50696568847327939, -61.25027345647215782, 2.54487471652358144],
            ],
        ),
        (
            True,
            [
                [-0.01806406779335294, 0.00341807837115604],
                [0.01264388133746996, 0.02271630150377579],
                [-53.48237228873992422, -52.42691655824855701, 2.13154446420210819],
            ],
        ),
    ],
)
def test_exact_ties_with_late_entry_are_those_of_r(stratified: bool, expected: list[list[float]]) -> None:
    """The conditional likelihood counts only sets of those at risk.

    In R: v <- veteran[1:40,]; v$t <- ceiling(v$time/20); v$s <- floor(v$t*(seq_len(40)%%4)/8)
    m <- coxph(Surv(s,t,event)~karno+age [+strata(prior)], v, ties='exact'); m$coefficients; sqrt(diag(m$var)); m$loglik; m$score
    """
    v = {name: values[:40] for name, values in columns_of({"input": {}, "dataset": "data/veteran.csv"}).items()}
    time = np.ceil(v["time"] / 20)
    entry = np.floor(time * (np.arange(1, 41) % 4) / 8)
    x = np.column_stack((v["karno"], v["age"]))
    fit = cox(time, v["event"], x, entry=entry, strata=v["prior"] if stratified else None, ties="exact")
    found = (fit.coef, fit.se, [fit.loglik_null, fit.loglik, fit.score_chisq])
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9)


# concordance(Surv(start,stop,died)~s [+strata(grade)], d, weights=w, cluster=pid, reverse=TRUE), s = nodes+round(now/10)
@pytest.mark.parametrize(
    ("stratified", "weighted", "expected"),
    [
        (False, False, [0.6519566608759257, 0.01472980730949635, 67420, 34181, 7769]),
        (False, True, [0.6546352994989714, 0.01512343586904239, 153029, 76626.25, 17386.5]),
        (True, True, [0.6386814800448835, 0.01670109295116161, 76047.25, 41008.75, 9271.25]),
    ],
)
def test_concordance_counts_only_those_at_risk(stratified: bool, weighted: bool, expected: list[float]) -> None:
    """With entry, strata and weights the concordance and its error are R's."""
    rows = split_rows()
    found = concordance(
        rows["stop"],
        rows["died"],
        rows["nodes"] + np.round(rows["now"] / 10),
        entry=rows["start"],
        strata=rows["grade"] if stratified else None,
        weights=rows["w"] if weighted else None,
        cluster=rows["pid"],
    )
    got = [found.estimate, found.std_err, found.concordant, found.discordant, found.tied_score]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@st.composite
def late_entries(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    """Entry, time, event and two covariates, with ties."""
    n = draw(st.integers(12, 40))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    entry = random.integers(0, 6, n).astype(float)
    x = np.column_stack([random.permutation(np.arange(n) % 2), random.normal(size=n)])
    return entry, entry + random.integers(1, 6, n), (random.random(n) < 0.7).astype(int), x


@given(late_entries(), st.sampled_from(["efron", "breslow", "exact"]))
@settings(max_examples=30, deadline=None)
def test_cutting_rows_changes_nothing(data: tuple[np.ndarray, ...], ties: Ties) -> None:
    """A row cut in two at any time, with the same covariates on both sides, is the same observation."""
    entry, time, event, x = data
    whole = cox(time, event, x, entry=entry, ties=ties)
    assume(whole.converged)
    middle = entry + (time - entry) * 0.4
    cut = cox(
        np.concatenate((middle, time)),
        np.concatenate((0 * event, event)),
        np.vstack((x, x)),
        entry=np.concatenate((entry, middle)),
        ties=ties,
        subject=np.tile(np.arange(time.size), 2),
    )
    np.testing.assert_allclose(cut.coef, whole.coef, atol=1e-8)
    np.testing.assert_allclose(cut.se, whole.se, rtol=1e-7)
    assert cut.loglik == pytest.approx(whole.loglik, abs=1e-9)


@given(late_entries(), st.sampled_from(["efron", "breslow", "exact"]), st.floats(-1, 1), st.floats(-1, 1))
@settings(max_examples=30, deadline=None)
def test_derivatives_with_entry_are_those_of_the_likelihood(
    data: tuple[np.ndarray, ...], ties: Ties, b0: float, b1: float
) -> None:
    """Score and information are the slope and curvature of the log likelihood, by central differences."""
    entry, time, event, x = data
    assume(event.any())
    weight = np.ones(time.size) if ties == "exact" else 1 + np.arange(time.size) % 3 / 2
    parts = lay_out(time, event, x, np.arange(time.size) % 2, weight, ties, entry)
    coef, h = np.array([b0, b1]), 1e-4
    at = derivatives(parts, coef, ties)
    for j, step in enumerate(np.eye(2) * h):
        ahead, behind = derivatives(parts, coef + step, ties), derivatives(parts, coef - step, ties)
        # A central difference errs by h^2 times a third derivative, sums over up to 40 subjects.
        assert at.score[j] == pytest.approx((ahead.loglik - behind.loglik) / (2 * h), abs=1e-4)
        np.testing.assert_allclose(at.information[j], (behind.score - ahead.score) / (2 * h), atol=1e-4)


def test_entry_at_the_start_is_no_entry() -> None:
    """Entries of 0 leave the fit as it is, bit by bit, while all times are later."""
    rows = split_rows()
    plain = cox(rows["stop"], rows["died"], rows["nodes"])
    entered = cox(rows["stop"], rows["died"], rows["nodes"], entry=np.zeros(rows["stop"].size))
    assert plain.coef[0] == entered.coef[0]
    assert plain.loglik == entered.loglik


def test_an_event_alone_at_risk_tells_nothing() -> None:
    """An event that nobody else was at risk for leaves the coefficients as they were."""
    entry, time, event, x = [0, 0, 0, 0, 9.0], [1, 2, 3, 4, 10.0], [1, 1, 0, 1, 1], [0, 1, 1, 0, 5.0]
    alone, without = cox(time, event, x, entry=entry), cox(time[:4], event[:4], x[:4])
    np.testing.assert_allclose(alone.coef, without.coef, atol=1e-12)
    assert alone.loglik == pytest.approx(without.loglik)


def test_no_two_at_risk_together_is_singular() -> None:
    """Rows that follow one another without overlap cannot be compared; the problem is named."""
    fit = cox([1, 2, 3], [1, 1, 1], [0.0, 1.0, 5.0], entry=[0, 1, 2])
    assert fit.problem == "singular"
    assert np.isnan(fit.coef).all()


def test_an_arm_without_events_diverges_with_entry_too() -> None:
    """A monotone likelihood is told with late entries as without."""
    entry = [0, 0.5, 1, 0, 0, 1, 2, 0]
    fit = cox([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 1, 0, 0, 0, 0], [0] * 4 + [1] * 4, entry=entry, names=["B"])
    assert fit.problem == "monotone_likelihood"
    assert fit.coef[0] == -math.inf


def test_an_event_at_time_zero_counts() -> None:
    """Without entries all are at risk at 0, so an event there is one like any other."""
    at_zero = cox([0, 2, 3, 4], [1, 1, 0, 1], [0, 1, 1, 0])
    later = cox([1, 2, 3, 4], [1, 1, 0, 1], [0, 1, 1, 0])
    assert at_zero.coef[0] == later.coef[0]


def test_events_all_at_one_time_are_fitted() -> None:
    """When every event falls on one time, the shares of Efron and the sets of the exact likelihood still answer."""
    time, event, x = [5, 5, 5, 5, 5, 5], [1, 1, 1, 0, 0, 0], [1, 0, 1, 0, 0, 1]
    efron, exact = cox(time, event, x), cox(time, event, x, ties="exact")
    assert efron.converged
    # Of the 20 sets of 3, 1, 9, 9 and 1 hold 0 to 3 exposed ones; the observed set holds 2.
    r = exact.hr[0]
    assert exact.loglik == pytest.approx(math.log(r**2 / (1 + 9 * r + 9 * r**2 + r**3)))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"entry": [0, 2, 0]}, "entry[1] is 2.0; it must be less than time[1], 2.0"),
        ({"entry": [0, -1, 0]}, "entry[1] is -1.0; it must be 0 or more"),
        ({"entry": [0, math.nan, 0]}, "entry[1] is nan; it must be a finite number"),
        ({"entry": [0, 0]}, "entry has 2 rows; it must have as many as time, 3"),
        ({"subject": ["a", "a", "b"]}, "subject is the same in rows 0 and 1, whose time under observation overlaps"),
        ({"subject": ["a", "a", "b"], "entry": [0, 0.5, 0]}, "(0.0, 1.0] and (0.5, 2.0]"),
        ({"subject": ["a"]}, "subject has 1 rows; it must have as many as time, 3"),
    ],
)
def test_wrong_rows_are_named(changed: dict[str, Any], sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    given_columns: dict[str, Any] = {"time": [1, 2, 3], "event": [1, 1, 0], "covariates": [0, 1, 0]} | changed
    with pytest.raises(ValueError, match=r".*") as refusal:
        cox(**given_columns)
    assert sentence in str(refusal.value)
