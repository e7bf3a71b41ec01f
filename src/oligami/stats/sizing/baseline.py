"""Subjects and power against the survival assumed for the control arm, when a trial states the difference but not that.

One table over baselines and methods, and the power of a given number of subjects against the baseline.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats, Ints
from oligami.stats.sizing.accrual import Accrual
from oligami.stats.sizing.assumptions import Assumptions, Dropout, assume
from oligami.stats.sizing.formulas import METHODS, power_of, rounded_up, sample_size
from oligami.stats.sizing.hazards import exponential_through
from oligami.stats.sizing.milestone import (
    events_over_milestone_probability,
    kaplan_meier_at_milestone,
    two_binomials,
    two_binomials_arcsine,
)

AT_MILESTONE: Mapping[str, Callable[..., float]] = {
    "schoenfeld_milestone": events_over_milestone_probability,
    "freedman_milestone": partial(events_over_milestone_probability, formula="freedman"),
    "two_binomials": two_binomials,
    "two_binomials_arcsine": two_binomials_arcsine,
    "kaplan_meier_milestone": kaplan_meier_at_milestone,
}
ALL_METHODS = (*METHODS, *AT_MILESTONE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BaselineTable:
    """Subjects by survival of the control arm; arrays of shape (m,), one value a baseline."""

    milestone: float
    alpha: float
    power: float
    sides: int
    survival_control: Floats  # at the milestone
    survival_experimental: Floats
    hazard_ratio: Floats
    events: Mapping[str, Floats]  # by method; those at a milestone count no events
    subjects: Mapping[str, Floats]  # by method, not rounded
    subjects_rounded: Mapping[str, Ints]  # by method, each arm rounded up

    def matching(self, subjects: int) -> dict[str, Floats]:
        """Return for each method the baselines at which it gives exactly this number, arms rounded up."""
        return {name: self.survival_control[found == subjects] for name, found in self.subjects_rounded.items()}

    def summary(self) -> str:
        """Return the rounded numbers as a table: a baseline a row, a method a column."""
        heads = ["control", "experimental", "HR", *self.subjects_rounded]
        rows = [
            [float(self.survival_control[i]), float(self.survival_experimental[i]), float(self.hazard_ratio[i])]
            + [int(column[i]) for column in self.subjects_rounded.values()]
            for i in range(self.survival_control.size)
        ]
        title = f"Subjects by survival at {show.number(self.milestone)}, each arm rounded up"
        note = f"power {show.number(self.power)}, alpha {show.number(self.alpha)}, sides {self.sides}"
        return show.table(title, heads, rows, (note,))

    def to_frame(self) -> Any:
        """Return a pandas DataFrame, one row a baseline; subjects by method, not rounded."""
        columns: dict[str, ArrayLike] = {
            "survival_control": self.survival_control,
            "survival_experimental": self.survival_experimental,
            "hazard_ratio": self.hazard_ratio,
        }
        return show.frame(columns | dict(self.subjects))

    def plot(self, ax: Any = None) -> Any:
        """Draw subjects against the control arm's survival, a line a method; return the axes."""
        axes = show.axes(ax)
        for i, (name, column) in enumerate(self.subjects.items()):
            # Colours repeat after ten; methods that look at the milestone only are dashed.
            dashed = name in AT_MILESTONE
            axes.plot(self.survival_control, column, label=name, linestyle="--" if dashed else "-", color=f"C{i % 10}")
        axes.set_xlabel(f"control survival at {show.number(self.milestone)}")
        axes.set_ylabel("subjects")
        axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
        return axes


