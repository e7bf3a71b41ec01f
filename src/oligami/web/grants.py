"""What PostgreSQL's role of the running program may do: each app's part, together."""

from django.db.backends.base.base import BaseDatabaseWrapper

from oligami.web.accounts import guards as accounts
from oligami.web.journal import guards as journal

#: Ordinary tables of the pages: drafts, which go when they are submitted, and tokens, which are revoked and stay.
_CHANGED = ("casebook_draft", "api_token")


def grants(role: str, connection: BaseDatabaseWrapper) -> tuple[str, ...]:
    """Return the SQL that gives the program's role what it needs, and no more; the owner of the tables runs it.

    Args:
        role: the role that the running program connects as; another owns the tables and runs `migrate`.
        connection: for quoting the role's name.
    """
    name = connection.ops.quote_name(role)
    pages = f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(_CHANGED)} TO {name}"
    return (*journal.grants(role, connection), *accounts.grants(role, connection), pages)
