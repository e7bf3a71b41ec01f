"""The desk over the database: the one place where a command becomes records.

One transaction holds it all: the trial's turn, the question whether the command was carried out before, the decision on the
trial as it stands, the records, the ledger. What is answered was read back from the table and committed.
"""

import re
import secrets as chance
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TypeAlias

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, OperationalError, transaction

from oligami.journal.record import Channel, Record, Stamp
from oligami.journal.store import Head
from oligami.protocol.text import Reason, Text
from oligami.trial import rights
from oligami.trial.commands import ActivateProtocol, Command, RedactBody
from oligami.trial.decide import decide
from oligami.trial.desk import Receipt, committed_draws
from oligami.trial.draws import commitment, parse_secret
from oligami.trial.fold import fold
from oligami.trial.redaction import decide_redaction
from oligami.trial.refused import Refused
from oligami.trial.registration import Draws
from oligami.trial.state import Trial
from oligami.web.clock import now
from oligami.web.configuration import ConfigurationError
from oligami.web.durability import check_database
from oligami.web.journal.store import DatabaseJournal
from oligami.web.ledger.post import post
from oligami.web.standing import Standing

#: Clocks of two servers may stand so far apart. A record made by the slower one within it takes the newest record's instant,
#: so that records never go back; beyond it nothing is recorded (`decide.check_clock`).
SKEW = timedelta(seconds=2)
#: How often a command is tried that the database turned away because of others, and the longest wait in between.
ATTEMPTS = 6
_LONGEST_WAIT_S = 1.0
_REPEATED = Text("This command", "この操作")
_TAKEN = Reason(
    "command.taken",
    Text(
        "This command id has been used by somebody else; load the page again and send it once more",
        "この操作番号は他の方が使用済みです。画面を再読み込みして、もう一度送信してください",
    ),
)
_COMMAND = re.compile(r"[0-9a-f]{32}")
_SQLSTATES = frozenset(("40001", "40P01", "55P03"))  # serialization failure, deadlock, lock not available
_SQLITE_CODES = frozenset((5, 6))  # SQLITE_BUSY, SQLITE_LOCKED
#: Returns why the author of a command may not carry it out; nothing: he may.
Guard: TypeAlias = Callable[[Command | RedactBody, Trial, Stamp], Sequence[Reason]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks, as what, by which channel, having seen which record. The instant is the desk's to say.

    `command` is made by the client, 128 bits by chance as 32 hexadecimal digits: the same id again gives the first answer.
    """

    command: str
    author: str
    role: str
    channel: Channel = "web"
    seen: int | None = None
    caller: str | None = None


class Desk:
    """Guards one trial's journal in the database; one for each trial and process, for any number of threads.

    Args:
        trial: the trial's id, that of its protocol.
        using: alias of the database.
        secrets: the secrets of randomization at hand, by their commitments.
        clock: gives the instant, in UTC.
        guard: asked before each decision, on the trial as it then stands; None: whoever reaches the desk may do everything
            (the operator of the machine, a rehearsal).

    Raises:
        ConfigurationError: the database would lose entries or let them be rewritten.
    """

    def __init__(
        self,
        trial: str,
        *,
        using: str = DEFAULT_DB_ALIAS,
        secrets: Mapping[str, bytes] | None = None,
        clock: Callable[[], datetime] = now,
        guard: Guard | None = None,
    ) -> None:
        check_database(using)
        self.journal = DatabaseJournal(trial, using=using)
        self._secrets = dict(secrets or {})
        self._clock = clock
        self._guard = guard
        self._standing = Standing(self.journal)
        self._turn = Lock()  # threads wait here, in this process, rather than at the database

    @property
    def trial(self) -> Trial:
        """The trial after its newest committed record, for reading."""
        return self._standing.now()

    def submit(self, command: Command, asked: Asked) -> Receipt:
        """Carry out a command: all its records are committed, or none.

        Raises:
            Refused: with all reasons; nothing was written.
            JournalError: the journal does not hold; nothing was written.
            OperationalError: the database did not take it; asking again with the same command id is safe.
            RuntimeError: called inside another transaction, which could still be undone after the answer.
        """
        if isinstance(command, ActivateProtocol) and command.protocol.id != self.journal.trial:
            what = Text(f"Activation of {command.protocol.id}", f"{command.protocol.id} の有効化")
            mine = self.journal.trial
            text = Text(f"This journal belongs to trial {mine}", f"このジャーナルは試験 {mine} のものです")
            raise Refused(what, [Reason("protocol.other_trial", text)])

        def act(head: Head, trial: Trial, stamp: Stamp) -> Trial:
            self._admit(command, trial, stamp)
            entries = decide(command, trial, stamp, self._draws(trial))
            self.journal.write(head, entries, stamp, [chance.token_hex(16) for _ in entries])
            return fold(self.journal.records(through=head.seq + len(entries), after=head), trial)

        return self._carry_out(act, asked)

    def redact(self, command: RedactBody, asked: Asked) -> Receipt:
        """Remove texts from a record: its body goes, what is left of it stays in the entry that says so.

        Raises:
            Refused: with all reasons, see `decide_redaction`; nothing was written.
            JournalError, OperationalError, RuntimeError: as `submit`.
        """

        def act(head: Head, trial: Trial, stamp: Stamp) -> Trial:
            self._admit(command, trial, stamp)
            target: Record | None = None
            if 1 <= command.record <= head.seq:
                *_, target = self.journal.records(through=command.record)
            entry = decide_redaction(command, target, trial, stamp)
            self.journal.redact(entry, stamp, salt=chance.token_hex(16))
            return fold(self.journal.records(through=head.seq + 1))

        return self._carry_out(act, asked)

    def _admit(self, command: Command | RedactBody, trial: Trial, stamp: Stamp) -> None:
        """Refuse who may not; in the turn of the command, so that a role that was just revoked counts no more."""
        reasons = self._guard(command, trial, stamp) if self._guard is not None else ()
        if reasons:
            raise Refused(rights.name_of(command, trial), reasons)

    def _carry_out(self, act: Callable[[Head, Trial, Stamp], Trial], asked: Asked) -> Receipt:
        if _COMMAND.fullmatch(asked.command) is None:
            raise ValueError("a command id has 32 hexadecimal digits in small letters")
        attempt = 1
        while True:
            try:
                with self._turn:
                    return self._once(act, asked)
            except OperationalError as error:
                if attempt == ATTEMPTS or not passes(error):
                    raise
            # Not all at the same moment again.
            time.sleep(min(_LONGEST_WAIT_S, 0.02 * 2**attempt) * (0.5 + chance.randbelow(1000) / 2000))
            attempt += 1

    def _once(self, act: Callable[[Head, Trial, Stamp], Trial], asked: Asked) -> Receipt:
        using = self.journal.using
        with transaction.atomic(using=using, durable=True):
            head = self.journal.lock()
            known = self.journal.of_command(asked.command)
            if known:
                if known[0].stamp.author != asked.author:
                    # Command ids stand in copies and exports: knowing one must not give somebody else's answer.
                    raise Refused(_REPEATED, [_TAKEN])
                return Receipt(known, repeated=True)
            before = self._standing.at(head)
            stamp = Stamp(
                recorded_at=self._instant(before.head.at),
                author=asked.author,
                role=asked.role,
                channel=asked.channel,
                command=asked.command,
                seen=asked.seen,
                caller=asked.caller,
            )
            after = act(head, before, stamp)
            post(before, after, trial=self.journal.trial, using=using)
            records = self.journal.of_command(asked.command)
        self._standing.publish(after)
        return Receipt(records, repeated=False)

    def _instant(self, newest: datetime | None) -> datetime:
        instant = self._clock()
        return newest if newest is not None and instant < newest <= instant + SKEW else instant

    def _draws(self, trial: Trial) -> Draws | None:
        """Return the draws, if the secret that was committed to for the next of them is at hand."""
        committed = trial.commitment(trial.allocated + 1)
        secret = None if committed is None else self._secrets.get(committed.commitment)
        return None if secret is None else committed_draws(secret)


def passes(error: OperationalError) -> bool:
    """Say whether the database turned a transaction away only because of others at work, so that trying again may help."""
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) in _SQLSTATES:
        return True
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SQLITE_CODES  # the low byte is the primary code


def read_secrets(folder: Path) -> dict[str, bytes]:
    """Return the secrets of randomization in a folder's `*.secret` files by their commitments; none if there is no folder.

    Raises:
        ConfigurationError: a file that holds no secret; its contents are not shown.
    """
    found, problems = {}, []
    for path in sorted(folder.glob("*.secret")):
        try:
            secret = parse_secret(path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            text = Text(
                f"{path.name} in the folder of secrets holds no secret (64 hexadecimal digits), or cannot be read",
                f"秘密値フォルダーの {path.name} を秘密値（16 進 64 桁）として読めません",
            )
            problems.append(Reason("OLIGAMI_SECRETS", text))
        else:
            found[commitment(secret)] = secret
    if problems:
        raise ConfigurationError(problems)
    return found


@cache
def open_desk(trial: str) -> Desk:
    """Return this process's desk of a trial, guarded by the rights, with the secrets the settings point to."""
    return Desk(trial, secrets=read_secrets(settings.OLIGAMI_SECRETS), guard=rights.against)
