"""What the environment says about this deployment, read and judged before Django sees it; all that is wrong is said at once."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from oligami.protocol.text import Language, Reason, Text

#: Said to each new SQLite connection. WAL with synchronous=NORMAL loses acknowledged commits when the power goes.
SQLITE_START = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON"
#: Seconds that a writer waits for its turn at the database file.
SQLITE_WAIT_S = 10
_YES = frozenset(("1", "true", "yes", "on"))
_NO = frozenset(("", "0", "false", "no", "off"))
#: What may follow the `?` of a PostgreSQL address; anything else is a slip, and a slip must not pass in silence.
_POSTGRESQL_OPTIONS = frozenset(("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name"))


class ConfigurationError(Exception):
    """The program cannot start as it is set up. Every reason is in it, fit to show; no secret is."""

    def __init__(self, problems: list[Reason]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.text(language) for language in ("en", "ja")))

    def text(self, language: Language) -> str:
        """Return all problems as lines, each with what it is about."""
        return "\n".join(f"- {problem.text[language]} [{problem.rule}]" for problem in self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A deployment's settings, checked.

    Attributes:
        secret_key: signs sessions and tokens.
        debug: pages show their faults; never for a real trial.
        data: folder of the embedded database and of the secrets.
        secrets: folder of the secrets of randomization, one file `*.secret` each, outside the database.
        hosts: names under which the server answers.
        database: as Django's `DATABASES` wants it.
        rehearsal_at: instant at which a rehearsal's clock begins; None: the clock as it is.
        time_zone: the zone of the dates that people read beside UTC.
        protocols: folders besides the installed ones in which new versions of protocols are looked for.
        draft_days: after so many days a draft is shown as an old one.
    """

    secret_key: str
    debug: bool
    data: Path
    secrets: Path
    hosts: tuple[str, ...]
    database: Mapping[str, Any]
    rehearsal_at: datetime | None = None
    time_zone: str = "Asia/Tokyo"
    protocols: tuple[Path, ...] = ()
    draft_days: int = 30


def read_configuration(environ: Mapping[str, str]) -> Configuration:
    """Return the settings that the environment's variables name.

    `OLIGAMI_SECRET_KEY` (needed), `OLIGAMI_DEBUG`, `OLIGAMI_DATA` (folder; `oligami-data` here if left out),
    `OLIGAMI_SECRETS` (folder; `secrets` in the data folder if left out), `OLIGAMI_HOSTS` (names, comma between them),
    `DATABASE_URL` (`postgresql://…` or `sqlite:///…`; a file in the data folder if left out), `OLIGAMI_REHEARSAL_AT` (instant
    with its offset, ISO 8601), `OLIGAMI_TIME_ZONE` (`Asia/Tokyo` if left out), `OLIGAMI_PROTOCOLS` (folders of protocols
    besides the installed ones, `:` between them), `OLIGAMI_DRAFT_DAYS` (30 if left out).

    Raises:
        ConfigurationError: with all that is wrong.
    """
    problems: list[Reason] = []
    debug = _read_switch(environ, "OLIGAMI_DEBUG", problems)
    key = environ.get("OLIGAMI_SECRET_KEY", "")
    if len(key) < 32:
        text = Text(
            f"OLIGAMI_SECRET_KEY has {len(key)} characters; expected at least 32 by chance, kept secret and unchanged. Make one: "
            'python -c "import secrets; print(secrets.token_urlsafe(48))"',
            f"OLIGAMI_SECRET_KEY は {len(key)} 文字です。32 文字以上の無作為な文字列を秘密にし、変えずに使ってください。作成例: "
            'python -c "import secrets; print(secrets.token_urlsafe(48))"',
        )
        problems.append(Reason("OLIGAMI_SECRET_KEY", text))
    data = Path(environ.get("OLIGAMI_DATA") or "oligami-data").absolute()
    address = environ.get("DATABASE_URL", "")
    try:
        database = read_database_url(address) if address else sqlite_database(data / "oligami.sqlite3")
        _check_folder(database)
    except ConfigurationError as error:
        problems.extend(error.problems)
        database = {}
    rehearsal_at = _read_instant(environ, "OLIGAMI_REHEARSAL_AT", problems)
    time_zone = environ.get("OLIGAMI_TIME_ZONE") or "Asia/Tokyo"
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        text = Text(
            "OLIGAMI_TIME_ZONE is no known time zone; for example Asia/Tokyo",
            "OLIGAMI_TIME_ZONE の時間帯が不明です（例 Asia/Tokyo）",
        )
        problems.append(Reason("OLIGAMI_TIME_ZONE", text))
    protocols = tuple(Path(word).absolute() for word in environ.get("OLIGAMI_PROTOCOLS", "").split(os.pathsep) if word)
    for folder in protocols:
        if not folder.is_dir():
            text = Text(f"There is no folder {folder}", f"フォルダー {folder} がありません")
            problems.append(Reason("OLIGAMI_PROTOCOLS", text))
    days = environ.get("OLIGAMI_DRAFT_DAYS") or "30"
    if not re.fullmatch(r"[1-9][0-9]{0,3}", days):
        text = Text(
            "OLIGAMI_DRAFT_DAYS is no number of days from 1 to 9999", "OLIGAMI_DRAFT_DAYS は 1～9999 の日数で指定してください"
        )
        problems.append(Reason("OLIGAMI_DRAFT_DAYS", text))
    if problems:
        raise ConfigurationError(problems)
    return Configuration(
        secret_key=key,
        debug=debug,
        data=data,
        secrets=Path(environ.get("OLIGAMI_SECRETS") or data / "secrets").absolute(),
        hosts=tuple(host.strip() for host in environ.get("OLIGAMI_HOSTS", "127.0.0.1,localhost").split(",") if host.strip()),
        database=database,
        rehearsal_at=rehearsal_at,
        time_zone=time_zone,
        protocols=protocols,
        draft_days=int(days),
    )


