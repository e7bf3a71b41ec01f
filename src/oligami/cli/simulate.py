"""`oligami simulate`: a whole trial with simulated people, written to a journal."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from oligami.cli.speech import Lang, progress_bar, read_date, refuse
from oligami.protocol.text import Text


def simulate_command(
    trial: Annotated[str, typer.Argument(help="Name of a trial, or path of a protocol folder.", show_default=False)],
    journal: Annotated[Path, typer.Option("--journal", help="The journal to write; it must not exist.", show_default=False)],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = 1,
    scenario: Annotated[
        str, typer.Option("--scenario", help="Name beside the protocol, or path of a scenario file.")
    ] = "standard",
    until: Annotated[str | None, typer.Option("--until", help="Stop on this day (year-month-day).")] = None,
    version: Annotated[str | None, typer.Option("--version", help="Version of the protocol; the newest if left out.")] = None,
    lang: Lang = "en",
) -> None:
    """Carry a whole trial with simulated people through the protocol, every word of it through the same decisions.

    Beside JOURNAL its secret of randomization is written to JOURNAL.secret, for `oligami journal recheck --secret`.
    """
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
