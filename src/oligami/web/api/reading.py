"""What programs may read."""

from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest
from pydantic import Field

from oligami.protocol.digest import protocol_to_json
from oligami.protocol.text import Text
from oligami.trial.eligibility import judge_stage
from oligami.trial.forms import examine
from oligami.web.api.asking import arm_of, here
from oligami.web.api.router import router
from oligami.web.api.schemas import (
    Because,
    FormLine,
    JudgeBody,
    Judgement,
    Me,
    MonthOut,
    No,
    RoleHeld,
    Said,
    SiteLineOut,
    SubjectLine,
    SubjectWhole,
    Task,
    Unreadable,
)
from oligami.web.centre.accruing import describe_progress
from oligami.web.centre.late import site_lines
from oligami.web.ledger import models as ledger
from oligami.web.pages.here import Here
from oligami.web.worklist.tasks import waiting_at

#: Answers that any request may get.
_NO = {400: No, 401: No, 403: No, 404: No, 422: Unreadable, 503: No}
_PAGE = 500
SiteName = Annotated[str, Field(pattern=r"^[!-~]{1,100}$")]
PageNumber = Annotated[int, Field(ge=1, le=1_000_000)]


@router.get("/t/{slug:trial}/me", response={200: Me, **_NO}, summary="Who speaks, in which roles")
def me(request: HttpRequest, trial: str) -> Me:
    """Return the person of the token and the roles it may use."""
    place = here(request, trial)
    roles = [RoleHeld(role=role, site=site) for role, site in place.roles]
    return Me(person=place.person, site=place.only_site, roles=roles, record=place.trial.head.seq)


@router.get("/t/{slug:trial}/protocol", response={200: dict[str, Any], **_NO}, summary="The forms of the protocol in force")
def protocol(request: HttpRequest, trial: str) -> dict[str, Any]:
    """Return version, digest, stages and forms: all a program needs to fill a form."""
    place = here(request, trial)
    place.demand("see_protocol", place.only_site)
    in_force = place.trial.protocol
    whole = protocol_to_json(in_force)
    stages = [{"id": stage.id, "form": stage.form, "follows": stage.follows} for stage in in_force.eligibility.stage]
    return {"version": in_force.version, "digest": in_force.digest, "stages": stages, "forms": whole["forms"]}


@router.get("/t/{slug:trial}/subjects", response={200: list[SubjectLine], **_NO}, summary="Subjects of the person's sites")
def subjects(request: HttpRequest, trial: str, site: SiteName | None = None, page: PageNumber = 1) -> list[SubjectLine]:
    """Return a page of subjects, 500 each, without their arms: those are told of one subject at a time."""
    place = here(request, trial)
    sites = place.sites("see_subject")
    if sites == frozenset():
        place.demand("see_subject")
    rows = ledger.Subject.objects.filter(trial=trial).order_by("subject")
    if sites is not None:
        rows = rows.filter(site__in=sites)
    if site is not None:
        rows = rows.filter(site=site)
    lines = []
    for row in rows[(page - 1) * _PAGE : page * _PAGE]:
        lines.append(
            SubjectLine(
                subject=row.subject,
                site=row.site,
                status=row.status,
                randomization_date=row.randomization_date,
                open_queries=row.open_queries,
            )
        )
    return lines


@router.get("/t/{slug:trial}/subjects/{subject}", response={200: SubjectWhole, **_NO}, summary="A subject with its casebook")
def subject(request: HttpRequest, trial: str, subject: str) -> SubjectWhole:
    """Return everything said of a subject, as far as the person may see it."""
    place = here(request, trial)
    known = place.subject(subject)
    may_see_forms = place.permit("see_form", known.site)
    stages = [
        {
            "stage": state.stage,
            "registration_date": state.registration_date,
            "protocol_version": state.protocol_version,
            "record": state.seq,
            "annulled": state.annulled,
        }
        for state in known.stages.values()
    ]
    queries = [
        {
            "query": query.query,
            "form": query.form,
            "occurrence": query.occurrence,
            "item": query.item,
            "text": query.text,
            "status": query.status,
            "answer": query.answer,
            "raised_at": query.raised_at,
        }
        for query in known.queries.values()
        if place.permit("see_queries", known.site)
    ]
    return SubjectWhole(
        subject=known.id,
        site=known.site,
        seq=known.seq,
        arm=arm_of(place, known, known.site),
        stages=stages,
        forms=[_line(place, known.id, form, occurrence) for form, occurrence in sorted(known.forms)] if may_see_forms else [],
        queries=queries,
    )


def _line(place: Here, subject: str, form: str, occurrence: int) -> FormLine:
    state = place.trial.subjects[subject].forms[form, occurrence]
    return FormLine(
        form=form,
        occurrence=occurrence,
        visit=state.visit,
        protocol_version=state.protocol_version,
        values=dict(state.values),
        seq=state.seq,
        submitted_at=state.submitted_at,
        signed=state.is_signed,
        verified=state.verified_seq is not None,
        locked=state.locked,
    )


