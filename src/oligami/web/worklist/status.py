"""How a subject stands, in words: the banner of every page about it."""

from dataclasses import dataclass
from datetime import date

from oligami.protocol.text import Text
from oligami.trial.state import Subject, Trial
from oligami.web.ledger.rows import death_forms, status_of
from oligami.web.worklist.subjects_views import STATUS_WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A subject's state. registrations: title and date of each that stands. arm: None where there is none, or it is not shown."""

    status: str
    words: Text
    registrations: tuple[tuple[Text, date], ...]
    randomized: date | None
    arm: Text | None


def standing_of(trial: Trial, subject: Subject, *, show_arm: bool) -> Standing:
    """Return how a subject stands.

    Args:
        trial: whose protocol names stages and arms.
        subject: as it stands.
        show_arm: whether the arm is told.
    """
    protocol = trial.protocol
    allocation = subject.allocation
    arm = None
    if allocation is not None and show_arm:
        arm = protocol.arm(allocation.arm).short_title
    status = status_of(subject, death_forms(trial))
    return Standing(
        status=status,
        words=STATUS_WORDS[status],
        registrations=tuple(
            (stage.title, subject.stages[stage.id].registration_date)
            for stage in protocol.eligibility.stage
            if subject.is_registered(stage.id)
        ),
        randomized=None if allocation is None else allocation.randomization_date,
        arm=arm,
    )
