"""Group-sequential boundaries from information times, an error level and a family of bounds.

Leaves what the boundaries do under an effect to `characteristics`, and information that came out otherwise than planned
to `monitoring`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats
from oligami.stats.sequential.classical import Classical
from oligami.stats.sequential.effect import hazard_ratio_of_z
from oligami.stats.sequential.recursion import LOWER, UPPER, crossing, layers
from oligami.stats.sequential.solving import (
    close_out,
    drift_of_power,
    log_increments,
    normal_score,
    one_sided_p,
    rising_root,
    scale_shape,
    spend_alpha,
    spend_beta,
)
from oligami.stats.sequential.spending import Spending

Flags = NDArray[np.bool_]

CLOSEST = 1e-6  # shares of the information nearer to each other than this count as one look
_LEAST_BETA = 1e-12  # of less, one less it has lost its digits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Boundaries:
    """The boundaries of a group-sequential test; arrays in the order of the looks, shape (k,).

    At a look the trial stops for efficacy when Z >= z_efficacy, for futility when Z < z_futility; a two-sided test also
    rejects when Z <= -z_efficacy. Infinite bounds stand for no such look.
    """

    information: Floats  # as given: events, Fisher information or fractions
    fraction: Floats  # information / that of the last look
    spending_time: Floats  # share of the trial by which errors are spent
    z_efficacy: Floats
    z_futility: Floats
    p_efficacy: Floats  # one-sided nominal p value at the efficacy bound
    alpha_spent: Floats  # cumulative, both sides together; by the efficacy bounds alone unless futility is binding
    beta_spent: Floats  # cumulative probability under `drift` to stop without rejection; NaN without beta
    hr_efficacy: Floats  # hazard ratio at the bounds; NaN without events
    hr_futility: Floats
    alpha: float
    sided: int
    beta: float | None
    binding: bool
    drift: float  # mean of Z at the last look under the effect of which the plan's power is 1 - beta; NaN without beta
    # Information of the last look / that of the fixed test of the same power; NaN without beta, and under way.
    inflation: float
    efficacy: Spending | Classical | None  # the family; None when the bounds themselves were given
    futility: Spending | None

    @property
    def looks(self) -> int:
        """Number of looks."""
        return int(self.fraction.size)

    def continuation(self, *, honour_futility: bool = True) -> tuple[Floats, Floats]:
        """Return the bounds between which the trial goes on: lower, upper."""
        if self.sided == 2:
            return -self.z_efficacy, self.z_efficacy
        return (self.z_futility if honour_futility else np.full(self.looks, -np.inf)), self.z_efficacy

    def to_frame(self) -> Any:
        """Return the looks as a pandas DataFrame, one row a look."""
        return show.frame({name: column for name, column in self._columns().items() if not np.isnan(column).all()})

    def summary(self) -> str:
        """Return the boundaries as a table of text."""
        columns = {name: c for name, c in self._columns().items() if name != "spending_time" and not np.isnan(c).all()}
        if (self.z_futility == -np.inf).all():
            columns.pop("z_futility")
            columns.pop("hr_futility", None)
        rows = [[k + 1, *(float(column[k]) for column in columns.values())] for k in range(self.looks)]
        side = "one-sided" if self.sided == 1 else "two-sided"
        notes = []
        if (self.z_futility > -np.inf).any():
            notes.append(f"Futility bounds are {'binding' if self.binding else 'not binding'}.")
        if not math.isnan(self.inflation):
            notes.append(
                f"Power {show.number(1 - float(self.beta_spent[-1]))} at drift {show.number(self.drift)}; "
                f"information {show.number(self.inflation)} times that of a fixed test."
            )
        return show.table(f"Group-sequential test, {side} level {show.number(self.alpha)}", ["look", *columns], rows, notes)

    def plot(self, ax: Any = None) -> Any:
        """Draw the bounds of Z against the information and return the axes."""
        axes = show.axes(ax)
        for bound, words, colour in (
            (self.z_efficacy, "efficacy", "C0"),
            (self.z_futility, "futility", "C3"),
            (-self.z_efficacy if self.sided == 2 else np.full(self.looks, np.nan), "efficacy, other side", "C0"),
        ):
            there = np.isfinite(bound)
            if there.any():
                axes.plot(self.information[there], bound[there], marker="o", color=colour, label=words)
        axes.set_xlabel("information")
        axes.set_ylabel("Z")
        axes.legend()
        return axes

    def _columns(self) -> dict[str, Floats]:
        return {
            "information": self.information,
            "fraction": self.fraction,
            "spending_time": self.spending_time,
            "z_efficacy": self.z_efficacy,
            "z_futility": self.z_futility,
            "p_efficacy": self.p_efficacy,
            "alpha_spent": self.alpha_spent,
            "beta_spent": self.beta_spent,
            "hr_efficacy": self.hr_efficacy,
            "hr_futility": self.hr_futility,
        }


def boundaries(
    information: ArrayLike,
    *,
    alpha: float,
    efficacy: Spending | Classical,
    sided: int = 1,
    futility: Spending | Sequence[float] | None = None,
    beta: float | None = None,
    binding: bool = False,
    spending_time: ArrayLike | None = None,
    efficacy_at: Sequence[bool] | None = None,
    futility_at: Sequence[bool] | None = None,
    events: float | None = None,
    allocation_ratio: float = 1.0,
) -> Boundaries:
    """Solve the boundaries of a group-sequential test.

    Args:
        information: at each look, shape (k,), more than 0 and increasing, each by at least a millionth of the last; in
            any unit (events, fractions, ...). One look gives the fixed test.
        alpha: level of the test: of one side when sided is 1, of both together when 2; in (0, 0.5).
        efficacy: the family of the efficacy bounds. A spending function spends alpha / sided on each side.
        sided: 1, or 2 for a symmetric test.
        futility: a spending function for the second error, or the futility bounds themselves as Z, one for each look
            but the last (minus infinity or NaN for none); at the last look the two bounds meet. One-sided tests only.
        beta: second error, from 1e-12 to below 1 - alpha; needed with a spending function for futility, else used for `drift`.
            Power counts rejection in favour of the experimental arm, also in a two-sided test.
        binding: whether the efficacy bounds count on the trial stopping at the futility bounds. When not, crossing
            them may be overruled without harm to alpha.
        spending_time: share of the trial by which errors are spent, shape (k,), not decreasing; by default the
            information fraction. All is spent from 1 on; when the last is below 1, alpha is not used up and the
            trial is understood to go on.
        efficacy_at: for each look, whether efficacy is looked at; the last must be. The next look then spends for both.
        futility_at: for each look, whether futility is looked at.
        events: planned events at the last look, for hazard ratios at the bounds (Schoenfeld's approximation).
        allocation_ratio: subjects in the experimental arm for each in the control arm; for the hazard ratios.

    Raises:
        ValueError: an argument is outside its range or of another length, or the combination has no solution.

    Source: Lan and DeMets (1983); Jennison and Turnbull (2000), chapters 2-5, 7 and 19; second error: Chang, Hwang and
    Shih (1998), Journal of Biopharmaceutical Statistics 8, 589-609.

    >>> from oligami.stats.sequential import boundaries, spending_obrien_fleming
    >>> bounds = boundaries([51, 102, 153], alpha=0.05, efficacy=spending_obrien_fleming())
    >>> bounds.z_efficacy.round(4).tolist()
    [3.2001, 2.1408, 1.6948]
    """
    scale = looks_apart(information)
    count = scale.size
    fraction = scale / scale[-1]
    if sided not in (1, 2):
        raise ValueError(f"sided is {sided!r}; it must be 1 or 2")
    if not 0 < arguments.number(alpha, "alpha") < 0.5 * sided:
        raise ValueError(f"alpha is {alpha!r}; it must lie between 0 and {0.5 * sided}")
    if beta is not None:
        _check_beta(beta, alpha)
    if futility is not None and sided == 2:
        raise ValueError("futility is given with sided 2; it must be None, a two-sided test here has no futility bounds")
    if not isinstance(efficacy, Spending | Classical):
        raise ValueError(f"efficacy is {efficacy!r}; it must be a spending function or a classical family")
    shares = fraction if spending_time is None else arguments.times(spending_time, "spending_time")
    arguments.same_length(shares.size, count, "spending_time", "information")
    looked = _flags(efficacy_at, count, "efficacy_at")
    if not looked[-1]:
        raise ValueError("efficacy_at is false at the last look; efficacy must be looked at there")
    level = alpha / sided
    closing = bool(shares[-1] >= 1)
    log_alpha = log_spent_at(efficacy, shares, level, looked) if isinstance(efficacy, Spending) else None

    unseen = np.full(count, -np.inf)  # the futility bounds as the efficacy bounds see them when not binding
    drift = math.nan
    if isinstance(futility, Spending):
        if beta is None:
            raise ValueError("beta is None; a spending function for futility needs the second error")
        if not closing:
            raise ValueError(f"spending_time ends at {shares[-1]}; with a spending function for futility it must reach 1")
        log_beta = log_spent_at(futility, shares, beta, _flags(futility_at, count, "futility_at"))
        if isinstance(efficacy, Classical) and binding:
            raise ValueError("binding is True with a classical efficacy family; efficacy must then be a spending function")
        upper = _efficacy_bounds(fraction, efficacy, log_alpha, level, looked, unseen, symmetric=False)
        # Without spending, what the futility looks see of the efficacy bounds is the bounds themselves.
        together = log_alpha if log_alpha is not None else unseen
        drift, lower, upper = _second_error(fraction, together, log_beta, upper, level, beta, binding=binding)
    else:
        lower = _given_futility(futility, count, _flags(futility_at, count, "futility_at"))
        seen = lower if binding else unseen
        upper = _efficacy_bounds(fraction, efficacy, log_alpha, level, looked, seen, symmetric=sided == 2)
        if futility is not None:
            if (lower > upper).any():
                at = int(np.argmax(lower > upper))
                raise ValueError(f"futility[{at}] is {lower[at]}; it must not lie above the efficacy bound, {upper[at]:.6g}")
            if closing:
                lower[-1] = upper[-1]
    return assemble(
        information=scale,
        spending_time=shares,
        lower=lower,
        upper=upper,
        log_alpha=log_alpha,
        alpha=alpha,
        sided=sided,
        beta=beta,
        binding=binding,
        drift=drift,
        efficacy=efficacy,
        futility=futility if isinstance(futility, Spending) else None,
        events=events,
        allocation_ratio=allocation_ratio,
    )


def given_boundaries(
    information: ArrayLike,
    z_efficacy: Sequence[float],
    *,
    z_futility: Sequence[float] | None = None,
    sided: int = 1,
    binding: bool = False,
    beta: float | None = None,
    events: float | None = None,
    allocation_ratio: float = 1.0,
) -> Boundaries:
    """Return boundaries whose bounds are known, with the level they keep.

    Args:
        information: at each look, shape (k,), more than 0 and increasing.
        z_efficacy: shape (k,); infinity for no look. The last must be finite.
        z_futility: shape (k,) or without the last, where the bounds meet; minus infinity or NaN for none.
        sided: 1 or 2.
        binding: whether the level counts on stopping at the futility bounds.
        beta: as in `boundaries`.
        events: as in `boundaries`.
        allocation_ratio: as in `boundaries`.

    Raises:
        ValueError: as `boundaries`.

    Source: Jennison and Turnbull (2000), section 19.2, for the level of given bounds.

    >>> round(given_boundaries([1, 2], [2.178, 2.178]).alpha, 4)
    0.025
    """
    scale = looks_apart(information)
    upper = _z_column(z_efficacy, "z_efficacy")
    if upper.shape != scale.shape or np.isnan(upper).any() or not np.isfinite(upper[-1]):
        raise ValueError(f"z_efficacy is {z_efficacy!r}; it must be one Z for each of {scale.size} looks, the last finite")
    if sided not in (1, 2):
        raise ValueError(f"sided is {sided!r}; it must be 1 or 2")
    if sided == 2 and (z_futility is not None or (upper < 0).any()):
        raise ValueError("z_futility or a negative z_efficacy is given with sided 2; a two-sided test here allows neither")
    lower = _given_futility(z_futility, scale.size, np.ones(scale.size, dtype=bool))
    if z_futility is not None:
        lower[-1] = upper[-1]
    if (lower > upper).any():
        raise ValueError(f"z_futility is {lower.tolist()}; it must not lie above z_efficacy, {upper.tolist()}")
    return assemble(
        information=scale,
        spending_time=scale / scale[-1],
        lower=lower,
        upper=upper,
        log_alpha=None,
        alpha=None,
        sided=sided,
        beta=beta,
        binding=binding,
        drift=math.nan,
        efficacy=None,
        futility=None,
        events=events,
        allocation_ratio=allocation_ratio,
    )


def looks_apart(information: ArrayLike) -> Floats:
    """Return information that rises from above 0, by at least a millionth of the last from look to look.

    Raises:
        ValueError: as `arguments.rising`, or two looks lie closer (or the first to 0): the test cannot tell them apart.
    """
    scale = arguments.rising(information, "information")
    near = np.diff(scale / scale[-1], prepend=0.0) < CLOSEST
    if near.any():
        at = int(np.argmax(near))
        before = "0" if at == 0 else f"that of the look before, {scale[at - 1]:.15g}"
        raise ValueError(
            f"information[{at}] is {scale[at]:.15g}; it must lie above {before}, by a millionth of the last, {scale[-1]:g}"
        )
    return scale


def _check_beta(beta: float, alpha: float) -> None:
    if not _LEAST_BETA <= arguments.number(beta, "beta") < 1 - alpha:
        raise ValueError(f"beta is {beta!r}; it must lie between {_LEAST_BETA:g} and 1 - alpha, {1 - alpha:.6g}")


def _z_column(values: Any, argument: str) -> Floats:
    """Values of Z as floats, infinite and missing ones included."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{argument} is {values!r}; it must be a column of numbers") from error


