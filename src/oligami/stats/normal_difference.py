"""A difference of two estimates with its normal interval and test."""

from dataclasses import dataclass

from scipy.special import ndtr

from oligami.stats import arguments, curve_limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How far b lies above a in one number, with a normal interval and test of no difference."""

    value: float
    std_err: float
    lower: float
    upper: float
    p_two_sided: float


def normal_difference(value: float, std_err: float, conf_level: float) -> Difference:
    """Return a difference with its normal interval and two-sided p; p is NaN without an error.

    Raises:
        ValueError: `conf_level` lies outside (0, 1).

    >>> normal_difference(2.0, 1.0, 0.95).p_two_sided
    0.04550026389635839
    """
    half = curve_limits.normal_quantile(arguments.level(conf_level)) * std_err
    return Difference(
        value=value,
        std_err=std_err,
        lower=value - half,
        upper=value + half,
        p_two_sided=float(2 * ndtr(-abs(value) / std_err)) if std_err > 0 else float("nan"),
    )
