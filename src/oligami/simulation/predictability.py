"""How well a site could guess the next arm under the protocol's rule of allocation, and what balance that buys.

In an open-label trial a site knows its own earlier arms. If the rule balances within sites, those arms tell something of
the next one; the more deterministic the rule, the more. `predictability_table` rehearses the protocol's own rule and its
neighbours on the same subjects and draws, so that the study office sees the bargain before it activates the protocol.

Minimization and simple randomization run for all repetitions at once on arrays; `trial.allocation.allocate` is the
readable twin, and a test holds that both give the same arms. Permuted blocks run through `allocate` itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from oligami.protocol.model.allocation import Allocation
from oligami.trial.allocation import TIE_TOLERANCE, PriorAllocation, allocate, check_rule, probability_by_arm

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Probabilities of the best arm that the table sets beside the protocol's own.
NEIGHBOURS = (1.0, 0.9, 0.8, 0.75, 2 / 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accrual:
    """Who is to be expected, as far as the allocation sees it.

    Attributes:
        subjects: how many are randomized in one repetition.
        site_shares: expected share of each site, any positive scale; see `uneven_sites`.
        level_shares: per factor, the share of each level, any positive scale; a factor left out has equal shares. The
            site's factor (the one without levels in the protocol) takes the sites instead. Factors are independent.
    """

    subjects: int
    site_shares: Sequence[float]
    level_shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictabilityRow:
    """What one rule does to balance and to concealment; means over subjects or repetitions.

    A difference is the largest minus the smallest count over the arms, each divided by the arm's ratio; with two arms
    1:1 it is |nA - nB|.

    Attributes:
        method: the rule's method.
        p_best: probability of the best arm; None unless minimization with the rule `best`.
        site_is_factor: whether the rule balances within sites.
        is_protocol: whether this is the protocol's own rule.
        difference_mean: mean final difference.
        difference_p95: its 95 % quantile over the repetitions.
        site_difference_mean: mean final difference inside a site, sites that randomized nobody included (0).
        level_difference_mean: per factor but the site's, the mean of the worst difference over its levels.
        own_guess: share of right guesses by a site that knows only its own earlier arms and guesses the arm that lags
            behind there, evenly at a tie. 1 / number of arms is chance if the ratio is equal.
        full_guess: share of right guesses by one who knows the rule and all earlier subjects.
        guesses: number of subjects behind either share; the standard error of a share is below 1 / (2 sqrt(guesses)).
    """

    method: str
    p_best: float | None
    site_is_factor: bool
    is_protocol: bool
    difference_mean: float
    difference_p95: float
    site_difference_mean: float
    level_difference_mean: Mapping[str, float]
    own_guess: float
    full_guess: float
    guesses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """The same subjects and draws for every rule; arrays have shape (repetitions, subjects)."""

    site: Integers
    levels: Mapping[str, Integers]  # per factor of the protocol, the index of the level
    names: Mapping[str, Sequence[str]]  # per factor, what the indices stand for
    u: Floats


def uneven_sites(sites: int) -> Sequence[float]:
    """Return shares of sites of unequal size, the expected order statistics of an exponential, summing to 1.

    Largest first; with 50 sites the largest brings about 9 % and the smaller half about 15 % of the subjects. The shape
    is ours, for want of a better guess; a study office that knows its sites hands in its own.
    """
    if sites < 1:
        raise ValueError(f"sites: found {sites}; expected 1 or more")
    steps = 1.0 / np.arange(sites, 0, -1)  # the largest of n waits 1/n + 1/(n-1) + ... + 1
    shares = np.cumsum(steps)[::-1] / sites
    return [float(share) for share in shares]


def predictability_table(
    rule: Allocation,
    accrual: Accrual,
    *,
    seed: int,
    repetitions: int = 400,
    neighbours: Sequence[float] = NEIGHBOURS,
) -> Sequence[PredictabilityRow]:
    """Compare the protocol's rule with its neighbours on the same simulated subjects and draws.

    Rows: the protocol's rule; if it is minimization, the same with the rule `best` at each neighbouring p and, if it
    balances within sites, the protocol's rule without the site; last the plain draw, which nobody can guess.

    Raises:
        ValueError: the rule contradicts itself, has more than one factor without levels, or the accrual is impossible.
    """
    rows = [predictability(rule, accrual, seed=seed, repetitions=repetitions)]

    def beside(other: Allocation) -> None:
        row = predictability(other, accrual, seed=seed, repetitions=repetitions)
        rows.append(replace(row, is_protocol=False))

    if rule.method == "minimization":
        for p in neighbours:
            if not (rule.probability == "best" and p == rule.p_best):
                beside(replace(rule, probability="best", p_best=p))
        site_factor = _site_factor(rule)
        if site_factor is not None:
            beside(replace(rule, factors=tuple(factor for factor in rule.factors if factor.id != site_factor)))
    if rule.method != "simple":
        beside(replace(rule, method="simple"))
    return tuple(rows)


def predictability(rule: Allocation, accrual: Accrual, *, seed: int, repetitions: int = 400) -> PredictabilityRow:
    """Simulate one rule: balance reached, and how often the next arm is guessed.

    Subjects and draws depend on the seed, the accrual and the number of repetitions; two rules that differ in anything
    but their factors meet the same sites, levels and draws.

    Raises:
        ValueError: as `predictability_table`.
    """
    check_rule(rule)
    sample = _sample(rule, accrual, seed=seed, repetitions=repetitions)
    if rule.method == "permuted_blocks":
        arm, probability = _one_by_one(rule, sample)
    else:
        arm, probability = _all_at_once(rule, sample)
    return _row(rule, sample, arm, probability, sites=len(accrual.site_shares))


def _site_factor(rule: Allocation) -> str | None:
    without_levels = [factor.id for factor in rule.factors if not factor.levels]
    if len(without_levels) > 1:
        raise ValueError(f"factors without levels: found {', '.join(without_levels)}; expected one at most, the site")
    return without_levels[0] if without_levels else None


def _sample(rule: Allocation, accrual: Accrual, *, seed: int, repetitions: int) -> _Sample:
    if accrual.subjects < 1 or repetitions < 1 or not accrual.site_shares:
        raise ValueError(
            f"accrual: found {accrual.subjects} subjects, {len(accrual.site_shares)} sites, {repetitions} repetitions; "
            "expected 1 or more of each"
        )
    shape = (repetitions, accrual.subjects)
    # Levels have a stream of their own: with the site left out of the rule, the other factors must stay as they were.
    streams = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
    site = _draw_index(streams[0], accrual.site_shares, shape)
    u = streams[0].random(shape)
    site_factor = _site_factor(rule)
    levels: dict[str, Integers] = {}
    names: dict[str, Sequence[str]] = {}
    for factor in rule.factors:
        if factor.id == site_factor:
            levels[factor.id] = site
            names[factor.id] = [str(number + 1) for number in range(len(accrual.site_shares))]
            continue
        shares = accrual.level_shares.get(factor.id) or dict.fromkeys(factor.levels, 1.0)
        if set(shares) != set(factor.levels):
            raise ValueError(f"shares of factor {factor.id}: found {', '.join(shares)}; expected {', '.join(factor.levels)}")
        levels[factor.id] = _draw_index(streams[1], [shares[level] for level in factor.levels], shape)
        names[factor.id] = factor.levels
    return _Sample(site=site, levels=levels, names=names, u=u)


def _draw_index(stream: np.random.Generator, shares: Sequence[float], shape: tuple[int, int]) -> Integers:
    weights = np.asarray(shares, dtype=np.float64)
    if not (np.all(weights >= 0) and weights.sum() > 0):
        raise ValueError(f"shares: found {list(shares)}; expected 0 or more, one above 0")
    return stream.choice(len(weights), size=shape, p=weights / weights.sum())


def _one_by_one(rule: Allocation, sample: _Sample) -> tuple[Integers, Floats]:
    """Allocate with the trial's own function; arms (repetitions, subjects), probabilities with the arms last."""
    ids = [arm.id for arm in rule.arms]
    repetitions, subjects = sample.u.shape
    arm = np.zeros((repetitions, subjects), dtype=np.int64)
    probability = np.zeros((repetitions, subjects, len(ids)))
    for r in range(repetitions):
        prior: list[PriorAllocation] = []
        for i in range(subjects):
            factors = {name: sample.names[name][index[r, i]] for name, index in sample.levels.items()}
            result = allocate(rule, factors, prior, k=i + 1, u=float(sample.u[r, i]))
            prior.append(PriorAllocation(arm=result.arm, factors=factors, place=result.place))
            arm[r, i] = ids.index(result.arm)
            probability[r, i] = [result.probability[name] for name in ids]
    return arm, probability


