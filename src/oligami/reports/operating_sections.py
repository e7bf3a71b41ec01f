"""The sections of the page of operating characteristics: scenarios, tests, designs, a sweep, the calendar of events, concealment."""

import math
from typing import Any

from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.charts import Axis, Series, line_chart, marks_between
from oligami.reports.phrases import Filling, Number, phrase
from oligami.reports.sections.section import Section
from oligami.reports.tables import Cell, Column, Row, Table, number_cell, words_cell
from oligami.simulation.fast.counts import BIN_MONTHS, Moments
from oligami.simulation.fast.operating import QUANTILES, OperatingCharacteristics, Share, SweepCell, quantiles
from oligami.simulation.fast.plan import Test
from oligami.simulation.fast.study import EventsCalendar, Study

TEST_NAMES = {
    Test.LOGRANK: Text("Log-rank", "ログランク"),
    Test.STRATIFIED: Text("Stratified log-rank", "層別ログランク"),
    Test.WEIGHTED: Text("Weighted log-rank", "重み付きログランク"),
    Test.COX: Text("Stratified Cox", "層別Cox"),
    Test.RMST: Text("Restricted mean", "RMST"),
    Test.MILESTONE: Text("Milestone survival", "時点生存割合"),
}

_AXES = {
    "control": Text("Control survival", "対照群の生存割合"),
    "difference": Text("Difference (points)", "差（ポイント）"),
    "accrual_years": Text("Accrual (years)", "登録期間（年）"),
    "pass_share": Text("Reach randomization", "割付に進む割合"),
}


_METHODS = {
    "minimization": Text("Minimization", "最小化法"),
    "permuted_blocks": Text("Permuted blocks", "置換ブロック法"),
    "simple": Text("Simple randomization", "単純無作為化"),
}


def operating_sections(study: Study) -> list[Section]:
    """Return the sections: scenarios, tests, designs, sweep, calendar of events, predictability, assumptions."""
    return [
        _scenarios(study),
        _tests(study),
        _designs(study),
        _sweep(study),
        _calendar(study),
        _predictability(study),
        _assumptions(study),
    ]


def share_cell(share: Share) -> Cell:
    """A share in percent with its Monte Carlo error. Fields: share, std_err, trials."""
    shown = phrase("{p} ± {e}", "{p} ± {e}", p=phrases.percent(share.value, 2), e=phrases.percent(share.std_err, 2))
    return Cell(shown=shown, values=(share.value, share.std_err, share.trials))


def mean_cell(moments: Moments, digits: int = 1) -> Cell:
    """A mean. Fields: mean, sd, std_err."""
    values = tuple(None if math.isnan(each) else each for each in (moments.mean, moments.std_dev, moments.std_err))
    return Cell(shown=phrases.decimal(values[0], digits), values=values)


SHARE = ("share", "std_err", "trials")
MEAN = ("mean", "sd", "std_err")


