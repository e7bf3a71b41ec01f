"""Scenarios of operating characteristics: read, checked against the protocol, and turned into a plan."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from oligami.protocol.load import load_protocol
from oligami.protocol.model.common import Origin, OriginKind, Text
from oligami.protocol.model.design import InterimPlan
from oligami.simulation.fast.plan import Minimization, Test
from oligami.simulation.fast.planning import Change, find_misfits, plan_of, planned_events
from oligami.simulation.fast.scenario import (
    Effect,
    Survival,
    find_operating_scenario,
    find_operating_scenarios,
    load_operating_scenario,
)
from oligami.simulation.scenario import ScenarioError

FOLDER = Path(__file__).parents[2] / "protocols" / "jcog2110" / "1.0"
SHIPPED = find_operating_scenarios(FOLDER)
INTERIM = InterimPlan(
    information=(0.5, 1.0),
    efficacy="lan_demets_obrien_fleming",
    futility="hwang_shih_decani",
    futility_parameter=-2.0,
    text=Text("One look.", "1回。"),
    origin=Origin(kind=OriginKind.DEFAULT),
)


@pytest.fixture(scope="module")
def protocol():
    return load_protocol(FOLDER)


@pytest.fixture(scope="module")
def design():
    return load_operating_scenario(SHIPPED["design"])


def test_the_scenarios_of_the_trial_are_shipped():
    """The design, no effect, three published comparisons, a delayed effect and more attrition stand beside the protocol."""
    assert set(SHIPPED) == {
        "design", "null", "oligo-bc1", "sabr-comet", "nrg-br002", "delayed", "pessimistic-attrition",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_shipped_scenario_fits_the_protocol(name, protocol):
    """Every shipped scenario fits and gives a plan of the protocol's own size, rule and level."""
    scenario = load_operating_scenario(SHIPPED[name])
    assert scenario.id == name
    assert find_misfits(scenario, protocol) == ()
    plan = plan_of(protocol, scenario)
    assert plan.subjects == protocol.design.registered_planned
    assert plan.tests[0] is Test.STRATIFIED
    assert isinstance(plan.allocation, Minimization)
    assert plan.allocation.p_best == protocol.allocation.p_best
    assert plan.site_shares.size == protocol.design.sites_planned
    assert plan.efficacy[0] == pytest.approx(1.6448536269514722, abs=1e-9)  # one-sided 0.05
    assert plan.randomized_limit == protocol.design.randomized_planned


def test_the_design_s_hazards_meet_the_assumed_survival(protocol, design):
    """The cumulative hazards at the milestone are those of 40 and 52 per cent alive."""
    plan = plan_of(protocol, design)
    assert np.exp(-60 * plan.control_hazards[0, 0]) == pytest.approx(0.40)
    assert np.exp(-60 * plan.control_hazards[0, 0] * plan.hazard_ratios[0, 0]) == pytest.approx(0.52)
    assert plan.pass_shares == pytest.approx(270 / 340)


def test_a_delayed_effect_meets_the_same_survival_at_the_milestone(protocol):
    """With no effect in the first year the later ratio still gives 52 per cent at five years."""
    plan = plan_of(protocol, load_operating_scenario(SHIPPED["delayed"]))
    assert plan.pieces.tolist() == [0, 12]
    cumulative = plan.control_hazards[0, 0] * (12 * plan.hazard_ratios[0, 0] + 48 * plan.hazard_ratios[0, 1])
    assert math.exp(-cumulative) == pytest.approx(0.52, abs=5e-5)  # the ratio is written with four decimals


def test_a_published_curve_gives_piecewise_hazards(protocol, design):
    """The hazards pass through the points of the curve and go on at the last rate; the effect's months are pieces too."""
    curve = Survival(
        control_curve=((12.0, 0.9), (36.0, 0.6)),
        effect=(Effect(hazard_ratio=1.0), Effect(from_month=6.0, hazard_ratio=0.5)),
        factor="subtype",
        cite="a test",
    )
    plan = plan_of(protocol, replace(design, survival=curve))
    assert plan.pieces.tolist() == [0, 6, 12]
    early, late = -math.log(0.9) / 12, math.log(0.9 / 0.6) / 24
    assert plan.control_hazards[0] == pytest.approx([early, early, late])
    assert plan.hazard_ratios[0].tolist() == [1.0, 0.5, 0.5]