def baseline_table(
    survival_control: ArrayLike,
    *,
    difference: float,
    milestone: float,
    accrual: Accrual,
    followup: float,
    alpha: float,
    power: float,
    sides: int = 1,
    allocation: float = 1.0,
    dropout: Dropout | tuple[Dropout, Dropout] = None,
    methods: tuple[str, ...] = ALL_METHODS,
) -> BaselineTable:
    """Return the subjects needed to detect a difference in survival, for every assumed survival of the control arm.

    Survival is exponential through its value at the milestone in both arms.

    Args:
        survival_control: baselines, shape (m,), in (0, 1).
        difference: survival at the milestone of the experimental arm less that of the control arm.
        milestone: time of the survival, > 0.
        accrual: entry of both arms.
        followup: from the last entry to the analysis.
        alpha: size of the test.
        power: in (0, 1).
        sides: 1 or 2.
        allocation: experimental subjects to one control subject.
        dropout: as `assume`; with drop-out leave out `collett_simpson` and `freedman_midpoint`, which know none.
        methods: those of `sample_size`, and at the milestone `schoenfeld_milestone`, `freedman_milestone`,
            `two_binomials`, `two_binomials_arcsine`, `kaplan_meier_milestone`.

    Raises:
        ValueError: an argument is out of its range, or there is no such method.

    Source: as the methods'.

    >>> from oligami.stats.sizing import uniform
    >>> table = baseline_table([0.40, 0.45, 0.50], difference=0.12, milestone=5, accrual=uniform(3), followup=5,
    ...                        alpha=0.05, power=0.7, methods=("schoenfeld", "freedman", "lachin_foulkes"))
    >>> print(table.summary())
    Subjects by survival at 5, each arm rounded up
    control  experimental      HR  schoenfeld  freedman  lachin_foulkes
        0.4          0.52  0.7137         264       268             266
       0.45          0.57   0.704         264       270             268
        0.5          0.62  0.6897         260       266             264
    power 0.7, alpha 0.05, sides 1
    >>> table.matching(268)["lachin_foulkes"].tolist()
    [0.45]
    """
    base = arguments.numbers(survival_control, "survival_control")
    unknown = [name for name in methods if name not in ALL_METHODS]
    if not methods:
        raise ValueError(f"methods is empty; it must hold at least one of {', '.join(ALL_METHODS)}")
    if unknown:
        raise ValueError(f"methods hold {unknown[0]!r}; they must be among {', '.join(ALL_METHODS)}")
    _shares(base, "survival_control")
    other = _shifted(base, difference)
    subjects: dict[str, Floats] = {name: np.empty(base.size) for name in methods}
    events: dict[str, Floats] = {name: np.empty(base.size) for name in methods if name in METHODS}
    ratio = np.empty(base.size)
    for i, (s0, s1) in enumerate(zip(base.tolist(), other.tolist(), strict=True)):
        trial = _trial(s0, s1, milestone, accrual, followup, allocation, dropout)
        ratio[i] = np.log(s1) / np.log(s0)
        for name in methods:
            if name in METHODS:
                found = sample_size(trial, alpha=alpha, power=power, sides=sides, method=name)
                subjects[name][i], events[name][i] = found.subjects, found.events
            else:
                rule = AT_MILESTONE[name]
                subjects[name][i] = rule(s0, s1, alpha=alpha, power=power, sides=sides, allocation=allocation)
    q1 = allocation / (1 + allocation)
    rounded = {
        name: np.array([rounded_up(n * (1 - q1)) + rounded_up(n * q1) for n in column.tolist()])
        for name, column in subjects.items()
    }
    return BaselineTable(
        milestone=milestone,
        alpha=alpha,
        power=power,
        sides=sides,
        survival_control=arguments.frozen(base),
        survival_experimental=arguments.frozen(other),
        hazard_ratio=arguments.frozen(ratio),
        events={name: arguments.frozen(column) for name, column in events.items()},
        subjects={name: arguments.frozen(column) for name, column in subjects.items()},
        subjects_rounded={name: arguments.frozen(column) for name, column in rounded.items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BaselinePower:
    """Power by survival of the control arm; arrays of shape (m,)."""

    milestone: float
    subjects: float
    alpha: float
    sides: int
    method: str
    survival_control: Floats
    survival_experimental: Floats
    hazard_ratio: Floats
    events: Floats
    power: Floats

    def summary(self) -> str:
        """Return the power as a table."""
        columns = [self.survival_control, self.survival_experimental, self.hazard_ratio, self.events, self.power]
        rows = list(zip(*(column.tolist() for column in columns), strict=True))
        title = f"Power of {show.number(self.subjects)} subjects by survival at {show.number(self.milestone)} ({self.method})"
        return show.table(title, ["control", "experimental", "HR", "events", "power"], rows)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame, one row a baseline."""
        names = ("survival_control", "survival_experimental", "hazard_ratio", "events", "power")
        return show.frame({name: getattr(self, name) for name in names})

    def plot(self, ax: Any = None) -> Any:
        """Draw the power against the control arm's survival; return the axes."""
        axes = show.axes(ax)
        axes.plot(self.survival_control, self.power, label=f"{show.number(self.subjects)} subjects")
        axes.set_xlabel(f"control survival at {show.number(self.milestone)}")
        axes.set_ylabel("power")
        axes.legend()
        return axes


def baseline_power(
    survival_control: ArrayLike,
    *,
    subjects: float,
    milestone: float,
    accrual: Accrual,
    followup: float,
    alpha: float,
    difference: float | None = None,
    hazard_ratio: float | None = None,
    sides: int = 1,
    allocation: float = 1.0,
    dropout: Dropout | tuple[Dropout, Dropout] = None,
    method: str = "lakatos",
) -> BaselinePower:
    """Return the power of a number of subjects for every assumed survival of the control arm.

    Args:
        survival_control: baselines, shape (m,), in (0, 1).
        subjects: in both arms, > 0.
        milestone: time of the survival, > 0.
        accrual: entry of both arms; only its shape counts.
        followup: from the last entry to the analysis.
        alpha: size of the test.
        difference: in survival at the milestone; this or `hazard_ratio`.
        hazard_ratio: experimental to control, the same at every baseline.
        sides: 1 or 2.
        allocation: experimental subjects to one control subject.
        dropout: as `assume`.
        method: one of `sample_size`.

    Raises:
        ValueError: an argument is out of its range, or not exactly one of `difference` and `hazard_ratio` is given.

    Source: as the method's.

    >>> from oligami.stats.sizing import uniform
    >>> found = baseline_power([0.40, 0.45, 0.50], subjects=268, difference=0.12, milestone=5, accrual=uniform(3),
    ...                        followup=5, alpha=0.05)
    >>> found.power.round(4).tolist()
    [0.7075, 0.7047, 0.7104]
    """
    base = arguments.numbers(survival_control, "survival_control")
    _shares(base, "survival_control")
    if (difference is None) == (hazard_ratio is None):
        raise ValueError("difference and hazard_ratio are both given or both absent; exactly one must be given")
    if difference is not None:
        other = _shifted(base, difference)
    else:
        other = base ** arguments.number(hazard_ratio if hazard_ratio is not None else np.nan, "hazard_ratio", above=0)
    found = [
        power_of(
            _trial(s0, s1, milestone, accrual, followup, allocation, dropout),
            alpha=alpha,
            sides=sides,
            method=method,
            subjects=subjects,
        )
        for s0, s1 in zip(base.tolist(), other.tolist(), strict=True)
    ]
    return BaselinePower(
        milestone=milestone,
        subjects=arguments.number(subjects, "subjects", above=0),
        alpha=alpha,
        sides=sides,
        method=method,
        survival_control=arguments.frozen(base),
        survival_experimental=arguments.frozen(other),
        hazard_ratio=arguments.frozen(np.log(other) / np.log(base)),
        events=arguments.frozen(np.array([one.events for one in found])),
        power=arguments.frozen(np.array([one.power for one in found])),
    )


def _shares(values: Floats, argument: str) -> None:
    for j, value in enumerate(values.tolist()):
        arguments.level(value, f"{argument}[{j}]")


def _shifted(base: Floats, difference: float) -> Floats:
    """Survival of the experimental arm, which must be possible at every baseline."""
    other = base + arguments.number(difference, "difference")
    wrong = (other <= 0) | (other >= 1)
    if wrong.any():
        at = float(base[np.argmax(wrong)])
        raise ValueError(f"difference is {difference!r}; with control survival {at:g} the other must lie between 0 and 1")
    return other


def _trial(
    control: float,
    experimental: float,
    milestone: float,
    accrual: Accrual,
    followup: float,
    allocation: float,
    dropout: Dropout | tuple[Dropout, Dropout],
) -> Assumptions:
    return assume(
        control=exponential_through(control, at=milestone),
        experimental=exponential_through(experimental, at=milestone),
        accrual=accrual,
        followup=followup,
        allocation=allocation,
        dropout=dropout,
    )
