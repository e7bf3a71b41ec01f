"""What the environment says about signing on, read and judged before Django sees it; all that is wrong is said at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from oligami.protocol.text import Reason, Text
from oligami.web.accounts.oidc import origins, read_hospitals
from oligami.web.configuration import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """The server that takes mails. `tls`: encrypted from the first byte; otherwise it must offer STARTTLS."""

    host: str
    port: int
    user: str
    password: str
    tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The settings of signing on, checked. Times in seconds."""

    https: bool
    proxied: bool
    proxies: int
    second_factor: str
    idle_s: int
    session_s: int
    hospitals: Sequence[Mapping[str, Any]]
    hospital_origins: Sequence[str]
    mail: Mail | None
    mail_from: str


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Return the settings that the environment's variables name; `accounts.settings` lists them.

    Raises:
        ConfigurationError: with all that is wrong.
    """
    problems: list[Reason] = []
    https = _word(environ, "OLIGAMI_HTTPS", ("no", "yes", "proxy"), "no", problems)
    second = _word(
        environ, "OLIGAMI_SECOND_FACTOR", ("optional", "required"), "optional" if https == "no" else "required", problems
    )
    proxies = _number(environ, "OLIGAMI_PROXIES", 0, 5, 1 if https == "proxy" else 0, problems)
    idle = _number(environ, "OLIGAMI_IDLE_MINUTES", 1, 720, 30, problems)
    hours = _number(environ, "OLIGAMI_SESSION_HOURS", 1, 24, 12, problems)
    hospitals: Sequence[Mapping[str, Any]] = ()
    try:
        hospitals = read_hospitals(environ.get("OLIGAMI_OIDC", ""))
    except ConfigurationError as error:
        problems.extend(error.problems)
    mail = None
    try:
        mail = _mail(environ.get("OLIGAMI_MAIL", ""))
    except ValueError:
        text = Text(
            "OLIGAMI_MAIL is no address of a mail server; expected smtps://user:password@host:465 or smtp://host:587",
            "OLIGAMI_MAIL をメールサーバーのアドレスとして読めません（例 smtps://user:password@host:465、smtp://host:587）",
        )
        problems.append(Reason("OLIGAMI_MAIL", text))
    if problems:
        raise ConfigurationError(problems)
    return Environment(
        https=https != "no",
        proxied=https == "proxy",
        proxies=proxies,
        second_factor=second,
        idle_s=idle * 60,
        session_s=hours * 3600,
        hospitals=hospitals,
        hospital_origins=origins(hospitals),
        mail=mail,
        mail_from=environ.get("OLIGAMI_MAIL_FROM") or "oligami@localhost",
    )


def _word(environ: Mapping[str, str], name: str, known: tuple[str, ...], default: str, problems: list[Reason]) -> str:
    word = environ.get(name, "").strip().lower() or default
    if word not in known:
        choices = ", ".join(known)
        problems.append(Reason(name, Text(f"{name} is none of {choices}", f"{name} は {choices} のいずれかで指定してください")))
    return word


def _number(environ: Mapping[str, str], name: str, least: int, most: int, default: int, problems: list[Reason]) -> int:
    word = environ.get(name, "").strip() or str(default)
    if not (word.isascii() and word.isdigit() and least <= int(word) <= most):
        text = Text(f"{name} is no number from {least} to {most}", f"{name} は {least} から {most} の整数で指定してください")
        problems.append(Reason(name, text))
        return default
    return int(word)


def _mail(address: str) -> Mail | None:
    if not address.strip():
        return None
    parts = urlsplit(address.strip())
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError
    tls = parts.scheme == "smtps"
    return Mail(
        host=parts.hostname,
        port=parts.port or (465 if tls else 587),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=tls,
    )