def test_a_change_of_a_sweep_replaces_what_it_names(protocol, design):
    """Control survival, hazard ratio, accrual and attrition of a sweep stand in the plan, all else as before."""
    plan = plan_of(protocol, design, Change(control=0.5, hazard_ratio=0.7, accrual_months=48, pass_share=0.6))
    assert np.exp(-60 * plan.control_hazards[0, 0]) == pytest.approx(0.5)
    assert plan.hazard_ratios[0, 0] == 0.7
    assert plan.accrual_times[-1] == 48
    assert plan.pass_shares == pytest.approx(0.6)
    assert plan.subjects == plan_of(protocol, design).subjects


def test_interim_analyses_come_by_events_with_their_bounds(protocol, design):
    """An interim plan gives event-driven looks at its shares of the planned events, with bounds on both sides."""
    plan = plan_of(protocol, design, Change(interim=INTERIM))
    events = planned_events(protocol)
    assert [look.events for look in plan.looks] == [math.ceil(events / 2), events]
    assert plan.efficacy[0] > plan.efficacy[1] > 1.6
    assert -1 < plan.futility[0] < plan.futility[1] <= plan.efficacy[1] + 1e-9


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"trial": "other"}, "the protocol is of trial 'jcog2110'"),
        ({"shares": {"subtypes": {"luminal": 1.0}}}, "did you mean subtype?"),
        ({"shares": {"subtype": {"luminall": 1.0}}}, "did you mean luminal?"),
    ],
)
def test_what_does_not_fit_is_named_with_a_near_miss(protocol, design, change, words):
    """A word that the protocol does not know is refused with what was meant."""
    wrong = replace(design, **change)
    assert any(words in fault for fault in find_misfits(wrong, protocol))
    with pytest.raises(ScenarioError, match=words.replace("?", r"\?")):
        plan_of(protocol, wrong)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("control = 0.40", "control = 40", "survival.control: found 40, expected a number below 1"),
        ("control = 0.40", 'control = "40 %"', 'survival.control: found "40 %", expected a number, or a table of such'),
        ("control = 0.40", 'control = {luminal = "x"}', 'survival.control.luminal: found "x", expected a number'),
        ("delay_months = [2.8", "pass_share = 1.2\ndelay_months = [2.8", "attrition.pass_share: found 1.2, expected 1 or less"),
        ("experimental = 0.52", "experimental = -0.1", "survival.experimental: found -0.1, expected a number above 0"),
        ("[coming]", "[coming]\nmnths = 3", "coming.mnths: found the unknown key mnths, expected one of the keys registered, "),
        ("[coming]", "[coming]\nmnths = 3", "; did you mean months?"),
        ("[coming]", "[coming]\nmonths = inf", "coming.months: found inf, expected a finite number"),
        ("lost_per_year = 0.012", 'lost_per_year = "0.012"', 'leaving.lost_per_year: found "0.012", expected a number'),
        ("[coming]", "[coming]\nsites = true", "coming.sites: found true, expected a whole number"),
        ("[coming]", "[coming]\nsites = 0", "coming.sites: found 0, expected 1 or more"),
        ("[coming]", '[coming]\nsite_sizes = "odd"', "coming.site_sizes: found \"odd\", expected 'even' or 'uneven'"),
        ("[coming]", "[coming]\nrate = [{from_month = 0}]", "coming.rate.0.rate: found nothing, expected the key rate"),
        (
            "[coming]",
            "[coming]\nrate = [{from_month = 1, rate = 1}]",
            "wrong.toml: coming.rate: months are [1.0]; they start at 0",
        ),
        ("weight = [0.0, 1.0]", "weight = [0.0]", "tests.weight.1: found nothing"),
        ('id = "design"', 'id = "a b"', 'id: found "a b", expected letters, digits'),
        ('title = {en = "As designed", ja = "計画どおり"}', 'title = "x"', 'title: found "x", expected {en = "...", ja = "..."}'),
        ("[leaving]", "leaving = 3\n[left]", "leaving: found nothing, expected the key leaving"),
        ("experimental = 0.52", "", "either `experimental` or `effect`"),
        ("lost_per_year = 0.012", "lost_per_yaer = 0.012", "lost_per_yaer"),
        ("delay_months = [2.8, 3.7]", "delay_months = [3.7, 2.8]", "the lower limit comes first"),
        ("shares_cite", "shares_site", "shares_site"),
    ],
)
def test_a_faulty_file_is_refused_with_key_and_reason(tmp_path, old, new, words):
    """Wrong numbers and unknown keys are named; nothing is guessed."""
    text = SHIPPED["design"].read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "wrong.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ScenarioError, match=re.escape(words)):
        load_operating_scenario(path)


