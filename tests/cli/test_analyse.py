"""`oligami analyse` as its user meets it: the files it leaves, the same cut again, and what it refuses."""

import hashlib
import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oligami.cli.main import build
from oligami.journal.entries import CutTaken, QueryRaised
from oligami.journal.store import FileJournal
from oligami.protocol.load import find_protocol, load_protocol
from oligami.simulation.rehearse import simulate_to_file
from oligami.simulation.scenario import find_scenario, load_scenario

UNTIL = "2024-10-31"


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a simulated trial of its first year."""
    folder = find_protocol("jcog2110")
    path = tmp_path_factory.mktemp("journal") / "trial.jsonl"
    scenario = load_scenario(find_scenario(folder, "standard"))
    simulate_to_file(load_protocol(folder), scenario, path, seed=7, until=date.fromisoformat(UNTIL))
    return path


def run(*words: object) -> tuple[int, str]:
    """Run the program in this process; return exit status and all it said."""
    result = CliRunner().invoke(build(), [str(word) for word in words])
    return result.exit_code, result.output


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every file of a report."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_report_is_written_with_its_provenance(journal: Path, tmp_path: Path) -> None:
    """One page, every number as JSON and CSV, each with software, protocol, journal head, cut and seed."""
    status, said = run("analyse", journal, "--up-to", "2024-09-30", "--out", tmp_path / "report")
    assert status == 0, said
    assert (tmp_path / "report" / "index.html").is_file()
    numbers = json.loads((tmp_path / "report" / "numbers.json").read_text(encoding="utf-8"))
    head = FileJournal(journal).head()
    written = json.dumps(numbers["provenance"])
    assert all(
        str(part) in written for part in (head.seal, head.seq, "2024-09-30", 7, load_protocol(find_protocol("jcog2110")).digest)
    )
    assert list((tmp_path / "report" / "csv").glob("*.csv"))


def test_same_cut_gives_the_same_bytes(journal: Path, tmp_path: Path) -> None:
    """The same cut made twice, and made later from a longer journal, gives the same bytes in every file."""
    records = list(FileJournal(journal).records())
    through = len(records) * 2 // 3
    shorter = tmp_path / "shorter.jsonl"
    shorter.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:through]))
    folders = [tmp_path / name for name in ("first", "again", "earlier")]
    for folder, source in zip(folders, (journal, journal, shorter), strict=True):
        status, said = run("analyse", source, "--up-to", "2024-06-30", "--through", through, "--out", folder)
        assert status == 0, said
    assert digests(folders[0]) == digests(folders[1]) == digests(folders[2])


def test_a_cut_after_the_end_of_the_journal_is_told(journal: Path, tmp_path: Path) -> None:
    """A date beyond the last record is analysed, with a note that nothing is known after it."""
    status, said = run("analyse", journal, "--up-to", "2026-01-01", "--out", tmp_path / "report")
    assert status == 0
    assert "the journal ends on 2024-10" in said


def test_a_cut_named_in_the_journal_can_be_asked_for(journal: Path, tmp_path: Path) -> None:
    """`--cut NAME` is the record and the date the journal gave that name."""
    taken = next(record.entry for record in FileJournal(journal).records() if isinstance(record.entry, CutTaken))
    named, dated = tmp_path / "named", tmp_path / "dated"
    assert run("analyse", journal, "--cut", taken.cut, "--out", named)[0] == 0
    assert run("analyse", journal, "--up-to", taken.up_to, "--through", taken.through, "--out", dated)[0] == 0
    assert digests(named) == digests(dated)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--up-to", "2024-13-01"), "2024-13-01"),
        ((), "--up-to"),
        (("--up-to", "2024-06-30", "--through", "999999"), "999999"),
        (("--cut", "nobody"), "monitoring-01"),
        (("--cut", "monitoring-01", "--through", "5"), "--through"),
    ],
)
def test_wrong_words_are_refused_with_a_sentence(journal: Path, tmp_path: Path, words: tuple[str, ...], expected: str) -> None:
    """What was found or what there is stands in the sentence; exit status 2; nothing is written."""
    status, said = run("analyse", journal, *words, "--out", tmp_path / "report")
    assert status == 2
    assert expected in said
    assert not (tmp_path / "report").exists()


def test_a_folder_of_somebody_else_is_left_alone(journal: Path, tmp_path: Path) -> None:
    """A folder that is no report of ours is not overwritten."""
    (tmp_path / "letters.txt").write_text("mine", encoding="utf-8")
    status, said = run("analyse", journal, "--up-to", "2024-06-30", "--out", tmp_path)
    assert status == 2
    assert str(tmp_path) in said
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_a_broken_journal_is_not_analysed(journal: Path, tmp_path: Path) -> None:
    """A changed byte stops the analysis and the record is named."""
    broken = tmp_path / "broken.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[99] = lines[99].replace(b"site-", b"sity-", 1)
    broken.write_bytes(b"".join(lines))
    status, said = run("analyse", broken, "--up-to", "2024-06-30", "--out", tmp_path / "report")
    assert status == 2
    assert "100" in said


def test_an_empty_or_missing_journal_is_a_sentence(tmp_path: Path) -> None:
    """No traceback for a file that is not there or holds nothing."""
    (tmp_path / "empty.jsonl").touch()
    for name in ("empty.jsonl", "missing.jsonl"):
        status, said = run("analyse", tmp_path / name, "--up-to", "2024-06-30", "--out", tmp_path / "report")
        assert status == 2
        assert "Traceback" not in said


def test_a_redacted_journal_still_verifies_and_folds(journal: Path, tmp_path: Path) -> None:
    """`journal redact` takes a text out of a copy, verification still passes, and the text is gone from the file."""
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(journal.read_bytes())
    seq, text = next(
        (record.seq, record.entry.text) for record in FileJournal(copy).records() if isinstance(record.entry, QueryRaised)
    )
    words = ("journal", "redact", copy, "--record", seq, "--text", text, "--reason", "a name", "--author", "dm")
    assert run(*words)[0] == 0
    assert run("journal", "verify", copy)[0] == 0
    assert run(*words)[0] == 2
    line = copy.read_bytes().splitlines()[seq - 1]
    assert b'"body":null' in line
    assert len(list(FileJournal(copy).records())) == len(list(FileJournal(journal).records())) + 1
