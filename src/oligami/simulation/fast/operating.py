"""Operating characteristics: what counts of simulated trials say about a design, each with its Monte Carlo error."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oligami.simulation.fast.counts import BIN_MONTHS, Counts, Moments
from oligami.simulation.fast.plan import Plan, Test
from oligami.stats import show

#: Quantiles of calendar times that a table gives.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of trials with its Monte Carlo standard error."""

    hits: int
    trials: int

    @property
    def value(self) -> float:
        """The share."""
        return self.hits / self.trials

    @property
    def std_err(self) -> float:
        """sqrt(p (1 - p) / trials); of no or all hits that of one half hit, so that it never claims certainty."""
        p = min(max(self.value, 0.5 / self.trials), 1 - 0.5 / self.trials)
        return math.sqrt(p * (1 - p) / self.trials)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookCharacteristics:
    """One look: when it comes, on how many, how often the trial ends there.

    time_quantiles: calendar months at which this look is taken, at `QUANTILES`, to half a month. crossed: by test, whose z is beyond the
    bound at this look whatever came before. stops_efficacy, stops_futility: trials that the primary test ends here.
    """

    look: int
    efficacy: float
    futility: float
    time: Moments
    time_quantiles: tuple[float, ...]
    events: Moments
    at_look: Moments
    log_hr: Moments
    crossed: Mapping[Test, Share]
    stops_efficacy: Share
    stops_futility: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingCharacteristics:
    """How a design behaves under a plan.

    power: by test, trials that reject at any look (the type I error where there is no effect); the first test is the primary one.
    duration, events: at the look at which the trial ends. registered, randomized, difference (|n1 - n0|): of whole trials.
    duration_quantiles: at `QUANTILES`.
    """

    trials: int
    seed: int
    plan: str
    power: Mapping[Test, Share]
    futile: Share
    duration: Moments
    duration_quantiles: tuple[float, ...]
    events: Moments
    registered: Moments
    randomized: Moments
    difference: Moments
    last_randomization: Moments
    log_hr: Moments
    rmst_difference: Moments
    looks: tuple[LookCharacteristics, ...]

    def summary(self) -> str:
        """Return tables of text: power by test, then look by look."""
        tests = [[test.name.lower(), share.value, share.std_err] for test, share in self.power.items()]
        looks = [
            [
                each.look,
                each.efficacy,
                each.time.mean,
                each.events.mean,
                each.at_look.mean,
                each.stops_efficacy.value,
                each.stops_futility.value,
            ]
            for each in self.looks
        ]
        notes = [
            f"Duration {show.number(self.duration.mean)} months (SD {show.number(self.duration.std_dev)}), "
            f"{show.number(self.events.mean)} events, {show.number(self.randomized.mean)} randomized.",
        ]
        heads = ["look", "z", "months", "events", "subjects", "efficacy", "futility"]
        return "\n\n".join(
            [
                show.table(f"{self.trials} trials, seed {self.seed}", ["test", "rejects", "MC error"], tests),
                show.table("Looks", heads, looks, notes),
            ]
        )

    def to_frame(self) -> Any:
        """Return one row a test and look: share beyond the bound, time, events."""
        rows = [(look, test) for look in self.looks for test in self.power]
        return show.frame(
            {
                "look": np.array([look.look for look, _ in rows]),
                "test": np.array([test.name.lower() for _, test in rows]),
                "crossed": np.array([look.crossed[test].value for look, test in rows]),
                "std_err": np.array([look.crossed[test].std_err for look, test in rows]),
                "months": np.array([look.time.mean for look, _ in rows]),
                "events": np.array([look.events.mean for look, _ in rows]),
            }
        )


def characteristics(counts: Counts, plan: Plan) -> OperatingCharacteristics:
    """Turn counts of a plan into operating characteristics."""
    trials, moments = counts.trials, counts.moments

    def share(hits: int) -> Share:
        return Share(hits=int(hits), trials=trials)

    looks = tuple(
        LookCharacteristics(
            look=k + 1,
            efficacy=float(plan.efficacy[k]),
            futility=float(plan.futility[k]),
            time=moments[f"time/{k + 1}"],
            time_quantiles=quantiles(counts.times[k]),
            events=moments[f"events/{k + 1}"],
            at_look=moments[f"at_look/{k + 1}"],
            log_hr=moments[f"log_hr/{k + 1}"],
            crossed={test: share(counts.crossed[t][k]) for t, test in enumerate(plan.tests)},
            stops_efficacy=share(counts.rejected[0][k]),
            stops_futility=share(counts.futile[k]),
        )
        for k in range(len(plan.looks))
    )
    return OperatingCharacteristics(
        trials=trials,
        seed=counts.seed,
        plan=counts.plan,
        power={test: share(sum(counts.rejected[t])) for t, test in enumerate(plan.tests)},
        futile=share(sum(counts.futile)),
        duration=moments["duration"],
        duration_quantiles=quantiles(counts.stopped),
        events=moments["events"],
        registered=moments["registered"],
        randomized=moments["randomized"],
        difference=moments["difference"],
        last_randomization=moments["last_randomization"],
        log_hr=moments["log_hr"],
        rmst_difference=moments["rmst_difference"],
        looks=looks,
    )


def quantiles(histogram: Sequence[int], shares: Iterable[float] = QUANTILES) -> tuple[float, ...]:
    """Return the upper ends of the bins at which the shares of trials are reached, in months."""
    reached = np.cumsum(histogram)
    if not reached[-1]:
        return tuple(math.nan for _ in shares)
    return tuple(float((np.searchsorted(reached, share * reached[-1]) + 1) * BIN_MONTHS) for share in shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepCell:
    """One combination of a sweep: the values by name, and what they lead to."""

    values: Mapping[str, float]
    characteristics: OperatingCharacteristics


def sweep(
    axes: Mapping[str, Sequence[float]],
    plan_of_values: Callable[[Mapping[str, float]], Plan],
    simulate: Callable[[Plan], Counts],
    progress: Callable[[int, int], None] | None = None,
) -> tuple[SweepCell, ...]:
    """Simulate every combination of the axes' values, the last axis running fastest.

    All cells use the same replicates of the same seed, so that they differ by what was changed and not by chance.

    Args:
        axes: values by name, at least one each.
        plan_of_values: makes the plan of a combination.
        simulate: runs it.
        progress: called with cells done and cells in all.

    Raises:
        ValueError: an axis has no values.
    """
    empty = [name for name, values in axes.items() if not len(values)]
    if empty:
        raise ValueError(f"axes {', '.join(empty)} have no values; each must have one at least")
    combinations: list[dict[str, float]] = [{}]
    for name, values in axes.items():
        combinations = [{**before, name: float(value)} for before in combinations for value in values]
    cells = []
    for number, chosen in enumerate(combinations, start=1):
        plan = plan_of_values(chosen)
        cells.append(SweepCell(values=chosen, characteristics=characteristics(simulate(plan), plan)))
        if progress is not None:
            progress(number, len(combinations))
    return tuple(cells)
