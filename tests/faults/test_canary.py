"""R9: no page, file, answer, mail or line of a log tells an arm to anybody who may not see it; a page that counts one is found."""

import logging
from contextlib import contextmanager

import pytest

from oligami.journal import entries as e
from oligami.protocol.load import find_protocol, load_protocol
from oligami.trial import rights

#: The roles by what they may see of arms; the others of each kind are looked at in `make drills`.
WHO = [
    (None, None),
    ("coordinator", "s01"),
    ("monitor", "s01"),
    ("data_manager", None),
    ("trial_statistician", None),
    ("safety_committee", None),
    ("study_chair", None),
    ("administrator", None),
]


@pytest.fixture(scope="module")
def canary(bench, tmp_path_factory):
    """The drill, and how it opens a world whose arms are called by words that stand nowhere else."""
    drill = bench.load(bench.ROOT / "drills" / "canary.py")
    folder = tmp_path_factory.mktemp("canary")
    protocol = load_protocol(drill.word_arms(find_protocol("jcog2110", version="1.0"), folder))
    sites = bench.load(bench.ROOT / "tests" / "web" / "site.py")

    @contextmanager
    def open_world(name):
        with sites.new_site(folder, protocol) as site:
            yield drill.settle(site, name, bench, e)

    logging.disable(logging.CRITICAL)
    yield drill, bench.load(bench.ROOT / "drills" / "matrix.py"), open_world
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(("role", "place"), WHO)
def test_nobody_is_told_an_arm_that_is_not_his_to_see(canary, role, place):
    """Worlds that differ in arms alone look the same, byte for byte, to whoever may not see those arms; no list names one."""
    drill, matrix, open_world = canary
    found = drill.search(matrix, open_world, role, place)
    assert found.faults == []
    assert found.pages > 150
    sees = role is not None and role in rights.ACTS["see_own_arm"].roles
    assert bool(found.told) == sees  # the words are there to be found: who may see an arm is told it


def test_the_words_stand_for_the_arms_everywhere(canary):
    """The ground: a protocol whose two arms have the two words as ids and in their titles, in both languages."""
    drill, _, open_world = canary
    with open_world("as it is") as world:
        arms = world.site.protocol.trial.arm
        assert tuple(arm.id for arm in arms) == drill.ARMS
        assert all(
            arm.id in text for arm in arms for text in (arm.title.en, arm.title.ja, arm.short_title.en, arm.short_title.ja)
        )
        assert len(world.mails) == len(world.subjects)


def test_a_page_that_counts_an_arm_is_found(canary):
    """The control: a page that prints the total of an arm differs from world to world, and the drill says so."""
    drill, matrix, open_world = canary
    assert drill.search(matrix, open_world, "study_chair", None, only=("centre",)).faults == []
    with drill.counting("centre"):
        assert drill.search(matrix, open_world, "study_chair", None, only=("centre",)).faults
