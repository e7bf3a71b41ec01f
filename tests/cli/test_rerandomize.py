"""`oligami journal rerandomize` as its user meets it: what it says, to whom, and what it refuses."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oligami.cli.main import build
from oligami.journal.entries import Randomized
from oligami.journal.store import FileJournal
from oligami.protocol.load import load_protocol
from oligami.simulation.rehearse import simulate_to_file
from oligami.simulation.scenario import find_scenario, load_scenario

FOLDER = Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"
LAST = "2032-01-01"


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a simulated trial with permuted blocks."""
    path = tmp_path_factory.mktemp("journal") / "tiny.jsonl"
    simulate_to_file(load_protocol(FOLDER), load_scenario(find_scenario(FOLDER, "standard")), path, seed=1)
    return path


def run(*words: object) -> tuple[int, str, str]:
    """Run the program in this process; return exit status, standard output and standard error."""
    result = CliRunner().invoke(build(["journal"]), ["journal", "rerandomize", *(str(word) for word in words)])
    return result.exit_code, result.stdout, result.stderr


def test_both_p_are_told_with_what_they_rest_on(journal: Path):
    """Statistic, both p, Monte Carlo error, sequences, draws, seed and time are printed; whom it is for goes to standard error."""
    status, said, beside = run(journal, "--up-to", LAST, "--sequences", 50, "--seed", 4)
    assert status == 0, beside
    for expected in (
        "60 randomized", "stratified log-rank test  z ", "normal approximation", "Monte Carlo standard error",
        "of 50 sequences", "60 allocations drawn anew", "permuted blocks; seed 4", " s. The recorded draws give",
    ):  # fmt: skip
        assert expected in said
    assert "result by arm" in beside
    assert "safety committee" in beside
    p = float(re.search(r"re-randomization\s+([\d.]+)", said)[1])
    assert 1 / 51 - 1e-4 <= p <= 1


def test_the_same_seed_gives_the_same_p(journal: Path):
    """Everything but the time is the same again, and the sentences are there in Japanese."""

    def without_time(said: str) -> str:
        return re.sub(r"[\d.]+ (s\.|秒)", "", said)

    words = (journal, "--up-to", LAST, "--sequences", 20)
    assert without_time(run(*words)[1]) == without_time(run(*words)[1])
    status, said, beside = run(*words, "--lang", "ja")
    assert status == 0
    assert "再割付検定" in said
    assert "置換ブロック法" in said
    assert "群別の結果" in beside


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--up-to", "2032-13-01"), "2032-13-01"),
        (("--up-to", "2001-01-01"), "nothing to compare"),
        (("--up-to", LAST, "--through", 999999), "999999"),
        (("--up-to", LAST, "--sequences", 2, "--seed", -1), "seed is -1"),
    ],
)
def test_wrong_words_are_refused_with_a_sentence(journal: Path, words: tuple[object, ...], expected: str):
    """Exit status 2, what was found, no result."""
    status, said, beside = run(journal, *words)
    assert status == 2
    assert expected in beside
    assert said == ""


def test_a_broken_or_missing_journal_is_a_sentence(journal: Path, tmp_path: Path):
    """A changed byte is named by its record; a file that is not there by its name."""
    broken = tmp_path / "broken.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    number = next(record.seq for record in FileJournal(journal).records() if isinstance(record.entry, Randomized))
    lines[number - 1] = lines[number - 1].replace(b'"k":1', b'"k":2', 1)
    broken.write_bytes(b"".join(lines))
    status, said, beside = run(broken, "--up-to", LAST)
    assert (status, said) == (2, "")
    assert str(number) in beside
    assert run(tmp_path / "none.jsonl", "--up-to", LAST)[0] == 2
