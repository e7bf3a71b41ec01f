"""How the protocol was kept: deviations by kind, arm and grade, and the quality of the data."""

from collections.abc import Sequence

from oligami.analysis.deviations import DeviationCount
from oligami.analysis.results import Results
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.phrases import Filling, phrase
from oligami.reports.sections.section import Section
from oligami.reports.tables import (
    SHARE_FIELDS,
    SPREAD_FIELDS,
    Cell,
    Column,
    Row,
    Table,
    count_cell,
    share_cell,
    spread_cell,
)
from oligami.reports.words import Labels, word


def deviations_section(results: Results, labels: Labels) -> Section:
    """Departures from the protocol."""
    summary = results.deviations
    finding: Filling
    if not summary.deviations:
        finding = phrase("No deviation from the protocol was found.", "プロトコールからの逸脱は認められない。")
    else:
        finding = phrase(
            "{n} departures from the protocol are on record in {m} subjects, {f} found by rule and {r} told by the study office's "
            "grade alone; {k} of them are not graded yet.",
            "{m}例に{n}件の逸脱候補がある（規則による検出{f}件、研究事務局の判定のみによるもの{r}件）。うち{k}件は未判定である。",
            n=phrases.whole(summary.deviations),
            f=phrases.whole(summary.deviations - summary.reported),
            r=phrases.whole(summary.reported),
            m=phrases.whole(summary.subjects),
            k=phrases.whole(summary.not_graded),
        )
    arms: list[str | None] = [*results.arms, None]
    grades: list[str | None] = [*(grade.id for grade in labels.protocol.safety.deviation_grade), None]
    columns = [
        Column(
            key=arm or "before_randomization",
            heading=labels.arm(arm) if arm is not None else Text("Before randomization or undated", "割付前または日付なし"),
            fields=("deviations", "subjects"),
        )
        for arm in arms
    ]
    columns += [Column(key=f"grade_{grade or 'none'}", heading=labels.deviation_grade(grade)) for grade in grades]
    rows: list[Row] = []
    for kind in dict.fromkeys(own.kind for own in summary.kinds):
        told = [own for own in summary.kinds if own.kind == kind]
        for level in [told, *_by_rule([own for own in summary.rules if own.kind == kind])]:
            rule = level[0].rule
            cells = [
                Cell(
                    shown=phrase("{n} ({m})", "{n}（{m}）", n=phrases.whole(own.deviations), m=phrases.whole(own.subjects)),
                    values=(own.deviations, own.subjects),
                )
                for own in level
            ]
            cells += [
                count_cell(sum(tally.count for own in level for tally in own.grades if tally.value == grade)) for grade in grades
            ]
            rows.append(
                Row(
                    head=word(kind) if rule is None else labels.deviation_rule(rule),
                    keys={"kind": kind, "rule": rule},
                    cells=tuple(cells),
                    indent=rule is not None,
                    strong=rule is None,
                )
            )
    table = Table(
        id="deviations",
        caption=Text("Deviations (subjects) by kind and arm, and by grade", "逸脱件数（例数）：種類・群別および判定別"),
        stub=Text("Kind and rule", "種類と規則"),
        keys=("kind", "rule"),
        columns=tuple(columns),
        rows=tuple(rows),
    )
    title = Text("Deviations from the protocol", "プロトコール逸脱")
    return Section(id="deviations", title=title, finding=finding, blocks=(table,))


def _by_rule(counts: Sequence[DeviationCount]) -> list[list[DeviationCount]]:
    found: dict[str | None, list[DeviationCount]] = {}
    for own in counts:
        found.setdefault(own.rule, []).append(own)
    return list(found.values())


def data_quality_section(results: Results, labels: Labels) -> Section:
    """Late and missing forms, corrections and data queries."""
    quality = results.data_quality
    finding: Filling
    if not quality.due:
        finding = phrase(
            "No form was due up to the cut; {c} items were corrected and {q} data queries raised, {o} of them open.",
            "カットオフまでに期限の来た調査票はない。項目の訂正{c}件、データ照会{q}件（未解決{o}件）。",
            c=phrases.whole(quality.corrections),
            q=phrases.whole(quality.queries_raised),
            o=phrases.whole(quality.queries_open),
        )
    else:
        finding = phrase(
            "Of {due} forms due up to the cut {late} came late and {missing} are missing; {c} items were corrected and {q} data "
            "queries raised, {o} of them open.",
            "期限の来た調査票{due}件のうち遅延{late}件、未提出{missing}件。項目の訂正{c}件、データ照会{q}件（未解決{o}件）。",
            due=phrases.whole(quality.due),
            late=phrases.whole(quality.late),
            missing=phrases.whole(quality.missing),
            c=phrases.whole(quality.corrections),
            q=phrases.whole(quality.queries_raised),
            o=phrases.whole(quality.queries_open),
        )
    table = Table(
        id="data-quality",
        caption=Text("Forms due up to the cut", "カットオフまでに期限の来た調査票"),
        stub=Text("Form", "調査票"),
        keys=("form",),
        columns=(
            Column(key="due", heading=Text("Due", "期限到来")),
            Column(key="submitted", heading=Text("Submitted (%)", "提出（%）"), fields=SHARE_FIELDS),
            Column(key="late", heading=Text("Late (%)", "遅延（%）"), fields=SHARE_FIELDS),
            Column(key="missing", heading=Text("Missing (%)", "未提出（%）"), fields=SHARE_FIELDS),
            Column(
                key="days_late", heading=Text("Days late, median (quartiles)", "遅延日数 中央値（四分位）"), fields=SPREAD_FIELDS
            ),
        ),
        rows=tuple(
            Row(
                head=labels.form(own.form),
                keys={"form": own.form},
                cells=(
                    count_cell(own.due),
                    share_cell(own.submitted, own.due),
                    share_cell(own.late, own.due),
                    share_cell(own.missing, own.due),
                    spread_cell(own.days_late),
                ),
            )
            for own in quality.forms
        ),
    )
    return Section(id="data-quality", title=Text("Quality of the data", "データの質"), finding=finding, blocks=(table,))
