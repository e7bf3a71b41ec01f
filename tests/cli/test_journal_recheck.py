"""`oligami journal recheck`: what a person at a terminal sees."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oligami.cli.main import build
from oligami.journal import entries as e
from oligami.journal.store import FileJournal

GOLDEN = max((Path(__file__).parents[1] / "golden").glob("*/journal.jsonl"))
SECRET = bytes(range(32))


def run(*arguments):
    """Run the command."""
    return CliRunner().invoke(build(), ["journal", "recheck", *map(str, arguments)])


@pytest.fixture
def forge(tmp_path):
    """How a journal is written anew with other entries and without some kinds of them."""

    def forge(change, *, without=()):
        path = tmp_path / "forged.jsonl"
        with FileJournal(path, create=True, durable=False) as journal:
            for record in FileJournal(GOLDEN).records():
                if record.entry is not None and not isinstance(record.entry, (e.BodyRedacted, *without)):
                    journal.append([change(record.entry)], record.stamp, ["0" * 32])
        return path

    return forge


@pytest.fixture
def secret_file(tmp_path):
    """How a secret gets into a file."""

    def write(secret):
        path = tmp_path / "secret.txt"
        path.write_text(secret if isinstance(secret, str) else secret.hex() + "\n")
        return path

    return write


def test_a_good_journal(secret_file):
    """All is counted on one line, and the exit status is 0."""
    done = run(GOLDEN)
    assert done.exit_code == 0
    assert "4 allocations" in done.stdout
    assert "4 draws recomputed from the secret: 0 differences" in done.stdout
    assert "相違 0 件" in run(GOLDEN, "--lang", "ja", "--secret", secret_file(SECRET)).stdout


def test_an_opened_secret_in_a_file(forge, secret_file):
    """Before the secret is opened in the journal, a file with it lets every draw be recomputed."""
    journal = forge(lambda entry: entry, without=(e.SecretOpened, e.HeadPublished))
    assert "draws not recomputed (no secret given)" in run(journal).stdout
    assert "4 draws recomputed" in run(journal, "--secret", secret_file(SECRET)).stdout


def test_a_forged_arm_is_told_with_its_record(forge):
    """A difference names record and subject, what the record says and what comes out; the exit status is 2."""

    def other_arm(entry):
        if isinstance(entry, e.Randomized) and entry.k == 2:
            return replace(entry, arm="B" if entry.arm == "A" else "A")
        return entry

    journal = forge(other_arm)
    done = run(journal)
    assert done.exit_code == 2
    assert "S-0002" in done.stderr
    assert "arm: the record says" in done.stderr
    assert "割付群: 記録は" in run(journal, "--lang", "ja").stderr


def test_a_wrong_secret_is_told(secret_file):
    """A secret the journal never committed to is named by its commitment."""
    done = run(GOLDEN, "--secret", secret_file(bytes(32)))
    assert done.exit_code == 2
    assert "secret: found 66687aadf862bd77…, expected 630dcd2966c43366…" in done.stderr


@pytest.mark.parametrize("content", ["", "no secret", "00" * 31, "zz" * 32, "秘密"])
def test_what_is_no_secret_is_refused_without_showing_it(secret_file, content):
    """A file that holds no secret is refused before anything is redone, and its content is not shown."""
    path = secret_file(content)
    done = run(GOLDEN, "--secret", path)
    assert done.exit_code == 2
    assert str(path) in done.stderr.replace("\n", "")
    assert not content or content not in done.stderr


def test_files_that_are_not_there(tmp_path, secret_file):
    """A missing journal or secret is refused with its name, without a trace of the program."""
    for done in (run(tmp_path / "none.jsonl"), run(GOLDEN, "--secret", tmp_path / "none.txt")):
        assert done.exit_code == 2
        assert "none." in done.stderr
        assert "Traceback" not in done.stderr


def test_a_broken_chain_is_refused_with_its_record(tmp_path):
    """Nobody redoes a broken journal: the first broken record is named."""
    lines = GOLDEN.read_bytes().splitlines(keepends=True)
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(b"".join(lines[:6] + lines[7:]))
    done = run(broken)
    assert done.exit_code == 2
    assert "record 7" in done.stderr
