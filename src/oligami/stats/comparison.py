"""The log-rank test of two or more groups, plain and stratified.

Leaves the size of the difference to `regression` and `survival`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtr

from oligami.stats import arguments
from oligami.stats.arguments import Floats, Ints, Label


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogrankResult:
    """A log-rank test; arrays in the order of `groups`.

    The last four fields compare two groups, the second being the experimental one: a negative value favours it. They
    are NaN with any other number of groups. With a single group, or when no event tells groups apart, there is no
    test: `chisq`, `p_two_sided`, `z` and `p_one_sided` are NaN and `df` is 0.
    """

    groups: tuple[Label, ...]
    n: Ints
    observed: Ints
    expected: Floats
    variance: Floats  # of observed less expected, shape (groups, groups)
    chisq: float
    df: int
    p_two_sided: float
    U: float  # observed less expected events of the second group
    V: float  # its hypergeometric variance
    z: float  # U / sqrt(V)
    p_one_sided: float  # probability of a z as low or lower


def logrank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    groups: Sequence[Label] | None = None,
) -> LogrankResult:
    """Test whether groups have the same hazard, comparing subjects within their stratum only.

    Args:
        time: end of observation, shape (n,), >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        group: label of each subject's group, shape (n,).
        strata: labels of the strata, shape (n,), or several columns whose combinations are the strata, shape (n, k).
        groups: the groups in the order wanted, control before experimental; by default sorted. A group without
            subjects is allowed.

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not; a group is not in `groups`.

    Source: Mantel (1966); Kalbfleisch and Prentice (2002), section 1.5, for k groups and strata. Variance is
    hypergeometric.
    """
    end = arguments.times(time)
    had_event = arguments.indicators(event, end.size).astype(bool)
    found, codes = arguments.labels(group, end.size, "group")
    stratum = arguments.strata_codes(strata, end.size)
    names = found if groups is None else tuple(groups)
    if len(set(names)) != len(names) or not set(found) <= set(names):
        raise ValueError(f"groups are {names!r}; they must be different and include {found!r}")
    codes = np.array([names.index(label) for label in found])[codes]
    k = len(names)

    expected = np.zeros(k)
    variance = np.zeros((k, k))
    for s in range(int(stratum.max()) + 1):
        inside = stratum == s
        part_expected, part_variance = _stratum(end[inside], had_event[inside], codes[inside], k)
        expected += part_expected
        variance += part_variance
    observed = np.bincount(codes[had_event], minlength=k)

    chisq, df = _quadratic(observed - expected, variance, expected)
    u = v = z = float("nan")
    if k == 2:
        u, v = float(observed[1] - expected[1]), float(variance[1, 1])
        z = u / float(np.sqrt(v)) if v > 0 else float("nan")
    return LogrankResult(
        groups=names,
        n=arguments.frozen(np.bincount(codes, minlength=k)),
        observed=arguments.frozen(observed),
        expected=arguments.frozen(expected),
        variance=arguments.frozen(variance),
        chisq=chisq,
        df=df,
        p_two_sided=float(chdtrc(df, chisq)) if df > 0 else float("nan"),
        U=u,
        V=v,
        z=z,
        p_one_sided=float(ndtr(z)),
    )


def _stratum(end: Floats, had_event: NDArray[np.bool_], codes: Ints, k: int) -> tuple[Floats, Floats]:
    """Expected events of each group in one stratum, and the variance of observed less expected."""
    moments = np.unique(end[had_event])
    by_group = [np.sort(end[codes == g]) for g in range(k)]
    # A subject is at risk at a moment when its own end is not before it.
    at_risk = np.stack([ends.size - np.searchsorted(ends, moments, side="left") for ends in by_group], axis=1)
    deaths = np.bincount(np.searchsorted(moments, end[had_event]), minlength=moments.size)
    total = at_risk.sum(axis=1)
    share = at_risk / total[:, np.newaxis]
    spread = deaths * (total - deaths) / np.maximum(total - 1, 1)
    return deaths @ share, np.diag(spread @ share) - (share * spread[:, np.newaxis]).T @ share


def _quadratic(difference: Floats, variance: Floats, expected: Floats) -> tuple[float, int]:
    """Chi-square of the differences with its degrees of freedom; NaN and 0 when nothing can be compared.

    The differences add up to 0, so one group is redundant; a group that was never at risk at an event adds nothing.
    """
    informative = np.flatnonzero((expected > 0) & (np.diag(variance) > 0))
    if informative.size < 2:
        return float("nan"), 0
    keep = informative[1:]
    part = difference[keep]
    return float(part @ np.linalg.lstsq(variance[np.ix_(keep, keep)], part)[0]), int(keep.size)
