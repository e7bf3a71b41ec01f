"""What the simulation knows of one person while the trial goes on."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from oligami.protocol.model.therapy import Regimen
from oligami.simulation.latent import Latent
from oligami.simulation.lesions import Burden

#: Days beyond any follow-up: what a latent clock of infinity comes to.
_NEVER_DAYS = 40_000


@dataclass(slots=True)
class Person:
    """Somebody who is asked to take part, and what is known of him as the simulation goes on.

    failed: the day on which it was clear that he will not be randomized; his clock of death starts then.
    """

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
    failed: date | None = None
    therapy_ended: bool = False
    withdrawn: date | None = None

    @property
    def death_date(self) -> date | None:
        """The day of death; None if it lies beyond any follow-up or its clock has not started."""
        if self.arm is not None:
            return _after(self.randomized, self.latent.fates[self.arm].death_days)
        return None if self.failed is None else _after(self.failed, self.latent.death_if_not_randomized_days)

    @property
    def lost_date(self) -> date | None:
        """The day from which the site hears nothing more of him; None if that never comes."""
        start = self.randomized if self.arm is not None else self.failed
        return None if start is None else _after(start, self.latent.lost_days)

    def is_followed(self, on: date) -> bool:
        """Whether he is alive and not lost on that day."""
        return all(end is None or on < end for end in (self.death_date, self.lost_date))


def _after(start: date, days: float) -> date | None:
    return start + timedelta(days=max(1, int(days))) if days < _NEVER_DAYS else None
