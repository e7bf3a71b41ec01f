"""R4, order: what many threads asked at once is one sequence, in which nobody's answer comes before his question.

A history is what the clients saw: when each asked, when the answer came, which records it named. `violations` holds it against
the journal. It is a checker of its own: it shares the fold and `recheck` with the program and no more. The control are fifty
sound histories, each with one seeded fault: all must be found.

`--operations N` (10 000, on each database).
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from oligami.journal import entries as e
from oligami.journal.record import Record
from oligami.trial.recheck import recheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An operation as its client saw it. `records`: number, seal and entry of each; none: it was refused."""

    command: str
    asked_at: float
    answered_at: float
    records: tuple[tuple[int, str, e.Entry | None], ...]


def perform(jobs: Sequence[Callable[[], tuple[str, Sequence[Record]]]], *, threads: int) -> list[Done]:
    """Carry out jobs in many threads; each returns its command id and the records it was told."""

    def run(job: Callable[[], tuple[str, Sequence[Record]]]) -> Done:
        asked_at = time.monotonic()
        command, records = job()
        answered_at = time.monotonic()
        told = tuple((record.seq, record.seal, record.entry) for record in records)
        return Done(command=command, asked_at=asked_at, answered_at=answered_at, records=told)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, jobs))


def violations(history: Sequence[Done], records: Sequence[Record], secret: bytes) -> list[str]:
    """Return everything in which history and journal contradict each other, or the journal itself."""
    found = [*_answers(history, records), *_real_time(history), *_numbers(records)]
    checked, _ = recheck(list(records), secrets=[secret])
    found += [f"recheck: {difference.text.en}" for difference in checked.differences]
    return found


def _answers(history: Sequence[Done], records: Sequence[Record]) -> list[str]:
    """Every answer names records that stand as told; what stands was told, or refused to nobody."""
    found = []
    stands = {record.seq: record for record in records}
    by_command: dict[str, list[int]] = {}
    for record in records:
        by_command.setdefault(record.stamp.command, []).append(record.seq)
    for done in history:
        told = [seq for seq, _, _ in done.records]
        if by_command.get(done.command, []) != told:
            found.append(f"command {done.command} was told {told}, the journal has {by_command.get(done.command, [])}")
        for seq, seal, entry in done.records:
            if seq in stands and (stands[seq].seal != seal or stands[seq].entry != entry):
                found.append(f"record {seq} is not what its author was told")
    return found


def _real_time(history: Sequence[Done]) -> list[str]:
    """Who asked after another had his answer comes after him."""
    found = []
    written = sorted((done for done in history if done.records), key=lambda done: done.asked_at)
    ended = sorted(written, key=lambda done: done.answered_at)
    highest, position = 0, 0
    for done in written:
        while ended[position].answered_at < done.asked_at:
            highest = max(highest, ended[position].records[-1][0])
            position += 1
        if done.records[0][0] <= highest:
            found.append(f"record {done.records[0][0]} was asked for after record {highest} had been answered")
    return found


def _numbers(records: Sequence[Record]) -> list[str]:
    found = []
    entries = [record.entry for record in records]
    if [record.seq for record in records] != list(range(1, len(records) + 1)):
        found.append("the records' numbers have a gap")
    first = [entry.subject for entry in entries if isinstance(entry, e.ConsentGiven | e.Registered)]
    numbers = list(dict.fromkeys(first))
    if numbers != [f"S-{number:04d}" for number in range(1, len(numbers) + 1)]:
        found.append("the subjects' numbers have a gap")
    arms = [entry for entry in entries if isinstance(entry, e.Randomized)]
    if [entry.k for entry in arms] != list(range(1, len(arms) + 1)):
        found.append("the draws have a gap")
    twice = [subject for subject, count in Counter(entry.subject for entry in arms).items() if count > 1]
    found += [f"{subject} was randomized twice" for subject in twice]
    registered = Counter((entry.subject, entry.stage) for entry in entries if isinstance(entry, e.Registered))
    found += [f"{subject} was registered twice at {stage}" for (subject, stage), count in registered.items() if count > 1]
    return found


def seeded(
    history: Sequence[Done], records: Sequence[Record], *, count: int, seed: int
) -> list[tuple[str, list[Done], list[Record]]]:
    """Return faulty variants of a sound history and journal: each has one fault that a careless desk could make."""
    chance = random.Random(seed)
    ways = (_lose, _forget, _double, _other_arm, _shared_draw, _early, _other_told, _renumber, _ghost, _other_factor)
    variants = []
    for number in range(count):
        way = ways[number % len(ways)]
        changed, kept = way(list(history), list(records), chance)
        variants.append((way.__name__.removeprefix("_"), changed, kept))
    return variants


def _of(records: Sequence[Record], kind: type, chance: random.Random) -> int:
    return chance.choice([at for at, record in enumerate(records) if isinstance(record.entry, kind)])


def _lose(history: list[Done], records: list[Record], chance: random.Random) -> tuple[list[Done], list[Record]]:
    """An acknowledged record is not there."""
    at = _of(records, e.Registered, chance)
    kept = [replace(record, seq=number) for number, record in enumerate([*records[:at], *records[at + 1 :]], start=1)]
    return history, kept


