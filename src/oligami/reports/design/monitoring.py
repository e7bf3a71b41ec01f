"""A look at the primary endpoint, told to the few who may see it."""

from collections.abc import Sequence
from pathlib import Path

from oligami.analysis.monitoring import Decision, LookResult, LookTaken
from oligami.analysis.provenance import provenance_facts
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.design.folder import banner_words, header_words, write_page
from oligami.reports.phrases import DASH, Filling, Number, phrase
from oligami.reports.sections.section import Section
from oligami.reports.tables import Cell, Column, Row, Table, number_cell, ratio_cell, words_cell

#: Said before anything else wherever arms are compared.
CLOSED = Text(
    "Shows results by arm: only for the independent statistician and the committee, and for nobody who treats, enters data or runs the trial.",
    "群別の結果を含む。独立した統計家と効果・安全性評価委員会に限り、治療・データ入力・試験運営に関わる者は閲覧しない。",
)

DECISIONS: dict[Decision, Text] = {
    "continue": Text("goes on", "継続"),
    "reject": Text("efficacy bound crossed", "有効性の境界に到達"),
    "futility": Text("below the futility bound", "無益性の境界を下回る"),
    "not rejected": Text("ends, not rejected", "終了、棄却せず"),
    "not planned": Text("no look of the plan: nothing is decided", "計画された解析ではない：判定なし"),
    "no test": Text("no test possible yet", "検定不能"),
}


def look_sections(result: LookResult, protocol: Protocol) -> list[Section]:
    """Return the sections of a look: the looks so far, what may come, and the final inference."""
    sections = [_looks(result, protocol)]
    if result.ahead is not None:
        sections.append(_ahead(result))
    if result.final is not None:
        sections.append(_final(result))
    return sections


def write_look_report(result: LookResult, protocol: Protocol, out: Path, *, command: str) -> Sequence[Path]:
    """Write the page of a look, with its warning on top.

    Args:
        result: of `take_look`.
        protocol: whose trial it is.
        out: the folder; an earlier page of the same kind is replaced.
        command: that makes the same again.

    Raises:
        ValueError: `out` is a file or holds something else.
    """
    sections = look_sections(result, protocol)
    return write_page(
        out,
        protocol,
        form="oligami-look/1",
        what=Text("page of a look", "中間解析のページ"),
        title=Text("look at the primary endpoint", "主要評価項目の解析"),
        header=header_words(result.provenance.up_to.isoformat(), result.provenance.through, protocol),
        banner=banner_words(CLOSED, simulated=result.provenance.simulated),
        banner_class="simulated" if result.provenance.simulated else "closed",
        # What it means stands on top; what was seen is the finding of the first section.
        lead=sections[-1].finding,
        sections=sections,
        facts=provenance_facts(result.provenance),
        command=command,
        results=result,
    )


