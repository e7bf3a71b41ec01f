"""`oligami journal rerandomize`: the primary test of a cut, with the arms drawn anew by the trial's own rule."""

import gc
import time
from pathlib import Path
from typing import Annotated

import typer

from oligami import __version__
from oligami.cli.speech import Lang, progress_bar, read_date, refuse
from oligami.journal.codec import JournalError
from oligami.journal.store import FileJournal
from oligami.protocol.text import Text

#: How many sequences are drawn if nothing is asked: all at once, or one by one through the readable rule.
_SEQUENCES, _SEQUENCES_ONE_BY_ONE = 10_000, 1_000

_METHODS = {
    "minimization": Text("minimization", "最小化法"),
    "permuted_blocks": Text("permuted blocks", "置換ブロック法"),
    "simple": Text("simple randomization", "単純無作為化"),
}


def rerandomize_command(
    journal: Annotated[Path, typer.Argument(metavar="JOURNAL", help="The journal's file (JSON lines).", show_default=False)],
    up_to: Annotated[str, typer.Option("--up-to", help="Count what had happened up to this day (year-month-day).")],
    through: Annotated[
        int | None,
        typer.Option(
            "--through", min=1, help="Know only what was recorded up to this record; all if left out.", show_default=False
        ),
    ] = None,
    sequences: Annotated[
        int | None,
        typer.Option(
            "--sequences",
            min=1,
            help="How many times the arms are drawn anew; 10000 if left out, 1000 for rules that go one by one (permuted blocks, for example).",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same p.")] = 1,
    lang: Lang = "en",
) -> None:
    """Test the primary endpoint by drawing the arms anew with the trial's own rule: a p that rests on the draw alone.

    Shows a result by arm: for those who may see it.
    """
    from oligami.data.cut import Cut, cut_records
    from oligami.data.derive import derive
    from oligami.simulation.redrawing import is_quick, read_history
    from oligami.simulation.rerandomization import primary_endpoint, rerandomize

    day = read_date(up_to, "--up-to", lang)
    gc.disable()  # as `analyse`: what a fold makes lives on
    try:
        chosen = Cut(through=through, up_to=day)
        book = FileJournal(journal)
        last = book.head().seq
        if through is not None and through > last:
            refuse(
                Text(
                    f"--through {through}: the journal has records 1 to {last}",
                    f"--through {through}: ジャーナルの記録は 1 から {last} までです",
                ),
                lang,
            )
        history, trial = read_history(cut_records(book.records(), chosen))
        protocol = trial.protocol
        endpoint = primary_endpoint(protocol)
        datasets = derive(trial, chosen, software_version=__version__)
        number = sequences or (_SEQUENCES if is_quick(history) else _SEQUENCES_ONE_BY_ONE)
        began = time.perf_counter()
        with progress_bar(Text("Drawing the arms anew", "再割付")[lang], number) as show:
            test = rerandomize(
                history,
                datasets.endpoints[endpoint.id],
                datasets.arms,
                sequences=number,
                seed=seed,
                progress=lambda done: show(done, f"{done:,} / {number:,}"),
            )
        took = time.perf_counter() - began
    except JournalError as error:
        refuse(Text(error.sentence("en"), error.sentence("ja")), lang)
    except (ValueError, OSError) as error:
        refuse(Text(str(error), str(error)), lang)
    finally:
        gc.enable()
    stratified = bool(protocol.analysis.stratum)
    provenance = datasets.provenance
    method = _METHODS[protocol.allocation.method]
    warning = Text(
        "This is a result by arm: for those who may see it (safety committee and its statistician before the end of the trial), for nobody else.",
        "群別の結果です。閲覧を許された者（試験終了前は効果・安全性評価委員会とその統計家）に限り、他には開示しないでください。",
    )
    said = Text(
        f"{endpoint.title.en}, {provenance.trial} {provenance.protocol_version}, cut up to {provenance.up_to}, through record {provenance.through}: "
        f"{test.subjects} randomized, {test.events} events"
        + (f", {test.strata} strata" if stratified else "")
        + f"\n{'stratified' if stratified else 'plain'} log-rank test  z {test.z:.3f} (positive favours {test.experimental})"
        + f"\none-sided p, normal approximation   {test.p_asymptotic:.4f}"
        + f"\none-sided p, re-randomization        {test.p:.4f}  (Monte Carlo standard error {test.std_err:.4f})"
        + f"\n{test.as_extreme:,} of {test.sequences:,} sequences favour {test.experimental} as much; their z has mean {test.z_mean:.3f} "
        f"and standard deviation {test.z_std_dev:.3f}"
        + f"\n{test.draws} allocations drawn anew in each, by {method.en}; seed {seed}; {took:.1f} s. "
        "The recorded draws give the recorded arms.",
        f"{endpoint.title.ja}、{provenance.trial} {provenance.protocol_version}、{provenance.up_to} まで、記録 {provenance.through} まで: "
        f"割付 {test.subjects} 例、イベント {test.events} 件"
        + (f"、{test.strata} 層" if stratified else "")
        + f"\n{'層別' if stratified else ''}ログランク検定  z {test.z:.3f}（正は {test.experimental} 群が優れる）"
        f"\n片側 p（正規近似）       {test.p_asymptotic:.4f}"
        f"\n片側 p（再割付検定）     {test.p:.4f}（モンテカルロ標準誤差 {test.std_err:.4f}）"
        f"\n{test.sequences:,} 回のうち {test.as_extreme:,} 回が観測値以上。z の平均 {test.z_mean:.3f}、標準偏差 {test.z_std_dev:.3f}"
        f"\n各回 {test.draws} 件の割付を{method.ja}で再現。シード {seed}、{took:.1f} 秒。"
        "記録された乱数からは記録どおりの群が得られます。",
    )
    typer.echo(warning[lang], err=True)
    typer.echo(said[lang])
