"""Items of another form, named `form.item`."""

import pytest

from oligami.protocol.expression import DateType, ExpressionError, ListType, NumberType, Scope, compile_expression

SCOPE = Scope(
    {
        "contact_date": DateType(),
        "lesions": ListType({"size": NumberType("mm")}),
        "entry.registration_date": DateType(),
    }
)


def test_an_item_of_another_form_is_read_by_its_whole_name() -> None:
    """`form.item` reads the key `form.item`, is unknown without it, and shows its whole name in the explanation."""
    expression = compile_expression("contact_date >= entry.registration_date", SCOPE)
    assert expression.names == {"contact_date", "entry.registration_date"}
    assert expression.value({"contact_date": "2024-03-02", "entry.registration_date": "2024-03-01"}) is True
    assert expression.value({"contact_date": "2024-02-02", "entry.registration_date": "2024-03-01"}) is False
    assert expression.value({"contact_date": "2024-02-02"}) is None
    assert "entry.registration_date" in str(expression.explain({"contact_date": "2024-02-02"}).as_json())


def test_a_misspelt_item_of_another_form_has_a_near_miss() -> None:
    """A wrong whole name is refused with the right one."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression("contact_date >= entry.registraton_date", SCOPE)
    assert [problem.near_miss for problem in caught.value.problems] == ["entry.registration_date"]


def test_a_list_of_another_form_is_not_offered() -> None:
    """A scope refuses a dotted list, and a name of three parts."""
    with pytest.raises(ValueError, match="a list of another form"):
        Scope({"entry.lesions": ListType({"size": NumberType()})})
    with pytest.raises(ValueError, match="item name"):
        Scope({"a.b.c": DateType()})
