"""The design of a protocol in numbers, the events foretold from pooled data, and looks at the primary endpoint."""

import json
import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from oligami.analysis.design import asked_plan, basis_of, describe_design
from oligami.analysis.design.looks import bounds_of
from oligami.analysis.design.size import registrations, size_table
from oligami.analysis.monitoring import take_look
from oligami.analysis.projection import pooled_course, project
from oligami.analysis.unfit import Unfit
from oligami.protocol.model.common import Origin, OriginKind
from oligami.protocol.model.design import InterimPlan
from oligami.protocol.text import Text
from oligami.simulation.fast.planning import looks_of, planned_events
from oligami.stats.sequential import boundaries, conditional_power, spending_obrien_fleming

REFERENCE = Path(__file__).parents[1] / "reference" / "stats" / "oligami_sample_size.json"
#: Our names of the reference's formulas.
FORMULAS = {
    "schoenfeld": "schoenfeld",
    "freedman": "freedman",
    "rubinstein": "rubinstein_gail_santner",
    "lachin_foulkes": "lachin_foulkes_pooled",
    "lachin_foulkes_unpooled": "lachin_foulkes_unpooled",
    "lakatos": "lakatos",
    "collett_simpson": "collett_simpson",
    "freedman_midpoint": "freedman_events_over_midpoint_death_prob",
}


def with_plan(protocol, information=(0.5, 1.0), futility="none", parameter=None, binding=False):
    """Return the protocol with a plan of interim analyses."""
    plan = InterimPlan(
        information=information,
        efficacy="lan_demets_obrien_fleming",
        futility=futility,
        futility_parameter=parameter,
        binding=binding,
        text=Text("An example.", "例。"),
        origin=Origin(kind=OriginKind.DEFAULT, cite="an example"),
    )
    return replace(protocol, design=replace(protocol.design, interim_plan=plan))


@pytest.fixture(scope="module")
def results(protocol):
    """The design of the trial."""
    return describe_design(protocol)


# --- the planned numbers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reading", "rows_of"),
    [
        ("interpretation_A_followup_5y_after_accrual_ends", lambda size: size.rows),
        ("interpretation_B_total_5_years", lambda size: size.overall),
    ],
)
def test_the_number_of_subjects_is_reproduced_for_every_baseline(results, reading, rows_of):
    """Every method gives the reference's rounded number at every control survival, under both readings of 5 years."""
    reference = {row["surv0_5y"]: row for row in json.loads(REFERENCE.read_text(encoding="utf-8"))[reading]["rows"]}
    rows = rows_of(results.size)
    assert {row.control for row in rows} >= {round(k / 100, 2) for k in range(30, 61)} & set(reference)
    for row in rows:
        expected = reference[round(row.control, 2)]["n_total_rounded_up_per_arm"]
        assert row.rounded == {name: expected[FORMULAS[name]] for name in row.rounded}


def test_268_is_named_with_its_method_and_assumption(results):
    """268 comes out by Freedman at 40 % and by Lachin-Foulkes at 45 %, as the presets say of themselves."""
    found = {(match.method, preset) for match in results.size.matches for preset in match.presets}
    assert {("freedman", "control_40"), ("lachin_foulkes", "control_45")} <= found
    assert ("schoenfeld", "control_40") not in found


def test_the_events_planned_are_those_of_the_simulations(protocol, tiny, results):
    """The page, the plan of looks and the simulations count on the same events and bounds."""
    assert results.basis.planned_events == planned_events(protocol) == 169
    assert basis_of(tiny).planned_events == planned_events(tiny)
    own = with_plan(tiny, (0.5, 0.75, 1.0), "hwang_shih_decani", -2.0)
    looks, efficacy, futility = looks_of(own)
    shown = describe_design(own).looks.plans[0]
    assert [look.events for look in shown.looks] == [look.events for look in looks]
    np.testing.assert_allclose([look.z_efficacy for look in shown.looks], efficacy, rtol=1e-9)
    np.testing.assert_allclose([look.z_futility for look in shown.looks], futility, rtol=1e-9)


def test_340_registrations_bring_270_half_of_the_time(protocol):
    """At the implied share 340 bring at least 270 in 53 % of trials; sureness costs registrations."""
    found = registrations(protocol)
    assert found is not None
    implied = next(row for row in found.rows if row.is_implied)
    assert implied.share == 270 / 340
    assert implied.needed_on_average == 340
    # The exact binomial tail by its definition: P(at least 270 of 340).
    tail = math.fsum(math.comb(340, k) * implied.share**k * (1 - implied.share) ** (340 - k) for k in range(270, 341))
    assert implied.probability_enough == pytest.approx(tail, rel=1e-9)
    assert 340 < implied.needed["0.8"] < implied.needed["0.9"] < implied.needed["0.95"]


