"""The two tables of the journal. Nobody writes to them but `store`; the database itself refuses changes (`guards`)."""

from django.db import models


class JournalHead(models.Model):
    """Where a trial's journal stands; its row is the lock that writers take turns at.

    It says nothing that the records do not say; `store` holds the two against each other, so a tail that was cut off shows.
    """

    trial = models.TextField(primary_key=True)
    seq = models.BigIntegerField()
    seal = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        """Table name."""

        db_table = "journal_head"

    def __str__(self) -> str:
        return f"{self.trial}: {self.seq}"


class JournalRecord(models.Model):
    """A record: `body`, `head` and `seal` are the very bytes of its line in a journal's file; the rest is for finding it.

    `part` counts the records of one command from 1: the database takes no command twice. `redacts` is the number of the
    record whose body this one removes; inserting it is what removes the body.
    """

    pk = models.CompositePrimaryKey("trial", "seq")
    trial = models.TextField()
    seq = models.BigIntegerField()
    body = models.TextField(null=True)
    head = models.TextField()
    seal = models.TextField()
    kind = models.TextField()
    subject = models.TextField(null=True)
    command = models.TextField()
    part = models.IntegerField()
    redacts = models.BigIntegerField(null=True)

    class Meta:
        """Table name, what is unique, and how records are looked up."""

        db_table = "journal_record"
        constraints = (models.UniqueConstraint(fields=("trial", "command", "part"), name="journal_record_once"),)
        indexes = (
            models.Index(fields=("trial", "subject"), name="journal_record_subject"),
            models.Index(fields=("trial", "redacts"), name="journal_record_redacts", condition=models.Q(redacts__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.trial}: {self.seq}"
