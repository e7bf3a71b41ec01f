"""`oligami design` as its user meets it: tables on the terminal, folders, the running trial, and what is refused."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oligami.cli.main import build
from oligami.protocol.load import load_protocol
from oligami.simulation.rehearse import simulate_to_file
from oligami.simulation.scenario import find_scenario, load_scenario

TINY = Path(__file__).parents[1] / "protocols" / "tiny"
PLAN = """
[interim_plan]
information = [0.5, 1.0]
efficacy = "lan_demets_obrien_fleming"
text = {en = "One look before the end.", ja = "最終解析前に1回。"}
origin = {kind = "default", cite = "an example"}
"""


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny trial with a plan of interim analyses."""
    folder = Path(shutil.copytree(TINY, tmp_path_factory.mktemp("trial") / "tiny")) / "1.0"
    with (folder / "design.toml").open("a", encoding="utf-8") as file:
        file.write(PLAN)
    return folder


@pytest.fixture(scope="module")
def journal(planned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated trial under that plan, to its end."""
    path = tmp_path_factory.mktemp("journal") / "trial.jsonl"
    simulate_to_file(load_protocol(planned), load_scenario(find_scenario(planned, "standard")), path, seed=3)
    return path


def run(*words: object) -> tuple[int, str]:
    """Run the program in this process; return exit status and all it said."""
    result = CliRunner().invoke(build(), [str(word) for word in words])
    return result.exit_code, result.output


@pytest.mark.parametrize(("language", "words"), [("en", "gives the record's 268"), ("ja", "登録情報の268例と一致")])
def test_show_prints_the_design_in_either_language(language: str, words: str) -> None:
    """Without a folder the tables come to the terminal, in the language asked for."""
    status, said = run("design", "show", "jcog2110", "--lang", language)
    assert status == 0, said
    assert words in said
    assert "1.645" in said


def test_show_writes_a_page_that_says_how_it_was_made(tmp_path: Path) -> None:
    """The command in the numbers makes the same again: protocol version, looks and spending are in it."""
    out = tmp_path / "page"
    words = ("--interim", "0.5,1", "--spending", "kim_demets:3", "--futility", "hwang_shih_decani:-2", "--binding")
    status, said = run("design", "show", "jcog2110", *words, "--out", out)
    assert status == 0, said
    document = json.loads((out / "numbers.json").read_text(encoding="utf-8"))
    assert document["command"].startswith("oligami design show jcog2110 --version 1.0 --interim 0.5,1 --spending kim_demets:3")
    assert document["blocks"]["looks"]["plans"][1]["binding"] is True
    assert (out / "index.html").is_file()


def test_project_tells_dates_and_numbers_without_arms(journal: Path, planned: Path) -> None:
    """The pooled cut gives dates with intervals; the same seed gives the same words; no arm is named."""
    first = run("design", "project", journal, "--up-to", "2025-06-30", "--events", "30", "--seed", "5")
    assert first[0] == 0, first[1]
    assert first == run("design", "project", journal, "--up-to", "2025-06-30", "--events", "30", "--seed", "5")
    assert "30 events are expected on" in first[1]
    protocol = load_protocol(planned)
    assert not [arm for arm in protocol.trial.arm if arm.short_title.en in first[1] or arm.title.en in first[1]]
    status, said = run("design", "project", journal, "--up-to", "2025-06-30", "--model", "weibull", "--lang", "ja")
    assert status == 0, said
    assert "80%予測区間" in said


def test_look_judges_the_looks_by_the_events_observed(journal: Path) -> None:
    """Two looks, the second the end: bounds for both, the inference that counts them, and the warning on both streams."""
    status, said = run("design", "look", journal, "--up-to", "2027-01-08", "--earlier", "2025-12-31", "--final")
    assert status == 0, said
    assert said.count("only for the independent statistician") == 2
    assert "If the trial ends here: one-sided p" in said
    assert "Alpha spent" in said
    assert "0.0500" in said


def test_look_writes_a_page(journal: Path, tmp_path: Path) -> None:
    """The folder holds the page, its tables and the cut it was made from; a cut the journal names will do as an earlier look."""
    status, said = run("design", "look", journal, "--up-to", "2026-06-30", "--lang", "ja", "--out", tmp_path / "look")
    assert status == 0, said
    document = json.loads((tmp_path / "look" / "numbers.json").read_text(encoding="utf-8"))
    assert document["provenance"]["up_to"] == "2026-06-30"
    assert document["blocks"]["has_interim_plan"] is True


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "jcog2111"), "did you mean jcog2110?"),
        (("show", "jcog2110", "--interim", "0.5,1", "--spending", "kim_demet:3"), "did you mean kim_demets?"),
        (("show", "jcog2110", "--interim", "1,0.5"), "ascending to 1"),
        (("show", "jcog2110", "--spending", "kim_demets:3"), "go with --interim"),
        (("project", "nowhere.jsonl", "--up-to", "2026-01-01"), "there is no such file"),
        (("look", "nowhere.jsonl", "--up-to", "2026-01-01"), "there is no such file"),
        (("look", "JOURNAL", "--up-to", "2020-01-01"), "nobody was registered up to then"),
        (("project", "JOURNAL", "--up-to", "2020-01-01"), "nobody was registered up to then"),
        (("project", "JOURNAL", "--up-to", "yesterday"), "expected a date as year-month-day"),
        (("project", "JOURNAL", "--up-to", "2025-12-31", "--events", "0"), "expected 1 or more"),
        (("project", "JOURNAL", "--up-to", "2025-12-31", "--model", "gompertz"), "expected exponential or weibull"),
        (("look", "JOURNAL", "--up-to", "2025-12-31", "--earlier", "cut-99"), "neither a day (year-month-day) nor a cut"),
        (("look", "JOURNAL", "--up-to", "2025-12-31", "--earlier", "2026-12-31"), "give the looks in order"),
        (("look", "JOURNAL", "--up-to", "2025-12-31", "--through", "99999999"), "the journal has records 1 to"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(journal: Path, words: tuple[str, ...], sentence: str) -> None:
    """Exit status 2 and what was found, what it may be, and the nearest word; in Japanese there is a sentence too."""
    own = [str(journal) if word == "JOURNAL" else word for word in words]
    status, said = run("design", *own)
    assert (status, sentence in said) == (2, True), said
    assert "Traceback" not in said
    status, japanese = run("design", *own, "--lang", "ja")
    assert status == 2
    assert japanese.strip()


def test_a_day_beyond_the_journal_is_told(journal: Path) -> None:
    """A cut after the last record is made, with a note that nothing is known after it."""
    status, said = run("design", "look", journal, "--up-to", "2030-12-31")
    assert status == 0
    assert "the journal ends on 2027-01" in said
