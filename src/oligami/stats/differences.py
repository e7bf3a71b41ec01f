"""Score intervals and tests of two proportions: Miettinen-Nurminen and Farrington-Manning.

Each asks how far the proportions seen lie from a difference, or ratio, supposed, with the variance that supposition
implies: so interval and test never contradict each other, and zero counts are no trouble. Leaves exact methods,
Newcombe's interval and odds ratios to `proportions`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from oligami.stats import show
from oligami.stats.arguments import Floats, level, number
from oligami.stats.proportions import Interval, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreComparison:
    """Proportion 1 compared with proportion 0 by a difference or a ratio, with its score interval and test."""

    measure: str  # "difference" or "ratio"
    method: str
    estimate: float  # 1 less 0, or 1 to 0; NaN for the ratio of two zeros
    interval: Interval
    null: float  # the value tested
    z: float  # positive when the estimate lies above it; 0 for no difference where nobody, or everybody, has it
    p_two_sided: float
    p_greater: float  # small when the truth lies above the null: non-inferiority to a margin below 0
    p_less: float
    conf_level: float

    def summary(self) -> str:
        """Show the estimate, its interval and the test as lines of text."""
        limits = f"{show.number(self.interval.lower)} to {show.number(self.interval.upper)}"
        return (
            f"{self.measure} ({self.method}) {show.number(self.estimate)}, {100 * self.conf_level:g} % CI {limits}\n"
            f"against {self.null:g}: z {show.number(self.z)}, p two-sided {show.number(self.p_two_sided)},"
            f" greater {show.number(self.p_greater)}, less {show.number(self.p_less)}"
        )

    def to_frame(self) -> Any:
        """Return a data frame with one row."""
        names = ("measure", "method", "estimate", "null", "z", "p_two_sided", "p_greater", "p_less", "conf_level")
        limits = {"lower": [self.interval.lower], "upper": [self.interval.upper]}
        return show.frame({name: [getattr(self, name)] for name in names} | limits)


def miettinen_nurminen_difference(
    tables: Table | Sequence[Table], *, null: float = 0.0, conf_level: float = 0.95
) -> ScoreComparison:
    """Compare two proportions by their difference, 1 less 0, with the score interval of Miettinen and Nurminen.

    Args:
        tables: one table, or one a stratum; strata are weighted by n1 n0 / (n1 + n0), as by Mantel and Haenszel.
        null: the difference tested, in (-1, 1): 0, or a margin, such as -0.1 for non-inferiority.
        conf_level: in (0, 1).

    Raises:
        ValueError: there is no table, or a number is out of range.

    Source: Miettinen and Nurminen (1985), Statistics in Medicine 4, 213-226, with the factor N / (N - 1); the
    restricted estimates in closed form as in Farrington and Manning (1990).

    >>> print(miettinen_nurminen_difference(Table(x1=56, n1=70, x0=48, n0=80)).summary())
    difference (Miettinen-Nurminen) 0.2, 95 % CI 0.05283 to 0.3382
    against 0: z 2.641, p two-sided 0.008258, greater 0.004129, less 0.9959
    """
    return _difference(tables, null, conf_level, "Miettinen-Nurminen", corrected=True)


def farrington_manning_difference(
    tables: Table | Sequence[Table], *, null: float = 0.0, conf_level: float = 0.95
) -> ScoreComparison:
    """Compare two proportions by their difference as `miettinen_nurminen_difference` does, without N / (N - 1).

    With one table and null 0 the squared z is Pearson's chi-square where that is defined.

    Raises:
        ValueError: as `miettinen_nurminen_difference`.

    Source: Farrington and Manning (1990), Statistics in Medicine 9, 1447-1454.

    >>> round(farrington_manning_difference(Table(x1=85, n1=100, x0=84, n0=100), null=-0.1).p_greater, 5)
    0.01796
    """
    return _difference(tables, null, conf_level, "Farrington-Manning", corrected=False)


def miettinen_nurminen_ratio(table: Table, *, null: float = 1.0, conf_level: float = 0.95) -> ScoreComparison:
    """Compare two proportions by their ratio, 1 to 0, with the score interval of Miettinen and Nurminen.

    The interval starts at 0 when nobody in group 1 has the finding, and has no upper end when nobody in group 0 has.

    Args:
        table: the counts.
        null: the ratio tested, > 0.
        conf_level: in (0, 1).

    Raises:
        ValueError: a number is out of range.

    Source: Miettinen and Nurminen (1985), Statistics in Medicine 4, 213-226.

    >>> print(miettinen_nurminen_ratio(Table(x1=56, n1=70, x0=48, n0=80)).summary())
    ratio (Miettinen-Nurminen) 1.333, 95 % CI 1.079 to 1.672
    against 1: z 2.641, p two-sided 0.008258, greater 0.004129, less 0.9959
    """
    number(null, "null", above=0)
    quantile = _quantile(conf_level)
    p1, p0 = table.x1 / table.n1, table.x0 / table.n0

    def z_at(log_ratio: float) -> float:
        return _ratio_z(table, float(np.exp(log_ratio)))

    return _comparison(
        measure="ratio",
        method="Miettinen-Nurminen",
        estimate=p1 / p0 if p0 > 0 else float("inf") if p1 > 0 else float("nan"),
        interval=Interval(
            lower=0.0 if table.x1 == 0 else float(np.exp(_crossing(z_at, quantile, *_bracket(z_at, quantile)))),
            upper=float("inf") if table.x0 == 0 else float(np.exp(_crossing(z_at, -quantile, *_bracket(z_at, -quantile)))),
        ),
        null=null,
        z=_ratio_z(table, null),
        conf_level=conf_level,
    )


def _difference(
    tables: Table | Sequence[Table], null: float, conf_level: float, method: str, *, corrected: bool
) -> ScoreComparison:
    strata = [tables] if isinstance(tables, Table) else list(tables)
    if not strata:
        raise ValueError("tables is empty; it must hold at least one table")
    number(null, "null", above=-1, below=1)
    quantile = _quantile(conf_level)
    x1, n1, x0, n0 = (np.array([getattr(table, name) for table in strata], dtype=np.float64) for name in ("x1", "n1", "x0", "n0"))
    weights = n1 * n0 / (n1 + n0)
    weights /= weights.sum()
    inflation = (n1 + n0) / (n1 + n0 - 1) if corrected else np.ones(n1.size)
    estimate = float(weights @ (x1 / n1 - x0 / n0))

    def z_at(delta: float) -> float:
        one, zero = _restricted(x1, n1, x0, n0, delta)
        variance = float(weights**2 @ ((one * (1 - one) / n1 + zero * (1 - zero) / n0) * inflation))
        return _standardized(estimate - delta, variance)

    return _comparison(
        measure="difference",
        method=method,
        estimate=estimate,
        interval=Interval(lower=_crossing(z_at, quantile, -1.0, 1.0), upper=_crossing(z_at, -quantile, -1.0, 1.0)),
        null=null,
        z=z_at(null),
        conf_level=conf_level,
    )


def _comparison(
    *, measure: str, method: str, estimate: float, interval: Interval, null: float, z: float, conf_level: float
) -> ScoreComparison:
    return ScoreComparison(
        measure=measure,
        method=method,
        estimate=estimate,
        interval=interval,
        null=null,
        z=z,
        p_two_sided=float(2 * ndtr(-abs(z))),
        p_greater=float(ndtr(-z)),
        p_less=float(ndtr(z)),
        conf_level=conf_level,
    )


def _restricted(x1: Floats, n1: Floats, x0: Floats, n0: Floats, delta: float) -> tuple[Floats, Floats]:
    """Most likely proportions whose difference is delta: the one root of a cubic that makes both proportions."""
    theta, p1, p0 = n0 / n1, x1 / n1, x0 / n0
    a = 1 + theta
    b = -(1 + theta + p1 + theta * p0 + delta * (theta + 2))
    c = delta**2 + delta * (2 * p1 + theta + 1) + p1 + theta * p0
    d = -p1 * delta * (1 + delta)
    v = (b / (3 * a)) ** 3 - b * c / (6 * a**2) + d / (2 * a)
    u = np.copysign(np.sqrt(np.maximum((b / (3 * a)) ** 2 - c / (3 * a), 0)), v)
    cube = np.where(u == 0, 1.0, u**3)
    w = (np.pi + np.arccos(np.clip(v / cube, -1, 1))) / 3
    one = 2 * u * np.cos(w) - b / (3 * a)
    one = np.clip(one, max(delta, 0.0), min(1 + delta, 1.0))
    return one, np.clip(one - delta, 0.0, 1.0)


def _ratio_z(table: Table, ratio: float) -> float:
    """How many standard errors the proportions lie from a ratio supposed."""
    x1, n1, x0, n0 = table.x1, table.n1, table.x0, table.n0
    a, c = (n1 + n0) * ratio, x1 + x0
    b = n1 * ratio + x1 + n0 + x0 * ratio
    # The smaller root, written so that it does not cancel.
    zero = min(2 * c / (b + float(np.sqrt(max(b * b - 4 * a * c, 0.0)))), 1.0)
    one = min(zero * ratio, 1.0)
    variance = (one * (1 - one) / n1 + ratio**2 * zero * (1 - zero) / n0) * (n1 + n0) / (n1 + n0 - 1)
    return _standardized(x1 / n1 - ratio * x0 / n0, variance)


def _standardized(distance: float, variance: float) -> float:
    # Variance vanishes only where both proportions are 0, or both 1, and there the distance vanishes faster: z is 0 by
    # continuity. Rounding leaves a last digit of either.
    if variance <= 1e-30:
        return 0.0 if abs(distance) < 1e-15 else float(np.copysign(np.inf, distance))
    return distance / float(np.sqrt(variance))


def _quantile(conf_level: float) -> float:
    return float(ndtri(0.5 + level(conf_level) / 2))


def _bracket(z_at: Callable[[float], float], height: float) -> tuple[float, float]:
    """Logarithms of ratios between which z falls through a height."""
    low, high = -1.0, 1.0
    while z_at(low) < height and low > -250:
        low *= 2
    while z_at(high) > height and high < 250:
        high *= 2
    return low, high


def _crossing(z_at: Callable[[float], float], height: float, low: float, high: float) -> float:
    """Where z, which falls, passes a height, to the last digits by halving; an end of the range when it does not."""
    for _ in range(70):
        middle = (low + high) / 2
        beyond = z_at(middle) > height
        low, high = (middle, high) if beyond else (low, middle)
    return (low + high) / 2
