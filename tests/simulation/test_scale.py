"""Counts of simulated trials add up to the same bits however the work is cut, interrupted or scattered."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.simulation.fast import scale
from oligami.simulation.fast.counts import Counts, Moments, count, plan_digest, total
from oligami.simulation.fast.operating import characteristics, quantiles, sweep
from oligami.simulation.fast.plan import Look, Minimization, Plan, Test
from oligami.simulation.fast.run import engine_in_use, run, simulate_replicates
from oligami.simulation.fast.scale import simulate_many

ENGINES = ["numpy", "numba"]
PLAN = Plan(
    subjects=80,
    accrual_times=[0, 24],
    accrual_shares=[0, 1],
    factor_shares=(np.array([0.5, 0.3, 0.2]), np.array([0.6, 0.4])),
    hazard_factor=0,
    pass_shares=[0.8, 0.9, 0.7],
    delay_months=(2.5, 3.5),
    site_shares=np.full(5, 0.2),
    allocation=Minimization(p_best=0.8, weights=(1.0, 1.0), site_weight=1.0),
    pieces=[0, 6],
    control_hazards=[[0.02, 0.03], [0.03, 0.03], [0.05, 0.04]],
    hazard_ratios=[[1.0, 0.5]] * 3,
    drop_out=[0.003, 0.003],
    looks=(Look(events=20), Look(events=40)),
    tests=(Test.STRATIFIED, Test.LOGRANK, Test.COX),
    efficacy=[2.5, 1.7],
    futility=[-0.5, -np.inf],
)


@pytest.fixture(scope="module")
def whole():
    """Counts of 1 200 replicates by the numpy engine in one stretch."""
    return run(PLAN, 7, 0, 1_200, "numpy")


@settings(max_examples=8)
@given(cuts=st.sets(st.integers(1, 299), max_size=4), order=st.randoms(use_true_random=False))
def test_counts_do_not_depend_on_how_the_work_is_cut(cuts, order):
    """Any cut into stretches, added in any order, gives the same counts to the last bit."""
    parts = [run(PLAN, 3, a, b, "numpy") for a, b in pairwise([0, *sorted(cuts), 300])]
    order.shuffle(parts)
    assert total(parts) == run(PLAN, 3, 0, 300, "numpy")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("workers", [1, 2, 7])
def test_workers_and_stretches_change_nothing(engine, workers):
    """1, 2 and 7 threads with odd stretches give the counts of one run."""
    many = simulate_many(PLAN, 600, seed=5, workers=workers, engine=engine, stretch=37 + workers)
    assert many == run(PLAN, 5, 0, 600, engine)


def test_both_engines_decide_alike(whole):
    """Decisions of numpy and of the kernels are the same trial by trial, so every count of decisions is."""
    fast = run(PLAN, 7, 0, 1_200, "numba")
    assert (fast.rejected, fast.crossed, fast.futile) == (whole.rejected, whole.crossed, whole.futile)
    assert fast.moments["duration"].mean == pytest.approx(whole.moments["duration"].mean, abs=1 / 1024)


def test_counts_are_those_of_the_replicates(whole):
    """Rejections, stops and means are what a plain count over the replicates gives."""
    rows = simulate_replicates(PLAN, 7, 0, 1_200, "numpy")
    beyond = rows.z >= np.array([2.5, 1.7])
    assert whole.crossed == tuple(tuple(row) for row in beyond.sum(axis=0).tolist())
    stopped_futile = (rows.z[:, 0, 0] <= -0.5).sum()
    assert whole.futile == (stopped_futile, 0)
    first = beyond[:, 0, 0].sum()
    second = (~beyond[:, 0, 0] & (rows.z[:, 0, 0] > -0.5) & beyond[:, 0, 1]).sum()
    assert whole.rejected[0] == (first, second)
    assert whole.moments["randomized"].mean == pytest.approx(rows.randomized.sum(axis=1).mean())
    assert whole.moments["time/2"].mean == pytest.approx(rows.cut[:, 1].mean(), abs=1e-3)
    assert whole.moments["time/2"].std_dev == pytest.approx(rows.cut[:, 1].std(ddof=1), abs=2e-3)
    assert sum(whole.stopped) == 1_200


def test_counts_travel_as_json(whole):
    """Counts written and read again are the same; anything else is refused."""
    assert Counts.from_json(whole.to_json()) == whole
    for wrong in ("", "{}", "[1]", json.dumps({"plan": "x"})):
        with pytest.raises(ValueError, match=r"counts|Expecting"):
            Counts.from_json(wrong)


def test_counts_that_do_not_belong_together_are_not_added(whole):
    """Another seed, another plan and a replicate counted twice are refused."""
    with pytest.raises(ValueError, match="different plans, seeds or engines"):
        whole + run(PLAN, 8, 1_200, 1_210, "numpy")
    with pytest.raises(ValueError, match="different plans, seeds or engines"):
        whole + run(replace(PLAN, subjects=81), 7, 1_200, 1_210, "numpy")
    with pytest.raises(ValueError, match="different plans, seeds or engines"):
        whole + run(PLAN, 7, 1_200, 1_210, "numba")
    with pytest.raises(ValueError, match="replicate 1199 is counted twice"):
        whole + run(PLAN, 7, 1_199, 1_210, "numpy")


def test_a_plan_s_digest_follows_its_meaning():
    """The same plan made anew has the same digest; any number changed gives another."""
    assert plan_digest(replace(PLAN)) == plan_digest(PLAN)
    others = [replace(PLAN, drop_out=[0.003, 0.004]), replace(PLAN, tests=(Test.LOGRANK,)), replace(PLAN, rmst_months=59.0)]
    assert len({plan_digest(plan) for plan in (PLAN, *others)}) == 4


def test_one_number_written_in_two_ways_is_one_plan():
    """Whole numbers, floats and numpy's floats give the same digest."""
    written = [replace(PLAN, rmst_months=number, delay_months=(number, number)) for number in (3, 3.0, np.float64(3))]
    assert len({plan_digest(plan) for plan in written}) == 1


