"""allauth's forms with what they lack: limits that hold for all processes, codes that work once, counters of passkeys."""

import hmac
import time
from typing import Any

from allauth.account import forms as account_forms
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.base import forms as code_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as app_forms
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from allauth.mfa.webauthn import forms as passkey_forms
from allauth.mfa.webauthn.internal.auth import parse_authentication_response
from django import forms
from django.db import transaction
from django.http import HttpResponseRedirect

from oligami.web.accounts import access, throttle
from oligami.web.accounts.adapter import LOCKED, AccountAdapter
from oligami.web.accounts.models import Account
from oligami.web.accounts.words import said

_WRONG_CODE = AccountAdapter.error_messages["incorrect_code"]
_PERIOD_S = 30


class LoginForm(account_forms.LoginForm):
    """Name and password."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        _dress(self, login=(said("Login name or e-mail address", "ログイン名またはメールアドレス"), "username"))
        _dress(self, password=(said("Password", "パスワード"), "current-password"))
        self.fields["login"].max_length = 254
        self.fields["password"].help_text = ""

    def user_credentials(self) -> dict[str, Any]:
        """Return the password with either a name or an address.

        allauth would try an address as both: the password of an account that exists would be hashed twice, that of none once,
        and the clock would tell which addresses have an account. No name here holds an `@`.
        """
        typed = self.cleaned_data["login"]
        return {"email" if "@" in typed else "username": typed, "password": self.cleaned_data["password"]}


class ResetForm(account_forms.ResetPasswordForm):
    """An address to which the link for a new password goes."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        _dress(self, email=(said("E-mail address", "メールアドレス"), "email"))


class ChangePasswordForm(account_forms.ChangePasswordForm):
    """The password, and the new one twice."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        _dress(self, oldpassword=(said("Password until now", "現在のパスワード"), "current-password"), **_NEW)

    def clean_oldpassword(self) -> str:
        """Check it, counting the try like one at signing."""
        key = f"confirm:{self.user.pk}"
        if throttle.spend(key) != "open":
            raise forms.ValidationError(LOCKED)
        word: str = super().clean_oldpassword()
        throttle.forgive(key)
        return word


class NewPasswordForm(account_forms.ResetPasswordKeyForm):
    """A new password, twice; the link that led here works once."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        _dress(self, **_NEW)

    def save(self) -> None:
        """Set the password.

        Raises:
            ImmediateHttpResponse: another request used the link meanwhile; it leads to the page that says so.
        """
        with transaction.atomic():
            account = Account.objects.select_for_update().get(pk=self.user.pk)
            if account.password != self.user.password:
                raise ImmediateHttpResponse(HttpResponseRedirect(context.request.get_full_path()))
            super().save()


_NEW = {
    "password1": (said("New password", "新しいパスワード"), "new-password"),
    "password2": (said("New password, once more", "新しいパスワード（確認）"), "new-password"),
}


class _Codes:
    """The check of a typed code: from the app or a recovery code, each once."""

    user: Account
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        """Return the code if it is right.

        Raises:
            ValidationError: it is not, was used before, or too many were tried.
        """
        key = f"code:{self.user.pk}"
        state = throttle.spend(key)
        if state == "locking":
            access.record(context.request, "lockout", person=self.user.person, what="code")
        if state != "open":
            raise forms.ValidationError(LOCKED)
        code = "".join(self.cleaned_data["code"].split())
        for factor in Authenticator.objects.filter(user=self.user).exclude(type=Authenticator.Type.WEBAUTHN):
            accepted = accept_totp(factor, code) if factor.type == Authenticator.Type.TOTP else factor.wrap().validate_code(code)
            if accepted:
                factor.refresh_from_db()
                self.authenticator = factor
                throttle.forgive(key)
                return code
        access.record(context.request, "login_failed", person=self.user.person, what="code")
        raise forms.ValidationError(_WRONG_CODE)


def accept_totp(factor: Authenticator, code: str) -> bool:
    """Take a code of an authenticator app: of this half minute or its neighbours, and newer than the last one taken.

    The last one's number stands beside the secret and is changed under a lock: of two requests with the same code one gets in,
    on whichever processes they meet (RFC 6238, 5.2).
    """
    now = int(time.time()) // _PERIOD_S
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().get(pk=factor.pk)
        secret, last = decrypt(row.data["secret"]), row.data.get("last_step", -1)
        for step in (now - 1, now, now + 1):
            if step > last and hmac.compare_digest(format_hotp_value(hotp_value(secret, step)).encode(), code.encode()):
                row.data["last_step"] = step
                row.save(update_fields=["data"])
                return True
    return False