def assemble(
    *,
    information: Floats,
    spending_time: Floats,
    lower: Floats,
    upper: Floats,
    log_alpha: Floats | None,
    alpha: float | None,
    sided: int,
    beta: float | None,
    binding: bool,
    drift: float,
    efficacy: Spending | Classical | None,
    futility: Spending | None,
    events: float | None,
    allocation_ratio: float,
    solve_drift: bool = True,
) -> Boundaries:
    """Return boundaries from solved bounds, with what follows from them.

    Arguments as the fields of `Boundaries`, and: log_alpha, the log of what each look spends on a side, or None to
    compute it; alpha None for the level the bounds keep; solve_drift, whether these are bounds of a design, whose
    power is 1 - beta (the drift then NaN to solve it), and not of a trial under way.
    """
    count = information.size
    fraction = information / information[-1]
    none = np.full(count, np.nan)
    symmetric = sided == 2
    floor = -upper if symmetric else lower if binding else np.full(count, -np.inf)
    if log_alpha is None:
        reached = layers(fraction, floor, upper, low_drift=0.0, high_drift=0.0)
        spent = crossing(reached, fraction, upper, np.zeros(1), UPPER)[0].cumsum()
    else:
        spent = np.exp(log_alpha).cumsum()
    spent = np.minimum(spent * sided, alpha) if alpha is not None else spent * sided
    kept = float(spent[-1]) if alpha is None else alpha
    if beta is not None:
        _check_beta(beta, kept)
    inflation, missed = math.nan, none
    if beta is not None:
        outer = -upper if symmetric else lower
        if solve_drift and math.isnan(drift):
            drift = drift_of_power(fraction, outer, upper, 1 - beta, kept / sided)
        if solve_drift:
            inflation = (drift / float(ndtri(1 - beta) - ndtri(kept / sided))) ** 2
        missed = _missed(fraction, outer, upper, drift, symmetric=symmetric, closing=bool(spending_time[-1] >= 1))
    counts = none if events is None else np.asarray(arguments.number(events, "events", above=0) * fraction)
    ratios = (
        [none, none]
        if events is None
        else [hazard_ratio_of_z(bound, counts, allocation_ratio=allocation_ratio) for bound in (upper, lower)]
    )
    columns = {
        "information": information,
        "fraction": fraction,
        "spending_time": spending_time,
        "z_efficacy": upper,
        "z_futility": lower,
        "p_efficacy": one_sided_p(upper),
        "alpha_spent": spent,
        "beta_spent": missed,
        "hr_efficacy": ratios[0],
        "hr_futility": ratios[1],
    }
    return Boundaries(
        **{name: arguments.frozen(column) for name, column in columns.items()},
        alpha=kept,
        sided=sided,
        beta=beta,
        binding=binding,
        drift=drift,
        inflation=inflation,
        efficacy=efficacy,
        futility=futility,
    )


