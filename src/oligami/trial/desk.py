"""The desk: the one place where a command becomes records of a journal.

It holds a journal with the trial folded from it. The web has a desk of its own over a database; both decide with `decide`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oligami.journal.codec import encode
from oligami.journal.entries import BodyRedacted, Entry
from oligami.journal.record import Record, Stamp
from oligami.journal.store import Journal
from oligami.protocol.text import Reason, Text
from oligami.trial.commands import Command, RedactBody
from oligami.trial.decide import decide
from oligami.trial.draws import draw
from oligami.trial.fold import advance, fold
from oligami.trial.refused import Refused
from oligami.trial.registration import Draws
from oligami.trial.state import Trial

#: What stands where a text was removed.
REDACTED = "[redacted]"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a command came to: its records, and whether they had been written by an earlier sending of the same command."""

    records: tuple[Record, ...]
    repeated: bool

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries of the records, redacted ones left out."""
        return tuple(record.entry for record in self.records if record.entry is not None)


class Desk:
    """Guards a journal: whatever enters it was decided on the trial as it stood."""

    def __init__(self, journal: Journal, *, salts: Callable[[int], str], secret: bytes | None = None) -> None:
        """Fold the journal.

        Args:
            journal: its records are read once, at the start.
            salts: gives the salt (32 hexadecimal digits) of a record by its number.
            secret: the committed secret of randomization; None where no arm is drawn.
        """
        self._journal = journal
        self._salts = salts
        self._draws = committed_draws(secret) if secret is not None else None
        self._commands: dict[str, list[Record]] = {}
        self._trial = Trial()
        for record in journal.records():
            self._trial = advance(self._trial, record)
            self._commands.setdefault(record.stamp.command, []).append(record)

    @property
    def trial(self) -> Trial:
        """The trial as it stands."""
        return self._trial

    def submit(self, command: Command, stamp: Stamp) -> Receipt:
        """Carry out a command: all its records are written, or none.

        The same command id again gives the first answer again and writes nothing.

        Raises:
            Refused: with all reasons; nothing was written.
            JournalError: the journal could not be written; nothing was.
        """
        known = self._commands.get(stamp.command)
        if known is not None:
            return Receipt(tuple(known), repeated=True)
        entries = decide(command, self._trial, stamp, self._draws)
        first = self._trial.head.seq + 1
        salts = [self._salts(first + number) for number in range(len(entries))]
        records = self._journal.append(entries, stamp, salts)
        self._trial = fold(records, self._trial)
        self._commands[stamp.command] = list(records)
        return Receipt(records, repeated=False)

    def redact(self, command: RedactBody, stamp: Stamp) -> Receipt:
        """Remove texts from a record: its body goes, what is left of it stays in the entry that says so.

        Raises:
            Refused: there is no such record, it was redacted before, no reason is given, or the text does not stand in it.
        """
        known = self._commands.get(stamp.command)
        if known is not None:
            return Receipt(tuple(known), repeated=True)
        what = Text(f"Redaction of record {command.record}", f"記録 {command.record} の墨消し")
        target = next((record for record in self._journal.records() if record.seq == command.record), None)
        problems = []
        if target is None:
            problems.append(Reason("redaction.record", Text("The journal has no such record", "該当する記録はありません")))
        elif target.salt is None:
            problems.append(Reason("redaction.again", Text("The record was redacted before", "既に墨消し済みです")))
        if not command.reason.strip():
            problems.append(Reason("reason.missing", Text("A reason is due", "理由が必要です")))
        remainder = None
        if target is not None and target.entry is not None:
            original = encode(target.entry)
            remainder = {
                key: value if key in ("type", "v") else _without(value, command.texts) for key, value in original.items()
            }
            if remainder == original:
                problems.append(
                    Reason("redaction.text", Text("The text does not stand in this record", "この記録に該当する文言はありません"))
                )
        if problems or remainder is None:
            raise Refused(what, problems)
        subject = remainder.get("subject")
        entry = BodyRedacted(
            record=command.record,
            reason=command.reason,
            remainder=remainder,
            subject=subject if isinstance(subject, str) else None,
        )
        record = self._journal.redact(entry, stamp, salt=self._salts(self._trial.head.seq + 1))
        # The records before are read again without the removed text: nothing of it stays in memory either.
        self._trial = fold(self._journal.records())
        self._commands[stamp.command] = [record]
        return Receipt((record,), repeated=False)


def committed_draws(secret: bytes) -> Draws:
    """Return the draws that belong to a committed secret."""

    def draws(protocol_digest: str, trial: str, k: int) -> float:
        return draw(secret, protocol_digest, trial, k)

    return draws


def _without(value: object, texts: Sequence[str]) -> object:
    """Return a value with the texts replaced wherever they stand in its strings."""
    match value:
        case str():
            return REDACTED if any(text and text in value for text in texts) else value
        case dict():
            return {key: _without(part, texts) for key, part in value.items()}
        case list() | tuple():
            return [_without(part, texts) for part in value]
        case _:
            return value
