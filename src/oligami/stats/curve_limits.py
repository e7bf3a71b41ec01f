"""Pointwise confidence limits of a probability that changes with time, on the scales in use for survival curves."""

from typing import Literal, get_args

import numpy as np
from scipy.special import ndtri

from oligami.stats.arguments import Floats

# Long curves are taken in blocks, whose interim results stay in the cache.
_BLOCK = 1 << 14

ConfidenceType = Literal["log-log", "log", "plain", "logit", "arcsine"]


def scale(value: str, argument: str = "conf_type") -> None:
    """Refuse the name of a scale that does not exist.

    Raises:
        ValueError: the name is none of `ConfidenceType`.
    """
    if value not in get_args(ConfidenceType):
        raise ValueError(f"{argument} is {value!r}; it must be one of {', '.join(get_args(ConfidenceType))}")


def normal_quantile(conf_level: float) -> float:
    """Return how many standard errors a two-sided normal interval reaches to either side.

    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    return float(ndtri(0.5 + conf_level / 2))


def limits(probability: Floats, relative_error: Floats, conf_level: float, conf_type: ConfidenceType) -> tuple[Floats, Floats]:
    """Return lower and upper limits of probabilities, NaN where the scale has no value.

    Args:
        probability: estimates, any shape.
        relative_error: standard errors of their logarithms, of the same shape.
        conf_level: in (0, 1).
        conf_type: scale on which the interval is symmetric; limits are kept within 0 and 1.

    Source: Kalbfleisch and Prentice (2002), section 1.4; delta method on each scale.

    >>> low, high = limits(np.array([0.5]), np.array([0.2]), 0.95, "log-log")
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.2952], [0.6745])
    """
    z = normal_quantile(conf_level)
    if probability.ndim != 1 or probability.size <= _BLOCK:
        return _limits(probability, relative_error, z, conf_type)
    lower, upper = np.empty((2, probability.size))  # large pages are cheaper to fill for the first time
    for start in range(0, probability.size, _BLOCK):
        some = slice(start, start + _BLOCK)
        if conf_type == "log-log":
            _log_log(probability[some], z * relative_error[some], lower[some], upper[some])
        else:
            lower[some], upper[some] = _limits(probability[some], relative_error[some], z, conf_type)
    return lower, upper


def _log_log(probability: Floats, half: Floats, lower: Floats, upper: Floats) -> None:
    """Fill limits symmetric on the log-log scale; `half` is used up, so that nothing is made but one column."""
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(probability)
        np.copyto(log, np.nan, where=~((probability > 0) & (probability < 1)))
        half /= -log
        stretch = np.exp(half, out=half)  # of log S: exp(-exp(log(-log S) + half)) with one logarithm
        np.exp(np.multiply(log, stretch, out=lower), out=lower)
        np.exp(np.divide(log, stretch, out=upper), out=upper)


def _limits(probability: Floats, relative_error: Floats, z: float, conf_type: ConfidenceType) -> tuple[Floats, Floats]:
    with np.errstate(divide="ignore", invalid="ignore"):
        half = z * relative_error
        match conf_type:
            case "plain":
                return np.maximum(probability - probability * half, 0), np.minimum(probability + probability * half, 1)
            case "log":
                return probability * np.exp(-half), np.minimum(probability * np.exp(half), 1)
            case "log-log":
                lower, upper = np.empty_like(half), np.empty_like(half)
                _log_log(probability, half, lower, upper)
                return lower, upper
            case "logit":
                centre, half = np.log(probability / (1 - probability)), half / (1 - probability)
                return 1 / (1 + np.exp(half - centre)), 1 / (1 + np.exp(-half - centre))
            case "arcsine":
                centre, half = np.arcsin(np.sqrt(probability)), half / 2 * np.sqrt(probability / (1 - probability))
                return np.sin(np.maximum(centre - half, 0)) ** 2, np.sin(np.minimum(centre + half, np.pi / 2)) ** 2
