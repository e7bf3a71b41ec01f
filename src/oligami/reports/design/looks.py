"""Looks and bounds: the trial's own plan, one asked for, others to compare with, and what a result half-way means."""

from oligami.analysis.design.looks import PlannedLook, PlanOfLooks
from oligami.analysis.design.whole import DesignResults
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.charts import Axis, Series, line_chart, marks_between
from oligami.reports.design.names import spending_name, years_number
from oligami.reports.figures import Figure
from oligami.reports.phrases import DASH, Filling, phrase
from oligami.reports.sections.section import Section
from oligami.reports.tables import Cell, Column, Row, Table, count_cell, number_cell, words_cell

_WHOSE = {
    "own": Text("the trial's own", "本試験の計画"),
    "asked": Text("asked for here, not the trial's", "指定した計画（本試験の計画ではない）"),
    "comparison": Text("for comparison, not the trial's", "比較用（本試験の計画ではない）"),
}


def plan_name(plan: PlanOfLooks) -> Filling:
    """Name a plan by its looks, its family and whose it is."""
    if len(plan.looks) == 1:
        return phrase("One analysis at the end: {w}", "最終解析のみ：{w}", w=_WHOSE[plan.whose])
    family = spending_name(plan.efficacy, plan.efficacy_parameter)
    early = str(len(plan.looks) - 1)
    return phrase("{k} interim, {f}: {w}", "中間解析{k}回、{f}：{w}", k=early, f=family, w=_WHOSE[plan.whose])


def looks_section(results: DesignResults, protocol: Protocol) -> Section:
    """Bounds look by look, and what each plan costs and saves."""
    plans, own = results.looks.plans, results.looks.plans[0]
    if len(own.looks) == 1:
        last = own.looks[0]
        finding: Filling = phrase(
            "The trial has one analysis, at the end: with {n} events it rejects from z = {z} on, a hazard ratio of {h} or less. "
            "The plans below it are for comparison.",
            "本試験は最終解析のみ：イベント{n}件ではz = {z}以上（ハザード比{h}以下）で棄却する。その他の計画は比較のために示す。",
            n=phrases.whole(last.events),
            z=phrases.decimal(last.z_efficacy, 3),
            h=phrases.decimal(last.hr_efficacy, 3),
        )
    else:
        finding = phrase(
            "The trial looks {k} times before the end ({f}); power {p} %, {e} events expected if the effect is as assumed and {n} if there is none.",
            "本試験は最終解析の前に{k}回の中間解析を行う（{f}）。検出力{p}%、期待イベント数は仮定どおりの効果で{e}件、効果なしで{n}件。",
            k=str(len(own.looks) - 1),
            f=spending_name(own.efficacy, own.efficacy_parameter),
            p=phrases.percent(own.power),
            e=phrases.decimal(own.expected_events, 1),
            n=phrases.decimal(own.expected_events_no_effect, 1),
        )
    blocks: list[Filling | Figure | Table] = []
    if protocol.design.interim_plan is not None:
        blocks.append(protocol.design.interim_plan.text)
    blocks += [_figure(plans), _bounds_table(plans), _plans_table(plans)]
    return Section(id="looks", title=Text("Looks and bounds", "解析時点と境界"), finding=finding, blocks=blocks)


def _figure(plans: tuple[PlanOfLooks, ...]) -> Figure:
    # A chart of more lines than there are styles cannot be read: futility of the first plan that has it, then efficacy.
    shown = [plan for plan in plans if len(plan.looks) > 1][:4]
    series = [Series(label=_short(plan), points=_points(plan, "z_efficacy"), marks=True) for plan in shown]
    with_futility = next((plan for plan in shown if any(_futility(plan, look) is not None for look in plan.looks)), None)
    if with_futility is not None:
        points = [(look.fraction, z) for look in with_futility.looks if (z := _futility(with_futility, look)) is not None]
        series.append(
            Series(label=phrase("{p}: futility", "{p}：無益性", p=_whose_short(with_futility)), points=points, marks=True)
        )
    heights = [height for line in series for _, height in line.points]
    low, high = min(0.0, *heights) - 0.2, max(heights) + 0.3
    level = plans[0].looks[-1].z_efficacy
    return line_chart(
        "bounds",
        Text("Efficacy bounds by information", "情報割合と有効性の境界"),
        series,
        x=Axis(name=Text("Information: events / events planned (%)", "情報割合：イベント／計画イベント（%）"), low=0, high=1, marks=(0, 0.25, 0.5, 0.75, 1), factor=100),
        y=Axis(name=Text("z", "z"), low=low, high=high, marks=marks_between(low, high), digits=1),
        table="bounds",
        description=Text("A line for each plan joins its bounds from look to look.", "計画ごとに、各解析時点の境界を線で結ぶ。"),
        levels=() if level is None or len(plans[0].looks) > 1 else ((level, Text("one analysis", "最終解析のみ")),),
    )  # fmt: skip


