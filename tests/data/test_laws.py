"""What holds of every cut."""

from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RANDOMIZED = date(2024, 9, 10)
DAYS = st.integers(1, 900)
SCANS = st.lists(
    st.tuples(DAYS, st.sampled_from(["SD", "PR", "NE", "PD"]), st.sampled_from(["no", "equivocal", "yes"])), max_size=4
)


def _day(days):
    return (RANDOMIZED + timedelta(days=days)).isoformat()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scans=SCANS, seen=st.lists(DAYS, max_size=3), died=st.none() | DAYS, cuts=st.lists(DAYS, min_size=2, max_size=2))
def test_a_later_cut_only_adds(build, scans, seen, died, cuts):
    """Nothing lies after a cut; what happened by a cut has happened by a later one, and follow-up only grows longer."""
    trial = build(first_arm="B")
    subject = trial.first("2024-06-01")
    trial.second(subject, RANDOMIZED.isoformat())
    trial.irradiate(subject, "L1", "2024-09-20", "2024-09-26")
    for day, response, new_lesion in scans:
        trial.scan(subject, _day(day), {"L1": 20}, response=response, new_lesion=new_lesion)
    for day in seen:
        trial.seen(subject, _day(day))
    if died is not None:
        trial.died(subject, _day(died))
    first, later = (trial.cut(_day(day)) for day in sorted(cuts))
    for name, before in first.endpoints.items():
        after = later.endpoints[name]
        assert all(day <= first.provenance.up_to for day in before.end_date)
        assert (before.time_days >= 0).all()
        if len(before) and before.event[0]:
            assert after.event[0]
            assert after.time_days[0] <= before.time_days[0]
    assert first.endpoints["os"].time_days[0] <= later.endpoints["os"].time_days[0]
