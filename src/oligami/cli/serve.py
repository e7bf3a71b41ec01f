"""`oligami serve`: the program for a real trial; `oligami manage`: what the operator of the machine does to its database."""

import os
from typing import Annotated

import typer

from oligami.cli.speech import REFUSED, Lang
from oligami.protocol.text import Language, Reason, Text

_THREADS = 4


def serve_command(
    bind: Annotated[str, typer.Option("--bind", envvar="OLIGAMI_BIND", help="Host and port to listen on.")] = "127.0.0.1:8000",
    workers: Annotated[int, typer.Option("--workers", min=0, max=64, help="Processes; 0: as many as fit the machine.")] = 0,
    threads: Annotated[int, typer.Option("--threads", min=1, max=64, help="Requests each process answers at once.")] = _THREADS,
    lang: Lang = "en",
) -> None:
    """Serve the trials of the database, with settings from the environment.

    A real trial is refused on SQLite, with debug settings, without https, with a rehearsal's clock, or without its secret of
    randomization; all that is wrong is said at once, and the exit status is 2.
    """
    from oligami.web import logs, serving
    from oligami.web.configuration import ConfigurationError

    try:
        serving.set_up()
    except ConfigurationError as error:
        _refuse(error.problems, lang)
    logs.configure()
    obstacles = serving.find_obstacles()
    if obstacles:
        _refuse(obstacles, lang)
    host, _, port = bind.rpartition(":")
    try:
        listening = serving.bind(host.strip("[]") or "127.0.0.1", int(port))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or Text("expected HOST:PORT", "ホスト:ポート の形で指定してください")[lang]
        text = Text(
            f"Cannot listen on {bind} ({why}); name another by --bind",
            f"{bind} で待ち受けできません（{why}）。--bind で指定してください",
        )
        _refuse([Reason("--bind", text)], lang)
    serving.warm_up()
    log = logs.log.bind(address=bind)
    count = workers or serving.fitting_workers()
    serving.Server(listening, workers=count, threads=threads, ready=lambda: log.info("ready", workers=count)).run()
    log.info("stopped")


def manage_command(context: typer.Context) -> None:
    """Carry out a management command: migrate, import_journal FILE, appoint, grants ROLE, verify_journal, …; help lists all."""
    from oligami.web import serving
    from oligami.web.configuration import ConfigurationError

    try:
        serving.manage(context.args)
    except ConfigurationError as error:
        language: Language = "ja" if os.environ.get("OLIGAMI_LANG") == "ja" else "en"
        _refuse(error.problems, language, Text("The command cannot be carried out:", "コマンドを実行できません:"))


_NO_SERVER = Text("The server does not start:", "サーバーを起動できません:")


def _refuse(problems: list[Reason] | tuple[Reason, ...], language: Language, opening: Text = _NO_SERVER) -> None:
    """Say all that stands against starting, and end with exit status 2."""
    lines = [opening[language], *(f"- {problem.text[language]} [{problem.rule}]" for problem in problems)]
    typer.echo("\n".join(lines), err=True)
    raise typer.Exit(REFUSED)
