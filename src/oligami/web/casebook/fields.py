"""A form as a page shows it: every item with its label, its unit, its answers, what was typed and what is wrong with it.

All that a person reads is in one language here. The template `casebook/fields.html` writes a `FormView` out and adds nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from string import ascii_lowercase
from typing import Any, Final, Literal

from oligami.protocol.compile import CompiledForm
from oligami.protocol.expression.types import dimension_of
from oligami.protocol.model.forms import Code, Item
from oligami.protocol.partial_dates import read_partial_date
from oligami.protocol.text import Language, Text
from oligami.trial.forms import Examined, ItemProblem, examine
from oligami.web.casebook.dates import read_date, show_date, show_partial_date
from oligami.web.casebook.reading import NEVER, ONE_LINE, Posted, name_of, read_post

Kind = Literal["date", "number", "text", "long_text", "radio", "select", "list"]

#: Up to so many answers stand open as radio buttons, each with its key; more go into a list that opens.
_MOST_RADIOS: Final = 7
#: Codes that are Roman numerals, in order.
_CLASSES: Final = ("i", "ii", "iii", "iv", "v")
_NOTHING: Final[Mapping[str, Any]] = {}
_NEVER_LABEL = Text("Never happened (none)", "なし（該当する日なし）")
_NO_ANSWER = Text("No answer", "未回答")
_PART_WILL_DO = Text(
    "If the day is not known, the year or month will do: 2024, 2024-05, R6.5",
    "日が不明なら年または年月のみで可：2024、2024-05、R6.5",
)


#: Units whose code is not what people write.
_UNIT_WORDS = {
    "Cel": Text("°C", "°C"),
    "days": Text("days", "日"),
    "weeks": Text("weeks", "週"),
    "months": Text("months", "か月"),
    "years": Text("years", "年"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionView:
    """An answer that can be chosen. `key` chooses it; `off` says why it is not expected here (it can be chosen all the same)."""

    value: str
    label: str
    id: str = ""
    key: str = ""
    checked: bool = False
    off: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowView:
    """A row of a list item, its fields in the order of the columns."""

    number: int
    cells: tuple["FieldView", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """One question.

    name, id: of the input. item: the item's id, a row's field as `lesions-1-site`.
    value: the text in the field; shown: the value in words, for reading.
    errors, warnings: sentences. described_by: ids of what explains the input.
    derived: what the item comes to if it is left empty. echo: how a typed text was understood.
    hidden: not asked now. unsure: whether it is asked is not known yet.
    number: whether the column's numbers are added up (`total`).
    """

    name: str
    id: str
    item: str
    label: str
    kind: Kind
    unit: str = ""
    value: str = ""
    shown: str = ""
    options: tuple[OptionView, ...] = ()
    never: OptionView | None = None
    suggestions: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    note: str = ""
    range: str = ""
    required: bool = False
    identity: bool = False
    whole: bool = False
    max_length: int = 0
    derived: str = ""
    is_derived: bool = False
    echo: str = ""
    hidden: bool = False
    unsure: bool = False
    adds_up: bool = False
    total: str = ""
    rows: tuple[RowView, ...] = ()
    columns: tuple["FieldView", ...] = ()
    can_add: bool = False

    @property
    def described_by(self) -> str:
        """Ids of note, range, echo and error, as `aria-describedby` takes them; a row's note stands in the head of its column."""
        in_row = "." in self.item
        parts = {
            "n": self.note and not in_row,
            "r": (self.range or self.kind == "date") and not in_row,
            "c": self.echo or self.derived,
            "e": self.errors,
            "w": self.warnings and not in_row,
        }
        return " ".join(f"{self.id}-{part}" for part, there in parts.items() if there)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A line of the error summary: the sentence, and the id of the input it leads to (empty: the form as a whole)."""

    sentence: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormView:
    """A form as shown."""

    form: str
    title: str
    note: str
    fields: tuple[FieldView, ...]
    faults: tuple[Fault, ...] = ()
    read_only: bool = False

    @property
    def shown_fields(self) -> tuple[FieldView, ...]:
        """The fields that are asked."""
        return tuple(each for each in self.fields if not each.hidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What is known beside the form itself.

    off: by item and code, why an answer is not expected. suggestions: by item (a row's field as `lesions.id`), what is likely.
    """

    off: Mapping[str, Mapping[str, Text]] = field(default_factory=dict)
    suggestions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def form_fields(
    compiled_form: CompiledForm,
    raw: Mapping[str, str],
    *,
    language: Language,
    problems: Iterable[ItemProblem] = (),
    warnings: Iterable[ItemProblem] = (),
    casebook: Mapping[str, Any] | None = None,
    blank_rows: Mapping[str, int] | None = None,
    hints: Hints | None = None,
    read_only: bool = False,
) -> FormView:
    """Return a form as a page shows it.

    Args:
        compiled_form: the form, of the version under which it is or was filled.
        raw: texts by name of the field: what was typed, or `raw_of` saved values.
        language: of the page.
        problems: what is wrong, as `examine_posted` or a refusal says it.
        warnings: the soft checks that fired.
        casebook: items of other forms, `form.item`, on which it may depend what is asked.
        blank_rows: by list item, how many empty rows to show; one if not named.
        hints: answers that are not expected, likely texts.
        read_only: nothing can be typed: values in words, no empty rows.
    """
    posted = read_post(compiled_form, raw, language=language)
    examined = examine(compiled_form, posted.values, casebook=casebook, strict_required=False)
    page = _Page(compiled_form, posted, examined, casebook or _NOTHING, language, hints or Hints(), read_only)
    fields = page.fields(_sorted_out(compiled_form, problems), _sorted_out(compiled_form, warnings), blank_rows or _NOTHING)
    faults = tuple(_faults(fields, problems, language))
    form = compiled_form.form
    return FormView(
        form=form.id,
        title=form.title[language],
        note=form.note[language] if form.note else "",
        fields=fields,
        faults=faults,
        read_only=read_only,
    )


