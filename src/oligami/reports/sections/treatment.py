"""What was given: local therapy by lesion, systemic therapy kept or changed."""

from collections.abc import Callable, Mapping, Sequence

from oligami.analysis.local_therapy import LocalTherapy
from oligami.analysis.measures import Tally
from oligami.analysis.results import Results
from oligami.analysis.therapy import TherapyCourse
from oligami.protocol.model.forms import FormRole
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.phrases import Filling, phrase
from oligami.reports.sections.section import Block, Section
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
    tally_cell,
    tally_rows,
    words_cell,
)
from oligami.reports.words import Labels, word

REGIMENS_IN_PAGE = 12


def local_therapy_section(results: Results, labels: Labels) -> Section:
    """Local therapy as delivered."""
    told = [own for own in results.local_therapy if own.lesions]
    title = Text("Local therapy delivered", "局所療法の実施状況")
    if not told:
        finding = phrase(
            "No lesion of a randomized subject is due for local therapy yet.", "局所療法の対象となる病変はまだない。"
        )
        return Section(id="local-therapy", title=title, finding=finding)
    first = told[0]
    irradiated = sum(site.radiotherapy for site in first.sites)
    operated = sum(site.surgery for site in first.sites)
    finding = phrase(
        "In {arm} {rt} of {n} lesions were irradiated and {op} operated on; of the {r} that remained at randomization {none} were "
        "not treated. {all} of {m} subjects with remaining lesions had every one treated. Treatment began a median of {start} days "
        "after randomization.",
        "{arm}では{n}病変中{rt}病変に放射線治療、{op}病変に手術が行われ、割付時に残存していた{r}病変のうち{none}病変は未治療であった。"
        "残存病変のある{m}例中{all}例で残存全病変が治療された。割付から治療開始までの中央値は{start}日である。",
        arm=labels.arm(first.arm),
        rt=phrases.whole(irradiated),
        n=phrases.whole(first.lesions),
        op=phrases.whole(operated),
        r=phrases.whole(first.remaining),
        none=phrases.whole(first.remaining - first.remaining_treated),
        all=phrases.whole(first.subjects_complete),
        m=phrases.whole(first.subjects - first.subjects_gone),
        start=phrases.decimal(first.days_to_start.median, 0),
    )
    blocks: list[Block] = []
    for own in told:
        blocks += [_lesions_table(own, labels), _doses_table(own, labels), _delivery_table(own, labels)]
    return Section(id="local-therapy", title=title, finding=finding, blocks=tuple(blocks))


def _lesions_table(own: LocalTherapy, labels: Labels) -> Table:
    rows = [
        Row(
            head=labels.site_of_lesion(site.site),
            keys={"arm": own.arm, "site": site.site},
            cells=(
                count_cell(site.lesions),
                share_cell(site.radiotherapy, site.lesions),
                share_cell(site.surgery, site.lesions),
                share_cell(site.untreated, site.lesions),
                share_cell(site.gone, site.lesions),
            ),
        )
        for site in own.sites
    ]
    total = [sum(counts) for counts in zip(*((s.radiotherapy, s.surgery, s.untreated, s.gone) for s in own.sites), strict=True)]
    rows.append(
        Row(
            head=Text("All lesions", "全病変"),
            keys={"arm": own.arm, "site": "all"},
            cells=(count_cell(own.lesions), *(share_cell(count, own.lesions) for count in total)),
            strong=True,
        )
    )
    return Table(
        id=f"lesions-{own.arm}",
        caption=_caption("Lesions by site and therapy", "部位別・治療法別の病変数", own.arm, labels),
        stub=Text("Site", "部位"),
        keys=("arm", "site"),
        columns=(
            Column(key="lesions", heading=Text("Lesions", "病変")),
            Column(key="radiotherapy", heading=Text("Radiotherapy (%)", "放射線治療（%）"), fields=SHARE_FIELDS),
            Column(key="surgery", heading=Text("Surgery (%)", "手術（%）"), fields=SHARE_FIELDS),
            Column(key="untreated", heading=Text("Remaining, not treated (%)", "残存・未治療（%）"), fields=SHARE_FIELDS),
            Column(
                key="gone",
                heading=Text("Gone before randomization, need no therapy (%)", "割付前に消失・治療不要（%）"),
                fields=SHARE_FIELDS,
            ),
        ),
        rows=tuple(rows),
    )


