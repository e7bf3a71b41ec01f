"""Where a result comes from, as facts to stand beside it and as the command that makes it again."""

from oligami.data.datasets import Provenance


def provenance_facts(provenance: Provenance) -> dict[str, str | int | bool | None]:
    """Flatten the provenance into named facts, the same names in JSON and in every CSV."""
    return {
        "software": provenance.software,
        "software_version": provenance.software_version,
        "trial": provenance.trial,
        "protocol_version": provenance.protocol_version,
        "protocol_digest": provenance.protocol_digest,
        "journal_records": provenance.journal_records,
        "journal_head": provenance.journal_head,
        "through": provenance.through,
        "up_to": provenance.up_to.isoformat(),
        "simulated": provenance.simulated,
        "seed": provenance.seed,
    }


def command_again(provenance: Provenance) -> str:
    """Return the command that makes the same cut again, whatever has been recorded since."""
    return f"oligami analyse JOURNAL --up-to {provenance.up_to.isoformat()} --through {provenance.through}"
