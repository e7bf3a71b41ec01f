"""Measures the survival estimators beside R, statsmodels, polars, lifelines and a C++ kernel, in alternating rounds.

    python benchmarks/survival.py [--rows N ...] [--rounds N] [--peers FOLDER] [--only WORD ...]

Every engine reads the same columns from a file and is timed inside its own process, on one thread, by processor time:
first one call that is not counted (it loads and compiles), then the median of some more. What is timed is the public
call with its checks. The engines take turns, and a ratio is taken within each round, for machines and their other
work differ. Peers are installed into a virtual environment of their own; one that cannot be is named as not run.
Nothing is asserted: the goals stand beside the figures.
"""

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PEERS = ("statsmodels", "polars", "lifelines", "edi-kernels==1.0.2")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")} | {"POLARS_MAX_THREADS": "1"}
MIB = 1024.0 * (1024.0 if sys.platform == "darwin" else 1.0)  # `ru_maxrss` counts bytes there, KiB elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An estimate on one kind of data. peers: each with the goal, how many times our time it should take at 1e6 rows."""

    name: str
    what: str
    data: str  # "distinct" times or whole "days"
    peers: dict[str, float | None]
    most_rows: dict[str, int]  # of peers that would take minutes


TASKS = (
    Task(name="Kaplan-Meier, with limits", what="limits", data="distinct", peers={"R": 100}, most_rows={}),
    Task(
        name="Kaplan-Meier, with errors",
        what="errors",
        data="distinct",
        peers={"statsmodels": 4, "lifelines": None, "polars": None},
        most_rows={},
    ),
    Task(
        name="log-rank",
        what="logrank",
        data="distinct",
        peers={"R": 100, "statsmodels": 4, "polars": None, "lifelines": None, "edi": None},
        most_rows={},
    ),
    Task(
        name="log-rank, whole days",
        what="logrank",
        data="days",
        peers={"R": 500, "polars": 10, "statsmodels": None, "lifelines": None, "edi": None},
        most_rows={},
    ),
    Task(
        name="Cox, Efron, 5 covariates",
        what="cox",
        data="distinct",
        peers={"R": 20, "edi": 4, "lifelines": None, "statsmodels": None},
        most_rows={"lifelines": 100_000, "statsmodels": 10_000},
    ),
    Task(
        name="Cox, Efron, whole days",
        what="cox",
        data="days",
        peers={"R": 12, "lifelines": None, "statsmodels": None},
        most_rows={"lifelines": 100_000, "statsmodels": 10_000},
    ),
)
SMALL = Task(name="Cox, 686 rows, 9 covariates", what="cox", data="days", peers={"R": 1, "lifelines": None}, most_rows={})

R_SCRIPT = """
suppressMessages(library(survival))
a <- commandArgs(TRUE); n <- as.integer(a[3]); p <- as.integer(a[4]); runs <- as.integer(a[5])
column <- function(file, k) readBin(file.path(a[2], file), "double", k)
time <- column("time", n); event <- column("event", n); x <- matrix(column("x", n * p), n); arm <- x[, 1]
f <- switch(a[1],
  limits = function() { s <- survfit(Surv(time, event) ~ 1, conf.type = "log-log"); s$surv[length(s$surv) %/% 2] },
  logrank = function() survdiff(Surv(time, event) ~ arm)$chisq,
  cox = function() coxph(Surv(time, event) ~ x, ties = "efron", model = FALSE)$coefficients[1])
invisible(f())
once <- function() { k <- max(1, ceiling(2e4 / n)); t <- system.time(for (i in 1:k) v <<- f()); sum(t[1:2]) / k }
s <- replicate(runs, once())
peak <- as.numeric(sub("[^0-9]*([0-9]+).*", "\\\\1", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 1024
cat(sprintf("measured,%.6f,%.12g,%.0f\\n", median(s), v, peak))
"""


def write_columns(folder: Path, rows: int, data: str, covariates: int) -> None:
    """Write survival times with known hazard ratios: Weibull, two arms, uniform censoring, seven in ten with the event."""
    source = np.random.default_rng(20261122)
    arm = source.integers(0, 2, rows).astype(np.float64)
    x = np.vstack([arm, source.standard_normal((covariates - 1, rows))])
    effects = np.zeros(covariates)
    effects[:4] = (-0.4, 0.3, -0.2, 0.1)
    event_at = 900.0 * (source.standard_exponential(rows) * np.exp(-effects @ x)) ** (1 / 1.2)
    censored_at = source.uniform(0.0, 3600.0, rows)
    end = np.minimum(event_at, censored_at)
    folder.mkdir(parents=True)
    (np.ceil(end) if data == "days" else end).tofile(folder / "time")
    (event_at <= censored_at).astype(np.float64).tofile(folder / "event")
    x.tofile(folder / "x")


