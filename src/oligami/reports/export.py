"""The numbers for programs: one JSON of all results and one CSV a table, each with its provenance.

A CSV carries its provenance in its last columns, on every row: it is read by `read.csv` as it is, keeps its origin when rows are
stacked or cut out, and needs no agreement on comment lines.
"""

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

from oligami.analysis.provenance import command_again, provenance_facts
from oligami.analysis.results import Results
from oligami.protocol.text import Text
from oligami.reports.phrases import Scalar
from oligami.reports.tables import Table, table_records

FORMAT = "oligami-report/1"


def numbers_json(results: Results) -> str:
    """Write all results as JSON, each block with its provenance; not a number stands as null."""
    facts = provenance_facts(results.provenance)
    blocks = {
        block.name: {"provenance": facts, "results": plain_data(getattr(results, block.name))}
        for block in fields(results)
        if block.name not in ("provenance", "arms")
    }
    document = {
        "format": FORMAT,
        "provenance": facts,
        "command": command_again(results.provenance),
        "arms": list(results.arms),
        "blocks": blocks,
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def plain_data(value: Any) -> Any:
    """Turn frozen results into what JSON can hold.

    Raises:
        ValueError: a value is of a kind that no result should have.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Text):
        return {"en": value.en, "ja": value.ja}
    if is_dataclass(value):
        return {own.name: plain_data(getattr(value, own.name)) for own in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain_data(own) for key, own in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain_data(own) for own in value]
    raise ValueError(f"a result holds a {type(value).__name__}; it may hold numbers, words, dates and results")


def table_csv(table: Table, results: Results) -> str:
    """Write a table as CSV (UTF-8, comma, header in the first line, empty for what is not known)."""
    header, rows = table_records(table)
    facts = provenance_facts(results.provenance)
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([*header, *(f"provenance_{name}" for name in facts)])
    for row in rows:
        writer.writerow([csv_field(value) for value in (*row, *facts.values())])
    return written.getvalue()


def csv_field(value: Scalar) -> str:
    """Write a value for a CSV: empty where not known, TRUE and FALSE as R reads them, floats unrounded."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return repr(value) if isinstance(value, float) else str(value)
