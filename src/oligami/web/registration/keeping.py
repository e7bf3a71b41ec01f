"""Drafts of a registration: everything typed, initials and chart number too, for their author alone until it is sent.

The page's script asks as it asks for any form's draft (`casebook/form.js`) and gets the same answers.
"""

from collections.abc import Mapping

from django.http import HttpResponse, JsonResponse

from oligami.protocol.text import Text
from oligami.web.casebook import drafts
from oligami.web.casebook.drafts import Overtaken
from oligami.web.casebook.entry import is_command, number_in
from oligami.web.casebook.fields import form_fields
from oligami.web.casebook.models import Draft
from oligami.web.pages.here import Here
from oligami.web.registration.steps import CALLER, CHART, INITIALS, Sheet

_LABELS = {
    INITIALS: Text("Initials", "イニシャル"),
    CHART: Text("Chart number", "カルテ番号"),
    CALLER: Text("Caller", "連絡者"),
}
_NO_COMMAND = Text("The page carries no command id; open it anew.", "画面の情報が不足しています。開き直してください。")


def keep(here: Here, sheet: Sheet, post: Mapping[str, str]) -> Draft:
    """Keep what was typed, unless it was sent meanwhile; return the draft as it stands."""
    command = post.get("_command", "")
    if is_command(command):
        drafts.save(here, sheet.key, sheet.kept, command=command, edition=None)
    return drafts.begin(here, sheet.key, site=sheet.site, version=sheet.rules.protocol.version)


def answer_draft(here: Here, sheet: Sheet, post: Mapping[str, str]) -> HttpResponse:
    """Keep what was typed so far, said in JSON: `edition`; 409 with what another window kept; 410 if it was sent."""
    command = post.get("_command", "")
    if not is_command(command):
        return JsonResponse({"error": _NO_COMMAND[here.language]}, status=400)
    kept = sheet.kept
    saved = drafts.save(here, sheet.key, kept, command=command, edition=number_in(post, "_edition"))
    if saved is None:
        return JsonResponse({"sent": True}, status=410)
    if isinstance(saved, Overtaken):
        return JsonResponse({"edition": saved.edition, "differ": _differ(here, sheet, saved.raw, kept)}, status=409)
    return JsonResponse({"edition": saved.edition, "command": saved.command})


def _differ(here: Here, sheet: Sheet, theirs: Mapping[str, str], mine: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the fields in which two windows differ, each with what the other one holds."""
    names = {name for name in {*theirs, *mine} if theirs.get(name, "") != mine.get(name, "")}
    found = [
        {"name": name, "label": label[here.language], "theirs": theirs.get(name, "")}
        for name, label in _LABELS.items()
        if name in names
    ]
    for field in form_fields(sheet.form, theirs, language=here.language).fields:
        if any(name.split("-")[0] == field.name for name in names):
            found.append(
                {"name": field.name, "label": field.label, "theirs": "" if field.kind == "list" else field.shown or field.value}
            )
    return found
