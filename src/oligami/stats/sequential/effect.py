"""Hazard ratios and the scale of the design: drift and Z in terms of events.

A hazard ratio below 1 favours the experimental arm; Z and drift above 0 do.
"""

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments
from oligami.stats.arguments import Floats


def drift_of_hazard_ratio(hazard_ratio: ArrayLike, events: float, *, allocation_ratio: float = 1.0) -> Floats:
    """Return the mean of the log-rank Z after so many events under a hazard ratio (experimental to control).

    Args:
        hazard_ratio: more than 0, any shape.
        events: in both arms, more than 0.
        allocation_ratio: subjects in the experimental arm for each one in the control arm.

    Returns:
        Drift in the shape of `hazard_ratio`; positive below 1.

    Raises:
        ValueError: a hazard ratio, the events or the allocation ratio are not positive.

    Source: Schoenfeld (1981), Biometrika 68, 316-319: -log(HR) sqrt(events r / (1 + r)^2).

    >>> float(drift_of_hazard_ratio(0.703944, 153).round(4))
    2.1712
    """
    try:
        ratio = np.asarray(hazard_ratio, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"hazard_ratio is {hazard_ratio!r}; it must be a finite number, more than 0") from error
    if not ((ratio > 0) & np.isfinite(ratio)).all():
        raise ValueError(f"hazard_ratio is {hazard_ratio!r}; it must be a finite number, more than 0")
    return np.asarray(-np.log(ratio) * np.sqrt(information_of_events(events, allocation_ratio)))


def hazard_ratio_of_z(z: ArrayLike, events: ArrayLike, *, allocation_ratio: float = 1.0) -> Floats:
    """Return the hazard ratio that a log-rank Z stands for after so many events; arguments as `drift_of_hazard_ratio`.

    A Z of infinity stands for 0, one of minus infinity for infinity: what no result can reach.

    Raises:
        ValueError: the events or the allocation ratio are not positive.

    Source: Schoenfeld (1981), Biometrika 68, 316-319: exp(-Z / sqrt(events r / (1 + r)^2)).

    >>> float(hazard_ratio_of_z(1.96, 153).round(3))
    0.728
    """
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(-np.asarray(z, dtype=np.float64) / np.sqrt(information_of_events(events, allocation_ratio))))


def information_of_events(events: ArrayLike, allocation_ratio: float) -> Floats:
    """Return the information on the log hazard ratio that events carry: events r / (1 + r)^2, events / 4 when 1:1.

    Raises:
        ValueError: the events or the allocation ratio are not positive.
    """
    try:
        count = np.asarray(events, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"events are {events!r}; they must be finite and more than 0") from error
    if not ((count > 0) & np.isfinite(count)).all():
        raise ValueError(f"events are {events!r}; they must be finite and more than 0")
    arguments.number(allocation_ratio, "allocation_ratio", above=0)
    return np.asarray(count * allocation_ratio / (1 + allocation_ratio) ** 2)
