"""Many trials at once."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fast_designs import W1, W2, W4, plans
from oligami.simulation.fast.allocation import draw_arms
from oligami.simulation.fast.batch import simulate_batch
from oligami.simulation.fast.latent import draw_latents
from oligami.simulation.fast.plan import Look, Minimization, Plan, Test
from oligami.simulation.fast.replicates import Replicates, decide, joined

NEVER = -np.inf


def assert_identical(found: Replicates, expected: Replicates) -> None:
    """Compare all fields bit by bit."""
    for name in (part.name for part in fields(Replicates)):
        one, other = getattr(found, name), getattr(expected, name)
        assert (one.shape, one.dtype) == (other.shape, other.dtype), name
        assert one.tobytes() == other.tobytes(), name


def rows(replicates: Replicates, first: int, last: int) -> Replicates:
    return Replicates(**{part.name: getattr(replicates, part.name)[first:last].copy() for part in fields(Replicates)})


def with_looks(plan: Plan, *looks: Look) -> Plan:
    return replace(plan, looks=looks, efficacy=(2.0,) * len(looks), futility=(NEVER,) * len(looks))


def only_look(replicates: Replicates, look: int) -> Replicates:
    """Keep one look."""
    kept = {name: getattr(replicates, name)[:, [look]] for name in ("log_hr", "rmst_difference", "cut", "events", "at_look")}
    rest = {name: getattr(replicates, name) for name in ("registered", "randomized", "last_randomization")}
    return Replicates(z=replicates.z[:, :, [look]].copy(), **kept, **rest)


@given(plan=plans(), seed=st.integers(0, 2**64 - 1), cut=st.integers(1, 11), first=st.sampled_from([0, 2**32 - 5]))
@settings(max_examples=60, deadline=None)
def test_any_chunks_give_the_same_bits(plan, seed, cut, first):
    """Two parts and single replicates are the rows of the whole."""
    whole = simulate_batch(plan, seed, first, first + 12)
    parts = [simulate_batch(plan, seed, first, first + cut), simulate_batch(plan, seed, first + cut, first + 12)]
    assert_identical(joined(parts), whole)
    assert_identical(simulate_batch(plan, seed, first + cut, first + cut + 1), rows(whole, cut, cut + 1))


@pytest.mark.parametrize("plan", [W1, W2, W4], ids=["W1", "W2", "W4"])
def test_blocks_leave_no_trace(plan):
    """Trials of full size are the same in another division and alone, on both sides of a block's end."""
    block = (1 << 17) // plan.subjects
    whole = simulate_batch(plan, 5, 0, block + 40)
    assert_identical(joined([simulate_batch(plan, 5, 0, 33), simulate_batch(plan, 5, 33, block + 40)]), whole)
    for alone in (0, block - 1, block, block + 39):
        assert_identical(simulate_batch(plan, 5, alone, alone + 1), rows(whole, alone, alone + 1))


def test_seeds_and_replicates_differ():
    """Another seed is another trial, and so is another replicate."""
    z = np.concatenate([simulate_batch(W1, seed, 0, 50).z.ravel() for seed in (1, 2, 2**40)])
    assert np.unique(z).size == 150


def test_nobody_is_registered_after_the_limit():
    """When the limit is randomized registration closes; those registered before may still be randomized."""
    plan = replace(W4, randomized_limit=100, delay_months=(0.0, 6.0))
    found, latents = simulate_batch(plan, 8, 0, 50), draw_latents(plan, 8, 0, 50)
    for row in range(50):
        passes = latents.passes[row]
        closing = np.sort(latents.randomization[row, passes])[99]
        took_part = latents.entry[row] <= closing
        assert found.registered[row] == took_part.sum()
        assert found.randomized[row].sum() == (took_part & passes).sum()
        assert found.last_randomization[row] == latents.randomization[row, took_part & passes].max()
    assert (found.randomized.sum(axis=1) > 100).all()


def test_a_limit_beyond_reach_is_none():
    """A limit that is never reached changes nothing."""
    without = simulate_batch(W4, 8, 0, 20)
    for limit in (330, 1000):
        assert_identical(simulate_batch(replace(W4, randomized_limit=limit), 8, 0, 20), without)


def test_the_gate_lets_its_share_through():
    """All are registered; those randomized are binomial."""
    found = simulate_batch(W4, 8, 0, 400)
    assert (found.registered == 340).all()
    # 4 standard errors of the mean of 400 binomials of 340 with share 270/340
    assert abs(found.randomized.sum(axis=1).mean() - 270) < 4 * np.sqrt(340 * (270 / 340) * (70 / 340) / 400)


def test_balanced_arms_alternate():
    """Of an even number without a gate each arm has half."""
    assert (simulate_batch(W1, 8, 0, 20).randomized == 135).all()


def test_simple_arms_are_a_coin():
    """The first arm is drawn by a fair coin."""
    zeros = simulate_batch(replace(W1, allocation="simple"), 8, 0, 200).randomized[:, 0]
    assert abs(zeros.mean() - 135) < 4 * np.sqrt(270 / 4 / 200)
    assert zeros.std() == pytest.approx(np.sqrt(270 / 4), rel=4 / np.sqrt(2 * 200))


