"""Systemic therapy after randomization: whether the same therapy was kept, why it changed or ended, and crossover."""

from dataclasses import dataclass
from datetime import date

from oligami.analysis.measures import Spread, Tally, by_frequency, spread, tallies
from oligami.analysis.parts import gives
from oligami.data.datasets import Datasets, Therapies
from oligami.protocol.model.protocol import Protocol

#: The same therapy as long as it was due: only another change before progression is not the same.
KEPT = ("same", "same_with_switch", "until_end", "changed_after_progression")
#: In the order of a table.
COURSES = (*KEPT, "changed_before_progression", "ended", "not_restarted")
#: Ends that are no departure: the therapy was due no longer.
DUE_ENDS = frozenset({"progression", "death", "completed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TherapyCourse:
    """Systemic therapy in one arm. Reasons are among those with a change or an end; regimens as in force at randomization.

    kept: every subject once, as in the dataset, but `until_end` for therapy that ended for progression or death, after
        progression, or as planned; `ended` is then any other end. kept_same: subjects with one of `KEPT`.
    switched: allowed exchanges of an agent, among all subjects, also those whose therapy ended or changed since.
    crossover: local therapy before progression in an arm without it; None where the protocol gives no local therapy.
    """

    arm: str
    subjects: int
    regimens: tuple[Tally, ...]
    kept: tuple[Tally, ...]
    kept_same: int
    switched: Tally
    change_reasons: tuple[Tally, ...]
    end_reasons: tuple[Tally, ...]
    crossover: Tally | None
    courses_before: Spread
    courses_after: Spread


def describe_therapy(datasets: Datasets, protocol: Protocol) -> tuple[TherapyCourse, ...]:
    """Describe the systemic therapy of each arm; nothing where the protocol gives none."""
    if not gives(protocol, "systemic_therapy"):
        return ()
    local = gives(protocol, "local_therapy")
    return tuple(_describe(datasets, arm, local=local) for arm in datasets.arms)


def _describe(datasets: Datasets, arm: str, *, local: bool) -> TherapyCourse:
    therapies = datasets.therapies
    rows = [row for row, own in enumerate(therapies.arm) if own == arm]
    changed = [row for row in rows if therapies.change_date[row] is not None]
    ended = [row for row in rows if therapies.end_date[row] is not None]
    progressed = dict(zip(datasets.subjects.subject, datasets.subjects.progression_date, strict=True))
    courses = [_course(therapies, row, progressed.get(therapies.subject[row])) for row in rows]
    switches = sum(therapies.switched[row] for row in rows)
    crossed = sum(therapies.crossover_date[row] is not None for row in rows)
    return TherapyCourse(
        arm=arm,
        subjects=len(rows),
        regimens=by_frequency(tallies(therapies.regimen[row] for row in rows)),
        kept=tallies(courses, COURSES),
        kept_same=sum(course in KEPT for course in courses),
        switched=Tally(value="switched", count=switches, total=len(rows)),
        change_reasons=by_frequency(tallies(therapies.change_reason[row] for row in changed)),
        end_reasons=by_frequency(tallies(therapies.end_reason[row] for row in ended)),
        crossover=Tally(value="crossover", count=crossed, total=len(rows)) if local else None,
        courses_before=spread(float(therapies.courses_before[row]) for row in rows),
        courses_after=spread(float(therapies.courses_after[row]) for row in rows),
    )


def _course(therapies: Therapies, row: int, progressed: date | None) -> str:
    """Tell how the therapy went, setting apart an end that was due."""
    end, course = therapies.end_date[row], therapies.kept[row]
    if course != "ended" or end is None:
        return course
    is_due = therapies.end_reason[row] in DUE_ENDS or (progressed is not None and progressed <= end)
    return "until_end" if is_due else course
