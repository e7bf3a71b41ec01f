"""The report as a folder: one self-contained page in both languages, one JSON of all numbers, one CSV a table.

How a page is made, and how a folder is replaced as a whole, is `page`'s business.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from oligami.analysis.provenance import command_again
from oligami.analysis.results import Results
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.export import FORMAT, numbers_json, table_csv
from oligami.reports.page import PAGE, page, write_folder
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
from oligami.reports.tables import Table, duration_cell
from oligami.reports.words import Labels

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
    sections = report_sections(results, protocol)
    tables = [block for section in sections for block in section.blocks if isinstance(block, Table)]
    written: dict[str, str] = {PAGE: page_html(results, protocol, sections), NUMBERS: numbers_json(results)}
    written |= {f"{TABLES}/{table.id}.csv": table_csv(table, results) for table in tables}

    return write_folder(out, written, is_ours=_is_report, what=Text("report", "報告書"), progress=progress)


def _is_report(folder: Path) -> bool:
    numbers = folder / NUMBERS
    return numbers.is_file() and FORMAT in numbers.read_text(encoding="utf-8", errors="replace")[:200]


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
    cut = results.provenance.up_to.isoformat()
    return page(
        title=f"{name} — {cut}",
        trial=f"{name} · {identification.nct_id or identification.id}",
        heading=identification.brief_title,
        header=_cut_html(results),
        banner=_banner_html(results),
        lead=_headline_html(results, labels),
        sections=sections,
        footer=_footer(results),
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


def _footer(results: Results) -> Filling:
    own = results.provenance
    return phrase(
        "{software} {version} · protocol {digest} · journal {head} · {again}",
        "{software} {version}・プロトコール {digest}・ジャーナル {head}・{again}",
        software=own.software,
        version=own.software_version,
        digest=own.protocol_digest[:16],
        head=own.journal_head[:16],
        again=command_again(own),
    )
