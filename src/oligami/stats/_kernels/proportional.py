"""The Efron and Breslow partial likelihoods over many rows: value, slope and curvature in few sweeps over the columns.

Twin of `partial_likelihood.stratum_derivatives`, with its formulas. Hazards come first, from a sweep over one column.
Then covariates are summed over risk sets from the last row to the first, and each row is weighed with the hazard it
met; where every event meets all of its risk set, one sweep does both. Rows are taken in chunks that caches hold, and
column by column; the order of every addition is fixed by the code.
"""

import numpy as np

from oligami.stats._kernels.ordering import jit
from oligami.stats.arguments import Floats, Ints

_CHUNK = 512  # `_sum_of_products` is written for this length
_BLOCK = 16 * _CHUNK  # of which a few columns fit into a cache of 1 MiB


def stratum_derivatives(
    x: Floats,
    weight: Floats,
    until: Ints,
    events: Ints,
    moment_of: Ints,
    first_event: Ints,
    left: Floats | None,
    event_weight: Floats,
    coef: Floats,
) -> tuple[float, Floats, Floats]:
    """Return log partial likelihood, score and information of one stratum without late entries.

    Arguments and results are those of `partial_likelihood.stratum_derivatives`.
    """
    columns, p, moments = np.ascontiguousarray(x.T), coef.size, first_event.size
    risk, value, shift = np.empty(until.size), 0.0, 0.0
    if coef.any():
        _linear_predictor(columns, coef, risk)
        value = _event_sum(risk, weight, events)
        shift = float(risk.max())
        risk -= shift
        np.exp(risk, out=risk)
    else:
        risk.fill(1.0)

    total = np.empty(moments)
    _sum_risk(risk, weight, until, total)
    met, square = np.zeros(moments + 1), np.empty(moments)  # hazard up to each moment, after a 0
    information, score = np.zeros((p, p)), np.zeros(p)
    if left is None:
        weights = event_weight if events.size == moments else np.add.reduceat(event_weight, first_event)
        _steps(total, weights, met, square)
        _add_blocks(columns, weight, risk, until, events, met, square, score, information)
    else:
        weights, hazard, own = event_weight, np.empty(moments), np.empty(moments)
        each, cross, own_square = np.empty(events.size), np.empty(moments), np.empty(moments)
        _tied_steps(total, risk, events, first_event, left, event_weight, each, hazard, own, square, cross, own_square)
        _less_between_tied(columns, risk, until, events, first_event, square, cross, own_square, information)
        np.cumsum(hazard, out=met[1:])
        _add_rows(columns, weight, risk, until, events, moment_of, met, hazard - own, score, information)
        total = each
    np.log(total, out=total)
    log_total = float(weights.sum()) * shift + _weighted_sum(total, weights)
    return value - log_total, score, information


@jit
def _linear_predictor(columns: Floats, coef: Floats, eta: Floats) -> None:
    p, n = columns.shape
    total = np.empty(_CHUNK)
    for start in range(0, n, _CHUNK):
        size = min(_CHUNK, n - start)
        total[:] = 0.0
        for j in range(p):
            b, part = coef[j], columns[j, start : start + size]
            for i in range(size):
                total[i] += part[i] * b
        eta[start : start + size] = total[:size]


@jit
def _event_sum(eta: Floats, weight: Floats, events: Ints) -> float:
    total = 0.0
    for k in range(events.size):
        total += weight[events[k]] * eta[events[k]]
    return total


@jit
def _weighted_sum(values: Floats, weights: Floats) -> float:
    total = 0.0
    for k in range(values.size):
        total += weights[k] * values[k]
    return total


@jit
def _sum_risk(risk: Floats, weight: Floats, until: Ints, total: Floats) -> None:
    """Multiply `risk` by the weights, and sum it over those at risk at each moment."""
    held = 0.0
    for i in range(until.size - 1, -1, -1):
        risk[i] *= weight[i]
        held += risk[i]
        total[until[i] - 1] = held  # the last time it is written, it is complete


@jit
def _steps(total: Floats, weights: Floats, met: Floats, square: Floats) -> None:
    """Fill the hazard up to each moment, after a 0, and each step of it over the total there."""
    for m in range(total.size):
        met[m + 1] = weights[m] / total[m]
        square[m] = met[m + 1] / total[m]
    for m in range(total.size):
        met[m + 1] += met[m]


@jit
def _tied_steps(
    total: Floats,
    risk: Floats,
    events: Ints,
    first_event: Ints,
    left: Floats,
    event_weight: Floats,
    met: Floats,
    hazard: Floats,
    own: Floats,
    square: Floats,
    cross: Floats,
    own_square: Floats,
) -> None:
    """Fill what each event met, and the sums over turns of `partial_likelihood.MomentSums`."""
    for m in range(first_event.size):
        first, stop = first_event[m], first_event[m + 1] if m + 1 < first_event.size else events.size
        tied = 0.0
        for k in range(first, stop):
            tied += risk[events[k]]
        others = total[m] - tied
        h = o = s = c = q = 0.0
        for k in range(first, stop):
            share = left[k]
            met[k] = others + share * tied
            step = event_weight[k] / met[k]
            h += step
            o += share * step
            step /= met[k]
            s += step
            c += share * step
            q += share * share * step
        hazard[m], own[m], square[m], cross[m], own_square[m] = h, o, s, c, q


