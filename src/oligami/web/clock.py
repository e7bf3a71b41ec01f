"""The server's instant: the one place of the web that asks a clock.

A rehearsal on a simulated trial may begin at another instant, that at which its simulated part ends, and goes on from there.
"""

import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.conf import settings

_STARTED = time.monotonic()


def now() -> datetime:
    """Return the instant in UTC."""
    begins: datetime | None = settings.OLIGAMI_REHEARSAL_AT
    if begins is None:
        return datetime.now(UTC)
    return begins.astimezone(UTC) + timedelta(seconds=time.monotonic() - _STARTED)


def local_zone() -> tzinfo:
    """Return the time zone that people here live by (setting OLIGAMI_TIME_ZONE)."""
    return ZoneInfo(settings.OLIGAMI_TIME_ZONE)


def today() -> date:
    """Return the date by the hospitals' clocks."""
    return now().astimezone(local_zone()).date()
