"""Many at once: no allocation is lost, doubled or shared, and a command sent twice is carried out once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from oligami.journal import entries as e
from oligami.trial.commands import CorrectItems
from oligami.trial.recheck import recheck
from oligami.trial.refused import Refused


def at_once(jobs):
    """Start all jobs at the same moment, each in its thread; return what they returned, or raised if it was a refusal."""
    barrier = Barrier(len(jobs))

    def run(job):
        barrier.wait()
        try:
            return job()
        except Refused as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(run, jobs))


def check(bench, desk):
    """Hold that the chain verifies, numbers and draws have no gap, nobody has two arms, and every decision can be redone."""
    assert desk.journal.verify().ok
    found, trial = recheck(desk.journal.records(), secrets=[bench.SECRET])
    assert found.ok, [difference.text.en for difference in found.differences]
    allocations = [allocation for subject in trial.subjects.values() for allocation in subject.allocations]
    assert sorted(allocation.k for allocation in allocations) == list(range(1, len(allocations) + 1))
    assert all(len(subject.allocations) <= 1 for subject in trial.subjects.values())
    assert list(trial.subjects) == [f"S-{number:04d}" for number in range(1, len(trial.subjects) + 1)]
    return trial


ROUNDS = 20


def rush(bench, database, protocol, *, rounds):
    """Let fifty threads register and randomize at once, in rounds; return what is wrong, and whether the control was missed."""
    desk = bench.open_trial(database.alias, protocol)

    def enrol(site):
        registered = desk.submit(bench.first(site), bench.asked()).entries[-1]
        randomized = desk.submit(bench.second(registered.subject, site), bench.asked()).entries[-1]
        return registered.subject, (randomized.arm, randomized.k)

    told = [answer for _ in range(rounds) for answer in at_once([lambda site=site: enrol(site) for site in bench.SITES])]
    trial = check(bench, desk)
    stands = {name: (subject.allocation.arm, subject.allocation.k) for name, subject in trial.subjects.items()}

    def differences(told):
        found = [] if len(told) == len(stands) == rounds * len(bench.SITES) else [f"{len(told)} told, {len(stands)} stand"]
        return found + [
            f"{name}: told {answer}, stands {stands.get(name)}" for name, answer in told if stands.get(name) != answer
        ]

    (name, (arm, k)), *others = told
    return differences(told), not differences([(name, (f"not {arm}", k)), *others])


def test_fifty_sites_register_and_randomize_at_once(bench, database, jcog):
    """Fifty threads, twenty rounds: each subject gets one number and the one arm that was told, and recheck is clean."""
    found, missed = rush(bench, database, bench._trial.with_limits(jcog, (None, None)), rounds=ROUNDS)
    assert found == []
    assert not missed


def test_two_processes_take_turns(bench, database, jcog):
    """Desks that know nothing of each other, as in two server processes, keep one order and the same trial."""
    desks = [bench.open_trial(database.alias, jcog, sites=bench.SITES[:4])]
    desks += [type(desks[0])(jcog.id, using=database.alias, secrets=desks[0]._secrets) for _ in range(3)]

    def enrol(desk, site):
        for _ in range(4):
            subject = desk.submit(bench.first(site), bench.asked()).entries[-1].subject
            desk.submit(bench.second(subject, site), bench.asked())

    jobs = zip(desks, bench.SITES[:4], strict=True)
    at_once([lambda desk=desk, site=site: enrol(desk, site) for desk, site in jobs])
    trial = check(bench, desks[0])
    assert trial.allocated == len(trial.subjects) == 16
    assert all(desk.trial == trial for desk in desks)


def test_one_command_sent_by_many_at_once_is_carried_out_once(bench, desk):
    """Ten sendings of one randomization, by two desks, give one arm and ten equal answers."""
    subject = desk.submit(bench.first("s01"), bench.asked()).entries[-1].subject
    other = type(desk)("jcog2110", using=desk.journal.using, secrets=desk._secrets)
    command, who = bench.second(subject, "s01"), bench.asked()
    before = desk.journal.head().seq
    receipts = at_once([lambda each=each: each.submit(command, who) for each in (desk, other) * 5])
    assert [receipt.repeated for receipt in receipts].count(False) == 1
    assert len({receipt.records[-1].seal for receipt in receipts}) == 1
    assert desk.journal.head().seq == before + len(receipts[0].records)
    assert check(bench, desk).allocated == 1


def test_two_who_change_the_same_form_do_not_overwrite_each_other(bench, desk):
    """Of eight corrections made on the same state, one is taken over and the others are shown what changed."""
    subject = desk.submit(bench.first("s01"), bench.asked()).entries[-1].subject
    seen = desk.trial.subjects[subject].seq
    made = [
        CorrectItems(
            subject=subject, form="first_registration", occurrence=1, new={"e3_body_temperature_c": 36.0 + n / 10}, reason="typed"
        )
        for n in range(1, 9)
        if n != 5
    ]
    answers = at_once([lambda fix=fix: desk.submit(fix, bench.asked(seen=seen)) for fix in made])
    assert sum(isinstance(answer, Refused) for answer in answers) == len(made) - 1
    state = desk.trial.subjects[subject].forms["first_registration", 1]
    assert len(state.changes) == 1
    check(bench, desk)


def test_the_limit_holds_when_many_ask_for_the_last_place(bench, database, jcog):
    """Accrual closes with the last place: of ten who ask at once for three places, three get one."""
    limited = bench._trial.with_limits(jcog, (3, None))
    desk = bench.open_trial(database.alias, limited, sites=bench.SITES[:10])
    answers = at_once([lambda site=site: desk.submit(bench.first(site), bench.asked()) for site in bench.SITES[:10]])
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(refused) == 7
    assert {reason.rule for answer in refused for reason in answer.reasons} == {"accrual.closed"}
    assert len(check(bench, desk).subjects) == 3


@pytest.mark.parametrize("kind", [e.SiteClosed, e.AccrualPaused])
def test_who_comes_after_a_closing_is_refused(bench, desk, kind):
    """A registration and a closing at once: either order is possible, and the records say which it was."""
    close = e.SiteClosed(site="s01", reason="left") if kind is e.SiteClosed else e.AccrualPaused(reason="review")
    jobs = [lambda: desk.submit(bench.first("s01"), bench.asked())] * 4 + [lambda: desk.submit(close, bench.asked())]
    answers = at_once(jobs)
    closed = answers[-1].records[0].seq
    assert all(isinstance(answer, Refused) or answer.records[-1].seq < closed for answer in answers[:-1])
    check(bench, desk)