def _missed(fraction: Floats, lower: Floats, upper: Floats, drift: float, *, symmetric: bool, closing: bool) -> Floats:
    """Return the cumulative probability under a drift to have stopped without rejecting upwards, at the end included."""
    at = np.array([drift])
    reached = layers(fraction, lower, upper, low_drift=0.0, high_drift=max(drift, 0.0))
    if symmetric:
        won = crossing(reached, fraction, upper, at, UPPER).sum()
        return np.append(np.zeros(fraction.size - 1), 1 - won if closing else 0.0)
    ends = np.append(lower[:-1], upper[-1] if closing else lower[-1])
    return np.asarray(crossing(reached, fraction, ends, at, LOWER)[0].cumsum())


def log_spent_at(rule: Spending, shares: Floats, level: float, looked: Flags) -> Floats:
    """Return the log of what each look spends on one side; a look that is left out leaves its part to the next."""
    cumulative = np.where(looked, rule.log_spent(shares, level), -np.inf)
    return log_increments(np.maximum.accumulate(cumulative))


def _second_error(
    fraction: Floats, log_alpha: Floats, log_beta: Floats, upper: Floats, level: float, beta: float, *, binding: bool
) -> tuple[float, Floats, Floats]:
    """Find the drift under which the futility bounds spend beta and meet the efficacy bound at the last look."""
    fixed = float(ndtri(1 - beta) - ndtri(level))
    fixed_upper = None if binding else upper

    def excess(drift: float) -> float:
        missed = spend_beta(fraction, drift, log_alpha, log_beta, upper=fixed_upper, closing=True)[2]
        return -normal_score(missed) + float(ndtri(beta))

    drift = rising_root(excess, fixed * 0.999 - 1e-9, fixed * 1.06 + 0.01)
    lower, upper, _ = spend_beta(fraction, drift, log_alpha, log_beta, upper=fixed_upper, closing=True)
    return drift, lower, upper


