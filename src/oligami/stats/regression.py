"""The Cox proportional-hazards model: fit, tests, intervals, and the baseline hazard.

A data set without a finite answer is reported as such, never as a number; see `CoxResult.problem`. Leaves the
likelihood itself to `partial_likelihood` and the check of its assumption to `proportional_hazards`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, ndtri

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats, Ints
from oligami.stats.newton import Maximum, SearchProblem, climb, stopped
from oligami.stats.observations import Observations, observe
from oligami.stats.partial_likelihood import Derivatives, Stratum, Ties, derivatives, lay_out, row_scores, sums_of, thinned

CoxProblem = SearchProblem

# So many rows put a maximum within some hundredths of a standard deviation, two Newton steps from the one of all rows.
_ROWS_TO_BEGIN_WITH = 20_000
_WORTH_THINNING = 8


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
    model_covariance: Floats  # inverse of the information matrix
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
    robust_score_chisq: float | None  # the score test with the variance between clusters, when they were given
    robust_score_p: float | None
    df: int
    iterations: int
    problem: CoxProblem | None
    diverging: tuple[str, ...]
    rows: Observations = field(repr=False)  # what the model was fitted to

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

    def position(self, term: str) -> int:
        """Find a term among those of the model.

        Raises:
            ValueError: the model has no such term.
        """
        if term not in self.terms:
            raise ValueError(f"term is {term!r}; it must be one of {', '.join(self.terms)}")
        return self.terms.index(term)

    def summary(self) -> str:
        """Show the fit as a table, a line a term, with what stands in the way of an answer below."""
        columns = self._columns()
        heads = list(columns)
        rows = [[self.terms[j], *(float(columns[head][j]) for head in heads[1:])] for j in range(len(self.terms))]
        notes = [
            f"{100 * self.conf_level:g} % limits; likelihood ratio {show.number(self.lrt_chisq)} on {self.df} df, "
            f"p = {show.number(self.lrt_p)}"
        ]
        if self.problem is not None:
            runaway = f" ({', '.join(self.diverging)})" if self.diverging else ""
            notes.append(f"no finite answer: {self.problem.replace('_', ' ')}{runaway}")
        title = f"Cox model, {self.ties.capitalize()} ties: {self.n} rows, {self.n_event} events"
        return show.table(title, heads, rows, notes)

    def to_frame(self) -> Any:
        """Give the terms as a pandas DataFrame: term, coef, se (the one used), hr with limits, z and two-sided p."""
        return show.frame(self._columns())

    def plot(self, ax: Any = None) -> Any:
        """Draw the hazard ratios with their limits on a log scale, the first term on top; terms without are left out."""
        label = f"hazard ratio with {100 * self.conf_level:g} % limits"
        return forest(self.terms, self.hr, self.ci_lower, self.ci_upper, label, ax)

    def _columns(self) -> dict[str, Any]:
        return {
            "term": self.terms,
            "coef": self.coef,
            "se": np.sqrt(np.diag(self.covariance)),
            "hr": self.hr,
            "lower": self.ci_lower,
            "upper": self.ci_upper,
            "z": self.z,
            "p": self.p_two_sided,
        }


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
    entry: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    strata: ArrayLike | None = None,
    ties: Ties = "efron",
    weights: ArrayLike | None = None,
    subject: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> CoxResult:
    """Fit log hazard ratios by maximum partial likelihood.

    A row is at risk from just after its `entry` up to and with its `time`; events at a time come before censorings at
    it. A subject whose covariates change gives several rows, each with the covariates that held from its entry to its
    time. Without `entry` every row is at risk from the start, and an event at time 0 counts.

    Args:
        time: end of observation, shape (n,), >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        covariates: shape (n, p), or (n,) for one.
        entry: start of observation where it came late (left truncation, changing covariates), shape (n,), >= 0, each
            less than its `time`.
        names: of the p terms; by default the columns of a data frame, or x1, x2, ...
        strata: labels of the strata, each with its own baseline hazard, shape (n,), or columns of labels, (n, k).
        ties: treatment of tied event times. "exact" is the conditional likelihood.
        weights: case weights > 0, shape (n,). `se` takes them as counts of subjects; for sampling weights give each
            subject as its own cluster.
        subject: labels of the subjects that rows belong to, shape (n,); their rows are checked not to overlap, and
            residuals can be added up over them. The estimate is the same without.
        cluster: labels of subjects that go together, shape (n,); intervals, z and p then use the robust error.
        conf_level: in (0, 1).

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not; or `ties` is "exact" together
            with weights or clusters, for which that likelihood has no form; or there are no more clusters than
            covariates, too few for a robust error; or rows of one subject overlap.

    Source: Cox (1972); Efron (1977); Andersen and Gill (1982) for entry; Lin and Wei (1989) for the robust error and
        score test.

    >>> fit = cox([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 1], [0, 1, 0, 1, 1, 0], names=["B"])
    >>> print(fit.summary())
    Cox model, Efron ties: 6 rows, 5 events
    term    coef     se     hr   lower  upper       z       p
    B     0.8455  1.163  2.329  0.2382  22.78  0.7268  0.4674
    95 % limits; likelihood ratio 0.5929 on 1 df, p = 0.4413
    """
    rows = observe(
        time,
        event,
        covariates,
        entry=entry,
        names=names,
        strata=strata,
        weights=weights,
        subject=subject,
        cluster=cluster,
    )
    arguments.level(conf_level)
    if ties not in get_args(Ties):
        raise ValueError(f"ties is {ties!r}; it must be one of {', '.join(get_args(Ties))}")
    if ties == "exact" and (weights is not None or cluster is not None):
        raise ValueError("ties is 'exact'; with weights or cluster it must be 'efron' or 'breslow'")
    return fit_cox(rows, ties, conf_level)


def fit_cox(rows: Observations, ties: Ties, conf_level: float) -> CoxResult:
    """Fit a Cox model to checked rows; see `cox`, whose refusals of too few clusters it makes.

    Raises:
        ValueError: there are no more clusters than covariates.
    """
    p, n, groups = len(rows.terms), rows.time.size, rows.cluster
    if groups is not None and groups.max() + 1 <= p:
        raise ValueError(
            f"cluster holds {groups.max() + 1} label{'s' * int(groups.max() > 0)}; "
            f"it must hold more than there are covariates, {p}"
        )
    parts = risk_parts(rows, ties)
    null, found = _search(parts, p, ties)
    covariance, robust_se, robust_score = found.inverse, None, None
    if groups is not None:
        robust_se, robust_score = np.full(p, np.nan), float("nan")
        if found.problem not in ("no_events", "singular"):
            by_group = sums_by(groups, row_scores(parts, np.zeros(p), n))
            between = by_group.T @ by_group
            robust_score = float(null.score @ np.linalg.lstsq(between, null.score)[0])
        if found.problem is None:
            residuals = row_scores(parts, found.coef, n) @ found.inverse
            by_group = sums_by(groups, residuals)
            covariance = by_group.T @ by_group
            robust_se = np.sqrt(np.diag(covariance))

    coef, error = found.coef, np.sqrt(np.diag(covariance))
    lower, upper = _hazard_ratio_limits(coef, error, conf_level)
    z = np.where(np.isfinite(coef), coef, np.nan) / error
    lrt = 2 * (found.loglik - null.loglik)
    wald = float(coef @ np.linalg.solve(covariance, coef)) if found.problem is None else float("nan")
    usable = found.problem not in ("no_events", "singular")
    score = float(null.score @ np.linalg.solve(null.information, null.score)) if usable else float("nan")
    with np.errstate(over="ignore"):
        ratio = np.exp(coef)
    return CoxResult(
        terms=rows.terms,
        n=n,
        n_event=int(rows.event.sum()),
        ties=ties,
        coef=arguments.frozen(coef),
        se=arguments.frozen(np.sqrt(np.diag(found.inverse))),
        robust_se=None if robust_se is None else arguments.frozen(robust_se),
        covariance=arguments.frozen(covariance),
        model_covariance=arguments.frozen(found.inverse),
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
        robust_score_chisq=robust_score,
        robust_score_p=None if robust_score is None else float(chdtrc(p, robust_score)),
        df=p,
        iterations=found.iterations,
        problem=found.problem,
        diverging=tuple(term for term, value in zip(rows.terms, coef, strict=True) if np.isinf(value)),
        rows=rows,
    )


def risk_parts(rows: Observations, ties: Ties) -> tuple[Stratum, ...]:
    """Lay out checked rows for the partial likelihood."""
    return lay_out(rows.time, rows.event, rows.x, rows.stratum, rows.weights, ties, rows.entry)


def _search(parts: tuple[Stratum, ...], p: int, ties: Ties) -> tuple[Derivatives, Maximum]:
    start = np.zeros(p)
    null = derivatives(parts, start, ties)
    if not parts:
        return null, stopped("no_events", p, float("nan"), 0)
    begin, there = _nearby(parts, p, ties, null)
    return null, climb(lambda coef: derivatives(parts, coef, ties), begin, there, *spread_of(parts))


def _nearby(parts: tuple[Stratum, ...], p: int, ties: Ties, null: Derivatives) -> tuple[Floats, Derivatives]:
    """Begin where a part of many rows has its maximum, which saves steps over all of them; else, and of few rows, at 0."""
    start, every = np.zeros(p), sum(part.rows.size for part in parts) // _ROWS_TO_BEGIN_WITH
    if every >= _WORTH_THINNING and ties != "exact":
        some = thinned(parts, every, ties)
        if some:
            found = climb(lambda coef: derivatives(some, coef, ties), start, derivatives(some, start, ties), *spread_of(some))
            if found.problem is None:
                there = derivatives(parts, found.coef, ties)
                if there.loglik > null.loglik:
                    return found.coef, there
    return start, null


def spread_of(parts: tuple[Stratum, ...]) -> tuple[Floats, Floats]:
    """Give the standard deviation of each covariate within strata, 1 where it is constant, and its widest range."""
    squares = np.sum([[float(column @ column) for column in part.x.T] for part in parts], axis=0)
    spread = np.sqrt(squares / sum(part.rows.size for part in parts))
    high, low = (np.array([extreme(part.x, axis=0) for part in parts]) for extreme in (np.max, np.min))
    size = np.max([np.abs(part.centre) for part in parts], axis=0) + (high - low).max(axis=0)
    return np.where(spread > 1e-12 * size, spread, 1.0), np.asarray((high - low).max(axis=0))


def baseline_hazard(
    result: CoxResult, time: ArrayLike, event: ArrayLike, covariates: ArrayLike, *, weights: ArrayLike | None = None
) -> BaselineHazard:
    """Estimate the cumulative hazard at covariates 0 for a model without strata or entry.

    `prediction` has curves for any model and any covariates, with errors.

    Args:
        result: the fit, by the Efron or Breslow treatment of ties, which the estimate follows.
        time: the column the model was fitted to, and so are `event`, `covariates` and `weights`.
        event: see `time`.
        covariates: see `time`.
        weights: see `time`.

    Raises:
        ValueError: the model has no finite answer, was fitted with exact ties, or the columns do not fit together.

    Source: Breslow (1972); Efron (1977); Therneau and Grambsch (2000), section 10.2.

    >>> time, event, x = [1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 1], [0, 1, 0, 1, 1, 0]
    >>> baseline_hazard(cox(time, event, x), time, event, x).at([0.5, 2]).round(4).tolist()
    [0.0, 0.2114]
    """
    if result.problem is not None or result.ties == "exact":
        raise ValueError(f"result has problem {result.problem!r} and ties {result.ties!r}; it must be a converged fit")
    rows = observe(time, event, covariates, names=result.terms, weights=weights)
    (part,) = risk_parts(rows, result.ties)
    sums = sums_of(part, result.coef)
    # The sums are those of covariates less their means.
    steps = sums.hazard * np.exp(-sums.shift - float(part.centre @ result.coef))
    return BaselineHazard(time=part.moments, cumulative_hazard=np.cumsum(steps))


def sums_by(codes: Ints, values: Floats) -> Floats:
    """Add up the rows, shape (n,) or (n, p), of each code 0, 1, ...; codes without rows give 0."""
    if values.ndim == 1:
        return np.asarray(np.bincount(codes, weights=values), dtype=np.float64)
    return np.stack([np.bincount(codes, weights=column) for column in values.T], axis=1)


def forest(terms: Sequence[str], ratio: Floats, lower: Floats, upper: Floats, label: str, ax: Any = None) -> Any:
    """Draw ratios with their limits on a log scale, the first on top; those without finite limits are left out."""
    ax = show.axes(ax)
    places = -np.arange(len(terms))
    drawn = np.isfinite(lower) & np.isfinite(upper) & (lower > 0)
    reach = np.abs(np.vstack((ratio - lower, upper - ratio)))[:, drawn]
    ax.errorbar(ratio[drawn], places[drawn], xerr=reach, fmt="s", color="C0", capsize=3)
    ax.axvline(1.0, color="0.6", linewidth=1)
    ax.set_xscale("log")
    ax.set_yticks(places, terms)
    ax.set_ylim(places[-1] - 0.5, 0.5)
    ax.set_xlabel(label)
    return ax


def _hazard_ratio_limits(coef: Floats, error: Floats, conf_level: float) -> tuple[Floats, Floats]:
    half = float(ndtri(0.5 + conf_level / 2)) * error
    with np.errstate(over="ignore"):
        return np.exp(coef - half), np.exp(coef + half)