def _all_at_once(rule: Allocation, sample: _Sample) -> tuple[Integers, Floats]:
    """Allocate subject after subject in all repetitions together; the same arms as `_one_by_one`."""
    repetitions, subjects = sample.u.shape
    ratio = np.array([arm.ratio for arm in rule.arms], dtype=np.float64)
    arms = len(ratio)
    every = np.arange(repetitions)
    counts = {name: np.zeros((repetitions, len(names), arms)) for name, names in sample.names.items()}
    arm = np.zeros((repetitions, subjects), dtype=np.int64)
    probability = np.zeros((repetitions, subjects, arms))
    by_pattern = _Patterns(rule)
    for i in range(subjects):
        if rule.method == "minimization" and i >= rule.initial_simple:
            imbalance = np.zeros((repetitions, arms))
            for factor in rule.factors:
                here = counts[factor.id][every, sample.levels[factor.id][:, i]]
                imbalance += factor.weight * _distances(rule, here, ratio)
            share = by_pattern(imbalance)
        else:
            share = np.broadcast_to(ratio / ratio.sum(), (repetitions, arms))
        probability[:, i] = share
        chosen = _choose(share, sample.u[:, i])
        arm[:, i] = chosen
        for name, table in counts.items():
            table[every, sample.levels[name][:, i], chosen] += 1
    return arm, probability


