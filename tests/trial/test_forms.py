"""Examining what was entered into a form."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.protocol.check import open_protocol
from oligami.protocol.load import find_protocol
from oligami.trial.forms import Examined, examine, flatten_casebook

COMPILED = open_protocol(Path(__file__).parents[1] / "protocols" / "tiny" / "1.0")
ENTRY = COMPILED.forms["entry"]
FOLLOW_UP = COMPILED.forms["follow_up"]

GOOD: dict[str, Any] = {
    "registration_date": "2024-03-01",
    "birth_date": "1970-03-02",
    "sex": "female",
    "tinnitus": "yes",
    "loudness": 40.5,
    "last_ear_surgery_date": "none",
    "sounds": [{"pitch": "high", "hours_a_day": 3}],
}


def items(examined: Examined) -> list[str]:
    return [problem.item for problem in examined.errors]


def test_good_values_pass_and_the_age_follows() -> None:
    """The age is derived from the birth date, and the birth date is not kept."""
    examined = examine(ENTRY, GOOD)
    assert examined.errors == examined.warnings == ()
    expected = {key: value for key, value in GOOD.items() if key != "birth_date"}
    assert examined.values == {**expected, "age_years": 53}


def test_a_given_age_is_not_derived_again() -> None:
    """Derivation fills a gap only; without birth date and age the age is unknown."""
    assert examine(ENTRY, {**GOOD, "age_years": 60}).values["age_years"] == 60
    assert "age_years" not in examine(ENTRY, {**GOOD, "birth_date": None}).values


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("registration_date", "2024-02-30"),
        ("registration_date", "20240301"),
        ("registration_date", "2024-W09-5"),
        ("registration_date", "none"),
        ("registration_date", 20240301),
        ("last_ear_surgery_date", "never"),
        ("sex", "Female"),
        ("sex", ["female"]),
        ("sex", True),
        ("loudness", "40"),
        ("loudness", True),
        ("loudness", -0.1),
        ("loudness", 100.1),
        ("loudness", 40.55),
        ("loudness", float("nan")),
        ("loudness", float("inf")),
        ("loudness", 10**400),
        ("age_years", 53.5),
        ("age_years", 121),
        ("sounds", {"pitch": "high"}),
        ("sounds", [{"pitch": "high"}] * 6),
    ],
)
def test_what_cannot_be_is_refused(item: str, value: object) -> None:
    """A wrong type, code, unit range, number of decimals or day of the calendar is an error of its item."""
    examined = examine(ENTRY, {**GOOD, item: value})
    assert items(examined) == [item]
    assert item not in examined.values


@pytest.mark.parametrize(("item", "value"), [("loudness", 0), ("loudness", 100), ("age_years", 53.0), ("loudness", 0.1)])
def test_limits_are_included(item: str, value: float) -> None:
    """Both ends of a range may be entered, and a whole number may come as a float."""
    assert examine(ENTRY, {**GOOD, item: value}).errors == ()


def test_rows_are_told_one_by_one() -> None:
    """Every row of a list with its number, every field by its name; the excluded minimum is excluded."""
    sounds = [{"pitch": "hih", "hours_a_day": 0}, {"pitch": "low"}, 3, {"pich": "low"}]
    examined = examine(ENTRY, {**GOOD, "sounds": sounds})
    assert items(examined) == ["sounds[1].pitch", "sounds[1].hours_a_day", "sounds[3]", "sounds[4].pich"]
    assert "Did you mean high?" in examined.errors[0].text.en
    assert "Did you mean pitch?" in examined.errors[3].text.en
    assert items(examine(ENTRY, {**GOOD, "sounds": [{"pitch": "low"}, {}]})) == ["sounds[2].pitch"]


def test_unknown_items_have_a_near_miss() -> None:
    """A misspelt item is refused with the right name."""
    examined = examine(ENTRY, {**GOOD, "loudnes": 3})
    assert items(examined) == ["loudnes"]
    assert "Did you mean loudness?" in examined.errors[0].text.en
    assert "loudness ではありませんか" in examined.errors[0].text.ja


def test_required_items_may_be_missing_only_for_judging() -> None:
    """Submitting asks for what is required; judging takes it as unknown."""
    values = {"tinnitus": None, "registration_date": "2024-03-01"}
    assert items(examine(ENTRY, values)) == ["sex", "tinnitus"]
    loose = examine(ENTRY, {**values, "sounds": [{}]}, strict_required=False)
    assert loose.errors == ()
    assert loose.values == {"registration_date": "2024-03-01", "sounds": [{}]}


def test_what_is_not_asked_must_be_empty() -> None:
    """An item whose condition does not hold takes no entry; None is none."""
    quiet = {**GOOD, "tinnitus": "no"}
    examined = examine(ENTRY, quiet)
    assert items(examined) == ["loudness"]
    assert 'tinnitus == "yes"' in examined.errors[0].text.en
    assert examine(ENTRY, {**quiet, "loudness": None}).errors == ()
    # While the condition is unknown, nobody can say that the entry is wrong.
    assert examine(ENTRY, {**GOOD, "tinnitus": "unknown"}).errors == ()


def test_hard_checks_refuse_and_soft_ones_warn() -> None:
    """A broken hard check is an error, a soft one a warning; each speaks the protocol's own words."""
    examined = examine(ENTRY, {**GOOD, "last_ear_surgery_date": "2024-03-02", "loudness": 96})
    assert [(each.item, each.rule) for each in examined.errors] == [
        ("last_ear_surgery_date", "forms.entry.surgery_before_registration")
    ]
    assert [each.rule for each in examined.warnings] == ["forms.entry.very_loud"]
    assert examined.warnings[0].text.ja.startswith("95を超える")


