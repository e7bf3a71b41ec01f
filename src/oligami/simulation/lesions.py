"""What scans show: sizes of the lesions over time, and the response that the protocol's rules read from them.

A simulated reader is a careful one: the overall response on a form is what `trial.response` gives for the sizes on it. What
disagrees in the journal was mistyped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

from oligami.protocol.model.response import ResponseFile
from oligami.trial.response import Assessment, NewLesion, NonTargetLesion, TargetLesion, assess_course, has_progressed

#: Shares of the baseline size between which lesions lie that respond, and such as stay as they are.
_SHRUNK = (0.40, 0.66)
_STABLE = (0.80, 1.05)
#: Growth that is progression by any rule in use: this factor, this many mm, and up to so many mm more.
_GROWTH = 1.4
_GROWTH_MM = 6.0
_GROWTH_SPREAD_MM = 4.0


@dataclass(slots=True)
class Lesion:
    """A lesion of the first registration as the simulation follows it, in mm: longest diameter, short axis of a node.

    size_mm: as it would be entered now, 0 when it cannot be seen. smallest_mm: the smallest that was entered so far.
    oligo: whether it is one of the metastases that count. target: whether the response rules measure it.
    """

    id: str
    site: str
    baseline_mm: float
    nodal: bool
    oligo: bool
    target: bool
    size_mm: float
    smallest_mm: float
    resected: date | None = None

    @property
    def is_target(self) -> TargetLesion:
        """The lesion as a target of the response rules."""
        return TargetLesion(id=self.id, mm=self.baseline_mm, nodal=self.nodal, oligo=self.oligo, resected=self.resected)


@dataclass(slots=True)
class Burden:
    """All lesions of a subject, what is new, and what the scans so far told."""

    rules: ResponseFile | None = None
    lesions: list[Lesion] = field(default_factory=list)
    new_lesion_site: str | None = None
    told: list[Assessment] = field(default_factory=list)

    @property
    def present(self) -> list[Lesion]:
        """The lesions that can be seen."""
        return [lesion for lesion in self.lesions if lesion.size_mm > 0 and lesion.resected is None]

    @property
    def remaining(self) -> list[Lesion]:
        """The metastases that are still there: a node that shrank to a normal size is not."""
        normal = self.rules.normal_node_below_mm if self.rules is not None else 0.0
        return [lesion for lesion in self.present if lesion.oligo and not (lesion.nodal and lesion.size_mm < normal)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a scan is read as: the lesion table by concept, the word on non-targets, the overall response."""

    rows: list[dict[str, Any]]
    non_target: str | None
    overall: str


def baseline_burden(rows: Sequence[Mapping[str, Any]], rules: ResponseFile | None) -> Burden:
    """Return the burden at first registration.

    Targets are the largest measurable lesions, as many as the response rules take in all and in an organ.

    Args:
        rows: the lesion table by concept: id, site, kind, max_diameter_mm, short_axis_mm, certainty.
        rules: the response rules; None where the protocol has none.
    """
    lesions = []
    organs: list[str] = []
    kinds = rules.oligometastasis_kinds if rules is not None else ()
    sized = [(_size(row), row) for row in rows]
    for size, row in sorted(sized, key=lambda pair: (-pair[0], str(pair[1].get("id")))):
        nodal, kind = row.get("short_axis_mm") is not None, row.get("kind")
        oligo = not kinds or kind in kinds
        organ = str(row.get("site")) if oligo else str(kind)
        target = (
            rules is not None
            and size >= (rules.measurable_node_short_axis_mm if nodal else rules.measurable_mm)
            and row.get("site") not in rules.never_target_sites
            and row.get("certainty") != "indeterminate"
            and len(organs) < rules.max_targets
            and organs.count(organ) < rules.max_targets_per_organ
        )
        if target:
            organs.append(organ)
        lesions.append(
            Lesion(
                id=str(row.get("id")),
                site=str(row.get("site")),
                baseline_mm=size,
                nodal=nodal,
                oligo=oligo,
                target=target,
                size_mm=size,
                smallest_mm=size,
            )
        )
    return Burden(rules=rules, lesions=sorted(lesions, key=lambda lesion: lesion.id))


def _size(row: Mapping[str, Any]) -> float:
    short = row.get("short_axis_mm")
    return float((row.get("max_diameter_mm") or 0.0) if short is None else short)


# ---------------------------------------------------------------- how sizes move


def vanish(burden: Burden) -> None:
    """Let every lesion go: nodes become normal, others cannot be seen any more."""
    normal = burden.rules.normal_node_below_mm if burden.rules is not None else 0.0
    for lesion in burden.present:
        lesion.size_mm = round(min(lesion.size_mm, 0.6 * normal), 1) if lesion.nodal else 0.0


