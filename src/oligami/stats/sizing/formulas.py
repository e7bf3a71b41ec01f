"""Events and subjects that a comparison of two arms needs, and the power it has, by the published formulas.

Every formula is brought to one form: per subject, the statistic moves by `effect`, with standard deviation `sd_null`
when the arms are alike and `sd_alternative` under the assumptions. So N subjects have power
Phi((sqrt(N) effect - z_alpha sd_null) / sd_alternative), and what a power needs follows by solving for N.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, log, sqrt
from typing import Any

from scipy.special import ndtr, ndtri

from oligami.stats import arguments, show
from oligami.stats.sizing.assumptions import Assumptions
from oligami.stats.sizing.hazards import Piecewise, TimeToEvent
from oligami.stats.sizing.logrank_limit import critical, limit_of_logrank


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardized:
    """What one subject adds: see the module."""

    effect: float  # > 0
    sd_null: float
    sd_alternative: float
    event_share: float  # events to subjects, by the formula's own count


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSize:
    """How many events and subjects a trial needs, or has; numbers are not rounded unless they say so."""

    method: str
    power: float
    alpha: float
    sides: int
    hazard_ratio: float | None
    events: float
    subjects: float
    subjects_control: float
    subjects_experimental: float
    duration: float  # calendar time of the analysis
    event_probability_control: float
    event_probability_experimental: float

    @property
    def rounded_control(self) -> int:
        """Control subjects rounded up."""
        return rounded_up(self.subjects_control)

    @property
    def rounded_experimental(self) -> int:
        """Experimental subjects rounded up."""
        return rounded_up(self.subjects_experimental)

    @property
    def subjects_rounded(self) -> int:
        """Subjects when each arm is rounded up."""
        return self.rounded_control + self.rounded_experimental

    def summary(self) -> str:
        """Return the numbers as text."""
        rows = [
            ("subjects", self.subjects, self.subjects_control, self.subjects_experimental),
            ("  rounded up per arm", self.subjects_rounded, self.rounded_control, self.rounded_experimental),
            (
                "events",
                self.events,
                self.subjects_control * self.event_probability_control,
                self.subjects_experimental * self.event_probability_experimental,
            ),
        ]
        cells = [[show.number(cell) if isinstance(cell, float) else cell for cell in row] for row in rows]
        ratio = "not constant" if self.hazard_ratio is None else show.number(self.hazard_ratio)
        notes = (
            f"hazard ratio {ratio}, power {show.number(self.power)}, alpha {show.number(self.alpha)} "
            f"{'one' if self.sides == 1 else 'two'}-sided, analysis at {show.number(self.duration)}",
        )
        return show.table(f"Sample size by {self.method}", ["", "total", "control", "experimental"], cells, notes)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row."""
        derived = ("subjects_rounded", "rounded_control", "rounded_experimental")
        return show.frame({name: [getattr(self, name)] for name in (*self.__dataclass_fields__, *derived)})


def rounded_up(subjects: float) -> int:
    """Return the next whole number, forgiving the last digits: 134.0000000001 is 134.

    >>> rounded_up(131.2), rounded_up(134 + 1e-12)
    (132, 134)
    """
    return ceil(subjects - 1e-9 * max(1.0, abs(subjects)))


# --- events from the hazard ratio alone -----------------------------------------------------------------------------


def schoenfeld_events(hazard_ratio: float, *, alpha: float, power: float, sides: int = 1, allocation: float = 1.0) -> float:
    """Return the events that a log-rank test needs: (z_alpha + z_beta)^2 / (q0 q1 log(HR)^2).

    Args:
        hazard_ratio: experimental to control, > 0, not 1.
        alpha: size of the test, one- or two-sided as `sides` says.
        power: in (0, 1).
        sides: 1 or 2.
        allocation: experimental subjects to one control subject, r; q1 = r / (1 + r).

    Raises:
        ValueError: an argument is out of its range.

    Source: Schoenfeld (1981), Biometrika 68, 316-319.

    >>> round(schoenfeld_events(0.7, alpha=0.05, power=0.7), 4)
    147.957
    """
    ratio = _ratio(hazard_ratio)
    q1 = arguments.number(allocation, "allocation", above=0) / (1 + allocation)
    return _quantiles(alpha, power, sides) ** 2 / (q1 * (1 - q1) * log(ratio) ** 2)


