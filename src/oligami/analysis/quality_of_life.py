"""Quality of life: the proportion without progression by visit and arm, and how it hangs on the threshold chosen."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from oligami.analysis.measures import Estimate, Interval, Proportion, proportion, proportion_difference
from oligami.analysis.parts import records
from oligami.data.datasets import Datasets
from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.quality_of_life import QualityOfLifeFile, Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitProportion:
    """One visit in one arm. `proportion` is among those who can be evaluated."""

    visit: str
    arm: str
    proportion: Proportion
    died_before: int  # among those with progression
    not_evaluable: int
    not_due: int
    mean_score: Estimate  # of the scale, of all who answered, with a t interval


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitDifference:
    """The experimental arm less the control arm at one visit after randomization."""

    visit: str
    control: str
    experimental: str
    difference: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """The primary visit under another rule. scale None: a fall of the threshold or more on any scale is progression."""

    scale: str | None
    threshold: float
    in_force: bool
    proportions: tuple[tuple[str, Proportion], ...]  # by arm
    not_evaluable: tuple[tuple[str, int], ...]
    differences: tuple[VisitDifference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityOfLife:
    """Non-progression of quality of life at every planned visit."""

    instrument: str
    scale: str
    threshold: float
    primary_visit: str
    visits: tuple[VisitProportion, ...]
    differences: tuple[VisitDifference, ...]
    sensitivity: tuple[Sensitivity, ...]


def analyse_quality_of_life(datasets: Datasets, protocol: Protocol) -> QualityOfLife | None:
    """Analyse the verdicts of non-progression; None when the protocol asks for no quality of life."""
    rules = protocol.quality_of_life
    if rules is None or not records(protocol, FormRole.QUESTIONNAIRE):
        return None
    level = max(protocol.analysis.confidence_levels)
    wanted = rules.non_progression
    visits = tuple(_visit(datasets, visit, arm, level) for visit in wanted.visits for arm in datasets.arms)
    found = {(own.visit, own.arm): own.proportion for own in visits}
    differences = tuple(
        _difference(visit, datasets.arms[0], arm, {own: found[visit, own] for own in datasets.arms}, level)
        for visit in wanted.visits
        if not _precedes_randomization(protocol, visit)
        for arm in datasets.arms[1:]
    )
    scale = next(scale for scale in rules.scale if scale.id == wanted.scale)
    thresholds = sorted({*wanted.thresholds_offered, wanted.threshold})
    sensitivity = [_at_threshold(datasets, rules, scale, threshold, level) for threshold in thresholds]
    sensitivity.append(_any_scale(datasets, rules, level))
    return QualityOfLife(
        instrument=f"{rules.instrument} {rules.version}".strip(),
        scale=wanted.scale,
        threshold=wanted.threshold,
        primary_visit=wanted.primary_visit,
        visits=visits,
        differences=differences,
        sensitivity=tuple(sensitivity),
    )


def _precedes_randomization(protocol: Protocol, visit: str) -> bool:
    """Whether a visit lies before randomization, so that arms differ at it by chance alone.

    It counts from an earlier registration or from the assessment on which the randomizing stage rests, or lies on or before the
    day of randomization.
    """
    randomizing = f"registration:{protocol.randomizing_stage.id}"
    for activity in protocol.schedule.activity:
        days = dict(zip(activity.visit_ids, activity.at_days, strict=False))
        if visit not in days:
            continue
        if activity.anchor == randomizing:
            return days[visit] <= 0
        return activity.anchor.startswith("registration:") or activity.anchor == "event:assessment_date"
    return False


def _visit(datasets: Datasets, visit: str, arm: str, level: float) -> VisitProportion:
    table = datasets.quality_of_life
    rows = [row for row in range(len(table)) if table.visit[row] == visit and table.arm[row] == arm]
    verdicts = [table.verdict[row] for row in rows]
    kept, lost = verdicts.count("non_progression"), verdicts.count("progression")
    return VisitProportion(
        visit=visit,
        arm=arm,
        proportion=proportion(kept, kept + lost, level),
        died_before=sum(table.died_before[row] and table.verdict[row] == "progression" for row in rows),
        not_evaluable=verdicts.count("not_evaluable"),
        not_due=verdicts.count("not_due"),
        mean_score=_mean([score for row in rows if (score := table.visit_score[row]) is not None], level),
    )


def _mean(scores: list[float], level: float) -> Estimate:
    """Mean with Student's interval; no interval of fewer than two."""
    if not scores:
        return Estimate(value=None)
    values = np.array(scores, dtype=np.float64)
    mean = float(values.mean())
    if values.size < 2:
        return Estimate(value=mean)
    half = float(stdtrit(values.size - 1, 0.5 + level / 2)) * float(values.std(ddof=1)) / float(np.sqrt(values.size))
    return Estimate(value=mean, intervals=(Interval(level=level, lower=mean - half, upper=mean + half),))


