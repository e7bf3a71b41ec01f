"""What a browser sent, read into the values of a form: plain JSON, as `trial.forms.examine` takes it.

Names are ids of items; those of a row are `lesions-1-max_diameter_mm`, rows counted from 1. Names that begin with `_` are the
page's own (`_command`, `_add_row`): no item's id begins so. Here stands how things are typed; which values there may be is `examine`'s to say. What cannot be read is a problem with a sentence, and the text stays in its field.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from oligami.protocol.compile import CompiledForm
from oligami.protocol.expression.types import KNOWN_UNITS, conversion
from oligami.protocol.model.forms import Item
from oligami.protocol.partial_dates import EARLIEST_YEAR
from oligami.protocol.problems import list_words
from oligami.protocol.text import Language, Text
from oligami.trial.forms import Examined, ItemProblem, examine
from oligami.web.casebook.dates import fold, is_partial, read_date, read_year_or_month

#: Ends the name of the box beside a date that says "this never happened".
NEVER: Final = "-never"
#: Texts up to this length stand on one line; their full-width letters and digits are made half-width (`Ｌ１` is lesion `L1`).
ONE_LINE: Final = 100
_LONGEST_NUMBER: Final = 40
_NUMBER = re.compile(r"([+-]?)(\d+)(?:\.(\d*))?([^\d.+-].*)?\Z", re.ASCII)
_ROW = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)-([1-9]\d{0,3})-([A-Za-z_][A-Za-z0-9_]*)\Z", re.ASCII)
_NEVER_WORDS: Final = frozenset(("なし", "無し", "無", "既往なし", "none", "never"))
_WIDE: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What was read.

    values: by item; what was left empty or could not be read is not in it.
    problems: what could not be read, each with a sentence.
    raw: the texts as typed, by name of their field, rows numbered anew without the empty ones.
    blank_rows: how many empty rows each list item had, so that a page can show them again.
    """

    values: dict[str, Any]
    problems: tuple[ItemProblem, ...]
    raw: Mapping[str, str]
    blank_rows: Mapping[str, int]


class _Unread(Exception):
    """A text that is no value of its item: what was found, and what is expected."""

    def __init__(self, found: Text, expected: Text) -> None:
        self.found = found
        self.expected = expected


def read_post(compiled_form: CompiledForm, post: Mapping[str, str], *, language: Language = "ja") -> Posted:
    """Read the fields of a form; names that are none of the form's are left aside. Nothing is raised.

    Args:
        compiled_form: the form, of the version under which it is filled.
        post: texts by name, as `request.POST` or a draft has them; of a name given twice the last counts.
        language: that of the author; a number is read alike in both.
    """
    values: dict[str, Any] = {}
    raw: dict[str, str] = {}
    problems: list[ItemProblem] = []
    blank: dict[str, int] = {}
    rows = _rows(compiled_form, post)
    for item in compiled_form.form.item:
        if item.type != "list":
            value = _read_field(compiled_form, item, item.id, item.id, item.id, post, raw, problems)
            if value is not None:
                values[item.id] = value
            continue
        kept: list[dict[str, Any]] = []
        blank[item.id] = 0
        for row in rows.get(item.id, ()):
            if not any(row.get(name, "").strip() for field in item.field for name in (field.id, field.id + NEVER)):
                blank[item.id] += 1
                continue
            number = len(kept) + 1
            # The row's texts under their new names, so that its errors and its fields speak of the same row.
            renamed = {f"{item.id}-{number}-{name}": text for name, text in row.items()}
            read = {}
            for field in item.field:
                name, place = f"{item.id}-{number}-{field.id}", f"{item.id}[{number}].{field.id}"
                value = _read_field(compiled_form, field, name, place, f"{item.id}.{field.id}", renamed, raw, problems)
                if value is not None:
                    read[field.id] = value
            kept.append(read)
        if kept:
            values[item.id] = kept
    return Posted(values=values, problems=tuple(problems), raw=raw, blank_rows=blank)


