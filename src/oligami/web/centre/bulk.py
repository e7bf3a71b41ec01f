"""Filled forms in bulk: verified, locked, unlocked, and what is unsigned, at the data centre."""

from collections.abc import Container

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

from oligami.journal import entries as e
from oligami.protocol.text import Text
from oligami.trial.refused import Refused
from oligami.web.centre.raising import MOST_AT_ONCE, derived_command
from oligami.web.centre.tables import table_answer
from oligami.web.ledger import models as ledger
from oligami.web.pages.here import Here, new_command, page

STATES = {
    "submitted": Text("entered", "入力済み"),
    "verified": Text("verified", "照合済み"),
    "signed": Text("signed", "署名済み"),
    "locked": Text("locked", "固定済み"),
}
ACTS = {
    "verify_form": Text("Verified against the source", "原資料と照合済みにする"),
    "lock_form": Text("Lock", "固定する"),
    "unlock_form": Text("Unlock", "固定を解除する"),
}
_COLUMNS = (
    *("site", "subject", "form", "occurrence", "visit", "state", "submitted_at", "changed_at", "verified", "signed", "locked"),
    *("corrections", "warnings", "open_queries", "protocol_version", "seq"),
)
_DONE = Text("{n} forms: done.", "{n} 件を処理しました。")
_NONE_CHOSEN = Text("Nothing was chosen: tick at least one form.", "選択されていません。1 件以上選んでください。")
_TOO_MANY = Text(f"At most {MOST_AT_ONCE} at once.", f"一度に {MOST_AT_ONCE} 件までです。")


@never_cache
@page("see_overview")
def forms(request: HttpRequest, here: Here) -> HttpResponse:
    """List filled forms by state, site and form; act on many of them at once."""
    if request.method == "POST":
        return _act(request, here)
    sites = here.sites("see_form")
    rows = ledger.Form.objects.filter(trial=here.trial_id)
    if sites is not None:
        rows = rows.filter(site__in=sites)
    titles = {form.id: form.title for protocol in here.trial.study.versions.values() for form in protocol.forms}
    known: dict[str, Container[str]] = {"state": STATES, "site": here.trial.study.sites, "form": titles}
    chosen = {name: request.GET.get(name, "") for name in known}
    for name, value in chosen.items():
        if value:  # only what is known reaches the database: PostgreSQL takes no NUL
            rows = rows.filter(**{name: value}) if value in known[name] else rows.none()
    if request.GET.get("unsigned"):
        signed = [form.id for form in here.trial.protocol.forms if form.sign]
        rows = rows.filter(form__in=signed, signed=False)
    rows = rows.order_by("subject", "form", "occurrence")
    file = table_answer(request, here, "forms", _COLUMNS, rows.values_list(*_COLUMNS).iterator())
    if file is not None:
        return file
    shown = Paginator(rows, 100).get_page(request.GET.get("page"))
    context = {
        "lines": [
            {"row": row, "title": titles.get(row.form, Text(row.form, row.form)), "state": STATES[row.state]} for row in shown
        ],
        "shown": shown,
        "chosen": chosen,
        "unsigned": bool(request.GET.get("unsigned")),
        "states": STATES,
        "titles": titles,
        "sites": sorted(here.trial.study.sites) if sites is None else sorted(sites),
        "acts": {act: title for act, title in ACTS.items() if here.sites(act) != frozenset()},
        "command": new_command(),
    }
    return here.render("centre/forms.html", context)


def _act(request: HttpRequest, here: Here) -> HttpResponse:
    act, keys = request.POST.get("act", ""), request.POST.getlist("chosen")
    if act not in ACTS or not 0 < len(keys) <= MOST_AT_ONCE:
        messages.error(request, (_TOO_MANY if len(keys) > MOST_AT_ONCE else _NONE_CHOSEN)[here.language])
        return redirect(request.get_full_path())
    done = 0
    for key in keys:
        subject_id, form, number = [*key.split("|"), "", ""][:3]
        subject = here.subject(subject_id, act)
        occurrence = int(number) if number.isdecimal() and len(number) < 10 else 0
        try:
            here.submit(
                _command(act, subject.id, form, occurrence, request.POST.get("reason", "")),
                command_id=derived_command(request.POST.get("command", ""), f"{act}|{key}"),
            )
            done += 1
        except Refused as no:
            messages.error(request, f"{key}: {' '.join(reason.text[here.language] for reason in no.reasons)}")
    if done:
        messages.success(request, _DONE.format(n=done)[here.language])
    return redirect(request.get_full_path())


def _command(act: str, subject: str, form: str, occurrence: int, reason: str) -> e.FormVerified | e.FormLocked | e.FormUnlocked:
    if act == "verify_form":
        return e.FormVerified(subject=subject, form=form, occurrence=occurrence)
    if act == "lock_form":
        return e.FormLocked(subject=subject, form=form, occurrence=occurrence)
    return e.FormUnlocked(subject=subject, form=form, occurrence=occurrence, reason=reason)
