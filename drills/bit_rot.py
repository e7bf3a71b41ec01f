"""R6, bit rot: every flipped bit of an exported journal is found, at its record; so is each deletion, doubling, swap and cut.

The control is a verifier that looks at seals alone: it must let flips of bodies through, or the drill is void.

`--flips N` (3 000 000 by chance), or `--all` (every bit of 10 000 records, about 6.7 x 10^7, half an hour).
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import pairwise, product
from pathlib import Path

from oligami.journal.codec import JournalError
from oligami.journal.record import GENESIS
from oligami.journal.seal import open_line, split_line
from oligami.journal.store import FileJournal
from oligami.journal.verify import verify_file
from oligami.protocol.load import find_protocol, load_protocol
from oligami.protocol.text import Text
from oligami.simulation.rehearse import simulate
from oligami.simulation.scenario import find_scenario, load_scenario

#: Checks a line in its place: `check(line, seq=…, previous=…)`, raising `JournalError`.
Check = Callable[..., object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How many faults were made, and how many of them were found at their record."""

    made: int
    found: int


def export(path: Path, *, records: int) -> list[bytes]:
    """Write a simulated trial and return its first lines, each with its newline."""
    folder = find_protocol("jcog2110", version="1.0")
    scenario = load_scenario(find_scenario(folder, "standard"))
    with FileJournal(path, create=True, durable=False) as journal:
        simulate(load_protocol(folder), scenario, journal, seed=1, until=date(2025, 10, 31) if records <= 10_000 else None)
    lines = path.read_bytes().splitlines(keepends=True)[:records]
    path.write_bytes(b"".join(lines))
    return lines


def every_bit(lines: list[bytes]) -> Iterator[tuple[int, int, int]]:
    """Yield each bit of an export: line, byte, bit."""
    for number, line in enumerate(lines):
        for byte, bit in product(range(len(line)), range(8)):
            yield number, byte, bit


def some_bits(lines: list[bytes], count: int, seed: int) -> Iterator[tuple[int, int, int]]:
    """Yield bits by chance, each line as often as it is long."""
    chance = random.Random(seed)
    for number in chance.choices(range(len(lines)), weights=[len(line) for line in lines], k=count):
        yield number, chance.randrange(len(lines[number])), chance.randrange(8)


def flip(lines: list[bytes], bits: Iterable[tuple[int, int, int]], check: Check = open_line) -> Figures:
    """Flip one bit at a time and ask whether the line still passes in its place."""
    seals = [GENESIS, *(split_line(line)[2].decode() for line in lines)]
    made = found = 0
    for number, byte, bit in bits:
        line = bytearray(lines[number])
        line[byte] ^= 1 << bit
        made += 1
        try:
            check(bytes(line), seq=number + 1, previous=seals[number])
        except JournalError:
            found += 1
    return Figures(made=made, found=found)


def check_seals_alone(line: bytes, *, seq: int, previous: str) -> None:
    """Check as a careless verifier would: the head against its seal, the body against nothing."""
    _, head, seal = split_line(line)
    if sha256(head).hexdigest().encode() != seal:
        raise JournalError(Text("the head was changed", "ヘッドが変更されています"))


def rearrange(path: Path, lines: list[bytes], *, times: int, seed: int) -> Figures:
    """Delete, double, swap and cut off lines of the file, and verify the file each time against the published head."""
    chance = random.Random(seed)
    head = f"{len(lines)}:{split_line(lines[-1])[2].decode()}"
    made = found = 0
    for _ in range(times):
        at = chance.randrange(len(lines) - 2)
        ways = {
            "deleted": ([*lines[:at], *lines[at + 1 :]], at + 1),
            "doubled": ([*lines[: at + 1], *lines[at:]], at + 2),
            "swapped": ([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]], at + 1),
            "cut off": (lines[: at + 1], None),  # nothing in the file shows it: the published head does
        }
        for changed, where in ways.values():
            path.write_bytes(b"".join(changed))
            verdict = verify_file(path, head=head)
            made += 1
            found += not verdict.ok and verdict.first_broken == where
    path.write_bytes(b"".join(lines))
    return Figures(made=made, found=found)


def is_chain(lines: list[bytes]) -> bool:
    """Say whether the lines hold untouched: the drill's own ground."""
    seals = [GENESIS, *(split_line(line)[2].decode() for line in lines)]
    for number, (line, (previous, _)) in enumerate(zip(lines, pairwise(seals), strict=True), start=1):
        open_line(line, seq=number, previous=previous)
    return True


def main() -> None:
    """Flip bits and move lines of an export of 10 000 records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=3_000_000)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="oligami-drill-") as folder:
        path = Path(folder) / "trial.jsonl"
        lines = export(path, records=10_000)
        began = time.monotonic()
        flipped = flip(lines, every_bit(lines) if given.all else some_bits(lines, given.flips, given.seed))
        seconds = time.monotonic() - began
        moved = rearrange(path, lines, times=50, seed=given.seed)
    control = flip(lines, some_bits(lines, 20_000, given.seed), check=check_seals_alone)
    print(f"R6 records={len(lines)} bytes={sum(map(len, lines))} flipped={flipped.made} found={flipped.found}", end=" ")
    print(f"a_second={flipped.made / seconds:.0f} moved={moved.made} found={moved.found} control={control.found}/{control.made}")
    if (flipped.found, moved.found) != (flipped.made, moved.made) or control.found == control.made:
        raise SystemExit("FAULT: a change was not found at its record, or the control was")


if __name__ == "__main__":
    sys.exit(main())
