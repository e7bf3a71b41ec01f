"""Examines what was entered into a form: types, codes, units' ranges, rows, rules between items.

Impossible values are refused here, at entry, so that no rule of the trial is ever judged with one. Which values there are
comes from the protocol; what follows from them is decided elsewhere.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final

from oligami.protocol.compile import CompiledForm
from oligami.protocol.expression import Expression
from oligami.protocol.model.forms import Check, Item
from oligami.protocol.partial_dates import EARLIEST_YEAR, read_partial_date
from oligami.protocol.problems import find_near_miss, list_words, shorten, show_value
from oligami.protocol.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemProblem:
    """What is wrong with an item, in a sentence that stands alone.

    item: the item, a row's field as `lesions[2].max_diameter_mm` (rows count from 1); empty: the form as a whole.
    rule: `forms.FORM.ITEM`, or `forms.FORM.CHECK` for an edit check.
    """

    item: str
    text: Text
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """The outcome: values are plain JSON, without missing items and without those that identify a person.

    With errors the values are incomplete and nothing may be judged with them. Warnings ask for a reason.
    """

    values: dict[str, Any]
    errors: tuple[ItemProblem, ...]
    warnings: tuple[ItemProblem, ...]


def flatten_casebook(filled: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the items of filled forms under their whole names, `form_id.item_id`, as `examine` takes them."""
    return {f"{form_id}.{item_id}": value for form_id, values in filled.items() for item_id, value in values.items()}


def examine(
    compiled_form: CompiledForm,
    values: object,
    *,
    casebook: Mapping[str, Any] | None = None,
    strict_required: bool = True,
) -> Examined:
    """Examine the values of one form; every error is gathered, none raised.

    Args:
        compiled_form: the form.
        values: what was entered, as JSON has it; None is a missing item.
        casebook: items of other forms as `form_id.item_id`, for the checks that speak of them; a missing one is unknown.
        strict_required: whether a missing required item is an error. Judging alone takes it as unknown instead.
    """
    plan = _plan(compiled_form)
    if not isinstance(values, Mapping):
        found = show_value(values)
        return Examined(values={}, errors=(_refuse(plan, "", "", found, _AN_OBJECT, _ENTER_ITEMS),), warnings=())
    kept: dict[str, Any] = {}
    errors: list[ItemProblem] = []
    bad: set[str] = set()
    get = values.get
    for reader in plan.readers:
        raw = get(reader.name)
        if raw is not None:
            value = reader.read(raw)
            if value is _BAD:
                errors += reader.explain(raw)
                bad.add(reader.name)
            elif value is not None:
                kept[reader.name] = value
    if not plan.names.issuperset(values):
        errors += _explain_unknown(plan, plan.form, plan.names, values, "")
    if plan.lists_with_required and strict_required:
        errors += _missing_in_rows(plan, kept)
    known: dict[str, Any] = kept
    if plan.others:
        known = {name: casebook.get(name) for name in plan.others} if casebook is not None else {}
        known |= kept
    for reader, expression in plan.derive:
        name = reader.name
        if name not in kept and name not in bad and expression.names.isdisjoint(bad):
            value = _as_entered(expression.value(known))
            if value is not None:
                value = reader.read(value)
                if value is _BAD:
                    errors.append(_refuse_derived(plan, reader))
                    bad.add(name)
                else:
                    kept[name] = known[name] = value
    hidden: set[str] = set()
    unsure: set[str] = set()
    for name, expression in plan.show_when:
        shown = expression.value(known) if expression.names.isdisjoint(bad) else None
        if shown is None:
            unsure.add(name)
        elif not shown:
            hidden.add(name)
            if name in kept:
                if name not in plan.derived_names or get(name) is not None:
                    errors.append(_refuse_hidden(plan, name, expression))
                    bad.add(name)
                kept.pop(name)
                known.pop(name, None)
    if strict_required:
        for name in plan.required:
            if name not in kept and name not in bad and name not in hidden and name not in unsure:
                errors.append(_refuse_missing(plan, name))
    warnings: list[ItemProblem] = []
    for check, expression in plan.checks:
        if expression.value(known) is False and expression.names.isdisjoint(bad):
            found_on = ItemProblem(item=check.item or "", text=check.message, rule=f"forms.{plan.form}.{check.id}")
            (errors if check.level == "hard" else warnings).append(found_on)
    for name in plan.identity:
        kept.pop(name, None)
    return Examined(values=kept, errors=tuple(errors), warnings=tuple(warnings))


# ---------------------------------------------------------------- what is worked out once a form


class _Bad:
    """The mark of a value that cannot be."""


