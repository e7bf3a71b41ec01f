"""Score comparisons of two proportions: R from the definition, laws of tests and intervals, zero counts, refusals."""

import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oligami.stats.differences import (
    farrington_manning_difference,
    miettinen_nurminen_difference,
    miettinen_nurminen_ratio,
)
from oligami.stats.proportions import Table, pearson_chi_square

QUANTILE = 1.959963984540054
STRATA = [Table(x1=12, n1=40, x0=8, n0=38), Table(x1=20, n1=31, x0=14, n0=33), Table(x1=5, n1=22, x0=9, n0=20)]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    n1, n0 = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    return Table(x1=draw(st.integers(0, n1)), n1=n1, x0=draw(st.integers(0, n0)), n0=n0)


# R 4.2.2: the restricted estimate by optimize() on the two binomial likelihoods with p1 - p0 = delta, polished by uniroot()
# on its derivative; the limits by uniroot() on (d - delta) / sqrt(sum(w^2 * v(delta))) -+ qnorm(.975), tol = 1e-14; w = n1 n0 /
# (n1 + n0), scaled; v with the factor N / (N - 1) or without. Limits, and z at delta = -0.1. The first three intervals are
# in Newcombe (1998), Statistics in Medicine 17, 873-890, table II, to four decimals.
@pytest.mark.parametrize(
    ("counts", "corrected", "lower", "upper", "z"),
    [
        ([Table(x1=56, n1=70, x0=48, n0=80)], True, 0.05282971324584, 0.33817294001587, 3.92107012440514),
        ([Table(x1=9, n1=10, x0=3, n0=10)], True, 0.1700250164244, 0.8406495439433, 3.1148980512050),
        ([Table(x1=5, n1=56, x0=0, n0=29)], True, -0.03259656174351, 0.19333097669088, 2.53603352543601),
        ([Table(x1=2, n1=14, x0=1, n0=11)], True, -0.2692828768827, 0.3374275879511, 1.0368413925447),
        ([Table(x1=85, n1=100, x0=84, n0=100)], True, -0.09274151778208, 0.11295028146720, 2.09269185532896),
        ([Table(x1=85, n1=100, x0=84, n0=100)], False, -0.09247416290041, 0.11268234490793, 2.09794328605846),
        (STRATA, True, -0.07232628097207, 0.19801789089296, 2.35861816670095),
        (STRATA, False, -0.07119912455812, 0.19692591951069, 2.37827227247596),
    ],
)
def test_differences_meet_r(counts: list[Table], corrected: bool, lower: float, upper: float, z: float) -> None:
    """Limits and test, corrected or not, stratified or not, are those of the definition."""
    compare = miettinen_nurminen_difference if corrected else farrington_manning_difference
    found = compare(counts, null=-0.1)
    assert (found.interval.lower, found.interval.upper) == pytest.approx((lower, upper), abs=1e-11)
    assert found.z == pytest.approx(z, abs=1e-10)


# statsmodels 0.15.0: confint_proportions_2indep(x1, n1, x0, n0, compare="ratio", method="score", correction=True)
@pytest.mark.parametrize(
    ("table", "lower", "upper"),
    [
        (Table(x1=56, n1=70, x0=48, n0=80), 1.0790471195344218, 1.6721453590897675),
        (Table(x1=2, n1=14, x0=1, n0=11), 0.22498797029528764, 11.659636489843022),
        (Table(x1=85, n1=100, x0=84, n0=100), 0.8937431393477683, 1.1471338051800706),
    ],
)
def test_ratios_meet_statsmodels(table: Table, lower: float, upper: float) -> None:
    """The limits of the ratio are those of another implementation."""
    found = miettinen_nurminen_ratio(table)
    assert (found.interval.lower, found.interval.upper) == pytest.approx((lower, upper), rel=1e-10)


@example(Table(x1=10, n1=10, x0=0, n0=20), -0.5)
@example(Table(x1=0, n1=10, x0=0, n0=20), 0.3)
@given(tables(), st.floats(-0.95, 0.95))
@settings(max_examples=80, deadline=None)
def test_interval_and_test_agree(table: Table, null: float) -> None:
    """A difference lies outside the interval exactly when its test rejects it, and at a limit z is the quantile."""
    found = miettinen_nurminen_difference(table, null=null)
    limits = found.interval
    assert -1 <= limits.lower <= found.estimate + 1e-9
    assert found.estimate - 1e-9 <= limits.upper <= 1
    if min(abs(null - limits.lower), abs(null - limits.upper)) > 1e-9:
        assert (limits.lower < null < limits.upper) == (abs(found.z) < QUANTILE)
    for limit, sign in ((limits.lower, 1), (limits.upper, -1)):
        if -1 + 1e-6 < limit < 1 - 1e-6:
            assert miettinen_nurminen_difference(table, null=limit).z == pytest.approx(sign * QUANTILE, abs=1e-5)


