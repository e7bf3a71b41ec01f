"""The one way a command is turned down: with every reason, fit to show to a doctor at night."""

from collections.abc import Sequence

from oligami.protocol.text import Language, Reason, Text


class Refused(Exception):
    """A command cannot be carried out now. The reasons are complete and fit to show."""

    def __init__(self, what: Text, reasons: Sequence[Reason]) -> None:
        """Hold what was asked for and every reason against it."""
        self.what = what
        self.reasons = tuple(reasons)
        super().__init__(self.text("en"))

    def text(self, language: Language) -> str:
        """Return the refusal as lines: what was refused, then one reason a line with its rule."""
        refused = {"en": f"{self.what.en} refused:", "ja": f"{self.what.ja}はできません:"}[language]
        return "\n".join([refused, *(f"- {reason.text[language]} [{reason.rule}]" for reason in self.reasons)])
