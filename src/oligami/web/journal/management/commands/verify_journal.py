"""`verify_journal TRIAL`: is every record in the database the one that was sealed?"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from oligami.protocol.text import Text
from oligami.web.durability import check_database
from oligami.web.journal.store import DatabaseJournal
from oligami.web.speech import SpokenCommand


class Command(SpokenCommand):
    """Check a trial's chain in the database, byte by byte."""

    help = "Check a trial's chain in the database, byte by byte."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the trial and a published head."""
        super().add_arguments(parser)
        parser.add_argument("trial")
        parser.add_argument("--head", help="A head that was published, SEAL or NUMBER:SEAL.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify; end with an error if anything is broken."""
        found = DatabaseJournal(options["trial"], using=options["database"]).verify(head=options["head"])
        for warning in found.warnings:
            self.say(warning, options)
        if found.problem is not None:
            place = "" if found.first_broken is None else f"{found.first_broken}: "
            raise CommandError(place + found.problem[options["lang"]])
        check_database(options["database"])
        text = Text("{seq} records hold, head {seq}:{seal}", "記録 {seq} 件に異常なし、ヘッド {seq}:{seal}")
        self.say(text.format(seq=found.records, seal=found.head_seal), options)
