"""Django's settings, all from the environment; `configuration` reads and judges it."""

import os

from oligami.web.configuration import read_configuration

_configuration = read_configuration(os.environ)

SECRET_KEY = _configuration.secret_key
DEBUG = _configuration.debug
ALLOWED_HOSTS = list(_configuration.hosts)
DATABASES = {"default": dict(_configuration.database)}
#: Folder of the secrets of randomization; never in the database.
OLIGAMI_SECRETS = _configuration.secrets

INSTALLED_APPS = [
    "oligami.web.journal",
    "oligami.web.ledger",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ja", "日本語")]
USE_TZ = True
TIME_ZONE = "UTC"
