"""Counting: flow, accrual, baseline, adverse events, quality of life, data quality."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.analysis import measures
from oligami.analysis.accrual import describe_accrual
from oligami.analysis.baseline import describe_baseline
from oligami.analysis.deviations import describe_data_quality, describe_deviations
from oligami.analysis.flow import describe_flow
from oligami.analysis.local_therapy import describe_local_therapy
from oligami.analysis.quality_of_life import analyse_quality_of_life
from oligami.analysis.safety import analyse_safety
from oligami.analysis.therapy import describe_therapy
from oligami.data.datasets import AdverseEvents


@pytest.fixture(scope="module")
def datasets(synthetic, protocol):
    """A trial of some size, not yet over."""
    return synthetic.made_up(protocol, registered=200, cut=date(2026, 3, 1))


def test_flow_adds_up(datasets, protocol):
    """Everybody registered is randomized, not randomized for a reason, or still before it; arms add up to the randomized."""
    flow = describe_flow(datasets, protocol)
    assert flow.requests == flow.registered + flow.refusals[0].refused
    assert flow.registered == flow.in_therapy + flow.not_randomized + flow.randomized
    assert flow.not_randomized == sum(tally.count for tally in flow.not_randomized_reasons)
    assert flow.randomized == sum(arm.randomized for arm in flow.arms)
    for arm in flow.arms:
        assert arm.randomized == arm.received + arm.not_received == arm.analysed
    assert min(flow.in_therapy, flow.not_randomized, flow.randomized) > 0


def test_who_was_registered_in_error_is_counted_apart(datasets, protocol):
    """An annulled registration leaves flow, accrual and baseline, and shows as annulled."""
    subjects = datasets.subjects
    annulled = replace(datasets, subjects=replace(subjects, annulled=(True, *subjects.annulled[1:])))
    before, after = describe_flow(datasets, protocol), describe_flow(annulled, protocol)
    assert (after.annulled, after.registered) == (1, before.registered - 1)
    assert describe_accrual(annulled, protocol).registered == after.registered
    assert dict(describe_baseline(annulled, protocol).groups)["registered"] == after.registered


def test_accrual_ends_at_its_totals(datasets, protocol):
    """Monthly counts never fall and end, at the cut, at the totals, which the sites add up to."""
    accrual = describe_accrual(datasets, protocol)
    assert accrual.months[-1].day == date(2026, 3, 1)
    for name in ("registered", "randomized"):
        counts = [getattr(month, name) for month in accrual.months]
        assert counts == sorted(counts)
        assert counts[-1] == getattr(accrual, name) == sum(getattr(site, name) for site in accrual.sites)


def test_plan_is_a_line_from_start_to_target(datasets, protocol):
    """By plan nobody is registered at the start, and all are after the planned years."""
    accrual = describe_accrual(datasets, protocol)
    share = (date(2026, 3, 1) - accrual.start).days / (protocol.design.accrual_years * protocol.analysis.days_per_year)
    assert accrual.registered_by_plan_at_cut == pytest.approx(protocol.design.registered_planned * share)


def test_planned_randomizations_wait_for_the_weeks_before(synthetic, protocol):
    """Nobody is planned to be randomized before the first could be; the line then rises as that of the registrations."""
    lag = timedelta(days=protocol.therapy.window_days)
    cut = protocol.trial.status.start_date + lag
    assert describe_accrual(synthetic.made_up(protocol, cut=cut), protocol).randomized_by_plan_at_cut == 0
    year = timedelta(days=365)
    later = describe_accrual(synthetic.made_up(protocol, cut=cut + year), protocol)
    share = year.days / (protocol.design.accrual_years * protocol.analysis.days_per_year)
    assert later.randomized_by_plan_at_cut == pytest.approx(protocol.design.randomized_planned * share)


def test_a_site_is_open_until_the_first_stage_closed(synthetic, protocol):
    """Registrations a year count to the last registration once the stage is full, else to the cut."""
    for registered, is_full in ((protocol.eligibility.stage[0].limit, True), (100, False)):
        accrual = describe_accrual(synthetic.made_up(protocol, registered=registered, randomize=False), protocol)
        until = accrual.last_registration if is_full else date(2029, 11, 8)
        for site in accrual.sites:
            assert site.per_year == pytest.approx(site.registered * 365.25 / (until - site.opened).days)


def test_baseline_columns_add_up(datasets, protocol):
    """Every characteristic counts every subject of its column once, known or not."""
    baseline = describe_baseline(datasets, protocol)
    sizes = dict(baseline.groups)
    assert sizes["randomized"] == sizes["A"] + sizes["B"] < sizes["registered"]
    for own in baseline.characteristics:
        for column in own.columns:
            if column.spread is not None:
                assert column.spread.n + column.spread.missing == sizes[column.group]
            else:
                assert sum(tally.count for tally in column.tallies) == sizes[column.group]


def adverse_events(*rows: tuple[str, str, int | None, bool]) -> AdverseEvents:
    """Adverse events after randomization: subject, term, grade, serious."""
    return AdverseEvents(
        subject=tuple(row[0] for row in rows),
        arm=tuple("B" for _ in rows),
        period=tuple("after_randomization" for _ in rows),
        term=tuple(row[1] for row in rows),
        grade=tuple(row[2] for row in rows),
        serious=tuple(row[3] for row in rows),
        start_date=tuple(None for _ in rows),
        related=tuple(() for _ in rows),
    )


def test_a_subject_counts_once_with_the_worst_grade(synthetic, protocol):
    """Several events of one term count one subject, by the worst grade; a grade not known gives way to a known one."""
    datasets = synthetic.made_up(protocol, registered=30, arms_used=("B",))
    first, second, third = [
        name for name, arm in zip(datasets.subjects.subject, datasets.subjects.arm, strict=True) if arm == "B"
    ][:3]
    events = adverse_events(
        (first, "nausea", 1, False),
        (first, "nausea", 3, True),
        (first, "nausea", None, False),
        (second, "nausea", None, False),
        (second, "fatigue", 2, False),
        (third, "fatigue", 4, False),
    )
    safety = analyse_safety(replace(datasets, adverse_events=events), protocol)
    group = next(own for own in safety.groups if own.arm == "B")
    terms = {own.term: own for own in group.terms}
    assert (terms["nausea"].any, terms["nausea"].grades, terms["nausea"].grade_unknown) == (2, (0, 0, 1, 0, 0), 1)
    assert (terms["fatigue"].any, terms["fatigue"].severe) == (2, 1)
    assert (group.any.count, group.severe.count, group.serious.count) == (3, 2, 1)
    assert sum(group.worst) == group.subjects
    assert group.worst[2:5] == (1, 1, 1)


def test_safety_counts_every_treated_subject(datasets, protocol):
    """Worst grades of a group add up to its treated subjects; severe are those of the severe grade or more."""
    for group in analyse_safety(datasets, protocol).groups:
        assert sum(group.worst) == group.subjects == group.severe.total
        assert group.severe.count == sum(group.worst[protocol.safety.severe_grade :])


def test_rule_in_force_gives_the_verdicts_again(datasets, protocol):
    """The table of thresholds, at the threshold in force, equals the count of the verdicts at the primary visit."""
    quality = analyse_quality_of_life(datasets, protocol)
    assert quality is not None
    own = next(row for row in quality.sensitivity if row.in_force)
    primary = {visit.arm: visit for visit in quality.visits if visit.visit == quality.primary_visit}
    assert dict(own.proportions) == {arm: visit.proportion for arm, visit in primary.items()}
    assert dict(own.not_evaluable) == {arm: visit.not_evaluable for arm, visit in primary.items()}


def test_a_laxer_threshold_keeps_more_subjects(datasets, protocol):
    """The proportion without progression rises with the threshold, and any scale is the strictest rule."""
    quality = analyse_quality_of_life(datasets, protocol)
    assert quality is not None
    one_scale = [row for row in quality.sensitivity if row.scale is not None]
    assert [row.threshold for row in one_scale] == sorted({*protocol.quality_of_life.non_progression.thresholds_offered, 10.0})
    for arm in datasets.arms:
        kept = [dict(row.proportions)[arm].count for row in one_scale]
        assert kept == sorted(kept)


def test_arms_are_not_compared_before_randomization(datasets, protocol):
    """Every visit is described by arm, but a difference is told only of those after randomization."""
    quality = analyse_quality_of_life(datasets, protocol)
    assert quality is not None
    assert {own.visit for own in quality.visits} - {own.visit for own in quality.differences} == {"pre_second"}


def test_no_quality_of_life_without_a_questionnaire(synthetic, tiny):
    """A protocol without a questionnaire has no quality of life to analyse."""
    assert analyse_quality_of_life(synthetic.made_up(tiny), tiny) is None


def test_every_lesion_has_one_therapy_or_none(datasets, protocol):
    """Lesions by site add up to all lesions of the arm with local therapy, and its subjects to all, some or none treated."""
    (local,) = describe_local_therapy(datasets, protocol)
    assert local.arm == "B"
    assert local.lesions == sum(own == "B" for own in datasets.lesions.arm)
    assert local.lesions == sum(site.radiotherapy + site.surgery + site.untreated + site.gone for site in local.sites)
    assert local.remaining == local.remaining_treated + sum(site.untreated for site in local.sites)
    parts = (local.subjects_complete, local.subjects_partial, local.subjects_none, local.subjects_gone)
    assert local.subjects == sum(parts)
    irradiated = sum(site.radiotherapy for site in local.sites)
    assert irradiated == sum(dose.lesions for dose in local.doses) == sum(tally.count for tally in local.techniques)


def test_a_lesion_gone_before_randomization_need_not_be_treated(datasets, protocol):
    """Who had every remaining lesion treated is complete, whatever was gone; with nothing left a subject counts apart."""
    lesions = datasets.lesions
    treated = tuple(modality is not None for modality in lesions.modality)
    (local,) = describe_local_therapy(replace(datasets, lesions=replace(lesions, remaining=treated)), protocol)
    own = {
        name: [treated[row] for row in range(len(lesions)) if lesions.subject[row] == name]
        for name, arm in zip(lesions.subject, lesions.arm, strict=True)
        if arm == "B"
    }
    assert local.subjects_complete == sum(any(each) for each in own.values()) > 0
    assert local.subjects_gone == sum(not any(each) for each in own.values())
    assert (local.subjects_partial, local.subjects_none, local.remaining - local.remaining_treated) == (0, 0, 0)


def test_therapy_of_everybody_is_kept_or_not(datasets, protocol):
    """Kept, changed, ended and not resumed add up to the subjects of each arm."""
    for own in describe_therapy(datasets, protocol):
        assert sum(tally.count for tally in own.kept) == own.subjects == own.crossover.total
        assert sum(tally.count for tally in own.change_reasons) == sum(
            tally.count for tally in own.kept if (tally.value or "").startswith("changed")
        )


@pytest.mark.parametrize(
    ("kept", "reason", "progressed", "course"),
    [
        ("ended", "progression", None, "until_end"),
        ("ended", "death", None, "until_end"),
        ("ended", "toxicity", None, "ended"),
        ("ended", "toxicity", date(2026, 1, 1), "until_end"),
        ("ended", "toxicity", date(2026, 1, 3), "ended"),
        ("changed_before_progression", "progression", date(2026, 1, 1), "changed_before_progression"),
        ("not_restarted", "progression", None, "not_restarted"),
    ],
)
def test_therapy_that_was_due_no_longer_was_kept(datasets, protocol, kept, reason, progressed, course):
    """An end for progression or death, or after progression, leaves the therapy kept; any other end does not."""
    table, subjects = datasets.therapies, datasets.subjects
    n = len(table)
    changed = replace(
        datasets,
        therapies=replace(
            table, kept=(kept,) * n, end_date=(date(2026, 1, 2),) * n, end_reason=(reason,) * n, switched=(True,) * n
        ),
        subjects=replace(subjects, progression_date=(progressed,) * len(subjects)),
    )
    for own in describe_therapy(changed, protocol):
        assert {tally.value: tally.count for tally in own.kept if tally.count} == {course: own.subjects}
        assert own.kept_same == (own.subjects if course == "until_end" else 0)
        assert own.switched.count == own.switched.total == own.subjects > 0


def test_deviations_by_rule_add_up_to_their_kind(datasets, protocol):
    """Deviations of the rules of a kind add up to the kind, and grades to all."""
    summary = describe_deviations(datasets, protocol)
    by_kind = Counter(datasets.deviations.kind)
    for kind, count in by_kind.items():
        assert count == sum(own.deviations for own in summary.rules if own.kind == kind)
        assert count == sum(own.deviations for own in summary.kinds if own.kind == kind)
    assert summary.reported == by_kind["reported"]
    assert summary.not_graded == sum(tally.count for own in summary.kinds for tally in own.grades if tally.value is None)


def test_a_form_due_is_in_time_late_or_missing(datasets, protocol):
    """Forms due are submitted or missing, and the late are among the submitted."""
    quality = describe_data_quality(datasets, protocol)
    assert quality.due == len(datasets.data_quality) > 0
    for own in quality.forms:
        assert own.due == own.submitted + own.missing
        assert own.late == own.days_late.n <= own.submitted


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.one_of(st.none(), st.sampled_from("abc")), max_size=20), order=st.permutations("abd"))
def test_tallies_count_everything_once(values, order):
    """Whatever is counted, the tallies add up to it, and every value stands in one row."""
    rows = measures.tallies(values, order)
    assert sum(row.count for row in rows) == len(values)
    assert len({row.value for row in rows}) == len(rows)


@settings(max_examples=40, deadline=None)
@given(total=st.integers(0, 60), data=st.data())
def test_exact_interval_holds_its_proportion(total, data):
    """The exact interval lies within 0 and 1 and holds the proportion; of nobody there is none."""
    count = data.draw(st.integers(0, total))
    found = measures.proportion(count, total, 0.95)
    if total == 0:
        assert (found.value, found.interval.lower, found.interval.upper) == (None, None, None)
    else:
        assert 0 <= found.interval.lower <= found.value <= found.interval.upper <= 1
