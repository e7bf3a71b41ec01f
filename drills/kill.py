"""R1, kill storm: servers and databases are killed without notice while many sites register; nothing acknowledged is lost.

Clients speak HTTP to the API and send a command again, under its own id, until it is answered. What they were told is then held
against the journal. The control is a client's list with one answer that was never given: it must be missed.

`--kills N` (500, half of them on each database).
"""

import argparse
import json
import os
import random
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
#: A client gives up on one command after this time; the drill has then failed.
PATIENCE_S = 60.0


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Server:
    """A server in a process group of its own, killed and started again."""

    def __init__(self, environ: Mapping[str, str], *, workers: int, log: Path) -> None:
        """Start it and wait until it answers."""
        self._environ = {**os.environ, **environ}
        self._workers = workers
        self._log = log
        self.port = free_port()
        self.ready_s: list[float] = []
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start and wait until a page is answered."""
        began = time.monotonic()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(_HERE / "_serve.py"), str(self.port), str(self._workers)],
                env=self._environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while time.monotonic() - began < PATIENCE_S:
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended by itself: {self._log.read_text()[-2000:]}")
            if self._answers():
                self.ready_s.append(time.monotonic() - began)
                return
            time.sleep(0.02)
        raise RuntimeError("the server does not answer")

    def _answers(self) -> bool:
        try:
            with closing(HTTPConnection("127.0.0.1", self.port, timeout=2)) as connection:
                connection.request("GET", "/health")
                return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False

    def kill_worker(self, chance: random.Random) -> None:
        """Kill one of the processes that answer; the master starts another."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        if children:
            os.kill(int(chance.choice(children)), signal.SIGKILL)

    def kill(self) -> None:
        """Kill master and workers at once."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End whatever is left of it."""
        if self._process is not None and self._process.poll() is None:
            self.kill()