def test_a_check_is_not_judged_with_a_value_that_cannot_be() -> None:
    """A wrong date is told once, not again by every check that would use it."""
    examined = examine(ENTRY, {**GOOD, "registration_date": "2024-13-01", "last_ear_surgery_date": "2024-03-02"})
    assert items(examined) == ["registration_date"]


def test_checks_may_look_into_other_forms() -> None:
    """An item of another form is used where it is known, and is unknown otherwise."""
    casebook = flatten_casebook({"entry": examine(ENTRY, GOOD).values})
    values = {"contact_date": "2024-02-29", "vital_status": "alive"}
    assert items(examine(FOLLOW_UP, values, casebook=casebook)) == ["contact_date"]
    assert examine(FOLLOW_UP, values).errors == ()
    assert examine(FOLLOW_UP, {**values, "contact_date": "2024-03-01"}, casebook=casebook).errors == ()


def test_all_errors_come_at_once_in_both_languages() -> None:
    """Each sentence names the item, what was found, what is expected and what to do."""
    examined = examine(ENTRY, {"sex": "femal", "loudness": 101, "tinnitus": "yes", "x": 1})
    assert sorted(items(examined)) == ["loudness", "registration_date", "sex", "x"]
    for problem in examined.errors:
        assert "found" in problem.text.en
        assert "expected" in problem.text.en
        assert "入力は" in problem.text.ja
        assert problem.rule.startswith("forms.entry")


@pytest.mark.parametrize("value", ["1870-03-32", "Somebody", 19700302, {"year": 1970}])
def test_what_names_a_person_is_never_shown(value: object) -> None:
    """A wrong birth date is refused without its value; so is an age that follows from it."""
    examined = examine(ENTRY, {**GOOD, "birth_date": value})
    assert items(examined) == ["birth_date"]
    assert "1970" not in str(examined)
    assert "Somebody" not in str(examined)
    old = examine(ENTRY, {**GOOD, "birth_date": "1850-01-01"})
    assert items(old) == ["age_years"]
    assert "1850" not in str(old)
    assert "174" not in str(old)


def test_values_that_are_no_object_are_refused() -> None:
    """A list or text in place of the items is one error."""
    assert items(examine(ENTRY, [1, 2])) == [""]
    assert items(examine(ENTRY, "x")) == [""]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["yes", "none", "2024-02-29"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["pitch", "hours_a_day", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
entered = st.dictionaries(st.sampled_from([*(item.id for item in ENTRY.form.item), "y"]), json_values, max_size=9)


@given(json_values | entered, st.booleans())
@settings(max_examples=300)
def test_examining_never_raises_and_keeps_only_what_can_be(values: object, strict: bool) -> None:
    """Any JSON is examined; what is kept passes again unchanged, and the rest was told."""
    first = examine(ENTRY, values, strict_required=strict)
    again = examine(ENTRY, first.values, strict_required=False)
    if not first.errors:
        assert again.errors == ()
        assert again.values == first.values
    assert set(first.values) <= {item.id for item in ENTRY.form.item} - {"birth_date"}


PARTIAL = open_protocol(find_protocol("jcog2110", version="1.0")).forms["follow_up"]
SEEN = {"contact_date": "2024-06-10", "vital_status": "alive", "clinical_progression": "no", "second_cancer": "yes"}


@pytest.mark.parametrize("day", ["2024", "2024-05", "2024-05-31", "1870"])
def test_a_year_or_a_month_is_kept_as_told(day: str) -> None:
    """Where the protocol offers partial dates, they are kept without a day being made up."""
    examined = examine(PARTIAL, {**SEEN, "second_cancer_date": day, "second_cancer_text": "skin"})
    assert examined.errors == ()
    assert examined.values["second_cancer_date"] == day


@pytest.mark.parametrize("day", ["2024-13", "2024-00", "1869", "1869-12", "2024-5", "202405", "24", "2024-05-32", 2024, ["2024"]])
def test_an_impossible_year_or_month_is_refused(day: object) -> None:
    """What cannot be is refused, and the sentence says that the item takes a year or a month."""
    (problem,) = examine(PARTIAL, {**SEEN, "second_cancer_date": day, "second_cancer_text": "skin"}).errors
    assert problem.item == "second_cancer_date"
    assert "the year or month alone such as 2024 or 2024-06 (from 1870)" in problem.text.en
    assert "年のみ・年月のみ" in problem.text.ja


def test_other_dates_still_need_the_day() -> None:
    """A month is refused where the protocol does not offer it, by the sentence that asks for a day."""
    (problem,) = examine(PARTIAL, {**SEEN, "contact_date": "2024-06", "second_cancer": "no"}).errors
    assert (problem.item, "month alone" in problem.text.en) == ("contact_date", False)


def test_a_check_fails_only_when_no_day_of_the_month_could_hold() -> None:
    """A cancer found "in June" may have been found by 10 June; one found in July was not."""
    june, july = (
        examine(PARTIAL, {**SEEN, "second_cancer_date": month, "second_cancer_text": "skin"}) for month in ("2024-06", "2024-07")
    )
    found = [problem.item for problem in (*june.errors, *june.warnings)]
    assert found == []
    assert [problem.item for problem in (*july.errors, *july.warnings)] == ["second_cancer_date"]
