"""From the trial as it was known to the datasets of a cut. Pure: no clock, no chance, no order but that of registration."""

from datetime import date

from oligami.data.cut import Cut
from oligami.data.datasets import Datasets, Provenance
from oligami.data.deviations import derive_deviations
from oligami.data.endpoints import Followed, derive_endpoints
from oligami.data.history import read_histories
from oligami.data.local_therapy import derive_lesions
from oligami.data.progression import find_progression, follow_treated_lesions
from oligami.data.quality import count_corrections, count_queries, derive_data_quality, derive_refusals
from oligami.data.questionnaires import derive_questionnaires, derive_visits, read_questionnaires
from oligami.data.safety import derive_adverse_events
from oligami.data.subjects import derive_subjects, describe_subject, last_randomization, therapy_began
from oligami.data.therapies import derive_therapies, judge_therapy_kept
from oligami.data.windows import find_anchors, match_visits, questionnaire_windows, resumption_missed
from oligami.protocol.compile import compile_protocol
from oligami.protocol.model.protocol import Protocol
from oligami.trial.state import Trial


def derive(
    trial: Trial, cut: Cut, *, protocol: Protocol | None = None, software_version: str, seed: int | None = None
) -> Datasets:
    """Derive the datasets of a cut.

    Args:
        trial: the fold of the records through `cut.through` (see `cut.cut_trial`).
        cut: what is counted. A fact counts by its own date; a later one only proves the subject alive at the cut.
        protocol: whose rules count; the one in force in the trial if not given.
        software_version: for the provenance.
        seed: of the simulation that made the trial; None for a real one.

    Raises:
        ValueError: the trial was folded from other records than the cut names, or no protocol has been activated.
    """
    if cut.through is not None and trial.head.seq != cut.through:
        raise ValueError(f"the cut counts through record {cut.through}, but the trial was folded through {trial.head.seq}")
    protocol = protocol if protocol is not None else trial.protocol
    rules = compile_protocol(protocol)
    histories = read_histories(tuple(trial.subjects.values()), protocol, cut.up_to)
    last = last_randomization(histories, protocol.randomizing_stage.limit)

    progressions = [find_progression(history, protocol.response) for history in histories]
    characters = [describe_subject(history, rules) for history in histories]
    anchors = [find_anchors(history, own, last) for history, own in zip(histories, progressions, strict=True)]
    visits = [
        match_visits(history, own, dates, protocol) for history, own, dates in zip(histories, progressions, anchors, strict=True)
    ]
    answered = [
        read_questionnaires(history, due, protocol.quality_of_life) for history, due in zip(histories, visits, strict=True)
    ]
    followed = [
        Followed(
            history=history,
            progression=own,
            treated=follow_treated_lesions(history, own, protocol.response),
            levels=character.levels,
            therapy_began=therapy_began(history) or bool(history.treatments),
            has_baseline_questionnaire=protocol.quality_of_life is not None
            and any(each.visit == protocol.quality_of_life.non_progression.baseline_visit for each in filled),
        )
        for history, own, character, filled in zip(histories, progressions, characters, answered, strict=True)
    ]
    kept = [
        judge_therapy_kept(history, own, resumption_missed=resumption_missed(due, history))
        for history, own, due in zip(histories, progressions, visits, strict=True)
    ]
    windows = [
        questionnaire_windows(history, dates, protocol) if protocol.quality_of_life is not None else {}
        for history, dates in zip(histories, anchors, strict=True)
    ]
    raised, still_open = count_queries(histories)
    return Datasets(
        provenance=_provenance(trial, cut, protocol, software_version, seed),
        arms=_arms(protocol),
        subjects=derive_subjects(list(zip(histories, progressions, characters, strict=True)), rules, trial.refusals),
        endpoints=derive_endpoints(followed, protocol),
        lesions=derive_lesions(list(zip(histories, progressions, strict=True)), rules),
        therapies=derive_therapies(list(zip(histories, progressions, kept, strict=True)), protocol),
        adverse_events=derive_adverse_events(histories, protocol),
        questionnaires=derive_questionnaires(list(zip(histories, answered, strict=True)), protocol.quality_of_life),
        quality_of_life=derive_visits(list(zip(histories, answered, windows, strict=True)), protocol),
        deviations=derive_deviations(list(zip(histories, progressions, visits, strict=True)), rules, trial.study.versions),
        refusals=derive_refusals(trial, cut.up_to),
        data_quality=derive_data_quality(list(zip(histories, visits, strict=True))),
        sites_opened=_sites_opened(trial, cut.up_to),
        corrections=count_corrections(histories),
        queries_raised=raised,
        queries_open=still_open,
    )


def _provenance(trial: Trial, cut: Cut, protocol: Protocol, software_version: str, seed: int | None) -> Provenance:
    return Provenance(
        software="oligami",
        software_version=software_version,
        trial=trial.study.trial or protocol.id,
        protocol_version=protocol.version,
        protocol_digest=protocol.digest,
        journal_records=trial.head.seq,
        journal_head=trial.head.seal,
        through=trial.head.seq,
        up_to=cut.up_to,
        simulated=trial.study.simulated,
        seed=seed,
    )


def _arms(protocol: Protocol) -> tuple[str, ...]:
    """Return the arms, control first, else in the protocol's order."""
    return tuple(arm.id for arm in sorted(protocol.trial.arm, key=lambda arm: arm.role != "control"))


def _sites_opened(trial: Trial, up_to: date) -> tuple[tuple[str, date], ...]:
    opened = [(site.site, site.opened_at.date()) for site in trial.study.sites.values()]
    return tuple(sorted((pair for pair in opened if pair[1] <= up_to), key=lambda pair: (pair[1], pair[0])))
