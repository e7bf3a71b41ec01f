"""How no is said: refusals, missing rights, unknown addresses and faults become pages with sentences."""

import logging
import secrets
from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from oligami.journal.codec import JournalError
from oligami.trial.refused import Refused
from oligami.web.pages.here import Forbidden

_log = logging.getLogger("oligami.web")


class AnswersMiddleware:
    """Turns what the core says no with into pages: 403 with the reasons, 409 with every reason, 503 when the database is busy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on, unless its address is one that no database would take."""
        if "\0" in request.path_info:  # PostgreSQL refuses it in a text, as a fault of the program
            return _page(request, "pages/bad_request.html", 400)
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for an exception that is an answer; leave a fault of the program to the fault page."""
        match exception:
            case Forbidden():
                return _page(request, "pages/forbidden.html", 403, what=exception.what, reasons=exception.reasons)
            case Refused():
                return _page(request, "pages/refused.html", 409, what=exception.what, reasons=exception.reasons)
            case OperationalError() | JournalError():
                trace = _trace(request, exception)
                return _page(request, "pages/unavailable.html", 503, trace=trace)
        return None


def _page(request: HttpRequest, template: str, status: int, **context: object) -> HttpResponse:
    return render(request, template, {"here": getattr(request, "here", None), **context}, status=status)


def _trace(request: HttpRequest, exception: BaseException | None) -> str:
    """Log a fault under the number that the page shows and the request's log line has; kind and place, no values."""
    number = str(getattr(request, "trace", "") or secrets.token_hex(8))
    where = ""
    frame = exception.__traceback__ if exception is not None else None
    while frame is not None:
        where = f"{frame.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{frame.tb_lineno}"
        frame = frame.tb_next
    _log.error("fault %s %s %s", number, type(exception).__name__, where)
    return number


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400."""
    return _page(request, "pages/bad_request.html", 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403."""
    return _page(request, "pages/forbidden.html", 403, what=None, reasons=())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404, the same whether there is nothing or nothing for this person."""
    return _page(request, "pages/not_found.html", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 with a number to tell, and no stack trace."""
    import sys

    return _page(request, "pages/server_error.html", 500, trace=_trace(request, sys.exc_info()[1]))
