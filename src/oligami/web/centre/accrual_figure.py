"""The picture of accrual: counts as lines, the plan dashed, what may come as a band."""

from collections.abc import Sequence
from datetime import date, timedelta

from oligami.protocol.text import Language, Text
from oligami.reports.drawing import WIDTH, Drawing, Scale, apart
from oligami.web.centre.accruing import Progress
from oligami.web.centre.prediction import COVERAGE

_TITLE = Text("Accrual by month", "月別の登録状況")
_DESCRIPTION = Text(
    "Cumulative registrations and randomizations by month; the table below holds the same numbers.",
    "登録数と割付数の累積を月ごとに示す図。下の表に同じ数値を示す。",
)
_REGISTERED = Text("Registered {n}", "登録 {n}")
_RANDOMIZED = Text("Randomized {n}", "割付 {n}")
_PLAN = Text("dashed: plan", "破線：計画")
_KEY = Text("dashed: plan; shaded: {p}% prediction", "破線：計画、網掛け：予測（{p}%）")
_SUBJECTS = Text("Subjects", "人数")


def draw_progress(progress: Progress, language: Language) -> str:
    """Return the picture in one language; empty before the first month."""
    if not progress.months:
        return ""
    first = min(progress.start, progress.months[0].day.replace(day=1))
    last = max([progress.today, *(each.day for each in progress.ahead)])
    highest = [progress.registered, progress.randomized, *(each.registered.high for each in progress.ahead)]
    if progress.whole:
        highest.append(progress.registered_planned)
    step = _step(max(*highest, 1) / 5)
    ceiling = step * -(-max(*highest, 1) // step)
    left, right, top, bottom = 52.0, WIDTH - 120, 28.0, 298.0
    drawing = Drawing(bottom + 34)
    x = Scale(float(first.toordinal()), float(max(last.toordinal(), first.toordinal() + 1)), left, right)
    y = Scale(0.0, float(ceiling), bottom, top)
    for value in range(0, ceiling + 1, step):
        drawing.line(left, y(value), right, y(value), "grid" if value else "axis")
        drawing.text(left - 9, y(value) + 4.5, str(value), anchor="end")
    drawing.text(left - 24, top - 11, _SUBJECTS[language], kind="quiet")
    _years(drawing, first, last, x, bottom)
    _band(drawing, progress, x, y)
    if progress.whole:
        _plan(drawing, progress, last, x, y)
    lines = [(_REGISTERED, [month.registered for month in progress.months])]
    if progress.two_steps:
        lines.append((_RANDOMIZED, [month.randomized for month in progress.months]))
    days = [first, *(month.day for month in progress.months)]
    for kind, (_, counts) in enumerate(lines):
        drawing.path([(x(day.toordinal()), y(n)) for day, n in zip(days, [0, *counts], strict=True)], f"curve{kind}")
    heights = apart([y(counts[-1]) for _, counts in lines], 17, top + 6, bottom - 6)
    for kind, ((label, counts), height) in enumerate(zip(lines, heights, strict=True)):
        drawing.text(x(progress.today.toordinal()) + 8, height + 4.5, label.format(n=counts[-1])[language], kind=f"label{kind}")
    if progress.whole:
        key = _KEY.format(p=round(COVERAGE * 100)) if progress.ahead else _PLAN
        drawing.text(right - 8, bottom - 10, key[language], anchor="end", kind="quiet")
    return drawing.svg("accrual", _TITLE, _DESCRIPTION)


def _years(drawing: Drawing, first: date, last: date, x: Scale, bottom: float) -> None:
    """Mark the beginning of each year; of the months where the time is short."""
    short = (last - first).days < 550
    days = [
        date(first.year + (first.month - 1 + k) // 12, (first.month - 1 + k) % 12 + 1, 1)
        for k in range(0, 12 * 40, 3 if short else 12)
    ]
    if not short:
        days = [day.replace(month=1) for day in days]
    for day in days:
        if first <= day <= last:
            at = x(day.toordinal())
            drawing.line(at, bottom, at, bottom + 5, "axis")
            drawing.text(at, bottom + 20, f"{day:%Y-%m}" if short else str(day.year), anchor="middle")


def _band(drawing: Drawing, progress: Progress, x: Scale, y: Scale) -> None:
    for kind, (now, bands) in enumerate(
        (
            (progress.registered, [(each.day, each.registered) for each in progress.ahead]),
            (progress.randomized, [(each.day, each.randomized) for each in progress.ahead if each.randomized is not None]),
        )
    ):
        if not bands or (kind and not progress.two_steps):
            continue
        here = (x(progress.today.toordinal()), y(now))
        upper = [(x(day.toordinal()), y(band.high)) for day, band in bands if band is not None]
        lower = [(x(day.toordinal()), y(band.low)) for day, band in bands if band is not None]
        drawing.path([here, *upper, *reversed(lower)], f"band{kind}", closed=True)


def _plan(drawing: Drawing, progress: Progress, last: date, x: Scale, y: Scale) -> None:
    plans: Sequence[tuple[int, int, str]] = (
        (progress.registered_planned, 0, "plan"),
        (progress.randomized_planned, progress.lag_days, "plan"),
    )
    for total, lag, kind in plans if progress.two_steps else plans[:1]:
        begin, end = progress.start + timedelta(days=lag), progress.plan_end + timedelta(days=lag)
        if begin >= last:
            continue
        reach = total if end <= last else total * (last - begin).days / (end - begin).days
        points = [(x(begin.toordinal()), y(0)), (x(min(end, last).toordinal()), y(reach)), (x(last.toordinal()), y(reach))]
        drawing.path(points, kind)


def _step(wanted: float) -> int:
    """Return the least of 1, 2, 5, 10, 20, 50, … that is not below what is wanted."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if factor * size >= wanted:
                return factor * size
        size *= 10
