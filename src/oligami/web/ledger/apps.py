"""The ledger as a Django app."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """The app of the read tables."""

    name = "oligami.web.ledger"
    label = "ledger"
    default_auto_field = "django.db.models.BigAutoField"
