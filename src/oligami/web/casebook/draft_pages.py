"""Saving drafts while a form is typed, and the list of what one has not finished."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from oligami.protocol.text import Text
from oligami.web.casebook import drafts
from oligami.web.casebook.drafts import DraftKey, Overtaken
from oligami.web.casebook.entry import form_of, is_command, kept_texts, last_texts, number_in
from oligami.web.casebook.fields import form_fields
from oligami.web.casebook.models import Draft
from oligami.web.casebook.reading import read_post
from oligami.web.pages.here import Here, page

_GONE = Text("The draft was removed.", "下書きを削除しました。")
_NO_COMMAND = Text(
    "The page carries no command id; open the form anew.", "画面の情報が不足しています。調査票を開き直してください。"
)


@page(None)
def draft_save(request: HttpRequest, here: Here) -> HttpResponse:
    """Keep what was typed so far, said in JSON: `edition`; 409 with what another window kept; 410 if the form was sent."""
    if request.method != "POST":
        return JsonResponse({"error": "POST"}, status=405)
    post = last_texts(request.POST)
    form_id, occurrence = post.get("_form", ""), number_in(post, "_occurrence") or 0
    subject = here.subject(post.get("_subject", ""), act="correct_items" if occurrence else "submit_form")
    state = subject.forms.get((form_id, occurrence))
    rules = (
        here.trial.rules_of(state.protocol_version) if state else here.trial.rules_for(subject.site, here.trial.day_of(here.now))
    )
    compiled = form_of(rules, form_id)
    command = post.get("_command", "")
    if not is_command(command):
        return JsonResponse({"error": _NO_COMMAND[here.language]}, status=400)
    key = DraftKey(form=form_id, subject=subject.id, occurrence=occurrence, visit=post.get("_visit", "")[:80])
    kept = kept_texts(read_post(compiled, post, language=here.language), post)
    saved = drafts.save(here, key, kept, command=command, edition=number_in(post, "_edition"))
    match saved:
        case None:
            return JsonResponse({"sent": True}, status=410)
        case Overtaken(edition=edition, raw=raw):
            view = form_fields(compiled, raw, language=here.language)
            differ = [
                {"name": field.name, "label": field.label, "theirs": field.shown or field.value}
                for field in view.fields
                if field.kind != "list" and raw.get(field.name, "") != kept.get(field.name, "")
            ]
            lists = {
                field.name: field.label
                for field in view.fields
                if field.kind == "list"
                and {name: text for name, text in raw.items() if name.startswith(f"{field.name}-")}
                != {name: text for name, text in kept.items() if name.startswith(f"{field.name}-")}
            }
            differ += [{"name": name, "label": label, "theirs": ""} for name, label in lists.items()]
            return JsonResponse({"edition": edition, "differ": differ}, status=409)
        case Draft():
            return JsonResponse({"edition": saved.edition, "command": saved.command})


@page(None)
def draft_list(request: HttpRequest, here: Here) -> HttpResponse:
    """Show the person's own unfinished forms; remove one on request."""
    if request.method == "POST":
        number = number_in(last_texts(request.POST), "draft")
        Draft.objects.filter(trial=here.trial_id, person=here.person, pk=number).delete()
        messages.success(request, _GONE[here.language])
        return HttpResponseRedirect(reverse("drafts", args=[here.trial_id]))
    rows = []
    for draft in drafts.mine(here):
        compiled = here.trial.rules.forms.get(draft.form)
        title = compiled.form.title if compiled is not None else Text(draft.form, draft.form)
        rows.append({"draft": draft, "title": title, "old": drafts.is_old(draft, here.now), "address": _address(here, draft)})
    return here.render("casebook/drafts.html", {"rows": rows})


def _address(here: Here, draft: Draft) -> str:
    if not draft.subject:
        return reverse("register", args=[here.trial_id])
    if draft.occurrence:
        return reverse("form_correct", args=[here.trial_id, draft.subject, draft.form, draft.occurrence])
    address = reverse("form_new", args=[here.trial_id, draft.subject, draft.form])
    return f"{address}?{urlencode({'visit': draft.visit})}" if draft.visit else address