def test_a_run_goes_on_from_its_checkpoint(tmp_path, whole):
    """What a checkpoint covers is not simulated again, and the end is the same to the last bit."""
    file = tmp_path / "run.json"
    first = simulate_many(PLAN, 500, seed=7, engine="numpy", stretch=100, checkpoint=file)
    assert Counts.from_json(file.read_text()) == first
    done = []
    again = simulate_many(PLAN, 1_200, seed=7, engine="numpy", stretch=90, checkpoint=file, progress=lambda n, _: done.append(n))
    assert again == whole
    assert done[0] == 500
    assert done[-1] == 1_200


@pytest.mark.parametrize(
    ("place", "said"),
    [("folder", "is a folder; name a file"), ("missing/run.json", "make it first"), ("file/run.json", "make it first")],
)
def test_a_place_for_no_checkpoint_is_refused_before_anything_is_simulated(tmp_path, monkeypatch, place, said):
    """A folder, or a file in no folder, is told at once and not after the hours of a simulation."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.setattr(scale, "run", lambda *_: pytest.fail("a trial was simulated"))
    with pytest.raises(ValueError, match=said):
        simulate_many(PLAN, 10, seed=1, workers=1, engine="numpy", checkpoint=tmp_path / place)


def test_a_place_that_takes_no_file_is_refused_before_anything_is_simulated(tmp_path, monkeypatch):
    """What the system answers to the attempt is said, and no file is left."""

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)
    monkeypatch.setattr(scale, "run", lambda *_: pytest.fail("a trial was simulated"))
    with pytest.raises(ValueError, match="cannot be written: Permission denied"):
        simulate_many(PLAN, 10, seed=1, workers=1, engine="numpy", checkpoint=tmp_path / "run.json")
    assert not list(tmp_path.iterdir())


def test_what_is_no_address_of_a_scheduler_is_refused_at_once():
    """Dask would look for a cluster of that name for minutes."""
    with pytest.raises(ValueError, match="scheduler is 'foo'; expected an address such as tcp://"):
        simulate_many(PLAN, 10, seed=1, engine="numpy", scheduler="foo")


def test_counts_of_another_format_are_refused(tmp_path, whole):
    """Counts that another version wrote, or none, are not taken for ours and are left as they are."""
    said = json.loads(whole.to_json())
    for other in (said | {"format": "oligami-counts/0"}, {name: part for name, part in said.items() if name != "format"}):
        with pytest.raises(ValueError, match="format"):
            Counts.from_json(json.dumps(other))
        path = tmp_path / "old.json"
        path.write_text(json.dumps(other), encoding="utf-8")
        with pytest.raises(ValueError, match="is no checkpoint of a simulation here"):
            simulate_many(PLAN, 2_000, seed=7, engine="numpy", checkpoint=path)
        assert json.loads(path.read_text(encoding="utf-8")) == other


def test_very_large_quantities_are_summed_exactly(whole):
    """Subjects and months far beyond any trial's leave no bit of their squares behind."""
    large = simulate_replicates(PLAN, 7, 0, 50, "numpy")
    large = replace(large, registered=np.full(50, 300_000), last_randomization=np.full(50, 20_000.5))
    counts = count(large, PLAN, seed=7, first=0, engine="numpy")
    assert counts.moments["registered"].mean == 300_000
    assert counts.moments["registered"].std_dev == 0
    assert counts.moments["registered"].squares == 50 * (300_000 * 1024) ** 2
    assert counts.moments["last_randomization"].mean == 20_000.5


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    """Another seed, fewer trials than covered, or a file that is none: a sentence, and the file stays as it was."""
    file = tmp_path / "run.json"
    simulate_many(PLAN, 60, seed=7, engine="numpy", checkpoint=file)
    before = file.read_bytes()
    for seed, trials, words in ((8, 60, "another plan, seed or engine"), (7, 50, "covers 60 trials already")):
        with pytest.raises(ValueError, match=words):
            simulate_many(PLAN, trials, seed=seed, engine="numpy", checkpoint=file)
    assert file.read_bytes() == before
    file.write_text("hello")
    with pytest.raises(ValueError, match="no checkpoint of a simulation"):
        simulate_many(PLAN, 60, seed=7, engine="numpy", checkpoint=file)
    assert file.read_text() == "hello"


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from oligami.simulation.fast import scale
from test_scale import PLAN
scale._CHECKPOINT_SECONDS = 0.0
scale.simulate_many(PLAN, 60_000, seed=7, workers=1, engine="numpy", stretch=50, checkpoint=Path({file!r}))
"""


def test_a_killed_run_resumes_to_the_same_bits(tmp_path):
    """Killed with no chance to clean up, the run goes on from its last checkpoint and ends as if nothing had happened."""
    file = tmp_path / "run.json"
    script = KILLED.format(tests=str(Path(__file__).parent), file=str(file))
    process = subprocess.Popen([sys.executable, "-c", script])
    try:
        until = time.monotonic() + 60
        while not file.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    covered = Counts.from_json(file.read_text()).trials
    assert 0 < covered < 60_000
    resumed = simulate_many(PLAN, covered + 200, seed=7, engine="numpy", checkpoint=file)
    assert resumed == run(PLAN, 7, 0, covered + 200, "numpy")


def test_a_cluster_gives_the_same_bits_though_a_worker_is_killed():
    """Dask workers, one of them killed in the middle, give the counts of one run here."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1", silence_logs=50
    ) as cluster:
        killed = []

        def kill_one(done: int, wanted: int) -> None:
            if not killed and done < wanted:
                nanny = next(iter(cluster.workers.values()))
                os.kill(nanny.pid, signal.SIGKILL)
                killed.append(done)

        many = simulate_many(
            PLAN, 2_000, seed=7, engine="numpy", scheduler=cluster.scheduler_address, stretch=50, progress=kill_one
        )
    assert killed
    assert many == run(PLAN, 7, 0, 2_000, "numpy")


