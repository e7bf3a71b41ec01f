"""What a plan may be."""

from dataclasses import replace

import numpy as np
import pytest

from fast_designs import W1, W4
from oligami.simulation.fast.plan import Look, Minimization, Test


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subjects": 0}, "subjects is 0; expected 1 to"),
        ({"accrual_times": (1.0, 36.0)}, "accrual_times is .*expected times from 0"),
        ({"accrual_times": (0.0, 0.0)}, "accrual_times is .*ascending"),
        ({"accrual_times": (0.0, 1.0, 2.0)}, "as many as accrual_shares"),
        ({"accrual_shares": (0.0, 0.9)}, "accrual_shares is .*from 0 up to 1"),
        ({"site_shares": (0.5, 0.4)}, "site_shares is .*sum 1"),
        ({"factor_shares": ((0.5, 0.6),)}, "factor_shares is .*each factor's sum 1"),
        ({"hazard_factor": 0}, "hazard_factor is 0; expected the position of a factor"),
        ({"pieces": (1.0,)}, "pieces is .*starts from 0"),
        ({"control_hazards": ((0.1, 0.1),)}, r"control_hazards is .*shape \(1, 1\)"),
        ({"control_hazards": ((-0.1,),)}, "control_hazards is .*0 or more"),
        ({"control_hazards": ((np.inf,),)}, "control_hazards is .*0 or more"),
        ({"hazard_ratios": ((np.nan,),)}, "hazard_ratios is .*0 or more"),
        ({"pass_shares": (1.2,)}, "pass_shares is .*0 to 1"),
        ({"pass_shares": (0.5, 0.5)}, r"pass_shares is .*shape \(1,\)"),
        ({"delay_months": (2.0, 1.0)}, "delay_months is .*0 <= low <= high"),
        ({"randomized_limit": -1}, "randomized_limit is -1; expected 0 or more"),
        ({"drop_out": (0.1,)}, "drop_out is .*two rates"),
        ({"crossover_rate": -1.0}, "crossover_rate is -1.0"),
        ({"crossover_ratio": 0.0}, "crossover_ratio is 0.0; expected above 0"),
        ({"untreated_share": 1.5}, "untreated_share is 1.5; expected 0 to 1"),
        ({"looks": ()}, r"looks is \(\); expected one at least"),
        ({"looks": (Look(events=9), Look(events=8))}, "looks in order of time"),
        ({"looks": (Look(calendar_months=9), Look(after_last_months=6), Look(calendar_months=8))}, "looks in order of time"),
        ({"looks": (Look(after_last_months=9), Look(after_last_months=6))}, "looks in order of time"),
        ({"tests": (Test.COX, Test.COX)}, "tests is .*none twice"),
        ({"efficacy": (2.0, 2.0)}, "efficacy is .*one z a look, 1"),
        ({"futility": (np.nan,)}, "futility is .*one z a look, 1"),
        ({"weight_gamma": -1.0}, "weight_gamma is -1.0"),
        ({"weight_rho": np.inf}, "weight_rho is inf"),
        ({"rmst_months": 0.0}, "rmst_months is 0.0; expected above 0"),
        ({"milestone_months": 0.0}, "milestone_months is 0.0; expected above 0"),
        ({"allocation": "alternating"}, "allocation is 'alternating'; expected balanced, simple or a Minimization"),
        ({"allocation": Minimization(p_best=0.4, weights=())}, "allocation is .*p_best from 0.5 to 1"),
        ({"allocation": Minimization(p_best=0.8, weights=(1.0,))}, "allocation is .*expected 0 weights"),
    ],
)
def test_impossible_plans_are_refused(change, said):
    """A plan that cannot be is refused with what was found and what may be."""
    with pytest.raises(ValueError, match=said):
        replace(W1, **change)


def test_all_faults_come_together():
    """One refusal names every fault."""
    with pytest.raises(ValueError, match=r"plan: drop_out is .*; rmst_months is .*; milestone_months is"):
        replace(W1, drop_out=(-1.0, 0.0), rmst_months=-1.0, milestone_months=-1.0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "exactly one of events, calendar_months, after_last_months; found: none"),
        ({"events": 10, "calendar_months": 3.0}, "found: events, calendar_months"),
        ({"events": 0}, "events is 0"),
        ({"calendar_months": np.inf}, "calendar_months is inf"),
        ({"events": 5, "not_after_months": 0.0}, "not_after_months 0.0"),
    ],
)
def test_impossible_looks_are_refused(given, said):
    """A look is given in one way, by a positive number."""
    with pytest.raises(ValueError, match=said):
        Look(**given)


def test_waiting_for_ever_is_refused():
    """Where some never die nor leave, a look by events needs a last moment."""
    cured = {"control_hazards": ((0.0,),), "drop_out": (0.01, 0.0)}
    with pytest.raises(ValueError, match=r"looks is .*some subjects never die nor leave"):
        replace(W1, **cured)
    replace(W1, **cured, looks=(Look(events=150, not_after_months=100.0),))
    replace(W1, **cured, looks=(Look(calendar_months=100.0),))
    replace(W1, **{**cured, "drop_out": (0.01, 0.01)})


def test_numbers_become_read_only_arrays():
    """Lists and tuples are taken; what a plan holds nobody changes."""
    plan = replace(W1, accrual_times=[0, 36], looks=list(W1.looks))
    assert plan.accrual_times.dtype == np.float64
    assert plan.looks == W1.looks
    with pytest.raises(ValueError, match="read-only"):
        plan.accrual_times[0] = 1.0
    times = np.array([0.0, 36.0])
    replace(W1, accrual_times=times)
    times[1] = 5.0  # the caller's own stays the caller's


def test_levels_are_those_of_the_hazard_factor():
    """Without a hazard factor there is one level."""
    assert (W1.levels, W4.levels) == (1, 4)
