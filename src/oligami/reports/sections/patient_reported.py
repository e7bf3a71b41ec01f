"""Quality of life: the proportion without progression by visit, and the same under other rules."""

from oligami.analysis.measures import Estimate
from oligami.analysis.quality_of_life import QualityOfLife, Sensitivity
from oligami.analysis.results import Results
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.phrases import Filling, Scalar, phrase
from oligami.reports.schemes import quality_of_life_figure
from oligami.reports.sections.section import Block, Section
from oligami.reports.tables import (
    ESTIMATE_FIELDS,
    PROPORTION_FIELDS,
    Cell,
    Column,
    Row,
    Table,
    count_cell,
    percent_cell,
    proportion_cell,
)
from oligami.reports.words import Labels


def quality_of_life_section(results: Results, quality: QualityOfLife, labels: Labels) -> Section:
    """Non-progression of quality of life."""
    title = Text("Quality of life: proportion without progression", "QOL非増悪割合")
    level = max(labels.protocol.analysis.confidence_levels)
    blocks: list[Block] = []
    rules = labels.protocol.quality_of_life
    if rules is not None:
        blocks.append(rules.non_progression.text)
    figure = quality_of_life_figure(
        "quality-of-life",
        Text("Proportion without progression of quality of life, by visit", "時点別のQOL非増悪割合"),
        quality,
        results.arms,
        labels,
        table="quality-of-life",
    )
    if figure is not None:
        blocks.append(figure)
    blocks += [_visits_table(results, quality, labels, level), _sensitivity_table(results, quality, labels, level)]
    return Section(id="quality-of-life", title=title, finding=_finding(quality, labels, level), blocks=tuple(blocks))


def _finding(quality: QualityOfLife, labels: Labels, level: float) -> Filling:
    told = [own for own in quality.visits if own.visit == quality.primary_visit and own.proportion.value is not None]
    if not told:
        return phrase(
            "Nobody can be judged at {visit} yet.",
            "{visit}時点で評価可能な対象者はまだいない。",
            visit=labels.visit(quality.primary_visit),
        )
    parts: dict[str, Filling] = {}
    for k, own in enumerate(told):
        parts[f"p{k}"] = phrase(
            "{arm} {p} % ({n} of {of})",
            "{arm} {p}%（{of}例中{n}例）",
            arm=labels.arm(own.arm),
            p=phrases.percent(own.proportion.value),
            n=phrases.whole(own.proportion.count),
            of=phrases.whole(own.proportion.total),
        )
    en, ja = ", ".join(f"{{{name}}}" for name in parts), "、".join(f"{{{name}}}" for name in parts)
    found = next(
        (
            own.difference
            for own in quality.differences
            if own.visit == quality.primary_visit and own.difference.value is not None
        ),
        None,
    )
    if found is not None:
        parts["d"] = percent_cell(found, level, difference=True).shown
        en, ja = f"{en}; difference {{d}} points", f"{ja}、差 {{d}}ポイント"
    return phrase(
        f"Without progression at {{visit}}: {en}.",
        f"{{visit}}時点のQOL非増悪割合：{ja}。",
        visit=labels.visit(quality.primary_visit),
        **parts,
    )


def _score_cell(estimate: Estimate, level: float) -> Cell:
    interval = estimate.interval(level)
    values = (estimate.value, interval.lower, interval.upper)
    shown: Filling = phrases.decimal(estimate.value, 1)
    if interval.lower is not None:
        shown = phrase(
            "{v} ({a}–{b})",
            "{v} ({a}–{b})",
            v=phrases.decimal(estimate.value, 1),
            a=phrases.decimal(interval.lower, 1),
            b=phrases.decimal(interval.upper, 1),
        )
    return Cell(shown=shown, values=values)