def examine_posted(
    compiled_form: CompiledForm, posted: Posted, *, casebook: Mapping[str, Any] | None = None, strict_required: bool = True
) -> Examined:
    """Examine what was read: `trial.forms.examine`, with what could not be read among the errors, and said once."""
    examined = examine(compiled_form, posted.values, casebook=casebook, strict_required=strict_required)
    unread = {problem.item for problem in posted.problems}
    # An item that could not be read is not there; that it is missing is no news.
    errors = (*posted.problems, *(problem for problem in examined.errors if problem.item not in unread))
    return replace(examined, errors=errors)


def raw_of(compiled_form: CompiledForm, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of saved values by name of their field: reading them again gives the values."""
    raw: dict[str, str] = {}
    for item in compiled_form.form.item:
        value = values.get(item.id)
        if item.type != "list":
            _put(raw, item, item.id, value)
        elif isinstance(value, list | tuple):
            for number, row in enumerate(value, start=1):
                for field in item.field:
                    _put(raw, field, f"{item.id}-{number}-{field.id}", row.get(field.id))
    return raw


def name_of(place: str) -> str:
    """Return the name of the field that a problem speaks of: `lesions[2].site` is `lesions-2-site`."""
    return place.replace("[", "-").replace("].", "-").rstrip("]")


def _put(raw: dict[str, str], item: Item, name: str, value: Any) -> None:
    if value is None:
        return
    if item.never is not None and value == item.never:
        raw[name + NEVER] = item.never
    else:
        raw[name] = str(value)


def _rows(compiled_form: CompiledForm, post: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    """Return the texts of each list's rows by field, in the order of the rows' numbers."""
    fields = {item.id: {field.id for field in item.field} for item in compiled_form.form.item if item.type == "list"}
    found: dict[str, dict[int, dict[str, str]]] = {}
    for name in post:
        match = _ROW.match(name.removesuffix(NEVER))
        if match is not None and match[3] in fields.get(match[1], ()):
            row = found.setdefault(match[1], {}).setdefault(int(match[2]), {})
            row[match[3] + (NEVER if name.endswith(NEVER) else "")] = post[name]
    return {item: [numbered[number] for number in sorted(numbered)] for item, numbered in found.items()}


def _read_field(
    compiled: CompiledForm,
    item: Item,
    name: str,
    place: str,
    path: str,
    post: Mapping[str, str],
    raw: dict[str, str],
    problems: list[ItemProblem],
) -> Any:
    """Return the value of one field, None if it is empty or cannot be read; then the problem is added."""
    text, box = post.get(name, ""), post.get(name + NEVER, "")
    if text.strip():
        raw[name] = text
    never = item.never if item.never is not None and box else None
    if never is not None:
        raw[name + NEVER] = never
    try:
        value = _read(compiled, item, path, text) if text.strip() else None
        if never is not None and value is not None and value != never:
            raise _Unread(
                Text("both a date and the mark that it never happened", "日付と「なし」の印の両方"),
                Text("one of the two", "どちらか一方"),
            )
    except _Unread as unread:
        problems.append(_problem(compiled, item, place, unread))
        return None
    return never if never is not None else value


def _read(compiled: CompiledForm, item: Item, path: str, text: str) -> Any:
    match item.type:
        case "date":
            return _read_date(item, text)
        case "number" | "integer":
            return _read_number(item, text)
        case "code":
            return _read_code(compiled, path, text)
        case _:
            plain = text.replace("\r\n", "\n").replace("\r", "\n").strip()
            return plain.translate(_WIDE).strip() if item.max_length <= ONE_LINE else plain


def _read_date(item: Item, text: str) -> str:
    if item.never is not None and fold(text).lower() in {item.never.lower(), *_NEVER_WORDS}:
        return item.never
    day = read_date(text)
    if day is not None:
        return day.isoformat()
    part = read_year_or_month(text) if item.partial else None
    if part is not None:
        return part
    found = _found(item, text)
    if is_partial(text) and not item.partial:
        found = Text("a date without its day", "日のない日付")
    example = Text(
        "a whole day of the calendar, such as 20240610, 2024-06-10 or R6.6.10",
        "暦にある年月日(例 20240610、2024-06-10、R6.6.10、令和6年6月10日)",
    )
    if item.partial:
        example = Text(
            f"{example.en}, or the year or month alone, such as 2024, 2024-06 or R6.6 (from {EARLIEST_YEAR})",
            f"{example.ja}、または年のみ・年月のみ(例 2024、2024-06、R6.6。{EARLIEST_YEAR} 年以降)",
        )
    if item.never is not None:
        example = Text(f"{example.en}, or the mark that it never happened", f"{example.ja}または「なし」の印")
    raise _Unread(found, example)


def _read_number(item: Item, text: str) -> int | float:
    unit = f" {item.unit}" if item.unit else ""
    expected = Text(f"a number in digits, such as 12 or 12.5{unit}", f"数字(例 12、12.5{unit})")
    if item.type == "integer":
        expected = Text(f"a whole number in digits, such as 12{unit}", f"整数(例 12{unit})")
    folded = fold(text)
    match = _NUMBER.match(folded) if len(folded) <= _LONGEST_NUMBER else None
    if match is None:
        if "," in folded:
            expected = Text(
                f"{expected.en}; no comma, a decimal is written with a point", f"{expected.ja}。コンマは使わず、小数は点で"
            )
        raise _Unread(_found(item, text), expected)
    sign, whole, fraction, typed_unit = match.groups()
    factor = _factor(item, typed_unit)
    if factor is None:
        known = [name for name in sorted(KNOWN_UNITS) if conversion(name, item.unit) is not None] if item.unit else []
        if known:
            expected = Text(
                f"{expected.en}; units that fit: {list_words(known).en}", f"{expected.ja}。使える単位: {list_words(known).ja}"
            )
        raise _Unread(_found(item, text), expected)
    if factor != 1:
        exact = Fraction(Decimal(f"{sign}{whole}.{fraction or '0'}")) * factor
        return int(exact) if exact.denominator == 1 else float(exact)
    return float(f"{sign}{whole}.{fraction}") if fraction else int(f"{sign}{whole}")


def _factor(item: Item, typed: str | None) -> Fraction | None:
    """Return by what a number in the typed unit is multiplied: `3 cm` is 30 mm. None if the unit does not fit the item."""
    if not typed or typed == item.unit:
        return Fraction(1)
    if item.unit is None:
        return None
    units = {unit.lower(): unit for unit in KNOWN_UNITS if unit.lower() != unit or unit not in ("Gy", "mGy", "cGy")}
    unit = typed if typed in KNOWN_UNITS else units.get(typed.lower())
    return conversion(unit, item.unit) if unit is not None else None


def _read_code(compiled: CompiledForm, path: str, text: str) -> str:
    codes = [code.value for code in compiled.codes[path]]
    for word in (text, text.strip(), fold(text)):
        if word in codes:
            return word
    labels = compiled.codes[path]
    english, japanese = (
        list_words([code.label.en for code in labels], most=20),
        list_words([code.label.ja for code in labels], most=20),
    )
    raise _Unread(
        Text("an answer that is not on offer", "選択肢にない回答"),
        Text(f"one of {english.en}", f"{japanese.ja} のいずれか"),
    )


def _found(item: Item, text: str) -> Text:
    """Say what was typed; of what names a person nothing is shown."""
    if item.identity or not text.isprintable():
        return Text("something that cannot be read", "読み取れない入力")
    typed = text.strip()
    shown = typed if len(typed) <= 30 else f"{typed[:30]}…"
    return Text(f'"{shown}"', f"「{shown}」")


def _problem(compiled: CompiledForm, item: Item, place: str, unread: _Unread) -> ItemProblem:
    form = compiled.form.id
    return ItemProblem(
        item=place,
        text=Text(
            f"{item.label.en}: found {unread.found.en}, expected {unread.expected.en}. Correct the entry.",
            f"{item.label.ja}: 入力は {unread.found.ja}、必要なのは {unread.expected.ja} です。入力を訂正してください。",
        ),
        rule=f"forms.{form}.{place.split('[')[0]}",
    )
