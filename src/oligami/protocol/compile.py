"""Compiles every expression of a protocol against the items it may speak of.

Here stand the scopes: which expression sees which items. Whether the files fit together otherwise is `references`' errand.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from oligami.protocol.expression import (
    BooleanType,
    CodeType,
    DateType,
    Expression,
    ExpressionError,
    ItemType,
    ListType,
    NumberType,
    Scope,
    TextType,
    compile_expression,
)
from oligami.protocol.expression.types import RESERVED
from oligami.protocol.model.allocation import Factor
from oligami.protocol.model.analysis import BaselineRow
from oligami.protocol.model.derived import Derived
from oligami.protocol.model.eligibility import Criterion, Stage
from oligami.protocol.model.forms import Check, Code, Form, Item
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.radiotherapy import LocationRule
from oligami.protocol.model.therapy import TherapyRow, TherapyRule
from oligami.protocol.problems import Problem, ProtocolErrors, find_near_miss, list_words, make_problem
from oligami.protocol.text import Text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledForm:
    """A form with its expressions. Two are equal only if they are the same object, so that one can be a cache's key.

    scope: the form's own items, and the items of forms filled once as `form_id.item_id`.
    codes: the codes of coded items, shared lists resolved; a list's fields as `list_id.field_id`.
    """

    form: Form
    scope: Scope
    codes: Mapping[str, tuple[Code, ...]]
    derive: tuple[tuple[str, Expression], ...]
    show_when: Mapping[str, Expression]
    checks: tuple[tuple[Check, Expression], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledCriterion:
    """A criterion with its rules, over the items of the stage's form."""

    criterion: Criterion
    met: Expression
    not_met: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledStage:
    """A registration with its criteria in the protocol's order."""

    stage: Stage
    criteria: tuple[CompiledCriterion, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledDerived:
    """A derived item: values and when they hold, in order."""

    derived: Derived
    cases: tuple[tuple[str, Expression], ...]

    def value(self, values: Mapping[str, Any]) -> str | None:
        """Return the derived value; None while a case that stands before any true one is unknown."""
        for value, when in self.cases:
            holds = when.value(values)
            if holds is None:
                return None
            if holds:
                return value
        return self.derived.otherwise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compiled:
    """A protocol with every expression compiled.

    casebook_scope: the items of the first stage's form and of the therapy form (none that identify a person), all
        derived items, and `site`.
    derived: eligibility.toml's, then therapy.toml's; a later one may use earlier ones.
    """

    protocol: Protocol
    forms: Mapping[str, CompiledForm]
    stages: Mapping[str, CompiledStage]
    derived: tuple[CompiledDerived, ...]
    casebook_scope: Scope
    rows: tuple[tuple[TherapyRow, Expression], ...]
    rules: tuple[tuple[TherapyRule, Expression], ...]
    lung_location: tuple[tuple[LocationRule, Expression], ...]
    factors: tuple[tuple[Factor, Expression], ...]
    baseline: tuple[tuple[BaselineRow, Expression], ...]


#: Compiled protocols by digest. A process works with a handful at most; tests with a few more.
_MOST_KEPT: Final = 16
_KEPT: Final[dict[str, Compiled]] = {}
#: Protocols that were found equal to a kept one, by identity: a trial folded from a journal asks with its own twin of the
#: protocol at every decision, and comparing two trees each time costs more than all the rest of a decision.
_TWINS: Final[dict[int, tuple[Protocol, Compiled]]] = {}


def compile_protocol(protocol: Protocol) -> Compiled:
    """Compile every expression of a protocol; the result is kept by the protocol's digest.

    Raises:
        ProtocolErrors: an expression is refused; every problem of every file is listed.
    """
    twin = _TWINS.get(id(protocol))
    if twin is not None and twin[0] is protocol:
        return twin[1]
    kept = _KEPT.get(protocol.digest)
    # `dataclasses.replace` carries a digest along that fits no longer, so the digest alone is not believed.
    if kept is not None and (kept.protocol is protocol or kept.protocol == protocol):
        if len(_TWINS) >= _MOST_KEPT:
            del _TWINS[next(iter(_TWINS))]
        _TWINS[id(protocol)] = (protocol, kept)  # the reference keeps the identity from being given to another
        return kept
    compiled, problems = compile_all(protocol)
    if problems or compiled is None:
        raise ProtocolErrors(problems)
    if protocol.digest and kept is None:
        if len(_KEPT) >= _MOST_KEPT:
            del _KEPT[next(iter(_KEPT))]
        _KEPT[protocol.digest] = compiled
    return compiled


def compile_all(protocol: Protocol) -> tuple[Compiled | None, tuple[Problem, ...]]:
    """Compile a protocol; return it (None if anything is wrong) and all problems."""
    compiler = _Compiler(protocol)
    compiled = compiler.compile()
    return (None if compiler.problems else compiled), tuple(compiler.problems)


def derive_values(compiled: Compiled, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the casebook plus every derived item; None where it is unknown.

    Args:
        compiled: the protocol.
        values: items of the first stage's form and, where known, of the therapy form.

    Raises:
        TypeError: an item is not of its type; the message names it.
    """
    whole = dict(values)
    for derived in compiled.derived:
        whole[derived.derived.id] = derived.value(whole)
    return whole


def resolve_codes(protocol: Protocol, item: Item) -> tuple[Code, ...]:
    """Return the codes of an item, its own or those of its shared list; none if that list does not exist."""
    if item.codelist is None:
        return item.code
    return next((each.code for each in protocol.codelists if each.id == item.codelist), ())


Subject = TypeVar("Subject")

_CONDITION: Final = BooleanType()

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class _Compiler:
    """The problems found so far. What could not be compiled is left out, so that the rest is still looked at."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.problems: list[Problem] = []

    def add(self, file: str, key: str, found: Text | str, expected: Text | str, near: str | None = None) -> None:
        self.problems.append(make_problem(file, key, found=found, expected=expected, near_miss=near))

    def expression(
        self, file: str, key: str, source: str, scope: Scope, expect: ItemType | None = _CONDITION
    ) -> Expression | None:
        try:
            return compile_expression(source, scope, expect=expect)
        except ExpressionError as error:
            for fault in error.problems:
                self.problems.append(
                    Problem(
                        file=file,
                        key=key,
                        found=Text(fault.found, fault.found),
                        expected=Text(fault.expected, fault.expected),
                        near_miss=fault.near_miss,
                        text=Text(f"{key}: {fault.message.en}", f"{key}: {fault.message.ja}"),
                    )
                )
            return None

    def compile(self) -> Compiled:
        protocol = self.protocol
        own = {form.id: self.items(form) for form in protocol.forms}
        forms = {form.id: self.form(form, own) for form in protocol.forms}
        stages = {stage.id: self.stage(stage, own) for stage in protocol.eligibility.stage}
        derived, casebook = self.casebook(own)
        rows: list[tuple[TherapyRow, Expression]] = []
        rules: list[tuple[TherapyRule, Expression]] = []
        if protocol.therapy is not None:
            judged = Scope({**casebook.items, "known_regimen": BooleanType(), "listed": BooleanType()})
            for row in protocol.therapy.row:
                rows += self.pair(row, "therapy.toml", f"row[{row.id}].when", row.when, casebook)
            for rule in protocol.therapy.rule:
                rules += self.pair(rule, "therapy.toml", f"rule[{rule.id}].when", rule.when, judged)
        factors: list[tuple[Factor, Expression]] = []
        for factor in protocol.allocation.factors:
            key = f"factors[{factor.id}].expression"
            for pair in self.pair(factor, "allocation.toml", key, factor.expression, casebook, None):
                self.check_level(key, *pair)
                factors.append(pair)
        baseline: list[tuple[BaselineRow, Expression]] = []
        for line in protocol.analysis.baseline:
            key = f"baseline[{line.id}].expression"
            for each in self.pair(line, "analysis.toml", key, line.expression, casebook, None):
                if line.summary == "median" and not isinstance(each[1].type, NumberType):
                    found = Text("a median of what is no number", "数でない値の中央値")
                    self.add("analysis.toml", key, found, Text('a number, or summary = "count"', '数、または summary = "count"'))
                baseline.append(each)
        return Compiled(
            protocol=protocol,
            forms=forms,
            stages=stages,
            derived=derived,
            casebook_scope=casebook,
            rows=tuple(rows),
            rules=tuple(rules),
            lung_location=tuple(self.lung_location(own)),
            factors=tuple(factors),
            baseline=tuple(baseline),
        )

    def pair(
        self, subject: Subject, file: str, key: str, source: str, scope: Scope, expect: ItemType | None = _CONDITION
    ) -> Iterator[tuple[Subject, Expression]]:
        expression = self.expression(file, key, source, scope, expect)
        if expression is not None:
            yield subject, expression

    # ------------------------------------------------------------ items and scopes

    def items(self, form: Form) -> dict[str, ItemType]:
        """Return the types of a form's items; what cannot be typed is reported and left out."""
        typed = {}
        for item in form.item:
            kind = self.item_type(f"forms/{form.id}.toml", f"item[{item.id}]", item)
            if kind is not None:
                typed[item.id] = kind
        return typed

    def item_type(self, file: str, key: str, item: Item) -> ItemType | None:
        if not _NAME.match(item.id) or item.id in RESERVED:
            expected = Text(
                "letters, digits and _, no digit first, no word of the expression language",
                "英数字と _(先頭は数字以外、式の予約語以外)",
            )
            self.add(file, f"{key}.id", f'"{item.id}"', expected)
            return None
        match item.type:
            case "number" | "integer":
                try:
                    return NumberType(item.unit)
                except ValueError:
                    expected = Text(
                        "letters first and no spaces, as in mm, Gy, mg/m2", "英字で始まり空白のない単位(例 mm, Gy, mg/m2)"
                    )
                    self.add(file, f"{key}.unit", f'"{item.unit}"', expected)
                    return None
            case "code":
                return self.code_type(file, key, item)
            case "date":
                return DateType(item.never, item.partial)
            case "text":
                return TextType()
            case "list":
                return self.list_type(file, key, item)

    def code_type(self, file: str, key: str, item: Item) -> CodeType | None:
        if bool(item.code) == (item.codelist is not None):
            found = Text("both code and codelist", "code と codelist の両方") if item.code else Text("no codes", "コードなし")
            self.add(file, key, found, Text("either code or codelist", "code または codelist のどちらか一方"))
            return None
        if item.codelist is not None:
            known = [each.id for each in self.protocol.codelists]
            if item.codelist not in known:
                there = list_words(known)
                expected = Text(f"a list of codelists.toml: {there.en}", f"codelists.toml のリスト: {there.ja}")
                near = find_near_miss(item.codelist, known)
                self.add(file, f"{key}.codelist", f'"{item.codelist}"', expected, near)
                return None
        codes = tuple(code.value for code in resolve_codes(self.protocol, item))
        for word in item.unknown:
            if word not in codes:
                there = list_words(codes)
                expected = Text(f"codes of the item: {there.en}", f"この項目のコード: {there.ja}")
                self.add(file, f"{key}.unknown", f'"{word}"', expected, find_near_miss(word, codes))
        return CodeType(codes, tuple(word for word in item.unknown if word in codes))

    def list_type(self, file: str, key: str, item: Item) -> ListType | None:
        fields: dict[str, ItemType] = {}
        for field in item.field:
            if field.type == "list":
                expected = Text("a plain type: a list in a list is not offered", "単純な型(リストの入れ子は不可)")
                self.add(file, f"{key}.field[{field.id}].type", '"list"', expected)
                continue
            kind = self.item_type(file, f"{key}.field[{field.id}]", field)
            if kind is not None:
                fields[field.id] = kind
        return ListType(fields)

    def form(self, form: Form, own: Mapping[str, Mapping[str, ItemType]]) -> CompiledForm:
        file = f"forms/{form.id}.toml"
        scope = Scope({**own[form.id], **self.items_of_others(form, own)})
        derive: list[tuple[str, Expression]] = []
        show_when: dict[str, Expression] = {}
        codes: dict[str, tuple[Code, ...]] = {}
        for item in form.item:
            for path, each in ((item.id, item), *((f"{item.id}.{field.id}", field) for field in item.field)):
                if each.type == "code":
                    codes[path] = resolve_codes(self.protocol, each)
            if item.derive is not None and item.id in own[form.id]:
                key = f"item[{item.id}].derive"
                for _, expression in self.pair(item, file, key, item.derive, scope, _loosen(own[form.id][item.id])):
                    derive.append((item.id, expression))
            if item.show_when is not None:
                for _, expression in self.pair(item, file, f"item[{item.id}].show_when", item.show_when, scope):
                    show_when[item.id] = expression
        waiting = [item_id for item_id, _ in derive]
        for item_id, expression in derive:
            for late in sorted(expression.names & set(waiting)):
                expected = Text("items given or derived before: change the order", "先に入力・導出される項目(順序を変更)")
                self.add(file, f"item[{item_id}].derive", Text(f"{late}, derived later", f"後で導出される {late}"), expected)
            waiting.remove(item_id)
        checks = [pair for check in form.check for pair in self.pair(check, file, f"check[{check.id}].holds", check.holds, scope)]
        return CompiledForm(form=form, scope=scope, codes=codes, derive=tuple(derive), show_when=show_when, checks=tuple(checks))

    def items_of_others(self, form: Form, own: Mapping[str, Mapping[str, ItemType]]) -> dict[str, ItemType]:
        """Return the items of the other forms that are filled once, as `form_id.item_id`.

        Items that identify a person are never kept, and lists have no single value: neither is offered.
        """
        return {
            f"{other.id}.{item.id}": own[other.id][item.id]
            for other in self.protocol.forms
            if other.id != form.id and other.repeats == "once" and _NAME.match(other.id) and other.id not in RESERVED
            for item in other.item
            if item.id in own[other.id] and item.type != "list" and not item.identity
        }

    def stage(self, stage: Stage, own: Mapping[str, Mapping[str, ItemType]]) -> CompiledStage:
        if stage.form not in own:
            return CompiledStage(stage=stage, criteria=())  # reported where references are looked at
        scope = Scope(own[stage.form])
        criteria: list[CompiledCriterion] = []
        for criterion in stage.criterion:
            key = f"stage[{stage.id}].criterion[{criterion.id}]"
            met = self.expression("eligibility.toml", f"{key}.met", criterion.met, scope)
            not_met = None
            if criterion.not_met is not None:
                not_met = self.expression("eligibility.toml", f"{key}.not_met", criterion.not_met, scope)
            if met is not None:
                criteria.append(CompiledCriterion(criterion=criterion, met=met, not_met=not_met))
        return CompiledStage(stage=stage, criteria=tuple(criteria))

    def casebook(self, own: Mapping[str, Mapping[str, ItemType]]) -> tuple[tuple[CompiledDerived, ...], Scope]:
        """Compile the derived items one after the other; return them and the scope of the whole casebook."""
        protocol = self.protocol
        known = self.kept_items(protocol.eligibility.stage[0].form if protocol.eligibility.stage else "", own)
        derived = [self.derived("eligibility.toml", each, known) for each in protocol.eligibility.derived]
        if protocol.therapy is not None:
            for name, kind in self.kept_items(protocol.therapy.form, own).items():
                if known.setdefault(name, kind) != kind:
                    found = Text(f"{name}, with another type than in the first form", f"最初の調査票と型が異なる {name}")
                    expected = Text("one name, one meaning: rename the item", "一つの名前に一つの意味(項目名を変更)")
                    self.add(f"forms/{protocol.therapy.form}.toml", f"item[{name}].id", found, expected)
            derived += [self.derived("therapy.toml", each, known) for each in protocol.therapy.derived]
        return tuple(derived), Scope({**known, "site": TextType()})

    def kept_items(self, form_id: str, own: Mapping[str, Mapping[str, ItemType]]) -> dict[str, ItemType]:
        """Return the items of a form that the journal keeps: all but those that identify a person."""
        if form_id not in own:
            return {}
        named = {item.id for item in self.protocol.form(form_id).item if item.identity}
        return {name: kind for name, kind in own[form_id].items() if name not in named}

    def derived(self, file: str, derived: Derived, known: dict[str, ItemType]) -> CompiledDerived:
        """Compile a derived item and add it to the known ones, so that later ones may use it."""
        key = f"derived[{derived.id}]"
        scope = Scope(dict(known))
        cases = [
            pair
            for place, case in enumerate(derived.case, start=1)
            for pair in self.pair(case.value, file, f"{key}.case[{place}].when", case.when, scope)
        ]
        words = dict.fromkeys([case.value for case in derived.case] + [derived.otherwise] * (derived.otherwise is not None))
        if derived.id in known or derived.id == "site" or not _NAME.match(derived.id) or derived.id in RESERVED:
            expected = Text("a name of its own that an expression can use", "式で使える、他と重ならない名前")
            self.add(file, f"{key}.id", f'"{derived.id}"', expected)
        elif words:
            known[derived.id] = CodeType(tuple(word for word in words if word is not None))
        else:
            found = Text("no case", "case がない")
            self.add(file, f"{key}.case", found, Text("a value and when it holds", "値とその条件"))
        return CompiledDerived(derived=derived, cases=tuple(cases))

    def lung_location(self, own: Mapping[str, Mapping[str, ItemType]]) -> Iterator[tuple[LocationRule, Expression]]:
        if self.protocol.radiotherapy is None:
            return
        lung = self.protocol.radiotherapy.lung_location
        scope = Scope({name: kind for name, kind in own.get(lung.form, {}).items() if name in lung.items})
        for place, rule in enumerate(lung.rule, start=1):
            yield from self.pair(rule, "radiotherapy.toml", f"lung_location.rule[{place}].when", rule.when, scope)

    def check_level(self, key: str, factor: Factor, expression: Expression) -> None:
        """A factor's level is a word; where the words are known, `levels` must name each of them."""
        kind = expression.type
        if isinstance(kind, TextType):
            return
        if not isinstance(kind, CodeType):
            self.add(
                "allocation.toml",
                key,
                f"`{factor.expression}`",
                Text("a code or a text, such as `site`", "コードまたは文字列(例 `site`)"),
            )
            return
        if not factor.levels:
            return
        place = key.replace(".expression", ".levels")
        for level in factor.levels:
            if level not in kind.definite:
                there = list_words(kind.definite)
                expected = Text(f"values of the expression: {there.en}", f"式の値: {there.ja}")
                self.add("allocation.toml", place, f'"{level}"', expected, find_near_miss(level, kind.definite))
        for word in kind.definite:
            if word not in factor.levels:
                found = Text(f'no level "{word}"', f"水準「{word}」がない")
                self.add("allocation.toml", place, found, Text("every value of the expression", "式の取りうるすべての値"))


def _loosen(kind: ItemType) -> ItemType | None:
    """Return the type a derivation must give: any code or text will do for a code, `examine` looks at the word itself."""
    return None if isinstance(kind, CodeType | ListType) else kind