def _scenarios(study: Study) -> Section:
    rows = []
    for each in study.scenarios:
        result, primary = each.result, next(iter(each.result.power))
        ratio = None if math.isnan(result.log_hr.mean) else math.exp(result.log_hr.mean)
        low, middle, high = (result.duration_quantiles[k] for k in (0, 2, 4))
        cells = (
            share_cell(result.power[primary]),
            mean_cell(result.duration),
            Cell(shown=phrase("{a}–{b}", "{a}〜{b}", a=f"{low:g}", b=f"{high:g}"), values=(low, middle, high)),
            mean_cell(result.events),
            mean_cell(result.registered),
            mean_cell(result.randomized),
            mean_cell(result.difference, 2),
            number_cell(phrases.ratio(ratio)),
        )
        rows.append(Row(head=each.scenario.title, keys={"scenario": each.scenario.id}, cells=cells))
    table = Table(
        id="scenarios",
        caption=Text("The design under each scenario", "各シナリオにおける計画の動作"),
        stub=Text("Scenario", "シナリオ"),
        keys=("scenario",),
        columns=(
            Column(key="rejects", heading=Text("Rejects (%)", "棄却（%）"), fields=SHARE),
            Column(key="duration", heading=Text("Months", "期間（月）"), fields=MEAN),
            Column(key="duration_q", heading=Text("90 % of trials", "90%範囲"), fields=("p05", "p50", "p95")),
            Column(key="events", heading=Text("Events", "イベント"), fields=MEAN),
            Column(key="registered", heading=Text("Registered", "登録"), fields=MEAN),
            Column(key="randomized", heading=Text("Randomized", "割付"), fields=MEAN),
            Column(key="difference", heading=Text("|A − B|", "|A−B|"), fields=MEAN),
            Column(key="hazard_ratio", heading=Text("Typical hazard ratio", "代表的HR")),
        ),
        rows=tuple(rows),
        note=phrase(
            "{n} trials a scenario; ± is the Monte Carlo standard error. The typical hazard ratio is exp of the mean log ratio.",
            "シナリオごとに{n}回。±はモンテカルロ標準誤差。代表的HRは対数HRの平均の指数。",
            n=phrases.whole(study.trials),
        ),
    )
    null = next((each for each in study.scenarios if each.scenario.id == "null"), None)
    finding: Filling = Text(
        "How often the primary test rejects, how long a trial takes and how many events it sees.",
        "主たる検定の棄却割合、試験期間、イベント数。",
    )
    if null is not None:
        share = next(iter(null.result.power.values()))
        finding = phrase(
            "Without effect the primary test rejects in {p} % (± {e}); the nominal level is {a} %.",
            "効果がない場合の棄却割合は{p}%（±{e}）。名目水準は{a}%。",
            p=phrases.percent(share.value, 2),
            e=phrases.percent(share.std_err, 2),
            a=phrases.percent(study.protocol.design.alpha / study.protocol.design.sided, 1),
        )
    return Section(id="scenarios", title=Text("Scenarios", "シナリオ別の結果"), finding=finding, blocks=(table,))


def _tests(study: Study) -> Section:
    tests = list(dict.fromkeys(test for each in study.scenarios for test in each.result.power))
    rows = tuple(
        Row(
            head=each.scenario.title,
            keys={"scenario": each.scenario.id},
            cells=tuple(
                share_cell(each.result.power[test]) if test in each.result.power else Cell(shown="–", values=(None, None, None))
                for test in tests
            ),
        )
        for each in study.scenarios
    )
    table = Table(
        id="tests",
        caption=Text("Share of trials in which each test rejects (%)", "各検定の棄却割合（%）"),
        stub=Text("Scenario", "シナリオ"),
        keys=("scenario",),
        columns=tuple(Column(key=test.name.lower(), heading=TEST_NAMES[test], fields=SHARE) for test in tests),
        rows=rows,
        note=Text(
            "All tests use the same trials, looks and bounds. Weighted: Fleming and Harrington with the scenario's rho and gamma.",
            "すべて同じ模擬試験・時点・境界による。重み付きは各シナリオのρとγによるFleming-Harrington検定。",
        ),
    )
    return Section(
        id="tests",
        title=Text("Tests under non-proportional hazards", "非比例ハザード下の検定の比較"),
        finding=Text(
            "What another test statistic would win or lose, scenario by scenario.",
            "検定統計量を変えた場合の得失をシナリオごとに示す。",
        ),
        blocks=(table,),
    )


