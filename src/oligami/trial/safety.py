"""The clock of expedited reports: which reports a serious adverse event calls for, by when, and whether they went out in time.

Deadlines are the protocol's (safety.toml). A form says on which day the site became aware, not at which hour: the time to
report runs from the first hour of that day, and a report is late only when it would be so for the last.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from oligami.protocol.model.analysis import ReportDeadline
from oligami.protocol.model.forms import Form, FormRole
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Text
from oligami.trial.state import FormState, Subject

ReportStatus = Literal["waiting", "late", "sent", "sent_late"]

#: The category of every serious event; another category holds for those whose item `serious_CATEGORY` says so.
SERIOUS: Final = "serious"
_YES: Final = "yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpeditedReport:
    """A report that a serious adverse event calls for.

    deadline: its id in safety.toml, which a `SafetyReported` gives as `report`. aware_date: when the site became aware; where
    nobody has said so, the day on which the form came in. due_at: the deadline counted from the first hour of that day;
    late_at: from its last. sent_at: when the first such report went out.
    """

    form: str
    occurrence: int
    deadline: str
    title: Text
    category: str
    recipients: tuple[str, ...]
    aware_date: date
    due_at: datetime
    late_at: datetime
    sent_at: datetime | None
    status: ReportStatus

    @property
    def last_date(self) -> date:
        """The last day on which the report is in time, in the trial's time zone."""
        return (self.late_at - timedelta(microseconds=1)).date()


def expedited_reports(subject: Subject, protocol: Protocol, now: datetime) -> tuple[ExpeditedReport, ...]:
    """Return the expedited reports that a subject's adverse events call for, the earliest deadline first.

    Args:
        subject: as it stands.
        protocol: whose deadlines count.
        now: the instant as of which what was not sent is waiting or late.
    """
    zone = ZoneInfo(protocol.trial.time_zone)
    forms = {form.id: form for form in protocol.forms_of(FormRole.ADVERSE_EVENT)}
    found = []
    for state in subject.forms.values():
        form = forms.get(state.form)
        if form is None or state.values.get(form.key("serious")) != _YES:
            continue
        categories = frozenset(_categories(form, state, subject))
        aware = _aware(form, state, subject, zone)
        for deadline in protocol.safety.deadline:
            if deadline.category in categories:
                found.append(_report(deadline, state, subject, aware, now.astimezone(zone)))
    return tuple(sorted(found, key=lambda report: (report.due_at, report.form, report.occurrence, report.deadline)))


def _categories(form: Form, state: FormState, subject: Subject) -> Iterator[str]:
    """Yield the categories of a serious event: as the form says, and those under which it was reported."""
    yield SERIOUS
    for item in form.item:
        concept = item.concept or item.id
        if concept.startswith(f"{SERIOUS}_") and state.values.get(item.id) == _YES:
            yield concept.removeprefix(f"{SERIOUS}_")
    for report in subject.reports:
        if (report.form, report.occurrence) == (state.form, state.occurrence):
            yield report.category


def _aware(form: Form, state: FormState, subject: Subject, zone: ZoneInfo) -> date:
    item = form.find("aware_date")
    said = None if item is None else state.values.get(item.id)
    if item is not None and isinstance(said, str) and said != item.never:
        return date.fromisoformat(said)
    told = [report.aware_date for report in subject.reports if (report.form, report.occurrence) == (state.form, state.occurrence)]
    return min(told, default=state.submitted_at.astimezone(zone).date())


def _report(deadline: ReportDeadline, state: FormState, subject: Subject, aware: date, now: datetime) -> ExpeditedReport:
    # Hours are counted as they pass: a day on which clocks change has 23 or 25 of them.
    zone, span = now.tzinfo, timedelta(hours=deadline.hours)
    due_at, late_at = (
        (datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC) + span).astimezone(zone)
        for day in (aware, aware + timedelta(days=1))
    )
    sent = [
        report.reported_at
        for report in subject.reports
        if (report.form, report.occurrence, report.report) == (state.form, state.occurrence, deadline.id)
    ]
    sent_at = min(sent, default=None)
    return ExpeditedReport(
        form=state.form,
        occurrence=state.occurrence,
        deadline=deadline.id,
        title=deadline.title,
        category=deadline.category,
        recipients=deadline.recipients,
        aware_date=aware,
        due_at=due_at,
        late_at=late_at,
        sent_at=sent_at,
        status=_status(sent_at, now, late_at),
    )


def _status(sent_at: datetime | None, now: datetime, late_at: datetime) -> ReportStatus:
    if sent_at is None:
        return "waiting" if now < late_at else "late"
    return "sent" if sent_at < late_at else "sent_late"
