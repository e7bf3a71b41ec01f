"""A subject: banner, timeline, casebook, data queries, reports and acts; as it stands, or as it stood at the end of a day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse

from oligami.data.course import SCOPES, course_of
from oligami.data.due import OPEN, Due, due_of
from oligami.reports.timeline import draw_timeline, timeline_facts
from oligami.trial.past import fold_some
from oligami.trial.safety import expedited_reports
from oligami.trial.state import Subject, Trial
from oligami.web.casebook.entry import form_of
from oligami.web.casebook.form_page import lines_of
from oligami.web.clock import local_zone
from oligami.web.pages.here import Here, page
from oligami.web.worklist.actions import actions_of
from oligami.web.worklist.casebook_grid import Cell, GridRow, casebook_grid
from oligami.web.worklist.status import standing_of
from oligami.web.worklist.tasks import ACTS, KINDS, STATES, Permits, address_of, dues_of, reader_of


@page("see_subject")
def subject(request: HttpRequest, here: Here, subject_id: str) -> HttpResponse:
    """Show a subject as it stands."""
    known = here.subject(subject_id)
    dues = dues_of(here.trial, known, here.today)
    context = _shown(here, here.trial, known, dues, here.today, here.now)
    permits = Permits(here)
    fill = here.permit("submit_form", known.site)
    waiting = [due for due in context["dues"] if due.state in OPEN and due.state != "upcoming"]
    context |= {
        "actions": actions_of(here, known, context["dues"]),
        "rows": [
            (row, [(cell, _cell_address(here, known, row, cell, permits)) for cell in row.cells]) for row in context["grid"]
        ],
        "waiting": [
            {
                "due": due,
                "kind": KINDS[due.kind],
                "state": STATES[due.state],
                "address": address_of(due, here.trial_id, may=permits.may(ACTS[due.kind], known.site)),
            }
            for due in waiting
        ],
        "may_fill": fill,
        "may_see_history": bool(here.permit("see_history", known.site)),
        "confirmations": _confirmations(here, known),
    }
    return here.render("worklist/subject.html", context)


def _cell_address(here: Here, subject: Subject, row: GridRow, cell: Cell, permits: Permits) -> str | None:
    """Return where a cell of the casebook leads: to the form, to filling it, to the registration; None where to nothing."""
    if cell.occurrence is not None:
        return reverse("form", args=[here.trial_id, subject.id, row.form, cell.occurrence])
    if cell.state == "not_needed":
        return None
    if cell.stage is not None:
        if not permits.may("register_next", subject.site):
            return None
        return reverse("register_next", args=[here.trial_id, subject.id, cell.stage])
    if row.closed or not permits.may("submit_form", subject.site):
        return None
    visit = f"?{urlencode({'visit': cell.visit})}" if cell.visit else ""
    return reverse("form_new", args=[here.trial_id, subject.id, row.form]) + visit


def _past_address(row: GridRow, cell: Cell, after: int | None) -> str | None:
    """Return where a cell of the past leads: to the form as it stood; None where there was none."""
    if cell.occurrence is None:
        return None
    which = {"form": row.form, "occurrence": cell.occurrence} | ({} if after is None else {"record": after})
    return f"?{urlencode(which)}#opened"


@page("see_history")
def subject_past(request: HttpRequest, here: Here, subject_id: str) -> HttpResponse:
    """Go to a day that was chosen (`?day=`), or to the day of a record (`?record=`)."""
    known = here.subject(subject_id, act="see_history")
    after = _record(request)
    if after is None:
        chosen = _day(request.GET.get("day", ""))
        return redirect("subject_at", here.trial_id, known.id, chosen.isoformat())
    own = [record for record in here.desk.journal.of_subject(known.id) if record.seq == after]
    if not own:
        raise Http404
    on = own[0].stamp.recorded_at.astimezone(local_zone()).date()
    return redirect(f"{reverse('subject_at', args=[here.trial_id, known.id, on.isoformat()])}?record={after}")


@page("see_history")
def subject_at(request: HttpRequest, here: Here, subject_id: str, day: str) -> HttpResponse:
    """Show a subject as it stood at the end of a day by the hospitals' clocks, or with `?record=` after that record."""
    known = here.subject(subject_id, act="see_history")
    wanted = _day(day)
    if wanted > here.today:
        raise BadRequest("the day lies ahead")
    after = _record(request)
    ends = datetime.combine(wanted + timedelta(days=1), time.min, tzinfo=local_zone()).astimezone(UTC)
    records = [
        record
        for record in here.desk.journal.of_subject(known.id, with_trial=True)
        if record.stamp.recorded_at < ends and (after is None or record.seq <= after)
    ]
    then = fold_some(records)
    past = then.subjects.get(known.id)
    # What stood is told with the record after which it stood so.
    last = records[-1].seq if records else None
    context: dict[str, Any] = {"subject": known, "day": wanted, "record": after, "is_past": True, "last": last}
    # Of a consent or form that came before the registration in the same act there may be a subject without a site.
    if past is None or not past.stages:
        return here.render("worklist/subject_not_yet.html", context)
    protocol = then.rules_for(past.site, wanted).protocol
    refusals = [refusal for refusal in then.refusals if refusal.subject == known.id]
    dues = due_of(past, reader_of(protocol), wanted, refusals=refusals)
    instant = min(ends, here.now)
    shown = _shown(here, then, past, dues, wanted, instant)
    return here.render(
        "worklist/subject.html", {**shown, **context, "subject": past, "opened": _opened(request, here, then, past)}
    )


