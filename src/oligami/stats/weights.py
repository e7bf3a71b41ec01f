"""What an event counts in a log-rank test, by when it happens: Fleming-Harrington and the other weights.

A weight is named by a word, or is one of the classes here with its numbers. Leaves the tests to `comparison` and
`combination`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal, TypeGuard, get_args

import numpy as np

from oligami.stats.arguments import Floats

NamedWeight = Literal["logrank", "gehan-breslow", "tarone-ware", "peto-peto", "modified-peto-peto"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlemingHarrington:
    """Weight S(t-)^rho (1 - S(t-))^gamma, S the pooled Kaplan-Meier curve; (0, 1) looks at late events.

    Raises:
        ValueError: `rho` or `gamma` is negative or not finite.

    Source: Fleming and Harrington (1991), Counting Processes and Survival Analysis, chapter 7.
    """

    rho: float
    gamma: float

    def __post_init__(self) -> None:
        for name, value in (("rho", self.rho), ("gamma", self.gamma)):
            if not (isfinite(value) and value >= 0):
                raise ValueError(f"{name} is {value!r}; it must be a finite number, 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModestlyWeighted:
    """Weight 1 / max(S(t-), s), rising until the pooled Kaplan-Meier curve S has fallen to s and constant from there.

    Give either `t_star`, a time in the unit of the times, for s = S(t_star), or `s_star` for s itself, in (0, 1].
    With t_star = 0, or s_star = 1, it is the log-rank test.

    Raises:
        ValueError: neither or both are given, or one is out of range.

    Source: Magirr and Burman (2019), Statistics in Medicine 38, 3782-3790. S(t_star) is the curve at that time itself,
    a step that falls on it included; programs that read S(t-) at the last event up to it differ by that one step.
    """

    t_star: float | None = None
    s_star: float | None = None

    def __post_init__(self) -> None:
        if (self.t_star is None) == (self.s_star is None):
            raise ValueError(f"t_star is {self.t_star!r} and s_star is {self.s_star!r}; exactly one must be given")
        if self.t_star is not None and not (isfinite(self.t_star) and self.t_star >= 0):
            raise ValueError(f"t_star is {self.t_star!r}; it must be a finite number, 0 or more")
        if self.s_star is not None and not 0 < self.s_star <= 1:
            raise ValueError(f"s_star is {self.s_star!r}; it must be more than 0 and at most 1")


Weight = NamedWeight | FlemingHarrington | ModestlyWeighted


def chosen(weight: Weight | Sequence[float], argument: str = "weight") -> Weight:
    """Return a weight given as a word, as one of the classes, or as the pair (rho, gamma) of Fleming and Harrington.

    Raises:
        ValueError: it is none of them.

    >>> chosen((0, 1))
    FlemingHarrington(rho=0.0, gamma=1.0)
    """
    if isinstance(weight, (FlemingHarrington, ModestlyWeighted)) or _is_named(weight):
        return weight
    pair: list[object] = [] if isinstance(weight, str) else np.atleast_1d(np.asarray(weight, dtype=object)).tolist()
    powers = [float(power) for power in pair if isinstance(power, (int, float, np.integer, np.floating))]
    if len(pair) == len(powers) == 2:
        return FlemingHarrington(rho=powers[0], gamma=powers[1])
    words = ", ".join(get_args(NamedWeight))
    raise ValueError(
        f"{argument} is {weight!r}; it must be one of {words}, a FlemingHarrington, a ModestlyWeighted, or a pair (rho, gamma)"
    )


def label_of(weight: Weight) -> str:
    """Say in a word or two which weight it is.

    >>> label_of(FlemingHarrington(rho=0, gamma=1)), label_of(ModestlyWeighted(t_star=6))
    ('G(0, 1)', 'modestly weighted, t* = 6')
    """
    match weight:
        case FlemingHarrington(rho=rho, gamma=gamma):
            return f"G({rho:g}, {gamma:g})"
        case ModestlyWeighted(t_star=None, s_star=s):
            return f"modestly weighted, s* = {s:g}"
        case ModestlyWeighted(t_star=t):
            return f"modestly weighted, t* = {t:g}"
        case word:
            return word


def weights_at(weight: Weight, moments: Floats, deaths: Floats, at_risk: Floats) -> Floats:
    """Evaluate a weight at the moments of a stratum.

    Args:
        weight: which.
        moments: times at which events happened, ascending, shape (m,).
        deaths: events at each, all groups together, shape (m,), > 0.
        at_risk: subjects under observation just before each, all groups together, shape (m,).

    Returns:
        The weights, shape (m,), each 0 or more.

    Raises:
        ValueError: a modest weight is not defined because the curve it divides by has fallen to 0, which takes late
            entries.

    Source: Klein and Moeschberger (2003), section 7.3, for the named weights: n at risk (Gehan and Breslow), its
    square root (Tarone and Ware), the Peto and Peto curve S~(t) that falls by 1 - d / (n + 1), and S~(t) n / (n + 1)
    (Andersen).

    >>> weights_at("tarone-ware", np.array([1.0, 2.0]), np.ones(2), np.array([9.0, 4.0]))
    array([3., 2.])
    """
    match weight:
        case "logrank":
            return np.ones(moments.size)
        case "gehan-breslow":
            return at_risk
        case "tarone-ware":
            return np.asarray(np.sqrt(at_risk))
        case "peto-peto":
            return _peto_curve(deaths, at_risk)
        case "modified-peto-peto":
            return _peto_curve(deaths, at_risk) * at_risk / (at_risk + 1)
        case FlemingHarrington(rho=0, gamma=0):
            return np.ones(moments.size)
        case FlemingHarrington(rho=rho, gamma=gamma):
            before = np.append(1.0, np.cumprod((at_risk - deaths) / at_risk))[:-1]
            return np.asarray(before**rho * (1 - before) ** gamma)
        case ModestlyWeighted(t_star=t_star, s_star=s_star):
            curve = np.append(1.0, np.cumprod((at_risk - deaths) / at_risk))
            floor = s_star if t_star is None else curve[np.searchsorted(moments, t_star, side="right")]
            divisor = np.maximum(curve[:-1], np.float64(floor))
            if (divisor == 0).any():
                raise ValueError(
                    f"weight is {label_of(weight)}; it must divide by more than 0, but everyone under observation had died before"
                    f" time {moments[int(np.argmax(divisor == 0))]:g} and others entered later: give s_star"
                )
            return np.asarray(1 / divisor)


def _peto_curve(deaths: Floats, at_risk: Floats) -> Floats:
    return np.asarray(np.cumprod(1 - deaths / (at_risk + 1)))


def _is_named(weight: object) -> TypeGuard[NamedWeight]:
    return isinstance(weight, str) and weight in get_args(NamedWeight)
