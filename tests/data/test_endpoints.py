"""Endpoints through forms."""

import json
from datetime import date
from pathlib import Path

import pytest

from oligami.journal import entries as e

VECTORS = json.loads((Path(__file__).parents[1] / "reference/clinical/recist_sequences.json").read_text())["cases"]


def rows_of(given):
    """The lesions of a vector as rows of the first registration."""
    for name, lesion in given.get("targets", {}).items():
        kind = "distant_metastasis" if lesion.get("oligo", True) else "primary"
        row = {"id": name, "kind": kind, "site": "lung", "max_diameter_mm": lesion["mm"], "certainty": "definite"}
        if lesion.get("nodal"):
            row |= {"site": "distant_node", "short_axis_mm": lesion["mm"], "max_diameter_mm": lesion["mm"] + 4}
        yield row
    for name in given.get("non_targets", {}):
        yield {"id": name, "kind": "distant_metastasis", "site": "bone", "max_diameter_mm": 18, "certainty": "definite"}


@pytest.mark.parametrize("case", VECTORS, ids=[case["id"] for case in VECTORS])
def test_courses_of_disease_through_forms(build, case):
    """Every course of disease of the vectors, told in forms, gives their progression, its site, PFS and OS."""
    given, expected = case["input"], case["expected"]
    trial = build()
    lesions = list(rows_of(given))
    small = [row | {"max_diameter_mm": min(row["max_diameter_mm"], 30)} for row in lesions]
    subject = trial.first("2024-05-20", small)
    if small != lesions:  # larger than the criteria let in: told by a correction
        trial.correct(subject, "first_registration", lesions=lesions)
    if "randomised" in given:
        trial.second(subject, given["randomised"])
    for told, judged in zip(given["assessments"], expected["assessments"], strict=True):
        values = {"non_target": told["non_target"]} if "non_target" in told else {}
        if told.get("confirms_equivocal"):
            values["confirms_equivocal"] = "yes"
        new_lesion = told.get("new_lesion", "no")
        trial.scan(subject, told["date"], told["sizes"], response=judged["overall"], new_lesion=new_lesion, **values)
    if "clinical_progression" in given:
        trial.seen(
            subject,
            given["last_alive"],
            clinical_progression="yes",
            clinical_progression_date=given["clinical_progression"],
        )
    elif "last_alive" in given and "death" not in given:
        trial.seen(subject, given["last_alive"])
    if "death" in given:
        trial.died(subject, given["death"])

    cut = trial.cut("2030-01-01")
    days = [day for day in (expected["progression_date"], given.get("clinical_progression")) if day]
    assert cut.subjects.progression_date == (date.fromisoformat(min(days)) if days else None,)
    assert cut.subjects.progression_site == (expected["progression_site"],)
    assert "response" not in cut.deviations.kind, cut.deviations.detail_en
    for name in ("pfs", "os"):
        if name in expected:
            found, told = cut.endpoints[name], expected[name]
            assert (found.event[0], found.time_days[0]) == (bool(told["event"]), told["days"])
            assert found.end_date == (date.fromisoformat(told["date"]),)


def test_not_evaluable_neither_censors_nor_counts(build):
    """A scan that cannot be evaluated moves the censoring of PFS no further."""
    trial = build()
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.scan(subject, "2024-12-03", {"L1": 20})
    trial.scan(subject, "2025-02-25", {"L1": None}, response="NE")
    survival = trial.cut("2026-01-01").endpoints["pfs"]
    assert (survival.end_date, survival.cause) == ((date(2024, 12, 3),), ("last_progression_free_assessment",))


def test_survival_after_first_registration_counts_everybody(build):
    """Who was never randomized counts from the first registration, without an arm."""
    trial = build()
    dead, alive = trial.first("2024-06-01"), trial.first("2024-06-02")
    trial.died(dead, "2024-07-01")
    trial.second(alive, "2024-09-10")
    survival = trial.cut("2026-01-01").endpoints["os_first"]
    assert survival.arm[0] is None
    assert survival.arm[1] in ("A", "B")
    assert (survival.time_days.tolist(), survival.event.tolist()) == ([30, 100], [True, False])


