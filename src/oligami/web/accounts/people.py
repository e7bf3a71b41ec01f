"""What administrators do with accounts: make, invite, deactivate, and, two together, take a lost second factor off.

An account stands for one person for ever: it is deactivated, not deleted, and its name is never given to another. What a
person may do in a trial is no matter of accounts; roles are granted in the trial's journal.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from allauth.account.adapter import get_adapter
from allauth.account.app_settings import PASSWORD_RESET_TOKEN_GENERATOR
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from oligami.journal import entries as e
from oligami.journal.entries import SiteId
from oligami.journal.seal import assemble, open_line, read_head
from oligami.protocol.text import Reason, Text
from oligami.trial.refused import Refused
from oligami.web import clock
from oligami.web.accounts.access import record
from oligami.web.accounts.models import Account, Recovery
from oligami.web.accounts.sessions import end_all
from oligami.web.journal.models import JournalRecord

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
_MAKE = Text("Making the account", "アカウントの作成")
_CLOSE = Text("Deactivating the account", "アカウントの停止")
_OPEN = Text("Activating the account again", "アカウントの再開")
_RECOVER = Text("Removing the second factor", "第二要素の解除")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChange:
    """A role that was given to a person, or taken: when, by whom, why."""

    person: str
    role: str
    site: SiteId | None
    given: bool
    at: datetime
    by: str
    reason: str
    until: date | None = None


def role_changes(trial: str) -> tuple[RoleChange, ...]:
    """Return every grant and revocation of a role in a trial's journal, oldest first."""
    found = []
    rows = JournalRecord.objects.filter(trial=trial, kind__in=("RoleGranted", "RoleRevoked"), body__isnull=False)
    for row in rows.order_by("seq"):
        head = row.head.encode()
        number, _, _, previous = read_head(head)
        record_ = open_line(assemble(row.body.encode(), head, row.seal), seq=number, previous=previous).record()
        match record_.entry:
            case e.RoleGranted(person=person, role=role, site=site, until=until):
                given, reason = True, ""
            case e.RoleRevoked(person=person, role=role, site=site, reason=reason):
                given, until = False, None
            case _:
                continue
        stamp = record_.stamp
        change = RoleChange(
            person=person,
            role=role,
            site=site,
            given=given,
            at=stamp.recorded_at,
            by=stamp.author,
            reason=reason,
            until=until,
        )
        found.append(change)
    return tuple(found)


def people_of(trial: str) -> tuple[str, ...]:
    """Return the ids of all people to whom a trial ever granted a role."""
    return tuple(dict.fromkeys(change.person for change in role_changes(trial)))


def held_on(changes: Iterable[RoleChange], begins: datetime, ends: datetime) -> tuple[RoleChange, ...]:
    """Return the grants under which people could act at any moment between two instants, by person, role and site.

    `begins` is in the zone of the trial's calendar: a role granted up to a day before its date is over.
    """
    held: dict[tuple[str, str, SiteId | None], RoleChange] = {}
    during: dict[tuple[str, str, SiteId | None], RoleChange] = {}
    for change in changes:
        if change.at >= ends:
            break
        key = (change.person, change.role, change.site)
        if change.given:
            # Granted anew after it had ended, the newer grant holds; otherwise the first.
            if key not in held or held[key].until is not None:
                held[key] = change
        else:
            before = held.pop(key, None)
            if before is not None and change.at >= begins:
                during[key] = before
    found = {key: change for key, change in {**during, **held}.items() if change.until is None or change.until >= begins.date()}
    return tuple(found[key] for key in sorted(found, key=lambda key: (key[0], key[1], key[2] or "")))