def test_a_trial_of_one_registration_has_no_share(tiny):
    """Where all registered are randomized there is nothing to tell, and no second reading where follow-up is shorter."""
    assert registrations(tiny) is None
    assert size_table(tiny).overall == ()


# --- power, calendar ------------------------------------------------------------------------------------------------


def test_power_meets_itself_where_both_curves_share_their_assumptions(results):
    """At the preset's control survival the fixed difference and the fixed hazard ratio have the same power; 70 % and more."""
    point = next(point for point in results.power.by_control if point.control == pytest.approx(0.40))
    assert point.power_difference == pytest.approx(point.power_fixed, abs=1e-12)
    assert point.power_difference > 0.70
    assert point.experimental_fixed == pytest.approx(0.52)


def test_power_rises_with_the_true_difference_from_the_level(results):
    """Without a difference the test rejects at its level; the more there is, the more power."""
    for preset in ("control_40", "control_45"):
        power = [point.power for point in results.power.by_difference if point.preset == preset]
        assert power[0] == 0.05
        assert power == sorted(power)
        assert power[-1] > 0.99


def test_the_calendar_reaches_the_planned_events_when_it_says(results):
    """Between the two points around the arrival the expected events pass the planned number, sooner without effect."""
    arrival = results.course.arrivals[0]
    assert arrival.years is not None
    before = max((p for p in results.course.points if p.years <= arrival.years), key=lambda p: p.years)
    after = min((p for p in results.course.points if p.years > arrival.years), key=lambda p: p.years)
    assert before.events <= 169 <= after.events
    assert arrival.years_no_effect < arrival.years
    assert [p.events for p in results.course.points] == pytest.approx(
        [p.events_control + p.events_experimental for p in results.course.points]
    )


# --- looks ----------------------------------------------------------------------------------------------------------


def test_without_a_plan_there_is_one_analysis_and_others_only_to_compare(results):
    """The first plan is the trial's: one look, z 1.645; the others say that they are not."""
    own, *others = results.looks.plans
    assert (own.whose, len(own.looks)) == ("own", 1)
    assert own.looks[0].z_efficacy == pytest.approx(1.6448536, abs=1e-7)
    assert [plan.whose for plan in others] == ["comparison"] * 4
    # rpact 3.3.4, in the reference file: O'Brien-Fleming spending at 1/2, 1 and at 1/3, 2/3, 1.
    inflation = {plan.id: plan.inflation for plan in others}
    assert inflation["lan_demets_obrien_fleming_2"] == pytest.approx(1.00844, abs=5e-6)
    assert inflation["lan_demets_obrien_fleming_3"] == pytest.approx(1.021585, abs=5e-7)


def test_a_protocols_own_plan_and_one_asked_for_stand_apart(tiny):
    """The protocol's plan comes first, the one asked for second; conditional power goes by the one asked for."""
    asked = asked_plan("0.4,1", "kim_demets:3", "hwang_shih_decani:-4", binding=True)
    looks = describe_design(with_plan(tiny, (0.5, 0.75, 1.0)), asked).looks
    assert [(plan.whose, len(plan.looks)) for plan in looks.plans[:2]] == [("own", 3), ("asked", 2)]
    assert looks.plans[1].efficacy_parameter == 3.0
    assert looks.plans[1].binding
    assert looks.half_way_plan == "asked"


