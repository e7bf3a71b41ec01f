"""The Fine-Gray model: how covariates move the cumulative incidence of one cause among competing ones.

A subject that had a competing event stays in the risk sets of later events, with the probability of still being
uncensored as weight. Leaves the incidence curves without a model, and Gray's test, to the survival modules, and the
cause-specific hazard to `regression`, where the other causes count as censorings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, ndtri

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats, Ints
from oligami.stats.newton import SearchProblem, climb, stopped
from oligami.stats.partial_likelihood import Derivatives
from oligami.stats.regression import forest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FineGrayResult:
    """A fitted Fine-Gray model; arrays hold one value a term. `problem` and `diverging` are as in `CoxResult`."""

    terms: tuple[str, ...]
    n: int
    n_event: int  # of the cause
    n_competing: int
    coef: Floats
    se: Floats  # robust, counting the estimate of the censoring distribution
    covariance: Floats
    shr: Floats  # subdistribution hazard ratios
    ci_lower: Floats
    ci_upper: Floats
    conf_level: float
    z: Floats
    p_two_sided: Floats
    loglik_null: float
    loglik: float
    lrt_chisq: float  # of the weighted likelihood, so only roughly chi-square
    lrt_p: float
    wald_chisq: float
    wald_p: float
    df: int
    iterations: int
    problem: SearchProblem | None
    diverging: tuple[str, ...]
    time: Floats  # distinct event times of the cause, shape (T,)
    cumulative_hazard: Floats  # of the subdistribution at covariates 0, shape (T,); NaN without a finite answer

    @property
    def converged(self) -> bool:
        """Whether the numbers are those of a finite maximum."""
        return self.problem is None

    def cumulative_incidence(self, profile: ArrayLike, times: ArrayLike) -> Floats:
        """Predict the share of subjects with these covariates that have had the event of the cause by given times.

        Args:
            profile: covariates, shape (p,).
            times: >= 0, shape (k,).

        Raises:
            ValueError: the model has no finite answer, or an argument may not be as it is.

        Source: Fine and Gray (1999), section 5: 1 - exp(-H(t) exp(b'x)), with Breslow's H.
        """
        if self.problem is not None:
            raise ValueError(f"the model has problem {self.problem!r}; only a converged fit predicts")
        x = arguments.numbers(profile, "profile")
        if x.size != len(self.terms):
            raise ValueError(f"profile has {x.size} covariates; it must have one a term, {len(self.terms)}")
        row = np.searchsorted(self.time, arguments.times(times, "times"), side="right")
        return np.asarray(-np.expm1(-np.append(0.0, self.cumulative_hazard)[row] * np.exp(x @ self.coef)))

    def summary(self) -> str:
        """Show the fit as a table, a line a term."""
        columns = self._columns()
        rows = [[self.terms[j], *(float(columns[h][j]) for h in list(columns)[1:])] for j in range(len(self.terms))]
        notes = [f"{100 * self.conf_level:g} % limits, robust error"]
        if self.problem is not None:
            notes.append(f"no finite answer: {self.problem.replace('_', ' ')}")
        title = f"Fine-Gray model: {self.n} subjects, {self.n_event} events, {self.n_competing} competing events"
        return show.table(title, list(columns), rows, notes)

    def to_frame(self) -> Any:
        """Give the terms as a pandas DataFrame: term, coef, se, shr with limits, z and two-sided p."""
        return show.frame(self._columns())

    def plot(self, ax: Any = None) -> Any:
        """Draw the subdistribution hazard ratios with their limits on a log scale, the first term on top."""
        label = f"subdistribution hazard ratio with {100 * self.conf_level:g} % limits"
        return forest(self.terms, self.shr, self.ci_lower, self.ci_upper, label, ax)

    def _columns(self) -> dict[str, Any]:
        return {
            "term": self.terms,
            "coef": self.coef,
            "se": self.se,
            "shr": self.shr,
            "lower": self.ci_lower,
            "upper": self.ci_upper,
            "z": self.z,
            "p": self.p_two_sided,
        }


def fine_gray(
    time: ArrayLike,
    cause: ArrayLike,
    covariates: ArrayLike,
    *,
    of_cause: float = 1,
    censored: float = 0,
    names: Sequence[str] | None = None,
    censoring_groups: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> FineGrayResult:
    """Fit log subdistribution hazard ratios of one cause.

    Args:
        time: end of observation, shape (n,), >= 0.
        cause: why it ended, numbers, shape (n,); all but `of_cause` and `censored` are competing events.
        covariates: shape (n, p), or (n,) for one.
        of_cause: the cause whose incidence is modelled.
        censored: the number that stands for censoring.
        names: of the p terms; by default the columns of a data frame, or x1, x2, ...
        censoring_groups: labels of groups with a censoring distribution each, shape (n,); by default all share one.
        conf_level: in (0, 1).

    Returns:
        The fit. Without an event of the cause, with covariates that tell nothing apart, or with a likelihood that
        keeps growing, `problem` says so and the numbers that then do not exist are NaN. Ties are Breslow's. Without
        competing events it is the Cox model with Breslow ties and robust errors.

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not; or the cause is the code of
            censoring.

    Source: Fine and Gray (1999), Journal of the American Statistical Association 94, 496-509; as in the R package cmprsk.

    >>> fit = fine_gray([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 1, 0, 1, 2, 0, 1], [0, 0, 0, 1, 1, 0, 1, 1], names=["B"])
    >>> fit.shr.round(3).tolist(), fit.cumulative_incidence([0], [3]).round(3).tolist()
    ([0.798], [0.26])
    """
    end = arguments.times(time)
    codes = arguments.numbers(cause, "cause")
    arguments.same_length(codes.size, end.size, "cause")
    columns = getattr(covariates, "columns", None)
    x, terms = arguments.matrix(
        covariates, end.size, [str(c) for c in columns] if names is None and columns is not None else names
    )
    arguments.level(conf_level)
    if of_cause == censored:
        raise ValueError(f"of_cause is {of_cause!r}; it must differ from censored, {censored!r}")
    groups = arguments.strata_codes(censoring_groups, end.size, "censoring_groups")

    order = np.argsort(end, kind="stable")
    laid = _lay_out(end[order], codes[order] == of_cause, codes[order] == censored, x[order], groups[order])
    p = len(terms)
    null = _Weighted(laid, np.zeros(p)).derivatives() if laid.moments.size else None
    if null is None:
        found = stopped("no_events", p, float("nan"), 0)
    else:
        spread = laid.x.std(axis=0)
        width = np.ptp(laid.x, axis=0)
        spread = np.where(spread > 1e-12 * (np.abs(laid.centre) + width), spread, 1.0)
        found = climb(lambda coef: _Weighted(laid, coef).derivatives(), np.zeros(p), null, spread, width)
    covariance, hazard = np.full((p, p), np.nan), np.full(laid.moments.size, np.nan)
    if found.problem is None:
        at = _Weighted(laid, found.coef)
        influence = at.influence() @ found.inverse
        covariance = influence.T @ influence
        hazard = np.cumsum(at.step) * float(np.exp(-at.shift - laid.centre @ found.coef))
    coef, se = found.coef, np.sqrt(np.diag(covariance))
    z = np.where(np.isfinite(coef), coef, np.nan) / se
    half = float(ndtri(0.5 + conf_level / 2)) * se
    loglik_null = 0.0 if null is None else null.loglik
    lrt = 2 * (found.loglik - loglik_null)
    wald = float(coef @ np.linalg.solve(covariance, coef)) if found.problem is None else float("nan")
    with np.errstate(over="ignore"):
        ratios = np.exp(coef), np.exp(coef - half), np.exp(coef + half)
    shr, lower, upper = (arguments.frozen(values) for values in ratios)
    return FineGrayResult(
        terms=terms,
        n=int(end.size),
        n_event=int(np.count_nonzero(codes == of_cause)),
        n_competing=int(np.count_nonzero((codes != of_cause) & (codes != censored))),
        coef=arguments.frozen(coef),
        se=arguments.frozen(se),
        covariance=arguments.frozen(covariance),
        shr=shr,
        ci_lower=lower,
        ci_upper=upper,
        conf_level=float(conf_level),
        z=arguments.frozen(z),
        p_two_sided=arguments.frozen(2 * ndtr(-np.abs(z))),
        loglik_null=loglik_null,
        loglik=found.loglik,
        lrt_chisq=lrt,
        lrt_p=float(chdtrc(p, lrt)),
        wald_chisq=wald,
        wald_p=float(chdtrc(p, wald)),
        df=p,
        iterations=found.iterations,
        problem=found.problem,
        diverging=tuple(term for term, value in zip(terms, coef, strict=True) if np.isinf(value)),
        time=arguments.frozen(laid.moments),
        cumulative_hazard=arguments.frozen(hazard),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Layout:
    """Rows in order of time, with what the censoring weights need."""

    x: Floats  # less `centre`, shape (n, p)
    centre: Floats
    time: Floats
    event: np.ndarray[Any, np.dtype[np.bool_]]
    competing: np.ndarray[Any, np.dtype[np.bool_]]
    censored: np.ndarray[Any, np.dtype[np.bool_]]
    group: Ints  # of the censoring distribution
    moments: Floats  # distinct event times of the cause, shape (T,)
    counts: Floats  # events at each
    until: Ints  # for each row, how many moments are not after its time
    uncensored: Floats  # for each group and moment, the probability to be uncensored just before it, shape (g, T)
    inverse: Floats  # for each competing row 1 over that probability just before its own time; else 0, shape (n,)


def _lay_out(time: Floats, event: Any, censored: Any, x: Floats, group: Ints) -> _Layout:
    moments, counts = np.unique(time[event], return_counts=True)
    competing = ~event & ~censored
    uncensored = np.empty((int(group.max()) + 1, moments.size))
    own = np.ones(time.size)
    for g in range(uncensored.shape[0]):
        inside = group == g
        t = time[inside]
        left, lost = np.unique(time[inside & censored], return_counts=True)
        at_risk = t.size - np.searchsorted(t, left, side="left")
        curve = np.append(1.0, np.cumprod(1 - lost / at_risk))
        uncensored[g] = curve[np.searchsorted(left, moments, side="left")]
        own[inside] = curve[np.searchsorted(left, t, side="left")]
    centre = x.mean(axis=0)
    return _Layout(
        x=np.asfortranarray(x - centre),
        centre=centre,
        time=time,
        event=event,
        competing=competing,
        censored=censored,
        group=group,
        moments=moments,
        counts=counts.astype(np.float64),
        until=np.searchsorted(moments, time, side="right"),
        uncensored=uncensored,
        inverse=np.where(competing, 1 / own, 0.0),
    )


class _Weighted:
    """The weighted risk sets at given coefficients: what the likelihood, its derivatives and its influence need."""

    def __init__(self, laid: _Layout, coef: Floats) -> None:
        self.laid = laid
        self.eta = laid.x @ coef
        self.shift = float(self.eta.max())
        self.risk = np.exp(self.eta - self.shift)
        total = self._met(self.risk)
        self.step = laid.counts / total  # of the baseline subdistribution hazard, times exp(shift)
        self.mean = np.stack([self._met(self.risk * column) for column in laid.x.T]) / total
        self.total = total

    def derivatives(self) -> Derivatives:
        laid = self.laid
        load = self.risk * self._exposed(self.step)
        log_total = float(laid.counts @ np.log(self.total)) + float(laid.counts.sum()) * self.shift
        return Derivatives(
            loglik=float(self.eta[laid.event].sum()) - log_total,
            score=laid.x.T @ (laid.event - load),
            information=(laid.x.T * load) @ laid.x - (self.mean * laid.counts) @ self.mean.T,
        )

    def influence(self) -> Floats:
        """Each row's part of the score with that of its censoring time, shape (n, p): eta + psi of Fine and Gray."""
        laid = self.laid
        exposed = self._exposed(self.step)
        parts = np.empty(laid.x.shape)
        for j, column in enumerate(laid.x.T):
            value = -self.risk * (column * exposed - self._exposed(self.step * self.mean[j]))
            value[laid.event] += column[laid.event] - self.mean[j, laid.until[laid.event] - 1]
            parts[:, j] = value + self._of_censoring(column, self.mean[j])
        return parts

    def _met(self, values: Floats) -> Floats:
        """Sum values over the risk set of each moment, those after a competing event with their weight."""
        laid, size = self.laid, self.laid.moments.size
        under = np.asarray(np.cumsum(np.bincount(laid.until, weights=values, minlength=size + 1)[:0:-1])[::-1], dtype=np.float64)
        for g, uncensored in enumerate(laid.uncensored):
            kept = np.where(laid.group == g, values * laid.inverse, 0.0)
            under = under + uncensored * np.cumsum(np.bincount(laid.until, weights=kept, minlength=size + 1))[:size]
        return under

    def _exposed(self, steps: Floats) -> Floats:
        """Add up the steps that each row met, those after its competing event with their weight."""
        laid = self.laid
        met = np.append(0.0, np.cumsum(steps))[laid.until]
        for g, uncensored in enumerate(laid.uncensored):
            later = np.append(np.cumsum((steps * uncensored)[::-1])[::-1], 0.0)[laid.until]
            met = met + np.where(laid.group == g, later * laid.inverse, 0.0)
        return np.asarray(met)

    def _of_censoring(self, column: Floats, mean: Floats) -> Floats:
        """What a row's censoring time adds to the influence, the weights being estimated: psi of Fine and Gray."""
        laid = self.laid
        found = np.zeros(column.size)
        for g, uncensored in enumerate(laid.uncensored):
            inside = laid.group == g
            left, lost = np.unique(laid.time[inside & laid.censored], return_counts=True)
            if left.size == 0:
                continue
            t = laid.time[inside]
            at_risk = t.size - np.searchsorted(t, left, side="left")
            kept = np.where(inside, self.risk * laid.inverse, 0.0)
            before = np.searchsorted(laid.time, left, side="left")
            past = np.append(0.0, np.cumsum(kept))[before]
            past_x = np.append(0.0, np.cumsum(kept * column))[before]
            weight = self.step * uncensored
            after = np.searchsorted(laid.moments, left, side="left")
            later = np.append(np.cumsum(weight[::-1])[::-1], 0.0)[after]
            later_mean = np.append(np.cumsum((weight * mean)[::-1])[::-1], 0.0)[after]
            pull = (past_x * later - past * later_mean) / at_risk
            met = np.append(0.0, np.cumsum(pull * lost / at_risk))[np.searchsorted(left, t, side="right")]
            value = -met
            own = laid.censored[inside]
            value[own] += pull[np.searchsorted(left, t[own], side="left")]
            found[inside] = value
        return found
