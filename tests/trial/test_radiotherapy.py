"""Biological dose, options of prescription, where a lung lesion lies, limits of organs at risk."""

import csv
import json
from pathlib import Path
from shutil import copytree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oligami.protocol.check import open_protocol
from oligami.protocol.load import find_protocol
from oligami.trial.judge import judge_line
from oligami.trial.radiotherapy import bed, eqd2, judge_dose, judge_prescription, limits, technique_query

REFERENCE = Path(__file__).parents[1] / "reference" / "clinical"
FOLDER = find_protocol("jcog2110")
COMPILED = open_protocol(FOLDER)
PROTOCOL = COMPILED.protocol
VECTORS = json.loads((REFERENCE / "rt_prescriptions.json").read_text())

PUBLISHED = 0.0051  # the reference figures are given to two decimals


def ask(site, total_gy, fractions, location=None):
    return judge_prescription(PROTOCOL, site=site, lung_location=location, total_gy=total_gy, fractions=fractions).status


@pytest.mark.parametrize("case", VECTORS["prescriptions"], ids=lambda case: case["id"])
def test_reference_prescriptions(case):
    """Every reference prescription gets its status and its biological doses."""
    answer = judge_line(COMPILED, "radiotherapy", case["input"])
    expected = case["expected"]
    assert answer["status"] == expected["status"]
    for key, value in expected.items():
        if key != "status":
            assert answer[key] == pytest.approx(value, abs=PUBLISHED * 2)


@pytest.mark.parametrize("case", VECTORS["lung_location"], ids=lambda case: case["id"])
def test_reference_lung_locations(case):
    """Every reference lesion lies where the specification says."""
    assert judge_line(COMPILED, "lung-location", case["input"])["lung_location"] == case["expected"]["lung_location"]


def test_options_are_the_reference_table():
    """The protocol's options are those of the reference table, no more and no fewer."""
    with (REFERENCE / "rt_options.csv").open(encoding="utf-8") as file:
        rows = {
            (row["site"], row["lung_location"], float(row["total_gy_min"]), float(row["total_gy_max"]), int(row["fractions"]))
            for row in csv.DictReader(file)
        }
    options = PROTOCOL.radiotherapy.option
    assert {(o.site, o.lung_location or "", o.total_gy_min, o.total_gy_max, o.fractions) for o in options} == rows


DOSES = st.floats(min_value=0.1, max_value=200)
FRACTIONS = st.integers(min_value=1, max_value=60)
RATIOS = st.floats(min_value=0.5, max_value=20)


@given(total=DOSES, fractions=FRACTIONS, ratio=RATIOS)
def test_biological_dose_identities(total, fractions, ratio):
    """EQD2 of 2 Gy fractions is the dose itself; EQD2 given in 2 Gy fractions has the same BED; BED exceeds the dose."""
    assert eqd2(2.0 * fractions, fractions, ratio) == pytest.approx(2.0 * fractions)
    same = eqd2(total, fractions, ratio)
    assert same * (1 + 2 / ratio) == pytest.approx(bed(total, fractions, ratio))
    assert bed(total, fractions, ratio) > total
    # The same total in more fractions does less.
    assert bed(total, fractions + 1, ratio) < bed(total, fractions, ratio)


@pytest.mark.parametrize(
    ("total_gy", "wanted"),
    [(17.98, "NOT_ALLOWED"), (17.99, "ALLOWED"), (18, "ALLOWED"), (21.3, "ALLOWED"), (24.01, "ALLOWED"), (24.02, "NOT_ALLOWED")],
)
def test_tolerance_at_both_ends(total_gy, wanted):
    """A range holds to 0.01 Gy beyond either end, exactly, whatever binary fractions say."""
    assert ask("brain", total_gy, 1) == wanted


@pytest.mark.parametrize("location", [None, "unknown"])
def test_unknown_lung_location(location):
    """With the location unknown, a dose of any lung option is undetermined; any other is not allowed."""
    assert ask("lung", 42, 4, location) == ask("lung", 60, 25, location) == "UNDETERMINED"
    assert ask("lung", 42, 5, location) == ask("lung", 45, 10, location) == "NOT_ALLOWED"


def test_location_matters_for_the_lung_only():
    """A location given for another site changes nothing."""
    assert ask("bone", 35, 5, "central") == ask("bone", 35, 5) == "ALLOWED"


