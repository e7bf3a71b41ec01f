"""The notice of a registration by e-mail to the site and the data centre: trial and subject number, nothing that names or favours.

The registration is committed before; a mail that cannot be sent undoes nothing and is logged. Mails go out from a thread of their
own, so that nobody waits for a mail server.
"""

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from django.core.mail import EmailMessage, get_connection

from oligami.trial.rights import ACTS
from oligami.trial.state import Trial
from oligami.web.accounts.models import Account
from oligami.web.registration.receipt import RegistrationReceipt

_log = logging.getLogger("oligami.web")
_post = ThreadPoolExecutor(max_workers=1, thread_name_prefix="oligami-mail")


def send_notice(receipt: RegistrationReceipt, trial: Trial, *, address: str) -> Future[int] | None:
    """Send the notice to everybody concerned who has an address; return when it went out, None if nobody has.

    Args:
        receipt: of the registration.
        trial: the trial as it stands, for who holds which role.
        address: of the confirmation page, for those who may open it.
    """
    act = ACTS["register_first"]
    persons = {
        person
        for person, role, site in trial.study.roles
        if role in act.on_behalf or (role in act.roles and site == receipt.site)
    }
    to = sorted(
        Account.objects.filter(person__in=persons, is_active=True).exclude(email="").values_list("email", flat=True).distinct()
    )
    if not to:
        return None
    trial_id = receipt.trial.upper()
    body = (
        f"{receipt.subject} の{receipt.title.ja}が記録されました（試験 {trial_id}、記録 {receipt.record.number}）。\n"
        f"{receipt.title.en} of {receipt.subject} was recorded (trial {trial_id}, record {receipt.record.number}).\n\n"
        f"{address}\n\n"
        f"受領 / Receipt: {receipt.last.name}\n"
    )
    # Blind copies: the data centre's addresses are no business of a site's, nor a site's of another's.
    message = EmailMessage(subject=f"[{trial_id}] {receipt.subject} {receipt.title.ja} / {receipt.title.en}", body=body, bcc=to)
    return _post.submit(_send, message)


def _send(message: EmailMessage) -> int:
    try:
        return get_connection().send_messages([message]) or 0
    except Exception as error:  # whatever a mail server does, the registration stands
        _log.error("mail not sent: notice of a registration, %s", type(error).__name__)
        return 0
