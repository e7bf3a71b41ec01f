"""A whole web site for tests of pages: an embedded database as Django's default, the trial open, people with roles."""

import importlib.util
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

_spec = importlib.util.spec_from_file_location("tests_web_bench", Path(__file__).with_name("bench.py"))
assert _spec is not None
assert _spec.loader is not None
if _spec.name not in sys.modules:
    sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_spec.name])
bench = sys.modules[_spec.name]

from django.conf import settings  # noqa: E402 - `bench` sets Django up
from django.core.cache import cache as django_cache  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import Client  # noqa: E402

from oligami.journal import entries as e  # noqa: E402
from oligami.trial.commands import ActivateProtocol  # noqa: E402
from oligami.trial.draws import commitment  # noqa: E402
from oligami.web import clock  # noqa: E402
from oligami.web import desk as desk_module  # noqa: E402
from oligami.web.accounts.models import Account  # noqa: E402
from oligami.web.configuration import read_database_url, sqlite_database  # noqa: E402
from oligami.web.desk import Desk  # noqa: E402
from oligami.web.grants import grants  # noqa: E402

PASSWORD = "correct horse battery staple"
#: The trial of these tests is lived in June 2024, like its subjects.
NOW = datetime(2024, 6, 12, 1, 0, tzinfo=UTC)
SITES = ("s01", "s02", "s03")
SITE_ROLES = ("investigator", "coordinator")


@cache
def _template() -> Path:
    """Return an empty migrated database, made once a process."""
    path = Path(tempfile.mkdtemp(prefix="oligami-site-")) / "empty.sqlite3"
    alias = bench.add_database(sqlite_database(path))
    call_command("migrate", database=alias, verbosity=0)
    with connections[alias].cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    bench.remove_database(alias)
    bench.atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    return path


@dataclass
class Site:
    """The site under test."""

    protocol: Any
    folder: Path
    address: str
    people: dict[tuple[str, str | None], Account] = field(default_factory=dict)

    @property
    def trial_id(self) -> str:
        """The trial's id."""
        return str(self.protocol.id)

    @property
    def desk(self) -> Desk:
        """A desk without the guard of rights, for preparing a trial."""
        return Desk(self.trial_id, secrets={commitment(bench.SECRET): bench.SECRET})

    @property
    def trial(self) -> Any:
        """The trial as it stands."""
        return self.desk.trial

    def submit(self, command: Any, **asked: Any) -> Any:
        """Carry out a command outside the pages, to prepare a trial."""
        return self.desk.submit(command, bench.asked(**asked))

    def person(self, role: str, site: str | None = None) -> Account:
        """Return an account that holds a role; site roles are at `s01` unless told otherwise."""
        at = (site or SITES[0]) if role in SITE_ROLES else site
        if (role, at) not in self.people:
            word = f"{role}-{at}" if at else role
            account = Account.objects.create_user(username=word, email=f"{word}@example.org", person=f"p-{word}")
            account.password = _hashed()
            account.save()
            self.submit(e.RoleGranted(person=account.person, role=role, site=at))
            self.people[role, at] = account
        return self.people[role, at]

    def client_for(self, role: str | None, site: str | None = None, *, lang: str = "en") -> Client:
        """Return a client signed in as the holder of a role (None: nobody), speaking a language."""
        client = Client()
        if role is not None:
            client.force_login(self.person(role, site), backend="allauth.account.auth_backends.AuthenticationBackend")
        client.cookies["language"] = lang
        return client

    def register(self, site: str = SITES[0], **changes: Any) -> str:
        """Register an eligible woman and return her number."""
        receipt = self.submit(bench.first(site, **changes))
        return next(entry.subject for entry in receipt.entries if isinstance(entry, e.Registered))

    def randomize(self, subject: str, site: str = SITES[0], **changes: Any) -> Any:
        """Carry out her second registration."""
        return self.submit(bench.second(subject, site, **changes))

    def url(self, path: str = "") -> str:
        """Return an address below the trial's."""
        return f"/t/{self.trial_id}/{path}"

    def raw(self) -> bytes:
        """Return all bytes of the database, to look for what must not be in it."""
        with connections["default"].cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return Path(self.address.removeprefix("sqlite:///")).read_bytes()


@cache
def _hashed() -> str:
    from django.contrib.auth.hashers import make_password

    return make_password(PASSWORD)


@contextmanager
def new_site(folder: Path, protocol: Any, *, sites: tuple[str, ...] = SITES) -> Iterator[Site]:
    """Yield a site of its own: database, trial, clock, secret of randomization."""
    path = folder / f"site-{secrets.token_hex(4)}.sqlite3"
    shutil.copy(_template(), path)
    with _opened(folder, sqlite_database(path), f"sqlite:///{path}", protocol, sites) as made:
        yield made


@contextmanager
def new_postgresql_site(server: Any, folder: Path, protocol: Any, *, sites: tuple[str, ...] = SITES) -> Iterator[Site]:
    """Yield a site on PostgreSQL, as a real trial runs: the program's role owns nothing and has its grants alone."""
    server.execute(f"DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION {bench.OWNER}", "trial")
    owner = bench.add_database(read_database_url(server.address(bench.OWNER, "trial")))
    try:
        call_command("migrate", database=owner, verbosity=0)
        with connections[owner].cursor() as cursor:
            for statement in grants(bench.APPLICATION, connections[owner]):
                cursor.execute(statement)
    finally:
        bench.remove_database(owner)
    address = server.address(bench.APPLICATION, "trial")
    with _opened(folder, read_database_url(address), address, protocol, sites) as made:
        yield made


@contextmanager
def _opened(folder: Path, database: dict[str, Any], address: str, protocol: Any, sites: tuple[str, ...]) -> Iterator[Site]:
    with _default_database(database), _settings(folder):
        made = Site(protocol=protocol, folder=folder, address=address)
        if protocol is None:  # the trial comes from elsewhere
            yield made
            return
        desk = made.desk
        desk.submit(ActivateProtocol(protocol=protocol, commitment=commitment(bench.SECRET)), bench.asked())
        for site in sites:
            desk.submit(e.SiteOpened(site=site, name=f"Hospital {site}", fictitious=True), bench.asked())
        yield made


@contextmanager
def _default_database(database: Mapping[str, Any]) -> Iterator[None]:
    """Put a database in the place of Django's default one."""
    connections["default"].close()
    known = connections.settings["default"]
    connections.settings["default"] = connections.configure_settings({"default": dict(database)})["default"]
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        del connections["default"]
        connections.settings["default"] = known


@contextmanager
def _settings(folder: Path) -> Iterator[None]:
    secrets_folder = folder / "secrets"
    secrets_folder.mkdir(exist_ok=True)
    (secrets_folder / "trial.secret").write_text(bench.SECRET.hex())
    known = settings.OLIGAMI_SECRETS, settings.OLIGAMI_REHEARSAL_AT, settings.ALLOWED_HOSTS
    settings.OLIGAMI_SECRETS, settings.OLIGAMI_REHEARSAL_AT = secrets_folder, NOW
    clock._STARTED = time.monotonic()  # each site's day begins anew, however long the other tests took
    settings.ALLOWED_HOSTS = ["testserver"]
    desk_module.open_desk.cache_clear()
    django_cache.clear()
    try:
        yield
    finally:
        desk_module.open_desk.cache_clear()
        settings.OLIGAMI_SECRETS, settings.OLIGAMI_REHEARSAL_AT, settings.ALLOWED_HOSTS = known
