"""What a database must keep to before a trial is entrusted to it: nothing acknowledged is lost, nothing written is rewritten.

The settings are checked when the program starts, the database itself when a trial's desk opens.
"""

from collections.abc import Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from oligami.protocol.text import Reason, Text
from oligami.web.configuration import ConfigurationError
from oligami.web.journal.guards import missing_guards

#: `PRAGMA synchronous`: 2 is FULL, 3 is EXTRA.
_FULL = 2


def check_settings(databases: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse settings of SQLite that are weaker than WAL, synchronous=FULL, foreign keys and IMMEDIATE transactions.

    Raises:
        ConfigurationError: what is missing, for each database.
    """
    problems: list[Reason] = []
    for alias, database in databases.items():
        if database.get("ENGINE") != "django.db.backends.sqlite3":
            continue
        options = database.get("OPTIONS", {})
        said = {part.strip().lower().replace(" ", "") for part in str(options.get("init_command", "")).split(";")}
        wanted = {
            "PRAGMA journal_mode=WAL": bool(said & {"pragmajournal_mode=wal"}),
            "PRAGMA synchronous=FULL": bool(said & {"pragmasynchronous=full", "pragmasynchronous=extra"}),
            "transaction_mode IMMEDIATE": str(options.get("transaction_mode", "")).upper() in ("IMMEDIATE", "EXCLUSIVE"),
        }
        problems.extend(_weak(alias, name) for name, there in wanted.items() if not there)
    if problems:
        raise ConfigurationError(problems)


def check_database(using: str = DEFAULT_DB_ALIAS) -> None:
    """Refuse a database that would lose acknowledged commits or let records be rewritten, as it answers itself.

    Raises:
        ConfigurationError: all that is wrong with it.
    """
    connection = connections[using]
    problems = []
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            expected = {
                "journal_mode": lambda value: value == "wal",
                "synchronous": lambda value: value >= _FULL,
                "foreign_keys": lambda value: value == 1,
            }
            for name, good in expected.items():
                cursor.execute(f"PRAGMA {name}")
                if not good(cursor.fetchone()[0]):
                    problems.append(_weak(using, f"PRAGMA {name}"))
        else:
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                cursor.execute(f"SHOW {name}")
                if cursor.fetchone()[0] == "off":
                    problems.append(_weak(using, name))
    for name in missing_guards(using):
        text = Text(
            f"The trigger {name} that keeps records from being changed is missing or disabled; run `migrate`, or ask who removed it",
            f"記録の変更を防ぐトリガー {name} がないか無効です。`migrate` を実行するか、削除の経緯を確認してください",
        )
        problems.append(Reason("database.guard", text))
    if problems:
        raise ConfigurationError(problems)


def _weak(alias: str, name: str) -> Reason:
    text = Text(
        f"Database {alias}: {name} is not set as it must be; acknowledged entries could be lost when the power goes",
        f"データベース {alias}: {name} の設定が必要な値ではありません。停電時に受付済みの記録が失われるおそれがあります",
    )
    return Reason("database.durability", text)
