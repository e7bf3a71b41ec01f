"""The log-rank test of two or more groups: plain or weighted, stratified, with late entries.

Leaves the choice of weights to `weights`, several weights at once to `combination`, and the size of the difference to
`regression` and `survival`; only Peto's one-step hazard ratio, which is read off the test, stands here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtr, ndtri

from oligami.stats import arguments, fast, show
from oligami.stats.arguments import Codes, Floats, Ints, Label
from oligami.stats.weights import Weight, chosen, label_of, weights_at


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogrankResult:
    """A log-rank test; arrays in the order of `groups`.

    `observed`, `expected`, `variance`, `U` and `V` are weighted: with the weight "logrank" they are counts of events
    and their variance. `U`, `V`, `z` and `p_one_sided` compare two groups, the second being the experimental one: a
    negative value favours it. They are NaN with any other number of groups. With a single group, or when no event
    tells groups apart, there is no test: `chisq`, `p_two_sided`, `z` and `p_one_sided` are NaN and `df` is 0.
    """

    groups: tuple[Label, ...]
    n: Ints
    events: Ints
    observed: Floats
    expected: Floats
    variance: Floats  # of observed less expected, shape (groups, groups)
    chisq: float
    df: int
    p_two_sided: float
    U: float  # observed less expected of the second group
    V: float  # its hypergeometric variance
    z: float  # U / sqrt(V)
    p_one_sided: float  # probability of a z as low or lower
    weight: str
    n_strata: int

    def summary(self) -> str:
        """Show the groups and the test as lines of text."""
        rows = [
            [label, int(n), int(events), float(observed), float(expected)]
            for label, n, events, observed, expected in zip(
                self.groups, self.n, self.events, self.observed, self.expected, strict=True
            )
        ]
        notes = [f"chi-square {show.number(self.chisq)}, df {self.df}, p two-sided {show.number(self.p_two_sided)}"]
        if len(self.groups) == 2:
            notes.append(
                f"z {show.number(self.z)} (negative favours {self.groups[1]}), p one-sided {show.number(self.p_one_sided)}"
            )
        strata = f", {self.n_strata} strata" if self.n_strata > 1 else ""
        return show.table(
            f"Log-rank test, weight {self.weight}{strata}", ["group", "n", "events", "observed", "expected"], rows, notes
        )

    def to_frame(self) -> Any:
        """Return a data frame with one row a group."""
        return show.frame(
            {
                "group": np.array(self.groups, dtype=object),
                "n": self.n,
                "events": self.events,
                "observed": self.observed,
                "expected": self.expected,
                "variance": np.diag(self.variance),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PetoHazardRatio:
    """Peto's one-step hazard ratio of the second group to the first, with a normal interval of its logarithm."""

    value: float
    lower: float
    upper: float
    log_value: float
    std_err: float  # of the logarithm
    conf_level: float

    def summary(self) -> str:
        """Show the ratio and its interval in a line of text."""
        limits = f"{show.number(self.lower)} to {show.number(self.upper)}"
        return f"hazard ratio (Peto) {show.number(self.value)}, {100 * self.conf_level:g} % CI {limits}"

    def to_frame(self) -> Any:
        """Return a data frame with one row."""
        return show.frame({name: [getattr(self, name)] for name in ("value", "lower", "upper", "log_value", "std_err")})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupRisk:
    """Who had the event, and who could have had it, at each moment an event happened: rows are groups."""

    moments: Floats  # shape (m,), ascending
    deaths: Floats  # shape (groups, m)
    at_risk: Floats  # shape (groups, m)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """The checked columns of a comparison: `codes` number the `groups`, `stratum` the strata from 0 without gaps."""

    end: Floats
    had_event: NDArray[np.bool_]
    codes: Codes
    stratum: Ints
    entry: Floats | None
    groups: tuple[Label, ...]

    @property
    def n_strata(self) -> int:
        """The number of strata."""
        if self.stratum.strides == (0,):  # one number stands for all
            return 1
        return int(self.stratum.max()) + 1

    @property
    def counts(self) -> Ints:
        """Subjects of each group without and with the event, shape (groups, 2)."""
        k, kernels = len(self.groups), fast.kernels(self.codes.size)
        if k == 2 and self.codes.itemsize == 1:
            second = self.codes.view(np.bool_)
            n, events = np.count_nonzero(second), np.count_nonzero(second & self.had_event)
            without = second.size - n, np.count_nonzero(self.had_event) - events
            return np.array([[without[0] - without[1], without[1]], [n - events, events]])
        if kernels is not None:
            n, events = kernels.group_sizes(self.had_event, self.codes, k)
            return np.column_stack((n - events, events))
        return np.bincount(2 * self.codes.astype(np.int64) + self.had_event, minlength=2 * k).reshape(k, 2)

    def by_stratum(self) -> Iterator[tuple[Floats, NDArray[np.bool_], Codes, Floats | None]]:
        """Yield end, event, group code and entry of the subjects of each stratum."""
        if self.n_strata == 1:
            yield self.end, self.had_event, self.codes, self.entry
            return
        order = np.argsort(self.stratum, kind="stable")
        for rows in np.split(order, np.cumsum(np.bincount(self.stratum))[:-1]):
            yield self.end[rows], self.had_event[rows], self.codes[rows], None if self.entry is None else self.entry[rows]


