"""The partial likelihood of the proportional-hazards model: its value, slope and curvature at given coefficients.

Knows strata, case weights, late entry and three ways of treating tied event times. Leaves the search for the maximum
to `newton`, and what is concluded from it to `regression`, `residuals`, `prediction` and `proportional_hazards`.

The Efron and Breslow likelihoods are one sum over events: the m events of a tied time are taken in turn, and the k-th
(k = 0, 1, ...) meets the others at risk in full and the share 1 - k/m (Efron) or 1 (Breslow) of all m. What depends
on the turn alone is summed over the turns first, so that covariates are summed once for each distinct event time; and
the sum over events of second moments over risk sets is one Gram matrix of the rows, each weighted by the hazard it met.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from oligami.stats.arguments import Floats, Ints
from oligami.stats.fast import kernels

Ties = Literal["efron", "breslow", "exact"]

# Rows taken at a time where a product would otherwise need another array as large as the covariates.
_BLOCK = 1 << 15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stratum:
    """The rows of one stratum in order of time, with the events laid out one by one.

    Rows that were at risk at no event time are left out. Risk sets are told by counts of distinct event times
    ("moments"): a row is at risk at the moments numbered since, ..., until - 1.
    """

    rows: Ints  # positions in the original columns, shape (n,)
    x: Floats  # covariates less `centre`, shape (n, p), each covariate contiguous (Fortran order)
    centre: Floats  # mean covariates of these rows, shape (p,)
    weight: Floats  # shape (n,)
    moments: Floats  # distinct event times, shape (T,)
    until: Ints  # for each row, how many moments are not after its time; 1 or more
    since: Ints | None  # for each row, how many moments are not after its entry; None when that is 0 for all
    events: Ints  # rows with an event, in order, shape (E,)
    moment_of: Ints  # for each event, its moment
    first_event: Ints  # for each moment, its first event
    left: Floats | None  # for each event, the share of the tied ones that it still meets; None when that is 1 for all
    event_weight: Floats  # for each event, the mean weight of the events tied with it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MomentSums:
    """What the events of each moment met at given coefficients, summed over the turns of tied ones.

    With D the weighted relative hazard that an event met, g its share `left` and w its `event_weight`, the sums over
    the events of a moment are `hazard` of w/D, `own_hazard` of g w/D, `square` of w/D^2, `cross` of g w/D^2 and
    `own_square` of g^2 w/D^2, each of shape (T,). Without ties the last ones equal the first ones.
    """

    eta: Floats  # linear predictor of the centred covariates, shape (n,)
    risk: Floats  # weight times exp(eta - shift), shape (n,)
    shift: float  # taken off so that no exponential overflows
    log_total: float  # sum over events of w (log D + shift)
    hazard: Floats
    own_hazard: Floats
    square: Floats
    cross: Floats
    own_square: Floats
    others: Floats  # covariates weighted by risk, summed over those at risk without the event there, shape (p, T)
    tied: Floats | None  # the same over those with the event there; None when `others` holds both


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Derivatives:
    """Log partial likelihood with its gradient, shape (p,), and negative Hessian, shape (p, p)."""

    loglik: float
    score: Floats
    information: Floats


def lay_out(
    time: Floats, event: Ints, x: Floats, stratum: Ints, weight: Floats, ties: Ties, entry: Floats | None = None
) -> tuple[Stratum, ...]:
    """Sort rows into strata; a stratum without an event carries no information and is left out."""
    if stratum.max() == 0:
        compiled = kernels(time.size)
        order = np.argsort(time, kind="stable") if compiled is None else compiled.time_order(time)
        found = _laid_out(order, time, event, x, weight, ties, entry)
        return () if found is None else (found,)
    order = np.lexsort((time, stratum))
    cuts = np.flatnonzero(np.diff(stratum[order])) + 1
    parts = (_laid_out(rows, time, event, x, weight, ties, entry) for rows in np.split(order, cuts))
    return tuple(part for part in parts if part is not None)


def thinned(parts: tuple[Stratum, ...], every: int, ties: Ties) -> tuple[Stratum, ...]:
    """Lay out every so many rows of each stratum: a like likelihood of fewer rows, the same each time."""
    found = []
    for part in parts:
        some = slice(None, None, every)
        event = np.zeros(part.until.size, dtype=np.int64)
        event[part.events] = 1
        until = part.until[some].astype(np.float64)  # moments, numbered, do as times
        since = None if part.since is None else part.since[some].astype(np.float64)
        rows = np.arange(until.size)
        found.append(_laid_out(rows, until, event[some], part.x[some], part.weight[some], ties, since))
    return tuple(part for part in found if part is not None)


def derivatives(parts: tuple[Stratum, ...], coef: Floats, ties: Ties) -> Derivatives:
    """Evaluate the log partial likelihood and its derivatives, summed over the strata.

    Source: Kalbfleisch and Prentice (2002), section 4.2 (Breslow, Efron, exact conditional).
    """
    loglik, score, information = 0.0, np.zeros(coef.size), np.zeros((coef.size, coef.size))
    for part in parts:
        compiled = kernels(part.until.size)
        if ties == "exact":
            value, slope, curvature = _exact(part, coef)
        elif compiled is not None and part.since is None:
            value, slope, curvature = compiled.stratum_derivatives(
                part.x,
                part.weight,
                part.until,
                part.events,
                part.moment_of,
                part.first_event,
                part.left,
                part.event_weight,
                coef,
            )
        else:
            value, slope, curvature = stratum_derivatives(
                part.x,
                part.weight,
                part.until,
                part.since,
                part.events,
                part.moment_of,
                part.first_event,
                part.left,
                part.event_weight,
                coef,
            )
        loglik += value
        score += slope
        information += curvature
    return Derivatives(loglik=loglik, score=score, information=information)


def stratum_derivatives(
    x: Floats,
    weight: Floats,
    until: Ints,
    since: Ints | None,
    events: Ints,
    moment_of: Ints,
    first_event: Ints,
    left: Floats | None,
    event_weight: Floats,
    coef: Floats,
) -> tuple[float, Floats, Floats]:
    """Evaluate the Efron or Breslow log partial likelihood of one laid-out stratum, its score and its information.

    This is the whole cost of a fit, and plain arrays in and out: a compiled twin takes the same arguments (without
    `since`), returns the same three values, and is called from `derivatives` in its place. It may rely on this:

    - rows are in order of time, so `until` (1 ... T, no row is without a moment) never falls; `since` (0 ... until - 1)
      has no order. Row i is at risk at the moments since[i], ..., until[i] - 1, counted from 0.
    - `events` are the row numbers of the E events in order; their moments `moment_of` = until - 1 never fall and leave
      out none of the T. The events of moment m are first_event[m], ..., first_event[m + 1] - 1.
    - `left` is None when every event meets all of its risk set (no ties, or Breslow); else the k-th of m tied events
      has 1 - k/m. `event_weight` is the mean weight of the events tied with each.
    - a risk set that has lost all hazard to underflow gives a value that is not finite, and no exception; the search
      then takes a shorter step.

    Args:
        x: centred covariates, shape (n, p), each covariate contiguous.
        weight: case weights, shape (n,).
        until: shape (n,).
        since: shape (n,), or None when all are 0.
        events: shape (E,).
        moment_of: shape (E,).
        first_event: shape (T,).
        left: shape (E,), or None.
        event_weight: shape (E,).
        coef: shape (p,).

    Returns:
        The log partial likelihood, its gradient, shape (p,), and its negative Hessian, shape (p, p).
    """
    sums = moment_sums(x, weight, until, since, events, moment_of, first_event, left, event_weight, coef)
    load = sums.risk * exposure(until, since, events, moment_of, sums)
    information = _gram(x.T, load, x.T) - _between(sums, None)
    np.negative(load, out=load)
    load[events] += weight[events]
    value = float(weight[events] @ sums.eta[events]) - sums.log_total
    return value, x.T @ load, information


def moment_sums(
    x: Floats,
    weight: Floats,
    until: Ints,
    since: Ints | None,
    events: Ints,
    moment_of: Ints,
    first_event: Ints,
    left: Floats | None,
    event_weight: Floats,
    coef: Floats,
) -> MomentSums:
    """Sum hazards and covariates over the risk sets; the arguments are those of `stratum_derivatives`."""
    eta = x @ coef
    shift = float(eta.max())
    risk = np.exp(eta - shift)
    risk *= weight
    size = first_event.size
    # No moment is without a row that stays until then, so without entries the rows at risk at each are a tail of all.
    tail = until.size - 1 - np.flatnonzero(np.append(True, until[1:] != until[:-1]))
    share, sums = np.empty(until.size), np.empty(until.size)  # used over and over: new memory costs more than the sums
    total = np.empty(size)
    _at_risk(risk, until, since, tail, sums, total)
    others = np.empty((coef.size, size))
    tied = None if left is None else np.empty((coef.size, size))
    for j in range(coef.size):
        np.multiply(risk, x[:, j], out=share)
        _at_risk(share, until, since, tail, sums, others[j])
        if tied is not None:
            tied[j] = np.add.reduceat(share[events], first_event)
    if left is None or tied is None:
        weights = event_weight if events.size == size else np.add.reduceat(event_weight, first_event)
        hazard = weights / total
        square = hazard / total
        log_total = float(weights @ np.log(total)) + float(weights.sum()) * shift
        return MomentSums(
            eta=eta,
            risk=risk,
            shift=shift,
            log_total=log_total,
            hazard=hazard,
            own_hazard=hazard,
            square=square,
            cross=square,
            own_square=square,
            others=others,
            tied=None,
        )
    others -= tied
    tied_total = np.add.reduceat(risk[events], first_event)
    met = (total - tied_total)[moment_of] + left * tied_total[moment_of]
    log_total = float(event_weight @ np.log(met)) + float(event_weight.sum()) * shift
    step = event_weight / met
    hazard, own_hazard = np.add.reduceat(step, first_event), np.add.reduceat(left * step, first_event)
    step /= met
    square, cross = np.add.reduceat(step, first_event), np.add.reduceat(left * step, first_event)
    return MomentSums(
        eta=eta,
        risk=risk,
        shift=shift,
        log_total=log_total,
        hazard=hazard,
        own_hazard=own_hazard,
        square=square,
        cross=cross,
        own_square=np.add.reduceat(left * left * step, first_event),
        others=others,
        tied=tied,
    )


def sums_of(part: Stratum, coef: Floats) -> MomentSums:
    """Sum over the risk sets of a stratum at given coefficients (Efron and Breslow)."""
    return moment_sums(
        part.x,
        part.weight,
        part.until,
        part.since,
        part.events,
        part.moment_of,
        part.first_event,
        part.left,
        part.event_weight,
        coef,
    )


def exposure(until: Ints, since: Ints | None, events: Ints, moment_of: Ints, sums: MomentSums) -> Floats:
    """Add up the hazard steps that each row met, shape (n,); a tied event meets the share of its own moment's steps."""
    return _added_up(sums.hazard, sums.own_hazard if sums.tied is not None else None, until, since, events, moment_of)


