"""Simulated trials to look at: a small one of JCOG2110, made once, and what is needed to make others."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from oligami.journal.record import Record
from oligami.journal.store import FileJournal
from oligami.protocol.load import find_protocol, load_protocol
from oligami.protocol.model.protocol import Protocol
from oligami.simulation.rehearse import Rehearsal, simulate_to_file
from oligami.simulation.scenario import Scenario, find_scenario, load_scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A simulated trial, its records and its file."""

    rehearsal: Rehearsal
    records: tuple[Record, ...]
    path: Path


@pytest.fixture(scope="session")
def protocol() -> Protocol:
    return load_protocol(find_protocol("jcog2110"))


@pytest.fixture(scope="session")
def standard() -> Scenario:
    return load_scenario(find_scenario(find_protocol("jcog2110"), "standard"))


@pytest.fixture(scope="session")
def few(standard: Scenario) -> Scenario:
    """The standard scenario with about 45 registrations over three years, and more that goes wrong."""
    accrual = replace(standard.accrual, asked_per_month=2.6, fictitious_sites=7, end=date(2027, 6, 30))
    office = replace(
        standard.office,
        typing_error_share=0.1,
        factor_error_share=0.3,
        late_correction_share=0.1,
        withdrawal_per_year=0.15,
        missing_share=0.05,
    )
    outcome = replace(standard.outcome, equivocal_share=0.5, clinical_share=0.3)
    return replace(standard, accrual=accrual, office=office, outcome=outcome)


@pytest.fixture(scope="session")
def small(protocol: Protocol, few: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """A simulated trial of few people."""
    path = tmp_path_factory.mktemp("small") / "trial.jsonl"
    rehearsal = simulate_to_file(protocol, few, path, seed=11)
    with FileJournal(path) as journal:
        return Simulated(rehearsal=rehearsal, records=tuple(journal.records()), path=path)
