"""The flow of subjects through the trial, as the CONSORT statement asks: from the first request to the analysed set."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from oligami.analysis.measures import Tally, by_frequency, tallies
from oligami.analysis.parts import arm_gives, gives
from oligami.data.datasets import Datasets, Refusals
from oligami.protocol.model.protocol import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionCount:
    """In how many refused requests one criterion was not met, and in how many it could not be judged."""

    criterion: str
    not_met: int
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRefusals:
    """Refused requests of one stage. A request may fail several criteria; a subject may ask again."""

    stage: str
    refused: int
    verdicts: tuple[Tally, ...]
    criteria: tuple[CriterionCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFlow:
    """What became of the subjects of one arm.

    received: had what the arm adds (local therapy begun), or, in an arm without it, went on with systemic therapy; None, as
        not_received, where the arm gives neither.
    crossover: local therapy before progression in an arm without it; None where the protocol gives no local therapy.
    analysed: stand in the population of the primary endpoint.
    """

    arm: str
    randomized: int
    received: int | None
    not_received: int | None
    crossover: int | None
    withdrawn: tuple[Tally, ...]  # by what the withdrawal covers; only those who withdrew
    died: int
    analysed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Subjects from the first request for registration to the analysis."""

    requests: int
    refusals: tuple[StageRefusals, ...]
    annulled: int
    registered: int  # without the annulled
    in_therapy: int  # still before the randomizing stage
    not_randomized: int
    not_randomized_reasons: tuple[Tally, ...]
    randomized: int
    arms: tuple[ArmFlow, ...]


#: Somebody who came to the randomizing stage and was refused, without a reason of its own.
REFUSED = "refused"


def describe_flow(datasets: Datasets, protocol: Protocol) -> Flow:
    """Count the subjects at each step."""
    subjects = datasets.subjects
    counted = [row for row, annulled in enumerate(subjects.annulled) if not annulled]
    first_stage = protocol.eligibility.stage[0].id
    refused_first = sum(stage == first_stage for stage in datasets.refusals.stage)
    outside = [row for row in counted if subjects.arm[row] is None]
    left = [row for row in outside if subjects.status[row] in ("refused", "off_study")]
    reasons: list[str | None] = [
        subjects.off_reason[row] or (REFUSED if subjects.status[row] == "refused" else None) for row in left
    ]
    return Flow(
        requests=len(counted) + refused_first,
        refusals=tuple(
            _refusals(datasets.refusals, stage.id, [criterion.id for criterion in stage.criterion])
            for stage in protocol.eligibility.stage
        ),
        annulled=sum(subjects.annulled),
        registered=len(counted),
        in_therapy=len(outside) - len(left),
        not_randomized=len(left),
        not_randomized_reasons=by_frequency(tallies(reasons)),
        randomized=len(counted) - len(outside),
        arms=tuple(_arm(datasets, protocol, arm, counted) for arm in datasets.arms),
    )


def _refusals(refusals: Refusals, stage: str, criteria: Sequence[str]) -> StageRefusals:
    rows = [row for row, own in enumerate(refusals.stage) if own == stage]
    not_met = Counter(name for row in rows for name in refusals.not_met[row])
    unknown = Counter(name for row in rows for name in refusals.unknown[row])
    order = [*criteria, *sorted((set(not_met) | set(unknown)) - set(criteria))]
    return StageRefusals(
        stage=stage,
        refused=len(rows),
        verdicts=tallies(refusals.verdict[row] for row in rows),
        criteria=tuple(
            CriterionCount(criterion=name, not_met=not_met[name], unknown=unknown[name])
            for name in order
            if not_met[name] or unknown[name]
        ),
    )


def _arm(datasets: Datasets, protocol: Protocol, arm: str, counted: Sequence[int]) -> ArmFlow:
    subjects, therapies = datasets.subjects, datasets.therapies
    rows = [row for row in counted if subjects.arm[row] == arm]
    received: set[str] | None = None
    if arm_gives(protocol, arm, "local_therapy"):
        received = {subjects.subject[row] for row in rows if subjects.local_therapy_started[row]}
    elif arm_gives(protocol, arm, "systemic_therapy"):
        # Nobody is said not to have received the therapy while it may still begin: only who ended without it.
        received = {
            subject
            for subject, courses, kept in zip(therapies.subject, therapies.courses_after, therapies.kept, strict=True)
            if courses > 0 or kept != "not_restarted"
        }
    crossed = {subject for subject, when in zip(therapies.subject, therapies.crossover_date, strict=True) if when is not None}
    own = {subjects.subject[row] for row in rows}
    withdrawn = [scope for row in rows if (scope := subjects.withdrawn_scope[row]) is not None]
    primary = [endpoint.id for endpoint in protocol.analysis.endpoint if endpoint.primary]
    analysed = sum(datasets.endpoints[endpoint].arm.count(arm) for endpoint in primary)
    return ArmFlow(
        arm=arm,
        randomized=len(rows),
        received=None if received is None else len(own & received),
        not_received=None if received is None else len(own - received),
        crossover=len(own & crossed) if gives(protocol, "local_therapy") else None,
        withdrawn=tallies(withdrawn),
        died=sum(subjects.death_date[row] is not None for row in rows),
        analysed=analysed,
    )