def information_of(part: Stratum, sums: MomentSums, importance: Floats) -> Floats:
    """Negative Hessian of one stratum, the events of each moment counted with its `importance`, shape (T,)."""
    own = sums.own_hazard * importance if sums.tied is not None else None
    load = sums.risk * _added_up(sums.hazard * importance, own, part.until, part.since, part.events, part.moment_of)
    return _gram(part.x.T, load, part.x.T) - _between(sums, importance)


def mean_at_events(part: Stratum, sums: MomentSums) -> Floats:
    """Mean covariates of those at risk at each moment, over the turns of tied events, shape (p, T)."""
    weight = np.add.reduceat(part.event_weight, part.first_event)
    if sums.tied is None:
        return np.asarray(sums.others * (sums.hazard / weight))
    return np.asarray(sums.others * (sums.hazard / weight) + sums.tied * (sums.own_hazard / weight))


def mean_steps(sums: MomentSums) -> Floats:
    """Hazard step times mean covariates, summed over the events of each moment, shape (p, T)."""
    if sums.tied is None:
        return np.asarray(sums.others * sums.square)
    return np.asarray(sums.others * sums.square + sums.tied * sums.cross)


def row_scores(parts: tuple[Stratum, ...], coef: Floats, n: int) -> Floats:
    """Each row's weighted share of the score, shape (n, p) (Efron and Breslow).

    Source: Therneau and Grambsch (2000), section 4.6; for Efron ties a tied event meets each turn of its own time
    with the share that is left of it.
    """
    residuals = np.zeros((n, coef.size))
    for part in parts:
        sums = sums_of(part, coef)
        hazard = exposure(part.until, part.since, part.events, part.moment_of, sums)
        means, steps = mean_at_events(part, sums), mean_steps(sums)
        for j in range(coef.size):
            own = None if sums.tied is None else sums.others[j] * sums.cross + sums.tied[j] * sums.own_square
            met = _added_up(steps[j], own, part.until, part.since, part.events, part.moment_of)
            value = sums.risk * (met - part.x[:, j] * hazard)
            value[part.events] += part.weight[part.events] * (part.x[part.events, j] - means[j, part.moment_of])
            residuals[part.rows, j] = value
    return residuals


