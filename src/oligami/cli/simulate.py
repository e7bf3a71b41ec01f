"""`oligami simulate`: a whole trial with simulated people, written to a journal."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from oligami.cli.speech import Lang, progress_bar, read_date, refuse
from oligami.protocol.text import Language, Text


def simulate_command(
    trial: Annotated[str, typer.Argument(help="Name of a trial, or path of a protocol folder.", show_default=False)],
    journal: Annotated[
        Path | None,
        typer.Option("--journal", help="Rehearse one trial into this journal; it must not exist.", show_default=False),
    ] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="Simulate so many trials on the fast road.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = 1,
    scenario: Annotated[
        str | None,
        typer.Option(
            "--scenario",
            help="Name beside the protocol, or path of a scenario file: `standard` for a journal, `design` for trials if left out.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Stop on this day (year-month-day).")] = None,
    version: Annotated[str | None, typer.Option("--version", help="Version of the protocol; the newest if left out.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="With --trials: write a page on all scenarios, designs and a sweep into this folder."),
    ] = None,
    engine: Annotated[
        str, typer.Option("--engine", help="With --trials: numpy, numba (extra fast), or auto for the faster one installed.")
    ] = "auto",
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="With --trials: threads; all processors if left out.", show_default=False),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="With --trials: a Dask scheduler, tcp://HOST:PORT (extra cluster).")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="With --trials: keeps what is done, to go on after an interruption.")
    ] = None,
    lang: Lang = "en",
) -> None:
    """Simulate: one trial with every word of it in a journal (--journal), or trials by the million (--trials).

    With --journal, people are carried through the protocol by the same decisions as real ones; beside JOURNAL its secret of
    randomization is written to JOURNAL.secret, for `oligami journal recheck --secret`.

    With --trials, the same rules run on arrays and tell how the design behaves: power or type I error, duration, events, stopping.
    """
    if (journal is None) == (trials is None):
        refuse(
            Text(
                "give either --journal FILE, to rehearse one trial, or --trials N, for operating characteristics",
                "1つの試験の予行には --journal ファイル、動作特性には --trials 回数 のどちらか一方を指定してください",
            ),
            lang,
        )
    if trials is not None:
        from oligami.cli.operating import tell_operating

        if until is not None:
            refuse(Text("--until goes with --journal", "--until は --journal とともに指定してください"), lang)
        tell_operating(
            trial,
            trials=trials,
            seed=seed,
            scenario=scenario or "design",
            version=version,
            out=out,
            engine=engine,
            workers=workers,
            scheduler=scheduler,
            checkpoint=checkpoint,
            lang=lang,
        )
        return
    fast_only = {"--out": out, "--workers": workers, "--scheduler": scheduler, "--checkpoint": checkpoint}
    given = [name for name, value in fast_only.items() if value is not None] + (["--engine"] if engine != "auto" else [])
    if given:
        refuse(Text(f"{', '.join(given)}: goes with --trials", f"{', '.join(given)} は --trials とともに指定してください"), lang)
    assert journal is not None
    _rehearse(trial, journal, seed=seed, scenario=scenario or "standard", until=until, version=version, lang=lang)


def _rehearse(
    trial: str, journal: Path, *, seed: int, scenario: str, until: str | None, version: str | None, lang: Language
) -> None:
    from oligami.journal.codec import JournalError
    from oligami.protocol.load import find_protocol, load_protocol
    from oligami.protocol.problems import ProtocolErrors
    from oligami.simulation.rehearse import simulate_to_file
    from oligami.simulation.scenario import ScenarioError, find_scenario, load_scenario

    secret_file = journal.with_name(journal.name + ".secret")
    for path in (journal, secret_file):
        if path.exists():
            refuse(
                Text(
                    f"{path} exists; a simulation writes a new file. Remove it or name another",
                    f"{path} は既に存在します。削除するか別の名前を指定してください",
                ),
                lang,
            )
    if not journal.parent.is_dir():
        folder = journal.parent
        refuse(
            Text(f"{folder}: there is no such folder; make it first", f"{folder}: フォルダがありません。先に作成してください"),
            lang,
        )
    last = read_date(until, "--until", lang) if until is not None else None
    try:
        folder = find_protocol(trial, version=version)
        protocol = load_protocol(folder)
        plan = load_scenario(find_scenario(folder, scenario))
    except ProtocolErrors as error:
        refuse(
            Text(
                "\n".join(problem.text.en for problem in error.problems), "\n".join(problem.text.ja for problem in error.problems)
            ),
            lang,
        )
    except ScenarioError as error:
        refuse(Text(str(error), str(error)), lang)
    start, end = plan.accrual.start, min(last or plan.accrual.end, plan.accrual.end)
    days = max(1, (end - start).days)
    try:
        with progress_bar(Text("Simulating", "模擬試験")[lang], days) as show:

            def progress(records: int, today: date) -> None:
                show((today - start).days, f"{today}  {records} records")

            rehearsal = simulate_to_file(protocol, plan, journal, seed=seed, until=last, progress=progress)
    except (ValueError, OSError) as error:
        text = error.text if isinstance(error, JournalError) else Text(str(error), str(error))
        refuse(text, lang)
    secret_file.touch(mode=0o600)
    secret_file.write_text(rehearsal.secret.hex() + "\n", encoding="ascii")
    state = rehearsal.trial
    counts = ", ".join(f"{stage.title[lang]} {state.registered(stage.id)}" for stage in protocol.eligibility.stage)
    said = Text(
        f"{journal}: {state.head.seq} records to {end}; {counts}; refused {len(state.refusals)}. "
        f"Head seal {state.head.seal}. Secret of randomization: {secret_file}",
        f"{journal}: {end} まで {state.head.seq} 記録、{counts}、登録不可 {len(state.refusals)}。"
        f"ヘッドの封印 {state.head.seal}。割付の秘密値: {secret_file}",
    )
    typer.echo(said[lang])
