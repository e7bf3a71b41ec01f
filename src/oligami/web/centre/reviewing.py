"""Views of the audit trail by risk: where corrections and entries come late, in heaps, at night, or just before a cut.

Each view is a function of the trial alone and yields findings; a finding is a place to look at, not a fault.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from oligami.journal.entries import SiteId
from oligami.protocol.text import Text
from oligami.trial.state import Change, FormState, Subject, Trial

#: Defaults of ours; no guideline fixes them. The page says them.
LATE_DAYS = 30  # a correction so long after the form was saved
CUT_DAYS = 14  # a correction within so many days before a cut was taken
MANY_CORRECTIONS = 10  # by one person on one day
NIGHT_BEGINS, NIGHT_ENDS = 22, 6  # hours of the local clock
MASS_FORMS = 15  # forms saved at one site within one hour of the clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A place to look at. author: empty where the record of an entry, not of a correction, was found. detail: what struck."""

    view: str
    site: SiteId
    subject: str
    form: str
    occurrence: int
    record: int
    at: datetime
    author: str
    items: tuple[str, ...]
    detail: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view: its name, what it looks for, and the default it rests on."""

    id: str
    title: Text
    rule: Text


VIEWS: tuple[View, ...] = (
    View(
        id="late",
        title=Text("Late corrections", "遅い訂正"),
        rule=Text(f"more than {LATE_DAYS} days after the form was saved", f"保存から {LATE_DAYS} 日を超えてからの訂正"),
    ),
    View(
        id="query",
        title=Text("Corrections after a data query", "問合せ後の訂正"),
        rule=Text("of an item, or form, that a data query was about", "問合せの対象となった項目・調査票の訂正"),
    ),
    View(
        id="cut",
        title=Text("Corrections shortly before a cut", "データカット直前の訂正"),
        rule=Text(f"within {CUT_DAYS} days before the cut was taken", f"カット設定前 {CUT_DAYS} 日以内の訂正"),
    ),
    View(
        id="person",
        title=Text("Many corrections by one person", "同一人物による多数の訂正"),
        rule=Text(f"{MANY_CORRECTIONS} or more on one day", f"1 日に {MANY_CORRECTIONS} 件以上"),
    ),
    View(
        id="night",
        title=Text("Entries at odd hours", "深夜の入力"),
        rule=Text(
            f"between {NIGHT_BEGINS}:00 and {NIGHT_ENDS}:00 by the local clock",
            f"現地時刻 {NIGHT_BEGINS} 時から {NIGHT_ENDS} 時まで",
        ),
    ),
    View(
        id="mass",
        title=Text("Mass saves", "一括入力"),
        rule=Text(f"{MASS_FORMS} or more forms at one site within an hour", f"1 施設で 1 時間に {MASS_FORMS} 件以上"),
    ),
)


@dataclass(frozen=True, slots=True)
class _Place:
    """A filled form of a subject."""

    subject: Subject
    state: FormState

    def finding(self, view: str, at: datetime, detail: Text, change: Change | None = None) -> Finding:
        """Return what was found here, about a correction if one is given."""
        return Finding(
            view=view,
            site=self.subject.site,
            subject=self.subject.id,
            form=self.state.form,
            occurrence=self.state.occurrence,
            record=change.seq if change is not None else self.state.seq,
            at=at,
            author=change.author if change is not None else "",
            items=tuple(change.new) if change is not None else (),
            detail=detail,
        )


def review(
    trial: Trial, sites: frozenset[SiteId] | None, cuts: Sequence[tuple[str, datetime, int]], zone: tzinfo
) -> dict[str, list[Finding]]:
    """Return the findings of each view, the newest first.

    Args:
        trial: as it stands.
        sites: those looked at; None: all.
        cuts: name, instant and last record of each cut that was taken.
        zone: of the local clock.
    """
    places = [
        _Place(subject, state)
        for subject in trial.subjects.values()
        if sites is None or subject.site in sites
        for state in subject.forms.values()
    ]
    corrections = [(place, change) for place in places for change in place.state.changes]
    found: Mapping[str, Iterable[Finding]] = {
        "late": _late(corrections),
        "query": _after_query(corrections),
        "cut": _before_cut(corrections, cuts),
        "person": _by_one_person(corrections, zone),
        "night": _at_night(places, corrections, zone),
        "mass": _mass(places),
    }
    return {view.id: sorted(found[view.id], key=lambda each: (each.at, each.record), reverse=True) for view in VIEWS}


_Corrections = Sequence[tuple[_Place, Change]]


def _late(corrections: _Corrections) -> Iterator[Finding]:
    for place, change in corrections:
        days = (change.at - place.state.submitted_at).days
        if days > LATE_DAYS:
            yield place.finding("late", change.at, Text(f"{days} days later", f"{days} 日後"), change)


def _after_query(corrections: _Corrections) -> Iterator[Finding]:
    for place, change in corrections:
        for query in place.subject.queries.values():
            about = (query.form, query.occurrence) == (place.state.form, place.state.occurrence)
            named = query.item is None or query.item.split("[")[0].split(".")[0] in change.new
            if about and named and query.raised_at <= change.at:
                yield place.finding("query", change.at, Text(f"data query {query.query}", f"問合せ {query.query}"), change)
                break


def _before_cut(corrections: _Corrections, cuts: Sequence[tuple[str, datetime, int]]) -> Iterator[Finding]:
    for place, change in corrections:
        for name, at, through in cuts:
            if change.seq <= through and timedelta(0) <= at - change.at <= timedelta(days=CUT_DAYS):
                days = (at - change.at).days
                yield place.finding(
                    "cut", change.at, Text(f"{days} days before cut {name}", f"カット {name} の {days} 日前"), change
                )
                break


def _by_one_person(corrections: _Corrections, zone: tzinfo) -> Iterator[Finding]:
    def day(_: _Place, change: Change) -> tuple[object, ...]:
        return change.author, change.at.astimezone(zone).date()

    for group in _grouped(corrections, day, MANY_CORRECTIONS):
        for place, change in group:
            yield place.finding("person", change.at, Text(f"{len(group)} on this day", f"同日に {len(group)} 件"), change)


def _at_night(places: Sequence[_Place], corrections: _Corrections, zone: tzinfo) -> Iterator[Finding]:
    def is_night(at: datetime) -> bool:
        hour = at.astimezone(zone).hour
        return hour >= NIGHT_BEGINS or hour < NIGHT_ENDS

    for place in places:
        if is_night(place.state.submitted_at):
            yield place.finding("night", place.state.submitted_at, Text("entered", "入力"))
    for place, change in corrections:
        if is_night(change.at):
            yield place.finding("night", change.at, Text("corrected", "訂正"), change)


def _mass(places: Sequence[_Place]) -> Iterator[Finding]:
    hours: dict[tuple[SiteId, datetime], list[_Place]] = defaultdict(list)
    for place in places:
        hours[place.subject.site, place.state.submitted_at.replace(minute=0, second=0, microsecond=0)].append(place)
    for group in hours.values():
        if len(group) >= MASS_FORMS:
            for place in group:
                yield place.finding(
                    "mass", place.state.submitted_at, Text(f"{len(group)} in this hour", f"1 時間に {len(group)} 件")
                )


def _grouped(
    corrections: _Corrections, key: Callable[[_Place, Change], tuple[object, ...]], least: int
) -> Iterator[list[tuple[_Place, Change]]]:
    groups: dict[tuple[object, ...], list[tuple[_Place, Change]]] = defaultdict(list)
    for place, change in corrections:
        groups[key(place, change)].append((place, change))
    yield from (group for group in groups.values() if len(group) >= least)
