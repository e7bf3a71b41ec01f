"""The triggers by which the database keeps the access log as it was written, on SQLite and on PostgreSQL.

Trap: SQLite loses a table's triggers when a migration rebuilds the table; such a migration must end with `install`.
"""

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_TABLE = "accounts_access"
_REFUSED = f"{_TABLE}: lines of the access log are never changed or deleted"
_TAKEN = f"{_TABLE}: a line takes the next free number"
NAMES = ("accounts_access_next", "accounts_access_kept", "accounts_access_unchanged")
#: Tables from which nothing is deleted: an account stands for one person for ever.
_KEPT = ("accounts_account", "accounts_recovery")
#: Tables that the running program may change in every way.
_CHANGED = (
    *("accounts_attempts", "accounts_cache", "identity_identity", "django_session", "account_emailaddress", "mfa_authenticator"),
    *("socialaccount_socialaccount", "socialaccount_socialtoken"),
)
_READ = (
    *(
        "accounts_account_groups",
        "accounts_account_user_permissions",
        "account_emailconfirmation",
        "socialaccount_socialapp",
        "auth_permission",
        "auth_group",
    ),
    "django_content_type",
)

_SQLITE = (
    # INSERT OR REPLACE would remove a line without asking the trigger of DELETE.
    f"""
    CREATE TRIGGER accounts_access_next BEFORE INSERT ON {_TABLE}
    WHEN EXISTS (SELECT 1 FROM {_TABLE} WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, '{_TAKEN}'); END
    """,
    f"""
    CREATE TRIGGER accounts_access_kept BEFORE DELETE ON {_TABLE}
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END
    """,
    f"""
    CREATE TRIGGER accounts_access_unchanged BEFORE UPDATE ON {_TABLE}
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END
    """,
)
_POSTGRESQL = (
    f"""
    CREATE FUNCTION accounts_access_kept() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    f"""
    CREATE FUNCTION accounts_access_next() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    DECLARE taken boolean;
    BEGIN
      EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.%I WHERE id = $1)', TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO taken USING NEW.id;
      IF taken THEN
        RAISE EXCEPTION '{_TAKEN}' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    f"""
    CREATE TRIGGER accounts_access_next BEFORE INSERT ON {_TABLE}
    FOR EACH ROW EXECUTE FUNCTION accounts_access_next()
    """,
    f"""
    CREATE TRIGGER accounts_access_kept BEFORE DELETE OR TRUNCATE ON {_TABLE}
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_access_kept()
    """,
    f"""
    CREATE TRIGGER accounts_access_unchanged BEFORE UPDATE ON {_TABLE}
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_access_kept()
    """,
)


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the triggers in a database that has the table and none of them."""
    with connection.cursor() as cursor:
        for statement in _SQLITE if connection.vendor == "sqlite" else _POSTGRESQL:
            cursor.execute(statement)


def missing_guards(using: str = DEFAULT_DB_ALIAS) -> tuple[str, ...]:
    """Return the names of the triggers that a database lacks or has disabled."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [_TABLE])
        else:
            cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgenabled IN ('O', 'A')", [_TABLE])
        there = {name for (name,) in cursor.fetchall()}
    return tuple(name for name in NAMES if name not in there)


def grants(role: str, connection: BaseDatabaseWrapper) -> tuple[str, ...]:
    """Return the SQL that gives PostgreSQL's role of the application what accounts need; it joins `journal.guards.grants`."""
    name = connection.ops.quote_name(role)
    return (
        f"REVOKE ALL ON {_TABLE} FROM PUBLIC, {name}",
        f"GRANT SELECT, INSERT ON {_TABLE} TO {name}",
        f"GRANT SELECT, INSERT, UPDATE ON {', '.join(_KEPT)} TO {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(_CHANGED)} TO {name}",
        f"GRANT SELECT ON {', '.join(_READ)} TO {name}",
    )
