"""The triggers by which the database itself keeps the records from being changed, on SQLite and on PostgreSQL.

- A record is added only as the next one of its trial: number one more than the newest. On SQLite this also closes the way of
  `INSERT OR REPLACE`, which removes rows without asking the triggers of DELETE.
- No record is deleted, no table of records emptied.
- No record is updated, with one exception: its body may become null when a later record redacts it. The database does that by
  itself, as the redacting record is inserted; so the application needs no right to update, and both are in one transaction.

Who owns the tables can remove a trigger; the desk looks for them when it opens (`missing_guards`), the chain of seals and the
heads that left the house convict him in any case. Trap: SQLite loses a table's triggers when a migration rebuilds the table
(`AlterField` and the like do); such a migration must end with `install`.
"""

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

#: Columns that stay as they are even when a body goes.
_FIXED = ("trial", "seq", "head", "seal", "kind", "subject", "command", "part", "redacts")
_REFUSED = "journal_record: records are never changed or deleted"
_NOT_NEXT = "journal_record: a record must be the next one of its trial, and its command a new one"
NAMES = ("journal_record_next", "journal_record_kept", "journal_record_unchanged", "journal_record_redacted")

_SQLITE = (
    f"""
    CREATE TRIGGER journal_record_next BEFORE INSERT ON journal_record
    WHEN NEW.seq IS NOT 1 + coalesce((SELECT seq FROM journal_record WHERE trial = NEW.trial ORDER BY seq DESC LIMIT 1), 0)
      OR EXISTS (SELECT 1 FROM journal_record WHERE trial = NEW.trial AND command = NEW.command AND part = NEW.part)
    BEGIN SELECT RAISE(ABORT, '{_NOT_NEXT}'); END
    """,
    f"""
    CREATE TRIGGER journal_record_kept BEFORE DELETE ON journal_record
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END
    """,
    f"""
    CREATE TRIGGER journal_record_unchanged BEFORE UPDATE ON journal_record
    WHEN NOT (
      OLD.body IS NOT NULL AND NEW.body IS NULL
      AND {" AND ".join(f"NEW.{column} IS OLD.{column}" for column in _FIXED)}
      AND EXISTS (SELECT 1 FROM journal_record WHERE trial = OLD.trial AND redacts = OLD.seq AND seq > OLD.seq)
    )
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END
    """,
    """
    CREATE TRIGGER journal_record_redacted AFTER INSERT ON journal_record WHEN NEW.redacts IS NOT NULL
    BEGIN
      UPDATE journal_record SET body = NULL
      WHERE trial = NEW.trial AND seq = NEW.redacts AND seq < NEW.seq AND body IS NOT NULL;
    END
    """,
)

# The functions name the table by its schema, so no other table of that name can be put before it. The one that removes a body
# runs with its owner's rights: the application's role has none to update.
_POSTGRESQL = (
    f"""
    CREATE FUNCTION journal_record_next() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    DECLARE newest bigint; known boolean;
    BEGIN
      EXECUTE format('SELECT coalesce(max(seq), 0) FROM %I.%I WHERE trial = $1', TG_TABLE_SCHEMA, TG_TABLE_NAME)
        INTO newest USING NEW.trial;
      EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.%I WHERE trial = $1 AND command = $2 AND part = $3)',
        TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO known USING NEW.trial, NEW.command, NEW.part;
      IF NEW.seq IS DISTINCT FROM newest + 1 OR known THEN
        RAISE EXCEPTION '{_NOT_NEXT}' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    f"""
    CREATE FUNCTION journal_record_kept() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    f"""
    CREATE FUNCTION journal_record_unchanged() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    DECLARE redacted boolean;
    BEGIN
      EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.%I WHERE trial = $1 AND redacts = $2 AND seq > $2)',
        TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO redacted USING OLD.trial, OLD.seq;
      IF OLD.body IS NULL OR NEW.body IS NOT NULL OR NOT redacted
        OR {" OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in _FIXED)}
      THEN
        RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE FUNCTION journal_record_redacted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      EXECUTE format('UPDATE %I.%I SET body = NULL WHERE trial = $1 AND seq = $2 AND seq < $3 AND body IS NOT NULL',
        TG_TABLE_SCHEMA, TG_TABLE_NAME) USING NEW.trial, NEW.redacts, NEW.seq;
      RETURN NULL;
    END $$
    """,
    "REVOKE ALL ON FUNCTION journal_record_redacted() FROM PUBLIC",
    """
    CREATE TRIGGER journal_record_next BEFORE INSERT ON journal_record
    FOR EACH ROW EXECUTE FUNCTION journal_record_next()
    """,
    """
    CREATE TRIGGER journal_record_kept BEFORE DELETE OR TRUNCATE ON journal_record
    FOR EACH STATEMENT EXECUTE FUNCTION journal_record_kept()
    """,
    """
    CREATE TRIGGER journal_record_unchanged BEFORE UPDATE ON journal_record
    FOR EACH ROW EXECUTE FUNCTION journal_record_unchanged()
    """,
    """
    CREATE TRIGGER journal_record_redacted AFTER INSERT ON journal_record
    FOR EACH ROW WHEN (NEW.redacts IS NOT NULL) EXECUTE FUNCTION journal_record_redacted()
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
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'journal_record'")
        else:
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass('journal_record') AND tgenabled IN ('O', 'A')"
            )
        there = {name for (name,) in cursor.fetchall()}
    return tuple(name for name in NAMES if name not in there)


def grants(role: str, connection: BaseDatabaseWrapper) -> tuple[str, ...]:
    """Return the SQL that gives PostgreSQL's role of the application what it needs, and no more.

    Args:
        role: the role that the running program connects as; another owns the tables and runs `migrate`.
        connection: for quoting the role's name.
    """
    name = connection.ops.quote_name(role)
    ledger = ", ".join(sorted(table for table in connection.introspection.django_table_names() if table.startswith("ledger_")))
    return (
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"REVOKE ALL ON journal_record FROM PUBLIC, {name}",
        f"GRANT SELECT, INSERT ON journal_record TO {name}",
        f"GRANT SELECT, INSERT, UPDATE ON journal_head TO {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {ledger} TO {name}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}",
        f"GRANT SELECT ON django_migrations TO {name}",
    )