def _caption(en: str, ja: str, arm: str, labels: Labels) -> Text:
    name = labels.arm(arm)
    return Text(f"{en}, {name.en}", f"{ja}（{name.ja}）")


def _doses_table(own: LocalTherapy, labels: Labels) -> Table:
    rows = []
    for dose in own.doses:
        site = labels.site_of_lesion(dose.site)
        head: Filling = site
        if dose.lung_location is not None:
            place = labels.answer(FormRole.RADIOTHERAPY, "lung_location", dose.lung_location)
            head = phrase("{site}, {place}", "{site}（{place}）", site=site, place=place)
        given = phrase(
            "{gy} Gy / {fr}",
            "{gy} Gy / {fr}回",
            gy=phrases.Number(dose.total_gy, phrases.DASH if dose.total_gy is None else f"{dose.total_gy:g}"),
            fr=phrases.whole(dose.fractions),
        )
        rows.append(
            Row(
                head=head,
                keys={"arm": own.arm, "site": dose.site, "lung_location": dose.lung_location},
                cells=(
                    Cell(shown=given, values=(dose.total_gy, dose.fractions)),
                    words_cell(word(dose.status), dose.status),
                    words_cell(dose.option or phrases.DASH, dose.option),
                    count_cell(dose.lesions),
                ),
            )
        )
    return Table(
        id=f"doses-{own.arm}",
        caption=_caption("Prescriptions given", "線量分割", own.arm, labels),
        stub=Text("Site", "部位"),
        keys=("arm", "site", "lung_location"),
        columns=(
            Column(key="", heading=Text("Dose / fractions", "総線量／回数"), fields=("total_gy", "fractions")),
            Column(key="status", heading=Text("Judged", "判定"), words=True),
            Column(key="option", heading=Text("Option", "規定"), words=True),
            Column(key="lesions", heading=Text("Lesions", "病変")),
        ),
        rows=tuple(rows),
    )


