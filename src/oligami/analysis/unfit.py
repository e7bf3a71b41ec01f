"""What was asked cannot be computed: a sentence in both languages, fit to show."""

from oligami.protocol.text import Text


class Unfit(ValueError):
    """The question does not fit the design or the data; `text` says what was found and what it may be."""

    def __init__(self, en: str, ja: str):
        self.text = Text(en, ja)
        super().__init__(en)
