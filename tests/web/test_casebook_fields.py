"""How what is typed becomes values, and values become fields."""

from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oligami.protocol.compile import compile_protocol
from oligami.protocol.load import find_protocol, load_protocol
from oligami.trial.forms import examine
from oligami.web.casebook.dates import ERAS, read_date, read_year_or_month, show_era
from oligami.web.casebook.fields import form_fields, show_value
from oligami.web.casebook.reading import examine_posted, name_of, raw_of, read_post

JCOG = compile_protocol(load_protocol(find_protocol("jcog2110", version="1.0")))
TINY = compile_protocol(load_protocol(Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"))
FORMS = [*JCOG.forms.values(), *TINY.forms.values()]
ENTRY, SCAN = TINY.forms["entry"], JCOG.forms["response_evaluation"]
STEADY = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("19650412", date(1965, 4, 12)),
        ("1965-04-12", date(1965, 4, 12)),
        ("1965/4/12", date(1965, 4, 12)),
        ("1965年4月12日", date(1965, 4, 12)),
        ("S40.4.12", date(1965, 4, 12)),
        ("s400412", date(1965, 4, 12)),
        ("昭和40年4月12日", date(1965, 4, 12)),
        ("昭40.4.12", date(1965, 4, 12)),
        ("Ｓ４０．４．１２", date(1965, 4, 12)),
        ("１９６５０４１２", date(1965, 4, 12)),
        (" R6.6.10 ", date(2024, 6, 10)),
        ("令和元年5月1日", date(2019, 5, 1)),
        ("H31.4.30", date(2019, 4, 30)),
        ("H1.1.8", date(1989, 1, 8)),
        ("T1.7.30", date(1912, 7, 30)),
        ("M45.7.30", date(1912, 7, 30)),
        ("20240229", date(2024, 2, 29)),
        ("20230229", None),
        ("H31.5.1", None),
        ("S64.1.8", None),
        ("R0.1.1", None),
        ("650412", None),
        ("65/4/12", None),
        ("1965-04", None),
        ("S40.4", None),
        ("12/04/1965", None),
        ("2024-06-10x", None),
        ("", None),
    ],
)
def test_dates_are_read_by_digits_in_either_calendar(typed: str, meant: date | None) -> None:
    """A date is one whole day of one calendar, or it is not read."""
    assert read_date(typed) == meant


@given(st.dates(min_value=date(1873, 1, 1), max_value=date(2100, 12, 31)))
@STEADY
def test_a_date_shown_in_its_era_is_the_same_date(day: date) -> None:
    """Whatever day it is, its Japanese writing is read back as it."""
    assert read_date(show_era(day)) == day


def test_each_era_begins_where_it_began() -> None:
    """An era's first day is its first: the day before belongs to the era before."""
    for before, era in pairwise(ERAS):
        assert show_era(era.first) == f"{era.letter}1.{era.first.month}.{era.first.day}"
        assert before.last is not None
        assert 0 <= (era.first - before.last).days <= 1


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("12", 12),
        ("１２．５", 12.5),
        ("12.", 12),
        ("12 %", 12),
        ("０", 0),
        ("-3", -3),
        ("12,5", None),
        ("1e3", None),
        ("twelve", None),
        ("9" * 50, None),
    ],
)
def test_numbers_are_folded_or_refused_with_a_sentence(typed: str, meant: float | None) -> None:
    """A number is read in half or full width; what is none is a problem that names what was found."""
    posted = read_post(ENTRY, {"loudness": typed})
    assert posted.values.get("loudness") == meant
    assert bool(posted.problems) == (meant is None)
    assert posted.raw["loudness"] == typed


def test_a_length_may_be_typed_in_another_unit() -> None:
    """Where hospitals measure in cm, 1.5 cm is 15 mm; a unit of another kind is refused, and the sentence lists those that fit."""
    good = read_post(SCAN, {"lesion_sizes-1-size_mm": "１．５ｃｍ", "lesion_sizes-2-size_mm": "15mm"})
    assert [row["size_mm"] for row in good.values["lesion_sizes"]] == [15, 15]
    bad = read_post(SCAN, {"lesion_sizes-1-size_mm": "15 kg"})
    assert "cm" in bad.problems[0].text.en
    assert bad.problems[0].item == "lesion_sizes[1].size_mm"


def test_empty_rows_are_dropped_and_the_others_numbered_anew() -> None:
    """Rows are counted from 1 without the empty ones, in values, errors and fields alike."""
    posted = read_post(ENTRY, {"sounds-2-pitch": "", "sounds-3-pitch": "high", "sounds-7-hours_a_day": "30"})
    assert posted.values["sounds"] == [{"pitch": "high"}, {"hours_a_day": 30}]
    assert set(posted.raw) == {"sounds-1-pitch", "sounds-2-hours_a_day"}
    assert posted.blank_rows["sounds"] == 1
    errors = {name_of(problem.item) for problem in examine_posted(ENTRY, posted).errors}
    assert "sounds-2-hours_a_day" in errors