def show_value(compiled_form: CompiledForm, path: str, item: Item, value: Any, language: Language) -> str:
    """Return a value in words: a code by its label, a date, a number with its unit, rows one after the other; empty for none."""
    if value is None or value == "":
        return ""
    match item.type:
        case "code":
            return next((code.label[language] for code in compiled_form.codes.get(path, ()) if code.value == value), str(value))
        case "date":
            if value == item.never:
                return _NEVER_LABEL[language]
            return _show_day(str(value), language)
        case "list" if isinstance(value, list | tuple):
            rows = []
            for row in value:
                cells = (
                    show_value(compiled_form, f"{path}.{each.id}", each, row.get(each.id), language)
                    for each in item.field
                    if row.get(each.id) is not None
                )
                rows.append(", ".join(cells))
            return " / ".join(rows)
        case "number" | "integer" if item.unit:
            return f"{value} {_unit(item, language)}"
        case _:
            return str(value)


# ---------------------------------------------------------------- inside


@dataclass(frozen=True, slots=True)
class _Page:
    compiled: CompiledForm
    posted: Posted
    examined: Examined
    casebook: Mapping[str, Any]
    language: Language
    hints: Hints
    read_only: bool

    def fields(
        self, errors: Mapping[str, tuple[Text, ...]], warnings: Mapping[str, tuple[Text, ...]], blank_rows: Mapping[str, int]
    ) -> tuple[FieldView, ...]:
        said = {
            side: {name: tuple(text[self.language] for text in texts) for name, texts in found.items()}
            for side, found in (("errors", errors), ("warnings", warnings))
        }
        known = self._known()
        views = []
        for item in self.compiled.form.item:
            asked = self.compiled.show_when.get(item.id)
            shown = asked.value(known) if asked is not None else True
            filled = any(name == item.id or name.startswith(f"{item.id}-") for name in self.posted.raw)
            # What was typed stays to be seen even where it is not asked: it may have to be taken back.
            state: dict[str, Any] = {"hidden": shown is False and not filled, "unsure": shown is None and not filled}
            if item.type == "list":
                views.append(self._list(item, said, blank_rows.get(item.id, 1), state))
            else:
                views.append(self._field(item, item.id, item.id, said, state))
        return tuple(views)

    def _known(self) -> dict[str, Any]:
        """Return what expressions may see: this form's values as far as they can be, and items of other forms."""
        bad = {name_of(problem.item).split("-")[0] for problem in self.examined.errors}
        own = {name: value for name, value in self.posted.values.items() if name not in bad}
        others = {name: value for name, value in self.casebook.items() if "." in name}
        return {**others, **own, **self.examined.values}

    def _field(
        self, item: Item, name: str, path: str, said: Mapping[str, Mapping[str, tuple[str, ...]]], more: Mapping[str, Any]
    ) -> FieldView:
        language, raw = self.language, self.posted.raw
        text = raw.get(name, "")
        in_row = "." in path
        value = self._value(name, path)
        calculated = self.examined.values.get(item.id) if item.derive is not None and not in_row and not text else None
        kind, options = self._kind(item, name, path, text, in_row=in_row)
        shown = show_value(self.compiled, path, item, value if value is not None else calculated, language)
        never = None
        if item.never is not None:
            never = OptionView(value=item.never, label=_NEVER_LABEL[language], id=f"f-{name}{NEVER}", checked=name + NEVER in raw)
        return FieldView(
            name=name,
            id=f"f-{name}",
            item=item.id if not in_row else path,
            label=item.label[language],
            kind=kind,
            unit=_unit(item, language),
            value=text,
            shown=shown,
            options=options,
            never=never,
            suggestions=self.hints.suggestions.get(path, ()),
            errors=said["errors"].get(name, ()),
            warnings=said["warnings"].get(name, ()),
            note=item.note[language] if item.note else "",
            range=_range(item, language),
            required=item.required,
            identity=item.identity,
            whole=item.type == "integer",
            max_length=item.max_length if item.type == "text" else 0,
            derived=show_value(self.compiled, path, item, calculated, language),
            is_derived=item.derive is not None,
            echo=_echo(item, text, value, language),
            **more,
        )

    def _value(self, name: str, path: str) -> Any:
        """Return what was read from a field; None if nothing was, or it cannot be."""
        if "." not in path:
            return self.posted.values.get(name)
        item, number, field_id = name.split("-", 2)
        rows = self.posted.values.get(item, ())
        return rows[int(number) - 1].get(field_id) if int(number) <= len(rows) else None

    def _kind(self, item: Item, name: str, path: str, text: str, *, in_row: bool) -> tuple[Kind, tuple[OptionView, ...]]:
        if item.type != "code":
            if item.type in ("number", "integer"):
                return "number", ()
            if item.type == "date":
                return "date", ()
            return ("text" if item.max_length <= 2 * ONE_LINE else "long_text"), ()
        codes = self.compiled.codes[path]
        off = self.hints.off.get(path, {})
        open_ones = not in_row and (len(codes) <= _MOST_RADIOS or bool(off))
        options = [_option(code, name, text, off, self.language) for code in codes]
        options = list(_with_keys(options))
        # A radio button cannot be taken back, so there is one for no answer wherever none may be right.
        if open_ones and (not item.required or item.show_when is not None):
            options.append(OptionView(value="", label=_NO_ANSWER[self.language], id=f"f-{name}-none", key="-", checked=not text))
        return ("radio" if open_ones else "select"), tuple(options)

    def _list(
        self, item: Item, said: Mapping[str, Mapping[str, tuple[str, ...]]], blank: int, more: Mapping[str, Any]
    ) -> FieldView:
        filled = len(self.posted.values.get(item.id, ()))
        wanted = filled if self.read_only else min(max(filled + blank, 1), max(item.max_rows, filled))
        adding = next((each.id for each in item.field if _adds_up(each)), None)
        rows = tuple(
            RowView(
                number=number,
                cells=tuple(
                    self._field(
                        each, f"{item.id}-{number}-{each.id}", f"{item.id}.{each.id}", said, {"adds_up": each.id == adding}
                    )
                    for each in item.field
                ),
            )
            for number in range(1, wanted + 1)
        )
        columns = tuple(
            FieldView(
                name="",
                id=f"f-{item.id}-{each.id}",
                item=each.id,
                label=each.label[self.language],
                kind="text",
                unit=_unit(each, self.language),
                note=_column_note(each, self.language),
                range=_range(each, self.language),
                required=each.required,
                adds_up=each.id == adding,
                total=self._total(item, each.id) if each.id == adding else "",
            )
            for each in item.field
        )
        return FieldView(
            name=item.id,
            id=f"f-{item.id}",
            item=item.id,
            label=item.label[self.language],
            kind="list",
            errors=said["errors"].get(item.id, ()),
            warnings=said["warnings"].get(item.id, ()),
            note=item.note[self.language] if item.note else "",
            required=item.required,
            rows=rows,
            columns=columns,
            can_add=wanted < item.max_rows and not self.read_only,
            **more,
        )

    def _total(self, item: Item, field_id: str) -> str:
        """Return the sum of a column's numbers as typed; in decimals, so that 0.1 and 0.2 are 0.3."""
        numbers = [row.get(field_id) for row in self.posted.values.get(item.id, ())]
        told = [Decimal(str(number)) for number in numbers if isinstance(number, int | float) and abs(number) < 10**15]
        return f"{sum(told, Decimal(0)):f}" if told else ""


