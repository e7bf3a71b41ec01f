"""The app `accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People: accounts, signing on, second factors, the access log, identity data."""

    name = "oligami.web.accounts"
    label = "accounts"
