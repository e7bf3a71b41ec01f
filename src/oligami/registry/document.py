"""The public record for machines: the registry's own format, both languages, where the journal stood, and a digest of it all."""

from hashlib import sha256
from typing import Any, Final

from oligami.journal.codec import canonical
from oligami.protocol.registry_record import page_extras, registry_json
from oligami.registry.record import PublicRecord
from oligami.trial.record_paths import public_part

FORMAT: Final = "oligami public record 1"


def record_json(record: PublicRecord) -> dict[str, Any]:
    """Return the public record as plain JSON.

    Keys: `study` (ClinicalTrials.gov API v2) and `page` (what the registry prints beside it), both English; `texts`, the same
    record in both languages, by the paths of `trial.record_paths`; `enrolment` so far; `sites` with their dates; `journal`, the
    record number, seal and instant all this rests on; `protocol` with its digest; `digest`, the SHA-256 over the canonical JSON
    (keys sorted, no spaces, UTF-8) of everything else.
    """
    said = record.said
    document: dict[str, Any] = {
        "format": FORMAT,
        "trial": record.trial,
        "study": registry_json(said),
        "page": page_extras(said),
        "texts": public_part(said),
        "paused": [{"en": stage.en, "ja": stage.ja} for stage in record.paused],
        "enrolment": [
            {
                "stage": each.stage,
                "title": {"en": each.title.en, "ja": each.title.ja},
                "count": each.count,
                "planned": each.planned,
                "randomizes": each.randomizes,
            }
            for each in record.enrolment
        ],
        "sites": [
            {
                "facility": location.facility,
                "status": location.status,
                "opened": None if dates.opened is None else dates.opened.isoformat(),
                "closed": None if dates.closed is None else dates.closed.isoformat(),
            }
            for location, dates in zip(said.location, record.site_dates, strict=True)
        ],
        "rehearsal": record.simulated,
        "journal": {"record": record.seq, "seal": record.seal, "at": f"{record.at:%Y-%m-%dT%H:%M:%S}Z"},
        "protocol": {"version": record.protocol.version, "digest": record.protocol.digest},
        "approved": list(record.approved),
    }
    return {**document, "digest": document_digest(document)}


def document_digest(document: dict[str, Any]) -> str:
    """Return the SHA-256 (64 hexadecimal digits) over the canonical JSON of a document, its own `digest` left out."""
    return sha256(canonical({key: value for key, value in document.items() if key != "digest"})).hexdigest()