def linear_predictor(x: Floats, coef: Floats) -> Floats:
    """Weigh the covariates column by column, so that equal rows give equal bits and stay recognisably tied."""
    total = np.zeros(x.shape[0])
    for j in range(coef.size):
        total += x[:, j] * coef[j]
    return total


def _laid_out(
    rows: Ints, time: Floats, event: Ints, x: Floats, weight: Floats, ties: Ties, entry: Floats | None
) -> Stratum | None:
    compiled = kernels(rows.size) if entry is None else None
    if compiled is not None:
        laid = compiled.laid_out(rows, time, event, x, weight, ties == "efron")
        if laid is None:
            return None
        fields = laid._asdict()
        return Stratum(x=fields.pop("columns").T, since=None, **fields)
    moments = time[rows[event[rows] == 1]]
    if moments.size == 0:
        return None
    moments = moments[np.append(True, moments[1:] != moments[:-1])]
    until = np.searchsorted(moments, time[rows], side="right")
    since = None if entry is None else np.searchsorted(moments, entry[rows], side="right")
    # Who was at risk at no event is in no sum, and must not decide the scale of the others either.
    met = until > (0 if since is None else since)
    if not met.all():
        rows, until = rows[met], until[met]
        since = None if since is None else since[met]
    if since is not None and not since.any():
        since = None
    centred, centre = _centred(x, rows)
    weight = weight[rows]
    events = np.flatnonzero(event[rows])
    moment_of = until[events] - 1
    first_event = np.flatnonzero(np.append(True, moment_of[1:] != moment_of[:-1]))
    left, event_weight = None, weight[events]
    if events.size > moments.size:
        tied = np.diff(np.append(first_event, events.size))
        event_weight = (np.add.reduceat(event_weight, first_event) / tied)[moment_of]
        if ties == "efron":
            left = 1 - (np.arange(events.size) - first_event[moment_of]) / tied[moment_of]
    return Stratum(
        rows=rows,
        x=centred,
        centre=centre,
        weight=weight,
        moments=moments,
        until=until,
        since=since,
        events=events,
        moment_of=moment_of,
        first_event=first_event,
        left=left,
        event_weight=event_weight,
    )


