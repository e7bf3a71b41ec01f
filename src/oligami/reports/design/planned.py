"""The planned numbers: where each comes from, the subjects reproduced, and the registrations behind them."""

from collections.abc import Sequence
from itertools import groupby

from oligami.analysis.design.size import METHODS, MILESTONE_METHODS, OVERALL_METHODS, Match, SizeRow
from oligami.analysis.design.whole import DesignResults
from oligami.protocol.model.common import Origin, OriginKind
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.design.names import METHOD_NAMES, percent_label, years_number
from oligami.reports.phrases import Filling, phrase
from oligami.reports.sections.section import Section
from oligami.reports.tables import Cell, Column, Row, Table, count_cell, number_cell, words_cell

_ORIGINS = {
    OriginKind.RECORD: Text("record", "登録記録"),
    OriginKind.SOURCE: Text("source", "出典"),
    OriginKind.DEFAULT: Text("default, not from the protocol", "初期設定（実施計画書によらない）"),
}
_MARK = " ◂"


def numbers_section(results: DesignResults, protocol: Protocol) -> Section:
    """Tell every number of the design with its origin, then what follows from it."""
    design, basis = protocol.design, results.basis
    stated = design.origin
    presets = ", ".join(f"{each.id}{' *' if each.id == design.preset_in_force else ''}" for each in design.preset)
    rows: list[Row] = [Row(head=Text("Stated", "記載された値"))]

    def add(code: str, head: Text, shown: Filling, value: float | str | None, origin: Origin | Text) -> None:
        cells = (Cell(shown=shown, values=(value,)), _origin_cell(origin))
        rows.append(Row(head=head, keys={"number": code}, cells=cells, indent=True))

    sided = Text("one-sided", "片側") if design.sided == 1 else Text("two-sided", "両側")
    years = phrase("{y} years", "{y}年", y=phrases.decimal(design.accrual_years, 1))
    after = phrase("{y} years after accrual ends", "登録終了後{y}年", y=phrases.decimal(design.follow_up_years, 1))
    add(
        "difference",
        Text(f"Difference in {design.milestone_years:g}-year survival", f"{design.milestone_years:g}年生存割合の差"),
        phrase("{d} points", "{d}ポイント", d=phrases.decimal(100 * design.difference, 1)), design.difference, stated,
    )  # fmt: skip
    add(
        "alpha", Text("Significance level", "有意水準"),
        phrase("{a} %, {s}", "{a}%（{s}）", a=phrases.percent(design.alpha), s=sided), design.alpha, stated,
    )  # fmt: skip
    add("power", Text("Power", "検出力"), phrase("{p} %", "{p}%", p=phrases.percent(design.power, 0)), design.power, stated)
    add("accrual_years", Text("Accrual", "登録期間"), years, design.accrual_years, stated)
    add("follow_up_years", Text("Follow-up", "追跡期間"), after, design.follow_up_years, stated)
    add(
        "computed",
        Text("Subjects computed", "計算上の必要症例数"),
        phrases.whole(design.randomized_computed),
        design.randomized_computed,
        stated,
    )
    add(
        "randomized",
        Text("To be randomized", "割付予定数"),
        phrases.whole(design.randomized_planned),
        design.randomized_planned,
        stated,
    )
    add(
        "registered",
        Text("To be registered", "登録予定数"),
        phrases.whole(design.registered_planned),
        design.registered_planned,
        stated,
    )
    rows.append(Row(head=Text("Assumed", "仮定")))
    for each in design.preset:
        shown = phrase(
            "{c} % against {e} %",
            "{c}%対{e}%",
            c=phrases.percent(each.control_survival),
            e=phrases.percent(each.experimental_survival),
        )
        mark = " *" if each.id == design.preset_in_force else ""
        head = Text(f"Survival at the milestone, {each.id}{mark}", f"時点生存割合（{each.id}{mark}）")
        add(f"preset_{each.id}", head, shown, each.control_survival, each.origin)
    exponential = Text("exponential", "指数分布")
    add("survival", Text("Shape of survival", "生存曲線の形"), exponential, "exponential", design.preset_origin)
    add("accrual", Text("Shape of accrual", "登録の形"), Text("uniform", "一様"), "uniform", design.preset_origin)
    rows.append(Row(head=Text("Computed from them", "以上から計算した値")))
    formula = Text("Freedman's formula, preset in force", "Freedmanの式、採用した仮定")
    add(
        "hazard_ratio",
        Text("Hazard ratio", "ハザード比"),
        phrases.decimal(basis.hazard_ratio, 4),
        basis.hazard_ratio,
        Text("preset in force", "採用した仮定"),
    )
    add(
        "planned_events",
        Text("Events planned", "計画イベント数"),
        phrases.whole(basis.planned_events),
        basis.planned_events,
        formula,
    )
    add(
        "expected_events", Text("Events expected at the planned end", "計画終了時の期待イベント数"),
        phrases.decimal(basis.expected_events, 1), basis.expected_events,
        Text(f"{basis.subjects} subjects, {basis.planned_end:g} years", f"{basis.subjects}例、{basis.planned_end:g}年"),
    )  # fmt: skip
    table = Table(
        id="numbers",
        caption=Text("The numbers of the trial and where each comes from", "試験の数値とその出所"),
        stub=Text("Number", "項目"),
        keys=("number",),
        columns=(
            Column(key="value", heading=Text("Value", "値")),
            Column(key="origin", heading=Text("Origin", "出所"), words=True),
        ),
        rows=tuple(rows),
        note=Text(f"* in force. Presets: {presets}.", f"* 採用中。仮定：{presets}"),
    )
    settings = sum(each.origin.is_setting for each in design.preset)
    finding = phrase(
        "Sample size, level, power and times are stated; the survival behind them is assumed ({k} of {n} presets are defaults of this software).",
        "症例数・有意水準・検出力・期間は記載された値、その前提となる生存割合は仮定である（仮定{n}件のうち{k}件は本ソフトウェアの初期設定）。",
        k=str(settings),
        n=str(len(design.preset)),
    )
    return Section(
        id="numbers", title=Text("The design in numbers", "計画の数値"), finding=finding, blocks=(table, design.interim)
    )


