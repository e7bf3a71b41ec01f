"""The mixed model for repeated measures: arms compared visit by visit, with visits missing here and there.

Every subject's scores vary together with a covariance estimated by restricted maximum likelihood; a subject with
some visits missing keeps those it has, which is right when what is missing depends on the scores seen only. Leaves
which scores are used, and their change from baseline, to the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats, Ints, Label
from oligami.stats.restricted_likelihood import fit
from oligami.stats.visit_covariance import CovarianceName, checked_name

Degrees = Literal["satterthwaite", "residual"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimates:
    """Estimates with intervals and tests of 0 by Student's t; arrays of one shape."""

    value: Floats
    std_err: Floats
    df: Floats
    t: Floats
    p_two_sided: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RepeatedMeasures:
    """A fitted mixed model for repeated measures.

    `mean` has a row for each arm and `difference` one for each arm but the first, less the first; columns are visits.
    Means are those at the average of the covariates over all scores used.
    """

    arms: tuple[Label, ...]
    visits: tuple[Label, ...]
    covariance: CovarianceName
    degrees: Degrees  # how `df` came about
    n_subjects: int
    n_scores: int
    scores: Ints  # by arm and visit
    mean: Estimates
    difference: Estimates
    terms: tuple[str, ...]
    coef: Floats
    coef_cov: Floats
    sigma: Floats  # covariance of a subject's scores, shape (visits, visits)
    loglik: float  # restricted; constants as in R's nlme
    conf_level: float
    coef_cov_slopes: Floats  # derivative of coef_cov by each covariance parameter, for degrees of freedom
    parameter_cov: Floats  # covariance of the covariance parameters

    def contrast(self, coefficients: ArrayLike) -> Estimates:
        """Estimate combinations of the coefficients.

        Args:
            coefficients: one combination, shape (p,), or several, shape (..., p), in the order of `terms`.

        Raises:
            ValueError: the last dimension is not p, or a number is missing.
        """
        L = np.asarray(coefficients, dtype=np.float64)
        if L.ndim == 0 or L.shape[-1] != self.coef.size or not np.isfinite(L).all():
            raise ValueError(f"coefficients have shape {L.shape}; they must be finite numbers, {self.coef.size} a combination")
        residual = self.n_scores - self.coef.size
        return _estimates(
            L,
            self.coef,
            self.coef_cov,
            self.coef_cov_slopes,
            self.parameter_cov,
            None if self.degrees == "satterthwaite" else residual,
            self.conf_level,
        )

    def overall_difference(self, weights: ArrayLike | None = None) -> Estimates:
        """Average the differences over visits, one for each arm but the first: arrays of shape (arms - 1,).

        Args:
            weights: of the visits, shape (visits,), 0 or more, scaled to a sum of 1; by default equal.

        Raises:
            ValueError: there is another number of weights, one is negative, or all are 0.
        """
        T = len(self.visits)
        given = np.ones(T) if weights is None else arguments.numbers(weights, "weights")
        if given.size != T or (given < 0).any() or given.sum() == 0:
            raise ValueError(f"weights are {given.tolist()}; they must be {T} numbers, 0 or more and not all 0")
        L = np.zeros((len(self.arms) - 1, self.coef.size))
        for a in range(len(self.arms) - 1):
            L[a, T * (a + 1) : T * (a + 2)] = given / given.sum()
        return self.contrast(L)

    def summary(self) -> str:
        """Show the differences by visit as lines of text."""
        heads = ["arm", "visit", "difference", "std. error", "df", "lower", "upper", "p"]
        d = self.difference
        columns = (d.value, d.std_err, d.df, d.lower, d.upper, d.p_two_sided)
        rows = [
            [arm, visit, *(float(column[a, v]) for column in columns)]
            for a, arm in enumerate(self.arms[1:])
            for v, visit in enumerate(self.visits)
        ]
        notes = [
            f"less arm {self.arms[0]}; {100 * self.conf_level:g} % intervals, {self.degrees} degrees of freedom",
            f"{self.n_subjects} subjects, {self.n_scores} scores, restricted log likelihood {show.number(self.loglik, 6)}",
        ]
        return show.table(f"Mixed model for repeated measures, {self.covariance} covariance", heads, rows, notes)

    def to_frame(self) -> Any:
        """Return a data frame with one row for each arm but the first and each visit."""
        rows, T = len(self.arms) - 1, len(self.visits)
        columns: dict[str, Any] = {
            "arm": np.repeat(np.array(self.arms[1:], dtype=object), T),
            "visit": np.tile(np.array(self.visits, dtype=object), rows),
        }
        for name in ("value", "std_err", "df", "t", "p_two_sided", "lower", "upper"):
            columns[name] = getattr(self.difference, name).ravel()
        return show.frame(columns)

    def plot(self, ax: Any = None) -> Any:
        """Draw each arm's means over the visits with their intervals, and return the axes."""
        axes = show.axes(ax)
        at = np.arange(len(self.visits))
        for a, arm in enumerate(self.arms):
            apart = 0.06 * (a - (len(self.arms) - 1) / 2)
            value = self.mean.value[a]
            reach = np.stack([value - self.mean.lower[a], self.mean.upper[a] - value])
            axes.errorbar(at + apart, value, yerr=reach, marker="o", capsize=3, label=str(arm))
        axes.set_xticks(at, [str(visit) for visit in self.visits])
        axes.set_xlabel("visit")
        axes.set_ylabel(f"mean, {100 * self.conf_level:g} % interval")
        axes.legend()
        return axes