def test_each_fault_is_told_once_whatever_kinds_a_key_may_have(tmp_path):
    """Four faults are four lines in words for people, though two keys take a number or a table; no name of a type of ours is seen."""
    text = SHIPPED["design"].read_text(encoding="utf-8")
    text = text.replace("control = 0.40", "control = 1.4").replace("[coming]", "[coming]\nsites = 0")
    text = text.replace("delay_months = [2.8", "pass_share = {luminal = 7}\ndelay_months = [2.8").replace("lost_per_year", "lost")
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_operating_scenario(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert "wrong.toml: attrition.pass_share.luminal: found 7, expected 1 or less" in lines
    assert not any(word in str(caught.value) for word in ("constrained", "dict[", "Value error", "Input should"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"control": 1.2}, "control is 1.2; it must be between 0 and 1"),
        ({"hazard_ratio": 0.0}, "hazard_ratio is 0.0; it must be above 0"),
        ({"accrual_months": -3}, "accrual_months is -3; it must be above 0"),
        ({"pass_share": 1.1}, "pass_share is 1.1; it must be from 0 to 1"),
        ({"experimental": 0.5, "hazard_ratio": 0.5}, "both give the effect"),
    ],
)
def test_an_impossible_change_is_refused(change, said):
    """A change of a sweep is held to what a scenario may say."""
    with pytest.raises(ValueError, match=said):
        Change(**change)


def test_a_share_of_the_experimental_arm_needs_one_of_the_control_arm(protocol, design):
    """Where the control survival is a curve there is no one hazard ratio to take from a share."""
    curve = Survival(control_curve=((36.0, 0.7),), effect=(Effect(hazard_ratio=1.0),), factor="subtype", cite="a test")
    with pytest.raises(ScenarioError, match="change control too"):
        plan_of(protocol, replace(design, survival=curve), Change(experimental=0.6))


def test_looks_by_events_are_refused_where_they_might_never_come(protocol, design):
    """Survivors who are never lost would keep a look by events waiting; a look by the calendar takes them as they are."""
    cured = Survival(
        control_curve=((36.0, 0.7), (60.0, 0.7)), effect=(Effect(hazard_ratio=1.0),), factor="subtype", cite="a test"
    )
    scenario = replace(design, survival=cured, leaving=replace(design.leaving, lost_per_year=0.0))
    assert plan_of(protocol, scenario).control_hazards[0, -1] == 0
    with pytest.raises(ScenarioError, match=r"ends level and leaving\.lost_per_year is 0"):
        plan_of(protocol, scenario, Change(interim=INTERIM))


def test_an_unknown_name_lists_what_there_is():
    """A misspelt scenario is answered with the names that exist."""
    with pytest.raises(ScenarioError, match=r"there are: .*nrg-br002"):
        find_operating_scenario(FOLDER, "desing")
