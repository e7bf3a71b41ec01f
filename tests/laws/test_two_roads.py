"""The law of the two roads: a latent trial said through the desk and cut, and the same latent trial cut directly, are one.

The full road writes entries, folds them and derives the datasets; the arms come from the committed secret. The fast road takes the
same draws and the same rule on arrays. They must agree subject by subject at every cut.
"""

from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from oligami.data.cut import Cut
from oligami.data.derive import derive
from oligami.journal.store import MemoryJournal
from oligami.protocol.load import load_protocol
from oligami.simulation.fast.direct import direct_endpoint, direct_subjects, people_of
from oligami.simulation.fast.emit import emit
from oligami.simulation.fast.latent import draw_latents
from oligami.simulation.fast.planning import plan_of
from oligami.simulation.fast.scenario import load_operating_scenario
from oligami.simulation.scenario import load_scenario
from oligami.trial.draws import derive_secret, draw

TRIAL = Path(__file__).parents[2] / "protocols" / "jcog2110"
OPENING = date(2024, 1, 10)
UNTIL = date(2032, 6, 30)
PROTOCOL = load_protocol(TRIAL / "1.0")
SCENARIO = load_operating_scenario(TRIAL / "operating" / "design.toml")
REHEARSAL = load_scenario(TRIAL / "scenarios" / "standard.toml")


def small_plan(subjects: int):
    """The design's plan with fewer people at fewer sites, who leave and are lost more often."""
    from dataclasses import replace

    coming = replace(SCENARIO.coming, registered=subjects, sites=4, months=18)
    leaving = replace(SCENARIO.leaving, lost_per_year=0.15)
    return plan_of(PROTOCOL, replace(SCENARIO, coming=coming, leaving=leaving))


@pytest.fixture(scope="module", params=[1, 2])
def both(request):
    """A latent trial on both roads: the folded journal, and the people of the direct road."""
    seed = request.param
    plan = small_plan(60)
    latents = draw_latents(plan, seed, 0, 1)
    secret = derive_secret(seed, PROTOCOL.id)
    draws = partial(draw, secret, PROTOCOL.digest, PROTOCOL.id)
    people = people_of(plan, latents, 0, PROTOCOL, OPENING, draws=draws)
    trial = emit(people, PROTOCOL, REHEARSAL, MemoryJournal(), seed=seed, sites=4, opening=OPENING, until=UNTIL)
    return trial, people


@pytest.mark.parametrize("up_to", [date(2024, 6, 30), date(2025, 3, 31), date(2026, 12, 31), date(2029, 1, 1), UNTIL])
def test_both_roads_meet(both, up_to):
    """Every column that a latent trial knows is the same, subject by subject, at early and late cuts."""
    trial, people = both
    full = derive(trial, Cut(through=None, up_to=up_to), software_version="test")
    for name in ("os", "os_first"):
        endpoint = next(each for each in PROTOCOL.analysis.endpoint if each.id == name)
        fast, slow = direct_endpoint(people, endpoint, PROTOCOL, up_to), full.endpoints[name]
        for column in ("subject", "arm", "stratum", "cause", "start_date", "end_date"):
            assert getattr(fast, column) == getattr(slow, column), (name, column)
        np.testing.assert_array_equal(fast.time_days, slow.time_days)
        np.testing.assert_array_equal(fast.event, slow.event)
    fast, slow = direct_subjects(people, PROTOCOL, up_to), full.subjects
    columns = ("subject", "site", "registration_date", "randomization_date", "arm", "status", "off_reason", "factors_drawn")
    for column in (*columns, "factors", "last_alive_date", "death_date", "withdrawn_scope", "annulled"):
        assert getattr(fast, column) == getattr(slow, column), column


def test_the_trial_on_both_roads_has_what_the_law_is_about(both):
    """Deaths, losses, people never randomized and both arms occur, so that the law says something."""
    _, people = both
    assert {person.arm for person in people} == {"A", "B", None}
    assert any(person.lost is not None and person.lost < UNTIL and person.randomization for person in people)
    assert sum(person.death is not None and person.death < UNTIL for person in people) >= 10
