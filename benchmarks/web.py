"""Measures the pages under load: a whole simulated trial, fifty people at work, on PostgreSQL; ten on SQLite.

    python benchmarks/web.py [--seconds N] [--users N] [--database postgresql|sqlite]

People wait between two pages as people do (exponential, two seconds in the mean). Client and server share the machine's cores,
so the figures are the worse for it. Nothing is asserted: the budgets stand beside the figures.
"""

import argparse
import importlib.util
import os
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
THINK_S = 2.0
NEW_SITE = "benchmark"
#: Budgets of the issue: 95th percentile in milliseconds.
BUDGETS = {"form save": 150, "worklist": 200, "subjects": 200, "queries": 200, "second registration": 300}


def _load(path: Path) -> ModuleType:
    name = f"tests_{path.parent.name}_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


site_module = _load(ROOT / "tests" / "web" / "site.py")
bench = site_module.bench
kill = _load(ROOT / "drills" / "kill.py")

from django.conf import settings  # noqa: E402 - `site` sets Django up
from django.db import connections  # noqa: E402
from django.test import Client  # noqa: E402

from oligami.journal import entries as e  # noqa: E402
from oligami.protocol.load import find_protocol, load_protocol  # noqa: E402
from oligami.simulation.rehearse import simulate_to_file  # noqa: E402
from oligami.simulation.scenario import find_scenario, load_scenario  # noqa: E402
from oligami.trial.commands import ActivateProtocol, Register  # noqa: E402
from oligami.trial.draws import commitment, derive_secret  # noqa: E402
from oligami.web.accounts.models import Account  # noqa: E402
from oligami.web.desk import Desk, read_secrets  # noqa: E402
from oligami.web.transfer import import_journal  # noqa: E402


@dataclass
class Person:
    """Somebody at work: a session, its site, the subjects there, and those ready to be randomized."""

    cookie: str
    site: str
    subjects: list[str]
    ready: list[str] = field(default_factory=list)


@dataclass
class Timings:
    """What the clients measured, in milliseconds, by kind; and what went wrong."""

    of: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    faults: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, kind: str, milliseconds: float) -> None:
        """Add one."""
        with self.lock:
            self.of[kind].append(milliseconds)

    def fault(self, word: str) -> None:
        """Count one."""
        with self.lock:
            self.faults[word] += 1


@contextmanager
def trial(database: str, scratch: Path) -> Iterator[tuple[Any, Any]]:
    """Yield a site with a whole simulated trial in it, and its desk; accrual is opened again for the benchmark."""
    folder = find_protocol("jcog2110", version="1.0")
    protocol = load_protocol(folder)
    path = scratch / "trial.jsonl"
    if not path.exists():
        simulate_to_file(protocol, load_scenario(find_scenario(folder, "standard")), path, seed=1)
    with ExitStack() as stack:
        if database == "postgresql":
            server = bench.Server()
            stack.callback(server.stop)
            site = stack.enter_context(site_module.new_postgresql_site(server, scratch, None, sites=()))
        else:
            site = stack.enter_context(site_module.new_site(scratch, None, sites=()))
        settings.OLIGAMI_REHEARSAL_AT = None
        began = time.monotonic()
        import_journal(path)
        print(f"{database}: imported in {time.monotonic() - began:.1f} s", flush=True)
        (scratch / "secrets" / "simulated.secret").write_text(derive_secret(1, protocol.id).hex())
        desk = Desk(protocol.id, secrets=read_secrets(scratch / "secrets"))
        # The simulated trial ends in years to come; the benchmark goes on from its last day.
        settings.OLIGAMI_REHEARSAL_AT = desk.trial.head.at + timedelta(minutes=1)
        print(f"{database}: {desk.trial.head.seq} records, {len(desk.trial.subjects)} subjects", flush=True)
        site.protocol = protocol
        yield site, desk


def open_again(desk: Any, protocol: Any) -> None:
    """Bring a version into force whose stages have no limit, so that registration can be measured at the trial's end."""
    unlimited = bench._trial.with_limits(protocol, (None, None))
    desk.submit(ActivateProtocol(protocol=replace(unlimited, version="1.0-benchmark")), bench.asked())