def _opened(request: HttpRequest, here: Here, then: Trial, past: Subject) -> dict[str, Any] | None:
    """Return the form that the address asks for, as it stood; None if it asks for none."""
    name, number = request.GET.get("form", ""), request.GET.get("occurrence", "1")
    if not name:
        return None
    state = past.forms.get((name, int(number))) if number.isascii() and number.isdecimal() and len(number) < 6 else None
    if state is None:
        raise Http404
    here.demand("see_form", past.site)
    compiled = form_of(then.rules_of(state.protocol_version), state.form)
    return {"form": compiled.form, "state": state, "lines": lines_of(compiled, state, past, here.language)}


def _shown(here: Here, trial: Trial, subject: Subject, dues: Sequence[Due], on: date, now: datetime) -> dict[str, Any]:
    """Return what both pages show."""
    show_arm = bool(here.permit("see_own_arm", subject.site))
    rules = trial.rules_for(subject.site, on)
    seen = [due for due in dues if show_arm or not due.of_arm]
    course = course_of(subject, rules, reader_of(rules.protocol), on, show_arm=show_arm)
    grid = casebook_grid(subject, rules.protocol, seen)
    titles = {form.id: form.title for form in rules.protocol.forms}
    return {
        "subject": subject,
        "standing": standing_of(trial, subject, show_arm=show_arm),
        "dues": seen,
        "timeline": "" if course is None else draw_timeline(course, here.language),
        "facts": () if course is None else timeline_facts(course),
        "grid": grid,
        "queries": [(query, titles.get(query.form)) for query in _by_status(subject)],
        "reports": expedited_reports(subject, rules.protocol, now) if here.permit("see_safety", subject.site) else (),
        "deviations": _deviations(subject, rules.protocol.safety.deviation_grade),
        "withdrawals": [(each, SCOPES.get(each.scope)) for each in subject.withdrawals],
    }


def _by_status(subject: Subject) -> list[Any]:
    order = {"open": 0, "answered": 1, "closed": 2}
    return sorted(subject.queries.values(), key=lambda query: (order[query.status], query.raised_at))


def _deviations(subject: Subject, grades: Sequence[Any]) -> list[tuple[Any, Any]]:
    titles = {grade.id: grade.title for grade in grades}
    return [(deviation, titles.get(deviation.grade)) for deviation in subject.deviations]


def _confirmations(here: Here, subject: Subject) -> list[tuple[Any, str]]:
    found = []
    for stage in here.trial.protocol.eligibility.stage:
        if stage.id in subject.stages:
            try:
                found.append((stage.title, reverse("confirmation", args=[here.trial_id, subject.id, stage.id])))
            except NoReverseMatch:
                continue
    return found


def _day(word: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError as fault:
        raise Http404 from fault


def _record(request: HttpRequest) -> int | None:
    word = request.GET.get("record", "")
    if not word:
        return None
    if not (word.isascii() and word.isdecimal() and len(word) <= 12):
        raise BadRequest("a record is named by its number")
    return int(word)
