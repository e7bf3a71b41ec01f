"""All that will happen to every subject."""

from dataclasses import replace

import numpy as np
import pytest

from fast_designs import W1, W3, W4
from oligami.simulation.fast.latent import draw_latents
from oligami.simulation.fast.plan import Plan
from oligami.simulation.fast.streams import Purpose, uniforms

TRIALS = 100
COURSE = dict(zip(("entry", "event", "lost", "arm"), uniforms(3, Purpose.COURSE, np.arange(TRIALS), 340), strict=True))
ROAD = dict(zip(("gate", "delay", "site", "other"), uniforms(3, Purpose.ROAD, np.arange(TRIALS), 340), strict=True))


def cumulative(plan: Plan, level: int, arm: int, until: np.ndarray, since: np.ndarray | float = 0.0) -> np.ndarray:
    """Add up an arm's hazard over each piece between two times."""
    ends = np.append(plan.pieces[1:], np.inf)
    hazards = plan.control_hazards[level] * (plan.hazard_ratios[level] if arm else 1)
    spans = [np.clip(until, low, high) - np.clip(since, low, high) for low, high in zip(plan.pieces, ends, strict=True)]
    return sum(hazard * span for hazard, span in zip(hazards, spans, strict=True))


def test_entry_follows_accrual():
    """Registrations come as the cumulative shares say, and none where they stand still."""
    plan = replace(W1, accrual_times=(0.0, 6.0, 12.0, 36.0), accrual_shares=(0.0, 0.1, 0.1, 1.0))
    entry, u = draw_latents(plan, 3, 0, TRIALS).entry, COURSE["entry"][:, :270]
    early = u < 0.1
    np.testing.assert_allclose(entry[early], 60 * u[early], rtol=1e-12)
    np.testing.assert_allclose(entry[~early], 12 + 24 * (u[~early] - 0.1) / 0.9, rtol=1e-12)


def test_gate_by_level():
    """A subject reaches randomization if its draw lies below its level's share; 0 is nobody, 1 everybody."""
    latents = draw_latents(replace(W4, pass_shares=(0.0, 1.0, 0.5, 0.25)), 3, 0, TRIALS)
    assert (latents.passes == (ROAD["gate"] < np.array([0.0, 1.0, 0.5, 0.25])[latents.level])).all()
    assert not latents.passes[latents.level == 0].any()
    assert latents.passes[latents.level == 1].all()


def test_delay_is_uniform_in_its_range():
    """Randomization comes between the least and the longest delay after entry."""
    latents = draw_latents(replace(W4, delay_months=(2.0, 5.0)), 3, 0, TRIALS)
    np.testing.assert_allclose(latents.randomization - latents.entry, 2.0 + 3.0 * ROAD["delay"], rtol=0, atol=1e-12)


def test_sites_and_factors_have_their_shares():
    """Levels come by their shares, the last one for what rounding leaves; factors beyond the fourth too."""
    shares = ((0.5, 0.2, 0.2, 0.1), (0.5, 0.5), (0.0, 1.0), (1.0, 0.0), (0.3, 0.7))
    latents = draw_latents(replace(W4, factor_shares=shares, allocation="simple"), 3, 0, TRIALS)
    drawn = 340 * TRIALS
    for level, expected in ((latents.site, W4.site_shares), *zip(latents.factors, shares, strict=True)):
        found = np.bincount(level.ravel(), minlength=len(expected)) / drawn
        # 4.5 standard errors of a share, for 62 shares
        assert (np.abs(found - expected) <= 4.5 * np.sqrt(np.multiply(expected, np.subtract(1, expected)) / drawn)).all()
    assert latents.level is latents.factors[0]


@pytest.mark.parametrize("plan", [W1, W3, W4], ids=["one hazard", "two levels", "four levels"])
def test_death_comes_at_its_cumulative_hazard(plan):
    """In either arm the hazard up to death adds up to the same unit exponential."""
    latents = draw_latents(plan, 3, 0, TRIALS)
    unit = -np.log(COURSE["event"][:, : plan.subjects])
    for arm in (0, 1):
        for level in range(plan.levels):
            own = latents.level == level
            np.testing.assert_allclose(cumulative(plan, level, arm, latents.death[arm][own]), unit[own], rtol=1e-12)


