"""`oligami protocol predictability` as its user meets it: of a trial, of a lone file of allocation, with other numbers."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from oligami.cli.main import build

FOLDER = Path(__file__).parents[2] / "protocols" / "jcog2110" / "1.0"
FEW = ("--repetitions", "5")


def run(*words: object) -> tuple[int, str]:
    """Run the program in this process; return exit status and all it said."""
    result = CliRunner().invoke(build(["protocol"]), ["protocol", "predictability", *(str(word) for word in words)])
    return result.exit_code, result.output


def rows(said: str) -> list[str]:
    """Return the numbers of the table, row by row."""
    cells = [[cell.strip() for cell in line.strip("│ ").split("│")] for line in said.splitlines() if line.startswith("│")]
    return [" ".join(row[1:]) for row in cells if any(row[1:])]


def test_a_trial_is_told_with_the_numbers_of_its_design():
    """The title has the design's subjects and sites; the rule in force comes first, the plain draw last."""
    status, said = run("jcog2110", *FEW)
    assert status == 0, said
    assert "jcog2110 1.0: 270 subjects, 50 sites, 5 repetitions" in said
    assert "protocol)" in said
    assert len(rows(said)) == 7


def test_a_file_of_allocation_gives_the_table_of_its_protocol(tmp_path: Path):
    """A file alone takes the numbers that are given and says the same of the same rule."""
    alone = tmp_path / "ours.toml"
    alone.write_bytes((FOLDER / "allocation.toml").read_bytes())
    status, said = run(alone, "--subjects", 270, "--sites", 50, *FEW)
    assert status == 0, said
    assert rows(said) == rows(run("jcog2110", *FEW)[1])
    assert "file)" in said


def test_a_design_beside_the_file_gives_the_numbers():
    """The allocation file inside a protocol folder is asked with its own design."""
    status, said = run(FOLDER / "allocation.toml", *FEW, "--lang", "ja")
    assert status == 0, said
    assert "270 例、50 施設、5 回" in said


def test_a_lone_file_has_stated_defaults_and_its_own_rule(tmp_path: Path):
    """Without a design 200 subjects at 20 sites are taken and said; another p in the file is another first row."""
    alone = tmp_path / "ours.toml"
    text = (FOLDER / "allocation.toml").read_text(encoding="utf-8")
    assert "p_best = 0.8" in text
    alone.write_text(text.replace("p_best = 0.8", "p_best = 0.9"), encoding="utf-8")
    status, said = run(alone, *FEW)
    assert status == 0, said
    assert "200 subjects, 20 sites, 5 repetitions" in said
    assert rows(said)[0].startswith("0.90 yes")


def test_other_numbers_may_be_asked_of_a_trial():
    """--subjects and --sites go before the design's."""
    assert "30 subjects, 4 sites" in run("jcog2110", "--subjects", 30, "--sites", 4, *FEW)[1]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("p_best = 0.8", "p_best = 0.4", "p_best: found 0.4"),
        ('method = "minimization"', 'methode = "minimization"', "did you mean method"),
        ('levels = ["1", "2-3"]', "", "expected one at most"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path: Path, old: str, new: str, expected: str):
    """A rule that contradicts itself, a misspelt key and two factors without levels end with a sentence that names the file."""
    alone = tmp_path / "ours.toml"
    text = (FOLDER / "allocation.toml").read_text(encoding="utf-8")
    assert old in text
    alone.write_text(text.replace(old, new), encoding="utf-8")
    status, said = run(alone, *FEW)
    assert status == 2
    assert expected in said
    assert "ours.toml" in said


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    """No traceback, exit status 2."""
    status, said = run(tmp_path / "none.toml")
    assert status == 2
    assert "none.toml" in said
