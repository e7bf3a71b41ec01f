"""Following a trial: bounds at the information actually observed, whatever the plan expected.

Leaves the future of an undecided trial to `conditional`, and estimates after stopping to `inference`.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats
from oligami.stats.sequential.boundaries import Boundaries, assemble, log_spent_at, looks_apart
from oligami.stats.sequential.classical import Classical
from oligami.stats.sequential.solving import close_out, left_over, spend_alpha, spend_beta
from oligami.stats.sequential.spending import Spending

Decision = Literal["continue", "reject", "reject, other side", "futility", "not rejected"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Monitoring:
    """The looks a trial has had, their bounds and what they say."""

    boundaries: Boundaries  # of the looks so far; fractions there relate to the last of them
    planned: float  # information planned for the last look
    fraction: Floats  # information observed / planned, shape (k,)
    final: bool  # whether the last look so far ends the trial
    z: Floats  # observed, shape (k,); NaN when not given
    decision: tuple[Decision, ...]  # what each look says by itself; empty when no Z is given

    @property
    def stopped_at(self) -> int | None:
        """Number of the first look, from 1, that says anything but to continue; None when all do."""
        return next((k + 1 for k, word in enumerate(self.decision) if word != "continue"), None)

    def to_frame(self) -> Any:
        """Return the looks as a pandas DataFrame, one row a look."""
        return show.frame(self._columns())

    def summary(self) -> str:
        """Return the looks as a table of text."""
        columns = self._columns()
        rows = [
            [int(column[k]) if name == "look" else column[k] if name == "decision" else float(column[k])
             for name, column in columns.items()]
            for k in range(self.fraction.size)
        ]  # fmt: skip
        if self.stopped_at is not None:
            notes = [f"By its bounds the trial ended at look {self.stopped_at}: {self.decision[self.stopped_at - 1]}."]
        else:
            notes = ["The last look ends the trial." if self.final else "The trial goes on: alpha is left."]
        return show.table(f"Monitoring, planned information {show.number(self.planned)}", list(columns), rows, notes)

    def plot(self, ax: Any = None) -> Any:
        """Draw the bounds and the observed Z against the information and return the axes."""
        axes = self.boundaries.plot(ax)
        if not np.isnan(self.z).all():
            axes.plot(self.boundaries.information, self.z, marker="x", color="black", label="observed")
            axes.legend()
        return axes

    def _columns(self) -> dict[str, Any]:
        bounds = self.boundaries
        columns: dict[str, Any] = {
            "look": np.arange(1, bounds.looks + 1),
            "information": bounds.information,
            "fraction": self.fraction,
            "spending_time": bounds.spending_time,
            "alpha_spent": bounds.alpha_spent,
            "z_efficacy": bounds.z_efficacy,
            "z_futility": bounds.z_futility,
        }
        if (bounds.z_futility == -np.inf).all():
            columns.pop("z_futility")
        if self.decision:
            columns |= {"z": self.z, "decision": list(self.decision)}
        return columns


def monitor(
    plan: Boundaries,
    information: ArrayLike,
    z: ArrayLike | None = None,
    *,
    final: bool = False,
    futility: ArrayLike | None = None,
    events: bool = False,
    allocation_ratio: float = 1.0,
) -> Monitoring:
    """Recompute the bounds of a plan from the information observed at the looks so far, and judge the Z there.

    The level is spent by min(observed / planned, 1), and wholly at the last look; covariances follow the observed
    information. Looks may be skipped, added or moved. A look that reaches the planned information ends the trial;
    with `final` a look below it does too and takes all that is left (under-running). A family of fixed shape keeps
    its constant at interim looks, and its last bound takes what they left.

    Args:
        plan: the planned test; its last information is the planned one.
        information: observed at each look so far, shape (k,), in the plan's unit, more than 0 and increasing.
        z: at each look, shape (k,); None to see the bounds only.
        final: whether the last of these looks ends the trial.
        futility: futility bounds as Z, one a look, when the plan's are no spending function; by default the plan's
            of the same number.
        events: whether the information counts events, for hazard ratios at the bounds.
        allocation_ratio: as in `boundaries`.

    Raises:
        ValueError: the plan has no family (its bounds were given); a column is wrong; there are more looks than
            given futility bounds; a look follows one that reached the planned information; a family of fixed shape has
            spent all its level at added looks.

    Source: Lan and DeMets (1983, 1989); Jennison and Turnbull (2000), section 7.2. Futility bounds keep the plan's
    effect per unit of information.

    >>> from oligami.stats.sequential import boundaries, monitor, spending_obrien_fleming
    >>> plan = boundaries([51, 102, 153], alpha=0.05, efficacy=spending_obrien_fleming())
    >>> seen = monitor(plan, [48, 103, 141], [1.1, 1.9, 1.8], final=True)
    >>> seen.boundaries.z_efficacy.round(4).tolist(), seen.decision
    ([3.3099, 2.1261, 1.6843], ('continue', 'continue', 'reject'))
    """
    observed = looks_apart(information)
    count = observed.size
    planned = float(plan.information[-1])
    share = np.minimum(observed / planned, 1.0)
    if (share[:-1] >= 1).any():
        at = int(np.argmax(share >= 1))
        raise ValueError(
            f"information[{at}] is {observed[at]}, which reaches the planned {planned} and ends the trial; it must be the last"
        )
    ends = final or bool(share[-1] >= 1)
    if ends:
        share[-1] = 1.0
    fraction = observed / observed[-1]
    drift = plan.drift * math.sqrt(float(observed[-1]) / planned)
    log_alpha = None
    lower = np.full(count, -np.inf)
    symmetric = plan.sided == 2
    level = plan.alpha / plan.sided
    if plan.efficacy is None:
        raise ValueError("plan has bounds that were given; it must have a family to be moved to other information")
    if plan.futility is None:
        lower = _futility_by_look(plan, futility, count, ends)
    seen = lower if plan.binding else np.full(count, -np.inf)
    if isinstance(plan.efficacy, Spending):
        log_alpha = log_spent_at(plan.efficacy, share, level, np.ones(count, dtype=bool))
        upper = spend_alpha(fraction, log_alpha, seen, symmetric=symmetric)
    else:
        upper = _keep_shape(plan, plan.efficacy, observed / planned)
        if ends:
            upper = close_out(fraction, upper[:-1], seen, level, symmetric=symmetric)
        else:
            left_over(fraction, upper, seen, level, symmetric=symmetric)
    if plan.futility is not None:
        if futility is not None:
            raise ValueError("futility is given, but the plan's futility bounds follow a spending function")
        log_beta = log_spent_at(plan.futility, share, float(plan.beta or 0), np.ones(count, dtype=bool))
        together = log_alpha if log_alpha is not None else np.full(count, -np.inf)
        lower, upper, _ = spend_beta(fraction, drift, together, log_beta, upper=None if plan.binding else upper, closing=ends)
    elif ends and (lower > -np.inf).any():
        lower[-1] = upper[-1]
    values = np.full(count, np.nan) if z is None else arguments.numbers(z, "z")
    arguments.same_length(values.size, count, "z", "information")
    bounds = assemble(
        information=observed,
        spending_time=share,
        lower=lower,
        upper=upper,
        log_alpha=log_alpha,
        alpha=plan.alpha,
        sided=plan.sided,
        beta=plan.beta,
        binding=plan.binding,
        drift=drift,
        efficacy=plan.efficacy,
        futility=plan.futility,
        events=float(observed[-1]) if events else None,
        allocation_ratio=allocation_ratio,
        solve_drift=False,
    )
    return Monitoring(
        boundaries=bounds,
        planned=planned,
        fraction=arguments.frozen(observed / planned),
        final=ends,
        z=arguments.frozen(values),
        decision=() if z is None else tuple(_judge(bounds, k, float(v), ends) for k, v in enumerate(values)),
    )


def _judge(bounds: Boundaries, look: int, z: float, ends: bool) -> Decision:
    if z >= bounds.z_efficacy[look]:
        return "reject"
    if bounds.sided == 2 and z <= -bounds.z_efficacy[look]:
        return "reject, other side"
    if ends and look + 1 == bounds.looks:
        return "not rejected"
    return "futility" if z < bounds.z_futility[look] else "continue"


def _keep_shape(plan: Boundaries, family: Classical, fraction: Floats) -> Floats:
    """Return a family's bounds at other fractions of the planned information, with the constant the plan found."""
    if family.delta is None:
        return family.shape(fraction)
    return np.asarray(float(plan.z_efficacy[-1]) * family.shape(fraction))


def _futility_by_look(plan: Boundaries, given: ArrayLike | None, count: int, ends: bool) -> Floats:
    """Return futility bounds that are plain Z values, for the looks so far; the last look of the trial needs none."""
    lower = np.full(count, -np.inf)
    needed = count - 1 if ends else count
    if given is not None:
        values = np.asarray(given, dtype=np.float64)
        if plan.sided == 2 or values.ndim != 1 or values.size < needed or (values == np.inf).any():
            raise ValueError(f"futility is {given!r}; it must be one Z for each of {needed} interim looks of a one-sided test")
    elif (plan.z_futility > -np.inf).any():
        values = plan.z_futility[:-1]
        if values.size < needed:
            raise ValueError(f"the plan has {values.size} futility bounds for {needed} interim looks; give them by futility")
    else:
        return lower
    lower[:needed] = np.where(np.isnan(values[:needed]), -np.inf, values[:needed])
    return lower
