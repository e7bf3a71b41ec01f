"""Restricted maximum likelihood for scores of subjects at visits, some of them missing.

Estimates the covariance of the visits and, given it, the fixed effects by generalized least squares. Leaves the
design to `repeated_measures` and the structures to `visit_covariance`.
"""

from dataclasses import dataclass

import numpy as np

from oligami.stats.arguments import Floats, Ints
from oligami.stats.visit_covariance import CovarianceName, Expansion, expand, start

# The likelihood cannot be told apart from its maximum when the next step would raise it by less than this.
_CONVERGED = 1e-14
_MOST_STEPS = 200
# Below this smallest eigenvalue of its correlations, a covariance is singular for all purposes.
_SINGULAR = 1e-7
_NOT_POSITIVE = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """Estimates at the maximum of the restricted likelihood."""

    coef: Floats  # shape (p,)
    coef_cov: Floats  # shape (p, p)
    coef_cov_slopes: Floats  # its derivative by each covariance parameter, shape (q, p, p)
    sigma: Floats  # shape (visits, visits)
    parameter_cov: Floats  # of the covariance parameters, from the observed information, shape (q, q)
    loglik: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pattern:
    """Subjects seen at the same visits."""

    visits: Ints  # numbers of the visits seen, shape (t,)
    y: Floats  # shape (subjects, t)
    X: Floats  # shape (subjects, t, p)
    products: Floats  # sum over subjects of the products of X with itself, shape (t, t, p, p)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Point:
    """The likelihood at one covariance, with what its derivatives need."""

    expansion: Expansion
    inverses: list[Floats]  # of the covariance of each pattern
    coef: Floats
    coef_cov: Floats
    deviance: float  # -2 log likelihood


def fit(y: Floats, X: Floats, covariance: CovarianceName) -> Fit:
    """Maximize the restricted likelihood.

    Args:
        y: scores, shape (subjects, visits), NaN where missing; each subject and each visit seen at least once.
        X: fixed effects, shape (subjects, visits, p), of full rank where y is seen.
        covariance: the structure.

    Raises:
        ValueError: the covariance cannot be estimated from these scores.

    Source: Patterson and Thompson (1971); derivatives as in Lindstrom and Bates (1988), JASA 83, 1014-1022. Newton's
    steps with the observed information, or with the expected where that is not positive.
    """
    patterns = _patterns(y, X)
    n_visits = y.shape[1]
    n_free = int(np.isfinite(y).sum()) - X.shape[2]
    parameters = start(covariance, _rough(y, X, covariance))
    point = _evaluate(patterns, expand(covariance, parameters, n_visits), n_free)
    if point is None:
        raise _not_estimable(covariance, "no starting point has a positive definite covariance")
    for _ in range(_MOST_STEPS):
        gradient, observed, expected, _slopes = _derivatives(patterns, point)
        direction = _direction(gradient, observed, expected)
        if direction is None:
            raise _not_estimable(covariance, "the scores do not tell all its parameters apart")
        gain = float(gradient @ direction)
        better, parameters = _search(patterns, point, covariance, parameters, direction, n_free)
        if better is not None:
            point = better
        if better is None or gain < _CONVERGED:
            break
    else:
        raise _not_estimable(covariance, f"there is no maximum within {_MOST_STEPS} steps")

    gradient, observed, expected, slopes = _derivatives(patterns, point)
    sigma = point.expansion.sigma
    if np.linalg.eigvalsh(_scaled(sigma))[0] < _SINGULAR:
        raise _not_estimable(covariance, "the estimate is singular: the scores of some visits determine those of another")
    if np.linalg.eigvalsh(_scaled(observed))[0] <= 0 or gradient @ np.linalg.solve(observed, gradient) > 1e-8:
        raise _not_estimable(covariance, "the likelihood has no clear maximum")
    return Fit(
        coef=point.coef,
        coef_cov=point.coef_cov,
        coef_cov_slopes=slopes,
        sigma=sigma,
        parameter_cov=np.asarray(np.linalg.inv(observed)),
        loglik=-point.deviance / 2,
    )


def _not_estimable(covariance: str, why: str) -> ValueError:
    simpler = "" if covariance == "compound symmetry" else "; choose a simpler one, 'compound symmetry'"
    simpler = "; choose a simpler one, 'compound symmetry' or 'ar1'" if covariance == "unstructured" else simpler
    return ValueError(f"covariance is {covariance!r}, which cannot be estimated from these scores: {why}{simpler}")


def _patterns(y: Floats, X: Floats) -> list[_Pattern]:
    seen = np.isfinite(y)
    masks, which = np.unique(seen, axis=0, return_inverse=True)
    found = []
    for number, mask in enumerate(masks):
        inside = which.ravel() == number
        visits = np.flatnonzero(mask)
        part = X[inside][:, visits]
        products = np.einsum("mtp,mur->tupr", part, part, optimize=True)
        found.append(_Pattern(visits=visits, y=y[inside][:, visits], X=part, products=products))
    return found


def _rough(y: Floats, X: Floats, covariance: CovarianceName) -> Floats:
    """Moments of the least-squares residuals, visit by visit; NaN where two visits were never seen in one subject."""
    seen = np.isfinite(y)
    coef = np.linalg.lstsq(X[seen], y[seen], rcond=None)[0]
    residual = np.where(seen, y - X @ coef, 0.0)
    together = seen.T.astype(np.float64) @ seen
    if covariance == "unstructured" and (together == 0).any():
        first, second = np.argwhere(together == 0)[0]
        raise _not_estimable(
            covariance, f"no subject was seen at both visit {first + 1} and visit {second + 1}, counted in order"
        )
    moments = residual.T @ residual / np.where(together > 0, together, np.nan)
    spread = float(np.sum(residual**2) / seen.sum())
    if spread <= 1e-20 * float(np.sum(y[seen] ** 2)) / seen.sum():
        raise _not_estimable(covariance, "nothing is left to vary once the fixed effects are taken out")
    np.fill_diagonal(moments, np.maximum(np.diag(moments), 0.01 * spread))
    return np.asarray(moments)