def lead_words(results: DesignResults, protocol: Protocol) -> Filling:
    """Tell the design in one sentence."""
    basis, design = results.basis, protocol.design
    return phrase(
        "{n} randomized are to detect a difference of {d} points with a power of {p} %; {e} events are planned, and {x} expected at the "
        "planned end, {t} years after the first randomization.",
        "割付{n}例により差{d}ポイントを検出力{p}%で検出する。計画イベント数は{e}件、計画終了時（最初の割付から{t}年）の期待イベント数は{x}件。",
        n=phrases.whole(basis.subjects),
        d=phrases.decimal(100 * design.difference, 0),
        p=phrases.percent(design.power, 0),
        e=phrases.whole(basis.planned_events),
        x=phrases.decimal(basis.expected_events, 1),
        t=phrases.decimal(basis.planned_end, 0),
    )


def _origin_cell(origin: Origin | Text) -> Cell:
    if isinstance(origin, Text):
        return words_cell(origin, "computed")
    said = _ORIGINS[origin.kind]
    # The citation is in the language it was written in.
    shown: Filling = phrase("{k}: {c}", "{k}：{c}", k=said, c=origin.cite) if origin.cite else said
    return words_cell(shown, origin.kind.value)


def size_section(results: DesignResults, protocol: Protocol) -> Section:
    """Reproduce the number of subjects over the control survival that the trial leaves unstated."""
    size, design = results.size, protocol.design
    by_preset = [match for match in size.matches if match.presets]
    if by_preset:
        parts = [
            (
                f"{METHOD_NAMES[match.method].en} with {percent_label(match.control)}",
                f"{METHOD_NAMES[match.method].ja}（{percent_label(match.control)}）",
            )
            for match in by_preset
        ]
        finding: Filling = phrase(
            "{n} comes out by {by} in the control arm; the follow-up counts from the end of accrual.",
            "対照群の仮定と方法が{by}のとき{n}例となる（追跡期間は登録終了時から数える）。",
            n=phrases.whole(size.total),
            by=Text(", ".join(en for en, _ in parts), "、".join(ja for _, ja in parts)),
        )
    elif size.matches:
        finding = phrase(
            "No preset gives {n}; other control survivals do, as the table below shows.",
            "どの仮定でも{n}例にはならない。下表のとおり、別の対照群生存割合では{n}例となる。",
            n=phrases.whole(size.total),
        )
    else:
        finding = phrase(
            "No method gives {n} at any of the control survivals shown.",
            "表に示す対照群生存割合と方法では、{n}例となるものはない。",
            n=phrases.whole(size.total),
        )
    accrual, after = f"{design.accrual_years:g}", f"{design.follow_up_years:g}"
    blocks: list[Table | Filling] = [
        _size_table(
            "size", Text("Subjects by control survival, each arm rounded up", "対照群の生存割合別の必要症例数（各群切り上げ）"),
            size.rows, METHODS, size.total,
            phrase(
                "◂ gives the record's {n}. Bold or *: a preset. Exponential survival, uniform accrual over {a} years, analysis {f} years after accrual ends.",
                "◂：登録情報の{n}例と一致。太字・*：仮定。指数分布、{a}年間の一様登録、登録終了の{f}年後に解析。",
                n=phrases.whole(size.total), a=accrual, f=after,
            ),
        ),
    ]  # fmt: skip
    if size.matches:
        blocks.append(_matches_table(size.matches, size.total))
    if size.overall:
        blocks.append(
            _size_table(
                "size_overall",
                Text("Were the follow-up counted from the first subject", "追跡期間を最初の症例から数えた場合"),
                size.overall, OVERALL_METHODS, size.total,
                phrase(
                    "The other reading of “{f} years”: analysis {f} years after the first entry, so that the last subject is followed for {r}. "
                    "Not the trial's; shown because the words allow it.",
                    "「{f}年」を別に読んだ場合：最初の登録から{f}年で解析し、最終症例の追跡は{r}年となる。本試験の計画ではなく、参考として示す。",
                    f=after, r=f"{design.follow_up_years - design.accrual_years:g}",
                ),
            )
        )  # fmt: skip
    blocks.append(
        _size_table(
            "size_milestone",
            Text("By survival at the milestone alone", "時点生存割合のみによる方法"),
            size.milestone, MILESTONE_METHODS, size.total,
            phrase(
                "These count nothing after {m} years; shown to rule them out as the origin of {n}.",
                "{m}年以降の追跡を用いない方法。{n}例の由来でないことを確認するために示す。",
                m=f"{design.milestone_years:g}", n=phrases.whole(size.total),
            ),
        )
    )  # fmt: skip
    return Section(
        id="size", title=Text("Where the number of subjects comes from", "必要症例数の再現"), finding=finding, blocks=blocks
    )


