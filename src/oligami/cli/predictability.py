"""`oligami protocol predictability`: what the rule of allocation buys in balance and sells in concealment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from oligami.cli.speech import Lang, refuse
from oligami.protocol.check import open_protocol
from oligami.protocol.load import FILES, find_protocol, load_file
from oligami.protocol.model.allocation import Allocation
from oligami.protocol.model.design import DesignFile
from oligami.protocol.problems import ProtocolErrors
from oligami.protocol.text import Text

_COLUMNS = (
    Text("rule", "方法"),
    Text("p", "p"),
    Text("site a factor", "施設を調整"),
    Text("mean difference", "差の平均"),
    Text("95 %", "95 %点"),
    Text("difference within a site", "施設内の差"),
    Text("guessed by a site", "施設の的中率"),
    Text("guessed by one who knows all", "全知者の的中率"),
)


#: What is assumed of a rule that stands alone, with no design beside it.
_SUBJECTS_ALONE: Final = 200
_SITES_ALONE: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A rule of allocation, what to call it, and the numbers of its design; None where there is no design."""

    name: str
    own: Text
    rule: Allocation
    subjects: int | None
    sites: int | None


def predictability(
    name: Annotated[
        str,
        typer.Argument(
            help="Name of a trial, path of a protocol folder, or path of an allocation file (.toml).", show_default=False
        ),
    ],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same table.")] = 1,
    repetitions: Annotated[int, typer.Option("--repetitions", min=1, help="Simulated trials a row.")] = 400,
    subjects: Annotated[
        int | None,
        typer.Option(
            "--subjects",
            min=1,
            help=f"Randomized subjects; the design's number if left out, {_SUBJECTS_ALONE} for a file without a design beside it.",
            show_default=False,
        ),
    ] = None,
    sites: Annotated[
        int | None,
        typer.Option("--sites", min=1, help=f"Sites; likewise, {_SITES_ALONE} without a design.", show_default=False),
    ] = None,
    lang: Lang = "en",
) -> None:
    """Show how well a site could guess the next arm under a rule of allocation and its neighbours.

    To be read before activation: the study office sees which balance costs how much concealment.
    """
    from rich.console import Console
    from rich.table import Table

    from oligami.simulation.predictability import Accrual, predictability_table, uneven_sites

    try:
        asked = _read_alone(Path(name)) if name.endswith(".toml") else _read_protocol(name)
    except ProtocolErrors as error:
        problems = error.problems
        lines = [(f"{each.file}: " if name.endswith(".toml") else "", each.text) for each in problems]
        refuse(Text("\n".join(at + text.en for at, text in lines), "\n".join(at + text.ja for at, text in lines)), lang)
    n, hospitals = subjects or asked.subjects or _SUBJECTS_ALONE, sites or asked.sites or _SITES_ALONE
    try:
        rows = predictability_table(
            asked.rule, Accrual(subjects=n, site_shares=uneven_sites(hospitals)), seed=seed, repetitions=repetitions
        )
    except ValueError as error:
        refuse(Text(f"{asked.name}: {error}", f"{asked.name}: {error}"), lang)
    title = Text(
        f"{asked.name}: {n} subjects, {hospitals} sites, "
        f"{repetitions} repetitions (sites of uneven size and even shares of the other levels are assumed)",
        f"{asked.name}: {n} 例、{hospitals} 施設、{repetitions} 回（施設規模の偏りと他の水準の均等な割合は仮定）",
    )
    typer.echo(title[lang])
    table = Table()
    for number, column in enumerate(_COLUMNS):
        table.add_column(column[lang], justify="left" if number == 0 else "right")
    own = asked.own[lang]
    for row in rows:
        table.add_row(
            f"{row.method} ({own})" if row.is_protocol else row.method,
            "" if row.p_best is None else f"{row.p_best:.2f}",
            {True: Text("yes", "はい"), False: Text("no", "いいえ")}[row.site_is_factor][lang],
            f"{row.difference_mean:.1f}",
            f"{row.difference_p95:.0f}",
            f"{row.site_difference_mean:.2f}",
            f"{row.own_guess:.3f}",
            f"{row.full_guess:.3f}",
        )
    Console(width=140).print(table)


def _read_protocol(name: str) -> _Asked:
    protocol = open_protocol(find_protocol(name)).protocol
    design = protocol.design
    return _Asked(
        name=f"{protocol.id} {protocol.version}",
        own=Text("this protocol", "本プロトコール"),
        rule=protocol.allocation,
        subjects=design.randomized_planned,
        sites=design.sites_planned,
    )


def _read_alone(path: Path) -> _Asked:
    """Read a file that holds a rule of allocation, and the design beside it if there is one."""
    kinds = {kind.name: kind for kind in FILES}
    rule: Allocation = load_file(path, kinds["allocation.toml"])
    beside = path.with_name("design.toml")
    design: DesignFile | None = load_file(beside, kinds[beside.name]) if beside.is_file() else None
    return _Asked(
        name=str(path),
        own=Text("this file", "このファイル"),
        rule=rule,
        subjects=None if design is None else design.randomized_planned,
        sites=None if design is None else design.sites_planned,
    )
