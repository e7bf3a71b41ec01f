"""The timeline of a subject's course: one picture in lanes over a common time axis, and the same facts as a table.

The picture is SVG without style attributes: classes say what a shape is, `currentColor` and the page's sheet how it looks. It
speaks one language, and whoever does not see it reads the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

from oligami.data.course import LANES, Course, Lane, Mark
from oligami.protocol.text import Language, Text
from oligami.reports.drawing import Scale, coordinate, width_of

WIDTH = 960.0
_GUTTER = 118.0
_RIGHT = 946.0
_TOP = 22.0
_ROW = 15.0
_SMALL = 11.0
#: Between two marks of a row, so that neither hides the other.
_GAP = 2.0

#: Dates on the axis at most, so that their words do not meet.
_MOST_TICKS = 11

LANE_TITLES: dict[Lane, Text] = {
    "status": Text("Course of the trial", "試験経過"),
    "therapy": Text("Systemic therapy", "全身薬物療法"),
    "local": Text("Local therapy", "転移巣局所療法"),
    "scan": Text("Response evaluation", "効果判定"),
    "toxicity": Text("Adverse events", "有害事象"),
    "questionnaire": Text("Questionnaires", "QOL調査票"),
    "contact": Text("Follow-up", "追跡調査"),
}
_TITLE = Text("Course of {subject}", "{subject} の経過")
_DESCRIPTION = Text(
    "{n} facts from {first} to {last}, in lanes. The table after the picture lists the same facts by date.",
    "{first}〜{last} の {n} 件の経過を帯状に示す図。続く表に同じ内容を日付順に示す。",
)
_ONGOING = Text("ongoing", "継続中")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A row of the twin table. end: None where it did not last, or is not known."""

    start: date
    end: date | None
    ongoing: bool
    lane: Text
    what: Text
    detail: Text


def timeline_facts(course: Course) -> tuple[Fact, ...]:
    """Return all facts of a course by date."""
    return tuple(
        Fact(
            start=mark.start,
            end=mark.end,
            ongoing=mark.ongoing,
            lane=LANE_TITLES[mark.lane],
            what=mark.what,
            detail=mark.detail,
        )
        for mark in course.marks
    )


def draw_timeline(course: Course, language: Language, *, figure: str = "timeline") -> str:
    """Draw a course in one language.

    Args:
        course: what to draw.
        language: of its words.
        figure: prefix of the ids in the picture.

    Returns:
        An SVG element. Each mark is a group with its sentence as `<title>`.
    """
    last = max(course.last, course.first + timedelta(days=31))  # a month begins in it
    scale = Scale(course.first.toordinal(), last.toordinal(), _GUTTER + 8, _RIGHT - 8)
    body: list[str] = []
    top = _TOP
    for lane in LANES:
        marks = [mark for mark in course.marks if mark.lane == lane]
        if not marks:
            continue
        rows = _pack(marks, scale, last)
        height = _ROW * (1 + max(rows)) + 6
        title = LANE_TITLES[lane][language]
        body.append(f'<text class="lane" x="0" y="{coordinate(top + 14)}">{escape(title, quote=False)}</text>')
        body.append(f'<path class="rule" d="M0 {coordinate(top + height)}H{coordinate(WIDTH)}"/>')
        body.extend(_mark(mark, scale, top + 3 + _ROW * row, last, language) for mark, row in zip(marks, rows, strict=True))
        top += height
    axis = _axis(course.first, last, scale, top)
    named = _TITLE.format(subject=course.subject)[language]
    words = _DESCRIPTION.format(n=len(course.marks), first=course.first, last=course.last)[language]
    return (
        f'<svg class="timeline" role="img" viewBox="0 0 {coordinate(WIDTH)} {coordinate(top + 4)}" '
        f'aria-labelledby="{figure}-title {figure}-desc">'
        f'<title id="{figure}-title">{escape(named)}</title><desc id="{figure}-desc">{escape(words)}</desc>\n'
        + "\n".join([*axis, *body])
        + "\n</svg>"
    )


def sentence(mark: Mark, language: Language) -> str:
    """Return a mark in words, as its tooltip says it."""
    day = mark.start.isoformat()
    if mark.end is not None and mark.end != mark.start:
        day = f"{day} – {mark.end.isoformat()}"
    elif mark.ongoing:
        day = f"{day} – {_ONGOING[language]}"
    detail = mark.detail[language]
    return f"{day} {mark.what[language]}{f' ({detail})' if detail else ''}"


def _end(mark: Mark, last: date) -> date:
    if mark.ongoing:
        return last
    return mark.end if mark.end is not None else mark.start


def _pack(marks: Sequence[Mark], scale: Scale, last: date) -> list[int]:
    """Return for each mark, in order of dates, the first row in which it hides none before."""
    ends: list[float] = []
    rows = []
    for mark in marks:
        left = scale(mark.start.toordinal()) - 5
        right = max(scale(_end(mark, last).toordinal()), left + 10) + (width_of(mark.short, _SMALL) + 3 if mark.short else 0)
        row = next((row for row, end in enumerate(ends) if end + _GAP <= left), len(ends))
        if row == len(ends):
            ends.append(right)
        else:
            ends[row] = right
        rows.append(row)
    return rows


def _mark(mark: Mark, scale: Scale, top: float, last: date, language: Language) -> str:
    """Draw a mark: a bar for what lasts, a diamond for a milestone, a dot for the rest; its sign stands to the right."""
    x, right = scale(mark.start.toordinal()), scale(_end(mark, last).toordinal())
    middle = top + _ROW / 2
    if mark.end is not None or mark.ongoing:
        width = max(right - x, 4.0)
        shape = f'<rect x="{coordinate(x)}" y="{coordinate(middle - 4)}" width="{coordinate(width)}" height="8"/>'
        if mark.ongoing:
            # An open end points on.
            shape += f'<path d="M{coordinate(x + width)} {coordinate(middle - 4)}l5 4l-5 4z"/>'
        edge = x + width + (5 if mark.ongoing else 0)
    elif mark.tone in ("milestone", "bad"):
        shape = f'<path d="M{coordinate(x)} {coordinate(middle - 5)}l5 5l-5 5l-5-5z"/>'
        edge = x + 5
    else:
        shape = f'<circle cx="{coordinate(x)}" cy="{coordinate(middle)}" r="4"/>'
        edge = x + 4
    sign = ""
    if mark.short:
        sign = f'<text x="{coordinate(edge + 2)}" y="{coordinate(middle + 4)}">{escape(mark.short, quote=False)}</text>'
    return f'<g class="{mark.tone}"><title>{escape(sentence(mark, language), quote=False)}</title>{shape}{sign}</g>'


def _axis(first: date, last: date, scale: Scale, bottom: float) -> list[str]:
    """Draw the calendar: a line and a date at each step that leaves room for its words."""
    months = next((step for step in (1, 3, 6, 12, 24, 60) if (last - first).days / 30.4 / step <= _MOST_TICKS), 120)
    parts = []
    year, month = first.year, first.month
    while date(year, month, 1) <= last:
        day = date(year, month, 1)
        if day >= first and (year * 12 + month - 1) % months == 0:
            x = coordinate(scale(day.toordinal()))
            parts.append(f'<path class="rule" d="M{x} 18V{coordinate(bottom)}"/>')
            words = str(year) if months >= 12 else f"{year}-{month:02d}"
            parts.append(f'<text class="tick" x="{x}" y="12" text-anchor="middle">{words}</text>')
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return parts