def test_half_way_follows_conditional_power(results):
    """The table's conditional power is Phi((z sqrt(1/2) + drift / 2 - 1.645) / sqrt(1/2)) for one analysis at the end."""
    for row in results.looks.half_way:
        drift = row.z / math.sqrt(0.5)
        reach = (row.z * math.sqrt(0.5) + drift / 2 - 1.6448536269514722) / math.sqrt(0.5)
        assert row.power_trend == pytest.approx(0.5 * math.erfc(-reach / math.sqrt(2)), abs=1e-9)
        assert row.power_no_effect < row.power_predictive or row.hazard_ratio > 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("0.5,0.4,1", "kim_demets:3"), "ascending to 1"),
        (("0.5,0.9", "kim_demets:3"), "ascending to 1"),
        (("half,1", "kim_demets:3"), "'half,1'"),
        (("0.5,1", "lan_demets_obrien_flemming"), "did you mean lan_demets_obrien_fleming?"),
        (("0.5,1", "kim_demets"), "kim_demets:3"),
        (("0.5,1", "kim_demets:-1"), "a number above 0"),
        (("0.5,1", "lan_demets_pocock:2"), "takes no number"),
        (("0.5,1", "none"), "no spending function"),
        (("0.5,1", "kim_demets:3", "linear"), "--futility"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_what_may_be(words, said):
    """The sentence names the option, what was found and what it may be, in both languages."""
    with pytest.raises(Unfit) as refused:
        asked_plan(*words)
    assert said in refused.value.text.en
    assert refused.value.text.ja != refused.value.text.en


def test_a_two_sided_level_is_halved_and_unequal_arms_need_more(protocol, results):
    """Bounds are one-sided at half of a two-sided level, with more events; 1:2 needs more subjects than 1:1 by Schoenfeld."""
    two_sided = describe_design(replace(protocol, design=replace(protocol.design, sided=2)))
    assert two_sided.looks.plans[0].looks[0].z_efficacy == pytest.approx(1.959964, abs=1e-6)
    assert two_sided.basis.planned_events > results.basis.planned_events
    arms = tuple(replace(arm, ratio=ratio) for arm, ratio in zip(protocol.allocation.arms, (1, 2), strict=True))
    unequal = size_table(replace(protocol, allocation=replace(protocol.allocation, arms=arms)))
    for own, other in zip(results.size.rows, unequal.rows, strict=True):
        assert other.subjects["schoenfeld"] > own.subjects["schoenfeld"]


# --- the running trial ----------------------------------------------------------------------------------------------


def swapped(datasets):
    """The same cut with the arms of all subjects of every endpoint exchanged."""
    other = dict(zip(datasets.arms, reversed(datasets.arms), strict=True))
    endpoints = {
        name: replace(own, arm=tuple(None if arm is None else other[arm] for arm in own.arm))
        for name, own in datasets.endpoints.items()
    }
    return replace(datasets, endpoints=endpoints)


def test_a_projection_does_not_know_the_arms(synthetic, protocol):
    """Exchanging everybody's arm changes nothing, and nothing pooled holds an arm."""
    datasets = synthetic.made_up(protocol, registered=120, cut=date(2027, 1, 1))
    both = [project(pooled_course(own, protocol), target=169, seed=1) for own in (datasets, swapped(datasets))]
    assert both[0] == both[1]
    assert not {"arm", "arms"} & {*pooled_course(datasets, protocol).__slots__}


def test_a_projection_keeps_what_is_known_and_moves_on_from_the_cut(synthetic, protocol):
    """Events reached have their known date; those to come lie after the cut, limits around the median, numbers rising."""
    datasets = synthetic.made_up(protocol, registered=120, cut=date(2029, 1, 1))
    found = project(pooled_course(datasets, protocol), target=100, seed=1)
    survival = datasets.endpoints["os"]
    days = sorted(end for end, event in zip(survival.end_date, survival.event, strict=True) if event)
    assert found.events == len(days)
    for each in found.dates:
        if each.is_known:
            assert each.median == each.lower == each.upper == days[each.events - 1]
        elif each.median is not None:
            assert date(2029, 1, 1) < each.lower <= each.median
    assert any(each.is_known for each in found.dates)
    assert [each.median for each in found.numbers] == sorted(each.median for each in found.numbers)
    assert all(each.lower <= each.median <= each.upper for each in found.numbers)
    assert all(each.on > date(2029, 1, 1) for each in found.numbers)


def test_nobody_to_project_is_said(synthetic, protocol):
    """Without anybody randomized, and with a target or model that cannot be, there is a sentence."""
    nobody = synthetic.made_up(protocol, registered=30, randomize=False)
    with pytest.raises(Unfit, match="30 were registered up to then and nobody randomized"):
        pooled_course(nobody, protocol)
    course = pooled_course(synthetic.made_up(protocol, registered=60), protocol)
    with pytest.raises(Unfit, match="expected 1 or more"):
        project(course, target=0, seed=1)
    with pytest.raises(Unfit, match="'gamma'; expected exponential or weibull"):
        project(course, target=10, seed=1, model="gamma")


def test_a_look_without_a_plan_decides_nothing_before_the_end(synthetic, protocol):
    """No bound, no alpha spent, conditional power against the one analysis to come; at the end the whole level."""
    datasets = synthetic.made_up(protocol, registered=120, cut=date(2028, 1, 1))
    under_way = take_look([datasets], protocol)
    (look,) = under_way.looks
    assert (look.z_efficacy, look.alpha_spent, look.decision, under_way.final) == (None, 0.0, "not planned", None)
    plan = boundaries([1.0], alpha=0.05, efficacy=spending_obrien_fleming())
    assert look.z is not None
    assert under_way.ahead is not None
    expected = conditional_power(plan, look.z, fraction=look.events / 169, effect="null").power
    assert under_way.ahead.conditional_no_effect == pytest.approx(expected, abs=1e-12)
    ended = take_look([datasets], protocol, final=True)
    assert ended.looks[0].z_efficacy == pytest.approx(1.6448536, abs=1e-7)
    assert ended.ahead is None
    assert ended.final is not None
    # With one analysis the stagewise p value is the ordinary one, and the median-unbiased estimate the score estimate.
    assert ended.final.p_one_sided == pytest.approx(look.p_one_sided, abs=1e-9)
    assert ended.final.hazard_ratio == pytest.approx(math.exp(-look.z / math.sqrt(look.events / 4)), rel=1e-6)


def test_a_look_has_the_bounds_of_the_events_observed(synthetic, tiny):
    """With a plan the level is spent by the events seen, at whatever number they came; two looks count together."""
    planned = with_plan(tiny)
    cuts = [synthetic.made_up(planned, registered=60, cut=day) for day in (date(2025, 6, 1), date(2029, 1, 1))]
    events = [int(cut.endpoints["os"].event.sum()) for cut in cuts]
    assert 0 < events[0] < events[1] < 41
    result = take_look(cuts, planned, final=True)
    expected = boundaries(events, alpha=0.05, efficacy=spending_obrien_fleming(), spending_time=[events[0] / 41, 1.0])
    np.testing.assert_allclose([look.z_efficacy for look in result.looks], expected.z_efficacy, rtol=1e-9)
    assert [look.fraction for look in result.looks] == [events[0] / 41, events[1] / 41]
    assert result.looks[0].decision == "continue"
    assert result.looks[1].alpha_spent == pytest.approx(0.05)
    assert result.final is not None
    assert result.final.lower < result.final.hazard_ratio < result.final.upper
    wide = [look.repeated_hr for look in result.looks]
    assert all(interval is not None and interval[1] < interval[0] < interval[2] for interval in wide)


def test_z_favours_the_experimental_arm_when_it_is_above_zero(synthetic, protocol):
    """Exchanging the arms turns the sign of z and inverts the hazard ratio."""
    datasets = synthetic.made_up(protocol, registered=120, cut=date(2029, 1, 1))
    one, other = (take_look([own], protocol).looks[0] for own in (datasets, swapped(datasets)))
    assert one.z == pytest.approx(-other.z)
    assert one.events_by_arm == other.events_by_arm[::-1]
    assert one.hazard_ratio.value == pytest.approx(1 / other.hazard_ratio.value, rel=1e-6)
    assert (one.z > 0) == (one.hazard_ratio.value < 1)


def test_looks_out_of_order_and_empty_ones_are_told(synthetic, tiny):
    """Two looks at the same events are refused; a look without events has no test and says so."""
    planned = with_plan(tiny)
    cut = synthetic.made_up(planned, registered=60, cut=date(2027, 1, 1))
    with pytest.raises(Unfit, match="each with more events"):
        take_look([cut, cut], planned)
    empty = take_look([synthetic.made_up(planned, registered=60, events=False)], planned)
    assert (empty.looks[0].z, empty.looks[0].decision, empty.ahead, empty.final) == (None, "no test", None, None)


def test_an_arm_without_anybody_has_no_test(synthetic, tiny):
    """With everybody in one arm there is no z, no decision and no inference, at the end too."""
    planned = with_plan(tiny)
    arms = tuple(arm.id for arm in planned.trial.arm)[:1]
    result = take_look([synthetic.made_up(planned, registered=60, arms_used=arms)], planned, final=True)
    assert (result.looks[0].z, result.looks[0].decision, result.final) == (None, "no test", None)


def test_bounds_of_a_plan_count_events(tiny):
    """The plan's information is in events, so that hazard ratios at the bounds are those of the planned number."""
    basis = basis_of(tiny)
    bounds = bounds_of(basis, with_plan(tiny).design.interim_plan)
    assert bounds.information.tolist() == [20.5, 41.0]
    assert bounds.hr_efficacy[1] == pytest.approx(math.exp(-bounds.z_efficacy[1] / math.sqrt(41 / 4)))
