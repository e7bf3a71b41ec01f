"""Progression of a subject at a cut: when, where, and of which treated lesion.

Progression by imaging is what the investigator recorded; the sizes on the same forms are judged again by the protocol's rules
(`trial.response`) for the site of progression and for a check of the records. Sizes of single lesions follow the lesions that
had local therapy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, cast

from oligami.data.history import History, Lesion, Treatment
from oligami.data.reading import YES, Filled
from oligami.protocol.model.response import ResponseFile
from oligami.trial.response import (
    AssessedResponse,
    Assessment,
    NewLesion,
    NonTargetLesion,
    TargetLesion,
    assess_course,
    find_progression_site,
    has_progressed,
)

#: The word of the response criteria for an assessment that tells nothing.
NOT_EVALUABLE: Final = "NE"
_PROGRESSES: Final = frozenset({"PD"})  # where the protocol has no response file
_NEW_LESION: Final = frozenset({"no", "equivocal", "yes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """An imaging assessment as it was recorded. sizes: mm by lesion, 0 where it has vanished; None where not assessed."""

    date: date
    overall: str | None
    progressed: bool
    sizes: dict[str, float | None]
    resected: frozenset[str]
    non_target: str | None
    new_lesion: NewLesion
    confirms_equivocal: bool
    filled: Filled

    @property
    def is_free(self) -> bool:
        """Whether it showed that there was no progression."""
        return self.overall is not None and not self.progressed and self.overall != NOT_EVALUABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Progression:
    """What is known of progression.

    imaging: the date from which progression by imaging counts; shown_on: the assessment that showed it, later where a new
    lesion was first equivocal. site: where it lay. clinical: as judged without images.
    judged: each scan as the protocol's rules read its sizes, in the order of `scans`; empty without rules.
    """

    scans: tuple[Scan, ...]
    imaging: date | None
    shown_on: date | None
    site: str | None
    clinical: date | None
    judged: tuple[AssessedResponse, ...]

    @property
    def first(self) -> date | None:
        """The earlier of the two progressions."""
        return min((day for day in (self.imaging, self.clinical) if day is not None), default=None)

    @property
    def known(self) -> date | None:
        """When progression was first known: a new lesion dated back was not, while it was equivocal."""
        return min((day for day in (self.shown_on, self.clinical) if day is not None), default=None)

    def is_known_on(self, day: date) -> bool:
        """Whether the disease was known to have progressed on a day, that of the finding included."""
        return self.known is not None and self.known <= day


def find_progression(history: History, rules: ResponseFile | None) -> Progression:
    """Return the progression of a subject's disease."""
    progresses = frozenset(rules.codes_that_progress) if rules is not None else _PROGRESSES
    scans = tuple(_scan(filled, rules, progresses) for filled in history.assessments)
    first = _first(scans)
    judged: tuple[AssessedResponse, ...] = ()
    site = None
    if rules is not None and scans:
        targets, others = choose_targets(history, rules, scans)
        told = [_as_told(scan, rules, targets, others, history, scans) for scan in scans]
        judged = assess_course(rules, targets, others, told).assessments
        if first is not None:
            site = find_progression_site(rules, targets, others, told, first[1])
    return Progression(
        scans=scans,
        imaging=None if first is None else first[0],
        shown_on=None if first is None else first[1],
        site=site,
        clinical=history.clinical_progression,
        judged=judged,
    )


def _first(scans: Sequence[Scan]) -> tuple[date, date] | None:
    """Return from when progression counts and which scan showed it: a confirmed new lesion dates from the first equivocal scan."""
    equivocal: date | None = None
    found = []
    for scan in scans:
        if scan.progressed:
            dated_back = equivocal if scan.confirms_equivocal and scan.new_lesion == "yes" else None
            found.append((dated_back or scan.date, scan.date))
        if scan.new_lesion == "equivocal" and equivocal is None:
            equivocal = scan.date
    return min(found, default=None)


