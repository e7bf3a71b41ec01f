"""The table of drafts: what was typed and not yet said. It is no part of the journal, and a row goes when its form is saved."""

from django.db import models


class Draft(models.Model):
    """One person's unfinished entry of one form.

    `occurrence` is 0 for a form filled for the first time, else that of the form being corrected. `raw` holds the texts as typed,
    by name of the field. `command` is the command id under which the form will be sent: every tab and computer that goes on
    with the draft sends the same one, so only one entry can come of it. `seen` is the record its author saw of what he corrects.
    `edition` counts the savings, so that one tab notices another.

    A draft may hold items that name a person (a birth date typed for a registration) until the form is sent: the row is
    ordinary, erasable and its author's alone. What a browser keeps when the network fails never holds them.
    """

    trial = models.TextField()
    person = models.TextField()
    subject = models.TextField(blank=True)
    form = models.TextField()
    occurrence = models.IntegerField(default=0)
    visit = models.TextField(blank=True)
    site = models.TextField(blank=True)
    version = models.TextField(blank=True)
    raw = models.JSONField(default=dict)
    command = models.CharField(max_length=32)
    seen = models.BigIntegerField(null=True)
    edition = models.IntegerField(default=0)
    saved_at = models.DateTimeField()

    class Meta:
        """Table name, and that a person has one draft of a form."""

        db_table = "casebook_draft"
        constraints = (
            models.UniqueConstraint(
                fields=("trial", "person", "subject", "form", "occurrence", "visit"), name="casebook_draft_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.form} {self.subject}"  # never what was typed
