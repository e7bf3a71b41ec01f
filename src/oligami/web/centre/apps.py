"""The app `centre`."""

from django.apps import AppConfig


class CentreConfig(AppConfig):
    """The data centre: data queries, verification, locks, sites, accrual."""

    name = "oligami.web.centre"
    label = "oligami_centre"
