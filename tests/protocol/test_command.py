"""`oligami protocol`: what it prints and how it exits."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from oligami.cli.protocol import app
from oligami.protocol.load import load_protocol

TINY = Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the tiny protocol to break."""
    return Path(shutil.copytree(TINY, tmp_path / "tiny" / "1.0"))


def edit(path: Path, old: str, new: str) -> None:
    words = path.read_text(encoding="utf-8")
    assert old in words
    path.write_text(words.replace(old, new, 1), encoding="utf-8")


def test_a_good_protocol_is_one_line() -> None:
    """The line says version, digest and counts, and that the worked cases are right."""
    result = run("check", str(TINY))
    assert result.exit_code == 0, result.output
    assert result.output.count("\n") == 1
    assert load_protocol(TINY).digest in result.output
    assert "tiny 1.0: good" in result.output
    assert "3 forms, 13 items, 3 criteria" in result.output
    assert "2 worked cases right" in result.output
    assert "計算例 2 件すべて一致" in run("check", str(TINY), "--lang", "ja").output


def test_all_problems_are_listed_and_the_exit_code_is_2(folder: Path) -> None:
    """Problems of several files are listed by file, in the language asked for."""
    edit(folder / "design.toml", 'in_force = "60-80"', 'in_force = "60-81"')
    edit(folder / "analysis.toml", '["death"]', '["deaths"]')
    edit(folder / "cases" / "entry.toml", "[case.input]", "[case.inputs]")
    result = run("check", str(folder))
    assert result.exit_code == 2
    for words in ("design.toml", "did you mean 60-80?", "analysis.toml", "did you mean death?", "cases/entry.toml", "4 problems"):
        assert words in result.output
    japanese = run("check", str(folder), "--lang", "ja")
    assert japanese.exit_code == 2
    assert "もしかして: death" in japanese.output


def test_a_worked_case_that_comes_out_otherwise_is_a_problem(folder: Path) -> None:
    """The difference is told with the case, its key, what was expected and what was found."""
    edit(folder / "cases" / "entry.toml", 'verdict = "eligible"', 'verdict = "pending"')
    result = run("check", str(folder))
    assert result.exit_code == 2
    assert 'case[T01] verdict: found "eligible", expected "pending"' in result.output


def test_a_changed_rule_fails_the_case_that_holds_it(folder: Path) -> None:
    """Whoever changes a limit learns which worked case no longer holds."""
    edit(folder / "eligibility.toml", "+ 3 months", "+ 2 months")
    result = run("check", str(folder))
    assert result.exit_code == 2
    assert "case[T02] verdict" in result.output


def test_an_unknown_verb_of_a_case_is_a_problem(folder: Path) -> None:
    """A case whose judgement does not exist is told, not a traceback."""
    edit(folder / "cases" / "entry.toml", '"eligibility-entry"', '"eligibility-entri"')
    result = run("check", str(folder))
    assert result.exit_code == 2
    assert "cases/entry.toml" in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_an_unknown_name_says_what_there_is() -> None:
    """Each command refuses a name that is not there with exit code 2 and a sentence."""
    for command in ("check", "show"):
        result = run(command, "no-such-trial")
        assert result.exit_code == 2
        assert 'no protocol "no-such-trial"' in result.output


def test_show_prints_parts_and_settings() -> None:
    """The whole, one part, the settings; an unknown part is refused with its near miss."""
    assert "# Forms / 調査票" in run("show", str(TINY)).output
    part = run("show", str(TINY), "--file", "schedule.toml", "--lang", "ja").output
    assert "追跡" in part
    assert "調査票" not in part
    assert "default, not from the protocol" in run("show", str(TINY), "--settings").output
    wrong = run("show", str(TINY), "--file", "scedule")
    assert wrong.exit_code == 2
    assert "did you mean schedule?" in wrong.output


def test_schema_is_printed_or_written(tmp_path: Path) -> None:
    """One schema goes to the screen as JSON, all of them into a folder."""
    assert json.loads(run("schema", "--file", "eligibility").output)["title"] == "eligibility.toml"
    assert run("schema", "--out", str(tmp_path / "schemas")).exit_code == 0
    assert json.loads((tmp_path / "schemas" / "form.schema.json").read_text(encoding="utf-8"))["title"] == "forms/*.toml"
    assert run("schema", "--file", "eligability").exit_code == 2


OPERATING = """
id = "design"
trial = "tiny"
title = {en = "As designed", ja = "計画どおり"}
note = {en = "An example.", ja = "例。"}
[coming]
cite = "an example"
[attrition]
cite = "an example"
[survival]
factor = "loudness_class"
control = 0.6
experimental = 0.8
cite = "an example"
[leaving]
cite = "an example"
"""


@pytest.fixture
def with_scenarios(folder: Path) -> Path:
    """The tiny protocol, with a coin for its rule, and two scenarios beside it."""
    shutil.copytree(TINY.parent / "scenarios", folder.parent / "scenarios")
    (folder.parent / "operating").mkdir()
    (folder.parent / "operating" / "design.toml").write_text(OPERATING, encoding="utf-8")
    edit(folder / "allocation.toml", 'method = "permuted_blocks"', 'method = "simple"')
    edit(folder / "allocation.toml", "block_sizes = [4, 6]\nblock_probabilities = [0.5, 0.5]\n", "")
    assert "2 scenarios fit" in run("check", str(folder)).output
    return folder


@pytest.mark.parametrize(
    ("file", "old", "new", "near"),
    [
        ("scenarios/standard.toml", "tinnitus = {choose", "tinnitos = {choose", "did you mean tinnitus?"),
        ("operating/design.toml", "loudness_class", "loudnes_class", "did you mean loudness_class?"),
        ("operating/design.toml", "control = 0.6", "control = 60", "survival"),
    ],
)
def test_scenarios_beside_the_folder_are_checked_with_it(with_scenarios: Path, file: str, old: str, new: str, near: str) -> None:
    """A scenario that names what the protocol does not know is told with its file, and the exit code is 2."""
    edit(with_scenarios.parent / file, old, new)
    result = run("check", str(with_scenarios))
    assert result.exit_code == 2
    assert file in result.output
    assert near in result.output


def test_a_rule_that_the_fast_road_does_not_know_is_said(with_scenarios: Path) -> None:
    """Permuted blocks are not simulated by the million; a scenario beside such a protocol is told so."""
    shutil.copy(TINY / "allocation.toml", with_scenarios / "allocation.toml")
    assert "not permuted_blocks" in run("check", str(with_scenarios)).output
