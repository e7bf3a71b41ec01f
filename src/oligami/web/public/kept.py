"""Pages of the public record as bytes: rendered once for each state of the record, language and colours, then handed out.

Nothing of the visitor stands in them, so they are the same for everybody, may be kept by a browser, and are asked for again by
their tag. What changes the record changes the key, so an old page is never handed out.
"""

import gzip
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

_MOST = 256  # pages; the newest ones of all versions and comparisons somebody looks at
_SMALL = 1000  # bytes; below, packing gains nothing

HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    """A page ready to be sent."""

    plain: bytes
    packed: bytes | None
    tag: str
    content_type: str


_pages: OrderedDict[tuple[object, ...], Page] = OrderedDict()
_lock = Lock()


def forget(trial: str) -> None:
    """Forget the pages of a trial; the first part of a page's key is the trial it belongs to."""
    with _lock:
        for key in [key for key in _pages if key[0] == trial]:
            del _pages[key]


def answer(request: HttpRequest, key: tuple[object, ...], make: Callable[[], str], *, content_type: str = HTML) -> HttpResponse:
    """Return the page of a key, made by `make` if it is not at hand; 304 to a browser that has it."""
    with _lock:
        page = _pages.get(key)
        if page is not None:
            _pages.move_to_end(key)
    if page is None:
        page = _page(make().encode(), content_type)
        with _lock:
            _pages[key] = page
            while len(_pages) > _MOST:
                _pages.popitem(last=False)
    return _send(request, page)


def send(request: HttpRequest, text: str, *, content_type: str = HTML, status: int = 200) -> HttpResponse:
    """Return a page that is not kept, under the same rules."""
    return _send(request, _page(text.encode(), content_type), status=status)


def _page(plain: bytes, content_type: str) -> Page:
    packed = gzip.compress(plain, compresslevel=9, mtime=0) if len(plain) > _SMALL else None
    return Page(plain, packed, sha256(plain).hexdigest()[:32], content_type)


def _send(request: HttpRequest, page: Page, *, status: int = 200) -> HttpResponse:
    # No secret and nothing of the visitor's stands beside what he sends, so packing gives nothing away (BREACH).
    packed = page.packed is not None and "gzip" in request.headers.get("Accept-Encoding", "")
    tag = f'"{page.tag}{"-gzip" if packed else ""}"'
    response: HttpResponse
    if status == 200 and tag in [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]:
        response = HttpResponseNotModified()
    else:
        body = page.packed if packed and page.packed is not None else page.plain
        response = HttpResponse(body, content_type=page.content_type, status=status)
        response.headers["Content-Length"] = str(len(body))
        if packed:
            response.headers["Content-Encoding"] = "gzip"
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "no-cache"  # kept, but asked for again each time: a status may change any moment
    response.headers["Vary"] = "Accept-Encoding, Cookie"
    return response