def shrink(burden: Burden, chance: Random) -> None:
    """Let the lesions shrink as in a partial response."""
    _scale(burden, _SHRUNK, chance)


def stay(burden: Burden, chance: Random) -> None:
    """Let the lesions stay about as they are."""
    _scale(burden, _STABLE, chance)


def drift(burden: Burden, chance: Random) -> None:
    """Move the sizes a little between scans, never by what would count as progression."""
    factor = 0.97 + 0.04 * chance.random()
    for lesion in burden.present:
        lesion.size_mm = _entered(burden, min(lesion.size_mm * factor, lesion.smallest_mm * 1.1))


def grow(burden: Burden, chance: Random) -> None:
    """Let the lesions grow by what is progression for each and for their sum; those that had vanished are seen again."""
    growing = burden.remaining or burden.present or [lesion for lesion in burden.lesions if lesion.resected is None]
    for lesion in growing:
        more = max(lesion.size_mm * _GROWTH, lesion.size_mm + _GROWTH_MM)
        lesion.size_mm = _entered(burden, more + _GROWTH_SPREAD_MM * chance.random())


def _scale(burden: Burden, limits: tuple[float, float], chance: Random) -> None:
    low, high = limits
    factor = low + (high - low) * chance.random()
    for lesion in burden.present:
        lesion.size_mm = _entered(burden, lesion.baseline_mm * factor)


def _entered(burden: Burden, size_mm: float) -> float:
    """Return a size as it is entered: what is too small to measure has the protocol's figure."""
    least = burden.rules.too_small_mm if burden.rules is not None else 0.1
    return round(max(size_mm, least), 1)


# ---------------------------------------------------------------- how scans are read


def read_scan(
    burden: Burden, on: date, *, new_lesion: NewLesion, confirms: bool = False, assessed: bool = True, intended: str = "SD"
) -> Reading:
    """Read a scan by the protocol's response rules and remember what it told.

    Args:
        burden: the lesions as they are on that day.
        on: the day of the scan.
        new_lesion: whether there is one.
        confirms: whether the new lesion is the one that was called equivocal before.
        assessed: False for a scan that tells nothing of the lesions.
        intended: the overall response where the protocol has no rules to find it by.
    """
    rows = [_row(burden, lesion, assessed=assessed) for lesion in burden.lesions]
    rules = burden.rules
    if rules is None:
        return Reading(rows=rows, non_target=None, overall=intended)
    seen = [lesion for lesion in burden.lesions if lesion.resected is None or on < lesion.resected]
    followed = [lesion for lesion in seen if not lesion.target]
    grown = [lesion for lesion in followed if assessed and has_progressed(rules, lesion.size_mm, lesion.smallest_mm)]
    told = Assessment(
        date=on,
        sizes={lesion.id: lesion.size_mm if assessed else None for lesion in seen if lesion.target},
        non_target=_word(rules, followed, grown, assessed=assessed),
        new_lesion=new_lesion,
        confirms_equivocal=confirms,
        progressed=tuple(lesion.id for lesion in grown),
    )
    burden.told.append(told)
    if assessed:
        for lesion in seen:
            lesion.smallest_mm = min(lesion.smallest_mm, lesion.size_mm)
    targets = [lesion.is_target for lesion in burden.lesions if lesion.target]
    others = [
        NonTargetLesion(id=lesion.id, oligo=lesion.oligo, resected=lesion.resected)
        for lesion in burden.lesions
        if not lesion.target
    ]
    course = assess_course(rules, targets, others, burden.told)
    return Reading(rows=rows, non_target=told.non_target, overall=course.assessments[-1].overall)


def _word(rules: ResponseFile, followed: Sequence[Lesion], grown: Sequence[Lesion], *, assessed: bool) -> str | None:
    """Return the reader's word on all lesions that are followed but not measured; None if there are none."""
    if not followed:
        return None
    if not assessed:
        return "NE"
    if grown:
        return "PD"
    gone = all(lesion.size_mm < rules.normal_node_below_mm if lesion.nodal else lesion.size_mm == 0 for lesion in followed)
    return "CR" if gone else "nonCR"


def _row(burden: Burden, lesion: Lesion, *, assessed: bool) -> dict[str, Any]:
    nodal = "yes" if lesion.nodal else "no"
    if lesion.resected is not None:
        return {"lesion_id": lesion.id, "status": "resected", "nodal": nodal}
    if not assessed:
        return {"lesion_id": lesion.id, "status": "not_assessed", "nodal": nodal}
    if lesion.size_mm == 0:
        status = "vanished"
    else:
        least = burden.rules.too_small_mm if burden.rules is not None else 0.0
        status = "too_small" if lesion.size_mm <= least else "measured"
    return {"lesion_id": lesion.id, "status": status, "size_mm": lesion.size_mm, "nodal": nodal}
