"""What is due of a subject on a day, told as tables."""

import dataclasses
from datetime import date

import pytest

from oligami.data.due import due_of, last_randomization
from oligami.data.reading import Reader
from oligami.journal import entries as e
from oligami.trial.commands import Register


@pytest.fixture
def due(protocol):
    """Return what is due of a subject on a day."""

    def ask(trial, subject, on, **more):
        state = trial.desk.trial
        refusals = [refusal for refusal in state.refusals if refusal.subject == subject]
        reader = Reader(state.protocol)
        return due_of(state.subjects[subject], reader, date.fromisoformat(on), refusals=refusals, **more)

    return ask


@pytest.fixture
def holds(due):
    """Check a table: day, activity or visit, state. A dash in the place of a state: it is not planned."""

    def check(trial, subject, table):
        for line in table.strip().splitlines():
            on, name, expected = (cell.strip() for cell in line.split("|"))
            found = [each.state for each in due(trial, subject, on) if name in (each.activity, each.visit, each.deadline)]
            assert (found[0] if found else "-") == expected, line

    return check


def test_way_to_randomization(build, holds):
    """Therapy, evaluation and second registration come due one after the other, each when its anchor is known."""
    trial = build()
    subject = trial.first("2030-01-10")
    holds(
        trial,
        subject,
        """
        2030-01-10 | first_registration  | done
        2030-01-10 | therapy_start       | upcoming
        2030-01-11 | therapy_start       | due
        2030-01-24 | therapy_start       | due
        2030-01-25 | therapy_start       | overdue
        2030-01-25 | week12              | -
        """,
    )
    trial.start_therapy(subject, "2030-01-15")
    holds(
        trial,
        subject,
        """
        2030-01-25 | therapy_start       | done
        2030-04-01 | week12              | upcoming
        2030-04-02 | week12              | due
        2030-04-30 | week12              | due
        2030-05-01 | week12              | overdue
        2030-05-01 | second_registration | -
        """,
    )
    trial.scan(subject, "2030-04-08", {"L1": 18}, visit="week12")
    holds(
        trial,
        subject,
        """
        2030-04-09 | week12              | done
        2030-04-09 | second_registration | due
        2030-05-06 | second_registration | due
        2030-05-07 | second_registration | overdue
        2030-04-09 | imaging_84          | -
        """,
    )


def test_after_randomization(build, holds):
    """Runs of visits follow the randomization; the next visit of a run makes the one before it missed."""
    trial = build(first_arm="A")
    subject = trial.first("2030-01-10")
    trial.start_therapy(subject, "2030-01-15")
    trial.scan(subject, "2030-04-08", {"L1": 18})
    assert trial.second(subject, "2030-04-15") == "A"
    holds(
        trial,
        subject,
        """
        2030-04-20 | second_registration | done
        2030-04-20 | restart_control     | due
        2030-05-14 | restart_control     | overdue
        2030-06-23 | imaging_84          | upcoming
        2030-06-24 | imaging_84          | due
        2030-07-23 | imaging_84          | overdue
        2030-09-16 | imaging_84          | missed
        2030-09-16 | imaging_168         | due
        2030-05-01 | mdt_start           | -
        2030-10-15 | m6                  | due
        """,
    )


@pytest.mark.parametrize(
    ("what", "name", "state"),
    [
        ("died", "second_registration", "not_needed"),
        ("died", "survival_183", "-"),
        ("withdrew", "second_registration", "not_needed"),
        ("withdrew", "survival_183", "not_needed"),
        ("progressed", "second_registration", "not_needed"),
        ("ended", "second_registration", "not_needed"),
        ("ended", "survival_183", "due"),
        ("refused", "second_registration", "not_needed"),
    ],
)
def test_who_left_is_asked_no_more(build, due, what, name, state):
    """Death, withdrawal, progression, the end of treatment and a refusal end what they end, and are named."""
    trial = build()
    subject = trial.first("2030-01-10")
    trial.start_therapy(subject, "2030-01-15")
    trial.scan(subject, "2030-04-08", {"L1": 18}, response="PD" if what == "progressed" else "SD")
    match what:
        case "died":
            trial.died(subject, "2030-04-20")
        case "withdrew":
            trial.say(e.ConsentWithdrawn(subject=subject, scope="follow_up", withdrawal_date=date(2030, 4, 20)))
        case "ended":
            trial.form(subject, "treatment_end", end_date="2030-04-20", reason="toxicity")
        case "refused":
            assert trial.second(subject, "2030-04-20", new_lesion="yes") is None
    found = [each for each in due(trial, subject, "2030-07-20") if name in (each.activity, each.visit)]
    assert (found[0].state if found else "-") == state
    if state == "not_needed":
        assert found[0].note is not None
        # A refusal is dated by the journal's clock, which stands still in 2035 here.
        day = {"progressed": "2030-04-08", "refused": "2035-01-01"}.get(what, "2030-04-20")
        assert day in found[0].note.ja


