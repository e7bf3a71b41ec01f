"""Who signs shows once more who he is: with the password, or with a passkey and the finger or PIN it asks for.

    confirmation = confirm(request)
    if confirmation is None:
        ...show the form again; `accounts/confirm.html` says why

A sign-on a moment ago does not count, and neither does a confirmation of another form: each signature asks anew.
"""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from allauth.mfa.webauthn.internal.auth import (
    get_authenticator_by_credential_id,
    get_credentials,
    get_server,
    parse_authentication_response,
)
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST
from fido2.webauthn import UserVerificationRequirement

from oligami.protocol.text import Text
from oligami.web import clock
from oligami.web.accounts import access, forms, sessions, throttle
from oligami.web.accounts.models import Account

_CHALLENGE = "oligami.confirm"
_CHALLENGE_S = 300
_MISSING = Text(
    "Enter your password, or use your passkey, to sign.", "署名するには、パスワードを入力するかパスキーを使ってください。"
)
_WRONG = Text(
    "That did not match: nothing was signed. Try again.", "認証できませんでした。署名はされていません。もう一度お試しください。"
)
_LOCKED = Text(
    "Too many failures: your session has been ended and signing is locked for a quarter of an hour. Nothing was signed.",
    "失敗が続いたためセッションを終了し、署名を 15 分間ロックしました。署名はされていません。",
)
_ELSEWHERE = Text(
    "This session was not opened in this browser. It has been ended; sign in again. Nothing was signed.",
    "このセッションは別のブラウザーで開始されたものです。終了しましたので再度ログインしてください。署名はされていません。",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """The person at the keyboard is the account's owner, shown at this instant in this way."""

    person: str
    method: Literal["password", "passkey"]
    at: datetime


def confirm(request: HttpRequest) -> Confirmation | None:
    """Check the `password` or the passkey's `credential` that came with a form; None, with the reason on the request, if it fails.

    The reason, fit to show, is `request.confirm_problem` (a `Text`) until the answer is made. Tries are counted with those of
    all the person's sessions; at the limit this session ends. Call it once for each signature, last of all checks before the
    command: it uses up a passkey's answer.
    """
    if request.method != "POST" or not request.user.is_authenticated:
        request.confirm_problem = _MISSING
        return None
    account: Account = request.user
    if not sessions.is_bound(request):
        access.record(request, "session_ended", what="signing from another browser")
        logout(request)
        request.confirm_problem = _ELSEWHERE
        return None
    password, credential = request.POST.get("password", ""), request.POST.get("credential", "")
    if not password and not credential:
        request.confirm_problem = _MISSING
        return None
    key = f"confirm:{account.pk}"
    state = throttle.spend(key)
    if state != "open":
        access.record(request, "lockout" if state == "locking" else "confirm_failed", what="signing")
        logout(request)
        request.confirm_problem = _LOCKED
        return None
    # Not `account.check_password`: it may renew the hash, which would end this very session in the middle of the signature.
    method: Literal["password", "passkey"] = "passkey" if credential else "password"
    right = _passkey_matches(request, account, credential) if credential else check_password(password, account.password)
    if not right:
        access.record(request, "confirm_failed", what=method)
        request.confirm_problem = _WRONG
        return None
    throttle.forgive(key)
    access.record(request, "confirmed", what=method)
    return Confirmation(person=account.person, method=method, at=clock.now())


@require_POST
@login_required
def challenge(request: HttpRequest) -> HttpResponse:
    """Give the person's passkeys something to sign; good once and for five minutes."""
    account: Account = request.user
    credentials = get_credentials(account)
    if not credentials:
        return JsonResponse({"detail": "no passkey"}, status=404)
    options, state = get_server().authenticate_begin(
        credentials=credentials, user_verification=UserVerificationRequirement.REQUIRED
    )
    request.session[_CHALLENGE] = {"state": state, "until": time.time() + _CHALLENGE_S}
    return JsonResponse({"request_options": dict(options)})


def _passkey_matches(request: HttpRequest, account: Account, credential: str) -> bool:
    kept: dict[str, Any] | None = request.session.pop(_CHALLENGE, None)
    if kept is None or kept["until"] < time.time():
        return False
    try:
        answer = json.loads(credential)
        parse_authentication_response(answer)
        known = get_server().authenticate_complete(kept["state"], get_credentials(account), answer)
        factor = get_authenticator_by_credential_id(account, known.credential_id)
    except (ValueError, TypeError, KeyError, AttributeError, ValidationError):
        return False
    if factor is None:
        return False
    if not forms.advance_counter(factor, answer):
        access.record(request, "factor_cloned", what=f"passkey {factor.pk}")
        return False
    factor.record_usage()
    return True
