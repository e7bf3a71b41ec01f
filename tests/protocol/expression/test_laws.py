"""What always holds of expressions, on random expressions and random records."""

from datetime import date
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from oligami.protocol.expression import (
    BooleanType,
    CodeType,
    DateType,
    ListType,
    NumberType,
    Scope,
    compile_expression,
    format_expression,
)
from oligami.protocol.expression.lexer import tokenize
from oligami.protocol.expression.parser import parse
from oligami.protocol.expression.syntax import render

SCOPE = Scope(
    {
        "a": BooleanType(),
        "b": BooleanType(),
        "c": CodeType(("p", "q", "r", "nk"), unknown=("nk",)),
        "d": CodeType(("p", "q", "nk"), unknown=("nk",)),
        "m": NumberType("mm"),
        "k": NumberType("cm"),
        "n": NumberType(),
        "day": DateType(),
        "last": DateType("none"),
        "part": DateType(partial=True),
        "ever": DateType("none", partial=True),
        "list": ListType(
            {
                "f": BooleanType(),
                "g": CodeType(("u", "v", "nk"), unknown=("nk",)),
                "w": NumberType("mm"),
                "t": DateType("none", partial=True),
            }
        ),
    }
)


def decimals(low, high):
    return st.integers(low * 10, high * 10).map(lambda tenth: f"{tenth // 10}.{tenth % 10}")


@st.composite
def numbers(draw, unit, inside, depth):
    """A number in mm or plain, as source."""
    if unit is None:
        leaf = ["n", str(draw(st.integers(0, 4)))]
        deep = ["n / n", "k / m", "abs(n - 2)"]
        if not inside and depth:
            deep.append("count(list)")
            deep.append(f"count(list where {draw(conditions(True, depth - 1))})")
    else:
        leaf = ["m", "k", draw(decimals(0, 4)) + " mm", draw(decimals(0, 1)) + " cm"]
        deep = ["max(m, k)", "min(k, 2 mm)", "2 * m", "-m", "m / n", "k * n"]
        if inside:
            leaf.append("w")
        elif depth:
            where = draw(conditions(True, depth - 1))
            deep += [f"{fold}(list.w where {where})" for fold in ("sum", "min", "max")]
    if depth and draw(st.booleans()):
        sign = draw(st.sampled_from("+-"))
        return f"({draw(numbers(unit, inside, depth - 1))} {sign} {draw(numbers(unit, inside, depth - 1))})"
    return draw(st.sampled_from(leaf + (deep if depth else [])))


@st.composite
def dates(draw, inside):
    base = draw(st.sampled_from(["day", "last", "part", "ever", "2024-02-29", "t" if inside else "part"]))
    return f"({base + draw(st.sampled_from(['', ' + 1 months', ' - 1 years', ' + 28 days', ' - 2 weeks']))})"


@st.composite
def conditions(draw, inside=False, depth=3, negate=True):
    """A condition without the two-valued states, as source; dates that may be never stay out of `not`."""
    forms = ["boolean", "code", "number", "plain", "literal"] + (["date", "length of time", "one of days"] if not negate else [])
    if depth:
        forms += ["and", "or", "not", "and", "or"] + ([] if inside else ["all", "any", "any"])
    form = draw(st.sampled_from(forms))
    sub = conditions(inside, depth - 1, negate)
    compare = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
    match form:
        case "boolean":
            return draw(st.sampled_from(["a", "b", "a == b", "f" if inside else "a != b"]))
        case "code":
            options = ['c == "p"', 'c != "q"', 'c in ["p", "q"]', 'd not in ["p"]', "c == d", "c != d"]
            return draw(st.sampled_from(options + (['g == "u"', 'g in ["u", "v"]'] if inside else [])))
        case "number":
            return f"{draw(numbers('mm', inside, min(depth, 2)))} {compare} {draw(numbers('mm', inside, min(depth, 1)))}"
        case "plain":
            return f"{draw(numbers(None, inside, min(depth, 2)))} {compare} {draw(numbers(None, inside, min(depth, 1)))}"
        case "date":
            return f"{draw(dates(inside))} {compare} {draw(dates(inside))}"
        case "length of time":
            apart = draw(st.sampled_from(["{} - {}", "abs({} - {})", "completed_years({}, {})", "max({} - {}, 10 days)"]))
            unit = "years" if "years" in apart else "days"
            return f"{apart.format(draw(dates(inside)), draw(dates(inside)))} {compare} {draw(st.integers(0, 40))} {unit}"
        case "one of days":
            word = draw(st.sampled_from(["in", "not in"]))
            return f"{draw(dates(inside))} {word} [2024-02-29, 2024-03-01]"
        case "literal":
            return draw(st.sampled_from(["true", "false", "unknown"]))
        case "and" | "or":
            parts = draw(st.lists(sub, min_size=2, max_size=3))
            return f" {form} ".join(f"({part})" for part in parts)
        case "not":
            return f"not ({draw(conditions(inside, depth - 1, True))})"
        case _:
            where = draw(st.none() | conditions(True, depth - 1, negate))
            body = draw(conditions(True, depth - 1, negate))
            return f"({form} list{'' if where is None else f' where {where}'}: {body})"


