"""MaxCombo: several weighted log-rank tests at once, judged by the best of them at its joint distribution.

Leaves the single test to `comparison`, the weights to `weights` and the distribution to `multivariate_normal`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats, Ints, Label
from oligami.stats.comparison import compared, group_risk
from oligami.stats.multivariate_normal import LARGEST, rectangle_probability
from oligami.stats.weights import Weight, chosen, label_of, weights_at

FOUR_WEIGHTS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaxComboResult:
    """A MaxCombo test; arrays in the order of `weights`.

    A negative z favours the second group. A weight under which no event tells the groups apart has z NaN and is left
    out of the maximum; when every weight is such, `z_min`, `z_max_abs` and both p are NaN and `best` is None.
    """

    groups: tuple[Label, Label]
    n: Ints  # by group
    events: Ints  # by group
    weights: tuple[str, ...]
    U: Floats
    covariance: Floats  # of U, shape (weights, weights)
    z: Floats
    correlation: Floats  # of z
    best: str | None  # the weight whose z is the lowest
    z_min: float
    p_one_sided: float  # probability of a lowest z as low or lower
    z_max_abs: float
    p_two_sided: float  # probability of a largest |z| as large or larger
    p_error: float  # how far the integration may have put either p off

    def summary(self) -> str:
        """Show the tests and their combination as lines of text."""
        rows = [
            [name, float(u), float(v), float(z)]
            for name, u, v, z in zip(self.weights, self.U, np.diag(self.covariance), self.z, strict=True)
        ]
        notes = [
            f"lowest z {show.number(self.z_min)} (negative favours {self.groups[1]}), p one-sided {show.number(self.p_one_sided)}",
            f"largest |z| {show.number(self.z_max_abs)}, p two-sided {show.number(self.p_two_sided)}",
        ]
        return show.table("MaxCombo test", ["weight", "U", "V", "z"], rows, notes)

    def to_frame(self) -> Any:
        """Return a data frame with one row a weight."""
        return show.frame({"weight": self.weights, "U": self.U, "V": np.diag(self.covariance), "z": self.z})


def maxcombo(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    weights: Sequence[Weight | Sequence[float]] = FOUR_WEIGHTS,
    groups: Sequence[Label] | None = None,
    entry: ArrayLike | None = None,
) -> MaxComboResult:
    """Compare two groups by the best of several weighted log-rank tests, corrected for having chosen it.

    Args:
        time: end of observation, shape (n,), >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        group: label of each subject's group, shape (n,).
        strata: labels of the strata, shape (n,), or several columns whose combinations are the strata, shape (n, k).
        weights: one to five different ones, each as in `logrank`; pairs are (rho, gamma).
        groups: the two groups, control before experimental; by default sorted.
        entry: late entries, shape (n,), as in `logrank`.

    Raises:
        ValueError: as `logrank`; there are not two groups; weights are none, too many, unknown or repeated.

    Source: Lin et al. (2020), Statistics in Biopharmaceutical Research 12, 187-198; Karrison (2016), Stata Journal 16,
    678-690. The covariance of two tests is the sum over moments of the product of their weights and the
    hypergeometric variance; p is integrated without chance, see `multivariate_normal`.

    >>> test = maxcombo([6, 7, 10, 15, 19, 25, 3, 8], [1, 0, 1, 1, 0, 1, 1, 1], list("ABAABBAB"))
    >>> print(test.summary())
    MaxCombo test
    weight         U        V       z
    G(0, 0)   -1.838    1.207  -1.673
    G(0, 1)  -0.5381    0.126  -1.516
    G(1, 0)     -1.3   0.7075  -1.546
    G(1, 1)  -0.2725  0.03938  -1.373
    lowest z -1.673 (negative favours B), p one-sided 0.08496
    largest |z| 1.673, p two-sided 0.1699
    """
    data = compared(time, event, group, strata=strata, groups=groups, entry=entry)
    if len(data.groups) != 2:
        raise ValueError(f"groups are {data.groups!r}; they must be two")
    wanted = tuple(chosen(weight, f"weights[{j}]") for j, weight in enumerate(weights))
    if not 1 <= len(wanted) <= LARGEST or len(set(wanted)) != len(wanted):
        raise ValueError(
            f"weights are {', '.join(label_of(w) for w in wanted) or 'none'}; they must be 1 to {LARGEST} different ones"
        )

    U, covariance = np.zeros(len(wanted)), np.zeros((len(wanted), len(wanted)))
    for end, had_event, codes, start in data.by_stratum():
        table = group_risk(end, had_event, codes, 2, start)
        deaths, total = table.deaths.sum(axis=0), table.at_risk.sum(axis=0)
        share = table.at_risk[1] / total
        each = np.stack([weights_at(weight, table.moments, deaths, total) for weight in wanted])
        U += each @ (table.deaths[1] - deaths * share)
        spread = deaths * (total - deaths) / np.maximum(total - 1, 1) * share * (1 - share)
        covariance += (each * spread) @ each.T

    std_err = np.sqrt(np.diag(covariance))
    informative = std_err > 0
    scale = np.where(informative, std_err, np.nan)
    z = U / scale
    correlation = covariance / np.outer(scale, scale)
    np.fill_diagonal(correlation, np.where(informative, 1.0, np.nan))

    counts = data.counts
    best: str | None = None
    z_min = z_max_abs = p_one_sided = p_two_sided = error = float("nan")
    if informative.any():
        best = label_of(wanted[int(np.nanargmin(z))])
        z_min, z_max_abs = float(np.nanmin(z)), float(np.nanmax(np.abs(z)))
        joint, ones = correlation[np.ix_(informative, informative)], np.ones(int(informative.sum()))
        above = rectangle_probability(z_min * ones, np.inf * ones, joint)
        between = rectangle_probability(-z_max_abs * ones, z_max_abs * ones, joint)
        p_one_sided, p_two_sided = 1 - above.value, 1 - between.value
        error = max(above.error, between.error)
    return MaxComboResult(
        groups=(data.groups[0], data.groups[1]),
        n=arguments.frozen(counts.sum(axis=1)),
        events=arguments.frozen(counts[:, 1]),
        weights=tuple(label_of(weight) for weight in wanted),
        U=arguments.frozen(U),
        covariance=arguments.frozen(covariance),
        z=arguments.frozen(z),
        correlation=arguments.frozen(correlation),
        best=best,
        z_min=z_min,
        p_one_sided=p_one_sided,
        z_max_abs=z_max_abs,
        p_two_sided=p_two_sided,
        p_error=error,
    )
