"""Plans to simulate: common benchmark designs, with the numbers that published comparisons use, and plans of any kind for laws."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from oligami.simulation.fast.plan import Look, Minimization, Plan, Test

_LOG_2 = float(np.log(2.0))
OBRIEN_FLEMING = (2.963, 2.353, 2.015)  # one-sided 0.025, looks at 75, 113 and 150 events, published to 3 decimals
ONE_SIDED = 1.959963984540054  # the normal quantile of 0.975

_EXPONENTIAL = {
    "subjects": 270,
    "accrual_times": (0.0, 36.0),
    "accrual_shares": (0.0, 1.0),
    "pieces": (0.0,),
    "control_hazards": ((_LOG_2 / 40,),),
    "hazard_ratios": ((0.65,),),
    "drop_out": (0.002, 0.002),
    "tests": (Test.LOGRANK,),
}
_THREE_LOOKS = {
    "looks": tuple(Look(events=k) for k in (75, 113, 150)),
    "efficacy": OBRIEN_FLEMING,
    "futility": (-np.inf,) * 3,
}

#: One look at 150 deaths.
W1 = Plan(**_EXPONENTIAL, looks=(Look(events=150),), efficacy=(ONE_SIDED,), futility=(-np.inf,))
#: Three looks, O'Brien and Fleming.
W2 = Plan(**_EXPONENTIAL, **_THREE_LOOKS)
#: Two strata, no effect for six months, then a hazard ratio of 0.55.
W3 = Plan(
    **{
        **_EXPONENTIAL,
        **_THREE_LOOKS,
        "pieces": (0.0, 6.0),
        "factor_shares": ((0.6, 0.4),),
        "hazard_factor": 0,
        "pass_shares": (1.0, 1.0),
        "control_hazards": ((_LOG_2 / 40,) * 2, (1.6 * _LOG_2 / 40,) * 2),
        "hazard_ratios": ((1.0, 0.55),) * 2,
        "tests": (Test.STRATIFIED,),
    }
)
_FROM_1_OVER_K = 1 / np.arange(1, 51)
#: A whole trial: a gate, minimization over 50 sites and three factors, delayed effect by level, five tests at three looks.
W4 = Plan(
    subjects=340,
    accrual_times=(0.0, 36.0),
    accrual_shares=(0.0, 1.0),
    site_shares=_FROM_1_OVER_K / _FROM_1_OVER_K.sum(),
    factor_shares=((0.5, 0.2, 0.2, 0.1), (0.5, 0.5), (0.5, 0.5)),
    hazard_factor=0,
    pass_shares=(270 / 340,) * 4,
    delay_months=(2.76, 2.76),
    pieces=(0.0, 6.0),
    control_hazards=tuple((_LOG_2 / median,) * 2 for median in (40, 50, 25, 30)),
    hazard_ratios=((1.0, 0.55),) * 4,
    drop_out=(0.002, 0.002),
    allocation=Minimization(p_best=0.8, weights=(1.0, 1.0, 1.0), site_weight=1.0),
    tests=(Test.LOGRANK, Test.STRATIFIED, Test.WEIGHTED, Test.COX, Test.RMST),
    rmst_months=48.0,
    **_THREE_LOOKS,
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Small plans with any of the features a plan can have, impossible events and empty arms included."""

    def numbers(low: float, high: float, size: int) -> list[float]:
        return draw(st.lists(st.floats(low, high), min_size=size, max_size=size))

    def shares(size: int) -> Any:
        parts = np.array(draw(st.lists(st.integers(0, 4), min_size=size, max_size=size).filter(any)))
        return parts / parts.sum()

    factors = tuple(shares(draw(st.integers(1, 3))) for _ in range(draw(st.integers(0, 5))))
    hazard_factor = draw(st.sampled_from([None, *range(len(factors))]))
    levels = 1 if hazard_factor is None else factors[hazard_factor].size
    pieces = draw(st.sampled_from([(0.0,), (0.0, 3.0), (0.0, 2.0, 9.0)]))
    steps = [st.sampled_from([0.1, 0.02, 0.0]) for _ in pieces[:-1]] + [st.sampled_from([0.1, 0.4, 0.01])]
    looks = tuple(sorted(draw(st.lists(_looks(), min_size=1, max_size=3)), key=_in_turn))
    # No bound that a z of few subjects could meet exactly, for rounding would decide.
    bounds = st.lists(st.sampled_from([-np.inf, -0.937, 0.413, 1.271, np.inf]), min_size=len(looks), max_size=len(looks))
    minimization = st.builds(
        Minimization,
        p_best=st.sampled_from([0.5, 0.8, 1.0]),
        weights=st.tuples(*[st.sampled_from([0.0, 0.3, 1.0, 2.5]) for _ in factors]),
        site_weight=st.sampled_from([0.0, 0.7, 1.0]),
        initial_simple=st.sampled_from([0, 4]),
    )
    low = draw(st.sampled_from([0.0, 2.0]))
    return Plan(
        subjects=draw(st.one_of(st.integers(20, 40), st.integers(1, 6))),
        accrual_times=(0.0, 4.0, 5.0, 12.0),
        accrual_shares=draw(st.sampled_from([(0.0, 0.2, 0.6, 1.0), (0.0, 0.5, 0.5, 1.0), (0.0, 0.0, 0.0, 1.0)])),
        site_shares=shares(draw(st.sampled_from([1, 3, 12]))),
        factor_shares=factors,
        hazard_factor=hazard_factor,
        pass_shares=draw(st.lists(st.sampled_from([1.0, 0.9, 0.4, 0.0]), min_size=levels, max_size=levels)),
        delay_months=(low, low + draw(st.sampled_from([0.0, 3.0]))),
        randomized_limit=draw(st.sampled_from([0, 15, 100, 1])),
        pieces=pieces,
        control_hazards=[[draw(step) for step in steps] for _ in range(levels)],
        hazard_ratios=[numbers(0.05, 3.0, len(pieces)) for _ in range(levels)],
        drop_out=draw(st.sampled_from([(0.0, 0.0), (0.01, 0.01), (0.0, 0.2)])),
        crossover_rate=draw(st.sampled_from([0.0, 0.1])),
        crossover_ratio=0.5,
        untreated_share=draw(st.sampled_from([0.0, 0.3])),
        allocation=draw(st.one_of(st.sampled_from(["balanced", "simple"]), minimization)),
        looks=looks,
        tests=tuple(draw(st.permutations(list(Test)))),
        weight_rho=draw(st.sampled_from([0.0, 0.5, 1.0])),
        weight_gamma=draw(st.sampled_from([0.0, 1.0, 2.0])),
        rmst_months=draw(st.sampled_from([5.0, 60.0])),
        milestone_months=draw(st.sampled_from([5.0, 60.0])),
        efficacy=draw(bounds),
        futility=draw(bounds),
    )


def _in_turn(look: Look) -> tuple[float, float, float]:
    """Looks of one kind ascend; those of different kinds come in any order of time."""
    return look.calendar_months or 0.0, look.events or 0.0, look.after_last_months or 0.0


def _looks() -> st.SearchStrategy[Look]:
    return st.one_of(
        st.builds(
            Look, events=st.one_of(st.integers(8, 20), st.integers(1, 40)), not_after_months=st.sampled_from([np.inf, 20.0, 6.0])
        ),
        st.builds(Look, calendar_months=st.sampled_from([15.0, 100.0, 3.0, 0.01])),
        st.builds(Look, after_last_months=st.sampled_from([12.0, 0.5])),
    )