_BAD: Final = _Bad()
_MOST_WHOLE: Final = 2**53  # beyond it a whole number does not survive the way through JSON everywhere
_MOST: Final = 1e300

Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Reader:
    """How one item is read: `read` is quick and gives `_BAD` for what cannot be, `explain` then says why."""

    name: str
    read: Read
    explain: Callable[[Any], list[ItemProblem]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Plan:
    form: str
    items: Mapping[str, Item]
    names: frozenset[str]
    readers: tuple[_Reader, ...]
    derive: tuple[tuple[_Reader, Expression], ...]
    derived_names: frozenset[str]
    show_when: tuple[tuple[str, Expression], ...]
    required: tuple[str, ...]
    lists_with_required: tuple[Item, ...]
    checks: tuple[tuple[Check, Expression], ...]
    others: tuple[str, ...]  # items of other forms that expressions of this one use
    identity: tuple[str, ...]


@lru_cache(maxsize=256)
def _plan(compiled: CompiledForm) -> _Plan:
    form = compiled.form
    readers = {item.id: _reader(compiled, item) for item in form.item}
    expressions = [
        *(expression for _, expression in compiled.derive),
        *compiled.show_when.values(),
        *(expression for _, expression in compiled.checks),
    ]
    own = {item.id for item in form.item}
    used = {name for expression in expressions for name in expression.names}
    return _Plan(
        form=form.id,
        items={item.id: item for item in form.item},
        names=frozenset(own),
        readers=tuple(readers.values()),
        derive=tuple((readers[name], expression) for name, expression in compiled.derive),
        derived_names=frozenset(name for name, _ in compiled.derive),
        show_when=tuple(compiled.show_when.items()),
        required=tuple(item.id for item in form.item if item.required),
        lists_with_required=tuple(
            item for item in form.item if item.type == "list" and any(field.required for field in item.field)
        ),
        checks=compiled.checks,
        others=tuple(sorted(name for name in used if "." in name and name.split(".")[0] not in own)),
        identity=tuple(item.id for item in form.item if item.identity),
    )


def _reader(compiled: CompiledForm, item: Item) -> _Reader:
    form = compiled.form.id
    if item.type == "list":
        fields = {field.id: (field, _read_of(compiled, f"{item.id}.{field.id}", field)) for field in item.field}
        return _Reader(
            name=item.id,
            read=_rows_reader({name: read for name, (_, read) in fields.items()}, item.max_rows),
            explain=lambda raw: list(_explain_rows(compiled, item, fields, raw)),
        )
    return _Reader(
        name=item.id,
        read=_read_of(compiled, item.id, item),
        explain=lambda raw: [_explain(form, compiled, item.id, item.id, item, raw)],
    )


# ---------------------------------------------------------------- reading


def _read_of(compiled: CompiledForm, path: str, item: Item) -> Read:
    match item.type:
        case "code":
            return _code_reader(frozenset(code.value for code in compiled.codes[path]))
        case "date":
            return _date_reader(item.never, partial=item.partial)
        case "text":
            return _text_reader(item.max_length)
        case "integer":
            return _number_reader(item, whole=True)
        case _:
            return _number_reader(item, whole=False)


def _code_reader(codes: frozenset[str]) -> Read:
    def read(raw: Any) -> Any:
        return raw if type(raw) is str and raw in codes else _BAD

    return read


def _date_reader(never: str | None, *, partial: bool) -> Read:
    parse = date.fromisoformat

    def read(raw: Any) -> Any:
        # fromisoformat also reads 20240610 and week dates; two readings of one entry are one too many.
        if type(raw) is str and len(raw) == 10 and raw[4] == raw[7] == "-":
            try:
                parse(raw)
            except ValueError:
                return raw if raw == never else _BAD
            return raw
        if type(raw) is not str:
            return _BAD
        return raw if raw == never or (partial and read_partial_date(raw) is not None) else _BAD

    return read


def _text_reader(most: int) -> Read:
    def read(raw: Any) -> Any:
        if type(raw) is not str or len(raw) > most or not _is_plain(raw):
            return _BAD
        return raw if raw.strip() else None

    return read


def _is_plain(words: str) -> bool:
    """Tell whether a text can be stored and shown: no control characters but tabs and line ends, no half characters."""
    return words.isprintable() or not any(
        (character < " " and character not in "\t\n\r") or "\x7f" <= character <= "\x9f" or "\ud800" <= character <= "\udfff"
        for character in words
    )


def _number_reader(item: Item, *, whole: bool) -> Read:
    low = -_MOST if item.minimum is None else item.minimum
    high = _MOST if item.maximum is None else item.maximum
    above = -_MOST if item.exclusive_minimum is None else item.exclusive_minimum
    decimals = item.decimals

    def read(raw: Any) -> Any:
        kind = type(raw)
        if (kind is not float and kind is not int) or not (low <= raw <= high and raw > above):
            return _BAD
        if whole:
            if not -_MOST_WHOLE <= raw <= _MOST_WHOLE or raw != int(raw):
                return _BAD
            return int(raw)
        if decimals is not None and kind is float and round(raw, decimals) != raw:
            return _BAD
        return raw if kind is float or -_MOST_WHOLE <= raw <= _MOST_WHOLE else _BAD

    return read


def _rows_reader(fields: Mapping[str, Read], most: int) -> Read:
    reads = tuple(fields.items())
    names = frozenset(fields)

    def read(raw: Any) -> Any:
        if not isinstance(raw, list | tuple) or len(raw) > most:
            return _BAD
        rows: list[dict[str, Any]] = []
        for each in raw:
            if not isinstance(each, Mapping) or not names.issuperset(each):
                return _BAD
            row: dict[str, Any] = {}
            for name, read_field in reads:
                entered = each.get(name)
                if entered is not None:
                    value = read_field(entered)
                    if value is _BAD:
                        return _BAD
                    if value is not None:
                        row[name] = value
            rows.append(row)
        return rows

    return read


def _as_entered(value: Any) -> Any:
    """Return a computed value in the shape in which it is entered."""
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if type(value) is float and value.is_integer() else value


# ---------------------------------------------------------------- wording

_AN_OBJECT: Final = Text("an object of items", "項目の一覧(オブジェクト)")
_ENTER_ITEMS: Final = Text("Give each item by its name.", "項目を名前付きで入力してください。")
_CORRECT: Final = Text("Correct the entry.", "入力を訂正してください。")


def _refuse(plan: _Plan, item: str, label: str, found: Text, expected: Text, remedy: Text) -> ItemProblem:
    return _problem(plan.form, item, Text(label, label), found, expected, remedy)


def _problem(form: str, item: str, label: Text, found: Text, expected: Text, remedy: Text) -> ItemProblem:
    name = item.split("[")[0]
    english = f"{label.en} ({item}): " if item else ""
    japanese = f"{label.ja}({item}): " if item else ""
    return ItemProblem(
        item=item,
        text=Text(
            f"{english}found {found.en}, expected {expected.en}. {remedy.en}",
            f"{japanese}入力は {found.ja}、必要なのは {expected.ja} です。{remedy.ja}",
        ),
        rule=f"forms.{form}.{name}" if name else f"forms.{form}",
    )


def _explain(form: str, compiled: CompiledForm, place: str, path: str, item: Item, raw: Any) -> ItemProblem:
    """Say why a value cannot be. What names a person, and free text, is never shown."""
    found = show_value(raw)
    if item.identity:
        found = Text("a value that cannot be", "ありえない値")
    elif item.type == "text" and isinstance(raw, str):
        found = Text(f"a text of {len(raw)} characters", f"{len(raw)} 文字の文章")
    expected, remedy = _expected(item), _CORRECT
    if item.type == "code":
        codes = [code.value for code in compiled.codes[path]]
        there = list_words(codes, most=20)
        expected = Text(f"one of {there.en}", f"{there.ja} のいずれか")
        near = find_near_miss(raw, codes) if isinstance(raw, str) and not item.identity else None
        if near is not None:
            remedy = Text(f"Did you mean {near}?", f"{near} ではありませんか。")
    return _problem(form, place, item.label, found, expected, remedy)


def _expected(item: Item) -> Text:
    """Say what an item takes: the type with its unit, range and decimals."""
    match item.type:
        case "date":
            english, japanese = "a day of the calendar such as 2024-06-10", "暦にある日付(例 2024-06-10)"
            if item.partial:
                english += f", or the year or month alone such as 2024 or 2024-06 (from {EARLIEST_YEAR})"
                japanese += f"、または年のみ・年月のみ(例 2024、2024-06。{EARLIEST_YEAR} 年以降)"
            if item.never is not None:
                return Text(f'{english}, or "{item.never}"', f"{japanese}または「{item.never}」")
            return Text(english, japanese)
        case "text":
            return Text(f"a text of at most {item.max_length} plain characters", f"{item.max_length} 文字以内の通常の文章")
        case "list":
            return Text(f"a list of at most {item.max_rows} rows", f"{item.max_rows} 行以内のリスト")
        case _:
            return _expected_number(item)


def _expected_number(item: Item) -> Text:
    unit = f" {item.unit}" if item.unit else ""
    english, japanese = [], []
    if item.exclusive_minimum is not None:
        english.append(f"over {item.exclusive_minimum:g}{unit}")
        japanese.append(f"{item.exclusive_minimum:g}{unit} 超")
    if item.minimum is not None:
        english.append(f"at least {item.minimum:g}{unit}")
        japanese.append(f"{item.minimum:g}{unit} 以上")
    if item.maximum is not None:
        english.append(f"at most {item.maximum:g}{unit}")
        japanese.append(f"{item.maximum:g}{unit} 以下")
    if item.decimals is not None:
        english.append(f"with at most {item.decimals} decimals")
        japanese.append(f"小数 {item.decimals} 桁まで")
    kind = Text("a whole number", "整数") if item.type == "integer" else Text("a number", "数")
    within = Text(" " + ", ".join(english), "(" + "、".join(japanese) + ")") if english else Text("", "")
    if not english and unit:
        within = Text(f" in{unit}", f"(単位{unit})")
    return Text(f"{kind.en}{within.en}", f"{kind.ja}{within.ja}")


def _explain_rows(compiled: CompiledForm, item: Item, fields: Mapping[str, tuple[Item, Read]], raw: Any) -> Iterator[ItemProblem]:
    """Say what is wrong with a list, row by row."""
    form = compiled.form.id
    if not isinstance(raw, list | tuple) or len(raw) > item.max_rows:
        yield _explain(form, compiled, item.id, item.id, item, raw)
        return
    plan = _plan(compiled)
    for place, row in enumerate(raw, start=1):
        at = f"{item.id}[{place}]"
        if not isinstance(row, Mapping):
            yield _problem(form, at, item.label, show_value(row), _AN_OBJECT, _CORRECT)
            continue
        yield from _explain_unknown(plan, form, fields, row, f"{at}.")
        for name, (field, read) in fields.items():
            entered = row.get(name)
            if entered is not None and read(entered) is _BAD:
                yield _explain(form, compiled, f"{at}.{name}", f"{item.id}.{name}", field, entered)


def _explain_unknown(
    plan: _Plan, form: str, names: Iterable[str], values: Mapping[Any, Any], prefix: str
) -> Iterator[ItemProblem]:
    known = list(names)
    for key in values:
        if key not in known:
            word = shorten(str(key))
            near = find_near_miss(str(key), known)
            found = Text(f"an unknown item {word}", f"存在しない項目 {word}")
            expected = Text(
                f"an item of {prefix.rstrip('.') or 'form ' + form}", f"{prefix.rstrip('.') or '調査票 ' + form} の項目"
            )
            remedy = (
                Text(f"Did you mean {near}?", f"{near} ではありませんか。")
                if near
                else Text("Leave it out.", "この項目を除いてください。")
            )
            problem = _refuse(plan, "", "", found, expected, remedy)
            yield ItemProblem(item=f"{prefix}{word}", text=problem.text, rule=problem.rule)


def _missing_in_rows(plan: _Plan, kept: Mapping[str, Any]) -> Iterator[ItemProblem]:
    for item in plan.lists_with_required:
        required = [field for field in item.field if field.required]
        for place, row in enumerate(kept.get(item.id, ()), start=1):
            for field in required:
                if field.id not in row:
                    yield _missing(plan.form, f"{item.id}[{place}].{field.id}", field)


def _refuse_missing(plan: _Plan, name: str) -> ItemProblem:
    return _missing(plan.form, name, plan.items[name])


def _missing(form: str, place: str, item: Item) -> ItemProblem:
    expected = _expected(item) if item.type != "code" else Text("one of its codes", "いずれかのコード")
    remedy = Text("Fill it in.", "入力してください。")
    return _problem(form, place, item.label, Text("nothing", "未入力"), expected, remedy)


def _refuse_hidden(plan: _Plan, name: str, when: Expression) -> ItemProblem:
    item = plan.items[name]
    expected = Text(f"no entry, since it is asked only when {when.source}", f"未入力({when.source} のときのみ入力する項目)")
    remedy = Text("Clear it, or correct the items it depends on.", "消去するか、関連する項目を訂正してください。")
    return _problem(plan.form, name, item.label, Text("an entry", "入力あり"), expected, remedy)


def _refuse_derived(plan: _Plan, reader: _Reader) -> ItemProblem:
    item = plan.items[reader.name]
    found = Text("a value that follows from other items and cannot be", "他の項目から導出されたありえない値")
    remedy = Text("Correct the items it follows from.", "元になる項目を訂正してください。")
    return _problem(plan.form, reader.name, item.label, found, _expected(item), remedy)
