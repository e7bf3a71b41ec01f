"""How well a score orders the subjects by their time to event."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats, Ints
from oligami.stats.observations import observe


@dataclass(frozen=True, slots=True, kw_only=True)
class Concordance:
    """Share of comparable pairs in which the higher score goes with the earlier event, a tied score counting half.

    Without a comparable pair `estimate` and `std_err` are NaN.
    """

    estimate: float
    std_err: float
    concordant: float
    discordant: float
    tied_score: float

    def summary(self) -> str:
        """Show the estimate and the pairs as a table of one line."""
        row = [self.estimate, self.std_err, self.concordant, self.discordant, self.tied_score]
        return show.table("", ["concordance", "se", "concordant", "discordant", "tied score"], [row])


def concordance(
    time: ArrayLike,
    event: ArrayLike,
    score: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> Concordance:
    """Compare a score, high for high risk, with the order of events.

    A pair is comparable when one subject has the event while the other is still at risk: its end is later, or is a
    censoring at the same time.

    Args:
        time: end of observation, shape (n,), >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        score: e.g. the linear predictor of a Cox model, shape (n,).
        entry: start of observation where it came late, shape (n,); a row is at risk after it.
        strata: as in `logrank`; pairs are formed within a stratum.
        weights: case weights > 0, shape (n,); a pair counts with the product of its two.
        cluster: labels of subjects whose scores or times go together, shape (n,); the error is then taken over clusters.

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not.

    Source: Harrell et al. (1982); infinitesimal-jackknife error as in the R package survival. Work grows with n log n.

    >>> concordance([1, 2, 3, 4], [1, 1, 0, 1], [4, 2, 3, 1]).estimate
    0.8
    """
    end = arguments.times(time)
    risk = arguments.numbers(score, "score")
    arguments.same_length(risk.size, end.size, "score")
    rows = observe(end, event, risk, entry=entry, strata=strata, weights=weights, cluster=cluster)
    weight = rows.weights
    value = np.unique(risk, return_inverse=True)[1].astype(np.int64)

    # A subject's pairs as the one with the event, and as the one still at risk. Both count ranges of rows in order of
    # time (in each stratum, at a time events before censorings), or of late rows in order of entry.
    had_event, stratum = rows.event == 1, rows.stratum
    place = _Places(stratum, end, ~had_event)
    cases = np.flatnonzero(had_event)
    lost, won, tied = np.zeros(end.size), np.zeros(end.size), np.zeros(end.size)
    later = place.after(stratum[cases], end[cases], np.zeros(cases.size, dtype=np.bool_))
    finish = place.after(stratum[cases], np.full(cases.size, np.inf), np.ones(cases.size, dtype=np.bool_))
    below, above, equal = _counted(value[place.order], weight[place.order], value[cases], later, finish)
    event_place = _Places(stratum[cases], end[cases], np.zeros(cases.size, dtype=np.bool_))
    first = event_place.after(stratum, np.full(end.size, -np.inf), np.zeros(end.size, dtype=np.bool_))
    met = event_place.after(stratum, np.where(had_event, np.nextafter(end, -np.inf), end), np.zeros(end.size, dtype=np.bool_))
    if rows.entry is not None:
        none = np.zeros(end.size, dtype=np.bool_)
        first = event_place.after(stratum, rows.entry, none)
        by_entry = _Places(stratum, rows.entry, none)
        # Not yet at risk at the event: those who enter at its time or later.
        start = by_entry.after(stratum[cases], np.nextafter(end[cases], -np.inf), none[cases])
        late = _counted(value[by_entry.order], weight[by_entry.order], value[cases], start, finish)
        below, above, equal = below - late[0], above - late[1], equal - late[2]
    order = cases[event_place.order]
    event_below, event_above, event_equal = _counted(value[order], weight[order], value, first, np.maximum(met, first))
    won += event_above
    lost += event_below
    tied += event_equal
    won[cases] += below
    lost[cases] += above
    tied[cases] += equal

    concordant, discordant, level = float(weight @ won) / 2, float(weight @ lost) / 2, float(weight @ tied) / 2
    comparable = concordant + discordant + level
    if comparable == 0:
        return Concordance(estimate=float("nan"), std_err=float("nan"), concordant=0.0, discordant=0.0, tied_score=0.0)
    estimate = (concordant + level / 2) / comparable
    influence = weight * (won + tied / 2 - estimate * (won + lost + tied)) / comparable
    groups = np.arange(end.size) if rows.cluster is None else rows.cluster
    return Concordance(
        estimate=estimate,
        std_err=float(np.sqrt(np.sum(np.bincount(groups, weights=influence) ** 2))),
        concordant=concordant,
        discordant=discordant,
        tied_score=level,
    )


class _Places:
    """Rows in order of stratum, time and a mark (False before True), and where in it something would stand."""

    def __init__(self, stratum: Ints, time: Floats, late: np.ndarray) -> None:
        self.order = np.lexsort((late, time, stratum))
        # Stratum, time and mark as one number each: their rank among all that occur.
        self.times = np.unique(time)
        self.keys = self._key(stratum[self.order], np.searchsorted(self.times, time[self.order]) + 1, late[self.order])

    def after(self, stratum: Ints, time: Floats, late: np.ndarray) -> Ints:
        """Count the rows that stand before or at a place."""
        rank = np.searchsorted(self.times, time, side="right")
        # At a time that does not occur, the place is past all of the time before.
        exact = np.append(np.nan, self.times)[rank] == time
        return np.searchsorted(self.keys, self._key(stratum, rank, late | ~exact), side="right")

    def _key(self, stratum: Ints, rank: Ints, late: np.ndarray) -> Ints:
        return np.asarray((stratum * (self.times.size + 2) + rank) * 2 + late, dtype=np.int64)


def _counted(values: Ints, weight: Floats, wanted: Ints, start: Ints, stop: Ints) -> tuple[Floats, Floats, Floats]:
    """Weigh, for each query, the values in a range of positions that are below, above and equal to the wanted one.

    A wavelet matrix: values are parted by one bit after the other from the highest, and each range follows its value.
    """
    below, above = np.zeros(wanted.size), np.zeros(wanted.size)
    highest = int(max(values.max(initial=0), wanted.max(initial=0)))
    for bit in range(highest.bit_length() - 1, -1, -1):
        one = (values >> bit & 1).astype(np.bool_)
        zeros_before = np.append(0, np.cumsum(~one))
        zero_weight = np.append(0.0, np.cumsum(np.where(one, 0.0, weight)))
        one_weight = np.append(0.0, np.cumsum(np.where(one, weight, 0.0)))
        up = (wanted >> bit & 1).astype(np.bool_)
        below += np.where(up, zero_weight[stop] - zero_weight[start], 0.0)
        above += np.where(up, 0.0, one_weight[stop] - one_weight[start])
        zeros = zeros_before[-1]
        start = np.where(up, zeros + start - zeros_before[start], zeros_before[start])
        stop = np.where(up, zeros + stop - zeros_before[stop], zeros_before[stop])
        parted = np.concatenate((np.flatnonzero(~one), np.flatnonzero(one)))
        values, weight = values[parted], weight[parted]
    total = np.append(0.0, np.cumsum(weight))
    return below, above, total[stop] - total[start]
