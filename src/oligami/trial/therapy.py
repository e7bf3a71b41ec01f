"""The status of a proposed systemic therapy, and how many courses it plans.

Table, regimens and rules are the protocol's (therapy.toml); here stands how the ordered rules are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from oligami.protocol.compile import Compiled, derive_values
from oligami.protocol.expression import Explanation
from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.therapy import TherapyFile, TherapyRow, TherapyStatus
from oligami.protocol.text import Reason, Text

_GOES_AHEAD: Final[frozenset[str]] = frozenset({"ALLOWED", "ALLOWED_WITH_QUERY"})

_NO_RULE: Final = Text("No rule of the therapy table allows this regimen.", "治療表のどの規則でも認められていません。")
_CANNOT_TELL: Final = Text("An item that this rule needs is missing.", "この規則に必要な項目が不足しています。")


@dataclass(frozen=True, slots=True, kw_only=True)
class TherapyVerdict:
    """The status of a regimen for a subject.

    subtype: the protocol's class of disease, in its word for "unknown" where it cannot be told.
    row: the row of the table in which the regimen stands for this subject; None if it stands in none.
    course_days, planned_courses: only for a regimen that may go ahead.
    reasons: the deciding rule first; further queries after it.
    """

    status: TherapyStatus
    subtype: str | None
    regimen: str | None
    row: str | None
    course_days: int | None
    planned_courses: int | None
    reasons: tuple[Reason, ...]


def judge_therapy(compiled: Compiled, values: Mapping[str, Any]) -> TherapyVerdict:
    """Judge the regimen that `values` proposes.

    The rules are read in order: the first that is true gives the status, one that is unknown stops with UNDETERMINED. When
    the status is ALLOWED_WITH_QUERY the later true rules of that status add their reasons, so that the study office is
    asked everything at once. A regimen that no rule allows is NOT_ALLOWED.

    Args:
        compiled: the protocol.
        values: items of the first registration and of the therapy form; None or a missing key is unknown. The regimen may
            be a code that the protocol does not know.

    Raises:
        ValueError: the protocol has no therapy file.
        TypeError: an item is not of its type; the message names it.
    """
    return _judge(compiled, derive_values(compiled, values))


def allowed_regimens(compiled: Compiled, values: Mapping[str, Any]) -> tuple[TherapyVerdict, ...]:
    """Return the verdict of every regimen of the protocol for this subject, in the protocol's order.

    Raises:
        ValueError: the protocol has no therapy file.
        TypeError: an item is not of its type; the message names it.
    """
    item = _regimen_item(compiled)
    return tuple(judge_therapy(compiled, {**values, item: regimen.code}) for regimen in _file(compiled).regimen)


def explain_therapy(compiled: Compiled, values: Mapping[str, Any]) -> tuple[tuple[str, Explanation], ...]:
    """Return the rules that were read, each with its steps; the last one decided.

    Raises:
        ValueError: the protocol has no therapy file.
        TypeError: an item is not of its type; the message names it.
    """
    scope = _scope(compiled, derive_values(compiled, values))[0]
    steps = []
    for rule, when in compiled.rules:
        steps.append((rule.id, when.explain(scope)))
        if when.value(scope) is not False:
            break
    return tuple(steps)


def planned_courses(therapy: TherapyFile, course_days: int) -> int:
    """Return how many whole courses fit into the window before the response evaluation."""
    return therapy.window_days // course_days


def _judge(compiled: Compiled, values: Mapping[str, Any]) -> TherapyVerdict:
    therapy = _file(compiled)
    scope, row = _scope(compiled, values)
    status: TherapyStatus = "NOT_ALLOWED"
    reasons: list[Reason] = []
    for rule, when in compiled.rules:
        holds = when.value(scope)
        if reasons:
            if holds and rule.status == status:
                reasons.append(Reason(rule.id, rule.reason))
        elif holds is None:
            status = "UNDETERMINED"
            reasons.append(Reason(rule.id, rule.when_unknown or _CANNOT_TELL))
            break
        elif holds:
            status = rule.status
            reasons.append(Reason(rule.id, rule.reason))
            if status != "ALLOWED_WITH_QUERY":
                break
    code = values.get(_regimen_item(compiled))
    regimen = compiled.protocol.regimen(code) if isinstance(code, str) else None
    days = regimen.course_days if regimen is not None and status in _GOES_AHEAD else None
    return TherapyVerdict(
        status=status,
        subtype=_subtype(compiled, values),
        regimen=code,
        row=row.id if row is not None else None,
        course_days=days,
        planned_courses=None if days is None else planned_courses(therapy, days),
        reasons=tuple(reasons) or (Reason("no-rule", _NO_RULE),),
    )


def _scope(compiled: Compiled, values: Mapping[str, Any]) -> tuple[dict[str, Any], TherapyRow | None]:
    """Return what the rules see, and the row in which the regimen stands."""
    item = _regimen_item(compiled)
    code = values.get(item)
    known = isinstance(code, str) and compiled.protocol.regimen(code) is not None
    row, listed = _find_row(compiled, code, values) if known else (None, False)
    # A code the protocol does not know is no value of the item; the rules see it as `not known_regimen`.
    own: dict[str, Any] = {"known_regimen": known, "listed": listed}
    if not known:
        own[item] = None
    return {**values, **own}, row


def _find_row(compiled: Compiled, code: object, values: Mapping[str, Any]) -> tuple[TherapyRow | None, bool | None]:
    """Return the row that lists a regimen for this subject; without one, whether there surely is none (False)."""
    listed: bool | None = False
    for row, when in compiled.rows:
        if code in row.regimens:
            holds = when.value(values)
            if holds:
                return row, True
            if holds is None:
                listed = None
    return None, listed


def _subtype(compiled: Compiled, values: Mapping[str, Any]) -> str | None:
    name = _file(compiled).subtype
    value = values.get(name)
    if value is not None:
        return str(value)
    return next((each.derived.unknown_value for each in compiled.derived if each.derived.id == name), None)


def _regimen_item(compiled: Compiled) -> str:
    form = compiled.forms[_file(compiled).form].form
    assert form.role is FormRole.THERAPY  # held by the checks of the protocol
    return form.key("regimen")


def _file(compiled: Compiled) -> TherapyFile:
    if compiled.protocol.therapy is None:
        raise ValueError(f"protocol {compiled.protocol.id} has no therapy.toml")
    return compiled.protocol.therapy
