"""What simulated trials say is true: the level of the trial's own design, and power against closed form and published figures.

Seeds are fixed, so these tests always say the same; their tolerance is three Monte Carlo standard errors plus what is said there.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fast_designs import W1, W2, W4
from oligami.protocol.load import load_protocol
from oligami.simulation.fast.operating import characteristics
from oligami.simulation.fast.plan import Look, Plan, Test
from oligami.simulation.fast.planning import plan_of
from oligami.simulation.fast.scale import simulate_many
from oligami.simulation.fast.scenario import find_operating_scenarios, load_operating_scenario
from oligami.stats.sizing import assume, exponential, logrank_power, scaled, uniform

FOLDER = Path(__file__).parents[2] / "protocols" / "jcog2110" / "1.0"
SEED = 20261122


def test_the_design_keeps_its_level():
    """Of 200 000 trials without effect the primary test of the trial's own design rejects five per cent."""
    scenario = load_operating_scenario(find_operating_scenarios(FOLDER)["null"])
    plan = replace(plan_of(load_protocol(FOLDER), scenario), tests=(Test.STRATIFIED,))
    share = characteristics(simulate_many(plan, 200_000, seed=SEED, engine="numba"), plan).power[Test.STRATIFIED]
    assert share.value == pytest.approx(0.05, abs=3 * share.std_err)


# Simulated by others with as many or more trials: the reference figures of the performance notes, 4 000 000 replicates.
@pytest.mark.parametrize(
    ("plan", "test", "expected"),
    [
        (W1, Test.LOGRANK, 0.7474),
        (W2, Test.LOGRANK, 0.7386),
        (W4, Test.LOGRANK, 0.8049),
        (W4, Test.STRATIFIED, 0.8085),
        (W4, Test.WEIGHTED, 0.8496),
        (W4, Test.RMST, 0.5493),
    ],
    ids=["W1", "W2", "W4 log-rank", "W4 stratified", "W4 weighted", "W4 restricted mean"],
)
def test_power_meets_the_figures_of_others(plan, test, expected):
    """Power of common designs is that which other programs give, within three Monte Carlo errors of 100 000 trials."""
    share = characteristics(simulate_many(plan, 100_000, seed=SEED, engine="numba"), plan).power[test]
    assert share.value == pytest.approx(expected, abs=3 * share.std_err)


@pytest.mark.parametrize("delay", [0.0, 12.0])
def test_power_meets_the_closed_form(delay):
    """At a calendar look the log-rank's power is that of Lakatos's integral, with proportional hazards and a delayed effect.

    The integral is a limit of large trials: with 1 000 subjects half a point is allowed beside the Monte Carlo error.
    """
    rate, ratio, subjects = 0.02, 0.78, 1_000
    plan = Plan(
        subjects=subjects,
        accrual_times=[0, 36],
        accrual_shares=[0, 1],
        pieces=[0, 12] if delay else [0],
        control_hazards=[[rate, rate] if delay else [rate]],
        hazard_ratios=[[1.0, ratio] if delay else [ratio]],
        drop_out=[0.002, 0.002],
        looks=(Look(calendar_months=72.0),),
        tests=(Test.LOGRANK,),
        efficacy=[1.959963984540054],
        futility=[-np.inf],
    )
    effect = scaled(exponential(rate), (1.0, ratio), starts=(0.0, delay)) if delay else exponential(rate * ratio)
    assumed = assume(
        control=exponential(rate),
        experimental=effect,
        accrual=uniform(36.0, subjects=subjects),
        followup=36.0,
        dropout=0.002,
    )
    share = characteristics(simulate_many(plan, 40_000, seed=SEED, engine="numba"), plan).power[Test.LOGRANK]
    assert share.value == pytest.approx(logrank_power(assumed, alpha=0.025), abs=3 * share.std_err + 0.005)
