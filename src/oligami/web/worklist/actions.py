"""What can be done with a subject: each act with its address, or with every reason why not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from oligami.data.due import Due
from oligami.protocol.text import Reason, Text
from oligami.trial.commands import Register
from oligami.trial.registration import standing
from oligami.trial.rights import ACTS
from oligami.trial.state import Subject
from oligami.web.pages.here import Here


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An act that can be started from the subject's page. address: None where it cannot be done; then the reasons say why."""

    title: Text
    address: str | None
    reasons: tuple[Reason, ...] = ()


def actions_of(here: Here, subject: Subject, dues: Sequence[Due]) -> tuple[Action, ...]:
    """Return the acts on a subject as a whole, those that are not permitted or not possible with their reasons.

    Args:
        here: who asks.
        subject: as it stands.
        dues: what is due of it: a registration that is not needed any more says why.
    """
    return tuple(_actions(here, subject, dues))


def _actions(here: Here, subject: Subject, dues: Sequence[Due]) -> Iterator[Action]:
    protocol = here.trial.rules_for(subject.site, here.today).protocol
    for stage in protocol.eligibility.stage:
        if stage.follows is None or stage.id in subject.stages:
            continue
        command = Register(stage=stage.id, site=subject.site, subject=subject.id, values={})
        reasons = tuple(standing(command, stage, here.trial, subject))
        over = [due.note for due in dues if due.stage == stage.id and due.state == "not_needed" and due.note is not None]
        reasons += tuple(Reason("stage.over", note) for note in over[:1] if note not in [reason.text for reason in reasons])
        yield _action(here, subject, "register_next", stage.title, "register_next", [stage.id], reasons)
    yield _action(here, subject, "give_consent", None, "consent", [])
    yield _action(here, subject, "withdraw_consent", None, "withdraw", [])
    yield _action(here, subject, "grade_deviation", None, "grade_deviation", [])
    for stage in protocol.eligibility.stage:
        if subject.is_registered(stage.id):
            title = Text(f"Annul: {stage.title.en}", f"{stage.title.ja}の取消")
            yield _action(here, subject, "annul_registration", title, "annul", [stage.id])
    for allocation in subject.allocations:
        if not allocation.in_error:
            yield _action(here, subject, "mark_allocation_in_error", None, "mark_in_error", [str(allocation.k)])


def _action(
    here: Here, subject: Subject, act: str, title: Text | None, name: str, more: list[str], reasons: tuple[Reason, ...] = ()
) -> Action:
    permit = here.permit(act, subject.site)
    against = (*permit.reasons, *reasons)
    address = None
    if permit and not against:
        try:
            address = reverse(name, args=[here.trial_id, subject.id, *more])
        except NoReverseMatch:
            text = Text(
                "This deployment has no page for it; ask the data centre",
                "この環境には画面がありません。データセンターに連絡してください",
            )
            against = (Reason("page.none", text),)
    return Action(title=title or ACTS[act].title, address=address, reasons=against)
