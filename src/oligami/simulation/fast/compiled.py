"""The compiled engine: hands a plan to the kernels as plain arrays. Needs numba, the extra `fast`, and imports it when first used."""

import importlib.util
from typing import Final

import numpy as np

from oligami.simulation.fast._kernels.shapes import (
    AFTER_LAST,
    BALANCED,
    BY_CALENDAR,
    BY_EVENTS,
    CELLS,
    MINIMIZED,
    SIMPLE,
    Arrival,
    Drawn,
    Hazards,
    Looks,
    Own,
    Positions,
    Results,
    Rows,
    Rule,
    Sorting,
)
from oligami.simulation.fast.plan import Look, Minimization, Plan, Test
from oligami.simulation.fast.replicates import Replicates
from oligami.stats.arguments import Floats, Ints

#: Subjects a bucket when times are put in order: fewer cost passes over empty buckets, more cost exchanges of neighbours.
_BUCKETS_A_SUBJECT: Final = 2


def available() -> bool:
    """Return whether numba is installed. It is not imported."""
    return importlib.util.find_spec("numba") is not None


def simulate_compiled(plan: Plan, seed: int, first: int, last: int) -> Replicates:
    """Simulate replicates first to last - 1 of a seed: the numbers of `simulate_batch`, by the kernels.

    Holds no lock while it runs, so that threads share the work. Both engines agree to rounding; each alone gives the same bits
    wherever it runs and however replicates are divided.

    Raises:
        ValueError: the seed or the range of replicates is impossible, or numba is not installed.
    """
    if not 0 <= first < last:
        raise ValueError(f"replicates are {first} to {last}; expected 0 <= first < last")
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"seed is {seed}; it must be 0 or more and below 2^64")
    if not available():
        raise ValueError("numba is not installed; install the extra: pip install 'oligami[fast]'")
    from oligami.simulation.fast._kernels.trial import run_trials

    results = _results(plan, last - first)
    numbers = as_arrival(plan), as_rule(plan), as_hazards(plan), as_looks(plan)
    run_trials(*numbers, *_buffers(plan, numbers[0], numbers[1]), results, np.uint64(seed), first)
    return Replicates(**results._asdict())


# What follows makes plain arrays of a plan. They are copies of their own, which no other thread touches.


def as_arrival(plan: Plan) -> Arrival:
    """Return how subjects come."""
    low, high = plan.delay_months
    rule = plan.allocation if isinstance(plan.allocation, Minimization) else None
    gated = bool((plan.pass_shares < 1).any())
    with np.errstate(divide="ignore"):  # a segment without registrations is never asked
        slopes = np.diff(plan.accrual_times) / np.diff(plan.accrual_shares)
    return Arrival(
        subjects=plan.subjects,
        times=plan.accrual_times.copy(),
        shares=plan.accrual_shares.copy(),
        slopes=slopes,
        delay_low=float(low),
        delay_span=float(high - low),
        latest=float(plan.accrual_times[-1] + high),
        pass_shares=plan.pass_shares.copy(),
        limit=plan.randomized_limit,
        hazard_factor=-1 if plan.hazard_factor is None else plan.hazard_factor,
        factor_edges=_edges(plan.factor_shares),
        factor_levels=np.array([shares.size for shares in plan.factor_shares], dtype=np.int64),
        road=gated
        or low < high
        or (rule is not None and rule.site_weight > 0)
        or plan.crossover_rate > 0
        or plan.untreated_share > 0,
        factors=plan.hazard_factor is not None or (rule is not None and any(weight > 0 for weight in rule.weights)),
        gated=gated,
        ordered=rule is not None or plan.randomized_limit > 0,
    )


def as_rule(plan: Plan) -> Rule:
    """Return how arms are drawn."""
    rule = plan.allocation
    minimized = isinstance(rule, Minimization)
    weights = [*enumerate(rule.weights), (-1, rule.site_weight)] if isinstance(rule, Minimization) else []
    weights = [(factor, weight) for factor, weight in weights if weight > 0]
    sizes = [(plan.site_shares if factor < 0 else plan.factor_shares[factor]).size for factor, _ in weights]
    edges, cells, steps = _site_cells(plan.site_shares)
    return Rule(
        kind=MINIMIZED if minimized else BALANCED if rule == "balanced" else SIMPLE,
        weights=np.array([weight for _, weight in weights], dtype=np.float64),
        pulls=whole_parts(np.array([weight for _, weight in weights], dtype=np.float64)),
        weighted=np.array([factor for factor, _ in weights], dtype=np.int64),
        offsets=np.cumsum([0, *sizes], dtype=np.int64),
        p_best=float(rule.p_best) if isinstance(rule, Minimization) else 0.5,
        initial_simple=rule.initial_simple if isinstance(rule, Minimization) else 0,
        site_edges=edges,
        site_cells=cells,
        site_steps=steps,
    )


def whole_parts(weights: Floats) -> Ints:
    """Return weights as whole parts of 2^40, their sum, each to the nearest."""
    return np.rint(weights * (2.0**40 / max(float(weights.sum()), 1e-300))).astype(np.int64)


