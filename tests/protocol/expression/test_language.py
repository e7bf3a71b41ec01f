"""What the expression language means, form by form."""

import pickle
from datetime import date, datetime

import pytest

from oligami.protocol.expression import (
    BooleanType,
    CodeType,
    DateType,
    DurationType,
    ExpressionError,
    ListType,
    NumberType,
    Scope,
    TextType,
    compile_expression,
    format_expression,
    near_misses,
)

SCOPE = Scope(
    {
        "er": CodeType(("positive", "negative", "unknown"), unknown=("unknown",)),
        "pgr": CodeType(("positive", "negative", "unknown"), unknown=("unknown",)),
        "sex": CodeType(("female", "male")),
        "size_mm": NumberType("mm"),
        "size_cm": NumberType("cm"),
        "dose": NumberType("Gy"),
        "age_years": NumberType("years"),
        "ki67": NumberType("%"),
        "given": NumberType(),
        "planned": NumberType(),
        "wait": DurationType("weeks"),
        "ast": NumberType("U/L"),
        "registered": DateType(),
        "born": DateType(),
        "infarction": DateType("none"),
        "since": DateType(partial=True),
        "delivery": DateType("none", partial=True),
        "agreed": BooleanType(),
        "note": TextType(),
        "site": CodeType(("A", "B")),
        "lesions": ListType(
            {
                "kind": CodeType(("distant", "local")),
                "site": CodeType(("bone", "liver")),
                "diameter": NumberType("mm"),
                "certain": CodeType(("yes", "no", "unknown"), unknown=("unknown",)),
            }
        ),
    }
)


def value(source, **values):
    return compile_expression(source, SCOPE, expect=None).value(values)


def problems(source, scope=SCOPE, **options):
    with pytest.raises(ExpressionError) as refused:
        compile_expression(source, scope, **options)
    return refused.value.problems


T, F, U = True, False, None
NAMES = {T: "true", F: "false", U: "unknown"}


@pytest.mark.parametrize(
    ("left", "right", "both", "either"),
    [
        (T, T, T, T),
        (T, F, F, T),
        (T, U, U, T),
        (F, T, F, T),
        (F, F, F, F),
        (F, U, F, U),
        (U, T, U, T),
        (U, F, F, U),
        (U, U, U, U),
    ],
)
def test_kleene_tables(left, right, both, either):
    """`and`, `or` and `not` follow Kleene's strong tables."""
    assert value(f"{NAMES[left]} and {NAMES[right]}") is both
    assert value(f"{NAMES[left]} or {NAMES[right]}") is either
    assert value(f"not {NAMES[left]}") is (None if left is None else not left)


@pytest.mark.parametrize(
    ("source", "values", "expected"),
    [
        ('er == "positive"', {"er": "positive"}, T),
        ('er = "positive"', {"er": "negative"}, F),
        ('er == "positive"', {"er": "unknown"}, U),
        ('er == "positive"', {}, U),
        ('"positive" == er', {"er": "positive"}, T),
        ('er != "positive"', {"er": "unknown"}, U),
        ('er in ["positive", "negative"]', {"er": "negative"}, T),
        ('er not in ["positive"]', {"er": "positive"}, F),
        ("er is missing", {"er": "unknown"}, F),
        ("er is missing", {"er": None}, T),
        ("er is unknown", {"er": "unknown"}, T),
        ("er is known", {"er": "unknown"}, F),
        ("er is not unknown", {"er": "positive"}, T),
        ("er == pgr", {"er": "positive", "pgr": "positive"}, T),
        ("er == pgr", {"er": "positive", "pgr": "unknown"}, U),
        ("er", {"er": "unknown"}, None),
        ("er", {"er": "negative"}, "negative"),
        ("agreed and true", {"agreed": True}, T),
        ("agreed == false", {"agreed": False}, T),
        ('note == "x"', {"note": "y"}, F),
        ("note is known", {"note": ""}, T),
        ("given in [3, 4]", {"given": 3.0}, T),
        ("given not in [3, -4]", {"given": -4}, F),
        ("(given > 2) is unknown", {}, T),
    ],
)
def test_items(source, values, expected):
    """Codes, booleans, texts and the states of an item."""
    assert value(source, **values) == expected
    assert type(value(source, **values)) is type(expected)


