"""All that will happen to a subject under either arm, drawn before anything is said: the latent trial."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from oligami.simulation.drawing import choose, draw_value, exponential, happens, stream
from oligami.simulation.scenario import Draw, Scenario

DAYS_PER_MONTH = 30.4375


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What an arm would bring one subject, in days from randomization (infinite: never within any follow-up).

    death_days: exponential with the scenario's median and hazard ratio, so the arms differ in survival by just that.
    progression_days: before death, or infinite (death without progression). site: where progression shows first.
    """

    death_days: float
    progression_days: float
    site: str  # oligometastases, non_oligometastases or both
    clinical: bool  # the clinic notices before a scan does
    equivocal: bool  # a new lesion is first called equivocal


@dataclass(frozen=True, slots=True, kw_only=True)
class Latent:
    """One subject: a fate for each arm, the time to death of one who is never randomized, loss to follow-up, withdrawal."""

    fates: Mapping[str, Fate]
    death_if_not_randomized_days: float
    lost_days: float
    withdrawal_days: float
    withdrawal_scope: str


def draw_latent(scenario: Scenario, arms: tuple[str, ...], env: Mapping[str, Any], seed: int, number: int) -> Latent:
    """Draw a subject's latent course; the same uniforms serve every arm, so arms differ by their hazards alone."""
    outcome, office = scenario.outcome, scenario.office
    medians = stream(seed, "medians", number)
    death_rate = _rate(outcome.death_months, env, medians)
    progression_rate = _rate(outcome.progression_months, env, medians)
    failure_rate = _rate(outcome.after_failure_months, env, medians)

    def fate(arm: str) -> Fate:
        chance = stream(seed, "fate", number)
        death = exponential(death_rate * outcome.hazard_ratio_death.get(arm, 1.0), chance) * DAYS_PER_MONTH
        progression = exponential(progression_rate * outcome.hazard_ratio_progression.get(arm, 1.0), chance) * DAYS_PER_MONTH
        sudden = happens(outcome.sudden_death_share, chance)
        when = 0.2 + 0.7 * chance.random()
        if progression >= death:
            # Most deaths follow a progression that the exponential clock missed.
            missed = math.isfinite(progression) and not sudden
            progression = death * when if missed else math.inf
        oligo = outcome.oligo_share.get(arm, 0.5)
        weights = {
            "both": outcome.both_share,
            "oligometastases": oligo * (1 - outcome.both_share),
            "non_oligometastases": (1 - oligo) * (1 - outcome.both_share),
        }
        return Fate(
            death_days=death,
            progression_days=progression,
            site=choose(weights, chance),
            clinical=happens(outcome.clinical_share, chance),
            equivocal=happens(outcome.equivocal_share, chance),
        )

    chance = stream(seed, "leaving", number)
    return Latent(
        fates={arm: fate(arm) for arm in arms},
        death_if_not_randomized_days=exponential(failure_rate, chance) * DAYS_PER_MONTH,
        lost_days=exponential(office.drop_out_per_year / 365.25, chance),
        withdrawal_days=exponential(office.withdrawal_per_year / 365.25, chance),
        withdrawal_scope=choose(office.withdrawal_scope, chance),
    )


def _rate(median_months: Draw | None, env: Mapping[str, Any], chance: Random) -> float:
    """Return the rate of an exponential time from its median; 0 where it never comes."""
    return 0.0 if median_months is None else math.log(2) / float(draw_value(median_months, env, chance))
