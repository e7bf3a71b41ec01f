"""The dated versions of the public record, read from the journal record by record.

Whatever alters what the record says is a version: an activation, a revision, a site opened or closed, a change of status. The
number of those registered goes on without one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from oligami.journal import entries as e
from oligami.journal.entries import SiteId, SubjectId
from oligami.journal.record import Record
from oligami.protocol.digest import protocol_from_json
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.record import TrialFile
from oligami.protocol.text import Text
from oligami.registry.record import PublicRecord, public_record
from oligami.registry.words import word
from oligami.trial.record_paths import carry_over, check_changes, part_of, revise
from oligami.trial.state import SiteState

#: The entries that the public record rests on; all others leave it as it is.
KINDS: Final = (
    e.ProtocolActivated,
    e.RecordRevised,
    e.SiteOpened,
    e.SiteClosed,
    e.AccrualPaused,
    e.AccrualResumed,
    e.Registered,
    e.RegistrationAnnulled,
    e.HeadPublished,
    e.BodyRedacted,
)
_NONE: Mapping[Any, Any] = MappingProxyType({})
_SUBJECT: Final = re.compile(r"\bS-?[0-9]{3,}\b")
_WITHHELD: Final = Text("(not shown: it names a subject)", "（症例に触れるため非表示）")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of the public record, counted from 1: what changed, why, and the record from then on."""

    number: int
    what: Text
    why: Text
    record: PublicRecord

    @property
    def day(self) -> date:
        """Its date, where the trial is at home."""
        return self.record.day


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The public record so far: its newest state, its versions, and what the next record is held against.

    protocol: the version in force for the whole trial; its record is the public one. approved: later versions that sites take
    over one by one.
    published: heads that left the house, each as number, seal and place.
    """

    trial: str = ""
    protocol: Protocol | None = None
    approved: tuple[str, ...] = ()
    revisions: tuple[Mapping[str, Any], ...] = ()
    said: TrialFile | None = None  # the protocol's record with the revisions made
    sites: Mapping[SiteId, SiteState] = field(default_factory=lambda: _NONE)
    registered: Mapping[str, Mapping[SubjectId, SiteId]] = field(default_factory=lambda: _NONE)
    paused: frozenset[str | None] = frozenset()
    simulated: bool = False
    published: tuple[tuple[int, str, str], ...] = ()
    record: PublicRecord | None = None
    versions: tuple[Version, ...] = ()
    seq: int = 0  # the last record looked at

    def on(self, day: date) -> Version | None:
        """Return the version that a date began with; on the first version's own date that one, before it None.

        Whoever read the record on that date may have read no later one, so all that came after counts as new.
        """
        earlier = [version for version in self.versions if version.day < day]
        if earlier:
            return earlier[-1]
        return next((version for version in self.versions if version.day == day), None)


def versions(records: Iterable[Record]) -> tuple[Version, ...]:
    """Return the versions of the public record that a journal's records make, oldest first."""
    return follow(records).versions


def record_at(records: Iterable[Record], seq: int) -> PublicRecord | None:
    """Return the public record as it stood after record `seq`; None before the first activation."""
    return follow(record for record in records if record.seq <= seq).record


def follow(records: Iterable[Record], course: Course | None = None) -> Course:
    """Return the course of the public record after more records; those that do not bear on it may be left out.

    A redacted record comes with what is left of it. One that was redacted after it had been looked at needs a new beginning.
    """
    now = course if course is not None else Course()
    for record in records:
        if record.seq <= now.seq:
            raise ValueError(f"record {record.seq} was looked at before record {now.seq}")
        now = _advance(now, record)
    return now


