"""The course of a subject as facts on an axis."""

from datetime import date

import pytest

from oligami.data.course import course_of
from oligami.data.reading import Reader
from oligami.journal import entries as e


@pytest.fixture
def trial(build):
    """A subject of the experimental arm with a bit of everything."""
    trial = build(first_arm="B")
    subject = trial.first("2030-01-10")
    trial.start_therapy(subject, "2030-01-15")
    trial.course(subject, 1, "2030-01-15")
    trial.scan(subject, "2030-04-08", {"L1": 18}, response="PR")
    assert trial.second(subject, "2030-04-15") == "B"
    trial.irradiate(subject, "L1", "2030-05-01", "2030-05-10")
    trial.irradiate(subject, "L1", "2030-06-01", None)
    trial.form(
        subject,
        "adverse_event",
        term="other",
        term_other="fall",
        grade=3,
        start_date="2030-05-20",
        end_date="2030-06-20",
        serious="no",
    )
    trial.answer(subject, "2030-04-10", "pre_second")
    trial.seen(subject, "2030-07-01")
    trial.scan(subject, "2030-08-01", {"L1": 40}, response="PD")
    trial.died(subject, "2031-01-05")
    return trial


def course(trial, on, *, show_arm=True):
    state = trial.desk.trial
    return course_of(state.subjects["S-0001"], state.rules, Reader(state.protocol), date.fromisoformat(on), show_arm=show_arm)


def told(found):
    return {(mark.lane, mark.start.isoformat(), mark.short) for mark in found.marks}


def test_everything_is_on_the_axis(trial):
    """Registrations, randomization, therapy, local therapy, scans, toxicity, questionnaires and death, each on its day."""
    found = course(trial, "2031-06-01")
    assert told(found) >= {
        ("status", "2030-01-10", "1"),
        ("status", "2030-04-15", "2"),
        ("status", "2030-04-15", "R B"),
        ("therapy", "2030-01-15", "AI_CDK"),
        ("therapy", "2030-01-15", ""),
        ("scan", "2030-04-08", "PR"),
        ("scan", "2030-08-01", "PD"),
        ("status", "2030-08-01", "PD"),
        ("local", "2030-05-01", "L1"),
        ("toxicity", "2030-05-20", "3"),
        ("questionnaire", "2030-04-10", ""),
        ("contact", "2030-07-01", ""),
        ("status", "2031-01-05", "†"),
    }
    assert (found.first, found.last) == (date(2030, 1, 10), date(2031, 1, 5))
    assert [mark.start for mark in found.marks] == sorted(mark.start for mark in found.marks)


def test_a_course_as_of_an_earlier_day(trial):
    """What lies after the day is not drawn, and what lasts beyond it goes on."""
    found = course(trial, "2030-06-01")
    assert max(mark.start for mark in found.marks) == date(2030, 6, 1)
    toxicity = next(mark for mark in found.marks if mark.lane == "toxicity")
    assert (toxicity.end, toxicity.ongoing) == (None, True)
    assert course(trial, "2030-01-09") is None


def test_the_arm_is_named_only_where_it_may_be(trial):
    """Without the right to see it, no mark names the arm; that there was a randomization stays."""
    found = course(trial, "2031-06-01", show_arm=False)
    randomized = next(mark for mark in found.marks if mark.short == "R")
    assert randomized.detail.en == "arm not shown"
    title = trial.protocol.arm("B").title
    assert not any(title.en in f"{mark.what.en} {mark.detail.en}" for mark in found.marks if mark.lane == "status")


def test_withdrawal_is_on_the_axis(build):
    """A withdrawal of consent stands on its day, with its scope in words."""
    trial = build()
    subject = trial.first("2030-01-10")
    trial.say(e.ConsentWithdrawn(subject=subject, scope="follow_up", withdrawal_date=date(2030, 4, 20)))
    mark = next(mark for mark in course(trial, "2030-05-01").marks if mark.what.en == "Consent withdrawn")
    assert (mark.start, mark.detail.en, mark.tone) == (date(2030, 4, 20), "follow-up", "bad")
