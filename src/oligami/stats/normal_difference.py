"""A difference of two estimates with its normal interval and test."""

from dataclasses import dataclass, fields
from typing import Any

from scipy.special import ndtr

from oligami.stats import arguments, curve_limits, show


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How far b lies above a in one number, with a normal interval and test of no difference."""

    value: float
    std_err: float
    lower: float
    upper: float
    p_two_sided: float

    def summary(self) -> str:
        """Return the difference with its limits and p as a line of text.

        >>> normal_difference(2.0, 1.0, 0.95).summary()
        'difference 2 (0.04004 to 3.96), std_err 1, p two-sided 0.0455'
        """
        shown = [show.number(v) for v in (self.value, self.lower, self.upper, self.std_err, self.p_two_sided)]
        return "difference {} ({} to {}), std_err {}, p two-sided {}".format(*shown)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row."""
        return show.frame({field.name: [getattr(self, field.name)] for field in fields(self)})


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
