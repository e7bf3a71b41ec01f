"""How an arm is drawn: minimization, permuted blocks and simple randomization, each a pure function of its evidence.

`allocate` takes the protocol's rule, the new subject's factors, the earlier allocations and one committed draw, and
returns the arm with everything it rests on. The same arguments always give the same answer, so a recheck calls it again
and compares. Who may be randomized, where draws come from and what a correction does to earlier factors is left to the
callers; sites never see what stands here except the arm.

Arithmetic: probabilities are fractions of the decimals written in the protocol (0.8 is 4/5, not its nearest double) and
become floats once, at the end. Imbalances are floats, and two of them are tied if they differ by at most `TIE_TOLERANCE`
times the largest: the same counts can reach the same imbalance by sums in another order.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from oligami.protocol.model.allocation import Allocation

#: Changes whenever the same arguments could give another arm; stands in every allocation's evidence.
ALGORITHM_VERSION = 1

#: Relative to the largest imbalance. Double rounding stays below 1e-13 of it; true differences, sums of weights times
#: counts over small ratios, stay far above.
TIE_TOLERANCE = 1e-9

Tally = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPlace:
    """A place in a permuted block.

    `stratum` is the crossing of the factors as drawn, in canonical JSON; `block` and `position` count from 1;
    `u_arm` is the part of the draw that chose the arm (see `allocate`).
    """

    stratum: str
    block: int
    position: int
    size: int
    u_arm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorAllocation:
    """An earlier allocation, as the next one sees it.

    Attributes:
        arm: the arm it gave.
        factors: its factors, corrected or as drawn: the protocol's `tally_factors` says which, the caller applies it.
        counted: False for an allocation marked in error: it is in no tally, but its place in a block stays used up.
            Minimization and simple randomization may leave it out instead; permuted blocks may not.
        place: for permuted blocks, the place it was given.
    """

    arm: str
    factors: Mapping[str, str]
    counted: bool = True
    place: BlockPlace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocated:
    """An arm, and everything it rests on.

    Attributes:
        arm: the arm drawn.
        method: the protocol's method.
        algorithm_version: `ALGORITHM_VERSION` of the software that drew.
        factors: the new subject's factors, in the protocol's order.
        tally: per factor and arm, the counted earlier subjects at the new subject's level.
        imbalance: per arm, what its choice would leave; empty unless minimization chose (initial simple run included).
        probability: per arm, in the protocol's order; sums to 1 within rounding.
        k: number of the draw, from 1, annulled allocations counted.
        u: the draw, on [0, 1).
        place: the place in the block, for permuted blocks only.
    """

    arm: str
    method: str
    algorithm_version: int
    factors: Mapping[str, str]
    tally: Tally
    imbalance: Mapping[str, float]
    probability: Mapping[str, float]
    k: int
    u: float
    place: BlockPlace | None = field(default=None)


def allocate(rule: Allocation, factors: Mapping[str, str], prior: Sequence[PriorAllocation], *, k: int, u: float) -> Allocated:
    """Draw an arm for a new subject.

    The arm is the first, in the protocol's order, whose cumulative probability exceeds u: with two arms A and B,
    A if u < P(A), else B.

    Minimization takes the probabilities from the imbalances that each arm's choice would leave. The first
    `initial_simple` draws, counted by k so that an annulment does not lengthen the run, and simple randomization go in
    proportion to the ratio.

    Permuted blocks draw without replacement: inside a block the probability of an arm is its remaining places over all
    remaining places, so every arrangement of the block is equally likely and each allocation uses its own u. The first
    allocation of a block also draws the block's size, from the same u: the interval of [0, 1) that belongs to the size
    (`block_probabilities`, equal if none are written) is stretched to [0, 1), and where u then lies, `place.u_arm`,
    chooses the arm. Given the size, that is again uniform. With one block size `u_arm` is u. An annulled allocation
    leaves the tallies, but its place is not refilled: whoever was told the arm must not be able to shift the rest of
    the block. A correction of factors does not move a subject between blocks. A block that an amendment of the ratio
    makes impossible to complete is closed, and the next allocation of its stratum opens a new one.

    Args:
        rule: the protocol's rule.
        factors: level of each of the rule's factors, no other.
        prior: the earlier allocations, in the order of their k. Permuted blocks need all k - 1 of them; the other
            methods all that are counted. Factors that the rule no longer has are ignored.
        k: number of the draw, from 1.
        u: the draw, on [0, 1).

    Raises:
        ValueError: a level or arm is not the protocol's, a factor is missing or foreign, k, u or the number of earlier
            allocations is impossible, or the rule contradicts itself (`check_rule`).
    """
    check_rule(rule)
    if k < 1:
        raise ValueError(f"draw number: found k = {k}; expected 1 or more")
    if not 0.0 <= u < 1.0:
        raise ValueError(f"draw: found u = {u}; expected 0 <= u < 1")
    if len(prior) > k - 1:
        raise ValueError(f"earlier allocations: found {len(prior)} before draw {k}; expected {k - 1} at most")
    levels = _levels(rule, factors)
    tally = tally_at(rule, levels, prior)
    imbalance: Mapping[str, float] = {}
    place: BlockPlace | None = None
    u_arm = u
    if rule.method == "permuted_blocks":
        place, probability = _next_place(rule, levels, prior, k=k, u=u)
        u_arm = place.u_arm
    elif rule.method == "minimization" and k > rule.initial_simple:
        imbalance = imbalance_by_arm(rule, tally)
        probability = probability_by_arm(rule, imbalance)
    else:
        probability = _in_proportion(rule)
    return Allocated(
        arm=choose_arm(probability, u_arm),
        method=rule.method,
        algorithm_version=ALGORITHM_VERSION,
        factors=levels,
        tally=tally,
        imbalance=imbalance,
        probability=probability,
        k=k,
        u=u,
        place=place,
    )


def choose_arm(probability: Mapping[str, float], u: float) -> str:
    """Return the first arm whose cumulative probability exceeds u, in the mapping's order.

    An arm of probability 0 is never chosen; the last of the others takes what rounding leaves below 1.

    Raises:
        ValueError: no arm has a positive probability.
    """
    possible = [arm for arm, share in probability.items() if share > 0]
    if not possible:
        raise ValueError(f"probabilities: found {dict(probability)}; expected one above 0 at least")
    cumulative = 0.0
    for arm in possible[:-1]:
        cumulative += probability[arm]
        if u < cumulative:
            return arm
    return possible[-1]


def tally_at(rule: Allocation, factors: Mapping[str, str], prior: Sequence[PriorAllocation]) -> Tally:
    """Count, per factor and arm, the counted earlier subjects who share the new subject's level.

    Raises:
        ValueError: an earlier allocation has an arm that is not the rule's, or lacks one of its factors.
    """
    tally = {factor.id: {arm.id: 0 for arm in rule.arms} for factor in rule.factors}
    arms = {arm.id for arm in rule.arms}
    for earlier in prior:
        if not earlier.counted:
            continue
        if earlier.arm not in arms:
            raise ValueError(f"earlier allocation: found arm {earlier.arm!r}; expected one of {_listed(sorted(arms))}")
        for name, counts in tally.items():
            if name not in earlier.factors:
                raise ValueError(f"earlier allocation: found no {name}; expected a level of every factor of the rule")
            if earlier.factors[name] == factors[name]:
                counts[earlier.arm] += 1
    return tally


def imbalance_by_arm(rule: Allocation, tally: Tally) -> Mapping[str, float]:
    """Return, per arm, the weighted sum over factors of the unevenness that the arm's choice would leave.

    For each factor only the counts at the new subject's level matter: the arm's count is raised by one, every count is
    brought to the ratio's scale (`ratio_counts`), and the distance is taken over the arms. Lower is better.

    Args:
        rule: for arms and ratio, factors and weights, distance.
        tally: per factor and arm, the counts at the new subject's level before the draw.

    Source: Pocock and Simon (1975), Biometrics 31, 103-115, section 3; variance and sd with divisor n - 1.
    """
    ratios = {arm.id: arm.ratio for arm in rule.arms}

    def scaled(counts: Mapping[str, int], chosen: str) -> list[float]:
        if rule.ratio_counts == "add_then_divide":
            return [(counts[arm] + (arm == chosen)) / ratio for arm, ratio in ratios.items()]
        return [counts[arm] / ratio + (arm == chosen) for arm, ratio in ratios.items()]

    return {
        chosen: math.fsum(factor.weight * _distance(rule.distance, scaled(tally[factor.id], chosen)) for factor in rule.factors)
        for chosen in ratios
    }


def probability_by_arm(rule: Allocation, imbalance: Mapping[str, float]) -> Mapping[str, float]:
    """Return the arms' probabilities, in the protocol's order, from their imbalances.

    Every rank 1 (least imbalance) to N has a probability: under `best` rank 1 has `p_best` and the others share the
    rest evenly; under `rank` rank j has q - 2 (N q - 1) j / (N (N + 1)). What happens to tied arms:

    - all arms tied (the first subject, or no factors): in proportion to the ratio, under either rule;
    - `random_rank`: tied arms are put in random order. One draw does both, so the probabilities given are the averages
      over the orders: each tied arm has the mean of the ranks they fill together;
    - `equal_split`: under `best`, the arms tied for least imbalance share `p_best` evenly and the others share the
      rest; under `rank`, tied arms share their ranks evenly, which is the same as `random_rank`.

    With an unequal ratio the ranks' probabilities are still these: the ratio enters through the scaled counts (and the
    all-tied case), not through `p_best`. The realised ratio is then held by the counts, but the chance of an arm
    differs from its share at single draws.

    Source: Pocock and Simon (1975), Biometrics 31, 103-115, section 3.3, rules (a), (b).
    """
    arms = [arm.id for arm in rule.arms]
    groups = tied_groups(imbalance)
    if len(groups) == 1:
        return _in_proportion(rule)
    by_rank = _probability_by_rank(rule)
    share: dict[str, Fraction] = {}
    if rule.probability == "best" and rule.ties == "equal_split":
        p_best = by_rank[0]
        for arm in arms:
            best = arm in groups[0]
            share[arm] = p_best / len(groups[0]) if best else (1 - p_best) / (len(arms) - len(groups[0]))
    else:
        rank = 0
        for group in groups:
            mean = sum(by_rank[rank : rank + len(group)], Fraction(0)) / len(group)
            share.update(dict.fromkeys(group, mean))
            rank += len(group)
    return {arm: float(share[arm]) for arm in arms}


def tied_groups(imbalance: Mapping[str, float]) -> Sequence[frozenset[str]]:
    """Return the arms in groups of equal imbalance, least first; equal within `TIE_TOLERANCE` of the largest."""
    tolerance = TIE_TOLERANCE * max(imbalance.values())
    ordered = sorted(imbalance, key=imbalance.__getitem__)
    groups = [[ordered[0]]]
    for before, arm in pairwise(ordered):
        if imbalance[arm] - imbalance[before] <= tolerance:
            groups[-1].append(arm)
        else:
            groups.append([arm])
    return [frozenset(group) for group in groups]


def check_rule(rule: Allocation) -> None:
    """Refuse a rule that contradicts itself.

    Raises:
        ValueError: every contradiction, one a line, each with what was found and what was expected.
    """
    faults = _faults(rule)
    if faults:
        raise ValueError("\n".join(faults))


def check_margins(margins: Mapping[str, Mapping[str, Mapping[str, int]]]) -> None:
    """Refuse margins that cannot come from one set of subjects.

    Every subject has one level of every factor, so an arm's counts add up to the same number over each factor.

    Args:
        margins: counts per factor, level and arm, as printed or handed over by another system.

    Raises:
        ValueError: two factors give an arm different totals, or a count is negative.
    """
    totals: dict[str, tuple[str, int]] = {}
    for factor, levels in margins.items():
        sums: dict[str, int] = {}
        for level, counts in levels.items():
            for arm, count in counts.items():
                if count < 0:
                    raise ValueError(f"margins: found {count} at {factor} {level!r}, arm {arm}; expected 0 or more")
                sums[arm] = sums.get(arm, 0) + count
        for arm, total in sums.items():
            first, expected = totals.setdefault(arm, (factor, total))
            if total != expected:
                raise ValueError(
                    f"margins: found {total} subjects in arm {arm} over {factor}; expected {expected}, as over {first}"
                )


def stratum_of(rule: Allocation, factors: Mapping[str, str]) -> str:
    """Return the crossing of the factors as canonical JSON, in the protocol's order of factors."""
    return json.dumps({factor.id: factors[factor.id] for factor in rule.factors}, ensure_ascii=False)