def _delivery_table(own: LocalTherapy, labels: Labels) -> Table:
    def rows_of(what: str, en: str, ja: str, tallies: Sequence[Tally], name: Callable[[str | None], Text]) -> list[Row]:
        found = [Row(head=Text(en, ja))] if tallies else []
        for tally in tallies:
            cell = tally_cell(tally)
            cell = Cell(shown=cell.shown, values=(*cell.values, *(None,) * (len(SPREAD_FIELDS) - 1)))
            keys = {"arm": own.arm, "what": what, "value": tally.value}
            found.append(Row(head=name(tally.value), keys=keys, cells=(cell,), indent=True))
        return found

    def answer(role: FormRole, concept: str) -> Callable[[str | None], Text]:
        return lambda code: labels.answer(role, concept, code)

    counts = (
        ("all", own.subjects_complete),
        ("some", own.subjects_partial),
        ("none", own.subjects_none),
        ("gone", own.subjects_gone),
    )
    subjects = [Tally(value=value, count=n, total=own.subjects) for value, n in counts]
    names = {
        "all": Text("every remaining lesion", "残存全病変"),
        "some": Text("some remaining lesions", "残存病変の一部"),
        "none": Text("no remaining lesion", "なし"),
        "gone": Text("nothing: every lesion was gone before randomization", "対象なし（割付前に全病変が消失）"),
    }
    radiotherapy, surgery = FormRole.RADIOTHERAPY, FormRole.SURGERY
    rows = [
        *rows_of(
            "subjects", "Subjects with treatment of", "治療された病変（例数）", subjects, lambda code: names[code or "none"]
        ),
        *rows_of(
            "technique", "Radiotherapy: technique", "放射線治療：照射技術", own.techniques, answer(radiotherapy, "technique")
        ),
        *rows_of("dose", "Radiotherapy: dose", "放射線治療：線量", own.dose_statuses, word),
        *rows_of(
            "completion", "Radiotherapy: completion", "放射線治療：完遂", own.completion, answer(radiotherapy, "completion")
        ),
        *rows_of("margin", "Surgery: margin", "手術：切除断端", own.margins, answer(surgery, "margin")),
        *rows_of(
            "complication",
            "Surgery: worst complication (Clavien-Dindo)",
            "手術：最悪の合併症（Clavien–Dindo分類）",
            own.complications,
            answer(surgery, "complication_grade"),
        ),
        Row(head=Text("Days from randomization, median (quartiles)", "割付からの日数 中央値（四分位）")),
    ]
    for what, en, ja, days in (
        ("days_to_start", "to the first treatment", "治療開始まで", own.days_to_start),
        ("days_to_end", "to the end of the last", "治療終了まで", own.days_to_end),
    ):
        cell = spread_cell(days)
        cell = Cell(shown=cell.shown, values=(days.n, None, *cell.values[1:]))
        rows.append(Row(head=Text(en, ja), keys={"arm": own.arm, "what": what}, cells=(cell,), indent=True))
    return Table(
        id=f"delivery-{own.arm}",
        caption=_caption("Delivery: number (%) of lesions unless said otherwise", "実施状況：病変数（%）", own.arm, labels),
        stub=Text("Item", "項目"),
        keys=("arm", "what", "value"),
        columns=(Column(key="", heading=labels.arm(own.arm), fields=("n", "share", *SPREAD_FIELDS[1:])),),
        rows=tuple(rows),
    )


def therapy_section(results: Results, labels: Labels) -> Section:
    """Systemic therapy after randomization."""
    told = results.therapy
    title = Text("Systemic therapy kept or changed", "薬物療法の継続と変更")
    if not any(own.subjects for own in told):
        finding = phrase("Nobody is randomized yet.", "割付例はまだない。")
        return Section(id="therapy", title=title, finding=finding)
    parts: dict[str, Filling] = {}
    for k, own in enumerate(told):
        crossed: Filling = ""
        if own.crossover is not None:
            x = phrases.whole(own.crossover.count)
            crossed = phrase(", {x} had crossover", "、クロスオーバー{x}例", x=x)
        parts[f"p{k}"] = phrase(
            "{arm}: {kept} of {n} randomized, {s} of the {n} with an agent exchanged or dropped as allowed{crossed}",
            "{arm}：割付{n}例中{kept}例（規定内の薬剤変更・減剤は{n}例中{s}例）{crossed}",
            arm=labels.arm(own.arm),
            kept=phrases.whole(own.kept_same),
            s=phrases.whole(own.switched.count),
            n=phrases.whole(own.subjects),
            crossed=crossed,
        )
    en = "; ".join(f"{{{name}}}" for name in parts)
    ja = "。".join(f"{{{name}}}" for name in parts)
    finding = phrase(
        f"Same systemic therapy until progression, death or the cut — {en}.",
        f"増悪・死亡・カットオフまでの同一治療の継続 — {ja}。",
        **parts,
    )
    return Section(
        id="therapy", title=title, finding=finding, blocks=(_therapy_table(told, labels), _regimen_table(told, labels))
    )


