"""The status of a proposed regimen follows the therapy table and the readings of its gaps."""

import itertools
import json
from pathlib import Path
from shutil import copytree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.protocol.check import open_protocol
from oligami.protocol.load import find_protocol
from oligami.trial.judge import judge_line
from oligami.trial.therapy import allowed_regimens, explain_therapy, judge_therapy

REFERENCE = Path(__file__).parents[1] / "reference" / "clinical"
FOLDER = find_protocol("jcog2110")
COMPILED = open_protocol(FOLDER)
CASES = json.loads((REFERENCE / "therapy.json").read_text())["cases"]
CODES = [regimen.code for regimen in COMPILED.protocol.therapy.regimen]

LUMINAL = {"er": "positive", "pgr": "positive", "her2": "negative", "sex": "female", "brca": "not_tested"}
TN = {**LUMINAL, "er": "negative", "pgr": "negative", "prior_taxane": "no", "prior_chemotherapy": "no"}
HER2 = {**TN, "her2": "positive"}


def status(values, **more):
    return judge_therapy(COMPILED, {**values, **more}).status


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_reference_proposals(case):
    """Every reference proposal gets the status, subtype and course numbers of the specification."""
    answer = judge_line(COMPILED, "therapy", case["input"])
    expected = {key: value for key, value in case["expected"].items() if key != "reason"}
    assert {key: answer[key] for key in expected} == expected
    assert ("course_days" in answer) == ("course_days" in expected)


LUMINAL_TABLE = {
    ("de_novo", "premenopausal"): {"AI_CDK_LHRH", "FUL_CDK_LHRH"},
    ("de_novo", "postmenopausal"): {"AI_CDK"},
    ("after_completion", "premenopausal"): {"AI_CDK_LHRH", "FUL_CDK_LHRH"},
    ("after_completion", "postmenopausal"): {"AI_CDK", "FUL_CDK"},
    ("during", "premenopausal"): {"FUL_CDK_LHRH", "AI_CDK_LHRH"},
    ("during", "postmenopausal"): {"FUL_CDK"},
}


@pytest.mark.parametrize(("setting", "menopause"), LUMINAL_TABLE)
def test_luminal_table(setting, menopause):
    """A luminal regimen is allowed in its row of the record's table and nowhere else; perimenopausal is premenopausal."""
    for code in CODES:
        wanted = "ALLOWED" if code in LUMINAL_TABLE[setting, menopause] else "NOT_ALLOWED"
        own = {"setting": setting, "cdk_agent": "palbociclib", "regimen": code}
        assert status(LUMINAL, menopause=menopause, **own) == wanted
        if menopause == "premenopausal":
            assert status(LUMINAL, menopause="perimenopausal", **own) == wanted


def test_men_use_the_premenopausal_row_with_a_query():
    """For a man the menopausal item does not count, whatever stands in it."""
    for menopause, code in itertools.product((None, "unknown", "postmenopausal", "premenopausal"), CODES):
        own = {"sex": "male", "menopause": menopause, "setting": "during", "cdk_agent": "palbociclib", "regimen": code}
        wanted = "ALLOWED_WITH_QUERY" if code in LUMINAL_TABLE["during", "premenopausal"] else "NOT_ALLOWED"
        assert status(LUMINAL, **own) == wanted


def test_relapse_without_endocrine_therapy_uses_the_de_novo_row():
    """The de novo row with a query; what is not in that row stays not allowed."""
    for menopause, code in itertools.product(("premenopausal", "postmenopausal"), CODES):
        own = {"menopause": menopause, "setting": "recurrence_no_prior_et", "cdk_agent": "abemaciclib", "regimen": code}
        wanted = "ALLOWED_WITH_QUERY" if code in LUMINAL_TABLE["de_novo", menopause] else "NOT_ALLOWED"
        assert status(LUMINAL, **own) == wanted


def test_all_queries_are_asked_at_once():
    """A man with relapse without endocrine therapy on ribociclib: three reasons, one status."""
    verdict = judge_therapy(
        COMPILED,
        {**LUMINAL, "sex": "male", "setting": "recurrence_no_prior_et", "cdk_agent": "ribociclib", "regimen": "AI_CDK_LHRH"},
    )
    assert verdict.status == "ALLOWED_WITH_QUERY"
    assert [reason.rule for reason in verdict.reasons] == [
        "luminal-man",
        "luminal-no-earlier-endocrine-therapy",
        "luminal-ribociclib",
    ]
    assert (verdict.course_days, verdict.planned_courses, verdict.row) == (28, 3, "luminal-de_novo-PRE")


@pytest.mark.parametrize("missing", ["menopause", "setting", "cdk_agent", "sex"])
def test_luminal_row_needs_its_items(missing):
    """A luminal regimen cannot be judged while row, agent or sex are missing; one of no luminal row can."""
    whole = {**LUMINAL, "menopause": "postmenopausal", "setting": "de_novo", "cdk_agent": "palbociclib", "regimen": "AI_CDK"}
    assert status(whole) == "ALLOWED"
    assert status(whole, **{missing: None}) == "UNDETERMINED"
    assert status(whole, **{missing: None}, regimen="DTX") == "NOT_ALLOWED"