def freedman_events(hazard_ratio: float, *, alpha: float, power: float, sides: int = 1, allocation: float = 1.0) -> float:
    """Return the events that a log-rank test needs: (z_alpha + z_beta)^2 (1 + r HR)^2 / (r (1 - HR)^2).

    Arguments and errors as `schoenfeld_events`.

    Source: Freedman (1982), Statistics in Medicine 1, 121-129.

    >>> round(freedman_events(0.7, alpha=0.05, power=0.7), 4)
    151.1041
    """
    ratio, r = _ratio(hazard_ratio), arguments.number(allocation, "allocation", above=0)
    return _quantiles(alpha, power, sides) ** 2 * (1 + r * ratio) ** 2 / (r * (1 - ratio) ** 2)


def _quantiles(alpha: float, power: float, sides: int) -> float:
    return critical(alpha, sides) + float(ndtri(arguments.level(power, "power")))


def _ratio(hazard_ratio: float) -> float:
    ratio = arguments.number(hazard_ratio, "hazard_ratio", above=0)
    if ratio == 1:
        raise ValueError("hazard_ratio is 1; it must differ from 1, there is nothing to detect")
    return ratio


# --- the methods ----------------------------------------------------------------------------------------------------


def _constant(trial: Assumptions) -> float:
    if trial.hazard_ratio is None:
        raise ValueError("assumptions have a hazard ratio that changes over time; method must be 'lakatos'")
    return _ratio(trial.hazard_ratio)


def _mean_probability(trial: Assumptions) -> float:
    shares, probabilities = trial.shares, trial.event_probabilities()
    return shares[0] * probabilities[0] + shares[1] * probabilities[1]


def _by_events(per_quantile: float, event_share: float) -> Standardized:
    """A formula d = z^2 * per_quantile, with N = d / event_share."""
    sd = 1 / sqrt(event_share)
    return Standardized(effect=1 / sqrt(per_quantile), sd_null=sd, sd_alternative=sd, event_share=event_share)


def _schoenfeld_per_quantile(trial: Assumptions) -> float:
    return 1 / (trial.shares[0] * trial.shares[1] * log(_constant(trial)) ** 2)


def _freedman_per_quantile(trial: Assumptions) -> float:
    ratio, r = _constant(trial), trial.allocation
    return (1 + r * ratio) ** 2 / (r * (1 - ratio) ** 2)


def _schoenfeld(trial: Assumptions) -> Standardized:
    return _by_events(_schoenfeld_per_quantile(trial), _mean_probability(trial))


def _freedman(trial: Assumptions) -> Standardized:
    return _by_events(_freedman_per_quantile(trial), _mean_probability(trial))


def _mean_death_probability(trial: Assumptions, at: float) -> float:
    free = (float(arm.survival(at)) for arm in (trial.control, trial.experimental))
    return 1 - sum(share * survival for share, survival in zip(trial.shares, free, strict=True))


def _without_dropout(trial: Assumptions, method: str) -> None:
    if any(dropout.cumulative(trial.duration) > 0 for _, dropout in trial.arms):
        raise ValueError(f"assumptions have drop-out; method must be another than {method!r}, which knows none")


def _collett_simpson(trial: Assumptions) -> Standardized:
    _without_dropout(trial, "collett_simpson")
    f, a = trial.followup, trial.accrual.duration
    deaths = [_mean_death_probability(trial, at) for at in (f, f + a / 2, f + a)]
    return _by_events(_schoenfeld_per_quantile(trial), (deaths[0] + 4 * deaths[1] + deaths[2]) / 6)


def _freedman_midpoint(trial: Assumptions) -> Standardized:
    _without_dropout(trial, "freedman_midpoint")
    at = trial.followup + trial.accrual.duration / 2
    return _by_events(_freedman_per_quantile(trial), _mean_death_probability(trial, at))


def _rubinstein(trial: Assumptions) -> Standardized:
    sd = _sd_log_ratio(trial, *trial.event_probabilities())
    return Standardized(effect=abs(log(_constant(trial))), sd_null=sd, sd_alternative=sd, event_share=_mean_probability(trial))


def _sd_log_ratio(trial: Assumptions, control: float, experimental: float) -> float:
    return sqrt(1 / (trial.shares[0] * control) + 1 / (trial.shares[1] * experimental))


def _probability_with_rate(trial: Assumptions, rate: float) -> tuple[float, float]:
    """Event probabilities of the arms if both had this hazard."""
    common = Piecewise(starts=(0.0,), rates=(rate,))
    return replace(trial, control=common, experimental=common, hazard_ratio=1.0).event_probabilities()


