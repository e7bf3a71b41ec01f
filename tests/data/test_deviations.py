"""Windows, therapy status, grades, and the quality of the data."""

from datetime import date

import pytest

from oligami.journal import entries as e


def _rules(cut, kind="window"):
    return [rule for rule, own in zip(cut.deviations.rule, cut.deviations.kind, strict=True) if own == kind]


WINDOWS = """
    arm | said                                                                     || rules
    A   | therapy 2024-06-15, scan 2024-09-07, second 2024-09-10, course 2024-10-08 ||
    A   | therapy 2024-06-16, scan 2024-09-07, second 2024-09-10, course 2024-10-08 || schedule.therapy_start
    A   | therapy 2024-06-03, scan 2024-09-17, second 2024-09-20, course 2024-10-08 || schedule.week12
    A   | therapy 2024-06-03, scan 2024-08-18, second 2024-09-10, course 2024-10-08 || schedule.week12
    A   | therapy 2024-06-03, scan 2024-08-26, second 2024-09-24, course 2024-10-08 || schedule.second_registration
    A   | therapy 2024-06-03, scan 2024-08-26, second 2024-09-10, course 2024-10-09 || schedule.restart_control
    A   | therapy 2024-06-03, scan 2024-08-26, second 2024-09-10                    || schedule.restart_control
    A   | therapy 2024-06-03, scan 2024-08-26, second 2024-09-10, end 2024-10-08    ||
    A   | therapy 2024-06-03, scan 2024-08-26, second 2024-09-10, died 2024-10-08   ||
    B   | therapy 2024-06-03, scan 2024-08-26, second 2024-09-10, rt 2024-10-22, course 2024-11-20  ||
    B   | therapy 2024-06-03, scan 2024-08-26, second 2024-09-10, rt 2024-10-23, course 2024-11-20  || schedule.mdt_start
    B   | therapy 2024-06-03, scan 2024-08-26, second 2024-09-10, rt 2024-10-22, course 2024-11-30  || schedule.resume_after_radiotherapy
    B   | therapy 2024-06-03, scan 2024-08-26, second 2024-09-10                    || schedule.mdt_start schedule.mdt_end
    B   | therapy 2024-06-03, scan 2024-08-26, second 2024-09-10, PD 2024-10-20     ||
    -   | therapy 2024-06-03, scan 2024-08-26                                       ||
    -   | therapy 2024-06-03                                                        || schedule.week12
    -   | therapy 2024-06-03, end 2024-07-01                                        ||
    -   | nothing 2024-06-01                                                        || schedule.therapy_start
"""


@pytest.mark.parametrize(
    ("arm", "said", "rules"),
    [tuple(cell.strip() for cell in line.replace("||", "|").split("|")) for line in WINDOWS.strip().splitlines()[1:]],
)
def test_windows(build, arm, said, rules):
    """What is done outside its window, or not at all, is a deviation, unless progression, death or the end excuses it."""
    trial = build(first_arm="B" if arm == "B" else "A")
    subject = trial.first("2024-06-01")
    for what, day in (part.split(" ") for part in said.split(", ")):
        match what:
            case "therapy":
                trial.start_therapy(subject, day)
            case "scan":
                trial.scan(subject, day, {"L1": 20}, visit="week12")
            case "second":
                assert trial.second(subject, day) == arm
            case "course":
                trial.course(subject, 4, day)
            case "rt":
                end = date.fromisoformat(day).replace(day=29 if day < "2024-10-23" else 30)
                trial.irradiate(subject, "L1", day, end.isoformat())
            case "end":
                trial.form(subject, "treatment_end", end_date=day, reason="toxicity")
            case "died":
                trial.died(subject, day)
            case "PD":
                trial.scan(subject, day, response="PD", new_lesion="yes")
    cut = trial.cut("2024-12-10")
    assert sorted(_rules(cut)) == sorted(rules.split())


def test_a_lesion_that_vanished_needs_no_local_therapy(build):
    """Only what remains at randomization must be treated for local therapy to be complete."""
    trial = build(first_arm="B")
    rows = [
        {"id": name, "kind": "distant_metastasis", "site": "lung", "max_diameter_mm": 20, "certainty": "definite"}
        for name in ("L1", "L2")
    ]
    subject = trial.first("2024-06-01", rows)
    trial.start_therapy(subject, "2024-06-03")
    trial.scan(subject, "2024-08-26", {"L1": 12, "L2": 0}, response="PR", visit="week12")
    trial.second(subject, "2024-09-10", overall_response="PR")
    trial.irradiate(subject, "L1", "2024-10-01", "2024-10-07")
    trial.course(subject, 4, "2024-10-20")
    cut = trial.cut("2025-01-31")
    assert _rules(cut) == []
    assert (cut.lesions.remaining, cut.lesions.modality) == ((True, False), ("radiotherapy", None))


def test_stopped_radiotherapy_leaves_local_therapy_incomplete(build):
    """Radiotherapy stopped early is no completed local therapy: its window is missed and the lesion is not followed."""
    trial = build(first_arm="B")
    subject = trial.first("2024-06-01")
    trial.start_therapy(subject, "2024-06-03")
    trial.scan(subject, "2024-08-26", {"L1": 20}, visit="week12")
    trial.second(subject, "2024-09-10")
    trial.irradiate(subject, "L1", "2024-10-01", "2024-10-03", completion="stopped", reason="toxicity")
    trial.course(subject, 4, "2024-10-20")
    cut = trial.cut("2025-01-31")
    assert _rules(cut) == ["schedule.mdt_end"]
    assert cut.lesions.completion == ("stopped",)
    assert cut.subjects.local_therapy_started == (True,)