def _faults(rule: Allocation) -> list[str]:
    faults: list[str] = []
    n = len(rule.arms)
    if n < 2 or len({arm.id for arm in rule.arms}) < n:
        faults.append(f"arms: found {_listed([arm.id for arm in rule.arms])}; expected two or more, all different")
    faults.extend(f"ratio of arm {arm.id}: found {arm.ratio}; expected 1 or more" for arm in rule.arms if arm.ratio < 1)
    if len({factor.id for factor in rule.factors}) < len(rule.factors):
        faults.append(f"factors: found {_listed([factor.id for factor in rule.factors])}; expected no name twice")
    faults.extend(
        f"weight of factor {factor.id}: found {factor.weight}; expected 0 or more" for factor in rule.factors if factor.weight < 0
    )
    if rule.initial_simple < 0:
        faults.append(f"initial_simple: found {rule.initial_simple}; expected 0 or more")
    if faults:
        return faults
    if rule.method == "minimization" and rule.probability == "best" and not 1 <= n * _decimal(rule.p_best) <= n:
        faults.append(f"p_best: found {rule.p_best}; expected 1/{n} to 1 with {n} arms")
    if rule.method == "minimization" and rule.probability == "rank":
        q = _decimal(rule.q)
        if not Fraction(1, n) <= q <= Fraction(2, n - 1):
            faults.append(f"q: found {rule.q}; expected 1/{n} to 2/{n - 1} with {n} arms")
    if rule.method == "permuted_blocks":
        whole = sum(arm.ratio for arm in rule.arms)
        if not rule.block_sizes:
            faults.append("block_sizes: found none; expected one or more")
        faults.extend(
            f"block_sizes: found {size}; expected a multiple of {whole}, the sum of the ratio"
            for size in rule.block_sizes
            if size < 1 or size % whole
        )
        shares = rule.block_probabilities
        if shares and (
            len(shares) != len(rule.block_sizes)
            or any(share < 0 for share in shares)
            or not math.isclose(sum(shares), 1, abs_tol=1e-9)  # decimals such as 0.1 do not add up exactly
        ):
            faults.append(
                f"block_probabilities: found {_listed(shares)}; expected {len(rule.block_sizes)} that sum to 1, or none"
            )
    return faults