def _rates(trial: Assumptions, method: str) -> tuple[float, float]:
    found = [_rate(arm) for arm in (trial.control, trial.experimental)]
    if found[0] is None or found[1] is None:
        raise ValueError(f"assumptions have hazards that change over time; method must be another than {method!r}")
    _ratio(found[1] / found[0])
    return found[0], found[1]


def _rate(arm: TimeToEvent) -> float | None:
    return arm.rates[0] if isinstance(arm, Piecewise) and len(set(arm.rates)) == 1 and arm.rates[0] > 0 else None


def _lachin_foulkes(trial: Assumptions) -> Standardized:
    """Difference of hazards; its null variance at the mean hazard."""
    rates = _rates(trial, "lachin_foulkes")
    mean = trial.shares[0] * rates[0] + trial.shares[1] * rates[1]
    null = _sd_rate_difference(trial, (mean, mean), _probability_with_rate(trial, mean))
    alternative = _sd_rate_difference(trial, rates, trial.event_probabilities())
    share = _mean_probability(trial)
    return Standardized(effect=abs(rates[0] - rates[1]), sd_null=null, sd_alternative=alternative, event_share=share)


def _lachin_foulkes_unpooled(trial: Assumptions) -> Standardized:
    rates = _rates(trial, "lachin_foulkes_unpooled")
    sd = _sd_rate_difference(trial, rates, trial.event_probabilities())
    share = _mean_probability(trial)
    return Standardized(effect=abs(rates[0] - rates[1]), sd_null=sd, sd_alternative=sd, event_share=share)


def _sd_rate_difference(trial: Assumptions, rates: tuple[float, float], events: tuple[float, float]) -> float:
    return sqrt(sum(rate**2 / p / share for rate, p, share in zip(rates, events, trial.shares, strict=True)))


def _log_ratio_with_null(trial: Assumptions, null_rate: float) -> Standardized:
    """Log hazard ratio; its null variance if both arms had `null_rate`."""
    null = _sd_log_ratio(trial, *_probability_with_rate(trial, null_rate))
    alternative = _sd_log_ratio(trial, *trial.event_probabilities())
    effect = abs(log(_constant(trial)))
    return Standardized(effect=effect, sd_null=null, sd_alternative=alternative, event_share=_mean_probability(trial))


def _lachin_foulkes_log(trial: Assumptions) -> Standardized:
    rates = _rates(trial, "lachin_foulkes_log")
    return _log_ratio_with_null(trial, trial.shares[0] * rates[0] + trial.shares[1] * rates[1])


def _bernstein_lagakos(trial: Assumptions) -> Standardized:
    return _log_ratio_with_null(trial, _rates(trial, "bernstein_lagakos")[0])


def _lakatos(trial: Assumptions) -> Standardized:
    limit = limit_of_logrank(trial)
    sd = sqrt(limit.variance)
    if not limit.drift:
        raise ValueError("assumptions have arms that do not differ; they must, there is nothing to detect")
    return Standardized(effect=abs(limit.drift), sd_null=sd, sd_alternative=sd, event_share=limit.event_share)


METHODS: dict[str, Callable[[Assumptions], Standardized]] = {
    "schoenfeld": _schoenfeld,
    "freedman": _freedman,
    "rubinstein": _rubinstein,
    "lachin_foulkes": _lachin_foulkes,
    "lachin_foulkes_unpooled": _lachin_foulkes_unpooled,
    "lachin_foulkes_log": _lachin_foulkes_log,
    "bernstein_lagakos": _bernstein_lagakos,
    "lakatos": _lakatos,
    "collett_simpson": _collett_simpson,
    "freedman_midpoint": _freedman_midpoint,
}


def standardized(trial: Assumptions, method: str) -> Standardized:
    """Return what one subject adds to the statistic of a method.

    Raises:
        ValueError: there is no such method, or it does not fit the assumptions.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    return METHODS[method](trial)


def subjects_for(parts: Standardized, *, alpha: float, power: float, sides: int = 1) -> float:
    """Return the subjects, not rounded, with which a standardized statistic has a power."""
    z_beta = float(ndtri(arguments.level(power, "power")))
    root = (critical(alpha, sides) * parts.sd_null + z_beta * parts.sd_alternative) / parts.effect
    if root <= 0:
        raise ValueError(f"power is {power!r}; it must exceed alpha, no subject is needed for less")
    return root**2


def power_for(parts: Standardized, subjects: float, *, alpha: float, sides: int = 1) -> float:
    """Return the power of a standardized statistic with so many subjects; of a two-sided test the right side's."""
    reach = sqrt(subjects) * parts.effect - critical(alpha, sides) * parts.sd_null
    return float(ndtr(reach / parts.sd_alternative))


