"""R10, input storm: mutated requests of every kind, in process; no answer is a fault of the program, and no 4xx changes anything.

`--requests N` (50 000, half of them on each database), `--seed N`. A request is made of an address of the project and words that programs choke on. The control
is a view that does choke: its answer must be counted, its stack trace found.
"""

import argparse
import itertools
import json
import random
import re
import secrets
import string
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlencode, urlsplit

#: What programs choke on, one a kind: bytes that are no text, numbers that fit nowhere, words of other languages than the one meant.
WORDS: tuple[Any, ...] = (
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\ud83d\ude00",
    "é",
    "́" * 50,
    "‮right to left",
    "０１２３",
    "二〇二四年六月",
    "-1",
    "0",
    "1" * 30,
    str(2**31),
    str(2**63),
    str(-(2**63) - 1),
    "1e400",
    "NaN",
    "Infinity",
    "0x10",
    "1_000",
    "²",
    "½",
    "2024-02-30",
    "9999-12-31",
    "0001-01-01",
    "10000-01-01",
    "2024-W01-1",
    "-2024-01-01",
    "2024-06",
    "' OR '1'='1",
    "'; DROP TABLE journal_record; --",
    "\\",
    "%",
    "%%00",
    "{{ 7*7 }}",
    "{% debug %}",
    "${7*7}",
    "{0.__class__}",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "//example.org/",
    "http://example.org/",
    "\r\nSet-Cookie: a=b",
    "a" * 300,
    "a" * 70_000,
    "[]",
    "{}",
    "null",
    "true",
    "__proto__",
    "S-0001",
    "S-0002",
    "s01",
    "first",
    "second",
    "open",
)
_RAW = (
    b"\xff\xfe",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"%",
    b"%zz",
    b"\0",
    b"a=%ff",
    b"\x80abc",
    b"=" * 50,
    b"&" * 50,
    b"[" * 3_000,
    b'{"a":' * 3_000,
)
_TYPES = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "multipart/form-data; boundary=\x7f",
    "text/plain",
    "application/json; charset=nonsense",
    "application/x-www-form-urlencoded; charset=utf-16",
    "image/png",
    "",
    "a" * 500,
)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "NONSENSE")
_HEADERS = (
    "ACCEPT", "ACCEPT_LANGUAGE", "AUTHORIZATION", "COOKIE", "HOST", "HX_REQUEST", "HX_TARGET", "HX_CURRENT_URL", "IF_MODIFIED_SINCE",
    "IF_NONE_MATCH", "ORIGIN", "RANGE", "REFERER", "USER_AGENT", "X_CSRFTOKEN", "X_FORWARDED_FOR", "X_FORWARDED_PROTO",
)  # fmt: skip
#: What would be carried out by a browser if a page gave it back as it came (R12, in part: none of it is rendered here).
_GIVEN_BACK = re.compile(rb"<script>alert\(1\)|<svg onload|href=[\"']?javascript:", re.IGNORECASE)
#: What a page of a fault would show.
_TRACE = re.compile(
    rb'Traceback \(most recent|File "[^"]+\.py", line \d+|<title>[A-Za-z]*(?:Error|Exception) at /|DJANGO_SETTINGS_MODULE'
)


