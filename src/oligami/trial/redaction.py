"""Which words of a record may be removed, and what is left of it.

Only free text goes: what a person wrote as a reason, a remark, the text of a data query, an item of type text. Codes, dates,
numbers, verdicts and everything that places an entry stay, so that the trial folded from what is left is the same trial.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oligami.journal.codec import encode
from oligami.journal.entries import BodyRedacted
from oligami.journal.record import Record, Stamp
from oligami.protocol.model.forms import Item
from oligami.protocol.text import Reason, Text
from oligami.trial.commands import RedactBody
from oligami.trial.decide import check_clock
from oligami.trial.refused import Refused
from oligami.trial.state import Trial

#: What stands where a text was removed.
REDACTED = "[redacted]"

#: Fields of an entry that hold free text as such, or a list of it.
_TEXTS = frozenset({"name", "purpose", "reason", "recipient", "recipients", "text", "what", "where", "changes"})
_ITEMS = frozenset({"values", "old", "new"})

_Strip = Callable[[Any], Any]


def decide_redaction(command: RedactBody, target: Record | None, trial: Trial, stamp: Stamp) -> BodyRedacted:
    """Return the entry that removes texts from a record.

    Args:
        command: what is asked.
        target: the record it names; None if the journal has none of that number.
        trial: the trial as it stands.
        stamp: who asks, and when.

    Raises:
        Refused: the clock went back; there is no such record, or it was redacted before; no reason is given; or the texts do
            not stand where free text may stand.
    """
    what = Text(f"Redaction of record {command.record}", f"記録 {command.record} の墨消し")
    # A simulated trial runs ahead of every clock; a text may be removed from it all the same.
    problems = [] if trial.study.simulated else check_clock(trial, stamp)
    remainder = None
    if target is None:
        problems.append(Reason("redaction.record", Text("The journal has no such record", "該当する記録はありません")))
    elif target.salt is None or target.entry is None:
        problems.append(Reason("redaction.again", Text("The record was redacted before", "既に墨消し済みです")))
    else:
        original = encode(target.entry)
        remainder = _remainder(original, command.texts, trial)
        if remainder == original:
            text = Text(
                "The text does not stand in the record's free text; codes, dates and numbers are corrected, not removed",
                "この記録の自由記載に該当する文言はありません（コード・日付・数値は墨消しではなく訂正します）",
            )
            problems.append(Reason("redaction.text", text))
    if not command.reason.strip():
        problems.append(Reason("reason.missing", Text("A reason is due", "理由が必要です")))
    if problems or remainder is None:
        raise Refused(what, problems)
    subject = remainder.get("subject")
    return BodyRedacted(
        record=command.record,
        reason=command.reason,
        remainder=remainder,
        subject=subject if isinstance(subject, str) else None,
    )


def _remainder(original: Mapping[str, Any], texts: Sequence[str], trial: Trial) -> dict[str, Any]:
    """Return an encoded entry without the texts."""
    wanted = [text for text in texts if text.strip()]

    def strip(value: Any) -> Any:
        match value:
            case str():
                return REDACTED if any(text in value for text in wanted) else value
            case dict():
                return {key: strip(part) for key, part in value.items()}
            case list():
                return [strip(part) for part in value]
            case _:
                return value

    items = _items_of(original, trial)
    left = dict(original)
    for key, value in original.items():
        if key in _TEXTS:
            left[key] = strip(value)
        elif key in _ITEMS:
            left[key] = _strip_items(value, items, strip)
        elif key == "warnings":
            left[key] = [{name: strip(part) if name == "reason" else part for name, part in each.items()} for each in value]
    return left


def _items_of(original: Mapping[str, Any], trial: Trial) -> Mapping[str, Item]:
    """Return the items of the form an encoded entry holds values of, as any version of the protocol has them."""
    found: dict[str, Item] = {}
    for protocol in trial.study.versions.values():
        stages = {stage.id: stage.form for stage in protocol.eligibility.stage}
        name = original.get("form") or stages.get(original.get("stage", ""))
        for form in protocol.forms:
            if form.id == name:
                found.update({item.id: item for item in form.item})
    return found


def _strip_items(values: Mapping[str, Any], items: Mapping[str, Item], strip: _Strip) -> dict[str, Any]:
    left = dict(values)
    for name, value in values.items():
        item = items.get(name)
        if item is None:
            continue
        if item.type == "text":
            shorter = strip(value)
            # An item too short for the mark is left empty: what stays must still be a value of the item.
            left[name] = "" if shorter != value and item.max_length < len(REDACTED) else shorter
        elif item.type == "list" and isinstance(value, list):
            fields = {field.id: field for field in item.field}
            left[name] = [_strip_items(row, fields, strip) for row in value]
    return left