def _levels(rule: Allocation, factors: Mapping[str, str]) -> Mapping[str, str]:
    known = [factor.id for factor in rule.factors]
    foreign = sorted(set(factors) - set(known))
    if foreign:
        raise ValueError(f"factors: found {_listed(foreign)}; expected {_listed(known)} and no other")
    for factor in rule.factors:
        expected = f"one of {_listed(factor.levels)}" if factor.levels else "a value"
        level = factors.get(factor.id)
        if level is None:
            raise ValueError(f"factor {factor.id}: found nothing; expected {expected}")
        if level not in factor.levels if factor.levels else not level:
            raise ValueError(f"factor {factor.id}: found {level!r}; expected {expected}")
    return {name: factors[name] for name in known}


def _distance(kind: str, counts: Sequence[float]) -> float:
    if kind == "range":
        return max(counts) - min(counts)
    mean = math.fsum(counts) / len(counts)
    variance = math.fsum((count - mean) ** 2 for count in counts) / (len(counts) - 1)
    return variance if kind == "variance" else math.sqrt(variance)


def _probability_by_rank(rule: Allocation) -> list[Fraction]:
    n = len(rule.arms)
    if rule.probability == "best":
        p_best = _decimal(rule.p_best)
        return [p_best, *[(1 - p_best) / (n - 1)] * (n - 1)]
    q = _decimal(rule.q)
    return [q - 2 * (n * q - 1) * j / (n * (n + 1)) for j in range(1, n + 1)]


