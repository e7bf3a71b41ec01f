"""The report: page, numbers and tables say the same, in both languages, and stand on their own."""

import csv
import json
import math
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from oligami.analysis.plan import analyse
from oligami.analysis.provenance import provenance_facts
from oligami.reports.document import report_sections, write_report
from oligami.reports.phrases import in_both
from oligami.reports.tables import Table, table_records

VOID = {"meta", "input", "br", "line", "path", "rect", "circle"}


class Page(HTMLParser):
    """A page taken apart; complains about tags that do not close as they opened."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.words: dict[str, list[str]] = {"ja": [], "en": []}
        self.language: list[str | None] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        """Open a tag."""
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"{tag} has an attribute twice: {names}"
        own = dict(attrs)
        self.elements.append((tag, own, tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)
            self.language.append(own.get("lang") if own.get("class", "") and own.get("lang") else None)

    def handle_startendtag(self, tag, attrs):
        """Note a tag that closes itself."""
        self.elements.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag):
        """Close the tag that is open."""
        if tag not in VOID:
            assert self.open, f"{tag} closes what never opened"
            assert self.open.pop() == tag
            self.language.pop()

    def handle_data(self, data):
        """Keep words by their language."""
        spoken = next((own for own in reversed(self.language) if own), None)
        if spoken in self.words and data.strip():
            self.words[spoken].append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of every such tag."""
        return [own for name, own, _ in self.elements if name == tag]


def all_numbers(value) -> set[float]:
    """Every number of parsed JSON."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return set()
    if isinstance(value, (int, float)):
        return {float(value)}
    parts = value.values() if isinstance(value, dict) else value
    return set().union(*(all_numbers(part) for part in parts))


@pytest.fixture(scope="module")
def results(synthetic, protocol):
    """A trial of 120 at a late cut."""
    return analyse(synthetic.made_up(protocol, registered=120, cut=date(2030, 1, 1)), protocol)


@pytest.fixture(scope="module")
def report(results, protocol, tmp_path_factory):
    """Its report."""
    out = tmp_path_factory.mktemp("reports") / "report"
    write_report(results, protocol, out)
    return out


@pytest.fixture(scope="module")
def page(report):
    """Its page, taken apart."""
    return Page((report / "index.html").read_text(encoding="utf-8"))


def test_page_is_well_formed_and_of_a_size_to_send(page, report):
    """Every tag closes, no id stands twice, every inner link leads somewhere, and the page is at most 1.5 MB."""
    ids = [own["id"] for _, own, _ in page.elements if "id" in own]
    assert len(set(ids)) == len(ids)
    targets = {own["href"] for own in page.all("a")}
    assert targets <= {f"#{name}" for name in ids}
    named = {name for own in page.all("svg") for name in (own["aria-labelledby"] or "").split()}
    assert named <= set(ids)
    assert (report / "index.html").stat().st_size <= 1_500_000


def test_page_fetches_nothing_and_runs_nothing(report, page):
    """No script, no style sheet, no picture and no address outside the page."""
    tags = {tag for tag, _, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "image", "use"}
    text = (report / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"https?:|url\(|@import|//[a-z]", text)


def test_every_number_on_the_page_stands_in_the_json(page, report):
    """What the page shows rounded stands unrounded in numbers.json."""
    known = all_numbers(json.loads((report / "numbers.json").read_text(encoding="utf-8"))["blocks"])
    shown = [float(own["value"]) for own in page.all("data")]
    assert len(shown) > 1000
    strange = sorted({number for number in shown if number not in known})
    # Shares and sums of counts are shown beside the counts they follow from.
    counts = {number for number in known if number.is_integer()}
    unexplained = [
        number
        for number in strange
        if not number.is_integer() and not any(math.isclose(number * of, round(number * of), abs_tol=1e-9) for of in counts if of)
    ]
    assert unexplained == []


def test_headline_numbers_are_those_of_the_primary_endpoint(report, results):
    """Hazard ratio, limits, p and survival in the first lines are the primary endpoint's, to the digits shown."""
    text = (report / "index.html").read_text(encoding="utf-8")
    headline = text[text.index('<section class="headline"') : text.index("<nav")]
    result = results.endpoints["os"]
    comparison = result.comparisons[0]
    values = {float(value) for value in re.findall(r'<data value="([^"]+)"', headline)}
    wanted = {comparison.hazard_ratio.value, comparison.stratified.p_one_sided, comparison.differences[0].difference.value}
    wanted |= {limit for level in (0.9, 0.95) for limit in (comparison.hazard_ratio.interval(level).lower,)}
    wanted |= {curve.milestones[-1].survival.value for curve in result.curves}
    assert wanted <= values
    assert f"{comparison.hazard_ratio.value:.2f}" in headline


