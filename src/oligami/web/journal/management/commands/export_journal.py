"""`export_journal TRIAL FILE`: a trial's journal into a new file, byte for byte."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from oligami.protocol.text import Text
from oligami.web.speech import SpokenCommand
from oligami.web.transfer import export_journal


class Command(SpokenCommand):
    """Write a trial's journal to a new file."""

    help = "Write a trial's journal to a new file; check it with `oligami journal verify`."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the trial and the file."""
        super().add_arguments(parser)
        parser.add_argument("trial")
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Export, and say where the journal stood."""
        head = export_journal(options["trial"], options["file"], using=options["database"])
        text = Text("{seq} records, head {seq}:{seal}", "記録 {seq} 件、ヘッド {seq}:{seal}")
        self.say(text.format(seq=head.seq, seal=head.seal), options)