def test_missing_dose_is_undetermined():
    """Without a dose nothing is decided, but a site without options has none in any case."""
    verdict = judge_prescription(PROTOCOL, site="bone", lung_location=None, total_gy=None, fractions=5)
    assert (verdict.status, verdict.dose_per_fraction_gy, verdict.doses) == ("UNDETERMINED", None, ())
    assert ask("skin", None, None) == "NO_OPTION_FOR_SITE"


@pytest.mark.parametrize(("total_gy", "fractions"), [(0, 1), (-5, 1), (float("inf"), 1), (35, 0)])
def test_impossible_dose(total_gy, fractions):
    """A dose that cannot be is a programmer's mistake here; entry refuses it before."""
    with pytest.raises(ValueError, match="expected a dose above 0"):
        ask("bone", total_gy, fractions)


def test_other_technique_is_a_query():
    """Another technique than the option's asks the study office; the usual one or none given does not."""
    option = judge_prescription(PROTOCOL, site="bone", lung_location=None, total_gy=35, fractions=5).option
    assert technique_query(option, option.technique) is technique_query(option, None) is None
    assert "conventional" in technique_query(option, "conventional").en


def test_limits_are_the_reference_table():
    """All 252 rows of the reference table stand in the protocol with figure, severity and provenance."""
    with (REFERENCE / "oar_constraints.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(PROTOCOL.constraints.constraint) == 252
    for row, own in zip(rows, PROTOCOL.constraints.constraint, strict=True):
        assert (own.id, own.fractions, own.organ, own.metric) == (row["id"], int(row["fractions"]), row["organ"], row["metric"])
        assert (own.op, own.limit, own.unit, own.level) == (row["op"], float(row["limit"]), row["unit"], row["level"])
        assert (own.severity, own.provenance, own.cite, own.note) == (
            row["severity"],
            row["provenance"],
            row["source"],
            row["note"],
        )


def test_both_sides_have_the_same_limits():
    """A right-sided organ without rows of its own has those of the left side; an unknown organ has none."""
    assert [row.limit for row in limits(PROTOCOL, 4, "BrachialPlex_R")] == [27.2]
    assert limits(PROTOCOL, 4, "Ovary_L") == ()


def limit_of(organ, fractions, metric, op="<"):
    return next(row for row in limits(PROTOCOL, fractions, organ) if (row.metric, row.op) == (metric, op))


@pytest.mark.parametrize(
    ("organ", "metric", "value", "kept", "grade"),
    [
        ("SpinalCord", "D0.03cc", 29.9, True, "PP"),  # under 30 Gy, no excess
        ("SpinalCord", "D0.03cc", 30.0, False, "VU"),
        ("Esophagus", "D0.03cc", 34.99, True, "PP"),  # under 35 Gy, hard: 5 % is 36.75
        ("Esophagus", "D0.03cc", 36.75, False, "DA"),
        ("Esophagus", "D0.03cc", 36.76, False, "VU"),
        ("Rib", "D0.03cc", 43.0, False, "DA"),  # under 43 Gy, soft
        ("Rib", "D0.03cc", 90.0, False, "DA"),
        ("Rib", "D0.03cc", None, None, "NE"),
    ],
)
def test_excess_is_graded_by_severity(organ, metric, value, kept, grade):
    """No excess: any is a violation; hard: up to 5 % a deviation; soft: always a deviation; no figure: not evaluable."""
    verdict = judge_dose(PROTOCOL, limit_of(organ, 5, metric), value)
    assert (verdict.kept, verdict.grade) == (kept, grade)


def test_advice_does_not_count():
    """A limit of level advice is shown and does not count."""
    advice = limit_of("SpinalCord", 5, "D0.03cc", "<=")
    assert not judge_dose(PROTOCOL, advice, 26).counts
    assert judge_dose(PROTOCOL, limit_of("SpinalCord", 5, "D0.03cc"), 26).counts


@given(value=st.floats(min_value=0, max_value=100), index=st.integers(min_value=0, max_value=251))
def test_more_dose_is_never_graded_better(value, index):
    """For every limit the grade can only get worse as the figure grows."""
    constraint = PROTOCOL.constraints.constraint[index]
    order = ["PP", "DA", "VU"]
    low, high = (order.index(judge_dose(PROTOCOL, constraint, each).grade) for each in (value, value * 1.1))
    assert low <= high


def test_a_dose_limit_is_changed_in_the_folder_alone(tmp_path):
    """Editing an option and a limit in a copy of the folder changes both verdicts."""
    copy = tmp_path / "jcog2110" / "1.0"
    copytree(FOLDER, copy)
    for name, before, after in (
        ("radiotherapy.toml", "total_gy_min = 35\ntotal_gy_max = 35", "total_gy_min = 30\ntotal_gy_max = 35"),
        ("radiotherapy_constraints.toml", 'op = "<"\nlimit = 43\n', 'op = "<"\nlimit = 20\n'),
    ):
        text = (copy / name).read_text(encoding="utf-8")
        assert before in text
        (copy / name).write_text(text.replace(before, after), encoding="utf-8")
    changed = open_protocol(copy).protocol
    assert ask("bone", 30, 5) == "NOT_ALLOWED"
    assert judge_prescription(changed, site="bone", lung_location=None, total_gy=30, fractions=5).status == "ALLOWED"
    (rib,) = [row for row in limits(changed, 5, "Rib") if row.metric == "D0.03cc"]
    assert judge_dose(changed, rib, 25).kept is False


def ask_organ(organ, fractions, compiled=COMPILED, **metrics):
    return judge_line(compiled, "dose-constraint", {"organ": organ, "fractions": fractions, "metrics": metrics})


CORD = {"D0.03cc": 26.5}


@pytest.mark.parametrize("name", ["SpinalCord", "spinalcord", "Spinal Cord", "MYELON", "spinal-cord"])
def test_an_organ_is_found_by_any_of_its_names(name):
    """Names and aliases are the same organ whatever their case and punctuation, with limit, verdict and source."""
    answer = ask_organ(name, 4, **CORD)
    assert (answer["status"], answer["organ"]) == ("UNACCEPTABLE", "SpinalCord")
    assert [(each["id"], each["limit"], each["kept"], each["level"]) for each in answer["limits"]] == [
        ("C138", 23, False, "advice"),
        ("C139", 26, False, "default"),
    ]
    assert "RTOG" in answer["limits"][1]["cite"]
    assert [each["rule"] for each in answer["reasons"]] == ["C138", "C139"]


@pytest.mark.parametrize(
    ("organ", "fractions", "metrics", "status"),
    [
        ("SpinalCord", 4, {"D0.03cc": 25}, "PER_PROTOCOL"),  # beyond the advice of 23 Gy, which does not count
        ("SpinalCord", 4, {"d0.03CC": 26}, "PER_PROTOCOL"),  # the limit itself is kept
        ("Esophagus", 5, {"D0.03cc": 36}, "ACCEPTABLE"),
        ("Rib", 5, {"D0.03cc": 90}, "ACCEPTABLE"),
        ("SpinalCord", 4, {"D0.03cc": None}, "NOT_EVALUABLE"),
        ("SpinalCord", 4, {"V99Gy": 1}, "NOT_EVALUABLE"),
        ("SpinalCord", 7, CORD, "NOT_EVALUABLE"),
        ("Spleen", 4, CORD, "NOT_EVALUABLE"),
        ("Liver", 4, CORD, "NOT_EVALUABLE"),
    ],
)
def test_status_of_an_organ(organ, fractions, metrics, status):
    """The gravest limit that counts decides; without one nothing is evaluable, and a sentence says why."""
    answer = ask_organ(organ, fractions, **metrics)
    assert answer["status"] == status
    assert status == "PER_PROTOCOL" or all(each["text"][lang] for each in answer["reasons"] for lang in ("en", "ja"))
    assert status != "NOT_EVALUABLE" or answer["reasons"]


def test_a_changed_limit_changes_the_answer(tmp_path):
    """Editing one limit in a copied folder changes what is answered of a dose, and no code."""
    copy = tmp_path / "jcog2110" / "1.0"
    copytree(FOLDER, copy)
    path = copy / "radiotherapy_constraints.toml"
    head, row = path.read_text(encoding="utf-8").split('id = "C139"')
    assert "limit = 26\n" in row
    path.write_text(head + 'id = "C139"' + row.replace("limit = 26\n", "limit = 27\n", 1), encoding="utf-8")
    assert ask_organ("SpinalCord", 4, **CORD)["status"] == "UNACCEPTABLE"
    assert ask_organ("SpinalCord", 4, open_protocol(copy), **CORD)["status"] == "PER_PROTOCOL"
