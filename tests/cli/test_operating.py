"""`oligami simulate --trials` as its user meets it: what it prints and writes, and what it refuses."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from oligami.cli.main import build


def run(*words: object) -> tuple[int, str]:
    """Run the program in this process; return exit status and all it said."""
    result = CliRunner().invoke(build(["simulate"]), ["simulate", *(str(word) for word in words)])
    return result.exit_code, result.output


def test_trials_are_told_as_operating_characteristics():
    """A scenario is simulated and its power, looks and duration are printed."""
    status, said = run("jcog2110", "--trials", 100, "--engine", "numpy", "--scenario", "null")
    assert status == 0, said
    assert "No effect (numpy)" in said
    assert "100 trials, seed 1" in said
    assert "Stratified log-rank *" in said
    assert "Ends, efficacy (%)" in said
    japanese = run("jcog2110", "--trials", 100, "--engine", "numpy", "--scenario", "null", "--lang", "ja")[1]
    assert "層別ログランク" in japanese
    assert "Stratified" not in japanese


def test_a_checkpoint_is_gone_on_from(tmp_path: Path):
    """A second run with more trials adds to the first; with another scenario it is refused and the file kept."""
    file = tmp_path / "run.json"
    for trials in (40, 60):
        status, said = run("jcog2110", "--trials", trials, "--engine", "numpy", "--checkpoint", file)
        assert status == 0, said
        assert f"{trials} trials, seed" in said
    before = file.read_bytes()
    status, said = run("jcog2110", "--trials", 80, "--engine", "numpy", "--checkpoint", file, "--scenario", "null")
    assert status == 2
    assert "another plan, seed or engine" in said
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["jcog2110"], "give either --journal FILE"),
        (["jcog2110", "--trials", 5, "--journal", "x.jsonl"], "give either --journal FILE"),
        (["jcog2110", "--journal", "x.jsonl", "--workers", 2], "--workers: goes with --trials"),
        (["jcog2110", "--trials", 5, "--until", "2026-01-01"], "--until goes with --journal"),
        (["jcog2110", "--trials", 5, "--scenario", "desing"], "there are: delayed, design"),
        (["jcog2110", "--trials", 5, "--engine", "cuda"], "one of auto, numpy, numba"),
        (["jcog2111", "--trials", 5], "jcog2111"),
        (["jcog2110", "--trials", 5, "--seed", -1], "seed is -1"),
        (["jcog2110", "--trials", 5, "--scheduler", "nonsense"], "expected an address such as tcp://127.0.0.1:8786"),
        (["jcog2110", "--journal", "x.jsonl", "--engine", "numpy"], "--engine: goes with --trials"),
        (["jcog2110", "--trials", 5, "--checkpoint", "no/run.json"], "there is no folder no; make it first"),
        (["jcog2110", "--trials", 5, "--out", "x", "--checkpoint", "y"], "--checkpoint goes with one scenario"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(words, said, tmp_path, monkeypatch):
    """Exit status 2, a sentence that says what is wrong, and nothing written."""
    monkeypatch.chdir(tmp_path)
    status, output = run(*words)
    assert status == 2, output
    assert said in output
    assert "Traceback" not in output
    assert list(tmp_path.iterdir()) == []


def test_the_page_is_written_in_japanese_too(tmp_path: Path):
    """With --out every scenario is simulated and the page stands in the folder, whose name is told."""
    status, said = run("jcog2110", "--trials", 20, "--engine", "numpy", "--out", tmp_path / "report", "--lang", "ja")
    assert status == 0, said
    assert "シナリオ 7、計画 3、組合せ 64" in said
    assert (tmp_path / "report" / "index.html").is_file()
    assert len(list((tmp_path / "report" / "csv").iterdir())) == 7
