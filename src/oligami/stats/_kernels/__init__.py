"""Compiled twins of the plain numpy functions, for columns of many rows. The one place of `stats` that needs numba.

Each gives what its plain twin gives: the same counts, and sums that differ at most by the rounding of their order.
`oligami.stats.fast` says when they are used.
"""

from oligami.stats._kernels.counting import (
    counts_at_moments,
    greenwood_errors,
    greenwood_sums,
    group_sizes,
    group_sums,
    product_limit,
    risk_counts,
)
from oligami.stats._kernels.layout import laid_out
from oligami.stats._kernels.ordering import time_order
from oligami.stats._kernels.proportional import stratum_derivatives

__all__ = [
    "counts_at_moments",
    "greenwood_errors",
    "greenwood_sums",
    "group_sizes",
    "group_sums",
    "laid_out",
    "product_limit",
    "risk_counts",
    "stratum_derivatives",
    "time_order",
]
