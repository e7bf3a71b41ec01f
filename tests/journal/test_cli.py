import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oligami.cli.journal import app
from oligami.journal.codec import encode
from oligami.journal.entries import Entry, QueryRaised
from oligami.journal.store import FileJournal
from oligami.journal.verify import verify_file

RUN = CliRunner()


def test_verify_says_one_line(twelve: Path) -> None:
    """A journal that holds: exit 0, one line with records, head and redactions."""
    result = RUN.invoke(app, ["verify", str(twelve)])
    assert (result.exit_code, result.stderr) == (0, "")
    head = f"12:{verify_file(twelve).head_seal}"
    assert result.stdout == f"{twelve}: 12 records, chain unbroken, head {head}, bodies redacted: 6\n"
    assert RUN.invoke(app, ["verify", str(twelve), "--head", head]).exit_code == 0
    japanese = RUN.invoke(app, ["verify", str(twelve)], env={"OLIGAMI_LANG": "ja"})
    assert "記録 12 件、連鎖に異常なし" in japanese.stdout
    assert RUN.invoke(app, ["verify", str(twelve), "--lang", "ja"]).stdout == japanese.stdout


def test_verify_names_what_broke(twelve: Path) -> None:
    """A changed byte: exit 2, the record, what was found and what was expected."""
    twelve.write_bytes(twelve.read_bytes().replace(b'"ps":2', b'"ps":3'))
    result = RUN.invoke(app, ["verify", str(twelve)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "broken at record 8: the body was changed: its digest is " in result.stderr
    assert "記録 8 に異常あり" in RUN.invoke(app, ["verify", str(twelve), "--lang", "ja"]).stderr


def test_verify_against_a_published_head(twelve: Path) -> None:
    """Records cut off at the end are found with --head; a head that is none is said to be none."""
    seal = verify_file(twelve).head_seal
    twelve.write_bytes(b"".join(twelve.read_bytes().splitlines(keepends=True)[:11]))
    assert RUN.invoke(app, ["verify", str(twelve)]).exit_code == 0
    for head in (seal, f"12:{seal}"):
        result = RUN.invoke(app, ["verify", str(twelve), "--head", head])
        assert result.exit_code == 2
        assert "cut off at the end" in result.stderr
    result = RUN.invoke(app, ["verify", str(twelve), "--head", "12"])
    assert result.exit_code == 2
    assert "64 hexadecimal digits" in result.stderr


@pytest.mark.parametrize("command", ["verify", "show"])
def test_a_file_that_is_none(command: str, tmp_path: Path) -> None:
    """A missing file, a folder and an empty file give a sentence and exit 2."""
    (tmp_path / "empty.jsonl").touch()
    for name, says in (("none.jsonl", "no such file"), (".", "this is a folder"), ("empty.jsonl", "holds no record")):
        result = RUN.invoke(app, [command, str(tmp_path / name)])
        assert (result.exit_code, result.stdout) == (2, "")
        assert says in result.stderr
        assert "Traceback" not in result.stderr


def test_show_prints_a_line_a_record(twelve: Path) -> None:
    """Piped output has one line a record, also where typed text holds line feeds."""
    result = RUN.invoke(app, ["show", str(twelve)])
    assert result.exit_code == 0
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[0] for row in rows] == [str(n) for n in range(1, 13)]
    assert all(len(row) == 7 for row in rows)
    assert rows[0][1:5] == ["2024-01-02 03:04:05", "investigator-7 (investigator)", "web", "site opened"]
    assert rows[5][4] == "query raised [redacted]"
    assert rows[5][6] == "query q1; form toxicity; occurrence 1; text [redacted]"
    assert rows[11][2:4] == ['データ (investigator) ← 木村 "K" s01', "telephone"]
    assert "調査票提出" in RUN.invoke(app, ["show", str(twelve), "--lang", "ja"]).stdout


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (["--subject", "S-0001"], [2, 3, 4, 5, 6]),
        (["--from", "3", "--to", "5"], [3, 4, 5]),
        (["--type", "FormSubmitted"], [4, 7, 8, 9, 10, 12]),
        (["--type", "FormSubmitted", "--subject", "S-0002", "--to", "8"], [7, 8]),
        (["--from", "12"], [12]),
        (["--from", "13"], []),
        (["--subject", "S-9999"], []),
    ],
)
def test_show_chooses(options: list[str], numbers: list[int], twelve: Path) -> None:
    """Records are chosen by number, type and subject; --json gives whole records."""
    result = RUN.invoke(app, ["show", str(twelve), "--json", *options])
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert (result.exit_code, [record["seq"] for record in records]) == (0, numbers)
    assert ("no record answers this" in result.stderr) == (not numbers)
    whole = {record.seq: record for record in FileJournal(twelve).records()}
    for record in records:
        there = whole[record["seq"]]
        assert there.entry is not None
        assert record["entry"] == encode(there.entry)
        assert (record["seal"], record["redacted"]) == (there.seal, there.salt is None)


def test_show_refuses_an_unknown_type(twelve: Path) -> None:
    """A type that does not exist is not silently an empty answer."""
    result = RUN.invoke(app, ["show", str(twelve), "--type", "FormSubmited"])
    assert result.exit_code == 2
    assert "FormSubmited is not a type of entry; there are: ProtocolActivated" in result.stderr


def test_show_stops_where_the_chain_breaks(twelve: Path) -> None:
    """What holds is shown, then where it stops; exit 2."""
    twelve.write_bytes(twelve.read_bytes().replace(b'"ps":2', b'"ps":3'))
    result = RUN.invoke(app, ["show", str(twelve)])
    assert (result.exit_code, len(result.stdout.splitlines())) == (2, 7)
    assert "record 8: the body was changed" in result.stderr


def test_typed_text_steers_no_terminal(begin: Callable[..., Path]) -> None:
    """Escape sequences and markup in what people typed are shown, not obeyed."""
    entry = QueryRaised(subject="S", query="q", form="f", occurrence=1, text="\x1b[2J[red]\r\t\u202e")
    result = RUN.invoke(app, ["show", str(begin([entry]))])
    assert "\x1b" not in result.stdout
    assert "\\u001b[2J[red]\\u000d\\u0009\\u202e" in result.stdout


def test_every_type_has_a_label_in_both_languages(begin: Callable[..., Path], entries: list[Entry]) -> None:
    """A new type of entry cannot be forgotten in what people read."""
    from oligami.cli.journal import _LABELS
    from oligami.journal.codec import ENTRY_TYPES

    assert _LABELS.keys() == ENTRY_TYPES.keys()
    assert all(text.en and text.ja and text.en != text.ja for text in _LABELS.values())


def test_the_stand_alone_program_runs(twelve: Path) -> None:
    """It needs nothing but Python, has under 100 lines, and tells by its exit status."""
    program = Path(__file__).parents[2] / "docs" / "reference" / "verify_journal.py"
    assert len(program.read_text().splitlines()) < 100

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", str(program), str(twelve), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    head = verify_file(twelve).head_seal
    assert (run().returncode, run().stdout) == (0, f"holds: record 12 has seal {head}\n")
    assert run(f"12:{head}").returncode == 0
    assert run("0" * 63 + "1").returncode == 2
    twelve.write_bytes(twelve.read_bytes().replace(b'"ps":2', b'"ps":3'))
    assert (run().returncode, run().stdout) == (2, "BROKEN at record 8: the body was changed\n")
