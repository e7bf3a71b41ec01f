"""The account app's chapter of the settings: signing on, sessions, cookies, headers. `web.settings` takes all of it over.

Read from the environment (faults are said at once, before anything starts):

- `OLIGAMI_HTTPS`: `no` (a demonstration on this machine), `yes`, or `proxy` (https ends at a proxy that sets X-Forwarded-Proto).
- `OLIGAMI_PROXIES`: how many proxies stand before the server; so many addresses of X-Forwarded-For are believed. 0: none is.
- `OLIGAMI_SECOND_FACTOR`: `required` or `optional`; required wherever https is on, unless said otherwise.
- `OLIGAMI_IDLE_MINUTES`, `OLIGAMI_SESSION_HOURS`: when a session ends without use, and at the latest.
- `OLIGAMI_OIDC`: hospital sign-on, see `accounts.oidc`.
- `OLIGAMI_MAIL`: `smtp://user:password@host:port` or `smtps://…`; without it mails go to the console. `OLIGAMI_MAIL_FROM`.
"""

import os

from oligami.web.accounts.environment import read_environment

_environment = read_environment(os.environ)
_https = _environment.https

#: `required`: who has no second factor reaches nothing but the page that sets one up.
OLIGAMI_SECOND_FACTOR = _environment.second_factor
#: Seconds without a request after which a session ends, and seconds after which it ends in any case.
OLIGAMI_IDLE_S = _environment.idle_s
OLIGAMI_SESSION_S = _environment.session_s
#: So many failures within the window lock one account's sign-on (or signing) for as long.
OLIGAMI_LOCKOUT_FAILURES = 5
OLIGAMI_LOCKOUT_S = 15 * 60

# ---------------------------------------------------------------- signing on

ACCOUNT_ADAPTER = "oligami.web.accounts.adapter.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "oligami.web.accounts.adapter.HospitalAdapter"
MFA_ADAPTER = "oligami.web.accounts.adapter.FactorAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # addresses are the administrator's to enter; nobody changes his own
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[OLIGAMI] "
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # all *other* sessions end: they carry the old password's hash
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if _https else "http"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300  # for changing one's own factors; signing always asks again (`reauth`)
ACCOUNT_RATE_LIMITS = {
    # A hospital is often one address. The limit for one account is `throttle`'s, which no change of address gets around.
    "login": "60/m/ip",
    "login_failed": "40/m/ip,10/5m/key",
    "reset_password": "20/m/ip,3/5m/key",
}
ACCOUNT_FORMS = {
    "login": "oligami.web.accounts.forms.LoginForm",
    "reset_password": "oligami.web.accounts.forms.ResetForm",
    "change_password": "oligami.web.accounts.forms.ChangePasswordForm",
    "reset_password_from_key": "oligami.web.accounts.forms.NewPasswordForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "OLIGAMI"
MFA_TOTP_TOLERANCE = 0  # of the first code alone; at sign-on `forms.accept_totp` also takes the neighbours, each once
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_RATE_LIMITS = {"webauthn_login": "30/m/ip"}
MFA_FORMS = {
    "authenticate": "oligami.web.accounts.forms.CodeForm",
    "reauthenticate": "oligami.web.accounts.forms.CodeAgainForm",
    "authenticate_webauthn": "oligami.web.accounts.forms.PasskeyForm",
    "login_webauthn": "oligami.web.accounts.forms.PasskeyLoginForm",
    "reauthenticate_webauthn": "oligami.web.accounts.forms.PasskeyAgainForm",
    "activate_totp": "oligami.web.accounts.forms.ActivateAppForm",
    "add_webauthn": "oligami.web.accounts.forms.AddPasskeyForm",
}
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": list(_environment.hospitals), "OAUTH_PKCE_ENABLED": True}}
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_STORE_TOKENS = False
ALLAUTH_TRUSTED_PROXY_COUNT = _environment.proxies

AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "display_name", "email"), "max_similarity": 0.6},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_HASHERS = ["oligami.web.accounts.hashers.Argon2id"]
PASSWORD_RESET_TIMEOUT = 24 * 3600

# ---------------------------------------------------------------- mails

EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if _environment.mail else 'console'}.EmailBackend"
if _environment.mail:
    EMAIL_HOST = _environment.mail.host
    EMAIL_PORT = _environment.mail.port
    EMAIL_HOST_USER = _environment.mail.user
    EMAIL_HOST_PASSWORD = _environment.mail.password
    EMAIL_USE_SSL = _environment.mail.tls
    EMAIL_USE_TLS = not _environment.mail.tls
    EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = _environment.mail_from

# ---------------------------------------------------------------- cache, sessions, cookies

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cache",
        # Above it the backend throws away a third at random; an attacker must not reach that by asking often.
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    }
}
SESSION_COOKIE_AGE = OLIGAMI_SESSION_S
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_SECURE = _https
SESSION_COOKIE_NAME = "__Host-session" if _https else "session"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SECURE = _https
CSRF_COOKIE_NAME = "__Host-csrf" if _https else "csrf"
CSRF_COOKIE_AGE = None  # for as long as the browser stays open
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # a cookie less

# ---------------------------------------------------------------- headers (see also `headers`)

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^health$"]
SECURE_HSTS_SECONDS = 2 * 365 * 24 * 3600 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _environment.proxied else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        # Chromium holds a form's redirects against it as well, so the hospitals' sign-on pages stand here.
        "form-action": ["'self'", *_environment.hospital_origins],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
