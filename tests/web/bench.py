"""Databases and a trial on them, for the tests of the web and of its faults; the worker of the kill drill uses it as well."""

import atexit
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
APPLICATION = "oligami_app"  # the role that the program runs as; it owns nothing
OWNER = "oligami_owner"
SITES = tuple(f"s{number:02d}" for number in range(1, 51))
_numbers = count(1)


def load(path: Path) -> ModuleType:
    """Return a Python file of the tests as a module."""
    name = f"tests_{path.parent.name}_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def start_django() -> None:
    """Set Django up once in this process, on settings of its own; databases are added by `add_database`."""
    import django
    from django.apps import apps

    if apps.ready:
        return
    os.environ["DJANGO_SETTINGS_MODULE"] = "oligami.web.settings"
    os.environ["OLIGAMI_SECRET_KEY"] = secrets.token_urlsafe(48)
    os.environ.pop("DATABASE_URL", None)
    os.environ["OLIGAMI_DATA"] = tempfile.mkdtemp(prefix="oligami-data-")
    atexit.register(shutil.rmtree, os.environ["OLIGAMI_DATA"], ignore_errors=True)
    django.setup()


start_django()

from django.core.management import call_command  # noqa: E402 - Django wants to be set up before its parts are imported
from django.db import connections  # noqa: E402

from oligami.journal import entries as e  # noqa: E402
from oligami.trial.commands import ActivateProtocol, Register  # noqa: E402
from oligami.trial.draws import commitment  # noqa: E402
from oligami.web.configuration import read_database_url, sqlite_database  # noqa: E402
from oligami.web.desk import Asked, Desk  # noqa: E402
from oligami.web.journal.guards import grants  # noqa: E402

_trial = load(ROOT / "tests" / "trial" / "conftest.py")
FIRST, SECOND, SECRET = _trial.FIRST, _trial.SECOND, _trial.SECRET


@dataclass(frozen=True)
class Database:
    """A migrated, empty database: the application's alias, its owner's, and its address."""

    alias: str
    owner: str
    vendor: str
    address: str

    @property
    def path(self) -> Path:
        """The file of an SQLite database."""
        return Path(self.address.removeprefix("sqlite:///"))

    def execute(self, sql: str, *values: Any, alias: str | None = None) -> list[Any]:
        """Carry out SQL, as the application unless told otherwise, and return what it answers."""
        with connections[alias or self.alias].cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []


def add_database(settings: dict[str, Any]) -> str:
    """Make a database known to Django under a new alias."""
    alias = f"database{next(_numbers)}"
    connections.settings[alias] = connections.configure_settings({"default": {}, alias: dict(settings)})[alias]
    return alias


def remove_database(*aliases: str) -> None:
    """Close and forget databases."""
    for alias in set(aliases):
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


def migrate(alias: str) -> None:
    """Make the tables of the journal and of the ledger; the pages' own are made where pages are tested (`site.py`)."""
    for app in ("journal", "ledger"):
        call_command("migrate", app, database=alias, verbosity=0)


@contextmanager
def new_sqlite(folder: Path) -> Iterator[Database]:
    """Yield an embedded database in a folder."""
    path = folder / "trial.sqlite3"
    alias = add_database(sqlite_database(path))
    migrate(alias)
    try:
        yield Database(alias, alias, "sqlite", f"sqlite:///{path}")
    finally:
        remove_database(alias)


class Server:
    """A PostgreSQL server of our own on a private port of this machine, with its durable settings as they are."""

    def __init__(self) -> None:
        subprocess.run([ROOT / "scripts" / "install-services"], check=True)
        self._programs = _postgresql_programs()
        self.folder = Path(tempfile.mkdtemp(prefix="oligami-postgresql-"))
        self._user = "postgres" if os.getuid() == 0 else None  # the server refuses to run as root
        self.password = secrets.token_hex(16)
        word = self.folder / "password"
        word.write_text(self.password)
        if self._user:
            for path in (self.folder, word):
                shutil.chown(path, self._user, self._user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run(
            *("initdb", "-D", f"{self.folder}/data", "-U", "superuser", "--encoding=UTF8", "--no-locale"),
            *("--auth=scram-sha-256", f"--pwfile={word}", "--no-instructions"),
        )
        self.start()
        for role in (OWNER, APPLICATION):
            self.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{self.password}'")
        self.execute(f"CREATE DATABASE trial OWNER {OWNER}")

    def address(self, role: str, name: str) -> str:
        """Return the address of a database as a role."""
        return f"postgresql://{role}:{self.password}@127.0.0.1:{self.port}/{name}"

    def execute(self, sql: str, name: str = "postgres") -> None:
        """Carry out SQL as the superuser, outside transactions."""
        import psycopg

        with psycopg.connect(self.address("superuser", name), autocommit=True) as connection:
            connection.execute(sql)

    def start(self) -> None:
        """Start the server, after a crash as well, and wait until it takes connections."""
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories='' -c max_connections=80"
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-w", "-o", options, "start")

    def kill(self) -> None:
        """Kill the server without notice, as a loss of power would, and start it again: it recovers from its own log."""
        master = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        for number in (master, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        (self.folder / "data" / "postmaster.pid").unlink()
        self.start()

    def stop(self) -> None:
        """Stop the server and remove all it wrote."""
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        # The output goes to a file: a server that inherited a pipe would keep its reader waiting.
        with (self.folder / "out").open("ab") as out:
            subprocess.run(
                [self._programs / program, *arguments],
                check=True,
                stdout=out,
                stderr=out,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
                cwd=self.folder,
            )


def _postgresql_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    path = found[-1] if found else Path(shutil.which("initdb") or "")
    assert path.name == "initdb", "scripts/install-services left no PostgreSQL server"
    return path.resolve().parent


@contextmanager
def new_postgresql(server: Server) -> Iterator[Database]:
    """Yield the server's one database, empty; one role owns it, the application's role uses it."""
    name = "trial"
    server.execute(f"DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION {OWNER}", name)
    owner = add_database(read_database_url(server.address(OWNER, name)))
    migrate(owner)
    with connections[owner].cursor() as cursor:
        for statement in grants(APPLICATION, connections[owner]):
            cursor.execute(statement)
    address = server.address(APPLICATION, name)
    alias = add_database(read_database_url(address))
    try:
        yield Database(alias, owner, "postgresql", address)
    finally:
        remove_database(alias, owner)


def asked(**changes: Any) -> Asked:
    """Return who asks, with a new command id."""
    values = {"command": secrets.token_hex(16), "author": "dr-kimura", "role": "investigator"}
    return Asked(**(values | changes))


def first(site: str, **changes: Any) -> Register:
    """Ask for the first registration of an eligible woman."""
    return Register(stage="first", site=site, values=FIRST | changes)


def second(subject: str, site: str, **changes: Any) -> Register:
    """Ask for her randomization."""
    return Register(stage="second", site=site, subject=subject, values=SECOND | changes)


def open_trial(alias: str, protocol: Any, *, sites: tuple[str, ...] = SITES, **more: Any) -> Desk:
    """Return the desk of a trial that was just activated, its secret committed, its sites open."""
    desk = Desk(protocol.id, using=alias, secrets={commitment(SECRET): SECRET}, **more)
    desk.submit(ActivateProtocol(protocol=protocol), asked())
    desk.submit(e.SecretCommitted(commitment=commitment(SECRET)), asked())
    for site in sites:
        desk.submit(e.SiteOpened(site=site, name=f"Hospital {site}"), asked())
    return desk
