"""Systemic and local therapy: kept or changed, crossover, lesions and doses."""

from datetime import date

import pytest

KEPT = """
    said                                                        || kept
    course 2024-10-01                                           || same
    course 2024-10-01, switch 2024-11-01                        || same_with_switch
    course 2024-10-01, change 2024-11-01                        || changed_before_progression
    course 2024-10-01, PD 2024-12-03, change 2024-12-10         || changed_after_progression
    course 2024-10-01, switch 2024-11-01, change 2024-12-10     || changed_before_progression
    course 2024-10-01, other course 2024-11-01                  || changed_before_progression
    course 2024-10-01, end 2024-12-01                           || ended
    course 2024-10-01, switch 2024-11-01, end 2024-12-01        || ended
    end 2024-09-20                                              || not_restarted
    PD 2024-10-05                                               || not_restarted
    nothing                                                     || not_restarted
"""


@pytest.mark.parametrize(
    ("said", "kept"), [tuple(cell.strip() for cell in line.split("||")) for line in KEPT.strip().splitlines()[1:]]
)
def test_same_therapy(build, said, kept):
    """The same therapy is the regimen in force at randomization; a switch keeps it, any other change does not."""
    trial = build(first_arm="A")
    subject = trial.first("2024-06-01")
    trial.start_therapy(subject, "2024-06-03")
    trial.course(subject, 1, "2024-06-03")
    trial.second(subject, "2024-09-10")
    for number, part in enumerate(said.split(", "), start=2):
        *what, day = part.split(" ")
        match " ".join(what):
            case "course":
                trial.course(subject, number, day)
            case "other course":
                trial.course(subject, number, day, "FUL_CDK")
            case "switch":
                same = {"regimen": "AI_CDK", "same_therapy": "yes", "reason": "toxicity", "before_progression": "yes"}
                trial.form(subject, "therapy_change", change_date=day, **same)
            case "change":
                other = {"regimen": "S1", "same_therapy": "no", "reason": "other", "before_progression": "yes"}
                trial.form(subject, "therapy_change", change_date=day, **other)
            case "PD":
                trial.scan(subject, day, response="PD", new_lesion="yes")
            case "end":
                trial.form(subject, "treatment_end", end_date=day, reason="toxicity")
    cut = trial.cut("2025-01-31")
    assert cut.therapies.kept == (kept,)
    assert cut.therapies.switched == ("switch" in said,)
    assert cut.therapies.regimen == ("AI_CDK",)
    assert cut.therapies.courses_before == (1,)
    assert ("therapy.same" in cut.deviations.rule) == (kept == "changed_before_progression")


def test_the_therapy_may_still_resume(build):
    """Before the window closes nobody is said not to have resumed."""
    trial = build(first_arm="A")
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    assert trial.cut("2024-10-08").therapies.kept == ("same",)
    assert trial.cut("2024-10-09").therapies.kept == ("not_restarted",)


@pytest.mark.parametrize(
    ("arm", "start", "crossed"),
    [("A", "2024-12-02", True), ("A", "2024-12-03", False), ("A", "2025-01-10", False), ("B", "2024-12-02", False)],
)
def test_crossover_is_before_progression(build, arm, start, crossed):
    """Local therapy in the arm without it is a crossover until the disease progresses, and later treatment from that day on."""
    trial = build(first_arm=arm)
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.scan(subject, "2024-12-03", {"L1": 30}, response="PD")
    trial.irradiate(subject, "L1", start, "2025-01-15")
    cut = trial.cut("2026-01-01")
    assert cut.therapies.crossover_date == (date.fromisoformat(start) if crossed else None,)
    assert cut.lesions.modality == ("radiotherapy" if start < "2024-12-03" else None,)
    assert ("crossover" in cut.deviations.kind) == crossed


DOSES = """
    site  | location      | Gy | fractions | technique    || option               | status            | rules
    lung  | peripheral    | 42 | 4         | SBRT         || lung-peripheral-4fr  | ALLOWED           |
    lung  | peripheral    | 50 | 10        | SBRT         ||                      | NOT_ALLOWED       | radiotherapy.status
    lung  | unknown       | 42 | 4         | SBRT         ||                      | UNDETERMINED      | radiotherapy.status
    other |               | 40 | 5         | SBRT         ||                      | NO_OPTION_FOR_SITE | radiotherapy.status
    bone  |               | 35 | 5         | conventional || bone-5fr             | ALLOWED           | radiotherapy.technique
"""


