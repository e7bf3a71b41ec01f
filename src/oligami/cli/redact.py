"""`oligami journal redact`: take a text that names a person out of a record; the chain stays valid."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from oligami.cli.speech import Lang, refuse
from oligami.journal.codec import JournalError
from oligami.journal.record import Stamp
from oligami.journal.store import FileJournal
from oligami.protocol.text import Text


def redact(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The journal's file (JSON lines).", show_default=False)],
    record: Annotated[int, typer.Option("--record", help="Number of the record.", show_default=False)],
    text: Annotated[list[str], typer.Option("--text", help="The words to take out; may be repeated.", show_default=False)],
    reason: Annotated[str, typer.Option("--reason", help="Why (it stays in the journal: name nobody).", show_default=False)],
    author: Annotated[str, typer.Option("--author", help="Account of who redacts.", show_default=False)],
    role: Annotated[str, typer.Option("--role", help="Role of who redacts.")] = "data_manager",
    lang: Lang = "en",
) -> None:
    """Remove the body of a record and add an entry that says so and holds the rest of it.

    A value that contains one of the texts is replaced whole. Copies of the file made before still hold the text.
    """
    from oligami.trial.commands import RedactBody
    from oligami.trial.desk import Desk
    from oligami.trial.refused import Refused

    stamp = Stamp(
        recorded_at=datetime.now(UTC).replace(microsecond=0),
        author=author,
        role=role,
        channel="paper",
        command=secrets.token_hex(16),
    )
    try:
        with FileJournal(file) as journal:
            desk = Desk(journal, salts=lambda _: secrets.token_hex(16))
            receipt = desk.redact(RedactBody(record=record, texts=tuple(text), reason=reason), stamp)
    except JournalError as error:
        refuse(Text(error.sentence("en"), error.sentence("ja")), lang)
    except Refused as refused:
        refuse(Text(refused.text("en"), refused.text("ja")), lang)
    seq = receipt.records[0].seq
    said = Text(
        f"{file}: record {record} redacted; record {seq} says so. Other copies of the file still hold the text",
        f"{file}: 記録 {record} を墨消しし、記録 {seq} に残しました。以前の複製には元の文言が残っています",
    )
    typer.echo(said[lang])