def _centred(x: Floats, rows: Ints) -> tuple[Floats, Floats]:
    """Bring the covariates of these rows into their order, each covariate contiguous and of mean 0."""
    columns = np.empty((x.shape[1], rows.size))
    for start in range(0, rows.size, _BLOCK):
        columns[:, start : start + _BLOCK] = x[rows[start : start + _BLOCK]].T
    centre = columns.mean(axis=1)
    columns -= centre[:, np.newaxis]
    return columns.T, centre


def _at_risk(values: Floats, until: Ints, since: Ints | None, tail: Ints, sums: Floats, out: Floats) -> None:
    """Sum `values` over the rows at risk at each moment into `out`, in one walk back through time; `sums` is scratch."""
    if since is None:
        np.cumsum(values[::-1], out=sums)
        np.take(sums, tail, out=out, mode="clip")  # the default mode would fill a copy first
        return
    change = np.bincount(until, weights=values, minlength=out.size + 1)
    change -= np.bincount(since, weights=values, minlength=out.size + 1)
    np.cumsum(change[:0:-1], out=out[::-1])


def _added_up(steps: Floats, own: Floats | None, until: Ints, since: Ints | None, events: Ints, moment_of: Ints) -> Floats:
    """Add up the steps of the moments at which each row was at risk; an event takes `own` in place of its own moment's."""
    cumulative = np.zeros(steps.size + 1)
    np.cumsum(steps, out=cumulative[1:])
    met = cumulative[until]
    if since is not None:
        met -= cumulative[since]
    if own is not None:
        met[events] += (own - steps)[moment_of]
    return np.asarray(met)


