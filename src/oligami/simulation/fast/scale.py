"""Many simulated trials at once: stretches handed to threads here, or to a Dask cluster, added as they come back.

Nothing but counts travels and is kept, so memory does not grow with the number of trials. A checkpoint file holds the counts so
far and which replicates they cover; after an interruption the rest is simulated and the end is the same to the last bit.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Final

from oligami.simulation.fast.counts import Counts, Interval, plan_digest
from oligami.simulation.fast.plan import Plan
from oligami.simulation.fast.run import Engine, engine_in_use, run

#: Replicates a task; a task of a tenth of a second or more makes even a cluster's overhead small.
STRETCH: Final = 20_000
#: A worker that dies loses its stretch; the cluster may give it to others so many times.
_RETRIES: Final = 10
_CHECKPOINT_SECONDS: Final = 5.0
# Dask takes anything else for the name of a cluster, and waits long before it gives up.
_ADDRESS: Final = re.compile(r"[a-z]+://\S+")


def simulate_many(
    plan: Plan,
    trials: int,
    *,
    seed: int,
    workers: int | None = None,
    engine: Engine = "auto",
    scheduler: str | None = None,
    stretch: int = STRETCH,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Counts:
    """Simulate replicates 0 to trials - 1 of a seed and return their counts.

    Args:
        plan: the trial.
        trials: how many, 1 or more.
        seed: of every draw, 0 or more and below 2^64.
        workers: threads on this machine; as many as there are processors if not given. The counts do not depend on it.
        engine: `auto` takes the kernels where they are installed.
        scheduler: address of a Dask scheduler, such as `tcp://10.0.0.5:8786`; threads of this process are used if not given.
        stretch: replicates a task. The counts do not depend on it.
        checkpoint: a file that holds the counts so far. What it covers already is not simulated again.
        progress: called with the number of trials done and wanted, first with what the checkpoint covers.

    Raises:
        ValueError: a number is out of its range; the checkpoint is of another plan, seed or engine, is no checkpoint or cannot be
            written; the scheduler is no address.
        ImportError: a scheduler is named and dask is not installed.
        OSError: the scheduler cannot be reached, or the disk is full.
    """
    for name, value in (("trials", trials), ("stretch", stretch), ("workers", 1 if workers is None else workers)):
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be 1 or more")
    # Settled here: workers that choose for themselves might choose differently, and the last bit would show it.
    engine = engine_in_use(engine)
    done = _resume(checkpoint, plan, seed, engine)
    stretches = _missing(done.covered if done is not None else (), trials, stretch)
    results = (
        _on_threads(plan, seed, stretches, engine, workers or os.cpu_count() or 1)
        if scheduler is None
        else _on_cluster(plan, seed, stretches, engine, scheduler)
    )
    if done is not None and progress is not None:
        progress(done.trials, trials)
    saved = time.monotonic()
    try:
        for part in results:
            done = part if done is None else done + part
            if progress is not None:
                progress(done.trials, trials)
            if checkpoint is not None and time.monotonic() - saved > _CHECKPOINT_SECONDS:
                _save(checkpoint, done)
                saved = time.monotonic()
    finally:
        if checkpoint is not None and done is not None:
            _save(checkpoint, done)
    assert done is not None  # one trial at least was asked for
    return done


def _missing(covered: tuple[Interval, ...], trials: int, stretch: int) -> list[Interval]:
    """Return the stretches of [0, trials) that are not covered.

    Raises:
        ValueError: more is covered than is asked for; counts cannot be taken apart again.
    """
    if covered and covered[-1][1] > trials:
        raise ValueError(
            f"the checkpoint covers {covered[-1][1]} trials already; ask for that many or more, or name another file"
        )
    gaps: list[Interval] = []
    start = 0
    for first, last in (*covered, (trials, trials)):
        gaps += [(a, min(a + stretch, first)) for a in range(start, first, stretch)]
        start = last
    return gaps


def _on_threads(plan: Plan, seed: int, stretches: list[Interval], engine: Engine, workers: int) -> Iterator[Counts]:
    with ThreadPoolExecutor(workers) as pool:
        waiting: set[Future[Counts]] = set()
        todo = iter(stretches)
        try:
            while True:
                # No more in flight than there is work for: an interruption must not wait for the whole queue.
                for first, last in todo:
                    waiting.add(pool.submit(run, plan, seed, first, last, engine))
                    if len(waiting) > 2 * workers:
                        break
                if not waiting:
                    return
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for each in finished:
                    yield each.result()
        finally:
            for each in waiting:
                each.cancel()


def _on_cluster(plan: Plan, seed: int, stretches: list[Interval], engine: Engine, scheduler: str) -> Iterator[Counts]:
    if not _ADDRESS.fullmatch(scheduler):
        raise ValueError(f"scheduler is {scheduler!r}; expected an address such as tcp://127.0.0.1:8786")
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise ImportError("a scheduler needs dask; install the extra: pip install 'oligami[cluster]'") from error

    with Client(scheduler, set_as_default=False) as client:
        futures = [client.submit(run, plan, seed, first, last, engine, pure=False, retries=_RETRIES) for first, last in stretches]
        finished: Any = as_completed(futures, loop=client.loop)
        for future in finished:
            yield future.result()
            future.release()


def _resume(checkpoint: Path | None, plan: Plan, seed: int, engine: str) -> Counts | None:
    if checkpoint is None:
        return None
    _check_place(checkpoint)
    if not checkpoint.exists():
        return None
    try:
        done = Counts.from_json(checkpoint.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{checkpoint} is no checkpoint of a simulation here ({error}); remove it or name another file"
        ) from error
    if (done.plan, done.seed, done.engine) != (plan_digest(plan), seed, engine):
        raise ValueError(f"{checkpoint} belongs to another plan, seed or engine; remove it or name another file")
    return done


def _check_place(checkpoint: Path) -> None:
    """Refuse, before anything is simulated, a place where no checkpoint can be written."""
    if checkpoint.is_dir():
        raise ValueError(f"checkpoint {checkpoint} is a folder; name a file")
    if not checkpoint.parent.is_dir():
        raise ValueError(f"checkpoint {checkpoint}: there is no folder {checkpoint.parent}; make it first")
    part = _part(checkpoint)
    try:
        part.touch()
    except OSError as error:
        raise ValueError(f"checkpoint {checkpoint} cannot be written: {error.strerror}") from error
    part.unlink()


def _part(checkpoint: Path) -> Path:
    return checkpoint.with_name(f"{checkpoint.name}.{os.getpid()}.part")


def _save(checkpoint: Path, done: Counts) -> None:
    """Write the checkpoint whole or not at all."""
    part = _part(checkpoint)
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(done.to_json())
            file.flush()
            os.fsync(file.fileno())
        part.replace(checkpoint)
    finally:
        part.unlink(missing_ok=True)
