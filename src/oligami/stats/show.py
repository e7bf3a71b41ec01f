"""How results show themselves: as lines of text, as a data frame, on axes.

pandas and matplotlib are imported only here and only when asked for: the numbers themselves need neither.
"""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

_EXTRA = "install the extra: pip install 'oligami[statistics]'"


def number(value: float, digits: int = 4) -> str:
    """Return a number as a summary prints it: so many significant digits, an em dash where it is not defined.

    >>> number(0.0123456), number(float("nan")), number(135.0), number(float("inf"))
    ('0.01235', '—', '135', 'inf')
    """
    value = float(value)
    if np.isnan(value):
        return "—"
    return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:.0f}"


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]], notes: Sequence[str] = ()) -> str:
    """Return a text table: a title, one line of heads, the rows (numbers to the right), and notes below.

    Args:
        title: first line; left out when empty.
        heads: one a column.
        rows: cells; floats are shown by `number`, anything else by `str`.
        notes: lines below the table.

    >>> print(table("Arms", ["arm", "n", "hr"], [["A", 135, float("nan")], ["B", 135, 0.7]]))
    Arms
    arm    n   hr
    A    135    —
    B    135  0.7
    """
    cells = [[number(cell) if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(len(head), *(len(row[j]) for row in cells)) if cells else len(head) for j, head in enumerate(heads)]
    right = [all(isinstance(row[j], (int, float, np.integer)) for row in rows) for j in range(len(heads))]

    def line(parts: Sequence[str]) -> str:
        padded = [part.rjust(w) if r else part.ljust(w) for part, w, r in zip(parts, widths, right, strict=True)]
        return "  ".join(padded).rstrip()

    return "\n".join([*([title] if title else []), line(heads), *(line(row) for row in cells), *notes])


def frame(columns: Mapping[str, ArrayLike]) -> Any:
    """Return columns of equal length as a pandas DataFrame.

    Raises:
        ImportError: pandas is not installed; the message names the extra.
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError(f"to_frame() needs pandas; {_EXTRA}") from error
    return pandas.DataFrame({name: np.asarray(column) for name, column in columns.items()})


def axes(ax: Any = None) -> Any:
    """Return the matplotlib axes to draw on: those given, or new ones of a figure without a window.

    Raises:
        ImportError: matplotlib is not installed; the message names the extra.
    """
    if ax is not None:
        return ax
    return _matplotlib().figure.Figure(figsize=(7, 4.5), layout="constrained").add_subplot()


def _matplotlib() -> ModuleType:
    try:
        import matplotlib.figure
    except ImportError as error:
        raise ImportError(f"plot() needs matplotlib; {_EXTRA}") from error
    import matplotlib

    return matplotlib
