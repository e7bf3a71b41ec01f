"""The report as a folder: one self-contained page in both languages, one JSON of all numbers, one CSV a table.

The page holds no script and fetches nothing. Its language is switched by two radio buttons and the page's own style, so that
it works from a file, in an archive and in print.
"""

import tempfile
from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from oligami.analysis.provenance import command_again
from oligami.analysis.results import Results
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.export import FORMAT, numbers_json, table_csv
from oligami.reports.figures import Figure
from oligami.reports.phrases import Filling, bilingual, phrase
from oligami.reports.sections import (
    adherence,
    conduct,
    headline,
    methods,
    patient_reported,
    progression,
    safety,
    survival,
    treatment,
)
from oligami.reports.sections.section import Section
from oligami.reports.tables import Table, duration_cell, table_html
from oligami.reports.words import Labels

PAGE = "index.html"
NUMBERS = "numbers.json"
TABLES = "csv"


def write_report(
    results: Results, protocol: Protocol, out: Path, *, progress: Callable[[str], None] | None = None
) -> Sequence[Path]:
    """Write the report of a cut; the same results give the same bytes.

    It is written beside its place and put there at the end, so that nothing half-written is ever found there. An earlier report in
    the same place is replaced.

    Args:
        results: of the cut.
        protocol: the version in force, for words.
        out: folder of the report.
        progress: told the name of each file as it is written.

    Returns:
        The files written, the page first.

    Raises:
        ValueError: `out` is a file, or a folder that holds something else than a report.
    """
    _check_place(out)
    sections = report_sections(results, protocol)
    tables = [block for section in sections for block in section.blocks if isinstance(block, Table)]
    written: dict[str, str] = {PAGE: page_html(results, protocol, sections), NUMBERS: numbers_json(results)}
    written |= {f"{TABLES}/{table.id}.csv": table_csv(table, results) for table in tables}

    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as workplace:
        fresh = Path(workplace) / "report"
        (fresh / TABLES).mkdir(parents=True)
        for name, content in written.items():
            if progress is not None:
                progress(name)
            (fresh / name).write_bytes(content.encode("utf-8"))
        if out.exists():
            out.replace(Path(workplace) / "previous")
        fresh.replace(out)
    return [out / name for name in written]


