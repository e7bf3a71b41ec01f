"""Acts about a subject that are not forms: consent withdrawn, a registration annulled, a report sent, a deviation graded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from oligami.journal import entries as e
from oligami.protocol.model.forms import FormRole
from oligami.protocol.text import Text
from oligami.trial.commands import Command
from oligami.trial.refused import Refused
from oligami.trial.safety import expedited_reports
from oligami.trial.state import Subject
from oligami.web.casebook.dates import read_date
from oligami.web.casebook.entry import form_of, is_command, last_texts
from oligami.web.pages.here import Here, new_command, page

#: The scopes of a withdrawal of consent, and what each closes.
SCOPES: Final[Mapping[str, tuple[Text, Text]]] = {
    "treatment": (
        Text("Treatment of the protocol", "プロトコール治療"),
        Text(
            "The treatment ends. Follow-up and the use of data go on; forms stay open.",
            "治療のみ終了します。追跡調査とデータの利用は続き、調査票の入力もできます。",
        ),
    ),
    "follow_up": (
        Text("Follow-up", "追跡調査"),
        Text(
            "No further forms can be filled. What was recorded stays in use.",
            "以後の調査票は入力できません。これまでの記録は引き続き利用します。",
        ),
    ),
    "use_of_data": (
        Text("Use of data", "データの利用"),
        Text(
            "No further forms can be filled, and nothing after this day is used.",
            "以後の調査票は入力できず、この日より後のデータは利用しません。",
        ),
    ),
}
_DATE = Text(
    "The date cannot be read: give a whole day, such as 20240610, 2024-06-10 or R6.6.10",
    "日付を読み取れません。年月日で入力してください（例 20240610、2024-06-10、R6.6.10）",
)
_CHOOSE = Text("Choose one of the answers", "いずれかを選択してください")
_DONE = Text("Recorded as record {seq}.", "記録 {seq} として記録しました。")


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What is wrong with a page of this module: by field, and as a whole."""

    fields: Mapping[str, str]
    whole: tuple[Text, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.fields or self.whole)


_RIGHT: Final = Faults(fields={})


@page("withdraw_consent")
def withdraw(request: HttpRequest, here: Here, subject: str) -> HttpResponse:
    """Record that consent was withdrawn, for exactly one scope."""
    known = here.subject(subject, act="withdraw_consent")
    post = last_texts(request.POST)
    errors: dict[str, str] = {}

    def command() -> Command:
        day = _day(here, post, "withdrawal_date", errors)
        scope = _chosen(here, post, "scope", SCOPES, errors)
        return e.ConsentWithdrawn(subject=known.id, scope=scope, withdrawal_date=day, reason=post.get("reason", "").strip())

    context = {"scopes": [(scope, *words) for scope, words in SCOPES.items()], "typed": post}
    return _answer(
        request,
        here,
        known,
        "casebook/withdraw.html",
        context,
        command,
        errors,
        reverse("subject", args=[here.trial_id, known.id]),
    )


@page("annul_registration")
def annul(request: HttpRequest, here: Here, subject: str, stage: str) -> HttpResponse:
    """Record that a registration was made in error."""
    known = here.subject(subject, act="annul_registration")
    titles = {each.id: each.title for each in here.trial.protocol.eligibility.stage}
    if stage not in known.stages:
        raise Http404
    post = last_texts(request.POST)

    def command() -> Command:
        return e.RegistrationAnnulled(subject=known.id, stage=stage, reason=post.get("reason", "").strip())

    context = {
        "stage": known.stages[stage],
        "stage_title": titles.get(stage, Text(stage, stage)),
        "typed": post,
        "allocation": known.allocation is not None and known.allocation.stage == stage,
    }
    return _answer(
        request, here, known, "casebook/annul.html", context, command, {}, reverse("subject", args=[here.trial_id, known.id])
    )