def test_without_hazard_nobody_dies():
    """A last piece without hazard leaves those who reach it alive for ever."""
    plan = replace(W1, pieces=(0.0, 12.0), control_hazards=((0.05, 0.0),), hazard_ratios=((1.0, 1.0),), drop_out=(0.01, 0.01))
    death, unit = draw_latents(plan, 3, 0, TRIALS).death, -np.log(COURSE["event"][:, :270])
    assert (np.isinf(death[0]) == (unit >= 0.6)).all()


def test_pauses_of_hazard_are_passed_over():
    """Nobody dies in a piece without hazard between two with one."""
    plan = replace(W1, pieces=(0.0, 6.0, 12.0), control_hazards=((0.05, 0.0, 0.05),), hazard_ratios=((1.0, 1.0, 1.0),))
    death = draw_latents(plan, 3, 0, TRIALS).death[0]
    assert not ((death > 6.0) & (death < 12.0)).any()
    assert (death < 6.0).any()
    assert (death >= 12.0).any()


@pytest.mark.parametrize("ratio", [0.4, 2.5])
def test_crossover_multiplies_the_hazard_from_then_on(ratio):
    """Who lives at the crossing has the hazard before it and the multiplied one after it; arm 1 is as it was."""
    plan = replace(W3, crossover_rate=0.05, crossover_ratio=ratio)
    latents, without = draw_latents(plan, 3, 0, TRIALS), draw_latents(W3, 3, 0, TRIALS)
    crossing, unit = -np.log(ROAD["other"][:, :270]) / 0.05, -np.log(COURSE["event"][:, :270])
    later = without.death[0] > crossing
    assert (latents.death[0][~later] == without.death[0][~later]).all()
    assert (latents.death[1] == without.death[1]).all()
    for level in (0, 1):
        own = later & (latents.level == level)
        before = cumulative(plan, level, 0, crossing[own])
        after = cumulative(plan, level, 0, latents.death[0][own], crossing[own])
        np.testing.assert_allclose(before + ratio * after, unit[own], rtol=1e-10)


def test_the_untreated_keep_the_control_hazard():
    """Who never gets the experimental therapy dies when it would have died in arm 0, crossing over aside."""
    plain = draw_latents(W3, 3, 0, TRIALS).death
    death = draw_latents(replace(W3, untreated_share=0.3, crossover_rate=0.1, crossover_ratio=0.5), 3, 0, TRIALS).death[1]
    untreated = ROAD["other"][:, :270] < 0.3
    assert (death[untreated] == plain[0][untreated]).all()
    assert (death[~untreated] == plain[1][~untreated]).all()


@pytest.mark.parametrize("rates", [(0.0, 0.0), (0.01, 0.01), (0.0, 0.05), (0.02, 0.005)])
def test_drop_out_by_arm(rates):
    """Loss to follow-up is exponential with the arm's rate, and never comes without one."""
    lost = draw_latents(replace(W1, drop_out=rates), 3, 0, TRIALS).lost
    for arm, rate in enumerate(rates):
        if rate == 0:
            assert np.isinf(lost[arm]).all()
        else:
            np.testing.assert_allclose(lost[arm], -np.log(COURSE["lost"][:, :270]) / rate, rtol=1e-12)


def test_one_draw_has_one_place():
    """What a plan does not need is not drawn, and that changes nothing else."""
    lean, rich = W1, replace(W1, allocation="simple", delay_months=(1.0, 2.0), site_shares=(0.5, 0.5), pass_shares=(0.5,))
    one, other = draw_latents(lean, 3, 0, 4), draw_latents(rich, 3, 0, 4)
    assert (one.entry == other.entry).all()
    assert (one.death == other.death).all()
    assert (one.lost == other.lost).all()
    assert one.passes.all()
    assert (one.u == 0.5).all()
    assert (other.u == COURSE["arm"][:4, :270]).all()


@pytest.mark.parametrize(("first", "last"), [(-1, 3), (3, 3), (4, 3)])
def test_impossible_ranges_are_refused(first, last):
    """Replicates are counted from 0, and one at least is wanted."""
    with pytest.raises(ValueError, match=f"replicates are {first} to {last}"):
        draw_latents(W1, 3, first, last)
