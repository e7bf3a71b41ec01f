"""Proportions: laws, the equations behind exact answers, and answers at the edge."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from oligami.stats.proportions import (
    Table,
    clopper_pearson,
    cochran_mantel_haenszel,
    fisher_exact,
    newcombe_difference,
    pearson_chi_square,
    wilson,
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    n1, n0 = draw(st.integers(1, 30)), draw(st.integers(1, 30))
    return Table(x1=draw(st.integers(0, n1)), n1=n1, x0=draw(st.integers(0, n0)), n0=n0)


@given(tables(), st.floats(0.5, 0.99))
@settings(max_examples=40, deadline=None)
def test_exact_limits_leave_their_tails(table: Table, level: float) -> None:
    """At each limit of the exact interval the count seen, or one further out, has half the error probability."""
    limits = clopper_pearson(table.x1, table.n1, conf_level=level)
    if table.x1 > 0:
        assert binom.sf(table.x1 - 1, table.n1, limits.lower) == pytest.approx((1 - level) / 2)
    if table.x1 < table.n1:
        assert binom.cdf(table.x1, table.n1, limits.upper) == pytest.approx((1 - level) / 2)


@example(Table(x1=29, n1=29, x0=0, n0=30))  # a limit that rounding put above 1
@given(tables())
@settings(max_examples=40, deadline=None)
def test_intervals_hold_their_estimate_and_mirror(table: Table) -> None:
    """Score intervals hold the estimate, and counting those without the finding mirrors them."""
    for interval in (clopper_pearson, wilson):
        one, other = interval(table.x1, table.n1), interval(table.n1 - table.x1, table.n1)
        assert one.lower <= table.x1 / table.n1 + 1e-12
        assert one.upper >= table.x1 / table.n1 - 1e-12
        assert other.lower == pytest.approx(1 - one.upper, abs=1e-12)
    there = newcombe_difference(table)
    back = newcombe_difference(Table(x1=table.x0, n1=table.n0, x0=table.x1, n0=table.n1))
    assert (back.lower, back.upper) == pytest.approx((-there.upper, -there.lower), abs=1e-12)
    assert -1 <= there.lower <= there.upper <= 1


@given(tables())
@settings(max_examples=40, deadline=None)
def test_fisher_answers_solve_their_equations(table: Table) -> None:
    """The odds ratio makes the count seen the expected one, and each limit leaves 2.5 percent beyond it."""
    result = fisher_exact(table)
    found = table.x1 + table.x0
    support = range(max(0, found - table.n0), min(table.n1, found) + 1)

    def noncentral(odds: float) -> dict[int, float]:
        """Return the probability of each count given the margins, written out from its definition."""
        logs = {x: math.log(math.comb(table.n1, x) * math.comb(table.n0, found - x)) + x * math.log(odds) for x in support}
        weights = {x: math.exp(log - max(logs.values())) for x, log in logs.items()}
        return {x: weight / math.fsum(weights.values()) for x, weight in weights.items()}

    if 0 < result.odds_ratio < math.inf:
        mean = math.fsum(x * p for x, p in noncentral(result.odds_ratio).items())
        assert mean == pytest.approx(table.x1, rel=1e-6)
    limits = result.odds_ratio_interval
    if limits.lower > 0:
        above = math.fsum(p for x, p in noncentral(limits.lower).items() if x >= table.x1)
        assert above == pytest.approx(0.025, rel=1e-6)
    if limits.upper < math.inf:
        below = math.fsum(p for x, p in noncentral(limits.upper).items() if x <= table.x1)
        assert below == pytest.approx(0.025, rel=1e-6)
    assert result.p_greater + result.p_less >= 1 - 1e-12
    assert result.p_two_sided <= 1


def test_fisher_takes_equally_likely_tables_in() -> None:
    """Three of four cups told right: 17 of 70 tables are as good, and as many on the other side are as unlikely."""
    result = fisher_exact(Table(x1=3, n1=4, x0=1, n0=4))
    assert result.p_two_sided == pytest.approx(34 / 70)
    assert result.p_greater == pytest.approx(17 / 70)


def test_margins_that_allow_one_table_say_nothing() -> None:
    """When nobody, or everybody, has the finding there is no odds ratio and no chi-square, and p is 1."""
    for x1, x0 in ((0, 0), (5, 7)):
        table = Table(x1=x1, n1=5, x0=x0, n0=7)
        result = fisher_exact(table)
        assert result.p_two_sided == 1
        assert math.isnan(result.odds_ratio)
        assert (result.odds_ratio_interval.lower, result.odds_ratio_interval.upper) == (0, math.inf)
        assert math.isnan(pearson_chi_square(table).p_two_sided)
        assert math.isnan(cochran_mantel_haenszel([table]).chisq)


@given(tables())
@settings(max_examples=30, deadline=None)
def test_one_stratum_is_the_plain_table(table: Table) -> None:
    """With one stratum the common odds ratio is that of the table, and the test Pearson's times (n - 1) / n."""
    result, plain = cochran_mantel_haenszel([table]), pearson_chi_square(table)
    total = table.n1 + table.n0
    assert result.chisq == pytest.approx(plain.chisq * (total - 1) / total, nan_ok=True)
    cross = table.x0 * (table.n1 - table.x1)
    if cross:
        assert result.odds_ratio == pytest.approx(table.x1 * (table.n0 - table.x0) / cross)


@pytest.mark.parametrize(
    ("x", "n", "sentence"),
    [
        (1, 0, "n is 0; it must be a whole number, 1 or more"),
        (5, 4, "x is 5; it must be a whole number from 0 to n, 4"),
        (-1, 4, "x is -1; it must be a whole number from 0 to n, 4"),
        (0.5, 4, "x is 0.5; it must be a whole number from 0 to n, 4"),
    ],
)
def test_wrong_counts_are_named(x: Any, n: int, sentence: str) -> None:
    """A refusal names the argument, what it was and what it may be."""
    for interval in (clopper_pearson, wilson):
        with pytest.raises(ValueError, match=r".*") as refusal:
            interval(x, n)
        assert sentence in str(refusal.value)


def test_a_table_checks_its_counts() -> None:
    """A table with more findings than subjects cannot be made, and no table is no analysis."""
    with pytest.raises(ValueError, match="x0 is 3; it must be a whole number from 0 to n0, 2"):
        Table(x1=1, n1=2, x0=3, n0=2)
    with pytest.raises(ValueError, match="tables is empty"):
        cochran_mantel_haenszel([])
    with pytest.raises(ValueError, match="conf_level is 0; it must lie between 0 and 1"):
        fisher_exact(Table(x1=1, n1=2, x0=1, n0=np.int64(2)), conf_level=0)


def test_results_show_themselves() -> None:
    """Every result has a summary and a data frame of one row, with the limits where there are some."""
    table = Table(x1=3, n1=4, x0=1, n0=4)
    for result in (wilson(3, 10), fisher_exact(table), pearson_chi_square(table), cochran_mantel_haenszel([table, table])):
        assert result.summary()
        assert result.to_frame().shape[0] == 1
    assert fisher_exact(table).to_frame()["upper"][0] == fisher_exact(table).odds_ratio_interval.upper
    assert "common odds ratio 9, CI" in cochran_mantel_haenszel([table, table]).summary()
    nothing = pearson_chi_square(Table(x1=0, n1=4, x0=0, n0=4))
    assert nothing.summary() == "chi-square —, df 1, p two-sided —"