def test_annulled_is_asked_nothing(build, due):
    """Who was registered in error owes nothing."""
    trial = build()
    subject = trial.first("2030-01-10")
    assert due(trial, subject, "2030-02-20")
    trial.say(e.RegistrationAnnulled(subject=subject, stage="first", reason="entered twice"))
    assert due(trial, subject, "2030-02-20") == ()


def test_queries_signatures_and_warnings_wait(build, due):
    """An open data query waits for the site, an answered one for the asking side; forms wait for signature and verification."""
    trial = build()
    subject = trial.first("2030-01-10")
    trial.form(subject, "follow_up", contact_date="2029-12-01", vital_status="alive")  # before registration: a soft check fires

    def kinds():
        return {
            (each.kind, each.form)
            for each in due(trial, subject, "2030-01-12")
            if each.kind in ("answer", "close", "sign", "verify")
        }

    assert kinds() == {("sign", "first_registration"), ("verify", "follow_up")}
    trial.say(e.QueryRaised(subject=subject, query="Q1", form="follow_up", occurrence=1, text="Really?"))
    assert ("answer", "follow_up") in kinds()
    trial.say(e.QueryAnswered(subject=subject, query="Q1", text="Yes."))
    assert ("close", "follow_up") in kinds()
    assert ("answer", "follow_up") not in kinds()
    trial.say(e.QueryClosed(subject=subject, query="Q1"))
    trial.say(e.FormVerified(subject=subject, form="follow_up", occurrence=1))
    assert kinds() == {("sign", "first_registration")}


def test_reports_come_first(build, due):
    """A serious adverse event that was not reported stands before all else, late before due."""
    trial = build()
    subject = trial.first("2030-01-10")
    trial.form(
        subject,
        "adverse_event",
        term="other",
        term_other="fall",
        grade=3,
        start_date="2030-02-01",
        serious="yes",
        serious_hospitalization="yes",
        aware_date="2030-02-02",
    )
    found = due(trial, subject, "2030-02-06")
    assert [(each.kind, each.deadline, each.state) for each in found[:2]] == [
        ("report", "first_report", "overdue"),
        ("report", "second_report", "due"),
    ]
    assert [each.urgency for each in found] == sorted(each.urgency for each in found)
    assert due(trial, subject, "2030-02-05")[0].state == "due"


def test_another_trial_by_the_same_rules(build, tiny, holds, due):
    """A trial of one registration, without response or radiotherapy, has its visits due as well."""
    trial = build(tiny)
    values = {"registration_date": "2030-06-01", "age_years": 40, "sex": "male", "tinnitus": "yes", "loudness": 50}
    values |= {"last_ear_surgery_date": "none"}
    said = trial.say(Register(stage="entry", site="101", values=values, reasons={"*": "checked"}))
    subject = next(entry.subject for entry in said if isinstance(entry, e.Registered))
    holds(
        trial,
        subject,
        """
        2030-06-01 | registration  | done
        2030-08-15 | follow_up_90  | upcoming
        2030-08-16 | follow_up_90  | due
        2030-09-14 | follow_up_90  | overdue
        """,
    )
    trial.seen(subject, "2030-09-01")
    holds(trial, subject, "2030-09-14 | follow_up_90 | done")
    assert last_randomization(trial.desk.trial) is None


def test_last_randomization_is_known_when_the_limit_is_reached(build, protocol):
    """The end of randomization is the day of the allocation that reached the limit."""
    stages = tuple(
        dataclasses.replace(stage, limit=1 if stage.randomizes else stage.limit) for stage in protocol.eligibility.stage
    )
    small = dataclasses.replace(protocol, eligibility=dataclasses.replace(protocol.eligibility, stage=stages))
    trial = build(small)
    subject = trial.first("2030-01-10")
    assert last_randomization(trial.desk.trial) is None
    trial.second(subject, "2030-04-15")
    assert last_randomization(trial.desk.trial) == date(2030, 4, 15)
