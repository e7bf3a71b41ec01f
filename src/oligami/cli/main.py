"""The program `oligami`: one module a noun, mounted here."""

import os
import sys

import typer

from oligami import __version__
from oligami.cli import journal, predictability, protocol, recheck, redact
from oligami.cli.analyse import analyse_command
from oligami.cli.judge import judge_command
from oligami.cli.simulate import simulate_command

app = typer.Typer(
    help="Run a randomized clinical trial end to end from one versioned protocol folder.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(protocol.app, name="protocol")
app.add_typer(journal.app, name="journal")
app.command("judge")(judge_command)
app.command("simulate")(simulate_command)
app.command("analyse")(analyse_command)

#: These join the commands of `journal` and `protocol` by being imported.
_MOUNTED = (recheck.recheck, redact.redact, predictability.predictability)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"oligami {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Take the options that belong to no command."""


def main() -> None:
    """Run the program."""
    try:
        app()
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is left to say, and Python must not say so either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


if __name__ == "__main__":
    main()
