"""What boundaries do under an effect: power, early stopping, expected information, and what the interim looks cost.

An effect enters as the drift, the mean of Z at the last look; `effect.drift_of_hazard_ratio` gives it for a hazard ratio.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats
from oligami.stats.sequential.boundaries import Boundaries
from oligami.stats.sequential.recursion import LOWER, UPPER, crossing, layers
from oligami.stats.sequential.solving import drift_of_power


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operating:
    """What a group-sequential test does under each of d drifts; tables have shape (d, k), one column a look."""

    drift: Floats  # shape (d,)
    fraction: Floats  # information fractions of the looks, shape (k,)
    efficacy: Floats  # probability to stop at the look at the efficacy bound
    harm: Floats  # the same at the other bound of a two-sided test; else 0
    futility: Floats  # the same at the futility bound; at the last look, to end without rejection
    power: Floats  # probability to reject in favour of the experimental arm, at any look, shape (d,)
    expected_information: Floats  # information when the trial stops, as a share of that of the last look, shape (d,)

    @property
    def stop(self) -> Floats:
        """Probability to stop at each look, shape (d, k)."""
        return self.efficacy + self.harm + self.futility

    def expected(self, quantity: ArrayLike) -> Floats:
        """Return the mean of what each look comes with when the trial stops there, for each drift, shape (d,).

        Args:
            quantity: value at each look, such as its events or calendar time, shape (k,).

        Raises:
            ValueError: not one number a look.
        """
        values = arguments.numbers(quantity, "quantity")
        arguments.same_length(values.size, self.fraction.size, "quantity", "looks")
        return self.stop @ values

    def to_frame(self) -> Any:
        """Return one row a drift and look as a pandas DataFrame."""
        many, looks = self.efficacy.shape
        return show.frame(
            {
                "drift": np.repeat(self.drift, looks),
                "look": np.tile(np.arange(1, looks + 1), many),
                "fraction": np.tile(self.fraction, many),
                "efficacy": self.efficacy.ravel(),
                "harm": self.harm.ravel(),
                "futility": self.futility.ravel(),
            }
        )

    def summary(self) -> str:
        """Return power, expected information and stopping by look as a table of text."""
        heads = ["drift", "power", "expected_information", *(f"stop_{k + 1}" for k in range(self.fraction.size))]
        stop = self.stop
        rows = [
            [float(self.drift[d]), float(self.power[d]), float(self.expected_information[d]), *map(float, stop[d])]
            for d in range(self.drift.size)
        ]
        return show.table("Operating characteristics", heads, rows)

    def plot(self, ax: Any = None) -> Any:
        """Draw the probability of rejection (for the experimental arm) by each look against the drift; return the axes."""
        axes = show.axes(ax)
        order = np.argsort(self.drift)
        rejected = self.efficacy.cumsum(axis=1)[order]
        for k in range(self.fraction.size):
            axes.plot(self.drift[order], rejected[:, k], label=f"rejected by look {k + 1}")
        axes.set_xlabel("drift (mean of Z at the last look)")
        axes.set_ylabel("probability")
        axes.legend()
        return axes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Characteristics:
    """What the looks cost and save for a given power, against the fixed test of the same level and power."""

    target: float  # the power
    drift: float  # mean of Z at the last look that gives it
    fixed_drift: float  # the same of the fixed test
    inflation: float  # information of the last look / that of the fixed test
    cumulative_power: Floats  # probability to have rejected by each look under `drift`, shape (k,)
    expected_null: float  # expected information / that of the fixed test, under no effect
    expected_between: float  # under half the drift
    expected_alternative: float  # under the drift

    def summary(self) -> str:
        """Return the numbers as a table of text."""
        rows = [
            ["drift", self.drift],
            ["information / fixed test: at the last look", self.inflation],
            ["expected, no effect", self.expected_null],
            ["expected, half the effect", self.expected_between],
            ["expected, full effect", self.expected_alternative],
            *([f"power by look {k + 1}", float(won)] for k, won in enumerate(self.cumulative_power)),
        ]
        return show.table(f"Characteristics at power {show.number(self.target)}", ["what", "value"], rows)

    def to_frame(self) -> Any:
        """Return the numbers but the power by look as a pandas DataFrame of one row."""
        names = ("target", "drift", "fixed_drift", "inflation", "expected_null", "expected_between", "expected_alternative")
        return show.frame({name: [getattr(self, name)] for name in names})


def operating(bounds: Boundaries, drift: ArrayLike, *, honour_futility: bool = True) -> Operating:
    """Return stopping probabilities, power and expected information under each drift.

    Args:
        bounds: the test.
        drift: mean of Z at the last look, a number or shape (d,), finite.
        honour_futility: whether the trial does stop at the futility bounds.

    Raises:
        ValueError: a drift is not a finite number.

    Source: Jennison and Turnbull (2000), section 19.2.

    >>> from oligami.stats.sequential import boundaries, operating, spending_obrien_fleming
    >>> bounds = boundaries([1, 2, 3], alpha=0.05, efficacy=spending_obrien_fleming())
    >>> operating(bounds, [0, 2.2]).power.round(4).tolist()
    [0.05, 0.7026]
    """
    effects = arguments.one_or_more(drift, "drift")
    lower, upper = bounds.continuation(honour_futility=honour_futility)
    reached = layers(bounds.fraction, lower, upper, low_drift=float(effects.min()), high_drift=float(effects.max()))
    efficacy = crossing(reached, bounds.fraction, upper, effects, UPPER)
    harm = np.zeros_like(efficacy)
    futility = np.zeros_like(efficacy)
    if bounds.sided == 2:
        harm = crossing(reached, bounds.fraction, lower, effects, LOWER)
        futility[:, -1] = np.maximum(1 - efficacy.sum(axis=1) - harm.sum(axis=1), 0.0)
    else:
        # At the last look whatever does not reject ends the trial, with or without futility bounds.
        futility = crossing(reached, bounds.fraction, np.append(lower[:-1], upper[-1]), effects, LOWER)
    stop = efficacy + harm + futility
    tables = {
        "drift": effects,
        "efficacy": efficacy,
        "harm": harm,
        "futility": futility,
        "power": efficacy.sum(axis=1),
        "expected_information": stop @ bounds.fraction,
    }
    return Operating(fraction=bounds.fraction, **{name: arguments.frozen(table) for name, table in tables.items()})


def drift_for_power(bounds: Boundaries, power: float, *, honour_futility: bool = True) -> float:
    """Return the drift (mean of Z at the last look) under which the test finds for the experimental arm with this power.

    Args:
        bounds: the test.
        power: above the level of the test, below 1.
        honour_futility: whether the trial does stop at the futility bounds.

    Raises:
        ValueError: the power does not lie between the level and 1.

    Source: Jennison and Turnbull (2000), section 19.2; the root of the power in the drift.

    >>> from oligami.stats.sequential import boundaries, drift_for_power, spending_obrien_fleming
    >>> bounds = boundaries([1, 2, 3], alpha=0.05, efficacy=spending_obrien_fleming())
    >>> round(drift_for_power(bounds, 0.7), 4)
    2.1925
    """
    level = float(bounds.alpha_spent[-1])
    if not level < arguments.number(power, "power") < 1:
        raise ValueError(f"power is {power!r}; it must lie between the level, {level:.6g}, and 1")
    lower, upper = bounds.continuation(honour_futility=honour_futility)
    return drift_of_power(bounds.fraction, lower, upper, power, level / bounds.sided)


def inflation_factor(bounds: Boundaries, power: float, *, honour_futility: bool = True) -> float:
    """Return by how much the last look's information exceeds that of the fixed test of the same level and power.

    Multiply the events of a fixed design by it. Arguments and errors as `drift_for_power`.

    Source: Jennison and Turnbull (2000), section 2.2 (their R).

    >>> from oligami.stats.sequential import boundaries, inflation_factor, spending_obrien_fleming
    >>> bounds = boundaries([1, 2, 3], alpha=0.05, efficacy=spending_obrien_fleming())
    >>> round(inflation_factor(bounds, 0.7), 4)
    1.0216
    """
    drift = drift_for_power(bounds, power, honour_futility=honour_futility)
    return (drift / _fixed_drift(bounds, power)) ** 2


def characteristics(bounds: Boundaries, power: float) -> Characteristics:
    """Return what the looks cost and save for a power; arguments and errors as `drift_for_power`.

    Source: Jennison and Turnbull (2000), section 2.2, for the ratios to the fixed test.

    >>> from oligami.stats.sequential import boundaries, characteristics, spending_obrien_fleming
    >>> bounds = boundaries([1, 2, 3], alpha=0.05, efficacy=spending_obrien_fleming())
    >>> round(characteristics(bounds, 0.7).expected_alternative, 4)
    0.8886
    """
    drift = drift_for_power(bounds, power)
    fixed = _fixed_drift(bounds, power)
    does = operating(bounds, [0.0, drift / 2, drift])
    inflation = (drift / fixed) ** 2
    null, between, alternative = (does.expected_information * inflation).tolist()
    return Characteristics(
        target=power,
        drift=drift,
        fixed_drift=fixed,
        inflation=inflation,
        cumulative_power=arguments.frozen(does.efficacy[2].cumsum()),
        expected_null=null,
        expected_between=between,
        expected_alternative=alternative,
    )


def _fixed_drift(bounds: Boundaries, power: float) -> float:
    return math.fsum([float(ndtri(power)), -float(ndtri(float(bounds.alpha_spent[-1]) / bounds.sided))])
