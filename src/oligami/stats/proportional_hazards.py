"""Whether the hazard ratios of a Cox model stay the same over time: the score test, and the picture of b(t)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats
from oligami.stats.observations import Observations
from oligami.stats.partial_likelihood import information_of, mean_at_events, sums_of
from oligami.stats.regression import CoxResult, cox, risk_parts
from oligami.stats.residuals import SchoenfeldResiduals, scaled_schoenfeld_residuals
from oligami.stats.survival import kaplan_meier

TimeScale = Literal["km", "identity", "rank", "log"]

# The smooth of the picture: a line through the nearest half of the events, near ones counting more.
_NEIGHBOURS = 0.5
_GRID = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProportionalHazardsTest:
    """Score tests that a coefficient changes with time, one a term and one of all terms together."""

    terms: tuple[str, ...]
    chisq: Floats  # each with 1 degree of freedom
    p: Floats
    global_chisq: float
    global_df: int
    global_p: float
    scale: TimeScale
    coef: Floats  # of the model, constant over time
    position: Floats  # of each event on the scale of time, shape (E,)
    residuals: SchoenfeldResiduals = field(repr=False)  # scaled: they lie around the coefficient as it is at that time

    def summary(self) -> str:
        """Show the tests as a table, a line a term and one for all together."""
        single = [[t, float(c), 1, float(p)] for t, c, p in zip(self.terms, self.chisq, self.p, strict=True)]
        rows = [*single, ["all together", self.global_chisq, self.global_df, self.global_p]]
        return show.table(f"Proportional hazards, against a trend in time ({self.scale})", ["term", "chisq", "df", "p"], rows)

    def to_frame(self) -> Any:
        """Give the tests as a pandas DataFrame: term, chisq, df, p; the last line is of all terms together."""
        return show.frame(
            {
                "term": [*self.terms, "all together"],
                "chisq": [*self.chisq, self.global_chisq],
                "df": [1] * len(self.terms) + [self.global_df],
                "p": [*self.p, self.global_p],
            }
        )

    def smooth(self, term: str) -> tuple[Floats, Floats]:
        """Smooth the scaled Schoenfeld residuals of a term along time.

        Returns:
            Positions on the scale of time, and the coefficient as it appears there.

        Raises:
            ValueError: there is no such term.

        Source: Cleveland (1979), one pass: local lines with tricube weights over the nearest half of the events.
        """
        values = self.residuals.values[:, self._column(term)]
        grid = np.linspace(self.position.min(), self.position.max(), _GRID)
        k = max(2, int(np.ceil(_NEIGHBOURS * values.size)))
        found = np.empty(grid.size)
        for i, here in enumerate(grid):
            away = self.position - here
            reach = np.partition(np.abs(away), min(k, values.size) - 1)[min(k, values.size) - 1]
            near = np.clip(1 - (np.abs(away) / reach) ** 3, 0, None) ** 3 if reach > 0 else (away == 0).astype(float)
            centre = np.average(away, weights=near)
            spread = np.average((away - centre) ** 2, weights=near)
            level = np.average(values, weights=near)
            slope = np.average((away - centre) * values, weights=near) / spread if spread > 0 else 0.0
            found[i] = level - slope * centre
        return grid, found

    def plot(self, term: str | None = None, ax: Any = None) -> Any:
        """Draw the scaled Schoenfeld residuals of a term (by default the first), their smooth, and the coefficient.

        Raises:
            ValueError: there is no such term.
        """
        name = self.terms[0] if term is None else term
        column = self._column(name)
        ax = show.axes(ax)
        ax.scatter(self.position, self.residuals.values[:, column], s=10, color="0.5", linewidths=0)
        ax.plot(*self.smooth(name), color="C0", label="smooth")
        ax.axhline(self.coef[column], color="C1", linestyle="--", label="coefficient of the model")
        ax.set_xlabel({"km": "share with the event before (km)", "identity": "time"}.get(self.scale, f"{self.scale} of time"))
        ax.set_ylabel(f"log hazard ratio of {name}")
        ax.legend()
        return ax

    def _column(self, term: str) -> int:
        if term not in self.terms:
            raise ValueError(f"term is {term!r}; it must be one of {', '.join(self.terms)}")
        return self.terms.index(term)


def proportional_hazards_test(
    time: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    strata: ArrayLike | None = None,
    ties: Literal["efron", "breslow"] = "efron",
    weights: ArrayLike | None = None,
    scale: TimeScale = "km",
) -> ProportionalHazardsTest:
    """Fit the Cox model, then test whether its coefficients have a trend along a scale of time.

    Args:
        time: end of observation, shape (n,), >= 0; > 0 on the log scale.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        covariates: as in `cox`, and so are `entry`, `names`, `strata`, `ties` and `weights`.
        entry: start of observation.
        names: of the terms.
        strata: labels of the strata.
        ties: treatment of tied event times.
        weights: case weights.
        scale: as in `check_proportional_hazards`.

    Raises:
        ValueError: a column may not be as it is, or the model has no finite answer.

    Source: as `check_proportional_hazards`.

    >>> time, event, x = [1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 1], [0, 1, 0, 1, 1, 0]
    >>> print(proportional_hazards_test(time, event, x, names=["B"]).summary())
    Proportional hazards, against a trend in time (km)
    term          chisq  df       p
    B             1.983   1  0.1591
    all together  1.983   1  0.1591
    """
    return check_proportional_hazards(
        cox(time, event, covariates, entry=entry, names=names, strata=strata, ties=ties, weights=weights), scale=scale
    )


def check_proportional_hazards(fit: CoxResult, *, scale: TimeScale = "km") -> ProportionalHazardsTest:
    """Test whether the coefficients of a fitted model have a trend along a scale of time.

    Args:
        fit: a converged fit with Efron or Breslow ties.
        scale: time itself, its logarithm, its rank among the ends of all rows, or the share of subjects that had the
            event before it ("km", of all strata together, not counting weights).

    Raises:
        ValueError: the fit has no finite answer or is by the exact likelihood, or a time is 0 on the log scale.

    Source: Grambsch and Therneau (1994); the exact score test of the R package survival from 3.0 on. It uses the
        information matrix, also where the fit has a robust error.

    >>> from oligami.stats.regression import cox
    >>> fit = cox([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 1], [0, 1, 0, 1, 1, 0])
    >>> round(check_proportional_hazards(fit, scale="identity").global_p, 4)
    0.1669
    """
    if fit.problem is not None:
        raise ValueError(f"the model has problem {fit.problem!r}; only a converged fit can be tested")
    if fit.ties == "exact":
        raise ValueError("the model has ties 'exact'; the test is defined for 'efron' and 'breslow'")
    if scale not in get_args(TimeScale):
        raise ValueError(f"scale is {scale!r}; it must be one of {', '.join(get_args(TimeScale))}")
    rows = fit.rows
    position = _scaled(rows, scale)
    centred = position - position[rows.event == 1].mean()

    p = len(fit.terms)
    trend_score = np.zeros(p)
    blocks = np.zeros((3, p, p))  # information weighted by position to the power 0, 1, 2
    for part in risk_parts(rows, fit.ties):
        sums = sums_of(part, fit.coef)
        at = centred[part.rows[part.events[part.first_event]]]
        departure = part.x[part.events] - mean_at_events(part, sums).T[part.moment_of]
        trend_score += (part.weight[part.events] * at[part.moment_of]) @ departure
        for power in range(3):
            blocks[power] += information_of(part, sums, at**power)

    information = np.block([[blocks[0], blocks[1]], [blocks[1], blocks[2]]])
    score = np.concatenate((np.zeros(p), trend_score))
    single = np.array([_chisq(score, information, [*range(p), p + j]) for j in range(p)])
    together = _chisq(score, information, list(range(2 * p)))
    residuals = scaled_schoenfeld_residuals(fit)
    return ProportionalHazardsTest(
        terms=fit.terms,
        chisq=arguments.frozen(single),
        p=arguments.frozen(np.asarray(chdtrc(1, single))),
        global_chisq=together,
        global_df=p,
        global_p=float(chdtrc(p, together)),
        scale=scale,
        coef=fit.coef,
        position=arguments.frozen(position[residuals.row]),
        residuals=residuals,
    )


def _chisq(score: Floats, information: Floats, keep: list[int]) -> float:
    return float(score[keep] @ np.linalg.solve(information[np.ix_(keep, keep)], score[keep]))


def _scaled(rows: Observations, scale: TimeScale) -> Floats:
    end = rows.time
    match scale:
        case "identity":
            return end
        case "log":
            if (end <= 0).any():
                raise ValueError("time holds 0; on the log scale it must be more than 0")
            return np.log(end)
        case "rank":  # of all rows; tied ones share the mean rank
            ordered = np.sort(end)
            return (np.searchsorted(ordered, end, side="left") + np.searchsorted(ordered, end, side="right") + 1) / 2
        case "km":
            curve = kaplan_meier(end, rows.event, entry=rows.entry)
            return 1 - np.append(1.0, curve.surv)[np.searchsorted(curve.time, end, side="left")]