def test_strata_are_corrected_and_the_draw_is_kept(build):
    """A factor corrected after the draw counts corrected; the subject keeps the arm and the factors as drawn."""
    trial = build()
    subject = trial.first("2024-06-01")
    arm = trial.second(subject, "2024-09-10")
    trial.correct(subject, "first_registration", her2="positive")
    cut = trial.cut("2026-01-01")
    assert cut.subjects.arm == (arm,)
    assert cut.subjects.factors_drawn["subtype"] == ("luminal",)
    assert cut.subjects.factors["subtype"] == ("HER2-positive",)
    assert cut.endpoints["os"].stratum == ("HER2-positive",)
    assert cut.subjects.baseline["subtype"] == ("HER2-positive",)


def test_who_is_found_ineligible_stays_as_randomized(build):
    """A subject whose corrected items fail a criterion stays in the analysis and is told as a deviation."""
    trial = build()
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.correct(subject, "first_registration", histology_invasive="no")
    cut = trial.cut("2026-01-01")
    assert cut.endpoints["os"].subject == (subject,)
    found = [row for row, kind in enumerate(cut.deviations.kind) if kind == "eligibility"]
    assert [cut.deviations.rule[row] for row in found] == ["1R-I1"]


def test_an_annulled_registration_is_kept_apart(build):
    """Who was registered in error is listed and counted nowhere else."""
    trial = build()
    wrong, right = trial.first("2024-06-01"), trial.first("2024-06-02")
    trial.form(wrong, "adverse_event", term="fatigue", grade=3, start_date="2024-06-10", serious="no")
    trial.say(e.RegistrationAnnulled(subject=wrong, stage="first", reason="entered twice"))
    cut = trial.cut("2026-01-01")
    assert (cut.subjects.subject, cut.subjects.annulled) == ((wrong, right), (True, False))
    assert cut.endpoints["os_first"].subject == (right,)
    assert len(cut.adverse_events) == 0
    assert wrong not in cut.data_quality.subject


def test_an_allocation_in_error_is_no_randomization(build):
    """An allocation marked in error does not make a subject randomized."""
    trial = build()
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.say(e.AllocationMarkedInError(subject=subject, k=1, reason="wrong subject"))
    cut = trial.cut("2026-01-01")
    assert (cut.subjects.arm, cut.subjects.randomization_date) == ((None,), (None,))
    assert len(cut.endpoints["os"]) == 0


def test_a_date_of_registration_counts_as_corrected(build):
    """The date of a registration that was mistyped counts as corrected."""
    trial = build()
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.seen(subject, "2024-10-10")
    trial.correct(subject, "second_registration", registration_date="2024-09-20")
    assert trial.cut("2026-01-01").endpoints["os"].time_days.tolist() == [20]


def _treated(build):
    trial = build(first_arm="B")
    lesions = [
        {"id": "L1", "kind": "distant_metastasis", "site": "lung", "max_diameter_mm": 20, "certainty": "definite"},
        {"id": "L2", "kind": "distant_metastasis", "site": "lung", "max_diameter_mm": 15, "certainty": "definite"},
    ]
    subject = trial.first("2024-06-01", lesions)
    trial.scan(subject, "2024-08-26", {"L1": 20, "L2": 15}, visit="week12")
    trial.second(subject, "2024-09-10", residual_oligometastases=2)
    trial.irradiate(subject, "L1", "2024-10-01", "2024-10-07")
    return trial, subject


