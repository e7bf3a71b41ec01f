"""The app `casebook`."""

from django.apps import AppConfig


class CasebookConfig(AppConfig):
    """Forms from the protocol: filled, corrected, signed, with drafts and history."""

    name = "oligami.web.casebook"
    label = "oligami_casebook"