def make_account(
    request: HttpRequest | None,
    *,
    username: str,
    email: str,
    display_name: str,
    hospital: str = "",
    hospital_subject: str = "",
) -> Account:
    """Make an account without a password; its owner sets one by the link that `invite` sends.

    Args:
        request: who makes it and from where; None at the command line.
        username: small letters, digits, dots, hyphens, underscores; 2 to 40.
        email: where the link goes; one account an address.
        display_name: the name that pages and signatures show.
        hospital: id of a hospital's sign-on, with
        hospital_subject: the identity (`sub`) by which that hospital knows the person.

    Raises:
        Refused: with every reason; nothing was written.
    """
    username, email, display_name = username.strip().lower(), email.strip().lower(), display_name.strip()
    reasons = []
    if _NAME.fullmatch(username) is None:
        text = Text(
            "The login name takes 2 to 40 small letters, digits, dots, hyphens and underscores, a letter or digit first",
            "ログイン名は英小文字・数字・ピリオド・ハイフン・下線の 2〜40 文字で、先頭は英小文字か数字です",
        )
        reasons.append(Reason("account.username", text))
    elif Account.objects.filter(username__iexact=username).exists():
        text = Text(
            "The login name was given before; names are never given again", "このログイン名は使用済みです（再利用できません）"
        )
        reasons.append(Reason("account.username", text))
    try:
        validate_email(email)
    except ValidationError:
        text = Text(
            "The e-mail address cannot be read; expected name@hospital.example",
            "メールアドレスを読めません（例 name@hospital.example）",
        )
        reasons.append(Reason("account.email", text))
    else:
        if Account.objects.filter(email__iexact=email).exists():
            text = Text("The e-mail address belongs to another account", "このメールアドレスは別のアカウントで使われています")
            reasons.append(Reason("account.email", text))
    if not 1 <= len(display_name) <= 100:
        text = Text("The name shown takes 1 to 100 characters", "表示名は 1〜100 文字です")
        reasons.append(Reason("account.display_name", text))
    if bool(hospital) != bool(hospital_subject):
        text = Text("Hospital sign-on needs both the hospital and its identity", "施設認証には施設と識別子の両方が必要です")
        reasons.append(Reason("account.hospital", text))
    if hospital and SocialAccount.objects.filter(provider=hospital, uid=hospital_subject).exists():
        text = Text("This hospital identity belongs to another account", "この施設認証の識別子は別のアカウントに登録済みです")
        reasons.append(Reason("account.hospital", text))
    if reasons:
        raise Refused(_MAKE, reasons)
    try:
        with transaction.atomic():
            account = Account(username=username, email=email, display_name=display_name)
            account.set_unusable_password()
            account.save()
            # The administrator answers for the address; nobody can change his own.
            EmailAddress.objects.create(user=account, email=email, verified=True, primary=True)
            if hospital:
                SocialAccount.objects.create(user=account, provider=hospital, uid=hospital_subject)
            record(request, "account_made", what=account.person)
    except IntegrityError:
        text = Text("Somebody made the same account at this moment", "同じアカウントが同時に作成されました")
        raise Refused(_MAKE, [Reason("account.username", text)]) from None
    return account


def link_token(account: Account) -> str:
    """Return the part of a link by which an account's owner sets a password: good once, and for a day."""
    return f"{user_pk_to_url_str(account)}-{PASSWORD_RESET_TOKEN_GENERATOR().make_token(account)}"


def invite(request: HttpRequest, account: Account) -> None:
    """Send the owner the link by which he sets his password. Nobody else is shown it: an administrator never knows a password."""
    adapter = get_adapter(request)
    context = {
        "name": account.shown_name,
        "username": account.username,
        "password_reset_url": adapter.get_reset_password_from_key_url(link_token(account)),
    }
    record(request, "account_changed", what=f"{account.person} invited")
    adapter.send_mail("account/email/invitation", account.email, context)


def close_account(request: HttpRequest, account: Account, *, reason: str) -> None:
    """Deactivate an account; its sessions end with their next request. Nothing of it is deleted.

    Raises:
        Refused: no reason, one's own account, or closed already.
    """
    reasons = _reasons(reason)
    if account.person == request.user.person:
        text = Text(
            "Nobody deactivates his own account; ask another administrator",
            "自分のアカウントは停止できません。別の管理者に依頼してください",
        )
        reasons.append(Reason("account.own", text))
    if not account.is_active:
        reasons.append(Reason("account.closed", Text("The account is closed already", "すでに停止しています")))
    if reasons:
        raise Refused(_CLOSE, reasons)
    with transaction.atomic():
        account.is_active = False
        account.save(update_fields=["is_active"])
        end_all(account)
        record(request, "account_closed", what=f"{account.person}: {reason.strip()}")


