"""Where allauth asks us: who may sign on and how, what is recorded of it, what is sent by mail.

Everything the access log holds about signing on is written by calls from here and from `forms`; no signal is connected.
"""

import base64
import hashlib
import logging
import smtplib
from io import BytesIO
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from oligami.web.accounts import access, sessions, throttle
from oligami.web.accounts.models import Access, Account
from oligami.web.accounts.words import said

_log = logging.getLogger("oligami.web.accounts")
_MISMATCH = said(
    "The name or the password is not right. After several failures an account is locked for a quarter of an hour.",
    "ログイン名またはパスワードが正しくありません。失敗を繰り返すと 15 分間ロックされます。",
)
LOCKED = said(
    "Too many failures: sign-in with this name is locked for a quarter of an hour. A passkey or hospital sign-on still works.",
    "失敗が続いたため、この名前でのログインを 15 分間ロックしました。パスキーまたは施設認証は使えます。",
)
#: What allauth notifies by mail, as a line of the access log.
_NOTIFIED = {
    "mfa/email/totp_activated": ("factor_added", "totp"),
    "mfa/email/totp_deactivated": ("factor_removed", "totp"),
    "mfa/email/webauthn_added": ("factor_added", "passkey"),
    "mfa/email/webauthn_removed": ("factor_removed", "passkey"),
    "mfa/email/recovery_codes_generated": ("codes_made", ""),
    "account/email/password_changed": ("password_changed", "changed"),
    "account/email/password_reset": ("password_changed", "by a link from a mail"),
    "account/email/password_set": ("password_changed", "set"),
    "socialaccount/email/account_connected": ("account_changed", "hospital sign-on connected"),
}


