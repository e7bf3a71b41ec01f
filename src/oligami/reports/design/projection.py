"""The projection of events, told to everybody: arms together."""

from collections.abc import Sequence
from pathlib import Path

from oligami.analysis.projection import PREDICTION_LEVEL, ProjectionResult
from oligami.analysis.provenance import provenance_facts
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.design.folder import banner_words, header_words, write_page
from oligami.reports.phrases import Filling, phrase
from oligami.reports.sections.section import Section
from oligami.reports.tables import Cell, Column, Row, Table, number_cell, words_cell

POOLED = Text(
    "Arms together: nothing here tells one arm from the other.",
    "全群をまとめた結果であり、群別の情報は含まない。",
)


def projection_sections(result: ProjectionResult) -> list[Section]:
    """Return the sections of a projection: when events come, and how many by which date."""
    target = next(each for each in result.dates if each.is_target)
    if target.is_known:
        finding: Filling = phrase(
            "The {n} events were reached on {d}.",
            "イベント{n}件には{d}に達した。",
            n=phrases.whole(target.events),
            d=str(target.median),
        )
    elif target.median is None:
        finding = phrase(
            "{n} events are not expected ever to be reached with the subjects there are.",
            "現在の症例数では、イベント{n}件に達する見込みはない。",
            n=phrases.whole(target.events),
        )
    else:
        finding = phrase(
            "{n} events are expected on {m}; with {p} % probability between {a} and {b}.",
            "イベント{n}件への到達は{m}と予測される（{p}%予測区間 {a}〜{b}）。",
            n=phrases.whole(target.events),
            m=str(target.median),
            p=f"{100 * PREDICTION_LEVEL:g}",
            a=_day(target.lower),
            b=_day(target.upper),
        )
    dates = Table(
        id="dates",
        caption=Text("When numbers of events are reached", "イベント数に達する日"),
        stub=Text("Events", "イベント"),
        keys=("events",),
        columns=(
            Column(key="date", heading=Text("Date", "日付"), words=True),
            Column(key="lower", heading=Text("80 % interval from", "80%区間（下限）"), words=True),
            Column(key="upper", heading=Text("to", "（上限）"), words=True),
        ),
        rows=tuple(
            Row(
                head=str(each.events),
                keys={"events": each.events},
                cells=tuple(
                    words_cell(_day(day), None if day is None else day.isoformat())
                    for day in (each.median, each.lower, each.upper)
                ),
                strong=each.is_target,
            )
            for each in result.dates
        ),
        note=Text(
            "Bold or *: the events waited for. A date in the past is known.", "太字・*：目標のイベント数。過去の日付は実績。"
        ),
    )
    numbers = Table(
        id="events",
        caption=Text("How many events there will be", "予測イベント数"),
        stub=Text("By", "時点"),
        keys=("date",),
        columns=(
            Column(key="events", heading=Text("Events", "イベント")),
            Column(key="range", heading=Text("80 % interval", "80%区間"), fields=("lower", "upper")),
        ),
        rows=tuple(
            Row(
                head=each.on.isoformat(),
                keys={"date": each.on.isoformat()},
                cells=(
                    number_cell(phrases.decimal(each.median, 0)),
                    Cell(
                        shown=phrase("{a}–{b}", "{a}–{b}", a=phrases.decimal(each.lower, 0), b=phrases.decimal(each.upper, 0)),
                        values=(each.lower, each.upper),
                    ),
                ),
            )
            for each in result.numbers
        ),
    )
    return [
        Section(
            id="projection",
            title=Text("When the events come", "イベントの予測"),
            finding=finding,
            blocks=(_state(result), POOLED, dates, numbers),
        )
    ]


def write_projection_report(result: ProjectionResult, protocol: Protocol, out: Path, *, command: str) -> Sequence[Path]:
    """Write the page of a projection. Arguments and errors as `monitoring.write_look_report`."""
    sections = projection_sections(result)
    return write_page(
        out,
        protocol,
        form="oligami-projection/1",
        what=Text("projection of events", "イベント予測のページ"),
        title=Text("projection of events", "イベント予測"),
        header=header_words(result.provenance.up_to.isoformat(), result.provenance.through, protocol),
        banner=banner_words(POOLED, simulated=result.provenance.simulated),
        banner_class="simulated" if result.provenance.simulated else "open",
        lead=_state(result),
        sections=sections,
        facts=provenance_facts(result.provenance),
        command=command,
        results=result,
    )


def _state(result: ProjectionResult) -> Filling:
    return phrase(
        "Up to {day}: {n} randomized, {e} events, {w} withdrawn from follow-up; {k} more expected to be randomized. "
        "{h} events per person-year, pooled {m} model, seed {s}.",
        "{day}まで：割付{n}例、イベント{e}件、追跡同意撤回{w}例、今後の割付見込み{k}例。1人年あたりイベント{h}件、併合{m}モデル、シード{s}。",
        day=result.provenance.up_to.isoformat(),
        n=phrases.whole(result.randomized),
        e=phrases.whole(result.events),
        w=phrases.whole(result.withdrawn),
        k=phrases.whole(result.to_enter),
        h=phrases.decimal(result.events_per_person_year, 3),
        m={"exponential": Text("exponential", "指数"), "weibull": Text("Weibull", "Weibull")}[result.model],
        s=str(result.seed),
    )


def _day(day: object) -> Filling:
    return Text("not reached", "到達せず") if day is None else str(day)
