"""Questionnaires with their scores, and the verdict of non-progression at each planned visit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from oligami.data.columns import Table
from oligami.data.datasets import QualityOfLifeVisits, Questionnaires
from oligami.data.history import History
from oligami.data.reading import Filled
from oligami.data.windows import Done
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.quality_of_life import QualityOfLifeFile
from oligami.trial.quality_of_life import non_progression, score
from oligami.trial.schedule import PlannedVisit

#: A questionnaire that belongs to no planned visit.
UNSCHEDULED: Final = "unscheduled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A questionnaire with its scores, at the visit it was filled for."""

    visit: str
    completed_date: date
    scores: Mapping[str, float | None]


def read_questionnaires(history: History, visits: Sequence[Done], rules: QualityOfLifeFile | None) -> tuple[Answered, ...]:
    """Score a subject's questionnaires, by date. One that names no visit belongs to the planned visit it was matched with."""
    if rules is None:
        return ()
    matched = {id(done.filled): done.planned.visit for done in visits if done.filled is not None}
    answered = []
    for filled in history.questionnaires:
        if filled.state.form == rules.form and filled.on is not None:
            visit = filled.visit or matched.get(id(filled)) or UNSCHEDULED
            answered.append(Answered(visit=visit, completed_date=filled.on, scores=score(rules, _answers(filled))))
    return tuple(answered)


def _answers(filled: Filled) -> dict[str, int | None]:
    """Return the numbers answered, by item: scales name items, not concepts."""
    return {item: value for item, value in filled.state.values.items() if type(value) is int}


def derive_questionnaires(
    subjects: Sequence[tuple[History, Sequence[Answered]]], rules: QualityOfLifeFile | None
) -> Questionnaires:
    """Return one row a questionnaire."""
    rows = [(history, each) for history, answered in subjects if not history.annulled for each in answered]
    scales = () if rules is None else tuple(scale.id for scale in rules.scale)
    return Questionnaires(
        subject=tuple(history.id for history, _ in rows),
        arm=tuple(history.arm for history, _ in rows),
        visit=tuple(each.visit for _, each in rows),
        completed_date=tuple(each.completed_date for _, each in rows),
        scores={scale: tuple(each.scores.get(scale) for _, each in rows) for scale in scales},
    )


def derive_visits(
    subjects: Sequence[tuple[History, Sequence[Answered], Mapping[str, PlannedVisit]]], protocol: Protocol
) -> QualityOfLifeVisits:
    """Return one row a randomized subject and planned visit.

    `windows` are those of the schedule as if nobody died: death ends the schedule, not the endpoint. A visit is due when its window has closed: earlier, the dead would be counted before the living have answered. Dead before
    the visit is who died before its window closed and left no questionnaire of it.
    """
    rows = Table()
    rules = protocol.quality_of_life
    for history, answered, windows in subjects if rules is not None else ():
        if history.randomized is None or history.annulled:
            continue
        assert rules is not None  # no rows are read without rules
        wanted = rules.non_progression
        baseline = _score(answered, wanted.baseline_visit, wanted.scale)
        for visit in wanted.visits:
            window = windows.get(visit)
            closes = None if window is None else window.latest or window.target
            found = _score(answered, visit, wanted.scale)
            came = any(each.visit == visit for each in answered)
            died = history.death is not None and not came and (closes is None or history.death <= closes)
            rows.add(
                subject=history.id,
                arm=history.arm,
                visit=visit,
                baseline_score=baseline,
                visit_score=found,
                died_before=died,
                verdict=_verdict(rules, history, closes, baseline, found, died),
            )
    return QualityOfLifeVisits(**rows.columns(QualityOfLifeVisits))


def _verdict(
    rules: QualityOfLifeFile, history: History, closes: date | None, baseline: float | None, found: float | None, died: bool
) -> str:
    if closes is None or closes > history.up_to:
        return "not_due"
    return non_progression(rules, baseline=baseline, visit=found, died_before_visit=died)


def _score(answered: Sequence[Answered], visit: str, scale: str) -> float | None:
    return next((each.scores.get(scale) for each in answered if each.visit == visit), None)
