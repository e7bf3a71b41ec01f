"""The six tests, from rows; `exact` says the same with the functions of `oligami.stats`."""

import numpy as np

from oligami.simulation.fast._kernels.elementary import exp, power, total
from oligami.simulation.fast._kernels.machine import part, signed
from oligami.simulation.fast._kernels.order import owner
from oligami.simulation.fast._kernels.shapes import Rows, Words
from oligami.stats.arguments import Floats

_FARTHEST = 40.0  # of a log hazard ratio: e^40 times the hazard, beyond any trial
_CLOSE = 1e-10  # Newton's step squares the error: what is left of the coefficient lies far below
_STEPS = 200


@part
def logrank_single(at_risk: Floats, at_risk_1: Floats, died_1: Floats, rows: int, first: Floats, second: Floats) -> float:
    """Z of the log-rank test where every row is one event."""
    for i in range(rows):
        share = at_risk_1[i] / at_risk[i]
        first[i] = share - died_1[i]
        second[i] = share * (1.0 - share)
    return _ratio(total(first, rows), total(second, rows))


@part
def logrank(at_risk: Floats, at_risk_1: Floats, died: Floats, died_1: Floats, rows: int, first: Floats, second: Floats) -> float:
    """Z of the log-rank test; within strata if the rows are."""
    for i in range(rows):
        share = at_risk_1[i] / at_risk[i]
        first[i] = died[i] * share - died_1[i]
        second[i] = died[i] * share * (1.0 - share) * ((at_risk[i] - died[i]) / max(at_risk[i] - 1.0, 1.0))
    return _ratio(total(first, rows), total(second, rows))


@part
def weighted(
    rho: float,
    gamma: float,
    at_risk: Floats,
    at_risk_1: Floats,
    died: Floats,
    died_1: Floats,
    rows: int,
    first: Floats,
    second: Floats,
) -> float:
    """Z of Fleming and Harrington's test, weights S(t-)^rho (1 - S(t-))^gamma of the pooled curve."""
    survival = 1.0
    for i in range(rows):
        first[i] = survival
        survival *= 1.0 - died[i] / at_risk[i]
    _weigh(rho, gamma, rows, first)
    for i in range(rows):
        weight, share = first[i], at_risk_1[i] / at_risk[i]
        variance = died[i] * share * (1.0 - share) * ((at_risk[i] - died[i]) / max(at_risk[i] - 1.0, 1.0))
        first[i] = weight * (died[i] * share - died_1[i])
        second[i] = weight * weight * variance
    return _ratio(total(first, rows), total(second, rows))


@part
def _weigh(rho: float, gamma: float, rows: int, survival: Floats) -> None:
    """Turn heights of the curve into weights."""
    if gamma == 0.0 and rho == 0.0:
        survival[:rows] = 1.0
    elif rho == 0.0 and gamma == 1.0:
        for i in range(rows):
            survival[i] = 1.0 - survival[i]
    elif gamma != 0.0 or rho != 1.0:
        for i in range(rows):
            survival[i] = power(survival[i], rho) * power(1.0 - survival[i], gamma)


@part
def _ratio(difference: float, variance: float) -> float:
    return difference / np.sqrt(variance) if variance > 0.0 else 0.0


@part
def cox(term_0: Floats, term_1: Floats, terms: int, deaths_1: float, first: Floats, second: Floats) -> tuple[float, float]:
    """Maximize the partial likelihood of one coefficient.

    term_0, term_1: weights of the arms in each denominator, which is term_0 + term_1 e^b. deaths_1: events in arm 1.

    Newton's steps, kept between the points where the falling score was seen above and below 0.

    Returns:
        The coefficient and its z, positive where it is below 0; NaN and 0 where the likelihood has no finite maximum.
    """
    never_0 = never_1 = 0
    for i in range(terms):
        never_0 += term_0[i] <= 0.0
        never_1 += term_1[i] <= 0.0
    if not never_0 < deaths_1 < terms - never_1:
        return np.nan, 0.0
    low, high = -_FARTHEST, _FARTHEST
    coefficient, information = 0.0, 0.0
    for _ in range(_STEPS):
        ratio = exp(coefficient)
        for i in range(terms):
            hazard = term_1[i] * ratio
            share = hazard / (term_0[i] + hazard)
            first[i] = share
            second[i] = share * (1.0 - share)
        score = deaths_1 - total(first, terms)
        information = total(second, terms)
        if score > 0.0:
            low = coefficient
        else:
            high = coefficient
        after = coefficient + score / information
        if not low <= after <= high:
            after = 0.5 * (low + high)
        step = abs(after - coefficient)
        coefficient = after
        if step <= _CLOSE:
            break
    return coefficient, -coefficient * np.sqrt(information)


