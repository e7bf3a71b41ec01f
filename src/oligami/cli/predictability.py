"""`oligami protocol predictability`: what the rule of allocation buys in balance and sells in concealment."""

from typing import Annotated

import typer

from oligami.cli.speech import Lang, refuse
from oligami.protocol.check import open_protocol
from oligami.protocol.load import find_protocol
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


def predictability(
    name: Annotated[str, typer.Argument(help="Name of a trial, or path of a protocol folder.", show_default=False)],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same table.")] = 1,
    repetitions: Annotated[int, typer.Option("--repetitions", min=1, help="Simulated trials a row.")] = 400,
    lang: Lang = "en",
) -> None:
    """Show how well a site could guess the next arm under the protocol's rule of allocation and its neighbours.

    To be read before activation: the study office sees which balance costs how much concealment.
    """
    from rich.console import Console
    from rich.table import Table

    from oligami.simulation.predictability import Accrual, predictability_table, uneven_sites

    try:
        protocol = open_protocol(find_protocol(name)).protocol
    except ProtocolErrors as error:
        problems = error.problems
        refuse(Text("\n".join(each.text.en for each in problems), "\n".join(each.text.ja for each in problems)), lang)
    design = protocol.design
    accrual = Accrual(subjects=design.randomized_planned, site_shares=uneven_sites(design.sites_planned))
    title = Text(
        f"{protocol.id} {protocol.version}: {design.randomized_planned} subjects, {design.sites_planned} sites, "
        f"{repetitions} repetitions (sites of uneven size and even shares of the other levels are assumed)",
        f"{protocol.id} {protocol.version}: {design.randomized_planned} 例、{design.sites_planned} 施設、{repetitions} 回"
        "（施設規模の偏りと他の水準の均等な割合は仮定）",
    )
    table = Table(title=title[lang], title_justify="left")
    for number, column in enumerate(_COLUMNS):
        table.add_column(column[lang], justify="left" if number == 0 else "right")
    own = Text("this protocol", "本プロトコール")[lang]
    for row in predictability_table(protocol.allocation, accrual, seed=seed, repetitions=repetitions):
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
