"""Correcting a saved form: only what changed is sent, with a reason; a form that moved meanwhile is compared, not overwritten."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from oligami.protocol.compile import CompiledForm
from oligami.protocol.model.forms import Item
from oligami.protocol.text import Language, Reason, Text
from oligami.trial.commands import CorrectItems
from oligami.trial.refused import Refused
from oligami.trial.state import FormState
from oligami.web.casebook import drafts
from oligami.web.casebook.drafts import DraftKey
from oligami.web.casebook.entry import (
    Sheet,
    as_problems,
    blank_rows_after,
    channel_of,
    form_of,
    is_command,
    is_fragment,
    kept_texts,
    last_texts,
    live_problems,
    number_in,
    page_context,
    questions,
    read_sheet,
    reasons_in,
    render_fragment,
    show,
    split_refusal,
)
from oligami.web.casebook.fields import show_value
from oligami.web.casebook.models import Draft
from oligami.web.casebook.reading import NEVER, raw_of
from oligami.web.pages.here import Here, new_command, page

_CORRECTED = Text("Corrected in record {seq}.", "記録 {seq} で訂正しました。")
_KEPT = Text(
    "Kept as a draft, for you alone. Nothing is corrected yet.",
    "下書きとして保存しました（本人のみ閲覧可）。まだ訂正されていません。",
)
_TAKE: Final = "_take-"
_MINE: Final = "mine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An item on which the page and the record differ. `both`: both sides changed it, so somebody has to choose."""

    item: str
    label: str
    old: str
    theirs: str
    mine: str
    by_them: bool
    both: bool


@page("correct_items")
def form_correct(request: HttpRequest, here: Here, subject: str, form: str, occurrence: int) -> HttpResponse:
    """Show a saved form for correction; take what changed."""
    known = here.subject(subject, act="correct_items")
    state = known.forms.get((form, occurrence))
    if state is None:
        raise Http404
    if state.locked and request.method != "POST":
        context = {"subject": known, "state": state, "form": form_of(here.trial.rules_of(state.protocol_version), form).form}
        return here.render("casebook/locked.html", context, status=409)
    post = last_texts(request.POST)
    ruling = here.trial.rules_for(known.site, here.trial.day_of(here.now))
    wanted = post.get("_version") or request.GET.get("version")
    # By the version under which it was filled, unless its author asks for the one that rules now (items an amendment brought).
    rules = ruling if wanted == ruling.protocol.version else here.trial.rules_of(state.protocol_version)
    compiled = form_of(rules, form)
    key = DraftKey(form=form, subject=known.id, occurrence=occurrence)
    if request.method != "POST":
        draft = _begin(here, key, state, known.site, rules.protocol.version)
        raw = draft.raw or raw_of(compiled, state.values)
        sheet = read_sheet(here, known, rules, compiled, key, raw)
        view, advice = show(sheet, problems=live_problems(sheet))
        more = {
            "view": view,
            "advice": advice,
            "reason": draft.raw.get("_reason", ""),
            "seen": draft.seen,
            "ruling": ruling.protocol.version,
        }
        asked = questions(sheet, (), reasons_in(draft.raw)) if draft.raw else ()
        return here.render("casebook/form_correct.html", page_context(sheet, draft, state=state, questions=asked, **more))
    if "_merge" in post:
        post = _merged(compiled, state, post)
        sheet = read_sheet(here, known, rules, compiled, key, post)
        return _show(sheet, state, post, ruling.protocol.version)
    sheet = read_sheet(here, known, rules, compiled, key, post)
    if is_fragment(here) or "_refresh" in post or "_add_row" in post:
        return _show(sheet, state, post, ruling.protocol.version)
    if "_save_draft" in post:
        _begin(here, key, state, known.site, rules.protocol.version)
        drafts.save(here, key, kept_texts(sheet.posted, post), command=post.get("_command", ""), edition=None)
        messages.success(request, _KEPT[here.language])
        return HttpResponseRedirect(reverse("form_correct", args=[here.trial_id, known.id, form, occurrence]))
    return _submit(sheet, state, post, ruling.protocol.version)


