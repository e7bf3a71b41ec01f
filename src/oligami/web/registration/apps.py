"""The app `registration`."""

from django.apps import AppConfig


class RegistrationConfig(AppConfig):
    """Registration and randomization on screen."""

    name = "oligami.web.registration"
    label = "oligami_registration"
