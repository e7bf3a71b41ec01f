"""What happens to the subjects of one trial: entry, levels, and the courses under the arm drawn; the numbers of `latent`."""

import numpy as np

from oligami.simulation.fast._kernels.elementary import log, minus_log
from oligami.simulation.fast._kernels.machine import part, signed
from oligami.simulation.fast._kernels.shapes import CELLS, Arrival, Hazards, Positions, Rule
from oligami.stats.arguments import Floats, Ints

_CELLS = CELLS
_INFINITE = np.inf


@part
def enter(arrival: Arrival, n: int, u: Floats, entry: Floats) -> None:
    """Turn uniforms into calendar times of first registration; the two columns may be one.

    Times and slopes are combined as numpy.interp does it, so that both engines order subjects alike.
    """
    times, shares, slopes = arrival.times, arrival.shares, arrival.slopes
    if slopes.size == 1:
        slope = slopes[0]
        for i in range(n):
            entry[i] = slope * u[i]
        return
    for i in range(n):
        at, segment = u[i], 0
        for k in range(1, slopes.size):
            segment += at >= shares[k]
        entry[i] = slopes[segment] * (at - shares[segment]) + times[segment]


@part
def choose_level(edges: Floats, levels: int, u: Floats, n: int, out: Positions) -> None:
    """Count the cumulative shares that a uniform has reached."""
    for i in range(n):
        out[i] = 0
    for e in range(levels - 1):
        edge = edges[e]
        for i in range(n):
            out[i] += np.uint32(u[i] >= edge)


@part
def choose_site(rule: Rule, u: Floats, n: int, out: Positions) -> None:
    """As `choose_level` for many levels: from the cell of [0, 1) in which the uniform lies, a few steps up."""
    edges, cells, steps = rule.site_edges, rule.site_cells, rule.site_steps
    for i in range(n):
        at = u[i]
        site = cells[np.uint32(at * _CELLS)]
        for _ in range(steps):
            site += np.uint32(at >= edges[site])
        out[i] = site


@part
def _reached(hazards: Hazards, row: int, wanted: float) -> float:
    """Time at which the cumulative hazard of a row reaches a height."""
    piece = 0
    for p in range(1, hazards.pieces.size):
        piece += wanted >= hazards.cumulative[row, p]
    return hazards.pieces[piece] + (wanted - hazards.cumulative[row, piece]) * hazards.inverse[row, piece]


@part
def _cross(hazards: Hazards, row: int, unit: float, death: float, crossing: float) -> float:
    """Time of death in arm 0 when the hazard is multiplied from the crossing on."""
    if not death > crossing:
        return death
    piece = 0
    for p in range(1, hazards.pieces.size):
        piece += crossing >= hazards.pieces[p]
    height = hazards.cumulative[row, piece] + hazards.rate[row, piece] * (crossing - hazards.pieces[piece])
    return _reached(hazards, row, height + (unit - height) / hazards.crossover_ratio)


@part
def _switch(hazards: Hazards, m: int, level: Positions, arm: Positions, unit: Floats, other_u: Floats, death: Floats) -> None:
    """As `_along_pieces` where some of arm 0 cross over or some of arm 1 stay without their therapy."""
    for i in range(m):
        row = 2 * signed(level[i]) + signed(arm[i])
        if arm[i] == 1 and other_u[i] < hazards.untreated_share:
            row -= 1
        death[i] = _reached(hazards, row, unit[i])
        if arm[i] == 0 and hazards.crossover_rate > 0.0:
            death[i] = _cross(hazards, row, unit[i], death[i], -log(other_u[i]) / hazards.crossover_rate)


@part
def follow(
    hazards: Hazards, m: int, randomization: Floats, level: Positions, arm: Positions, event_u: Floats, lost_u: Floats,
    other_u: Floats, unit: Floats, event: Positions, ending: Floats, calendar: Floats,
) -> None:  # fmt: skip
    """Find when and how each of the randomized leaves: `event`, `ending`, `calendar`; `unit` is a buffer."""
    minus_log(event_u, m, unit)
    if hazards.crossover_rate > 0.0 or hazards.untreated_share > 0.0:
        _switch(hazards, m, level, arm, unit, other_u, ending)
    elif hazards.rate.size == 2:  # one level, one piece: no table to look up
        inverse_0, inverse_1 = hazards.inverse[0, 0], hazards.inverse[1, 0]
        for i in range(m):
            ending[i] = unit[i] * (inverse_1 if arm[i] == 1 else inverse_0)
    else:
        _along_pieces(hazards.pieces, hazards.cumulative, hazards.inverse, m, level, arm, unit, ending)

    lost_0, lost_1 = hazards.lost_0, hazards.lost_1
    if lost_0 < _INFINITE or lost_1 < _INFINITE:
        for i in range(m):
            unit[i] = -log(lost_u[i]) * (lost_1 if arm[i] == 1 else lost_0)
    else:
        for i in range(m):
            unit[i] = _INFINITE
    for i in range(m):
        death, gone = ending[i], unit[i]
        happens = (death <= gone) & (death < _INFINITE)
        event[i] = np.uint32(happens)
        ending[i] = death if happens else gone
        calendar[i] = randomization[i] + ending[i]


@part
def _along_pieces(
    pieces: Floats, cumulative: Floats, inverse: Floats, m: int, level: Positions, arm: Positions, unit: Floats, death: Floats
) -> None:
    """As `_reached` for all at once, piece by piece."""
    for i in range(m):
        death[i] = unit[i] * inverse[2 * level[i] + arm[i], 0]
    for p in range(1, pieces.size):
        begin = pieces[p]
        for i in range(m):
            row = 2 * level[i] + arm[i]
            beyond = unit[i] - cumulative[row, p]
            death[i] = begin + beyond * inverse[row, p] if beyond >= 0.0 else death[i]


@part
def add_delay(n: int, low: float, span: float, entry: Floats, randomization: Floats) -> None:
    """Add the delay to entry; the column holds its uniforms where the delay varies."""
    if span > 0.0:
        for i in range(n):
            randomization[i] = entry[i] + (low + span * randomization[i])
    else:
        for i in range(n):
            randomization[i] = entry[i] + low


@part
def pass_gate(gated: bool, gate_u: Floats, level: Positions, shares: Floats, n: int, who: Positions) -> int:
    """Write the numbers of those who pass the gate; return how many they are."""
    if not gated:
        for i in range(n):
            who[i] = np.uint32(i)
        return n
    m = 0
    for i in range(n):
        who[m] = np.uint32(i)
        m += gate_u[i] < shares[level[i]]
    return m


@part
def count_randomized(arm: Positions, time: Floats, m: int, trial: int, randomized: Ints, last_randomization: Floats) -> None:
    """Count the arms, and find the last randomization; 0 if there is none."""
    in_1, last = np.uint32(0), 0.0
    for i in range(m):
        in_1 += arm[i]
        last = time[i] if time[i] > last else last
    randomized[trial, 0] = m - signed(in_1)
    randomized[trial, 1] = in_1
    last_randomization[trial] = last


@part
def shift_levels(code: Positions, m: int, offset: int) -> None:
    """Shift the levels of one factor to their place in the common row of counts."""
    for i in range(m):
        code[i] += np.uint32(offset)
