"""Adverse events by period, arm and grade, the most frequent terms, the serious ones."""

from oligami.analysis.safety import Safety, SafetyGroup
from oligami.protocol.model.forms import FormRole
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.phrases import Filling, phrase
from oligami.reports.schemes import adverse_event_figure
from oligami.reports.sections.section import Block, Section
from oligami.reports.tables import (
    PROPORTION_FIELDS,
    SHARE_FIELDS,
    Cell,
    Column,
    Row,
    Table,
    proportion_cell,
    share_cell,
)
from oligami.reports.words import EVERYBODY, Labels

TERMS_IN_FIGURE = 12
TERMS_IN_PAGE = 15


def safety_section(safety: Safety, labels: Labels) -> Section:
    """Adverse events by period, arm and grade."""
    title = Text("Adverse events", "有害事象")
    if not safety.terms:
        finding = phrase("No adverse event is on record up to the cut.", "カットオフまで有害事象の記録はない。")
        return Section(id="safety", title=title, finding=finding, blocks=(_summary_table(safety, labels),))
    by_arm = [group for group in safety.groups if group.arm is not None]
    last = [group for group in by_arm if group.period == by_arm[-1].period] if by_arm else list(safety.groups[-1:])
    parts: dict[str, Filling] = {}
    for k, group in enumerate(last):
        parts[f"p{k}"] = phrase(
            "{arm} {severe} % ({n} of {of})",
            "{arm} {severe}%（{of}例中{n}例）",
            arm=labels.arm(group.arm),
            severe=phrases.percent(group.severe.value),
            n=phrases.whole(group.severe.count),
            of=phrases.whole(group.subjects),
        )
    en, ja = ", ".join(f"{{{name}}}" for name in parts), "、".join(f"{{{name}}}" for name in parts)
    finding = phrase(
        f"Subjects with an adverse event of grade {{g}} or more ({{period}}): {en}.",
        f"Grade {{g}}以上の有害事象の発現割合（{{period}}）：{ja}。",
        g=str(safety.severe_grade),
        period=labels.period(last[0].period),
        **parts,
    )
    blocks: list[Block] = [_summary_table(safety, labels)]
    if by_arm:
        figure = adverse_event_figure(
            "adverse-events",
            Text(
                f"Most frequent adverse events ({labels.period(last[0].period).en})",
                f"頻度の高い有害事象（{labels.period(last[0].period).ja}）",
            ),
            safety,
            last[0].period,
            labels,
            terms=TERMS_IN_FIGURE,
            table="terms",
        )
        if figure is not None:
            blocks.append(figure)
    blocks += [_terms_table(safety, labels), _serious_table(safety, labels)]
    return Section(id="safety", title=title, finding=finding, blocks=tuple(blocks))


def _group_name(group: SafetyGroup, labels: Labels) -> Filling:
    return labels.arm(group.arm) if group.arm is not None else EVERYBODY


def _summary_table(safety: Safety, labels: Labels) -> Table:
    rows: list[Row] = []
    for period in dict.fromkeys(group.period for group in safety.groups):
        rows.append(Row(head=labels.period(period)))
        rows += [
            Row(
                head=phrase(
                    "{arm} (n = {n})", "{arm}（n = {n}）", arm=_group_name(group, labels), n=phrases.whole(group.subjects)
                ),
                keys={"period": period, "arm": group.arm},
                cells=(
                    *(share_cell(count, group.subjects) for count in group.worst),
                    proportion_cell(group.severe, with_total=False),
                    proportion_cell(group.serious, with_total=False),
                ),
                indent=True,
            )
            for group in safety.groups
            if group.period == period
        ]
    percent = f"{100 * safety.groups[0].severe.interval.level:.0f}" if safety.groups else "95"
    return Table(
        id="adverse-events",
        caption=Text("Subjects by their worst grade over all terms, number (%)", "最悪Grade別の対象者数（%）"),
        stub=Text("Period and arm", "期間と群"),
        keys=("period", "arm"),
        columns=(
            Column(key="none", heading=Text("No event", "なし"), fields=SHARE_FIELDS),
            *(Column(key=f"grade_{grade}", heading=f"Grade {grade}", fields=SHARE_FIELDS) for grade in range(1, 6)),
            Column(
                key="severe",
                heading=phrase(
                    "Grade {g} or more, % ({l} % CI)", "Grade {g}以上 %（{l}%信頼区間）", g=str(safety.severe_grade), l=percent
                ),
                fields=PROPORTION_FIELDS,
            ),
            Column(
                key="serious",
                heading=phrase("Serious, % ({l} % CI)", "重篤 %（{l}%信頼区間）", l=percent),
                fields=PROPORTION_FIELDS,
            ),
        ),
        rows=tuple(rows),
        note=phrase(
            "{dictionary} {version}; {who}. Exact intervals.",
            "{dictionary} {version}。{who}。正確信頼区間。",
            who=Text("treated subjects", "治療を受けた対象者") if safety.treated_only else Text("registered subjects", "登録例"),
            dictionary=safety.dictionary,
            version=safety.dictionary_version,
        ),
    )