@pytest.mark.parametrize(
    ("site", "location", "gray", "fractions", "technique", "option", "status", "rule"),
    [tuple(cell.strip() for cell in line.replace("||", "|").split("|")) for line in DOSES.strip().splitlines()[1:]],
)
def test_doses_are_judged(build, site, location, gray, fractions, technique, option, status, rule):
    """Each lesion has the option its prescription fits; what fits none, and another technique, is a deviation."""
    trial = build(first_arm="B")
    row = {"id": "L1", "kind": "distant_metastasis", "site": site, "max_diameter_mm": 20, "certainty": "definite"}
    subject = trial.first("2024-06-01", [row])
    trial.second(subject, "2024-09-10")
    values = {
        "lesion_id": "L1",
        "site": site,
        "total_gy": int(gray),
        "fractions": int(fractions),
        "technique": technique,
        "start_date": "2024-10-01",
        "end_date": "2024-10-15",
        "completion": "completed",
        **({"lung_location": location} if location else {}),
    }
    trial.form(subject, "radiotherapy", **values)
    cut = trial.cut("2026-01-01")
    assert cut.lesions.option_status == (status,)
    assert cut.lesions.option == (option or None,)
    found = [name for name in cut.deviations.rule if name.startswith("radiotherapy")]
    assert found == ([rule] if rule else [])


def test_a_lung_location_is_found_from_the_distances(build):
    """Where no location is recorded the distances on the form tell it."""
    trial = build(first_arm="B")
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.irradiate(
        subject,
        "L1",
        "2024-10-01",
        "2024-10-10",
        lung_location=None,
        total_gy=50,
        fractions=8,
        gtv_to_pbt_mm=15,
        ptv_overlaps_trachea_main_bronchus_esophagus_or_great_vessel="no",
        ptv_touches_mediastinal_or_pericardial_pleura="no",
    )
    lesions = trial.cut("2026-01-01").lesions
    assert (lesions.lung_location, lesions.option_status) == (("central",), ("ALLOWED",))


def test_every_oligometastasis_has_a_row(build):
    """Lesions lists every distant metastasis of the randomized, treated or not, and no primary."""
    trial = build(first_arm="B")
    rows = [
        {"id": "L1", "kind": "distant_metastasis", "site": "lung", "max_diameter_mm": 20, "certainty": "definite"},
        {"id": "L2", "kind": "distant_metastasis", "site": "liver", "max_diameter_mm": 9, "certainty": "definite"},
        {"id": "P", "kind": "primary", "site": "other", "max_diameter_mm": 40, "certainty": "definite"},
    ]
    subject = trial.first("2024-06-01", rows)
    trial.first("2024-06-02", rows)
    trial.second(subject, "2024-09-10", residual_oligometastases=2)
    trial.irradiate(subject, "L1", "2024-10-01", "2024-10-07")
    lesions = trial.cut("2026-01-01").lesions
    assert (lesions.subject, lesions.lesion) == ((subject, subject), ("L1", "L2"))
    assert (lesions.modality, lesions.diameter_mm) == (("radiotherapy", None), (20.0, 9.0))
    assert lesions.remaining == (True, True)
    assert lesions.start_date == (date(2024, 10, 1), None)


def test_local_therapy_while_a_new_lesion_was_equivocal(build):
    """Local therapy begun before progression was known counts, though progression is later dated back before it."""
    trial = build(first_arm="B")
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.scan(subject, "2024-09-20", {"L1": 20}, new_lesion="equivocal")
    trial.irradiate(subject, "L1", "2024-10-01", "2024-10-07")
    trial.scan(subject, "2024-12-03", {"L1": 12}, response="PD", new_lesion="yes", confirms_equivocal="yes")
    cut = trial.cut("2025-01-31")
    assert cut.subjects.progression_date == (date(2024, 9, 20),)
    assert cut.lesions.modality == ("radiotherapy",)
