"""The pages of the public record, for everybody: the record, its versions, what changed, where the sites are."""

import json
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from oligami.protocol.text import Text
from oligami.registry.differences import Difference, Segment, differences, segments
from oligami.registry.document import record_json
from oligami.registry.fields import sections
from oligami.registry.nearest import PREFECTURES, nearest
from oligami.registry.plain import about_joining, answer, checklists
from oligami.registry.record import PublicRecord
from oligami.registry.versions import Course, Version
from oligami.registry.words import word
from oligami.web.pages.here import Here, public_page
from oligami.web.pages.language import language_of
from oligami.web.public import kept, look
from oligami.web.public.course import course_of


def _standing(trial: str) -> tuple[Course, PublicRecord]:
    course = course_of(trial)
    if course.record is None:
        raise Http404
    return course, course.record


def show_record(request: HttpRequest, trial: str) -> HttpResponse:
    """Answer with the record of a trial; with readings beside the difficult words if the address asks for them."""
    course, now = _standing(trial)
    readings = language_of(request) == "ja" and request.GET.get("furigana") == "1"

    def make() -> str:
        return look.render(
            request,
            "public/record.html",
            {
                **_about(course, now),
                "answer": answer(now),
                "joining": about_joining(now),
                "checklists": checklists(now),
                "readings": readings,
                "sites": nearest(now, None),
                "prefectures": PREFECTURES,
            },
        )

    # The way to the other language repeats the address, so only the addresses known beforehand are kept.
    furigana = request.GET.get("furigana", "")
    if request.GET.keys() - {"lang", "furigana"} or furigana not in ("", "1"):
        return kept.send(request, make())
    return kept.answer(request, look.key_of(request, course, "record", furigana), make)


def _about(course: Course, now: PublicRecord) -> dict[str, object]:
    """Return what the pages that print a record have in common."""
    return {
        "trial_id": course.trial,
        "course": course,
        "record": now,
        "status": word(now.status),
        "updated": course.versions[-1].day,
        "sections": sections(now),
        "digest": record_json(now)["digest"],
        "simulated": now.simulated,
    }


@require_safe
@public_page
def record(request: HttpRequest, here: Here) -> HttpResponse:
    """Show the public record as it stands."""
    return show_record(request, here.trial_id)


@require_safe
@public_page
def record_document(request: HttpRequest, here: Here) -> HttpResponse:
    """Give the public record to machines."""
    course, now = _standing(here.trial_id)
    return kept.answer(request, look.key_of(request, course, "json"), lambda: _json(now), content_type=kept.JSON)


@require_safe
@public_page
def version_document(request: HttpRequest, here: Here, number: int) -> HttpResponse:
    """Give a version of the public record to machines."""
    course, _ = _standing(here.trial_id)
    shown = _version(course, number)
    return kept.answer(request, look.key_of(request, course, "json", number), lambda: _json(shown.record), content_type=kept.JSON)


def _json(shown: PublicRecord) -> str:
    return json.dumps(record_json(shown), ensure_ascii=False, indent=1) + "\n"


def _version(course: Course, number: int) -> Version:
    if not 1 <= number <= len(course.versions):
        raise Http404
    return course.versions[number - 1]


_NO_PREFECTURE: Final = Text("Choose a prefecture from the list.", "都道府県を一覧から選んでください。")


@require_safe
@public_page
def locations(request: HttpRequest, here: Here) -> HttpResponse:
    """List the sites, nearest to a prefecture first if one is asked for."""
    course, now = _standing(here.trial_id)
    asked = request.GET.get("prefecture", "")
    known = asked in PREFECTURES
    context = {
        "trial_id": course.trial,
        "record": now,
        "simulated": now.simulated,
        "prefectures": PREFECTURES,
        "asked": asked if known else "",
        "asked_name": PREFECTURES[asked][language_of(request)] if known else "",
        "sites": nearest(now, asked if known else None),
        "problem": _NO_PREFECTURE if asked and not known else None,
    }
    page = look.render(request, "public/locations.html", context)
    return kept.send(request, page, status=400 if context["problem"] else 200)


@require_safe
@public_page
def versions(request: HttpRequest, here: Here) -> HttpResponse:
    """List the versions of the record, newest first."""
    course, now = _standing(here.trial_id)

    def make() -> str:
        context = {"trial_id": course.trial, "course": course, "simulated": now.simulated, "newest_first": course.versions[::-1]}
        return look.render(request, "public/versions.html", context)

    if request.GET.keys() - {"lang"}:
        return kept.send(request, make())
    return kept.answer(request, look.key_of(request, course, "versions"), make)


@require_safe
@public_page
def version(request: HttpRequest, here: Here, number: int) -> HttpResponse:
    """Show the record as a version had it."""
    course, _ = _standing(here.trial_id)
    shown = _version(course, number)

    def make() -> str:
        return look.render(request, "public/version.html", {**_about(course, shown.record), "version": shown})

    if request.GET.keys() - {"lang"}:
        return kept.send(request, make())
    return kept.answer(request, look.key_of(request, course, "version", number), make)


@require_safe
@public_page
def compare(request: HttpRequest, here: Here, a: int, b: int) -> HttpResponse:
    """Show what differs between two versions, field by field."""
    course, now = _standing(here.trial_id)
    before, after = _version(course, a), _version(course, b)

    def make() -> str:
        context = {
            "trial_id": course.trial,
            "course": course,
            "simulated": now.simulated,
            "before": before,
            "after": after,
            "rows": _rows(request, before.record, after.record),
        }
        return look.render(request, "public/compare.html", context)

    if request.GET.keys() - {"lang"}:
        return kept.send(request, make())
    return kept.answer(request, look.key_of(request, course, "compare", a, b), make)


def _rows(request: HttpRequest, before: PublicRecord, after: PublicRecord) -> list[tuple[Difference, tuple[Segment, ...]]]:
    language = language_of(request)
    return [(each, segments(each, language)) for each in differences(before, after)]


@require_safe
@public_page
def choose(request: HttpRequest, here: Here) -> HttpResponse:
    """Lead from the form with two versions to their comparison."""
    course, _ = _standing(here.trial_id)
    numbers = [request.GET.get(name, "") for name in ("a", "b")]
    if not all(number.isascii() and number.isdigit() and len(number) < 7 for number in numbers):
        raise Http404
    a, b = (_version(course, int(number)).number for number in numbers)
    return HttpResponseRedirect(reverse("record_compare", args=[course.trial, a, b]))


_AHEAD: Final = Text("The date lies ahead. Write the date of your consent.", "未来の日付です。同意した日を入力してください。")


@require_safe
@public_page
def since(request: HttpRequest, here: Here) -> HttpResponse:
    """Show what changed since a date, such as that of one's consent."""
    course, now = _standing(here.trial_id)
    words = request.GET.get("date", "")
    read = look.read_day(words) if words else None
    problem = read if isinstance(read, Text) else None
    day = None if isinstance(read, Text) else read
    if day is not None and day > max(here.today, now.day):
        problem, day = _AHEAD, None
    then = None if day is None else course.on(day)
    context = {
        "trial_id": course.trial,
        "course": course,
        "simulated": now.simulated,
        "words": words if problem else (day.isoformat() if day else ""),
        "day": day,
        "problem": problem,
        "then": then,
        "first": course.versions[0],
        "newer": [each for each in course.versions if then is not None and each.number > then.number],
        "rows": [] if then is None else _rows(request, then.record, now),
    }
    page = look.render(request, "public/since.html", context)
    return kept.send(request, page, status=400 if problem else 200)
