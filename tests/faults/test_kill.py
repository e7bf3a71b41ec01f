"""Server processes killed in the middle of their work: what was acknowledged is there, once, and nothing is half there."""

import random
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from oligami.trial.recheck import recheck

KILLS = 3
WORKERS = 2


def work(database, seed):
    """Let workers register at once, kill them without notice, and return what they asked and what they were told."""
    program = [sys.executable, str(Path(__file__).with_name("worker.py")), database.address]
    with ExitStack() as stack:
        workers = []
        for number in range(1, WORKERS + 1):
            worker = stack.enter_context(subprocess.Popen([*program, f"s0{number}"], stdout=subprocess.PIPE, text=True))
            stack.callback(worker.kill)
            workers.append(worker)
        said = []
        for worker in workers:  # each at work, however slow the machine
            said.append([next(worker.stdout) for _ in range(3)])
            assert [line.split()[0] for line in said[-1]] == ["ready", "ask", "told"]
        time.sleep(0.15 * random.Random(seed).random())
        for worker in workers:
            worker.kill()
        said = ["".join(begun) + worker.communicate()[0] for begun, worker in zip(said, workers, strict=True)]
    # The last line may have been cut short.
    lines = [line.split() for words in said for line in words.splitlines(keepends=True) if line.endswith("\n")]
    return [line[1] for line in lines if line[0] == "ask"], [line[1:] for line in lines if line[0] == "told"]


def test_killed_workers_lose_and_double_nothing(bench, database, jcog):
    """After each kill every acknowledged command stands exactly once, as told; the unanswered one is safe to send again."""
    unlimited = bench._trial.with_limits(jcog, (None, None))
    desk = bench.open_trial(database.alias, unlimited, sites=("s01", "s02"))
    told, open_commands = [], []
    for kill in range(KILLS):
        asked, answers = work(database, kill)
        told += answers
        open_commands += sorted(set(asked) - {answer[0] for answer in answers})
        assert desk.journal.verify().ok
    for command in open_commands:
        again = [desk.submit(bench.first("s01"), bench.asked(command=command)).records for _ in range(2)]
        assert again[0] == again[1]
        assert len(again[0]) == 3
    for command, seq, seal, subject in told:
        records = desk.journal.of_command(command)
        assert [type(record.entry).__name__ for record in records] == ["ConsentGiven", "FormSubmitted", "Registered"]
        assert (str(records[-1].seq), records[-1].seal, records[-1].entry.subject) == (seq, seal, subject)
    commands = {command for command, *_ in told} | set(open_commands)
    trial = desk.trial
    assert len(trial.subjects) == len(commands)
    assert list(trial.subjects) == [f"S-{number:04d}" for number in range(1, len(commands) + 1)]
    assert desk.journal.verify().ok
    assert recheck(desk.journal.records())[0].ok