def _designs(study: Study) -> Section:
    rows = []
    for design in study.designs:
        looks = len(design.information) - 1
        plural = "s" if looks > 1 else ""
        head = Text(f"{looks} interim look{plural}", f"中間解析{looks}回") if looks else Text("No interim look", "中間解析なし")
        under, null = design.under_scenario, design.under_null
        primary = next(iter(under.power))
        stops = sum(look.stops_efficacy.hits for look in under.looks[:-1])
        cells = (
            words_cell(", ".join(str(events) for events in design.events), " ".join(map(str, design.events))),
            words_cell(
                ", ".join(f"{look.efficacy:.3f}" for look in under.looks), " ".join(repr(look.efficacy) for look in under.looks)
            ),
            share_cell(under.power[primary]),
            share_cell(null.power[primary]),
            mean_cell(under.duration),
            mean_cell(under.events),
            mean_cell(null.duration),
            share_cell(Share(hits=stops, trials=under.trials)) if looks else Cell(shown=phrases.DASH, values=(None, None, None)),
        )
        rows.append(Row(head=head, keys={"looks": looks + 1}, cells=cells))
    table = Table(
        id="designs",
        caption=Text("Designs by number of looks", "解析回数による計画の比較"),
        stub=Text("Design", "計画"),
        keys=("looks",),
        columns=(
            Column(key="events_planned", heading=Text("Looks at events", "解析時点（イベント）"), words=True),
            Column(key="bounds", heading=Text("z bounds", "境界z"), words=True),
            Column(key="power", heading=Text("Power (%)", "検出力（%）"), fields=SHARE),
            Column(key="alpha", heading=Text("Type I error (%)", "第一種の過誤（%）"), fields=SHARE),
            Column(key="duration", heading=Text("Months", "期間（月）"), fields=MEAN),
            Column(key="events", heading=Text("Events", "イベント"), fields=MEAN),
            Column(key="duration_null", heading=Text("Months, no effect", "期間（効果なし）"), fields=MEAN),
            Column(key="early", heading=Text("Stops early (%)", "早期中止（%）"), fields=SHARE),
        ),
        rows=tuple(rows),
        note=Text(
            "Lan and DeMets' O'Brien-Fleming spending, no futility bound; events as the preset in force needs them. "
            "Designs to compare, not the trial's own plan.",
            "Lan-DeMetsのO'Brien-Fleming型。無益性の境界なし。イベント数は現行の仮定による。比較のための計画であり、本試験の計画ではない。",
        ),
    )
    one, last = study.designs[0], study.designs[-1]
    saved = one.under_scenario.duration.mean - last.under_scenario.duration.mean
    finding = phrase(
        "{k} interim looks shorten the trial by {m} months on average when the scenario is true, and cost {p} points of power.",
        "シナリオが正しい場合、中間解析{k}回により試験は平均{m}か月短くなり、検出力は{p}ポイント低下する。",
        k=str(len(last.information) - 1),
        m=phrases.decimal(saved, 1),
        p=phrases.decimal(100 * (_primary(one.under_scenario).value - _primary(last.under_scenario).value), 1),
    )
    return Section(id="designs", title=Text("No look, one, two", "中間解析の有無"), finding=finding, blocks=(table,))


def _primary(result: OperatingCharacteristics) -> Share:
    return next(iter(result.power.values()))


def _sweep(study: Study) -> Section:
    names = list(study.axes)
    rows = []
    for cell in study.cells:
        result = cell.characteristics
        rows.append(
            Row(
                head=_axis_value(names[0], cell.values[names[0]]),
                keys={names[0]: cell.values[names[0]]},
                cells=(
                    *(Cell(shown=_axis_value(name, cell.values[name]), values=(cell.values[name],)) for name in names[1:]),
                    share_cell(_primary(result)),
                    mean_cell(result.duration),
                    mean_cell(result.events),
                    mean_cell(result.randomized),
                ),
            )
        )
    table = Table(
        id="sweep",
        caption=Text("Every combination", "すべての組合せ"),
        stub=_AXES[names[0]],
        keys=(names[0],),
        columns=(
            *(Column(key=name, heading=_AXES[name]) for name in names[1:]),
            Column(key="rejects", heading=Text("Rejects (%)", "棄却（%）"), fields=SHARE),
            Column(key="duration", heading=Text("Months", "期間（月）"), fields=MEAN),
            Column(key="events", heading=Text("Events", "イベント"), fields=MEAN),
            Column(key="randomized", heading=Text("Randomized", "割付"), fields=MEAN),
        ),
        rows=tuple(rows),
        note=phrase(
            "{n} trials a cell, the same replicates in each.",
            "1組合せあたり{n}回、同一の反復を用いる。",
            n=phrases.whole(study.cell_trials),
        ),
    )
    blocks: list[Any] = []
    if {"control", "difference"} <= set(names) and len(study.axes["control"]) > 1:
        blocks.append(_sweep_figure(study))
    blocks.append(table)
    return Section(
        id="sweep",
        title=Text("What nobody knows yet", "未知の値による変化"),
        finding=Text(
            "Power against the control arm's survival for several effects; accrual and attrition vary in the table.",
            "対照群の生存割合と効果による検出力。登録期間と脱落は表に示す。",
        ),
        blocks=blocks,
    )


def _axis_value(name: str, value: float) -> str:
    return f"{value:g}" if name == "accrual_years" else f"{100 * value:g}" if name == "difference" else f"{100 * value:g} %"


