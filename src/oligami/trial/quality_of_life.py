"""Quality of life: scores of the questionnaire's scales, and non-progression at a visit.

Scales and thresholds are the protocol's (quality_of_life.toml). Scoring: EORTC QLQ-C30 Scoring Manual, 3rd edition
(Fayers et al. 2001): mean of the answered items, turned into 0 to 100.
"""

from collections.abc import Mapping
from typing import Final, Literal

from oligami.protocol.model.quality_of_life import QualityOfLifeFile, Scale

NonProgressionVerdict = Literal["non_progression", "progression", "not_evaluable"]

#: Scores are floats: a fall of exactly the threshold may come out as 9.999999999999993. True scores lie much further apart
#: (a step of the finest scale is over 1), and figures given to two decimals differ by 0.01 at least, so this cannot
#: mistake one fall for another.
TOLERANCE: Final = 1e-6


def score(rules: QualityOfLifeFile, items: Mapping[str, int | None]) -> dict[str, float | None]:
    """Return the score of every scale, 0 to 100, unrounded; None where too few items are answered.

    Args:
        rules: the protocol's questionnaire.
        items: answers by item id; None or a missing key is unanswered.

    Raises:
        ValueError: an answer lies outside the scale's range.
    """
    return {scale.id: _score_scale(rules, scale, items) for scale in rules.scale}


def non_progression(
    rules: QualityOfLifeFile,
    *,
    baseline: float | None,
    visit: float | None,
    died_before_visit: bool,
    threshold: float | None = None,
) -> NonProgressionVerdict:
    """Tell whether a subject is alive and has not fallen by the threshold or more from the own baseline.

    Death before the visit is progression, also without a baseline; else a missing score is not evaluable.

    Args:
        rules: the protocol's questionnaire.
        baseline: score of the rule's scale at baseline.
        visit: the same at the visit.
        died_before_visit: whether the subject died before the visit.
        threshold: another threshold than the protocol's, for its alternative readings.
    """
    if died_before_visit:
        return "progression"
    if baseline is None or visit is None:
        return "not_evaluable"
    limit = rules.non_progression.threshold if threshold is None else threshold
    return "progression" if baseline - visit >= limit - TOLERANCE else "non_progression"


def _score_scale(rules: QualityOfLifeFile, scale: Scale, items: Mapping[str, int | None]) -> float | None:
    answers = [answer for name in scale.items if (answer := items.get(name)) is not None]
    for answer in answers:
        if not scale.lowest <= answer <= scale.highest:
            raise ValueError(f"scale {scale.id}: answer {answer}, expected {scale.lowest} to {scale.highest}")
    if not answers or len(answers) < rules.answered_share * len(scale.items):
        return None
    # One division at the end keeps the ends of the scale exactly at 0 and 100.
    share = (sum(answers) - scale.lowest * len(answers)) / ((scale.highest - scale.lowest) * len(answers))
    return 100 * (1 - share) if scale.kind == "functional" else 100 * share
