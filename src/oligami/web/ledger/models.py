"""The read tables. `rows` says what stands in them, `post` writes it; nobody else does."""

from typing import ClassVar

from django.db import models


class Posted(models.Model):
    """Through which record a trial's ledger is posted, and by which layout of the tables."""

    trial = models.TextField(primary_key=True)
    seq = models.BigIntegerField()
    layout = models.IntegerField()

    class Meta:
        """Table name."""

        db_table = "ledger_posted"

    def __str__(self) -> str:
        return f"{self.trial}: {self.seq}"


class Site(models.Model):
    """A site and how many subjects it has: all whose registration stands, and those of them with an arm."""

    KEY: ClassVar[tuple[str, ...]] = ("trial", "site")
    trial = models.TextField()
    site = models.TextField()
    name = models.TextField()
    fictitious = models.BooleanField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    subjects = models.IntegerField()
    randomized = models.IntegerField()

    class Meta:
        """Table name and key."""

        db_table = "ledger_site"
        constraints = (models.UniqueConstraint(fields=("trial", "site"), name="ledger_site_key"),)

    def __str__(self) -> str:
        return self.site


class Subject(models.Model):
    """A subject. `seq` is the newest record about it; `status` is one of `rows.STATUSES`."""

    KEY: ClassVar[tuple[str, ...]] = ("trial", "subject")
    trial = models.TextField()
    subject = models.TextField()
    site = models.TextField()
    status = models.TextField()
    arm = models.TextField(null=True)
    randomization_date = models.DateField(null=True)
    open_queries = models.IntegerField()
    seq = models.BigIntegerField()

    class Meta:
        """Table name, key, and how lists are sorted out."""

        db_table = "ledger_subject"
        constraints = (models.UniqueConstraint(fields=("trial", "subject"), name="ledger_subject_key"),)
        indexes = (models.Index(fields=("trial", "site", "subject"), name="ledger_subject_site"),)

    def __str__(self) -> str:
        return self.subject


class Registration(models.Model):
    """A subject's registration at a stage."""

    KEY: ClassVar[tuple[str, ...]] = ("trial", "subject", "stage")
    trial = models.TextField()
    subject = models.TextField()
    stage = models.TextField()
    site = models.TextField()
    registration_date = models.DateField()
    protocol_version = models.TextField()
    annulled = models.BooleanField()
    seq = models.BigIntegerField()

    class Meta:
        """Table name, key, and how lists are sorted out."""

        db_table = "ledger_registration"
        constraints = (models.UniqueConstraint(fields=("trial", "subject", "stage"), name="ledger_registration_key"),)
        indexes = (models.Index(fields=("trial", "stage", "registration_date"), name="ledger_registration_date"),)

    def __str__(self) -> str:
        return f"{self.subject} {self.stage}"


class Form(models.Model):
    """A filled form. `state` is one of `rows.STATES`; `seq` the record that last touched its values."""

    KEY: ClassVar[tuple[str, ...]] = ("trial", "subject", "form", "occurrence")
    trial = models.TextField()
    subject = models.TextField()
    form = models.TextField()
    occurrence = models.IntegerField()
    site = models.TextField()
    visit = models.TextField(null=True)
    state = models.TextField()
    submitted_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    verified = models.BooleanField()
    signed = models.BooleanField()
    locked = models.BooleanField()
    corrections = models.IntegerField()
    warnings = models.IntegerField()
    open_queries = models.IntegerField()
    protocol_version = models.TextField()
    seq = models.BigIntegerField()

    class Meta:
        """Table name, key, and how lists are sorted out."""

        db_table = "ledger_form"
        constraints = (models.UniqueConstraint(fields=("trial", "subject", "form", "occurrence"), name="ledger_form_key"),)
        indexes = (models.Index(fields=("trial", "site", "state"), name="ledger_form_site"),)

    def __str__(self) -> str:
        return f"{self.subject} {self.form} {self.occurrence}"


class DataQuery(models.Model):
    """A data query to a site; `status` is open, answered or closed."""

    KEY: ClassVar[tuple[str, ...]] = ("trial", "subject", "query")
    trial = models.TextField()
    subject = models.TextField()
    query = models.TextField()
    site = models.TextField()
    form = models.TextField()
    occurrence = models.IntegerField()
    item = models.TextField(null=True)
    text = models.TextField()
    answer = models.TextField(null=True)
    status = models.TextField()
    raised_at = models.DateTimeField()

    class Meta:
        """Table name, key, and how lists are sorted out."""

        db_table = "ledger_query"
        constraints = (models.UniqueConstraint(fields=("trial", "subject", "query"), name="ledger_query_key"),)
        indexes = (models.Index(fields=("trial", "status", "site"), name="ledger_query_status"),)

    def __str__(self) -> str:
        return f"{self.subject} {self.query}"