@jit
def _complete(until: Ints, start: int, stop: int) -> tuple[int, int]:
    """The moments whose first row lies in a chunk of rows: from, up to but without."""
    first = until[start] - 1
    if start > 0 and until[start - 1] == until[start]:
        first += 1
    return first, until[stop - 1]


@jit
def _sum_covariate(
    column: Floats, risk: Floats, until: Ints, start: int, stop: int, base: int, held: float, sums: Floats
) -> float:
    """Sum a covariate times risk over the rows of a chunk from its last to its first, on top of `held`, by moment.

    Four rows at a time: only one addition in four waits for the one before.
    """
    i = stop - 1
    while i - 3 >= start:
        a = risk[i] * column[i]
        b = a + risk[i - 1] * column[i - 1]
        c = b + risk[i - 2] * column[i - 2]
        d = c + risk[i - 3] * column[i - 3]
        sums[until[i] - base] = held + a
        sums[until[i - 1] - base] = held + b
        sums[until[i - 2] - base] = held + c
        held += d
        sums[until[i - 3] - base] = held
        i -= 4
    while i >= start:
        held += risk[i] * column[i]
        sums[until[i] - base] = held
        i -= 1
    return held


@jit
def _tail_sums(values: Floats, held: float, sums: Floats) -> float:
    """Sum the values of a chunk from its last to its first, on top of `held`; four at a time as in `_sum_covariate`."""
    for back in range(0, _CHUNK, 4):
        i = _CHUNK - 1 - back
        a = values[i]
        b = a + values[i - 1]
        c = b + values[i - 2]
        d = c + values[i - 3]
        sums[i], sums[i - 1], sums[i - 2] = held + a, held + b, held + c
        held += d
        sums[i - 3] = held
    return held


@jit
def _whole_chunk(columns: Floats, start: int, edge: Floats) -> tuple[Floats, int]:
    """Return where a whole chunk from row `start` can be read, and from which place: the last one in `edge`, after 0s."""
    p, n = columns.shape
    if start + _CHUNK <= n:
        return columns, start
    edge[:, n - start :] = 0.0
    for j in range(p):
        for i in range(n - start):
            edge[j, i] = columns[j, start + i]
    return edge, 0


