"""The figures of counts and ratios: the flow of subjects, the forest of subgroups, adverse events, quality of life by visit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from oligami.analysis.endpoints import Comparison
from oligami.analysis.flow import Flow
from oligami.analysis.measures import Estimate, Tally
from oligami.analysis.parts import arm_gives, randomizes_at_once
from oligami.analysis.quality_of_life import QualityOfLife
from oligami.analysis.safety import Safety
from oligami.protocol.model.forms import FormRole
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.drawing import WIDTH, Drawing, Scale, apart, widest
from oligami.reports.figures import Figure
from oligami.reports.phrases import Filling, phrase
from oligami.reports.tables import with_interval
from oligami.reports.words import Labels, word

LINE = 17.0
MOST_REASONS = 6
ARM_GAP = 18.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """A box of the flow: a heading and lines below it, from its upper left corner."""

    x: float
    width: float
    heading: Filling
    lines: list[Filling] = field(default_factory=list)

    @property
    def height(self) -> float:
        return 14 + LINE * (1 + len(self.lines))

    def draw(self, drawing: Drawing, y: float, *, centred: bool = False) -> None:
        drawing.box(self.x, y, self.width, self.height, "flow-box")
        if centred:
            drawing.text(self.x + self.width / 2, y + 19, self.heading, anchor="middle", kind="strong")
        else:
            drawing.text(self.x + 10, y + 19, self.heading, kind="strong")
        for k, line in enumerate(self.lines):
            drawing.text(self.x + 20, y + 19 + LINE * (k + 1), line, kind="small")


def flow_figure(figure: str, caption: Text, flow: Flow, labels: Labels, *, table: str) -> Figure:
    """Draw the flow of subjects as the CONSORT statement lays it out."""
    first, *later = flow.refusals
    stage = labels.registration()
    main_width, side_x = 270.0, 362.0
    side_width = WIDTH - side_x - 1
    first_arm = (WIDTH - 2) / max(len(flow.arms), 1) - (ARM_GAP if len(flow.arms) > 1 else 0)
    main_x = max(1.0, 1 + first_arm / 2 - main_width / 2)  # the trunk ends above the first arm
    trunk = main_x + main_width / 2

    asked = _Box(x=main_x, width=main_width, heading=_n(f"Asked for {stage.en}", f"{stage.ja}の申込", flow.requests))
    refused = _Box(x=side_x, width=side_width, heading=_n("Refused", "登録不可", first.refused))
    refused.lines.extend(_counted(word(own.value), own.count) for own in first.verdicts)
    frequent = sorted((own for own in first.criteria if own.not_met), key=lambda own: -own.not_met)[:MOST_REASONS]
    if frequent:
        refused.lines.append(phrase("Criteria most often not met:", "満たさないことの多い規準："))
    refused.lines.extend(
        phrase("– {what}: {n}", "– {what}：{n}", what=_short(labels.criterion(own.criterion)), n=phrases.whole(own.not_met))
        for own in frequent
    )
    registered = _Box(x=main_x, width=main_width, heading=_n(f"Registered ({stage.en})", stage.ja, flow.registered))
    waiting = flow.not_randomized + flow.in_therapy
    outside = _Box(x=side_x, width=side_width, heading=_n("Not, or not yet, randomized", "非割付・割付前", waiting))
    if flow.in_therapy:
        outside.lines.append(_n("still before randomization", "割付前", flow.in_therapy))
    outside.lines.extend(_tally(own, labels) for own in flow.not_randomized_reasons)
    outside.lines.extend(
        phrase(
            "({n} requests for {stage} refused)",
            "（{stage}の登録不可 {n}件）",
            n=phrases.whole(own.refused),
            stage=labels.registration(own.stage),
        )
        for own in later
        if own.refused
    )
    # Where registration is randomization there is nobody between the two, and no box for them.
    direct = randomizes_at_once(labels.protocol) and not waiting
    if flow.annulled:
        (refused if direct else outside).lines.append(
            phrase("({n} registered in error, not counted)", "（誤登録 {n}例は集計外）", n=phrases.whole(flow.annulled))
        )
    randomized = _Box(x=main_x, width=main_width, heading=_n("Randomized", "割付", flow.randomized))

    steps = [(asked, refused)] if direct else [(asked, refused), (registered, outside)]
    y = 1.0
    tops = []
    for main, side in steps:
        tops.append(y)
        y += main.height + side.height + 24
    tops.append(y)
    y += randomized.height
    arms = _arm_boxes(flow, labels)
    fork = y + 26
    arms_top = fork + 20
    tallest = max((top.height for top, _ in arms), default=0.0)
    end_top = arms_top + tallest + 26
    drawing = Drawing(end_top + max((end.height for _, end in arms), default=0.0) + 2)

    for (main, side), start, following in zip(steps, tops, tops[1:], strict=False):
        main.draw(drawing, start, centred=True)
        branch = start + main.height + 12 + side.height / 2
        side.draw(drawing, start + main.height + 12)
        drawing.arrow(trunk, start + main.height, trunk, following)
        drawing.arrow(trunk, branch, side_x, branch)
    randomized.draw(drawing, tops[-1], centred=True)
    middles = [top.x + top.width / 2 for top, _ in arms]
    drawing.line(trunk, tops[-1] + randomized.height, trunk, fork, "flow-line")
    if middles:
        drawing.line(min(trunk, *middles), fork, max(trunk, *middles), fork, "flow-line")
    for (top, end), middle in zip(arms, middles, strict=True):
        drawing.arrow(middle, fork, middle, arms_top)
        top.draw(drawing, arms_top)
        drawing.arrow(middle, arms_top + top.height, middle, end_top)
        end.draw(drawing, end_top)
    description = Text(
        "Boxes from the request for registration to the analysed set of each arm, with the number of subjects in each.",
        "登録申込から各群の解析対象集団までの人数を示す箱図。",
    )
    return Figure(id=figure, caption=caption, svg=drawing.svg(figure, caption, description), table=table)


def _arm_boxes(flow: Flow, labels: Labels) -> list[tuple[_Box, _Box]]:
    boxes = []
    width = (WIDTH - 2) / max(len(flow.arms), 1)
    for k, arm in enumerate(flow.arms):
        local = arm_gives(labels.protocol, arm.arm, "local_therapy")
        x, own = 1 + width * k, width - (ARM_GAP if k + 1 < len(flow.arms) else 0)
        top = _Box(x=x, width=own, heading=_counted(labels.arm(arm.arm), arm.randomized))
        if arm.received is not None and arm.not_received is not None:
            began = (
                Text("began local therapy", "局所療法を開始")
                if local
                else Text("went on with systemic therapy", "薬物療法を継続")
            )
            did_not = Text("did not (or not yet)", "未開始" if local else "再開せず・未再開")
            top.lines.extend((_counted(began, arm.received), _counted(did_not, arm.not_received)))
        if arm.crossover is not None and not local:
            top.lines.append(_n("crossover to local therapy", "局所療法へのクロスオーバー", arm.crossover))
        withdrawn = sum(tally.count for tally in arm.withdrawn)
        top.lines.append(_n("withdrew consent", "同意撤回", withdrawn))
        top.lines.append(_n("died", "死亡", arm.died))
        end = _Box(x=x, width=own, heading=_n("Analysed as randomized (ITT)", "割付どおり解析（ITT）", arm.analysed))
        boxes.append((top, end))
    return boxes


def _n(en: str, ja: str, count: int) -> Filling:
    return _counted(Text(en, ja), count)


def _counted(words: Text, count: int) -> Filling:
    return phrase("{what}: n = {n}", "{what}：n = {n}", what=words, n=phrases.whole(count))


def _tally(tally: Tally, labels: Labels) -> Filling:
    return _counted(_short(labels.not_randomized(tally.value)), tally.count)


def _short(words: Text, en: int = 50, ja: int = 27) -> Text:
    """Cut long words to what a box holds."""
    return Text(
        words.en if len(words.en) <= en else words.en[: en - 1].rstrip() + "…",
        words.ja if len(words.ja) <= ja else words.ja[: ja - 1] + "…",
    )


def _halves(words: Text, en: int = 17, ja: int = 9) -> tuple[Text, Text]:
    """Break words that are too long for one line near their middle: English between words, Japanese anywhere."""
    first, second = words.en, ""
    if len(words.en) > en:
        parts = words.en.split(" ")
        at = min(range(1, len(parts)), key=lambda k: abs(len(" ".join(parts[:k])) - len(words.en) / 2), default=len(parts))
        first, second = " ".join(parts[:at]), " ".join(parts[at:])
    middle = len(words.ja) if len(words.ja) <= ja else (len(words.ja) + 1) // 2
    return Text(first, words.ja[:middle]), Text(second, words.ja[middle:])


def forest_figure(
    figure: str, caption: Text, comparison: Comparison, overall: Estimate, labels: Labels, *, level: float, table: str
) -> Figure | None:
    """Draw the hazard ratios of the subgroups on a logarithmic axis, the whole trial last; None without any."""
    rows: list[tuple[Filling, str, Filling, Estimate | None, bool]] = []
    for factor in comparison.subgroups:
        rows.append((labels.factor(factor.factor), "", "", None, True))
        rows += [
            (
                _short(labels.level(factor.factor, group.level), 28, 16),
                f"{group.events[0]}/{group.n[0]}",
                f"{group.events[1]}/{group.n[1]}",
                group.hazard_ratio,
                False,
            )
            for group in factor.levels
        ]
    rows.append((phrase("All (stratified)", "全体（層別）"), "", "", overall, True))
    known = [ratio.interval(level) for *_, ratio, _ in rows if ratio is not None and ratio.value is not None]
    ends = [limit for interval in known for limit in (interval.lower, interval.upper) if limit]
    if not ends:
        return None
    low = max(min(0.5, *ends), 0.1)
    high = min(max(2.0, *ends), 10.0)
    left, right, top = 330.0, 610.0, 46.0
    x = Scale(math.log(low), math.log(high), left, right)
    bottom = top + 22 * len(rows)
    drawing = Drawing(bottom + 44)
    for at, words in ((205.0, labels.arm(comparison.control)), (280.0, labels.arm(comparison.experimental))):
        drawing.text(at, 16, words, anchor="middle", kind="strong")
        drawing.text(at, 32, phrase("events/n", "イベント/人数"), anchor="middle", kind="quiet")
    drawing.text(WIDTH - 2, 16, phrase("Hazard ratio", "ハザード比"), anchor="end", kind="strong")
    interval_words = phrase("({l} % CI)", "（{l}%信頼区間）", l=f"{100 * level:.0f}")
    drawing.text(WIDTH - 2, 32, interval_words, anchor="end", kind="quiet")
    drawing.line(x(0.0), top - 6, x(0.0), bottom, "axis")
    reference = overall.value
    if reference is not None and low < reference < high:
        drawing.line(x(math.log(reference)), top - 6, x(math.log(reference)), bottom, "plan")
    for k, (head, control, experimental, ratio, strong) in enumerate(rows):
        y = top + 22 * k + 12
        drawing.text(0 if strong else 14, y + 4.5, head, kind="strong" if strong else "")
        drawing.text(205, y + 4.5, control, anchor="middle")
        drawing.text(280, y + 4.5, experimental, anchor="middle")
        if ratio is None:
            continue
        if ratio.value is None:
            drawing.text(WIDTH - 2, y + 4.5, phrases.DASH, anchor="end")
            continue
        interval = ratio.interval(level)
        _whisker(drawing, x, y, ratio.value, interval.lower or low, interval.upper or high, low, high, strong and k > 0)
        shown = with_interval(phrases.ratio(ratio.value), phrases.ratio(interval.lower), phrases.ratio(interval.upper))
        drawing.text(WIDTH - 2, y + 4.5, shown, anchor="end")
    drawing.line(left, bottom, right, bottom, "axis")
    for value in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 10.0):
        crowded = value in (0.2, 5.0) and low > 0.12 and high < 8.0
        if low <= value <= high and not crowded and not (value in (0.25, 4.0) and (low <= 0.2 or high >= 5.0)):
            at = x(math.log(value))
            drawing.line(at, bottom, at, bottom + 5, "axis")
            drawing.text(at, bottom + 20, f"{value:g}", anchor="middle")
    better = phrase("← {arm} better", "← {arm}が優れる", arm=labels.arm(comparison.experimental))
    worse = phrase("{arm} better →", "{arm}が優れる →", arm=labels.arm(comparison.control))
    drawing.text(x(0.0) - 8, bottom + 39, better, anchor="end", kind="quiet")
    drawing.text(x(0.0) + 8, bottom + 39, worse, kind="quiet")
    description = Text(
        "Hazard ratio with confidence interval in each subgroup; left of 1 favours the experimental arm.",
        "各部分集団のハザード比と信頼区間。1より左は試験治療群が優れることを示す。",
    )
    return Figure(id=figure, caption=caption, svg=drawing.svg(figure, caption, description), table=table)


def _whisker(
    drawing: Drawing, x: Scale, y: float, value: float, lower: float, upper: float, low: float, high: float, whole: bool
) -> None:
    """An interval with its estimate; a limit beyond the axis ends in an arrow."""
    start, end = x(math.log(max(lower, low))), x(math.log(min(upper, high)))
    drawing.line(start, y, end, y, "whisker")
    if lower < low:
        drawing.path([(start + 6, y - 4), (start, y), (start + 6, y + 4)], "whisker")
    if upper > high:
        drawing.path([(end - 6, y - 4), (end, y), (end - 6, y + 4)], "whisker")
    if low <= value <= high:
        at = x(math.log(value))
        if whole:
            drawing.path([(start, y), (at, y - 6), (end, y), (at, y + 6)], "diamond", closed=True)
        else:
            drawing.box(at - 4, y - 4, 8, 8, "square")


def adverse_event_figure(
    figure: str, caption: Text, safety: Safety, period: str, labels: Labels, *, terms: int, table: str
) -> Figure | None:
    """Draw the most frequent terms of two arms back to back, severe ones darker; None unless there are two arms and events."""
    groups = [group for group in safety.groups if group.period == period and group.arm is not None]
    if len(groups) != 2 or not all(group.subjects for group in groups):
        return None
    counts = [{own.term: own for own in group.terms} for group in groups]
    shown = [term for term in safety.terms if any(term in own for own in counts)][:terms]
    if not shown:
        return None
    names = {term: _short(labels.answer(FormRole.ADVERSE_EVENT, "term", term), 40, 20) for term in shown}
    middle_width = widest(list(names.values()), 12) * 0.93 + 20
    centre, top, step = WIDTH / 2, 32.0, 21.0
    bottom = top + step * len(shown)
    drawing = Drawing(bottom + 40)
    share = max(own[term].any / group.subjects for own, group in zip(counts, groups, strict=True) for term in own)
    ceiling = max(0.2, math.ceil(share * 10) / 10)
    reach = centre - middle_width / 2 - 24
    for side, (own, group) in enumerate(zip(counts, groups, strict=True)):
        sign = -1 if side == 0 else 1
        base = centre + sign * middle_width / 2
        x = Scale(0.0, ceiling, base, base + sign * reach)
        heading = phrase("{arm}, n = {n}", "{arm} n = {n}", arm=labels.arm(group.arm), n=phrases.whole(group.subjects))
        drawing.text(base, 16, heading, anchor="end" if side == 0 else "start", kind="strong")
        for k, term in enumerate(shown):
            y = top + step * k
            if term in own:
                for count, kind in ((own[term].any, "bar-light"), (own[term].severe, f"bar{side}")):
                    end = x(count / group.subjects)
                    drawing.box(min(base, end), y + 3, abs(end - base), step - 6, kind)
        drawing.line(base, top - 4, base, bottom, "axis")
        for tick in range(round(ceiling * 10) + 1):
            if tick % 2 == 0:
                drawing.line(x(tick / 10), bottom, x(tick / 10), bottom + 5, "axis")
                drawing.text(x(tick / 10), bottom + 20, str(tick * 10), anchor="middle")
        drawing.line(base, bottom, x(ceiling), bottom, "axis")
    for k, term in enumerate(shown):
        drawing.text(centre, top + step * k + 15, names[term], anchor="middle", kind="small")
    key = phrase(
        "% of treated subjects; light: any grade, dark: grade {g} or more"
        if safety.treated_only
        else "% of registered subjects; light: any grade, dark: grade {g} or more",
        f"{'治療例' if safety.treated_only else '登録例'}に占める割合（%）　淡色：全Grade、濃色：Grade {{g}}以上",
        g=str(safety.severe_grade),
    )
    drawing.text(centre, bottom + 37, key, anchor="middle", kind="quiet")
    description = Text(
        "Bars of the share of subjects with each term, one arm to the left and the other to the right.",
        "各有害事象の発現割合を左右に群別に示す棒グラフ。",
    )
    return Figure(id=figure, caption=caption, svg=drawing.svg(figure, caption, description), table=table)


def quality_of_life_figure(
    figure: str, caption: Text, quality: QualityOfLife, arms: Sequence[str], labels: Labels, *, table: str
) -> Figure | None:
    """Draw the proportion without progression by visit and arm with exact intervals; None when no visit can be judged."""
    visits = list(dict.fromkeys(own.visit for own in quality.visits if own.proportion.value is not None))
    if not visits:
        return None
    names = [labels.arm(arm) for arm in arms]
    left, right, top, bottom = 52.0, WIDTH - min(widest(names) + 14, 190.0), 28.0, 258.0
    drawing = Drawing(bottom + 44)
    y = Scale(0.0, 1.0, bottom, top)
    for k in range(6):
        drawing.line(left, y(k / 5), right, y(k / 5), "grid" if k else "axis")
        drawing.text(left - 9, y(k / 5) + 4.5, str(20 * k), anchor="end")
    drawing.line(left, top, left, bottom, "axis")
    axis = phrase("Without progression of quality of life (%)", "QOL非増悪割合（%）")
    drawing.text(left - 24, top - 11, axis, kind="quiet")
    room = (right - left) / len(visits)
    ends: dict[int, float] = {}
    for at, visit in enumerate(visits):
        for line, words in enumerate(_halves(labels.visit(visit))):
            drawing.text(left + room * (at + 0.5), bottom + 20 + 16 * line, words, anchor="middle")
    for kind, arm in enumerate(arms):
        place = 14.0 * (kind - (len(arms) - 1) / 2)
        points = []
        for at, visit in enumerate(visits):
            own = next(own for own in quality.visits if own.visit == visit and own.arm == arm).proportion
            if own.value is None or own.interval.lower is None or own.interval.upper is None:
                continue
            x = left + room * (at + 0.5) + place
            drawing.line(x, y(own.interval.lower), x, y(own.interval.upper), f"whisker{kind}")
            points.append((x, y(own.value)))
        drawing.path(points, f"link{kind}")
        for x, height in points:
            drawing.dot(x, height, 4.0, f"dot{kind}")
        if points:
            ends[kind] = points[-1][1]
    heights = apart(list(ends.values()), 17, top + 6, bottom - 6)
    for (kind, _), height in zip(ends.items(), heights, strict=True):
        drawing.text(right + 8, height + 4.5, labels.arm(arms[kind]), kind=f"label{kind}")
    description = Text(
        "Dots of the proportion without progression at each visit with exact intervals, by arm.",
        "各時点のQOL非増悪割合と正確信頼区間を群別に示す点図。",
    )
    return Figure(id=figure, caption=caption, svg=drawing.svg(figure, caption, description), table=table)
