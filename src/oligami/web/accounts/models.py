"""People's accounts, what they did with them, and what guards them. What a person may do in a trial stands in its journal."""

import secrets
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac

#: Kinds of second factor that stand on their own; recovery codes only stand in for one of them.
FACTORS = ("totp", "webauthn")


def new_person() -> str:
    """Return an id for a new person: by chance, never used again, and telling nothing."""
    return f"p-{secrets.token_hex(6)}"


class Account(AbstractUser):
    """One person's account; it is deactivated, never deleted and never handed on.

    `person` is the id by which journals know its owner; names may change, this does not. `epoch` counts how often all of the
    person's sessions were ended at once: each session carries it (see `get_session_auth_hash`).
    """

    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]
    person = models.CharField(max_length=40, unique=True, default=new_person, editable=False)
    display_name = models.CharField(max_length=100, blank=True)
    epoch = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        """Table name."""

        db_table = "accounts_account"

    def __str__(self) -> str:
        return self.shown_name

    @property
    def shown_name(self) -> str:
        """The name that pages show."""
        return self.display_name or self.username

    @property
    def has_passkey(self) -> bool:
        """Whether a passkey or security key is registered."""
        return self.authenticator_set.filter(type="webauthn").exists()

    @property
    def has_second_factor(self) -> bool:
        """Whether the person set up a second factor."""
        return self.authenticator_set.filter(type__in=FACTORS).exists()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # Django's own hash covers the password; the epoch lets all sessions end without a new password.
        salt = "oligami.web.accounts.models.Account.session"
        return salted_hmac(salt, f"{self.password}|{self.epoch}", secret=secret, algorithm="sha256").hexdigest()


class Access(models.Model):
    """A line of the access log: who signed in, failed, saw or took what, when, from where. Lines are only ever added.

    The database refuses UPDATE and DELETE (`guards`). `person` is empty where nobody was signed in; `name_hash` then tells
    attempts on the same name apart without keeping what was typed, which may be a password in the wrong field.
    """

    instant = models.DateTimeField(db_index=True)
    kind = models.TextField()
    person = models.TextField(blank=True, db_index=True)
    name_hash = models.TextField(blank=True)
    trial = models.TextField(blank=True)
    what = models.TextField(blank=True)
    ip = models.TextField(blank=True)
    agent = models.TextField(blank=True)
    path = models.TextField(blank=True)

    class Meta:
        """Table name."""

        db_table = "accounts_access"

    def __str__(self) -> str:
        return f"{self.instant:%Y-%m-%dT%H:%M:%SZ} {self.kind} {self.person}"


class Attempts(models.Model):
    """How often a password or code was just tried against one account (or one unknown name): the guard against guessing."""

    key = models.CharField(max_length=80, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    since = models.FloatField()  # seconds since 1970 by the machine's clock
    until = models.FloatField(default=0)

    class Meta:
        """Table name."""

        db_table = "accounts_attempts"

    def __str__(self) -> str:
        return self.key


class Recovery(models.Model):
    """A lost second factor to be taken off an account: asked for by one administrator, confirmed by another."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="recoveries")
    trial = models.TextField()
    reason = models.TextField()
    asked_by = models.TextField()
    asked_at = models.DateTimeField()
    closed_by = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)
    confirmed = models.BooleanField(default=False)

    class Meta:
        """Table name; one open request an account."""

        db_table = "accounts_recovery"
        constraints = (
            models.UniqueConstraint(
                fields=("account",), name="accounts_recovery_open", condition=models.Q(closed_at__isnull=True)
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id}: {self.asked_by}"


class CacheEntry(models.Model):
    """Django's database cache, as that backend wants its table.

    The limits on requests and the used one-time codes must count for all processes of the server together; a cache in each
    process's memory would multiply every limit by their number.
    """

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        """Table name."""

        db_table = "accounts_cache"

    def __str__(self) -> str:
        return self.cache_key