def logrank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    groups: Sequence[Label] | None = None,
    weight: Weight | Sequence[float] = "logrank",
    entry: ArrayLike | None = None,
) -> LogrankResult:
    """Test whether groups have the same hazard, comparing subjects within their stratum only.

    Args:
        time: end of observation, shape (n,), >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        group: label of each subject's group, shape (n,).
        strata: labels of the strata, shape (n,), or several columns whose combinations are the strata, shape (n, k).
        groups: the groups in the order wanted, control before experimental; by default sorted. A group without
            subjects is allowed.
        weight: what an event counts by when it happens: a word, a `FlemingHarrington`, a `ModestlyWeighted`, or a
            pair (rho, gamma); curves and numbers at risk are those of the stratum.
        entry: start of observation where it came late (left truncation), shape (n,), each before its `time`; a
            subject is at risk after its entry.

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not; a group is not in `groups`; the
            weight is unknown.

    Source: Mantel (1966); Kalbfleisch and Prentice (2002), section 1.5, for k groups and strata; Fleming and
    Harrington (1991), chapter 7, for weights. Variance is hypergeometric.

    >>> test = logrank([6, 7, 10, 15, 19, 25], [1, 0, 1, 1, 0, 1], ["A", "B", "A", "A", "B", "B"])
    >>> print(test.summary())
    Log-rank test, weight logrank
    group  n  events  observed  expected
    A      3       3         3     1.333
    B      3       1         1     2.667
    chi-square 3.846, df 1, p two-sided 0.04986
    z -1.961 (negative favours B), p one-sided 0.02493
    """
    data = compared(time, event, group, strata=strata, groups=groups, entry=entry)
    chosen_weight = chosen(weight)
    k = len(data.groups)
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for end, had_event, codes, start in data.by_stratum():
        parts = stratum_sums(end, had_event, codes, k, chosen_weight, start)
        observed += parts[0]
        expected += parts[1]
        variance += parts[2]

    counts = data.counts
    chisq, df = _quadratic(observed - expected, variance, expected)
    u = v = z = float("nan")
    if k == 2:
        u, v = float(observed[1] - expected[1]), float(variance[1, 1])
        z = u / float(np.sqrt(v)) if v > 0 else float("nan")
    return LogrankResult(
        groups=data.groups,
        n=arguments.frozen(counts.sum(axis=1)),
        events=arguments.frozen(counts[:, 1]),
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
        weight=label_of(chosen_weight),
        n_strata=data.n_strata,
    )