@pytest.mark.parametrize(
    ("cps", "ic", "pembrolizumab", "atezolizumab", "chemotherapy"),
    [
        (None, None, "UNDETERMINED", "UNDETERMINED", "UNDETERMINED"),
        (9.9, None, "NOT_ALLOWED", "NOT_ALLOWED", "ALLOWED"),
        (None, 0.9, "NOT_ALLOWED", "NOT_ALLOWED", "ALLOWED"),
        (9, 0, "NOT_ALLOWED", "NOT_ALLOWED", "ALLOWED"),
        (10, None, "ALLOWED", "ALLOWED_WITH_QUERY", "NOT_ALLOWED"),
        (10, 0, "ALLOWED", "ALLOWED_WITH_QUERY", "NOT_ALLOWED"),
        (None, 1, "ALLOWED_WITH_QUERY", "ALLOWED", "NOT_ALLOWED"),
        (0, 1, "ALLOWED_WITH_QUERY", "ALLOWED", "NOT_ALLOWED"),
        (10, 1, "ALLOWED", "ALLOWED", "NOT_ALLOWED"),
    ],
)
def test_pd_l1_decides(cps, ic, pembrolizumab, atezolizumab, chemotherapy):
    """Either assay makes PD-L1 positive; the assay that does not belong to the drug asks a query."""
    own = {"pd_l1_22c3_cps": cps, "pd_l1_sp142_ic_percent": ic}
    assert status(TN, **own, regimen="PEM_GEM_CBDCA") == pembrolizumab
    assert status(TN, **own, regimen="ATE_NABPTX") == atezolizumab
    assert status(TN, **own, regimen="DTX") == chemotherapy
    # Checkpoint regimens do not ask for BRCA, and nothing else can be done with a luminal or HER2 regimen.
    assert status(TN, **own, brca="positive", regimen="PEM_GEM_CBDCA") == pembrolizumab
    assert status(TN, **own, regimen="PER_TRA_DTX") == status(TN, **own, regimen="FUL_CDK") == "NOT_ALLOWED"


@pytest.mark.parametrize(
    ("taxane", "brca", "docetaxel", "nab", "capecitabine"),
    [
        ("no", "negative", "ALLOWED", "ALLOWED_WITH_QUERY", "NOT_ALLOWED"),
        ("no", "not_tested", "ALLOWED", "ALLOWED_WITH_QUERY", "NOT_ALLOWED"),
        ("no", "positive", "ALLOWED_WITH_QUERY", "ALLOWED_WITH_QUERY", "NOT_ALLOWED"),
        ("yes", "negative", "NOT_ALLOWED", "NOT_ALLOWED", "ALLOWED"),
        ("yes", "positive", "NOT_ALLOWED", "NOT_ALLOWED", "ALLOWED_WITH_QUERY"),
        ("unknown", "negative", "UNDETERMINED", "UNDETERMINED", "UNDETERMINED"),
        (None, "positive", "UNDETERMINED", "UNDETERMINED", "UNDETERMINED"),
        ("no", None, "UNDETERMINED", "UNDETERMINED", "NOT_ALLOWED"),
    ],
)
def test_chemotherapy_rows(taxane, brca, docetaxel, nab, capecitabine):
    """PD-L1 negative: an earlier taxane chooses the row; a BRCA mutation asks a query for any chemotherapy."""
    own = {"pd_l1_22c3_cps": 0, "prior_taxane": taxane, "brca": brca}
    assert status(TN, **own, regimen="DTX") == status(TN, **own, regimen="PTX_WEEKLY") == docetaxel
    assert status(TN, **own, regimen="NABPTX") == nab
    for code in ("S1", "CAPE_2W1W", "CAPE_3W1W", "ERI"):
        assert status(TN, **own, regimen=code) == capecitabine


@pytest.mark.parametrize(
    ("brca", "chemotherapy", "triple_negative", "luminal"),
    [
        ("positive", "yes", "ALLOWED", "ALLOWED_WITH_QUERY"),
        ("positive", "no", "ALLOWED_WITH_QUERY", "ALLOWED_WITH_QUERY"),
        ("positive", "unknown", "ALLOWED_WITH_QUERY", "ALLOWED_WITH_QUERY"),
        ("positive", None, "ALLOWED_WITH_QUERY", "ALLOWED_WITH_QUERY"),
        ("negative", "yes", "NOT_ALLOWED", "NOT_ALLOWED"),
        ("not_tested", "yes", "NOT_ALLOWED", "NOT_ALLOWED"),
        (None, "yes", "UNDETERMINED", "UNDETERMINED"),
    ],
)
@pytest.mark.parametrize("cps", [None, 0, 50])
def test_olaparib_is_judged_by_brca_alone(brca, chemotherapy, triple_negative, luminal, cps):
    """PD-L1, an earlier taxane, menopause and setting do not matter; HER2-positive never gets it."""
    own = {"brca": brca, "prior_chemotherapy": chemotherapy, "prior_taxane": None, "pd_l1_22c3_cps": cps, "regimen": "OLA"}
    assert status(TN, **own) == triple_negative
    assert status(LUMINAL, **own) == luminal
    assert status(HER2, **own) == "NOT_ALLOWED"