def open_account(request: HttpRequest, account: Account, *, reason: str) -> None:
    """Activate an account again.

    Raises:
        Refused: no reason, or open already.
    """
    reasons = _reasons(reason)
    if account.is_active:
        reasons.append(Reason("account.open", Text("The account is open", "アカウントは有効です")))
    if reasons:
        raise Refused(_OPEN, reasons)
    with transaction.atomic():
        account.is_active = True
        account.save(update_fields=["is_active"])
        record(request, "account_opened", what=f"{account.person}: {reason.strip()}")


def ask_recovery(request: HttpRequest, account: Account, *, trial: str, reason: str) -> Recovery:
    """Ask that a lost second factor be taken off an account; another administrator must confirm it.

    Raises:
        Refused: no reason, nothing to take off, one's own account, or asked for already.
    """
    reasons = _reasons(reason)
    if account.person == request.user.person:
        text = Text(
            "Nobody asks for his own; ask another administrator",
            "自分の第二要素の解除は依頼できません。別の管理者に依頼してください",
        )
        reasons.append(Reason("recovery.own", text))
    if not account.has_second_factor:
        reasons.append(Reason("recovery.nothing", Text("The account has no second factor", "第二要素が設定されていません")))
    if account.recoveries.filter(closed_at__isnull=True).exists():
        reasons.append(
            Reason("recovery.open", Text("It was asked for already and waits for confirmation", "すでに依頼済みで承認待ちです"))
        )
    if reasons:
        raise Refused(_RECOVER, reasons)
    try:
        with transaction.atomic():
            made = Recovery.objects.create(
                account=account, trial=trial, reason=reason.strip(), asked_by=request.user.person, asked_at=clock.now()
            )
            record(request, "recovery_asked", what=f"{account.person}: {reason.strip()}", trial=trial)
    except IntegrityError:
        text = Text("It was asked for already and waits for confirmation", "すでに依頼済みで承認待ちです")
        raise Refused(_RECOVER, [Reason("recovery.open", text)]) from None
    return made


def close_recovery(request: HttpRequest, recovery: Recovery, *, confirmed: bool) -> None:
    """Confirm a recovery that another administrator asked for, or turn it down. Confirmed, all factors go and all sessions end.

    Raises:
        Refused: asked for by the same person, about himself, or closed meanwhile.
    """
    me: str = request.user.person
    with transaction.atomic():
        row = Recovery.objects.select_for_update().select_related("account").get(pk=recovery.pk)
        reasons = []
        if row.closed_at is not None:
            reasons.append(Reason("recovery.closed", Text("It was decided already", "すでに処理済みです")))
        if confirmed and me == row.asked_by:
            text = Text(
                "You asked for it; another administrator must confirm it",
                "依頼者本人は承認できません。別の管理者が承認してください",
            )
            reasons.append(Reason("recovery.two_persons", text))
        if confirmed and me == row.account.person:
            text = Text(
                "It concerns your own account; another administrator must confirm it", "自分のアカウントの解除は承認できません"
            )
            reasons.append(Reason("recovery.own", text))
        if reasons:
            raise Refused(_RECOVER, reasons)
        row.closed_by, row.closed_at, row.confirmed = me, clock.now(), confirmed
        row.save()
        if confirmed:
            Authenticator.objects.filter(user=row.account).delete()
            end_all(row.account)
        record(request, "recovery_confirmed" if confirmed else "recovery_closed", what=row.account.person, trial=row.trial)


def _reasons(reason: str) -> list[Reason]:
    if 1 <= len(reason.strip()) <= 200:
        return []
    return [Reason("reason.missing", Text("Say why, in up to 200 characters", "理由を 200 文字以内で入力してください"))]
