"""The report speaks of the trial at hand: a second trial's has no word of the first, and the first trial's lacks nothing."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from oligami.analysis.plan import analyse
from oligami.data.cut import Cut
from oligami.data.derive import derive
from oligami.protocol.model.forms import FormRole
from oligami.reports.document import report_sections, write_report
from oligami.reports.tables import Table
from oligami.reports.words import Labels
from oligami.simulation.rehearse import simulate_to_file
from oligami.simulation.scenario import find_scenario, load_scenario

TINY = Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"
WORDS_OF_THE_FIRST_TRIAL = (
    *("systemic", "crossover", "metasta", "CTCAE", "first registration", "second registration", "lesion", "radiotherapy"),
    *("一次登録", "二次登録", "全身", "転移", "薬物療法", "局所療法", "クロスオーバー", "有害事象"),
)

EXPECTED_SECTIONS = [
    *("flow", "accrual", "baseline", "endpoint-os", "local-therapy", "therapy"),
    *("endpoint-os_first", "endpoint-pfs", "endpoint-progression_site", "endpoint-pfs_mdt"),
    *("safety", "quality-of-life", "deviations", "data-quality", "methods"),
]


@pytest.fixture(scope="module")
def simulated(tiny, tmp_path_factory):
    """The results of the second trial, simulated to its end."""
    path = tmp_path_factory.mktemp("second") / "tiny.jsonl"
    rehearsal = simulate_to_file(tiny, load_scenario(find_scenario(TINY, "standard")), path, seed=1)
    datasets = derive(rehearsal.trial, Cut(through=None, up_to=date(2027, 1, 10)), software_version="test")
    return analyse(datasets, tiny)


@pytest.fixture(scope="module")
def report(simulated, tiny, tmp_path_factory):
    """Its report."""
    out = tmp_path_factory.mktemp("second-report") / "report"
    write_report(simulated, tiny, out)
    return out


def body_of(report: Path) -> str:
    """The page without its style."""
    text = (report / "index.html").read_text(encoding="utf-8")
    return text[text.index("<body>") :]


@pytest.mark.parametrize("word", WORDS_OF_THE_FIRST_TRIAL)
def test_no_word_of_another_trial(report, word):
    """Neither the page nor any table speaks of a therapy, a form or a stage that this trial does not have."""
    files = {"index.html": body_of(report)}
    files |= {path.name: path.read_text(encoding="utf-8") for path in (report / "csv").iterdir()}
    assert len(files) > 5
    assert [name for name, text in files.items() if word.lower() in text.lower()] == []


def test_the_stage_is_called_by_its_own_title(report):
    """The one registration there is appears under the protocol's title, in both languages."""
    text = body_of(report)
    assert "Asked for registration" in text
    assert "登録の申込" in text
    assert re.search(r"requests for registration .* were granted, and these subjects randomized at once", text)


def test_numbers_say_nothing_of_what_is_not_there(report, simulated):
    """In numbers.json what the trial does not have is null or empty, and everybody registered is randomized."""
    blocks = json.loads((report / "numbers.json").read_text(encoding="utf-8"))["blocks"]
    flow = blocks["flow"]["results"]
    assert {arm[name] for arm in flow["arms"] for name in ("received", "not_received", "crossover")} == {None}
    assert [blocks[name]["results"] for name in ("therapy", "local_therapy", "safety", "quality_of_life")] == [[], [], None, None]
    assert flow["registered"] == flow["randomized"] == sum(arm["randomized"] for arm in flow["arms"]) == 60
    assert simulated.flow.in_therapy == simulated.flow.not_randomized == 0


def test_no_box_between_registration_and_randomization(report, simulated, tiny, synthetic, protocol):
    """One stage: asked, refused, randomized, then two boxes an arm. Two stages: registered and not randomized besides."""
    flow = report_sections(simulated, tiny)[0].blocks[0].svg
    assert flow.count('class="flow-box"') == 3 + 4
    two = report_sections(analyse(synthetic.made_up(protocol, registered=60), protocol), protocol)[0].blocks[0].svg
    assert two.count('class="flow-box"') == 5 + 4