def as_hazards(plan: Plan) -> Hazards:
    """Return what happens after randomization."""
    rate = np.stack([plan.control_hazards, plan.control_hazards * plan.hazard_ratios], axis=1)
    rate = rate.reshape(2 * plan.levels, plan.pieces.size)
    steps = np.cumsum(rate[:, :-1] * np.diff(plan.pieces), axis=1)
    with np.errstate(divide="ignore"):  # a hazard of 0 takes for ever
        inverse, lost = 1.0 / rate, 1.0 / plan.drop_out
    return Hazards(
        pieces=plan.pieces.copy(),
        rate=rate,
        inverse=inverse,
        cumulative=np.concatenate([np.zeros((2 * plan.levels, 1)), steps], axis=1),
        lost_0=float(lost[0]),
        lost_1=float(lost[1]),
        crossover_rate=float(plan.crossover_rate),
        crossover_ratio=float(plan.crossover_ratio),
        untreated_share=float(plan.untreated_share),
    )


def as_looks(plan: Plan) -> Looks:
    """Return when the data are cut and what is computed."""
    kinds, values = zip(*(_timing(look) for look in plan.looks), strict=True)
    return Looks(
        kind=np.array(kinds, dtype=np.int64),
        value=np.array(values, dtype=np.float64),
        latest=np.array([look.not_after_months for look in plan.looks], dtype=np.float64),
        row=np.array([plan.tests.index(test) if test in plan.tests else -1 for test in Test], dtype=np.int64),
        levels=plan.levels,
        rho=float(plan.weight_rho),
        gamma=float(plan.weight_gamma),
        rmst_months=float(plan.rmst_months),
        milestone_months=float(plan.milestone_months),
    )


def _timing(look: Look) -> tuple[int, float]:
    if look.events is not None:
        return BY_EVENTS, float(look.events)
    if look.calendar_months is not None:
        return BY_CALENDAR, float(look.calendar_months)
    return AFTER_LAST, float(look.after_last_months or 0.0)


def _edges(shares: tuple[Floats, ...]) -> Floats:
    """Return cumulative shares, one row a factor; the last level ends nowhere."""
    edges = np.full((len(shares), max((s.size for s in shares), default=1)), np.inf)
    for row, share in zip(edges, shares, strict=True):
        row[: share.size - 1] = np.cumsum(share)[:-1]
    return edges


def _site_cells(shares: Floats) -> tuple[Floats, Positions, int]:
    """Return the cumulative shares, the site at the start of each cell of [0, 1), and how many edges a cell has at most."""
    edges = np.append(np.cumsum(shares)[:-1], np.inf)
    at = np.searchsorted(edges, np.arange(CELLS + 1) / CELLS, side="right")
    return edges, at[:-1].astype(np.uint32), int(np.diff(at).max(initial=0))


def _results(plan: Plan, replicates: int) -> Results:
    looks = len(plan.looks)
    return Results(
        z=np.empty((replicates, len(plan.tests), looks)),
        log_hr=np.empty((replicates, looks)),
        rmst_difference=np.empty((replicates, looks)),
        cut=np.empty((replicates, looks)),
        events=np.empty((replicates, looks, 2), dtype=np.int64),
        at_look=np.empty((replicates, looks), dtype=np.int64),
        registered=np.empty(replicates, dtype=np.int64),
        randomized=np.empty((replicates, 2), dtype=np.int64),
        last_randomization=np.empty(replicates),
    )


def _buffers(plan: Plan, arrival: Arrival, rule: Rule) -> tuple[Drawn, Own, Sorting, Rows]:
    """Make the buffers of a worker."""
    length = plan.subjects + 8
    bits = max(4, int(np.ceil(np.log2(_BUCKETS_A_SUBJECT * plan.subjects))))
    blocks = -(-arrival.factor_levels.size // 4) if arrival.factors else 0

    def column() -> Floats:
        return np.zeros(length)

    def positions() -> Positions:
        return np.zeros(length, dtype=np.uint32)

    drawn = Drawn(
        entry=column(),
        event_u=column(),
        lost_u=column(),
        coin=column(),
        gate_u=column(),
        randomization=column(),
        site_u=column(),
        other_u=column(),
        factor_u=np.zeros((4 * blocks, length)),
        level=positions(),
        who=positions(),
    )
    own = Own(
        randomization=column(),
        event_u=column(),
        lost_u=column(),
        coin=column(),
        other_u=column(),
        level=positions(),
        spare_u=column(),
        code=np.zeros((rule.weights.size, length), dtype=np.uint32),
        lead=np.zeros(int(rule.offsets[-1]), dtype=np.int64),
        arm=positions(),
        event=positions(),
        ending=column(),
        calendar=column(),
    )
    sorting = Sorting(
        bits=bits,
        ended=column(),
        keys=np.zeros(length, dtype=np.uint64),
        ordered=np.zeros(length, dtype=np.uint64),
        bucket=positions(),
        counts=np.zeros((1 << bits) + 2, dtype=np.uint32),
        spare=column(),
    )
    rows = Rows(
        at_risk=column(),
        at_risk_1=column(),
        died=column(),
        died_1=column(),
        moment=column(),
        in_stratum=column(),
        in_stratum_1=column(),
        stratum_died=column(),
        stratum_died_1=column(),
        term_0=column(),
        term_1=column(),
        first=column(),
        second=column(),
        stratum=np.zeros(6 * plan.levels, dtype=np.int64),
    )
    return drawn, own, sorting, rows
