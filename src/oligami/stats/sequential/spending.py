"""Spending functions: how much of an error may be used up by which share of the trial.

All amounts are kept as logarithms as well: O'Brien-Fleming spends less than the smallest float early on, and its bounds
are finite all the same. Leaves bounds to `boundaries`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_ndtr, ndtri

from oligami.stats import arguments
from oligami.stats.arguments import Floats

LogSpent = Callable[[Floats, float], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """A rule that says how much of an error level is spent up to a share of the trial."""

    name: str
    parameter: float | None = None
    log_function: LogSpent  # (share of the trial in [0, 1], level) -> log of the level spent, for shares below 1
    fixed_amounts: bool = False  # whether the amounts hold for one level only

    def log_spent(self, share: ArrayLike, level: float) -> Floats:
        """Return the logarithm of the error spent; minus infinity at the start, log(level) from the end on.

        Args:
            share: spending time of each look, shape (k,), not decreasing, 0 or more; above 1 counts as 1.
            level: the whole error, in (0, 1).

        Raises:
            ValueError: a share is negative, missing or lower than the one before; the rule's own amounts do not fit.
        """
        level = arguments.level(level, "level")
        at = np.minimum(arguments.times(share, "share"), 1.0)
        if (np.diff(at) < 0).any():
            raise ValueError(f"share is {at.tolist()}; it must not decrease")
        with np.errstate(divide="ignore"):
            logs = np.asarray(self.log_function(at, level), dtype=np.float64)
        # Whatever the rounding of the function, the whole level is spent at the end, neither more nor less.
        return np.where(at >= 1, np.log(level), np.where(at <= 0, -np.inf, np.minimum(logs, np.log(level))))

    def spent(self, share: ArrayLike, level: float) -> Floats:
        """Return the error spent up to each share of the trial, shape (k,); arguments and errors as `log_spent`."""
        return np.where(np.minimum(np.asarray(share, dtype=np.float64), 1) >= 1, level, np.exp(self.log_spent(share, level)))


def spending_obrien_fleming() -> Spending:
    """Return the spending function of Lan and DeMets that resembles O'Brien and Fleming's test.

    Source: Lan and DeMets (1983), Biometrika 70, 659-663: 2 - 2 Phi(z(1 - level / 2) / sqrt(t)).

    >>> spending_obrien_fleming().spent([0.5, 1], 0.05).round(6).tolist()
    [0.005575, 0.05]
    """
    return Spending(name="lan_demets_obrien_fleming", log_function=_log_obrien_fleming)


def spending_pocock() -> Spending:
    """Return the spending function of Lan and DeMets that resembles Pocock's test.

    Source: Lan and DeMets (1983), Biometrika 70, 659-663: level log(1 + (e - 1) t).

    >>> spending_pocock().spent([0.5, 1], 0.05).round(6).tolist()
    [0.031006, 0.05]
    """
    return Spending(name="lan_demets_pocock", log_function=_log_pocock)


def hwang_shih_decani(gamma: float) -> Spending:
    """Return the gamma family of Hwang, Shih and De Cani; the lower gamma, the later the error is spent.

    Args:
        gamma: from -500 to 500; -4 resembles O'Brien-Fleming, 1 Pocock, 0 spends evenly.

    Raises:
        ValueError: gamma is not a number within these.

    Source: Hwang, Shih and De Cani (1990), Statistics in Medicine 9, 1439-1445.

    >>> hwang_shih_decani(-4).spent([0.5, 1], 0.025).round(6).tolist()
    [0.00298, 0.025]
    """
    arguments.number(gamma, "gamma", at_least=-500, at_most=500)
    return Spending(name="hwang_shih_decani", parameter=float(gamma), log_function=partial(_log_gamma_family, float(gamma)))


def kim_demets(rho: float) -> Spending:
    """Return the power family of Kim and DeMets: level x t^rho.

    Args:
        rho: more than 0; 3 resembles O'Brien-Fleming, 1 spends evenly.

    Raises:
        ValueError: rho is not finite or not positive.

    Source: Kim and DeMets (1987), Biometrika 74, 149-154.

    >>> kim_demets(3).spent([0.5, 1], 0.05).round(6).tolist()
    [0.00625, 0.05]
    """
    arguments.number(rho, "rho", above=0)
    return Spending(name="kim_demets", parameter=float(rho), log_function=partial(_log_power_family, float(rho)))


def user_spending(rule: Callable[[Floats, float], ArrayLike] | Sequence[float]) -> Spending:
    """Return a spending rule of one's own.

    Args:
        rule: a function of (share of the trial, shape (k,); level) that gives the error spent so far, shape (k,); or
            the amounts themselves, one a look, not decreasing, which then hold for the looks in their order
            whatever the share. With amounts, a look at share 1 spends what remains.

    Raises:
        ValueError: amounts are negative or decrease. When used: amounts exceed the level, are fewer than the looks, or
            decrease.

    >>> user_spending([0.01, 0.02, 0.05]).spent([0.3, 0.6, 1.0], 0.05).round(6).tolist()
    [0.01, 0.02, 0.05]
    >>> user_spending(lambda t, level: level * t**2).spent([0.5, 1], 0.05).round(6).tolist()
    [0.0125, 0.05]
    """
    if callable(rule):
        return Spending(name="user", log_function=partial(_log_user_function, rule))
    amounts = arguments.times(rule, "rule")
    return Spending(name="user", fixed_amounts=True, log_function=partial(_log_user_amounts, amounts))


NAMES = ("lan_demets_obrien_fleming", "lan_demets_pocock", "hwang_shih_decani", "kim_demets")


def spending_named(name: str, parameter: float | None = None) -> Spending:
    """Return the spending function of this name, as a protocol file gives it.

    Args:
        name: one of `NAMES`.
        parameter: gamma of hwang_shih_decani, rho of kim_demets; None for the others.

    Raises:
        ValueError: the name is unknown, or the parameter is missing or not wanted.

    >>> spending_named("kim_demets", 3).parameter
    3.0
    """
    match name, parameter:
        case "lan_demets_obrien_fleming", None:
            return spending_obrien_fleming()
        case "lan_demets_pocock", None:
            return spending_pocock()
        case "hwang_shih_decani", float() | int():
            return hwang_shih_decani(parameter)
        case "kim_demets", float() | int():
            return kim_demets(parameter)
        case _:
            raise ValueError(
                f"name is {name!r} with parameter {parameter!r}; name must be one of {NAMES!r}, and the last two take a number"
            )


# Functions of the module, and no lambdas, so that a design can travel to other processes.


def _log_obrien_fleming(t: Floats, level: float) -> Floats:
    return np.asarray(np.log(2) + log_ndtr(ndtri(level / 2) / np.sqrt(t)))


def _log_pocock(t: Floats, level: float) -> Floats:
    return np.asarray(np.log(level) + np.log(np.log1p(np.expm1(1.0) * t)))


def _log_gamma_family(gamma: float, t: Floats, level: float) -> Floats:
    share = t if gamma == 0 else np.expm1(-gamma * t) / np.expm1(-gamma)
    return np.asarray(np.log(level) + np.log(share))


def _log_power_family(rho: float, t: Floats, level: float) -> Floats:
    return np.asarray(np.log(level) + rho * np.log(t))


def _log_user_function(rule: Callable[[Floats, float], ArrayLike], t: Floats, level: float) -> Floats:
    return np.asarray(np.log(_amounts(np.asarray(rule(t, level), dtype=np.float64), t.size, level)))


def _log_user_amounts(amounts: Floats, t: Floats, level: float) -> Floats:
    return np.asarray(np.log(_amounts(amounts, t.size, level)))


def _amounts(amounts: Floats, looks: int, level: float) -> Floats:
    """Check a user's amounts against the looks and the level."""
    if amounts.ndim != 1 or amounts.size < looks:
        raise ValueError(f"the amounts of user_spending have shape {amounts.shape}; they must be one a look, {looks}")
    used = amounts[:looks]
    if not (used >= 0).all() or (np.diff(used) < 0).any() or used.max() > level * (1 + 1e-9):
        raise ValueError(f"the amounts of user_spending are {used.tolist()}; they must rise from 0 or more up to {level}")
    return used
