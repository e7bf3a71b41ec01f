"""Any one unknown of a fixed design from the others: power, subjects, accrual, follow-up or detectable hazard ratio."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, isfinite, log
from typing import Any

from oligami.stats import arguments, show
from oligami.stats.sizing.accrual import Accrual, uniform
from oligami.stats.sizing.assumptions import Assumptions, Dropout, assume
from oligami.stats.sizing.formulas import SampleSize, power_for, power_of, sample_size, standardized
from oligami.stats.sizing.hazards import TimeToEvent

# A search for a time goes on to so many times the longest known time or the control arm's own scale.
_DOUBLINGS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """A fixed design with nothing left open; `unknown` is what was solved for."""

    unknown: str
    hazard_ratio: float
    subjects: float
    power: float
    accrual_time: float
    accrual_rate: float  # mean, subjects per unit of time
    followup: float
    size: SampleSize
    assumptions: Assumptions

    def summary(self) -> str:
        """Return the design as text, the solved line marked."""
        names = ("power", "subjects", "hazard_ratio", "accrual_time", "accrual_rate", "followup")
        rows = [[name, getattr(self, name), "solved" if name == self.unknown else ""] for name in names]
        rows += [["events", self.size.events, ""], ["duration", self.size.duration, ""]]
        title = f"Design by {self.size.method}, alpha {show.number(self.size.alpha)}, sides {self.size.sides}"
        return show.table(title, ["", "value", ""], rows)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row."""
        names = ("unknown", "power", "subjects", "hazard_ratio", "accrual_time", "accrual_rate", "followup")
        columns: dict[str, list[Any]] = {name: [getattr(self, name)] for name in names}
        return show.frame(columns | {"events": [self.size.events], "duration": [self.size.duration]})