def _evaluate(patterns: list[_Pattern], expansion: Expansion, n_free: int) -> _Point | None:
    """The restricted likelihood at a covariance; None where that is not positive definite."""
    variances = np.diag(expansion.sigma)
    if (variances <= 0).any() or np.linalg.eigvalsh(_scaled(expansion.sigma))[0] <= _NOT_POSITIVE:
        return None
    inverses: list[Floats] = []
    log_determinants = 0.0
    for pattern in patterns:
        V = expansion.sigma[np.ix_(pattern.visits, pattern.visits)]
        inverses.append(np.asarray(np.linalg.inv(V)))
        log_determinants += pattern.y.shape[0] * float(np.linalg.slogdet(V)[1])
    information = sum(np.einsum("tupr,tu->pr", pattern.products, W) for pattern, W in zip(patterns, inverses, strict=True))
    right = sum(np.einsum("mtp,mt->p", pattern.X, pattern.y @ W) for pattern, W in zip(patterns, inverses, strict=True))
    coef_cov = np.linalg.inv(information)
    coef = coef_cov @ right
    square = 0.0
    for pattern, W in zip(patterns, inverses, strict=True):
        residual = pattern.y - pattern.X @ coef
        square += float(np.sum((residual @ W) * residual))
    deviance = log_determinants + square + float(np.linalg.slogdet(information)[1]) + n_free * float(np.log(2 * np.pi))
    if not np.isfinite(deviance):
        return None
    return _Point(expansion=expansion, inverses=inverses, coef=coef, coef_cov=(coef_cov + coef_cov.T) / 2, deviance=deviance)


def _derivatives(patterns: list[_Pattern], point: _Point) -> tuple[Floats, Floats, Floats, Floats]:
    """Of -log likelihood: the gradient and the observed and expected information; and the slopes of `coef_cov`."""
    q, p = point.expansion.first.shape[0], point.coef.size
    gradient, trace, square = np.zeros(q), np.zeros((q, q)), np.zeros((q, q))
    bend = np.zeros((q, q))
    A, G = np.zeros((q, p, p)), np.zeros((q, p))
    C = point.coef_cov
    for pattern, W in zip(patterns, point.inverses, strict=True):
        D = _of_visits(point.expansion.first, pattern.visits)
        residual = pattern.y - pattern.X @ point.coef
        u = residual @ W
        Q = u.T @ u
        S = np.einsum("tupr,pr->tu", pattern.products, C)
        WD = W @ D  # shape (q, t, t)
        WDW = WD @ W
        left = pattern.y.shape[0] * W - W @ S @ W - Q
        gradient += np.einsum("ktu,tu->k", D, left) / 2
        trace += pattern.y.shape[0] * _traces(WD, WD) - 2 * _traces(S @ WD, WDW)
        square += _traces(Q @ D, WD)
        t = pattern.visits.size
        A += (WDW.reshape(q, t * t) @ pattern.products.reshape(t * t, p * p)).reshape(q, p, p)
        XU = np.tensordot(pattern.X, u, (0, 0))  # shape (t, p, t)
        G += np.tensordot(WD, XU.transpose(0, 2, 1), 2)
        if point.expansion.second is not None:
            bend += np.einsum("kltu,tu->kl", _of_visits(point.expansion.second, pattern.visits), left) / 2
    CA = C @ A
    trace += np.einsum("kpr,lrp->kl", CA, CA)
    square -= G @ C @ G.T
    observed = bend - trace / 2 + square
    return gradient, (observed + observed.T) / 2, (trace + trace.T) / 4, CA @ C


def _direction(gradient: Floats, observed: Floats, expected: Floats) -> Floats | None:
    """The way down: Newton's where the information is positive definite, scoring's elsewhere."""
    for information in (observed, expected):
        if (np.diag(information) > 0).all() and np.linalg.eigvalsh(_scaled(information))[0] > 1e-12:
            return np.asarray(np.linalg.solve(information, gradient))
    return None


def _scaled(matrix: Floats) -> Floats:
    """The matrix with its diagonal scaled to 1."""
    scale = np.sqrt(np.abs(np.diag(matrix)))
    return np.asarray(matrix / np.outer(scale, scale))


def _traces(one: Floats, other: Floats) -> Floats:
    """Traces of the products of each matrix of one stack with each of another, shape (k, l)."""
    k = one.shape[0]
    return one.reshape(k, -1) @ other.transpose(0, 2, 1).reshape(other.shape[0], -1).T


def _of_visits(matrices: Floats, visits: Ints) -> Floats:
    """The rows and columns of some visits, of one or many matrices."""
    return np.asarray(matrices[..., visits[:, np.newaxis], visits])


def _search(
    patterns: list[_Pattern], point: _Point, covariance: CovarianceName, parameters: Floats, direction: Floats, n_free: int
) -> tuple[_Point | None, Floats]:
    """Halve the step until the likelihood does not fall; None when no step keeps it up."""
    length = 1.0
    for _ in range(40):
        tried = parameters - length * direction
        found = _evaluate(patterns, expand(covariance, tried, point.expansion.sigma.shape[0]), n_free)
        if found is not None and found.deviance <= point.deviance:
            return found, tried
        length /= 2
    return None, parameters
