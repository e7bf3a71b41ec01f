"""The one table that names subjects; it is no part of any journal and can be erased."""

from django.db import models


class Identity(models.Model):
    """What names a subject at its site. The row goes when it is erased; that it was there stays in the access log."""

    trial = models.TextField()
    subject = models.TextField()
    site = models.TextField()
    initials = models.CharField(max_length=20, blank=True)
    chart_number = models.CharField(max_length=40, blank=True)
    birth_date = models.DateField(null=True)
    made_by = models.TextField()
    made_at = models.DateTimeField()
    changed_by = models.TextField(blank=True)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        """Table name; one row a subject."""

        db_table = "identity_identity"
        constraints = (models.UniqueConstraint(fields=("trial", "subject"), name="identity_once"),)

    def __str__(self) -> str:
        return f"{self.trial} {self.subject}"  # never what it holds: this may reach a log