def _forget(history: list[Done], records: list[Record], chance: random.Random) -> tuple[list[Done], list[Record]]:
    """A record stands whose author was told of a refusal."""
    at = chance.choice([number for number, done in enumerate(history) if done.records])
    history[at] = replace(history[at], records=())
    return history, records


def _double(history: list[Done], records: list[Record], chance: random.Random) -> tuple[list[Done], list[Record]]:
    """One command was carried out twice."""
    at = _of(records, e.Registered, chance)
    return history, [*records, replace(records[at], seq=len(records) + 1)]


def _other_arm(history: list[Done], records: list[Record], chance: random.Random) -> tuple[list[Done], list[Record]]:
    """The journal holds another arm than was drawn and told."""
    at = _of(records, e.Randomized, chance)
    entry = records[at].entry
    assert isinstance(entry, e.Randomized)
    other = next(arm for arm in entry.probability if arm != entry.arm)
    records[at] = replace(records[at], entry=replace(entry, arm=other))
    return history, records


def _shared_draw(history: list[Done], records: list[Record], chance: random.Random) -> tuple[list[Done], list[Record]]:
    """Two subjects were given the same draw."""
    places = [at for at, record in enumerate(records) if isinstance(record.entry, e.Randomized)]
    first, second = sorted(chance.sample(places, 2))
    one, two = records[first].entry, records[second].entry
    assert isinstance(one, e.Randomized)
    assert isinstance(two, e.Randomized)
    records[second] = replace(records[second], entry=replace(two, k=one.k, u=one.u))
    return history, records


def _early(history: list[Done], records: list[Record], chance: random.Random) -> tuple[list[Done], list[Record]]:
    """A record stands before one that had been answered when it was asked for."""
    written = [done for done in history if done.records]
    done = chance.choice(written)
    late = max(each.answered_at for each in history) + 1
    if done.records[-1][0] == max(each.records[-1][0] for each in written):
        done = next(each for each in written if each is not done)
    history[history.index(done)] = replace(done, asked_at=late, answered_at=late + 1)
    return history, records


def _other_told(history: list[Done], records: list[Record], chance: random.Random) -> tuple[list[Done], list[Record]]:
    """Somebody was told another arm than stands."""
    places = [at for at, done in enumerate(history) if any(isinstance(entry, e.Randomized) for _, _, entry in done.records)]
    at = chance.choice(places)
    told = []
    for seq, seal, entry in history[at].records:
        if isinstance(entry, e.Randomized):
            entry = replace(entry, arm=next(arm for arm in entry.probability if arm != entry.arm))
        told.append((seq, seal, entry))
    history[at] = replace(history[at], records=tuple(told))
    return history, records


def _renumber(history: list[Done], records: list[Record], chance: random.Random) -> tuple[list[Done], list[Record]]:
    """Two subjects got the same number."""
    places = [at for at, record in enumerate(records) if isinstance(record.entry, e.Registered)]
    first, second = sorted(chance.sample(places, 2))
    one, two = records[first].entry, records[second].entry
    assert isinstance(one, e.Registered)
    assert isinstance(two, e.Registered)
    records[second] = replace(records[second], entry=replace(two, subject=one.subject, stage=one.stage))
    return history, records


def _ghost(history: list[Done], records: list[Record], chance: random.Random) -> tuple[list[Done], list[Record]]:
    """An answer names a record that was rolled back."""
    at = chance.choice([number for number, done in enumerate(history) if done.records])
    _, seal, entry = history[at].records[-1]
    history[at] = replace(history[at], records=(*history[at].records, (len(records) + 1, seal, entry)))
    return history, records


def _other_factor(history: list[Done], records: list[Record], chance: random.Random) -> tuple[list[Done], list[Record]]:
    """An arm was drawn on another tally than the trial's at that moment."""
    at = _of(records, e.Randomized, chance)
    entry = records[at].entry
    assert isinstance(entry, e.Randomized)
    tally = {factor: {arm: count + 1 for arm, count in row.items()} for factor, row in entry.tally.items()}
    records[at] = replace(records[at], entry=replace(entry, tally=tally))
    return history, records


def main() -> None:
    """Let sixteen threads ask for mixed commands, on both databases, and hold the history against the journal."""
    from _ground import bench, databases, judge, protocol, tell

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=10_000)
    given = parser.parse_args()
    jobs = bench.load(bench.ROOT / "tests" / "faults" / "test_drills.py")
    faults: list[str] = []
    with databases() as each:
        for database in each:
            desk = bench.open_trial(database.alias, bench._trial.with_limits(protocol(), (None, None)))
            subjects = [desk.submit(bench.first(site), bench.asked()).entries[-1].subject for site in bench.SITES]
            began = time.monotonic()
            history = perform(jobs._operations(bench, desk, subjects, given.operations), threads=16)
            seconds = time.monotonic() - began
            records = list(desk.journal.records())
            broken = violations(history, records, bench.SECRET)
            variants = seeded(history, records, count=50, seed=1)
            missed = [name for name, changed, kept in variants if not violations(changed, kept, bench.SECRET)]
            tell(
                f"R4 {database.vendor}",
                operations=len(history),
                written=sum(bool(done.records) for done in history),
                records=len(records),
                seconds=seconds,
                seeded_found=len(variants) - len(missed),
            )
            faults += broken + [f"the control was missed: {name}" for name in missed]
    judge(faults)


if __name__ == "__main__":
    sys.exit(main())
