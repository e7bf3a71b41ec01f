"""Compiling expressions and holding the files of a protocol against one another."""

import dataclasses
import pickle
import shutil
from pathlib import Path

import pytest

from oligami.protocol.check import check_folder, check_protocol, open_protocol
from oligami.protocol.compile import compile_protocol, derive_values
from oligami.protocol.expression import ExpressionError, compile_expression
from oligami.protocol.load import load_protocol
from oligami.protocol.problems import ProtocolErrors, group_by_file

TINY = Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the tiny protocol to break."""
    return Path(shutil.copytree(TINY, tmp_path / "tiny" / "1.0"))


def edit(path: Path, old: str, new: str) -> None:
    words = path.read_text(encoding="utf-8")
    assert old in words
    path.write_text(words.replace(old, new, 1), encoding="utf-8")


def faults(folder: Path) -> list[tuple[str, str, str | None]]:
    compiled, problems = check_folder(folder)
    assert (compiled is None) == bool(problems)
    return [(problem.file, problem.key, problem.near_miss) for problem in problems]


def test_the_tiny_protocol_is_good() -> None:
    """A new folder needs no code: it compiles with its criteria, factors and baseline rows."""
    compiled = open_protocol(TINY)
    assert check_protocol(compiled.protocol) == ()
    assert [each.criterion.id for each in compiled.stages["entry"].criteria] == ["T-1", "T-2", "T-3"]
    assert [factor.id for factor, _ in compiled.factors] == ["loudness_class"]
    assert [row.id for row, _ in compiled.baseline] == ["age", "loudness"]
    assert compiled.rows == compiled.rules == compiled.lung_location == ()
    assert set(compiled.casebook_scope.items) >= {"site", "loudness_class", "age_years"}


def test_what_names_a_person_is_not_in_the_casebook() -> None:
    """The birth date serves the form that derives the age, and no rule besides."""
    compiled = open_protocol(TINY)
    assert "birth_date" in compiled.forms["entry"].scope.items
    assert "entry.birth_date" not in compiled.forms["follow_up"].scope.items
    assert "entry.age_years" in compiled.forms["follow_up"].scope.items
    with pytest.raises(ExpressionError):
        compile_expression("birth_date is known", compiled.casebook_scope)


@pytest.mark.parametrize(("loudness", "expected"), [(39.9, "faint"), (40, "loud"), (None, None)])
def test_derived_items_follow_or_stay_unknown(loudness: float | None, expected: str | None) -> None:
    """The first true case gives the value; an unknown case makes it unknown."""
    assert derive_values(open_protocol(TINY), {"loudness": loudness})["loudness_class"] == expected


def test_expressions_of_all_files_are_refused_at_once(folder: Path) -> None:
    """Misspelt items, codes and units in five files are five problems, each with its near miss."""
    edit(folder / "eligibility.toml", 'tinnitus == "yes"', 'tinnitus == "yess"')
    edit(folder / "eligibility.toml", "loudness < 40 %", "loudnes < 40 %")
    edit(folder / "allocation.toml", 'expression = "loudness_class"', 'expression = "loudness_clas"')
    edit(folder / "analysis.toml", 'expression = "age_years"', 'expression = "age_year"')
    edit(folder / "forms" / "entry.toml", "completed_years(birth_date,", "completed_years(birth_dat,")
    edit(folder / "forms" / "follow_up.toml", "entry.registration_date", "entry.registration_dat")
    assert faults(folder) == [
        ("forms/entry.toml", "item[age_years].derive", "birth_date"),
        ("forms/follow_up.toml", "check[after_registration].holds", "entry.registration_date"),
        ("eligibility.toml", "stage[entry].criterion[T-2].met", "yes"),
        ("eligibility.toml", "derived[loudness_class].case[1].when", "loudness"),
        ("allocation.toml", "factors[loudness_class].expression", "loudness_class"),
        ("analysis.toml", "baseline[age].expression", "age_years"),
    ]


REFERENCES = [
    ("trial.toml", 'record_label = "Paper diary"', 'record_label = "Paper dairy"', "arm[paper].record_label", "Paper diary"),
    ("eligibility.toml", 'form = "entry"', 'form = "entri"', "stage[entry].form", "entry"),
    ("eligibility.toml", 'kind = "inclusion"', 'kind = "inclusive"', "stage[entry].criterion[T-1].kind", "inclusion"),
    ("eligibility.toml", 'id = "T-2"', 'id = "T-1"', "criterion[T-1]", None),
    ("eligibility.toml", "randomizes = true\n", "", "stage", None),
    ("allocation.toml", '{id = "spoken"}', '{id = "spokn"}', "arms[spokn].id", "spoken"),
    ("allocation.toml", 'levels = ["faint", "loud"]', 'levels = ["faint", "lout"]', "factors[loudness_class].levels", "loud"),
    ("allocation.toml", "[4, 6]", "[4, 5]", "block_sizes", None),
    ("allocation.toml", "[0.5, 0.5]", "[0.5, 0.6]", "block_probabilities", None),
    ("schedule.toml", 'anchor = "registration:entry"', 'anchor = "registration:entri"', "activity[registration].anchor", "entry"),
    (
        "schedule.toml",
        'anchor = "registration:entry"',
        'anchor = "event:death_dat"',
        "activity[registration].anchor",
        "death_date",
    ),
    ("schedule.toml", 'form = "follow_up"', 'form = "followup"', "activity[follow_up].form", "follow_up"),
    ("schedule.toml", "every_days = 90", "every_days = 0", "activity[follow_up].repeat[1].every_days", None),
    ("design.toml", 'in_force = "60-80"', 'in_force = "60-81"', "preset_in_force", "60-80"),
    ("design.toml", "limit = 60", "limit = 61", "closing[entry]", None),
    ("analysis.toml", '"randomized"', '"randomised"', "endpoint[os].population", "randomized"),
    ("analysis.toml", '["death"]', '["deaths"]', "endpoint[os].event", "death"),
    ("analysis.toml", '"last_alive"', '"last_alife"', "endpoint[os].censor", "last_alive"),
    ("analysis.toml", 'start = "randomization"\n', "", "endpoint[os].start", None),
    ("analysis.toml", "primary = true\n", "", "endpoint", None),
    ("analysis.toml", 'factor = "loudness_class"', 'factor = "loudness"', "stratum[1].factor", "loudness_class"),
    ("safety.toml", 'starts = "randomization"', 'starts = "randomisation"', "period[diary].starts", "randomization"),
    (
        "forms/entry.toml",
        'codelist = "yes_no_unknown"',
        'codelist = "yes_no_unkown"',
        "item[tinnitus].codelist",
        "yes_no_unknown",
    ),
    ("forms/entry.toml", 'unknown = ["unknown"]', 'unknown = ["unkown"]', "item[tinnitus].unknown", "unknown"),
    ("forms/entry.toml", 'item = "loudness"', 'item = "loudnes"', "check[very_loud].item", "loudness"),
    ("forms/entry.toml", 'unit = "years"', 'unit = "% of"', "item[age_years].unit", None),
    ("forms/death.toml", 'id = "death_date"', 'id = "deathdate"', "item", "deathdate"),
    ("forms/death.toml", 'after_stage = "entry"', 'after_stage = "first"', "after_stage", None),
    ("forms/death.toml", 'type = "date"', 'type = "text"', "item[death_date].type", None),
]


@pytest.mark.parametrize(("file", "old", "new", "key", "near"), REFERENCES)
def test_every_reference_is_looked_at(folder: Path, file: str, old: str, new: str, key: str, near: str | None) -> None:
    """Each reference that leads nowhere is a problem at its place, with its near miss."""
    edit(folder / file, old, new)
    assert (file, key, near) in faults(folder)


def test_items_that_follow_from_one_another_stand_in_order(folder: Path) -> None:
    """An item derived from one that is derived later is refused."""
    edit(
        folder / "forms" / "entry.toml",
        '[[item]]\nid = "sex"',
        '[[item]]\nid = "age_then"\nlabel = {en = "x", ja = "x"}\ntype = "integer"\nunit = "years"\nderive = "age_now"\n\n'
        '[[item]]\nid = "age_now"\nlabel = {en = "x", ja = "x"}\ntype = "integer"\nunit = "years"\nderive = "age_years"\n\n'
        '[[item]]\nid = "sex"',
    )
    assert faults(folder) == [("forms/entry.toml", "item[age_then].derive", None)]


def test_a_replaced_protocol_is_compiled_anew() -> None:
    """A protocol is kept by its digest, but a changed one that still carries the old digest is not taken for it."""
    protocol = load_protocol(TINY)
    compiled = compile_protocol(protocol)
    assert compile_protocol(load_protocol(TINY)) is compiled
    changed = dataclasses.replace(protocol, eligibility=dataclasses.replace(protocol.eligibility, rules_version="2"))
    assert compile_protocol(changed).protocol.eligibility.rules_version == "2"
    assert compile_protocol(protocol) is compiled


def test_a_compiled_protocol_travels_between_processes() -> None:
    """Pickled and back, it judges the same."""
    there = pickle.loads(pickle.dumps(open_protocol(TINY)))
    assert derive_values(there, {"loudness": 41})["loudness_class"] == "loud"


def test_errors_travel_and_are_grouped_by_file(folder: Path) -> None:
    """The problems survive pickling, and print file by file in both languages."""
    edit(folder / "design.toml", "limit = 60", "limit = 61")
    edit(folder / "analysis.toml", '["death"]', '["deaths"]')
    with pytest.raises(ProtocolErrors) as caught:
        open_protocol(folder)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.problems == caught.value.problems
    groups = group_by_file(again.problems, "ja")
    assert [file for file, _ in groups] == ["design.toml", "analysis.toml"]
    assert all("必要です" in sentence for _, sentences in groups for sentence in sentences)


@pytest.mark.parametrize(
    ("form", "item", "key"),
    [
        ("follow_up", "contact_date", "item[contact_date].partial"),
        ("entry", "registration_date", "item[registration_date].partial"),
        ("entry", "birth_date", "item[birth_date].partial"),
        ("entry", "sex", "item[sex].partial"),
    ],
)
def test_a_date_that_is_counted_from_is_not_partial(folder: Path, form: str, item: str, key: str) -> None:
    """`partial` is refused on what code reads by the day, on what names a person, and on what is no date."""
    path = folder / "forms" / f"{form}.toml"
    edit(path, f'id = "{item}"\n', f'id = "{item}"\npartial = true\n')
    assert [(file, found) for file, found, _ in faults(folder)] == [(f"forms/{form}.toml", key)]


def test_a_date_the_schedule_counts_from_is_not_partial() -> None:
    """An item that anchors visits has a day; another item of the same form may do without."""
    protocol = open_protocol(TINY).protocol
    free = with_item(protocol, "entry", "last_ear_surgery_date", partial=True)
    assert check_protocol(free) == ()
    schedule = dataclasses.replace(
        protocol.schedule,
        activity=tuple(dataclasses.replace(each, anchor="event:last_ear_surgery_date") for each in protocol.schedule.activity[:1])
        + protocol.schedule.activity[1:],
    )
    (problem,) = check_protocol(dataclasses.replace(free, schedule=schedule))
    assert problem.key == "item[last_ear_surgery_date].partial"
    assert "whole dates alone" in str(problem)


def with_item(protocol, form, item, **changes):
    """The protocol with one item of a form changed."""
    forms = tuple(
        dataclasses.replace(each, item=tuple(dataclasses.replace(one, **changes) if one.id == item else one for one in each.item))
        if each.id == form
        else each
        for each in protocol.forms
    )
    return dataclasses.replace(protocol, forms=forms)
