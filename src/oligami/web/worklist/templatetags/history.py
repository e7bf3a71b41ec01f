"""`{{ person|named:names }}` and `{% channel word channels %}`: who and from where, in words."""

from collections.abc import Mapping

from django import template

from oligami.protocol.text import Text

register = template.Library()


@register.filter
def named(person: str, names: Mapping[str, str]) -> str:
    """Return the name shown of a person; who has no account here is told by the id."""
    return names.get(person, person)


@register.simple_tag(takes_context=True)
def channel(context: template.Context, word: str, channels: Mapping[str, Text]) -> str:
    """Name the way by which a record came."""
    words = channels.get(word, Text(word, word))
    return words["en" if context.get("lang") == "en" else "ja"]
