"""What a protocol gives and records, and so which parts its analysis has.

A part that the protocol knows nothing of is left out and not counted as nothing: "0 had local therapy" is false where nobody
was ever to have it.
"""

from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.protocol import Protocol

#: What an arm may include, and the forms of which at least one must be there to know of it.
FORMS_OF_TREATMENT = {
    "systemic_therapy": (FormRole.THERAPY, FormRole.COURSE),
    "local_therapy": (FormRole.RADIOTHERAPY, FormRole.SURGERY),
}


def records(protocol: Protocol, *roles: FormRole) -> bool:
    """Say whether the protocol has a form of any of these roles."""
    return any(protocol.forms_of(role) for role in roles)


def arm_gives(protocol: Protocol, arm: str, treatment: str) -> bool:
    """Say whether an arm includes a treatment that the protocol also has forms for."""
    return treatment in protocol.arm(arm).includes and records(protocol, *FORMS_OF_TREATMENT[treatment])


def gives(protocol: Protocol, treatment: str) -> bool:
    """Say whether any arm includes a treatment that the protocol also has forms for."""
    return any(arm_gives(protocol, arm.id, treatment) for arm in protocol.trial.arm)


def randomizes_at_once(protocol: Protocol) -> bool:
    """Say whether the first registration is already the randomizing one."""
    return protocol.eligibility.stage[0].randomizes
