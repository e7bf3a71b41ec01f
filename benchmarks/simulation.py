"""Times simulated trials beside what one would use otherwise, in alternating rounds, and prints ratios.

    python benchmarks/simulation.py [--rounds N] [--part ratios|rest] [--scratch FOLDER]

Every entrant runs in a process of its own and gives processor time, start-up excluded; a ratio is taken within a round, and
its median, least and largest over the rounds are printed. Peers: rpact and survival from the distribution (`r-cran-rpact`,
`r-cran-survival`), lifelines and a numpy loop in an environment that is made in the scratch folder. A peer that is not there is
named as not run; lrstat, simtrial and carat are in no registry that installs them here and are always named so.
Nothing is asserted: ratios hold on the machine on which they were taken.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ALWAYS_MISSING = ("lrstat", "simtrial", "carat")
START = (
    "import time; start = time.perf_counter(); import sys; sys.path.insert(0, {folder!r}); from designs import W4; "
    "from oligami.simulation.fast.compiled import simulate_compiled; simulate_compiled(W4, 1, 0, 10); "
    "print(time.perf_counter() - start)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """One command line to time; it prints microseconds and a power."""

    name: str
    command: tuple[str, ...]
    goal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Ours first, then those it is compared with. unit: what the microseconds are for."""

    name: str
    unit: str
    ours: Entrant
    peers: tuple[Entrant, ...]


def contests(python: str | None, rscript: str | None) -> tuple[Contest, ...]:
    """Return what is compared with what; peers that cannot run are left out."""

    def ours(engine: str, design: str, trials: int) -> Entrant:
        return Entrant(name=engine, command=(sys.executable, str(HERE / "simulation.py"), "--one", engine, design, str(trials)))

    def peers(design: str, *wanted: tuple[str, str, int, str]) -> tuple[Entrant, ...]:
        found = []
        for language, peer, trials, goal in wanted:
            runner, script = (python, "simulation_peers.py") if language == "Python" else (rscript, "simulation.R")
            if runner is not None:
                command = (runner, str(HERE / script), peer, design, str(trials))
                found.append(Entrant(name=f"{language} {peer}", command=command, goal=goal))
        return tuple(found)

    return (
        Contest(
            name="W1",
            unit="trial",
            ours=ours("numba", "W1", 60_000),
            peers=(
                ours("numpy", "W1", 6_000),
                *peers(
                    "W1",
                    ("R", "rpact", 6_000, "20"),
                    ("R", "survdiff", 400, ""),
                    ("Python", "lifelines", 60, "2 500"),
                    ("Python", "numpy", 8_000, ""),
                ),
            ),
        ),
        Contest(
            name="W2",
            unit="trial",
            ours=ours("numba", "W2", 40_000),
            peers=(
                ours("numpy", "W2", 4_000),
                *peers(
                    "W2",
                    ("R", "rpact", 4_000, "20"),
                    ("R", "survdiff", 150, ""),
                    ("Python", "lifelines", 25, "2 500"),
                    ("Python", "numpy", 4_000, ""),
                ),
            ),
        ),
        Contest(
            name="numpy alone, W1",
            unit="trial",
            ours=ours("numpy", "W1", 8_000),
            peers=peers("W1", ("R", "rpact", 6_000, "4")),
        ),
        Contest(
            name="W4",
            unit="trial",
            ours=ours("numba", "W4", 15_000),
            peers=(ours("numpy", "W4", 1_000), *peers("W4", ("R", "trial", 60, "1 000"))),
        ),
        Contest(
            name="minimization",
            unit="subject",
            ours=ours("sequences", "W4", 20_000),
            peers=peers("W4", ("R", "minimize", 150, "500")),
        ),
    )


def run_one(engine: str, design: str, trials: int) -> None:
    """Print what `contests` asks of an entrant of ours."""
    import numpy as np
    from designs import DESIGNS

    from oligami.simulation.fast.plan import Minimization
    from oligami.simulation.fast.replicates import decide
    from oligami.simulation.fast.rerandomize import sums_again
    from oligami.simulation.fast.run import simulate_replicates

    plan = DESIGNS[design]
    if engine == "sequences":
        rng = np.random.default_rng(20)
        rule = Minimization(p_best=0.8, weights=(1.0, 1.0, 1.0), site_weight=1.0)
        levels = np.stack([rng.integers(0, size, 270) for size in (4, 2, 2)], axis=1)
        site, scores = rng.choice(50, 270, p=plan.site_shares), rng.normal(size=270)
        sums_again(rule, levels, scores, site=site, last=10)
        start = time.process_time()
        sums_again(rule, levels, scores, site=site, last=trials)
        print(f"{1e6 * (time.process_time() - start) / trials / 270:.6f} 0")
        return
    simulate_replicates(plan, 20, 0, 10, engine)
    block, hits, start = 2_000, 0, time.process_time()
    for first in range(0, trials, block):
        found = simulate_replicates(plan, 20, first, min(first + block, trials), engine)
        hits += int((decide(found, plan).rejected_at[:, 0] > 0).sum())
    print(f"{1e6 * (time.process_time() - start) / trials:.4f} {hits / trials:.4f}")


