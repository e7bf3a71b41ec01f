"""One bit of the table turned over: found, and located."""

import random
import sqlite3

from oligami.web.journal.guards import NAMES

FLIPS = 150


def test_every_flipped_bit_is_found_at_its_record(bench, sqlite, jcog):
    """A bit turned in body, head or seal of any record breaks the chain at that record; turned back, all holds again."""
    desk = bench.open_trial(sqlite.alias, jcog, sites=("s01",))
    desk.submit(bench.first("s01"), bench.asked())
    records = desk.journal.head().seq
    chance = random.Random(1)
    raw = sqlite3.connect(sqlite.path, isolation_level=None)
    for name in NAMES:
        raw.execute(f"DROP TRIGGER {name}")
    for _ in range(FLIPS):
        seq, column = chance.randint(1, records), chance.choice(("body", "head", "seal"))
        (before,) = raw.execute(f"SELECT CAST({column} AS BLOB) FROM journal_record WHERE seq = ?", (seq,)).fetchone()
        after = bytearray(before)
        after[chance.randrange(len(after))] ^= 1 << chance.randrange(8)
        change = f"UPDATE journal_record SET {column} = CAST(? AS TEXT) WHERE seq = ?"
        raw.execute(change, (bytes(after), seq))
        found = desk.journal.verify()
        assert (found.ok, found.first_broken) == (False, seq), column
        raw.execute(change, (before, seq))
    raw.close()
    assert desk.journal.verify().ok
