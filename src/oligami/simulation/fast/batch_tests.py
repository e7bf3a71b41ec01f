"""The tests of one look of many trials at once: every trial is put in order once, and all tests read that order.

A time, whether it ended in death, the arm and the level go into one integer whose order is that of time, so that one sort
carries them all. Trials in which times are tied at a death, which happens only by rounding, are handed to `exact`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from oligami.simulation.fast.exact import exact_tests
from oligami.simulation.fast.plan import Plan, Test
from oligami.stats.arguments import Floats, Ints

# A Newton step so small ends the search for the Cox coefficient; the next would be of the size of its square.
_SMALL_STEP = 1e-11
_MAX_STEPS = 60
# No longer step is taken: far from the maximum the likelihood is too flat to aim by.
_LONG_STEP = 2.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Ordered:
    """R trials at a look, each in order of time; arrays of shape (R, n). Those not yet randomized come first, at time 0, arm 0.

    members: how many are randomized, shape (R,). time: months under observation. died: 1.0 where it ended in death, otherwise
    0.0. arm: 0 or 1. level: of the hazard factor.
    """

    members: Ints
    time: Floats
    died: Floats
    arm: Ints
    level: Ints
    levels: int

    @cached_property
    def at_risk(self) -> Floats:
        """Subjects under observation just before each time, shape (n,): all from this one on."""
        return np.arange(self.arm.shape[1], 0, -1, dtype=np.float64)

    @cached_property
    def at_risk_1(self) -> Ints:
        """Those of them in arm 1."""
        return _from_here(self.arm)

    @cached_property
    def share(self) -> Floats:
        """Share of arm 1 among those at risk."""
        return self.at_risk_1 / self.at_risk

    @cached_property
    def within(self) -> tuple[Floats, Floats]:
        """Those at risk in arm 0 and in arm 1 of the subject's own level."""
        if self.levels == 1:
            return self.at_risk - self.at_risk_1, self.at_risk_1.astype(np.float64)
        both, ones = np.zeros(self.arm.shape, dtype=np.int64), np.zeros(self.arm.shape, dtype=np.int64)
        for level in range(self.levels):
            own = self.level == level
            np.copyto(both, _from_here(own), where=own)
            np.copyto(ones, _from_here(own & (self.arm == 1)), where=own)
        return (both - ones).astype(np.float64), ones.astype(np.float64)


def look_tests(
    plan: Plan, member: NDArray[np.bool_], time: Floats, event: NDArray[np.bool_], arm: Ints, level: Ints
) -> tuple[Floats, Floats, Floats]:
    """Compute the plan's tests at one look, whatever is tied.

    Args:
        plan: its tests, weights, window and milestone.
        member: who is randomized before the cut, shape (R, n) as the others.
        time: months under observation.
        event: whether it ended in death.
        arm: 0 or 1.
        level: of the hazard factor.

    Returns:
        z, shape (R, tests), as in `plan.Test`; the Cox coefficient and the difference of restricted means, shape (R,), NaN
        where they are not defined or not wanted.
    """
    ordered, tied = _in_order(plan, member, time, event, arm, level)
    rows = time.shape[0]
    z, log_hr, difference = np.zeros((rows, len(plan.tests))), np.full(rows, np.nan), np.full(rows, np.nan)
    for number, test in enumerate(plan.tests):
        match test:
            case Test.LOGRANK:
                z[:, number] = _logrank(ordered)
            case Test.STRATIFIED:
                z[:, number] = _stratified(ordered)
            case Test.WEIGHTED:
                z[:, number] = _weighted(ordered, plan.weight_rho, plan.weight_gamma)
            case Test.COX:
                z[:, number], log_hr = _cox(ordered)
            case Test.RMST:
                z[:, number], difference = _restricted_means(ordered, plan.rmst_months)
            case Test.MILESTONE:
                z[:, number] = _milestone(ordered, plan.milestone_months)
    for row in np.flatnonzero(tied):
        here = member[row]
        z[row], log_hr[row], difference[row] = exact_tests(
            plan, time[row, here], event[row, here].astype(np.int64), arm[row, here], level[row, here]
        )
    return z, log_hr, difference


