"""Survival of two groups compared at one time, the milestone, on a chosen scale.

Leaves curves to `survival` and comparisons over the whole curve to `comparison`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats, Ints, Label
from oligami.stats.comparison import compared
from oligami.stats.survival import kaplan_meier

MilestoneScale = Literal["plain", "log", "log-log", "logit", "arcsine"]
_RATIOS = {"log": "survival ratio", "log-log": "cumulative hazard ratio", "logit": "odds ratio of survival"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MilestoneResult:
    """Survival of the second group against the first at time `t`; arrays in the order of `groups`.

    `effect` is g(S of the second) - g(S of the first) on the scale g, with its normal interval. `z` is positive when
    the second group does better, whatever the scale, and `p_one_sided` is small then. Where a curve is at 1 or 0 and
    the scale has no value there, or there is no error to divide by, the numbers concerned are NaN.
    """

    groups: tuple[Label, Label]
    t: float
    scale: MilestoneScale
    n_risk: Ints  # under observation just before t
    surv: Floats
    std_err: Floats  # Greenwood
    difference: float  # of the two survivals, on any scale
    effect: float
    effect_std_err: float
    lower: float
    upper: float
    z: float
    p_one_sided: float
    p_two_sided: float
    conf_level: float

    def ratio(self) -> tuple[float, float, float]:
        """Return the effect of a logarithmic scale as a ratio of the second group to the first, with its limits.

        On "log" it is that of survivals, on "log-log" of cumulative hazards (below 1 favours the second), on "logit"
        of odds of survival.

        Raises:
            ValueError: the scale is plain or arcsine.
        """
        if self.scale not in _RATIOS:
            raise ValueError(f"scale is {self.scale!r}; for a ratio it must be one of {', '.join(_RATIOS)}")
        return float(np.exp(self.effect)), float(np.exp(self.lower)), float(np.exp(self.upper))

    def summary(self) -> str:
        """Show survival by group and the comparison as lines of text."""
        rows = [
            [label, int(n), float(s), float(e)]
            for label, n, s, e in zip(self.groups, self.n_risk, self.surv, self.std_err, strict=True)
        ]
        value, lower, upper = self.ratio() if self.scale in _RATIOS else (self.effect, self.lower, self.upper)
        name = _RATIOS.get(self.scale, "difference" if self.scale == "plain" else "difference of arcsin sqrt S")
        shown = f"{show.number(value)}, {100 * self.conf_level:g} % CI {show.number(lower)} to {show.number(upper)}"
        notes = [
            f"{name} {shown}",
            f"z {show.number(self.z)} (positive favours {self.groups[1]}), p two-sided {show.number(self.p_two_sided)}",
        ]
        return show.table(
            f"Survival at {self.t:g}, {self.scale} scale", ["group", "at risk", "survival", "std. error"], rows, notes
        )

    def to_frame(self) -> Any:
        """Return a data frame with one row, the comparison."""
        names = ("t", "scale", "difference", "effect", "effect_std_err", "lower", "upper", "z", "p_one_sided", "p_two_sided")
        return show.frame({name: [getattr(self, name)] for name in names})


def milestone_difference(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    t: float,
    *,
    scale: MilestoneScale = "plain",
    groups: Sequence[Label] | None = None,
    entry: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> MilestoneResult:
    """Compare the survival of two groups at one time fixed beforehand.

    Args:
        time: end of observation, shape (n,), >= 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,).
        group: label of each subject's group, shape (n,); both groups occur.
        t: the milestone, > 0, in the unit of time.
        scale: what is compared: survival itself, its logarithm, log(-log S), its log odds, or arcsin sqrt S. With few
            subjects the test keeps its level best on "log-log".
        groups: the two groups, control before experimental; by default sorted.
        entry: late entries, shape (n,), as in `kaplan_meier`.
        conf_level: in (0, 1).

    Raises:
        ValueError: a column or number is refused; there are not two groups with subjects; in a group the curve is
            still above 0 when its follow-up ends before `t`, so that nothing is known there.

    Source: Klein, Logan, Harhoff and Andersen (2007), Statistics in Medicine 26, 4505-4519; variances by the delta
    method from Greenwood's.

    >>> time, event = [3, 5, 8, 9, 12, 4, 9, 11, 14, 15], [1, 1, 1, 0, 0, 1, 0, 1, 0, 0]
    >>> result = milestone_difference(time, event, ["A"] * 5 + ["B"] * 5, 10, scale="log-log")
    >>> round(result.difference, 3), round(result.z, 3)
    (0.4, 1.211)
    """
    data = compared(time, event, group, groups=groups, entry=entry)
    if len(data.groups) != 2 or len(set(data.codes.tolist())) != 2:
        raise ValueError(f"groups are {data.groups!r}; they must be two, with subjects in each")
    arguments.number(t, "t", above=0)
    if scale not in get_args(MilestoneScale):
        raise ValueError(f"scale is {scale!r}; it must be one of {', '.join(get_args(MilestoneScale))}")
    quantile = float(ndtri(0.5 + arguments.level(conf_level) / 2))

    surv, std_err, n_risk = np.empty(2), np.empty(2), np.empty(2, dtype=np.int64)
    for g in (0, 1):
        inside = data.codes == g
        curve = kaplan_meier(data.end[inside], data.had_event[inside], entry=None if data.entry is None else data.entry[inside])
        if t > curve.time[-1] and curve.surv[-1] > 0:
            raise ValueError(
                f"t is {t!r}; it must be at most {curve.time[-1]:g}, the last time observed in group {data.groups[g]!r}"
            )
        point = curve.at([t])
        surv[g], std_err[g], n_risk[g] = point.surv[0], point.std_err[0], point.n_risk[0]

    value, slope = _transformed(surv, scale)
    effect = float(value[1] - value[0])
    error = float(np.hypot(*(slope * std_err)))
    # log(-log S) falls while S rises; z keeps to one direction.
    z = (-effect if scale == "log-log" else effect) / error if error > 0 else float("nan")
    return MilestoneResult(
        groups=(data.groups[0], data.groups[1]),
        t=float(t),
        scale=scale,
        n_risk=arguments.frozen(n_risk),
        surv=arguments.frozen(surv),
        std_err=arguments.frozen(std_err),
        difference=float(surv[1] - surv[0]),
        effect=effect,
        effect_std_err=error,
        lower=effect - quantile * error,
        upper=effect + quantile * error,
        z=z,
        p_one_sided=float(ndtr(-z)),
        p_two_sided=float(2 * ndtr(-abs(z))),
        conf_level=conf_level,
    )


def _transformed(surv: Floats, scale: MilestoneScale) -> tuple[Floats, Floats]:
    """Value and absolute slope of the scale at each survival; NaN where it has none."""
    s = np.where((surv > 0) & (surv < 1), surv, np.nan)
    match scale:
        case "plain":
            return surv, np.ones(2)
        case "log":
            positive = np.where(surv > 0, surv, np.nan)
            return np.log(positive), 1 / positive
        case "log-log":
            return np.log(-np.log(s)), -1 / (s * np.log(s))
        case "logit":
            return np.log(s / (1 - s)), 1 / (s * (1 - s))
        case "arcsine":
            return np.arcsin(np.sqrt(surv)), 1 / (2 * np.sqrt(s * (1 - s)))
