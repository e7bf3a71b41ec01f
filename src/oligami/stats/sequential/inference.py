"""Estimates and p values that respect the interim looks: after stopping (final) and at every look (repeated).

The effect is normal with information I: Z ~ N(effect x sqrt(I), 1), and positive favours the experimental arm. On the
log hazard ratio the effect is its negative and the information events / 4 (at 1:1) or the observed information.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats
from oligami.stats.sequential.boundaries import Boundaries, log_spent_at
from oligami.stats.sequential.classical import Classical
from oligami.stats.sequential.effect import information_of_events
from oligami.stats.sequential.recursion import UPPER, crossing, layers
from oligami.stats.sequential.solving import normal_score, rising_root, scale_shape, spend_alpha


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalInference:
    """What a stopped trial says about the effect, in the stagewise ordering."""

    look: int  # at which it stopped, from 1
    z: float
    information: float  # at that look, on the scale of the effect
    estimate: float  # Z / sqrt(information), biased by the stopping
    median_unbiased: float
    lower: float
    upper: float
    conf_level: float
    p_one_sided: float
    p_two_sided: float

    def hazard_ratio(self) -> tuple[float, float, float]:
        """Return the median-unbiased hazard ratio with its limits, the effect being minus the log hazard ratio."""
        return math.exp(-self.median_unbiased), math.exp(-self.upper), math.exp(-self.lower)

    def summary(self) -> str:
        """Return the numbers as a table of text."""
        level = show.number(100 * self.conf_level)
        rows = [
            ["Z", self.z],
            ["estimate, ignoring the looks", self.estimate],
            ["median-unbiased estimate", self.median_unbiased],
            [f"lower {level}% limit", self.lower],
            [f"upper {level}% limit", self.upper],
            ["p, one-sided", self.p_one_sided],
            ["p, two-sided", self.p_two_sided],
        ]
        return show.table(f"Stopped at look {self.look}, stagewise ordering", ["what", "value"], rows)

    def to_frame(self) -> Any:
        """Return the numbers as a pandas DataFrame of one row."""
        return show.frame({name: [getattr(self, name)] for name in self.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RepeatedIntervals:
    """Intervals that hold at all looks together, whatever makes the trial stop; arrays in the order of the looks."""

    z: Floats
    information: Floats  # on the scale of the effect
    estimate: Floats
    lower: Floats  # minus infinity where efficacy is not looked at
    upper: Floats
    conf_level: float
    p: Floats  # repeated p values; NaN where the family has none

    def hazard_ratio(self) -> tuple[Floats, Floats, Floats]:
        """Return hazard ratios with their limits, the effect being minus the log hazard ratio."""
        return np.exp(-self.estimate), np.exp(-self.upper), np.exp(-self.lower)

    def to_frame(self) -> Any:
        """Return one row a look as a pandas DataFrame."""
        return show.frame(self._columns())

    def summary(self) -> str:
        """Return the intervals as a table of text."""
        columns = self._columns()
        rows = [[int(columns["look"][k]), *(float(c[k]) for n, c in columns.items() if n != "look")] for k in range(self.z.size)]
        title = f"Repeated confidence intervals, {show.number(100 * self.conf_level)}%"
        return show.table(title, list(columns), rows)

    def _columns(self) -> dict[str, Any]:
        return {
            "look": np.arange(1, self.z.size + 1),
            "z": self.z,
            "estimate": self.estimate,
            "lower": self.lower,
            "upper": self.upper,
            "p": self.p,
        }


def final_inference(
    bounds: Boundaries,
    z: float,
    *,
    look: int | None = None,
    information: float | None = None,
    events: float | None = None,
    allocation_ratio: float = 1.0,
    conf_level: float | None = None,
) -> FinalInference:
    """Estimate the effect after a trial has stopped, ordering results by look first and by Z within a look.

    A result is more extreme when it crosses an efficacy bound earlier, or at the same look with a higher Z. Futility
    bounds count only when binding.

    Args:
        bounds: of the looks as they were (`monitor(...).boundaries` when they came out otherwise than planned).
        z: at the look at which the trial stopped.
        look: its number, from 1; by default the last.
        information: at that look, on the scale of the effect; by default the boundaries' own there.
        events: at that look, instead of information: the effect is then minus the log hazard ratio.
        allocation_ratio: with events, subjects in the experimental arm for each in the control arm.
        conf_level: of the two-sided interval; by default 1 - 2 alpha of a one-sided test and 1 - alpha of a
            two-sided one, so that the interval agrees with the test.

    Raises:
        ValueError: z is not finite, the look does not exist, information is not positive or given twice.

    Source: Tsiatis, Rosner and Mehta (1984), Biometrics 40, 797-803; Jennison and Turnbull (2000), sections 8.4-8.5.

    >>> from oligami.stats.sequential import boundaries, final_inference, spending_obrien_fleming
    >>> bounds = boundaries([51, 102, 153], alpha=0.05, efficacy=spending_obrien_fleming())
    >>> [round(x, 3) for x in final_inference(bounds, 2.6, look=2, events=102).hazard_ratio()]
    [0.599, 0.432, 0.831]
    """
    stage = bounds.looks if look is None else look
    arguments.whole(stage, "look", at_least=1, at_most=bounds.looks)
    arguments.number(z, "z")
    if information is not None and events is not None:
        raise ValueError("information and events are both given; one of them must do")
    amount = float(bounds.information[stage - 1])
    if information is not None:
        amount = arguments.number(information, "information", above=0)
    if events is not None:
        amount = float(information_of_events(arguments.number(events, "events", above=0), allocation_ratio))
    default = 1 - 2 * bounds.alpha if bounds.sided == 1 else 1 - bounds.alpha
    level = arguments.level(default if conf_level is None else conf_level)

    # Time runs to 1 at the look of stopping, so that drift = effect x sqrt(information there).
    fraction = bounds.fraction[:stage] / bounds.fraction[stage - 1]
    lower, upper = (bound[:stage].copy() for bound in bounds.continuation(honour_futility=bounds.binding))
    upper[-1] = z
    width = 12.0 + abs(z)
    reached = layers(fraction, lower, upper, low_drift=z - width, high_drift=z + width)

    def extreme(drift: float) -> float:
        return float(crossing(reached, fraction, upper, np.array([drift]), UPPER).sum())

    def drift_at(probability: float) -> float:
        wanted = float(ndtri(probability))
        guess = z + wanted
        return rising_root(lambda drift: normal_score(extreme(drift)) - wanted, guess - 0.3, guess + 0.3)

    p = min(extreme(0.0), 1.0)
    root = math.sqrt(amount)
    return FinalInference(
        look=stage,
        z=float(z),
        information=amount,
        estimate=z / root,
        median_unbiased=drift_at(0.5) / root,
        lower=drift_at((1 - level) / 2) / root,
        upper=drift_at((1 + level) / 2) / root,
        conf_level=level,
        p_one_sided=p,
        p_two_sided=2 * min(p, 1 - p),
    )


def repeated_interval(
    bounds: Boundaries,
    z: ArrayLike,
    *,
    information: ArrayLike | None = None,
    events: ArrayLike | None = None,
    allocation_ratio: float = 1.0,
) -> RepeatedIntervals:
    """Return confidence intervals, with p values, that hold at all looks together.

    They reach (z -+ efficacy bound) / sqrt(information); their level is 1 - 2 alpha for a one-sided test and
    1 - alpha for a two-sided one.

    Args:
        bounds: the test, with at least as many looks as Z.
        z: at the looks so far, shape (m,).
        information: at these looks, on the scale of the effect, shape (m,); by default the boundaries' own.
        events: at these looks, instead of information: the effect is then minus the log hazard ratio.
        allocation_ratio: with events, subjects in the experimental arm for each in the control arm.

    Raises:
        ValueError: more Z than looks, or a column is wrong.

    Source: Jennison and Turnbull (1989), JRSS B 51, 305-361.

    >>> from oligami.stats.sequential import boundaries, repeated_interval, spending_obrien_fleming
    >>> bounds = boundaries([51, 102, 153], alpha=0.05, efficacy=spending_obrien_fleming())
    >>> found = repeated_interval(bounds, [1.1, 2.6], events=[51, 102])
    >>> found.lower.round(3).tolist(), found.p.round(3).tolist()
    ([-0.588, 0.091], [0.389, 0.021])
    """
    values = _observed(bounds, z)
    if information is not None and events is not None:
        raise ValueError("information and events are both given; one of them must do")
    amount = bounds.information[: values.size] if information is None else arguments.rising(information, "information")
    if events is not None:
        amount = information_of_events(arguments.rising(events, "events"), allocation_ratio)
    arguments.same_length(amount.size, values.size, "information", "z")
    root = np.sqrt(amount)
    reach = bounds.z_efficacy[: values.size]
    p = repeated_p(bounds, values) if _has_levels(bounds) else np.full(values.size, np.nan)
    columns = {
        "z": values,
        "information": amount,
        "estimate": values / root,
        "lower": (values - reach) / root,
        "upper": (values + reach) / root,
        "p": p,
    }
    return RepeatedIntervals(
        conf_level=1 - 2 * bounds.alpha if bounds.sided == 1 else 1 - bounds.alpha,
        **{name: arguments.frozen(column) for name, column in columns.items()},
    )


def repeated_p(bounds: Boundaries, z: ArrayLike) -> Floats:
    """Return for each look the lowest level at which the test of this family would reject there, shape (m,).

    Two-sided tests give two-sided p values. 1 where efficacy is not looked at, and where no level below 1 rejects.

    Args:
        bounds: the test, with at least as many looks as Z.
        z: at the looks so far, shape (m,).

    Raises:
        ValueError: more Z than looks; or the family has no bounds for other levels: Haybittle-Peto, given bounds,
            amounts of user_spending.

    Source: Jennison and Turnbull (2000), section 9.3.

    >>> from oligami.stats.sequential import boundaries, repeated_p, spending_obrien_fleming
    >>> bounds = boundaries([51, 102, 153], alpha=0.05, efficacy=spending_obrien_fleming())
    >>> repeated_p(bounds, [0.4, 1.3, 1.95]).round(4).tolist()
    [0.5853, 0.1833, 0.0278]
    """
    values = _observed(bounds, z)
    if not _has_levels(bounds):
        raise ValueError("bounds are of a family without bounds for other levels; repeated p values need a spending function")
    if bounds.sided == 2:
        values = np.abs(values)
    found = np.ones(values.size)
    for k, value in enumerate(values.tolist()):
        if np.isfinite(bounds.z_efficacy[k]):
            found[k] = _lowest_level(bounds, k, value)
    return np.minimum(found * bounds.sided, 1.0)


def sequential_p(bounds: Boundaries, z: ArrayLike) -> float:
    """Return the lowest level at which the test of this family would have rejected by the last of these looks.

    The lowest of the repeated p values; arguments and errors as there. Unlike the stagewise p value it does not need
    the trial to have stopped.

    Source: Liu and Anderson (2008), Journal of the American Statistical Association 103, 1392-1401.

    >>> from oligami.stats.sequential import boundaries, sequential_p, spending_obrien_fleming
    >>> bounds = boundaries([51, 102, 153], alpha=0.05, efficacy=spending_obrien_fleming())
    >>> round(sequential_p(bounds, [1.1, 2.6]), 4)
    0.0209
    """
    return float(repeated_p(bounds, z).min())


def _lowest_level(bounds: Boundaries, k: int, value: float) -> float:
    """Return the level of one side at which the bound at look k (from 0) equals a Z; 1 when no level is enough."""
    looked = np.isfinite(bounds.z_efficacy)
    lower, _ = bounds.continuation(honour_futility=bounds.binding)
    symmetric = bounds.sided == 2

    def excess(score: float) -> float:
        level = float(ndtr(score))
        if isinstance(bounds.efficacy, Classical):
            shape = np.where(looked, bounds.efficacy.shape(bounds.fraction), np.inf)
            upper = scale_shape(bounds.fraction, shape, lower, level, symmetric=symmetric)
        else:
            assert bounds.efficacy is not None  # _has_levels has seen to it
            log_alpha = log_spent_at(bounds.efficacy, bounds.spending_time[: k + 1], level, looked[: k + 1])
            upper = spend_alpha(bounds.fraction[: k + 1], log_alpha, lower[: k + 1], symmetric=symmetric)
        return value - float(upper[k])

    # Bounds fall as the level rises until the early looks spend nearly all of it, and may rise again from there. The
    # root wanted is the first, so it is sought below the level at which the test was planned, or step by step above.
    high = float(ndtri(bounds.alpha / bounds.sided))
    highest = -1e-9 if symmetric else 6.0  # a side of a symmetric test has at most level 1/2
    while excess(high) < 0:
        if high == highest:
            return 1.0 / bounds.sided
        high = min(high + 0.25, highest)
    return float(ndtr(rising_root(excess, high - 0.25, high)))


def _has_levels(bounds: Boundaries) -> bool:
    """Whether the family gives bounds at other levels too."""
    family = bounds.efficacy
    if isinstance(family, Classical):
        return family.delta is not None and bool(bounds.spending_time[-1] >= 1)
    return family is not None and not family.fixed_amounts


def _observed(bounds: Boundaries, z: ArrayLike) -> Floats:
    values = arguments.numbers(z, "z")
    if values.size > bounds.looks:
        raise ValueError(f"z has {values.size} values; it must have at most one for each look of the test, {bounds.looks}")
    return values