def people(desk: Any, protocol: Any, count: int, ready: int) -> list[Person]:
    """Make people at the busiest sites, each with some subjects ready for randomization."""
    state = desk.trial
    by_site: dict[str, list[str]] = defaultdict(list)
    for subject in state.subjects.values():
        by_site[subject.site].append(subject.id)
    sites = sorted(by_site, key=lambda name: -len(by_site[name]))
    made = []
    # The simulated sites closed with accrual; who randomizes here does so at one that opens for the benchmark.
    desk.submit(e.SiteOpened(site=NEW_SITE, name=NEW_SITE, fictitious=True), bench.asked())
    for number in range(count):
        site = sites[number % len(sites)]
        account = Account.objects.create(username=f"user{number}", email=f"user{number}@example.org", person=f"p-user{number}")
        for role, at in (("investigator", site), ("coordinator", site), ("investigator", NEW_SITE)):
            desk.submit(e.RoleGranted(person=account.person, role=role, site=at), bench.asked())
        new = [_first(desk, NEW_SITE) for _ in range(ready)]
        client = Client()
        client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
        account.password = site_module._hashed()
        account.save()
        client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        made.append(Person(cookie=cookie, site=site, subjects=list(by_site[site]), ready=new))
    return made


def _first(desk: Any, site: str) -> str:
    records = desk.submit(Register(stage="first", site=site, values=bench.FIRST), bench.asked()).entries
    return next(entry.subject for entry in records if isinstance(entry, e.Registered))


class Worker(threading.Thread):
    """One person's day: pages, forms and, now and then, a randomization."""

    def __init__(self, person: Person, port: int, timings: Timings, until: float, seed: int) -> None:
        super().__init__(daemon=True)
        self._person, self._port, self._timings, self._until = person, port, timings, until
        self._chance = random.Random(seed)
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)

    def run(self) -> None:
        """Work until the time is over."""
        acts: list[tuple[int, Callable[[], None]]] = [
            (30, lambda: self._page("worklist", "work/")),
            (15, lambda: self._page("subjects", "subjects/")),
            (15, self._subject),
            (10, lambda: self._page("queries", "queries/")),
            (25, self._form),
            (5, self._randomize),
        ]
        weights = [weight for weight, _ in acts]
        time.sleep(self._chance.expovariate(1 / THINK_S))
        while time.monotonic() < self._until:
            (_, act) = self._chance.choices(acts, weights)[0]
            # The server closes a connection that is idle longer than people think; a browser opens another.
            self._connection.close()
            try:
                act()
            except (OSError, HTTPException) as error:
                self._timings.fault(type(error).__name__)
                self._connection.close()
            time.sleep(self._chance.expovariate(1 / THINK_S))
        self._connection.close()

    def _ask(self, kind: str, method: str, path: str, body: dict[str, str] | None = None) -> tuple[int, str]:
        headers = {"Cookie": self._person.cookie}
        raw = None
        if body is not None:
            raw = urlencode(body)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.monotonic()
        self._connection.request(method, f"/t/jcog2110/{path}", raw, headers)
        response = self._connection.getresponse()
        if cookies := response.headers.get_all("Set-Cookie"):
            self._person.cookie = _kept(self._person.cookie, cookies)
        text = response.read().decode(errors="replace")
        self._timings.keep(kind, (time.monotonic() - began) * 1000)
        wanted = (302, 303) if body is not None else (200,)
        if response.status not in wanted:
            self._timings.fault(f"{kind}: {response.status}")
        return response.status, text

    def _page(self, kind: str, path: str) -> None:
        self._ask(kind, "GET", path)

    def _subject(self) -> None:
        self._ask("subject page", "GET", f"subjects/{self._chance.choice(self._person.subjects)}/")

    def _form(self) -> None:
        """Open the form of an adverse event and save it."""
        path = f"subjects/{self._chance.choice(self._person.subjects)}/forms/adverse_event/new/"
        status, text = self._ask("form open", "GET", path)
        if status == 200:
            self._ask("form save", "POST", path, {**_hidden(text), **ADVERSE_EVENT})

    def _randomize(self) -> None:
        """Carry out a second registration with its signature; the password's hash is part of it."""
        if not self._person.ready:
            return
        path = f"subjects/{self._person.ready.pop()}/register/second/"
        status, text = self._ask("second registration open", "GET", path)
        if status == 200:
            values = {name: str(value) for name, value in bench.SECOND.items()}
            body = {**_hidden(text), **values, "password": site_module.PASSWORD}
            self._ask("second registration", "POST", path, body)


