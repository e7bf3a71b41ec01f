"""The tests of one look of one trial by the functions of `oligami.stats`, whatever is tied.

This is what the batch and the kernels must agree with, and what the batch asks when times are tied.
"""

import numpy as np

from oligami.simulation.fast.plan import Plan, Test
from oligami.stats.arguments import Floats, Ints
from oligami.stats.comparison import logrank
from oligami.stats.regression import cox
from oligami.stats.survival import SurvivalCurve, kaplan_meier


def exact_tests(plan: Plan, time: Floats, event: Ints, arm: Ints, level: Ints) -> tuple[Floats, float, float]:
    """Compute the plan's tests from the data of one look.

    Args:
        plan: its tests, weights, window and milestone.
        time: months under observation, shape (n,).
        event: 1 if it ended in death, otherwise 0.
        arm: 0 or 1.
        level: of the hazard factor.

    Returns:
        z of each test, positive in favour of arm 1 and 0 where it is not defined; the Cox coefficient and the difference of
        restricted means, NaN where they are not.
    """
    z, log_hr, difference = np.zeros(len(plan.tests)), float("nan"), float("nan")
    if not (arm == 0).any() or not (arm == 1).any():
        return z, log_hr, difference
    curves = [kaplan_meier(time[arm == a], event[arm == a]) for a in (0, 1)]
    for number, test in enumerate(plan.tests):
        match test:
            case Test.LOGRANK:
                z[number] = -logrank(time, event, arm).z
            case Test.STRATIFIED:
                z[number] = -logrank(time, event, arm, strata=level).z
            case Test.WEIGHTED:
                z[number] = _weighted(plan, time, event, arm)
            case Test.COX:
                fit = cox(time, event, arm, strata=level)
                if fit.problem is None:
                    log_hr = float(fit.coef[0])
                    z[number] = -float(fit.z[0])
            case Test.RMST:
                window = min(plan.rmst_months, *(float(curve.time[-1]) for curve in curves))
                if window > 0:
                    means = [curve.restricted_mean(window) for curve in curves]
                    difference = means[1].value - means[0].value
                    z[number] = _ratio(difference, float(np.hypot(means[0].std_err, means[1].std_err)))
                else:
                    difference = 0.0
            case Test.MILESTONE:
                z[number] = _milestone(curves, plan.milestone_months)
    return np.where(np.isnan(z), 0.0, z), log_hr, difference


def _weighted(plan: Plan, time: Floats, event: Ints, arm: Ints) -> float:
    """Fleming and Harrington's test: sums over event times of weighted expected less observed events of arm 1.

    Source: Fleming and Harrington (1991), Counting Processes and Survival Analysis, section 7.5.
    """
    difference = variance = 0.0
    survival = 1.0
    for moment in np.unique(time[event == 1]):
        at_risk, now = time >= moment, (time == moment) & (event == 1)
        total, share, deaths = int(at_risk.sum()), float(arm[at_risk].mean()), int(now.sum())
        weight = survival**plan.weight_rho * (1 - survival) ** plan.weight_gamma
        difference += weight * (deaths * share - arm[now].sum())
        variance += weight**2 * deaths * share * (1 - share) * (total - deaths) / max(total - 1, 1)
        survival *= 1 - deaths / total
    return _ratio(difference, variance**0.5)


def _milestone(curves: list[SurvivalCurve], months: float) -> float:
    points = [curve.at([months]) for curve in curves]
    return _ratio(float(points[1].surv[0] - points[0].surv[0]), float(np.hypot(points[0].std_err[0], points[1].std_err[0])))


def _ratio(difference: float, error: float) -> float:
    """Return difference over error; 0 where there is no error."""
    return difference / error if error > 0 else 0.0
