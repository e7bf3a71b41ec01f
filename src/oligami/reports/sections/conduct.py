"""How the trial went: flow of subjects, accrual, baseline."""

from oligami.analysis.baseline import RANDOMIZED, REGISTERED, BaselineCharacteristic
from oligami.analysis.parts import randomizes_at_once
from oligami.analysis.results import Results
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.figures import accrual_figure
from oligami.reports.phrases import Filling, phrase
from oligami.reports.schemes import flow_figure
from oligami.reports.sections.section import Block, Section
from oligami.reports.tables import (
    SHARE_FIELDS,
    SPREAD_FIELDS,
    Cell,
    Column,
    Row,
    Table,
    count_cell,
    number_cell,
    share_cell,
    spread_cell,
    words_cell,
)
from oligami.reports.words import Labels, word

SITES_IN_PAGE = 10


def flow_section(results: Results, labels: Labels) -> Section:
    """Flow of subjects."""
    flow = results.flow
    finding: Filling
    if not flow.requests:
        finding = phrase("Nobody has asked for registration yet.", "登録の申込はまだない。")
    elif randomizes_at_once(labels.protocol) and flow.registered == flow.randomized:
        finding = phrase(
            "Of {asked} requests for {stage} {randomized} were granted, and these subjects randomized at once.",
            "{stage}の申込{asked}件のうち{randomized}例が登録され、同時に割付された。",
            stage=labels.registration(),
            asked=phrases.whole(flow.requests),
            randomized=phrases.whole(flow.randomized),
        )
    else:
        finding = phrase(
            "Of {asked} requests for {stage} {registered} were registered; {randomized} subjects were randomized, "
            "{outside} were not, and {waiting} were still before randomization at the cut.",
            "{stage}の申込{asked}件のうち{registered}例が登録された。割付は{randomized}例、非割付は{outside}例、"
            "カットオフ時点で割付前は{waiting}例である。",
            stage=labels.registration(),
            asked=phrases.whole(flow.requests),
            registered=phrases.whole(flow.registered),
            randomized=phrases.whole(flow.randomized),
            outside=phrases.whole(flow.not_randomized),
            waiting=phrases.whole(flow.in_therapy),
        )
    figure = flow_figure("flow", Text("Flow of subjects", "被験者の流れ"), flow, labels, table="flow")
    return Section(
        id="flow",
        title=Text("Flow of subjects", "被験者の流れ（CONSORT）"),
        finding=finding,
        blocks=(figure, _flow_table(results, labels), _criteria_table(results, labels)),
    )


