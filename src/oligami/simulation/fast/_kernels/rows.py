"""What tests are computed from: one row for each moment at which somebody died, with who was at risk.

Pooled rows: moment, at_risk and at_risk_1 (of arm 1), died and died_1. Within strata: in_stratum and the columns like it, one row
for each moment and level. Cox terms: weights of arm 0 and arm 1 in each denominator of the partial likelihood, after Efron.
Where no two times are equal, every event is one row of each, and filling them needs no branch.
"""

import numpy as np

from oligami.simulation.fast._kernels.machine import part, signed
from oligami.simulation.fast._kernels.order import owner
from oligami.simulation.fast._kernels.shapes import Positions, Rows, Words
from oligami.stats.arguments import Floats, Ints

_ONE = np.uint64(1)


@part
def fill_pooled(keys: Words, seen: int, seen_1: int, at_risk: Floats, at_risk_1: Floats, died_1: Floats) -> int:
    """Fill the pooled rows from keys in order, no two times equal, without the moments; return their number."""
    row, left_1 = 0, seen_1
    for i in range(seen):
        key = keys[i]
        arm = signed((key >> _ONE) & _ONE)
        at_risk[row] = seen - i
        at_risk_1[row] = left_1
        died_1[row] = arm
        row += signed(key & _ONE)
        left_1 -= arm
    return row


@part
def fill_moments(keys: Words, seen: int, ended: Floats, moment: Floats) -> None:
    """Write the times of the events, in order."""
    row = 0
    for i in range(seen):
        key = keys[i]
        moment[row] = ended[owner(key)]
        row += signed(key & _ONE)


@part
def fill_strata(keys: Words, seen: int, level: Positions, stratum: Ints, at_risk: Floats, at_risk_1: Floats) -> int:
    """Fill the rows within strata from keys in order, no two times equal; return their number.

    `stratum` holds, level by level, those at risk and those of them in arm 1; it is used up.
    """
    row = 0
    for i in range(seen):
        key = keys[i]
        at = np.uint64(level[owner(key)]) << _ONE
        arm = signed((key >> _ONE) & _ONE)
        left, left_1 = stratum[at], stratum[at + _ONE]
        at_risk[row] = left
        at_risk_1[row] = left_1
        stratum[at] = left - 1
        stratum[at + _ONE] = left_1 - arm
        row += signed(key & _ONE)
    return row


@part
def count_strata(keys: Words, seen: int, level: Positions, levels: int, stratum: Ints) -> None:
    """Count those at risk at the start, level by level, all and in arm 1."""
    for k in range(2 * levels):
        stratum[k] = 0
    for i in range(seen):
        key = keys[i]
        at = np.uint64(level[owner(key)]) << _ONE
        stratum[at] += 1
        stratum[at + _ONE] += signed((key >> _ONE) & _ONE)


@part
def fill_tied(
    keys: Words, seen: int, seen_1: int, level: Positions, levels: int, ended: Floats, rows: Rows
) -> tuple[int, int, int]:
    """Fill all rows from keys in the order of their times, some of which are equal.

    Returns:
        The numbers of pooled rows, of rows within strata, and of Cox terms.
    """
    stratum = rows.stratum
    died = stratum[2 * levels :]  # by level: deaths at the moment, all and in arm 1, then who leaves at it
    pooled = within = terms = 0
    left, left_1 = seen, seen_1
    start = 0
    while start < seen:
        time = ended[owner(keys[start])]
        for k in range(4 * levels):
            died[k] = 0
        stop = start
        while stop < seen and ended[owner(keys[stop])] == time:
            key = keys[stop]
            at = 4 * signed(level[owner(key)])
            arm, event = signed((key >> _ONE) & _ONE), signed(key & _ONE)
            died[at] += event
            died[at + 1] += event * arm
            died[at + 2] += 1
            died[at + 3] += arm
            stop += 1
        deaths = deaths_1 = gone_1 = 0
        for k in range(levels):
            here, here_1 = died[4 * k], died[4 * k + 1]
            risk, risk_1 = stratum[2 * k], stratum[2 * k + 1]
            if here > 0:
                rows.in_stratum[within] = risk
                rows.in_stratum_1[within] = risk_1
                rows.stratum_died[within] = here
                rows.stratum_died_1[within] = here_1
                within += 1
                for j in range(here):
                    share = j / here
                    rows.term_0[terms] = (risk - risk_1) - share * (here - here_1)
                    rows.term_1[terms] = risk_1 - share * here_1
                    terms += 1
            stratum[2 * k] -= died[4 * k + 2]
            stratum[2 * k + 1] -= died[4 * k + 3]
            deaths += here
            deaths_1 += here_1
            gone_1 += died[4 * k + 3]
        if deaths > 0:
            rows.moment[pooled] = time
            rows.at_risk[pooled] = left
            rows.at_risk_1[pooled] = left_1
            rows.died[pooled] = deaths
            rows.died_1[pooled] = deaths_1
            pooled += 1
        left -= stop - start
        left_1 -= gone_1
        start = stop
    return pooled, within, terms