def _between(sums: MomentSums, importance: Floats | None) -> Floats:
    """Sum over events of the outer product of the mean covariates they met."""
    q = 1.0 if importance is None else importance
    if sums.tied is None:
        return _gram(sums.others, sums.square * q, sums.others)
    mixed = _gram(sums.others, sums.cross * q, sums.tied)
    return np.asarray(
        _gram(sums.others, sums.square * q, sums.others) + mixed + mixed.T + _gram(sums.tied, sums.own_square * q, sums.tied)
    )


def _gram(a: Floats, weight: Floats, b: Floats) -> Floats:
    """Sum over columns of weight times the outer product of the columns of two (p, n) arrays."""
    if weight.size <= 2 * _BLOCK:
        return np.asarray((a * weight) @ b.T)
    total = np.zeros((a.shape[0], b.shape[0]))
    for start in range(0, weight.size, _BLOCK):
        some = slice(start, start + _BLOCK)
        total += (a[:, some] * weight[some]) @ b[:, some].T
    return total


def _exact(part: Stratum, coef: Floats) -> tuple[float, Floats, Floats]:
    """Conditional likelihood of one stratum: at each time, which of all equally large sets had the events.

    The sum over sets is an elementary symmetric function of the relative hazards, built up one set size at a time
    together with its first two derivatives. Time grows with the number of tied events, not with the number of sets.

    Source: Gail, Lubin and Rubinstein (1981), Biometrika 68, 703-707.
    """
    p = coef.size
    eta = part.x @ coef
    loglik, score, information = 0.0, np.zeros(p), np.zeros((p, p))
    start_of = np.searchsorted(part.until, np.arange(part.moments.size), side="right")
    for moment, start in enumerate(start_of):
        events = part.events[part.moment_of == moment]
        inside = slice(start, None) if part.since is None else start + np.flatnonzero(part.since[start:] <= moment)
        x, at_risk = part.x[inside], eta[inside]
        top = at_risk.max()
        # The mean hazard as unit keeps the sums over sets within the range of a float.
        unit = float(np.log(np.mean(np.exp(at_risk - top))) + top)
        hazard = np.exp(at_risk - unit)
        outer = x[:, :, np.newaxis] * x[:, np.newaxis, :]
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
