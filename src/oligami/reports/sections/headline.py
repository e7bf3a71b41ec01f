"""The primary endpoint in three lines, and how a hazard ratio and a test are said."""

from collections.abc import Sequence

from oligami.analysis.endpoints import Comparison, EndpointResult, LogrankTest
from oligami.analysis.measures import Estimate
from oligami.analysis.results import Results
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.phrases import Filling, Number, phrase
from oligami.reports.tables import percent_cell
from oligami.reports.words import Labels


def hazard_ratio_phrase(estimate: Estimate, levels: Sequence[float], *, named: bool = True) -> Filling:
    """A hazard ratio with all its intervals, or why there is none; `named` puts the words "hazard ratio" before it."""
    if estimate.value is None:
        reason = estimate.reason or Text("not defined", "定義されない")
        if not named:
            return phrase("not estimated: {why}", "推定できない：{why}", why=reason)
        return phrase("hazard ratio not estimated: {why}", "ハザード比は推定できない：{why}", why=reason)
    gaps: dict[str, Filling] = {"hr": phrases.ratio(estimate.value)}
    en, ja = [], []
    for k, level in enumerate(levels):
        interval = estimate.interval(level)
        gaps |= {f"l{k}": phrases.ratio(interval.lower), f"u{k}": phrases.ratio(interval.upper)}
        en.append(f"{100 * level:.0f} % CI {{l{k}}}–{{u{k}}}")
        ja.append(f"{100 * level:.0f}%信頼区間 {{l{k}}}–{{u{k}}}")
    before = Text("hazard ratio ", "ハザード比 ") if named else Text("", "")
    return phrase(f"{before.en}{{hr}} ({'; '.join(en)})", f"{before.ja}{{hr}}（{'、'.join(ja)}）", **gaps)


def logrank_phrase(test: LogrankTest, sided: int) -> Filling:
    """The stratified log-rank test with its p value, or why there is none."""
    p = test.p_one_sided if sided == 1 else test.p_two_sided
    if p is None:
        reason = test.reason or Text("not defined", "定義されない")
        return phrase("no log-rank test: {why}", "ログランク検定なし：{why}", why=reason)
    if sided == 1:
        return phrase("stratified log-rank test, one-sided p {p}", "層別ログランク検定 片側 p {p}", p=equals(phrases.p_value(p)))
    return phrase("stratified log-rank test, two-sided p {p}", "層別ログランク検定 両側 p {p}", p=equals(phrases.p_value(p)))


def equals(p: Number) -> Number:
    """Put the sign of equality before a p value that has none of its own."""
    return p if p.shown.startswith("<") else Number(p.value, f"=\u00a0{p.shown}")


def headline_lines(results: Results, labels: Labels) -> list[tuple[Text, Filling]]:
    """The primary endpoint in three lines: hazard ratio, test, survival at the milestone."""
    result = results.endpoints[results.headline.primary]
    lines: list[tuple[Text, Filling]] = []
    head = results.headline
    for comparison in result.comparisons:
        against = (
            phrase(
                "{b} against {a}: ",
                "{b}対{a}：",
                b=labels.arm(comparison.experimental),
                a=labels.arm(comparison.control),
            )
            if len(result.comparisons) > 1
            else Text("", "")
        )
        ratio = hazard_ratio_phrase(comparison.hazard_ratio, result.confidence_levels, named=False)
        lines.append(
            (Text("Hazard ratio", "ハザード比"), phrase("{against}{ratio}", "{against}{ratio}", against=against, ratio=ratio))
        )
        test = phrase(
            "{against}{test}; planned level {alpha}{descriptive}",
            "{against}{test}（計画有意水準 {alpha}{descriptive}）",
            against=against,
            test=logrank_phrase(comparison.stratified, head.sided),
            alpha=f"{head.alpha:g}",
            descriptive=Text("", "")
            if head.is_planned_analysis
            else Text("; before the planned analysis, so for description only", "、計画された解析より前のため記述のみ"),
        )
        lines.append((Text("Test", "検定"), test))
        lines.append(
            (
                Text(f"{head.milestone_years:g}-year survival", f"{head.milestone_years:g}年生存割合"),
                _milestone_line(result, comparison, head.milestone_years, labels),
            )
        )
    if not lines:
        lines.append(
            (
                labels.endpoint(head.primary),
                phrase("Nobody is randomized yet, so there is nothing to compare.", "割付例がまだないため比較できない。"),
            )
        )
    return lines


def _milestone_line(result: EndpointResult, comparison: Comparison, years: float, labels: Labels) -> Filling:
    level = result.curve_level
    parts: list[Filling] = []
    for arm in (comparison.control, comparison.experimental):
        curve = next((own for own in result.curves if own.arm == arm), None)
        at = next((own.survival for own in curve.milestones if own.years == years), None) if curve is not None else None
        if at is None or at.value is None:
            reason = (at.reason if at is not None else None) or Text("nobody", "対象者なし")
            parts.append(phrase("{arm}: {why}", "{arm}：{why}", arm=labels.arm(arm), why=reason))
        else:
            parts.append(phrase("{arm}: {p}", "{arm}：{p}", arm=labels.arm(arm), p=_percent_phrase(at, level)))
    found = next((own.difference for own in comparison.differences if own.years == years), None)
    if found is None or found.value is None:
        return phrase("{a}; {b}", "{a}、{b}", a=parts[0], b=parts[1])
    return phrase(
        "{a}; {b}; difference {d} points",
        "{a}、{b}、差 {d}ポイント",
        a=parts[0],
        b=parts[1],
        d=percent_cell(found, level, difference=True).shown,
    )


def _percent_phrase(estimate: Estimate, level: float) -> Filling:
    interval = estimate.interval(level)
    if interval.lower is None:
        return phrase("{v} %", "{v}%", v=phrases.percent(estimate.value))
    return phrase(
        "{v} % ({a}–{b})",
        "{v}%（{a}–{b}）",
        v=phrases.percent(estimate.value),
        a=phrases.percent(interval.lower),
        b=phrases.percent(interval.upper),
    )
