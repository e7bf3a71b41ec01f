"""How a subject's scores at several visits vary together: covariance structures with their derivatives.

A structure turns a few parameters into the covariance matrix of all visits. Leaves its estimation to
`restricted_likelihood`.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from oligami.stats.arguments import Floats

CovarianceName = Literal["unstructured", "compound symmetry", "ar1"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expansion:
    """A covariance matrix at its parameters, with its first and second derivatives by them."""

    sigma: Floats  # shape (visits, visits)
    first: Floats  # shape (parameters, visits, visits)
    second: Floats | None  # shape (parameters, parameters, visits, visits); None where all are 0


def checked_name(name: str) -> CovarianceName:
    """Return the name of a structure.

    Raises:
        ValueError: there is no such structure.
    """
    known: dict[str, CovarianceName] = {word: word for word in get_args(CovarianceName)}
    if name not in known:
        raise ValueError(f"covariance is {name!r}; it must be one of {', '.join(known)}")
    return known[name]


def expand(name: CovarianceName, parameters: Floats, visits: int) -> Expansion:
    """Turn parameters into a covariance matrix.

    The parameters are: of the unstructured matrix its lower triangle, row by row; of compound symmetry the common
    variance and the common covariance; of the first-order autoregression (equally spaced visits) variance and
    correlation of neighbours.

    >>> expand("ar1", np.array([4.0, 0.5]), 3).sigma
    array([[4., 2., 1.],
           [2., 4., 2.],
           [1., 2., 4.]])
    """
    match name:
        case "unstructured":
            rows, columns = np.tril_indices(visits)
            basis = np.zeros((rows.size, visits, visits))
            each = np.arange(rows.size)
            basis[each, rows, columns] = basis[each, columns, rows] = 1.0
            return Expansion(sigma=np.tensordot(parameters, basis, 1), first=basis, second=None)
        case "compound symmetry":
            basis = np.stack([np.eye(visits), 1 - np.eye(visits)])[: parameters.size]
            return Expansion(sigma=np.tensordot(parameters, basis, 1), first=basis, second=None)
        case "ar1":
            lag = np.abs(np.subtract.outer(np.arange(visits), np.arange(visits))).astype(np.float64)
            if visits == 1:
                return Expansion(sigma=parameters.reshape(1, 1), first=np.ones((1, 1, 1)), second=None)
            variance, rho = parameters
            power = rho**lag
            slope = lag * rho ** np.maximum(lag - 1, 0)
            bend = lag * (lag - 1) * rho ** np.maximum(lag - 2, 0)
            second = np.array([[np.zeros_like(lag), slope], [slope, variance * bend]])
            return Expansion(sigma=variance * power, first=np.stack([power, variance * slope]), second=second)


def start(name: CovarianceName, rough: Floats) -> Floats:
    """Give parameters to begin with, near a rough covariance matrix that need not be one quite.

    Args:
        name: the structure.
        rough: moments of residuals, visit by visit, positive on its diagonal; NaN where two visits were never seen
            in one subject.
    """
    visits = rough.shape[0]
    variances = np.diag(rough)
    scale = np.sqrt(np.outer(variances, variances))
    variance = float(variances.mean())
    apart = ~np.eye(visits, dtype=bool) & np.isfinite(rough)
    match name:
        case "unstructured":
            # Moments of different subjects may clash; drawn towards no correlation they no longer do.
            shrunk = np.diag(variances)
            for keep in (1.0, 0.8, 0.5, 0.25, 0.1):
                trial = np.where(np.eye(visits, dtype=bool), rough, keep * np.nan_to_num(rough))
                if np.linalg.eigvalsh(trial / scale)[0] > 0.02:
                    shrunk = trial
                    break
            return np.asarray(shrunk[np.tril_indices(visits)])
        case "compound symmetry":
            mean = float((rough / scale)[apart].mean()) if apart.any() else 0.0
            return np.array([variance, variance * min(max(mean, -0.5 / max(visits - 1, 1)), 0.95)])[: min(visits, 2)]
        case "ar1":
            near = apart & (np.abs(np.subtract.outer(np.arange(visits), np.arange(visits))) == 1)
            mean = float((rough / scale)[near].mean()) if near.any() else 0.0
            return np.array([variance, min(max(mean, -0.9), 0.9)])[: min(visits, 2)]