def peto_hazard_ratio(test: LogrankResult, *, conf_level: float = 0.95) -> PetoHazardRatio:
    """Read the one-step hazard ratio of the second group to the first off an unweighted log-rank test.

    It is close to Cox's near 1 and drawn towards 1 far from it. All numbers are NaN when there was no test.

    Args:
        test: a log-rank test of two groups with the weight "logrank", stratified or not.
        conf_level: in (0, 1).

    Raises:
        ValueError: the test has another number of groups or another weight, or `conf_level` lies outside (0, 1).

    Source: Yusuf, Peto, Lewis, Collins and Sleight (1985), Progress in Cardiovascular Diseases 27, 335-371:
    exp((O - E) / V).

    >>> test = logrank([6, 7, 10, 15, 19, 25], [1, 0, 1, 1, 0, 1], ["A", "B", "A", "A", "B", "B"])
    >>> print(peto_hazard_ratio(test).summary())
    hazard ratio (Peto) 0.09949, 95 % CI 0.009912 to 0.9986
    """
    if len(test.groups) != 2:
        raise ValueError(f"test has {len(test.groups)} groups; it must compare two")
    if test.weight not in ("logrank", "G(0, 0)"):
        raise ValueError(f"test has the weight {test.weight!r}; it must be unweighted, 'logrank'")
    z = float(ndtri(0.5 + arguments.level(conf_level) / 2))
    log_value, std_err = (test.U / test.V, test.V**-0.5) if test.V > 0 else (float("nan"), float("nan"))
    limits = np.exp(log_value + np.array([-z, 0.0, z]) * std_err)
    return PetoHazardRatio(
        value=float(limits[1]),
        lower=float(limits[0]),
        upper=float(limits[2]),
        log_value=log_value,
        std_err=std_err,
        conf_level=conf_level,
    )


def compared(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    groups: Sequence[Label] | None = None,
    entry: ArrayLike | None = None,
) -> Compared:
    """Check the columns of a comparison; arguments and refusals are those of `logrank`."""
    end = arguments.times(time)
    had_event = arguments.flags(event, end.size)
    found, codes = arguments.short_labels(group, end.size, "group")
    names = found if groups is None else tuple(groups)
    if len(set(names)) != len(names) or not set(found) <= set(names):
        raise ValueError(f"groups are {names!r}; they must be different and include {found!r}")
    if names != found:
        places = np.array([names.index(label) for label in found], dtype=np.int64)
        codes = places.astype(np.int8)[codes] if len(names) <= arguments.SHORT else places[codes]
    start = None
    if entry is not None:
        start = arguments.times(entry, "entry")
        arguments.same_length(start.size, end.size, "entry")
        if (start >= end).any():
            at = int(np.argmax(start >= end))
            raise ValueError(f"entry[{at}] is {start[at]}; it must be less than time[{at}], {end[at]}")
    stratum = arguments.strata_codes(strata, end.size)
    return Compared(end=end, had_event=had_event, codes=codes, stratum=stratum, entry=start, groups=names)


def stratum_sums(
    end: Floats, had_event: NDArray[np.bool_], codes: Codes, k: int, weight: Weight, entry: Floats | None = None
) -> tuple[Floats, Floats, Floats]:
    """Reduce a stratum to what a log-rank test adds up.

    Args:
        end: end of observation, shape (n,).
        had_event: whether it ended with the event, shape (n,).
        codes: number of the group, 0 to k - 1, shape (n,).
        k: number of groups.
        weight: what an event counts.
        entry: late entries, shape (n,), each before its end.

    Returns:
        Weighted events observed and expected in each group, shape (k,) each, and the variance of their difference,
        shape (k, k).

    >>> stratum_sums(np.array([1.0, 2.0]), np.array([True, True]), np.array([0, 1]), 2, "logrank")[1]
    array([0.5, 1.5])
    """
    kernels = fast.kernels(end.size) if weight == "logrank" and entry is None else None
    sums = None if kernels is None else kernels.group_sums(end, had_event, codes, k)
    if sums is not None:
        return sums[0], sums[1], sums[2]
    table = group_risk(end, had_event, codes, k, entry)
    deaths, total = table.deaths.sum(axis=0), table.at_risk.sum(axis=0)
    weights = weights_at(weight, table.moments, deaths, total)
    share = table.at_risk / total
    spread = weights**2 * deaths * (total - deaths) / np.maximum(total - 1, 1)
    variance = np.diag(share @ spread) - (share * spread) @ share.T
    return table.deaths @ weights, share @ (weights * deaths), variance


