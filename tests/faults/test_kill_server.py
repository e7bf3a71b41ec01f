"""R1: the server, its workers and the database killed twenty times under load, on both databases; the pages' own API is the client."""

import secrets

import pytest
from django.db import connections

KILLS = 20
ANSWERS = 240
CLIENTS = 8


@pytest.fixture(params=["sqlite", "postgresql"])
def running(request, bench, jcog, tmp_path):
    """A site with eight hospitals, a server in processes of its own before it, and how to kill its database."""
    made = bench.load(bench.ROOT / "tests" / "web" / "site.py")
    drill = bench.load(bench.ROOT / "drills" / "kill.py")
    sites = bench.SITES[:CLIENTS]
    unlimited = bench._trial.with_limits(jcog, (None, None))
    postgresql = request.param == "postgresql"
    server = request.getfixturevalue("server") if postgresql else None
    new = (
        made.new_postgresql_site(server, tmp_path, unlimited, sites=sites)
        if server
        else made.new_site(tmp_path, unlimited, sites=sites)
    )
    with new as site:
        from django.conf import settings

        from oligami.web.api.tokens import make_token

        settings.OLIGAMI_REHEARSAL_AT = None  # the servers live by the clock as it is, and so must the tokens
        people = [site.person("investigator", name) for name in sites]
        tokens = [
            (name, make_token(who, trial=site.trial_id, site=name, purpose="drill"))
            for name, who in zip(sites, people, strict=True)
        ]
        connections.close_all()
        environ = {
            "OLIGAMI_SECRET_KEY": secrets.token_urlsafe(48),
            "DATABASE_URL": site.address,
            "OLIGAMI_DATA": str(tmp_path),
            "OLIGAMI_SECRETS": str(tmp_path / "secrets"),
            "OLIGAMI_HOSTS": "127.0.0.1",
            "OLIGAMI_HTTPS": "no",
        }
        process = drill.Server(environ, workers=2 if postgresql else 1, log=tmp_path / "server.log")
        clients = drill.Clients(port=process.port, tokens=tokens, first=bench.FIRST, second=bench.SECOND, password=made.PASSWORD)
        try:
            yield drill, site, process, clients, server.kill if server else None
        finally:
            process.stop()


def test_killed_servers_lose_and_double_nothing(bench, running):
    """After twenty kills each acknowledged registration and arm stands exactly once, and every decision can be redone."""
    drill, site, process, clients, kill_database = running
    figures = drill.storm(process, clients, kills=KILLS, answers=ANSWERS, seed=1, kill_database=kill_database)
    process.stop()
    connections.close_all()
    storm = bench.load(bench.ROOT / "tests" / "faults" / "test_storm.py")
    assert clients.faults == []
    assert figures["answers"] >= ANSWERS
    records = list(site.desk.journal.records())
    assert drill.contradictions(clients.told, clients.asked, records) == []
    command, answer = next(iter(clients.told.items()))
    control = {**clients.told, command: [{**answer[0], "record": len(records) + 1}]}
    assert drill.contradictions(control, clients.asked, records) != []
    trial = storm.check(bench, site.desk)
    assert trial.allocated <= len(trial.subjects)
    assert figures["ready_median_s"] < 10  # a bound against hanging, not a measurement: `make drills` prints that
