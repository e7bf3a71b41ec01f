"""Tokens by which programs speak for a person."""

from django.conf import settings
from django.db import models


class Token(models.Model):
    """A token of one person for one site of one trial (`site` None: wherever the person may); only its SHA-256 is kept."""

    digest = models.CharField(max_length=64, unique=True)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tokens")
    trial = models.TextField()
    site = models.TextField(null=True)
    purpose = models.CharField(max_length=200)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        """Table name."""

        db_table = "api_token"

    def __str__(self) -> str:
        return f"{self.trial} {self.site or '*'} {self.purpose}"