def test_who_stands_between_is_never_hidden(synthetic, tiny):
    """Should anybody be registered and not randomized after all, the box and the rows are there."""
    results = analyse(synthetic.made_up(tiny, registered=60, cut=date(2030, 1, 1)), tiny)
    assert results.flow.not_randomized > 0
    section = report_sections(results, tiny)[0]
    assert section.blocks[0].svg.count('class="flow-box"') == 5 + 4
    steps = [row.keys.get("step") for row in section.blocks[1].rows]
    assert "not_randomized" in steps


def test_registered_in_error_shows_without_that_box(simulated, tiny):
    """A registration in error is told beside the refused where no box of the not randomized stands."""
    results = replace(simulated, flow=replace(simulated.flow, annulled=1))
    assert "registered in error" in report_sections(results, tiny)[0].blocks[0].svg


def test_registered_and_randomized_at_once_is_one_curve(simulated, tiny):
    """Two equal curves would lie on top of each other; one is drawn."""
    figure = next(section for section in report_sections(simulated, tiny) if section.id == "accrual").blocks[0]
    assert "curve0" in figure.svg
    assert "curve1" not in figure.svg


def test_sections_of_the_second_trial(report, simulated, tiny):
    """Only what the protocol gives and records has a section; contents and numbers follow."""
    ids = [section.id for section in report_sections(simulated, tiny)]
    assert ids == ["flow", "accrual", "baseline", "endpoint-os", "deviations", "data-quality", "methods"]
    text = body_of(report)
    contents = text[text.index("<nav") : text.index("</nav>")]
    assert re.findall(r'href="#([^"]+)"', contents) == ids
    assert re.findall(r'<span class="number">(\d+)</span>', text) == [str(at) for at in range(1, len(ids) + 1)]


def test_sections_of_the_first_trial(synthetic, protocol):
    """The trial that has every part keeps every section, in this order, each with the tables it had."""
    sections = report_sections(analyse(synthetic.made_up(protocol, registered=120, cut=date(2030, 1, 1)), protocol), protocol)
    tables = {section.id: [block.id for block in section.blocks if isinstance(block, Table)] for section in sections}
    assert list(tables) == EXPECTED_SECTIONS
    assert tables["flow"] == ["flow", "refusals"]
    assert tables["local-therapy"] == ["lesions-B", "doses-B", "delivery-B"]
    assert tables["therapy"] == ["therapy", "regimens"]
    assert tables["safety"] == ["adverse-events", "terms", "serious"]
    steps = [(row.keys["arm"], row.keys["step"]) for row in sections[0].blocks[1].rows if row.keys.get("arm")]
    assert {(arm, step) for arm in "AB" for step in ("received", "not_received", "crossover", "analysed")} <= set(steps)


def test_stage_titles_of_the_first_trial(synthetic, protocol):
    """The first trial's registrations are called as its protocol calls them, in a sentence without the capital."""
    labels = Labels(protocol)
    assert (labels.registration().en, labels.registration("second").en) == ("first registration", "second registration")
    assert labels.not_randomized("refused").ja == "二次登録で不適格"
    results = analyse(synthetic.made_up(protocol, registered=60), protocol)
    svg = report_sections(results, protocol)[0].blocks[0].svg
    assert "Asked for first registration" in svg
    assert "一次登録の申込" in svg


def test_adverse_events_alone_bring_back_their_section(synthetic, protocol, tiny, tmp_path):
    """The form decides: the second trial with a form for adverse events has that section, of its registered subjects."""
    own = replace(tiny, forms=(*tiny.forms, *protocol.forms_of(FormRole.ADVERSE_EVENT)), codelists=protocol.codelists)
    results = analyse(synthetic.made_up(own, registered=40), own)
    section = next(section for section in report_sections(results, own) if section.id == "safety")
    assert section.blocks
    write_report(results, own, tmp_path / "report")
    text = body_of(tmp_path / "report")
    assert "registered subjects" in text
    assert "治療を受けた対象者" not in text
