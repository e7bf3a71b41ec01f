"""Worked cases: how they are read, and what counts as a difference."""

import shutil
from pathlib import Path

from oligami.protocol.cases import load_cases, mismatches

TINY = Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"


def test_cases_are_read_with_verb_input_and_expectation() -> None:
    """Both cases of the tiny protocol come with what goes in and what must come out."""
    cases, problems = load_cases(TINY)
    assert problems == ()
    assert [(case.id, case.judge, case.expected["verdict"]) for case in cases] == [
        ("T01", "eligibility-entry", "eligible"),
        ("T02", "eligibility-entry", "ineligible"),
    ]


def test_faults_of_case_files_are_listed_at_once(tmp_path: Path) -> None:
    """A missing verb, a title in one language, a missing table, a double id and a misspelt key are five problems."""
    folder = Path(shutil.copytree(TINY, tmp_path / "1.0"))
    path = folder / "cases" / "entry.toml"
    words = path.read_text(encoding="utf-8")
    words = words.replace('judge = "eligibility-entry"', "").replace("[case.input]", "[case.inputs]", 1)
    words = words.replace('ja = "ちょうど3か月前の手術"', 'ja = ""').replace('id = "T02"', 'id = "T01"')
    path.write_text(words, encoding="utf-8")
    cases, problems = load_cases(folder)
    assert cases == ()
    assert [(problem.key, problem.near_miss) for problem in problems] == [
        ("judge", None),
        ("case[T01].inputs", "input"),
        ("case[T01].input", None),
        ("case[T01].id", None),
        ("case[T01].title", None),
    ]


def test_only_what_is_expected_is_compared() -> None:
    """Further keys, the order of words, the third decimal and findings with a rule do not make a difference."""
    found = {"verdict": "ineligible", "not_met": [{"rule": "b"}, {"rule": "a"}], "dose": 10.504, "course": None, "tree": 1}
    assert mismatches({"verdict": "ineligible", "not_met": ["a", "b"], "dose": 10.5, "course": ""}, found) == []


def test_differences_are_told_with_their_key() -> None:
    """A word, a number, a row of a list, a missing key and a flag for a number are each told."""
    expected = {"verdict": "eligible", "rows": [{"mm": 3}, {"mm": 4}], "gone": 1, "flag": 1, "words": ["a"], "short": [1]}
    found = {"verdict": "pending", "rows": [{"mm": 3}, {"mm": 4.1}], "flag": True, "words": ["a", "b"], "short": [1, 2]}
    assert mismatches(expected, found) == [
        ("verdict", "eligible", "pending"),
        ("rows[2].mm", 4, 4.1),
        ("gone", 1, None),
        ("flag", 1, True),
        ("words", ["a"], ["a", "b"]),
        ("short", [1], [1, 2]),
    ]