def sample_size(
    assumptions: Assumptions, *, alpha: float, power: float, sides: int = 1, method: str = "schoenfeld"
) -> SampleSize:
    """Return the events and subjects with which a trial has a power.

    Args:
        assumptions: the trial; its own number of subjects plays no part, the shape of its accrual does.
        alpha: size of the test, one- or two-sided as `sides` says.
        power: in (0, 1), above alpha.
        sides: 1 or 2.
        method: `schoenfeld`, `freedman`: events by the formula over the event probability; `collett_simpson`: Schoenfeld's
            events over Simpson's rule for it; `freedman_midpoint`: Freedman's over the probability for a subject who
            entered halfway; `rubinstein`: log hazard ratio with its variance under the assumptions; `lachin_foulkes`,
            `lachin_foulkes_unpooled`: difference of hazards, exponential only, null variance at the mean hazard or as
            under the assumptions; `lachin_foulkes_log`, `bernstein_lagakos`: log hazard ratio with null variance at the
            mean or at the control hazard; `lakatos`: the limit of the log-rank test itself, for any hazards.

    Raises:
        ValueError: an argument is out of its range, or the method does not fit the assumptions.

    Source: Schoenfeld (1981); Freedman (1982); Collett (2015), Modelling Survival Data, chapter 15; Rubinstein, Gail and
    Santner (1981), J Chronic Dis 34, 469-479; Lachin and Foulkes (1986); Bernstein and Lagakos (1978), J Stat Comput
    Simul 8, 65-73; Lakatos (1988), Biometrics 44, 229-241.

    >>> from oligami.stats.sizing import assume, exponential_through, uniform
    >>> plan = assume(control=exponential_through(0.45, at=5), experimental=exponential_through(0.57, at=5),
    ...               accrual=uniform(3), followup=5)
    >>> sample_size(plan, alpha=0.05, power=0.7, method="lachin_foulkes").subjects_rounded
    268
    """
    parts = standardized(assumptions, method)
    subjects = subjects_for(parts, alpha=alpha, power=power, sides=sides)
    return _result(assumptions, parts, subjects, alpha=alpha, power=power, sides=sides, method=method)


def power_of(
    assumptions: Assumptions, *, alpha: float, sides: int = 1, method: str = "lakatos", subjects: float | None = None
) -> SampleSize:
    """Return the power of a trial with the subjects that its accrual brings, or `subjects`.

    Arguments and errors as `sample_size`. By default the limit of the log-rank test itself, which holds for any hazards.

    Source: as `sample_size`, solved for the power; of a two-sided test the experimental arm's side.

    >>> from oligami.stats.sizing import assume, exponential_through, uniform
    >>> plan = assume(control=exponential_through(0.45, at=5), experimental=exponential_through(0.57, at=5),
    ...               accrual=uniform(3, subjects=270), followup=5)
    >>> round(power_of(plan, alpha=0.05, method="schoenfeld").power, 4), round(power_of(plan, alpha=0.05).power, 4)
    (0.7089, 0.7075)
    """
    parts = standardized(assumptions, method)
    entered = assumptions.subjects if subjects is None else arguments.number(subjects, "subjects", above=0)
    power = power_for(parts, entered, alpha=alpha, sides=sides)
    return _result(assumptions, parts, entered, alpha=alpha, power=power, sides=sides, method=method)


def _result(
    trial: Assumptions, parts: Standardized, subjects: float, *, alpha: float, power: float, sides: int, method: str
) -> SampleSize:
    control, experimental = trial.event_probabilities()
    return SampleSize(
        method=method,
        power=power,
        alpha=alpha,
        sides=sides,
        hazard_ratio=trial.hazard_ratio,
        events=subjects * parts.event_share,
        subjects=subjects,
        subjects_control=subjects * trial.shares[0],
        subjects_experimental=subjects * trial.shares[1],
        duration=trial.duration,
        event_probability_control=control,
        event_probability_experimental=experimental,
    )
