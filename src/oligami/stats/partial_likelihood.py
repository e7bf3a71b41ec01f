"""The partial likelihood of the proportional-hazards model: its value, slope and curvature at given coefficients.

Knows strata, case weights and three ways of treating tied event times. Leaves the search for the maximum, and what
is concluded from it, to `regression` and `proportional_hazards`.

The Efron and Breslow likelihoods are written as one sum over events: the m events of a tied time are taken in turn,
and the k-th (k = 0, 1, ...) meets the risk set less the fraction k/m (Efron) or 0 (Breslow) of all m. Sums over risk
sets are cumulative sums from the last time backwards.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from oligami.stats.arguments import Floats, Ints

Ties = Literal["efron", "breslow", "exact"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stratum:
    """The subjects of one stratum in order of time, with the events laid out one by one."""

    rows: Ints  # positions in the original columns, shape (n,); subjects who left before the first event are left out
    x: Floats  # covariates, shape (n, p)
    weight: Floats  # shape (n,)
    moments: Floats  # distinct event times, shape (T,)
    first_at_risk: Ints  # for each moment, its first row still at risk
    passed: Ints  # for each row, how many moments are not after its time
    events: Ints  # rows with an event, in order, shape (E,)
    moment_of: Ints  # for each event, its moment
    first_event: Ints  # for each moment, its first event
    fraction: Floats  # for each event, the share of the tied events that it no longer meets
    event_weight: Floats  # for each event, the mean weight of the events tied with it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventSums:
    """For each event of a stratum, what the risk set it met looked like at given coefficients."""

    risk: Floats  # weighted relative hazard of each row, shape (n,)
    total: Floats  # summed over the risk set that each event met, shape (E,)
    mean: Floats  # mean covariates in that risk set, shape (E, p)
    log_total: Floats  # log of `total`, on the scale of the linear predictor
    shift: float  # taken off the linear predictor so that no exponential overflows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Derivatives:
    """Log partial likelihood with its gradient, shape (p,), and negative Hessian, shape (p, p)."""

    loglik: float
    score: Floats
    information: Floats


def lay_out(time: Floats, event: Ints, x: Floats, stratum: Ints, weight: Floats, ties: Ties) -> tuple[Stratum, ...]:
    """Sort subjects into strata; a stratum without an event carries no information and is left out."""
    parts = []
    for s in range(int(stratum.max()) + 1):
        inside = np.flatnonzero(stratum == s)
        if not event[inside].any():
            continue
        # Who left before the first event is in no risk set, and must not decide the scale of the others either.
        inside = inside[time[inside] >= time[inside][event[inside] == 1].min()]
        rows = inside[np.argsort(time[inside], kind="stable")]
        events = np.flatnonzero(event[rows])
        t = time[rows]
        moments, first_event, moment_of, tied = np.unique(t[events], return_index=True, return_inverse=True, return_counts=True)
        turn = np.arange(events.size) - first_event[moment_of]
        weight_sum = np.add.reduceat(weight[rows][events], first_event)
        parts.append(
            Stratum(
                rows=rows,
                x=x[rows],
                weight=weight[rows],
                moments=moments,
                first_at_risk=np.searchsorted(t, moments, side="left"),
                passed=np.searchsorted(moments, t, side="right"),
                events=events,
                moment_of=moment_of,
                first_event=first_event,
                fraction=turn / tied[moment_of] if ties == "efron" else np.zeros(events.size),
                event_weight=(weight_sum / tied)[moment_of],
            )
        )
    return tuple(parts)


def linear_predictor(x: Floats, coef: Floats) -> Floats:
    """Weigh the covariates column by column, so that equal rows give equal bits and stay recognisably tied."""
    total = np.zeros(x.shape[0])
    for j in range(coef.size):
        total += x[:, j] * coef[j]
    return total


def event_sums(part: Stratum, coef: Floats) -> EventSums:
    """Sum relative hazards over the risk set that each event met (Efron and Breslow)."""
    eta = linear_predictor(part.x, coef)
    shift = float(eta.max())
    risk = part.weight * np.exp(eta - shift)
    total = _met(part, risk)
    mean = _met(part, risk[:, np.newaxis] * part.x) / total[:, np.newaxis]
    return EventSums(risk=risk, total=total, mean=mean, log_total=np.log(total) + shift, shift=shift)


def information_of(part: Stratum, sums: EventSums, importance: Floats) -> Floats:
    """Negative Hessian of one stratum, each event counted with its `importance`, shape (E,)."""
    hazard, tied_hazard = exposure(part, sums, importance)
    load = sums.risk * hazard
    load[part.events] -= sums.risk[part.events] * tied_hazard
    centred = sums.mean * (importance * part.event_weight)[:, np.newaxis]
    return np.asarray((part.x * load[:, np.newaxis]).T @ part.x - centred.T @ sums.mean)


def exposure(part: Stratum, sums: EventSums, importance: Floats) -> tuple[Floats, Floats]:
    """Cumulative hazard that each row met up to its time, and the part that each event's own ties take off again.

    Returns:
        For each row, shape (n,), the sum of the hazard steps up to its time; for each event, shape (E,), the fraction
        of the steps at its own time that it did not meet, being one of the tied events itself.
    """
    step = importance * part.event_weight / sums.total
    cumulative = np.append(0.0, np.cumsum(np.add.reduceat(step, part.first_event)))
    own = np.add.reduceat(part.fraction * step, part.first_event)
    return cumulative[part.passed], own[part.moment_of]


def derivatives(parts: tuple[Stratum, ...], coef: Floats, ties: Ties) -> Derivatives:
    """Evaluate the log partial likelihood and its derivatives, summed over the strata.

    Source: Kalbfleisch and Prentice (2002), section 4.2 (Breslow, Efron, exact conditional).
    """
    loglik, score, information = 0.0, np.zeros(coef.size), np.zeros((coef.size, coef.size))
    for part in parts:
        if ties == "exact":
            value, slope, curvature = _exact(part, coef)
        else:
            sums = event_sums(part, coef)
            x, weight = part.x[part.events], part.weight[part.events]
            value = float(weight @ linear_predictor(x, coef) - part.event_weight @ sums.log_total)
            slope = weight @ x - part.event_weight @ sums.mean
            curvature = information_of(part, sums, np.ones(part.events.size))
        loglik += value
        score += slope
        information += curvature
    return Derivatives(loglik=loglik, score=score, information=information)


def score_residuals(parts: tuple[Stratum, ...], coef: Floats, n: int) -> Floats:
    """Each subject's weighted share of the score, shape (n, p) (Efron and Breslow).

    Source: Therneau and Grambsch (2000), section 4.6; for Efron ties a tied event meets each turn of its own time
    with the fraction that is left of it.
    """
    residuals = np.zeros((n, coef.size))
    for part in parts:
        sums = event_sums(part, coef)
        once = np.ones(part.events.size)
        hazard, tied_hazard = exposure(part, sums, once)
        step_mean = (part.event_weight / sums.total)[:, np.newaxis] * sums.mean
        cumulative = np.vstack((np.zeros(coef.size), np.cumsum(np.add.reduceat(step_mean, part.first_event), axis=0)))
        tied_mean = np.add.reduceat(part.fraction[:, np.newaxis] * step_mean, part.first_event)[part.moment_of]
        own_mean = np.add.reduceat(sums.mean, part.first_event) / np.diff(np.append(part.first_event, once.size))[:, None]

        risk = sums.risk[:, np.newaxis]
        value = -risk * (part.x * hazard[:, np.newaxis] - cumulative[part.passed])
        at = part.events
        value[at] += part.weight[at, np.newaxis] * (part.x[at] - own_mean[part.moment_of])
        value[at] += risk[at] * (part.x[at] * tied_hazard[:, np.newaxis] - tied_mean)
        residuals[part.rows] = value
    return residuals


def _met(part: Stratum, values: Floats) -> Floats:
    """Sum `values` over the rows at risk at each event, less the fraction of the tied events it no longer meets."""
    at_risk = np.cumsum(values[::-1], axis=0)[::-1][part.first_at_risk]
    tied = np.add.reduceat(values[part.events], part.first_event)
    fraction = part.fraction if values.ndim == 1 else part.fraction[:, np.newaxis]
    return np.asarray(at_risk[part.moment_of] - fraction * tied[part.moment_of])


def _exact(part: Stratum, coef: Floats) -> tuple[float, Floats, Floats]:
    """Conditional likelihood of one stratum: at each time, which of all equally large sets had the events.

    The sum over sets is an elementary symmetric function of the relative hazards, built up one set size at a time
    together with its first two derivatives. Time grows with the number of tied events, not with the number of sets.

    Source: Gail, Lubin and Rubinstein (1981), Biometrika 68, 703-707.
    """
    p = coef.size
    eta = linear_predictor(part.x, coef)
    loglik, score, information = 0.0, np.zeros(p), np.zeros((p, p))
    for moment, start in enumerate(part.first_at_risk):
        events = part.events[part.moment_of == moment]
        x = part.x[start:]
        outer = x[:, :, np.newaxis] * x[:, np.newaxis, :]
        # The mean hazard as unit keeps the sums over sets within the range of a float.
        unit = float(np.log(np.mean(np.exp(eta[start:] - eta[start:].max()))) + eta[start:].max())
        hazard = np.exp(eta[start:] - unit)
        value, slope, curvature = np.ones(hazard.size), np.zeros_like(x), np.zeros_like(outer)
        for size in range(1, events.size + 1):
            if size > 1:
                value, slope, curvature = _one_later(value), _one_later(slope), _one_later(curvature)
            cross = x[:, :, np.newaxis] * slope[:, np.newaxis, :]
            curvature = np.cumsum(
                hazard[:, None, None] * (outer * value[:, None, None] + cross + cross.transpose(0, 2, 1) + curvature),
                axis=0,
            )
            slope = np.cumsum(hazard[:, np.newaxis] * (x * value[:, np.newaxis] + slope), axis=0)
            value = np.cumsum(hazard * value)
        mean = slope[-1] / value[-1]
        loglik += float(eta[events].sum() - np.log(value[-1]) - events.size * unit)
        score += part.x[events].sum(axis=0) - mean
        information += curvature[-1] / value[-1] - np.outer(mean, mean)
    return loglik, score, information


def _one_later(values: Floats) -> Floats:
    """Move each entry one row on: sets drawn from the rows before this one."""
    moved = np.zeros_like(values)
    moved[1:] = values[:-1]
    return moved