def _sweep_figure(study: Study) -> Any:
    others = [name for name in study.axes if name not in ("control", "difference")]
    fixed = {name: study.axes[name][0] for name in others}

    def at(cell: SweepCell) -> bool:
        return all(cell.values[name] == value for name, value in fixed.items())

    series = [
        Series(
            label=phrase("{d} points", "差{d}ポイント", d=f"{100 * difference:g}"),
            points=[
                (cell.values["control"], _primary(cell.characteristics).value)
                for cell in study.cells
                if at(cell) and cell.values["difference"] == difference
            ],
            marks=True,
        )
        for difference in reversed(study.axes["difference"])
    ]
    controls = study.axes["control"]
    said = ", ".join(f"{_AXES[name].en.lower()} {_axis_value(name, value)}" for name, value in fixed.items())
    said_ja = "、".join(f"{_AXES[name].ja} {_axis_value(name, value)}" for name, value in fixed.items())
    return line_chart(
        "sweep",
        Text(f"Power against control survival; {said}", f"対照群の生存割合と検出力（{said_ja}）"),
        series,
        x=Axis(
            name=Text("Control survival at the milestone (%)", "対照群の時点生存割合（%）"),
            low=min(controls), high=max(controls), marks=controls, factor=100,
        ),
        y=Axis(name=Text("Trials that reject (%)", "棄却割合（%）"), low=0, high=1, marks=(0, 0.2, 0.4, 0.6, 0.8, 1), factor=100),
        table="sweep",
        description=Text(
            "A line for each difference: the share of trials that reject by control survival.",
            "差ごとに、対照群の生存割合に対する棄却割合を線で示す。",
        ),
        levels=((study.protocol.design.power, Text("planned power", "計画検出力")),),
    )  # fmt: skip


def _calendar(study: Study) -> Section:
    rows = []
    for calendar in study.calendars:
        title = next(each.scenario.title for each in study.scenarios if each.scenario.id == calendar.scenario)
        rows.append(Row(head=title))
        for events, histogram in zip(calendar.events, calendar.times, strict=True):
            found = quantiles(histogram)
            cells = tuple(number_cell(_months(value)) for value in found)
            head = phrase("{n} events", "{n}件", n=phrases.whole(events))
            rows.append(Row(head=head, keys={"scenario": calendar.scenario, "events": events}, cells=cells, indent=True))
    table = Table(
        id="calendar",
        caption=Text(
            "When the events will have happened: months since registration opened", "イベント到達時期：登録開始からの月数"
        ),
        stub=Text("Scenario and events", "シナリオとイベント数"),
        keys=("scenario", "events"),
        columns=tuple(Column(key=f"q{round(100 * q):02d}", heading=f"{100 * q:.0f} %") for q in QUANTILES),
        rows=tuple(rows),
        note=Text(
            "Columns: share of simulated trials that have that many events by then, to half a month. Where a trial never sees as many, "
            "its last subject's leaving counts.",
            "列は、その時期までに到達した模擬試験の割合（半月単位）。到達しない試験は最終症例の観察終了時点とした。",
        ),
    )
    base = next(each for each in study.calendars if each.scenario == study.base)
    middle = quantiles(base.times[-1], (0.5,))[0]
    finding = phrase(
        "The {n} events planned are reached after {m} months in half of the trials of the base scenario.",
        "基本シナリオでは、計画イベント{n}件に到達する時期の中央値は{m}か月。",
        n=phrases.whole(study.planned),
        m=_months(middle),
    )
    return Section(
        id="calendar",
        title=Text("When will we have the events", "イベントはいつ揃うか"),
        finding=finding,
        blocks=(_calendar_figure(base), table),
    )


def _months(value: float) -> Number:
    return phrases.decimal(None if math.isnan(value) else value, 1)


def _calendar_figure(calendar: EventsCalendar) -> Any:
    series, latest = [], 12.0
    for events, histogram in zip(calendar.events, calendar.times, strict=True):
        whole, reached, points = sum(histogram), 0, [(0.0, 0.0)]
        for k, trials in enumerate(histogram):
            reached += trials
            points.append(((k + 1) * BIN_MONTHS, reached / whole))
            if reached >= 0.999 * whole:
                break
        latest = max(latest, points[-1][0])
        series.append(Series(label=phrase("{n} events", "{n}件", n=str(events)), points=points, stepped=True))
    end = 12.0 * math.ceil(latest / 12)
    return line_chart(
        "calendar",
        Text(
            "Share of trials that have the events by then, base scenario",
            "各時期までにイベント数に到達する模擬試験の割合（基本シナリオ）",
        ),
        [Series(label=each.label, points=[*each.points, (end, 1.0)], stepped=True) for each in series],
        x=Axis(
            name=Text("Months since registration opened", "登録開始からの月数"), low=0, high=end, marks=marks_between(0, end, 8)
        ),
        y=Axis(name=Text("Trials (%)", "割合（%）"), low=0, high=1, marks=(0, 0.25, 0.5, 0.75, 1), factor=100),
        table="calendar",
        description=Text("Rising steps, one for each number of events.", "イベント数ごとの累積割合を階段状に示す。"),
    )