@router.get(
    "/t/{slug:trial}/subjects/{subject}/forms/{form}/{occurrence}", response={200: FormLine, **_NO}, summary="One filled form"
)
def form(request: HttpRequest, trial: str, subject: str, form: str, occurrence: int) -> FormLine:
    """Return a form as it stands."""
    place = here(request, trial)
    known = place.subject(subject, "see_form")
    if (form, occurrence) not in known.forms:
        raise Http404
    return _line(place, known.id, form, occurrence)


@router.get("/t/{slug:trial}/queries", response={200: list[dict[str, Any]], **_NO}, summary="Data queries of the person's sites")
def queries(
    request: HttpRequest, trial: str, status: Literal["open", "answered", "closed"] | None = None, page: PageNumber = 1
) -> list[dict[str, Any]]:
    """Return a page of data queries, 500 each, the oldest first."""
    place = here(request, trial)
    sites = place.sites("see_queries")
    if sites == frozenset():
        place.demand("see_queries")
    rows = ledger.DataQuery.objects.filter(trial=trial).order_by("raised_at", "id")
    if sites is not None:
        rows = rows.filter(site__in=sites)
    if status is not None:
        rows = rows.filter(status=status)
    names = ("subject", "site", "query", "form", "occurrence", "item", "text", "answer", "status", "raised_at")
    return list(rows.values(*names)[(page - 1) * _PAGE : page * _PAGE])


@router.get("/t/{slug:trial}/worklist", response={200: list[Task], **_NO}, summary="What waits at the person's sites")
def worklist(request: HttpRequest, trial: str, page: PageNumber = 1) -> list[Task]:
    """Return a page of what is due or overdue, or will be within four weeks, the most urgent first, 500 each."""
    place = here(request, trial)
    sites, arms = place.sites("see_worklist"), place.sites("see_own_arm")
    if sites == frozenset():
        place.demand("see_worklist")
    waiting = (due for due in waiting_at(place.trial, sites, place.today) if not due.of_arm or arms is None or due.site in arms)
    return [
        Task(
            site=due.site,
            subject=due.subject,
            kind=due.kind,
            state=due.state,
            what=Said.of(due.what),
            form=due.form,
            occurrence=due.occurrence,
            visit=due.visit,
            stage=due.stage,
            query=due.query,
            target=due.target,
            latest=due.latest,
        )
        for due in sorted(waiting, key=lambda due: due.urgency)[(page - 1) * _PAGE : page * _PAGE]
    ]


@router.get(
    "/t/{slug:trial}/sites", response={200: list[SiteLineOut], **_NO}, summary="Sites, as far as the person may know them"
)
def sites(request: HttpRequest, trial: str) -> list[SiteLineOut]:
    """Return the sites with their counts."""
    place = here(request, trial)
    if place.sites("see_sites") == frozenset():
        place.demand("see_sites")
    return [
        SiteLineOut(
            site=line.site.site,
            name=line.site.name,
            opened_at=line.site.opened_at,
            closed_at=line.site.closed_at,
            subjects=line.subjects,
            randomized=line.randomized,
            open_queries=line.open_queries,
            overdue=line.overdue,
        )
        for line in site_lines(place)
    ]


@router.get(
    "/t/{slug:trial}/accrual", response={200: list[MonthOut], **_NO}, summary="Registered and randomized against the plan"
)
def accrual(request: HttpRequest, trial: str) -> list[MonthOut]:
    """Return the cumulative counts at the end of each month, and today; no arm."""
    place = here(request, trial)
    known = place.sites("see_accrual")
    if known == frozenset():
        place.demand("see_accrual")
    return [
        MonthOut(
            day=month.day,
            registered=month.registered,
            randomized=month.randomized,
            registered_planned=month.registered_planned,
            randomized_planned=month.randomized_planned,
        )
        for month in describe_progress(place.trial, place.today, known).months
    ]


@router.post("/t/{slug:trial}/judge/{stage}", response={200: Judgement, **_NO}, summary="A verdict on values; nothing is written")
def judge(request: HttpRequest, trial: str, stage: str, body: JudgeBody) -> Any:
    """Judge values against every criterion of a stage, as the desk would."""
    place = here(request, trial)
    compiled = place.trial.rules
    if stage not in compiled.stages:
        raise Http404
    place.demand("see_worklist", body.site)
    form = compiled.stages[stage].stage.form
    examined = examine(compiled.forms[form], body.values, strict_required=False)
    if examined.errors:
        what = Text("Judgement", "判定")
        because = [Because(rule=error.rule, text=Said.of(error.text)) for error in examined.errors]
        return 422, Unreadable(what=Said.of(what), reasons=because)
    verdict = judge_stage(compiled, stage, examined.values)
    return Judgement(verdict=verdict.verdict, criteria=[dict(each) for each in verdict.evidence()])
