"""Whether the program lives and can serve, for the machine that watches it; it tells nothing else, to whoever asks."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from oligami.journal.codec import JournalError
from oligami.web.journal.models import JournalHead
from oligami.web.journal.store import DatabaseJournal


def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers and every journal's head is its newest record, otherwise 503 and which is not so."""
    checks = {"database": _database_answers(), "journal": False}
    checks["journal"] = checks["database"] and _journals_stand()
    ready = all(checks.values())
    body = {"status": "ok" if ready else "unavailable", "live": True, "ready": ready, "checks": checks}
    answer = JsonResponse(body, status=200 if ready else 503)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _journals_stand() -> bool:
    try:
        for trial in list(JournalHead.objects.values_list("trial", flat=True)):
            DatabaseJournal(trial).head()
    except (DatabaseError, JournalError):
        return False
    return True
