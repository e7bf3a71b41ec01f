"""Local therapy as it was delivered, lesion by lesion, in the arms that include it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from oligami.analysis.measures import Spread, Tally, spread, tallies
from oligami.analysis.parts import arm_gives
from oligami.data.datasets import Datasets, Lesions
from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.protocol import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOfLesions:
    """Lesions of one organ by the therapy they got.

    untreated: of those that remained at randomization. gone: before randomization, and not treated.
    """

    site: str
    lesions: int
    radiotherapy: int
    surgery: int
    untreated: int
    gone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseGiven:
    """A prescription as given: how many lesions had it, and which of the protocol's options it fits."""

    site: str
    lung_location: str | None
    total_gy: float | None
    fractions: int | None
    option: str | None
    status: str | None
    lesions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTherapy:
    """Delivery in one arm. Tallies of radiotherapy and surgery are among the lesions so treated.

    Only what remained at randomization must be treated. subjects_complete / partial / none: subjects all, some or none of whose
    remaining lesions were treated; subjects_gone: those of whose lesions none remained. remaining / remaining_treated: lesions.
    Days count from randomization: to the start of a subject's first and to the end of the last treatment.
    """

    arm: str
    subjects: int
    lesions: int
    subjects_complete: int
    subjects_partial: int
    subjects_none: int
    subjects_gone: int
    remaining: int
    remaining_treated: int
    sites: tuple[SiteOfLesions, ...]
    techniques: tuple[Tally, ...]
    doses: tuple[DoseGiven, ...]
    dose_statuses: tuple[Tally, ...]
    completion: tuple[Tally, ...]
    margins: tuple[Tally, ...]
    complications: tuple[Tally, ...]
    days_to_start: Spread
    days_to_end: Spread


def describe_local_therapy(datasets: Datasets, protocol: Protocol) -> tuple[LocalTherapy, ...]:
    """Describe the delivery in each arm that includes local therapy."""
    return tuple(_describe(datasets, protocol, arm) for arm in datasets.arms if arm_gives(protocol, arm, "local_therapy"))


def _describe(datasets: Datasets, protocol: Protocol, arm: str) -> LocalTherapy:
    lesions = datasets.lesions
    rows = [row for row, own in enumerate(lesions.arm) if own == arm]
    irradiated = [row for row in rows if lesions.modality[row] == "radiotherapy"]
    operated = [row for row in rows if lesions.modality[row] == "surgery"]
    by_subject: dict[str, list[int]] = {}
    for row in rows:
        by_subject.setdefault(lesions.subject[row], []).append(row)
    due = [[row for row in own if lesions.remaining[row]] for own in by_subject.values()]
    treated = [sum(lesions.modality[row] is not None for row in own) for own in due]
    gone = sum(not own for own in due)
    complete = sum(len(own) == count > 0 for own, count in zip(due, treated, strict=True))
    untreated = sum(count == 0 for own, count in zip(due, treated, strict=True) if own)

    def values(column: Sequence[str | None], among: Sequence[int]) -> list[str | None]:
        return [column[row] for row in among]

    statuses = ("ALLOWED", "NOT_ALLOWED", "UNDETERMINED", "NO_OPTION_FOR_SITE")
    return LocalTherapy(
        arm=arm,
        subjects=len(by_subject),
        lesions=len(rows),
        subjects_complete=complete,
        subjects_partial=len(by_subject) - gone - complete - untreated,
        subjects_none=untreated,
        subjects_gone=gone,
        remaining=sum(len(own) for own in due),
        remaining_treated=sum(treated),
        sites=tuple(_site(lesions, site, rows) for site in sorted({lesions.site[row] for row in rows})),
        techniques=tallies(
            values(lesions.technique, irradiated), _codes(protocol, FormRole.RADIOTHERAPY, "technique"), keep_empty=False
        ),
        doses=_doses(lesions, irradiated),
        dose_statuses=tallies(values(lesions.option_status, irradiated), statuses, keep_empty=False),
        completion=tallies(
            values(lesions.completion, irradiated), _codes(protocol, FormRole.RADIOTHERAPY, "completion"), keep_empty=False
        ),
        margins=tallies(values(lesions.margin, operated), _codes(protocol, FormRole.SURGERY, "margin"), keep_empty=False),
        complications=tallies(
            values(lesions.complication_grade, operated),
            _codes(protocol, FormRole.SURGERY, "complication_grade"),
            keep_empty=False,
        ),
        days_to_start=_days(datasets, by_subject, lesions.start_date, min),
        days_to_end=_days(datasets, by_subject, lesions.end_date, max),
    )


def _codes(protocol: Protocol, role: FormRole, concept: str) -> tuple[str, ...]:
    """The codes of an item in the protocol's order."""
    form = protocol.form_of(role)
    item = form.find(concept) if form is not None else None
    if item is None:
        return ()
    if item.codelist is not None:
        return tuple(code.value for shared in protocol.codelists if shared.id == item.codelist for code in shared.code)
    return tuple(code.value for code in item.code)


def _site(lesions: Lesions, site: str, rows: Sequence[int]) -> SiteOfLesions:
    own = [row for row in rows if lesions.site[row] == site]
    got = [lesions.modality[row] for row in own]
    untreated = sum(lesions.modality[row] is None and lesions.remaining[row] for row in own)
    return SiteOfLesions(
        site=site,
        lesions=len(got),
        radiotherapy=got.count("radiotherapy"),
        surgery=got.count("surgery"),
        untreated=untreated,
        gone=got.count(None) - untreated,
    )


def _doses(lesions: Lesions, rows: Sequence[int]) -> tuple[DoseGiven, ...]:
    keys = [
        (
            lesions.site[row],
            lesions.lung_location[row],
            lesions.total_gy[row],
            lesions.fractions[row],
            lesions.option[row],
            lesions.option_status[row],
        )
        for row in rows
    ]
    # None sorts last among its like.
    ordered = sorted(set(keys), key=lambda key: [(part is None, str(part) if isinstance(part, str) else part) for part in key])
    return tuple(
        DoseGiven(
            site=key[0],
            lung_location=key[1],
            total_gy=key[2],
            fractions=key[3],
            option=key[4],
            status=key[5],
            lesions=keys.count(key),
        )
        for key in ordered
    )


def _days(
    datasets: Datasets, by_subject: dict[str, list[int]], dates: Sequence[date | None], pick: Callable[[list[int]], int]
) -> Spread:
    """Days from randomization to the first or last of each treated subject's dates."""
    start = dict(zip(datasets.subjects.subject, datasets.subjects.randomization_date, strict=True))
    days: list[float | None] = []
    for subject, rows in by_subject.items():
        randomized = start.get(subject)
        own = [day.toordinal() for row in rows if (day := dates[row]) is not None]
        if randomized is not None and own:
            days.append(float(pick(own) - randomized.toordinal()))
    return spread(days)
