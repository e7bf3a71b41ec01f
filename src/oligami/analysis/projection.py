"""When the events of a running trial will come, from pooled data: the arms are left out at the first step.

What a look at the arms says stands in `monitoring`.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from oligami.analysis.unfit import Unfit
from oligami.data.datasets import Datasets, Provenance, TimeToEvent
from oligami.protocol.model.analysis import Endpoint
from oligami.protocol.model.protocol import Protocol
from oligami.stats.sizing import project_events

MODELS: Final = ("exponential", "weibull")
#: Share of the intervals of a projection that should hold the truth.
PREDICTION_LEVEL: Final = 0.8
#: The rate of entry is that of the last year, or of all the time where there is less.
_ACCRUAL_WINDOW_YEARS: Final = 1.0
#: A projection gives the number of events at so many half-years after the cut.
_HALF_YEARS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledCourse:
    """The primary endpoint without arms: entry in years from the first randomization, years observed, how it ended.

    status: 0 still followed, 1 event, 2 withdrawn from follow-up. to_enter: expected still to be randomized.
    """

    provenance: Provenance
    endpoint: str
    first: date
    entry: npt.NDArray[np.float64]
    time: npt.NDArray[np.float64]
    status: npt.NDArray[np.int64]
    to_enter: int
    days_per_year: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DatePrediction:
    """When a number of events is reached. None: more than this share of the courses never reach it. is_known: it has been."""

    events: int
    is_target: bool
    is_known: bool
    median: date | None
    lower: date | None
    upper: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsPrediction:
    """How many events there will be by a date."""

    on: date
    median: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionResult:
    """When the events come, arms together."""

    provenance: Provenance
    endpoint: str
    target: int
    randomized: int
    to_enter: int
    events: int
    withdrawn: int
    model: str
    seed: int
    events_per_person_year: float
    dates: tuple[DatePrediction, ...]
    numbers: tuple[EventsPrediction, ...]


def primary_endpoint(protocol: Protocol) -> Endpoint:
    """Return the primary time-to-event endpoint.

    Raises:
        ValueError: there is none.
    """
    for endpoint in protocol.analysis.endpoint:
        if endpoint.primary and endpoint.kind == "time_to_event":
            return endpoint
    raise ValueError(f"protocol {protocol.id} {protocol.version} names no primary time-to-event endpoint")


def pooled_course(datasets: Datasets, protocol: Protocol) -> PooledCourse:
    """Return the primary endpoint of a cut with the arms left out.

    Raises:
        Unfit: nobody has been randomized up to the cut, or all of them on its day.
    """
    survival, days = primary_survival(datasets, protocol), protocol.analysis.days_per_year
    cut = datasets.provenance.up_to
    first = min(survival.start_date)
    if first >= cut:
        raise Unfit(
            f"--up-to {cut}: the first subject was randomized on {first}; nothing has been observed yet",
            f"--up-to {cut}: 最初の割付は {first} で、まだ観察期間がありません",
        )
    withdrawn = dict(zip(datasets.subjects.subject, datasets.subjects.withdrawn_scope, strict=True))
    left = np.array([withdrawn.get(subject) in ("follow_up", "use_of_data") for subject in survival.subject], dtype=np.bool_)
    return PooledCourse(
        provenance=datasets.provenance,
        endpoint=survival.endpoint,
        first=first,
        entry=np.array([(day - first).days for day in survival.start_date]) / days,
        time=survival.time_days / days,
        status=np.where(survival.event, 1, np.where(left, 2, 0)).astype(np.int64),
        to_enter=_to_enter(datasets, protocol, len(survival)),
        days_per_year=days,
    )


def primary_survival(datasets: Datasets, protocol: Protocol) -> TimeToEvent:
    """Return the rows of the primary endpoint.

    Raises:
        Unfit: nobody has been randomized up to the cut.
    """
    survival = datasets.endpoints[primary_endpoint(protocol).id]
    if len(survival):
        return survival
    registered = datasets.subjects.registration_date
    cut = datasets.provenance.up_to
    if not registered:
        raise Unfit(
            f"--up-to {cut}: nobody was registered up to then; give a later day",
            f"--up-to {cut}: この日までの登録例はありません。より後の日付を指定してください",
        )
    raise Unfit(
        f"--up-to {cut}: {len(registered)} were registered up to then and nobody randomized; give a later day",
        f"--up-to {cut}: この日までの登録は {len(registered)} 例、割付例はありません。より後の日付を指定してください",
    )


def _to_enter(datasets: Datasets, protocol: Protocol, randomized: int) -> int:
    """Return how many more will be randomized: those planned, but no more than registrations will bring."""
    design, subjects = protocol.design, datasets.subjects
    here = [not annulled for annulled in subjects.annulled]
    on_the_way = sum(status == "in_therapy" and own for status, own in zip(subjects.status, here, strict=True))
    to_register = max(design.registered_planned - sum(here), 0)
    share = design.randomized_planned / design.registered_planned
    return max(min(design.randomized_planned - randomized, round((on_the_way + to_register) * share)), 0)


def project(course: PooledCourse, *, target: int, seed: int, model: str = "exponential") -> ProjectionResult:
    """Predict when the events come.

    Args:
        course: of a cut, without arms.
        target: the events that are waited for.
        seed: of the draws.
        model: `exponential` or `weibull`, pooled.

    Raises:
        Unfit: there is no such model, or too few events for it, or the target is no number of events.
    """
    if target < 1:
        raise Unfit(f"--events {target}: expected 1 or more", f"--events {target}: 1以上を指定してください")
    if model not in MODELS:
        raise Unfit(
            f"--model: found {model!r}; expected {' or '.join(MODELS)}",
            f"--model: {model!r} は指定できません。{'、'.join(MODELS)} のいずれかを指定してください",
        )
    if model == "weibull" and (course.status == 1).sum() < 2:
        raise Unfit(
            "--model weibull: it needs 2 events; take --model exponential",
            "--model weibull: イベントが2件以上必要です。--model exponential を用いてください",
        )
    cut = course.provenance.up_to
    at = (cut - course.first).days / course.days_per_year
    recent = min(at, _ACCRUAL_WINDOW_YEARS)
    found = project_events(
        course.entry,
        # A death on the day of randomization has been under observation for a part of it.
        np.minimum(course.time, at - course.entry),
        course.status,
        at=at,
        seed=seed,
        to_enter=course.to_enter,
        accrual_window=recent if (course.entry >= at - recent).any() else None,
        model=model,
    )
    wanted = sorted({max(1, math.ceil(target * share)) for share in (0.25, 0.5, 0.75, 1.0)})
    reached = found.date_of(wanted, conf_level=PREDICTION_LEVEL)
    days = [_half_year_after(cut, k) for k in range(1, _HALF_YEARS + 1)]
    numbers = found.events_by([(day - course.first).days / course.days_per_year for day in days], conf_level=PREDICTION_LEVEL)

    def day_of(years: float) -> date | None:
        # Beyond a lifetime a date says nothing, and the calendar ends.
        if not years < 100:
            return None
        return course.first + timedelta(days=math.ceil(years * course.days_per_year - 1e-6))

    events = int((course.status == 1).sum())
    return ProjectionResult(
        provenance=course.provenance,
        endpoint=course.endpoint,
        target=target,
        randomized=int(course.entry.size),
        to_enter=course.to_enter,
        events=events,
        withdrawn=int((course.status == 2).sum()),
        model=model,
        seed=seed,
        events_per_person_year=events / float(course.time.sum()),
        dates=tuple(
            DatePrediction(
                events=number,
                is_target=number == target,
                is_known=number <= events,
                median=day_of(float(reached.median[j])),
                lower=day_of(float(reached.lower[j])),
                upper=day_of(float(reached.upper[j])),
            )
            for j, number in enumerate(wanted)
        ),
        numbers=tuple(
            EventsPrediction(on=day, median=float(m), lower=float(low), upper=float(high))
            for day, m, low, high in zip(days, numbers.median, numbers.lower, numbers.upper, strict=True)
        ),
    )


def _half_year_after(day: date, halves: int) -> date:
    months = day.year * 12 + day.month - 1 + 6 * halves
    return date(months // 12, months % 12 + 1, min(day.day, 28))
