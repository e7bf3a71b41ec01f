"""How many to register when only a share goes on to be randomized: exact binomial, no approximation."""

from dataclasses import dataclass
from math import ceil
from typing import Any

from scipy.special import bdtrc, bdtri, bdtrik

from oligami.stats import arguments, show


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Numbers at the first registration, and what they bring to the second."""

    registered: int
    randomized: int  # wanted
    share: float  # of the registered who go on
    expected: float  # registered * share
    probability_enough: float  # of at least `randomized`
    fewest: int  # randomized that 90 % of trials exceed or reach
    most: int  # randomized that 90 % of trials stay at or below

    def summary(self) -> str:
        """Return the numbers as text."""
        return (
            f"{self.registered} registered, {show.number(100 * self.share)} % go on: {show.number(self.expected)} expected "
            f"(80 % of trials {self.fewest} to {self.most}), "
            f"probability of at least {self.randomized}: {show.number(self.probability_enough)}"
        )

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row."""
        return show.frame({name: [getattr(self, name)] for name in self.__dataclass_fields__})


def registered_needed(randomized: int, share: float, *, assurance: float | None = None) -> int:
    """Return how many must be registered so that enough are randomized.

    Args:
        randomized: subjects wanted, >= 1.
        share: of the registered who go on to be randomized, from 1e-6 to 1.
        assurance: probability of getting at least `randomized`, in (0, 1); by default enough on average.

    Raises:
        ValueError: an argument is out of its range.

    Source: on average randomized / share, rounded up; with assurance the exact binomial tail.

    >>> registered_needed(270, 270 / 340), registered_needed(270, 270 / 340, assurance=0.9)
    (340, 352)
    """
    wanted, part = _whole(randomized, "randomized"), _share(share)
    average = ceil(wanted / part - 1e-9 * wanted)
    if assurance is None:
        return average
    sure = arguments.level(assurance, "assurance")
    low, high = wanted - 1, max(average, wanted)
    while float(bdtrc(wanted - 1, high, part)) < sure:
        low, high = high, 2 * high
    while high - low > 1:  # the tail rises with the number registered
        middle = (low + high) // 2
        low, high = (low, middle) if float(bdtrc(wanted - 1, middle, part)) >= sure else (middle, high)
    return high


def registration(registered: int, randomized: int, share: float) -> Registration:
    """Return what a number of registrations brings: expectation, likely range, probability of enough.

    Args:
        registered: at the first registration, >= 1.
        randomized: subjects wanted, >= 1.
        share: of the registered who go on, from 1e-6 to 1.

    Raises:
        ValueError: an argument is out of its range.

    Source: binomial distribution.

    >>> registration(340, 270, 270 / 340).summary()
    '340 registered, 79.41 % go on: 270 expected (80 % of trials 260 to 279), probability of at least 270: 0.5319'
    """
    entered, wanted, part = _whole(registered, "registered"), _whole(randomized, "randomized"), _share(share)
    return Registration(
        registered=entered,
        randomized=wanted,
        share=part,
        expected=entered * part,
        probability_enough=float(bdtrc(wanted - 1, entered, part)) if wanted <= entered else 0.0,
        fewest=_quantile(0.1, entered, part),
        most=_quantile(0.9, entered, part),
    )


def share_needed(registered: int, randomized: int, *, assurance: float | None = None) -> float:
    """Return the share that must go on so that a number of registrations is enough.

    Args:
        registered: at the first registration, at least `randomized`.
        randomized: subjects wanted, >= 1.
        assurance: probability of getting at least `randomized`, in (0, 1); by default enough on average.

    Raises:
        ValueError: an argument is out of its range.

    Source: as `registered_needed`, solved for the share.

    >>> round(share_needed(340, 270), 4), round(share_needed(340, 270, assurance=0.9), 4)
    (0.7941, 0.8196)
    """
    entered, wanted = _whole(registered, "registered"), _whole(randomized, "randomized")
    if wanted > entered:
        raise ValueError(f"randomized is {wanted}; it must be at most registered, {entered}")
    if assurance is None:
        return wanted / entered
    return float(bdtri(wanted - 1, entered, 1 - arguments.level(assurance, "assurance")))


def _quantile(probability: float, registered: int, share: float) -> int:
    """The smallest number that is not exceeded with this probability."""
    return registered if share == 1 else ceil(float(bdtrik(probability, registered, share)) - 1e-9)


def _whole(value: int, argument: str) -> int:
    return arguments.whole(value, argument, at_least=1, at_most=1e9)


def _share(value: float) -> float:
    return arguments.number(value, "share", at_least=1e-6, at_most=1)
