"""Subjects that a comparison at one point of time needs: survival at a milestone as a proportion or a Kaplan-Meier value.

Also the rough ways to subjects from events that take the probability of death by the milestone for everybody's.
"""

from math import asin, log, sqrt

from oligami.stats import arguments
from oligami.stats.sizing.formulas import Standardized, freedman_events, schoenfeld_events, subjects_for


def two_binomials(
    survival_control: float,
    survival_experimental: float,
    *,
    alpha: float,
    power: float,
    sides: int = 1,
    allocation: float = 1.0,
) -> float:
    """Return the subjects, not rounded, to tell two proportions apart; null variance at the mean proportion.

    Args:
        survival_control: proportion free of the event at the milestone, in (0, 1).
        survival_experimental: the same of the experimental arm; another number.
        alpha: size of the test, one- or two-sided as `sides` says.
        power: in (0, 1).
        sides: 1 or 2.
        allocation: experimental subjects to one control subject.

    Raises:
        ValueError: an argument is out of its range.

    Source: Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, section 4.2, no continuity
    correction.

    >>> round(two_binomials(0.45, 0.57, alpha=0.05, power=0.7), 4)
    325.5108
    """
    s0, s1, q0, q1 = _arms(survival_control, survival_experimental, allocation)
    mean = q0 * s0 + q1 * s1
    parts = Standardized(
        effect=abs(s1 - s0),
        sd_null=sqrt(mean * (1 - mean) * (1 / q0 + 1 / q1)),
        sd_alternative=sqrt(s0 * (1 - s0) / q0 + s1 * (1 - s1) / q1),
        event_share=1 - mean,
    )
    return subjects_for(parts, alpha=alpha, power=power, sides=sides)


def two_binomials_arcsine(
    survival_control: float,
    survival_experimental: float,
    *,
    alpha: float,
    power: float,
    sides: int = 1,
    allocation: float = 1.0,
) -> float:
    """Return the subjects, not rounded, to tell two proportions apart on the scale 2 arcsin(sqrt(p)), variance 1 / n.

    Arguments and errors as `two_binomials`.

    Source: Cohen (1988), Statistical Power Analysis, chapter 6.

    >>> round(two_binomials_arcsine(0.45, 0.57, alpha=0.05, power=0.7), 4)
    325.0765
    """
    s0, s1, q0, q1 = _arms(survival_control, survival_experimental, allocation)
    sd = sqrt(1 / q0 + 1 / q1)
    effect = abs(2 * asin(sqrt(s1)) - 2 * asin(sqrt(s0)))
    parts = Standardized(effect=effect, sd_null=sd, sd_alternative=sd, event_share=1 - q0 * s0 - q1 * s1)
    return subjects_for(parts, alpha=alpha, power=power, sides=sides)


def kaplan_meier_at_milestone(
    survival_control: float,
    survival_experimental: float,
    *,
    alpha: float,
    power: float,
    sides: int = 1,
    allocation: float = 1.0,
) -> float:
    """Return the subjects, not rounded, to tell log(-log S) at the milestone apart when all are followed to it.

    Arguments and errors as `two_binomials`. Greenwood's variance of log(-log S) is then (1 - S) / (S log(S)^2) / n.

    Source: Klein et al. (2007), Statistics in Medicine 26, 4505-4519, for the test.

    >>> round(kaplan_meier_at_milestone(0.45, 0.57, alpha=0.05, power=0.7), 4)
    328.7497
    """
    s0, s1, q0, q1 = _arms(survival_control, survival_experimental, allocation)
    sd = sqrt(sum((1 - s) / (s * log(s) ** 2) / q for s, q in ((s0, q0), (s1, q1))))
    effect = abs(log(log(s1) / log(s0)))
    parts = Standardized(effect=effect, sd_null=sd, sd_alternative=sd, event_share=1 - q0 * s0 - q1 * s1)
    return subjects_for(parts, alpha=alpha, power=power, sides=sides)


def events_over_milestone_probability(
    survival_control: float,
    survival_experimental: float,
    *,
    alpha: float,
    power: float,
    sides: int = 1,
    allocation: float = 1.0,
    formula: str = "schoenfeld",
) -> float:
    """Return Schoenfeld's or Freedman's events divided by the mean probability of the event by the milestone.

    Too many subjects when most are followed for longer than the milestone, too few when for shorter. Arguments and errors
    as `two_binomials`; the hazard ratio is log S1 / log S0.

    Args:
        survival_control: see above.
        survival_experimental: see above.
        alpha: see above.
        power: see above.
        sides: see above.
        allocation: see above.
        formula: `schoenfeld` or `freedman`.

    Source: Schoenfeld (1981); Freedman (1982), section 4.

    >>> round(events_over_milestone_probability(0.45, 0.57, alpha=0.05, power=0.7), 4)
    311.7406
    """
    s0, s1, q0, q1 = _arms(survival_control, survival_experimental, allocation)
    if formula not in ("schoenfeld", "freedman"):
        raise ValueError(f"formula is {formula!r}; it must be 'schoenfeld' or 'freedman'")
    needed = schoenfeld_events if formula == "schoenfeld" else freedman_events
    events = needed(log(s1) / log(s0), alpha=alpha, power=power, sides=sides, allocation=allocation)
    return events / (1 - q0 * s0 - q1 * s1)


def _arms(control: float, experimental: float, allocation: float) -> tuple[float, float, float, float]:
    s0 = arguments.level(control, "survival_control")
    s1 = arguments.level(experimental, "survival_experimental")
    if s0 == s1:
        raise ValueError(f"survival_experimental is {s1!r} as survival_control; they must differ")
    q1 = arguments.number(allocation, "allocation", above=0) / (1 + allocation)
    return s0, s1, 1 - q1, q1