def _visits_table(results: Results, quality: QualityOfLife, labels: Labels, level: float) -> Table:
    rows: list[Row] = []
    for visit in dict.fromkeys(own.visit for own in quality.visits):
        rows.append(Row(head=labels.visit(visit)))
        for own in quality.visits:
            if own.visit == visit:
                found = next((d.difference for d in quality.differences if (d.visit, d.experimental) == (visit, own.arm)), None)
                rows.append(
                    Row(
                        head=labels.arm(own.arm),
                        keys={"visit": visit, "arm": own.arm},
                        cells=(
                            proportion_cell(own.proportion),
                            percent_cell(found, level, difference=True)
                            if found is not None
                            else Cell(shown="", values=(None, None, None)),
                            count_cell(own.died_before),
                            count_cell(own.not_evaluable),
                            count_cell(own.not_due),
                            _score_cell(own.mean_score, level),
                        ),
                        indent=True,
                    )
                )
    return Table(
        id="quality-of-life",
        caption=Text("Non-progression of quality of life by visit and arm", "時点別・群別のQOL非増悪割合"),
        stub=Text("Visit and arm", "時点と群"),
        keys=("visit", "arm"),
        columns=(
            Column(
                key="non_progression",
                heading=Text("Without progression (exact CI)", "非増悪（正確信頼区間）"),
                fields=PROPORTION_FIELDS,
            ),
            Column(
                key="difference",
                heading=phrase("Difference to {arm}, points", "{arm}との差（ポイント）", arm=labels.arm(results.arms[0])),
                fields=ESTIMATE_FIELDS,
            ),
            Column(key="died_before", heading=Text("Died before", "時点前の死亡")),
            Column(key="not_evaluable", heading=Text("Not evaluable", "評価不能")),
            Column(key="not_due", heading=Text("Not due yet", "未到来")),
            Column(key="score", heading=Text("Mean score (CI)", "平均スコア（信頼区間）"), fields=ESTIMATE_FIELDS),
        ),
        rows=tuple(rows),
        note=phrase(
            "{instrument}, {scale}, threshold {t} points. Differences with Newcombe's interval, after "
            "randomization only; those not evaluable stand apart.",
            "{instrument}、{scale}、閾値{t}点。差（割付後の時点のみ）はNewcombe法の信頼区間。評価不能例は別掲。",
            instrument=quality.instrument,
            scale=labels.scale(quality.scale),
            t=f"{quality.threshold:g}",
        ),
    )


def _sensitivity_table(results: Results, quality: QualityOfLife, labels: Labels, level: float) -> Table:
    rows = [_sensitivity_row(own, labels, level) for own in quality.sensitivity]
    columns: list[Column] = []
    for arm in results.arms:
        columns.append(Column(key=arm, heading=labels.arm(arm), fields=PROPORTION_FIELDS))
        columns.append(Column(key=f"{arm}_not_evaluable", heading=Text("Not evaluable", "評価不能")))
    columns += [
        Column(
            key=f"{arm}_difference",
            heading=phrase("Difference, {arm}", "差（{arm}）", arm=labels.arm(arm)),
            fields=ESTIMATE_FIELDS,
        )
        for arm in results.arms[1:]
    ]
    visit = labels.visit(quality.primary_visit)
    return Table(
        id="quality-of-life-thresholds",
        caption=Text(f"The same at {visit.en} under other rules", f"感度分析：{visit.ja}時点、閾値・尺度を変えた場合"),
        stub=Text("Progression is a fall of", "増悪とみなす低下"),
        keys=("scale", "threshold", "in_force"),
        columns=tuple(columns),
        rows=tuple(rows),
    )


def _sensitivity_row(own: Sensitivity, labels: Labels, level: float) -> Row:
    scale = labels.scale(own.scale) if own.scale is not None else Text("any scale", "いずれかの尺度")
    head = phrase(
        "{t} points, {scale}{rule}",
        "{t}点、{scale}{rule}",
        t=f"{own.threshold:g}",
        scale=scale,
        rule=Text(" (rule in force)", "（採用規則）") if own.in_force else Text("", ""),
    )
    cells: list[Cell] = []
    for (_, found), (_, missing) in zip(own.proportions, own.not_evaluable, strict=True):
        cells += [proportion_cell(found), count_cell(missing)]
    cells += [percent_cell(difference.difference, level, difference=True) for difference in own.differences]
    keys: dict[str, Scalar] = {"scale": own.scale or "any", "threshold": own.threshold, "in_force": own.in_force}
    return Row(head=head, keys=keys, cells=tuple(cells), strong=own.in_force)
