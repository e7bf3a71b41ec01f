"""The clock of expedited reports, told as a table."""

import dataclasses
from datetime import UTC, date, datetime

import pytest

from oligami.protocol.load import find_protocol, load_protocol
from oligami.trial.safety import expedited_reports
from oligami.trial.state import FormState, SafetyReport, Subject

PROTOCOL = load_protocol(find_protocol("jcog2110", version="1.0"))


def at(words):
    """Return an instant told by the clock in Japan (nine hours ahead of UTC)."""
    return datetime.fromisoformat(f"{words}+09:00").astimezone(UTC)


def subject(*, reports=(), submitted="2030-02-03 10:00", **values):
    answers = {"term": "other", "grade": 3, "start_date": "2030-02-01", "serious": "yes", **values}
    form = FormState("adverse_event", 1, answers, None, 7, at(submitted), "1.0")
    return Subject("S-0001", "s01", 7, forms={("adverse_event", 1): form}, reports=tuple(reports))


def sent(report, when, *, aware=date(2030, 2, 2), category="serious", occurrence=1):
    return SafetyReport("adverse_event", occurrence, report, category, aware, at(when))


#: The site became aware on 2030-02-02: 72 hours from the first hour of that day, or from its last.
CLOCK = """
    now              | first report went out | first     | second
    2030-02-02 00:30 |                       | waiting   | waiting
    2030-02-05 00:00 |                       | waiting   | waiting
    2030-02-05 23:59 |                       | waiting   | waiting
    2030-02-06 00:00 |                       | late      | waiting
    2030-02-17 23:59 |                       | late      | waiting
    2030-02-18 00:00 |                       | late      | late
    2030-02-06 00:00 | 2030-02-05 23:59      | sent      | waiting
    2030-02-06 00:01 | 2030-02-06 00:00      | sent_late | waiting
"""


@pytest.mark.parametrize("line", CLOCK.strip().splitlines()[1:])
def test_clock(line):
    """A report is late once it would be so for every hour of the day on which the site became aware."""
    now, went, *expected = (cell.strip() for cell in line.split("|"))
    reports = [sent("first_report", went)] if went else []
    found = expedited_reports(subject(aware_date="2030-02-02", reports=reports), PROTOCOL, at(now))
    assert [report.status for report in found] == expected
    assert [report.due_at for report in found] == [at("2030-02-05 00:00"), at("2030-02-17 00:00")]
    assert [report.last_date for report in found] == [date(2030, 2, 5), date(2030, 2, 17)]


def test_only_serious_events_run_the_clock():
    """An event that is not serious calls for no report."""
    assert expedited_reports(subject(serious="no"), PROTOCOL, at("2030-03-01 00:00")) == ()


@pytest.mark.parametrize(
    ("values", "reports", "aware"),
    [
        ({"aware_date": "2030-02-02"}, [], date(2030, 2, 2)),
        ({}, [], date(2030, 2, 3)),  # the form came in then
        ({}, [sent("first_report", "2030-02-03 12:00", aware=date(2030, 2, 1))], date(2030, 2, 1)),
        ({"aware_date": "2030-02-02"}, [sent("first_report", "2030-02-03 12:00", aware=date(2030, 2, 1))], date(2030, 2, 2)),
    ],
)
def test_when_the_site_became_aware(values, reports, aware):
    """The form says when the site became aware; else the reports do; else the day on which the form came in."""
    found = expedited_reports(subject(reports=reports, **values), PROTOCOL, at("2030-02-03 13:00"))
    assert {report.aware_date for report in found} == {aware}


def test_a_report_counts_for_its_own_event_and_deadline():
    """The report of another event, or the second report, does not stand for the first of this one."""
    reports = [sent("first_report", "2030-02-03 12:00", occurrence=2), sent("second_report", "2030-02-04 12:00")]
    found = expedited_reports(subject(aware_date="2030-02-02", reports=reports), PROTOCOL, at("2030-02-04 13:00"))
    assert [report.status for report in found] == ["waiting", "sent"]


def test_deadlines_of_a_category():
    """A deadline of another category holds for events whose item says so, and for those reported under it."""
    death = dataclasses.replace(PROTOCOL.safety.deadline[0], id="death_report", category="death", hours=24)
    safety = dataclasses.replace(PROTOCOL.safety, deadline=(*PROTOCOL.safety.deadline, death))
    protocol = dataclasses.replace(PROTOCOL, safety=safety)

    def deadlines(**told):
        return [report.deadline for report in expedited_reports(subject(**told), protocol, at("2030-02-04 13:00"))]

    assert deadlines() == ["first_report", "second_report"]
    assert deadlines(serious_death="yes") == ["death_report", "first_report", "second_report"]
    assert "death_report" in deadlines(reports=[sent("first_report", "2030-02-03 12:00", category="death")])