@dataclass
class Clients:
    """Sites at work: each registers, and randomizes, again and again, and keeps what it was told.

    `told`: command id to the answer's records. `asked`: every command id ever sent.
    """

    port: int
    tokens: Sequence[tuple[str, str]]  # site, token
    first: Mapping[str, Any]
    second: Mapping[str, Any]
    password: str
    told: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def work(self, *, until: int, stop: threading.Event) -> list[threading.Thread]:
        """Start a thread a site; together they end when so many commands were answered."""
        threads = [
            threading.Thread(target=self._site, args=(site, token, until, stop), daemon=True) for site, token in self.tokens
        ]
        for thread in threads:
            thread.start()
        return threads

    def _site(self, site: str, token: str, until: int, stop: threading.Event) -> None:
        while len(self.told) < until and not stop.is_set():
            answer = self._send(token, {"stage": "first", "site": site, "values": dict(self.first)})
            subject = next((record["told"]["subject"] for record in answer if record["entry"] == "Registered"), None)
            if subject is None:
                self.faults.append(f"no number: {answer}")
                return
            self._send(token, {"stage": "second", "site": site, "subject": subject, "values": dict(self.second)})

    def _send(self, token: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        command = secrets.token_hex(16)
        self.asked.add(command)
        raw = json.dumps({**body, "command": command, "password": self.password})
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_S:
            try:
                with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
                    connection.request("POST", "/api/t/jcog2110/registrations", raw, headers)
                    response = connection.getresponse()
                    answer = json.loads(response.read())
            except (OSError, HTTPException, ValueError):
                time.sleep(0.05)  # nobody there, or gone before the answer: the same command again
                continue
            if response.status == 200:
                self.told[command] = answer["records"]
                return list(answer["records"])
            if response.status < 500:
                self.faults.append(f"{response.status}: {answer}")
                return []
            time.sleep(0.05)
        self.faults.append(f"no answer to {command}")
        return []


def contradictions(told: Mapping[str, list[dict[str, Any]]], asked: set[str], records: Sequence[Any]) -> list[str]:
    """Return where answers and journal differ: every answer stands, once, as told; nothing stands that nobody asked for."""
    found = []
    by_command: dict[str, list[tuple[int, str]]] = {}
    for record in records:
        by_command.setdefault(record.stamp.command, []).append((record.seq, record.seal))
    for command, answer in told.items():
        if by_command.get(command) != [(each["record"], each["seal"]) for each in answer]:
            found.append(f"command {command}: told {[each['record'] for each in answer]}, stands {by_command.get(command)}")
    registered = {record.stamp.command for record in records if type(record.entry).__name__ == "Registered"}
    strangers = registered - asked
    if strangers:
        found.append(f"{len(strangers)} registrations were asked for by nobody")
    return found


def storm(
    server: Server, clients: Clients, *, kills: int, answers: int, seed: int, kill_database: Any = None
) -> dict[str, float]:
    """Let the sites work while one part after another is killed; return the figures."""
    chance = random.Random(seed)
    stop = threading.Event()
    threads = clients.work(until=answers, stop=stop)
    each = max(1, answers // (kills + 1))
    began = time.monotonic()
    for number in range(1, kills + 1):
        while len(clients.told) < number * each and any(thread.is_alive() for thread in threads):
            time.sleep(0.005)
        time.sleep(0.1 * chance.random())
        kinds = ["worker", "server"] if kill_database is None else ["worker", "server", "database"]
        kind = chance.choice(kinds)
        if kind == "worker":
            server.kill_worker(chance)
        elif kind == "server":
            server.kill()
            server.start()
        else:
            kill_database()
    for thread in threads:
        thread.join(PATIENCE_S)
    stop.set()
    return {
        "answers": len(clients.told),
        "kills": kills,
        "seconds": time.monotonic() - began,
        "ready_median_s": statistics.median(server.ready_s),
    }


def main() -> None:
    """Kill under load, on both databases."""
    from _ground import bench, folder, judge, protocol, sites, tell
    from django.conf import settings
    from django.db import connections

    from oligami.trial.recheck import recheck
    from oligami.web.api.tokens import make_token

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    names = bench.SITES[:8]
    unlimited = bench._trial.with_limits(protocol(), (None, None))
    database = bench.Server()
    faults: list[str] = []
    try:
        for kind in ("sqlite", "postgresql"):
            with folder() as path:
                if kind == "sqlite":
                    new = sites.new_site(path, unlimited, sites=names)
                else:
                    new = sites.new_postgresql_site(database, path, unlimited, sites=names)
                with new as site:
                    settings.OLIGAMI_REHEARSAL_AT = None  # the servers live by the clock as it is
                    people = [(name, site.person("investigator", name)) for name in names]
                    tokens = [(name, make_token(who, trial=site.trial_id, site=name, purpose="drill")) for name, who in people]
                    connections.close_all()
                    environ = {
                        "OLIGAMI_SECRET_KEY": secrets.token_urlsafe(48),
                        "DATABASE_URL": site.address,
                        "OLIGAMI_DATA": str(path),
                        "OLIGAMI_SECRETS": str(path / "secrets"),
                        "OLIGAMI_HOSTS": "127.0.0.1",
                        "OLIGAMI_HTTPS": "no",
                    }
                    server = Server(environ, workers=1 if kind == "sqlite" else 2, log=path / "server.log")
                    try:
                        clients = Clients(server.port, tokens, bench.FIRST, bench.SECOND, sites.PASSWORD)
                        kills = given.kills // 2
                        kill_database = database.kill if kind == "postgresql" else None
                        figures = storm(
                            server, clients, kills=kills, answers=12 * kills, seed=given.seed, kill_database=kill_database
                        )
                    finally:
                        server.stop()
                    connections.close_all()
                    records = list(site.desk.journal.records())
                    found, _ = recheck(records, secrets=[bench.SECRET])
                    faults += clients.faults + contradictions(clients.told, clients.asked, records)
                    faults += [difference.text.en for difference in found.differences]
                    faults += [] if site.desk.journal.verify().ok else ["the chain does not hold"]
                    command, answer = next(iter(clients.told.items()))
                    control = {**clients.told, command: [{**answer[0], "record": len(records) + 1}]}
                    faults += [] if contradictions(control, clients.asked, records) else ["the control was missed"]
                    tell(f"R1 {kind}", records=len(records), **figures)
    finally:
        database.stop()
    judge(faults)


if __name__ == "__main__":
    sys.exit(main())
