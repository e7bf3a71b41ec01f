"""How a page speaks and looks to this reader: language, colours, single-letter keys. Kept in cookies, the same address for all."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from oligami.protocol.text import LANGUAGES, Language

COOKIE = "language"
SCHEMES = ("light", "dark", "contrast")
_YEAR_S = 365 * 24 * 3600


def _name(cookie: str) -> str:
    """Return the name under which a choice is kept: under https no other host can have set it."""
    return f"__Host-{cookie}" if settings.SESSION_COOKIE_SECURE else cookie


def chosen(request: HttpRequest, cookie: str) -> str:
    """Return what a reader chose: `language`, `scheme` or `keys`; empty if nothing."""
    return str(request.COOKIES.get(_name(cookie), ""))


def language_of(request: HttpRequest) -> Language:
    """Return the language of the answer to a request."""
    for word in (request.GET.get("lang"), chosen(request, COOKIE)):
        for language in LANGUAGES:
            if word == language:
                return language
    return LANGUAGES[0]


class LanguageMiddleware:
    """Sets the language of Django's own sentences for the time of a request, and keeps what the address asked for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in the request's language."""
        language = language_of(request)
        request.LANGUAGE_CODE = language  # where Django's own templates look
        with translation.override(language):
            response = self._get_response(request)
        response.headers.setdefault("Content-Language", language)
        if request.GET.get("lang") == language and chosen(request, COOKIE) != language:
            _keep(response, language)
        return response


@require_POST
def choose_look(request: HttpRequest) -> HttpResponse:
    """Keep the colours (`scheme`; empty: the device's) and whether single letters are shortcuts (`keys`: on, off)."""
    response = HttpResponseRedirect(_back(request))
    scheme, keys = request.POST.get("scheme"), request.POST.get("keys")
    if scheme is not None:
        _keep(response, scheme if scheme in SCHEMES else "", cookie="scheme")
    if keys in ("on", "off"):
        _keep(response, keys, cookie="keys")
    return response


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Keep a language and go back to the same page."""
    language = request.POST.get("language", "")
    response = HttpResponseRedirect(_back(request))
    if language in LANGUAGES:
        _keep(response, language)
    return response


def _back(request: HttpRequest) -> str:
    back = request.POST.get("next", "/")
    return back if url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}) else "/"


def _keep(response: HttpResponse, word: str, *, cookie: str = COOKIE) -> None:
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(_name(cookie), word, max_age=_YEAR_S, samesite="Strict", httponly=True, secure=secure)


def words(request: HttpRequest) -> dict[str, Any]:
    """Give templates the language (`lang`), the other one (`other_lang`), the colours and whether letters are shortcuts."""
    language = language_of(request)
    scheme = chosen(request, "scheme")
    return {
        "lang": language,
        "other_lang": "en" if language == "ja" else "ja",
        "scheme": scheme if scheme in SCHEMES else "",
        "keys": "off" if chosen(request, "keys") == "off" else "on",
    }
