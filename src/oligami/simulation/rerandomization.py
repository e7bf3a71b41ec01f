"""The re-randomization test of a trial: how often chance alone, by the trial's own rule, gives a statistic as large.

Under the sharp null hypothesis every subject would have had the same course in either arm. So courses, order, sites and factors
stay as they are, the arms are drawn anew many times by the rule that drew them (`redrawing`), and the observed log-rank statistic
is placed among those of the new arms. The test is exact up to Monte Carlo error whatever the rule and however few the subjects;
the usual p rests on large numbers and takes no notice of the rule.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from oligami.data.datasets import TimeToEvent
from oligami.protocol.model.analysis import Endpoint
from oligami.protocol.model.protocol import Protocol
from oligami.simulation.fast.streams import Purpose, uniforms
from oligami.simulation.redrawing import AllocationHistory, find_unlike, redraw
from oligami.stats import arguments
from oligami.stats.arguments import Floats

#: Sequences drawn and compared at a time, which bounds memory.
_AT_ONCE: Final = 1_000
#: Two statistics that differ by less are the same number, summed in another order.
_SAME: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RerandomizationTest:
    """An observed log-rank statistic among those of arms drawn anew; z is positive where it favours the experimental arm.

    subjects, events, strata: what the statistic rests on. draws: allocations drawn anew in each sequence, those marked in error
    among them. p_asymptotic: one-sided, of the normal approximation. as_extreme: sequences whose z is at least the observed one.
    p: one-sided, (as_extreme + 1) / (sequences + 1): the arms that were really drawn are one more sequence of the rule, and p is never 0.
    std_err: Monte Carlo standard error of p. z_redrawn: of each sequence, shape (sequences,), read-only.

    Source: Phipson and Smyth (2010), Stat Appl Genet Mol Biol 9, 39, for p.
    """

    endpoint: str
    control: str
    experimental: str
    subjects: int
    events: int
    strata: int
    draws: int
    sequences: int
    seed: int
    z: float
    p_asymptotic: float
    as_extreme: int
    p: float
    std_err: float
    z_redrawn: Floats

    @property
    def z_mean(self) -> float:
        """The mean of z over the sequences; 0 but for chance where the rule treats the arms alike."""
        return float(self.z_redrawn.mean())

    @property
    def z_std_dev(self) -> float:
        """The standard deviation of z over the sequences; the normal approximation takes 1."""
        return float(self.z_redrawn.std(ddof=1)) if self.sequences > 1 else math.nan


def primary_endpoint(protocol: Protocol) -> Endpoint:
    """Return the primary endpoint.

    Raises:
        ValueError: it is not a time to an event among all the randomized that compares arms, which is what can be drawn anew.
    """
    endpoint = next((each for each in protocol.analysis.endpoint if each.primary), None)
    if endpoint is None:
        raise ValueError("the protocol names no primary endpoint")
    if endpoint.kind != "time_to_event" or endpoint.population != "randomized" or not endpoint.compares_arms:
        raise ValueError(
            f"primary endpoint {endpoint.id}: found {endpoint.kind} of population {endpoint.population}; "
            "expected a time to an event among all randomized that compares the arms"
        )
    return endpoint


def rerandomize(
    history: AllocationHistory,
    data: TimeToEvent,
    arms: Sequence[str],
    *,
    sequences: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> RerandomizationTest:
    """Test by drawing the arms anew.

    Args:
        history: of the trial's allocations, from the same records as the data.
        data: the endpoint at the cut; its strata are kept.
        arms: control first.
        sequences: how many times the arms are drawn anew.
        seed: of the new draws; they have nothing to do with the trial's secret.
        progress: called with the number of sequences done.

    Raises:
        ValueError: there are not two arms, nobody or nothing to compare, the recorded arms do not follow from the recorded
            draws, or a number is out of its range.
    """
    if len(arms) != 2:
        raise ValueError(f"the trial has {len(arms)} arms, {', '.join(arms)}; the test compares two")
    if sequences < 1:
        raise ValueError(f"sequences is {sequences}; it must be 1 or more")
    standing = history.standing()
    rows = [row for row, subject in enumerate(data.subject) if subject in standing]
    if not rows or not data.event[rows].any():
        raise ValueError(f"endpoint {data.endpoint}: no event among the randomized up to the cut; there is nothing to compare")
    numbers = np.array([standing[data.subject[row]] - 1 for row in rows])
    history = history.until(int(numbers.max()) + 1)
    if set(history.arms) != set(arms) or any({arm.id for arm in draw.rule.arms} != set(arms) for draw in history.draws):
        raise ValueError(f"the rule of allocation has had other arms than {', '.join(arms)}; the test needs the same throughout")
    unlike = find_unlike(history)
    if unlike is not None:
        raise ValueError(
            f"draw {unlike}: the recorded arm does not follow from the recorded draw, so the rule cannot be run again; "
            "`oligami journal recheck` tells more"
        )
    experimental = history.arms.index(arms[1])
    time, event, stratum = data.time_days[rows], data.event[rows], np.array(data.stratum, dtype=object)[rows]
    statistic = LogrankOfArms(time, event, stratum)
    observed = float(statistic(np.array([[data.arm[row] == arms[1] for row in rows]]))[0])
    found = np.empty(sequences)
    for first in range(0, sequences, _AT_ONCE):
        last = min(first + _AT_ONCE, sequences)
        # By counter: sequence 5 000 is the same whether 10 000 are asked for or that one alone.
        (u,) = uniforms(seed, Purpose.COURSE, np.arange(first, last), len(history.draws), [3])
        drawn = redraw(history, u, progress=None if progress is None else _later(progress, first))
        found[first:last] = statistic(drawn[:, numbers] == experimental)
        if progress is not None:
            progress(last)
    as_extreme = int((found >= observed - _SAME).sum())
    p = (as_extreme + 1) / (sequences + 1)
    return RerandomizationTest(
        endpoint=data.endpoint,
        control=arms[0],
        experimental=arms[1],
        subjects=len(rows),
        events=int(event.sum()),
        strata=len(set(stratum)),
        draws=len(history.draws),
        sequences=sequences,
        seed=seed,
        z=observed,
        p_asymptotic=float(ndtr(-observed)),
        as_extreme=as_extreme,
        p=p,
        std_err=math.sqrt(p * (1 - p) / sequences),
        z_redrawn=arguments.frozen(found),
    )


class LogrankOfArms:
    """The stratified log-rank statistic of fixed courses as a function of the arms, for many arms at once.

    Who is at risk at which event does not depend on the arms, so it is found once; then the numbers at risk of the
    experimental arm are products of matrices.
    """

    def __init__(self, time: ArrayLike, event: ArrayLike, stratum: ArrayLike) -> None:
        """Find who is at risk when, within each stratum.

        Args:
            time: end of observation, shape (n,).
            event: whether it ended in the event, shape (n,).
            stratum: labels, shape (n,).
        """
        end, had_event, strata = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=np.bool_), np.asarray(stratum)
        self._had_event = had_event.astype(np.float64)
        self._parts: list[tuple[NDArray[np.bool_], Floats, Floats, Floats]] = []
        for label in sorted(set(strata.tolist())):
            inside = strata == label
            moments = np.unique(end[inside & had_event])
            at_risk = (end[inside] >= moments[:, np.newaxis]).astype(np.float64)
            deaths = ((end[inside] == moments[:, np.newaxis]) & had_event[inside]).sum(axis=1).astype(np.float64)
            self._parts.append((inside, at_risk, at_risk.sum(axis=1), deaths))

    def __call__(self, experimental: NDArray[np.bool_]) -> Floats:
        """Return z of each row of arms, shape (sequences, n): positive favours the experimental arm, 0 where there is no variance."""
        arms = experimental.astype(np.float64)
        difference = -(arms @ self._had_event)
        variance = np.zeros(arms.shape[0])
        for inside, at_risk, total, deaths in self._parts:
            share = (at_risk @ arms[:, inside].T) / total[:, np.newaxis]
            difference += deaths @ share
            variance += (deaths * (total - deaths) / np.maximum(total - 1, 1)) @ (share * (1 - share))
        return np.where(variance > 0, difference / np.sqrt(np.where(variance > 0, variance, 1.0)), 0.0)


def _later(progress: Callable[[int], None], before: int) -> Callable[[int], None]:
    return lambda done: progress(before + done)