@dataclass
class Figures:
    """What was sent, what came back, and what was wrong with it."""

    sent: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A request, so that it can be sent again."""

    method: str
    path: str
    query: str
    body: bytes
    kind: str
    headers: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.method} {self.path[:200]!r} ?{self.query[:200]!r} {self.kind[:60]!r} {self.body[:300]!r} {dict(self.headers)}"[
            :1200
        ]


class Storm:
    """Makes requests by chance: most are nearly right, so that they come far."""

    def __init__(
        self, addresses: Sequence[tuple[str, tuple[str, ...], Mapping[str, str]]], fields: Sequence[str], *, seed: int
    ) -> None:
        """Take addresses (a template with `{part}`, its parts, good words for them) and names of fields that pages read."""
        self._addresses, self._fields = addresses, fields
        self._chance = random.Random(seed)

    def word(self) -> Any:
        """Return a word that may hurt, now and then several at once or one turned about."""
        chance = self._chance
        word = str(chance.choice(WORDS))
        way = chance.random()
        if way < 0.1:
            word += str(chance.choice(WORDS))[:400]
        elif way < 0.2 and word:
            at = chance.randrange(len(word))
            word = word[:at] + chr(chance.choice((0, 9, 10, 13, 39, 34, 60, 127, 133, 0x2028, 0xFFFE, 0x1F600))) + word[at + 1 :]
        elif way < 0.25:
            word = "".join(chance.choices(string.printable, k=chance.randrange(40)))
        return word

    def shot(self) -> Shot:
        """Return the next request."""
        chance = self._chance
        template, parts, good = chance.choice(self._addresses)
        # One part in four is wrong; the others lead to where the views read on.
        words = {part: good[part] if chance.random() < 0.75 else self.word()[:2_000] for part in parts}
        path = template.format(**{part: _quoted(word) for part, word in words.items()})
        if chance.random() < 0.03:
            path = path[: chance.randrange(1, len(path) + 1)] + quote_from_bytes(chance.choice(_RAW), safe="/%")
        way = chance.random()
        method = (
            chance.choice(_METHODS)
            if way < 0.08
            else "PATCH"
            if way < 0.12 and "/api/" in path
            else "GET"
            if way < 0.45
            else "POST"
        )
        query = self._query() if chance.random() < 0.4 else ""
        body, kind = self._body(path) if method not in ("GET", "HEAD", "get") else (b"", "")
        headers = {chance.choice(_HEADERS): _header(self.word()) for _ in range(chance.choice((0, 0, 0, 1, 2)))}
        return Shot(method=method, path=path, query=query, body=body, kind=kind, headers=headers)

    def _pairs(self) -> list[tuple[str, str]]:
        chance = self._chance
        names = chance.choices(self._fields, k=chance.randrange(1, 12))
        pairs = [(name, self.word()) for name in names]
        if chance.random() < 0.7:
            pairs += [(name, secrets.token_hex(16)) for name in ("command", "_command")]
        return pairs

    def _query(self) -> str:
        if self._chance.random() < 0.1:
            return quote_from_bytes(self._chance.choice(_RAW), safe="%=&")[:6_000]
        return _encoded([(name, word[:3_000]) for name, word in self._pairs()])

    def _body(self, path: str) -> tuple[bytes, str]:
        chance = self._chance
        api = path.startswith("/api/")
        way = chance.random()
        if way < 0.15:
            return chance.choice(_RAW) * chance.choice((1, 1, 20)), chance.choice(_TYPES)
        if way < 0.2:
            return self._parts(), "multipart/form-data; boundary=x"
        if way < (0.85 if api else 0.3):
            return self._json(), "application/json" if chance.random() < 0.9 else chance.choice(_TYPES)
        kind = "application/x-www-form-urlencoded" if chance.random() < 0.9 else chance.choice(_TYPES)
        return _encoded(self._pairs()).encode(), kind

    def _parts(self) -> bytes:
        """Return a form in parts, with a file that is none."""
        lines = []
        for name, word in self._pairs():
            file = '; filename="\\..\\a\0.csv"' if self._chance.random() < 0.2 else ""
            lines.append(b'--x\r\nContent-Disposition: form-data; name="' + name.encode() + b'"' + file.encode() + b"\r\n\r\n")
            lines.append(word.encode("utf-8", "surrogatepass") + b"\r\n")
        return b"".join(lines) + (b"--x--\r\n" if self._chance.random() < 0.8 else b"")

    def _json(self) -> bytes:
        chance = self._chance
        names = (
            "command",
            "stage",
            "site",
            "subject",
            "values",
            "reasons",
            "seen",
            "password",
            "form",
            "visit",
            "new",
            "reason",
            "entry",
        )
        good = {
            "command": secrets.token_hex(16),
            "stage": "first",
            "site": "s01",
            "subject": "S-0001",
            "form": "follow_up",
            "reason": "storm",
            "seen": 1,
        }
        value: dict[str, Any] = {
            name: good[name] if name in good and chance.random() < 0.7 else self._value(3)
            for name in names
            if chance.random() < 0.8
        }
        if isinstance(value.get("entry"), dict) or chance.random() < 0.5:
            value["entry"] = {name: good.get(name, self._value(2)) for name in chance.choices(self._fields, k=6)}
        text = json.dumps(value, ensure_ascii=chance.random() < 0.5)
        if chance.random() < 0.1:
            text = text[: chance.randrange(len(text))]
        return text.encode("utf-8", "surrogatepass")

    def _value(self, depth: int) -> Any:
        chance = self._chance
        kind = chance.randrange(9 if depth else 6)
        match kind:
            case 0 | 1:
                return self.word()
            case 2:
                return chance.choice((0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**30))
            case 3:
                return chance.choice((0.1, 1e308, -0.0, float("nan"), float("inf")))
            case 4:
                return chance.choice((True, False, None))
            case 5:
                return [1] * chance.choice((0, 1, 2_000))
            case 6:
                return [self._value(depth - 1) for _ in range(chance.randrange(4))]
            case _:
                return {
                    str(chance.choice((*self._fields, self.word()))): self._value(depth - 1) for _ in range(chance.randrange(6))
                }


def _quoted(word: str) -> str:
    return quote(word.encode("utf-8", "surrogatepass"), safe="")


def _encoded(pairs: Sequence[tuple[str, str]]) -> str:
    return urlencode([(name, word.encode("utf-8", "surrogatepass")) for name, word in pairs])


def _header(word: str) -> str:
    """Return a word as a server would hand it on: Latin-1 of its bytes, no line breaks."""
    raw = word.encode("utf-8", "surrogatepass").replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
    return raw[:4_000].decode("latin-1")


def send(client: Any, shot: Shot, *, token: str | None) -> Any:
    """Send a request as a server would hand it to the program."""
    headers = {f"HTTP_{name}": word for name, word in shot.headers.items()}
    if token is not None and shot.path.startswith("/api/") and "HTTP_AUTHORIZATION" not in headers:
        headers["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    if "HTTP_COOKIE" in headers:
        headers["HTTP_COOKIE"] = f"{headers['HTTP_COOKIE']}; {client.cookies.output(header='', sep=';', attrs=[])}"
    return client.generic(shot.method, shot.path, shot.body, shot.kind, QUERY_STRING=shot.query, **headers)


def blow(
    storm: Storm,
    clients: Sequence[tuple[str, Callable[[], Any], str | None]],
    state: Callable[[], Any],
    *,
    count: int,
    batch: int = 25,
) -> Figures:
    """Send requests and look at each answer; after each 4xx of a batch the journal must stand where it stood.

    clients: name, what makes a client that is signed on, its token of the API. state: what must not change.
    """
    figures = Figures()
    turns = itertools.cycle(clients)
    while figures.sent < count:
        name, make, token = next(turns)
        client = make()
        client.raise_request_exception = False
        for _ in range(min(batch, count - figures.sent)):
            if name != "nobody" and "sessionid" not in " ".join(client.cookies) and "_auth_user_id" not in client.session:
                client = make()
                client.raise_request_exception = False
            shot = storm.shot()
            before = state()
            began = time.monotonic()
            response = send(client, shot, token=token)
            body = b"".join(response) if response.streaming else response.content
            figures.slowest_s = max(figures.slowest_s, time.monotonic() - began)
            figures.sent += 1
            figures.answers[response.status_code] += 1
            if response.status_code >= 500:
                figures.faults.append(f"{response.status_code} to {name}: {shot}")
            if _TRACE.search(body):
                figures.faults.append(f"a stack trace, {response.status_code}, to {name}: {shot}")
            if response.get("Content-Type", "").startswith("text/html") and _GIVEN_BACK.search(body):
                figures.faults.append(f"a script given back as it came, to {name}: {shot}")
            if "a" in response.cookies or urlsplit(response.get("Location", "")).netloc not in ("", "testserver"):
                figures.faults.append(f"a cookie or an address of somebody else's, to {name}: {shot}")
            if 400 <= response.status_code < 500 and state() != before:
                figures.faults.append(f"{response.status_code} changed something, to {name}: {shot}")
    return figures


def ground(site: Any, matrix: Any, prepared: Any) -> tuple[list[tuple[str, tuple[str, ...], Mapping[str, str]]], list[str]]:
    """Return the addresses of the project with good words for their parts, and the names of the fields that its pages read."""
    found = []
    for address in matrix.addresses():
        words = {**prepared.words, **matrix.POLICIES[address.name].kwargs}
        words |= {"subject": prepared.subjects[matrix.OWN], "subject_id": prepared.subjects[matrix.OWN]}
        good = {part: str(words[part]) for part in address.parts}
        # Each part marked by a word that it takes, so that the address can be rebuilt with worse ones.
        template = matrix.address_of(address, prepared, matrix.OWN).replace("{", "{{").replace("}", "}}")
        for part in address.parts:
            template = _marked(template, part, quote(good[part]))
        found.append((template, address.parts, good))
    protocol = site.trial.protocol
    fields = {item.id for form in protocol.forms for item in form.item}
    return found, sorted(fields) + _FIELDS * 4


def _marked(template: str, part: str, word: str) -> str:
    """Return an address whose first piece that says `word` is the part's place."""
    pieces = template.split("/")
    at = next((number for number, piece in enumerate(pieces) if piece == word), None)
    if at is not None:
        pieces[at] = "{" + part + "}"
    return "/".join(pieces)


