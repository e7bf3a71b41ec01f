"""Whether the hazard ratios of a Cox model stay the same over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from oligami.stats import arguments
from oligami.stats.arguments import Floats
from oligami.stats.partial_likelihood import event_sums, information_of, lay_out
from oligami.stats.regression import cox
from oligami.stats.survival import kaplan_meier

TimeScale = Literal["km", "identity", "rank", "log"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProportionalHazardsTest:
    """Score tests that a coefficient changes with time, one a term and one of all terms together."""

    terms: tuple[str, ...]
    chisq: Floats  # each with 1 degree of freedom
    p: Floats
    global_chisq: float
    global_df: int
    global_p: float


def proportional_hazards_test(
    time: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    strata: ArrayLike | None = None,
    ties: Literal["efron", "breslow"] = "efron",
    scale: TimeScale = "km",
) -> ProportionalHazardsTest:
    """Fit the Cox model, then test whether its coefficients have a trend along a scale of time.

    Args:
        time: end of observation, shape (n,), >= 0; > 0 on the log scale.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        covariates: as in `cox`, and so are `names`, `strata` and `ties`.
        names: of the terms.
        strata: labels of the strata.
        ties: treatment of tied event times.
        scale: time itself, its logarithm, its rank, or the share of subjects that had the event before it ("km").

    Raises:
        ValueError: a column may not be as it is, or the model has no finite answer.

    Source: Grambsch and Therneau (1994); the exact score test of the R package survival from 3.0 on.
    """
    fit = cox(time, event, covariates, names=names, strata=strata, ties=ties)
    if fit.problem is not None:
        raise ValueError(f"the model has problem {fit.problem!r}; only a converged fit can be tested")
    if scale not in get_args(TimeScale):
        raise ValueError(f"scale is {scale!r}; it must be one of {', '.join(get_args(TimeScale))}")
    end = arguments.times(time)
    had_event = arguments.indicators(event, end.size)
    x, terms = arguments.matrix(covariates, end.size, names)
    position = _scaled(end, had_event, scale)
    position = position - position[had_event == 1].mean()

    p = len(terms)
    trend_score = np.zeros(p)
    blocks = np.zeros((3, p, p))  # information weighted by position to the power 0, 1, 2
    stratum = arguments.strata_codes(strata, end.size)
    for part in lay_out(end, had_event, x - x.mean(axis=0), stratum, np.ones(end.size), ties):
        sums = event_sums(part, fit.coef)
        at = position[part.rows[part.events]]
        trend_score += at @ (part.x[part.events] - sums.mean)
        for power in range(3):
            blocks[power] += information_of(part, sums, at**power)

    information = np.block([[blocks[0], blocks[1]], [blocks[1], blocks[2]]])
    score = np.concatenate((np.zeros(p), trend_score))
    single = np.array([_chisq(score, information, [*range(p), p + j]) for j in range(p)])
    together = _chisq(score, information, list(range(2 * p)))
    return ProportionalHazardsTest(
        terms=terms,
        chisq=single,
        p=np.asarray(chdtrc(1, single)),
        global_chisq=together,
        global_df=p,
        global_p=float(chdtrc(p, together)),
    )


def _chisq(score: Floats, information: Floats, keep: list[int]) -> float:
    return float(score[keep] @ np.linalg.solve(information[np.ix_(keep, keep)], score[keep]))


def _scaled(end: Floats, had_event: ArrayLike, scale: TimeScale) -> Floats:
    match scale:
        case "identity":
            return end
        case "log":
            if (end <= 0).any():
                raise ValueError("time holds 0; on the log scale it must be more than 0")
            return np.log(end)
        case "rank":  # of all subjects; tied ones share the mean rank
            ordered = np.sort(end)
            return (np.searchsorted(ordered, end, side="left") + np.searchsorted(ordered, end, side="right") + 1) / 2
        case "km":
            curve = kaplan_meier(end, had_event)
            return 1 - np.append(1.0, curve.surv)[np.searchsorted(curve.time, end, side="left")]