def _column_note(item: Item, language: Language) -> str:
    """Return what the head of a column says besides its label; there is no room for it in the cells."""
    will_do = _range(item, language) if item.type == "date" else ""
    return " ".join(words for words in (item.note[language] if item.note else "", will_do) if words)


def _show_day(value: str, language: Language) -> str:
    """Return a saved day, or the year or month where no day is known, in words."""
    days = read_partial_date(value)
    if days is not None:
        return show_partial_date(value, days, language)
    day = read_date(value)
    return value if day is None else show_date(day, language)


def _option(code: Code, name: str, text: str, off: Mapping[str, Text], language: Language) -> OptionView:
    why = off.get(code.value)
    return OptionView(
        value=code.value,
        label=code.label[language],
        id=f"f-{name}-{code.value}",
        checked=text.strip() == code.value,
        off=why[language] if why is not None else "",
    )


def _with_keys(options: Iterable[OptionView]) -> Iterator[OptionView]:
    """Give each answer a key: its number if the code is one, else the first letter of the code, or any, that is free."""
    taken: set[str] = set()
    for option in options:
        code = option.value.lower()
        # Class II is 2 to whoever types it; a digit in any other place would be taken for the class.
        number = [str(_CLASSES.index(code) + 1)] if code in _CLASSES else []
        letters = [*number, *(letter for letter in code if letter.isascii() and letter.isalnum()), *ascii_lowercase]
        key = next((letter for letter in letters if letter not in taken), "")
        taken.add(key)
        yield OptionView(value=option.value, label=option.label, id=option.id, key=key, checked=option.checked, off=option.off)


