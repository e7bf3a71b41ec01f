"""A record: an entry with its place in the journal, its author and its seals."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from oligami.journal.entries import Entry

Channel = Literal["web", "telephone", "paper", "import", "simulation"]

#: The seal before the first record.
GENESIS = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who says something, in which role, when, by which channel, under which command, having seen which record.

    `recorded_at` is an instant in UTC. `command` is the author's own id of the command (128 bit, hexadecimal): the same id
    again gives the first answer again. `seen` is the sequence number of the newest record the author had seen of what
    he changes (None: nothing yet). `caller` names, as a role and site, the person on whose behalf a data manager acts.
    """

    recorded_at: datetime
    author: str
    role: str
    channel: Channel
    command: str
    seen: int | None = None
    caller: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An entry as the journal holds it.

    `digest` is the SHA-256 of the body (salt and entry), `seal` that of the head (everything else, with `digest` and the
    seal before it). `entry` and `salt` are None once the body was redacted: the chain still verifies.
    """

    seq: int
    stamp: Stamp
    entry: Entry | None
    salt: str | None
    digest: str
    previous: str
    seal: str
