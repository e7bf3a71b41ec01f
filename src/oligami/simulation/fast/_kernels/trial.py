"""Whole trials, one after the other, each from its own address of chance to the tests of its looks."""

import numpy as np

from oligami.simulation.fast._kernels.allocation import draw_simple, minimize
from oligami.simulation.fast._kernels.chance import fill_uniforms
from oligami.simulation.fast._kernels.course import (
    add_delay,
    choose_level,
    choose_site,
    count_randomized,
    enter,
    follow,
    pass_gate,
    shift_levels,
)
from oligami.simulation.fast._kernels.elementary import copy, count_up_to, gather, gather_levels, largest_finite, subtract
from oligami.simulation.fast._kernels.looks import key_look, time_looks
from oligami.simulation.fast._kernels.machine import inlined, kernel
from oligami.simulation.fast._kernels.order import key_times, owner, settle, sort_keys
from oligami.simulation.fast._kernels.rows import count_strata, fill_moments, fill_pooled, fill_strata, fill_tied
from oligami.simulation.fast._kernels.shapes import (
    BALANCED,
    MINIMIZED,
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
    Words,
)
from oligami.simulation.fast._kernels.tests import (
    compare_means,
    compare_survival,
    cox,
    logrank,
    logrank_single,
    split_arms,
    weighted,
    window,
)
from oligami.simulation.fast.plan import Test
from oligami.simulation.fast.streams import Purpose
from oligami.stats.arguments import Floats

_COURSE, _ROAD, _FACTORS = np.uint64(Purpose.COURSE), np.uint64(Purpose.ROAD), np.uint64(Purpose.FACTORS)
_BALANCED, _MINIMIZED = BALANCED, MINIMIZED
_LOGRANK, _STRATIFIED, _WEIGHTED = int(Test.LOGRANK), int(Test.STRATIFIED), int(Test.WEIGHTED)
_COX, _RMST, _MILESTONE = int(Test.COX), int(Test.RMST), int(Test.MILESTONE)


@kernel
def run_trials(
    arrival: Arrival, rule: Rule, hazards: Hazards, looks: Looks, drawn: Drawn, own: Own, sorting: Sorting, rows: Rows,
    results: Results, seed: np.uint64, first: int,
) -> None:  # fmt: skip
    """Fill the results with the trials from the first on."""
    for trial in range(results.registered.size):
        replicate = np.uint64(first + trial)
        draw_subjects(arrival, drawn, seed, replicate)
        if arrival.gated or arrival.ordered:
            m, registered = _randomize(arrival, drawn, own, sorting)
            _allocate(arrival, rule, drawn, own, m)
            time, level = own.randomization, own.level
            follow(
                hazards, m, time, level, own.arm, own.event_u, own.lost_u, own.other_u, own.spare_u, own.event, own.ending,
                own.calendar,
            )  # fmt: skip
        else:
            m = registered = arrival.subjects
            time, level = drawn.randomization, drawn.level
            draw_simple(rule.kind, drawn.coin, m, own.arm)
            follow(
                hazards, m, time, level, own.arm, drawn.event_u, drawn.lost_u, drawn.other_u, own.spare_u, own.event, own.ending,
                own.calendar,
            )  # fmt: skip
        results.registered[trial] = registered
        count_randomized(own.arm, time, m, trial, results.randomized, results.last_randomization)
        time_looks(looks, own.calendar, own.event, m, sorting, results.last_randomization[trial], results.cut[trial])
        for look in range(looks.kind.size):
            _test(looks, sorting, rows, results, trial, look, m, time, own.ending, own.calendar, own.event, own.arm, level)


