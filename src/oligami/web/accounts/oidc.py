"""Hospital sign-on (OpenID Connect): which hospitals' servers vouch for whom, from the environment.

`OLIGAMI_OIDC` holds JSON, or the path of a file that does: a list of

    {"id": "hospital-a", "name": "Hospital A", "issuer": "https://login.hospital-a.example",
     "client_id": "…", "secret": "…", "domains": ["hospital-a.example"], "uid": "sub", "origins": ["https://…"]}

`domains`: whose mail addresses this server may vouch for; with none, only identities registered beforehand are taken. `origins`:
further origins that its sign-on leads through. No account is ever made from here: an identity must match one that exists, by
the subject that the administrator registered or by an address that the hospital's server says it verified.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from oligami.protocol.text import Reason, Text
from oligami.web.configuration import ConfigurationError

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_NEEDED = ("id", "name", "issuer", "client_id", "secret")
_KNOWN = frozenset((*_NEEDED, "domains", "uid", "origins"))


def read_hospitals(setting: str) -> tuple[Mapping[str, Any], ...]:
    """Return the hospitals' servers as allauth wants its applications; none for an empty setting.

    Raises:
        ConfigurationError: with all that is wrong; no secret is repeated.
    """
    setting = setting.strip()
    if not setting:
        return ()
    try:
        text = setting if setting[0] in "[{" else Path(setting).read_text(encoding="utf-8")
        listed = json.loads(text)
    except (OSError, ValueError):
        raise ConfigurationError(
            [_wrong("is neither JSON nor the path of a file with JSON", "が JSON でも JSON ファイルのパスでもありません")]
        ) from None
    entries = listed if isinstance(listed, list) else [listed]
    problems: list[Reason] = []
    made = []
    for number, entry in enumerate(entries, start=1):
        found = _faults(entry, number)
        problems.extend(found)
        if not found:
            made.append(_application(entry))
    names = [application["provider_id"] for application in made]
    if len(set(names)) < len(names):
        problems.append(_wrong("names two servers by the same id", "に同じ id のサーバーが二つあります"))
    if problems:
        raise ConfigurationError(problems)
    return tuple(made)


def origins(applications: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the origins that sign-on leads through, for the content security policy."""
    found = {origin: None for application in applications for origin in application["settings"]["origins"]}
    return tuple(found)


def _application(entry: Mapping[str, Any]) -> dict[str, Any]:
    settings = {
        "server_url": entry["issuer"],
        "origins": [_origin(entry["issuer"]), *map(_origin, entry.get("origins", ()))],
        "domains": [domain.lower() for domain in entry.get("domains", ())],
        "uid_field": entry.get("uid", "sub"),
        "email_authentication": bool(entry.get("domains")),
    }
    return {
        "provider_id": entry["id"],
        "name": entry["name"],
        "client_id": entry["client_id"],
        "secret": entry["secret"],
        "settings": settings,
    }


def _faults(entry: Any, number: int) -> list[Reason]:
    where, wo = f"entry {number}", f"{number} 番目の項目"
    if not isinstance(entry, dict):
        return [_wrong(f"{where} is no object", f"の {wo}がオブジェクトではありません")]
    problems = [
        _wrong(f"{where} has no text under `{key}`", f"の {wo}に `{key}`（文字列）がありません")
        for key in _NEEDED
        if not isinstance(entry.get(key), str) or not entry[key]
    ]
    strange = sorted(entry.keys() - _KNOWN)
    if strange:
        problems.append(
            _wrong(f"{where} has unknown keys: {', '.join(strange)}", f"の {wo}に不明なキーがあります: {', '.join(strange)}")
        )
    if not problems and _ID.fullmatch(entry["id"]) is None:
        problems.append(
            _wrong(f"{where}: the id takes small letters, digits and hyphens", f"の {wo}: id は英小文字・数字・ハイフンです")
        )
    for key in ("domains", "origins"):
        listed = entry.get(key, [])
        if not isinstance(listed, list) or not all(isinstance(word, str) and word for word in listed):
            problems.append(_wrong(f"{where}: `{key}` is no list of texts", f"の {wo}: `{key}` が文字列のリストではありません"))
    if not problems:
        for address in (entry["issuer"], *entry.get("origins", [])):
            parts = urlsplit(address)
            if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1"):
                problems.append(
                    _wrong(f"{where}: {parts.netloc or 'an address'} is not https", f"の {wo}: https ではないアドレスがあります")
                )
    return problems


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _wrong(en: str, ja: str) -> Reason:
    return Reason("OLIGAMI_OIDC", Text(f"OLIGAMI_OIDC {en}", f"OLIGAMI_OIDC {ja}"))
