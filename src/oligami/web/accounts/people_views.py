"""The pages on which an administrator keeps a trial's people: accounts, roles, lost second factors; and who held what on any day."""

from datetime import date, datetime, time, timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from oligami.journal import entries as e
from oligami.protocol.text import Reason, Text
from oligami.trial.refused import Refused
from oligami.trial.rights import ACTS, ROLES, roles_of
from oligami.web.accounts import people as work
from oligami.web.accounts.access import record, record_view
from oligami.web.accounts.models import Access, Account, Recovery
from oligami.web.accounts.words import said
from oligami.web.clock import local_zone
from oligami.web.pages.here import Here, new_command, page, trials


@page("see_people")
def people(request: HttpRequest, here: Here) -> HttpResponse:
    """Show who holds which role, on a day: `?day=2026-04-01`, today if left out."""
    asked = request.GET.get("day", "").strip()
    day, wrong = here.today, False
    if asked:
        try:
            day = date.fromisoformat(asked)
            day + timedelta(days=1)
        except (ValueError, OverflowError):
            day, wrong = here.today, True
    begins, ends = (datetime.combine(day + timedelta(days=more), time(), tzinfo=local_zone()) for more in (0, 1))
    changes = _changes(here)
    held = work.held_on(changes, begins, ends)
    accounts = _accounts(here)
    record_view(request, f"people on {day.isoformat()}")
    waiting = Recovery.objects.filter(trial=here.trial_id, closed_at__isnull=True).select_related("account")
    names = {account.person: account.shown_name for account in Account.objects.all()}
    may_change = bool(here.permit("grant_role"))
    context = {
        "day": day,
        "asked": asked,
        "wrong": wrong,
        "rows": [
            (change, accounts.get(change.person), ROLES.get(change.role), names.get(change.by, change.by)) for change in held
        ],
        "without": [one for one in accounts.values() if one.person not in {change.person for change in held}]
        if may_change
        else [],
        "waiting": [(one, names.get(one.asked_by, one.asked_by)) for one in waiting],
        "may_change": may_change,
        "may_see_log": bool(here.permit("see_access_log")),
    }
    return here.render("accounts/people.html", context, status=400 if wrong else 200)


@page("grant_role")
def person_new(request: HttpRequest, here: Here) -> HttpResponse:
    """Make an account and send its owner the link to set a password."""
    fields = ("username", "display_name", "email", "hospital", "hospital_subject")
    given = {name: request.POST.get(name, "").strip() for name in fields}
    if request.method != "POST":
        return here.render("accounts/person_new.html", {"given": given})
    try:
        account = work.make_account(request, **given)
    except Refused as refused:
        wrong = {reason.rule.rpartition(".")[2] for reason in refused.reasons}
        return here.render("accounts/person_new.html", {"given": given, "refused": refused, "wrong": wrong}, status=409)
    work.invite(request, account)
    messages.success(
        request,
        said(
            "The account is made; a mail with the link to set a password went out.",
            "アカウントを作成し、パスワード設定用のメールを送信しました。",
        ),
    )
    return _back(here, account)


@page("see_people")
def person(request: HttpRequest, here: Here, person_id: str) -> HttpResponse:
    """Show one person's account, roles and their history."""
    account = _account(here, person_id)
    record_view(request, f"person {person_id}")
    changes = [change for change in _changes(here) if change.person == person_id]
    names = {one.person: one.shown_name for one in Account.objects.all()}
    last = Access.objects.filter(person=person_id, kind="login").order_by("-id").first()
    context = {
        "account": account,
        "held": [(role, site, ROLES.get(role)) for role, site in roles_of(here.trial, person_id)],
        "changes": [(change, ROLES.get(change.role), names.get(change.by, change.by)) for change in reversed(changes)],
        "roles": ROLES.values(),
        "sites": sorted(here.trial.study.sites),
        "may_change": bool(here.permit("grant_role")),
        "command": new_command(),
        "command_revoke": new_command(),
        "recovery": account.recoveries.filter(closed_at__isnull=True).first(),
        "last": last,
        "own": account.person == here.person,
        "whole": here.sites("see_people") is None,
    }
    return here.render("accounts/person.html", context)


@require_POST
@page("grant_role")
def role_grant(request: HttpRequest, here: Here, person_id: str) -> HttpResponse:
    """Grant a role."""
    account = _account(here, person_id)
    role, site = request.POST.get("role", ""), request.POST.get("site", "") or None
    if role in ROLES and ROLES[role].scope == "trial":
        site = None
    command = e.RoleGranted(person=account.person, role=role, site=site, until=_until(request))
    here.submit(command, command_id=_command(request))
    record(request, "role_granted", what=f"{account.person}: {role} {site or ''}".strip(), trial=here.trial_id)
    messages.success(request, said("The role is granted.", "役割を付与しました。"))
    return _back(here, account)