@pytest.mark.parametrize(
    ("source", "values", "expected"),
    [
        ("size_mm <= 3 cm", {"size_mm": 30.0}, T),
        ("size_mm <= 3 cm", {"size_mm": 30.1}, F),
        ("size_cm <= 30 mm", {"size_cm": 3.0}, T),
        ("size_cm <= 30.1 mm", {"size_cm": 3.01}, T),
        ("3.01 cm >= size_mm", {"size_mm": 30.1}, T),
        # 3.01 x 10 is 30.099999999999998 in floats
        ("size_mm == size_cm", {"size_mm": 30.1, "size_cm": 3.01}, T),
        ("size_mm + 0.2 mm == 0.3 mm", {"size_mm": 0.1}, T),
        ("dose <= 6000 cGy", {"dose": 60}, T),
        ("wait <= 10 days", {"wait": 1.5}, F),
        ("wait <= 84 days", {"wait": 12}, T),
        ("wait == 10 days", {"wait": 1.4285714285714286}, F),
        ("age_years >= 216 months", {"age_years": 18}, T),
        ("ast <= 100 U/L", {"ast": 100}, T),
        ("ki67 > 1 %", {"ki67": 1}, F),
        ("ki67 > 1%", {"ki67": 1.1}, T),
        ("given >= planned", {"given": 3, "planned": 4}, F),
        ("given / planned >= 0.75", {"given": 3, "planned": 4}, T),
        ("given / planned >= 0.75", {"given": 3, "planned": 0}, U),
        ("size_mm / size_cm == 1", {"size_mm": 10, "size_cm": 1}, T),
        ("2 * size_mm - 1 cm == 0 mm", {"size_mm": 5}, T),
        ("max(size_mm, size_cm) >= 40 mm", {"size_mm": 1, "size_cm": 4}, T),
        ("abs(size_mm - size_cm) <= 1 mm", {"size_mm": 39, "size_cm": 4}, T),
        ("min(given, planned) == 0", {"given": 0}, U),
        ("-given < -2", {"given": 3}, T),
        ("given - planned - 1 == 0", {"given": 5, "planned": 4}, T),
        ("given / planned / 2 == 1", {"given": 8, "planned": 4}, T),
    ],
)
def test_numbers_and_units(source, values, expected):
    """Numbers compare as the decimals that were typed, in any unit of their kind."""
    assert value(source, **values) is expected


def test_result_in_the_expected_unit():
    """A number comes out in the unit asked for."""
    assert compile_expression("size_mm", SCOPE, expect=NumberType("cm")).value({"size_mm": 30.1}) == 3.01
    assert compile_expression("registered - born", SCOPE, expect=DurationType("weeks")).value(
        {"registered": "2024-01-15", "born": date(2024, 1, 1)}
    ) == pytest.approx(2)


@pytest.mark.parametrize(
    ("source", "values", "expected"),
    [
        ("registered > born", {"registered": "2024-06-10", "born": date(2024, 6, 9)}, T),
        ("registered >= 2023-11-08", {"registered": "2023-11-08"}, T),
        ("registered - born", {"registered": "2024-03-01", "born": "2024-02-28"}, 2.0),
        ("registered + 1 month", {"registered": "2024-01-31"}, date(2024, 2, 29)),
        ("registered + 6 months", {"registered": "2023-08-31"}, date(2024, 2, 29)),
        ("registered - 1 months", {"registered": "2024-03-31"}, date(2024, 2, 29)),
        ("registered + 5 years", {"registered": "2024-02-29"}, date(2029, 2, 28)),
        ("2 weeks + registered", {"registered": "2024-02-20"}, date(2024, 3, 5)),
        ("registered - wait", {"registered": "2024-02-20", "wait": 0.5}, None),
        ("registered - wait", {"registered": "2024-02-20", "wait": 1}, date(2024, 2, 13)),
        ("registered + 9999 years", {"registered": "2024-02-20"}, None),
        ("registered + 1000000000000 days", {"registered": "2024-02-20"}, None),
        ("completed_years(born, registered)", {"born": "2004-02-29", "registered": "2022-02-28"}, 17.0),
        ("completed_years(born, registered)", {"born": "2004-02-29", "registered": "2022-03-01"}, 18.0),
        ("completed_years(born, registered)", {"born": "2004-02-29", "registered": "2024-02-29"}, 20.0),
        ("completed_years(born, registered) >= 18 years", {"born": "2004-02-29"}, U),
    ],
)
def test_dates(source, values, expected):
    """Dates move by days and clamped calendar months; age is completed years."""
    assert value(source, **values) == expected
    assert compile_expression(source, SCOPE, expect=None).explain(values).value == expected


