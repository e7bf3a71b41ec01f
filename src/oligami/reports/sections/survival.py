"""Time-to-event endpoints: a section for each, with its other readings."""

from collections.abc import Sequence

from oligami.analysis.endpoints import Curve, EndpointResult, LogrankTest
from oligami.analysis.measures import Estimate
from oligami.analysis.results import Results
from oligami.protocol.model.analysis import Endpoint
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.figures import Line, survival_figure
from oligami.reports.phrases import Filling, phrase
from oligami.reports.schemes import forest_figure
from oligami.reports.sections.headline import equals, hazard_ratio_phrase, logrank_phrase
from oligami.reports.sections.section import Block, Section
from oligami.reports.tables import (
    ESTIMATE_FIELDS,
    SHARE_FIELDS,
    Cell,
    Column,
    Row,
    Table,
    count_cell,
    duration_cell,
    number_cell,
    percent_cell,
    ratio_cell,
    share_cell,
)
from oligami.reports.words import Labels, word


def endpoint_section(results: Results, endpoint: Endpoint, labels: Labels) -> Section:
    """One endpoint with its other readings."""
    result = results.endpoints[endpoint.id]
    others = [
        own for own in labels.protocol.analysis.endpoint if own.alternative_of == endpoint.id and own.id in results.endpoints
    ]
    blocks: list[Block] = [endpoint.definition]
    for own in (endpoint, *others):
        if own is not endpoint:
            reading = phrase(
                "Another reading, kept as a setting — {title}: {text}",
                "別の読み方（設定）— {title}：{text}",
                title=own.title,
                text=own.definition,
            )
            blocks.append(reading)
        blocks += _endpoint_blocks(results.endpoints[own.id], own, labels, results.headline.sided)
    return Section(
        id=f"endpoint-{endpoint.id}",
        title=endpoint.title,
        finding=_finding(result, endpoint, labels, results),
        blocks=tuple(blocks),
    )


def _finding(result: EndpointResult, endpoint: Endpoint, labels: Labels, results: Results) -> Filling:
    if not result.n:
        return phrase("Nobody belongs to the population of this endpoint yet.", "このエンドポイントの対象者はまだいない。")
    if not result.events:
        return phrase(
            "No event was seen in {n} subjects up to the cut.",
            "カットオフまで{n}例中にイベントは観察されていない。",
            n=phrases.whole(result.n),
        )
    comparison = result.comparisons[0] if result.comparisons else None
    if comparison is None:
        if result.overall is None:
            raise ValueError(f"endpoint {result.endpoint!r} has {result.n} subjects but no curve")
        return phrase(
            "{events} events in {n} subjects; median {median} months.",
            "{n}例中イベント{events}件、中央値 {median}か月。",
            events=phrases.whole(result.events),
            n=phrases.whole(result.n),
            median=duration_cell(result.overall.median_days, result.curve_level, labels.protocol.analysis.days_per_month).shown,
        )
    counts = {curve.arm: curve for curve in result.curves}
    parts = [
        phrase(
            "{events} events in {n} subjects of {arm}",
            "{arm} {n}例中{events}件",
            arm=labels.arm(arm),
            events=phrases.whole(counts[arm].events if arm in counts else 0),
            n=phrases.whole(counts[arm].n if arm in counts else 0),
        )
        for arm in (comparison.control, comparison.experimental)
    ]
    return phrase(
        "{a} and {b}; {ratio}; {test}.",
        "イベントは{a}、{b}。{ratio}、{test}。",
        a=parts[0],
        b=parts[1],
        ratio=hazard_ratio_phrase(comparison.hazard_ratio, result.confidence_levels),
        test=logrank_phrase(comparison.stratified, results.headline.sided),
    )


