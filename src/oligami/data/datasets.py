"""The datasets of a cut: frozen columns of equal length, one row a subject, lesion, adverse event or questionnaire.

What is not known is None (never a code word); dates are calendar dates; times are days. Nothing here knows how a value was
said: real and simulated trials reach the same columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Columns of equal length. Mappings hold one column a key."""

    def __post_init__(self) -> None:
        lengths: dict[str, int] = {}
        for column in fields(self):
            value = getattr(self, column.name)
            if isinstance(value, Mapping):
                lengths.update({f"{column.name}[{key!r}]": len(part) for key, part in value.items()})
            elif isinstance(value, (tuple, list, np.ndarray)):
                lengths[column.name] = len(value)
        if len(set(lengths.values())) > 1:
            raise ValueError(f"{type(self).__name__}: columns must have equal lengths, found {lengths}")

    def __len__(self) -> int:
        for column in fields(self):
            value = getattr(self, column.name)
            if isinstance(value, (tuple, list, np.ndarray)):
                return len(value)
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects(_Columns):
    """Everybody who was registered at the first stage up to the cut, in order of registration.

    status: where the subject stands: `in_therapy` (before the randomizing stage), `randomized`, `refused` (came to the
        randomizing stage and was refused), `off_study` (ended before it: progression, death, withdrawal, therapy ended).
    off_reason: why somebody registered was not randomized, as a code (`progression`, `complete_response`, `toxicity`, ...).
    factors_drawn / factors: balancing factors as they stood at the draw and as corrected since; one column a factor.
    baseline: one column a row of the protocol's baseline table.
    annulled: registered in error (entered twice, wrong person); kept and counted apart.
    """

    subject: tuple[str, ...]
    site: tuple[str, ...]
    registration_date: tuple[date, ...]
    randomization_date: tuple[date | None, ...]
    arm: tuple[str | None, ...]
    status: tuple[str, ...]
    off_reason: tuple[str | None, ...]
    factors_drawn: Mapping[str, tuple[str | None, ...]]
    factors: Mapping[str, tuple[str | None, ...]]
    baseline: Mapping[str, tuple[Any, ...]]
    last_alive_date: tuple[date | None, ...]
    death_date: tuple[date | None, ...]
    progression_date: tuple[date | None, ...]
    progression_site: tuple[str | None, ...]
    therapy_started: tuple[bool, ...]
    local_therapy_started: tuple[bool, ...]
    withdrawn_scope: tuple[str | None, ...]
    annulled: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToEvent(_Columns):
    """One endpoint, one row a subject of its population.

    time_days: days from the start (the start's day is 0), shape (n,), >= 0. event: shape (n,), True where it happened.
    cause: what the event or the censoring was (`death`, `progression_imaging`, `last_alive`, ...).
    """

    endpoint: str
    subject: tuple[str, ...]
    arm: tuple[str | None, ...]
    stratum: tuple[str, ...]  # the crossing of the strata, "luminal" or "luminal|1"
    time_days: npt.NDArray[np.float64]
    event: npt.NDArray[np.bool_]
    cause: tuple[str, ...]
    start_date: tuple[date, ...]
    end_date: tuple[date, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesions(_Columns):
    """One row a baseline oligometastasis of a randomized subject, with the local therapy it got, if any.

    modality: `radiotherapy`, `surgery` or None. option: the id of the protocol's dose option that fits, or None.
    option_status: ALLOWED, NOT_ALLOWED, UNDETERMINED, NO_OPTION_FOR_SITE; None without radiotherapy.
    remaining: whether it was still there at randomization, by the last assessment before it; a lesion that was not need not
        be treated.
    """

    subject: tuple[str, ...]
    arm: tuple[str, ...]
    lesion: tuple[str, ...]
    site: tuple[str, ...]
    diameter_mm: tuple[float | None, ...]
    remaining: tuple[bool, ...]
    modality: tuple[str | None, ...]
    technique: tuple[str | None, ...]
    lung_location: tuple[str | None, ...]
    total_gy: tuple[float | None, ...]
    fractions: tuple[int | None, ...]
    option: tuple[str | None, ...]
    option_status: tuple[str | None, ...]
    start_date: tuple[date | None, ...]
    end_date: tuple[date | None, ...]
    completion: tuple[str | None, ...]
    margin: tuple[str | None, ...]
    complication_grade: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Therapies(_Columns):
    """One row a randomized subject: whether the same systemic therapy was kept."""

    subject: tuple[str, ...]
    arm: tuple[str, ...]
    regimen: tuple[str | None, ...]  # in force at randomization
    courses_before: tuple[int, ...]
    courses_after: tuple[int, ...]
    kept: tuple[str, ...]  # same, same_with_switch, changed_before_progression, changed_after_progression, ended, not_restarted
    switched: tuple[bool, ...]  # an agent was exchanged or dropped and it stayed the same therapy, whatever came later
    change_date: tuple[date | None, ...]
    change_reason: tuple[str | None, ...]
    end_date: tuple[date | None, ...]
    end_reason: tuple[str | None, ...]
    crossover_date: tuple[date | None, ...]  # local therapy to an oligometastasis in an arm without it, before progression


@dataclass(frozen=True, slots=True, kw_only=True)
class AdverseEvents(_Columns):
    """One row an adverse event. period: id of the protocol's safety period in which it began."""

    subject: tuple[str, ...]
    arm: tuple[str | None, ...]
    period: tuple[str | None, ...]
    term: tuple[str, ...]
    grade: tuple[int | None, ...]
    serious: tuple[bool | None, ...]
    start_date: tuple[date | None, ...]
    related: tuple[tuple[str, ...], ...]  # to which therapies the site related it


@dataclass(frozen=True, slots=True, kw_only=True)
class Questionnaires(_Columns):
    """One row a questionnaire: scores of 0-100 by scale (None: not scored)."""

    subject: tuple[str, ...]
    arm: tuple[str | None, ...]
    visit: tuple[str, ...]
    completed_date: tuple[date, ...]
    scores: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityOfLifeVisits(_Columns):
    """One row a randomized subject and planned visit: the verdict of non-progression.

    verdict: non_progression, progression, not_evaluable, or not_due (the visit's window has not closed at the cut).
    """

    subject: tuple[str, ...]
    arm: tuple[str, ...]
    visit: tuple[str, ...]
    baseline_score: tuple[float | None, ...]
    visit_score: tuple[float | None, ...]
    died_before: tuple[bool, ...]
    verdict: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviations(_Columns):
    """One row a departure from the protocol. kind: therapy, radiotherapy, window, crossover, eligibility, ...

    All are found by rule but those of kind `reported`: the study office graded them and no rule finds them (any more).
    """

    subject: tuple[str, ...]
    arm: tuple[str | None, ...]
    kind: tuple[str, ...]
    rule: tuple[str, ...]
    date: tuple[date | None, ...]
    detail_en: tuple[str, ...]
    detail_ja: tuple[str, ...]
    grade: tuple[str | None, ...]  # as graded by the study office, None: not yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals(_Columns):
    """One row a refused registration. subject is None before the first registration."""

    stage: tuple[str, ...]
    subject: tuple[str | None, ...]
    site: tuple[str, ...]
    refused_date: tuple[date, ...]
    verdict: tuple[str, ...]
    not_met: tuple[tuple[str, ...], ...]
    unknown: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQuality(_Columns):
    """One row a form of a subject that was due: how late it came."""

    subject: tuple[str, ...]
    site: tuple[str, ...]
    form: tuple[str, ...]
    visit: tuple[str | None, ...]
    due_date: tuple[date, ...]
    submitted_date: tuple[date | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a result comes from; it stands inside every result.

    journal_head: seal of the last record counted. through: its number. seed: of the simulation, None for a real trial.
    """

    software: str
    software_version: str
    trial: str
    protocol_version: str
    protocol_digest: str
    journal_records: int
    journal_head: str
    through: int
    up_to: date
    simulated: bool
    seed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasets:
    """All datasets of one cut, with the arms in the protocol's order (control first) and where they come from."""

    provenance: Provenance
    arms: tuple[str, ...]
    subjects: Subjects
    endpoints: Mapping[str, TimeToEvent]
    lesions: Lesions
    therapies: Therapies
    adverse_events: AdverseEvents
    questionnaires: Questionnaires
    quality_of_life: QualityOfLifeVisits
    deviations: Deviations
    refusals: Refusals
    data_quality: DataQuality
    sites_opened: Sequence[tuple[str, date]]
    corrections: int  # items corrected after their first entry
    queries_raised: int
    queries_open: int
