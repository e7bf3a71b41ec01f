"""The history of a subject: all its records in words, filtered by form and item, and all of them as a file."""

import hashlib
import re
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from oligami.journal import entries as e
from oligami.trial.state import Subject
from oligami.web.casebook.history import CHANNELS, names_of
from oligami.web.clock import local_zone
from oligami.web.pages.here import Here, new_command, page
from oligami.web.worklist.history_words import KINDS, Told, tell
from oligami.web.worklist.lists import choice, csv_file, csv_text, page_of
from oligami.web.worklist.status import standing_of

_COLUMNS = (
    *("record", "at_utc", "at_local", "who", "person", "role", "channel", "caller", "what", "form", "occurrence", "visit"),
    *("detail", "old", "new", "why", "command"),
)
_LONGEST = 200
_COMMAND = re.compile("[0-9a-f]{32}")


def _told(here: Here, subject: Subject) -> list[Told]:
    return list(
        tell(
            here.desk.journal.of_subject(subject.id),
            here.trial,
            language=here.language,
            show_arm=bool(here.permit("see_own_arm", subject.site)),
            show_detail=bool(here.permit("see_allocation_detail")),
        )
    )


@page("see_history")
def subject_history(request: HttpRequest, here: Here, subject_id: str) -> HttpResponse:
    """Show the records of a subject, the newest first."""
    known = here.subject(subject_id, act="see_history")
    told = _told(here, known)
    forms = {each.form: each.form_title for each in told if each.form is not None}
    form = choice(request, "form", forms)
    items = {change.item: change.label for each in told if each.form == form for change in each.changes} if form else {}
    item = choice(request, "item", items)
    kinds = {kind.__name__: words for kind, words in KINDS.items()}
    kind = choice(request, "kind", kinds)
    shown = [
        each
        for each in reversed(told)
        if form in ("", each.form)
        and kind in ("", each.kind)
        and (not item or any(change.item == item for change in each.changes))
    ]
    part = page_of(request, len(shown))
    context = {
        "subject": known,
        "standing": standing_of(here.trial, known, show_arm=bool(here.permit("see_own_arm", known.site))),
        "rows": shown[part.window],
        "page": part,
        "names": names_of({each.author for each in shown[part.window]}),
        "channels": CHANNELS,
        "forms": forms,
        "items": items,
        "kinds": {name: words for name, words in kinds.items() if any(each.kind == name for each in told)},
        "chosen": {"form": form, "item": item, "kind": kind},
        "total": len(told),
        "may_take": here.permit("take_data", known.site),
        "command": new_command(),
    }
    return here.render("worklist/history.html", context)


@page("take_data")
@require_POST
def take_history(request: HttpRequest, here: Here, subject_id: str) -> HttpResponse:
    """Hand out all records of a subject as CSV, and record that they left."""
    known = here.subject(subject_id, act="see_history")  # first: who sees no subject learns of none
    here.demand("take_data", known.site)
    told = _told(here, known)
    names = names_of({each.author for each in told})
    text = csv_text(_COLUMNS, [_plain(each, here, names) for each in told])
    purpose, command_id = request.POST.get("purpose", "").strip(), request.POST.get("command", "")
    if not _COMMAND.fullmatch(command_id) or len(purpose) > _LONGEST:
        raise BadRequest("a command id of 32 digits, and a purpose that is not too long")
    command = e.ExportMade(
        what=f"history of {known.id}, {len(told)} records",
        purpose=purpose,
        recipient=here.person,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )
    here.submit(command, command_id=command_id)
    return csv_file(f"{here.trial_id}-{known.id}-history.csv", text)


def _plain(each: Told, here: Here, names: dict[str, str]) -> dict[str, Any]:
    language = here.language
    return {
        "record": each.seq,
        "at_utc": each.at,
        "at_local": each.at.astimezone(local_zone()),
        "who": names.get(each.author, each.author),
        "person": each.author,
        "role": each.role[language],
        "channel": each.channel,
        "caller": each.caller,
        "what": each.what[language],
        "form": each.form_title[language] if each.form_title is not None else None,
        "occurrence": each.occurrence,
        "visit": each.visit,
        "detail": each.detail[language],
        "old": "\n".join(f"{change.label[language]}: {change.old}" for change in each.changes if change.old),
        "new": "\n".join(f"{change.label[language]}: {change.new}" for change in each.changes),
        "why": each.why,
        "command": each.command,
    }
