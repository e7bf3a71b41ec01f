"""The whole trial from a scenario: activation, sites, people, monitoring, to the last day, every word through the desk."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from oligami.journal import entries as e
from oligami.journal.store import FileJournal, Journal
from oligami.protocol.compile import compile_protocol
from oligami.protocol.model.protocol import Protocol
from oligami.simulation.drawing import choose, exponential, stream
from oligami.simulation.engine import Actor, Engine, later, open_engine, working_time
from oligami.simulation.fit import find_faults
from oligami.simulation.latent import DAYS_PER_MONTH
from oligami.simulation.office import DATA_MANAGER
from oligami.simulation.road import ask
from oligami.simulation.scenario import Scenario, ScenarioError
from oligami.trial.commands import ActivateProtocol
from oligami.trial.draws import commitment, derive_secret
from oligami.trial.state import Trial

STUDY_OFFICE = Actor("study-office-1", "study_chair")
COMMITTEE = Actor("safety-committee-1", "safety_committee")
#: Accrual is asked for so long after the planned end at most: a scenario whose people all fail must stop too.
_ACCRUAL_LIMIT_YEARS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a simulation came to."""

    trial: Trial
    asked: int
    refused_commands: dict[str, int]
    secret: bytes


def simulate(
    protocol: Protocol,
    scenario: Scenario,
    journal: Journal,
    *,
    seed: int,
    until: date | None = None,
    progress: Callable[[int, date], None] | None = None,
) -> Rehearsal:
    """Write a whole simulated trial into an empty journal; the same seed gives the same bytes.

    Args:
        protocol: the trial.
        scenario: the people and what happens to them.
        journal: empty.
        seed: of every draw, of the secret of randomization and of the salts.
        until: stop on this day instead of the scenario's end (a trial half-way through).
        progress: called with the number of records and the simulated date.

    Raises:
        ScenarioError: the scenario does not fit the protocol; all faults at once.
        ValueError: the journal is not empty, or `until` lies before the start.
    """
    faults = find_faults(scenario, protocol)
    if faults:
        raise ScenarioError("\n".join(f"{scenario.id}: {fault}" for fault in faults))
    if until is not None and until < scenario.accrual.start:
        raise ValueError(f"the simulation cannot stop on {until}: it begins on {scenario.accrual.start}")
    if journal.head().seq != 0:
        raise ValueError("a simulation needs an empty journal")
    engine = open_engine(protocol, compile_protocol(protocol), scenario, journal, seed, until=until)
    opening = datetime.combine(scenario.accrual.start, datetime.min.time(), tzinfo=UTC)
    _open_trial(engine, opening)
    asked = _plan_accrual(engine, opening)
    _plan_monitoring(engine, opening)
    engine.run(progress)
    return Rehearsal(
        trial=engine.trial,
        asked=asked,
        refused_commands=dict(engine.refused),
        secret=derive_secret(seed, protocol.id),
    )


def simulate_to_file(
    protocol: Protocol,
    scenario: Scenario,
    path: Path,
    *,
    seed: int,
    until: date | None = None,
    progress: Callable[[int, date], None] | None = None,
) -> Rehearsal:
    """Write a simulated trial to a new file; on any failure nothing is left of it.

    Raises:
        FileExistsError: the file is there already.
        ValueError: as `simulate`.
        JournalError: the file could not be written.
    """
    if path.exists():
        raise FileExistsError(str(path))
    # The name is this run's own: a second run that was started by mistake must not write into the same file.
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        with FileJournal(part, create=True, durable=False) as journal:
            rehearsal = simulate(protocol, scenario, journal, seed=seed, until=until, progress=progress)
        if path.exists():
            raise FileExistsError(str(path))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return rehearsal


def _open_trial(engine: Engine, opening: datetime) -> None:
    """Activate the protocol, commit the secret, open the sites over the first months."""
    protocol, accrual = engine.protocol, engine.scenario.accrual
    promised = commitment(derive_secret(engine.seed, protocol.id))
    reason = f"Simulation, seed {engine.seed}"
    engine.say(ActivateProtocol(protocol=protocol, reason=reason, commitment=promised), opening, STUDY_OFFICE)
    chance = stream(engine.seed, "sites", 0)
    named = [location.facility for location in protocol.trial.location]
    for number in range(1, len(named) + accrual.fictitious_sites + 1):
        site = f"site-{number:03d}"
        fictitious = number > len(named)
        name = f"Fictitious hospital {number}" if fictitious else named[number - 1]
        days = 0 if number <= max(1, len(named)) else int(accrual.opening_months * DAYS_PER_MONTH * chance.random())
        when = opening + timedelta(seconds=2) if days == 0 else later(opening, days, chance)
        entry = e.SiteOpened(site=site, name=name, fictitious=fictitious)
        engine.at(when, partial(_open_site, engine, entry))


def _open_site(engine: Engine, entry: e.SiteOpened, when: datetime) -> None:
    engine.say(entry, when, DATA_MANAGER)
    for role in ("investigator", "coordinator"):
        granted = e.RoleGranted(person=f"{entry.site}-{role}", role=role, site=entry.site)
        engine.say(granted, when + timedelta(seconds=1), DATA_MANAGER)


