"""The app `public`."""

from django.apps import AppConfig


class PublicConfig(AppConfig):
    """The trial's public record, without log-in."""

    name = "oligami.web.public"
    label = "oligami_public"