def repeated_measures(
    score: ArrayLike,
    subject: ArrayLike,
    visit: ArrayLike,
    arm: ArrayLike,
    *,
    covariates: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    covariates_by_visit: bool = False,
    arms: Sequence[Label] | None = None,
    visits: Sequence[Label] | None = None,
    covariance: CovarianceName = "unstructured",
    degrees: Degrees = "satterthwaite",
    conf_level: float = 0.95,
) -> RepeatedMeasures:
    """Compare arms at each visit by a mixed model for repeated measures, estimated by REML.

    The fixed effects are a mean for each visit, a difference for each further arm at each visit, and the covariates.

    Args:
        score: scores or their changes from baseline, one row a subject and visit, shape (n,). Rows whose score is
            NaN are missing visits and left out; so are visits without a row.
        subject: label of each row's subject, shape (n,).
        visit: label of each row's visit, shape (n,), the same subject and visit at most once.
        arm: label of each row's arm, shape (n,), one for each subject.
        covariates: such as the baseline score, shape (n,) or (n, p).
        names: of the covariates.
        covariates_by_visit: whether each covariate acts differently at each visit.
        arms: in the order wanted, control first; by default sorted.
        visits: in the order wanted; by default sorted.
        covariance: of a subject's scores: any ("unstructured"), one variance and one covariance for all visits
            ("compound symmetry"), or a correlation that fades with the number of visits between ("ar1").
        degrees: of freedom for t: "satterthwaite", from the spread of each estimate's variance, or "residual", the
            number of scores less that of coefficients, which is too high and what R's `gls` does.
        conf_level: in (0, 1).

    Raises:
        ValueError: a column is refused; a subject has two arms or a visit twice; an arm has no score at a visit; the
            covariates repeat each other; or the covariance cannot be estimated, and the message says why.

    Source: Mallinckrodt, Clark and David (2001), Journal of Biopharmaceutical Statistics 11, 9-21; degrees of freedom
    of Satterthwaite with the observed information, as in Fai and Cornelius (1996).

    >>> score = [5, 7, 6, 8, 9, 12, 4, 5, 7, 7, 8, 10.0]
    >>> fitted = repeated_measures(score, np.repeat(range(6), 2), [1, 2] * 6, np.repeat(["A", "B"], 6))
    >>> fitted.difference.value.round(3), fitted.difference.df.round(3)
    (array([[-0.333, -1.667]]), array([[4., 4.]]))
    """
    structure = checked_name(covariance)
    if degrees not in get_args(Degrees):
        raise ValueError(f"degrees is {degrees!r}; it must be one of {', '.join(get_args(Degrees))}")
    arguments.level(conf_level)
    given = _column(score)
    arm_names, arm_codes = _coded(arm, given.size, "arm", arms)
    visit_names, visit_codes = _coded(visit, given.size, "visit", visits)
    subjects, subject_codes = arguments.labels(subject, given.size, "subject")
    seen = np.isfinite(given)
    if not seen.any():
        raise ValueError("score has no value that is not missing; it must hold at least one")
    extra, extra_names = np.empty((given.size, 0)), tuple[str, ...]()
    if covariates is not None:
        extra, extra_names = _covariates(covariates, names, seen)

    # One cell for each subject and visit, NaN where there is no score.
    S, T, A = len(subjects), len(visit_names), len(arm_names)
    cell = subject_codes[seen] * T + visit_codes[seen]
    if np.unique(cell).size != cell.size:
        twice = int(np.flatnonzero(np.bincount(cell) > 1)[0])
        raise ValueError(f"visit {visit_names[twice % T]!r} of subject {subjects[twice // T]!r} has two scores; it must have one")
    own_arm = np.full(S, -1)
    own_arm[subject_codes] = arm_codes
    if (own_arm[subject_codes] != arm_codes).any():
        at = int(np.argmax(own_arm[subject_codes] != arm_codes))
        raise ValueError(f"arm of subject {subjects[subject_codes[at]]!r} changes; each subject must have one arm")
    counts = np.bincount(arm_codes[seen] * T + visit_codes[seen], minlength=A * T).reshape(A, T)
    if (counts == 0).any():
        a, v = np.argwhere(counts == 0)[0]
        raise ValueError(f"arm {arm_names[a]!r} has no score at visit {visit_names[v]!r}; every arm must have one at every visit")

    y = np.full(S * T, np.nan)
    y[cell] = given[seen]
    cells = np.zeros((S * T, extra.shape[1]))
    cells[cell] = extra[seen]
    terms, X = _design(own_arm, cells.reshape(S, T, -1), arm_names, visit_names, extra_names, covariates_by_visit)
    present = (subject_with_score := np.isfinite(y.reshape(S, T)).any(axis=1))
    rows = X[np.isfinite(y.reshape(S, T))]
    if (
        rows.shape[0] <= rows.shape[1]
        or np.linalg.matrix_rank(rows / np.maximum(np.abs(rows).max(axis=0), 1e-300)) < rows.shape[1]
    ):
        raise ValueError(
            f"{rows.shape[0]} scores do not tell {rows.shape[1]} effects apart ({', '.join(terms)});"
            " covariates must not repeat each other, the arms or the visits"
        )
    fitted = fit(y.reshape(S, T)[present], X[present], structure)

    residual = None if degrees == "satterthwaite" else rows.shape[0] - rows.shape[1]
    middle = np.zeros((A, T, len(terms)))
    average = extra[seen].mean(axis=0)
    for v in range(T):
        middle[:, v, v] = 1.0
        for a in range(1, A):
            middle[a, v, T * a + v] = 1.0
        for j, value in enumerate(average):
            middle[:, v, A * T + (j * T + v if covariates_by_visit else j)] = value
    parts = (fitted.coef, fitted.coef_cov, fitted.coef_cov_slopes, fitted.parameter_cov, residual, conf_level)
    return RepeatedMeasures(
        arms=arm_names,
        visits=visit_names,
        covariance=structure,
        degrees=degrees,
        n_subjects=int(subject_with_score.sum()),
        n_scores=rows.shape[0],
        scores=arguments.frozen(counts),
        mean=_estimates(middle, *parts),
        difference=_estimates(middle[1:] - middle[:1], *parts),
        terms=terms,
        coef=arguments.frozen(fitted.coef),
        coef_cov=arguments.frozen(fitted.coef_cov),
        sigma=arguments.frozen(fitted.sigma),
        loglik=fitted.loglik,
        conf_level=conf_level,
        coef_cov_slopes=arguments.frozen(fitted.coef_cov_slopes),
        parameter_cov=arguments.frozen(fitted.parameter_cov),
    )


