"""R8: every address and every command, as every role, answers as the table of rights has it; a view without its demand is found."""

import logging
from pathlib import Path

import pytest

from oligami.journal import entries as e
from oligami.trial import rights


@pytest.fixture
def drill(bench):
    """The drill."""
    return bench.load(bench.ROOT / "drills" / "matrix.py")


@pytest.fixture
def ground(drill, bench, jcog, tmp_path):
    """A site with a subject at each of two hospitals."""
    logging.disable(logging.CRITICAL)
    with bench.load(bench.ROOT / "tests" / "web" / "site.py").new_site(tmp_path, jcog) as site:
        yield drill.prepare(site, e, first=bench.FIRST, second=bench.SECOND)
    logging.disable(logging.NOTSET)


def _holdings():
    return [(role.id, place) for role in rights.ROLES.values() for place in ("s01", None) if role.fits(place)]


WHO = [(None, None), *_holdings()]


def test_every_address_has_a_policy(drill, bench):
    """No address of the project, allauth's and the API's included, is without a declared policy, and no policy without an address."""
    known = drill.addresses()
    assert drill.undeclared() == []
    assert {"account_login", "api:register", "subject", "record"} <= {address.name for address in known}
    assert [(role, place) for role, place in drill.HOLDINGS] == _holdings()


@pytest.mark.parametrize(("role", "place"), WHO)
def test_every_address_answers_as_the_rights_have_it(drill, ground, role, place):
    """Own, foreign, unknown and nonsensical subjects, by GET and an empty POST: the declared right decides, and nothing is written."""
    walker = drill.Walker(ground, role, place)
    assert drill.walk(walker, drill.addresses()) == []
    assert walker.asked > 400


@pytest.mark.parametrize(("role", "place"), WHO)
def test_every_command_by_the_api_is_permitted_as_the_rights_have_it(drill, bench, ground, role, place):
    """Each class of command about one's own, a foreign and an unknown subject: refused with reasons, or up to the core."""
    password = bench.load(Path(bench.ROOT) / "tests" / "web" / "site.py").PASSWORD
    walker = drill.Walker(ground, role, place)
    assert drill.command(walker, password, first=bench.FIRST, second=bench.SECOND) == []
    assert walker.asked == 3 * len(
        {act.id for act in rights.ACTS.values() if act.kind == "do"} - {"activate_protocol", "redact_body"}
    )


@pytest.mark.parametrize("name", ["centre", "accrual", "queries"])
def test_a_view_that_demands_nothing_is_found(drill, ground, name):
    """The control: with its demand taken away a page opens to a role without the right, and the drill says so."""
    role = {"queries": "study_chair", "accrual": "administrator"}.get(name, "coordinator")
    walker = drill.Walker(ground, role, "s01" if role == "coordinator" else None)
    chosen = [address for address in drill.addresses() if address.name == name]
    assert drill.walk(walker, chosen) == []
    with drill.without_demand(name):
        assert drill.walk(walker, chosen)
    assert drill.walk(walker, chosen) == []
