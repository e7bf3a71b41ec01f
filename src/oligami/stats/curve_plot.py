"""Step curves on matplotlib axes: the line, its band, ticks at censorings, and numbers at risk below."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import show
from oligami.stats.arguments import Floats


def draw_steps(
    ax: Any,
    time: Floats,
    value: Floats,
    *,
    start: float,
    band: tuple[Floats, Floats] | None = None,
    marked: ArrayLike | None = None,
    label: str | None = None,
    heading: str = "",
) -> Any:
    """Draw a curve that starts at time 0 and steps at each of its times, and return the axes.

    Args:
        ax: matplotlib axes, or None for new ones.
        time: where the curve may step, ascending, shape (n,).
        value: height from each time on, shape (n,).
        start: height before the first time.
        band: lower and upper limits, each of shape (n,); not drawn where they are NaN.
        marked: which rows get a tick (censorings), booleans of shape (n,).
        label: for a legend.
        heading: of the vertical axis.
    """
    axes = show.axes(ax)
    x = np.append(0.0, time)
    (line,) = axes.step(x, np.append(start, value), where="post", label=label)
    if band is not None:
        lower, upper = (np.append(start, limit) for limit in band)
        axes.fill_between(x, lower, upper, step="post", alpha=0.15, color=line.get_color(), linewidth=0)
    if marked is not None and np.any(marked):
        axes.plot(time[np.asarray(marked)], value[np.asarray(marked)], "|", color=line.get_color(), markersize=7)
    axes.set_xlim(left=0)
    axes.set_xlabel("time")
    axes.set_ylabel(heading)
    if label is not None:
        axes.legend(frameon=False)
    return axes


def write_numbers_at_risk(
    axes: Any, times: Sequence[float], numbers: Sequence[float], row: int = 0, label: str | None = None
) -> None:
    """Write numbers at risk below the axes, each under its time; further curves take further rows, each with its label."""
    if label is not None:
        axes.annotate(
            label,
            xy=(0, 0),
            xycoords="axes fraction",
            xytext=(-14, -38 - 12 * row),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            annotation_clip=False,
        )
    for at, count in zip(times, numbers, strict=True):
        axes.annotate(
            show.number(count),
            xy=(at, 0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -38 - 12 * row),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            annotation_clip=False,
        )
