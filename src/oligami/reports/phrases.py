"""What is printed: numbers with their full value behind them, and sentences in both languages made of numbers and words.

A number is rounded for the eye only: the page keeps the value itself in `<data value="...">`, the same as in JSON and CSV.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from oligami.protocol.text import LANGUAGES, Language, Text

Scalar = str | int | float | bool | None

DASH = "–"


@dataclass(frozen=True, slots=True)
class Number:
    """A number and how it is shown. value None: not defined, shown as a dash unless said otherwise."""

    value: int | float | None
    shown: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """A wording in both languages with named gaps, filled with numbers, texts or other phrases."""

    text: Text
    gaps: "Mapping[str, Filling]" = field(default_factory=dict)


Filling = Number | Text | str | Phrase


def phrase(en: str, ja: str, **gaps: Filling) -> Phrase:
    """Make a phrase; gaps are written `{name}` in both wordings."""
    return Phrase(Text(en, ja), gaps)


def plain(words: Filling, language: Language) -> str:
    """Write words without markup."""
    match words:
        case str():
            return words
        case Number(shown=shown):
            return shown
        case Text():
            return words[language]
        case Phrase(text=text, gaps=gaps):
            wording = _typeset(text[language])
            if not gaps:
                return wording
            return wording.format(**{name: plain(filling, language) for name, filling in gaps.items()})


def in_both(words: Filling) -> Text:
    """Write words without markup in both languages."""
    return Text(en=plain(words, "en"), ja=plain(words, "ja"))


def marked(words: Filling, language: Language) -> str:
    """Write words as HTML in one language; numbers keep their value."""
    match words:
        case str():
            return escape(words)
        case Number(value=None, shown=shown):
            return escape(shown)
        case Number(value=value, shown=shown):
            return f'<data value="{value!r}">{escape(shown)}</data>'
        case Text():
            return escape(words[language])
        case Phrase(text=text, gaps=gaps):
            wording = _typeset(escape(text[language], quote=False))
            if not gaps:
                return wording
            return wording.format(**{name: marked(filling, language) for name, filling in gaps.items()})


def bilingual(words: Filling, *, tag: str = "span") -> str:
    """Write words as HTML in both languages, one of which the page shows; only once where they are the same."""
    both = {language: marked(words, language) for language in LANGUAGES}
    if both["en"] == both["ja"]:
        return both["en"] if tag == "span" else f"<{tag}>{both['en']}</{tag}>"
    return "".join(f'<{tag} class="{language}" lang="{language}">{both[language]}</{tag}>' for language in LANGUAGES)


def whole(value: int | None) -> Number:
    """Show a count."""
    return Number(value, DASH if value is None else f"{value:,}")


def decimal(value: float | None, digits: int) -> Number:
    """Show a number with fixed digits, with a true minus sign."""
    if value is None:
        return Number(None, DASH)
    return Number(value, _minus(f"{value:.{digits}f}"))


def signed(value: float | None, digits: int, *, factor: float = 1.0) -> Number:
    """Show a difference with its sign."""
    if value is None:
        return Number(None, DASH)
    return Number(value, _minus(f"{value * factor:+.{digits}f}"))


def percent(share: float | None, digits: int = 1) -> Number:
    """Show a share of 1 in percent, without the sign."""
    return Number(None, DASH) if share is None else Number(share, _minus(f"{100 * share:.{digits}f}"))


def in_units(value: float | None, unit: float, digits: int = 1) -> Number:
    """Show a value divided by a unit: days as months or years."""
    return Number(None, DASH) if value is None else Number(value, f"{value / unit:.{digits}f}")


def ratio(value: float | None) -> Number:
    """Show a hazard ratio with two decimals; far from 1 with as many as tell something."""
    if value is None:
        return Number(None, DASH)
    if value >= 1000 or 0 < value < 0.001:
        return Number(value, ">999" if value >= 1000 else "<0.001")
    return Number(value, f"{value:.3f}" if value < 0.095 else f"{value:.2f}" if value < 10 else f"{value:.1f}")


def p_value(value: float | None) -> Number:
    """Show a p value with four decimals, small ones as less than 0.0001."""
    if value is None:
        return Number(None, DASH)
    return Number(value, "<0.0001" if value < 0.0001 else f"{value:.4f}")


def _typeset(wording: str) -> str:
    """Keep signs with their numbers at the end of a line."""
    for loose in (" %", "% CI", "n = {", "p {", " Gy"):
        wording = wording.replace(loose, loose.replace(" ", "\u00a0"))
    return wording


def _minus(shown: str) -> str:
    # "-0.0" says nothing that "0.0" does not.
    negative_zero = shown.startswith("-") and not shown.strip("-0.")
    return shown[1:] if negative_zero else shown.replace("-", "−")
