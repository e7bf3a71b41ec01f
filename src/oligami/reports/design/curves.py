"""Pictures and tables of functions: power against what nobody knows, and the trial along the calendar."""

import math

from oligami.analysis.design.whole import DesignResults
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.charts import Axis, Series, line_chart, marks_between
from oligami.reports.design.planned import arrivals_table
from oligami.reports.phrases import Filling, phrase
from oligami.reports.sections.section import Section
from oligami.reports.tables import Cell, Column, Row, Table, number_cell

_POWER_AXIS = Axis(name=Text("Power (%)", "検出力（%）"), low=0, high=1, marks=(0, 0.2, 0.4, 0.6, 0.8, 1), factor=100)


def power_section(results: DesignResults, protocol: Protocol) -> Section:
    """Power against the control arm's survival and against the true difference."""
    power, design = results.power, protocol.design
    of_difference = [point.power_difference for point in power.by_control]
    of_ratio = [point.power_fixed for point in power.by_control]
    difference = f"{100 * design.difference:g}"
    ratio = f"{power.fixed_hazard_ratio:.3f}"
    low, high = power.by_control[0].control, power.by_control[-1].control
    finding = phrase(
        "With {n} randomized and a difference of {d} points the power lies between {a} and {b} % for control survivals of {low} to {high} %; "
        "with a hazard ratio of {r} everywhere, between {c} and {e} %.",
        "割付{n}例・差{d}ポイントでの検出力は、対照群の生存割合{low}〜{high}%で{a}〜{b}%。ハザード比を{r}に固定すると{c}〜{e}%。",
        n=phrases.whole(power.subjects),
        d=difference,
        a=phrases.percent(min(of_difference)),
        b=phrases.percent(max(of_difference)),
        c=phrases.percent(min(of_ratio)),
        e=phrases.percent(max(of_ratio)),
        r=ratio,
        low=f"{100 * low:g}",
        high=f"{100 * high:g}",
    )
    first = line_chart(
        "power_control",
        Text("Power against the control arm's survival at the milestone", "対照群の時点生存割合と検出力"),
        [
            Series(
                label=phrase("{d} points", "差{d}ポイント", d=difference),
                points=[(point.control, point.power_difference) for point in power.by_control],
            ),
            Series(
                label=phrase("HR {r}", "HR {r}", r=ratio),
                points=[(point.control, point.power_fixed) for point in power.by_control],
            ),
            # A line with its label at the end: in the middle of the picture the curves would run through the words.
            Series(label=Text("planned power", "計画検出力"), points=[(low, design.power), (high, design.power)]),
        ],
        x=Axis(
            name=Text("Control survival (%)", "対照群の生存割合（%）"),
            low=low,
            high=high,
            marks=marks_between(low, high, 6),
            factor=100,
        ),
        y=_POWER_AXIS,
        table="power_control",
        description=Text(
            "Two lines over the control survival: power for the planned difference, and for the hazard ratio of the preset in force.",
            "対照群の生存割合に対する検出力。計画した差の場合と、採用した仮定のハザード比に固定した場合の2本。",
        ),
    )
    most = max(point.difference for point in power.by_difference)
    second = line_chart(
        "power_difference",
        Text("Power against the true difference", "真の差と検出力"),
        [
            Series(
                label=phrase("control {c} %", "対照群{c}%", c=f"{100 * each.control_survival:g}"),
                points=[(point.difference, point.power) for point in power.by_difference if point.preset == each.id],
                marks=True,
            )
            for each in design.preset
        ],
        x=Axis(
            name=Text("True difference (points)", "真の差（ポイント）"),
            low=0,
            high=most,
            marks=marks_between(0, most, 6),
            factor=100,
        ),
        y=_POWER_AXIS,
        table="power_difference",
        description=Text(
            "A rising line for each preset, from the level at no difference.",
            "仮定ごとの検出力。差がない場合は有意水準に等しい。",
        ),
        levels=((design.power, Text("planned power", "計画検出力")),),
    )
    return Section(
        id="power",
        title=Text("Power", "検出力"),
        finding=finding,
        blocks=(first, _control_table(results, difference, ratio), second, _difference_table(results)),
    )


def _control_table(results: DesignResults, difference: str, ratio: str) -> Table:
    return Table(
        id="power_control",
        caption=Text(
            f"Power of {results.power.subjects} randomized by control survival",
            f"割付{results.power.subjects}例の検出力（対照群の生存割合別）",
        ),
        stub=Text("Control (%)", "対照群（%）"),
        keys=("control",),
        columns=(
            Column(
                key="power_difference", heading=Text(f"Power (%), {difference} points", f"検出力（%）、差{difference}ポイント")
            ),
            Column(key="hazard_ratio", heading=Text("HR", "HR")),
            Column(key="events", heading=Text("Events", "イベント")),
            Column(key="power_fixed", heading=Text(f"Power (%), HR {ratio}", f"検出力（%）、HR {ratio}")),
            Column(key="experimental_fixed", heading=Text("Experimental (%)", "試験群（%）")),
            Column(key="events_fixed", heading=Text("Events", "イベント")),
        ),
        rows=tuple(
            Row(
                head=f"{100 * point.control:g}",
                keys={"control": point.control},
                cells=(
                    number_cell(phrases.percent(point.power_difference)),
                    number_cell(phrases.decimal(point.hazard_ratio, 3)),
                    number_cell(phrases.decimal(point.events, 1)),
                    number_cell(phrases.percent(point.power_fixed)),
                    number_cell(phrases.percent(point.experimental_fixed)),
                    number_cell(phrases.decimal(point.events_fixed, 1)),
                ),
                in_page=point.in_page,
            )
            for point in results.power.by_control
        ),
        note=Text(
            "Log-rank test in the limit (Lakatos). Events expected at the planned end.",
            "ログランク検定の極限（Lakatos）による。イベントは計画終了時の期待数。",
        ),
    )