def compare(contest: Contest, rounds: int) -> None:
    """Run all entrants in turn, round by round, and print them."""
    entrants = (contest.ours, *contest.peers)
    times: dict[str, list[float]] = {each.name: [] for each in entrants}
    power: dict[str, str] = {}
    for _ in range(rounds):
        for each in entrants:
            done = subprocess.run(each.command, capture_output=True, text=True, check=False)
            if done.returncode:
                power[each.name] = f"not run: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
                continue
            figure, power[each.name] = done.stdout.split()[-2:]
            times[each.name].append(float(figure))
    print(f"\n{contest.name}, microseconds a {contest.unit}\n")
    print("| | median [least .. largest] | ratio to the first | goal | power |\n|---|---|---|---|---|")
    own = times[contest.ours.name]
    for each in entrants:
        found = times[each.name]
        if not found:
            print(f"| {each.name} | - | - | {each.goal} | {power[each.name]} |")
            continue
        ratios = [theirs / mine for theirs, mine in zip(found, own, strict=False)]
        print(f"| {each.name} | {spread(found, 4)} | {spread(ratios, 3)} | {each.goal} | {power[each.name]} |", flush=True)


def spread(figures: list[float], digits: int) -> str:
    """Write the median, the least and the largest."""

    def written(figure: float) -> str:
        return f"{figure:.{digits}g}" if figure < 10**digits else f"{figure:.0f}"

    return f"{written(statistics.median(figures))} [{written(min(figures))} .. {written(max(figures))}]"


def compare_workers(rounds: int) -> None:
    """Print how much sooner two threads are done than one, by the clock, and whether they give the same bits."""
    from designs import W1, W4

    from oligami.simulation.fast.compiled import simulate_compiled

    for name, plan, trials in (("W1", W1, 200_000), ("W4", W4, 30_000)):
        parts = [(first, first + trials // 20) for first in range(0, trials, trials // 20)]

        def seconds(workers: int, plan: object = plan, parts: object = parts) -> tuple[float, bytes]:
            start = time.perf_counter()
            with ThreadPoolExecutor(workers) as pool:
                found = list(pool.map(lambda part: simulate_compiled(plan, 20, *part), parts))
            return time.perf_counter() - start, b"".join(part.z.tobytes() for part in found)

        seconds(2)
        ratios, same = [], True
        for _ in range(rounds):
            (one, bits_one), (two, bits_two) = seconds(1), seconds(2)
            ratios.append(one / two)
            same &= bits_one == bits_two
        print(
            f"two workers against one, {name}: {spread(ratios, 3)} (goal 1.85); same bits: {'yes' if same else 'NO'}", flush=True
        )


def show_memory() -> None:
    """Print how far the resident set grows over 1 000 000 trials of which counts are kept."""
    from designs import W1

    from oligami.simulation.fast.run import run

    run(W1, 20, 0, 2_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    run(W1, 20, 0, 1_000_000)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"1 000 000 trials of W1, counts kept: {grown:.1f} MiB more than 2 000 (goal 200), {time.perf_counter() - start:.1f} s")


def show_sequences(rounds: int) -> None:
    """Print the time of a re-randomization test."""
    import numpy as np

    from oligami.simulation.fast.plan import Minimization
    from oligami.simulation.fast.rerandomize import rerandomization_test

    rng = np.random.default_rng(20)
    levels, site = np.stack([rng.integers(0, size, 270) for size in (4, 2, 2)], axis=1), rng.integers(0, 50, 270)
    rule = Minimization(p_best=0.8, weights=(1.0, 1.0, 1.0), site_weight=1.0)
    arm, months, died = rng.integers(0, 2, 270), rng.exponential(size=270), rng.integers(0, 2, 270)
    figures = []
    for _ in range(rounds + 1):
        start = time.process_time()
        rerandomization_test(rule, levels, arm, months, died, site=site)
        figures.append(time.process_time() - start)
    print(f"re-randomization test, 10 000 sequences of 270: {spread(figures[1:], 2)} s (goal 0.1)")


def show_starts() -> None:
    """Print how long the first trials take, import included, with nothing compiled yet and with all on disk."""
    with tempfile.TemporaryDirectory() as cache:
        for name, goal in (("cold", 15), ("warm", 2)):
            done = subprocess.run(
                [sys.executable, "-c", START.format(folder=str(HERE))],
                env={**os.environ, "NUMBA_CACHE_DIR": cache},
                capture_output=True,
                text=True,
                check=True,
            )
            print(f"first simulation, {name}: {float(done.stdout):.1f} s (goal {goal})", flush=True)


def environment(scratch: Path) -> str | None:
    """Make an environment with lifelines, unless it is there; return its Python, or None if it cannot be made."""
    python = scratch / "peers" / "bin" / "python"
    if not python.exists():
        uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
        try:
            subprocess.run([uv, "venv", "--python", sys.executable, str(scratch / "peers")], check=True, capture_output=True)
            subprocess.run([uv, "pip", "install", "--python", str(python), "lifelines"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return None
    return str(python)


def main() -> None:
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--part", choices=("ratios", "rest"))
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--one", nargs=3, metavar=("ENGINE", "DESIGN", "TRIALS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        run_one(chosen.one[0], chosen.one[1], int(chosen.one[2]))
        return
    missing = list(ALWAYS_MISSING)
    with tempfile.TemporaryDirectory() as made:
        if chosen.part != "rest":
            python, rscript = environment(chosen.scratch or Path(made)), shutil.which("Rscript")
            missing += ["lifelines and the numpy loop"] if python is None else []
            missing += ["R"] if rscript is None else []
            for contest in contests(python, rscript):
                compare(contest, chosen.rounds)
            print(f"\nnot run, for they are not installed: {', '.join(missing)}\n")
    if chosen.part != "ratios":
        show_starts()
        show_sequences(chosen.rounds)
        compare_workers(chosen.rounds)
        show_memory()


if __name__ == "__main__":
    main()
