"""How accrual may go on: the Poisson-gamma model of sites, fitted to what each site brought in so far.

Sites register as Poisson processes whose rates are drawn from one gamma distribution. After `n` subjects in `t` days a site's
rate is gamma distributed again, with shape `alpha + n` and rate `beta + t`. The rate of all open sites together is taken as
gamma with the mean and variance of their sum, so the subjects of the next `h` days are negative binomial.

Source: Anisimov and Fedorov (2007), Statistics in Medicine 26, 4958-4975: the model and its prediction; alpha and beta are
found here by moments rather than by maximum likelihood, which needs no iteration. That the mean rate itself is estimated is
added to the variance to first order (ours; without it the band of many alike sites would be too narrow).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import betainc

#: The probability that the band holds at a single day.
COVERAGE = 0.9
#: Bounds of the shape of the distribution of rates: below, one site would decide everything; above, all sites are alike.
_SHAPES = (0.2, 200.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSoFar:
    """What a site brought in: subjects, in how many days; `is_open`: it goes on."""

    subjects: int
    days: float
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Subjects to come within some days: the limits of the band, and the median."""

    low: int
    median: int
    high: int


def predict(sites: Sequence[SiteSoFar], ahead_days: Sequence[float]) -> tuple[Band, ...]:
    """Return the band of the subjects to come for each horizon; empty where nothing can be said.

    Args:
        sites: all that were ever open.
        ahead_days: horizons from now, in days, > 0.

    Returns:
        A band for each horizon; none while there is no subject, no day gone by, or no open site.
    """
    subjects, days = sum(site.subjects for site in sites), sum(site.days for site in sites)
    if subjects == 0 or days <= 0 or not any(site.is_open for site in sites):
        return ()
    mean = subjects / days
    alpha = _shape(sites, mean)
    beta = alpha / mean
    open_sites = [(alpha + site.subjects, beta + site.days) for site in sites if site.is_open]
    rate = sum(shape / scale for shape, scale in open_sites)
    variance = sum(shape / scale**2 for shape, scale in open_sites) + _of_the_mean(sites, mean, alpha)
    shape, scale = rate**2 / variance, rate / variance
    tail = (1 - COVERAGE) / 2
    return tuple(
        Band(
            low=_quantile(tail, shape, scale, h),
            median=_quantile(0.5, shape, scale, h),
            high=_quantile(1 - tail, shape, scale, h),
        )
        for h in ahead_days
    )


def _shape(sites: Sequence[SiteSoFar], mean: float) -> float:
    """Return alpha by moments: Var(n) = m t + (m t)^2 / alpha, summed over the sites."""
    lowest, highest = _SHAPES
    spread = sum((site.subjects - mean * site.days) ** 2 for site in sites)
    beyond = spread - mean * sum(site.days for site in sites)
    if beyond <= 0:  # no more spread than chance makes
        return highest
    return min(max(sum((mean * site.days) ** 2 for site in sites) / beyond, lowest), highest)


def _of_the_mean(sites: Sequence[SiteSoFar], mean: float, alpha: float) -> float:
    """Return what the uncertain mean adds to the variance of the rate of the open sites, by the delta method.

    A site's posterior rate (alpha + n) / (alpha / m + t) changes with m by alpha / (alpha + m t) where n = m t.
    """
    days = sum(site.days for site in sites)
    of_mean = (mean * days + sum((mean * site.days) ** 2 for site in sites) / alpha) / days**2
    return float(sum(alpha / (alpha + mean * site.days) for site in sites if site.is_open) ** 2 * of_mean)


def _quantile(p: float, shape: float, scale: float, days: float) -> int:
    """Return the least k with P(N <= k) >= p for N negative binomial: a Poisson count of a gamma rate over `days`."""
    success = scale / (scale + days)
    low, high = -1, 1
    while betainc(shape, high + 1, success) < p:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if betainc(shape, middle + 1, success) >= p else (middle, high)
    return 0 if low == -1 and high == 1 and betainc(shape, 1, success) >= p else high
