"""The app `api`."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """What a page can do, for programs."""

    name = "oligami.web.api"
    label = "oligami_api"
