"""How the numbers were made, where they come from, and the command that makes them again."""

from oligami.analysis.provenance import command_again, provenance_facts
from oligami.analysis.results import Results
from oligami.protocol.text import Text
from oligami.reports.phrases import Filling, phrase
from oligami.reports.sections.section import Section
from oligami.reports.tables import Column, Row, Table, words_cell
from oligami.reports.words import Labels, listed

FACTS = {
    "software": Text("Software", "ソフトウェア"),
    "software_version": Text("Version", "バージョン"),
    "trial": Text("Trial", "試験"),
    "protocol_version": Text("Protocol version", "プロトコール版"),
    "protocol_digest": Text("Protocol digest", "プロトコールのダイジェスト"),
    "journal_records": Text("Records in the journal", "ジャーナルの記録数"),
    "journal_head": Text("Seal of the last record counted", "最終記録のシール"),
    "through": Text("Cut: through record", "カットオフ：記録番号"),
    "up_to": Text("Cut: up to date", "カットオフ：日付"),
    "simulated": Text("Simulated", "シミュレーション"),
    "seed": Text("Seed", "乱数シード"),
}

YES, NO = Text("yes", "はい"), Text("no", "いいえ")

CURVE_TYPES = {
    "log-log": Text("log-log", "log-log"),
    "log": Text("log", "log"),
    "plain": Text("untransformed", "無変換"),
}

#: Sentences that stand only where the report has such numbers.
INCIDENCE = Text("Cumulative incidence by Aalen and Johansen. ", "累積発生割合はAalen–Johansen法による。")
PROPORTIONS = Text(
    "Proportions have exact (Clopper-Pearson) intervals, their differences those of Newcombe (method 10). ",
    "割合は正確（Clopper–Pearson）信頼区間、その差はNewcombe法（method 10）による。",
)
NOTHING = Text("", "")


def methods_section(results: Results, labels: Labels) -> Section:
    """Methods and provenance."""
    analysis = labels.protocol.analysis
    strata = listed([labels.factor(own.factor) for own in analysis.stratum]) if analysis.stratum else Text("none", "なし")
    levels = listed([Text(f"{100 * level:.0f} %", f"{100 * level:.0f}%") for level in analysis.confidence_levels])
    methods: Filling = phrase(
        "Survival by the Kaplan-Meier method with {curve} intervals from Greenwood's error; medians by Brookmeyer and Crowley; "
        "follow-up by the reverse Kaplan-Meier method. Arms are compared as randomized by the log-rank test (hypergeometric variance), "
        "stratified by {strata}, and by Cox's model with Efron's treatment of ties, with Wald intervals of {levels}. Differences of "
        "survival at a time rest on Greenwood's errors. {incidence}{proportions}A month is {month} days, a year {year}; the "
        "day of the start is day 0. Nothing missing was imputed.",
        "生存曲線はKaplan–Meier法、信頼区間はGreenwoodの標準誤差に基づく{curve}変換、中央値はBrookmeyer–Crowley法、追跡期間は逆Kaplan–Meier法による。"
        "群間比較は割付どおりに、{strata}で層別したログランク検定（超幾何分散）とCoxモデル（タイはEfron法、Wald信頼区間{levels}）による。"
        "時点生存割合の差はGreenwoodの標準誤差による。{incidence}{proportions}"
        "1か月は{month}日、1年は{year}日、起算日を0日とする。欠測の補完は行っていない。",
        curve=CURVE_TYPES[analysis.curve_confidence_type],
        strata=strata,
        incidence=INCIDENCE if results.progression_sites else NOTHING,
        proportions=PROPORTIONS if results.safety is not None or results.quality_of_life is not None else NOTHING,
        levels=levels,
        month=f"{analysis.days_per_month:g}",
        year=f"{analysis.days_per_year:g}",
    )
    again = phrase(
        "The same cut is made again by: {command}", "同じカットオフの再実行：{command}", command=command_again(results.provenance)
    )
    rows = []
    for name, fact in provenance_facts(results.provenance).items():
        shown: Filling = (YES if fact else NO) if isinstance(fact, bool) else "–" if fact is None else str(fact)
        rows.append(Row(head=FACTS[name], keys={"fact": name}, cells=(words_cell(shown, fact),)))
    table = Table(
        id="provenance",
        caption=Text("Where the numbers come from", "結果の出所"),
        stub=Text("Fact", "項目"),
        keys=("fact",),
        columns=(Column(key="value", heading=Text("Value", "値"), words=True),),
        rows=tuple(rows),
    )
    finding = phrase(
        "Every number follows from the journal up to the cut and from the protocol; nothing else went into it.",
        "すべての数値はカットオフまでのジャーナルとプロトコールのみから導かれている。",
    )
    return Section(
        id="methods",
        title=Text("Methods and provenance", "方法と出所"),
        finding=finding,
        blocks=(analysis.text, methods, again, table),
    )