def _scan(filled: Filled, rules: ResponseFile | None, progresses: frozenset[str]) -> Scan:
    sizes: dict[str, float | None] = {}
    resected = set()
    for row in filled.rows("lesion_sizes"):
        lesion, status, size = row.text("lesion_id"), row.text("status"), row.number("size_mm")
        if lesion is None:
            continue
        match status:
            case "not_assessed":
                size = None
            case "vanished":
                size = 0.0
            case "resected":
                # Nothing is there to be measured; what is seen there later is a recurrence.
                resected.add(lesion)
                size = size or 0.0
            case "too_small" if size is None and rules is not None:
                size = rules.too_small_mm
        sizes[lesion] = size
    overall, new_lesion = filled.text("overall_response"), filled.text("new_lesion")
    assert filled.on is not None  # undated forms were left out
    return Scan(
        date=filled.on,
        overall=overall,
        progressed=overall in progresses,
        sizes=sizes,
        resected=frozenset(resected),
        non_target=filled.text("non_target"),
        new_lesion=cast(NewLesion, new_lesion) if new_lesion in _NEW_LESION else "unknown",
        confirms_equivocal=filled.text("confirms_equivocal") == YES,
        filled=filled,
    )


# ---------------------------------------------------------------- targets


def choose_targets(
    history: History, rules: ResponseFile, scans: Sequence[Scan]
) -> tuple[tuple[TargetLesion, ...], tuple[NonTargetLesion, ...]]:
    """Divide the lesions of the first registration into targets, largest first, and those that are only followed."""
    removed = {treated.lesion: treated.start for treated in reversed(history.treatments) if treated.modality == "surgery"}
    for scan in reversed(scans):
        removed |= {gone: min(scan.date, removed.get(gone, scan.date)) for gone in scan.resected}
    targets: list[TargetLesion] = []
    taken: set[str] = set()
    for lesion in sorted(history.lesions, key=lambda each: (-(each.size_mm or 0), each.id)):
        organ = lesion.site if lesion.oligo else f"{lesion.kind}"
        full = len(targets) >= rules.max_targets
        crowded = sum(target.organ == organ for target in targets) >= rules.max_targets_per_organ
        if lesion.size_mm is None or full or crowded or not _is_measurable(lesion, rules):
            continue
        taken.add(lesion.id)
        targets.append(
            TargetLesion(
                id=lesion.id,
                mm=lesion.size_mm,
                nodal=lesion.nodal,
                oligo=lesion.oligo,
                organ=organ,
                resected=removed.get(lesion.id),
            )
        )
    others = tuple(
        NonTargetLesion(id=lesion.id, oligo=lesion.oligo, resected=removed.get(lesion.id))
        for lesion in history.lesions
        if lesion.id not in taken
    )
    return tuple(targets), others


def _is_measurable(lesion: Lesion, rules: ResponseFile) -> bool:
    least = rules.measurable_node_short_axis_mm if lesion.nodal else rules.measurable_mm
    return (
        not lesion.indeterminate
        and lesion.site not in rules.never_target_sites
        and lesion.size_mm is not None
        and lesion.size_mm >= least
    )


def _as_told(
    scan: Scan,
    rules: ResponseFile,
    targets: Sequence[TargetLesion],
    others: Sequence[NonTargetLesion],
    history: History,
    scans: Sequence[Scan],
) -> Assessment:
    """Return a scan as the response rules take it."""
    followed = {lesion.id for lesion in others}
    grown = [lesion.id for lesion in history.lesions if lesion.id in followed and _has_grown(lesion, scan, scans, rules)]
    return Assessment(
        date=scan.date,
        sizes={target.id: scan.sizes.get(target.id) for target in targets},
        non_target=scan.non_target,
        new_lesion=scan.new_lesion,
        confirms_equivocal=scan.confirms_equivocal,
        progressed=tuple(grown),
    )


