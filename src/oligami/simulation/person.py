"""What the simulation knows of one person while the trial goes on."""

from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

from oligami.protocol.model.therapy import Regimen
from oligami.simulation.latent import Latent
from oligami.simulation.lesions import Burden


@dataclass(slots=True)
class Person:
    """Somebody who is asked to take part, and what is known of him as the simulation goes on."""

    number: int
    site: str
    traits: dict[str, Any]
    latent: Latent
    chance: Random
    subject: str = ""
    registered: date = date.min
    values: dict[str, Any] = field(default_factory=dict)
    burden: Burden = field(default_factory=Burden)
    regimen: Regimen | None = None
    therapy_start: date = date.min
    courses: int = 0
    next_course: date = date.max
    arm: str | None = None
    randomized: date = date.max
    therapy_ended: bool = False
    treatment_withdrawn: bool = False
