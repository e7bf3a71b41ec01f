"""The re-randomization test of a trial: arms drawn anew by the trial's own rule, statistics as the estimators give them."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kstest

from oligami.data.cut import Cut
from oligami.data.datasets import TimeToEvent
from oligami.data.derive import derive
from oligami.journal import entries as e
from oligami.journal.store import FileJournal
from oligami.protocol.load import load_protocol
from oligami.protocol.model.allocation import Allocation, AllocationArm, Factor
from oligami.protocol.model.common import Origin, OriginKind
from oligami.protocol.text import Text
from oligami.simulation.fast.plan import Minimization
from oligami.simulation.fast.rerandomize import minimize_again
from oligami.simulation.fast.streams import Purpose, uniforms
from oligami.simulation.redrawing import (
    AllocationHistory,
    Corrected,
    Draw,
    MarkedInError,
    find_unlike,
    is_quick,
    read_history,
    redraw,
)
from oligami.simulation.rehearse import simulate_to_file
from oligami.simulation.rerandomization import LogrankOfArms, primary_endpoint, rerandomize
from oligami.simulation.scenario import find_scenario, load_scenario
from oligami.stats.comparison import logrank

ORIGIN = Origin(kind=OriginKind.DEFAULT)
ARMS = ("A", "B")
TINY = Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"


def factor(name, *levels, weight=1.0):
    return Factor(id=name, title=Text(name, name), expression=name, levels=levels, weight=weight, origin=ORIGIN)


def rule_with(**rest):
    given = {
        "method": "minimization",
        "arms": tuple(AllocationArm(id=arm) for arm in ARMS),
        "factors": (factor("site"), factor("type", "l", "h", "t", weight=2.0), factor("onset", "early", "late")),
        **rest,
    }
    return Allocation(stage="second", origin=ORIGIN, **given)


RULE = rule_with()


def history_of(rule: Allocation, subjects: int, seed: int, *, sites: int = 6) -> AllocationHistory:
    """Return the draws of a made-up trial, its arms drawn by the rule; every seventh subject is corrected, every eleventh in error."""
    rng = np.random.default_rng(seed)
    steps = []
    for k in range(1, subjects + 1):
        levels = {
            "site": str(rng.integers(sites)),
            "type": str(rng.choice(["l", "h", "t"])),
            "onset": str(rng.choice(["early", "late"])),
        }
        steps.append(Draw(k=k, subject=f"S-{k:04d}", arm="A", factors=levels, rule=rule, u=float(rng.random())))
        if k % 7 == 0:
            steps.append(Corrected(k=k - 2, factors={**levels, "onset": "early"}))
        if k % 11 == 0:
            steps.append(MarkedInError(k=k - 1))
    history = AllocationHistory(steps=tuple(steps))
    arms = redraw(history, np.array([[draw.u for draw in history.draws]]))[0]
    return AllocationHistory(
        steps=tuple(replace(step, arm=ARMS[arms[step.k - 1]]) if isinstance(step, Draw) else step for step in history.steps)
    )


def data_of(history: AllocationHistory, seed: int, *, ratio: float = 1.0) -> TimeToEvent:
    """Return exponential survival of the standing allocations; the hazard of type t is double, that of arm B times the ratio."""
    rng = np.random.default_rng(seed)
    standing = history.standing()
    draws = [draw for draw in history.draws if standing.get(draw.subject) == draw.k]
    hazard = np.array([(2.0 if d.factors["type"] == "t" else 1.0) * (ratio if d.arm == "B" else 1.0) / 900 for d in draws])
    death, leaving = rng.exponential(1 / hazard), rng.uniform(200, 2000, len(draws))
    days = np.ceil(np.minimum(death, leaving))
    nobody = (date(2030, 1, 1),) * len(draws)
    return TimeToEvent(
        endpoint="os",
        subject=tuple(draw.subject for draw in draws),
        arm=tuple(draw.arm for draw in draws),
        stratum=tuple(draw.factors["type"] for draw in draws),
        time_days=days,
        event=death <= leaving,
        cause=("death",) * len(draws),
        start_date=nobody,
        end_date=nobody,
    )


@pytest.fixture(scope="module")
def history():
    return history_of(RULE, 120, seed=1)


@pytest.mark.parametrize(
    "rest",
    [
        {},
        {"p_best": 1.0, "initial_simple": 9},
        {"tally_factors": "as_drawn"},
        {"method": "simple", "arms": (AllocationArm(id="A", ratio=2), AllocationArm(id="B"))},
        {"factors": (factor("site", weight=0.0), factor("type", "l", "h", "t"), factor("onset", "early", "late"))},
    ],
)
def test_all_together_are_the_rule_one_by_one(rest):
    """The leads of all sequences together give the arms of `allocate`, through corrections and errors."""
    history = history_of(rule_with(**rest), 60, seed=2)
    assert is_quick(history)
    u = np.random.default_rng(3).random((15, 60))
    assert np.array_equal(redraw(history, u, quick=True), redraw(history, u, quick=False))


def test_corrections_and_errors_change_later_arms():
    """What came between the draws matters: without it the same draws give other arms, and only later ones."""
    history = history_of(RULE, 120, seed=2)
    bare = AllocationHistory(steps=history.draws)
    u = np.random.default_rng(3).random((20, 120))
    full, plain = redraw(history, u), redraw(bare, u)
    assert np.array_equal(full[:, :7], plain[:, :7])
    assert (full != plain).any()


@pytest.mark.parametrize(
    "rest",
    [
        {"method": "permuted_blocks", "block_sizes": (2, 4)},
        {"distance": "variance"},
        {"probability": "rank"},
        {"arms": (AllocationArm(id="A", ratio=2), AllocationArm(id="B"))},
    ],
)
def test_every_other_rule_goes_one_by_one(rest):
    """Permuted blocks, other distances, rank and unequal ratios are drawn by the trial's own function, and told as they go."""
    history = history_of(rule_with(**rest), 24, seed=4)
    assert not is_quick(history)
    told = []
    test = rerandomize(history, data_of(history, 5), ARMS, sequences=12, seed=1, progress=told.append)
    assert told == [*range(1, 13), 12]
    assert 1 / 13 <= test.p <= 1


