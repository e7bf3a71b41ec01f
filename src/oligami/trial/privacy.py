"""Free text that seems to name somebody: looked at before it is stored, for a journal keeps what it is told.

A warning, never a bar: a long number may be a lot number, and a doctor may be called by name. What did get in can be removed
afterwards (`RedactBody`). The text itself is never part of a reason, so that reasons may be logged.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from oligami.protocol.text import Reason, Text

_Sign: TypeAlias = tuple[str, re.Pattern[str], Text]

#: Words in front of 様, さん or 氏 that name no one.
_NO_ONE = frozenset(
    (
        *(
            "患者",
            "患者さん",
            "被験者",
            "症例",
            "本人",
            "ご本人",
            "家族",
            "ご家族",
            "奥",
            "旦那",
            "お子",
            "お母",
            "お父",
            "息子",
            "娘",
            "皆",
            "各位",
            "先方",
            "同",
        ),
        *(
            "医師",
            "先生",
            "看護師",
            "薬剤師",
            "担当者",
            "研究者",
            "紹介元",
            "他",
            "王",
            "神",
            "模",
            "同",
            "多",
            "異",
            "一",
            "別",
            "何",
            "誰",
            "どなた",
            "たく",
            "仕",
        ),
    )
)
_SIGNS: tuple[_Sign, ...] = (
    (
        "privacy.email",
        re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+", re.ASCII),
        Text("It seems to hold an e-mail address", "メールアドレスが含まれているようです"),
    ),
    (
        "privacy.telephone",
        re.compile(r"(?<![\d.])(?:\+81[-\s]?|0)\d{1,4}[-\s(]{1,2}\d{1,4}[-\s)]{1,2}\d{3,4}(?!\d)|(?<![\d.])0[5789]0\d{8}(?!\d)"),
        Text("It seems to hold a telephone number", "電話番号が含まれているようです"),
    ),
    (
        "privacy.chart_number",
        re.compile(
            r"(?:カルテ|診察券|患者|登録外|ID|MRN|chart)\s*(?:番号|No\.?|number|#|ID)?\s*[:：]?\s*[A-Z]{0,3}-?\d{4,}|(?<![\d.,-])\d{6,}(?![\d.,-])",
            re.IGNORECASE,
        ),
        Text("It seems to hold a chart number (a long number)", "カルテ番号（長い数字）が含まれているようです"),
    ),
    (
        "privacy.birth_date",
        re.compile(
            r"(?:生年月日|誕生日|生まれ|\bborn\b|date of birth|\bDOB\b)"
            r"|(?<!\d)(?:19[0-9]{2}|20[01][0-9])\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日\s*生"
            r"|(?:明治|大正|昭和|平成|[MTSH])\s*\d{1,2}\s*[年./]\s*\d{1,2}\s*[月./]\s*\d{1,2}",
            re.IGNORECASE,
        ),
        Text("It seems to hold a birth date", "生年月日が含まれているようです"),
    ),
    (
        "privacy.address",
        re.compile(r"〒\s*\d{3}-?\d{4}|[都道府県][^\s、。]{1,8}[市区町村郡][^\s、。]{0,12}\d+(?:丁目|番|-\d+)"),
        Text("It seems to hold a postal address", "住所が含まれているようです"),
    ),
)
_CALLED = re.compile(r"([一-龯々ァ-ヶー]{1,6}|[ぁ-ん]{2,6})\s?(?:様|さん|さま|ちゃん|くん|氏)(?![子式相々名])")
_TITLED = re.compile(r"\b(?:Mr|Mrs|Ms|Miss)\.?\s+[A-Z][A-Za-z'-]+")
_NAMED = re.compile(r"(?:患者名|氏名|お名前|name of (?:the )?patient|patient'?s? name)\s*(?:は|[:：]|is)?\s*\S+", re.IGNORECASE)
_NAME = Text("It seems to name a person", "個人名が含まれているようです")


def names_someone(text: str) -> tuple[Reason, ...]:
    """Return why a text seems to name somebody: one reason a kind of sign, none where nothing was found."""
    plain = unicodedata.normalize("NFKC", text)  # wide digits and letters are as telling as narrow ones
    reasons = [Reason(rule, sentence) for rule, pattern, sentence in _SIGNS if pattern.search(plain)]
    if _named(plain):
        reasons.append(Reason("privacy.name", _NAME))
    return tuple(reasons)


def screen(values: Mapping[str, Any], is_free_text: Callable[[str], bool]) -> dict[str, tuple[Reason, ...]]:
    """Return the reasons by item for a form's free texts; items without any are left out.

    Args:
        values: the form's values, rows of list items included.
        is_free_text: says of an item's (or a field's) name whether people write freely into it.
    """
    found: dict[str, tuple[Reason, ...]] = {}
    for name, text in _texts(values):
        reasons = names_someone(text) if is_free_text(name) else ()
        if reasons:
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *reasons)))
    return found


def _named(text: str) -> bool:
    if _TITLED.search(text) or _NAMED.search(text):
        return True
    return any(match[1] not in _NO_ONE for match in _CALLED.finditer(text))


def _texts(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        match value:
            case str():
                yield name, value
            case [*rows]:
                for row in rows:
                    if isinstance(row, Mapping):
                        yield from _texts(row)
