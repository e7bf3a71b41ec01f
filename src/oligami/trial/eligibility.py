"""Whether a subject may be registered: every criterion of a stage, three-valued, with reasons.

The criteria are the protocol's expressions; here stands only how a verdict follows from them. Every criterion is judged
even after the first failure, so that a site hears of all reasons at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from oligami.protocol.compile import Compiled, CompiledCriterion
from oligami.protocol.expression import Explanation
from oligami.protocol.text import Language, Text

VerdictWord = Literal["eligible", "ineligible", "pending"]

#: How one criterion's value is written in the journal and in answers.
VALUE_WORDS: Final[Mapping[bool | None, str]] = {True: "met", False: "not_met", None: "unknown"}

_MET: Final = Text("Met.", "満たしています。")
_MARKS: Final[Mapping[bool | None, Text]] = {
    True: Text("met", "適合"),
    False: Text("NOT MET", "不適合"),
    None: Text("unknown", "不明"),
}
_VERDICTS: Final[Mapping[str, Text]] = {
    "eligible": Text("eligible", "適格"),
    "ineligible": Text("ineligible", "不適格"),
    "pending": Text("pending: something is unknown", "保留(不明な項目あり)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionVerdict:
    """What one criterion says: met (True), not met (False) or unknown (None), and why."""

    rule: str
    title: Text
    value: bool | None
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What all criteria of a registration say together, in the protocol's order."""

    stage: str
    rules_version: str
    verdict: VerdictWord
    criteria: tuple[CriterionVerdict, ...]
    not_met: tuple[str, ...]
    unknown: tuple[str, ...]

    def lines(self, language: Language) -> list[str]:
        """Return the verdict for a reader: its word, then each criterion that is not met or unknown with its reason."""
        lines = [_VERDICTS[self.verdict][language]]
        for each in self.criteria:
            if each.value is not True:
                lines.append(f"- {each.rule} {_MARKS[each.value][language]}: {each.reason[language]}")
        return lines

    def evidence(self) -> tuple[dict[str, Any], ...]:
        """Return every criterion with verdict and reason in both languages, as the journal keeps it."""
        return tuple(
            {
                "rule": each.rule,
                "verdict": VALUE_WORDS[each.value],
                "reason": {"en": each.reason.en, "ja": each.reason.ja},
                "rules_version": self.rules_version,
            }
            for each in self.criteria
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionExplanation:
    """One criterion step by step. `not_met` is None where the criterion has no expression of its own for it."""

    verdict: CriterionVerdict
    met: Explanation
    not_met: Explanation | None

    @property
    def deciding(self) -> Explanation:
        """The expression on which the verdict rests."""
        return self.not_met if self.not_met is not None and self.verdict.value is False else self.met


@dataclass(frozen=True, slots=True, kw_only=True)
class StageExplanation:
    """A verdict with the whole tree behind it: each criterion, its verdict, the values used, and why."""

    verdict: Verdict
    criteria: tuple[CriterionExplanation, ...]

    def lines(self, language: Language) -> list[str]:
        """Return the tree for a reader, a line a step."""
        lines = [f"{self.verdict.stage}: {_VERDICTS[self.verdict.verdict][language]}"]
        for each in self.criteria:
            one = each.verdict
            lines.append(f"  {one.rule} {one.title[language]}: {_MARKS[one.value][language]} - {one.reason[language]}")
            lines += each.deciding.lines(language, 2)
        return lines

    def as_json(self) -> list[dict[str, Any]]:
        """Return the tree as plain JSON values, a criterion an entry."""
        return [
            {
                "rule": each.verdict.rule,
                "title": {"en": each.verdict.title.en, "ja": each.verdict.title.ja},
                "verdict": VALUE_WORDS[each.verdict.value],
                "reason": {"en": each.verdict.reason.en, "ja": each.verdict.reason.ja},
                "met": each.met.as_json(),
                **({} if each.not_met is None else {"not_met": each.not_met.as_json()}),
            }
            for each in self.criteria
        ]


def judge_stage(compiled: Compiled, stage_id: str, values: Mapping[str, Any]) -> Verdict:
    """Judge a subject against every criterion of a registration.

    Args:
        compiled: the protocol.
        stage_id: the registration.
        values: the items of the stage's form, as `forms.examine` returns them; a missing key or None is unknown.

    Returns:
        *ineligible* if any criterion is not met, else *pending* if any is unknown, else *eligible*.

    Raises:
        KeyError: the protocol has no such stage.
        TypeError: an item is not of its type; the message names it.
    """
    criteria = []
    not_met: list[str] = []
    unknown: list[str] = []
    for criterion in compiled.stages[stage_id].criteria:
        value = _judge(criterion, values)
        criteria.append(_outcomes(criterion)[value])
        if value is None:
            unknown.append(criterion.criterion.id)
        elif not value:
            not_met.append(criterion.criterion.id)
    return Verdict(
        stage=stage_id,
        rules_version=compiled.protocol.eligibility.rules_version,
        verdict="ineligible" if not_met else "pending" if unknown else "eligible",
        criteria=tuple(criteria),
        not_met=tuple(not_met),
        unknown=tuple(unknown),
    )


def explain_stage(compiled: Compiled, stage_id: str, values: Mapping[str, Any]) -> StageExplanation:
    """Judge as `judge_stage` does and keep every step; slower, for a reader.

    Raises:
        KeyError: the protocol has no such stage.
        TypeError: an item is not of its type; the message names it.
    """
    verdict = judge_stage(compiled, stage_id, values)
    steps = tuple(
        CriterionExplanation(
            verdict=one,
            met=criterion.met.explain(values),
            not_met=None if criterion.not_met is None else criterion.not_met.explain(values),
        )
        for criterion, one in zip(compiled.stages[stage_id].criteria, verdict.criteria, strict=True)
    )
    return StageExplanation(verdict=verdict, criteria=steps)


def _judge(criterion: CompiledCriterion, values: Mapping[str, Any]) -> bool | None:
    """Return met (True), not met (False) or unknown (None)."""
    if criterion.not_met is None:
        met = criterion.met.value(values)
        return None if met is None else bool(met)
    if criterion.not_met.value(values):
        return False
    # What is neither surely met nor surely not met is unknown, also where both expressions say "false".
    return True if criterion.met.value(values) else None


@lru_cache(maxsize=1024)
def _outcomes(criterion: CompiledCriterion) -> Mapping[bool | None, CriterionVerdict]:
    """Return the three verdicts a criterion can give; they are the same for every subject, so they are made once."""
    rule = criterion.criterion
    reasons = {True: _MET, False: rule.when_not_met, None: rule.when_unknown}
    return {
        value: CriterionVerdict(rule=rule.id, title=rule.title, value=value, reason=reason) for value, reason in reasons.items()
    }