def _looks(result: LookResult, protocol: Protocol) -> Section:
    last = result.looks[-1]
    arms = [protocol.arm(arm).short_title for arm in result.arms]
    kind = Text("Final analysis", "最終解析") if result.is_final else Text("Look", "解析")
    finding = phrase(
        "{kind} {k}: {e} of {n} events planned ({f} %). z = {z}, one-sided p {p}; {d}.",
        "{kind}（{k}回目）：計画{n}件中{e}件（情報割合{f}%）。z = {z}、片側p {p}。{d}。",
        kind=kind,
        k=str(last.look),
        e=phrases.whole(last.events),
        n=phrases.whole(result.basis.planned_events),
        f=phrases.percent(last.fraction),
        z=phrases.decimal(last.z, 3),
        p=phrases.p_value(last.p_one_sided),
        d=DECISIONS[last.decision],
    )
    futile = any(look.z_futility is not None for look in result.looks)
    blocks: list[Filling | Table] = [CLOSED]
    if not result.has_interim_plan:
        blocks.append(
            Text(
                "The protocol has no plan of interim analyses: the whole level belongs to the analysis at the end, and before it nothing is decided. "
                "--final says that this is the end.",
                "実施計画書に中間解析の計画はなく、有意水準はすべて最終解析で用いる。それ以前には判定しない。最終解析とする場合は --final を指定する。",
            )
        )
    percent = f"{100 * result.repeated_level:g}"
    blocks.append(
        Table(
            id="looks",
            caption=Text("The looks so far", "これまでの解析"),
            stub=Text("Data up to", "カットオフ"),
            keys=("look", "up_to", "through"),
            columns=(
                Column(key="events", heading=Text("Events", "イベント"), fields=("", "control", "experimental")),
                Column(key="fraction", heading=Text("Information (%)", "情報割合（%）")),
                Column(key="z", heading=Text("z", "z")),
                Column(key="p", heading=Text("p, one-sided", "片側p値")),
                Column(key="z_efficacy", heading=Text("Bound z", "境界z"), fields=("", "hr")),
                *((Column(key="z_futility", heading=Text("Futility z", "無益性z"), fields=("", "hr")),) if futile else ()),
                Column(key="alpha_spent", heading=Text("Alpha spent", "累積α")),
                Column(key="decision", heading=Text("Says", "判定"), words=True),
            ),
            rows=tuple(_look_row(look, futile=futile) for look in result.looks),
            note=phrase(
                "Events: all ({a} / {b}). Log-rank test stratified as the protocol says; z above 0 favours {b}. Bounds from the events observed.",
                "イベント：全体（{a}／{b}）。プロトコールの層による層別ログランク検定、z > 0は{b}に有利。境界は観察されたイベント数による。",
                a=arms[0],
                b=arms[1],
            ),
        )
    )
    blocks.append(
        Table(
            id="ratios",
            caption=Text("Hazard ratio", "ハザード比"),
            stub=Text("Data up to", "カットオフ"),
            keys=("look",),
            columns=(
                Column(
                    key="cox",
                    heading=Text(f"Cox ({percent} % CI)", f"Cox（{percent}%信頼区間）"),
                    fields=("estimate", "lower", "upper"),
                ),
                Column(
                    key="repeated",
                    heading=Text(f"Score (repeated {percent} % CI)", f"スコア（反復{percent}%信頼区間）"),
                    fields=("estimate", "lower", "upper"),
                ),
                Column(key="repeated_p", heading=Text("Repeated p", "反復p値")),
            ),
            rows=tuple(_ratio_row(look, result.repeated_level) for look in result.looks),
            note=Text(
                "Repeated: holds at all looks together. Score: exp(−z / √(events × share × share)).",
                "反復：すべての解析時点で同時に成り立つ。スコア：exp(−z/√(イベント×割付割合の積))。",
            ),
        )
    )
    return Section(id="looks", title=Text("The looks so far", "これまでの解析"), finding=finding, blocks=blocks)


def _look_row(look: LookTaken, *, futile: bool) -> Row:
    shown = phrase(
        "{n} ({a}/{b})", "{n}（{a}/{b}）",
        n=phrases.whole(look.events), a=phrases.whole(look.events_by_arm[0]), b=phrases.whole(look.events_by_arm[1]),
    )  # fmt: skip
    bounds = [(look.z_efficacy, look.hr_efficacy), *([(look.z_futility, look.hr_futility)] if futile else [])]
    return Row(
        head=look.up_to.isoformat(),
        keys={"look": look.look, "up_to": look.up_to.isoformat(), "through": look.through},
        cells=(
            Cell(shown=shown, values=(look.events, *look.events_by_arm)),
            number_cell(phrases.percent(look.fraction)),
            number_cell(phrases.decimal(look.z, 3)),
            number_cell(phrases.p_value(look.p_one_sided)),
            *(Cell(shown=_bound(z, ratio), values=(z, ratio)) for z, ratio in bounds),
            number_cell(phrases.decimal(look.alpha_spent, 4)),
            words_cell(DECISIONS[look.decision], look.decision),
        ),
    )


def _bound(z: float | None, ratio: float | None) -> Filling:
    if z is None:
        return DASH
    return phrase("{z} (HR {r})", "{z}（HR {r}）", z=phrases.decimal(z, 3), r=phrases.ratio(ratio))