def calls(engine: str, what: str, folder: Path) -> Callable[[], float]:
    """Prepare an engine of this interpreter: its columns in the form it likes best, and the call to be timed."""
    end = np.fromfile(folder / "time")
    event = np.fromfile(folder / "event").astype(np.int32)
    x = np.ascontiguousarray(np.fromfile(folder / "x").reshape(-1, end.size).T) if what == "cox" else None
    arm = np.fromfile(folder / "x", count=end.size).astype(np.int32)
    return {"oligami": _oligami, "statsmodels": _statsmodels, "polars": _polars, "lifelines": _lifelines, "edi": _edi}[engine](
        what, end, event, arm, x
    )


def _oligami(what: str, end: Any, event: Any, arm: Any, x: Any) -> Callable[[], float]:
    from oligami.stats.comparison import logrank
    from oligami.stats.regression import cox
    from oligami.stats.survival import kaplan_meier

    def errors() -> float:
        return float(kaplan_meier(end, event).std_err[-1])

    def limits() -> float:
        curve = kaplan_meier(end, event)
        return float(curve.surv[curve.lower.size // 2 - 1] + 0 * curve.upper[-1])

    return {
        "errors": errors,
        "limits": limits,
        "logrank": lambda: logrank(end, event, arm).chisq,
        "cox": lambda: float(cox(end, event, x).coef[0]),
    }[what]


def _statsmodels(what: str, end: Any, event: Any, arm: Any, x: Any) -> Callable[[], float]:
    from statsmodels.duration.hazard_regression import PHReg
    from statsmodels.duration.survfunc import SurvfuncRight, survdiff

    return {
        "errors": lambda: float(SurvfuncRight(end, event).surv_prob_se[-1]),
        "logrank": lambda: float(survdiff(end, event, arm)[0]),
        "cox": lambda: float(PHReg(end, x, status=event, ties="efron").fit().params[0]),
    }[what]


def _lifelines(what: str, end: Any, event: Any, arm: Any, x: Any) -> Callable[[], float]:
    import pandas as pd
    from lifelines import CoxPHFitter, KaplanMeierFitter
    from lifelines.statistics import logrank_test

    frame = pd.DataFrame(x).assign(end=end, event=event) if what == "cox" else None
    b = arm == 1
    return {
        "errors": lambda: float(KaplanMeierFitter().fit(end, event).survival_function_.iloc[-1, 0]),
        "logrank": lambda: float(logrank_test(end[b], end[~b], event[b], event[~b]).test_statistic),
        "cox": lambda: float(CoxPHFitter().fit(frame, "end", "event").params_.iloc[0]),
    }[what]


def _edi(what: str, end: Any, event: Any, arm: Any, x: Any) -> Callable[[], float]:
    import edi_kernels

    column, status = end.reshape(-1, 1), event.astype(np.float64).reshape(-1, 1)
    columns = None if x is None else np.asfortranarray(x)

    def logrank() -> float:
        found = edi_kernels.fast_logrank_stats(column, event, arm)
        return float(found["score"] ** 2 / found["var_score"])

    return {
        "logrank": logrank,
        "cox": lambda: float(edi_kernels.fast_coxph_regression(columns, column, status)["coefficients"][0]),
    }[what]


def _polars(what: str, end: Any, event: Any, arm: Any, x: Any) -> Callable[[], float]:
    import polars as pl

    frame = pl.DataFrame({"t": end, "e": event, "a": arm})

    def backwards(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.Float64).reverse().cum_sum().reverse()

    def errors() -> float:
        table = frame.group_by("t").agg(d=pl.col("e").sum(), n=pl.len()).sort("t").with_columns(r=backwards("n"))
        left = pl.col("r") - pl.col("d")
        spread = pl.when(left > 0).then(pl.col("d") / (pl.col("r") * left)).otherwise(0.0).cum_sum().sqrt()
        return float(table.select((left / pl.col("r")).cum_prod() * spread).to_series()[-1])

    def logrank() -> float:
        both = pl.col("e") * pl.col("a")
        table = frame.group_by("t").agg(d=pl.col("e").sum(), n=pl.len(), m=pl.col("a").sum(), b=both.sum()).sort("t")
        table = table.with_columns(r=backwards("n"), s=backwards("m")).filter(pl.col("r") > 1)
        share, spread = pl.col("s") / pl.col("r"), (pl.col("r") - pl.col("d")) / (pl.col("r") - 1)
        u = (pl.col("b") - pl.col("d") * share).sum()
        v = (pl.col("d") * share * (1 - share) * spread).sum()
        return float(table.select(u * u / v).item())

    return {"errors": errors, "logrank": logrank}[what]


def measure(engine: str, what: str, folder: Path, runs: int) -> None:
    """Time one engine in this process, and print seconds, a number to compare, and the largest resident set in MiB."""
    call = calls(engine, what, folder)
    call()
    repeats = max(1, -(-20_000 // ((folder / "time").stat().st_size // 8)))  # short calls are timed in a row
    seconds = []
    value = float("nan")
    for _ in range(runs):
        begun = time.process_time()
        for _ in range(repeats):
            value = call()
        seconds.append((time.process_time() - begun) / repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    print(f"measured,{statistics.median(seconds):.6f},{value:.12g},{peak:.0f}")


def peers_python(folder: Path) -> Path:
    """Return the interpreter of the peers' environment, made and filled where it is not there yet."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"installing peers into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True)
        for package in PEERS:  # one by one, so that one that fails keeps no other out
            done = subprocess.run([python, "-m", "pip", "install", "--quiet", package], capture_output=True, text=True)
            if done.returncode != 0:
                print(f"{package} could not be installed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    return python


def has(python: Path, module: str) -> bool:
    """Whether an interpreter can import a module."""
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0


def run(command: list[str]) -> tuple[float, float, float] | str:
    """Run a measurement; return seconds, value and peak MiB, or why there are none."""
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | ONE_THREAD)
    lines = [line for line in done.stdout.splitlines() if line.startswith("measured,")]
    if done.returncode != 0 or not lines:
        return (done.stderr.strip().splitlines() or ["no output"])[-1]
    seconds, value, peak = (float(word) for word in lines[-1].split(",")[1:])
    return seconds, value, peak


def compare(
    task: Task, rows: int, covariates: int, commands: dict[str, list[str]], scratch: Path, rounds: int, runs: int
) -> None:
    """Let the engines of a task take turns, and print a line for each."""
    folder = scratch / f"{task.data}-{rows}-{covariates}"
    if not folder.exists():
        write_columns(folder, rows, task.data, covariates)
    wanted = ["oligami", *(peer for peer in task.peers if rows <= task.most_rows.get(peer, rows))]
    found: dict[str, list[tuple[float, float, float]]] = {engine: [] for engine in wanted if engine in commands}
    print(f"\n{task.name}, {rows:,} rows")
    for _ in range(rounds):
        for engine in list(found):
            if engine == "R":
                command = [*commands["R"], task.what, str(folder), str(rows), str(covariates), str(runs)]
            else:
                command = [*commands[engine], "--measure", engine, task.what, str(folder), str(runs)]
            result = run(command)
            if isinstance(result, str):
                print(f"  {engine:12} failed: {result}")
                del found[engine]
            else:
                found[engine].append(result)
    for engine in wanted:
        if engine not in found:
            print(f"  {engine:12} not run")
            continue
        seconds, _, peaks = zip(*found[engine], strict=True)
        line = f"  {engine:12} {1000 * statistics.median(seconds):10.2f} ms  {max(peaks):7.0f} MiB"
        if engine != "oligami" and "oligami" in found:
            ratios = [theirs[0] / ours[0] for ours, theirs in zip(found["oligami"], found[engine], strict=True)]
            goal = task.peers[engine]
            line += f"  x{statistics.median(ratios):.1f} [{min(ratios):.1f} .. {max(ratios):.1f}]"
            line += "" if goal is None else f"  goal x{goal:g}"
        print(f"{line}  {found[engine][-1][1]:.9g}", flush=True)


def main() -> None:
    """Measure every task at every number of rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 1_000_000], help="rows of the data (1000 1000000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each engine has its turn (3)")
    parser.add_argument("--runs", type=int, default=3, help="calls timed in a turn, of which the median counts (3)")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser.add_argument("--peers", type=Path, default=cache / "oligami-benchmark-peers", help="folder of the peers' environment")
    parser.add_argument("--only", nargs="+", default=[], help="words of the engines to run beside ours")
    parser.add_argument("--tasks", nargs="+", default=[], help="words of the tasks to run")
    parser.add_argument("--measure", nargs=4, metavar=("ENGINE", "WHAT", "FOLDER", "RUNS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        engine, what, folder, runs = options.measure
        measure(engine, what, Path(folder), int(runs))
        return

    here = str(Path(__file__).resolve())
    commands = {"oligami": [sys.executable, here]}
    modules = {"statsmodels": "statsmodels", "polars": "polars", "lifelines": "lifelines", "edi": "edi_kernels"}
    asked = [name for name in modules if not options.only or name in options.only]
    if asked:
        python = peers_python(options.peers)
        commands |= {name: [str(python), here] for name in asked if has(python, modules[name])}
    with tempfile.TemporaryDirectory() as made:
        scratch = Path(made)
        if (not options.only or "R" in options.only) and shutil.which("Rscript"):
            script = scratch / "peers.R"
            script.write_text(R_SCRIPT, encoding="utf-8")
            commands["R"] = ["Rscript", str(script)]
        print(f"Python {platform.python_version()}, {platform.machine()}, {options.rounds} rounds; processor time, one thread")
        for rows in options.rows:
            for task in TASKS:
                if not options.tasks or any(word in task.name for word in options.tasks):
                    compare(task, rows, 5, commands, scratch, options.rounds, options.runs)
        if not options.tasks or any(word in SMALL.name for word in options.tasks):
            compare(SMALL, 686, 9, commands, scratch, options.rounds, options.runs)


if __name__ == "__main__":
    main()
