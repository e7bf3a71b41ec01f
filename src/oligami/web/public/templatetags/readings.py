"""`{% read text readings %}`: a sentence, with furigana beside the difficult words where they are asked for."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from oligami.protocol.text import Text
from oligami.registry.readings import with_readings

register = template.Library()


@register.simple_tag(takes_context=True)
def read(context: template.Context, text: Text) -> SafeString | str:
    """Say a text in the page's language, with readings if the page has them."""
    if context.get("lang") == "en":
        return text.en
    if not context.get("readings"):
        return text.ja
    runs = (
        (format_html("<ruby>{}<rp>（</rp><rt>{}</rt><rp>）</rp></ruby>", run, reading) if reading else run,)
        for run, reading in with_readings(text.ja)
    )
    return format_html_join("", "{}", runs)
