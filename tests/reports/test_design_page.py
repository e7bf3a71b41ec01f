"""The page of a design: the same numbers on page, in CSV and JSON, in both languages, for any trial."""

import csv
import json
import re
import shutil
from datetime import date
from html import unescape
from pathlib import Path

import pytest

from oligami.analysis.design import asked_plan, describe_design
from oligami.analysis.monitoring import take_look
from oligami.analysis.projection import pooled_course, project
from oligami.protocol.load import load_protocol
from oligami.protocol.text import LANGUAGES
from oligami.reports.design import (
    design_sections,
    look_sections,
    projection_sections,
    write_design_report,
    write_look_report,
    write_projection_report,
)
from oligami.reports.design.monitoring import CLOSED
from oligami.reports.design.projection import POOLED
from oligami.reports.figures import Figure
from oligami.reports.tables import Table
from oligami.reports.terminal import sections_text, width

TINY = Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"
PLAN = """
[interim_plan]
information = [0.5, 0.75, 1.0]
efficacy = "lan_demets_obrien_fleming"
futility = "hwang_shih_decani"
futility_parameter = -2.0
text = {en = "Two looks before the end.", ja = "最終解析前に2回。"}
origin = {kind = "default", cite = "an example"}
"""


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """The tiny trial with a plan of interim analyses."""
    folder = Path(shutil.copytree(TINY, tmp_path_factory.mktemp("planned") / "tiny" / "1.0"))
    with (folder / "design.toml").open("a", encoding="utf-8") as file:
        file.write(PLAN)
    return load_protocol(folder)


@pytest.fixture(scope="module")
def folder(protocol, tmp_path_factory):
    """The page of the trial's design."""
    out = tmp_path_factory.mktemp("design") / "page"
    asked = asked_plan("0.5,1", "kim_demets:3", "hwang_shih_decani:-2")
    write_design_report(describe_design(protocol, asked), protocol, out, software_version="test", command="oligami design show …")
    return out


def numbers_in(value):
    """Every number of parsed JSON."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return set()
    if isinstance(value, (int, float)):
        return {float(value)}
    parts = value.values() if isinstance(value, dict) else value
    return set().union(*(numbers_in(part) for part in parts))


def records(path):
    """The rows of a CSV."""
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_the_page_stands_alone_and_has_every_picture(folder):
    """No script and no address; power twice, calendar and bounds as pictures, each with its table."""
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|<link|https?:|url\(|@import", text)
    assert {"power_control", "power_difference", "course", "bounds"} == set(re.findall(r'<figure id="figure-(\w+)"', text))
    ids = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= ids


def test_the_page_says_in_both_languages_whose_plan_is_whose(folder):
    """The trial's own plan, the one asked for and those for comparison are told apart in words."""
    text = unescape((folder / "index.html").read_text(encoding="utf-8"))
    for words in ("the trial's own", "asked for here, not the trial's", "for comparison, not the trial's"):
        assert words in text
    for words in ("本試験の計画", "指定した計画（本試験の計画ではない）", "比較用（本試験の計画ではない）"):
        assert words in text


def test_page_csv_and_json_hold_the_same_numbers(folder, protocol):
    """What is shown rounded stands unrounded in numbers.json or is the protocol's own; every CSV row has its provenance."""
    document = json.loads((folder / "numbers.json").read_text(encoding="utf-8"))
    assert document["provenance"]["protocol_digest"] == protocol.digest
    assert document["command"] == "oligami design show …"
    known = numbers_in(document["blocks"])
    design = protocol.design
    known |= {
        100 * design.difference,
        design.alpha,
        design.accrual_years,
        design.follow_up_years,
        float(design.randomized_computed),
    }
    known |= {float(design.registered_planned)}
    shown = {float(value) for value in re.findall(r'<data value="([^"]+)">', (folder / "index.html").read_text(encoding="utf-8"))}
    assert {value for value in shown if not any(abs(value - own) <= 1e-12 * max(1.0, abs(own)) for own in known)} == set()
    for path in sorted((folder / "csv").glob("*.csv")):
        rows = records(path)
        assert rows
        assert {row["provenance_protocol_digest"] for row in rows} == {protocol.digest}


