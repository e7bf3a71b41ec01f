"""Sentences of forms and messages that Django asks for as strings, in the language of the page."""

from django.utils.functional import lazy
from django.utils.translation import get_language

from oligami.protocol.text import Language, Text


def spoken() -> Language:
    """Return the language of the page that is being made."""
    return "en" if (get_language() or "").startswith("en") else "ja"


def _choose(text: Text) -> str:
    return text[spoken()]


_lazy = lazy(_choose, str)


def said(en: str, ja: str) -> str:
    """Return a string that is chosen when it is shown."""
    return _lazy(Text(en, ja))