def _ratio_row(look: LookTaken, level: float) -> Row:
    repeated: Filling = DASH
    values: tuple[float | None, ...] = (None, None, None)
    if look.repeated_hr is not None:
        values = look.repeated_hr
        repeated = _interval(*look.repeated_hr)
    return Row(
        head=look.up_to.isoformat(),
        keys={"look": look.look},
        cells=(
            ratio_cell(look.hazard_ratio, look.hazard_ratio.intervals[0].level if look.hazard_ratio.intervals else level),
            Cell(shown=repeated, values=values),
            number_cell(phrases.p_value(look.repeated_p)),
        ),
    )


def _interval(value: float, lower: float, upper: float) -> Filling:
    shown = [phrases.ratio(each) for each in (value, lower, upper)]
    return phrase("{v} ({a}–{b})", "{v} ({a}–{b})", v=shown[0], a=shown[1], b=shown[2])


def _ahead(result: LookResult) -> Section:
    ahead = result.ahead
    assert ahead is not None
    rows: tuple[tuple[str, Text, float], ...] = (
        ("trend", Text("if the effect seen so far is the true one", "観察された効果が真の場合"), ahead.conditional_trend),
        ("design", Text("if that of the preset in force is", "採用した仮定の効果が真の場合"), ahead.conditional_design),
        ("no_effect", Text("if there is none", "効果がない場合"), ahead.conditional_no_effect),
        (
            "predictive",
            Text("averaged over what the data say (predictive)", "データによる効果の分布で平均（予測検出力）"),
            ahead.predictive,
        ),
    )
    table = Table(
        id="ahead",
        caption=Text("Probability to reject later", "以後に棄却する確率"),
        stub=Text("Effect from now on", "今後の効果"),
        keys=("effect",),
        columns=(Column(key="probability", heading=Text("Probability (%)", "確率（%）")),),
        rows=tuple(
            Row(head=head, keys={"effect": code}, cells=(number_cell(phrases.percent(value)),)) for code, head, value in rows
        ),
    )
    finding = phrase(
        "Conditional power {a} % under the effect seen, {b} % under the one assumed; predictive power {c} %.",
        "条件付き検出力は観察された効果で{a}%、仮定した効果で{b}%。予測検出力は{c}%。",
        a=phrases.percent(ahead.conditional_trend),
        b=phrases.percent(ahead.conditional_design),
        c=phrases.percent(ahead.predictive),
    )
    return Section(id="ahead", title=Text("What may come", "今後の見通し"), finding=finding, blocks=(table,))


def _final(result: LookResult) -> Section:
    final = result.final
    assert final is not None
    level = f"{100 * final.conf_level:g}"
    finding = phrase(
        "If the trial ends here: one-sided p {p}, median-unbiased hazard ratio {h} ({c} % CI {a}–{b}).",
        "ここで終了する場合：片側p {p}、中央値不偏ハザード比 {h}（{c}%信頼区間 {a}–{b}）。",
        p=phrases.p_value(final.p_one_sided),
        h=phrases.ratio(final.hazard_ratio),
        c=level,
        a=phrases.ratio(final.lower),
        b=phrases.ratio(final.upper),
    )
    values: tuple[tuple[str, Text, Number], ...] = (
        ("p", Text("p, one-sided, stagewise", "片側p値（段階順序）"), phrases.p_value(final.p_one_sided)),
        (
            "hazard_ratio",
            Text("Hazard ratio, median-unbiased", "ハザード比（中央値不偏）"),
            phrases.decimal(final.hazard_ratio, 3),
        ),
        ("lower", Text(f"Lower {level} % limit", f"{level}%下限"), phrases.decimal(final.lower, 3)),
        ("upper", Text(f"Upper {level} % limit", f"{level}%上限"), phrases.decimal(final.upper, 3)),
    )
    table = Table(
        id="final",
        caption=Text("Inference that counts the looks", "解析回数を考慮した推測"),
        stub=Text("Quantity", "項目"),
        keys=("quantity",),
        columns=(Column(key="value", heading=Text("Value", "値")),),
        rows=tuple(Row(head=head, keys={"quantity": code}, cells=(number_cell(number),)) for code, head, number in values),
        note=Text("Stagewise ordering (Tsiatis, Rosner and Mehta 1984).", "段階順序による（Tsiatis, Rosner and Mehta 1984）。"),
    )
    return Section(id="final", title=Text("If the trial ends here", "ここで終了する場合"), finding=finding, blocks=(table,))