def test_never_is_a_box_and_a_word() -> None:
    """That a thing never happened can be ticked or written; a date beside the tick is a contradiction."""
    for post in ({"last_ear_surgery_date-never": "none"}, {"last_ear_surgery_date": "なし"}, {"last_ear_surgery_date": "None"}):
        assert read_post(ENTRY, post).values == {"last_ear_surgery_date": "none"}
    both = read_post(ENTRY, {"last_ear_surgery_date-never": "none", "last_ear_surgery_date": "20200101"})
    assert "last_ear_surgery_date" not in both.values
    assert "both" in both.problems[0].text.en


def test_what_names_a_person_is_never_repeated_in_a_sentence() -> None:
    """A birth date that cannot be read is asked for again without being shown in the error."""
    posted = read_post(ENTRY, {"birth_date": "19650499"})
    assert "19650499" not in posted.problems[0].text.en + posted.problems[0].text.ja


def test_a_partial_date_is_told_from_a_wrong_one() -> None:
    """A month without a day gets the sentence that the day is missing."""
    posted = read_post(ENTRY, {"registration_date": "2024-06"})
    assert "without its day" in posted.problems[0].text.en


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2024", "2024"),
        ("2024年", "2024"),
        ("2024-05", "2024-05"),
        ("2024/5", "2024-05"),
        ("2024年5月", "2024-05"),
        ("２０２４．５", "2024-05"),
        ("R6", "2024"),
        ("r6.5", "2024-05"),
        ("令和6年5月", "2024-05"),
        ("令和元年5月", "2019-05"),
        ("R1.4", None),  # Reiwa began on 1 May
        ("H31.5", None),
        ("S64.1", "1989-01"),
        ("H1", "1989"),
        ("S65", None),
        ("R0", None),
        ("2024-13", None),
        ("1869", None),
        ("202405", None),  # could be a day of 1920, or of 2020
        ("24", None),
        ("2024-05-31", None),
    ],
)
def test_a_year_or_a_month_is_read_in_either_calendar(typed: str, meant: str | None) -> None:
    """Where an item takes less than a day, it is read as told; a month outside its era is none."""
    assert read_year_or_month(typed) == meant


FOLLOW_UP = JCOG.forms["follow_up"]
SEEN = {"contact_date": "20240610", "vital_status": "alive", "clinical_progression": "no", "second_cancer": "yes"}


@pytest.mark.parametrize(
    ("typed", "saved", "english", "japanese"),
    [
        ("R6.5", "2024-05", "2024-05", "2024-05 (R6.5)"),
        ("令和6年", "2024", "2024", "2024 (R6)"),
        ("1989", "1989", "1989", "1989 (S64/H1)"),
        ("20240531", "2024-05-31", "2024-05-31", "2024-05-31 (R6.5.31)"),
    ],
)
def test_less_than_a_day_is_taken_and_shown_as_such(typed: str, saved: str, english: str, japanese: str) -> None:
    """A year or a month is kept and shown without a day, beside the field and for reading."""
    raw = {**SEEN, "second_cancer_date": typed, "second_cancer_text": "x"}
    posted = read_post(FOLLOW_UP, raw)
    assert posted.values["second_cancer_date"] == saved
    assert examine_posted(FOLLOW_UP, posted).errors == ()
    for language, words in (("en", english), ("ja", japanese)):
        field = next(each for each in form_fields(FOLLOW_UP, raw, language=language).fields if each.name == "second_cancer_date")
        assert (field.shown, field.echo) == (words, "" if typed == words else words)
    assert field.range == "日が不明なら年または年月のみで可：2024、2024-05、R6.5"


def test_an_impossible_month_is_refused_with_what_will_do() -> None:
    """The sentence beside the field says that a year or a month is enough."""
    (problem,) = read_post(FOLLOW_UP, {**SEEN, "second_cancer_date": "2024-13"}).problems
    assert "the year or month alone, such as 2024, 2024-06 or R6.6 (from 1870)" in problem.text.en
    assert "年のみ・年月のみ" in problem.text.ja


def test_what_could_not_be_read_is_not_also_called_missing() -> None:
    """One slip, one sentence."""
    posted = read_post(ENTRY, {"registration_date": "June", "sex": "female", "tinnitus": "no"})
    examined = examine_posted(ENTRY, posted)
    assert [problem.item for problem in examined.errors] == ["registration_date"]


def test_an_item_that_is_not_asked_is_hidden_unless_something_was_typed() -> None:
    """Loudness is asked of those who hear a tinnitus; what was typed before stays to be seen and taken back."""

    def loudness(raw: dict[str, str]) -> Any:
        return next(field for field in form_fields(ENTRY, raw, language="en").fields if field.name == "loudness")

    assert loudness({"tinnitus": "no"}).hidden
    assert not loudness({"tinnitus": "yes"}).hidden
    assert loudness({}).unsure
    assert not loudness({"tinnitus": "no", "loudness": "40"}).hidden


