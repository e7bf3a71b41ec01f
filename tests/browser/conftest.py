"""Browser, server and people for the browser tests; `harness.py` has what they are made of."""

import fcntl
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Playwright keeps an event loop running in this thread as long as its browser lives, and pytest may run other tests of this worker
# meanwhile. Nothing here is asynchronous: Django's guard against mixing the two would only be in their way.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


_spec = importlib.util.spec_from_file_location("tests_browser_harness", Path(__file__).with_name("harness.py"))
assert _spec is not None
assert _spec.loader is not None
if _spec.name not in sys.modules:
    sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_spec.name])
parts = sys.modules[_spec.name]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def harness() -> Any:
    """All that `harness.py` offers."""
    return parts


@pytest.fixture(scope="session")
def demo_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Any]:
    """The demonstration on a private port; built once a test run, served to each worker from a copy of its own."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent  # the folder that the workers have in common
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first worker builds; the others find it built
        subprocess.run([ROOT / "scripts" / "install-services"], check=True)
        server = parts.Server(shared / "demo-cache")
    yield server
    assert server.stop() == 0


# Not for the session: while Playwright runs, its thread counts as asynchronous, and Django refuses to reach a database there.
@pytest.fixture(scope="package")
def browser(demo_server: Any) -> Iterator[Any]:
    """The system's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = parts.launch(playwright)
        yield running
        running.close()


@pytest.fixture(scope="package")
def _people(browser: Any, demo_server: Any) -> Any:
    from oligami.web.demo import PASSWORD

    return parts.Desk(browser, demo_server, PASSWORD)


@pytest.fixture
def page_for(_people: Any) -> Iterator[Callable[..., Any]]:
    """Open a page: `page_for(role, lang, scheme=, size=, javascript=)`; role None is nobody. Closed after the test."""
    yield _people.page_for
    _people.close()


@pytest.fixture
def journey() -> Callable[[Any], Any]:
    """Begin to count on a page: `journey(page)`."""
    return parts.Journey
