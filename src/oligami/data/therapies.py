"""Systemic therapy of everybody randomized: the regimen in force, courses, and whether the same therapy was kept.

The same: the regimen in force at randomization. Dropping an agent, or a switch inside its class, that the site reports as the
same therapy is a switch; any other change before progression is a departure from the protocol.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from oligami.data.columns import Table
from oligami.data.datasets import Therapies
from oligami.data.history import History
from oligami.data.local_therapy import crossover_date
from oligami.data.progression import Progression
from oligami.data.reading import NO, YES
from oligami.protocol.model.protocol import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class TherapyChange:
    """A change of the systemic therapy after randomization. same: still the same therapy. reason: None if not told."""

    date: date
    same: bool
    regimen: str | None
    reason: str | None
    before_progression: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTherapy:
    """Whether the same therapy was kept, and the change that decides it (else the first switch)."""

    regimen: str | None
    courses_before: int
    courses_after: int
    kept: str
    switched: bool
    change: TherapyChange | None


def regimen_in_force(history: History, on: date) -> str | None:
    """Return the regimen in force on a day: what the newest word on or before it says."""
    said: list[tuple[date, int, str]] = []
    therapy = history.therapy
    if therapy is not None and (regimen := therapy.text("regimen")) is not None:
        said.append((history.therapy_start or date.min, 0, regimen))
    for order, forms in ((1, history.courses), (2, history.changes)):
        for filled in forms:
            regimen = filled.text("regimen")
            if filled.on is not None and filled.on <= on and regimen is not None:
                said.append((filled.on, order, regimen))
    return max(said, default=(on, 0, None))[2]


def judge_therapy_kept(history: History, progression: Progression, *, resumption_missed: bool) -> KeptTherapy | None:
    """Judge whether the same systemic therapy was kept after randomization; None for who was not randomized.

    Args:
        history: the subject's.
        progression: the subject's.
        resumption_missed: whether a window in which the therapy had to resume has closed without a course.
    """
    start = history.randomized
    if start is None:
        return None
    regimen = regimen_in_force(history, start)
    days = [course.on for course in history.courses if course.on is not None]
    before, after = sum(day < start for day in days), sum(day >= start for day in days)
    changes = find_changes(history, progression, regimen)
    other = next((change for change in changes if not change.same), None)
    switch = changes[0] if changes else None
    ended = history.end is not None or history.death is not None or history.withdrawn is not None
    if other is not None:
        kept = "changed_before_progression" if other.before_progression else "changed_after_progression"
    elif after == 0 and (ended or resumption_missed or progression.known is not None):
        kept = "not_restarted"
    elif history.end is not None:
        kept = "ended"
    else:
        kept = "same" if switch is None else "same_with_switch"
    return KeptTherapy(
        regimen=regimen,
        courses_before=before,
        courses_after=after,
        kept=kept,
        switched=any(change.same for change in changes),
        change=other or switch,
    )


def find_changes(history: History, progression: Progression, regimen: str | None) -> tuple[TherapyChange, ...]:
    """Return the changes after randomization in order: those reported, and courses of another regimen nobody reported."""
    start = history.randomized
    if start is None:
        return ()

    def precedes(day: date, told: str | None) -> bool:
        # The site's own word counts only while no progression is on record.
        return told != NO if progression.known is None else not progression.is_known_on(day)

    found = []
    named = {regimen}
    for filled in history.changes:
        if filled.on is None or filled.on < start:
            continue
        told = filled.text("regimen")
        same = filled.text("same_therapy") == YES
        named.add(told)
        found.append(
            TherapyChange(
                date=filled.on,
                same=same,
                regimen=told,
                reason=filled.text("reason"),
                before_progression=precedes(filled.on, filled.text("before_progression")),
            )
        )
    for course in history.courses:
        told = course.text("regimen")
        if course.on is not None and course.on >= start and told is not None and told not in named:
            named.add(told)
            change = TherapyChange(
                date=course.on, same=False, regimen=told, reason=None, before_progression=precedes(course.on, None)
            )
            found.append(change)
    return tuple(sorted(found, key=lambda change: (change.date, change.same, change.regimen or "")))


def derive_therapies(subjects: Sequence[tuple[History, Progression, KeptTherapy | None]], protocol: Protocol) -> Therapies:
    """Return one row a randomized subject."""
    rows = Table()
    for history, progression, own in subjects:
        if own is None or history.annulled:
            continue
        end = history.end
        rows.add(
            subject=history.id,
            arm=history.arm,
            regimen=own.regimen,
            courses_before=own.courses_before,
            courses_after=own.courses_after,
            kept=own.kept,
            switched=own.switched,
            change_date=None if own.change is None else own.change.date,
            change_reason=None if own.change is None else own.change.reason,
            end_date=None if end is None else end.on,
            end_reason=None if end is None else end.text("reason"),
            crossover_date=crossover_date(history, progression, protocol),
        )
    return Therapies(**rows.columns(Therapies))