@require_POST
@page("revoke_role")
def role_revoke(request: HttpRequest, here: Here, person_id: str) -> HttpResponse:
    """Revoke a role; it ends with the person's next request."""
    account = _account(here, person_id)
    role, _, site = request.POST.get("held", "").partition("@")
    command = e.RoleRevoked(person=account.person, role=role, site=site or None, reason=request.POST.get("reason", "").strip())
    here.submit(command, command_id=_command(request))
    record(request, "role_revoked", what=f"{account.person}: {role} {site}".strip(), trial=here.trial_id)
    messages.success(request, said("The role is revoked.", "役割を取り消しました。"))
    return _back(here, account)


@require_POST
@page("grant_role")
def person_close(request: HttpRequest, here: Here, person_id: str) -> HttpResponse:
    """Deactivate an account."""
    account = _account(here, person_id)
    work.close_account(request, account, reason=request.POST.get("reason", ""))
    messages.success(
        request, said("The account is deactivated; its sessions have ended.", "アカウントを停止し、セッションを終了しました。")
    )
    return _back(here, account)


@require_POST
@page("grant_role")
def person_open(request: HttpRequest, here: Here, person_id: str) -> HttpResponse:
    """Activate an account again."""
    account = _account(here, person_id)
    work.open_account(request, account, reason=request.POST.get("reason", ""))
    messages.success(request, said("The account is active again.", "アカウントを再開しました。"))
    return _back(here, account)


@require_POST
@page("grant_role")
def person_invite(request: HttpRequest, here: Here, person_id: str) -> HttpResponse:
    """Send the link to set a password once more."""
    account = _account(here, person_id)
    work.invite(request, account)
    messages.success(request, said("The mail went out.", "メールを送信しました。"))
    return _back(here, account)


@require_POST
@page("grant_role")
def recovery_ask(request: HttpRequest, here: Here, person_id: str) -> HttpResponse:
    """Ask that a lost second factor be removed."""
    account = _account(here, person_id)
    work.ask_recovery(request, account, trial=here.trial_id, reason=request.POST.get("reason", ""))
    messages.success(request, said("Another administrator must confirm it now.", "別の管理者の承認を待っています。"))
    return _back(here, account)


@require_POST
@page("grant_role")
def recovery_close(request: HttpRequest, here: Here, number: int) -> HttpResponse:
    """Confirm that a lost second factor is removed, or turn it down."""
    recovery = get_object_or_404(Recovery, pk=number, trial=here.trial_id)
    work.close_recovery(request, recovery, confirmed=request.POST.get("answer") == "confirm")
    messages.success(request, said("It is done and recorded.", "処理し、記録しました。"))
    return HttpResponseRedirect(reverse("people", args=[here.trial_id]))


def _changes(here: Here) -> tuple[work.RoleChange, ...]:
    """Return the grants and revocations that the person may see: of his sites and, for all, of the trial as a whole."""
    sites = here.sites("see_people")
    changes = work.role_changes(here.trial_id)
    return changes if sites is None else tuple(change for change in changes if change.site is None or change.site in sites)


def _accounts(here: Here) -> dict[str, Account]:
    """Return, by id, the accounts that the person may see; to an administrator also those that hold nothing anywhere yet."""
    mine = {change.person for change in _changes(here)}
    if here.permit("grant_role"):
        elsewhere = {one for trial in trials() if trial != here.trial_id for one in work.people_of(trial)} - mine
        shown = Account.objects.exclude(person__in=elsewhere)
    else:
        shown = Account.objects.filter(person__in=mine)
    return {one.person: one for one in shown.order_by("username")}


def _account(here: Here, person_id: str) -> Account:
    account = _accounts(here).get(person_id)
    if account is None:
        raise Http404
    return account


def _until(request: HttpRequest) -> date | None:
    """Return the last day of a role that is granted for a time.

    Raises:
        Refused: what was typed is no day.
    """
    word = request.POST.get("until", "").strip()
    try:
        return date.fromisoformat(word) if word else None
    except ValueError:
        text = Text("The last day cannot be read; expected 2026-04-01", "最終日を読めません（例 2026-04-01）")
        raise Refused(ACTS["grant_role"].title, [Reason("role.until", text)]) from None


def _command(request: HttpRequest) -> str:
    word = request.POST.get("command", "")
    return word if len(word) == 32 and set(word) <= set("0123456789abcdef") else new_command()


def _back(here: Here, account: Account) -> HttpResponse:
    return HttpResponseRedirect(reverse("person", args=[here.trial_id, account.person]))
