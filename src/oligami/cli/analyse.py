"""`oligami analyse`: a cut of a journal, analysed and written as a report."""

import gc
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from oligami import __version__
from oligami.cli.speech import Lang, progress_bar, read_date, refuse
from oligami.journal.entries import CutTaken, ProtocolActivated
from oligami.journal.store import FileJournal
from oligami.protocol.text import Language, Text

_STEPS = 5


def analyse_command(
    journal: Annotated[Path, typer.Argument(metavar="JOURNAL", help="The journal's file (JSON lines).", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Folder of the report.", show_default=False)],
    up_to: Annotated[str | None, typer.Option("--up-to", help="Count what had happened up to this day (year-month-day).")] = None,
    through: Annotated[
        int | None, typer.Option("--through", help="Know only what was recorded up to this record; all if left out.")
    ] = None,
    cut: Annotated[str | None, typer.Option("--cut", help="A cut the journal names, instead of --up-to and --through.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of a simulated journal, for the provenance.")] = None,
    lang: Lang = "en",
) -> None:
    """Cut a journal, analyse it by the protocol's plan and write a report: one HTML page, every number as CSV and JSON."""
    from oligami.analysis.plan import analyse
    from oligami.data.cut import Cut, cut_records
    from oligami.data.derive import derive
    from oligami.journal.codec import JournalError
    from oligami.reports.document import write_report
    from oligami.trial.fold import fold

    if (up_to is None) == (cut is None):
        refuse(
            Text("give either --up-to DATE or --cut NAME", "--up-to 日付 か --cut 名前 のどちらか一方を指定してください"), lang
        )
    if cut is not None and through is not None:
        refuse(Text("--cut NAME says its own --through", "--cut には --through が含まれています"), lang)
    try:
        book = FileJournal(journal)
    except JournalError as error:
        refuse(Text(error.sentence("en"), error.sentence("ja")), lang)
    # Folding makes hundreds of thousands of small objects that all live on; collecting them in between only costs time.
    gc.disable()
    try:
        with progress_bar(Text("Analysing", "解析")[lang], _STEPS) as show:
            show(0, Text("reading the journal", "ジャーナル読込")[lang])
            day = read_date(up_to, "--up-to", lang) if up_to is not None else date.max
            if cut is not None:
                through, day = _named_cut(book, cut, lang)
            if through is not None and not 1 <= through <= book.head().seq:
                last = book.head().seq
                refuse(
                    Text(
                        f"--through {through}: the journal has records 1 to {last}",
                        f"--through {through}: ジャーナルの記録は 1 から {last} までです",
                    ),
                    lang,
                )
            chosen = Cut(through=through, up_to=day)
            trial = fold(cut_records(book.records(), chosen))
            show(1, Text("deriving the datasets", "データセット作成")[lang])
            protocol = trial.protocol
            datasets = derive(
                trial,
                chosen,
                protocol=protocol,
                software_version=__version__,
                seed=seed if seed is not None else _seed(trial.study.simulated, book),
            )
            show(2, Text("analysing", "解析")[lang])
            results = analyse(datasets, protocol)
            show(3, Text("writing the report", "報告書作成")[lang])
            written = write_report(results, protocol, out)
            show(_STEPS, "")
    except JournalError as error:
        refuse(Text(error.sentence("en"), error.sentence("ja")), lang)
    except (ValueError, OSError) as error:
        refuse(Text(str(error), str(error)), lang)
    finally:
        gc.enable()
    newest = trial.head.at
    if newest is not None and newest.date() < day:
        late = Text(
            f"Note: the journal ends on {newest.date()}, before {day}; what happened after that is not known",
            f"注意: ジャーナルは {newest.date()} までで、{day} より前です。それ以降のことは反映されません",
        )
        typer.echo(late[lang], err=True)
    page = out / "index.html"
    provenance = datasets.provenance
    said = Text(
        f"{page}: the report; {len(written)} files in {out}. Cut: up to {provenance.up_to}, through record {provenance.through}. "
        f"The same cut again: oligami analyse {journal} --up-to {provenance.up_to} --through {provenance.through} --out {out}",
        f"{page}: 報告書（{out} に {len(written)} ファイル）。カット: {provenance.up_to} まで、記録 {provenance.through} まで。"
        f"同じカットの再現: oligami analyse {journal} --up-to {provenance.up_to} --through {provenance.through} --out {out}",
    )
    typer.echo(said[lang])


def _named_cut(book: FileJournal, name: str, lang: Language) -> tuple[int, date]:
    cuts = {record.entry.cut: record.entry for record in book.records() if isinstance(record.entry, CutTaken)}
    if name not in cuts:
        known = ", ".join(cuts) or "none"
        refuse(
            Text(
                f"--cut {name}: the journal names no such cut; there are: {known}",
                f"--cut {name}: 該当するカットがありません（{known}）",
            ),
            lang,
        )
    return cuts[name].through, cuts[name].up_to


def _seed(simulated: bool, book: FileJournal) -> int | None:
    """Return the seed a simulation wrote into its activation, or None."""
    if not simulated:
        return None
    entry = next(iter(book.records(1))).entry
    words = entry.reason.rsplit(" ", 1) if isinstance(entry, ProtocolActivated) else []
    return int(words[-1]) if words and words[-1].lstrip("-").isdigit() else None