def _advance(course: Course, record: Record) -> Course:
    entry = record.entry
    after = replace(course, seq=record.seq)
    match entry:
        case e.ProtocolActivated():
            if entry.per_site:
                after = replace(after, approved=(*course.approved, entry.version))
                what = Text(
                    f"Protocol version {entry.version} approved, site by site",
                    f"プロトコール第 {entry.version} 版を承認（施設ごとに切替え）",
                )
                return _with_version(course, after, record, what, entry.reason)
            protocol = protocol_from_json(entry.protocol)
            kept = course.revisions
            if course.protocol is not None:
                kept = carry_over(kept, course.protocol.trial, protocol.trial)
            simulated = course.simulated or record.stamp.channel == "simulation"
            said = revise(protocol.trial, kept)
            newer = course.approved.index(entry.version) + 1 if entry.version in course.approved else len(course.approved)
            after = replace(
                after,
                trial=entry.trial,
                protocol=protocol,
                approved=course.approved[newer:],
                revisions=kept,
                said=said,
                simulated=simulated,
            )
            what = Text(f"Protocol version {entry.version} activated", f"プロトコール第 {entry.version} 版を有効化")
            return _with_version(course, after, record, what, entry.reason)
        case e.RecordRevised():
            if course.said is None or check_changes(course.said, entry.changes):
                return after  # an old journal may hold changes that name no place of the record
            said = revise(course.said, [entry.changes])
            after = replace(after, revisions=(*course.revisions, entry.changes), said=said)
            return _with_version(course, after, record, _revision(entry.changes), entry.reason)
        case e.SiteOpened():
            opened = SiteState(entry.site, entry.name, entry.fictitious, record.stamp.recorded_at)
            after = replace(after, sites={**course.sites, entry.site: opened})
            what = Text(f"Site opened: {entry.name}", f"施設を開設: {entry.name}")
            return _with_version(course, after, record, _unless(opened, what), "")
        case e.SiteClosed():
            closed = replace(course.sites[entry.site], closed_at=record.stamp.recorded_at)
            after = replace(after, sites={**course.sites, entry.site: closed})
            what = Text(f"Site closed: {closed.name}", f"施設を終了: {closed.name}")
            return _with_version(course, after, record, _unless(closed, what), "" if closed.fictitious else entry.reason)
        case e.AccrualPaused():
            after = replace(after, paused=course.paused | {entry.stage})
            what = Text("Registration paused", "登録を一時停止")
            return _with_version(course, after, record, _of_stage(what, entry.stage, after), entry.reason)
        case e.AccrualResumed():
            after = replace(after, paused=course.paused - {entry.stage})
            what = Text("Registration resumed", "登録を再開")
            return _with_version(course, after, record, _of_stage(what, entry.stage, after), entry.reason)
        case e.Registered():
            those = course.registered.get(entry.stage, _NONE)
            after = replace(after, registered={**course.registered, entry.stage: {**those, entry.subject: entry.site}})
            return _with_version(course, after, record, None, "")
        case e.RegistrationAnnulled():
            those = {name: site for name, site in course.registered.get(entry.stage, _NONE).items() if name != entry.subject}
            after = replace(after, registered={**course.registered, entry.stage: those})
            return _with_version(course, after, record, None, "")
        case e.HeadPublished():
            return replace(after, published=(*course.published, (entry.record, entry.seal, entry.where)))
        case _:
            return after


def _with_version(before: Course, after: Course, record: Record, what: Text | None, why: str) -> Course:
    """Add the new state, and a version if the record says something else than before.

    Args:
        before: the course before the record.
        after: the course after it, still with the old state.
        record: the journal's record.
        what: what happened, None if only a change of status may be told.
        why: the reason in the words of its author.
    """
    now = _state(after, record)
    if now is None:
        return after
    after = replace(after, record=now)
    if before.record is not None and _face(before.record) == _face(now):
        return after
    if what is None:
        old = word(before.record.status) if before.record is not None else Text("none", "なし")
        new = word(now.status)
        what = Text(f"Status: {old.en}, now {new.en}", f"状況: {old.ja} から {new.ja} へ")
        why = ""
    shown = _WITHHELD if _SUBJECT.search(why) else Text(why, why)
    version = Version(number=len(after.versions) + 1, what=what, why=shown, record=now)
    return replace(after, versions=(*after.versions, version))


def _face(record: PublicRecord) -> object:
    """Return all of a record that a version is made by."""
    return (record.said, record.protocol.version, record.protocol.digest, record.site_dates, record.paused, record.approved)


def _state(course: Course, record: Record) -> PublicRecord | None:
    if course.protocol is None or course.said is None:
        return None
    counts = {stage: _by_site(those.values()) for stage, those in course.registered.items()}
    return public_record(
        trial=course.trial,
        record=course.said,
        protocol=course.protocol,
        approved=course.approved,
        sites=course.sites,
        counts=counts,
        paused=course.paused,
        simulated=course.simulated,
        seq=record.seq,
        seal=record.seal,
        at=record.stamp.recorded_at,
    )


def _by_site(sites: Iterable[SiteId]) -> dict[SiteId, int]:
    counts: dict[SiteId, int] = {}
    for site in sites:
        counts[site] = counts.get(site, 0) + 1
    return counts


def _unless(site: SiteState, what: Text) -> Text | None:
    return None if site.fictitious else what


def _of_stage(what: Text, stage: str | None, course: Course) -> Text:
    stages = course.protocol.eligibility.stage if course.protocol is not None else ()
    title = next((each.title for each in stages if each.id == stage), None)
    return what if title is None else Text(f"{what.en}: {title.en}", f"{what.ja}: {title.ja}")


def _revision(changes: Mapping[str, Any]) -> Text:
    """Return what a revision touches, by the parts of the record."""
    parts = [word(part) for part in dict.fromkeys(part_of(path) for path in changes)]
    return Text(
        f"Record revised: {', '.join(part.en for part in parts)}", f"登録情報を変更: {'、'.join(part.ja for part in parts)}"
    )
