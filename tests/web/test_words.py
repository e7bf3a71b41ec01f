"""Every sentence of every page stands in both languages, side by side."""

import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "src" / "oligami" / "web"
TEMPLATES = sorted(WEB.glob("**/templates/**/*.html"))
#: Names and signs that are the same in both languages, and the two words of the language switch.
SAME = {
    "km",
    "OLIGAMI",
    "CSV",
    "JSON",
    "UTC",
    "PDF",
    "TXT",
    "ICS",
    "ID",
    "QR",
    "English",
    "日本語",
    "Gy",
    "mm",
    "BED",
    "EQD",
    "csv",
    "json",
    "txt",
    "ics",
    "openapi",
    "JST",
    "XML",
}
_TAG = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)
_STRING = r'"[^"]*"|\'[^\']*\''
_SAID = re.compile(rf"{{%\s*t\s+({_STRING})\s+({_STRING})")
_ONE = re.compile(rf"{{%\s*t\s+({_STRING})\s*(?:\w+=|%}}|as\s)")
#: How a date of the Japanese calendar is typed, shown as an example in English too.
_ERA = re.compile(r"[明大昭平令][治正和成]\d+年\d+月\d+日")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def _visible(source: str) -> str:
    """Return what a reader would see of a template that does not come from a tag."""
    source = re.sub(r"{%\s*comment.*?endcomment\s*%}", " ", source, flags=re.DOTALL)
    source = re.sub(
        r"<kbd[^>]*>.*?</kbd>|<code[^>]*>.*?</code>|<!--.*?-->|<(script|style)\b.*?</\1>", " ", source, flags=re.DOTALL
    )
    # What only the Japanese page has (readings of characters, the English original) needs no English twin.
    source = re.sub(r'{% if lang == "ja"[^%]*%}.*?{% (endif|else|elif)', " ", source, flags=re.DOTALL)
    # A tag may stand inside an attribute: the inner one goes first.
    source = _TAG.sub(" ", source)
    return re.sub(r"<[^>]*>|&\w+;", " ", source)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(WEB)))
def test_no_sentence_stands_in_one_language_alone(path: Path) -> None:
    """Text of a page outside `{% t %}` is a name or a sign that both languages share."""
    words = set(re.findall(r"[A-Za-z\u3040-\u30ff\u4e00-\u9fff]{2,}", _visible(path.read_text(encoding="utf-8"))))
    assert words - SAME == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(WEB)))
def test_each_pair_is_english_and_japanese(path: Path) -> None:
    """In `{% t %}` the first wording has no Japanese, the second has, and none is missing."""
    source = path.read_text(encoding="utf-8")
    for en, ja in _SAID.findall(source):
        assert not _JAPANESE.search(_ERA.sub("", en)), en
        assert _JAPANESE.search(ja) or not re.search(r"[a-z]{3}", re.sub(r"{\w*}", "", ja)), ja
    assert [found for found in _ONE.findall(source) if re.search(r"[A-Za-z]{3}", found)] == []
