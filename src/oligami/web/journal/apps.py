"""The journal as a Django app; it refuses to start on settings that would lose entries."""

from django.apps import AppConfig
from django.conf import settings


class JournalConfig(AppConfig):
    """The app of the records."""

    name = "oligami.web.journal"
    label = "journal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Check the settings before anything is asked of a database."""
        from oligami.web.durability import check_settings

        check_settings(settings.DATABASES)