def _unit(item: Item, language: Language) -> str:
    """Return an item's unit as people write it; most are written alike everywhere."""
    unit = item.unit or ""
    return _UNIT_WORDS[unit][language] if unit in _UNIT_WORDS else unit


def _adds_up(item: Item) -> bool:
    """Say whether a column holds lengths, whose sum its author wants to see."""
    return item.type == "number" and item.unit is not None and dimension_of(item.unit) == "length"


def _echo(item: Item, text: str, value: Any, language: Language) -> str:
    """Say how a text was understood, where that is not what was typed."""
    if value is None or not text:
        return ""
    if item.type == "date" and value != item.never:
        return "" if text.strip() == value and language == "en" else _show_day(str(value), language)
    if item.type in ("number", "integer") and text.strip() != str(value):
        return f"{value} {_unit(item, language)}".strip()
    return ""


def _range(item: Item, language: Language) -> str:
    """Say which numbers an item takes, and of a date whether less than the day will do."""
    if item.type == "date" and item.partial:
        return _PART_WILL_DO[language]
    if item.type not in ("number", "integer"):
        return ""
    parts = []
    if item.minimum is not None and item.maximum is not None:
        parts.append(f"{item.minimum:g}–{item.maximum:g}")
    else:
        for sign, bound in ((">", item.exclusive_minimum), ("≥", item.minimum), ("≤", item.maximum)):
            if bound is not None:
                parts.append(f"{sign} {bound:g}")
    if item.decimals is not None:
        parts.append(Text("decimals: {n}", "小数{n}桁まで").format(n=item.decimals)[language])
    return ", ".join(parts)


def _sorted_out(compiled: CompiledForm, problems: Iterable[ItemProblem]) -> dict[str, tuple[Text, ...]]:
    """Return sentences by the name of the field they stand at; what is said of a whole row stands at its list."""
    lists = {item.id for item in compiled.form.item if item.type == "list"}
    found: dict[str, tuple[Text, ...]] = {}
    for problem in problems:
        name = name_of(problem.item)
        head = name.split("-")[0]
        if name.count("-") == 1 and head in lists:
            name = head
        found[name] = (*found.get(name, ()), problem.text)
    return found


def _faults(fields: tuple[FieldView, ...], problems: Iterable[ItemProblem], language: Language) -> Iterator[Fault]:
    """Yield the lines of the summary: in the order of the fields, each leading to its input; the rest last."""
    said: set[str] = set()
    for view in fields:
        for each in (view, *(cell for row in view.rows for cell in row.cells)):
            target = each.id
            if each.kind == "radio" and each.options:
                target = each.options[0].id
            elif each.kind == "list" and each.rows:
                target = each.rows[0].cells[0].id
            for sentence in each.errors:
                said.add(sentence)
                yield Fault(sentence=sentence, target=target)
    for problem in problems:
        if problem.text[language] not in said:
            said.add(problem.text[language])
            yield Fault(sentence=problem.text[language], target="")