def test_a_derived_item_is_shown_as_calculated() -> None:
    """The age follows from the birth date as typed and is marked so."""
    view = form_fields(ENTRY, {"birth_date": "S40.4.12", "registration_date": "R6.6.10"}, language="en")
    age = next(field for field in view.fields if field.name == "age_years")
    assert (age.derived, age.is_derived, age.value) == ("59 years", True, "")


def test_lengths_of_a_list_are_added_up() -> None:
    """The sum of what was typed so far stands under the column, in decimals."""
    view = form_fields(SCAN, {"lesion_sizes-1-size_mm": "0.1", "lesion_sizes-2-size_mm": "0.2"}, language="en")
    sizes = next(field for field in view.fields if field.kind == "list")
    assert [column.total for column in sizes.columns if column.adds_up] == ["0.3"]


def test_answers_have_one_key_each() -> None:
    """No two answers of a question share a key."""
    for compiled in FORMS:
        for field in form_fields(compiled, {}, language="ja").fields:
            keys = [option.key for option in field.options if option.key]
            assert len(keys) == len(set(keys)), field.name


def test_the_summary_leads_to_each_fault() -> None:
    """Every error has its line, and the line the id of an input that is there."""
    posted = read_post(ENTRY, {"sounds-1-hours_a_day": "99"})
    view = form_fields(ENTRY, posted.raw, language="en", problems=examine_posted(ENTRY, posted).errors)
    ids = {each.id for field in view.fields for each in (field, *(cell for row in field.rows for cell in row.cells))}
    ids |= {option.id for field in view.fields for option in field.options}
    assert len(view.faults) >= 4
    assert {fault.target for fault in view.faults} <= ids


def _texts(compiled: Any) -> st.SearchStrategy[dict[str, str]]:
    names = [item.id for item in compiled.form.item]
    names += [f"{item.id}-never" for item in compiled.form.item]
    names += [f"{item.id}-{row}-{each.id}" for item in compiled.form.item for each in item.field for row in (1, 2, 9)]
    codes = [code.value for listed in compiled.codes.values() for code in listed]
    words = st.one_of(
        st.text(max_size=40), st.sampled_from([*codes, "2024-06-10", "R6.6.10", "12.5", "１２", "none", "9" * 60, "\x00", "٣"])
    )
    return st.dictionaries(st.one_of(st.sampled_from(names), st.text(max_size=20)), words, max_size=30)


@given(st.data())
@STEADY
def test_no_post_raises(data: st.DataObject) -> None:
    """Any names with any texts are read, examined and shown; texts of the form's own fields are given back."""
    compiled = data.draw(st.sampled_from(FORMS))
    post = data.draw(_texts(compiled))
    posted = read_post(compiled, post, language="en")
    examined = examine_posted(compiled, posted)
    view = form_fields(compiled, posted.raw, language="en", problems=examined.errors, blank_rows=posted.blank_rows)
    assert len(view.fields) == len(compiled.form.item)
    for item in compiled.form.item:
        if item.type != "list" and post.get(item.id, "").strip():
            assert posted.raw[item.id] == post[item.id]
    assert read_post(compiled, posted.raw).values == posted.values


def _value(compiled: Any, item: Any, path: str) -> st.SearchStrategy[Any]:
    match item.type:
        case "code":
            return st.sampled_from([code.value for code in compiled.codes[path]])
        case "date":
            days = st.dates(min_value=date(1900, 1, 1), max_value=date(2099, 12, 31)).map(date.isoformat)
            if item.partial:
                days = st.tuples(days, st.sampled_from([4, 7, 10])).map(lambda drawn: drawn[0][: drawn[1]])
            return days | st.just(item.never) if item.never else days
        case "integer" | "number":
            low = item.minimum if item.minimum is not None else (item.exclusive_minimum or 0) + 1
            whole = st.integers(int(low), int(item.maximum or 1000))
            return (
                whole
                if item.type == "integer" or item.decimals == 0
                else whole | whole.map(lambda number: min(number + 0.5, float(item.maximum or 1e9)))
            )
        case "list":
            rows = st.fixed_dictionaries({each.id: _value(compiled, each, f"{item.id}.{each.id}") for each in item.field})
            return st.lists(rows, min_size=1, max_size=3)
        case _:
            return st.text("abcXYZ 日本語019", min_size=1, max_size=min(item.max_length, 20)).map(str.strip).filter(bool)


@given(st.data())
@STEADY
def test_saved_values_come_back_from_their_fields(data: st.DataObject) -> None:
    """Values written into fields and read again are the same values: a correction changes what was changed, and nothing else."""
    compiled = data.draw(st.sampled_from(FORMS))
    values = {item.id: data.draw(_value(compiled, item, item.id)) for item in compiled.form.item}
    examined = examine(compiled, values, strict_required=False)
    saved = examined.values
    posted = read_post(compiled, raw_of(compiled, saved))
    assert posted.problems == ()
    assert posted.values == saved
    for item in compiled.form.item:
        assert isinstance(show_value(compiled, item.id, item, saved.get(item.id), "ja"), str)