@pytest.mark.parametrize(
    ("source", "never", "missing", "on_date"),
    [
        ("infarction is never", T, U, F),
        ("infarction is not never", F, U, T),
        ("infarction is known", T, F, T),
        ("infarction is missing", F, T, F),
        ("registered > infarction + 6 months", F, U, T),
        ("registered <= infarction + 6 months", F, U, F),
        ("registered != infarction", F, U, T),
        ("infarction in [2023-01-01]", F, U, T),
        ("infarction not in [2023-01-01]", F, U, F),
        ("registered - infarction > 7 days", U, U, T),
        ("infarction is never or registered > infarction + 6 months", T, U, T),
        ("not (infarction is not never and registered <= infarction + 6 months)", T, U, T),
        ("infarction", "none", None, date(2023, 1, 1)),
    ],
)
def test_never(source, never, missing, on_date):
    """A date that never came is an answer: no comparison with it holds, a span to it is unknown."""
    expression = compile_expression(source, SCOPE, expect=None)
    for given, expected in (("none", never), (None, missing), ("2023-01-01", on_date)):
        values = {"registered": "2024-06-10", "infarction": given}
        assert expression.value(values) == expected
        assert expression.explain(values).value == expected


def lesion(kind="distant", diameter=10.0, certain="yes", site="bone"):
    return {"kind": kind, "diameter": diameter, "certain": certain, "site": site}


@pytest.mark.parametrize(
    ("source", "lesions", "expected"),
    [
        ("count(lesions) == 0", [], T),
        ("count(lesions) == 0", None, U),
        ("lesions is missing", None, T),
        ("lesions is known", [], T),
        ("all lesions: diameter <= 3 cm", [], T),
        ("any lesions: diameter <= 3 cm", [], F),
        ("all lesions: diameter <= 3 cm", None, U),
        ("all lesions: diameter <= 3 cm", [lesion(), lesion(diameter=None)], U),
        ("all lesions: diameter <= 3 cm", [lesion(diameter=31), lesion(diameter=None)], F),
        ('all lesions where certain == "yes": diameter <= 3 cm', [lesion(certain="unknown", diameter=31)], U),
        ('all lesions where certain == "yes": diameter <= 3 cm', [lesion(certain="unknown", diameter=30)], T),
        ('all lesions where certain == "yes": diameter <= 3 cm', [lesion(certain="no", diameter=31)], T),
        ('any lesions where certain == "yes": diameter > 3 cm', [lesion(certain="unknown", diameter=31)], U),
        ('any lesions where certain == "yes": diameter > 3 cm', [lesion(certain="unknown", diameter=30)], F),
        ('any lesions where certain == "yes"', [lesion(certain="unknown"), lesion()], T),
        ('count(lesions where certain == "yes") <= 1', [lesion(), lesion(certain="unknown")], U),
        ('count(lesions where certain == "yes") <= 2', [lesion(), lesion(certain="unknown")], T),
        ('count(lesions where certain == "yes") >= 1', [lesion(), lesion(certain="unknown")], T),
        ('count(lesions where certain == "yes") == 3', [lesion(), lesion(certain="unknown")], F),
        ('count(lesions where certain == "yes") is known', [lesion(), lesion(certain="unknown")], F),
        ('count(lesions where certain == "yes")', [lesion(), lesion(certain="unknown")], None),
        ('count(lesions where certain == "yes") in [1, 2]', [lesion(), lesion()], T),
        ('2 * count(lesions where certain == "yes") + 1 > 6', [lesion(), lesion(certain="unknown")], F),
        ('count(lesions where certain == "yes") > count(lesions where kind == "local")', [lesion(), lesion()], T),
        ("sum(lesions.diameter)", [lesion(diameter=0.1), lesion(diameter=0.2)], 0.3),
        ("sum(lesions.diameter) == 0.3 mm", [lesion(diameter=0.1), lesion(diameter=0.2)], T),
        ("sum(lesions.diameter)", [], 0.0),
        ("sum(lesions.diameter)", [lesion(diameter=None)], None),
        ('sum(lesions.diameter where kind == "local")', [lesion(diameter=None)], 0.0),
        ('sum(lesions.diameter where certain == "yes")', [lesion(certain="unknown")], None),
        ("max(lesions.diameter)", [lesion(diameter=3), lesion(diameter=7.5)], 7.5),
        ("min(lesions.diameter)", [lesion(diameter=3), lesion(diameter=7.5)], 3.0),
        ("min(lesions.diameter)", [], None),
        ("all lesions: lesions.site == 'bone'", [lesion()], T),
        ("any lesions: diameter > size_mm", [lesion(diameter=3)], T),
        ("max(lesions.diameter, size_mm)", None, "refused"),
    ],
)
def test_lists(source, lesions, expected):
    """Quantifiers follow Kleene; a count that is not certain is an interval."""
    if expected == "refused":
        assert problems(source)
        return
    values = {"lesions": lesions, "size_mm": 2}
    assert value(source, **values) == expected
    assert compile_expression(source, SCOPE, expect=None).explain(values).value == expected