def _flow_table(results: Results, labels: Labels) -> Table:
    flow = results.flow

    def row(step: str, en: str, ja: str, count: int, *, indent: bool = False, code: str | None = None) -> Row:
        return Row(head=Text(en, ja), keys={"step": step, "value": code}, cells=(count_cell(count),), indent=indent)

    first, stage = flow.refusals[0], labels.registration()
    rows = [
        row("asked", f"Asked for {stage.en}", f"{stage.ja}の申込", flow.requests),
        row("refused", "refused", "登録不可", first.refused, indent=True),
        row("registered", "Registered", stage.ja, flow.registered),
        row("annulled", "registered in error, not counted", "誤登録（集計外）", flow.annulled, indent=True),
    ]
    if not randomizes_at_once(labels.protocol) or flow.in_therapy + flow.not_randomized:
        rows.append(row("before_randomization", "Still before randomization", "割付前", flow.in_therapy))
        rows.append(row("not_randomized", "Not randomized", "非割付", flow.not_randomized))
    for tally in flow.not_randomized_reasons:
        reason = labels.not_randomized(tally.value)
        rows.append(row("not_randomized_reason", reason.en, reason.ja, tally.count, indent=True, code=tally.value))
    rows.append(row("randomized", "Randomized", "割付", flow.randomized))
    for arm in flow.arms:
        name = labels.arm(arm.arm)
        rows.append(Row(head=name))
        steps = (
            ("allocated", "allocated", "割付", arm.randomized),
            ("received", "received the allocated therapy", "割付治療を開始", arm.received),
            ("not_received", "did not, or not yet", "未開始", arm.not_received),
            ("crossover", "crossover", "クロスオーバー", arm.crossover),
            ("withdrawn", "withdrew consent", "同意撤回", sum(tally.count for tally in arm.withdrawn)),
            ("died", "died", "死亡", arm.died),
            ("analysed", "analysed as randomized", "割付どおり解析", arm.analysed),
        )
        rows += [
            Row(head=Text(en, ja), keys={"step": step, "arm": arm.arm}, cells=(count_cell(n),), indent=True)
            for step, en, ja, n in steps
            if n is not None
        ]
        rows += [
            Row(
                head=phrase("withdrawn: {what}", "撤回の範囲：{what}", what=word(tally.value)),
                keys={"step": "withdrawn_scope", "arm": arm.arm, "value": tally.value},
                cells=(count_cell(tally.count),),
                indent=True,
            )
            for tally in arm.withdrawn
        ]
    return Table(
        id="flow",
        caption=Text("Subjects at each step", "各段階の人数"),
        stub=Text("Step", "段階"),
        keys=("step", "arm", "value"),
        columns=(Column(key="n", heading=Text("Subjects", "人数")),),
        rows=tuple(rows),
    )


def _criteria_table(results: Results, labels: Labels) -> Table:
    rows: list[Row] = []
    for stage in results.flow.refusals:
        rows.append(
            Row(
                head=phrase(
                    "{stage}: {n} refused",
                    "{stage}：登録不可 {n}件",
                    stage=labels.stage(stage.stage),
                    n=phrases.whole(stage.refused),
                )
            )
        )
        rows += [
            Row(
                head=labels.criterion(own.criterion),
                keys={"stage": stage.stage, "criterion": own.criterion},
                cells=(count_cell(own.not_met), count_cell(own.unknown)),
                indent=True,
            )
            for own in stage.criteria
        ]
    return Table(
        id="refusals",
        caption=Text("Refused registrations by criterion", "登録不可の理由（適格規準別）"),
        stub=Text("Criterion", "規準"),
        keys=("stage", "criterion"),
        columns=(
            Column(key="not_met", heading=Text("Not met", "満たさない")),
            Column(key="unknown", heading=Text("Not known", "判定不能")),
        ),
        rows=tuple(rows),
        note=Text("A request may fail several criteria.", "1件の申込が複数の規準に該当することがある。"),
    )


def accrual_section(results: Results, labels: Labels) -> Section:
    """Accrual against plan and by site."""
    accrual = results.accrual
    finding: Filling
    if accrual.first_registration is None:
        finding = phrase(
            "Nobody is registered yet; {planned} are planned by {end}.",
            "登録はまだない。計画は{end}までに{planned}例である。",
            planned=phrases.whole(accrual.registered_planned),
            end=accrual.planned_end.isoformat(),
        )
    else:
        finding = phrase(
            "{n} of {planned} planned subjects were registered ({stage}) and {m} of {target} randomized; by plan it would have been "
            "{a} and {b} at the cut. {sites} of {opened} open sites have registered.",
            "{stage}は{planned}例中{n}例、割付は{target}例中{m}例。計画ではカットオフ時点で{a}例と{b}例である。"
            "開始済み{opened}施設のうち{sites}施設から登録があった。",
            stage=labels.registration(),
            n=phrases.whole(accrual.registered),
            planned=phrases.whole(accrual.registered_planned),
            m=phrases.whole(accrual.randomized),
            target=phrases.whole(accrual.randomized_planned),
            a=phrases.decimal(accrual.registered_by_plan_at_cut, 0),
            b=phrases.decimal(accrual.randomized_by_plan_at_cut, 0),
            sites=phrases.whole(accrual.sites_registering),
            opened=phrases.whole(accrual.sites_opened),
        )
    blocks: list[Block] = []
    figure = accrual_figure("accrual", Text("Accrual against plan", "登録の推移と計画"), accrual, table="accrual")
    if figure is not None:
        blocks.append(figure)
    blocks += [_months_table(results), _sites_table(results)]
    return Section(id="accrual", title=Text("Accrual", "登録状況"), finding=finding, blocks=tuple(blocks))


