"""The figures of time: survival curves with numbers at risk, cumulative incidence, accrual against plan."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from oligami.analysis.accrual import Accrual
from oligami.analysis.endpoints import Curve, EndpointResult
from oligami.analysis.progression import ProgressionSites
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.drawing import WIDTH, Drawing, Scale, apart, stepped, widest
from oligami.reports.phrases import Filling, phrase
from oligami.reports.words import Labels, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure: its drawing, what it shows, and the table that holds the same numbers."""

    id: str
    caption: Text
    svg: str
    table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A survival curve with its label; `kind` is its place in the order of styles (0 black, 1 blue, 2 grey)."""

    label: Filling
    curve: Curve
    kind: int


PLOT_HEIGHT = 300.0
AT_RISK = Text("At risk", "リスク集合")


def survival_figure(
    figure: str,
    caption: Text,
    result: EndpointResult,
    lines: Sequence[Line],
    *,
    axis: Text,
    legend: Sequence[Filling],
    table: str,
    days_per_year: float,
) -> Figure:
    """Draw Kaplan-Meier curves with bands, ticks of censoring, direct labels and numbers at risk.

    Args:
        figure: id.
        caption: what it shows.
        result: whose grid of years carries the numbers at risk.
        lines: at least one.
        axis: name of the upright axis.
        legend: lines of words in the lower left of the plot (hazard ratio, test).
        table: id of the table with the same numbers.
        days_per_year: turns days into years.
    """
    names = [line.label for line in lines]
    left = max(76.0, min(max(widest(names), widest([AT_RISK], 12.0)) + 38, 210.0))
    right = WIDTH - max(40.0, min(widest(names) + 16, 190.0))
    top, bottom = 28.0, 28.0 + PLOT_HEIGHT
    risk_top = bottom + 66
    years = max(result.grid_years[-1] + 1.0, 1.0)
    drawing = Drawing(risk_top + 18 * len(lines) + 6)

    x = Scale(0.0, years * days_per_year, left, right)
    y = Scale(0.0, 1.0, bottom, top)
    _percent_axis(drawing, left, right, y, axis)
    for year in range(int(years) + 1):
        at = left + (right - left) * year / years
        drawing.line(at, bottom, at, bottom + 5, "axis")
        drawing.text(at, bottom + 20, str(year), anchor="middle")
    drawing.text((left + right) / 2, bottom + 40, phrase("Years", "年"), anchor="middle")

    for line in lines:
        curve = line.curve
        if len(lines) <= 2:
            band = _band(curve)
            drawing.path([(x(t), y(s)) for t, s in band], f"band{line.kind}", closed=True)
    for line in lines:
        curve = line.curve
        drawing.steps([(x(t), y(s)) for t, s in zip(curve.time_days, curve.survival, strict=True)], f"curve{line.kind}")
        censored = zip(curve.censored_days, curve.censored_survival, strict=True)
        drawing.ticks([(x(t), y(s)) for t, s in censored], 3.5, f"censor{line.kind}")
    _label_lines(drawing, lines, x, y)
    _write_legend(drawing, lines, legend, x, (left, right, top, bottom))

    drawing.text(left - 24, risk_top - 6, AT_RISK, anchor="end", kind="quiet")
    for k, line in enumerate(lines):
        row = risk_top + 12 + 18 * k
        drawing.text(left - 24, row, line.label, anchor="end", kind=f"label{line.kind}")
        for grid_year, n in zip(result.grid_years, line.curve.at_risk, strict=True):
            drawing.text(left + (right - left) * grid_year / years, row, phrases.whole(n), anchor="middle")
    description = Text(
        "Step curves of the share without the event over years, with the numbers at risk below.",
        "イベントのない割合の年次推移を示す階段曲線。下段はリスク集合の人数。",
    )
    return Figure(id=figure, caption=caption, svg=drawing.svg(figure, caption, description), table=table)


def _label_lines(drawing: Drawing, lines: Sequence[Line], x: Scale, y: Scale) -> None:
    """Write each label beside its curve: of one or two where they lie furthest apart, of more at their ends.

    Curves fall to the right, so the place above to the right of the upper and below to the left of the lower one is free.
    """
    if len(lines) > 2:
        heights = apart([y(line.curve.survival[-1]) for line in lines], 17, y(1.0) + 6, y(0.0) - 6)
        for line, height in zip(lines, heights, strict=True):
            drawing.text(x(line.curve.time_days[-1]) + 8, height + 4.5, line.label, kind=f"label{line.kind}")
        return
    end = min(line.curve.time_days[-1] for line in lines)
    # Not before a fifth of the way, where everything is steep and the label of the lower curve would leave the plot.
    places = [end * k / 40 for k in range(10, 33)]
    at = max(places, key=lambda days: abs(_height(lines[0].curve, days) - _height(lines[-1].curve, days)))
    upper = max(lines, key=lambda line: _height(line.curve, at))
    drawing.text(x(at) + 6, y(_height(upper.curve, at)) - 9, upper.label, kind=f"label{upper.kind}")
    for line in lines:
        if line is not upper:
            height, room = y(_height(line.curve, at)) + 18, x(at) - x(0.0) - 12
            if room > widest([line.label]):
                drawing.text(x(at) - 6, height, line.label, anchor="end", kind=f"label{line.kind}")
            else:
                drawing.text(x(at) + 6, height, line.label, kind=f"label{line.kind}")


def _height(curve: Curve, days: float) -> float:
    """Read a curve at a time."""
    return curve.survival[bisect_right(curve.time_days, days) - 1]


def _write_legend(
    drawing: Drawing,
    lines: Sequence[Line],
    legend: Sequence[Filling],
    x: Scale,
    corners: tuple[float, float, float, float],
) -> None:
    """Write the words in the lower left of the plot if the curves leave room there, else in the upper right."""
    left, right, top, bottom = corners
    end = left + 20 + widest(legend)
    height = (42 + 18 * len(legend)) / (bottom - top)  # with room for the label of the lower curve
    lowest = min(
        survival
        for line in lines
        for days, survival in zip(line.curve.time_days, line.curve.survival, strict=True)
        if x(days) <= end
    )
    for k, words in enumerate(legend):
        if lowest > height:
            drawing.text(left + 12, bottom - 12 - 18 * (len(legend) - 1 - k), words, kind="legend")
        else:
            drawing.text(right - 6, top + 18 + 18 * k, words, anchor="end", kind="legend")


def _percent_axis(drawing: Drawing, left: float, right: float, y: Scale, axis: Text, *, top: float = 1.0) -> None:
    tenths = 1 if top <= 0.5 else 2
    for k in range(0, round(top * 10) + 1, tenths):
        share = k / 10
        at = y(share)
        drawing.line(left, at, right, at, "grid" if k else "axis")
        drawing.line(left - 5, at, left, at, "axis")
        drawing.text(left - 9, at + 4.5, f"{100 * share:.0f}", anchor="end")
    drawing.line(left, y(top), left, y(0.0), "axis")
    drawing.text(left - 24, y(top) - 11, phrase("{axis} (%)", "{axis}（%）", axis=axis), kind="quiet")


def _band(curve: Curve) -> list[tuple[float, float]]:
    """The corners of the confidence band; it ends where the curve has no limits any more."""
    known = [
        (t, low, high)
        for t, low, high in zip(curve.time_days, curve.lower, curve.upper, strict=True)
        if low is not None and high is not None
    ]
    upper = stepped([(t, high) for t, _, high in known])
    lower = stepped([(t, low) for t, low, _ in known])
    return [*upper, *reversed(lower)]


def incidence_figure(
    figure: str, caption: Text, sites: ProgressionSites, labels: Labels, *, table: str, days_per_year: float
) -> Figure | None:
    """Draw the cumulative incidence of each cause, a panel an arm; None when no arm has anybody."""
    arms = [arm for arm in sites.arms if arm.n]
    if not arms:
        return None
    longest = max(arm.time_days[-1] for arm in arms) / days_per_year
    years = float(int(longest) + 1)
    highest = max((curve[-1] for arm in arms for curve in arm.incidence), default=0.0)
    ceiling = max(0.2, (int(highest * 10) + 1) / 10)
    if ceiling > 0.5:
        ceiling = min(1.0, 0.2 * -(-round(ceiling * 10) // 2))
    panel, gap, top, bottom = (WIDTH - 46) / len(arms), 34.0, 58.0, 268.0
    drawing = Drawing(bottom + 48)
    y = Scale(0.0, ceiling, bottom, top)
    for k, arm in enumerate(arms):
        left = 46 + panel * k
        names = [word(cause.cause) for cause in arm.causes if cause.count]
        right = left + panel - gap - min(widest(names, 12) * 0.96, 150.0)
        x = Scale(0.0, years, left, right)
        drawing.text(
            left, 14, phrase("{arm}, n = {n}", "{arm} n = {n}", arm=labels.arm(arm.arm), n=phrases.whole(arm.n)), kind="strong"
        )
        _percent_axis(drawing, left, right, y, Text("Cumulative incidence", "累積発生割合"), top=ceiling)
        for year in range(int(years) + 1):
            if years <= 6 or year % 2 == 0:
                drawing.line(x(year), bottom, x(year), bottom + 5, "axis")
                drawing.text(x(year), bottom + 20, str(year), anchor="middle")
        drawing.text((left + right) / 2, bottom + 40, phrase("Years", "年"), anchor="middle")
        shown = [(cause, curve) for cause, curve in zip(arm.causes, arm.incidence, strict=True) if cause.count]
        heights = apart([y(curve[-1]) for _, curve in shown], 15, top + 8, bottom - 4)
        for (cause, curve), height in zip(shown, heights, strict=True):
            style = [own.cause for own in arm.causes].index(cause.cause)
            points = [(x(t / days_per_year), y(p)) for t, p in zip(arm.time_days, curve, strict=True)]
            drawing.steps(points, f"cause cause{style}")
            drawing.text(points[-1][0] + 6, height + 4, word(cause.cause), kind="small")
    description = Text(
        "Step curves of the share of subjects who had each kind of event first, by arm.",
        "各イベントが最初に生じた対象者の割合を群別に示す階段曲線。",
    )
    return Figure(id=figure, caption=caption, svg=drawing.svg(figure, caption, description), table=table)


def accrual_figure(figure: str, caption: Text, accrual: Accrual, *, table: str) -> Figure | None:
    """Draw cumulative registrations and randomizations against the plan; None before the first month."""
    if not accrual.months:
        return None
    first = min(accrual.start, accrual.months[0].day.replace(day=1))
    lag = timedelta(days=accrual.randomization_lag_days)
    last = max(accrual.months[-1].day, accrual.planned_end + lag)
    target = max(accrual.registered_planned, accrual.registered, accrual.randomized, 1)
    left, right, top, bottom = 52.0, WIDTH - 150, 28.0, 298.0
    drawing = Drawing(bottom + 34)
    x = Scale(float(first.toordinal()), float(max(last.toordinal(), first.toordinal() + 1)), left, right)
    step = _round_step(target / 5)
    ceiling = step * -(-target // step)
    y = Scale(0.0, float(ceiling), bottom, top)
    for value in range(0, int(ceiling) + 1, int(step)):
        drawing.line(left, y(value), right, y(value), "grid" if value else "axis")
        drawing.text(left - 9, y(value) + 4.5, str(value), anchor="end")
    drawing.line(left, top, left, bottom, "axis")
    drawing.text(left - 24, top - 11, phrase("Subjects", "人数"), kind="quiet")
    for year in range(first.year, last.year + 2):
        day = date(year, 1, 1)
        if first <= day <= last:
            at = x(day.toordinal())
            drawing.line(at, bottom, at, bottom + 5, "axis")
            drawing.text(at, bottom + 20, str(year), anchor="middle")
    for planned, after in ((accrual.registered_planned, timedelta()), (accrual.randomized_planned, lag)):
        ends = [
            (x((accrual.start + after).toordinal()), y(0)),
            (x((accrual.planned_end + after).toordinal()), y(planned)),
            (right, y(planned)),
        ]
        drawing.path(ends, "plan")
    series = [
        (phrase("Registered {n}", "登録 {n}", n=phrases.whole(accrual.registered)), [m.registered for m in accrual.months]),
        (phrase("Randomized {n}", "割付 {n}", n=phrases.whole(accrual.randomized)), [m.randomized for m in accrual.months]),
    ]
    if series[0][1] == series[1][1] and accrual.registered:
        del series[0]  # who is registered is randomized at once: one line, not two on top of each other
    for kind, (_, counts) in enumerate(series):
        days = [first, *(month.day for month in accrual.months)]
        points = [(x(day.toordinal()), y(n)) for day, n in zip(days, [0, *counts], strict=True)]
        drawing.path(points, f"curve{kind}")
    end = x(accrual.months[-1].day.toordinal()) + 8
    heights = apart([y(counts[-1]) for _, counts in series], 17, top + 6, bottom - 6)
    for kind, ((label, _), height) in enumerate(zip(series, heights, strict=True)):
        drawing.text(end, height + 4.5, label, kind=f"label{kind}")
    plan = phrase("dashed: plan", "破線：計画")
    drawing.text(right - 8, bottom - 10, plan, anchor="end", kind="quiet")
    description = Text(
        "Lines of cumulative registrations and randomizations by calendar time, with dashed lines of the plan.",
        "登録数と割付数の累積推移。破線は計画。",
    )
    return Figure(id=figure, caption=caption, svg=drawing.svg(figure, caption, description), table=table)


def _round_step(wanted: float) -> int:
    """The least of 1, 2, 5, 10, 20, 50, ... that is not below what is wanted."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if factor * size >= wanted:
                return factor * size
        size *= 10
