"""`oligami design`: the design of a protocol, the events of a running trial foretold, and looks at its primary endpoint."""

import gc
import shlex
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from oligami import __version__
from oligami.analysis.unfit import Unfit
from oligami.cli.speech import Lang, read_date, refuse
from oligami.data.cut import Cut, cut_records
from oligami.data.datasets import Datasets
from oligami.journal.entries import CutTaken
from oligami.journal.store import FileJournal
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Language, Text

app = typer.Typer(help="The statistics of a design: numbers, power, bounds, projections, looks.", no_args_is_help=True)

Trial = Annotated[
    str, typer.Argument(metavar="TRIAL", help="A trial's name, or the path of a protocol folder.", show_default=False)
]
Journal = Annotated[Path, typer.Argument(metavar="JOURNAL", help="The journal's file (JSON lines).", show_default=False)]
UpTo = Annotated[
    str, typer.Option("--up-to", help="Count what had happened up to this day (year-month-day).", show_default=False)
]
Through = Annotated[int | None, typer.Option("--through", help="Know only what was recorded up to this record; all if left out.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of a page with tables, pictures and CSV; else the terminal.")]


@app.command("show")
def show(
    trial: Trial,
    version: Annotated[str | None, typer.Option("--version", help="Version of the protocol; the newest if left out.")] = None,
    interim: Annotated[
        str | None, typer.Option("--interim", help="Looks to show beside the trial's own: shares of the events, as 0.5,1.")
    ] = None,
    spending: Annotated[
        str | None,
        typer.Option(
            "--spending", help="Their alpha spending: NAME or NAME:PARAMETER.", show_default="lan_demets_obrien_fleming"
        ),
    ] = None,
    futility: Annotated[
        str | None, typer.Option("--futility", help="Their beta spending: NAME, NAME:PARAMETER or none.", show_default="none")
    ] = None,
    binding: Annotated[bool, typer.Option("--binding", help="Their futility bounds must be obeyed.")] = False,
    out: Out = None,
    lang: Lang = "en",
) -> None:
    """Show a protocol's design: where its numbers come from, power, accrual and events, bounds, conditional power."""
    from oligami.analysis.design import asked_plan, describe_design
    from oligami.protocol.load import find_protocol, load_protocol
    from oligami.protocol.problems import ProtocolErrors
    from oligami.reports.design import design_sections, write_design_report
    from oligami.reports.terminal import sections_text

    if interim is None and (spending is not None or futility is not None or binding):
        refuse(
            Text(
                "--spending, --futility and --binding go with --interim, the shares of the events at the looks",
                "--spending、--futility、--binding は --interim（解析時点のイベント割合）とともに指定してください",
            ),
            lang,
        )
    try:
        asked = None
        if interim is not None:
            asked = asked_plan(interim, spending or "lan_demets_obrien_fleming", futility or "none", binding=binding)
        protocol = load_protocol(find_protocol(trial, version=version))
        results = describe_design(protocol, asked)
        if out is None:
            typer.echo(f"{protocol.id} {protocol.version} ({protocol.digest[:16]})\n")
            typer.echo(sections_text(design_sections(results, protocol), lang))
            return
        options = [("--interim", interim), ("--spending", spending), ("--futility", futility)]
        words = [part for name, value in options if value is not None for part in (name, value)]
        words += ["--binding"] if binding else []
        command = shlex.join(["oligami", "design", "show", protocol.id, "--version", protocol.version, *words, "--out"]) + " …"
        written = write_design_report(results, protocol, out, software_version=__version__, command=command)
    except ProtocolErrors as error:
        problems = error.problems
        refuse(Text("\n".join(each.text.en for each in problems), "\n".join(each.text.ja for each in problems)), lang)
    except Unfit as error:
        refuse(error.text, lang)
    except (ValueError, OSError) as error:
        refuse(Text(str(error), str(error)), lang)
    typer.echo(Text(f"{written[0]}: the page; {len(written)} files", f"{written[0]}: ページ（{len(written)} ファイル）")[lang])


@app.command("project")
def project(
    journal: Journal,
    up_to: UpTo,
    events: Annotated[
        int | None, typer.Option("--events", help="Events waited for; those the design plans if left out.", show_default=False)
    ] = None,
    through: Through = None,
    model: Annotated[
        str, typer.Option("--model", help="Pooled model of the time to the event: exponential or weibull.")
    ] = "exponential",
    seed: Annotated[int, typer.Option("--seed", help="Of the draws.")] = 1,
    out: Out = None,
    lang: Lang = "en",
) -> None:
    """Foretell when the events of a running trial come, arms together."""
    from oligami.analysis.design import basis_of
    from oligami.analysis.projection import pooled_course
    from oligami.analysis.projection import project as project_course
    from oligami.reports.design import projection_sections, write_projection_report
    from oligami.reports.terminal import sections_text

    (datasets,), protocol = _cuts(journal, [(read_date(up_to, "--up-to", lang), through)], lang)
    try:
        target = basis_of(protocol).planned_events if events is None else events
        result = project_course(pooled_course(datasets, protocol), target=target, seed=seed, model=model)
        if out is None:
            typer.echo(sections_text(projection_sections(result), lang))
            return
        words = ["--up-to", up_to, "--through", str(datasets.provenance.through), "--events", str(target)]
        words += ["--model", model, "--seed", str(seed)]
        command = shlex.join(["oligami", "design", "project", "JOURNAL", *words])
        written = write_projection_report(result, protocol, out, command=command)
    except Unfit as error:
        refuse(error.text, lang)
    except (ValueError, OSError) as error:
        refuse(Text(str(error), str(error)), lang)
    typer.echo(str(written[0]))


