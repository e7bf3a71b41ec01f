"""When each look of many trials is taken."""

import numpy as np
from numpy.typing import NDArray

from oligami.simulation.fast.plan import Plan
from oligami.stats.arguments import Floats


def cut_times(plan: Plan, last_randomization: Floats, leaving: Floats, event: NDArray[np.bool_]) -> Floats:
    """Return the calendar times of the cuts, shape (R, L).

    A look by events is taken at the calendar time of its last event, or at `not_after_months` if that is earlier; if its
    events never come, at the earlier of `not_after_months` and the moment at which the last subject has left.

    Args:
        plan: its looks.
        last_randomization: shape (R,).
        leaving: calendar time at which each subject dies or is lost, shape (R, n); -inf if it was not randomized.
        event: whether it dies then, shape (R, n).
    """
    cuts = np.empty((leaving.shape[0], len(plan.looks)))
    waited = {look.events for look in plan.looks if look.events is not None}
    reached = _times_of_events(np.where(event, leaving, np.inf), waited, plan.subjects)
    for number, look in enumerate(plan.looks):
        if look.events is not None:
            came = reached[look.events]
            missing = ~np.isfinite(came)
            if missing.any():
                came = np.where(missing, np.maximum(leaving.max(axis=1), 0.0), came)
            cuts[:, number] = np.minimum(came, look.not_after_months)
        elif look.calendar_months is not None:
            cuts[:, number] = look.calendar_months
        else:
            cuts[:, number] = last_randomization + (look.after_last_months or 0.0)
    return cuts


def _times_of_events(times: Floats, waited: set[int], subjects: int) -> dict[int, Floats]:
    """Return the k-th smallest time of each row for every k waited for; infinite beyond the last."""
    never = np.full(times.shape[0], np.inf)
    possible = sorted(k for k in waited if k <= subjects)
    if len(possible) == 1:
        times.partition(possible[0] - 1, axis=1)
    elif possible:
        times.sort(axis=1)
    return {k: times[:, k - 1] if k <= subjects else never for k in waited}
