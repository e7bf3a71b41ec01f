"""The rows a hazard model is fitted to, checked once and kept with the fit.

A row is one stretch of observation (entry, time] with the covariates that held during it; a subject whose covariates
change has several. Leaves every calculation to the models.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from oligami.stats import arguments
from oligami.stats.arguments import Floats, Ints, Label


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observations:
    """Checked columns of n rows. They are views of what was given: change it, and what follows from it changes."""

    terms: tuple[str, ...]
    time: Floats  # end of each row
    event: Ints
    entry: Floats | None  # start of each row; None when all start at 0, and at 0 itself are at risk
    x: Floats  # covariates, shape (n, p)
    stratum: Ints  # number of each row's stratum
    strata: tuple[Label, ...] | None  # the label of each stratum, a tuple where several columns were given
    weight: Floats | None
    subject: Ints | None  # number of each row's subject
    cluster: Ints | None

    @property
    def weights(self) -> Floats:
        """The weights, 1 where none were given."""
        return np.broadcast_to(np.ones(1), self.time.shape) if self.weight is None else self.weight  # one place in memory


def observe(
    time: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    strata: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    subject: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> Observations:
    """Check the columns of a hazard model; the arguments are those of `cox`.

    Raises:
        ValueError: a column is empty, of another length, or holds a value it may not; or rows of one subject overlap.

    >>> observe([5, 8, 9], [0, 1, 1], [0, 1, 1], entry=[0, 5, 0], subject=["a", "a", "b"]).subject.tolist()
    [0, 0, 1]
    """
    end = arguments.times(time)
    had_event = arguments.indicators(event, end.size)
    start = None if entry is None else _entries(entry, end)
    columns = getattr(covariates, "columns", None)  # of a data frame, which names its own covariates
    x, terms = arguments.matrix(
        covariates, end.size, [str(c) for c in columns] if names is None and columns is not None else names
    )
    stratum = arguments.strata_codes(strata, end.size)
    groups = None if subject is None else arguments.strata_codes(subject, end.size, "subject")
    if groups is not None:
        _refuse_overlap(groups, end, start)
    return Observations(
        terms=terms,
        time=end,
        event=had_event,
        entry=start,
        x=x,
        stratum=stratum,
        strata=None if strata is None else _labels(np.asarray(strata), stratum),
        weight=None if weights is None else arguments.weights(weights, end.size),
        subject=groups,
        cluster=None if cluster is None else arguments.strata_codes(cluster, end.size, "cluster"),
    )


def _entries(entry: ArrayLike, end: Floats) -> Floats:
    start = arguments.times(entry, "entry")
    arguments.same_length(start.size, end.size, "entry")
    late = start >= end
    if late.any():
        at = int(np.argmax(late))
        raise ValueError(f"entry[{at}] is {start[at]}; it must be less than time[{at}], {end[at]}")
    return start


def _refuse_overlap(subject: Ints, end: Floats, start: Floats | None) -> None:
    begin = np.zeros(end.size) if start is None else start
    order = np.lexsort((begin, subject))
    same = subject[order[1:]] == subject[order[:-1]]
    overlap = same & (begin[order[1:]] < end[order[:-1]])
    # Without entries even rows that end at 0 stand for one subject at risk twice.
    overlap = same if start is None else overlap
    if overlap.any():
        first, second = order[int(np.argmax(overlap))], order[int(np.argmax(overlap)) + 1]
        raise ValueError(
            f"subject is the same in rows {first} and {second}, whose time under observation overlaps: "
            f"({begin[first]}, {end[first]}] and ({begin[second]}, {end[second]}]; give the rows' entry, or each its subject"
        )


def _labels(strata: np.ndarray, stratum: Ints) -> tuple[Label, ...]:
    first = np.unique(stratum, return_index=True)[1]
    found = strata[first].tolist()
    return tuple(tuple(label) if isinstance(label, list) else label for label in found)
