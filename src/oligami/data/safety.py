"""Adverse events with the period in which they began."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from oligami.data.columns import Table
from oligami.data.datasets import AdverseEvents
from oligami.data.history import History
from oligami.data.reading import YES, Filled
from oligami.protocol.model.analysis import Period
from oligami.protocol.model.protocol import Protocol

#: The causal relations that count as related.
_RELATED: Final = frozenset({"definite", "probable", "possible"})
_RELATION: Final = "relation_"


def derive_adverse_events(histories: Sequence[History], protocol: Protocol) -> AdverseEvents:
    """Return one row an adverse event that began by the cut."""
    rows = Table()
    for history in histories:
        if history.annulled:
            continue
        for filled in history.adverse_events:
            period = find_period(history, filled.on, protocol.safety.period)
            rows.add(
                subject=history.id,
                arm=history.arm,
                period=None if period is None else period.id,
                term=filled.text("term") or "",
                grade=filled.whole("grade"),
                serious=None if (serious := filled.text("serious")) is None else serious == YES,
                start_date=filled.on,
                related=tuple(_related(filled)),
            )
    return AdverseEvents(**rows.columns(AdverseEvents))


def find_period(history: History, day: date | None, periods: Sequence[Period]) -> Period | None:
    """Return the period a day falls in: the one whose start came last. The day of a start belongs to what starts."""
    begun: list[tuple[date, int, Period]] = []
    for place, period in enumerate(periods):
        start = _anchor(history, period.starts)
        if start is not None and day is not None and start <= day:
            begun.append((start, place, period))
    return max(begun, key=lambda found: found[:2])[2] if begun else None


def _anchor(history: History, starts: str) -> date | None:
    word, _, stage = starts.partition(":")
    return history.registered.get(stage) if word == "registration" else history.randomized


def _related(filled: Filled) -> Iterator[str]:
    """Yield the therapies to which the site related the event, in the order of the form."""
    for concept in filled.concepts():
        if concept.startswith(_RELATION) and filled.text(concept) in _RELATED:
            yield concept.removeprefix(_RELATION)
