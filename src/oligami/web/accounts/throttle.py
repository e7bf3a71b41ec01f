"""The guard against guessing: so many tries at one account's password or codes, then none for a while.

A try is counted *before* it is judged, in a transaction of its own: a hundred guesses at once get no more answers than the same
guesses one after another, from however many addresses they come. What happens at the limit is the same for names that have
no account.
"""

import time

from django.conf import settings
from django.db import transaction

from oligami.web.accounts.models import Attempts


def spend(key: str) -> str:
    """Count a try: `open`; `locking`: one too many, this is the moment to record it; `locked`: it was so already.

    Unless it is `open`, what was sent must not be looked at.

    Args:
        key: whose tries at what: `login:17`, `confirm:17`.
    """
    now = _now()
    with transaction.atomic():
        Attempts.objects.get_or_create(key=key, defaults={"since": now})
        row = Attempts.objects.select_for_update().get(key=key)
        if row.until > now:
            return "locked"
        if row.until or now - row.since > settings.OLIGAMI_LOCKOUT_S:
            row.failures, row.since, row.until = 0, now, 0
        row.failures += 1
        locking = row.failures > settings.OLIGAMI_LOCKOUT_FAILURES
        if locking:
            row.until = now + settings.OLIGAMI_LOCKOUT_S
        row.save()
    return "locking" if locking else "open"


def forgive(key: str) -> None:
    """Forget the tries of someone who has shown who he is."""
    Attempts.objects.filter(key=key).delete()


def is_locked(key: str) -> bool:
    """Say whether tries are refused now, without counting one."""
    row = Attempts.objects.filter(key=key).first()
    return row is not None and row.until > _now()


def _now() -> float:
    # The machine's clock, not `web.clock`: a rehearsal's instant differs between processes and goes back on a restart.
    return time.time()