def _efficacy_bounds(
    fraction: Floats,
    family: Spending | Classical,
    log_alpha: Floats | None,
    level: float,
    looked: Flags,
    lower: Floats,
    *,
    symmetric: bool,
) -> Floats:
    """Solve a family of efficacy bounds given the lower bounds it may count on."""
    if log_alpha is not None:
        return spend_alpha(fraction, log_alpha, lower, symmetric=symmetric)
    assert isinstance(family, Classical)
    shape = np.where(looked, family.shape(fraction), np.inf)
    if family.delta is not None:
        return scale_shape(fraction, shape, lower, level, symmetric=symmetric)
    return close_out(fraction, shape[:-1], lower, level, symmetric=symmetric)


def _flags(values: Sequence[bool] | None, count: int, argument: str) -> Flags:
    if values is None:
        return np.ones(count, dtype=bool)
    return arguments.flags(values, count, argument)


def _given_futility(values: Any, count: int, looked: Flags) -> Floats:
    """Return futility bounds given as Z as a column with minus infinity for none; the last is left to the caller."""
    lower = np.full(count, -np.inf)
    if values is None:
        return lower
    given = _z_column(values, "futility")
    if given.ndim != 1 or given.size not in (count - 1, count) or (given == np.inf).any():
        raise ValueError(f"futility is {values!r}; it must be a spending function or one Z for each of {count - 1} interim looks")
    lower[: count - 1] = np.where(np.isnan(given[: count - 1]) | ~looked[: count - 1], -np.inf, given[: count - 1])
    return lower