def test_the_statistic_is_the_estimators_own(history):
    """The z of any arms is that of `stats.comparison.logrank`, with the sign turned; one arm alone has 0."""
    data = data_of(history, 6)
    arms = np.random.default_rng(7).random((8, len(data))) < 0.5
    arms[0] = True
    stratified = LogrankOfArms(data.time_days, data.event, np.array(data.stratum, dtype=object))(arms)
    plain = LogrankOfArms(data.time_days, data.event, np.zeros(len(data)))(arms)
    assert stratified[0] == plain[0] == 0
    for row in range(1, 8):
        given = (data.time_days, data.event, arms[row].astype(int))
        assert stratified[row] == pytest.approx(-logrank(*given, strata=data.stratum).z, abs=1e-12)
        assert plain[row] == pytest.approx(-logrank(*given).z, abs=1e-12)


def test_under_no_effect_p_is_uniform():
    """Over 100 simulated trials without effect p is uniform: Kolmogorov's test at 1 per cent, seeds fixed."""
    found = []
    for seed in range(100):
        history = history_of(RULE, 60, seed=100 + seed)
        found.append(rerandomize(history, data_of(history, 500 + seed), ARMS, sequences=399, seed=seed).p)
    assert kstest(found, "uniform").pvalue > 0.01


def test_p_is_close_to_the_asymptotic_one_where_numbers_are_large():
    """With 300 subjects both p agree within 4 Monte Carlo errors and 1 point for the approximation; effects keep their sides."""
    for ratio, seed in ((1.0, 8), (0.8, 9), (1.3, 10)):
        history = history_of(RULE, 300, seed=seed, sites=30)
        test = rerandomize(history, data_of(history, seed, ratio=ratio), ARMS, sequences=4000, seed=1)
        assert test.p == pytest.approx(test.p_asymptotic, abs=4 * test.std_err + 0.01)
        assert test.z_mean == pytest.approx(0, abs=4 * test.z_std_dev / 4000**0.5)
        assert test.z_std_dev == pytest.approx(1, abs=0.1)
        assert test.draws == 300


def test_a_strong_effect_is_found():
    """With a hazard ratio of 0.3 no sequence is as extreme, and p is that of the recorded arms alone, not 0."""
    history = history_of(RULE, 200, seed=11)
    test = rerandomize(history, data_of(history, 12, ratio=0.3), ARMS, sequences=999, seed=1)
    assert (test.as_extreme, test.p) == (0, 1 / 1000)


def test_arms_swapped_turn_the_sign(history):
    """The other arm called experimental turns every z, on the same sequences: no sequence is on neither side."""
    data = data_of(history, 13)
    one, other = (rerandomize(history, data, arms, sequences=500, seed=1) for arms in (ARMS, ARMS[::-1]))
    assert other.z == pytest.approx(-one.z)
    assert np.allclose(other.z_redrawn, -one.z_redrawn)
    equal = int((np.abs(one.z_redrawn - one.z) < 1e-9).sum())
    assert one.as_extreme + other.as_extreme == 500 + equal


def test_a_sequence_has_an_address(history):
    """More sequences go on from fewer, and another seed gives others."""
    data = data_of(history, 14)
    few, many = (rerandomize(history, data, ARMS, sequences=n, seed=5) for n in (300, 1200))
    assert np.array_equal(few.z_redrawn, many.z_redrawn[:300])
    assert not np.array_equal(few.z_redrawn, rerandomize(history, data, ARMS, sequences=300, seed=6).z_redrawn)


