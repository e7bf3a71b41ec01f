"""A sentence in the trial's two languages."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = ("ja", "en")


@dataclass(frozen=True, slots=True)
class Text:
    """What a person reads, in English and in Japanese."""

    en: str
    ja: str

    def __getitem__(self, language: Language) -> str:
        """Return the wording in one language."""
        return self.ja if language == "ja" else self.en

    def format(self, **values: object) -> "Text":
        """Fill the same named values into both wordings."""
        return Text(self.en.format(**values), self.ja.format(**values))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something may not be, or what a decision rests on: the rule and a sentence fit to show."""

    rule: str
    text: Text