def _difference_table(results: DesignResults) -> Table:
    points = {(point.preset, point.difference): point for point in results.power.by_difference}
    presets = list(dict.fromkeys(preset for preset, _ in points))
    columns: list[Column] = []
    for preset in presets:
        columns += [
            Column(key=f"hazard_ratio_{preset}", heading=phrase("HR, {p}", "HR、{p}", p=preset)),
            Column(key=f"events_{preset}", heading=Text("Events", "イベント")),
            Column(key=f"power_{preset}", heading=Text("Power (%)", "検出力（%）")),
        ]
    rows = []
    for difference in sorted({difference for _, difference in points}):
        cells: list[Cell] = []
        for preset in presets:
            point = points.get((preset, difference))
            cells += [
                number_cell(phrases.decimal(point.hazard_ratio if point else None, 3)),
                number_cell(phrases.decimal(point.events if point else None, 1)),
                number_cell(phrases.percent(point.power if point else None)),
            ]
        rows.append(Row(head=f"{100 * difference:.3g}", keys={"difference": difference}, cells=tuple(cells)))
    return Table(
        id="power_difference",
        caption=Text("Power by the true difference", "真の差別の検出力"),
        stub=Text("True difference (points)", "真の差（ポイント）"),
        keys=("difference",),
        columns=tuple(columns),
        rows=tuple(rows),
    )


def course_section(results: DesignResults) -> Section:
    """Accrual and events by calendar time, and when the planned events come."""
    basis, course = results.basis, results.course
    arrival = course.arrivals[0]
    when: Filling = (
        phrase(
            "{n} events are expected {y} years after the first randomization; at the planned end ({t} years) {x} are expected, {z} were there no effect.",
            "イベント{n}件には最初の割付から{y}年で達すると期待される。計画終了時（{t}年）の期待イベント数は{x}件、効果がなければ{z}件。",
            n=phrases.whole(basis.planned_events),
            y=phrases.decimal(arrival.years, 1),
            t=phrases.decimal(basis.planned_end, 0),
            x=phrases.decimal(arrival.events_at_end, 1),
            z=phrases.decimal(arrival.events_at_end_no_effect, 1),
        )
        if arrival.years is not None
        else phrase(
            "{n} events are never reached under the preset in force; at the planned end {x} are expected.",
            "採用した仮定ではイベント{n}件に達しない。計画終了時の期待イベント数は{x}件。",
            n=phrases.whole(basis.planned_events),
            x=phrases.decimal(arrival.events_at_end, 1),
        )
    )
    end = course.points[-1].years
    top = 10.0 * math.ceil(max(basis.subjects, basis.planned_events) / 10)
    figure = line_chart(
        "course",
        Text("Randomized and events expected by calendar time", "割付例数と期待イベント数の推移"),
        [
            Series(label=Text("randomized", "割付"), points=[(p.years, p.enrolled) for p in course.points]),
            Series(
                label=Text("events, no effect", "イベント（効果なし）"),
                points=[(p.years, p.events_no_effect) for p in course.points],
            ),
            Series(label=Text("events", "イベント"), points=[(p.years, p.events) for p in course.points]),
            Series(
                label=Text("events, control", "イベント（対照群）"), points=[(p.years, p.events_control) for p in course.points]
            ),
            Series(
                label=Text("events, experimental", "イベント（試験群）"),
                points=[(p.years, p.events_experimental) for p in course.points],
            ),
        ],
        x=Axis(
            name=Text("Years from the first randomization", "最初の割付からの年数"),
            low=0,
            high=end,
            marks=marks_between(0, end, 8),
        ),
        y=Axis(name=Text("Number", "数"), low=0, high=top, marks=marks_between(0, top)),
        table="course",
        description=Text(
            "Lines that rise with calendar time: subjects randomized, events expected in all, by arm, and without effect.",
            "割付例数、期待イベント数（合計、群別、効果なし）の推移。",
        ),
        levels=((float(basis.planned_events), Text("events planned", "計画イベント数")),),
    )
    table = Table(
        id="course",
        caption=Text("The expected course", "期待される経過"),
        stub=Text("Years", "年"),
        keys=("years",),
        columns=(
            Column(key="enrolled", heading=Text("Randomized", "割付")),
            Column(key="events", heading=Text("Events", "イベント")),
            Column(key="events_control", heading=Text("control", "対照群")),
            Column(key="events_experimental", heading=Text("experimental", "試験群")),
            Column(key="events_no_effect", heading=Text("Events, no effect", "イベント（効果なし）")),
            Column(key="followed", heading=Text("In follow-up", "追跡中")),
        ),
        rows=tuple(
            Row(
                head=f"{point.years:g}",
                keys={"years": point.years},
                cells=tuple(
                    number_cell(phrases.decimal(value, 1))
                    for value in (
                        point.enrolled, point.events, point.events_control, point.events_experimental, point.events_no_effect,
                        point.followed,
                    )
                ),
                in_page=point.in_page,
            )
            for point in course.points
        ),
        note=Text("Preset in force; nobody is lost. The CSV has every quarter of a year.", "採用した仮定、脱落なし。CSVは四半期ごと。"),
    )  # fmt: skip
    return Section(
        id="course",
        title=Text("Accrual and events by calendar time", "登録とイベントの推移"),
        finding=when,
        blocks=(figure, table, arrivals_table(results)),
    )
