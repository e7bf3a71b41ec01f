"""The access log: writing a line, and what its kinds are called.

No line holds an item's value, a password, a code or the name somebody typed; an address is kept without its question part, and
one that holds a secret of its own (a link from a mail) by its pattern.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from oligami.protocol.text import Text
from oligami.web import clock
from oligami.web.accounts.models import Access

#: What a line may be about.
KINDS: Mapping[str, Text] = {
    "login": Text("signed in", "ログイン"),
    "login_failed": Text("sign-in failed", "ログイン失敗"),
    "login_refused": Text("sign-in refused: account closed", "ログイン拒否（停止中のアカウント）"),
    "lockout": Text("locked after repeated failure", "繰り返しの失敗によるロック"),
    "logout": Text("signed out", "ログアウト"),
    "session_ended": Text("session ended by the system", "セッションの強制終了"),
    "hospital_refused": Text("hospital sign-on without an account here", "施設認証：登録のないアカウント"),
    "password_changed": Text("password changed", "パスワード変更"),
    "password_asked": Text("new password asked for by mail", "パスワード再設定の依頼"),
    "factor_added": Text("second factor added", "第二要素の追加"),
    "factor_removed": Text("second factor removed", "第二要素の削除"),
    "factor_cloned": Text("passkey refused: its counter went back", "パスキー拒否（カウンターの逆行）"),
    "codes_made": Text("recovery codes made", "リカバリーコードの作成"),
    "confirmed": Text("credentials confirmed for a signature", "署名のための再認証"),
    "confirm_failed": Text("confirmation failed", "再認証の失敗"),
    "account_made": Text("account made", "アカウントの作成"),
    "account_closed": Text("account deactivated", "アカウントの停止"),
    "account_opened": Text("account activated again", "アカウントの再開"),
    "account_changed": Text("account changed", "アカウントの変更"),
    "role_granted": Text("role granted", "役割の付与"),
    "role_revoked": Text("role revoked", "役割の取消"),
    "recovery_asked": Text("removal of a lost second factor asked for", "第二要素の解除の依頼"),
    "recovery_closed": Text("removal of a second factor turned down", "第二要素の解除の却下"),
    "recovery_confirmed": Text("lost second factor removed by a second administrator", "第二要素の解除（別の管理者が承認）"),
    "view": Text("viewed", "閲覧"),
    "export": Text("took data out", "データの出力"),
    "print": Text("printed", "印刷"),
    "identity_kept": Text("identity data saved", "個人識別情報の保存"),
    "identity_seen": Text("identity data seen", "個人識別情報の閲覧"),
    "identity_erased": Text("identity data erased", "個人識別情報の消去"),
    "mail_failed": Text("a mail could not be sent", "メール送信の失敗"),
}
#: Longest kept part of what a browser calls itself.
_AGENT = 120


def record(
    request: HttpRequest | None, kind: str, *, person: str | None = None, typed: str = "", what: str = "", trial: str = ""
) -> None:
    """Add a line.

    Args:
        request: tells from where; None for acts of the command line.
        kind: one of `KINDS`.
        person: who it is about or who did it; the one signed in if left out.
        typed: a name somebody typed; only its keyed hash is kept.
        what: which subject, role, list or file; never an item's value.
        trial: the trial's id.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind} is no kind of the access log")
    if person is None:
        user = getattr(request, "user", None)
        person = user.person if user is not None and user.is_authenticated else ""
    if request is not None:
        request.access_recorded = True  # the watch over all pages leaves this one alone
    Access.objects.create(
        instant=clock.now(),
        kind=kind,
        person=person,
        name_hash=hash_name(typed) if typed else "",
        trial=trial,
        what=what[:400],
        ip=client_address(request) if request else "",
        agent=request.META.get("HTTP_USER_AGENT", "")[:_AGENT] if request else "",
        path=_path(request) if request else "",
    )


def record_view(request: HttpRequest, what: str) -> None:
    """Keep that the person saw something: `subject S-0001`, `list of data queries`. One row added, nothing read."""
    record(request, "view", what=what, trial=_trial(request))


def record_export(request: HttpRequest, what: str, *, printed: bool = False) -> None:
    """Keep that data were taken out, or printed."""
    record(request, "print" if printed else "export", what=what, trial=_trial(request))


def hash_name(typed: str) -> str:
    """Return a typed name's keyed hash: the same for the same name, and of no use without the server's secret."""
    return salted_hmac("oligami.access.name", typed.strip().casefold(), algorithm="sha256").hexdigest()[:32]


def client_address(request: HttpRequest) -> str:
    """Return the address the request came from, believing as many proxies as the settings say."""
    count = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    if count and len(forwarded) >= count:
        return str(forwarded[-count])[:45]
    return str(request.META.get("REMOTE_ADDR", ""))[:45]


def _trial(request: HttpRequest) -> str:
    match: Any = request.resolver_match
    return str(match.kwargs.get("trial_id", "")) if match else ""


def _path(request: HttpRequest) -> str:
    match: Any = request.resolver_match
    if match and "key" in match.kwargs:
        return "/" + str(match.route)
    return request.path[:200].replace("\0", "")  # PostgreSQL takes none in a text
