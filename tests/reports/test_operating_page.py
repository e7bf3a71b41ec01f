"""The page of operating characteristics: every table has its numbers as CSV, the page both languages, and a folder is safe."""

import csv
import json
from functools import partial
from pathlib import Path

import pytest

from oligami.protocol.load import load_protocol
from oligami.protocol.text import Text
from oligami.reports.operating import check_operating_place, write_operating_report
from oligami.reports.operating_brief import brief_section
from oligami.reports.terminal import section_text
from oligami.simulation.fast.operating import characteristics
from oligami.simulation.fast.planning import plan_of
from oligami.simulation.fast.run import run
from oligami.simulation.fast.scenario import find_operating_scenarios, load_operating_scenario
from oligami.simulation.fast.study import make_study, study_steps

FOLDER = Path(__file__).parents[2] / "protocols" / "jcog2110" / "1.0"
AXES = {"control": [0.4, 0.5], "difference": [0.0, 0.12], "pass_share": [0.79]}


@pytest.fixture(scope="module")
def study():
    """A small study of three scenarios by the numpy engine."""
    known = find_operating_scenarios(FOLDER)
    scenarios = [load_operating_scenario(known[name]) for name in ("design", "null", "delayed")]
    steps = []
    made = make_study(
        load_protocol(FOLDER),
        scenarios,
        lambda plan, trials: run(plan, 3, 0, trials, "numpy"),
        base="design",
        seed=3,
        trials=60,
        engine="numpy",
        axes=AXES,
        cell_trials=30,
        progress=steps.append,
    )
    assert len(steps) == study_steps(3, AXES)
    return made


@pytest.fixture(scope="module")
def report(study, tmp_path_factory):
    """The report of that study."""
    out = tmp_path_factory.mktemp("operating") / "report"
    write_operating_report(study, out, software_version="0", command="oligami simulate …")
    return out


def test_the_page_is_whole_in_both_languages(report):
    """Seven sections with their tables and two pictures, no script, nothing fetched, both languages."""
    html = (report / "index.html").read_text(encoding="utf-8")
    assert html.count("<section aria-labelledby") == 7
    assert html.count("<svg ") == 2
    assert "<script" not in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    for words in ("When will we have the events", "イベントはいつ揃うか", "第一種の過誤", "Type I error"):
        assert words in html


def test_the_numbers_of_the_page_are_those_of_the_study(study, report):
    """Power in the CSV is the share of trials that rejected, with its Monte Carlo error and the provenance."""
    with (report / "csv" / "scenarios.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["scenario"]: row for row in csv.DictReader(file)}
    for each in study.scenarios:
        share = next(iter(each.result.power.values()))
        assert float(rows[each.scenario.id]["rejects_share"]) == share.value
        assert float(rows[each.scenario.id]["rejects_std_err"]) == share.std_err
        assert rows[each.scenario.id]["provenance_seed"] == "3"
    numbers = json.loads((report / "numbers.json").read_text(encoding="utf-8"))
    assert len(numbers["blocks"]["sweep"]) == 4
    assert numbers["provenance"]["protocol_digest"] == study.protocol.digest


def test_words_and_numbers_of_the_page_are_for_people(report):
    """One look is one, rules are named in both languages, a design without interim looks stops early in no share of trials."""
    html = (report / "index.html").read_text(encoding="utf-8")
    assert "1 interim look<" in html
    assert "2 interim looks<" in html
    assert "最小化法（本プロトコール）" in html
    assert "単純無作為化" in html
    rows = list(csv.DictReader((report / "csv" / "designs.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0]["early_share"] == ""
    assert all(row["early_share"] for row in rows[1:])


def test_the_calendar_asks_for_the_events_at_which_designs_look(study):
    """Half of the planned events is the same number in the calendar and in the design with one interim look."""
    assert study.calendars[0].events[1] == study.designs[1].events[0]
    assert study.calendars[0].events[-1] == study.planned


def test_one_trial_has_means_and_no_spread():
    """The brief of a single trial shows its numbers, and dashes where a spread or a bound does not exist."""
    scenario = load_operating_scenario(find_operating_scenarios(FOLDER)["design"])
    plan = plan_of(load_protocol(FOLDER), scenario)
    result = characteristics(run(plan, 3, 0, 1, "numpy"), plan)
    said = section_text(brief_section(Text("One", "1回"), result), None, "en")
    assert "nan" not in said
    assert f"{result.events.mean:.1f}" in said.split("Looks")[1]
    assert said.rstrip().splitlines()[-1].split()[-1] == "–"


def test_the_same_study_gives_the_same_bytes(study, report, tmp_path):
    """Written again, every file is the same."""
    written = write_operating_report(study, tmp_path / "again", software_version="0", command="oligami simulate …")
    for path in written:
        assert path.read_bytes() == (report / path.relative_to(tmp_path / "again")).read_bytes()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    """A folder that is no such report is refused before anything is simulated, and nothing in it is touched."""
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(ValueError, match=r"not a report of simulations of ours, it holds letter\.txt"):
        check_operating_place(tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "dear"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"base": "dream"}, "base is 'dream'"),
        ({"axes": {"colour": [1.0]}}, "axes are colour"),
        ({"axes": {"control": []}}, "no values"),
    ],
)
def test_a_study_of_what_is_not_there_is_refused(more, words):
    """An unknown base, an unknown axis and an empty axis are named."""
    scenario = load_operating_scenario(find_operating_scenarios(FOLDER)["null"])
    simulate = partial(lambda plan, trials: run(plan, 1, 0, trials, "numpy"))
    settings = {"base": "null", "seed": 1, "trials": 2, "engine": "numpy", **more}
    with pytest.raises(ValueError, match=words):
        make_study(load_protocol(FOLDER), [scenario], simulate, **settings)