def _difference(visit: str, control: str, experimental: str, found: Mapping[str, Proportion], level: float) -> VisitDifference:
    return VisitDifference(
        visit=visit,
        control=control,
        experimental=experimental,
        difference=proportion_difference(found[experimental], found[control], level),
    )


def _worsened(scale: Scale, baseline: float, now: float, threshold: float) -> bool:
    """Whether a score is worse by the threshold or more: lower, or higher on a scale of symptoms."""
    return (now - baseline if scale.kind == "symptom" else baseline - now) >= threshold


def _at_threshold(datasets: Datasets, rules: QualityOfLifeFile, scale: Scale, threshold: float, level: float) -> Sensitivity:
    table = datasets.quality_of_life
    verdicts: dict[str, list[bool | None]] = {arm: [] for arm in datasets.arms}
    for row in range(len(table)):
        if table.visit[row] != rules.non_progression.primary_visit or table.verdict[row] == "not_due":
            continue
        before, now = table.baseline_score[row], table.visit_score[row]
        if table.died_before[row]:
            verdicts[table.arm[row]].append(False)
        elif before is None or now is None:
            verdicts[table.arm[row]].append(None)
        else:
            verdicts[table.arm[row]].append(not _worsened(scale, before, now, threshold))
    in_force = threshold == rules.non_progression.threshold
    return _sensitivity(datasets, rules, scale.id, threshold, in_force, verdicts, level)


def _any_scale(datasets: Datasets, rules: QualityOfLifeFile, level: float) -> Sensitivity:
    """Progression on any scale; a subject none of whose scales can be compared is not evaluable."""
    wanted, table, forms = rules.non_progression, datasets.quality_of_life, datasets.questionnaires
    row_of = {(subject, visit): row for row, (subject, visit) in enumerate(zip(forms.subject, forms.visit, strict=True))}
    verdicts: dict[str, list[bool | None]] = {arm: [] for arm in datasets.arms}
    for row in range(len(table)):
        if table.visit[row] != wanted.primary_visit or table.verdict[row] == "not_due":
            continue
        before = row_of.get((table.subject[row], wanted.baseline_visit))
        now = row_of.get((table.subject[row], wanted.primary_visit))
        verdict: bool | None = None
        if table.died_before[row]:
            verdict = False
        elif before is not None and now is not None:
            pairs = [
                (scale, first, last)
                for scale in rules.scale
                if scale.id in forms.scores
                and (first := forms.scores[scale.id][before]) is not None
                and (last := forms.scores[scale.id][now]) is not None
            ]
            if pairs:
                verdict = not any(_worsened(scale, first, last, wanted.threshold) for scale, first, last in pairs)
        verdicts[table.arm[row]].append(verdict)
    return _sensitivity(datasets, rules, None, wanted.threshold, False, verdicts, level)


def _sensitivity(
    datasets: Datasets,
    rules: QualityOfLifeFile,
    scale: str | None,
    threshold: float,
    in_force: bool,
    verdicts: Mapping[str, list[bool | None]],
    level: float,
) -> Sensitivity:
    found = {arm: proportion(own.count(True), own.count(True) + own.count(False), level) for arm, own in verdicts.items()}
    return Sensitivity(
        scale=scale,
        threshold=threshold,
        in_force=in_force,
        proportions=tuple(found.items()),
        not_evaluable=tuple((arm, own.count(None)) for arm, own in verdicts.items()),
        differences=tuple(
            _difference(rules.non_progression.primary_visit, datasets.arms[0], arm, found, level) for arm in datasets.arms[1:]
        ),
    )