def _endpoint_blocks(result: EndpointResult, endpoint: Endpoint, labels: Labels, sided: int) -> list[Block]:
    analysis = labels.protocol.analysis
    if result.overall is None:
        return []
    curves = result.curves or (result.overall,)
    lines = [Line(label=_curve_name(curve, endpoint, labels), curve=curve, kind=k) for k, curve in enumerate(curves)]
    blocks: list[Block] = [
        survival_figure(
            f"km-{endpoint.id}",
            endpoint.title,
            result,
            lines,
            axis=endpoint.short_title,
            legend=_legend(result, sided),
            table=f"{endpoint.id}-survival",
            days_per_year=analysis.days_per_year,
        ),
        _survival_table(result, endpoint, curves, labels),
    ]
    if result.comparisons:
        blocks.append(_comparison_table(result, endpoint, labels))
    if any(comparison.subgroups for comparison in result.comparisons):
        for comparison in result.comparisons:
            figure = forest_figure(
                f"forest-{endpoint.id}-{comparison.experimental}",
                Text(f"{endpoint.short_title.en} by subgroup", f"{endpoint.short_title.ja}：部分集団別"),
                comparison,
                comparison.hazard_ratio,
                labels,
                level=result.curve_level,
                table=f"{endpoint.id}-subgroups",
            )
            if figure is not None:
                blocks.append(figure)
        blocks.append(_subgroup_table(result, endpoint, labels))
    blocks.append(_causes_table(result, endpoint))
    return blocks


def _curve_name(curve: Curve, endpoint: Endpoint, labels: Labels) -> Text:
    """Name the subjects of a curve; "all" of a population of one arm are that arm."""
    kind, _, arm = endpoint.population.partition(":")
    return labels.arm(arm) if curve.arm is None and kind == "randomized" and arm else labels.arm(curve.arm)


def _legend(result: EndpointResult, sided: int) -> list[Filling]:
    legend: list[Filling] = []
    for comparison in result.comparisons:
        ratio = comparison.hazard_ratio
        if ratio.value is not None:
            interval = ratio.interval(result.curve_level)
            legend.append(
                phrase(
                    "HR {v} ({l} % CI {a}–{b})",
                    "ハザード比 {v}（{l}%信頼区間 {a}–{b}）",
                    v=phrases.ratio(ratio.value),
                    l=f"{100 * result.curve_level:.0f}",
                    a=phrases.ratio(interval.lower),
                    b=phrases.ratio(interval.upper),
                )
            )
        if comparison.stratified.p_one_sided is not None:
            legend.append(logrank_phrase(comparison.stratified, sided))
    return legend


def _survival_table(result: EndpointResult, endpoint: Endpoint, curves: Sequence[Curve], labels: Labels) -> Table:
    level, month = result.curve_level, labels.protocol.analysis.days_per_month
    shown = [*curves, result.overall] if len(curves) > 1 and result.overall is not None else list(curves)
    percent = f"{100 * level:.0f}"

    def row(quantity: str, head: Filling, cells: list[Cell], years: float | None = None) -> Row:
        padded = tuple(Cell(shown=cell.shown, values=(*cell.values, *(None,) * (4 - len(cell.values)))) for cell in cells)
        return Row(head=head, keys={"quantity": quantity, "years": years}, cells=padded)

    rows = [
        row("subjects", Text("Subjects", "例数"), [count_cell(own.n) for own in shown]),
        row("events", Text("Events", "イベント"), [count_cell(own.events) for own in shown]),
        row(
            "person_years",
            Text("Person-years observed", "観察人年"),
            [number_cell(phrases.decimal(own.person_years, 1)) for own in shown],
        ),
        row(
            "median_days",
            phrase("Median, months ({l} % CI)", "中央値 か月（{l}%信頼区間）", l=percent),
            [duration_cell(own.median_days, level, month) for own in shown],
        ),
        row(
            "median_follow_up_days",
            phrase("Median follow-up, months ({l} % CI)", "追跡期間中央値 か月（{l}%信頼区間）", l=percent),
            [duration_cell(own.follow_up_days, level, month) for own in shown],
        ),
    ]
    for at, milestone in enumerate(shown[0].milestones):
        cells = []
        for own in shown:
            cell = percent_cell(own.milestones[at].survival, level)
            cells.append(Cell(shown=cell.shown, values=(*cell.values, own.milestones[at].n_risk)))
        head = phrase(
            "At {y} years, % ({l} % CI)" if milestone.years != 1 else "At {y} year, % ({l} % CI)",
            "{y}年 %（{l}%信頼区間）",
            y=f"{milestone.years:g}",
            l=percent,
        )
        rows.append(row("survival", head, cells, milestone.years))
    return Table(
        id=f"{endpoint.id}-survival",
        caption=Text(f"{endpoint.title.en}: Kaplan-Meier estimates", f"{endpoint.title.ja}：Kaplan–Meier推定"),
        stub=Text("Quantity", "項目"),
        keys=("quantity", "years"),
        columns=tuple(
            Column(
                key=own.arm or "all",
                heading=_curve_name(own, endpoint, labels),
                fields=(*ESTIMATE_FIELDS, "at_risk"),
            )
            for own in shown
        ),
        rows=tuple(rows),
        note=Text("NR: not reached. Follow-up by the reverse Kaplan-Meier method.", "追跡期間は逆Kaplan–Meier法による。"),
    )