def _points(plan: PlanOfLooks, bound: str) -> list[tuple[float, float]]:
    found = [(look.fraction, getattr(look, bound)) for look in plan.looks]
    return [(fraction, float(z)) for fraction, z in found if z is not None]


def _whose_short(plan: PlanOfLooks) -> Text:
    return {"own": Text("own plan", "本試験"), "asked": Text("asked for", "指定"), "comparison": Text("comparison", "比較")}[
        plan.whose
    ]


def _short(plan: PlanOfLooks) -> Filling:
    names = {
        "lan_demets_obrien_fleming": Text("O'Brien-Fleming", "O'Brien-Fleming"), "lan_demets_pocock": Text("Pocock", "Pocock"),
        "hwang_shih_decani": Text("Hwang-Shih-DeCani", "Hwang-Shih-DeCani"), "kim_demets": Text("Kim-DeMets", "Kim-DeMets"),
    }  # fmt: skip
    if plan.whose != "comparison":
        return _whose_short(plan)
    return phrase("{n}, {k} interim", "{n}、中間{k}回", n=names[plan.efficacy], k=str(len(plan.looks) - 1))


def _futility(plan: PlanOfLooks, look: PlannedLook) -> float | None:
    """The futility bound, but not at the last look, where the two bounds meet."""
    return None if look.look == len(plan.looks) else look.z_futility


def _bounds_table(plans: tuple[PlanOfLooks, ...]) -> Table:
    futile = any(_futility(plan, look) is not None for plan in plans for look in plan.looks)
    rows: list[Row] = []
    for plan in plans:
        rows.append(Row(head=plan_name(plan)))
        for look in plan.looks:
            cells = [
                count_cell(look.events),
                number_cell(years_number(look.years)),
                number_cell(phrases.decimal(look.z_efficacy, 3)),
                number_cell(phrases.decimal(look.p_efficacy, 4)),
                number_cell(phrases.decimal(look.hr_efficacy, 3)),
                number_cell(phrases.decimal(look.alpha_spent, 4)),
            ]
            if futile:
                lower = _futility(plan, look)
                cells.append(number_cell(phrases.decimal(lower, 3)))
                cells.append(number_cell(phrases.decimal(look.hr_futility if lower is not None else None, 3)))
            cells.append(number_cell(phrases.percent(look.stop_efficacy)))
            cells.append(number_cell(phrases.percent(look.stop_efficacy_no_effect, 2)))
            rows.append(
                Row(
                    head=phrase("{p} %", "{p}%", p=phrases.percent(look.fraction, 0)),
                    keys={"plan": plan.id, "whose": plan.whose, "look": look.look, "fraction": look.fraction},
                    cells=tuple(cells),
                    indent=True,
                )
            )
    futility = (
        Column(key="z_futility", heading=Text("Futility z", "無益性z")),
        Column(key="hr_futility", heading=Text("HR there", "同HR")),
    )
    return Table(
        id="bounds",
        caption=Text("Bounds look by look", "解析時点ごとの境界"),
        stub=Text("Information", "情報割合"),
        keys=("plan", "whose", "look", "fraction"),
        columns=(
            Column(key="events", heading=Text("Events", "イベント")),
            Column(key="years", heading=Text("Years", "年")),
            Column(key="z_efficacy", heading=Text("z", "z")),
            Column(key="p_efficacy", heading=Text("Nominal p", "名目p値")),
            Column(key="hr_efficacy", heading=Text("HR at the bound", "境界のHR")),
            Column(key="alpha_spent", heading=Text("Alpha spent", "累積α")),
            *(futility if futile else ()),
            Column(key="stop", heading=Text("Rejects here (%)", "ここで棄却（%）")),
            Column(key="stop_no_effect", heading=Text("without effect (%)", "効果なし（%）")),
        ),
        rows=tuple(rows),
        note=Text(
            "One-sided. Years from the first randomization until so many events are expected. The trial rejects when z reaches the bound.",
            "片側。年は最初の割付から、そのイベント数が期待されるまで。zが境界以上のとき棄却する。",
        ),
    )