def test_both_languages_say_everything(page):
    """Every wording has its twin, no Japanese stands in the English, and Japanese comes first."""
    spans = [
        (tag, own["class"], own["lang"])
        for tag, own, _ in page.elements
        if own.get("lang") in ("ja", "en") and "class" in own and tag != "label"
    ]
    classes = [lang for _, _, lang in spans]
    assert classes[0::2] == ["ja"] * (len(classes) // 2)
    assert classes[1::2] == ["en"] * (len(classes) // 2)
    assert all(lang in (kind or "").split() for _, kind, lang in spans)
    assert [words for words in page.words["en"] if re.search(r"[぀-ヿ一-鿿]", words)] == []
    assert len(page.words["ja"]) > 300


def test_findings_are_sentences_in_both_languages(results, protocol):
    """Each section opens with a sentence that ends as one in either language."""
    for section in report_sections(results, protocol):
        finding = in_both(section.finding)
        assert finding.en.endswith("."), section.id
        assert finding.ja.endswith("。"), section.id
        assert "{" not in finding.en + finding.ja


def test_tables_can_be_read_aloud(page):
    """Every table has a caption, and every head says whether it heads a row or a column."""
    tables = page.all("table")
    assert len(page.all("caption")) == len(tables) > 15
    assert all(own.get("scope") in ("col", "row", "rowgroup") for own in page.all("th"))


def test_figures_have_names_descriptions_and_twins(page, report):
    """Every figure has a title and a description, and its caption leads to the table with its numbers."""
    figures = page.all("figure")
    assert len(figures) >= 8
    assert len(page.all("title")) == len(figures) + 1  # and the page's own
    assert len(page.all("desc")) == len(figures)
    text = (report / "index.html").read_text(encoding="utf-8")
    captions = re.findall(r"<figcaption>.*?</figcaption>", text)
    assert all('href="#table-' in caption for caption in captions)


def test_every_csv_holds_what_the_page_shows_with_its_origin(report, results, protocol):
    """Each table has a CSV with one width, the values unrounded, and the provenance on every row."""
    facts = provenance_facts(results.provenance)
    tables = [block for section in report_sections(results, protocol) for block in section.blocks if isinstance(block, Table)]
    assert {path.stem for path in (report / "csv").iterdir()} == {table.id for table in tables}
    for table in tables:
        with (report / "csv" / f"{table.id}.csv").open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        names, values = table_records(table)
        assert header == [*names, *(f"provenance_{name}" for name in facts)]
        assert len(set(header)) == len(header), table.id
        assert {len(row) for row in rows} <= {len(header)}
        assert [float(row[at]) for row in rows for at, name in enumerate(header) if name == "provenance_through"] == [
            results.provenance.through
        ] * len(rows)
        for row, own in zip(rows, values, strict=True):
            for text, value in zip(row, own, strict=False):
                if isinstance(value, float):
                    assert float(text) == value
                elif value is None:
                    assert text == ""


def test_numbers_json_carries_its_origin_in_every_block(report, results):
    """Every block of numbers.json can be cut out and still says where it comes from; nothing in it is not a number."""
    text = (report / "numbers.json").read_text(encoding="utf-8")
    document = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    facts = provenance_facts(results.provenance)
    assert document["provenance"] == facts
    assert document["command"] == "oligami analyse JOURNAL --up-to 2030-01-01 --through 1000"
    assert all(block["provenance"] == facts for block in document["blocks"].values())
    assert document["blocks"]["endpoints"]["results"]["os"]["comparisons"][0]["hazard_ratio"]["value"] == (
        results.endpoints["os"].comparisons[0].hazard_ratio.value
    )


def test_simulated_data_are_called_so(report, results, protocol, tmp_path):
    """A simulated trial carries a banner that a real one does not."""
    assert "Simulated data" in (report / "index.html").read_text(encoding="utf-8")
    real = replace(results, provenance=replace(results.provenance, simulated=False, seed=None))
    write_report(real, protocol, tmp_path / "real")
    assert "Simulated data" not in (tmp_path / "real" / "index.html").read_text(encoding="utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_same_datasets_same_bytes(report, synthetic, protocol, tmp_path):
    """The report made again from the same cut is the same, byte for byte."""
    again = analyse(synthetic.made_up(protocol, registered=120, cut=date(2030, 1, 1)), protocol)
    told: list[str] = []
    files = write_report(again, protocol, tmp_path / "again", progress=told.append)
    assert contents(tmp_path / "again") == contents(report)
    assert [str(path.relative_to(tmp_path / "again")) for path in files] == told
    assert all(path.is_file() for path in files)


def test_an_earlier_report_is_replaced_and_nothing_else(results, protocol, tmp_path):
    """A report gives way to the next; a folder with anything else in it is left alone, with a remedy."""
    out = tmp_path / "report"
    write_report(results, protocol, out)
    (out / "csv" / "old.csv").write_text("old")
    write_report(results, protocol, out)
    assert not (out / "csv" / "old.csv").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]

    (out / "thesis.txt").write_text("three years of work")
    with pytest.raises(ValueError, match=r"thesis\.txt.*new or empty folder"):
        write_report(results, protocol, out)
    strange = tmp_path / "home"
    strange.mkdir()
    (strange / "index.html").write_text("<p>mine</p>")
    with pytest.raises(ValueError, match="not a report"):
        write_report(results, protocol, strange)
    with pytest.raises(ValueError, match="not a folder"):
        write_report(results, protocol, strange / "index.html")
    assert (strange / "index.html").read_text() == "<p>mine</p>"


@pytest.mark.parametrize("trial", ["protocol", "tiny"])
@pytest.mark.parametrize(
    "happened",
    [
        {"registered": 0},
        {"randomize": False},
        {"registered": 340, "cut": date(2024, 3, 1)},
        {"events": False},
        {"registered": 2, "seed": 3},
    ],
    ids=["nobody", "nobody randomized", "first weeks", "no event", "one or two"],
)
def test_a_trial_in_which_little_has_happened_has_a_report(request, synthetic, tmp_path, trial, happened):
    """Where there is nothing to show the page says so in a sentence, and is still well formed."""
    own = request.getfixturevalue(trial)
    results = analyse(synthetic.made_up(own, **happened), own)
    write_report(results, own, tmp_path / "report")
    text = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    Page(text)
    assert "nan" not in re.findall(r"[a-z]+", text[text.index("<body>") :].lower())
    assert 'value="None"' not in text
    assert "<td>None</td>" not in text