def _predictability(study: Study) -> Section:
    rows = []
    for each in study.predictability:
        own = phrase(" (this protocol)", "（本プロトコール）") if each.is_protocol else ""
        named = phrase("{m}{own}", "{m}{own}", m=_METHODS.get(each.method, each.method), own=own)
        cells = (
            number_cell(phrases.decimal(each.p_best, 2)),
            words_cell(Text("yes", "はい") if each.site_is_factor else Text("no", "いいえ"), each.site_is_factor),
            number_cell(phrases.decimal(each.difference_mean, 1)),
            number_cell(phrases.decimal(each.site_difference_mean, 2)),
            number_cell(phrases.decimal(each.own_guess, 3)),
            number_cell(phrases.decimal(each.full_guess, 3)),
        )
        rows.append(Row(head=named, keys={"method": each.method}, cells=cells, strong=each.is_protocol))
    table = Table(
        id="predictability",
        caption=Text(
            "Balance and concealment of the rule of allocation and its neighbours", "割付規則とその近傍の均衡と予測可能性"
        ),
        stub=Text("Rule", "方法"),
        keys=("method",),
        columns=(
            Column(key="p_best", heading=Text("Probability of the better arm", "優先群の確率")),
            Column(key="site_is_factor", heading=Text("Site a factor", "施設を調整"), words=True),
            Column(key="difference", heading=Text("Mean |A − B|", "差の平均")),
            Column(key="site_difference", heading=Text("Inside a site", "施設内の差")),
            Column(key="own_guess", heading=Text("Guessed by a site", "施設の的中率")),
            Column(key="full_guess", heading=Text("By one who knows all", "全知者の的中率")),
        ),
        rows=tuple(rows),
        note=Text(
            "Guessed by a site: share of right guesses by a hospital that knows its own earlier arms and guesses the one that lags behind.",
            "施設の的中率：自施設の過去の割付のみを知り、少ない群を予測した場合の的中割合。",
        ),
    )
    protocols = next(each for each in study.predictability if each.is_protocol)
    finding = phrase(
        "Under the protocol's rule a hospital guesses its next arm right in {g} % of cases; 50 % is chance.",
        "プロトコールの規則では、施設は次の割付を{g}%の割合で言い当てる（偶然は50%）。",
        g=phrases.percent(protocols.own_guess),
    )
    return Section(
        id="predictability", title=Text("Can the next arm be guessed", "次の割付は予測できるか"), finding=finding, blocks=(table,)
    )


def _assumptions(study: Study) -> Section:
    rows = []
    for each in study.scenarios:
        scenario = each.scenario
        rows.append(Row(head=scenario.title))
        said = (
            (Text("In short", "概要"), scenario.note),
            (Text("Accrual", "登録"), scenario.coming.cite),
            (Text("Until randomization", "割付まで"), scenario.attrition.cite),
            (Text("Survival", "生存"), scenario.survival.cite),
            (Text("Leaving", "脱落"), scenario.leaving.cite),
            (Text("Factors", "因子"), scenario.shares_cite),
        )
        rows += [
            Row(
                head=head,
                keys={"scenario": scenario.id, "part": head.en},
                cells=(words_cell(words, words.en if isinstance(words, Text) else words),),
                indent=True,
            )
            for head, words in said
            if words
        ]
    table = Table(
        id="assumptions",
        caption=Text("What each scenario assumes, and from where", "各シナリオの仮定と出典"),
        stub=Text("Scenario", "シナリオ"),
        keys=("scenario", "part"),
        columns=(Column(key="source", heading=Text("Assumption or source", "仮定・出典"), words=True),),
        rows=tuple(rows),
    )
    return Section(
        id="assumptions",
        title=Text("Assumptions", "仮定"),
        finding=Text(
            "Numbers of subjects, rule of allocation, level and looks are the protocol's; the rest is assumed as follows.",
            "症例数・割付規則・有意水準・解析時点はプロトコールによる。その他は以下のとおり仮定した。",
        ),
        blocks=(table,),
    )