@inlined
def draw_subjects(arrival: Arrival, drawn: Drawn, seed: np.uint64, replicate: np.uint64) -> None:
    """Draw all who register: entry, randomization, level, and the uniforms for what comes later."""
    n = arrival.subjects
    fill_uniforms(seed, _COURSE, replicate, n, drawn.entry, drawn.event_u, drawn.lost_u, drawn.coin)
    enter(arrival, n, drawn.entry, drawn.entry)
    if arrival.road:
        fill_uniforms(seed, _ROAD, replicate, n, drawn.gate_u, drawn.randomization, drawn.site_u, drawn.other_u)
    if arrival.factors:
        u = drawn.factor_u
        for block in range(0, u.shape[0], 4):
            purpose = _FACTORS + np.uint64(block >> 2)
            fill_uniforms(seed, purpose, replicate, n, u[block], u[block + 1], u[block + 2], u[block + 3])
    add_delay(n, arrival.delay_low, arrival.delay_span, drawn.entry, drawn.randomization)
    if arrival.hazard_factor >= 0:
        factor = arrival.hazard_factor
        choose_level(arrival.factor_edges[factor], arrival.factor_levels[factor], drawn.factor_u[factor], n, drawn.level)


@inlined
def _randomize(arrival: Arrival, drawn: Drawn, own: Own, sorting: Sorting) -> tuple[int, int]:
    """Find who is randomized, and in which order.

    Returns:
        How many are randomized, and how many were registered.
    """
    who, registered = drawn.who, arrival.subjects
    m = pass_gate(arrival.gated, drawn.gate_u, drawn.level, arrival.pass_shares, registered, who)
    if arrival.ordered:
        time, in_turn = sorting.ended, sorting.bucket
        gather(drawn.randomization, who, m, time)
        key_times(time, m, arrival.latest, sorting.keys)
        if sort_keys(sorting.keys, m, m, sorting.bits, sorting.counts, sorting.ordered):
            settle(sorting.ordered, m, time)
        for i in range(m):
            in_turn[i] = who[owner(sorting.ordered[i])]
        closed = np.inf
        if 0 < arrival.limit <= m:
            closed = drawn.randomization[in_turn[arrival.limit - 1]]
            registered = count_up_to(drawn.entry, arrival.subjects, closed)
        stay = 0
        for i in range(m):
            who[stay] = in_turn[i]
            stay += drawn.entry[in_turn[i]] <= closed
        m = stay
    gather(drawn.randomization, who, m, own.randomization)
    gather(drawn.event_u, who, m, own.event_u)
    gather(drawn.lost_u, who, m, own.lost_u)
    gather(drawn.coin, who, m, own.coin)
    gather(drawn.other_u, who, m, own.other_u)
    gather_levels(drawn.level, who, m, own.level)
    return m, registered


@inlined
def _allocate(arrival: Arrival, rule: Rule, drawn: Drawn, own: Own, m: int) -> None:
    """Draw the arms of the randomized."""
    who, arm = drawn.who, own.arm
    if rule.kind == _BALANCED:
        for i in range(m):
            arm[i] = who[i] & np.uint32(1)
    elif rule.kind == _MINIMIZED:
        own.lead[:] = 0
        for k in range(rule.weights.size):
            factor, code = rule.weighted[k], own.code[k]
            if factor < 0:
                gather(drawn.site_u, who, m, own.spare_u)
                choose_site(rule, own.spare_u, m, code)
            else:
                gather(drawn.factor_u[factor], who, m, own.spare_u)
                choose_level(arrival.factor_edges[factor], arrival.factor_levels[factor], own.spare_u, m, code)
            shift_levels(code, m, rule.offsets[k])
        minimize(own.code, rule.weights, rule.pulls, rule.p_best, rule.initial_simple, own.coin, m, own.lead, arm)
    else:
        draw_simple(rule.kind, own.coin, m, arm)