def _distances(rule: Allocation, counts: Floats, ratio: Floats) -> Floats:
    """Return, per repetition and arm, the distance that the arm's choice would leave at one factor."""
    added = np.eye(len(ratio))  # axis 0: the arm chosen; axis 1: the arm counted
    if rule.ratio_counts == "add_then_divide":
        scaled = (counts[:, None, :] + added) / ratio
    else:
        scaled = counts[:, None, :] / ratio + added
    if rule.distance == "range":
        return np.asarray(scaled.max(axis=2) - scaled.min(axis=2))
    variance = scaled.var(axis=2, ddof=1)
    return np.asarray(variance if rule.distance == "variance" else np.sqrt(variance))


class _Patterns:
    """Probabilities for rows of imbalances, asked of the trial's own function once per pattern of ranks and ties."""

    def __init__(self, rule: Allocation) -> None:
        self._rule = rule
        self._ids = [arm.id for arm in rule.arms]
        self._known: dict[bytes, Floats] = {}

    def __call__(self, imbalance: Floats) -> Floats:
        """Return probabilities, same shape as the imbalances (repetitions, arms)."""
        order = np.argsort(imbalance, axis=1, kind="stable")
        ordered = np.take_along_axis(imbalance, order, axis=1)
        above = np.diff(ordered, axis=1) > TIE_TOLERANCE * ordered[:, -1:]
        rank = np.zeros(imbalance.shape, dtype=np.int8)
        np.put_along_axis(rank, order[:, 1:], np.cumsum(above, axis=1).astype(np.int8), axis=1)
        patterns, which = np.unique(rank, axis=0, return_inverse=True)
        return np.array([self._of(pattern) for pattern in patterns])[which.reshape(-1)]

    def _of(self, pattern: npt.NDArray[np.int8]) -> Floats:
        key = pattern.tobytes()
        if key not in self._known:
            ranks = {name: float(rank) for name, rank in zip(self._ids, pattern, strict=True)}
            share = probability_by_arm(self._rule, ranks)
            self._known[key] = np.array([share[name] for name in self._ids])
        return self._known[key]


def _choose(share: Floats, u: Floats) -> Integers:
    """Return the index of the first arm whose cumulative probability exceeds u, the last possible one otherwise."""
    last = share.shape[1] - 1 - np.argmax(share[:, ::-1] > 0, axis=1)
    first = np.argmax(np.cumsum(share, axis=1) > u[:, None], axis=1)
    beyond = np.cumsum(share, axis=1)[:, -1] <= u  # rounding may leave the sum just below 1
    chosen: Integers = np.where(beyond, last, first)
    return chosen


def _row(rule: Allocation, sample: _Sample, arm: Integers, probability: Floats, *, sites: int) -> PredictabilityRow:
    repetitions, subjects = arm.shape
    ratio = np.array([one.ratio for one in rule.arms], dtype=np.float64)
    every = np.arange(repetitions)
    inside = np.zeros((repetitions, sites, len(ratio)))
    own = 0.0
    for i in range(subjects):
        before = inside[every, sample.site[:, i]]
        # The arm that would still be furthest behind its share; with a ratio of 1:1, the one with fewer subjects.
        own += _credit(-(before + 1) / ratio, arm[:, i]).sum()
        inside[every, sample.site[:, i], arm[:, i]] += 1
    full = sum(_credit(probability[:, i], arm[:, i]).sum() for i in range(subjects))
    site_factor = _site_factor(rule)
    worst: dict[str, float] = {}
    for name, index in sample.levels.items():
        if name != site_factor:
            table = np.zeros((repetitions, len(sample.names[name]), len(ratio)))
            np.add.at(table, (every[:, None], index, arm), 1)
            worst[name] = float(_spread(table, ratio).max(axis=1).mean())
    difference = _spread(inside.sum(axis=1), ratio)
    is_best = rule.method == "minimization" and rule.probability == "best"
    return PredictabilityRow(
        method=rule.method,
        p_best=rule.p_best if is_best else None,
        site_is_factor=rule.method != "simple" and site_factor is not None,
        is_protocol=True,
        difference_mean=float(difference.mean()),
        difference_p95=float(np.quantile(difference, 0.95)),
        site_difference_mean=float(_spread(inside, ratio).mean()),
        level_difference_mean=worst,
        own_guess=float(own / arm.size),
        full_guess=float(full / arm.size),
        guesses=arm.size,
    )


def _credit(score: Floats, arm: Integers) -> Floats:
    """Return the chance that a guess of the arm with the highest score, evenly at a tie, is right."""
    best = np.isclose(score, score.max(axis=1, keepdims=True), rtol=TIE_TOLERANCE, atol=0.0)
    return np.asarray(best[np.arange(len(arm)), arm] / best.sum(axis=1))


def _spread(counts: Floats, ratio: Floats) -> Floats:
    scaled = counts / ratio
    return np.asarray(scaled.max(axis=-1) - scaled.min(axis=-1))
