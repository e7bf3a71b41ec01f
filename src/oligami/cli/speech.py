"""What every command shares: the language option, refusals on standard error with exit status 2, and the progress bar."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated, NoReturn

import typer

from oligami.protocol.text import Language, Text

REFUSED = 2

Lang = Annotated[Language, typer.Option("--lang", envvar="OLIGAMI_LANG", help="Language of the sentences.")]


def refuse(text: Text, language: Language) -> NoReturn:
    """Say what is wrong and end with exit status 2."""
    typer.echo(text[language], err=True)
    raise typer.Exit(REFUSED)


@contextmanager
def progress_bar(what: str, total: float) -> Iterator[Callable[[float, str], None]]:
    """Show a progress bar on standard error; yield a function that sets how far it is, with a word beside it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[word]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=False) as bar:
        task = bar.add_task(what, total=total, word="")

        def show(done: float, word: str) -> None:
            bar.update(task, completed=min(done, total), word=word)

        yield show


def read_date(value: str, option: str, language: Language) -> date:
    """Read a calendar date of an option, or refuse with what was found and expected."""
    try:
        return date.fromisoformat(value)
    except ValueError:
        refuse(
            Text(
                f"{option}: found {value!r}; expected a date as year-month-day, such as 2029-11-08",
                f"{option}: {value!r} は日付ではありません。2029-11-08 のように年-月-日で指定してください",
            ),
            language,
        )