def _plan_accrual(engine: Engine, opening: datetime) -> int:
    """Plan who is asked, where and when: a Poisson stream shared by the sites that are open, in proportion to size."""
    accrual = engine.scenario.accrual
    chance = stream(engine.seed, "accrual", 0)
    sites = len(engine.protocol.trial.location) + accrual.fictitious_sites
    shape = 1.0 / accrual.size_spread**2 if accrual.size_spread > 0 else 1e6
    sizes = {f"site-{number:03d}": chance.gammavariate(shape, 1.0 / shape) for number in range(1, sites + 1)}
    opened = _opening_days(engine, sites)
    # Nobody is asked once the last stage with a limit can no longer take anybody; `decide` refuses those asked after closing.
    limit_days = (engine.protocol.design.accrual_years + _ACCRUAL_LIMIT_YEARS) * 365.25
    day, number = 0.0, 0
    while True:
        day += exponential(accrual.asked_per_month / DAYS_PER_MONTH, chance)
        if day >= limit_days:
            return number
        open_now = {site: size for site, size in sizes.items() if opened[site] < day}
        # A stream of the full rate, thinned while sites are still to open.
        if chance.random() * sum(sizes.values()) >= sum(open_now.values()):
            continue
        site = choose(open_now, chance)
        number += 1
        when = working_time(opening.date() + timedelta(days=int(day)), chance)
        engine.at(when, partial(_ask, engine, number, site))


def _ask(engine: Engine, number: int, site: str, when: datetime) -> None:
    """Ask, unless the first stage is full: then a doctor no longer asks."""
    full = [
        stage
        for stage in engine.protocol.eligibility.stage
        if stage.limit is not None and engine.trial.registered(stage.id) >= stage.limit
    ]
    if not full:
        ask(engine, number, site, when)


def _opening_days(engine: Engine, sites: int) -> dict[str, float]:
    """Return the day on which each site opens, by the same draws as `_open_trial`."""
    chance = stream(engine.seed, "sites", 0)
    named = len(engine.protocol.trial.location)
    days: dict[str, float] = {}
    for number in range(1, sites + 1):
        if number <= max(1, named):
            days[f"site-{number:03d}"] = 0.0
            continue
        days[f"site-{number:03d}"] = int(engine.scenario.accrual.opening_months * DAYS_PER_MONTH * chance.random()) + 1.0
        chance.random()  # the hour of the day
    return days


def _plan_monitoring(engine: Engine, opening: datetime) -> None:
    """Publish heads, and take a cut for central monitoring at the group's rhythm."""
    office = engine.scenario.office
    end = engine.scenario.accrual.end
    chance = stream(engine.seed, "monitoring", 0)
    when = later(opening, office.head_published_days, chance)
    while when.date() <= end:
        engine.at(when, lambda at: _publish(engine, at))
        when = later(when, office.head_published_days, chance)
    number, when = 1, later(opening, int(office.monitoring_months * DAYS_PER_MONTH), chance)
    came: list[int] = []
    while when.date() <= end:
        engine.at(when, partial(_monitor, engine, number))
        engine.at(when, partial(_close_sites, engine, came))
        number, when = number + 1, later(when, int(office.monitoring_months * DAYS_PER_MONTH), chance)


def _publish(engine: Engine, when: datetime) -> None:
    head = engine.trial.head
    engine.try_to_say(
        e.HeadPublished(record=head.seq, seal=head.seal, where="principal investigator and data centre (simulated)"),
        when,
        DATA_MANAGER,
    )


def _monitor(engine: Engine, number: int, when: datetime) -> None:
    cut = f"monitoring-{number:02d}"
    taken = e.CutTaken(
        cut=cut, through=engine.trial.head.seq, up_to=when.date() - timedelta(days=30), purpose="central monitoring (simulated)"
    )
    if engine.try_to_say(taken, when, DATA_MANAGER) is not None:
        export = e.ExportMade(
            what=f"datasets of cut {cut}",
            purpose="central monitoring (simulated)",
            recipient="data and safety monitoring committee (simulated)",
            digest=engine.trial.head.seal,
        )
        engine.try_to_say(export, when + timedelta(days=2), DATA_MANAGER)
        decided = e.MonitoringDecided(cut=cut, decision="continue", text="No objection (simulated) / 継続可（模擬）")
        engine.at(when + timedelta(days=10), lambda at: engine.try_to_say(decided, at, COMMITTEE))


def _close_sites(engine: Engine, came: list[int], when: datetime) -> None:
    """Close the sites to registration once a stage is full and nobody came to any stage since the last monitoring.

    Args:
        engine: the simulation.
        came: how many registrations there were at each monitoring before; this one's is added.
        when: now.
    """
    stages = engine.protocol.eligibility.stage
    came.append(sum(engine.trial.registered(stage.id) for stage in stages))
    full = any(stage.limit is not None and engine.trial.registered(stage.id) >= stage.limit for stage in stages)
    if full and came[-2:] == [came[-1], came[-1]]:
        for site in engine.trial.study.sites.values():
            if site.closed_at is None:
                engine.say(e.SiteClosed(site=site.site, reason="Accrual is complete (simulated)"), when, DATA_MANAGER)
