"""What every list shares: choices from the address, pages of 100 rows, and the files a list can be taken as."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from oligami.web.pages.here import Here

PAGE_ROWS = 100
#: A spreadsheet takes a cell that begins so for a formula, and would carry it out.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def choice(request: HttpRequest, name: str, allowed: Iterable[str]) -> str:
    """Return what the address chooses, "" for nothing.

    Raises:
        BadRequest: it is none of the choices.
    """
    word = request.GET.get(name, "")
    if word and word not in allowed:
        raise BadRequest(f"no such {name}")
    return word


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list. first, last: numbers of its rows, from 1. query: the address's choices without the page."""

    number: int
    pages: int
    first: int
    last: int
    total: int
    query: str

    @property
    def before(self) -> int | None:
        """The page before, if there is one."""
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        """The page after, if there is one."""
        return self.number + 1 if self.number < self.pages else None

    @property
    def window(self) -> slice:
        """The rows of the page."""
        return slice(self.first - 1 if self.total else 0, self.last)


def page_of(request: HttpRequest, total: int) -> Page:
    """Return the page of a list of so many rows that the address asks for.

    Raises:
        BadRequest: there is no such page.
    """
    pages = max(1, -(-total // PAGE_ROWS))
    asked = request.GET.get("page") or "1"
    if not (asked.isascii() and asked.isdecimal() and len(asked) <= 6 and 1 <= int(asked) <= pages):
        raise BadRequest("no such page")
    number = int(asked)
    kept = request.GET.copy()
    kept.pop("page", None)
    kept.pop("lang", None)
    first = (number - 1) * PAGE_ROWS + 1
    return Page(
        number=number,
        pages=pages,
        first=min(first, total),
        last=min(total, first + PAGE_ROWS - 1),
        total=total,
        query=kept.urlencode(),
    )


def defuse(value: Any) -> str:
    """Return a value as a cell of a CSV file that no spreadsheet takes for a formula."""
    words = "" if value is None else value.isoformat() if isinstance(value, date | datetime) else str(value)
    return f"'{words}" if words.startswith(_FORMULA) else words


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV with a heading, every cell defused; a leading mark tells spreadsheets that it is UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([defuse(row.get(column)) for column in columns] for row in rows)
    return "\ufeff" + out.getvalue()


def csv_file(name: str, text: str) -> HttpResponse:
    """Return CSV as a file to be saved."""
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def json_file(rows: Iterable[Mapping[str, Any]]) -> HttpResponse:
    """Return rows as JSON."""
    text = json.dumps({"rows": list(rows)}, ensure_ascii=False, default=lambda value: value.isoformat())
    response = HttpResponse(text, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


def render_list(request: HttpRequest, here: Here, name: str, context: dict[str, Any]) -> HttpResponse:
    """Return a list as a page; to htmx, which has the page already, only its rows."""
    only_rows = bool(getattr(request, "htmx", False)) and "HX-History-Restore-Request" not in request.headers
    response = here.render(f"{name}_rows.html" if only_rows else f"{name}.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response
