"""What happens to a subject under either arm, before anything is said."""

import math
from dataclasses import replace

import pytest

from oligami.simulation.latent import DAYS_PER_MONTH, draw_latent
from oligami.simulation.scenario import Draw

DRAWS = 20_000


@pytest.fixture(scope="module")
def drawn(standard):
    outcome = replace(
        standard.outcome,
        death_months=Draw(value=50.0),
        progression_months=Draw(value=16.0),
        hazard_ratio_death={"A": 1.0, "B": 0.7},
        oligo_share={"A": 0.62, "B": 0.28},
    )
    scenario = replace(standard, outcome=outcome)
    return [draw_latent(scenario, ("A", "B"), {}, 5, number) for number in range(DRAWS)]


def test_arms_differ_in_survival_by_just_the_hazard_ratio(drawn):
    """The same uniforms serve both arms: a subject's time to death is the control's divided by the hazard ratio."""
    for latent in drawn:
        assert latent.fates["B"].death_days == pytest.approx(latent.fates["A"].death_days / 0.7, rel=1e-12)


@pytest.mark.parametrize(("arm", "median"), [("A", 50.0), ("B", 50.0 / 0.7)])
def test_survival_is_exponential_with_its_median(drawn, arm, median):
    """Half live longer than the median, a quarter longer than twice the median."""
    days = [latent.fates[arm].death_days for latent in drawn]
    for halves, share in ((1, 0.5), (2, 0.25)):
        beyond = sum(day > halves * median * DAYS_PER_MONTH for day in days) / DRAWS
        # 4 standard errors of a proportion
        assert abs(beyond - share) < 4 * math.sqrt(share * (1 - share) / DRAWS)


def test_progression_comes_before_death_or_never(drawn):
    """Nobody progresses after death; some die without progression."""
    fates = [fate for latent in drawn for fate in latent.fates.values()]
    assert all(fate.progression_days < fate.death_days or math.isinf(fate.progression_days) for fate in fates)
    assert any(math.isinf(fate.progression_days) for fate in fates)


@pytest.mark.parametrize(("arm", "share"), [("A", 0.62 * 0.88), ("B", 0.28 * 0.88)])
def test_the_site_of_progression_has_its_share(drawn, arm, share):
    """Progression in the baseline metastases alone is as frequent as the scenario says."""
    found = sum(latent.fates[arm].site == "oligometastases" for latent in drawn) / DRAWS
    assert abs(found - share) < 4 * math.sqrt(share * (1 - share) / DRAWS)  # 4 standard errors of a proportion


def test_what_has_no_median_never_comes(standard):
    """A scenario without deaths and progressions simulates neither."""
    outcome = replace(standard.outcome, death_months=None, progression_months=None, after_failure_months=None)
    latent = draw_latent(replace(standard, outcome=outcome), ("A",), {}, 1, 1)
    assert latent.fates["A"].death_days == latent.fates["A"].progression_days == math.inf
    assert latent.death_if_not_randomized_days == math.inf
