"""How a page of this kind becomes a folder: the page, one CSV a table, one JSON of all numbers, each with its provenance."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Text
from oligami.reports.export import csv_field, plain_data
from oligami.reports.page import PAGE, page, write_folder
from oligami.reports.phrases import Filling, Scalar, bilingual, phrase
from oligami.reports.sections.section import Section
from oligami.reports.tables import Table, table_records

NUMBERS = "numbers.json"
TABLES = "csv"

Facts = Mapping[str, Scalar]


def design_facts(protocol: Protocol, software_version: str) -> dict[str, Scalar]:
    """Return where the numbers of a design come from."""
    return {
        "software": "oligami",
        "software_version": software_version,
        "trial": protocol.id,
        "protocol_version": protocol.version,
        "protocol_digest": protocol.digest,
    }


_SIMULATED = Text("Simulated data, nobody real. ", "シミュレーションデータ（実在の被験者ではない）。")


def banner_words(words: Text, *, simulated: bool) -> Text:
    """Return what the reader must know first, and that nobody is real where that is so."""
    return Text(_SIMULATED.en + words.en, _SIMULATED.ja + words.ja) if simulated else words


def header_words(up_to: str, through: int, protocol: Protocol) -> Filling:
    """Return the line that says which cut it is."""
    return phrase(
        "Data up to {d}, through record {n} · protocol {v}",
        "データカットオフ {d}（記録番号{n}まで）・プロトコール{v}版",
        d=up_to,
        n=str(through),
        v=protocol.version,
    )


def write_page(
    out: Path,
    protocol: Protocol,
    *,
    form: str,
    what: Text,
    title: Text,
    header: Filling,
    banner: Text,
    banner_class: str,
    lead: Filling,
    sections: Sequence[Section],
    facts: Facts,
    command: str,
    results: Any,
) -> Sequence[Path]:
    """Write the folder, whole or not at all; the same results give the same bytes.

    Args:
        out: the folder; an earlier one of the same form is replaced.
        protocol: whose trial it is.
        form: name and version of what is written, by which its own kind is recognised.
        what: what the folder holds, for a refusal.
        title: of the window and the footer.
        header: line below the heading.
        banner: what the reader must know before anything else.
        banner_class: how it looks: `simulated` or `real`.
        lead: the findings in a sentence or two.
        sections: in order.
        facts: the provenance.
        command: the command that makes the same again.
        results: frozen results, for the JSON.

    Raises:
        ValueError: `out` is a file or holds something else.
    """
    identification = protocol.trial.identification
    name = identification.acronym or identification.id
    version, digest = facts["software_version"], str(facts["protocol_digest"])[:16]
    written = {
        PAGE: page(
            title=f"{name} — {title.en}",
            trial=f"{name} · {identification.nct_id or identification.id}",
            heading=identification.brief_title,
            header=f'<p class="cut">{bilingual(header)}</p>\n',
            banner=f'<p class="banner {banner_class}" role="note">{bilingual(banner)}</p>\n',
            lead=f'<section class="headline"><p class="finding">{bilingual(lead)}</p></section>\n',
            sections=sections,
            footer=phrase(
                "oligami {v} · protocol {d} · {c}", "oligami {v}・プロトコール {d}・{c}", v=str(version), d=digest, c=command
            ),
        ),
        NUMBERS: json.dumps(
            {"format": form, "provenance": dict(facts), "command": command, "blocks": plain_data(results)},
            ensure_ascii=False,
            allow_nan=False,
            indent=1,
        )
        + "\n",
    }
    tables = [block for section in sections for block in section.blocks if isinstance(block, Table)]
    written |= {f"{TABLES}/{table.id}.csv": _csv(table, facts) for table in tables}

    def is_ours(folder: Path) -> bool:
        numbers = folder / NUMBERS
        return numbers.is_file() and form in numbers.read_text(encoding="utf-8", errors="replace")[:200]

    return write_folder(out, written, is_ours=is_ours, what=what)


def _csv(table: Table, facts: Facts) -> str:
    header, rows = table_records(table)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*header, *(f"provenance_{name}" for name in facts)])
    for row in rows:
        writer.writerow([csv_field(value) for value in (*row, *facts.values())])
    return text.getvalue()
