"""Survival curves that a Cox model predicts for chosen covariates, with errors and limits.

The curve is exp(-H(t) exp(b'x)), H the baseline hazard of a stratum. Its error counts both that of H and that of b.
Leaves the fit to `regression`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats, Label
from oligami.stats.partial_likelihood import Stratum, Ties, lay_out, mean_steps, sums_of
from oligami.stats.regression import CoxResult

CurveScale = Literal["log", "log-log", "plain"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictedCurve:
    """The predicted survival of one covariate profile in one stratum: a row for each distinct event time there.

    Limits are those of the survival, cut to [0, 1]. Before the first event all is certain: 1, with hazard and error 0.
    """

    profile: Floats  # covariates, shape (p,)
    stratum: Label | None  # None for a model without strata
    time: Floats
    survival: Floats
    cumulative_hazard: Floats
    std_err: Floats  # of the cumulative hazard, which is minus the log of the survival
    lower: Floats
    upper: Floats
    conf_level: float
    scale: CurveScale

    def at(self, times: ArrayLike) -> "PredictedCurve":
        """Read the curve at any times; beyond the last event its last value is carried on.

        Raises:
            ValueError: a time is negative or missing.
        """
        wanted = arguments.times(times, "times")
        row = np.searchsorted(self.time, wanted, side="right")

        def read(values: Floats, first: float) -> Floats:
            return arguments.frozen(np.append(first, values)[row])

        return PredictedCurve(
            profile=self.profile,
            stratum=self.stratum,
            time=arguments.frozen(wanted),
            survival=read(self.survival, 1.0),
            cumulative_hazard=read(self.cumulative_hazard, 0.0),
            std_err=read(self.std_err, 0.0),
            lower=read(self.lower, 1.0),
            upper=read(self.upper, 1.0),
            conf_level=self.conf_level,
            scale=self.scale,
        )

    @property
    def median(self) -> float:
        """First time at which the predicted survival is one half or less; NaN when it stays above."""
        below = self.survival <= 0.5
        return float(self.time[np.argmax(below)]) if below.any() else float("nan")

    def summary(self) -> str:
        """Show the curve as a table, at most 20 of its times."""
        shown = np.unique(np.linspace(0, self.time.size - 1, min(20, self.time.size)).astype(int))
        columns = (self.time, self.survival, self.std_err, self.lower, self.upper)
        rows = [[float(column[i]) for column in columns] for i in shown]
        where = "" if self.stratum is None else f", stratum {self.stratum}"
        title = f"Predicted survival at covariates {', '.join(show.number(float(v)) for v in self.profile)}{where}"
        note = f"{100 * self.conf_level:g} % limits, {self.scale} scale; se is that of the cumulative hazard"
        return show.table(title, ["time", "survival", "se", "lower", "upper"], rows, [note])

    def to_frame(self) -> Any:
        """Give the curve as a pandas DataFrame, a row for each event time."""
        names = ("time", "survival", "cumulative_hazard", "std_err", "lower", "upper")
        return show.frame({name: getattr(self, name) for name in names})

    def plot(self, ax: Any = None, *, label: str | None = None) -> Any:
        """Draw the curve as steps from 1 at time 0, its limits as a band."""
        ax = show.axes(ax)
        time = np.append(0.0, self.time)
        (line,) = ax.step(time, np.append(1.0, self.survival), where="post", label=label)
        band = (np.append(1.0, self.lower), np.append(1.0, self.upper))
        ax.fill_between(time, *band, step="post", alpha=0.2, color=line.get_color(), linewidth=0)
        ax.set_ylim(0, 1.02)
        ax.set_xlabel("time")
        ax.set_ylabel("predicted survival")
        if label is not None:
            ax.legend()
        return ax


def predict_survival(
    fit: CoxResult,
    profiles: ArrayLike,
    *,
    strata: Sequence[Label] | None = None,
    conf_level: float = 0.95,
    scale: CurveScale = "log",
) -> tuple[PredictedCurve, ...]:
    """Predict the survival of covariate profiles.

    Args:
        fit: a converged fit; one by the exact likelihood is given Breslow's baseline hazard.
        profiles: covariates in the order of the terms, shape (k, p), or (p,) for one.
        strata: the stratum of each profile, length k, a tuple where strata were given as several columns; by default
            each profile is predicted in every stratum.
        conf_level: in (0, 1).
        scale: on which the limits are symmetric: "log" of the survival, "log-log", or "plain".

    Returns:
        One curve for each profile; without `strata` and in a model with S strata, S for each profile in turn. A
        stratum without an event gives a curve without rows.

    Raises:
        ValueError: the fit has no finite answer, or an argument may not be as it is.

    Source: Tsiatis (1981); Link (1984); for Efron ties Therneau and Grambsch (2000), section 10.2. The variance is
        that of the R package survival, `survfit.coxph`: with clusters the robust one of the coefficients.

    >>> from oligami.stats.regression import cox
    >>> fit = cox([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 1], [0, 1, 0, 1, 1, 0])
    >>> control, treated = predict_survival(fit, [[0], [1]])
    >>> treated.at([0, 3]).survival.round(3).tolist(), treated.median
    ([1.0, 0.611], 4.0)
    """
    if fit.problem is not None:
        raise ValueError(f"fit has problem {fit.problem!r}; it must be a converged fit")
    arguments.level(conf_level)
    if scale not in get_args(CurveScale):
        raise ValueError(f"scale is {scale!r}; it must be one of {', '.join(get_args(CurveScale))}")
    wanted = _profiles(profiles, len(fit.terms))
    rows = fit.rows
    labels: tuple[Label | None, ...] = (None,) if rows.strata is None else rows.strata
    if strata is None:
        chosen = [(profile, number) for profile in wanted for number in range(len(labels))]
    else:
        if len(strata) != len(wanted):
            raise ValueError(f"strata has {len(strata)} labels; it must have one for each of the {len(wanted)} profiles")
        chosen = [(profile, _number(label, labels)) for profile, label in zip(wanted, strata, strict=True)]

    ties: Ties = "breslow" if fit.ties == "exact" else fit.ties
    parts = lay_out(rows.time, rows.event, rows.x, rows.stratum, rows.weights, ties, rows.entry)
    baselines = {int(rows.stratum[part.rows[0]]): _baseline(part, fit) for part in parts}
    z = float(ndtri(0.5 + conf_level / 2))
    return tuple(_curve(fit, profile, labels[number], baselines.get(number), z, conf_level, scale) for profile, number in chosen)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Baseline:
    """Sums up to each event time of one stratum, for a subject whose covariates are the stratum's `centre`."""

    centre: Floats
    time: Floats
    hazard: Floats
    variance: Floats
    mean: Floats  # hazard steps times mean (centred) covariates of those at risk, shape (p, T)