@page("report_safety")
def safety_report(request: HttpRequest, here: Here, subject: str, form: str, occurrence: int) -> HttpResponse:
    """Record that an expedited report of a serious adverse event went out, with its clock beside it."""
    known = here.subject(subject, act="report_safety")
    state = known.forms.get((form, occurrence))
    if state is None:
        raise Http404
    compiled = form_of(here.trial.rules_of(state.protocol_version), form)
    if compiled.form.role is not FormRole.ADVERSE_EVENT:
        raise Http404
    deadlines = {each.id: each for each in here.trial.protocol.safety.deadline}
    clocks = [
        each
        for each in expedited_reports(known, here.trial.protocol, here.now)
        if (each.form, each.occurrence) == (form, occurrence)
    ]
    post = last_texts(request.POST)
    errors: dict[str, str] = {}

    def command() -> Command:
        report = _chosen(here, post, "report", deadlines, errors)
        return e.SafetyReported(
            subject=known.id,
            form=form,
            occurrence=occurrence,
            report=report,
            category=deadlines[report].category if report in deadlines else "",
            aware_date=_day(here, post, "aware_date", errors),
            recipients=tuple(word.strip() for word in post.get("recipients", "").splitlines() if word.strip()),
        )

    waiting = next((each for each in clocks if each.sent_at is None), None)
    item = compiled.form.find("aware_date")
    aware = state.values.get(item.id) if item is not None else None
    typed = post or {
        "report": waiting.deadline if waiting else "",
        "aware_date": aware or (waiting.aware_date.isoformat() if waiting else ""),
        "recipients": "\n".join(waiting.recipients if waiting else ()),
    }
    context = {"form": compiled.form, "state": state, "deadlines": tuple(deadlines.values()), "clocks": clocks, "typed": typed}
    back = (
        reverse("form", args=[here.trial_id, known.id, form, occurrence])
        if here.permit("see_form", known.site)
        else _home(here, known)
    )
    return _answer(request, here, known, "casebook/safety_report.html", context, command, errors, back)


@page("grade_deviation")
def grade_deviation(request: HttpRequest, here: Here, subject: str) -> HttpResponse:
    """Grade a deviation from the protocol in one of the trial's grades."""
    known = here.subject(subject, act="grade_deviation")
    grades = {each.id: each for each in here.trial.protocol.safety.deviation_grade}
    post = last_texts(request.POST)
    errors: dict[str, str] = {}
    typed = post or {name: request.GET.get(name, "")[:120] for name in ("rule", "form", "occurrence")}
    # Which forms there are can tell the arm, so only those see them who may see forms.
    shown = (
        sorted(known.forms.values(), key=lambda state: (state.form, state.occurrence))
        if here.permit("see_form", known.site)
        else []
    )
    forms = [
        (
            f"{state.form}/{state.occurrence}",
            here.trial.rules_of(state.protocol_version).forms[state.form].form.title,
            state.occurrence,
        )
        for state in shown
        if state.form in here.trial.rules_of(state.protocol_version).forms
    ]
    if not post and typed["form"]:
        typed["about"] = f"{typed['form']}/{typed['occurrence'] or 1}"

    def command() -> Command:
        about, _, number = post.get("about", "").rpartition("/")
        rule = post.get("rule", "").strip()
        if not rule:
            errors["rule"] = Text("Name the rule or section that was departed from", "逸脱した規則または章を記入してください")[
                here.language
            ]
        return e.DeviationGraded(
            subject=known.id,
            rule=rule[:200],
            grade=_chosen(here, post, "grade", grades, errors),
            text=post.get("text", "").strip()[:4000],
            form=about or None,
            occurrence=int(number) if about and number.isascii() and number.isdigit() and len(number) < 9 else None,
        )

    context = {"grades": tuple(grades.values()), "forms": forms, "typed": typed, "known_deviations": known.deviations}
    back = _home(here, known)
    return _answer(request, here, known, "casebook/deviation.html", context, command, errors, back)


# ---------------------------------------------------------------- inside


def _answer(
    request: HttpRequest,
    here: Here,
    subject: Subject,
    template: str,
    context: Mapping[str, Any],
    command: Callable[[], Command],
    errors: dict[str, str],
    back: str,
) -> HttpResponse:
    """Show the page, or carry the command out and go back; what is wrong is said with everything that was typed."""
    faults, status = _RIGHT, 200
    word = request.POST.get("_command", "")
    word = word if is_command(word) else new_command()
    if request.method == "POST":
        said = command()
        if errors:
            faults, status = Faults(fields=errors), 422
        else:
            try:
                receipt = here.submit(said, command_id=word)
            except Refused as refused:
                faults, status = Faults(fields={}, whole=tuple(reason.text for reason in refused.reasons)), 409
            else:
                messages.success(request, _DONE.format(seq=receipt.records[0].seq)[here.language])
                return HttpResponseRedirect(back)
    page_of = {"subject": subject, "faults": faults, "command": word, "back": back, **context}
    return here.render(template, page_of, status=status)


def _home(here: Here, subject: Subject) -> str:
    """Return where to go afterwards: to the subject, or to the centre's page for those who see no casebook."""
    if here.permit("see_subject", subject.site):
        return reverse("subject", args=[here.trial_id, subject.id])
    return reverse("centre", args=[here.trial_id])


def _day(here: Here, post: Mapping[str, str], name: str, errors: dict[str, str]) -> date:
    day = read_date(post.get(name, ""))
    if day is None:
        errors[name] = _DATE[here.language]
        return here.today  # not used: with an error nothing is said
    return day


def _chosen(here: Here, post: Mapping[str, str], name: str, known: Mapping[str, Any], errors: dict[str, str]) -> str:
    word = post.get(name, "")
    if word not in known:
        errors[name] = _CHOOSE[here.language]
    return word