@inlined
def _test(
    looks: Looks, sorting: Sorting, rows: Rows, results: Results, trial: int, look: int, m: int, time: Floats, ending: Floats,
    calendar: Floats, event: Positions, arm: Positions, level: Positions,
) -> None:  # fmt: skip
    """Cut the data at one look and compute its tests."""
    cut, want, z = results.cut[trial, look], looks.row, results.z[trial]
    longest = cut if cut < np.inf else largest_finite(ending, event, m)
    seen, seen_1, events, events_1 = key_look(time, ending, calendar, event, arm, m, cut, longest, sorting.ended, sorting.keys)
    results.at_look[trial, look] = seen
    results.events[trial, look, 0] = events - events_1
    results.events[trial, look, 1] = events_1
    for k in range(z.shape[0]):
        z[k, look] = 0.0
    results.log_hr[trial, look] = np.nan
    results.rmst_difference[trial, look] = np.nan
    if seen_1 == 0 or seen_1 == seen:
        return

    keys, ended = sorting.ordered, sorting.ended
    tied = sort_keys(sorting.keys, m, seen, sorting.bits, sorting.counts, keys)
    if tied:
        settle(keys, seen, ended)
        count, terms = _test_tied(looks, rows, keys, seen, seen_1, level, ended, z, look)
    else:
        count = terms = fill_pooled(keys, seen, seen_1, rows.at_risk, rows.at_risk_1, rows.died_1)
        if want[_LOGRANK] >= 0:
            z[want[_LOGRANK], look] = logrank_single(rows.at_risk, rows.at_risk_1, rows.died_1, count, rows.first, rows.second)
        if want[_STRATIFIED] >= 0 or want[_COX] >= 0:
            count_strata(keys, seen, level, looks.levels, rows.stratum)
            fill_strata(keys, seen, level, rows.stratum, rows.in_stratum, rows.in_stratum_1)
        if want[_STRATIFIED] >= 0:
            z[want[_STRATIFIED], look] = logrank_single(
                rows.in_stratum, rows.in_stratum_1, rows.died_1, count, rows.first, rows.second
            )
    if want[_COX] >= 0:
        if not tied:
            subtract(rows.in_stratum, rows.in_stratum_1, count, rows.term_0)
            copy(rows.in_stratum_1, count, rows.term_1)
        coefficient, of_cox = cox(rows.term_0, rows.term_1, terms, float(events_1), rows.first, rows.second)
        results.log_hr[trial, look] = coefficient
        z[want[_COX], look] = of_cox
    if want[_WEIGHTED] < 0 and want[_RMST] < 0 and want[_MILESTONE] < 0:
        return

    if not tied:
        rows.died[:count] = 1.0
        fill_moments(keys, seen, ended, rows.moment)
    if want[_WEIGHTED] >= 0:
        z[want[_WEIGHTED], look] = weighted(
            looks.rho, looks.gamma, rows.at_risk, rows.at_risk_1, rows.died, rows.died_1, count, rows.first, rows.second
        )
    if want[_RMST] >= 0 or want[_MILESTONE] >= 0:
        split_arms(rows, count)
    if want[_RMST] >= 0:
        difference, of_mean = compare_means(rows, count, window(looks.rmst_months, keys, seen, ended))
        results.rmst_difference[trial, look] = difference
        z[want[_RMST], look] = of_mean
    if want[_MILESTONE] >= 0:
        z[want[_MILESTONE], look] = compare_survival(rows, count, looks.milestone_months)


@inlined
def _test_tied(
    looks: Looks, rows: Rows, keys: Words, seen: int, seen_1: int, level: Positions, ended: Floats, z: Floats, look: int
) -> tuple[int, int]:
    """Fill the rows where times are equal, and compute the log-rank tests.

    Returns:
        The numbers of pooled rows and of Cox terms.
    """
    count_strata(keys, seen, level, looks.levels, rows.stratum)
    count, within, terms = fill_tied(keys, seen, seen_1, level, looks.levels, ended, rows)
    if looks.row[_LOGRANK] >= 0:
        z[looks.row[_LOGRANK], look] = logrank(
            rows.at_risk, rows.at_risk_1, rows.died, rows.died_1, count, rows.first, rows.second
        )
    if looks.row[_STRATIFIED] >= 0:
        z[looks.row[_STRATIFIED], look] = logrank(
            rows.in_stratum, rows.in_stratum_1, rows.stratum_died, rows.stratum_died_1, within, rows.first, rows.second
        )
    return count, terms
