"""Adverse events: the worst grade of each subject and term, by period and arm, and the share with severe or serious ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oligami.analysis.measures import Proportion, proportion
from oligami.analysis.parts import gives, records
from oligami.data.datasets import Datasets
from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.protocol import Protocol

GRADES = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermCount:
    """Subjects of a group by their worst grade of one term. `grades`: subjects whose worst grade is 1, 2, 3, 4, 5."""

    term: str
    any: int
    grades: tuple[int, int, int, int, int]
    grade_unknown: int
    severe: int
    serious: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyGroup:
    """Adverse events of the counted subjects of one period and arm (None: everybody).

    worst: subjects by their worst grade over all terms, none first (0 to 5). terms: most frequent first.
    """

    period: str
    arm: str | None
    subjects: int
    any: Proportion
    severe: Proportion
    serious: Proportion
    worst: tuple[int, int, int, int, int, int]
    related_severe: tuple[tuple[str, int], ...]  # subjects with a severe event that the site related to a therapy
    terms: tuple[TermCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """Adverse events of all periods. Terms of all groups, most frequent in the whole trial first.

    treated_only: whether only those are counted whose therapy began; else, in a trial that gives none, everybody registered.
    """

    dictionary: str
    dictionary_version: str
    severe_grade: int
    treated_only: bool
    groups: tuple[SafetyGroup, ...]
    terms: tuple[str, ...]


def analyse_safety(datasets: Datasets, protocol: Protocol) -> Safety | None:
    """Count adverse events by period and arm; None where the protocol has no form for them.

    Counted are those whose systemic or local therapy began, or, in a trial that gives neither, all who are registered; a period
    by arm counts those of them who are in the arm.
    """
    if not records(protocol, FormRole.ADVERSE_EVENT):
        return None
    treated_only = gives(protocol, "systemic_therapy") or gives(protocol, "local_therapy")
    subjects, events = datasets.subjects, datasets.adverse_events
    level = max(protocol.analysis.confidence_levels)
    counted = {
        subject: arm
        for subject, arm, started, local, annulled in zip(
            subjects.subject,
            subjects.arm,
            subjects.therapy_started,
            subjects.local_therapy_started,
            subjects.annulled,
            strict=True,
        )
        if (started or local or not treated_only) and not annulled
    }
    frequency: dict[str, set[str]] = {}
    for subject, term in zip(events.subject, events.term, strict=True):
        frequency.setdefault(term, set()).add(subject)
    groups = []
    for period in protocol.safety.period:
        rows = [row for row, own in enumerate(events.period) if own == period.id]
        if period.by_arm:
            for arm in datasets.arms:
                own = [subject for subject, its in counted.items() if its == arm]
                groups.append(_group(datasets, period.id, arm, own, rows, protocol.safety.severe_grade, level))
        else:
            groups.append(_group(datasets, period.id, None, list(counted), rows, protocol.safety.severe_grade, level))
    return Safety(
        dictionary=protocol.safety.dictionary,
        dictionary_version=protocol.safety.dictionary_version,
        severe_grade=protocol.safety.severe_grade,
        treated_only=treated_only,
        groups=tuple(groups),
        terms=tuple(sorted(frequency, key=lambda term: (-len(frequency[term]), term))),
    )


def _group(
    datasets: Datasets, period: str, arm: str | None, subjects: Sequence[str], rows: Sequence[int], severe: int, level: float
) -> SafetyGroup:
    events, members = datasets.adverse_events, set(subjects)
    worst: dict[str, dict[str, int | None]] = {}
    overall: dict[str, int] = {}
    serious: dict[str, set[str]] = {}
    related: dict[str, set[str]] = {}
    for row in rows:
        subject, term, grade = events.subject[row], events.term[row], events.grade[row]
        if subject not in members:
            continue
        by_subject = worst.setdefault(term, {})
        by_subject[subject] = _worse(by_subject.get(subject), grade)
        overall[subject] = max(overall.get(subject, 0), grade or 0)
        if events.serious[row]:
            serious.setdefault(term, set()).add(subject)
        if grade is not None and grade >= severe:
            for therapy in events.related[row]:
                related.setdefault(therapy, set()).add(subject)
    with_any = {subject for by_subject in worst.values() for subject in by_subject}
    with_serious = {subject for own in serious.values() for subject in own}
    n = len(members)
    grades = [overall.get(subject, 0) for subject in members]
    terms = [_term(term, by_subject, serious.get(term, set()), severe) for term, by_subject in worst.items()]
    return SafetyGroup(
        period=period,
        arm=arm,
        subjects=n,
        any=proportion(len(with_any), n, level),
        severe=proportion(sum(grade >= severe for grade in grades), n, level),
        serious=proportion(len(with_serious), n, level),
        worst=(
            grades.count(0),
            grades.count(1),
            grades.count(2),
            grades.count(3),
            grades.count(4),
            grades.count(5),
        ),
        related_severe=tuple((therapy, len(own)) for therapy, own in sorted(related.items())),
        terms=tuple(sorted(terms, key=lambda count: (-count.any, -count.severe, count.term))),
    )


def _worse(known: int | None, found: int | None) -> int | None:
    """The worse of two grades; one that is not known gives way to any that is."""
    return known if found is None else found if known is None else max(known, found)


def _term(term: str, by_subject: Mapping[str, int | None], serious: set[str], severe: int) -> TermCount:
    grades = list(by_subject.values())
    return TermCount(
        term=term,
        any=len(grades),
        grades=(grades.count(1), grades.count(2), grades.count(3), grades.count(4), grades.count(5)),
        grade_unknown=grades.count(None),
        severe=sum(grade is not None and grade >= severe for grade in grades),
        serious=len(serious),
    )
