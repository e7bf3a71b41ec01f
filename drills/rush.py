"""Rush: fifty threads register and randomize at the same moment, round after round; no allocation is lost, doubled or shared.

`--rounds N` (1 000), in trials of twenty rounds each (1 000 subjects, three times the real one), on each database in turn.
The control is the answer of one thread with the other arm: it must be missed.
"""

import argparse
import sys
import time

BLOCK = 20


def main() -> None:
    """Let them rush."""
    from _ground import bench, databases, judge, protocol, tell

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1_000)
    given = parser.parse_args()
    held = bench.load(bench.ROOT / "tests" / "faults" / "test_storm.py")
    unlimited = bench._trial.with_limits(protocol(), (None, None))
    faults: list[str] = []
    done = 0
    while done < given.rounds:
        with databases() as each:
            for database in each:
                rounds = min(BLOCK, given.rounds - done)
                if rounds <= 0:
                    break
                began = time.monotonic()
                found, missed = held.rush(bench, database, unlimited, rounds=rounds)
                done += rounds
                seconds = time.monotonic() - began
                tell(
                    f"rush {database.vendor}", rounds=done, subjects=rounds * len(bench.SITES), seconds=seconds, faults=len(found)
                )
                faults += found + (["the control was missed"] if missed else [])
    judge(faults)


if __name__ == "__main__":
    sys.exit(main())
