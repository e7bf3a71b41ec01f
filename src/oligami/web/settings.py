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
#: When a rehearsal on a simulated trial begins; None: the clock as it is.
OLIGAMI_REHEARSAL_AT = _configuration.rehearsal_at
#: The zone of the dates that people read beside UTC.
OLIGAMI_TIME_ZONE = _configuration.time_zone
#: Folders besides the installed ones in which new versions of protocols are looked for.
OLIGAMI_PROTOCOLS = _configuration.protocols
OLIGAMI_DRAFT_DAYS = _configuration.draft_days

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "oligami.web.journal",
    "oligami.web.ledger",
    "oligami.web.pages",
    "oligami.web.accounts",
    "oligami.web.accounts.identity",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "oligami.web.public",
    "oligami.web.casebook",
    "oligami.web.registration",
    "oligami.web.worklist",
    "oligami.web.centre",
    "oligami.web.amendments",
    "oligami.web.api",
]
MIDDLEWARE = [
    "oligami.web.logs.RequestLogMiddleware",
    "oligami.web.accounts.headers.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "oligami.web.pages.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "oligami.web.accounts.sessions.SessionMiddleware",
    "oligami.web.accounts.watching.WatchMiddleware",
    "oligami.web.pages.answers.AnswersMiddleware",
]
ROOT_URLCONF = "oligami.web.urls"
WSGI_APPLICATION = "oligami.web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "oligami.web.pages.language.words",
            ],
        },
    }
]
AUTH_USER_MODEL = "accounts.Account"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # served from the installed packages, so that a wheel needs no collected copy
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "ja"
LANGUAGES = [("ja", "日本語"), ("en", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

from oligami.web.accounts.settings import *  # noqa: E402, F403 - the account app's own chapter of the settings
