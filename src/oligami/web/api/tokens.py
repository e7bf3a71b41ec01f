"""Makes, finds and revokes the tokens of programs. A token never does more than its person, nor at another site than its own."""

import hashlib
import secrets
from datetime import timedelta

from django.http import HttpRequest
from ninja.security import HttpBearer

from oligami.web import clock
from oligami.web.accounts.models import Account
from oligami.web.api.models import Token

#: A token ends after this time; a setting of the deployment would be an invitation to make it long.
LIFE = timedelta(days=180)
_PREFIX = "oligami_"


def make_token(account: Account, *, trial: str, site: str | None, purpose: str) -> str:
    """Make a token and return it; it is shown this once."""
    word = _PREFIX + secrets.token_urlsafe(32)
    now = clock.now()
    Token.objects.create(
        digest=_digest(word), account=account, trial=trial, site=site, purpose=purpose[:200], made_at=now, expires_at=now + LIFE
    )
    return word


def find_token(word: str) -> Token | None:
    """Return the token of a word, if it holds now and its person is active."""
    token = Token.objects.select_related("account").filter(digest=_digest(word)).first()
    if token is None or token.revoked_at is not None or token.expires_at <= clock.now() or not token.account.is_active:
        return None
    return token


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


class TokenAuth(HttpBearer):
    """`Authorization: Bearer oligami_…`."""

    def authenticate(self, request: HttpRequest, token: str) -> Token | None:
        """Return the token that speaks, and let the request be its person's."""
        found = find_token(token)
        if found is not None:
            request.user = found.account
            request.token = found  # read by `api.asking`
        return found
