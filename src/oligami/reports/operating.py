"""The page of operating characteristics: how a design behaves under every scenario, in tables and pictures, and every number as CSV."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.export import csv_field, plain_data
from oligami.reports.operating_sections import operating_sections
from oligami.reports.page import PAGE, check_place, page, write_folder
from oligami.reports.phrases import bilingual, phrase
from oligami.reports.sections.section import Section
from oligami.reports.tables import Table, table_records
from oligami.simulation.fast.operating import OperatingCharacteristics
from oligami.simulation.fast.study import Study

FORMAT = "oligami-operating/1"
NUMBERS = "numbers.json"
TABLES = "csv"
_WHAT = Text("report of simulations", "シミュレーション報告")


def write_operating_report(
    study: Study, out: Path, *, software_version: str, command: str, progress: Callable[[str], None] | None = None
) -> Sequence[Path]:
    """Write the page, one CSV a table and one JSON of all numbers; the same study gives the same bytes.

    Args:
        study: what was simulated.
        out: the folder; an earlier report of this kind is replaced.
        software_version: for the provenance.
        command: the command that gives the same report again.
        progress: told the name of each file.

    Raises:
        ValueError: `out` is a file or holds something else.
    """
    sections = operating_sections(study)
    facts = _facts(study, software_version)
    written = {PAGE: operating_page(study, sections, facts, command), NUMBERS: _numbers(study, facts, command)}
    tables = [block for section in sections for block in section.blocks if isinstance(block, Table)]
    written |= {f"{TABLES}/{table.id}.csv": _csv(table, facts) for table in tables}
    return write_folder(out, written, is_ours=_is_ours, what=_WHAT, progress=progress)


def check_operating_place(out: Path) -> None:
    """Refuse, before hours of simulation, a place that holds something else than such a report.

    Raises:
        ValueError: it does.
    """
    check_place(out, {PAGE, NUMBERS, TABLES}, _is_ours, _WHAT)


def operating_page(study: Study, sections: Sequence[Section], facts: dict[str, Any], command: str) -> str:
    """Write the page."""
    identification = study.protocol.trial.identification
    name = identification.acronym or identification.id
    base = next(each for each in study.scenarios if each.scenario.id == study.base)
    primary = next(iter(base.result.power))
    lead_words = phrase(
        "Under the scenario “{scenario}” the primary test rejects in {power} % of {n} simulated trials (Monte Carlo error {error}); "
        "a trial takes {months} months and sees {events} events among {randomized} randomized.",
        "シナリオ「{scenario}」では、模擬試験{n}回のうち主たる検定の棄却割合は{power}%（モンテカルロ誤差{error}）。"
        "試験期間は平均{months}か月、割付{randomized}例中のイベントは{events}件。",
        scenario=base.scenario.title,
        power=phrases.percent(base.result.power[primary].value),
        error=phrases.percent(base.result.power[primary].std_err, 2),
        n=phrases.whole(base.result.trials),
        months=phrases.decimal(base.result.duration.mean, 1),
        events=phrases.decimal(base.result.events.mean, 1),
        randomized=phrases.decimal(base.result.randomized.mean, 1),
    )
    banner = Text(
        "Simulated trials under assumptions; nothing on this page is a result of the trial.",
        "仮定に基づく模擬試験の結果であり、本試験の結果ではない。",
    )
    header = phrase(
        "Operating characteristics · protocol {version} · seed {seed}",
        "動作特性・プロトコール{version}版・シード {seed}",
        version=study.protocol.version,
        seed=str(study.seed),
    )
    footer = phrase(
        "{software} {version} · protocol {digest} · engine {engine} · {command}",
        "{software} {version}・プロトコール {digest}・計算 {engine}・{command}",
        software="oligami",
        version=str(facts["software_version"]),
        digest=study.protocol.digest[:16],
        engine=study.engine,
        command=command,
    )
    return page(
        title=f"{name} — operating characteristics",
        trial=f"{name} · {identification.nct_id or identification.id}",
        heading=identification.brief_title,
        header=f'<p class="cut">{bilingual(header)}</p>\n',
        banner=f'<p class="banner simulated" role="note">{bilingual(banner)}</p>\n',
        lead=f'<section class="headline"><p class="finding">{bilingual(lead_words)}</p></section>\n',
        sections=sections,
        footer=footer,
    )


def _facts(study: Study, software_version: str) -> dict[str, Any]:
    return {
        "software": "oligami",
        "software_version": software_version,
        "trial": study.protocol.id,
        "protocol_version": study.protocol.version,
        "protocol_digest": study.protocol.digest,
        "seed": study.seed,
        "trials": study.trials,
        "cell_trials": study.cell_trials,
        "engine": study.engine,
    }


def _numbers(study: Study, facts: dict[str, Any], command: str) -> str:
    blocks = {
        "scenarios": {each.scenario.id: _named(each.result) for each in study.scenarios},
        "designs": [
            {
                "information": list(each.information),
                "events": list(each.events),
                "under_scenario": _named(each.under_scenario),
                "under_null": _named(each.under_null),
            }
            for each in study.designs
        ],
        "sweep": [{"values": dict(cell.values), "result": _named(cell.characteristics)} for cell in study.cells],
        "calendars": plain_data(study.calendars),
        "predictability": plain_data(study.predictability),
    }
    document = {"format": FORMAT, "provenance": facts, "command": command, "blocks": blocks}
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _named(result: OperatingCharacteristics) -> Any:
    """Return plain data with tests by name and derived values beside the sums."""
    power = {test.name.lower(): {"share": s.value, "std_err": s.std_err, "hits": s.hits} for test, s in result.power.items()}
    looks = [
        {
            "look": look.look,
            "efficacy": plain_data(look.efficacy),
            "futility": plain_data(look.futility),
            "months": plain_data(look.time.mean),
            "events": plain_data(look.events.mean),
            "stops_efficacy": look.stops_efficacy.value,
            "stops_futility": look.stops_futility.value,
            "crossed": {test.name.lower(): s.value for test, s in look.crossed.items()},
        }
        for look in result.looks
    ]
    return {
        "trials": result.trials,
        "plan": result.plan,
        "power": power,
        "duration": plain_data(result.duration.mean),
        "duration_quantiles": plain_data(result.duration_quantiles),
        "events": plain_data(result.events.mean),
        "registered": plain_data(result.registered.mean),
        "randomized": plain_data(result.randomized.mean),
        "log_hr": plain_data(result.log_hr.mean),
        "looks": looks,
    }


def _csv(table: Table, facts: dict[str, Any]) -> str:
    header, rows = table_records(table)
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([*header, *(f"provenance_{name}" for name in facts)])
    for row in rows:
        writer.writerow([csv_field(value) for value in (*row, *facts.values())])
    return written.getvalue()


def _is_ours(folder: Path) -> bool:
    numbers = folder / NUMBERS
    return numbers.is_file() and FORMAT in numbers.read_text(encoding="utf-8", errors="replace")[:200]