def _comparison_table(result: EndpointResult, endpoint: Endpoint, labels: Labels) -> Table:
    rows: list[Row] = []
    levels = result.confidence_levels
    narrow, wide = min(levels), max(levels)

    def add(quantity: str, head: Filling, cells: tuple[Cell, ...], years: float | None = None) -> None:
        rows.append(Row(head=head, keys={"quantity": quantity, "years": years}, cells=cells))

    for comparison in result.comparisons:
        if len(result.comparisons) > 1:
            rows.append(Row(head=labels.arm(comparison.experimental)))
        for quantity, en, ja, ratio in (
            ("hazard_ratio_stratified", "Hazard ratio, stratified Cox model", "ハザード比（層別Cox）", comparison.hazard_ratio),
            ("hazard_ratio", "Hazard ratio, Cox model", "ハザード比（非層別Cox）", comparison.hazard_ratio_unstratified),
        ):
            add(quantity, Text(en, ja), (ratio_cell(ratio, wide), _limits_cell(ratio, narrow), _blank(3)))
        for quantity, en, ja, test in (
            ("logrank_stratified", "Stratified log-rank test", "層別ログランク検定", comparison.stratified),
            ("logrank", "Log-rank test", "ログランク検定", comparison.unstratified),
        ):
            add(quantity, Text(en, ja), (_test_cell(test), _blank(2), _p_cell(test)))
        for difference in comparison.differences:
            found = difference.difference
            head = phrase("Difference at {y} years, points", "{y}年時点の差（ポイント）", y=f"{difference.years:g}")
            shown = percent_cell(found, wide, difference=True)
            add("difference", head, (shown, _difference_limits(found, narrow), _blank(3)), difference.years)
        if comparison.proportional_hazards_p is not None:
            p = phrases.p_value(comparison.proportional_hazards_p)
            head_ph = Text("Test that the hazards are proportional", "比例ハザード性の検定")
            cell = Cell(shown=phrase("p {p}", "p {p}", p=equals(p)), values=(None, None, p.value))
            add("proportional_hazards", head_ph, (_blank(3), _blank(2), cell))
    strata = ", ".join(own.factor for own in labels.protocol.analysis.stratum)
    return Table(
        id=f"{endpoint.id}-comparison",
        caption=Text(f"{endpoint.title.en}: comparison of the arms", f"{endpoint.title.ja}：群間比較"),
        stub=Text("Quantity", "項目"),
        keys=("quantity", "years"),
        columns=(
            Column(
                key="",
                heading=phrase("Estimate ({l} % CI)", "推定値（{l}%信頼区間）", l=f"{100 * wide:.0f}"),
                fields=(
                    "estimate",
                    f"lower_{100 * wide:.0f}",
                    f"upper_{100 * wide:.0f}",
                ),
            ),
            Column(
                key="",
                heading=phrase("{l} % CI", "{l}%信頼区間", l=f"{100 * narrow:.0f}"),
                fields=(f"lower_{100 * narrow:.0f}", f"upper_{100 * narrow:.0f}")
                if narrow != wide
                else ("lower_again", "upper_again"),
            ),
            Column(
                key="", heading=Text("p, one-sided (two-sided)", "p 片側（両側）"), fields=("z", "p_one_sided", "p_two_sided")
            ),
        ),
        rows=tuple(rows),
        note=phrase(
            "Ratio and difference: {b} to {a}; a ratio below 1 favours {b}. Strata: {strata}. Ties by Efron's method.",
            "比と差は{a}に対する{b}。比が1未満なら{b}が優れる。層別因子：{strata}。タイはEfron法。",
            a=labels.arm(result.comparisons[0].control),
            b=labels.arm(result.comparisons[0].experimental),
            strata=labels.factor(strata) if "," not in strata else strata,
        ),
    )


def _blank(fields: int) -> Cell:
    return Cell(shown="", values=(None,) * fields)


def _limits_cell(ratio: Estimate, level: float) -> Cell:
    interval = ratio.interval(level)
    if interval.lower is None or interval.upper is None:
        return Cell(shown=phrases.DASH, values=(interval.lower, interval.upper))
    shown = phrase("{a}–{b}", "{a}–{b}", a=phrases.ratio(interval.lower), b=phrases.ratio(interval.upper))
    return Cell(shown=shown, values=(interval.lower, interval.upper))


