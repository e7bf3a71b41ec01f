"""`rebuild_ledger TRIAL`: the read tables anew from the journal."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from oligami.protocol.text import Text
from oligami.trial.fold import fold
from oligami.web.journal.store import DatabaseJournal, no_journal
from oligami.web.ledger.post import rebuild
from oligami.web.speech import SpokenCommand


class Command(SpokenCommand):
    """Make a trial's ledger anew."""

    help = "Make a trial's read tables anew from its journal; the pages go on meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the trial."""
        super().add_arguments(parser)
        parser.add_argument("trial")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebuild under the trial's turn, so that no record comes in between."""
        journal = DatabaseJournal(options["trial"], using=options["database"])
        with transaction.atomic(using=options["database"]):
            head = journal.lock()
            if head.seq == 0:
                raise no_journal(options["trial"])
            rebuild(fold(journal.records(through=head.seq)), using=options["database"])
        text = Text("the ledger stands at record {seq}", "台帳は記録 {seq} まで反映済みです")
        self.say(text.format(seq=head.seq), options)