def _in_order(
    plan: Plan, member: NDArray[np.bool_], time: Floats, event: NDArray[np.bool_], arm: Ints, level: Ints
) -> tuple[Ordered, NDArray[np.bool_]]:
    """Put every trial in order of time, and say in which trials a death is tied with anything.

    The last bits of a time's float, which as an integer has the order of time, give way to the subject's properties. What
    that makes equal counts as tied too.
    """
    bits = 2 + (plan.levels - 1).bit_length()
    low = np.int64((1 << bits) - 1)
    keys = np.ascontiguousarray(time).view(np.int64) & ~low
    keys |= event
    keys |= arm << 1
    if plan.levels > 1:
        keys |= level << 2
    keys *= member
    keys.sort(axis=1)
    close = (keys[:, 1:] ^ keys[:, :-1]) <= low
    close &= ((keys[:, 1:] | keys[:, :-1]) & 1).astype(np.bool_)
    ordered = Ordered(
        members=np.count_nonzero(member, axis=1),
        time=(keys & ~low).view(np.float64),
        died=(keys & 1).astype(np.float64),
        arm=(keys >> 1) & 1,
        level=(keys & low) >> 2,
        levels=plan.levels,
    )
    return ordered, np.asarray(close.any(axis=1))


def _from_here(counted: NDArray[np.bool_] | Ints) -> Ints:
    """Count along each row from every place to the end."""
    before = np.cumsum(counted, axis=1, dtype=np.int64)
    total = before[:, -1:].copy()
    np.subtract(total, before, out=before)
    before += counted
    return before


def _logrank(ordered: Ordered) -> Floats:
    """Return Mantel's test; of one death at a time the hypergeometric variance is that of one draw."""
    share = ordered.share
    expected = ordered.died * share
    variance = np.sum(expected * (1.0 - share), axis=1)
    return _ratio(np.sum(expected - ordered.died * ordered.arm, axis=1), variance)


def _stratified(ordered: Ordered) -> Floats:
    zeros, ones = ordered.within
    share = ones / (zeros + ones)
    expected = ordered.died * share
    variance = np.sum(expected * (1.0 - share), axis=1)
    return _ratio(np.sum(expected - ordered.died * ordered.arm, axis=1), variance)


def _weighted(ordered: Ordered, rho: float, gamma: float) -> Floats:
    after = np.cumprod(1.0 - ordered.died / ordered.at_risk, axis=1)
    before = np.ones_like(after)
    before[:, 1:] = after[:, :-1]
    weight = ordered.died * _power(before, rho) * _power(1.0 - before, gamma)
    share = ordered.share
    variance = np.sum(weight * weight * (share * (1.0 - share)), axis=1)
    return _ratio(np.sum(weight * (share - ordered.arm), axis=1), variance)


def _power(base: Floats, exponent: float) -> Floats | float:
    """Return base ** exponent, 0 ** 0 being 1, without the cost of powers that are none."""
    if exponent == 0:
        return 1.0
    return base if exponent == 1 else base**exponent


