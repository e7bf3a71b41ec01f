"""What an amendment must not do: take away or bend what saved values rest on, or set rules apart that the trial shares.

A version is frozen once it is active, and old entries keep theirs; but lists, checks over a casebook and the analysis read all of a
trial by one version. So an item or answer that was used stays; it may be hidden (`show_when`), reworded or followed by another.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from oligami.protocol.compile import resolve_codes
from oligami.protocol.model.forms import Form, Item
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Reason, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What of a protocol the values of a trial rest on.

    items: (form, item), a row's field as `list.field`. codes: (form, item, code). stages: those at which somebody was registered.
    """

    items: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    codes: frozenset[tuple[str, str, str]] = field(default_factory=frozenset)
    stages: frozenset[str] = field(default_factory=frozenset)


def faults(old: Protocol, new: Protocol, *, used: Usage | None = None) -> tuple[Reason, ...]:
    """Return every reason why `new` cannot follow `old`; empty if it can.

    Args:
        old: a version that is active.
        new: the amendment.
        used: what the trial's values rest on; None counts everything as used.
    """
    return tuple(_faults(old, new, used))


def site_faults(old: Protocol, new: Protocol) -> tuple[Reason, ...]:
    """Return every reason why `new` cannot rule some sites while `old` rules others: the trial draws its arms by one rule."""
    found = []
    if old.trial.arm != new.trial.arm:
        found.append(_shared("arms", "the arms", "群"))
    if old.allocation != new.allocation:
        found.append(_shared("allocation", "the rule of allocation", "割付方法"))
    elif _behind_factors(old) != _behind_factors(new):
        found.append(_shared("factors", "what the balancing factors are derived from", "割付調整因子の導出"))
    return tuple(found)


def _shared(rule: str, en: str, ja: str) -> Reason:
    text = Text(
        f"It changes {en}, which all sites share: activate it for the whole trial, or leave that as it is",
        f"全施設に共通する{ja}が変わります。試験全体で有効化するか、変更しないでください",
    )
    return Reason(f"amendment.{rule}", text)


def _behind_factors(protocol: Protocol) -> dict[str, object]:
    """Return the derived items that the balancing factors rest on, by whatever steps."""
    derived = {each.id: each for each in protocol.eligibility.derived}
    words = " ".join(factor.expression for factor in protocol.allocation.factors)
    found: dict[str, object] = {}
    while new := [name for name in derived if name not in found and name in words]:
        for name in new:
            found[name] = (derived[name].case, derived[name].otherwise, derived[name].unknown_value)
            words += " ".join(case.when for case in derived[name].case)
    return found


def _faults(old: Protocol, new: Protocol, used: Usage | None) -> Iterator[Reason]:
    if old.id != new.id:
        text = Text(f"It belongs to trial {new.id}, not to {old.id}", f"試験 {old.id} ではなく {new.id} のものです")
        yield Reason("amendment.other_trial", text)
        return
    stages = {stage.id: stage for stage in new.eligibility.stage}
    for stage in old.eligibility.stage:
        later = stages.get(stage.id)
        if used is not None and stage.id not in used.stages:
            continue
        if later is None or later.form != stage.form or later.follows != stage.follows or later.randomizes != stage.randomizes:
            yield _fault(
                "stage",
                Text(f"Registration {stage.id} ({stage.title.en})", f"登録段階 {stage.id}（{stage.title.ja}）"),
                Text(
                    "is gone, or has another form, place or allocation",
                    "がなくなったか、調査票・順序・割付の有無が変わっています",
                ),
            )
    forms = {form.id: form for form in new.forms}
    for form in old.forms:
        yield from _form_faults(old, new, form, forms.get(form.id), used)


def _form_faults(old: Protocol, new: Protocol, form: Form, later: Form | None, used: Usage | None) -> Iterator[Reason]:
    what = Text(f"Form {form.id} ({form.title.en})", f"調査票 {form.id}（{form.title.ja}）")
    if used is not None and not any(name == form.id for name, _ in used.items):
        return
    if later is None:
        yield _fault("form", what, Text("is gone but has been filled; keep it", "は入力済みなので削除できません"))
        return
    if later.role is not form.role:
        yield _fault("form_role", what, Text("has another role", "の役割が変わっています"))
    if (form.repeats, later.repeats) == ("many", "once"):
        yield _fault(
            "form_repeats", what, Text("was filled many times and may now be filled once", "は複数回から1回に変わっています")
        )
    items = {item.id: item for item in later.item}
    for item in form.item:
        yield from _item_faults(old, new, form, item, items.get(item.id), "", used)


def _item_faults(
    old: Protocol, new: Protocol, form: Form, item: Item, later: Item | None, over: str, used: Usage | None
) -> Iterator[Reason]:
    path = f"{over}{item.id}"
    if used is not None and (form.id, path) not in used.items:
        return
    what = Text(f"Item {path} ({item.label.en}) of form {form.id}", f"調査票 {form.id} の項目 {path}（{item.label.ja}）")
    if later is None:
        said = Text(
            "is gone but holds values; keep it and hide it by show_when",
            "は値があるため削除できません。show_when で非表示にしてください",
        )
        yield _fault("item", what, said)
        return
    bent: tuple[tuple[str, Callable[[Item], object], Text], ...] = (
        (
            "item_type",
            lambda each: each.type,
            Text("has another type; make a new item", "の型が変わっています。新しい項目にしてください"),
        ),
        (
            "item_unit",
            lambda each: each.unit,
            Text("has another unit; make a new item", "の単位が変わっています。新しい項目にしてください"),
        ),
        (
            "item_concept",
            lambda each: each.concept,
            Text("means another thing; make a new item", "の概念が変わっています。新しい項目にしてください"),
        ),
        (
            "item_identity",
            lambda each: each.identity,
            Text("names a person in one version alone", "の個人識別の扱いが変わっています"),
        ),
        ("item_never", lambda each: each.never, Text("has another word for never", "の「なし」を表す語が変わっています")),
    )
    for rule, look, said in bent:
        if look(item) != look(later):
            yield _fault(rule, what, said)
    if item.partial and not later.partial:
        said = Text("takes whole dates alone, but held a year or a month", "で年または年月のみの入力ができなくなっています")
        yield _fault("item_partial", what, said)
    kept = {code.value for code in resolve_codes(new, later)}
    for code in resolve_codes(old, item):
        in_use = used is None or (form.id, path, code.value) in used.codes
        if code.value not in kept and in_use and item.type == later.type:
            said = Text(
                f"lost the answer {code.value}, which was given; keep it",
                f"の選択肢 {code.value} は使われているため削除できません",
            )
            yield _fault("code", what, said)
    fields = {each.id: each for each in later.field}
    for each in item.field:
        yield from _item_faults(old, new, form, each, fields.get(each.id), f"{path}.", used)


def _fault(rule: str, what: Text, said: Text) -> Reason:
    return Reason(f"amendment.{rule}", Text(f"{what.en} {said.en}", f"{what.ja}{said.ja}"))
