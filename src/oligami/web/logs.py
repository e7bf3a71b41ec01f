"""Structured logs, one JSON object a line on standard error, without a single item value.

A request is logged by method, route, status, duration and person; never by its query, its body or its headers. An error is
logged by type and places in the code; never by its message, which may quote what somebody typed. What other libraries say is
logged by who says it and how grave it is, for the same reason.
"""

import logging
import secrets
import sys
import time
import traceback
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

import structlog
from django.http import HttpRequest, HttpResponse
from gunicorn.glogging import Logger

#: Who is quoted: ourselves and the server, whose sentences we know.
_QUOTED = ("oligami", "gunicorn")
#: A route that is asked every few seconds by the machine that watches the server, and said only when it fails.
_WATCHED = "health"
_FAILURE = 500
_STACK = 30
_CAUSES = 5

log = structlog.get_logger("oligami.requests")


def configure(level: int = logging.INFO, *, to: TextIO | None = None) -> None:
    """Let everything that this process logs come out as JSON lines, from this level on; on standard error unless told where."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, _withhold],
        processors=[
            _place_error,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(to or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, known in logging.root.manager.loggerDict.items():
        if isinstance(known, logging.Logger) and name.partition(".")[0] in ("django", "allauth", "gunicorn"):
            known.handlers[:] = []
            known.propagate = True
    # The middleware below logs requests and their errors; Django would log them again, with path and message.
    logging.getLogger("django.request").setLevel(logging.CRITICAL)


def _withhold(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop the words of what others log."""
    if str(event.get("logger", "")).partition(".")[0] not in _QUOTED:
        event["event"] = "said elsewhere; its words are withheld, for they may hold item values"
    event.pop("positional_args", None)
    return event


def _place_error(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put type and places of an error in place of its message."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event.update(describe_error(error))
    event.pop("exception", None)
    return event


def describe_error(error: BaseException) -> dict[str, Any]:
    """Return type and places of an error, and of those that it came from, without messages and values."""
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain and len(chain) < _CAUSES:
        chain.append(step)
        step = step.__cause__ or step.__context__
    return {
        "error": " < ".join(f"{type(each).__module__}.{type(each).__qualname__}" for each in chain),
        "places": [
            f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-_STACK:]
        ],
    }


class RequestLogMiddleware:
    """Logs each request once and gives it a trace id, which the answer carries (`X-Trace`) and an error page can show."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and log."""
        began = time.perf_counter()
        request.trace = secrets.token_hex(8)
        response = self._get_response(request)
        response.headers["X-Trace"] = request.trace
        route = route_of(request)
        failed = response.status_code >= _FAILURE
        if route != _WATCHED or failed:
            # The session may not have been asked at all: then nobody asks it for the log's sake.
            person = getattr(getattr(request, "_cached_user", None), "person", None)
            log.log(
                logging.ERROR if failed else logging.INFO,
                "request",
                method=request.method if request.method in _METHODS else "other",
                route=route,
                status=response.status_code,
                ms=round((time.perf_counter() - began) * 1000, 1),
                person=person,
                trace=request.trace,
            )
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        """Log where an error came from that no page handles."""
        log.error("failed", route=route_of(request), trace=request.trace, **describe_error(error))


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def route_of(request: HttpRequest) -> str:
    """Return the name of the page a request reached, with its pattern where it has no name; never the address itself."""
    match = request.resolver_match
    if match is None:
        return "none"
    return match.view_name or match.route


class ServerLog(Logger):
    """Gunicorn's own sentences, by the way of all logs; it keeps no log of requests, and touches no handler."""

    def setup(self, cfg: Any) -> None:
        """Leave the handlers as `configure` put them."""
        self.cfg = cfg
        self.loglevel = self.LOG_LEVELS.get(cfg.loglevel.lower(), logging.WARNING)
        self.error_log.propagate = True
        self.error_log.setLevel(self.loglevel)
        self._access_log_enabled = False
