"""What a cut counts: through which record, up to which date."""

from datetime import date
from itertools import permutations

import pytest

from oligami.data.cut import Cut, cut_records, cut_trial
from oligami.data.derive import derive
from oligami.data.reading import Reader
from oligami.journal import entries as e
from oligami.protocol.model.forms import FormRole
from oligami.trial.commands import Register
from oligami.trial.fold import fold

TABLE = """
    randomized | last seen  | died       || days | event
    2024-09-10 |            | 2024-09-19 ||    9 | yes
    2024-09-10 |            | 2024-12-31 ||  112 | yes
    2024-09-10 |            | 2025-01-01 ||  112 | no
    2024-09-10 |            | 2025-09-01 ||  112 | no
    2024-09-10 | 2025-06-01 |            ||  112 | no
    2024-09-10 | 2024-11-01 |            ||   52 | no
    2024-09-10 | 2024-11-01 | 2025-09-01 ||  112 | no
    2024-09-10 |            |            ||    0 | no
"""


def rows(table):
    lines = [[cell.strip() for cell in line.replace("||", "|").split("|")] for line in table.strip().splitlines()]
    return [tuple(line) for line in lines[1:]]


@pytest.mark.parametrize(("randomized", "seen", "died", "days", "event"), rows(TABLE))
def test_overall_survival_is_cut(build, randomized, seen, died, days, event):
    """A death counts up to the cut; a later one, or a later contact, leaves the subject censored at the cut."""
    trial = build()
    subject = trial.first("2024-06-01")
    trial.second(subject, randomized)
    if seen:
        trial.seen(subject, seen)
    if died:
        trial.died(subject, died)
    survival = trial.cut("2024-12-31").endpoints["os"]
    assert (survival.time_days[0], survival.event[0]) == (int(days), event == "yes")
    assert survival.cause[0] == ("death" if event == "yes" else "last_alive")


def test_what_had_not_happened_is_not_counted(build):
    """Registrations, randomizations, courses and events after the cut are not there, whatever the journal knows by now."""
    trial = build()
    subject = trial.first("2024-06-01")
    trial.first("2024-09-01")
    trial.start_therapy(subject, "2024-06-03")
    trial.second(subject, "2024-09-10")
    trial.scan(subject, "2024-12-03", response="PD", new_lesion="yes")
    trial.form(subject, "adverse_event", term="fatigue", grade=2, start_date="2024-11-01", serious="no")
    cut = trial.cut("2024-08-31")
    assert cut.subjects.subject == (subject,)
    assert (cut.subjects.arm, cut.subjects.status, cut.subjects.progression_date) == ((None,), ("in_therapy",), (None,))
    assert len(cut.endpoints["os"]) == len(cut.adverse_events) == len(cut.therapies) == len(cut.lesions) == 0
    assert cut.endpoints["os_first"].end_date == (date(2024, 8, 31),)


def test_a_fact_counts_by_its_own_date(build):
    """Clinical progression before the cut counts, though the contact that told of it came after."""
    trial = build()
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.seen(subject, "2025-02-01", clinical_progression="yes", clinical_progression_date="2024-12-20")
    survival = trial.cut("2024-12-31").endpoints["pfs"]
    assert (survival.time_days[0], survival.cause) == (101, ("progression_clinical",))
    assert not trial.cut("2024-12-19").endpoints["pfs"].event[0]


def test_radiotherapy_under_way_at_the_cut(build):
    """A course that ends after the cut has begun, and nothing is said of how it ended."""
    trial = build(first_arm="B")
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.irradiate(subject, "L1", "2024-10-01", "2024-10-07")
    lesions = trial.cut("2024-10-03").lesions
    assert (lesions.modality, lesions.end_date, lesions.completion) == (("radiotherapy",), (None,), (None,))
    assert trial.cut("2024-10-07").lesions.completion == ("completed",)
    assert len(trial.cut("2024-10-03").endpoints["pfs_mdt_from_last_treatment"]) == 0


def _small(build):
    trial = build(first_arm="B")
    subject = trial.first("2024-06-01")
    trial.start_therapy(subject, "2024-06-03")
    trial.scan(subject, "2024-08-26", {"L1": 18}, visit="week12")
    trial.second(subject, "2024-09-10")
    trial.irradiate(subject, "L1", "2024-10-01", "2024-10-07")
    return trial, subject


def test_a_cut_does_not_change_when_the_journal_grows(build, plain):
    """A cut through record N of a longer journal is the cut made when the journal ended at N."""
    trial, subject = _small(build)
    through = trial.desk.trial.head.seq
    then = trial.cut("2025-12-31")
    trial.scan(subject, "2024-12-03", {"L1": 30}, response="PD")
    trial.died(subject, "2025-01-15")
    trial.correct(subject, "first_registration", her2="positive")
    again = trial.cut("2025-12-31", through=through)
    assert plain(again) == plain(then)
    assert again.provenance.through == through
    assert plain(trial.cut("2025-12-31"))["endpoints"] != plain(then)["endpoints"]


