"""`oligami journal recheck`: every decision of a journal redone."""

from pathlib import Path
from typing import Annotated

import typer

from oligami.cli.speech import Lang, progress_bar, refuse
from oligami.journal.codec import JournalError
from oligami.journal.store import FileJournal
from oligami.protocol.text import Text
from oligami.trial.draws import parse_secret

_MOST_SHOWN = 50


def recheck(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The journal's file (JSON lines).", show_default=False)],
    secret: Annotated[
        list[Path] | None, typer.Option("--secret", help="File with an opened secret (64 hex digits); may be repeated.")
    ] = None,
    lang: Lang = "en",
) -> None:
    """Redo every verdict, tally, probability and arm from the journal alone; with the opened secret every draw too.

    Whatever comes out otherwise is listed with its record; the exit status is then 2.
    """
    from oligami.trial.recheck import recheck as redo

    secrets = [_read_secret(path, lang) for path in secret or []]
    try:
        journal = FileJournal(file)
        total = journal.head().seq
        with progress_bar(Text("Redoing", "再計算")[lang], total) as show:

            def progress(seq: int) -> None:
                if seq % 500 == 0 or seq == total:
                    show(seq, f"{seq} records")

            found, _ = redo(journal.records(), secrets=secrets, progress=progress)
    except JournalError as error:
        refuse(Text(error.sentence("en"), error.sentence("ja")), lang)
    for difference in found.differences[:_MOST_SHOWN]:
        typer.echo(difference.text[lang], err=True)
    more = len(found.differences) - _MOST_SHOWN
    if more > 0:
        typer.echo(Text(f"and {more} more differences", f"ほか {more} 件の相違")[lang], err=True)
    drawn = (
        Text(f"{found.draws_checked} draws recomputed from the secret", f"秘密値から再計算した乱数 {found.draws_checked}")
        if found.draws_checked
        else Text("draws not recomputed (no secret given)", "乱数は再計算していません（秘密値の指定なし）")
    )
    summary = Text(
        f"{file}: {found.registrations} registrations, {found.refusals} refusals, {found.allocations} allocations and "
        f"{found.forms} forms redone, {drawn.en}: {len(found.differences)} differences",
        f"{file}: 登録 {found.registrations}、登録不可 {found.refusals}、割付 {found.allocations}、調査票 {found.forms} を再計算、"
        f"{drawn.ja}: 相違 {len(found.differences)} 件",
    )
    typer.echo(summary[lang], err=not found.ok)
    if not found.ok:
        raise typer.Exit(2)


def _read_secret(path: Path, lang: Lang) -> bytes:
    try:
        return parse_secret(path.read_text(encoding="ascii", errors="replace"))
    except OSError as error:
        refuse(Text(f"{path}: cannot be read ({error.strerror})", f"{path}: 読み込めません（{error.strerror}）"), lang)
    except ValueError as error:
        refuse(Text(f"{path}: {error}", f"{path}: {error}"), lang)