@pytest.mark.parametrize(
    ("source", "position", "expected", "near"),
    [
        ("err == 'positive'", 1, "an item", "er"),
        ("er == 'positiv'", 7, "a code of er", "positive"),
        ("er in ['positive', 'negatve']", 20, "a code of er", "negative"),
        ("er == 'unknown'", 7, "`er is unknown`", None),
        ("er", 1, "condition", None),
        ("size_mm <= 30", 12, "a number in mm", None),
        ("size_mm <= 30 Gy", 12, "a number in mm", None),
        ("size_mm + dose > 1 mm", 11, "a number in mm", None),
        ("wait > 6 months", 8, "compare dates", None),
        ("registered + 30 mm > born", 14, "days, weeks", None),
        ("registered + 1.5 days > born", 14, "whole number", None),
        ("registered > 3 days", 14, "a date", None),
        ("registered > 2024-02-30", 14, "calendar", None),
        ("er > 'positive'", 1, "number or a date", None),
        ("er == sex", 7, "shares a word", None),
        ("dose * dose > 1 Gy", 8, "plain number", None),
        ("note + 1 > 2", 1, "number or a date", None),
        ("lesions.diameter > 3 mm", 1, "all, any, count", None),
        ("count(lesion) > 1", 7, "a list", "lesions"),
        ("sum(lesions.diametr) > 1 mm", 5, "a field", "diameter"),
        ("all lesions: site == 'bone'", 14, "one meaning", None),
        ("any lesions: any lesions: diameter > 1 mm", 18, "another list", None),
        ("registered is never", 1, "can be never", None),
        ("not registered > infarction", 1, "`infarction is never`", None),
        ("(registered > infarction) == false", 2, "`infarction is never`", None),
        ("size_mm + 1 mm is missing", 1, "`is unknown`", None),
        ("er is mising", 7, "missing, known", "missing"),
        ("er == 'positive' an sex == 'male'", 18, "`and`", "and"),
        ("1 mm < size_mm < 3 mm", 16, "do not chain", None),
        ("(er == 'positive'", 18, "`)`", None),
        ("", 1, "an item", None),
        ("given > 1e5", 10, "no exponents", None),
        ("given > 'a", 9, "a closing one", None),
        ("completed_years(born) > 3 years", 1, "two dates", None),
        ("abs(given, planned) > 3", 1, "one number", None),
        ("sum(given) > 1", 5, "a list", None),
        ("lesions", 1, "a single value", None),
    ],
)
def test_refusals(source, position, expected, near):
    """A refusal says where, what was expected, and what was probably meant."""
    found = problems(source)
    assert found[0].position == position
    assert expected in found[0].expected
    assert found[0].near_miss == near
    assert f"character {position}" in found[0].message.en
    assert f"{position} 文字目" in found[0].message.ja


def test_all_problems_at_once():
    """Several faults give several problems, in the order of the source."""
    found = problems("err == 'positive' and size_mm <= 3 Gy or sexx == 'male'")
    assert [problem.near_miss for problem in found] == ["er", None, "sex"]
    assert pickle.loads(pickle.dumps(ExpressionError(found))).problems == found


