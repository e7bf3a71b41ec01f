"""How well a score orders the subjects by their time to event."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments


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


def concordance(
    time: ArrayLike,
    event: ArrayLike,
    score: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> Concordance:
    """Compare a score, high for high risk, with the order of events.

    A pair is comparable when one subject has the event while the other is still at risk: its end is later, or is a
    censoring at the same time.

    Args:
        time: end of observation, shape (n,), >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        score: e.g. the linear predictor of a Cox model, shape (n,).
        strata: as in `logrank`; pairs are formed within a stratum.
        cluster: labels of subjects whose scores or times go together, shape (n,); the error is then taken over clusters.

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not.

    Source: Harrell et al. (1982); infinitesimal-jackknife error as in the R package survival. Work grows with the
    square of n.
    """
    end = arguments.times(time)
    had_event = arguments.indicators(event, end.size).astype(bool)
    risk = arguments.numbers(score, "score")
    arguments.same_length(risk.size, end.size, "score")
    stratum = arguments.strata_codes(strata, end.size)
    group = arguments.strata_codes(np.arange(end.size) if cluster is None else cluster, end.size, "cluster")

    # For each subject, the pairs it takes part in: as the one with the event, and as the one still at risk.
    won, lost, tied = np.zeros(end.size), np.zeros(end.size), np.zeros(end.size)
    for i in np.flatnonzero(had_event):
        at_risk = (stratum == stratum[i]) & ((end > end[i]) | ((end == end[i]) & ~had_event))
        for tally, pairs in (
            (won, at_risk & (risk < risk[i])),
            (lost, at_risk & (risk > risk[i])),
            (tied, at_risk & (risk == risk[i])),
        ):
            tally[i] += np.count_nonzero(pairs)
            tally += pairs
    concordant, discordant, equal = won.sum() / 2, lost.sum() / 2, tied.sum() / 2
    comparable = concordant + discordant + equal
    if comparable == 0:
        return Concordance(estimate=float("nan"), std_err=float("nan"), concordant=0.0, discordant=0.0, tied_score=0.0)
    estimate = (concordant + equal / 2) / comparable
    influence = (won + tied / 2 - estimate * (won + lost + tied)) / comparable
    return Concordance(
        estimate=float(estimate),
        std_err=float(np.sqrt(np.sum(np.bincount(group, weights=influence) ** 2))),
        concordant=float(concordant),
        discordant=float(discordant),
        tied_score=float(equal),
    )
