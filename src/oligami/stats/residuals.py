"""Residuals of a Cox model: what each row, subject or event departs from the fit, and how much it moves the answer.

Rows stay in the order they were given; `by` adds up the rows of one subject (or site). Residuals are of one case
each, not multiplied by case weights, except `dfbeta` and `dfbetas`, which say what leaving the weighted rows out does.
Leaves the conclusion about proportional hazards to `proportional_hazards`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats, Ints
from oligami.stats.partial_likelihood import Ties, exposure, lay_out, mean_at_events, row_scores, sums_of
from oligami.stats.regression import CoxResult, sums_by


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SchoenfeldResiduals:
    """For each event, in order of stratum and time, its covariates less their mean over those at risk."""

    terms: tuple[str, ...]
    time: Floats  # of the event, shape (E,)
    row: Ints  # position of the event's row in the columns the model was fitted to, shape (E,)
    values: Floats  # shape (E, p); scaled ones lie around the coefficient as it is at that time

    def to_frame(self) -> Any:
        """Give the residuals as a pandas DataFrame: time, row, and a column a term."""
        return show.frame({"time": self.time, "row": self.row} | dict(zip(self.terms, self.values.T, strict=True)))


def martingale_residuals(fit: CoxResult, *, by: ArrayLike | None = None) -> Floats:
    """Observed less expected events of each row: at most 1, and summing to 0 in each stratum.

    Args:
        fit: a converged fit; one by the exact likelihood is given Breslow's cumulative hazard.
        by: labels whose rows are added up, shape (n,); the result then has one value a label, in order of labels.

    Returns:
        Shape (n,), or one a label.

    Raises:
        ValueError: the fit has no finite answer, or `by` has another length or a missing label.

    Source: Therneau, Grambsch and Fleming (1990); the hazard steps of tied events as in Efron (1977) or Breslow (1974).

    >>> from oligami.stats.regression import cox
    >>> fit = cox([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 1], [0, 1, 0, 1, 1, 0])
    >>> martingale_residuals(fit).round(3).tolist()
    [0.9, 0.508, -0.211, 0.096, -0.604, -0.688]
    """
    _refuse_failed(fit)
    rows = fit.rows
    ties: Ties = "breslow" if fit.ties == "exact" else fit.ties
    residuals = rows.event.astype(np.float64)
    for part in lay_out(rows.time, rows.event, rows.x, rows.stratum, rows.weights, ties, rows.entry):
        sums = sums_of(part, fit.coef)
        met = exposure(part.until, part.since, part.events, part.moment_of, sums)
        residuals[part.rows] -= sums.risk / part.weight * met
    return _collapsed(residuals, by)


def deviance_residuals(fit: CoxResult, *, by: ArrayLike | None = None) -> Floats:
    """Martingale residuals drawn out to lie evenly around 0, for finding outlying subjects.

    Args:
        fit: a converged fit.
        by: as in `martingale_residuals`; the residuals of a label come from its added-up martingale residual.

    Returns:
        Shape (n,), or one a label.

    Raises:
        ValueError: as `martingale_residuals`.

    Source: Therneau, Grambsch and Fleming (1990): sign(M) sqrt(-2 (M + d log(d - M))), d the number of events.

    >>> from oligami.stats.regression import cox
    >>> deviance_residuals(cox([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 1], [0, 1, 0, 1, 1, 0])).round(3).tolist()
    [1.674, 0.634, -0.65, 0.099, -0.513, -0.574]
    """
    martingale = martingale_residuals(fit, by=by)
    events = _collapsed(fit.rows.event.astype(np.float64), by)
    some = events > 0
    logarithm = np.log(np.where(some, events - martingale, 1.0))
    return np.asarray(np.sign(martingale) * np.sqrt(np.maximum(-2 * (martingale + np.where(some, events, 0.0) * logarithm), 0.0)))


def score_residuals(fit: CoxResult, *, by: ArrayLike | None = None) -> Floats:
    """Each row's part of the score, summing (with case weights) to 0 for every term.

    Args:
        fit: a converged fit with Efron or Breslow ties.
        by: as in `martingale_residuals`.

    Returns:
        Shape (n, p), or (labels, p).

    Raises:
        ValueError: as `martingale_residuals`, or the fit is by the exact likelihood, for which they are not defined.

    Source: Therneau and Grambsch (2000), section 4.6.

    >>> from oligami.stats.regression import cox
    >>> score_residuals(cox([1, 2, 3, 4], [1, 1, 0, 1], [0, 1, 1, 0])).round(3).tolist()
    [[-0.293], [0.172], [-0.243], [0.364]]
    """
    _refuse_exact(fit)
    rows = fit.rows
    return _collapsed(_weighted_scores(fit) / rows.weights[:, np.newaxis], by)


def dfbeta(fit: CoxResult, *, by: ArrayLike | None = None) -> Floats:
    """How much each row moves each coefficient, to first order: about the fit with it less the fit without it.

    Args:
        fit: a converged fit with Efron or Breslow ties.
        by: as in `martingale_residuals`: how much all rows of a label move it together.

    Returns:
        Shape (n, p), or (labels, p). Its squares added up over clusters are the robust variance.

    Raises:
        ValueError: as `score_residuals`.

    Source: Cain and Lange (1984); Therneau and Grambsch (2000), section 7.1.

    >>> from oligami.stats.regression import cox
    >>> dfbeta(cox([1, 2, 3, 4], [1, 1, 0, 1], [0, 1, 1, 0])).round(3).tolist()
    [[-0.604], [0.354], [-0.5], [0.75]]
    """
    _refuse_exact(fit)
    return _collapsed(_weighted_scores(fit) @ fit.model_covariance, by)


def dfbetas(fit: CoxResult, *, by: ArrayLike | None = None) -> Floats:
    """`dfbeta` in standard errors of the coefficient (those of the information matrix).

    Args:
        fit: a converged fit with Efron or Breslow ties.
        by: as in `martingale_residuals`.

    Returns:
        Shape (n, p), or (labels, p).

    Raises:
        ValueError: as `score_residuals`.

    Source: Therneau and Grambsch (2000), section 7.1.

    >>> from oligami.stats.regression import cox
    >>> dfbetas(cox([1, 2, 3, 4], [1, 1, 0, 1], [0, 1, 1, 0])).round(3).tolist()
    [[-0.42], [0.246], [-0.348], [0.522]]
    """
    return np.asarray(dfbeta(fit, by=by) / fit.se)


def schoenfeld_residuals(fit: CoxResult) -> SchoenfeldResiduals:
    """Covariates of each event less their mean over those at risk; they sum to 0 for every term.

    Raises:
        ValueError: the fit has no finite answer, or is by the exact likelihood, for which they are not defined.

    Source: Schoenfeld (1982); with Efron ties the mean is that over the turns of the tied events.

    >>> from oligami.stats.regression import cox
    >>> found = schoenfeld_residuals(cox([1, 2, 3, 4], [1, 1, 0, 1], [0, 1, 1, 0]))
    >>> found.time.tolist(), found.values[:, 0].round(3).tolist()
    ([1.0, 2.0, 4.0], [-0.414, 0.414, 0.0])
    """
    _refuse_exact(fit)
    rows = fit.rows
    times, positions, values = [], [], []
    for part in lay_out(rows.time, rows.event, rows.x, rows.stratum, rows.weights, fit.ties, rows.entry):
        mean = mean_at_events(part, sums_of(part, fit.coef))
        times.append(part.moments[part.moment_of])
        positions.append(part.rows[part.events])
        values.append(part.x[part.events] - mean.T[part.moment_of])
    return SchoenfeldResiduals(
        terms=fit.terms,
        time=arguments.frozen(np.concatenate(times)),
        row=arguments.frozen(np.concatenate(positions)),
        values=arguments.frozen(np.concatenate(values)),
    )


def scaled_schoenfeld_residuals(fit: CoxResult) -> SchoenfeldResiduals:
    """Schoenfeld residuals in the unit of the coefficients, which they lie around: smoothed, they show b(t).

    Raises:
        ValueError: as `schoenfeld_residuals`.

    Source: Grambsch and Therneau (1994), with the mean information as that at every event: b + E V r.

    >>> from oligami.stats.regression import cox
    >>> found = scaled_schoenfeld_residuals(cox([1, 2, 3, 4], [1, 1, 0, 1], [0, 1, 1, 0]))
    >>> found.values[:, 0].round(3).tolist()
    [-2.907, 2.214, -0.347]
    """
    plain = schoenfeld_residuals(fit)
    values = plain.values @ fit.model_covariance * plain.time.size + fit.coef
    return SchoenfeldResiduals(terms=plain.terms, time=plain.time, row=plain.row, values=arguments.frozen(values))


def _weighted_scores(fit: CoxResult) -> Floats:
    rows = fit.rows
    parts = lay_out(rows.time, rows.event, rows.x, rows.stratum, rows.weights, fit.ties, rows.entry)
    return row_scores(parts, fit.coef, rows.time.size)


def _collapsed(values: Floats, by: ArrayLike | None) -> Floats:
    if by is None:
        return values
    codes = arguments.strata_codes(by, values.shape[0], "by")
    return sums_by(codes, values)


def _refuse_failed(fit: CoxResult) -> None:
    if fit.problem is not None:
        raise ValueError(f"fit has problem {fit.problem!r}; it must be a converged fit")


def _refuse_exact(fit: CoxResult) -> None:
    _refuse_failed(fit)
    if fit.ties == "exact":
        raise ValueError("fit has ties 'exact'; these residuals are defined for 'efron' and 'breslow'")
