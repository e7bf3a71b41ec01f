"""What a simulated trial is, in numbers: how people come, what happens to them, how they are allocated, when and how it is looked at.

A plan knows no names of a protocol, only positions: factors, levels and sites are counted from 0. Times are in months, rates
and hazards per month. Arm 0 is the control, arm 1 the experimental arm. `planning` makes a plan from a protocol and a
scenario; a statistician may write one by hand.
"""

from dataclasses import dataclass, field, fields
from enum import IntEnum
from itertools import pairwise
from typing import Literal

import numpy as np

from oligami.stats.arguments import Floats


class Test(IntEnum):
    """The tests a look may compute; their z is positive when it favours the experimental arm.

    LOGRANK: Mantel's test, hypergeometric variance. STRATIFIED: the same within the levels of the hazard factor, summed.
    WEIGHTED: Fleming-Harrington weights S(t-)^rho (1 - S(t-))^gamma of the pooled Kaplan-Meier curve, unstratified.
    COX: -coefficient / standard error of the Cox model with the arm as only covariate, stratified by the hazard factor,
        Efron's ties. RMST: difference of restricted means (arm 1 - arm 0) over its Greenwood-type error; the window ends at
        `rmst_months`, or at the earlier of the two arms' last observed times if that is before.
    MILESTONE: difference of the Kaplan-Meier curves at `milestone_months` over its Greenwood error.
    A test that is not defined at a look (no variance, an arm empty) has z = 0.
    """

    __test__ = False  # pytest must not take the name for one of its own

    LOGRANK = 0
    STRATIFIED = 1
    WEIGHTED = 2
    COX = 3
    RMST = 4
    MILESTONE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """When the data are cut for an analysis.

    Exactly one of the three is given:
    events: at the calendar time of this event among the randomized.
    calendar_months: so long after the first registration opened.
    after_last_months: so long after the last randomization.
    not_after_months: a calendar time at which an event-driven look is taken even if the events have not come; a look whose events
        never come is taken when the last subject has left (all data).
    """

    events: int | None = None
    calendar_months: float | None = None
    after_last_months: float | None = None
    not_after_months: float = np.inf

    def __post_init__(self) -> None:
        """Refuse a look that is given in no way or in several.

        Raises:
            ValueError: it is, or a number is not positive.
        """
        given = {"events": self.events, "calendar_months": self.calendar_months, "after_last_months": self.after_last_months}
        found = [name for name, value in given.items() if value is not None]
        if len(found) != 1:
            raise ValueError(f"a look gives exactly one of {', '.join(given)}; found: {', '.join(found) or 'none'}")
        if not 0 < float(given[found[0]] or 0) < np.inf or not self.not_after_months > 0:
            raise ValueError(
                f"look: {found[0]} is {given[found[0]]}, not_after_months {self.not_after_months}; "
                "expected both above 0, and the first finite"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimization:
    """Pocock and Simon's minimization for two arms 1:1, range of the marginal imbalances.

    weights: one a factor of the plan, shape (F,); 0 leaves the factor out. site_weight: of the site, 0 leaves it out.
    p_best: probability of the arm whose choice leaves less imbalance; a tie is drawn evenly.
    initial_simple: so many first subjects are drawn by a fair coin.

    Of a subject the imbalance counts are |n0 - n1 +- 1| at its levels: arm 0 is better if the weighted sum of
    |n0 + 1 - n1| over its levels is below that of |n0 - n1 - 1|. The arm is 0 if u < P(arm 0).
    Source: Pocock and Simon (1975), Biometrics 31, 103-115; the rule of `oligami.trial.allocation`.
    """

    p_best: float
    weights: tuple[float, ...]
    site_weight: float = 0.0
    initial_simple: int = 0


#: balanced: arms alternate by subject number, whatever the order of entry (for n even a random half each);
#: simple: a fair coin, arm 0 if u < 1/2.
Allocation = Minimization | Literal["balanced", "simple"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A trial to simulate. All arrays are float64 and read-only.

    subjects: first registrations, n.
    accrual_times, accrual_shares: the cumulative share of registrations by calendar time, piecewise linear: times from 0
        ascending, shares from 0 to 1, shapes (K,). Uniform over 36 months: (0, 36) and (0, 1).
    site_shares: shape (S,), sum 1; one site of share 1 where sites do not matter.
    factor_shares: one array a factor, shape (levels,), sum 1; factors are independent.
    hazard_factor: position of the factor whose level decides hazards, passing the gate, and strata of the stratified tests;
        None: one level.
    pass_shares: probability of reaching randomization, by level of the hazard factor, shape (H,).
    delay_months: (low, high) from first registration to randomization, uniform.
    randomized_limit: from the moment at which so many are randomized nobody is registered any more (those registered before
        may still be randomized); 0: no limit.
    pieces: starts of the pieces of the hazard in months since randomization, first 0, shape (P,).
    control_hazards: shape (H, P). hazard_ratios: of arm 1 against arm 0, shape (H, P).
    drop_out: hazard of loss to follow-up, by arm, shape (2,).
    crossover_rate: hazard at which subjects of arm 0 who live start the experimental therapy outside the trial.
    crossover_ratio: by which their control hazard is multiplied from then on.
    untreated_share: probability that a subject of arm 1 never gets its therapy and keeps the control hazard.
    looks: in order of time, which is demanded of looks of one kind; whether a look by calendar comes before one by events only the
        trial tells, and each is judged by its own bound in the order given. tests: which are computed; the first is the primary one, which decides about stopping.
    efficacy: z at or above which a test rejects, by look, shape (L,); inf: never at this look.
    futility: z at or below which the trial stops for futility, by look, shape (L,); -inf: never. Only the primary test.
    """

    subjects: int
    accrual_times: Floats
    accrual_shares: Floats
    pieces: Floats
    control_hazards: Floats
    hazard_ratios: Floats
    looks: tuple[Look, ...]
    tests: tuple[Test, ...]
    efficacy: Floats
    futility: Floats
    allocation: Allocation = "balanced"
    site_shares: Floats = field(default_factory=lambda: np.ones(1))
    factor_shares: tuple[Floats, ...] = ()
    hazard_factor: int | None = None
    pass_shares: Floats = field(default_factory=lambda: np.ones(1))
    delay_months: tuple[float, float] = (0.0, 0.0)
    randomized_limit: int = 0
    drop_out: Floats = field(default_factory=lambda: np.zeros(2))
    crossover_rate: float = 0.0
    crossover_ratio: float = 1.0
    untreated_share: float = 0.0
    weight_rho: float = 0.0
    weight_gamma: float = 1.0
    rmst_months: float = 60.0
    milestone_months: float = 60.0

    def __post_init__(self) -> None:
        """Make arrays read-only float64 columns, and refuse a plan that cannot be.

        Raises:
            ValueError: a number is out of its range or an array has another shape; all faults in one message.
        """
        for name in (part.name for part in fields(self)):
            value = getattr(self, name)
            if name in _ARRAYS:
                object.__setattr__(self, name, _column(value))
            elif name in _NUMBERS:
                object.__setattr__(self, name, float(value))
        object.__setattr__(self, "delay_months", tuple(map(float, self.delay_months)))
        object.__setattr__(self, "factor_shares", tuple(_column(shares) for shares in self.factor_shares))
        for name in ("looks", "tests"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        faults = list(_faults(self))
        if faults:
            raise ValueError("plan: " + "; ".join(faults))

    @property
    def levels(self) -> int:
        """Levels of the hazard factor, H."""
        return 1 if self.hazard_factor is None else int(self.factor_shares[self.hazard_factor].size)


_ARRAYS = frozenset(
    {
        "accrual_times", "accrual_shares", "pieces", "control_hazards", "hazard_ratios", "efficacy", "futility", "site_shares",
        "pass_shares", "drop_out",
    }
)  # fmt: skip


# One number written in several ways (1, 1.0, a number of numpy's) is one plan, with one digest.
_NUMBERS = frozenset(
    {"crossover_rate", "crossover_ratio", "untreated_share", "weight_rho", "weight_gamma", "rmst_months", "milestone_months"}
)


def _column(value: object) -> Floats:
    array = np.array(value, dtype=np.float64)
    array.flags.writeable = False
    return array


def _faults(plan: Plan) -> list[str]:
    found: list[str] = []

    def demand(holds: bool, name: str, expected: str) -> None:
        if not holds:
            found.append(f"{name} is {getattr(plan, name)!r}; expected {expected}")

    factors, looks = len(plan.factor_shares), len(plan.looks)
    demand(1 <= plan.subjects <= 1_000_000, "subjects", "1 to 1 000 000")
    times, shares = plan.accrual_times, plan.accrual_shares
    good = times.ndim == 1 and times.shape == shares.shape and times.size >= 2
    demand(
        good and times[0] == 0 and bool((np.diff(times) > 0).all()),
        "accrual_times",
        "times from 0, ascending, as many as accrual_shares",
    )
    demand(
        good and shares[0] == 0 and shares[-1] == 1 and bool((np.diff(shares) >= 0).all()),
        "accrual_shares",
        "shares from 0 up to 1",
    )
    demand(
        bool(plan.site_shares.size and (plan.site_shares >= 0).all() and np.isclose(plan.site_shares.sum(), 1)),
        "site_shares",
        "sum 1",
    )
    demand(
        all(s.size and (s >= 0).all() and np.isclose(s.sum(), 1) for s in plan.factor_shares),
        "factor_shares",
        "each factor's sum 1",
    )
    demand(plan.hazard_factor is None or 0 <= plan.hazard_factor < factors, "hazard_factor", "the position of a factor, or None")
    if found:
        return found
    shape = (plan.levels, plan.pieces.size)
    demand(
        bool(plan.pieces.size and plan.pieces[0] == 0 and (np.diff(plan.pieces) > 0).all()), "pieces", "starts from 0, ascending"
    )
    demand(plan.control_hazards.shape == shape and _is_rate(plan.control_hazards), "control_hazards", f"shape {shape}, 0 or more")
    demand(plan.hazard_ratios.shape == shape and _is_rate(plan.hazard_ratios), "hazard_ratios", f"shape {shape}, 0 or more")
    shares = plan.pass_shares
    demand(
        shares.shape == (plan.levels,) and bool(((shares >= 0) & (shares <= 1)).all()),
        "pass_shares",
        f"shape ({plan.levels},), 0 to 1",
    )
    demand(0 <= plan.delay_months[0] <= plan.delay_months[1] < np.inf, "delay_months", "0 <= low <= high")
    demand(plan.randomized_limit >= 0, "randomized_limit", "0 or more")
    demand(plan.drop_out.shape == (2,) and _is_rate(plan.drop_out), "drop_out", "two rates, 0 or more")
    demand(0 <= plan.crossover_rate < np.inf, "crossover_rate", "0 or more")
    demand(0 < plan.crossover_ratio < np.inf, "crossover_ratio", "above 0")
    demand(0 <= plan.untreated_share <= 1, "untreated_share", "0 to 1")
    demand(looks >= 1, "looks", "one at least")
    demand(
        _in_order(plan.looks),
        "looks",
        "looks in order of time: neither events nor months may fall from one to the next",
    )
    demand(len(plan.tests) >= 1 and len(set(plan.tests)) == len(plan.tests), "tests", "one at least, none twice")
    for name in ("efficacy", "futility"):
        bounds = getattr(plan, name)
        demand(bounds.shape == (looks,) and not np.isnan(bounds).any(), name, f"one z a look, {looks}")
    demand(0 <= plan.weight_rho < np.inf, "weight_rho", "0 or more")
    demand(0 <= plan.weight_gamma < np.inf, "weight_gamma", "0 or more")
    demand(plan.rmst_months > 0, "rmst_months", "above 0")
    demand(plan.milestone_months > 0, "milestone_months", "above 0")
    endless = any(look.events is not None and look.not_after_months == np.inf for look in plan.looks)
    demand(
        bool(found) or not endless or not _some_never_leave(plan),
        "looks",
        "a finite not_after_months of every look by events, for some subjects never die nor leave",
    )
    rule = plan.allocation
    if isinstance(rule, Minimization):
        fits = len(rule.weights) == factors and min((*rule.weights, rule.site_weight, rule.initial_simple)) >= 0
        demand(fits and 0.5 <= rule.p_best <= 1, "allocation", f"{factors} weights of 0 or more, p_best from 0.5 to 1")
    else:
        demand(rule in ("balanced", "simple"), "allocation", "balanced, simple or a Minimization")
    return found


def _in_order(looks: tuple[Look, ...]) -> bool:
    """Say whether looks of each kind ascend; looks of different kinds cannot be compared before a trial has run."""
    for name in ("events", "calendar_months", "after_last_months"):
        alike = [look for look in looks if getattr(look, name) is not None]
        for one, other in pairwise(alike):
            if getattr(one, name) > getattr(other, name):
                return False
    return True


def _is_rate(values: Floats) -> bool:
    return bool(((values >= 0) & np.isfinite(values)).all())


def _some_never_leave(plan: Plan) -> bool:
    """Say whether anybody can stay for ever: the last piece of a hazard is 0, and so is the arm's drop-out."""
    last = plan.control_hazards[:, -1]
    ends = ((last == 0).any(), (last * plan.hazard_ratios[:, -1] == 0).any())
    return any(bool(end) and plan.drop_out[arm] == 0 for arm, end in enumerate(ends))
