"""Closed words of a protocol folder: a slip that would change the medicine is refused, and one bad file hides no other."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oligami.cli.protocol import app
from oligami.protocol.check import check_folder
from oligami.protocol.load import find_protocol
from oligami.protocol.problems import find_near_miss

TINY = Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the trial's own protocol to break."""
    return Path(shutil.copytree(find_protocol("jcog2110"), tmp_path / "jcog2110" / "1.0"))


def edit(path: Path, old: str, new: str) -> None:
    words = path.read_text(encoding="utf-8")
    assert old in words
    path.write_text(words.replace(old, new, 1), encoding="utf-8")


def faults(folder: Path) -> list[tuple[str, str, str | None]]:
    compiled, problems = check_folder(folder)
    assert compiled is None
    for problem in problems:
        assert problem.found.en
        assert problem.expected.en
        assert problem.found.ja
        assert problem.expected.ja
    return [(problem.file, problem.key, problem.near_miss) for problem in problems]


RT, OAR, RECIST = "radiotherapy.toml", "radiotherapy_constraints.toml", "response.toml"

SLIPS = [
    (RECIST, 'new_lesion = "yes", overall = "PD"', 'new_lesion = "yes", overall = "PDD"', "overall[1].overall", "PD"),
    (RECIST, 'codes_that_progress = ["PD"]', 'codes_that_progress = ["P D"]', "codes_that_progress", "PD"),
    (RECIST, '{target = "PD"', '{target = "PDx"', "overall[2].target", "PD"),
    (RECIST, 'non_target = "nonCR"', 'non_target = "nonCRR"', "overall[11].non_target", "nonCR"),
    (RECIST, 'target = "CR", non_target = "not PD"', 'target = "CR", non_target = "not PDD"', "overall[6].non_target", "PD"),
    (RECIST, 'new_lesion = "yes"', 'new_lesion = "yess"', "overall[1].new_lesion", "yes"),
    (RECIST, '["distant_metastasis"]', '["distant_metastases"]', "oligometastasis_kinds", "distant_metastasis"),
    (RECIST, 'never_target_sites = ["bone"]', 'never_target_sites = ["bones"]', "never_target_sites", "bone"),
    (RECIST, 'fibrosis_sites = ["lung"]', 'fibrosis_sites = ["lungs"]', "fibrosis_sites", "lung"),
    (OAR, 'organ = "Bladder_Wall"', 'organ = "Bladder_Wal"', "constraint[C001].organ", "Bladder_Wall"),
    (OAR, 'organ = "Lungs-GTV"', 'organ = "Lung-GTV"', ".organ", "Lungs"),
    (OAR, 'organ = "Lungs-GTV"', 'organ = "Lungs-GTW"', ".organ", "GTV"),
    (OAR, 'metric = "D0.03cc"', 'metric = "D0,03cc"', "constraint[C001].metric", "D0.03cc"),
    (OAR, 'metric = "D66.7%"', 'metric = "D667%"', ".metric", "D66.7%"),
    (OAR, 'metric = "Mean"', 'metric = "mean"', ".metric", "Mean"),
    (OAR, 'unit = "Gy"', 'unit = "cGy"', "constraint[C001].unit", "Gy"),
    (OAR, 'metric = "V20Gy%"', 'metric = "V20Gy"', ".unit", "cc"),
    (OAR, 'severity = "hard"', 'severity = "hrad"', "constraint[C001].severity", "hard"),
    (OAR, '"KNOWN+CROSSREAD"', '"KNOWN+CROSREAD"', "constraint[C001].provenance", "KNOWN+CROSSREAD"),
    (OAR, 'level = "default"', 'level = "defualt"', "constraint[C001].level", "default"),
    (OAR, '["BrachialPlex_L"', '["BrachialPlex_LL"', "same_limits[1]", "BrachialPlex_L"),
    (OAR, '["Cochlea_L", "Cochlea_R"]', '["Cochlea_L", "Cochlea_L"]', "same_limits[Cochlea_L]", None),
    (OAR, 'id = "C002"', 'id = "C001"', "constraint[C001]", None),
    (RT, 'technique = "SRS"', 'technique = "SRSS"', "option[brain-1fr].technique", "SRS"),
    (
        RT,
        '[[required_structures]]\nsite = "brain"',
        '[[required_structures]]\nsite = "brian"',
        "required_structures[1].site",
        "brain",
    ),
    (RT, '[["Brain"], ["Brainstem"]', '[["Brain"], ["Brainstm"]', "required_structures[1].structures", "Brainstem"),
    (RT, '["central", "ultra_central"]', '["central", "ultracentral"]', "required_structures[3].lung_locations", "ultra_central"),
    (RT, '"severity no_excess"', '"severity no_exces"', "plan_check[RTQ-30-no_excess].applies_to", "severity no_excess"),
    (RT, '"more than 8 fractions"', '"more then 8 fractions"', "plan_check[RTQ-21-many].applies_to", None),
    (RT, '"more than 8 fractions"', '"more than 80 fractions"', "plan_check[RTQ-21-many].applies_to", "8"),
    (RT, "fewer, brain excepted", "fewer, brian excepted", "plan_check[RTQ-21-few].applies_to", "brain"),
    (RT, "acceptable_max = 1.6", "acceptable_max = 1.3", "plan_check[RTQ-21-few].acceptable_max", None),
    (RT, "acceptable_min = 0.95", "acceptable_min = 1.0", "plan_check[RTQ-20].per_protocol_min", None),
    (RT, "per_protocol_max = 1.15\n", "", "plan_check[RTQ-21-many].per_protocol_max", None),
    (RT, 'location_site = "lung"', 'location_site = "lungs"', "prescription.location_site", "lung"),
    ("therapy.toml", '"paclitaxel", "nab-paclitaxel"]]', '"paclitaxl", "nab-paclitaxel"]]', "switch_classes[3]", "paclitaxel"),
    ("therapy.toml", 'code = "CAPE_2W1W"', 'code = "CAPE_2W2W"', "regimen[CAPE_2W2W].code", "CAPE_2W1W"),
    ("schedule.toml", '"schedule.fdg_pet"', '"schedule.fdgpet"', "activity[fdg_pet].deviation_rule", "schedule.fdg_pet"),
    ("quality_of_life.toml", '"m12"', '"m13"', "non_progression.", "m12"),
]