def _check_place(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise ValueError(f"{out} is not a folder; give a new folder for the report")
    if not out.is_dir() or not any(out.iterdir()):
        return
    numbers = out / NUMBERS
    strange = sorted(own.name for own in out.iterdir() if own.name not in (PAGE, NUMBERS, TABLES))
    ours = numbers.is_file() and FORMAT in numbers.read_text(encoding="utf-8", errors="replace")[:200]
    if not ours or strange:
        found = f", it holds {', '.join(strange[:3])}" if strange else ""
        raise ValueError(f"{out} is not a report of ours{found}; give a new or empty folder, or remove what is there")


def report_sections(results: Results, protocol: Protocol) -> list[Section]:
    """Make the sections in the order of the report; of what the protocol neither gives nor records there is none."""
    labels = Labels(protocol)
    sections = [
        conduct.flow_section(results, labels),
        conduct.accrual_section(results, labels),
        conduct.baseline_section(results, labels),
    ]
    endpoints = [own for own in protocol.analysis.endpoint if own.alternative_of is None]
    primary = [own for own in endpoints if own.id == results.headline.primary]
    sections += [survival.endpoint_section(results, own, labels) for own in primary]
    sections += [treatment.local_therapy_section(results, labels)] if results.local_therapy else []
    sections += [treatment.therapy_section(results, labels)] if results.therapy else []
    for own in endpoints:
        if own.id in results.endpoints and own not in primary:
            sections.append(survival.endpoint_section(results, own, labels))
        elif own.id in results.progression_sites:
            sections.append(progression.progression_section(results, own, labels))
    if results.safety is not None:
        sections.append(safety.safety_section(results.safety, labels))
    if results.quality_of_life is not None:
        sections.append(patient_reported.quality_of_life_section(results, results.quality_of_life, labels))
    sections += [
        adherence.deviations_section(results, labels),
        adherence.data_quality_section(results, labels),
        methods.methods_section(results, labels),
    ]
    return sections


def page_html(results: Results, protocol: Protocol, sections: Sequence[Section]) -> str:
    """Write the page: headline, contents, sections, provenance."""
    labels = Labels(protocol)
    identification = protocol.trial.identification
    name = identification.acronym or identification.org_study_id or identification.id
    style = files("oligami.reports").joinpath("report.css").read_text(encoding="utf-8")
    cut = results.provenance.up_to.isoformat()
    counters = {"table": 0, "figure": 0}
    body = "".join(_section_html(section, at, counters) for at, section in enumerate(sections, start=1))
    contents = "".join(f'<li><a href="#{section.id}">{bilingual(section.title)}</a></li>' for section in sections)
    title = f"{name} — {cut}"
    return (
        '<!DOCTYPE html>\n<html lang="ja">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        '<input type="radio" name="language" id="ja" checked aria-label="日本語">'
        '<input type="radio" name="language" id="en" aria-label="English">\n'
        f'<a class="skip" href="#main">{bilingual(phrase("Skip to the results", "結果へ移動"))}</a>\n'
        '<div class="page">\n<header>\n'
        '<p class="language"><label for="ja" lang="ja">日本語</label><label for="en" lang="en">English</label></p>\n'
        f'<p class="trial">{escape(name)} · {escape(identification.nct_id or identification.id)}</p>\n'
        f"<h1>{bilingual(identification.brief_title)}</h1>\n"
        f"{_cut_html(results)}</header>\n"
        f"{_banner_html(results)}"
        f'<main id="main">\n{_headline_html(results, labels)}'
        f'<nav aria-label="目次 / Contents"><ol>{contents}</ol></nav>\n{body}</main>\n'
        f"{_footer_html(results)}</div>\n</body>\n</html>\n"
    )


def _cut_html(results: Results) -> str:
    words = phrase(
        "Data up to {day}, through record {through} · protocol {version}",
        "データカットオフ {day}（記録番号{through}まで）・プロトコール{version}版",
        day=results.provenance.up_to.isoformat(),
        through=phrases.whole(results.provenance.through).shown,
        version=results.provenance.protocol_version,
    )
    return f'<p class="cut">{bilingual(words)}</p>\n'


def _banner_html(results: Results) -> str:
    if results.provenance.simulated:
        words = Text(
            "Simulated data. No real subject is described here; nothing on this page is a result of the trial.",
            "シミュレーションデータ。実在の被験者の情報ではなく、本試験の結果でもない。",
        )
    else:
        words = Text(
            "Shows results by arm: until they are released, only for those who may see them.",
            "群別の結果を含む。公表まで閲覧は権限のある者に限る。",
        )
    kind = "simulated" if results.provenance.simulated else "closed"
    return f'<p class="banner {kind}" role="note">{bilingual(words)}</p>\n'


def _headline_html(results: Results, labels: Labels) -> str:
    head = results.headline
    result = results.endpoints[head.primary]
    lines = "".join(
        f"<div><dt>{bilingual(term)}</dt><dd>{bilingual(words)}</dd></div>\n"
        for term, words in headline.headline_lines(results, labels)
    )
    counts = phrase(
        "{n} randomized, {deaths} events of the primary endpoint.",
        "割付{n}例、主要エンドポイントのイベント{deaths}件。",
        n=phrases.whole(head.randomized),
        deaths=phrases.whole(head.deaths),
    )
    follow_up: Filling = ""
    if result.overall is not None:
        days = result.overall.follow_up_days
        median = duration_cell(days, result.curve_level, labels.protocol.analysis.days_per_month).shown
        follow_up = phrase("Median follow-up {m} months.", "追跡期間中央値 {m}か月。", m=median)
    if head.planned_analysis is None:
        planned = phrase(
            "{n} are planned for randomization.",
            "割付の予定数は{n}例。",
            n=phrases.whole(labels.protocol.design.randomized_planned),
        )
    elif head.is_planned_analysis:
        planned = phrase(
            "The planned analysis was due on {day}.",
            "計画された主たる解析の時期（{day}）に達している。",
            day=head.planned_analysis.isoformat(),
        )
    else:
        planned = phrase(
            "The planned analysis is due on {day}.", "計画された主たる解析は{day}。", day=head.planned_analysis.isoformat()
        )
    return (
        f'<section class="headline" aria-labelledby="headline"><h2 id="headline">{bilingual(labels.endpoint(head.primary))}</h2>\n'
        f"<dl>\n{lines}</dl>\n<p>{bilingual(counts)} {bilingual(follow_up)} {bilingual(planned)}</p></section>\n"
    )


def _section_html(section: Section, number: int, counters: dict[str, int]) -> str:
    parts = [
        f'<section aria-labelledby="{section.id}"><h2 id="{section.id}"><span class="number">{number}</span> '
        f"{bilingual(section.title)}</h2>\n"
        f'<p class="finding">{bilingual(section.finding)}</p>\n'
    ]
    # A figure names the table that holds its numbers; tables are numbered as they come.
    tables = [block for block in section.blocks if isinstance(block, Table)]
    numbers = {table.id: counters["table"] + at for at, table in enumerate(tables, start=1)}
    counters["table"] += len(tables)
    for block in section.blocks:
        if isinstance(block, Table):
            parts.append(table_html(block, numbers[block.id]))
        elif isinstance(block, Figure):
            counters["figure"] += 1
            parts.append(_figure_html(block, counters["figure"], numbers.get(block.table)))
        else:
            parts.append(f'<p class="remark">{bilingual(block)}</p>\n')
    return "".join(parts) + "</section>\n"


def _figure_html(figure: Figure, number: int, table: int | None) -> str:
    label = bilingual(phrase("Figure {n}.", "図{n}", n=str(number)))
    twin = ""
    if table is not None:
        same = bilingual(phrase("Numbers in Table {n}", "数値は表{n}", n=str(table)))
        twin = f' <a href="#table-{figure.table}">{same}</a>'
    return (
        f'<figure id="figure-{figure.id}"><div class="scroll">{figure.svg}</div>\n'
        f"<figcaption><b>{label}</b> {bilingual(figure.caption)}{twin}</figcaption></figure>\n"
    )


def _footer_html(results: Results) -> str:
    own = results.provenance
    words = phrase(
        "{software} {version} · protocol {digest} · journal {head} · {again}",
        "{software} {version}・プロトコール {digest}・ジャーナル {head}・{again}",
        software=own.software,
        version=own.software_version,
        digest=own.protocol_digest[:16],
        head=own.journal_head[:16],
        again=command_again(own),
    )
    return f"<footer><p>{bilingual(words)}</p></footer>\n"
