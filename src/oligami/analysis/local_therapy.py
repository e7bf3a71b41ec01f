"""Metastasis-directed therapy as it was delivered, lesion by lesion, in the arms that include it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from oligami.analysis.measures import Spread, Tally, spread, tallies
from oligami.data.datasets import Datasets, Lesions
from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.protocol import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOfLesions:
    """Lesions of one organ by the therapy they got."""

    site: str
    lesions: int
    radiotherapy: int
    surgery: int
    untreated: int


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

    subjects_complete / partial / none: subjects all, some or none of whose baseline lesions were treated. Days count from
    randomization: to the start of a subject's first and to the end of the last treatment.
    """

    arm: str
    subjects: int
    lesions: int
    subjects_complete: int
    subjects_partial: int
    subjects_none: int
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
    return tuple(_describe(datasets, protocol, arm) for arm in datasets.arms if "local_therapy" in protocol.arm(arm).includes)


def _describe(datasets: Datasets, protocol: Protocol, arm: str) -> LocalTherapy:
    lesions = datasets.lesions
    rows = [row for row, own in enumerate(lesions.arm) if own == arm]
    irradiated = [row for row in rows if lesions.modality[row] == "radiotherapy"]
    operated = [row for row in rows if lesions.modality[row] == "surgery"]
    by_subject: dict[str, list[int]] = {}
    for row in rows:
        by_subject.setdefault(lesions.subject[row], []).append(row)
    treated = {subject: sum(lesions.modality[row] is not None for row in own) for subject, own in by_subject.items()}
    complete = sum(treated[subject] == len(own) for subject, own in by_subject.items())
    untreated = sum(count == 0 for count in treated.values())

    def values(column: Sequence[str | None], among: Sequence[int]) -> list[str | None]:
        return [column[row] for row in among]

    statuses = ("ALLOWED", "NOT_ALLOWED", "UNDETERMINED", "NO_OPTION_FOR_SITE")
    return LocalTherapy(
        arm=arm,
        subjects=len(by_subject),
        lesions=len(rows),
        subjects_complete=complete,
        subjects_partial=len(by_subject) - complete - untreated,
        subjects_none=untreated,
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
    got = [lesions.modality[row] for row in rows if lesions.site[row] == site]
    return SiteOfLesions(
        site=site,
        lesions=len(got),
        radiotherapy=got.count("radiotherapy"),
        surgery=got.count("surgery"),
        untreated=got.count(None),
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