def _cox(ordered: Ordered) -> tuple[Floats, Floats]:
    """Maximise the partial likelihood of one coefficient by Newton's steps, each trial for itself.

    The score falls as the coefficient grows, so it also says between which values the maximum lies; a step that would leave
    them halves them instead.
    """
    zeros, ones = ordered.within
    died, arm = ordered.died, ordered.arm
    died_1 = died * arm
    observed = died_1.sum(axis=1)
    # The score changes its sign, and the maximum is finite, if deaths in each arm came while the other was at risk.
    found = (np.sum((died - died_1) * ones, axis=1) > 0) & (np.sum(died_1 * zeros, axis=1) > 0)
    coefficient, information = np.zeros(found.size), np.ones(found.size)
    low, high = np.full(found.size, -np.inf), np.full(found.size, np.inf)
    running = found.copy()
    for _ in range(_MAX_STEPS):
        hazard_1 = np.exp(coefficient)[:, np.newaxis] * ones
        share = hazard_1 / (zeros + hazard_1)
        expected = died * share
        score = observed - expected.sum(axis=1)
        at_this = np.sum(expected * (1.0 - share), axis=1)
        information[running] = at_this[running]
        low, high = np.where(score >= 0, coefficient, low), np.where(score <= 0, coefficient, high)
        aimed = coefficient + np.clip(score / np.maximum(information, 1e-300), -_LONG_STEP, _LONG_STEP)
        astray = (aimed < low) | (aimed > high)
        aimed[astray] = (low[astray] + high[astray]) / 2
        step = np.where(running, aimed - coefficient, 0.0)
        coefficient += step
        running &= np.abs(step) > _SMALL_STEP
        if not running.any():
            break
    z = np.where(found, -coefficient * np.sqrt(information), 0.0)
    return z, np.where(found, coefficient, np.nan)


def _survival(ordered: Ordered, arm: int) -> tuple[Floats, Floats]:
    """Return an arm's Kaplan-Meier curve just after each time, and Greenwood's terms, finite where the curve ends."""
    at_risk = ordered.at_risk_1.astype(np.float64) if arm == 1 else ordered.at_risk - ordered.at_risk_1
    died = ordered.died * (ordered.arm == arm)
    after = np.cumprod(1.0 - died / np.maximum(at_risk, 1.0), axis=1)
    terms = died / np.maximum(at_risk * (at_risk - 1.0), 1.0)
    return after, terms


def _restricted_means(ordered: Ordered, months: float) -> tuple[Floats, Floats]:
    """Return z and difference of the restricted means; the window ends where the first arm is no longer seen, if that is before."""
    time, arm = ordered.time, ordered.arm
    last_1 = np.max(time * arm, axis=1)
    last_0 = np.max(time * (1 - arm), axis=1)
    window = np.minimum(np.minimum(last_0, last_1), months)[:, np.newaxis]
    widths = np.diff(np.minimum(time, window), axis=1, prepend=0.0)
    means, variance = [], np.zeros(time.shape[0])
    for a in (0, 1):
        after, terms = _survival(ordered, a)
        widths_under = widths.copy()
        widths_under[:, 1:] *= after[:, :-1]
        area = np.cumsum(widths_under, axis=1)
        means.append(area[:, -1])
        beyond = area[:, -1:] - area
        variance += np.sum(terms * beyond * beyond, axis=1)
    difference = means[1] - means[0]
    empty = _arm_is_empty(ordered)
    return np.where(empty, 0.0, _ratio(difference, variance)), np.where(empty, np.nan, difference)


def _milestone(ordered: Ordered, months: float) -> Floats:
    """Return z of the difference of the curves; 0 where one has come down to 0, for it has no error there."""
    reached = ordered.time <= months
    heights, variance, ended = [], np.zeros(reached.shape[0]), _arm_is_empty(ordered)
    for a in (0, 1):
        after, terms = _survival(ordered, a)
        # Curves fall, so the lowest value reached is the last one.
        height = np.min(after, axis=1, where=reached, initial=1.0)
        heights.append(height)
        ended = ended | (height == 0.0)
        variance += height * height * np.sum(terms * reached, axis=1)
    return np.where(ended, 0.0, _ratio(heights[1] - heights[0], variance))


def _arm_is_empty(ordered: Ordered) -> NDArray[np.bool_]:
    ones = ordered.at_risk_1[:, 0]
    return np.asarray((ones == 0) | (ones == ordered.members))


def _ratio(difference: Floats, variance: Floats) -> Floats:
    """Return difference over the root of variance; 0 where there is none."""
    defined = variance > 0
    return np.where(defined, difference, 0.0) / np.sqrt(np.where(defined, variance, 1.0))