def test_her2_positive_has_two_regimens():
    """Only pertuzumab, trastuzumab and docetaxel or paclitaxel, whatever else is known or missing."""
    for code in CODES:
        wanted = "ALLOWED" if code in ("PER_TRA_DTX", "PER_TRA_PTX") else "NOT_ALLOWED"
        assert status(HER2, regimen=code) == wanted
        assert status({"er": "positive", "pgr": "negative", "her2": "positive"}, regimen=code) == wanted


@given(values=st.sampled_from([{}, LUMINAL, TN, HER2]), code=st.sampled_from(["AI_ALONE", "OTHER", "ola", " ", "オラパリブ"]))
def test_unknown_code_is_an_answer(values, code):
    """A code outside the table is not allowed, before anything else is asked."""
    verdict = judge_therapy(COMPILED, {**values, "regimen": code})
    assert verdict.status == "NOT_ALLOWED"
    assert verdict.planned_courses is None


@pytest.mark.parametrize("receptor", ["er", "pgr", "her2"])
def test_no_subtype_no_status(receptor):
    """Any receptor missing or equivocal leaves the subtype, and with it the status, open."""
    for code in CODES:
        verdict = judge_therapy(COMPILED, {**HER2, receptor: None, "regimen": code})
        assert (verdict.status, verdict.subtype) in {("UNDETERMINED", None), ("UNDETERMINED", "unknown")}


ANSWERS = {
    "er": ["positive", "negative", "unknown"],
    "pgr": ["positive", "negative"],
    "her2": ["positive", "negative", "equivocal"],
    "sex": ["female", "male", None],
    "menopause": ["premenopausal", "perimenopausal", "postmenopausal", "unknown", None],
    "setting": ["de_novo", "after_completion", "during", "recurrence_no_prior_et", "unknown", None],
    "pd_l1_22c3_cps": [None, 0, 9.9, 10],
    "pd_l1_sp142_ic_percent": [None, 0, 1],
    "brca": ["positive", "negative", "not_tested", None],
    "prior_taxane": ["yes", "no", "unknown", None],
    "prior_chemotherapy": ["yes", "no", "unknown", None],
    "cdk_agent": ["palbociclib", "abemaciclib", "ribociclib", None],
}
PROPOSALS = st.fixed_dictionaries({name: st.sampled_from(answers) for name, answers in ANSWERS.items()})


@settings(max_examples=150, deadline=None)
@given(values=PROPOSALS, code=st.sampled_from(CODES))
def test_every_proposal_has_a_reasoned_status(values, code):
    """No combination falls through: a rule of the file always decides, and only what may go ahead has courses."""
    verdict = judge_therapy(COMPILED, {**values, "regimen": code})
    assert verdict.reasons[0].rule in {rule.id for rule in COMPILED.protocol.therapy.rule}
    assert (verdict.planned_courses is not None) == (verdict.status in ("ALLOWED", "ALLOWED_WITH_QUERY"))
    if verdict.planned_courses is not None:
        assert verdict.planned_courses * verdict.course_days == COMPILED.protocol.therapy.window_days
    assert explain_therapy(COMPILED, {**values, "regimen": code})[-1][0] == verdict.reasons[0].rule


@settings(max_examples=60, deadline=None)
@given(values=PROPOSALS)
def test_list_of_regimens_agrees(values):
    """The list for the screen gives every regimen the status it has when proposed."""
    listed = allowed_regimens(COMPILED, {**values, "regimen": "AI_CDK"})
    assert [each.regimen for each in listed] == CODES
    for each in listed:
        assert each == judge_therapy(COMPILED, {**values, "regimen": each.regimen})


def test_a_setting_is_changed_in_the_folder_alone(tmp_path):
    """Moving the PD-L1 cut-off and the length of a course in a copy of the folder changes status and courses."""
    copy = tmp_path / "jcog2110" / "1.0"
    copytree(FOLDER, copy)
    path = copy / "therapy.toml"
    text = path.read_text(encoding="utf-8")
    assert "pd_l1_22c3_cps >= 10)" in text
    text = text.replace("pd_l1_22c3_cps >= 10)", "pd_l1_22c3_cps >= 1)").replace("pd_l1_22c3_cps < 10)", "pd_l1_22c3_cps < 1)")
    path.write_text(text.replace("window_days = 84", "window_days = 63"), encoding="utf-8")
    compiled = open_protocol(copy)
    values = {**TN, "pd_l1_22c3_cps": 9, "regimen": "PEM_GEM_CBDCA"}
    assert judge_therapy(COMPILED, values).status == "NOT_ALLOWED"
    verdict = judge_therapy(compiled, values)
    assert (verdict.status, verdict.planned_courses) == ("ALLOWED", 3)