def changed_items(compiled: CompiledForm, base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the items whose typed value differs from what the author saw; None removes a value.

    An item that names a person is not kept, so it is a change whenever it is typed.
    """
    changed: dict[str, Any] = {}
    for item in compiled.form.item:
        new = values.get(item.id)
        if item.identity:
            if new is not None:
                changed[item.id] = new
        elif new != base.get(item.id):
            changed[item.id] = new
    return changed


def values_at(state: FormState, seen: int | None) -> dict[str, Any]:
    """Return a form's values as they stood after a record; None: as they stand."""
    values = dict(state.values)
    for change in reversed(state.changes):
        if seen is None or change.seq <= seen:
            break
        for item, old in change.old.items():
            values[item] = old
    return {item: value for item, value in values.items() if value is not None}


# ---------------------------------------------------------------- inside


def _begin(here: Here, key: DraftKey, state: FormState, site: str, version: str) -> Draft:
    draft = drafts.begin(here, key, site=site, seen=state.seq, version=version)
    if not draft.raw and draft.seen != state.seq:
        draft.seen = state.seq
        draft.save(update_fields=["seen"])
    return draft


def _show(sheet: Sheet, state: FormState, post: Mapping[str, str], ruling: str) -> HttpResponse:
    view, advice = show(
        sheet,
        problems=live_problems(sheet),
        blank_rows=blank_rows_after(sheet.posted, post.get("_add_row", "")),
        warnings=sheet.examined.warnings,
    )
    if is_fragment(sheet.here):
        return render_fragment(sheet, view, advice)
    return _page(sheet, state, post, ruling, view=view, advice=advice, questions=questions(sheet, (), reasons_in(post)))


def _submit(sheet: Sheet, state: FormState, post: Mapping[str, str], ruling: str) -> HttpResponse:
    here = sheet.here
    seen = number_in(post, "_seen")
    command = post.get("_command", "")
    command = command if is_command(command) else new_command()
    base = values_at(state, seen)
    errors = sheet.examined.errors
    if errors and not here.desk.journal.of_command(command):
        return _refuse(sheet, state, post, ruling, (), (), status=422)
    said = CorrectItems(
        subject=sheet.subject.id,
        form=state.form,
        occurrence=state.occurrence,
        new=changed_items(sheet.compiled, base, sheet.posted.values),
        reason=post.get("_reason", "").strip(),
        reasons=reasons_in(post),
        version=sheet.rules.protocol.version,
    )
    try:
        receipt = here.submit(said, command_id=command, seen=seen, channel=channel_of(post))
    except Refused as refused:
        if any(reason.rule == "form.changed_since" for reason in refused.reasons):
            return _compare(sheet, state, post, seen)
        asked, others = split_refusal(sheet, refused)
        conflict = any(reason.rule not in ("correction.reason", "correction.nothing") for reason in others)
        return _refuse(sheet, state, post, ruling, asked, others, status=409 if conflict else 422)
    drafts.discard(here, sheet.key)
    messages.success(here.request, _CORRECTED.format(seq=receipt.records[0].seq)[here.language])
    return HttpResponseRedirect(reverse("form", args=[here.trial_id, sheet.subject.id, state.form, state.occurrence]))


def _refuse(
    sheet: Sheet,
    state: FormState,
    post: Mapping[str, str],
    ruling: str,
    asked: tuple[Reason, ...] | list[Reason],
    others: tuple[Reason, ...] | list[Reason],
    *,
    status: int,
) -> HttpResponse:
    language = sheet.here.language
    missing = [reason.text[language] for reason in others if reason.rule == "correction.reason"]
    rest = [reason for reason in others if reason.rule != "correction.reason"]
    problems = (*sheet.examined.errors, *as_problems(sheet.compiled, rest))
    view, advice = show(sheet, problems=problems, warnings=sheet.examined.warnings)
    asks = questions(sheet, asked, reasons_in(post))
    more: dict[str, Any] = {"view": view, "advice": advice, "questions": asks, "reason_error": missing[0] if missing else ""}
    return _page(sheet, state, post, ruling, status=status, **more)


def _page(
    sheet: Sheet, state: FormState, post: Mapping[str, str], ruling: str, *, status: int = 200, **more: Any
) -> HttpResponse:
    draft = _begin(sheet.here, sheet.key, state, sheet.subject.site, sheet.rules.protocol.version)
    texts = {
        "reason": post.get("_reason", ""),
        "seen": number_in(post, "_seen") or draft.seen,
        "command": post.get("_command") or draft.command,
        "ruling": ruling,
        "state": state,
    }
    return sheet.here.render("casebook/form_correct.html", page_context(sheet, draft, **texts, **more), status=status)


def _compare(sheet: Sheet, state: FormState, post: Mapping[str, str], seen: int | None) -> HttpResponse:
    """Show old, theirs and mine for every item on which they differ. What was typed travels along, and is kept as a draft."""
    here = sheet.here
    # The trial has moved since the page began: the comparison is with what is saved now.
    now = here.desk.trial.subjects[sheet.subject.id].forms[state.form, state.occurrence]
    drafts.begin(here, sheet.key, site=sheet.subject.site, seen=seen, version=sheet.rules.protocol.version)
    drafts.save(here, sheet.key, kept_texts(sheet.posted, post), command=post.get("_command", ""), edition=None)
    differences = tuple(_differences(sheet.compiled, values_at(now, seen), now.values, sheet.posted.values, here.language))
    carried = {name: text for name, text in post.items() if name not in ("csrfmiddlewaretoken", "_seen", "_merge")}
    context = {
        "subject": sheet.subject,
        "form": sheet.compiled.form,
        "state": now,
        "differences": differences,
        "changes": [change for change in now.changes if seen is not None and change.seq > seen],
        "carried": sorted(carried.items()),
        "seen": seen,
    }
    return here.render("casebook/compare.html", context, status=409)


def _differences(
    compiled: CompiledForm, old: Mapping[str, Any], theirs: Mapping[str, Any], mine: Mapping[str, Any], language: Language
) -> Iterator[Difference]:
    for item in compiled.form.item:
        if item.identity:
            continue
        values = [source.get(item.id) for source in (old, theirs, mine)]
        by_them, by_me = values[1] != values[0], values[2] != values[0]
        if by_them or by_me:
            shown = [show_value(compiled, item.id, item, value, language) for value in values]
            yield Difference(
                item=item.id,
                label=item.label[language],
                old=shown[0],
                theirs=shown[1],
                mine=shown[2],
                by_them=by_them,
                both=by_them and by_me and values[1] != values[2],
            )


def _merged(compiled: CompiledForm, state: FormState, post: Mapping[str, str]) -> dict[str, str]:
    """Return what goes on after a comparison: theirs where only they changed an item, and where that was chosen; else mine.

    The page then has seen the newest record.
    """
    base = values_at(state, number_in(post, "_base"))
    theirs = raw_of(compiled, state.values)
    merged = {name: text for name, text in post.items() if not name.startswith(_TAKE)}
    for item in compiled.form.item:
        if item.identity or state.values.get(item.id) == base.get(item.id):
            continue  # they did not touch it
        if post.get(_TAKE + item.id) == _MINE:
            continue
        for name in [name for name in merged if _belongs(name, item)]:
            del merged[name]
        merged |= {name: text for name, text in theirs.items() if _belongs(name, item)}
    merged["_seen"] = str(state.seq)
    return merged


def _belongs(name: str, item: Item) -> bool:
    return name in (item.id, item.id + NEVER) or (item.type == "list" and name.startswith(f"{item.id}-"))
