"""The few shapes in which a result is told: an estimate with its intervals, a proportion, a spread, a tally.

A number that is not defined is None, and the result says why in both languages; it is never NaN and never a guess.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from oligami.protocol.text import Text
from oligami.stats.proportions import Table, clopper_pearson, newcombe_difference

NOBODY = Text("nobody to count", "対象者がいない")
NO_EVENT = Text("no event yet", "イベントがまだない")
ONE_ARM_EMPTY = Text("an arm has nobody to compare", "比較すべき対象者がいない群がある")
ONE_ARM_WITHOUT_EVENT = Text(
    "all events lie in one arm, so the ratio has no finite estimate",
    "イベントが一方の群にしかなく、比を有限の値として推定できない",
)
NOT_COMPARABLE = Text("no event at which both arms were under observation", "両群がともに観察されている時点のイベントがない")
NOT_CONVERGED = Text("the search for the estimate gave up", "推定計算が収束しなかった")
NOT_REACHED = Text("not reached", "未到達")
NOT_FOLLOWED = Text("not followed so long", "追跡未到達")
AT_ZERO = Text("the curve has reached zero, where it has no standard error", "曲線が0に達し、標準誤差が定義されない")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval; a limit that is not reached is None."""

    level: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """An estimate with its intervals. `reason` says why `value` is None."""

    value: float | None
    intervals: tuple[Interval, ...] = ()
    reason: Text | None = None

    def interval(self, level: float) -> Interval:
        """Return the interval of a level; one without limits if it was not computed."""
        for interval in self.intervals:
            if abs(interval.level - level) < 1e-9:
                return interval
        return Interval(level=level, lower=None, upper=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion:
    """Subjects with the finding among all, with the exact (Clopper-Pearson) interval; None when there is nobody."""

    count: int
    total: int
    value: float | None
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median, quartiles and range of a measured quantity. Quartiles are those of R's default (type 7)."""

    n: int
    missing: int
    median: float | None
    lower_quartile: float | None
    upper_quartile: float | None
    lowest: float | None
    highest: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often a value occurs among `total`. value None: not known."""

    value: str | None
    count: int
    total: int

    @property
    def share(self) -> float | None:
        """Its share of the total, None of nobody."""
        return self.count / self.total if self.total else None


def undefined(reason: Text) -> Estimate:
    """Say that there is no estimate, and why."""
    return Estimate(value=None, reason=reason)


def finite(value: float) -> float | None:
    """Turn NaN and infinity into None."""
    return float(value) if np.isfinite(value) else None


def proportion(count: int, total: int, level: float) -> Proportion:
    """Estimate a proportion with its exact interval."""
    if total == 0:
        return Proportion(count=0, total=0, value=None, interval=Interval(level=level, lower=None, upper=None))
    exact = clopper_pearson(count, total, conf_level=level)
    return Proportion(
        count=count,
        total=total,
        value=count / total,
        interval=Interval(level=level, lower=exact.lower, upper=exact.upper),
    )


def proportion_difference(experimental: Proportion, control: Proportion, level: float) -> Estimate:
    """Estimate the proportion of the experimental arm less that of the control arm, with Newcombe's interval (method 10)."""
    if experimental.value is None or control.value is None:
        return undefined(ONE_ARM_EMPTY)
    table = Table(x1=experimental.count, n1=experimental.total, x0=control.count, n0=control.total)
    limits = newcombe_difference(table, conf_level=level)
    return Estimate(
        value=experimental.value - control.value,
        intervals=(Interval(level=level, lower=limits.lower, upper=limits.upper),),
    )


def spread(values: Iterable[float | None]) -> Spread:
    """Sum up a measured quantity; None counts as missing."""
    given = list(values)
    known = np.array([value for value in given if value is not None], dtype=np.float64)
    if known.size == 0:
        return Spread(n=0, missing=len(given), median=None, lower_quartile=None, upper_quartile=None, lowest=None, highest=None)
    quartiles = np.quantile(known, [0.25, 0.5, 0.75])
    return Spread(
        n=int(known.size),
        missing=len(given) - int(known.size),
        median=float(quartiles[1]),
        lower_quartile=float(quartiles[0]),
        upper_quartile=float(quartiles[2]),
        lowest=float(known.min()),
        highest=float(known.max()),
    )


def by_frequency(counts: Iterable[Tally]) -> tuple[Tally, ...]:
    """Order counts: the most frequent first, equal ones by name, what is not known last."""
    return tuple(sorted(counts, key=lambda tally: (tally.value is None, -tally.count, tally.value or "")))


def tallies(values: Iterable[str | None], order: Sequence[str] = (), *, keep_empty: bool = True) -> tuple[Tally, ...]:
    """Count values: first those of `order`, then others by name, then what is not known (only if it occurs).

    keep_empty: whether a value of `order` that does not occur is kept with 0.
    """
    given = list(values)
    known = {value for value in given if value is not None}
    rows: list[str | None] = [value for value in order if keep_empty or value in known]
    rows += sorted(known - set(order))
    if None in given:
        rows.append(None)
    return tuple(Tally(value=value, count=given.count(value), total=len(given)) for value in rows)
