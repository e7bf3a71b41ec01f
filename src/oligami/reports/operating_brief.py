"""One scenario in brief: which tests reject how often, and what happens at each look. For the terminal."""

import math

from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.operating_sections import MEAN, SHARE, TEST_NAMES, mean_cell, share_cell
from oligami.reports.phrases import phrase
from oligami.reports.sections.section import Section
from oligami.reports.tables import Cell, Column, Row, Table, number_cell
from oligami.simulation.fast.operating import OperatingCharacteristics, Share


def brief_section(title: Text, result: OperatingCharacteristics) -> Section:
    """Return the section of one scenario: what a trial takes, tests, looks."""
    ratio = None if math.isnan(result.log_hr.mean) else math.exp(result.log_hr.mean)
    finding = phrase(
        "{n} trials, seed {seed}: {months} months (SD {sd}), {events} events among {randomized} randomized of {registered} "
        "registered; |A - B| {difference}; typical hazard ratio {ratio}.",
        "{n}回、シード {seed}：期間 {months}か月（SD {sd}）、登録{registered}例・割付{randomized}例中イベント{events}件、"
        "群間差 {difference}、代表的HR {ratio}。",
        n=phrases.whole(result.trials),
        seed=str(result.seed),
        months=phrases.decimal(result.duration.mean, 1),
        sd=phrases.decimal(None if math.isnan(result.duration.std_dev) else result.duration.std_dev, 1),
        events=phrases.decimal(result.events.mean, 1),
        randomized=phrases.decimal(result.randomized.mean, 1),
        registered=phrases.decimal(result.registered.mean, 1),
        difference=phrases.decimal(result.difference.mean, 2),
        ratio=phrases.ratio(ratio),
    )
    tests = Table(
        id="tests",
        caption=Text("Share of trials in which each test rejects", "各検定の棄却割合"),
        stub=Text("Test", "検定"),
        keys=("test",),
        columns=(Column(key="rejects", heading=Text("Rejects (%)", "棄却（%）"), fields=SHARE),),
        rows=tuple(
            Row(head=TEST_NAMES[test], keys={"test": test.name.lower()}, cells=(share_cell(share),), strong=k == 0)
            for k, (test, share) in enumerate(result.power.items())
        ),
        note=Text("* the primary test; ± Monte Carlo standard error", "* 主たる検定。±はモンテカルロ標準誤差"),
    )
    looks = Table(
        id="looks",
        caption=Text("Looks", "解析時点"),
        stub=Text("Look", "回"),
        keys=("look",),
        columns=(
            Column(key="efficacy", heading=Text("z efficacy", "有効性の境界z")),
            Column(key="futility", heading=Text("z futility", "無益性の境界z")),
            Column(key="months", heading=Text("Months", "月"), fields=MEAN),
            Column(key="range", heading=Text("90 % of trials", "90%範囲"), fields=("p05", "p50", "p95")),
            Column(key="events", heading=Text("Events", "イベント"), fields=MEAN),
            Column(key="subjects", heading=Text("Subjects", "割付例"), fields=MEAN),
            Column(key="stops", heading=Text("Ends, efficacy (%)", "有効で終了（%）"), fields=SHARE),
            Column(key="futile", heading=Text("Ends, futility (%)", "無益で終了（%）"), fields=SHARE),
        ),
        rows=tuple(
            Row(
                head=str(look.look),
                keys={"look": look.look},
                cells=(
                    _bound(look.efficacy),
                    _bound(look.futility),
                    mean_cell(look.time),
                    _range(look.time_quantiles),
                    mean_cell(look.events),
                    mean_cell(look.at_look),
                    _share_where(look.efficacy, look.stops_efficacy),
                    _share_where(look.futility, look.stops_futility),
                ),
            )
            for look in result.looks
        ),
    )
    return Section(id="scenario", title=title, finding=finding, blocks=(tests, looks))


def _share_where(bound: float, share: Share) -> Cell:
    """Return a share, a dash where no z can reach the bound."""
    return share_cell(share) if math.isfinite(bound) else Cell(shown=phrases.DASH, values=(None, None, None))


def _bound(z: float) -> Cell:
    return number_cell(phrases.decimal(z if math.isfinite(z) else None, 3))


def _range(quantiles: tuple[float, ...]) -> Cell:
    low, middle, high = quantiles[0], quantiles[2], quantiles[4]
    if math.isnan(low):
        return Cell(shown=phrases.DASH, values=(None, None, None))
    return Cell(shown=phrase("{a}–{b}", "{a}〜{b}", a=f"{low:g}", b=f"{high:g}"), values=(low, middle, high))