@pytest.mark.parametrize(
    ("source", "values", "item"),
    [
        ("size_mm > 3 mm", {"size_mm": "30"}, "size_mm"),
        ("size_mm > 3 mm", {"size_mm": True}, "size_mm"),
        ("size_mm > 3 mm", {"size_mm": float("nan")}, "size_mm"),
        ("size_mm > 3 mm", {"size_mm": float("inf")}, "size_mm"),
        ("er == 'positive'", {"er": "posit"}, "er"),
        ("er == 'positive'", {"er": ["positive"]}, "er"),
        ("er == 'positive'", {"er": 1}, "er"),
        ("registered > born", {"registered": "20240610", "born": "2024-01-01"}, "registered"),
        ("registered > born", {"registered": datetime.fromisoformat("2024-06-10T08:00"), "born": "2024-01-01"}, "registered"),
        ("registered > born", {"registered": "none", "born": "2024-01-01"}, "registered"),
        ("agreed or false", {"agreed": "yes"}, "agreed"),
        ("agreed or false", {"agreed": 1}, "agreed"),
        ("note == 'x'", {"note": 3}, "note"),
        ("count(lesions) > 1", {"lesions": "two"}, "lesions"),
        ("all lesions: diameter > 1 mm", {"lesions": ["L1"]}, "lesions"),
        ("all lesions: diameter > 1 mm", {"lesions": [{"diameter": "x"}]}, "lesions.diameter"),
    ],
)
def test_wrongly_typed_values(source, values, item):
    """A value of the wrong type is a TypeError that names its item, never an answer; the value is not repeated."""
    expression = compile_expression(source, SCOPE)
    for judge in (expression.value, expression.explain):
        with pytest.raises(TypeError, match=rf"item {item}\b.*expected"):
            judge(values)


def test_names_used():
    """An expression tells which items and fields it uses."""
    expression = compile_expression("any lesions where kind == 'local': diameter > size_mm", SCOPE)
    assert expression.names == {"lesions", "lesions.kind", "lesions.diameter", "size_mm"}
    assert expression.type == BooleanType()


def test_travels_between_processes():
    """A pickled expression is equal to the first one and judges alike."""
    expression = compile_expression("size_mm <= 3 cm", SCOPE)
    other = pickle.loads(pickle.dumps(expression))
    assert other == expression
    assert hash(other) == hash(expression)
    assert other.value({"size_mm": 31}) is False


def test_explanation_tells_why():
    """A verdict prints as a tree with the values used and the reasons, in both languages."""
    expression = compile_expression("er is known and (all lesions: diameter <= 3 cm)", SCOPE)
    values = {"er": "positive", "lesions": [{"id": "L1", "diameter": 12}, {"id": "L2", "diameter": 31.0}]}
    explanation = expression.explain(values)
    assert explanation.lines("en") == [
        "[false] er is known and (all lesions: diameter <= 3 cm): lesions.diameter of L2 is 31.0 mm, limit 30 mm",
        '  [true] er is known: er is "positive"',
        "  [false] all lesions: diameter <= 3 cm: lesions.diameter of L2 is 31.0 mm, limit 30 mm",
        "    [true] diameter <= 3 cm: lesions.diameter of L1 is 12 mm, limit 30 mm",
        "    [false] diameter <= 3 cm: lesions.diameter of L2 is 31.0 mm, limit 30 mm",
    ]
    assert explanation.lines("ja", 1)[4] == "      [偽] diameter <= 3 cm: L2 の lesions.diameter は 31.0 mm、限度 30 mm"
    assert explanation.used == {"er": "positive", "lesions[L1].diameter": 12, "lesions[L2].diameter": 31.0}
    assert explanation.as_json()["value"] is False


@pytest.mark.parametrize(
    ("source", "values", "why"),
    [
        ("er == 'positive'", {"er": "unknown"}, 'er is "unknown": not known'),
        ("er == 'positive' or given > 1", {}, "er is missing; given is missing"),
        (
            "count(lesions where certain == 'yes') <= 1",
            {"lesions": [{"certain": "unknown"}, {"certain": "yes"}]},
            "is 1-2, limit 1",
        ),
        ("given / planned > 1", {"given": 1, "planned": 0}, "division by zero"),
        ("registered > infarction", {"registered": "2024-01-01", "infarction": "none"}, 'a date is "none"'),
        ("completed_years(born, registered) < 18 years", {"born": "2000-01-01", "registered": "2024-01-01"}, "is 24 years"),
        ("all lesions: diameter > 1 mm", {"lesions": []}, "no element of lesions is concerned"),
    ],
)
def test_reasons(source, values, why):
    """The reason names what is missing, not known or over the limit."""
    assert why in compile_expression(source, SCOPE).explain(values).why.en


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("((er='positive'))and(sex='male' or agreed)", 'er == "positive" and (sex == "male" or agreed)'),
        ("not (er is not known)", "not er is not known"),
        ("size_mm<=3cm", "size_mm <= 3 cm"),
        ("given-(planned-1)>0.50", "given - (planned - 1) > 0.5"),
        ("(any lesions where kind='local')or agreed", '(any lesions where kind == "local") or agreed'),
    ],
)
def test_canonical_form(source, printed):
    """Printing keeps the parentheses that matter and no others."""
    assert format_expression(source, SCOPE) == printed
    assert format_expression(printed, SCOPE) == printed


