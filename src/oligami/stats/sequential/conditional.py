"""Looking ahead from an interim analysis: the probability to reject later, given the data so far.

The drift is that of the boundaries: the mean of Z at their last look. Power counts rejection in favour of the
experimental arm only, also in a two-sided test.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats, Ints
from oligami.stats.sequential.boundaries import CLOSEST, Boundaries
from oligami.stats.sequential.recursion import UPPER, crossing, layers, panels, start

Effect = Literal["trend", "design", "null"] | float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConditionalPower:
    """The probability to reject after an interim analysis; arrays in the order of the looks to come."""

    z: float
    fraction: float  # of the information, at which z was seen
    drift: float  # assumed; for predictive power the mean of its distribution
    power: float
    look: Ints  # numbers of the looks to come, from 1
    by_look: Floats  # probability to reject at each

    def summary(self) -> str:
        """Return the probabilities as a table of text."""
        rows = [[int(k), float(p)] for k, p in zip(self.look, self.by_look, strict=True)]
        title = f"Z {show.number(self.z)} at information fraction {show.number(self.fraction)}: power {show.number(self.power)}"
        return show.table(title, ["look", "reject"], rows, [f"Drift {show.number(self.drift)}."])

    def to_frame(self) -> Any:
        """Return one row a look to come as a pandas DataFrame."""
        return show.frame({"look": self.look, "reject": self.by_look})


def conditional_power(
    bounds: Boundaries,
    z: float,
    *,
    look: int | None = None,
    fraction: float | None = None,
    effect: Effect = "trend",
    honour_futility: bool | None = None,
) -> ConditionalPower:
    """Return the probability to reject at one of the looks to come, given Z now and an effect from now on.

    Args:
        bounds: the test.
        z: seen now.
        look: number of the look at which it was seen, from 1, before the last; or instead
        fraction: its information as a share of that of the last look, in (0, 1), a millionth from either; looks after it are to come.
        effect: "trend" for the effect seen so far, "design" for the one of the boundaries' beta, "null" for none, or
            the drift itself.
        honour_futility: whether the trial stops at futility bounds to come; by default when they are binding.

    Raises:
        ValueError: z or the effect is not finite; both or neither of look and fraction are given, or nothing is to
            come; "design" with boundaries that have no beta.

    Source: Lan, Simon and Halperin (1982), Sequential Analysis 1, 207-219; Jennison and Turnbull (2000), section 10.2.

    >>> from oligami.stats.sequential import boundaries, conditional_power, spending_obrien_fleming
    >>> bounds = boundaries([1, 2, 3], alpha=0.05, efficacy=spending_obrien_fleming(), beta=0.3)
    >>> [round(conditional_power(bounds, 1.0, look=1, effect=e).power, 4) for e in ("trend", "design", "null")]
    [0.5285, 0.6717, 0.0926]
    """
    now = _now(bounds, z, look, fraction)
    drift = _drift(bounds, z, now, effect)
    return _power(bounds, z, now, np.array([drift]), np.ones(1), drift, honour_futility)


def conditional_error(bounds: Boundaries, z: float, *, look: int | None = None, fraction: float | None = None) -> float:
    """Return the conditional error: the probability to reject later without any effect, given Z now.

    What a redesign at this point may spend at most (Muller and Schafer). Arguments and errors as `conditional_power`;
    futility bounds count when binding.

    Source: Müller and Schäfer (2001), Biometrics 57, 886-891.

    >>> from oligami.stats.sequential import boundaries, conditional_error, spending_obrien_fleming
    >>> bounds = boundaries([1, 2, 3], alpha=0.05, efficacy=spending_obrien_fleming())
    >>> round(conditional_error(bounds, 1.0, look=1), 4)
    0.0926
    """
    return conditional_power(bounds, z, look=look, fraction=fraction, effect="null").power


def predictive_power(
    bounds: Boundaries,
    z: float,
    *,
    look: int | None = None,
    fraction: float | None = None,
    prior_mean: float = 0.0,
    prior_sd: float = math.inf,
    honour_futility: bool | None = None,
) -> ConditionalPower:
    """Return the probability to reject later, averaged over what the data so far say about the effect.

    Args:
        bounds: the test.
        z: seen now.
        look: as in `conditional_power`.
        fraction: as there; 0 with a proper prior (and z 0) for the assurance before the trial starts.
        prior_mean: mean of a normal prior of the drift.
        prior_sd: its standard deviation, 1e-6 or more; infinity for a flat prior.
        honour_futility: as in `conditional_power`.

    Raises:
        ValueError: as `conditional_power`, or the prior is not of this kind.

    Source: Spiegelhalter, Freedman and Blackburn (1986), Controlled Clinical Trials 7, 8-17.

    >>> from oligami.stats.sequential import boundaries, predictive_power, spending_obrien_fleming
    >>> bounds = boundaries([1, 2, 3], alpha=0.05, efficacy=spending_obrien_fleming())
    >>> round(predictive_power(bounds, 1.0, look=1).power, 4)
    0.5169
    """
    arguments.number(prior_mean, "prior_mean")
    spread = math.inf if prior_sd == math.inf else arguments.number(prior_sd, "prior_sd", at_least=CLOSEST)
    prior_precision = spread**-2
    now = _now(bounds, z, look, fraction, allow_start=math.isfinite(spread))
    precision = now + prior_precision
    mean = (z * math.sqrt(now) + prior_mean * prior_precision) / precision
    sd = precision**-0.5
    # In the drift, the density has this width and conditional power bends within 1 / sqrt(time to come).
    narrow = (precision + 1 - now) ** -0.5
    nodes, log_weights = panels(mean - 9 * sd, mean + 9 * sd, narrow)
    density = np.exp(log_weights - ((nodes - mean) / sd) ** 2 / 2) / (sd * math.sqrt(2 * math.pi))
    return _power(bounds, z, now, nodes, density, mean, honour_futility)


def _power(
    bounds: Boundaries, z: float, now: float, drifts: Floats, weights: Floats, mean: float, honour_futility: bool | None
) -> ConditionalPower:
    """Average the power from here over drifts."""
    honoured = bounds.binding if honour_futility is None else honour_futility
    coming = np.flatnonzero(bounds.fraction > now + CLOSEST / 2)
    lower, upper = (bound[coming] for bound in bounds.continuation(honour_futility=honoured))
    fraction = bounds.fraction[coming]
    reached = layers(
        fraction,
        lower,
        upper,
        low_drift=float(drifts.min()),
        high_drift=float(drifts.max()),
        origin=start(time=now, score=z * math.sqrt(now)),
    )
    by_look = weights @ crossing(reached, fraction, upper, drifts, UPPER)
    return ConditionalPower(
        z=float(z),
        fraction=now,
        drift=mean,
        power=float(by_look.sum()),
        look=arguments.frozen(coming + 1),
        by_look=arguments.frozen(by_look),
    )


def _now(bounds: Boundaries, z: float, look: int | None, fraction: float | None, *, allow_start: bool = False) -> float:
    arguments.number(z, "z")
    if (look is None) == (fraction is None):
        raise ValueError(f"look is {look!r} and fraction {fraction!r}; exactly one must be given")
    if look is not None:
        if bounds.looks == 1:
            raise ValueError(f"look is {look!r}; it must be one before the last, and bounds have one look")
        return float(bounds.fraction[arguments.whole(look, "look", at_least=1, at_most=bounds.looks - 1) - 1])
    assert fraction is not None
    if fraction == 0 and allow_start and z == 0:
        return 0.0
    if not CLOSEST <= arguments.number(fraction, "fraction") <= 1 - CLOSEST:
        raise ValueError(f"fraction is {fraction!r}; it must lie between 0 and 1, a millionth from either")
    return float(fraction)


def _drift(bounds: Boundaries, z: float, now: float, effect: Effect) -> float:
    match effect:
        case "trend":
            return z / math.sqrt(now)
        case "null":
            return 0.0
        case "design":
            if math.isnan(bounds.drift):
                raise ValueError("effect is 'design', but the boundaries have no beta and so no design effect")
            return bounds.drift
        case float() | int() | np.integer() | np.floating():
            return arguments.number(effect, "effect")
        case _:
            raise ValueError(f"effect is {effect!r}; it must be 'trend', 'design', 'null' or a drift")