def _difference_limits(found: Estimate, level: float) -> Cell:
    interval = found.interval(level)
    if interval.lower is None or interval.upper is None:
        return Cell(shown=phrases.DASH, values=(interval.lower, interval.upper))
    shown = phrase(
        "{a} to {b}",
        "{a}～{b}",
        a=phrases.signed(interval.lower, 1, factor=100),
        b=phrases.signed(interval.upper, 1, factor=100),
    )
    return Cell(shown=shown, values=(interval.lower, interval.upper))


def _test_cell(test: LogrankTest) -> Cell:
    shown: Filling = test.reason or phrases.DASH
    if test.z is not None:
        shown = phrase("z = {z}", "z = {z}", z=phrases.signed(test.z, 2))
    return Cell(shown=shown, values=(None, None, None))


def _p_cell(test: LogrankTest) -> Cell:
    values = (test.z, test.p_one_sided, test.p_two_sided)
    if test.p_one_sided is None:
        return Cell(shown=phrases.DASH, values=values)
    shown = phrase(
        "{one} ({two})", "{one}（{two}）", one=phrases.p_value(test.p_one_sided), two=phrases.p_value(test.p_two_sided)
    )
    return Cell(shown=shown, values=values)


def _subgroup_table(result: EndpointResult, endpoint: Endpoint, labels: Labels) -> Table:
    level = result.curve_level
    rows: list[Row] = []
    for comparison in result.comparisons:
        for factor in comparison.subgroups:
            p = factor.interaction_p
            rows.append(Row(head=labels.factor(factor.factor)))
            for at, group in enumerate(factor.levels):
                rows.append(
                    Row(
                        head=labels.level(factor.factor, group.level),
                        keys={"experimental": comparison.experimental, "factor": factor.factor, "level": group.level},
                        cells=(
                            _events_cell(group.events[0], group.n[0]),
                            _events_cell(group.events[1], group.n[1]),
                            ratio_cell(group.hazard_ratio, level),
                            Cell(shown=phrases.p_value(p) if at == 0 else "", values=(p,)),
                        ),
                        indent=True,
                    )
                )
    first = result.comparisons[0]
    return Table(
        id=f"{endpoint.id}-subgroups",
        caption=Text(f"{endpoint.title.en} by balancing factor", f"{endpoint.title.ja}：割付調整因子別"),
        stub=Text("Subgroup", "部分集団"),
        keys=("experimental", "factor", "level"),
        columns=(
            Column(
                key="control",
                heading=phrase("{arm}, events/n", "{arm} イベント/人数", arm=labels.arm(first.control)),
                fields=("events", "n"),
            ),
            Column(
                key="experimental",
                heading=phrase("{arm}, events/n", "{arm} イベント/人数", arm=labels.arm(first.experimental)),
                fields=("events", "n"),
            ),
            Column(
                key="hazard_ratio",
                heading=phrase("Hazard ratio ({l} % CI)", "ハザード比（{l}%信頼区間）", l=f"{100 * level:.0f}"),
                fields=ESTIMATE_FIELDS,
            ),
            Column(key="interaction_p", heading=Text("Interaction p", "交互作用 p")),
        ),
        rows=tuple(rows),
        note=Text(
            "Within subgroups unstratified; interaction by the likelihood-ratio test.",
            "部分集団内は非層別。交互作用は尤度比検定による。",
        ),
    )


def _events_cell(events: int, n: int) -> Cell:
    shown = phrase("{e}/{n}", "{e}/{n}", e=phrases.whole(events), n=phrases.whole(n))
    return Cell(shown=shown, values=(events, n))


def _causes_table(result: EndpointResult, endpoint: Endpoint) -> Table:
    return Table(
        id=f"{endpoint.id}-causes",
        caption=Text(f"{endpoint.short_title.en}: what ended the observation", f"{endpoint.short_title.ja}：観察終了の理由"),
        stub=Text("Event or censoring", "イベント・打ち切り"),
        keys=("cause",),
        columns=(Column(key="", heading=Text("Subjects (%)", "例数（%）"), fields=SHARE_FIELDS),),
        rows=tuple(
            Row(head=word(own.value), keys={"cause": own.value}, cells=(share_cell(own.count, own.total),))
            for own in result.causes
        ),
    )
