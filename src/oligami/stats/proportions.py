"""Proportions: exact and score intervals, and tests of 2 x 2 tables.

An interval or a test is that of counts alone; which subjects are counted, and what is missing, is decided by others.
Score intervals of differences and ratios stand in `differences`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import betaincinv, chdtrc, gammaln, ndtri

from oligami.stats import show
from oligami.stats.arguments import Floats, is_whole, level

# Probabilities this close count as equal, for rounding must not decide which tables are as extreme as the one seen.
_AS_LIKELY = 1 + 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval."""

    lower: float
    upper: float

    def summary(self) -> str:
        """Show the limits in a line of text."""
        return f"{show.number(self.lower)} to {show.number(self.upper)}"

    def to_frame(self) -> Any:
        """Return a data frame with one row."""
        return show.frame({"lower": [self.lower], "upper": [self.upper]})


@dataclass(frozen=True, slots=True, kw_only=True)
class FisherResult:
    """Fisher's exact test of two proportions, with the conditional estimate of the odds ratio of 1 to 0."""

    p_two_sided: float
    p_greater: float  # proportion 1 is higher
    p_less: float
    odds_ratio: float  # conditional maximum likelihood; 0 or inf at the edge, NaN when the margins allow one table only
    odds_ratio_interval: Interval

    def summary(self) -> str:
        """Show the test and the odds ratio as lines of text."""
        return (
            f"Fisher's exact test: p two-sided {show.number(self.p_two_sided)}, greater {show.number(self.p_greater)},"
            f" less {show.number(self.p_less)}\n"
            f"odds ratio {show.number(self.odds_ratio)}, exact CI {self.odds_ratio_interval.summary()}"
        )

    def to_frame(self) -> Any:
        """Return a data frame with one row."""
        names = ("p_two_sided", "p_greater", "p_less", "odds_ratio")
        limits = {"lower": [self.odds_ratio_interval.lower], "upper": [self.odds_ratio_interval.upper]}
        return show.frame({name: [getattr(self, name)] for name in names} | limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChiSquareResult:
    """A chi-square statistic with its two-sided p; both NaN when the margins leave nothing to compare."""

    chisq: float
    p_two_sided: float

    def summary(self) -> str:
        """Show the test in a line of text."""
        return f"chi-square {show.number(self.chisq)}, df 1, p two-sided {show.number(self.p_two_sided)}"

    def to_frame(self) -> Any:
        """Return a data frame with one row."""
        return show.frame({"chisq": [self.chisq], "p_two_sided": [self.p_two_sided]})


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonOddsRatio:
    """The Cochran-Mantel-Haenszel test of stratified 2 x 2 tables and the odds ratio common to them."""

    chisq: float
    p_two_sided: float
    odds_ratio: float
    interval: Interval

    def summary(self) -> str:
        """Show the test and the odds ratio as lines of text."""
        return (
            f"Cochran-Mantel-Haenszel test: chi-square {show.number(self.chisq)}, df 1, p two-sided"
            f" {show.number(self.p_two_sided)}\ncommon odds ratio {show.number(self.odds_ratio)}, CI {self.interval.summary()}"
        )

    def to_frame(self) -> Any:
        """Return a data frame with one row."""
        names = ("chisq", "p_two_sided", "odds_ratio")
        limits = {"lower": [self.interval.lower], "upper": [self.interval.upper]}
        return show.frame({name: [getattr(self, name)] for name in names} | limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Subjects with the finding among all, in group 1 and in group 0."""

    x1: int
    n1: int
    x0: int
    n0: int

    def __post_init__(self) -> None:
        _check(self.x1, self.n1, "x1", "n1")
        _check(self.x0, self.n0, "x0", "n0")


def clopper_pearson(x: int, n: int, *, conf_level: float = 0.95) -> Interval:
    """Give the exact interval of a proportion, x subjects of n.

    Raises:
        ValueError: the counts are not whole, n is below 1, x lies outside 0 to n, or `conf_level` outside (0, 1).

    Source: Clopper and Pearson (1934), by quantiles of the beta distribution.

    >>> clopper_pearson(3, 10).summary()
    '0.06674 to 0.6525'
    """
    _check(x, n, "x", "n")
    tail = (1 - level(conf_level)) / 2
    return Interval(
        lower=float(betaincinv(x, n - x + 1, tail)) if x > 0 else 0.0,
        upper=float(betaincinv(x + 1, n - x, 1 - tail)) if x < n else 1.0,
    )


def wilson(x: int, n: int, *, conf_level: float = 0.95) -> Interval:
    """Give the score interval of a proportion, x subjects of n, without continuity correction.

    Raises:
        ValueError: as `clopper_pearson`.

    Source: Wilson (1927).

    >>> wilson(3, 10).summary()
    '0.1078 to 0.6032'
    """
    _check(x, n, "x", "n")
    z = float(ndtri(0.5 + level(conf_level) / 2))
    centre = (x + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * float(np.sqrt(x * (n - x) / n + z * z / 4))
    return Interval(lower=max(centre - half, 0.0), upper=min(centre + half, 1.0))


def newcombe_difference(table: Table, *, conf_level: float = 0.95) -> Interval:
    """Give the interval of proportion 1 less proportion 0, built from their score intervals.

    Raises:
        ValueError: `conf_level` lies outside (0, 1).

    Source: Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.

    >>> newcombe_difference(Table(x1=56, n1=70, x0=48, n0=80)).summary()
    '0.05243 to 0.3339'
    """
    p1, p0 = table.x1 / table.n1, table.x0 / table.n0
    one = wilson(table.x1, table.n1, conf_level=conf_level)
    zero = wilson(table.x0, table.n0, conf_level=conf_level)
    # The limits lie within -1 and 1 by construction; rounding may put one a last digit outside.
    return Interval(
        lower=max(p1 - p0 - float(np.hypot(p1 - one.lower, zero.upper - p0)), -1.0),
        upper=min(p1 - p0 + float(np.hypot(one.upper - p1, p0 - zero.lower)), 1.0),
    )


def fisher_exact(table: Table, *, conf_level: float = 0.95) -> FisherResult:
    """Test two proportions given the margins of their table.

    The two-sided p adds up the tables that are as likely as the one seen, or less.

    Raises:
        ValueError: `conf_level` lies outside (0, 1).

    Source: Fisher (1935); conditional odds ratio and its exact limits by the noncentral hypergeometric distribution.

    >>> print(fisher_exact(Table(x1=3, n1=4, x0=1, n0=4)).summary())
    Fisher's exact test: p two-sided 0.4857, greater 0.2429, less 0.9857
    odds ratio 6.408, exact CI 0.2117 to 626.2
    """
    tail = (1 - level(conf_level)) / 2
    found = table.x1 + table.x0
    support = np.arange(max(0, found - table.n0), min(found, table.n1) + 1)
    log_ways = _log_choose(table.n1, support) + _log_choose(table.n0, found - support)
    seen = table.x1
    at = int(np.flatnonzero(support == seen)[0])

    def probabilities(log_odds: float) -> Floats:
        tilted = log_ways + support * log_odds
        ways = np.exp(tilted - tilted.max())
        return np.asarray(ways / ways.sum())

    null = probabilities(0.0)
    bottom, top = seen == support[0], seen == support[-1]
    if bottom and top:
        ratio, limits = float("nan"), Interval(lower=0.0, upper=float("inf"))
    else:
        ratio = 0.0 if bottom else float("inf") if top else _odds(lambda b: float(probabilities(b) @ support) - seen)
        limits = Interval(
            lower=0.0 if bottom else _odds(lambda b: float(probabilities(b)[at:].sum()) - tail),
            upper=float("inf") if top else _odds(lambda b: tail - float(probabilities(b)[: at + 1].sum())),
        )
    return FisherResult(
        p_two_sided=min(float(null[null <= null[at] * _AS_LIKELY].sum()), 1.0),
        p_greater=min(float(null[at:].sum()), 1.0),
        p_less=min(float(null[: at + 1].sum()), 1.0),
        odds_ratio=ratio,
        odds_ratio_interval=limits,
    )


def pearson_chi_square(table: Table) -> ChiSquareResult:
    """Test two proportions by Pearson's chi-square with 1 degree of freedom, without continuity correction.

    Source: Pearson (1900).

    >>> pearson_chi_square(Table(x1=56, n1=70, x0=48, n0=80)).summary()
    'chi-square 7.023, df 1, p two-sided 0.008045'
    """
    total, found = table.n1 + table.n0, table.x1 + table.x0
    if found in (0, total):
        return ChiSquareResult(chisq=float("nan"), p_two_sided=float("nan"))
    cross = table.x1 * (table.n0 - table.x0) - table.x0 * (table.n1 - table.x1)
    chisq = total * cross**2 / (table.n1 * table.n0 * found * (total - found))
    return ChiSquareResult(chisq=chisq, p_two_sided=float(chdtrc(1, chisq)))


def cochran_mantel_haenszel(tables: Sequence[Table], *, conf_level: float = 0.95) -> CommonOddsRatio:
    """Test two proportions within strata, and estimate the odds ratio common to them, 1 to 0.

    The test has no continuity correction. What the tables cannot tell is NaN.

    Args:
        tables: one for each stratum, at least one.
        conf_level: in (0, 1).

    Raises:
        ValueError: there is no table, or `conf_level` lies outside (0, 1).

    Source: Mantel and Haenszel (1959); Robins, Breslow and Greenland (1986) for the variance of the log odds ratio.

    >>> print(cochran_mantel_haenszel([Table(x1=9, n1=20, x0=4, n0=20), Table(x1=7, n1=10, x0=5, n0=12)]).summary())
    Cochran-Mantel-Haenszel test: chi-square 4.463, df 1, p two-sided 0.03463
    common odds ratio 3.27, CI 1.087 to 9.843
    """
    if not tables:
        raise ValueError("tables is empty; it must hold at least one table")
    z = float(ndtri(0.5 + level(conf_level) / 2))
    x1, n1, x0, n0 = (np.array([getattr(table, name) for table in tables], dtype=np.float64) for name in ("x1", "n1", "x0", "n0"))
    total, found = n1 + n0, x1 + x0
    variance = float(np.sum(n1 * n0 * found * (total - found) / (total**2 * (total - 1))))
    excess = float(np.sum(x1 - n1 * found / total))
    chisq = excess**2 / variance if variance > 0 else float("nan")

    concordant, discordant = x1 * (n0 - x0) / total, x0 * (n1 - x1) / total
    agree, disagree = (x1 + n0 - x0) / total, (x0 + n1 - x1) / total
    r, s = float(concordant.sum()), float(discordant.sum())
    if r > 0 and s > 0:
        log_variance = float(
            np.sum(agree * concordant) / (2 * r**2)
            + np.sum(agree * discordant + disagree * concordant) / (2 * r * s)
            + np.sum(disagree * discordant) / (2 * s**2)
        )
        half = z * float(np.sqrt(log_variance))
        interval = Interval(lower=r / s * float(np.exp(-half)), upper=r / s * float(np.exp(half)))
    else:
        interval = Interval(lower=float("nan"), upper=float("nan"))
    return CommonOddsRatio(
        chisq=chisq,
        p_two_sided=float(chdtrc(1, chisq)),
        odds_ratio=r / s if s > 0 else float("inf") if r > 0 else float("nan"),
        interval=interval,
    )


def _check(x: int, n: int, x_name: str, n_name: str) -> None:
    if not is_whole(n) or n < 1:
        raise ValueError(f"{n_name} is {n!r}; it must be a whole number, 1 or more")
    if not is_whole(x) or not 0 <= x <= n:
        raise ValueError(f"{x_name} is {x!r}; it must be a whole number from 0 to {n_name}, {n}")


def _log_choose(n: int, k: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _odds(rising: Callable[[float], float]) -> float:
    """Solve for the odds ratio at which a function rising with its logarithm is 0, to the last digits by halving."""
    low, high = -1.0, 1.0
    while rising(low) > 0:
        low *= 2
    while rising(high) < 0:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return float(np.exp((low + high) / 2))
