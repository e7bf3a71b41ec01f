"""Time-to-event endpoints, each as analysis.toml defines it: population, start, events and censoring.

The words are the closed vocabulary of `protocol.model.analysis`. Everybody randomized counts as randomized; an event or an
assessment before the start counts on day 0. Assessments that are missing or not evaluable neither censor nor count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from oligami.data.datasets import TimeToEvent
from oligami.data.history import History
from oligami.data.progression import Progression, TreatedLesions
from oligami.protocol.model.analysis import Endpoint
from oligami.protocol.model.protocol import Protocol

#: What stands for a stratum that is not known.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A subject with all an endpoint may rest on. levels: balancing factors (as corrected) and derived items."""

    history: History
    progression: Progression
    treated: TreatedLesions | None
    levels: Mapping[str, Any]
    therapy_began: bool
    has_baseline_questionnaire: bool


def derive_endpoints(subjects: Sequence[Followed], protocol: Protocol) -> dict[str, TimeToEvent]:
    """Return every time-to-event endpoint of the protocol, alternatives too. Registered in error: left out."""
    standing = [each for each in subjects if not each.history.annulled]
    strata = [stratum.factor for stratum in protocol.analysis.stratum]
    return {
        endpoint.id: derive_endpoint(standing, endpoint, strata)
        for endpoint in protocol.analysis.endpoint
        if endpoint.kind == "time_to_event"
    }


def derive_endpoint(subjects: Sequence[Followed], endpoint: Endpoint, strata: Sequence[str]) -> TimeToEvent:
    """Return one endpoint over its population.

    A member whose start is not known (no local therapy was completed, say) cannot be counted from it and is left out.

    Raises:
        ValueError: the endpoint uses a word outside the vocabulary.
    """
    rows = []
    for each in subjects:
        start = _start(each, endpoint.start) if _belongs(each, endpoint.population) else None
        if start is None:
            continue
        events = [(day, event) for event in endpoint.event if (day := _event(each, event)) is not None]
        if events:
            end, cause = min(events, key=lambda found: found[0])
        else:
            end, cause = _censoring(each, endpoint.censor) or start, f"{endpoint.censor}"
        end = max(end, start)
        rows.append((each, start, end, bool(events), cause))
    return TimeToEvent(
        endpoint=endpoint.id,
        subject=tuple(each.history.id for each, *_ in rows),
        arm=tuple(each.history.arm for each, *_ in rows),
        stratum=tuple("|".join(str(each.levels.get(factor) or UNKNOWN) for factor in strata) for each, *_ in rows),
        time_days=np.array([(end - start).days for _, start, end, _, _ in rows], dtype=np.float64),
        event=np.array([happened for *_, happened, _ in rows], dtype=np.bool_),
        cause=tuple(cause for *_, cause in rows),
        start_date=tuple(start for _, start, *_ in rows),
        end_date=tuple(end for _, _, end, *_ in rows),
    )


def _belongs(each: Followed, population: str) -> bool:
    history = each.history
    word, _, name = population.partition(":")
    match word:
        case "registered":
            return name in history.registered
        case "randomized":
            return history.randomized is not None and (not name or history.arm == name)
        case "randomized_with_progression":
            return history.randomized is not None and each.progression.first is not None
        case "randomized_with_baseline_questionnaire":
            return history.randomized is not None and each.has_baseline_questionnaire
        case "treated":
            return each.therapy_began
    raise ValueError(f"{population!r} is no population")


def _start(each: Followed, start: str | None) -> date | None:
    word, _, name = (start or "").partition(":")
    match word:
        case "registration":
            return each.history.registered.get(name)
        case "randomization":
            return each.history.randomized
        case "last_local_therapy":
            return None if each.treated is None else each.treated.last_therapy
    raise ValueError(f"{start!r} is no start of an endpoint")


def _event(each: Followed, event: str) -> date | None:
    match event:
        case "death":
            return each.history.death
        case "progression_imaging":
            return each.progression.imaging
        case "progression_clinical":
            return each.progression.clinical
        case "progression_of_treated_lesion":
            return None if each.treated is None else each.treated.progressed
    raise ValueError(f"{event!r} is no event of an endpoint")


def _censoring(each: Followed, censor: str | None) -> date | None:
    """Return the date of censoring; None where nothing was ever assessed, which censors on the day of the start."""
    match censor:
        case "last_alive":
            return each.history.last_alive
        case "last_progression_free_assessment":
            return max((scan.date for scan in each.progression.scans if scan.is_free), default=None)
        case "last_assessment_of_treated_lesions":
            return None if each.treated is None else each.treated.last_free
    raise ValueError(f"{censor!r} is no censoring of an endpoint")
