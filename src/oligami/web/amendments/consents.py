"""Consent again after an amendment: who is due, and recording it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from oligami.journal import entries as e
from oligami.protocol.text import Reason, Text
from oligami.trial.consent import reconsents
from oligami.trial.refused import Refused
from oligami.web.casebook.dates import read_date
from oligami.web.casebook.entry import is_command, last_texts
from oligami.web.pages.here import Here, new_command, page

_DATE = Text(
    "The date cannot be read: give a whole day, such as 20240610, 2024-06-10 or R6.6.10",
    "日付を読み取れません。年月日で入力してください（例 20240610、2024-06-10、R6.6.10）",
)
_DOCUMENT = Text("Choose one of the versions", "版を選択してください")
_DONE = Text("Consent of {subject} to version {document} is recorded.", "{subject} の {document} 版への同意を記録しました。")


@page("see_subject")
def consents(request: HttpRequest, here: Here) -> HttpResponse:
    """List the subjects who must be asked again, because the version at their site has another consent document."""
    today = here.trial.day_of(here.now)
    due = reconsents(here.trial, today, here.sites("see_subject"))
    site = request.GET.get("site", "")
    context = {
        "due": [(each, bool(here.permit("give_consent", each.site))) for each in due if site in ("", each.site)],
        "sites": sorted({each.site for each in due}),
        "site": site,
        "today": today,
    }
    return here.render("amendments/consents.html", context)


@page("give_consent")
def consent(request: HttpRequest, here: Here, subject: str) -> HttpResponse:
    """Record that a subject consented to a version of the consent document."""
    known = here.subject(subject, act="give_consent")
    today = here.trial.day_of(here.now)
    documents = list(dict.fromkeys(protocol.trial.consent_document for protocol in here.trial.study.versions.values()))
    ruling = here.trial.rules_for(known.site, today).protocol.trial.consent_document
    post = last_texts(request.POST)
    errors: dict[str, str] = {}
    refused: tuple[Reason, ...] = ()
    status = 200
    if request.method == "POST":
        status = 400
        day = read_date(post.get("consent_date", ""))
        document = post.get("document", "")
        if day is None:
            errors["consent_date"] = _DATE[here.language]
        if document not in documents:
            errors["document"] = _DOCUMENT[here.language]
        if day is not None and not errors:
            command = post.get("command", "")
            given = e.ConsentGiven(subject=known.id, document=document, consent_date=day)
            try:
                here.submit(given, command_id=command if is_command(command) else new_command())
            except Refused as refusal:
                refused, status = refusal.reasons, 409
            else:
                messages.success(request, _DONE[here.language].format(subject=known.id, document=document))
                return HttpResponseRedirect(reverse("consents", args=[here.trial_id]))
    context = {
        "subject": known,
        "documents": documents,
        "ruling": ruling,
        "typed": post,
        "errors": errors,
        "refused": refused,
        "command": post.get("command") if is_command(post.get("command", "")) and not refused else new_command(),
    }
    return here.render("amendments/consent.html", context, status=status)
