"""Questionnaires, their verdicts, adverse events, and where subjects stand."""

from datetime import date

import pytest

from oligami.journal import entries as e
from oligami.trial.commands import Register

# The window of the visit at 12 months (day 365, 42 days either way) closes on 2025-10-22.
VISITS = """
    baseline | at m12 | died       | cut        || verdict         | died before
    6        | 6      |            | 2025-10-22 || non_progression | no
    6        | 5      |            | 2025-10-22 || progression     | no
    6        | 6      |            | 2025-10-21 || not_due         | no
    6        |        |            | 2025-10-22 || not_evaluable   | no
             | 6      |            | 2025-10-22 || not_evaluable   | no
    6        |        | 2025-01-01 | 2025-10-22 || progression     | yes
             |        | 2025-01-01 | 2025-10-22 || progression     | yes
    6        |        | 2025-10-22 | 2025-12-01 || progression     | yes
    6        |        | 2025-10-23 | 2025-12-01 || not_evaluable   | no
    6        | 6      | 2025-10-01 | 2025-12-01 || non_progression | no
    6        |        | 2025-01-01 | 2025-10-21 || not_due         | yes
"""


@pytest.mark.parametrize(
    ("baseline", "found", "died", "cut", "verdict", "before"),
    [tuple(cell.strip() for cell in line.replace("||", "|").split("|")) for line in VISITS.strip().splitlines()[1:]],
)
def test_non_progression_at_a_visit(build, baseline, found, died, cut, verdict, before):
    """A visit is judged once its window has closed; death before it is progression, a missing form is not evaluable."""
    trial = build()
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    # The protocol's baseline is the questionnaire before the first registration.
    if baseline:
        trial.answer(subject, "2024-05-30", trial.protocol.quality_of_life.non_progression.baseline_visit, int(baseline))
    if found:
        trial.answer(subject, "2025-09-10", "m12", int(found))
    if died:
        trial.died(subject, died)
    table = trial.cut(cut).quality_of_life
    row = table.visit.index("m12")
    assert (table.verdict[row], table.died_before[row]) == (verdict, before == "yes")


def test_scores_of_questionnaires(build):
    """Questionnaires are scored by the protocol's scales, in order of registration and date."""
    trial = build()
    first, second = trial.first("2024-06-02"), trial.first("2024-06-01")
    trial.answer(first, "2024-06-02", "screening", 7)
    trial.answer(second, "2024-06-01", "screening", 1)
    table = trial.cut("2024-12-31").questionnaires
    assert table.subject == (second, first)
    assert table.scores["QL2"] == (0.0, 100.0)
    assert set(table.scores) == {scale.id for scale in trial.protocol.quality_of_life.scale}


def test_periods_of_adverse_events(build):
    """An adverse event belongs to the period it began in; the day of randomization is the later period's."""
    trial = build()
    subject = trial.first("2024-06-01")
    arm = trial.second(subject, "2024-09-10")
    for day in ("2024-05-31", "2024-09-09", "2024-09-10"):
        answers = {"term": "fatigue", "grade": 2, "start_date": day, "serious": "no"}
        trial.form(subject, "adverse_event", relation_systemic="possible", relation_surgery="unlikely", **answers)
    table = trial.cut("2024-12-31").adverse_events
    assert table.period == (None, "induction", "after_randomization")
    assert table.arm == (arm,) * 3
    assert table.related == (("systemic",),) * 3
    assert (table.grade, table.serious) == ((2,) * 3, (False,) * 3)


STANDING = """
    said                                        || status     | reason
    nothing                                     || in_therapy |
    second                                      || randomized |
    refused                                     || refused    |
    pending                                     || in_therapy |
    refused, end complete_response              || refused    | complete_response
    end toxicity                                || off_study  | toxicity
    PD                                          || off_study  | progression
    died                                        || off_study  | death
    withdrew                                    || off_study  | withdrawal
    refused, second                             || randomized |
"""


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [tuple(cell.strip() for cell in line.replace("||", "|").split("|")) for line in STANDING.strip().splitlines()[1:]],
)
def test_where_a_subject_stands(build, said, status, reason):
    """Randomized, refused, off study or still in therapy, with the reason why not randomized."""
    trial = build(start="2024-09-12")
    subject = trial.first("2024-06-01")
    for part in said.split(", "):
        match part.split():
            case ["second"]:
                trial.second(subject, "2024-09-10")
            case ["refused"]:
                assert trial.second(subject, "2024-09-09", residual_oligometastases=0) is None
            case ["pending"]:
                assert trial.second(subject, "2024-09-09", overall_response="NE") is None
            case ["end", why]:
                trial.form(subject, "treatment_end", end_date="2024-09-01", reason=why)
            case ["PD"]:
                trial.scan(subject, "2024-09-01", response="PD", new_lesion="yes")
            case ["died"]:
                trial.died(subject, "2024-09-01")
            case ["withdrew"]:
                trial.say(e.ConsentWithdrawn(subject=subject, scope="treatment", withdrawal_date=date(2024, 9, 1)))
    subjects = trial.cut("2024-12-31").subjects
    assert (subjects.status, subjects.off_reason) == ((status,), (reason or None,))


def test_refusals_are_kept(build):
    """A refused request is a row with its criteria; at the first registration it has no subject."""
    trial = build(start="2024-06-02")
    good = trial.first("2024-06-01")
    answers = {**trial.desk.trial.subjects[good].forms["first_registration", 1].values, "histology_invasive": "no"}
    trial.say(Register(stage="first", site="101", values=answers, reasons={"*": "checked"}))
    table = trial.cut("2024-06-30").refusals
    assert (table.stage, table.subject, table.verdict) == (("first",), (None,), ("ineligible",))
    assert table.not_met == (("1R-I1",),)
    assert table.refused_date == (date(2024, 6, 2),)
    assert len(trial.cut("2024-06-01").refusals) == 0