def _read_instant(environ: Mapping[str, str], name: str, problems: list[Reason]) -> datetime | None:
    word = environ.get(name, "").strip()
    if not word:
        return None
    try:
        instant = datetime.fromisoformat(word)
        if instant.tzinfo is None:
            raise ValueError
    except ValueError:
        text = Text(
            f"{name} is no instant; expected ISO 8601 with its offset, for example 2026-04-01T09:00:00+09:00",
            f"{name} を時刻として読めません。時差付きの ISO 8601 で指定してください（例 2026-04-01T09:00:00+09:00）",
        )
        problems.append(Reason(name, text))
        return None
    return instant


def _check_folder(database: Mapping[str, Any]) -> None:
    """Say that the folder of an embedded database is missing, before SQLite says that it cannot open a file."""
    folder = Path(database["NAME"]).parent
    if "sqlite3" in database["ENGINE"] and not folder.is_dir():
        text = Text(
            f"The folder {folder} of the database does not exist; make it, or name another by OLIGAMI_DATA",
            f"データベースのフォルダー {folder} がありません。作成するか、OLIGAMI_DATA で別のフォルダーを指定してください",
        )
        raise ConfigurationError([Reason("OLIGAMI_DATA", text)])


def _read_switch(environ: Mapping[str, str], name: str, problems: list[Reason]) -> bool:
    word = environ.get(name, "").strip().lower()
    if word not in _YES | _NO:
        text = Text(f"{name} is neither yes nor no", f"{name} は yes か no で指定してください")
        problems.append(Reason(name, text))
    return word in _YES


def sqlite_database(path: Path) -> dict[str, Any]:
    """Return Django's settings of an embedded database whose acknowledged commits survive a loss of power."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": SQLITE_START, "timeout": SQLITE_WAIT_S},
    }


def read_database_url(address: str) -> dict[str, Any]:
    """Return Django's settings of a database from its address.

    `postgresql://user:password@host:port/name?sslmode=require`, or `sqlite:////absolute/path` (`sqlite:///relative/path`).

    Raises:
        ConfigurationError: the address is neither; it is not repeated in the message, for it holds a password.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise _wrong_address(_FORM) from None
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme == "sqlite":
        if parts.netloc or not name or name == ":memory:" or parts.query or parts.fragment:
            raise _wrong_address(_SQLITE_FORM)
        return sqlite_database(Path(name).absolute())
    if parts.scheme not in ("postgresql", "postgres") or not name or "/" in name or parts.fragment:
        raise _wrong_address(_FORM)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    strange = sorted(options.keys() - _POSTGRESQL_OPTIONS)
    if strange:
        known = ", ".join(sorted(_POSTGRESQL_OPTIONS))
        raise _wrong_address(
            Text(
                f"DATABASE_URL has options that are not known: {', '.join(strange)}; known are {known}",
                f"DATABASE_URL に不明なオプションがあります: {', '.join(strange)}（使えるもの: {known}）",
            )
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": "" if port is None else str(port),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


_FORM = Text(
    "DATABASE_URL is not an address of a database: expected postgresql://user:password@host:port/name, or sqlite:////path",
    "DATABASE_URL がデータベースのアドレスではありません: postgresql://user:password@host:port/name または sqlite:////path",
)
_SQLITE_FORM = Text(
    "DATABASE_URL names SQLite but no file alone: expected sqlite:////path, without host or options (they are not for choosing)",
    "DATABASE_URL の SQLite の書き方が違います: sqlite:////path（ホストやオプションは指定できません）",
)


def _wrong_address(text: Text) -> ConfigurationError:
    return ConfigurationError([Reason("DATABASE_URL", text)])
