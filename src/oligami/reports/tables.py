"""Tables: one description of each, printed as HTML for people and as CSV for programs.

A cell holds what is shown and the values behind it, so that page and file cannot differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from oligami.analysis.measures import Estimate, Proportion, Spread, Tally
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.phrases import DASH, Filling, Number, Phrase, Scalar, bilingual, phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the page. `fields` are its columns in the CSV, each named `key_field` (`key` where the field is empty)."""

    key: str
    heading: Filling
    fields: tuple[str, ...] = ("",)
    words: bool = False  # holds words, not numbers: aligned to the left

    def names(self) -> tuple[str, ...]:
        """Return the names of its columns in the CSV."""
        return tuple("_".join(part for part in (self.key, name) if part) for name in self.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What is shown, and the values behind it in the order of the column's fields."""

    shown: Filling
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row: its head, its codes for programs, and its cells (none: the head of a group, left out of the CSV).

    in_page: whether the page shows it; the CSV has every row.
    """

    head: Filling
    keys: Mapping[str, Scalar] = field(default_factory=dict)
    cells: tuple[Cell, ...] = ()
    indent: bool = False
    strong: bool = False
    in_page: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table. `keys` name the code columns of the CSV; `stub` heads the first column of the page."""

    id: str
    caption: Text
    stub: Text
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: Filling | None = None


def table_html(table: Table, number: int) -> str:
    """Print a table with its number, caption, scopes and note."""
    head = "".join(
        f'<th scope="col"{" class=words" if column.words else ""}>{bilingual(column.heading)}</th>' for column in table.columns
    )
    body = "".join(_row_html(table, row) for row in table.rows if row.in_page)
    if not body:
        nothing = bilingual(phrase("nothing to show", "該当なし"))
        body = f'<tr><th scope="row">{nothing}</th>{"<td>–</td>" * len(table.columns)}</tr>'
    # One column of numbers far from its heads is hard to read across.
    narrow = " narrow" if len(table.columns) == 1 and not table.columns[0].words else ""
    label = bilingual(phrase("Table {n}.", "表{n}", n=str(number)))
    note = f'<p class="note">{bilingual(table.note)}</p>' if table.note is not None else ""
    return (
        f'<div class="table{narrow}" id="table-{table.id}"><div class="scroll" tabindex="0"><table>'
        f"<caption><b>{label}</b> {bilingual(table.caption)}</caption>"
        f'<thead><tr><th scope="col" class="words">{bilingual(table.stub)}</th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{note}</div>\n"
    )


def _row_html(table: Table, row: Row) -> str:
    if not row.cells:
        return f'<tr class="group"><th scope="rowgroup" colspan="{len(table.columns) + 1}">{bilingual(row.head)}</th></tr>\n'
    classes = [name for name, holds in (("indent", row.indent), ("strong", row.strong)) if holds]
    marks = f' class="{" ".join(classes)}"' if classes else ""
    cells = "".join(
        f"<td{' class=words' if column.words else ''}>{bilingual(cell.shown)}</td>"
        for column, cell in zip(table.columns, row.cells, strict=True)
    )
    return f'<tr{marks}><th scope="row">{bilingual(row.head)}</th>{cells}</tr>\n'


def table_records(table: Table) -> tuple[list[str], list[list[Scalar]]]:
    """Return the header and the rows of a table for CSV: codes, label in both languages, then every value unrounded."""
    header = [*table.keys, "label_en", "label_ja", *(name for column in table.columns for name in column.names())]
    rows: list[list[Scalar]] = []
    for row in table.rows:
        if row.cells:
            label = phrases.in_both(row.head)
            values = [value for cell in row.cells for value in cell.values]
            rows.append([*(row.keys.get(key) for key in table.keys), label.en, label.ja, *values])
    return header, rows


def number_cell(number: Number) -> Cell:
    """One number."""
    return Cell(shown=number, values=(number.value,))


def count_cell(count: int | None) -> Cell:
    """A count."""
    return number_cell(phrases.whole(count))


def words_cell(words: Filling, code: Scalar) -> Cell:
    """Words, with their code for programs."""
    return Cell(shown=words, values=(code,))


def share_cell(count: int, total: int) -> Cell:
    """A count with its percentage. Fields: n, share."""
    share = count / total if total else None
    if share is None:
        return Cell(shown=phrases.whole(count), values=(count, None))
    shown = phrase("{n} ({p})", "{n} ({p})", n=phrases.whole(count), p=phrases.percent(share))
    return Cell(shown=shown, values=(count, share))


def tally_cell(tally: Tally) -> Cell:
    """A tally as count and percentage. Fields: n, share."""
    return share_cell(tally.count, tally.total)


def spread_cell(spread: Spread, digits: int = 0) -> Cell:
    """Median with quartiles. Fields: n, missing, median, q1, q3, min, max."""
    values = (
        spread.n,
        spread.missing,
        spread.median,
        spread.lower_quartile,
        spread.upper_quartile,
        spread.lowest,
        spread.highest,
    )
    if spread.median is None:
        return Cell(shown=DASH, values=values)
    shown = phrase(
        "{m} ({a}–{b})",
        "{m} ({a}–{b})",
        m=phrases.decimal(spread.median, digits),
        a=phrases.decimal(spread.lower_quartile, digits),
        b=phrases.decimal(spread.upper_quartile, digits),
    )
    return Cell(shown=shown, values=values)


SPREAD_FIELDS = ("n", "missing", "median", "q1", "q3", "min", "max")
SHARE_FIELDS = ("n", "share")
PROPORTION_FIELDS = ("count", "total", "proportion", "lower", "upper")
ESTIMATE_FIELDS = ("estimate", "lower", "upper")


def proportion_cell(found: Proportion, *, with_total: bool = True) -> Cell:
    """A proportion as n/N (or n alone), percentage and exact interval. Fields: count, total, proportion, lower, upper."""
    values = (found.count, found.total, found.value, found.interval.lower, found.interval.upper)
    if found.value is None:
        return Cell(shown=DASH, values=values)
    shown = phrase(
        "{n}/{of}, {p} % ({a}–{b})" if with_total else "{n}, {p} ({a}–{b})",
        "{n}/{of}, {p} % ({a}–{b})" if with_total else "{n}, {p} ({a}–{b})",
        n=phrases.whole(found.count),
        of=phrases.whole(found.total),
        p=phrases.percent(found.value),
        a=phrases.percent(found.interval.lower),
        b=phrases.percent(found.interval.upper),
    )
    return Cell(shown=shown, values=values)


def with_interval(value: Number, lower: Number, upper: Number) -> Phrase:
    """An estimate with its limits in brackets."""
    return phrase("{v} ({a}–{b})", "{v} ({a}–{b})", v=value, a=lower, b=upper)


def ratio_cell(estimate: Estimate, level: float) -> Cell:
    """A hazard ratio with the interval of a level, or why there is none. Fields: estimate, lower, upper."""
    interval = estimate.interval(level)
    values = (estimate.value, interval.lower, interval.upper)
    if estimate.value is None:
        return Cell(shown=estimate.reason or DASH, values=values)
    shown = with_interval(phrases.ratio(estimate.value), phrases.ratio(interval.lower), phrases.ratio(interval.upper))
    return Cell(shown=shown, values=values)


def percent_cell(estimate: Estimate, level: float, *, difference: bool = False) -> Cell:
    """A probability in percent, or a difference of two in points, with its interval. Fields: estimate, lower, upper."""
    interval = estimate.interval(level)
    values = (estimate.value, interval.lower, interval.upper)
    if estimate.value is None:
        return Cell(shown=estimate.reason or DASH, values=values)
    parts = (estimate.value, interval.lower, interval.upper)
    if difference:
        value, lower, upper = (phrases.signed(part, 1, factor=100) for part in parts)
        if interval.lower is None:
            return Cell(shown=value, values=values)
        shown = phrase("{v} ({a} to {b})", "{v} ({a}～{b})", v=value, a=lower, b=upper)
        return Cell(shown=shown, values=values)
    value, lower, upper = (phrases.percent(part) for part in parts)
    if interval.lower is None:
        return Cell(shown=value, values=values)
    return Cell(shown=with_interval(value, lower, upper), values=values)


def duration_cell(estimate: Estimate, level: float, days_per_month: float) -> Cell:
    """A median time in months with its interval; a limit not reached is marked. Fields: estimate, lower, upper (days)."""
    interval = estimate.interval(level)
    values = (estimate.value, interval.lower, interval.upper)
    parts = [_reached(part, days_per_month) for part in values]
    if estimate.value is None and interval.lower is None:
        return Cell(shown=estimate.reason or DASH, values=values)
    return Cell(shown=phrase("{v} ({a}–{b})", "{v} ({a}–{b})", v=parts[0], a=parts[1], b=parts[2]), values=values)


def _reached(days: float | None, days_per_month: float) -> Filling:
    return Text("NR", "未到達") if days is None else phrases.in_units(days, days_per_month)


def tally_rows(tallies: Sequence[Sequence[Tally]], label: Mapping[str | None, Filling], key: str) -> tuple[Row, ...]:
    """Rows of values by columns of tallies: a value that a column lacks is 0 there.

    Args:
        tallies: one column each; the values of all columns in the order in which they first occur make the rows.
        label: how each value reads.
        key: name of the code column.
    """
    order: list[str | None] = []
    for column in tallies:
        order += [tally.value for tally in column if tally.value not in order]
    if None in order:
        order.sort(key=lambda value: value is None)
    rows = []
    for value in order:
        cells = []
        for column in tallies:
            total = column[0].total if column else 0
            cells.append(share_cell(next((tally.count for tally in column if tally.value == value), 0), total))
        rows.append(Row(head=label.get(value) or str(value), keys={key: value}, cells=tuple(cells), indent=True))
    return tuple(rows)