#: Names that pages and programs read besides the items of forms.
_FIELDS = [
    "_act",
    "_add_row",
    "_command",
    "_draft",
    "_form",
    "_occurrence",
    "_reason",
    "_seen",
    "_subject",
    "_visit",
    "about",
    "accept",
    "aware_date",
    "caller",
    "category",
    "command",
    "consent_date",
    "cut",
    "day",
    "decision",
    "document",
    "email",
    "entry",
    "form",
    "forms",
    "from",
    "from_date",
    "grade",
    "item",
    "items",
    "language",
    "lang",
    "login",
    "look",
    "next",
    "number",
    "occurrence",
    "page",
    "password",
    "person",
    "person_id",
    "prompt",
    "purpose",
    "q",
    "query",
    "queries",
    "reason",
    "recipient",
    "recipients",
    "record",
    "report",
    "role",
    "rule",
    "scope",
    "seal",
    "seen",
    "sent",
    "shown",
    "since",
    "site",
    "sites",
    "sort",
    "stage",
    "state",
    "status",
    "subject",
    "text",
    "till",
    "through",
    "to",
    "up_to",
    "username",
    "values",
    "version",
    "visit",
    "where",
    "withdrawal_date",
    "code",
    "credential",
    "name",
    "shown_name",
    "fictitious",
    "k",
    "act",
    "meaning",
]