@pytest.mark.parametrize("name", ["", "and", "1x", "a b", "a" * 81, "é", "x\n"])
def test_unusable_item_names(name):
    """A scope refuses names that an expression could not spell."""
    with pytest.raises(ValueError, match="item name"):
        Scope({name: TextType()})


def test_near_misses():
    """The near miss ignores case and keeps silent on strangers and giants."""
    assert near_misses("Lesion", ["lesions", "er"]) == "lesions"
    assert near_misses("xyz", ["lesions", "er"]) is None
    assert near_misses("l" * 100, ["l" * 99]) is None


@pytest.mark.parametrize(
    ("source", "since", "expected"),
    [
        ("since <= registered", "2024-05", T),
        ("since <= registered", "2024-06", U),
        ("since <= registered", "2024", U),
        ("since <= registered", "2023", T),
        ("since > registered", "2025", T),
        ("since == registered", "2024-06", U),
        ("since == registered", "2024-05", F),
        ("since != registered", "2024-05", T),
        ("since + 28 days < registered", "2024-05", U),
        ("since + 28 days < registered", "2024-04", T),
        ("since + 6 months < registered", "2023-12", U),
        ("since + 6 months < registered", "2023-11", T),
        ("since - 1 months <= registered", "2024-07", T),  # 31 July less a month is 30 June, the day itself 1 to 30 June
        ("registered - since > 9 days", "2024-05", T),
        ("registered - since > 10 days", "2024-05", U),
        ("abs(registered - since) <= 40 days", "2024-05", T),
        ("abs(registered - since) <= 39 days", "2024-05", U),
        ("completed_years(since, registered) >= 18 years", "2006", U),
        ("completed_years(since, registered) >= 18 years", "2005", T),
        ("completed_years(since, registered) == 18 years", "2006-05", T),
        ("since in [2024-05-31, 2024-07-01]", "2024-05", U),
        ("since in [2024-05-31, 2024-07-01]", "2024-06", F),
        ("since not in [2024-05-31, 2024-07-01]", "2024-06", T),
        ("since is missing", "2024-06", F),
        ("since is known", "2024-06", F),
        ("since is unknown", "2024-06", T),
        ("(since <= registered) is known", "2024-05", T),
        ("since", "2024-05", U),
        ("since + 1 days", "2024", U),
        ("registered - since", "2024-05", U),
    ],
)
def test_a_day_that_is_not_known_decides_nothing(source, since, expected):
    """A judgement with a year or a month is known where every day of it gives the same answer, else unknown."""
    values = {"registered": "2024-06-10" if "1 months" not in source else "2024-06-30", "since": since}
    judge = compile_expression(source, SCOPE, expect=None)
    assert judge.value(values) is expected
    assert judge.explain(values).value is expected


def test_a_missing_day_is_named_as_the_reason():
    """The explanation says which item lacks its day, as it was told; nothing is rounded."""
    explained = compile_expression("since + 28 days < registered", SCOPE).explain(
        {"registered": "2024-06-10", "since": "2024-05"}
    )
    assert (explained.why.en, explained.why.ja) == ("since is 2024-05: the day is not known", "since は 2024-05(日は不明)")
    known = compile_expression("since + 28 days < registered", SCOPE).explain({"registered": "2024-06-10", "since": "2024-04"})
    assert "2024-04-29..2024-05-28" in known.why.en


def test_a_partial_date_may_be_never():
    """`never` stays an answer, and a month says that it happened."""
    assert value("delivery is never", delivery="none") is True
    assert value("delivery is never", delivery="2024-05") is False
    assert value("delivery <= registered", delivery="none", registered="2024-06-10") is False
    assert value("delivery <= registered", delivery="2024-05", registered="2024-06-10") is True


@pytest.mark.parametrize("since", ["2024-13", "2024-00", "1869", "202405", "24", "2024-5", "2024-05-", "２０２４", "none", 2024])
def test_what_is_no_year_or_month_is_named(since):
    """A partial date is a year from 1870 or such a year with a month, digit by digit."""
    with pytest.raises(TypeError, match="since"):
        value("since <= registered", since=since, registered="2024-06-10")


def test_an_item_that_asks_for_the_day_takes_no_month():
    """Where partial dates are not offered a month is no date."""
    with pytest.raises(TypeError, match="registered"):
        value("registered <= 2024-06-10", registered="2024-05")