def _months_table(results: Results) -> Table:
    months = results.accrual.months
    rows = []
    accrual = results.accrual
    finished = max([accrual.planned_end, *(day for day in (accrual.last_randomization,) if day is not None)])
    for at, month in enumerate(months):
        # The page shows the end of each half-year until nothing changes any more, and the cut; the CSV has every month.
        changing = at == 0 or months[at - 1].day < finished
        rows.append(
            Row(
                head=month.day.isoformat(),
                keys={"date": month.day.isoformat()},
                cells=(
                    count_cell(month.registered),
                    number_cell(phrases.decimal(month.registered_planned, 0)),
                    count_cell(month.randomized),
                    number_cell(phrases.decimal(month.randomized_planned, 0)),
                ),
                in_page=(month.day.month in (6, 12) and changing) or at == len(months) - 1,
            )
        )
    return Table(
        id="accrual",
        caption=Text("Cumulative accrual", "累積登録数"),
        stub=Text("Date", "日付"),
        keys=("date",),
        columns=(
            Column(key="registered", heading=Text("Registered", "登録")),
            Column(key="registered_planned", heading=Text("planned", "計画")),
            Column(key="randomized", heading=Text("Randomized", "割付")),
            Column(key="randomized_planned", heading=Text("planned", "計画")),
        ),
        rows=tuple(rows),
        note=Text(
            "Half-years until accrual is over, and the cut; the CSV holds every month.",
            "登録終了までの半年ごととカットオフ時点。CSVには毎月の値がある。",
        ),
    )


def _sites_table(results: Results) -> Table:
    accrual = results.accrual
    rows = [
        Row(
            head=own.site,
            keys={"site": own.site},
            cells=(
                words_cell(
                    own.opened.isoformat() if own.opened else phrases.DASH, own.opened.isoformat() if own.opened else None
                ),
                count_cell(own.registered),
                count_cell(own.randomized),
                number_cell(phrases.decimal(own.per_year, 1)),
                words_cell(
                    own.last_registration.isoformat() if own.last_registration else phrases.DASH,
                    own.last_registration.isoformat() if own.last_registration else None,
                ),
            ),
            in_page=at < SITES_IN_PAGE,
        )
        for at, own in enumerate(accrual.sites)
    ]
    rows.append(
        Row(
            head=Text("All sites", "全施設"),
            keys={"site": "all"},
            cells=(
                words_cell("", None),
                count_cell(accrual.registered),
                count_cell(accrual.randomized),
                Cell(shown="", values=(None,)),
                words_cell("", accrual.last_registration.isoformat() if accrual.last_registration else None),
            ),
            strong=True,
        )
    )
    return Table(
        id="sites",
        caption=Text("Accrual by site", "施設別登録数"),
        stub=Text("Site", "施設"),
        keys=("site",),
        columns=(
            Column(key="opened", heading=Text("Opened", "開始日"), words=True),
            Column(key="registered", heading=Text("Registered", "登録")),
            Column(key="randomized", heading=Text("Randomized", "割付")),
            Column(key="registered_per_year", heading=Text("Registered a year", "登録／年")),
            Column(key="last_registration", heading=Text("Last registration", "最終登録日"), words=True),
        ),
        rows=tuple(rows),
        note=phrase(
            "The {n} sites with most registrations; the CSV holds all. {planned} sites are planned.",
            "登録数の多い{n}施設を表示。CSVには全施設がある。計画は{planned}施設。",
            n=phrases.whole(min(SITES_IN_PAGE, len(accrual.sites))),
            planned=phrases.whole(accrual.sites_planned),
        ),
    )


