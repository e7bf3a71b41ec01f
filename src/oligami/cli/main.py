"""The program `oligami`: one module a noun, mounted when it is asked for."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache

import typer

from oligami import __version__


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"oligami {__version__}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Take the options that belong to no command."""


@cache
def _protocol_noun() -> typer.Typer:
    from oligami.cli import predictability, protocol

    protocol.app.command("predictability")(predictability.predictability)
    return protocol.app


@cache
def _journal_noun() -> typer.Typer:
    from oligami.cli import journal, recheck, redact, rerandomize

    journal.app.command("recheck")(recheck.recheck)
    journal.app.command("redact")(redact.redact)
    journal.app.command("rerandomize")(rerandomize.rerandomize_command)
    return journal.app


def _mount_protocol(app: typer.Typer) -> None:
    app.add_typer(_protocol_noun(), name="protocol")


def _mount_journal(app: typer.Typer) -> None:
    app.add_typer(_journal_noun(), name="journal")


def _mount_judge(app: typer.Typer) -> None:
    from oligami.cli.judge import judge_command

    app.command("judge")(judge_command)


def _mount_simulate(app: typer.Typer) -> None:
    from oligami.cli.simulate import simulate_command

    app.command("simulate")(simulate_command)


def _mount_analyse(app: typer.Typer) -> None:
    from oligami.cli.analyse import analyse_command

    app.command("analyse")(analyse_command)


def _mount_design(app: typer.Typer) -> None:
    from oligami.cli import design

    app.add_typer(design.app, name="design")


def _mount_demo(app: typer.Typer) -> None:
    from oligami.cli.demo import demo_command

    app.command("demo")(demo_command)


def _mount_serve(app: typer.Typer) -> None:
    from oligami.cli.serve import serve_command

    app.command("serve")(serve_command)


def _mount_manage(app: typer.Typer) -> None:
    from oligami.cli.serve import manage_command

    # Words and options are Django's to read, `--help` among them.
    passed_on = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    app.command("manage", context_settings=passed_on)(manage_command)


_NOUNS: dict[str, Callable[[typer.Typer], None]] = {
    "protocol": _mount_protocol,
    "journal": _mount_journal,
    "judge": _mount_judge,
    "simulate": _mount_simulate,
    "analyse": _mount_analyse,
    "design": _mount_design,
    "demo": _mount_demo,
    "serve": _mount_serve,
    "manage": _mount_manage,
}


def build(words: Sequence[str] = ()) -> typer.Typer:
    """Return the program for a command line.

    Importing every noun costs a third of a second, which a check of a journal should not wait for: only the noun that the
    first word names is mounted, and all of them for anything else (help, completion, a misspelt word).
    """
    app = typer.Typer(
        help="Run a randomized clinical trial end to end from one versioned protocol folder.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    for mount in [_NOUNS[words[0]]] if words and words[0] in _NOUNS else _NOUNS.values():
        mount(app)
    return app


def main() -> None:
    """Run the program."""
    try:
        build(sys.argv[1:])()
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is left to say, and Python must not say so either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


if __name__ == "__main__":
    main()
