"""A verdict as a page shows it: every criterion in the protocol's order, with the values it rests on and the sentence why.

What is judged and how stands in `trial.eligibility`; here codes and items get the words the form itself uses.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from oligami.protocol.compile import Compiled, CompiledForm
from oligami.protocol.model.common import OriginKind
from oligami.protocol.model.eligibility import Criterion
from oligami.protocol.model.forms import Item
from oligami.protocol.text import Text
from oligami.trial.eligibility import VALUE_WORDS, CriterionExplanation, explain_stage
from oligami.web.casebook.fields import show_value

WORDS: Final[Mapping[str, Text]] = {
    "eligible": Text("Eligible", "適格"),
    "ineligible": Text("Not eligible", "不適格"),
    "pending": Text("Pending: something is not known", "保留（不明な項目あり）"),
}
MARKS: Final[Mapping[str, Text]] = {
    "met": Text("Met", "適合"),
    "not_met": Text("Not met", "不適合"),
    "unknown": Text("Unknown", "不明"),
}
KINDS: Final[Mapping[str, Text]] = {
    "inclusion": Text("inclusion", "適格規準"),
    "exclusion": Text("exclusion", "除外規準"),
    "structural": Text("trial procedure", "試験手順"),
}
_ORIGINS: Final[Mapping[OriginKind, Text]] = {
    OriginKind.RECORD: Text("registry record", "登録記録"),
    OriginKind.SOURCE: Text("cited source", "出典"),
    OriginKind.DEFAULT: Text("setting of the study office", "研究事務局の設定"),
}
_NOTHING: Final = Text("not entered", "未入力")
#: `lesions[L2].site`: list, row, field, as an explanation names them.
_OF_ROW: Final = re.compile(r"([^\[\]]+)\[(.+)\]\.([^.\[\]]+)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """A value that a criterion looked at, in the form's words; `known` false where nothing was entered."""

    label: Text
    value: Text
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One criterion: the rule and where it stands, met, not met or unknown, why, and on which values.

    record_text: the public record's own words; reading: how they are read; source: where the rule comes from.
    """

    rule: str
    kind: Text
    title: Text
    state: str
    mark: Text
    reason: Text
    used: tuple[Used, ...]
    record_text: str
    reading: Text | None
    source: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A verdict fit to show. `against` are the lines that keep the subject out, in order."""

    stage: Text
    word: str
    title: Text
    rules_version: str
    lines: tuple[Line, ...]

    @property
    def against(self) -> tuple[Line, ...]:
        """The criteria that are not met or unknown, in the protocol's order."""
        return tuple(line for line in self.lines if line.state != "met")

    def count(self, state: str) -> int:
        """Count the criteria of a state."""
        return sum(line.state == state for line in self.lines)

    @property
    def summary(self) -> Text:
        """The verdict in a sentence that can be read aloud."""
        met, wrong, open_ = self.count("met"), self.count("not_met"), self.count("unknown")
        return Text(
            f"{self.title.en}: {met} of {len(self.lines)} criteria met, {wrong} not met, {open_} unknown",
            f"{self.title.ja}：{len(self.lines)}規準のうち適合 {met}、不適合 {wrong}、不明 {open_}",
        )


def show_verdict(rules: Compiled, stage_id: str, values: Mapping[str, Any]) -> Shown:
    """Judge the items of a stage's form and put the verdict into words.

    Args:
        rules: the protocol.
        stage_id: the registration.
        values: the items as `forms.examine` returns them; what could not be is left out and so unknown.

    Raises:
        KeyError: the protocol has no such stage.
    """
    explained = explain_stage(rules, stage_id, values)
    stage = rules.stages[stage_id].stage
    form = rules.forms[stage.form]
    return Shown(
        stage=stage.title,
        word=explained.verdict.verdict,
        title=WORDS[explained.verdict.verdict],
        rules_version=explained.verdict.rules_version,
        lines=tuple(
            _line(compiled.criterion, one, form)
            for compiled, one in zip(rules.stages[stage_id].criteria, explained.criteria, strict=True)
        ),
    )


def _line(criterion: Criterion, explained: CriterionExplanation, form: CompiledForm) -> Line:
    verdict = explained.verdict
    state = VALUE_WORDS[verdict.value]
    used = tuple(_used(explained, form))
    # What a criterion that is met did not need is no news; where it is not met or unknown, the gap is the news.
    kept = tuple(each for each in used if each.known or state != "met")
    origin = _ORIGINS[criterion.origin.kind]
    cite = criterion.origin.cite
    return Line(
        rule=verdict.rule,
        kind=KINDS.get(criterion.kind, Text(criterion.kind, criterion.kind)),
        title=verdict.title,
        state=state,
        mark=MARKS[state],
        reason=verdict.reason,
        used=kept,
        record_text=" ".join(criterion.record_text.split()),
        reading=criterion.reading,
        source=Text(f"{origin.en}: {cite}", f"{origin.ja}：{cite}") if cite else origin,
    )


def _used(explained: CriterionExplanation, form: CompiledForm) -> Iterator[Used]:
    """Yield the items read, in the order in which the rule reads them, each once."""
    items = {item.id: item for item in form.form.item}
    for name, value in explained.deciding.used.items():
        row = _OF_ROW.match(name)
        if row is None:
            item, path, prefix = items.get(name), name, Text("", "")
        else:
            owner = items.get(row[1])
            item = None if owner is None else next((field for field in owner.field if field.id == row[3]), None)
            path, prefix = f"{row[1]}.{row[3]}", Text(f"{row[2]}: ", f"{row[2]}：")
        if item is None:
            continue
        yield Used(
            label=Text(prefix.en + item.label.en, prefix.ja + item.label.ja),
            value=_say(item, form, path, value),
            known=value is not None,
        )


def _say(item: Item, form: CompiledForm, path: str, value: object) -> Text:
    """Return a value in the form's words."""
    if value is None:
        return _NOTHING
    return Text(show_value(form, path, item, value, "en"), show_value(form, path, item, value, "ja"))
