"""Databases for the tests; `bench.py` makes them."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_spec = importlib.util.spec_from_file_location("tests_web_bench", Path(__file__).parents[1] / "web" / "bench.py")
assert _spec is not None
assert _spec.loader is not None
if _spec.name not in sys.modules:
    sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_spec.name])
web = sys.modules[_spec.name]


@pytest.fixture(scope="session")
def bench() -> Any:
    """All that `bench.py` offers."""
    return web


@pytest.fixture(scope="session")
def jcog() -> Any:
    """The real protocol."""
    from oligami.protocol.load import find_protocol, load_protocol

    return load_protocol(find_protocol("jcog2110", version="1.0"))


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    """A PostgreSQL server."""
    running = web.Server()
    yield running
    running.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """An empty database, of each kind in turn."""
    made = web.new_sqlite(tmp_path) if request.param == "sqlite" else web.new_postgresql(request.getfixturevalue("server"))
    with made as database:
        yield database


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Any]:
    """An empty embedded database."""
    with web.new_sqlite(tmp_path) as database:
        yield database


@pytest.fixture
def desk(database: Any, jcog: Any) -> Any:
    """The real trial, open at two sites."""
    return web.open_trial(database.alias, jcog, sites=web.SITES[:2])


@pytest.fixture(scope="session")
def simulated(jcog: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a simulated trial of its first months."""
    from datetime import date

    from oligami.journal.store import FileJournal
    from oligami.protocol.load import find_protocol
    from oligami.simulation.rehearse import simulate
    from oligami.simulation.scenario import find_scenario, load_scenario

    path = tmp_path_factory.mktemp("simulated") / "trial.jsonl"
    scenario = load_scenario(find_scenario(find_protocol("jcog2110", version="1.0"), "standard"))
    with FileJournal(path, create=True, durable=False) as journal:
        simulate(jcog, scenario, journal, seed=1, until=date(2024, 6, 30))
    return path


@pytest.fixture
def site(jcog: Any, tmp_path: Path) -> Iterator[Any]:
    """A whole site with the real trial open at three hospitals; see `site.py`."""
    with web.load(Path(__file__).with_name("site.py")).new_site(tmp_path, jcog) as made:
        yield made
