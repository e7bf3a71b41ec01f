"""Times the core commands as a user would run them, each in a process of its own, and prints a table.

    python benchmarks/core.py [--runs N] [--scratch FOLDER]

Nothing is asserted: the budgets stand beside the figures, and machines differ. Needs the installed package and nothing else.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "reference" / "clinical" / "eligibility_first.json"
LINES = 100_000
#: Folding has no command of its own: every command that reads a trial begins with it.
FOLD = (
    "import sys; from pathlib import Path; from oligami.journal.store import FileJournal; from oligami.trial.fold import fold; "
    "trial = fold(FileJournal(Path(sys.argv[1])).records()); assert trial.head.seq > 0"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A command line to time. budget: what the issue allows, in words; fresh: files that must not exist before a run."""

    name: str
    command: tuple[str, ...]
    budget: str
    fresh: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a run took: wall and processor seconds, and the largest resident set of a process of it, in MiB."""

    wall_seconds: float
    processor_seconds: float
    peak_mib: float


def tasks(scratch: Path) -> tuple[Task, ...]:
    """Return what is timed, in the order in which one makes what the next reads."""
    oligami = (sys.executable, "-m", "oligami.cli.main")
    journal, secret = scratch / "trial.jsonl", scratch / "trial.jsonl.secret"
    lines, report = scratch / "lines.jsonl", scratch / "report"
    write_lines(lines)
    return (
        Task(name="start (--version)", command=(*oligami, "--version"), budget="-"),
        Task(
            name="simulate, seed 1",
            command=(*oligami, "simulate", "jcog2110", "--journal", str(journal), "--seed", "1"),
            budget="60 s on two cores",
            fresh=(journal, secret),
        ),
        Task(name="journal verify", command=(*oligami, "journal", "verify", str(journal)), budget="1 s"),
        Task(name="read and fold", command=(sys.executable, "-c", FOLD, str(journal)), budget="2 s"),
        Task(
            name="journal recheck --secret",
            command=(*oligami, "journal", "recheck", str(journal), "--secret", str(secret)),
            budget="-",
        ),
        Task(
            name=f"judge, {LINES:,} lines",
            command=(*oligami, "judge", "eligibility-first", "--trial", "jcog2110", str(lines)),
            budget="60 s",
        ),
        Task(
            name="analyse --up-to 2029-11-08",
            command=(*oligami, "analyse", str(journal), "--up-to", "2029-11-08", "--out", str(report)),
            budget="-",
        ),
    )


def write_lines(path: Path) -> None:
    """Write the cases of the eligibility vectors over and over, one a line."""
    known = json.loads(CASES.read_text(encoding="utf-8"))
    cases = known["cases"] if isinstance(known, dict) else known
    inputs = [json.dumps(case["input"], ensure_ascii=False) for case in cases]
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in islice(cycle(inputs), LINES))


def run(task: Task) -> Figures:
    """Run a task once.

    Raises:
        RuntimeError: the command failed; its last words are in the message.
    """
    for path in task.fresh:
        path.unlink(missing_ok=True)
    with tempfile.TemporaryFile() as words:
        begun = time.perf_counter()
        running = subprocess.Popen(task.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=words)
        # `wait4` tells of this child and of those it waited for itself, and of no other.
        _, status, usage = os.wait4(running.pid, 0)
        wall = time.perf_counter() - begun
        running.returncode = os.waitstatus_to_exitcode(status)
        if running.returncode != 0:
            words.seek(0)
            said = words.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{task.name}: exit status {running.returncode}\n{said}")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return Figures(wall_seconds=wall, processor_seconds=usage.ru_utime + usage.ru_stime, peak_mib=usage.ru_maxrss * unit / 2**20)


def main() -> None:
    """Time every task and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="runs of each command; the median is printed (3)")
    parser.add_argument("--scratch", type=Path, help="folder for journal and lines; a temporary one if left out")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores; median of {options.runs}")
    print(f"{'':28} {'wall':>9} {'processor':>10} {'peak':>9}   budget")
    with tempfile.TemporaryDirectory() as made:
        scratch = options.scratch or Path(made)
        scratch.mkdir(parents=True, exist_ok=True)
        for task in tasks(scratch):
            try:
                runs = [run(task) for _ in range(options.runs)]
            except RuntimeError as error:
                print(f"{task.name:28} failed: {error}", file=sys.stderr)
                continue
            wall, processor, peak = (
                statistics.median(getattr(each, name) for each in runs)
                for name in ("wall_seconds", "processor_seconds", "peak_mib")
            )
            print(f"{task.name:28} {wall:7.2f} s {processor:8.2f} s {peak:5.0f} MiB   {task.budget}", flush=True)


if __name__ == "__main__":
    main()
