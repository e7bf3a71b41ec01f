"""The criteria of JCOG2110 as the protocol folder writes them give the verdicts of the clinical specification."""

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from oligami.protocol.compile import Compiled, compile_protocol, derive_values
from oligami.protocol.load import load_protocol

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "reference" / "clinical"
RECORD = ROOT / "tests" / "reference" / "seed" / "NCT06135714.json"


def read_cases(name: str) -> list[Any]:
    cases = json.loads((VECTORS / name).read_text(encoding="utf-8"))["cases"]
    return [pytest.param(case, id=f"{case['id']}: {case['description']}") for case in cases]


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_protocol(load_protocol(ROOT / "protocols" / "jcog2110" / "1.0"))


def typed(compiled: Compiled, form_id: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The items of a JSON input with dates as dates and the form's derivations made; null is a missing item."""
    form = compiled.forms[form_id]
    kinds = {item.id: item for item in form.form.item}
    values: dict[str, Any] = {}
    for name, value in raw.items():
        item = kinds[name]  # every item of a vector is an item of the form
        if item.type == "date" and value is not None and len(value) == len("2024-06-10"):  # not "none", not a month
            values[name] = date.fromisoformat(value)
        elif value is not None:
            values[name] = value
    for name, expression in form.derive:
        values.setdefault(name, expression.value(values))
    return values


def judge(compiled: Compiled, stage_id: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    stage = compiled.stages[stage_id]
    values = typed(compiled, stage.stage.form, raw)
    not_met: list[str] = []
    unknown: list[str] = []
    for criterion in stage.criteria:
        met = criterion.met.value(values)
        if criterion.not_met is not None:
            met = False if criterion.not_met.value(values) is True else (True if met is True else None)
        if met is None:
            unknown.append(criterion.criterion.id)
        elif met is False:
            not_met.append(criterion.criterion.id)
    verdict = "ineligible" if not_met else "pending" if unknown else "eligible"
    return {"verdict": verdict, "not_met": not_met, "unknown": unknown}


def clean_case() -> dict[str, Any]:
    first: dict[str, Any] = json.loads((VECTORS / "eligibility_first.json").read_text(encoding="utf-8"))["cases"][0]["input"]
    return first


@pytest.mark.parametrize("case", read_cases("eligibility_first.json"))
def test_first_registration(compiled: Compiled, case: Mapping[str, Any]) -> None:
    """Each worked patient gets the verdict, the criteria not met and the open ones of the specification."""
    assert judge(compiled, "first", case["input"]) == case["expected"]


@pytest.mark.parametrize("case", read_cases("eligibility_second.json"))
def test_second_registration(compiled: Compiled, case: Mapping[str, Any]) -> None:
    """Each worked second registration gets the verdict of the specification."""
    assert judge(compiled, "second", case["input"]) == case["expected"]


DISTANT = {"id": "L1", "site": "liver", "max_diameter_mm": 12.0, "kind": "distant_metastasis", "certainty": "definite"}


@pytest.mark.parametrize(
    ("changes", "not_met", "unknown"),
    [
        ({"lesions": None}, [], ["1R-I4", "1R-I5", "1R-I6"]),
        ({"lesions": []}, ["1R-I4"], []),
        ({"lesions": [{**DISTANT, "certainty": "indeterminate"}]}, [], ["1R-I4"]),
        ({"lesions": [DISTANT, {**DISTANT, "id": "L2", "certainty": "indeterminate", "max_diameter_mm": 31}]}, [], ["1R-I5"]),
        (
            {"lesions": [DISTANT, {**DISTANT, "id": "L2", "max_diameter_mm": None}, {**DISTANT, "max_diameter_mm": 31}]},
            ["1R-I5"],
            [],
        ),
        ({"lesions": [{**DISTANT, "site": "brain", "max_diameter_mm": None, "symptomatic": "yes"}]}, ["1R-I6"], ["1R-I5"]),
        ({"lesions": [{**DISTANT, "site": "brain", "max_diameter_mm": 20.1}]}, ["1R-I6"], []),
        ({"lesions": [DISTANT, {**DISTANT, "site": "brain", "certainty": "indeterminate", "symptomatic": "yes"}]}, [], ["1R-I6"]),
        ({"lesions": [DISTANT, *[{**DISTANT, "id": f"N{n}", "kind": "regional_node"} for n in range(4)]]}, [], []),
        ({"birth_date": None}, [], ["1R-I7"]),
        ({"consent_given": "no", "consent_date": None}, ["1R-I8"], []),
        ({"consent_given": "yes", "consent_date": None}, [], ["1R-I8"]),
        ({"consent_given": "unknown"}, [], ["1R-I8"]),
        ({"consent_date": "2024-06-10"}, [], []),
        ({"ct_neck_to_pelvis_enhanced": "done_without_contrast", "fdg_pet": "not_done"}, ["1R-I3"], []),
        ({"e1_other_malignancy": "treated_no_evidence"}, [], ["1R-E1"]),
        ({"e1_other_malignancy": "unknown"}, [], ["1R-E1"]),
        ({"e1_other_malignancy": "treated_no_evidence", "e1_disease_free_since": "2019-06-11"}, ["1R-E1"], []),
        (
            {
                "e1_other_malignancy": "treated_no_evidence",
                "e1_disease_free_since": "2022-01-01",
                "e1_in_situ_or_intramucosal_cured": None,
            },
            ["1R-E1"],
            [],
        ),
        ({"e1_other_malignancy": "active", "e1_in_situ_or_intramucosal_cured": "yes"}, ["1R-E1"], []),
        (
            {
                "sex": "male",
                "e4_pregnant": None,
                "e4_possibly_pregnant": None,
                "e4_breastfeeding": None,
                "e4_last_delivery_date": None,
            },
            [],
            [],
        ),
        ({"e4_pregnant": "yes", "e4_possibly_pregnant": "unknown"}, ["1R-E4"], []),
        ({"e4_last_delivery_date": "2024-06-10"}, ["1R-E4"], []),
        ({"e4_last_delivery_date": None}, [], ["1R-E4"]),
        ({"e7_unstable_angina": "yes", "e7_last_infarction_date": None}, ["1R-E7"], []),
        ({"e7_last_infarction_date": None}, [], ["1R-E7"]),
        ({"e7_unstable_angina": "unknown", "e7_last_infarction_date": "2024-01-01"}, ["1R-E7"], []),
        ({"e1_other_malignancy": "treated_no_evidence", "e1_disease_free_since": "2019-05"}, [], []),
        ({"e1_other_malignancy": "treated_no_evidence", "e1_disease_free_since": "2019-06"}, [], ["1R-E1"]),
        ({"e1_other_malignancy": "treated_no_evidence", "e1_disease_free_since": "2020"}, ["1R-E1"], []),
        ({"e4_last_delivery_date": "2024-04"}, [], []),
        ({"e4_last_delivery_date": "2024-05"}, [], ["1R-E4"]),
        ({"e7_last_infarction_date": "2022"}, [], []),
        ({"e7_last_infarction_date": "2023"}, [], ["1R-E7"]),
        ({"e7_last_infarction_date": "2024-01"}, ["1R-E7"], []),
        ({"e10_heart_failure_nyha": "unknown", "e10_dilated_or_hypertrophic_cardiomyopathy": "uncontrolled"}, ["1R-E10"], []),
        ({"e12_emphysema": "severe", "e12_pulmonary_fibrosis": "unknown"}, ["1R-E12"], []),
        ({"e12_pulmonary_fibrosis": "unknown"}, [], ["1R-E12"]),
    ],
)
def test_parts_and_gaps(compiled: Compiled, changes: Mapping[str, Any], not_met: list[str], unknown: list[str]) -> None:
    """One failing part fails a criterion whatever else is unknown; a gap alone leaves it open and never meets it."""
    judged = judge(compiled, "first", {**clean_case(), **changes})
    assert (judged["not_met"], judged["unknown"]) == (not_met, unknown)


def test_month_ends_are_clamped(compiled: Compiled) -> None:
    """Six months after 31 August is the last day of February; that day still excludes, the next does not."""
    infarction = {**clean_case(), "e7_last_infarction_date": "2024-08-31"}
    on_the_day = judge(compiled, "first", {**infarction, "registration_date": "2025-02-28"})
    assert on_the_day["not_met"] == ["1R-E7"]
    assert judge(compiled, "first", {**infarction, "registration_date": "2025-03-01"})["not_met"] == []


def test_an_empty_form_is_pending(compiled: Compiled) -> None:
    """Where nothing is known, no criterion is met and none failed."""
    for stage_id, stage in compiled.stages.items():
        judged = judge(compiled, stage_id, {})
        assert judged == {"verdict": "pending", "not_met": [], "unknown": [each.criterion.id for each in stage.criteria]}


@pytest.mark.parametrize(
    ("changes", "subtype"),
    [
        ({}, "luminal"),
        ({"er": "negative"}, "luminal"),
        ({"er": "negative", "pgr": "negative"}, "triple-negative"),
        ({"her2": "positive"}, "HER2-positive"),
        ({"her2": "positive", "er": "negative", "pgr": "negative"}, "HER2-positive"),
        ({"her2": "positive", "er": "unknown"}, None),
        ({"her2": "equivocal"}, None),
        ({"pgr": "unknown"}, None),
    ],
)
def test_subtype(compiled: Compiled, changes: Mapping[str, Any], subtype: str | None) -> None:
    """HER2 goes before the hormone receptors; any receptor unknown or equivocal gives no subtype."""
    values = typed(compiled, "first_registration", {**clean_case(), **changes})
    assert derive_values(compiled, values)["subtype"] == subtype


def test_balancing_factors_of_the_clean_case(compiled: Compiled) -> None:
    """Local recurrences are not counted in the class of lesion number; doubtful metastases are."""
    local = {**DISTANT, "id": "R1", "kind": "local_recurrence"}
    doubtful = {**DISTANT, "id": "L2", "certainty": "indeterminate"}

    def lesion_class(*lesions: Mapping[str, Any]) -> Any:
        values = typed(compiled, "first_registration", {**clean_case(), "lesions": list(lesions)})
        return derive_values(compiled, values)["lesion_count_class"]

    assert lesion_class(DISTANT, local) == "1"
    assert lesion_class(DISTANT, doubtful) == "2-3"
    assert lesion_class(*[{**DISTANT, "id": f"L{n}"} for n in range(4)]) is None


def test_criteria_quote_the_record(compiled: Compiled) -> None:
    """Every line that a criterion or an endpoint gives as the record's wording stands in the record, word for word."""
    module = json.loads(RECORD.read_text(encoding="utf-8"))["protocolSection"]
    record = "\n".join(
        [
            module["descriptionModule"]["detailedDescription"],
            *(str(leaf) for leaf in module["eligibilityModule"].values()),
        ]
    )
    protocol = compiled.protocol
    criteria = [criterion for stage in protocol.eligibility.stage for criterion in stage.criterion]
    quoted = [(each.id, each.record_text) for each in criteria]
    quoted += [(each.id, each.record_text) for each in protocol.analysis.endpoint]
    strays = [(name, line) for name, text in quoted for line in text.splitlines() if line not in record]
    assert not strays
    exclusions = [criterion for criterion in criteria if criterion.kind == "exclusion"]
    numbered = re.findall(r"^\d+\. (.*)$", module["eligibilityModule"]["eligibilityCriteria"], flags=re.MULTILINE)
    assert [criterion.record_text for criterion in exclusions] == numbered
