"""Filling a form for the first time: the page, its drafts, and the one entry that comes of it."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from oligami.journal import entries as e
from oligami.journal.record import Stamp
from oligami.protocol.compile import Compiled, CompiledForm
from oligami.protocol.text import Reason, Text
from oligami.trial.commands import SubmitForm
from oligami.trial.decide import decide
from oligami.trial.desk import Receipt
from oligami.trial.refused import Refused
from oligami.trial.schedule import visit_names
from oligami.trial.state import Subject
from oligami.web.casebook import drafts
from oligami.web.casebook.advice import carried_rows
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
    page_context,
    questions,
    read_sheet,
    reasons_in,
    render_fragment,
    show,
    split_refusal,
)
from oligami.web.casebook.models import Draft
from oligami.web.casebook.reading import raw_of
from oligami.web.pages.here import Here, new_command, page

_SAVED = Text("Saved as record {seq}.", "記録 {seq} として保存しました。")
_AGAIN = Text("This form was saved already; here it is.", "この調査票は保存済みです。保存された内容を表示します。")
_KEPT = Text(
    "Kept as a draft, for you alone. It is not part of the record yet.",
    "下書きとして保存しました（本人のみ閲覧可）。まだ記録にはなっていません。",
)
_SENT = Text(
    "The form that was open there is saved already; this is a new one.", "先ほどの調査票は保存済みです。これは新しい調査票です。"
)
_OTHER_TAB = Text(
    "From another window this form was saved meanwhile as number {number}, with other answers. What you typed here is not saved. "
    "If it is a further entry, save it once more; if it is the same one, leave this page and correct that entry",
    "別の画面からこの調査票が {number} 回目として別の内容で保存されました。ここで入力した内容は保存されていません。"
    "別件であればもう一度保存してください。同じ件であればこの画面を閉じ、保存済みの調査票を訂正してください",
)
#: What stands against filling a form at all, whatever is typed into it.
_CLOSING = ("form.registration", "form.too_early", "form.filled", "consent.withdrawn")


@page("submit_form")
def form_new(request: HttpRequest, here: Here, subject: str, form: str) -> HttpResponse:
    """Show a blank form or its draft; take what was typed."""
    known = here.subject(subject, act="submit_form")
    rules = here.trial.rules_for(known.site, here.trial.day_of(here.now))
    compiled = form_of(rules, form)
    stage = next((each for each in rules.protocol.eligibility.stage if each.form == form and each.follows is not None), None)
    if stage is not None and request.method != "POST":
        return HttpResponseRedirect(reverse("register_next", args=[here.trial_id, known.id, stage.id]))
    post = last_texts(request.POST)
    visit = post.get("_visit", "") if request.method == "POST" else last_texts(request.GET).get("visit", "")
    key = DraftKey(form=form, subject=known.id, visit=visit[:80])
    if request.method != "POST":
        return _show_blank(here, known, rules, compiled, key)
    sheet = read_sheet(here, known, rules, compiled, key, post)
    if is_fragment(here) or "_refresh" in post or "_add_row" in post:
        return _show_again(sheet, post)
    if "_save_draft" in post:
        drafts.begin(here, key, site=known.site, version=rules.protocol.version)
        saved = drafts.save(here, key, kept_texts(sheet.posted, post), command=_command(post), edition=None)
        messages.success(request, (_SENT if saved is None else _KEPT)[here.language])
        return HttpResponseRedirect(_address(known, compiled, here, visit=key.visit))
    return _submit(sheet, post)


@page("see_form")  # it begins with what other forms say of the subject
def form_print(request: HttpRequest, here: Here, subject: str, form: str) -> HttpResponse:
    """Show a form to be filled on paper, with subject, site and visit on it."""
    known = here.subject(subject, act="see_form")
    rules = here.trial.rules_for(known.site, here.trial.day_of(here.now))
    compiled = form_of(rules, form)
    sheet = read_sheet(here, known, rules, compiled, DraftKey(form=form, subject=known.id), carried(rules, compiled, known))
    view, _ = show(sheet, blank_rows={item.id: 4 for item in compiled.form.item if item.type == "list"})
    visit = request.GET.get("visit", "")
    context = {"subject": known, "form": compiled.form, "view": view, "visit": visit[:80], "version": rules.protocol.version}
    return here.render("casebook/print.html", context)


def carried(rules: Compiled, compiled: CompiledForm, subject: Subject) -> dict[str, str]:
    """Return the texts that a new form begins with."""
    return raw_of(compiled, carried_rows(rules, compiled.form, subject))


def against_filling(here: Here, subject: Subject, form: str) -> tuple[Reason, ...]:
    """Return what stands against filling a form at all; the desk decides, on an empty form."""
    stamp = Stamp(recorded_at=here.now, author=here.person, role="", channel="web", command="0" * 32)
    try:
        decide(SubmitForm(subject=subject.id, form=form, values={}), here.trial, stamp)
    except Refused as refused:
        return tuple(reason for reason in refused.reasons if reason.rule in _CLOSING)
    return ()


# ---------------------------------------------------------------- inside


def _show_blank(here: Here, subject: Subject, rules: Compiled, compiled: CompiledForm, key: DraftKey) -> HttpResponse:
    against = against_filling(here, subject, compiled.form.id)
    if against:
        return _closed(here, subject, compiled, against)
    if (
        key.visit
        and compiled.form.visits
        and key.visit not in (*compiled.form.visits, *visit_names(rules.protocol.schedule, compiled.form.id))
    ):
        raise Http404
    draft = drafts.begin(here, key, site=subject.site, version=rules.protocol.version)
    sheet = read_sheet(here, subject, rules, compiled, key, draft.raw or _begin(rules, compiled, subject, key))
    view, advice = show(sheet, problems=live_problems(sheet) if draft.raw else ())
    given = reasons_in(draft.raw)
    asked = questions(sheet, (), given) if draft.raw else ()
    return here.render("casebook/form_new.html", page_context(sheet, draft, view=view, advice=advice, questions=asked))


def _begin(rules: Compiled, compiled: CompiledForm, subject: Subject, key: DraftKey) -> Mapping[str, str]:
    """Return the texts of a new form: carried rows, and the visit where the form asks for it."""
    raw = carried(rules, compiled, subject)
    item = compiled.form.find("visit")
    if item is not None and key.visit in [code.value for code in compiled.codes.get(item.id, ())]:
        raw[item.id] = key.visit
    return raw


def _show_again(sheet: Sheet, post: Mapping[str, str]) -> HttpResponse:
    """Show the form anew with what was typed: what is asked now, what follows, one more row."""
    view, advice = show(
        sheet,
        problems=live_problems(sheet),
        blank_rows=blank_rows_after(sheet.posted, post.get("_add_row", "")),
        warnings=sheet.examined.warnings,
    )
    if is_fragment(sheet.here):
        return render_fragment(sheet, view, advice)
    draft = _draft(sheet)
    asked = questions(sheet, (), reasons_in(post))
    context = page_context(sheet, draft, view=view, advice=advice, questions=asked, command=_command(post))
    return sheet.here.render("casebook/form_new.html", context)


def _submit(sheet: Sheet, post: Mapping[str, str]) -> HttpResponse:
    here, subject, form = sheet.here, sheet.subject, sheet.compiled.form
    command, given = _command(post), reasons_in(post)
    if sheet.examined.errors and not here.desk.journal.of_command(command):
        return _refuse(sheet, post, (), (), status=422)
    said = SubmitForm(
        subject=subject.id,
        form=form.id,
        values=sheet.posted.values,
        visit=sheet.key.visit or None,
        reasons=given,
        version=post.get("_version") or None,
    )
    try:
        receipt = here.submit(said, command_id=command, channel=channel_of(post))
    except Refused as refused:
        asked, others = split_refusal(sheet, refused)
        return _refuse(sheet, post, asked, others, status=409 if others else 422)
    entry, seq = _entry(receipt, subject.id, form.id)
    if entry is None or (receipt.repeated and dict(entry.values) != sheet.examined.values):
        # The other window's answers stand; these were not said yet, and only their author knows whether they are news.
        drafts.discard(here, sheet.key)
        number = str(entry.occurrence) if entry is not None else "?"
        other = Reason("form.other_window", _OTHER_TAB.format(number=number))
        return _refuse(sheet, {**post, "_command": _draft(sheet).command}, (), (other,), status=409)
    drafts.discard(here, sheet.key)
    said_now = _AGAIN if receipt.repeated else _SAVED.format(seq=seq)
    messages.success(here.request, said_now[here.language])
    return HttpResponseRedirect(reverse("form", args=[here.trial_id, subject.id, form.id, entry.occurrence]))


def _refuse(
    sheet: Sheet,
    post: Mapping[str, str],
    asked: tuple[Reason, ...] | list[Reason],
    others: tuple[Reason, ...] | list[Reason],
    *,
    status: int,
) -> HttpResponse:
    """Show the form with everything that was typed, and everything that is wrong."""
    problems = (*sheet.examined.errors, *as_problems(sheet.compiled, others))
    view, advice = show(sheet, problems=problems, warnings=sheet.examined.warnings)
    draft = _draft(sheet)
    if _command(post) == draft.command:
        drafts.save(sheet.here, sheet.key, kept_texts(sheet.posted, post), command=draft.command, edition=None)
        draft.refresh_from_db()
    saved = sheet.here.desk.trial.subjects[sheet.subject.id].of_form(sheet.compiled.form.id)  # it may have moved under the page
    context = page_context(
        sheet,
        draft,
        view=view,
        advice=advice,
        questions=questions(sheet, asked, reasons_in(post)),
        needs_reasons=bool(asked) or bool(sheet.examined.warnings),
        command=_command(post),
        filled=saved[-1] if saved and any(reason.rule in ("form.filled", "form.other_window") for reason in others) else None,
    )
    return sheet.here.render("casebook/form_new.html", context, status=status)


def _closed(here: Here, subject: Subject, compiled: CompiledForm, against: tuple[Reason, ...]) -> HttpResponse:
    saved = subject.of_form(compiled.form.id)
    context = {"subject": subject, "form": compiled.form, "reasons": against, "filled": saved[-1] if saved else None}
    return here.render("casebook/closed.html", context, status=409)


def _draft(sheet: Sheet) -> Draft:
    return drafts.begin(sheet.here, sheet.key, site=sheet.subject.site, version=sheet.rules.protocol.version)


def _command(post: Mapping[str, str]) -> str:
    """Return the command id that the page carried; without one (an old page, a script) each sending is its own."""
    word = post.get("_command", "")
    return word if is_command(word) else new_command()


def _entry(receipt: Receipt, subject: str, form: str) -> tuple[e.FormSubmitted | None, int]:
    for record in receipt.records:
        entry = record.entry
        if isinstance(entry, e.FormSubmitted) and (entry.subject, entry.form) == (subject, form):
            return entry, record.seq
    return None, 0


def _address(subject: Subject, compiled: CompiledForm, here: Here, *, visit: str) -> str:
    address = reverse("form_new", args=[here.trial_id, subject.id, compiled.form.id])
    return f"{address}?{urlencode({'visit': visit})}" if visit else address