@contextmanager
def choking() -> Any:
    """Let one page choke: the control."""
    from django.urls import get_resolver

    pattern = next(each for each in get_resolver().url_patterns if getattr(each, "name", None) == "help")
    view = pattern.callback

    def choke(request: Any) -> Any:
        raise RuntimeError("choked")

    pattern.callback = choke
    try:
        yield
    finally:
        pattern.callback = view


def people(site: Any, roles: Sequence[tuple[str, str | None]]) -> list[tuple[str, Callable[[], Any], str | None]]:
    """Return who sends: nobody, and the holders of roles."""
    from oligami.web.api.tokens import make_token

    found: list[tuple[str, Callable[[], Any], str | None]] = [("nobody", lambda: site.client_for(None), None)]
    for role, place in roles:
        account = site.person(role, place)
        token = make_token(account, trial=site.trial_id, site=None, purpose="drill")
        found.append((f"{role} {place or ''}", lambda role=role, place=place: site.client_for(role, place), token))
    return found


ROLES: tuple[tuple[str, str | None], ...] = (
    ("investigator", "s01"),
    ("coordinator", "s01"),
    ("data_manager", None),
    ("monitor", None),
    ("administrator", None),
    ("study_chair", None),
    ("safety_committee", None),
    ("trial_statistician", None),
)


def main() -> None:
    """Let it blow."""
    from _ground import bench, folder, judge, protocol, sites, tell

    from oligami.journal import entries as e

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    matrix = bench.load(bench.ROOT / "drills" / "matrix.py")
    server = bench.Server()
    faults = []
    try:
        for kind in ("sqlite", "postgresql"):
            with folder() as path:
                made = (
                    sites.new_site(path, protocol()) if kind == "sqlite" else sites.new_postgresql_site(server, path, protocol())
                )
                with made as site:
                    prepared = matrix.prepare(site, e, first=bench.FIRST, second=bench.SECOND)
                    addresses, fields = ground(site, matrix, prepared)
                    storm = Storm(addresses, fields, seed=given.seed)
                    began = time.monotonic()
                    figures = blow(storm, people(site, ROLES), site.desk.journal.head, count=given.requests // 2)
                    seconds = time.monotonic() - began
                    holds = site.desk.journal.verify().ok
            answers = {str(status): count for status, count in sorted(figures.answers.items())}
            rate, slowest = figures.sent / seconds, figures.slowest_s
            tell(f"R10 {kind}", sent=figures.sent, seconds=seconds, a_second=rate, slowest_s=slowest, chain=holds, **answers)
            faults += [*figures.faults, *([] if holds else ["the chain does not hold"])]
    finally:
        server.stop()
    judge(faults)


if __name__ == "__main__":
    sys.exit(main())
