"""Line charts of functions: power against survival, bounds against information, shares of trials against calendar time.

Lines are told apart by dash as well as by colour, and labelled at their ends; the table beside each chart holds its numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from oligami.protocol.text import Text
from oligami.reports.drawing import WIDTH, Drawing, Scale, apart, widest
from oligami.reports.figures import PLOT_HEIGHT, Figure
from oligami.reports.phrases import Filling

#: Styles there are for lines; a chart of more lines begins again.
STYLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A line: its label and its points, x ascending; points that are no numbers break it. stepped: level between points."""

    label: Filling
    points: Sequence[tuple[float, float]]
    stepped: bool = False
    marks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis: its name, the range, the values marked, digits after the point, and a factor for what is written (100: percent)."""

    name: Filling
    low: float
    high: float
    marks: Sequence[float]
    digits: int = 0
    factor: float = 1.0

    def write(self, value: float) -> str:
        """Write a mark."""
        return f"{value * self.factor:.{self.digits}f}".replace("-", "−")


def marks_between(low: float, high: float, about: int = 5) -> tuple[float, ...]:
    """Return round values between two limits, some `about` of them.

    >>> marks_between(0, 103)
    (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
    """
    if not high > low:
        return (low,)
    rough = (high - low) / about
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return tuple(round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1))


def line_chart(
    figure: str,
    caption: Text,
    series: Sequence[Series],
    *,
    x: Axis,
    y: Axis,
    table: str,
    description: Text,
    levels: Sequence[tuple[float, Filling]] = (),
) -> Figure:
    """Draw lines with their labels at the right end.

    Args:
        figure: id.
        caption: what it shows.
        series: at least one.
        x: the level axis.
        y: the upright axis.
        table: id of the table with the same numbers.
        description: for those who do not see it.
        levels: values of y marked by a dashed line, with words (a planned power, say).
    """
    left, top = 64.0, 30.0
    right = WIDTH - max(40.0, min(widest([line.label for line in series]) + 20, 220.0))
    bottom = top + PLOT_HEIGHT
    drawing = Drawing(bottom + 50)
    to_x, to_y = Scale(x.low, x.high, left, right), Scale(y.low, y.high, bottom, top)
    for value in y.marks:
        drawing.line(left, to_y(value), right, to_y(value), "grid" if value != y.low else "axis")
        drawing.text(left - 9, to_y(value) + 4.5, y.write(value), anchor="end")
    drawing.line(left, top, left, bottom, "axis")
    drawing.line(left, bottom, right, bottom, "axis")
    drawing.text(left - 30, top - 12, y.name, kind="quiet")
    for value in x.marks:
        drawing.line(to_x(value), bottom, to_x(value), bottom + 5, "axis")
        drawing.text(to_x(value), bottom + 20, x.write(value), anchor="middle")
    drawing.text((left + right) / 2, bottom + 41, x.name, anchor="middle")
    for value, words in levels:
        drawing.path([(left, to_y(value)), (right, to_y(value))], "plan")
        drawing.text(left + 8, to_y(value) - 6, words, kind="quiet")
    ends: list[float] = []
    for k, line in enumerate(series):
        drawn = [[(to_x(a), to_y(min(max(b, y.low), y.high))) for a, b in piece] for piece in _pieces(line.points)]
        for piece in drawn:
            if line.stepped:
                drawing.steps(piece, f"series series{k % STYLES}")
            else:
                drawing.path(piece, f"series series{k % STYLES}")
            if line.marks:
                for a, b in piece:
                    drawing.dot(a, b, 3.2, f"dot series-dot{k % STYLES}")
        ends.append(drawn[-1][-1][1] if drawn else bottom)
    for k, (line, height) in enumerate(zip(series, apart(ends, 16, top + 6, bottom - 4), strict=True)):
        drawing.text(right + 8, height + 4.5, line.label, kind=f"small series-label{k % STYLES}")
    return Figure(id=figure, caption=caption, svg=drawing.svg(figure, caption, description), table=table)


def _pieces(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    pieces: list[list[tuple[float, float]]] = [[]]
    for a, b in points:
        if math.isfinite(a) and math.isfinite(b):
            pieces[-1].append((a, b))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]
