"""The ground of the drills: the databases, the trial and the people that the tests prepare, for drills that run by themselves."""

import importlib.util
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import structlog
from django.conf import settings

ROOT = Path(__file__).parents[1]


def _load(path: Path) -> ModuleType:
    name = f"tests_{path.parent.name}_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


# What the server would log of each request is not what a drill prints.
logging.disable(logging.CRITICAL)
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

bench: Any = _load(ROOT / "tests" / "web" / "bench.py")
sites: Any = _load(ROOT / "tests" / "web" / "site.py")
settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"


def protocol() -> Any:
    """Return the real protocol."""
    from oligami.protocol.load import find_protocol, load_protocol

    return load_protocol(find_protocol("jcog2110", version="1.0"))


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="oligami-drill-") as path:
        yield Path(path)


@contextmanager
def site(**more: Any) -> Iterator[Any]:
    """Yield a whole site on an embedded database: the real trial, open at three hospitals."""
    with folder() as path, sites.new_site(path, protocol(), **more) as made:
        yield made


@contextmanager
def databases() -> Iterator[Iterator[Any]]:
    """Yield an empty database of each kind in turn."""
    server = bench.Server()

    def each() -> Iterator[Any]:
        with folder() as path, bench.new_sqlite(path) as database:
            yield database
        with bench.new_postgresql(server) as database:
            yield database

    try:
        yield each()
    finally:
        server.stop()


def tell(name: str, **figures: Any) -> None:
    """Print the figures of a drill in a line."""
    print(
        name,
        *(f"{key}={value:.2f}" if isinstance(value, float) else f"{key}={value}" for key, value in figures.items()),
        flush=True,
    )


def judge(faults: list[str]) -> None:
    """End with the faults found, or say that there are none."""
    for fault in faults[:50]:
        print("FAULT", fault, flush=True)
    print(f"{len(faults)} faults", flush=True)
    raise SystemExit(1 if faults else 0)
