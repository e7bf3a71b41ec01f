"""Scenario files: what is refused, and with which words."""

from dataclasses import replace
from pathlib import Path

import pytest

from oligami.journal.store import MemoryJournal
from oligami.protocol.load import find_protocol
from oligami.simulation.fit import find_faults
from oligami.simulation.rehearse import simulate
from oligami.simulation.scenario import Draw, Filling, ScenarioError, find_scenario, load_scenario

STANDARD = find_scenario(find_protocol("jcog2110"), "standard")


def test_the_standard_scenario_fits_its_protocol(protocol, standard):
    """The scenario that comes with the trial names nothing the protocol does not have."""
    assert find_faults(standard, protocol) == ()


def test_all_faults_of_a_file_are_told_at_once(tmp_path):
    """Every fault is named with its key; the first does not hide the others."""
    text = STANDARD.read_text(encoding="utf-8")
    text = text.replace("asked_per_month = 14.5", 'asked_per_month = "many"')
    text = text.replace("start_days = [1, 10]", "start_dais = [1, 10]")
    text = text.replace("sex = {choose = {female = 0.993, male = 0.007}}", "sex = {choose = {female = 1}, value = 3}")
    text = text.replace("late_start_share = 0.02", "late_start_share = 1.02")
    path = tmp_path / "faulty.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    lines = str(caught.value).splitlines()
    for key in ("accrual.asked_per_month", "therapy.start_dais", "trait.sex", "therapy.late_start_share"):
        assert any(line.startswith(f"faulty.toml: {key}") for line in lines), (key, lines)
    assert len(lines) == 4


@pytest.mark.parametrize("content", ["accrual = [", None], ids=["not TOML", "no file"])
def test_what_cannot_be_read_is_told(tmp_path, content):
    """A file that is not there, or is no TOML, is refused by name."""
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"mine\.toml"):
        load_scenario(path)


def test_an_unknown_name_lists_what_there_is():
    """A scenario that is not beside the protocol is answered with those that are."""
    with pytest.raises(ScenarioError, match="there are: standard"):
        find_scenario(find_protocol("jcog2110"), "standrad")
    assert find_scenario(find_protocol("jcog2110"), "somewhere/mine.toml") == Path("somewhere/mine.toml")


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        ({}, "exactly one"),
        ({"value": 1, "copy": "x"}, "value, copy"),
        ({"choose": {"a": -1.0, "b": 2.0}}, "weights"),
        ({"choose": {"a": 0.0}}, "weights"),
        ({"whole": (3, 1)}, "lower limit"),
        ({"days": (1, 2)}, "`of`"),
    ],
)
def test_a_draw_is_one_way_to_a_value(draw, words):
    """A draw without a way, with two, or with impossible limits is refused."""
    with pytest.raises(ValueError, match=words):
        Draw(**draw)


def test_what_the_protocol_does_not_know_is_told_at_once_with_near_misses(protocol, standard):
    """Forms, items, codes, arms, grades and names that the protocol does not have are all told before anything is said."""
    filling = (
        *standard.filling,
        Filling(form="second_registratoin", item={}),
        Filling(form="death", item={"cause": Draw(choose={"breast_cancr": 1.0}), "when": Draw(copy="setting")}),
        Filling(form="follow_up", item={"second_cancer": Draw(by="seting", case={"de_novo": Draw(value="no")})}),
    )
    outcome = replace(standard.outcome, hazard_ratio_death={"A": 1.0, "C": 0.7})
    office = replace(standard.office, deviation_grade={"serious": 1.0}, factor_items=("de_novo",))
    wrong = replace(standard, filling=filling, outcome=outcome, office=office)
    faults = "\n".join(find_faults(wrong, protocol))
    for word in ("'second_registratoin'", "'breast_cancr'", "'when'", "'seting'", "'C'", "'serious'", "'de_novo'"):
        assert word in faults
    assert "did you mean breast_cancer?" in faults
    assert "did you mean second_registration?" in faults
    journal = MemoryJournal()
    with pytest.raises(ScenarioError, match="breast_cancr"):
        simulate(protocol, wrong, journal, seed=1)
    assert journal.head().seq == 0


def test_a_required_item_that_nothing_fills_is_told(protocol, standard):
    """Nobody could be registered if a required item of a registration stayed empty, so the scenario is refused."""
    kept = {name: draw for name, draw in standard.filling_of("first_registration").items() if name != "her2"}
    filling = (Filling(form="first_registration", item=kept), *standard.filling[1:])
    assert [fault for fault in find_faults(replace(standard, filling=filling), protocol) if "'her2'" in fault]


def test_a_scenario_of_another_trial_is_refused(protocol, standard):
    """A scenario belongs to one trial."""
    with pytest.raises(ScenarioError, match="other"):
        simulate(protocol, replace(standard, trial="other"), MemoryJournal(), seed=1)
