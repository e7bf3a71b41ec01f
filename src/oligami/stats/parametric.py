"""Exponential and Weibull models of survival, with covariates, in the parameters of time and of hazard alike.

The model of time is log T = b0 + x b + scale W, W of the standard extreme-value distribution; the model of hazard is
H(t) = t^shape exp(g0 + x g), with shape = 1 / scale and g = -b / scale. Leaves hazards that are constant in pieces to
`piecewise_exponential`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from oligami.stats import arguments, curve_limits, show
from oligami.stats.arguments import Floats, Ints
from oligami.stats.curve_limits import ConfidenceType
from oligami.stats.survival import CurveQuantiles

Distribution = Literal["exponential", "weibull"]

_MOST_STEPS = 200
_DECREMENT = 1e-16  # of the log-likelihood, relative; the last step then changes nothing a double can hold
_FLAT = 1e-9  # an information so much flatter in one direction than in another has no maximum in it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelPoints:
    """A survival curve of a model at chosen times, with limits by the delta method; arrays in the order of `time`."""

    time: Floats
    surv: Floats
    std_err: Floats
    lower: Floats
    upper: Floats

    def to_frame(self) -> Any:
        """Return the points as a pandas DataFrame, one row a time."""
        return show.frame({name: getattr(self, name) for name in ("time", "surv", "std_err", "lower", "upper")})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParametricFit:
    """A fitted exponential or Weibull model; the first term is the intercept.

    Without a maximum (a group of a covariate has no event, or all events at the last time) `converged` is False, and
    estimates and errors are those of the last step taken.
    """

    distribution: Distribution
    terms: tuple[str, ...]
    coef: Floats  # of the logarithm of time: b0, b
    log_scale: float  # 0 in an exponential model
    covariance: Floats  # of coef and, for the Weibull, of log_scale
    hazard_coef: Floats  # of the logarithm of the hazard: g0, g
    shape: float  # 1 / scale
    hazard_covariance: Floats  # of hazard_coef and, for the Weibull, of shape
    loglik: float
    n: int
    events: int
    longest: float  # last observed time
    converged: bool
    conf_level: float

    @property
    def scale(self) -> float:
        """The scale of the logarithm of time, 1 / shape."""
        return float(np.exp(self.log_scale))

    @property
    def std_err(self) -> Floats:
        """Standard errors of `coef`."""
        return arguments.frozen(np.sqrt(np.diag(self.covariance)[: self.coef.size]))

    @property
    def hazard_std_err(self) -> Floats:
        """Standard errors of `hazard_coef`."""
        return arguments.frozen(np.sqrt(np.diag(self.hazard_covariance)[: self.coef.size]))

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return float(2 * self.covariance.shape[0] - 2 * self.loglik)

    def time_ratios(self) -> tuple[Floats, Floats, Floats]:
        """Return the ratio of times a unit of each covariate makes, with its limits; the intercept is left out."""
        return self._ratios(self.coef, self.std_err)

    def hazard_ratios(self) -> tuple[Floats, Floats, Floats]:
        """Return the ratio of hazards a unit of each covariate makes, with its limits; the intercept is left out."""
        return self._ratios(self.hazard_coef, self.hazard_std_err)

    def _ratios(self, coef: Floats, std_err: Floats) -> tuple[Floats, Floats, Floats]:
        half = curve_limits.normal_quantile(self.conf_level) * std_err[1:]
        return np.exp(coef[1:]), np.exp(coef[1:] - half), np.exp(coef[1:] + half)

    def _row(self, covariates: ArrayLike | None) -> Floats:
        wanted = self.coef.size - 1
        given = np.zeros(0) if covariates is None else np.atleast_1d(np.asarray(covariates, dtype=np.float64))
        if given.shape != (wanted,) or not np.isfinite(given).all():
            raise ValueError(f"covariates are {given.tolist()}; they must be {wanted} finite numbers: {list(self.terms[1:])}")
        return np.append(1.0, given)

    def survival(
        self, times: ArrayLike, covariates: ArrayLike | None = None, *, conf_type: ConfidenceType = "log-log"
    ) -> ModelPoints:
        """Predict the survival of a subject with given covariates, with limits by the delta method.

        Args:
            times: times, each 0 or later, in the unit of the data.
            covariates: a value for each term but the intercept, shape (p,); none when there are none.
            conf_type: scale on which the limits are symmetric.

        Raises:
            ValueError: a time is negative or missing, the covariates are of another number, the scale is unknown.
        """
        wanted = arguments.times(times, "times")
        curve_limits.scale(conf_type)
        row = self._row(covariates)
        started = wanted > 0
        log_time = np.log(np.where(started, wanted, 1.0))
        # A steep fit passes what floats hold; nobody is left long before.
        hazard = np.where(started, np.exp(np.minimum(self.shape * log_time + row @ self.hazard_coef, 300.0)), 0.0)
        slope = np.column_stack([np.tile(row, (wanted.size, 1)), log_time])[:, : self.hazard_covariance.shape[0]]
        error = hazard * np.sqrt(np.einsum("ti,ij,tj->t", slope, self.hazard_covariance, slope))
        surv = np.exp(-hazard)
        lower, upper = curve_limits.limits(surv, error, self.conf_level, conf_type)
        return ModelPoints(
            time=wanted,
            surv=surv,
            std_err=surv * error,
            lower=np.where(started, lower, 1.0),
            upper=np.where(started, upper, 1.0),
        )

    def quantile(self, probability: ArrayLike, covariates: ArrayLike | None = None) -> CurveQuantiles:
        """Predict the times by which given shares have the event, with limits symmetric on the logarithm of time.

        Args:
            probability: shares in (0, 1), e.g. 0.5 for the median.
            covariates: a value for each term but the intercept, shape (p,).

        Raises:
            ValueError: a share lies outside (0, 1), or the covariates are of another number.
        """
        wanted = arguments.numbers(probability, "probability")
        if (wanted <= 0).any() or (wanted >= 1).any():
            raise ValueError(f"probability is {wanted.tolist()}; each must lie between 0 and 1")
        row = self._row(covariates)
        spread = self.scale * np.log(-np.log1p(-wanted))
        log_time = row @ self.coef + spread
        slope = np.column_stack([np.tile(row, (wanted.size, 1)), spread])[:, : self.covariance.shape[0]]
        half = curve_limits.normal_quantile(self.conf_level) * np.sqrt(np.einsum("ti,ij,tj->t", slope, self.covariance, slope))
        return CurveQuantiles(
            probability=wanted, time=np.exp(log_time), lower=np.exp(log_time - half), upper=np.exp(log_time + half)
        )

    def summary(self) -> str:
        """Return the coefficients in both parametrisations as a text table."""
        z = self.coef / self.std_err
        rows = [
            [name, *(float(v) for v in values)]
            for name, *values in zip(
                self.terms, self.coef, self.std_err, 2 * ndtr(-np.abs(z)), self.hazard_coef, self.hazard_std_err, strict=True
            )
        ]
        notes = [f"shape {show.number(self.shape)}, log-likelihood {show.number(self.loglik, 7)}, AIC {show.number(self.aic, 7)}"]
        if not self.converged:
            notes.append("The likelihood has no maximum here: the fit did not converge.")
        heads = ["term", "coef (log time)", "std_err", "p", "coef (log hazard)", "std_err"]
        return show.table(f"{self.distribution.capitalize()} model: {self.n} subjects, {self.events} events", heads, rows, notes)

    def to_frame(self) -> Any:
        """Return the coefficients as a pandas DataFrame, one row a term."""
        columns = ("coef", "std_err", "hazard_coef", "hazard_std_err")
        return show.frame({"term": list(self.terms)} | {name: getattr(self, name) for name in columns})

    def plot(self, ax: Any = None, *, covariates: ArrayLike | None = None, label: str | None = None) -> Any:
        """Draw the predicted curve with its band up to the last observed time, and return the axes."""
        axes = show.axes(ax)
        points = self.survival(np.linspace(0, self.longest, 201), covariates)
        (line,) = axes.plot(points.time, points.surv, label=label)
        axes.fill_between(points.time, points.lower, points.upper, alpha=0.15, color=line.get_color(), linewidth=0)
        axes.set_xlabel("time")
        axes.set_ylabel("survival")
        return axes


def fit_exponential(
    time: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    names: Sequence[str] | None = None,
    entry: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> ParametricFit:
    """Fit a constant hazard, which covariates multiply. Arguments and errors are those of `fit_weibull`; times may be 0.

    Source: Kalbfleisch and Prentice (2002), section 3.5; conventions of `survreg` of the R package survival.

    >>> fit = fit_exponential([2, 4, 6, 8], [1, 1, 0, 1])
    >>> float(np.exp(fit.hazard_coef[0]).round(6))  # 3 events in 20
    0.15
    """
    return _fit("exponential", time, event, covariates, names, entry, conf_level)


def fit_weibull(
    time: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    names: Sequence[str] | None = None,
    entry: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> ParametricFit:
    """Fit a Weibull model by maximum likelihood.

    Args:
        time: end of observation, shape (n,), > 0.
        event: 1 when it ended with the event, 0 when it was censored, shape (n,); at least one event.
        covariates: shape (n,) or (n, p), e.g. 1 in the experimental arm and 0 in the other; by default none.
        names: of the covariates.
        entry: start of observation where it came late (left truncation), shape (n,), each before its `time`.
        conf_level: in (0, 1).

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not; there is no event; covariates are
            constant or add up to each other.

    Source: Kalbfleisch and Prentice (2002), chapter 3; errors from the observed information, as `survreg` of the R package
    survival gives them.

    >>> fit = fit_weibull([1, 3, 4, 6, 7, 9], [1, 1, 0, 1, 1, 0])
    >>> round(fit.shape, 4), round(fit.scale, 4), round(fit.loglik, 4)
    (1.5246, 0.6559, -11.6526)
    """
    return _fit("weibull", time, event, covariates, names, entry, conf_level)


def _fit(
    distribution: Distribution,
    time: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike | None,
    names: Sequence[str] | None,
    entry: ArrayLike | None,
    conf_level: float,
) -> ParametricFit:
    end = arguments.times(time)
    had_event = arguments.indicators(event, end.size)
    start = np.zeros(end.size) if entry is None else arguments.entries(entry, end)
    level = arguments.level(conf_level)
    if distribution == "weibull" and (end == 0).any():
        raise ValueError(f"time[{int(np.argmax(end == 0))}] is 0.0; it must be more than 0 in a Weibull model")
    if not had_event.any():
        raise ValueError("event is 0 in every row; it must be 1 in at least one")
    if not (end > 0).any():
        raise ValueError("time is 0 in every row; it must be more than 0 in at least one")
    x, terms, centre, spread = standardized(covariates, end.size, names)

    shaped = distribution == "weibull"
    log_end, log_start = (np.log(np.where(column > 0, column, 1.0)) for column in (end, start))
    middle = float(log_end[had_event == 1].mean()) if shaped else 0.0
    found, information, loglik, settled = _maximize(
        x, end, start, log_end - middle, log_start - middle, had_event, middle, shaped
    )

    # Back from centred log time and standardized covariates, a linear map of (g0, g, shape).
    p = x.shape[1]
    back = np.eye(p + 1)
    back[1:p, 1:p] = np.diag(1 / spread)
    back[0, 1:p] = -centre / spread
    back[0, p] = -middle
    back = back[: information.shape[0], : information.shape[0]]
    hazard = back @ found[: information.shape[0]]
    hazard_covariance = back @ np.linalg.pinv(information) @ back.T
    shape = float(found[p])
    to_time = -np.eye(information.shape[0]) / shape
    if shaped:
        to_time[:p, p] = hazard[:p] / shape**2
    return ParametricFit(
        distribution=distribution,
        terms=("intercept", *terms),
        coef=arguments.frozen(-hazard[:p] / shape),
        log_scale=float(-np.log(shape)),
        covariance=arguments.frozen(to_time @ hazard_covariance @ to_time.T),
        hazard_coef=arguments.frozen(hazard[:p]),
        shape=shape,
        hazard_covariance=arguments.frozen(hazard_covariance),
        loglik=loglik,
        n=int(end.size),
        events=int(had_event.sum()),
        longest=float(end.max()),
        converged=settled,
        conf_level=level,
    )


def standardized(
    covariates: ArrayLike | None, length: int, names: Sequence[str] | None
) -> tuple[Floats, tuple[str, ...], Floats, Floats]:
    """Return an intercept with the covariates of mean 0 and spread 1, their names, their means and their spreads.

    Raises:
        ValueError: as `arguments.matrix`; or covariates are constant or add up to each other.
    """
    if covariates is None:
        return np.ones((length, 1)), (), np.zeros(0), np.zeros(0)
    raw, terms = arguments.matrix(covariates, length, names)
    centre, spread = raw.mean(axis=0), raw.std(axis=0)
    x = np.column_stack([np.ones(length), (raw - centre) / np.where(spread > 0, spread, 1.0)])
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise ValueError(f"covariates {list(terms)} are constant or add up to each other; each must add something of its own")
    return x, terms, centre, spread


def _maximize(
    x: Floats, end: Floats, start: Floats, log_end: Floats, log_start: Floats, event: Ints, middle: float, shaped: bool
) -> tuple[Floats, Floats, float, bool]:
    """Newton's method for (g0, g, shape): the estimate, the information, the log-likelihood, and whether it settled."""
    p = x.shape[1]
    theta = np.zeros(p + 1)
    theta[p] = 1.0
    at_risk = np.exp(log_end) * (end > 0) - np.exp(log_start) * (start > 0)
    theta[0] = np.log(event.sum() / at_risk.sum())
    free = p + 1 if shaped else p
    design = np.column_stack([x, log_end])
    design_start = np.column_stack([x, log_start])
    events = float(event.sum())

    def likelihood(point: Floats) -> tuple[float, Floats, Floats]:
        with np.errstate(over="ignore"):
            hazard = np.where(end > 0, np.exp(design @ point), 0.0)
            hazard_start = np.where(start > 0, np.exp(design_start @ point), 0.0)
        log_hazard = np.log(point[p]) + design @ point - log_end
        value = float(event @ log_hazard - hazard.sum() + hazard_start.sum())
        return value, hazard, hazard_start

    value, hazard, hazard_start = likelihood(theta)
    settled = False
    information = np.eye(free)
    for _ in range(_MOST_STEPS):
        score = (design.T @ (event - hazard) + design_start.T @ hazard_start)[:free]
        full = (design.T @ (design * hazard[:, np.newaxis]))[:free, :free]
        information = full - (design_start.T @ (design_start * hazard_start[:, np.newaxis]))[:free, :free]
        if shaped:
            score[p] += events / theta[p]
            full[p, p] += events / theta[p] ** 2
            information[p, p] += events / theta[p] ** 2
        if settled:
            break
        # Left truncation may leave no maximum of the quadratic; without its part there always is one.
        usable = information if np.linalg.eigvalsh(information)[0] > 0 else full
        step = np.zeros(p + 1)
        step[:free] = np.linalg.lstsq(usable, score)[0]
        settled = float(step[:free] @ score) <= _DECREMENT * (1 + abs(value))
        for _ in range(60):
            tried = theta + step
            if not shaped or tried[p] > 0:
                found, tried_hazard, tried_start = likelihood(tried)
                if found >= value - 1e-12 * (1 + abs(value)):
                    theta, value, hazard, hazard_start = tried, found, tried_hazard, tried_start
                    break
            step = step / 2
        else:
            settled = True
    # The density of time, not of its centred logarithm: t enters as log t = middle + centred.
    curvature = np.linalg.eigvalsh(information)
    sound = settled and bool(curvature[0] > _FLAT * curvature[-1])
    return theta, information, value - middle * events, sound
