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
    "judge": _mount_judge,
    "simulate": _mount_simulate,
    "journal": _mount_journal,
    "analyse": _mount_analyse,
    "design": _mount_design,
    "demo": _mount_demo,
    "serve": _mount_serve,
    "manage": _mount_manage,
}

#: What the list of commands says of each, so that `--help` need not import them all; a test holds them to their nouns.
_ERRANDS = {
    "protocol": "Check, print and describe protocol folders.",
    "judge": "Judge lines of JSON by the trial's clinical rules: an answer a line, in the same order.",
    "simulate": "Simulate: one trial with every word of it in a journal (--journal), or trials by the million (--trials).",
    "journal": "Check a journal and read its records.",
    "analyse": "Cut a journal, analyse it by the protocol's plan and write a report: one HTML page, every number as CSV and JSON.",
    "design": "The statistics of a design: numbers, power, bounds, projections, looks.",
    "demo": "Serve a simulated trial on this machine, until Ctrl-C; nothing of it stays behind.",
    "serve": "Serve the trials of the database, with settings from the environment.",
    "manage": "Carry out a management command: migrate, import_journal FILE, appoint, grants ROLE, verify_journal, …; help lists all.",
}


def build(words: Sequence[str] = ()) -> typer.Typer:
    """Return the program for a command line.

    Importing every noun costs a third of a second, which a check of a journal should not wait for: only the noun that the
    first word names is mounted, and all of them for anything else (completion).
    """
    app = _empty()
    for mount in [_NOUNS[words[0]]] if words and words[0] in _NOUNS else _NOUNS.values():
        mount(app)
    return app


def outline() -> typer.Typer:
    """Return the program with the names and errands of its nouns alone: enough for `--help` and for a misspelt word."""
    app = _empty()
    for noun, errand in _ERRANDS.items():
        app.command(noun, help=errand)(_nothing)
    return app


def _empty() -> typer.Typer:
    app = typer.Typer(
        help="Run a randomized clinical trial end to end from one versioned protocol folder.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    return app


def _nothing() -> None:
    """Stand for a command that is only listed."""


def main() -> None:
    """Run the program."""
    words = sys.argv[1:]
    listed_only = (not words or words[0] not in _NOUNS) and "_OLIGAMI_COMPLETE" not in os.environ
    try:
        (outline() if listed_only else build(words))()
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is left to say, and Python must not say so either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


if __name__ == "__main__":
    main()