def group_risk(end: Floats, had_event: NDArray[np.bool_], codes: Codes, k: int, entry: Floats | None = None) -> GroupRisk:
    """Count events and subjects at risk in each group at each moment an event happened.

    Arguments are those of `stratum_sums`. A subject is at risk at a moment when its own end is not before it, and its
    entry is.
    """
    kernels = fast.kernels(end.size)
    compiled = None if kernels is None else kernels.counts_at_moments(end, had_event, codes, k)
    moments, deaths, at_risk = compiled or _counts(end, had_event, codes, k)
    if entry is not None:
        for g in range(k):
            entries = np.sort(entry[codes == g])
            at_risk[g] -= entries.size - np.searchsorted(entries, moments, side="left")
    return GroupRisk(moments=moments, deaths=deaths, at_risk=at_risk)


def _counts(end: Floats, had_event: NDArray[np.bool_], codes: Codes, k: int) -> tuple[Floats, Floats, Floats]:
    """Moments, events and numbers at risk when all were there from the start."""
    # Times in whole days are few beside the subjects: counting them needs no sort.
    whole = end.astype(np.int64) if end.max(initial=0.0) < 4 * end.size + 1000 else None
    if whole is not None and np.array_equal(whole, end):
        return _counted(whole, had_event, codes, k)
    return _sorted(end, had_event, codes, k)


def _counted(end: Ints, had_event: NDArray[np.bool_], codes: Codes, k: int) -> tuple[Floats, Floats, Floats]:
    """Moments, events and numbers at risk when times are small whole numbers."""
    length = int(end.max()) + 1
    cell = codes.astype(np.int64) * (2 * length)
    cell += end
    cell += length * had_event
    counts = np.bincount(cell, minlength=2 * k * length).reshape(k, 2, length)
    deaths, leaving = counts[:, 1], counts.sum(axis=1)
    at_risk = np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1]
    moments = np.flatnonzero(deaths.any(axis=0))
    return moments.astype(np.float64), deaths[:, moments].astype(np.float64), at_risk[:, moments].astype(np.float64)


def _sorted(end: Floats, had_event: NDArray[np.bool_], codes: Codes, k: int) -> tuple[Floats, Floats, Floats]:
    """Moments, events and numbers at risk for any times, from one sort."""
    order = np.argsort(end)
    end, had_event, codes = end[order], had_event[order], codes[order]
    opens = np.append(True, end[1:] != end[:-1])  # the first subject of each distinct time
    first = np.flatnonzero(opens)
    events = np.add.reduceat(had_event, first, dtype=np.int64)
    first = first[events > 0]
    deaths, at_risk = np.empty((k, first.size)), np.empty((k, first.size))
    happened = np.append(0, np.cumsum(had_event))
    # Events between the start of a moment and that of the next are its own: none happens at the times in between.
    nexts = np.append(first[1:], end.size)
    deaths[0] = happened[nexts] - happened[first]
    at_risk[0] = end.size - first
    for g in range(1, k):
        mine = codes == g
        before = np.append(0, np.cumsum(mine))
        happened = np.append(0, np.cumsum(mine & had_event))
        at_risk[g] = before[-1] - before[first]
        deaths[g] = happened[nexts] - happened[first]
    # What belongs to no other group is the first one's.
    deaths[0] -= deaths[1:].sum(axis=0)
    at_risk[0] -= at_risk[1:].sum(axis=0)
    return end[first], deaths, at_risk


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
