"""What the log-rank test, weighted or not, tends to when the trial is large: its drift and variance per subject.

The limit of Lakatos's Markov model as its intervals shrink, for any hazards, entry and drop-out.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr, ndtri

from oligami.stats import arguments
from oligami.stats.arguments import Floats
from oligami.stats.sizing import events
from oligami.stats.sizing.assumptions import Assumptions


def critical(alpha: float, sides: int) -> float:
    """Return the normal quantile that a test at `alpha` must pass, one- or two-sided.

    Raises:
        ValueError: alpha lies outside (0, 1), one-sided (0, 0.5), or sides is neither 1 nor 2.
    """
    if sides not in (1, 2):
        raise ValueError(f"sides is {sides!r}; it must be 1 or 2")
    share = arguments.level(alpha, "alpha") / sides
    if share >= 0.5:
        raise ValueError(f"alpha is {alpha!r}; it must lie below {0.5 * sides:g} for {sides} side{'s'[: sides - 1]}")
    return -float(ndtri(share))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogrankLimit:
    """Per subject entered by the analysis: the statistic U is near N drift, its variance near N variance."""

    drift: float  # of observed less expected events of the control arm: positive favours the experimental arm
    variance: float
    event_share: float  # events to subjects
    time: float  # calendar time of the analysis

    @property
    def z_per_root_subject(self) -> float:
        """Expected z of the test, positive favouring the experimental arm, divided by the root of the subjects."""
        return self.drift / float(np.sqrt(self.variance))


def limit_of_logrank(assumptions: Assumptions, *, rho: float = 0.0, gamma: float = 0.0, at: float | None = None) -> LogrankLimit:
    """Return drift and variance of the log-rank test of the Fleming-Harrington family under any hazards.

    Args:
        assumptions: the trial.
        rho: power of the pooled survival in the weight, >= 0; with gamma 0 as well the plain log-rank test.
        gamma: power of one less the pooled survival, >= 0.
        at: calendar time of the analysis, > 0; by default the end of follow-up.

    Raises:
        ValueError: an argument is out of its range, or no event is expected by then.

    Source: Lakatos (1988), Biometrics 44, 229-241: with y0, y1 expected at risk, h0, h1 hazards, drift is the integral of
    w y0 y1 (h0 - h1) / (y0 + y1) and variance that of w^2 y0 y1 (y0 h0 + y1 h1) / (y0 + y1)^2.

    >>> from oligami.stats.sizing import assume, exponential, scaled, uniform
    >>> late = assume(control=exponential(0.2), experimental=scaled(exponential(0.2), (1, 0.6), starts=(0, 1)),
    ...               accrual=uniform(3), followup=5)
    >>> plain, weighted = limit_of_logrank(late), limit_of_logrank(late, gamma=1)
    >>> round(plain.z_per_root_subject, 4), round(weighted.z_per_root_subject, 4)
    (0.1474, 0.1641)
    """
    power_of_survival = arguments.number(rho, "rho", at_least=0)
    power_of_death = arguments.number(gamma, "gamma", at_least=0)
    end = assumptions.duration if at is None else arguments.number(at, "at", above=0)
    (control, lost0), (experimental, lost1) = assumptions.arms
    orders = (control.order, experimental.order, lost0.order, lost1.order)
    cuts = events.cuts_of(control, experimental, lost0, lost1)
    points = events.stretches(np.array([end]), cuts, assumptions.accrual.cuts[1:], orders)
    x, weight = points.time[0], points.weight[0]
    # Subjects who can be seen to time x; those who enter later are nobody's at this analysis.
    open_to = assumptions.accrual.enrolled(end - x) / float(assumptions.accrual.enrolled(end))
    y0 = assumptions.shares[0] * open_to * np.exp(-control.cumulative(x) - lost0.cumulative(x))
    y1 = assumptions.shares[1] * open_to * np.exp(-experimental.cumulative(x) - lost1.cumulative(x))
    h0, h1 = control.hazard(x), experimental.hazard(x)
    # At the very end nobody is left; what is divided there is divided by next to nothing and weighs nothing.
    at_risk = np.where(y0 + y1 > 1e-100, y0 + y1, 1.0)
    deaths = y0 * h0 + y1 * h1
    factor = _weight(deaths / at_risk, weight, power_of_survival, power_of_death)
    event_share = float((deaths * weight).sum())
    if not event_share > 0:
        raise ValueError(f"at is {end!r}; it must be a time by which events are expected")
    return LogrankLimit(
        drift=float((factor * y0 * y1 * (h0 - h1) / at_risk * weight).sum()),
        variance=float((factor**2 * y0 * y1 * deaths / at_risk**2 * weight).sum()),
        event_share=event_share,
        time=end,
    )


def logrank_power(
    assumptions: Assumptions,
    *,
    alpha: float,
    sides: int = 1,
    rho: float = 0.0,
    gamma: float = 0.0,
    subjects: float | None = None,
    at: float | None = None,
) -> float:
    """Return the power of the log-rank test of the Fleming-Harrington family under any hazards.

    Args:
        assumptions: the trial.
        alpha: size of the test, one- or two-sided as `sides` says.
        sides: 1 or 2; of a two-sided test the power on the experimental arm's side.
        rho: as `limit_of_logrank`.
        gamma: as `limit_of_logrank`.
        subjects: entered by the analysis; by default as many as the accrual brings by then.
        at: calendar time of the analysis; by default the end of follow-up.

    Raises:
        ValueError: an argument is out of its range, or no event is expected by then.

    Source: Phi(sqrt(N) drift / sd - z_alpha), Lakatos (1988).

    >>> from oligami.stats.sizing import assume, exponential, scaled, uniform
    >>> late = assume(control=exponential(0.2), experimental=scaled(exponential(0.2), (1, 0.6), starts=(0, 1)),
    ...               accrual=uniform(3, subjects=270), followup=5)
    >>> round(logrank_power(late, alpha=0.05), 4), round(logrank_power(late, alpha=0.05, gamma=1), 4)
    (0.7815, 0.8535)
    """
    limit = limit_of_logrank(assumptions, rho=rho, gamma=gamma, at=at)
    entered = float(assumptions.accrual.enrolled(limit.time)) if subjects is None else subjects
    entered = arguments.number(entered, "subjects", above=0)
    return float(ndtr(np.sqrt(entered) * limit.z_per_root_subject - critical(alpha, sides)))


def logrank_subjects(
    assumptions: Assumptions, *, alpha: float, power: float, sides: int = 1, rho: float = 0.0, gamma: float = 0.0
) -> float:
    """Return the subjects, not rounded, with which the log-rank test of the Fleming-Harrington family has a power.

    Args:
        assumptions: the trial; its own number of subjects plays no part.
        alpha: size of the test, one- or two-sided as `sides` says.
        power: in (0, 1), above alpha.
        sides: 1 or 2.
        rho: as `limit_of_logrank`.
        gamma: as `limit_of_logrank`.

    Raises:
        ValueError: an argument is out of its range, or the test does not drift towards the experimental arm.

    Source: (z_alpha + z_beta)^2 variance / drift^2, Lakatos (1988).

    >>> from oligami.stats.sizing import assume, exponential, scaled, uniform
    >>> late = assume(control=exponential(0.2), experimental=scaled(exponential(0.2), (1, 0.6), starts=(0, 1)),
    ...               accrual=uniform(3), followup=5)
    >>> [round(logrank_subjects(late, alpha=0.05, power=0.8, gamma=gamma), 1) for gamma in (0, 1)]
    [284.6, 229.6]
    """
    limit = limit_of_logrank(assumptions, rho=rho, gamma=gamma)
    if limit.drift <= 0:
        raise ValueError("assumptions do not favour the experimental arm under these weights; no number of subjects shows it")
    quantiles = critical(alpha, sides) + float(ndtri(arguments.level(power, "power")))
    if quantiles <= 0:
        raise ValueError(f"power is {power!r}; it must exceed alpha, no subject is needed for less")
    return (quantiles / limit.z_per_root_subject) ** 2


def _weight(pooled_hazard: Floats, weight: Floats, rho: float, gamma: float) -> Floats:
    """S^rho (1 - S)^gamma of the pooled survival at each point, shape (stretches, points)."""
    if rho == 0 and gamma == 0:
        return np.ones_like(pooled_hazard)
    # Within a stretch the integral up to each point; the slope of a bent stretch is in its weights.
    _, plain = events.legendre()
    within = (pooled_hazard * weight / plain) @ _up_to().T
    before = np.concatenate([[0.0], np.cumsum((pooled_hazard * weight).sum(axis=1))[:-1]])
    pooled = np.maximum(before[:, np.newaxis] + within, 0.0)  # rounding may step below 0 at the start
    factor: Floats = np.exp(-rho * pooled) * (-np.expm1(-pooled)) ** gamma
    return factor


@cache
def _up_to() -> Floats:
    """Matrix that turns values at the points of (0, 1) into integrals from 0 to each point."""
    nodes, _ = events.legendre()
    size = nodes.size
    values = np.polynomial.legendre.legvander(2 * nodes - 1, size - 1)
    integrals = np.empty((size, size))
    for degree in range(size):
        unit = np.zeros(degree + 1)
        unit[degree] = 1.0
        integrals[:, degree] = np.polynomial.legendre.legval(2 * nodes - 1, np.polynomial.legendre.legint(unit, lbnd=-1)) / 2
    matrix: Floats = np.linalg.solve(values.T, integrals.T).T.astype(np.float64)
    return matrix