def _size_table(name: str, caption: Text, rows: Sequence[SizeRow], methods: Sequence[str], total: int, note: Filling) -> Table:
    def cell(row: SizeRow, method: str) -> Cell:
        number = phrases.whole(row.rounded[method])
        shown: Filling = phrase(f"{{n}}{_MARK}", f"{{n}}{_MARK}", n=number) if row.rounded[method] == total else number
        return Cell(shown=shown, values=(row.rounded[method], row.subjects[method]))

    return Table(
        id=name,
        caption=caption,
        stub=Text("Survival (%)", "生存割合（%）"),
        keys=("control", "experimental", "preset"),
        columns=(
            Column(key="hazard_ratio", heading=Text("HR", "HR")),
            *(Column(key=method, heading=METHOD_NAMES[method], fields=("", "unrounded")) for method in methods),
        ),
        rows=tuple(
            Row(
                head=phrase("{c} against {e}", "{c}対{e}", c=f"{100 * row.control:g}", e=f"{100 * row.experimental:g}"),
                keys={"control": row.control, "experimental": row.experimental, "preset": " ".join(row.presets) or None},
                cells=(
                    number_cell(phrases.decimal(row.hazard_ratio, 3)),
                    *(cell(row, method) for method in methods),
                ),
                strong=bool(row.presets),
                in_page=row.in_page,
            )
            for row in rows
        ),
        note=note,
    )


def _matches_table(matches: Sequence[Match], total: int) -> Table:
    rows = []
    for method, group in groupby(matches, key=lambda match: match.method):
        own = list(group)
        found = [match.control for match in own]
        presets = [name for match in own for name in match.presets]
        cells = (
            words_cell(", ".join(f"{100 * value:g}" for value in found), " ".join(repr(value) for value in found)),
            words_cell(", ".join(presets) or "–", " ".join(presets) or None),
        )
        rows.append(Row(head=METHOD_NAMES[method], keys={"method": method}, cells=cells))
    return Table(
        id="size_matches",
        caption=Text(f"Control survival and method under which {total} comes out", f"{total}例となる対照群生存割合と方法"),
        stub=Text("Method", "方法"),
        keys=("method",),
        columns=(
            Column(key="control", heading=Text("Control survival (%)", "対照群の生存割合（%）"), words=True),
            Column(key="preset", heading=Text("Preset among them", "該当する仮定"), words=True),
        ),
        rows=tuple(rows),
    )


