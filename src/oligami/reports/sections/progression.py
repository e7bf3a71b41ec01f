"""Where the disease progressed first, as a section of the report."""

from oligami.analysis.progression import ProgressionSites
from oligami.analysis.results import Results
from oligami.protocol.model.analysis import Endpoint
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.figures import incidence_figure
from oligami.reports.phrases import Filling, phrase
from oligami.reports.sections.section import Block, Section
from oligami.reports.tables import (
    SHARE_FIELDS,
    Cell,
    Column,
    Row,
    Table,
    share_cell,
)
from oligami.reports.words import Labels, word


def progression_section(results: Results, endpoint: Endpoint, labels: Labels) -> Section:
    """Where the disease progressed first."""
    sites = results.progression_sites[endpoint.id]
    blocks: list[Block] = [endpoint.definition]
    figure = incidence_figure(
        f"incidence-{endpoint.id}",
        Text("Cumulative incidence of the first event by its kind", "最初のイベントの種類別 累積発生割合"),
        sites,
        labels,
        table=f"{endpoint.id}-sites",
        days_per_year=labels.protocol.analysis.days_per_year,
    )
    if figure is not None:
        blocks.append(figure)
    blocks.append(_sites_of_progression(sites, endpoint, labels))
    return Section(id=f"endpoint-{endpoint.id}", title=endpoint.title, finding=_site_finding(sites, labels), blocks=tuple(blocks))


def _site_finding(sites: ProgressionSites, labels: Labels) -> Filling:
    told: list[Filling] = []
    for arm in sites.arms:
        most = max(arm.causes, key=lambda cause: cause.count, default=None)
        if most is not None and most.count:
            told.append(
                phrase(
                    "{arm}: {cause} ({n} of {of} subjects)",
                    "{arm}：{cause}（{of}例中{n}例）",
                    arm=labels.arm(arm.arm),
                    cause=word(most.cause),
                    n=phrases.whole(most.count),
                    of=phrases.whole(arm.n),
                )
            )
    if not told:
        return phrase("No progression and no death was seen yet.", "増悪・死亡はまだ観察されていない。")
    en = "; ".join(f"{{p{k}}}" for k in range(len(told)))
    ja = "、".join(f"{{p{k}}}" for k in range(len(told)))
    return phrase(
        f"The most frequent first event by arm: {en}.",
        f"群別で最も多い最初のイベント：{ja}。",
        **{f"p{k}": own for k, own in enumerate(told)},
    )


def _sites_of_progression(sites: ProgressionSites, endpoint: Endpoint, labels: Labels) -> Table:
    years = [own for own, _ in sites.arms[0].causes[0].milestones] if sites.arms and sites.arms[0].causes else []
    rows: list[Row] = []
    for arm in sites.arms:
        rows.append(Row(head=phrase("{arm} (n = {n})", "{arm}（n = {n}）", arm=labels.arm(arm.arm), n=phrases.whole(arm.n))))
        for cause in arm.causes:
            cells = [share_cell(cause.count, arm.n)]
            for _, found in cause.milestones:
                shown = phrases.percent(found.value) if found.value is not None else phrases.DASH
                cells.append(Cell(shown=shown, values=(found.value,)))
            rows.append(Row(head=word(cause.cause), keys={"arm": arm.arm, "cause": cause.cause}, cells=tuple(cells), indent=True))
    return Table(
        id=f"{endpoint.id}-sites",
        caption=Text("First events by kind: number (%) and cumulative incidence", "最初のイベント：例数（%）と累積発生割合"),
        stub=Text("First event", "最初のイベント"),
        keys=("arm", "cause"),
        columns=(
            Column(key="", heading=Text("Subjects (%)", "例数（%）"), fields=SHARE_FIELDS),
            *(
                Column(
                    key=f"incidence_{year:g}y",
                    heading=phrase("{y} year, %" if year == 1 else "{y} years, %", "{y}年 %", y=f"{year:g}"),
                )
                for year in years
            ),
        ),
        rows=tuple(rows),
        note=Text(
            "Cumulative incidence by the Aalen-Johansen method, each kind competing with the others.",
            "累積発生割合はAalen–Johansen法（互いに競合するイベントとして推定）。",
        ),
    )
