"""The gate tier of the drills that need no server: bit rot (R6) and order (R4), each with its control."""

import secrets

import pytest
from django.db import connections

BITS = 250_000
OPERATIONS = 600
THREADS = 16


@pytest.fixture(scope="module")
def export(bench, tmp_path_factory):
    """The drill, the file of an export of 10 000 records, and its lines."""
    drill = bench.load(bench.ROOT / "drills" / "bit_rot.py")
    path = tmp_path_factory.mktemp("export") / "trial.jsonl"
    return drill, path, drill.export(path, records=10_000)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_every_flipped_bit_of_an_export_is_found_at_its_record(export, seed):
    """Each of a million flipped bits (in four parts) is found at the record where it lies."""
    drill, _, lines = export
    figures = drill.flip(lines, drill.some_bits(lines, BITS, seed=seed))
    assert figures.found == figures.made == BITS


def test_what_is_moved_in_an_export_is_found(export):
    """Deleted, doubled, swapped and cut-off records are found; a verifier that looks at seals alone would miss flipped bits."""
    drill, path, lines = export
    assert len(lines) == 10_000
    assert drill.is_chain(lines)
    moved = drill.rearrange(path, lines, times=5, seed=1)
    assert moved.found == moved.made == 20
    control = drill.flip(lines, drill.some_bits(lines, 2_000, seed=1), check=drill.check_seals_alone)
    assert control.found < control.made


def _operations(bench, desk, subjects, count):
    """Return jobs of all kinds: registrations, randomizations, withdrawals, locks, repeats of a command."""
    from oligami.journal import entries as e

    def job(number):
        site = bench.SITES[number % len(bench.SITES)]
        subject = subjects[number % len(subjects)]
        kinds = (
            lambda: bench.first(site),
            lambda: bench.second(subject, desk.trial.subjects[subject].site),
            lambda: e.ConsentWithdrawn(subject=subject, scope="treatment", withdrawal_date=desk.trial.head.at.date()),
            lambda: e.FormLocked(subject=subject, form="first_registration", occurrence=1),
            lambda: e.QueryRaised(
                subject=subject, query=f"Q{number}", form="first_registration", occurrence=1, text="please look / 確認"
            ),
        )
        asked = bench.asked(command=secrets.token_hex(16))

        def run():
            from oligami.trial.refused import Refused

            try:
                return asked.command, desk.submit(kinds[number % len(kinds)](), asked).records
            except Refused:
                return asked.command, ()
            finally:
                connections.close_all()

        return run

    return [job(number) for number in range(count)]


def test_what_many_ask_at_once_is_one_order(bench, database, jcog):
    """Sixteen threads of mixed commands leave one sequence; a checker that finds fifty of fifty seeded faults finds none."""
    drill = bench.load(bench.ROOT / "drills" / "linearizability.py")
    desk = bench.open_trial(database.alias, bench._trial.with_limits(jcog, (None, None)))
    subjects = [desk.submit(bench.first(site), bench.asked()).entries[-1].subject for site in bench.SITES[:20]]
    history = drill.perform(_operations(bench, desk, subjects, OPERATIONS), threads=THREADS)
    records = list(desk.journal.records())
    assert drill.violations(history, records, bench.SECRET) == []
    missed = [
        name
        for name, changed, kept in drill.seeded(history, records, count=50, seed=1)
        if not drill.violations(changed, kept, bench.SECRET)
    ]
    assert missed == []
