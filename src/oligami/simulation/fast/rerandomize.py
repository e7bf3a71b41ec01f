"""The re-randomization test: minimization run again for the same subjects, and where the observed statistic stands among the results.

Under the hypothesis that no subject's course depends on the arm, only the draws are chance. The statistic is the numerator of the
log-rank test, which is a sum over arm 1 of one number a subject; so a sequence costs little more than its minimization.
`oligami.simulation.rerandomization` does this for a real trial's journal, whatever its rule; this is for two arms and columns of levels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oligami.simulation.fast.allocation import TIE_TOLERANCE
from oligami.simulation.fast.compiled import available, whole_parts
from oligami.simulation.fast.plan import Minimization
from oligami.simulation.fast.streams import Purpose, uniforms
from oligami.stats import arguments
from oligami.stats.arguments import Floats, Ints

Arms = NDArray[np.uint8]
#: Relative to the largest sum possible: statistics as near as this are equal, whatever the order in which they were added.
_EQUAL = 1e-12
_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rerandomized:
    """An observed statistic among those of sequences drawn again; positive favours arm 1.

    observed: expected less observed events of arm 1, summed over event times. drawn: the same of each sequence, shape (R,).
    p_one_sided: (1 + sequences at least as large) / (1 + R); p_two_sided: the same of absolute values.
    one_sided_error, two_sided_error: Monte Carlo standard errors, sqrt(p (1 - p) / R).

    Source: Phipson and Smyth (2010), Stat Appl Genet Mol Biol 9, 39, for counting the observed sequence as one more.
    """

    observed: float
    drawn: Floats
    p_one_sided: float
    p_two_sided: float
    one_sided_error: float
    two_sided_error: float


def rerandomization_test(
    rule: Minimization,
    levels: ArrayLike,
    arm: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    site: ArrayLike | None = None,
    sequences: int = 10_000,
    seed: int = 0,
    compiled: bool | None = None,
) -> Rerandomized:
    """Test the difference of two arms by drawing the arms again, as minimization drew them.

    Args:
        rule: the minimization.
        levels: as in `minimize_again`, in order of randomization.
        arm: 0 or 1, as really drawn, shape (n,).
        time: under observation, 0 or more, shape (n,).
        event: 1 if it ended in the event, shape (n,).
        strata: labels; the log-rank test is stratified by them.
        site: as in `minimize_again`.
        sequences: how many.
        seed: of the draws; sequence k has the words of replicate k.
        compiled: whether by the kernels; None: where they are installed.

    Raises:
        ValueError: a column has another length or a value that it may not have, or there is no sequence.

    >>> rule = Minimization(p_best=0.8, weights=(1.0,))
    >>> levels, arm = [[0], [1], [0], [1], [0], [1]], [0, 1, 1, 0, 0, 1]
    >>> test = rerandomization_test(rule, levels, arm, [1, 9, 8, 2, 3, 7], [1, 1, 1, 1, 1, 1], sequences=200, seed=1)
    >>> round(test.observed, 3), 0 < test.p_one_sided <= test.p_two_sided <= 1
    (1.85, True)
    """
    scores = logrank_scores(time, event, strata=strata)
    arms = arguments.indicators(arm, scores.size, "arm")
    observed = float(scores[arms == 1].sum())
    drawn = sums_again(rule, levels, scores, site=site, seed=seed, last=sequences, compiled=compiled)
    near = _EQUAL * max(1.0, float(np.abs(scores).sum()))
    one = (1 + int((drawn >= observed - near).sum())) / (1 + drawn.size)
    two = (1 + int((np.abs(drawn) >= abs(observed) - near).sum())) / (1 + drawn.size)
    return Rerandomized(
        observed=observed,
        drawn=arguments.frozen(drawn),
        p_one_sided=one,
        p_two_sided=two,
        one_sided_error=float(np.sqrt(one * (1 - one) / drawn.size)),
        two_sided_error=float(np.sqrt(two * (1 - two) / drawn.size)),
    )


def logrank_scores(time: ArrayLike, event: ArrayLike, *, strata: ArrayLike | None = None) -> Floats:
    """Return what each subject adds to the log-rank numerator if it is in arm 1: cumulative hazard at its end, less its event.

    The hazard is Nelson and Aalen's of both arms together, within the stratum; the scores of a stratum add up to 0.

    Raises:
        ValueError: a column has another length or a value that it may not have.

    >>> logrank_scores([1, 2, 3], [1, 0, 1]).round(3).tolist()
    [-0.667, 0.333, 0.333]
    """
    end = arguments.times(time)
    had_event = arguments.indicators(event, end.size)
    stratum = arguments.strata_codes(strata, end.size)
    scores = np.empty(end.size)
    for s in range(int(stratum.max()) + 1):
        inside = stratum == s
        moments, place = np.unique(end[inside], return_inverse=True)
        at_risk = np.cumsum(np.bincount(place, minlength=moments.size)[::-1])[::-1]
        deaths = np.bincount(place, weights=had_event[inside], minlength=moments.size)
        scores[inside] = np.cumsum(deaths / at_risk)[place] - had_event[inside]
    return scores


def minimize_again(
    rule: Minimization,
    levels: ArrayLike,
    *,
    site: ArrayLike | None = None,
    seed: int = 0,
    first: int = 0,
    last: int = 1,
    compiled: bool | None = None,
) -> Arms:
    """Return the arms of sequences first to last - 1, shape (last - first, n).

    Args:
        rule: the minimization.
        levels: of each subject in order of randomization, whole numbers from 0, shape (n, factors).
        site: of each subject, from 0, shape (n,); needed if the rule gives the site a weight.
        seed: the draw of subject i in sequence k is the allocation word of subject i in replicate k of this seed.
        first: the first sequence.
        last: the one after the last.
        compiled: whether by the kernels; None: where they are installed. Both give the same arms.

    Raises:
        ValueError: levels or sites are no whole numbers from 0, do not fit the rule, or the range of sequences is impossible.
    """
    code, weights = _code(rule, levels, site)
    if _use_kernels(compiled):
        return _compiled(rule, code, weights, np.zeros(code.shape[1]), seed, first, last, keep=True)[0]
    return _minimize(rule, code, weights, seed, first, last)


def sums_again(
    rule: Minimization,
    levels: ArrayLike,
    scores: ArrayLike,
    *,
    site: ArrayLike | None = None,
    seed: int = 0,
    first: int = 0,
    last: int = 1,
    compiled: bool | None = None,
) -> Floats:
    """Return the sum of the scores over arm 1 in each of the sequences of `minimize_again`, shape (last - first,).

    Raises:
        ValueError: as `minimize_again`, or the scores are not one finite number a subject.
    """
    code, weights = _code(rule, levels, site)
    wanted = arguments.numbers(scores, "scores")
    arguments.same_length(wanted.size, code.shape[1], "scores")
    if _use_kernels(compiled):
        return _compiled(rule, code, weights, wanted, seed, first, last, keep=False)[1]
    parts = range(first, last, _AT_ONCE) if first < last else (first,)
    return np.concatenate(
        [_minimize(rule, code, weights, seed, start, min(start + _AT_ONCE, last)).astype(np.float64) @ wanted for start in parts]
    )


def _use_kernels(compiled: bool | None) -> bool:
    return available() if compiled is None else compiled


def _code(rule: Minimization, levels: ArrayLike, site: ArrayLike | None) -> tuple[Ints, Floats]:
    """Number the levels of all factors that have a weight in one row, shape (weights, n), and return their weights."""
    table = np.asarray(levels)
    if table.ndim != 2 or table.shape[1] != len(rule.weights) or table.shape[0] == 0:
        raise ValueError(f"levels have shape {table.shape}; expected (subjects, {len(rule.weights)}), a column for each weight")
    if rule.site_weight > 0 and site is None:
        raise ValueError("site is None; the rule gives the site a weight")
    columns = [(table[:, f], weight) for f, weight in enumerate(rule.weights) if weight > 0]
    if rule.site_weight > 0:
        columns.append((np.asarray(site), rule.site_weight))
    code = np.empty((len(columns), table.shape[0]), dtype=np.int64)
    before = 0
    for row, (column, _) in zip(code, columns, strict=True):
        if column.shape != row.shape or column.dtype.kind not in "iu" or column.min() < 0:
            raise ValueError("levels and site must be whole numbers from 0, one a subject")
        row[:] = column
        row += before
        before = int(row.max()) + 1
    return code, np.array([weight for _, weight in columns], dtype=np.float64)


def _minimize(rule: Minimization, code: Ints, weights: Floats, seed: int, first: int, last: int) -> Arms:
    """Let all sequences take the same step at the same time."""
    _check(first, last)
    n, sequences = code.shape[1], last - first
    (u,) = uniforms(seed, Purpose.COURSE, np.arange(first, last), n, [3])
    lead = np.zeros((int(code.max(initial=0)) + 1, sequences))  # arm 0 less arm 1, by level
    arms = np.empty((sequences, n), dtype=np.uint8)
    for i in range(n):
        at = code[:, i]
        if_0, if_1 = np.zeros(sequences), np.zeros(sequences)
        for weight, here in zip(weights, lead[at], strict=True):
            if_0 += weight * np.abs(here + 1.0)
            if_1 += weight * np.abs(here - 1.0)
        chance = np.where(if_0 < if_1, rule.p_best, 1.0 - rule.p_best)
        tied = np.abs(if_0 - if_1) <= TIE_TOLERANCE * np.maximum(if_0, if_1)
        chance[tied | (i < rule.initial_simple)] = 0.5
        arms[:, i] = u[:, i] >= chance
        lead[at] += 1.0 - 2.0 * arms[:, i]
    return arms


def _compiled(
    rule: Minimization, code: Ints, weights: Floats, scores: Floats, seed: int, first: int, last: int, *, keep: bool
) -> tuple[Arms, Floats]:
    """Return arms, if they are kept, and sums, by the kernel."""
    _check(first, last)
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"seed is {seed}; it must be 0 or more and below 2^64")
    if not available():
        raise ValueError("numba is not installed; install the extra: pip install 'oligami[fast]'")
    from oligami.simulation.fast._kernels.sequences import redraw_sequences

    n, sequences = code.shape[1], last - first
    drawn, sums = np.empty((sequences, n if keep else 0), dtype=np.uint8), np.empty(sequences)
    redraw_sequences(
        code.astype(np.uint32), weights, whole_parts(weights), float(rule.p_best), rule.initial_simple, np.uint64(seed), first, scores.copy(),
        np.empty((4, n)), np.zeros(int(code.max(initial=0)) + 1, dtype=np.int64), np.empty(n, dtype=np.uint32), drawn, sums,
    )  # fmt: skip
    return drawn, sums


def _check(first: int, last: int) -> None:
    if not 0 <= first < last:
        raise ValueError(f"sequences are {first} to {last}; expected 0 <= first < last")
