"""The whole question at once: how a protocol's design behaves under every scenario beside it, and what its neighbours would do.

A study holds answers, not arrays: operating characteristics of each scenario, of designs with none, one and two interim looks,
of a sweep over what nobody knows yet, the calendar of events, and the table of predictability of the rule of allocation.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from oligami.protocol.model.common import Origin, OriginKind, Text
from oligami.protocol.model.design import InterimPlan
from oligami.protocol.model.protocol import Protocol
from oligami.simulation.fast.counts import BIN_MONTHS, BINS, Counts
from oligami.simulation.fast.operating import OperatingCharacteristics, SweepCell, characteristics, sweep
from oligami.simulation.fast.plan import Look, Plan, Test
from oligami.simulation.fast.planning import Change, plan_of, planned_events
from oligami.simulation.fast.scenario import Effect, OperatingScenario
from oligami.simulation.predictability import Accrual, PredictabilityRow, predictability_table, uneven_sites

Simulate = Callable[[Plan, int], Counts]

#: Shares of the planned events whose dates the calendar gives.
EVENT_SHARES: Final = (0.25, 0.5, 0.75, 1.0)
#: Designs that are compared: looks at these shares of the planned events.
COMPARED: Final[tuple[tuple[float, ...], ...]] = ((1.0,), (0.5, 1.0), (1 / 3, 2 / 3, 1.0))
#: What the sweep varies when nothing else is asked for: departures from the scenario, in the units of `Change`.
DEFAULT_AXES: Final[Mapping[str, tuple[float, ...]]] = {
    "control": (0.3, 0.4, 0.5, 0.6),
    "difference": (0.0, 0.08, 0.12, 0.16),
    "accrual_years": (3.0, 4.0),
    "pass_share": (0.79, 0.71),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """A scenario, the plan made from it, and what it leads to."""

    scenario: OperatingScenario
    plan: Plan
    result: OperatingCharacteristics


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedDesign:
    """Looks at shares of the planned events, O'Brien-Fleming spending, under the scenario and under no effect."""

    information: tuple[float, ...]
    events: tuple[int, ...]
    under_scenario: OperatingCharacteristics
    under_null: OperatingCharacteristics


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsCalendar:
    """When shares of the planned events will have happened under a scenario; no test is made.

    times: histogram of the calendar time of each number of events, in bins of `counts.BIN_MONTHS`; the last bin holds all that
        is later or never comes.
    """

    scenario: str
    events: tuple[int, ...]
    times: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Everything asked of a protocol's design.

    trials: replicates a scenario and design; cell_trials: a cell of the sweep. planned: events of the preset in force.
    """

    protocol: Protocol
    base: str
    seed: int
    trials: int
    cell_trials: int
    engine: str
    planned: int
    scenarios: tuple[ScenarioResult, ...]
    designs: tuple[ComparedDesign, ...]
    calendars: tuple[EventsCalendar, ...]
    axes: Mapping[str, tuple[float, ...]]
    cells: tuple[SweepCell, ...]
    predictability: tuple[PredictabilityRow, ...]


def interim_plan(information: Sequence[float]) -> InterimPlan:
    """Return looks at these shares of the planned events with Lan and DeMets' O'Brien-Fleming spending and no futility bound."""
    return InterimPlan(
        information=tuple(information),
        efficacy="lan_demets_obrien_fleming",
        text=Text("For comparison.", "比較用。"),
        origin=Origin(kind=OriginKind.DEFAULT, cite="a design to compare with"),
    )


def null_of(scenario: OperatingScenario) -> OperatingScenario:
    """Return the scenario without effect and without departures from the arm drawn."""
    survival = replace(scenario.survival, experimental=None, effect=(Effect(hazard_ratio=1.0),))
    leaving = replace(scenario.leaving, crossover_per_year=0.0, untreated_share=0.0)
    return replace(scenario, survival=survival, leaving=leaving)


def study_steps(scenarios: int, axes: Mapping[str, Sequence[float]]) -> int:
    """Return the number of simulations of a study: for a progress bar."""
    return 2 * scenarios + 2 * len(COMPARED) + int(np.prod([len(values) for values in axes.values()]))


def make_study(
    protocol: Protocol,
    scenarios: Sequence[OperatingScenario],
    simulate: Simulate,
    *,
    base: str,
    seed: int,
    trials: int,
    engine: str,
    axes: Mapping[str, Sequence[float]] | None = None,
    cell_trials: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Study:
    """Simulate everything.

    Args:
        protocol: whose design is asked about.
        scenarios: to go through, the base one among them.
        simulate: runs so many trials of a plan, always from replicate 0 of the same seed.
        base: id of the scenario that the comparison and the sweep start from.
        seed: for the provenance and the table of predictability.
        trials: a scenario and design.
        engine: for the provenance.
        axes: what the sweep varies: control (share alive at the milestone), difference (added to it), accrual_years, pass_share.
        cell_trials: a cell of the sweep; if not given a fiftieth of `trials`, at least 2 000, and never more than `trials`.
        progress: told the name of each step as it begins.

    Raises:
        ValueError: there is no base scenario, or an axis is unknown or empty.
        ScenarioError: a scenario does not fit the protocol.
    """
    by_id = {scenario.id: scenario for scenario in scenarios}
    if base not in by_id:
        raise ValueError(f"base is {base!r}; it must be one of the scenarios, {', '.join(by_id)}")
    chosen = {name: tuple(map(float, values)) for name, values in (DEFAULT_AXES if axes is None else axes).items()}
    unknown = set(chosen) - set(DEFAULT_AXES)
    if unknown:
        raise ValueError(f"axes are {', '.join(sorted(unknown))}; they must be among {', '.join(DEFAULT_AXES)}")
    cell = cell_trials or min(trials, max(2_000, trials // 50))

    def tell(step: str) -> None:
        if progress is not None:
            progress(step)

    results, calendars = [], []
    for scenario in scenarios:
        tell(scenario.id)
        plan = plan_of(protocol, scenario)
        results.append(ScenarioResult(scenario=scenario, plan=plan, result=characteristics(simulate(plan, trials), plan)))
    planned = planned_events(protocol)
    for scenario in scenarios:
        tell(f"{scenario.id}: events")
        calendars.append(_calendar(protocol, scenario, planned, simulate, trials))
    designs = []
    for information in COMPARED:
        change = Change(interim=interim_plan(information), planned_events=planned)
        found = []
        for scenario in (by_id[base], null_of(by_id[base])):
            tell(f"{len(information) - 1} interim looks")
            plan = replace(plan_of(protocol, scenario, change), tests=_primary(protocol))
            found.append((plan, characteristics(simulate(plan, trials), plan)))
        events = tuple(look.events or 0 for look in found[0][0].looks)
        designs.append(ComparedDesign(information=information, events=events, under_scenario=found[0][1], under_null=found[1][1]))

    def plan_of_cell(values: Mapping[str, float]) -> Plan:
        tell("sweep")
        return replace(plan_of(protocol, by_id[base], change_of(protocol, by_id[base], values)), tests=_primary(protocol))

    cells = sweep(chosen, plan_of_cell, lambda plan: simulate(plan, cell))
    accrual = Accrual(subjects=protocol.design.randomized_planned, site_shares=uneven_sites(protocol.design.sites_planned))
    return Study(
        protocol=protocol,
        base=base,
        seed=seed,
        trials=trials,
        cell_trials=cell,
        engine=engine,
        planned=planned,
        scenarios=tuple(results),
        designs=tuple(designs),
        calendars=tuple(calendars),
        axes=chosen,
        cells=cells,
        predictability=tuple(predictability_table(protocol.allocation, accrual, seed=seed)),
    )


def change_of(protocol: Protocol, scenario: OperatingScenario, values: Mapping[str, float]) -> Change:
    """Return the change that a cell of a sweep stands for.

    Raises:
        ValueError: a difference leads beyond certain survival, or is asked for where the control survival is a curve.
    """
    control = values.get("control", scenario.survival.control)
    experimental = None
    if "difference" in values:
        if not isinstance(control, float):
            raise ValueError("difference needs one control survival for all; give the axis control too")
        experimental = control + values["difference"]
        if not 0 < experimental < 1:
            raise ValueError(f"difference {values['difference']} on control {control} gives {experimental}; it must be in (0, 1)")
    return Change(
        control=control if isinstance(control, float) else None,
        experimental=experimental,
        accrual_months=None if "accrual_years" not in values else 12 * values["accrual_years"],
        pass_share=values.get("pass_share"),
    )


def _primary(protocol: Protocol) -> tuple[Test, ...]:
    return (Test.STRATIFIED,) if protocol.analysis.stratum else (Test.LOGRANK,)


def _calendar(protocol: Protocol, scenario: OperatingScenario, planned: int, simulate: Simulate, trials: int) -> EventsCalendar:
    # Rounded up, as the looks of a design are.
    events = tuple(max(1, math.ceil(share * planned)) for share in EVENT_SHARES)
    plan = replace(
        plan_of(protocol, scenario),
        looks=tuple(Look(events=number, not_after_months=BINS * BIN_MONTHS) for number in events),
        efficacy=np.full(len(events), np.inf),
        futility=np.full(len(events), -np.inf),
        tests=(Test.LOGRANK,),
    )
    return EventsCalendar(scenario=scenario.id, events=events, times=simulate(plan, trials).times)
