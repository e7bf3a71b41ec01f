"""Drawing SVG by hand: lines, steps, bands and words in both languages, coloured by the page's own style.

Text stays text, so that it can be searched, read aloud and set in the reader's font; nothing depends on a plotting library,
its version or the fonts of the machine, so the same numbers give the same bytes everywhere.
"""

from collections.abc import Sequence
from html import escape
from typing import Literal

from oligami.protocol.text import LANGUAGES, Text
from oligami.reports.phrases import Filling, in_both

Anchor = Literal["start", "middle", "end"]

WIDTH = 760.0
TEXT_SIZE = 13.0


def coordinate(value: float) -> str:
    """Write a coordinate with two decimals at most; -0 is 0."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) >= 0.005 else "0"


def width_of(words: str, size: float = TEXT_SIZE) -> float:
    """Estimate the width of words: a full-width sign is an em, others somewhat more than half of one."""
    return size * sum(1.0 if ord(sign) > 0x2E7F else 0.56 for sign in words)


def widest(words: Sequence[Filling], size: float = TEXT_SIZE) -> float:
    """Estimate the width of the widest of several wordings, in either language."""
    return max((width_of(wording, size) for own in words for wording in _wordings(own)), default=0.0)


def _wordings(words: Filling) -> tuple[str, str]:
    both = in_both(words)
    return both.en, both.ja


class Scale:
    """A straight scale from values to places."""

    def __init__(self, low: float, high: float, start: float, end: float):
        """Map `low` to `start` and `high` to `end`."""
        self._low, self._start = low, start
        self._slope = (end - start) / (high - low)

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        return self._start + (value - self._low) * self._slope


class Drawing:
    """A figure in the making. Classes name what a shape is; the page's style says how it looks."""

    def __init__(self, height: float, *, width: float = WIDTH):
        """Start empty, with its size in units of the figure (about one pixel)."""
        self.width = width
        self.height = height
        self._parts: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """Draw a straight line."""
        ends = " ".join(f'{name}="{coordinate(at)}"' for name, at in (("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)))
        self._parts.append(f'<line class="{kind}" {ends}/>')

    def path(self, points: Sequence[tuple[float, float]], kind: str, *, closed: bool = False) -> None:
        """Draw straight lines from point to point."""
        if points:
            way = "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points)
            self._parts.append(f'<path class="{kind}" d="M{way}{"Z" if closed else ""}"/>')

    def steps(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """Draw a step curve: level up to the next point's x, then upright."""
        self.path(stepped(points), kind)

    def ticks(self, points: Sequence[tuple[float, float]], half: float, kind: str) -> None:
        """Draw small upright marks, all in one shape."""
        if points:
            way = "".join(f"M{coordinate(x)} {coordinate(y - half)}v{coordinate(2 * half)}" for x, y in points)
            self._parts.append(f'<path class="{kind}" d="{way}"/>')

    def box(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """Draw a rectangle."""
        size = f'x="{coordinate(x)}" y="{coordinate(y)}" width="{coordinate(width)}" height="{coordinate(height)}"'
        self._parts.append(f'<rect class="{kind}" {size}/>')

    def dot(self, x: float, y: float, radius: float, kind: str) -> None:
        """Draw a dot."""
        self._parts.append(f'<circle class="{kind}" cx="{coordinate(x)}" cy="{coordinate(y)}" r="{coordinate(radius)}"/>')

    def text(self, x: float, y: float, words: Filling, *, anchor: Anchor = "start", kind: str = "") -> None:
        """Write words, once in each language; the page shows one."""
        both = in_both(words)
        if not both.en and not both.ja:
            return
        if both.en == both.ja:
            self._text(x, y, both.en, anchor, kind, "")
        else:
            for language in LANGUAGES:
                self._text(x, y, both[language], anchor, f"{kind} {language}".strip(), f' lang="{language}"')

    def _text(self, x: float, y: float, wording: str, anchor: Anchor, kind: str, mark: str) -> None:
        named = f' class="{kind}"' if kind else ""
        aligned = f' text-anchor="{anchor}"' if anchor != "start" else ""
        place = f'x="{coordinate(x)}" y="{coordinate(y)}"'
        self._parts.append(f"<text{named}{mark} {place}{aligned}>{escape(wording, quote=False)}</text>")

    def arrow(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Draw a line that ends in a small arrowhead, upright or level."""
        self.line(x1, y1, x2, y2, "flow-line")
        if x1 == x2:
            self.path([(x2 - 4, y2 - 7), (x2 + 4, y2 - 7), (x2, y2)], "flow-head", closed=True)
        else:
            self.path([(x2 - 7, y2 - 4), (x2 - 7, y2 + 4), (x2, y2)], "flow-head", closed=True)

    def svg(self, figure: str, title: Text, description: Text) -> str:
        """Close the drawing, with its name and a description for those who do not see it."""
        size = f'viewBox="0 0 {coordinate(self.width)} {coordinate(self.height)}"'
        named = f'aria-labelledby="{figure}-title {figure}-desc"'
        words = (
            f'<title id="{figure}-title">{escape(title.ja)} / {escape(title.en)}</title>'
            f'<desc id="{figure}-desc">{escape(description.ja)} / {escape(description.en)}</desc>'
        )
        return f'<svg role="img" {size} {named}>{words}\n' + "\n".join(self._parts) + "\n</svg>"


def stepped(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Turn the corners of a step curve into all its points."""
    way: list[tuple[float, float]] = []
    for x, y in points:
        if way:
            way.append((x, way[-1][1]))
        way.append((x, y))
    return way


def apart(heights: Sequence[float], gap: float, lowest: float, highest: float) -> list[float]:
    """Move labels that would overlap apart, keeping their order, within the range given.

    Args:
        heights: where each label would stand, in any order.
        gap: the least distance of two.
        lowest: of the range.
        highest: of the range.
    """
    order = sorted(range(len(heights)), key=lambda at: (heights[at], at))
    placed = [min(max(heights[at], lowest), highest) for at in order]
    for k in range(1, len(placed)):
        placed[k] = max(placed[k], placed[k - 1] + gap)
    if placed and placed[-1] > highest:
        placed[-1] = highest
        for k in range(len(placed) - 2, -1, -1):
            placed[k] = min(placed[k], placed[k + 1] - gap)
    result = [0.0] * len(heights)
    for at, height in zip(order, placed, strict=True):
        result[at] = height
    return result