@part
def split_arms(rows: Rows, count: int) -> None:
    """Turn the pooled columns of those at risk and those who died into columns of arm 0; those of arm 1 stand already."""
    at_risk, at_risk_1, died, died_1 = rows.at_risk, rows.at_risk_1, rows.died, rows.died_1
    for i in range(count):
        at_risk[i] -= at_risk_1[i]
        died[i] -= died_1[i]


@part
def compare_means(rows: Rows, count: int, end: float) -> tuple[float, float]:
    """Difference of the restricted means, arm 1 less arm 0, and its z."""
    if not end > 0.0:
        return 0.0, 0.0
    mean_0, variance_0 = _restricted_mean(end, rows.moment, rows.at_risk, rows.died, count, rows.first, rows.second)
    mean_1, variance_1 = _restricted_mean(end, rows.moment, rows.at_risk_1, rows.died_1, count, rows.first, rows.second)
    return mean_1 - mean_0, _ratio(mean_1 - mean_0, variance_0 + variance_1)


@part
def _restricted_mean(
    end: float, moment: Floats, at_risk: Floats, died: Floats, count: int, falls: Floats, greenwood: Floats
) -> tuple[float, float]:
    """Area under an arm's Kaplan-Meier curve up to the end of the window, and its Greenwood variance; `falls`, `greenwood` are buffers.

    With a(t) the area before t and A the whole, the variance is the sum of (A - a)^2 g: opened up, so that one pass is enough.
    """
    for i in range(count):
        risk = max(at_risk[i], 1.0)
        left = risk - died[i]
        falls[i] = left / risk
        greenwood[i] = died[i] / (risk * left) if left > 0.0 else 0.0
    survival, area, before = 1.0, 0.0, 0.0
    sum_0, sum_1, sum_2 = 0.0, 0.0, 0.0
    for i in range(count):
        if moment[i] > end:
            break
        area += survival * (moment[i] - before)
        before = moment[i]
        weighted_area = greenwood[i] * area
        sum_0 += greenwood[i]
        sum_1 += weighted_area
        sum_2 += weighted_area * area
        survival *= falls[i]
    area += survival * (end - before)
    return area, max(area * area * sum_0 - 2.0 * area * sum_1 + sum_2, 0.0)


@part
def compare_survival(rows: Rows, count: int, months: float) -> float:
    """Z of the difference of the curves at a time; 0 where a curve has come down to 0."""
    height_0, variance_0 = _survival(months, rows.moment, rows.at_risk, rows.died, count)
    height_1, variance_1 = _survival(months, rows.moment, rows.at_risk_1, rows.died_1, count)
    return _ratio(height_1 - height_0, variance_0 + variance_1)


@part
def _survival(months: float, moment: Floats, at_risk: Floats, died: Floats, count: int) -> tuple[float, float]:
    """Height of an arm's Kaplan-Meier curve at a time, and its Greenwood variance; NaN where the curve is 0."""
    survival, greenwood = 1.0, 0.0
    for i in range(count):
        if moment[i] > months:
            break
        left = at_risk[i] - died[i]
        if died[i] > 0.0:
            survival *= left / at_risk[i]
            greenwood += died[i] / (at_risk[i] * left) if left > 0.0 else np.nan
    return survival, survival * survival * greenwood


@part
def window(months: float, keys: Words, seen: int, ended: Floats) -> float:
    """End of the restricted mean: the months wanted, or the earlier of the two arms' last observed times."""
    for wanted in range(2):
        i = seen - 1
        while signed((keys[i] >> np.uint64(1)) & np.uint64(1)) != wanted:
            i -= 1
        months = min(months, ended[owner(keys[i])])
    return months
