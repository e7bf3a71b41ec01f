"""Competing risks: cumulative incidence of each cause (Aalen-Johansen), its limits, and Gray's test of groups.

Leaves regression of a cumulative incidence to its own module.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from oligami.stats import arguments, curve_limits, curve_plot, show
from oligami.stats.arguments import Floats, Ints, Label
from oligami.stats.curve_limits import ConfidenceType
from oligami.stats.normal_difference import Difference, normal_difference


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CumulativeIncidence:
    """Probability of having had each cause first, one row a cause and one column a distinct observed time."""

    causes: tuple[int, ...]
    time: Floats
    n_risk: Ints
    incidence: Floats
    variance: Floats
    n: int
    events: tuple[int, ...]  # by cause

    def at(self, times: ArrayLike) -> tuple[Floats, Floats]:
        """Read incidence and variance at any times, each of shape (causes, times); the last value is carried on.

        Raises:
            ValueError: a time is negative or missing.
        """
        row = np.searchsorted(self.time, arguments.times(times, "times"), side="right")
        start = np.zeros((len(self.causes), 1))
        return np.hstack((start, self.incidence))[:, row], np.hstack((start, self.variance))[:, row]

    def limits(
        self, times: ArrayLike, *, conf_level: float = 0.95, conf_type: ConfidenceType = "log-log"
    ) -> tuple[Floats, Floats]:
        """Return pointwise limits at any times, each of shape (causes, times); 0 and 0 while the incidence is 0.

        Args:
            times: times, each 0 or later, in the unit of `time`.
            conf_level: in (0, 1).
            conf_type: scale on which the limits are symmetric.

        Raises:
            ValueError: a time is negative or missing, the level outside (0, 1), the name of the scale unknown.

        Source: Choudhury (2002), Statistics in Medicine 21, 1129-1144, for the log-log scale; delta method.

        >>> curves = cumulative_incidence([1, 2, 3, 4, 5, 6], [1, 2, 1, 0, 2, 0])
        >>> [limit.round(4).tolist() for limit in curves.limits([3.0])]
        [[[0.0297], [0.0042]], [[0.7096], [0.5559]]]
        """
        curve_limits.scale(conf_type)
        value, variance = self.at(times)
        nothing_yet = value <= 0
        error = np.sqrt(np.maximum(variance, 0)) / np.where(nothing_yet, 1.0, value)
        lower, upper = curve_limits.limits(value, error, arguments.level(conf_level), conf_type)
        return np.where(nothing_yet, 0.0, lower), np.where(nothing_yet, 0.0, upper)

    def summary(self) -> str:
        """Return events and final incidence of each cause as a text table."""
        lower, upper = self.limits([self.time[-1]])
        rows = [
            [cause, self.events[k], float(self.incidence[k, -1]), float(lower[k, 0]), float(upper[k, 0])]
            for k, cause in enumerate(self.causes)
        ]
        return show.table(
            f"Cumulative incidence: {self.n} subjects, until time {show.number(self.time[-1])}",
            ["cause", "events", "incidence", "lower", "upper"],
            rows,
            ["Limits: 95% pointwise, log-log scale."],
        )

    def to_frame(self) -> Any:
        """Return the curves as a pandas DataFrame, one row a cause and time."""
        lower, upper = self.limits(self.time)
        return show.frame(
            {
                "cause": np.repeat(self.causes, self.time.size),
                "time": np.tile(self.time, len(self.causes)),
                "n_risk": np.tile(self.n_risk, len(self.causes)),
                "incidence": self.incidence.ravel(),
                "std_err": np.sqrt(np.maximum(self.variance, 0)).ravel(),
                "lower": lower.ravel(),
                "upper": upper.ravel(),
            }
        )

    def plot(self, ax: Any = None, *, labels: Sequence[str] | None = None) -> Any:
        """Draw one curve a cause, each with its 95% band, and return the axes (by default new ones).

        Args:
            ax: matplotlib axes.
            labels: of the causes, for the legend; by default their numbers.
        """
        axes = show.axes(ax)
        lower, upper = self.limits(self.time)
        for k, cause in enumerate(self.causes):
            curve_plot.draw_steps(
                axes,
                self.time,
                self.incidence[k],
                start=0.0,
                band=(lower[k], upper[k]),
                label=labels[k] if labels is not None else f"cause {cause}",
                heading="cumulative incidence",
            )
        axes.set_ylim(0, 1.02)
        return axes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrayTest:
    """Gray's test that groups have the same cumulative incidence of one cause.

    With a single group, or when the cause tells no groups apart, there is no test: `chisq` and `p_two_sided` are NaN and
    `df` is 0.
    """

    cause: int
    groups: tuple[Label, ...]
    score: Floats  # weighted events observed less expected, a value for each group
    variance: Floats  # of the score, shape (groups, groups)
    chisq: float
    df: int
    p_two_sided: float

    def summary(self) -> str:
        """Return the test as a line of text."""
        told = f"chi-square {show.number(self.chisq)} on {self.df} df, p {show.number(self.p_two_sided)}"
        return f"Gray's test of cause {self.cause} in {len(self.groups)} groups: {told}"

    def to_frame(self) -> Any:
        """Return a pandas DataFrame, one row a group."""
        variance = np.diag(self.variance)
        return show.frame({"group": np.array(self.groups, dtype=object), "score": self.score, "variance": variance})


def cumulative_incidence(time: ArrayLike, cause: ArrayLike, *, causes: Sequence[int] | None = None) -> CumulativeIncidence:
    """Estimate, by the Aalen-Johansen method, how often each of several competing causes comes first.

    Args:
        time: end of observation, shape (n,), >= 0.
        cause: 0 when it was censored, otherwise the positive number of the cause, shape (n,).
        causes: the causes in the order wanted, at least all that occur; by default those that occur, ascending.

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not; a cause is not in `causes`.

    Source: Aalen and Johansen (1978); variance of Aalen (1978) as in the R package cmprsk.

    >>> curves = cumulative_incidence([1, 2, 3, 4], [1, 2, 0, 1])
    >>> curves.incidence.tolist()
    [[0.25, 0.25, 0.25, 0.75], [0.0, 0.25, 0.25, 0.25]]
    """
    end = arguments.times(time)
    ended_by = arguments.counts(cause, end.size, "cause")
    occurring = sorted(set(np.unique(ended_by).tolist()) - {0})
    wanted = tuple(occurring if causes is None else (arguments.whole(c, "causes", at_least=1) for c in causes))
    if len(set(wanted)) != len(wanted) or any(c <= 0 for c in wanted) or not set(occurring) <= set(wanted):
        raise ValueError(f"causes are {wanted}; they must be different positive numbers and include {occurring}")

    distinct, row = np.unique(end, return_inverse=True)
    n_risk = np.cumsum(np.bincount(row, minlength=distinct.size)[::-1])[::-1]
    n_event = np.bincount(row[ended_by > 0], minlength=distinct.size).astype(np.float64)
    after: Floats = np.cumprod((n_risk - n_event) / n_risk, dtype=np.float64)
    before = np.append(1.0, after[:-1])
    incidence = np.empty((len(wanted), distinct.size))
    variance = np.empty_like(incidence)
    for k, number in enumerate(wanted):
        own = np.bincount(row[ended_by == number], minlength=distinct.size).astype(np.float64)
        incidence[k] = np.cumsum(before * own / n_risk)
        variance[k] = _incidence_variance(incidence[k], before, after, n_risk, own, n_event - own)
    return CumulativeIncidence(
        causes=wanted,
        time=arguments.frozen(distinct),
        n_risk=arguments.frozen(n_risk),
        incidence=arguments.frozen(incidence),
        variance=arguments.frozen(variance),
        n=int(end.size),
        events=tuple(int((ended_by == number).sum()) for number in wanted),
    )


def incidence_difference(
    curves_a: CumulativeIncidence, curves_b: CumulativeIncidence, t: float, cause: int, conf_level: float = 0.95
) -> Difference:
    """Compare two independent groups at one time: incidence of a cause in b less that in a.

    Without any event of the cause up to `t` in both groups the error is 0 and p is NaN.

    Raises:
        ValueError: `t` is negative or missing, the cause is not among those of both, or the level outside (0, 1).

    Source: independent normal estimates, variances of Aalen (1978) added up.

    >>> a, b = cumulative_incidence([1, 2, 3, 4], [1, 2, 0, 1]), cumulative_incidence([1, 2, 3, 4], [0, 1, 1, 2])
    >>> round(incidence_difference(a, b, 3.0, 1).value, 4)
    0.4167
    """
    for name, curves in (("curves_a", curves_a), ("curves_b", curves_b)):
        if cause not in curves.causes:
            raise ValueError(f"cause is {cause!r}; it must be one of those of {name}, {curves.causes}")
    a_value, a_variance = (found[curves_a.causes.index(cause), 0] for found in curves_a.at([t]))
    b_value, b_variance = (found[curves_b.causes.index(cause), 0] for found in curves_b.at([t]))
    return normal_difference(float(b_value - a_value), float(np.sqrt(max(a_variance + b_variance, 0.0))), conf_level)


def gray_test(
    time: ArrayLike,
    cause: ArrayLike,
    group: ArrayLike,
    *,
    of: int = 1,
    strata: ArrayLike | None = None,
    rho: float = 0.0,
    groups: Sequence[Label] | None = None,
) -> GrayTest:
    """Test whether groups have the same cumulative incidence of one cause, others competing.

    Args:
        time: end of observation, shape (n,), >= 0.
        cause: 0 when it was censored, otherwise the positive number of the cause, shape (n,).
        group: label of each subject's group, shape (n,).
        of: the cause tested; any other is a competing one.
        strata: labels of the strata, shape (n,), or several columns whose combinations are the strata, shape (n, k);
            score and variance are added up over them.
        rho: power of the weight (1 - F(t-))^rho, F being the pooled incidence of the stratum.
        groups: the groups in the order wanted; by default sorted. A group without subjects is allowed.

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not; a group is not in `groups`; the
            cause tested is not positive; `rho` is not finite.

    Source: Gray (1988), Annals of Statistics 16, 1141-1154; the variance as in the R package cmprsk (`cuminc`).

    >>> time, cause = [1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 0, 2, 2, 1, 0, 1]
    >>> test = gray_test(time, cause, ["A", "B"] * 4)
    >>> round(test.chisq, 4), test.df
    (0.1334, 1)
    """
    end = arguments.times(time)
    ended_by = arguments.counts(cause, end.size, "cause")
    found, codes = arguments.labels(group, end.size, "group")
    stratum = arguments.strata_codes(strata, end.size)
    names = found if groups is None else tuple(groups)
    if len(set(names)) != len(names) or not set(found) <= set(names):
        raise ValueError(f"groups are {names!r}; they must be different and include {found!r}")
    if not arguments.is_whole(of) or of <= 0:
        raise ValueError(f"of is {of!r}; it must be the positive number of a cause")
    arguments.number(rho, "rho")
    codes = np.array([names.index(label) for label in found])[codes]
    kind = np.where(ended_by == of, 1, np.where(ended_by > 0, 2, 0))
    score, variance = np.zeros(len(names)), np.zeros((len(names), len(names)))
    for s in range(int(stratum.max()) + 1):
        inside = stratum == s
        part_score, part_variance = _gray_score(end[inside], kind[inside], codes[inside], len(names), rho)
        score += part_score
        variance += part_variance
    informative = np.flatnonzero(np.diag(variance) > 0)
    keep = informative[1:]  # scores of all groups follow from those of all but one
    chisq, df = float("nan"), int(keep.size)
    if df > 0:
        chisq = float(score[keep] @ np.linalg.lstsq(variance[np.ix_(keep, keep)], score[keep])[0])
    return GrayTest(
        cause=int(of),
        groups=names,
        score=arguments.frozen(score),
        variance=arguments.frozen(variance),
        chisq=chisq,
        df=df,
        p_two_sided=float(chdtrc(df, chisq)) if df > 0 else float("nan"),
    )


def _gray_score(end: Floats, kind: Ints, codes: Ints, k: int, rho: float) -> tuple[Floats, Floats]:
    """Score of each group in one stratum and its variance; `kind` is 1 for the cause tested, 2 for others, 0 censored.

    Arrays run over event times, then groups. `share` is R / S(t-), the adjusted number at risk.
    """
    moments = np.unique(end[kind > 0])
    if moments.size == 0:
        return np.zeros(k), np.zeros((k, k))
    size = moments.size
    n_risk = np.empty((size, k))
    own, other = np.zeros((size, k)), np.zeros((size, k))
    for g in range(k):
        mine = codes == g
        ends = np.sort(end[mine])
        n_risk[:, g] = ends.size - np.searchsorted(ends, moments, side="left")
        for counted, number in ((own, 1), (other, 2)):
            counted[:, g] = np.bincount(np.searchsorted(moments, end[mine & (kind == number)]), minlength=size)
    present = n_risk > 0
    at_risk = np.where(present, n_risk, 1.0)
    after = np.cumprod(1 - (own + other) / at_risk, axis=0)  # survival free of any cause
    before = np.vstack((np.ones(k), after[:-1]))
    incidence = np.cumsum(before * own / at_risk, axis=0)
    incidence_before = np.vstack((np.zeros(k), incidence[:-1]))
    before = np.where(present, before, 1.0)
    share = n_risk / before
    total = share.sum(axis=1)
    total_free = (share * (1 - incidence_before)).sum(axis=1)
    events = own.sum(axis=1)
    pooled = np.cumsum(events / total)
    pooled_before = np.append(0.0, pooled[:-1])
    weight = (1 - pooled_before) ** rho
    expected = share * (1 - incidence_before) * (events / total_free)[:, np.newaxis]
    score = weight @ np.where(present, own - expected, 0.0)

    # Covariance: each group's events of either kind move the scores of all groups, now and later.
    spread = share[:, :, np.newaxis] * (np.eye(k) - (share / total[:, np.newaxis])[:, np.newaxis, :])
    a = weight[:, np.newaxis, np.newaxis] * spread
    c = np.cumsum(a * (events / (total * (1 - pooled_before)))[:, np.newaxis, np.newaxis], axis=0)
    left = after > 0
    ratio = (1 - pooled)[:, np.newaxis] / np.where(left, after, 1.0)

    own_ratio = np.where(left, 1 - ratio, 1.0)
    units = total[:, np.newaxis] * before
    tie = 1 - np.maximum(events - 1, 0)[:, np.newaxis] / np.where(units > 1, units - 1, np.inf)
    own_part = np.where(present, tie * before * (events / total)[:, np.newaxis] / at_risk, 0.0)
    others_tie = 1 - np.maximum(other - 1, 0) / np.maximum(at_risk - 1, 1)
    other_part = np.where(left, others_tie * before**2 * other / at_risk**2, 0.0)

    by_own = a - own_ratio[:, np.newaxis, :] * c
    by_other = ratio[:, np.newaxis, :] * c
    variance = np.einsum("tik,tjk,tk->ij", by_own, by_own, own_part) + np.einsum("tik,tjk,tk->ij", by_other, by_other, other_part)
    v3 = np.einsum("tk,tk->k", own_ratio**2, own_part) + np.einsum("tk,tk->k", ratio**2, other_part)
    v2 = np.einsum("tik,tk,tk->ik", by_own, own_ratio, own_part) - np.einsum("tik,tk,tk->ik", by_other, ratio, other_part)
    last = c[-1]
    crossed = last @ v2.T
    return score, variance + (last * v3) @ last.T + crossed + crossed.T


def _incidence_variance(incidence: Floats, before: Floats, after: Floats, n_risk: Ints, own: Floats, other: Floats) -> Floats:
    """Aalen's variance of one cumulative incidence; it changes only where its own cause occurs."""
    own_spread = before**2 * (1 - np.maximum(own - 1, 0) / np.maximum(n_risk - 1, 1)) * own / n_risk**2
    other_spread = before**2 * (1 - np.maximum(other - 1, 0) / np.maximum(n_risk - 1, 1)) * other / n_risk**2
    left = after > 0
    inverse = left / np.where(left, after, 1)
    other_spread = other_spread * left
    share = incidence * inverse
    v1 = np.cumsum(share**2 * other_spread + (1 + share) ** 2 * own_spread)
    v2 = np.cumsum(inverse * share * other_spread + inverse * (1 + share) * own_spread)
    v3 = np.cumsum(inverse**2 * (other_spread + own_spread))
    raw = v1 + incidence**2 * v3 - 2 * incidence * v2
    # Carry the value of the latest own event forward.
    latest = np.maximum.accumulate(np.where(own > 0, np.arange(own.size), -1))
    return np.where(latest >= 0, raw[np.maximum(latest, 0)], 0.0)