class CodeForm(_Codes, code_forms.AuthenticateForm):
    """A code while signing on."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        _dress(self, code=_CODE)


class CodeAgainForm(_Codes, code_forms.ReauthenticateForm):
    """A code before changing one's own factors."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        _dress(self, code=_CODE)


class ActivateAppForm(app_forms.ActivateTOTPForm):
    """The first code of a new app."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        _dress(self, code=(said("Code that the app shows", "アプリに表示されたコード"), "one-time-code"))


_CODE = (said("Code from the app, or a recovery code", "認証アプリのコードまたはリカバリーコード"), "one-time-code")


class _Passkeys:
    """The check of a passkey's answer, its counter included."""

    cleaned_data: dict[str, Any]

    def clean_credential(self) -> Authenticator:
        """Return the passkey if the answer is its own and its counter went on.

        Raises:
            ValidationError: it is not.
        """
        answer = self.cleaned_data["credential"]
        try:
            factor: Authenticator = super().clean_credential()  # type: ignore[misc]  # of allauth's form beside this class
        except (forms.ValidationError, KeyError, TypeError, AttributeError, ValueError) as error:
            # A malformed answer is a wrong answer; allauth lets some of its shapes through as faults.
            access.record(context.request, "login_failed", person=_owner(self), what="passkey")
            raise forms.ValidationError(_WRONG_CODE) from error
        if not advance_counter(factor, answer):
            access.record(context.request, "factor_cloned", person=factor.user.person, what=f"passkey {factor.pk}")
            raise forms.ValidationError(CLONED)
        return factor


CLONED = said(
    "This passkey's counter went back, as a copy's would. It was refused and recorded; use another way, and tell the data centre.",
    "このパスキーのカウンターが逆行しました（複製の疑い）。拒否して記録しました。別の方法でログインし、データセンターへ連絡してください。",
)


def advance_counter(factor: Authenticator, answer: dict[str, Any]) -> bool:
    """Note a passkey's counter. False: it did not go on, so the key may have been copied (WebAuthn, 6.1.1); 0 means it has none."""
    counter = parse_authentication_response(answer).response.authenticator_data.counter
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().get(pk=factor.pk)
        last = row.data.get("counter", row.wrap().authenticator_data.counter)
        if (counter or last) and counter <= last:
            return False
        row.data["counter"] = counter
        row.save(update_fields=["data"])
    factor.refresh_from_db()
    return True


def _owner(form: Any) -> str:
    return form.user.person if form.user is not None else ""


class PasskeyForm(_Passkeys, passkey_forms.AuthenticateWebAuthnForm):
    """A passkey as the second factor."""


class PasskeyLoginForm(_Passkeys, passkey_forms.LoginWebAuthnForm):
    """A passkey instead of name and password."""


class PasskeyAgainForm(_Passkeys, passkey_forms.ReauthenticateWebAuthnForm):
    """A passkey before changing one's own factors."""


class AddPasskeyForm(passkey_forms.AddWebAuthnForm):
    """A new passkey, its name, and whether it signs on by itself."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.fields["name"].label = said("Name of this passkey", "パスキーの名前")
        self.fields["name"].max_length = 60
        self.fields["passwordless"].label = said(
            "Use it to sign in without a password as well", "パスワードなしのログインにも使う"
        )
        self.fields["passwordless"].help_text = said(
            "The device then asks for a fingerprint, face or PIN each time.", "毎回、指紋・顔または PIN で本人確認します。"
        )

    def clean(self) -> dict[str, Any]:
        """Check the new passkey's answer; a malformed one is a wrong one."""
        try:
            return super().clean()
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise forms.ValidationError(_WRONG_CODE) from error


def _dress(form: Any, **fields: tuple[str, str]) -> None:
    """Give fields our labels and the word by which password managers know them; no placeholder stands in for a label."""
    for name, (label, word) in fields.items():
        field = form.fields[name]
        field.label = label
        field.widget.attrs["autocomplete"] = word
        field.widget.attrs.pop("placeholder", None)
