"""What a command about a subject holds in free text, and why it seems to name somebody: asked before the command is carried out.

Commands about the trial (sites, roles, cuts, exports) are left out: their texts name people on purpose.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from oligami.journal import entries as e
from oligami.protocol.model.forms import Item
from oligami.protocol.text import Reason, Text
from oligami.trial.commands import Command, CorrectItems, Register, SubmitForm
from oligami.trial.privacy import names_someone
from oligami.trial.state import Trial

_REASON = Text("Reason", "理由")
_WORDS = Text("Text", "本文")
_SAID = Text("{where}: {what}", "{where}：{what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """Why free texts of a command seem to name somebody, and a digest of these texts, by which the same ones are known again."""

    reasons: tuple[Reason, ...]
    digest: str

    def __bool__(self) -> bool:
        """Whether anything was found."""
        return bool(self.reasons)


def screen_command(command: Command, trial: Trial) -> Screened:
    """Look through the free texts of a command about a subject; the texts themselves are in no reason."""
    reasons: dict[tuple[str, str], Reason] = {}
    found: list[str] = []
    for where, text in _texts(command, trial):
        signs = names_someone(text)
        if signs:
            found.append(text)
        for sign in signs:
            said = Text(
                _SAID.en.format(where=where.en, what=sign.text.en),
                _SAID.ja.format(where=where.ja, what=sign.text.ja),
            )
            reasons[sign.rule, where.en] = Reason(sign.rule, said)
    digest = hashlib.sha256("\x1f".join((type(command).__name__, *sorted(found))).encode()).hexdigest()
    return Screened(reasons=tuple(reasons.values()), digest=digest)


def _texts(command: Command, trial: Trial) -> Iterator[tuple[Text, str]]:
    match command:
        case Register(stage=stage, values=values, reasons=reasons):
            form = next((each.form for each in trial.protocol.eligibility.stage if each.id == stage), "")
            yield from _of_items(values, _items(trial, form))
            yield from ((_REASON, reason) for reason in reasons.values())
        case SubmitForm(form=form, values=values, reasons=reasons):
            yield from _of_items(values, _items(trial, form))
            yield from ((_REASON, reason) for reason in reasons.values())
        case CorrectItems(form=form, new=values, reasons=reasons, reason=reason):
            yield from _of_items(values, _items(trial, form))
            yield from ((_REASON, each) for each in (reason, *reasons.values()))
        case e.QueryRaised(text=text) | e.QueryAnswered(text=text) | e.QueryClosed(text=text) | e.DeviationGraded(text=text):
            yield _WORDS, text
        case (
            e.FormUnlocked(reason=reason)
            | e.ConsentWithdrawn(reason=reason)
            | e.RegistrationAnnulled(reason=reason)
            | e.AllocationMarkedInError(reason=reason)
        ):
            yield _REASON, reason
        case _:
            return


def _items(trial: Trial, form: str) -> Mapping[str, Item]:
    """Return the items of a form, as any version of the protocol has them."""
    return {
        item.id: item
        for protocol in trial.study.versions.values()
        for each in protocol.forms
        if each.id == form
        for item in each.item
    }


def _of_items(values: Mapping[str, Any], items: Mapping[str, Item]) -> Iterator[tuple[Text, str]]:
    for name, value in values.items():
        item = items.get(name)
        if item is None or item.identity:
            continue  # what names a person by its nature is not kept in any case
        match value:
            case str() if item.type == "text":
                yield item.label, value
            case [*rows] if item.type == "list":
                fields = {field.id: field for field in item.field}
                for row in rows:
                    if isinstance(row, Mapping):
                        yield from _of_items(row, fields)
            case _:
                pass
