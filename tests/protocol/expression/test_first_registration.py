"""The language on a realistic sample: 24 criteria of a first registration as pairs of met and not met.

They follow section 3.2 of the clinical specification, so that reach and speed are seen on the real thing. The trial
itself is in the protocol folder, not here.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from oligami.protocol.expression import (
    CodeType,
    DateType,
    Expression,
    ListType,
    NumberType,
    Scope,
    compile_expression,
)

YES_NO_UNKNOWN = CodeType(("yes", "no", "unknown"), unknown=("unknown",))
CONTROL = CodeType(("none", "controlled", "uncontrolled", "unknown"), unknown=("unknown",))
CONTRAST = CodeType(("done", "done_without_contrast", "not_done", "unknown"), unknown=("unknown",))

LESIONS = ListType(
    {
        "kind": CodeType(("distant_metastasis", "local_recurrence", "primary", "regional_node")),
        "site": CodeType(("brain", "lung", "liver", "adrenal", "bone", "distant_node", "other")),
        "max_diameter_mm": NumberType("mm"),
        "certainty": CodeType(("definite", "indeterminate")),
        "symptomatic": YES_NO_UNKNOWN,
    }
)

SCOPE = Scope(
    {
        "registration_date": DateType(),
        "birth_date": DateType(),
        "sex": CodeType(("female", "male")),
        "consent_given": YES_NO_UNKNOWN,
        "consent_date": DateType(),
        "histology_invasive": YES_NO_UNKNOWN,
        "er": CodeType(("positive", "negative", "unknown"), unknown=("unknown",)),
        "pgr": CodeType(("positive", "negative", "unknown"), unknown=("unknown",)),
        "her2": CodeType(("positive", "negative", "equivocal", "unknown"), unknown=("equivocal", "unknown")),
        "ct_neck_to_pelvis_enhanced": CONTRAST,
        "brain_mri_enhanced": CONTRAST,
        "fdg_pet": CodeType(("done", "not_done", "unknown"), unknown=("unknown",)),
        "lesions": LESIONS,
        "e1_other_malignancy": CodeType(("none", "active", "treated_no_evidence", "unknown"), unknown=("unknown",)),
        "e1_disease_free_since": DateType(),
        "e1_in_situ_or_intramucosal_cured": CodeType(("yes", "no")),
        "e2_infection_requiring_treatment": YES_NO_UNKNOWN,
        "e3_body_temperature_c": NumberType("Cel"),
        "e4_pregnant": YES_NO_UNKNOWN,
        "e4_possibly_pregnant": YES_NO_UNKNOWN,
        "e4_breastfeeding": YES_NO_UNKNOWN,
        "e4_last_delivery_date": DateType("none"),
        "e5_mental_disorder": CodeType(
            ("none", "present_participation_possible", "present_interferes", "unknown"), unknown=("unknown",)
        ),
        "e6_steroid_or_immunosuppressant": CodeType(
            ("none", "short_term_or_non_systemic", "continuous_systemic", "unknown"), unknown=("unknown",)
        ),
        "e7_unstable_angina": YES_NO_UNKNOWN,
        "e7_last_infarction_date": DateType("none"),
        "e8_hypertension": CONTROL,
        "e9_diabetes": CONTROL,
        "e10_heart_failure_nyha": CodeType(("none", "I", "II", "III", "IV", "unknown"), unknown=("unknown",)),
        "e10_dilated_or_hypertrophic_cardiomyopathy": CONTROL,
        "e11_arrhythmia": CodeType(
            ("none", "af_or_psvt", "other_not_requiring_treatment", "other_requiring_treatment", "unknown"),
            unknown=("unknown",),
        ),
        "e12_interstitial_pneumonia": YES_NO_UNKNOWN,
        "e12_pulmonary_fibrosis": YES_NO_UNKNOWN,
        "e12_emphysema": CodeType(("none", "mild_or_moderate", "severe", "unknown"), unknown=("unknown",)),
        "e13_hbs_ag": CodeType(("negative", "positive", "unknown"), unknown=("unknown",)),
    }
)

# rule: (met when, not met when); whatever is neither is unknown
CRITERIA: Mapping[str, tuple[str, str]] = {
    "1R-I1": ('histology_invasive == "yes"', 'histology_invasive == "no"'),
    "1R-I2": ("er is known and pgr is known and her2 is known", "false"),
    "1R-I3": (
        'ct_neck_to_pelvis_enhanced == "done" and fdg_pet == "done" and brain_mri_enhanced == "done"',
        'ct_neck_to_pelvis_enhanced == "not_done" or fdg_pet == "not_done" or brain_mri_enhanced == "not_done"',
    ),
    "1R-I4": (
        'count(lesions where kind == "distant_metastasis" and certainty == "definite") >= 1'
        ' and count(lesions where kind == "distant_metastasis") <= 3',
        'count(lesions where kind == "distant_metastasis" and certainty == "definite") > 3'
        ' or count(lesions where kind == "distant_metastasis") = 0',
    ),
    "1R-I5": (
        'all lesions where kind == "distant_metastasis": max_diameter_mm <= 3 cm',
        'any lesions where kind == "distant_metastasis" and certainty == "definite": max_diameter_mm > 3 cm',
    ),
    "1R-I6": (
        'all lesions where kind == "distant_metastasis" and site == "brain": max_diameter_mm <= 20 mm and symptomatic == "no"',
        'any lesions where kind == "distant_metastasis" and site == "brain" and certainty == "definite":'
        ' max_diameter_mm > 20 mm or symptomatic == "yes"',
    ),
    "1R-I7": (
        "completed_years(birth_date, registration_date) >= 18 years"
        " and completed_years(birth_date, registration_date) <= 80 years",
        "completed_years(birth_date, registration_date) < 18 years or completed_years(birth_date, registration_date) > 80 years",
    ),
    "1R-I8": (
        'consent_given == "yes" and consent_date <= registration_date',
        'consent_given == "no" or consent_date > registration_date',
    ),
    "1R-E1": (
        'e1_other_malignancy == "none" or e1_other_malignancy == "treated_no_evidence"'
        ' and (e1_in_situ_or_intramucosal_cured == "yes" or registration_date >= e1_disease_free_since + 5 years)',
        'e1_other_malignancy == "active" or e1_other_malignancy == "treated_no_evidence"'
        ' and not e1_in_situ_or_intramucosal_cured == "yes" and registration_date < e1_disease_free_since + 5 years',
    ),
    "1R-E2": ('e2_infection_requiring_treatment == "no"', 'e2_infection_requiring_treatment == "yes"'),
    "1R-E3": ("e3_body_temperature_c < 38.0 Cel", "e3_body_temperature_c >= 38.0 Cel"),
    "1R-E4": (
        'sex == "male" or e4_pregnant == "no" and e4_possibly_pregnant == "no" and e4_breastfeeding == "no"'
        " and (e4_last_delivery_date is never or registration_date > e4_last_delivery_date + 28 days)",
        'sex == "female" and (e4_pregnant == "yes" or e4_possibly_pregnant == "yes" or e4_breastfeeding == "yes"'
        " or registration_date <= e4_last_delivery_date + 28 days)",
    ),
    "1R-E5": ('e5_mental_disorder in ["none", "present_participation_possible"]', 'e5_mental_disorder == "present_interferes"'),
    "1R-E6": (
        'e6_steroid_or_immunosuppressant in ["none", "short_term_or_non_systemic"]',
        'e6_steroid_or_immunosuppressant == "continuous_systemic"',
    ),
    "1R-E7": (
        'e7_unstable_angina == "no"'
        " and (e7_last_infarction_date is never or registration_date > e7_last_infarction_date + 6 months)",
        'e7_unstable_angina == "yes" or registration_date <= e7_last_infarction_date + 6 months',
    ),
    "1R-E8": ('e8_hypertension != "uncontrolled"', 'e8_hypertension == "uncontrolled"'),
    "1R-E9": ('e9_diabetes in ["none", "controlled"]', 'e9_diabetes == "uncontrolled"'),
    "1R-E10": (
        'e10_heart_failure_nyha in ["none", "I"] and e10_dilated_or_hypertrophic_cardiomyopathy in ["none", "controlled"]',
        'e10_heart_failure_nyha in ["II", "III", "IV"] or e10_dilated_or_hypertrophic_cardiomyopathy == "uncontrolled"',
    ),
    "1R-E11": ('e11_arrhythmia != "other_requiring_treatment"', 'e11_arrhythmia == "other_requiring_treatment"'),
    "1R-E12": (
        'e12_interstitial_pneumonia == "no" and e12_pulmonary_fibrosis == "no" and e12_emphysema != "severe"',
        'e12_interstitial_pneumonia == "yes" or e12_pulmonary_fibrosis == "yes" or e12_emphysema == "severe"',
    ),
    "1R-E13": ('e13_hbs_ag == "negative"', 'e13_hbs_ag == "positive"'),
    # Three more of the dear kind, over the lesions, to reach 24.
    "more-1": ("sum(lesions.max_diameter_mm) <= 20 cm", "sum(lesions.max_diameter_mm) > 20 cm"),
    "more-2": ("max(lesions.max_diameter_mm) < 1 m", "max(lesions.max_diameter_mm) >= 1 m"),
    "more-3": ('count(lesions where site == "brain") <= 3', 'count(lesions where site == "brain") > 3'),
}


def compile_criteria() -> dict[str, tuple[Expression, Expression]]:
    """Compile every pair."""
    return {
        rule: (compile_expression(met, SCOPE), compile_expression(not_met, SCOPE)) for rule, (met, not_met) in CRITERIA.items()
    }


def judge(criteria: Mapping[str, tuple[Expression, Expression]], values: Mapping[str, object]) -> tuple[list[str], list[str]]:
    """Return the rules not met and the unknown ones."""
    failed, unknown = [], []
    for rule, (met, not_met) in criteria.items():
        if not_met.value(values):
            failed.append(rule)
        elif not met.value(values):
            unknown.append(rule)
    return failed, unknown


CLEAN: Mapping[str, object] = {
    "registration_date": "2024-06-10",
    "birth_date": "1968-03-15",
    "sex": "female",
    "consent_given": "yes",
    "consent_date": "2024-06-03",
    "histology_invasive": "yes",
    "er": "positive",
    "pgr": "positive",
    "her2": "negative",
    "ct_neck_to_pelvis_enhanced": "done",
    "fdg_pet": "done",
    "brain_mri_enhanced": "done",
    "lesions": [
        {"id": "L1", "site": "bone", "max_diameter_mm": 18.0, "kind": "distant_metastasis", "certainty": "definite"},
        {"id": "L2", "site": "lung", "max_diameter_mm": 12.0, "kind": "distant_metastasis", "certainty": "definite"},
    ],
    "e1_other_malignancy": "none",
    "e1_disease_free_since": None,
    "e1_in_situ_or_intramucosal_cured": "no",
    "e2_infection_requiring_treatment": "no",
    "e3_body_temperature_c": 36.5,
    "e4_pregnant": "no",
    "e4_possibly_pregnant": "no",
    "e4_breastfeeding": "no",
    "e4_last_delivery_date": "none",
    "e5_mental_disorder": "none",
    "e6_steroid_or_immunosuppressant": "none",
    "e7_unstable_angina": "no",
    "e7_last_infarction_date": "none",
    "e8_hypertension": "none",
    "e9_diabetes": "none",
    "e10_heart_failure_nyha": "none",
    "e10_dilated_or_hypertrophic_cardiomyopathy": "none",
    "e11_arrhythmia": "none",
    "e12_interstitial_pneumonia": "no",
    "e12_pulmonary_fibrosis": "no",
    "e12_emphysema": "none",
    "e13_hbs_ag": "negative",
}
"""A made-up woman who meets every criterion."""


CASES = json.loads((Path(__file__).parents[2] / "reference" / "clinical" / "eligibility_first.json").read_text("utf-8"))["cases"]


@pytest.fixture(scope="module")
def criteria() -> Mapping[str, tuple[Expression, Expression]]:
    return compile_criteria()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_reference_verdicts(criteria, case):
    """Every reference case gets the rules not met and unknown that the specification expects."""
    own = {rule: pair for rule, pair in criteria.items() if rule.startswith("1R")}
    failed, unknown = judge(own, case["input"])
    assert sorted(failed) == sorted(case["expected"]["not_met"])
    assert sorted(unknown) == sorted(case["expected"]["unknown"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_explanations_agree(criteria, case):
    """The explanation of every criterion has the value of the quick path."""
    for pair in criteria.values():
        for expression in pair:
            assert expression.explain(case["input"]).value is expression.value(case["input"])


def test_clean_record(criteria):
    """The made-up woman meets everything, and an empty form is unknown in everything that can be unknown."""
    assert judge(criteria, CLEAN) == ([], [])
    assert judge(criteria, {}) == ([], list(criteria))


def test_speed(criteria):
    """24 criteria cost well under 600 us a record, so that 100 000 records are judged in 60 s on one core."""
    started = time.process_time()
    for _ in range(200):
        judge(criteria, CLEAN)
    # Measured 40 us; the bound is the issue's own, so that a busy machine does not fail it.
    assert (time.process_time() - started) / 200 < 600e-6