@app.command("look")
def look(
    journal: Journal,
    up_to: UpTo,
    through: Through = None,
    earlier: Annotated[
        list[str] | None,
        typer.Option(
            "--earlier", help="A look before this one, in order: a cut the journal names, or a day.", show_default=False
        ),
    ] = None,
    final: Annotated[bool, typer.Option("--final", help="This look ends the trial, with fewer events than planned.")] = False,
    out: Out = None,
    lang: Lang = "en",
) -> None:
    """Look at the primary endpoint BY ARM: bounds at the events observed, the test, what may come, the final inference."""
    from oligami.analysis.monitoring import take_look
    from oligami.reports.design import look_sections, write_look_report
    from oligami.reports.design.monitoring import CLOSED
    from oligami.reports.terminal import sections_text

    days: list[tuple[date | str, int | None]] = [
        *((word, None) for word in earlier or ()),
        (read_date(up_to, "--up-to", lang), through),
    ]
    cuts, protocol = _cuts(journal, days, lang)
    try:
        result = take_look(cuts, protocol, final=final)
        if out is None:
            # On standard error too, so that the warning is seen where the results are sent to a file.
            typer.echo(CLOSED[lang], err=True)
            typer.echo(sections_text(look_sections(result, protocol), lang))
            return
        words = ["--up-to", up_to, "--through", str(cuts[-1].provenance.through)]
        words += [part for word in earlier or () for part in ("--earlier", word)] + (["--final"] if final else [])
        command = shlex.join(["oligami", "design", "look", "JOURNAL", *words])
        written = write_look_report(result, protocol, out, command=command)
    except Unfit as error:
        refuse(error.text, lang)
    except (ValueError, OSError) as error:
        refuse(Text(str(error), str(error)), lang)
    typer.echo(str(written[0]))


def _cuts(journal: Path, wanted: Sequence[tuple[date | str, int | None]], lang: Language) -> tuple[list[Datasets], Protocol]:
    """Return the datasets of each cut (a day, or the name of a cut in the journal) and the protocol of the last, or refuse."""
    from oligami.data.derive import derive
    from oligami.journal.codec import JournalError
    from oligami.trial.fold import fold

    # As in `analyse`: folding makes many small objects that all live on.
    gc.disable()
    try:
        book = FileJournal(journal)
        last = book.head().seq
        datasets = []
        for day, through in wanted:
            cut = _named(book, day, lang) if isinstance(day, str) else Cut(up_to=day, through=through)
            if cut.through is not None and not 1 <= cut.through <= last:
                refuse(
                    Text(
                        f"--through {cut.through}: the journal has records 1 to {last}",
                        f"--through {cut.through}: ジャーナルの記録は 1 から {last} までです",
                    ),
                    lang,
                )
            trial = fold(cut_records(book.records(), cut))
            datasets.append(derive(trial, cut, protocol=trial.protocol, software_version=__version__))
            protocol = trial.protocol
            newest = trial.head.at
            if newest is not None and newest.date() < cut.up_to:
                late = Text(
                    f"Note: the journal ends on {newest.date()}, before {cut.up_to}; what happened after that is not known",
                    f"注意: ジャーナルは {newest.date()} までで、{cut.up_to} より前です。それ以降のことは反映されません",
                )
                typer.echo(late[lang], err=True)
    except JournalError as error:
        refuse(Text(error.sentence("en"), error.sentence("ja")), lang)
    except Unfit as error:
        refuse(error.text, lang)
    except (ValueError, OSError) as error:
        refuse(Text(str(error), str(error)), lang)
    finally:
        gc.enable()
    return datasets, protocol


def _named(book: FileJournal, word: str, lang: Language) -> Cut:
    """Return the cut that the journal names, or that of a day, or refuse."""
    named = {record.entry.cut: record.entry for record in book.records() if isinstance(record.entry, CutTaken)}
    if word in named:
        return Cut(through=named[word].through, up_to=named[word].up_to)
    try:
        return Cut(up_to=date.fromisoformat(word))
    except ValueError:
        known = ", ".join(named) or "none"
        refuse(
            Text(
                f"--earlier {word}: neither a day (year-month-day) nor a cut of the journal; its cuts: {known}",
                f"--earlier {word}: 日付（年-月-日）でもジャーナルのカット名でもありません。カット：{known}",
            ),
            lang,
        )