TREATED = """
    second scan  | third scan   | died       || days | event | days from last therapy
    L1 12, L2 15 | L1 12, L2 30 |            ||  168 | no    | 141
    L1 12, L2 15 | L1 17, L2 15 |            ||  168 | yes   | 141
    L1 12, L2 15 | L1 16, L2 15 |            ||  168 | no    | 141
    L1 0, L2 15  | L1 3, L2 15  |            ||  168 | yes   | 141
    L1 26, L2 15 | L1 26, L2 15 |            ||   84 | yes   | 57
    L1 -, L2 15  | L1 -, L2 15  |            ||    0 | no    | 0
    L1 12, L2 15 | L1 -, L2 15  |            ||   84 | no    | 57
    L1 12, L2 15 | L1 12, L2 30 | 2025-06-01 ||  264 | yes   | 237
"""


@pytest.mark.parametrize(
    ("second", "third", "died", "days", "event", "late"),
    [tuple(cell.strip() for cell in line.replace("||", "|").split("|")) for line in TREATED.strip().splitlines()[1:]],
)
def test_progression_of_treated_lesions(build, second, third, died, days, event, late):
    """Only a treated lesion's own growth, reappearance or death is an event; progression elsewhere neither counts nor censors."""
    trial, subject = _treated(build)
    for on, told in (("2024-12-03", second), ("2025-02-25", third)):
        sizes = {name: None if size == "-" else float(size) for name, size in (part.split() for part in told.split(", "))}
        trial.scan(subject, on, sizes, response="PD" if "L2 30" in told else "SD")
    if died:
        trial.died(subject, died)
    cut = trial.cut("2026-01-01")
    found, alternative = cut.endpoints["pfs_mdt"], cut.endpoints["pfs_mdt_from_last_treatment"]
    assert (found.time_days[0], found.event[0]) == (int(days), event == "yes")
    assert (alternative.time_days[0], alternative.event[0]) == (int(late), event == "yes")


def test_an_arm_without_local_therapy_is_not_in_its_population(build):
    """The control arm has no progression of treated lesions, even where somebody crossed over."""
    trial = build(first_arm="A")
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.irradiate(subject, "L1", "2024-10-01", "2024-10-07")
    cut = trial.cut("2026-01-01")
    assert len(cut.endpoints["pfs_mdt"]) == 0
    assert cut.therapies.crossover_date == (date(2024, 10, 1),)


def test_a_resected_lesion_progresses_when_it_is_seen_again(build):
    """After removal with free margins anything seen at the place is progression of the treated lesion."""
    trial = build(first_arm="B")
    subject = trial.first("2024-06-01")
    trial.second(subject, "2024-09-10")
    trial.form(
        subject,
        "surgery",
        lesion_id="L1",
        surgery_date="2024-10-01",
        procedure="lung_wedge_resection",
        margin="R0",
        complication_grade="0",
    )
    resected = [{"lesion_id": "L1", "status": "resected"}]
    trial.scan(subject, "2024-12-03", None, response="CR", lesion_sizes=resected)
    trial.scan(subject, "2025-02-25", {"L1": 6.0}, response="PD", new_lesion="yes")
    cut = trial.cut("2026-01-01")
    found = cut.endpoints["pfs_mdt"]
    assert (found.time_days.tolist(), found.cause) == ([168], ("progression_of_treated_lesion",))
    assert (cut.lesions.modality, cut.lesions.margin, cut.lesions.end_date) == (("surgery",), ("R0",), (date(2024, 10, 1),))


def test_a_treated_lesion_is_compared_with_its_size_before_therapy(build):
    """What a lesion was before the last scan ahead of its therapy does not count: it grew again before it was treated."""
    trial = build(first_arm="B")
    subject = trial.first("2024-06-01")
    trial.scan(subject, "2024-08-26", {"L1": 12}, response="PR", visit="week12")
    trial.second(subject, "2024-09-10", overall_response="PR")
    trial.scan(subject, "2024-09-25", {"L1": 16}, response="SD")
    trial.irradiate(subject, "L1", "2024-10-01", "2024-10-07")
    trial.scan(subject, "2024-12-03", {"L1": 17}, response="SD")
    assert not trial.cut("2026-01-01").endpoints["pfs_mdt"].event[0]
