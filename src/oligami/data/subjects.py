"""One row a subject: where it stands, its factors and baseline, and its dates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from oligami.data.datasets import Subjects
from oligami.data.history import History
from oligami.data.local_therapy import local_therapy_began
from oligami.data.progression import Progression
from oligami.protocol.compile import Compiled, derive_values
from oligami.trial.registration import casebook_of, factors_of
from oligami.trial.state import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """What a subject brought along. levels: factors as corrected since, and every derived item; None where not known."""

    factors_drawn: Mapping[str, str | None]
    factors: Mapping[str, str | None]
    levels: Mapping[str, Any]
    baseline: Mapping[str, Any]


def describe_subject(history: History, rules: Compiled) -> Character:
    """Return a subject's factors, derived items and baseline rows, from its forms as corrected since.

    Baseline facts have no date of their own, so the cut does not touch them.
    """
    subject = history.subject
    items = casebook_of(subject, rules)
    values = derive_values(rules, {**items, "site": history.site})
    drawn: Mapping[str, str | None] = {}
    factors: Mapping[str, str | None] = factors_of(rules, items, history.site)
    if history.allocation is not None:
        drawn, factors = history.allocation.factors_drawn, history.allocation.factors
    derived = {each.derived.id: values.get(each.derived.id) for each in rules.derived}
    return Character(
        factors_drawn=drawn,
        factors=factors,
        levels={**derived, **factors},
        baseline={row.id: expression.value(values) for row, expression in rules.baseline},
    )


def derive_subjects(
    subjects: Sequence[tuple[History, Progression, Character]], rules: Compiled, refusals: Sequence[Refusal]
) -> Subjects:
    """Return one row a subject, in order of registration."""
    stage = rules.protocol.randomizing_stage.id
    refused: dict[str | None, list[Refusal]] = {}
    for refusal in refusals:
        if refusal.stage == stage:
            refused.setdefault(refusal.subject, []).append(refusal)
    standing = [_standing(history, progression, refused.get(history.id, ())) for history, progression, _ in subjects]
    factors = [factor.id for factor in rules.protocol.allocation.factors]
    histories = [history for history, _, _ in subjects]
    return Subjects(
        subject=tuple(history.id for history in histories),
        site=tuple(history.site for history in histories),
        registration_date=tuple(history.first_date for history in histories),
        randomization_date=tuple(history.randomized for history in histories),
        arm=tuple(history.arm for history in histories),
        status=tuple(status for status, _ in standing),
        off_reason=tuple(reason for _, reason in standing),
        factors_drawn={name: tuple(own.factors_drawn.get(name) for _, _, own in subjects) for name in factors},
        factors={name: tuple(own.factors.get(name) for _, _, own in subjects) for name in factors},
        baseline={row.id: tuple(own.baseline[row.id] for _, _, own in subjects) for row, _ in rules.baseline},
        last_alive_date=tuple(history.last_alive for history in histories),
        death_date=tuple(history.death for history in histories),
        progression_date=tuple(progression.first for _, progression, _ in subjects),
        progression_site=tuple(progression.site for _, progression, _ in subjects),
        therapy_started=tuple(therapy_began(history) for history in histories),
        local_therapy_started=tuple(
            local_therapy_began(history, progression) is not None for history, progression, _ in subjects
        ),
        withdrawn_scope=tuple(history.withdrawn for history in histories),
        annulled=tuple(history.annulled for history in histories),
    )


def therapy_began(history: History) -> bool:
    """Whether the systemic therapy began."""
    return history.therapy_start is not None or bool(history.courses)


def _standing(history: History, progression: Progression, refusals: Sequence[Refusal]) -> tuple[str, str | None]:
    """Return where a subject stands, and why it was not randomized.

    A request that lacked an item may be made again, so only one that failed a criterion makes a subject refused.
    """
    if history.randomized is not None:
        return "randomized", None
    reason = _off_reason(history, progression)
    if any(refusal.verdict == "ineligible" and refusal.at.date() <= history.last_day for refusal in refusals):
        return "refused", reason
    return ("in_therapy", None) if reason is None else ("off_study", reason)


def _off_reason(history: History, progression: Progression) -> str | None:
    told = None if history.end is None else history.end.text("reason") or "therapy_ended"
    if told is not None:
        return told
    if progression.first is not None:
        return "progression"
    if history.death is not None:
        return "death"
    return None if history.withdrawn is None else "withdrawal"


def last_randomization(histories: Sequence[History], limit: int | None) -> date | None:
    """Return the last randomization of the trial once as many as its limit are randomized; None while it goes on."""
    days = [history.randomized for history in histories if history.randomized is not None and not history.annulled]
    return max(days) if days and limit is not None and len(days) >= limit else None