def _in_proportion(rule: Allocation) -> Mapping[str, float]:
    whole = sum(arm.ratio for arm in rule.arms)
    return {arm.id: arm.ratio / whole for arm in rule.arms}


def _next_place(
    rule: Allocation, factors: Mapping[str, str], prior: Sequence[PriorAllocation], *, k: int, u: float
) -> tuple[BlockPlace, Mapping[str, float]]:
    """Find the next place in the stratum's blocks, opening a block if need be, and the arms' probabilities there."""
    if len(prior) != k - 1:
        raise ValueError(
            f"earlier allocations: found {len(prior)} before draw {k}; expected {k - 1}, for an allocation marked in "
            "error keeps its place in the block"
        )
    stratum = stratum_of(rule, factors)
    blocks: dict[int, list[tuple[BlockPlace, str]]] = {}
    for earlier in prior:
        if earlier.place is not None and earlier.place.stratum == stratum:
            blocks.setdefault(earlier.place.block, []).append((earlier.place, earlier.arm))
    last = max(blocks, default=0)
    if last:
        size = blocks[last][0][0].size
        used = [arm for _, arm in blocks[last]]
        remaining = _remaining(rule, size, used)
        if remaining is not None and len(used) < size:
            place = BlockPlace(stratum=stratum, block=last, position=len(used) + 1, size=size, u_arm=u)
            return place, {arm: left / (size - len(used)) for arm, left in remaining.items()}
    size, u_arm = _draw_size(rule, u)
    return BlockPlace(stratum=stratum, block=last + 1, position=1, size=size, u_arm=u_arm), _in_proportion(rule)


