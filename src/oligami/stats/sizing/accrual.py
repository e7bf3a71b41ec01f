"""How subjects enter a trial: at a uniform, a rising or a piecewise rate.

An accrual says when subjects enter and how many; sharing them out to the arms is left to `events`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments
from oligami.stats.arguments import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Accrual:
    """Entry from calendar time 0 to `duration`, at a rate that runs straight within each piece.

    Piece j goes from `cuts[j]` to `cuts[j + 1]`; its rate, in subjects per unit of time, runs from `first[j]` to
    `last[j]`. Made by `uniform`, `ramped` and `by_rates`.
    """

    cuts: tuple[float, ...]
    first: tuple[float, ...]
    last: tuple[float, ...]

    @property
    def duration(self) -> float:
        """When the last subject enters."""
        return self.cuts[-1]

    @property
    def subjects(self) -> float:
        """How many enter in all."""
        return float(self._entered()[-1])

    def rate(self, time: ArrayLike) -> Floats:
        """Return the rate of entry just before each calendar time; 0 outside the accrual."""
        at = np.asarray(time, dtype=np.float64)
        cuts, first, last = np.array(self.cuts), np.array(self.first), np.array(self.last)
        piece = np.clip(np.searchsorted(cuts, at, side="left") - 1, 0, first.size - 1)
        into = (at - cuts[piece]) / np.diff(cuts)[piece]
        level = first[piece] + (last - first)[piece] * into
        return np.where((at > 0) & (at <= cuts[-1]), level, 0.0)

    def enrolled(self, time: ArrayLike) -> Floats:
        """Return the expected number of subjects entered by each calendar time."""
        at = np.clip(np.asarray(time, dtype=np.float64), 0.0, self.duration)
        cuts, first, last = np.array(self.cuts), np.array(self.first), np.array(self.last)
        if first.size == 1 and first[0] == last[0]:
            return np.asarray(at * first[0])
        piece = np.clip(np.searchsorted(cuts, at, side="right") - 1, 0, first.size - 1)
        into = at - cuts[piece]
        slope = ((last - first) / np.diff(cuts))[piece]
        entered: Floats = self._entered()[piece] + into * (first[piece] + slope * into / 2)
        return entered

    def with_subjects(self, subjects: float) -> "Accrual":
        """Return the same course with another total."""
        factor = arguments.number(subjects, "subjects", above=0) / self.subjects
        return Accrual(cuts=self.cuts, first=tuple(r * factor for r in self.first), last=tuple(r * factor for r in self.last))

    def over(self, duration: float) -> "Accrual":
        """Return the same number of subjects and shape, drawn out or compressed to another duration."""
        factor = arguments.number(duration, "duration", above=0) / self.duration
        return Accrual(
            cuts=tuple(c * factor for c in self.cuts),
            first=tuple(r / factor for r in self.first),
            last=tuple(r / factor for r in self.last),
        )

    def _entered(self) -> Floats:
        """Subjects entered by each cut."""
        lengths = np.diff(self.cuts)
        return np.concatenate([[0.0], np.cumsum(lengths * (np.array(self.first) + np.array(self.last)) / 2)])


def uniform(duration: float, *, subjects: float = 1.0) -> Accrual:
    """Return the accrual of `subjects` at a constant rate over `duration`.

    Args:
        duration: > 0, in the unit of all times.
        subjects: how many enter in all, > 0; left at 1 where the number is what is sought.

    Raises:
        ValueError: either is not positive.

    >>> uniform(3, subjects=270).enrolled([1, 2, 5]).tolist()
    [90.0, 180.0, 270.0]
    """
    length = arguments.number(duration, "duration", above=0)
    rate = arguments.number(subjects, "subjects", above=0) / length
    return Accrual(cuts=(0.0, length), first=(rate,), last=(rate,))


def ramped(duration: float, *, ramp: float, subjects: float = 1.0) -> Accrual:
    """Return an accrual whose rate rises in a straight line from 0 over the first `ramp`, then stays.

    Args:
        duration: > 0.
        ramp: how long the rate rises, above 0 and at most `duration`.
        subjects: how many enter in all, > 0.

    Raises:
        ValueError: an argument is out of its range.

    >>> ramped(3, ramp=1, subjects=250).enrolled([1, 2, 3]).tolist()
    [50.0, 150.0, 250.0]
    """
    length = arguments.number(duration, "duration", above=0)
    rise = arguments.number(ramp, "ramp", above=0, at_most=length)
    rate = arguments.number(subjects, "subjects", above=0) / (length - rise / 2)
    if rise == length:
        return Accrual(cuts=(0.0, length), first=(0.0,), last=(rate,))
    return Accrual(cuts=(0.0, rise, length), first=(0.0, rate), last=(rate, rate))


def by_rates(durations: ArrayLike, rates: ArrayLike) -> Accrual:
    """Return an accrual with a constant rate in each of several stretches, one after the other.

    Args:
        durations: length of each stretch, shape (k,), > 0.
        rates: subjects per unit of time in each, shape (k,), >= 0, not all 0.

    Raises:
        ValueError: the columns differ in length, a duration is not positive, or nobody enters.

    >>> by_rates([1, 1, 1.2], [45, 90, 112.5]).enrolled([1, 2, 3]).tolist()
    [45.0, 135.0, 247.5]
    """
    lengths, levels = arguments.times(durations, "durations"), arguments.times(rates, "rates")
    if levels.size != lengths.size:
        raise ValueError(f"rates has {levels.size} values; it must have as many as durations, {lengths.size}")
    if (lengths <= 0).any():
        raise ValueError(f"durations are {lengths.tolist()}; each must be above 0")
    if not levels.any():
        raise ValueError("rates are all 0; somebody must enter")
    steps = tuple(levels.tolist())
    return Accrual(cuts=(0.0, *np.cumsum(lengths).tolist()), first=steps, last=steps)