@given(tables())
@settings(max_examples=60, deadline=None)
def test_groups_and_findings_mirror(table: Table) -> None:
    """Groups changed over, or those without the finding counted, turn the difference; the ratio turns upside down."""
    back = Table(x1=table.x0, n1=table.n0, x0=table.x1, n0=table.n1)
    without = Table(x1=table.n1 - table.x1, n1=table.n1, x0=table.n0 - table.x0, n0=table.n0)
    found = miettinen_nurminen_difference(table)
    for other in (miettinen_nurminen_difference(back), miettinen_nurminen_difference(without)):
        assert other.interval.lower == pytest.approx(-found.interval.upper, abs=1e-7)
        assert other.z == pytest.approx(-found.z, abs=1e-6)
    ratio, inverse = miettinen_nurminen_ratio(table), miettinen_nurminen_ratio(back)
    if table.x1 > 0 and table.x0 > 0:
        assert inverse.interval.lower == pytest.approx(1 / ratio.interval.upper, rel=1e-6)
    assert ratio.z == pytest.approx(found.z, abs=1e-6)  # no difference is a ratio of 1


@given(tables())
@settings(max_examples=40, deadline=None)
def test_without_a_margin_it_is_pearson(table: Table) -> None:
    """Farrington and Manning's z squared is Pearson's chi-square, and one stratum is the table itself."""
    found = farrington_manning_difference(table)
    expected = pearson_chi_square(table).chisq
    assert found.z**2 == pytest.approx(0 if math.isnan(expected) else expected, rel=1e-6, abs=1e-9)
    assert farrington_manning_difference([table]).interval == found.interval


def test_counts_at_the_edge() -> None:
    """No finding at all says nothing about the ratio but bounds the difference; all against none ends at 1."""
    none = Table(x1=0, n1=10, x0=0, n0=20)
    assert miettinen_nurminen_difference(none).z == 0
    assert miettinen_nurminen_difference(none).p_two_sided == 1
    assert -1 < miettinen_nurminen_difference(none).interval.lower < 0 < miettinen_nurminen_difference(none).interval.upper < 1
    ratio = miettinen_nurminen_ratio(none)
    assert math.isnan(ratio.estimate)
    assert (ratio.interval.lower, ratio.interval.upper) == (0, math.inf)
    every = Table(x1=10, n1=10, x0=0, n0=20)
    assert miettinen_nurminen_difference(every).interval.upper == pytest.approx(1)
    assert miettinen_nurminen_ratio(every).estimate == math.inf


def test_non_inferiority() -> None:
    """Against a margin below 0 the small p is `p_greater`; the lower 95 percent limit is above the margin then."""
    found = miettinen_nurminen_difference(Table(x1=85, n1=100, x0=84, n0=100), null=-0.1)
    assert found.p_greater < 0.025
    assert found.interval.lower > -0.1
    assert found.p_greater + found.p_less == pytest.approx(1)


def test_results_show_themselves() -> None:
    """The summary has two lines and the frame a row with the limits."""
    found = miettinen_nurminen_difference(STRATA)
    assert found.summary().startswith("difference (Miettinen-Nurminen) 0.06")
    assert found.to_frame()["lower"].tolist() == [found.interval.lower]


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda t: miettinen_nurminen_difference([]), "tables is empty; it must hold at least one table"),
        (lambda t: miettinen_nurminen_difference(t, null=1), "null is 1; it must be a finite number, above -1 and below 1"),
        (lambda t: farrington_manning_difference(t, null=math.nan), "null is nan; it must be a finite number"),
        (lambda t: miettinen_nurminen_ratio(t, null=0), "null is 0; it must be a finite number, above 0"),
        (lambda t: miettinen_nurminen_ratio(t, conf_level=1), "conf_level is 1; it must lie between 0 and 1"),
    ],
)
def test_wrong_arguments_are_named(made: Any, sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    with pytest.raises(ValueError, match=r".*") as refusal:
        made(Table(x1=1, n1=3, x0=2, n0=4))
    assert sentence in str(refusal.value)
