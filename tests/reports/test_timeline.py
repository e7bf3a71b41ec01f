"""The timeline: the picture and its twin table say the same, in every language, small enough for any line."""

import itertools
import re
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest

from oligami.data.course import LANES, Course, Mark
from oligami.protocol.text import Text
from oligami.reports.timeline import LANE_TITLES, draw_timeline, sentence, timeline_facts

START = date(2030, 1, 10)


def mark(lane, days, what, **more):
    return Mark(lane=lane, start=START + timedelta(days=days), what=Text(what, f"{what}（日）"), **more)


def course(*marks, days=400):
    return Course(subject="S-0001", first=START, last=START + timedelta(days=days), marks=tuple(marks))


@pytest.fixture
def five_years():
    """A course of five years with all that can be in it: 60 courses of therapy, 40 adverse events, 15 scans and the rest."""
    marks = [mark("status", 0, "First registration", tone="milestone", short="1")]
    marks += [mark("therapy", 28 * k, f"Course {k}", detail=Text("Regimen", "レジメン")) for k in range(60)]
    for k in range(40):
        end = START + timedelta(days=45 * k + 20)
        how = {"tone": "severe", "short": "3"} if k % 4 == 0 else {"tone": "mild", "short": "1"}
        marks.append(mark("toxicity", 45 * k, "Neutropenia", end=end, detail=Text("grade", "Grade"), **how))
    marks += [mark("scan", 120 * k, "Evaluation", short="PR", tone="good") for k in range(15)]
    marks += [mark("contact", 183 * k, "Follow-up") for k in range(10)]
    marks += [mark("questionnaire", 300 * k, "Questionnaire") for k in range(6)]
    marks += [mark("local", 130, "Radiotherapy", short="L1", ongoing=True), mark("status", 1800, "Death", tone="bad", short="†")]
    return course(*marks, days=1826)


class _Titles(HTMLParser):
    """Collects the titles of groups, and all attributes' names."""

    def __init__(self):
        super().__init__()
        self.titles, self.names, self._depth, self._in_title = [], set(), 0, False

    def handle_starttag(self, tag, attrs):
        self.names |= {name for name, _ in attrs}
        self._depth += tag == "g"
        self._in_title = tag == "title" and self._depth > 0
        if self._in_title:
            self.titles.append("")

    def handle_endtag(self, tag):
        self._depth -= tag == "g"
        self._in_title = False

    def handle_data(self, data):
        if self._in_title:
            self.titles[-1] += data


def read(svg):
    parser = _Titles()
    parser.feed(svg)
    return parser


@pytest.mark.parametrize("language", ["ja", "en"])
def test_picture_and_table_say_the_same(five_years, language):
    """Each mark of the picture is a row of the table, and each row a mark."""
    drawn = sorted(read(draw_timeline(five_years, language)).titles)
    assert drawn == sorted(sentence(each, language) for each in five_years.marks)
    facts = timeline_facts(five_years)
    assert len(facts) == len(drawn)
    for fact in facts:
        assert any(each.startswith(fact.start.isoformat()) and fact.what[language] in each for each in drawn)


def test_no_style_and_no_script(five_years):
    """The picture passes the strictest policy: no style attribute, no script, nothing from elsewhere."""
    svg = draw_timeline(five_years, "ja")
    names = read(svg).names
    assert "style" not in names
    assert not any(name.startswith("on") for name in names)
    assert not re.search(r"<(script|style|image|use|foreignObject|a)\b|https?:|url\(", svg)


def test_small_enough(five_years):
    """Picture and table of five years stay below 60 kB."""
    svg = draw_timeline(five_years, "ja")
    cells = "".join(
        f'<tr><th scope="row">{fact.start}</th><td>{fact.end or ""}</td><td>{fact.lane.ja}</td><td>{fact.what.ja}</td>'
        f"<td>{fact.detail.ja}</td></tr>\n"
        for fact in timeline_facts(five_years)
    )
    assert len((svg + cells).encode()) < 60_000


def test_marks_of_a_lane_hide_none(five_years):
    """No two marks of a lane lie on one another: what overlaps in time stands in rows of its own."""
    svg = draw_timeline(five_years, "en")
    boxes = [tuple(map(float, found)) for found in re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"', svg)]
    assert len(boxes) == 41
    for place, (x, y, width) in enumerate(boxes):
        for other_x, other_y, other_width in boxes[place + 1 :]:
            assert y != other_y or x + width <= other_x or other_x + other_width <= x


@pytest.mark.parametrize("days", [0, 1, 40, 200, 800, 4000, 15_000])
def test_every_span_has_dates(days):
    """From a day to decades the axis names some dates, and never more than stand apart."""
    svg = draw_timeline(course(mark("status", 0, "Registration"), mark("contact", days, "Seen"), days=days), "en")
    ticks = [float(x) for x in re.findall(r'class="tick" x="([\d.]+)"', svg)]
    assert len(ticks) >= 1
    assert all(later - earlier > 40 for earlier, later in itertools.pairwise(ticks))


def test_words_are_escaped():
    """A label that looks like mark-up stays a label."""
    svg = draw_timeline(course(mark("toxicity", 3, "<b>&", short="<")), "en")
    assert "<b>" not in svg
    assert "&lt;b&gt;&amp;" in svg


def test_every_lane_has_a_title():
    """All lanes of a course are drawn under a name."""
    assert set(LANE_TITLES) == set(LANES)