def _has_grown(lesion: Lesion, scan: Scan, scans: Sequence[Scan], rules: ResponseFile) -> bool:
    """Whether a lesion progressed from its own smallest size, at the first registration or on the scans before this one."""
    size = scan.sizes.get(lesion.id)
    known = [known for each in scans if each.date < scan.date and (known := each.sizes.get(lesion.id)) is not None]
    before = known if lesion.size_mm is None else [lesion.size_mm, *known]
    return size is not None and bool(before) and has_progressed(rules, size, min(before))


# ---------------------------------------------------------------- lesions that had local therapy


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatedLesions:
    """How the lesions treated by local therapy fared.

    last_therapy: the last day of that therapy. progressed: the first assessment on which one of them had progressed.
    last_free: the last assessment at which all treated by then were assessed and none had progressed.
    """

    lesions: tuple[str, ...]
    last_therapy: date
    progressed: date | None
    last_free: date | None


def local_therapy_of(history: History, progression: Progression) -> tuple[Treatment, ...]:
    """Return the local therapy of oligometastases that began after randomization and before any progression.

    What is irradiated or removed after progression is later treatment, not the protocol's.
    """
    own = {lesion.id for lesion in history.oligometastases}
    start = history.randomized
    return tuple(
        treated
        for treated in history.treatments
        if treated.lesion in own and start is not None and treated.start >= start and not progression.is_known_on(treated.start)
    )


def follow_treated_lesions(history: History, progression: Progression, rules: ResponseFile | None) -> TreatedLesions | None:
    """Follow the lesions whose local therapy was completed; None if there are none.

    A lesion has progressed when it grew by the protocol's share and mm from its own smallest size (the last before its
    therapy and all after it), when it is seen again, or when the non-targets progressed, it is one, and no size of a
    non-target says which.
    """
    done: dict[str, Treatment] = {}
    for treated in local_therapy_of(history, progression):
        if treated.done:
            done.setdefault(treated.lesion, treated)
    if not done:
        return None
    ends = {lesion: treated.end or treated.start for lesion, treated in done.items()}
    progressed: date | None = None
    last_free: date | None = None
    for scan in progression.scans:
        followed = [lesion for lesion, end in ends.items() if scan.date >= end]
        if not followed or rules is None:
            continue
        if any(_progressed_after(lesion, done[lesion], scan, history, progression, rules) for lesion in followed):
            progressed = scan.date
            break
        if all(_is_assessed(lesion, scan) for lesion in followed):
            last_free = scan.date
    return TreatedLesions(lesions=tuple(done), last_therapy=max(ends.values()), progressed=progressed, last_free=last_free)


def _is_assessed(lesion: str, scan: Scan) -> bool:
    """Whether a scan says how a lesion is: by its size, or, where it is not measured, by the word on non-targets."""
    if lesion in scan.sizes:
        return scan.sizes[lesion] is not None
    return scan.non_target not in (None, NOT_EVALUABLE)


def _progressed_after(
    lesion: str, treated: Treatment, scan: Scan, history: History, progression: Progression, rules: ResponseFile
) -> bool:
    earlier = [each for each in progression.scans if each.date < scan.date]
    sizes = [(each.date, known) for each in earlier if (known := each.sizes.get(lesion)) is not None]
    own = next(known for known in history.lesions if known.id == lesion)
    start = own.size_mm
    if treated.modality == "surgery":
        start = 0.0
    else:
        start = next((known for day, known in reversed(sizes) if day <= treated.start), start)
    size = scan.sizes.get(lesion)
    if size is not None:
        smallest = [known for day, known in sizes if day > treated.start]
        reference = [*smallest, *([] if start is None else [start])]
        return bool(reference) and has_progressed(rules, size, min(reference))
    if scan.non_target not in rules.codes_that_progress:
        return False
    targets = {target.id for target in choose_targets(history, rules, progression.scans)[0]}
    others = [each for each in history.lesions if each.id not in targets]
    return lesion not in targets and not any(_has_grown(other, scan, progression.scans, rules) for other in others)
