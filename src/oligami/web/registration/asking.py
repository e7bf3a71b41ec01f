"""Asking the desk for a registration: who signs shows who he is, the command goes out once, and every answer has its page.

The first registration and the later ones share all of this; what differs stands in `first` and `later`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final

from django.contrib import messages
from django.db import DatabaseError
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from oligami.protocol.text import Reason, Text
from oligami.trial.refused import Refused
from oligami.web.accounts.identity.keeping import keep_identity
from oligami.web.accounts.reauth import confirm
from oligami.web.casebook import drafts
from oligami.web.casebook.entry import is_command, number_in
from oligami.web.pages.here import Forbidden, Here, new_command
from oligami.web.registration.notice import send_notice
from oligami.web.registration.receipt import read_receipt
from oligami.web.registration.steps import CHART, INITIALS, Outcome, Sheet, birth_date_of, outcome_of, sign_form

_AGAIN: Final = Text(
    "This registration was made already; nothing more was recorded.", "この登録は既に完了しています。新たな記録はありません。"
)
_OTHER: Final = Text(
    "From this page, or from another window with the same draft, {subject} was registered with other answers. What is shown here has "
    "not been registered. If it is another subject, check the answers and register once more; if it is the same one, correct the saved form",
    "この画面、または同じ下書きの別の画面から、{subject} が別の内容で登録されています。ここに表示されている内容は登録されていません。"
    "別の患者であれば回答を確認してもう一度登録してください。同じ患者であれば保存済みの調査票を訂正してください",
)
_REFUSED: Final = Text(
    "The registration was refused and the refusal is on record. Every criterion that keeps the subject out stands below; what was typed is kept",
    "登録できませんでした（不適格として記録済み）。満たさない規準をすべて下に示します。入力内容は残っています",
)
_NO_IDENTITY: Final = Text(
    "The subject is registered, but initials, chart number and birth date could not be kept. Enter them on the page of identity data.",
    "登録は完了しましたが、イニシャル・カルテ番号・生年月日を保存できませんでした。個人識別情報の画面で入力してください。",
)
#: Turns of the commands of this process; two commands that share one wait for each other, and no more.
_TURNS: Final = tuple(Lock() for _ in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What asking came to: a page to go to; or why not, with the command id for another try.

    reasons: what stands against it. refused: the verdict kept the subject out, which is on record.
    unconfirmed: the password or passkey did not match; nothing was asked.
    """

    to: HttpResponse | None = None
    reasons: tuple[Reason, ...] = ()
    refused: bool = False
    unconfirmed: bool = False
    command: str = ""


def ask(here: Here, sheet: Sheet, post: Mapping[str, str], *, for_caller: bool, with_identity: bool) -> Answer:
    """Register what the sheet says, once for each command id.

    Args:
        here: the request.
        sheet: complete.
        post: what the page carried beside the sheet: command id, record seen, protocol version.
        for_caller: whether the person speaks for a caller; then the record says so.
        with_identity: whether initials and chart number were asked and are to be kept.
    """
    command = post.get("_command", "")
    if not is_command(command):
        command = new_command()
    # Rapid sendings of one page take turns: the later ones are answered by what the first came to, and need no password. Each
    # asking for itself would use up the tries that the guard against guessing grants.
    with _TURNS[int(command[:2], 16)]:
        return _ask(here, sheet, post, command, for_caller=for_caller, with_identity=with_identity)


def _ask(here: Here, sheet: Sheet, post: Mapping[str, str], command: str, *, for_caller: bool, with_identity: bool) -> Answer:
    person = here.person  # a confirmation that fails too often ends the session
    known = _known(here, sheet, command, person)
    if known is None and confirm(here.request) is None:
        # A passkey's answer is good once: another process may have had the first sending of the same page.
        known = _known(here, sheet, command, person)
        if known is None:
            return Answer(unconfirmed=True, command=command)
    if known is not None:
        return _repeated(here, sheet, known)
    try:
        receipt = here.submit(
            sheet.command(post.get("_version", "")),
            command_id=command,
            seen=number_in(post, "_seen"),
            channel="telephone" if for_caller else "web",
            caller=sheet.beside["_caller"] if for_caller else None,
        )
    except Refused as refused:
        return Answer(reasons=refused.reasons, command=command)
    outcome = outcome_of(receipt.records, sheet.stage, person=person, site=sheet.site)
    if outcome is None or receipt.repeated:
        return _repeated(here, sheet, outcome)
    if outcome.subject is None:
        return _refused(here, sheet)
    _after(here, sheet, outcome.subject, command, with_identity=with_identity)
    drafts.discard(here, sheet.key)
    return Answer(to=_confirmation(here, outcome.subject, sheet))


def _known(here: Here, sheet: Sheet, command: str, person: str) -> Outcome | None:
    """Return what this command came to before; None if it is new.

    Raises:
        Http404: it is another person's, or no registration of this kind.
    """
    records = here.desk.journal.of_command(command)
    if not records:
        return None
    outcome = outcome_of(records, sheet.stage, person=person, site=sheet.site)
    if outcome is None:
        raise Http404
    return outcome


def _repeated(here: Here, sheet: Sheet, outcome: Outcome | None) -> Answer:
    """Answer a command that was carried out before: the first answer again, unless other answers came with it."""
    if outcome is None:
        raise Http404
    if dict(outcome.values) != sheet.examined.values:
        if outcome.subject is None:
            # Refused before, other answers now: that is a new question, to be signed anew.
            return Answer(command=_go_on(here, sheet))
        reason = Reason("registration.other_window", _OTHER.format(subject=outcome.subject))
        return Answer(reasons=(reason,), command=_go_on(here, sheet))
    if outcome.subject is None:
        return _refused(here, sheet)
    messages.info(here.request, _AGAIN[here.language])
    drafts.discard(here, sheet.key)
    return Answer(to=_confirmation(here, outcome.subject, sheet))


def _refused(here: Here, sheet: Sheet) -> Answer:
    return Answer(reasons=(Reason("registration.refused", _REFUSED),), refused=True, command=_go_on(here, sheet))


def _go_on(here: Here, sheet: Sheet) -> str:
    """Keep what was typed under a command id of its own, for another try."""
    command = new_command()
    drafts.discard(here, sheet.key)
    drafts.save(here, sheet.key, sheet.kept, command=command, edition=None)
    return command


def _after(here: Here, sheet: Sheet, subject: str, command: str, *, with_identity: bool) -> None:
    """Do what follows a registration that stands, and that none of it can undo."""
    sign_form(here, subject, sheet, command)
    birth = birth_date_of(sheet.form, sheet.posted)
    if with_identity:
        try:
            keep_identity(here, subject, initials=sheet.beside[INITIALS], chart_number=sheet.beside[CHART], birth_date=birth)
        except (Refused, Forbidden, Http404, DatabaseError):
            messages.warning(here.request, _NO_IDENTITY[here.language])
    receipt = read_receipt(here.desk, here.trial, here.trial.subjects[subject], sheet.stage.id, with_arm=False)
    if receipt is not None:
        address = here.request.build_absolute_uri(reverse("confirmation", args=[here.trial_id, subject, sheet.stage.id]))
        send_notice(receipt, here.trial, address=address)


def _confirmation(here: Here, subject: str, sheet: Sheet) -> HttpResponse:
    return HttpResponseRedirect(reverse("confirmation", args=[here.trial_id, subject, sheet.stage.id]))


def status_of(answer: Answer) -> int:
    """Return the status of the page that says why not."""
    return 403 if answer.unconfirmed else 409