def test_the_order_of_forms_does_not_matter(build, plain):
    """Forms handed in in any order give the same datasets."""

    def told(order):
        trial, subject = _small(build)
        say = [
            lambda: trial.scan(subject, "2024-12-03", {"L1": 12}, response="PR"),
            lambda: trial.scan(subject, "2025-02-25", {"L1": 24}, response="PD"),
            lambda: trial.course(subject, 4, "2024-10-20"),
            lambda: trial.seen(subject, "2025-03-01", clinical_progression="yes", clinical_progression_date="2025-02-20"),
        ]
        for place in order:
            say[place]()
        datasets = plain(trial.cut("2025-12-31"))
        del datasets["provenance"]
        return datasets

    first, *others = [told(order) for order in list(permutations(range(4)))[::7]]
    assert all(other == first for other in others)


def test_a_cut_names_a_record_that_exists(build):
    """A cut through a record that the journal does not have is refused, and so is a trial folded from other records."""
    trial, _ = _small(build)
    last = trial.desk.trial.head.seq
    with pytest.raises(ValueError, match="ends with record"):
        cut_trial(trial.journal.records(), Cut(through=last + 1, up_to=date(2025, 1, 1)))
    with pytest.raises(ValueError, match="folded through"):
        derive(trial.desk.trial, Cut(through=last - 1, up_to=date(2025, 1, 1)), software_version="0")
    with pytest.raises(ValueError, match="record 1 or a later one"):
        Cut(through=0, up_to=date(2025, 1, 1))


def test_cut_records_are_a_prefix(build):
    """Through N are the first N records, and nothing behind them is read."""
    trial, _ = _small(build)
    records = list(trial.journal.records())
    stream = iter(records)
    assert list(cut_records(stream, Cut(through=4, up_to=date(2025, 1, 1)))) == records[:4]
    assert fold(cut_records(records, Cut(up_to=date(2025, 1, 1)))) == trial.desk.trial


def test_nothing_after_a_withdrawal_of_data_is_used(build):
    """From a withdrawal of the use of data on nothing is counted; a withdrawal of treatment alone changes no follow-up."""

    def told(scope):
        trial, subject = _small(build)
        trial.scan(subject, "2024-12-03", {"L1": 12}, response="PR")
        trial.seen(subject, "2025-03-01")
        trial.died(subject, "2025-04-01")
        trial.say(e.ConsentWithdrawn(subject=subject, scope=scope, withdrawal_date=date(2024, 12, 20)))
        return trial.cut("2025-12-31")

    stopped, treated = told("use_of_data"), told("treatment")
    assert (stopped.endpoints["os"].time_days[0], stopped.endpoints["os"].event[0]) == (84, False)
    assert (treated.endpoints["os"].time_days[0], treated.endpoints["os"].event[0]) == (203, True)
    assert stopped.subjects.withdrawn_scope == ("use_of_data",)


def test_a_trial_without_most_files_gives_empty_datasets(tiny, build):
    """A protocol without therapy, imaging or questionnaires gives its endpoints and empty datasets for the rest."""
    trial = build(tiny)
    values = {
        "registration_date": "2024-06-01",
        "age_years": 40,
        "sex": "male",
        "tinnitus": "yes",
        "loudness": 50,
        "last_ear_surgery_date": "none",
    }
    said = trial.say(Register(stage="entry", site="101", values=values, reasons={"*": "checked"}))
    subject = next(entry.subject for entry in said if isinstance(entry, e.Registered))
    trial.seen(subject, "2024-09-01")
    cut = trial.cut("2024-12-31")
    survival = cut.endpoints["os"]
    assert (survival.time_days.tolist(), survival.event.tolist(), survival.stratum) == ([92.0], [False], ("loud",))
    assert cut.subjects.status == ("randomized",)
    assert cut.arms == tuple(arm.id for arm in sorted(tiny.trial.arm, key=lambda arm: arm.role != "control"))
    assert len(cut.lesions) == len(cut.adverse_events) == len(cut.questionnaires) == len(cut.quality_of_life) == 0
    assert list(cut.data_quality.due_date) == [date(2024, 9, 13), date(2024, 12, 12)]
    assert [day is not None for day in cut.data_quality.submitted_date] == [True, False]


def test_a_month_is_no_day_to_count_from(build, plain):
    """Partial dates go through a cut: nothing is counted from them, and nothing else changes by them."""

    def told(infarction, second_cancer):
        trial = build(first_arm="B")
        subject = trial.first("2024-06-01", e7_last_infarction_date=infarction)
        trial.second(subject, "2024-09-10")
        trial.seen(subject, "2025-02-01", second_cancer="yes", second_cancer_date=second_cancer, second_cancer_text="skin")
        return trial

    month, day = told("2022", "2024-12"), told("2022-03-01", "2024-12-05")
    assert plain(month.cut("2025-12-31"))["endpoints"] == plain(day.cut("2025-12-31"))["endpoints"]
    (subject,) = month.desk.trial.subjects.values()
    filled = Reader(month.desk.trial.protocol).read(subject)
    assert filled[FormRole.FOLLOW_UP][0].get("second_cancer_date") is None
    assert filled[FormRole.FOLLOW_UP][0].day("contact_date") == date(2025, 2, 1)