@pytest.mark.parametrize(("argument", "value"), [("trials", 0), ("stretch", 0), ("workers", 0)])
def test_numbers_out_of_range_are_named(argument, value):
    """Each refusal says which argument, what it was and what it may be."""
    given_ = {"trials": 10, "seed": 1, argument: value}
    with pytest.raises(ValueError, match=f"{argument} is {value}; it must be 1 or more"):
        simulate_many(PLAN, given_.pop("trials"), **given_)


def test_an_unknown_engine_is_refused():
    """The refusal lists the engines."""
    with pytest.raises(ValueError, match="one of auto, numpy, numba"):
        engine_in_use("cuda")


def test_operating_characteristics_read_the_counts(whole):
    """Power is the share of trials that reject at any look; stops and quantiles follow the counts."""
    found = characteristics(whole, PLAN)
    assert found.power[Test.STRATIFIED].hits == sum(whole.rejected[0])
    assert found.looks[0].stops_futility.hits == whole.futile[0]
    assert found.looks[0].crossed[Test.COX].hits == whole.crossed[2][0]
    assert found.duration_quantiles[0] <= found.duration_quantiles[-1]
    assert "stratified" in found.summary()
    assert found.to_frame().shape == (6, 6)


def test_quantiles_are_the_upper_ends_of_bins():
    """Half of the trials lie at or below the end of the bin that holds the median."""
    assert quantiles([0, 10, 10, 0], (0.5, 0.75)) == (1.0, 1.5)


def test_a_sweep_uses_the_same_trials_in_every_cell():
    """Two cells with the same plan come out alike, and the last axis runs fastest."""
    cells = sweep(
        {"hazard_ratio": [0.5, 0.5], "subjects": [60, 80]},
        lambda values: replace(PLAN, subjects=int(values["subjects"]), hazard_ratios=np.full((3, 2), values["hazard_ratio"])),
        lambda plan: run(plan, 1, 0, 50, "numpy"),
    )
    assert [cell.values["subjects"] for cell in cells] == [60, 80, 60, 80]
    assert cells[0].characteristics == cells[2].characteristics
    assert cells[0].characteristics != cells[1].characteristics


@given(st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=20))
def test_moments_are_exact(steps):
    """Mean and standard deviation from integer sums are those of the values."""
    values = np.array(steps) / 1024
    moments = Moments(n=len(steps), total=sum(steps), squares=sum(step * step for step in steps))
    assert moments.mean == pytest.approx(values.mean(), abs=1e-9)
    assert moments.std_dev == pytest.approx(values.std(ddof=1), rel=1e-9, abs=1e-9)


def test_count_covers_what_it_was_given():
    """The counts of a stretch name its replicates."""
    rows = simulate_replicates(PLAN, 7, 40, 60, "numpy")
    assert count(rows, PLAN, seed=7, first=40, engine="numpy").covered == ((40, 60),)
