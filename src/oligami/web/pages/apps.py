"""The app `pages`."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """What every page stands on: the base template, the language, who is here and what they may, and how no is said."""

    name = "oligami.web.pages"
    label = "oligami_pages"
