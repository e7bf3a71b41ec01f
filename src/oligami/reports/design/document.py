"""The page of a design: its numbers and their origin, subjects, registrations, power, calendar, bounds, conditional power."""

from collections.abc import Sequence
from pathlib import Path

from oligami.analysis.design.whole import DesignResults
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Text
from oligami.reports.design.curves import course_section, power_section
from oligami.reports.design.folder import design_facts, write_page
from oligami.reports.design.looks import half_way_section, looks_section
from oligami.reports.design.planned import lead_words, numbers_section, registrations_section, size_section
from oligami.reports.phrases import phrase
from oligami.reports.sections.section import Section

FORM = "oligami-design/1"


def design_sections(results: DesignResults, protocol: Protocol) -> list[Section]:
    """Return the sections in the order of the page."""
    return [
        numbers_section(results, protocol),
        size_section(results, protocol),
        registrations_section(results),
        power_section(results, protocol),
        course_section(results),
        looks_section(results, protocol),
        half_way_section(results),
    ]


def write_design_report(
    results: DesignResults, protocol: Protocol, out: Path, *, software_version: str, command: str
) -> Sequence[Path]:
    """Write the page of a design with its tables and numbers; the same design gives the same bytes.

    Args:
        results: of `describe_design`.
        protocol: described.
        out: the folder; an earlier page of a design is replaced.
        software_version: for the provenance.
        command: that makes the same again.

    Raises:
        ValueError: `out` is a file or holds something else.
    """
    sections = design_sections(results, protocol)
    return write_page(
        out,
        protocol,
        form=FORM,
        what=Text("page of a design", "計画のページ"),
        title=Text("design", "計画"),
        header=phrase("Design · protocol {v}", "試験計画・プロトコール{v}版", v=protocol.version),
        banner=Text(
            "Computed from the protocol's design alone; no subject's data are used.",
            "実施計画書の計画のみから計算した。症例のデータは用いていない。",
        ),
        banner_class="plan",
        lead=lead_words(results, protocol),
        sections=sections,
        facts=design_facts(protocol, software_version),
        command=command,
        results=results,
    )
