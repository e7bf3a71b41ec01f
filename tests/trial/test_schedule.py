"""What is due when, and whether it was done in time."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.protocol.check import open_protocol
from oligami.protocol.load import find_protocol
from oligami.trial.schedule import follow_up_end, is_within, planned_visits, window_verdict

COMPILED = open_protocol(find_protocol("jcog2110"))
SCHEDULE = COMPILED.protocol.schedule

FIRST = date(2024, 1, 10)
RANDOMIZED = date(2024, 5, 1)
ANCHORS = {
    "registration:first": FIRST,
    "event:therapy_start_date": date(2024, 1, 15),
    "event:assessment_date": date(2024, 4, 8),
    "registration:second": RANDOMIZED,
    "event:last_fraction": date(2024, 6, 3),
}
DAYS = st.dates(min_value=date(2023, 11, 8), max_value=date(2032, 10, 31))


def plan(arm="B", **more):
    return {each.visit: each for each in planned_visits(SCHEDULE, {**ANCHORS, **more}, arm)}


@pytest.mark.parametrize(
    ("visit", "anchor", "earliest", "target", "latest"),
    [
        ("ct", "registration:first", -28, 0, 0),
        ("fdg_pet", "registration:first", -28, 0, 0),
        ("brain_mri", "registration:first", -28, 0, 0),
        ("examination", "registration:first", -14, 0, 0),
        ("laboratory", "registration:first", -14, 0, 0),
        ("screening", "registration:first", -28, 0, 0),
        ("therapy_start", "registration:first", 1, 1, 14),
        ("week12", "event:therapy_start_date", 77, 84, 105),
        ("pre_second", "event:assessment_date", -7, 0, 28),
        ("second_registration", "event:assessment_date", 0, 0, 28),
        ("mdt_start", "registration:second", 0, 0, 42),
        ("mdt_end", "registration:second", 0, 0, 84),
        ("resume_after_radiotherapy", "event:last_fraction", 0, 0, 28),
        ("m12", "registration:second", 323, 365, 407),
        ("imaging_84", "registration:second", 70, 84, 98),
        ("imaging_840", "registration:second", 812, 840, 868),
    ],
)
def test_windows_of_the_table(visit, anchor, earliest, target, latest):
    """Windows are those of the schedule of activities, counted from their anchor."""
    found = plan()[visit]
    days = [(each - ANCHORS[anchor]).days for each in (found.earliest, found.target, found.latest)]
    assert days == [earliest, target, latest]


def test_consent_may_be_any_time_before():
    """Consent has no first day, and the first registration as its last."""
    consent = plan()["consent"]
    assert (consent.earliest, consent.latest) == (None, FIRST)
    assert is_within(consent, FIRST - timedelta(days=400))


def test_arms_have_their_own_activities():
    """Local therapy is planned in the experimental arm only, the restart of therapy in the control arm only."""
    control, experimental, before = plan("A"), plan("B"), plan(None)
    assert "restart_control" in control
    assert "mdt_start" not in control
    assert "mdt_start" in experimental
    assert "restart_control" not in experimental
    assert not {"restart_control", "mdt_start"} & set(before)


def test_imaging_runs():
    """Every 12 weeks to 2 years, every 24 weeks to 5 years, then yearly."""
    days = sorted(int(visit.removeprefix("imaging_")) for visit in plan() if visit.startswith("imaging_"))
    steps = {later - earlier for earlier, later in itertools.pairwise(days) if later <= 672}
    assert steps == {84}
    assert {later - earlier for earlier, later in itertools.pairwise(days) if 672 < later <= 1826} == {168}
    assert {later - earlier for earlier, later in itertools.pairwise(days) if later > 1826} == {365}


def test_progression_ends_imaging_but_not_survival():
    """After progression no imaging is planned, survival and quality of life go on; death ends everything."""
    progressed = plan(progression=RANDOMIZED + timedelta(days=200))
    assert "imaging_168" in progressed
    assert "imaging_252" not in progressed
    assert "m24" in progressed
    assert "survival_915" in progressed
    dead = plan(death=RANDOMIZED + timedelta(days=200))
    assert "m24" not in dead
    assert all((each.earliest or each.target) <= RANDOMIZED + timedelta(days=200) for each in dead.values())


def test_follow_up_ends_five_years_after_the_last_randomization():
    """When the last randomization is known no run of follow-up goes beyond five years after it."""
    last = date(2026, 3, 1)
    end = follow_up_end(SCHEDULE, {"last_randomization": last})
    assert end == last + timedelta(days=1826)
    assert follow_up_end(SCHEDULE, {}) is None
    closed = plan(last_randomization=last)
    runs = [each.target for visit, each in closed.items() if visit.startswith(("survival_", "imaging_")) and visit[-1].isdigit()]
    assert max(runs) <= end < max(each.target for each in plan().values())


@settings(max_examples=60, deadline=None)
@given(first=DAYS, wait=st.integers(0, 200), until=DAYS, arm=st.sampled_from(["A", "B", None]))
def test_laws_of_a_plan(first, wait, until, arm):
    """Visits come in order, each has its target inside its window and one name, none lies beyond the asked date."""
    anchors = {"registration:first": first, "registration:second": first + timedelta(days=wait)}
    found = planned_visits(SCHEDULE, anchors, arm, until=until)
    assert [each.target for each in found] == sorted(each.target for each in found)
    assert len({each.visit for each in found}) == len(found)
    assert all(is_within(each, each.target) and each.target <= until for each in found)
    known = {activity.id for activity in SCHEDULE.activity if activity.anchor in anchors}
    assert {each.activity for each in found} <= known


@settings(max_examples=60, deadline=None)
@given(done=st.one_of(st.none(), DAYS), on=DAYS, visit=st.sampled_from(sorted(plan())))
def test_window_verdicts(done, on, visit):
    """Done is inside, early or late; not done is not due, due or missed; exactly as the window says."""
    planned = plan()[visit]
    verdict = window_verdict(planned, done, on=on)
    if done is not None:
        assert (verdict == "inside") == is_within(planned, done)
        assert verdict in ("inside", "early", "late")
    else:
        assert (verdict == "missed") == (planned.latest is not None and on > planned.latest)
        assert (verdict == "not_due") == (planned.earliest is not None and on < planned.earliest)


@pytest.mark.parametrize(
    ("done", "verdict"),
    [(41, "inside"), (42, "inside"), (43, "late"), (0, "inside"), (-1, "early")],
)
def test_ends_of_a_window(done, verdict):
    """Both ends of a window belong to it."""
    planned = plan()["mdt_start"]
    assert window_verdict(planned, RANDOMIZED + timedelta(days=done), on=RANDOMIZED + timedelta(days=300)) == verdict


def test_every_visit_has_a_title(jcog):
    """Each visit of the schedule is called something in both languages, and a day of a run by its week or day."""
    from oligami.trial.schedule import visit_names, visit_titles

    titles = visit_titles(jcog.schedule)
    for form in jcog.forms:
        for visit in visit_names(jcog.schedule, form.id):
            assert titles[visit].en
            assert titles[visit].ja
    assert titles["imaging_84"].en == "week 12"
    assert titles["survival_183"].ja == "183日"