def test_every_point_of_percentage_stands_in_the_csv(folder):
    """The table over the unstated survival has a row a point, though the page shows every fifth and the presets."""
    rows = records(folder / "csv" / "size.csv")
    assert [round(100 * float(row["control"])) for row in rows] == list(range(30, 61))
    by_control = {round(100 * float(row["control"])): row for row in rows}
    assert (by_control[40]["freedman"], by_control[45]["lachin_foulkes"]) == ("268", "268")
    assert by_control[40]["preset"] == "control_40"


def test_the_same_design_gives_the_same_bytes(folder, protocol, tmp_path):
    """Writing again into the same folder changes nothing; a folder of something else is left alone."""
    before = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    asked = asked_plan("0.5,1", "kim_demets:3", "hwang_shih_decani:-2")
    again = describe_design(protocol, asked)
    write_design_report(again, protocol, folder, software_version="test", command="oligami design show …")
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match=r"holds thesis\.txt"):
        write_design_report(again, protocol, tmp_path, software_version="test", command="")


def test_a_second_trial_has_its_own_page(tiny, planned):
    """No number or word of the first trial; its own plan of looks, where it has one, stands first with its words."""
    sections = design_sections(describe_design(tiny), tiny)
    for language in LANGUAGES:
        words = sections_text(sections, language)
        assert not re.search(r"268|340|270|control_40|JCOG", words)
    own = sections_text(design_sections(describe_design(planned), planned), "en")
    assert "Two looks before the end." in own
    assert "2 interim, O'Brien-Fleming (Lan-DeMets): the trial's own" in own
    assert "Futility z" in own
    assert "最終解析前に2回。" in sections_text(design_sections(describe_design(planned), planned), "ja")


def test_columns_of_the_terminal_stand_below_each_other(protocol):
    """Every full row of a table is as wide as its rule, wide characters counted twice."""
    for section in design_sections(describe_design(protocol), protocol):
        for block in section.blocks:
            if isinstance(block, Table) and not any(column.words for column in block.columns):
                lines = sections_text([section], "ja").splitlines()
                rule = next(line for line in lines[lines.index(block.caption.ja) :] if line.startswith("---"))
                heads = lines[lines.index(block.caption.ja) + 1]
                assert width(heads) == width(rule)
    assert width("検出力 70 %") == 11


def test_a_projection_names_no_arm(synthetic, protocol, tmp_path):
    """No title of an arm stands on the page of a projection, in its tables or in its numbers; it says that arms are together."""
    datasets = synthetic.made_up(protocol, registered=120, cut=date(2027, 1, 1))
    result = project(pooled_course(datasets, protocol), target=169, seed=1)
    write_projection_report(result, protocol, tmp_path / "page", command="oligami design project JOURNAL")
    titles = {words for arm in protocol.trial.arm for own in (arm.title, arm.short_title) for words in (own.en, own.ja)}
    for path in (tmp_path / "page").rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not [title for title in titles if title in text]
            assert not re.search(r"control|experimental|hazard_ratio", text)
    for language in LANGUAGES:
        assert POOLED[language] in sections_text(projection_sections(result), language)


def test_a_look_warns_whom_it_is_for(synthetic, planned, tmp_path):
    """The page and the terminal say in both languages that results are by arm and for those who may see them."""
    cuts = [synthetic.made_up(planned, registered=60, cut=day) for day in (date(2025, 6, 1), date(2029, 1, 1))]
    result = take_look(cuts, planned, final=True)
    write_look_report(result, planned, tmp_path / "page", command="oligami design look JOURNAL --final")
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    for language in LANGUAGES:
        assert CLOSED[language] in page
        assert CLOSED[language] in sections_text(look_sections(result, planned), language)
    rows = records(tmp_path / "page" / "csv" / "looks.csv")
    assert [int(row["events"]) for row in rows] == [look.events for look in result.looks]
    assert [int(row["events_control"]) + int(row["events_experimental"]) for row in rows] == [int(row["events"]) for row in rows]
    assert "stagewise" in page


def test_pictures_say_what_they_show(protocol):
    """Every picture has a description in both languages and belongs to a table of its section."""
    for section in design_sections(describe_design(protocol), protocol):
        tables = {block.id for block in section.blocks if isinstance(block, Table)}
        for block in section.blocks:
            if isinstance(block, Figure):
                assert block.table in tables
                assert "<desc" in block.svg
