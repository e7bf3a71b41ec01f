"""The inspector's list in `docs/explanation/practice.md`: every number once, and every test that it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "practice.md"
#: How many numbers each section of the group's lists has.
SECTIONS = {"P.": 7, "A.": 13, "B.": 6, "C.": 9, "D.": 4, "E.": 7, "H.": 5, "I.": 3, "R3.": 6, "R4.": 2, "R5.": 6}
NUMBERS = [f"{section}{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)]
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def rows() -> list[list[str]]:
    """Return the cells of every row of the tables, without their heads."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| [A-Z]\d*\.\d", line)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return the names of the tests in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def test_every_number_stands_once() -> None:
    """All numbers of the sections are there, in order, each once."""
    assert [row[0] for row in rows()] == NUMBERS


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_each_row_says_what_holds_it_or_why_not(row: list[str]) -> None:
    """A row has a claim and a state; what is held names tests that are there, what is not says why."""
    number, claim, state, held_by = row
    assert claim
    named = _TEST.findall(held_by)
    reason = _TEST.sub("", held_by).strip(" —")
    for path, name in named:
        assert (ROOT / path).is_file(), f"{number}: {path}"
        assert name in names_in(ROOT / path), f"{number}: {path}::{name}"
    match state:
        case "held":
            assert named, number
        case "partly":
            assert named, number
            assert len(reason.split()) > 5, number
        case "not yet":
            assert len(reason.split()) > 5, number
        case _:
            pytest.fail(f"{number}: {state}")


def test_every_section_has_its_summary_in_japanese() -> None:
    """After each heading of a table stands one line that says it in Japanese."""
    parts = PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
    assert len(parts) == 9
    for part in parts:
        assert re.search(r"^要約：\S+", part, re.MULTILINE), part[:40]


def test_the_counts_at_the_head_are_those_of_the_tables() -> None:
    """How many are held, partly held and open is said at the top as the tables have it."""
    states = [row[2] for row in rows()]
    said = re.search(r"Of (\d+) numbers (\d+) are held, (\d+) partly, (\d+) not yet", PAGE.read_text(encoding="utf-8"))
    assert said is not None
    assert [int(each) for each in said.groups()] == [len(states), *(states.count(each) for each in ("held", "partly", "not yet"))]