def _estimates(
    L: Floats, coef: Floats, coef_cov: Floats, slopes: Floats, parameter_cov: Floats, residual: int | None, conf_level: float
) -> Estimates:
    """Estimate combinations, shape (..., p); degrees of freedom of Satterthwaite unless residual ones are given."""
    value = L @ coef
    variance = np.einsum("...p,pr,...r->...", L, coef_cov, L)
    slope = np.einsum("...p,kpr,...r->...k", L, slopes, L)
    spread = np.einsum("...k,kl,...l->...", slope, parameter_cov, slope)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = 2 * variance**2 / spread if residual is None else np.full(value.shape, float(residual))
        std_err = np.sqrt(variance)
        t = value / std_err
    half = stdtrit(df, 0.5 + conf_level / 2) * std_err
    columns = (value, std_err, df, t, 2 * stdtr(df, -np.abs(t)), value - half, value + half)
    frozen = [arguments.frozen(np.asarray(column, dtype=np.float64)) for column in columns]
    return Estimates(
        value=frozen[0], std_err=frozen[1], df=frozen[2], t=frozen[3], p_two_sided=frozen[4], lower=frozen[5], upper=frozen[6]
    )


def _design(
    own_arm: Ints, cells: Floats, arms: Sequence[Label], visits: Sequence[Label], names: Sequence[str], by_visit: bool
) -> tuple[tuple[str, ...], Floats]:
    """Fixed effects for each subject and visit: visits, further arms at visits, covariates."""
    S, T, c = cells.shape
    same = np.eye(T)
    terms = [f"visit {visit}" for visit in visits]
    blocks = [np.broadcast_to(same, (S, T, T))]
    for a in range(1, len(arms)):
        terms += [f"arm {arms[a]} at visit {visit}" for visit in visits]
        blocks.append((own_arm == a)[:, np.newaxis, np.newaxis] * same)
    if by_visit:
        terms += [f"{name} at visit {visit}" for name in names for visit in visits]
        blocks += [cells[:, :, [j]] * same for j in range(c)]
    else:
        terms += list(names)
        blocks.append(cells)
    return tuple(terms), np.concatenate(blocks, axis=2)