@pytest.mark.parametrize(("file", "old", "new", "key", "near"), SLIPS)
def test_a_slip_in_a_closed_word_is_refused(folder: Path, file: str, old: str, new: str, key: str, near: str | None) -> None:
    """Each slip is told at its place, with what was probably meant."""
    edit(folder / file, old, new)
    told = faults(folder)
    assert any(each == file and key in place and hint == near for each, place, hint in told), told


def test_a_word_that_is_wrong_in_many_rows_is_told_once(folder: Path) -> None:
    """A structure that lost its name is one problem with a count, not one a row."""
    edit(folder / RT, 'name = "SpinalCord"', 'name = "SpinalChord"')
    told = [each for each in faults(folder) if each[0] == OAR]
    assert len(told) == 1
    assert told[0][2] == "SpinalChord"


def test_a_file_that_cannot_be_read_hides_no_other(folder: Path) -> None:
    """With therapy.toml broken, slips of single files, expressions and references elsewhere are still told; nothing false is."""
    edit(folder / "therapy.toml", "window_days", "window_dayz")
    edit(folder / "allocation.toml", "p_best = 0.8", "p_best = 8")
    edit(folder / "eligibility.toml", 'kind = "inclusion"', 'kind = "inclusio"')
    edit(folder / OAR, 'severity = "hard"', 'severity = "hrad"')
    edit(folder / "forms" / "death.toml", 'after_stage = "first"', 'after_stage = "firsst"')
    assert sorted(file for file, _, _ in faults(folder)) == [
        "allocation.toml",
        "eligibility.toml",
        "forms/death.toml",
        OAR,
        "therapy.toml",
        "therapy.toml",
    ]


def test_whatever_file_is_broken_nothing_false_is_said_of_the_others(folder: Path) -> None:
    """Each file alone made unreadable gives exactly one problem: its own."""
    for path in sorted(each for each in folder.rglob("*.toml") if each.parent.name != "cases"):
        words = path.read_bytes()
        path.write_text("[[", encoding="utf-8")
        assert [file for file, _, _ in faults(folder)] == [path.relative_to(folder).as_posix()]
        path.write_bytes(words)


def test_a_file_under_a_wrong_name_hides_no_other(folder: Path) -> None:
    """A misspelt file name is told with the name meant, and what needs the file waits."""
    (folder / "codelists.toml").rename(folder / "codelist.toml")
    edit(folder / "allocation.toml", "p_best = 0.8", "p_best = 8")
    assert faults(folder) == [("codelist.toml", "", "codelists.toml"), ("allocation.toml", "p_best", None)]
    (folder / "codelist.toml").rename(folder / "codelists.toml")
    (folder / "eligibility.toml").rename(folder / "elig.toml")
    assert faults(folder) == [
        ("eligibility.toml", "", None),
        ("elig.toml", "", "eligibility.toml"),
        ("allocation.toml", "p_best", None),
    ]


def test_worked_cases_are_read_beside_a_broken_file(folder: Path) -> None:
    """The command tells the faults of case files along with an unreadable file."""
    (folder / "safety.toml").write_text("[[", encoding="utf-8")
    edit(folder / "cases" / "response.toml", "[case.input]", "[case.inputs]")
    result = CliRunner().invoke(app, ["check", str(folder)])
    assert result.exit_code == 2
    assert "safety.toml" in result.output
    assert "did you mean input?" in result.output


def test_a_folder_that_is_no_protocol_says_just_that(tmp_path: Path) -> None:
    """Stray TOML files of a folder without a protocol are not gone through one by one."""
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "pyproject.toml").write_text("", encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert result.exit_code == 2
    assert "no protocol in this folder" in result.output
    assert "pyproject" not in result.output


@pytest.mark.parametrize(
    ("word", "names", "meant"),
    [
        ("m13", ["m36", "m24", "m6", "m12"], "m12"),
        ("elig", ["design", "eligibility", "allocation"], "eligibility"),
        ("week13", ["week3", "week12", "week31"], "week12"),
        ("frist", ["worst", "first"], "first"),
        ("LUNG", ["lung", "Lungs"], "lung"),
        ("xyz", ["lung", "liver"], None),
    ],
)
def test_the_near_miss_is_the_likeliest_word(word: str, names: list[str], meant: str | None) -> None:
    """Fewest slips first, then the same beginning, then the nearest number; the order of the names does not matter."""
    assert find_near_miss(word, names) == meant
    assert find_near_miss(word, reversed(names)) == meant


def test_the_small_trial_stays_good_without_these_files() -> None:
    """A trial without radiotherapy and response has nothing to say in their words."""
    compiled, problems = check_folder(TINY)
    assert problems == ()
    assert compiled is not None