def test_a_regimen_outside_the_table_is_a_deviation(build):
    """A regimen that is not allowed is a deviation before randomization, so in no arm."""
    trial = build()
    subject = trial.first("2024-06-01")
    trial.start_therapy(subject, "2024-06-03", regimen="DTX", cdk_agent=None)
    trial.second(subject, "2024-09-10")
    cut = trial.cut("2025-01-31")
    row = cut.deviations.rule.index("therapy.status")
    assert (cut.deviations.kind[row], cut.deviations.arm[row]) == ("therapy", None)
    assert "NOT_ALLOWED" in cut.deviations.detail_en[row]
    assert "NOT_ALLOWED" in cut.deviations.detail_ja[row]


def test_an_answered_query_settles_a_regimen(build):
    """A regimen with a query is a deviation until the study office's question has been answered."""
    trial = build()
    subject = trial.first("2024-06-01")
    trial.start_therapy(subject, "2024-06-03", cdk_agent="ribociclib")
    cut = trial.cut("2024-06-30")
    assert "therapy.status" in cut.deviations.rule
    assert (cut.queries_raised, cut.queries_open) == (1, 1)
    query = next(iter(trial.desk.trial.subjects[subject].queries))
    trial.say(e.QueryAnswered(subject=subject, query=query, text="agreed"))
    cut = trial.cut("2024-06-30")
    assert "therapy.status" not in cut.deviations.rule
    assert (cut.queries_raised, cut.queries_open) == (1, 0)


def test_recorded_responses_are_checked_against_the_sizes(build):
    """A recorded response that the sizes do not bear out is a data check; the recorded one stays the event."""
    trial = build()
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.scan(subject, "2024-12-03", {"L1": 20}, response="PD")
    cut = trial.cut("2025-01-31")
    assert _rules(cut, "response") == ["response.overall"]
    assert cut.endpoints["pfs"].cause == ("progression_imaging",)


def test_grades_of_the_study_office(build):
    """A grade stands by its deviation; one whose rule is found no more is kept as reported."""
    trial = build(first_arm="A")
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.irradiate(subject, "L1", "2024-10-01", "2024-10-07")
    for rule in ("crossover.local_therapy", "consent.form"):
        trial.say(e.DeviationGraded(subject=subject, rule=rule, grade="violation", text="graded"))
    table = trial.cut("2025-01-31").deviations
    found = {rule: (kind, grade) for rule, kind, grade in zip(table.rule, table.kind, table.grade, strict=True)}
    assert found["crossover.local_therapy"] == ("crossover", "violation")
    assert found["consent.form"] == ("reported", "violation")
    assert found["schedule.therapy_start"] == ("window", None)


def test_a_grade_of_what_came_after_the_cut(build):
    """What was graded on a form that is dated after the cut is no deviation at the cut."""
    trial = build(first_arm="A")
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.course(subject, 1, "2024-12-01")
    graded = {"rule": "course.dose", "grade": "violation", "text": "graded"}
    trial.say(e.DeviationGraded(subject=subject, form="course", occurrence=1, **graded))
    assert "course.dose" not in trial.cut("2024-11-30").deviations.rule
    assert "course.dose" in trial.cut("2024-12-01").deviations.rule


@pytest.mark.parametrize(("day", "arm"), [("2024-06-10", None), ("2024-09-09", None), ("2024-09-10", "A"), ("2024-12-01", "A")])
def test_a_reported_deviation_lies_where_its_form_lies(build, day, arm):
    """What no rule finds has the date of the form it was graded on, and the arm from randomization on."""
    trial = build(first_arm="A")
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.course(subject, 1, day)
    graded = {"rule": "course.dose", "grade": "violation", "text": "graded"}
    trial.say(e.DeviationGraded(subject=subject, form="course", occurrence=1, **graded))
    table = trial.cut("2025-01-31").deviations
    row = table.rule.index("course.dose")
    assert (table.kind[row], table.date[row], table.arm[row]) == ("reported", date.fromisoformat(day), arm)


def test_forms_that_were_due(build):
    """A form is due when its window closes; it is late by the day it came, and missing while it has not."""
    trial = build(start="2024-06-01")
    subject = trial.first("2024-06-01")
    trial.form(
        subject,
        "systemic_therapy",
        at="2024-07-01",
        regimen="AI_CDK",
        menopause="postmenopausal",
        setting="de_novo",
        cdk_agent="palbociclib",
        therapy_start_date="2024-06-03",
    )
    table = trial.cut("2024-06-20").data_quality
    found = {visit: (due, came) for visit, due, came in zip(table.visit, table.due_date, table.submitted_date, strict=True)}
    assert found["therapy_start"] == (date(2024, 6, 15), date(2024, 7, 1))
    assert found["screening"] == (date(2024, 6, 1), None)
    assert "week12" not in found
    assert "week12" in trial.cut("2024-12-31").data_quality.visit


def test_corrections_are_counted(build):
    """Every corrected item counts, on forms that are not dated after the cut."""
    trial = build()
    subject = trial.first("2024-06-01")
    trial.correct(subject, "first_registration", her2="positive", e3_body_temperature_c=36.9)
    trial.seen(subject, "2025-02-01")
    trial.correct(subject, "follow_up", second_cancer="no")
    assert trial.cut("2025-01-31").corrections == 2
    assert trial.cut("2025-02-01").corrections == 3
