"""Who saw which subject and which list, when (practice H.5): kept for every page in one place, so that none can forget to.

A page that keeps its own line (identity data, receipts, files taken) is left to it. Parts of a page that a page fetches by itself
are not seen anew, so they make no line.
"""

from collections.abc import Callable
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse

from oligami.web.accounts.access import record
from oligami.web.pages.answers import AnswersMiddleware

#: Pages that show many subjects at once.
_LISTS = frozenset(
    (
        *("worklist", "subjects", "queries", "warned", "overdue", "review", "forms", "cut", "centre", "drafts"),
        *("worklist_csv", "worklist_json", "worklist_ics", "subjects_csv", "subjects_json"),
    )
)
_FILES = ("_csv", "_json", "_ics", "_text", "_take", "_file")
_PAPER = ("_print",)


class WatchMiddleware:
    """Adds a line to the access log when a signed-in person was shown a subject or a list of them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer; what cannot be recorded is not shown."""
        response = self._get_response(request)
        line = _line(request, response)
        if line is None:
            return response
        kind, what, trial = line
        try:
            record(request, kind, what=what, trial=trial)
        except OperationalError as error:
            return AnswersMiddleware(self._get_response).process_exception(request, error) or response
        return response


def _line(request: HttpRequest, response: HttpResponse) -> tuple[str, str, str] | None:
    match: Any = request.resolver_match
    if match is None or request.method != "GET" or response.status_code != 200 or not request.user.is_authenticated:
        return None
    if getattr(request, "access_recorded", False) or request.headers.get("HX-Request") == "true":
        return None
    name = match.url_name or ""
    subject = match.kwargs.get("subject_id") or match.kwargs.get("subject")
    if not subject and name not in _LISTS:
        return None
    printed = name.endswith(_PAPER) or request.GET.get("print") == "1"
    kind = "export" if name.endswith(_FILES) else "print" if printed else "view"
    what = f"subject {subject}: {name}" if subject else f"list: {name}"
    return kind, what, str(match.kwargs.get("trial_id") or match.kwargs.get("trial") or "")
