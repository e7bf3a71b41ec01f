"""The API: what a page can do, for programs. Its description lies at `openapi.json`."""

from functools import cached_property
from typing import Any

from django.core.exceptions import BadRequest
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from ninja import NinjaAPI, Swagger
from ninja.errors import AuthenticationError, HttpError, ValidationError

from oligami import __version__
from oligami.journal.codec import JournalError
from oligami.protocol.text import Text
from oligami.trial.refused import Refused
from oligami.web.api import reading, writing
from oligami.web.api.parsing import StrictParser
from oligami.web.api.router import router
from oligami.web.api.schemas import No
from oligami.web.api.tokens import TokenAuth
from oligami.web.pages.here import Forbidden


class _DescribedOnce(NinjaAPI):
    """The API; its description takes a second to make and is the same for everybody, so it is made once a process."""

    @cached_property
    def _description(self) -> Any:
        return super().get_openapi_schema()

    def get_openapi_schema(self, **named: Any) -> Any:
        """Return the description."""
        return self._description


api = _DescribedOnce(
    title="OLIGAMI",
    version=__version__,
    description="The trial for programs: the same rules, rights and refusals as the pages. / 画面と同じ規則・権限・理由で動く API。",
    auth=TokenAuth(),
    docs=Swagger(),
    docs_url=None,  # its page loads scripts from another host; openapi.json says the same
    urls_namespace="api",
    parser=StrictParser(),
)
for _module in (reading, writing):  # each puts its addresses on the router
    assert _module.router is router
api.add_router("", router)


@api.exception_handler(Forbidden)
def _forbidden(request: HttpRequest, no: Forbidden) -> HttpResponse:
    return api.create_response(request, No.of(no.what, no.reasons).model_dump(), status=403)


@api.exception_handler(Refused)
def _refused(request: HttpRequest, no: Refused) -> HttpResponse:
    return api.create_response(request, No.of(no.what, no.reasons).model_dump(), status=409)


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, no: Http404) -> HttpResponse:
    return api.create_response(request, No.of(_NOT_FOUND, ()).model_dump(), status=404)


@api.exception_handler(AuthenticationError)
def _not_signed_in(request: HttpRequest, no: AuthenticationError) -> HttpResponse:
    response = api.create_response(request, No.of(_TOKEN, ()).model_dump(), status=401)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(ValidationError)
def _unreadable(request: HttpRequest, no: ValidationError) -> HttpResponse:
    # Where and what was expected; what was sent may be a person's data and is not sent back.
    faults = [{"where": [str(part) for part in fault["loc"]], "expected": fault["msg"]} for fault in no.errors]
    return api.create_response(request, {**No.of(_UNREADABLE, ()).model_dump(), "faults": faults}, status=422)


@api.exception_handler(HttpError)
@api.exception_handler(BadRequest)
def _bad_request(request: HttpRequest, no: Exception) -> HttpResponse:
    return api.create_response(request, No.of(_UNREADABLE, ()).model_dump(), status=getattr(no, "status_code", 400))


@api.exception_handler(OperationalError)
@api.exception_handler(JournalError)
def _unavailable(request: HttpRequest, no: Exception) -> HttpResponse:
    return api.create_response(request, No.of(_UNAVAILABLE, ()).model_dump(), status=503)


_NOT_FOUND = Text("There is nothing here, or nothing for you", "存在しないか、閲覧できません")
_TOKEN = Text("A token is needed: Authorization: Bearer …", "トークンが必要です（Authorization: Bearer …）")
_UNREADABLE = Text(
    "The request does not have the form that openapi.json describes", "リクエストが openapi.json の形式と合いません"
)
_UNAVAILABLE = Text(
    "The journal could not be read or written just now; the same command id may be sent again",
    "いま記録の読み書きができません。同じコマンド番号で再送できます",
)

urlpatterns = [path("", api.urls)]
