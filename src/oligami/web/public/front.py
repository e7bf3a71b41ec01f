"""The first page: the public record of the only trial, or the list of trials to search in."""

import unicodedata

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from oligami.registry.fields import every_field
from oligami.registry.plain import answer
from oligami.registry.record import PublicRecord
from oligami.registry.words import word
from oligami.web.pages.here import trials
from oligami.web.public import kept, look
from oligami.web.public.course import course_of
from oligami.web.public.views import show_record


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Show the public record of the only trial, or the list of trials."""
    records = [course.record for course in map(course_of, trials()) if course.record is not None]
    if len(records) == 1:
        return show_record(request, records[0].trial)
    words = request.GET.get("q", "")[:200]
    found = [each for each in records if _speaks_of(each, words)]
    rows = [(each, word(each.status), answer(each)) for each in found]
    page = look.render(
        request,
        "public/list.html",
        {"rows": rows, "words": words, "count": len(records), "simulated": any(r.simulated for r in records)},
    )
    return kept.send(request, page)


def _speaks_of(record: PublicRecord, words: str) -> bool:
    """Say whether every word that is searched for stands in the record, in either language."""
    wanted = _folded(words).split()
    if not wanted:
        return True
    text = _folded("\n".join(f"{field.value.en}\n{field.value.ja}" for _, _, field in every_field(record)))
    return all(each in text for each in wanted)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
