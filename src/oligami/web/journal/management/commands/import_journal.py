"""`import_journal FILE`: a journal's file into the database."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from oligami.protocol.text import Text
from oligami.web.speech import SpokenCommand
from oligami.web.transfer import import_journal


class Command(SpokenCommand):
    """Bring a file's whole journal into the database, all or nothing."""

    help = "Bring a journal's file into the database, all or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file."""
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and say which trial it was."""
        trial = import_journal(options["file"], using=options["database"])
        self.say(Text("{trial} is in the database", "{trial} をデータベースに取り込みました").format(trial=trial), options)
