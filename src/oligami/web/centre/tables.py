"""Tables that leave a page as CSV or JSON, with nothing in a cell that a spreadsheet would carry out."""

import csv
import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse

from oligami.web.pages.here import Here

#: What a spreadsheet may take for the beginning of a formula.
_FORMULA = "=+-@\t\r"


def defused(value: object) -> object:
    """Return a cell that a spreadsheet will not take for a formula."""
    return f"'{value}" if isinstance(value, str) and value and value[0] in _FORMULA else value


def table_answer(
    request: HttpRequest, here: Here, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> HttpResponse | None:
    """Return the table as the file that `?as=csv` or `?as=json` asks for; None: a page was asked for.

    Args:
        request: holds `as`.
        here: names the trial in the file's name.
        name: of the table, in the file's name.
        columns: their names, the same in both kinds of file.
        rows: the cells in the order of the columns; read only if a file was asked for.
    """
    match request.GET.get("as"):
        case "csv":
            response = HttpResponse(content_type="text/csv; charset=utf-8")
            response.write("\ufeff")  # or a spreadsheet reads the Japanese wrongly
            writer = csv.writer(response)
            writer.writerow(columns)
            writer.writerows([defused(cell) for cell in row] for row in rows)
        case "json":
            told = [dict(zip(columns, row, strict=True)) for row in rows]
            response = HttpResponse(
                json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False), content_type="application/json; charset=utf-8"
            )
        case _:
            return None
    kind = request.GET["as"]
    response.headers["Content-Disposition"] = f'attachment; filename="{here.trial_id}-{name}.{kind}"'
    return response
