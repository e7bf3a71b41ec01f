"""The desk: the one place where a command becomes records of a journal.

It holds a journal with the trial folded from it. The web has a desk of its own over a database; both decide with `decide`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from oligami.journal.entries import Entry
from oligami.journal.record import Record, Stamp
from oligami.journal.store import Journal
from oligami.trial.commands import Command, RedactBody
from oligami.trial.decide import decide
from oligami.trial.draws import commitment, draw
from oligami.trial.fold import advance, fold
from oligami.trial.redaction import decide_redaction
from oligami.trial.registration import Draws
from oligami.trial.state import Trial


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
            secret: the committed secret of randomization; None where no arm is drawn. With another than the one that was
                committed to, no arm is drawn either.
        """
        self._journal = journal
        self._salts = salts
        self._secret = secret
        self._trial, self._commands = self._read()

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
        entries = decide(command, self._trial, stamp, self._draws())
        first = self._trial.head.seq + 1
        salts = [self._salts(first + number) for number in range(len(entries))]
        records = self._journal.append(entries, stamp, salts)
        self._trial = fold(records, self._trial)
        self._commands[stamp.command] = list(records)
        return Receipt(records, repeated=False)

    def redact(self, command: RedactBody, stamp: Stamp) -> Receipt:
        """Remove texts from a record: its body goes, what is left of it stays in the entry that says so.

        Raises:
            Refused: with all reasons, see `decide_redaction`; nothing was written.
            JournalError: the journal could not be written; nothing was.
        """
        known = self._commands.get(stamp.command)
        if known is not None:
            return Receipt(tuple(known), repeated=True)
        target = next((record for record in self._journal.records() if record.seq == command.record), None)
        entry = decide_redaction(command, target, self._trial, stamp)
        record = self._journal.redact(entry, stamp, salt=self._salts(self._trial.head.seq + 1))
        # The records before are read again without the removed text: nothing of it stays in memory either.
        self._trial, self._commands = self._read()
        return Receipt((record,), repeated=False)

    def _read(self) -> tuple[Trial, dict[str, list[Record]]]:
        """Fold the whole journal; return the trial and the records of each command."""
        commands: dict[str, list[Record]] = {}
        trial = Trial()
        for record in self._journal.records():
            trial = advance(trial, record)
            commands.setdefault(record.stamp.command, []).append(record)
        return trial, commands

    def _draws(self) -> Draws | None:
        """Return the draws, if the secret at hand is the one that was committed to for the next of them."""
        committed = self._trial.commitment(self._trial.allocated + 1)
        if self._secret is None or committed is None or commitment(self._secret) != committed.commitment:
            return None
        return committed_draws(self._secret)


def committed_draws(secret: bytes) -> Draws:
    """Return the draws that belong to a committed secret."""

    def draws(protocol_digest: str, trial: str, k: int) -> float:
        return draw(secret, protocol_digest, trial, k)

    return draws