ADVERSE_EVENT = {
    "term": "fatigue",
    "grade": "1",
    "start_date": "2032-06-01",
    "serious": "no",
}


def _kept(cookie: str, new: list[str]) -> str:
    """Return a browser's cookies after an answer set some."""
    jar = dict(pair.split("=", 1) for pair in cookie.split("; ") if "=" in pair)
    jar.update(line.split(";")[0].split("=", 1) for line in new)
    return "; ".join(f"{name}={value}" for name, value in jar.items())


_HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*>')


def _hidden(text: str) -> dict[str, str]:
    """Return the hidden fields of a page's forms."""
    found = {}
    for field_text in _HIDDEN.findall(text):
        name = re.search(r'name="([^"]*)"', field_text)
        value = re.search(r'value="([^"]*)"', field_text)
        if name:
            found[name[1]] = value[1] if value else ""
    return found


def measure(database: str, users: int, seconds: float, scratch: Path) -> None:
    """Prepare, load, and print the table."""
    with trial(database, scratch) as (site, desk):
        open_again(desk, site.protocol)
        at_work = people(desk, site.protocol, users, ready=max(1, round(seconds / 60)))
        connections.close_all()
        environ = {
            "OLIGAMI_SECRET_KEY": settings.SECRET_KEY,
            "DATABASE_URL": site.address,
            "OLIGAMI_DATA": str(scratch),
            "OLIGAMI_SECRETS": str(scratch / "secrets"),
            "OLIGAMI_HOSTS": "127.0.0.1",
            "OLIGAMI_HTTPS": "no",
            "OLIGAMI_REHEARSAL_AT": (desk.trial.head.at + timedelta(minutes=10)).isoformat(),
        }
        server = kill.Server(environ, workers=2 if database == "postgresql" else 1, log=scratch / f"{database}.log")
        try:
            print(f"{database}: ready in {server.ready_s[0]:.1f} s", flush=True)
            for person in at_work[:4]:  # the first page of each process folds and fills its caches
                with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
                    connection.request("GET", "/t/jcog2110/work/", headers={"Cookie": person.cookie})
                    connection.getresponse().read()
            timings = Timings()
            until = time.monotonic() + seconds
            workers = [Worker(person, server.port, timings, until, seed) for seed, person in enumerate(at_work)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            show(database, users, seconds, timings)
        finally:
            server.stop()


def show(database: str, users: int, seconds: float, timings: Timings) -> None:
    """Print the figures, and the budgets beside them."""
    count = sum(map(len, timings.of.values()))
    print(f"\n{database}, {users} people, {seconds:.0f} s, {count} requests, {count / seconds:.1f} a second")
    print(f"{'page':<28}{'n':>6}{'p50':>8}{'p95':>8}{'p99':>8}   ms   budget p95")
    for kind, values in sorted(timings.of.items()):
        cuts = statistics.quantiles(values, n=100) if len(values) > 1 else values * 99
        budget = BUDGETS.get(kind)
        print(
            f"{kind:<28}{len(values):>6}{cuts[49]:>8.0f}{cuts[94]:>8.0f}{cuts[98]:>8.0f}        {f'< {budget}' if budget else '-'}"
        )
    print(f"faults: {dict(timings.faults) or 'none'}", flush=True)


def main() -> None:
    """Measure both databases, or the one asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--users", type=int)
    parser.add_argument("--database", choices=["postgresql", "sqlite"])
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, commitment of the tests' secret {commitment(bench.SECRET)[:12]}")
    with tempfile.TemporaryDirectory(prefix="oligami-benchmark-") as scratch:
        for database, users in (("postgresql", 50), ("sqlite", 10)):
            if given.database in (None, database):
                measure(database, given.users or users, given.seconds, Path(scratch))


if __name__ == "__main__":
    main()
