"""From a request of a program to the desk, and back: the same rights, the same refusals as on a page."""

from typing import Any

from django.contrib.auth.hashers import check_password
from django.http import Http404, HttpRequest

from oligami.journal import entries as e
from oligami.journal.entries import SiteId
from oligami.journal.record import Channel
from oligami.protocol.text import Reason, Text
from oligami.trial import rights
from oligami.trial.commands import Command
from oligami.trial.desk import Receipt
from oligami.trial.refused import Refused
from oligami.trial.state import Subject
from oligami.web.accounts import access, throttle
from oligami.web.api.models import Token
from oligami.web.api.schemas import Written
from oligami.web.centre.checks import check
from oligami.web.pages.here import Forbidden, Here, here_of

_SIGNATURE = Text("Signature", "署名")
_AGAIN = Reason(
    "signature.password",
    Text(
        "A signature asks for the person's own password, entered for this act: give it as `password`",
        "署名には本人がその都度入力するパスワードが必要です（`password` に指定）",
    ),
)

_NOT_YOURS = Reason(
    "command.taken",
    Text(
        "This command id has been used; make a new one by chance", "このコマンド番号は使用済みです。新しい番号を作成してください"
    ),
)

_WHOLE = Reason(
    "rights.token_whole",
    Text("A token for one site does nothing for the trial as a whole", "1 施設用のトークンでは試験全体に関わる操作はできません"),
)


def here(request: HttpRequest, trial: str) -> Here:
    """Return the place of a program's request.

    Raises:
        Http404: there is no such trial, or the token is for another.
    """
    token: Token | None = getattr(request, "token", None)
    if token is not None and token.trial != trial:
        raise Http404
    return here_of(request, trial, only_site=token.site if token is not None else None)


def confirm(request: HttpRequest, password: str) -> None:
    """Let a signature pass if the person's password was given with it; a token alone signs nothing.

    Raises:
        Forbidden: it was not, it is not the password, or there were too many tries.
    """
    account = request.user
    key = f"confirm:{account.pk}"
    if not password or throttle.spend(key) != "open" or not check_password(password, account.password):
        access.record(request, "confirm_failed", what="signing by API")
        raise Forbidden(_SIGNATURE, (_AGAIN,))
    throttle.forgive(key)


def about(place: Here, command: Command) -> None:
    """Answer 404 for a subject that the person neither sees nor may act on; unknown and foreign alike.

    Raises:
        Http404: there is none, or it is another site's.
        Forbidden: the person has to do with no subject at all.
    """
    number = getattr(command, "subject", None)
    if number is None:
        return
    known, act = place.trial.subjects.get(number), rights.act_of(command, place.trial)
    # Who leads the trial grades deviations of subjects that he does not see.
    if known is None or not (place.permit("see_subject", known.site) or place.permit(act, known.site)):
        if place.sites("see_subject") == frozenset() == place.sites(act):
            place.demand(act)
        raise Http404


def write(place: Here, command: Command, *, command_id: str, seen: int | None = None, caller: str | None = None) -> Written:
    """Carry out a command and return its receipt, with what the person may be told of it.

    Raises:
        Refused: it cannot be done now, or somebody else's command has this id.
    """
    _of_the_site(place, command)
    place.demand(
        rights.act_of(command, place.trial), rights.site_of(command, place.trial)
    )  # before what is only told to those who may
    check(command, place)
    channel: Channel = "web" if caller is None else "telephone"
    receipt = place.submit(command, command_id=command_id, seen=seen, channel=channel, caller=caller)
    if receipt.repeated and any(record.stamp.author != place.person for record in receipt.records):
        # Ids stand in the chain that every site may take away: whoever repeats one must not be told another's answer.
        raise Refused(rights.name_of(command, place.trial), (_NOT_YOURS,))
    return Written.of(receipt, shown=_told(receipt, place))


def _of_the_site(place: Here, command: Command) -> None:
    """Refuse acts of the trial as a whole to a token for one site.

    Raises:
        Forbidden: the command concerns no site, or all.
    """
    whole = rights.site_of(command, place.trial) is None and not isinstance(command, e.ExportMade)
    if place.only_site is not None and whole:
        raise Forbidden(rights.name_of(command, place.trial), (_WHOLE,))


def _told(receipt: Receipt, place: Here) -> dict[str, dict[str, Any]]:
    """Return what the entries say to this person: never a tally, a probability or a draw."""
    told: dict[str, dict[str, Any]] = {}
    for entry in receipt.entries:
        match entry:
            case e.Registered():
                told["Registered"] = {"subject": entry.subject, "stage": entry.stage, "evidence": list(entry.evidence)}
            case e.RegistrationRefused():
                told["RegistrationRefused"] = {"verdict": entry.verdict, "evidence": list(entry.evidence)}
            case e.Randomized():
                subject = place.trial.subjects[entry.subject]
                if place.permit("see_own_arm", subject.site):
                    told["Randomized"] = {"subject": entry.subject, "stage": entry.stage, "arm": entry.arm}
            case e.FormSubmitted():
                told["FormSubmitted"] = {"subject": entry.subject, "form": entry.form, "occurrence": entry.occurrence}
            case _:
                pass
    return told


def arm_of(place: Here, subject: Subject, site: SiteId) -> str | None:
    """Return a subject's arm to those who may see it."""
    allocation = subject.allocation
    return allocation.arm if allocation is not None and place.permit("see_own_arm", site) else None
