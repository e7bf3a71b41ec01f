"""What every management command shares: the language, and errors that are sentences and not stack traces."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from oligami.journal.codec import JournalError
from oligami.protocol.text import LANGUAGES, Language, Text
from oligami.web.configuration import ConfigurationError


class SpokenCommand(BaseCommand):
    """A command that speaks English or Japanese."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the language and the database."""
        language = os.environ.get("OLIGAMI_LANG")
        default = language if language in LANGUAGES else "en"
        parser.add_argument("--lang", choices=sorted(LANGUAGES), default=default, help="Language of the sentences.")
        parser.add_argument("--database", default="default", help="Alias of the database.")

    def execute(self, *args: Any, **options: Any) -> Any:
        """Carry the command out; what cannot be done is said in the language asked for."""
        language: Language = options["lang"]
        try:
            return super().execute(*args, **options)
        except JournalError as error:
            raise CommandError(error.sentence(language)) from error
        except ConfigurationError as error:
            raise CommandError(error.text(language)) from error

    def say(self, text: Text, options: dict[str, Any]) -> None:
        """Write a sentence on standard output."""
        self.stdout.write(text[options["lang"]])
