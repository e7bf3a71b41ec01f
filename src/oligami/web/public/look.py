"""How the pages of the public record are made: one frame, the language and colours of the visitor, and nothing else of his."""

import unicodedata
from datetime import date
from typing import Any, Final

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.http import urlencode

from oligami.protocol.text import Language, Text
from oligami.registry.versions import Course
from oligami.web.pages.language import SCHEMES, chosen, language_of


def scheme_of(request: HttpRequest) -> str:
    """Return the colours that the visitor chose, empty if he leaves them to his machine."""
    said = chosen(request, "scheme")
    return said if said in SCHEMES else ""


def render(request: HttpRequest, template: str, context: dict[str, Any]) -> str:
    """Return a page as text. The request itself stays outside: what is kept must not depend on it."""
    language = language_of(request)
    other: Language = "en" if language == "ja" else "ja"
    kept = [(key, value) for key, value in request.GET.items() if key != "lang"]
    frame = {
        "lang": language,
        "other_lang": other,
        "scheme": scheme_of(request),
        "switch": "?" + urlencode([*kept, ("lang", other)]),
    }
    return render_to_string(template, {**frame, **context})


def key_of(request: HttpRequest, course: Course, *what: object) -> tuple[object, ...]:
    """Return what a kept page depends on."""
    seal = course.record.seal if course.record is not None else ""
    return (course.trial, seal, course.seq, language_of(request), scheme_of(request), *what)


_NO_DAY: Final = Text(
    "The date cannot be read. Write it like 2024-04-01 or 20240401.",
    "日付を読み取れません。2024-04-01 または 20240401 のように入力してください。",
)


def read_day(words: str) -> date | Text:
    """Return the date that a visitor wrote, or the sentence that says what is wrong with it."""
    digits = unicodedata.normalize("NFKC", words).strip().replace("/", "-").replace(".", "-")
    if len(digits) == 8 and digits.isascii() and digits.isdigit():
        digits = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    try:
        return date.fromisoformat(digits)
    except ValueError:
        return _NO_DAY
