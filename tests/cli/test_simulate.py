"""The command `oligami simulate`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oligami.cli.main import build
from oligami.protocol.load import find_protocol

TINY = Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"
RUNNER = CliRunner()


def run(*arguments):
    return RUNNER.invoke(build(), ["simulate", *map(str, arguments)])


def test_a_trial_is_written_with_its_secret(tmp_path):
    """The journal and its secret are written; what stands in them is told in one line; the bar is on standard error."""
    journal = tmp_path / "tiny.jsonl"
    result = run(TINY, "--journal", journal, "--seed", 7)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert "60" in result.stdout
    assert str(journal) in result.stdout
    assert "Simulating" in result.stderr
    secret = tmp_path / "tiny.jsonl.secret"
    assert sorted(tmp_path.iterdir()) == [journal, secret]
    assert secret.stat().st_mode & 0o077 == 0
    rechecked = RUNNER.invoke(build(), ["journal", "recheck", str(journal), "--secret", str(secret)])
    assert rechecked.exit_code == 0
    assert "60 draws recomputed" in rechecked.stdout
    assert RUNNER.invoke(build(), ["journal", "verify", str(journal)]).exit_code == 0


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    """Seed 7 twice is the same file; seed 8 is another."""
    written = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        assert run(TINY, "--journal", tmp_path / name, "--seed", seed, "--until", "2024-06-30").exit_code == 0
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1] != written[2]


@pytest.mark.parametrize("existing", ["tiny.jsonl", "tiny.jsonl.secret"])
def test_nothing_is_written_over(tmp_path, existing):
    """An existing journal, or an existing secret, is refused with exit status 2 and stays as it was."""
    (tmp_path / existing).write_text("kept", encoding="utf-8")
    result = run(TINY, "--journal", tmp_path / "tiny.jsonl")
    assert result.exit_code == 2
    assert existing in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [existing]
    assert (tmp_path / existing).read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scenario", "standrad"], "there are: standard"),
        (["--until", "2024-13-01"], "year-month-day"),
        (["--until", "2023-12-31"], "begins on 2024-01-10"),
        (["--journal", "no-such-folder/tiny.jsonl"], "no such folder"),
    ],
)
def test_what_cannot_be_is_told_and_leaves_nothing(tmp_path, monkeypatch, arguments, words):
    """A wrong option gives its sentence, exit status 2 and no file."""
    monkeypatch.chdir(tmp_path)
    result = run(TINY, *(arguments if "--journal" in arguments else ["--journal", "tiny.jsonl", *arguments]))
    assert result.exit_code == 2
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_trial_that_is_not_there_is_told(tmp_path):
    """An unknown trial is refused with its near miss."""
    result = run("jcog2111", "--journal", tmp_path / "x.jsonl")
    assert result.exit_code == 2
    assert "jcog2110" in result.stderr


def test_all_faults_of_a_scenario_are_told_at_once(tmp_path):
    """A faulty scenario file is told whole, with exit status 2; what does not fit the protocol likewise."""
    text = (TINY.parent / "scenarios" / "standard.toml").read_text(encoding="utf-8")
    faulty = tmp_path / "faulty.toml"
    faulty.write_text(text.replace("asked_per_month = 6", "asked_per_month = -6\nasked_per_week = 2"), encoding="utf-8")
    result = run(TINY, "--journal", tmp_path / "x.jsonl", "--scenario", faulty)
    assert result.exit_code == 2
    assert "accrual.asked_per_month" in result.stderr
    assert "accrual.asked_per_week" in result.stderr
    misfit = text.replace("{spoken = 0.6}", "{spokn = 0.6}").replace("{yes = 0.9,", "{yse = 0.9,")
    faulty.write_text(misfit, encoding="utf-8")
    result = run(TINY, "--journal", tmp_path / "x.jsonl", "--scenario", faulty)
    assert result.exit_code == 2
    assert "did you mean spoken?" in result.stderr
    assert "did you mean yes?" in result.stderr
    assert list(tmp_path.iterdir()) == [faulty]


def test_an_interrupted_run_leaves_nothing(tmp_path):
    """Ctrl-C while it runs ends it, and no journal, secret or part of one is left."""
    arguments = [sys.executable, "-m", "oligami.cli.main", "simulate", str(find_protocol("jcog2110"))]
    running = subprocess.Popen(
        [*arguments, "--journal", str(tmp_path / "trial.jsonl")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(tmp_path.iterdir())
    os.kill(running.pid, signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    assert running.returncode not in (0, None)
    assert out == b""
    assert list(tmp_path.iterdir()) == []


def test_it_speaks_japanese(tmp_path):
    """With `--lang ja` the summary is Japanese."""
    result = run(TINY, "--journal", tmp_path / "t.jsonl", "--until", "2024-03-01", "--lang", "ja")
    assert result.exit_code == 0
    assert "割付の秘密値" in result.stdout
