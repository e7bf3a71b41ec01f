"""`{% t "English" "日本語" %}`: both wordings side by side where they are used, so that none can be forgotten."""

from datetime import date, datetime
from typing import Any

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from oligami.protocol.text import Language, Text
from oligami.trial.schedule import visit_titles
from oligami.web.clock import local_zone

register = template.Library()


def _language(context: template.Context) -> Language:
    return "en" if context.get("lang") == "en" else "ja"


@register.simple_tag(takes_context=True)
def t(context: template.Context, en: Text | str, ja: str | None = None, **values: Any) -> SafeString | str:
    """Say a `Text`, or the wording of the page's language; `{name}` in it takes the named values, escaped."""
    wording = en[_language(context)] if isinstance(en, Text) else str(en if ja is None or _language(context) == "en" else ja)
    if not values:
        return wording if isinstance(en, Text) else mark_safe(wording)  # the template's own words
    escaped = {name: conditional_escape(value) for name, value in values.items()}
    # The wording of a template is ours; that of a protocol is escaped like any value.
    pattern = conditional_escape(wording) if isinstance(en, Text) else wording
    return mark_safe(pattern.format(**escaped))  # every value was escaped


@register.simple_tag
def both_times(instant: datetime | None) -> SafeString | str:
    """Say an instant by the local clock and in UTC."""
    if instant is None:
        return ""
    local = instant.astimezone(local_zone())
    iso = instant.strftime("%Y-%m-%dT%H:%M:%SZ")
    return mark_safe(
        f'<time datetime="{iso}">{local:%Y-%m-%d %H:%M} <span class="muted">({instant:%Y-%m-%d %H:%M} UTC)</span></time>'
    )  # digits only


@register.simple_tag
def local_time(instant: datetime | None) -> SafeString | str:
    """Say an instant by the local clock, to the minute."""
    if instant is None:
        return ""
    iso = instant.strftime("%Y-%m-%dT%H:%M:%SZ")
    return mark_safe(f'<time datetime="{iso}">{instant.astimezone(local_zone()):%Y-%m-%d %H:%M}</time>')  # digits only


@register.filter
def day(value: date | None) -> str:
    """Write a date as ISO 8601, and nothing for none."""
    return value.isoformat() if value else ""


_VISITS: dict[str, dict[str, Text]] = {}


@register.simple_tag(takes_context=True)
def visit_title(context: template.Context, visit: str | None) -> str:
    """Say a visit as people call it; its name where the protocol in force does not know it."""
    here = context.get("here")
    if not visit or here is None:
        return visit or ""
    protocol = here.trial.protocol
    titles = _VISITS.get(protocol.digest)
    if titles is None:
        titles = _VISITS[protocol.digest] = visit_titles(protocol.schedule)
    title = titles.get(visit)
    return visit if title is None else title[_language(context)]
