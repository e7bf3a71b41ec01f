"""How much each subject moves a Kaplan-Meier curve: errors that hold whatever the weights stand for."""

import numpy as np

from oligami.stats.arguments import Floats, Ints
from oligami.stats.risk_table import Counts


def influence_error(
    end: Floats,
    event: Ints,
    entry: Floats | None,
    weights: Floats | None,
    time: Floats,
    n_risk: Counts,
    n_event: Counts,
) -> Floats:
    """Return at each time the error of log S: the root of the summed squares of each row's influence.

    While row i is at risk its influence is G(t) - G(entry), G being the sum of d / (n (n - d)); its own event takes
    away 1 / (n - d), and after its end the influence stays.

    Args:
        end: end of observation, shape (n,).
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        entry: start of observation, shape (n,), or None.
        weights: of the rows, shape (n,), or None.
        time: of the rows of the risk table.
        n_risk: of the risk table made with these weights.
        n_event: of the same.

    Source: Efron (1982), The Jackknife, the Bootstrap and Other Resampling Plans, chapter 6; `survfit(..., robust = TRUE)`
    of the R package survival.

    >>> end, event = np.array([1.0, 2.0, 3.0]), np.array([1, 1, 0])
    >>> influence_error(end, event, None, None, end, np.array([3, 2, 1]), event).round(4).tolist()
    [0.4082, 0.8165, 0.8165]
    """
    w = np.ones(end.size) if weights is None else weights
    remaining = n_risk - n_event
    inverse = np.where(remaining > 0, 1 / np.where(remaining > 0, remaining, 1), 0.0)
    rise = np.cumsum(n_event / n_risk * inverse)
    row = np.searchsorted(time, end)
    before = np.zeros(end.size) if entry is None else np.append(0.0, rise)[np.searchsorted(time, entry, side="right")]
    settled = (event * inverse[row] - (rise[row] - before)) * w
    size = time.size
    done = np.cumsum(np.bincount(row, settled**2, minlength=size))
    # Rows still at risk after a time: sums of w^2 (G - G0)^2, taken apart by powers of G.
    entered = np.zeros(end.size, dtype=np.int64) if entry is None else np.searchsorted(time, entry, side="left")
    running = np.zeros((3, size))
    for power in range(3):
        terms = w**2 * before**power
        inflow = np.bincount(entered, terms, minlength=size + 1)[:size]
        running[power] = np.cumsum(inflow - np.bincount(row, terms, minlength=size))
    open_part = running[0] * rise**2 - 2 * running[1] * rise + running[2]
    error: Floats = np.sqrt(np.maximum(done + open_part, 0.0))
    return error
