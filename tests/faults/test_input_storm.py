"""R10: mutated requests to every address, as nobody and as eight roles: no fault of the program, nothing changed by a refusal."""

import logging

import pytest

from oligami.journal import entries as e

REQUESTS = 750


@pytest.fixture(params=["sqlite", "postgresql"])
def blown(request, bench, jcog, tmp_path):
    """The drill, and a function that lets it blow on a site of its own."""
    drill = bench.load(bench.ROOT / "drills" / "storm.py")
    matrix = bench.load(bench.ROOT / "drills" / "matrix.py")
    logging.disable(logging.CRITICAL)
    sites = bench.load(bench.ROOT / "tests" / "web" / "site.py")
    if request.param == "postgresql":
        made = sites.new_postgresql_site(request.getfixturevalue("server"), tmp_path, jcog)
    else:
        made = sites.new_site(tmp_path, jcog)
    with made as site:
        prepared = matrix.prepare(site, e, first=bench.FIRST, second=bench.SECOND)
        addresses, fields = drill.ground(site, matrix, prepared)
        people = drill.people(site, drill.ROLES)

        def blow(count, seed, only=None):
            chosen = [address for address in addresses if only is None or address[0] == only]
            return drill.blow(drill.Storm(chosen, fields, seed=seed), people, site.desk.journal.head, count=count)

        yield drill, site, blow
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", [1, 2])
def test_no_input_makes_a_fault_and_no_refusal_changes_anything(blown, seed):
    """Of three thousand requests (in four parts, two on each database) none is answered 5xx or with a stack trace, no 4xx moves the journal."""
    _, site, blow = blown
    figures = blow(REQUESTS, seed)
    assert figures.faults == []
    assert figures.sent == sum(figures.answers.values()) == REQUESTS
    assert len(figures.answers) > 6  # it came further than one kind of no
    assert site.desk.journal.verify().ok


def test_a_page_that_chokes_is_found(blown):
    """The control: a view that raises is counted as a fault."""
    drill, _, blow = blown
    assert blow(20, 1, only="/help/").faults == []
    with drill.choking():
        assert blow(20, 1, only="/help/").faults


@pytest.mark.parametrize("address", ["/accounts/oidc/%00/login/", "/t/a%00b/work/", "/t/jcog2110/subjects/%00/"])
def test_an_address_that_no_database_takes_is_refused(blown, address):
    """A zero byte in an address, which PostgreSQL takes in no text, is no fault: not even where a session ends at it."""
    _, site, _ = blown
    client = site.client_for("coordinator", "s01")
    assert client.get(address).status_code == 400
    assert client.get("/help/").status_code == 200
    assert client.get(address, headers={"User-Agent": "another browser"}).status_code in (302, 400)