def _terms_table(safety: Safety, labels: Labels) -> Table:
    rows: list[Row] = []
    for at, term in enumerate(safety.terms):
        cells: list[Cell] = []
        for group in safety.groups:
            own = next((count for count in group.terms if count.term == term), None)
            grades = own.grades if own is not None else (0, 0, 0, 0, 0)
            unknown = own.grade_unknown if own is not None else 0
            for count, extra in (
                (own.any if own is not None else 0, (*grades, unknown)),
                (own.severe if own is not None else 0, ()),
            ):
                cell = share_cell(count, group.subjects)
                cells.append(Cell(shown=cell.shown, values=(*cell.values, *extra)))
        rows.append(
            Row(
                head=labels.answer(FormRole.ADVERSE_EVENT, "term", term),
                keys={"term": term},
                cells=tuple(cells),
                in_page=at < TERMS_IN_PAGE,
            )
        )
    columns: list[Column] = []
    for group in safety.groups:
        name = phrase("{period}, {arm}", "{period} {arm}", period=labels.period(group.period), arm=_group_name(group, labels))
        key = f"{group.period}_{group.arm or 'all'}"
        grades_of = tuple(f"grade_{grade}" for grade in (1, 2, 3, 4, 5, "unknown"))
        columns.append(
            Column(
                key=f"{key}_any", heading=phrase("{name}: any", "{name}：全Grade", name=name), fields=(*SHARE_FIELDS, *grades_of)
            )
        )
        columns.append(
            Column(key=f"{key}_severe", heading=phrase("≥ {g}", "≥{g}", g=str(safety.severe_grade)), fields=SHARE_FIELDS)
        )
    return Table(
        id="terms",
        caption=Text("Most frequent terms: subjects by worst grade, number (%)", "頻度の高い有害事象：最悪Gradeによる例数（%）"),
        stub=Text("Term", "有害事象"),
        keys=("term",),
        columns=tuple(columns),
        rows=tuple(rows),
        note=phrase(
            "The {n} most frequent of {all} terms; the CSV holds all, with every grade.",
            "全{all}項目中、頻度の高い{n}項目を表示。CSVには全項目・全Gradeがある。",
            n=phrases.whole(min(TERMS_IN_PAGE, len(safety.terms))),
            all=phrases.whole(len(safety.terms)),
        ),
    )


def _serious_table(safety: Safety, labels: Labels) -> Table:
    counts = {
        term: [next((own.serious for own in group.terms if own.term == term), 0) for group in safety.groups]
        for term in safety.terms
    }
    rows = [
        Row(
            head=labels.answer(FormRole.ADVERSE_EVENT, "term", term),
            keys={"term": term},
            cells=tuple(share_cell(count, group.subjects) for count, group in zip(own, safety.groups, strict=True)),
            in_page=at < TERMS_IN_PAGE,
        )
        for at, (term, own) in enumerate(sorted(counts.items(), key=lambda pair: (-sum(pair[1]), pair[0])))
        if any(own)
    ]
    return Table(
        id="serious",
        caption=Text("Serious adverse events: subjects by term, number (%)", "重篤な有害事象：例数（%）"),
        stub=Text("Term", "有害事象"),
        keys=("term",),
        columns=tuple(
            Column(
                key=f"{group.period}_{group.arm or 'all'}",
                heading=phrase(
                    "{period}, {arm}", "{period} {arm}", period=labels.period(group.period), arm=_group_name(group, labels)
                ),
                fields=SHARE_FIELDS,
            )
            for group in safety.groups
        ),
        rows=tuple(rows),
        note=phrase(
            "The {n} most frequent of {all} terms; the CSV holds all.",
            "全{all}項目中、頻度の高い{n}項目を表示。CSVには全項目がある。",
            n=phrases.whole(TERMS_IN_PAGE),
            all=phrases.whole(len(rows)),
        )
        if len(rows) > TERMS_IN_PAGE
        else None,
    )