@pytest.mark.parametrize("of", ["site", "factor"])
def test_certain_minimization_keeps_level_counts_within_one(of):
    """With the better arm certain and one margin weighed, no level is ever more than one apart."""
    rule = Minimization(p_best=1.0, weights=(0.0, 0.0, float(of == "factor")), site_weight=float(of == "site"))
    plan = replace(W4, allocation=rule)
    latents = draw_latents(plan, 8, 0, 30)
    arms = draw_arms(plan, latents, latents.passes)
    level = latents.site if of == "site" else latents.factors[2]
    lead = np.where(latents.passes, 1 - 2 * arms, 0)
    for value in range(level.max() + 1):
        assert np.abs(np.where(level == value, lead, 0).sum(axis=1)).max() <= 1


def test_minimization_balances_its_margins():
    """Minimized margins lie far closer than those of a coin."""
    spread = {}
    for name, rule in (("minimized", W4.allocation), ("coin", "simple")):
        plan = replace(W4, allocation=rule)
        latents = draw_latents(plan, 8, 0, 200)
        lead = np.where(latents.passes, 1 - 2 * draw_arms(plan, latents, latents.passes), 0)
        spread[name] = np.mean([np.abs(np.where(latents.level == level, lead, 0).sum(axis=1)).mean() for level in range(4)])
    assert spread["minimized"] < spread["coin"] / 3


def test_initial_simple_draws_are_a_coin():
    """While the first subjects are drawn simply, arms follow the draw alone."""
    plan = replace(W4, allocation=replace(W4.allocation, initial_simple=340))
    latents = draw_latents(plan, 8, 0, 10)
    arms = draw_arms(plan, latents, latents.passes)
    assert (arms == (latents.u >= 0.5))[latents.passes].all()


def test_event_looks_wait_for_their_events():
    """At the cut exactly the wanted deaths have come, the last of them that moment."""
    found = simulate_batch(W2, 8, 0, 200)
    assert (found.events.sum(axis=2) == [75, 113, 150]).all()
    assert (np.diff(found.cut, axis=1) > 0).all()
    assert (found.at_look <= 270).all()
    assert (found.at_look[:, 0] < 270).any()


def test_event_looks_do_not_wait_for_ever():
    """An event look is taken at its last moment if that comes first; the look before is as it was."""
    plan = with_looks(W1, Look(events=75), Look(events=150, not_after_months=40.0))
    found = simulate_batch(plan, 8, 0, 50)
    assert_identical(only_look(found, 0), simulate_batch(with_looks(W1, Look(events=75)), 8, 0, 50))
    assert (found.cut[:, 1] == 40.0).all()
    assert (found.events[:, 1].sum(axis=1) < 150).all()


def test_events_that_never_come():
    """If too few die, the look is taken when the last subject has left, with all data; a finite last moment still counts."""
    plan = replace(
        with_looks(W1, Look(events=269), Look(events=1000), Look(events=1000, not_after_months=20.0)), drop_out=(0.02, 0.02)
    )
    found, latents = simulate_batch(plan, 8, 0, 20), draw_latents(plan, 8, 0, 20)
    arm = np.arange(270) % 2
    observed = np.minimum(latents.death, latents.lost)[arm, :, np.arange(270)].T
    np.testing.assert_array_equal(found.cut[:, 0], (latents.randomization + observed).max(axis=1))
    assert (found.cut[:, 1] == found.cut[:, 0]).all()
    assert (found.cut[:, 2] == 20.0).all()
    died = (latents.death <= latents.lost)[arm, :, np.arange(270)].T
    assert (found.events[:, 1].sum(axis=1) == died.sum(axis=1)).all()


def test_looks_by_the_calendar():
    """A look at a month, and one after the last randomization, are taken then, with whoever is randomized before."""
    found = simulate_batch(with_looks(W4, Look(calendar_months=12.0), Look(after_last_months=24.0)), 8, 0, 30)
    latents = draw_latents(W4, 8, 0, 30)
    assert (found.cut[:, 0] == 12.0).all()
    assert (found.cut[:, 1] == found.last_randomization + 24.0).all()
    assert (found.at_look[:, 0] == (latents.passes & (latents.randomization < 12.0)).sum(axis=1)).all()
    assert (found.at_look[:, 1] == found.randomized.sum(axis=1)).all()


def test_an_empty_arm_has_no_test():
    """With one subject, or none, no test is defined and no difference known."""
    plan = replace(W1, subjects=1, tests=tuple(Test))
    for pass_share, randomized in ((1.0, [1, 0]), (0.0, [0, 0])):
        found = simulate_batch(replace(with_looks(plan, Look(events=1)), pass_shares=(pass_share,)), 8, 0, 5)
        assert (found.randomized == randomized).all()
        assert (found.z == 0).all()
        assert np.isnan(found.log_hr).all()
        assert np.isnan(found.rmst_difference).all()
        assert (found.registered == 1).all()
    assert (found.last_randomization == 0).all()
    assert (found.cut == 0).all()


