"""The app `identity`."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """Who a subject is, apart from the trial's record."""

    name = "oligami.web.accounts.identity"
    label = "identity"