def registrations_section(results: DesignResults) -> Section:
    """Tell what the share that goes on means for the registrations, or that there is nothing to tell."""
    title = Text("From registration to randomization", "登録から割付まで")
    found = results.registrations
    if found is None:
        return Section(
            id="registrations",
            title=title,
            finding=Text("Everybody registered is randomized: one number.", "登録例はすべて割付されるため、予定数は同じである。"),
        )
    finding = phrase(
        "{r} registrations bring {n} if {s} % go on; with that share the chance of at least {n} is {p} %. For 90 % it takes {k} registrations.",
        "登録{r}例のうち{s}%が割付に進めば{n}例となる。この割合で{n}例以上となる確率は{p}%。90%の確率で確保するには登録{k}例を要する。",
        r=phrases.whole(found.registered),
        n=phrases.whole(found.randomized),
        s=phrases.percent(found.implied),
        p=phrases.percent(found.probability_enough),
        k=phrases.whole(next(row.needed["0.9"] for row in found.rows if row.is_implied)),
    )
    sure = [(key, f"{100 * float(key):g} %") for key in found.share_for]
    table = Table(
        id="registrations",
        caption=Text(
            f"What {found.registered} registrations bring, and how many it takes",
            f"登録{found.registered}例から割付に進む例数と、必要な登録数",
        ),
        stub=Text("Share that goes on (%)", "割付に進む割合（%）"),
        keys=("share",),
        columns=(
            Column(key="expected", heading=Text("Expected", "期待数")),
            Column(key="range", heading=Text("80 % of trials", "80%範囲"), fields=("fewest", "most")),
            Column(key="probability", heading=Text(f"At least {found.randomized} (%)", f"{found.randomized}例以上（%）")),
            Column(key="needed", heading=Text("Needed on average", "必要登録数（平均）")),
            *(
                Column(key=f"needed_{key}", heading=Text(f"with {shown}", f"確率{shown}"))
                for key, shown in sure
            ),
        ),
        rows=tuple(
            Row(
                head=f"{100 * row.share:.1f}",
                keys={"share": row.share},
                cells=(
                    number_cell(phrases.decimal(row.expected, 1)),
                    Cell(
                        shown=phrase("{a}–{b}", "{a}–{b}", a=phrases.whole(row.fewest), b=phrases.whole(row.most)),
                        values=(row.fewest, row.most),
                    ),
                    number_cell(phrases.percent(row.probability_enough)),
                    count_cell(row.needed_on_average),
                    *(count_cell(row.needed[key]) for key, _ in sure),
                ),
                strong=row.is_implied,
            )
            for row in found.rows
        ),
        note=phrase(
            "Bold or *: the share the planned numbers imply. For {n} of {r} with 80, 90, 95 %: shares of {a}, {b}, {c} %. Binomial.",
            "太字・*：予定数が含意する割合。{r}例から{n}例以上を確率80、90、95%で得るには、割合{a}、{b}、{c}%を要する。二項分布による。",
            n=phrases.whole(found.randomized),
            r=phrases.whole(found.registered),
            a=phrases.percent(found.share_for["0.8"]),
            b=phrases.percent(found.share_for["0.9"]),
            c=phrases.percent(found.share_for["0.95"]),
        ),
    )  # fmt: skip
    return Section(id="registrations", title=title, finding=finding, blocks=(table,))


def arrivals_table(results: DesignResults) -> Table:
    """Tell when the planned events of each preset come."""
    return Table(
        id="arrivals",
        caption=Text("When the planned events come, by preset", "計画イベント数に達する時期（仮定別）"),
        stub=Text("Preset", "仮定"),
        keys=("preset",),
        columns=(
            Column(key="hazard_ratio", heading=Text("HR", "HR")),
            Column(key="planned", heading=Text("Events planned", "計画イベント数")),
            Column(key="years", heading=Text("Years until then", "到達（年）")),
            Column(key="years_no_effect", heading=Text("the same, no effect", "到達（年）、効果なし")),
            Column(key="at_end", heading=Text("Events at the planned end", "計画終了時のイベント数")),
            Column(key="at_end_no_effect", heading=Text("the same, no effect", "計画終了時、効果なし")),
        ),
        rows=tuple(
            Row(
                head=phrase("Preset {p}", "仮定 {p}", p=each.basis.preset),
                keys={"preset": each.basis.preset},
                cells=(
                    number_cell(phrases.decimal(each.basis.hazard_ratio, 3)),
                    count_cell(each.basis.planned_events),
                    number_cell(years_number(each.years)),
                    number_cell(years_number(each.years_no_effect)),
                    number_cell(phrases.decimal(each.events_at_end, 1)),
                    number_cell(phrases.decimal(each.events_at_end_no_effect, 1)),
                ),
                strong=at == 0,
            )
            for at, each in enumerate(results.course.arrivals)
        ),
        note=Text(
            "Years from the first randomization. No effect: both arms as the control arm. Bold or *: in force.",
            "最初の割付からの年数。効果なし：両群とも対照群の生存。太字・*：採用中の仮定。",
        ),
    )