def _baseline(part: Stratum, fit: CoxResult) -> _Baseline:
    sums = sums_of(part, fit.coef)
    unit = float(np.exp(-sums.shift))
    return _Baseline(
        centre=part.centre,
        time=part.moments,
        hazard=np.cumsum(sums.hazard) * unit,
        variance=np.cumsum(sums.square) * unit**2,
        mean=np.cumsum(mean_steps(sums), axis=1) * unit,
    )


def _curve(
    fit: CoxResult,
    profile: Floats,
    stratum: Label | None,
    base: _Baseline | None,
    z: float,
    conf_level: float,
    scale: CurveScale,
) -> PredictedCurve:
    if base is None:
        nothing = np.zeros(0)
        base = _Baseline(centre=profile, time=nothing, hazard=nothing, variance=nothing, mean=np.zeros((profile.size, 0)))
    offset = profile - base.centre
    ratio = float(np.exp(offset @ fit.coef))
    hazard = base.hazard * ratio
    lever = np.outer(offset, base.hazard) - base.mean
    error = ratio * np.sqrt(base.variance + np.sum(lever * (fit.covariance @ lever), axis=0))
    survival = np.exp(-hazard)
    lower, upper = _limits(survival, hazard, error, z, scale)
    return PredictedCurve(
        profile=arguments.frozen(profile),
        stratum=stratum,
        time=arguments.frozen(base.time),
        survival=arguments.frozen(survival),
        cumulative_hazard=arguments.frozen(hazard),
        std_err=arguments.frozen(error),
        lower=arguments.frozen(lower),
        upper=arguments.frozen(upper),
        conf_level=float(conf_level),
        scale=scale,
    )


def _limits(survival: Floats, hazard: Floats, error: Floats, z: float, scale: CurveScale) -> tuple[Floats, Floats]:
    match scale:
        case "log":
            return np.exp(-hazard - z * error), np.minimum(np.exp(-hazard + z * error), 1.0)
        case "plain":
            return np.maximum(survival * (1 - z * error), 0.0), np.minimum(survival * (1 + z * error), 1.0)
        case "log-log":
            half = np.exp(z * error / hazard)
            return np.exp(-hazard * half), np.exp(-hazard / half)


def _profiles(values: ArrayLike, p: int) -> Floats:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError("profiles hold values that are not numbers; they must be rows of covariates") from error
    array = array[np.newaxis] if array.ndim == 1 else array
    if array.ndim != 2 or array.shape[1] != p or array.shape[0] == 0:
        raise ValueError(f"profiles have shape {array.shape}; they must be one or more rows of {p} covariates, one a term")
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(f"profiles[{row}, {column}] is {array[row, column]}; it must be a finite number")
    return array


def _number(label: Label, labels: tuple[Label | None, ...]) -> int:
    if label not in labels or labels == (None,):
        known = "absent, for the model has none" if labels == (None,) else f"one of {', '.join(map(repr, labels))}"
        raise ValueError(f"strata holds {label!r}; it must be {known}")
    return labels.index(label)