@jit
def _add_blocks(
    columns: Floats,
    weight: Floats,
    risk: Floats,
    until: Ints,
    events: Ints,
    met: Floats,
    square: Floats,
    score: Floats,
    information: Floats,
) -> None:
    """Add up score and information where each event met all of its risk set; `met` is the hazard up to each moment, after a 0.

    Memory is read fastest forwards, so a block of rows is weighed in that order, and then summed backwards from the cache.
    """
    p, n = columns.shape
    held, sums, edge = np.zeros(p), np.zeros((p, _CHUNK)), np.zeros((p, _CHUNK))
    load, scaled, spare = np.empty(_CHUNK), np.empty(_CHUNK), np.empty(_CHUNK)
    event = events.size
    for block in range((n - 1) // _BLOCK * _BLOCK, -1, -_BLOCK):
        stop = min(block + _BLOCK, n)
        while event > 0 and events[event - 1] >= block:
            event -= 1
        k = event
        for start in range(block, stop, _CHUNK):
            (part, skip), size = _whole_chunk(columns, start, edge), min(_CHUNK, n - start)
            load[size:] = 0.0
            for i in range(size):
                load[i] = risk[start + i] * met[np.uint64(until[start + i])]
            _add_products(information, part, part, skip, load, scaled, spare)
            for i in range(size):
                load[i] = -load[i]
            while k < events.size and events[k] < start + size:
                load[events[k] - start] += weight[events[k]]
                k += 1
            for j in range(p):
                score[j] += _sum_of_products(load, part[j, skip : skip + _CHUNK], spare)
        for start in range((stop - 1) // _CHUNK * _CHUNK, block - 1, -_CHUNK):
            (part, skip), size = _whole_chunk(columns, start, edge), min(_CHUNK, n - start)
            # At the first row of a moment the sums over this row and all later ones are those over its risk set.
            load[size:] = 0.0
            before = until[start - 1] if start > 0 else 0
            for i in range(size):
                moment = until[start + i]
                load[i] = -square[np.uint64(moment - 1)] * (moment != before)  # no branch, which would be foretold wrongly
                before = moment
            for j in range(p):
                row = part[j, skip : skip + _CHUNK]
                scaled[size:] = 0.0
                for i in range(size):
                    scaled[i] = risk[start + i] * row[i]
                held[j] = _tail_sums(scaled, held[j], sums[j])
            _add_products(information, sums, sums, 0, load, scaled, spare)
    for a in range(p):
        for b in range(a):
            information[b, a] = information[a, b]


@jit
def _less_between_tied(
    columns: Floats,
    risk: Floats,
    until: Ints,
    events: Ints,
    first_event: Ints,
    square: Floats,
    cross: Floats,
    own_square: Floats,
    information: Floats,
) -> None:
    """Take the products of the sums over risk sets off the lower half of `information`.

    Tied events meet in full only the others at risk, and a share of themselves.
    """
    p, n = columns.shape
    held, sums, tied = np.zeros(p), np.zeros((p, _CHUNK + 1)), np.zeros((p, _CHUNK + 1))
    factor, scaled, spare = np.zeros(_CHUNK), np.empty(_CHUNK), np.empty(_CHUNK)
    for stop in range(n, 0, -_CHUNK):
        start = max(stop - _CHUNK, 0)
        base, (first, last) = until[start], _complete(until, start, stop)
        skip, size = first + 1 - base, last - first
        factor[size:] = 0.0
        for j in range(p):
            held[j] = _sum_covariate(columns[j], risk, until, start, stop, base, held[j], sums[j])
            for m in range(first, last):
                own = 0.0
                for k in range(first_event[m], first_event[m + 1] if m + 1 < first_event.size else events.size):
                    own += risk[events[k]] * columns[j, events[k]]
                tied[j, m + 1 - base] = own
                sums[j, m + 1 - base] -= own
        for m in range(size):
            factor[m] = -square[first + m]
        _add_products(information, sums, sums, skip, factor, scaled, spare)
        for m in range(size):
            factor[m] = -cross[first + m]
        _add_products(information, sums, tied, skip, factor, scaled, spare)
        _add_products(information, tied, sums, skip, factor, scaled, spare)
        for m in range(size):
            factor[m] = -own_square[first + m]
        _add_products(information, tied, tied, skip, factor, scaled, spare)


@jit
def _add_rows(
    columns: Floats,
    weight: Floats,
    risk: Floats,
    until: Ints,
    events: Ints,
    moment_of: Ints,
    met: Floats,
    unmet: Floats,
    score: Floats,
    information: Floats,
) -> None:
    """Add each row's products, weighted by its risk and the hazard it met, and its share of the score.

    `met` is the hazard up to each moment, after a 0; `unmet` what an event leaves out of its own moment's.
    """
    p, n = columns.shape
    load, spare, scaled, edge = np.zeros(_CHUNK), np.empty(_CHUNK), np.empty(_CHUNK), np.zeros((p, _CHUNK))
    event = 0
    for start in range(0, n, _CHUNK):
        size, part, skip = min(_CHUNK, n - start), columns, start
        if size < _CHUNK:
            for j in range(p):
                for i in range(size):
                    edge[j, i] = columns[j, start + i]
            part, skip = edge, 0
            load[size:] = 0.0
        for i in range(size):
            load[i] = met[until[start + i]]
        happened = event
        while event < events.size and events[event] < start + size:
            event += 1
        for k in range(happened, event):
            load[events[k] - start] -= unmet[moment_of[k]]
        for i in range(size):
            load[i] *= risk[start + i]
        _add_products(information, part, part, skip, load, scaled, spare)
        for i in range(size):
            load[i] = -load[i]
        for k in range(happened, event):
            load[events[k] - start] += weight[events[k]]
        for j in range(p):
            score[j] += _sum_of_products(load, part[j, skip : skip + _CHUNK], spare)
    for a in range(p):
        for b in range(a):
            information[b, a] = information[a, b]


@jit
def _add_products(into: Floats, left: Floats, right: Floats, skip: int, factor: Floats, scaled: Floats, spare: Floats) -> None:
    """Add the sums of left[a] * factor * right[b] over a chunk after `skip` places to the lower half of `into`."""
    for a in range(left.shape[0]):
        row = left[a, skip : skip + _CHUNK]
        for i in range(_CHUNK):
            scaled[i] = row[i] * factor[i]
        for b in range(a + 1):
            into[a, b] += _sum_of_products(scaled, right[b, skip : skip + _CHUNK], spare)


@jit
def _sum_of_products(a: Floats, b: Floats, spare: Floats) -> float:
    """Sum a[i] * b[i] over a chunk: eight pieces of it upon each other, and eight of the result.

    Lengths are constants, and additions in pairs, so that vector instructions can do them in this very order.
    """
    for i in range(64):
        spare[i] = ((a[i] * b[i] + a[i + 64] * b[i + 64]) + (a[i + 128] * b[i + 128] + a[i + 192] * b[i + 192])) + (
            (a[i + 256] * b[i + 256] + a[i + 320] * b[i + 320]) + (a[i + 384] * b[i + 384] + a[i + 448] * b[i + 448])
        )
    for i in range(8):
        spare[i] = ((spare[i] + spare[i + 8]) + (spare[i + 16] + spare[i + 24])) + (
            (spare[i + 32] + spare[i + 40]) + (spare[i + 48] + spare[i + 56])
        )
    total = 0.0
    for i in range(8):
        total += spare[i]
    return total
