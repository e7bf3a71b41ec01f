"""Journals for the public record: entries said one after the other, sealed as in a file."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oligami.journal import entries as e
from oligami.journal.record import GENESIS, Record, Stamp
from oligami.journal.seal import seal_entry
from oligami.protocol.digest import protocol_to_json
from oligami.protocol.load import find_protocol, load_protocol
from oligami.protocol.model.protocol import Protocol

BEGIN = datetime(2024, 4, 1, 3, tzinfo=UTC)


@pytest.fixture(scope="session")
def jcog() -> Protocol:
    """The real protocol."""
    return load_protocol(find_protocol("jcog2110", version="1.0"))


@pytest.fixture(scope="session")
def tiny() -> Protocol:
    """A second trial."""
    return load_protocol(Path(__file__).parents[1] / "protocols" / "tiny" / "1.0")


@pytest.fixture(scope="session")
def journal() -> Callable[..., list[Record]]:
    """Make records of entries, one a day."""

    def make(*entries: Any, channel: Any = "web") -> list[Record]:
        records: list[Record] = []
        seal = GENESIS
        for number, entry in enumerate(entries, start=1):
            stamp = Stamp(
                recorded_at=BEGIN + timedelta(days=number - 1),
                author="centre-1",
                role="data_manager",
                channel=channel,
                command=f"{number:032x}",
            )
            record, _ = seal_entry(entry, stamp, seq=number, previous=seal, salt=f"{number:032x}")
            seal = record.seal
            records.append(record)
        return records

    return make


@pytest.fixture(scope="session")
def activated() -> Callable[[Protocol], e.ProtocolActivated]:
    """Return the activation of a protocol."""

    def activate(protocol: Protocol, reason: str = "start") -> e.ProtocolActivated:
        return e.ProtocolActivated(
            trial=protocol.id,
            version=protocol.version,
            digest=protocol.digest,
            protocol=protocol_to_json(protocol),
            reason=reason,
        )

    return activate
