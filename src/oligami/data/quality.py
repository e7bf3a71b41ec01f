"""Refused registrations, forms that came late, corrections and data queries."""

from collections.abc import Sequence
from datetime import date

from oligami.data.columns import Table
from oligami.data.datasets import DataQuality, Refusals
from oligami.data.history import History
from oligami.data.windows import Done
from oligami.protocol.model.forms import FormRole
from oligami.trial.state import Trial


def derive_refusals(trial: Trial, up_to: date) -> Refusals:
    """Return one row a refused registration, in order of the refusals. Its date is that of the record, in UTC."""
    rows = Table()
    for refusal in trial.refusals:
        if refusal.at.date() <= up_to:
            rows.add(
                stage=refusal.stage,
                subject=refusal.subject,
                site=refusal.site,
                refused_date=refusal.at.date(),
                verdict=refusal.verdict,
                not_met=refusal.not_met,
                unknown=refusal.unknown,
            )
    return Refusals(**rows.columns(Refusals))


def derive_data_quality(subjects: Sequence[tuple[History, Sequence[Done]]]) -> DataQuality:
    """Return one row a form that was due by the cut.

    Due is what the schedule asks for when its window closes, unless death, progression, the end of treatment or a withdrawal
    excused it. Forms of registrations are none of these: the registration itself fills them.
    """
    rows = Table()
    for history, visits in subjects:
        for done in () if history.annulled else visits:
            due = done.planned.latest or done.planned.target
            form = done.planned.form
            if form is None or done.role is FormRole.REGISTRATION or done.excused or due > history.last_day:
                continue
            rows.add(
                subject=history.id,
                site=history.site,
                form=form,
                visit=done.planned.visit,
                due_date=due,
                submitted_date=None if done.filled is None else done.filled.state.submitted_at.date(),
            )
    return DataQuality(**rows.columns(DataQuality))


def count_corrections(histories: Sequence[History]) -> int:
    """Count the items corrected after their first entry, as known at the cut, on the forms that count at it."""
    return sum(
        len(change.new)
        for history in histories
        for form in history.subject.forms.values()
        if history.counts(form.form, form.occurrence)
        for change in form.changes
    )


def count_queries(histories: Sequence[History]) -> tuple[int, int]:
    """Count the data queries about forms that count at the cut, and those of them that are open, as known at the cut."""
    queries = [
        query
        for history in histories
        for query in history.subject.queries.values()
        if history.counts(query.form, query.occurrence)
    ]
    return len(queries), sum(query.status == "open" for query in queries)
