"""Restricted mean survival of two arms: difference, ratio, ratio of time lost, and the difference adjusted for covariates.

Leaves the mean of one curve to `survival`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from oligami.stats import arguments, curve_limits, show
from oligami.stats.arguments import Floats, Ints
from oligami.stats.normal_difference import Difference, normal_difference
from oligami.stats.survival import RestrictedMean, SurvivalCurve, kaplan_meier

_MOST_STEPS = 100
_SMALL_STEP = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times b is a, with an interval and test of equality that are normal on the log scale."""

    value: float
    log_std_err: float
    lower: float
    upper: float
    p_two_sided: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedMeanComparison:
    """Two arms compared by their restricted means: b against a."""

    a: RestrictedMean
    b: RestrictedMean
    conf_level: float
    difference: Difference
    ratio: Ratio  # of the mean times without the event
    ratio_lost: Ratio  # of the mean times lost to it, tau less the mean

    def summary(self) -> str:
        """Return both means and the three comparisons as a text table."""
        rows: list[list[object]] = [
            ["mean of a", self.a.value, self.a.std_err, "", "", ""],
            ["mean of b", self.b.value, self.b.std_err, "", "", ""],
        ]
        d = self.difference
        rows.append(["b - a", d.value, d.std_err, *map(show.number, (d.lower, d.upper, d.p_two_sided))])
        for name, r in (("b / a", self.ratio), ("lost, b / a", self.ratio_lost)):
            rows.append([name, r.value, r.log_std_err, *map(show.number, (r.lower, r.upper, r.p_two_sided))])
        return show.table(
            f"Restricted mean up to {show.number(self.a.tau)}",
            ["", "estimate", "std_err", "lower", "upper", "p"],
            rows,
            [f"Limits: {show.number(100 * self.conf_level)}%; std_err of ratios on the log scale."],
        )

    def to_frame(self) -> Any:
        """Return a pandas DataFrame, one row a comparison; std_err of ratios is that of the logarithm."""
        return _comparisons(self.difference, self.ratio, self.ratio_lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedRestrictedMean:
    """The effect of an arm on the restricted mean, adjusted for covariates."""

    tau: float
    difference: Difference
    ratio: Ratio
    ratio_lost: Ratio

    def summary(self) -> str:
        """Return the three comparisons as a text table."""
        names: dict[str, Difference | Ratio] = {
            "difference": self.difference,
            "ratio": self.ratio,
            "ratio of time lost": self.ratio_lost,
        }
        rows = [
            [name, *map(show.number, (found.value, _error_of(found), found.lower, found.upper, found.p_two_sided))]
            for name, found in names.items()
        ]
        heads = ["", "estimate", "std_err", "lower", "upper", "p"]
        title = f"Restricted mean up to {show.number(self.tau)}, adjusted for covariates"
        return show.table(title, heads, rows, ["std_err of ratios on the log scale."])

    def to_frame(self) -> Any:
        """Return a pandas DataFrame, one row a comparison; std_err of ratios is that of the logarithm."""
        return _comparisons(self.difference, self.ratio, self.ratio_lost)


def _error_of(found: Difference | Ratio) -> float:
    return found.std_err if isinstance(found, Difference) else found.log_std_err


def _comparisons(*found: Difference | Ratio) -> Any:
    columns: dict[str, ArrayLike] = {"comparison": ["difference", "ratio", "ratio_lost"]}
    columns["std_err"] = [_error_of(one) for one in found]
    for name in ("value", "lower", "upper", "p_two_sided"):
        columns[name] = [getattr(one, name) for one in found]
    return show.frame(columns)


def restricted_mean_difference(
    curve_a: SurvivalCurve, curve_b: SurvivalCurve, tau: float, conf_level: float = 0.95
) -> Difference:
    """Compare two independent curves by their restricted means: that of b less that of a.

    Raises:
        ValueError: `tau` is not positive or beyond what was observed in a curve, or `conf_level` outside (0, 1).

    Source: Uno et al. (2014), Journal of Clinical Oncology 32, 2380-2385; variances added up.

    >>> from oligami.stats.survival import kaplan_meier
    >>> a, b = kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]), kaplan_meier([2, 3, 4, 5], [1, 1, 1, 1])
    >>> restricted_mean_difference(a, b, 4.0).value
    0.75
    """
    a, b = curve_a.restricted_mean(tau), curve_b.restricted_mean(tau)
    return normal_difference(b.value - a.value, float(np.hypot(a.std_err, b.std_err)), conf_level)


def compare_restricted_means(
    curve_a: SurvivalCurve, curve_b: SurvivalCurve, tau: float, conf_level: float = 0.95
) -> RestrictedMeanComparison:
    """Compare two independent curves by difference and ratio of the mean time kept, and by ratio of the mean time lost.

    A ratio over a mean of 0 has no value: NaN, with its limits and p.

    Args:
        curve_a: the arm compared with (control).
        curve_b: the arm of interest.
        tau: end of the window, > 0, in the unit of time, within what was observed in both.
        conf_level: in (0, 1).

    Raises:
        ValueError: `tau` is not positive or beyond what was observed in a curve, or `conf_level` outside (0, 1).

    Source: Uno et al. (2014), Journal of Clinical Oncology 32, 2380-2385; conventions of the R package survRM2.

    >>> from oligami.stats.survival import kaplan_meier
    >>> a, b = kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]), kaplan_meier([2, 3, 4, 5], [1, 1, 1, 1])
    >>> found = compare_restricted_means(a, b, 4.0)
    >>> found.ratio.value, found.ratio_lost.value
    (1.3, 0.5)
    """
    a, b = curve_a.restricted_mean(tau), curve_b.restricted_mean(tau)
    return RestrictedMeanComparison(
        a=a,
        b=b,
        conf_level=arguments.level(conf_level),
        difference=restricted_mean_difference(curve_a, curve_b, tau, conf_level),
        ratio=_ratio_of(a.value, a.std_err, b.value, b.std_err, conf_level),
        ratio_lost=_ratio_of(tau - a.value, a.std_err, tau - b.value, b.std_err, conf_level),
    )


def adjusted_restricted_mean(
    time: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike,
    tau: float,
    *,
    conf_level: float = 0.95,
) -> AdjustedRestrictedMean:
    """Estimate an arm's effect on the restricted mean in regressions on arm and covariates, weighted against censoring.

    Each subject whose time up to `tau` is known weighs the inverse of the probability, in its own arm, of not being
    censored until then. The ratios come from log-linear models of the time kept and of the time lost; where an arm loses
    no time at all, the ratio of time lost is NaN.

    Args:
        time: end of observation, shape (n,), >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        arm: 1 in the arm of interest, 0 in the other, shape (n,); both occur.
        covariates: to adjust for, shape (n,) or (n, p).
        tau: end of the window, > 0, at most the last observed time of either arm.
        conf_level: in (0, 1).

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not; an arm is empty; `tau` lies
            outside; the covariates do not tell subjects apart.

    Source: Tian, Zhao and Wei (2014), Biostatistics 15, 222-233; conventions of the R package survRM2.

    >>> time, event = [2, 4, 5, 7, 8, 9, 3, 6, 8, 9, 10, 11], [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0]
    >>> arm, age = [0] * 6 + [1] * 6, [60, 55, 70, 52, 48, 66, 61, 58, 72, 50, 49, 63]
    >>> round(adjusted_restricted_mean(time, event, arm, age, 8.0).difference.value, 4)
    0.8249
    """
    end = arguments.times(time)
    had_event = arguments.indicators(event, end.size)
    second = arguments.indicators(arm, end.size, "arm").astype(bool)
    adjusted, _ = arguments.matrix(covariates, end.size, None)
    level = arguments.level(conf_level)
    if second.all() or not second.any():
        raise ValueError(f"arm is {int(second[0])} in every row; it must be 0 in some and 1 in others")
    longest = min(float(end[own].max()) for own in (second, ~second))
    if arguments.number(tau, "tau", above=0) > longest:
        raise ValueError(f"tau is {tau!r}; it must be more than 0 and at most the last observed time in each arm, {longest}")

    x = np.column_stack((np.ones(end.size), second, adjusted))
    kept = np.minimum(end, tau)
    known = np.where(kept >= tau, 1, had_event)
    if np.linalg.matrix_rank(x[known == 1]) < x.shape[1]:  # only they enter the regression
        raise ValueError("covariates are constant or add up to each other or to the arm; each must add something of its own")
    weight = np.empty(end.size)
    for own in (second, ~second):
        uncensored = kaplan_meier(kept[own], 1 - known[own])
        # The floor keeps a single late subject from outweighing all others.
        weight[own] = known[own] / np.maximum(uncensored.surv, 0.001)[np.searchsorted(uncensored.time, kept[own])]

    coefficients = np.linalg.solve(x.T @ (x * weight[:, np.newaxis]), x.T @ (weight * kept))
    score = x * (weight * (kept - x @ coefficients))[:, np.newaxis]
    std_err = _arm_error(score, x.T @ x, kept, known, second)
    return AdjustedRestrictedMean(
        tau=float(tau),
        difference=normal_difference(float(coefficients[1]), std_err, level),
        ratio=_log_linear(x, kept, weight, kept, known, second, level),
        ratio_lost=_log_linear(x, tau - kept, weight, kept, known, second, level),
    )


def _log_linear(
    x: Floats, outcome: Floats, weight: Floats, kept: Floats, known: Ints, second: NDArray[np.bool_], conf_level: float
) -> Ratio:
    """The arm's ratio in the weighted log-linear model of an outcome, by Newton steps on its quasi-likelihood."""
    if min(float(weight[own] @ outcome[own]) for own in (second, ~second)) <= 0:
        return _no_ratio()
    coefficients = np.zeros(x.shape[1])
    coefficients[0] = np.log(np.average(outcome, weights=weight))
    for _ in range(_MOST_STEPS):
        mean = np.exp(x @ coefficients)
        step = np.linalg.solve(x.T @ (x * (weight * mean)[:, np.newaxis]), x.T @ (weight * (outcome - mean)))
        coefficients += np.clip(step, -2, 2)  # the scale is logarithmic: no step changes a mean more than sevenfold
        if np.abs(step).max() < _SMALL_STEP:
            break
    mean = np.exp(x @ coefficients)
    score = x * (weight * (outcome - mean))[:, np.newaxis]
    return _ratio(float(coefficients[1]), _arm_error(score, x.T @ (x * mean[:, np.newaxis]), kept, known, second), conf_level)


def _arm_error(score: Floats, bread: Floats, kept: Floats, known: Ints, second: NDArray[np.bool_]) -> float:
    """Sandwich error of the arm's coefficient, with the estimated probabilities of censoring accounted for by arm."""
    meat = np.zeros_like(bread)
    for own in (second, ~second):
        times, row = np.unique(kept[own], return_inverse=True)
        size = times.size
        part = score[own]
        later = np.column_stack([np.cumsum(np.bincount(row, column, minlength=size)[::-1])[::-1] for column in part.T])
        n_risk = np.cumsum(np.bincount(row, minlength=size)[::-1])[::-1]
        mean_later = later / n_risk[:, np.newaxis]
        censored = 1 - known[own]
        hazard = np.bincount(row, censored, minlength=size) / n_risk
        influence = part + censored[:, np.newaxis] * mean_later[row] - np.cumsum(mean_later * hazard[:, np.newaxis], axis=0)[row]
        meat += influence.T @ influence
    inverse = np.linalg.inv(bread)
    return float(np.sqrt((inverse @ meat @ inverse)[1, 1]))


def _ratio_of(a: float, a_error: float, b: float, b_error: float, conf_level: float) -> Ratio:
    if a <= 0 or b <= 0:
        return _no_ratio()
    return _ratio(float(np.log(b / a)), float(np.hypot(a_error / a, b_error / b)), conf_level)


def _no_ratio() -> Ratio:
    nothing = float("nan")
    return Ratio(value=nothing, log_std_err=nothing, lower=nothing, upper=nothing, p_two_sided=nothing)


def _ratio(log_value: float, log_error: float, conf_level: float) -> Ratio:
    half = curve_limits.normal_quantile(conf_level) * log_error
    return Ratio(
        value=float(np.exp(log_value)),
        log_std_err=log_error,
        lower=float(np.exp(log_value - half)),
        upper=float(np.exp(log_value + half)),
        p_two_sided=float(2 * ndtr(-abs(log_value) / log_error)) if log_error > 0 else float("nan"),
    )