def _column(score: ArrayLike) -> Floats:
    """The scores as floats, NaN allowed."""
    try:
        values = np.asarray(score, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError("score holds values that are not numbers; it must be a column of numbers") from error
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"score has shape {values.shape}; it must be one column with at least one value")
    if np.isinf(values).any():
        at = int(np.argmax(np.isinf(values)))
        raise ValueError(f"score[{at}] is {values[at]}; it must be a finite number, or NaN where it is missing")
    return values


def _coded(values: ArrayLike, length: int, argument: str, wanted: Sequence[Label] | None) -> tuple[tuple[Label, ...], Ints]:
    """Labels in the order wanted, and the number of each row's."""
    found, codes = arguments.labels(values, length, argument)
    if wanted is None:
        return found, codes
    order = tuple(wanted)
    if len(set(order)) != len(order) or set(order) != set(found):
        raise ValueError(f"{argument}s are {order!r}; they must be {found!r} in any order")
    return order, np.array([order.index(label) for label in found])[codes]


def _covariates(
    values: ArrayLike, names: Sequence[str] | None, seen: np.ndarray[Any, np.dtype[np.bool_]]
) -> tuple[Floats, tuple[str, ...]]:
    """Covariates with their names; those of missing scores may be missing too."""
    array = np.array(values, dtype=np.float64)
    if array.ndim in (1, 2) and array.shape[0] == seen.size:
        array[~seen] = 0.0
    return arguments.matrix(array, seen.size, names)
