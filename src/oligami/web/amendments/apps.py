"""The app `amendments`."""

from django.apps import AppConfig


class AmendmentsConfig(AppConfig):
    """A new version of the protocol: compared, rehearsed, adopted site by site."""

    name = "oligami.web.amendments"
    label = "oligami_amendments"
