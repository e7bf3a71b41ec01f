"""What a person holds in his hand: an authenticator app and a passkey, made of software, honest or not."""

import hashlib
import secrets
import time
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData


def code(secret: str, *, steps: int = 0) -> str:
    """Return what an authenticator app shows now, or so many half minutes later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


class Passkey:
    """A passkey; each answer can be bent in every way an attacker would try."""

    def __init__(self, *, host: str = "testserver", origin: str = "https://testserver") -> None:
        self.host, self.origin = host, origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.counter = 1

    def register(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer the options of a new passkey."""
        public = options["publicKey"]
        client = CollectedClientData.create("webauthn.create", public["challenge"], self.origin)
        credential = AttestedCredentialData.create(b"\0" * 16, self.id, ES256.from_cryptography_key(self.key.public_key()))
        data = AuthenticatorData.create(self._host_hash(self.host), 0x45, self.counter, bytes(credential))
        made = AttestationObject.create("none", data, {})
        response = {"clientDataJSON": websafe_encode(client), "attestationObject": websafe_encode(bytes(made))}
        return {**self._named(), "response": response, "clientExtensionResults": {"credProps": {"rk": True}}}

    def answer(
        self,
        options: dict[str, Any],
        *,
        user: str | None = None,
        origin: str | None = None,
        host: str | None = None,
        challenge: str | None = None,
        counter: int | None = None,
        kind: str = "webauthn.get",
        flags: int = 0x05,
        key: Any = None,
        spoilt: bool = False,
    ) -> dict[str, Any]:
        """Answer the options of a sign-on. `user`: the handle a passkey names by itself. `flags`: 1 touched, 4 finger or PIN."""
        if counter is None:
            self.counter += 1
            counter = self.counter
        client = CollectedClientData.create(kind, challenge or options["publicKey"]["challenge"], origin or self.origin)
        data = bytes(AuthenticatorData.create(self._host_hash(host or self.host), flags, counter))
        signature = (key or self.key).sign(data + hashlib.sha256(bytes(client)).digest(), ec.ECDSA(hashes.SHA256()))
        if spoilt:
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        response = {
            "clientDataJSON": websafe_encode(client),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
        }
        if user is not None:
            response["userHandle"] = websafe_encode(user.encode())
        return {**self._named(), "response": response, "clientExtensionResults": {}}

    def _named(self) -> dict[str, Any]:
        word = websafe_encode(self.id)
        return {"id": word, "rawId": word, "type": "public-key"}

    @staticmethod
    def _host_hash(host: str) -> bytes:
        return hashlib.sha256(host.encode()).digest()
