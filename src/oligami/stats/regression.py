"""The Cox proportional-hazards model: fit, tests, intervals, and the baseline hazard.

A data set without a finite answer is reported as such, never as a number; see `CoxResult.problem`. Leaves the
likelihood itself to `partial_likelihood` and the check of its assumption to `proportional_hazards`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, ndtri

from oligami.stats import arguments
from oligami.stats.arguments import Floats
from oligami.stats.partial_likelihood import (
    Derivatives,
    Stratum,
    Ties,
    derivatives,
    event_sums,
    lay_out,
    score_residuals,
)

CoxProblem = Literal["no_events", "singular", "monotone_likelihood", "not_converged"]

_MAX_ITERATIONS = 60
# Newton steps double the correct digits: after a step this small, in standard deviations of the covariate or (squared)
# in standard errors of the coefficient, the next one is lost in rounding.
_SMALL_STEP = 1e-9
_SMALL_GAIN = 1e-20
# With this little left to gain the steps to a finite maximum collapse. Steps on the way to infinity stay near 1 in
# the log hazard ratio across the covariate's range, however little they gain.
_LITTLE_GAIN = 1e-10
_UNDIMINISHED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoxResult:
    """A fitted Cox model; arrays hold one value a term.

    `problem` is None when there is a finite maximum and it was found. Otherwise it says why there is none, and
    `converged` is False:

    - "no_events": nobody had the event; all numbers but those of the null model are NaN.
    - "singular": the covariates do not tell subjects at risk together apart (one is constant there, or follows from
      the others); all numbers but those of the null model are NaN.
    - "monotone_likelihood": the likelihood keeps growing as the terms in `diverging` run off, as when one arm has no
      event. Their coefficients are -inf or inf and their hazard ratios 0 or inf; every other coefficient, and all
      errors, limits and Wald tests are NaN. The likelihood-ratio and the score test stay valid.
    - "not_converged": the search gave up; all numbers but those of the null model are NaN.
    """

    terms: tuple[str, ...]
    n: int
    n_event: int
    ties: Ties
    coef: Floats
    se: Floats  # from the information matrix
    robust_se: Floats | None  # grouped sandwich, when clusters were given
    covariance: Floats  # the one that intervals and tests use: robust when clusters were given
    hr: Floats
    ci_lower: Floats  # of the hazard ratio
    ci_upper: Floats
    conf_level: float
    z: Floats
    p_two_sided: Floats
    p_one_sided_lower: Floats  # probability of a z as low or lower
    loglik_null: float
    loglik: float
    lrt_chisq: float
    lrt_p: float
    wald_chisq: float
    wald_p: float
    score_chisq: float
    score_p: float
    df: int
    iterations: int
    problem: CoxProblem | None
    diverging: tuple[str, ...]

    @property
    def converged(self) -> bool:
        """Whether the numbers are those of a finite maximum."""
        return self.problem is None

    def confidence_interval(self, level: float) -> tuple[Floats, Floats]:
        """Give the limits of the hazard ratios at another confidence level.

        Raises:
            ValueError: `level` lies outside (0, 1).
        """
        return _hazard_ratio_limits(self.coef, np.sqrt(np.diag(self.covariance)), arguments.level(level, "level"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BaselineHazard:
    """Cumulative hazard of a subject whose covariates are all 0, a step at each distinct event time."""

    time: Floats
    cumulative_hazard: Floats

    def at(self, times: ArrayLike) -> Floats:
        """Read the cumulative hazard at any times; 0 before the first event.

        Raises:
            ValueError: a time is negative or missing.
        """
        row = np.searchsorted(self.time, arguments.times(times, "times"), side="right")
        return np.append(0.0, self.cumulative_hazard)[row]


def cox(
    time: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    strata: ArrayLike | None = None,
    ties: Ties = "efron",
    weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> CoxResult:
    """Fit log hazard ratios by maximum partial likelihood.

    Args:
        time: end of observation, shape (n,), >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        covariates: shape (n, p), or (n,) for one.
        names: of the p terms; by default x1, x2, ...
        strata: labels of the strata, each with its own baseline hazard, shape (n,), or columns of labels, (n, k).
        ties: treatment of tied event times. "exact" is the conditional likelihood.
        weights: case weights > 0, shape (n,). `se` takes them as counts of subjects; for sampling weights give each
            subject as its own cluster.
        cluster: labels of subjects that go together, shape (n,); intervals, z and p then use the robust error.
        conf_level: in (0, 1).

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not; or `ties` is "exact" together
            with weights or clusters, for which that likelihood has no form; or there are no more clusters than
            covariates, too few for a robust error.

    Source: Cox (1972); Efron (1977); Lin and Wei (1989) for the robust error.
    """
    end = arguments.times(time)
    had_event = arguments.indicators(event, end.size)
    x, terms = arguments.matrix(covariates, end.size, names)
    stratum = arguments.strata_codes(strata, end.size)
    weight = arguments.weights(weights, end.size)
    groups = None if cluster is None else arguments.strata_codes(cluster, end.size, "cluster")
    arguments.level(conf_level)
    if ties not in get_args(Ties):
        raise ValueError(f"ties is {ties!r}; it must be one of {', '.join(get_args(Ties))}")
    if ties == "exact" and (weights is not None or cluster is not None):
        raise ValueError("ties is 'exact'; with weights or cluster it must be 'efron' or 'breslow'")

    if groups is not None and groups.max() + 1 <= len(terms):
        raise ValueError(
            f"cluster holds {groups.max() + 1} label{'s' * int(groups.max() > 0)}; "
            f"it must hold more than there are covariates, {len(terms)}"
        )

    # The search runs on covariates of mean 0 and deviation 1, so that one step size suits them all.
    spread = x.std(axis=0)
    scale = np.where(spread > 1e-12 * np.abs(x).max(axis=0), spread, 1.0)
    standard = (x - x.mean(axis=0)) / scale
    parts = lay_out(end, had_event, standard, stratum, weight, ties)

    p = len(terms)
    null = derivatives(parts, np.zeros(p), ties)
    found = _maximum(parts, null, ties, np.ptp(standard, axis=0))
    model_covariance = found.inverse / np.outer(scale, scale)
    covariance = model_covariance
    robust_se = None
    if groups is not None:
        robust_se = np.full(p, np.nan)
        if found.problem is None:
            residuals = score_residuals(parts, found.coef, end.size) @ found.inverse
            by_group = np.stack([np.bincount(groups, weights=residuals[:, j]) for j in range(p)], axis=1) / scale
            covariance = by_group.T @ by_group
            robust_se = np.sqrt(np.diag(covariance))

    coef = found.coef / scale
    error = np.sqrt(np.diag(covariance))
    lower, upper = _hazard_ratio_limits(coef, error, conf_level)
    z = np.where(np.isfinite(coef), coef, np.nan) / error
    lrt = 2 * (found.loglik - null.loglik)
    wald = float(coef @ np.linalg.solve(covariance, coef)) if found.problem is None else float("nan")
    usable = found.problem not in ("no_events", "singular")
    score = float(null.score @ np.linalg.solve(null.information, null.score)) if usable else float("nan")
    with np.errstate(over="ignore"):
        ratio = np.exp(coef)
    return CoxResult(
        terms=terms,
        n=int(end.size),
        n_event=int(had_event.sum()),
        ties=ties,
        coef=arguments.frozen(coef),
        se=arguments.frozen(np.sqrt(np.diag(model_covariance))),
        robust_se=None if robust_se is None else arguments.frozen(robust_se),
        covariance=arguments.frozen(covariance),
        hr=arguments.frozen(ratio),
        ci_lower=arguments.frozen(lower),
        ci_upper=arguments.frozen(upper),
        conf_level=float(conf_level),
        z=arguments.frozen(z),
        p_two_sided=arguments.frozen(2 * ndtr(-np.abs(z))),
        p_one_sided_lower=arguments.frozen(ndtr(z)),
        loglik_null=null.loglik,
        loglik=found.loglik,
        lrt_chisq=lrt,
        lrt_p=float(chdtrc(p, lrt)),
        wald_chisq=wald,
        wald_p=float(chdtrc(p, wald)),
        score_chisq=score,
        score_p=float(chdtrc(p, score)),
        df=p,
        iterations=found.iterations,
        problem=found.problem,
        diverging=tuple(term for term, value in zip(terms, coef, strict=True) if np.isinf(value)),
    )


def baseline_hazard(
    result: CoxResult, time: ArrayLike, event: ArrayLike, covariates: ArrayLike, *, weights: ArrayLike | None = None
) -> BaselineHazard:
    """Estimate the cumulative hazard at covariates 0 for a model without strata.

    Args:
        result: the fit, by the Efron or Breslow treatment of ties, which the estimate follows.
        time: the column the model was fitted to, and so are `event`, `covariates` and `weights`.
        event: see `time`.
        covariates: see `time`.
        weights: see `time`.

    Raises:
        ValueError: the model has no finite answer, was fitted with exact ties, or the columns do not fit together.

    Source: Breslow (1972); Efron (1977); Therneau and Grambsch (2000), section 10.2.
    """
    if result.problem is not None or result.ties == "exact":
        raise ValueError(f"result has problem {result.problem!r} and ties {result.ties!r}; it must be a converged fit")
    end = arguments.times(time)
    had_event = arguments.indicators(event, end.size)
    x, _ = arguments.matrix(covariates, end.size, result.terms)
    weight = arguments.weights(weights, end.size)
    one_stratum = np.zeros(end.size, dtype=np.int64)
    (part,) = lay_out(end, had_event, x, one_stratum, weight, result.ties)
    sums = event_sums(part, result.coef)
    steps = np.add.reduceat(part.event_weight * np.exp(-sums.log_total), part.first_event)
    return BaselineHazard(time=part.moments, cumulative_hazard=np.cumsum(steps))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Maximum:
    """Where the search ended, on the standardised covariates."""

    coef: Floats
    inverse: Floats  # of the information
    loglik: float
    iterations: int
    problem: CoxProblem | None


def _maximum(parts: tuple[Stratum, ...], null: Derivatives, ties: Ties, width: Floats) -> _Maximum:
    """Climb from 0 by Newton steps, halved while they lead downhill."""
    p = null.score.size
    if not parts:
        return _failed("no_events", p, float("nan"), 0)
    values = np.linalg.eigvalsh(null.information)
    # Standardised covariates have information of the order of the number of events; rounding stays far below this.
    if values[0] <= 1e-10 * max(values[-1], 1.0):
        return _failed("singular", p, float("nan"), 0)

    coef, now, last = np.zeros(p), null, np.zeros(p)
    for iteration in range(1, _MAX_ITERATIONS + 1):
        try:
            step = np.linalg.solve(now.information, now.score)
        except np.linalg.LinAlgError:
            return _failed("not_converged", p, float("nan"), iteration)
        gain = float(now.score @ step)
        for _ in range(30):
            # A step far too long empties a risk set of all hazard; it is then no number, and halved like one downhill.
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                after = derivatives(parts, coef + step, ties)
            if np.isfinite(after.loglik) and after.loglik >= now.loglik - 1e-12 * abs(now.loglik):
                break
            step = step / 2
        else:
            return _failed("not_converged", p, float("nan"), iteration)
        coef, now = coef + step, after
        reach = np.abs(step) * width
        running = (reach > 1e-3) & (reach > _UNDIMINISHED * last)
        last = reach
        if gain <= _LITTLE_GAIN and running.any():
            gone = np.where(running, np.copysign(np.inf, coef), np.nan)
            return _failed("monotone_likelihood", p, now.loglik, iteration, gone)
        if np.abs(step).max() <= _SMALL_STEP or gain <= _SMALL_GAIN:
            return _Maximum(
                coef=coef,
                inverse=np.asarray(np.linalg.inv(now.information), dtype=np.float64),
                loglik=now.loglik,
                iterations=iteration,
                problem=None,
            )
    return _failed("not_converged", p, float("nan"), _MAX_ITERATIONS)


def _failed(problem: CoxProblem, p: int, loglik: float, iterations: int, coef: Floats | None = None) -> _Maximum:
    return _Maximum(
        coef=np.full(p, np.nan) if coef is None else coef,
        inverse=np.full((p, p), np.nan),
        loglik=loglik,
        iterations=iterations,
        problem=problem,
    )


def _hazard_ratio_limits(coef: Floats, error: Floats, conf_level: float) -> tuple[Floats, Floats]:
    half = float(ndtri(0.5 + conf_level / 2)) * error
    with np.errstate(over="ignore"):
        return np.exp(coef - half), np.exp(coef + half)
