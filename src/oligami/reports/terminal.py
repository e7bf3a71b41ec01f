"""Sections as plain text for a terminal: findings, tables in columns, remarks. Pictures are left out; their tables are there."""

from collections.abc import Sequence
from unicodedata import east_asian_width

from oligami.protocol.text import Language
from oligami.reports.figures import Figure
from oligami.reports.phrases import plain
from oligami.reports.sections.section import Section
from oligami.reports.tables import Table

_GAP = "  "


def sections_text(sections: Sequence[Section], language: Language) -> str:
    """Write sections one below the other, numbered."""
    return "\n\n".join(section_text(section, number, language) for number, section in enumerate(sections, start=1))


def section_text(section: Section, number: int | None, language: Language) -> str:
    """Write one section, with its number if it has one."""
    title = section.title[language] if number is None else f"{number}. {section.title[language]}"
    parts = [f"{title}\n{'=' * width(title)}", plain(section.finding, language)]
    for block in section.blocks:
        if isinstance(block, Table):
            parts.append(table_text(block, language))
        elif not isinstance(block, Figure):
            parts.append(plain(block, language))
    return "\n\n".join(parts)


def table_text(table: Table, language: Language) -> str:
    """Write a table: numbers to the right, words to the left, heads of groups on a line of their own, `*` for bold.

    >>> from oligami.protocol.text import Text
    >>> from oligami.reports.tables import Column, Row, count_cell
    >>> rows = (Row(head=Text("all", "全体"), cells=(count_cell(270),)),)
    >>> heads = (Column(key="n", heading=Text("Subjects", "症例数")),)
    >>> table = Table(id="t", caption=Text("Size", "症例数"), stub=Text("Arm", "群"), keys=(), columns=heads, rows=rows)
    >>> print(table_text(table, "ja"))
    症例数
    群    症例数
    ------------
    全体     270
    """
    heads = [table.stub[language], *(plain(column.heading, language) for column in table.columns)]
    rows = [row for row in table.rows if row.in_page]
    cells = [
        [
            ("  " if row.indent else "") + plain(row.head, language) + (" *" if row.strong else ""),
            *(plain(cell.shown, language) for cell in row.cells),
        ]
        for row in rows
    ]
    full = [line for line in cells if len(line) == len(heads)]
    widths = [max(width(head), *(width(line[j]) for line in full)) if full else width(head) for j, head in enumerate(heads)]
    to_left = [True, *(column.words for column in table.columns)]

    def line(words: Sequence[str]) -> str:
        # The head of a group has no cells.
        if len(words) < len(heads):
            return words[0]
        filled = [_filled(word, size, left) for word, size, left in zip(words, widths, to_left, strict=True)]
        return _GAP.join(filled).rstrip()

    rule = "-" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    written = [table.caption[language], line(heads), rule, *(line(words) for words in cells)]
    if table.note is not None:
        written.append(plain(table.note, language))
    return "\n".join(written)


def width(words: str) -> int:
    """Return the columns that words take on a terminal: two for a wide character."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in words)


def _filled(word: str, size: int, left: bool) -> str:
    blank = " " * (size - width(word))
    return word + blank if left else blank + word