def baseline_section(results: Results, labels: Labels) -> Section:
    """Baseline characteristics."""
    groups = dict(results.baseline.groups)
    finding: Filling
    if not groups[RANDOMIZED]:
        finding = phrase(
            "Nobody is randomized yet; the table describes the {n} registered.",
            "割付例はまだない。表は登録{n}例を示す。",
            n=phrases.whole(groups[REGISTERED]),
        )
    else:
        finding = phrase(
            "The table describes the {n} randomized subjects by arm, and the {m} registered. It has no tests: any difference between "
            "randomized arms is one of chance.",
            "割付{n}例を群別に、登録{m}例とともに示す。無作為割付による群間差は偶然であるため検定は行わない。",
            n=phrases.whole(groups[RANDOMIZED]),
            m=phrases.whole(groups[REGISTERED]),
        )
    names: dict[str, Text] = {RANDOMIZED: Text("All randomized", "割付例全体"), REGISTERED: Text("All registered", "登録例全体")}
    columns = tuple(
        Column(
            key=group,
            heading=phrase(
                "{name} (n = {n})", "{name}（n = {n}）", name=names.get(group) or labels.arm(group), n=phrases.whole(n)
            ),
            fields=SPREAD_FIELDS + SHARE_FIELDS[1:],
        )
        for group, n in results.baseline.groups
    )
    rows = [row for own in results.baseline.characteristics for row in _baseline_rows(own, labels)]
    table = Table(
        id="baseline",
        caption=Text("Baseline characteristics: number (%) or median (quartiles)", "背景因子：人数（%）または中央値（四分位）"),
        stub=Text("Characteristic", "項目"),
        keys=("characteristic", "value"),
        columns=columns,
        rows=tuple(rows),
    )
    return Section(
        id="baseline", title=Text("Baseline", "背景因子"), finding=finding, blocks=(table,) if groups[REGISTERED] else ()
    )


def _baseline_rows(own: BaselineCharacteristic, labels: Labels) -> list[Row]:
    title = next(row.title for row in labels.protocol.analysis.baseline if row.id == own.row)
    if own.columns and own.columns[0].spread is not None:
        cells = []
        for column in own.columns:
            if column.spread is not None:
                cell = spread_cell(column.spread)
                cells.append(Cell(shown=cell.shown, values=(*cell.values, None)))
        rows = [Row(head=title, keys={"characteristic": own.row}, cells=tuple(cells))]
        if any(column.spread is not None and column.spread.missing for column in own.columns):
            missing = tuple(
                Cell(
                    shown=phrases.whole(column.spread.missing if column.spread is not None else 0),
                    values=(column.spread.missing if column.spread is not None else 0, *(None,) * len(SPREAD_FIELDS)),
                )
                for column in own.columns
            )
            rows.append(
                Row(
                    head=Text("not known", "不明"),
                    keys={"characteristic": own.row, "value": "missing"},
                    cells=missing,
                    indent=True,
                )
            )
        return rows
    rows = [Row(head=title)]
    values = list(dict.fromkeys(tally.value for column in own.columns for tally in column.tallies))
    for value in values:
        cells = []
        for column in own.columns:
            n = next((tally.count for tally in column.tallies if tally.value == value), 0)
            total = column.tallies[0].total if column.tallies else 0
            cell = share_cell(n, total)
            cells.append(Cell(shown=cell.shown, values=(n, *(None,) * (len(SPREAD_FIELDS) - 1), cell.values[1])))
        rows.append(
            Row(
                head=labels.baseline(own.row, value),
                keys={"characteristic": own.row, "value": value if value is not None else "missing"},
                cells=tuple(cells),
                indent=True,
            )
        )
    return rows
