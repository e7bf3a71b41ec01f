"""When a session ends, to whom it is bound, and who must set up a second factor first."""

import time
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.http import url_has_allowed_host_and_scheme

from oligami.web.accounts.access import record
from oligami.web.accounts.models import Account
from oligami.web.accounts.words import said

_KEY = "oligami"
#: The newest request is noted at most so often, so that reading pages seldom writes.
_NOTE_S = 60
#: Where a person without a second factor may go while it is demanded.
_OPEN_PATHS = ("/accounts/", "/static/", "/language/", "/health", "/help")
IDLE = said(
    "Your session ended because nothing was sent for a while. Entries you had not sent are kept as drafts; sign in to go on.",
    "しばらく操作がなかったためセッションを終了しました。送信前の入力は下書きとして保存されています。再度ログインしてください。",
)
OLD = said(
    "Your session reached its longest time. Entries you had not sent are kept as drafts; sign in to go on.",
    "セッションの最長時間に達したため終了しました。送信前の入力は下書きとして保存されています。再度ログインしてください。",
)
TAKEN = said(
    "Your session was used from another browser and has been ended. Sign in again; if that was not you, tell the data centre.",
    "セッションが別のブラウザーから使われたため終了しました。再度ログインしてください。心当たりがない場合はデータセンターへ連絡してください。",
)


def begin(request: HttpRequest) -> None:
    """Bind a new session to the browser that signed in, and start its clocks."""
    now = time.time()  # not `web.clock`: a rehearsal's instant differs between processes
    request.session[_KEY] = {"since": now, "seen": now, "browser": _browser(request)}


def is_bound(request: HttpRequest) -> bool:
    """Say whether a request comes from the browser that signed in."""
    kept = request.session.get(_KEY)
    return kept is not None and constant_time_compare(kept["browser"], _browser(request))


def end_all(account: Account) -> None:
    """End every session of an account, with its next request."""
    account.epoch += 1
    account.save(update_fields=["epoch"])


class SessionMiddleware:
    """Ends sessions that are idle, old or used from another browser; demands a second factor where the settings do.

    A session of a closed account ends by itself: Django asks for an active account with each request. One that was made
    without `begin` (a test's `force_login`) is bound at its first request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, unless the session ends here or a second factor is due."""
        if not request.user.is_authenticated:
            return self._get_response(request)
        ended = _check(request)
        if ended:
            return _end(request, *ended)
        if (
            settings.OLIGAMI_SECOND_FACTOR == "required"
            and not request.path.startswith(_OPEN_PATHS)
            and request.path != "/"
            and not request.user.has_second_factor
        ):
            return _to(request, f"{reverse('mfa_index')}?{urlencode({'due': 'yes'})}")
        response = self._get_response(request)
        # Pages of the trial stay in no cache and not behind the back button of a computer on a ward.
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _check(request: HttpRequest) -> tuple[str, str] | None:
    now = time.time()
    kept = request.session.get(_KEY)
    if kept is None:
        begin(request)
        return None
    if not constant_time_compare(kept["browser"], _browser(request)):
        return "another browser", TAKEN
    if now - kept["since"] > settings.OLIGAMI_SESSION_S:
        return "longest time", OLD
    if now - kept["seen"] > settings.OLIGAMI_IDLE_S:
        return "idle", IDLE
    # What a page asks by itself (polling) does not keep a session alive.
    if now - kept["seen"] > min(_NOTE_S, settings.OLIGAMI_IDLE_S / 2) and "Oligami-Background" not in request.headers:
        request.session[_KEY] = {**kept, "seen": now}
    return None


def _end(request: HttpRequest, why: str, sentence: str) -> HttpResponse:
    record(request, "session_ended", what=why)
    logout(request)
    messages.warning(request, sentence)
    # A form that was sent into an ended session is not sent again: its page is opened, with what the draft keeps.
    came_from = request.get_full_path() if request.method == "GET" else _referring(request)
    return _to(request, f"{reverse('account_login')}?{urlencode({'next': came_from})}")


def _referring(request: HttpRequest) -> str:
    address = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}):
        return "/"
    return urlsplit(address).path or "/"


def _to(request: HttpRequest, address: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": str(IDLE)}, status=401)
    if request.headers.get("HX-Request") == "true":
        # A part of a page cannot hold the sign-on page; htmx opens it instead.
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


def _browser(request: HttpRequest) -> str:
    agent = request.META.get("HTTP_USER_AGENT", "")
    return salted_hmac("oligami.session.browser", agent, algorithm="sha256").hexdigest()[:32]