class AccountAdapter(DefaultAccountAdapter):
    """Accounts with name or address and password."""

    error_messages = {  # noqa: RUF012 - allauth reads it from the class
        **DefaultAccountAdapter.error_messages,
        # One sentence for every way to be wrong: none tells whether the name exists.
        "username_password_mismatch": _MISMATCH,
        "email_password_mismatch": _MISMATCH,
        "invalid_login": _MISMATCH,
        "too_many_login_attempts": LOCKED,
        "incorrect_password": said("The password is not right.", "パスワードが正しくありません。"),
        "incorrect_code": said("The code is not right, or was used before.", "コードが正しくないか、すでに使用されています。"),
        "enter_current_password": said("The password is not right.", "パスワードが正しくありません。"),
        "invalid_password_reset": said("The link is no longer valid.", "このリンクは無効です。"),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account for himself."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """Say whether an answer may lead there: to this very host, by this very scheme."""
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try before the password is looked at.

        Raises:
            ValidationError: too many.
        """
        super().pre_authenticate(request, **credentials)
        state = throttle.spend(_key(request, credentials))
        if state == "locking":
            access.record(request, "lockout", person=_person(credentials), typed=_typed(credentials))
        if state != "open":
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Return who the credentials belong to; his tries are forgotten."""
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is not None:
            throttle.forgive(_key(request, credentials))
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Record a failure."""
        kind = "confirm_failed" if request.user.is_authenticated else "login_failed"
        access.record(request, kind, person=_person(credentials), typed=_typed(credentials))

    def reauthenticate(self, user: Account, password: str) -> bool:
        """Say whether the password is the person's own; a hash that was renewed on the way does not end the session."""
        right: bool = super().reauthenticate(user, password)
        renewed = Account.objects.get(pk=user.pk)
        if right and renewed.password != user.password:
            update_session_auth_hash(self.request, renewed)
        return right

    def pre_login(self, request: HttpRequest, user: Account, **more: Any) -> HttpResponse | None:
        """Turn closed accounts away, and record it."""
        if not user.is_active:
            access.record(request, "login_refused", person=user.person)
        return super().pre_login(request, user, **more)

    def login(self, request: HttpRequest, user: Account) -> None:
        """Sign on: bind the session, record it, and tell the person of failures since the last time."""
        methods = request.session.get("account_authentication_methods", [])
        how = "+".join(dict.fromkeys(str(method.get("type") or method.get("method")) for method in methods))
        super().login(request, user)
        sessions.begin(request)
        before = Access.objects.filter(person=user.person, kind="login").order_by("-id").first()
        failed = Access.objects.filter(
            person=user.person, kind__in=("login_failed", "lockout"), id__gt=before.id if before else 0
        )
        count = failed.count()
        access.record(request, "login", person=user.person, what=how)
        if count:
            sentence = said(
                f"Since your last sign-in, {count} attempts to sign in with your name failed. If that was not you, tell the data centre.",
                f"前回のログイン以降、あなたの名前でのログインに {count} 回失敗しています。心当たりがない場合はデータセンターへ連絡してください。",
            )
            messages.warning(request, sentence)

    def logout(self, request: HttpRequest) -> None:
        """Sign off, and record it."""
        access.record(request, "logout")
        super().logout(request)

    def send_notification_mail(self, template_prefix: str, user: Account, *args: Any, **named: Any) -> None:
        """Record a change to how one signs on, end the other sessions it concerns, and tell the owner by mail."""
        kind, what = _NOTIFIED.get(template_prefix, ("account_changed", template_prefix.rsplit("/", 1)[-1]))
        access.record(self.request, kind, person=user.person, what=what)
        super().send_notification_mail(template_prefix, user, *args, **named)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail; that the mail server does not take it is recorded and changes no answer."""
        if template_prefix == "account/email/password_reset_key" and "user" in context:
            access.record(self.request, "password_asked", person=context["user"].person)
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, smtplib.SMTPException) as error:
            _log.error("mail not sent: %s", type(error).__name__)
            access.record(self.request, "mail_failed", what=template_prefix.rsplit("/", 1)[-1])


class FactorAdapter(DefaultMFAAdapter):
    """Second factors: their secrets are kept encrypted, their picture obeys the content policy."""

    error_messages = {  # noqa: RUF012 - allauth reads it from the class
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": AccountAdapter.error_messages["incorrect_code"],
    }

    def get_totp_label(self, user: Account) -> str:
        """Return what the authenticator app shows."""
        return str(user.username)

    def build_totp_svg(self, url: str) -> str:
        """Return the QR code as SVG without any style, black on white in the dark as well."""
        import qrcode
        from qrcode.image.svg import SvgPathImage

        class Plain(SvgPathImage):
            QR_PATH_STYLE = {"fill": "#000"}  # noqa: RUF012 - the library reads it from the class
            background = "#fff"

        out = BytesIO()
        qrcode.make(url, image_factory=Plain, border=4).save(out)
        return out.getvalue().decode("utf-8").partition("?>")[2].strip() or out.getvalue().decode("utf-8")

    def encrypt(self, text: str) -> str:
        """Encrypt a secret for the database."""
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return a secret of the database."""
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def generate_authenticator_name(self, user: Account, type: Any) -> str:  # noqa: A002 - allauth's name
        """Return the name a passkey gets when its owner gives none."""
        number = user.authenticator_set.filter(type=type).count() + 1
        return f"Passkey {number}"


class HospitalAdapter(DefaultSocialAccountAdapter):
    """Hospital sign-on: lets in whom an account exists for, and makes none."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Nobody becomes an account by being known to a hospital."""
        return False

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Nobody becomes an account by being known to a hospital."""
        return False

    def can_authenticate_by_email(self, login: Any, email: str) -> bool:
        """Say whether this hospital may vouch for an address: in a domain of its own, and verified in so many words."""
        app = login.provider.app
        data = login.account.get_provider_account().get_user_data() or {}
        domain = email.rpartition("@")[2].lower()
        return bool(app and domain in app.settings.get("domains", ()) and data.get("email_verified") is True)

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Turn away whom no account matches, with the reason on screen.

        Raises:
            ImmediateHttpResponse: with that page.
        """
        if sociallogin.is_existing and sociallogin.state.get("process") != "connect":
            return
        access.record(request, "hospital_refused", what=sociallogin.account.provider, typed=sociallogin.account.uid)
        raise ImmediateHttpResponse(render(request, "accounts/hospital_unknown.html", status=403))

    def on_authentication_error(self, request: HttpRequest, provider: Any, **more: Any) -> None:
        """Record that the hospital's server did not vouch."""
        access.record(request, "login_failed", what=f"hospital sign-on {getattr(provider, 'sub_id', '')}")


def _cipher() -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    # SHA-256 is enough of a derivation: the server's key is long and made by chance, and the words tell this use from others.
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"oligami.factor|{key}".encode()).digest())) for key in keys]
    )


def _typed(credentials: dict[str, Any]) -> str:
    return str(credentials.get("username") or credentials.get("email") or "")


def _account(credentials: dict[str, Any]) -> Account | None:
    typed = _typed(credentials)
    return (
        Account.objects.filter(username__iexact=typed).first() or Account.objects.filter(email__iexact=typed).first()
        if typed
        else None
    )


def _person(credentials: dict[str, Any]) -> str:
    account = _account(credentials)
    return account.person if account else ""


def _key(request: HttpRequest, credentials: dict[str, Any]) -> str:
    """Return whose tries these are: an account's, by whichever of its names; a name's, where there is none."""
    account = _account(credentials)
    task = "confirm" if request.user.is_authenticated else "login"
    return f"{task}:{account.pk}" if account else f"{task}:name:{access.hash_name(_typed(credentials))}"