def _remaining(rule: Allocation, size: int, used: Sequence[str]) -> Mapping[str, int] | None:
    """Return the places left per arm, or None if the block no longer fits the rule's arms and ratio."""
    whole = sum(arm.ratio for arm in rule.arms)
    remaining = {arm.id: arm.ratio * size // whole - used.count(arm.id) for arm in rule.arms}
    fits = size % whole == 0 and min(remaining.values()) >= 0 and set(used) <= set(remaining)
    return remaining if fits else None


def _draw_size(rule: Allocation, u: float) -> tuple[int, float]:
    """Read the block's size off u, and return what is left of u: its place inside the size's interval, on [0, 1)."""
    if len(rule.block_sizes) == 1:
        return rule.block_sizes[0], u
    equal = [Fraction(1, len(rule.block_sizes))] * len(rule.block_sizes)
    shares = [_decimal(share) for share in rule.block_probabilities] or equal
    whole = sum(shares, Fraction(0))  # 1 but for the decimals that cannot say 1/3
    lower = Fraction(0)
    for size, share in zip(rule.block_sizes, shares, strict=True):
        width = share / whole
        if u < lower + width:
            # Rounding to a double must not reach 1.
            return size, min(float((Fraction(u) - lower) / width), math.nextafter(1.0, 0.0))
        lower += width
    raise AssertionError("the intervals of the block sizes cover [0, 1)")


def _decimal(value: float) -> Fraction:
    """Return the decimal that a person wrote for a double: 0.8 is 4/5."""
    return Fraction(repr(float(value)))


def _listed(names: Sequence[object]) -> str:
    return ", ".join(str(name) for name in names) or "none"