def test_what_is_not_asked_is_unknown():
    """Without the Cox model and restricted means their sizes are not numbers."""
    found = simulate_batch(W1, 8, 0, 5)
    assert np.isnan(found.log_hr).all()
    assert np.isnan(found.rmst_difference).all()


def test_the_order_of_tests_is_the_plans():
    """Tests stand in the order asked for, each with the same z whatever else is asked."""
    all_tests = simulate_batch(replace(W4, tests=tuple(Test)), 8, 0, 10).z
    for test in Test:
        assert (simulate_batch(replace(W4, tests=(test,)), 8, 0, 10).z[:, 0] == all_tests[:, test]).all()


@pytest.mark.parametrize("arguments", [(-1, 3), (3, 3)])
def test_impossible_ranges_are_refused(arguments):
    """Replicates are counted from 0, and one at least is wanted."""
    with pytest.raises(ValueError, match=f"replicates are {arguments[0]} to {arguments[1]}"):
        simulate_batch(W1, 8, *arguments)


def test_results_are_read_only():
    """Nobody changes a result."""
    found = simulate_batch(W1, 8, 0, 2)
    with pytest.raises(ValueError, match="read-only"):
        found.z[0, 0, 0] = 1.0
    assert len(found) == 2


@pytest.mark.parametrize(
    ("z", "rejected", "futile", "stopped"),
    [
        ((3.0, 0.0, 0.0), 1, 0, 1),
        ((2.0, 2.4, 0.0), 2, 0, 2),
        ((2.963, -9.0, 0.0), 1, 0, 1),  # a z at the boundary has reached it
        ((-0.1, 3.0, 3.0), 0, 1, 1),  # stopping for futility binds
        ((0.0, 3.0, 3.0), 0, 1, 1),  # at the futility boundary, too
        ((1.0, 1.0, 1.0), 0, 0, 3),
        ((1.0, 0.4, 3.0), 0, 2, 2),
        ((1.0, 1.0, 2.015), 3, 0, 3),
    ],
)
def test_decisions(z, rejected, futile, stopped):
    """The first boundary reached ends the trial; another test is judged by efficacy alone."""
    plan = replace(W2, tests=(Test.LOGRANK, Test.COX), futility=(0.0, 0.5, NEVER))
    one = simulate_batch(plan, 8, 0, 1)
    table = {part.name: getattr(one, part.name) for part in fields(Replicates)}
    decided = decide(Replicates(**{**table, "z": np.array([[z, (0.0, 2.5, 0.0)]])}), plan)
    assert decided.rejected_at.tolist() == [[rejected, 2]]
    assert (decided.futile_at.tolist(), decided.stopped_at.tolist()) == ([futile], [stopped])
    assert decided.duration[0] == one.cut[0, stopped - 1]


def test_decisions_need_the_plan_of_the_replicates():
    """Boundaries of another plan are refused."""
    with pytest.raises(ValueError, match=r"replicates have \(tests, looks\) \(1, 1\); the plan has \(1, 3\)"):
        decide(simulate_batch(W1, 8, 0, 2), W2)


def test_nothing_cannot_be_joined():
    """Joining takes one part at least."""
    with pytest.raises(ValueError, match="parts are empty"):
        joined([])


def assert_share(found: float, expected: float, n: int) -> None:
    """Compare a share of n trials with a reference, to 3.5 standard errors."""
    assert abs(found - expected) < 3.5 * np.sqrt(expected * (1 - expected) / n)


def test_power_of_one_look():
    """Power meets rpact's, lrstat's and a simulation of 4 million."""
    decided = decide(simulate_batch(W1, 2026, 0, 20_000), W1)
    assert_share((decided.rejected_at[:, 0] == 1).mean(), 0.7474, 20_000)


def test_power_of_three_looks():
    """Power meets the reference look by look."""
    decided = decide(simulate_batch(W2, 2026, 0, 20_000), W2)
    for look, expected in enumerate((0.1297, 0.3427, 0.2661), start=1):
        assert_share((decided.rejected_at[:, 0] == look).mean(), expected, 20_000)
    assert_share((decided.rejected_at[:, 0] > 0).mean(), 0.7386, 20_000)


def test_type_one_error():
    """Without an effect, one trial in forty rejects, with one look and with three."""
    for plan in (W1, W2):
        null = replace(plan, hazard_ratios=((1.0,),))
        assert_share((decide(simulate_batch(null, 2026, 0, 20_000), null).rejected_at[:, 0] > 0).mean(), 0.025, 20_000)


def test_powers_of_the_whole_trial():
    """Five tests under a delayed effect meet a simulation of a million trials."""
    found = simulate_batch(W4, 2026, 0, 4000)
    powers = (decide(found, W4).rejected_at > 0).mean(axis=0)
    for test, expected in ((0, 0.8049), (1, 0.8085), (2, 0.8496), (4, 0.5493)):
        assert_share(powers[test], expected, 4000)
    last = found.log_hr[:, 2]
    assert abs(last.mean() + 0.4791) < 3.5 * last.std() / np.sqrt(4000)