TENTHS = st.integers(0, 40).map(lambda tenth: float(f"{tenth / 10:.1f}"))
DAYS = st.dates(date(2024, 1, 25), date(2024, 4, 5)).map(date.isoformat)
ELEMENT = {
    "f": st.booleans(),
    "g": st.sampled_from(["u", "v"]),
    "w": TENTHS,
    "t": DAYS | st.just("none"),
}
ITEMS = {
    "a": st.booleans(),
    "b": st.booleans(),
    "c": st.sampled_from(["p", "q", "r"]),
    "d": st.sampled_from(["p", "q"]),
    "m": TENTHS,
    "k": TENTHS.map(lambda value: float(f"{value / 10:.2f}")),
    "n": st.integers(0, 4),
    "day": DAYS,
    "last": DAYS | st.just("none"),
    "part": DAYS,
    "ever": DAYS | st.just("none"),
    "list": st.lists(st.fixed_dictionaries(ELEMENT), max_size=3),
}
RECORDS = st.fixed_dictionaries(ITEMS)


@st.composite
def blurred(draw, record):
    """A record with some of its values taken away, and some days down to the month or the year."""
    hide = st.booleans()
    gone = {name: draw(st.sampled_from([None, "nk"])) if name in "cd" else None for name in record if draw(hide)}
    left = {**record, **gone}
    if left["list"]:
        left["list"] = [
            {**{name: None if draw(hide) else value for name, value in one.items()}, "t": draw(cut_short(one["t"]))}
            for one in left["list"]
        ]
    return {**left, "part": draw(cut_short(record["part"])), "ever": draw(cut_short(record["ever"]))}


def cut_short(day):
    """A day, its month, its year, or nothing."""
    return st.sampled_from([day, None] if day == "none" else [day, day[:7], day[:4], None])


@settings(max_examples=100, deadline=None)
@given(source=conditions(negate=False), record=RECORDS, data=st.data())
def test_quick_path_and_explanation_agree(source, record, data):
    """The compiled function and the step by step judgement give the same answer."""
    expression = compile_expression(source, SCOPE)
    for values in (record, data.draw(blurred(record)), {}):
        explanation = expression.explain(values)
        assert expression.value(values) is explanation.value
        assert explanation.lines("ja")
        assert explanation.as_json()["value"] is explanation.value


@settings(max_examples=100, deadline=None)
@given(source=conditions(negate=False), record=RECORDS, data=st.data())
def test_knowing_more_never_turns_an_answer(source, record, data):
    """What was true or false with gaps and partial dates stays so when gaps are filled and days are told."""
    expression = compile_expression(source, SCOPE)
    before = expression.value(data.draw(blurred(record)))
    assert before is None or expression.value(record) is before


@settings(max_examples=40, deadline=None)
@given(left=conditions(depth=2), right=conditions(depth=2), record=RECORDS, data=st.data())
def test_de_morgan(left, right, record, data):
    """`not (p and q)` is `not p or not q`, and the other way round, in all three values."""
    values = data.draw(blurred(record))

    def judge(source):
        return compile_expression(source, SCOPE).value(values)

    assert judge(f"not (({left}) and ({right}))") is judge(f"not ({left}) or not ({right})")
    assert judge(f"not (({left}) or ({right}))") is judge(f"not ({left}) and not ({right})")
    assert judge(f"not not ({left})") is judge(left)


@settings(max_examples=40, deadline=None)
@given(body=conditions(inside=True, depth=2), where=conditions(inside=True, depth=1), record=RECORDS, data=st.data())
def test_all_is_not_any_not(body, where, record, data):
    """`all` and `any` are each other's opposite, and `any` is a count above zero."""
    values = data.draw(blurred(record))

    def judge(source):
        return compile_expression(source, SCOPE).value(values)

    assert judge(f"all list where {where}: {body}") is judge(f"not (any list where {where}: not ({body}))")
    assert judge(f"any list where {body}") is judge(f"count(list where {body}) > 0")


@settings(max_examples=60, deadline=None)
@given(source=conditions(negate=False))
def test_printing_comes_round(source):
    """A printed expression reads as the same tree, and printing it again changes nothing."""
    tree = parse(tokenize(source, SCOPE.units()))
    printed = render(tree)
    assert parse(tokenize(printed, SCOPE.units())) == tree
    assert format_expression(printed, SCOPE) == printed


@settings(max_examples=80, deadline=None)
@given(tenths=st.integers(0, 10**6), limit=st.integers(0, 10**6))
def test_conversion_is_exact(tenths, limit):
    """A length in mm compares with a limit in cm as the decimals on paper do."""
    item, bound = Fraction(tenths, 10), Fraction(limit, 1000)
    literal = f"{limit // 1000}.{limit % 1000:03d}"
    values = {"m": float(f"{tenths // 10}.{tenths % 10}"), "k": float(literal)}
    assert compile_expression(f"m <= {literal} cm", SCOPE).value(values) is (item <= bound * 10)
    assert compile_expression("m < k", SCOPE).value(values) is (item < bound * 10)
    assert compile_expression("k == m", SCOPE).value(values) is (item == bound * 10)
