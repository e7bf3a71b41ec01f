"""`grants ROLE`: the SQL that gives PostgreSQL's role of the application its rights."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import connections

from oligami.web.grants import grants
from oligami.web.speech import SpokenCommand


class Command(SpokenCommand):
    """Print the grants of the application's role, for the owner of the tables to run."""

    help = "Print the SQL that gives the application's PostgreSQL role its rights; the owner of the tables runs it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the role."""
        super().add_arguments(parser)
        parser.add_argument("role")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one statement a line."""
        for statement in grants(options["role"], connections[options["database"]]):
            self.stdout.write(f"{statement};")