def solve(
    *,
    control: TimeToEvent,
    alpha: float,
    hazard_ratio: float | None = None,
    power: float | None = None,
    subjects: float | None = None,
    accrual_time: float | None = None,
    followup: float | None = None,
    accrual_rate: float | None = None,
    shape: Accrual | None = None,
    dropout: Dropout | tuple[Dropout, Dropout] = None,
    allocation: float = 1.0,
    sides: int = 1,
    method: str = "schoenfeld",
) -> Solution:
    """Return the design with its one unknown solved for.

    Leave out exactly one of `power`, `subjects`, `accrual_time`, `followup` and `hazard_ratio`. With an `accrual_rate`
    subjects and accrual time go together: give one of them and leave out another, or leave out both to solve for them.

    Args:
        control: time to the event in the control arm.
        alpha: size of the test.
        hazard_ratio: experimental to control; as an unknown the one nearest to 1, below it, that has the power.
        power: in (0, 1).
        subjects: in both arms.
        accrual_time: from the first to the last entry.
        followup: from the last entry to the analysis.
        accrual_rate: mean number of subjects per unit of time.
        shape: how entry is spread; stretched to the accrual time. Uniform by default.
        dropout: as `assume`.
        allocation: experimental subjects to one control subject.
        sides: 1 or 2.
        method: one of `sample_size`.

    Raises:
        ValueError: not exactly one is unknown, an argument is out of its range, or no value of the unknown has the power.

    Source: the method's formula; times and hazard ratio by Brent's root search.

    >>> from oligami.stats.sizing import exponential_through
    >>> base = exponential_through(0.45, at=5)
    >>> round(solve(control=base, alpha=0.05, hazard_ratio=0.704, subjects=268, accrual_time=3, followup=5).power, 4)
    0.706
    >>> round(solve(control=base, alpha=0.05, power=0.7, subjects=268, accrual_time=3, followup=5).hazard_ratio, 4)
    0.7061
    >>> round(solve(control=base, alpha=0.05, hazard_ratio=0.704, power=0.7, accrual_rate=90, followup=5).accrual_time, 3)
    2.939
    """
    known = {
        "power": power,
        "subjects": subjects,
        "accrual_time": accrual_time,
        "followup": followup,
        "hazard_ratio": hazard_ratio,
    }
    missing = [name for name, value in known.items() if value is None]
    if accrual_rate is not None:
        rate = arguments.number(accrual_rate, "accrual_rate", above=0)
        linked = [name for name in missing if name in ("subjects", "accrual_time")]
        if not linked:
            raise ValueError("accrual_rate is given with subjects and accrual_time; it must stand with at most one of them")
        missing = [name for name in missing if name not in linked] + (["accrual_time"] if len(linked) == 2 else [])
        if len(linked) == 1 and subjects is not None:
            accrual_time = subjects / rate
        elif len(linked) == 1 and accrual_time is not None:
            subjects = accrual_time * rate
    if len(missing) != 1:
        left = ", ".join(missing) or "nothing"
        raise ValueError(f"{left} is left out; exactly one of power, subjects, accrual_time, followup, hazard_ratio must be")
    (unknown,) = missing
    spread = uniform(1.0) if shape is None else shape
    wanted = 0.0 if power is None else arguments.level(power, "power")

    def trial(ratio: float, entry: float, after: float, n: float) -> Assumptions:
        return assume(
            control=control,
            hazard_ratio=ratio,
            accrual=spread.over(entry).with_subjects(n),
            followup=after,
            dropout=dropout,
            allocation=allocation,
        )

    def missed(assumptions: Assumptions, n: float) -> float:
        return power_for(standardized(assumptions, method), n, alpha=alpha, sides=sides) - wanted

    if accrual_time is not None:
        arguments.number(accrual_time, "accrual_time", above=0)
    if followup is not None:
        arguments.number(followup, "followup", at_least=0)
    ratio, entry, after = hazard_ratio or 0.0, accrual_time or 0.0, followup or 0.0
    n = 1.0 if subjects is None else subjects
    if unknown == "subjects":
        n = sample_size(trial(ratio, entry, after, 1.0), alpha=alpha, power=wanted, sides=sides, method=method).subjects
    elif unknown == "hazard_ratio":
        ratio = exp(_root(lambda x: missed(trial(exp(x), entry, after, n), n), log(1e-3), -1e-6, unknown))
    elif unknown == "followup":
        after = _time_with(lambda x: missed(trial(ratio, entry, x, n), n), 0.0, _scale(control, entry), unknown)
    elif unknown == "accrual_time":
        if accrual_rate is not None:
            rate = accrual_rate
            entry = _time_with(
                lambda x: missed(trial(ratio, x, after, rate * x), rate * x), 1e-9, _scale(control, after), unknown
            )
            n = rate * entry
        else:
            entry = _time_with(lambda x: missed(trial(ratio, x, after, n), n), 1e-9, _scale(control, after), unknown)
    final = trial(ratio, entry, after, n)
    size = power_of(final, alpha=alpha, sides=sides, method=method)
    return Solution(
        unknown=unknown,
        hazard_ratio=ratio,
        subjects=n,
        power=size.power,
        accrual_time=entry,
        accrual_rate=n / entry,
        followup=after,
        size=size,
        assumptions=final,
    )


def _scale(control: TimeToEvent, known: float) -> float:
    scale = control.median if isfinite(control.median) else control.horizon if isfinite(control.horizon) else 1.0
    return max(known, scale)


def _time_with(missed: Callable[[float], float], low: float, scale: float, unknown: str) -> float:
    """The time at which the power is as wanted; the search begins near and doubles its reach."""
    high = scale
    for _ in range(_DOUBLINGS):
        if missed(high) >= 0:
            break
        high *= 2
    return _root(missed, low, high, unknown)


def _root(missed: Callable[[float], float], low: float, high: float, unknown: str) -> float:
    """Where power less what is wanted is 0, between two values of the unknown on whose sides it lies."""
    from scipy.optimize import brentq

    ends = missed(low), missed(high)
    if ends[0] * ends[1] > 0:
        more = "exceeds" if ends[0] > 0 else "stays below"
        tried = (exp(low), exp(high)) if unknown == "hazard_ratio" else (low, high)
        raise ValueError(
            f"{unknown} has no solution from {tried[0]:.4g} to {tried[1]:.4g}, where the power {more} the one wanted;"
            " another argument must change"
        )
    return float(brentq(missed, low, high, xtol=1e-12, rtol=1e-12))