def test_what_cannot_be_tested_is_refused(history):
    """Arms that do not follow from the draws, no events, three arms, no sequences and gaps are named."""
    data = data_of(history, 15)
    draws = list(history.steps)
    draws[4] = replace(draws[4], arm="B" if draws[4].arm == "A" else "A")
    for given, message in (
        ((AllocationHistory(steps=tuple(draws)), data, ARMS, 9), "draw 5: the recorded arm does not follow"),
        ((history, replace(data, event=np.zeros(len(data), dtype=bool)), ARMS, 9), "no event among the randomized"),
        ((history, data, ("A", "B", "C"), 9), "has 3 arms"),
        ((history, data, ("A", "C"), 9), "other arms than A, C"),
        ((history, data, ARMS, 0), "sequences is 0"),
    ):
        with pytest.raises(ValueError, match=message):
            rerandomize(*given[:3], sequences=given[3], seed=1)
    with pytest.raises(ValueError, match="without gaps after draw 1"):
        AllocationHistory(steps=(history.draws[0], history.draws[2]))
    with pytest.raises(ValueError, match="before it is made"):
        AllocationHistory(steps=(MarkedInError(k=1), history.draws[0]))
    with pytest.raises(ValueError, match="found no onset"):
        redraw(AllocationHistory(steps=(replace(history.draws[0], factors={"site": "1", "type": "l"}),)), np.array([[0.5]]))
    with pytest.raises(ValueError, match=r"expected \(sequences, 120\)"):
        redraw(history, np.zeros((2, 3)))


def test_a_journal_is_read_with_its_corrections(small, protocol):
    """The simulated trial's draws, replayed through its corrections, give its recorded arms; the test is that of the cut."""
    history, trial = read_history(small.records)
    assert len(history.draws) == trial.allocated == sum(isinstance(r.entry, e.Randomized) for r in small.records)
    assert any(isinstance(step, Corrected) for step in history.steps)
    assert find_unlike(history) is None
    data = derive(trial, Cut(up_to=date(2030, 1, 1)), software_version="test")
    endpoint = primary_endpoint(protocol)
    test = rerandomize(history, data.endpoints[endpoint.id], data.arms, sequences=400, seed=1)
    rows = data.endpoints[endpoint.id]
    assert test.z == pytest.approx(-logrank(rows.time_days, rows.event, rows.arm, strata=rows.stratum, groups=data.arms).z)
    assert test.subjects == len(rows)
    assert 0 < test.p < 1


def test_an_earlier_cut_needs_only_its_own_draws(small, protocol):
    """Subjects randomized after the cut are not drawn anew, for they cannot change who came before."""
    history, trial = read_history(small.records)
    rows = derive(trial, Cut(up_to=date(2025, 10, 1)), software_version="test").endpoints["os"]
    if not rows.event.any():
        rows = replace(rows, event=np.ones(len(rows), dtype=bool))
    test = rerandomize(history, rows, ARMS, sequences=50, seed=1)
    assert test.subjects == len(rows)
    assert test.draws < trial.allocated


def test_permuted_blocks_of_a_second_trial(tmp_path):
    """A trial with permuted blocks is tested by the same code, and its two p agree within 4 Monte Carlo errors and 5 points."""
    scenario = load_scenario(find_scenario(TINY, "standard"))
    simulate_to_file(load_protocol(TINY), scenario, tmp_path / "tiny.jsonl", seed=1)
    with FileJournal(tmp_path / "tiny.jsonl") as journal:
        history, trial = read_history(journal.records())
    data = derive(trial, Cut(up_to=date(2032, 1, 1)), software_version="test")
    test = rerandomize(history, data.endpoints["os"], data.arms, sequences=300, seed=1)
    assert test.draws == 60
    assert test.p == pytest.approx(test.p_asymptotic, abs=4 * test.std_err + 0.05)


def test_only_a_comparison_of_all_randomized_can_be_drawn_anew(protocol):
    """A primary endpoint of another kind or population is refused with what was found."""
    analysis = protocol.analysis

    def with_primary(**change):
        endpoints = tuple(replace(each, **change) if each.primary else each for each in analysis.endpoint)
        return replace(protocol, analysis=replace(analysis, endpoint=endpoints))

    with pytest.raises(ValueError, match="population treated"):
        primary_endpoint(with_primary(population="treated"))
    with pytest.raises(ValueError, match="names no primary endpoint"):
        primary_endpoint(with_primary(primary=False))


@pytest.mark.parametrize("compiled", [False, True])
def test_the_fast_road_draws_the_same_arms(compiled):
    """Without corrections and errors `minimize_again` of the fast road gives the arms of the journal's road, draw by draw."""
    history = AllocationHistory(steps=history_of(RULE, 80, seed=16).draws)
    codes = [{level: n for n, level in enumerate(each.levels or [str(site) for site in range(6)])} for each in RULE.factors]
    levels = [[code[draw.factors[each.id]] for code, each in zip(codes, RULE.factors, strict=True)] for draw in history.draws]
    rule = Minimization(p_best=RULE.p_best, weights=tuple(each.weight for each in RULE.factors))
    (u,) = uniforms(3, Purpose.COURSE, np.arange(50), 80, [3])
    assert np.array_equal(minimize_again(rule, levels, seed=3, last=50, compiled=compiled), redraw(history, u))
