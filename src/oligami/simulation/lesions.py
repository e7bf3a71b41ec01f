"""What scans show: sizes of the baseline metastases over time, and the response they amount to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any


@dataclass(slots=True)
class Lesion:
    """A baseline metastasis as the simulation follows it; `size_mm` 0 means that it cannot be seen."""

    id: str
    site: str
    baseline_mm: float
    nodal: bool
    size_mm: float
    smallest_mm: float
    treated: str | None = None  # the modality, once treated
    resected: bool = False


@dataclass(slots=True)
class Burden:
    """All baseline metastases of a subject and what is new."""

    lesions: list[Lesion] = field(default_factory=list)
    new_lesion_site: str | None = None

    @property
    def remaining(self) -> list[Lesion]:
        """The metastases that are still there."""
        return [lesion for lesion in self.lesions if lesion.size_mm > 0 and not lesion.resected]


def baseline_burden(rows: Sequence[Mapping[str, Any]], kinds: tuple[str, ...], node_sites: tuple[str, ...]) -> Burden:
    """Return the burden at first registration: definite and indeterminate metastases of the kinds that count."""
    return Burden(
        [
            Lesion(
                id=str(row["id"]),
                site=str(row["site"]),
                baseline_mm=float(row["max_diameter_mm"]),
                nodal=row["site"] in node_sites,
                size_mm=float(row["max_diameter_mm"]),
                smallest_mm=float(row["max_diameter_mm"]),
            )
            for row in rows
            if row.get("kind") in kinds and row.get("max_diameter_mm") is not None
        ]
    )


def respond(burden: Burden, response: str, chance: Random) -> None:
    """Move the sizes so that they amount to a response against the baseline."""
    match response:
        case "CR":
            for lesion in burden.lesions:
                lesion.size_mm = 0.0
        case "PD":
            grow(burden, chance)
        case _:
            # Within a response, each lesion shrinks a little differently; together they stay inside its limits.
            low, high = (0.40, 0.66) if response == "PR" else (0.80, 1.05)
            factor = low + (high - low) * chance.random()
            for lesion in burden.lesions:
                lesion.size_mm = round(lesion.baseline_mm * factor, 1)
    _note(burden)


def drift(burden: Burden, chance: Random) -> None:
    """Move the sizes a little, never by what would count as progression."""
    factor = 0.97 + 0.04 * chance.random()
    for lesion in burden.remaining:
        lesion.size_mm = round(min(lesion.size_mm * factor, lesion.smallest_mm * 1.1), 1)
    _note(burden)


def grow(burden: Burden, chance: Random) -> None:
    """Let the baseline metastases grow by more than 20 % and 5 mm over their smallest size."""
    for lesion in burden.remaining:
        lesion.size_mm = round(max(lesion.smallest_mm * 1.4, lesion.smallest_mm + 6.0) + 4.0 * chance.random(), 1)
    for lesion in burden.lesions:
        if lesion.size_mm == 0 and not lesion.resected and not burden.remaining:
            lesion.size_mm = round(8.0 + 6.0 * chance.random(), 1)


def rows_of(burden: Burden) -> list[dict[str, Any]]:
    """Return the lesion table of an assessment form."""
    rows: list[dict[str, Any]] = []
    for lesion in burden.lesions:
        nodal = "yes" if lesion.nodal else "no"
        if lesion.resected:
            rows.append({"lesion_id": lesion.id, "status": "resected"})
        elif lesion.size_mm == 0:
            rows.append({"lesion_id": lesion.id, "status": "vanished", "size_mm": 0.0, "nodal": nodal})
        else:
            rows.append({"lesion_id": lesion.id, "status": "measured", "size_mm": lesion.size_mm, "nodal": nodal})
    return rows


def _note(burden: Burden) -> None:
    for lesion in burden.lesions:
        if not lesion.resected:
            lesion.smallest_mm = min(lesion.smallest_mm, lesion.size_mm) if lesion.size_mm > 0 else lesion.smallest_mm
