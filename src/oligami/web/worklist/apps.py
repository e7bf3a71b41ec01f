"""The app `worklist`."""

from django.apps import AppConfig


class WorklistConfig(AppConfig):
    """What is due, and the subject with its whole course."""

    name = "oligami.web.worklist"
    label = "oligami_worklist"
