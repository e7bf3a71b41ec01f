"""Local therapy of the oligometastases, lesion by lesion, and whether every remaining one has had it."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from oligami.data.columns import Table
from oligami.data.datasets import Lesions
from oligami.data.history import History, Lesion, Treatment
from oligami.data.progression import Progression, local_therapy_of
from oligami.protocol.compile import Compiled
from oligami.protocol.model.protocol import Protocol
from oligami.trial.radiotherapy import PrescriptionVerdict, find_lung_location, judge_prescription

#: What an arm that gives local therapy includes.
LOCAL_THERAPY: Final = "local_therapy"


def includes_local_therapy(protocol: Protocol, arm: str | None) -> bool:
    """Whether an arm gives local therapy."""
    return arm is not None and LOCAL_THERAPY in protocol.arm(arm).includes


def judge_radiotherapy(treated: Treatment, rules: Compiled) -> tuple[PrescriptionVerdict | None, str | None]:
    """Judge the prescription of a radiotherapy: its verdict, and where in the lung the lesion lies.

    The location is the radiation oncologist's; where none is recorded it is found from the distances on the form.
    """
    protocol, filled = rules.protocol, treated.filled
    file = protocol.radiotherapy
    if file is None or treated.modality != "radiotherapy":
        return None, None
    site, location = filled.text("site"), filled.text("lung_location")
    if site != file.prescription.location_site:
        location = None
    elif location is None:
        items = {item: filled.state.values.get(item) for item in file.lung_location.items}
        location = find_lung_location(rules, items).location
    verdict = judge_prescription(
        protocol,
        site=site,
        lung_location=location,
        total_gy=filled.number("total_gy"),
        fractions=filled.whole("fractions"),
    )
    return verdict, location


def derive_lesions(subjects: Sequence[tuple[History, Progression]], rules: Compiled) -> Lesions:
    """Return one row a baseline oligometastasis of everybody randomized, with the first local therapy it got."""
    rows = Table()
    normal = rules.protocol.response.normal_node_below_mm if rules.protocol.response is not None else 0.0
    for history, progression in subjects:
        if history.randomized is None or history.annulled:
            continue
        treated = local_therapy_of(history, progression)
        remaining = remaining_lesions(history, progression, normal)
        for lesion in history.oligometastases:
            own = next((each for each in treated if each.lesion == lesion.id), None)
            rows.add(**_row(history, lesion, own, rules), remaining=lesion.id in remaining)
    return Lesions(**rows.columns(Lesions))


def _row(history: History, lesion: Lesion, treated: Treatment | None, rules: Compiled) -> dict[str, object]:
    row: dict[str, object] = {
        "subject": history.id,
        "arm": history.arm,
        "lesion": lesion.id,
        "site": lesion.site,
        "diameter_mm": lesion.diameter_mm,
    }
    if treated is None:
        return row
    filled, is_radiotherapy = treated.filled, treated.modality == "radiotherapy"
    verdict, location = judge_radiotherapy(treated, rules)
    # A course under way at the cut is told as begun; how it ended is not yet so.
    over = treated.end is not None or treated.done
    return row | {
        "modality": treated.modality,
        "technique": filled.text("technique"),
        "lung_location": location,
        "total_gy": filled.number("total_gy"),
        "fractions": filled.whole("fractions"),
        "option": verdict.option.id if verdict is not None and verdict.option is not None else None,
        "option_status": None if verdict is None else verdict.status,
        "start_date": treated.start,
        "end_date": treated.end,
        "completion": filled.text("completion") if is_radiotherapy and over else None,
        "margin": filled.text("margin"),
        "complication_grade": filled.text("complication_grade"),
    }


def remaining_lesions(history: History, progression: Progression, normal_node_below_mm: float) -> tuple[str, ...]:
    """Return the oligometastases that remain at randomization: visible at all, or a node that is not of normal size.

    What the last assessment before says decides; a lesion it does not speak of remains.
    """
    start = history.randomized
    before = [scan for scan in progression.scans if start is not None and scan.date <= start]
    sizes = before[-1].sizes if before else {}

    def remains(lesion: Lesion) -> bool:
        size = sizes.get(lesion.id)
        return size is None or (size >= normal_node_below_mm if lesion.nodal else size > 0)

    return tuple(lesion.id for lesion in history.oligometastases if remains(lesion))


def local_therapy_began(history: History, progression: Progression) -> date | None:
    """Return the first day of local therapy to an oligometastasis after randomization."""
    return min((treated.start for treated in local_therapy_of(history, progression)), default=None)


def local_therapy_completed(history: History, progression: Progression, remaining: Sequence[str]) -> date | None:
    """Return the day on which the local therapy of every remaining oligometastasis had been completed; None if one's was not.

    Radiotherapy that was stopped early, and removal with residual tumour, leave it incomplete.
    """
    ends: dict[str, date] = {}
    for treated in local_therapy_of(history, progression):
        if treated.done:
            ends.setdefault(treated.lesion, treated.end or treated.start)
    if not remaining or any(lesion not in ends for lesion in remaining):
        return None
    return max(ends[lesion] for lesion in remaining)


def crossover_date(history: History, progression: Progression, protocol: Protocol) -> date | None:
    """Return the first local therapy of an oligometastasis, before progression, in an arm that does not give it."""
    if includes_local_therapy(protocol, history.arm):
        return None
    return local_therapy_began(history, progression)
