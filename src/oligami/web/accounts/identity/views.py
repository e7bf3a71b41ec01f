"""The page that says who a subject is, for the people of its site."""

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from oligami.protocol.text import Reason, Text
from oligami.trial.refused import Refused
from oligami.web.accounts.identity.keeping import erase_identity, identity_of, keep_identity
from oligami.web.accounts.words import said
from oligami.web.pages.here import Here, page


@page("see_identity")
def identity(request: HttpRequest, here: Here, subject_id: str) -> HttpResponse:
    """Show what names a subject, and take changes."""
    if request.method != "POST":
        row = identity_of(here, subject_id)
        given = {"initials": row.initials, "chart_number": row.chart_number, "birth_date": row.birth_date or ""} if row else {}
        return here.render("accounts/identity.html", {"subject_id": subject_id, "row": row, "given": given})
    given = {name: request.POST.get(name, "").strip() for name in ("initials", "chart_number", "birth_date")}
    try:
        born = _date(given["birth_date"])
        keep_identity(here, subject_id, initials=given["initials"], chart_number=given["chart_number"], birth_date=born)
    except Refused as refused:
        wrong = {reason.rule.rpartition(".")[2] for reason in refused.reasons}
        context = {
            "subject_id": subject_id,
            "row": identity_of(here, subject_id),
            "given": given,
            "refused": refused,
            "wrong": wrong,
        }
        return here.render("accounts/identity.html", context, status=409)
    messages.success(request, said("The identity data are saved.", "個人識別情報を保存しました。"))
    return HttpResponseRedirect(reverse("identity", args=[here.trial_id, subject_id]))


@require_POST
@page("see_identity")
def identity_erase(request: HttpRequest, here: Here, subject_id: str) -> HttpResponse:
    """Erase what names a subject."""
    erase_identity(here, subject_id, reason=request.POST.get("reason", ""))
    messages.success(request, said("The identity data are erased.", "個人識別情報を消去しました。"))
    return HttpResponseRedirect(reverse("identity", args=[here.trial_id, subject_id]))


def _date(word: str) -> date | None:
    if not word:
        return None
    try:
        return date.fromisoformat(word)
    except ValueError:
        text = Text("The birth date cannot be read; expected 1960-04-01", "生年月日を読めません（例 1960-04-01）")
        raise Refused(Text("Saving the identity data", "個人識別情報の保存"), [Reason("identity.birth_date", text)]) from None
