"""Confidence limits of a hazard ratio from the likelihood itself: the values that the data do not speak against.

They need no symmetry, and where the likelihood grows towards 0 or infinity they still have their one finite end.
Leaves the fit to `regression`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats
from oligami.stats.partial_likelihood import Derivatives, derivatives
from oligami.stats.regression import CoxResult, risk_parts, spread_of

_MAX_STEPS = 100
# Left to gain in the log likelihood, or to go in standard errors: far below what a limit's printed digits show.
_LITTLE_GAIN = 1e-12
_LITTLE_WAY = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileInterval:
    """Profile-likelihood limits of one term's hazard ratio; 0 or inf where the likelihood grows that way."""

    term: str
    hr: float
    lower: float
    upper: float
    conf_level: float

    def summary(self) -> str:
        """Show the interval as a table of one line."""
        row = [self.term, self.hr, self.lower, self.upper]
        return show.table("", ["term", "hr", "lower", "upper"], [row], [f"{100 * self.conf_level:g} % profile likelihood"])


def profile_interval(fit: CoxResult, term: str | None = None, *, conf_level: float | None = None) -> ProfileInterval:
    """Find the hazard ratios that a likelihood-ratio test would not reject, all other coefficients being free.

    Args:
        fit: a fit that converged, or one whose likelihood is monotone; by any treatment of ties. A robust error plays
            no part here.
        term: of the model; by default its first.
        conf_level: in (0, 1); by default that of the fit.

    Returns:
        Limits of the hazard ratio. Under a monotone likelihood a diverging term has ratio 0 or inf and one finite
        limit; the ratio of any other term is then NaN, and both its limits are finite unless it, too, runs off.

    Raises:
        ValueError: the fit has no events or is singular, or the term or level may not be as it is.

    Source: Venzon and Moolgavkar (1988): all b with 2 (max l - max l given b) at most the chi-square quantile; the
        limits by Newton steps on the profile, kept within a bracket.

    >>> from oligami.stats.regression import cox
    >>> fit = cox([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 1, 0, 0, 0, 0], [0] * 4 + [1] * 4, names=["B"])
    >>> found = profile_interval(fit)
    >>> fit.diverging, found.lower, round(found.upper, 3)
    (('B',), 0.0, 0.313)
    """
    if fit.problem not in (None, "monotone_likelihood"):
        raise ValueError(f"fit has problem {fit.problem!r}; it must have converged or have a monotone likelihood")
    level = fit.conf_level if conf_level is None else arguments.level(conf_level)
    j = 0 if term is None else fit.position(term)
    parts = risk_parts(fit.rows, fit.ties)
    spread, _ = spread_of(parts)
    target = fit.loglik - float(chdtri(1, 1 - level)) / 2

    def evaluate(coef: Floats) -> Derivatives:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return derivatives(parts, coef, fit.ties)

    best = float(fit.coef[j])
    start = np.where(np.isfinite(fit.coef), fit.coef, 0.0)
    unit = float(fit.se[j]) if np.isfinite(fit.se[j]) else 1 / float(spread[j])
    profile = _profile(evaluate, j, start)
    limits = [best if best == side * np.inf else _limit(profile, best, side * unit, target) for side in (-1, 1)]
    lower, upper = limits
    with np.errstate(over="ignore"):
        return ProfileInterval(
            term=fit.terms[j],
            hr=float(np.exp(best)),
            lower=float(np.exp(lower)),
            upper=float(np.exp(upper)),
            conf_level=level,
        )


Profile = Callable[[float], tuple[float, float]]


def _profile(evaluate: Callable[[Floats], Derivatives], j: int, start: Floats) -> Profile:
    """Give the highest log likelihood at a value of term j, and its slope there; each search begins where the last ended."""
    others = np.delete(np.arange(start.size), j)
    last = start.copy()

    def at(value: float) -> tuple[float, float]:
        nonlocal last
        coef = last.copy()
        coef[j] = value
        now = evaluate(coef)
        if not np.isfinite(now.loglik):  # a risk set lost all hazard: from the plain start, then
            coef = start.copy()
            coef[j] = value
            now = evaluate(coef)
        for _ in range(_MAX_STEPS * int(others.size > 0)):
            if not np.isfinite(now.loglik):
                return -np.inf, 0.0
            slope = now.score[others]
            try:
                step = np.linalg.solve(now.information[np.ix_(others, others)], slope)
            except np.linalg.LinAlgError:  # another term has run off; nothing is left to gain along it
                break
            if slope @ step <= _LITTLE_GAIN:
                break
            for _ in range(30):
                ahead = coef.copy()
                ahead[others] += step
                after = evaluate(ahead)
                if np.isfinite(after.loglik) and after.loglik >= now.loglik - 1e-12 * abs(now.loglik):
                    break
                step = step / 2
            coef, now = ahead, after
        last = coef
        return now.loglik, float(now.score[j])

    return at


def _limit(profile: Profile, best: float, unit: float, target: float) -> float:
    """Find where the profile falls to `target` on the side that the sign of `unit` says; infinite where it never does."""
    inside = _inside(profile, best, abs(unit), target)
    value = inside + 2 * unit
    for _ in range(_MAX_STEPS):
        height, slope = profile(value)
        if height < target:
            break
        inside, value = value, inside + 2 * (value - inside)
    else:
        return float(np.copysign(np.inf, unit))
    outside = value
    for _ in range(_MAX_STEPS):
        move = (target - height) / slope if slope != 0 and np.isfinite(height) else np.nan
        following = value + move
        if not min(inside, outside) < following < max(inside, outside):
            following = (inside + outside) / 2
        if abs(following - value) <= _LITTLE_WAY * abs(unit):
            return following
        value = following
        height, slope = profile(value)
        if height < target:
            outside = value
        else:
            inside = value
    return value


def _inside(profile: Profile, best: float, unit: float, target: float) -> float:
    """Find a value at which the profile is not below `target`, walking uphill from the best known one."""
    if np.isfinite(best):
        return best
    value, stride = 0.0, unit
    low, high = -np.inf, np.inf  # the profile rises at the one and falls at the other
    for _ in range(_MAX_STEPS):
        height, slope = profile(value)
        if height >= target:
            return value
        if slope > 0:
            low = value
        else:
            high = value
        if np.isfinite(low) and np.isfinite(high):
            value = (low + high) / 2
        else:
            value += stride if slope > 0 else -stride
            stride *= 2
    return value
