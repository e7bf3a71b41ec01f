"""`oligami demo`: the whole program on this machine, with a simulated trial half-way through and one account a role."""

import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oligami.cli.speech import Lang, progress_bar, refuse
from oligami.protocol.text import Language, Text

if TYPE_CHECKING:
    from oligami.web.demo import Demo, Plan

PORT = 8000
_THREADS = 8


def demo_command(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on this machine; 0 takes a free one.")] = PORT,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Build the demonstration anew even if it was built before.")] = False,
    lang: Lang = "en",
) -> None:
    """Serve a simulated trial on this machine, until Ctrl-C; nothing of it stays behind.

    The first start builds the trial and keeps it in the cache folder; each start serves a copy of its own.
    """
    from oligami.web import serving

    try:
        listening = serving.bind("127.0.0.1", port)
    except OSError as error:
        refuse(
            Text(
                f"Port {port} cannot be used ({error.strerror}); name another, or take a free one: oligami demo --port 0",
                f"ポート {port} は使えません（{error.strerror}）。別の番号を指定するか、空いているものを使ってください: "
                "oligami demo --port 0",
            ),
            lang,
        )
    serving.stop_on_signals()
    run = Path(tempfile.mkdtemp(prefix="oligami-demo-"))
    owner = os.getpid()
    try:
        _serve(listening, run, fresh=fresh, browse=not no_browser, lang=lang)
    except KeyboardInterrupt:
        pass
    finally:
        if os.getpid() == owner:  # a worker of the server is a copy of this process
            shutil.rmtree(run, ignore_errors=True)
    typer.echo(Text("Stopped; nothing is left of this run.", "終了しました。この実行のデータは残っていません。")[lang], err=True)


def _serve(listening: socket.socket, run: Path, *, fresh: bool, browse: bool, lang: Language) -> None:
    import logging

    from oligami.web import demo as web
    from oligami.web import logs, serving

    plan, name = web.plan_demo()
    kept = web.cache_folder() / name
    serving.set_up(web.environment(run, plan.begins))
    logs.configure(logging.ERROR)
    demo = None if fresh else web.take_copy(kept, run)
    if demo is None:
        demo = _build(plan, run, kept, lang)
    serving.warm_up()
    address = f"http://localhost:{listening.getsockname()[1]}/"
    server = serving.Server(listening, workers=1, threads=_THREADS, ready=lambda: _announce(demo, address, browse, lang))
    server.run()


def _build(plan: "Plan", run: Path, kept: Path, lang: Language) -> "Demo":
    """Build the demonstration and keep it; that it cannot be kept costs only the next start its time."""
    from oligami.web import demo as web

    shutil.rmtree(run)
    run.mkdir(mode=0o700)
    with progress_bar(Text("Building the demonstration", "デモを準備中")[lang], 1.0) as show:
        demo = web.build(plan, run, show)
    try:
        web.keep_copy(run, kept)
    except OSError as error:
        text = Text(
            f"The demonstration could not be kept in {kept.parent} ({error.strerror}); the next start builds it again",
            f"デモを {kept.parent} に保存できませんでした（{error.strerror}）。次回も準備に時間がかかります",
        )
        typer.echo(text[lang], err=True)
    return demo


def _announce(demo: "Demo", address: str, browse: bool, lang: Language) -> None:
    """Print the address and the accounts, and open the browser."""
    import threading
    import webbrowser

    from rich.console import Console
    from rich.table import Table

    from oligami.trial.rights import ROLES
    from oligami.web.demo import PASSWORD

    console = Console()
    title = Text(f"Accounts – one password for all: {PASSWORD}", f"アカウント（パスワードは共通）: {PASSWORD}")
    table = Table(title=title[lang], title_justify="left")
    for heading in (Text("User name", "ユーザー名"), Text("Role", "役割"), Text("Site", "施設")):
        table.add_column(heading[lang])
    for guest in demo.guests:
        table.add_row(guest.username, ROLES[guest.role].title[lang], guest.site or Text("whole trial", "試験全体")[lang])
    console.print(table)
    note = Text(
        f"A rehearsal: every subject is simulated. Its clock begins at {demo.begins}.",
        f"リハーサルです。症例はすべて模擬です。時計は {demo.begins} から始まります。",
    )
    console.print(note[lang], soft_wrap=True)
    opening = Text(f"Open {address} – stop with Ctrl-C", f"{address} を開いてください（終了は Ctrl-C）")
    console.print(opening[lang], soft_wrap=True)
    console.file.flush()
    if browse:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