def _plans_table(plans: tuple[PlanOfLooks, ...]) -> Table:
    def futility(plan: PlanOfLooks) -> Cell:
        if plan.futility == "none":
            return words_cell(DASH, None)
        name = spending_name(plan.futility, plan.futility_parameter)
        kind = Text("binding", "拘束的") if plan.binding else Text("not binding", "非拘束的")
        return words_cell(phrase("{n}, {k}", "{n}、{k}", n=name, k=kind), plan.futility)

    some = any(plan.futility != "none" for plan in plans)
    return Table(
        id="plans",
        caption=Text("What the plans cost and save", "計画ごとの損得"),
        stub=Text("Plan", "計画"),
        keys=("plan", "whose"),
        columns=(
            *((Column(key="futility", heading=Text("Futility", "無益性"), words=True),) if some else ()),
            Column(key="power", heading=Text("Power (%)", "検出力（%）")),
            Column(key="type_one_error", heading=Text("Type I error (%)", "第一種の過誤（%）")),
            Column(key="inflation", heading=Text("Inflation", "膨張係数")),
            Column(key="events", heading=Text("Events expected", "期待イベント数")),
            Column(key="events_no_effect", heading=Text("no effect", "効果なし")),
            Column(key="years", heading=Text("Years expected", "期待期間（年）")),
            Column(key="years_no_effect", heading=Text("no effect", "効果なし")),
        ),
        rows=tuple(
            Row(
                head=plan_name(plan),
                keys={"plan": plan.id, "whose": plan.whose},
                cells=(
                    *((futility(plan),) if some else ()),
                    number_cell(phrases.percent(plan.power)),
                    number_cell(phrases.percent(plan.type_one_error, 2)),
                    number_cell(phrases.decimal(plan.inflation, 3)),
                    number_cell(phrases.decimal(plan.expected_events, 1)),
                    number_cell(phrases.decimal(plan.expected_events_no_effect, 1)),
                    number_cell(years_number(plan.expected_years)),
                    number_cell(years_number(plan.expected_years_no_effect)),
                ),
                strong=plan.whose == "own",
            )
            for plan in plans
        ),
        note=Text(
            "With the events planned. Inflation: events for the planned power, against one analysis. Power and error count that futility bounds are obeyed.",
            "計画イベント数による。膨張係数：計画検出力に必要なイベント数の、最終解析のみの場合に対する比。検出力と過誤は無益性の境界に従う場合。",
        ),
    )


def half_way_section(results: DesignResults) -> Section:
    """What a hazard ratio seen half-way means for the end."""
    looks = results.looks
    table = Table(
        id="half_way",
        caption=Text(
            "Probability to reject later, by what is seen at half the events", "イベント半数の時点の結果別、以後に棄却する確率"
        ),
        stub=Text("Hazard ratio seen", "観察されたHR"),
        keys=("hazard_ratio",),
        columns=(
            Column(key="z", heading=Text("z", "z")),
            Column(key="trend", heading=Text("if it is the true one (%)", "観察値が真（%）")),
            Column(key="design", heading=Text("if the preset's is (%)", "仮定が真（%）")),
            Column(key="no_effect", heading=Text("if there is none (%)", "効果なし（%）")),
            Column(key="predictive", heading=Text("predictive (%)", "予測検出力（%）")),
        ),
        rows=tuple(
            Row(
                head=f"{row.hazard_ratio:.3g}",
                keys={"hazard_ratio": row.hazard_ratio},
                cells=(
                    number_cell(phrases.decimal(row.z, 2)),
                    number_cell(phrases.percent(row.power_trend)),
                    number_cell(phrases.percent(row.power_design)),
                    number_cell(phrases.percent(row.power_no_effect)),
                    number_cell(phrases.percent(row.power_predictive)),
                ),
                strong=row.hazard_ratio == results.basis.hazard_ratio,
            )
            for row in looks.half_way
        ),
        note=phrase(
            "Bounds: {p}. Predictive: averaged over what the data so far say of the effect, flat prior. "
            "Bold or *: the hazard ratio of the preset in force.",
            "境界は「{p}」による。予測検出力：それまでのデータによる効果の分布（一様事前分布）で平均した値。太字・*：採用した仮定のハザード比。",
            p=plan_name(next(plan for plan in looks.plans if plan.id == looks.half_way_plan)),
        ),
    )
    flat = next(row for row in looks.half_way if row.hazard_ratio == 1.0)
    finding = phrase(
        "At {n} events a hazard ratio of 1 leaves {a} % if the trend goes on and {b} % if the preset is right after all.",
        "イベント{n}件の時点でハザード比が1の場合、以後の棄却確率は観察値が真なら{a}%、仮定が真なら{b}%。",
        n=phrases.whole(looks.half_way_events),
        a=phrases.percent(flat.power_trend),
        b=phrases.percent(flat.power_design),
    )
    return Section(
        id="half_way", title=Text("What a result half-way means", "途中の結果の意味"), finding=finding, blocks=(table,)
    )