def _therapy_table(told: Sequence[TherapyCourse], labels: Labels) -> Table:
    def names(tallies: Sequence[Sequence[Tally]], name: Callable[[str | None], Text]) -> Mapping[str | None, Filling]:
        return {tally.value: name(tally.value) for column in tallies for tally in column}

    rows: list[Row] = []
    groups: tuple[tuple[str, Text, list[tuple[Tally, ...]], Callable[[str | None], Text]], ...] = (
        ("kept", Text("Same therapy", "同一治療"), [own.kept for own in told], word),
        (
            "change_reason",
            Text("Why it was changed", "変更の理由"),
            [own.change_reasons for own in told],
            lambda code: labels.answer(FormRole.THERAPY_CHANGE, "reason", code),
        ),
        (
            "end_reason",
            Text("Why protocol treatment ended", "プロトコール治療終了の理由"),
            [own.end_reasons for own in told],
            lambda code: labels.answer(FormRole.TREATMENT_END, "reason", code),
        ),
    )
    for what, head, tallies, name in groups:
        found = tally_rows(tallies, names(tallies, name), "value")
        if found:
            rows.append(Row(head=head))
            rows += [Row(head=row.head, keys={"what": what, **row.keys}, cells=_padded(row.cells), indent=True) for row in found]
    head = Text("Agent exchanged or dropped as allowed, at any time", "規定内の薬剤変更・減剤（全期間）")
    rows.append(Row(head=head, keys={"what": "switched"}, cells=_padded(tuple(tally_cell(own.switched) for own in told))))
    crossed = tuple(tally_cell(own.crossover) for own in told if own.crossover is not None)
    if crossed:
        head = Text("Crossover to local therapy before progression", "増悪前の局所療法へのクロスオーバー")
        rows.append(Row(head=head, keys={"what": "crossover"}, cells=_padded(crossed)))
    for what, head, spreads in (
        (
            "courses_before",
            Text("Courses before randomization, median (quartiles)", "割付前コース数 中央値（四分位）"),
            [own.courses_before for own in told],
        ),
        (
            "courses_after",
            Text("Courses after randomization, median (quartiles)", "割付後コース数 中央値（四分位）"),
            [own.courses_after for own in told],
        ),
    ):
        cells = []
        for spread in spreads:
            cell = spread_cell(spread)
            cells.append(Cell(shown=cell.shown, values=(spread.n, None, *cell.values[1:])))
        rows.append(Row(head=head, keys={"what": what}, cells=tuple(cells)))
    return Table(
        id="therapy",
        caption=Text("Systemic therapy after randomization: number (%)", "割付後の薬物療法：例数（%）"),
        stub=Text("Item", "項目"),
        keys=("what", "value"),
        columns=_arm_columns(told, labels, ("n", "share", *SPREAD_FIELDS[1:])),
        rows=tuple(rows),
    )


def _padded(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(Cell(shown=cell.shown, values=(*cell.values, *(None,) * (len(SPREAD_FIELDS) - 1))) for cell in cells)


def _arm_columns(told: Sequence[TherapyCourse], labels: Labels, fields: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(
        Column(
            key=own.arm,
            heading=phrase("{arm} (n = {n})", "{arm}（n = {n}）", arm=labels.arm(own.arm), n=phrases.whole(own.subjects)),
            fields=fields,
        )
        for own in told
    )


def _regimen_table(told: Sequence[TherapyCourse], labels: Labels) -> Table:
    tallies = [own.regimens for own in told]
    found = tally_rows(tallies, {tally.value: labels.regimen(tally.value) for column in tallies for tally in column}, "regimen")
    frequency = {row.keys.get("regimen"): sum(int(cell.values[0] or 0) for cell in row.cells) for row in found}
    ordered = sorted(found, key=lambda row: (-frequency[row.keys.get("regimen")], str(row.keys.get("regimen"))))
    rows = [Row(head=row.head, keys=row.keys, cells=row.cells, in_page=at < REGIMENS_IN_PAGE) for at, row in enumerate(ordered)]
    return Table(
        id="regimens",
        caption=Text("Regimen in force at randomization: number (%)", "割付時のレジメン：例数（%）"),
        stub=Text("Regimen", "レジメン"),
        keys=("regimen",),
        columns=_arm_columns(told, labels, SHARE_FIELDS),
        rows=tuple(rows),
        note=phrase(
            "The {n} most frequent; the CSV holds all.", "頻度の高い{n}種を表示。CSVには全てがある。", n=str(REGIMENS_IN_PAGE)
        )
        if len(rows) > REGIMENS_IN_PAGE
        else None,
    )
